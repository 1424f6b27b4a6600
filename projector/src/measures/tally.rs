//! Sorting what is counted into quarters and places.

use std::collections::{BTreeMap, BTreeSet};

use schemas::time::Date;

use crate::calendar::Period;
use crate::measure::{Figure, Row};
use crate::ratio::Ratio;
use crate::rules::Question;

/// Things counted, by quarter and place; the nation is the empty place.
pub(super) struct Tally<T> {
    measure: &'static str,
    cells: BTreeMap<(Period, String), Vec<T>>,
    periods: Vec<Period>,
    places: BTreeSet<String>,
}

impl<T: Clone> Tally<T> {
    /// An empty tally over the quarters that are over, and over every facility registered.
    pub fn new(question: &Question<'_>, measure: &'static str) -> Self {
        let registered = question.all(&question.views.facilities.registered);
        let mut places: BTreeSet<String> = registered.map(|r| question.facility(r).to_owned()).collect();
        places.insert(String::new());
        let periods = Period::quarter(question.genesis()).listed(question.today());
        Self { measure, cells: BTreeMap::new(), periods, places }
    }

    /// Counts something at a facility, and in the nation.
    pub fn add(&mut self, day: Date, facility: &str, thing: T) {
        let period = Period::quarter(day);
        for place in if facility.is_empty() { vec![""] } else { vec![facility, ""] } {
            self.places.insert(place.to_owned());
            self.cells.entry((period, place.to_owned())).or_default().push(thing.clone());
        }
    }

    /// A row for each quarter and place, as `figure` makes it of the things counted there; none where it says none.
    pub fn rows(self, figure: impl Fn(&mut Vec<T>) -> Option<Cell>) -> Vec<Row> {
        self.keyed(|things| figure(things).map(|cell| ("", String::new(), cell)).into_iter().collect())
    }

    /// Rows for each quarter and place, each with a dimension and a key.
    pub fn keyed(mut self, figures: impl Fn(&mut Vec<T>) -> Vec<(&'static str, String, Cell)>) -> Vec<Row> {
        let mut rows = Vec::new();
        for period in &self.periods {
            for place in &self.places {
                let mut things = self.cells.remove(&(*period, place.clone())).unwrap_or_default();
                rows.extend(figures(&mut things).into_iter().map(|(dimension, key, cell)| Row {
                    measure: self.measure,
                    period: period.to_string(),
                    facility: place.clone(),
                    dimension,
                    key,
                    value: cell.value,
                    numerator: cell.numerator,
                    denominator: cell.denominator,
                }));
            }
        }
        rows
    }
}

impl Tally<String> {
    /// The count of each place, and the count of each key that occurs.
    pub fn counts_by(self, dimension: &'static str) -> Vec<Row> {
        self.keyed(|keys| {
            let mut counts: BTreeMap<&String, i64> = BTreeMap::new();
            for key in keys.iter() {
                *counts.entry(key).or_default() += 1;
            }
            let all = ("", String::new(), Cell::count(keys.len() as i64));
            let by_key = counts.into_iter().filter(|(key, _)| !key.is_empty());
            std::iter::once(all).chain(by_key.map(|(key, n)| (dimension, key.clone(), Cell::count(n)))).collect()
        })
    }
}

/// A figure with what it was made of.
pub(super) struct Cell {
    value: Figure,
    numerator: Option<i64>,
    denominator: Option<i64>,
}

impl Cell {
    /// A plain count.
    pub fn count(n: i64) -> Self {
        Self { value: Figure::Whole(n), numerator: None, denominator: None }
    }

    /// A rate in percent; `None` of nothing.
    pub fn rate(numerator: i64, denominator: i64) -> Option<Self> {
        let percent = Ratio::new(numerator.checked_mul(100)?, denominator)?;
        let value = Figure::Tenths(percent.tenths());
        Some(Self { value, numerator: Some(numerator), denominator: Some(denominator) })
    }

    /// A median or percentile of n values; `None` of nothing.
    pub fn of_values(value: Option<Ratio>, n: usize) -> Option<Self> {
        Some(Self { value: Figure::Tenths(value?.tenths()), numerator: None, denominator: Some(n as i64) })
    }
}
