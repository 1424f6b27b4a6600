//! Erasures at the end of a small log: whether they erase a slot, and why not.

use crate::Made;
use crate::log::{Draft, Log, Who};

/// Name, what is expected, why, the log, and the slot that is said to be erased by its last entry.
type Case = (&'static str, &'static str, &'static str, fn() -> Log, &'static str);

const OP: Who = ("op", "one");
const OP_2: Who = ("op", "two");
const NPM: Who = ("npm", "one");
const ADDRESS: &str = "cso-one/access.request.submitted/r4";

static CASES: &[Case] = &[
    (
        "ok-granted",
        "ok",
        "a restricted value whose erasure was granted",
        || after(&[granted("granted")], erased),
        "team",
    ),
    (
        "ok-sealed",
        "ok",
        "a sealed value needs both signatures and no decision",
        || after(&[], |log| bare(log, "team_names")),
        "team_names",
    ),
    ("not-granted", "refused granted", "nobody decided", || after(&[], erased), "team"),
    ("refused", "refused granted", "it was refused", || after(&[granted("refused")], erased), "team"),
    ("partly", "refused granted", "granted in part is not granted", || after(&[granted("partly")], erased), "team"),
    (
        "no-request",
        "refused granted",
        "it names no request",
        || after(&[granted("granted")], |log| bare(log, "team")),
        "team",
    ),
    (
        "other-request",
        "refused granted",
        "another request was granted",
        || {
            let mut log = Log::with_request();
            for _ in 0..2 {
                let draft = requested(&mut log, "team");
                log.say(draft, &[NPM]);
            }
            let draft = decided(&mut log, "granted").to("erasure", "npm/r6");
            log.say(draft, &[("min", "one")]);
            let draft = erased(&mut log);
            log.say(draft, &[OP, NPM]);
            log
        },
        "team",
    ),
    ("no-oversight", "refused cosigner", "the operator alone", || by(&[granted("granted")], erased, &[OP]), "team"),
    (
        "operator-twice",
        "refused cosigner",
        "the operator seconds itself",
        || by(&[granted("granted")], erased, &[OP, OP_2]),
        "team",
    ),
    (
        "public",
        "refused public",
        "a public field",
        || after(&[granted("granted")], |log| erased(log).value("fields", list(&["purpose"]))),
        "purpose",
    ),
    (
        "public-beside",
        "refused public",
        "a public field beside a hidden one spoils both",
        || after(&[granted("granted")], |log| erased(log).value("fields", list(&["purpose", "team"]))),
        "team",
    ),
    (
        "evidence",
        "refused evidence",
        "evidence of a finding that is open",
        || after(&[granted("granted"), |log| finding(log, false)], erased),
        "team",
    ),
    (
        "ok-evidence-closed",
        "ok",
        "evidence of a finding that was closed",
        || after(&[granted("granted"), |log| finding(log, false), |log| finding(log, true)], erased),
        "team",
    ),
    ("other-slot", "refused target", "a slot that it does not name", || after(&[granted("granted")], erased), "target"),
    ("not-erasure", "refused not-erasure", "an entry of another type", Log::with_request, "team"),
];

type Step = fn(&mut Log) -> (Draft, &'static [Who]);

fn granted(decision: &str) -> Step {
    match decision {
        "granted" => |log| (decided(log, "granted"), &[("min", "one")]),
        "partly" => |log| (decided(log, "partly"), &[("min", "one")]),
        _ => |log| (decided(log, "refused"), &[("min", "one")]),
    }
}

fn list(items: &[&str]) -> schemas::value::Value {
    schemas::value::Value::List(items.iter().map(|item| schemas::value::Value::Text((*item).to_owned())).collect())
}

fn requested(log: &mut Log, field: &str) -> Draft {
    let draft =
        log.draft("erasure.requested", "npm").with("basis", "data_subject_request").value("fields", list(&[field]));
    let id = format!("npm/{}", draft.0.row);
    draft.about_all("targets", &[ADDRESS]).but(|event| event.id = Some(id))
}

fn decided(log: &mut Log, decision: &str) -> Draft {
    log.draft("erasure.decided", "min").with("decision", decision).to("erasure", "npm/r5")
}

fn bare(log: &mut Log, field: &str) -> Draft {
    log.draft("erasure.executed", "op").value("fields", list(&[field])).about_all("targets", &[ADDRESS])
}

fn erased(log: &mut Log) -> Draft {
    bare(log, "team").to("erasure", "npm/r5")
}

/// A finding with the request as evidence, or its end.
fn finding(log: &mut Log, closed: bool) -> (Draft, &'static [Who]) {
    let draft = if closed {
        log.draft("finding.closed", "npm").with("outcome", "remedied").to("finding", "npm/finding-1")
    } else {
        let fields = r#"{"addressee":"fac-one","as_of":"2031-03-04T10:00:00Z","kind":"fact","rule":"ACC-01","sealed_subject":false,"severity":"medium"}"#;
        let draft = log.draft("finding.issued", "npm").all(fields).about_all("evidence", &[ADDRESS]);
        draft.but(|event| event.id = Some("npm/finding-1".to_owned()))
    };
    (draft, &[NPM])
}

fn after(steps: &[Step], last: fn(&mut Log) -> Draft) -> Log {
    by(steps, last, &[OP, NPM])
}

/// A request for erasure, these steps, and the erasure.
fn by(steps: &[Step], last: fn(&mut Log) -> Draft, signers: &[Who]) -> Log {
    let mut log = Log::with_request();
    let draft = requested(&mut log, "team");
    log.say(draft, &[NPM]);
    for step in steps {
        let (draft, signers) = step(&mut log);
        log.say(draft, signers);
    }
    let draft = last(&mut log);
    log.say(draft, signers);
    log
}

pub fn all() -> Vec<Made> {
    let made = |(name, expect, comment, log, slot): &Case| {
        let log = log();
        let line = format!("erased: 3 {slot} {}\n", log.size() - 1);
        log.made(&format!("erasure/{name}"), expect, &format!("test keys: {comment}"), &line)
    };
    CASES.iter().map(made).collect()
}
