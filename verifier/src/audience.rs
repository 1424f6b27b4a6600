//! Who may read what is hidden. FORMAT.md 5.4; the catalogue's visibilities.
//!
//! Pure and over the signed event alone, so that an export, a pack and whoever checks them agree.

use schemas::catalogue::{Catalogue, EventType, Kind, Role, Visibility};
use schemas::event::{Event, SignedEvent};
use schemas::note::Origin;
use schemas::opening::{OpeningLine, Slot};
use schemas::value::Value;

/// For whom openings are chosen. FORMAT.md 14.2, `audience`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everybody.
    Public,
    /// The oversight bodies.
    Oversight,
    /// A party, by the name that the log has for it: a pseudonym where it is not named.
    Party(String),
}

impl Audience {
    /// The audience of that word: `public`, `oversight`, or a party, whose role decides.
    pub fn of(word: &str, role: Option<Role>) -> Self {
        match (word, role) {
            ("public", None) => Self::Public,
            ("oversight", None) | (_, Some(Role::Oversight)) => Self::Oversight,
            _ => Self::Party(word.to_owned()),
        }
    }

    /// Whether this audience may read the hidden values of an event that have this visibility:
    /// restricted ones are for the author, whoever approved, the parties named in public fields,
    /// and oversight; sealed ones for oversight. Who is merely the author of what a ref points at
    /// is not named.
    pub fn may_read(&self, signed: &SignedEvent, visibility: Visibility) -> bool {
        match (self, visibility) {
            (_, Visibility::Public) | (Self::Oversight, _) => true,
            (Self::Public, _) | (Self::Party(_), Visibility::Sealed) => false,
            (Self::Party(party), Visibility::Restricted) => is_party_to(party, signed),
        }
    }

    /// The line with those slots withheld that this audience may not read; what is erased shows as
    /// erased to everybody.
    #[must_use]
    pub fn limit(&self, signed: &SignedEvent, mut line: OpeningLine) -> OpeningLine {
        let Some(kind) = Catalogue::built_in().event(&signed.event.kind) else { return line };
        for (name, slot) in kind.slots().into_iter().zip(&mut line.slots) {
            let hidden = matches!(slot, Slot::Open(_) | Slot::Sealed(_));
            if hidden && !self.may_read(signed, slot_visibility(kind, name)) {
                *slot = Slot::Withheld;
            }
        }
        line
    }
}

/// Who may read a slot of a type. A field that is restricted unless its party is named is
/// restricted where it is hidden, and so are the exact times. FORMAT.md 5.1.
pub fn slot_visibility(kind: &EventType, slot: &str) -> Visibility {
    match kind.field(slot).map(|field| field.visibility) {
        Some(Visibility::Sealed) => Visibility::Sealed,
        _ => Visibility::Restricted,
    }
}

/// Whether the party wrote, approved, or is named in a public field of the event.
fn is_party_to(party: &str, signed: &SignedEvent) -> bool {
    let event = &signed.event;
    let origin = Origin::parse(&event.ledger);
    let signer = |name: &str| origin.as_ref().and_then(|o| o.holder_of(name)).is_some_and(|(p, _)| p == party);
    event.by == party || signed.note.signatures.iter().any(|line| signer(&line.name)) || names_party(event, party)
}

/// Whether a public field of the event names that party.
pub(crate) fn names_party(event: &Event, party: &str) -> bool {
    let Some(kind) = Catalogue::built_in().event(&event.kind) else { return false };
    let named = |value: &Value| match value {
        Value::List(items) => items.iter().any(|item| item.as_text() == Some(party)),
        other => other.as_text() == Some(party),
    };
    let fields = kind.fields.iter().filter(|f| matches!(f.kind, Kind::Party | Kind::Facility));
    fields.filter_map(|f| event.data.get(&f.name)).any(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::event::Head;
    use schemas::hash::Hash;
    use schemas::note::{Note, SignatureLine};
    use schemas::time::Date;

    /// A denial by a prison about a league, approved by the ministry.
    fn denial() -> SignedEvent {
        let origin = Origin::parse("x.example/log").unwrap();
        let head = Head {
            kind: ("access.request.denied", 1),
            ledger: &origin,
            by: "fac-one",
            row: "7",
            seq: 1,
            at: Date::parse("2031-03-04").unwrap(),
        };
        let mut event = Event::new(&head);
        event.data.insert("facility".to_owned(), Value::Text("fac-one".to_owned()));
        event.data.insert("organisation".to_owned(), Value::Text("cso-league".to_owned()));
        let line = |holder: &str| SignatureLine {
            name: format!("x.example/log/{holder}"),
            id: schemas::note::KeyId([0, 0, 0, 1]),
            signature: vec![0; 64],
        };
        let note = Note { text: event.to_text(), signatures: vec![line("fac-one/desk-1"), line("min-just/head-1")] };
        SignedEvent { event, note }
    }

    #[test]
    fn restricted_is_for_those_concerned_and_sealed_for_oversight() {
        let signed = denial();
        for (word, role, restricted, sealed) in [
            ("public", None, false, false),
            ("oversight", None, true, true),
            ("npm", Some(Role::Oversight), true, true),
            ("fac-one", Some(Role::Facility), true, false),
            ("cso-league", Some(Role::Cso), true, false),
            ("min-just", Some(Role::Ministry), true, false),
            ("fac-two", Some(Role::Facility), false, false),
            ("cso-other", Some(Role::Cso), false, false),
            ("op", Some(Role::Operator), false, false),
            // A party that calls itself so is not everybody, and not oversight.
            ("oversight", Some(Role::Cso), false, false),
            ("cso", Some(Role::Cso), false, false),
        ] {
            let audience = Audience::of(word, role);
            assert!(audience.may_read(&signed, Visibility::Public), "{word}");
            assert_eq!(audience.may_read(&signed, Visibility::Restricted), restricted, "{word}");
            assert_eq!(audience.may_read(&signed, Visibility::Sealed), sealed, "{word}");
        }
    }

    #[test]
    fn a_line_keeps_what_the_audience_may_read_and_what_was_erased() {
        let signed = denial();
        let kind = Catalogue::built_in().event("access.request.denied").unwrap();
        let slots: Vec<Slot> = kind.slots().iter().map(|name| Slot::Open((*name).to_owned())).collect();
        let sealed = |slot: &&str| slot_visibility(kind, slot) == Visibility::Sealed;
        assert_eq!(kind.slots().iter().filter(|slot| sealed(slot)).count(), 1);
        let digests = vec![Hash::default(); slots.len()];
        let mut line = OpeningLine { entry: 3, event: Hash::default(), digests, slots };
        line.slots[0] = Slot::ErasedBy(9);
        let kept = |audience: Audience| {
            let line = audience.limit(&signed, line.clone());
            line.slots.iter().filter(|slot| !matches!(slot, Slot::Withheld)).count()
        };
        let all = line.slots.len();
        let first_sealed = usize::from(sealed(&kind.slots()[0]));
        assert_eq!(kept(Audience::Oversight), all);
        assert_eq!(kept(Audience::Party("cso-league".to_owned())), all - 1 + first_sealed);
        assert_eq!(kept(Audience::Party("cso-other".to_owned())), 1);
        assert_eq!(kept(Audience::Public), 1);
    }
}
