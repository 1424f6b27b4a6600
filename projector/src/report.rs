//! The files `findings.csv`, `undetermined.csv` and `measures.csv`. `rules/RULES.md` 1 and 4.
//!
//! UTF-8, `\n`, quotes only where RFC 4180 needs them. What stands in a report was decided by a
//! [`Lens`](crate::lens::Lens); here it is only written.

use schemas::time::{Date, Timestamp};

use crate::finding::{Evidence, Finding};
use crate::measure::Row;
use crate::rules::Undetermined;

/// Findings, and what could not be decided, at each day of evaluation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FindingsReport {
    /// Findings with the day of evaluation, in the order of the file.
    pub(crate) findings: Vec<(Date, Finding)>,
    /// What could not be decided, in the order of its file.
    pub(crate) undetermined: Vec<(Date, Undetermined)>,
}

/// Measures at one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasuresReport {
    /// The day of evaluation.
    pub(crate) as_of: Date,
    /// The rows in the order of the file.
    pub(crate) rows: Vec<Row>,
}

/// Columns of `findings.csv`.
pub const FINDINGS_COLUMNS: [&str; 13] = [
    "as_of",
    "rule",
    "arm",
    "severity",
    "kind",
    "status",
    "facility",
    "organisation",
    "subject",
    "opened_at",
    "closed_at",
    "evidence",
    "detail",
];
/// Columns of `undetermined.csv`.
pub const UNDETERMINED_COLUMNS: [&str; 6] = ["as_of", "rule", "facility", "organisation", "subject", "missing"];
/// Columns of `measures.csv`.
pub const MEASURES_COLUMNS: [&str; 9] =
    ["as_of", "measure", "period", "facility", "dimension", "key", "value", "numerator", "denominator"];

impl FindingsReport {
    /// The findings with their days of evaluation, in the order of the file.
    pub fn findings(&self) -> &[(Date, Finding)] {
        &self.findings
    }

    /// What could not be decided, in the order of its file.
    pub fn undetermined(&self) -> &[(Date, Undetermined)] {
        &self.undetermined
    }

    /// The text of `findings.csv`.
    pub fn to_csv(&self) -> String {
        let row = |(as_of, f): &(Date, Finding)| {
            [
                as_of.to_string(),
                f.rule.to_owned(),
                f.arms.join("+"),
                f.severity.as_str().to_owned(),
                f.kind.as_str().to_owned(),
                f.status.as_str().to_owned(),
                f.facility.clone(),
                f.organisation.clone(),
                f.subject.clone(),
                f.opened_at.to_string(),
                f.closed_at.as_ref().map(Timestamp::to_string).unwrap_or_default(),
                f.evidence.iter().map(evidence).collect::<Vec<_>>().join(";"),
                f.detail.clone(),
            ]
        };
        csv(FINDINGS_COLUMNS, self.findings.iter().map(row))
    }

    /// The text of `undetermined.csv`: what could not be decided, and for want of which fields.
    pub fn undetermined_to_csv(&self) -> String {
        let row = |(as_of, u): &(Date, Undetermined)| {
            let missing = u.missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(";");
            [
                as_of.to_string(),
                u.rule.to_owned(),
                u.facility.clone(),
                u.organisation.clone(),
                u.subject.clone(),
                missing,
            ]
        };
        csv(UNDETERMINED_COLUMNS, self.undetermined.iter().map(row))
    }
}

impl MeasuresReport {
    /// The day of evaluation.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// The rows in the order of the file.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The text of `measures.csv`.
    pub fn to_csv(&self) -> String {
        let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
        let row = |r: &Row| {
            [
                self.as_of.to_string(),
                r.measure.to_owned(),
                r.period.clone(),
                r.facility.clone(),
                r.dimension.to_owned(),
                r.key.clone(),
                r.value.to_string(),
                number(r.numerator),
                number(r.denominator),
            ]
        };
        csv(MEASURES_COLUMNS, self.rows.iter().map(row))
    }
}

/// `party/event.type.csv#row`, or `absent:<stream>:<type>+<type>@<from>..<to>`.
fn evidence(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Event { address, .. } => {
            let (file, row) = address.rsplit_once('/').unwrap_or((address, ""));
            format!("{file}.csv#{row}")
        }
        Evidence::Absence { stream, types, from, to } => format!("absent:{stream}:{}@{from}..{to}", types.join("+")),
    }
}

fn csv<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(Vec::new());
    // Writing to memory cannot fail, and what was written is text.
    writer.write_record(columns).expect("memory takes every row");
    for row in rows {
        writer.write_record(row).expect("memory takes every row");
    }
    String::from_utf8(writer.into_inner().expect("memory takes every row")).expect("cells are text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{FindingKind, Severity, Status};
    use crate::measure::Figure;

    fn day(text: &str) -> Date {
        Date::parse(text).unwrap()
    }

    #[test]
    fn findings_have_one_spelling() {
        let finding = Finding {
            rule: "ACC-01",
            arms: vec!["a", "b"],
            severity: Severity::Medium,
            kind: FindingKind::Fact,
            status: Status::LateRecorded,
            facility: "fac-a".to_owned(),
            organisation: "cso-a".to_owned(),
            subject: "rq-1".to_owned(),
            opened_at: Timestamp::parse("2025-01-01T23:00:00Z").unwrap(),
            closed_at: Timestamp::parse("2025-01-03T10:00:00Z"),
            evidence: vec![
                Evidence::Event { position: 4, address: "cso-a/access.request.submitted/r0001".to_owned() },
                Evidence::Absence {
                    stream: "request/cso-a/rq-1".to_owned(),
                    types: vec!["x.y", "x.z"],
                    from: day("2025-01-01"),
                    to: day("2025-01-04"),
                },
            ],
            detail: "said \"no\", twice".to_owned(),
        };
        let report = FindingsReport { findings: vec![(day("2025-03-31"), finding)], undetermined: Vec::new() };
        assert_eq!(
            report.to_csv(),
            "as_of,rule,arm,severity,kind,status,facility,organisation,subject,opened_at,closed_at,evidence,detail\n\
             2025-03-31,ACC-01,a+b,medium,fact,late_recorded,fac-a,cso-a,rq-1,2025-01-01T23:00:00Z,2025-01-03T10:00:00Z,\
             cso-a/access.request.submitted.csv#r0001;absent:request/cso-a/rq-1:x.y+x.z@2025-01-01..2025-01-04,\"said \"\"no\"\", twice\"\n"
        );
        assert_eq!(
            FindingsReport::default().undetermined_to_csv(),
            "as_of,rule,facility,organisation,subject,missing\n"
        );
    }

    #[test]
    fn measures_have_one_spelling() {
        let row = |value, numerator, denominator| Row {
            measure: "T2",
            period: "2025-Q1".to_owned(),
            facility: String::new(),
            dimension: "",
            key: String::new(),
            value,
            numerator,
            denominator,
        };
        let rows = vec![
            row(Figure::Tenths(985), Some(67), Some(68)),
            row(Figure::Whole(-3), None, None),
            row(Figure::Tenths(-5), None, Some(2)),
        ];
        assert_eq!(
            MeasuresReport { as_of: day("2025-03-31"), rows }.to_csv(),
            "as_of,measure,period,facility,dimension,key,value,numerator,denominator\n\
             2025-03-31,T2,2025-Q1,,,,98.5,67,68\n2025-03-31,T2,2025-Q1,,,,-3,,\n2025-03-31,T2,2025-Q1,,,,-0.5,,2\n"
        );
    }
}
