//! ACC-01, unacknowledged request. `rules/RULES.md` 2.

use schemas::catalogue::Role;
use schemas::time::Date;

use super::{Answer, Draft, Judged, Question, Reader, Results, Rule, own_id, stream};
use crate::finding::{FindingKind, Severity};
use crate::profile::param::ACK_WORKING_DAYS;
use crate::views::Filed;

const ANSWERS: &[&str] = &[
    "access.request.acknowledged",
    "access.clarification.requested",
    "access.request.approved",
    "access.request.denied",
    "access.request.withdrawn",
];

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "ACC-01",
    title: "unacknowledged request",
    kind: FindingKind::Fact,
    severity: Severity::Medium,
    source: "KP3: \"adequate oversight… conducive to transparency and accountability\"; visit booking services treat three days as overdue",
    duty: "A prison confirms that it received a request for access, or answers it, within the working days of the profile.",
    reader: Reader::Public,
    evaluate,
};

/// The duty to acknowledge one request.
pub(crate) struct Acknowledgement<'a> {
    /// The last day in time; `None` while time stands still for ever.
    pub due: Option<Date>,
    /// How it stands.
    pub judged: Judged,
    /// The first answer.
    pub answer: Option<&'a Filed>,
    /// Everything of the answering types, whether it counts or not.
    pub looked_at: Vec<&'a Filed>,
}

/// Judges the duty for one request. A decision or a clarification shows receipt, so it counts.
pub(crate) fn duty<'a>(question: &Question<'a>, request: &'a Filed) -> Acknowledgement<'a> {
    let requests = &question.views.requests;
    let facility = question.facility(request);
    let profile = question.profile_at(request.received_at());
    let days = profile.whole(ACK_WORKING_DAYS);
    let due = profile.calendar().due_working(question.received_on(request), days, question.stops(facility));
    let mut looked_at: Vec<&Filed> =
        [&requests.acknowledged, &requests.clarifications, &requests.decided, &requests.withdrawn]
            .into_iter()
            .flat_map(|view| question.of_own(view, request))
            .collect();
    looked_at.sort_by_key(|r| r.position());
    let counts =
        |r: &&Filed| r.kind() == "access.request.withdrawn" || r.by() == facility || r.role() == Role::Administration;
    let answer = looked_at.iter().copied().find(counts);
    Acknowledgement { due, judged: question.judge(due, answer.map(Answer::of)), answer, looked_at }
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for request in question.all(&question.views.requests.submitted) {
        let duty = duty(question, request);
        let (Some(breach), Some(due)) = (duty.judged.breach(), duty.due) else { continue };
        let in_range = duty.looked_at.iter().copied().filter(|r| question.received_on(r) <= due);
        let draft = Draft::new(&RULE, breach)
            .on(question.facility(request), question.organisation(request), own_id(request))
            .events([request])
            .events(duty.answer)
            .events(in_range)
            .absent(stream("request", request.id().unwrap_or_default()), ANSWERS, question.received_on(request), due)
            .detail(format!("no answer by {due}"));
        results.findings.push(draft.done());
    }
}
