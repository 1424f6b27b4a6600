//! Signatures that a later revocation casts doubt on. FORMAT.md 11, "Doubt".
//!
//! A key that its own party revokes from an instant before the revocation was received opens a
//! window: what it signed in between stands in the log, lawfully admitted, and may be the thief's.
//! Nothing is removed; it is named. All here is pure, over entries that were checked before.

use std::collections::HashMap;
use std::ops::Range;

use schemas::entry::Entry;
use schemas::note::Origin;
use schemas::tile::TILE_WIDTH;
use schemas::time::Timestamp;

use crate::admit::SEAL;

/// Doubtful entries that a report names; the rest are counted.
pub const DOUBTFUL_MAX: usize = 1_000;

/// Reasons for which a rotation too says that the key before was in other hands.
const IN_OTHER_HANDS: [&str; 2] = ["compromise", "device_lost"];

/// A time in which a key may have been in other hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Name of the key, which all keys of one holder share.
    pub key: String,
    /// Its begin: the instant that the party states.
    pub from: Timestamp,
    /// Position of the entry that says so; entries before it are concerned.
    pub revoked_by: u64,
}

/// An entry that was signed within such a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubtful {
    /// Its position.
    pub position: u64,
    /// Its address.
    pub address: String,
    /// Name of the key that signed it.
    pub key: String,
    /// From when on that key is in doubt.
    pub from: Timestamp,
    /// Position of the entry that revoked it.
    pub revoked_by: u64,
}

impl Window {
    /// The window that an admitted entry opens, if it opens one.
    pub fn of(entry: &Entry) -> Option<Self> {
        let event = &entry.signed.event;
        let from = match event.kind.as_str() {
            "key.revoked" => event.text("revoked_at"),
            "key.rotated" if IN_OTHER_HANDS.contains(&event.text("reason")?) => event.text("valid_from"),
            _ => None,
        };
        let from = from.and_then(Timestamp::parse).filter(|from| *from < entry.received_at)?;
        let (party, holder) = (event.text("organisation")?, event.text("holder")?);
        // Only a party itself casts doubt on what it signed.
        if party != event.by {
            return None;
        }
        let key = Origin::parse(&event.ledger)?.holder_key_name(party, holder);
        Some(Self { key, from, revoked_by: entry.position })
    }

    /// Whether the window's key signed the entry within the window. Seals are left out: what they
    /// say follows from the entries, and was recomputed.
    pub fn covers(&self, entry: &Entry) -> bool {
        entry.position < self.revoked_by
            && entry.received_at >= self.from
            && entry.signed.event.kind != SEAL
            && entry.signed.note.signatures.iter().any(|line| line.name == self.key)
    }
}

/// The doubtful ones among these entries, each once, under the first window that covers it: for a
/// pack, whose windows are those that its own entries open.
pub fn among<'a>(entries: impl Iterator<Item = &'a Entry> + Clone) -> Vec<Doubtful> {
    let mut doubts = Doubts::default();
    entries.clone().for_each(|entry| doubts.see(entry));
    entries.filter_map(|entry| doubts.of(entry)).collect()
}

/// The windows of a log, gathered on one walk over it. Which entries they cover is asked on a
/// second walk, over those tiles alone that may hold one: most logs need none.
#[derive(Clone, Debug, Default)]
pub struct Doubts {
    windows: HashMap<String, Vec<Window>>,
    count: usize,
    /// For each tile of entries, when its last one was received.
    tile_ends: Vec<Timestamp>,
}

impl Doubts {
    /// Takes note of the next entry.
    pub fn see(&mut self, entry: &Entry) {
        let tile = usize::try_from(entry.position / TILE_WIDTH).unwrap_or(usize::MAX);
        match self.tile_ends.get_mut(tile) {
            Some(end) => *end = entry.received_at,
            None => self.tile_ends.push(entry.received_at),
        }
        if let Some(window) = Window::of(entry) {
            self.windows.entry(window.key.clone()).or_default().push(window);
            self.count += 1;
        }
    }

    /// Windows so far.
    pub fn windows(&self) -> usize {
        self.count
    }

    /// Indexes of the tiles of entries that may hold a doubtful one.
    pub fn tiles(&self) -> Range<u64> {
        let all = || self.windows.values().flatten();
        let (Some(from), Some(last)) = (all().map(|w| w.from).min(), all().map(|w| w.revoked_by).max()) else {
            return 0..0;
        };
        let first = self.tile_ends.partition_point(|end| *end < from) as u64;
        first..(last.div_ceil(TILE_WIDTH)).max(first)
    }

    /// Whether an entry is in doubt, and why: by the first window that covers it.
    pub fn of(&self, entry: &Entry) -> Option<Doubtful> {
        let lines = entry.signed.note.signatures.iter();
        let mut windows = lines.filter_map(|line| self.windows.get(&line.name)).flatten();
        let window = windows.find(|window| window.covers(entry))?;
        Some(Doubtful {
            position: entry.position,
            address: entry.signed.event.address(),
            key: window.key.clone(),
            from: window.from,
            revoked_by: window.revoked_by,
        })
    }
}
