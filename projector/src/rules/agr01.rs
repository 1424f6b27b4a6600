//! AGR-01, de-facto regime change. `rules/RULES.md` 2.

use std::collections::BTreeMap;

use schemas::time::Date;

use super::agreement::{InForce, in_force};
use super::cluster::{Crowd, Member};
use super::span::{Holds, Span};
use super::{Breach, Draft, Question, Reader, Results, Rule, Undetermined, bare, own_id};
use crate::finding::{FindingKind, Severity};
use crate::profile::param::{
    AGREEMENT_NOTICE_HOURS, REGIME_CLUSTER_DAYS, REGIME_CLUSTER_FACILITIES, REGIME_CLUSTER_MIN,
};
use crate::views::{Filed, Known};

const NEEDED: &[&str] = &["visit.attempted.arrived_at", "visit.notice.given.planned_at"];

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "AGR-01",
    title: "de-facto regime change",
    kind: FindingKind::Fact,
    severity: Severity::Critical,
    source: "KP2: \"enabling environment\"; KP3: \"regulatory and institutional framework\"; Tunisia, December 2025: delegations turned away under an agreement that was never ended",
    duty: "While an agreement gives access without authorisation, a prison admits a team that keeps to it; who wants other terms amends the agreement.",
    reader: Reader::Partly(NEEDED),
    evaluate,
};

/// An attempt turned away although an agreement gave access.
struct Refused<'a> {
    attempt: &'a Filed,
    agreement: InForce<'a>,
    notice: Option<&'a Filed>,
    day: Date,
    facility: &'a str,
}

/// Whether a notice covers the attempt. On day grain the notice that the attempt names is taken
/// to be planned for the day of the attempt.
fn covers<'a>(question: &Question<'a>, attempt: &'a Filed, notice: &'a Filed, day: Date, hours: i64) -> Holds {
    let named = attempt.reference("notice_ref");
    let planned = match question.value(notice, "planned_at") {
        Known::Value(_) if question.time(notice, "planned_at").map(|t| question.day(t)) == Some(day) => Holds::Yes,
        Known::Hidden(_) if named.is_some() && named == notice.id() => Holds::Yes,
        Known::Hidden(_) if named.is_none() => Holds::Perhaps,
        _ => Holds::No,
    };
    let arrival = Span::of(question, attempt, "arrived_at", Some(day));
    arrival.map_or(Holds::No, |a| planned.and(a.is_preceded_by(notice.received_at(), hours)))
}

fn refused<'a>(question: &Question<'a>, attempt: &'a Filed, results: &mut Results) -> Option<Refused<'a>> {
    let (organisation, facility) = (question.organisation(attempt), question.facility(attempt));
    let day = question.date(attempt, "attempted_on")?;
    if !question.is(attempt, "outcome", "turned_away") || question.emergencies(facility).holds(day) {
        return None;
    }
    let mut perhaps = Vec::new();
    for agreement in in_force(question, organisation, facility, day) {
        let found = |notice| Some(Refused { attempt, agreement, notice, day, facility });
        match question.text(agreement.terms, "access_regime") {
            Some("unannounced") => return found(None),
            Some("notice_only") => {
                let default = || question.profile_at(attempt.received_at()).whole(AGREEMENT_NOTICE_HOURS);
                let hours = question.number(agreement.terms, "notice_hours").unwrap_or_else(default);
                for notice in question.all(&question.views.visits.notices) {
                    if question.organisation(notice) != organisation || question.facility(notice) != facility {
                        continue;
                    }
                    match covers(question, attempt, notice, day, hours) {
                        Holds::Yes => return found(Some(notice)),
                        Holds::Perhaps => perhaps.push(notice),
                        Holds::No => {}
                    }
                }
            }
            _ => {}
        }
    }
    if !perhaps.is_empty() {
        let values = std::iter::once((attempt, "arrived_at")).chain(perhaps.into_iter().map(|n| (n, "planned_at")));
        let undetermined = Undetermined::new(&RULE, (facility, organisation, own_id(attempt)), NEEDED);
        results.undetermined.push(undetermined.hidden(question, values));
    }
    None
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    let mut by_agreement: BTreeMap<&str, Vec<Refused<'_>>> = BTreeMap::new();
    for attempt in question.all(&question.views.visits.attempts) {
        if let Some(one) = refused(question, attempt, results) {
            by_agreement.entry(one.agreement.concluded.id().unwrap_or_default()).or_default().push(one);
        }
    }
    for (agreement, all) in &by_agreement {
        let members: Vec<Member<'_>> = all.iter().map(|r| (r.day, r.facility)).collect();
        for (at, one) in all.iter().enumerate() {
            let profile = question.profile_at(one.attempt.received_at());
            let crowd = Crowd {
                members: profile.whole(REGIME_CLUSTER_MIN),
                places: profile.whole(REGIME_CLUSTER_FACILITIES),
                days: profile.whole(REGIME_CLUSTER_DAYS),
            };
            let others = crowd.around(&members, at);
            let severity = if others.is_empty() { Severity::High } else { Severity::Critical };
            let reason = question.text(one.attempt, "stated_reason").unwrap_or("none");
            let draft = Draft::graded(&RULE, severity, Breach::open(one.attempt.received_at()))
                .on(one.facility, question.organisation(one.attempt), own_id(one.attempt))
                .events([one.agreement.concluded, one.agreement.terms, one.attempt])
                .events(one.notice)
                .events(others.iter().map(|i| all[*i].attempt))
                .detail(format!(
                    "agreement {}; stated reason {reason}; {} in the cluster",
                    bare(agreement),
                    others.len()
                ));
            results.findings.push(draft.done());
        }
    }
}
