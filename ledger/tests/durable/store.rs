//! The store under use, kill -9, a second process, a full disk and a disk that does not sync.

use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use ledger::failure::Failure;
use ledger::store::{Batch, Store};

use crate::common::{CHILD, Dice, Running, batch, check, command, entry, in_role, open, say};

/// Commits batches and says each size once it is promised, until killed or until it fails.
pub fn commit_for_ever(folder: &Path) {
    let store = open(folder).unwrap();
    let mut dice = Dice(store.size() | 1);
    loop {
        let count = if dice.roll(20) == 0 { 1_000 } else { dice.roll(12) };
        match store.commit(&batch(store.size(), count)) {
            Ok(committed) => say(&format!("promised {}", committed.size())),
            Err(failure) => {
                say(&failure.to_string());
                let again = store.commit(&batch(store.size(), 1));
                assert!(matches!(again, Err(Failure::Stopped { .. })), "{again:?}");
                assert!(matches!(store.notes(""), Err(Failure::Stopped { .. })));
                // What is still read is true, and what is not does not pass for damage.
                let reads: Vec<_> = store.entries(0).collect();
                for (position, read) in (0..).zip(&reads) {
                    match read {
                        Ok((found, bytes)) => assert!(*found == position && *bytes == entry(position)),
                        Err(failure) => assert!(matches!(failure, Failure::Stopped { .. }), "{failure}"),
                    }
                }
                assert!(reads.len() as u64 <= store.size());
                return;
            }
        }
    }
}

/// Opens a store and keeps it until told or killed.
pub fn hold(folder: &Path) {
    let store = open(folder).unwrap();
    say("holding");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    drop(store);
}

/// Says how opening went.
pub fn try_open(folder: &Path) {
    match open(folder) {
        Ok(store) => say(&format!("opened {}", store.size())),
        Err(failure) => say(&failure.to_string()),
    }
}

/// Syncs what cannot be synced.
pub fn sync_pipe(folder: &Path) {
    let pipe = std::fs::OpenOptions::new().read(true).write(true).open(folder.join("pipe")).unwrap();
    ledger::files::sync(&pipe, folder);
    say("went on");
}

/// The size in the last promise.
fn promised(said: Option<&str>) -> Option<u64> {
    said?.strip_prefix("promised ")?.parse().ok()
}

#[test]
fn what_is_committed_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("new/store");
    let store = Store::create(&dir).unwrap();
    assert_eq!((store.size(), store.committed().size()), (0, 0));
    let mut first = 0;
    for count in [0, 1, 8, 0, 600, 3] {
        let committed = store.commit(&batch(first, count)).unwrap();
        assert_eq!((committed.first(), committed.size()), (first, first + count));
        first += count;
    }
    assert_eq!(check(&store).unwrap(), 612);
    for position in [0, 13, 31, 96, 611] {
        assert_eq!(store.entry(position).unwrap().unwrap(), entry(position), "{position}");
        let (found, bytes) = store.entries(position).next().unwrap().unwrap();
        assert_eq!((found, bytes), (position, entry(position)));
    }
    assert_eq!(store.entry(612).unwrap(), None);
    assert_eq!(store.entries(612).count(), 0);
    assert_eq!(store.entries(u64::MAX).count(), 0);
    assert_eq!(store.note("checkpoint/00000000000000000609").unwrap().unwrap(), b"root of 609");
    assert_eq!(store.note("checkpoint/0000000000000000060").unwrap(), None);
    drop(store);

    assert_eq!(check(&open(&dir).unwrap()).unwrap(), 612);
    assert!(matches!(Store::create(&dir), Err(Failure::Occupied { .. })));
    assert!(matches!(open(&folder.path().join("none")), Err(Failure::Absent { .. })));
    // No page outgrew the file that is fsynced.
    assert_eq!(std::fs::read_dir(dir.join("blobs")).unwrap().count(), 0);
}

#[test]
fn the_longest_values_stay_in_the_file_that_is_synced() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    for round in 0..12 {
        let entries = vec![vec![round; 65_535]; 5];
        let notes = (0..5).map(|n| (format!("{round:0100}{n:0100}"), vec![round; 65_535])).collect();
        store.commit(&Batch { first: store.size(), entries, notes }).unwrap();
    }
    assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
    drop(store);
    let store = open(folder.path()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("blobs")).unwrap().count(), 0);
    assert!(store.entries(0).all(|found| found.is_ok_and(|(n, bytes)| bytes == vec![(n / 5) as u8; 65_535])));
    assert_eq!(store.notes("").unwrap().len(), 60);
}

#[test]
fn a_note_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    for length in [0, 1, 6_999, 7_000, 30_000, 10, 0, 65_535, 7_000] {
        let notes = vec![("a/b".to_owned(), vec![7; length])];
        store.commit(&Batch { first: 0, entries: Vec::new(), notes }).unwrap();
        assert_eq!(store.note("a/b").unwrap().unwrap(), vec![7; length]);
        assert_eq!(store.notes("a").unwrap().len(), 1);
    }
    drop(store);
    assert_eq!(open(folder.path()).unwrap().note("a/b").unwrap().unwrap(), vec![7; 7_000]);
}

#[test]
fn a_batch_that_does_not_fit_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    store.commit(&batch(0, 3)).unwrap();
    let of = |first, entries: Vec<Vec<u8>>, notes: &[(&str, usize)]| {
        let notes = notes.iter().map(|(name, length)| ((*name).to_owned(), vec![0; *length])).collect();
        Batch { first, entries, notes }
    };
    let long = "n".repeat(201);
    for (wrong, says) in [
        (of(2, vec![vec![1]], &[]), "continues at entry 3, not at 2"),
        (of(4, vec![vec![1]], &[]), "continues at entry 3, not at 4"),
        (of(3, vec![vec![]], &[]), "an entry of 0 bytes"),
        (of(3, vec![vec![1; 65_536]], &[]), "an entry of 65536 bytes"),
        (of(3, vec![vec![1; 65_535]; 1_025], &[]), "a batch of"),
        (of(3, vec![], &[("", 1)]), "the name of a note of 0 bytes"),
        (of(3, vec![], &[(&long, 1)]), "the name of a note of 201 bytes"),
        (of(3, vec![], &[("Upper", 1)]), "has a character"),
        (of(3, vec![], &[("nul\0", 1)]), "has a character"),
        (of(3, vec![], &[("twice", 1), ("twice", 1)]), "the name of a note \"twice\""),
        (of(3, vec![], &[("note", 65_536)]), "a note of 65536 bytes"),
    ] {
        let text = store.commit(&wrong).unwrap_err().to_string();
        assert!(text.contains(says), "{text:?} lacks {says:?}");
    }
    assert_eq!(check(&store).unwrap(), 3);
    assert_eq!(store.commit(&batch(3, 1)).unwrap().size(), 4);
}

#[test]
fn nothing_promised_is_lost_and_no_batch_is_torn_when_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut dir = folder.path().join("0");
    drop(Store::create(&dir).unwrap());
    let mut dice = Dice(0x5eed);
    let mut grown = 0;
    for round in 0..100 {
        let mut running = Running::start(command("commit", &dir));
        let mut last = None;
        for _ in 0..dice.roll(30) {
            last = running.hear();
        }
        let last = running.kill().or(last);
        let store = open(&dir).unwrap();
        let size = check(&store).unwrap();
        let floor = promised(last.as_deref()).unwrap_or(0);
        assert!(size >= floor, "round {round}: {floor} were promised, {size} are there");
        assert!(size >= grown, "round {round}: shrank from {grown} to {size}");
        grown = size;
        if size > 4_000 {
            dir = folder.path().join(round.to_string());
            drop(Store::create(&dir).unwrap());
            grown = 0;
        }
    }
}

#[test]
fn a_snapshot_half_written_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    Store::create(&dir).unwrap().commit(&batch(0, 40)).unwrap();
    for half in [&b""[..], b"half a snapshot, as a killed process leaves it"] {
        let leftover = dir.join("snap.7FFFFFFFFFFFFFFF.generating");
        std::fs::write(&leftover, half).unwrap();
        assert_eq!(check(&open(&dir).unwrap()).unwrap(), 40);
        assert!(!leftover.exists());
    }
}

#[test]
fn one_process_has_it_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    Store::create(&dir).unwrap().commit(&batch(0, 5)).unwrap();
    let mut holds = command("hold", &dir);
    holds.stdin(Stdio::piped());
    let mut holder = Running::start(holds);
    assert_eq!(holder.hear().as_deref(), Some("holding"));
    let failure = open(&dir).err().unwrap();
    assert!(matches!(failure, Failure::Locked { .. }), "{failure}");
    let (said, _) = Running::start(command("open", &dir)).finish();
    assert!(said[0].contains("in use by another process"), "{said:?}");
    holder.kill();
    assert_eq!(check(&open(&dir).unwrap()).unwrap(), 5);
}

#[test]
fn a_full_disk_stops_it_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for kilobytes in [800, 1_500, 2_100, 3_000] {
        let dir = folder.path().join(kilobytes.to_string());
        drop(Store::create(&dir).unwrap());
        // A limit on the length of files stands for the end of the disk; the signal that would
        // come with it is ignored, as it is for a full disk.
        let mut limited = Command::new("bash");
        let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$0\" \"$@\"");
        limited.arg("-c").arg(script).arg(std::env::current_exe().unwrap()).args(CHILD);
        in_role(&mut limited, "commit", &dir);
        let (said, well) = Running::start(limited).finish();
        let (failed, before) = said.split_last().unwrap();
        assert!(well && failed.contains("no space left"), "{failed}");
        let floor = promised(before.last().map(String::as_str)).unwrap();
        let store = open(&dir).unwrap();
        let size = check(&store).unwrap();
        assert!(size >= floor, "{floor} were promised, {size} are there");
        assert_eq!(store.commit(&batch(size, 7)).unwrap().size(), size + 7);
    }
}

#[test]
fn a_disk_that_does_not_sync_ends_the_process_and_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    drop(Store::create(&dir).unwrap());
    assert!(Command::new("mkfifo").arg(dir.join("pipe")).status().unwrap().success());
    let (said, well) = Running::start(command("sync", &dir)).finish(); // a pipe cannot be synced
    assert!(!well && said.is_empty(), "{said:?}");
    std::fs::remove_file(dir.join("pipe")).unwrap();
    let failure = open(&dir).err().unwrap();
    assert!(matches!(failure, Failure::Unsynced { .. }), "{failure}");
    std::fs::remove_file(dir.join("sync-failed")).unwrap();
    assert_eq!(open(&dir).unwrap().size(), 0);
}

#[test]
fn the_probe_does_not_outlive_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    drop(Store::create(&dir).unwrap());
    let mut holds = command("hold", &dir);
    holds.stdin(Stdio::piped());
    let mut holder = Running::start(holds);
    assert_eq!(holder.hear().as_deref(), Some("holding"));
    // This one waits for the lock, as it would spin over a damaged store, when its parent goes.
    let mut orphan = Command::new(std::env::current_exe().unwrap());
    orphan.args(CHILD).env("OVERSIGHT_LEDGER_PROBE", &dir).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut orphan = orphan.spawn().unwrap();
    drop(orphan.stdin.take());
    let mut said = String::new();
    orphan.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(orphan.wait().unwrap().code(), Some(1), "{said}");
    assert!(!said.contains("probe: locked"));
    holder.kill();
}
