//! REC-01, unanswered recommendation. `rules/RULES.md` 2.

use schemas::catalogue::Role;

use super::duty::defect;
use super::{Answer, Draft, Question, Reader, Results, Rule, own_id, stream};
use crate::calendar::{Calendar, Stops};
use crate::finding::{FindingKind, Severity, Status};
use crate::profile::param::ANSWER_DAYS;
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "REC-01",
    title: "unanswered recommendation",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "Mandela Rule 85(2): the administration says within a reasonable time whether it will implement; OPCAT 22: authorities examine recommendations and enter into dialogue",
    duty: "Whoever a recommendation is addressed to answers it by its day, and gives reasons where it is rejected. The duty is to answer, not to obey.",
    reader: Reader::Public,
    evaluate,
};

/// facility(e): its own, else that of the inspection or visit whose report it stands in.
fn facility<'a>(question: &Question<'a>, recommendation: &'a Filed) -> &'a str {
    let of_report = || {
        let report = recommendation.reference("report").or(recommendation.reference("visit_report"))?;
        question.of(&question.views.recommendations.reports, report).next().map(|r| question.facility(r))
    };
    question.text(recommendation, "facility").or_else(of_report).unwrap_or_default()
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    let recommendations = &question.views.recommendations;
    for issued in question.all(&recommendations.issued) {
        if question.flag(issued, "advice") != Some(false) {
            continue;
        }
        let key = (facility(question, issued), "", own_id(issued));
        let answers: Vec<&Filed> = question.of_own(&recommendations.answered, issued).collect();
        for answer in &answers {
            let unreasoned = |t| {
                question.text_at(answer, "position", t) == Some("rejected")
                    && question.flag_at(answer, "reasons_given", t) == Some(false)
            };
            if let Some(breach) = defect(question, answer, unreasoned) {
                let corrections = question.views.amendments.of(answer).map(|c| &c.record);
                let draft = Draft::new(&RULE, breach).on(key.0, key.1, key.2).arm("b").events([issued, answer]);
                results.findings.push(draft.events(corrections).detail("rejected without reasons").done());
            }
        }
        let from = question.received_on(issued);
        let addressee = question.text(issued, "addressee").unwrap_or_default();
        let guarded = question.views.parties.role(addressee) == Some(Role::Facility);
        let stops = if guarded { question.stops(addressee) } else { &Stops::NONE };
        let days = question.profile_at(issued.received_at()).whole(ANSWER_DAYS);
        let due = question.due(issued, &[(issued, "response_due")], |t| {
            let named = question.date_at(issued, "response_due", t);
            named.map_or_else(|| Calendar::due(from, days, stops), |named| stops.next_running(named))
        });
        let answer = answers.first().copied();
        let (Some(breach), Some(due)) = (question.judge(due, answer.map(Answer::of)).breach(), due) else { continue };
        let severity = if breach.status == Status::Open { Severity::High } else { Severity::Low };
        let draft = Draft::graded(&RULE, severity, breach)
            .on(key.0, key.1, key.2)
            .arm("a")
            .events([issued])
            .events(answer)
            .absent(stream("recommendation", issued.id().unwrap_or_default()), &["recommendation.answered"], from, due)
            .detail(format!("no answer by {due}"));
        results.findings.push(draft.done());
    }
}
