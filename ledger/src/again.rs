//! Whether a row says what was recorded before: a form sent twice, a file given twice, an answer that was lost.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::Catalogue;
use schemas::event::SignedEvent;
use schemas::opening::{Disclosure, Slot};
use schemas::value::Value;

use crate::import::{Claim, Draft, Holder};
use crate::outbox::Parcel;
use crate::pseudonym::Pseudonyms;

/// What signing puts in by itself, whether the row has it or not.
const MADE: [&str; 3] = ["party_id", "public_key", "recorded_at"];

/// A row beside a record of the same type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Columns in which the row says something else.
    pub differs: Vec<String>,
    /// Columns that nobody here can compare: they are sealed for oversight.
    pub sealed: Vec<String>,
}

impl Beside {
    /// Whether they say the same, as far as that can be known here.
    pub fn is_same(&self) -> bool {
        self.differs.is_empty() && self.sealed.is_empty()
    }
}

/// Holds a row against a record; nothing where the record is no event of the row's type and author. `second` is who
/// signs second, where the record still waits for it.
pub fn beside(
    draft: &Draft,
    parcel: &Parcel,
    second: Option<&Holder>,
    pseudonyms: &Pseudonyms,
    utc_offset_minutes: i32,
) -> Option<Beside> {
    let signed = SignedEvent::parse(parcel.note.as_bytes()).ok()?;
    let event = &signed.event;
    if event.kind != draft.event || pseudonyms.outside(&event.by) != draft.party {
        return None;
    }
    let kind = Catalogue::built_in().event(&event.kind)?;
    let mut differs = BTreeSet::new();
    let mut sealed = BTreeSet::new();
    let mut tell = |same: bool, column: &str| {
        if !same {
            differs.insert(column.to_owned());
        }
    };
    let outside = |value: &Value| pseudonyms.outside(&value.to_json());
    let name = |holder: &Holder| format!("/{}/{}", pseudonyms.party(&holder.party), pseudonyms.inside(&holder.holder));
    let signer = signed.note.signatures.first().map_or("", |line| line.name.as_str());
    tell(signer.ends_with(&name(&draft.signer)), "signer");
    let cosigner = signed.note.signatures.get(1).map(|line| line.name.clone()).or_else(|| second.map(name));
    tell(
        match (&cosigner, &draft.cosigner) {
            (Some(line), Some(holder)) => line.ends_with(&name(holder)),
            (None, None) => true,
            _ => false,
        },
        "cosigner",
    );
    tell(event.at() == draft.occurred.day(utc_offset_minutes), "occurred_at");
    tell(event.id.as_deref().map(|id| pseudonyms.outside(id)) == draft.qualified_id(), "id");
    let refs: BTreeMap<&str, Vec<String>> = event
        .refs
        .iter()
        .map(|(name, targets)| (name.as_str(), targets.targets().iter().map(|to| pseudonyms.outside(to)).collect()))
        .collect();
    for name in refs.keys().copied().chain(draft.refs.keys().map(String::as_str)) {
        tell(refs.get(name) == draft.refs.get(name), name);
    }
    let mut recorded: BTreeMap<&str, Option<String>> =
        event.data.iter().map(|(name, value)| (name.as_str(), Some(outside(value)))).collect();
    for (name, slot) in kind.slots().into_iter().zip(&parcel.opening.slots) {
        match slot {
            Slot::Open(text) => {
                if let Some(value) = Disclosure::parse(text)?.value {
                    recorded.insert(name, Some(outside(&value)));
                }
            }
            _ => {
                recorded.insert(name, None);
            }
        }
    }
    let mut given: BTreeMap<&str, String> =
        draft.fields.iter().map(|(name, value)| (name.as_str(), outside(value))).collect();
    let occurred = match draft.occurred {
        Claim::Day(day) => day.to_string(),
        Claim::Instant(instant) => instant.to_string(),
    };
    if kind.slots().contains(&"occurred_at") {
        given.insert("occurred_at", Value::Text(occurred).to_json());
    }
    let columns: BTreeSet<&str> = recorded.keys().chain(given.keys()).copied().collect();
    for name in columns.into_iter().filter(|name| !MADE.contains(name)) {
        match (recorded.get(name), given.get(name)) {
            (Some(None), _) => {
                sealed.insert(name.to_owned());
            }
            (Some(Some(recorded)), Some(given)) => tell(recorded == given, name),
            (None, None) => {}
            _ => tell(false, name),
        }
    }
    Some(Beside { differs: differs.into_iter().collect(), sealed: sealed.into_iter().collect() })
}
