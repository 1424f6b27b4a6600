//! Days on which a clock stands still. `projector/rules/RULES.md` 1, "Stopped days" and "Tolling".

use crate::time::Date;

/// Ranges of stopped days, sorted, disjoint and not adjacent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stops {
    /// First and last day; `None` for ever.
    ranges: Vec<(Date, Option<Date>)>,
}

impl Stops {
    /// No stopped day.
    pub const NONE: Self = Self { ranges: Vec::new() };

    /// The union of these ranges, both ends inclusive; a range that ends before it begins is empty.
    pub fn of(ranges: impl IntoIterator<Item = (Date, Option<Date>)>) -> Self {
        let mut all: Vec<_> = ranges.into_iter().filter(|(from, to)| to.is_none_or(|to| *from <= to)).collect();
        all.sort_unstable_by_key(|(from, _)| *from);
        let mut ranges: Vec<(Date, Option<Date>)> = Vec::new();
        for (from, to) in all {
            match ranges.last_mut() {
                Some((_, None)) => break,
                Some((_, Some(last))) if from <= last.plus_days(1) => {
                    let longer = to.is_none_or(|to| to > *last);
                    if longer {
                        ranges.last_mut().expect("just matched").1 = to;
                    }
                }
                _ => ranges.push((from, to)),
            }
        }
        Self { ranges }
    }

    /// These days and single other ones.
    #[must_use]
    pub fn and_days(&self, days: impl IntoIterator<Item = Date>) -> Self {
        Self::of(self.ranges.iter().copied().chain(days.into_iter().map(|d| (d, Some(d)))))
    }

    /// Whether the day is stopped.
    pub fn holds(&self, day: Date) -> bool {
        self.range_of(day).is_some()
    }

    /// The first running day on or after `day`; `None` where there is none.
    pub fn next_running(&self, day: Date) -> Option<Date> {
        match self.range_of(day) {
            None => Some(day),
            Some((_, to)) => to.map(|to| to.plus_days(1)),
        }
    }

    /// The ranges, first and last day; `None` for ever.
    pub fn ranges(&self) -> &[(Date, Option<Date>)] {
        &self.ranges
    }

    fn range_of(&self, day: Date) -> Option<(Date, Option<Date>)> {
        let begun = self.ranges.partition_point(|(from, _)| *from <= day);
        let range = self.ranges[begun.checked_sub(1)?];
        range.1.is_none_or(|to| day <= to).then_some(range)
    }
}
