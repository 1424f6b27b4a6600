//! The book: one file that says how far the log was followed, under which checkpoint, with which state digest, and what
//! the public pages were. It is written whole (draft, fsync, rename, fsync of the folder), so after a kill at any moment
//! there is the old book or the new one, and each is true of the copy beside it: entries are on the disk before the book
//! that counts them is.
//!
//! The views themselves are not in it. They follow from the copy and nothing else, so every start folds it anew, every
//! signature included, and compares the digest: state that could be damaged, or be that of another program, is not kept.
//!
//! ```text
//! oversight-projector/v1
//! {"as_of":…,"bytes":…,"checkpoint":…,"digest":…,"files":[{"bytes":…,"path":…},…],"size":…,"views":…}
//! <the files, one after the other><SHA-256 of everything before, 32 bytes>
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use schemas::hash::Hash;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::files::{self, Links};
use verifier::output::{self, Readers};

use super::copy::Extent;

/// The file's name within the state folder.
pub const NAME: &str = "book";
/// Name of the file that remembers that there was a book.
pub const FOLLOWED: &str = "followed";
/// First line.
const MAGIC: &str = "oversight-projector/v1";
/// Longest book, in bytes.
const BOOK_BYTES_MAX: u64 = 256 << 20;

/// How far we are, and what readers were shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Book {
    /// How much of the copy counts.
    pub kept: Extent,
    /// The checkpoint's note.
    pub checkpoint: String,
    /// The state digest there.
    pub digest: Hash,
    /// Which code made the views: [`crate::digest::VIEWS_VERSION`].
    pub views: u32,
    /// The last seal.
    pub as_of: Timestamp,
    /// The public pages and data, by path.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Why a book cannot be read. The disk has changed it, or somebody did.
#[derive(Debug, thiserror::Error)]
pub enum BadBook {
    /// What the system says.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Not a book, or not all of it.
    #[error("it is not as it was written")]
    Torn,
}

impl Book {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = |text: &str| Value::Text(text.to_owned());
        let number = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let object = |members: Vec<(&str, Value)>| {
            Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
        };
        let files = self
            .files
            .iter()
            .map(|(path, bytes)| object(vec![("bytes", number(bytes.len() as u64)), ("path", text(path))]));
        let head = object(vec![
            ("as_of", text(&self.as_of.to_string())),
            ("bytes", number(self.kept.bytes)),
            ("checkpoint", text(&self.checkpoint)),
            ("digest", text(&self.digest.to_hex())),
            ("files", Value::List(files.collect())),
            ("size", number(self.kept.size)),
            ("views", number(u64::from(self.views))),
        ]);
        let mut bytes = format!("{MAGIC}\n{}\n", head.to_json()).into_bytes();
        self.files.values().for_each(|file| bytes.extend_from_slice(file));
        let hash = Hash::of(&[&bytes]);
        bytes.extend_from_slice(&hash.0);
        bytes
    }

    /// Reads a book.
    ///
    /// # Errors
    /// [`BadBook::Torn`] for anything that [`Book::to_bytes`] does not write.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadBook> {
        Self::read_parts(bytes).ok_or(BadBook::Torn)
    }

    fn read_parts(bytes: &[u8]) -> Option<Self> {
        let (body, hash) = bytes.split_last_chunk::<32>()?;
        if Hash::of(&[body]).0 != *hash {
            return None;
        }
        let rest = body.strip_prefix(MAGIC.as_bytes())?.strip_prefix(b"\n")?;
        let end = rest.iter().position(|b| *b == b'\n')?;
        let (head, mut rest) = (Value::parse(&rest[..end]).ok()?, &rest[end + 1..]);
        let number = |value: &Value, name| u64::try_from(value.get(name)?.as_integer()?).ok();
        let mut files = BTreeMap::new();
        for file in head.get("files")?.as_list()? {
            let length = usize::try_from(number(file, "bytes")?).ok()?;
            let (bytes, after) = rest.split_at_checked(length)?;
            files.insert(file.get("path")?.as_text()?.to_owned(), bytes.to_vec());
            rest = after;
        }
        rest.is_empty().then_some(())?;
        Some(Self {
            kept: Extent { size: number(&head, "size")?, bytes: number(&head, "bytes")? },
            checkpoint: head.get("checkpoint")?.as_text()?.to_owned(),
            digest: Hash::from_hex(head.get("digest")?.as_text()?)?,
            views: u32::try_from(number(&head, "views")?).ok()?,
            as_of: Timestamp::parse(head.get("as_of")?.as_text()?)?,
            files,
        })
    }

    /// Reads the book of a state folder; nothing where there is none yet.
    ///
    /// # Errors
    /// [`BadBook`].
    pub fn read(folder: &Path) -> Result<Option<Self>, BadBook> {
        let path = folder.join(NAME);
        match files::read(&path, BOOK_BYTES_MAX, Links::Followed) {
            Ok(bytes) => Self::parse(&bytes).map(Some),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(BadBook::Torn),
            Err(e) => Err(e.into()),
        }
    }

    /// Puts this book in the place of the old one; on the disk when this returns.
    ///
    /// # Errors
    /// What the system says; then the old book or the new one is there.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        replace(folder, NAME, &self.to_bytes())?;
        if folder.join(FOLLOWED).exists() { Ok(()) } else { replace(folder, FOLLOWED, b"") }
    }
}

/// Writes a file of the state folder whole: draft, fsync, rename, fsync of the folder.
pub(crate) fn replace(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = folder.join(format!("{name}.new"));
    let mut file = output::create(&draft, Readers::Owner)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, folder.join(name))?;
    output::sync_folder(folder).map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::follow::{Failure, StateFolder};
    use super::*;

    fn book() -> Book {
        Book {
            kept: Extent { size: 7, bytes: 4_900 },
            checkpoint: "x.example/log\n7\nAAAA\n\n— x.example/log AAAA\n".to_owned(),
            digest: Hash([7; 32]),
            views: 3,
            as_of: Timestamp::parse("2025-03-08T22:59:59Z").unwrap(),
            files: [("index.html", &b"<p>\n"[..]), ("data/none.csv", b"")]
                .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
                .into(),
        }
    }

    #[test]
    fn a_book_is_read_as_it_was_written_or_not_at_all() {
        let bytes = book().to_bytes();
        assert_eq!(Book::parse(&bytes).unwrap(), book());
        for at in 0..bytes.len() {
            assert!(Book::parse(&bytes[..at]).is_err(), "cut at {at}");
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            assert!(Book::parse(&bent).is_err(), "bent at {at}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(Book::read(folder.path()).unwrap().is_none());
        book().write(folder.path()).unwrap();
        fs::write(folder.path().join("book.new"), "a draft that was cut").unwrap();
        assert_eq!(Book::read(folder.path()).unwrap(), Some(book()));
    }

    #[test]
    fn a_book_that_is_gone_is_told_and_never_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path()).unwrap();
        assert!(state.found().unwrap().book.is_none(), "a first start");
        book().write(folder.path()).unwrap();
        assert_eq!(state.found().unwrap().book, Some(book()));
        let path = folder.path().join(NAME);
        let whole = fs::read(&path).unwrap();
        for kept in [None, Some(0), Some(10), Some(whole.len() - 1)] {
            match kept {
                None => fs::remove_file(&path).unwrap(),
                Some(length) => fs::write(&path, &whole[..length]).unwrap(),
            }
            let told = state.found().map(drop).unwrap_err();
            match kept {
                None => assert!(matches!(told, Failure::Lost(_)), "{told}"),
                Some(_) => assert!(matches!(told, Failure::Book { .. }), "{told}"),
            }
        }
        // A kill between the first book and what remembers it: the next book makes it.
        fs::write(&path, &whole).unwrap();
        fs::remove_file(folder.path().join(FOLLOWED)).unwrap();
        book().write(folder.path()).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(matches!(state.found(), Err(Failure::Lost(_))));
    }
}
