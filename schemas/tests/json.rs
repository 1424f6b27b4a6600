//! The JSON Schemas: those committed are those that the catalogue gives, golden events pass them,
//! and what is wrong does not.

use std::collections::BTreeSet;
use std::path::Path;

#[allow(dead_code)] // comments are for the tests that run vectors
#[path = "vectors/reader.rs"]
mod reader;

use reader::Vector;
use schemas::catalogue::{Catalogue, TEXT};
use schemas::event::SignedEvent;
use schemas::json_schema::{self, COMMAND};
use serde_json::{Value as Json, json};

fn files(folder: &str) -> BTreeSet<String> {
    let listing = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    listing.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

fn text(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn committed_schemas_are_the_catalogues() {
    let all = json_schema::all(Catalogue::built_in());
    let names: BTreeSet<String> = all.iter().map(|(name, _)| name.clone()).collect();
    let committed = files("json");
    let missing: Vec<_> = names.difference(&committed).collect();
    assert!(
        missing.is_empty(),
        "the catalogue has types without a schema in schemas/json; run `{COMMAND}`: {missing:?}"
    );
    let extra: Vec<_> = committed.difference(&names).collect();
    assert!(extra.is_empty(), "schemas/json has files of types that the catalogue has not; run `{COMMAND}`: {extra:?}");
    for (name, want) in all {
        let found = text(&format!("json/{name}"));
        let line = found.lines().zip(want.lines()).position(|(a, b)| a != b).unwrap_or_default();
        assert!(
            found == want,
            "schemas/json/{name} is not what the catalogue gives (line {}); run `{COMMAND}`",
            line + 1
        );
    }
}

/// To add an event type to a file of the catalogue is all: its schema comes with the command.
#[test]
fn a_new_type_needs_one_place() {
    let new = r#"
        [event."visit.rumoured"]
        family = "visit"
        v = 1
        summary = "Somebody says that there was a visit."
        authors = ["cso"]
        signatures = 1
        key_point = ["KP1"]
        subjects = []
        refs = {}
    "#;
    let all = json_schema::all(&Catalogue::parse(&format!("{TEXT}\n{new}")).unwrap());
    let committed = files("json");
    let missing: Vec<_> = all.iter().filter(|(name, _)| !committed.contains(name)).collect();
    assert_eq!(missing.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["visit.rumoured.schema.json"]);
    assert!(missing[0].1.contains(r#""title":"visit.rumoured""#));
}

#[test]
fn every_catalogue_file_is_read() {
    for name in files("catalogue") {
        assert!(TEXT.contains(text(&format!("catalogue/{name}")).trim_end()), "catalogue.rs does not include {name}");
    }
}

#[test]
fn every_schema_is_one() {
    for (name, text) in json_schema::all(Catalogue::built_in()) {
        let schema: Json = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(jsonschema::meta::is_valid(&schema), "{name} is no schema");
    }
}

fn validator(file: &str) -> jsonschema::Validator {
    let schema: Json = serde_json::from_str(&text(&format!("json/{file}{}", json_schema::ENDING))).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// The JSON in an event's or inner event's text: its second line.
fn second_line(text: &str) -> Json {
    serde_json::from_str(text.lines().nth(1).unwrap()).unwrap()
}

fn golden(name: &str) -> Json {
    let all = Vector::read_all("event");
    let vector = all.iter().find(|v| v.name == format!("event/{name}")).unwrap();
    second_line(&SignedEvent::parse(&vector.body).unwrap().note.text)
}

#[test]
fn golden_events_pass() {
    for vector in Vector::read_all("event").iter().filter(|v| v.expect == "ok") {
        let signed = SignedEvent::parse(&vector.body).unwrap();
        let (event, schema) = (second_line(&signed.note.text), validator(&signed.event.kind));
        let errors: Vec<String> = schema.iter_errors(&event).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", vector.name);
        let slots = schema_of(&signed.event.kind)["x-slots"].as_array().unwrap().len();
        let opened = vector.opening.as_deref().map(|line| serde_json::from_str::<Json>(line).unwrap());
        assert_eq!(slots, opened.map_or(0, |o| o["slots"].as_array().unwrap().len()), "{}", vector.name);
    }
    for vector in Vector::read_all("inner").iter().filter(|v| v.expect == "ok") {
        let inner = second_line(std::str::from_utf8(&vector.body).unwrap());
        let schema = validator(&format!("inner.{}", inner["type"].as_str().unwrap()));
        let errors: Vec<String> = schema.iter_errors(&inner).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", vector.name);
    }
}

fn schema_of(kind: &str) -> Json {
    serde_json::from_str(&text(&format!("json/{kind}{}", json_schema::ENDING))).unwrap()
}

#[test]
fn what_is_wrong_does_not_pass() {
    for (name, pointer, value) in [
        ("date", "/at", json!("2031-13-04")),
        ("date", "/at", json!("0000-01-01")),
        ("date", "/at", json!("2031-03-04T09:30:00Z")),
        ("date", "/by", json!("fac one")),
        ("date", "/data", json!({ "facility": "fac-one" })),
        ("date", "/data", json!([])),
        ("date", "/data/ended_on", json!("04/03/2031")),
        ("date", "/hidden", json!("e3b0c442")),
        ("date", "/hidden", json!("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=")),
        ("date", "/ledger", json!("Vectors.example/log")),
        ("date", "/ledger", json!("vectors.example//log")),
        ("date", "/refs", json!({})),
        ("date", "/refs/measure", json!("measure-1")),
        ("date", "/refs/measure", json!(["fac-one/measure-1"])),
        ("date", "/row", json!("")),
        ("date", "/seq", json!(-1)),
        ("date", "/seq", json!(1.5)),
        ("date", "/seq", json!(9_007_199_254_740_993_u64)),
        ("date", "/type", json!("measure.imposed")),
        ("date", "/v", json!(2)),
        ("count", "/id", json!("device-1")),
        ("count", "/data/first_seq", json!("1")),
        ("count", "/data/first_seq", json!(null)),
        ("code", "/data/status", json!("done")),
        ("vkey", "/data/public_key", json!("a key")),
        ("time", "/data/ended_at", json!("2031-03-04T24:00:00Z")),
        ("time", "/data/ended_at", json!("2031-03-04")),
        ("percent", "/data/state_funding", json!(1001)),
        ("percent", "/data/state_funding", json!(12.5)),
        ("money", "/data/amount", json!({ "amount": 1, "currency": "xts" })),
        ("money", "/data/amount", json!({ "amount": -1, "currency": "XTS" })),
        ("money", "/data/amount", json!({ "amount": 1 })),
        ("money", "/data/amount", json!({ "amount": 1, "currency": "XTS", "x": 1 })),
        ("text", "/data/reply", json!("text without language")),
        ("text", "/data/reply", json!({ "lang": "ar", "text": "" })),
        ("text", "/lang", json!("ar_SA")),
        ("digest", "/data/doc", json!("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855")),
        ("bool", "/data/tolls", json!("true")),
        ("list", "/data/facilities", json!([])),
        ("list", "/data/facilities", json!(["fac-one", "fac-one"])),
        ("list", "/data/topics", json!("mandela_rules")),
        ("shape-address", "/refs/target", json!("cso-one/r-7")),
    ] {
        let mut event = golden(name);
        let schema = validator(event["type"].as_str().unwrap());
        assert!(schema.is_valid(&event), "{name}");
        *event.pointer_mut(pointer).unwrap_or_else(|| panic!("{name} has no {pointer}")) = value.clone();
        assert!(!schema.is_valid(&event), "{name}: {pointer} = {value}");
    }
}

/// Members too many, too few, and hidden values in public.
#[test]
fn the_members_are_those_of_the_type() {
    for (name, parent, member, value) in [
        ("persons", "", "hidden", None),
        ("persons", "", "id", None),
        ("persons", "", "refs", None),
        ("persons", "", "more", Some(json!(1))),
        ("persons", "/data", "team_in", Some(json!(3))),
        ("persons", "/data", "entered_at", Some(json!("2031-03-04T09:55:00Z"))),
        ("persons", "/data", "prisoner", Some(json!("x"))),
        ("persons", "/data", "duration", None),
        ("persons", "/refs", "visit", Some(json!("fac-one/visit-1"))),
        ("date", "", "id", Some(json!("fac-one/x"))),
        ("shape-no-slots", "", "hidden", Some(json!("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="))),
    ] {
        let mut event = golden(name);
        let schema = validator(event["type"].as_str().unwrap());
        let members = event.pointer_mut(parent).and_then(Json::as_object_mut).unwrap();
        match &value {
            Some(value) => members.insert(member.to_owned(), value.clone()),
            None => members.remove(member),
        };
        assert!(!schema.is_valid(&event), "{name}: {parent}/{member} {value:?}");
    }
    // The name of a party that is not named stands in a slot, not in data: both are allowed.
    let mut event = golden("percent");
    let data = event["data"].as_object_mut().unwrap();
    data.retain(|name, _| !["name", "registry_id", "founded_on"].contains(&name.as_str()));
    data["identity_mode"] = json!("pseudonym");
    assert!(validator("organisation.registered").is_valid(&event));
}
