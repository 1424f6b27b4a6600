//! A question with a date: what a rule may know when it judges.

use std::collections::BTreeMap;

use schemas::time::{Date, Timestamp};
use schemas::value::Value;

use super::duty::{Answer, Breach, Judged};
use super::stopped;
use crate::calendar::{Calendar, Stops};
use crate::finding::Status;
use crate::profile::{Note, Profile, Profiles, Timeline};
use crate::views::{ByCase, Filed, Known, Shelf, Views};

/// Why nothing can be judged at an instant. The *operator* must fold only what was received by then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "asked as of {as_of}, but the log was folded up to {head}; nothing after as_of may be looked at, so fold less or ask later"
)]
pub struct AsOfPassed {
    /// The instant asked for.
    pub as_of: Timestamp,
    /// Receipt of the last event folded.
    pub head: Timestamp,
}

static NEVER: Stops = Stops::NONE;

/// The views at an instant, with the profiles in force.
#[derive(Debug)]
pub struct Question<'a> {
    /// The views, folded up to `as_of`.
    pub views: &'a Views,
    as_of: Timestamp,
    timeline: Timeline,
    calendar: Calendar,
    today: Date,
    genesis: Date,
    stops: BTreeMap<String, Stops>,
    emergencies: BTreeMap<String, Stops>,
}

impl<'a> Question<'a> {
    /// Asks as of an instant, no later than the log's last seal and no earlier than its last event folded.
    ///
    /// # Errors
    /// [`AsOfPassed`] where the views already hold something received later.
    pub fn new(views: &'a Views, profiles: &Profiles, as_of: Timestamp) -> Result<Self, AsOfPassed> {
        if let Some((_, head)) = views.head().filter(|(_, head)| *head > as_of) {
            return Err(AsOfPassed { as_of, head });
        }
        let timeline = profiles.timeline(&views.adoptions.all(&views.amendments));
        // Local days are counted in one offset throughout, that of the profile in force at as_of:
        // the offset is fixed, and two of them at once would give one instant two days.
        let calendar = timeline.at(as_of).calendar().clone();
        let today = calendar.day(as_of);
        let genesis = calendar.day(views.genesis().unwrap_or(as_of));
        let mut question = Self {
            views,
            as_of,
            timeline,
            calendar,
            today,
            genesis,
            stops: BTreeMap::new(),
            emergencies: BTreeMap::new(),
        };
        let found = stopped::of_all(&question);
        (question.stops, question.emergencies) = (found.all, found.emergencies);
        Ok(question)
    }

    /// The instant of evaluation.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The local day of evaluation.
    pub fn today(&self) -> Date {
        self.today
    }

    /// The local day of the log's first event. No rule assumes anything before it.
    pub fn genesis(&self) -> Date {
        self.genesis
    }

    /// day(t).
    pub fn day(&self, t: Timestamp) -> Date {
        self.calendar.day(t)
    }

    /// day of the receipt of a record.
    pub fn received_on(&self, record: &Filed) -> Date {
        self.day(record.received_at())
    }

    /// 00:00:00 local of a day.
    pub fn start_of(&self, day: Date) -> Timestamp {
        self.calendar.start(day)
    }

    /// 23:59:59 local of a day.
    pub fn end_of(&self, day: Date) -> Timestamp {
        self.calendar.end(day)
    }

    /// The profile in force at an instant, usually the receipt of a trigger.
    pub fn profile_at(&self, t: Timestamp) -> &Profile {
        self.timeline.at(t)
    }

    /// What readers must be told about the profiles used.
    pub fn notes(&self) -> &[Note] {
        self.timeline.notes()
    }

    /// Guard F: the days stopped for a facility.
    pub fn stops(&self, facility: &str) -> &Stops {
        self.stops.get(facility).unwrap_or(&NEVER)
    }

    /// The stopped days of kind (a) alone: a declared emergency or closure.
    pub fn emergencies(&self, facility: &str) -> &Stops {
        self.emergencies.get(facility).unwrap_or(&NEVER)
    }

    /// The live records of a shelf, in log order.
    pub fn all(&self, shelf: &'a Shelf) -> impl DoubleEndedIterator<Item = &'a Filed> + use<'a> {
        shelf.live(&self.views.amendments)
    }

    /// The live records of a case, in log order.
    pub fn of(&self, cases: &'a ByCase, case: &str) -> impl DoubleEndedIterator<Item = &'a Filed> + use<'a> {
        self.all(cases.of(case))
    }

    /// The live records of the case that a record creates.
    pub fn of_own(&self, cases: &'a ByCase, record: &Filed) -> impl DoubleEndedIterator<Item = &'a Filed> + use<'a> {
        self.of(cases, record.id().unwrap_or_default())
    }

    /// val(e, f, t).
    pub fn value_at(&self, record: &'a Filed, field: &str, t: Timestamp) -> Known<'a> {
        self.views.amendments.value(record, field, t)
    }

    /// The value of a field as of the evaluation.
    pub fn value(&self, record: &'a Filed, field: &str) -> Known<'a> {
        self.value_at(record, field, self.as_of)
    }

    /// A string as of the evaluation: a code, a party.
    pub fn text(&self, record: &'a Filed, field: &str) -> Option<&'a str> {
        self.value(record, field).value()?.as_text()
    }

    /// Whether a field has this string as of the evaluation.
    pub fn is(&self, record: &'a Filed, field: &str, text: &str) -> bool {
        self.text(record, field) == Some(text)
    }

    /// A truth value as of the evaluation.
    pub fn flag(&self, record: &'a Filed, field: &str) -> Option<bool> {
        self.value(record, field).value()?.as_bool()
    }

    /// A number as of the evaluation.
    pub fn number(&self, record: &'a Filed, field: &str) -> Option<i64> {
        self.value(record, field).value()?.as_integer()
    }

    /// A day as of the evaluation.
    pub fn date(&self, record: &'a Filed, field: &str) -> Option<Date> {
        Date::parse(self.text(record, field)?)
    }

    /// A truth value as it was known at an instant.
    pub fn flag_at(&self, record: &'a Filed, field: &str, t: Timestamp) -> Option<bool> {
        self.value_at(record, field, t).value()?.as_bool()
    }

    /// A string as it was known at an instant.
    pub fn text_at(&self, record: &'a Filed, field: &str, t: Timestamp) -> Option<&'a str> {
        self.value_at(record, field, t).value()?.as_text()
    }

    /// A day as it was known at an instant.
    pub fn date_at(&self, record: &'a Filed, field: &str, t: Timestamp) -> Option<Date> {
        Date::parse(self.text_at(record, field, t)?)
    }

    /// An instant as of the evaluation.
    pub fn time(&self, record: &'a Filed, field: &str) -> Option<Timestamp> {
        Timestamp::parse(self.text(record, field)?)
    }

    /// The strings of a list as of the evaluation.
    pub fn list(&self, record: &'a Filed, field: &str) -> Vec<&'a str> {
        let items = self.value(record, field).value().and_then(Value::as_list).unwrap_or_default();
        items.iter().filter_map(Value::as_text).collect()
    }

    /// facility(e), by its own field.
    pub fn facility(&self, record: &'a Filed) -> &'a str {
        self.text(record, "facility").unwrap_or_default()
    }

    /// organisation(e), by its own field.
    pub fn organisation(&self, record: &'a Filed) -> &'a str {
        self.text(record, "organisation").unwrap_or_default()
    }

    /// The due day of a duty under corrections. `rules/RULES.md` 1, "Correction" (1): computed with the
    /// values at the trigger's receipt; a later correction of an input that is received by the due
    /// day then in force moves it, but never before the correction itself.
    pub fn due(
        &self,
        trigger: &Filed,
        inputs: &[(&'a Filed, &str)],
        compute: impl Fn(Timestamp) -> Option<Date>,
    ) -> Option<Date> {
        let mut due = compute(trigger.received_at());
        let mut corrections: Vec<&Filed> = inputs
            .iter()
            .flat_map(|(record, field)| self.views.amendments.of(record).filter(|c| c.field == *field))
            .map(|c| &c.record)
            .filter(|c| c.position() > trigger.position())
            .collect();
        corrections.sort_by_key(|c| c.position());
        for correction in corrections {
            let day = self.received_on(correction);
            if due.is_none_or(|due| day <= due) {
                due = compute(correction.received_at()).map(|again| again.max(day));
            }
        }
        due
    }

    /// Judges a duty: the first act that meets it against the last day in time. `None` for a due
    /// day that never comes.
    pub fn judge(&self, due: Option<Date>, answer: Option<Answer>) -> Judged {
        let (due, answer) = match (due, answer) {
            (None, Some(_)) => return Judged::InTime,
            (None, None) => return Judged::Pending,
            (Some(due), answer) => (due, answer),
        };
        match answer {
            Some(answer) if self.day(answer.received_at) <= due => Judged::InTime,
            Some(answer) => {
                let status = if answer.claimed <= due { Status::LateRecorded } else { Status::Late };
                Judged::Breach(Breach { opened_at: self.opening(due), status, closed_at: Some(answer.received_at) })
            }
            None if self.today > due => {
                Judged::Breach(Breach { opened_at: self.opening(due), status: Status::Open, closed_at: None })
            }
            None => Judged::Pending,
        }
    }

    /// When a breach of a duty due on that day opens: 00:00:00 local of the day after.
    pub fn opening(&self, due: Date) -> Timestamp {
        self.start_of(due.plus_days(1))
    }
}
