//! The sealed stream: an inner event in a body of constant size. FORMAT.md 15.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base;
use crate::catalogue::is_id;
use crate::event::{RefValue, is_reference};
use crate::note::{BadNote, Note, Origin};
use crate::time::{Date, Timestamp};
use crate::value::{BadJson, INTEGER_MAX, Value, no_value, parse_canonical, to_canonical};

/// First line of an inner note's text.
pub const MAGIC: &str = "oversight-inner/v1";
/// Bytes of every body.
pub const BODY_BYTES: usize = 6_144;
/// Language tag of a body: no linguistic content.
pub const BODY_LANG: &str = "zxx";
/// Holder name of the key that signs outer records.
pub const INTAKE_HOLDER: &str = "intake";

/// What an inner note says, members in canonical order. FORMAT.md 15.1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inner {
    /// Its true author.
    pub by: String,
    /// All fields, hidden ones too.
    pub data: BTreeMap<String, Value>,
    /// What it creates, `<by>/<id>`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// Origin of the log.
    pub ledger: String,
    /// Day or instant on which it happened.
    pub occurred_at: String,
    /// Refs by name.
    pub refs: BTreeMap<String, RefValue>,
    /// Row of the register.
    pub row: String,
    /// Inner type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Version of the type.
    pub v: i64,
}

/// Why a body holds no inner event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// Not 6,144 bytes, or its length is out of range, or the padding is not zero.
    #[error("a body is a length, an inner note and zeros, {BODY_BYTES} bytes in all")]
    Form,
    /// The note is malformed.
    #[error(transparent)]
    Note(#[from] BadNote),
    /// The JSON is not canonical.
    #[error(transparent)]
    Json(#[from] BadJson),
    /// A member does not have its form.
    #[error("the member {member:?} does not have the form that FORMAT.md 15.1 gives it")]
    Member {
        /// Its name.
        member: &'static str,
    },
    /// The inner note does not fit into a body.
    #[error("the record is {over} bytes too long for the sealed stream; shorten its text")]
    TooLong {
        /// Bytes too many.
        over: usize,
    },
}

impl Inner {
    /// The text that is signed.
    pub fn to_text(&self) -> String {
        format!("{MAGIC}\n{}\n", to_canonical(self))
    }

    /// Reads the text of an inner note.
    ///
    /// # Errors
    /// [`BadBody`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, BadBody> {
        let json = text.strip_prefix(MAGIC).and_then(|t| t.strip_prefix('\n')).and_then(|t| t.strip_suffix('\n'));
        let json = json.ok_or(BadBody::Form)?.as_bytes();
        let inner: Result<Self, BadBody> = parse_canonical(json).map_err(BadBody::from);
        let checked = inner.and_then(|inner: Self| {
            inner.check().map_err(|member| BadBody::Member { member })?;
            Ok(inner)
        });
        checked.map_err(|bad| no_value(json).map_or(bad, BadBody::from))
    }

    fn check(&self) -> Result<(), &'static str> {
        let own = |id: &str| id.strip_prefix(&self.by).and_then(|id| id.strip_prefix('/')).is_some_and(is_id);
        let when = Date::parse(&self.occurred_at).is_some() || Timestamp::parse(&self.occurred_at).is_some();
        for (good, member) in [
            (is_id(&self.by), "by"),
            (self.data.keys().all(|name| is_id(name)), "data"),
            (self.id.as_deref().is_none_or(own), "id"),
            (Origin::parse(&self.ledger).is_some(), "ledger"),
            (when, "occurred_at"),
            (self.refs.keys().all(|name| is_id(name)), "refs"),
            (self.refs.values().flat_map(RefValue::targets).all(|target| is_reference(target)), "refs"),
            (is_id(&self.row), "row"),
            (is_id(&self.kind), "type"),
            ((1..=INTEGER_MAX).contains(&self.v), "v"),
        ] {
            if !good {
                return Err(member);
            }
        }
        Ok(())
    }
}

/// Puts an inner note into a body: the value of `body`.
///
/// # Errors
/// [`BadBody::TooLong`] if it does not fit.
pub fn seal(note: &Note) -> Result<Value, BadBody> {
    let text = note.to_text();
    let mut body = u32::try_from(text.len()).map_err(|_| BadBody::Form)?.to_be_bytes().to_vec();
    body.extend_from_slice(text.as_bytes());
    if body.len() > BODY_BYTES {
        return Err(BadBody::TooLong { over: body.len() - BODY_BYTES });
    }
    body.resize(BODY_BYTES, 0);
    Ok(Value::localised(BODY_LANG, &base::to_base64(&body)))
}

/// Reads the inner event of a body.
///
/// # Errors
/// [`BadBody`] says what is wrong.
pub fn unseal(body: &Value) -> Result<(Inner, Note), BadBody> {
    let text = body.get("text").and_then(Value::as_text).ok_or(BadBody::Form)?;
    let bytes = base::from_base64(text).filter(|b| b.len() == BODY_BYTES).ok_or(BadBody::Form)?;
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(BadBody::Form)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| BadBody::Form)?;
    let (note, padding) = rest.split_at_checked(length).ok_or(BadBody::Form)?;
    if padding.iter().any(|b| *b != 0) {
        return Err(BadBody::Form);
    }
    let note = Note::parse(note)?;
    Ok((Inner::parse(&note.text)?, note))
}
