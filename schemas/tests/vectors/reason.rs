//! The words after `expect: refused`: one for each way of being refused. FORMAT.md 21.

use schemas::checkpoint::BadCheckpoint;
use schemas::entry::BadEntry;
use schemas::event::BadEvent;
use schemas::note::{BadNote, BadVkey};
use schemas::opening::BadOpening;
use schemas::policy::{BadPolicy, PolicyProblem};
use schemas::receipt::BadReceipt;
use schemas::sealed::BadBody;
use schemas::value::BadJson;

pub fn json(bad: &BadJson) -> String {
    match bad {
        BadJson::Syntax(_) => "json".to_owned(),
        BadJson::NotCanonical { .. } => "not-canonical".to_owned(),
    }
}

pub fn note(bad: BadNote) -> String {
    match bad {
        BadNote::Utf8 => "utf8".to_owned(),
        BadNote::Control => "control".to_owned(),
        BadNote::Form => "note-form".to_owned(),
        BadNote::Signature { number } => format!("signature-line {number}"),
        BadNote::Count => "signature-count".to_owned(),
    }
}

pub fn vkey(bad: BadVkey) -> String {
    match bad {
        BadVkey::Form => "vkey-form",
        BadVkey::Type => "vkey-type",
        BadVkey::Id => "vkey-id",
    }
    .to_owned()
}

pub fn event(bad: &BadEvent) -> String {
    match bad {
        BadEvent::Note(bad) => note(*bad),
        BadEvent::Form => "event-form".to_owned(),
        BadEvent::Json(bad) => json(bad),
        BadEvent::Member { member } => format!("member {member}"),
    }
}

pub fn entry(bad: &BadEntry) -> String {
    match bad {
        BadEntry::TooLong => "too-long".to_owned(),
        BadEntry::Head => "entry-head".to_owned(),
        BadEntry::Event(bad) => event(bad),
    }
}

pub fn checkpoint(bad: BadCheckpoint) -> String {
    match bad {
        BadCheckpoint::Lines => "lines",
        BadCheckpoint::Origin => "origin",
        BadCheckpoint::Size => "size",
        BadCheckpoint::Root => "root",
    }
    .to_owned()
}

pub fn opening(bad: &BadOpening) -> String {
    match bad {
        BadOpening::Form => "opening-form".to_owned(),
        BadOpening::OtherEntry => "opening-other".to_owned(),
        BadOpening::Root => "opening-root".to_owned(),
        BadOpening::Count { .. } => "opening-count".to_owned(),
        BadOpening::Slot { slot } => format!("opening-slot {slot}"),
        BadOpening::NotErased { slot, .. } => format!("opening-not-erased {slot}"),
        BadOpening::Value { slot, .. } => format!("opening-value {slot}"),
    }
}

pub fn inner(bad: &BadBody) -> String {
    match bad {
        BadBody::Form => "inner-form".to_owned(),
        BadBody::Note(bad) => note(*bad),
        BadBody::Json(bad) => json(bad),
        BadBody::Member { member } => format!("member {member}"),
        BadBody::TooLong { .. } => "too-long".to_owned(),
    }
}

pub fn receipt(bad: BadReceipt) -> String {
    match bad {
        BadReceipt::Line { line } => format!("line {line}"),
        BadReceipt::Note(bad) => note(bad),
    }
}

pub fn policy(bad: &BadPolicy) -> String {
    let word = match &bad.what {
        PolicyProblem::Line => "line".to_owned(),
        PolicyProblem::End => "end".to_owned(),
        PolicyProblem::Control => "control".to_owned(),
        PolicyProblem::Key(bad) => vkey(*bad),
        PolicyProblem::KeyType => "key-type".to_owned(),
        PolicyProblem::Twice => "twice".to_owned(),
        PolicyProblem::Name(_) => "name".to_owned(),
        PolicyProblem::Threshold => "threshold".to_owned(),
        PolicyProblem::Quorum => return "quorum".to_owned(),
        PolicyProblem::TooMany => "too-many".to_owned(),
    };
    format!("{word} {}", bad.line)
}
