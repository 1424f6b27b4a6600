//! Events that wait for their second signature, as files that can be carried to whoever gives it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use schemas::catalogue::{Catalogue, EventType};
use schemas::event::{BadEvent, SignedEvent};
use schemas::opening::{BadOpening, Disclosure, OpeningLine, Slot};
use schemas::time::Timestamp;
use schemas::visible::{self, Show as _};
use verifier::keyring::Keyring;
use verifier::signature::SecretKey;

use crate::failure::Failure;
use crate::files;
use crate::import::Holder;
use crate::keys::{BadKeyFile, KeyFolder};
use crate::outbox::{Opening, Outbox, Parcel};
use crate::pseudonym::Pseudonyms;

/// Longest draft, in bytes.
const DRAFT_BYTES_MAX: usize = 2 << 20;

/// Ending of their file names.
const ENDING: &str = ".draft";

/// Why a draft cannot be completed.
#[derive(Debug, thiserror::Error)]
pub enum BadDraft {
    /// The file is no draft.
    #[error("{}: not a draft that waits for a second signature", .path.shown())]
    Form {
        /// The file.
        path: PathBuf,
    },
    /// The event in it is malformed.
    #[error("{}: {why}", .path.shown())]
    Event {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: BadEvent,
    },
    /// What would be shown of its hidden values is not what would be signed.
    #[error(
        "{}: the hidden values beside the event are not those that it commits to ({why}): nothing was signed. Ask whoever \
         sent it for it again, and keep this file",
        .path.shown()
    )]
    Hidden {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: BadOpening,
    },
    /// The second holder's key is not at hand.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Name of the file in which the event of a row waits.
pub fn file_name(source: &str) -> String {
    format!("{}{ENDING}", source.replace('/', "."))
}

/// Writes an event that waits for its second signature: the parcel, then whose signature it is.
///
/// # Errors
/// [`Failure`] if it cannot be written.
pub fn write_draft(folder: &Path, parcel: &Parcel, holder: &Holder) -> Result<PathBuf, Failure> {
    files::create_folder(folder)?;
    let path = folder.join(file_name(&parcel.source));
    let text = format!("{}\n{} {}\n", parcel.to_line(), holder.party, holder.holder);
    files::replace(&path, text.as_bytes())?;
    Ok(path)
}

/// A draft as a person may read it before signing: what it says, and who is asked.
#[derive(Debug)]
pub struct Draft {
    /// The event, signed once, or twice if the second holder signed where the ledger is not.
    pub parcel: Parcel,
    /// The same, read.
    pub signed: SignedEvent,
    /// Whose signature is missing.
    pub holder: Holder,
}

/// Reads a draft.
///
/// # Errors
/// [`BadDraft`] says what is wrong with the file.
pub fn read_draft(path: &Path) -> Result<Draft, BadDraft> {
    let form = || BadDraft::Form { path: path.to_owned() };
    let bytes = files::read(path, DRAFT_BYTES_MAX)?.ok_or_else(form)?;
    let text = String::from_utf8(bytes).map_err(|_| form())?;
    let (line, whose) = text.trim_end().split_once('\n').ok_or_else(form)?;
    let parcel = Parcel::parse(line).ok_or_else(form)?;
    let (party, holder) = whose.split_once(' ').ok_or_else(form)?;
    let event = |why| BadDraft::Event { path: path.to_owned(), why };
    let signed = SignedEvent::parse(parcel.note.as_bytes()).map_err(event)?;
    if !(1..=2).contains(&signed.note.signatures.len()) {
        return Err(form());
    }
    fits(&signed, &parcel.opening).map_err(|why| BadDraft::Hidden { path: path.to_owned(), why })?;
    Ok(Draft { parcel, signed, holder: Holder { party: party.to_owned(), holder: holder.to_owned() } })
}

/// Whether the hidden values are those of the event: what a second person reads is what they sign.
pub(crate) fn fits(signed: &SignedEvent, opening: &Opening) -> Result<(), BadOpening> {
    let got = opening.slots.len().max(opening.digests.len());
    let kind = Catalogue::built_in().event(&signed.event.kind);
    match (signed.event.hidden_root(), kind) {
        (None, _) if got == 0 => Ok(()),
        (None, _) => Err(BadOpening::Count { want: 0, got }),
        (Some(_), None) => Err(BadOpening::Form),
        (Some(root), Some(kind)) => {
            let Opening { digests, slots } = opening.clone();
            OpeningLine { entry: 0, event: signed.id(), digests, slots }.check(root, kind).map(drop)
        }
    }
}

/// The drafts of a folder, by file. What is no draft is passed over; `ledger cosign` says what is wrong with it.
///
/// # Errors
/// [`Failure`] if the folder cannot be read.
pub fn drafts(folder: &Path) -> Result<Vec<(PathBuf, Draft)>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let paths = files::list(folder, |name| name.ends_with(ENDING))?;
    Ok(paths.into_iter().filter_map(|path| read_draft(&path).ok().map(|draft| (path, draft))).collect())
}

/// Takes hidden values out of the drafts of these events; see [`Outbox::erase`].
///
/// # Errors
/// [`Failure`] if a file cannot be read or replaced.
pub fn erase(folder: &Path, slots: &BTreeMap<String, Vec<usize>>, by: u64) -> Result<bool, Failure> {
    let mut any = false;
    if !folder.is_dir() {
        return Ok(any);
    }
    for path in files::list(folder, |name| name.ends_with(ENDING))? {
        let bytes = files::read(&path, DRAFT_BYTES_MAX)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let Some((line, whose)) = text.split_once('\n') else { continue };
        let Some(mut parcel) = Parcel::parse(line) else { continue };
        if parcel.erase(slots, by) {
            files::replace(&path, format!("{}\n{whose}", parcel.to_line()).as_bytes())?;
            any = true;
        }
    }
    Ok(any)
}

impl Draft {
    /// Whether the second signature is there already.
    pub fn is_signed(&self) -> bool {
        self.signed.note.signatures.len() == 2
    }

    /// Adds the second signature.
    pub fn sign(&mut self, key: &SecretKey) {
        self.signed.note.signatures.push(key.sign(&self.signed.note.text));
        self.parcel.note = self.signed.note.to_text();
    }
}

/// Adds the second signature to the draft itself, where the ledger is not.
///
/// # Errors
/// [`BadDraft`]; the draft is then as it was.
pub fn countersign(path: &Path, keys: &mut KeyFolder) -> Result<Draft, BadDraft> {
    let mut draft = read_draft(path)?;
    if !draft.is_signed() {
        draft.sign(&keys.last(&draft.holder.party, &draft.holder.holder)?);
        let text = format!("{}\n{} {}\n", draft.parcel.to_line(), draft.holder.party, draft.holder.holder);
        files::replace(path, text.as_bytes())?;
    }
    Ok(draft)
}

/// Adds the second signature, unless it is there, with the key that the log has in force. The file is
/// as it was.
///
/// # Errors
/// [`BadDraft`] if there is no such key, or no draft.
pub fn complete(
    path: &Path,
    keys: &KeyFolder,
    pseudonyms: &Pseudonyms,
    log: (&Keyring, Timestamp),
) -> Result<Draft, BadDraft> {
    let mut draft = read_draft(path)?;
    if !draft.is_signed() {
        let holder = pseudonyms.shown(&draft.holder);
        draft.sign(&keys.in_force(&holder.party, &holder.holder, log.0, log.1)?);
    }
    Ok(draft)
}

/// Whether a parcel holds the event of a draft; a second signature does not change it.
pub fn is_of(parcel: &Parcel, draft: &Draft) -> bool {
    SignedEvent::parse(parcel.note.as_bytes()).is_ok_and(|signed| signed.id() == draft.signed.id())
}

/// Puts a completed event into the outbox; the draft is removed after that.
///
/// # Errors
/// [`BadDraft`]; the draft is then as it was.
pub fn hand_over(path: &Path, draft: &Draft, outbox: &mut Outbox) -> Result<(), BadDraft> {
    if !outbox.has(&draft.parcel.source) {
        outbox.add(std::slice::from_ref(&draft.parcel))?;
    }
    Ok(files::remove(path)?)
}

/// What a second person is asked to sign: every byte of the event's text, and every hidden value, in a form in which two
/// different contents never look the same.
pub fn shown(signed: &SignedEvent, opening: &Opening) -> String {
    let mut text = String::new();
    for line in signed.note.text.lines() {
        let _ = writeln!(text, "{}", visible::exact(line));
    }
    let names = Catalogue::built_in().event(&signed.event.kind).map(EventType::slots).unwrap_or_default();
    for (name, slot) in names.into_iter().zip(&opening.slots) {
        let value = match slot {
            Slot::Open(text) => Disclosure::parse(text).map(|one| one.value.map_or("null".to_owned(), |v| v.to_json())),
            _ => None,
        };
        let value = value.unwrap_or_else(|| "sealed for oversight; it cannot be read here".to_owned());
        let _ = writeln!(text, "hidden {name}: {}", visible::exact(&value));
    }
    text
}
