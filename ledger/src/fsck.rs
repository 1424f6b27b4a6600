//! Reads a whole ledger and verifies it as an auditor would, signatures included; then everything that is kept beside the
//! log, and that the next commit, pack or export will need.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use schemas::catalogue::Catalogue;
use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::opening::{BadOpening, OpeningLine};
use schemas::policy::Policy;
use schemas::receipt::Receipt;
use schemas::visible::Show as _;
use verifier::bundle::adopted_document;
use verifier::erasures::Erasures;
use verifier::fault::Fault;
use verifier::follower::{Accepted, Follower};
use verifier::head::check_head;

use crate::cosign;
use crate::failure::{Failure, OPENINGS_WAY_OUT};
use crate::files;
use crate::folder;
use crate::import::{Limits, Parties, render};
use crate::keys;
use crate::outbox::Outbox;
use crate::pseudonym::Pseudonyms;
use crate::publish;
use crate::queue::Queue;
use crate::receipts::RECEIPT;
use crate::settings::Settings;
use crate::writer::{DOCUMENT_BYTES_MAX, Writer};

/// Longest small file that is read, in bytes.
const FILE_BYTES_MAX: usize = 64 << 20;

/// What helps where a parcel is not as it was written.
const OUTBOX_WAY_OUT: &str =
    "put outbox/ back from its newest copy. What was handed in stands in the log as it was signed";

/// What a check of the whole ledger found.
#[derive(Debug, Default)]
pub struct Found {
    /// Entries read.
    pub entries: u64,
    /// Signatures checked.
    pub signatures: u64,
    /// Opening lines checked.
    pub lines: u64,
    /// Files beside the log that were looked at.
    pub files: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is worth knowing, and not wrong.
    pub notes: Vec<String>,
}

/// Something that is wrong, with what to do.
#[derive(Debug)]
pub enum Problem {
    /// With the log itself: only another copy of it helps.
    Log(Fault),
    /// With something that is kept beside it.
    Beside {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(fault) => fault.fmt(f),
            Self::Beside { path, what } => write!(f, "{}: {what}", path.shown()),
        }
    }
}

impl Found {
    /// Whether the log itself is at fault, so that it must be restored.
    pub fn wants_restore(&self) -> bool {
        self.problems.iter().any(|problem| matches!(problem, Problem::Log(_)))
    }

    fn beside(&mut self, path: &Path, what: impl fmt::Display) {
        self.problems.push(Problem::Beside { path: path.to_owned(), what: what.to_string() });
    }

    /// Takes in what became of looking at a file; a failure names its path itself.
    fn looked<T>(&mut self, path: &Path, outcome: Result<T, impl fmt::Display>) -> Option<T> {
        self.files += 1;
        outcome.map_err(|why| self.beside(path, why)).ok()
    }
}

/// Checks everything: entries with their signatures, the root against the last checkpoint, every opening against what
/// was committed and against what was erased, documents, keys, what is published, and each file beside the log.
///
/// # Errors
/// [`Failure`] if something cannot be read at all.
pub fn check(writer: &Writer, progress: &mut dyn FnMut(u64, u64)) -> Result<Found, Failure> {
    let mut found = Found::default();
    let mut adopted = BTreeSet::new();
    log(writer, progress, &mut adopted, &mut found)?;
    documents(writer, &adopted, &mut found)?;
    own_keys(writer, &mut found);
    published(writer, &mut found)?;
    lists(writer, &mut found)?;
    outbox(writer, &mut found)?;
    intake(writer, &mut found)?;
    drafts(writer, &mut found)?;
    Ok(found)
}

/// The log, entry by entry, with its openings.
fn log(
    writer: &Writer,
    progress: &mut dyn FnMut(u64, u64),
    adopted: &mut BTreeSet<Hash>,
    found: &mut Found,
) -> Result<(), Failure> {
    let mut follower = Follower::new(writer.log().origin().clone());
    let mut erasures = Erasures::default();
    let mut lines: Box<dyn Iterator<Item = _>> = Box::new(writer.vault().lines(0));
    let total = writer.log().size();
    for entry in writer.store().entries(0) {
        let (position, bytes) = entry?;
        if let Err(fault) = follower.push(&bytes) {
            found.problems.push(Problem::Log(fault));
            return Ok(());
        }
        if position + 1 == total || (position + 1).is_multiple_of(1024) {
            let accepted = match follower.drain() {
                Ok(accepted) => accepted,
                Err(fault) => {
                    found.problems.push(Problem::Log(fault));
                    return Ok(());
                }
            };
            for entry in accepted {
                let entry = entry.get();
                adopted.extend(adopted_document(&entry.entry.signed.event));
                let place = |address: &str| writer.log().record(address);
                erasures.see(&entry.entry, entry.roles(), &place);
                let Some(line) = lines.next() else { break };
                found.lines += 1;
                let told = match line {
                    Ok((_, line)) => check_line(entry, &line).err().map(|why| format!("{why}; {OPENINGS_WAY_OUT}")),
                    Err(Failure::Damaged { damage, .. }) => {
                        lines = Box::new(writer.vault().lines(entry.entry.position + 1));
                        Some(format!("{damage}; {OPENINGS_WAY_OUT}"))
                    }
                    Err(why) => return Err(why),
                };
                told.into_iter().for_each(|what| found.beside(writer.vault().openings(), what));
            }
            progress(position + 1, total);
        }
    }
    found.entries = follower.state().size();
    found.signatures = follower.signatures();
    let root = follower.state().root();
    if root != writer.log().root() {
        let path = writer.home().checkpoint().shown().to_string();
        found.problems.push(Problem::Log(Fault::Root { path, stated: writer.log().root(), found: root }));
    }
    for by in erasures.positions() {
        for (position, slot) in erasures.lawful(by).unwrap_or_default() {
            still_open(writer, position, &slot, by, found)?;
        }
    }
    Ok(())
}

/// What a lawful erasure names must be gone.
fn still_open(writer: &Writer, position: u64, slot: &str, by: u64, found: &mut Found) -> Result<(), Failure> {
    let entry = writer.entry(position)?.and_then(|bytes| Entry::parse(&bytes).ok());
    let kind = entry.as_ref().and_then(|entry| Catalogue::built_in().event(&entry.signed.event.kind));
    let number = kind.and_then(|kind| kind.slots().iter().position(|name| *name == slot));
    let kept = number.map(|number| writer.vault().still_has(position, &[number])).transpose()?;
    if kept.is_some_and(|kept| !kept.is_empty()) {
        let what = format!(
            "{slot} of entry {position} is still there, although entry {by} of the log erased it: ledger erase {} {by}",
            writer.home().folder().shown()
        );
        found.beside(writer.vault().openings(), what);
    }
    Ok(())
}

/// What was adopted is at hand, byte for byte; and nothing stands under another's digest.
fn documents(writer: &Writer, adopted: &BTreeSet<Hash>, found: &mut Found) -> Result<(), Failure> {
    let folder = writer.home().documents();
    for digest in adopted.iter().filter(|digest| !folder.join(digest.to_hex()).exists()) {
        found.beside(
            &folder.join(digest.to_hex()),
            "the log adopted this document and it is gone: no bundle would verify; bring it back with `ledger document`, \
             every older bundle has it in documents/",
        );
    }
    if !folder.is_dir() {
        return Ok(());
    }
    for path in files::list(&folder, |name| Hash::from_hex(name).is_some())? {
        found.files += 1;
        let bytes = files::read(&path, DOCUMENT_BYTES_MAX)?.unwrap_or_default();
        let digest = Hash::of(&[&bytes]).to_hex();
        if path.file_name().is_none_or(|name| *name != *digest) {
            let what = "it is not what its name, a digest, says: take it away, and bring the right one back with `ledger \
                        document`; every older bundle has it in documents/";
            found.beside(&path, what);
        }
    }
    Ok(())
}

/// The keys of checkpoints and of seals are those that the log knows.
fn own_keys(writer: &Writer, found: &mut Found) {
    let home = writer.home();
    if let Some(key) = found.looked(&home.log_key(), keys::read(&home.log_key()))
        && writer.log().genesis().is_none_or(|genesis| genesis.log_key != key.vkey())
    {
        found.beside(
            &home.log_key(),
            "it is not the key of checkpoints that genesis names: put that one back (KEYS.md)",
        );
    }
    let mut seals = Vec::new();
    for path in home.seal_keys().unwrap_or_default() {
        seals.extend(found.looked(&path, keys::read(&path)).map(|key| key.vkey()));
    }
    if let Some(in_office) = writer.log().writer()
        && !seals.contains(in_office.public().vkey())
    {
        let what = format!(
            "the key of {}, who seals, is not among them: put it back, or name another writer: `ledger epoch --help`",
            in_office.holder.name
        );
        found.beside(files::parent(&home.seal_key()), what);
    }
}

/// The policy is about this log, and what was published is of it.
fn published(writer: &Writer, found: &mut Found) -> Result<(), Failure> {
    let home = writer.home();
    let Ok(key) = keys::read(&home.log_key()) else { return Ok(()) }; // said already
    let Some(policy) = found.looked(&home.policy(), publish::policy(writer)) else { return Ok(()) };
    if !policy.logs.contains(&key.vkey()) {
        found.beside(&home.policy(), "it has no line for this log: set another with `ledger witness`");
    }
    let Some(bytes) = files::read(&home.published(), FILE_BYTES_MAX)? else { return Ok(()) };
    let what = "it is no checkpoint of this log as it stands: take it away (keep it as evidence), and ask the witnesses \
                again with `ledger publish`";
    let ours = signed(writer, &bytes).is_some_and(|checkpoint| is_of(writer, &checkpoint));
    found.looked(&home.published(), if ours { Ok(()) } else { Err(what) });
    Ok(())
}

/// The lists that commands go by.
fn lists(writer: &Writer, found: &mut Found) -> Result<(), Failure> {
    let home = writer.home();
    let lost = |path: &Path| Failure::Absent { what: "file", path: path.to_owned() };
    let profile = Settings::of(home).map_err(|why| match why {
        Failure::Lost { what, way_out, .. } => format!("{what}; {way_out}"),
        other => other.to_string(),
    });
    found.looked(&home.profile(), profile);
    let list = files::read(&home.parties(), FILE_BYTES_MAX)?.ok_or_else(|| lost(&home.parties()));
    let Some(bytes) = found.looked(&home.parties(), list) else { return Ok(()) };
    let (parties, problems) = Parties::read("parties.csv", &bytes, &Limits::default());
    if !problems.is_empty() {
        found.beside(&home.parties(), render(&problems));
        return Ok(());
    }
    if let Ok(outbox) = Outbox::open(&home.outbox()) {
        let names = Pseudonyms::of_ledger(&home.pseudonyms(), &parties, Some(writer.log()), &outbox);
        if let Some(names) = found.looked(&home.pseudonyms(), names) {
            let said = folder::unlisted_in_words(writer, &parties, &names);
            found.notes.extend(said.map(|said| format!("{}: {said}", home.parties().shown())));
        }
    }
    Ok(())
}

/// Every parcel of the outbox is signed, and in the log or on its way; every receipt is of this log.
fn outbox(writer: &Writer, found: &mut Found) -> Result<(), Failure> {
    let home = writer.home();
    let Some(outbox) = found.looked(&home.outbox(), Outbox::open(&home.outbox())) else { return Ok(()) };
    let mut waiting = 0u64;
    for parcel in outbox.parcels()? {
        let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else {
            found.beside(&home.outbox(), format!("{}: it is no signed event", parcel.source));
            continue;
        };
        if let Err(why) = cosign::fits(&signed, &parcel.opening) {
            found.beside(
                &home.outbox(),
                format!(
                    "{}: the hidden values are not those that the event commits to ({why}); {OUTBOX_WAY_OUT}",
                    parcel.source
                ),
            );
            continue;
        }
        if let Some(position) = writer.log().position_of(&signed) {
            let entry = writer.entry(position)?.and_then(|bytes| Entry::parse(&bytes).ok());
            if entry.is_none_or(|entry| entry.signed.note.signatures != signed.note.signatures) {
                let what = format!("{}: its signatures are not those of the log; {OUTBOX_WAY_OUT}", parcel.source);
                found.beside(&home.outbox(), what);
            }
            continue;
        }
        if outbox.receipts().is_refused(&parcel) {
            continue;
        }
        waiting += 1;
        if let Err(why) = writer.log().keyring().open(signed) {
            found.beside(&home.outbox(), format!("{}: the log would not take it: {why}", parcel.source));
        }
    }
    if waiting > 0 {
        found.notes.push(format!("{waiting} events of the outbox are not in the log yet: ledger submit"));
    }
    receipts(writer, outbox.receipts().folder(), found)
}

/// Receipts below a folder are of this log as it stands.
fn receipts(writer: &Writer, folder: &Path, found: &mut Found) -> Result<(), Failure> {
    if !folder.is_dir() {
        return Ok(());
    }
    for path in files::list(folder, |_| true)? {
        if path.is_dir() {
            receipts(writer, &path, found)?;
        } else if path.extension().is_some_and(|ending| ending == RECEIPT) {
            let bytes = files::read(&path, FILE_BYTES_MAX)?.unwrap_or_default();
            let what = "it is no receipt of this log as it stands: keep it as evidence if it was given so, else take it \
                        away, and the next `ledger submit` gives it again";
            let receipt = std::str::from_utf8(&bytes).ok().and_then(|text| Receipt::parse(text).ok());
            let ours = receipt.is_some_and(|receipt| {
                let entry = writer.entry(receipt.index).ok().flatten();
                let checkpoint = signed(writer, receipt.checkpoint.to_text().as_bytes());
                let same = receipt.entry.is_none() || receipt.entry == entry;
                same && entry.is_some() && checkpoint.is_some_and(|checkpoint| is_of(writer, &checkpoint))
            });
            found.looked(&path, if ours { Ok(()) } else { Err(what) });
        }
    }
    Ok(())
}

/// What waits for the week's batch.
fn intake(writer: &Writer, found: &mut Found) -> Result<(), Failure> {
    let folder = writer.home().intake();
    let queue = Queue::at(&folder);
    found.looked(&folder, queue.look());
    receipts(writer, &folder.join("receipts"), found)
}

/// Drafts can be read by whoever shall sign them.
fn drafts(writer: &Writer, found: &mut Found) -> Result<(), Failure> {
    let folder = writer.home().drafts();
    if !folder.is_dir() {
        return Ok(());
    }
    let drafts = files::list(&folder, |name| Path::new(name).extension().is_some_and(|ending| ending == "draft"))?;
    for path in &drafts {
        let Some(draft) = found.looked(path, cosign::read_draft(path)) else { continue };
        let note = &draft.signed.note;
        let keyring = writer.log().keyring();
        let bad = note.signatures.iter().any(|line| {
            let key = keyring.find(line).map(|number| keyring.key(number).public());
            key.is_some_and(|key| !key.holds(note.text.as_bytes(), &line.signature))
        });
        if bad {
            found.beside(path, "a signature in it does not hold: take it away, and sign the row again");
        }
    }
    if !drafts.is_empty() {
        found.notes.push(format!("{} drafts wait for their second signature: ledger cosign", drafts.len()));
    }
    Ok(())
}

/// The checkpoint, if the log's own key signed it.
fn signed(writer: &Writer, note: &[u8]) -> Option<Checkpoint> {
    // Whoever cosigned it, the log's signature is what counts here.
    Note::parse(note).ok()?;
    let policy = Policy::parse(&folder::policy(writer.log())).ok()?;
    check_head(note, &policy).ok().map(|head| head.get().checkpoint.clone())
}

/// Whether the log was that when it had that size.
fn is_of(writer: &Writer, checkpoint: &Checkpoint) -> bool {
    writer.levels().root(checkpoint.size).is_ok_and(|root| root == checkpoint.root)
}

fn check_line(accepted: &Accepted, line: &str) -> Result<(), Fault> {
    let event = &accepted.entry.signed.event;
    let position = accepted.entry.position;
    let bad = |what| Fault::Opening { position, address: event.address(), what };
    let (Some(root), Some(kind)) = (event.hidden_root(), Catalogue::built_in().event(&event.kind)) else {
        return if line.is_empty() { Ok(()) } else { Err(bad(BadOpening::OtherEntry)) };
    };
    // An empty line: the ledger was restored without this opening; the value is withheld.
    if line.is_empty() {
        return Ok(());
    }
    let parsed = OpeningLine::parse(line).map_err(bad)?;
    if parsed.entry != position || parsed.event != accepted.entry.signed.id() {
        return Err(bad(BadOpening::OtherEntry));
    }
    parsed.check(root, kind).map(drop).map_err(bad)
}
