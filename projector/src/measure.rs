//! A row of `measures.csv`. `rules/RULES.md` 4.

/// A printed figure: exact integers, or tenths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// A count or a sum.
    Whole(i64),
    /// A rate, a median or a percentile: one decimal, in tenths.
    Tenths(i64),
}

/// One figure of one measure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Measure, such as `T4.median`.
    pub measure: &'static str,
    /// Period, such as `2025-Q3`.
    pub period: String,
    /// Facility, or empty for the nation.
    pub facility: String,
    /// Dimension, such as `purpose`, or empty.
    pub dimension: &'static str,
    /// Key in the dimension, or empty.
    pub key: String,
    /// The figure.
    pub value: Figure,
    /// Numerator of a rate.
    pub numerator: Option<i64>,
    /// Denominator of a rate, n of a median.
    pub denominator: Option<i64>,
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Whole(n) => write!(f, "{n}"),
            Self::Tenths(n) => {
                let sign = if n < 0 { "-" } else { "" };
                write!(f, "{sign}{}.{}", n.unsigned_abs() / 10, n.unsigned_abs() % 10)
            }
        }
    }
}
