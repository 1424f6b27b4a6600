//! One bundle of entries on its way through the check: read, then proven. Both steps need nothing but the
//! bytes, so a crew may do them for several at a time.

use schemas::catalogue::Catalogue;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::opening::{BadOpening, OpeningLine, Slot};
use schemas::tile::{self, TILE_WIDTH, Tile};

use super::{Opened, Unreadable};
use crate::fault::Fault;
use crate::follower::{Accepted, ReadEntry, Unproven, prove_together};
use crate::refusal::Refusal;
use crate::tree::root_of;
use crate::verified::Verified;

/// The files of one tile, as they were read.
pub(super) struct Files {
    pub entries: Vec<u8>,
    pub hashes: Option<Vec<u8>>,
    pub lines: Option<Vec<u8>>,
}

impl Files {
    /// How much memory they take.
    pub fn bytes(&self) -> usize {
        let optional = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        self.entries.len() + optional(&self.hashes) + optional(&self.lines)
    }
}

/// Why a walk ends before the last tile.
pub(super) enum Stop {
    Fault(Fault),
    Unreadable(Unreadable),
    /// An entry that only a catalogue tells which is not at hand. FORMAT.md 4.5.
    Beyond {
        position: u64,
        refusal: Refusal,
    },
}

/// A tile whose entries have been read and hashed.
pub(super) struct Read {
    pub tile: Tile,
    pub entries: Vec<ReadEntry>,
    /// Entries after those that are read one at a time, when they are admitted, with their leaves.
    pub late: Vec<(Vec<u8>, Hash)>,
    /// What is wrong with the entry after those.
    pub stop: Option<Stop>,
    /// Root over the leaves of a full tile.
    pub root: Option<Hash>,
    pub lines: Option<String>,
    /// Bytes of the files that it was read from.
    pub bytes: usize,
}

/// Most values of a tile that are read before any of them is admitted. What may stand in an event is far less; and of
/// 65,535 bytes of JSON that no event is, a hundred times as much memory can be made.
const VALUES_MAX: usize = 100_000;

/// About how many values an entry has once it is read: an object takes as much memory as many others. A text may
/// count for more than it is.
fn values(entry: &[u8]) -> usize {
    let weight = |byte: &u8| match byte {
        b'{' => 12,
        b',' | b'[' => 1,
        _ => 0,
    };
    entry.iter().map(weight).sum()
}

impl Read {
    fn stopped(tile: Tile, stop: Stop) -> Self {
        Self { tile, entries: Vec::new(), late: Vec::new(), stop: Some(stop), root: None, lines: None, bytes: 0 }
    }

    /// How many entries there are.
    pub fn count(&self) -> usize {
        self.entries.len() + self.late.len()
    }

    /// Reads the entries of a tile and compares their leaves with the tile of hashes. FORMAT.md 6 and 7.
    pub fn of(tile: Tile, files: Result<Files, Unreadable>) -> Self {
        let files = match files {
            Ok(files) => files,
            Err(unreadable) => return Self::stopped(tile, Stop::Unreadable(unreadable)),
        };
        let bytes = files.bytes();
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
        let lines = files.lines.map(text);
        let (mut entries, mut late, mut stop) = (Vec::with_capacity(all.len()), Vec::new(), None);
        let mut weight = 0;
        for ((position, bytes), stated) in (tile.index * TILE_WIDTH..).zip(all).zip(&hashes) {
            let leaf = Hash::leaf(bytes);
            if leaf != *stated {
                let address = Entry::parse(bytes).ok().map(|e| e.signed.event.address());
                stop = Some(Stop::Fault(Fault::Leaf { position, address, path }));
                break;
            }
            weight += values(bytes);
            if weight > VALUES_MAX {
                late.push((bytes.to_vec(), leaf));
                continue;
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
        Self { tile, entries, late, stop, root, lines, bytes }
    }
}

/// Lines of openings as text. After a byte that is none nothing counts: that line is no opening, and is told.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|bad| {
        let end = bad.utf8_error().valid_up_to();
        let mut bytes = bad.into_bytes();
        bytes.truncate(end);
        String::from_utf8(bytes).unwrap_or_default() + "\u{fffd}\n"
    })
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
    pub lines: Option<String>,
    /// Bytes of the files that it was read from.
    pub bytes: usize,
}

/// A tile whose signatures and openings have been checked.
pub(super) struct Proven {
    pub tile: Tile,
    pub counts: Counts,
    pub entries: Vec<Verified<Accepted>>,
    pub signatures: u64,
    /// What is said of the hidden values of each entry; nothing more after the first fault.
    pub openings: Vec<Result<Opening, Fault>>,
    pub lines: Lines,
    pub stop: Option<Stop>,
    /// Bytes of the files that it was read from.
    pub bytes: usize,
}

/// How the opening lines of a tile end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// There are none.
    Missing,
    /// One for every entry and no more.
    Fit,
    /// They end, whole, before the entry at this position.
    EndBefore(u64),
    /// They go on, with lines as the entries after these would have.
    GoOn,
    /// Anything else.
    Broken,
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
        tiles.into_iter().map(|t| (t.unproven, (t.tile, t.counts, t.stop, t.lines, t.bytes))).unzip();
    let counts: Vec<u64> = unproven.iter().map(|run| run.signatures() as u64).collect();
    let proven = prove_together(unproven).into_iter().zip(counts).zip(rest);
    proven
        .map(|((proven, signatures), (tile, counts, stop, lines, bytes))| match proven {
            Ok(entries) => {
                let (openings, lines) = match (&stop, lines.as_deref()) {
                    (None, Some(text)) => read_openings(&entries, text),
                    // The lines go on with entries that are not understood.
                    (Some(Stop::Beyond { .. }), Some(text)) => (read_openings(&entries, text).0, Lines::Missing),
                    (None | Some(Stop::Beyond { .. }), None) => {
                        (entries.iter().map(|e| Opening::nothing_of(e.get())).map(Ok).collect(), Lines::Missing)
                    }
                    (Some(_), _) => (Vec::new(), Lines::Missing),
                };
                Proven { tile, counts, entries, signatures, openings, lines, stop, bytes }
            }
            Err(fault) => {
                let (entries, openings) = (Vec::new(), Vec::new());
                Proven {
                    tile,
                    counts,
                    entries,
                    signatures: 0,
                    openings,
                    lines: Lines::Missing,
                    stop: Some(Stop::Fault(fault)),
                    bytes,
                }
            }
        })
        .collect()
}

/// FORMAT.md 5 and 19: the lines of a tile, against its entries.
fn read_openings(entries: &[Verified<Accepted>], text: &str) -> (Vec<Result<Opening, Fault>>, Lines) {
    // Every line has its end.
    let whole = text.is_empty() || text.ends_with('\n');
    let mut lines = text.split_terminator('\n');
    let (mut openings, mut ends) = (Vec::with_capacity(entries.len()), None);
    for entry in entries {
        let Some(line) = lines.next() else {
            ends = ends.or(Some(entry.get().entry.position));
            openings.push(Ok(Opening::nothing_of(entry.get())));
            continue;
        };
        let opening = open(entry.get(), line);
        let broken = opening.is_err();
        openings.push(opening);
        if broken {
            return (openings, Lines::Broken);
        }
    }
    let after = entries.last().map_or(0, |e| e.get().entry.position + 1);
    let may_follow = |(position, line): (u64, &str)| {
        position % TILE_WIDTH != 0 && (line.is_empty() || OpeningLine::parse(line).is_ok_and(|l| l.entry == position))
    };
    let mut more = (after..).zip(lines).peekable();
    let lines = match (ends, more.peek().is_some()) {
        _ if !whole => Lines::Broken,
        (Some(position), _) => Lines::EndBefore(position),
        (None, false) => Lines::Fit,
        (None, true) if more.all(may_follow) => Lines::GoOn,
        (None, true) => Lines::Broken,
    };
    (openings, lines)
}

impl Opening {
    /// What there is where no line is.
    fn nothing_of(accepted: &Accepted) -> Self {
        let event = &accepted.entry.signed.event;
        event.hidden_root().map_or_else(Self::default, |_| Self { opened: Opened::nothing_of(&event.kind), line: None })
    }
}

/// FORMAT.md 5: the opening line of an entry.
fn open(accepted: &Accepted, line: &str) -> Result<Opening, Fault> {
    let event = &accepted.entry.signed.event;
    let position = accepted.entry.position;
    let kind = Catalogue::built_in().event(&event.kind).expect("admitted events have a known type");
    let bad = |what| Fault::Opening { position, address: event.address(), what };
    let Some(root) = event.hidden_root() else {
        return if line.is_empty() { Ok(Opening::default()) } else { Err(bad(BadOpening::OtherEntry)) };
    };
    if line.is_empty() {
        return Ok(Opening::nothing_of(accepted));
    }
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
