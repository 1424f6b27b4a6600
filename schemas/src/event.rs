//! The event: what a party says happened. FORMAT.md 4.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::is_id;
use crate::hash::Hash;
use crate::note::{BadNote, Note, Origin};
use crate::time::Date;
use crate::value::{BadJson, INTEGER_MAX, Value, no_value, parse_canonical, to_canonical};

/// First line of an event's text.
pub const MAGIC: &str = "oversight-event/v1";

/// Target or targets of a ref.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RefValue {
    /// A single ref.
    One(String),
    /// A list of refs.
    Many(Vec<String>),
}

impl RefValue {
    /// The targets in order.
    pub fn targets(&self) -> &[String] {
        match self {
            Self::One(target) => std::slice::from_ref(target),
            Self::Many(targets) => targets,
        }
    }
}

/// Whether a text can be a ref: `<party>/<id>`, or an address `<party>/<type>/<row>`. FORMAT.md 4.4.
pub fn is_reference(text: &str) -> bool {
    let parts = text.split('/').count();
    (2..=3).contains(&parts) && text.split('/').all(is_id)
}

/// The members of an event, in canonical order. FORMAT.md 4.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    at: String,
    /// Party of the author.
    pub by: String,
    /// How it came in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<String>,
    /// Public fields.
    pub data: BTreeMap<String, Value>,
    /// Root of the hidden slots, base64.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hidden: Option<String>,
    /// What it creates, `<by>/<id>`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Language of the author.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lang: Option<String>,
    /// Origin of the log.
    pub ledger: String,
    /// Refs by name.
    pub refs: BTreeMap<String, RefValue>,
    /// Row of the register.
    pub row: String,
    /// Number that the author's key uses once.
    pub seq: i64,
    /// Event type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of the type.
    pub v: i64,
}

/// What [`Event::new`] needs; the rest may be set afterwards.
#[derive(Clone, Debug)]
pub struct Head<'a> {
    /// Event type and version.
    pub kind: (&'a str, i64),
    /// Origin of the log.
    pub ledger: &'a Origin,
    /// Party of the author.
    pub by: &'a str,
    /// Row of the register.
    pub row: &'a str,
    /// Number that the author's key uses once.
    pub seq: i64,
    /// Day on which it happened.
    pub at: Date,
}

/// Why bytes are no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// The note around it is malformed.
    #[error(transparent)]
    Note(#[from] BadNote),
    /// Not the two lines of an event.
    #[error("an event is the line {MAGIC} and one line of JSON")]
    Form,
    /// The JSON is not canonical, or has other members.
    #[error(transparent)]
    Json(#[from] BadJson),
    /// A member does not have its form.
    #[error("the member {member:?} does not have the form that FORMAT.md 4.1 gives it")]
    Member {
        /// Its name.
        member: &'static str,
    },
}

impl Event {
    /// An event with no fields, refs, id or slots yet.
    pub fn new(head: &Head<'_>) -> Self {
        Self {
            at: head.at.to_string(),
            by: head.by.to_owned(),
            channel: None,
            data: BTreeMap::new(),
            hidden: None,
            id: None,
            lang: None,
            ledger: head.ledger.as_str().to_owned(),
            refs: BTreeMap::new(),
            row: head.row.to_owned(),
            seq: head.seq,
            kind: head.kind.0.to_owned(),
            v: head.kind.1,
        }
    }

    /// Reads the text of an event.
    ///
    /// # Errors
    /// [`BadEvent`]; whether the catalogue knows what it says is for admission to find.
    pub fn parse(text: &str) -> Result<Self, BadEvent> {
        let json = text.strip_prefix(MAGIC).and_then(|t| t.strip_prefix('\n')).and_then(|t| t.strip_suffix('\n'));
        let json = json.filter(|j| !j.contains('\n')).ok_or(BadEvent::Form)?;
        let event: Result<Self, BadEvent> = parse_canonical(json.as_bytes()).map_err(BadEvent::from);
        let checked = event.and_then(|event: Self| {
            event.check().map_err(|member| BadEvent::Member { member })?;
            Ok(event)
        });
        checked.map_err(|bad| no_value(json.as_bytes()).map_or(bad, BadEvent::from))
    }

    fn reread(text: &str) -> Result<Self, BadEvent> {
        let json = text.strip_prefix(MAGIC).and_then(|t| t.strip_prefix('\n')).ok_or(BadEvent::Form)?;
        serde_json::from_str(json).map_err(|e| BadJson::Syntax(e.to_string()).into())
    }

    fn check(&self) -> Result<(), &'static str> {
        let qualified = |text: &str| text.split_once('/').is_some_and(|(a, b)| is_id(a) && is_id(b));
        for (good, member) in [
            (Date::parse(&self.at).is_some(), "at"),
            (is_id(&self.by), "by"),
            (self.channel.as_deref().is_none_or(is_id), "channel"),
            (self.hidden.as_deref().is_none_or(|h| Hash::from_base64(h).is_some()), "hidden"),
            (self.id.as_deref().is_none_or(|id| qualified(id) && id.split('/').next() == Some(&self.by)), "id"),
            (self.lang.as_deref().is_none_or(crate::catalogue::is_language), "lang"),
            (Origin::parse(&self.ledger).is_some(), "ledger"),
            (self.data.keys().all(|name| is_id(name)), "data"),
            (self.refs.keys().all(|name| is_id(name)), "refs"),
            (self.refs.values().flat_map(RefValue::targets).all(|target| is_reference(target)), "refs"),
            (is_id(&self.row), "row"),
            ((0..=INTEGER_MAX).contains(&self.seq), "seq"),
            (is_id(&self.kind), "type"),
            ((1..=INTEGER_MAX).contains(&self.v), "v"),
        ] {
            if !good {
                return Err(member);
            }
        }
        Ok(())
    }

    /// The text that is signed.
    pub fn to_text(&self) -> String {
        format!("{MAGIC}\n{}\n", to_canonical(self))
    }

    /// Day on which it happened, by the author's claim.
    pub fn at(&self) -> Date {
        Date::parse(&self.at).expect("checked when it was first read")
    }

    /// Its address, `<by>/<type>/<row>`. FORMAT.md 4.3.
    pub fn address(&self) -> String {
        format!("{}/{}/{}", self.by, self.kind, self.row)
    }

    /// Root of the hidden slots.
    pub fn hidden_root(&self) -> Option<Hash> {
        self.hidden.as_deref().and_then(Hash::from_base64)
    }

    /// A public field that is a party, an id or a code.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.data.get(field).and_then(Value::as_text)
    }
}

/// An event in its note, as it arrived: a claim that anyone can make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEvent {
    /// What is said.
    pub event: Event,
    /// The note that says it: text and signature lines.
    pub note: Note,
}

impl SignedEvent {
    /// Reads the note and the event in it.
    ///
    /// # Errors
    /// [`BadEvent`] says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadEvent> {
        let note = Note::parse(bytes)?;
        let event = Event::parse(&note.text)?;
        Ok(Self { event, note })
    }

    /// Reads again what was read before: not compared with its canonical spelling.
    ///
    /// # Errors
    /// [`BadEvent`] says what is wrong.
    pub fn reread(bytes: &[u8]) -> Result<Self, BadEvent> {
        let note = Note::parse(bytes)?;
        let event = Event::reread(&note.text)?;
        Ok(Self { event, note })
    }

    /// Event id: SHA-256 of the text. FORMAT.md 4.3.
    pub fn id(&self) -> Hash {
        Hash::of(&[self.note.text.as_bytes()])
    }
}
