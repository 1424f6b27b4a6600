//! What an institution's folder has lost, or what was put back from an older copy, is told, and never begun anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ledger::clock::Clock;
use ledger::desk::Desk;
use ledger::desk::office::Office;
use ledger::desk::posted::File;
use ledger::outpost::Outpost;
use verifier::output::{Readers, create_folders};

use crate::place::{Place, files, register};

/// One way to lose something, given the folder as it is and as it was.
type Harm = fn(&Path, &BTreeMap<PathBuf, Vec<u8>>);

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Makes a folder exactly what it once held.
fn lay(folder: &Path, was: &BTreeMap<PathBuf, Vec<u8>>) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    for (path, bytes) in was {
        create_folders(path.parent().unwrap(), Readers::Owner).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// What a lock of words begins with, and no more.
const WORDS: &[u8] = b"age-encryption.org/v1\n-> scrypt AAAA 18\nBBBB\n--- CCCC\nshort";
/// The first file of the journal.
const JOURNAL: &str = "journal/000001";

/// Puts one file back as it was.
fn put(folder: &Path, older: &BTreeMap<PathBuf, Vec<u8>>, name: &str) {
    let path = folder.join(name);
    std::fs::write(&path, &older[&path]).unwrap();
}

fn cut(path: &Path, keep: usize) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..keep.min(bytes.len())]).unwrap();
}

#[test]
fn what_is_lost_is_told_and_never_begun_anew() {
    let place = Place::new();
    let folder = place.path("outbox");
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 2);
    let older = contents(&folder);
    place.sign(&mut outpost, 3, 4);
    drop(outpost);
    let whole = contents(&folder);
    // What happens, what is said, and whether going on is offered.
    let harms: [(&str, Harm, &str, bool); 17] = [
        ("an older journal", |f, o| put(f, o, JOURNAL), "2 of 4 records", true),
        ("an empty journal", |f, _| cut(&f.join(JOURNAL), 0), "0 of 4 records", true),
        ("no file of the journal", |f, _| std::fs::remove_file(f.join(JOURNAL)).unwrap(), "0 of 4 records", true),
        ("no journal", |f, _| std::fs::remove_dir_all(f.join("journal")).unwrap(), "0 of 4 records", true),
        (
            "the last line is gone",
            |f, _| {
                let bytes = std::fs::read(f.join(JOURNAL)).unwrap();
                let end = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
                cut(&f.join(JOURNAL), end);
            },
            "3 of 4 records",
            true,
        ),
        (
            "no word of how far it came",
            |f, _| std::fs::remove_file(f.join("reached")).unwrap(),
            "reached: it is gone",
            true,
        ),
        ("an empty word of it", |f, _| cut(&f.join("reached"), 0), "reached is damaged", true),
        ("a cut word of it", |f, _| cut(&f.join("reached"), 40), "reached is damaged", true),
        ("no settings", |f, _| std::fs::remove_file(f.join("settings")).unwrap(), "settings is damaged", false),
        ("empty settings", |f, _| cut(&f.join("settings"), 0), "settings is damaged", false),
        ("no lock", |f, _| std::fs::remove_file(f.join("lock")).unwrap(), "lock: it is gone", false),
        ("an empty lock", |f, _| cut(&f.join("lock"), 0), "lock: it is empty, cut", false),
        ("a cut lock", |f, _| cut(&f.join("lock"), 4), "lock: it is empty, cut", false),
        ("a lock without its end", |f, _| cut(&f.join("lock"), 8), "lock: it is empty, cut", false),
        ("a lock of zeros", |f, _| std::fs::write(f.join("lock"), [0; 9]).unwrap(), "lock: it is empty, cut", false),
        ("a cut lock of words", |f, _| std::fs::write(f.join("lock"), WORDS).unwrap(), "lock: it is empty, cut", false),
        ("nothing at all", |f, _| std::fs::remove_dir_all(f).unwrap(), "there is no outbox", false),
    ];
    for (what, harm, words, may_go_on) in harms {
        lay(&folder, &whole);
        harm(&folder, &older);
        let before = if folder.exists() { contents(&folder) } else { BTreeMap::new() };
        for command in ["status outbox", "submit outbox --keys keys --holder x1"] {
            place.bad(&format!("outbox {command} --key-file stick.key"), 2, words);
        }
        let after = if folder.exists() { contents(&folder) } else { BTreeMap::new() };
        assert_eq!(before, after, "{what}: something was written");
        if !may_go_on {
            continue;
        }
        place.good("outbox set outbox --key-file stick.key --accept-loss");
        let mut outpost = Outpost::open(&folder, &place.secret()).unwrap_or_else(|why| panic!("{what}: {why}"));
        place.sign(&mut outpost, 1, 5);
        // No number is used twice: what was handed in before has some of them.
        let fresh = outpost.held().iter().find(|held| held.parcel.source.ends_with("r5")).unwrap();
        assert!(fresh.signed.event.seq > 13, "{what}: {}", fresh.signed.event.seq);
    }
    // A torn end, which nobody was promised, is no loss; neither is a journal that is ahead of what is said of it.
    lay(&folder, &whole);
    put(&folder, &older, "reached");
    assert_eq!(place.again("outbox").held().len(), 4);
    lay(&folder, &whole);
    let torn = [whole[&folder.join(JOURNAL)].as_slice(), b"AAAA"].concat();
    std::fs::write(folder.join(JOURNAL), &torn).unwrap();
    assert_eq!(place.again("outbox").held().len(), 4);
    assert_eq!(std::fs::read(folder.join(JOURNAL)).unwrap(), torn, "looking changes nothing");
}

#[test]
fn an_older_copy_of_the_whole_folder_shows_in_the_newest_pack() {
    let place = Place::new();
    let folder = place.path("outbox");
    std::fs::create_dir(place.path("stick")).unwrap();
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 2);
    drop(outpost);
    let older = contents(&folder);
    place.sign(&mut place.again("outbox"), 3, 4);
    place.good("outbox pack-up outbox stick --key-file stick.key");
    place.good("take-in my stick");
    place.good("pack my organisation/cso-x --for cso-x --keys keys --out x.pack");
    let pack = std::fs::read(place.path("x.pack")).unwrap();
    for (back, told) in [(false, None), (true, Some("ATTENTION: 2 records in the log"))] {
        if back {
            lay(&folder, &older);
        }
        let mut outpost = place.again("outbox");
        assert_eq!(outpost.keep_pack(&pack).unwrap().report.exit_code(), 0);
        drop(outpost);
        let said = place.good("outbox status outbox --key-file stick.key");
        assert_eq!(said.contains("ATTENTION"), told.is_some(), "{said}");
        assert!(told.is_none_or(|words| said.contains(words)), "{said}");
    }
    // Whoever knows which they are says so, once; of others it is told all the same.
    let told = || place.good("outbox status outbox --key-file stick.key").contains("ATTENTION");
    assert!(told());
    let said = place.good("outbox set outbox --key-file stick.key --accounted-for");
    assert!(said.contains("2 records that are not in this outbox are accounted for"), "{said}");
    assert!(!told());
    let said = place.good("outbox set outbox --key-file stick.key --accounted-for");
    assert!(said.contains("0 records"), "{said}");
    // The numbers that were used are not used again.
    let mut outpost = place.again("outbox");
    place.sign(&mut outpost, 5, 5);
    assert_eq!(outpost.held().last().unwrap().signed.event.seq, 14);
    drop(outpost);
    // A record that comes to light later.
    place.good("outbox pack-up outbox stick --key-file stick.key");
    place.good("take-in my stick");
    place.good("pack my organisation/cso-x --for cso-x --keys keys --out newer.pack");
    place.good("outbox set outbox --key-file stick.key --accounted-for");
    lay(&folder, &older);
    place.good("outbox set outbox --key-file stick.key --accept-loss");
    let mut outpost = place.again("outbox");
    assert_eq!(outpost.keep_pack(&pack).unwrap().report.exit_code(), 0);
    drop(outpost);
    place.good("outbox set outbox --key-file stick.key --accounted-for");
    assert!(!told());
    let newer = std::fs::read(place.path("newer.pack")).unwrap();
    assert_eq!(place.again("outbox").keep_pack(&newer).unwrap().report.exit_code(), 0);
    assert!(place.good("outbox status outbox --key-file stick.key").contains("ATTENTION: 1 records"));
}

#[test]
fn a_desk_that_only_tries_files_writes_nothing() {
    let place = Place::new();
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 2);
    let office = Office::of(&outpost, &place.path("keys"), None).unwrap();
    let desk = Desk::new(office, Arc::new(Mutex::new(outpost)), Clock::System, false).unwrap();
    let before = contents(&place.path("."));
    for (rows, good) in [(register(3, 5), 3), (register(3, 5).replace("turned_away", "sent_home"), 0)] {
        let (field, name) = ("files".to_owned(), "visit.attempted.csv".to_owned());
        desk.try_files(&[&File { field, name, bytes: rows.into_bytes() }], "utf-8").unwrap();
        assert_eq!(desk.tried(|tried| tried.good), good);
        assert_eq!(contents(&place.path(".")), before);
    }
}

#[test]
fn a_desk_shows_the_days_that_its_outbox_signs() {
    let place = Place::new();
    let outpost = place.outpost("outbox");
    let offset = outpost.standing().utc_offset_minutes;
    let profile = |minutes: i32| {
        include_str!("../../../tests/scenario/velmora/profile.toml")
            .lines()
            .map(|line| match line.split_once('=') {
                Some((name, _)) if name.trim() == "utc_offset_minutes" => format!("utc_offset_minutes = {minutes}\n"),
                _ => format!("{line}\n"),
            })
            .collect::<String>()
    };
    for (minutes, same) in [(offset, true), (offset + 60, false), (offset - 30, false)] {
        let office = Office::of(&outpost, &place.path("keys"), Some(profile(minutes).as_bytes()));
        let said = office.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert_eq!(office.is_ok(), same, "{minutes}: {said}");
        assert!(same || (said.contains("outbox set") && said.contains("sign another")), "{minutes}: {said}");
    }
}
