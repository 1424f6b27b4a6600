//! Training.

use super::{Filed, Shelf};
use crate::digest::canonical;

/// Training.
#[derive(Clone, Debug, Default)]
pub struct Training {
    /// Trainings.
    pub delivered: Shelf,
}

canonical!(Training { delivered });

impl Training {
    pub(super) fn apply(&mut self, record: &Filed) {
        if record.kind() == "training.delivered" {
            self.delivered.push(record);
        }
    }
}
