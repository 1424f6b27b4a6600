//! A ledger from a bundle: checked first, entry by entry, then taken in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schemas::catalogue::Catalogue;
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::opening::{OpeningLine, Slot};
use schemas::policy::Policy;
use schemas::tile;
use schemas::visible::Show as _;
use verifier::Verified;
use verifier::bundle::{self, Opened, Source, Visitor};
use verifier::erasures::{self, ERASURE};
use verifier::files::Folder;
use verifier::follower::Accepted;
use verifier::head::SignedHead;
use verifier::report::{Report, Verdict};
use verifier::threads::Threads;

use crate::anchor::Anchor;
use crate::clock::Clock;
use crate::erase::{self, BadErase};
use crate::failure::Failure;
use crate::files;
use crate::keys::BadKeyFile;
use crate::places::{Lies, Places};
use crate::probe::Probe;
use crate::publish;
use crate::reached::Reached;
use crate::store::{Batch, Store};
use crate::testimony::{self, Heard};
use crate::vault::{Copied, Vault};
use crate::witness::Panel;
use crate::writer::{BadLedger, Home, Writer, checkpoint_name, keep_document};

/// Entries taken in at a time.
const ENTRIES_A_COMMIT: usize = 256;

/// Why a bundle cannot be restored from.
#[derive(Debug, thiserror::Error)]
pub enum BadRestore {
    /// The bundle does not verify, or nothing can be told of it.
    #[error("{}, so nothing was restored: {}", verdict(.0), first(.0))]
    NotVerified(Box<Report>),
    /// The bundle is behind the checkpoint that was signed last.
    #[error("the bundle ends at {size} entries, but {signed} were signed ({}): restoring it would fork the log; find a newer bundle", .path.shown())]
    Behind {
        /// Size of the bundle.
        size: u64,
        /// Size that was signed.
        signed: u64,
        /// The checkpoint that says so.
        path: PathBuf,
    },
    /// More than the bundle holds was signed, or another history: by something at hand.
    #[error("{why}{}", if *.ahead { OLDER } else { "" })]
    Contradicted {
        /// What it is.
        why: Failure,
        /// Whether it is only ahead.
        ahead: bool,
    },
    /// Hidden values of the bundle's entries are in no copy of the openings that is at hand.
    #[error(
        "{values} hidden values of {entries} entries are in none of the copies of openings that are at hand (entry {first} is \
         the first: {why}): nobody could ever read them or prove what they were. Give the newest --backup with its \
         --backup-keys, or --from the newest copy of the folder, openings/ and opening-keys/ in it; where none is left, \
         --without-hidden-values goes on without them"
    )]
    Withheld {
        /// How many values.
        values: u64,
        /// Of how many entries.
        entries: u64,
        /// The first of these.
        first: u64,
        /// Why it is not at hand.
        why: String,
    },
    /// The files of the bundle cannot be read.
    #[error(transparent)]
    Unreadable(#[from] bundle::Unreadable),
    /// The new ledger cannot be written.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// It cannot be opened afterwards.
    #[error(transparent)]
    Ledger(#[from] BadLedger),
    /// Erasures that the log records cannot be carried out again.
    #[error(transparent)]
    Erase(#[from] BadErase),
    /// The ledger's own keys are missing.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
}

fn verdict(report: &Report) -> &'static str {
    if report.has_fault() { "the bundle does not verify" } else { "cannot tell whether the bundle verifies" }
}

fn first(report: &Report) -> String {
    let fault = report.faults.first().map(ToString::to_string);
    fault.or_else(|| report.unknown.first().cloned()).unwrap_or_default()
}

/// Where a ledger is restored from.
pub struct Sources<'a> {
    /// The bundle.
    pub bundle: &'a Path,
    /// The backup of the openings, where it is at hand, besides those in the old folder.
    pub openings: Option<Copied>,
    /// Whether it goes on where hidden values are in neither, and stay withheld for ever.
    pub without_hidden_values: bool,
    /// The policy held from elsewhere.
    pub policy: &'a Policy,
    /// The damaged ledger's folder: its keys and its openings are taken over, and its last checkpoint is respected.
    pub old_home: &'a Path,
    /// Whether the bundle is taken although more than it holds was signed.
    pub older_than_known: bool,
    /// Whether it goes on where no quorum of witnesses can be asked.
    pub without_witnesses: bool,
}

/// What else can be done about a bundle that is too old.
const OLDER: &str = "; if nothing newer is left anywhere, --older-than-known takes this one: whoever holds a later receipt, \
                     checkpoint or bundle can then prove two histories, and a witness that has seen more never cosigns again. A \
                     successor log that names the loss is the honest way on: `ledger succeed --help`";

/// A ledger that was restored.
pub struct Restored {
    /// The ledger, open.
    pub writer: Writer,
    /// How many hidden values are in no copy that was at hand.
    pub withheld: u64,
}

/// Restores a ledger into a new folder and opens it.
///
/// # Errors
/// [`BadRestore`]; of a folder that was not there before, nothing stays then but the evidence of a contradiction.
pub fn restore(home: &Home, from: &Sources<'_>, probe: &Probe) -> Result<Restored, BadRestore> {
    let is_new = !home.folder().exists();
    let restored = make(home, from, probe);
    if restored.is_err() && is_new && home.folder().is_dir() {
        let all = std::fs::read_dir(home.folder()).map_err(|e| Failure::io("read", home.folder(), e))?;
        for path in all.flatten().map(|found| found.path()).filter(|path| *path != home.evidence()) {
            let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            removed.map_err(|e| Failure::io("remove", &path, e))?;
        }
        let _ = std::fs::remove_dir(home.folder()); // evidence stays, and the folder with it
    }
    restored
}

fn make(home: &Home, from: &Sources<'_>, probe: &Probe) -> Result<Restored, BadRestore> {
    if home.checkpoint().exists() || (home.holds_something() && !home.begun().exists()) {
        return Err(Failure::Occupied { path: home.folder().to_owned() }.into());
    }
    files::create_folder(home.folder())?;
    files::replace(&home.begun(), b"")?;
    if home.store().exists() {
        std::fs::remove_dir_all(home.store()).map_err(|source| Failure::Io {
            doing: "remove",
            path: home.store(),
            source,
        })?;
    }
    let old = Home::new(from.old_home);
    copy_keys(&old, home)?;
    let mut source = Folder::new(from.bundle);
    let mut beside = Beside::of(from, &old, &mut source)?;
    let mut lines = Lines::default();
    let report = bundle::judge(
        &mut source,
        from.policy,
        beside.as_mut().map(|f| f as &mut dyn Source),
        &mut lines,
        &Threads::new(),
    );
    let good = matches!(report.verdict(), Verdict::Verified | Verdict::PartlyErased);
    let (true, Some(head)) = (good, report.head.clone()) else { return Err(BadRestore::NotVerified(Box::new(report))) };
    let size = head.checkpoint.size;
    for bytes in Anchor::at(&old.checkpoint()).candidates()? {
        let Ok(note) = Note::parse(&bytes) else { continue };
        let Ok(signed) = Checkpoint::parse(&note.text) else { continue };
        if signed.size > size && !from.older_than_known {
            return Err(BadRestore::Behind { size, signed: signed.size, path: old.checkpoint() });
        }
    }
    ask(home, &old, from, &mut source, &head)?;
    let missing = lines.missing();
    if let (Some(first), false) = (missing.first(), from.without_hidden_values) {
        return Err(BadRestore::Withheld {
            values: missing.len() as u64,
            entries: missing.iter().collect::<BTreeSet<_>>().len() as u64,
            first: *first,
            why: beside.as_ref().map_or_else(|| "there is no copy".to_owned(), |beside| beside.why(*first)),
        });
    }
    let store = Store::create(&home.store())?;
    let vault = Vault::open(&home.openings(), &home.opening_keys(), 0)?;
    let mut first = 0u64;
    let mut batch: Vec<Vec<u8>> = Vec::new();
    for tile in tile::Tile::all(size).into_iter().filter(|t| t.level.is_none()) {
        let bytes = source.read(&tile.path())?.unwrap_or_default();
        for entry in tile::split_bundle(&bytes, tile.width).unwrap_or_default() {
            batch.push(entry.to_vec());
        }
        let is_last = first + batch.len() as u64 == size;
        if batch.len() >= ENTRIES_A_COMMIT || is_last {
            let texts = &lines.texts[first as usize..first as usize + batch.len()];
            vault.append_lines(first, texts)?;
            let notes = if is_last { kept(&mut source, &head.note.to_text(), size)? } else { Vec::new() };
            let taken = batch.len() as u64;
            store.commit(&Batch { first, entries: std::mem::take(&mut batch), notes })?;
            first += taken;
        }
    }
    for path in source.paths()?.iter().filter(|p| p.starts_with("documents/")) {
        let bytes = source.read(path)?.unwrap_or_default();
        files::create_folder(&home.documents())?;
        files::replace(&home.documents().join(Hash::of(&[&bytes]).to_hex()), &bytes)?;
    }
    Places::remember(home, Lies::Bundle, from.bundle)?;
    if let Some(anchor) = Places::of(&old).unwrap_or_default().anchor().filter(|_| !from.older_than_known) {
        Places::remember(home, Lies::Anchor, anchor)?;
    }
    files::replace(&home.checkpoint(), head.note.to_text().as_bytes())?;
    drop((store, vault));
    let writer = Writer::open(home, probe)?;
    // The backup may be older than an erasure that was carried out since.
    erase::erase_all(&writer)?;
    Ok(Restored { writer, withheld: missing.len() as u64 })
}

/// Asks everything at hand that bears the log's signature whether it knows more than the bundle, or another history.
fn ask(home: &Home, old: &Home, from: &Sources<'_>, source: &mut Folder, head: &SignedHead) -> Result<(), BadRestore> {
    let Some(key) = testimony::own_key(home) else { return Ok(()) };
    let levels = testimony::tree(source, head.checkpoint.size).unwrap_or_default();
    let against = |why: Failure| match &why {
        Failure::Contradicted(found) if !found.differs && from.older_than_known => {
            testimony::pass_over(home, &found.evidence);
            Ok(())
        }
        _ => Err(match why {
            Failure::Contradicted(mut found) => {
                // What is to be restored from goes on being the folder that is replaced.
                old.folder().clone_into(&mut found.folder);
                BadRestore::Contradicted { ahead: !found.differs, why: Failure::Contradicted(found) }
            }
            why => why.into(),
        }),
    };
    let mut told = Heard::at_old(old, &key)?;
    for what in &told.unasked {
        verifier::tell!("note: not asked whether the bundle is the newest of this log: {what}");
    }
    told.told.extend(Heard::at(home, &key)?.told);
    told.hold_against(home, &key, &levels, Some(&head.note)).or_else(against)?;
    let bad = |why: String| Failure::Policy { path: home.policy(), why };
    let mut panel = Panel::over_http(from.policy.clone()).map_err(|e| bad(e.to_string()))?;
    let prove = |old, size| levels.consistency(old, size).unwrap_or_default();
    let now = Clock::System.now();
    let known = panel.hear(&head.note, &prove, now, now);
    if let Some(witness) = known.against.first() {
        against(publish::contradicted_at(home, (&levels, Some(&head.note)), witness))?;
    }
    let agreed: Vec<&str> =
        known.agreed.iter().chain(known.against.iter().map(|a| &a.name)).map(String::as_str).collect();
    if !panel.is_empty() && !from.without_witnesses && !from.policy.quorum_reached(&agreed) {
        let said: Vec<String> = known.silent.iter().map(|(name, why)| format!("witness {name}: {why}")).collect();
        return Err(Failure::Unheard { path: from.bundle.to_owned(), who: said.join("; ") }.into());
    }
    Ok(())
}

fn kept(source: &mut Folder, head: &str, size: u64) -> Result<Vec<(String, Vec<u8>)>, bundle::Unreadable> {
    let mut notes = vec![(checkpoint_name(size), head.as_bytes().to_vec())];
    for path in source.paths()? {
        let named = path.strip_prefix("checkpoints/").and_then(schemas::base::from_decimal);
        if let (Some(covered), Some(bytes)) = (named.filter(|n| *n != size), source.read(&path)?) {
            notes.push((checkpoint_name(covered), bytes));
        }
    }
    Ok(notes)
}

fn copy_keys(old: &Home, new: &Home) -> Result<(), BadRestore> {
    let mut keys = vec![(old.log_key(), new.log_key())];
    for from in old.seal_keys()? {
        let to = from.file_name().map(|name| files::parent(&new.seal_key()).join(name));
        keys.extend(to.map(|to| (from, to)));
    }
    for (from, to) in keys {
        crate::keys::read(&from)?;
        if !to.exists() {
            crate::keys::copy(&from, &to)?;
        }
    }
    // The outbox knows which rows were signed, and which numbers each key has used.
    if old.outbox().is_dir() {
        files::create_folder(&new.outbox())?;
        for path in files::list(&old.outbox(), |name| name.strip_suffix(".jsonl").is_some())? {
            let bytes = files::read(&path, crate::outbox::FILE_BYTES_MAX)?.unwrap_or_default();
            if let Some(name) = path.file_name() {
                files::replace(&new.outbox().join(name), &bytes)?;
            }
        }
    }
    for folder in [Home::outbox, Home::intake] {
        let (from, to) = (Reached::beside(&folder(old)), Reached::beside(&folder(new)));
        if let Some(bytes) = files::read(from.path(), 4_096)? {
            files::create_folder(new.folder())?;
            files::replace(to.path(), &bytes)?;
        }
    }
    // Sealed records that wait, the batch that was begun, and what each row became; what waits for a second signature.
    let intake = ["", "waiting", "done", "receipts"].map(|part| (old.intake().join(part), new.intake().join(part)));
    for (from, to) in intake.into_iter().chain([(old.drafts(), new.drafts())]) {
        if !from.is_dir() {
            continue;
        }
        files::create_folder(&to)?;
        for path in files::list(&from, |_| true)?.iter().filter(|path| path.is_file()) {
            let bytes = files::read(path, crate::outbox::FILE_BYTES_MAX)?.unwrap_or_default();
            if let Some(name) = path.file_name() {
                files::replace(&to.join(name), &bytes)?;
            }
        }
    }
    for name in ["pseudonyms", "parties.csv", "profile.toml"] {
        if let Some(bytes) = files::read(&old.folder().join(name), 16 << 20)? {
            files::create_folder(new.folder())?;
            files::replace(&new.folder().join(name), &bytes)?;
            // One that nobody has adopted yet is in no bundle.
            if name == "profile.toml" && old.documents().join(Hash::of(&[&bytes]).to_hex()).exists() {
                keep_document(new, &bytes)?;
            }
        }
    }
    Ok(())
}

/// The copies of the openings that are at hand, as the check reads them: of each entry what shows most of it.
struct Beside {
    copies: Vec<Copied>,
    /// How many entries the bundle says it has; the copies may be of another day.
    size: u64,
}

impl Beside {
    /// The backup, and what the old folder still has; `None` where there is neither.
    fn of(from: &Sources<'_>, old: &Home, bundle: &mut Folder) -> Result<Option<Self>, BadRestore> {
        let mut copies: Vec<Copied> = from.openings.iter().cloned().collect();
        if old.openings().is_dir() {
            copies
                .push(Copied { openings: old.openings(), keys: Some(old.opening_keys()).filter(|keys| keys.is_dir()) });
        }
        let note = bundle.read("checkpoint")?.and_then(|bytes| Note::parse(&bytes).ok());
        // The check that follows says what is wrong with a checkpoint that cannot be read.
        let size = note.and_then(|note| Checkpoint::parse(&note.text).ok()).map_or(0, |checkpoint| checkpoint.size);
        Ok((!copies.is_empty()).then_some(Self { copies, size }))
    }

    /// Why nothing of an entry is at hand, or not all.
    fn why(&self, position: u64) -> String {
        let number = position / tile::TILE_WIDTH;
        let why = |copy: &Copied| {
            let what = match copy.file(number).map(Option::unwrap_or_default) {
                Err(why) => why.to_string(),
                Ok(mut lines) => match lines.drain(..).nth((position % tile::TILE_WIDTH) as usize) {
                    None => "has no line of it".to_owned(),
                    Some(Err(why)) => why.to_string(),
                    Some(Ok(_)) if copy.keys.is_none() => "is without keys".to_owned(),
                    Some(Ok(_)) => "withholds it".to_owned(),
                },
            };
            format!("{}: {what}", copy.openings.shown())
        };
        self.copies.iter().map(why).collect::<Vec<_>>().join("; ")
    }
}

impl Source for Beside {
    fn paths(&mut self) -> Result<Vec<String>, bundle::Unreadable> {
        Ok((0..self.size.div_ceil(tile::TILE_WIDTH)).map(tile::index_path).collect())
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, bundle::Unreadable> {
        let Some(number) = tile::index_of(path) else { return Ok(None) };
        let first = number * tile::TILE_WIDTH;
        let Some(wanted) = self.size.checked_sub(first).filter(|wanted| *wanted > 0) else { return Ok(None) };
        let mut lines = vec![String::new(); wanted.min(tile::TILE_WIDTH) as usize];
        for copy in &self.copies {
            // One that is damaged does not stand in the way of the others; what none of them has is counted.
            let Ok(Some(copied)) = copy.file(number) else { continue };
            for (best, line) in lines.iter_mut().zip(copied) {
                if let Ok(line) = line
                    && (best.is_empty() || gaps(&line) < gaps(best))
                {
                    *best = line;
                }
            }
        }
        Ok(Some(lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect::<String>().into_bytes()))
    }
}

/// How many values a line of openings withholds.
fn gaps(line: &str) -> usize {
    OpeningLine::parse(line)
        .map_or(usize::MAX, |line| line.slots.iter().filter(|s| matches!(s, Slot::Withheld)).count())
}

/// Composes the opening line of every entry from what could be opened, and takes note of what could not.
#[derive(Default)]
struct Lines {
    texts: Vec<String>,
    /// Values that are withheld: the entry's position and address, and the slot.
    withheld: Vec<(u64, String, String)>,
    /// What erasures name: addresses, and fields of their entries.
    erased: BTreeSet<(String, String)>,
}

impl Lines {
    /// Positions of the entries with a value that is withheld and that no erasure names, one for each value.
    fn missing(&self) -> Vec<u64> {
        let mut named = (String::new(), String::new());
        let missing = self.withheld.iter().filter(|(_, address, slot)| {
            address.clone_into(&mut named.0);
            slot.clone_into(&mut named.1);
            !self.erased.contains(&named)
        });
        missing.map(|(position, ..)| *position).collect()
    }
}

impl Visitor for Lines {
    fn line(&mut self, entry: &Verified<Accepted>, line: Option<&OpeningLine>) {
        let entry = &entry.get().entry;
        let event = &entry.signed.event;
        let kind = Catalogue::built_in().event(&event.kind).filter(|kind| kind.hides);
        let position = self.texts.len() as u64;
        self.texts.push(line.filter(|_| kind.is_some()).map_or_else(String::new, OpeningLine::to_json));
        let slots = kind.map(|kind| kind.slots()).unwrap_or_default();
        for (number, slot) in slots.into_iter().enumerate() {
            if matches!(line.and_then(|line| line.slots.get(number)), None | Some(Slot::Withheld)) {
                self.withheld.push((position, event.address(), slot.to_owned()));
            }
        }
        if event.kind == ERASURE {
            self.erased.extend(erasures::named(event));
        }
    }

    fn entry(&mut self, _entry: &Verified<Accepted>, _opened: &Opened) {}
}
