//! An auditor's word that it has recomputed the index. FORMAT.md 10.4.

use schemas::checkpoint::Checkpoint;
use schemas::note::{ALG_ED25519, Note, Vkey};
use schemas::pack::STATEMENT;

use crate::signature::{PublicKey, SecretKey};

/// What an auditor states: of the log up to this checkpoint, every seal's index is the one that its
/// entries give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The checkpoint up to which it was recomputed.
    pub checkpoint: Checkpoint,
}

impl Statement {
    /// The text that is signed.
    pub fn to_text(&self) -> String {
        format!("{STATEMENT}{}", self.checkpoint.to_text())
    }

    /// Reads the text of a statement.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self { checkpoint: Checkpoint::parse(text.strip_prefix(STATEMENT)?).ok()? })
    }

    /// The statement, signed. Whoever calls this has recomputed the index.
    pub fn sign(&self, key: &SecretKey) -> Note {
        let text = self.to_text();
        Note { signatures: vec![key.sign(&text)], text }
    }
}

/// The statement in a note, and the name of the auditor among these that signed it.
pub fn signed_by(note: &Note, auditors: &[Vkey]) -> Option<(String, Statement)> {
    let statement = Statement::parse(&note.text)?;
    let keys = auditors.iter().filter(|key| key.alg == ALG_ED25519).filter_map(|key| PublicKey::new(key).ok());
    let signer = keys.into_iter().find(|key| {
        note.signatures.iter().any(|line| {
            line.name == key.vkey().name
                && line.id == key.id()
                && key.holds_strictly(note.text.as_bytes(), &line.signature)
        })
    })?;
    Some((signer.vkey().name.clone(), statement))
}
