//! All entries of a bundle, in order: read ahead, admitted in their turn, proven behind. FORMAT.md 3 to 11.
//!
//! Only admission needs the log's state, so only admission is done one after the other. What stands
//! against a bundle is told in the order of its entries, whoever did the reading and the proving.

use std::collections::{BTreeMap, BTreeSet};

use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::opening::Slot;
use schemas::tile::{self, TILE_WIDTH, Tile};

use super::tile::{Admitted, Counts, Files, Lines, Opening, Proven, Read, Stop, prove};
use super::{Kept, Source, Unreadable, Visitor, adopted_document, kept_path};
use crate::crew::{Crew, Queue};
use crate::doubt::Doubts;
use crate::erasures::Erasures;
use crate::fault::Fault;
use crate::follower::{Accepted, Follower, ReadEntry};
use crate::tiles::TileCheck;
use crate::times::Times;

/// Signatures that are proven together: large enough for a batch to pay, small enough to bound memory.
const SIGNATURES_MAX: usize = 1024;
/// Tiles that are proven together at most.
const TILES_MAX: usize = 8;
/// Bytes of files that are held at a time, from when they are read until they are proven; or one tile, if that has more.
const HELD_BYTES_MAX: usize = 16 << 20;
/// Bytes of files that are proven together at most.
const TOGETHER_BYTES_MAX: usize = 8 << 20;

/// How many slots there are of each sort.
#[derive(Default)]
pub(super) struct OpeningCount {
    pub open: u64,
    pub sealed: u64,
    pub withheld: u64,
    pub erased: u64,
}

/// One walk over all entries.
pub(super) struct Walk<'a> {
    pub follower: Follower,
    /// As far as the last tile that was looked at; admission may be further ahead.
    pub counts: Counts,
    pub signatures: u64,
    pub tiles: TileCheck,
    pub openings: OpeningCount,
    pub erasures: Erasures,
    pub times: Times,
    pub doubts: Doubts,
    /// Of which log the openings beside the bundle are, if not of this one as it stands.
    pub other_size: Option<OtherSize>,
    /// Whether documents that entries adopt may be missing.
    pub any_document: bool,
    documents: &'a BTreeSet<Hash>,
    kept: &'a BTreeMap<u64, Kept>,
}

/// Openings beside a bundle that were written when the log had another size: neither is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OtherSize {
    /// They end, whole, before the entry at this position.
    Older(u64),
    /// They go on after the last entry.
    Newer,
}

/// Where openings come from.
pub(super) enum Beside<'a> {
    /// From a folder beside the bundle.
    Folder(&'a mut dyn Source),
    /// From the bundle itself.
    Inside,
    /// There are none.
    Nowhere,
}

impl<'a> Walk<'a> {
    pub fn new(origin: Origin, documents: &'a BTreeSet<Hash>, kept: &'a BTreeMap<u64, Kept>, times: Times) -> Self {
        let (openings, erasures, doubts) = (OpeningCount::default(), Erasures::default(), Doubts::default());
        let (follower, tiles) = (Follower::new(origin), TileCheck::default());
        Self {
            follower,
            counts: Counts::default(),
            signatures: 0,
            tiles,
            openings,
            erasures,
            times,
            doubts,
            other_size: None,
            any_document: false,
            documents,
            kept,
        }
    }

    /// Walks through a log of `size` entries, up to the first fault.
    ///
    /// # Errors
    /// [`Stop`] is the first thing that stands against the bundle.
    pub fn run(
        &mut self,
        size: u64,
        source: &mut dyn Source,
        beside: &mut Beside<'_>,
        crew: &dyn Crew,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Stop> {
        let mut ahead = Tile::all(size).into_iter().take_while(|t| t.level.is_none());
        let (mut reading, mut proving) = (Queue::new(crew, 2), Queue::new(crew, 1));
        let (mut together, mut signatures, mut weight, mut stopped) = (Vec::new(), 0, 0, false);
        // Bytes of files that are under way.
        let (mut held, mut more) = (0, true);
        loop {
            while more && !reading.is_full() && !stopped && held < HELD_BYTES_MAX {
                let Some(tile) = ahead.next() else {
                    more = false;
                    break;
                };
                let files = files(tile, source, beside);
                held += files.as_ref().map_or(0, Files::bytes);
                reading.put(move || Read::of(tile, files));
            }
            let read = if stopped { None } else { reading.take() };
            let last = stopped || read.is_none() && !more;
            let none = read.is_none();
            if let Some(read) = read {
                let admitted = self.admit(read, source);
                stopped = admitted.stop.is_some();
                signatures += admitted.unproven.signatures();
                weight += admitted.bytes;
                together.push(admitted);
            }
            let enough = signatures >= SIGNATURES_MAX || together.len() >= TILES_MAX || weight >= TOGETHER_BYTES_MAX;
            if (enough || none || stopped) && !together.is_empty() {
                let tiles = std::mem::take(&mut together);
                (signatures, weight) = (0, 0);
                proving.put(move || prove(tiles));
            }
            // Nothing more is read before what is held is let go of.
            while proving.is_full() || none || held >= HELD_BYTES_MAX {
                let Some(tiles) = proving.take() else {
                    if last {
                        return Ok(());
                    }
                    break;
                };
                let apart = matches!(beside, Beside::Folder(_));
                for proven in tiles {
                    let end = proven.tile.index * TILE_WIDTH + proven.tile.width;
                    held = held.saturating_sub(proven.bytes);
                    self.see(proven, apart, crew, visitor)?;
                    visitor.progress("entries", end, size);
                }
            }
        }
    }

    /// FORMAT.md 6 to 11: the entries of one tile, in their turn.
    fn admit(&mut self, read: Read, source: &mut dyn Source) -> Admitted {
        let mut read = read;
        let (tile, lines, bytes) = (read.tile, read.lines.take(), read.bytes);
        let stop = self.admit_each(read, source).err();
        let unproven = self.follower.unproven();
        let state = self.follower.state();
        let counts = Counts { entries: state.size(), streams: state.streams(), batches: state.batches() };
        Admitted { tile, counts, unproven, stop, lines, bytes }
    }

    fn admit_each(&mut self, read: Read, source: &mut dyn Source) -> Result<(), Stop> {
        let count = read.count();
        let Read { tile, entries, late, stop, root, .. } = read;
        let (kept, whole) = (self.kept, count as u64 == tile.width);
        let mut next = kept.range(tile.index * TILE_WIDTH + 1..);
        let mut due = next.next();
        let last = count.wrapping_sub(1);
        let first = tile.index * TILE_WIDTH + entries.len() as u64;
        let late = (first..).zip(late).map(|(position, (bytes, leaf))| {
            let entry = Entry::parse(&bytes).map_err(|what| Stop::Fault(Fault::Entry { position, what }))?;
            Ok(ReadEntry { entry, leaf })
        });
        for (number, entry) in entries.into_iter().map(Ok).chain(late).enumerate() {
            let entry = entry?;
            let size = entry.entry.position.wrapping_add(1);
            self.follower.admit(entry).map_err(|fault| match fault {
                Fault::Admission { position, refusal, .. } if self.follower.is_beyond() => {
                    Stop::Beyond { position, refusal }
                }
                fault => Stop::Fault(fault),
            })?;
            if let Some(root) = root.filter(|_| whole && number == last) {
                match self.tiles.push(root, source) {
                    Ok(None) => {}
                    Ok(Some(fault)) => return Err(Stop::Fault(fault)),
                    Err(unreadable) => return Err(Stop::Unreadable(unreadable)),
                }
            }
            if let Some((_, checkpoint)) = due.filter(|(at, _)| **at == size) {
                due = next.next();
                self.compare(size, checkpoint).map_err(Stop::Fault)?;
            }
        }
        stop.map_or(Ok(()), Err)
    }

    /// FORMAT.md 10.2: a kept checkpoint is that of the entries so far.
    fn compare(&mut self, size: u64, kept: &Kept) -> Result<(), Fault> {
        let beyond = self.follower.is_beyond();
        let state = self.follower.state();
        let found = state.root();
        if found != kept.root {
            return Err(Fault::Root { path: kept_path(size), stated: kept.root, found });
        }
        if state.is_sealed() || beyond { Ok(()) } else { Err(Fault::CheckpointSize { path: kept_path(size), size }) }
    }

    /// What can be said of a tile once its signatures are proven. Openings that are a folder of their own, apart,
    /// may be of another day than the bundle.
    fn see(&mut self, mut proven: Proven, apart: bool, crew: &dyn Crew, visitor: &mut dyn Visitor) -> Result<(), Stop> {
        self.counts = proven.counts;
        // What stands before an entry that is not understood is understood.
        let beyond = match proven.stop.take() {
            None => None,
            Some(beyond @ Stop::Beyond { .. }) => Some(beyond),
            Some(stop) => return Err(stop),
        };
        let Proven { tile, entries, signatures, openings, lines, .. } = proven;
        self.signatures += signatures;
        let mut openings = openings.into_iter();
        for entry in &entries {
            if let Some(fault) = self.times.see(&entry.get().entry) {
                return Err(Stop::Fault(fault));
            }
            let opening = openings.next().ok_or_else(|| line_count(tile))?;
            self.adopts(entry.get()).map_err(Stop::Fault)?;
            self.doubts.see(&entry.get().entry);
            let state = self.follower.state();
            self.erasures.see(&entry.get().entry, entry.get().roles(), &|address| state.record(address));
            let Opening { opened, line } = opening.map_err(Stop::Fault)?;
            self.count(entry.get(), &opened, line.as_ref().map(|line| line.slots.as_slice()));
            visitor.line(entry, line.as_ref());
            visitor.entry(entry, &opened);
        }
        // Letting go of so many small pieces takes a while too.
        crew.hand(Box::new(move || drop(entries)));
        self.lines_end(lines, apart).ok_or_else(|| line_count(tile))?;
        beyond.map_or(Ok(()), Err)
    }

    /// What hangs on no catalogue, of an entry that is not understood and all after it: form, chain, times, tree, and
    /// signatures by keys that were known up to there. FORMAT.md 4.5.
    ///
    /// # Errors
    /// [`Stop`] is the first thing that stands against them.
    pub fn pass(
        &mut self,
        size: u64,
        source: &mut dyn Source,
        crew: &dyn Crew,
        visitor: &mut dyn Visitor,
    ) -> Result<(), Stop> {
        let known = self.follower.state().size();
        let tiles = Tile::all(size).into_iter().filter(|tile| tile.level.is_none());
        let mut ahead = tiles.skip_while(|tile| (tile.index + 1) * TILE_WIDTH <= known);
        let mut reading = Queue::new(crew, 2);
        loop {
            while !reading.is_full() {
                let Some(tile) = ahead.next() else { break };
                let files = files(tile, source, &mut Beside::Nowhere);
                reading.put(move || Read::of(tile, files));
            }
            let Some(read) = reading.take() else { break };
            let end = read.tile.index * TILE_WIDTH + read.tile.width;
            self.pass_tile(read, source)?;
            visitor.progress("entries", end, size);
        }
        self.follower.end_passing().map_err(Stop::Fault)
    }

    fn pass_tile(&mut self, read: Read, source: &mut dyn Source) -> Result<(), Stop> {
        let known = self.follower.state().size();
        let Read { tile, entries, late, stop, root, .. } = read;
        let first = tile.index * TILE_WIDTH + entries.len() as u64;
        let late = (first..).zip(late).map(|(position, (bytes, leaf))| {
            let entry = Entry::parse(&bytes).map_err(|what| Stop::Fault(Fault::Entry { position, what }))?;
            Ok(ReadEntry { entry, leaf })
        });
        let kept = self.kept;
        for (position, read) in (tile.index * TILE_WIDTH..).zip(entries.into_iter().map(Ok).chain(late)) {
            if position < known {
                continue;
            }
            let read = read?;
            self.follower.pass_read(&read).map_err(Stop::Fault)?;
            if let Some(fault) = self.times.see(&read.entry) {
                return Err(Stop::Fault(fault));
            }
            if let Some(checkpoint) = kept.get(&(position + 1)) {
                self.compare(position + 1, checkpoint).map_err(Stop::Fault)?;
            }
        }
        if let Some(stop) = stop {
            return Err(stop);
        }
        match root.map(|root| self.tiles.push(root, source)) {
            None | Some(Ok(None)) => Ok(()),
            Some(Ok(Some(fault))) => Err(Stop::Fault(fault)),
            Some(Err(unreadable)) => Err(Stop::Unreadable(unreadable)),
        }
    }

    /// FORMAT.md 19: the lines of a tile end where its entries do; only of another day they may end elsewhere.
    fn lines_end(&mut self, lines: Lines, apart: bool) -> Option<()> {
        match (lines, self.other_size) {
            (Lines::Missing, _) | (Lines::Fit, None) => {}
            (Lines::EndBefore(position), None) if apart => self.other_size = Some(OtherSize::Older(position)),
            (Lines::GoOn, None) if apart => self.other_size = Some(OtherSize::Newer),
            // What ended goes on.
            _ => return None,
        }
        Some(())
    }

    /// FORMAT.md 13: what an entry adopts is at hand.
    fn adopts(&self, accepted: &Accepted) -> Result<(), Fault> {
        let event = &accepted.entry.signed.event;
        let Some(digest) = adopted_document(event) else { return Ok(()) };
        let position = accepted.entry.position;
        if self.any_document || self.documents.contains(&digest) {
            Ok(())
        } else {
            Err(Fault::DocumentMissing { digest, position })
        }
    }

    /// Counts the slots of an entry; each that is said to be erased must be so by a lawful erasure.
    fn count(&mut self, accepted: &Accepted, opened: &super::Opened, slots: Option<&[Slot]>) {
        let Some(slots) = slots else {
            self.openings.withheld += opened.withheld.len() as u64;
            return;
        };
        for slot in slots {
            match slot {
                Slot::Open(_) => self.openings.open += 1,
                Slot::Sealed(_) => self.openings.sealed += 1,
                Slot::Withheld => self.openings.withheld += 1,
                Slot::ErasedBy(_) => self.openings.erased += 1,
            }
        }
        if !opened.erased.is_empty() {
            let address = accepted.entry.signed.event.address();
            for (name, by) in &opened.erased {
                self.erasures.claim(accepted.entry.position, &address, name, *by);
            }
        }
    }
}

/// Reads the files of one tile.
fn files(tile: Tile, source: &mut dyn Source, beside: &mut Beside<'_>) -> Result<Files, Unreadable> {
    let entries = source.read(&tile.path())?.unwrap_or_default();
    let index = tile::index_path(tile.index);
    let lines = match beside {
        Beside::Folder(folder) => folder.read(&index)?,
        Beside::Inside => source.read(&format!("openings/{index}"))?,
        Beside::Nowhere => None,
    };
    let hashes = source.read(&Tile { level: Some(0), ..tile }.path())?;
    Ok(Files { entries, hashes, lines })
}

/// FORMAT.md 19: a line for every entry of the tile, and no more.
fn line_count(tile: Tile) -> Stop {
    let what = format!("it does not hold a line for each of {} entries and no more", tile.width);
    Stop::Fault(Fault::FileMalformed { path: format!("openings/{}", tile::index_path(tile.index)), what })
}
