//! The measures as figures ask for them: by measure, quarter, facility and code.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::measure::{Figure, Row};

use super::text;

/// Most quarters on a page; the download holds all.
pub const QUARTERS_MAX: usize = 8;
/// Most facilities drawn in one figure; its table holds all.
pub const PANELS_MAX: usize = 12;
/// A sentence compares only facilities with at least this many cases: fewer say little.
pub const COMPARED_MIN: i64 = 5;

/// Rows by what they are about.
pub struct Series<'a> {
    rows: BTreeMap<Key<'a>, &'a Row>,
    /// The last quarters, oldest first, at most [`QUARTERS_MAX`].
    pub quarters: Vec<&'a str>,
    /// Whether earlier ones were left out.
    pub cut: bool,
    /// Facilities, those with the most requests first.
    pub facilities: Vec<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    measure: &'a str,
    period: &'a str,
    facility: &'a str,
    dimension: &'a str,
    code: &'a str,
}

/// A numerator and its denominator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Of which it holds.
    pub part: i64,
    /// Of how many.
    pub whole: i64,
}

impl Share {
    /// In per cent.
    pub fn percent(self) -> f64 {
        if self.whole == 0 { 0.0 } else { 100.0 * self.part as f64 / self.whole as f64 }
    }

    /// In whole per cent, half away from zero, as `94%`; `99%` where not quite all, `1%` where not quite none.
    pub fn rounded(self) -> String {
        let (part, whole) = (i128::from(self.part), i128::from(self.whole));
        if whole == 0 {
            return String::new();
        }
        let percent = (200 * part + whole).div_euclid(2 * whole);
        let percent = match percent {
            100 if part < whole => 99,
            0 if part > 0 => 1,
            other => other,
        };
        format!("{percent}%")
    }

    /// Whether this is the smaller share; exact.
    pub fn is_below(self, other: Self) -> bool {
        i128::from(self.part) * i128::from(other.whole) < i128::from(other.part) * i128::from(self.whole)
    }

    /// `3 of 10`.
    pub fn words(self) -> String {
        format!("{} of {}", text::count(self.part), text::count(self.whole))
    }
}

impl<'a> Series<'a> {
    /// Sorts rows into place.
    pub fn new(rows: &'a [Row]) -> Self {
        let key = |row: &'a Row| Key {
            measure: row.measure,
            period: &row.period,
            facility: &row.facility,
            dimension: row.dimension,
            code: &row.key,
        };
        let sorted: BTreeMap<_, _> = rows.iter().map(|row| (key(row), row)).collect();
        let quarters: BTreeSet<&str> =
            rows.iter().map(|row| row.period.as_str()).filter(|period| text::quarter(period).is_some()).collect();
        let cut = quarters.len() > QUARTERS_MAX;
        let quarters: Vec<&str> = quarters.into_iter().rev().take(QUARTERS_MAX).rev().collect();
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.facility.as_str()).filter(|id| !id.is_empty()).collect();
        let mut series = Self { rows: sorted, quarters, cut, facilities: Vec::new() };
        let mut facilities: Vec<&str> = ids.into_iter().collect();
        facilities.sort_by_key(|facility| (Reverse(series.sum("T1", facility, "", "")), *facility));
        series.facilities = facilities;
        series
    }

    /// The row of that measure, quarter and facility, without dimension.
    pub fn row(&self, measure: &str, period: &str, facility: &str) -> Option<&'a Row> {
        self.cell(measure, period, facility, "", "")
    }

    /// The row of that measure, quarter, facility and code.
    pub fn cell(&self, measure: &str, period: &str, facility: &str, dimension: &str, key: &str) -> Option<&'a Row> {
        self.rows.get(&Key { measure, period, facility, dimension, code: key }).copied()
    }

    /// Codes of a dimension that a measure uses in the quarters shown.
    pub fn keys(&self, measure: &str, dimension: &str) -> BTreeSet<&'a str> {
        let shown = |key: &&Key<'a>| self.quarters.contains(&key.period);
        let of = self.rows.keys().filter(|key| key.measure == measure && key.dimension == dimension);
        of.filter(shown).map(|key| key.code).collect()
    }

    /// A count, added up over the quarters shown.
    pub fn sum(&self, measure: &str, facility: &str, dimension: &str, key: &str) -> i64 {
        let rows = self.quarters.iter().filter_map(|period| self.cell(measure, period, facility, dimension, key));
        rows.filter_map(|row| match row.value {
            Figure::Whole(n) => Some(n),
            Figure::Tenths(_) => None,
        })
        .fold(0, i64::saturating_add)
    }

    /// Numerator and denominator in one quarter.
    pub fn share(&self, measure: &str, period: &str, facility: &str) -> Option<Share> {
        let row = self.row(measure, period, facility)?;
        Some(Share { part: row.numerator?, whole: row.denominator? })
    }

    /// Numerator and denominator, added up over the quarters shown.
    pub fn total(&self, measure: &str, facility: &str) -> Share {
        let shares = self.quarters.iter().filter_map(|period| self.share(measure, period, facility));
        shares.fold(Share::default(), |sum, share| Share {
            part: sum.part.saturating_add(share.part),
            whole: sum.whole.saturating_add(share.whole),
        })
    }

    /// Every row of measures that begin so, in the order of the file.
    pub fn of(&self, stem: &str) -> impl Iterator<Item = &'a Row> {
        self.rows
            .values()
            .copied()
            .filter(move |row| row.measure == stem || row.measure.starts_with(&format!("{stem}.")))
    }

    /// The last quarter.
    pub fn last(&self) -> Option<&'a str> {
        self.quarters.last().copied()
    }
}

/// The lowest of these shares, among those of enough cases; the first where several are.
pub fn lowest<T: Copy>(shares: impl IntoIterator<Item = (T, Share)>) -> Option<(T, Share)> {
    let mut found: Option<(T, Share)> = None;
    for (of, share) in shares {
        if share.whole >= COMPARED_MIN && found.is_none_or(|(_, low)| share.is_below(low)) {
            found = Some((of, share));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_quite_all_is_not_all() {
        for (part, whole, want) in [
            (0, 3, "0%"),
            (3, 3, "100%"),
            (999, 1000, "99%"),
            (1, 1000, "1%"),
            (7, 8, "88%"),
            (3, 2, "150%"),
            (0, 0, ""),
        ] {
            assert_eq!(Share { part, whole }.rounded(), want);
        }
    }

    #[test]
    fn few_cases_are_not_compared() {
        let share = |part, whole| Share { part, whole };
        assert_eq!(lowest([("a", share(0, 4)), ("b", share(4, 5)), ("c", share(9, 10))]), Some(("b", share(4, 5))));
        assert_eq!(lowest([("a", share(0, 4))]), None);
    }
}
