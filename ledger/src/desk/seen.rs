//! The records that a desk knows of: what the institution signed itself, and what the log showed it about itself.

use std::collections::{BTreeMap, HashMap};

use schemas::catalogue::{Catalogue, Role};
use schemas::entry::Entry;
use schemas::event::{Event, SignedEvent};
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::pack::PackReport;

use crate::import::{Known, Parties};
use crate::outbox::Parcel;
use crate::pseudonym::Pseudonyms;

/// One record, in the register's own names.
#[derive(Clone, Debug)]
pub struct Record {
    /// What it says.
    pub event: Event,
    /// Its address, `<party>/<type>/<row>`.
    pub address: String,
    /// What it creates, `<party>/<id>`.
    pub id: Option<String>,
    /// Its place in the log, and when the ledger received it; nothing while it is only here.
    pub place: Option<(u64, Timestamp)>,
    /// Hidden values, as far as they are at hand.
    pub opened: BTreeMap<String, Value>,
}

/// All records that the desk knows of.
#[derive(Debug, Default)]
pub struct Seen {
    records: Vec<Record>,
    by_address: HashMap<String, usize>,
    /// By kind of thing and bare id.
    things: HashMap<(String, String), usize>,
    /// Addresses of register rows that were signed here, and not refused.
    rows: std::collections::HashSet<String>,
    roles: HashMap<String, Role>,
    entries: Vec<Entry>,
}

impl Seen {
    /// What a checked pack shows and these parcels say; a parcel that was refused is not among them.
    pub fn new<'a>(
        pack: Option<&PackReport>,
        parcels: impl IntoIterator<Item = &'a Parcel>,
        parties: &Parties,
        pseudonyms: &Pseudonyms,
    ) -> Self {
        let mut seen = Self::default();
        seen.roles.extend(parties.iter().map(|party| (party.id.clone(), party.role)));
        for record in pack.into_iter().flat_map(|pack| &pack.records) {
            let entry = &record.entry;
            let place = Some((entry.position, entry.received_at));
            seen.add(entry.signed.event.clone(), place, record.opened.values.clone(), pseudonyms);
            seen.entries.push(entry.clone());
        }
        for parcel in parcels {
            seen.rows.insert(parcel.source.clone());
            let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { continue };
            let opened = parcel.opening.disclosures().filter_map(|slot| Some((slot.name, slot.value?))).collect();
            seen.add(signed.event, None, opened, pseudonyms);
        }
        seen
    }

    fn add(
        &mut self,
        event: Event,
        place: Option<(u64, Timestamp)>,
        opened: BTreeMap<String, Value>,
        pseudonyms: &Pseudonyms,
    ) {
        let address = pseudonyms.outside(&event.address());
        if let Some(at) = self.by_address.get(&address) {
            let known = &mut self.records[*at];
            known.place = known.place.or(place);
            known.opened.extend(opened);
            return;
        }
        let number = self.records.len();
        let id = event.id.as_deref().map(|id| pseudonyms.outside(id));
        let kind = Catalogue::built_in().event(&event.kind);
        if let (Some(of), Some((_, bare))) =
            (kind.and_then(|k| k.id_of.as_ref()), id.as_deref().and_then(|id| id.split_once('/')))
        {
            self.things.insert((of.clone(), bare.to_owned()), number);
        }
        if let (Some(role), true) =
            (kind.and_then(|k| only(&k.authors)), event.by.starts_with(crate::pseudonym::PREFIX))
        {
            // Who lives in the log under a pseudonym stands in no list of parties here.
            self.roles.entry(event.by.clone()).or_insert(role);
        }
        self.by_address.insert(address.clone(), number);
        self.records.push(Record { event, address, id, place, opened });
    }

    /// Forgets that a register row was recorded, so that the same row can be checked again beside its record.
    pub fn forget(&mut self, address: &str) {
        self.rows.remove(address);
        if let Some(at) = self.by_address.remove(address) {
            self.things.retain(|_, thing| *thing != at);
        }
    }

    /// All of them: what the log showed first, then what is only here.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The entries that the log showed.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The record at an address.
    pub fn record(&self, address: &str) -> Option<&Record> {
        self.by_address.get(address).map(|at| &self.records[*at])
    }

    /// The record at a place of the log.
    pub fn at(&self, position: u64) -> Option<&Record> {
        self.records.iter().find(|record| record.place.is_some_and(|(at, _)| at == position))
    }

    /// Parties that live in the log under a pseudonym and are known here from records.
    pub fn pseudonymous(&self) -> Vec<(&str, Role)> {
        let mut all: Vec<(&str, Role)> = self
            .roles
            .iter()
            .filter(|(id, _)| id.starts_with(crate::pseudonym::PREFIX))
            .map(|(id, role)| (id.as_str(), *role))
            .collect();
        all.sort_unstable();
        all
    }

    fn thing(&self, kind: &str, id: &str) -> Option<&Record> {
        self.things.get(&(kind.to_owned(), id.to_owned())).map(|at| &self.records[*at])
    }
}

fn only(roles: &[Role]) -> Option<Role> {
    if let [role] = roles { Some(*role) } else { None }
}

impl Known for Seen {
    fn author_of(&self, kind: &str, id: &str) -> Option<String> {
        self.thing(kind, id)?.id.as_deref()?.split_once('/').map(|(party, _)| party.to_owned())
    }

    fn type_of(&self, kind: &str, id: &str) -> Option<String> {
        Some(self.thing(kind, id)?.event.kind.clone())
    }

    fn has_address(&self, address: &str) -> bool {
        self.by_address.contains_key(address)
    }

    fn has_row(&self, party: &str, event: &str, row_id: &str) -> bool {
        let address = format!("{party}/{event}/{row_id}");
        self.rows.contains(&address) || self.by_address.contains_key(&address)
    }

    fn role_of(&self, party: &str) -> Option<Role> {
        self.roles.get(party).copied()
    }

    fn is_named(&self, party: &str) -> Option<bool> {
        let mut said = self.records.iter().rev().filter(|record| record.event.text("organisation") == Some(party));
        said.find_map(|record| Some(record.event.text("identity_mode")? == "named"))
    }

    fn party_in(&self, address: &str, field: &str) -> Option<String> {
        self.record(address)?.event.text(field).map(str::to_owned)
    }

    fn address_of(&self, kind: &str, id: &str) -> Option<String> {
        Some(self.thing(kind, id)?.address.clone())
    }
}
