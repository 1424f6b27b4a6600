//! What an institution knows of the log where the log is not: what it signed itself, and what the newest pack shows
//! about it.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemas::catalogue::{Catalogue, Role};
use schemas::event::{Event, RefValue, SignedEvent};
use verifier::pack::PackReport;

use super::held::State;
use super::{BadOutpost, Outpost};
use crate::import::{self, Parties};
use crate::pseudonym::Pseudonyms;

/// Events by what they create and where they stand, in the register's own names.
#[derive(Debug, Default)]
pub struct Known {
    events: Vec<Event>,
    by_address: HashMap<String, usize>,
    things: HashMap<(String, String), usize>,
    rows: HashSet<String>,
    roles: HashMap<String, Role>,
    pseudonyms: Option<Pseudonyms>,
}

/// What others say about a record of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// The organisation agrees, with or without reservations.
    Countersigned {
        /// Position of the event that says so.
        by: u64,
    },
    /// Somebody disputes it.
    Disputed {
        /// Position of the event that says so.
        by: u64,
    },
}

impl Known {
    fn new(outpost: &Outpost, pack: Option<&PackReport>) -> Result<Self, BadOutpost> {
        let (parties, pseudonyms) = (outpost.parties()?, outpost.pseudonyms()?);
        let mut known = Self::default();
        known.roles.extend(parties.iter().map(|party| (party.id.clone(), party.role)));
        for record in pack.into_iter().flat_map(|pack| &pack.records) {
            known.add(&record.entry.signed.event, &pseudonyms);
        }
        let standing = outpost.held().iter().filter(|held| !matches!(held.state, State::Refused { .. }));
        let signed = standing.map(|held| (&held.parcel, &held.signed));
        for (parcel, signed) in signed.chain(outpost.waiting().map(|draft| (&draft.parcel, &draft.signed))) {
            known.rows.insert(parcel.source.clone());
            known.add(&signed.event, &pseudonyms);
        }
        known.pseudonyms = Some(pseudonyms);
        Ok(known)
    }

    fn add(&mut self, event: &Event, pseudonyms: &Pseudonyms) {
        let address = pseudonyms.outside(&event.address());
        if self.by_address.contains_key(&address) {
            return;
        }
        let number = self.events.len();
        let id = event.id.as_deref().map(|id| pseudonyms.outside(id));
        let kind = Catalogue::built_in().event(&event.kind);
        let bare = id.as_deref().and_then(|id| id.split_once('/')).map(|(_, bare)| bare.to_owned());
        if let (Some(of), Some(bare)) = (kind.and_then(|kind| kind.id_of.clone()), bare) {
            self.things.insert((of, bare), number);
        }
        if let (Some([role]), false) = (kind.map(|kind| kind.authors.as_slice()), self.roles.contains_key(&event.by)) {
            self.roles.insert(event.by.clone(), *role);
        }
        self.by_address.insert(address, number);
        self.events.push(event.clone());
    }

    fn thing(&self, kind: &str, id: &str) -> Option<&Event> {
        self.things.get(&(kind.to_owned(), id.to_owned())).map(|at| &self.events[*at])
    }

    fn outside(&self, text: &str) -> String {
        self.pseudonyms.as_ref().map_or_else(|| text.to_owned(), |pseudonyms| pseudonyms.outside(text))
    }
}

impl import::Known for Known {
    fn author_of(&self, kind: &str, id: &str) -> Option<String> {
        self.thing(kind, id).map(|event| self.outside(&event.by))
    }

    fn type_of(&self, kind: &str, id: &str) -> Option<String> {
        self.thing(kind, id).map(|event| event.kind.clone())
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

    fn party_in(&self, address: &str, field: &str) -> Option<String> {
        let event = &self.events[*self.by_address.get(address)?];
        event.text(field).map(|party| self.outside(party))
    }

    fn address_of(&self, kind: &str, id: &str) -> Option<String> {
        self.thing(kind, id).map(|event| self.outside(&event.address()))
    }
}

impl Outpost {
    /// The parties that the institution knows.
    ///
    /// # Errors
    /// As [`crate::outpost::Standing::parties`].
    pub fn parties(&self) -> Result<Parties, BadOutpost> {
        self.standing().parties()
    }

    /// How the log names parties that it does not name openly.
    ///
    /// # Errors
    /// As [`crate::outpost::Standing::pseudonyms`].
    pub fn pseudonyms(&self) -> Result<Pseudonyms, BadOutpost> {
        self.standing().pseudonyms()
    }

    /// What is known here, for checking rows that refer to other records.
    ///
    /// # Errors
    /// [`BadOutpost`].
    pub fn known(&self) -> Result<Known, BadOutpost> {
        Known::new(self, self.checked_pack()?.as_ref())
    }

    /// The newest pack, checked again under the policy here.
    ///
    /// # Errors
    /// [`BadOutpost`].
    pub fn checked_pack(&self) -> Result<Option<PackReport>, BadOutpost> {
        let checked = self.pack()?.map(|bytes| verifier::pack::check(&bytes, self.policy(), &[]));
        Ok(checked.filter(|checked| checked.report.exit_code() == 0))
    }

    /// Records that a checked pack shows as signed with keys that sign here, under numbers that are this outbox's, and that
    /// are neither here nor accounted for: the folder was put back from an older copy, or somebody else has these keys too.
    pub fn not_here<'a>(&'a self, pack: &'a PackReport) -> impl Iterator<Item = &'a SignedEvent> {
        let signed = pack.records.iter().map(|record| &record.entry.signed);
        let ours = signed.filter(|signed| {
            let name = &signed.note.signatures[0].name;
            self.reached.numbers.contains_key(name) && signed.event.seq >= self.standing().first_number
        });
        ours.filter(|signed| self.find(&signed.id()).is_none() && !self.shelf.elsewhere.contains(&signed.id()))
    }

    /// What others say about our records, by our records' addresses, as a checked pack shows it: the last word of each.
    pub fn sights(&self, pack: &PackReport) -> BTreeMap<String, Sight> {
        let ours: HashMap<&str, String> = self
            .held()
            .iter()
            .filter_map(|held| Some((held.signed.event.id.as_deref()?, held.signed.event.address())))
            .collect();
        let mut sights = BTreeMap::new();
        for record in &pack.records {
            let (event, by) = (&record.entry.signed.event, record.entry.position);
            let sight = match event.kind.as_str() {
                "visit.countersigned" => Sight::Countersigned { by },
                kind if kind.ends_with(".disputed") => Sight::Disputed { by },
                _ => continue,
            };
            for target in event.refs.values().flat_map(RefValue::targets) {
                if let Some(address) = ours.get(target.as_str()) {
                    sights.insert(address.clone(), sight.clone());
                }
            }
        }
        sights
    }
}
