//! The check of a whole bundle: the steps of FORMAT.md, in its numbers. FORMAT.md 13.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::Catalogue;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use schemas::note::Origin;
use schemas::opening::{BadOpening, OpeningLine, Slot};
use schemas::policy::Policy;
use schemas::tile::{self, Tile};
use schemas::value::Value;

use crate::doubt::{DOUBTFUL_MAX, Doubts};
use crate::erasures::Erasures;
use crate::fault::Fault;
use crate::follower::{Accepted, Follower};
use crate::head::{self, BadHead, SignedHead, check_head, head_step};
use crate::place;
use crate::report::{Outcome, Report, Step};
use crate::tiles::TileCheck;
use crate::times::{Seen, Times};
use crate::verified::Verified;

/// Largest file that is read at once, in bytes: a full bundle of the longest entries fits.
pub const FILE_BYTES_MAX: u64 = 64 << 20;

/// Where a bundle's files come from.
pub trait Source {
    /// Paths of all files, in any order.
    ///
    /// # Errors
    /// [`Unreadable`] if they cannot be listed.
    fn paths(&mut self) -> Result<Vec<String>, Unreadable>;

    /// Bytes of a file; `None` if there is none.
    ///
    /// # Errors
    /// [`Unreadable`] if it cannot be read or is longer than [`FILE_BYTES_MAX`].
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable>;
}

/// A file that could not be read: nothing can be told from it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {path}: {why}")]
pub struct Unreadable {
    /// Which file.
    pub path: String,
    /// What the system said.
    pub why: String,
}

/// Hidden values of one entry, as far as they are at hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Values by slot.
    pub values: BTreeMap<String, Value>,
    /// Slots that this reader may not see, or has no opening for.
    pub withheld: BTreeSet<String>,
    /// Slots that were erased, and by which entry.
    pub erased: BTreeMap<String, u64>,
}

/// Who follows along while a bundle is checked.
pub trait Visitor {
    /// One entry, all its signatures checked. The bundle's root is compared only at the end: what
    /// was built from entries counts only if the report holds.
    fn entry(&mut self, _entry: &Verified<Accepted>, _opened: &Opened) {}
    /// The opening line of that entry, where there is one, before [`Visitor::entry`].
    fn line(&mut self, _entry: &Verified<Accepted>, _line: Option<&OpeningLine>) {}
    /// A document that an entry adopted, or may adopt: its digest and bytes.
    fn document(&mut self, _digest: Hash, _bytes: &[u8]) {}
    /// How far the check is.
    fn progress(&mut self, _step: &'static str, _done: u64, _total: u64) {}
}

/// A visitor that looks away.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoVisitor;

impl Visitor for NoVisitor {}

/// Checks a bundle against a policy held from elsewhere. `openings` is a folder of openings
/// (FORMAT.md 19) beside the bundle; without one the bundle's own are checked, where it has any.
pub fn check(
    source: &mut dyn Source,
    policy: &Policy,
    openings: Option<&mut dyn Source>,
    visitor: &mut dyn Visitor,
) -> Report {
    let mut check = Check { report: Report::new(policy), source, visitor };
    if let Err(why) = check.run(policy, openings) {
        check.report.cannot_tell(why.to_string());
    }
    check.report
}

struct Check<'a> {
    report: Report,
    source: &'a mut dyn Source,
    visitor: &'a mut dyn Visitor,
}

impl Check<'_> {
    fn run(&mut self, policy: &Policy, openings: Option<&mut dyn Source>) -> Result<(), Unreadable> {
        let manifest = self.manifest()?;
        let Some(head) = self.head(policy)? else { return Ok(()) };
        let size = head.get().checkpoint.size;
        let complete = self.paths_fit(&manifest, size);
        if !complete || self.report.has_fault() {
            // The files are not those that were handed over: find the place, believe nothing.
            return self.locate(size);
        }
        let kept = self.kept_checkpoints(policy, &manifest, size)?;
        let documents = self.documents(&manifest)?;
        let head = head.get();
        let last = Seen::by(policy, &head.witnesses, size, "checkpoint");
        let times = Times::new(policy, kept.values().filter_map(|k| k.seen.clone()).chain(last).collect());
        self.entries(head, &manifest, &kept, &documents, times, openings)
    }

    /// FORMAT.md 13: every file is the one that the manifest names.
    fn manifest(&mut self) -> Result<Manifest, Unreadable> {
        let step =
            |outcome, counted| Step { section: "13", title: "files are those of the manifest", outcome, counted };
        let text = self.source.read(manifest::NAME)?;
        let Some(text) = text else {
            self.report
                .fault(step(Outcome::Fault, String::new()), Fault::FileMissing { path: manifest::NAME.to_owned() });
            return Ok(Manifest::default());
        };
        let parsed = std::str::from_utf8(&text).map_err(|e| e.to_string());
        let parsed = parsed.and_then(|t| Manifest::parse(t).map_err(|e| e.to_string()));
        let listed = match parsed {
            Ok(listed) => listed,
            Err(what) => {
                let fault = Fault::FileMalformed { path: manifest::NAME.to_owned(), what };
                self.report.fault(step(Outcome::Fault, String::new()), fault);
                return Ok(Manifest::default());
            }
        };
        let mut faults = Vec::new();
        let found: BTreeSet<String> = self.source.paths()?.into_iter().filter(|p| p != manifest::NAME).collect();
        for extra in found.iter().filter(|p| !listed.0.contains_key(*p)) {
            faults.push(Fault::FileExtra { path: extra.clone() });
        }
        let total = listed.0.len() as u64;
        for (done, (path, want)) in (1..).zip(&listed.0) {
            match self.source.read(path)? {
                None => faults.push(Fault::FileMissing { path: path.clone() }),
                Some(bytes) if Hash::of(&[&bytes]) != *want => faults.push(Fault::FileChanged { path: path.clone() }),
                Some(_) => {}
            }
            self.visitor.progress("files", done, total);
        }
        let outcome = if faults.is_empty() { Outcome::Holds } else { Outcome::Fault };
        self.report.step(step(outcome, format!("{total} files")));
        self.report.faults.extend(faults);
        Ok(listed)
    }

    /// FORMAT.md 10.1 and 12: the checkpoint under the reader's policy.
    fn head(&mut self, policy: &Policy) -> Result<Option<Verified<SignedHead>>, Unreadable> {
        let path = "checkpoint";
        let Some(bytes) = self.source.read(path)? else {
            self.report.fault(head::step(Outcome::Fault, String::new()), Fault::FileMissing { path: path.to_owned() });
            return Ok(None);
        };
        Ok(head_step(&mut self.report, &bytes, path, policy))
    }

    /// FORMAT.md 7 and 13: exactly the files that a bundle of this size has.
    fn paths_fit(&mut self, manifest: &Manifest, size: u64) -> bool {
        let title = "files are those of a bundle of this size";
        let mut faults = Vec::new();
        // A size that no manifest of this length could cover is not worth listing.
        if size / tile::TILE_WIDTH > manifest.0.len() as u64 {
            faults.push(Fault::FileMissing {
                path: format!("tile/entries/{}", tile::index_path(size / tile::TILE_WIDTH)),
            });
        } else {
            let tiles: BTreeSet<String> = Tile::all(size).iter().map(Tile::path).collect();
            let missing = tiles.iter().filter(|t| !manifest.0.contains_key(*t));
            faults.extend(missing.map(|path| Fault::FileMissing { path: path.clone() }));
            let extra = manifest.0.keys().filter(|path| !(tiles.contains(*path) || is_side_file(path, size)));
            faults.extend(extra.map(|path| Fault::FileExtra { path: path.clone() }));
        }
        let good = faults.is_empty();
        let outcome = if good { Outcome::Holds } else { Outcome::Fault };
        self.report.step(Step { section: "7", title, outcome, counted: format!("{} files", manifest.0.len()) });
        self.report.faults.extend(faults);
        good
    }

    /// After a fault in the files: which entry is the first that differs?
    fn locate(&mut self, size: u64) -> Result<(), Unreadable> {
        self.report.not_checked("the files are not those of the manifest: entries were only searched for the place");
        let found = place::first(&self.report.faults, size, self.source)?;
        self.report.faults.extend(found);
        Ok(())
    }

    /// FORMAT.md 10.2: signatures of the kept checkpoints; their roots are compared later.
    fn kept_checkpoints(
        &mut self,
        policy: &Policy,
        manifest: &Manifest,
        shown: u64,
    ) -> Result<BTreeMap<u64, Kept>, Unreadable> {
        // The day's witnesses may have been slow: for kept checkpoints the log's signature counts.
        let signed_only = Policy { quorum: None, ..policy.clone() };
        let mut kept = BTreeMap::new();
        let mut faults = Vec::new();
        for path in manifest.0.keys().filter(|p| p.starts_with("checkpoints/")) {
            let named = path.strip_prefix("checkpoints/").and_then(schemas::base::from_decimal);
            let bytes = self.source.read(path)?.unwrap_or_default();
            match (check_head(&bytes, &signed_only), named) {
                (Ok(head), Some(size)) if head.get().checkpoint.size == size => {
                    if size > shown {
                        faults.push(Fault::Ahead { path: path.clone(), size, shown });
                    } else if size == 0 {
                        faults.push(Fault::CheckpointSize { path: path.clone(), size });
                    }
                    let seen = Seen::by(policy, &head.get().witnesses, size, path);
                    kept.insert(size, Kept { path: path.clone(), root: head.get().checkpoint.root, seen });
                }
                (Ok(_), _) => {
                    let what = "its name is not the size that it states".to_owned();
                    faults.push(Fault::FileMalformed { path: path.clone(), what });
                }
                (Err(BadHead::Signature { key }), _) => {
                    faults.push(Fault::CheckpointSignature { path: path.clone(), key });
                }
                (Err(other), _) => faults.push(Fault::FileMalformed { path: path.clone(), what: other.to_string() }),
            }
        }
        let outcome = if faults.is_empty() { Outcome::Holds } else { Outcome::Fault };
        let counted = format!("{} kept", kept.len());
        self.report.step(Step { section: "10.2", title: "kept checkpoints are signed", outcome, counted });
        self.report.faults.extend(faults);
        Ok(kept)
    }

    /// FORMAT.md 13: documents bear their own digest.
    fn documents(&mut self, manifest: &Manifest) -> Result<BTreeSet<Hash>, Unreadable> {
        let mut digests = BTreeSet::new();
        let mut faults = Vec::new();
        for path in manifest.0.keys().filter(|p| p.starts_with("documents/")) {
            let bytes = self.source.read(path)?.unwrap_or_default();
            let named = path.strip_prefix("documents/").and_then(Hash::from_hex);
            if named == Some(Hash::of(&[&bytes])) {
                let digest = named.unwrap_or_default();
                digests.insert(digest);
                self.visitor.document(digest, &bytes);
            } else {
                let what = "its name is not its digest".to_owned();
                faults.push(Fault::FileMalformed { path: path.clone(), what });
            }
        }
        let outcome = if faults.is_empty() { Outcome::Holds } else { Outcome::Fault };
        let counted = format!("{} documents", digests.len());
        self.report.step(Step { section: "13", title: "documents bear their digest", outcome, counted });
        self.report.faults.extend(faults);
        Ok(digests)
    }

    /// FORMAT.md 3 to 11: entry by entry.
    fn entries(
        &mut self,
        head: &SignedHead,
        manifest: &Manifest,
        kept: &BTreeMap<u64, Kept>,
        documents: &BTreeSet<Hash>,
        times: Times,
        openings: Option<&mut dyn Source>,
    ) -> Result<(), Unreadable> {
        let size = head.checkpoint.size;
        let mut walk = Walk::new(head.checkpoint.origin.clone(), documents, times);
        let inside = manifest.0.keys().any(|p| p.starts_with("openings/"));
        let mut beside = openings;
        for tile in Tile::all(size).into_iter().filter(|t| t.level.is_none()) {
            let bytes = self.source.read(&tile.path())?.unwrap_or_default();
            let Some(entries) = tile::split_bundle(&bytes, tile.width) else {
                let what = format!("it does not hold {} entries", tile.width);
                self.report.faults.push(Fault::FileMalformed { path: tile.path(), what });
                break;
            };
            let index = tile::index_path(tile.index);
            let lines = match (&mut beside, inside) {
                (Some(folder), _) => folder.read(&index)?,
                (None, true) => self.source.read(&format!("openings/{index}"))?,
                (None, false) => None,
            };
            let lines = lines.map(|b| String::from_utf8_lossy(&b).into_owned());
            if let Err(fault) = walk.bundle(tile, &entries, lines.as_deref(), kept, self.source, self.visitor)? {
                self.report.faults.push(fault);
                break;
            }
            self.visitor.progress("entries", walk.follower.state().size(), size);
        }
        if !self.report.has_fault() {
            self.finish(head, &mut walk)?;
        }
        let at_hand = beside.is_some() || inside;
        self.steps(&mut walk, at_hand);
        self.doubts(size, manifest, &walk.doubts)
    }

    fn finish(&mut self, head: &SignedHead, walk: &mut Walk<'_>) -> Result<(), Unreadable> {
        if let Some(fault) = walk.tiles.finish(self.source)? {
            self.report.faults.push(fault);
        }
        self.report.faults.extend(walk.erasures.check());
        let state = walk.follower.state();
        let found = state.root();
        if found != head.checkpoint.root {
            let path = "checkpoint".to_owned();
            self.report.faults.push(Fault::Root { path, stated: head.checkpoint.root, found });
        }
        if !state.is_sealed() {
            self.report.faults.push(Fault::NotSealed { position: state.size().saturating_sub(1) });
        }
        self.report.as_of = state.last_received();
        self.report.genesis_catalogue = state.genesis().map(|g| g.catalogue);
        self.report.predecessor = state.predecessor().cloned();
        if self.report.genesis_catalogue.is_some_and(|digest| digest != Catalogue::built_in().digest()) {
            let why = "the log was begun under a catalogue that this verifier does not know".to_owned();
            self.report.cannot_tell(why);
        }
        Ok(())
    }

    /// FORMAT.md 11, "Doubt": entries that were signed within a compromise window.
    fn doubts(&mut self, size: u64, manifest: &Manifest, doubts: &Doubts) -> Result<(), Unreadable> {
        if self.report.has_fault() {
            return Ok(());
        }
        let concerned = doubts.tiles();
        let tiles = Tile::all(size).into_iter().filter(|t| t.level.is_none() && concerned.contains(&t.index));
        for tile in tiles {
            let path = tile.path();
            let bytes = self.source.read(&path)?.filter(|bytes| manifest.0.get(&path) == Some(&Hash::of(&[bytes])));
            let entries = bytes.as_deref().and_then(|bytes| tile::split_bundle(bytes, tile.width));
            let changed = || Unreadable { path, why: "it changed while it was read".to_owned() };
            for entry in entries.ok_or_else(changed)?.into_iter().filter_map(|bytes| Entry::reread(bytes).ok()) {
                if let Some(doubtful) = doubts.of(&entry) {
                    self.report.doubts += 1;
                    if self.report.doubtful.len() < DOUBTFUL_MAX {
                        self.report.doubtful.push(doubtful);
                    }
                }
            }
        }
        let counted = format!("{} entries, {} windows", self.report.doubts, doubts.windows());
        let title = "signatures within a compromise window";
        self.report.step(Step { section: "11", title, outcome: Outcome::Holds, counted });
        Ok(())
    }

    fn steps(&mut self, walk: &mut Walk<'_>, at_hand: bool) {
        let broken = self.report.has_fault();
        let (step, unbounded) = walk.times.finish();
        self.report.step(step);
        unbounded.iter().for_each(|words| self.report.not_checked(words));
        let outcome = if broken { Outcome::Fault } else { Outcome::Holds };
        let signatures = walk.follower.signatures();
        let state = walk.follower.state();
        let (entries, streams, batches) = (state.size(), state.streams(), state.batches());
        for (section, title, counted) in [
            ("3", "signatures of every event", format!("{signatures} signatures")),
            ("6", "entries form one chain", format!("{entries} entries")),
            ("7", "tiles and root are those of the entries", format!("{entries} entries")),
            ("8", "stream index recomputed", format!("{streams} streams")),
            ("9", "every batch ends with its seal", format!("{batches} batches")),
            ("11", "admission replayed, key validity included", format!("{entries} events")),
        ] {
            self.report.step(Step { section, title, outcome, counted });
        }
        let openings = &walk.openings;
        let counted = format!(
            "{} open, {} sealed, {} withheld, {} erased by rule",
            openings.open, openings.sealed, openings.withheld, openings.erased
        );
        let outcome = if at_hand { outcome } else { Outcome::NotChecked };
        let counted = if at_hand { counted } else { "no openings at hand; hidden values stay hidden".to_owned() };
        self.report.step(Step { section: "5", title: "openings fit what was committed", outcome, counted });
        self.report.erased = openings.erased;
    }
}

/// A checkpoint that was kept.
struct Kept {
    path: String,
    root: Hash,
    seen: Option<Seen>,
}

#[derive(Default)]
struct OpeningCount {
    open: u64,
    sealed: u64,
    withheld: u64,
    erased: u64,
}

/// One walk over all entries.
struct Walk<'a> {
    follower: Follower,
    tiles: TileCheck,
    documents: &'a BTreeSet<Hash>,
    openings: OpeningCount,
    erasures: Erasures,
    times: Times,
    doubts: Doubts,
}

impl<'a> Walk<'a> {
    fn new(origin: Origin, documents: &'a BTreeSet<Hash>, times: Times) -> Self {
        let (openings, erasures, doubts) = (OpeningCount::default(), Erasures::default(), Doubts::default());
        let (follower, tiles) = (Follower::new(origin), TileCheck::default());
        Self { follower, tiles, documents, openings, erasures, times, doubts }
    }

    fn bundle(
        &mut self,
        tile: Tile,
        entries: &[&[u8]],
        lines: Option<&str>,
        kept: &BTreeMap<u64, Kept>,
        source: &mut dyn Source,
        visitor: &mut dyn Visitor,
    ) -> Result<Result<(), Fault>, Unreadable> {
        let pushed = self.push(tile, entries, kept, source)?;
        // An entry whose signature still waits came before whatever else is at fault.
        let accepted = match (self.follower.drain(), pushed) {
            (Err(fault), _) | (Ok(_), Err(fault)) => return Ok(Err(fault)),
            (Ok(accepted), Ok(())) => accepted,
        };
        let mut lines = lines.map(|l| l.split('\n'));
        for entry in &accepted {
            if let Some(fault) = self.times.see(entry.get()) {
                return Ok(Err(fault));
            }
            let line = match lines.as_mut().map(Iterator::next) {
                Some(None) => return Ok(Err(line_count(tile))),
                line => line.flatten(),
            };
            match self.open(entry.get(), line) {
                Ok((opened, line)) => {
                    visitor.line(entry, line.as_ref());
                    visitor.entry(entry, &opened);
                }
                Err(fault) => return Ok(Err(fault)),
            }
        }
        // Every line has its end, so there is one empty piece after the last.
        let whole = lines.is_none_or(|mut rest| rest.next() == Some("") && rest.next().is_none());
        Ok(if whole { Ok(()) } else { Err(line_count(tile)) })
    }

    /// FORMAT.md 6 to 11: the entries of one tile.
    fn push(
        &mut self,
        tile: Tile,
        entries: &[&[u8]],
        kept: &BTreeMap<u64, Kept>,
        source: &mut dyn Source,
    ) -> Result<Result<(), Fault>, Unreadable> {
        let first = tile.index * tile::TILE_WIDTH;
        let hashes_path = Tile { level: Some(0), ..tile }.path();
        let hashes = source.read(&hashes_path)?.and_then(|b| tile::split_hashes(&b, tile.width));
        let Some(hashes) = hashes else {
            let what = format!("it does not hold {} hashes", tile.width);
            return Ok(Err(Fault::FileMalformed { path: hashes_path, what }));
        };
        for (position, (number, bytes)) in (first..).zip(entries.iter().enumerate()) {
            let leaf = Hash::leaf(bytes);
            if leaf != hashes[number] {
                let address = Entry::parse(bytes).ok().map(|e| e.signed.event.address());
                return Ok(Err(Fault::Leaf { position, address, path: hashes_path }));
            }
            if let Err(fault) = self.follower.push(bytes) {
                return Ok(Err(fault));
            }
            if let Some(fault) = self.tiles.push(leaf, source)? {
                return Ok(Err(fault));
            }
            if let Some(kept) = kept.get(&(position + 1)) {
                let state = self.follower.state();
                let found = state.root();
                if found != kept.root {
                    return Ok(Err(Fault::Root { path: kept.path.clone(), stated: kept.root, found }));
                }
                if !state.is_sealed() {
                    return Ok(Err(Fault::CheckpointSize { path: kept.path.clone(), size: position + 1 }));
                }
            }
        }
        Ok(Ok(()))
    }

    /// FORMAT.md 5: the opening line of an entry; and 13: what it adopts is at hand.
    fn open(&mut self, accepted: &Accepted, line: Option<&str>) -> Result<(Opened, Option<OpeningLine>), Fault> {
        let event = &accepted.entry.signed.event;
        let position = accepted.entry.position;
        if let "rule.profile.adopted" | "schema.adopted" = event.kind.as_str() {
            let field = if event.kind == "schema.adopted" { "catalogue" } else { "profile" };
            let digest = event.text(field).and_then(Hash::from_hex).unwrap_or_default();
            if !self.documents.contains(&digest) {
                return Err(Fault::DocumentMissing { digest, position });
            }
        }
        self.doubts.see(&accepted.entry);
        let state = self.follower.state();
        self.erasures.see(&accepted.entry, accepted.approver_role, &|address| state.record(address));
        let kind = Catalogue::built_in().event(&event.kind).expect("admitted events have a known type");
        let names = kind.slots();
        let bad = |what| Fault::Opening { position, address: event.address(), what };
        let mut opened = Opened::default();
        let Some(root) = event.hidden_root() else {
            return if line.is_none_or(str::is_empty) { Ok((opened, None)) } else { Err(bad(BadOpening::OtherEntry)) };
        };
        let Some(line) = line.filter(|l| !l.is_empty()) else {
            opened.withheld = names.into_iter().map(str::to_owned).collect();
            self.openings.withheld += opened.withheld.len() as u64;
            return Ok((opened, None));
        };
        let parsed = OpeningLine::parse(line).map_err(bad)?;
        if parsed.entry != position || parsed.event != accepted.entry.signed.id() {
            return Err(bad(BadOpening::OtherEntry));
        }
        opened.values = parsed.check(root, kind).map_err(bad)?;
        for (name, slot) in names.iter().zip(&parsed.slots) {
            match slot {
                Slot::Open(_) => self.openings.open += 1,
                Slot::Sealed(_) => {
                    self.openings.sealed += 1;
                    opened.withheld.insert((*name).to_owned());
                }
                Slot::Withheld => {
                    self.openings.withheld += 1;
                    opened.withheld.insert((*name).to_owned());
                }
                Slot::ErasedBy(by) => {
                    self.openings.erased += 1;
                    opened.erased.insert((*name).to_owned(), *by);
                    self.erasures.claim(position, &event.address(), name, *by);
                }
            }
        }
        Ok((opened, Some(parsed)))
    }
}

/// FORMAT.md 19: a line for every entry of the tile, and no more.
fn line_count(tile: Tile) -> Fault {
    let what = format!("it does not hold a line for each of {} entries and no more", tile.width);
    Fault::FileMalformed { path: format!("openings/{}", tile::index_path(tile.index)), what }
}

/// Files that a bundle of this size may have beside its tiles.
fn is_side_file(path: &str, size: u64) -> bool {
    path == "checkpoint"
        || path == "policy"
        || path == crate::PAGE_NAME
        || path.strip_prefix("checkpoints/").is_some_and(|n| schemas::base::from_decimal(n).is_some())
        || path.strip_prefix("documents/").is_some_and(|n| Hash::from_hex(n).is_some())
        || path
            .strip_prefix("openings/")
            .and_then(tile::index_of)
            .is_some_and(|index| index < size.div_ceil(tile::TILE_WIDTH))
}
