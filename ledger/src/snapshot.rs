//! What a ledger writes when it stops, so that its next start need not read the whole log: the state, and a mark
//! that the store was closed in good order.
//!
//! Neither is ever believed by itself.
//! * A snapshot lies in `state/<size>`, beside a note in which the log's own key signs what it is: its form (which
//!   includes the catalogue), origin, size, root, length and digest. Whoever could forge one could sign checkpoints.
//!   A file that is cut, changed, of another log or of another release is passed over, and the log is read instead.
//!   What comes after it in the log is replayed on top of it, and the tree that results must be the one of the last
//!   signed checkpoint: so the state is that of these entries and of no others.
//! * The mark `state/stopped` names every file of the store with length and time. It is removed before the store is
//!   touched, so it speaks of one stop only. Where it does not hold, the child process reads the whole store, and every
//!   entry that the snapshot speaks of is compared with its leaf. Where it does, the child opens the store, which is
//!   where a damaged one panics, spins or swells, and reads samples of it; entries are then compared with their leaves
//!   when they are read ([`crate::writer::Writer::entry`]), and `ledger fsck` reads all of them.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};

use schemas::base;
use schemas::hash::{Hash, Hasher};
use schemas::note::{Note, Origin, SignatureLine};
use verifier::levels::Levels;
use verifier::output::{self, Readers};
use verifier::signature::{PublicKey, SecretKey};
use verifier::state::{State, form};

use crate::failure::Failure;
use crate::files;

/// First line of what is signed. A checkpoint's second line is a number, this one's is not: neither passes for the other.
const MAGIC: &str = "oversight-ledger-state/v1";
/// Name of the mark.
const STOPPED: &str = "stopped";
/// How a snapshot's note ends.
pub(crate) const SIGNED: &str = ".signed";
/// Pieces of a snapshot that wait to be hashed.
const PIECES_AHEAD: usize = 8;
/// Longest note or mark, in bytes.
const NOTE_BYTES_MAX: usize = 65_536;

/// Writes a snapshot and signs it; on the disk when this returns. Older ones are removed.
///
/// # Errors
/// [`Failure`] if it cannot be written: the next start then reads the log.
pub fn keep(folder: &Path, state: &mut State, levels: &Levels, log: &SecretKey) -> Result<(), Failure> {
    files::create_folder(folder)?;
    let (path, note_path) = paths(folder, state.size());
    if note_path.exists() {
        return Ok(()); // nothing has come since
    }
    let draft = folder.join("draft");
    let bad = |source| Failure::io("write", &draft, source);
    let mut to =
        Counted { inner: output::create(&draft, Readers::Owner).map_err(bad)?, hasher: Hasher::default(), bytes: 0 };
    state.keep(levels, &mut to).map_err(bad)?;
    files::sync(&to.inner, folder);
    let text = text(state.origin(), state.size(), state.root(), to.bytes, to.hasher.finish());
    let note = Note { signatures: vec![log.sign(&text)], text };
    fs::rename(&draft, &path).map_err(|source| Failure::io("replace", &path, source))?;
    files::replace(&note_path, note.to_text().as_bytes())?;
    let others = |name: &str| name != STOPPED && !name.starts_with(&file_name(state.size()));
    files::list(folder, others)?.iter().try_for_each(|other| files::remove(other))
}

/// The newest snapshot of this log that covers no more than `most` entries and is as it was written; nothing where
/// there is none.
pub fn recall(folder: &Path, origin: &Origin, log: &PublicKey, most: u64) -> Option<(State, Levels)> {
    let mut sizes: Vec<u64> =
        files::list(folder, |name| name.ends_with(SIGNED)).ok()?.iter().filter_map(|path| covered(path)).collect();
    sizes.sort_unstable();
    sizes.into_iter().rev().filter(|size| (1..=most).contains(size)).find_map(|size| read(folder, size, origin, log))
}

/// Sets all snapshots aside, in a folder beside; says where, if there was one. What was there before is written over.
///
/// # Errors
/// [`Failure::Io`].
pub fn set_aside(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let found = files::list(folder, |name| name != STOPPED)?;
    if found.is_empty() {
        return Ok(None);
    }
    let mut aside = folder.as_os_str().to_owned();
    aside.push(".aside");
    let aside = PathBuf::from(aside);
    files::create_folder(&aside)?;
    for path in files::list(&aside, |_| true)? {
        files::remove(&path)?;
    }
    for path in found {
        let to = aside.join(path.file_name().unwrap_or_default());
        fs::rename(&path, &to).map_err(|source| Failure::io("set aside", &path, source))?;
    }
    files::sync_folder(folder)?;
    Ok(Some(aside))
}

fn read(folder: &Path, size: u64, origin: &Origin, log: &PublicKey) -> Option<(State, Levels)> {
    let (path, note_path) = paths(folder, size);
    let note = Note::parse(&files::read(&note_path, NOTE_BYTES_MAX).ok()??).ok()?;
    let by_log = |line: &SignatureLine| line.name == log.vkey().name && line.id == log.id();
    let mut lines = note.signatures.iter().filter(|line| by_log(line));
    if !lines.any(|line| log.holds_strictly(note.text.as_bytes(), &line.signature)) {
        return None;
    }
    let file = verifier::files::open(&path, verifier::files::Links::Followed).ok()?;
    let bytes = file.metadata().ok()?.len();
    // Someone is waiting: what is read is hashed beside.
    let (to, pieces) = sync_channel::<Vec<u8>>(PIECES_AHEAD);
    let (recalled, digest) = std::thread::scope(|scope| {
        let hashing = scope.spawn(move || {
            let mut hasher = Hasher::default();
            pieces.iter().for_each(|piece| hasher.update(&piece));
            hasher.finish()
        });
        let mut from = Hashed { inner: file, to };
        let recalled = State::recall(&mut from, bytes);
        drop(from);
        (recalled, hashing.join())
    });
    let ((state, levels), digest) = (recalled?, digest.ok()?);
    let found = text(state.origin(), state.size(), state.root(), bytes, digest);
    (found == note.text && state.origin() == origin && state.size() == size).then_some((state, levels))
}

/// What is signed of a snapshot.
fn text(origin: &Origin, size: u64, root: Hash, bytes: u64, digest: Hash) -> String {
    format!("{MAGIC}\n{origin}\nform {form}\nsize {size}\nroot {root}\nbytes {bytes}\nsha256 {digest}\n", form = form())
}

/// Origin, size and root that the signed text of a snapshot names, of whatever form it is.
pub(crate) fn signed_of(text: &str) -> Option<(&str, u64, Hash)> {
    let mut lines = text.strip_prefix(MAGIC)?.strip_prefix('\n')?.lines();
    let (origin, _) = (lines.next()?, lines.next()?);
    let size = base::from_decimal(lines.next()?.strip_prefix("size ")?)?;
    Some((origin, size, Hash::from_hex(lines.next()?.strip_prefix("root ")?)?))
}

/// Marks that the store was closed in good order. `files` says what its files were then.
///
/// # Errors
/// [`Failure`] if it cannot be written: the next start then reads the whole store.
pub fn mark(folder: &Path, files: &str) -> Result<(), Failure> {
    files::create_folder(folder)?;
    files::replace(&folder.join(STOPPED), files.as_bytes())
}

/// Takes the mark away, and says whether the store's files are as it says.
///
/// # Errors
/// [`Failure`] if it cannot be taken away: it must not outlive what is written from now on.
pub fn take_mark(folder: &Path, store: &Path) -> Result<bool, Failure> {
    let path = folder.join(STOPPED);
    let marked = files::read(&path, NOTE_BYTES_MAX).unwrap_or_default(); // one that is too long is none of ours
    files::remove(&path)?;
    let found = listing(store)?;
    Ok(marked.is_some_and(|marked| marked == found.as_bytes()))
}

/// The files of a store: name, length and time of each.
///
/// # Errors
/// [`Failure::Io`] if the folder cannot be read.
pub fn listing(store: &Path) -> Result<String, Failure> {
    let mut rows = Vec::new();
    for path in files::list(store, |name| name != "lock")? {
        let about = fs::metadata(&path).map_err(|source| Failure::io("look at", &path, source))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        rows.push(format!("{name} {} {:?}\n", about.len(), about.modified().ok()));
    }
    Ok(rows.concat())
}

fn file_name(size: u64) -> String {
    format!("{size:020}")
}

fn paths(folder: &Path, size: u64) -> (PathBuf, PathBuf) {
    let name = file_name(size);
    (folder.join(&name), folder.join(name + SIGNED))
}

fn covered(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?.strip_suffix(SIGNED)?;
    let digits = name.trim_start_matches('0');
    base::from_decimal(digits).filter(|size| file_name(*size) == name)
}

/// Counts and hashes what is written.
struct Counted {
    inner: File,
    hasher: Hasher,
    bytes: u64,
}

impl Counted {
    fn see(&mut self, piece: &[u8]) {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
    }
}

impl Write for Counted {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(piece)?;
        self.see(&piece[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Hands on what is read, to be hashed.
struct Hashed {
    inner: File,
    to: SyncSender<Vec<u8>>,
}

impl Read for Hashed {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(piece)?;
        // Nobody who hashes: then nothing that is read is believed.
        self.to.send(piece[..read].to_vec()).map_err(io::Error::other)?;
        Ok(read)
    }
}
