//! What a stop leaves behind spares work and is never believed: whatever is done to it, the ledger starts with the
//! state that its log gives.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::folder;
use ledger::import::{Limits, Parties};
use ledger::keys::{self, KeyFolder};
use ledger::snapshot;
use ledger::writer::{Home, Writer};
use schemas::note::{Note, Origin};
use schemas::time::Timestamp;

use crate::common::{copy, probe};

const PARTIES: &str = include_str!("../shared/parties.csv");

fn at(minute: i64) -> Timestamp {
    Timestamp::parse("2031-03-05T12:00:00Z").unwrap().plus_seconds(60 * minute)
}

/// A ledger with parties, keys and a few batches, in a folder.
fn found(folder: &Path) -> (Home, Writer) {
    fs::create_dir_all(folder).unwrap();
    let home = Home::new(&folder.join("home"));
    let (parties, problems) = Parties::read("parties.csv", PARTIES.as_bytes(), &Limits::default());
    assert!(problems.is_empty());
    let origin = Origin::parse("small.example/log").unwrap();
    let mut keys = KeyFolder::new(&folder.join("keys"), origin.clone());
    let mut writer = folder::found(&home, &origin, &parties, &mut keys, at(0)).unwrap();
    (1..5).for_each(|minute| drop(writer.commit(&[], at(minute)).unwrap()));
    (home, writer)
}

fn open(home: &Home) -> Writer {
    Writer::open(home, &probe()).unwrap()
}

/// Everything that a writer knows, as bytes.
fn known(writer: &mut Writer) -> Vec<u8> {
    let (levels, mut bytes) = (writer.levels().clone(), Vec::new());
    writer.state().keep(&levels, &mut bytes).unwrap();
    bytes
}

/// Files of the snapshots that are there.
fn snapshots(home: &Home) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(home.state()) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = found.map(|one| one.unwrap().path()).filter(|p| !p.ends_with("stopped")).collect();
    paths.sort();
    paths
}

#[test]
fn a_start_has_the_state_of_the_stop_and_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (home, mut writer) = found(folder.path());
    let before = known(&mut writer);
    writer.stop().unwrap();
    assert_eq!(snapshots(&home).len(), 2);

    let mut writer = open(&home);
    assert!(known(&mut writer) == before, "after a clean stop");
    assert_eq!(snapshots(&home).len(), 2, "the snapshot was good");
    // It goes on, and is killed: what came after the snapshot is replayed on top of it.
    writer.commit(&[], at(9)).unwrap();
    let after = known(&mut writer);
    drop(writer);
    let mut writer = open(&home);
    assert!(known(&mut writer) == after, "after a kill");
    assert_eq!(snapshots(&home).len(), 2, "the snapshot was good");
    writer.stop().unwrap();
    assert_eq!(snapshots(&home).len(), 2, "one snapshot, the newest");

    fs::remove_dir_all(home.state()).unwrap();
    let mut writer = open(&home);
    assert!(known(&mut writer) == after, "from the log alone");
    writer.commit(&[], at(10)).unwrap();
}

#[test]
fn the_mark_of_a_stop_speaks_of_that_stop_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (home, writer) = found(folder.path());
    let take = || snapshot::take_mark(&home.state(), &home.store()).unwrap();
    drop(writer);
    assert!(!take(), "never stopped");
    open(&home).stop().unwrap();
    assert!(take());
    assert!(!take(), "it is taken once");
    open(&home).stop().unwrap();
    let database = fs::File::options().append(true).open(home.store().join("db")).unwrap();
    database.set_len(database.metadata().unwrap().len() + 1).unwrap();
    assert!(!take(), "the store was touched");
    open(&home).stop().unwrap();
    drop(open(&home));
    assert!(!take(), "it was opened since");
}

/// What is done to a file.
type Change = Box<dyn Fn(&mut Vec<u8>)>;
type Harm<'a> = (String, Box<dyn Fn(&Home) + 'a>);

#[test]
fn a_snapshot_that_is_not_as_it_was_written_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (home, mut writer) = found(folder.path());
    let truth = known(&mut writer);
    writer.stop().unwrap();
    let [body, note] = snapshots(&home).try_into().unwrap();
    let names = [body, note].map(|path| path.file_name().unwrap().to_owned());
    let [body, note] = &names;

    // Another ledger's snapshot, and one of the same keys that told another history.
    let (other, stranger) = found(&folder.path().join("other"));
    stranger.stop().unwrap();
    let twin = Home::new(&folder.path().join("twin"));
    let shorter = folder.path().join("shorter");
    copy(home.folder(), &shorter);
    let mut told = open(&home);
    told.commit(&[], at(20)).unwrap();
    let later = known(&mut told);
    drop(told);
    copy(&shorter, twin.folder());
    let mut told = open(&twin);
    told.commit(&[], at(21)).unwrap();
    told.stop().unwrap();
    let log_key = keys::read(&home.log_key()).unwrap();

    let edit = |name: &'static str, file: std::ffi::OsString, change: Change| -> Harm<'_> {
        let harm = move |home: &Home| {
            let path = home.state().join(&file);
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
        };
        (name.to_owned(), Box::new(harm))
    };
    let length = fs::metadata(home.state().join(body)).unwrap().len() as usize;
    let signed = fs::metadata(home.state().join(note)).unwrap().len() as usize;
    let mut harms: Vec<Harm<'_>> = Vec::new();
    for at in (0..length).step_by(length / 12 + 1) {
        harms.push(edit("a bit of the state", body.clone(), Box::new(move |bytes| bytes[at] ^= 1)));
    }
    for at in (0..signed).step_by(signed / 8 + 1) {
        harms.push(edit("a bit of what is signed", note.clone(), Box::new(move |bytes| bytes[at] ^= 1)));
    }
    harms.push(edit("cut", body.clone(), Box::new(|bytes| bytes.truncate(bytes.len() / 2))));
    harms.push(edit("longer", body.clone(), Box::new(|bytes| bytes.push(0))));
    harms.push(edit("empty", body.clone(), Box::new(Vec::clear)));
    harms.push(edit("no note", note.clone(), Box::new(Vec::clear)));
    let of_another = |from: &Home| {
        let from = from.state();
        move |home: &Home| {
            fs::remove_dir_all(home.state()).unwrap();
            copy(&from, &home.state());
        }
    };
    harms.push(("another ledger's".to_owned(), Box::new(of_another(&other))));
    harms.push(("of another history under the same key".to_owned(), Box::new(of_another(&twin))));
    // A release that means something else by its bytes signed it.
    let form = |home: &Home| {
        let path = home.state().join(note);
        let text = Note::parse(&fs::read(&path).unwrap()).unwrap().text.replacen("form ", "form 00", 1);
        let note = Note { signatures: vec![log_key.sign(&text)], text };
        fs::write(&path, note.to_text()).unwrap();
    };
    harms.push(("of another release".to_owned(), Box::new(form)));

    for (number, (name, harm)) in harms.iter().enumerate() {
        let hurt = Home::new(&folder.path().join(format!("hurt-{number}")));
        let (from, want) = if name.contains("history") { (home.folder(), &later) } else { (&*shorter, &truth) };
        copy(from, hurt.folder());
        harm(&hurt);
        let mut writer = open(&hurt);
        assert!(known(&mut writer) == *want, "{name}");
        assert_eq!(snapshots(&hurt), Vec::<PathBuf>::new(), "{name}: passed over, and removed");
        writer.stop().unwrap();
        assert_eq!(snapshots(&hurt).len(), 2, "{name}: the next stop writes a good one");
        fs::remove_dir_all(hurt.folder()).unwrap();
    }
}

#[test]
fn a_ledger_whose_checkpoint_is_gone_is_neither_opened_nor_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let (home, writer) = found(folder.path());
    writer.stop().unwrap();
    let again = || {
        let (parties, _) = Parties::read("parties.csv", PARTIES.as_bytes(), &Limits::default());
        let origin = Origin::parse("small.example/log").unwrap();
        let mut keys = KeyFolder::new(&folder.path().join("keys"), origin.clone());
        folder::found(&home, &origin, &parties, &mut keys, at(0)).map(drop).map_err(|why| why.to_string())
    };
    let (first, second) = (home.checkpoint(), home.folder().join("checkpoint.2"));
    let (one, two) = (fs::read(&first).unwrap(), fs::read(&second).unwrap());
    for gone in [&first, &second] {
        fs::remove_file(gone).unwrap();
        assert!(again().unwrap_err().contains("is not empty"), "one of the two is enough");
        fs::write(gone, if *gone == first { &one } else { &two }).unwrap();
    }
    fs::remove_file(&first).unwrap();
    fs::remove_file(&second).unwrap();
    assert!(again().unwrap_err().contains("no checkpoint: put"));
    let unopened = Writer::open(&home, &probe()).map(drop).unwrap_err().to_string();
    assert!(unopened.contains("no checkpoint: put"), "{unopened}");
    fs::write(&first, &one).unwrap();
    fs::write(&second, &two).unwrap();
    assert_eq!(open(&home).log().batches(), 5, "nothing was touched");

    // Killed while it was begun: nobody was answered, and nothing was ever stopped.
    fs::remove_dir_all(home.state()).unwrap();
    fs::remove_file(&first).unwrap();
    fs::remove_file(&second).unwrap();
    fs::write(home.folder().join("begun"), "").unwrap();
    again().unwrap();
    assert!(!home.folder().join("begun").exists());
    assert_eq!(open(&home).log().batches(), 1);
}
