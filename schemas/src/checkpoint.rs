//! C2SP tlog-checkpoint: origin, size, root. FORMAT.md 10.

use crate::base;
use crate::hash::Hash;
use crate::note::Origin;

/// The head of a log at one size.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: Origin,
    /// Entries in the tree.
    pub size: u64,
    /// Root of the tree.
    pub root: Hash,
}

/// Why a text is no checkpoint of this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// Not three lines.
    #[error("a checkpoint is three lines: origin, size, root; extension lines are not allowed")]
    Lines,
    /// The first line is no origin.
    #[error("line 1 is no origin")]
    Origin,
    /// The second line is no size.
    #[error("line 2 is no size")]
    Size,
    /// The third line is no hash.
    #[error("line 3 is no base64 of 32 bytes")]
    Root,
}

impl Checkpoint {
    /// Reads the text of a checkpoint's note.
    ///
    /// # Errors
    /// [`BadCheckpoint`] names the line.
    pub fn parse(text: &str) -> Result<Self, BadCheckpoint> {
        let mut lines = text.strip_suffix('\n').ok_or(BadCheckpoint::Lines)?.split('\n');
        let (Some(origin), Some(size), Some(root), None) = (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(BadCheckpoint::Lines);
        };
        Ok(Self {
            origin: Origin::parse(origin).ok_or(BadCheckpoint::Origin)?,
            size: base::from_decimal(size).ok_or(BadCheckpoint::Size)?,
            root: Hash::from_base64(root).ok_or(BadCheckpoint::Root)?,
        })
    }

    /// The text that is signed.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// The text that a witness signs: FORMAT.md 10.3; C2SP tlog-cosignature.
    pub fn cosigned_text(checkpoint_text: &str, unix_seconds: u64) -> String {
        format!("cosignature/v1\ntime {unix_seconds}\n{checkpoint_text}")
    }
}
