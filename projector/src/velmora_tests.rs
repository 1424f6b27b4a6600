//! The rules and measures against the sample country's expected results.

use std::collections::BTreeSet;

use schemas::time::Timestamp;

use crate::dev_csv::{self, Scenario};
use crate::finding::Finding;
use crate::lens::{Audience, Lens};
use crate::measures::{self, MEASURES};
use crate::profile::Profiles;
use crate::record::Record;
use crate::rules::{self, Evaluation, RULES};
use crate::views::Views;

/// The normative columns of findings.csv.
const NORMATIVE: [&str; 10] =
    ["as_of", "rule", "severity", "kind", "status", "facility", "organisation", "subject", "opened_at", "closed_at"];

/// One fold over the log, pausing at each evaluation date; then the views, folded to the end.
fn evaluations(scenario: &Scenario, records: &[Record]) -> (Vec<Evaluation>, Views, Profiles) {
    let mut profiles = Profiles::new();
    let digest = profiles.add(&scenario.profile).unwrap();
    let instants: Vec<Timestamp> = profiles.get(&digest).unwrap().evaluation().iter().map(|(_, t)| *t).collect();
    let mut views = Views::new();
    let mut rest = records.iter().peekable();
    let mut evaluations = Vec::new();
    for as_of in instants {
        while let Some(record) = rest.next_if(|r| r.received_at() <= as_of) {
            views.apply(record);
        }
        evaluations.push(rules::evaluate(&views, &profiles, as_of).unwrap());
    }
    (evaluations, views, profiles)
}

fn normative(evaluation: &Evaluation, f: &Finding) -> Vec<String> {
    vec![
        evaluation.day.to_string(),
        f.rule.to_owned(),
        f.severity.as_str().to_owned(),
        f.kind.as_str().to_owned(),
        f.status.as_str().to_owned(),
        f.facility.clone(),
        f.organisation.clone(),
        f.subject.clone(),
        f.opened_at.to_string(),
        f.closed_at.map(|t| t.to_string()).unwrap_or_default(),
    ]
}

fn rows(evaluations: &[Evaluation]) -> BTreeSet<Vec<String>> {
    evaluations.iter().flat_map(|e| e.findings.iter().map(move |f| normative(e, f))).collect()
}

#[test]
fn velmora_findings() {
    let scenario = dev_csv::scenario("velmora");
    let expected: BTreeSet<Vec<String>> = dev_csv::table(&scenario.folder.join("expected/findings.csv"))
        .into_iter()
        .filter(|row| RULES.iter().any(|rule| rule.id == row["rule"]))
        .map(|row| NORMATIVE.map(|column| row[column].clone()).to_vec())
        .collect();
    let (evaluations, ..) = evaluations(&scenario, &scenario.records);
    let found = rows(&evaluations);
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
    assert_eq!(found.len(), evaluations.iter().map(|e| e.findings.len()).sum::<usize>(), "a key stands twice");
    assert!(expected.len() > 150, "{}", expected.len());
    assert!(evaluations.iter().all(|e| e.undetermined.is_empty()), "with all openings everything is decided");
}

#[test]
fn velmora_evidence_holds_the_trigger_and_the_absence() {
    let scenario = dev_csv::scenario("velmora");
    let (evaluations, ..) = evaluations(&scenario, &scenario.records);
    let ours = Lens::new(Audience::Oversight).findings(&evaluations).get().to_csv();
    let mut reader = csv::Reader::from_reader(ours.as_bytes());
    for row in reader.records().map(Result::unwrap) {
        let evidence: Vec<&str> = row[11].split(';').collect();
        assert!(!row[12].is_empty() && !row[11].is_empty(), "{row:?}");
        let mut seen = BTreeSet::new();
        assert!(evidence.iter().all(|e| seen.insert(*e)), "twice the same: {row:?}");
        let absences = evidence.iter().filter(|e| e.starts_with("absent:")).count();
        assert!(
            absences == 0 || evidence[evidence.len() - 1].starts_with("absent:"),
            "events first, then absences: {row:?}"
        );
    }
    // The events that the expected evidence names are in ours; ours may hold more.
    for want in dev_csv::table(&scenario.folder.join("expected/findings.csv")) {
        let mut reader = csv::Reader::from_reader(ours.as_bytes());
        let same =
            |row: &csv::StringRecord| row[0] == want["as_of"] && row[1] == want["rule"] && row[8] == want["subject"];
        for row in reader.records().map(Result::unwrap).filter(same) {
            for event in want["evidence"].split(';').filter(|e| !e.starts_with("absent:")) {
                assert!(row[11].split(';').any(|e| e == event), "{event} is not in {row:?}");
            }
        }
    }
}

#[test]
fn velmora_measures() {
    let scenario = dev_csv::scenario("velmora");
    let (evaluations, views, profiles) = evaluations(&scenario, &scenario.records);
    let last = evaluations.last().unwrap();
    let rows = measures::evaluate(&views, &profiles, last.as_of).unwrap();
    let found = Lens::new(Audience::Public).measures(last.day, &rows).get().to_csv();
    let text = std::fs::read_to_string(scenario.folder.join("expected/measures.csv")).unwrap();
    let ours = |line: &&str| MEASURES.iter().any(|m| line.split(',').nth(1) == Some(m.id)) || line.starts_with("as_of");
    let expected: Vec<&str> = text.lines().filter(ours).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
}

/// Without openings nothing is silent: what the public cannot decide is named, and what it finds is true.
#[test]
fn velmora_without_openings() {
    let scenario = dev_csv::scenario("velmora");
    let public = dev_csv::as_the_public_sees(&scenario.records);
    let (all, ..) = evaluations(&scenario, &scenario.records);
    let (seen, ..) = evaluations(&scenario, &public);
    let key = |e: &Evaluation, rule: &str, facility: &str, organisation: &str, subject: &str| {
        [e.day.to_string(), rule.to_owned(), facility.to_owned(), organisation.to_owned(), subject.to_owned()]
    };
    let keys = |evaluations: &[Evaluation]| -> BTreeSet<_> {
        let own = |e: &Evaluation| {
            e.findings.iter().map(|f| key(e, f.rule, &f.facility, &f.organisation, &f.subject)).collect::<Vec<_>>()
        };
        evaluations.iter().flat_map(own).collect()
    };
    let undetermined: BTreeSet<_> = seen
        .iter()
        .flat_map(|e| {
            e.undetermined.iter().map(|u| key(e, u.rule, &u.facility, &u.organisation, &u.subject)).collect::<Vec<_>>()
        })
        .collect();
    let (all, seen) = (keys(&all), keys(&seen));
    assert_eq!(seen.difference(&all).collect::<Vec<_>>(), Vec::<&[String; 5]>::new(), "a false accusation");
    let lost: Vec<_> = all.difference(&seen).filter(|k| !undetermined.contains(*k)).collect();
    assert!(lost.is_empty(), "silent: {lost:#?}");
    assert!(!undetermined.is_empty());
}

/// A finding never disappears because of time: each of an earlier date stands at every later one,
/// unless a retraction or a late valid declaration took it away (here none did).
#[test]
fn velmora_findings_stay() {
    let scenario = dev_csv::scenario("velmora");
    let (evaluations, ..) = evaluations(&scenario, &scenario.records);
    for pair in evaluations.windows(2) {
        for f in &pair[0].findings {
            let same = |g: &&Finding| {
                (g.rule, &g.facility, &g.organisation, &g.subject) == (f.rule, &f.facility, &f.organisation, &f.subject)
            };
            let later = pair[1]
                .findings
                .iter()
                .find(same)
                .unwrap_or_else(|| panic!("{} {} is gone by {}", f.rule, f.subject, pair[1].day));
            assert_eq!(later.opened_at, f.opened_at, "{} {}", f.rule, f.subject);
        }
    }
}
