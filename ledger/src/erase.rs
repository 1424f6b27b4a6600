//! Destroying hidden values for good, and only where an erasure in the log is lawful (rule V-07).
//! FORMAT.md 17.
//!
//! Order: keys, openings, outbox, drafts. Each file is replaced whole. Cut short at any moment,
//! doing it again finishes; done twice, the second time changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use schemas::catalogue::Catalogue;
use schemas::entry::Entry;
use schemas::event::{RefValue, SignedEvent};
use schemas::opening::Slot;
use schemas::value::Value;
use verifier::erasures::{ERASURE, Erasures, Target, Unlawful};
use verifier::fault::Fault;
use verifier::follower::Follower;

use crate::cosign;
use crate::failure::Failure;
use crate::files;
use crate::outbox::Outbox;
use crate::writer::{Home, Writer};

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

/// Erasures that stand in the log, in a file of the ledger's folder: a start asks only for what they name, not for the
/// whole log. Lines `searched <size>`, then `erasure <position>`, or `unlawful <position>` for one that was judged so.
/// Without the file, or with an older one, the log is searched again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    searched: u64,
    /// Whether each was found to be unlawful.
    erasures: BTreeMap<u64, bool>,
}

/// Longest such file, in bytes.
const NAMED_BYTES_MAX: usize = 16 << 20;

impl Named {
    /// What the file says; nothing where it is not there, is not as it was written, or speaks of a longer log.
    fn read(home: &Home, size: u64) -> Result<Self, Failure> {
        let bytes = files::read(&home.erasures(), NAMED_BYTES_MAX)?.unwrap_or_default();
        let named = std::str::from_utf8(&bytes).ok().and_then(Self::parse).unwrap_or_default();
        Ok(if named.searched <= size { named } else { Self::default() })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.lines();
        let searched = schemas::base::from_decimal(lines.next()?.strip_prefix("searched ")?)?;
        let line = |line: &str| {
            let (what, position) = line.split_once(' ')?;
            let position = schemas::base::from_decimal(position).filter(|position| *position < searched)?;
            matches!(what, "erasure" | "unlawful").then_some((position, what == "unlawful"))
        };
        Some(Self { searched, erasures: lines.map(line).collect::<Option<_>>()? })
    }

    fn keep(&self, home: &Home) -> Result<(), Failure> {
        let mut text = format!("searched {}\n", self.searched);
        for (position, unlawful) in &self.erasures {
            let what = if *unlawful { "unlawful" } else { "erasure" };
            let _ = writeln!(text, "{what} {position}"); // a string takes it all
        }
        files::replace(&home.erasures(), text.as_bytes())
    }

    /// Takes in entries of the log, the first of which is the next that was not looked at.
    fn see(&mut self, bytes: &[u8]) {
        let kind = ERASURE.as_bytes();
        if bytes.windows(kind.len()).any(|found| found == kind)
            && Entry::parse(bytes).is_ok_and(|entry| entry.signed.event.kind == ERASURE)
        {
            self.erasures.insert(self.searched, false);
        }
        self.searched += 1;
    }

    /// Of a log that was just begun with so many entries, none of them an erasure.
    pub(crate) fn of_new(size: u64) -> Self {
        Self { searched: size, erasures: BTreeMap::new() }
    }

    /// Takes in a batch that was committed. Where it has no erasure its entries are not looked at.
    pub(crate) fn grow(&mut self, entries: &[Vec<u8>], with_erasure: bool) {
        if with_erasure {
            entries.iter().for_each(|bytes| self.see(bytes));
        } else {
            self.searched += entries.len() as u64;
        }
    }

    /// Leaves it for the next start, which without it searches the log again.
    pub(crate) fn leave(&self, home: &Home) {
        if Self::read(home, u64::MAX).ok().as_ref() != Some(self) {
            let _ = self.keep(home);
        }
    }
}

/// Carries out again, at a start, what lawful erasures of the log name and older openings, keys, outbox or drafts brought back.
///
/// # Errors
/// As [`erase`]: nothing is destroyed on the word of a log that does not verify.
pub(crate) fn again(writer: &Writer) -> Result<(Named, Vec<Erased>), BadErase> {
    let mut named = Named::read(writer.home(), writer.log().size())?;
    let before = named.clone();
    for entry in writer.entries(named.searched) {
        named.see(&entry?.1);
    }
    let mut back = BTreeSet::new();
    let mut all: BTreeMap<u64, Vec<Slots>> = BTreeMap::new();
    for position in named.erasures.iter().filter(|(_, unlawful)| !**unlawful).map(|(position, _)| *position) {
        all.insert(position, named_slots(writer, position)?);
    }
    let beside = if all.values().all(Vec::is_empty) { BTreeMap::new() } else { still_beside(writer.home())? };
    for (position, slots) in all {
        for Slots { address, target, numbers } in slots {
            let there = beside.get(&address).is_some_and(|open| numbers.iter().any(|number| open.contains(number)));
            if there || !writer.vault().still_has(target, &numbers)?.is_empty() {
                back.insert(position);
            }
        }
    }
    let mut done = Vec::new();
    if !back.is_empty() {
        let erasures = judge(writer)?;
        for position in back {
            match erasures.lawful(position) {
                Ok(targets) => {
                    let erased = carry_out(writer, position, &targets)?;
                    done.extend(Some(erased).filter(|erased| erased.changed));
                }
                Err(_) => drop(named.erasures.insert(position, true)),
            }
        }
    }
    if named != before {
        named.leave(writer.home());
    }
    Ok((named, done))
}

/// Slots of one entry that an erasure names.
struct Slots {
    address: String,
    target: u64,
    numbers: Vec<usize>,
}

/// Slots that outbox and drafts still hold, by the address of their event. An outbox that is not the one it was is told by
/// whoever uses it.
fn still_beside(home: &Home) -> Result<BTreeMap<String, BTreeSet<usize>>, Failure> {
    let of_outbox = match Outbox::open(&home.outbox()) {
        Ok(outbox) => outbox.parcels()?,
        Err(_) => Vec::new(),
    };
    let drafts = cosign::drafts(&home.drafts())?.into_iter().map(|(_, draft)| draft.parcel);
    let mut all: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for parcel in of_outbox.into_iter().chain(drafts) {
        let slots = (0..).zip(&parcel.opening.slots);
        let open: BTreeSet<usize> =
            slots.filter(|(_, slot)| !matches!(slot, Slot::ErasedBy(_))).map(|(number, _)| number).collect();
        if let (false, Ok(signed)) = (open.is_empty(), SignedEvent::parse(parcel.note.as_bytes())) {
            all.entry(signed.event.address()).or_default().extend(open);
        }
    }
    Ok(all)
}

/// The slots that an erasure names, lawful or not.
fn named_slots(writer: &Writer, position: u64) -> Result<Vec<Slots>, Failure> {
    let mut all = Vec::new();
    let Some(signed) = event_at(writer, position)? else { return Ok(all) };
    let fields = signed.event.data.get("fields").and_then(Value::as_list).unwrap_or_default();
    for address in signed.event.refs.get("targets").map_or(&[][..], RefValue::targets) {
        // An address names its type: `<by>/<type>/<row>` (FORMAT.md 4.3).
        let kind = address.split('/').nth(1).and_then(|name| Catalogue::built_in().event(name));
        let (Some(target), Some(kind)) = (writer.log().record(address), kind) else { continue };
        let names = kind.slots();
        let number = |field: &Value| names.iter().position(|name| Some(*name) == field.as_text());
        let numbers = fields.iter().filter_map(number).collect();
        all.push(Slots { address: address.to_owned(), target, numbers });
    }
    Ok(all)
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
    Ok(Entry::parse(&bytes).ok().map(|entry| entry.signed))
}
