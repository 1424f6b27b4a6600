//! Destroying hidden values for good, and only where an erasure in the log is lawful (rule V-07).
//! FORMAT.md 17.
//!
//! Order: keys, openings, outbox, drafts. Each file is replaced whole. Cut short at any moment,
//! doing it again finishes; done twice, the second time changes nothing.

use std::collections::BTreeMap;

use schemas::catalogue::Catalogue;
use schemas::event::SignedEvent;
use verifier::erasures::{ERASURE, Erasures, Target, Unlawful};
use verifier::fault::Fault;
use verifier::follower::Follower;

use crate::cosign;
use crate::failure::Failure;
use crate::files;
use crate::outbox::Outbox;
use crate::writer::Writer;

/// Entries after which what was read is judged.
const ENTRIES_AT_ONCE: u64 = 1_024;

/// Why nothing was erased.
#[derive(Debug, thiserror::Error)]
pub enum BadErase {
    /// No such entry.
    #[error("there is no entry {what} in the log: give the position or the address of an {ERASURE}")]
    NoEntry {
        /// What was asked for.
        what: String,
    },
    /// The erasure is not lawful.
    #[error("entry {position} erases nothing: {why} (rule V-07)")]
    Unlawful {
        /// Its position.
        position: u64,
        /// Why.
        why: Unlawful,
    },
    /// The log does not verify: nothing is destroyed on its word.
    #[error("the log does not verify, so nothing is destroyed on its word: {0}")]
    Fault(#[from] Fault),
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// What an erasure came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erased {
    /// Position of the erasure.
    pub by: u64,
    /// The slots that it names: the address of the entry and the field.
    pub slots: Vec<(String, String)>,
    /// Whether something was still there.
    pub changed: bool,
}

/// Judges all erasures of the log, signatures included.
///
/// # Errors
/// [`BadErase::Fault`] if the log does not verify, [`BadErase::Failure`].
pub fn judge(writer: &Writer) -> Result<Erasures, BadErase> {
    let mut follower = Follower::new(writer.log().origin().clone());
    let mut erasures = Erasures::default();
    let total = writer.log().size();
    for entry in writer.entries(0) {
        let (position, bytes) = entry?;
        follower.push(&bytes)?;
        if position + 1 == total || (position + 1).is_multiple_of(ENTRIES_AT_ONCE) {
            for accepted in follower.drain()? {
                let accepted = accepted.get();
                erasures.see(&accepted.entry, accepted.roles(), &|address| writer.log().record(address));
            }
        }
    }
    Ok(erasures)
}

/// Carries out one erasure, named by its position or its address.
///
/// # Errors
/// [`BadErase`]; before anything was destroyed, but for [`BadErase::Failure`]: then do it again.
pub fn erase(writer: &Writer, what: &str) -> Result<Erased, BadErase> {
    let no_entry = || BadErase::NoEntry { what: what.to_owned() };
    let position = schemas::base::from_decimal(what).or_else(|| writer.log().record(what)).ok_or_else(no_entry)?;
    if position >= writer.log().size() {
        return Err(no_entry());
    }
    let targets = judge(writer)?.lawful(position).map_err(|why| BadErase::Unlawful { position, why })?;
    carry_out(writer, position, &targets)
}

/// Carries out every lawful erasure of the log: what a restored ledger does, whose files may be
/// older than an erasure.
///
/// # Errors
/// As [`erase`].
pub fn erase_all(writer: &Writer) -> Result<Vec<Erased>, BadErase> {
    let erasures = judge(writer)?;
    let lawful = erasures.positions().filter_map(|position| Some((position, erasures.lawful(position).ok()?)));
    lawful.map(|(position, targets)| carry_out(writer, position, &targets)).collect()
}

fn carry_out(writer: &Writer, by: u64, targets: &[Target]) -> Result<Erased, BadErase> {
    let mut numbers: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut by_address: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut slots = Vec::new();
    for (position, field) in targets {
        let Some(signed) = event_at(writer, *position)? else { continue };
        let address = signed.event.address();
        let names = Catalogue::built_in().event(&signed.event.kind).map(|kind| kind.slots()).unwrap_or_default();
        let Some(number) = names.iter().position(|name| name == field) else { continue };
        numbers.entry(*position).or_default().push(number);
        by_address.entry(address.clone()).or_default().push(number);
        slots.push((address, field.clone()));
    }
    let mut changed = false;
    for (position, numbers) in &numbers {
        changed |= writer.vault().erase(*position, numbers, by)?;
    }
    changed |= Outbox::open(&writer.home().outbox())?.erase(&by_address, by)?;
    changed |= cosign::erase(&writer.home().drafts(), &by_address, by)?;
    // What a command that was killed has left there was read from the reporter's own file.
    let incoming = writer.home().incoming();
    if incoming.is_dir() {
        for path in files::list(&incoming, |_| true)? {
            files::remove(&path)?;
        }
    }
    Ok(Erased { by, slots, changed })
}

/// The event at a position.
fn event_at(writer: &Writer, position: u64) -> Result<Option<SignedEvent>, Failure> {
    let Some(entry) = writer.entries(position).next() else { return Ok(None) };
    let (_, bytes) = entry?;
    Ok(schemas::entry::Entry::parse(&bytes).ok().map(|entry| entry.signed))
}
