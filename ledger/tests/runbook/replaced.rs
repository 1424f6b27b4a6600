//! What a result takes the place of is an older one of its kind, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::lost::busy;
use crate::place::{Place, copy};

fn all_below(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|one| one.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { drop(found.insert(path.clone(), fs::read(&path).unwrap())) }
        }
    }
    found
}

/// Somebody's own files, an older result with one of them in it, and results of the other kinds.
fn prepared() -> Place {
    let place = busy();
    place.write("own/thesis.txt", "years of work");
    place.write("own/photos/1.jpg", "a face");
    place.write("own/000", "a name that openings have too");
    place.write("a-file", "mine");
    place.write("a.tar", "mine");
    fs::create_dir(place.path("nothing")).unwrap();
    for (folder, line) in [
        ("openings", "export my --openings openings --for npm --purpose audit --keys keys"),
        ("backup", "export my --backup backup"),
        ("copied", "export my --backup-keys copied"),
        ("bundle", "export my --out bundle --archive bundle.tar"),
    ] {
        place.good(line);
        for (name, file) in [("mixed", "notes.txt"), ("marked", ".DS_Store")] {
            copy(&place.path(folder), &place.path(&format!("{name}-{folder}")));
            place.write(&format!("{name}-{folder}/{file}"), "left here");
        }
    }
    std::os::unix::fs::symlink("own", place.path("link")).unwrap();
    place
}

#[test]
fn nothing_is_replaced_but_an_older_result_of_its_kind() {
    let place = prepared();
    let kinds = [
        ("--openings OUT --for npm --purpose audit --keys keys", "openings"),
        ("--backup OUT", "backup"),
        ("--backup-keys OUT", "copied"),
        ("--out OUT", "bundle"),
    ];
    for (options, own) in kinds {
        let mut never: Vec<String> = ["own", "link", "a-file", "my", "keys", "."].map(str::to_owned).to_vec();
        never.extend(kinds.iter().filter(|(_, other)| *other != own).map(|(_, other)| (*other).to_owned()));
        never.push(format!("mixed-{own}"));
        if own != "bundle" {
            never.extend(["my/openings", "my/opening-keys", "my/keys", "my/new"].map(str::to_owned));
        }
        for out in never {
            let before = all_below(&place.path("."));
            let (code, said) = place.ends(&format!("export my {}", options.replace("OUT", &out)));
            assert!(code == Some(2), "{options} {out}: {code:?} {said}");
            assert!(["would be lost", "is there already"].iter().any(|words| said.contains(words)), "{out}: {said}");
            let after = all_below(&place.path("."));
            let changed: Vec<_> = before.iter().filter(|(path, bytes)| after.get(*path) != Some(bytes)).collect();
            let derived = |path: &Path| path.starts_with(place.path("./my/state"));
            assert!(
                changed.iter().all(|(path, _)| derived(path)),
                "{options} {out}: {:?}",
                changed.first().map(|c| c.0)
            );
        }
        for out in [own.to_owned(), format!("marked-{own}"), "nothing".to_owned(), format!("new-{own}")] {
            place.good(&format!("export my {}", options.replace("OUT", &out)));
            assert!(place.path(&out).is_dir() && !place.path(&out).join(".DS_Store").exists(), "{out}");
            if out == "nothing" {
                fs::remove_dir_all(place.path(&out)).unwrap();
                fs::create_dir(place.path(&out)).unwrap();
            }
        }
    }
    for (archive, code) in [
        ("a.tar", 2),
        ("my/keys/log.key", 2),
        ("my/checkpoint", 2),
        ("policy-of-mine", 0),
        ("bundle.tar", 0),
        ("x.tar", 0),
    ] {
        let path = place.path(archive);
        if archive == "policy-of-mine" {
            fs::write(&path, "").unwrap();
        }
        let before = fs::read(&path).ok();
        let (ended, said) = place.ends(&format!("export my --out bundle --archive {archive}"));
        assert_eq!(ended, Some(code), "{archive}: {said}");
        assert!(code == 0 || fs::read(&path).ok() == before, "{archive}: {said}");
    }
}
