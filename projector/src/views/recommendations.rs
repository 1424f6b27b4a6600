//! Recommendations and the answers to them.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Recommendations and the answers to them.
#[derive(Clone, Debug, Default)]
pub struct Recommendations {
    /// Recommendations.
    pub issued: Shelf,
    /// Reports in which recommendations stand, by their own id.
    pub reports: ByCase,
    /// Answers, by recommendation.
    pub answered: ByCase,
}

canonical!(Recommendations { issued, reports, answered });

impl Recommendations {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "recommendation.issued" => self.issued.push(record),
            "inspection.report.submitted" | "visit.report.submitted" => self.reports.push(record.id(), record),
            "recommendation.answered" => self.answered.push(record.reference("recommendation"), record),
            _ => {} // a view reads only the events it is about
        }
    }
}
