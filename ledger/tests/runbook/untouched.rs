//! Whoever only looks, and whoever is refused, changes nothing: not one byte of any folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::lost::{attempt, busy};
use crate::place::Place;

fn contents(folder: &Path, all: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for found in fs::read_dir(folder).unwrap() {
        let path = found.unwrap().path();
        if path.is_dir() {
            all.insert(path.join("."), Vec::new());
            contents(&path, all);
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}

fn look(place: &Place) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    contents(&place.path("."), &mut all);
    all
}

/// What differs, by path. The mark of the last stop says when the files of the store were closed, which a command that
/// opens the log does again.
fn changed(before: &BTreeMap<PathBuf, Vec<u8>>, after: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<PathBuf> {
    let paths: std::collections::BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .filter(|path| before.get(*path) != after.get(*path) && !path.ends_with("state/stopped"))
        .cloned()
        .collect()
}

#[test]
fn who_only_looks_or_is_refused_changes_nothing() {
    let place = busy();
    place.write(
        "country/parties.csv",
        &fs::read_to_string(place.path("parties.csv")).unwrap().replace("cso-y", "cso-z"),
    );
    place.write("country/registers/cso-x/visit.attempted.csv", &attempt("r2"));
    place.write("visit.attempted.csv", &attempt("r2"));
    place.write("bad/visit.attempted.csv", &attempt("r3").replace("turned_away", "sent_home"));
    place.write(
        "event.json",
        r#"{"type":"visit.attempted","party":"cso-x","signer":"x1","id":"at-9","outcome":"sent_home"}"#,
    );
    place.write("bad.toml", "[calendar]\nutc_offset_minutes = \"late\"\n");
    place.write("other.policy", "log nobody\nquorum none\n");
    let outbox = "--key-file k";
    place.good(&format!(
        "outbox init outbox {outbox} --policy my/policy --party cso-x --parties parties.csv --pseudonyms my/pseudonyms"
    ));
    // A party that the log does not name and that has no pseudonym yet: one is drawn, and only looked at.
    let list = fs::read_to_string(place.path("my/pseudonyms")).unwrap();
    let known: String =
        list.lines().filter(|line| !line.starts_with("cso-y")).map(|line| format!("{line}\n")).collect();
    fs::write(place.path("my/pseudonyms"), known).unwrap();
    place.good("fsck my");
    for (line, code) in [
        ("import my country --keys keys --dry-run", 0),
        ("import my visit.attempted.csv --party cso-x --keys keys --dry-run", 0),
        ("import my bad/visit.attempted.csv --party cso-x --keys keys --dry-run", 1),
        ("outbox import outbox visit.attempted.csv --key-file k --keys keys --dry-run", 0),
        ("outbox import outbox bad/visit.attempted.csv --key-file k --keys keys --dry-run", 1),
        ("outbox status outbox --key-file k", 0),
        ("outbox cosign outbox --key-file k", 0),
        // Refused.
        ("import my bad/visit.attempted.csv --party cso-x --keys keys", 1),
        ("import my nowhere.csv --party cso-x --keys keys", 1),
        ("append my event.json --keys keys", 1),
        ("outbox import outbox bad/visit.attempted.csv --key-file k --keys keys", 1),
        ("outbox append outbox event.json --key-file k --keys keys", 1),
        ("outbox cosign outbox abc --key-file k --keys keys", 1),
        ("outbox submit outbox --key-file k --keys keys --holder x1", 1),
        (
            "outbox init outbox --key-file k --policy my/policy --party cso-x --parties parties.csv --pseudonyms my/pseudonyms",
            2,
        ),
        ("init my --origin a.example/log --parties parties.csv --keys keys", 2),
        ("key enrol my --party cso-x --holder x1 --by cso-x:x1 --keys keys", 1),
        ("key enrol my --party cso-y --holder y1 --role cso --by min:m9 --keys keys", 2),
        ("key revoke my --party cso-x --holder x9 --reason expired --keys keys", 1),
        ("epoch my --writer o1 --by op:o1 --keys keys", 2),
        ("erase my 2", 1),
        ("erase my 999", 1),
        ("pack my organisation/cso-x --for nobody --keys keys --out x.pack", 1),
        ("pack my organisation/cso-x --for cso-x --out x.pack", 1),
        ("receipt my nobody/visit.attempted/r1 --out r.tlog-proof", 1),
        ("export my --openings o --for nobody --purpose audit --keys keys", 1),
        ("document my bad.toml", 1),
        ("witness my --policy other.policy", 2),
        ("unseal my 2 --identity keys/npm.sealed.identity --purpose audit --keys keys", 1),
        ("restore my --bundle nowhere --policy my/policy --from my", 2),
    ] {
        let before = look(&place);
        let (found, said) = place.ends(line);
        assert_eq!(found, Some(code), "{line}\n{said}");
        assert_eq!(changed(&before, &look(&place)), Vec::<PathBuf>::new(), "{line}\n{said}");
    }
}
