//! What the log already holds, as far as an import must know it.

use schemas::catalogue::Role;

/// A view of the log under the register's own ids (pseudonyms taken off).
pub trait Known {
    /// Who created the thing of that kind and bare id.
    fn author_of(&self, kind: &str, id: &str) -> Option<String>;

    /// The event type that created the thing, where it is known. Kinds such as `decision` are
    /// created by several types; without an answer the kind alone is checked.
    fn type_of(&self, _kind: &str, _id: &str) -> Option<String> {
        None
    }

    /// Whether the log holds the event of that address, `<party>/<event.type>/<row_id>`.
    fn has_address(&self, address: &str) -> bool;

    /// Whether the row was taken in before, into the log or into the sealed stream. Such a row
    /// is passed over, so that the same file read twice adds nothing.
    fn has_row(&self, party: &str, event: &str, row_id: &str) -> bool;

    /// The role of a party that is registered.
    fn role_of(&self, party: &str) -> Option<Role>;

    /// Whether a party is shown by name, as the log has last said it (`identity_mode`).
    fn is_named(&self, _party: &str) -> Option<bool> {
        None
    }

    /// The party that a field of an event names, where it is known. With it a decision is
    /// compared with the facility of its case, and a correction with who it is about; without
    /// it admission alone makes these comparisons.
    fn party_in(&self, _address: &str, _field: &str) -> Option<String> {
        None
    }

    /// The address of the event that created a thing, where it is known.
    fn address_of(&self, _kind: &str, _id: &str) -> Option<String> {
        None
    }
}

/// A log without any event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl Known for Nothing {
    fn author_of(&self, _kind: &str, _id: &str) -> Option<String> {
        None
    }

    fn has_address(&self, _address: &str) -> bool {
        false
    }

    fn has_row(&self, _party: &str, _event: &str, _row_id: &str) -> bool {
        false
    }

    fn role_of(&self, _party: &str) -> Option<Role> {
        None
    }
}
