//! How records were made: how late, and by whom signed. For the self-checks V-01 and V-03.

use std::collections::BTreeMap;

use schemas::catalogue::{Catalogue, Role};
use schemas::time::{Date, Timestamp};

use super::{Filed, Shelf};
use crate::digest::canonical;

/// When one event of a facility happened and when it was received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Place in the log.
    pub position: u64,
    /// When the ledger received it.
    pub received_at: Timestamp,
    /// The local day on which it happened, by its author's claim.
    pub at: Date,
    /// Its address.
    pub address: String,
}

/// How records were made. Retractions change nothing here: a retraction does not undo a late recording.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// What facilities reported, by facility, in log order, without ledger matters and the sealed stream.
    pub marks: BTreeMap<String, Vec<Mark>>,
    /// Events of types that need a second signature.
    pub dual: Shelf,
}

canonical!(Recording { marks, dual });
canonical!(Mark { position, received_at, at, address });

impl Recording {
    pub(super) fn apply(&mut self, record: &Filed) {
        let Some(kind) = Catalogue::built_in().event(record.kind()) else { return };
        if kind.signatures == 2 {
            self.dual.push(record);
        }
        if record.role() == Role::Facility && !["ledger", "sealed"].contains(&kind.family.as_str()) {
            let address = record.address().to_owned();
            let mark =
                Mark { position: record.position(), received_at: record.received_at(), at: record.at(), address };
            self.marks.entry(record.by().to_owned()).or_default().push(mark);
        }
    }
}
