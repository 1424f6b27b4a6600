//! From a checked register row to a signed event with its hidden values. FORMAT.md 4, 5, 16.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::{Catalogue, EventType, Field, Kind, Targets, Visibility};
use schemas::event::{Event, Head, RefValue};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, SALT_BYTES, Slot, digest_of, hidden_root};
use schemas::sealed::{self, BadBody, INTAKE_HOLDER, Inner};
use schemas::time::{Date, Timestamp};
use schemas::value::Value;
use verifier::audience::slot_visibility;
use verifier::signature::SecretKey;

use crate::import::{Claim, Draft, Holder, Place};
use crate::keys::{self, BadKeyFile, KeyFolder};
use crate::outbox::{Opening, Parcel};
use crate::pseudonym::Pseudonyms;
use crate::seal::{BadSeal, Recipients};

/// The type of the sealed stream's outer records. FORMAT.md 15.3.
pub const OUTER: &str = "sealed.record.appended";
/// Length of a row's tag, in hex digits.
const TAG_CHARS: usize = 32;

/// How an event came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// From a register file.
    Import,
    /// Typed on the command line.
    Cli,
    /// Filled in at the desk of an institution.
    Desk,
    /// Signed into the outbox of an institution.
    Outbox,
}

impl Channel {
    fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Cli => "cli",
            Self::Desk => "desk",
            Self::Outbox => "outbox",
        }
    }
}

/// What signing needs to know besides the row.
pub struct Signer<'a> {
    /// Origin of the log.
    pub origin: Origin,
    /// Keys at hand.
    pub keys: KeyFolder,
    /// How the log names each party.
    pub pseudonyms: &'a Pseudonyms,
    /// Offset of local days from UTC, in minutes.
    pub utc_offset_minutes: i32,
    /// Digests of the documents that `rule.profile.adopted` and `schema.adopted` adopt, where a
    /// replay fills them in.
    pub adopted: Adopted,
    /// Whether a key that an enrolment names is made where it is missing: in a replay alone.
    pub make_keys: bool,
    /// How the events came in.
    pub channel: Channel,
    /// Keys of oversight to which sealed values are encrypted.
    pub recipients: &'a verifier::recipients::Recipients,
    /// When a row is signed that brings no time of its own.
    pub now: Timestamp,
    /// Next number of each holder's key.
    pub numbers: BTreeMap<(String, String), i64>,
}

/// Documents that a replay adopts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Adopted {
    /// SHA-256 of the profile.
    pub profile: Option<Hash>,
    /// SHA-256 of the catalogue.
    pub catalogue: Option<Hash>,
}

/// Why a row cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum BadSigning {
    /// A key is missing or broken.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// The record is too long for the sealed stream.
    #[error("{place}: {why}")]
    Sealed {
        /// Where the row stands.
        place: Place,
        /// Why it does not fit.
        why: BadBody,
    },
    /// A sealed value cannot be encrypted.
    #[error("{place}: {why}")]
    Seal {
        /// Where the row stands.
        place: Place,
        /// Why not.
        why: BadSeal,
    },
    /// No oversight body has a key to which sealed values are encrypted.
    #[error(
        "{place}: {field:?} is sealed, and no age key of an oversight body is known here that could read it. An outbox is \
         told it: `ledger outbox set FOLDER --recipient age1…`; at the ledger let one be enrolled first \
         (`ledger keygen --age`, then key.enrolled with alg age_x25519)"
    )]
    NoRecipient {
        /// Where the row stands.
        place: Place,
        /// The field.
        field: String,
    },
    /// No oversight body has an intake key.
    #[error(
        "{place}: the sealed stream needs an oversight body with an intake key; genesis names them (`ledger init`)"
    )]
    NoIntake {
        /// Where the row stands.
        place: Place,
    },
}

/// A signed event, complete or waiting for its second signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signed {
    /// All signatures at hand.
    Complete(Parcel),
    /// The second holder's key is not at hand: `ledger cosign` completes it.
    Waiting(Parcel, Holder),
}

impl Signer<'_> {
    /// Signs a row as an event of the log.
    ///
    /// # Errors
    /// [`BadSigning`] if the author's own key is not at hand.
    pub fn sign(&mut self, draft: &Draft) -> Result<Signed, BadSigning> {
        self.sign_with(draft, true)
    }

    /// Signs a row as its author alone: a second person, where one is asked for, signs elsewhere, even if
    /// their key is at hand.
    ///
    /// # Errors
    /// [`BadSigning`] if the author's own key is not at hand.
    pub fn sign_first(&mut self, draft: &Draft) -> Result<Signed, BadSigning> {
        self.sign_with(draft, false)
    }

    fn sign_with(&mut self, draft: &Draft, both: bool) -> Result<Signed, BadSigning> {
        let kind = Catalogue::built_in().event(&draft.event).expect("a draft has a type of the catalogue");
        let author = self.key(&draft.signer, draft)?;
        let by = self.pseudonyms.party(&draft.party).to_owned();
        let seq = self.next_number(&draft.signer);
        let row = self.pseudonyms.inside(&draft.row_id);
        let mut event = Event::new(&Head {
            kind: (&kind.name, kind.v),
            ledger: &self.origin,
            by: &by,
            row: &row,
            seq,
            at: draft.occurred.day(self.utc_offset_minutes),
        });
        event.channel = Some(self.channel.as_str().to_owned());
        event.id = draft.id.as_ref().map(|id| format!("{by}/{}", self.pseudonyms.inside(id)));
        event.refs = self.refs(draft, kind);
        let fields = self.fields(draft, kind)?;
        let slots = hide(&mut event, draft, kind, fields)?;
        let opening = self.opening(kind, &slots, draft.received_at, &draft.place)?;
        let text = event.to_text();
        let mut note = Note { signatures: vec![author.sign(&text)], text };
        let mut missing = None;
        if let Some(holder) = &draft.cosigner {
            match self.key(holder, draft) {
                _ if !both => missing = Some(holder.clone()),
                Ok(key) => note.signatures.push(key.sign(&note.text)),
                Err(BadKeyFile::Absent { .. }) => missing = Some(holder.clone()),
                Err(other) => return Err(other.into()),
            }
        }
        let parcel = Parcel { note: note.to_text(), opening, received_at: draft.received_at, source: draft.address() };
        if kind.name == "key.rotated" {
            let (party, name) = self.shown(&named_holder(draft));
            self.keys.rotate(&party, &name);
        }
        Ok(match missing {
            None => Signed::Complete(parcel),
            Some(holder) => Signed::Waiting(parcel, holder),
        })
    }

    /// Signs a row of the sealed stream: the inner note by its true author, in a body of constant
    /// size, in an outer record by the intake key of an oversight body. FORMAT.md 15.
    ///
    /// # Errors
    /// [`BadSigning`] if a key is missing or the record does not fit.
    pub fn seal(
        &mut self,
        draft: &Draft,
        intake: &str,
        received_at: Option<Timestamp>,
        batch_on: Date,
    ) -> Result<Parcel, BadSigning> {
        let opening = self.enclose(draft, received_at)?;
        let mut parcel = self.outer(opening, intake, batch_on)?;
        parcel.received_at = received_at;
        parcel.source = draft.address();
        Ok(parcel)
    }

    /// A name for a row of the sealed stream that its author alone can work out: it hides which row
    /// it is, and the same row has the same one. First 16 bytes of H(signature of the author's key over
    /// `oversight-intake/v1`, U+000A, the row's address), hex.
    ///
    /// # Errors
    /// [`BadSigning::Key`] if the author's key is not at hand.
    pub fn tag(&mut self, draft: &Draft) -> Result<String, BadSigning> {
        Ok(tag_under(&self.key(&draft.signer, draft)?, draft))
    }

    /// Names that the row had under keys which its author has replaced since.
    ///
    /// # Errors
    /// [`BadSigning::Key`] if one of them cannot be read.
    pub fn earlier_tags(&self, draft: &Draft) -> Result<Vec<String>, BadSigning> {
        let (party, name) = self.shown(&draft.signer);
        Ok(self.keys.earlier(&party, &name)?.iter().map(|key| tag_under(key, draft)).collect())
    }

    /// The inner note of a row by its true author, in a body of constant size, encrypted: the hidden
    /// values of an outer record. FORMAT.md 15.1, 15.2, 15.5.
    ///
    /// # Errors
    /// [`BadSigning`] if a key is missing or the record does not fit.
    pub fn enclose(&mut self, draft: &Draft, received_at: Option<Timestamp>) -> Result<Opening, BadSigning> {
        let kind = Catalogue::built_in().inner(&draft.event).expect("a draft has a type of the catalogue");
        let occurred_at = match draft.occurred {
            Claim::Day(day) => day.to_string(),
            Claim::Instant(instant) => instant.to_string(),
        };
        let by = self.pseudonyms.party(&draft.party).to_owned();
        let data = draft.fields.iter().map(|(name, value)| {
            let field = kind.field(name);
            (name.clone(), field.map_or_else(|| value.clone(), |f| self.rename(f, value)))
        });
        let inner = Inner {
            id: draft.id.as_ref().map(|id| format!("{by}/{}", self.pseudonyms.inside(id))),
            data: data.collect(),
            ledger: self.origin.to_string(),
            occurred_at,
            refs: self.refs(draft, kind),
            row: self.pseudonyms.inside(&draft.row_id),
            kind: kind.name.clone(),
            v: kind.v,
            by,
        };
        let text = inner.to_text();
        let mut note = Note { signatures: vec![self.key(&draft.signer, draft)?.sign(&text)], text };
        if let Some(holder) = &draft.cosigner {
            note.signatures.push(self.key(holder, draft)?.sign(&note.text));
        }
        let body = sealed::seal(&note).map_err(|why| BadSigning::Sealed { place: draft.place.clone(), why })?;
        let outer = Catalogue::built_in().event(OUTER).expect("the catalogue has the outer type");
        let mut slots = Vec::new();
        for name in outer.slots() {
            slots.push(disclosure(name, (name == "body").then(|| body.clone()))?);
        }
        self.opening(outer, &slots, received_at, &draft.place)
    }

    /// The outer record of the sealed stream around hidden values, by the intake key of an oversight
    /// body. Its `row`, and so its source, is drawn at random. FORMAT.md 15.3.
    ///
    /// # Errors
    /// [`BadSigning`] if the intake key is not at hand.
    pub fn outer(&mut self, opening: Opening, intake: &str, batch_on: Date) -> Result<Parcel, BadSigning> {
        let holder = Holder { party: intake.to_owned(), holder: INTAKE_HOLDER.to_owned() };
        let key = self.keys.get(intake, INTAKE_HOLDER)?;
        let seq = self.next_number(&holder);
        let kind = Catalogue::built_in().event(OUTER).expect("the catalogue has the outer type");
        let row = schemas::base::to_hex(&keys::random_bytes::<16>()?);
        let by = self.pseudonyms.party(intake).to_owned();
        let mut event = Event::new(&Head {
            kind: (&kind.name, kind.v),
            ledger: &self.origin,
            by: &by,
            row: &row,
            seq,
            at: batch_on,
        });
        event.data.insert("batch_on".to_owned(), Value::Text(batch_on.to_string()));
        event.hidden = Some(hidden_root(&opening.digests).to_base64());
        let text = event.to_text();
        let note = Note { signatures: vec![key.sign(&text)], text };
        Ok(Parcel { note: note.to_text(), opening, received_at: None, source: event.address() })
    }

    /// The hidden values as they leave the author: what is sealed, filled or not, is encrypted to the
    /// keys of oversight in force. While there are none, no such value can be recorded, so that it is
    /// readable says nothing.
    fn opening(
        &self,
        kind: &EventType,
        slots: &[Disclosure],
        received_at: Option<Timestamp>,
        place: &Place,
    ) -> Result<Opening, BadSigning> {
        let sealed = |why| BadSigning::Seal { place: place.clone(), why };
        let keys = Recipients::new(&self.recipients.in_force(received_at.unwrap_or(self.now))).map_err(sealed)?;
        let mut opening = Opening::default();
        for slot in slots {
            let text = slot.to_text();
            opening.digests.push(digest_of(&text));
            opening.slots.push(match (slot_visibility(kind, &slot.name), keys.is_empty()) {
                (Visibility::Sealed, false) => Slot::Sealed(keys.seal(&text).map_err(sealed)?),
                (Visibility::Sealed, true) if slot.value.is_some() => {
                    return Err(BadSigning::NoRecipient { place: place.clone(), field: slot.name.clone() });
                }
                _ => Slot::Open(text),
            });
        }
        Ok(opening)
    }

    fn key(&mut self, holder: &Holder, draft: &Draft) -> Result<SecretKey, BadKeyFile> {
        let (party, name) = self.shown(holder);
        if self.make_keys && draft.event == "key.enrolled" {
            return self.keys.get_or_make(&party, &name);
        }
        self.keys.get(&party, &name)
    }

    /// Key names are public: an unnamed party's are made of its pseudonym.
    fn shown(&self, holder: &Holder) -> (String, String) {
        (self.pseudonyms.party(&holder.party).to_owned(), self.pseudonyms.inside(&holder.holder))
    }

    fn next_number(&mut self, holder: &Holder) -> i64 {
        let slot = self.shown(holder);
        let next = self.numbers.entry(slot).or_insert(0);
        *next += 1;
        *next
    }

    fn refs(&self, draft: &Draft, kind: &EventType) -> BTreeMap<String, RefValue> {
        let mut refs = BTreeMap::new();
        for (name, targets) in &draft.refs {
            let mut targets: Vec<String> = targets.iter().map(|t| self.target(t)).collect();
            let many = kind.reference(name).is_some_and(|r| r.many);
            let value = if many { RefValue::Many(targets) } else { RefValue::One(targets.swap_remove(0)) };
            refs.insert(name.clone(), value);
        }
        refs
    }

    fn target(&self, target: &str) -> String {
        self.pseudonyms.inside(target)
    }

    /// The fields of the row as the log names things, with what a replay fills in.
    fn fields(&mut self, draft: &Draft, kind: &EventType) -> Result<BTreeMap<String, Value>, BadSigning> {
        let mut fields = BTreeMap::new();
        for (name, value) in &draft.fields {
            let value = kind.field(name).map_or_else(|| value.clone(), |field| self.rename(field, value));
            fields.insert(name.clone(), value);
        }
        let text = |digest: Hash| Value::Text(digest.to_hex());
        match kind.name.as_str() {
            "key.enrolled" | "key.rotated" if !fields.contains_key("public_key") => {
                let holder = named_holder(draft);
                let (party, name) = self.shown(&holder);
                let public = if fields.get("alg").and_then(Value::as_text) == Some(verifier::recipients::ALG) {
                    self.keys.recipient_or_make(&party, &name)?
                } else if kind.name == "key.rotated" {
                    self.keys.next_or_make(&party, &name)?.vkey().to_string()
                } else {
                    self.key(&holder, draft)?.vkey().to_string()
                };
                fields.insert("public_key".to_owned(), Value::Text(public));
            }
            "rule.profile.adopted" => self.adopted.profile.into_iter().for_each(|d| {
                fields.insert("profile".to_owned(), text(d));
            }),
            "schema.adopted" => self.adopted.catalogue.into_iter().for_each(|d| {
                fields.insert("catalogue".to_owned(), text(d));
            }),
            "record.corrected" => self.rename_correction(draft, &mut fields),
            _ => {}
        }
        let organisation = draft.fields.get("organisation").and_then(Value::as_text).unwrap_or_default();
        if kind.field("party_id").is_some() && self.pseudonyms.hides(organisation) {
            fields.insert("party_id".to_owned(), Value::Text(organisation.to_owned()));
        }
        Ok(fields)
    }

    /// A value with parties and ids as the log names them.
    fn rename(&self, field: &Field, value: &Value) -> Value {
        match (field.kind, value) {
            (_, Value::List(items)) => Value::List(items.iter().map(|item| self.rename(field, item)).collect()),
            (Kind::Party | Kind::Facility, Value::Text(party)) => Value::Text(self.pseudonyms.party(party).to_owned()),
            (Kind::Id, Value::Text(id)) => Value::Text(self.pseudonyms.inside(id)),
            _ => value.clone(),
        }
    }

    /// A correction carries the cell as text: where the field corrected names parties or ids,
    /// that text does too.
    fn rename_correction(&self, draft: &Draft, fields: &mut BTreeMap<String, Value>) {
        let target = draft.refs.get("target").and_then(|t| t.first()).map_or("", String::as_str);
        let kind = target.split('/').nth(1).and_then(|name| Catalogue::built_in().event(name));
        let name = draft.fields.get("field_name").and_then(Value::as_text).unwrap_or_default();
        let is_name = match kind.and_then(|k| k.field(name)) {
            Some(field) => matches!(field.kind, Kind::Party | Kind::Facility | Kind::Id),
            None => kind.and_then(|k| k.reference(name)).is_some_and(|r| r.targets != Targets::Any),
        };
        if !is_name {
            return;
        }
        for field in ["new_value_public", "new_value_restricted", "new_value_sealed"] {
            let Some(value) = fields.get_mut(field) else { continue };
            let (Some(lang), Some(text)) =
                (value.get("lang").and_then(Value::as_text), value.get("text").and_then(Value::as_text))
            else {
                continue;
            };
            *value = Value::localised(lang, &self.pseudonyms.inside(text));
        }
    }
}

/// Puts public fields into the event and commits every hidden slot, filled or not.
fn hide(
    event: &mut Event,
    draft: &Draft,
    kind: &EventType,
    mut fields: BTreeMap<String, Value>,
) -> Result<Vec<Disclosure>, BadSigning> {
    let public: BTreeSet<&str> = kind
        .fields
        .iter()
        .filter(|f| f.is_public() && (draft.named || !f.restricted_unless_named))
        .map(|f| f.name.as_str())
        .collect();
    for name in &public {
        if let Some(value) = fields.remove(*name) {
            event.data.insert((*name).to_owned(), value);
        }
    }
    let mut slots = Vec::new();
    for name in kind.slots() {
        let value = match (name, draft.occurred) {
            ("occurred_at", Claim::Instant(instant)) => Some(Value::Text(instant.to_string())),
            _ => fields.remove(name),
        };
        slots.push(disclosure(name, value)?);
    }
    if kind.hides {
        event.hidden = Some(hidden_root(&slots.iter().map(Disclosure::digest).collect::<Vec<_>>()).to_base64());
    }
    Ok(slots)
}

/// The holder whose key a row enrols, rotates or revokes.
fn named_holder(draft: &Draft) -> Holder {
    let word = |name: &str| draft.fields.get(name).and_then(Value::as_text).unwrap_or_default().to_owned();
    Holder { party: word("organisation"), holder: word("holder") }
}

fn disclosure(name: &str, value: Option<Value>) -> Result<Disclosure, BadKeyFile> {
    Ok(Disclosure { salt: keys::random_bytes::<SALT_BYTES>()?, name: name.to_owned(), value })
}

/// See [`Signer::tag`].
fn tag_under(key: &SecretKey, draft: &Draft) -> String {
    let line = key.sign(&format!("oversight-intake/v1\n{}", draft.address()));
    Hash::of(&[&line.signature]).to_hex()[..TAG_CHARS].to_owned()
}
