//! Rule profiles adopted.

use schemas::hash::Hash;
use schemas::time::Date;

use super::{Amendments, Filed, Shelf};
use crate::digest::canonical;
use crate::profile::Adoption;

/// Every `rule.profile.adopted`.
#[derive(Clone, Debug, Default)]
pub struct Adoptions {
    adopted: Shelf,
}

canonical!(Adoptions { adopted });

impl Adoptions {
    pub(super) fn apply(&mut self, record: &Filed) {
        if record.kind() == "rule.profile.adopted" {
            self.adopted.push(record);
        }
    }

    /// The adoptions in log order, as corrected.
    pub fn all(&self, amendments: &Amendments) -> Vec<Adoption> {
        let now = schemas::time::Timestamp::from_unix(i64::MAX);
        let read = |record: &Filed| {
            let text = |field| amendments.value(record, field, now).value().and_then(|v| v.as_text());
            Some(Adoption {
                position: record.position(),
                received_at: record.received_at(),
                effective_on: Date::parse(text("effective_on")?)?,
                digest: Hash::from_hex(text("profile")?)?,
                profile_id: text("profile_id")?.to_owned(),
            })
        };
        self.adopted.live(amendments).filter_map(read).collect()
    }
}
