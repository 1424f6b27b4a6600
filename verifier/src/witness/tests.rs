//! The ratchet, asked everything that a log or a liar may ask.

use std::convert::Infallible;

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{Note, Origin};

use crate::signature::{PublicKey, SecretKey};
use crate::tree::{BadProof, consistency, empty_root, root_of};
use crate::witness::answer::Answer;
use crate::witness::ratchet::Ratchet;
use crate::witness::records::{BadRecords, Records};
use crate::witness::request::Request;

const ORIGIN: &str = "log.example/a";

fn log_key() -> SecretKey {
    SecretKey::new(ORIGIN, &[1; 32])
}

fn own_key() -> SecretKey {
    SecretKey::new("w.example/witness", &[2; 32])
}

fn fresh() -> Ratchet {
    Ratchet::new(own_key(), &[log_key().vkey()], Records::new(own_key().cosigner_vkey())).unwrap()
}

/// Leaves of one of two histories, which part at leaf 5.
fn leaves(fork: bool, size: u64) -> Vec<Hash> {
    (0..size).map(|n| Hash::leaf(&[n as u8, u8::from(fork && n >= 5)])).collect()
}

fn note(fork: bool, size: u64) -> Note {
    let checkpoint = Checkpoint { origin: Origin::parse(ORIGIN).unwrap(), size, root: root_of(&leaves(fork, size)) };
    let text = checkpoint.to_text();
    Note { signatures: vec![log_key().sign(&text)], text }
}

fn request(fork: bool, old: u64, size: u64) -> Request {
    let proof = if old <= size { consistency(&leaves(fork, size), old).unwrap() } else { Vec::new() };
    Request { old, proof, note: note(fork, size) }
}

fn ask(ratchet: &mut Ratchet, request: &Request, now: u64) -> Answer {
    ratchet.add_checkpoint::<Infallible>(request.to_text().as_bytes(), now, |_| Ok(())).unwrap()
}

/// A witness that has cosigned size 7 at second 100.
fn at_seven() -> Ratchet {
    let mut ratchet = fresh();
    assert_eq!(ask(&mut ratchet, &request(false, 0, 7), 100).status(), 200);
    ratchet
}

#[test]
fn every_status_is_answered_for_its_reason() {
    let bent = |bend: fn(&mut Request)| {
        let mut request = request(false, 7, 9);
        bend(&mut request);
        request
    };
    let signed_by = |name: &str, seed: u8| {
        let mut request = request(false, 7, 9);
        request.note.signatures = vec![SecretKey::new(name, &[seed; 32]).sign(&request.note.text)];
        request
    };
    let resigned = |text: &str| Note { signatures: vec![log_key().sign(text)], text: text.to_owned() };
    let with_text = |text: &str| Request { old: 7, proof: Vec::new(), note: resigned(text) };
    let root = root_of(&leaves(false, 9)).to_base64();
    for (what, request, now, status, body) in [
        ("the next size", request(false, 7, 9), 101, 200, None),
        ("the next size in the same second", request(false, 7, 9), 100, 200, None),
        ("the same again", request(false, 7, 7), 101, 200, None),
        (
            "lines by others, even many",
            bent(|r| {
                let line = SecretKey::new("other.example", &[9; 32]).sign(&r.note.text);
                r.note.signatures.splice(0..0, std::iter::repeat_n(line, 63));
            }),
            101,
            200,
            None,
        ),
        (
            "one's own line many times",
            bent(|r| r.note.signatures = vec![r.note.signatures[0].clone(); 64]),
            101,
            200,
            None,
        ),
        ("a size that it never cosigned", request(false, 6, 9), 101, 409, Some("7\n")),
        ("from nothing", request(false, 0, 9), 101, 409, Some("7\n")),
        ("an older checkpoint", request(false, 3, 5), 101, 409, Some("7\n")),
        ("old beyond the checkpoint", request(false, 10, 9), 101, 400, None),
        ("another tree of the same size", request(true, 7, 7), 101, 409, Some("7\n")),
        ("the same with another old size", request(true, 3, 7), 101, 409, Some("7\n")),
        ("another tree of a larger size", request(true, 7, 9), 101, 422, None),
        ("no proof", bent(|r| r.proof.clear()), 101, 422, None),
        ("a hash too many", bent(|r| r.proof.push(Hash::default())), 101, 422, None),
        ("a hash changed", bent(|r| r.proof[0] = Hash::default()), 101, 422, None),
        (
            "a proof where sizes are equal",
            Request { proof: vec![Hash::default()], ..request(false, 7, 7) },
            101,
            422,
            None,
        ),
        ("a clock set back", request(false, 7, 9), 99, 503, None),
        ("no signature by the log", signed_by("other.example", 1), 101, 403, None),
        ("a key of the log's name", signed_by(ORIGIN, 9), 101, 403, None),
        ("the text changed", bent(|r| r.note.text = r.note.text.replace("\n9\n", "\n8\n")), 101, 403, None),
        ("another log", with_text(&format!("log.example/b\n9\n{root}\n")), 101, 404, None),
        ("a name that is none of ours", with_text(&format!("Go.sum database tree\n9\n{root}\n")), 101, 404, None),
        ("an extension line", with_text(&format!("{ORIGIN}\n9\n{root}\nmore\n")), 101, 400, None),
        ("a size with a leading zero", with_text(&format!("{ORIGIN}\n09\n{root}\n")), 101, 400, None),
        ("a size beyond u64", with_text(&format!("{ORIGIN}\n18446744073709551616\n{root}\n")), 101, 400, None),
        ("the largest size, unproven", with_text(&format!("{ORIGIN}\n18446744073709551615\n{root}\n")), 101, 422, None),
    ] {
        let mut ratchet = at_seven();
        let before = ratchet.records().clone();
        let answer = ask(&mut ratchet, &request, now);
        assert_eq!(answer.status(), status, "{what}: {answer:?}");
        assert!(body.is_none_or(|body| answer.body() == body), "{what}: {answer:?}");
        assert_eq!(status == 200, *ratchet.records() != before || (what == "the same again" && now == 100), "{what}");
        if let Answer::Cosigned(line) = answer {
            let key = PublicKey::new(&own_key().cosigner_vkey()).unwrap();
            assert_eq!(key.cosigned_at(&request.note.text, &line), Some(now), "{what}");
            assert_eq!(
                ratchet.records().get(ORIGIN).unwrap().note.signatures.len(),
                2,
                "{what}: the log's and its own"
            );
        }
    }
}

#[test]
fn the_first_checkpoint_starts_from_nothing() {
    let empty = Checkpoint { origin: Origin::parse(ORIGIN).unwrap(), size: 0, root: Hash::leaf(b"x") }.to_text();
    let empty =
        Request { old: 0, proof: Vec::new(), note: Note { signatures: vec![log_key().sign(&empty)], text: empty } };
    for (what, request, status) in [
        ("any size", request(false, 0, 9), 200),
        ("the empty tree", request(false, 0, 0), 200),
        ("an empty tree with another root", empty, 422),
        ("a proof from nothing", Request { proof: vec![empty_root()], ..request(false, 0, 9) }, 422),
        ("a size that it never cosigned", request(false, 5, 9), 409),
    ] {
        let answer = ask(&mut fresh(), &request, 1);
        assert_eq!(answer.status(), status, "{what}: {answer:?}");
    }
    assert_eq!(ask(&mut fresh(), &request(false, 5, 9), 1), Answer::OtherSize { size: 0 });
}

#[test]
fn two_trees_of_one_size_are_handed_out_as_evidence() {
    let Answer::Fork { size: 7, notes } = ask(&mut at_seven(), &request(true, 7, 7), 101) else { panic!("no fork") };
    let log = PublicKey::new(&log_key().vkey()).unwrap();
    assert_ne!(notes[0].text, notes[1].text);
    for note in notes.iter() {
        assert!(note.signatures.iter().any(|line| log.holds_strictly(note.text.as_bytes(), &line.signature)));
    }
}

#[test]
fn an_unproven_prefix_says_where_the_proof_leads() {
    let answer = ask(&mut at_seven(), &request(true, 7, 9), 101);
    assert!(matches!(answer, Answer::NotConsistent(BadProof::Root { .. })), "{answer:?}");
}

#[test]
fn nothing_is_cosigned_that_could_not_be_kept() {
    let mut ratchet = at_seven();
    let (before, body) = (ratchet.records().clone(), request(false, 7, 9).to_text());
    assert_eq!(ratchet.add_checkpoint(body.as_bytes(), 101, |_| Err("disk full")), Err("disk full"));
    assert_eq!(*ratchet.records(), before);
    // What is kept is handed over before the answer is.
    let mut kept = None;
    let answer = ratchet.add_checkpoint::<Infallible>(body.as_bytes(), 101, |next| {
        kept = Some(next.clone());
        Ok(())
    });
    let Ok(Answer::Cosigned(line)) = answer else { panic!("{answer:?}") };
    assert_eq!(kept.unwrap().get(ORIGIN).unwrap().note.signatures.last(), Some(&line));
}

#[test]
fn records_are_read_whole_or_not_at_all() {
    let ratchet = at_seven();
    let own = PublicKey::new(&own_key().cosigner_vkey()).unwrap();
    let text = ratchet.records().to_text();
    assert_eq!(Records::parse(text.as_bytes(), &own).unwrap(), *ratchet.records());
    let none = Records::new(own_key().cosigner_vkey());
    assert_eq!(Records::parse(none.to_text().as_bytes(), &own).unwrap(), none);
    for cut in 0..text.len() {
        assert_eq!(Records::parse(&text.as_bytes()[..cut], &own), Err(BadRecords::Torn), "{cut}");
    }
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        assert_eq!(Records::parse(&bytes, &own), Err(BadRecords::Torn), "{at}");
    }
    let other = SecretKey::new("x.example", &[3; 32]).cosigner_vkey();
    let key = own_key().cosigner_vkey().to_string();
    assert_eq!(Records::parse(text.as_bytes(), &PublicKey::new(&other).unwrap()), Err(BadRecords::OtherKey { key }));
    // With the right hash, but not what this witness wrote.
    let sealed = |body: String| {
        let hash = Hash::of(&[body.as_bytes()]);
        body + &format!("end {hash}\n")
    };
    let (body, _) = text.split_at(text.rfind("end ").unwrap());
    let record = &body[body.find("record ").unwrap()..];
    for (body, want) in [
        (format!("{body}{record}"), BadRecords::Record { number: 2 }),
        (body.replace("log.example/a\n7", "log.example/a\n8"), BadRecords::Record { number: 1 }),
        (body.replace("record ", "record 1"), BadRecords::Form),
        (body.replace("oversight-witness/v1", "oversight-witness/v2"), BadRecords::Form),
        (format!("{body}x\n"), BadRecords::Form),
    ] {
        assert_eq!(Records::parse(sealed(body.clone()).as_bytes(), &own), Err(want), "{body}");
    }
}

#[test]
fn a_log_that_comes_back_cannot_go_back() {
    let ratchet = at_seven();
    let away = Ratchet::new(own_key(), &[], ratchet.records().clone()).unwrap();
    assert_eq!(ask(&mut away.clone(), &request(false, 7, 9), 101), Answer::UnknownLog);
    let mut back = Ratchet::new(own_key(), &[log_key().vkey()], away.records().clone()).unwrap();
    assert_eq!(ask(&mut back, &request(false, 0, 9), 101), Answer::OtherSize { size: 7 });
}

#[test]
fn the_monitoring_path_is_the_hash_of_the_origin() {
    let ratchet = at_seven();
    let hash = Hash::of(&[ORIGIN.as_bytes()]).to_hex();
    let record = ratchet.records().by_hash(&hash).unwrap();
    assert_eq!((record.checkpoint.size, record.time), (7, 100));
    for bad in ["", "x", &hash.to_uppercase(), &hash[1..], &Hash::of(&[b"other"]).to_hex()] {
        assert_eq!(ratchet.records().by_hash(bad), None, "{bad}");
    }
}
