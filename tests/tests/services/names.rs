//! Names and values that others chose: no command of the ledger, the projector or the demo prints one that steers a
//! terminal, turns the direction of what stands beside it, or begins a line of its own.

use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use crate::paths::{place, program};

/// Names that steer a terminal, break a line, or turn it; one that is markup and a formula; one that is long.
fn names() -> Vec<Vec<u8>> {
    let names: [&[u8]; 3] = [
        b"a\nVerified: 4,213 entries, none altered\r\x07\x1b[2J\x1b[HVerified: all",
        "=a\u{202e}kcap.dab\u{2066}\u{202c}\u{9b}2J\u{85}b\u{2028}Verified\u{200b}\u{e0041}\u{feff}<script>".as_bytes(),
        b"-a@+\xff\x1b[31mVerified",
    ];
    names.into_iter().map(<[u8]>::to_vec).chain([vec![b'n'; 240]]).collect()
}

fn run(folder: &Path, name: &str, arguments: Vec<OsString>) -> Output {
    let mut command = Command::new(program(name));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

/// Everything that was printed; nothing in it hides, and no line of it begins with somebody else's words.
fn printed(what: &str, done: &Output) -> String {
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    let raw: String = text.chars().filter(|c| *c != '\n' && schemas::visible::kind(*c).is_some()).collect();
    let steers = !raw.is_empty() || text.lines().any(|line| line.starts_with("Verified"));
    if steers || !matches!(done.status.code(), Some(0..=2)) {
        let text: String = text.chars().take(400).collect();
        BAD.lock().unwrap().push(format!("{what}: {:?} {text:?}", done.status.code()));
    }
    text
}

/// What was printed and should not have been.
static BAD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn nothing_is_bad() {
    let bad = BAD.lock().unwrap();
    assert!(bad.is_empty(), "{} of them\n{}", bad.len(), bad.join("\n"));
}

/// The words of a line, `#` replaced by a name whose bytes may be anything.
fn words(line: &str, name: &[u8]) -> Vec<OsString> {
    let word = |word: &str| {
        let parts: Vec<&[u8]> = word.split('#').map(str::as_bytes).collect();
        OsString::from_vec(parts.join(name))
    };
    line.split(' ').map(word).collect()
}

/// Every option that names a file or a folder, and every one that takes a word.
const LINES: [(&str, &str); 62] = [
    ("ledger", "init # --origin b.example/log --parties none.csv --keys k2"),
    ("ledger", "init new --origin # --parties parties.csv --keys k2"),
    ("ledger", "init new --origin b.example/log --parties # --keys k2"),
    ("ledger", "init new --origin b.example/log --parties parties.csv --profile # --keys k2"),
    ("ledger", "keygen --origin # --party cso-x --holder x9 --keys k3"),
    ("ledger", "keygen --origin b.example/log --party # --holder x9 --keys k3"),
    ("ledger", "keygen --origin b.example/log --party cso-x --holder # --keys k3"),
    ("ledger", "import # registers --keys keys"),
    ("ledger", "import my # --keys keys --dry-run"),
    ("ledger", "import my # --party cso-x --keys keys"),
    ("ledger", "import my # --party cso-x --keys keys --json --dry-run"),
    ("ledger", "import my visit.attempted.csv --party # --keys keys"),
    ("ledger", "import my visit.attempted.csv --party cso-x --keys # "),
    ("ledger", "import my visit.attempted.csv --party cso-x --keys keys --mapping #"),
    ("ledger", "import my visit.attempted.csv --party cso-x --keys keys --encoding #"),
    ("ledger", "append my # --keys keys"),
    ("ledger", "append my event.json --keys #"),
    ("ledger", "cosign my # --keys keys"),
    ("ledger", "cosign - # --keys keys --only-sign"),
    ("ledger", "key enrol my --party # --holder x9 --keys keys"),
    ("ledger", "key enrol my --party cso-x --holder x9 --by # --keys keys"),
    ("ledger", "key enrol my --party cso-x --holder x9 --recipient # --by cso-x:x1 --keys keys"),
    ("ledger", "key revoke my --party cso-x --holder x1 --reason # --keys keys"),
    ("ledger", "key revoke my --party cso-x --holder x1 --reason compromise --since # --keys keys"),
    ("ledger", "epoch my --writer # --by op:o1 --keys keys"),
    ("ledger", "template #"),
    ("ledger", "pack my # --for public --out p.pack"),
    ("ledger", "pack my organisation/cso-x --for # --keys keys --out p.pack"),
    ("ledger", "pack my organisation/cso-x --for public --out #/none/p.pack"),
    ("ledger", "receipt my #"),
    ("ledger", "export my --out #"),
    ("ledger", "export my --openings o --for # --purpose audit --keys keys"),
    ("ledger", "export my --openings o --for npm --purpose # --keys keys"),
    ("ledger", "restore back --bundle # --policy my/policy --from my"),
    ("ledger", "restore back --bundle bundle --policy # --from my"),
    ("ledger", "restore back --bundle bundle --policy my/policy --from #"),
    ("ledger", "document my #"),
    ("ledger", "witness my --policy #"),
    ("ledger", "anchor my --also #/none"),
    ("ledger", "erase my #"),
    ("ledger", "unseal my # --identity none --purpose audit --keys keys"),
    ("ledger", "unseal my 1 --identity # --purpose audit --keys keys"),
    ("ledger", "intake # --keys keys"),
    ("ledger", "clock confirm my --date #"),
    ("ledger", "take-in my #"),
    ("ledger", "fsck #"),
    ("ledger", "publish #"),
    ("ledger", "serve my --config #"),
    ("ledger", "serve my --listen #"),
    (
        "ledger",
        "succeed next --origin # --from bundle --from-policy my/policy --reason loss --parties parties.csv --keys keys",
    ),
    ("ledger", "outbox init # --policy none --party cso-x --parties parties.csv --key-file secret"),
    ("ledger", "outbox init out --policy # --party cso-x --parties parties.csv --key-file secret"),
    ("ledger", "outbox init out --policy my/policy --party # --parties parties.csv --key-file secret"),
    ("ledger", "outbox status # --key-file secret"),
    ("ledger", "outbox pack-up office # --key-file #"),
    ("ledger", "outbox cosign office # --key-file office.key"),
    ("ledger", "outbox carry # --policy my/policy --key keys/cso-x.x1.key"),
    ("projector", "report --bundle # --policy my/policy --audience public --out out"),
    ("projector", "report --bundle bundle --policy # --audience public --out out"),
    ("projector", "site --bundle bundle --policy my/policy --as-of # --out out"),
    ("projector", "serve --feed # --policy my/policy --state state --listen 127.0.0.1:0"),
    ("demo", "--no-serve --scenario # --out demo-out"),
];

#[test]
fn no_name_that_is_given_steers_what_is_printed() {
    let place = place();
    let folder = place.path();
    fs::write(folder.join("visit.attempted.csv"), "row_id\n").unwrap();
    fs::write(folder.join("event.json"), "{}").unwrap();
    let init = "outbox init office --policy my/policy --party cso-x --parties parties.csv --key-file office.key";
    assert_eq!(run(folder, "ledger", words(init, b"")).status.code(), Some(0));
    for name in names() {
        let shown = String::from_utf8_lossy(&name).into_owned();
        for (program, line) in LINES {
            printed(&format!("{program} {line}, {shown:?}"), &run(folder, program, words(line, &name)));
        }
        // A file of that name, with nothing of use in it; a register too, whose name is its type.
        let path = folder.join(OsString::from_vec(name.clone()));
        if path.symlink_metadata().is_ok() {
            fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path)).unwrap();
        }
        let mut file = fs::File::create(&path).unwrap();
        file.set_permissions(fs::Permissions::from_mode(0o600)).unwrap();
        // What is in it steers no more than its name does.
        file.write_all(&[b"log ", name.as_slice(), b"\n[", &name, b"]\n\"", &name, b"\",x\n"].concat()).unwrap();
        for (program, line) in
            LINES.iter().filter(|(_, line)| !line.starts_with("init # ") && !line.starts_with("outbox init # "))
        {
            printed(&format!("{program} {line}, in a file {shown:?}"), &run(folder, program, words(line, &name)));
        }
        fs::remove_file(&path).unwrap();
    }
    nothing_is_bad();
}

#[test]
fn no_value_that_is_read_steers_what_is_printed() {
    let place = place();
    let folder = place.path();
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    for name in names() {
        let shown = String::from_utf8_lossy(&name).into_owned();
        let csv = [b"\"", name.as_slice(), b"\""].concat();
        let json = serde_json::to_string(&shown).unwrap().into_bytes();
        let toml = [b"\"\"\"", name.as_slice(), b"\"\"\""].concat();
        let row = |column: usize| {
            let mut cells: Vec<&[u8]> = [
                "r1",
                "2025-03-04",
                "x1",
                "",
                "at-1",
                "fac-a",
                "cso-x",
                "2025-03-04",
                "2025-03-04T09:00:00Z",
                "turned_away",
                "30",
            ]
            .map(str::as_bytes)
            .to_vec();
            if let Some(cell) = cells.get_mut(column) {
                *cell = &csv;
            }
            cells.join(&b',')
        };
        let header =
            b"row_id,occurred_at,signer,cosigner,id,facility,organisation,attempted_on,arrived_at,outcome,wait\n";
        for column in 0..11 {
            write("visit.attempted.csv", &[header.as_slice(), &row(column), b"\n"].concat());
            for more in ["", " --json"] {
                let line = format!("import my visit.attempted.csv --party cso-x --keys keys --dry-run{more}");
                let said =
                    printed(&format!("column {column}{more}, {shown:?}"), &run(folder, "ledger", words(&line, b"")));
                if !more.is_empty() {
                    said.lines().filter(|line| line.starts_with('{')).for_each(|line| {
                        serde_json::from_str::<serde_json::Value>(line).unwrap();
                    });
                }
            }
        }
        let event = |field: &str| {
            let good = r#"{"type":"visit.attempted","party":"cso-x","signer":"x1","id":"at-1","facility":"fac-a","outcome":"x"}"#;
            let mut event: serde_json::Value = serde_json::from_str(good).unwrap();
            event[field] = shown.clone().into();
            serde_json::to_vec(&event).unwrap()
        };
        let parties = |column: usize| {
            let mut cells: Vec<&[u8]> = ["cso-z", "cso", "Z", "named", "en", "z1"].map(str::as_bytes).to_vec();
            cells[column] = &csv;
            [crate::paths::PARTIES.as_bytes(), &cells.join(&b','), b"\n"].concat()
        };
        let mut all: Vec<(&str, Vec<u8>, &str)> = Vec::new();
        for field in ["type", "party", "signer", "id", "facility", "outcome", "row_id", "nothing", "occurred_at"] {
            all.push(("event.json", event(field), "append my event.json --keys keys"));
        }
        for column in 0..6 {
            all.push(("other.csv", parties(column), "init new --origin b.example/log --parties other.csv --keys k2"));
        }
        let init = "init new --origin b.example/log --parties other/none.csv --profile profile.toml --keys k2";
        let import = "import my visit.attempted.csv --party cso-x --keys keys --mapping mapping.toml --dry-run";
        all.extend([
            ("profile.toml", [b"[calendar]\nutc_offset_minutes = ", toml.as_slice()].concat(), init),
            ("profile.toml", [b"[\"", name.as_slice(), b"\"]\nx = 1\n"].concat(), init),
            ("mapping.toml", [b"[\"visit.attempted\".columns]\nwait = ", toml.as_slice()].concat(), import),
            ("mapping.toml", [b"[\"visit.attempted\".columns]\n", csv.as_slice(), b" = \"wait\"\n"].concat(), import),
            ("mapping.toml", [b"[", csv.as_slice(), b".columns]\na = \"wait\"\n"].concat(), import),
            ("config.toml", [b"[listen]\naddress = ", toml.as_slice()].concat(), "serve my --config config.toml"),
            ("config.toml", [b"[mirror]\n", csv.as_slice(), b" = 1"].concat(), "serve my --config config.toml"),
            ("policy", [b"log ", name.as_slice(), b"\nquorum none\n"].concat(), "witness my --policy policy"),
            (
                "policy",
                [b"log ", name.as_slice(), b"\n"].concat(),
                "restore back --bundle bundle --policy policy --from my",
            ),
            (
                "some.draft",
                [b"{\"event\":", json.as_slice(), b"}\n", &name, b" x1\n"].concat(),
                "cosign my some.draft --keys keys",
            ),
            ("my/drafts/some.draft", [b"{\"source\":", json.as_slice(), b"}\ncso-x x1\n"].concat(), "fsck my"),
            ("stick/oversight-ledger/parcels/a.jsonl", [json.as_slice(), b"\n"].concat(), "take-in my stick"),
            (
                "keys/cso-x.x9.key",
                [b"oversight-secret-key/v1\n", name.as_slice(), b"\nAA==\n"].concat(),
                "key enrol my --party cso-x --holder x9 --by cso-x:x1 --keys keys",
            ),
            (
                "statement",
                [name.as_slice(), b"\n"].concat(),
                "pack my organisation/cso-x --for public --out p.pack --statement statement",
            ),
        ]);
        for (file, bytes, line) in all {
            write(file, &bytes);
            let _ = fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o600));
            printed(&format!("{line}, {file} with {shown:?}"), &run(folder, "ledger", words(line, b"")));
            fs::remove_file(folder.join(file)).unwrap();
            let _ = fs::remove_dir_all(folder.join("new"));
        }
        // Files and folders of that name where a command looks through a folder.
        if name.len() < 240 {
            let there = |at: &str| folder.join(at).join(OsString::from_vec(name.clone()));
            for (at, is_folder, program, line) in [
                ("country", false, "ledger", "import my country --keys keys --dry-run"),
                ("country", true, "ledger", "import my country --keys keys --dry-run"),
                ("country/registers", true, "ledger", "import my country --keys keys --dry-run"),
                ("country/registers/cso-x", false, "ledger", "import my country --keys keys --dry-run"),
                ("country", false, "demo", "--no-serve --scenario country --out made"),
                ("country/registers", true, "demo", "--no-serve --scenario country --out made"),
                ("full", false, "ledger", "init full --origin b.example/log --parties parties.csv --keys k2"),
                ("my/documents", false, "ledger", "fsck my"),
                ("my/outbox", false, "ledger", "fsck my"),
                ("my/intake/waiting", false, "ledger", "fsck my"),
                ("stick/oversight-ledger/parcels", false, "ledger", "take-in my stick"),
                ("bundle", false, "projector", "report --bundle bundle --policy my/policy --audience public --out out"),
                ("bundle", true, "projector", "site --bundle bundle --policy my/policy --out out"),
            ] {
                fs::create_dir_all(there(at).parent().unwrap()).unwrap();
                fs::create_dir_all(folder.join("country/registers")).unwrap();
                fs::write(folder.join("country/parties.csv"), crate::paths::PARTIES).unwrap();
                fs::write(folder.join("country/profile.toml"), "").unwrap();
                let path = there(at);
                if is_folder {
                    fs::create_dir(&path).unwrap();
                } else {
                    fs::write(&path, "x").unwrap();
                }
                printed(&format!("{program} {line}, {shown:?} in {at}"), &run(folder, program, words(line, b"")));
                if is_folder {
                    fs::remove_dir(&path).unwrap();
                } else {
                    fs::remove_file(&path).unwrap();
                }
                let _ = fs::remove_dir_all(folder.join("made"));
            }
        }
    }
    nothing_is_bad();
}
