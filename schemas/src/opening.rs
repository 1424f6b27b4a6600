//! Hidden values: slots, disclosures, their one root, and the lines that lie beside the log.
//! FORMAT.md 5 and 19.

use std::collections::BTreeMap;

use crate::base;
use crate::catalogue::{EventType, is_id};
use crate::hash::{Hash, Prefix};
use crate::time::{Date, Timestamp};
use crate::value::{Value, to_canonical};

/// Bytes of a salt.
pub const SALT_BYTES: usize = 32;
/// Longest line of openings, in bytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;
/// Longest text of a sealed slot, in characters: the longest value, escaped, twice in base64, with a header for
/// each of 64 recipients. FORMAT.md 15.5.
pub const SEALED_CHARS_MAX: usize = 131_072;

/// One hidden value with its salt; an empty slot has none but is committed all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// 32 random bytes.
    pub salt: [u8; SALT_BYTES],
    /// Name of the slot.
    pub name: String,
    /// The value, or nothing.
    pub value: Option<Value>,
}

impl Disclosure {
    /// base64url(JSON [salt, name, value]). FORMAT.md 5.2; RFC 9901 4.2.1.
    pub fn to_text(&self) -> String {
        let value = self.value.as_ref().map_or_else(|| "null".to_owned(), Value::to_json);
        let name = Value::Text(self.name.clone()).to_json();
        base::to_base64url(format!("[\"{}\",{name},{value}]", base::to_base64url(&self.salt)).as_bytes())
    }

    /// Reads a disclosure; only the canonical spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let json = String::from_utf8(base::from_base64url(text)?).ok()?;
        if let Some(disclosure) = Self::of_plain(&json) {
            return Some(disclosure);
        }
        let (head, value) = match json.strip_suffix(",null]") {
            Some(head) => (format!("{head}]"), None),
            None => (json.clone(), Some(())),
        };
        let list = Value::parse(head.as_bytes()).ok()?;
        let (salt, name, value) = match (list.as_list()?, value) {
            ([salt, name], None) => (salt, name, None),
            ([salt, name, value], Some(())) => (salt, name, Some(value.clone())),
            _ => return None,
        };
        let salt = base::from_base64url(salt.as_text()?)?.try_into().ok()?;
        let disclosure = Self { salt, name: name.as_text()?.to_owned(), value };
        (disclosure.to_text() == text).then_some(disclosure)
    }

    /// The same where the name is one that a catalogue can have: there is nothing to escape in it, so what is read so
    /// is spelled in the one way there is.
    fn of_plain(json: &str) -> Option<Self> {
        let (salt, rest) = json.strip_prefix("[\"")?.split_once("\",\"")?;
        let salt = base::from_base64url(salt)?.try_into().ok()?;
        let (name, value) = rest.strip_suffix(']')?.split_once("\",")?;
        let value = match value {
            "null" => None,
            // In a list, as it stands: then the limit of its depth is the same.
            value => match Value::parse(format!("[{value}]").as_bytes()).ok()? {
                Value::List(list) if list.len() == 1 => list.into_iter().next(),
                _ => return None,
            },
        };
        is_id(name).then(|| Self { salt, name: name.to_owned(), value })
    }

    /// d = SHA-256 of the ASCII of the disclosure.
    pub fn digest(&self) -> Hash {
        digest_of(&self.to_text())
    }
}

/// d = SHA-256 of the ASCII of a disclosure. FORMAT.md 5.2.
pub fn digest_of(disclosure: &str) -> Hash {
    Hash::of(&[disclosure.as_bytes()])
}

/// The one root that commits every slot, present or absent. FORMAT.md 5.3.
pub fn hidden_root(digests: &[Hash]) -> Hash {
    let parts: Vec<&[u8]> = digests.iter().map(|d| d.0.as_slice()).collect();
    Hash::with(Prefix::Hidden, &parts)
}

/// What is left of a slot for a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The disclosure, as text.
    Open(String),
    /// The disclosure as an age file for the oversight bodies, in base64. FORMAT.md 15.5.
    Sealed(String),
    /// Not for this reader.
    Withheld,
    /// Destroyed by the erasure at that position.
    ErasedBy(u64),
}

impl Slot {
    /// The slot as it stands in a line of openings, in a parcel and in a pack. FORMAT.md 5.4.
    pub fn to_value(&self) -> Value {
        let one = |name: &str, value: Value| Value::Object(BTreeMap::from([(name.to_owned(), value)]));
        match self {
            Self::Open(text) => Value::Text(text.clone()),
            Self::Sealed(text) => one("sealed", Value::Text(text.clone())),
            Self::Withheld => one("withheld", Value::Bool(true)),
            Self::ErasedBy(n) => one("erased_by", Value::Integer(i64::try_from(*n).unwrap_or(i64::MAX))),
        }
    }

    /// Reads a slot; nothing if it has none of the four forms. Whether a member is one too many
    /// shows when the whole line is written again.
    pub fn of_value(value: &Value) -> Option<Self> {
        if let Value::Text(text) = value {
            return Some(Self::Open(text.clone()));
        }
        if let Some(text) = value.get("sealed") {
            let text = text.as_text().filter(|t| is_sealed_text(t))?;
            return Some(Self::Sealed(text.to_owned()));
        }
        if value.get("withheld").and_then(Value::as_bool) == Some(true) {
            return Some(Self::Withheld);
        }
        value.get("erased_by").and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok()).map(Self::ErasedBy)
    }
}

/// Whether a text can be that of a sealed slot: base64, not empty, of the allowed length.
pub fn is_sealed_text(text: &str) -> bool {
    (1..=SEALED_CHARS_MAX).contains(&text.len()) && base::from_base64(text).is_some()
}

/// One line of an openings file: all slots of one entry. FORMAT.md 5.4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningLine {
    /// Position of the entry.
    pub entry: u64,
    /// Id of the event.
    pub event: Hash,
    /// Digests of all slots, in order.
    pub digests: Vec<Hash>,
    /// What is left of each.
    pub slots: Vec<Slot>,
}

/// Why openings do not fit what was committed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOpening {
    /// Not a line of FORMAT.md 5.4.
    #[error("not an opening line of the form that FORMAT.md 5.4 gives")]
    Form,
    /// The line is for another entry or event.
    #[error("the line is for another entry")]
    OtherEntry,
    /// The digests do not give the root in the event.
    #[error("the digests do not give the event's hidden root")]
    Root,
    /// The number of slots is not that of the type.
    #[error("the type has {want} slots, the line has {got}")]
    Count {
        /// Slots of the type.
        want: usize,
        /// Slots in the line.
        got: usize,
    },
    /// A disclosure does not have its digest, or is malformed.
    #[error("the opening of {slot:?} is not the one that was committed")]
    Slot {
        /// Name of the slot.
        slot: String,
    },
    /// No erasure of the log has this slot among its targets.
    #[error("{slot:?} is said to be erased by entry {by}, which erases no such thing")]
    NotErased {
        /// Name of the slot.
        slot: String,
        /// Position of the entry that is said to have erased it.
        by: u64,
    },
    /// The value is not one that the field can have.
    #[error("the value of {slot:?} is not as the catalogue says: {why}")]
    Value {
        /// Name of the slot.
        slot: String,
        /// What the field wants.
        why: String,
    },
}

impl OpeningLine {
    /// The line without its end.
    pub fn to_json(&self) -> String {
        to_canonical(&Value::Object(BTreeMap::from([
            ("digests".to_owned(), Value::List(self.digests.iter().map(|d| Value::Text(d.to_base64())).collect())),
            ("entry".to_owned(), Value::Integer(i64::try_from(self.entry).unwrap_or(i64::MAX))),
            ("event".to_owned(), Value::Text(self.event.to_hex())),
            ("slots".to_owned(), Value::List(self.slots.iter().map(Slot::to_value).collect())),
        ])))
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`BadOpening::Form`] for anything but the canonical spelling.
    pub fn parse(line: &str) -> Result<Self, BadOpening> {
        Self::read(line).ok_or(BadOpening::Form)
    }

    fn read(line: &str) -> Option<Self> {
        if line.len() > LINE_BYTES_MAX {
            return None;
        }
        let json = Value::parse(line.as_bytes()).ok()?;
        let position = |v: &Value| v.as_integer().and_then(|n| u64::try_from(n).ok());
        let line_read = Self {
            entry: json.get("entry").and_then(position)?,
            event: Hash::from_hex(json.get("event")?.as_text()?)?,
            digests: json
                .get("digests")?
                .as_list()?
                .iter()
                .map(|d| Hash::from_base64(d.as_text()?))
                .collect::<Option<_>>()?,
            slots: json.get("slots")?.as_list()?.iter().map(Slot::of_value).collect::<Option<_>>()?,
        };
        (line_read.to_json() == line).then_some(line_read)
    }

    /// A line in which every slot is open.
    pub fn open(entry: u64, event: Hash, disclosures: &[Disclosure]) -> Self {
        let texts: Vec<String> = disclosures.iter().map(Disclosure::to_text).collect();
        Self {
            entry,
            event,
            digests: texts.iter().map(|t| digest_of(t)).collect(),
            slots: texts.into_iter().map(Slot::Open).collect(),
        }
    }

    /// Checks the line against the root in the event and against the catalogue; gives the values
    /// that are open and present, by slot name.
    ///
    /// # Errors
    /// [`BadOpening`] names the slot.
    pub fn check(&self, root: Hash, kind: &EventType) -> Result<BTreeMap<String, Value>, BadOpening> {
        let names = kind.slots();
        let got = self.slots.len().max(self.digests.len());
        if self.slots.len() != names.len() || self.digests.len() != names.len() {
            return Err(BadOpening::Count { want: names.len(), got });
        }
        if hidden_root(&self.digests) != root {
            return Err(BadOpening::Root);
        }
        let mut values = BTreeMap::new();
        for ((name, slot), digest) in names.iter().zip(&self.slots).zip(&self.digests) {
            let Slot::Open(text) = slot else { continue };
            let bad = || BadOpening::Slot { slot: (*name).to_owned() };
            if digest_of(text) != *digest {
                return Err(bad());
            }
            let disclosure = Disclosure::parse(text).filter(|d| d.name == *name).ok_or_else(bad)?;
            if let Some(value) = disclosure.value {
                check_slot(kind, name, &value).map_err(|why| BadOpening::Value { slot: (*name).to_owned(), why })?;
                values.insert((*name).to_owned(), value);
            }
        }
        Ok(values)
    }
}

/// Checks the value of a slot against the catalogue. `occurred_at` and `recorded_at` are instants.
///
/// # Errors
/// Says what the slot wants.
pub fn check_slot(kind: &EventType, name: &str, value: &Value) -> Result<(), String> {
    match kind.field(name) {
        Some(field) => field.check(value).map_err(|e| e.to_string()),
        None if value.as_text().is_some_and(|t| Timestamp::parse(t).is_some() || Date::parse(t).is_some()) => Ok(()),
        None => Err("expected an instant".to_owned()),
    }
}
