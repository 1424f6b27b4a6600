//! The last signed checkpoint, kept apart from the store, so that a store which has fallen behind
//! it is noticed. Best on another disk: what it guards against takes whole folders.

use std::path::{Path, PathBuf};

use schemas::base;

use crate::failure::Failure;
use crate::files;

/// Longest checkpoint that is kept, in bytes, with all its cosignatures.
pub const ANCHOR_BYTES_MAX: usize = 65_536;
/// Ending of the name of the second file.
const SECOND: &str = "2";

/// The two files that hold the last signed checkpoint and the one before it.
///
/// Each commit writes over the older of the two, with a single flush: a power cut in the middle costs that one, and
/// the other says what was signed before. It is written after the store's commit and before the first answer, so it is
/// never ahead of the store: a store behind it has lost entries. Comparing the two is for the caller, who can read
/// checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    paths: [PathBuf; 2],
    /// What they hold, once it was looked at.
    sizes: Option<[Option<u64>; 2]>,
}

impl Anchor {
    /// At this path, and one beside it.
    pub fn at(path: &Path) -> Self {
        let mut second = path.as_os_str().to_owned();
        second.push(".");
        second.push(SECOND);
        Self { paths: [path.to_owned(), second.into()], sizes: None }
    }

    /// The first of its paths.
    pub fn path(&self) -> &Path {
        &self.paths[0]
    }

    /// What both files hold, the larger size first; nothing if nothing was ever signed. One of them may be torn: the
    /// caller takes the first whose signature holds.
    ///
    /// # Errors
    /// [`Failure::Unsynced`], [`Failure::Io`].
    pub fn candidates(&self) -> Result<Vec<Vec<u8>>, Failure> {
        files::refuse_unsynced(files::parent(self.path()))?;
        let mut found = self.files()?.into_iter().flatten().filter(|bytes| !bytes.is_empty()).collect::<Vec<_>>();
        found.sort_by_key(|bytes| std::cmp::Reverse(size_of(bytes)));
        Ok(found)
    }

    fn files(&self) -> Result<[Option<Vec<u8>>; 2], Failure> {
        let read = |path: &PathBuf| files::read(path, ANCHOR_BYTES_MAX);
        Ok([read(&self.paths[0])?, read(&self.paths[1])?])
    }

    /// Puts a newer checkpoint in place of the older of the two; on the disk when this returns.
    ///
    /// # Errors
    /// [`Failure::Unfit`], [`Failure::Io`], [`Failure::Full`]; the newer of the two is then still there.
    pub fn replace(&mut self, checkpoint: &[u8]) -> Result<(), Failure> {
        let (bytes, max) = (checkpoint.len(), ANCHOR_BYTES_MAX);
        if bytes == 0 || bytes > max {
            return Err(Failure::Unfit { what: "a checkpoint", bytes, min: 1, max });
        }
        files::create_folder(files::parent(self.path()))?;
        let mut sizes = match self.sizes.take() {
            Some(sizes) => sizes,
            None => self.files()?.map(|found| found.as_deref().and_then(size_of)),
        };
        let older = usize::from(sizes[0] > sizes[1]);
        files::overwrite(&self.paths[older], checkpoint)?;
        sizes[older] = size_of(checkpoint);
        self.sizes = Some(sizes);
        Ok(())
    }
}

/// The size on the second line of a checkpoint.
fn size_of(bytes: &[u8]) -> Option<u64> {
    let line = bytes.split(|b| *b == b'\n').nth(1)?;
    base::from_decimal(std::str::from_utf8(line).ok()?)
}
