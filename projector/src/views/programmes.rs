//! Programmes, their changes and ends; the legal framework.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Programmes, their changes and ends; the legal framework.
#[derive(Clone, Debug, Default)]
pub struct Programmes {
    /// Programmes.
    pub adopted: Shelf,
    /// Ends, by programme.
    pub ended: ByCase,
    /// What calls for consultation: programmes and framework texts adopted, changed, repealed.
    pub steps: Shelf,
}

canonical!(Programmes { adopted, ended, steps });

impl Programmes {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "programme.adopted" => {
                self.adopted.push(record);
                self.steps.push(record);
            }
            "programme.ended" => self.ended.push(record.reference("programme"), record),
            "programme.changed" => self.steps.push(record),
            "framework.adopted" => self.steps.push(record),
            "framework.amended" => self.steps.push(record),
            "framework.repealed" => self.steps.push(record),
            _ => {} // a view reads only the events it is about
        }
    }
}
