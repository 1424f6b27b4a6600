//! A ledger that is restored has every hidden value that any copy at hand still has, or nothing is restored.

use std::fs;
use std::path::Path;

use crate::lost::busy;
use crate::place::{Place, copy};

/// What there is of the openings and their keys: in the folder that is replaced, and in a backup.
struct Case {
    what: &'static str,
    /// Removed or spoilt before.
    spoil: fn(&Place),
    /// Further arguments of `restore`.
    with: &'static str,
    /// The code, words of what is said, and how many values stay withheld.
    ends: (i32, &'static str, usize),
}

fn gone(place: &Place, name: &str) {
    fs::remove_dir_all(place.path(name)).unwrap();
}

/// Changes one character of the middle of the longest line, which hides most.
fn spoil_line(place: &Place, name: &str) {
    let path = place.path(name);
    let text = fs::read_to_string(&path).unwrap();
    let long = text.lines().max_by_key(|line| line.len()).unwrap();
    let middle = long.len() / 2;
    let other = if &long[middle..=middle] == "A" { "B" } else { "A" };
    fs::write(&path, text.replace(long, &format!("{}{other}{}", &long[..middle], &long[middle + 1..]))).unwrap();
}

const BACKED: &str = " --backup backup/openings --backup-keys backup/keys";

fn cases() -> Vec<Case> {
    let none = "in none of the copies";
    vec![
        Case { what: "the folder whole", spoil: |_| {}, with: "", ends: (0, "entries restored", 0) },
        Case {
            what: "a backup besides",
            spoil: |place| gone(place, "my/openings"),
            with: BACKED,
            ends: (0, "entries restored", 0),
        },
        Case {
            what: "an old backup besides the whole folder",
            spoil: |_| {},
            with: " --backup early/openings --backup-keys early/keys",
            ends: (0, "entries restored", 0),
        },
        Case {
            what: "a backup without keys besides the whole folder",
            spoil: |_| {},
            with: " --backup backup/openings",
            ends: (0, "entries restored", 0),
        },
        Case {
            what: "a line spoilt in the folder, and a backup",
            spoil: |place| spoil_line(place, "my/openings/000"),
            with: BACKED,
            ends: (0, "entries restored", 0),
        },
        Case {
            what: "a file of keys cut in the folder, and a backup",
            spoil: |place| fs::write(place.path("my/opening-keys/000"), "\n").unwrap(),
            with: BACKED,
            ends: (0, "entries restored", 0),
        },
        Case { what: "no openings", spoil: |place| gone(place, "my/openings"), with: "", ends: (2, none, 0) },
        Case {
            what: "no keys",
            spoil: |place| gone(place, "my/opening-keys"),
            with: "",
            ends: (2, "is without keys", 0),
        },
        Case {
            what: "a line spoilt, and no backup",
            spoil: |place| spoil_line(place, "my/openings/000"),
            with: "",
            ends: (2, "my/openings", 0),
        },
        Case {
            what: "an old backup alone",
            spoil: |place| gone(place, "my/openings"),
            with: " --backup early/openings --backup-keys early/keys",
            ends: (2, "has no line of it", 0),
        },
        Case {
            what: "no openings, and it goes on",
            spoil: |place| gone(place, "my/openings"),
            with: " --without-hidden-values",
            ends: (0, "they stay withheld", 1),
        },
    ]
}

/// Values that are open or sealed in what the ledger gives its oversight body.
fn shown(place: &Place, ledger: &str) -> usize {
    let out = format!("{ledger}-openings");
    place.good(&format!("export {ledger} --openings {out} --for npm --purpose audit --keys keys"));
    let text = fs::read_to_string(place.path(&out).join("000")).unwrap();
    text.matches("\"Wy").count()
}

#[test]
fn hidden_values_come_along_or_nothing_is_restored() {
    let place = busy();
    place.good("export my --out bundle --backup early/openings");
    place.good("export my --backup-keys early/keys");
    place.write("visit.attempted.csv", &crate::lost::attempt("r2"));
    place.good("import my visit.attempted.csv --party cso-x --keys keys");
    place.good("export my --out bundle --backup backup/openings");
    place.good("export my --backup-keys backup/keys");
    copy(&place.path("my"), &place.path("kept"));
    fs::copy(place.path("my/policy"), place.path("policy")).unwrap();
    let had = shown(&place, "my");
    assert!(had > 2, "{had}");
    for (number, Case { what, spoil, with, ends: (code, words, withheld) }) in cases().into_iter().enumerate() {
        gone(&place, "my");
        copy(&place.path("kept"), &place.path("my"));
        spoil(&place);
        let new = format!("new{number}");
        let line = format!("restore {new} --bundle bundle --policy policy --from my{with}");
        let (ended, said) = place.ends(&line);
        assert!(ended == Some(code) && said.contains(words), "{what}: {ended:?} {said}");
        if code != 0 {
            assert!(said.contains("--without-hidden-values"), "{what}: {said}");
            assert!(!Path::new(&place.path(&new)).exists(), "{what}: nothing stays of what was refused");
            continue;
        }
        place.good(&format!("fsck {new}"));
        if withheld == 0 {
            let has = shown(&place, &new);
            assert!(has >= had, "{what}: {has} of {had}: {said}");
        } else {
            assert!(shown(&place, &new) < had, "{what}: {said}");
        }
    }
}
