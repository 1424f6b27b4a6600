//! The receipt of a refusal: the log's word that it kept an event out. FORMAT.md 14.1.

use crate::base;
use crate::hash::Hash;
use crate::note::Origin;
use crate::time::Timestamp;

/// First line of its text.
pub const MAGIC: &str = "oversight-refusal/v1";
/// Longest reason, in bytes.
pub const WORDS_MAX: usize = 4_096;

/// What the log says of an event that it did not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalReceipt {
    /// Origin of the log.
    pub origin: Origin,
    /// Id of the event.
    pub event: Hash,
    /// When it was refused.
    pub at: Timestamp,
    /// Number in FORMAT.md 11; 0 for the ledger's own gate.
    pub number: u8,
    /// Why, in words.
    pub words: String,
}

impl RefusalReceipt {
    /// The text that is signed. Line ends and control characters in the words become blanks, and
    /// what is too long is cut.
    pub fn to_text(&self) -> String {
        let mut words: String = self.words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        while words.len() > WORDS_MAX {
            words.pop();
        }
        let (origin, event) = (&self.origin, self.event.to_hex());
        format!("{MAGIC}\n{origin}\n{event}\n{}\n{}\n{words}\n", self.at, self.number)
    }

    /// Reads the text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next()? != MAGIC {
            return None;
        }
        let refusal = Self {
            origin: Origin::parse(lines.next()?)?,
            event: Hash::from_hex(lines.next()?)?,
            at: Timestamp::parse(lines.next()?)?,
            number: u8::try_from(base::from_decimal(lines.next()?)?).ok()?,
            words: lines.next()?.to_owned(),
        };
        (lines.next().is_none() && refusal.to_text() == text).then_some(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_read_as_it_was_written_and_in_no_other_way() {
        let refusal = RefusalReceipt {
            origin: Origin::parse("x.example/log").unwrap(),
            event: Hash::of(&[b"e"]),
            at: Timestamp::parse("2025-03-04T05:06:07Z").unwrap(),
            number: 13,
            words: "two\nlines".to_owned(),
        };
        let text = refusal.to_text();
        let read = RefusalReceipt::parse(&text).unwrap();
        assert_eq!((read.number, read.words.as_str()), (13, "two lines"));
        assert_eq!(read.to_text(), text);
        for (bad, good) in
            [("v2", "v1"), ("\n013\n", "\n13\n"), ("E", "e"), ("two lines\n\n", "two lines\n"), ("", "\n")]
        {
            assert!(RefusalReceipt::parse(&text.replacen(good, bad, 1)).is_none(), "{bad:?}");
        }
        let long = RefusalReceipt { words: "é".repeat(5_000), ..refusal };
        assert!(long.to_text().len() < WORDS_MAX + 200);
    }
}
