//! Security measures, their reviews, approvals and ends.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Security measures, their reviews, approvals and ends.
#[derive(Clone, Debug, Default)]
pub struct Security {
    /// Measures.
    pub imposed: Shelf,
    /// Reviews, by measure.
    pub reviewed: ByCase,
    /// Approvals by the administration, by measure.
    pub approved: ByCase,
    /// Ends, by measure.
    pub ended: ByCase,
}

canonical!(Security { imposed, reviewed, approved, ended });

impl Security {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "measure.imposed" => self.imposed.push(record),
            "measure.reviewed" => self.reviewed.push(record.reference("measure"), record),
            "measure.approved" => self.approved.push(record.reference("measure"), record),
            "measure.ended" => self.ended.push(record.reference("measure"), record),
            _ => {} // a view reads only the events it is about
        }
    }
}
