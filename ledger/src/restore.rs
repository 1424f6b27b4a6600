//! A ledger from a bundle: checked first, entry by entry, then taken in.

use std::path::{Path, PathBuf};

use schemas::catalogue::Catalogue;
use schemas::hash::Hash;
use schemas::opening::OpeningLine;
use schemas::policy::Policy;
use schemas::tile;
use schemas::visible::Show as _;
use verifier::Verified;
use verifier::bundle::{self, Opened, Source, Visitor};
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
use crate::writer::{BadLedger, Home, Writer, checkpoint_name};

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
    /// The backup of the openings, where it is at hand; without it hidden values stay withheld.
    pub openings: Option<Copied>,
    /// The policy held from elsewhere.
    pub policy: &'a Policy,
    /// The damaged ledger's folder: its keys are taken over, and its last checkpoint is respected.
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

/// Restores a ledger into a new folder and opens it.
///
/// # Errors
/// [`BadRestore`]; the new folder is of no use then.
pub fn restore(home: &Home, from: &Sources<'_>, probe: &Probe) -> Result<Writer, BadRestore> {
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
    let mut beside = from.openings.clone().map(Beside);
    let mut lines = Lines { texts: Vec::new() };
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
        let Ok(note) = schemas::note::Note::parse(&bytes) else { continue };
        let Ok(signed) = schemas::checkpoint::Checkpoint::parse(&note.text) else { continue };
        if signed.size > size && !from.older_than_known {
            return Err(BadRestore::Behind { size, signed: signed.size, path: old.checkpoint() });
        }
    }
    ask(home, &old, from, &mut source, &head)?;
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
    if let Some(anchor) = Places::of(&old)?.anchor().filter(|_| !from.older_than_known) {
        Places::remember(home, Lies::Anchor, anchor)?;
    }
    files::replace(&home.checkpoint(), head.note.to_text().as_bytes())?;
    drop((store, vault));
    let writer = Writer::open(home, probe)?;
    // The backup may be older than an erasure that was carried out since.
    erase::erase_all(&writer)?;
    Ok(writer)
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
        Failure::Contradicted(found) => Err(BadRestore::Contradicted { ahead: !found.differs, why }),
        _ => Err(why.into()),
    };
    let mut told = Heard::at_old(old, &key)?;
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
    // Sealed records that wait, the batch that was begun, and what each row became.
    for part in ["", "waiting", "done", "receipts"] {
        let (from, to) = (old.intake().join(part), new.intake().join(part));
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
        }
    }
    Ok(())
}

/// A backup of the openings as the check reads it.
struct Beside(Copied);

impl Source for Beside {
    fn paths(&mut self) -> Result<Vec<String>, bundle::Unreadable> {
        Folder::new(&self.0.openings).paths()
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, bundle::Unreadable> {
        let Some(number) = tile::index_of(path) else { return Ok(None) };
        let text = self.0.file(number);
        text.map(|text| text.map(String::into_bytes))
            .map_err(|why| bundle::Unreadable { path: path.to_owned(), why: why.to_string() })
    }
}

/// Composes the opening line of every entry from what could be opened.
struct Lines {
    texts: Vec<String>,
}

impl Visitor for Lines {
    fn line(&mut self, entry: &Verified<Accepted>, line: Option<&OpeningLine>) {
        let hides = Catalogue::built_in().event(&entry.get().entry.signed.event.kind).is_some_and(|k| k.hides);
        self.texts.push(line.filter(|_| hides).map_or_else(String::new, OpeningLine::to_json));
    }

    fn entry(&mut self, _entry: &Verified<Accepted>, _opened: &Opened) {}
}
