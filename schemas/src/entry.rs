//! The entry: an event in its place. FORMAT.md 6.

use crate::base;
use crate::event::{BadEvent, SignedEvent};
use crate::hash::Hash;
use crate::time::Timestamp;

/// First line of an entry.
pub const MAGIC: &str = "oversight-entry/v1";
/// Longest entry, in bytes. C2SP tlog-tiles frames each entry with a u16 length.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// An entry as it stands in the log. Nothing is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place, from 0.
    pub position: u64,
    /// When the ledger received it.
    pub received_at: Timestamp,
    /// Leaf of the entry before.
    pub prev: Hash,
    /// The event in its note.
    pub signed: SignedEvent,
}

/// Why bytes are no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// Longer than an entry may be.
    #[error("longer than {ENTRY_BYTES_MAX} bytes")]
    TooLong,
    /// The first two lines are malformed.
    #[error("the first two lines are not those of an entry (FORMAT.md 6)")]
    Head,
    /// The event is malformed.
    #[error(transparent)]
    Event(#[from] BadEvent),
}

impl Entry {
    /// Reads an entry; what is read is written back byte for byte.
    ///
    /// # Errors
    /// [`BadEntry`] says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadEntry> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return Err(BadEntry::TooLong);
        }
        let (position, received_at, prev, note) = Self::head(bytes).ok_or(BadEntry::Head)?;
        Ok(Self { position, received_at, prev, signed: SignedEvent::parse(note)? })
    }

    /// Reads again an entry that was read before: its event is not compared with its canonical
    /// spelling. Only for bytes whose hash is checked against what was admitted.
    ///
    /// # Errors
    /// [`BadEntry`] says what is wrong.
    pub fn reread(bytes: &[u8]) -> Result<Self, BadEntry> {
        let (position, received_at, prev, note) = Self::head(bytes).ok_or(BadEntry::Head)?;
        Ok(Self { position, received_at, prev, signed: SignedEvent::reread(note)? })
    }

    fn head(bytes: &[u8]) -> Option<(u64, Timestamp, Hash, &[u8])> {
        let rest = bytes.strip_prefix(MAGIC.as_bytes())?.strip_prefix(b"\n")?;
        let end = rest.iter().take(128).position(|b| *b == b'\n')?;
        let mut words = std::str::from_utf8(&rest[..end]).ok()?.split(' ');
        let (position, received_at, prev) = (words.next()?, words.next()?, words.next()?);
        if words.next().is_some() {
            return None;
        }
        let (position, prev) = (base::from_decimal(position)?, Hash::from_base64(prev)?);
        Some((position, Timestamp::parse(received_at)?, prev, &rest[end + 1..]))
    }

    /// The entry's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        Self::bytes(self.position, self.received_at, self.prev, self.signed.note.to_text().as_bytes())
    }

    /// The bytes of an entry that holds the note.
    pub fn bytes(position: u64, received_at: Timestamp, prev: Hash, note: &[u8]) -> Vec<u8> {
        let head = format!("{MAGIC}\n{position} {received_at} {}\n", prev.to_base64());
        [head.as_bytes(), note].concat()
    }
}
