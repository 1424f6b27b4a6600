//! The last signed checkpoint, kept apart from the store, so that a store which has fallen behind
//! it is noticed. Best on another disk: what it guards against takes whole folders.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::files;

/// Longest checkpoint that is kept, in bytes, with all its cosignatures.
pub const ANCHOR_BYTES_MAX: usize = 65_536;

/// The file that holds the last signed checkpoint.
///
/// It is replaced after the store's commit and before the first answer, so it is never ahead of the
/// store: a store behind it has lost entries. Comparing the two is for the caller, who can read
/// checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    path: PathBuf,
}

impl Anchor {
    /// At this path.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; `None` if nothing was ever signed. Half a checkpoint is never seen.
    ///
    /// # Errors
    /// [`Failure::Unsynced`], [`Failure::Unfit`], [`Failure::Io`].
    pub fn read(&self) -> Result<Option<Vec<u8>>, Failure> {
        files::refuse_unsynced(files::parent(&self.path))?;
        files::read(&self.path, ANCHOR_BYTES_MAX)
    }

    /// Puts a newer checkpoint in its place; on the disk when this returns.
    ///
    /// # Errors
    /// [`Failure::Unfit`], [`Failure::Io`], [`Failure::Full`]; the old one is then still there.
    pub fn replace(&self, checkpoint: &[u8]) -> Result<(), Failure> {
        let (bytes, max) = (checkpoint.len(), ANCHOR_BYTES_MAX);
        if bytes == 0 || bytes > max {
            return Err(Failure::Unfit { what: "a checkpoint", bytes, min: 1, max });
        }
        files::create_folder(files::parent(&self.path))?;
        files::replace(&self.path, checkpoint)
    }
}
