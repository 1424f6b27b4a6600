//! A damaged store: it is opened or refused within the watchdog's time, and whatever it gives
//! without an error is what was written. That it may give less is for the last signed checkpoint.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ledger::failure::{Damage, Failure};
use ledger::store::Store;

use crate::common::{Dice, batch, check, copy, entry, probe};

/// Longer than any trial of these small stores takes.
const STALL: Duration = Duration::from_secs(1);
/// Entries in the stores that are damaged.
const SIZE: u64 = 1_400;

/// A store as a killed process leaves it: with a snapshot of its beginning and a long tail. And the
/// same once it has been opened again: then the newest snapshot covers it.
fn stores(folder: &Path) -> [PathBuf; 2] {
    let [made, tail, covered] = ["made", "tail", "covered"].map(|name| folder.join(name));
    let mut store = Store::create(&made).unwrap();
    for first in (0..SIZE).step_by(7) {
        if first == 210 {
            drop(store);
            store = Store::open(&made, &probe()).unwrap();
        }
        store.commit(&batch(first, 7)).unwrap();
    }
    copy(&made, &tail); // without sled's parting words, as after kill -9
    copy(&made, &covered);
    drop(Store::open(&covered, &probe()).unwrap());
    [tail, covered]
}

/// The file of a store whose name begins so.
fn file(dir: &Path, name: &str) -> PathBuf {
    let mut files = fs::read_dir(dir).unwrap().map(|found| found.unwrap().path());
    files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name)).unwrap()
}

/// One way to harm a store.
#[derive(Debug)]
enum Harm {
    Flip { name: &'static str, at: u64 },
    Cut { name: &'static str, at: u64 },
    Zero { name: &'static str, at: u64 },
    Delete { name: &'static str },
    DeleteAllBut { name: &'static str },
}

impl Harm {
    /// Does it; places count modulo the file's length.
    fn inflict(&self, dir: &Path) {
        let edit = |name: &str, change: &dyn Fn(&mut Vec<u8>)| {
            let path = file(dir, name);
            let mut bytes = fs::read(&path).unwrap();
            change(&mut bytes);
            fs::write(&path, bytes).unwrap();
        };
        match *self {
            Self::Flip { name, at } => edit(name, &|bytes| {
                let bit = at as usize % (bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }),
            Self::Cut { name, at } => edit(name, &|bytes| bytes.truncate(at as usize % bytes.len())),
            Self::Zero { name, at } => edit(name, &|bytes| {
                let from = at as usize % bytes.len();
                let to = bytes.len().min(from + 4_096);
                bytes[from..to].fill(0);
            }),
            Self::Delete { name } => fs::remove_file(file(dir, name)).unwrap(),
            Self::DeleteAllBut { name } => {
                for found in fs::read_dir(dir).unwrap().map(|found| found.unwrap().path()) {
                    if found.is_file() && !found.file_name().unwrap().to_str().unwrap().starts_with(name) {
                        fs::remove_file(found).unwrap();
                    }
                }
            }
        }
    }
}

#[test]
fn no_damage_hangs_it_or_passes_for_the_truth() {
    let folder = tempfile::tempdir().unwrap();
    let dirs = stores(folder.path());
    let mut dice = Dice(0xda_3a9e);
    let mut harms = Vec::new();
    for covered in [false, true] {
        let dir = usize::from(covered);
        harms.extend((0..if covered { 90 } else { 40 }).map(|_| (dir, Harm::Flip { name: "db", at: dice.next() })));
        harms.extend((0..12).map(|_| (dir, Harm::Cut { name: "db", at: dice.next() })));
        harms.extend((0..12).map(|_| (dir, Harm::Zero { name: "db", at: dice.next() })));
        harms.extend((0..15).map(|_| (dir, Harm::Flip { name: "conf", at: dice.next() })));
        harms.extend(["db", "conf"].map(|name| (dir, Harm::Cut { name, at: 0 })));
        harms.extend(["db", "conf"].map(|name| (dir, Harm::Delete { name })));
        harms.push((dir, Harm::DeleteAllBut { name: "db" }));
        harms.push((dir, Harm::DeleteAllBut { name: "conf" }));
    }
    harms.extend((0..50).map(|_| (1, Harm::Flip { name: "snap", at: dice.next() })));
    harms.extend((0..6).map(|_| (1, Harm::Cut { name: "snap", at: dice.next() })));
    harms.push((1, Harm::Delete { name: "snap" }));
    harms.push((1, Harm::DeleteAllBut { name: "snap" }));

    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new([0; 4]);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((number, (dir, harm))) = Some(next.fetch_add(1, Ordering::Relaxed))
                    .and_then(|number| harms.get(number).map(|harm| (number, harm)))
                {
                    let place = folder.path().join(number.to_string());
                    copy(&dirs[*dir], &place);
                    harm.inflict(&place);
                    // Opening may write: sled clears what it takes for a torn end. So once more.
                    let tries = [(), ()].map(|()| suffer(&place).unwrap_or_else(|e| panic!("{harm:?}: {e}")));
                    let outcome = tries[0];
                    outcomes.lock().unwrap()[outcome] += 1;
                    fs::remove_dir_all(&place).unwrap();
                }
            });
        }
    });
    let [whole, shorter, damaged, hung] = outcomes.into_inner().unwrap();
    println!("{whole} whole, {shorter} shorter, {damaged} damaged, {hung} hung");
    assert!(whole > 0 && damaged > 0);
}

#[test]
fn a_broken_snapshot_of_the_database_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [_, covered] = stores(folder.path());
    let length = fs::metadata(file(&covered, "snap")).unwrap().len();
    let mut harms: Vec<Harm> = (0..10).map(|n| Harm::Flip { name: "snap", at: n * (length * 8) / 10 + n }).collect();
    harms.extend([0, 1, 7, 8, length / 3, length / 2, length - 1].map(|at| Harm::Cut { name: "snap", at }));
    harms.extend([0, length / 2].map(|at| Harm::Zero { name: "snap", at }));
    harms.push(Harm::Delete { name: "snap" });
    let mut aside = 0;
    for (number, harm) in harms.iter().enumerate() {
        let place = folder.path().join(number.to_string());
        copy(&covered, &place);
        harm.inflict(&place);
        let broken = file_maybe(&place, "snap").map(|path| fs::read(path).unwrap());
        let store = Store::open(&place, &probe().with_stall(STALL)).unwrap_or_else(|why| panic!("{harm:?}: {why}"));
        assert_eq!(check(&store).unwrap(), SIZE, "{harm:?}");
        if let Some(beside) = store.set_aside() {
            aside += 1;
            let kept = fs::read(file(beside, "snap")).unwrap();
            assert_eq!(Some(kept), broken, "{harm:?}: it is kept as it was");
        }
        drop(store);
        assert_eq!(check(&Store::open(&place, &probe()).unwrap()).unwrap(), SIZE, "{harm:?}: and again");
    }
    println!("{aside} of {} set aside", harms.len());
}

#[test]
fn where_more_than_the_snapshot_is_broken_it_is_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let [_, covered] = stores(folder.path());
    Harm::Delete { name: "conf" }.inflict(&covered);
    Harm::Cut { name: "db", at: 100 }.inflict(&covered);
    let before = fs::read(file(&covered, "snap")).unwrap();
    let failure = Store::open(&covered, &probe().with_stall(STALL)).map(drop).unwrap_err();
    assert!(failure.wants_restore(), "{failure}");
    assert_eq!(fs::read(file(&covered, "snap")).unwrap(), before);
}

/// The file of a store whose name begins so, if there is one.
fn file_maybe(dir: &Path, name: &str) -> Option<PathBuf> {
    let mut files = fs::read_dir(dir).unwrap().map(|found| found.unwrap().path());
    files.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(name))
}

/// Opens and reads a damaged store: 0 whole, 1 shorter, 2 said to be damaged, 3 given up.
fn suffer(dir: &Path) -> Result<usize, Failure> {
    let begun = Instant::now();
    let read = Store::open(dir, &probe().with_stall(STALL)).and_then(|store| check(&store));
    assert!(begun.elapsed() < STALL + Duration::from_secs(20), "took {:?}", begun.elapsed());
    match read {
        Ok(SIZE) => Ok(0),
        Ok(size) => {
            assert!(size < SIZE && size % 7 == 0, "{size} is no size that was ever committed");
            Ok(1)
        }
        Err(Failure::Damaged { .. }) => Ok(2),
        Err(Failure::Hung { .. }) => Ok(3),
        Err(other) => Err(other),
    }
}

#[test]
fn damage_under_an_open_store_is_an_error_and_never_other_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let dir = stores(folder.path())[1].clone();
    let store = Store::open(&dir, &probe()).unwrap();
    let path = file(&dir, "db");
    let truth = fs::read(&path).unwrap();
    let mut dice = Dice(0xca7);
    let mut errors = 0;
    for _ in 0..5 {
        let mut bytes = truth.clone();
        for _ in 0..20 {
            let bit = dice.roll(bytes.len() as u64 * 8) as usize;
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        fs::write(&path, &bytes).unwrap();
        for position in 0..SIZE {
            match store.entry(position) {
                Ok(found) => assert!(found.unwrap() == entry(position), "wrong bytes of entry {position}"),
                Err(Failure::Damaged { .. }) => errors += 1,
                Err(other) => panic!("{other}"),
            }
        }
        match store.entries(0).last().unwrap() {
            Ok((position, _)) => assert_eq!(position, SIZE - 1),
            Err(failure) => assert!(failure.wants_restore(), "{failure}"),
        }
    }
    println!("{errors} errors");
    fs::write(&path, &truth).unwrap();
}

#[test]
fn a_program_that_knows_no_probe_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("store");
    drop(Store::create(&dir).unwrap());
    for program in ["true", "false", "echo"] {
        let program = PathBuf::from("/bin").join(program);
        let failure = Store::open(&dir, &ledger::probe::Probe::of(program)).err().unwrap();
        assert!(matches!(failure, Failure::Unprobed { .. }), "{failure}");
    }
    // One that says nothing is given up, and one that crashes after its first word is believed.
    let shell = ledger::probe::Probe::of("/bin/sh".into());
    for (script, says) in [
        ("exec cat", "gave nothing"),
        ("echo probe: begun; kill -SEGV $$", "signal: 11"),
        ("echo probe: begun; exit 3", "exit status: 3"),
        ("echo probe: sound 7", "its entries are not those"),
        ("echo probe: damaged all of it", "all of it"),
    ] {
        let probe = shell.clone().with_arguments(["-c", script]).with_stall(STALL);
        let text = Store::open(&dir, &probe).err().unwrap().to_string();
        assert!(text.contains(says), "{text:?} lacks {says:?}");
    }
    // A child that takes memory without end is stopped before the machine is.
    let script = "echo probe: begun; x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; echo probe: at 1; done";
    let failure = Store::open(&dir, &shell.with_arguments(["-c", script])).err().unwrap();
    assert!(matches!(failure, Failure::Damaged { damage: Damage::Swollen { .. } | Damage::Crashed { .. }, .. }));
    assert_eq!(Store::open(&dir, &probe()).unwrap().size(), 0);
}
