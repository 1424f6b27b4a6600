//! Openings and the last checkpoint as plain files: leftovers, missing lines, replacement, kill -9.

use std::fs;
use std::path::Path;

use ledger::anchor::{ANCHOR_BYTES_MAX, Anchor};
use ledger::failure::{Damage, Failure};
use ledger::lines::{LINE_BYTES_MAX, LineFolder};

use crate::common::{Dice, Running, command, say};

/// Replaces the checkpoint, saying each number once it is promised, until killed.
pub fn anchor_for_ever(folder: &Path) {
    let mut anchor = Anchor::at(&folder.join("checkpoint"));
    let from = newest(&anchor).unwrap_or(0);
    for next in from + 1.. {
        anchor.replace(&checkpoint(next)).unwrap();
        say(&next.to_string());
    }
}

/// Appends lines, saying each size once it is promised, until killed.
pub fn append_for_ever(folder: &Path) {
    let size = fs::read_to_string(folder.join("size")).unwrap().parse().unwrap();
    let vault = LineFolder::open(&folder.join("openings"), size).unwrap();
    let mut dice = Dice(size | 1);
    loop {
        let first = vault.size();
        vault.append(first, &lines(first, dice.roll(300))).unwrap();
        say(&vault.size().to_string());
    }
}

/// Replaces lines, saying each round once it is promised, until killed.
pub fn replace_for_ever(folder: &Path) {
    let vault = LineFolder::open(&folder.join("openings"), 300).unwrap();
    for round in 1u64.. {
        vault.replace(round % 300, &format!("erased in round {round}")).unwrap();
        say(&round.to_string());
    }
}

/// A checkpoint of varying length that shows whether it is whole.
fn checkpoint(number: u64) -> Vec<u8> {
    format!("origin\n{number}\n{}end {number}\n", "filler\n".repeat((number % 1_000) as usize)).into_bytes()
}

/// The number in the newest whole checkpoint; the older of the two files may be half written over.
fn newest(anchor: &Anchor) -> Option<u64> {
    let whole = |bytes: Vec<u8>| {
        let number = std::str::from_utf8(&bytes).ok()?.lines().nth(1)?.parse().ok()?;
        (bytes == checkpoint(number)).then_some(number)
    };
    anchor.candidates().unwrap().into_iter().find_map(whole)
}

/// The lines that belong from a position on.
fn lines(first: u64, count: u64) -> Vec<String> {
    let line = |position: u64| format!("{{\"entry\":{position},\"{}\":1}}", "ä".repeat((position % 50) as usize));
    (first..first + count).map(|position| if position % 9 == 0 { String::new() } else { line(position) }).collect()
}

/// A folder with so many lines.
fn made(dir: &Path, size: u64) -> LineFolder {
    let vault = LineFolder::open(dir, 0).unwrap();
    vault.append(0, &lines(0, size)).unwrap();
    vault
}

fn read(vault: &LineFolder) -> Vec<String> {
    vault.lines(0).map(|found| found.unwrap().1).collect()
}

#[test]
fn lines_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("openings");
    let vault = LineFolder::open(&dir, 0).unwrap();
    let mut size = 0;
    for count in [1, 0, 254, 1, 1, 600, 3] {
        vault.append(size, &lines(size, count)).unwrap();
        size += count;
        assert_eq!(vault.size(), size);
    }
    assert_eq!(read(&vault), lines(0, 860));
    for position in [0, 255, 256, 511, 512, 859] {
        assert_eq!(vault.line(position).unwrap().as_ref(), lines(position, 1).first(), "{position}");
        let (found, line) = vault.lines(position).next().unwrap().unwrap();
        assert_eq!((found, Some(&line)), (position, lines(position, 1).first()));
    }
    assert_eq!(vault.line(860).unwrap(), None);
    assert_eq!(vault.lines(860).count(), 0);
    let reopened = LineFolder::open(&dir, 860).unwrap();
    assert_eq!(read(&reopened), lines(0, 860));
    reopened.append(860, &lines(860, 400)).unwrap();
    assert_eq!(read(&reopened), lines(0, 1_260));
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 5);
}

#[test]
fn what_a_batch_left_that_was_never_promised_is_dropped() {
    for (written, size, torn) in [
        (10, 10, ""),
        (10, 7, ""),
        (10, 10, "{\"half a li"),
        (10, 7, "half\n\nmore"),
        (256, 256, ""),
        (257, 256, "half"),
        (1_000, 300, "half"),
        (1_000, 256, ""),
        (1_000, 0, "half"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        drop(made(folder.path(), written));
        let last = folder.path().join(format!("{:03}", written / 256));
        let mut bytes = fs::read(&last).unwrap_or_default();
        bytes.extend_from_slice(torn.as_bytes());
        fs::write(&last, bytes).unwrap();
        fs::write(folder.path().join("draft"), "a rewrite that was killed").unwrap();
        for _ in 0..2 {
            let vault = LineFolder::open(folder.path(), size).unwrap();
            assert_eq!(read(&vault), lines(0, size), "{written} {size} {torn:?}");
        }
        let left = fs::read_dir(folder.path()).unwrap().count() as u64;
        assert_eq!(left, size.div_ceil(256), "{written} {size} {torn:?}");
        let vault = LineFolder::open(folder.path(), size).unwrap();
        vault.append(size, &lines(size, 300)).unwrap();
        assert_eq!(read(&vault), lines(0, size + 300));
    }
}

#[test]
fn missing_lines_are_damage() {
    for (size, harm, gap) in [
        (10, "cut 000 3", 3),
        (10, "cut 000 0", 0),
        (10, "remove 000", 0),
        (300, "remove 000", 0),
        (300, "remove 001", 256),
        (300, "cut 001 43", 299),
        (512, "remove 001", 256),
        (300, "cut 000 0", 0),
        (600, "cut 000 255", 255), // a full file is only read when someone wants it
    ] {
        let folder = tempfile::tempdir().unwrap();
        drop(made(folder.path(), size));
        let words: Vec<&str> = harm.split(' ').collect();
        let path = folder.path().join(words[1]);
        match words[..] {
            ["cut", _, keep] => {
                let text = fs::read_to_string(&path).unwrap();
                let kept = text.split_inclusive('\n').take(keep.parse().unwrap()).collect::<String>();
                fs::write(&path, kept).unwrap();
            }
            _ => fs::remove_file(&path).unwrap(),
        }
        let whole = LineFolder::open(folder.path(), size);
        let failure = match whole {
            Ok(vault) => vault.lines(0).find_map(Result::err).unwrap(),
            Err(failure) => failure,
        };
        let Failure::Damaged { damage: Damage::Gap { position }, .. } = failure else { panic!("{failure}") };
        assert_eq!(position, gap, "{size} {harm}");
    }
}

#[test]
fn a_line_that_is_no_text_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let vault = made(folder.path(), 300);
    let path = folder.path().join("000");
    let mut bytes = fs::read(&path).unwrap();
    bytes[0..4].copy_from_slice(b"\n\xff\xff\xff");
    fs::write(&path, bytes).unwrap();
    let failure = vault.line(1).unwrap_err();
    assert!(matches!(failure, Failure::Damaged { damage: Damage::Line { position: 1 }, .. }), "{failure}");
    let mut found = vault.lines(0);
    assert!(found.next().unwrap().is_err() && found.next().is_none());
    assert_eq!(vault.line(299).unwrap().as_ref(), lines(299, 1).first());
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let vault = made(folder.path(), 5);
    let long = "x".repeat(LINE_BYTES_MAX + 1);
    for (first, line, says) in [
        (4, "a", "continues at entry 5, not at 4"),
        (6, "a", "continues at entry 5, not at 6"),
        (5, "a\nb", "has a character"),
        (5, &long, "a line beside the log of 1048577 bytes"),
    ] {
        let text = vault.append(first, &["fine", line]).unwrap_err().to_string();
        assert!(text.contains(says), "{text:?} lacks {says:?}");
    }
    for (position, line, says) in [
        (5, "a", "continues at entry 5, not at 5"),
        (1, "a\n", "has a character"),
        (1, &long, "a line beside the log of 1048577 bytes"),
    ] {
        let text = vault.replace(position, line).unwrap_err().to_string();
        assert!(text.contains(says), "{text:?} lacks {says:?}");
    }
    vault.append(5, &[&long[1..]]).unwrap();
    assert_eq!(vault.line(5).unwrap().unwrap(), long[1..]);
}

#[test]
fn a_replaced_line_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let vault = made(folder.path(), 300);
    vault.append(300, &["the secret"]).unwrap();
    vault.append(301, &lines(301, 10)).unwrap();
    vault.replace(300, "erased by entry 305").unwrap();
    vault.replace(255, "the last of its file").unwrap();
    let mut want = lines(0, 311);
    want[300] = "erased by entry 305".to_owned();
    want[255] = "the last of its file".to_owned();
    assert_eq!(read(&vault), want);
    assert_eq!(read(&LineFolder::open(folder.path(), 311).unwrap()), want);
    for found in fs::read_dir(folder.path()).unwrap() {
        assert!(!fs::read_to_string(found.unwrap().path()).unwrap().contains("the secret"));
    }
}

#[test]
fn appended_lines_survive_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(77);
    let mut size = 0;
    for _ in 0..30 {
        fs::write(folder.path().join("size"), size.to_string()).unwrap();
        let mut running = Running::start(command("append", folder.path()));
        let heard: Vec<_> = (0..=dice.roll(20)).map_while(|_| running.hear()).collect();
        let last = running.kill().or(heard.last().cloned()).unwrap();
        // The store's commit would come next; killed before it, part of this is a leftover.
        size = last.parse::<u64>().unwrap() - dice.roll(2);
        let vault = LineFolder::open(&folder.path().join("openings"), size).unwrap();
        assert!(read(&vault) == lines(0, size));
    }
}

#[test]
fn a_file_is_rewritten_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    drop(made(&folder.path().join("openings"), 300));
    let mut dice = Dice(78);
    for _ in 0..20 {
        let mut running = Running::start(command("replace", folder.path()));
        let heard: Vec<_> = (0..dice.roll(40)).map_while(|_| running.hear()).collect();
        let last = running.kill().or(heard.last().cloned()).map_or(0, |round| round.parse().unwrap());
        let vault = LineFolder::open(&folder.path().join("openings"), 300).unwrap();
        for (position, line) in vault.lines(0).map(Result::unwrap) {
            let erased = line.starts_with("erased in round ");
            assert!(erased || line == lines(position, 1)[0], "{line:?}");
            assert!(erased || !(1..=last).contains(&position), "{position} came back");
        }
    }
}

#[test]
fn the_checkpoint_is_whole_and_as_new_as_promised_when_killed() {
    let folder = tempfile::tempdir().unwrap();
    let anchor = Anchor::at(&folder.path().join("checkpoint"));
    assert_eq!(newest(&anchor), None);
    let mut dice = Dice(79);
    for _ in 0..40 {
        let mut running = Running::start(command("anchor", folder.path()));
        let heard: Vec<_> = (0..=dice.roll(30)).map_while(|_| running.hear()).collect();
        let promised: u64 = running.kill().or(heard.last().cloned()).unwrap().parse().unwrap();
        let found = newest(&anchor).unwrap();
        assert!((promised..=promised + 1).contains(&found), "{promised} was promised, {found} is there");
    }
}

#[test]
fn no_other_length_is_kept_as_a_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let mut anchor = Anchor::at(&folder.path().join("deep/er/checkpoint"));
    let longest = vec![b'a'; ANCHOR_BYTES_MAX];
    anchor.replace(&longest).unwrap();
    for length in [0, ANCHOR_BYTES_MAX + 1] {
        assert!(matches!(anchor.replace(&vec![b'b'; length]), Err(Failure::Unfit { .. })), "{length}");
    }
    assert_eq!(anchor.candidates().unwrap(), [longest]);
    fs::write(anchor.path(), vec![b'b'; ANCHOR_BYTES_MAX + 1]).unwrap();
    assert!(
        matches!(anchor.candidates(), Err(Failure::Io { source, .. }) if source.to_string().starts_with("longer than "))
    );
    fs::write(folder.path().join("deep/er/sync-failed"), "").unwrap();
    assert!(matches!(anchor.candidates(), Err(Failure::Unsynced { .. })));
}
