//! Keys over time. Every loss has its lawful way, which needs a second institution; every other
//! way is refused. What a stolen key signed is named, and a successor must name the log before it
//! as it was. FORMAT.md 9, 11, 18.

use schemas::time::Timestamp;
use schemas::value::Value;
use tests::forge::{Draft, Forge, Forged, Record};
use tests::memory::Memory;
use verifier::bundle::{NoVisitor, check};
use verifier::report::{Report, Verdict};
use verifier::signature::SecretKey;
use verifier::succession::{self, BadSuccession, Succession};

use crate::admission::{
    Row, as_party, enrolment, epoch_of, new_key, profile, request, reseeded, revocation, rotation, sealing,
    wrongly_decided,
};
use crate::common::{golden, successor};

pub const ROWS: &[Row] = &[
    // Another writer.
    ("an epoch of a writer whom two holders enrolled", 0, "", |log| {
        next_writer(log, None);
        let draft = epoch_of(log, "ledger-2");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("a second epoch of the same number", 14, "a number above that of the epoch before it, 1", |log| {
        take_over(log);
        let draft = epoch_of(log, "ledger-2");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("epoch 0", 14, "a number above that of the epoch before it, 0", |log| {
        next_writer(log, None);
        let draft = epoch_of(log, "ledger-2").value("epoch", Value::Integer(0));
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("an epoch over another size", 14, "size and root of the log as last sealed", |log| {
        next_writer(log, None);
        let draft = epoch_of(log, "ledger-2").value("size", Value::Integer(1));
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("an epoch over another root", 14, "size and root of the log as last sealed", |log| {
        next_writer(log, None);
        let draft = epoch_of(log, "ledger-2").with("root", &"0".repeat(64));
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("an epoch that was signed before others were sealed", 14, "size and root of the log as last sealed", |log| {
        next_writer(log, None);
        let draft = epoch_of(log, "ledger-2");
        log.seal();
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("an epoch of nobody", 14, "has signed nothing yet: ledger-2", |log| {
        let draft = epoch_of(log, "ledger-2");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("an epoch of a holder who signs other things", 14, "has signed nothing yet: o1", |log| {
        let draft = log.draft("schema.adopted", "op").id("sc-9").with("catalogue_id", "c-2");
        let adopted = log.records[log.at("op/schema.adopted/r1")].event();
        let draft = draft.with("catalogue", adopted.text("catalogue").unwrap()).with("effective_on", "2025-03-08");
        let record = as_party(log, draft, "op", &["o1", "o2"]);
        log.records.push(record);
        let draft = epoch_of(log, "o1");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("an epoch of the writer in office", 14, "has signed nothing yet: ledger", |log| {
        let draft = epoch_of(log, "ledger");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("an epoch of a writer whose key ends", 14, "has signed nothing yet: ledger-2", |log| {
        next_writer(log, Some("2030-01-01T00:00:00Z"));
        let draft = epoch_of(log, "ledger-2");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("an epoch by one holder", 14, "the signatures of two different holders", |log| {
        next_writer(log, None);
        let draft = epoch_of(log, "ledger-2");
        as_party(log, draft, "op", &["o1"])
    }),
    ("an epoch by a holder and the writer in office", 14, "the writer's signs seals and nothing else", |log| {
        next_writer(log, None);
        let said = epoch_of(log, "ledger-2").signed(&[&log.key("op", "o1"), &log.seal_key()]);
        log.record(&said)
    }),
    ("an epoch by the thief of the server", 14, "the writer's signs seals and nothing else", |log| {
        next_writer(log, None);
        let said = epoch_of(log, "ledger-2").signed(&[&log.seal_key(), &log.key("op", "o1")]);
        log.record(&said)
    }),
    // Seals.
    ("a seal by the writer who took over", 0, "", |log| {
        let key = take_over(log);
        let said = sealing(log).signed(&[&key]);
        log.record(&said)
    }),
    ("a seal by the writer before", 5, "is not in force", |log| {
        take_over(log);
        let said = sealing(log).signed(&[&log.seal_key()]);
        log.record(&said)
    }),
    ("a seal by a writer who has not taken over", 14, "to be signed by the writer in office: ledger", |log| {
        let key = next_writer(log, None);
        let said = sealing(log).signed(&[&key]);
        log.record(&said)
    }),
    ("another event by the key of seals", 14, "the writer's signs seals and nothing else", |log| {
        let said = accessed(log).signed(&[&log.seal_key()]);
        log.record(&said)
    }),
    ("the same by a holder of the operator", 0, "", |log| {
        let said = accessed(log).signed(&[&log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a party's key, seconded by the key of seals", 14, "the writer's signs seals and nothing else", |log| {
        let said = enrolment(log, "cso-x", "x9", "cso").signed(&[&log.key("cso-x", "x1"), &log.seal_key()]);
        log.record(&said)
    }),
    ("the writer's key rotated", 14, "another writer first", |log| {
        let draft = rotation(log, "op", "ledger").but(|event| event.refs.clear());
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("the writer's key revoked", 14, "another writer first", |log| {
        let draft = revoked(log, "op", "op", "ledger");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("the key of the writer before revoked", 0, "", |log| {
        take_over(log);
        let draft = revoked(log, "op", "op", "ledger");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    // The operator's keys: of its holders there are o1 and o2.
    ("a holder of the operator, by two others", 0, "", |log| {
        let draft = enrolment(log, "op", "o9", "operator");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("a holder of the operator, by one and itself", 14, "two other holders of the operator", |log| {
        let draft = enrolment(log, "op", "o9", "operator");
        let said = draft.signed(&[&new_key(log, "op", "o9"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("the same, the other way round", 14, "two other holders of the operator", |log| {
        let draft = enrolment(log, "op", "o9", "operator");
        let said = draft.signed(&[&log.key("op", "o1"), &new_key(log, "op", "o9")]);
        log.record(&said)
    }),
    ("a holder of the operator, by one and the writer", 14, "the writer's signs seals and nothing else", |log| {
        let draft = enrolment(log, "op", "o9", "operator");
        let said = draft.signed(&[&log.key("op", "o1"), &log.seal_key()]);
        log.record(&said)
    }),
    ("one holder left: by oversight and that one", 0, "", |log| by_oversight(log, |log| log.key("op", "o1"))),
    ("no holder left: by oversight and the writer", 0, "", |log| by_oversight(log, seals)),
    ("by oversight and the new key itself", 14, "two other holders of the operator", |log| {
        by_oversight(log, |log| new_key(log, "op", "o9"))
    }),
    ("by oversight alone", 14, "a second signature by the operator", |log| {
        by_oversight(log, |log| log.key("npm", "n2"))
    }),
    ("the lost holder of the operator, revoked by oversight", 0, "", |log| {
        let said = revoked(log, "npm", "op", "o2").signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    // A party, such as the registrar, that has no key left.
    ("the registrar's lost keys, revoked by oversight", 0, "", |log| lost(log, "min", "m1")),
    ("revoked by oversight without the operator", 14, "a second signature by the operator", |log| {
        let draft = revoked(log, "npm", "min", "m1");
        as_party(log, draft, "npm", &["n1", "n2"])
    }),
    ("revoked by the operator", 14, "by the institution whose key it is", |log| {
        let draft = revoked(log, "op", "min", "m1");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("revoked by another party", 14, "by the institution whose key it is", |log| {
        let draft = revoked(log, "adm", "min", "m1");
        let said = draft.signed(&[&log.key("adm", "a1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a lost key after that", 5, "is not in force", |log| {
        let record = lost(log, "cso-x", "x1");
        log.records.push(record);
        let said = request(log).signed(&[&log.key("cso-x", "x1")]);
        log.record(&said)
    }),
    ("the registrar's new key for the same holder, by itself and the operator", 0, "", |log| {
        let record = lost(log, "min", "m1");
        log.records.push(record);
        let said = enrolment(log, "min", "m1", "ministry").signed(&[&new_key(log, "min", "m1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("the same where nobody revoked the old one", 14, "rotate the key instead", |log| {
        let said = enrolment(log, "min", "m1", "ministry").signed(&[&new_key(log, "min", "m1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("what the registrar's new key signs", 0, "", |log| {
        let record = lost(log, "min", "m1");
        log.records.push(record);
        let key = new_key(log, "min", "m1");
        let said = enrolment(log, "min", "m1", "ministry").signed(&[&key, &log.key("op", "o1")]);
        log.add(&said);
        let draft = log.draft("organisation.updated", "min").with("organisation", "cso-x");
        let said = draft.with("effective_on", "2025-03-08").signed(&[&key]);
        log.record(&said)
    }),
    // Oversight. Of its bodies there is one, npm, with n1, n2 and intake.
    ("a body's lost key, replaced by another body", 0, "", |log| {
        let key = second_body(log);
        let draft = enrolment(log, "npm", "n9", "oversight").but(|event| {
            "ombud".clone_into(&mut event.by);
            event.id = Some("ombud/key-npm-n9".to_owned());
        });
        let said = draft.signed(&[&key, &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a body's lost key, revoked by another body", 0, "", |log| {
        let key = second_body(log);
        let said = revoked(log, "ombud", "npm", "n1").signed(&[&key, &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a key of oversight, by the registrar and the operator", 14, "by the institution whose key it is", |log| {
        let draft = enrolment(log, "npm", "n9", "oversight").but(|event| {
            "min".clone_into(&mut event.by);
            event.id = Some("min/key-npm-n9".to_owned());
        });
        let said = draft.signed(&[&log.key("min", "m1"), &log.key("op", "o1")]);
        log.record(&said)
    }),
    ("a key of oversight, by the operator alone", 14, "by the institution whose key it is", |log| {
        let draft = enrolment(log, "npm", "n9", "oversight").but(|event| {
            "op".clone_into(&mut event.by);
            event.id = Some("op/key-npm-n9".to_owned());
        });
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("a key of oversight revoked by the operator alone", 14, "by the institution whose key it is", |log| {
        let draft = revoked(log, "op", "npm", "n1");
        as_party(log, draft, "op", &["o1", "o2"])
    }),
    ("what a revoked key of oversight would adopt", 5, "is not in force", |log| {
        let said = revoked(log, "npm", "npm", "n1").signed(&[&log.key("npm", "n2"), &log.key("op", "o1")]);
        log.add(&said);
        let draft = profile(log);
        as_party(log, draft, "npm", &["n1", "n2"])
    }),
    // A successor.
    ("what a log goes on from, after genesis", 0, "", |log| beginning(log, |draft| draft, ("op", "o1"), ("npm", "n1"))),
    ("the same without oversight", 14, "a second signature by an oversight body", |log| {
        beginning(log, |draft| draft, ("op", "o1"), ("op", "o2"))
    }),
    ("the same by the ministry", 8, "is not for that role to report", |log| {
        beginning(log, |draft| draft.but(|event| "min".clone_into(&mut event.by)), ("min", "m1"), ("npm", "n1"))
    }),
    ("by the key of seals and oversight", 14, "the writer's signs seals and nothing else", |log| {
        log.records.truncate(1);
        let said = reseeded(log).signed(&[&log.seal_key(), &log.key("npm", "n1")]);
        log.record(&said)
    }),
    ("from itself", 14, "the origin of another log", |log| {
        let itself = |draft: Draft| draft.value("previous_origin", Value::localised("zxx", "golden.example/log"));
        beginning(log, itself, ("op", "o1"), ("npm", "n1"))
    }),
    ("from what is no origin", 14, "the origin of another log", |log| {
        let none = |draft: Draft| draft.value("previous_origin", Value::localised("zxx", "The old log"));
        beginning(log, none, ("op", "o1"), ("npm", "n1"))
    }),
    ("from nothing", 14, "a size above 0", |log| {
        beginning(log, |draft| draft.value("size", Value::Integer(0)), ("op", "o1"), ("npm", "n1"))
    }),
    ("twice", 14, "to be the second entry of the log", |log| {
        let record = beginning(log, |draft| draft, ("op", "o1"), ("npm", "n1"));
        log.records.push(record);
        let said = reseeded(log).signed(&[&log.key("op", "o1"), &log.key("npm", "n1")]);
        log.record(&said)
    }),
];

#[test]
fn every_loss_has_its_lawful_way_and_no_other() {
    let wrong: Vec<String> = ROWS.iter().filter_map(wrongly_decided).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A compromise: who says so, and which entries are doubtful then.
pub type Compromise = (&'static str, &'static [&'static str], fn(&mut Forge<'_>));

pub const COMPROMISES: &[Compromise] = &[
    ("nobody", &[], |_| {}),
    ("a key, from before all that it signed but its enrolment", &["cso-x/access.request.submitted/r1"], |log| {
        since(log, "cso-x", "x1", "x2", "2025-03-04T00:00:00Z");
    }),
    ("from the very instant", &["cso-x/access.request.submitted/r1"], |log| {
        since(log, "cso-x", "x1", "x2", "2025-03-04T07:30:00Z");
    }),
    ("from a second later", &[], |log| since(log, "cso-x", "x1", "x2", "2025-03-04T07:30:01Z")),
    ("from the beginning: its enrolment too", &["cso-x/key.enrolled/r1", "cso-x/access.request.submitted/r1"], |log| {
        since(log, "cso-x", "x1", "x2", "2025-01-01T00:00:00Z");
    }),
    (
        "a holder who approved, and rotated since",
        &["fac-a/visit.completed/r1", "fac-a/record.corrected/r1", "fac-a/outage.declared/r1"],
        |log| since(log, "fac-a", "d2", "d1", "2025-03-06T00:00:00Z"),
    ),
    ("twice: the first says from when", &["cso-x/access.request.submitted/r1"], |log| {
        since(log, "cso-x", "x1", "x2", "2025-03-04T07:30:00Z");
        since(log, "cso-x", "x1", "x2", "2025-03-04T07:00:00Z");
    }),
    ("two keys", &["cso-x/access.request.submitted/r1", "fac-a/outage.declared/r1"], |log| {
        since(log, "cso-x", "x1", "x2", "2025-03-04T00:00:00Z");
        since(log, "fac-a", "d2", "d1", "2025-03-07T10:00:00Z");
    }),
    ("another's doubt", &[], |log| {
        let draft = revoked(log, "npm", "cso-x", "x1").with("revoked_at", "2025-03-01T00:00:00Z");
        let said = draft.signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
        log.add(&said);
    }),
    ("after its loss and a new key, the party itself", &["cso-x/access.request.submitted/r1"], |log| {
        let record = lost(log, "cso-x", "x1");
        log.records.push(record);
        since(log, "cso-x", "x1", "x2", "2025-03-04T00:00:00Z");
    }),
    ("a stolen key that was rotated", &["cso-x/access.request.submitted/r1"], |log| {
        rotated(log, "compromise", "2025-03-04T00:00:00Z");
    }),
    ("a key that was rotated because it was old", &[], |log| rotated(log, "rotation", "2025-03-04T00:00:00Z")),
    ("the key of seals, whose seals were recomputed", &["op/ledger.genesis/genesis"], |log| {
        take_over(log);
        log.seal();
        since(log, "op", "ledger", "o1", "2025-01-01T00:00:00Z");
    }),
];

#[test]
fn what_a_stolen_key_signed_is_named_and_the_verdict_stands() {
    for (what, doubtful, say) in COMPROMISES {
        let mut log = Forge::of(golden());
        say(&mut log);
        let last = log.records.len() as u64 - 1;
        log.seal();
        let report = checked(&log.build());
        assert_eq!(report.exit_code(), 0, "{what}: {:?}", report.faults);
        assert_eq!(report.verdict(), Verdict::Verified, "{what}");
        let found: Vec<&str> = report.doubtful.iter().map(|one| one.address.as_str()).collect();
        assert_eq!(found, *doubtful, "{what}");
        assert_eq!(report.doubts, doubtful.len() as u64, "{what}");
        for one in &report.doubtful {
            let event = log.records[usize::try_from(one.position).unwrap()].event();
            assert_eq!(event.address(), one.address, "{what}");
            assert!(one.revoked_by <= last && one.position < one.revoked_by, "{what}: {one:?}");
            let by = log.records[usize::try_from(one.revoked_by).unwrap()].event();
            assert!(matches!(by.kind.as_str(), "key.revoked" | "key.rotated"), "{what}: {by:?}");
        }
        let step = report.steps.iter().find(|step| step.title == "signatures within a compromise window");
        assert!(step.unwrap().counted.starts_with(&format!("{} entries", doubtful.len())), "{what}: {step:?}");
        // A pack that holds the same entries says the same.
        let entries = log.entries();
        let entries: Vec<_> = entries.iter().map(|bytes| schemas::entry::Entry::parse(bytes).unwrap()).collect();
        assert_eq!(verifier::doubt::among(entries.iter()), report.doubtful, "{what}");
    }
}

#[test]
fn a_revocation_left_out_is_told_by_whoever_kept_a_checkpoint() {
    let mut log = Forge::of(golden());
    since(&mut log, "cso-x", "x1", "x2", "2025-03-04T00:00:00Z");
    log.seal();
    let full = log.build();
    let size = log.records.len();
    log.records.remove(size - 2);
    let mut shown = log.build().bundle;
    assert_eq!(golden().check(&shown).doubts, 0, "without the revocation nothing is in doubt");
    let kept = format!("checkpoints/{size}");
    shown.put(&kept, full.bundle.get(&kept).to_vec());
    shown.manifest();
    let report = golden().check(&shown);
    assert_eq!(report.exit_code(), 1);
    assert!(report.faults.iter().any(|fault| fault.path() == Some(&kept)), "{:?}", report.faults);
}

/// A successor's claim: what it says of the golden log, and what is said of that.
type Claim = (&'static str, fn(Draft) -> Draft, usize, fn(&Succession) -> bool);

const CLAIMS: &[Claim] = &[
    ("as it was", |draft| draft, 0, |said| said.exit_code() == 0),
    (
        "another root",
        |draft| draft.with("root", &"1".repeat(64)),
        0,
        |said| matches!(said.faults[..], [BadSuccession::Root { .. }]),
    ),
    (
        "one entry fewer",
        |draft| draft.value("size", Value::Integer(40)),
        0,
        |said| {
            matches!(
                said.faults[..],
                [BadSuccession::Root { .. }, BadSuccession::Size { .. }, BadSuccession::EndLeftOut { .. }]
            )
        },
    ),
    (
        "more than the bundle shows",
        |draft| draft.value("size", Value::Integer(42)),
        0,
        |said| said.exit_code() == 2 && said.unknown[0].contains("get a newer one"),
    ),
    (
        "a hand-over that leaves the end out",
        |draft| draft,
        1,
        |said| matches!(&said.faults[..], [BadSuccession::EndLeftOut { size: 41, shown: 42, .. }]),
    ),
    (
        "a loss that leaves the end out, and says so",
        |draft| draft.with("reason", "loss"),
        1,
        |said| said.exit_code() == 0 && said.carried.as_ref().unwrap().left_behind == 1,
    ),
    (
        "another log",
        |draft| draft.value("previous_origin", Value::localised("zxx", "golden.example/another")),
        0,
        |said| said.exit_code() == 2 && said.unknown[0].contains("the bundle given is of"),
    ),
];

#[test]
fn a_successor_names_the_log_before_as_it_was() {
    for (what, bend, more, holds) in CLAIMS {
        let mut before = Forge::of(golden());
        (0..*more).for_each(|_| before.seal());
        let result = succeeded(&golden().bundle, "2025-03-09T00:00:00Z", *bend, &before.build().bundle);
        assert!(holds(&result), "{what}: {:?} {:?} {:?}", result.faults, result.unknown, result.new.faults);
        assert_eq!(result.carried.is_some(), result.exit_code() == 0, "{what}");
    }
}

#[test]
fn a_successor_begins_when_the_log_before_has_ended() {
    let ended = golden().check(&golden().bundle).as_of.expect("a log with entries");
    for (began, holds) in [(ended, true), (ended.plus_seconds(-1), false)] {
        let result = succeeded(&golden().bundle, &began.to_string(), |draft| draft, &golden().bundle);
        assert_eq!(result.exit_code() == 0, holds, "{began}: {:?}", result.faults);
        assert_eq!(result.faults.is_empty(), holds, "{began}");
    }
}

#[test]
fn a_successor_of_a_log_that_lies_is_none() {
    let mut lie = Forge::of(golden());
    lie.records.remove(lie.at("eva/key.enrolled/r1"));
    let result = succeeded(&golden().bundle, "2025-03-09T00:00:00Z", |draft| draft, &lie.build().bundle);
    assert!(matches!(result.faults[..], [BadSuccession::Before(_)]), "{:?}", result.faults);
    assert_eq!(result.exit_code(), 1);
}

#[test]
fn a_successor_tells_which_keys_the_log_before_knew() {
    let result = succeeded(&golden().bundle, "2025-03-09T00:00:00Z", |draft| draft, &golden().bundle);
    let carried = result.carried.expect("it holds");
    assert_eq!((carried.said.size, carried.left_behind), (41, 0));
    // The keys of this successor were all made anew: nobody whom the old log knew speaks for it.
    assert_eq!((carried.known_signers.len(), carried.known_oversight), (0, (0, 3)));
    let word = carried.word();
    for part in
        ["rests on the word of golden.example/successor/op/o1 and golden.example/successor/npm/n1", "0 of 3 keys"]
    {
        assert!(word.contains(part), "{part} in {word}");
    }
    let known = succession::Carried { known_signers: carried.said.signed_by.clone(), ..carried };
    assert!(known.word().contains("goes on from the log before, as that was, by the word of keys in force there"));
    // Who swaps the two learns nothing.
    let (mut one, mut other) = (golden().bundle.clone(), successor().bundle.clone());
    let swapped = succession::check(&mut one, &golden().policy, &mut other, &successor().policy, &mut |_, _, _| {});
    assert_eq!((swapped.exit_code(), swapped.unknown.len()), (2, 1), "{:?}", swapped.unknown);
}

#[test]
fn a_successor_and_the_log_before_that_change_places_are_no_lie() {
    let (old, new) = (golden().bundle.clone(), successor_of(&golden().bundle, "2025-03-09T00:00:00Z", |draft| draft));
    let (before, after) = (&golden().policy, &successor().policy);
    let round = "the two are the wrong way round: golden.example/log, which was given first, is the log before";
    let (crossed, alone) = ("each of the two bundles is of the log of the other's policy", "is it the successor?");
    let other = "the bundle given is of golden.example/successor";
    for (what, first, policy, second, second_policy, code, says) in [
        ("as they are", &new, after, &old, before, 0, ""),
        ("both", &old, before, &new, after, 2, round),
        ("the bundles alone", &old, after, &new, before, 2, crossed),
        ("the policies alone", &new, before, &old, after, 2, crossed),
        ("the successor twice", &new, after, &new, after, 2, other),
        ("the log before twice", &old, before, &old, before, 2, alone),
    ] {
        let (mut first, mut second) = (first.clone(), second.clone());
        let result = succession::check(&mut first, policy, &mut second, second_policy, &mut |_, _, _| {});
        let said = result.unknown.join("; ");
        assert_eq!(result.exit_code(), code, "{what}: {said} {:?} {:?}", result.faults, result.new.faults);
        assert!(said.contains(says) && (code == 0) == said.is_empty(), "{what}: {said}");
        // What to do, where there is one thing that mends it.
        assert_eq!(said.contains("--predecessor-policy"), [round, crossed].contains(&says), "{what}: {said}");
    }
    // Whoever changes their places hides no lie in what was given.
    let mut bent = old.clone();
    let at = bent.get("tile/entries/000.p/41").len() / 2;
    bent.flip("tile/entries/000.p/41", at * 8);
    bent.manifest();
    let (mut first, mut second) = (bent, new);
    let result = succession::check(&mut first, before, &mut second, after, &mut |_, _, _| {});
    assert_eq!(result.exit_code(), 1, "{:?}", result.unknown);
}

/// What happens to a bundle on its way: what is said of it, and how.
type Way<'a> = (&'a str, &'a dyn Fn(&mut Memory));

#[test]
fn what_happened_to_either_bundle_on_its_way_is_no_lie_of_the_successor() {
    let (old, new) = (golden().bundle.clone(), successor_of(&golden().bundle, "2025-03-09T00:00:00Z", |draft| draft));
    let crlf = |bundle: &mut Memory| {
        let text = String::from_utf8(bundle.get("checkpoint").to_vec()).expect("text");
        bundle.put("checkpoint", text.replace('\n', "\r\n").into_bytes());
    };
    let lost = |bundle: &mut Memory| {
        let tile = bundle.names().into_iter().find(|name| name.starts_with("tile/entries/")).expect("a tile");
        bundle.remove(&tile);
    };
    let cut = |bundle: &mut Memory| {
        let tile = bundle.names().into_iter().find(|name| name.starts_with("tile/entries/")).expect("a tile");
        let bytes = bundle.get(&tile).to_vec();
        bundle.put(&tile, bytes[..bytes.len() / 2].to_vec());
    };
    let ways: [Way<'_>; 3] = [("CR LF", &crlf), ("tile/entries/", &lost), ("tile/entries/", &cut)];
    for (says, change) in ways {
        for of_new in [true, false] {
            let (mut first, mut second) = (new.clone(), old.clone());
            change(if of_new { &mut first } else { &mut second });
            let policies = (&successor().policy, &golden().policy);
            let result = succession::check(&mut first, policies.0, &mut second, policies.1, &mut |_, _, _| {});
            let said = result.unknown.join("; ");
            assert_eq!(result.exit_code(), 2, "{says}, {of_new}: {:?} {:?}", result.faults, result.new.faults);
            assert!(said.contains(says), "{says}, of the new {of_new}: {said}");
            assert!(!said.contains("is it the successor?"), "{says}: {said}");
        }
    }
}

/// The check of a successor that began at that instant and says, bent, that it goes on from
/// `honest`; the reader holds `shown` for that.
fn succeeded(honest: &Memory, began: &str, bend: fn(Draft) -> Draft, shown: &Memory) -> Succession {
    let (mut new, mut old) = (successor_of(honest, began, bend), shown.clone());
    succession::check(&mut new, &successor().policy, &mut old, &golden().policy, &mut |_, _, _| {})
}

/// The bundle of such a successor.
fn successor_of(honest: &Memory, began: &str, bend: fn(Draft) -> Draft) -> Memory {
    let head = golden().check(honest).head.expect("a checkpoint").checkpoint;
    let mut log = Forge::of(successor());
    log.records.truncate(1);
    log.records[0].received_at = Timestamp::parse(began).expect("an instant");
    let draft = reseeded(&mut log).value("size", Value::Integer(i64::try_from(head.size).unwrap()));
    let draft = draft.value("previous_origin", Value::localised("zxx", head.origin.as_str()));
    let draft = bend(draft.with("root", &head.root.to_hex()));
    let said = draft.signed(&[&log.key("op", "o1"), &log.key("npm", "n1")]);
    log.add(&said);
    log.seal();
    log.build().bundle
}

fn checked(forged: &Forged) -> Report {
    check(&mut forged.bundle.clone(), &golden().policy, Some(&mut forged.openings.clone()), &mut NoVisitor)
}

pub fn accessed(log: &mut Forge<'_>) -> Draft {
    log.draft("data.accessed", "op").with("reader", "op").with("purpose", "audit").with("scope", "full_export")
}

/// Enrols the writer who shall take over; gives its key.
pub fn next_writer(log: &mut Forge<'_>, until: Option<&str>) -> SecretKey {
    let mut draft = enrolment(log, "op", "ledger-2", "operator");
    if let Some(until) = until {
        draft = draft.with("valid_to", until);
    }
    let record = as_party(log, draft, "op", &["o1", "o2"]);
    log.records.push(record);
    let key = new_key(log, "op", "ledger-2");
    log.writers.push(key.clone());
    key
}

/// Another writer takes over; gives its key.
pub fn take_over(log: &mut Forge<'_>) -> SecretKey {
    let key = next_writer(log, None);
    let draft = epoch_of(log, "ledger-2");
    let record = as_party(log, draft, "op", &["o1", "o2"]);
    log.records.push(record);
    key
}

/// A revocation by one party of another's holder, from now on.
fn revoked(log: &mut Forge<'_>, by: &str, party: &str, holder: &str) -> Draft {
    let draft = revocation(log, by).with("organisation", party).with("holder", holder);
    draft.with("reason", "device_lost").but(|event| event.refs.clear())
}

/// What oversight and the operator say of a lost key.
fn lost(log: &mut Forge<'_>, party: &str, holder: &str) -> Record {
    let said = revoked(log, "npm", party, holder).signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
    log.record(&said)
}

/// A party says itself that a holder's key was stolen; a colleague signs.
fn since(log: &mut Forge<'_>, party: &str, holder: &str, colleague: &str, instant: &str) {
    let draft = revoked(log, party, party, holder).with("reason", "compromise").with("revoked_at", instant);
    let second = if party == "op" { "o2" } else { "o1" };
    let said = draft.signed(&[&log.key(party, colleague), &log.key("op", second)]);
    log.add(&said);
}

fn rotated(log: &mut Forge<'_>, reason: &str, from: &str) {
    let draft = rotation(log, "cso-x", "x1").with("reason", reason).with("valid_from", from);
    let said = draft.signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
    log.add(&said);
}

/// A key of the operator that oversight enrols, and who gives the second signature.
fn by_oversight(log: &mut Forge<'_>, second: fn(&Forge<'_>) -> SecretKey) -> Record {
    let draft = enrolment(log, "op", "o9", "operator").but(|event| {
        "npm".clone_into(&mut event.by);
        event.id = Some("npm/key-op-o9".to_owned());
    });
    let said = draft.signed(&[&log.key("npm", "n1"), &second(log)]);
    log.record(&said)
}

/// The key of the first writer.
fn seals(log: &Forge<'_>) -> SecretKey {
    log.seal_key()
}

/// Enrols a second body of oversight; gives its key.
fn second_body(log: &mut Forge<'_>) -> SecretKey {
    let draft = enrolment(log, "ombud", "q1", "oversight").but(|event| {
        "npm".clone_into(&mut event.by);
        event.id = Some("npm/key-ombud-q1".to_owned());
    });
    let said = draft.signed(&[&log.key("npm", "n1"), &log.key("op", "o1")]);
    log.add(&said);
    new_key(log, "ombud", "q1")
}

/// The golden log with genesis alone, and what it would go on from.
fn beginning(log: &mut Forge<'_>, bend: fn(Draft) -> Draft, first: (&str, &str), second: (&str, &str)) -> Record {
    log.records.truncate(1);
    let said = bend(reseeded(log)).signed(&[&log.key(first.0, first.1), &log.key(second.0, second.1)]);
    log.record(&said)
}
