//! The check of a whole bundle: the steps of FORMAT.md, in its numbers. FORMAT.md 13.

mod copied;
mod tile;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use schemas::catalogue::{Catalogue, EventType};
use schemas::entry::Entry;
use schemas::event::Event;
use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use schemas::note::{Note, Vkey};
use schemas::opening::{OpeningLine, Slot};
use schemas::policy::Policy;
use schemas::strays;
use schemas::tile::{TILE_WIDTH, Tile, index_of, index_path, split_bundle};
use schemas::value::Value;

pub use self::copied::judge;
use self::tile::{Counts, Stop};
use self::walk::{Beside, OtherSize, Walk};
use crate::crew::{Alone, Crew, Queue};
use crate::doubt::{DOUBTFUL_MAX, Doubts};
use crate::erasures::{Erasures, Target};
use crate::fault::Fault;
use crate::follower::Accepted;
use crate::head::{self, BadHead, SignedHead, check_head, head_step};
use crate::place;
use crate::report::{Outcome, Report, Step};
use crate::times::{Seen, Times};
use crate::verified::Verified;

/// Largest file that is read at once, in bytes: the longest manifest.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
/// A note with the most signatures, the longest names and some text.
pub const NOTE_BYTES_MAX: u64 = 256 << 10;
/// A tile of hashes, and what a mishap may have put behind it.
const HASHES_BYTES_MAX: u64 = 64 << 10;
/// A tile of the longest entries, and what a mishap may have put behind it.
const ENTRIES_BYTES_MAX: u64 = 20 << 20;
/// A document, or the page.
const DOCUMENT_BYTES_MAX: u64 = 16 << 20;
/// The openings of a tile.
const OPENINGS_BYTES_MAX: u64 = 32 << 20;

/// Most erased values that are named where they are still open.
const STILL_OPEN_NAMED: usize = 20;
/// Longest file that waits for its hash beside others, in bytes; a longer one is hashed at once.
const HELD_BYTES_MAX: usize = 256 << 10;

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
    /// [`Unreadable`] if it cannot be read or is longer than [`bytes_max`].
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
    /// Slots that this reader may not see, or has no opening for. Shared, as mostly it is all of them.
    pub withheld: Arc<BTreeSet<String>>,
    /// Slots that were erased, and by which entry.
    pub erased: BTreeMap<String, u64>,
}

/// All slots of each type.
static SLOTS: LazyLock<BTreeMap<&str, Arc<BTreeSet<String>>>> = LazyLock::new(|| {
    let slots = |kind: &EventType| Arc::new(kind.slots().into_iter().map(str::to_owned).collect());
    Catalogue::built_in().events().map(|kind| (kind.name.as_str(), slots(kind))).collect()
});

impl Opened {
    /// What a reader without any opening has of an entry of that type.
    pub fn nothing_of(kind: &str) -> Self {
        Self { withheld: SLOTS.get(kind).map(Arc::clone).unwrap_or_default(), ..Self::default() }
    }

    /// Adds a slot that is not at hand.
    pub fn withhold(&mut self, slot: &str) {
        Arc::make_mut(&mut self.withheld).insert(slot.to_owned());
    }

    /// Whether nothing is at hand that the log itself does not show.
    pub fn is_closed(&self) -> bool {
        self.values.is_empty() && self.erased.is_empty()
    }
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
    /// What a lawful erasure names, at the end: its position, and the slot. FORMAT.md 17.
    fn erased(&mut self, _by: u64, _target: &Target) {}
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
    check_with(source, policy, openings, visitor, &Alone)
}

/// The same with a crew, which may do several jobs at a time. The report is the same whoever does them.
pub fn check_with(
    source: &mut dyn Source,
    policy: &Policy,
    openings: Option<&mut dyn Source>,
    visitor: &mut dyn Visitor,
    crew: &dyn Crew,
) -> Report {
    let mut check = Check { report: Report::new(policy), source, visitor, crew, policy, view: false };
    if let Err(why) = check.run(policy, openings) {
        check.report.cannot_tell(why.to_string());
    }
    check.report
}

struct Check<'a> {
    report: Report,
    source: &'a mut dyn Source,
    visitor: &'a mut dyn Visitor,
    crew: &'a dyn Crew,
    /// The reader's.
    policy: &'a Policy,
    /// Whether this is a part of a copy that is not whole: it has no manifest, and documents may be missing.
    view: bool,
}

impl Check<'_> {
    /// What a copy holds of a log under one checkpoint, whatever its manifest says.
    fn run_view(&mut self, policy: &Policy) -> Result<(), Unreadable> {
        let paths = self.source.paths()?.into_iter().map(|path| (path, Hash::default()));
        let manifest = Manifest(paths.collect());
        let Some(head) = self.head(policy)? else { return Ok(()) };
        let size = head.get().checkpoint.size;
        if !self.paths_fit(&manifest, size) {
            return Ok(());
        }
        let kept = self.kept_checkpoints(policy, &manifest, size)?;
        let times = Times::new(policy, kept.values().filter_map(|k| k.seen.clone()).collect());
        self.entries(head.get(), &manifest, &kept, &BTreeSet::new(), times, None)
    }

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
        drop(text);
        let before = self.report.faults_found;
        let total = listed.0.len() as u64;
        let (mut hashing, mut files, mut done) = (Queue::new(self.crew, 4), listed.0.iter(), 0);
        loop {
            while !hashing.is_full() {
                let Some((path, want)) = files.next() else { break };
                let (path, want) = (path.clone(), *want);
                let bytes = self.source.read(&path)?;
                if let Some(large) = bytes.as_ref().filter(|bytes| bytes.len() > HELD_BYTES_MAX) {
                    // Few of these fit into memory at a time.
                    let changed = Hash::of(&[large]) != want;
                    hashing.put(move || changed.then_some(Fault::FileChanged { path }));
                    continue;
                }
                hashing.put(move || match bytes {
                    None => Some(Fault::FileMissing { path }),
                    Some(bytes) => (Hash::of(&[&bytes]) != want).then_some(Fault::FileChanged { path }),
                });
            }
            let Some(fault) = hashing.take() else { break };
            self.report.found_all(fault);
            done += 1;
            self.visitor.progress("files", done, total);
        }
        let mut extra = self.source.paths()?;
        extra.retain(|path| path != manifest::NAME && !listed.0.contains_key(path));
        extra.sort_unstable();
        let mut strays = BTreeSet::new();
        for path in extra {
            // What a bundle of any size has is content, whatever its name looks like.
            match strays::stray_of(&path).filter(|_| !is_content(&path)) {
                Some(stray) => drop(strays.insert(stray.to_owned())),
                None => self.report.found(Fault::FileExtra { path }),
            }
        }
        strays.iter().for_each(|stray| self.report.stray(stray));
        let outcome = if self.report.faults_found == before { Outcome::Holds } else { Outcome::Fault };
        self.report.step(step(outcome, format!("{total} files")));
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
        let before = self.report.faults_found;
        // A size that no manifest of this length could cover is not worth listing.
        if size / TILE_WIDTH > manifest.0.len() as u64 {
            self.report.found(Fault::FileMissing { path: format!("tile/entries/{}", index_path(size / TILE_WIDTH)) });
        } else {
            let missing = Tile::all(size).into_iter().map(|tile| tile.path());
            let mut missing: Vec<String> = missing.filter(|path| !manifest.0.contains_key(path)).collect();
            missing.sort_unstable();
            self.report.found_all(missing.into_iter().map(|path| Fault::FileMissing { path }));
            let extra = manifest.0.keys().filter(|path| !(is_tile_of(path, size) || is_side_file(path, size)));
            self.report.found_all(extra.map(|path| Fault::FileExtra { path: path.clone() }));
        }
        let good = self.report.faults_found == before;
        let outcome = if good { Outcome::Holds } else { Outcome::Fault };
        self.report.step(Step { section: "7", title, outcome, counted: format!("{} files", manifest.0.len()) });
        good
    }

    /// After a fault in the files: which entry is the first that differs?
    fn locate(&mut self, size: u64) -> Result<(), Unreadable> {
        self.report.not_checked("the files are not those of the manifest: entries were only searched for the place");
        let found = place::first(&self.report.faults, size, self.source)?;
        self.report.found_all(found);
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
        let signed_only = Arc::new(signed_only);
        let mut kept = BTreeMap::<u64, Kept>::new();
        let before = self.report.faults_found;
        let mut paths = manifest.0.keys().filter(|p| p.starts_with("checkpoints/"));
        let mut checking = Queue::new(self.crew, 8);
        loop {
            while !checking.is_full() {
                let Some(path) = paths.next() else { break };
                let (bytes, policy) = (self.source.read(path)?.unwrap_or_default(), Arc::clone(&signed_only));
                let path = path.clone();
                checking.put(move || (check_head(&bytes, &policy), path));
            }
            let Some((checked, path)) = checking.take() else { break };
            let named = path.strip_prefix("checkpoints/").and_then(schemas::base::from_decimal);
            match (checked, named) {
                (Ok(head), Some(size)) if head.get().checkpoint.size == size => {
                    let seen = Seen::by(policy, &head.get().witnesses, size, &path);
                    if size > shown {
                        self.report.found(Fault::Ahead { path, size, shown });
                    } else if size == 0 {
                        self.report.found(Fault::CheckpointSize { path, size });
                    }
                    let SignedHead { checkpoint, log_key, .. } = head.into_inner();
                    // Mostly it is one key that signed all of them.
                    let last = kept.last_key_value().map(|(_, kept)| &kept.log_key);
                    let log_key = last.filter(|last| ***last == log_key).map_or_else(|| Arc::new(log_key), Arc::clone);
                    kept.insert(size, Kept { root: checkpoint.root, log_key, seen });
                }
                (Ok(_), _) => {
                    let what = "its name is not the size that it states".to_owned();
                    self.report.found(Fault::FileMalformed { path, what });
                }
                (Err(BadHead::Signature { key }), _) => self.report.found(Fault::CheckpointSignature { path, key }),
                (Err(other), _) => self.report.found(Fault::FileMalformed { path, what: other.to_string() }),
            }
        }
        let outcome = if self.report.faults_found == before { Outcome::Holds } else { Outcome::Fault };
        let counted = format!("{} kept", kept.len());
        self.report.step(Step { section: "10.2", title: "kept checkpoints are signed", outcome, counted });
        Ok(kept)
    }

    /// FORMAT.md 13: documents bear their own digest.
    fn documents(&mut self, manifest: &Manifest) -> Result<BTreeSet<Hash>, Unreadable> {
        let mut digests = BTreeSet::new();
        let before = self.report.faults_found;
        for path in manifest.0.keys().filter(|p| p.starts_with("documents/")) {
            let bytes = self.source.read(path)?.unwrap_or_default();
            let named = path.strip_prefix("documents/").and_then(Hash::from_hex);
            if named == Some(Hash::of(&[&bytes])) {
                let digest = named.unwrap_or_default();
                digests.insert(digest);
                self.visitor.document(digest, &bytes);
            } else {
                let what = "its name is not its digest".to_owned();
                self.report.found(Fault::FileMalformed { path: path.clone(), what });
            }
        }
        // Who opens a page that somebody else made is told whatever that one likes.
        if let Some(digest) = manifest.0.get(crate::PAGE_NAME).filter(|digest| !crate::is_known_page(digest)) {
            self.report.found(Fault::PageUnknown { path: crate::PAGE_NAME.to_owned(), digest: *digest });
        }
        let outcome = if self.report.faults_found == before { Outcome::Holds } else { Outcome::Fault };
        let counted = format!("{} documents", digests.len());
        self.report.step(Step {
            section: "13",
            title: "documents bear their digest, the page is known",
            outcome,
            counted,
        });
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
        let mut walk = Walk::new(head.checkpoint.origin.clone(), documents, kept, times);
        walk.any_document = self.view;
        let inside = manifest.0.keys().any(|p| p.starts_with("openings/"));
        let mut beside = match openings {
            Some(folder) => Beside::Folder(folder),
            None if inside => Beside::Inside,
            None => Beside::Nowhere,
        };
        let mut beyond = None;
        match walk.run(size, self.source, &mut beside, self.crew, self.visitor) {
            Ok(()) => {}
            // What another catalogue may allow is no lie where the log has adopted it. FORMAT.md 4.5.
            Err(Stop::Beyond { position, refusal }) => {
                beyond = Some(position);
                self.report.cannot_tell(format!("entry {position}: {refusal}; take a newer verifier"));
                match walk.pass(size, self.source, self.crew, self.visitor) {
                    Ok(()) | Err(Stop::Beyond { .. }) => {}
                    Err(Stop::Fault(fault)) => self.report.found(fault),
                    Err(Stop::Unreadable(unreadable)) => return Err(unreadable),
                }
            }
            Err(Stop::Fault(fault)) => self.report.found(fault),
            Err(Stop::Unreadable(unreadable)) => return Err(unreadable),
        }
        let (at_hand, apart) = (!matches!(beside, Beside::Nowhere), matches!(beside, Beside::Folder(_)));
        if !self.report.has_fault() {
            self.finish(head, &mut walk, apart, beyond)?;
            let key = walk.follower.state().genesis().map(|genesis| genesis.log_key.clone());
            self.log_key(head, kept, key.as_ref())?;
            self.report.of_the_log(walk.follower.state().keyring().sealing(), key.as_ref(), self.policy);
            self.still_open(size, &walk.erasures, &mut beside)?;
        }
        if let Some(other) = walk.other_size {
            // What both cover was compared; it is said only where it holds.
            let fits = !self.report.has_fault();
            let said = |what: &'static str| if fits { what } else { "" };
            self.report.cannot_tell(match other {
                OtherSize::Older(position) => format!(
                    "the openings are of an earlier day than the bundle: they end before entry {position} of {size}{}; \
                     take openings that were exported with this bundle, or leave them out",
                    said(
                        "; those of the entries before it fit what was committed, of that entry and those after it \
                         nothing is opened"
                    )
                ),
                OtherSize::Newer => format!(
                    "the openings are of a later day than the bundle: they speak of what came after its {size} entries{}; \
                     take the bundle that was exported with them, or leave them out",
                    said(
                        "; those of its own entries fit what was committed, what is said of later ones, and what they \
                         erased, was not checked"
                    )
                ),
            });
        }
        self.steps(&mut walk, at_hand, beyond);
        if beyond.is_some() { Ok(()) } else { self.doubts(size, manifest, &walk.doubts) }
    }

    /// What is told at the end; of entries that are not understood, from the one `beyond` on, what hangs on no catalogue.
    fn finish(
        &mut self,
        head: &SignedHead,
        walk: &mut Walk<'_>,
        apart: bool,
        beyond: Option<u64>,
    ) -> Result<(), Unreadable> {
        if let Some(fault) = walk.tiles.finish(self.source)? {
            self.report.found(fault);
        }
        // Of openings from a later day, what was erased meanwhile cannot be judged.
        let size = head.checkpoint.size;
        if apart && walk.erasures.names_after(size) {
            walk.other_size.get_or_insert(OtherSize::Newer);
        }
        let judged = if walk.other_size == Some(OtherSize::Newer) { size } else { u64::MAX };
        self.report.found_all(walk.erasures.check(beyond.map_or(judged, |position| position.min(judged))));
        let state = walk.follower.state();
        let found = state.root();
        if found != head.checkpoint.root {
            let path = "checkpoint".to_owned();
            self.report.found(Fault::Root { path, stated: head.checkpoint.root, found });
        }
        if !state.is_sealed() && beyond.is_none() {
            self.report.found(Fault::NotSealed { position: state.size().saturating_sub(1) });
        }
        self.report.as_of = state.last_received();
        self.report.genesis_catalogue = state.genesis().map(|g| g.catalogue);
        self.report.predecessor = state.predecessor().cloned();
        if self.report.genesis_catalogue.is_some_and(|digest| digest != Catalogue::built_in().digest()) {
            self.report.cannot_tell(OTHER_CATALOGUE.to_owned());
        }
        Ok(())
    }

    /// FORMAT.md 10.1: every checkpoint is signed by the key that genesis names.
    fn log_key(
        &mut self,
        head: &SignedHead,
        kept: &BTreeMap<u64, Kept>,
        genesis: Option<&Vkey>,
    ) -> Result<(), Unreadable> {
        let Some(key) = genesis else { return Ok(()) };
        self.report.found_all(head::signed_as_genesis_says(head, key, "checkpoint").err());
        // Few policies have two keys for a log, so few checkpoints must be read again.
        for (size, kept) in kept.iter().filter(|(_, kept)| *kept.log_key != *key) {
            let path = kept_path(*size);
            let bytes = self.source.read(&path)?.unwrap_or_default();
            if !Note::parse(&bytes).is_ok_and(|note| head::bears(&note, key)) {
                let (signed, genesis) = (kept.log_key.to_string(), key.to_string());
                self.report.found(Fault::LogKey { path, signed, genesis });
            }
        }
        Ok(())
    }

    /// FORMAT.md 17: what a lawful erasure of the log names stands open nowhere. Openings that were handed out before
    /// it have it still, so this is no lie of the log's.
    fn still_open(&mut self, size: u64, erasures: &Erasures, beside: &mut Beside<'_>) -> Result<(), Unreadable> {
        let mut targets: BTreeMap<u64, Vec<(u64, String, u64)>> = BTreeMap::new();
        for by in erasures.positions() {
            for (position, slot) in erasures.lawful(by).unwrap_or_default() {
                self.visitor.erased(by, &(position, slot.clone()));
                targets.entry(position / TILE_WIDTH).or_default().push((position, slot, by));
            }
        }
        let (mut named, mut more) = (Vec::new(), 0);
        for tile in Tile::all(size).into_iter().filter(|tile| tile.level.is_none()) {
            let Some(slots) = targets.get(&tile.index) else { continue };
            let lines = match beside {
                Beside::Folder(folder) => folder.read(&index_path(tile.index))?,
                Beside::Inside => self.source.read(&format!("openings/{}", index_path(tile.index)))?,
                Beside::Nowhere => return Ok(()),
            };
            let (entries, lines) = (self.source.read(&tile.path())?.unwrap_or_default(), lines.unwrap_or_default());
            let (entries, lines) = (split_bundle(&entries, tile.width), String::from_utf8_lossy(&lines));
            let (entries, lines): (_, Vec<&str>) = (entries.unwrap_or_default(), lines.lines().collect());
            for (position, slot, by) in slots {
                let place = usize::try_from(position % TILE_WIDTH).unwrap_or(usize::MAX);
                let entry = entries.get(place).and_then(|bytes| Entry::reread(bytes).ok());
                let kind = entry.as_ref().and_then(|entry| Catalogue::built_in().event(&entry.signed.event.kind));
                let number = kind.and_then(|kind| kind.slots().iter().position(|name| name == slot));
                let line = lines.get(place).and_then(|line| OpeningLine::parse(line).ok());
                let kept = number.and_then(|number| line?.slots.into_iter().nth(number));
                if matches!(kept, Some(Slot::Open(_) | Slot::Sealed(_))) {
                    if named.len() < STILL_OPEN_NAMED {
                        named.push(format!("{slot} of entry {position}, erased by entry {by}"));
                    } else {
                        more += 1;
                    }
                }
            }
        }
        if !named.is_empty() {
            let more = if more == 0 { String::new() } else { format!(", and {more} more") };
            self.report.cannot_tell(format!(
                "values that the log says are erased are still open in these openings: {}{more}; the openings are older than \
                 the erasure, or it was not carried out: destroy them, and take new ones",
                named.join(", ")
            ));
        }
        Ok(())
    }

    /// FORMAT.md 11, "Doubt": entries that were signed within a compromise window.
    fn doubts(&mut self, size: u64, manifest: &Manifest, doubts: &Doubts) -> Result<(), Unreadable> {
        if self.report.has_fault() || self.view {
            return Ok(());
        }
        let concerned = doubts.tiles();
        let tiles = Tile::all(size).into_iter().filter(|t| t.level.is_none() && concerned.contains(&t.index));
        for tile in tiles {
            let path = tile.path();
            let bytes = self.source.read(&path)?.filter(|bytes| manifest.0.get(&path) == Some(&Hash::of(&[bytes])));
            let entries = bytes.as_deref().and_then(|bytes| split_bundle(bytes, tile.width));
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

    fn steps(&mut self, walk: &mut Walk<'_>, at_hand: bool, beyond: Option<u64>) {
        let broken = self.report.has_fault();
        let (step, unbounded) = walk.times.finish();
        self.report.step(step);
        unbounded.iter().for_each(|words| self.report.not_checked(words));
        let outcome = if broken { Outcome::Fault } else { Outcome::Holds };
        let signatures = walk.signatures;
        let Counts { entries, streams, batches } = walk.counts;
        let passed = walk.follower.state().size();
        for (section, title, counted) in [
            ("3", "signatures of every event", format!("{signatures} signatures")),
            ("6", "entries form one chain", format!("{entries} entries")),
            ("7", "tiles and root are those of the entries", format!("{entries} entries")),
            ("8", "stream index recomputed", format!("{streams} streams")),
            ("9", "every batch ends with its seal", format!("{batches} batches")),
            ("11", "admission replayed, key validity included", format!("{entries} events")),
        ] {
            let (outcome, counted) = match beyond {
                None => (outcome, counted),
                Some(_) if matches!(section, "6" | "7") => (outcome, format!("{passed} entries")),
                Some(position) => (Outcome::NotChecked, format!("{counted}, up to entry {position}")),
            };
            self.report.step(Step { section, title, outcome, counted });
        }
        let outcome = if beyond.is_some() { Outcome::NotChecked } else { outcome };
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

/// Why nothing can be told of a log that another catalogue describes. FORMAT.md 4.5.
pub(crate) const OTHER_CATALOGUE: &str =
    "the log was begun under a catalogue that this verifier does not know: take a newer verifier";

/// The document that an event adopts, by its digest: it must be at hand wherever the log is. FORMAT.md 13.
pub fn adopted_document(event: &Event) -> Option<Hash> {
    let field = match event.kind.as_str() {
        "schema.adopted" => "catalogue",
        "rule.profile.adopted" => "profile",
        _ => return None,
    };
    Some(event.text(field).and_then(Hash::from_hex).unwrap_or_default())
}

/// A checkpoint that was kept; there may be very many.
struct Kept {
    root: Hash,
    log_key: Arc<Vkey>,
    seen: Option<Seen>,
}

/// Where the kept checkpoint of that size lies.
fn kept_path(size: u64) -> String {
    format!("checkpoints/{size}")
}

/// Whether a bundle of some size may have such a file.
fn is_content(path: &str) -> bool {
    Tile::of_path(path).is_some() || is_side_file(path, u64::MAX)
}

/// Whether a bundle of this size has that tile.
fn is_tile_of(path: &str, size: u64) -> bool {
    Tile::of_path(path).is_some_and(|tile| tile.is_of(size))
}

/// Longest file of a bundle at that path, in bytes: nothing of its kind is longer. Asked before it is read. FORMAT.md 1.5.
pub fn bytes_max(path: &str) -> u64 {
    let opening = path.strip_prefix("openings/").unwrap_or(path);
    if path == "checkpoint" || path.starts_with("checkpoints/") {
        NOTE_BYTES_MAX
    } else if let Some(tile) = Tile::of_path(path) {
        if tile.level.is_some() { HASHES_BYTES_MAX } else { ENTRIES_BYTES_MAX }
    } else if path == "policy" {
        schemas::policy::POLICY_BYTES_MAX as u64
    } else if path.starts_with("documents/") || path == crate::PAGE_NAME {
        DOCUMENT_BYTES_MAX
    } else if index_of(opening).is_some() {
        OPENINGS_BYTES_MAX
    } else {
        FILE_BYTES_MAX
    }
}

/// Files that a bundle of this size may have beside its tiles.
fn is_side_file(path: &str, size: u64) -> bool {
    path == "checkpoint"
        || path == "policy"
        || path == crate::PAGE_NAME
        || path.strip_prefix("checkpoints/").is_some_and(|n| schemas::base::from_decimal(n).is_some())
        || path.strip_prefix("documents/").is_some_and(|n| Hash::from_hex(n).is_some())
        || path.strip_prefix("openings/").and_then(index_of).is_some_and(|index| index < size.div_ceil(TILE_WIDTH))
}
