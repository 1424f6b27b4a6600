//! Counting days: local days, working days, due days. `projector/rules/RULES.md` 1.
//!
//! Rules judge by it, and the desk of an institution says by it what is owed and until when: one
//! calendar, so that the two never differ.

mod stops;

use std::collections::BTreeSet;

use crate::time::{Date, Timestamp};

pub use stops::Stops;

/// Furthest offset from UTC, in minutes either way: 18 hours, as ISO 8601 tools accept.
pub const OFFSET_MINUTES_MAX: i64 = 18 * 60;
/// Most holidays of a calendar.
pub const HOLIDAYS_MAX: usize = 10_000;

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// The calendar of a jurisdiction: a fixed offset from UTC, a weekend, holidays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    utc_offset_minutes: i32,
    weekend: [bool; 7],
    holidays: BTreeSet<Date>,
}

/// Why parts do not make a calendar.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCalendar {
    /// An offset that no place has.
    #[error("an offset of {found} minutes; at most {OFFSET_MINUTES_MAX} either way")]
    Offset {
        /// The offset, in minutes.
        found: i64,
    },
    /// Not the name of a weekday.
    #[error("{found:?} is no weekday; write one of mon tue wed thu fri sat sun")]
    Weekday {
        /// What stands there.
        found: String,
    },
    /// A week without a working day, in which no working-day duty could ever fall due.
    #[error("the weekend takes all seven days")]
    NoWorkingDay,
    /// Not a day.
    #[error("{found:?} is no day such as 2025-05-01")]
    Holiday {
        /// What stands there.
        found: String,
    },
    /// Too many of them.
    #[error("{found} holidays; at most {HOLIDAYS_MAX}")]
    TooManyHolidays {
        /// How many.
        found: usize,
    },
}

impl Calendar {
    /// A calendar of an offset in minutes, weekdays such as `sat`, and days such as `2025-05-01`.
    ///
    /// # Errors
    /// [`BadCalendar`] names the part that is wrong.
    pub fn new(utc_offset_minutes: i64, weekend: &[String], holidays: &[String]) -> Result<Self, BadCalendar> {
        let offset = i32::try_from(utc_offset_minutes).ok().filter(|m| i64::from(m.abs()) <= OFFSET_MINUTES_MAX);
        let utc_offset_minutes = offset.ok_or(BadCalendar::Offset { found: utc_offset_minutes })?;
        let mut week = [false; 7];
        for name in weekend {
            let at =
                WEEKDAYS.iter().position(|w| w == name).ok_or_else(|| BadCalendar::Weekday { found: name.clone() })?;
            week[at] = true;
        }
        if week == [true; 7] {
            return Err(BadCalendar::NoWorkingDay);
        }
        if holidays.len() > HOLIDAYS_MAX {
            return Err(BadCalendar::TooManyHolidays { found: holidays.len() });
        }
        let one = |text: &String| Date::parse(text).ok_or_else(|| BadCalendar::Holiday { found: text.clone() });
        let holidays = holidays.iter().map(one).collect::<Result<_, _>>()?;
        Ok(Self { utc_offset_minutes, weekend: week, holidays })
    }

    /// The same weekend and holidays at another offset from UTC, in minutes.
    ///
    /// # Errors
    /// [`BadCalendar::Offset`] if no place has it.
    pub fn at_offset(&self, utc_offset_minutes: i32) -> Result<Self, BadCalendar> {
        let offset = Self::new(i64::from(utc_offset_minutes), &[], &[])?.utc_offset_minutes;
        Ok(Self { utc_offset_minutes: offset, ..self.clone() })
    }

    /// The offset from UTC, in minutes.
    pub fn utc_offset_minutes(&self) -> i32 {
        self.utc_offset_minutes
    }

    /// The local day of an instant.
    pub fn day(&self, t: Timestamp) -> Date {
        t.date(self.utc_offset_minutes)
    }

    /// 00:00:00 local of a day.
    pub fn start(&self, day: Date) -> Timestamp {
        day.start(self.utc_offset_minutes)
    }

    /// 23:59:59 local of a day.
    pub fn end(&self, day: Date) -> Timestamp {
        day.end(self.utc_offset_minutes)
    }

    /// Whether the day is neither of the weekend nor a holiday.
    pub fn is_working(&self, day: Date) -> bool {
        !self.weekend[usize::from(day.weekday() % 7)] && !self.holidays.contains(&day)
    }

    /// The `n`-th running day after `from`; `None` where time stands still for ever before it.
    pub fn due(from: Date, n: i64, stops: &Stops) -> Option<Date> {
        (0..n).try_fold(from, |day, _| stops.next_running(day.plus_days(1)))
    }

    /// The `n`-th running working day after `from`; `None` where time stands still for ever before it.
    pub fn due_working(&self, from: Date, n: i64, stops: &Stops) -> Option<Date> {
        let mut day = from;
        for _ in 0..n {
            day = stops.next_running(day.plus_days(1))?;
            while !self.is_working(day) {
                let next = stops.next_running(day.plus_days(1))?;
                if next == day {
                    return None; // the end of the calendar
                }
                day = next;
            }
        }
        Some(day)
    }
}

/// `n` months after a day; a day that the month lacks becomes its last one. `rules/RULES.md` 1, "Coverage rules".
pub fn addmonths(day: Date, n: i64) -> Date {
    day.plus_months(n)
}
