//! "No X within n months" at a facility. `rules/RULES.md` 1, "Coverage rules".

use std::collections::BTreeSet;

use schemas::time::Date;

use super::{Answer, Breach, Question, stopped};
use crate::calendar::{Base, Coverage, Restart, Seen};
use crate::profile::Profile;
use crate::views::Filed;

/// A facility for which something must come again and again.
pub(crate) struct Covered<'a> {
    /// Its id.
    pub facility: &'a str,
    registration: &'a Filed,
    start: Date,
    restarts: Vec<(Restart, &'a Filed)>,
}

/// A window in which it did not come.
pub(crate) struct Missed<'a> {
    /// The day from which the window is counted; the first that counts is the day after.
    pub base: Date,
    /// The last day in time.
    pub due: Date,
    /// How the breach stands.
    pub breach: Breach,
    /// The record before and the record after the gap.
    pub around: Vec<&'a Filed>,
}

/// Every facility registered, once, with the day from which it counts.
pub(crate) fn facilities<'a>(question: &Question<'a>) -> Vec<Covered<'a>> {
    let mut seen = BTreeSet::new();
    let one = |registration: &'a Filed| {
        let facility = question.facility(registration);
        if !seen.insert(facility) {
            return None;
        }
        let opened = question.date(registration, "opened_on").unwrap_or(question.genesis());
        let start = opened.max(question.genesis());
        Some(Covered { facility, registration, start, restarts: stopped::restarts(question, facility) })
    };
    question.all(&question.views.facilities.registered).filter_map(one).collect()
}

impl<'a> Covered<'a> {
    /// The windows of a number of months in which none of `records` came in time. Each record
    /// comes with the day that it claims. The number is that of the profile in force when the
    /// window's base was received: the registration, the re-opening, the record before.
    pub fn missed(
        &self,
        question: &Question<'a>,
        records: &[(&'a Filed, Date)],
        months: impl Fn(&Profile) -> i64,
    ) -> Vec<Missed<'a>> {
        let seen: Vec<_> =
            records.iter().map(|(r, claimed)| Seen { received: question.received_on(r), claimed: *claimed }).collect();
        let restarts: Vec<_> = self.restarts.iter().map(|(restart, _)| *restart).collect();
        let base_record = |base| match base {
            Base::Start(_) => self.registration,
            Base::Restart(number, _) => self.restarts[number].1,
            Base::After(number, _) => records[number].0,
        };
        let coverage = Coverage { start: self.start, restarts: &restarts, seen: &seen, today: question.today() };
        let gaps =
            coverage.gaps(|base| Some(base.plus_months(months(question.profile_at(base_record(base).received_at())))));
        let missed = |gap: &crate::calendar::Gap| {
            let ended = gap.ended_by.map(|number| records[number]);
            let answer = ended.map(|(r, claimed)| Answer { received_at: r.received_at(), claimed });
            let breach = question.judge(Some(gap.due), answer).breach()?;
            let around = [Some(base_record(gap.base)), ended.map(|(r, _)| r)].into_iter().flatten().collect();
            Some(Missed { base: gap.base.day(), due: gap.due, breach, around })
        };
        gaps.iter().filter_map(missed).collect()
    }
}
