//! Writing a finding down.

use schemas::time::Date;

use super::duty::Breach;
use super::{Missing, Question, Rule, Undetermined};
use crate::finding::{Evidence, Finding, Severity, Status};
use crate::record::Hidden;
use crate::views::{Filed, Mark};

/// The business id without its party.
pub(crate) fn bare(id: &str) -> &str {
    id.split_once('/').map_or(id, |(_, bare)| bare)
}

/// The business id of a record without its party.
pub(crate) fn own_id(record: &Filed) -> &str {
    bare(record.id().unwrap_or_default())
}

/// The name of the index stream of a case.
pub(crate) fn stream(kind: &str, id: &str) -> String {
    format!("{kind}/{id}")
}

/// A finding being written.
#[derive(Debug)]
pub(crate) struct Draft(Finding);

impl Draft {
    /// A finding of a rule with its gravest severity.
    pub fn new(rule: &Rule, breach: Breach) -> Self {
        Self::graded(rule, rule.severity, breach)
    }

    /// A finding of a rule with a severity of its own; what was only recorded late is never more than info.
    pub fn graded(rule: &Rule, severity: Severity, breach: Breach) -> Self {
        let severity = if breach.status == Status::LateRecorded { Severity::Info } else { severity };
        Self(Finding {
            rule: rule.id,
            arms: Vec::new(),
            severity,
            kind: rule.kind,
            status: breach.status,
            facility: String::new(),
            organisation: String::new(),
            subject: String::new(),
            opened_at: breach.opened_at,
            closed_at: breach.closed_at,
            evidence: Vec::new(),
            detail: String::new(),
        })
    }

    /// The key: facility, organisation, subject.
    pub fn on(mut self, facility: &str, organisation: &str, subject: impl Into<String>) -> Self {
        (self.0.facility, self.0.organisation, self.0.subject) =
            (facility.to_owned(), organisation.to_owned(), subject.into());
        self
    }

    /// The arm that holds.
    pub fn arm(mut self, arm: &'static str) -> Self {
        self.0.arms.push(arm);
        self
    }

    /// Events that it rests on.
    pub fn events<'b>(mut self, records: impl IntoIterator<Item = &'b Filed>) -> Self {
        let event = |r: &Filed| Evidence::Event { position: r.position(), address: r.address().to_owned() };
        self.0.evidence.extend(records.into_iter().map(event));
        self
    }

    /// Marks that it rests on.
    pub fn marks<'b>(mut self, marks: impl IntoIterator<Item = &'b Mark>) -> Self {
        let event = |m: &Mark| Evidence::Event { position: m.position, address: m.address.clone() };
        self.0.evidence.extend(marks.into_iter().map(event));
        self
    }

    /// That a stream holds no such event in a range of days.
    pub fn absent(mut self, stream: String, types: &[&'static str], from: Date, to: Date) -> Self {
        self.0.evidence.push(Evidence::Absence { stream, types: types.to_vec(), from, to });
        self
    }

    /// One line for people.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// The finding.
    pub fn done(self) -> Finding {
        let mut finding = self.0;
        finding.evidence.sort();
        finding.evidence.dedup();
        finding
    }
}

impl Undetermined {
    /// That a rule could not be decided for want of these fields.
    pub(crate) fn new(rule: &Rule, key: (&str, &str, &str), missing: &[&str]) -> Self {
        let (facility, organisation, subject) = key;
        Self {
            rule: rule.id,
            facility: facility.to_owned(),
            organisation: organisation.to_owned(),
            subject: subject.to_owned(),
            missing: missing.iter().map(|m| Missing { field: (*m).to_owned(), why: Hidden::Withheld }).collect(),
        }
    }

    /// Says of the values that it would have read why each is not at hand.
    pub(crate) fn hidden<'a>(
        mut self,
        question: &Question<'a>,
        values: impl IntoIterator<Item = (&'a Filed, &'static str)>,
    ) -> Self {
        let missing = |(record, field): (&'a Filed, &str)| {
            let why = question.value(record, field).hidden()?;
            Some(Missing { field: format!("{}.{field}", record.kind()), why })
        };
        let told: Vec<Missing> = values.into_iter().filter_map(missing).collect();
        self.missing.retain(|m| told.iter().all(|t| t.field != m.field));
        self.missing.extend(told);
        self
    }
}
