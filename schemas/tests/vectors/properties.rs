//! Properties of every parser: no bytes make it panic, and what it takes has one spelling.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use schemas::catalogue::Catalogue;
use schemas::hash::Hash;
use schemas::note::{KeyId, Note, SignatureLine};
use schemas::opening::{Disclosure, OpeningLine, hidden_root};
use schemas::sealed::{self, BODY_BYTES};
use schemas::tile::{bundle_bytes, split_bundle, split_hashes};
use schemas::time::{Date, Timestamp};
use schemas::value::{INTEGER_MAX, Value};

use crate::parsers::{KINDS, read};
use crate::reader::Vector;

type Bodies = Vec<Vec<u8>>;

/// Bodies of all vectors, kind by kind: what mutations start from.
static CORPUS: LazyLock<Vec<(&str, Bodies)>> = LazyLock::new(|| {
    KINDS.into_iter().map(|kind| (kind, Vector::read_all(kind).into_iter().map(|v| v.body).collect())).collect()
});

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// One change of a byte string; places are taken modulo its length.
#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Insert(usize, Vec<u8>),
    Cut(usize, usize),
    Copy(usize, usize, usize),
    Truncate(usize),
}

fn change() -> impl Strategy<Value = Change> {
    let piece = prop_oneof![
        any::<u8>().prop_map(|b| vec![b]),
        prop::sample::select(vec![
            " ", "\n", "\r", "\0", "\"", "\\u0000", ",", ":1", "null", "1.0", "-0", "[", "{", "=", "+", "/", "0", "é",
            "\u{feff}"
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop_oneof![
        (any::<usize>(), 0u8..8).prop_map(|(at, bit)| Change::Flip(at, 1 << bit)),
        (any::<usize>(), piece).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (any::<usize>(), 1usize..20).prop_map(|(at, n)| Change::Cut(at, n)),
        (any::<usize>(), any::<usize>(), 1usize..40).prop_map(|(from, to, n)| Change::Copy(from, to, n)),
        any::<usize>().prop_map(Change::Truncate),
    ]
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: usize, bytes: &[u8]| at % (bytes.len() + 1);
        match self {
            Self::Flip(at, bit) => {
                let at = place(*at, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= bit;
                }
            }
            Self::Insert(at, piece) => {
                let at = place(*at, bytes);
                bytes.splice(at..at, piece.iter().copied());
            }
            Self::Cut(at, n) => {
                let at = place(*at, bytes);
                bytes.drain(at..(at + n).min(bytes.len()));
            }
            Self::Copy(from, to, n) => {
                let (from, to) = (place(*from, bytes), place(*to, bytes));
                let piece = bytes[from..(from + n).min(bytes.len())].to_vec();
                bytes.splice(to..to, piece);
            }
            Self::Truncate(at) => bytes.truncate(place(*at, bytes)),
        }
    }
}

/// What is read is printed as it was read.
fn has_one_spelling(kind: &str, bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(again) = read(kind, bytes) {
        prop_assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(bytes), "{}", kind);
    }
    Ok(())
}

fn name() -> impl Strategy<Value = String> {
    "[ -~]{0,6}"
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        (-INTEGER_MAX..=INTEGER_MAX).prop_map(Value::Integer),
        any::<String>().prop_map(Value::Text),
        "[a-z0-9./:-]{0,12}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::btree_map(name(), inner, 0..4).prop_map(Value::Object),
        ]
    })
}

fn note() -> impl Strategy<Value = Note> {
    let line = ("[^\\s\\p{C}+]{1,12}", any::<[u8; 4]>(), prop::collection::vec(any::<u8>(), 1..80))
        .prop_map(|(name, id, signature)| SignatureLine { name, id: KeyId(id), signature });
    let text = prop::collection::vec("[^\\x00-\\x1f]{0,20}", 1..5).prop_map(|lines| lines.join("\n") + "\n");
    (text, prop::collection::vec(line, 1..4)).prop_map(|(text, signatures)| Note { text, signatures })
}

proptest! {
    #![proptest_config(config(1024))]

    #[test]
    fn random_bytes_stop_no_parser(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for kind in KINDS {
            has_one_spelling(kind, &bytes)?;
        }
        for width in [0, 1, 256] {
            let _ = (split_bundle(&bytes, width), split_hashes(&bytes, width));
        }
    }

    #[test]
    fn random_text_stops_no_parser(text in any::<String>()) {
        for kind in KINDS {
            has_one_spelling(kind, text.as_bytes())?;
        }
        prop_assert!(Date::parse(&text).is_none_or(|day| day.to_string() == text));
        prop_assert!(Timestamp::parse(&text).is_none_or(|instant| instant.to_string() == text));
    }

    #[test]
    fn mutated_vectors_have_one_spelling_or_none(
        kind in 0..KINDS.len(),
        which in any::<usize>(),
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let (kind, bodies) = &CORPUS[kind];
        let mut bytes = bodies[which % bodies.len()].clone();
        for change in &changes {
            change.apply(&mut bytes);
        }
        has_one_spelling(kind, &bytes)?;
        // One kind's bytes may come where another's are expected.
        for kind in KINDS {
            has_one_spelling(kind, &bytes)?;
        }
    }

    #[test]
    fn values_have_one_spelling(value in value()) {
        prop_assert_eq!(Value::parse(value.to_json().as_bytes()), Ok(value));
    }

    #[test]
    fn disclosures_and_their_lines_come_back(values in prop::collection::vec((any::<[u8; 32]>(), any::<String>(), prop::option::of(value())), 0..5)) {
        let disclosures: Vec<Disclosure> =
            values.into_iter().map(|(salt, name, value)| Disclosure { salt, name, value }).collect();
        for one in &disclosures {
            prop_assert_eq!(Disclosure::parse(&one.to_text()), Some(one.clone()));
        }
        let line = OpeningLine::open(3, Hash::of(&[b"event"]), &disclosures);
        prop_assert_eq!(OpeningLine::parse(&line.to_json()), Ok(line.clone()));
        // A line of another type's slots, or of none, is refused and never a panic.
        for kind in Catalogue::built_in().events().take(8) {
            prop_assert!(line.check(hidden_root(&line.digests), kind).is_err() || kind.slots().is_empty());
        }
    }

    #[test]
    fn notes_come_back(note in note()) {
        prop_assert_eq!(Note::parse(note.to_text().as_bytes()), Ok(note));
    }

    #[test]
    fn bundles_come_back(entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..6)) {
        let bytes = bundle_bytes(entries.iter().map(Vec::as_slice));
        let want: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        prop_assert_eq!(split_bundle(&bytes, entries.len() as u64), Some(want));
        prop_assert_eq!(split_bundle(&bytes, entries.len() as u64 + 1), None);
    }

    #[test]
    fn days_come_back(seconds in -62_135_596_800i64..=253_402_300_799) {
        let instant = Timestamp::from_unix(seconds);
        prop_assert_eq!(Timestamp::parse(&instant.to_string()), Some(instant));
        prop_assert_eq!(Date::parse(&instant.date(0).to_string()), Some(instant.date(0)));
    }
}

proptest! {
    #![proptest_config(config(64))]

    /// Whatever a public field holds, the check of a field answers.
    #[test]
    fn no_value_stops_a_field(value in value()) {
        for kind in Catalogue::built_in().events().chain(Catalogue::built_in().inners()) {
            for field in &kind.fields {
                let _ = field.check(&value);
                let _ = field.check(&Value::List(vec![value.clone(), value.clone()]));
            }
        }
    }

    /// A body is read exactly as it was sealed, and not at all once a byte of it is another.
    #[test]
    fn bodies_come_back_whole_or_not_at_all(which in any::<usize>(), at in 0..BODY_BYTES, bit in 0u8..8) {
        let (_, inners) = CORPUS.iter().find(|(kind, _)| *kind == "inner").unwrap();
        let good: Vec<&Vec<u8>> = inners.iter().filter(|body| read("inner", body).is_ok()).collect();
        let text = String::from_utf8(good[which % good.len()].clone()).unwrap();
        let line = SignatureLine { name: "vectors.example/log/npm-one/desk".to_owned(), id: KeyId([0; 4]), signature: vec![0; 64] };
        let note = Note { text, signatures: vec![line] };
        let body = sealed::seal(&note).unwrap();
        let (inner, again) = sealed::unseal(&body).unwrap();
        prop_assert_eq!((inner.to_text(), &again), (note.text.clone(), &note));
        let mut bytes = schemas::base::from_base64(body.get("text").and_then(Value::as_text).unwrap()).unwrap();
        prop_assert_eq!(bytes.len(), BODY_BYTES);
        bytes[at] ^= 1 << bit;
        let bent = Value::localised(sealed::BODY_LANG, &schemas::base::to_base64(&bytes));
        if let Ok((_, other)) = sealed::unseal(&bent) {
            prop_assert_ne!(other, note, "a changed byte is a changed record");
        }
        let random = Value::Object(BTreeMap::from([("text".to_owned(), Value::Text(schemas::base::to_base64(&bytes[at..])))]));
        prop_assert!(sealed::unseal(&random).is_err() || at == 0);
    }
}
