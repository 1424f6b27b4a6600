//! Whose word counts beside another's: who closes a dispute, who signs second, whose name may stand in public. Each
//! stranger has beside it whoever may. FORMAT.md 9, 10.1, 11.4, 11.14, 11.15.

use schemas::policy::Policy;
use schemas::value::Value;
use tests::forge::{Draft, Forge, Record};
use tests::world::World;
use verifier::bundle::{NoVisitor, check};
use verifier::fault::Fault;
use verifier::signature::SecretKey;

use crate::admission::{
    Row, as_party, corrected, denial, enrolment, epoch_of, new_key, programme, resolved, texts, updated,
    wrongly_decided,
};
use crate::common::golden;
use crate::keys::{accessed, next_writer, take_over};

const SIDES: &str = "by oversight, or by both sides together: first fac-a, the facility of the visit";

pub const ROWS: &[Row] = &[
    // Both sides are those of the dispute, not those that the resolution names: cso-x disputed a visit of fac-a.
    ("both sides, whoever the resolution is said to be about", 0, "", |log| {
        let other = log.party("cso-y");
        let draft = resolved(log, "fac-a").with("organisation", &other);
        closed(log, draft, ("fac-a", "d1"), ("cso-x", "x1"))
    }),
    ("an organisation that did not dispute, and is named", 15, SIDES, |log| {
        let other = log.party("cso-y");
        let draft = resolved(log, "fac-a").with("organisation", &other);
        closed(log, draft, ("fac-a", "d1"), ("cso-y", "y1"))
    }),
    ("an organisation that did not dispute", 15, SIDES, |log| {
        let draft = resolved(log, "fac-a");
        closed(log, draft, ("fac-a", "d1"), ("cso-y", "y1"))
    }),
    ("another facility, with the organisation", 15, SIDES, |log| {
        let draft = resolved(log, "fac-b").with("facility", "fac-b");
        closed(log, draft, ("fac-b", "d1"), ("cso-x", "x1"))
    }),
    ("the administration, with the organisation", 15, SIDES, |log| {
        let draft = resolved(log, "adm");
        closed(log, draft, ("adm", "a1"), ("cso-x", "x1"))
    }),
    ("the facility twice", 15, SIDES, |log| {
        let draft = resolved(log, "fac-a");
        closed(log, draft, ("fac-a", "d1"), ("fac-a", "d1"))
    }),
    ("the facility, with oversight", 15, SIDES, |log| {
        let draft = resolved(log, "fac-a");
        closed(log, draft, ("fac-a", "d1"), ("npm", "n1"))
    }),
    ("oversight alone, whoever it names", 0, "", |log| {
        let draft = resolved(log, "npm").with("facility", "fac-b");
        as_party(log, draft, "npm", &["n1"])
    }),
    // cso-y disputes the same visit, and names a facility that it never was at.
    ("the other who disputed, with the facility of the visit", 0, "", |log| {
        let draft = another_dispute(log);
        closed(log, draft, ("fac-a", "d1"), ("cso-y", "y1"))
    }),
    ("the other's dispute, with the facility that it named", 15, SIDES, |log| {
        let draft = another_dispute(log).but(|event| "fac-b".clone_into(&mut event.by)).with("facility", "fac-b");
        closed(log, draft, ("fac-b", "d1"), ("cso-y", "y1"))
    }),
    ("the other's dispute, with the organisation whose visit it was", 15, SIDES, |log| {
        let draft = another_dispute(log);
        closed(log, draft, ("fac-a", "d1"), ("cso-x", "x1"))
    }),
    // Names.
    ("a name of whom nobody registered", 4, "is not shown by name", |log| {
        let draft = updated(log, "cso-z").value("name", Value::localised("en", "Second Door"));
        as_party(log, draft, "min", &["m1"])
    }),
    ("a name of who has keys, and no identity_mode", 4, "is not shown by name", |log| {
        let draft = updated(log, "eva").value("name", Value::localised("en", "Measure"));
        as_party(log, draft, "min", &["m1"])
    }),
    ("nothing of the name of whom nobody registered", 0, "", |log| {
        let draft = updated(log, "cso-z");
        as_party(log, draft, "min", &["m1"])
    }),
    ("a name with the identity_mode that allows it", 0, "", |log| {
        let draft = updated(log, "cso-z").value("name", Value::localised("en", "Second Door"));
        as_party(log, draft.with("identity_mode", "named"), "min", &["m1"])
    }),
    ("a name after an update that hides it", 4, "is not shown by name", |log| {
        mode(log, "cso-x", "pseudonym");
        let draft = updated(log, "cso-x").value("name", Value::localised("en", "Open Hands"));
        as_party(log, draft, "min", &["m1"])
    }),
    ("a name after an update that shows it", 0, "", |log| {
        let party = log.party("cso-y");
        mode(log, &party, "named");
        let draft = updated(log, &party).value("name", Value::localised("en", "Blue House"));
        as_party(log, draft, "min", &["m1"])
    }),
    // Enrolments that are over.
    ("a key that was over yesterday", 14, "a valid_to after valid_from and after its receipt", |log| {
        until(log, "2025-03-07T00:00:00Z")
    }),
    ("a key that is over at its receipt", 14, "a valid_to after", |log| {
        let now = log.now().to_string();
        until(log, &now)
    }),
    ("a key that is over a second later", 0, "", |log| {
        let later = log.now().plus_seconds(1).to_string();
        until(log, &later)
    }),
    ("a key that is over before it begins", 14, "a valid_to after", |log| {
        let draft = enrolment(log, "cso-x", "x9", "cso").with("valid_from", "2031-01-02T00:00:00Z");
        seconded(log, draft.with("valid_to", "2031-01-01T00:00:00Z"))
    }),
    ("a recipient that was over yesterday", 14, "a valid_to after", |log| {
        let draft = enrolment(log, "npm", "n8", "oversight").with("alg", "age_x25519").with("public_key", AGE);
        let draft = draft.with("valid_to", "2025-03-07T00:00:00Z");
        let said = draft.signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    // Second lines of records: one may be missing, or be the same holder's (V-03); nobody else's stands there.
    ("a denial, seconded by the administration", 14, "a second signature by the author's own institution", |log| {
        let said = denial(log).signed(&[&log.key("fac-a", "d1"), &log.key("adm", "a1")]);
        log.record(&said)
    }),
    ("a correction, seconded by oversight", 14, "a second signature by the author's own institution", |log| {
        let draft = corrected(log, "fac-a", "fac-a/visit.completed/r1");
        let said = draft.signed(&[&log.key("fac-a", "d1"), &log.key("npm", "n1")]);
        log.record(&said)
    }),
    ("a programme, seconded by a partner", 14, "a second signature by the author's own institution", |log| {
        let draft = programme(log).value("partners", texts(&["cso-x"])).value("indicators", texts(&["attendance"]));
        let said = draft.signed(&[&log.key("adm", "a1"), &log.key("cso-x", "x1")]);
        log.record(&said)
    }),
    ("an agreement with the organisation that it names", 0, "", |log| {
        let said = agreement(log).signed(&[&log.key("adm", "a1"), &log.key("cso-x", "x1")]);
        log.record(&said)
    }),
    ("an agreement with another organisation", 14, "a second signature by the organisation concerned", |log| {
        let said = agreement(log).signed(&[&log.key("adm", "a1"), &log.key("cso-y", "y1")]);
        log.record(&said)
    }),
    ("an agreement that lacks the organisation's signature", 0, "", |log| {
        let draft = agreement(log);
        as_party(log, draft, "adm", &["a1"])
    }),
    // That somebody erased without oversight must stay to be seen (V-07).
    ("an erasure, seconded by the operator itself", 0, "", |log| {
        let draft = erased(log);
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    // One key is one holder, whatever names it bears.
    ("a record by one key under two names", 14, "one key under two names is not two holders", |log| {
        let [one, same] = twins(log, "fac-a", "facility");
        let said = denial(log).signed(&[&one, &same]);
        log.record(&said)
    }),
    ("a record by one of them and another", 0, "", |log| {
        let [one, _] = twins(log, "fac-a", "facility");
        let said = denial(log).signed(&[&one, &log.key("fac-a", "d1")]);
        log.record(&said)
    }),
    ("a profile by one key under two names", 14, "one key under two names is not two holders", |log| {
        let [one, same] = twins(log, "npm", "oversight");
        let said = crate::admission::profile(log).signed(&[&one, &same]);
        log.record(&said)
    }),
    ("a profile by one of them and another", 0, "", |log| {
        let [one, _] = twins(log, "npm", "oversight");
        let said = crate::admission::profile(log).signed(&[&one, &log.key("npm", "n1")]);
        log.record(&said)
    }),
    ("an enrolment by the new key, seconded by itself as the operator's", 14, "one key under two names", |log| {
        let draft = enrolment(log, "cso-x", "x9", "cso");
        let same = twin(log, "op", "o9", &new_key(log, "cso-x", "x9"));
        let record = brought(log, "op", "o9", "operator", &same);
        log.records.push(record);
        let said = draft.signed(&[&new_key(log, "cso-x", "x9"), &same]);
        log.record(&said)
    }),
    // The key of seals under another name.
    ("an event by the writer's key under another name", 14, "the writer's signs seals and nothing else", |log| {
        let key = take_over(log);
        let same = twin(log, "op", "o9", &key);
        let record = brought(log, "op", "o9", "operator", &same);
        log.records.push(record);
        let said = accessed(log).signed(&[&same]);
        log.record(&said)
    }),
    ("an epoch of a writer whose key signs under another name", 14, "has signed nothing yet: ledger-2", |log| {
        let key = next_writer(log, None);
        let same = twin(log, "op", "o9", &key);
        let record = brought(log, "op", "o9", "operator", &same);
        log.records.push(record);
        let said = accessed(log).signed(&[&same]);
        log.add(&said);
        let draft = epoch_of(log, "ledger-2");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
];

const AGE: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

#[test]
fn strangers_close_nothing_second_nothing_and_name_nobody() {
    let wrong: Vec<String> = ROWS.iter().filter_map(wrongly_decided).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn checkpoints_are_signed_by_the_key_that_genesis_names() {
    let forge = Forge::of(golden());
    let honest = forge.build();
    let origin = golden().origin.as_str();
    let other = SecretKey::new(origin, &[9; 32]);
    let both = Policy::parse(&format!("log {}\nlog {}\nquorum none\n", other.vkey(), golden().log_key.vkey())).unwrap();
    let lone = Policy::parse(&format!("log {}\nquorum none\n", other.vkey())).unwrap();
    let kept = honest.bundle.names().into_iter().find(|path| path.starts_with("checkpoints/")).unwrap();
    // Which checkpoint bears which signatures: of the other key, of genesis's, of both.
    for (path, keys, policy, fault) in [
        ("checkpoint", vec![&golden().log_key], &both, false),
        ("checkpoint", vec![&other], &both, true),
        ("checkpoint", vec![&other, &golden().log_key], &both, false),
        ("checkpoint", vec![&golden().log_key, &other], &both, false),
        (kept.as_str(), vec![&golden().log_key], &both, false),
        (kept.as_str(), vec![&other], &both, true),
        (kept.as_str(), vec![&other, &golden().log_key], &both, false),
        ("all", vec![&other], &lone, true),
    ] {
        let mut bundle = honest.bundle.clone();
        for name in bundle.names().into_iter().filter(|name| name.starts_with("checkpoint")) {
            if path != "all" && path != name {
                continue;
            }
            let mut note = schemas::note::Note::parse(bundle.get(&name)).unwrap();
            note.signatures = keys.iter().map(|key| key.sign(&note.text)).collect();
            bundle.put(&name, note.to_text().into_bytes());
        }
        bundle.manifest();
        let report = check(&mut bundle, policy, None, &mut NoVisitor);
        let names = |found: &&Fault| matches!(found, Fault::LogKey { path: at, .. } if path == "all" || at == path);
        assert_eq!(report.faults.first().as_ref().is_some_and(names), fault, "{path}: {:?}", report.faults);
        assert_eq!(report.exit_code(), u8::from(fault), "{path}: {:?}", report.faults);
    }
}

#[test]
fn what_a_register_says_of_names_later_holds_from_then_on() {
    // parties.csv says that cso-x is named and cso-y is not; the ministry says otherwise on the 7th.
    let world = World::golden_and(&[(
        "min",
        "organisation.updated",
        "organisation,effective_on,name,name_lang,identity_mode",
        &[
            "u1,2025-03-07,2025-03-07T12:00:00Z,m1,,,cso-x,2025-03-07,Open Hands,en,",
            "u2,2025-03-07,2025-03-07T12:01:00Z,m1,,,cso-x,2025-03-07,,,pseudonym",
            "u3,2025-03-07,2025-03-07T12:02:00Z,m1,,,cso-x,2025-03-07,Open Doors,en,",
            "u4,2025-03-07,2025-03-07T12:03:00Z,m1,,,cso-y,2025-03-07,Quiet House,en,",
            "u5,2025-03-07,2025-03-07T12:04:00Z,m1,,,cso-y,2025-03-07,Blue House,en,named",
            "u6,2025-03-07,2025-03-07T12:05:00Z,m1,,,cso-y,2025-03-07,Blue House for All,en,",
        ],
    )]);
    let report = world.check_open(&world.bundle, &world.openings);
    assert_eq!(report.exit_code(), 0, "{:?}", report.faults);
    let log = Forge::of(&world);
    let shown =
        |row: &str| log.records[log.at(&format!("min/organisation.updated/{row}"))].event().data.contains_key("name");
    assert_eq!(["u1", "u2", "u3", "u4", "u5", "u6"].map(shown), [true, false, false, false, true, true]);
}

fn closed(log: &Forge<'_>, draft: Draft, first: (&str, &str), second: (&str, &str)) -> Record {
    log.record(&draft.signed(&[&log.key(first.0, first.1), &log.key(second.0, second.1)]))
}

/// cso-y disputes the visit of cso-x too; what the facility would say of it.
fn another_dispute(log: &mut Forge<'_>) -> Draft {
    let party = log.party("cso-y");
    let draft = log.draft("visit.disputed", "cso-y").id("dp-2").to("visit", "fac-a/vi-1").with("facility", "fac-b");
    let draft = draft.with("organisation", &party).value("disputed", texts(&["duration"]));
    let said = draft.signed(&[&log.key("cso-y", "y1")]);
    log.add(&said);
    resolved(log, "fac-a").to("dispute", &format!("{party}/dp-2"))
}

fn mode(log: &mut Forge<'_>, party: &str, mode: &str) {
    let said = updated(log, party).with("identity_mode", mode).signed(&[&log.key("min", "m1")]);
    log.add(&said);
}

/// An enrolment of cso-x that ends then.
fn until(log: &mut Forge<'_>, end: &str) -> Record {
    let draft = enrolment(log, "cso-x", "x9", "cso").with("valid_to", end);
    seconded(log, draft)
}

fn seconded(log: &Forge<'_>, draft: Draft) -> Record {
    log.record(&draft.signed(&[&log.key("cso-x", "x1"), &log.key("op", "o1")]))
}

fn agreement(log: &mut Forge<'_>) -> Draft {
    let draft = log.draft("agreement.concluded", "adm").id("ag-9").with("organisation", "cso-x");
    let draft = draft.value("facilities", texts(&["fac-a"])).with("scope", "both").with("access_regime", "notice_only");
    let draft = draft.value("private_interviews", Value::Bool(true)).with("valid_from", "2025-03-08");
    let draft = draft.with("publication_clause", "none").with("confidentiality", "respected");
    draft.value("termination_notice", Value::Integer(30)).with("doc", &"0".repeat(64))
}

fn erased(log: &mut Forge<'_>) -> Draft {
    let targets = schemas::event::RefValue::Many(vec!["fac-a/visit.completed/r1".to_owned()]);
    let draft = log.draft("erasure.executed", "op").value("fields", texts(&["team_in"]));
    draft.but(|event| drop(event.refs.insert("targets".to_owned(), targets)))
}

/// The same key under another name.
fn twin(log: &Forge<'_>, party: &str, holder: &str, key: &SecretKey) -> SecretKey {
    let seed = schemas::hash::Hash::of(&[b"new ", key.vkey().name.as_bytes()]).0;
    SecretKey::new(&log.origin().holder_key_name(party, holder), &seed)
}

/// The enrolment of a key, by whoever may enrol it.
fn brought(log: &mut Forge<'_>, party: &str, holder: &str, role: &str, key: &SecretKey) -> Record {
    let draft = enrolment(log, party, holder, role).with("public_key", &key.vkey().to_string());
    let first = match party {
        "fac-a" => log.key("fac-a", "d1"),
        "npm" => log.key("npm", "n1"),
        _ => log.key("op", "o1"),
    };
    log.record(&draft.signed(&[&first, &log.key("op", if party == "op" { "o2" } else { "o1" })]))
}

/// One key, enrolled for two holders of a party.
fn twins(log: &mut Forge<'_>, party: &str, role: &str) -> [SecretKey; 2] {
    let one = new_key(log, party, "h8");
    let same = twin(log, party, "h9", &one);
    for (holder, key) in [("h8", &one), ("h9", &same)] {
        let record = brought(log, party, holder, role, key);
        log.records.push(record);
    }
    [one, same]
}
