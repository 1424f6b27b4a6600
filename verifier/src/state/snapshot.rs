//! A state written down, so that a ledger need not read its whole log again when it starts.
//!
//! Nothing here is believed by itself: who reads a snapshot must know that it wrote it (`ledger` signs it),
//! and must compare the root that the state leads to with a signed checkpoint.

use std::collections::HashMap;
use std::io::{Read, Write};

use schemas::catalogue::Catalogue;
use schemas::hash::Hash;

use super::{Answers, Genesis, Name, PartyNumber, State, Thing};
use crate::chains::Chains;
use crate::kept::{In, Kept, Out};
use crate::levels::Levels;

/// Raise it whenever a part of [`State`] is added or means something else: older snapshots are then ignored, and
/// the log is read again.
const FORMAT: u32 = 3;

/// What a snapshot depends on beside the log: its form, and the catalogue that numbers the types. Another
/// program's snapshot has another one.
pub fn form() -> Hash {
    Hash::of(&[b"oversight/state\n", &FORMAT.to_be_bytes(), &Catalogue::built_in().digest().0])
}

impl Kept for Thing {
    fn keep(&self, out: &mut Out<'_>) {
        (self.position, self.facility, self.kind).keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let (position, facility, kind) = Kept::read(from)?;
        Some(Self { position, facility, kind })
    }
}

impl Kept for Genesis {
    fn keep(&self, out: &mut Out<'_>) {
        self.operator.keep(out);
        self.log_key.keep(out);
        self.seal_key.keep(out);
        (self.received_at, self.catalogue).keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let (operator, log_key, seal_key) = (Kept::read(from)?, Kept::read(from)?, Kept::read(from)?);
        let (received_at, catalogue) = Kept::read(from)?;
        Some(Self { operator, log_key, seal_key, received_at, catalogue })
    }
}

impl State {
    /// Writes down this state, and the hashes of its tree.
    ///
    /// # Errors
    /// What the writing failed of.
    pub fn keep(&mut self, levels: &Levels, to: &mut dyn Write) -> std::io::Result<()> {
        self.index.root();
        let mut out = Out::new(to);
        form().keep(&mut out);
        self.keyring.keep(&mut out);
        self.key_entries.keep(&mut out);
        self.recipients.keep(&mut out);
        self.parties.keep(&mut out);
        sorted(&self.roles).keep(&mut out);
        sorted(&self.unnamed).keep(&mut out);
        self.genesis.keep(&mut out);
        self.writer.keep(&mut out);
        self.predecessor.keep(&mut out);
        self.thing_names.keep(&mut out);
        self.things.keep(&mut out);
        self.records.keep(&mut out);
        self.entry_streams.keep(&mut out);
        self.entry_ends.keep(&mut out);
        self.answers.as_ref().map(|answers| &answers.event_ids).cloned().keep(&mut out);
        self.index.keep(&mut out);
        self.before_seal.keep(&mut out);
        self.tree.keep(&mut out);
        (self.batches, self.sealed, self.last_leaf, self.last_received).keep(&mut out);
        self.sealed_head.keep(&mut out);
        self.landmarks.keep(&mut out);
        levels.keep(&mut out);
        out.finish()
    }

    /// Reads again what [`State::keep`] wrote, of so many bytes. Nothing if it is not that.
    pub fn recall(from: &mut dyn Read, bytes: u64) -> Option<(Self, Levels)> {
        let mut from = In::new(from, bytes);
        let from = &mut from;
        if Hash::read(from)? != form() {
            return None;
        }
        let keyring = crate::keyring::Keyring::read(from)?;
        let mut state = Self::new(keyring.origin().clone());
        state.keyring = keyring;
        state.key_entries = Kept::read(from)?;
        state.recipients = Kept::read(from)?;
        state.parties = Kept::read(from)?;
        state.party_numbers = (0..).zip(&state.parties).map(|(number, party)| (party.clone(), number)).collect();
        state.roles = Vec::read(from)?.into_iter().collect();
        state.unnamed = Vec::read(from)?.into_iter().collect();
        state.genesis = Kept::read(from)?;
        state.writer = Kept::read(from)?;
        state.predecessor = Kept::read(from)?;
        state.thing_names = Kept::read(from)?;
        state.things = Kept::read(from)?;
        state.records = Kept::read(from)?;
        state.entry_streams = Kept::read(from)?;
        state.entry_ends = Kept::read(from)?;
        let event_ids: Option<Vec<Name>> = Kept::read(from)?;
        state.answers = event_ids.map(|event_ids| {
            let chains = Chains::of(&state.entry_streams);
            Answers { event_ids, chains }
        });
        state.index = Kept::read(from)?;
        state.before_seal = Kept::read(from)?;
        state.tree = Kept::read(from)?;
        (state.batches, state.sealed, state.last_leaf, state.last_received) = Kept::read(from)?;
        state.sealed_head = Kept::read(from)?;
        state.landmarks = Kept::read(from)?;
        let levels = Levels::read(from)?;
        (from.is_done() && state.fits(&levels)).then_some((state, levels))
    }

    /// Whether the parts are of one log.
    fn fits(&self, levels: &Levels) -> bool {
        let size = self.size();
        let as_many = |count: usize| count as u64 == size;
        let (kinds, parties, streams) = (self.kinds.len(), self.parties.len(), self.streams());
        levels.size() == size
            && levels.root(size).is_ok_and(|root| root == self.root())
            && as_many(self.records.all().len())
            && as_many(self.entry_ends.len())
            && self.answers.as_ref().is_some_and(|answers| as_many(answers.event_ids.len()))
            && self.thing_names.all().len() == self.things.len()
            && self.things.iter().all(|thing| usize::from(thing.kind) < kinds && u64::from(thing.position) < size)
            && self.entry_ends.last().map_or(0, |end| *end as usize) == self.entry_streams.len()
            && self.entry_ends.is_sorted()
            && self.entry_streams.iter().all(|number| u64::from(*number) < streams)
            && self.before_seal.as_ref().is_none_or(|before| u64::from(before.number()) < streams)
            && self.landmarks.iter().all(|position| *position < size)
            && self.writer.is_none_or(|writer| writer.key < self.keyring.keys().len())
            && self.roles.keys().chain(self.unnamed.keys()).all(|party| (*party as usize) < parties)
    }
}

/// The same state is written the same way.
fn sorted<T: Copy>(of_party: &HashMap<PartyNumber, T>) -> Vec<(PartyNumber, T)> {
    let mut rows: Vec<(PartyNumber, T)> = of_party.iter().map(|(party, said)| (*party, *said)).collect();
    rows.sort_by_key(|(party, _)| *party);
    rows
}
