//! One bundle of entries on its way through the check: read, then proven. Both steps need nothing but the
//! bytes, so a crew may do them for several at a time.

use std::sync::Arc;

use schemas::catalogue::Catalogue;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::opening::{BadOpening, OpeningLine, Slot};
use schemas::tile::{self, TILE_WIDTH, Tile};

use super::{Opened, Unreadable};
use crate::fault::Fault;
use crate::follower::{Accepted, ReadEntry, Unproven, prove_together};
use crate::tree::root_of;
use crate::verified::Verified;

/// The files of one tile, as they were read.
pub(super) struct Files {
    pub entries: Vec<u8>,
    pub hashes: Option<Vec<u8>>,
    pub lines: Option<Vec<u8>>,
}

/// Why a walk ends before the last tile.
pub(super) enum Stop {
    Fault(Fault),
    Unreadable(Unreadable),
}

/// A tile whose entries have been read and hashed.
pub(super) struct Read {
    pub tile: Tile,
    pub entries: Vec<ReadEntry>,
    /// What is wrong with the entry after those.
    pub stop: Option<Stop>,
    /// Root over the leaves of a full tile.
    pub root: Option<Hash>,
    pub lines: Option<Arc<str>>,
}

impl Read {
    fn stopped(tile: Tile, stop: Stop) -> Self {
        Self { tile, entries: Vec::new(), stop: Some(stop), root: None, lines: None }
    }

    /// Reads the entries of a tile and compares their leaves with the tile of hashes. FORMAT.md 6 and 7.
    pub fn of(tile: Tile, files: Result<Files, Unreadable>) -> Self {
        let files = match files {
            Ok(files) => files,
            Err(unreadable) => return Self::stopped(tile, Stop::Unreadable(unreadable)),
        };
        let malformed = |path: String, what: &str| {
            let what = format!("it does not hold {} {what}", tile.width);
            Self::stopped(tile, Stop::Fault(Fault::FileMalformed { path, what }))
        };
        let Some(all) = tile::split_bundle(&files.entries, tile.width) else {
            return malformed(tile.path(), "entries");
        };
        let path = Tile { level: Some(0), ..tile }.path();
        let Some(hashes) = files.hashes.and_then(|bytes| tile::split_hashes(&bytes, tile.width)) else {
            return malformed(path, "hashes");
        };
        let lines = files.lines.map(|bytes| Arc::from(String::from_utf8_lossy(&bytes)));
        let (mut entries, mut stop) = (Vec::with_capacity(all.len()), None);
        for ((position, bytes), stated) in (tile.index * TILE_WIDTH..).zip(all).zip(&hashes) {
            let leaf = Hash::leaf(bytes);
            if leaf != *stated {
                let address = Entry::parse(bytes).ok().map(|e| e.signed.event.address());
                stop = Some(Stop::Fault(Fault::Leaf { position, address, path }));
                break;
            }
            match Entry::parse(bytes) {
                Ok(entry) => entries.push(ReadEntry { entry, leaf }),
                Err(what) => {
                    stop = Some(Stop::Fault(Fault::Entry { position, what }));
                    break;
                }
            }
        }
        let root = (stop.is_none() && tile.width == TILE_WIDTH).then(|| root_of(&hashes));
        Self { tile, entries, stop, root, lines }
    }
}

/// How far the log has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub entries: u64,
    pub streams: u64,
    pub batches: u64,
}

/// A tile whose entries were admitted, as far as they could be.
pub(super) struct Admitted {
    pub tile: Tile,
    /// After the last of them.
    pub counts: Counts,
    pub unproven: Unproven,
    pub stop: Option<Stop>,
    pub lines: Option<Arc<str>>,
}

/// A tile whose signatures and openings have been checked.
pub(super) struct Proven {
    pub tile: Tile,
    pub counts: Counts,
    pub entries: Vec<Verified<Accepted>>,
    pub signatures: u64,
    /// What is said of the hidden values of each entry; nothing more after the first fault.
    pub openings: Vec<Result<Opening, Fault>>,
    /// Whether there is a line for every entry and no more.
    pub lines_fit: bool,
    pub stop: Option<Stop>,
}

/// The hidden values of one entry.
#[derive(Default)]
pub(super) struct Opening {
    pub opened: Opened,
    pub line: Option<OpeningLine>,
}

/// Proves the signatures of several tiles in one batch, and looks at their openings.
pub(super) fn prove(tiles: Vec<Admitted>) -> Vec<Proven> {
    let (unproven, rest): (Vec<_>, Vec<_>) =
        tiles.into_iter().map(|t| (t.unproven, (t.tile, t.counts, t.stop, t.lines))).unzip();
    let counts: Vec<u64> = unproven.iter().map(|run| run.signatures() as u64).collect();
    let proven = prove_together(unproven).into_iter().zip(counts).zip(rest);
    proven
        .map(|((proven, signatures), (tile, counts, stop, lines))| match proven {
            Ok(entries) => {
                let (openings, lines_fit) =
                    if stop.is_none() { read_openings(&entries, lines.as_deref()) } else { (Vec::new(), true) };
                Proven { tile, counts, entries, signatures, openings, lines_fit, stop }
            }
            Err(fault) => {
                let (entries, openings) = (Vec::new(), Vec::new());
                Proven {
                    tile,
                    counts,
                    entries,
                    signatures: 0,
                    openings,
                    lines_fit: true,
                    stop: Some(Stop::Fault(fault)),
                }
            }
        })
        .collect()
}

/// FORMAT.md 5 and 19: the lines of a tile, against its entries.
fn read_openings(entries: &[Verified<Accepted>], lines: Option<&str>) -> (Vec<Result<Opening, Fault>>, bool) {
    let mut rest = lines.map(|lines| lines.split('\n'));
    let mut openings = Vec::with_capacity(entries.len());
    for entry in entries {
        let line = match rest.as_mut().map(Iterator::next) {
            Some(None) => return (openings, false),
            line => line.flatten(),
        };
        let opening = open(entry.get(), line);
        let broken = opening.is_err();
        openings.push(opening);
        if broken {
            return (openings, true);
        }
    }
    // Every line has its end, so there is one empty piece after the last.
    let whole = rest.is_none_or(|mut rest| rest.next() == Some("") && rest.next().is_none());
    (openings, whole)
}

/// FORMAT.md 5: the opening line of an entry.
fn open(accepted: &Accepted, line: Option<&str>) -> Result<Opening, Fault> {
    let event = &accepted.entry.signed.event;
    let position = accepted.entry.position;
    let kind = Catalogue::built_in().event(&event.kind).expect("admitted events have a known type");
    let bad = |what| Fault::Opening { position, address: event.address(), what };
    let Some(root) = event.hidden_root() else {
        let empty = line.is_none_or(str::is_empty);
        return if empty { Ok(Opening::default()) } else { Err(bad(BadOpening::OtherEntry)) };
    };
    let Some(line) = line.filter(|l| !l.is_empty()) else {
        return Ok(Opening { opened: Opened::nothing_of(&event.kind), line: None });
    };
    let (mut opened, names) = (Opened::default(), kind.slots());
    let parsed = OpeningLine::parse(line).map_err(bad)?;
    if parsed.entry != position || parsed.event != accepted.entry.signed.id() {
        return Err(bad(BadOpening::OtherEntry));
    }
    opened.values = parsed.check(root, kind).map_err(bad)?;
    for (name, slot) in names.iter().zip(&parsed.slots) {
        match slot {
            Slot::Open(_) => {}
            Slot::Sealed(_) | Slot::Withheld => opened.withhold(name),
            Slot::ErasedBy(by) => {
                opened.erased.insert((*name).to_owned(), *by);
            }
        }
    }
    Ok(Opening { opened, line: Some(parsed) })
}
