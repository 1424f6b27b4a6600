//! Guard F: the days on which clocks stand still for a facility. `rules/RULES.md` 1, "Stopped days".

use std::collections::BTreeMap;

use schemas::time::{Date, Timestamp};

use super::Question;
use crate::calendar::{Restart, Stops};
use crate::profile::param::{EMERGENCY_STATUSES, OUTAGE_GRACE_HOURS};
use crate::views::Filed;

/// Stopped days by facility.
#[derive(Debug, Default)]
pub(super) struct Stopped {
    pub all: BTreeMap<String, Stops>,
    pub emergencies: BTreeMap<String, Stops>,
}

/// One status of a facility, from its `from` on.
struct Status<'a> {
    from: Timestamp,
    record: &'a Filed,
    code: &'a str,
}

/// The stopped days of every facility that declared an emergency, a closure or an outage.
pub(super) fn of_all(question: &Question<'_>) -> Stopped {
    let mut stopped = Stopped::default();
    let mut ranges: BTreeMap<String, Vec<(Date, Option<Date>)>> = BTreeMap::new();
    for (facility, statuses) in statuses(question) {
        let own: Vec<_> = (0..statuses.len()).filter_map(|at| emergency(question, &statuses, at)).collect();
        stopped.emergencies.insert(facility.to_owned(), Stops::of(own.iter().copied()));
        ranges.entry(facility.to_owned()).or_default().extend(own);
    }
    for (facility, from, until) in outages(question) {
        let days = (question.day(from), Some(question.day(until)));
        ranges.entry(facility.to_owned()).or_default().push(days);
    }
    stopped.all = ranges.into_iter().map(|(facility, ranges)| (facility, Stops::of(ranges))).collect();
    stopped
}

/// Statuses by facility, each list by `from`, then log order.
fn statuses<'a>(question: &Question<'a>) -> BTreeMap<&'a str, Vec<Status<'a>>> {
    let mut all: BTreeMap<&str, Vec<Status<'_>>> = BTreeMap::new();
    for record in question.all(&question.views.facilities.status) {
        let Some(from) = question.time(record, "from") else { continue };
        let code = question.text(record, "status").unwrap_or_default();
        all.entry(question.facility(record)).or_default().push(Status { from, record, code });
    }
    for statuses in all.values_mut() {
        statuses.sort_by_key(|s| (s.from, s.record.position()));
    }
    all
}

/// (a): an emergency or a closure, from its `from`, but not from longer before its receipt than the
/// grace, to its `until`, else to the next status, else on.
fn emergency(question: &Question<'_>, statuses: &[Status<'_>], at: usize) -> Option<(Date, Option<Date>)> {
    let Status { from, record, code } = &statuses[at];
    let profile = question.profile_at(record.received_at());
    if !profile.has_word(EMERGENCY_STATUSES, code) {
        return None;
    }
    let from = (*from).max(record.received_at().plus_seconds(-grace(question, record)));
    let next = statuses[at + 1..].first();
    // `until` is the last instant of the status, the next `from` the first instant after it.
    let until = question.time(record, "until").or_else(|| next.map(|s| s.from.plus_seconds(-1)));
    until.is_none_or(|until| from <= until).then(|| (question.day(from), until.map(|until| question.day(until))))
}

/// (b): the declared and honoured outages with the grace at their end: facility, first and last instant.
pub(super) fn outages<'a>(question: &Question<'a>) -> Vec<(&'a str, Timestamp, Timestamp)> {
    let views = &question.views.facilities;
    let one = |record| {
        let from = question.time(record, "from")?;
        let ended = || question.of_own(&views.outages_ended, record).find_map(|e| question.time(e, "ended_at"));
        let end = question.time(record, "until").or_else(ended).unwrap_or(question.as_of());
        let until = end.plus_seconds(grace(question, record));
        (record.received_at() <= until && from <= until).then(|| (question.facility(record), from, until))
    };
    question.all(&views.outages).filter_map(one).collect()
}

fn grace(question: &Question<'_>, record: &Filed) -> i64 {
    question.profile_at(record.received_at()).whole(OUTAGE_GRACE_HOURS) * 3600
}

/// The re-openings of a facility, in order, with the records that declare them: the `from` of a
/// status open or partial that follows closed (an emergency in between changes nothing).
pub(super) fn restarts<'a>(question: &Question<'a>, facility: &str) -> Vec<(Restart, &'a Filed)> {
    let mut closed_on = None;
    let mut all = Vec::new();
    for status in statuses(question).remove(facility).unwrap_or_default() {
        match status.code {
            "closed" => closed_on = closed_on.or(Some(question.day(status.from))),
            "open" | "partial" => {
                if let Some(closed_on) = closed_on.take() {
                    all.push((Restart { closed_on, reopened_on: question.day(status.from) }, status.record));
                }
            }
            _ => {}
        }
    }
    all.retain(|(restart, _)| restart.reopened_on <= question.today());
    all
}
