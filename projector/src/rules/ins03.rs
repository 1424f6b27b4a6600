//! INS-03, report missing. `rules/RULES.md` 2.

use super::duty::defect;
use super::{Answer, Draft, Question, Reader, Results, Rule, bare, own_id, stream};
use crate::calendar::{Calendar, Stops};
use crate::finding::{FindingKind, Severity};
use crate::profile::param::{CONFIDENTIAL_REPORT_KINDS, EXTERNAL_KINDS, PUBLICATION_DAYS, REPORT_DAYS};
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "INS-03",
    title: "report missing",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "Mandela Rule 85(1): every inspection is followed by a written report; European Prison Rule 93: findings made public; OPCAT 21(2): no personal data without consent",
    duty: "Every inspection is reported on; reports of independent bodies are published, checked for personal data, unless they are confidential by treaty.",
    reader: Reader::Public,
    evaluate,
};

fn evaluate(question: &Question<'_>, results: &mut Results) {
    let inspections = &question.views.inspections;
    for inspection in question.all(&inspections.conducted) {
        unwritten(question, inspection, results);
        let kind = question.text(inspection, "kind").unwrap_or_default();
        for report in question.of_own(&inspections.submitted, inspection) {
            let profile = question.profile_at(report.received_at());
            if profile.has_word(EXTERNAL_KINDS, kind) && !profile.has_word(CONFIDENTIAL_REPORT_KINDS, kind) {
                unpublished(question, inspection, report, results);
            }
        }
    }
    for published in question.all(&inspections.published_all) {
        unchecked(question, published, results);
    }
}

/// Arm a: no report at all.
fn unwritten<'a>(question: &Question<'a>, inspection: &'a Filed, results: &mut Results) {
    let days = question.profile_at(inspection.received_at()).whole(REPORT_DAYS);
    let ended = |t| question.date_at(inspection, "ended_on", t);
    let due = question.due(inspection, &[(inspection, "ended_on")], |t| Calendar::due(ended(t)?, days, &Stops::NONE));
    let report = question.of_own(&question.views.inspections.submitted, inspection).next();
    let (Some(breach), Some(due)) = (question.judge(due, report.map(Answer::of)).breach(), due) else { return };
    let from = ended(question.as_of()).unwrap_or(due);
    let draft = Draft::graded(&RULE, Severity::Medium, breach)
        .on(question.facility(inspection), "", format!("{}:a", own_id(inspection)))
        .arm("a")
        .events([inspection])
        .events(report)
        .absent(stream("inspection", inspection.id().unwrap_or_default()), &["inspection.report.submitted"], from, due)
        .detail(format!("no report by {due}"));
    results.findings.push(draft.done());
}

/// Arm b: a report that stays in the drawer. A date of confidentiality only postpones.
fn unpublished<'a>(question: &Question<'a>, inspection: &'a Filed, report: &'a Filed, results: &mut Results) {
    let submitted = question.received_on(report);
    let days = question.profile_at(report.received_at()).whole(PUBLICATION_DAYS);
    let due = question.due(report, &[(report, "confidential_until")], |t| {
        let from = question.date_at(report, "confidential_until", t).map_or(submitted, |until| until.max(submitted));
        Calendar::due(from, days, &Stops::NONE)
    });
    let published = question.of_own(&question.views.inspections.published, report).next();
    let (Some(breach), Some(due)) = (question.judge(due, published.map(Answer::of)).breach(), due) else { return };
    let draft = Draft::new(&RULE, breach)
        .on(question.facility(inspection), "", format!("{}:b", own_id(inspection)))
        .arm("b")
        .events([inspection, report])
        .events(published)
        .absent(
            stream("inspection", inspection.id().unwrap_or_default()),
            &["inspection.report.published"],
            submitted,
            due,
        )
        .detail(format!("not published by {due}"));
    results.findings.push(draft.done());
}

/// Arm c: published without a check for personal data.
fn unchecked<'a>(question: &Question<'a>, published: &'a Filed, results: &mut Results) {
    let says_no = |t| question.flag_at(published, "personal_data_checked", t) == Some(false);
    let Some(breach) = defect(question, published, says_no) else { return };
    let inspection = bare(published.reference("inspection").unwrap_or_default());
    let draft = Draft::new(&RULE, breach)
        .on(question.facility(published), "", format!("{inspection}:c"))
        .arm("c")
        .events([published])
        .events(question.views.amendments.of(published).map(|c| &c.record))
        .detail("published without a check for personal data");
    results.findings.push(draft.done());
}
