//! What else bears this log's signature, and must be a prefix of the store before anything is recorded.
//!
//! A folder that is put back from a backup looks as it did then, its last checkpoint too. What it cannot put back is what
//! others hold: the mirror, bundles, receipts, a second anchor, witnesses. All of it that is at hand is asked at each
//! start. What is ahead of the store, or contradicts it, ends the start: nothing is recorded, it is never written over, a
//! copy of its checkpoint is kept in `evidence/`, and the message names the way out. Whatever could not be asked is said.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::base;
use schemas::checkpoint::Checkpoint;
use schemas::fork::Fork;
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::tile::{self, Tile};
use schemas::visible::Show as _;
use verifier::archive::Archive;
use verifier::bundle::Source;
use verifier::files::Folder;
use verifier::levels::Levels;
use verifier::signature::PublicKey;

use crate::anchor::{ANCHOR_BYTES_MAX, Anchor};
use crate::failure::Failure;
use crate::files;
use crate::home::Home;
use crate::keys;
use crate::places::{Lies, Places};
use crate::receipts::RECEIPT;
use crate::snapshot;

/// Receipts that are looked at in one start, the newest first; of more, it is said.
const RECEIPTS_MAX: usize = 20_000;
/// Longest receipt, in bytes.
const RECEIPT_BYTES_MAX: usize = 1 << 18;
/// Kept checkpoints of one bundle that are looked at, the largest first.
const KEPT_MAX: usize = 16;
/// Hex digits of a digest in the name of a piece of evidence.
const DIGITS: usize = 16;

/// What bears the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The published checkpoint in the ledger's folder.
    Published,
    /// The second anchor, or that of the folder that is replaced.
    Anchor,
    /// A mirror or bundle.
    Bundle,
    /// A bundle as one file.
    Archive,
    /// A receipt that was given.
    Receipt,
    /// What a stop left.
    State,
    /// What an earlier start kept.
    Evidence,
    /// What a witness has cosigned.
    Witness,
    /// A batch in the NATS stream.
    Stream,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Published => "the published checkpoint",
            Self::Anchor => "the last signed checkpoint",
            Self::Bundle => "the bundle",
            Self::Archive => "the archive",
            Self::Receipt => "the receipt",
            Self::State => "the state that an earlier run left",
            Self::Evidence => "the evidence that an earlier start kept",
            Self::Witness => "the witness",
            Self::Stream => "the NATS stream",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Anchor => "anchor",
            Self::Bundle => "bundle",
            Self::Archive => "archive",
            Self::Receipt => "receipt",
            Self::State => "state",
            Self::Evidence => "evidence",
            Self::Witness => "witness",
            Self::Stream => "stream",
        }
    }
}

/// One thing that says what this log was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testimony {
    /// What it is.
    pub kind: Kind,
    /// Where, or who.
    pub place: String,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The bytes whose signature says so.
    pub bytes: Vec<u8>,
}

/// What was heard, and what could not be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// What was said, one a tree: who says the same adds nothing.
    pub told: Vec<Testimony>,
    /// What could not be asked, and why.
    pub unasked: Vec<String>,
    /// Whether anything outside the ledger's folder was among it.
    pub outside: bool,
}

/// Something that bears this log's signature is ahead of the store, or tells another history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// The ledger's folder.
    pub folder: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Where, or who.
    pub place: String,
    /// Entries that it speaks of.
    pub size: u64,
    /// Entries of the store.
    pub own: u64,
    /// Whether it tells another history, not only a longer one.
    pub differs: bool,
    /// Where the evidence was put.
    pub evidence: Vec<PathBuf>,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, place, size, own, .. } = self;
        let (what, folder) = (kind.words(), self.folder.shown());
        if self.differs {
            write!(
                f,
                "{what} {place} tells another history of this log, of {size} entries, than the {own} in {folder}: two were \
                 signed with its key. Nothing was recorded and nothing written over. Stop here, find out who holds the key \
                 and which history others were given; the way on is a successor: `ledger succeed --help`, KEYS.md"
            )?;
        } else {
            let bundle = if matches!(kind, Kind::Bundle) { place.as_str() } else { "BUNDLE" };
            write!(
                f,
                "{what} {place} knows {size} entries of this log, and {folder} has {own}: this is an older copy, and to go on \
                 from it would give the log two histories. Nothing was recorded and nothing written over. The way out: \
                 restore into a new folder from the newest bundle or mirror, of {size} entries or more: \
                 `ledger restore NEW-FOLDER --bundle {bundle} --policy POLICY --from {folder}`"
            )?;
        }
        for (number, path) in self.evidence.iter().enumerate() {
            write!(f, "{}{}", if number == 0 { "; kept as evidence: " } else { ", " }, path.shown())?;
        }
        Ok(())
    }
}

/// The public half of a ledger's own key; nothing where there is none that can be read.
pub fn own_key(home: &Home) -> Option<PublicKey> {
    PublicKey::new(&keys::read(&home.log_key()).ok()?.vkey()).ok()
}

/// The checkpoint, if this key signed it.
pub fn signed(key: &PublicKey, bytes: &[u8]) -> Option<(Note, Checkpoint)> {
    let note = Note::parse(bytes).ok()?;
    let checkpoint = Checkpoint::parse(&note.text).ok()?;
    let holds = note.signatures.iter().any(|line| key.holds_strictly(note.text.as_bytes(), &line.signature));
    (holds && checkpoint.origin.as_str() == key.vkey().name).then_some((note, checkpoint))
}

impl Heard {
    /// Asks everything that lies in a ledger's folder, and at the places that it remembers.
    ///
    /// # Errors
    /// [`Failure`] if the list of places or a folder of the ledger's own cannot be read.
    pub fn at(home: &Home, key: &PublicKey) -> Result<Self, Failure> {
        Self::asked(home, key, &Places::of(home)?)
    }

    fn asked(home: &Home, key: &PublicKey, places: &Places) -> Result<Self, Failure> {
        let mut ears = Ears { key, heard: Self::default(), known: BTreeSet::new() };
        ears.file(Kind::Published, &home.published())?;
        ears.receipts(&[home.outbox().join("receipts"), home.intake().join("receipts")]);
        ears.state(&home.state())?;
        ears.evidence(&home.evidence())?;
        for (lies, path) in places.iter() {
            match lies {
                Lies::Anchor => ears.anchor(path),
                Lies::Bundle => ears.bundle(path),
                Lies::Archive => ears.archive(path),
            }
        }
        Ok(ears.heard)
    }

    /// The same for the folder of a ledger that is replaced, its last signed checkpoint among it. It may be damaged, older
    /// than its list of places, or its keys alone: that the places could not be asked is said.
    ///
    /// # Errors
    /// As [`Heard::at`].
    pub fn at_old(home: &Home, key: &PublicKey) -> Result<Self, Failure> {
        let places = match Places::of(home) {
            Ok(places) if home.places().exists() => Ok(places),
            Ok(_) => Err("there is no list of the mirrors and bundles that it wrote".to_owned()),
            Err(Failure::Lost { what, .. }) => Err(what),
            Err(why) => return Err(why),
        };
        let unasked = places.as_ref().err().map(|why| format!("{}: {why}", home.places().shown()));
        let mut heard = Self::asked(home, key, &places.unwrap_or_default())?;
        heard.unasked.extend(unasked);
        let mut ears = Ears { key, heard: Self::default(), known: BTreeSet::new() };
        for bytes in Anchor::at(&home.checkpoint()).candidates()? {
            ears.hear(Kind::Anchor, home.checkpoint().display().to_string(), bytes);
        }
        heard.told.extend(ears.heard.told);
        Ok(heard)
    }

    /// What lies where a bundle or an archive is about to be written.
    pub fn in_place_of(key: &PublicKey, lies: Lies, path: &Path) -> Self {
        let mut ears = Ears { key, heard: Self::default(), known: BTreeSet::new() };
        match lies {
            Lies::Anchor => ears.anchor(path),
            Lies::Bundle if path.exists() => ears.bundle(path),
            Lies::Archive if path.exists() => ears.archive(path),
            Lies::Bundle | Lies::Archive => {}
        }
        ears.heard
    }

    /// What somebody else showed: place and bytes, of which those count that the log signed; of the others it is said.
    pub fn from(key: &PublicKey, kind: Kind, shown: Vec<(String, Vec<u8>)>) -> Self {
        let mut ears = Ears { key, heard: Self::default(), known: BTreeSet::new() };
        for (place, bytes) in shown {
            let unasked =
                format!("{} {}: what it holds last is nothing that this log has signed", kind.words(), place.shown());
            if ears.hear(kind, place, bytes) {
                ears.heard.outside = true;
            } else {
                ears.heard.unasked.push(unasked);
            }
        }
        ears.heard
    }

    /// Holds all that was heard against the tree that a ledger has; the first that contradicts is kept as evidence.
    ///
    /// # Errors
    /// [`Failure::Contradicted`].
    pub fn hold_against(
        &self,
        home: &Home,
        key: &PublicKey,
        levels: &Levels,
        head: Option<&Note>,
    ) -> Result<(), Failure> {
        // The worst first: another history, then the longest.
        let found = self.told.iter().filter_map(|told| Some((told, stands(levels, &told.checkpoint)?)));
        // A state is made again from the log; where it is not ahead of it, it is passed over like any that is spoilt.
        let found = found.filter(|(told, differs)| told.kind != Kind::State || !differs);
        let worst = found.max_by_key(|(told, differs)| (*differs, told.checkpoint.size, std::cmp::Reverse(told.kind)));
        match worst {
            Some((told, differs)) => Err(told.contradicts(home, key, (levels, head), differs)),
            None => Ok(()),
        }
    }
}

/// Nothing where the tree has that checkpoint; else whether it differs, or is only ahead.
fn stands(levels: &Levels, checkpoint: &Checkpoint) -> Option<bool> {
    match levels.root(checkpoint.size) {
        Ok(root) if root == checkpoint.root => None,
        Ok(_) => Some(true),
        Err(_) => Some(false),
    }
}

impl Testimony {
    /// The failure, once the evidence is on the disk.
    pub(crate) fn contradicts(
        &self,
        home: &Home,
        key: &PublicKey,
        (levels, head): (&Levels, Option<&Note>),
        mut differs: bool,
    ) -> Failure {
        let mut evidence: Vec<PathBuf> = match self.kind {
            Kind::Evidence => vec![PathBuf::from(&self.place)],
            kind => keep(home, kind.word(), "checkpoint", &self.bytes).into_iter().collect(),
        };
        if let Some((theirs, checkpoint)) = signed(key, &self.bytes)
            && let Some(fork) = head.and_then(|head| self.fork(levels, head, &theirs, &checkpoint))
        {
            differs = true;
            evidence.extend(keep(home, "fork", "jsonl", fork.to_text().as_bytes()));
        }
        Failure::Contradicted(Box::new(Contradiction {
            folder: home.folder().to_owned(),
            kind: self.kind,
            place: self.place.clone(),
            size: self.checkpoint.size,
            own: levels.size(),
            differs,
            evidence,
        }))
    }

    /// Evidence of two histories (FORMAT.md 14.3), where the hashes of the larger tree are at hand.
    fn fork(&self, levels: &Levels, head: &Note, theirs: &Note, told: &Checkpoint) -> Option<Fork> {
        let own = Checkpoint::parse(&head.text).ok()?;
        let (ours, theirs) = (head.clone(), theirs.clone());
        if told.size == own.size {
            return (told.root != own.root).then_some(Fork { first: ours, second: theirs, prefix: None });
        }
        let larger = told.size.max(own.size);
        let (first, second, old) =
            if told.size < own.size { (theirs, ours, told.clone()) } else { (ours, theirs, own) };
        let prefix = |levels: &Levels| Some((levels.root(old.size).ok()?, levels.consistency(old.size, larger).ok()?));
        let (root, proof) = if told.size == larger {
            let tree = match self.kind {
                Kind::Bundle => tree(&mut Folder::new(Path::new(&self.place)), larger),
                Kind::Archive => tree(&mut Archive::open(Path::new(&self.place)).ok()?, larger),
                _ => None,
            };
            prefix(&tree.filter(|tree| tree.root(larger) == Ok(told.root))?)?
        } else {
            prefix(levels)?
        };
        (root != old.root).then_some(Fork { first, second, prefix: Some((root, proof)) })
    }
}

/// The tree over the entries of a bundle.
pub(crate) fn tree(source: &mut dyn Source, size: u64) -> Option<Levels> {
    let mut levels = Levels::default();
    for tile in Tile::all(size).into_iter().filter(|tile| tile.level.is_none()) {
        let bytes = source.read(&tile.path()).ok()??;
        for entry in tile::split_bundle(&bytes, tile.width)? {
            levels.push(Hash::leaf(entry));
        }
    }
    (levels.size() == size).then_some(levels)
}

/// Puts a piece of evidence into the ledger's folder; one that is there stays.
pub fn keep(home: &Home, kind: &str, ending: &str, bytes: &[u8]) -> Option<PathBuf> {
    let digest = Hash::of(&[bytes]).to_hex();
    let path = home.evidence().join(format!("{kind}-{}.{ending}", &digest[..DIGITS]));
    if path.exists() {
        return Some(path);
    }
    // A disk that is full keeps nobody from being told.
    let kept = files::create_folder(&home.evidence()).and_then(|()| files::replace(&path, bytes));
    kept.ok().map(|()| path)
}

/// Puts evidence aside that somebody has said in words is to be passed over: it is kept, and no start hears it again.
pub(crate) fn pass_over(home: &Home, evidence: &[PathBuf]) {
    let aside = home.evidence().join("passed-over");
    for (path, name) in evidence.iter().filter_map(|path| Some((path, path.file_name()?))) {
        let _ = files::create_folder(&aside).map(|()| fs::rename(path, aside.join(name)));
    }
}

/// Listens, and forgets what was said before.
struct Ears<'a> {
    key: &'a PublicKey,
    heard: Heard,
    known: BTreeSet<(u64, Hash)>,
}

impl Ears<'_> {
    /// True if the bytes are what this log signed.
    fn hear(&mut self, kind: Kind, place: String, bytes: Vec<u8>) -> bool {
        let Ok(note) = Note::parse(&bytes) else { return false };
        let said = Checkpoint::parse(&note.text).ok().or_else(|| state(&note));
        let Some(said) = said.filter(|said| said.origin.as_str() == self.key.vkey().name) else { return false };
        if self.known.contains(&(said.size, said.root)) {
            return true;
        }
        // One signature a tree: that is what a thousand receipts cost.
        if !note.signatures.iter().any(|line| self.key.holds_strictly(note.text.as_bytes(), &line.signature)) {
            return false;
        }
        self.known.insert((said.size, said.root));
        self.heard.told.push(Testimony { kind, place, checkpoint: said, bytes });
        true
    }

    fn file(&mut self, kind: Kind, path: &Path) -> Result<bool, Failure> {
        let bytes = files::read(path, ANCHOR_BYTES_MAX)?;
        Ok(bytes.is_some_and(|bytes| self.hear(kind, path.display().to_string(), bytes)))
    }

    fn unasked(&mut self, path: &Path, why: &str) {
        self.heard.unasked.push(format!("{}: {why}", path.shown()));
    }

    /// The second pair of files with the last signed checkpoint.
    fn anchor(&mut self, path: &Path) {
        match Anchor::at(path).candidates() {
            Ok(found) if found.is_empty() => {
                self.unasked(path, "the second anchor is gone; `ledger anchor --help` begins it anew");
            }
            Ok(found) => {
                let mut any = false;
                for bytes in found {
                    any |= self.hear(Kind::Anchor, path.display().to_string(), bytes);
                }
                self.heard.outside |= any;
                if !any {
                    self.unasked(path, "the second anchor holds no checkpoint of this log");
                }
            }
            Err(why) => self.unasked(path, &why.to_string()),
        }
    }

    fn bundle(&mut self, path: &Path) {
        if !path.is_dir() {
            return self.unasked(path, "there is no bundle now");
        }
        let place = path.display().to_string();
        let mut any = false;
        let mut kept: Vec<(u64, PathBuf)> = files::list(&path.join("checkpoints"), |_| true)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|file| Some((base::from_decimal(file.file_name()?.to_str()?)?, file)))
            .collect();
        kept.sort_unstable_by_key(|(size, _)| std::cmp::Reverse(*size));
        let kept = kept.into_iter().take(KEPT_MAX).map(|(_, file)| file);
        for file in [path.join("checkpoint")].into_iter().chain(kept) {
            let bytes = files::read(&file, ANCHOR_BYTES_MAX).ok().flatten();
            any |= bytes.is_some_and(|bytes| self.hear(Kind::Bundle, place.clone(), bytes));
        }
        self.heard.outside |= any;
        if !any {
            self.unasked(path, "it holds no checkpoint of this log that can be read");
        }
    }

    fn archive(&mut self, path: &Path) {
        if !path.is_file() {
            return self.unasked(path, "there is no archive now");
        }
        let bytes = Archive::open(path).ok().and_then(|mut archive| archive.read("checkpoint").ok().flatten());
        if bytes.is_some_and(|bytes| self.hear(Kind::Archive, path.display().to_string(), bytes)) {
            self.heard.outside = true;
        } else {
            self.unasked(path, "it holds no checkpoint of this log that can be read");
        }
    }

    fn receipts(&mut self, folders: &[PathBuf]) {
        let mut found: Vec<(i64, PathBuf)> = Vec::new();
        let mut folders = folders.to_vec();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let (path, Ok(about)) = (entry.path(), entry.metadata()) else { continue };
                if about.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == RECEIPT) {
                    found.push((written(&about), path));
                }
            }
        }
        if found.len() > RECEIPTS_MAX {
            found.sort_unstable_by(|a, b| b.cmp(a));
            let more = found.len() - RECEIPTS_MAX;
            self.heard.unasked.push(format!("{more} receipts: only the newest {RECEIPTS_MAX} are looked at"));
        }
        for (_, path) in found.into_iter().take(RECEIPTS_MAX) {
            // The checkpoint stands at the end. C2SP tlog-proof.
            let bytes = files::read(&path, RECEIPT_BYTES_MAX).ok().flatten().unwrap_or_default();
            if let Some(at) = bytes.windows(2).position(|two| two == b"\n\n") {
                self.hear(Kind::Receipt, path.display().to_string(), bytes[at + 2..].to_vec());
            }
        }
    }

    fn state(&mut self, folder: &Path) -> Result<(), Failure> {
        if folder.is_dir() {
            for path in files::list(folder, |name| name.ends_with(snapshot::SIGNED))? {
                self.file(Kind::State, &path)?;
            }
        }
        Ok(())
    }

    fn evidence(&mut self, folder: &Path) -> Result<(), Failure> {
        if folder.is_dir() {
            for path in files::list(folder, |name| name.ends_with(".checkpoint"))? {
                self.file(Kind::Evidence, &path)?;
            }
        }
        Ok(())
    }
}

/// When a file was written, for an order.
#[cfg(unix)]
fn written(about: &fs::Metadata) -> i64 {
    std::os::unix::fs::MetadataExt::mtime(about)
}

#[cfg(not(unix))]
fn written(_about: &fs::Metadata) -> i64 {
    0
}

/// What a signed state says of the log. It is no checkpoint, and nobody else takes it for one.
fn state(note: &Note) -> Option<Checkpoint> {
    let (origin, size, root) = snapshot::signed_of(&note.text)?;
    Some(Checkpoint { origin: Origin::parse(origin)?, size, root })
}
