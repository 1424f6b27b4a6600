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

/// The same knowledge without one record, so that the row it was made from can be checked again beside it.
pub struct Without<'a> {
    /// What is known.
    pub known: &'a dyn Known,
    /// Party, event type and row of the record.
    pub row: (&'a str, &'a str, &'a str),
    /// Kind and bare id of the thing that it creates.
    pub thing: Option<(&'a str, &'a str)>,
}

impl Known for Without<'_> {
    fn author_of(&self, kind: &str, id: &str) -> Option<String> {
        if self.thing == Some((kind, id)) { None } else { self.known.author_of(kind, id) }
    }

    fn type_of(&self, kind: &str, id: &str) -> Option<String> {
        self.known.type_of(kind, id)
    }

    fn has_address(&self, address: &str) -> bool {
        let (party, event, row) = self.row;
        address != format!("{party}/{event}/{row}") && self.known.has_address(address)
    }

    fn has_row(&self, party: &str, event: &str, row_id: &str) -> bool {
        (party, event, row_id) != self.row && self.known.has_row(party, event, row_id)
    }

    fn role_of(&self, party: &str) -> Option<Role> {
        self.known.role_of(party)
    }

    fn is_named(&self, party: &str) -> Option<bool> {
        self.known.is_named(party)
    }

    fn party_in(&self, address: &str, field: &str) -> Option<String> {
        self.known.party_in(address, field)
    }

    fn address_of(&self, kind: &str, id: &str) -> Option<String> {
        self.known.address_of(kind, id)
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
