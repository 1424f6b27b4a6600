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

fn case(what: &'static str, spoil: fn(&Place), with: &'static str, ends: (i32, &'static str, usize)) -> Case {
    Case { what, spoil, with, ends }
}

fn cases() -> Vec<Case> {
    let none = "in none of the copies";
    vec![
        case("the folder whole", |_| {}, "", (0, "entries restored", 0)),
        case("a backup besides", |place| gone(place, "my/openings"), BACKED, (0, "entries restored", 0)),
        case(
            "an old backup besides the whole folder",
            |_| {},
            " --backup early/openings --backup-keys early/keys",
            (0, "entries restored", 0),
        ),
        case(
            "a backup without keys besides the whole folder",
            |_| {},
            " --backup backup/openings",
            (0, "entries restored", 0),
        ),
        case(
            "a line spoilt in the folder, and a backup",
            |place| spoil_line(place, "my/openings/000"),
            BACKED,
            (0, "entries restored", 0),
        ),
        case(
            "a file of keys cut in the folder, and a backup",
            |place| fs::write(place.path("my/opening-keys/000"), "\n").unwrap(),
            BACKED,
            (0, "entries restored", 0),
        ),
        case("no openings", |place| gone(place, "my/openings"), "", (2, none, 0)),
        case("no keys", |place| gone(place, "my/opening-keys"), "", (2, "is without keys", 0)),
        case("a line spoilt, and no backup", |place| spoil_line(place, "my/openings/000"), "", (2, "my/openings", 0)),
        case(
            "an old backup alone",
            |place| gone(place, "my/openings"),
            " --backup early/openings --backup-keys early/keys",
            (2, "has no line of it", 0),
        ),
        case(
            "no openings, and it goes on",
            |place| gone(place, "my/openings"),
            " --without-hidden-values",
            (0, "they stay withheld", 1),
        ),
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
