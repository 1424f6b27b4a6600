//! Events handed in, by whomever, and what each is answered.

use schemas::note::Note;
use schemas::receipt::Receipt;
use verifier::head::check_head;

use crate::common::{World, id};

#[test]
fn each_event_has_its_answer_in_order_and_a_refusal_blocks_nothing() {
    let mut world = World::new();
    let server = world.serve("");
    let x = world.key("cso-x", "x1");
    let (first, second) = (world.attempt("cso-x", "x1"), world.attempt("cso-x", "x1"));
    let stranger = world.key("cso-x", "stranger");
    let forged = world.attempt_by("cso-x", &stranger);
    let mut bare = world.attempt("cso-x", "x1");
    bare.opening = ledger::outbox::Opening::default();
    let mut garbled = world.attempt("cso-x", "x1");
    garbled.note = "no note".to_owned();
    let all = [first.clone(), forged.clone(), bare.clone(), garbled, second.clone()];
    let answer = server.post(&x, &all);
    assert_eq!((answer.status, answer.field("content-type")), (200, "application/jsonl"));
    let answers = answer.lines();
    let status: Vec<&str> = answers.iter().map(|a| a["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["stands", "refused", "refused", "refused", "stands"]);
    for (answer, parcel) in [(&answers[0], &first), (&answers[4], &second)] {
        assert_eq!((answer["event"].as_str(), answer["fresh"].as_bool()), (Some(id(parcel).as_str()), Some(true)));
        let text = answer["receipt"].as_str().unwrap();
        let receipt = Receipt::parse(text).unwrap();
        assert_eq!(answer["position"].as_u64(), Some(receipt.index));
        let report = verifier::receipt::check(text.as_bytes(), &world.policy).report;
        assert_eq!(report.exit_code(), 0, "{:?}", report.faults);
        // Asked for by its id it is the same entry.
        let again = server.get(&format!("/receipts/{}", id(parcel)));
        assert_eq!(Receipt::parse(again.text()).unwrap().entry, receipt.entry);
    }
    for (answer, name) in [(&answers[1], "refused-by-admission"), (&answers[2], "refused-by-intake")] {
        let kind = format!("urn:oversight-ledger:problem:{name}");
        assert_eq!(
            (answer["problem"]["type"].as_str(), answer["problem"]["status"].as_u64()),
            (Some(kind.as_str()), Some(422))
        );
        let note = Note::parse(answer["receipt"].as_str().unwrap().as_bytes()).unwrap();
        assert!(note.text.starts_with("oversight-refusal/v1\n"), "{}", note.text);
        assert!(check_head(note.to_text().as_bytes(), &world.policy).is_err(), "a refusal is no checkpoint");
    }
    assert!(answers[3].get("receipt").is_none(), "what is no note has no receipt: {}", answers[3]);
    // The same again: the same answers.
    let again = server.post(&x, &all).lines();
    for (before, after) in answers.iter().zip(&again) {
        assert_eq!((&before["status"], &before["position"]), (&after["status"], &after["position"]));
    }
    assert_eq!((again[0]["fresh"].as_bool(), again[4]["fresh"].as_bool()), (Some(false), Some(false)));
}

#[test]
fn an_oversight_body_carries_in_what_an_organisation_signed() {
    let mut world = World::new();
    let server = world.serve("");
    let parcel = world.attempt("cso-x", "x1");
    let answer = server.post(&world.key("npm", "n1"), std::slice::from_ref(&parcel));
    assert_eq!(answer.lines()[0]["status"], "stands");
    // And whoever enrols just now may hand in at once.
    let enrolment = world.enrolment("cso-new", "z1", "cso");
    assert_eq!(server.post(&world.key("npm", "n1"), &[enrolment]).lines()[0]["status"], "stands");
    let parcel = world.attempt("cso-new", "z1");
    let new = world.key("cso-new", "z1");
    // Keys are looked up again at most every tenth of a second: the client is told to sign again until then.
    let mut answer = server.post(&new, std::slice::from_ref(&parcel));
    while answer.status == 401 {
        answer = server.post(&new, std::slice::from_ref(&parcel));
    }
    assert_eq!(answer.lines()[0]["status"], "stands");
}

#[test]
fn many_clients_at_once_are_all_answered() {
    let mut world = World::new();
    let server = world
        .serve("[rate]\nkey_requests = 100000\nkey_requests_burst = 100000\n[requests]\nat_once_of_key_max = 64\n");
    let x = world.key("cso-x", "x1");
    let mut parcels = world.attempts(96);
    let shares: Vec<Vec<_>> = (0..32).map(|_| parcels.split_off(parcels.len() - 3)).collect();
    let positions = std::thread::scope(|scope| {
        let ask = |share: &Vec<_>| server.post(&x, share).lines();
        let threads: Vec<_> = shares.iter().map(|share| scope.spawn(move || ask(share))).collect();
        let answers = threads.into_iter().flat_map(|thread| thread.join().unwrap());
        answers.map(|answer| answer["position"].as_u64().unwrap()).collect::<std::collections::BTreeSet<_>>()
    });
    assert_eq!(positions.len(), 96);
}

#[test]
fn what_no_witness_has_seen_waits_and_is_not_shown() {
    let mut world = World::begun(|world, writer| {
        let log = ledger::keys::read(&world.home.log_key()).unwrap();
        let witness = verifier::signature::SecretKey::new("w.example/witness", &[7; 32]).cosigner_vkey();
        let policy = format!("log {}\nwitness w {witness}\nquorum w\n", log.vkey());
        ledger::files::replace(&writer.home().policy(), policy.as_bytes()).unwrap();
    });
    let server = world.serve("[start]\nwithout_witnesses = true\n");
    let x = world.key("cso-x", "x1");
    let parcel = world.attempt("cso-x", "x1");
    let answer = &server.post(&x, std::slice::from_ref(&parcel)).lines()[0];
    assert_eq!((answer["status"].as_str(), answer["fresh"].as_bool()), (Some("waits"), Some(true)));
    assert!(answer["position"].is_u64() && answer.get("receipt").is_none(), "{answer}");
    let position = answer["position"].as_u64().unwrap();
    for (target, status, problem) in [
        (format!("/receipts/{}", id(&parcel)), 202, "waiting"),
        ("/checkpoint".to_owned(), 202, "waiting"),
        ("/packs?stream=organisation/cso-x&audience=public".to_owned(), 202, "waiting"),
        (format!("/tile/entries/000.p/{}", position + 1), 404, "not-published"),
        ("/tile/0/000.p/1".to_owned(), 404, "not-published"),
        ("/proofs/inclusion?index=0&size=1".to_owned(), 404, "not-published"),
        ("/feed?from=1".to_owned(), 404, "not-published"),
    ] {
        let answer = server.get(&target);
        assert_eq!((answer.status, answer.problem().as_str()), (status, problem), "{target}");
    }
    // Keys that wait for witnesses are in force all the same: the log has them.
    let again = &server.post(&x, &[parcel]).lines()[0];
    assert_eq!((again["status"].as_str(), again["fresh"].as_bool()), (Some("waits"), Some(false)));
}
