//! Consultations.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Consultations.
#[derive(Clone, Debug, Default)]
pub struct Consultations {
    /// Consultations.
    pub opened: Shelf,
    /// Closings, by consultation.
    pub closed: ByCase,
}

canonical!(Consultations { opened, closed });

impl Consultations {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "consultation.opened" => self.opened.push(record),
            "consultation.closed" => self.closed.push(record.reference("consultation"), record),
            _ => {} // a view reads only the events it is about
        }
    }
}
