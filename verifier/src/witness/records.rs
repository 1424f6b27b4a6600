//! What a witness must never forget: the last checkpoint of each log that it cosigned.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemas::base;
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{Note, Vkey};

use crate::signature::PublicKey;

/// First line of the records as text.
pub const MAGIC: &str = "oversight-witness/v1";
/// Longest text of all records, in bytes: 64 logs with all their signatures fit.
pub const RECORDS_BYTES_MAX: usize = 8 << 20;

/// The last checkpoint of one log that was cosigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Origin, size, root.
    pub checkpoint: Checkpoint,
    /// When it was cosigned, in Unix seconds.
    pub time: u64,
    /// It with the log's signatures and the witness's own.
    pub note: Note,
}

/// The records of one witness, by origin.
///
/// As text: [`MAGIC`], the witness's vkey, for each log the line `record <bytes>` and so many bytes
/// of its note, and at the end `end <SHA-256 of all bytes before this line>`. A text that is torn
/// anywhere is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    witness: Vkey,
    by_origin: BTreeMap<String, Record>,
}

/// Why a text is not what this witness has written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecords {
    /// Cut off or changed.
    #[error("it is torn or changed: its last line does not bear the hash of all before it")]
    Torn,
    /// Not of this form.
    #[error("it is not of the form {MAGIC}")]
    Form,
    /// Another witness wrote it.
    #[error("it belongs to the witness key {key}")]
    OtherKey {
        /// The vkey in it.
        key: String,
    },
    /// A record does not bear the witness's own cosignature.
    #[error("record {number} is not a checkpoint with this witness's cosignature")]
    Record {
        /// Number of the record, from 1.
        number: usize,
    },
}

impl Records {
    /// Of a witness that has cosigned nothing.
    pub fn new(witness: Vkey) -> Self {
        Self { witness, by_origin: BTreeMap::new() }
    }

    /// The witness's key.
    pub fn witness(&self) -> &Vkey {
        &self.witness
    }

    /// The record of a log.
    pub fn get(&self, origin: &str) -> Option<&Record> {
        self.by_origin.get(origin)
    }

    /// All records.
    pub fn iter(&self) -> impl Iterator<Item = &Record> {
        self.by_origin.values()
    }

    /// The same with a newer record of one log.
    #[must_use]
    pub(crate) fn with(&self, record: Record) -> Self {
        let mut next = self.clone();
        next.by_origin.insert(record.checkpoint.origin.to_string(), record);
        next
    }

    /// The record whose origin has this hash, 64 hex digits: the monitoring path.
    pub fn by_hash(&self, hex: &str) -> Option<&Record> {
        let wanted = Hash::from_hex(hex)?;
        self.by_origin.iter().find(|(origin, _)| Hash::of(&[origin.as_bytes()]) == wanted).map(|(_, record)| record)
    }

    /// The text that is kept.
    pub fn to_text(&self) -> String {
        let mut out = format!("{MAGIC}\n{}\n", self.witness);
        for record in self.by_origin.values() {
            let note = record.note.to_text();
            let _ = write!(out, "record {}\n{note}", note.len());
        }
        let hash = Hash::of(&[out.as_bytes()]);
        out + &format!("end {hash}\n")
    }

    /// Reads what [`Records::to_text`] wrote for this witness.
    ///
    /// # Errors
    /// [`BadRecords`]: not a byte of it is used then.
    pub fn parse(bytes: &[u8], witness: &PublicKey) -> Result<Self, BadRecords> {
        let text = std::str::from_utf8(bytes).map_err(|_| BadRecords::Torn)?;
        let before = text.strip_suffix('\n').and_then(|t| t.rfind('\n')).ok_or(BadRecords::Torn)? + 1;
        let (body, end) = text.split_at(before);
        if end != format!("end {}\n", Hash::of(&[body.as_bytes()])) {
            return Err(BadRecords::Torn);
        }
        let rest = body.strip_prefix(MAGIC).and_then(|r| r.strip_prefix('\n')).ok_or(BadRecords::Form)?;
        let (key, mut rest) = rest.split_once('\n').ok_or(BadRecords::Form)?;
        if key != witness.vkey().to_string() {
            return Err(BadRecords::OtherKey { key: key.to_owned() });
        }
        let mut records = Self::new(witness.vkey().clone());
        for number in 1.. {
            if rest.is_empty() {
                break;
            }
            let (line, after) = rest.split_once('\n').ok_or(BadRecords::Form)?;
            let bytes = line.strip_prefix("record ").and_then(base::from_decimal).ok_or(BadRecords::Form)?;
            let bytes = usize::try_from(bytes).map_err(|_| BadRecords::Form)?;
            let (note, after) = after.split_at_checked(bytes).ok_or(BadRecords::Form)?;
            let record = Record::parse(note, witness).ok_or(BadRecords::Record { number })?;
            if records.by_origin.insert(record.checkpoint.origin.to_string(), record).is_some() {
                return Err(BadRecords::Record { number });
            }
            rest = after;
        }
        Ok(records)
    }
}

impl Record {
    fn parse(note: &str, witness: &PublicKey) -> Option<Self> {
        let note = Note::parse(note.as_bytes()).ok()?;
        let checkpoint = Checkpoint::parse(&note.text).ok()?;
        let time = note.signatures.iter().find_map(|line| witness.cosigned_at(&note.text, line))?;
        Some(Self { checkpoint, time, note })
    }
}
