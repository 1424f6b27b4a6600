//! One believed event in the form that views fold.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use schemas::catalogue::{Catalogue, Role};
use schemas::event::Event;
use schemas::time::{Date, Timestamp};
use schemas::value::Value;
use verifier::Verified;
use verifier::bundle::Opened;
use verifier::follower::Accepted;

/// Who held the pen: a holder of a party.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The party.
    pub party: String,
    /// The holder's name within it.
    pub name: String,
}

/// Why a value is not at hand. Rules treat both alike; people are told which it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hidden {
    /// Its opening is not at hand; somebody else may hold it.
    Withheld,
    /// It was erased by the entry at this position: nobody holds it any more. FORMAT.md 17.
    ErasedBy(u64),
}

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Withheld => f.write_str("withheld"),
            Self::ErasedBy(entry) => write!(f, "erased by entry {entry}"),
        }
    }
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
    /// Shared, as mostly it is that of all records of the type.
    pub(crate) hidden: Arc<BTreeMap<String, Hidden>>,
    pub(crate) signer: Holder,
    pub(crate) approver: Option<Holder>,
}

/// Register ids by pseudonym, as far as openings have shown them. FORMAT.md 16.
#[derive(Clone, Debug, Default)]
pub struct Links(BTreeMap<String, String>);

impl Links {
    /// What every pseudonym begins with.
    const PREFIX: &str = "anon-";

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn learn(&mut self, accepted: &Accepted, opened: &Opened) {
        let pseudonym = accepted.entry.signed.event.text("organisation");
        let id = opened.values.get("party_id").and_then(Value::as_text);
        if let (Some(pseudonym), Some(id)) = (pseudonym.filter(|p| p.starts_with(Self::PREFIX)), id) {
            self.0.insert(pseudonym.to_owned(), id.to_owned());
        }
    }

    /// A name, id or address with register ids in place of the pseudonyms that are known.
    pub fn show(&self, text: &str) -> String {
        if self.0.is_empty() || !text.contains(Self::PREFIX) {
            return text.to_owned();
        }
        self.0.iter().fold(text.to_owned(), |text, (pseudonym, id)| text.replace(pseudonym, id))
    }

    fn show_value(&self, value: &Value) -> Value {
        match value {
            Value::Text(text) => Value::Text(self.show(text)),
            Value::List(items) => Value::List(items.iter().map(|item| self.show_value(item)).collect()),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), self.show_value(value))).collect())
            }
            other => other.clone(),
        }
    }
}

/// The slots without a value at hand, but for fields that stand in public. A slot that was erased
/// is not also withheld.
fn hidden(public: &BTreeMap<String, Value>, opened: &Opened) -> BTreeMap<String, Hidden> {
    let withheld = opened.withheld.iter().map(|name| (name, Hidden::Withheld));
    let erased = opened.erased.iter().map(|(name, by)| (name, Hidden::ErasedBy(*by)));
    let hidden = withheld.chain(erased).filter(|(name, _)| !public.contains_key(*name));
    hidden.map(|(name, why)| (name.clone(), why)).collect()
}

/// What is hidden of an event to whoever has no opening, by its type.
static CLOSED: LazyLock<BTreeMap<&str, Arc<BTreeMap<String, Hidden>>>> = LazyLock::new(|| {
    let of = |kind: &str| Arc::new(hidden(&BTreeMap::new(), &Opened::nothing_of(kind)));
    Catalogue::built_in().events().map(|kind| (kind.name.as_str(), of(&kind.name))).collect()
});

fn hidden_of(event: &Event, opened: &Opened) -> Arc<BTreeMap<String, Hidden>> {
    if let Some(closed) = CLOSED.get(event.kind.as_str()).filter(|_| opened.is_closed())
        && closed.len() == opened.withheld.len()
        && !closed.keys().any(|slot| event.data.contains_key(slot))
    {
        return Arc::clone(closed);
    }
    Arc::new(hidden(&event.data, opened))
}

impl Record {
    /// Reads what the verifier believes, with the openings at hand. `links` grows with the log.
    pub fn read(accepted: &Verified<Accepted>, opened: &Opened, links: &mut Links) -> Self {
        let accepted = accepted.get();
        let event = &accepted.entry.signed.event;
        links.learn(accepted, opened);
        // Mostly there is nothing to show otherwise than it stands.
        let mut fields = if links.is_empty() {
            event.data.clone()
        } else {
            event.data.iter().map(|(name, value)| (name.clone(), links.show_value(value))).collect()
        };
        fields.extend(opened.values.iter().map(|(name, value)| (name.clone(), links.show_value(value))));
        let occurred_at = fields.remove("occurred_at").and_then(|v| v.as_text().and_then(Timestamp::parse));
        fields.remove("recorded_at");
        let refs = event
            .refs
            .iter()
            .map(|(name, value)| (name.clone(), value.targets().iter().map(|target| links.show(target)).collect()));
        let holder = |h: &verifier::keyring::Holder| Holder { party: links.show(&h.party), name: links.show(&h.name) };
        Self {
            position: accepted.entry.position,
            received_at: accepted.entry.received_at,
            by: links.show(&event.by),
            role: accepted.role,
            kind: event.kind.clone(),
            row: links.show(&event.row),
            id: event.id.as_deref().map(|id| links.show(id)),
            at: event.at(),
            occurred_at,
            refs: refs.collect(),
            hidden: hidden_of(event, opened),
            fields,
            signer: holder(&accepted.author),
            approver: accepted.approver.as_ref().map(holder),
        }
    }

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

    /// Why the field's value is not at hand, where it may have one: rules say `undetermined` then.
    pub fn hidden(&self, name: &str) -> Option<Hidden> {
        self.hidden.get(name).copied()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erased_slot_is_not_called_withheld() {
        let public = BTreeMap::from([("shown".to_owned(), Value::Bool(true))]);
        let opened = Opened {
            values: BTreeMap::new(),
            withheld: Arc::new(["shown", "kept", "both"].map(str::to_owned).into()),
            erased: BTreeMap::from([("gone".to_owned(), 12), ("both".to_owned(), 9), ("shown".to_owned(), 9)]),
        };
        let got: Vec<String> = hidden(&public, &opened).iter().map(|(name, why)| format!("{name}: {why}")).collect();
        assert_eq!(got, ["both: erased by entry 9", "gone: erased by entry 12", "kept: withheld"]);
    }
}
