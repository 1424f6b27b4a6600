//! The event catalogue: which events there are and what each may hold. FORMAT.md 2.2 and 4.
//!
//! The files in `schemas/catalogue/` are the one source of truth; admission, import, the JSON
//! Schemas and the documents all read them through this module. To add an event type, add it to
//! the file of its family, and run `cargo run -p schemas --example write-json-schemas`: the tests
//! name whatever is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::hash::Hash;
use crate::time::{Date, Timestamp};
use crate::value::{INTEGER_MAX, Value};

/// The catalogue's text: its files, one after the other, in this order. Its SHA-256 is what
/// `schema.adopted` carries.
pub const TEXT: &str = concat!(
    include_str!("../catalogue/head.toml"),
    "\n",
    include_str!("../catalogue/codelists.toml"),
    "\n",
    include_str!("../catalogue/registry.toml"),
    "\n",
    include_str!("../catalogue/access.toml"),
    "\n",
    include_str!("../catalogue/visit.toml"),
    "\n",
    include_str!("../catalogue/programme.toml"),
    "\n",
    include_str!("../catalogue/training.toml"),
    "\n",
    include_str!("../catalogue/consultation.toml"),
    "\n",
    include_str!("../catalogue/funding.toml"),
    "\n",
    include_str!("../catalogue/reintegration.toml"),
    "\n",
    include_str!("../catalogue/oversight.toml"),
    "\n",
    include_str!("../catalogue/sealed.toml"),
    "\n",
    include_str!("../catalogue/ledger.toml"),
);

/// Longest id, party name, holder name, row id, in bytes.
pub const ID_BYTES_MAX: usize = 128;
/// Longest text value, in bytes.
pub const TEXT_BYTES_MAX: usize = 8_192;
/// Longest list, in items.
pub const LIST_ITEMS_MAX: usize = 256;

static BUILT_IN: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::parse(TEXT).unwrap_or_else(|e| panic!("the built-in catalogue: {e}")));

/// Every event type, inner type and code list.
#[derive(Clone, Debug)]
pub struct Catalogue {
    digest: Hash,
    id: String,
    version: String,
    families: BTreeMap<String, String>,
    codelists: BTreeMap<String, CodeList>,
    events: BTreeMap<String, EventType>,
    inner: BTreeMap<String, EventType>,
}

/// A list of codes that a field may take.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeList {
    /// What the codes say.
    pub doc: String,
    /// The codes, in the order in which forms show them.
    pub codes: Vec<String>,
}

/// What kind of institution a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A prison.
    Facility,
    /// The central prison administration, or a service of it.
    Administration,
    /// A ministry.
    Ministry,
    /// A civil-society organisation.
    Cso,
    /// An independent oversight body.
    Oversight,
    /// Who pays.
    Funder,
    /// A municipality or probation service.
    Locality,
    /// Who keeps the ledger.
    Operator,
    /// Who evaluates programmes.
    Evaluator,
    /// Who trains.
    Provider,
}

impl Role {
    /// All roles, in the order of the catalogue.
    pub const ALL: [Self; 10] = [
        Self::Facility,
        Self::Administration,
        Self::Ministry,
        Self::Cso,
        Self::Oversight,
        Self::Funder,
        Self::Locality,
        Self::Operator,
        Self::Evaluator,
        Self::Provider,
    ];

    /// The role's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Facility => "facility",
            Self::Administration => "administration",
            Self::Ministry => "ministry",
            Self::Cso => "cso",
            Self::Oversight => "oversight",
            Self::Funder => "funder",
            Self::Locality => "locality",
            Self::Operator => "operator",
            Self::Evaluator => "evaluator",
            Self::Provider => "provider",
        }
    }

    /// Reads a role's code.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// Who may see a value. FORMAT.md 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Printed in the log.
    Public,
    /// Committed; the author, the parties named and oversight may open it.
    Restricted,
    /// Committed; only oversight may open it.
    Sealed,
}

impl Visibility {
    /// The word in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Restricted => "restricted",
            Self::Sealed => "sealed",
        }
    }
}

/// Whose holder the second signature is by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cosigner {
    /// The author's own institution.
    Same,
    /// The party in the field `organisation`.
    Organisation,
    /// The operator.
    Operator,
    /// Any oversight body.
    Oversight,
}

/// The form of one value. FORMAT.md 2.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[A-Za-z0-9._:-]+`; inside the log qualified as `<party>/<id>` where it names a thing.
    Id,
    /// A C2SP verifier key, or an age recipient.
    Vkey,
    /// A party id.
    Party,
    /// A party id whose party is a facility.
    Facility,
    /// A day.
    Date,
    /// An instant.
    Time,
    /// A non-negative integer.
    Count,
    /// A number of persons; never public.
    Persons,
    /// Minutes.
    Minutes,
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Tenths of a percent, 0 to 1000.
    Percent,
    /// Minor units and a currency.
    Money,
    /// A code of a code list.
    Code,
    /// A text with its language.
    Text,
    /// 64 hex digits.
    Digest,
    /// A truth value.
    Bool,
}

impl Kind {
    /// All kinds, in the order of the catalogue's head.
    pub const ALL: [Self; 17] = [
        Self::Id,
        Self::Vkey,
        Self::Party,
        Self::Facility,
        Self::Date,
        Self::Time,
        Self::Count,
        Self::Persons,
        Self::Minutes,
        Self::Hours,
        Self::Days,
        Self::Percent,
        Self::Money,
        Self::Code,
        Self::Text,
        Self::Digest,
        Self::Bool,
    ];

    /// The type's name in the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Vkey => "vkey",
            Self::Party => "party",
            Self::Facility => "facility",
            Self::Date => "date",
            Self::Time => "time",
            Self::Count => "count",
            Self::Persons => "persons",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
            Self::Percent => "percent",
            Self::Money => "money",
            Self::Code => "code",
            Self::Text => "text",
            Self::Digest => "digest",
            Self::Bool => "bool",
        }
    }

    /// Reads a type's name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One field of an event type.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in `data` or in a disclosure.
    pub name: String,
    /// The form of its value, or of each item where it is a list.
    pub kind: Kind,
    /// Whether the value is a list.
    pub list: bool,
    /// The code list of a code.
    pub codelist: Option<String>,
    /// Who may see it.
    pub visibility: Visibility,
    /// Whether it must have a value.
    pub required: bool,
    /// Whether a duty is computed from it.
    pub deadline: bool,
    /// Public for parties that are named, otherwise restricted: both a field and a hidden slot.
    pub restricted_unless_named: bool,
    /// Unit of a number.
    pub unit: Option<String>,
    /// What it says, for forms and documents.
    pub doc: String,
    codes: Vec<String>,
}

/// Why a value does not fit its field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// The JSON form is not that of the type.
    #[error("expected {expected}")]
    Form {
        /// What the type wants.
        expected: &'static str,
    },
    /// A code that the list does not have.
    #[error("{code:?} is not a code of {list}; the codes are {codes}")]
    Code {
        /// The code found.
        code: String,
        /// The list's name.
        list: String,
        /// All codes, joined.
        codes: String,
    },
    /// A list that is too long, is empty, or holds an item twice.
    #[error("a list has 1 to {LIST_ITEMS_MAX} items, each once")]
    List,
    /// A string that is too long.
    #[error("longer than {max} bytes")]
    TooLong {
        /// The limit.
        max: usize,
    },
}

impl Field {
    /// Whether the value is printed in the log when the party is named.
    pub fn is_public(&self) -> bool {
        self.visibility == Visibility::Public
    }

    /// Whether the type has a hidden slot for this field. FORMAT.md 5.1.
    pub fn is_slot(&self) -> bool {
        self.visibility != Visibility::Public || self.restricted_unless_named
    }

    /// The type as the catalogue writes it, such as `list<code>`.
    pub fn type_name(&self) -> String {
        let kind = self.kind.as_str();
        if self.list { format!("list<{kind}>") } else { kind.to_owned() }
    }

    /// The codes that a code field may take, else empty.
    pub fn codes(&self) -> &[String] {
        &self.codes
    }

    /// Checks a value as it stands in an event. FORMAT.md 2.2.
    ///
    /// # Errors
    /// [`BadValue`] says what the field wants instead.
    pub fn check(&self, value: &Value) -> Result<(), BadValue> {
        if !self.list {
            return self.check_one(value);
        }
        let items = value.as_list().ok_or(BadValue::Form { expected: "a list" })?;
        let each_once = || {
            if items.len() <= 8 {
                return (1..items.len()).all(|at| !items[..at].contains(&items[at]));
            }
            let mut seen = BTreeSet::new();
            items.iter().all(|item| seen.insert(item.to_json()))
        };
        if items.is_empty() || items.len() > LIST_ITEMS_MAX || !each_once() {
            return Err(BadValue::List);
        }
        items.iter().try_for_each(|item| self.check_one(item))
    }

    fn check_one(&self, value: &Value) -> Result<(), BadValue> {
        let form = |expected| BadValue::Form { expected };
        let text = |expected| value.as_text().ok_or(form(expected));
        let whole = |max: i64| match value.as_integer() {
            Some(n) if (0..=max).contains(&n) => Ok(()),
            _ => Err(form("a whole number, 0 or more")),
        };
        match self.kind {
            Kind::Id => fits(is_id(text("an id")?), "an id: letters, digits and . _ : -, at most 128"),
            Kind::Party | Kind::Facility => fits(is_id(text("a party id")?), "a party id"),
            Kind::Vkey => {
                let key = text("a key")?;
                fits(!key.is_empty() && key.len() <= 512 && key.bytes().all(|b| b.is_ascii_graphic()), "a verifier key")
            }
            Kind::Date => fits(Date::parse(text("a day")?).is_some(), "a day such as 2025-03-04"),
            Kind::Time => {
                fits(Timestamp::parse(text("an instant")?).is_some(), "an instant such as 2025-03-04T09:30:00Z")
            }
            Kind::Count | Kind::Persons | Kind::Minutes | Kind::Hours | Kind::Days => whole(INTEGER_MAX),
            Kind::Percent => whole(1000).map_err(|_| form("tenths of a percent, 0 to 1000")),
            Kind::Money => {
                let amount = value.get("amount").and_then(Value::as_integer);
                let currency = value.get("currency").and_then(Value::as_text);
                let two = matches!(value, Value::Object(m) if m.len() == 2);
                let iso = currency.is_some_and(|c| c.len() == 3 && c.bytes().all(|b| b.is_ascii_uppercase()));
                fits(two && iso && amount.is_some_and(|n| n >= 0), "an amount in minor units and an ISO 4217 currency")
            }
            Kind::Code => {
                let code = text("a code")?;
                if self.codes.iter().any(|c| c == code) {
                    return Ok(());
                }
                let list = self.codelist.clone().unwrap_or_default();
                Err(BadValue::Code { code: code.to_owned(), list, codes: self.codes.join(", ") })
            }
            Kind::Text => {
                let (lang, body) =
                    (value.get("lang").and_then(Value::as_text), value.get("text").and_then(Value::as_text));
                let two = matches!(value, Value::Object(m) if m.len() == 2);
                let (Some(lang), Some(body), true) = (lang, body, two) else {
                    return Err(form("a text and its language"));
                };
                if body.len() > TEXT_BYTES_MAX {
                    return Err(BadValue::TooLong { max: TEXT_BYTES_MAX });
                }
                fits(is_language(lang) && !body.is_empty(), "a text that is not empty, and a BCP 47 language")
            }
            Kind::Digest => fits(Hash::from_hex(text("a digest")?).is_some(), "64 lower-case hex digits"),
            Kind::Bool => value.as_bool().map(drop).ok_or(form("true or false")),
        }
    }
}

fn fits(yes: bool, expected: &'static str) -> Result<(), BadValue> {
    if yes { Ok(()) } else { Err(BadValue::Form { expected }) }
}

/// Whether a string is an id: `[A-Za-z0-9._:-]+`, at most 128 bytes.
pub fn is_id(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
}

/// Whether a string has the form of a BCP 47 tag: subtags of 1 to 8 letters or digits.
pub fn is_language(text: &str) -> bool {
    text.len() <= 35
        && text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.split('-').all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// What a ref may point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Any event, by its address `<party>/<type>/<row>`.
    Any,
    /// A thing that one of these types creates, by its id `<party>/<id>`.
    Types(Vec<String>),
}

/// One ref of an event type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ref {
    /// Its name.
    pub name: String,
    /// What it may point at.
    pub targets: Targets,
    /// Whether it is a list.
    pub many: bool,
    /// Whether it may be left out.
    pub optional: bool,
}

/// One type of event.
#[derive(Clone, Debug)]
pub struct EventType {
    /// Its name, such as `visit.completed`.
    pub name: String,
    /// Its family in the catalogue.
    pub family: String,
    /// Version of its fields.
    pub v: i64,
    /// One sentence.
    pub summary: String,
    /// Roles that may sign as author.
    pub authors: Vec<Role>,
    /// 1, or 2 where a second holder must approve.
    pub signatures: u8,
    /// Whose holder approves.
    pub cosigner: Option<Cosigner>,
    /// Key points of the United Nations that the type serves.
    pub key_points: Vec<String>,
    /// Kind of thing that the event creates.
    pub id_of: Option<String>,
    /// Its refs, in order.
    pub refs: Vec<Ref>,
    /// Fields, refs or `id` whose values have streams.
    pub subjects: Vec<String>,
    /// Refs whose targets' streams the event enters too.
    pub inherits: Vec<String>,
    /// Whether admission insists on the exact signatures. FORMAT.md 11.
    pub trust: bool,
    /// Whether the type has hidden slots; only what the ledger's own clock writes has none.
    pub hides: bool,
    /// The only stream of its events, beside nothing else: `<stream>/<by>`. FORMAT.md 8.1.
    pub stream: Option<String>,
    /// Its fields, in order.
    pub fields: Vec<Field>,
}

/// The hidden slots that every type with slots ends with. FORMAT.md 5.1.
pub const TIME_SLOTS: [&str; 2] = ["occurred_at", "recorded_at"];

impl EventType {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// The ref of that name.
    pub fn reference(&self, name: &str) -> Option<&Ref> {
        self.refs.iter().find(|r| r.name == name)
    }

    /// Names of the hidden slots in their order. FORMAT.md 5.1.
    pub fn slots(&self) -> Vec<&str> {
        if !self.hides {
            return Vec::new();
        }
        self.fields.iter().filter(|f| f.is_slot()).map(|f| f.name.as_str()).chain(TIME_SLOTS).collect()
    }

    /// Who may see the value of a slot.
    pub fn slot_visibility(&self, slot: &str) -> Visibility {
        match self.field(slot) {
            Some(field) if field.visibility == Visibility::Sealed => Visibility::Sealed,
            _ => Visibility::Restricted,
        }
    }
}

/// Why a catalogue cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCatalogue {
    /// Not TOML of the catalogue's form.
    #[error("{0}")]
    Toml(String),
    /// A part of a type is missing or points nowhere.
    #[error("{event}: {what}")]
    Event {
        /// The type.
        event: String,
        /// What is wrong with it.
        what: String,
    },
}

impl Catalogue {
    /// The catalogue that this build knows.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads a catalogue and checks that all its parts fit together.
    ///
    /// # Errors
    /// [`BadCatalogue`] names the type and the part.
    pub fn parse(text: &str) -> Result<Self, BadCatalogue> {
        let raw: raw::Catalogue = toml::from_str(text).map_err(|e| BadCatalogue::Toml(e.to_string()))?;
        let read = |kind: BTreeMap<String, raw::Event>| {
            kind.into_iter()
                .map(|(name, e)| e.read(&name, &raw.codelist).map(|e| (name, e)))
                .collect::<Result<BTreeMap<_, _>, _>>()
        };
        let catalogue = Self {
            digest: Hash::of(&[text.as_bytes()]),
            id: raw.catalogue.id,
            version: raw.catalogue.version,
            families: raw.family,
            events: read(raw.event)?,
            inner: read(raw.inner)?,
            codelists: raw.codelist,
        };
        catalogue.check()?;
        Ok(catalogue)
    }

    /// SHA-256 of the catalogue's text.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// Its id and version, such as `access-ledger-catalogue-1.0.0`.
    pub fn id(&self) -> String {
        format!("{}-{}", self.id, self.version)
    }

    /// The type that may stand in the log under that name.
    pub fn event(&self, name: &str) -> Option<&EventType> {
        self.events.get(name)
    }

    /// The type of the sealed stream of that name.
    pub fn inner(&self, name: &str) -> Option<&EventType> {
        self.inner.get(name)
    }

    /// All types that may stand in the log, by name.
    pub fn events(&self) -> impl Iterator<Item = &EventType> {
        self.events.values()
    }

    /// All types of the sealed stream, by name.
    pub fn inners(&self) -> impl Iterator<Item = &EventType> {
        self.inner.values()
    }

    /// All code lists, by name.
    pub fn codelists(&self) -> impl Iterator<Item = (&str, &CodeList)> {
        self.codelists.iter().map(|(name, list)| (name.as_str(), list))
    }

    /// Titles of the families, by name.
    pub fn families(&self) -> impl Iterator<Item = (&str, &str)> {
        self.families.iter().map(|(name, title)| (name.as_str(), title.as_str()))
    }

    fn check(&self) -> Result<(), BadCatalogue> {
        for event in self.events.values().chain(self.inner.values()) {
            let bad = |what: String| BadCatalogue::Event { event: event.name.clone(), what };
            if !self.families.contains_key(&event.family) {
                return Err(bad(format!("the family {:?} is not in [family]", event.family)));
            }
            for r in &event.refs {
                let Targets::Types(types) = &r.targets else { continue };
                for target in types {
                    let known = self.events.get(target).or_else(|| self.inner.get(target));
                    if known.is_none_or(|t| t.id_of.is_none()) {
                        return Err(bad(format!("the ref {:?} points at {target:?}, which creates no id", r.name)));
                    }
                }
            }
            for subject in &event.subjects {
                let known = subject == "id" && event.id_of.is_some()
                    || event
                        .field(subject)
                        .is_some_and(|f| f.is_public() && matches!(f.kind, Kind::Party | Kind::Facility))
                    || event.reference(subject).is_some();
                if !known {
                    return Err(bad(format!("the subject {subject:?} is no public party, no ref and no id")));
                }
            }
            if let Some(name) = event.inherits.iter().find(|name| event.reference(name).is_none()) {
                return Err(bad(format!("it inherits from {name:?}, which is no ref")));
            }
        }
        Ok(())
    }
}

/// The catalogue as it stands in TOML.
mod raw {
    use super::{
        BTreeMap, BadCatalogue, CodeList, Cosigner, Deserialize, EventType, Kind, Ref, Role, Targets, Visibility,
    };

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Catalogue {
        pub catalogue: Head,
        pub family: BTreeMap<String, String>,
        pub codelist: BTreeMap<String, CodeList>,
        pub event: BTreeMap<String, Event>,
        pub inner: BTreeMap<String, Event>,
    }

    #[derive(Deserialize)]
    pub struct Head {
        pub id: String,
        pub version: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct Event {
        family: String,
        v: i64,
        summary: String,
        authors: Vec<Role>,
        signatures: u8,
        cosigner_from: Option<Cosigner>,
        key_point: Vec<String>,
        id_of: Option<String>,
        refs: toml::Table,
        subjects: Vec<String>,
        #[serde(default)]
        inherits: Vec<String>,
        #[serde(default)]
        trust: bool,
        #[serde(default = "yes")]
        hides: bool,
        stream: Option<String>,
        #[serde(default)]
        field: Vec<Field>,
    }

    fn yes() -> bool {
        true
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Field {
        name: String,
        r#type: String,
        visibility: Visibility,
        required: bool,
        codelist: Option<String>,
        unit: Option<String>,
        #[serde(default)]
        deadline: bool,
        #[serde(default)]
        restricted_unless_named: bool,
        doc: String,
    }

    impl Event {
        pub fn read(self, name: &str, lists: &BTreeMap<String, CodeList>) -> Result<EventType, BadCatalogue> {
            let bad = |what: String| BadCatalogue::Event { event: name.to_owned(), what };
            if (self.signatures == 2) != self.cosigner_from.is_some() || !(1..=2).contains(&self.signatures) {
                return Err(bad("signatures = 2 and cosigner_from go together".to_owned()));
            }
            let mut fields = Vec::new();
            for f in self.field {
                let inside = f.r#type.strip_prefix("list<").and_then(|t| t.strip_suffix('>'));
                let kind = Kind::parse(inside.unwrap_or(&f.r#type));
                let kind = kind.ok_or_else(|| bad(format!("{}: no type {:?}", f.name, f.r#type)))?;
                if (kind == Kind::Code) != f.codelist.is_some() {
                    return Err(bad(format!("{}: code and codelist go together", f.name)));
                }
                if kind == Kind::Persons && f.visibility == Visibility::Public {
                    return Err(bad(format!("{}: numbers of persons are never public", f.name)));
                }
                let codes = match &f.codelist {
                    Some(list) => {
                        lists.get(list).ok_or_else(|| bad(format!("{}: no codelist {list:?}", f.name)))?.codes.clone()
                    }
                    None => Vec::new(),
                };
                fields.push(super::Field {
                    name: f.name,
                    kind,
                    list: inside.is_some(),
                    codelist: f.codelist,
                    visibility: f.visibility,
                    required: f.required,
                    deadline: f.deadline,
                    restricted_unless_named: f.restricted_unless_named,
                    unit: f.unit,
                    doc: f.doc,
                    codes,
                });
            }
            let mut refs = Vec::new();
            for (ref_name, target) in &self.refs {
                let target = target.as_str().ok_or_else(|| bad(format!("the ref {ref_name:?} is no string")))?;
                let (target, optional) = target.strip_suffix('?').map_or((target, false), |t| (t, true));
                let (target, many) = target.strip_suffix("[]").map_or((target, false), |t| (t, true));
                let targets = match target {
                    "*" => Targets::Any,
                    types => Targets::Types(types.split('|').map(str::to_owned).collect()),
                };
                refs.push(Ref { name: ref_name.clone(), targets, many, optional });
            }
            Ok(EventType {
                name: name.to_owned(),
                family: self.family,
                v: self.v,
                summary: self.summary,
                authors: self.authors,
                signatures: self.signatures,
                cosigner: self.cosigner_from,
                key_points: self.key_point,
                id_of: self.id_of,
                refs,
                subjects: self.subjects,
                inherits: self.inherits,
                trust: self.trust,
                hides: self.hides,
                stream: self.stream,
                fields,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_whole() {
        let catalogue = Catalogue::built_in();
        let codes: BTreeSet<_> = catalogue.codelists["inner_type"].codes.iter().cloned().collect();
        let inner: BTreeSet<_> = catalogue.inners().map(|e| e.name.clone()).collect();
        let lacking: Vec<_> = inner.symmetric_difference(&codes).collect();
        assert!(lacking.is_empty(), "in [inner] or in the code list inner_type, but not in both: {lacking:?}");
        assert!(inner.iter().all(|name| catalogue.event(name).is_none()), "a name is an event's or an inner one's");
        let used: BTreeSet<_> = catalogue.events().chain(catalogue.inners()).map(|e| e.family.clone()).collect();
        assert_eq!(used, catalogue.families().map(|(name, _)| name.to_owned()).collect(), "families that are used");
        for event in catalogue.events().chain(catalogue.inners()) {
            assert!(!event.authors.is_empty(), "{}: nobody may sign it", event.name);
            assert!(!event.summary.is_empty(), "{}: no summary", event.name);
            assert!(event.fields.iter().all(|f| !f.doc.is_empty()), "{}: a field without doc", event.name);
            assert!(event.v > 0, "{}: no version", event.name);
        }
    }

    #[test]
    fn refs_and_slots_keep_the_order_of_the_file() {
        let visit = Catalogue::built_in().event("visit.completed").unwrap();
        let refs: Vec<_> = visit.refs.iter().map(|r| (r.name.as_str(), r.optional)).collect();
        assert_eq!(refs, [("approval", true), ("agreement", true), ("notice_ref", true)]);
        let slots = visit.slots();
        assert_eq!(slots[..3], ["entered_at", "left_at", "team_in"]);
        assert_eq!(slots[slots.len() - 2..], TIME_SLOTS);
        // A name is printed for one who is named, and hidden for one who is not: always a slot.
        assert!(Catalogue::built_in().event("organisation.registered").unwrap().slots().contains(&"name"));
        assert!(Catalogue::built_in().event("ledger.index.sealed").unwrap().slots().is_empty());
    }

    #[test]
    fn values_are_checked_against_their_field() {
        let catalogue = Catalogue::built_in();
        let field = |event: &str, name: &str| catalogue.event(event).unwrap().field(name).unwrap().clone();
        let text = |s: &str| Value::Text(s.to_owned());
        for (event, name, value, good) in [
            ("visit.completed", "completion", text("normal"), true),
            ("visit.completed", "completion", text("Normal"), false),
            ("visit.completed", "wait", Value::Integer(0), true),
            ("visit.completed", "wait", Value::Integer(-1), false),
            ("visit.completed", "visited_on", text("2025-02-30"), false),
            ("visit.completed", "facility", text("fac/one"), false),
            ("organisation.registered", "state_funding", Value::Integer(1000), true),
            ("organisation.registered", "state_funding", Value::Integer(1001), false),
            ("organisation.registered", "name", Value::localised("fr", "Été"), true),
            ("organisation.registered", "name", Value::localised("fr", ""), false),
            ("organisation.registered", "name", Value::localised("f r", "Été"), false),
            ("funding.committed", "amount", Value::money(1, "XTS"), true),
            ("funding.committed", "amount", Value::money(-1, "XTS"), false),
            ("funding.committed", "amount", Value::money(1, "xts"), false),
            ("programme.adopted", "facilities", Value::List(vec![text("a"), text("b")]), true),
            ("programme.adopted", "facilities", Value::List(vec![text("a"), text("a")]), false),
            ("programme.adopted", "facilities", Value::List(vec![]), false),
        ] {
            assert_eq!(field(event, name).check(&value).is_ok(), good, "{event} {name} {value:?}");
        }
    }

    #[test]
    fn a_broken_catalogue_is_named() {
        for (from, to, names) in [
            ("codelist = \"completion\"", "codelist = \"nowhere\"", "nowhere"),
            (
                "refs = { visit = \"visit.completed\" }",
                "refs = { visit = \"visit.notice.nowhere\" }",
                "visit.notice.nowhere",
            ),
            ("type = \"minutes\"", "type = \"fortnights\"", "fortnights"),
            ("inherits = [\"target\"]", "inherits = [\"nobody\"]", "nobody"),
            (
                "visibility = \"restricted\"\nrequired = false\nunit = \"persons\"",
                "visibility = \"public\"\nrequired = false\nunit = \"persons\"",
                "never public",
            ),
        ] {
            assert!(TEXT.contains(from), "{from}");
            let got = Catalogue::parse(&TEXT.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(got.contains(names), "{got}");
        }
    }
}
