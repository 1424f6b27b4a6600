//! Notices, attempts at the gate, visits, disputes.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Notices, attempts at the gate, visits, disputes.
#[derive(Clone, Debug, Default)]
pub struct Visits {
    /// Notices given.
    pub notices: Shelf,
    /// Attempts at the gate.
    pub attempts: Shelf,
    /// Visits.
    pub completed: Shelf,
    /// Visits, by approval.
    pub completed_of_approval: ByCase,
    /// Disputes, by visit.
    pub disputes: ByCase,
    /// Resolutions, by visit.
    pub resolutions: ByCase,
}

canonical!(Visits { notices, attempts, completed, completed_of_approval, disputes, resolutions });

impl Visits {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "visit.notice.given" => self.notices.push(record),
            "visit.attempted" => self.attempts.push(record),
            "visit.completed" => {
                self.completed.push(record);
                self.completed_of_approval.push(record.reference("approval"), record);
            }
            "visit.disputed" => self.disputes.push(record.reference("visit"), record),
            "visit.dispute.resolved" => self.resolutions.push(record.reference("visit"), record),
            _ => {} // a view reads only the events it is about
        }
    }
}
