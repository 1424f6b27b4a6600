//! The records of an institution with what later records made of them. `projector/rules/RULES.md` 1.

use std::collections::{BTreeMap, BTreeSet};

use schemas::calendar::{Calendar, Stops};
use schemas::entry::Entry;
use schemas::time::{Date, Timestamp};
use schemas::value::Value;

use super::Windows;

/// Entries in log order, retracted ones left out, with corrections at hand.
pub(super) struct History<'a> {
    pub windows: &'a Windows,
    pub live: Vec<&'a Entry>,
    /// By address of what is corrected, in log order: the record, the field, the new value's text.
    corrections: BTreeMap<String, Vec<(&'a Entry, &'a str, &'a str)>>,
}

impl<'a> History<'a> {
    /// Of entries in any order; one that stands there twice counts once.
    pub fn new(entries: &'a [Entry], windows: &'a Windows) -> Self {
        let by_position: BTreeMap<u64, &Entry> = entries.iter().map(|entry| (entry.position, entry)).collect();
        let all: Vec<&Entry> = by_position.into_values().collect();
        let mut retracted: BTreeSet<&str> = BTreeSet::new();
        // A retraction that was itself retracted takes nothing away; targets lie before what retracts them.
        for entry in all.iter().rev().filter(|e| kind(e) == "record.retracted") {
            if !retracted.contains(entry.signed.event.address().as_str()) {
                retracted.extend(target(entry, "target"));
            }
        }
        let live: Vec<&Entry> =
            all.into_iter().filter(|e| !retracted.contains(e.signed.event.address().as_str())).collect();
        let mut corrections: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for entry in live.iter().copied().filter(|e| kind(e) == "record.corrected") {
            // All inputs of these duties are public fields.
            let new = entry.signed.event.data.get("new_value_public").and_then(|v| v.get("text")?.as_text());
            if let (Some(of), Some(field), Some(new)) = (target(entry, "target"), text(entry, "field_name"), new) {
                corrections.entry(of.to_owned()).or_default().push((entry, field, new));
            }
        }
        Self { windows, live, corrections }
    }

    /// Records of a kind, in log order.
    pub fn all(&self, wanted: &'static str) -> impl DoubleEndedIterator<Item = &'a Entry> + '_ {
        self.live.iter().copied().filter(move |e| kind(e) == wanted)
    }

    /// Records of a kind whose ref of that name is a record's own id.
    pub fn of<'h>(
        &'h self,
        wanted: &'static str,
        reference: &'static str,
        record: &'h Entry,
    ) -> impl Iterator<Item = &'a Entry> + 'h {
        let id = record.signed.event.id.as_deref();
        self.all(wanted).filter(move |e| id.is_some() && target(e, reference) == id)
    }

    /// val(e, f, t), as text: the value after the corrections received by `t`.
    pub fn value(&self, record: &'a Entry, field: &str, t: Timestamp) -> Option<String> {
        let corrections = self.corrections.get(&record.signed.event.address());
        let corrected = corrections.and_then(|all| {
            all.iter().rev().find(|(by, name, _)| *name == field && by.received_at <= t).map(|(_, _, new)| *new)
        });
        corrected.map(str::to_owned).or_else(|| match record.signed.event.data.get(field)? {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        })
    }

    /// A day, as it was known at `t`.
    pub fn date(&self, record: &'a Entry, field: &str, t: Timestamp) -> Option<Date> {
        Date::parse(&self.value(record, field, t)?)
    }

    /// An instant, as it was known at `t`.
    pub fn time(&self, record: &'a Entry, field: &str, t: Timestamp) -> Option<Timestamp> {
        Timestamp::parse(&self.value(record, field, t)?)
    }

    /// The local day of an instant.
    pub fn day(&self, t: Timestamp) -> Date {
        self.windows.calendar.day(t)
    }

    /// The local day of a record's receipt.
    pub fn received_on(&self, record: &Entry) -> Date {
        self.day(record.received_at)
    }

    /// The due day of a duty under corrections: computed with the values at the trigger's receipt; a later
    /// correction of an input that comes by the due day then in force moves it, never before itself.
    pub fn due(
        &self,
        trigger: &Entry,
        inputs: &[(&'a Entry, &str)],
        compute: impl Fn(Timestamp) -> Option<Date>,
    ) -> Option<Date> {
        let mut due = compute(trigger.received_at);
        let of = |record: &Entry| self.corrections.get(&record.signed.event.address()).into_iter().flatten();
        let mut corrections: Vec<&Entry> = inputs
            .iter()
            .flat_map(|(record, field)| of(record).filter(move |(_, name, _)| name == field))
            .map(|(by, ..)| *by)
            .filter(|by| by.position > trigger.position)
            .collect();
        corrections.sort_by_key(|by| by.position);
        for correction in corrections {
            let day = self.received_on(correction);
            if due.is_none_or(|due| day <= due) {
                due = compute(correction.received_at).map(|again| again.max(day));
            }
        }
        due
    }

    /// Guard F: the days on which the clocks of a facility stand still.
    pub fn stops(&self, facility: &str, as_of: Timestamp) -> Stops {
        let grace = self.windows.outage_grace_hours * 3600;
        let own = |kind| self.all(kind).filter(|e| text(e, "facility") == Some(facility));
        let mut statuses: Vec<(Timestamp, &Entry, String)> = own("facility.status.changed")
            .filter_map(|e| Some((self.time(e, "from", as_of)?, e, self.value(e, "status", as_of)?)))
            .collect();
        statuses.sort_by_key(|(from, e, _)| (*from, e.position));
        let mut ranges = Vec::new();
        for (at, (from, record, status)) in statuses.iter().enumerate() {
            if !self.windows.emergency_statuses.contains(status) {
                continue;
            }
            let from = (*from).max(record.received_at.plus_seconds(-grace));
            let next = statuses.get(at + 1).map(|(next, ..)| next.plus_seconds(-1));
            let until = self.time(record, "until", as_of).or(next);
            if until.is_none_or(|until| from <= until) {
                ranges.push((self.day(from), until.map(|until| self.day(until))));
            }
        }
        for outage in own("outage.declared") {
            let Some(from) = self.time(outage, "from", as_of) else { continue };
            let ended = || self.of("outage.ended", "outage", outage).find_map(|e| self.time(e, "ended_at", as_of));
            let until = self.time(outage, "until", as_of).or_else(ended).unwrap_or(as_of).plus_seconds(grace);
            if outage.received_at <= until && from <= until {
                ranges.push((self.day(from), Some(self.day(until))));
            }
        }
        Stops::of(ranges)
    }

    /// The days that clarifications stop for a request, with what was known at `t` of whether they do.
    pub fn tolled(
        &self,
        request: &Entry,
        clarifications: &[&'a Entry],
        t: Timestamp,
        as_of: Timestamp,
    ) -> BTreeSet<Date> {
        let days = usize::try_from(self.windows.toll_cap_days).unwrap_or_default();
        let times = usize::try_from(self.windows.toll_cap_times).unwrap_or_default();
        let tolls = |c: &&&'a Entry| self.value(c, "tolls", t.max(c.received_at)).is_some_and(|truth| truth == "true");
        let mut all = BTreeSet::new();
        for clarification in clarifications.iter().filter(tolls).take(times) {
            debug_assert_eq!(target(clarification, "request"), request.signed.event.id.as_deref());
            let supplied = self.of("access.clarification.supplied", "clarification", clarification).next();
            let last = supplied.map_or(self.day(as_of), |s| self.received_on(s));
            let mut day = self.received_on(clarification).plus_days(1);
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

    /// The n-th running day after a record's receipt.
    pub fn days_after(&self, record: &Entry, days: i64, stops: &Stops) -> Option<Date> {
        Calendar::due(self.received_on(record), days, stops)
    }
}

/// Its type.
pub(super) fn kind(entry: &Entry) -> &str {
    &entry.signed.event.kind
}

/// A public text.
pub(super) fn text<'a>(entry: &'a Entry, field: &str) -> Option<&'a str> {
    entry.signed.event.text(field)
}

/// The one target of a ref.
pub(super) fn target<'a>(entry: &'a Entry, reference: &str) -> Option<&'a str> {
    entry.signed.event.refs.get(reference)?.targets().first().map(String::as_str)
}
