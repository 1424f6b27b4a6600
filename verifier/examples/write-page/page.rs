//! The offline page, put together from its parts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Error, Result};
use std::path::Path;

use schemas::catalogue::{Catalogue, Cosigner, EventType, Field, Ref, Targets};
use schemas::currency::EXPONENTS;
use schemas::hash::Hash;
use schemas::value::Value;

/// Languages of the page, the first of them where nothing else is asked for.
const LANGUAGES: [&str; 3] = ["en", "fr", "ar"];
/// Samples that a reader may try; what they show is said in the words of each language.
const SAMPLES: [&str; 15] = [
    "policy",
    "auditor",
    "good.pack",
    "erased.pack",
    "older.pack",
    "absent.pack",
    "visit.tlog-proof",
    "dropped.pack",
    "swapped.pack",
    "rewritten.pack",
    "forged-witness.pack",
    "false-erasure.pack",
    "other-history.pack",
    "fork",
    "refusal",
];

/// The whole page, the same bytes from the same parts.
///
/// # Errors
/// A part that cannot be read, or that has the end of a script in it.
pub fn assemble(web: &Path) -> Result<String> {
    let read = |path: &str| {
        std::fs::read_to_string(web.join(path)).map_err(|e| Error::new(e.kind(), format!("verifier/web/{path}: {e}")))
    };
    let mut script = String::from("'use strict';\n");
    // The one list of what systems leave behind; the page reads no other.
    let strays: Vec<String> = schemas::strays::names().map(str::to_owned).collect();
    let _ = writeln!(script, "\nconst STRAYS = {};", texts(&strays).to_json()); // a string takes it all
    for name in read("src/order")?.lines() {
        script += "\n";
        script += &read(&format!("src/{name}.js"))?;
    }
    let style = read("src/page.css")?;
    for (name, text) in [("script", &script), ("style", &style)] {
        if text.contains("</") || text.contains("<!--") {
            return Err(Error::other(format!("the {name} would end in the middle: it holds \"</\" or \"<!--\"")));
        }
    }
    let mut texts = BTreeMap::new();
    for language in LANGUAGES {
        texts.insert(language.to_owned(), Value::Text(read(&format!("text/{language}.json"))?));
    }
    let mut samples = BTreeMap::new();
    for name in SAMPLES {
        samples.insert(name.to_owned(), Value::Text(read(&format!("samples/{name}"))?));
    }
    let template = read("src/page.html")?;
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        Hash::of(&[script.as_bytes()]).to_base64(),
        Hash::of(&[style.as_bytes()]).to_base64(),
    );
    let parts = [
        ("{{policy}}", policy),
        ("{{style}}", style),
        ("{{catalogue}}", data(&catalogue(Catalogue::built_in(), &read("released")?))),
        ("{{texts}}", data(&Value::Object(texts))),
        ("{{samples}}", data(&Value::Object(samples))),
        ("{{template}}", data(&text(&template))),
        ("{{script}}", script),
    ];
    let mut html = String::new();
    let mut rest = template.as_str();
    for (name, part) in &parts {
        let (before, after) = rest.split_once(name).ok_or_else(|| Error::other(format!("src/page.html: no {name}")))?;
        html += before;
        html += part;
        rest = after;
    }
    Ok(html + rest)
}

/// JSON that cannot end the element in which it stands.
fn data(value: &Value) -> String {
    value.to_json().replace('<', "\\u003c")
}

/// What the page needs of the catalogue.
fn catalogue(catalogue: &Catalogue, released: &str) -> Value {
    let pages: Vec<String> = (released.lines().filter(|line| !line.starts_with('#')))
        .filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))
        .collect();
    let digits =
        EXPONENTS.iter().map(|(code, digits)| ((*code).to_owned(), Value::Integer((*digits).into()))).collect();
    let types = |all: &mut dyn Iterator<Item = &EventType>| {
        Value::Object(all.map(|kind| (kind.name.clone(), event_type(kind))).collect())
    };
    let codes = catalogue.codelists().map(|(name, list)| (name.to_owned(), texts(&list.codes))).collect();
    object([
        ("codes", Value::Object(codes)),
        ("digest", text(&catalogue.digest().to_hex())),
        ("events", types(&mut catalogue.events())),
        ("inner", types(&mut catalogue.inners())),
        ("exponents", Value::Object(digits)),
        ("name", text(&catalogue.id())),
        ("pages", texts(&pages)),
    ])
}

fn event_type(kind: &EventType) -> Value {
    let authors: Vec<String> = kind.authors.iter().map(|role| role.as_str().to_owned()).collect();
    let mut members = vec![
        ("authors", texts(&authors)),
        ("fields", Value::List(kind.fields.iter().map(field).collect())),
        ("hides", Value::Bool(kind.hides)),
        ("inherits", texts(&kind.inherits)),
        ("refs", Value::List(kind.refs.iter().map(reference).collect())),
        ("signatures", Value::Integer(kind.signatures.into())),
        ("subjects", texts(&kind.subjects)),
        ("summary", text(&kind.summary)),
        ("trust", Value::Bool(kind.trust)),
        ("v", Value::Integer(kind.v)),
    ];
    members.extend(kind.id_of.as_deref().map(|id_of| ("idOf", text(id_of))));
    members.extend(kind.cosigner.map(|who| ("cosigner", text(cosigner(who)))));
    members.extend(kind.stream.as_deref().map(|stream| ("stream", text(stream))));
    object(members)
}

fn cosigner(who: Cosigner) -> &'static str {
    match who {
        Cosigner::Same => "same",
        Cosigner::Organisation => "organisation",
        Cosigner::Operator => "operator",
        Cosigner::Oversight => "oversight",
    }
}

fn field(field: &Field) -> Value {
    let mut members = vec![
        ("doc", text(&field.doc)),
        ("kind", text(field.kind.as_str())),
        ("name", text(&field.name)),
        ("required", Value::Bool(field.required)),
        ("visibility", text(field.visibility.as_str())),
    ];
    members.extend(field.codelist.as_deref().map(|list| ("codes", text(list))));
    members.extend(field.unit.as_deref().map(|unit| ("unit", text(unit))));
    members.extend(field.list.then_some(("list", Value::Bool(true))));
    members.extend(field.restricted_unless_named.then_some(("unlessNamed", Value::Bool(true))));
    object(members)
}

fn reference(reference: &Ref) -> Value {
    let targets = match &reference.targets {
        Targets::Any => text("*"),
        Targets::Types(types) => texts(types),
    };
    object([
        ("many", Value::Bool(reference.many)),
        ("name", text(&reference.name)),
        ("optional", Value::Bool(reference.optional)),
        ("targets", targets),
    ])
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn texts(texts: &[String]) -> Value {
    Value::List(texts.iter().map(|t| text(t)).collect())
}
