//! An instant that may be known only by its day.

use schemas::time::{Date, Timestamp};

use super::Question;
use crate::views::{Filed, Known};

/// From when to when an instant may lie; both the same where it is known exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    first: Timestamp,
    last: Timestamp,
}

/// Whether something holds, as far as we can know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holds {
    /// It does not.
    No,
    /// It may or may not: the exact instants are hidden.
    Perhaps,
    /// It does.
    Yes,
}

impl Span {
    /// The instant in a restricted field; where that is hidden, the public day on which it lies.
    /// `None` where it has none.
    pub fn of<'a>(question: &Question<'a>, record: &'a Filed, field: &str, day: Option<Date>) -> Option<Self> {
        match question.value(record, field) {
            Known::Value(value) => {
                let exact = Timestamp::parse(value.as_text()?)?;
                Some(Self { first: exact, last: exact })
            }
            Known::Hidden(_) => day.map(|day| Self { first: question.start_of(day), last: question.end_of(day) }),
            Known::Absent => None,
        }
    }

    /// Whether `t` is no later than `hours` before it.
    pub fn is_preceded_by(self, t: Timestamp, hours: i64) -> Holds {
        let before = |instant: Timestamp| t <= instant.plus_seconds(-hours * 3600);
        Holds::between(before(self.first), before(self.last))
    }

    /// Whether the two lie at most `hours` apart.
    pub fn is_within(self, other: Self, hours: i64) -> Holds {
        let seconds = hours * 3600;
        let apart = |a: Timestamp, b: Timestamp| a.unix() - b.unix();
        let least = apart(other.first, self.last).max(apart(self.first, other.last)).max(0);
        let most = apart(other.last, self.first).max(apart(self.last, other.first));
        Holds::between(most <= seconds, least <= seconds)
    }
}

impl Holds {
    /// Holds for certain, or at best.
    fn between(certainly: bool, possibly: bool) -> Self {
        match (certainly, possibly) {
            (true, _) => Self::Yes,
            (false, true) => Self::Perhaps,
            (false, false) => Self::No,
        }
    }

    /// Both at once.
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }
}
