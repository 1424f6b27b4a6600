//! REC-02, urgent notification. `rules/RULES.md` 2.

use super::{Answer, Breach, Draft, Question, Reader, Results, Rule, own_id, stream};
use crate::calendar::{Calendar, Stops};
use crate::finding::{FindingKind, Severity, Status};
use crate::profile::param::{URGENT_ANSWER_DAYS, URGENT_LETTER_DAYS};
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "REC-02",
    title: "urgent notification",
    kind: FindingKind::Fact,
    severity: Severity::Critical,
    source: "HMIP Urgent Notification protocol: the letter within 7 days of the inspection, the minister's public answer within 28",
    duty: "What cannot wait is notified soon after the inspection, and the minister answers in public within the days of the profile.",
    reader: Reader::Public,
    evaluate,
};

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for notification in question.all(&question.views.inspections.notifications) {
        late_letter(question, notification, results);
        no_answer(question, notification, results);
    }
}

/// Arm a: the letter came too late. Breach and end at once.
fn late_letter<'a>(question: &Question<'a>, notification: &'a Filed, results: &mut Results) {
    let received_at = notification.received_at();
    let inspection = notification.reference("inspection").unwrap_or_default();
    let inspection = question.of(&question.views.inspections.conducted_by_id, inspection).next();
    let Some(inspection) = inspection else { return };
    let days = question.profile_at(received_at).whole(URGENT_LETTER_DAYS);
    let ended = question.date_at(inspection, "ended_on", received_at);
    let Some(due) = ended.and_then(|ended| Calendar::due(ended, days, &Stops::NONE)) else { return };
    if question.day(received_at) <= due {
        return;
    }
    let in_time = question.date(notification, "issued_on").is_some_and(|issued| issued <= due);
    let status = if in_time { Status::LateRecorded } else { Status::Late };
    let draft = Draft::new(&RULE, Breach::at_receipt(received_at, status))
        .on(question.facility(notification), "", format!("{}:a", own_id(notification)))
        .arm("a")
        .events([inspection, notification])
        .detail(format!("the letter was due by {due}"));
    results.findings.push(draft.done());
}

/// Arm b: the minister has not answered in time.
fn no_answer<'a>(question: &Question<'a>, notification: &'a Filed, results: &mut Results) {
    let days = question.profile_at(notification.received_at()).whole(URGENT_ANSWER_DAYS);
    let issued = |t| question.date_at(notification, "issued_on", t);
    let due =
        question.due(notification, &[(notification, "issued_on")], |t| Calendar::due(issued(t)?, days, &Stops::NONE));
    let answer = question.of_own(&question.views.inspections.notifications_answered, notification).next();
    let claim = answer.map(|answer| Answer::claiming(question, answer, "answered_on"));
    let (Some(breach), Some(due)) = (question.judge(due, claim).breach(), due) else { return };
    let from = issued(question.as_of()).unwrap_or(due);
    let draft = Draft::new(&RULE, breach)
        .on(question.facility(notification), "", format!("{}:b", own_id(notification)))
        .arm("b")
        .events([notification])
        .events(answer)
        .absent(
            stream("notification", notification.id().unwrap_or_default()),
            &["urgent.notification.answered"],
            from,
            due,
        )
        .detail(format!("no answer by {due}"));
    results.findings.push(draft.done());
}
