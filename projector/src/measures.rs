//! Measures: figures that anybody who holds the log can recompute. `rules/RULES.md` 4.
//!
//! A new measure is a file here (or a function in the file of its kin) and a line in [`MEASURES`].

mod decisions;
mod requests;
mod tally;
mod visits;

use schemas::time::Timestamp;

use crate::measure::Row;
use crate::profile::Profiles;
use crate::rules::{AsOfPassed, Question};
use crate::views::Views;

/// Every measure that is computed, in the order of `measures.csv`.
pub const MEASURES: &[Measure] = &[
    requests::T1,
    requests::T2,
    requests::T3,
    decisions::T4_MEDIAN,
    decisions::T4_P95,
    decisions::T5,
    decisions::T6,
    visits::T7,
];

/// One measure of `rules/RULES.md` 4.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// Its id, such as `T4.median`.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What is counted, of what, in plain words.
    pub definition: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Its rows.
    pub rows: fn(&Question<'_>) -> Vec<Row>,
}

/// All measures as of an instant, in the order of `measures.csv`.
///
/// # Errors
/// [`AsOfPassed`] where the views hold something received after `as_of`.
pub fn evaluate(views: &Views, profiles: &Profiles, as_of: Timestamp) -> Result<Vec<Row>, AsOfPassed> {
    let question = Question::new(views, profiles, as_of)?;
    Ok(answer(&question))
}

/// All measures for a question already put.
pub fn answer(question: &Question<'_>) -> Vec<Row> {
    let mut rows: Vec<Row> = MEASURES.iter().flat_map(|measure| (measure.rows)(question)).collect();
    rows.sort_by(|a, b| order(a).cmp(&order(b)));
    rows
}

/// Measures by number, then by suffix; then period, facility, dimension, key, each in byte order.
fn order(row: &Row) -> (u32, &str, &str, &str, &str, &str) {
    let (number, suffix) = row.measure.split_once('.').unwrap_or((row.measure, ""));
    let number = number.trim_start_matches('T').parse().unwrap_or(u32::MAX);
    (number, suffix, &row.period, &row.facility, row.dimension, &row.key)
}

#[cfg(test)]
mod tests;
