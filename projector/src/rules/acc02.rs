//! ACC-02, silent non-decision. `rules/RULES.md` 2, and "Tolling" in 1.

use std::collections::BTreeSet;

use schemas::time::{Date, Timestamp};

use super::{Answer, Draft, Judged, Question, Reader, Results, Rule, own_id, stream};
use crate::calendar::Calendar;
use crate::finding::{FindingKind, Severity};
use crate::profile::param::{DECISION_DAYS, TOLL_CAP_DAYS, TOLL_CAP_TIMES};
use crate::views::Filed;

const DECISIONS: &[&str] = &["access.request.approved", "access.request.denied", "access.request.withdrawn"];

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "ACC-02",
    title: "silent non-decision",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "KP1: civil society \"as vital partners\"; KP3; Mandela Rule 57 by analogy: undue delay is a rejection",
    duty: "A prison approves or denies a request for access within the days of the profile; days spent waiting for a clarification that it asked for do not count, within limits.",
    reader: Reader::Public,
    evaluate,
};

/// The duty to decide one request.
pub(crate) struct Decision<'a> {
    /// The last day in time; `None` while time stands still for ever.
    pub due: Option<Date>,
    /// How it stands.
    pub judged: Judged,
    /// What ended the wait: a decision or a withdrawal.
    pub answer: Option<&'a Filed>,
    /// Days tolled.
    pub tolled: usize,
}

/// Judges the duty for one request.
pub(crate) fn duty<'a>(question: &Question<'a>, request: &'a Filed) -> Decision<'a> {
    let requests = &question.views.requests;
    let days = question.profile_at(request.received_at()).whole(DECISION_DAYS);
    let stops = question.stops(question.facility(request));
    let clarifications: Vec<_> = question.of_own(&requests.clarifications, request).collect();
    let inputs: Vec<_> = clarifications.iter().map(|c| (*c, "tolls")).collect();
    let from = question.received_on(request);
    let due = question.due(request, &inputs, |t| {
        Calendar::due(from, days, &stops.and_days(tolled(question, request, &clarifications, t)))
    });
    let mut answers: Vec<&Filed> =
        question.of_own(&requests.decided, request).chain(question.of_own(&requests.withdrawn, request)).collect();
    answers.sort_by_key(|r| r.position());
    let answer = answers.first().copied();
    let tolled = tolled(question, request, &clarifications, question.as_of()).len();
    Decision { due, judged: question.judge(due, answer.map(Answer::of)), answer, tolled }
}

/// The days that clarifications stop for this request, with what was known at `t` of whether they do.
fn tolled<'a>(question: &Question<'a>, request: &Filed, clarifications: &[&'a Filed], t: Timestamp) -> BTreeSet<Date> {
    let profile = question.profile_at(request.received_at());
    let (times, days) = (profile.whole(TOLL_CAP_TIMES) as usize, profile.whole(TOLL_CAP_DAYS) as usize);
    let tolls = |c: &&&'a Filed| question.flag_at(c, "tolls", t.max(c.received_at())) == Some(true);
    let mut all = BTreeSet::new();
    for clarification in clarifications.iter().filter(tolls).take(times) {
        let supplied = question.of_own(&question.views.requests.supplied, clarification).next();
        let last = supplied.map_or(question.today(), |s| question.received_on(s));
        let mut day = question.received_on(clarification).plus_days(1);
        // More than the cap of one clarification is more than the cap of all.
        for _ in 0..days {
            if day > last {
                break;
            }
            all.insert(day);
            day = day.plus_days(1);
        }
    }
    all.into_iter().take(days).collect()
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    let requests = &question.views.requests;
    for request in question.all(&requests.submitted) {
        let duty = duty(question, request);
        let (Some(breach), Some(due)) = (duty.judged.breach(), duty.due) else { continue };
        let draft = Draft::new(&RULE, breach)
            .on(question.facility(request), question.organisation(request), own_id(request))
            .events([request])
            .events(question.of_own(&requests.acknowledged, request).take(1))
            .events(question.of_own(&requests.clarifications, request))
            .events(duty.answer)
            .absent(stream("request", request.id().unwrap_or_default()), DECISIONS, question.received_on(request), due)
            .detail(format!("no decision by {due}; {} days tolled", duty.tolled));
        results.findings.push(draft.done());
    }
}
