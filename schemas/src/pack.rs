//! Packs: everything about one subject in one file. FORMAT.md 14.2.

use std::collections::BTreeMap;

use crate::base;
use crate::catalogue::is_id;
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::{Note, Origin};
use crate::opening::Slot;
use crate::receipt::PROOF_MAX;
use crate::value::Value;

/// What the first line says of itself.
pub const MAGIC: &str = "oversight-pack/v1";
/// Longest pack, in bytes.
pub const PACK_BYTES_MAX: u64 = 1 << 30;
/// Longest line, in bytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Shortest entry, in bytes, of which a pack shows the proof: its first two lines alone are longer. So nothing in a pack
/// takes many times its own length.
const ENTRY_BYTES_MIN: usize = 64;
/// Most lines `since`, and most statements.
pub const SINCE_MAX: usize = 1_024;
/// First line of an auditor's statement. FORMAT.md 10.4.
pub const STATEMENT: &str = "oversight-index-recomputed/v1\n";
/// Bytes of one step of a map proof: the bit, and the sibling's hash.
const STEP_BYTES: usize = 33;

/// An entry with its proof under the pack's checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Bytes of the entry.
    pub entry: Vec<u8>,
    /// Its position.
    pub index: u64,
    /// Inclusion proof, from the leaf's sibling up.
    pub proof: Vec<Hash>,
}

/// A record of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The entry.
    pub proven: Proven,
    /// Digests of its slots, in order.
    pub digests: Vec<Hash>,
    /// What this audience has of each.
    pub slots: Vec<Slot>,
}

/// What the map says of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// There is one: number of its records, position of the last, root of its tree.
    Present {
        /// Records.
        count: u64,
        /// Position of the last.
        last: u64,
        /// Root of the stream's tree.
        root: Hash,
    },
    /// There is none: the leaf that its key's turns lead to.
    Absent {
        /// Key of another stream.
        key: Hash,
        /// Head value of that stream.
        head: Hash,
    },
}

/// One line of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Whose pack about what.
    Intro {
        /// `public`, `oversight` or a party.
        audience: String,
        /// Origin of the log.
        ledger: Origin,
        /// Name of the stream.
        stream: String,
    },
    /// The checkpoint that covers everything in it.
    Checkpoint(Note),
    /// The policy that the ledger goes by: shown, never trusted.
    Policy(String),
    /// The last entry under the checkpoint.
    Seal(Proven),
    /// What the seal's map says: (bit, sibling) from the root down.
    Map(Shown, Vec<(u8, Hash)>),
    /// Consistency proof from an earlier size.
    Since {
        /// That size.
        size: u64,
        /// From it to the pack's checkpoint.
        proof: Vec<Hash>,
    },
    /// An auditor's statement that the index was recomputed. FORMAT.md 10.4.
    Statement {
        /// The statement.
        note: Note,
        /// From its size to the pack's checkpoint.
        proof: Vec<Hash>,
    },
    /// A record.
    Item(Item),
    /// An entry that brought a key by which records are signed.
    Key(Proven),
}

impl Line {
    /// The line without its end.
    pub fn to_json(&self) -> String {
        let (name, body) = match self {
            Self::Intro { audience, ledger, stream } => {
                return object([
                    ("audience", text(audience)),
                    ("ledger", text(ledger.as_str())),
                    ("pack", text(MAGIC)),
                    ("stream", text(stream)),
                ])
                .to_json();
            }
            Self::Checkpoint(note) => ("checkpoint", text(&note.to_text())),
            Self::Policy(policy) => ("policy", text(policy)),
            Self::Seal(proven) => ("seal", proven_value(proven, [])),
            Self::Map(Shown::Present { count, last, root }, path) => {
                let head = [("count", number(*count)), ("last", number(*last)), ("root", text(&root.to_base64()))];
                ("map", object(head.into_iter().chain([("path", path_value(path))])))
            }
            Self::Map(Shown::Absent { key, head }, path) => {
                let leaf = [("head", text(&head.to_base64())), ("key", text(&key.to_base64()))];
                ("absent", object(leaf.into_iter().chain([("path", path_value(path))])))
            }
            Self::Since { size, proof } => ("since", object([("proof", hashes(proof)), ("size", number(*size))])),
            Self::Statement { note, proof } => {
                ("statement", object([("note", text(&note.to_text())), ("proof", hashes(proof))]))
            }
            Self::Item(item) => {
                let slots = Value::List(item.slots.iter().map(Slot::to_value).collect());
                ("item", proven_value(&item.proven, [("digests", hashes(&item.digests)), ("slots", slots)]))
            }
            Self::Key(proven) => ("key", proven_value(proven, [])),
        };
        object([(name, body)]).to_json()
    }

    /// Reads a line; only the canonical spelling.
    pub fn parse(line: &str) -> Option<Self> {
        if line.len() > LINE_BYTES_MAX {
            return None;
        }
        let json = Value::parse(line.as_bytes()).ok()?;
        let read = Self::read(&json)?;
        (read.to_json() == line).then_some(read)
    }

    fn read(json: &Value) -> Option<Self> {
        let word = |name: &str| json.get(name).and_then(Value::as_text);
        if let Some(magic) = word("pack") {
            let ledger = Origin::parse(word("ledger")?)?;
            let (audience, stream) = (word("audience")?.to_owned(), word("stream")?.to_owned());
            let good = magic == MAGIC && is_id(&audience) && is_stream(&stream);
            return good.then_some(Self::Intro { audience, ledger, stream });
        }
        let Value::Object(members) = json else { return None };
        let (name, body) = members.iter().next()?;
        let note = |value: &Value| Note::parse(value.as_text()?.as_bytes()).ok();
        Some(match name.as_str() {
            "checkpoint" => Self::Checkpoint(note(body)?),
            "policy" => Self::Policy(body.as_text()?.to_owned()),
            "seal" => Self::Seal(read_proven(body)?),
            "key" => Self::Key(read_proven(body)?),
            "map" => {
                let (count, last) = (integer(body.get("count")?)?, integer(body.get("last")?)?);
                let root = Hash::from_base64(body.get("root")?.as_text()?)?;
                Self::Map(Shown::Present { count, last, root }, read_path(body.get("path")?)?)
            }
            "absent" => {
                let hash = |name: &str| Hash::from_base64(body.get(name)?.as_text()?);
                Self::Map(Shown::Absent { key: hash("key")?, head: hash("head")? }, read_path(body.get("path")?)?)
            }
            "since" => Self::Since { size: integer(body.get("size")?)?, proof: read_proof(body)? },
            "statement" => {
                let note = note(body.get("note")?)?;
                let stated = note.text.strip_prefix(STATEMENT)?;
                Checkpoint::parse(stated).ok()?;
                Self::Statement { note, proof: read_proof(body)? }
            }
            "item" => {
                let slots = body.get("slots")?.as_list()?.iter().map(Slot::of_value).collect::<Option<_>>()?;
                Self::Item(Item {
                    proven: read_proven(body)?,
                    digests: read_hashes(body.get("digests")?, usize::MAX)?,
                    slots,
                })
            }
            _ => return None,
        })
    }
}

/// A kind and one or two ids. FORMAT.md 8.1.
fn is_stream(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    (2..=3).contains(&parts.len()) && parts.into_iter().all(is_id)
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(n: u64) -> Value {
    Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}

fn hashes(all: &[Hash]) -> Value {
    Value::List(all.iter().map(|h| Value::Text(h.to_base64())).collect())
}

fn path_value(path: &[(u8, Hash)]) -> Value {
    let bytes: Vec<u8> = path.iter().flat_map(|(bit, hash)| std::iter::once(*bit).chain(hash.0)).collect();
    Value::Text(base::to_base64(&bytes))
}

fn proven_value<const N: usize>(proven: &Proven, more: [(&str, Value); N]) -> Value {
    let own = [
        ("entry", text(&base::to_base64(&proven.entry))),
        ("index", number(proven.index)),
        ("proof", hashes(&proven.proof)),
    ];
    object(own.into_iter().chain(more))
}

fn integer(value: &Value) -> Option<u64> {
    u64::try_from(value.as_integer()?).ok()
}

fn read_hashes(value: &Value, most: usize) -> Option<Vec<Hash>> {
    let list = value.as_list().filter(|list| list.len() <= most)?;
    list.iter().map(|h| Hash::from_base64(h.as_text()?)).collect()
}

fn read_proof(body: &Value) -> Option<Vec<Hash>> {
    // A consistency proof may have one hash more than an inclusion proof.
    read_hashes(body.get("proof")?, PROOF_MAX + 1)
}

fn read_path(value: &Value) -> Option<Vec<(u8, Hash)>> {
    let bytes = base::from_base64(value.as_text()?).filter(|b| b.len().is_multiple_of(STEP_BYTES))?;
    bytes.chunks_exact(STEP_BYTES).map(|step| Some((step[0], Hash(step[1..].try_into().ok()?)))).collect()
}

fn read_proven(body: &Value) -> Option<Proven> {
    Some(Proven {
        entry: base::from_base64(body.get("entry")?.as_text()?).filter(|entry| entry.len() >= ENTRY_BYTES_MIN)?,
        index: integer(body.get("index")?)?,
        proof: read_proof(body)?,
    })
}

/// A whole pack, as it was read: nothing is verified here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pack {
    /// `public`, `oversight` or a party.
    pub audience: String,
    /// Origin of the log.
    pub ledger: Origin,
    /// Name of the stream.
    pub stream: String,
    /// The checkpoint that covers everything in it.
    pub checkpoint: Note,
    /// The policy that the ledger goes by: shown, never trusted.
    pub policy: String,
    /// The last entry under the checkpoint.
    pub seal: Proven,
    /// What the map says of the stream.
    pub shown: Shown,
    /// (bit, sibling) from the map's root down.
    pub path: Vec<(u8, Hash)>,
    /// Consistency proofs from earlier sizes.
    pub since: Vec<(u64, Vec<Hash>)>,
    /// Auditors' statements, with proofs from their sizes.
    pub statements: Vec<(Note, Vec<Hash>)>,
    /// The records.
    pub items: Vec<Item>,
    /// Entries that brought keys.
    pub keys: Vec<Proven>,
}

/// Why bytes are no pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPack {
    /// Longer than a pack may be.
    #[error("longer than {PACK_BYTES_MAX} bytes")]
    TooLong,
    /// The last line has no end, or the text none.
    #[error("the last line has no line end: the file was cut off")]
    End,
    /// A line that has none of the forms of FORMAT.md 14.2.
    #[error("line {line} is not one of a pack (FORMAT.md 14.2)")]
    Line {
        /// Line, from 1.
        line: usize,
    },
    /// A line where it may not stand, or that is missing.
    #[error("line {line} stands where another line of a pack should (FORMAT.md 14.2)")]
    Order {
        /// Line, from 1.
        line: usize,
    },
}

impl Pack {
    /// The pack's text.
    pub fn to_text(&self) -> String {
        let head = [
            Line::Intro { audience: self.audience.clone(), ledger: self.ledger.clone(), stream: self.stream.clone() },
            Line::Checkpoint(self.checkpoint.clone()),
            Line::Policy(self.policy.clone()),
            Line::Seal(self.seal.clone()),
            Line::Map(self.shown, self.path.clone()),
        ];
        let since = self.since.iter().map(|(size, proof)| Line::Since { size: *size, proof: proof.clone() });
        let statements =
            self.statements.iter().map(|(note, proof)| Line::Statement { note: note.clone(), proof: proof.clone() });
        let items = self.items.iter().map(|item| Line::Item(item.clone()));
        let keys = self.keys.iter().map(|key| Line::Key(key.clone()));
        let lines = head.into_iter().chain(since).chain(statements).chain(items).chain(keys);
        lines.map(|line| line.to_json() + "\n").collect()
    }

    /// Reads a pack; what is read is written back byte for byte.
    ///
    /// # Errors
    /// [`BadPack`] names the line.
    pub fn parse(text: &str) -> Result<Self, BadPack> {
        if text.len() as u64 > PACK_BYTES_MAX {
            return Err(BadPack::TooLong);
        }
        let mut lines = (1..).zip(text.strip_suffix('\n').ok_or(BadPack::End)?.split('\n'));
        let mut next = || match lines.next() {
            Some((line, text)) => Line::parse(text).map(|read| (line, Some(read))).ok_or(BadPack::Line { line }),
            None => Ok((text.matches('\n').count() + 1, None)),
        };
        let order = |line| Err(BadPack::Order { line });
        let (audience, ledger, stream) = match next()? {
            (_, Some(Line::Intro { audience, ledger, stream })) => (audience, ledger, stream),
            (line, _) => return order(line),
        };
        let checkpoint = match next()? {
            (_, Some(Line::Checkpoint(note))) => note,
            (line, _) => return order(line),
        };
        let policy = match next()? {
            (_, Some(Line::Policy(policy))) => policy,
            (line, _) => return order(line),
        };
        let seal = match next()? {
            (_, Some(Line::Seal(seal))) => seal,
            (line, _) => return order(line),
        };
        let (shown, path) = match next()? {
            (_, Some(Line::Map(shown, path))) => (shown, path),
            (line, _) => return order(line),
        };
        let (since, statements, items, keys) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut pack =
            Self { audience, ledger, stream, checkpoint, policy, seal, shown, path, since, statements, items, keys };
        while let (line, Some(read)) = next()? {
            if !pack.add(read) {
                return order(line);
            }
        }
        Ok(pack)
    }

    /// Adds one of the lines that may stand any number of times; whether it may stand here.
    fn add(&mut self, line: Line) -> bool {
        match line {
            Line::Since { size, proof } => {
                let now = Checkpoint::parse(&self.checkpoint.text).map_or(u64::MAX, |checkpoint| checkpoint.size);
                let rising = size < now && self.since.last().is_none_or(|(last, _)| *last < size);
                let first = self.statements.is_empty() && self.items.is_empty() && self.keys.is_empty();
                self.since.push((size, proof));
                rising && first && self.since.len() <= SINCE_MAX
            }
            Line::Statement { note, proof } => {
                self.statements.push((note, proof));
                self.statements.len() <= SINCE_MAX && self.items.is_empty() && self.keys.is_empty()
            }
            Line::Item(item) => {
                let rising = self.items.last().is_none_or(|last| last.proven.index < item.proven.index);
                self.items.push(item);
                rising && self.keys.is_empty()
            }
            Line::Key(key) => {
                let rising = self.keys.last().is_none_or(|last| last.index < key.index);
                self.keys.push(key);
                rising
            }
            _ => false,
        }
    }
}
