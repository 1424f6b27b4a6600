//! Who is what: the role of each party, as its own events and the enrolment of its keys say.

use std::collections::BTreeMap;

use schemas::catalogue::Role;
use schemas::value::Value;

use super::Filed;
use crate::digest::canonical;

/// Roles by party.
#[derive(Clone, Debug, Default)]
pub struct Parties {
    roles: BTreeMap<String, Role>,
}

canonical!(Parties { roles });

impl Parties {
    pub(super) fn apply(&mut self, record: &Filed) {
        if !self.roles.contains_key(record.by()) {
            self.roles.insert(record.by().to_owned(), record.role());
        }
        if record.kind() == "key.enrolled" {
            let text = |field| record.field(field).and_then(Value::as_text);
            if let (Some(party), Some(role)) = (text("organisation"), text("role").and_then(Role::parse)) {
                self.roles.entry(party.to_owned()).or_insert(role);
            }
        }
    }

    /// The role of a party, where the log has shown it.
    pub fn role(&self, party: &str) -> Option<Role> {
        self.roles.get(party).copied()
    }
}
