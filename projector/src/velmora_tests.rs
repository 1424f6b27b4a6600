//! The rules and measures against the sample country's expected results.

use std::collections::BTreeSet;

use schemas::time::Timestamp;

use crate::dev_csv::{self, Scenario};
use crate::profile::Profiles;
use crate::record::Record;
use crate::rules::{self, Evaluation, RULES};
use crate::views::Views;

fn profiles(scenario: &Scenario) -> Profiles {
    let mut profiles = Profiles::new();
    profiles.add(&scenario.profile).unwrap();
    profiles
}

/// One fold over the log, pausing at each evaluation date.
fn evaluations(records: &[Record], scenario: &Scenario) -> Vec<Evaluation> {
    let profiles = profiles(scenario);
    let digest = profiles.add_digest(scenario);
    let instants: Vec<Timestamp> = profiles.get(&digest).unwrap().evaluation().iter().map(|(_, t)| *t).collect();
    let mut views = Views::new();
    let mut rest = records.iter().peekable();
    instants
        .into_iter()
        .map(|as_of| {
            while let Some(record) = rest.next_if(|r| r.received_at() <= as_of) {
                views.apply(record);
            }
            rules::evaluate(&views, &profiles, as_of).unwrap()
        })
        .collect()
}

impl Profiles {
    fn add_digest(&self, scenario: &Scenario) -> schemas::hash::Hash {
        let digest = schemas::hash::Hash::of(&[&scenario.profile]);
        assert!(self.get(&digest).is_some());
        digest
    }
}

/// The normative columns of findings.csv.
const NORMATIVE: [&str; 10] =
    ["as_of", "rule", "severity", "kind", "status", "facility", "organisation", "subject", "opened_at", "closed_at"];

fn found(evaluations: &[Evaluation]) -> BTreeSet<Vec<String>> {
    let row = |e: &Evaluation, f: &crate::finding::Finding| {
        let closed = f.closed_at.map(|t| t.to_string()).unwrap_or_default();
        vec![
            e.day.to_string(),
            f.rule.to_owned(),
            f.severity.as_str().to_owned(),
            f.kind.as_str().to_owned(),
            f.status.as_str().to_owned(),
            f.facility.clone(),
            f.organisation.clone(),
            f.subject.clone(),
            f.opened_at.to_string(),
            closed,
        ]
    };
    evaluations.iter().flat_map(|e| e.findings.iter().map(move |f| row(e, f))).collect()
}

#[test]
fn velmora_findings() {
    let scenario = dev_csv::scenario("velmora");
    let expected: BTreeSet<Vec<String>> = dev_csv::table(&scenario.folder.join("expected/findings.csv"))
        .into_iter()
        .filter(|row| RULES.iter().any(|rule| rule.id == row["rule"]))
        .map(|row| NORMATIVE.map(|column| row[column].clone()).to_vec())
        .collect();
    let found = found(&evaluations(&scenario.records, &scenario));
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
    assert!(!expected.is_empty());
}
