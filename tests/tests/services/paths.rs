//! Whatever stands where the projector and the demo expect a file or a folder: neither waits for it, takes memory for it,
//! or follows it elsewhere.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use tempfile::TempDir;

/// A command that does not end within this time waits for somebody.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most memory of a command that has nothing to read, in kilobytes of address space: the programs' own and threads'.
const ADDRESS_SPACE_KB: u32 = 4 << 20;

pub const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1;o2
min,ministry,Ministry of Justice,named,en,m1
npm,oversight,Preventive Mechanism,named,en,n1
fac-a,facility,Prison A,named,en,d1;d2
cso-x,cso,Open Hands,named,en,x1;x2
";

pub fn program(name: &str) -> PathBuf {
    let demo = Path::new(env!("CARGO_BIN_EXE_demo"));
    let path = demo.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not there: run `cargo build --bins` first, as tests/run does", path.display());
    path
}

/// Runs a program that must end by itself; gives its code and what it said on either stream.
pub fn ends(folder: &Path, name: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("ulimit -v {ADDRESS_SPACE_KB}; exec \"$0\" \"$@\"")]).arg(program(name));
    command.args(arguments).current_dir(folder).stdin(Stdio::null());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let number = child.id().to_string();
    let (say, said) = channel();
    std::thread::spawn(move || drop(say.send(child.wait_with_output())));
    let Ok(out) = said.recv_timeout(PATIENCE) else {
        let _ = Command::new("kill").args(["-9", &number]).status();
        panic!("{name} {arguments:?}: it waits for somebody");
    };
    let out = out.unwrap();
    (out.status.code(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

/// A ledger `my` with keys in `keys`, its bundle, and all its openings.
pub fn place() -> TempDir {
    let place = TempDir::new().unwrap();
    fs::write(place.path().join("parties.csv"), PARTIES).unwrap();
    for line in [
        "init my --origin a.example/log --parties parties.csv --keys keys",
        "key enrol my --party cso-x --holder x1 --role cso --keys keys --make-key",
        "export my --openings openings --for npm --purpose audit --keys keys",
        "export my --out bundle",
    ] {
        let (code, said) = ends(place.path(), "ledger", &line.split(' ').collect::<Vec<_>>());
        assert_eq!(code, Some(0), "{line}: {said}");
    }
    place
}

/// What somebody may have put there: its name, and words of which one is said.
const PREPARED: [(&str, &[&str]); 10] = [
    ("fifo", &["named pipe", "no folder", "no such folder", "not a folder"]),
    ("to-a-pipe", &["named pipe", "no folder", "no such folder", "not a folder"]),
    ("socket", &["socket", "no folder", "no such folder", "not a folder"]),
    ("/dev/zero", &["device", "no folder", "no such folder", "not a folder"]),
    ("dangling", &["link", "no folder", "no such", "No such", "not a folder", "exist"]),
    ("sparse", &["longer than", "no folder", "no such folder", "not a folder", "is a file", "archive"]),
    ("dir", &["folder", "directory"]),
    ("none/at/all", &["no such", "No such", "not there"]),
    ("closed", &["denied", "no folder", "no such folder", "not a folder", "is a file"]),
    // A file like any other, which the disk does not give.
    ("/proc/self/mem", &["Input/output error", "no folder", "no such folder", "not a folder", "is a file"]),
];

fn prepare(folder: &Path) {
    assert!(Command::new("mkfifo").arg(folder.join("fifo")).status().expect("mkfifo").success());
    symlink("fifo", folder.join("to-a-pipe")).unwrap();
    drop(UnixListener::bind(folder.join("socket")).unwrap());
    symlink("nowhere", folder.join("dangling")).unwrap();
    let sparse = File::create(folder.join("sparse")).unwrap();
    sparse.set_len(100 << 30).unwrap();
    // A secret that others can read is refused for that.
    sparse.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(folder.join("closed"), "nobody may read it\n").unwrap();
    fs::set_permissions(folder.join("closed"), fs::Permissions::from_mode(0o000)).unwrap();
    fs::create_dir(folder.join("dir")).unwrap();
    fs::set_permissions(folder.join("dir"), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn no_option_of_the_projector_or_the_demo_waits_or_reads_without_end() {
    let place = place();
    let folder = place.path();
    prepare(folder);
    let report = "report --bundle bundle --policy my/policy --audience oversight --out out";
    let serve = "serve --feed bundle:bundle --policy my/policy --state state --listen 127.0.0.1:0";
    let with_oversight = format!("{serve} --oversight-listen 127.0.0.1:0");
    // The line, and whether a folder is what it expects.
    for (name, line, wants_folder) in [
        ("projector", report.replace("--bundle bundle", "--bundle #"), true),
        ("projector", report.replace("my/policy", "#"), false),
        ("projector", format!("{report} --openings #"), true),
        ("projector", format!("{report} --openings openings --key #"), false),
        ("projector", "site --bundle # --policy my/policy --out out".to_owned(), true),
        ("projector", "site --bundle bundle --policy # --out out".to_owned(), false),
        ("projector", serve.replace("bundle:bundle", "bundle:#"), true),
        ("projector", serve.replace("my/policy", "#"), false),
        ("projector", format!("{with_oversight} --openings #"), true),
        ("projector", format!("{with_oversight} --openings openings --key #"), false),
        ("projector", serve.replace("bundle:bundle", "nats://u@127.0.0.1:1") + " --password-file #", false),
        ("demo", "--no-serve --out made --scenario #".to_owned(), true),
    ] {
        for (there, words) in PREPARED {
            if there == "dir" && (wants_folder || line.contains("--password-file")) && name == "projector" {
                continue; // an empty folder is told as such elsewhere, or may be filled while it is followed
            }
            if there == "closed" && File::open(folder.join(there)).is_ok() {
                continue; // nothing is closed to root
            }
            let line = line.replace('#', there);
            let (code, said) = ends(folder, name, &line.split(' ').collect::<Vec<_>>());
            let says = words.iter().any(|word| said.contains(word))
                || said.contains("has no ")
                || said.contains("Not a directory");
            assert!(code == Some(2) && says, "{name} {line}: {code:?} {said}");
        }
    }
    // Where something is to be written: what stands there is not followed, and not replaced.
    for (name, line) in [
        ("projector", "report --bundle bundle --policy my/policy --audience public --out #"),
        ("projector", "site --bundle bundle --policy my/policy --out #"),
        ("projector", "serve --feed bundle:bundle --policy my/policy --state # --listen 127.0.0.1:0"),
        ("demo", "--no-serve --scenario dir --out #"),
    ] {
        for there in ["fifo", "to-a-pipe", "socket", "/dev/zero", "dangling", "sparse"] {
            let line = line.replace('#', there);
            let (code, said) = ends(folder, name, &line.split(' ').collect::<Vec<_>>());
            assert!(code == Some(2) && said.contains(there), "{name} {line}: {code:?} {said}");
        }
    }
    // In the folders that are read.
    let (bundle, scenario) = (folder.join("bundle"), folder.join("country"));
    fs::create_dir(&scenario).unwrap();
    fs::write(scenario.join("parties.csv"), PARTIES).unwrap();
    fs::write(scenario.join("profile.toml"), "").unwrap();
    for (file, name, line) in [
        (bundle.join("checkpoint"), "projector", report),
        (bundle.join("manifest"), "projector", report),
        (bundle.join("policy"), "projector", report),
        (scenario.join("parties.csv"), "demo", "--no-serve --out made --scenario country"),
        (scenario.join("profile.toml"), "demo", "--no-serve --out made --scenario country"),
    ] {
        let kept = fs::read(&file).unwrap();
        for there in ["fifo", "socket", "sparse", "dir"] {
            fs::remove_file(&file).unwrap();
            fs::rename(folder.join(there), &file).unwrap();
            let (code, said) = ends(folder, name, &line.split(' ').collect::<Vec<_>>());
            assert!(matches!(code, Some(1 | 2)), "{} {there}: {code:?} {said}", file.display());
            fs::rename(&file, folder.join(there)).unwrap();
            fs::write(&file, &kept).unwrap();
        }
    }
    for name in ["nowhere", "out"] {
        assert!(
            !folder.join(name).exists(),
            "{name} was made: {:?}",
            fs::read_dir(folder.join(name)).map(Iterator::count)
        );
    }
}
