//! The golden events: whole by the catalogue, opened to the last slot, one for each type of value.

use std::collections::BTreeMap;

use schemas::catalogue::{Catalogue, EventType};
use schemas::event::{Event, RefValue, SignedEvent};
use schemas::opening::{BadOpening, OpeningLine, Slot};
use schemas::value::Value;

use crate::reader::Vector;
use crate::reason;

/// The type of an event and its values by name, public ones and opened ones.
fn values(signed: &SignedEvent, opening: Option<&str>) -> Result<BTreeMap<String, Value>, BadOpening> {
    let kind = kind_of(&signed.event);
    let mut values = signed.event.data.clone();
    if let (Some(root), Some(line)) = (signed.event.hidden_root(), opening) {
        let line = OpeningLine::parse(line)?;
        if line.event != signed.id() {
            return Err(BadOpening::OtherEntry);
        }
        values.extend(line.check(root, kind)?);
    }
    Ok(values)
}

fn kind_of(event: &Event) -> &'static EventType {
    Catalogue::built_in().event(&event.kind).filter(|kind| kind.v == event.v).expect("a type of the catalogue")
}

#[test]
fn golden_events_are_whole() {
    for vector in Vector::read_all("event").iter().filter(|v| v.expect == "ok") {
        let name = &vector.name;
        let signed = SignedEvent::parse(&vector.body).unwrap();
        let (event, kind) = (&signed.event, kind_of(&signed.event));
        assert_eq!(event.hidden.is_some(), kind.hides, "{name}: slots");
        assert_eq!(event.id.is_some(), kind.id_of.is_some(), "{name}: id");
        assert_eq!(vector.opening.is_some(), kind.hides, "{name}: it stands with its opening");
        assert_eq!(signed.note.signatures.len(), usize::from(kind.signatures), "{name}: signatures");
        for (field, value) in &event.data {
            let field = kind.field(field).unwrap_or_else(|| panic!("{name}: no field {field}"));
            assert!(field.is_public(), "{name}: {} is hidden", field.name);
            assert_eq!(field.check(value), Ok(()), "{name}: {}", field.name);
        }
        for (field, value) in &event.refs {
            let reference = kind.reference(field).unwrap_or_else(|| panic!("{name}: no ref {field}"));
            assert_eq!(matches!(value, RefValue::Many(_)), reference.many, "{name}: {field}");
        }
        let lacking = kind.refs.iter().find(|r| !r.optional && !event.refs.contains_key(&r.name));
        assert_eq!(lacking, None, "{name}");
        let values = values(&signed, vector.opening.as_deref()).unwrap_or_else(|e| panic!("{name}: {e}"));
        for field in kind.fields.iter().filter(|f| f.required) {
            assert!(values.contains_key(&field.name), "{name}: {} is missing", field.name);
        }
    }
}

#[test]
fn every_type_of_value_has_its_golden_event() {
    let format = include_str!("../../FORMAT.md");
    let rows = format.lines().filter(|line| line.starts_with("| ") && line.contains("`event/"));
    let named: Vec<&str> = rows.flat_map(|row| row.split('`')).filter(|word| word.starts_with("event/")).collect();
    let vectors: BTreeMap<String, Vector> =
        Vector::read_all("event").into_iter().map(|v| (v.name.clone(), v)).collect();
    let types: Vec<&str> = named.iter().map(|name| &name["event/".len()..]).collect();
    for kind in Catalogue::built_in().events().flat_map(|e| &e.fields).map(type_name) {
        assert!(types.contains(&kind.as_str()), "FORMAT.md 2.2 has no golden event for {kind}");
    }
    for name in named {
        let vector = vectors.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        let signed = SignedEvent::parse(&vector.body).unwrap();
        let values = values(&signed, vector.opening.as_deref()).unwrap();
        let kind = kind_of(&signed.event);
        let shown = |f: &&schemas::catalogue::Field| values.contains_key(&f.name);
        let found: Vec<String> = kind.fields.iter().filter(shown).map(type_name).collect();
        assert!(found.iter().any(|kind| *kind == name["event/".len()..]), "{name} holds only {found:?}");
    }
}

fn type_name(field: &schemas::catalogue::Field) -> String {
    if field.list { "list" } else { field.kind.as_str() }.to_owned()
}

/// An opening that is not the one committed is caught, slot by slot.
#[test]
fn a_bent_opening_is_caught() {
    let all = Vector::read_all("event");
    let vector = all.iter().find(|v| v.name == "event/persons").unwrap();
    let signed = SignedEvent::parse(&vector.body).unwrap();
    let good = OpeningLine::parse(vector.opening.as_deref().unwrap()).unwrap();
    let other = all.iter().find(|v| v.name == "event/percent").unwrap();
    let reason = |bend: &dyn Fn(&mut OpeningLine)| {
        let mut line = good.clone();
        bend(&mut line);
        reason::opening(&values(&signed, Some(&line.to_json())).unwrap_err())
    };
    assert_eq!(reason(&|line| line.slots.swap(0, 1)), "opening-slot entered_at");
    assert_eq!(reason(&|line| line.digests.swap(0, 1)), "opening-root");
    assert_eq!(reason(&|line| line.slots.truncate(1)), "opening-count");
    assert_eq!(reason(&|line| line.digests.truncate(1)), "opening-count");
    assert_eq!(reason(&|line| line.event = schemas::hash::Hash::of(&[])), "opening-other");
    assert_eq!(reason(&|line| line.slots[2] = Slot::Open("WyJhIl0".to_owned())), "opening-slot team_in");
    let foreign = OpeningLine::parse(other.opening.as_deref().unwrap()).unwrap();
    assert_eq!(reason(&|line| line.slots[3] = foreign.slots[0].clone()), "opening-slot interviews");
    // What is withheld or erased is no fault, and shows nothing.
    let mut line = good.clone();
    line.slots.fill(Slot::Withheld);
    line.slots[0] = Slot::ErasedBy(7);
    assert_eq!(values(&signed, Some(&line.to_json())), Ok(signed.event.data.clone()));
}
