//! A checked register row: everything an event says, before anybody signs it.

use std::collections::BTreeMap;
use std::fmt;

use schemas::time::{Date, Timestamp};
use schemas::value::Value;

/// Where a row stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, relative to the folder that was read.
    pub file: String,
    /// The line on which the row begins, from 1; the header is usually line 1.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// When something happened, as the author claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// On that day, no more exactly.
    Day(Date),
    /// At that instant. The log prints the day alone; the instant is a restricted opening.
    Instant(Timestamp),
}

impl Claim {
    /// The local day, at a fixed offset from UTC in minutes.
    pub fn day(self, utc_offset_minutes: i32) -> Date {
        match self {
            Self::Day(day) => day,
            Self::Instant(instant) => instant.date(utc_offset_minutes),
        }
    }
}

/// Who holds a pen: a holder of a party.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The party.
    pub party: String,
    /// The holder's name within it.
    pub holder: String,
}

/// One register row that passed every check, as an event will say it.
///
/// All parties stand under their register ids: pseudonyms are put in when the event is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The author.
    pub party: String,
    /// The event type, or the type of the sealed stream.
    pub event: String,
    /// Whether it is a type of the sealed stream.
    pub inner: bool,
    /// The row's id; with party and type the idempotency key.
    pub row_id: String,
    /// When it happened, by the author's claim.
    pub occurred: Claim,
    /// When the ledger received it; in a replay alone.
    pub received_at: Option<Timestamp>,
    /// Who signs.
    pub signer: Holder,
    /// Who approves. May be missing, or the signer again: rule V-03 judges that.
    pub cosigner: Option<Holder>,
    /// The id of the thing that the row creates, as the register has it; `<party>/` not before it.
    pub id: Option<String>,
    /// Refs by name. Things are named `<party>/<id>`, events `<party>/<event.type>/<row_id>`.
    pub refs: BTreeMap<String, Vec<String>>,
    /// Fields by name, public and hidden alike, in the form that an event gives them.
    pub fields: BTreeMap<String, Value>,
    /// Whether the fields that are public of named parties alone are public: by the `identity_mode` of the row itself,
    /// else by the last one before it. A party of which nothing was said yet is not named.
    pub named: bool,
    /// Where the row stands.
    pub place: Place,
}

impl Draft {
    /// The event address, `<party>/<event.type>/<row_id>`.
    pub fn address(&self) -> String {
        format!("{}/{}/{}", self.party, self.event, self.row_id)
    }

    /// The qualified id of the thing that it creates, `<party>/<id>`.
    pub fn qualified_id(&self) -> Option<String> {
        self.id.as_ref().map(|id| format!("{}/{id}", self.party))
    }
}
