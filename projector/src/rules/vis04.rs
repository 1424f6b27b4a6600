//! VIS-04, conflicting versions. `rules/RULES.md` 2.

use std::collections::BTreeMap;

use super::span::{Holds, Span};
use super::{Answer, Breach, Draft, Question, Reader, Results, Rule, Undetermined, own_id, stream};
use crate::calendar::{Calendar, Stops};
use crate::finding::{FindingKind, Severity, Status};
use crate::profile::param::{CONFLICT_HOURS, DISPUTE_DAYS};
use crate::views::Filed;

const NEEDED: &[&str] = &["visit.completed.entered_at", "visit.attempted.arrived_at"];

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "VIS-04",
    title: "conflicting versions",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "KP3: \"transparency and accountability\": signed is not true, and two versions need someone who decides",
    duty: "Where a prison records a visit and the organisation a refusal at the gate, or where the organisation disputes the record, someone resolves it within the days of the profile.",
    reader: Reader::Partly(NEEDED),
    evaluate,
};

/// Resolutions that settle: any outcome but unresolved.
fn settling<'a>(question: &Question<'a>, visit: &'a Filed) -> impl Iterator<Item = &'a Filed> {
    let settles = move |r: &&'a Filed| question.text(r, "outcome").is_some_and(|outcome| outcome != "unresolved");
    question.of_own(&question.views.visits.resolutions, visit).filter(settles).collect::<Vec<_>>().into_iter()
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for visit in question.all(&question.views.visits.completed) {
        for dispute in question.of_own(&question.views.visits.disputes, visit) {
            unresolved(question, visit, dispute, results);
        }
    }
    conflicts(question, results);
}

/// Arm b: a dispute that nobody resolves in time.
fn unresolved<'a>(question: &Question<'a>, visit: &'a Filed, dispute: &'a Filed, results: &mut Results) {
    let from = question.received_on(dispute);
    let days = question.profile_at(dispute.received_at()).whole(DISPUTE_DAYS);
    let due = Calendar::due(from, days, &Stops::NONE);
    let of_it = |r: &&Filed| r.reference("dispute") == dispute.id();
    let resolution = settling(question, visit).find(of_it);
    let (Some(breach), Some(due)) = (question.judge(due, resolution.map(Answer::of)).breach(), due) else { return };
    let draft = Draft::new(&RULE, breach)
        .on(question.facility(visit), question.organisation(visit), own_id(visit))
        .arm("b")
        .events([visit, dispute])
        .events(question.of_own(&question.views.visits.resolutions, visit).filter(of_it))
        .absent(stream("visit", visit.id().unwrap_or_default()), &["visit.dispute.resolved"], from, due)
        .detail(format!("dispute not resolved by {due}"));
    results.findings.push(draft.done());
}

/// Arm a: a visit and a refusal of the same organisation at the same gate within hours.
fn conflicts(question: &Question<'_>, results: &mut Results) {
    let visits = &question.views.visits;
    let mut by_gate: BTreeMap<(&str, &str), Vec<(&Filed, Span)>> = BTreeMap::new();
    for visit in question.all(&visits.completed).filter(|v| !question.is(v, "completion", "entry_refused")) {
        if let Some(entered) = Span::of(question, visit, "entered_at", question.date(visit, "visited_on")) {
            let gate = (question.organisation(visit), question.facility(visit));
            by_gate.entry(gate).or_default().push((visit, entered));
        }
    }
    for attempt in question.all(&visits.attempts).filter(|a| question.is(a, "outcome", "turned_away")) {
        let gate = (question.organisation(attempt), question.facility(attempt));
        let arrived = Span::of(question, attempt, "arrived_at", question.date(attempt, "attempted_on"));
        let (Some(arrived), Some(entries)) = (arrived, by_gate.get(&gate)) else { continue };
        // Whichever of the two is received later triggers; its profile counts.
        for (visit, entered) in entries {
            let later = if visit.position() > attempt.position() { *visit } else { attempt };
            let hours = question.profile_at(later.received_at()).whole(CONFLICT_HOURS);
            let key = (gate.1, gate.0, own_id(visit));
            match entered.is_within(arrived, hours) {
                Holds::No => {}
                Holds::Perhaps => {
                    let values = [(*visit, "entered_at"), (attempt, "arrived_at")];
                    results.undetermined.push(Undetermined::new(&RULE, key, NEEDED).hidden(question, values));
                }
                Holds::Yes => {
                    let resolution = settling(question, visit).find(|r| r.position() > later.position());
                    let breach = match resolution.map(|r| r.received_at()) {
                        None => Breach::open(later.received_at()),
                        end => Breach { opened_at: later.received_at(), status: Status::Remedied, closed_at: end },
                    };
                    let draft = Draft::new(&RULE, breach)
                        .on(key.0, key.1, key.2)
                        .arm("a")
                        .events([*visit, attempt])
                        .events(resolution)
                        .detail("a visit and a refusal at the gate at the same time");
                    results.findings.push(draft.done());
                }
            }
        }
    }
}
