//! Money committed, paid, stopped.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Money committed, paid, stopped.
#[derive(Clone, Debug, Default)]
pub struct Funding {
    /// Commitments, by their own id.
    pub committed: ByCase,
    /// Commitments, by programme.
    pub committed_to: ByCase,
    /// Terminations, by commitment.
    pub terminated: ByCase,
    /// Payments.
    pub disbursed: Shelf,
}

canonical!(Funding { committed, committed_to, terminated, disbursed });

impl Funding {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "funding.committed" => {
                self.committed.push(record.id(), record);
                self.committed_to.push(record.reference("programme"), record);
            }
            "funding.terminated" => self.terminated.push(record.reference("commitment"), record),
            "funding.disbursed" => self.disbursed.push(record),
            _ => {} // a view reads only the events it is about
        }
    }
}
