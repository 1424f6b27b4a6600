//! A folder that is kept current as a bundle while the ledger serves (FORMAT.md 13): a backup of all that is
//! public, and the files for a web server or an object store.
//!
//! `DIR` is a whole bundle at any moment. The next one is made beside it, in `DIR.next`: files that stay are linked,
//! new ones are written, all of it goes to the disk, and then the two folders change places in one step. What was
//! current becomes the next to be brought up to date, so an update costs what is new. Whoever copies for longer than
//! the pause between two updates holds `DIR.lock` shared meanwhile (`flock -s DIR.lock cp -r DIR elsewhere`).
//!
//! A start trusts nothing that it finds: every file of `DIR` is compared with the store, and what was half written
//! when a process was killed is made again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use schemas::note::Note;
use schemas::policy::Policy;
use schemas::tile::{TILE_WIDTH, Tile};
use schemas::time::Date;
use schemas::visible::Show as _;
use verifier::files::{Links, open_with};
use verifier::output::{self, Readers};

use crate::export::Kept;
use crate::failure::Failure;
use crate::files;
use crate::places::{Lies, Places};
use crate::reader::Reader;
use crate::writer::DOCUMENT_BYTES_MAX;

/// Largest file of a bundle that is compared, in bytes.
const FILE_BYTES_MAX: usize = 64 << 20;
/// Entries between two looks at whether to go on.
const STEP: u64 = 65_536;

/// Files of a bundle by path, with their digests.
type Listed = BTreeMap<String, Hash>;

/// The mirror of one ledger.
pub struct Mirror {
    reader: Reader,
    policy: String,
    asked: Option<Policy>,
    utc_offset_minutes: i32,
    out: PathBuf,
    lock: File,
    /// What lies in `DIR` and in `DIR.next`, as far as this process knows.
    current: Listed,
    next: Listed,
    /// What the next bundle has but for tiles that are not full.
    lasting: Listed,
    kept: BTreeMap<Date, Kept>,
    /// Entries that were looked at.
    size: u64,
}

impl Mirror {
    /// The mirror of a ledger in a folder, which is new, empty, or an older mirror of this very log.
    ///
    /// # Errors
    /// [`Failure::Occupied`] if something else is there; [`Failure::Contradicted`] if it is ahead of the log;
    /// [`Failure::Io`], [`Failure::Full`].
    pub fn open(reader: Reader, policy: String, utc_offset_minutes: i32, out: &Path) -> Result<Self, Failure> {
        let occupied = || Failure::Occupied { path: out.to_owned() };
        if out.exists() && fs::read_dir(out).map_or(true, |mut inside| inside.next().is_some()) {
            let checkpoint = files::read(&out.join("checkpoint"), FILE_BYTES_MAX)?;
            let checkpoint = checkpoint.and_then(|bytes| Note::parse(&bytes).ok());
            let checkpoint = checkpoint.and_then(|note| Checkpoint::parse(&note.text).ok());
            match checkpoint {
                Some(checkpoint) if checkpoint.origin == *reader.origin() => {}
                // What is left of a bundle whose checkpoint is torn or gone says nothing, and is made again.
                None if out.join("tile").is_dir() || out.join(manifest::NAME).is_file() => {
                    let aside = beside(out, "broken");
                    clear(&aside)?;
                    fs::rename(out, &aside).map_err(|e| Failure::io("set aside", out, e))?;
                    tracing::warn!(
                        mirror = %out.shown(), aside = %aside.shown(),
                        "the mirror had no checkpoint that can be read: it was set aside, and is made again from the log"
                    );
                }
                _ => return Err(occupied()),
            }
        }
        // A mirror that is ahead, or tells another history, is never pulled back.
        for folder in [out.to_owned(), beside(out, "next")] {
            reader.make_room(Lies::Bundle, &folder)?;
        }
        Places::remember(reader.home(), Lies::Bundle, out)?;
        files::create_public_folder(files::parent(out))?;
        let path = beside(out, "lock");
        // Whoever copies the bundle holds it, under another account too.
        let mut options = output::options(Readers::Everyone);
        let lock = open_with(options.create(true).write(true).truncate(false), &path, Links::Followed);
        let lock = lock.and_then(|lock| output::settle(&lock, Readers::Everyone).map(|()| lock));
        let lock = lock.map_err(|e| Failure::io("open", &path, e))?;
        clear(&beside(out, "next"))?;
        let asked = Policy::parse(&policy).ok().filter(|policy| !policy.witnesses.is_empty());
        Ok(Self {
            reader,
            policy,
            asked,
            utc_offset_minutes,
            out: out.to_owned(),
            lock,
            current: Listed::new(),
            next: Listed::new(),
            lasting: Listed::new(),
            kept: BTreeMap::new(),
            size: 0,
        })
    }

    /// Entries in the bundle, as far as this process knows.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Brings the folder up to a published checkpoint; nothing where someone copies it just now. `go_on` is asked now
    /// and then.
    ///
    /// # Errors
    /// [`Failure`] if something cannot be read or written; doing it again goes on.
    pub fn update(&mut self, size: u64, checkpoint: &Note, go_on: &dyn Fn() -> bool) -> Result<bool, Failure> {
        let next = beside(&self.out, "next");
        files::create_public_folder(&next)?;
        self.look(size, go_on)?;
        if !go_on() {
            return Ok(false);
        }
        let mut wanted = self.lasting.clone();
        for tile in partial(size) {
            let bytes = self.reader.tile(tile)?.unwrap_or_default();
            wanted.insert(tile.path(), self.place(&next, &tile.path(), &bytes)?);
        }
        let kept: BTreeMap<u64, Vec<u8>> = self.kept.values().cloned().flat_map(Kept::notes).collect();
        for (covered, note) in kept {
            let path = format!("checkpoints/{covered}");
            wanted.insert(path.clone(), self.place(&next, &path, &note)?);
        }
        for path in files::list(&self.reader.home().documents(), |name| Hash::from_hex(name).is_some())? {
            let bytes = files::read(&path, DOCUMENT_BYTES_MAX)?.unwrap_or_default();
            let path = format!("documents/{}", Hash::of(&[&bytes]));
            wanted.insert(path.clone(), self.place(&next, &path, &bytes)?);
        }
        let (policy, note) = (self.policy.clone(), checkpoint.to_text());
        let side = [("policy", policy.as_str()), (verifier::PAGE_NAME, verifier::PAGE), ("checkpoint", note.as_str())];
        for (path, text) in side {
            wanted.insert(path.to_owned(), self.place(&next, path, text.as_bytes())?);
        }
        self.settle(&next, &wanted)
    }

    /// Looks at the entries that came since: full tiles, and the checkpoints that each day keeps.
    fn look(&mut self, size: u64, go_on: &dyn Fn() -> bool) -> Result<(), Failure> {
        let next = beside(&self.out, "next");
        while self.size < size && go_on() {
            let end = size.min(self.size + STEP);
            for entry in self.reader.entries(self.size).take((end - self.size) as usize) {
                let (position, bytes) = entry?;
                if let Some(entry) = seal(&bytes) {
                    let day = self.kept.entry(entry.received_at.date(self.utc_offset_minutes)).or_default();
                    day.see(&self.reader, self.asked.as_ref(), position + 1)?;
                }
            }
            for tile in full(self.size, end) {
                let bytes = self.reader.tile(tile)?.unwrap_or_default();
                let hash = self.place(&next, &tile.path(), &bytes)?;
                self.lasting.insert(tile.path(), hash);
            }
            self.size = end;
        }
        Ok(())
    }

    /// Puts a file into the next bundle: linked where the current one has it, else written.
    fn place(&mut self, next: &Path, path: &str, bytes: &[u8]) -> Result<Hash, Failure> {
        let hash = Hash::of(&[bytes]);
        if self.next.get(path) == Some(&hash) {
            return Ok(hash);
        }
        let (from, to) = (self.out.join(path), next.join(path));
        files::create_public_folder(files::parent(&to))?;
        files::remove(&to)?;
        // The first time nobody has compared what lies there.
        let there = match self.current.get(path) {
            Some(known) => *known == hash,
            None => files::read(&from, FILE_BYTES_MAX).is_ok_and(|found| found.as_deref() == Some(bytes)),
        };
        if !there || fs::hard_link(&from, &to).is_err() {
            files::publish(&to, bytes)?;
        } else if !self.current.contains_key(path) {
            // Nor asked who may read it.
            let closed = File::open(&to).and_then(|file| output::settle(&file, Readers::Everyone));
            closed.map_err(|e| Failure::io("open to everyone", &to, e))?;
        }
        self.next.insert(path.to_owned(), hash);
        Ok(hash)
    }

    /// Makes the next bundle exactly what is wanted, on the disk, and lets it change places with the current one.
    fn settle(&mut self, next: &Path, wanted: &Listed) -> Result<bool, Failure> {
        let stale: Vec<String> = self.next.keys().filter(|path| !wanted.contains_key(*path)).cloned().collect();
        for path in stale {
            files::remove(&next.join(&path))?;
            let _ = fs::remove_dir(files::parent(&next.join(&path))); // only where nothing else is in it
            self.next.remove(&path);
        }
        for (path, hash) in wanted {
            if self.next.get(path) != Some(hash) {
                let (from, to) = (self.out.join(path), next.join(path));
                files::create_public_folder(files::parent(&to))?;
                files::remove(&to)?;
                fs::hard_link(&from, &to).map_err(|e| Failure::io("link", &to, e))?;
                self.next.insert(path.clone(), *hash);
            }
        }
        let manifest = next.join(manifest::NAME);
        let text = Manifest(wanted.clone()).to_text();
        // It may be linked nowhere else, but a reader of an older bundle may have it open.
        files::remove(&manifest)?;
        files::publish(&manifest, text.as_bytes())?;
        to_disk(next)?;
        if self.lock.try_lock().is_err() {
            return Ok(false); // someone copies: the next bundle waits for the next round
        }
        let swapped = self.swap(next);
        let _ = self.lock.unlock();
        swapped?;
        self.current = std::mem::replace(&mut self.next, std::mem::take(&mut self.current));
        Ok(true)
    }

    fn swap(&self, next: &Path) -> Result<(), Failure> {
        let io = |e: io::Error| Failure::io("replace", &self.out, e);
        if self.out.exists() {
            exchange(next, &self.out).map_err(io)?;
            if self.current.is_empty() {
                // What an earlier process left there is not known file by file.
                clear(next)?;
            }
        } else {
            fs::rename(next, &self.out).map_err(io)?;
        }
        files::sync_folder(files::parent(&self.out))
    }
}

/// The seal that these bytes are, if they are one.
fn seal(bytes: &[u8]) -> Option<Entry> {
    let kind = verifier::admit::SEAL.as_bytes();
    bytes
        .windows(kind.len())
        .any(|found| found == kind)
        .then(|| Entry::reread(bytes).ok())?
        .filter(|entry| entry.signed.event.kind == verifier::admit::SEAL)
}

/// Tiles that are full under `size` entries and were not under `before`.
fn full(before: u64, size: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut of_level = |level: Option<u8>, before: u64, items: u64| {
        let fresh = before / TILE_WIDTH..items / TILE_WIDTH;
        tiles.extend(fresh.map(|index| Tile { level, index, width: TILE_WIDTH }));
    };
    of_level(None, before, size);
    let (mut level, mut before, mut items) = (0, before, size);
    while items > 0 {
        of_level(Some(level), before, items);
        (level, before, items) = (level + 1, before / TILE_WIDTH, items / TILE_WIDTH);
    }
    tiles
}

/// Tiles of a bundle of `size` entries that are not full.
fn partial(size: u64) -> Vec<Tile> {
    let mut tiles = Vec::new();
    let mut of_level = |level: Option<u8>, items: u64| {
        let (index, width) = (items / TILE_WIDTH, items % TILE_WIDTH);
        if width > 0 {
            tiles.push(Tile { level, index, width });
        }
    };
    of_level(None, size);
    let (mut level, mut items) = (0, size);
    while items > 0 {
        of_level(Some(level), items);
        (level, items) = (level + 1, items / TILE_WIDTH);
    }
    tiles
}

/// Puts everything that was written on the disk.
#[cfg(target_os = "linux")]
fn to_disk(folder: &Path) -> Result<(), Failure> {
    let opened = File::open(folder).map_err(|e| Failure::io("open", folder, e))?;
    rustix::fs::syncfs(&opened).map_err(|e| Failure::io("write to the disk", folder, e.into()))
}

/// Elsewhere that is left to the system: a start compares every file.
#[cfg(not(target_os = "linux"))]
fn to_disk(_folder: &Path) -> Result<(), Failure> {
    Ok(())
}

/// Lets two folders change places in one step.
#[cfg(target_os = "linux")]
fn exchange(next: &Path, out: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, next, CWD, out, RenameFlags::EXCHANGE)?)
}

/// Elsewhere in three: for an instant nothing is there.
#[cfg(not(target_os = "linux"))]
fn exchange(next: &Path, out: &Path) -> io::Result<()> {
    let aside = beside(out, "aside");
    let _ = fs::remove_dir_all(&aside);
    fs::rename(out, &aside)?;
    fs::rename(next, out)?;
    fs::rename(&aside, next)
}

fn beside(out: &Path, what: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

fn clear(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Failure::io("remove", folder, e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn step_by_step_a_mirror_has_the_tiles_of_a_bundle() {
        let mut lasting = BTreeSet::new();
        let mut before = 0;
        for size in [1, 2, 255, 256, 257, 600, 65_535, 65_536, 65_537, 131_072, 200_000] {
            lasting.extend(full(before, size));
            before = size;
            let ours: BTreeSet<Tile> = lasting.iter().copied().chain(partial(size)).collect();
            assert_eq!(ours, Tile::all(size).into_iter().collect(), "{size}");
        }
    }
}
