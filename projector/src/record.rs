//! One believed event in the form that views fold.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::Role;
use schemas::time::{Date, Timestamp};
use schemas::value::Value;

/// Who held the pen: a holder of a party.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The party.
    pub party: String,
    /// The holder's name within it.
    pub name: String,
}

/// One event that the verifier believes, its public fields joined with the openings at hand.
///
/// Parties stand under their register id where an opening shows it, else under their pseudonym.
/// Business ids, here and in refs, are qualified: `<party>/<id>`; addresses are
/// `<party>/<event.type>/<row>`.
#[derive(Clone, Debug)]
pub struct Record {
    pub(crate) position: u64,
    pub(crate) received_at: Timestamp,
    pub(crate) by: String,
    pub(crate) role: Role,
    pub(crate) kind: String,
    pub(crate) row: String,
    pub(crate) id: Option<String>,
    pub(crate) at: Date,
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) refs: BTreeMap<String, Vec<String>>,
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) withheld: BTreeSet<String>,
    pub(crate) signer: Holder,
    pub(crate) approver: Option<Holder>,
}

impl Record {
    /// Place in the log, from 0.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// When the ledger received it.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }

    /// The reporting party.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// The reporting party's role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The event type's name.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The register's row id.
    pub fn row(&self) -> &str {
        &self.row
    }

    /// The qualified id of the thing that it creates.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The local day on which it happened, by the author's claim.
    pub fn at(&self) -> Date {
        self.at
    }

    /// The exact instant of that claim, where it was given and its opening is at hand.
    pub fn occurred_at(&self) -> Option<Timestamp> {
        self.occurred_at
    }

    /// Its address, `<party>/<event.type>/<row>`.
    pub fn address(&self) -> String {
        format!("{}/{}/{}", self.by, self.kind, self.row)
    }

    /// Targets of a ref, in order; empty where it has none.
    pub fn refs(&self, name: &str) -> &[String] {
        self.refs.get(name).map_or(&[], Vec::as_slice)
    }

    /// The first target of a ref.
    pub fn reference(&self, name: &str) -> Option<&str> {
        self.refs(name).first().map(String::as_str)
    }

    /// All refs by name.
    pub fn all_refs(&self) -> &BTreeMap<String, Vec<String>> {
        &self.refs
    }

    /// The value of a field as it was appended; `None` where absent, withheld or erased.
    pub fn field(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Whether the field may have a value that is not at hand: rules say `undetermined` then.
    pub fn is_withheld(&self, name: &str) -> bool {
        self.withheld.contains(name)
    }

    /// Who signed.
    pub fn signer(&self) -> &Holder {
        &self.signer
    }

    /// Who approved.
    pub fn approver(&self) -> Option<&Holder> {
        self.approver.as_ref()
    }
}
