//! A report in words and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use schemas::fingerprint::Fingerprint;
use schemas::note::Vkey;
use schemas::refusal::RefusalReceipt;
use schemas::value::Value;
use schemas::visible::{self, Show as _};
use verifier::doubt::Doubtful;
use verifier::head::SignedHead;
use verifier::pack::{Complete, Extent, PackReport};
use verifier::receipt::ReceiptReport;
use verifier::report::{Outcome, Report, Verdict};

/// Faults that are written out; the rest are counted.
const FAULTS_SHOWN: usize = 20;
/// Names that systems left behind that are written out; the rest are counted.
const STRAYS_SHOWN: usize = 8;
/// Records of a pack that are named where they are not shown in full.
const PARTS_SHOWN: usize = 12;

/// Doubtful entries that are written out; the rest are counted.
const DOUBTFUL_SHOWN: usize = 20;

/// What nobody can check from these files.
const NEVER_CHECKED: [&str; 2] = [
    "whether what was signed is true: look for countersignatures and disputes beside each record",
    "whether others are shown the same log: compare the size and root below with theirs",
];

/// Fingerprint of a key as people compare it. FORMAT.md 10.6.
pub fn fingerprint(key: &Vkey) -> String {
    Fingerprint::of_key(key).to_string()
}

/// What is compared by telephone: path, size, words.
pub fn head_lines(path: &Path, head: &SignedHead) -> String {
    let (checkpoint, words) = (&head.checkpoint, Fingerprint::of_checkpoint(&head.checkpoint));
    format!("{}\n  {} entries of {}\n  {words}\n", path.shown(), checkpoint.size, checkpoint.origin)
}

/// The report for a person.
pub fn text(
    what: &str,
    report: &Report,
    path: &Path,
    policy: &Path,
    same_policy: Option<bool>,
    sentence: &str,
) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{what:8} {}", path.shown());
    let _ = writeln!(out, "policy   {}", policy.shown());
    for key in &report.anchors {
        let _ = writeln!(out, "anchor   {}  key {}", key.name.shown(), fingerprint(key));
    }
    let _ = writeln!(out);
    for step in &report.steps {
        let word = match step.outcome {
            Outcome::Holds => "holds",
            Outcome::Fault => "FAULT",
            Outcome::NotChecked => "not checked",
        };
        let _ = writeln!(out, "  {:5} {:54} {word:12} {}", step.section, step.title, step.counted.shown());
    }
    if !report.faults.is_empty() {
        let _ = writeln!(out, "\nWhat does not hold:");
        for fault in report.faults.iter().take(FAULTS_SHOWN) {
            let _ = writeln!(out, "  - {}", fault.to_string().shown());
        }
        more(&mut out, report.faults_found, FAULTS_SHOWN);
    }
    if !report.mishaps.is_empty() {
        let _ = writeln!(out, "\nWhat does not fit in this copy, as its way explains:");
        for mishap in report.mishaps.iter().take(FAULTS_SHOWN) {
            let _ = writeln!(out, "  - {mishap}");
        }
        more(&mut out, report.mishaps_found, FAULTS_SHOWN);
    }
    if report.strays_found > 0 {
        let shown: Vec<&str> = report.strays.iter().take(STRAYS_SHOWN).map(String::as_str).collect();
        let more = if report.strays_found > shown.len() as u64 { ", …" } else { "" };
        let _ = writeln!(
            out,
            "\nLeft behind by systems, no part of this, and not looked at: {} ({}{more})",
            report.strays_found,
            shown.join(", ")
        );
    }
    if report.doubts > 0 {
        let _ = writeln!(out, "\nSigned within a compromise window, so perhaps not by whose key it is:");
        for one in report.doubtful.iter().take(DOUBTFUL_SHOWN) {
            let _ = writeln!(out, "  - {}", doubt(one).shown());
        }
        more(&mut out, report.doubts, DOUBTFUL_SHOWN);
    }
    let _ = writeln!(out, "\nNot checked:");
    for line in not_checked(report, same_policy) {
        let _ = writeln!(out, "  - {}", line.shown());
    }
    if let Some(head) = &report.head {
        let checkpoint = &head.checkpoint;
        let _ = writeln!(out, "\nsize {}  root {}", checkpoint.size, checkpoint.root.to_base64());
        let _ = writeln!(out, "to compare by telephone: {}", Fingerprint::of_checkpoint(checkpoint));
    }
    let _ = writeln!(out, "\n{}", sentence.shown());
    out
}

/// How many are not written out.
fn more(out: &mut String, found: u64, shown: usize) {
    let more = found.saturating_sub(shown as u64);
    if more > 0 {
        let _ = writeln!(out, "  and {more} more");
    }
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

/// The one line at the end of the check of a bundle.
pub fn sentence(report: &Report) -> String {
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
        _ => other_sentence(report),
    }
}

/// The line where something does not hold, or cannot be told.
fn other_sentence(report: &Report) -> String {
    let verdict = report.word();
    if report.verdict() == Verdict::CannotTell {
        return format!("{verdict}: {}.", report.unknown.join("; "));
    }
    let first = report.faults.iter().find(|f| f.position().is_some()).or_else(|| report.faults.first());
    let place = first.map_or_else(String::new, |f| format!(" {f}."));
    format!("{verdict}:{place} Do not rely on this copy; keep it as evidence and ask for another.")
}

/// Whether the sentence of what holds may be said.
fn holds(report: &Report) -> bool {
    matches!(report.verdict(), Verdict::Verified | Verdict::PartlyErased)
}

/// The line at the end of the check of a checkpoint.
pub fn checkpoint(report: &Report) -> String {
    let Some(head) = report.head.as_ref().filter(|_| holds(report)) else { return other_sentence(report) };
    let (checkpoint, seen) = (&head.checkpoint, head.witnesses.len());
    let verdict = report.word();
    format!("{verdict}. {} signed {} entries; cosigned by {seen} witnesses.", checkpoint.origin, checkpoint.size)
}

/// The line at the end of the check of a receipt.
pub fn receipt(checked: &ReceiptReport) -> String {
    let (Some(entry), Some(leaf)) = (&checked.entry, &checked.leaf) else { return other_sentence(&checked.report) };
    let (verdict, event) = (checked.report.word(), &entry.signed.event);
    format!(
        "{verdict}. {} is entry {} of the log, received {}. Words of the entry: {}",
        event.address(),
        checked.index,
        entry.received_at,
        Fingerprint::of(leaf)
    )
}

/// The line at the end of the check of a refusal's receipt.
pub fn refusal(report: &Report, refusal: Option<&RefusalReceipt>) -> String {
    let Some(refusal) = refusal.filter(|_| holds(report)) else { return other_sentence(report) };
    let number = match refusal.number {
        0 => "by the ledger's own gate".to_owned(),
        n => format!("FORMAT.md 11, {n}"),
    };
    let verdict = report.word();
    format!(
        "{verdict}. {} refused the event {} at {} ({number}): {}",
        refusal.origin, refusal.event, refusal.at, refusal.words
    )
}

/// The line at the end of the check of evidence.
pub fn fork(report: &Report) -> String {
    let word = report.word();
    match report.verdict() {
        Verdict::Proven => format!("{word}. Trust neither; keep this file, and show it to everyone."),
        Verdict::NotProven => {
            let why = report.faults.first().map(ToString::to_string).unwrap_or_default();
            format!("{word}: {why}. This file accuses nobody.")
        }
        _ => other_sentence(report),
    }
}

/// The lines at the end of the check of a pack.
pub fn pack(checked: &PackReport) -> String {
    let Some(head) = checked.report.head.as_ref().filter(|_| holds(&checked.report)) else {
        return other_sentence(&checked.report);
    };
    let (verdict, size) = (checked.report.word(), head.checkpoint.size);
    let until = checked.report.as_of.map_or_else(String::new, |t| format!(" ({t})"));
    let stream = &checked.stream;
    // Entries are numbered from 0: the last of so many, as the page names it too.
    let last = |size: u64| size.saturating_sub(1);
    let word = match &checked.complete {
        Complete::IfIndexHonest => "complete if the index is honest: recompute it with --index BUNDLE, or take an \
                                    auditor's word with --auditor"
            .to_owned(),
        Complete::Recomputed(upto) => {
            format!("complete up to entry {}: you have recomputed the index yourself", last(*upto))
        }
        Complete::Stated(all) => {
            let names: Vec<String> =
                all.iter().map(|(name, upto)| format!("{name} up to entry {}", last(*upto))).collect();
            format!("complete on the word of {}, who recomputed the index", names.join(", "))
        }
    };
    if checked.is_absent() {
        return format!("{verdict}. No record about {stream} at {size} entries{until}; {word}.");
    }
    let total = checked.records.len();
    let (mut parts, mut full, mut sealed) = (Vec::new(), 0, 0usize);
    for (number, record) in (1..).zip(&checked.records) {
        let extent = record.extent();
        full += usize::from(extent == Extent::Full);
        sealed += record.sealed_values();
        if let Some(by) = record.opened.erased.values().next() {
            parts.push(format!("#{number} erased by entry {by}"));
        } else if extent != Extent::Full {
            let how = if extent == Extent::Partly { "in part" } else { "without its hidden values" };
            parts.push(format!("#{number} {how}"));
        }
    }
    let more = parts.len().saturating_sub(PARTS_SHOWN);
    parts.truncate(PARTS_SHOWN);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    // Nobody signs what was left out of a pack, so it is not told as the office's word.
    let parts = if parts.is_empty() {
        String::new()
    } else {
        format!(", {} (withheld, or left out on the way: nobody signed which)", parts.join(", "))
    };
    let sealed = if sealed > 0 { format!(" ({sealed} sealed values are for oversight alone)") } else { String::new() };
    let end = last(size);
    format!(
        "{verdict}. {total} records about {stream} up to entry {end}{until}, {full} shown in full{parts}{sealed}; {word}."
    )
}

/// The report for a program.
pub fn json(report: &Report, same_policy: Option<bool>) -> String {
    visible::json(&object(members(report, same_policy)).to_json()).into_owned() + "\n"
}

/// The same of a pack, with what it holds.
pub fn pack_json(checked: &PackReport, same_policy: Option<bool>) -> String {
    let mut pairs = members(&checked.report, same_policy);
    let complete = match &checked.complete {
        Complete::IfIndexHonest => object(vec![("by", text_value("nobody"))]),
        Complete::Recomputed(upto) => object(vec![("by", text_value("reader")), ("size", number(*upto))]),
        Complete::Stated(all) => {
            let one = |(name, upto): &(String, u64)| object(vec![("by", text_value(name)), ("size", number(*upto))]);
            Value::List(all.iter().map(one).collect())
        }
    };
    let records = checked.records.iter().map(|record| {
        let event = &record.entry.signed.event;
        let names = |all: Vec<&String>| Value::List(all.into_iter().map(|name| text_value(name)).collect());
        let erased = record.opened.erased.iter().map(|(slot, by)| (slot.as_str(), number(*by))).collect();
        object(vec![
            ("address", text_value(&event.address())),
            ("entry", number(record.entry.position)),
            ("erased", object(erased)),
            ("hidden", Value::Object(record.opened.values.clone())),
            ("public", Value::Object(event.data.clone())),
            ("received_at", text_value(&record.entry.received_at.to_string())),
            ("type", text_value(&event.kind)),
            ("withheld", names(record.opened.withheld.iter().collect())),
        ])
    });
    let count = |extent| number(checked.records.iter().filter(|record| record.extent() == extent).count() as u64);
    let shown = [("full", Extent::Full), ("partly", Extent::Partly), ("withheld", Extent::Withheld)];
    let sealed = checked.records.iter().map(|record| record.sealed_values() as u64).sum();
    let shown = shown.map(|(name, extent)| (name, count(extent))).into_iter().chain([("sealed", number(sealed))]);
    pairs.extend([
        ("shown", object(shown.collect())),
        ("audience", text_value(&checked.audience)),
        ("complete", complete),
        ("records", Value::List(records.collect())),
        ("stream", text_value(&checked.stream)),
    ]);
    visible::json(&object(pairs).to_json()).into_owned() + "\n"
}

fn text_value(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn number(n: u64) -> Value {
    Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}

fn object(pairs: Vec<(&str, Value)>) -> Value {
    Value::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<BTreeMap<_, _>>())
}

fn members(report: &Report, same_policy: Option<bool>) -> Vec<(&'static str, Value)> {
    let text = |s: &str| Value::Text(s.to_owned());
    let list = |lines: Vec<String>| Value::List(lines.into_iter().map(Value::Text).collect());
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
        ("faults_found", number(report.faults_found)),
        ("not_checked", list(not_checked(report, same_policy))),
        ("mishaps", list(report.mishaps.clone())),
        ("mishaps_found", number(report.mishaps_found)),
        ("steps", Value::List(steps.collect())),
        ("strays", list(report.strays.clone())),
        ("strays_found", number(report.strays_found)),
        ("outcome", text(report.verdict().code())),
        ("verdict", Value::Text(report.word())),
    ];
    if let Some(head) = &report.head {
        pairs.push(("origin", text(head.checkpoint.origin.as_str())));
        pairs.push(("root", Value::Text(head.checkpoint.root.to_base64())));
        pairs.push(("size", number(head.checkpoint.size)));
    }
    if let Some(as_of) = report.as_of {
        pairs.push(("as_of", Value::Text(as_of.to_string())));
    }
    pairs
}
