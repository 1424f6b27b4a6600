//! Whatever stands where a file is expected: no command waits for it, takes memory for it, or follows it elsewhere.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::place::Place;

/// What somebody may have put there: its name, and a word of what is said.
const PREPARED: [(&str, &str); 7] = [
    ("fifo", "named pipe"),
    ("socket", "socket"),
    ("/dev/zero", "device"),
    ("dangling", "link"),
    ("sparse", "longer than"),
    ("dir", "folder"),
    // A file like any other, which the disk does not give.
    ("/proc/self/mem", "Input/output error"),
];

fn prepare(folder: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(folder.join("fifo")).status().expect("mkfifo").success());
    drop(UnixListener::bind(folder.join("socket")).unwrap());
    symlink("nowhere", folder.join("dangling")).unwrap();
    let sparse = File::create(folder.join("sparse")).unwrap();
    sparse.set_len(100 << 30).unwrap();
    // Where a key is expected, one that others can read is refused for that, whatever mode the umask leaves.
    sparse.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    make_dir(&folder.join("dir"));
}

fn make_dir(path: &Path) {
    fs::DirBuilder::new().mode(0o700).create(path).unwrap();
}

fn place() -> Place {
    let place = Place::new();
    place.good("export my --out bundle");
    place.write("secret", &"5".repeat(64));
    prepare(&place.path(""));
    place
}

#[test]
fn no_option_of_any_command_waits_or_reads_without_end() {
    let place = place();
    for line in [
        "init new --origin b.example/log --parties @ --keys k2",
        "init new --origin b.example/log --parties parties.csv --profile @ --keys k2",
        "import my @ --party cso-x --keys keys",
        "import my parties.csv --party cso-x --mapping @ --keys keys",
        "append my @ --keys keys",
        "cosign my @ --keys keys",
        "pack my organisation/cso-x --for public --out p.pack --statement @",
        "restore back --bundle bundle --policy @ --from my",
        "serve my --config @ --listen 127.0.0.1:0",
        "document my @",
        "witness my --policy @",
        "unseal my 1 --identity @ --purpose audit --keys keys",
        "succeed next --origin c.example/log --from bundle --from-policy @ --reason loss --parties parties.csv --keys keys",
        "outbox init out --policy @ --party cso-x --parties parties.csv --key-file secret",
        "outbox init out --policy my/policy --party cso-x --parties @ --key-file secret",
        "outbox init out --policy my/policy --party cso-x --parties parties.csv --profile @ --key-file secret",
        "outbox init out --policy my/policy --party cso-x --parties parties.csv --pseudonyms @ --key-file secret",
        "outbox init out --policy my/policy --party cso-x --parties parties.csv --pseudonyms my/pseudonyms --passphrase-file @",
        "outbox carry stick --policy @ --key keys/cso-x.x1.key",
        "outbox carry stick --policy my/policy --key @",
        "take-in my stick --identity @",
    ] {
        for (name, word) in PREPARED {
            let line = line.replace('@', name);
            let (code, said) = place.ends(&line);
            // Rows of a register are refused, with the file's name; whatever else cannot be read is no fault of anyone.
            let refused = line.starts_with("import my") && !line.contains("--mapping");
            let want = if refused { Some(1) } else { Some(2) };
            let says = said.contains(word) || (refused && said.contains(name));
            assert!(code == want && says, "{line}: {code:?} {said}");
        }
    }
    assert!(!place.path("nowhere").exists() && !place.path("p.pack").exists(), "nothing is made");
}

#[test]
fn no_path_of_a_configuration_waits_or_reads_without_end() {
    let place = place();
    let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/localhost");
    for name in ["certificate.pem", "key.pem"] {
        fs::copy(tls.join(name), place.path(name)).unwrap();
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    fs::copy(place.path("key.pem"), place.path("seen")).unwrap();
    fs::set_permissions(place.path("seen"), fs::Permissions::from_mode(0o644)).unwrap();
    symlink("fifo", place.path("to-a-pipe")).unwrap();
    let serves = |what: &str, text: &str| {
        place.write("path.toml", &format!("[listen]\naddress = \"127.0.0.1:0\"\n{text}"));
        let (code, said) = place.ends("serve my --config path.toml");
        (code, format!("{what}: {text}: {code:?} {said}"))
    };
    let nats = "[nats]\nservers = [\"nats://127.0.0.1:1\"]\n";
    for (text, is_secret) in [
        ("[tls]\ncertificate = \"@\"\nkey = \"key.pem\"\n".to_owned(), false),
        ("[tls]\ncertificate = \"certificate.pem\"\nkey = \"@\"\n".to_owned(), true),
        (format!("{nats}user = \"ledger\"\npassword_file = \"@\"\n"), true),
        (format!("{nats}authorities = \"@\"\n"), false),
        (format!("{nats}certificate = \"@\"\nkey = \"key.pem\"\n"), false),
        (format!("{nats}certificate = \"certificate.pem\"\nkey = \"@\"\n"), true),
    ] {
        let others = [("to-a-pipe", "named pipe"), ("none/at/all", "o such file"), ("seen", "chmod 600")];
        for (name, word) in PREPARED.into_iter().chain(others) {
            if name == "seen" && !is_secret {
                continue;
            }
            let (code, said) = serves(name, &text.replace('@', name));
            let says = said.contains(word)
                || name == "none/at/all" && ["not there", "there is no"].iter().any(|word| said.contains(word));
            assert!(code == Some(2) && says, "{said}");
        }
    }
    // Folders, and a file that is written.
    for text in ["[mirror]\nfolder = \"@\"\n", "[readings]\nkeys = \"@\"\n", "[anchor]\nalso = \"@\"\n"] {
        for name in ["fifo", "to-a-pipe", "socket", "/dev/zero", "sparse"] {
            let (code, said) = serves(name, &text.replace('@', name));
            assert!(matches!(code, Some(1 | 2)) && said.contains(name), "{said}");
        }
    }
    assert!(!place.path("nowhere").exists());
}

#[test]
fn a_file_of_the_ledger_or_of_a_stick_may_be_anything_too() {
    let place = place();
    let parcels = "stick/oversight-ledger/parcels";
    fs::create_dir_all(place.path(parcels)).unwrap();
    place.write("event.json", "{\"type\":\"visit.attempted\",\"party\":\"cso-x\"}");
    for (at, line) in [
        (format!("{parcels}/a.jsonl"), "take-in my stick"),
        ("my/policy".to_owned(), "export my --out other"),
        ("my/parties.csv".to_owned(), "append my event.json --keys keys"),
        ("keys/cso-x.x1.key".to_owned(), "key enrol my --party cso-x --holder x3 --by cso-x:x1 --keys keys"),
    ] {
        let path = place.path(&at);
        let kept = fs::read(&path).ok();
        for (name, word) in PREPARED.into_iter().filter(|(name, _)| !name.starts_with('/') && *name != "dangling") {
            let _ = fs::remove_file(&path);
            match name {
                // Moved there, as a link to it would be refused for what it is.
                "dir" => make_dir(&path),
                _ => fs::rename(place.path(name), &path).unwrap(),
            }
            let (code, said) = place.ends(line);
            assert!(code == Some(2) && said.contains(word), "{at} {name}: {code:?} {said}");
            match name {
                "dir" => fs::remove_dir(&path).unwrap(),
                _ => fs::rename(&path, place.path(name)).unwrap(),
            }
        }
        if let Some(bytes) = kept {
            fs::write(&path, bytes).unwrap();
        }
    }
    // What a stick brings is no link to what lies elsewhere.
    symlink(place.path("secret"), place.path(parcels).join("b.jsonl")).unwrap();
    let (code, said) = place.ends("take-in my stick");
    assert!(code == Some(2) && said.contains("links are not followed here"), "{code:?} {said}");
}
