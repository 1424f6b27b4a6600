//! Days and instants. FORMAT.md 1.3 and 1.4.
//!
//! Three times are never mixed: `occurred_at` (claimed), `recorded_at` (the reporter's device),
//! `received_at` (the ledger's; the only one that duties count by).

use std::fmt;

use jiff::{ToSpan as _, civil};

/// A day of the Gregorian calendar, `YYYY-MM-DD`, years 0001 to 9999. FORMAT.md 1.3.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

/// An instant in whole seconds, UTC, written `YYYY-MM-DDTHH:MM:SSZ`. FORMAT.md 1.4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The first instant that can be written.
const FIRST_SECOND: i64 = -62_135_596_800;
/// The last instant that can be written.
const LAST_SECOND: i64 = 253_402_300_799;

impl Date {
    /// Reads `YYYY-MM-DD`, nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        let number = |from: usize, to: usize| {
            let digits = &bytes[from..to];
            digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0i16, |n, d| n * 10 + i16::from(d - b'0')))
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        if year < 1 {
            return None;
        }
        civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok().map(Self)
    }

    /// The day of that number in that month; `None` where the calendar has none.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        if year < 1 { None } else { civil::Date::new(year, month, day).ok().map(Self) }
    }

    /// `n` days later, or earlier where negative; stops at the ends of the calendar.
    #[must_use]
    pub fn plus_days(self, n: i64) -> Self {
        let moved = n.clamp(-7_304_483, 7_304_483).days();
        Self(self.0.saturating_add(moved)).kept()
    }

    /// `n` months later; a day that the month lacks becomes its last one.
    #[must_use]
    pub fn plus_months(self, n: i64) -> Self {
        Self(self.0.saturating_add(n.clamp(-200_000, 200_000).months())).kept()
    }

    fn kept(self) -> Self {
        let first = civil::Date::constant(1, 1, 1);
        Self(self.0.max(first))
    }

    /// Days from `earlier` to this day.
    pub fn days_since(self, earlier: Self) -> i64 {
        i64::from((self.0 - earlier.0).get_days())
    }

    /// Year, 1 to 9999.
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// Month, 1 to 12.
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// Day of the month, 1 to 31.
    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// Quarter of the year, 1 to 4.
    pub fn quarter(self) -> i8 {
        (self.0.month() - 1) / 3 + 1
    }

    /// Day of the week, Monday 0 to Sunday 6.
    pub fn weekday(self) -> u8 {
        self.0.weekday().to_monday_zero_offset() as u8
    }

    /// The first instant of the day at a fixed offset from UTC, in minutes.
    pub fn start(self, utc_offset_minutes: i32) -> Timestamp {
        let epoch = civil::Date::constant(1970, 1, 1);
        let days = i64::from((self.0 - epoch).get_days());
        Timestamp(days * 86_400 - i64::from(utc_offset_minutes) * 60)
    }

    /// The last second of the day at a fixed offset from UTC, in minutes.
    pub fn end(self, utc_offset_minutes: i32) -> Timestamp {
        Timestamp(self.start(utc_offset_minutes).0 + 86_399)
    }
}

impl Timestamp {
    /// Reads `YYYY-MM-DDTHH:MM:SSZ`, nothing else; no leap second.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 20 || bytes[10] != b'T' || bytes[13] != b':' || bytes[16] != b':' || bytes[19] != b'Z' {
            return None;
        }
        let date = Date::parse(text.get(..10)?)?;
        let number = |from: usize| {
            let (tens, ones) = (bytes[from], bytes[from + 1]);
            (tens.is_ascii_digit() && ones.is_ascii_digit())
                .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        };
        let (hour, minute, second) = (number(11)?, number(14)?, number(17)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(Self(date.start(0).0 + hour * 3600 + minute * 60 + second))
    }

    /// That many seconds after 1970-01-01T00:00:00Z; stops at the ends of the calendar.
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(FIRST_SECOND, LAST_SECOND))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// `n` seconds later, or earlier where negative; stops at the ends of the calendar.
    #[must_use]
    pub fn plus_seconds(self, n: i64) -> Self {
        Self::from_unix(self.0.saturating_add(n))
    }

    /// The day on which this instant falls at a fixed offset from UTC, in minutes.
    pub fn date(self, utc_offset_minutes: i32) -> Date {
        let local = self.0 + i64::from(utc_offset_minutes) * 60;
        Date(civil::Date::constant(1970, 1, 1)).plus_days(local.div_euclid(86_400))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.0.rem_euclid(86_400);
        write!(f, "{}T{:02}:{:02}:{:02}Z", self.date(0), second / 3600, second / 60 % 60, second % 60)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_one_spelling() {
        for good in ["0001-01-01", "2024-02-29", "9999-12-31"] {
            assert_eq!(Date::parse(good).map(|d| d.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "",
            "2025-2-01",
            "2025-02-29",
            "0000-01-01",
            "2025-13-01",
            "+025-01-01",
            "2025/01/01",
            "2025-01-01 ",
            "2025-0١-01",
        ] {
            assert_eq!(Date::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn instants_have_one_spelling() {
        for good in ["1969-12-31T23:59:59Z", "2025-06-30T22:59:59Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"] {
            assert_eq!(Timestamp::parse(good).map(|t| t.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "2025-06-30T24:00:00Z",
            "2025-06-30T23:60:00Z",
            "2025-06-30T23:59:60Z",
            "2025-06-30t23:59:59Z",
            "2025-06-30T23:59:59+00:00",
            "2025-06-30",
        ] {
            assert_eq!(Timestamp::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_day_is_local() {
        let late = Timestamp::parse("2025-06-30T23:30:00Z").unwrap();
        assert_eq!(late.date(60).to_string(), "2025-07-01");
        assert_eq!(late.date(-90).to_string(), "2025-06-30");
        let day = Date::parse("2025-07-01").unwrap();
        assert_eq!(day.start(60).to_string(), "2025-06-30T23:00:00Z");
        assert_eq!(day.end(60).to_string(), "2025-07-01T22:59:59Z");
    }

    #[test]
    fn months_clip_to_their_last_day() {
        let day = Date::parse("2025-01-31").unwrap();
        assert_eq!(day.plus_months(1).to_string(), "2025-02-28");
        assert_eq!(day.plus_months(-11).to_string(), "2024-02-29");
        assert_eq!(day.plus_days(-31).to_string(), "2024-12-31");
        assert_eq!(Date::parse("0001-01-01").unwrap().plus_days(-1).to_string(), "0001-01-01");
    }
}
