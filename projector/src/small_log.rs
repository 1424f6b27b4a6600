//! Small logs as text: one event a line.
//!
//! `<received> <party> <type> <id or -> <name>=<value>…`, where a name is a field or a ref, and
//! `@at` is the claimed day, `@signer` and `@cosigner` are `<party>:<holder>`, `@hide` withholds
//! fields, `@erase` is `<field>:<position of the erasure>`. Times are UTC; local time is one hour ahead. The log begins on 2025-01-01.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemas::catalogue::{Catalogue, Role};
use schemas::hash::Hash;
use schemas::time::{Date, Timestamp};

use crate::cell;
use crate::finding::Finding;
use crate::profile::Profiles;
use crate::record::{Hidden, Holder, Record};
use crate::rules::{Evaluation, evaluate};
use crate::views::Views;

const PROFILE: &str = "[profile]\nid = \"test\"\n\n[calendar]\nutc_offset_minutes = 60\nweekend = [\"sat\", \"sun\"]\nholidays = [\"2025-05-01\"]\n";

pub(crate) fn day(text: &str) -> Date {
    Date::parse(text).unwrap_or_else(|| panic!("{text} is no day"))
}

fn instant(text: &str) -> Timestamp {
    // `2025-03-04T10`, with minutes and seconds where they matter.
    let full = match text.len() {
        13 => format!("{text}:00:00Z"),
        16 => format!("{text}:00Z"),
        _ => format!("{text}Z"),
    };
    Timestamp::parse(&full).unwrap_or_else(|| panic!("{text} is no instant"))
}

fn role(party: &str) -> Role {
    let roles = [
        ("fac", Role::Facility),
        ("adm", Role::Administration),
        ("min", Role::Ministry),
        ("cso", Role::Cso),
        ("npm", Role::Oversight),
        ("fund", Role::Funder),
        ("prov", Role::Provider),
        ("op", Role::Operator),
    ];
    roles.iter().find(|(prefix, _)| party.starts_with(prefix)).unwrap_or_else(|| panic!("{party} has no role")).1
}

fn record(position: u64, line: &str) -> Record {
    let mut words = line.split_whitespace();
    let [received, party, kind, id] = [(); 4].map(|()| words.next().unwrap_or_else(|| panic!("{line}: too short")));
    let event = Catalogue::built_in().event(kind).unwrap_or_else(|| panic!("{line}: no type {kind}"));
    let received_at = instant(received);
    let holder = |text: &str| {
        let (party, name) = text.split_once(':').unwrap();
        Holder { party: party.to_owned(), name: name.to_owned() }
    };
    let mut record = Record {
        position,
        received_at,
        by: party.to_owned(),
        role: role(party),
        kind: kind.to_owned(),
        row: format!("r{position:04}"),
        id: (id != "-").then(|| format!("{party}/{id}")),
        at: received_at.date(60),
        occurred_at: None,
        refs: BTreeMap::new(),
        fields: BTreeMap::new(),
        hidden: Arc::default(),
        signer: holder(&format!("{party}:one")),
        approver: (event.signatures == 2).then(|| holder(&format!("{party}:two"))),
    };
    for word in words {
        let (name, value) = word.split_once('=').unwrap_or_else(|| panic!("{line}: {word}"));
        match name {
            "@at" => record.at = day(value),
            "@signer" => record.signer = holder(value),
            "@cosigner" => record.approver = (!value.is_empty()).then(|| holder(value)),
            "@hide" => Arc::make_mut(&mut record.hidden)
                .extend(value.split(';').map(|field| (field.to_owned(), Hidden::Withheld))),
            "@erase" => {
                let (field, by) = value.split_once(':').unwrap_or_else(|| panic!("{line}: {word}"));
                Arc::make_mut(&mut record.hidden).insert(field.to_owned(), Hidden::ErasedBy(by.parse().unwrap()));
            }
            _ if event.reference(name).is_some() => {
                record.refs.insert(name.to_owned(), value.split(';').map(str::to_owned).collect());
            }
            _ => {
                let field = event.field(name).unwrap_or_else(|| panic!("{line}: no field {name}"));
                let value = cell::value(field, value, "en").unwrap_or_else(|| panic!("{line}: {word}"));
                record.fields.insert(name.to_owned(), value);
            }
        }
    }
    record
}

/// The records of a log. The profile is adopted first, with these parameters changed.
pub(crate) fn log(text: &str, profile: &[u8]) -> Vec<Record> {
    let digest = Hash::of(&[profile]).to_hex();
    let adopted =
        format!("2025-01-01T06 npm rule.profile.adopted pf profile_id=test profile={digest} effective_on=2025-01-01");
    let lines = std::iter::once(adopted.as_str()).chain(text.lines().map(str::trim).filter(|l| !l.is_empty()));
    let records: Vec<Record> = (0..).zip(lines).map(|(position, line)| record(position, line)).collect();
    assert!(records.is_sorted_by_key(Record::received_at), "a log is in order of receipt");
    records
}

/// A log folded up to the end of a day, with some parameters `name = value` of the profile.
pub(crate) fn folded(params: &[(&str, &str)], text: &str, as_of: &str) -> (Views, Profiles, Timestamp) {
    let params: Vec<_> = params.iter().map(|(name, value)| format!("\n[param.{name}]\nvalue = {value}\n")).collect();
    let profile = format!("{PROFILE}{}", params.join("")).into_bytes();
    let mut profiles = Profiles::new();
    profiles.add(&profile).unwrap();
    let as_of = day(as_of).end(60);
    let mut views = Views::new();
    for record in log(text, &profile).iter().filter(|r| r.received_at() <= as_of) {
        views.apply(record);
    }
    (views, profiles, as_of)
}

/// What the rules find at the end of a day, with some parameters `name = value` of the profile.
pub(crate) fn judged_with(params: &[(&str, &str)], text: &str, as_of: &str) -> Evaluation {
    let (views, profiles, as_of) = folded(params, text, as_of);
    evaluate(&views, &profiles, as_of).unwrap()
}

/// What the rules find at the end of a day.
pub(crate) fn judged(text: &str, as_of: &str) -> Evaluation {
    judged_with(&[], text, as_of)
}

/// A finding as `[<arms> ]<severity> <status> <facility>|<organisation>|<subject> <opened>[ <closed>]`, in local days.
pub(crate) fn line(finding: &Finding) -> String {
    let arms = if finding.arms.is_empty() { String::new() } else { format!("{} ", finding.arms.join("+")) };
    let (severity, status) = (finding.severity.as_str(), finding.status.as_str());
    let closed = finding.closed_at.map(|t| format!(" {}", t.date(60))).unwrap_or_default();
    let key = format!("{}|{}|{}", finding.facility, finding.organisation, finding.subject);
    format!("{arms}{severity} {status} {key} {}{closed}", finding.opened_at.date(60))
}

/// The findings of one rule at the end of a day.
pub(crate) fn found(rule: &str, text: &str, as_of: &str) -> Vec<String> {
    judged(text, as_of).findings.iter().filter(|f| f.rule == rule).map(line).collect()
}

/// What of one rule could not be decided at the end of a day: subject and missing fields.
pub(crate) fn undetermined(rule: &str, text: &str, as_of: &str) -> Vec<String> {
    let of_rule = |u: &&crate::rules::Undetermined| u.rule == rule;
    let line = |u: &crate::rules::Undetermined| {
        format!("{} {}", u.subject, u.missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(";"))
    };
    judged(text, as_of).undetermined.iter().filter(of_rule).map(line).collect()
}
