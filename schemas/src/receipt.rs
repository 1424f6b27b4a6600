//! C2SP tlog-proof: that an entry stands under a checkpoint. FORMAT.md 14.1.

use crate::base;
use crate::entry::ENTRY_BYTES_MAX;
use crate::hash::Hash;
use crate::note::{BadNote, Note};

/// First line of a receipt.
pub const MAGIC: &str = "c2sp.org/tlog-proof@v1";
/// Longest proof, in hashes: a tree of 2^63 entries.
pub const PROOF_MAX: usize = 63;

/// Longest `extra`, in bytes of base64: the longest entry.
const EXTRA_MAX: usize = ENTRY_BYTES_MAX.div_ceil(3) * 4;

/// A receipt: the entry, its index, inclusion proof and checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Bytes of the entry, where the receipt shows it; the proof alone says whether it is the one.
    pub entry: Option<Vec<u8>>,
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
        let extra = self.entry.as_ref().map_or_else(String::new, |e| format!("extra {}\n", base::to_base64(e)));
        format!("{MAGIC}\n{extra}index {}\n{proof}\n{}", self.index, self.checkpoint.to_text())
    }

    /// Reads a receipt.
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
        let (mut at, mut one, _) = next()?;
        let mut entry = None;
        if let Some(extra) = one.strip_prefix("extra ") {
            let bytes = Some(extra).filter(|e| e.len() <= EXTRA_MAX).and_then(base::from_base64);
            entry = Some(bytes.filter(|b| !b.is_empty()).ok_or(BadReceipt::Line { line: at })?);
            (at, one, _) = next()?;
        }
        let first = at;
        let index = one.strip_prefix("index ").and_then(base::from_decimal).ok_or(BadReceipt::Line { line: at })?;
        let mut proof = Vec::new();
        loop {
            let (line, one, after) = next()?;
            if one.is_empty() {
                return Ok(Self { entry, index, proof, checkpoint: Note::parse(after.as_bytes())? });
            }
            proof.push(Hash::from_base64(one).filter(|_| line <= PROOF_MAX + first).ok_or(BadReceipt::Line { line })?);
        }
    }
}
