//! MEA-01, five criteria not shown. `rules/RULES.md` 2.

use schemas::time::Timestamp;

use super::duty::defect;
use super::{Draft, Question, Reader, Results, Rule, Undetermined, own_id};
use crate::finding::{FindingKind, Severity};
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "MEA-01",
    title: "five criteria not shown",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "S3: \"tailored, proportionate, justified, non-discriminatory, and gender- and age-sensitive\"",
    duty: "Who imposes a security measure names the law and a review, weighs what restricts less, assesses gender and age, and assesses an individual by himself or herself.",
    reader: Reader::Partly(&["measure.imposed.scope"]),
    evaluate,
};

/// What a measure fails to show, by what was known at `t`.
fn missing<'a>(question: &Question<'a>, measure: &'a Filed, t: Timestamp) -> Vec<&'static str> {
    let value = |field| question.value_at(measure, field, t);
    let says_no = |field| question.flag_at(measure, field, t) == Some(false);
    let individual = question.text_at(measure, "scope", t) == Some("individual");
    [
        (value("legal_basis").is_absent(), "legal_basis"),
        (value("review_on").is_absent(), "review_on"),
        (says_no("less_restrictive_considered"), "less_restrictive_considered"),
        (says_no("gender_assessment"), "gender_assessment"),
        (says_no("age_assessment"), "age_assessment"),
        (individual && says_no("individual_assessment"), "individual_assessment"),
    ]
    .into_iter()
    .filter_map(|(lacks, name)| lacks.then_some(name))
    .collect()
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for measure in question.all(&question.views.security.imposed) {
        let key = (question.facility(measure), "", own_id(measure));
        let scope_matters = question.flag(measure, "individual_assessment") == Some(false);
        if scope_matters && question.value(measure, "scope").hidden().is_some() {
            let undetermined = Undetermined::new(&RULE, key, &["measure.imposed.scope"]);
            results.undetermined.push(undetermined.hidden(question, [(measure, "scope")]));
        }
        let Some(breach) = defect(question, measure, |t| !missing(question, measure, t).is_empty()) else { continue };
        let draft = Draft::new(&RULE, breach)
            .on(key.0, key.1, key.2)
            .events([measure])
            .events(question.views.amendments.of(measure).map(|c| &c.record))
            .detail(missing(question, measure, breach.opened_at).join(", "));
        results.findings.push(draft.done());
    }
}
