//! A whole ledger on a disk that loses what was not synced, tears, reorders, fails and runs full.
//!
//! The child is this executable with a small library in C before its own, compiled here: it writes down
//! every operation, and lets the n-th fail. Nothing is mocked: the same code, the same files.

mod model;
mod results;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use ledger::keys::{KeyFolder, random_bytes};
use ledger::outbox::{Opening, Parcel};
use ledger::plan::{Genesis, Submission};
use ledger::probe::Probe;
use ledger::writer::{BadLedger, Home, Writer};
use schemas::catalogue::{Catalogue, Role};
use schemas::event::{Event, Head};
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::output::{self, Readers};
use verifier::signature::SecretKey;

use crate::common::{CHILD, Dice, Running, command, say};
use model::{Disk, Done, read_log};

/// Commits of one run, and events in each.
const COMMITS: usize = 3;
const EVENTS: usize = 2;
/// Entries that a run leaves: genesis and its seal, the enrolment and its seal, then each commit with its seal.
const ENTRIES: u64 = 4 + (COMMITS * (EVENTS + 1)) as u64;
/// Numbers of errors. Linux, errno.h.
const EIO: &str = "5";
const ENOSPC: &str = "28";

fn start() -> Timestamp {
    Timestamp::parse("2031-03-05T12:00:00Z").unwrap()
}

fn submission(parcel: &Parcel, number: usize) -> Submission {
    let received_at = start().plus_seconds(i64::try_from(number).unwrap());
    Submission { note: parcel.note.clone().into_bytes(), opening: parcel.opening.clone(), received_at }
}

/// What the child does: opens the ledger, commits what lies beside it, and says each size once it is promised.
pub fn live(folder: &Path) {
    let probe = Probe::of_this_program().unwrap().with_arguments(CHILD);
    let mut writer = match Writer::open(&Home::new(&folder.join("home")), &probe) {
        Ok(writer) => writer,
        Err(why) => return say(&format!("could not open: {why}")),
    };
    let lines = fs::read_to_string(folder.join("parcels.jsonl")).unwrap();
    let parcels: Vec<Parcel> = lines.lines().map(|line| Parcel::parse(line).unwrap()).collect();
    for (number, batch) in parcels.chunks(EVENTS).enumerate() {
        let batch: Vec<Submission> = batch.iter().map(|parcel| submission(parcel, number)).collect();
        match writer.commit(&batch, batch[0].received_at) {
            Ok(answered) => say(&format!("promised {}", answered.checkpoint.size)),
            Err(why) => return say(&format!("could not commit: {why}")),
        }
    }
    say("all done");
}

/// A ledger with one organisation, and events of it beside.
fn ledger(folder: &Path) {
    let (home, origin) = (Home::new(&folder.join("home")), Origin::parse("disk.example/log").unwrap());
    let mut keys = KeyFolder::new(&folder.join("keys"), origin.clone());
    let operator = keys.get_or_make("op", "o1").unwrap().clone();
    let pen = keys.get_or_make("cso-x", "x1").unwrap().clone();
    let facts = Genesis {
        operator: "op",
        registrar: ("op", Role::Operator),
        operator_keys: vec![operator.vkey().to_string()],
        registrar_keys: Vec::new(),
        oversight_keys: Vec::new(),
    };
    let mut writer = Writer::create(&home, &origin, &facts, start()).unwrap();
    let text = |s: &str| Value::Text(s.to_owned());
    let enrolled = [
        ("organisation", text("cso-x")),
        ("holder", text("x1")),
        ("role", text("cso")),
        ("alg", text("ed25519")),
        ("public_key", text(&pen.vkey().to_string())),
        ("valid_from", text(&start().to_string())),
    ];
    let enrolment = parcel(&origin, "key.enrolled", 1, &enrolled, &[&pen, &operator]);
    writer.commit(&[submission(&enrolment, 0)], start()).unwrap();
    let mut lines = String::new();
    for number in 0..COMMITS * EVENTS {
        let attempted = [
            ("facility", text("fac-a")),
            ("organisation", text("cso-x")),
            ("attempted_on", text("2031-03-05")),
            ("outcome", text("turned_away")),
            ("wait", Value::Integer(20)),
            ("stated_reason", text("lockdown")),
        ];
        let parcel = parcel(&origin, "visit.attempted", 2 + number, &attempted, &[&pen]);
        lines += &(parcel.to_line() + "\n");
    }
    fs::write(folder.join("parcels.jsonl"), lines).unwrap();
}

fn parcel(origin: &Origin, kind: &str, number: usize, data: &[(&str, Value)], pens: &[&SecretKey]) -> Parcel {
    let row = format!("r{number}");
    let head = Head {
        kind: (kind, 1),
        ledger: origin,
        by: "cso-x",
        row: &row,
        seq: i64::try_from(number).unwrap(),
        at: start().date(0),
    };
    let mut event = Event::new(&head);
    event.data = data.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    event.id = Some(format!("cso-x/n{number}"));
    let slots = Catalogue::built_in().event(kind).unwrap().slots();
    let slots: Vec<Disclosure> = slots
        .into_iter()
        .map(|name| {
            let value = (name == "arrived_at").then(|| Value::Text(start().to_string()));
            Disclosure { salt: random_bytes().unwrap(), name: name.to_owned(), value }
        })
        .collect();
    let digests: Vec<_> = slots.iter().map(Disclosure::digest).collect();
    event.hidden = Some(hidden_root(&digests).to_base64());
    let text = event.to_text();
    let note = Note { signatures: pens.iter().map(|pen| pen.sign(&text)).collect(), text }.to_text();
    let opening = Opening::open(slots.iter().map(Disclosure::to_text).collect());
    Parcel { note, opening, received_at: None, source: format!("cso-x/{kind}/{row}") }
}

/// The library that stands between the child and its disk.
fn library(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/durable/disk/disk.c");
    let library = folder.join("disk.so");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let status = Command::new(compiler)
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(&library)
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .status()
        .expect("a C compiler, which building the ledger needs as well");
    assert!(status.success());
    library
}

fn watched(library: &Path, folder: &Path, log: &Path) -> Command {
    let mut command = command("live", folder);
    command.env("LD_PRELOAD", library).env("DISK_ROOT", folder.join("home")).env("DISK_LOG", log);
    command
}

fn copy(from: &Path, to: &Path) {
    output::create_folders(to, Readers::Owner).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn promised(words: &str) -> Option<u64> {
    words.lines().rev().find_map(|line| line.split("promised ").nth(1)?.parse().ok())
}

/// Entries and opening lines of a ledger, as it gives them after a start.
fn contents(home: &Path) -> Result<Vec<(Vec<u8>, String)>, BadLedger> {
    let probe = Probe::of_this_program()?.with_arguments(CHILD);
    let writer = Writer::open(&Home::new(home), &probe)?;
    let line = |position| writer.vault().line(position).map(Option::unwrap_or_default);
    writer
        .store()
        .entries(0)
        .map(|found| found.and_then(|(at, bytes)| Ok((bytes, line(at)?))).map_err(Into::into))
        .collect()
}

/// Whether a ledger holds what was promised, and nothing else than what belongs there.
fn holds(home: &Path, floor: u64, truth: &[(Vec<u8>, String)]) -> Result<(), String> {
    let found = contents(home).map_err(|why| format!("does not open: {why}"))?;
    if (found.len() as u64) < floor {
        return Err(format!("{floor} entries were promised, {} are there", found.len()));
    }
    match found.iter().zip(truth).position(|(found, truth)| found != truth) {
        Some(at) => Err(format!("entry {at} is another")),
        None if found.len() > truth.len() => Err("there are more than were handed in".to_owned()),
        None => Ok(()),
    }
}

/// Does something for each number, on both processors.
fn for_each(count: usize, work: impl Fn(usize) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let faults: Vec<String> = std::thread::scope(|scope| {
        let worker = || {
            let number = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < count);
            std::iter::from_fn(number)
                .filter_map(|n| work(n).err().map(|why| format!("{n}: {why}")))
                .collect::<Vec<_>>()
        };
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(faults.is_empty(), "{} of {count}:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn a_power_cut_at_any_moment_loses_nothing_that_was_promised() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    ledger(root);
    let before = Disk::of(&root.join("home"));
    let log = root.join("log");
    let (said, well) = Running::start(watched(&library(root), root, &log)).finish();
    assert!(well && said.last().is_some_and(|words| words == "all done"), "{said:?}");
    let truth = contents(&root.join("home")).unwrap();
    assert_eq!(truth.len() as u64, ENTRIES);
    let done = read_log(&fs::read(&log).unwrap());
    let syncs = done.iter().filter(|done| matches!(done, Done::Sync { .. })).count();
    assert!(syncs > 4 * COMMITS, "the child's disk was watched: {syncs} syncs");
    // After every operation the power may go.
    for_each(done.len() + 1, |moment| {
        let (mut disk, mut floor) = (before.clone(), 4);
        for done in &done[..moment] {
            disk.take(done);
            if let Done::Said { words } = done {
                floor = promised(words).unwrap_or(floor);
            }
        }
        let left = disk.cut(&mut Dice(0x5eed + 7_919 * moment as u64));
        let place = root.join(format!("cut-{moment}"));
        lay(&left, &root.join("home"), &place);
        holds(&place, floor, &truth)?;
        fs::remove_dir_all(&place).map_err(|why| why.to_string())
    });
}

/// Makes files and folders as they were left below `from`, at another place.
fn lay(left: &BTreeMap<PathBuf, Option<Vec<u8>>>, from: &Path, to: &Path) {
    for (path, bytes) in left {
        let place = to.join(path.strip_prefix(from).unwrap());
        match bytes {
            None => fs::create_dir_all(&place).unwrap(),
            Some(bytes) => output::create(&place, Readers::Owner).and_then(|mut file| file.write_all(bytes)).unwrap(),
        }
    }
}

#[test]
fn whichever_operation_fails_nothing_that_was_promised_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    ledger(root);
    let library = library(root);
    let run = |name: &str, log: &Path, variables: &[(&str, &str)]| {
        let place = root.join(name);
        copy(&root.join("home"), &place.join("home"));
        fs::copy(root.join("parcels.jsonl"), place.join("parcels.jsonl")).unwrap();
        let mut command = watched(&library, &place, log);
        command.envs(variables.iter().copied());
        (Running::start(command).finish(), place)
    };
    let log = root.join("log");
    let ((said, well), place) = run("good", &log, &[]);
    assert!(well && said.last().is_some_and(|words| words == "all done"), "{said:?}");
    let truth = contents(&place.join("home")).unwrap();
    let operations = read_log(&fs::read(&log).unwrap()).iter().filter(|d| !matches!(d, Done::Said { .. })).count();
    assert!(operations > 10 * COMMITS, "{operations} operations");
    let failed = AtomicUsize::new(0);
    for_each(2 * operations, |number| {
        let (at, full) = (number / 2 + 1, number % 2 == 1);
        let (name, text) = (format!("fail-{number}"), at.to_string());
        let mut variables = vec![("DISK_FAIL_AT", text.as_str()), ("DISK_ERRNO", if full { ENOSPC } else { EIO })];
        if full {
            variables.push(("DISK_FAIL_ON", "1"));
        }
        let ((said, _), place) = run(&name, Path::new("/dev/null"), &variables);
        let home = place.join("home");
        let floor = said.iter().rev().find_map(|words| promised(words)).unwrap_or(4);
        if said.last().is_none_or(|words| words != "all done") {
            failed.fetch_add(1, Ordering::Relaxed);
        }
        // What the operator is told to do after a failed fsync: the machine was restarted, the mark is taken away.
        for mark in marks(&home) {
            let refused = contents(&home).err().map(|why| why.to_string()).unwrap_or_default();
            if !refused.contains("once failed to keep") {
                return Err(format!("started over what an fsync lost: {refused:?}"));
            }
            fs::remove_file(mark).map_err(|why| why.to_string())?;
        }
        holds(&home, floor, &truth)?;
        fs::remove_dir_all(&place).map_err(|why| why.to_string())
    });
    let failed = failed.into_inner();
    assert!(failed > operations, "an operation that fails is noticed: {failed} of {}", 2 * operations);
}

#[test]
fn a_flush_of_the_database_that_fails_ends_it_and_leaves_the_mark() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    ledger(root);
    let library = library(root);
    let mut met = 0;
    for at in 1..=8 {
        let place = root.join(format!("flush-{at}"));
        copy(&root.join("home"), &place.join("home"));
        fs::copy(root.join("parcels.jsonl"), place.join("parcels.jsonl")).unwrap();
        let mut command = watched(&library, &place, Path::new("/dev/null"));
        command.env("DISK_FAIL_RANGE", at.to_string());
        let (said, well) = Running::start(command).finish();
        let last = said.last().cloned().unwrap_or_default();
        let home = place.join("home");
        if !last.contains("promised") && !last.is_empty() {
            continue; // it failed while opening, or there was no such call
        }
        met += 1;
        assert!(!well, "flush {at}: {said:?}");
        assert_eq!(marks(&home).len(), 1, "flush {at}: {said:?}");
        let refused = contents(&home).err().map(|why| why.to_string()).unwrap_or_default();
        assert!(refused.contains("once failed to keep"), "flush {at}: {refused}");
    }
    assert!(met > 0, "the database flushes while it commits");
}

/// The files that remember a failed fsync.
fn marks(home: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("sync-failed") {
                found.push(path);
            }
        }
    }
    found
}
