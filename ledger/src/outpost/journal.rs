//! The journal of an outpost: what was recorded and what was answered, in order, encrypted line by line.
//!
//! Files `<n>` in `journal/`, n rising from 000001; a line is base64 of random bytes and what they encrypt, bound
//! to its file and number. A torn last line, which nobody was promised, is dropped when the next is written. That a
//! whole line is gone shows in the file `reached` of the outpost, which is written after each.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use schemas::value::Value;

use verifier::output::{self, Readers};

use crate::cipher::RestKey;
use crate::failure::{Damage, Failure};
use crate::files;

/// A file that is as long as this, in bytes, is followed by the next.
const FILE_BYTES: usize = 16 << 20;
/// Longest file that is read: the last line may be that of a large event.
const FILE_BYTES_MAX: usize = FILE_BYTES + (64 << 20);
/// Name of the file by which a process has the folder for itself.
const IN_USE: &str = "in-use";

/// The folder of the journal, held by this process alone.
#[derive(Debug)]
pub(super) struct Journal {
    folder: PathBuf,
    key: RestKey,
    file: u64,
    lines: u64,
    bytes: usize,
    /// Whether the last file has more than that: a torn line, which goes before the next is written.
    torn: bool,
    _mine: File,
}

impl Journal {
    /// Opens it, and gives all that it says.
    pub fn open(outpost: &Path, key: RestKey) -> Result<(Self, Vec<Value>), Failure> {
        let mine = hold(outpost)?;
        let folder = outpost.join("journal");
        files::create_folder(&folder)?;
        files::refuse_unsynced(&folder)?;
        let mut journal = Self { folder, key, file: 1, lines: 0, bytes: 0, torn: false, _mine: mine };
        let mut said = Vec::new();
        let numbered = |name: &str| name.len() == 6 && name.bytes().all(|b| b.is_ascii_digit());
        for (number, path) in (1..).zip(files::list(&journal.folder, numbered)?) {
            if path != journal.path(number) {
                return Err(Failure::damaged(&journal.folder, Damage::Missing { name: format!("{number:06}") }));
            }
            journal.file = number;
            journal.read(&path, &mut said)?;
        }
        Ok((journal, said))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:06}"))
    }

    fn read(&mut self, path: &Path, said: &mut Vec<Value>) -> Result<(), Failure> {
        let bytes = files::read(path, FILE_BYTES_MAX)?.unwrap_or_default();
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1);
        self.torn = whole < bytes.len();
        (self.lines, self.bytes) = (0, whole);
        let damaged = |position| Failure::damaged(path, Damage::Line { position });
        let text = std::str::from_utf8(&bytes[..whole]).map_err(|_| damaged(0))?;
        for line in text.lines() {
            let plain = self.key.open(&place(self.file, self.lines), line);
            let value = plain.and_then(|plain| Value::parse(plain.as_bytes()).ok());
            said.push(value.ok_or_else(|| damaged(self.lines))?);
            self.lines += 1;
        }
        Ok(())
    }

    /// Adds lines; they are on the disk when this returns.
    pub fn append(&mut self, values: &[Value]) -> Result<(), Failure> {
        if values.is_empty() {
            return Ok(());
        }
        if self.torn {
            files::cut(&self.path(self.file), self.bytes as u64)?;
            self.torn = false;
        }
        if self.bytes >= FILE_BYTES {
            (self.file, self.lines, self.bytes) = (self.file + 1, 0, 0);
        }
        let mut text = String::new();
        for (number, value) in (self.lines..).zip(values) {
            text += &self.key.close(&place(self.file, number), &value.to_json())?;
            text.push('\n');
        }
        let path = self.path(self.file);
        if let Err(why) = files::append(&path, text.as_bytes()) {
            // Part of it may stand there: what was promised before ends here.
            files::cut(&path, self.bytes as u64)?;
            return Err(why);
        }
        self.lines += values.len() as u64;
        self.bytes += text.len();
        Ok(())
    }
}

fn place(file: u64, line: u64) -> String {
    format!("journal/{file}/{line}")
}

/// Two that sign at once would use one number twice.
fn hold(outpost: &Path) -> Result<File, Failure> {
    let path = outpost.join(IN_USE);
    let mine = output::create(&path, Readers::Owner).map_err(|e| Failure::io("open", &path, e))?;
    match mine.try_lock() {
        Ok(()) => Ok(mine),
        Err(TryLockError::WouldBlock) => Err(Failure::Locked { path: outpost.to_owned() }),
        Err(TryLockError::Error(e)) => Err(Failure::io("lock", &path, e)),
    }
}
