//! Facilities, their status and their outages.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Facilities, their status and their outages.
#[derive(Clone, Debug, Default)]
pub struct Facilities {
    /// Registrations.
    pub registered: Shelf,
    /// Changes of status.
    pub status: Shelf,
    /// Declared outages.
    pub outages: Shelf,
    /// Ends of outages, by outage.
    pub outages_ended: ByCase,
}

canonical!(Facilities { registered, status, outages, outages_ended });

impl Facilities {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "facility.registered" => self.registered.push(record),
            "facility.status.changed" => self.status.push(record),
            "outage.declared" => self.outages.push(record),
            "outage.ended" => self.outages_ended.push(record.reference("outage"), record),
            _ => {} // a view reads only the events it is about
        }
    }
}
