//! A report in words and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use schemas::hash::Hash;
use schemas::note::Vkey;
use schemas::value::Value;
use verifier::doubt::Doubtful;
use verifier::report::{Outcome, Report, Verdict};

/// Faults that are written out; the rest are counted.
const FAULTS_SHOWN: usize = 20;

/// Doubtful entries that are written out; the rest are counted.
const DOUBTFUL_SHOWN: usize = 20;

/// What nobody can check from these files.
const NEVER_CHECKED: [&str; 2] = [
    "whether what was signed is true: look for countersignatures and disputes beside each record",
    "whether others are shown the same log: compare the size and root below with theirs",
];

/// Fingerprint of a key as people compare it: SHA-256 of the vkey's text, in groups of four.
pub fn fingerprint(key: &Vkey) -> String {
    grouped(&Hash::of(&[key.to_string().as_bytes()]).to_hex()[..32])
}

fn grouped(text: &str) -> String {
    text.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}

/// The report for a person.
pub fn text(report: &Report, bundle: &Path, policy: &Path, same_policy: Option<bool>) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "bundle   {}", bundle.display());
    let _ = writeln!(out, "policy   {}", policy.display());
    for key in &report.anchors {
        let _ = writeln!(out, "anchor   {}  key {}", key.name, fingerprint(key));
    }
    let _ = writeln!(out);
    for step in &report.steps {
        let word = match step.outcome {
            Outcome::Holds => "holds",
            Outcome::Fault => "FAULT",
            Outcome::NotChecked => "not checked",
        };
        let _ = writeln!(out, "  {:5} {:46} {word:12} {}", step.section, step.title, step.counted);
    }
    if !report.faults.is_empty() {
        let _ = writeln!(out, "\nWhat does not hold:");
        for fault in report.faults.iter().take(FAULTS_SHOWN) {
            let _ = writeln!(out, "  - {fault}");
        }
        if report.faults.len() > FAULTS_SHOWN {
            let _ = writeln!(out, "  and {} more", report.faults.len() - FAULTS_SHOWN);
        }
    }
    if report.doubts > 0 {
        let _ = writeln!(out, "\nSigned within a compromise window, so perhaps not by whose key it is:");
        for one in report.doubtful.iter().take(DOUBTFUL_SHOWN) {
            let _ = writeln!(out, "  - {}", doubt(one));
        }
        if report.doubts > DOUBTFUL_SHOWN as u64 {
            let _ = writeln!(out, "  and {} more", report.doubts - DOUBTFUL_SHOWN as u64);
        }
    }
    let _ = writeln!(out, "\nNot checked:");
    for line in not_checked(report, same_policy) {
        let _ = writeln!(out, "  - {line}");
    }
    if let Some(head) = &report.head {
        let checkpoint = &head.checkpoint;
        let _ = writeln!(out, "\nsize {}  root {}", checkpoint.size, checkpoint.root.to_base64());
    }
    let _ = writeln!(out, "\n{}", sentence(report));
    out
}

/// Why an entry is in doubt.
fn doubt(one: &Doubtful) -> String {
    let Doubtful { position, address, key, from, revoked_by } = one;
    format!("entry {position} ({address}): {key} was revoked from {from} on, by entry {revoked_by}")
}

fn not_checked(report: &Report, same_policy: Option<bool>) -> Vec<String> {
    let mut lines: Vec<String> = report.left_out.iter().chain(&report.unknown).cloned().collect();
    if report.head.as_ref().is_some_and(|h| h.witnesses.is_empty()) {
        lines.push(
            "times of receipt against witnesses: the policy asks for none, so the log's clock alone dates entries"
                .to_owned(),
        );
    }
    if let Some(before) = &report.predecessor {
        lines.push(format!(
            "whether this log goes on from {} at {} entries, as it says: `verifier succession` with that log's bundle",
            before.origin, before.size
        ));
    }
    match same_policy {
        Some(true) => {
            lines.push("the policy inside the bundle: it equals yours, which proves nothing by itself".to_owned());
        }
        Some(false) => lines.push("the policy inside the bundle: it differs from yours; yours was used".to_owned()),
        None => {}
    }
    lines.extend(NEVER_CHECKED.map(str::to_owned));
    lines
}

/// The one line at the end.
fn sentence(report: &Report) -> String {
    let verdict = report.verdict().as_str();
    match (report.verdict(), &report.head) {
        (Verdict::Verified | Verdict::PartlyErased, Some(head)) => {
            let until = report.as_of.map_or_else(String::new, |t| format!(" up to {t}"));
            let erased = if report.erased > 0 {
                format!("; {} hidden values erased by rule", report.erased)
            } else {
                String::new()
            };
            let doubts = if report.doubts > 0 {
                format!("; {} of them signed within a compromise window", report.doubts)
            } else {
                String::new()
            };
            format!(
                "{verdict}: {} entries{until}, none altered, removed or reordered{erased}{doubts}.",
                head.checkpoint.size
            )
        }
        (Verdict::NotVerified, _) => {
            let first = report.faults.iter().find(|f| f.position().is_some()).or_else(|| report.faults.first());
            let place = first.map_or_else(String::new, |f| format!(" {f}."));
            format!("{verdict}:{place} Do not rely on this copy; keep it as evidence and ask for another.")
        }
        _ => format!("{verdict}: {}.", report.unknown.join("; ")),
    }
}

/// The report for a program.
pub fn json(report: &Report, same_policy: Option<bool>) -> String {
    let text = |s: &str| Value::Text(s.to_owned());
    let number = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let list = |lines: Vec<String>| Value::List(lines.into_iter().map(Value::Text).collect());
    let object = |pairs: Vec<(&str, Value)>| {
        Value::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>())
    };
    let steps = report.steps.iter().map(|step| {
        let outcome = match step.outcome {
            Outcome::Holds => "holds",
            Outcome::Fault => "fault",
            Outcome::NotChecked => "not_checked",
        };
        object(vec![
            ("counted", text(&step.counted)),
            ("outcome", text(outcome)),
            ("section", text(step.section)),
            ("title", text(step.title)),
        ])
    });
    let faults = report.faults.iter().map(|fault| {
        let mut pairs = vec![("what", Value::Text(fault.to_string()))];
        pairs.extend(fault.position().map(|p| ("entry", number(p))));
        object(pairs)
    });
    let doubtful = report.doubtful.iter().map(|one| {
        object(vec![
            ("address", text(&one.address)),
            ("entry", number(one.position)),
            ("from", Value::Text(one.from.to_string())),
            ("key", text(&one.key)),
            ("revoked_by", number(one.revoked_by)),
        ])
    });
    let anchors = report
        .anchors
        .iter()
        .map(|k| object(vec![("fingerprint", text(&fingerprint(k))), ("key", text(&k.to_string()))]));
    let mut pairs = vec![
        ("anchors", Value::List(anchors.collect())),
        ("doubtful", Value::List(doubtful.collect())),
        ("doubts", number(report.doubts)),
        ("erased", number(report.erased)),
        ("exit_code", number(u64::from(report.exit_code()))),
        ("faults", Value::List(faults.collect())),
        ("not_checked", list(not_checked(report, same_policy))),
        ("steps", Value::List(steps.collect())),
        ("verdict", text(report.verdict().as_str())),
    ];
    if let Some(head) = &report.head {
        pairs.push(("origin", text(head.checkpoint.origin.as_str())));
        pairs.push(("root", Value::Text(head.checkpoint.root.to_base64())));
        pairs.push(("size", number(head.checkpoint.size)));
    }
    if let Some(as_of) = report.as_of {
        pairs.push(("as_of", Value::Text(as_of.to_string())));
    }
    object(pairs).to_json() + "\n"
}
