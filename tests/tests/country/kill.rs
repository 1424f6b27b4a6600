//! Killed at any moment, as `kill -9` does, the demo goes on where it stopped: what it has signed
//! and answered stands, nothing stands twice, and the end is the end of a run that nobody killed.
//!
//! Moments are not slept for but looked for: so many entries in the checkpoint, so many keys in
//! their folder, a word on the output; then a random number of turns of a loop more.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::mpsc::channel;
use std::time::Duration;

use ledger::anchor::Anchor;
use ledger::outbox::Outbox;
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Note;
use tests::demo::Places;
use tests::dice::Dice;
use verifier::tree::root_of;

use crate::common::{command, copy_folder, files_below, fresh, places, ran};
use crate::every;
use crate::log::{items, open};

/// Between two looks at the files of a run.
const LISTEN: Duration = Duration::from_micros(200);
/// Kills of the country with a row of every type, all rounds together.
const KILLS: usize = 100;

/// A country of every type, built once without a kill: what all others must come to.
static WHOLE: LazyLock<Places> = LazyLock::new(|| {
    let folder = fresh("kill-whole");
    let scenario = folder.join("kill");
    every::write(&scenario, 1..2);
    let places = places(&scenario, &folder.join("out"));
    assert!(matches!(run_until(&places, Moment::Never, 0), Ended::Finished));
    places
});

/// What is looked for before the kill.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Never,
    /// The last signed checkpoint covers so many entries.
    Entries(u64),
    /// The output has this word.
    Word(&'static str),
    /// There are so many key files.
    Keys(usize),
    /// The outbox has so many bytes.
    Outbox(u64),
}

#[derive(Debug, PartialEq, Eq)]
enum Ended {
    Killed,
    Finished,
}

fn demo(places: &Places) -> [std::ffi::OsString; 5] {
    let text = |path: &Path| path.as_os_str().to_owned();
    ["--scenario".into(), text(&places.scenario), "--out".into(), text(&places.out), "--no-serve".into()]
}

/// Runs the demo, and kills it when the moment has come and so many turns have passed.
fn run_until(places: &Places, moment: Moment, turns: u64) -> Ended {
    let mut child = command("demo", &demo(places)).spawn().expect("the demo starts");
    let (sender, heard) = channel();
    let output = child.stdout.take().expect("a pipe");
    std::thread::spawn(move || {
        BufReader::new(output).lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
    });
    let mut said = String::new();
    loop {
        // Looks, and listens a moment before it looks again.
        said.extend(heard.recv_timeout(LISTEN).into_iter().chain(heard.try_iter()).map(|line| line + "\n"));
        if child.try_wait().expect("a child of ours").is_some() {
            let ran = ran(child.wait_with_output().expect("a child of ours"));
            assert_eq!(ran.code, Some(0), "{moment:?}: {said}{}", ran.err);
            return Ended::Finished;
        }
        let reached = match moment {
            Moment::Never => false,
            Moment::Entries(size) => acknowledged(places).is_some_and(|(now, _)| now >= size),
            Moment::Word(word) => said.contains(word),
            Moment::Keys(count) => std::fs::read_dir(places.keys()).is_ok_and(|files| files.count() >= count),
            Moment::Outbox(bytes) => bytes_of(&places.home().outbox()) >= bytes,
        };
        if reached {
            break;
        }
    }
    (0..turns).for_each(|_| std::hint::spin_loop());
    child.kill().expect("a child of ours");
    child.wait().expect("a child of ours");
    Ended::Killed
}

fn bytes_of(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
}

/// Size and root of the last checkpoint that was signed: what reporters were told is safe.
fn acknowledged(places: &Places) -> Option<(u64, Hash)> {
    let (_, checkpoint) = last_signed(places)?;
    Some((checkpoint.size, checkpoint.root))
}

/// The newest checkpoint beside the store; the older of the two may be half written over.
fn last_signed(places: &Places) -> Option<(Note, Checkpoint)> {
    let whole = |bytes: Vec<u8>| {
        let note = Note::parse(&bytes).ok()?;
        let checkpoint = Checkpoint::parse(&note.text).ok()?;
        Some((note, checkpoint))
    };
    Anchor::at(&places.home().checkpoint()).candidates().ok()?.into_iter().find_map(whole)
}

/// A new place with what a run has kept apart from the log: keys, outbox, pseudonyms.
fn signed_only(from: &Places, name: &str) -> Places {
    let to = places(&from.scenario, &fresh(name).join("out"));
    copy_folder(&from.keys(), &to.keys());
    copy_folder(&from.home().outbox(), &to.home().outbox());
    copy_folder(&from.home().folder().join("keys"), &to.home().folder().join("keys"));
    // As they were before the first checkpoint.
    std::fs::remove_file(to.home().folder().join("keys/used")).expect("keys that have signed");
    let reached = from.home().folder().join("outbox.reached");
    for path in [from.home().pseudonyms(), reached, from.out.join("made-by-the-demo")] {
        let below = path.strip_prefix(&from.out).expect("it lies there");
        std::fs::copy(&path, to.out.join(below)).expect("a file can be copied");
    }
    to
}

/// Files that tell which witnesses have seen what.
const SEEN: [&str; 3] = ["bundle/checkpoints/", "bundle/manifest", "bundle/policy"];

/// Everything that a run leaves to be carried away, but for who has seen it: each run has witnesses of its
/// own, and one that was killed before they were asked has fewer cosignatures.
fn results(places: &Places) -> BTreeMap<String, Vec<u8>> {
    let folders = [places.bundle(), places.openings(), places.report(), places.site()];
    folders
        .iter()
        .flat_map(|folder| {
            let name = folder.strip_prefix(&places.out).expect("it lies there").display().to_string();
            files_below(folder).into_iter().map(move |(path, bytes)| (format!("{name}/{path}"), bytes))
        })
        .filter(|(path, _)| !SEEN.iter().any(|seen| path.starts_with(seen)))
        .map(|(path, bytes)| {
            let text = (path == "bundle/checkpoint").then(|| Note::parse(&bytes).expect("a checkpoint").text);
            (path, text.map_or(bytes, String::into_bytes))
        })
        .collect()
}

#[track_caller]
fn same_results(a: &Places, b: &Places) {
    let (a, b) = (results(a), results(b));
    let differing: Vec<_> = a.keys().chain(b.keys()).filter(|path| a.get(*path) != b.get(*path)).collect();
    assert!(differing.is_empty(), "{differing:?}");
}

/// Kills until the run comes to its end all the same; gives how often.
fn kill_to_the_end(places: &Places, dice: &mut Dice, size: u64, step: u64) -> usize {
    let words = ["read ", "signed ", "logged ", "exported ", "checked ", "judged "];
    let mut seen: Vec<(u64, Hash)> = Vec::new();
    let mut kills = 0;
    loop {
        let now = seen.last().map_or(0, |(size, _)| *size);
        let moment = match dice.roll(8) {
            0 => Moment::Word(words[dice.roll(words.len() as u64) as usize]),
            _ if now < size => Moment::Entries((now + 1 + dice.roll(step)).min(size)),
            _ => Moment::Word(words[2 + dice.roll(words.len() as u64 - 2) as usize]),
        };
        let most = 1 << (4 + dice.roll(16));
        let turns = dice.roll(most);
        let ended = run_until(places, moment, turns);
        let last = acknowledged(places);
        assert!(last.is_some_and(|(size, _)| size >= now) || now == 0, "what was signed is gone: {now}, {last:?}");
        seen.extend(last);
        if ended == Ended::Finished || places.out.join("finished").exists() {
            break;
        }
        kills += 1;
        assert!(kills < 1_000, "it does not come to an end");
    }
    // Every checkpoint that anyone saw is of a beginning of the log as it is now.
    let writer = open(places);
    let leaves: Vec<Hash> = items(&writer).iter().map(|item| Hash::leaf(&item.bytes)).collect();
    for (size, root) in seen {
        assert_eq!(root_of(&leaves[..size as usize]), root, "the checkpoint of {size} is of another history");
    }
    kills
}

#[test]
fn killed_a_hundred_times_it_comes_to_the_same_end() {
    let (size, _) = acknowledged(&WHOLE).expect("a finished run");
    let mut dice = Dice(0x5eed_0001);
    let (mut kills, mut round) = (0, 0);
    while kills < KILLS {
        round += 1;
        let places = signed_only(&WHOLE, &format!("kill-{round}"));
        kills += kill_to_the_end(&places, &mut dice, size, size / 48);
        let checkpoint = |places: &Places| last_signed(places).expect("a checkpoint").0;
        assert_eq!(checkpoint(&places), checkpoint(&WHOLE), "round {round}");
        same_results(&places, &WHOLE);
    }
    assert!(round > 1, "all kills in one run");
}

/// What a run that was interrupted while signing must still come to: every row once, and as many
/// records in each week of the sealed stream as in any other.
#[track_caller]
fn sound(places: &Places) {
    let parcels = Outbox::open(&places.home().outbox()).and_then(|o| o.parcels()).expect("an outbox");
    let sources: BTreeSet<&str> = parcels.iter().map(|p| p.source.as_str()).collect();
    assert_eq!(sources.len(), parcels.len(), "a row was signed twice");
    let items = items(&open(places));
    let (mut weeks, mut plain, mut addresses) = (BTreeMap::new(), 0, BTreeSet::new());
    for item in &items {
        let event = &item.entry.signed.event;
        match event.kind.as_str() {
            "sealed.record.appended" => *weeks.entry(item.entry.received_at).or_insert(0) += 1,
            "ledger.genesis" | "ledger.index.sealed" => {}
            _ => {
                plain += 1;
                addresses.insert(event.address());
            }
        }
    }
    let inner = |source: &&&str| {
        let kind = source.split('/').nth(1).unwrap_or_default();
        schemas::catalogue::Catalogue::built_in().inner(kind).is_some()
    };
    assert_eq!(weeks.values().sum::<usize>(), sources.iter().filter(inner).count());
    assert_eq!(weeks.values().collect::<BTreeSet<_>>().len(), 1, "weeks differ: {weeks:?}");
    assert_eq!((plain, addresses.len()), (sources.len() - sources.iter().filter(inner).count(), plain));
}

#[test]
fn killed_while_signing_it_signs_every_row_once() {
    let mut dice = Dice(0x5eed_0002);
    let places = places(&WHOLE.scenario, &fresh("kill-signing").join("out"));
    let moments = [Moment::Keys(1), Moment::Keys(7), Moment::Keys(29), Moment::Keys(46), Moment::Word("read ")];
    for moment in moments.into_iter().chain([Moment::Outbox(1), Moment::Outbox(1), Moment::Word("signed ")]) {
        let turns = dice.roll(1 << 18);
        run_until(&places, moment, turns);
    }
    assert_eq!(run_until(&places, Moment::Never, 0), Ended::Finished);
    sound(&places);
    let entries = |places: &Places| acknowledged(places).map(|(size, _)| size);
    assert_eq!(entries(&places), entries(&WHOLE));
}

/// The disk may keep any beginning of what was being written: the outbox is cut there.
#[test]
fn an_outbox_cut_anywhere_is_completed() {
    let mut dice = Dice(0x5eed_0003);
    let whole = bytes_of(&WHOLE.home().outbox());
    for round in 0..5 {
        let places = signed_only(&WHOLE, &format!("kill-cut-{round}"));
        let mut left = if round == 0 { 0 } else { dice.roll(whole) };
        for path in ledger::files::list(&places.home().outbox(), |_| true).expect("an outbox") {
            let length = std::fs::metadata(&path).expect("a file").len().min(left);
            ledger::files::cut(&path, length).expect("a file can be cut");
            left -= length;
        }
        // That nothing of it was promised yet: what says how much there was is written after each file.
        Outbox::accept_loss(&places.home().outbox()).expect("an outbox");
        let turns = dice.roll(1 << 16);
        run_until(&places, Moment::Outbox(whole / 2), turns);
        assert_eq!(run_until(&places, Moment::Never, 0), Ended::Finished);
        sound(&places);
    }
}

/// A finished run is made anew, and nothing of the old one is left; one that was cut short adds
/// nothing for rows that it had.
#[test]
fn run_again_it_adds_nothing_or_begins_anew() {
    let places = signed_only(&WHOLE, "kill-again");
    assert_eq!(run_until(&places, Moment::Never, 0), Ended::Finished);
    same_results(&places, &WHOLE);
    // As if it had been killed before its last word.
    std::fs::remove_file(places.out.join("finished")).expect("a file can be removed");
    assert_eq!(run_until(&places, Moment::Never, 0), Ended::Finished);
    same_results(&places, &WHOLE);

    // Cut short while it removes the old results, it goes on removing.
    let first = acknowledged(&places);
    std::fs::remove_dir_all(places.keys()).expect("a folder can be removed");
    assert_eq!(run_until(&places, Moment::Never, 0), Ended::Finished);
    let second = acknowledged(&places);
    assert_eq!(first.map(|(size, _)| size), second.map(|(size, _)| size));
    assert_ne!(first, second, "new keys give a new log");

    // What is not the demo's own is not touched.
    let other = fresh("kill-other");
    std::fs::write(other.join("thesis.txt"), "years of work").expect("a file can be written");
    let places = crate::common::places(&WHOLE.scenario, &other);
    let ran = ran(command("demo", &demo(&places)).output().expect("the demo starts"));
    ran.ends(2).says(&["holds something else", "--out"]);
    assert_eq!(files_below(&other).len(), 1);
}
