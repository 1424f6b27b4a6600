//! ACC-03, unreasoned denial. `rules/RULES.md` 2.

use schemas::time::Timestamp;

use super::duty::defect;
use super::{Draft, Question, Reader, Results, Rule, own_id};
use crate::finding::{FindingKind, Severity};
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "ACC-03",
    title: "unreasoned denial",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "S3: \"tailored, proportionate, justified\"; European Prison Rule 3: restrictions at the minimum necessary",
    duty: "Who denies, suspends, revokes or bans access names the law, assesses the case by itself, sets an end or a review, names where to appeal, and gives reasons.",
    reader: Reader::Public,
    evaluate,
};

/// What a decision lacks, by what was known at `t`.
fn missing<'a>(question: &Question<'a>, decision: &'a Filed, t: Timestamp) -> Vec<&'static str> {
    let value = |field| question.value_at(decision, field, t);
    let says_no = |field| question.flag_at(decision, field, t) == Some(false);
    let reason_is_other = question.text_at(decision, "reason", t) == Some("other");
    [
        (value("legal_basis").is_absent(), "legal_basis"),
        (says_no("individual_assessment"), "individual_assessment"),
        (value("valid_until").is_absent() && value("review_on").is_absent(), "valid_until/review_on"),
        (value("appeal_body").is_absent(), "appeal_body"),
        (reason_is_other && says_no("justification_given"), "justification_given"),
    ]
    .into_iter()
    .filter_map(|(lacks, name)| lacks.then_some(name))
    .collect()
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for decision in question.all(&question.views.requests.refusals) {
        let Some(breach) = defect(question, decision, |t| !missing(question, decision, t).is_empty()) else { continue };
        let draft = Draft::new(&RULE, breach)
            .on(question.facility(decision), question.organisation(decision), own_id(decision))
            .events([decision])
            .events(question.views.amendments.of(decision).map(|c| &c.record))
            .detail(missing(question, decision, breach.opened_at).join(", "));
        results.findings.push(draft.done());
    }
}
