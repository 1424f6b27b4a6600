//! The keys that a pack brings, and the signatures that they made. FORMAT.md 14.2, 11 "Registry".

use std::collections::BTreeMap;

use schemas::entry::Entry;
use schemas::note::{ALG_ED25519, KeyId, Vkey};
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::refusal::Refusal;
use crate::signature::{Claim, PublicKey};

/// A key that an entry of the pack brought.
struct Brought {
    key: PublicKey,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// Keys by name and id, grown entry by entry in the order of the log.
#[derive(Default)]
pub(super) struct PackKeys {
    known: BTreeMap<(String, KeyId), Brought>,
}

/// The signature lines of an entry, as far as its keys are at hand.
pub(super) struct Lines {
    /// Lines whose key is known, ready to be checked: its number from 1, and the claim.
    pub claims: Vec<(usize, Claim)>,
    /// Lines by keys that the pack does not bring.
    pub unknown: u64,
}

impl PackKeys {
    /// Takes in what an entry brings, then looks at its signature lines.
    ///
    /// # Errors
    /// [`Refusal`] for a line that cannot hold, or a key not in force.
    pub fn see(&mut self, entry: &Entry) -> Result<Lines, Refusal> {
        self.bring(entry);
        let mut lines = Lines { claims: Vec::new(), unknown: 0 };
        for (number, line) in (1..).zip(&entry.signed.note.signatures) {
            let Some(brought) = self.known.get(&(line.name.clone(), line.id)) else {
                lines.unknown += 1;
                continue;
            };
            let at = entry.received_at;
            if brought.from > at || brought.until.is_some_and(|until| at >= until) {
                return Err(Refusal::NotInForce { name: line.name.clone(), at });
            }
            let claim = Claim::new(&brought.key, entry.signed.note.text.as_bytes(), &line.signature);
            let claim = claim.ok_or_else(|| Refusal::BadSignature { number, name: line.name.clone() })?;
            lines.claims.push((number, claim));
        }
        Ok(lines)
    }

    fn bring(&mut self, entry: &Entry) {
        let event = &entry.signed.event;
        let instant = |field: &str| event.text(field).and_then(Timestamp::parse);
        match event.kind.as_str() {
            crate::admit::GENESIS => {
                for field in ["operator_keys", "registrar_keys", "oversight_keys"] {
                    let keys = event.data.get(field).and_then(Value::as_list).unwrap_or_default();
                    for vkey in keys.iter().filter_map(Value::as_text) {
                        self.add(vkey, entry.received_at, None);
                    }
                }
            }
            "key.enrolled" => {
                if let Some(vkey) = event.text("public_key") {
                    self.add(vkey, instant("valid_from").unwrap_or(entry.received_at), instant("valid_to"));
                }
            }
            "key.rotated" => {
                let from = instant("valid_from").unwrap_or(entry.received_at);
                if let Some(vkey) = event.text("public_key").and_then(|text| Vkey::parse(text).ok()) {
                    self.end(&vkey.name, from);
                    self.add(&vkey.to_string(), from, None);
                }
            }
            "key.revoked" => {
                let at = instant("revoked_at").unwrap_or(entry.received_at);
                if let (Some(party), Some(holder)) = (event.text("organisation"), event.text("holder")) {
                    self.end(&format!("{}/{party}/{holder}", event.ledger), at);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, vkey: &str, from: Timestamp, until: Option<Timestamp>) {
        let vkey = Vkey::parse(vkey).ok().filter(|key| key.alg == ALG_ED25519);
        if let Some(key) = vkey.and_then(|vkey| PublicKey::new(&vkey).ok()) {
            let name = (key.vkey().name.clone(), key.id());
            self.known.entry(name).or_insert(Brought { key, from, until });
        }
    }

    /// Ends the keys of a holder that are open.
    fn end(&mut self, name: &str, at: Timestamp) {
        for ((known, _), brought) in &mut self.known {
            if known == name {
                brought.until = Some(brought.until.map_or(at, |until| until.min(at)));
            }
        }
    }
}
