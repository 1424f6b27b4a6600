//! C2SP tlog-proof: that an entry stands under a checkpoint. FORMAT.md 14.1.

use crate::base;
use crate::hash::Hash;
use crate::note::{BadNote, Note};

/// First line of a receipt.
pub const MAGIC: &str = "c2sp.org/tlog-proof@v1";
/// Longest proof, in hashes: a tree of 2^63 entries.
pub const PROOF_MAX: usize = 63;

/// A receipt: index, inclusion proof and checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Position of the entry.
    pub index: u64,
    /// From the leaf's sibling up.
    pub proof: Vec<Hash>,
    /// The checkpoint in its note.
    pub checkpoint: Note,
}

/// Why bytes are no receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReceipt {
    /// Not the lines of a receipt.
    #[error("line {line} is not that of a C2SP tlog-proof")]
    Line {
        /// Line, from 1.
        line: usize,
    },
    /// The checkpoint's note is malformed.
    #[error(transparent)]
    Note(#[from] BadNote),
}

impl Receipt {
    /// The receipt's text.
    pub fn to_text(&self) -> String {
        let proof: String = self.proof.iter().map(|h| h.to_base64() + "\n").collect();
        format!("{MAGIC}\nindex {}\n{proof}\n{}", self.index, self.checkpoint.to_text())
    }

    /// Reads a receipt without extra data.
    ///
    /// # Errors
    /// [`BadReceipt`] names the line.
    pub fn parse(text: &str) -> Result<Self, BadReceipt> {
        let mut rest = text;
        let mut line = 0;
        let mut next = || {
            line += 1;
            let (one, after) = rest.split_once('\n').ok_or(BadReceipt::Line { line })?;
            rest = after;
            Ok::<_, BadReceipt>((line, one, after))
        };
        if next()?.1 != MAGIC {
            return Err(BadReceipt::Line { line: 1 });
        }
        let index =
            next()?.1.strip_prefix("index ").and_then(base::from_decimal).ok_or(BadReceipt::Line { line: 2 })?;
        let mut proof = Vec::new();
        loop {
            let (line, one, after) = next()?;
            if one.is_empty() {
                return Ok(Self { index, proof, checkpoint: Note::parse(after.as_bytes())? });
            }
            proof.push(Hash::from_base64(one).filter(|_| line <= PROOF_MAX + 2).ok_or(BadReceipt::Line { line })?);
        }
    }
}
