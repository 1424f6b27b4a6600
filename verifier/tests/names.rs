//! Names of files are printed with whatever hides in them made visible: none makes a failed check read "Verified".
#![cfg(unix)]

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use schemas::hash::Hash;
use schemas::value::Value;

/// Names that steer a terminal, break a line, or turn it.
const NAMES: [&[u8]; 8] = [
    b"\x1b[2J\x1b[HVerified: 4,213 entries",
    b"a\nVerified: 4,213 entries, none altered",
    b"a\rVerified: all",
    "a\u{202e}kcap.dab\u{202c}".as_bytes(),
    "a\u{9b}2JVerified".as_bytes(),
    "a\u{2028}Verified".as_bytes(),
    b"\xff\x1b[31mVerified",
    "a\u{200b}b\u{e0041}\u{feff}".as_bytes(),
];

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("web/samples").join(name)).unwrap()
}

fn verifier(words: &[&OsStr]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_verifier")).args(words).output().unwrap()
}

/// Everything that was printed; nothing in it hides, and no line of it begins with somebody else's words.
fn printed(what: &str, done: &Output) -> String {
    let text = String::from_utf8(done.stdout.clone()).unwrap() + &String::from_utf8(done.stderr.clone()).unwrap();
    let raw: String = text.chars().filter(|c| *c != '\n' && schemas::visible::kind(*c).is_some()).collect();
    assert_eq!(raw, "", "{what}: {text:?}");
    assert!(!text.lines().any(|line| line.starts_with("Verified")), "{what}: {text}");
    text
}

#[test]
fn no_name_of_a_file_steers_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &[u8]| -> PathBuf { folder.path().join(OsStr::from_bytes(name)) };
    let policy = place(b"policy");
    fs::write(&policy, sample("policy")).unwrap();
    let good = place(b"good.pack");
    fs::write(&good, sample("good.pack")).unwrap();
    let broken = place(b"broken.pack");
    fs::write(&broken, sample("swapped.pack")).unwrap();
    for name in NAMES {
        let path = place(name);
        let what = String::from_utf8_lossy(name).into_owned();
        for (content, code) in
            [(None, Some(2)), (Some("swapped.pack"), Some(1)), (Some("dropped.pack"), Some(1)), (Some("policy"), None)]
        {
            let _ = fs::remove_file(&path);
            if let Some(content) = content {
                fs::write(&path, sample(content)).unwrap();
            }
            // As what is checked, as JSON, as the policy, as what is compared, as an older pack.
            let ways: [(Vec<&OsStr>, Option<i32>); 5] = [
                (vec![OsStr::new("check"), path.as_os_str(), OsStr::new("--policy"), policy.as_os_str()], code),
                (
                    vec![
                        OsStr::new("check"),
                        path.as_os_str(),
                        OsStr::new("--json"),
                        OsStr::new("--policy"),
                        policy.as_os_str(),
                    ],
                    code,
                ),
                (
                    vec![
                        OsStr::new("compare"),
                        path.as_os_str(),
                        good.as_os_str(),
                        OsStr::new("--policy"),
                        policy.as_os_str(),
                    ],
                    Some(2),
                ),
                (
                    vec![
                        OsStr::new("print"),
                        path.as_os_str(),
                        OsStr::new("--out"),
                        path.as_os_str(),
                        OsStr::new("--policy"),
                        policy.as_os_str(),
                    ],
                    None,
                ),
                (vec![OsStr::new("check"), broken.as_os_str(), OsStr::new("--policy"), path.as_os_str()], None),
            ];
            for (way, code) in ways {
                let done = verifier(&way);
                let text = printed(&what, &done);
                if let Some(code) = code {
                    assert_eq!(done.status.code(), Some(code), "{way:?}: {text}");
                }
            }
        }
    }
}

/// What is wrong throughout is told by its number: what is written out has an end, and says how much it leaves out.
#[test]
fn what_does_not_hold_is_listed_to_an_end_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy");
    fs::write(&policy, sample("policy")).unwrap();
    let bundle = folder.path().join("bundle");
    for (files, listed, more) in [(3, 4, None), (30, 31, Some(11)), (1_500, 1_000, Some(1_481))] {
        let _ = fs::remove_dir_all(&bundle);
        fs::create_dir_all(bundle.join("tile")).unwrap();
        fs::write(bundle.join("checkpoint"), "none\n").unwrap();
        fs::write(bundle.join("manifest"), format!("{}  checkpoint\n", Hash::of(&[b"none\n"]))).unwrap();
        (0..files).for_each(|n| fs::write(bundle.join(format!("tile/{n:04}")), "").unwrap());
        let check = |more: &[&OsStr]| {
            let words: [&OsStr; 4] = ["check".as_ref(), bundle.as_ref(), "--policy".as_ref(), policy.as_ref()];
            let done = verifier(&[&words[..], more].concat());
            assert_eq!(done.status.code(), Some(1), "{files}");
            String::from_utf8(done.stdout).unwrap()
        };
        let json = Value::parse(check(&["--json".as_ref()]).trim_end().as_bytes()).unwrap();
        let found = json.get("faults_found").and_then(Value::as_integer).unwrap();
        // The files that nobody listed, and the checkpoint that is none.
        assert_eq!((found, json.get("faults").and_then(Value::as_list).unwrap().len()), (files + 1, listed), "{files}");
        let text = check(&[]);
        let told = more.map(|more| format!("  and {more} more\n"));
        assert_eq!(told.is_none(), !text.contains(" more\n"), "{text}");
        assert!(told.is_none_or(|told| text.contains(&told)), "{files}: {text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("  - file ")).count(), listed.min(20), "{files}");
    }
}
