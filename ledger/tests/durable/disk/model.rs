//! What a power cut may leave of a folder: everything that was synced, and of the rest anything.
//!
//! Files keep what `fsync` of the file promised; of the writes after it each may be there, missing, or
//! torn at a sector. Names keep what `fsync` of their folder promised; of the changes after it a
//! beginning may be there, in each folder on its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::Dice;

/// Bytes that a disk writes whole.
const SECTOR_BYTES: usize = 512;

/// One operation that a process did, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    Write { path: PathBuf, offset: usize, bytes: Vec<u8> },
    Length { path: PathBuf, bytes: usize },
    Sync { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf },
    Remove { path: PathBuf },
    Folder { path: PathBuf },
    File { path: PathBuf },
    Said { words: String },
}

/// Reads the log that `disk.c` writes.
pub fn read_log(bytes: &[u8]) -> Vec<Done> {
    let mut rest = bytes;
    let mut take = |count: usize| {
        let (now, later) = rest.split_at_checked(count)?;
        rest = later;
        Some(now)
    };
    let mut done = Vec::new();
    while let Some([what]) = take(1) {
        let number = |bytes: &[u8]| bytes.iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b));
        let length = number(take(4).unwrap());
        let path = PathBuf::from(String::from_utf8(take(length).unwrap().to_vec()).unwrap());
        let offset = number(take(8).unwrap());
        let length = number(take(8).unwrap());
        let bytes = take(length).unwrap().to_vec();
        let text = || String::from_utf8_lossy(&bytes).into_owned();
        done.push(match what {
            b'W' => Done::Write { path, offset, bytes },
            b'T' => Done::Length { path, bytes: offset },
            b'S' => Done::Sync { path },
            b'R' => Done::Rename { from: path, to: text().into() },
            b'U' | b'D' => Done::Remove { path },
            b'M' => Done::Folder { path },
            b'C' => Done::File { path },
            b'A' => Done::Said { words: text() },
            other => panic!("no such operation: {other}"),
        });
    }
    done
}

type FileNumber = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    File(FileNumber),
}

#[derive(Clone, Debug)]
enum Change {
    Bytes { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Made(PathBuf, Node),
    Moved(PathBuf, PathBuf),
    Gone(PathBuf),
}

/// A disk on the way.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    /// What each file surely holds, and what was done to it since.
    files: Vec<(Vec<u8>, Vec<Change>)>,
    /// Names as processes see them.
    seen: BTreeMap<PathBuf, Node>,
    /// Names that surely are there.
    kept: BTreeMap<PathBuf, Node>,
    /// Changes of names since, each with the folder whose sync makes it sure.
    waiting: Vec<(PathBuf, NameChange)>,
}

impl Disk {
    /// A folder that has long been on the disk.
    pub fn of(root: &Path) -> Self {
        let mut disk = Self::default();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            disk.kept.insert(folder.clone(), Node::Folder);
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    disk.kept.insert(path.clone(), Node::File(disk.files.len()));
                    disk.files.push((std::fs::read(&path).unwrap(), Vec::new()));
                }
            }
        }
        disk.seen = disk.kept.clone();
        disk
    }

    /// Takes an operation in.
    pub fn take(&mut self, done: &Done) {
        match done {
            Done::Write { path, offset, bytes } => {
                self.change(path, Change::Bytes { offset: *offset, bytes: bytes.clone() });
            }
            Done::Length { path, bytes } => self.change(path, Change::Length(*bytes)),
            Done::Sync { path } => self.sync(path),
            Done::Rename { from, to } => {
                let moved: Vec<PathBuf> = self.seen.keys().filter(|path| path.starts_with(from)).cloned().collect();
                self.seen.retain(|path, _| !path.starts_with(to));
                for path in moved {
                    let node = self.seen.remove(&path).unwrap();
                    let rest = path.strip_prefix(from).unwrap();
                    self.seen.insert(if rest.as_os_str().is_empty() { to.clone() } else { to.join(rest) }, node);
                }
                self.name(to, NameChange::Moved(from.clone(), to.clone()));
            }
            Done::Remove { path } => {
                self.seen.remove(path);
                self.name(path, NameChange::Gone(path.clone()));
            }
            Done::Folder { path } => self.make(path, Node::Folder),
            Done::File { path } => {
                self.files.push((Vec::new(), Vec::new()));
                self.make(path, Node::File(self.files.len() - 1));
            }
            Done::Said { .. } => {}
        }
    }

    fn make(&mut self, path: &Path, node: Node) {
        self.seen.insert(path.to_owned(), node);
        self.name(path, NameChange::Made(path.to_owned(), node));
    }

    fn name(&mut self, path: &Path, change: NameChange) {
        self.waiting.push((path.parent().unwrap().to_owned(), change));
    }

    fn change(&mut self, path: &Path, change: Change) {
        // Whatever has no name any more cannot be found after the power cut either.
        if let Some(Node::File(number)) = self.seen.get(path) {
            self.files[*number].1.push(change);
        }
    }

    fn sync(&mut self, path: &Path) {
        match self.seen.get(path) {
            Some(Node::File(number)) => {
                let (bytes, changes) = &mut self.files[*number];
                changes.drain(..).for_each(|change| apply(bytes, &change));
            }
            Some(Node::Folder) => {
                let (sure, waiting) = self.waiting.drain(..).partition(|(folder, _)| folder == path);
                self.waiting = waiting;
                let sure: Vec<(PathBuf, NameChange)> = sure;
                sure.iter().for_each(|(_, change)| rename(&mut self.kept, change));
            }
            None => {}
        }
    }

    /// Files and folders as a power cut might leave them now.
    pub fn cut(&self, dice: &mut Dice) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut names = self.kept.clone();
        let folders: BTreeSet<&PathBuf> = self.waiting.iter().map(|(folder, _)| folder).collect();
        let mut left: BTreeMap<&PathBuf, u64> = folders
            .into_iter()
            .map(|folder| {
                let count = self.waiting.iter().filter(|(other, _)| other == folder).count() as u64;
                (folder, dice.roll(count + 1))
            })
            .collect();
        for (folder, change) in &self.waiting {
            if let Some(rest) = left.get_mut(folder).filter(|rest| **rest > 0) {
                *rest -= 1;
                rename(&mut names, change);
            }
        }
        let mut found = BTreeMap::new();
        for (path, node) in &names {
            let above = path.ancestors().skip(1).take_while(|above| self.seen_root(above));
            if above.into_iter().any(|above| names.get(above) != Some(&Node::Folder)) {
                continue;
            }
            found.insert(
                path.clone(),
                match node {
                    Node::Folder => None,
                    Node::File(number) => Some(self.cut_file(*number, dice)),
                },
            );
        }
        found
    }

    /// Whether a path is the root or below it.
    fn seen_root(&self, path: &Path) -> bool {
        self.kept.keys().next().is_some_and(|root| path.starts_with(root))
    }

    fn cut_file(&self, number: FileNumber, dice: &mut Dice) -> Vec<u8> {
        let (bytes, changes) = &self.files[number];
        let mut bytes = bytes.clone();
        for change in changes {
            match (dice.roll(3), change) {
                (0, _) => {}
                (1, Change::Bytes { offset, bytes: new }) => {
                    // Torn: some sectors of it, in whatever order the disk liked.
                    let mut at = *offset;
                    while at < offset + new.len() {
                        let end = ((at / SECTOR_BYTES + 1) * SECTOR_BYTES).min(offset + new.len());
                        if dice.roll(2) == 0 {
                            let part = new[at - offset..end - offset].to_vec();
                            apply(&mut bytes, &Change::Bytes { offset: at, bytes: part });
                        }
                        at = end;
                    }
                }
                _ => apply(&mut bytes, change),
            }
        }
        bytes
    }
}

fn apply(file: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Length(bytes) => file.resize(*bytes, 0),
        Change::Bytes { offset, bytes } => {
            let end = offset + bytes.len();
            if file.len() < end {
                file.resize(end, 0);
            }
            file[*offset..end].copy_from_slice(bytes);
        }
    }
}

fn rename(names: &mut BTreeMap<PathBuf, Node>, change: &NameChange) {
    match change {
        NameChange::Made(path, node) => {
            names.insert(path.clone(), *node);
        }
        NameChange::Gone(path) => {
            names.remove(path);
        }
        NameChange::Moved(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
    }
}

#[test]
fn what_was_not_synced_may_be_lost_and_nothing_else() {
    let root = PathBuf::from("/d");
    let mut disk = Disk::default();
    disk.kept.insert(root.clone(), Node::Folder);
    disk.seen = disk.kept.clone();
    let (a, b) = (root.join("a"), root.join("b"));
    let write = |path: &PathBuf, text: &str| Done::Write { path: path.clone(), offset: 0, bytes: text.into() };
    for done in [
        Done::File { path: a.clone() },
        write(&a, "old"),
        Done::Sync { path: a.clone() },
        Done::Sync { path: root.clone() },
        Done::File { path: b.clone() },
        write(&b, "new"),
        Done::Rename { from: b.clone(), to: a.clone() },
    ] {
        disk.take(&done);
    }
    let states = |disk: &Disk| -> BTreeSet<Option<String>> {
        let read = |files: BTreeMap<PathBuf, Option<Vec<u8>>>| {
            files.get(&a).map(|bytes| String::from_utf8(bytes.clone().unwrap()).unwrap())
        };
        (1..200).map(|seed| read(disk.cut(&mut Dice(seed * 7_919)))).collect()
    };
    // Renamed before it was synced: the name may stand before the bytes.
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(states(&disk), [some(""), some("new"), some("old")].into());
    disk.take(&Done::Sync { path: a.clone() });
    assert_eq!(states(&disk), [some("new"), some("old")].into());
    disk.take(&Done::Sync { path: root });
    assert_eq!(states(&disk), [some("new")].into());
}
