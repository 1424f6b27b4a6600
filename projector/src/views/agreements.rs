//! Agreements between the administration and organisations.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Agreements between the administration and organisations.
#[derive(Clone, Debug, Default)]
pub struct Agreements {
    /// Agreements.
    pub concluded: Shelf,
    /// Conclusions and amendments, each restating all terms, by agreement.
    pub terms: ByCase,
    /// Suspensions, by agreement.
    pub suspended: ByCase,
    /// Resumptions, by agreement.
    pub resumed: ByCase,
    /// Terminations and expiries, by agreement.
    pub ended: ByCase,
}

canonical!(Agreements { concluded, terms, suspended, resumed, ended });

impl Agreements {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "agreement.concluded" => {
                self.concluded.push(record);
                self.terms.push(record.id(), record);
            }
            "agreement.amended" => self.terms.push(record.reference("agreement"), record),
            "agreement.suspended" => self.suspended.push(record.reference("agreement"), record),
            "agreement.resumed" => self.resumed.push(record.reference("agreement"), record),
            "agreement.terminated" => self.ended.push(record.reference("agreement"), record),
            "agreement.expired" => self.ended.push(record.reference("agreement"), record),
            _ => {} // a view reads only the events it is about
        }
    }
}
