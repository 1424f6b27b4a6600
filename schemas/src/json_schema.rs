//! JSON Schemas (draft 2020-12) of every event type, for those who write clients. FORMAT.md 4.1, 15.1.
//!
//! They are generated from the catalogue, and say less than it: that JSON is canonical, that an id
//! is the author's own, and whatever needs the log is for admission to find (FORMAT.md 11).

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::catalogue::{
    Catalogue, EventType, Field, ID_BYTES_MAX, Kind, LIST_ITEMS_MAX, Ref, TEXT_BYTES_MAX, TIME_SLOTS, Targets,
};
use crate::value::INTEGER_MAX;

/// Ending of the files' names.
pub const ENDING: &str = ".schema.json";
/// How the committed files are made again.
pub const COMMAND: &str = "cargo run -p schemas --example write-json-schemas";

/// Name and text of each schema: `<event type>.schema.json`, and `inner.<inner type>.schema.json`.
pub fn all(catalogue: &Catalogue) -> Vec<(String, String)> {
    let events = catalogue.events().map(|e| (format!("{}{ENDING}", e.name), event(e)));
    let inners = catalogue.inners().map(|e| (format!("inner.{}{ENDING}", e.name), inner(e)));
    events.chain(inners).collect()
}

/// The JSON of an event. FORMAT.md 4.1.
fn event(kind: &EventType) -> String {
    let mut defs = Defs::default();
    let public: Vec<&Field> = kind.fields.iter().filter(|f| f.is_public()).collect();
    let mut members = vec![
        ("at", defs.form("date"), true),
        ("by", defs.form("party"), true),
        ("channel", defs.form("id"), false),
        ("data", defs.data(&public), true),
    ];
    members.extend(kind.hides.then(|| ("hidden", defs.form("hash"), true)));
    members.extend(kind.id_of.is_some().then(|| ("id", defs.form("thing"), true)));
    members.extend([
        ("lang", defs.form("lang"), false),
        ("ledger", defs.form("origin"), true),
        ("refs", defs.refs(&kind.refs), true),
        ("row", defs.form("id"), true),
        ("seq", defs.form("count"), true),
        ("type", json!({ "const": kind.name }).to_string(), true),
        ("v", json!({ "const": kind.v }).to_string(), true),
    ]);
    write(kind, &members, &defs, Some(slots(kind)))
}

/// The JSON of an inner event, hidden values and all. FORMAT.md 15.1.
fn inner(kind: &EventType) -> String {
    let mut defs = Defs::default();
    let when = format!(r#"{{"anyOf":[{},{}]}}"#, defs.form("date"), defs.form("time"));
    let mut members =
        vec![("by", defs.form("party"), true), ("data", defs.data(&kind.fields.iter().collect::<Vec<_>>()), true)];
    members.extend(kind.id_of.is_some().then(|| ("id", defs.form("thing"), true)));
    members.extend([
        ("ledger", defs.form("origin"), true),
        ("occurred_at", when, true),
        ("refs", defs.refs(&kind.refs), true),
        ("row", defs.form("id"), true),
        ("type", json!({ "const": kind.name }).to_string(), true),
        ("v", json!({ "const": kind.v }).to_string(), true),
    ]);
    write(kind, &members, &defs, None)
}

/// The hidden slots in their order, one a line. FORMAT.md 5.1.
fn slots(kind: &EventType) -> String {
    let slot = |name: &&str| {
        let type_name = kind.field(name).map_or_else(|| Kind::Time.as_str().to_owned(), Field::type_name);
        let visibility = kind.slot_visibility(name).as_str();
        let mut slot = json!({ "name": name, "type": type_name, "visibility": visibility });
        if let Some(list) = kind.field(name).and_then(|f| f.codelist.as_ref()) {
            slot["codelist"] = json!(list);
        }
        slot.to_string()
    };
    debug_assert!(TIME_SLOTS.iter().all(|name| kind.field(name).is_none()), "a slot has one name");
    lines('[', kind.slots().iter().map(slot), ']')
}

/// One member a line, so that a change of the catalogue changes the lines that it is about.
fn write(kind: &EventType, members: &[(&str, String, bool)], defs: &Defs, slots: Option<String>) -> String {
    let required: Vec<&str> = members.iter().filter(|(_, _, required)| *required).map(|(name, _, _)| *name).collect();
    let properties = members.iter().map(|(name, schema, _)| format!("{}:{schema}", json!(name)));
    let mut parts = vec![
        r#""$schema":"https://json-schema.org/draft/2020-12/schema""#.to_owned(),
        format!(r#""title":{}"#, json!(kind.name)),
        format!(r#""description":{}"#, json!(kind.summary)),
        r#""type":"object","additionalProperties":false"#.to_owned(),
        format!(r#""required":{}"#, json!(required)),
        format!(r#""properties":{}"#, lines('{', properties, '}')),
        format!(r#""$defs":{}"#, lines('{', defs.0.iter().map(|(name, form)| format!("{}:{form}", json!(name))), '}')),
    ];
    parts.extend(slots.map(|slots| format!(r#""x-slots":{slots}"#)));
    format!("{{\n{}\n}}\n", parts.join(",\n"))
}

fn lines(open: char, parts: impl Iterator<Item = String>, close: char) -> String {
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { format!("{open}{close}") } else { format!("{open}\n{}\n{close}", parts.join(",\n")) }
}

/// The forms that a schema uses, by name.
#[derive(Default)]
struct Defs(BTreeMap<String, Json>);

impl Defs {
    /// A reference to a form of [`form`].
    fn form(&mut self, name: &str) -> String {
        self.named(name, form(name)).to_string()
    }

    fn named(&mut self, name: &str, form: Json) -> Json {
        self.0.insert(name.to_owned(), form);
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    /// The fields of `data`.
    fn data(&mut self, fields: &[&Field]) -> String {
        let needed = |f: &&&Field| f.required && !f.restricted_unless_named;
        let required: Vec<&str> = fields.iter().filter(needed).map(|f| f.name.as_str()).collect();
        let properties = fields.iter().map(|field| {
            let mut one = match &field.codelist {
                Some(list) => self.named(&format!("code.{list}"), json!({ "enum": field.codes() })),
                None => {
                    for part in parts_of(field.kind) {
                        self.form(part);
                    }
                    self.named(field.kind.as_str(), form(field.kind.as_str()))
                }
            };
            if field.list {
                one = list_of(&one);
            }
            one["description"] = json!(field.doc);
            if field.restricted_unless_named {
                one["x-restricted-unless-named"] = json!(true);
            }
            format!("{}:{one}", json!(field.name))
        });
        object(&required, properties.collect())
    }

    /// The refs.
    fn refs(&mut self, refs: &[Ref]) -> String {
        let required: Vec<&str> = refs.iter().filter(|r| !r.optional).map(|r| r.name.as_str()).collect();
        let properties = refs.iter().map(|r| {
            let (name, targets) = match &r.targets {
                Targets::Any => ("address", json!("*")),
                Targets::Types(types) => ("thing", json!(types)),
            };
            let mut one = self.named(name, form(name));
            if r.many {
                one = list_of(&one);
            }
            one["x-targets"] = targets;
            format!("{}:{one}", json!(r.name))
        });
        object(&required, properties.collect())
    }
}

fn object(required: &[&str], properties: Vec<String>) -> String {
    let properties = lines('{', properties.into_iter(), '}');
    format!(
        r#"{{"type":"object","additionalProperties":false,"required":{},"properties":{properties}}}"#,
        json!(required)
    )
}

fn list_of(items: &Json) -> Json {
    json!({ "type": "array", "minItems": 1, "maxItems": LIST_ITEMS_MAX, "uniqueItems": true, "items": items })
}

/// Forms that the form of a kind refers to.
fn parts_of(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Money => &["count"],
        Kind::Text => &["lang"],
        _ => &[],
    }
}

/// The form of a type of the catalogue, or of a member of 4.1. FORMAT.md 1 and 2.2.
fn form(name: &str) -> Json {
    let id = format!("[A-Za-z0-9._:-]{{1,{ID_BYTES_MAX}}}");
    let text = |pattern: String| json!({ "type": "string", "pattern": format!("^{pattern}$") });
    let object = |properties: Json| {
        let required: Vec<&String> = properties.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
        json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
    };
    let date = "(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
    match name {
        "id" | "party" | "facility" => text(id),
        "thing" => text(format!("{id}/{id}")),
        "address" => text(format!("{id}/{id}/{id}")),
        "vkey" => text("[!-~]{1,512}".to_owned()),
        "date" => text(date.to_owned()),
        "time" => text(format!("{date}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z")),
        "percent" => json!({ "type": "integer", "minimum": 0, "maximum": 1000 }),
        "money" => object(json!({ "amount": { "$ref": "#/$defs/count" }, "currency": text("[A-Z]{3}".to_owned()) })),
        "text" => object(json!({
            "lang": { "$ref": "#/$defs/lang" },
            "text": { "type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX },
        })),
        "digest" => text("[0-9a-f]{64}".to_owned()),
        "bool" => json!({ "type": "boolean" }),
        "hash" => text("[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=".to_owned()),
        "lang" => {
            let pattern = "^[A-Za-z][A-Za-z0-9]{0,7}(-[A-Za-z0-9]{1,8})*$";
            json!({ "type": "string", "maxLength": 35, "pattern": pattern })
        }
        "origin" => json!({ "type": "string", "maxLength": 100, "pattern": "^[a-z0-9.-]+(/[a-z0-9.-]+)*$" }),
        "count" | "persons" | "minutes" | "hours" | "days" => {
            json!({ "type": "integer", "minimum": 0, "maximum": INTEGER_MAX })
        }
        // A code has the form that its list gives it.
        other => unreachable!("{other} is no form"),
    }
}
