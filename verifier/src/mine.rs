//! What a party has kept itself, set against a pack: is anything missing, altered, late, disputed,
//! or said in its name by somebody else?

use std::collections::BTreeMap;

use schemas::carried::Carried;
use schemas::event::{Event, RefValue, SignedEvent};
use schemas::hash::Hash;
use schemas::note::{ALG_ED25519, KeyId, Note, Vkey};
use schemas::time::Timestamp;

use crate::pack::Record;
use crate::signature::PublicKey;

/// An event that the party has signed and kept.
#[derive(Clone, Debug)]
pub struct Own {
    /// The event.
    pub signed: SignedEvent,
    /// Position that a receipt of it proves, where the party has one that holds under its policy.
    pub receipted: Option<u64>,
    /// Who carried it to the ledger, and when by its stamp, where one is signed by a carrier whom the party trusts.
    pub carried: Option<(String, Timestamp)>,
}

/// What differs, or deserves a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// We hold a receipt for it, and the pack does not show it: the log hides a record it admitted to.
    MissingThoughReceipted {
        /// Address of our record.
        address: String,
        /// Position that our receipt proves.
        position: u64,
    },
    /// Somebody whom we trust carried it in and stamped when; the pack does not show it, and nobody receipted it.
    CarriedInVain {
        /// Address of our record.
        address: String,
        /// Who carried it.
        carrier: String,
        /// When the carrier had it.
        at: Timestamp,
    },
    /// We signed it; the pack does not show it, and we have no receipt.
    NeverReceived {
        /// Address of our record.
        address: String,
    },
    /// Another event of ours stands under the address.
    Altered {
        /// Address.
        address: String,
        /// Position in the log.
        position: u64,
    },
    /// The log received it that many days after the day on which we say that it happened.
    Late {
        /// Address.
        address: String,
        /// Position in the log.
        position: u64,
        /// Whole days.
        days: i64,
    },
    /// A record about us that a dispute in this pack is about.
    Disputed {
        /// Address of the record that is disputed.
        address: String,
        /// Position of the dispute.
        by: u64,
    },
    /// A record signed in our name that we have not kept: a key of ours may be in other hands.
    NotOurs {
        /// Address.
        address: String,
        /// Position in the log.
        position: u64,
    },
}

impl Difference {
    /// Whether it is evidence against the log or its keys, not only worth a look.
    pub fn is_grave(&self) -> bool {
        matches!(
            self,
            Self::MissingThoughReceipted { .. }
                | Self::CarriedInVain { .. }
                | Self::Altered { .. }
                | Self::NotOurs { .. }
        )
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MissingThoughReceipted { address, position } => {
                write!(f, "missing      {address}: your receipt proves entry {position}; the pack hides it")
            }
            Self::CarriedInVain { address, carrier, at } => {
                write!(f, "ignored      {address}: {carrier} carried it in, stamped {at}; the pack does not show it")
            }
            Self::NeverReceived { address } => {
                write!(
                    f,
                    "missing      {address}: signed by you, not in the log, and you have no receipt: send it again"
                )
            }
            Self::Altered { address, position } => {
                write!(f, "altered      {address}: entry {position} says something else than what you have kept")
            }
            Self::Late { address, position, days } => {
                write!(f, "late         {address}: entry {position} was received {days} days after it happened")
            }
            Self::Disputed { address, by } => write!(f, "disputed     {address}: by entry {by}"),
            Self::NotOurs { address, position } => {
                write!(
                    f,
                    "not ours     {address}: entry {position} is signed in your name, and you have not kept it; \
                     if it enrols a key, compare that key's fingerprint with your own"
                )
            }
        }
    }
}

/// Sets what a party has kept against the records of a pack about it. What is late by more than
/// `late_days` is named. `party` is the party's name in the log.
pub fn differences(records: &[Record], own: &[Own], party: &str, late_days: i64) -> Vec<Difference> {
    let by_id: BTreeMap<Hash, &Record> = records.iter().map(|r| (r.entry.signed.id(), r)).collect();
    let by_address: BTreeMap<String, &Record> = records.iter().map(|r| (r.entry.signed.event.address(), r)).collect();
    let mut found = Vec::new();
    for one in own {
        let (address, event) = (one.signed.event.address(), &one.signed.event);
        let Some(record) = by_id.get(&one.signed.id()) else {
            found.push(match (by_address.get(&address), one.receipted) {
                (Some(other), _) => Difference::Altered { address, position: other.entry.position },
                (None, Some(position)) => Difference::MissingThoughReceipted { address, position },
                (None, None) => match one.carried.clone() {
                    Some((carrier, at)) => Difference::CarriedInVain { address, carrier, at },
                    None => Difference::NeverReceived { address },
                },
            });
            continue;
        };
        let days = record.entry.received_at.date(0).days_since(event.at());
        if days > late_days {
            found.push(Difference::Late { address, position: record.entry.position, days });
        }
    }
    let kept: std::collections::BTreeSet<Hash> = own.iter().map(|one| one.signed.id()).collect();
    // Keys that signed what was kept: their enrolments are signed at the ledger's office, and kept there.
    let lines = own.iter().flat_map(|one| &one.signed.note.signatures);
    let own_keys: std::collections::BTreeSet<(&str, KeyId)> = lines.map(|line| (line.name.as_str(), line.id)).collect();
    let is_own_key = |event: &Event| {
        let brought = event.text("public_key").and_then(|text| Vkey::parse(text).ok());
        brought.is_some_and(|key| own_keys.contains(&(key.name.as_str(), key.id())))
    };
    let addresses: std::collections::BTreeSet<String> = own.iter().map(|one| one.signed.event.address()).collect();
    // Of two that a ref may mean, the first counts.
    let mut by_name: BTreeMap<&str, &String> = BTreeMap::new();
    for (address, record) in &by_address {
        by_name.insert(address, address);
        if let Some(id) = &record.entry.signed.event.id {
            by_name.entry(id).or_insert(address);
        }
    }
    for record in records {
        let (event, position) = (&record.entry.signed.event, record.entry.position);
        let address = event.address();
        let known = kept.contains(&record.entry.signed.id()) || addresses.contains(&address) || is_own_key(event);
        if event.by == party && !known {
            found.push(Difference::NotOurs { address, position });
        }
        if event.kind.ends_with(".disputed") {
            let targets =
                event.refs.values().flat_map(RefValue::targets).filter_map(|target| by_name.get(target.as_str()));
            found.extend(targets.map(|address| Difference::Disputed { address: (*address).clone(), by: position }));
        }
    }
    found
}

/// The stamp in a note, if one of these keys signed it: a key of a holder of the carrier that it names, in the log
/// that it is for. FORMAT.md 20.2.
pub fn stamp(note: &Note, carriers: &[Vkey]) -> Option<Carried> {
    let stamp = Carried::parse(&note.text)?;
    let is_theirs = |key: &&Vkey| {
        key.alg == ALG_ED25519 && stamp.origin.holder_of(&key.name).is_some_and(|(party, _)| party == stamp.carrier)
    };
    let signed = carriers.iter().filter(is_theirs).filter_map(|key| PublicKey::new(key).ok()).any(|key| {
        note.signatures.iter().any(|line| {
            line.name == key.vkey().name && line.id == key.id() && key.holds(note.text.as_bytes(), &line.signature)
        })
    });
    signed.then_some(stamp)
}
