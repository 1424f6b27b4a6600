//! A ledger from a bundle: checked first, entry by entry, then taken in.

use std::path::{Path, PathBuf};

use schemas::catalogue::Catalogue;
use schemas::hash::Hash;
use schemas::opening::OpeningLine;
use schemas::policy::Policy;
use schemas::tile;
use verifier::Verified;
use verifier::bundle::{self, Opened, Source, Visitor};
use verifier::files::Folder;
use verifier::follower::Accepted;
use verifier::report::{Report, Verdict};
use verifier::threads::Threads;

use crate::anchor::Anchor;
use crate::erase::{self, BadErase};
use crate::failure::Failure;
use crate::files;
use crate::keys::BadKeyFile;
use crate::probe::Probe;
use crate::reached::Reached;
use crate::store::{Batch, Store};
use crate::vault::{Copied, Vault};
use crate::writer::{BadLedger, Home, Writer, checkpoint_name};

/// Entries taken in at a time.
const ENTRIES_A_COMMIT: usize = 256;

/// Why a bundle cannot be restored from.
#[derive(Debug, thiserror::Error)]
pub enum BadRestore {
    /// The bundle does not verify.
    #[error("the bundle does not verify, so nothing was restored: {}", first(.0))]
    NotVerified(Box<Report>),
    /// The bundle is behind the checkpoint that was signed last.
    #[error("the bundle ends at {size} entries, but {signed} were signed ({}): restoring it would fork the log; find a newer bundle", .path.display())]
    Behind {
        /// Size of the bundle.
        size: u64,
        /// Size that was signed.
        signed: u64,
        /// The checkpoint that says so.
        path: PathBuf,
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
}

/// Restores a ledger into a new folder and opens it.
///
/// # Errors
/// [`BadRestore`]; the new folder is of no use then.
pub fn restore(home: &Home, from: &Sources<'_>, probe: &Probe) -> Result<Writer, BadRestore> {
    if home.checkpoint().exists() {
        return Err(Failure::Occupied { path: home.folder().to_owned() }.into());
    }
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
    let report = bundle::check_with(
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
        if signed.size > size {
            return Err(BadRestore::Behind { size, signed: signed.size, path: old.checkpoint() });
        }
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
    files::replace(&home.checkpoint(), head.note.to_text().as_bytes())?;
    drop((store, vault));
    let writer = Writer::open(home, probe)?;
    // The backup may be older than an erasure that was carried out since.
    erase::erase_all(&writer)?;
    Ok(writer)
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
