//! CON-01, no consultation. `rules/RULES.md` 2.

use schemas::time::Date;

use super::{Answer, Breach, Draft, Question, Reader, Results, Rule, stream};
use crate::calendar::{Calendar, Stops};
use crate::finding::{FindingKind, Severity, Status};
use crate::profile::param::{
    CONSULTATION_INDEPENDENT_MIN, CONSULTATION_INVITED_MIN, CONSULTATION_WINDOW_DAYS, URGENT_CONSULTATION_DAYS,
};
use crate::views::Filed;

/// Changes of a programme that call for consultation.
const CHANGES: &[&str] = &["scope", "partner", "suspended", "early_end"];

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "CON-01",
    title: "no consultation",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "KP4: \"consult civil society in the development of programmes… tailored to local needs\"",
    duty: "Before a programme or a framework text is adopted, changed or ended, civil society is invited and heard; where safety could not wait, a consultation opens soon after.",
    reader: Reader::Public,
    evaluate,
};

/// What the step is about: the kind of its stream, and the id.
fn case<'a>(question: &Question<'a>, step: &'a Filed) -> Option<(&'static str, &'a str)> {
    match step.kind() {
        "programme.adopted" => Some(("programme", step.id()?)),
        "programme.changed" if CHANGES.iter().any(|c| question.is(step, "change", c)) => {
            Some(("programme", step.reference("programme")?))
        }
        "framework.adopted" => Some(("framework", step.id()?)),
        "framework.amended" | "framework.repealed" => Some(("framework", step.reference("framework")?)),
        _ => None,
    }
}

/// The consultations on a step: the one that it names, those on its programme or text, those on it.
fn consultations<'a>(question: &Question<'a>, step: &'a Filed, case: (&'static str, &str)) -> Vec<&'a Filed> {
    let on_it = |c: &&Filed| {
        let named = step.reference("consultation");
        named.is_some() && named == c.id()
            || c.reference(case.0) == Some(case.1)
            || step.kind() == "programme.changed" && step.id().is_some() && c.reference("change") == step.id()
    };
    question.all(&question.views.consultations.opened).filter(on_it).collect()
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for step in question.all(&question.views.programmes.steps) {
        let Some(case) = case(question, step) else { continue };
        let day = question.received_on(step);
        let profile = question.profile_at(step.received_at());
        let from = day.plus_days(-profile.whole(CONSULTATION_WINDOW_DAYS));
        if from < question.genesis() {
            continue;
        }
        let consultations = consultations(question, step, case);
        let closed_before = |c: &Filed| {
            question.of_own(&question.views.consultations.closed, c).find(|e| e.position() < step.position())
        };
        let good = |c: &&Filed| {
            let at_least = |field, min| question.number(c, field).is_some_and(|n| n >= min);
            closed_before(c).is_some_and(|e| question.received_on(e) >= from)
                && at_least("invited", profile.whole(CONSULTATION_INVITED_MIN))
                && at_least("invited_independent", profile.whole(CONSULTATION_INDEPENDENT_MIN))
        };
        if consultations.iter().any(good) {
            continue;
        }
        let breach = if question.flag(step, "urgent_safety") == Some(true) {
            let due = Calendar::due(day, profile.whole(URGENT_CONSULTATION_DAYS), &Stops::NONE);
            // One that was over before the change cannot be the one that the change calls for.
            let opened = consultations.iter().find(|c| c.position() > step.position() || closed_before(c).is_none());
            question.judge(due, opened.map(|c| Answer::of(c))).breach()
        } else {
            let opened = consultations.iter().find(|c| c.position() > step.position()).map(|c| c.received_at());
            let status = if opened.is_some() { Status::Late } else { Status::Open };
            Some(Breach { opened_at: step.received_at(), status, closed_at: opened })
        };
        let Some(breach) = breach else { continue };
        results.findings.push(draft(question, step, case, &consultations, from, breach).done());
    }
}

fn draft<'a>(
    question: &Question<'a>,
    step: &'a Filed,
    case: (&'static str, &str),
    consultations: &[&'a Filed],
    from: Date,
    breach: Breach,
) -> Draft {
    let day = question.received_on(step);
    let closings = consultations.iter().flat_map(|c| question.of_own(&question.views.consultations.closed, c));
    Draft::new(&RULE, breach)
        .on("", "", step.address())
        .events([step])
        .events(consultations.iter().copied())
        .events(closings)
        .absent(stream(case.0, case.1), &["consultation.opened", "consultation.closed"], from, day)
        .detail(format!("no consultation with enough invited closed from {from} to {day}"))
}
