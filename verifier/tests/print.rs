//! What is printed of a pack is every record of it, and the name of whatever is not printed.

use std::fs;
use std::path::Path;
use std::process::Command;

use schemas::value::Value;

/// Runs the command in that folder: its code, and what it said.
fn run(folder: &Path, line: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verifier"));
    let done = command.args(line.split(' ')).current_dir(folder).output().unwrap();
    (done.status.code(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

fn texts(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_list).unwrap_or_default().iter().map(|one| one.as_text().unwrap().to_owned()).collect()
}

#[test]
fn a_printed_pack_has_every_record_and_names_what_it_leaves_out() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/samples");
    let folder = tempfile::tempdir().unwrap();
    for (name, holds) in [
        ("good.pack", true),
        ("older.pack", true),
        ("erased.pack", true),
        ("absent.pack", true),
        ("dropped.pack", false),
        ("swapped.pack", false),
        ("rewritten.pack", false),
        ("false-erasure.pack", false),
    ] {
        fs::copy(samples.join("policy"), folder.path().join("policy")).unwrap();
        fs::copy(samples.join(name), folder.path().join("pack")).unwrap();
        let (checked, json) = run(folder.path(), "check pack --policy policy --json");
        let (code, said) = run(folder.path(), "print pack --policy policy --out page.html");
        assert_eq!((code == Some(0), code), (holds, checked), "{name}: {said}");
        let Ok(page) = fs::read_to_string(folder.path().join("page.html")) else {
            assert!(!holds, "{name}");
            continue;
        };
        assert!(holds && page.contains("the paper proves nothing by itself"), "{name}");
        let json = Value::parse(json.trim_end().as_bytes()).unwrap();
        let records = json.get("records").and_then(Value::as_list).unwrap();
        assert_eq!(page.matches("<caption class=small>Entry ").count(), records.len(), "{name}");
        let (mut withheld, mut erased) = (0, 0);
        for record in records {
            let text = |name: &str| record.get(name).and_then(Value::as_text).unwrap();
            for there in [text("address"), text("received_at"), text("type")] {
                assert!(page.contains(there), "{name}: {there}");
            }
            let Some(Value::Object(hidden)) = record.get("hidden") else { panic!("{name}") };
            for value in hidden.values().filter_map(|value| value.get("text").unwrap_or(value).as_text()) {
                let value =
                    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
                assert!(page.contains(&value) || page.contains(&value.replace('_', " ")), "{name}: {value}");
            }
            withheld += texts(record.get("withheld")).len();
            let Some(Value::Object(gone)) = record.get("erased") else { panic!("{name}") };
            erased += gone.len();
        }
        let told =
            page.matches("not shown in this pack: ").count() + page.matches("oversight alone can read it").count();
        assert_eq!((told, page.matches("erased by rule: entry").count()), (withheld, erased), "{name}");
        let counted = format!("{}: ", records.len());
        assert!(page.contains(&counted) && page.contains("shown in full"), "{name}");
        fs::remove_file(folder.path().join("page.html")).unwrap();
    }
}
