//! The keys that a pack brings, and the signatures that they made. FORMAT.md 14.2, 11 "Registry".

use std::collections::BTreeMap;

use schemas::catalogue::Role;
use schemas::entry::Entry;
use schemas::note::{ALG_ED25519, KeyId, Origin, Vkey};
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::erasures::Roles;
use crate::refusal::Refusal;
use crate::signature::{Claim, PublicKey};

/// A key that an entry of the pack brought.
struct Brought {
    key: PublicKey,
    role: Option<Role>,
    /// Position of the entry that brought it.
    by: u64,
    from: Timestamp,
    until: Option<Timestamp>,
}

/// The signature lines of an entry.
pub(super) struct Signed {
    /// Each line's number, from 1, and its claim, ready to be checked.
    pub claims: Vec<(usize, Claim)>,
    /// In which roles the keys of its lines were enrolled.
    pub roles: Roles,
}

/// Keys by name and id, grown entry by entry in the order of the log.
#[derive(Default)]
pub(super) struct PackKeys {
    known: BTreeMap<(String, KeyId), Brought>,
}

impl PackKeys {
    /// Takes in what an entry brings, then looks at its signature lines: each with its number,
    /// from 1, ready to be checked.
    ///
    /// # Errors
    /// [`Refusal`] for a line that cannot hold, by a key that the pack does not bring or that was not
    /// in force; or if the first is not by a holder of the author.
    pub fn see(&mut self, entry: &Entry) -> Result<Signed, Refusal> {
        // A first key may sign the entry that brings it, before it is in force (FORMAT.md 11, 14); one that a
        // rotation brings may not, and what ends with an entry may still sign it.
        let ends = matches!(entry.signed.event.kind.as_str(), "key.rotated" | "key.revoked");
        if !ends {
            self.bring(entry);
        }
        let (mut claims, mut roles, event) = (Vec::new(), Roles::default(), &entry.signed.event);
        for (number, line) in (1..).zip(&entry.signed.note.signatures) {
            let unknown = || Refusal::UnknownKey { name: line.name.clone(), id: line.id };
            let brought = self.known.get(&(line.name.clone(), line.id)).ok_or_else(unknown)?;
            let party = Origin::parse(&event.ledger).and_then(|o| Some(o.holder_of(&line.name)?.0.to_owned()));
            if number == 1 && party.as_deref() != Some(event.by.as_str()) {
                return Err(Refusal::NotTheAuthor { name: line.name.clone(), by: event.by.clone() });
            }
            let at = entry.received_at;
            let own = brought.by == entry.position;
            if (!own && brought.from > at) || brought.until.is_some_and(|until| at >= until) {
                return Err(Refusal::NotInForce { name: line.name.clone(), at });
            }
            match number {
                1 => roles.author = brought.role,
                _ => roles.approver = brought.role,
            }
            let claim = Claim::new(&brought.key, entry.signed.note.text.as_bytes(), &line.signature);
            let claim = claim.ok_or_else(|| Refusal::BadSignature { number, name: line.name.clone() })?;
            claims.push((number, claim));
        }
        if ends {
            self.bring(entry);
        }
        Ok(Signed { claims, roles })
    }

    fn bring(&mut self, entry: &Entry) {
        let event = &entry.signed.event;
        let instant = |field: &str| event.text(field).and_then(Timestamp::parse);
        match event.kind.as_str() {
            crate::admit::GENESIS => {
                let registrar = event.text("registrar_role").and_then(Role::parse);
                for (field, role) in [
                    ("operator_keys", Some(Role::Operator)),
                    ("registrar_keys", registrar),
                    ("oversight_keys", Some(Role::Oversight)),
                ] {
                    let keys = event.data.get(field).and_then(Value::as_list).unwrap_or_default();
                    for vkey in keys.iter().filter_map(Value::as_text) {
                        self.add(vkey, role, entry.position, (entry.received_at, None));
                    }
                }
            }
            "key.enrolled" => {
                if let Some(vkey) = event.text("public_key") {
                    let role = event.text("role").and_then(Role::parse);
                    let from = instant("valid_from").unwrap_or(entry.received_at);
                    self.add(vkey, role, entry.position, (from, instant("valid_to")));
                }
            }
            "key.rotated" => {
                let from = instant("valid_from").unwrap_or(entry.received_at);
                if let Some(vkey) = event.text("public_key").and_then(|text| Vkey::parse(text).ok()) {
                    let role = self.end(&vkey.name, from);
                    self.add(&vkey.to_string(), role, entry.position, (from, None));
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

    fn add(&mut self, vkey: &str, role: Option<Role>, by: u64, (from, until): (Timestamp, Option<Timestamp>)) {
        let vkey = Vkey::parse(vkey).ok().filter(|key| key.alg == ALG_ED25519);
        if let Some(key) = vkey.and_then(|vkey| PublicKey::new(&vkey).ok()) {
            let name = (key.vkey().name.clone(), key.id());
            self.known.entry(name).or_insert(Brought { key, role, by, from, until });
        }
    }

    /// Ends the keys of a holder that are open; gives the role of one.
    fn end(&mut self, name: &str, at: Timestamp) -> Option<Role> {
        let mut role = None;
        for ((known, _), brought) in &mut self.known {
            if known == name {
                brought.until = Some(brought.until.map_or(at, |until| until.min(at)));
                role = brought.role;
            }
        }
        role
    }
}
