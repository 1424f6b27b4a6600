//! The log's entries and notes in one sled tree: one batch a commit, durable before any answer.
//! The one file that uses `sled`.
//!
//! What sled 0.34.7 needs of us, each found by measurement:
//! * `flush()` asks Linux for `sync_file_range`, which survives a killed process but not a power
//!   cut; so every commit is followed by an fsync of the file that holds it.
//! * A page holds up to 17 values and goes into a file of its own from 128 KiB on, which that fsync
//!   would miss; so no value is longer than 7,000 bytes, and longer ones are split.
//! * A snapshot half written when the process was killed is read as the newest one; so it is
//!   removed before opening. Snapshots are written only while opening.
//! * Damage can make opening panic or spin; so a store is tried in a child process before it is
//!   opened here ([`crate::probe`]).
//! * A damaged end is dropped in silence, and a damaged page can fall back to an earlier state; so
//!   each commit records what it leaves (`Head`), and the caller compares with the last signed
//!   checkpoint.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use verifier::files::{Links, open_with};
use verifier::output::{self, Readers};

use crate::failure::{Damage, Failure};
use crate::files;
use crate::flush::Watch;
use crate::probe::{Probe, Sound};
use crate::row::{ENTRY, HEAD, Head, NOTE, entry_key, lead, note_key, parts, place, position_of, well_named};

/// Longest entry, in bytes. C2SP tlog-tiles frames each entry with a u16 length.
pub const ENTRY_BYTES_MAX: usize = 65_535;
/// Longest note, in bytes.
pub const NOTE_BYTES_MAX: usize = 65_535;
/// Longest name of a note, in bytes.
pub const NOTE_NAME_BYTES_MAX: usize = 200;
/// Most bytes in one batch, entries and notes together: 64 MiB. One of 64 to 512 entries is best.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// How the names of sled's snapshots begin.
const SNAPSHOT: &str = "snap.";
/// sled's page cache, in bytes.
const CACHE_BYTES: u64 = 64 << 20;
/// Entries that are read as samples.
const SAMPLES: u64 = 512;
/// How long a lock may outlast the process or the handle that held it.
const LOCK_GRACE: Duration = Duration::from_secs(2);
/// Pause between two attempts to lock.
const LOCK_RETRY: Duration = Duration::from_millis(20);

/// What one commit writes, all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Position of the first entry: the size of the store before.
    pub first: u64,
    /// The entries' bytes, in order.
    pub entries: Vec<Vec<u8>>,
    /// Named values, new or replaced: 1 to 200 bytes of `a-z`, `0-9`, `.`, `_`, `-`, `/` each.
    pub notes: Vec<(String, Vec<u8>)>,
}

/// Proof that entries are on the disk. Only the store makes one; nothing is answered or published
/// without it.
#[derive(Debug, PartialEq, Eq)]
pub struct Committed {
    first: u64,
    size: u64,
}

impl Committed {
    /// Position of the first entry that this speaks of.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// How many entries are on the disk, from position 0.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// The durable store of one log. One process has it at a time; within it, share by reference.
pub struct Store {
    // Fields drop in this order: who holds sled too first, then sled, the lock last.
    watch: Watch,
    db: sled::Db,
    /// sled's file, opened once more, to fsync it.
    log: File,
    dir: PathBuf,
    /// What the last commit left. Held while one is under way.
    head: RwLock<Head>,
    /// Entries on the disk; never more than that, whatever the tree shows.
    size: AtomicU64,
    /// A commit began and did not end: what the tree shows may not be on the disk, and what is on
    /// the disk may not show.
    stopped: AtomicBool,
    /// Where broken snapshots of sled's were set aside when it was opened.
    set_aside: Option<PathBuf>,
    _lock: Option<File>,
}

impl Store {
    /// Makes an empty store in a folder that is empty or not there yet.
    ///
    /// # Errors
    /// [`Failure::Occupied`], [`Failure::Io`], [`Failure::Full`], [`Failure::Locked`].
    pub fn create(dir: &Path) -> Result<Self, Failure> {
        files::create_folder(dir)?;
        let occupied = || Failure::Occupied { path: dir.to_owned() };
        if !files::list(dir, |name| name != "lock")?.is_empty() {
            return Err(occupied());
        }
        let lock = lock(dir)?;
        if !files::list(dir, |name| name != "lock")?.is_empty() {
            return Err(occupied());
        }
        let db = open_sled(dir)?;
        guarded(dir, || {
            db.insert(HEAD, lead(0, &Head::default().to_bytes()))?;
            db.flush()
        })?;
        files::sync_tree(dir)?;
        Self::over(db, dir, Some(lock))
    }

    /// Opens a store, once a child process has read all of it without harm.
    ///
    /// What the caller must still do, because only it knows the log: read every entry, check chain
    /// and tree, and compare with the last signed checkpoint.
    ///
    /// # Errors
    /// [`Failure::Absent`], [`Failure::Locked`], [`Failure::Damaged`], [`Failure::Hung`],
    /// [`Failure::Unsynced`], [`Failure::Unprobed`], [`Failure::Io`].
    pub fn open(dir: &Path, probe: &Probe) -> Result<Self, Failure> {
        Self::open_with(dir, |dir| probe.run(dir))
    }

    /// Opens a store that was closed by [`Store::close`] and has not been touched since: the child reads samples of it.
    /// What the caller reads of it, it must compare with what it knows.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn reopen(dir: &Path, probe: &Probe) -> Result<Self, Failure> {
        Self::open_with(dir, |dir| probe.sample(dir))
    }

    fn open_with(dir: &Path, try_it: impl Fn(&Path) -> Result<Sound, Failure>) -> Result<Self, Failure> {
        if !dir.is_dir() {
            return Err(Failure::Absent { what: "store", path: dir.to_owned() });
        }
        files::refuse_unsynced(dir)?;
        let lock = lock(dir)?;
        for leftover in files::list(dir, |name| name.starts_with(SNAPSHOT) && name.ends_with(".generating"))? {
            files::remove(&leftover)?;
        }
        // sled would make an empty database of a missing one.
        if !dir.join("db").is_file() {
            return Err(Failure::damaged(dir, Damage::Missing { name: "db".to_owned() }));
        }
        // A killed process leaves pages that only memory holds; a snapshot must not outlive them.
        files::sync_tree(dir)?;
        let (sound, set_aside) = match try_it(dir) {
            Ok(sound) => (sound, None),
            Err(broken @ (Failure::Damaged { .. } | Failure::Hung { .. })) => {
                let (sound, aside) = without_snapshots(dir, &try_it, broken)?;
                (sound, Some(aside))
            }
            Err(other) => return Err(other),
        };
        let mut store = Self::open_unprobed(dir, Some(lock))?;
        store.set_aside = set_aside;
        if store.size() != sound.entries {
            return Err(Failure::damaged(dir, Damage::Unlike { what: "entries" }));
        }
        Ok(store)
    }

    /// Opens it in this process, come what may: for the child, and for the parent after it.
    pub(crate) fn open_unprobed(dir: &Path, lock: Option<File>) -> Result<Self, Failure> {
        let db = open_sled(dir)?;
        files::sync_tree(dir)?;
        let store = Self::over(db, dir, lock)?;
        let head = *store.settled()?;
        let mut found = Head { size: 0, notes: [0; 32] };
        for (name, value) in store.notes("")? {
            found.toggle(&name, &value);
        }
        if found.notes != head.notes {
            return Err(Failure::damaged(dir, Damage::Unlike { what: "notes" }));
        }
        let last = guarded(dir, || store.db.range([ENTRY].as_slice()..[ENTRY + 1].as_slice()).next_back().transpose())?;
        let size = match &last {
            None => 0,
            Some((key, _)) => position_of(key).ok_or_else(|| foreign(dir, key))?.saturating_add(1),
        };
        if size == head.size { Ok(store) } else { Err(Failure::damaged(dir, Damage::Unlike { what: "entries" })) }
    }

    /// A store over an open database.
    fn over(db: sled::Db, dir: &Path, lock: Option<File>) -> Result<Self, Failure> {
        let path = dir.join("db");
        let log = verifier::files::open(&path, Links::Followed).map_err(|e| Failure::io("open", &path, e))?;
        let bytes = guarded(dir, || db.get(HEAD))?;
        let head = bytes.as_ref().and_then(|b| b.strip_prefix(&[0])).and_then(Head::parse);
        let head = head.ok_or_else(|| Failure::damaged(dir, Damage::Unlike { what: "records" }))?;
        Ok(Self {
            watch: watch(&db, dir),
            db,
            log,
            dir: dir.to_owned(),
            head: RwLock::new(head),
            size: head.size.into(),
            stopped: false.into(),
            set_aside: None,
            _lock: lock,
        })
    }

    /// Where broken snapshots of the database's were set aside when this was opened, if any were: it made new ones from
    /// its log.
    pub fn set_aside(&self) -> Option<&Path> {
        self.set_aside.as_deref()
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many entries are on the disk.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// What is on the disk already, such as after a start: everything that can be read.
    pub fn committed(&self) -> Committed {
        Committed { first: 0, size: self.size() }
    }

    /// Entries from a position on, in order, up to the size at the time of the call. After an
    /// error there is nothing more.
    pub fn entries(&self, from: u64) -> Entries<'_> {
        let size = self.size();
        let rows = self.db.range(entry_key(from.min(size), 0)..entry_key(size, 0));
        Entries { store: self, rows, next: from, size }
    }

    /// One entry; `None` past the end.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Io`].
    pub fn entry(&self, position: u64) -> Result<Option<Vec<u8>>, Failure> {
        if position >= self.size() {
            return Ok(None);
        }
        let first = guarded(&self.dir, || self.db.get(entry_key(position, 0))).map_err(|e| self.seen(e))?;
        match first.as_deref() {
            Some([0, value @ ..]) => Ok(Some(value.to_vec())),
            Some(_) => self.entries(position).next().transpose().map(|found| found.map(|(_, value)| value)),
            None => Err(self.seen(Failure::damaged(&self.dir, Damage::Gap { position }))),
        }
    }

    /// One note.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Stopped`], [`Failure::Io`].
    pub fn note(&self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let settled = self.settled()?;
        let found = self.rows_of_note(name)?.map(|(value, _)| value);
        drop(settled);
        Ok(found)
    }

    /// All notes whose names begin so, sorted by name.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Stopped`], [`Failure::Io`].
    pub fn notes(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, Failure> {
        let settled = self.settled()?;
        let mut rows = self.db.scan_prefix([&[NOTE], prefix.as_bytes()].concat());
        let mut notes = Vec::new();
        while let Some((stem, value, _)) = joined(&self.dir, &mut rows)? {
            let name = stem.strip_prefix(&[NOTE]).and_then(|s| s.strip_suffix(&[0]));
            let name = name.filter(|n| well_named(n)).and_then(|n| String::from_utf8(n.to_vec()).ok());
            notes.push((name.ok_or_else(|| foreign(&self.dir, &stem))?, value));
        }
        drop(settled);
        Ok(notes)
    }

    /// Writes a batch. When this returns it is on the disk, and stays there.
    ///
    /// After [`Failure::Full`], [`Failure::Io`] or [`Failure::Damaged`] the batch may or may not
    /// be there at the next start, whole in either case; until then nothing more is taken.
    ///
    /// # Errors
    /// Before anything is written: [`Failure::NotNext`], [`Failure::Unfit`], [`Failure::Misspelt`],
    /// [`Failure::Stopped`]. Else as said.
    pub fn commit(&self, batch: &Batch) -> Result<Committed, Failure> {
        let mut settled = self.head.write().map_err(|_| self.halted())?;
        if self.stopped.load(Ordering::Acquire) {
            return Err(self.halted());
        }
        let Head { size, .. } = *settled;
        if batch.first != size {
            return Err(Failure::NotNext { path: self.dir.clone(), first: batch.first, size });
        }
        batch.check()?;
        let mut head = *settled;
        let mut rows = sled::Batch::default();
        for (position, entry) in (size..).zip(&batch.entries) {
            for (part, value) in (0..).zip(parts(entry)) {
                rows.insert(&entry_key(position, part), value);
            }
            head.size = position + 1;
        }
        for (name, note) in &batch.notes {
            let mut stale = 0..0;
            if let Some((old, count)) = self.rows_of_note(name)? {
                head.toggle(name, &old);
                stale = 0..count;
            }
            head.toggle(name, note);
            for (part, value) in (0..).zip(parts(note)) {
                rows.insert(note_key(name, part), value);
                stale.start = part + 1;
            }
            for part in stale {
                rows.remove(note_key(name, part));
            }
        }
        rows.insert(HEAD, lead(0, &head.to_bytes()));

        self.stopped.store(true, Ordering::Release);
        let written = guarded(&self.dir, || {
            self.db.apply_batch(rows)?;
            self.watch.flush(|| self.db.flush())
        });
        if let Err(Failure::Io { source, .. }) = &written {
            // What the database could not flush memory may still show: it is ours as an fsync of our own is.
            files::die_of_sync(&self.dir, source);
        }
        written?;
        files::sync(&self.log, &self.dir); // durable from here on, or the process has ended
        *settled = head;
        self.size.store(head.size, Ordering::Release);
        self.stopped.store(false, Ordering::Release);
        Ok(Committed { first: size, size: head.size })
    }

    /// Closes the store in good order: sled writes its own snapshot only while opening, so it is opened once more, and the
    /// next start has nothing to recover. `last` is called when all is on the disk, while nobody else can have the store.
    ///
    /// # Errors
    /// [`Failure`] of sled or the disk, or what `last` failed of; nothing is lost by it.
    pub fn close<T>(self, last: impl FnOnce(&Path) -> Result<T, Failure>) -> Result<T, Failure> {
        let Self { watch, db, log, dir, _lock: lock, .. } = self;
        drop((watch, db, log));
        drop(open_sled(&dir)?);
        files::sync_tree(&dir)?;
        let told = last(&dir);
        drop(lock);
        told
    }

    /// Reads samples, as the child does where it need not read everything.
    pub(crate) fn sample(&self, progress: impl Fn(u64)) -> Result<u64, Failure> {
        let size = self.size();
        for position in
            (0..size).step_by(usize::try_from(size / SAMPLES).unwrap_or(1).max(1)).chain(size.checked_sub(1))
        {
            self.entry(position)?;
            progress(position);
        }
        Ok(size)
    }

    /// Reads everything, as the child does; `progress` hears of every 1,000th entry.
    pub(crate) fn scan(&self, progress: impl Fn(u64) + Sync) -> Result<u64, Failure> {
        let read = |from, to| {
            for entry in self.entries(from).take_while(|found| !matches!(found, Ok((at, _)) if *at >= to)) {
                let (position, _) = entry?;
                if position % 1_000 == 0 {
                    progress(position);
                }
            }
            Ok(())
        };
        // Two halves at once: reading is bound by the processor, and someone is waiting.
        let middle = self.size() / 2;
        std::thread::scope(|scope| {
            let second = scope.spawn(|| read(middle, u64::MAX));
            read(0, middle)?;
            second.join().unwrap_or_else(|_| Err(Failure::damaged(&self.dir, Damage::Unlike { what: "entries" })))
        })?;
        for range in [&b""[..]..b"e", b"f"..b"h", b"i"..b"n", b"o"..&[0xff; 40]] {
            if let Some((key, _)) = guarded(&self.dir, || self.db.range(range).next().transpose())? {
                return Err(foreign(&self.dir, &key));
            }
        }
        Ok(self.size())
    }

    /// Waits for a running commit, so that nothing is read which may yet be lost.
    fn settled(&self) -> Result<RwLockReadGuard<'_, Head>, Failure> {
        let settled = self.head.read().map_err(|_| self.halted())?;
        if self.stopped.load(Ordering::Acquire) { Err(self.halted()) } else { Ok(settled) }
    }

    fn halted(&self) -> Failure {
        Failure::Stopped { path: self.dir.clone() }
    }

    /// What reading an entry failed of. After a failed commit sled gives no more pages back, which
    /// must not pass for damage.
    fn seen(&self, failure: Failure) -> Failure {
        let failed = self.head.try_read().is_ok_and(|_| self.stopped.load(Ordering::Acquire));
        if failed { self.halted() } else { failure }
    }

    /// A note and the number of its parts.
    fn rows_of_note(&self, name: &str) -> Result<Option<(Vec<u8>, u8)>, Failure> {
        let mut rows = self.db.scan_prefix([&[NOTE], name.as_bytes(), &[0]].concat());
        Ok(joined(&self.dir, &mut rows)?.map(|(_, value, count)| (value, count)))
    }
}

impl Batch {
    /// Refuses what the store would not give back as it was.
    fn check(&self) -> Result<(), Failure> {
        let fits = |what, bytes, min, max| {
            if (min..=max).contains(&bytes) { Ok(()) } else { Err(Failure::Unfit { what, bytes, min, max }) }
        };
        let mut total = 0;
        for entry in &self.entries {
            fits("an entry", entry.len(), 1, ENTRY_BYTES_MAX)?;
            total += entry.len();
        }
        let mut names = BTreeSet::new();
        for (name, note) in &self.notes {
            fits("the name of a note", name.len(), 1, NOTE_NAME_BYTES_MAX)?;
            fits("a note", note.len(), 0, NOTE_BYTES_MAX)?;
            if !well_named(name.as_bytes()) || !names.insert(name) {
                return Err(Failure::Misspelt { what: "the name of a note", text: name.clone() });
            }
            total += note.len();
        }
        fits("a batch", total, 0, BATCH_BYTES_MAX)
    }
}

/// Entries in order, whole, without a gap; see [`Store::entries`].
pub struct Entries<'a> {
    store: &'a Store,
    rows: sled::Iter,
    next: u64,
    size: u64,
}

impl Iterator for Entries<'_> {
    type Item = Result<(u64, Vec<u8>), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.size {
            return None;
        }
        let position = self.next;
        let dir = &self.store.dir;
        let read = joined(dir, &mut self.rows).and_then(|found| match found {
            Some((stem, value, _)) if stem[..] == entry_key(position, 0)[..9] => Ok(value),
            _ => Err(Failure::damaged(dir, Damage::Gap { position })),
        });
        self.next = if read.is_ok() { position + 1 } else { self.size };
        Some(read.map(|value| (position, value)).map_err(|e| self.store.seen(e)))
    }
}

/// Tries a broken store once more without sled's own snapshots, which only spare it reading its log. Where that helps
/// they stay aside, in a folder beside the store; else they are put back.
fn without_snapshots(
    dir: &Path,
    try_it: &impl Fn(&Path) -> Result<Sound, Failure>,
    broken: Failure,
) -> Result<(Sound, PathBuf), Failure> {
    let snapshots = || files::list(dir, |name| name.starts_with(SNAPSHOT));
    let found = snapshots()?;
    if found.is_empty() {
        return Err(broken);
    }
    let mut aside = dir.as_os_str().to_owned();
    aside.push(".aside");
    let aside = PathBuf::from(aside);
    files::create_folder(&aside)?;
    let place = |path: &Path| aside.join(path.file_name().unwrap_or_default());
    let rename = |from: &Path, to: &Path| std::fs::rename(from, to).map_err(|e| Failure::io("set aside", from, e));
    for path in &found {
        rename(path, &place(path))?;
    }
    files::sync_folder(&aside)?;
    files::sync_folder(dir)?;
    if let Ok(sound) = try_it(dir) {
        return Ok((sound, aside));
    }
    for path in snapshots()? {
        files::remove(&path)?;
    }
    for path in &found {
        rename(&place(path), path)?;
    }
    let _ = std::fs::remove_dir(&aside); // only where nothing else is in it
    files::sync_folder(dir)?;
    Err(broken)
}

/// The next value of `rows` put together: its key without the part, its bytes, its number of parts.
fn joined(dir: &Path, rows: &mut sled::Iter) -> Result<Option<(sled::IVec, Vec<u8>, u8)>, Failure> {
    let Some((key, value)) = guarded(dir, || rows.next().transpose())? else { return Ok(None) };
    let pieces = || Failure::damaged(dir, Damage::Pieces { place: place(&key) });
    let (part, stem) = key.split_last().ok_or_else(pieces)?;
    let (follow, bytes) = value.split_first().ok_or_else(pieces)?;
    if *part != 0 {
        return Err(pieces());
    }
    let mut whole = bytes.to_vec();
    for number in 1..=*follow {
        let (key, value) = guarded(dir, || rows.next().transpose())?.ok_or_else(pieces)?;
        if key.split_last() != Some((&number, stem)) || value.first() != Some(&(follow - number)) {
            return Err(pieces());
        }
        whole.extend_from_slice(&value[1..]);
    }
    Ok(Some((key.subslice(0, stem.len()), whole, follow + 1)))
}

fn foreign(dir: &Path, key: &[u8]) -> Failure {
    Failure::damaged(dir, Damage::Foreign { key: schemas::base::to_hex(&key[..key.len().min(64)]) })
}

/// Takes the folder for this process. A process just killed, or one that is being started, may
/// hold the lock a moment longer.
fn lock(dir: &Path) -> Result<File, Failure> {
    let path = dir.join("lock");
    let mut options = output::options(Readers::Owner);
    let opened = open_with(options.create(true).write(true).truncate(false), &path, Links::Followed);
    let file = opened.map_err(|e| Failure::io("open", &path, e))?;
    let give_up = Instant::now() + LOCK_GRACE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(std::fs::TryLockError::WouldBlock) if Instant::now() < give_up => std::thread::sleep(LOCK_RETRY),
            Err(std::fs::TryLockError::WouldBlock) => return Err(Failure::Locked { path: dir.to_owned() }),
            Err(std::fs::TryLockError::Error(e)) => return Err(Failure::io("lock", &path, e)),
        }
    }
}

/// Somebody who asks sled while it flushes.
fn watch(db: &sled::Db, dir: &Path) -> Watch {
    let db = db.clone();
    Watch::over(dir, move || db.flush().map(drop).map_err(|error| error.to_string()))
}

/// Opens sled's database. Its own lock is let go only when its last thread has finished.
fn open_sled(dir: &Path) -> Result<sled::Db, Failure> {
    let config = sled::Config::new().path(dir).cache_capacity(CACHE_BYTES).flush_every_ms(None);
    let give_up = Instant::now() + LOCK_GRACE;
    loop {
        match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Err(sled::Error::Io(e))) if e.to_string().contains("could not acquire lock") => {
                if Instant::now() >= give_up {
                    return Err(Failure::Locked { path: dir.to_owned() });
                }
                std::thread::sleep(LOCK_RETRY);
            }
            opened => return said(dir, opened),
        }
    }
}

/// Runs sled's code: what it says of damage, or a panic, becomes a failure that says the way out.
fn guarded<T>(dir: &Path, work: impl FnOnce() -> sled::Result<T>) -> Result<T, Failure> {
    said(dir, catch_unwind(AssertUnwindSafe(work)))
}

fn said<T>(dir: &Path, outcome: std::thread::Result<sled::Result<T>>) -> Result<T, Failure> {
    use io::ErrorKind::{InvalidData, InvalidInput, NotFound, UnexpectedEof};
    let damage = match outcome {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(sled::Error::Io(e))) if !matches!(e.kind(), InvalidData | InvalidInput | NotFound | UnexpectedEof) => {
            return Err(Failure::io("read or write", dir, e));
        }
        Ok(Err(error)) => Damage::Unreadable { says: error.to_string() },
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let how = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("panic").chars().take(200).collect();
            Damage::Crashed { how }
        }
    };
    Err(Failure::damaged(dir, damage))
}
