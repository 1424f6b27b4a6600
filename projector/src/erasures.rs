//! The erasures that a log records, and whether the rules allowed each. FORMAT.md 17.

use std::collections::HashMap;

use schemas::entry::Entry;
use schemas::event::RefValue;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::erasures::{ERASURE, Roles, Unlawful};

use crate::record::Links;

/// One `erasure.executed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Its place in the log.
    pub position: u64,
    /// When the ledger received it.
    pub received_at: Timestamp,
    /// Addresses of the records that it names.
    pub targets: Vec<String>,
    /// Names of the fields that it names.
    pub fields: Vec<String>,
    /// Why it erases nothing, where rule V-07 does not allow it.
    pub unlawful: Option<Unlawful>,
}

/// Erasures as the log is followed.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    judge: verifier::erasures::Erasures,
    /// Positions by address: an erasure may name any record before it.
    positions: HashMap<String, u64>,
    all: Vec<Erasure>,
}

impl Erasures {
    /// Takes the next entry of the log, with the roles of those who signed it.
    pub fn apply(&mut self, entry: &Entry, roles: Roles, links: &Links) {
        let (event, position) = (&entry.signed.event, entry.position);
        let positions = &self.positions;
        self.judge.see(entry, roles, &|address| positions.get(address).copied());
        self.positions.insert(event.address(), position);
        if event.kind != ERASURE {
            return;
        }
        let targets = event.refs.get("targets").map_or(&[][..], RefValue::targets);
        let fields = event.data.get("fields").and_then(Value::as_list).unwrap_or_default();
        self.all.push(Erasure {
            position,
            received_at: entry.received_at,
            targets: targets.iter().map(|address| links.show(address)).collect(),
            fields: fields.iter().filter_map(Value::as_text).map(str::to_owned).collect(),
            unlawful: self.judge.lawful(position).err(),
        });
    }

    /// All of them, in log order.
    pub fn all(&self) -> &[Erasure] {
        &self.all
    }
}

#[cfg(test)]
mod tests {
    use schemas::catalogue::Role;
    use schemas::event::{Event, Head, SignedEvent};
    use schemas::hash::Hash;
    use schemas::note::Note;
    use schemas::time::Date;

    use super::*;

    fn entry(position: u64, by: &str, kind: &str, fill: impl FnOnce(&mut Event)) -> Entry {
        let ledger = schemas::note::Origin::parse("test.example/log").unwrap();
        let at = Date::parse("2031-03-05").unwrap();
        let mut event = Event::new(&Head { kind: (kind, 1), ledger: &ledger, by, row: "r1", seq: 1, at });
        event.row = format!("r{position}");
        fill(&mut event);
        let note = Note { text: event.to_text(), signatures: Vec::new() };
        let received_at = Timestamp::parse("2031-03-05T10:00:00Z").unwrap();
        Entry { position, received_at, prev: Hash::of(&[]), signed: SignedEvent { event, note } }
    }

    fn erases(position: u64, fields: &[&str]) -> Entry {
        entry(position, "op", ERASURE, |event| {
            event.refs.insert("targets".into(), RefValue::Many(vec!["fac-a/measure.imposed/r0".into()]));
            event.refs.insert("erasure".into(), RefValue::One("npm/er-1".into()));
            let fields = fields.iter().map(|field| Value::Text((*field).to_owned())).collect();
            event.data.insert("fields".into(), Value::List(fields));
        })
    }

    #[test]
    fn each_erasure_is_listed_with_what_the_rules_say_of_it() {
        let text = |text: &str| Value::Text(text.to_owned());
        let by = |author, approver| Roles { author, approver };
        let (operator, npm, facility) = (Some(Role::Operator), Some(Role::Oversight), Some(Role::Facility));
        let granted = |position| {
            entry(position, "fac-a", "erasure.decided", |e| {
                e.refs.insert("erasure".into(), RefValue::One("npm/er-1".into()));
                e.data.insert("decision".into(), text("granted"));
            })
        };
        let log = [
            (entry(0, "fac-a", "measure.imposed", |_| {}), by(facility, None)),
            (entry(1, "npm", "erasure.requested", |e| e.id = Some("npm/er-1".into())), by(npm, None)),
            // By nobody whose role the log knows.
            (granted(7), by(None, None)),
            (erases(2, &["scope"]), by(operator, npm)),
            (granted(3), by(facility, None)),
            (erases(4, &["scope"]), by(operator, npm)),
            (erases(5, &["scope"]), by(operator, operator)),
            (erases(6, &["scope", "legal_basis"]), by(operator, npm)),
            (erases(8, &["scope"]), by(facility, npm)),
        ];
        let mut erasures = Erasures::default();
        for (entry, roles) in &log {
            erasures.apply(entry, *roles, &Links::default());
        }
        let address = "fac-a/measure.imposed/r0".to_owned();
        let all = erasures.all().iter().cloned();
        let got: Vec<_> = all.map(|e| (e.position, e.fields, e.unlawful)).collect();
        let scope = vec!["scope".to_owned()];
        let not_granted = Unlawful::NotGranted { address: address.clone(), field: "scope".to_owned() };
        let public = Unlawful::Public { address, field: "legal_basis".to_owned() };
        assert_eq!(
            got,
            [
                (2, scope.clone(), Some(not_granted)),
                (4, scope.clone(), None),
                (5, scope, Some(Unlawful::Cosigner)),
                (6, vec!["scope".to_owned(), "legal_basis".to_owned()], Some(public)),
                (8, vec!["scope".to_owned()], Some(Unlawful::Cosigner)),
            ]
        );
    }
}
