//! Quarters, halves and years. `rules/RULES.md` 1 "Evaluation points" and 4 "Common".

use std::fmt;

use schemas::time::Date;

/// A calendar period: `2025-Q3`, `2025-H2` or `2025`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    year: i16,
    /// First month, 1 to 12.
    month: i8,
    /// Length: 3, 6 or 12.
    months: i8,
}

impl Period {
    /// The quarter in which a day lies.
    pub fn quarter(day: Date) -> Self {
        Self::of(day, 3)
    }

    /// The half-year in which a day lies.
    pub fn half(day: Date) -> Self {
        Self::of(day, 6)
    }

    /// The year in which a day lies.
    pub fn year(day: Date) -> Self {
        Self::of(day, 12)
    }

    fn of(day: Date, months: i8) -> Self {
        Self { year: day.year(), month: (day.month() - 1) / months * months + 1, months }
    }

    /// Its first day.
    pub fn first_day(self) -> Date {
        Date::new(self.year, self.month, 1).expect("years and months of a Date make a Date")
    }

    /// Its last day.
    pub fn last_day(self) -> Date {
        self.first_day().plus_months(i64::from(self.months)).plus_days(-1)
    }

    /// Whether a day lies in it.
    pub fn holds(self, day: Date) -> bool {
        Self::of(day, self.months) == self
    }

    /// The period after it, of the same length.
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(self.first_day().plus_months(i64::from(self.months)), self.months)
    }

    /// The periods of this length, from the one in which `from` lies, whose last day lies in `from..=to`.
    pub fn listed(self, to: Date) -> Vec<Self> {
        let mut all = Vec::new();
        let mut one = self;
        while one.last_day() <= to && all.last() != Some(&one) {
            all.push(one);
            one = one.next();
        }
        all
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let year = self.year;
        match self.months {
            3 => write!(f, "{year:04}-Q{}", (self.month - 1) / 3 + 1),
            6 => write!(f, "{year:04}-H{}", (self.month - 1) / 6 + 1),
            _ => write!(f, "{year:04}"),
        }
    }
}
