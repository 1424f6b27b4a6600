//! The second door: nothing leaves by a page, a report or a release unless a [`Lens`] made it.

use schemas::time::Date;

use crate::finding::FindingKind;
use crate::measure::Row;
use crate::report::{FindingsReport, MeasuresReport};
use crate::rules::{Evaluation, RULES};
use crate::serve::notice::Notice;
use crate::site::disclose;
use crate::site::input::Site;

/// Who is looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Audience {
    /// Anyone: what the public log itself says.
    Public,
    /// An oversight body: everything that its openings show.
    Oversight,
}

/// Something that this audience may see. Pages, reports and releases accept nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosed<T>(T);

impl<T> Disclosed<T> {
    /// What may be seen.
    pub fn get(&self) -> &T {
        &self.0
    }
}

/// Decides what an audience may see. The only maker of [`Disclosed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lens {
    audience: Audience,
}

impl Lens {
    /// A lens for one audience.
    pub fn new(audience: Audience) -> Self {
        Self { audience }
    }

    /// For whom.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// What this audience may see of the two pages.
    ///
    /// The public sees no indicator, nothing that rests on a hidden value, and no finding before
    /// its addressee had time to answer; the pages say what is held back and why. Oversight sees
    /// everything.
    pub fn site(&self, exact: &Site) -> Disclosed<Site> {
        Disclosed(match self.audience {
            Audience::Public => disclose::public(exact),
            Audience::Oversight => disclose::oversight(exact),
        })
    }

    /// The findings at each evaluation. An indicator needs human judgement and is never published
    /// as a violation: the public does not see it, nor that one could not be decided.
    pub fn findings(&self, evaluations: &[Evaluation]) -> Disclosed<FindingsReport> {
        let shows = |kind| kind == FindingKind::Fact || self.audience == Audience::Oversight;
        let mut report = FindingsReport::default();
        for evaluation in evaluations {
            let findings = evaluation.findings.iter().filter(|f| shows(f.kind));
            report.findings.extend(findings.map(|f| (evaluation.day, f.clone())));
            let kind = |id| RULES.iter().find(|r| r.id == id).map_or(FindingKind::Indicator, |r| r.kind);
            let undetermined = evaluation.undetermined.iter().filter(|u| shows(kind(u.rule)));
            report.undetermined.extend(undetermined.map(|u| (evaluation.day, u.clone())));
        }
        Disclosed(report)
    }

    /// What this audience is told beside the pages.
    pub fn notices(&self, notices: &[Notice]) -> Disclosed<Vec<Notice>> {
        let shows = |notice: &&Notice| notice.is_public() || self.audience == Audience::Oversight;
        Disclosed(notices.iter().filter(shows).cloned().collect())
    }

    /// Measures of institutions, as computed: they are not about persons.
    pub fn measures(&self, as_of: Date, rows: &[Row]) -> Disclosed<MeasuresReport> {
        Disclosed(MeasuresReport { as_of, rows: rows.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Undetermined, evaluate};

    #[test]
    fn the_public_sees_no_indicator() {
        let as_of = schemas::time::Timestamp::from_unix(0);
        let mut evaluation = evaluate(&crate::views::Views::new(), &crate::profile::Profiles::new(), as_of).unwrap();
        let finding = |kind| crate::finding::Finding {
            rule: "ACC-01",
            arms: Vec::new(),
            severity: crate::finding::Severity::High,
            kind,
            status: crate::finding::Status::Open,
            facility: String::new(),
            organisation: String::new(),
            subject: String::new(),
            opened_at: as_of,
            closed_at: None,
            evidence: Vec::new(),
            detail: String::new(),
        };
        let open = |rule| Undetermined {
            rule,
            facility: String::new(),
            organisation: String::new(),
            subject: String::new(),
            missing: std::collections::BTreeSet::new(),
        };
        evaluation.findings = vec![finding(FindingKind::Fact), finding(FindingKind::Indicator)];
        // A rule that the table does not know is treated as an indicator.
        evaluation.undetermined = vec![open("ACC-01"), open("ZZZ-99")];
        for (audience, n) in [(Audience::Public, 1), (Audience::Oversight, 2)] {
            let report = Lens::new(audience).findings(std::slice::from_ref(&evaluation));
            assert_eq!(report.get().findings().len(), n, "{audience:?}");
            assert_eq!(report.get().undetermined().len(), n, "{audience:?}");
        }
    }
}
