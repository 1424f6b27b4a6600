//! A published batch as one message, and the names under which a broker carries a ledger. FORMAT.md 23.

use std::collections::BTreeMap;

use crate::base;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::{Note, Origin};
use crate::value::Value;

/// Hex digits of the origin's hash in the names of subjects and streams.
const ID_DIGITS: usize = 16;

/// What the streams and subjects of one ledger are called. FORMAT.md 23.1.
///
/// An origin may hold `.` and `/`, which a broker would read as its own, so its hash stands for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    id: String,
}

impl Names {
    /// Those of the ledger with this origin.
    pub fn of(origin: &Origin) -> Self {
        let mut id = Hash::of(&[origin.as_str().as_bytes()]).to_hex();
        id.truncate(ID_DIGITS);
        Self { id }
    }

    /// The first 16 hex digits of the origin's SHA-256.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The stream of batches: message n is batch n.
    pub fn stream(&self) -> String {
        format!("LEDGER_{}", self.id)
    }

    /// The subject of batches.
    pub fn commit(&self) -> String {
        format!("ledger.{}.commit", self.id)
    }

    /// The stream of published checkpoints; the last message counts.
    pub fn seen_stream(&self) -> String {
        format!("SEEN_{}", self.id)
    }

    /// The subject of published checkpoints.
    pub fn seen(&self) -> String {
        format!("ledger.{}.seen", self.id)
    }

    /// The subject on which events are submitted and answered.
    pub fn submit(&self) -> String {
        format!("ledger.{}.submit", self.id)
    }
}

/// One batch of a log: what one commit holds, under its checkpoint. Nothing is verified here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Number that its seal bears, from 1.
    pub number: u64,
    /// Position of its first entry.
    pub first: u64,
    /// The checkpoint over its last entry, signed by the log's key alone: cosignatures come later and
    /// would make other bytes of it.
    pub checkpoint: Note,
    /// Its entries, the seal last.
    pub entries: Vec<Vec<u8>>,
}

/// Why bytes are no batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBatch {
    /// A line is not canonical JSON with exactly its members.
    #[error("line {line} is not that of a batch (FORMAT.md 23.2)")]
    Line {
        /// Line, from 1.
        line: usize,
    },
    /// The note in the first line is none of a checkpoint.
    #[error("the checkpoint in line 1 is malformed")]
    Checkpoint,
    /// The first line says something else than its own checkpoint.
    #[error("{member} in line 1 is not that of the checkpoint beside it")]
    Unlike {
        /// The member that differs.
        member: &'static str,
    },
    /// The entries do not reach from the first to the checkpoint's size.
    #[error("there are {found} entries where {wanted} belong")]
    Count {
        /// How many the first line promises.
        wanted: u64,
        /// How many there are.
        found: u64,
    },
}

impl Batch {
    /// The message's bytes: the same for the same batch, whenever they are made.
    ///
    /// # Errors
    /// [`BadBatch::Checkpoint`] if its note is none of a checkpoint.
    pub fn to_text(&self) -> Result<String, BadBatch> {
        let checkpoint = Checkpoint::parse(&self.checkpoint.text).map_err(|_| BadBatch::Checkpoint)?;
        let number = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let head = BTreeMap::from([
            ("batch".to_owned(), number(self.number)),
            ("checkpoint".to_owned(), Value::Text(self.checkpoint.to_text())),
            ("first".to_owned(), number(self.first)),
            ("ledger".to_owned(), Value::Text(checkpoint.origin.to_string())),
            ("size".to_owned(), number(checkpoint.size)),
        ]);
        let mut text = Value::Object(head).to_json() + "\n";
        for entry in &self.entries {
            text.push_str("{\"entry\":\"");
            text.push_str(&base::to_base64(entry));
            text.push_str("\"}\n");
        }
        Ok(text)
    }

    /// Reads a message; what is read is written back byte for byte.
    ///
    /// # Errors
    /// [`BadBatch`] says what is wrong. Whether chain, tree and signatures hold is the verifier's to say.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadBatch> {
        let text = std::str::from_utf8(bytes).ok().and_then(|text| text.strip_suffix('\n'));
        let mut lines = text.ok_or(BadBatch::Line { line: 1 })?.split('\n');
        let bad = BadBatch::Line { line: 1 };
        let head = Value::parse(lines.next().unwrap_or_default().as_bytes()).map_err(|_| bad)?;
        let number = |name: &str| u64::try_from(head.get(name)?.as_integer()?).ok();
        let text = |name: &str| head.get(name)?.as_text();
        let members = if let Value::Object(members) = &head { members.len() } else { 0 };
        let (5, Some(batch), Some(note), Some(first), Some(ledger), Some(size)) =
            (members, number("batch"), text("checkpoint"), number("first"), text("ledger"), number("size"))
        else {
            return Err(bad);
        };
        let checkpoint = Note::parse(note.as_bytes()).map_err(|_| BadBatch::Checkpoint)?;
        let said = Checkpoint::parse(&checkpoint.text).map_err(|_| BadBatch::Checkpoint)?;
        if said.origin.as_str() != ledger {
            return Err(BadBatch::Unlike { member: "ledger" });
        }
        if said.size != size {
            return Err(BadBatch::Unlike { member: "size" });
        }
        let mut entries = Vec::new();
        for (line, json) in (2..).zip(lines) {
            let entry = json.strip_prefix("{\"entry\":\"").and_then(|rest| rest.strip_suffix("\"}"));
            entries.push(entry.and_then(base::from_base64).ok_or(BadBatch::Line { line })?);
        }
        let (wanted, found) = (size.saturating_sub(first), entries.len() as u64);
        if wanted != found || found == 0 {
            return Err(BadBatch::Count { wanted, found });
        }
        Ok(Self { number: batch, first, checkpoint, entries })
    }

    /// Id of the message with these bytes. Brokers drop a second message of the same id without looking
    /// at it, so the id is the hash of all of it.
    pub fn message_id(bytes: &[u8]) -> String {
        Hash::of(&[bytes]).to_hex()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::{KeyId, SignatureLine};

    fn batch() -> Batch {
        let text = format!("velmora.example/log\n3\n{}\n", Hash::default().to_base64());
        let line = SignatureLine { name: "velmora.example/log".into(), id: KeyId([1; 4]), signature: vec![7; 64] };
        let checkpoint = Note { text, signatures: vec![line] };
        Batch { number: 2, first: 1, checkpoint, entries: vec![b"one".to_vec(), b"two".to_vec()] }
    }

    #[test]
    fn what_is_read_is_written_back() {
        let text = batch().to_text().unwrap();
        assert_eq!(Batch::parse(text.as_bytes()), Ok(batch()));
        assert_eq!(Batch::parse(text.as_bytes()).unwrap().to_text().unwrap(), text);
        assert!(text.starts_with(r#"{"batch":2,"checkpoint":"velmora.example/log\n3\n"#), "{text}");
        assert!(text.ends_with("\",\"first\":1,\"ledger\":\"velmora.example/log\",\"size\":3}\n{\"entry\":\"b25l\"}\n{\"entry\":\"dHdv\"}\n"), "{text}");
    }

    #[test]
    fn anything_else_is_refused() {
        let good = batch().to_text().unwrap();
        let with = |from: &str, to: &str| good.replace(from, to);
        for (text, want) in [
            (String::new(), BadBatch::Line { line: 1 }),
            (good.trim_end().to_owned(), BadBatch::Line { line: 1 }),
            (with("{\"batch\":2", "{\"batch\":02"), BadBatch::Line { line: 1 }),
            (with("{\"batch\":2", "{\"batch\":-2"), BadBatch::Line { line: 1 }),
            (with("{\"batch\":2", "{\"a\":1,\"batch\":2"), BadBatch::Line { line: 1 }),
            (with("\"size\":3", "\"size\":4"), BadBatch::Unlike { member: "size" }),
            (with("\"ledger\":\"velmora", "\"ledger\":\"other"), BadBatch::Unlike { member: "ledger" }),
            (with("\"first\":1", "\"first\":2"), BadBatch::Count { wanted: 1, found: 2 }),
            (with("\"first\":1", "\"first\":9"), BadBatch::Count { wanted: 0, found: 2 }),
            (with("{\"entry\":\"b25l\"}\n", ""), BadBatch::Count { wanted: 2, found: 1 }),
            (with("b25l", "b25"), BadBatch::Line { line: 2 }),
            (with("{\"entry\":\"dHdv\"}", "{\"entry\":\"dHdv\",\"x\":1}"), BadBatch::Line { line: 3 }),
            (with("{\"entry\":\"dHdv\"}", ""), BadBatch::Line { line: 3 }),
            (with("example/log\\n3\\n", "example/log\\n03\\n"), BadBatch::Checkpoint),
        ] {
            assert_eq!(Batch::parse(text.as_bytes()), Err(want), "{text}");
        }
    }

    #[test]
    fn names_have_no_character_that_a_broker_reads() {
        let names = Names::of(&Origin::parse("velmora.example/access-ledger").unwrap());
        assert_eq!(names.id().len(), ID_DIGITS);
        for (name, begins) in [
            (names.stream(), "LEDGER_"),
            (names.seen_stream(), "SEEN_"),
            (names.commit(), "ledger."),
            (names.seen(), "ledger."),
            (names.submit(), "ledger."),
        ] {
            assert!(name.starts_with(begins) && name.contains(names.id()), "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.')), "{name}");
        }
    }
}
