//! Witnesses that answer wrongly: nothing of it is believed, and the operator is told what it was.

use std::collections::BTreeMap;

use ledger::publish::publish;
use ledger::witness::{CLOCK_SECONDS, Panel, Response, Silence, Witness};
use schemas::note::{BadNote, SignatureLine};
use schemas::time::Timestamp;
use verifier::witness::answer::{BadReply, SIZE_TYPE, TEXT_TYPE};
use verifier::witness::request::Request;

use crate::common::{Small, at, key};

/// What is answered to the so-manieth question at an instant.
type Said = fn(&Request, u64, usize) -> (u16, &'static str, String);

struct Fake {
    said: Said,
    asked: usize,
}

impl Witness for Fake {
    fn add_checkpoint(&mut self, request: &Request, now: Timestamp) -> Result<Response, Silence> {
        self.asked += 1;
        let (status, kind, body) = (self.said)(request, now.unix() as u64, self.asked);
        Ok(Response { status, content_type: kind.to_owned(), body: body.into_bytes() })
    }
}

fn lines(lines: &[SignatureLine]) -> (u16, &'static str, String) {
    (200, TEXT_TYPE, lines.iter().map(|line| line.to_text() + "\n").collect())
}

fn size(n: u64) -> (u16, &'static str, String) {
    (409, SIZE_TYPE, format!("{n}\n"))
}

#[test]
fn only_a_line_that_holds_at_a_time_that_can_be_is_taken() {
    let own = || key(1).cosigner_vkey().to_string();
    let clock = |seconds, ahead| Some(Silence::Clock { seconds, ahead });
    let cases: [(&str, Said, Option<Silence>); 20] = [
        ("an honest line", |r, now, _| lines(&[key(1).cosign(&r.note.text, now)]), None),
        (
            "one among others",
            |r, now, _| {
                lines(&[key(2).cosign(&r.note.text, now), key(1).sign(&r.note.text), key(1).cosign(&r.note.text, now)])
            },
            None,
        ),
        (
            "the size it knows first",
            |r, now, n| {
                if n == 1 { size(1) } else { lines(&[key(1).cosign(&r.note.text, now)]) }
            },
            None,
        ),
        (
            "a clock that is a little behind",
            |r, now, _| lines(&[key(1).cosign(&r.note.text, now - CLOCK_SECONDS as u64)]),
            None,
        ),
        (
            "a clock that is behind",
            |r, now, _| lines(&[key(1).cosign(&r.note.text, now - CLOCK_SECONDS as u64 - 1)]),
            clock(301, false),
        ),
        (
            "a clock that is ahead",
            |r, now, _| lines(&[key(1).cosign(&r.note.text, now + CLOCK_SECONDS as u64 + 1)]),
            clock(301, true),
        ),
        (
            "a time beyond all time",
            |r, _, _| lines(&[key(1).cosign(&r.note.text, u64::MAX)]),
            clock((i64::MAX - at(1).unix()).unsigned_abs(), true),
        ),
        (
            "a forged line",
            |r, now, _| {
                let mut line = key(1).cosign(&r.note.text, now);
                line.signature[20] ^= 1;
                lines(&[line])
            },
            Some(Silence::NotSigned { key: own() }),
        ),
        (
            "a line with another time",
            |r, now, _| {
                let mut line = key(1).cosign(&r.note.text, now);
                line.signature[7] ^= 1;
                lines(&[line])
            },
            Some(Silence::NotSigned { key: own() }),
        ),
        (
            "a line by another key of the same name",
            |r, now, _| {
                let other = verifier::signature::SecretKey::new("w1.example/witness", &[9; 32]);
                lines(&[SignatureLine { id: key(1).cosigner_vkey().id(), ..other.cosign(&r.note.text, now) }])
            },
            Some(Silence::NotSigned { key: own() }),
        ),
        (
            "another witness's line",
            |r, now, _| lines(&[key(2).cosign(&r.note.text, now)]),
            Some(Silence::NotSigned { key: own() }),
        ),
        (
            "a line over another checkpoint",
            |_, now, _| lines(&[key(1).cosign("witnessed.example/log\n9\n", now)]),
            Some(Silence::NotSigned { key: own() }),
        ),
        (
            "a signature that is no cosignature",
            |r, _, _| lines(&[key(1).sign(&r.note.text)]),
            Some(Silence::NotSigned { key: own() }),
        ),
        (
            "garbage",
            |_, _, _| (200, TEXT_TYPE, "ok\n".to_owned()),
            Some(Silence::Garbage(BadReply::Lines(BadNote::Signature { number: 1 }))),
        ),
        ("a huge body", |_, _, _| (200, TEXT_TYPE, "a".repeat(1 << 20)), Some(Silence::Garbage(BadReply::TooLong))),
        (
            "a conflict without a size",
            |_, _, _| (409, TEXT_TYPE, "no\n".to_owned()),
            Some(Silence::Garbage(BadReply::Size)),
        ),
        ("more than there is", |_, _, _| size(900), Some(Silence::Ahead { known: 900, size: 2 })),
        ("the very size that it was asked from", |_, _, _| size(2), Some(Silence::OtherTree { size: 2 })),
        (
            "another size each time",
            |_, _, n| size(n as u64 % 2 + if n % 2 == 1 { 0 } else { 2 }),
            Some(Silence::Unsteady),
        ),
        (
            "a refusal",
            |_, _, _| (403, TEXT_TYPE, "who\u{7} are you?\nGo.\n".to_owned()),
            Some(Silence::Refused { status: 403, words: "who⟨U+0007⟩ are you?".to_owned() }),
        ),
    ];
    for (what, said, want) in cases {
        let mut small = Small::new();
        let policy = small.policy("w1", &BTreeMap::new());
        let way = |name: &str| (name == "w1").then(|| Box::new(Fake { said, asked: 0 }) as Box<dyn Witness>);
        let mut panel = Panel::new(policy, way).unwrap();
        let found = publish(&mut small.writer, &mut panel, at(1)).unwrap();
        let silent = found.waiting.map_or(found.missing, |waiting| waiting.silent);
        let told = silent.into_iter().find(|(name, _)| name == "w1").map(|(_, why)| why);
        assert_eq!(told, want, "{what}");
        assert_eq!(found.published.is_some(), want.is_none(), "{what}");
        assert_eq!(small.export().is_ok(), want.is_none(), "{what}");
    }
}

#[test]
fn a_witness_without_an_address_is_named() {
    let mut small = Small::new();
    let policy = small.policy("w1", &BTreeMap::new());
    let mut panel = Panel::over_http(policy).unwrap();
    let found = publish(&mut small.writer, &mut panel, at(1)).unwrap();
    assert!(found.waiting.unwrap().silent.iter().all(|(_, why)| *why == Silence::NoAddress));
}
