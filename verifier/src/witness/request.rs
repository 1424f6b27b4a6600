//! The body of `POST …/add-checkpoint`: what a log asks of a witness. C2SP tlog-witness.

use schemas::base;
use schemas::hash::Hash;
use schemas::note::{BadNote, Note};

/// Longest body that is read, in bytes: 63 hashes and a note with 64 signature lines fit many times.
pub const BODY_BYTES_MAX: usize = 65_536;
/// Most hashes in a consistency proof. FORMAT.md 1.5.
pub const PROOF_MAX: usize = 63;

/// What is asked: to cosign this checkpoint, which extends the tree that the witness knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Size of the checkpoint that the witness cosigned last, as the log believes; 0 for none.
    pub old: u64,
    /// Consistency proof from there to the checkpoint. RFC 6962 2.1.2.
    pub proof: Vec<Hash>,
    /// The checkpoint with the log's signature.
    pub note: Note,
}

/// Why bytes are no such request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// Too long to be read.
    #[error("the body is longer than {BODY_BYTES_MAX} bytes")]
    TooLong,
    /// Not UTF-8.
    #[error("the body is not UTF-8")]
    Utf8,
    /// No empty line between proof and checkpoint.
    #[error("there is no empty line between the proof and the checkpoint")]
    Form,
    /// The first line is not `old <size>`.
    #[error("line 1 reads `old <size>`, the size in decimal without leading zeros")]
    Old,
    /// A proof line is no hash.
    #[error("line {line} is no base64 of 32 bytes")]
    Proof {
        /// Number of the line, from 1.
        line: usize,
    },
    /// Too many hashes.
    #[error("a proof has at most {PROOF_MAX} hashes")]
    Length,
    /// The checkpoint is no note.
    #[error("the checkpoint: {0}")]
    Note(#[from] BadNote),
}

impl Request {
    /// Reads a body.
    ///
    /// # Errors
    /// [`BadRequest`] says which part is wrong.
    pub fn parse(body: &[u8]) -> Result<Self, BadRequest> {
        if body.len() > BODY_BYTES_MAX {
            return Err(BadRequest::TooLong);
        }
        let text = std::str::from_utf8(body).map_err(|_| BadRequest::Utf8)?;
        let (head, note) = text.split_once("\n\n").ok_or(BadRequest::Form)?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|l| l.strip_prefix("old ")).and_then(base::from_decimal);
        let old = old.ok_or(BadRequest::Old)?;
        let mut proof = Vec::new();
        for (line, text) in (2..).zip(lines) {
            if proof.len() == PROOF_MAX {
                return Err(BadRequest::Length);
            }
            proof.push(Hash::from_base64(text).ok_or(BadRequest::Proof { line })?);
        }
        Ok(Self { old, proof, note: Note::parse(note.as_bytes())? })
    }

    /// The body that is sent.
    pub fn to_text(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| hash.to_base64() + "\n").collect();
        format!("old {}\n{proof}\n{}", self.old, self.note.to_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_spelling() {
        let hash = Hash::of(&[b"a"]).to_base64();
        let note = "log.example\n1\nAAAA\n\n\u{2014} log.example AAAAAAA=\n";
        for (body, want) in [
            (format!("old 0\n\n{note}"), Ok(0)),
            (format!("old 18446744073709551615\n{hash}\n{hash}\n\n{note}"), Ok(2)),
            (format!("old 7\n{}\n{note}", format!("{hash}\n").repeat(63)), Ok(63)),
            (format!("old 7\n{}\n{note}", format!("{hash}\n").repeat(64)), Err(BadRequest::Length)),
            (format!("old 18446744073709551616\n\n{note}"), Err(BadRequest::Old)),
            (format!("old 07\n\n{note}"), Err(BadRequest::Old)),
            (format!("old -1\n\n{note}"), Err(BadRequest::Old)),
            (format!("old\n\n{note}"), Err(BadRequest::Old)),
            (format!("new 7\n\n{note}"), Err(BadRequest::Old)),
            (format!("\n\n{note}"), Err(BadRequest::Old)),
            (format!("old 7\r\n\n{note}"), Err(BadRequest::Old)),
            (format!("old 7\n{hash} \n\n{note}"), Err(BadRequest::Proof { line: 2 })),
            (format!("old 7\n{hash}\nAAAA\n\n{note}"), Err(BadRequest::Proof { line: 3 })),
            (format!("old 7\n{hash}\n{note}"), Err(BadRequest::Proof { line: 3 })),
            ("old 7\n".to_owned(), Err(BadRequest::Form)),
            (String::new(), Err(BadRequest::Form)),
            ("old 7\n\nlog.example\n".to_owned(), Err(BadRequest::Note(BadNote::Form))),
            (format!("old 7\n\n{note}garbage"), Err(BadRequest::Note(BadNote::Form))),
            (format!("old 7\n\n{}", "a".repeat(BODY_BYTES_MAX)), Err(BadRequest::TooLong)),
        ] {
            let read = Request::parse(body.as_bytes());
            assert_eq!(read.as_ref().map(|r| r.proof.len()).map_err(|e| *e), want, "{body:?}");
            assert!(read.is_err() || read.unwrap().to_text() == body);
        }
        assert_eq!(Request::parse(b"old 0\n\n\xff"), Err(BadRequest::Utf8));
    }
}
