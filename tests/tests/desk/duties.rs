//! What a desk says is late is what the rules find open: one truth, computed twice.

use std::collections::BTreeSet;
use std::path::PathBuf;

use ledger::duties::{Windows, owed};
use ledger::import::{Limits, Parties};
use ledger::pack::{self, Request};
use ledger::probe::Probe;
use ledger::pseudonym::Pseudonyms;
use ledger::writer::Writer;
use schemas::catalogue::Role;
use schemas::entry::Entry;
use schemas::policy::Policy;
use schemas::time::Date;
use tempfile::TempDir;
use tests::demo::{self, Places};

/// A finding, or a late duty: the rule, and the thing that waits for an answer.
type Late = BTreeSet<(String, String)>;

#[test]
fn what_the_desk_calls_late_is_what_the_rules_find_open() {
    let folder = TempDir::new().unwrap();
    let scenario = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenario").join("velmora");
    let places = Places { scenario: scenario.clone(), out: folder.path().join("out") };
    demo::build(&places, &mut |_| ()).unwrap();
    let home = places.home();
    let mut writer = Writer::open(&home, &Probe::of(PathBuf::from(env!("CARGO_BIN_EXE_demo")))).unwrap();
    let policy = Policy::parse(&std::fs::read_to_string(places.policy()).unwrap()).unwrap();
    let list = std::fs::read(scenario.join("parties.csv")).unwrap();
    let (parties, bad) = Parties::read("parties.csv", &list, &Limits::default());
    assert!(bad.is_empty());
    let pseudonyms = Pseudonyms::load(&home.pseudonyms(), &parties).unwrap();
    let windows = Windows::read(&std::fs::read(scenario.join("profile.toml")).unwrap()).unwrap();

    // What each institution has of the log: the pack about it.
    let mut packs: Vec<(String, Vec<Entry>)> = Vec::new();
    for party in parties.iter() {
        let name = pseudonyms.party(&party.id);
        let kind = if party.role == Role::Facility { "facility" } else { "organisation" };
        let stream = format!("{kind}/{name}");
        let request = Request { stream: &stream, audience: name, since: &[], statements: &[] };
        let pack = pack::make(&mut writer, &request).unwrap().to_text();
        let report = verifier::pack::check(pack.as_bytes(), &policy, &[]);
        packs.push((name.to_owned(), report.records.into_iter().map(|record| record.entry).collect()));
    }

    let found = std::fs::read_to_string(places.report().join("findings.csv")).unwrap();
    let rows: Vec<Vec<String>> = csv::Reader::from_reader(found.as_bytes())
        .records()
        .map(|row| row.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let dates: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let mut seen = 0;
    for date in dates {
        let judged: Late = rows
            .iter()
            .filter(|row| row[0] == date && row[5] == "open")
            .filter(|row| ["ACC-01", "ACC-02", "REC-01", "MEA-02"].contains(&row[1].as_str()))
            // Rejected without reasons is no answer owed; the end and the approval of a measure are no review.
            .filter(|row| row[2].is_empty() || row[2].contains('a') || row[1] == "MEA-02" && row[2].contains('b'))
            .map(|row| (row[1].clone(), row[8].clone()))
            .collect();
        let as_of = windows.calendar.end(Date::parse(date).unwrap());
        let role_of = |id: &str| parties.get(&pseudonyms.outside(id)).map(|party| party.role);
        let mut late = Late::new();
        for (party, entries) in &packs {
            let known: Vec<Entry> = entries.iter().filter(|entry| entry.received_at <= as_of).cloned().collect();
            for one in owed(party, &known, &windows, as_of, &role_of) {
                let (Some(rule), true) = (one.duty.rule(), one.is_late(windows.calendar.day(as_of))) else { continue };
                let (_, bare) = one.case.split_once('/').unwrap();
                late.insert((rule.to_owned(), bare.to_owned()));
            }
        }
        assert_eq!(late, judged, "as of {date}");
        seen += late.len();
    }
    assert!(seen > 20, "only {seen} duties were compared");
}
