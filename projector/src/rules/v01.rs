//! V-01, late recording. `rules/RULES.md` 2, "Self-checks of the ledger".

use std::collections::{BTreeMap, BTreeSet};

use schemas::time::Date;

use super::{Breach, Draft, Question, Reader, Results, Rule, stopped};
use crate::calendar::Stops;
use crate::finding::{FindingKind, Severity};
use crate::profile::param::{BACKFILL_DAYS, BACKFILL_HOURS, BACKFILL_MIN, LATE_DAYS, LATE_MIN_EVENTS, LATE_SHARE};
use crate::ratio::Ratio;
use crate::views::Mark;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "V-01",
    title: "late recording",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "KP3: \"transparency and accountability\": a record made long after the fact cannot be checked",
    duty: "A prison records what happened within days, unless a declared outage kept it from doing so; it does not fill in months at a sitting.",
    reader: Reader::Public,
    evaluate,
};

/// What a facility recorded, without what lies in its declared and honoured outages.
pub(crate) fn counted<'a>(question: &Question<'a>) -> Vec<(&'a str, Vec<&'a Mark>)> {
    let mut outages: BTreeMap<&str, Vec<(Date, Option<Date>)>> = BTreeMap::new();
    for (facility, from, until) in stopped::outages(question) {
        outages.entry(facility).or_default().push((question.day(from), Some(question.day(until))));
    }
    let outages: BTreeMap<&str, Stops> =
        outages.into_iter().map(|(facility, days)| (facility, Stops::of(days))).collect();
    let own = |(facility, marks): (&'a String, &'a Vec<Mark>)| {
        let outage = outages.get(facility.as_str());
        let counts = marks.iter().filter(|m| outage.is_none_or(|o| !o.holds(m.at))).collect();
        (facility.as_str(), counts)
    };
    question.views.recording.marks.iter().map(own).collect()
}

/// Days from the day it happened to the day of its receipt.
pub(crate) fn lag(question: &Question<'_>, mark: &Mark) -> i64 {
    question.day(mark.received_at).days_since(mark.at)
}

fn month(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for (facility, marks) in counted(question) {
        late_months(question, facility, &marks, results);
        backfills(question, facility, &marks, results);
    }
}

/// Arm a: too many late records in a month that is over.
fn late_months(question: &Question<'_>, facility: &str, marks: &[&Mark], results: &mut Results) {
    for of_month in marks.chunk_by(|a, b| month(question.day(a.received_at)) == month(question.day(b.received_at))) {
        let day = question.day(of_month[0].received_at);
        let last = Date::new(day.year(), day.month(), 1).map(|first| first.plus_months(1).plus_days(-1));
        let Some(end) = last.map(|last| question.end_of(last)).filter(|end| *end <= question.as_of()) else { continue };
        let profile = question.profile_at(end);
        let late: Vec<&&Mark> = of_month.iter().filter(|m| lag(question, m) > profile.whole(LATE_DAYS)).collect();
        let (n, all) = (late.len() as i64, of_month.len() as i64);
        let share = Ratio::new(n, all);
        if all < profile.whole(LATE_MIN_EVENTS) || share.is_none_or(|share| share <= profile.share(LATE_SHARE)) {
            continue;
        }
        let draft = Draft::new(&RULE, Breach::open(end))
            .on(facility, "", month(day))
            .arm("a")
            .marks(late.into_iter().copied())
            .detail(format!("{n} of {all} records came late"));
        results.findings.push(draft.done());
    }
}

/// Arm b: many old records within hours. One finding a month, opened by the record that completes
/// the number; one backfill that runs over midnight of a month's end is that of its first month,
/// unless the new month alone completes the number again.
fn backfills(question: &Question<'_>, facility: &str, marks: &[&Mark], results: &mut Results) {
    let old: Vec<&Mark> = marks
        .iter()
        .copied()
        .filter(|m| lag(question, m) > question.profile_at(m.received_at).whole(BACKFILL_DAYS))
        .collect();
    let mut months = BTreeSet::new();
    let mut was_complete = false;
    for (at, mark) in old.iter().enumerate() {
        let profile = question.profile_at(mark.received_at);
        let min = profile.whole(BACKFILL_MIN);
        let hours = profile.whole(BACKFILL_HOURS);
        let first = old.partition_point(|m| m.received_at < mark.received_at.plus_seconds(-hours * 3600));
        let window = &old[first..=at];
        let own_month = month(question.day(mark.received_at));
        let of_month = window.iter().filter(|m| month(question.day(m.received_at)) == own_month).count() as i64;
        let is_complete = window.len() as i64 >= min;
        if is_complete && (!was_complete || of_month >= min) && !months.contains(&own_month) {
            let beyond = old.partition_point(|m| m.received_at <= mark.received_at.plus_seconds(hours * 3600));
            let draft = Draft::new(&RULE, Breach::open(mark.received_at))
                .on(facility, "", own_month.clone())
                .arm("b")
                .marks(old[first..beyond].iter().copied())
                .detail(format!("{min} or more old records within {hours} hours"));
            results.findings.push(draft.done());
            months.insert(own_month);
        }
        was_complete = is_complete;
    }
}
