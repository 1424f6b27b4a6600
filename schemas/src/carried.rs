//! The stamp of whoever carried an event to the ledger for its author: "I had it then". FORMAT.md 20.2.

use crate::catalogue::is_id;
use crate::hash::Hash;
use crate::note::Origin;
use crate::time::Timestamp;

/// First line of its text.
pub const MAGIC: &str = "oversight-carried/v1";

/// What a carrier says of an event: it held the signed event at that instant, and hands it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Origin of the log that it is for.
    pub origin: Origin,
    /// Id of the event.
    pub event: Hash,
    /// When the carrier had it.
    pub at: Timestamp,
    /// The party that carries.
    pub carrier: String,
}

impl Carried {
    /// The text that is signed, by a key of the carrier.
    pub fn to_text(&self) -> String {
        format!("{MAGIC}\n{}\n{}\n{}\n{}\n", self.origin, self.event.to_hex(), self.at, self.carrier)
    }

    /// Reads the text.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next()? != MAGIC {
            return None;
        }
        let carried = Self {
            origin: Origin::parse(lines.next()?)?,
            event: Hash::from_hex(lines.next()?)?,
            at: Timestamp::parse(lines.next()?)?,
            carrier: lines.next()?.to_owned(),
        };
        (lines.next().is_none() && is_id(&carried.carrier)).then_some(carried)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written_and_in_no_other_way() {
        let stamp = Carried {
            origin: Origin::parse("x.example/log").unwrap(),
            event: Hash::of(&[b"e"]),
            at: Timestamp::parse("2025-03-04T05:06:07Z").unwrap(),
            carrier: "npm".to_owned(),
        };
        let text = stamp.to_text();
        assert_eq!(Carried::parse(&text), Some(stamp));
        for (good, bad) in
            [("v1", "v2"), ("npm\n", "npm"), ("npm", "n/pm"), ("npm\n", "npm\n\n"), ("Z\n", "\n"), ("x.", "X.")]
        {
            assert!(text.contains(good));
            assert_eq!(Carried::parse(&text.replacen(good, bad, 1)), None, "{bad:?}");
        }
    }
}
