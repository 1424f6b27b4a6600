//! The batches of a log, found again in its entries. Reads the store; knows nothing of NATS.

use schemas::batch::Batch;
use schemas::entry::Entry;
use schemas::note::Note;
use verifier::admit::SEAL;

use crate::failure::{Damage, Failure};
use crate::store::Store;
use crate::writer::{Writer, checkpoint_name};

/// What the bytes of every seal hold, and hardly another entry: looked for before an entry is parsed.
const SEAL_MARK: &[u8] = b"\"type\":\"ledger.index.sealed\"";
/// Length of an Ed25519 signature; a cosignature has a time before it.
const SIGNATURE_BYTES: usize = 64;

/// One batch, and where the next begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The batch.
    pub batch: Batch,
    /// Entries under its checkpoint: the position of the next batch.
    pub size: u64,
}

/// The batch that begins at a position; none where the log ends there.
///
/// # Errors
/// [`Failure`] if the store does not give an entry.
pub fn read(writer: &Writer, first: u64) -> Result<Option<Cut>, Failure> {
    if first >= writer.store().size() {
        return Ok(None);
    }
    let mut entries = Vec::new();
    for entry in writer.entries(first) {
        let (position, bytes) = entry?;
        let number = sealed(&bytes);
        entries.push(bytes);
        if let Some(number) = number {
            let size = position + 1;
            let checkpoint = plain_checkpoint(writer, size)?;
            return Ok(Some(Cut { batch: Batch { number, first, checkpoint, entries }, size }));
        }
    }
    Err(gap(writer.store()))
}

/// Where the batch of a number begins; the log's size for the one after the last, none beyond that.
///
/// # Errors
/// [`Failure`] if the store does not give an entry.
pub fn find(store: &Store, number: u64) -> Result<Option<u64>, Failure> {
    // Numbers of batches rise with positions, so the first position of a batch can be halved for.
    let (mut low, mut high) = (0, store.size());
    while low < high {
        let middle = low + (high - low) / 2;
        let (found, size) = seal_from(store, middle)?;
        if found < number {
            low = size; // all up to that seal belongs to earlier batches
        } else {
            high = middle;
        }
    }
    let begins = if low == 0 { number == 1 } else { seal_from(store, low - 1)?.0 + 1 == number };
    Ok(begins.then_some(low))
}

/// The first seal at or after a position: its number, and the size of the log with it.
fn seal_from(store: &Store, position: u64) -> Result<(u64, u64), Failure> {
    for entry in store.entries(position) {
        let (at, bytes) = entry?;
        if let Some(number) = sealed(&bytes) {
            return Ok((number, at + 1));
        }
    }
    Err(gap(store))
}

/// The number of the batch that this entry seals, if it is a seal.
fn sealed(bytes: &[u8]) -> Option<u64> {
    if !bytes.windows(SEAL_MARK.len()).any(|window| window == SEAL_MARK) {
        return None;
    }
    let event = Entry::reread(bytes).ok()?.signed.event;
    let number = event.data.get("batch").filter(|_| event.kind == SEAL)?.as_integer()?;
    u64::try_from(number).ok()
}

/// The checkpoint of a size with the log's own signature alone, the same whenever it is asked for.
fn plain_checkpoint(writer: &Writer, size: u64) -> Result<Note, Failure> {
    let kept = writer.store().note(&checkpoint_name(size))?;
    if let Some(mut note) = kept.and_then(|bytes| Note::parse(&bytes).ok()) {
        let own = writer.log().origin().as_str();
        note.signatures.retain(|line| line.name == own && line.signature.len() == SIGNATURE_BYTES);
        if !note.signatures.is_empty() {
            return Ok(note);
        }
    }
    // A restored log keeps one a day. The key signs the same text with the same bytes again.
    writer.sign_checkpoint(size)
}

fn gap(store: &Store) -> Failure {
    Failure::damaged(store.dir(), Damage::Gap { position: store.size() })
}
