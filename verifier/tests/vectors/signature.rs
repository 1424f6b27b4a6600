//! The law of signatures at its edges. FORMAT.md 3.4.

use schemas::event::SignedEvent;
use schemas::note::{ALG_ED25519, Vkey};
use verifier::signature::{Claim, PublicKey, SecretKey, all_hold};

use crate::Lines;
use crate::reader::Vector;

struct Case {
    name: String,
    expect: String,
    key: Vkey,
    text: Vec<u8>,
    signature: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let case = |vector: Vector| {
        let mut lines = Lines::of(&vector);
        let key = lines.hex("key").try_into().unwrap();
        let key = Vkey { name: "vectors.example/log".to_owned(), alg: ALG_ED25519, key };
        let (text, signature) = (lines.hex("text"), lines.hex("signature"));
        lines.end();
        Case { name: vector.name.clone(), expect: vector.expect.clone(), key, text, signature }
    };
    Vector::read_all("signature").into_iter().map(case).collect()
}

#[test]
fn one_by_one() {
    for case in cases() {
        let got = match PublicKey::new(&case.key) {
            Err(_) => "refused key",
            Ok(key) => {
                match (key.holds(&case.text, &case.signature), key.holds_strictly(&case.text, &case.signature)) {
                    (true, true) => "ok",
                    (true, false) => "ok-with-cofactor-only",
                    (false, false) => "refused signature",
                    (false, true) => panic!("{}: what holds strictly holds", case.name),
                }
            }
        };
        assert_eq!(got, case.expect, "{}", case.name);
    }
}

/// Among good ones, at every place, a batch says what the single check says.
#[test]
fn in_a_batch() {
    let cases = cases();
    let claim = |case: &Case| {
        let key = PublicKey::new(&case.key).ok()?;
        Claim::new(&key, &case.text, &case.signature)
    };
    let good: Vec<Claim> = cases.iter().filter(|case| case.expect == "ok").filter_map(claim).collect();
    assert!(good.len() > 8 && all_hold(&good), "all good ones together hold");
    let forgiven = cases.iter().filter(|case| case.expect.starts_with("ok")).filter_map(claim);
    assert!(all_hold(&forgiven.collect::<Vec<_>>()), "and those that need the cofactor");
    for case in &cases {
        let Some(claim) = claim(case) else {
            assert!(case.expect.starts_with("refused"), "{}: it has no place in a batch", case.name);
            continue;
        };
        for place in [0, 3, 5] {
            let mut batch = good[..5].to_vec();
            batch.insert(place, claim.clone());
            assert_eq!(all_hold(&batch), case.expect.starts_with("ok"), "{} at {place}", case.name);
        }
        let same = vec![claim; 6];
        assert_eq!(all_hold(&same), case.expect.starts_with("ok"), "{} six times", case.name);
    }
}

/// The golden events are signed by the keys that their comments name.
#[test]
fn golden_events_are_signed() {
    for vector in Vector::read_all("event") {
        assert!(vector.comment.starts_with("test vector"), "{}: a test key is called one", vector.name);
        let Ok(signed) = SignedEvent::parse(&vector.body) else { continue };
        for (line, seed) in signed.note.signatures.iter().zip([[1; 32], [2; 32]]) {
            let vkey = SecretKey::new(&line.name, &seed).vkey();
            assert_eq!(line.id, vkey.id(), "{}", vector.name);
            let key = PublicKey::new(&vkey).unwrap();
            assert!(key.holds_strictly(signed.note.text.as_bytes(), &line.signature), "{}", vector.name);
        }
    }
}
