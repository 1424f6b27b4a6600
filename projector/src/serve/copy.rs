//! Our own copy of the log: the bytes of every entry that a believed checkpoint covers, one file, nothing changed in it
//! ever, written at its end alone.
//!
//! Each entry stands as in a tile of entries: its length as u16, then its bytes. Which of them count is not said here
//! but by the book ([`super::book`]): what lies beyond is a draft that nobody relies on, and is cut off at the start.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use schemas::tile;
use verifier::files::{self, Links};
use verifier::output::{self, Readers};

/// The file's name within the state folder.
pub const NAME: &str = "entries";

/// How far a copy goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Entries.
    pub size: u64,
    /// Bytes.
    pub bytes: u64,
}

/// The copy, open for writing.
#[derive(Debug)]
pub struct Copy {
    path: PathBuf,
    file: BufWriter<File>,
    kept: Extent,
    draft: Extent,
}

impl Copy {
    /// Opens the copy in a state folder and cuts off what lies beyond `kept`.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::UnexpectedEof`] if the file is shorter than what counts.
    pub fn open(folder: &Path, kept: Extent) -> io::Result<Self> {
        let path = folder.join(NAME);
        let mut options = output::options(Readers::Owner);
        let mut file = files::open_with(options.create(true).truncate(false).write(true), &path, Links::Followed)?;
        if file.metadata()?.len() < kept.bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.set_len(kept.bytes)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self { path, file: BufWriter::with_capacity(1 << 16, file), kept, draft: kept })
    }

    /// How much counts.
    pub fn kept(&self) -> Extent {
        self.kept
    }

    /// How much is written, the draft included.
    pub fn drafted(&self) -> Extent {
        self.draft
    }

    /// Writes another entry behind the draft.
    ///
    /// # Errors
    /// What the system says.
    pub fn draft(&mut self, entry: &[u8]) -> io::Result<()> {
        let framed = tile::bundle_bytes([entry]);
        self.file.write_all(&framed)?;
        self.draft.size += 1;
        self.draft.bytes += framed.len() as u64;
        Ok(())
    }

    /// Throws the draft away.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_mut().set_len(self.kept.bytes)?;
        self.file.seek(SeekFrom::Start(self.kept.bytes))?;
        self.draft = self.kept;
        Ok(())
    }

    /// Makes the draft readable, not yet lasting.
    ///
    /// # Errors
    /// What the system says.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// The draft counts from now on; it is on the disk when this returns.
    ///
    /// # Errors
    /// What the system says.
    pub fn keep(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_data()?;
        self.kept = self.draft;
        Ok(())
    }

    /// Empties the copy: it is to be fetched anew.
    ///
    /// # Errors
    /// What the system says.
    pub fn clear(&mut self) -> io::Result<()> {
        self.kept = Extent::default();
        self.forget()
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads the entries between two places of a copy, in order.
#[derive(Debug)]
pub struct Reading {
    file: io::Take<BufReader<File>>,
    entry: Vec<u8>,
}

impl Reading {
    /// Opens a copy for reading from `from` to `to`, in bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path, from: u64, to: u64) -> io::Result<Self> {
        let mut file = BufReader::with_capacity(1 << 16, files::open(path, Links::Followed)?);
        file.seek(SeekFrom::Start(from))?;
        Ok(Self { file: file.take(to.saturating_sub(from)), entry: Vec::new() })
    }

    /// The next entry; nothing at the end.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::UnexpectedEof`] if the file ends within an entry.
    pub fn entry(&mut self) -> io::Result<Option<&[u8]>> {
        if self.file.limit() == 0 {
            return Ok(None);
        }
        let mut length = [0; 2];
        self.file.read_exact(&mut length)?;
        self.entry.resize(usize::from(u16::from_be_bytes(length)), 0);
        self.file.read_exact(&mut self.entry)?;
        Ok(Some(&self.entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(folder: &Path, bytes: u64) -> Vec<Vec<u8>> {
        let mut reading = Reading::open(&folder.join(NAME), 0, bytes).unwrap();
        std::iter::from_fn(|| reading.entry().unwrap().map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn only_what_was_kept_counts() {
        let folder = tempfile::tempdir().unwrap();
        let mut copy = Copy::open(folder.path(), Extent::default()).unwrap();
        copy.draft(b"one").unwrap();
        copy.draft(b"").unwrap();
        copy.keep().unwrap();
        let kept = copy.kept();
        assert_eq!(kept, Extent { size: 2, bytes: 7 });
        copy.draft(b"never").unwrap();
        copy.forget().unwrap();
        copy.draft(b"two").unwrap();
        copy.flush().unwrap();
        assert_eq!(copy.drafted(), Extent { size: 3, bytes: 12 });
        assert_eq!(all(folder.path(), 12), [&b"one"[..], b"", b"two"]);
        // Killed here: the draft was never kept.
        drop(copy);
        let mut copy = Copy::open(folder.path(), kept).unwrap();
        assert_eq!(std::fs::metadata(copy.path()).unwrap().len(), 7);
        copy.draft(b"two again").unwrap();
        copy.keep().unwrap();
        assert_eq!(all(folder.path(), copy.kept().bytes), [&b"one"[..], b"", b"two again"]);
        let more = Extent { size: 9, bytes: 99 };
        assert_eq!(Copy::open(folder.path(), more).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        copy.clear().unwrap();
        assert_eq!(all(folder.path(), 0), Vec::<Vec<u8>>::new());
    }
}
