//! Rules: pure functions of the views, the profile in force and a date. `rules/RULES.md` 2.
//!
//! A new rule is a file here, named by its id, and a line in [`RULES`].

pub(crate) mod acc01;
pub(crate) mod acc02;
mod acc03;
mod agr01;
mod agreement;
mod cluster;
mod con01;
mod covering;
mod draft;
pub(crate) mod duty;
mod fun01;
mod ins01;
mod ins03;
mod mea01;
mod mea02;
mod merge;
mod question;
mod rec01;
mod rec02;
mod span;
mod stopped;
mod trn01;
pub(crate) mod v01;
mod v03;
mod vis04;

use std::collections::BTreeSet;
use std::fmt;

use schemas::time::Timestamp;

use crate::finding::{Finding, FindingKind, Severity};
use crate::profile::{Note, Profiles};
use crate::record::Hidden;
use crate::views::Views;

pub(crate) use draft::{Draft, bare, own_id, stream};
pub(crate) use duty::{Answer, Breach, Judged};
pub use question::{AsOfPassed, Question};

/// Every rule that is judged, in the order of `rules/RULES.md`.
pub const RULES: &[Rule] = &[
    acc01::RULE,
    acc02::RULE,
    acc03::RULE,
    agr01::RULE,
    vis04::RULE,
    mea01::RULE,
    mea02::RULE,
    con01::RULE,
    fun01::RULE,
    trn01::RULE,
    ins01::RULE,
    ins03::RULE,
    rec01::RULE,
    rec02::RULE,
    v01::RULE,
    v03::RULE,
];

/// One rule of `rules/RULES.md` 2.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its id, such as `ACC-01`.
    pub id: &'static str,
    /// Its title, as in `rules/RULES.md`.
    pub title: &'static str,
    /// Fact or indicator.
    pub kind: FindingKind,
    /// The gravest severity that it gives.
    pub severity: Severity,
    /// Where the duty comes from, with the words quoted.
    pub source: &'static str,
    /// The duty in plain words: who owes what, by when.
    pub duty: &'static str,
    /// Who can evaluate it.
    pub reader: Reader,
    /// What it finds.
    pub evaluate: fn(&Question<'_>, &mut Results),
}

/// Who can evaluate a rule. `rules/RULES.md` 1, "Readers".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Anyone: all inputs are public.
    Public,
    /// Public as far as it goes; who holds the openings of these fields sees the rest.
    Partly(&'static [&'static str]),
}

/// What rules found, being collected.
#[derive(Debug, Default)]
pub struct Results {
    /// Findings.
    pub findings: Vec<Finding>,
    /// What could not be decided.
    pub undetermined: Vec<Undetermined>,
}

/// That a rule could not be decided for want of fields that are withheld or erased: never silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undetermined {
    /// Id of the rule.
    pub rule: &'static str,
    /// Facility concerned, or empty.
    pub facility: String,
    /// Organisation concerned, or empty.
    pub organisation: String,
    /// What it is about.
    pub subject: String,
    /// What it lacks.
    pub missing: BTreeSet<Missing>,
}

/// A field that a rule lacks. Its text is its name, and where it was erased also by which entry:
/// `visit.attempted.arrived_at (erased by entry 12)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    /// Its name, `<event.type>.<field>`.
    pub field: String,
    /// Why its value is not at hand.
    pub why: Hidden,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Hidden::Withheld => f.write_str(&self.field),
            Hidden::ErasedBy(_) => write!(f, "{} ({})", self.field, self.why),
        }
    }
}

/// All results at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The instant.
    pub as_of: Timestamp,
    /// Its local day: what reports print.
    pub day: schemas::time::Date,
    /// Findings by rule, facility, organisation, subject.
    pub findings: Vec<Finding>,
    /// What could not be decided, in the same order.
    pub undetermined: Vec<Undetermined>,
    /// What readers must be told about the profiles used.
    pub notes: Vec<Note>,
}

/// Judges every rule as of an instant: same log, same profiles, same instant, same results.
///
/// # Errors
/// [`AsOfPassed`] where the views hold something received after `as_of`.
pub fn evaluate(views: &Views, profiles: &Profiles, as_of: Timestamp) -> Result<Evaluation, AsOfPassed> {
    let question = Question::new(views, profiles, as_of)?;
    Ok(answer(&question))
}

/// Judges every rule for a question already put.
pub fn answer(question: &Question<'_>) -> Evaluation {
    let mut results = Results::default();
    for rule in RULES {
        (rule.evaluate)(question, &mut results);
    }
    Evaluation {
        as_of: question.as_of(),
        day: question.today(),
        findings: merge::findings(results.findings),
        undetermined: merge::undetermined(results.undetermined),
        notes: question.notes().to_vec(),
    }
}

#[cfg(test)]
mod tests;
