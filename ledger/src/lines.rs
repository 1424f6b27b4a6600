//! Folders of lines beside the log: one line an entry, 256 lines a file, named as C2SP tlog-tiles
//! names entry bundles (`000`, `001`, `x001/234`). Unlike the store, a line can be replaced for
//! good: that is what erasure needs. The vault has two of them.
//!
//! In a commit these folders come first and the store second, so lines past the store's size are
//! leftovers of a batch that nobody was promised; opening drops them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::failure::{Damage, Failure};
use crate::files::{self, Written};

/// Lines in a full file. C2SP tlog-tiles, entry bundles.
pub const LINES_A_FILE: u64 = 256;
/// Longest line, in bytes, without its end: 1 MiB.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Longest file, in bytes.
const FILE_BYTES_MAX: usize = LINES_A_FILE as usize * (LINE_BYTES_MAX + 1);

/// The lines of one log. One process has them at a time, as with its store.
#[derive(Debug)]
pub struct LineFolder {
    dir: PathBuf,
    /// Lines on the disk that a reader may see.
    size: AtomicU64,
    /// Held by who writes; false after a write that failed half-way.
    whole: Mutex<bool>,
}

impl LineFolder {
    /// Opens the lines of a store that holds `size` entries; an empty one is made where none is.
    /// Lines past `size` are dropped. Full files are only looked for; reading them checks them.
    ///
    /// # Errors
    /// [`Failure::Damaged`] if lines of entries below `size` are missing, [`Failure::Unsynced`],
    /// [`Failure::Io`], [`Failure::Full`].
    pub fn open(dir: &Path, size: u64) -> Result<Self, Failure> {
        files::create_folder(dir)?;
        let folder = Self { dir: dir.to_owned(), size: size.into(), whole: Mutex::new(true) };
        // A rewrite that was killed must not keep what a later erasure removes.
        files::remove(&folder.draft())?;
        let (full, rest) = (size / LINES_A_FILE, size % LINES_A_FILE);
        for number in 0..full {
            let path = folder.path(number);
            files::refuse_unsynced(files::parent(&path))?;
            match fs::metadata(&path) {
                Ok(found) if found.len() >= LINES_A_FILE => {}
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(Failure::io("look at", &path, e)),
                _ => return Err(folder.gap(number * LINES_A_FILE)),
            }
        }
        let last = folder.path(full);
        files::refuse_unsynced(files::parent(&last))?;
        let bytes = files::read(&last, FILE_BYTES_MAX)?;
        let ends = bytes.iter().flatten().zip(1u64..).filter_map(|(byte, end)| (*byte == b'\n').then_some(end));
        let ends: Vec<u64> = std::iter::once(0).chain(ends.take(rest as usize)).collect();
        let kept = ends.len() as u64 - 1;
        if kept < rest {
            return Err(folder.gap(full * LINES_A_FILE + kept));
        }
        folder.drop_files(if rest == 0 { full } else { full + 1 })?;
        if rest > 0 && bytes.is_some_and(|b| b.len() as u64 > ends[ends.len() - 1]) {
            files::cut(&last, ends[ends.len() - 1])?;
        }
        Ok(folder)
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// How many lines it holds.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Adds the lines of the entries from `first` on, which is the size now. On the disk when this
    /// returns; after an error nothing more is taken.
    ///
    /// # Errors
    /// Before anything is written: [`Failure::NotNext`], [`Failure::Unfit`], [`Failure::Misspelt`],
    /// [`Failure::Stopped`]. Then: [`Failure::Io`], [`Failure::Full`].
    pub fn append<L: AsRef<str>>(&self, first: u64, lines: &[L]) -> Result<(), Failure> {
        let mut whole = self.begin(first, lines)?;
        files::sync_all(&self.write(first, lines)?)?;
        self.end(&mut whole, first, lines.len());
        Ok(())
    }

    /// Takes the pen; it is not whole until [`LineFolder::end`].
    fn begin<L: AsRef<str>>(&self, first: u64, lines: &[L]) -> Result<MutexGuard<'_, bool>, Failure> {
        let stopped = || Failure::Stopped { path: self.dir.clone() };
        let mut whole = self.whole.lock().map_err(|_| stopped())?;
        if !*whole {
            return Err(stopped());
        }
        let size = self.size();
        if first != size {
            return Err(Failure::NotNext { path: self.dir.clone(), first, size });
        }
        for line in lines {
            check(line.as_ref())?;
        }
        *whole = false;
        Ok(whole)
    }

    /// Writes, and gives what must be flushed before it counts.
    fn write<L: AsRef<str>>(&self, first: u64, lines: &[L]) -> Result<Vec<Written>, Failure> {
        let (mut next, mut rest, mut written) = (first, lines, Vec::new());
        while !rest.is_empty() {
            let room = LINES_A_FILE - next % LINES_A_FILE;
            let (now, later) = rest.split_at(rest.len().min(room as usize));
            let path = self.path(next / LINES_A_FILE);
            files::create_folder(files::parent(&path))?;
            let mut bytes = String::with_capacity(now.iter().map(|line| line.as_ref().len() + 1).sum());
            for line in now {
                bytes += line.as_ref();
                bytes.push('\n');
            }
            written.push(files::write_end(&path, bytes.as_bytes())?);
            next += now.len() as u64;
            rest = later;
        }
        Ok(written)
    }

    /// All of it is on the disk: readers may see it.
    fn end(&self, whole: &mut bool, first: u64, count: usize) {
        self.size.store(first + count as u64, Ordering::Release);
        *whole = true;
    }

    /// The line of one entry; `None` past the end.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Io`].
    pub fn line(&self, position: u64) -> Result<Option<String>, Failure> {
        if position >= self.size() {
            return Ok(None);
        }
        let (number, place) = (position / LINES_A_FILE, (position % LINES_A_FILE) as usize);
        // A pack reads one line of many files: the others are not worth a copy each. Whatever is wrong is
        // named by the careful way.
        let bytes = files::read(&self.path(number), FILE_BYTES_MAX)?.unwrap_or_default();
        if let Some(line) = std::str::from_utf8(&bytes).ok().and_then(|text| text.split_inclusive('\n').nth(place))
            && let Some(line) = line.strip_suffix('\n').filter(|line| check(line).is_ok())
        {
            return Ok(Some(line.to_owned()));
        }
        let mut lines = self.file(number)?;
        Ok(Some(lines.swap_remove(place)))
    }

    /// Lines from a position on, in order, up to the size at the time of the call. After an error
    /// there is nothing more.
    pub fn lines(&self, from: u64) -> Lines<'_> {
        Lines { folder: self, next: from, size: self.size(), file: Vec::new().into_iter() }
    }

    /// Puts another line in the place of one. Whoever reads sees the old one or the new one; when
    /// this returns only the new one is left in the folder.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Unfit`], [`Failure::Misspelt`], [`Failure::Stopped`],
    /// [`Failure::Io`], [`Failure::Full`]. [`Failure::NotNext`] if there is no such line yet.
    pub fn replace(&self, position: u64, line: &str) -> Result<(), Failure> {
        let stopped = || Failure::Stopped { path: self.dir.clone() };
        let whole = self.whole.lock().map_err(|_| stopped())?;
        if !*whole {
            return Err(stopped());
        }
        let size = self.size();
        if position >= size {
            return Err(Failure::NotNext { path: self.dir.clone(), first: position, size });
        }
        check(line)?;
        let number = position / LINES_A_FILE;
        let mut lines = self.file(number)?;
        line.clone_into(&mut lines[(position % LINES_A_FILE) as usize]);
        let bytes: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        files::replace_by(&self.draft(), &self.path(number), bytes.as_bytes())
    }

    /// All lines of one file that a reader may see.
    fn file(&self, number: u64) -> Result<Vec<String>, Failure> {
        let first = number * LINES_A_FILE;
        let wanted = self.size().saturating_sub(first).min(LINES_A_FILE) as usize;
        let bytes = files::read(&self.path(number), FILE_BYTES_MAX)?.ok_or_else(|| self.gap(first))?;
        let mut lines = Vec::with_capacity(wanted);
        for (position, line) in (first..).zip(bytes.split_inclusive(|b| *b == b'\n')).take(wanted) {
            let Some(line) = line.strip_suffix(b"\n") else { break };
            let bad = || Failure::damaged(&self.dir, Damage::Line { position });
            let text = std::str::from_utf8(line).map_err(|_| bad())?;
            check(text).map_err(|_| bad())?;
            lines.push(text.to_owned());
        }
        if lines.len() < wanted { Err(self.gap(first + lines.len() as u64)) } else { Ok(lines) }
    }

    /// Removes the files from one on, the last first: what is left has no gap, whenever we stop.
    fn drop_files(&self, from: u64) -> Result<(), Failure> {
        let mut end = from;
        while self.path(end).exists() {
            end += 1;
        }
        (from..end).rev().try_for_each(|number| files::remove(&self.path(number)))
    }

    fn gap(&self, position: u64) -> Failure {
        Failure::damaged(&self.dir, Damage::Gap { position })
    }

    /// Where a file is written before it takes another's place.
    fn draft(&self) -> PathBuf {
        self.dir.join("draft")
    }

    /// Path of the file with this number.
    fn path(&self, number: u64) -> PathBuf {
        self.dir.join(tile_path(number))
    }
}

/// Adds as many lines to one folder as to another, flushed side by side: both are on the disk when this returns.
///
/// # Errors
/// As [`LineFolder::append`], of either.
pub(crate) fn append_both(
    (one, lines): (&LineFolder, &[&str]),
    (other, others): (&LineFolder, &[&str]),
    first: u64,
) -> Result<(), Failure> {
    let (mut whole, mut other_whole) = (one.begin(first, lines)?, other.begin(first, others)?);
    let mut written = one.write(first, lines)?;
    written.append(&mut other.write(first, others)?);
    files::sync_all(&written)?;
    one.end(&mut whole, first, lines.len());
    other.end(&mut other_whole, first, others.len());
    Ok(())
}

/// Lines in order; see [`LineFolder::lines`].
#[derive(Debug)]
pub struct Lines<'a> {
    folder: &'a LineFolder,
    next: u64,
    size: u64,
    file: std::vec::IntoIter<String>,
}

impl Iterator for Lines<'_> {
    type Item = Result<(u64, String), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.size {
            return None;
        }
        let position = self.next;
        if self.file.len() == 0 {
            match self.folder.file(position / LINES_A_FILE) {
                Ok(lines) => self.file = lines.into_iter(),
                Err(failure) => {
                    self.next = self.size;
                    return Some(Err(failure));
                }
            }
            let before = (position % LINES_A_FILE) as usize;
            self.file.by_ref().take(before).for_each(drop);
        }
        self.next += 1;
        self.file.next().map(|line| Ok((position, line)))
    }
}

/// Refuses a line that would not come back as it is.
///
/// # Errors
/// [`Failure::Unfit`], [`Failure::Misspelt`].
pub(crate) fn check(line: &str) -> Result<(), Failure> {
    let (bytes, max) = (line.len(), LINE_BYTES_MAX);
    if bytes > max {
        return Err(Failure::Unfit { what: "a line beside the log", bytes, min: 0, max });
    }
    if line.contains('\n') {
        let text = line.chars().take(40).collect();
        return Err(Failure::Misspelt { what: "a line beside the log", text });
    }
    Ok(())
}

/// The lines of one file of a copied folder; `None` if there is no such file.
///
/// # Errors
/// [`Failure::Damaged`] if it is not lines of text, [`Failure::Io`].
pub(crate) fn read_file(dir: &Path, number: u64) -> Result<Option<Vec<String>>, Failure> {
    let path = dir.join(tile_path(number));
    let Some(bytes) = files::read(&path, FILE_BYTES_MAX)? else { return Ok(None) };
    let damaged = |n: usize| Failure::damaged(dir, Damage::Line { position: number * LINES_A_FILE + n as u64 });
    let mut lines = Vec::new();
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let text = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        lines.push(text.ok_or_else(|| damaged(lines.len()))?.to_owned());
    }
    Ok(Some(lines))
}

/// The index of a tile or bundle as a path: groups of three digits, all but the last led by `x`.
/// C2SP tlog-tiles.
fn tile_path(number: u64) -> String {
    let mut path = format!("{:03}", number % 1_000);
    let mut above = number / 1_000;
    while above > 0 {
        path = format!("x{:03}/{path}", above % 1_000);
        above /= 1_000;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_as_tiles_are() {
        for (number, path) in [(0, "000"), (255, "255"), (1_000, "x001/000"), (1_234_067, "x001/x234/067")] {
            assert_eq!(tile_path(number), path);
        }
    }
}
