//! Times that the operator invents, against those that witnesses saw. FORMAT.md 10.5.

use std::collections::BTreeMap;

use ledger::publish::publish;
use schemas::note::Note;
use tests::memory::Memory;
use verifier::fault::Fault;
use verifier::report::{Outcome, Report};

use crate::common::{Small, at, checked, key};

const DAY: i64 = 86_400;

/// The bundle with another checkpoint, and a manifest that says so.
fn with_checkpoint(bundle: &Memory, note: &Note) -> Memory {
    let mut bent = bundle.clone();
    for name in bent.names().into_iter().filter(|n| n.starts_with("checkpoints/")) {
        bent.remove(&name);
    }
    bent.put("checkpoint", note.to_text().into_bytes());
    bent.manifest();
    bent
}

fn step(report: &Report) -> (Outcome, String) {
    let step = report.steps.iter().find(|s| s.section == "10.5").expect("the step is named");
    (step.outcome, step.counted.clone())
}

#[test]
fn a_log_before_witnesses_every_day_is_bounded_throughout() {
    let mut small = Small::new();
    let policy = small.policy("two", &BTreeMap::new());
    let locals = small.local();
    let mut panel = locals.panel(&policy);
    for day in 0..10 {
        small.commit(day * DAY + 3600);
        // On some days one of them is down, and in one hour of a day all are.
        locals.switch("w1", day % 3 != 0);
        publish(&mut small.writer, &mut panel, at(day * DAY + 3600)).unwrap();
        ["w1", "w2", "w3"].iter().for_each(|name| locals.switch(name, false));
        small.commit(day * DAY + 7200);
        publish(&mut small.writer, &mut panel, at(day * DAY + 7200)).unwrap();
        ["w1", "w2", "w3"].iter().for_each(|name| locals.switch(name, true));
    }
    let size = small.writer.log().size();
    publish(&mut small.writer, &mut panel, at(10 * DAY)).unwrap();
    let bundle = small.export().unwrap();
    // Of every day the last checkpoint, and the first and the last that were seen.
    let kept = bundle.names().into_iter().filter(|n| n.starts_with("checkpoints/")).count();
    assert_eq!(kept, 20);
    let report = checked(&bundle, &policy);
    assert_eq!(
        (report.exit_code(), step(&report)),
        (0, (Outcome::Holds, format!("{size} of {size} entries within a day")))
    );
    assert!(report.left_out.iter().all(|line| !line.starts_with("times of receipt")), "{:?}", report.left_out);
    // A reader whose policy names nobody is told that nothing bounds the log's clock.
    let alone = schemas::policy::Policy { witnesses: Vec::new(), groups: Vec::new(), quorum: None, ..policy };
    assert_eq!(step(&checked(&bundle, &alone)).0, Outcome::NotChecked);
}

#[test]
fn a_time_later_than_it_was_seen_is_a_fault() {
    let mut small = Small::new();
    let policy = small.policy("two", &BTreeMap::new());
    let mut panel = small.local().panel(&policy);
    small.commit(DAY);
    publish(&mut small.writer, &mut panel, at(DAY)).unwrap();
    let bundle = small.export().unwrap();
    let text = small.writer.head().text.clone();
    let log = ledger::keys::read(&small.writer.home().log_key()).unwrap();
    let cosigned = |seconds: [i64; 3]| {
        let cosign = |(n, s): (u8, i64)| key(n).cosign(&text, at(s).unix() as u64);
        let seen = [1, 2, 3].into_iter().zip(seconds).map(cosign);
        Note { signatures: std::iter::once(log.sign(&text)).chain(seen).collect(), text: text.clone() }
    };
    for (what, seconds, fault) in [
        ("as it was", [DAY, DAY, DAY], None),
        ("the log's clock leads by five minutes", [DAY - 300, DAY - 300, DAY], None),
        ("by a second more", [DAY - 301, DAY - 301, DAY], Some(2)),
        ("one witness alone cannot accuse", [0, DAY, DAY], None),
        ("two can", [0, DAY - 400, DAY], Some(2)),
        ("before the log began", [-DAY, -DAY, -DAY], Some(0)),
    ] {
        let report = checked(&with_checkpoint(&bundle, &cosigned(seconds)), &policy);
        assert_eq!(report.exit_code(), u8::from(fault.is_some()), "{what}: {:?} {:?}", report.faults, report.unknown);
        let found = report.faults.first().map(|f| (f.position(), matches!(f, Fault::ClockAhead { .. })));
        assert_eq!(found, fault.map(|position| (Some(position), true)), "{what}");
    }
}

#[test]
fn entries_that_nobody_saw_in_time_are_named() {
    let mut small = Small::new();
    let policy = small.policy("two", &BTreeMap::new());
    let mut panel = small.local().panel(&policy);
    publish(&mut small.writer, &mut panel, at(60)).unwrap();
    let first = small.writer.log().size();
    // Back-dated: they claim the second day, and witnesses see them on the ninth.
    small.commit(DAY);
    small.commit(DAY + 5);
    publish(&mut small.writer, &mut panel, at(9 * DAY)).unwrap();
    let report = checked(&small.export().unwrap(), &policy);
    assert_eq!(report.exit_code(), 0, "{:?}", report.faults);
    let size = small.writer.log().size();
    assert_eq!(step(&report), (Outcome::Holds, format!("{first} of {size} entries within a day")));
    let named = format!("entries {first} to {}, said {} to {}", size - 1, at(DAY), at(DAY + 5));
    let told = report.left_out.iter().find(|line| line.contains(&named)).expect("the span is named");
    assert!(told.ends_with(&format!("witnesses saw them first {}", at(9 * DAY))), "{told}");
}

/// What is done to the checkpoint, how, and the exit code.
type Bend = (&'static str, fn(&mut Note), u8);

#[test]
fn what_no_quorum_has_seen_is_not_believed() {
    let mut small = Small::new();
    let policy = small.policy("two", &BTreeMap::new());
    let mut panel = small.local().panel(&policy);
    publish(&mut small.writer, &mut panel, at(1)).unwrap();
    let bundle = small.export().unwrap();
    let whole = Note::parse(bundle.get("checkpoint")).unwrap();
    let bends: [Bend; 7] = [
        ("as it was", |_| {}, 0),
        ("one line taken away", |note| note.signatures.truncate(3), 0),
        ("two lines taken away", |note| note.signatures.truncate(2), 2),
        ("the log's line alone", |note| note.signatures.truncate(1), 2),
        ("two lines forged", |note| note.signatures[1..3].iter_mut().for_each(|line| line.signature[20] ^= 1), 1),
        ("two times changed", |note| note.signatures[1..3].iter_mut().for_each(|line| line.signature[7] ^= 1), 1),
        (
            "one witness thrice",
            |note| {
                let line = note.signatures[1].clone();
                note.signatures.truncate(1);
                note.signatures.extend(vec![line; 3]);
            },
            2,
        ),
    ];
    for (what, bend, code) in bends {
        let mut note = whole.clone();
        bend(&mut note);
        let report = checked(&with_checkpoint(&bundle, &note), &policy);
        assert_eq!(report.exit_code(), code, "{what}: {:?} {:?}", report.faults, report.unknown);
        let told = report.faults.iter().any(|f| matches!(f, Fault::Quorum { .. }));
        assert_eq!(told, code == 1, "{what}: {:?}", report.faults);
        // What was lost on the way is no lie: what to do is told.
        let lost = report.unknown.iter().any(|why| why.contains("quorum") && why.contains("get it again"));
        assert_eq!(lost, code == 2, "{what}: {:?}", report.unknown);
    }
}
