//! A finished log read again from its files, by this test's own hand.

use std::collections::BTreeMap;

use ledger::import::{Limits, Parties};
use ledger::probe::Probe;
use ledger::pseudonym::Pseudonyms;
use ledger::writer::{Home, Writer};
use schemas::catalogue::{Catalogue, EventType, Kind, Role, Targets};
use schemas::entry::Entry;
use schemas::opening::{Disclosure, OpeningLine, Slot};
use schemas::value::Value;
use tests::demo::Places;
use verifier::unseal::Identity;

use crate::common::program;

/// An entry with its opening line.
#[derive(Debug)]
pub struct Item {
    /// The entry's bytes.
    pub bytes: Vec<u8>,
    /// The entry, read.
    pub entry: Entry,
    /// The line beside it; empty where the type hides nothing.
    pub line: String,
}

impl Item {
    /// Its type in the catalogue.
    pub fn kind(&self) -> &'static EventType {
        Catalogue::built_in().event(&self.entry.signed.event.kind).expect("admitted events have known types")
    }

    /// Its hidden values, those that are there.
    pub fn hidden(&self) -> BTreeMap<String, Value> {
        if self.line.is_empty() {
            return BTreeMap::new();
        }
        let line = OpeningLine::parse(&self.line).expect("the ledger writes good lines");
        let value = |slot: &Slot| match slot {
            Slot::Open(text) => Disclosure::parse(text).and_then(|d| Some((d.name, d.value?))),
            _ => None,
        };
        line.slots.iter().filter_map(value).collect()
    }
}

/// Opens a ledger that a test has made.
pub fn open(places: &Places) -> Writer {
    Writer::open(&places.home(), &Probe::of(program("demo"))).unwrap_or_else(|why| panic!("{why}"))
}

/// All entries of a ledger with their openings; what is sealed is read with the demo's own identity, which the
/// ledger does not have.
pub fn items(writer: &Writer) -> Vec<Item> {
    let identity = identity(writer.home());
    let lines = writer.vault().lines(0).map(|line| line.expect("the vault can be read").1);
    let entries = writer.store().entries(0).map(|entry| entry.expect("the store can be read").1);
    let opened = |line: String| match (&identity, OpeningLine::parse(&line)) {
        (Some(identity), Ok(parsed)) => identity.open_line(parsed).to_json(),
        _ => line,
    };
    let item = |(bytes, line): (Vec<u8>, String)| {
        let entry = Entry::parse(&bytes).expect("an entry");
        Item { entry, bytes, line: opened(line) }
    };
    entries.zip(lines).map(item).collect()
}

/// The identity of an oversight body, beside the keys of the demo.
fn identity(home: &Home) -> Option<Identity> {
    let keys = home.folder().parent()?.join("keys");
    let found = ledger::files::list(&keys, |name| name.strip_suffix(".identity").is_some()).ok()?;
    ledger::keys::read_identity(found.first()?).ok()
}

/// How a log names its parties.
pub fn pseudonyms(places: &Places) -> Pseudonyms {
    let bytes = std::fs::read(places.scenario.join("parties.csv")).expect("the country has parties");
    let (parties, problems) = Parties::read("parties.csv", &bytes, &Limits::default());
    assert!(problems.is_empty(), "{problems:?}");
    Pseudonyms::load(&places.home().pseudonyms(), &parties).expect("the pseudonyms can be read")
}

/// Positions in every stream, computed from FORMAT.md 8.1 alone: what the index must hold.
pub fn streams(items: &[Item]) -> BTreeMap<String, Vec<u64>> {
    let mut roles: BTreeMap<String, Role> = BTreeMap::new();
    // (kind of thing, id) and address, to where it stands.
    let mut things: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut addresses: BTreeMap<String, usize> = BTreeMap::new();
    let mut of: Vec<Vec<String>> = Vec::new();
    for (position, item) in items.iter().enumerate() {
        let event = &item.entry.signed.event;
        let kind = item.kind();
        learn_roles(&mut roles, item);
        let party = |id: &str, field: Option<Kind>| {
            let facility = field == Some(Kind::Facility) || roles.get(id) == Some(&Role::Facility);
            format!("{}/{id}", if facility { "facility" } else { "organisation" })
        };
        let find = |types: &[String], id: &str| {
            types.iter().find_map(|name| {
                let id_of = Catalogue::built_in().event(name)?.id_of.clone()?;
                things.get(&(id_of.clone(), id.to_owned())).map(|at| (id_of, *at))
            })
        };
        let mut names = Vec::new();
        if let Some(stream) = &kind.stream {
            names.push(format!("{stream}/{}", event.by));
        } else {
            names.push(party(&event.by, None));
            for subject in &kind.subjects {
                if subject == "id" {
                    names.extend(event.id.iter().map(|id| format!("{}/{id}", kind.id_of.as_deref().unwrap_or("?"))));
                } else if let Some(field) = kind.field(subject) {
                    let value = event.data.get(subject);
                    let items = value.map_or(&[][..], |v| v.as_list().unwrap_or(std::slice::from_ref(v)));
                    names.extend(items.iter().filter_map(Value::as_text).map(|id| party(id, Some(field.kind))));
                } else if let Some(reference) = kind.reference(subject)
                    && let Targets::Types(types) = &reference.targets
                {
                    let targets = event.refs.get(subject).map_or(&[][..], |t| t.targets());
                    names.extend(targets.iter().filter_map(|id| Some(format!("{}/{id}", find(types, id)?.0))));
                }
            }
            for name in &kind.inherits {
                let targets = event.refs.get(name).map_or(&[][..], |t| t.targets());
                for target in targets {
                    let at = match &kind.reference(name).expect("a ref of the type").targets {
                        Targets::Any => addresses.get(target).copied(),
                        Targets::Types(types) => find(types, target).map(|(_, at)| at),
                    };
                    names.extend(at.map_or(&[][..], |at| &of[at]).iter().cloned());
                }
            }
        }
        names.sort();
        names.dedup();
        addresses.insert(event.address(), position);
        if let (Some(id_of), Some(id)) = (&kind.id_of, &event.id) {
            things.insert((id_of.clone(), id.clone()), position);
        }
        of.push(names);
    }
    let mut streams: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (position, names) in (0..).zip(of) {
        names.into_iter().for_each(|name| streams.entry(name).or_default().push(position));
    }
    streams
}

/// Genesis, a first key and a facility's registration say what a party is.
fn learn_roles(roles: &mut BTreeMap<String, Role>, item: &Item) {
    let event = &item.entry.signed.event;
    let text = |name: &str| event.text(name).unwrap_or_default().to_owned();
    let mut learn = |party: String, role: Option<Role>| {
        if let Some(role) = role {
            roles.entry(party).or_insert(role);
        }
    };
    match event.kind.as_str() {
        "ledger.genesis" => {
            learn(text("operator"), Some(Role::Operator));
            learn(text("registrar"), Role::parse(&text("registrar_role")));
            let keys = event.data.get("oversight_keys").and_then(Value::as_list).unwrap_or_default();
            for key in keys.iter().filter_map(Value::as_text) {
                let name = key.split('+').next().unwrap_or_default();
                let party = name.rsplit('/').nth(1).unwrap_or_default();
                learn(party.to_owned(), Some(Role::Oversight));
            }
        }
        "key.enrolled" => learn(text("organisation"), Role::parse(&text("role"))),
        "facility.registered" => learn(text("facility"), Some(Role::Facility)),
        _ => {}
    }
}
