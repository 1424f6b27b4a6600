//! A reporter says what may not be said. Each refusal of FORMAT.md 11 has its row, and beside it
//! stands the row that differs only in what was wrong. The ledger and the auditor must agree.

use std::collections::BTreeSet;

use ledger::outbox::Opening;
use ledger::plan::{Answer, LedgerKeys, Rejection, Submission, plan};
use schemas::entry::ENTRY_BYTES_MAX;
use schemas::event::{Event, RefValue};
use schemas::hash::Hash;
use schemas::time::Date;
use schemas::value::Value;
use tests::forge::{Draft, Forge, Record, Said};
use verifier::bundle::{NoVisitor, check};
use verifier::fault::Fault;
use verifier::refusal::Refusal;
use verifier::signature::SecretKey;
use verifier::state::State;

use crate::common::golden;

/// One row: what is said, the number under which it is refused (0: it is accepted) and words of
/// the message, and who says it how.
pub type Row = (&'static str, u8, &'static str, fn(&mut Forge<'_>) -> Record);

pub const ROWS: &[Row] = &[
    ("a request", 0, "", |log| said(log, request, &["x1"])),
    ("by its other holder", 0, "", |log| said(log, request, &["x2"])),
    // 2, 3
    ("another ledger", 2, "sign it for this one", |log| {
        let draft = request(log).but(|event| "golden.example/lo".clone_into(&mut event.ledger));
        by(log, draft, &["x1"])
    }),
    ("no such type", 3, "no type \"access.request.repeated\" in version 1", |log| {
        let draft = request(log).but(|event| "access.request.repeated".clone_into(&mut event.kind));
        by(log, draft.but(|event| event.hidden = Some(Hash::default().to_base64())), &["x1"])
    }),
    ("a type of the sealed stream in the open", 3, "no type \"padding\"", |log| {
        let draft = request(log).but(|event| "padding".clone_into(&mut event.kind));
        by(log, draft, &["x1"])
    }),
    ("another version", 3, "in version 2", |log| {
        let draft = request(log).but(|event| event.v = 2);
        by(log, draft, &["x1"])
    }),
    // 4
    ("no such field", 4, "has no field \"wait\"", |log| {
        let draft = request(log).value("wait", Value::Integer(1));
        by(log, draft, &["x1"])
    }),
    ("a restricted field in public", 4, "\"target\" is hidden", |log| {
        let draft = request(log).with("target", "women");
        by(log, draft, &["x1"])
    }),
    ("a sealed field in public", 4, "\"team_names\" is hidden", |log| {
        let draft = request(log).value("team_names", Value::localised("fr", "deux personnes"));
        by(log, draft, &["x1"])
    }),
    ("a number of persons in public", 4, "\"team\" is hidden", |log| {
        let draft = request(log).value("team", Value::Integer(2));
        by(log, draft, &["x1"])
    }),
    ("a required field missing", 4, "\"purpose\" is required", |log| {
        let draft = request(log).but(|event| drop(event.data.remove("purpose")));
        by(log, draft, &["x1"])
    }),
    ("a code that is none", 4, "\"purpose\"", |log| by_x(log, |draft| draft.with("purpose", "curiosity"))),
    ("a number where a code stands", 4, "\"purpose\"", |log| {
        by_x(log, |draft| draft.value("purpose", Value::Integer(1)))
    }),
    ("a party that is no id", 4, "\"facility\"", |log| by_x(log, |draft| draft.with("facility", "fac a"))),
    ("an object where a party stands", 4, "\"facility\"", |log| {
        by_x(log, |draft| draft.value("facility", Value::Object(std::collections::BTreeMap::new())))
    }),
    ("a party in a list", 4, "\"facility\"", |log| by_x(log, |draft| draft.value("facility", texts(&["fac-a"])))),
    ("an empty list", 4, "\"languages\"", |log| by_x(log, |draft| draft.value("languages", Value::List(Vec::new())))),
    ("a list", 0, "", |log| by_x(log, |draft| draft.value("languages", texts(&["fr", "ar"])))),
    ("a list with one item twice", 4, "\"languages\"", |log| {
        by_x(log, |draft| draft.value("languages", texts(&["fr", "fr"])))
    }),
    ("a name of who is not named", 4, "is not shown by name", |log| {
        let party = log.party("cso-y");
        let draft = updated(log, &party).value("name", Value::localised("ar", "البيت الأزرق"));
        as_party(log, draft, "min", &["m1"])
    }),
    ("a name of who is named", 0, "", |log| {
        let draft = updated(log, "cso-x").value("name", Value::localised("en", "Open Hands and Doors"));
        as_party(log, draft, "min", &["m1"])
    }),
    ("a name of who shall no longer be named", 4, "is not shown by name", |log| {
        let draft = updated(log, "cso-x").value("name", Value::localised("en", "Open Hands"));
        as_party(log, draft.with("identity_mode", "pseudonym"), "min", &["m1"])
    }),
    ("no name of who shall no longer be named", 0, "", |log| {
        let draft = updated(log, "cso-x").with("identity_mode", "pseudonym");
        as_party(log, draft, "min", &["m1"])
    }),
    ("slots where there must be some", 4, "has hidden slots", |log| {
        let mut said = request(log).signed(&[&log.key("cso-x", "x1")]);
        let mut event = Event::parse(&said.note.text).unwrap();
        event.hidden = None;
        resign(&mut said, &event, &[&log.key("cso-x", "x1")]);
        log.record(&said)
    }),
    ("slots where there are none", 4, "has no hidden slots", |log| {
        let draft = epoch_of(log, "o1").but(|event| event.hidden = Some(Hash::default().to_base64()));
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    // 5
    ("a key nobody enrolled", 5, "is not enrolled", |log| {
        let key = SecretKey::new(&log.origin().holder_key_name("cso-x", "x1"), &[7; 32]);
        let said = request(log).signed(&[&key]);
        log.record(&said)
    }),
    ("a key under another name", 5, "is not enrolled", |log| {
        let key = SecretKey::new("nobody", &[7; 32]);
        let said = request(log).signed(&[&key]);
        log.record(&said)
    }),
    ("a key that was rotated away", 5, "is not in force", |log| {
        let said = outage(log).signed(&[&log.key("fac-a", "d2")]);
        log.record(&said)
    }),
    ("the key that took its place", 0, "", |log| {
        let said = outage(log).signed(&[&log.rotated_key("fac-a", "d2")]);
        log.record(&said)
    }),
    ("a key before its time", 5, "is not in force", |log| {
        let key = enrol(log, "2025-03-10T00:00:00Z", None);
        let said = request(log).signed(&[&key]);
        log.record(&said)
    }),
    ("a key in its time", 0, "", |log| {
        let key = enrol(log, "2025-03-08T00:00:00Z", Some("2025-03-10T00:00:00Z"));
        let said = request(log).signed(&[&key]);
        log.record(&said)
    }),
    ("a key after its time", 5, "is not in force", |log| {
        let ends = log.now().plus_seconds(1);
        let key = enrol(log, "2025-03-08T00:00:00Z", Some(&ends.to_string()));
        let said = request(log).signed(&[&key]);
        Record { received_at: ends, ..log.record(&said) }
    }),
    ("a key after it was revoked", 5, "is not in force", |log| {
        let said = revocation(log, "cso-x").signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.add(&said);
        let draft = request(log);
        by(log, draft, &["x1"])
    }),
    ("a key that another revoked key stands beside", 0, "", |log| {
        let said = revocation(log, "cso-x").signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.add(&said);
        let draft = request(log);
        by(log, draft, &["x2"])
    }),
    // 6
    ("a signature over another text", 6, "signature 1 is not one by", |log| {
        let mut said = request(log).signed(&[&log.key("cso-x", "x1")]);
        said.note.text = said.note.text.replace("family", "legal");
        log.record(&said)
    }),
    ("a signature of another length", 6, "signature 1 is not one by", |log| {
        let mut said = request(log).signed(&[&log.key("cso-x", "x1")]);
        said.note.signatures[0].signature.push(0);
        log.record(&said)
    }),
    ("a second signature over another text", 6, "signature 2 is not one by", |log| {
        let mut said = denial(log).signed(&[&log.key("fac-a", "d1"), &log.rotated_key("fac-a", "d2")]);
        let first = said.note.signatures[0].signature.clone();
        said.note.signatures[1].signature = first;
        log.record(&said)
    }),
    // 7, 8, 9
    ("another's name", 7, "not by a holder of cso-x", |log| {
        let said = request(log).signed(&[&log.key("fac-a", "d1")]);
        log.record(&said)
    }),
    ("the second signature first", 7, "not by a holder of", |log| {
        let said = revocation(log, "cso-x").signed(&[&log.key("op", "o1"), &log.key("cso-x", "x2")]);
        log.record(&said)
    }),
    ("a type that another role reports", 8, "is not for that role to report", |log| {
        let draft = request(log).but(|event| "eva".clone_into(&mut event.by));
        as_party(log, draft.but(|event| event.id = Some("eva/rq-9".to_owned())), "eva", &["e1"])
    }),
    ("a second signature where one is asked for", 9, "at most 1 signature lines, there are 2", |log| {
        said(log, request, &["x1", "x2"])
    }),
    ("two signatures where two are asked for", 0, "", |log| {
        let said = denial(log).signed(&[&log.key("fac-a", "d1"), &log.rotated_key("fac-a", "d2")]);
        log.record(&said)
    }),
    ("one signature where two are asked for, of a record", 0, "", |log| {
        let said = denial(log).signed(&[&log.key("fac-a", "d1")]);
        log.record(&said)
    }),
    ("one holder twice where two are asked for, of a record", 0, "", |log| {
        let said = denial(log).signed(&[&log.key("fac-a", "d1"), &log.key("fac-a", "d1")]);
        log.record(&said)
    }),
    ("three signatures", 9, "at most 2 signature lines, there are 3", |log| {
        let key = log.key("fac-a", "d1");
        let said = denial(log).signed(&[&key, &key, &key]);
        log.record(&said)
    }),
    // 10, 11
    ("a number used before", 10, "import the same row again, which takes the next free number by itself", |log| {
        let used = log.records[log.at("cso-x/access.request.submitted/r1")].event().seq;
        let draft = request(log).but(|event| event.seq = used);
        by(log, draft, &["x1"])
    }),
    ("a number that another holder used", 0, "", |log| {
        let used = log.records[log.at("cso-x/access.request.submitted/r1")].event().seq;
        let draft = request(log).but(|event| event.seq = used + 1_000_000);
        let said = draft.clone().signed(&[&log.key("cso-x", "x2")]);
        log.add(&said);
        let seq = draft.event.seq;
        let draft = request(log).but(|event| (event.seq, event.id) = (seq, Some("cso-x/rq-10".to_owned())));
        by(log, draft, &["x1"])
    }),
    ("a row used before", 11, "there is already a record at", |log| {
        by_x(log, |draft| draft.but(|event| "r1".clone_into(&mut event.row)))
    }),
    ("an id used before", 11, "there is already a request with the id cso-x/rq-1", |log| {
        by_x(log, |draft| draft.id("rq-1"))
    }),
    ("an id that another has used", 0, "", |log| by_x(log, |draft| draft.id("rq-2"))),
    ("no id where one is made", 11, "needs an id", |log| by_x(log, |draft| draft.but(|event| event.id = None))),
    ("an id where nothing is made", 11, "has no id", |log| {
        let draft = acknowledged(log, "fac-a").id("ak-1");
        as_party(log, draft, "fac-a", &["d1"])
    }),
    // 12
    ("an answer", 0, "", |log| {
        let draft = acknowledged(log, "fac-a");
        as_party(log, draft, "fac-a", &["d1"])
    }),
    ("an answer to nothing", 12, "the ref \"request\" is missing", |log| {
        let draft = acknowledged(log, "fac-a").but(|event| event.refs.clear());
        as_party(log, draft, "fac-a", &["d1"])
    }),
    ("an answer to what is not there", 12, "which is not in the log as access.request.submitted", |log| {
        let draft = acknowledged(log, "fac-a").to("request", "cso-x/rq-77");
        as_party(log, draft, "fac-a", &["d1"])
    }),
    ("an answer to a thing of another type", 12, "which is not in the log as access.request.submitted", |log| {
        let draft = acknowledged(log, "fac-a").to("request", "fac-a/ap-1");
        as_party(log, draft, "fac-a", &["d1"])
    }),
    ("a ref that the type has not", 12, "has no ref \"visit\"", |log| {
        let draft = acknowledged(log, "fac-a").to("visit", "fac-a/vi-1");
        as_party(log, draft, "fac-a", &["d1"])
    }),
    ("a list of refs where one is asked for", 12, "not in this form", |log| {
        let many = RefValue::Many(vec!["cso-x/rq-1".to_owned()]);
        let draft = acknowledged(log, "fac-a").but(|event| drop(event.refs.insert("request".to_owned(), many)));
        as_party(log, draft, "fac-a", &["d1"])
    }),
    ("a list of refs", 0, "", |log| {
        let draft = erasure(log, &["cso-x/access.request.submitted/r1", "fac-a/visit.completed/r1"]);
        as_party(log, draft, "npm", &["n1"])
    }),
    ("a list with one ref twice", 12, "not in this form", |log| {
        let draft = erasure(log, &["fac-a/visit.completed/r1", "fac-a/visit.completed/r1"]);
        as_party(log, draft, "npm", &["n1"])
    }),
    ("an empty list of refs", 12, "not in this form", |log| {
        let draft = erasure(log, &[]);
        as_party(log, draft, "npm", &["n1"])
    }),
    ("a ref to a record that is not there", 12, "which is not in the log as a record", |log| {
        let draft = erasure(log, &["fac-a/visit.completed/r2"]);
        as_party(log, draft, "npm", &["n1"])
    }),
    // 13
    ("tomorrow, where it is tomorrow already", 0, "", |log| {
        let draft = request(log).on(Date::parse("2025-03-09").unwrap());
        by(log, draft, &["x1"])
    }),
    ("the day after tomorrow", 13, "after it was received", |log| {
        let draft = request(log).on(Date::parse("2025-03-10").unwrap());
        by(log, draft, &["x1"])
    }),
    ("long ago", 0, "", |log| {
        let draft = request(log).on(Date::parse("1999-12-31").unwrap());
        by(log, draft, &["x1"])
    }),
    ("received before the entry before it", 13, "before the entry before it", |log| {
        let record = said(log, request, &["x1"]);
        Record { received_at: record.received_at.plus_seconds(-1), ..record }
    }),
    // 14
    ("a profile by two holders", 0, "", |log| {
        let draft = profile(log);
        as_party(log, draft, "npm", &["n1", "n2"])
    }),
    ("a profile by one holder", 14, "the signatures of two different holders", |log| {
        let draft = profile(log);
        as_party(log, draft, "npm", &["n1"])
    }),
    ("a profile by one holder twice", 14, "the signatures of two different holders", |log| {
        let draft = profile(log);
        as_party(log, draft, "npm", &["n1", "n1"])
    }),
    ("a profile with another's second signature", 14, "a second signature by the author's own institution", |log| {
        let said = profile(log).signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a reseeding with oversight, long after genesis", 14, "to be the second entry of the log", |log| {
        let said = reseeded(log).signed(&[&log.key("op", "o1"), &log.key("npm", "n1")]);
        log.record(&said)
    }),
    ("a reseeding without oversight", 14, "a second signature by an oversight body", |log| {
        let said = reseeded(log).signed(&[&log.key("op", "o1"), &log.key("op", "o2")]);
        log.record(&said)
    }),
    ("a second genesis", 14, "to be the first entry of the log", |log| {
        let event = log.records[0].event();
        let mut draft = log.draft("ledger.genesis", "op");
        draft.event.data = event.data;
        as_party(log, draft, "op", &["o1"])
    }),
    ("a seal by another key of the operator", 14, "to be signed by the writer in office: ledger", |log| {
        let draft = sealing(log);
        as_party(log, draft, "op", &["o1"])
    }),
    ("a new holder", 0, "", |log| enrolled(log, "cso-x", "x9", "cso", |draft| draft)),
    ("a new holder, by a key of its party", 0, "", |log| {
        let draft = enrolment(log, "cso-x", "x9", "cso");
        let said = draft.signed(&[&log.key("cso-x", "x1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a new holder without the operator", 14, "a second signature by the operator", |log| {
        let draft = enrolment(log, "cso-x", "x9", "cso");
        let said = draft.signed(&[&log.key("cso-x", "x1"), &log.key("cso-x", "x2")]);
        log.record(&said)
    }),
    ("a new holder of another party", 14, "by the institution whose key it is", |log| {
        let draft = enrolment(log, "cso-x", "x9", "cso").but(|event| {
            "fac-b".clone_into(&mut event.by);
            event.id = Some("fac-b/key-9".to_owned());
        });
        let said = draft.signed(&[&log.key("fac-b", "d1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a party with another role", 14, "the role that the party already has: cso", |log| {
        enrolled(log, "cso-x", "x9", "funder", |draft| draft)
    }),
    ("another operator", 14, "leave the role operator to the operator", |log| {
        enrolled(log, "op-2", "o9", "operator", |draft| draft)
    }),
    ("a new holder of oversight, by oversight", 0, "", |log| {
        let draft = enrolment(log, "npm", "n9", "oversight");
        let said = draft.signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a new body of oversight, by oversight", 0, "", |log| {
        let draft = enrolment(log, "ombud", "q1", "oversight").but(|event| {
            "npm".clone_into(&mut event.by);
            event.id = Some("npm/key-ombud-q1".to_owned());
        });
        let said = draft.signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a new holder of oversight, by itself", 14, "a key of oversight that is in force already", |log| {
        enrolled(log, "npm", "n9", "oversight", |draft| draft)
    }),
    ("a new body of oversight, by itself", 14, "a key of oversight that is in force already", |log| {
        enrolled(log, "ombud", "q1", "oversight", |draft| draft)
    }),
    ("a second key of a holder", 14, "rotate the key instead", |log| {
        let draft = enrolment(log, "cso-x", "x1", "cso");
        let said = draft.signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a key under another holder's name", 14, "keys named after this ledger and the party", |log| {
        let other = SecretKey::new(&log.origin().holder_key_name("cso-x", "x8"), &[9; 32]).vkey().to_string();
        let draft = enrolment(log, "cso-x", "x9", "cso").with("public_key", &other);
        let said = draft.signed(&[&log.key("cso-x", "x1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a key for cosignatures", 14, "keys named after this ledger and the party", |log| {
        let other = new_key(log, "cso-x", "x9").cosigner_vkey().to_string();
        let draft = enrolment(log, "cso-x", "x9", "cso").with("public_key", &other);
        let said = draft.signed(&[&log.key("cso-x", "x1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a key of small order", 14, "a key that can be taken: the key is of small order", |log| {
        let mut key = new_key(log, "cso-x", "x9").vkey();
        key.key = [0; 32];
        key.key[0] = 1;
        let draft = enrolment(log, "cso-x", "x9", "cso").with("public_key", &key.to_string());
        let said = draft.signed(&[&log.key("cso-x", "x1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("no key", 14, "a public key (public_key)", |log| {
        let draft = enrolment(log, "cso-x", "x9", "cso").but(|event| drop(event.data.remove("public_key")));
        let said = draft.signed(&[&log.key("cso-x", "x1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a recipient of sealed values", 0, "", |log| {
        let draft = enrolment(log, "npm", "n8", "oversight").with("alg", "age_x25519").with("public_key", AGE);
        let said = draft.signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a recipient whose checksum is false", 14, "a public key (public_key)", |log| {
        let key = format!("age1{}", "q".repeat(58));
        let draft = enrolment(log, "npm", "n8", "oversight").with("alg", "age_x25519").with("public_key", &key);
        let said = draft.signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a signing key as a recipient", 14, "a public key (public_key)", |log| {
        let draft = enrolment(log, "npm", "n8", "oversight").with("alg", "age_x25519");
        let said = draft.signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a rotation", 0, "", |log| {
        let draft = rotation(log, "cso-x", "x1");
        let said = draft.signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a rotation by the holder's present key", 0, "", |log| {
        let draft = rotation(log, "cso-x", "x1");
        let said = draft.signed(&[&log.key("cso-x", "x1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a rotation by the new key alone", 5, "is not enrolled", |log| {
        let draft = rotation(log, "cso-x", "x1");
        let said = draft.signed(&[&new_key(log, "cso-x", "x1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a rotation to the present key", 14, "rotate the key instead", |log| {
        let present = log.key("cso-x", "x1").vkey().to_string();
        let draft = rotation(log, "cso-x", "x1").with("public_key", &present);
        let said = draft.signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a rotation of nobody's key", 14, "a key that is enrolled and still in force", |log| {
        let draft = rotation(log, "cso-x", "x7");
        let said = draft.signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a rotation of another's key", 14, "by the institution whose key it is", |log| {
        let draft = rotation(log, "cso-x", "x1").but(|event| "fac-b".clone_into(&mut event.by));
        let said = draft.signed(&[&log.key("fac-b", "d1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a revocation", 0, "", |log| {
        let said = revocation(log, "cso-x").signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a revocation of another's key", 14, "by the institution whose key it is", |log| {
        let draft = revocation(log, "fac-b");
        let said = draft.signed(&[&log.key("fac-b", "d1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a revocation of nobody's key", 14, "a key that is enrolled and still in force", |log| {
        let draft = revocation(log, "cso-x").with("holder", "x7");
        let said = draft.signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    // 15
    ("one's own record corrected", 0, "", |log| {
        let draft = corrected(log, "fac-a", "fac-a/visit.completed/r1");
        let said = draft.signed(&[&log.key("fac-a", "d1"), &log.rotated_key("fac-a", "d2")]);
        log.record(&said)
    }),
    ("another's record corrected", 15, "only fac-a may correct or retract its own record", |log| {
        let draft = corrected(log, "cso-x", "fac-a/visit.completed/r1");
        let said = draft.signed(&[&log.key("cso-x", "x1"), &log.key("cso-x", "x2")]);
        log.record(&said)
    }),
    ("another's record retracted", 15, "only fac-a may correct or retract its own record", |log| {
        let draft = log.draft("record.retracted", "cso-x").to("target", "fac-a/visit.completed/r1");
        let said = draft.with("reason", "duplicate").signed(&[&log.key("cso-x", "x1"), &log.key("cso-x", "x2")]);
        log.record(&said)
    }),
    ("an organisation about another", 15, "cso-x may write only about itself in \"organisation\"", |log| {
        let other = log.party("cso-y");
        let draft = request(log).with("organisation", &other);
        by(log, draft, &["x1"])
    }),
    ("a facility about another", 15, "fac-a may write only about itself in \"facility\"", |log| {
        let draft = outage(log).with("facility", "fac-b");
        as_party(log, draft, "fac-a", &["d1"])
    }),
    ("the administration about a facility", 0, "", |log| {
        let draft = outage(log).but(|event| {
            "adm".clone_into(&mut event.by);
            event.id = Some("adm/ou-9".to_owned());
        });
        as_party(log, draft, "adm", &["a1"])
    }),
    ("one's own request withdrawn", 0, "", |log| {
        let draft = withdrawn(log).to("request", "cso-x/rq-1");
        by(log, draft, &["x1"])
    }),
    ("another's request withdrawn", 15, "only the requester", |log| {
        let other = format!("{}/rq-2", log.party("cso-y"));
        let draft = withdrawn(log).to("request", &other);
        by(log, draft, &["x1"])
    }),
    ("another facility's case acknowledged", 15, "only fac-a, the facility of the case", |log| {
        let draft = acknowledged(log, "fac-b");
        as_party(log, draft, "fac-b", &["d1"])
    }),
    ("an inspection by the administration, from within", 0, "", |log| {
        let draft = inspection(log, "internal");
        as_party(log, draft, "adm", &["a1"])
    }),
    ("an inspection by the administration, as if from outside", 15, "is for oversight to report", |log| {
        let draft = inspection(log, "external");
        as_party(log, draft, "adm", &["a1"])
    }),
    ("a dispute resolved by oversight", 0, "", |log| {
        let draft = resolved(log, "npm");
        as_party(log, draft, "npm", &["n1"])
    }),
    ("a dispute resolved by both sides", 0, "", |log| {
        let said = resolved(log, "fac-a").signed(&[&log.key("fac-a", "d1"), &log.key("cso-x", "x1")]);
        log.record(&said)
    }),
    ("a dispute resolved by one side", 15, "by oversight, or by both sides together", |log| {
        let draft = resolved(log, "fac-a");
        as_party(log, draft, "fac-a", &["d1"])
    }),
    ("a dispute resolved by one side and a third", 15, "by oversight, or by both sides together", |log| {
        let said = resolved(log, "fac-a").signed(&[&log.key("fac-a", "d1"), &log.key("adm", "a1")]);
        log.record(&said)
    }),
    // 16
    ("a seal", 0, "", |log| {
        let said = sealing(log).signed(&[&log.seal_key()]);
        log.record(&said)
    }),
    ("a seal of another batch", 16, "the seal says batch", |log| {
        let said = sealing(log).value("batch", Value::Integer(1)).signed(&[&log.seal_key()]);
        log.record(&said)
    }),
    ("a seal of another map", 16, "the seal says map_root", |log| {
        let said = sealing(log).with("map_root", &Hash::default().to_hex()).signed(&[&log.seal_key()]);
        log.record(&said)
    }),
    ("a seal of another size", 16, "the seal says size", |log| {
        let said = sealing(log).value("size", Value::Integer(1)).signed(&[&log.seal_key()]);
        log.record(&said)
    }),
    ("a seal of other streams", 16, "the seal says streams", |log| {
        let said = sealing(log).value("streams", Value::Integer(1)).signed(&[&log.seal_key()]);
        log.record(&said)
    }),
    ("a seal in another row", 16, "the seal says row", |log| {
        let said = sealing(log).but(|event| "b99".clone_into(&mut event.row)).signed(&[&log.seal_key()]);
        log.record(&said)
    }),
];

const AGE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn what_the_ledger_refuses_every_auditor_refuses_and_the_other_way_round() {
    let wrong: Vec<String> = ROWS.iter().filter_map(wrongly_decided).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_number_has_a_row() {
    let numbers: BTreeSet<u8> = ROWS.iter().map(|row| row.1).collect();
    // 1, what has no form, is below: it is no event that a row could hold.
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
}

/// What is wrong with what became of a row; nothing if it is as the table says.
pub fn wrongly_decided((what, number, words, say): &Row) -> Option<String> {
    let mut log = Forge::of(golden());
    let record = say(&mut log);
    let before = log.entries();
    let mut state = State::new(log.origin().clone());
    for bytes in &before {
        state.replay(bytes).unwrap_or_else(|fault| panic!("{what}: {fault}"));
    }
    // The ledger: opened, then admitted.
    let submitted = Said { note: record.note.clone(), opening: None }.submitted();
    let form = state.check_form(&submitted.event).map(drop);
    let opened = form.and_then(|()| state.keyring().open(submitted));
    let ledger = opened.and_then(|opened| state.admit(&opened, record.received_at)).map(drop);
    let fits = match &ledger {
        Ok(()) => *number == 0,
        Err(refusal) => refusal.number() == *number && refusal.to_string().contains(words),
    };
    if !fits {
        return Some(format!("{what}: wanted {number} {words:?}, the ledger says {ledger:?}"));
    }
    // The auditor: the same in a bundle, sealed as well as it can be.
    let position = log.records.len() as u64;
    log.records.push(Record { kept: true, ..record });
    log.seal();
    let forged = log.build();
    let report =
        check(&mut forged.bundle.clone(), &golden().policy, Some(&mut forged.openings.clone()), &mut NoVisitor);
    let agrees = match (&ledger, report.faults.first()) {
        (Ok(()), None) => report.exit_code() == 0,
        (Err(ours), Some(Fault::Admission { position: at, refusal, .. })) => *at == position && refusal == ours,
        _ => false,
    };
    (!agrees).then(|| format!("{what}: the ledger says {ledger:?}, an auditor {:?}", report.faults))
}

#[test]
fn what_has_no_form_is_refused_by_number_1_and_spoils_nothing() {
    let mut log = Forge::of(golden());
    let good = request(&mut log).hiding("target", Value::Text("all".to_owned()));
    let good = good.hiding("private_interviews", Value::Bool(true)).signed(&[&log.key("cso-x", "x1")]);
    let slots = |said: &Said| {
        let line = said.opening.clone().unwrap();
        let open = |slot| if let schemas::opening::Slot::Open(text) = slot { text } else { String::new() };
        line.slots.into_iter().map(open).collect::<Vec<_>>()
    };
    let note = good.note.to_text();
    let list = |n: usize| Value::List((0..n).map(|i| Value::Text(format!("{i:0>128}"))).collect());
    let long = |log: &mut Forge<'_>, items: usize| {
        let draft = programme(log).value("partners", list(256)).value("indicators", list(items));
        draft.hiding("target", Value::Text("all".to_owned())).signed(&[&log.key("adm", "a1"), &log.key("adm", "a2")])
    };
    let mut bad: Vec<(Vec<u8>, Vec<String>)> = [
        String::new(),
        "oversight-event/v1".to_owned(),
        note.replace("\n\n", "\n"),
        note.replace("oversight-event/v1", "oversight-event/v2"),
        note.replace("\"v\":1", "\"v\":1.0"),
        note.replace("\"v\":1", "\"v\":0"),
        note.replace("\"by\":\"cso-x\",", ""),
        note.replace("{\"at\"", "{\"and\":1,\"at\""),
        note.replace("\"data\":", "\"data\": "),
        note.replace("\"id\":\"cso-x/", "\"id\":\"fac-a/"),
        note.replace("\"at\":\"2025-03-08\"", "\"at\":\"2025-02-30\""),
        note.trim_end().to_owned(),
        note.clone() + "\n",
        note.replace('\u{2014}', "-"),
    ]
    .map(|text| (text.into_bytes(), slots(&good)))
    .into();
    bad.push((vec![0xff; 100], Vec::new()));
    let too_long = long(&mut log, 250);
    assert!(too_long.note.to_text().len() > ENTRY_BYTES_MAX);
    bad.push((too_long.note.to_text().into_bytes(), slots(&too_long)));
    let fits = long(&mut log, 150);
    let entries = log.entries();
    let mut state = State::new(log.origin().clone());
    entries.iter().for_each(|bytes| state.replay(bytes).unwrap());
    let keys = LedgerKeys { log: golden().log_key.clone(), seals: vec![golden().seal_key.clone()] };
    let mut submissions: Vec<Submission> = bad
        .into_iter()
        .map(|(note, slots)| Submission { note, opening: Opening::open(slots), received_at: log.now() })
        .collect();
    let count = submissions.len();
    for said in [&good, &fits] {
        let note = said.note.to_text().into_bytes();
        submissions.push(Submission { note, opening: Opening::open(slots(said)), received_at: log.now() });
    }
    let prepared = ledger::prepare::prepare(submissions.clone(), state.keyring()).unwrap();
    let planned = plan(&mut state, prepared, log.now(), &keys).unwrap();
    for (answer, submission) in planned.answers[..count].iter().zip(&submissions) {
        let text = String::from_utf8_lossy(&submission.note[..submission.note.len().min(200)]).into_owned();
        assert!(
            matches!(answer, Answer::Refused(Rejection::Admission(refusal @ Refusal::Malformed(_))) if refusal.number() == 1),
            "{text}: {answer:?}"
        );
    }
    let next = entries.len() as u64;
    assert_eq!(
        planned.answers[count..],
        [Answer::Accepted { position: next }, Answer::Accepted { position: next + 1 }]
    );
    assert_eq!(planned.entries.len(), 3, "the two that are good, and their seal");
}

pub fn texts(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| Value::Text((*item).to_owned())).collect())
}

/// A record of what a party says, signed by these of its holders.
pub fn as_party(log: &Forge<'_>, draft: Draft, party: &str, holders: &[&str]) -> Record {
    let keys: Vec<SecretKey> = holders.iter().map(|holder| log.key(party, holder)).collect();
    log.record(&draft.signed(&keys.iter().collect::<Vec<_>>()))
}

fn by(log: &Forge<'_>, draft: Draft, holders: &[&str]) -> Record {
    as_party(log, draft, "cso-x", holders)
}

fn said(log: &mut Forge<'_>, what: fn(&mut Forge<'_>) -> Draft, holders: &[&str]) -> Record {
    let draft = what(log);
    by(log, draft, holders)
}

fn by_x(log: &mut Forge<'_>, bend: fn(Draft) -> Draft) -> Record {
    let draft = bend(request(log));
    by(log, draft, &["x1"])
}

fn resign(said: &mut Said, event: &Event, keys: &[&SecretKey]) {
    said.note.text = event.to_text();
    said.note.signatures = keys.iter().map(|key| key.sign(&said.note.text)).collect();
}

pub fn request(log: &mut Forge<'_>) -> Draft {
    let draft = log.draft("access.request.submitted", "cso-x").id("rq-9").with("facility", "fac-a");
    draft.with("organisation", "cso-x").with("purpose", "family")
}

fn acknowledged(log: &mut Forge<'_>, by: &str) -> Draft {
    let draft = log.draft("access.request.acknowledged", by).to("request", "cso-x/rq-1").with("facility", by);
    draft.with("organisation", "cso-x").with("received_on", "2025-03-04").with("decision_due_on", "2025-03-24")
}

pub fn denial(log: &mut Forge<'_>) -> Draft {
    let draft = log.draft("access.request.denied", "fac-a").id("dn-9").to("request", "cso-x/rq-1");
    let draft = draft.with("facility", "fac-a").with("organisation", "cso-x").with("reason", "capacity");
    ["individual_assessment", "justification_given", "auto"]
        .iter()
        .fold(draft, |d, name| d.value(name, Value::Bool(false)))
}

fn withdrawn(log: &mut Forge<'_>) -> Draft {
    log.draft("access.request.withdrawn", "cso-x").with("facility", "fac-a").with("organisation", "cso-x")
}

fn outage(log: &mut Forge<'_>) -> Draft {
    let draft = log.draft("outage.declared", "fac-a").id("ou-9").with("facility", "fac-a");
    draft.with("from", "2025-03-08T01:00:00Z").with("cause", "power")
}

pub fn updated(log: &mut Forge<'_>, organisation: &str) -> Draft {
    let draft = log.draft("organisation.updated", "min").with("organisation", organisation);
    draft.with("effective_on", "2025-03-08")
}

/// An epoch of that writer, over the log as it was last sealed.
pub fn epoch_of(log: &mut Forge<'_>, writer: &str) -> Draft {
    let mut state = State::new(log.origin().clone());
    log.entries().iter().for_each(|bytes| state.replay(bytes).unwrap());
    let (size, root) = state.sealed_head();
    let draft = log.draft("ledger.epoch.opened", "op").value("epoch", Value::Integer(1)).with("writer", writer);
    draft.value("size", Value::Integer(i64::try_from(size).unwrap())).with("root", &root.to_hex())
}

pub fn reseeded(log: &mut Forge<'_>) -> Draft {
    let draft =
        log.draft("ledger.reseeded", "op").value("previous_origin", Value::localised("en", "golden.example/old"));
    let draft = draft.value("size", Value::Integer(1)).with("root", &Hash::default().to_hex());
    draft.with("reason", "handover")
}

pub fn profile(log: &mut Forge<'_>) -> Draft {
    let adopted = log.records[log.at("npm/rule.profile.adopted/r1")].event();
    let draft = log.draft("rule.profile.adopted", "npm").id("pf-9").with("profile_id", "golden-2");
    draft.with("profile", adopted.text("profile").unwrap()).with("effective_on", "2025-03-08")
}

pub fn programme(log: &mut Forge<'_>) -> Draft {
    let draft = log.draft("programme.adopted", "adm").id("P-9").value("title", Value::localised("en", "Wood"));
    let draft = draft.with("aim", "vocational").value("facilities", texts(&["fac-a"])).with("delivery", "group");
    let draft = draft.with("starts_on", "2025-03-10").value("planned_sessions", Value::Integer(4));
    ["sustained", "voluntary", "gender_plan", "age_plan"].iter().fold(draft, |d, name| d.value(name, Value::Bool(true)))
}

fn erasure(log: &mut Forge<'_>, targets: &[&str]) -> Draft {
    let targets = RefValue::Many(targets.iter().map(|t| (*t).to_owned()).collect());
    let draft = log.draft("erasure.requested", "npm").id("er-9").value("fields", texts(&["team"]));
    draft.with("basis", "retention_end").but(|event| drop(event.refs.insert("targets".to_owned(), targets)))
}

pub fn corrected(log: &mut Forge<'_>, by: &str, target: &str) -> Draft {
    let draft = log.draft("record.corrected", by).to("target", target).with("field_name", "wait");
    draft.value("new_value_public", Value::localised("fr", "15")).with("reason", "typo")
}

fn inspection(log: &mut Forge<'_>, kind: &str) -> Draft {
    let draft = log.draft("inspection.conducted", "adm").id("is-9").with("facility", "fac-a").with("kind", kind);
    let draft = draft.with("chosen_by", "authority").with("started_on", "2025-03-07").with("ended_on", "2025-03-07");
    let draft = draft.with("private_interviews", "none_sought").with("cooperation", "full");
    let yes = ["unannounced", "team_two_or_more", "women_present", "health_professional", "full_access"];
    yes.iter().fold(draft, |d, name| d.value(name, Value::Bool(true)))
}

pub fn resolved(log: &mut Forge<'_>, by: &str) -> Draft {
    let draft = log.draft("visit.dispute.resolved", by).to("dispute", "cso-x/dp-1").to("visit", "fac-a/vi-1");
    draft.with("facility", "fac-a").with("organisation", "cso-x").with("outcome", "mixed")
}

/// The seal that the log would make now.
pub fn sealing(log: &mut Forge<'_>) -> Draft {
    let mut state = State::new(log.origin().clone());
    log.entries().iter().for_each(|bytes| state.replay(bytes).unwrap());
    let batch = state.batches() + 1;
    let number = |n: u64| Value::Integer(i64::try_from(n).unwrap());
    let draft =
        log.draft(verifier::admit::SEAL, "op").value("batch", number(batch)).value("size", number(state.size()));
    let draft = draft.value("streams", number(state.streams())).with("map_root", &state.map_root().to_hex());
    draft.but(|event| (event.row, event.seq) = (format!("b{batch}"), i64::try_from(batch).unwrap()))
}

pub fn new_key(log: &Forge<'_>, party: &str, holder: &str) -> SecretKey {
    let name = log.origin().holder_key_name(party, holder);
    SecretKey::new(&name, &Hash::of(&[b"new ", name.as_bytes()]).0)
}

pub fn enrolment(log: &mut Forge<'_>, party: &str, holder: &str, role: &str) -> Draft {
    let key = new_key(log, party, holder).vkey().to_string();
    let draft = log.draft("key.enrolled", party).id(&format!("key-{holder}")).with("organisation", party);
    let draft = draft.with("holder", holder).with("role", role).with("alg", "ed25519").with("public_key", &key);
    draft.with("valid_from", "2025-03-08T00:00:00Z")
}

/// An enrolment that the new key signs itself, and the operator after it.
fn enrolled(log: &mut Forge<'_>, party: &str, holder: &str, role: &str, bend: fn(Draft) -> Draft) -> Record {
    let draft = bend(enrolment(log, party, holder, role));
    let said = draft.signed(&[&new_key(log, party, holder), &log.key("op", "o1")]);
    log.record(&said)
}

/// Enrols a key of cso-x in the log, in force between these instants.
pub fn enrol(log: &mut Forge<'_>, from: &str, to: Option<&str>) -> SecretKey {
    let key = new_key(log, "cso-x", "x9");
    let mut draft = enrolment(log, "cso-x", "x9", "cso").with("valid_from", from);
    if let Some(to) = to {
        draft = draft.with("valid_to", to);
    }
    let said = draft.signed(&[&key, &log.key("op", "o1")]);
    log.add(&said);
    key
}

pub fn rotation(log: &mut Forge<'_>, party: &str, holder: &str) -> Draft {
    let key = new_key(log, party, holder).vkey().to_string();
    let draft = log.draft("key.rotated", party).to("key", "cso-x/key-cso-x-x1").with("organisation", party);
    let draft = draft.with("holder", holder).with("public_key", &key).with("reason", "rotation");
    draft.with("valid_from", "2025-03-08T00:00:00Z")
}

/// The revocation, by a party, of the key of holder x1 of cso-x.
pub fn revocation(log: &mut Forge<'_>, by: &str) -> Draft {
    let draft = log.draft("key.revoked", by).to("key", "cso-x/key-cso-x-x1").with("organisation", "cso-x");
    draft.with("holder", "x1").with("revoked_at", "2025-03-08T00:00:00Z").with("reason", "compromise")
}
