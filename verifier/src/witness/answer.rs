//! What a witness answers, and how a log reads it. C2SP tlog-witness.

use schemas::base;
use schemas::note::{BadNote, Note, SignatureLine};
use schemas::visible;

use crate::tree::BadProof;
use crate::witness::request::{BODY_BYTES_MAX, BadRequest};

/// Content type of an answer that states a size.
pub const SIZE_TYPE: &str = "text/x.tlog.size";
/// Content type of all other answers.
pub const TEXT_TYPE: &str = "text/plain; charset=utf-8";
/// Longest answer that a log reads, in bytes.
pub const ANSWER_BYTES_MAX: usize = BODY_BYTES_MAX;

/// What a witness answers to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200: the checkpoint is on the witness's disk, and this is its line.
    Cosigned(SignatureLine),
    /// 413 if it is too long, else 400: the body is not of the form.
    Malformed(BadRequest),
    /// 400: the checkpoint is not of the form, or smaller than `old`.
    BadCheckpoint(String),
    /// 403: no key that this witness trusts for the log has signed it.
    NotSigned,
    /// 404: this witness does not watch that log.
    UnknownLog,
    /// 409: the last checkpoint that it cosigned has another size.
    OtherSize {
        /// That size; 0 if it never cosigned one.
        size: u64,
    },
    /// 409: the log has signed two trees of one size. The notes are evidence: show them to everyone.
    Fork {
        /// That size.
        size: u64,
        /// What was cosigned, and what was handed in.
        notes: Box<[Note; 2]>,
    },
    /// 422: the tree that it knows is not proven to be a prefix.
    NotConsistent(BadProof),
    /// 503: the witness's clock shows a time before its last cosignature.
    ClockBack {
        /// That cosignature's time, in Unix seconds.
        last: u64,
    },
}

impl Answer {
    /// HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Cosigned(_) => 200,
            Self::Malformed(BadRequest::TooLong) => 413,
            Self::Malformed(_) | Self::BadCheckpoint(_) => 400,
            Self::NotSigned => 403,
            Self::UnknownLog => 404,
            Self::OtherSize { .. } | Self::Fork { .. } => 409,
            Self::NotConsistent(_) => 422,
            Self::ClockBack { .. } => 503,
        }
    }

    /// Content type.
    pub fn content_type(&self) -> &'static str {
        if self.status() == 409 { SIZE_TYPE } else { TEXT_TYPE }
    }

    /// Body: signature lines, a size, or words; it ends with a line end.
    pub fn body(&self) -> String {
        match self {
            Self::Cosigned(line) => line.to_text() + "\n",
            Self::Malformed(why) => format!("{why}\n"),
            Self::BadCheckpoint(why) => format!("{why}\n"),
            Self::NotSigned => "no key that this witness trusts for the log has signed the checkpoint\n".to_owned(),
            Self::UnknownLog => "this witness does not watch that log\n".to_owned(),
            Self::OtherSize { size } | Self::Fork { size, .. } => format!("{size}\n"),
            Self::NotConsistent(why) => format!("the tree that was cosigned last is not proven a prefix: {why}\n"),
            Self::ClockBack { last } => format!("the witness's clock is behind its last cosignature, at {last} s\n"),
        }
    }
}

/// What a log reads in an answer. Nothing in it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Lines; [`crate::signature::PublicKey::cosigned_at`] tells whether one holds.
    Cosigned(Vec<SignatureLine>),
    /// The size that the witness knows.
    Size(u64),
    /// It will not, and says why.
    Refused {
        /// HTTP status.
        status: u16,
        /// Its first line, at most 200 characters, control characters taken out.
        words: String,
    },
}

/// Why an answer cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReply {
    /// Too long.
    #[error("it answered more than {ANSWER_BYTES_MAX} bytes")]
    TooLong,
    /// 200 without signature lines.
    #[error("it answered what are no signature lines: {0}")]
    Lines(BadNote),
    /// 409 without a size.
    #[error("it answered 409 without the size that it knows")]
    Size,
}

impl Reply {
    /// Reads an answer.
    ///
    /// # Errors
    /// [`BadReply`] if it is not one that a witness gives.
    pub fn parse(status: u16, content_type: &str, body: &[u8]) -> Result<Self, BadReply> {
        if body.len() > ANSWER_BYTES_MAX {
            return Err(BadReply::TooLong);
        }
        match status {
            200 => {
                // The lines stand at the end of a note; a text of one line makes them one.
                let note = [b"-\n\n", body].concat();
                let note = Note::parse(&note).map_err(BadReply::Lines)?;
                if note.text == "-\n" {
                    Ok(Self::Cosigned(note.signatures))
                } else {
                    Err(BadReply::Lines(BadNote::Form))
                }
            }
            409 if content_type == SIZE_TYPE => {
                let text = std::str::from_utf8(body).ok().and_then(|t| t.strip_suffix('\n'));
                text.and_then(base::from_decimal).map(Self::Size).ok_or(BadReply::Size)
            }
            409 => Err(BadReply::Size),
            _ => {
                let text = String::from_utf8_lossy(body);
                let words = text.lines().next().unwrap_or_default();
                Ok(Self::Refused { status, words: visible::start(words, 200) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::SecretKey;

    #[test]
    fn what_a_witness_answers_a_log_reads() {
        let line = SecretKey::new("w.example", &[7; 32]).cosign("text\n", 5);
        let note = Note { text: "log.example\n1\nx\n".to_owned(), signatures: vec![line.clone()] };
        for (answer, status, want) in [
            (Answer::Cosigned(line.clone()), 200, Reply::Cosigned(vec![line.clone()])),
            (Answer::OtherSize { size: u64::MAX }, 409, Reply::Size(u64::MAX)),
            (Answer::Fork { size: 3, notes: Box::new([note.clone(), note]) }, 409, Reply::Size(3)),
        ] {
            assert_eq!(answer.status(), status);
            let read = Reply::parse(answer.status(), answer.content_type(), answer.body().as_bytes());
            assert_eq!(read, Ok(want));
        }
        for (answer, status) in [
            (Answer::Malformed(BadRequest::TooLong), 413),
            (Answer::Malformed(BadRequest::Old), 400),
            (Answer::BadCheckpoint("x".to_owned()), 400),
            (Answer::NotSigned, 403),
            (Answer::UnknownLog, 404),
            (Answer::NotConsistent(BadProof::Length), 422),
            (Answer::ClockBack { last: 9 }, 503),
        ] {
            assert_eq!((answer.status(), answer.content_type()), (status, TEXT_TYPE));
            let words = answer.body().trim_end().to_owned();
            let read = Reply::parse(status, TEXT_TYPE, answer.body().as_bytes());
            assert_eq!(read, Ok(Reply::Refused { status, words }));
        }
    }

    #[test]
    fn garbage_is_not_read() {
        let line = SecretKey::new("w.example", &[7; 32]).cosign("text\n", 5).to_text();
        let many = format!("{line}\n").repeat(65);
        for (status, kind, body, want) in [
            (200, TEXT_TYPE, "", Err(BadReply::Lines(BadNote::Form))),
            (200, TEXT_TYPE, "ok\n", Err(BadReply::Lines(BadNote::Signature { number: 1 }))),
            (200, TEXT_TYPE, line.as_str(), Err(BadReply::Lines(BadNote::Form))),
            (200, TEXT_TYPE, &format!("{line}\n\n{line}\n"), Err(BadReply::Lines(BadNote::Form))),
            (200, TEXT_TYPE, &many, Err(BadReply::Lines(BadNote::Count))),
            (200, TEXT_TYPE, &"a".repeat(ANSWER_BYTES_MAX + 1), Err(BadReply::TooLong)),
            (409, TEXT_TYPE, "7\n", Err(BadReply::Size)),
            (409, SIZE_TYPE, "7", Err(BadReply::Size)),
            (409, SIZE_TYPE, "07\n", Err(BadReply::Size)),
            (409, SIZE_TYPE, "18446744073709551616\n", Err(BadReply::Size)),
            (
                302,
                TEXT_TYPE,
                "\u{1b}[2Jgone\nfar",
                Ok(Reply::Refused { status: 302, words: "\u{27e8}U+001B\u{27e9}[2Jgone".to_owned() }),
            ),
        ] {
            assert_eq!(Reply::parse(status, kind, body.as_bytes()), want, "{status} {body:.80}");
        }
    }
}
