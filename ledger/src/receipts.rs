//! Receipts beside the outbox: what the log answered to each row. FORMAT.md 14.1.
//!
//! One file a row, `PARTY/TYPE/ROW.tlog-proof`, with names as FORMAT.md 20.1 has them; of a refusal `PARTY/TYPE/ROW.<event id>.refusal`,
//! so that a row may be mended and signed again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use schemas::event::SignedEvent;
use schemas::file_name::encode;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::receipt::Receipt;
use schemas::refusal::RefusalReceipt;
use schemas::time::Timestamp;

use crate::failure::Failure;
use crate::files;
use crate::outbox::Parcel;
use crate::pack;
use crate::plan::Rejection;
use crate::publish;
use crate::queue::Queue;
use crate::writer::Writer;

/// Hex digits of the event id in the name of a refusal.
const ID_DIGITS: usize = 16;
/// Ending of a receipt's name. C2SP tlog-proof.
pub const RECEIPT: &str = "tlog-proof";
/// Ending of a refusal's name.
pub const REFUSAL: &str = "refusal";
/// Outer type of the sealed stream: its receipts are the oversight body's to give.
const SEALED: &str = "sealed.record.appended";

/// The folder of receipts.
#[derive(Clone, Debug)]
pub struct Receipts {
    folder: PathBuf,
}

impl Receipts {
    /// The receipts beside an outbox.
    pub fn beside(outbox: &Path) -> Self {
        Self { folder: outbox.join("receipts") }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the receipt of a register row lies, once there is one.
    pub fn path(&self, source: &str) -> PathBuf {
        self.named(source, RECEIPT)
    }

    fn named(&self, source: &str, ending: &str) -> PathBuf {
        // A party or a row may be called "..", "a:b" or "CON": FORMAT.md 20.1.
        let mut path = self.folder.clone();
        path.extend(source.split('/').map(encode));
        let mut path = path.into_os_string();
        path.push(format!(".{ending}"));
        path.into()
    }

    fn refusal_path(&self, source: &str, id: &Hash) -> PathBuf {
        self.named(source, &format!("{}.{REFUSAL}", &id.to_hex()[..ID_DIGITS]))
    }

    /// Whether this very event was refused before: only another event for the row may help.
    pub fn is_refused(&self, parcel: &Parcel) -> bool {
        self.folder.exists() && event_id(parcel).is_some_and(|id| self.refusal_path(&parcel.source, &id).exists())
    }

    /// The parcels that may be offered: all but those refused before.
    pub fn offered(&self, parcels: Vec<Parcel>) -> Vec<Parcel> {
        if !self.folder.exists() {
            return parcels;
        }
        parcels.into_iter().filter(|parcel| !self.is_refused(parcel)).collect()
    }

    /// Keeps a refusal, signed by the log's key, so that the reporter can show that it was kept out,
    /// when and why.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written.
    pub fn refuse(&self, writer: &Writer, parcel: &Parcel, why: &Rejection, at: Timestamp) -> Result<(), Failure> {
        let Some(event) = event_id(parcel) else { return Ok(()) };
        let Some(note) = refusal(writer, parcel.note.as_bytes(), why, at) else { return Ok(()) };
        let path = self.refusal_path(&parcel.source, &event);
        files::create_folder(files::parent(&path))?;
        files::replace(&path, note.to_text().as_bytes())
    }

    /// Writes the receipts that are missing and can be given now; says how many.
    ///
    /// # Errors
    /// [`Failure::Unpublished`] if no witness has seen anything yet; else [`Failure`] if one cannot be
    /// written, or the store does not give an entry.
    pub fn complete(&self, writer: &Writer, parcels: &[Parcel]) -> Result<u64, Failure> {
        let (published, note) = publish::head(writer)?;
        let mut written = 0;
        let mut folders = BTreeSet::new();
        for parcel in parcels {
            let path = self.path(&parcel.source);
            if path.exists() {
                continue;
            }
            let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { continue };
            let Some(position) = writer.log().position_of(&signed) else { continue };
            if position >= published.size || signed.event.kind == SEALED {
                continue;
            }
            let receipt = under(writer, position, published.size, &note)?;
            let folder = files::parent(&path);
            if folders.insert(folder.to_owned()) {
                files::create_folder(folder)?;
            }
            // Not worth an fsync each: a receipt that is lost is given again.
            files::write_again(&path, receipt.to_text().as_bytes())?;
            written += 1;
        }
        Ok(written)
    }
}

/// Writes the receipts of the sealed stream that are missing and can be given now, padding's too, so
/// that their number says nothing. A receipt proves the record without showing it.
///
/// # Errors
/// [`Failure`] as [`Receipts::complete`].
pub fn complete_sealed(writer: &Writer, queue: &Queue) -> Result<u64, Failure> {
    let mut written = 0;
    for tag in queue.tags()? {
        let path = queue.receipt(&tag);
        let Some((address, _)) = queue.became(&tag)?.filter(|_| !path.exists()) else { continue };
        let Some(position) = writer.log().record(&address) else { continue };
        let Some(receipt) = receipt(writer, position)? else { continue };
        files::create_folder(files::parent(&path))?;
        files::write_again(&path, receipt.to_text().as_bytes())?;
        written += 1;
    }
    Ok(written)
}

/// The receipt of an entry under the published checkpoint; nothing where that does not cover it yet.
///
/// # Errors
/// [`Failure::Unpublished`] if no witness has seen anything yet; else if the store does not give it.
pub fn receipt(writer: &Writer, position: u64) -> Result<Option<Receipt>, Failure> {
    let (published, note) = publish::head(writer)?;
    if position >= published.size {
        return Ok(None);
    }
    under(writer, position, published.size, &note).map(Some)
}

/// The receipt of a refusal, signed by the log's key; nothing where the bytes are not even a note.
pub fn refusal(writer: &Writer, note: &[u8], why: &Rejection, at: Timestamp) -> Option<Note> {
    let event = Hash::of(&[Note::parse(note).ok()?.text.as_bytes()]);
    Some(refusal_of(writer, event, why, at))
}

/// The same for an event whose id is known.
pub fn refusal_of(writer: &Writer, event: Hash, why: &Rejection, at: Timestamp) -> Note {
    let number = match why {
        Rejection::Admission(refusal) => refusal.number(),
        Rejection::Intake(_) | Rejection::Writer { .. } => 0,
    };
    let origin = writer.log().origin().clone();
    writer.sign_refusal(&RefusalReceipt { origin, event, at, number, words: why.to_string() })
}

/// The receipt of an entry under a checkpoint of that size.
///
/// # Errors
/// [`Failure`] if the store does not give it.
pub fn under(writer: &Writer, position: u64, size: u64, checkpoint: &Note) -> Result<Receipt, Failure> {
    let proven = pack::proven(writer.reader(), position, size)?;
    let checkpoint = checkpoint.clone();
    Ok(Receipt { entry: Some(proven.entry), index: position, proof: proven.proof, checkpoint })
}

fn event_id(parcel: &Parcel) -> Option<Hash> {
    Note::parse(parcel.note.as_bytes()).ok().map(|note| Hash::of(&[note.text.as_bytes()]))
}
