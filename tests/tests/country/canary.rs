//! What must not be public is nowhere in what is. Every hidden field of every type holds a mark,
//! and half a dozen parties are not named; then every byte that anyone may see is searched.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use schemas::catalogue::{Catalogue, EventType};
use schemas::event::Event;
use schemas::sealed::{Inner, unseal};
use schemas::value::Value;
use tests::demo::{Done, Places, build};

use crate::common::{files_below, fresh, places};
use crate::every::{self, PARTIES};
use crate::log::{Item, items, open};
use crate::marks::{self, Marks, Needle};

struct Canary {
    places: Places,
    marks: Marks,
    done: Done,
    items: Vec<Item>,
}

static CANARY: LazyLock<Canary> = LazyLock::new(|| {
    let folder = fresh("canary");
    let scenario = folder.join("canary");
    let marks = every::write(&scenario, every::ROUNDS);
    let places = places(&scenario, &folder.join("out"));
    let done = build(&places, &mut |_| {}).unwrap_or_else(|why| panic!("{why}"));
    let items = items(&open(&places));
    Canary { places, marks, done, items }
});

/// The events of the sealed stream.
fn inners() -> Vec<Inner> {
    let bodies = CANARY.items.iter().filter_map(|item| item.hidden().remove("body"));
    bodies.map(|body| unseal(&body).expect("a body that the ledger made").0).collect()
}

#[test]
fn every_type_goes_all_the_way() {
    assert_eq!(CANARY.done.check.exit_code(), 0);
    let mut seen: BTreeSet<String> = CANARY.items.iter().map(|i| i.entry.signed.event.kind.clone()).collect();
    seen.extend(inners().into_iter().map(|inner| inner.kind));
    let absent: Vec<_> = every::types().into_iter().map(|t| t.name.as_str()).filter(|t| !seen.contains(*t)).collect();
    assert!(absent.is_empty(), "no row of {absent:?} reached the log");
    assert!(every::types().len() > 115, "{}", every::types().len());

    // Every field and every ref was filled somewhere: what was not filled was not tested.
    let mut filled: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in &CANARY.items {
        let event = &item.entry.signed.event;
        let names = filled.entry(event.kind.clone()).or_default();
        names.extend(event.data.keys().chain(event.refs.keys()).cloned().chain(item.hidden().into_keys()));
    }
    for inner in inners() {
        filled.entry(inner.kind).or_default().extend(inner.data.into_keys().chain(inner.refs.into_keys()));
    }
    let wanted = |kind: &EventType| {
        let fields = kind.fields.iter().map(|f| f.name.clone());
        fields.chain(kind.refs.iter().map(|r| r.name.clone())).collect::<BTreeSet<_>>()
    };
    for kind in every::types() {
        let empty: Vec<_> = wanted(kind).difference(&filled[&kind.name]).cloned().collect();
        assert!(empty.is_empty(), "{}: {empty:?} was never filled", kind.name);
    }
}

/// Every byte that anyone may see: contents, and names of files.
fn public_bytes() -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for folder in [CANARY.places.bundle(), CANARY.places.site()] {
        for (name, bytes) in files_below(&folder) {
            all.push((folder.join("names of files"), name.clone().into_bytes()));
            all.push((folder.join(name), bytes));
        }
    }
    all
}

fn unnamed_words() -> Vec<&'static str> {
    let unnamed = PARTIES.iter().filter(|p| !p.is_named());
    // The one word of the id that stands nowhere else, and the whole name.
    unnamed.flat_map(|p| [p.id.split_once('-').map_or(p.id, |(_, word)| word), p.name]).collect()
}

#[test]
fn no_hidden_value_and_no_unnamed_party_is_public() {
    let words = marks::common().into_iter().chain(unnamed_words());
    let needles: Vec<Needle> = words.flat_map(marks::needles).collect();
    let mut found = Vec::new();
    let mut searched = 0;
    for (path, bytes) in public_bytes() {
        searched += bytes.len();
        found.extend(marks::search(&needles, &bytes).into_iter().map(|n| format!("{}: {}", path.display(), n.what)));
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(searched > 1_000_000, "{searched} bytes are no whole country");
}

/// The search above finds nothing because nothing is there: every mark is in the openings.
#[test]
fn every_mark_was_planted_and_the_search_finds_it() {
    let mut hidden: Vec<String> = Vec::new();
    for item in &CANARY.items {
        let values = item.hidden();
        if let Some(body) = values.get("body") {
            let (inner, _) = unseal(body).expect("a body that the ledger made");
            hidden.extend(inner.data.values().map(Value::to_json));
            hidden.push(inner.occurred_at);
        }
        hidden.extend(values.values().map(Value::to_json));
    }
    let all = hidden.join("\n");
    let json = |mark: &str| Value::Text(mark.to_owned()).to_json();
    let planted = |mark: &str| all.contains(json(mark).trim_matches('"'));
    let lost: Vec<_> = CANARY.marks.given.iter().filter(|mark| !planted(mark)).collect();
    assert!(lost.is_empty(), "{} marks are in no opening, such as {:?}", lost.len(), lost[0]);
    assert!(CANARY.marks.given.len() > 1_000, "{}", CANARY.marks.given.len());

    let openings: Vec<u8> = files_below(&CANARY.places.openings()).into_values().flatten().collect();
    for word in marks::common().into_iter().chain(PARTIES.iter().filter(|p| !p.is_named()).map(|p| p.id)) {
        let needles = marks::needles(word);
        assert!(!marks::search(&needles, &openings).is_empty(), "{word} is in the openings and is not found there");
    }
}

/// Two events that differ only in which hidden fields are filled cannot be told apart in public:
/// what differs is numbers, digests and signatures, and never a length.
#[test]
fn filled_and_empty_look_alike() {
    let mut pairs: BTreeMap<(String, String), Vec<&Item>> = BTreeMap::new();
    for item in &CANARY.items {
        let event = &item.entry.signed.event;
        // Keys differ from each other in public.
        if let Some(row) = event.row.strip_suffix(['a', 'b']).filter(|_| !event.kind.starts_with("key.")) {
            pairs.entry((event.kind.clone(), row.to_owned())).or_default().push(item);
        }
    }
    let mut compared: BTreeSet<&str> = BTreeSet::new();
    for ((kind, row), twins) in &pairs {
        let [full, bare] = twins[..] else { continue };
        let (a, b) = (public_face(&full.entry.signed.event), public_face(&bare.entry.signed.event));
        assert_eq!(a, b, "{kind} {row}");
        assert_eq!(length(full), length(bare), "{kind} {row}");
        // At least the exact time is hidden in the one, and not in the other.
        assert!(bare.hidden().len() < full.hidden().len(), "{kind} {row}");
        compared.insert(kind);
    }
    let in_log = |t: &&EventType| Catalogue::built_in().event(&t.name).is_some() && !t.name.starts_with("key.");
    let left: Vec<_> = every::types().into_iter().filter(in_log).map(|t| t.name.as_str()).collect();
    let left: Vec<_> = left.into_iter().filter(|name| !compared.contains(name)).collect();
    assert!(left.is_empty(), "no pair of {left:?}");

    // Records of the sealed stream are of one length, whatever is in them.
    let sealed = CANARY.items.iter().filter(|i| i.entry.signed.event.kind == "sealed.record.appended");
    let lengths: BTreeSet<usize> = sealed.clone().map(length).collect();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
    assert!(sealed.count() > 200);
}

/// An event without what differs from row to row whatever it says.
fn public_face(event: &Event) -> String {
    let mut face = event.clone();
    assert_eq!(face.hidden.as_ref().map(String::len), Some(44), "a root has one length");
    face.hidden = None;
    face.seq = 0;
    face.row = String::new();
    face.id = face.id.map(|id| id.len().to_string());
    face.to_text()
}

/// Length of an entry, the digits of its two running numbers left out.
fn length(item: &Item) -> usize {
    let digits = |n: u64| n.to_string().len();
    item.bytes.len() - digits(item.entry.position) - digits(item.entry.signed.event.seq as u64)
}
