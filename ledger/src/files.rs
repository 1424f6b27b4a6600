//! Files that are still there after a power cut. Whatever returns `Ok` here is on the disk.
//!
//! An error of fsync ends the process: the kernel may have dropped the very bytes that it then
//! shows as clean, so neither a retry nor a read can be believed. A mark left beside the file
//! keeps the next start from trusting memory.
//!
//! What is made is its owner's alone, files 0600 and folders 0700, whatever the umask says; bundles, which everyone may
//! have, are written with [`publish`] and [`create_public_folder`].

use schemas::visible::Show as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use verifier::files::{Links, open, open_with};
use verifier::output::{self, BadSecret, Readers, Unfinished};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// How long every flush takes at least, in milliseconds; see [`delay_flushes`].
static FLUSH_MS: AtomicU64 = AtomicU64::new(0);
/// Name of the mark in a folder where fsync failed.
const MARK: &str = "sync-failed";

/// Makes the bytes of an open file durable; `folder` is where a failure is remembered.
/// On an error this does not return: the process ends.
pub fn sync(file: &File, folder: &Path) {
    if let Err(error) = file.sync_data() {
        die_of_sync(folder, &error);
    }
    delay();
}

/// Lets every flush take so much longer: for measuring what a slow disk would do where this one answers from
/// memory. Nothing but a bench calls it.
pub fn delay_flushes(by: Duration) {
    FLUSH_MS.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
}

fn delay() {
    let by = FLUSH_MS.load(Ordering::Relaxed);
    if by > 0 {
        std::thread::sleep(Duration::from_millis(by));
    }
}

/// Makes the names in a folder durable: files made, renamed or removed. Ends the process on an error; a file system
/// that knows no such thing (some sticks and shares) is passed over, for [`refuse_unsyncable`] has asked it where it counts.
///
/// # Errors
/// [`Failure::Io`] if the folder cannot be opened.
pub fn sync_folder(folder: &Path) -> Result<(), Failure> {
    let opened = File::open(folder).map_err(|e| Failure::io("open", folder, e))?;
    match opened.sync_all() {
        Err(error) if !output::cannot(&error) => die_of_sync(folder, &error),
        _ => delay(),
    }
    Ok(())
}

/// Refuses a folder whose file system cannot make names durable: what is acknowledged there could be gone after a power
/// cut. Asked of every folder of which "recorded" is said; the nearest that is there answers for one that is not.
///
/// # Errors
/// [`Failure::Unsyncable`], [`Failure::Io`].
pub fn refuse_unsyncable(folder: &Path) -> Result<(), Failure> {
    let mut there = folder;
    while !there.is_dir() && parent(there) != there {
        there = parent(there);
    }
    let opened = File::open(there).map_err(|e| Failure::io("open", there, e))?;
    match opened.sync_all() {
        Err(source) if output::cannot(&source) => Err(Failure::Unsyncable { path: folder.to_owned(), source }),
        Err(source) => die_of_sync(there, &source),
        Ok(()) => Ok(()),
    }
}

/// Takes a folder that only its owner may look into: made if it is not there, closed if it is there and empty.
///
/// # Errors
/// [`Failure::Exposed`] if others can read what is in it; [`Failure::Io`], [`Failure::Full`].
pub fn take_folder(folder: &Path) -> Result<(), Failure> {
    create_folder(folder)?;
    output::take_folder(folder).map_err(|e| Failure::io("take", folder, e))?.map_err(Failure::Exposed)
}

/// Refuses a file or folder of secrets that others can read.
///
/// # Errors
/// [`Failure::Exposed`] with the command that mends it.
pub fn refuse_exposed(path: &Path) -> Result<(), Failure> {
    output::refuse_exposed(path).map_err(Failure::Exposed)
}

/// Makes a folder, its files (not those of folders within) and its own name durable.
///
/// # Errors
/// [`Failure::Io`] if one cannot be opened.
pub fn sync_tree(folder: &Path) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(|e| Failure::io("list", folder, e))? {
        let path = entry.map_err(|e| Failure::io("list", folder, e))?.path();
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_file()) {
            let file = open(&path, Links::Refused).map_err(|e| Failure::io("open", &path, e))?;
            sync(&file, folder);
        }
    }
    sync_folder(folder)?;
    sync_folder(parent(folder))
}

/// Says what happened and ends the process; a mark is left if the disk still takes one.
pub(crate) fn die_of_sync(folder: &Path, error: &io::Error) -> ! {
    let mark = folder.join(MARK);
    let _ = output::create(&mark, Readers::Owner).and_then(|file| file.sync_all());
    verifier::tell!(
        "the disk failed to keep what was written to {}: {error}\nThe ledger ends here, before it answers \
         anyone. Check the disk, restart the machine, delete {}, then start the ledger again.",
        folder.shown(),
        mark.shown()
    );
    // Nothing is unwound: what would be flushed on the way out is not to be believed.
    std::process::exit(2);
}

/// Refuses a folder in which an earlier process was ended by fsync.
///
/// # Errors
/// [`Failure::Unsynced`].
pub fn refuse_unsynced(folder: &Path) -> Result<(), Failure> {
    let mark = folder.join(MARK);
    if mark.exists() { Err(Failure::Unsynced { path: folder.to_owned(), mark }) } else { Ok(()) }
}

/// Makes a folder and those above it, for their owner alone; those that are there stay as they are.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`].
pub fn create_folder(folder: &Path) -> Result<(), Failure> {
    create_folder_for(folder, Readers::Owner)
}

/// The same, for everyone: in bundles.
///
/// # Errors
/// As [`create_folder`].
pub fn create_public_folder(folder: &Path) -> Result<(), Failure> {
    create_folder_for(folder, Readers::Everyone)
}

fn create_folder_for(folder: &Path, readers: Readers) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = parent(folder);
    if above != folder {
        create_folder_for(above, readers)?;
    }
    match output::create_folder(folder, readers) {
        Ok(()) => sync_folder(above),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(e) => Err(Failure::io("make", folder, e)),
    }
}

/// Puts a file in place of the one at `path`, whole or not at all. `draft` is where it is written
/// first: a path in the same file system, which nobody else uses.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`]; the old file is then still there.
pub fn replace_by(draft: &Path, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = output::create(draft, Readers::Owner).and_then(|mut file| file.write_all(bytes).map(|()| file));
    let file = written.map_err(|e| {
        let _ = fs::remove_file(draft);
        Failure::io("write", draft, e)
    })?;
    sync(&file, parent(draft));
    fs::rename(draft, path).map_err(|e| Failure::io("replace", path, e))?;
    if parent(draft) != parent(path) {
        sync_folder(parent(draft))?;
    }
    sync_folder(parent(path))
}

/// As [`replace_by`], with a draft beside the file: its name and `.new`.
///
/// # Errors
/// As [`replace_by`].
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    replace_by(Path::new(&draft), path, bytes)
}

/// Whether a result could be put there, as a file or as a folder: begins it beside the place, and takes it away again.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`].
pub fn try_out(path: &Path) -> Result<(), Failure> {
    let begun = if path.is_dir() {
        Unfinished::folder(path, Readers::Owner)
    } else if output::is_stream(path) {
        return Ok(());
    } else {
        Unfinished::file(path, Readers::Owner).map(|(draft, _)| draft)
    };
    begun.map(drop).map_err(|e| Failure::io("write", path, e))
}

/// Writes a result that was asked for, for its owner alone: whole, or what was there before stays.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`].
pub fn write_out(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    output::write(path, bytes, Readers::Owner).map_err(|e| Failure::io("write", path, e))
}

/// Writes a file that can be made again from what is durable, for its owner alone: whole, but not flushed.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`].
pub fn write_again(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let begun = Unfinished::file(path, Readers::Owner);
    let written = begun.and_then(|(draft, mut file)| file.write_all(bytes).and_then(|()| draft.put_unflushed()));
    written.map_err(|e| Failure::io("write", path, e))
}

/// Writes a file that everyone may read, in a bundle that is not in its place yet; not flushed.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`].
pub fn publish(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = output::create(path, Readers::Everyone).and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| Failure::io("write", path, e))
}

/// Writes over a file in its place, which is made if it is not there: one flush and no new name, but a power cut in
/// the middle leaves neither the old bytes nor the new.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`].
pub fn overwrite(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fresh = !path.exists();
    let opened =
        open_with(output::options(Readers::Owner).create(true).write(true).truncate(false), path, Links::Followed);
    let mut file = opened.map_err(|e| Failure::io("open", path, e))?;
    file.write_all(bytes).map_err(|e| Failure::io("write", path, e))?;
    file.set_len(bytes.len() as u64).map_err(|e| Failure::io("shorten", path, e))?;
    sync(&file, parent(path));
    if fresh { sync_folder(parent(path)) } else { Ok(()) }
}

/// Adds bytes to the end of a file, which is made if it is not there.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`]; part of the bytes may then stand at the end.
pub fn append(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    sync_all(&[write_end(path, bytes)?])
}

/// A file with bytes at its end that are not yet on the disk: [`sync_all`] puts them there.
#[derive(Debug)]
#[must_use = "what is written and not flushed is lost with the power"]
pub struct Written {
    file: File,
    path: PathBuf,
    fresh: bool,
}

/// Adds bytes to the end of a file, which is made if it is not there, and does not wait for the disk.
///
/// # Errors
/// As [`append`].
pub fn write_end(path: &Path, bytes: &[u8]) -> Result<Written, Failure> {
    let fresh = !path.exists();
    let opened = open_with(output::options(Readers::Owner).create(true).append(true), path, Links::Followed);
    let mut file = opened.map_err(|e| Failure::io("open", path, e))?;
    file.write_all(bytes).map_err(|e| Failure::io("write", path, e))?;
    Ok(Written { file, path: path.to_owned(), fresh })
}

/// Makes several files durable at once, and the names of those that are new: as long as the slowest of them takes.
///
/// # Errors
/// [`Failure::Io`] if a folder cannot be opened.
pub fn sync_all(written: &[Written]) -> Result<(), Failure> {
    let mut folders: Vec<&Path> = written.iter().filter(|one| one.fresh).map(|one| parent(&one.path)).collect();
    folders.dedup();
    let Some((last, others)) = written.split_last() else { return Ok(()) };
    std::thread::scope(|scope| {
        let folders: Vec<_> = folders.into_iter().map(|folder| scope.spawn(move || sync_folder(folder))).collect();
        others.iter().for_each(|one| drop(scope.spawn(move || sync(&one.file, parent(&one.path)))));
        sync(&last.file, parent(&last.path));
        folders.into_iter().try_for_each(|folder| folder.join().expect("it ends the process or comes back"))
    })
}

/// Shortens a file.
///
/// # Errors
/// [`Failure::Io`].
pub fn cut(path: &Path, bytes: u64) -> Result<(), Failure> {
    let file = open_with(OpenOptions::new().write(true), path, Links::Followed);
    let file = file.map_err(|e| Failure::io("open", path, e))?;
    file.set_len(bytes).map_err(|e| Failure::io("shorten", path, e))?;
    sync(&file, parent(path));
    Ok(())
}

/// Removes a file; one that is not there is fine.
///
/// # Errors
/// [`Failure::Io`].
pub fn remove(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder(parent(path)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Failure::io("remove", path, e)),
    }
}

/// Reads a regular file of at most `max` bytes, which the user named or is our own; `None` if it is not there.
///
/// # Errors
/// [`Failure::Io`] if it cannot be read, is longer, or is no regular file.
pub fn read(path: &Path, max: usize) -> Result<Option<Vec<u8>>, Failure> {
    read_as(path, max, Links::Followed)
}

/// Reads a file that lies in a folder from somewhere else, as [`read`] does: a link in its place is refused.
///
/// # Errors
/// As [`read`].
pub fn read_foreign(path: &Path, max: usize) -> Result<Option<Vec<u8>>, Failure> {
    read_as(path, max, Links::Refused)
}

fn read_as(path: &Path, max: usize, links: Links) -> Result<Option<Vec<u8>>, Failure> {
    match verifier::files::read(path, max as u64, links) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Failure::io("read", path, e)),
    }
}

/// Reads a file with a secret, which nobody else may read, into memory that is overwritten when it is let go; `None` if it
/// is not there.
///
/// # Errors
/// [`Failure::Exposed`] with the command that mends it; [`Failure::Io`], also if it is longer.
pub fn read_secret(path: &Path, max: usize) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    output::read_secret(path, max).map_err(|why| match why {
        BadSecret::Exposed(exposed) => Failure::Exposed(exposed),
        BadSecret::Io(e) => Failure::io("read", path, e),
        why @ BadSecret::Long { .. } => {
            Failure::io("read", path, io::Error::new(io::ErrorKind::InvalidData, why.to_string()))
        }
    })
}

/// The folder that a path is in.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(above) if above.as_os_str().is_empty() => Path::new("."),
        Some(above) => above,
        None => path,
    }
}

/// Files of a folder whose names satisfy `wanted`, sorted.
///
/// # Errors
/// [`Failure::Io`].
pub fn list(folder: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|e| Failure::io("list", folder, e))? {
        let entry = entry.map_err(|e| Failure::io("list", folder, e))?;
        if entry.file_name().to_str().is_some_and(&wanted) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_replaced_appended_cut_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        create_folder(&deep).unwrap();
        create_folder(&deep).unwrap();
        let path = deep.join("file");
        assert_eq!(read(&path, 10).unwrap(), None);
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        append(&path, b"+three").unwrap();
        assert_eq!(read(&path, 9).unwrap().unwrap(), b"two+three");
        let why = read(&path, 8).unwrap_err();
        assert!(
            matches!(&why, Failure::Io { path: named, source, .. } if *named == path && source.to_string() == "longer than 8 bytes"),
            "{why:?}"
        );
        cut(&path, 3).unwrap();
        assert_eq!(read(&path, 9).unwrap().unwrap(), b"two");
        assert_eq!(list(&deep, |_| true).unwrap(), vec![path.clone()]);
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert_eq!(list(&deep, |_| true).unwrap(), Vec::<PathBuf>::new());
        assert!(matches!(create_folder(&deep), Ok(())));
        append(&path, b"now a file").unwrap();
        assert!(matches!(create_folder(&path.join("under")), Err(Failure::Io { .. })));
    }
}
