//! Counting days: coverage and periods, beside the calendar that `schemas` has for everyone. `rules/RULES.md` 1.

mod coverage;
mod period;

pub use coverage::{Base, Coverage, Gap, Restart, Seen};
pub use period::Period;
pub use schemas::calendar::{BadCalendar, Calendar, HOLIDAYS_MAX, OFFSET_MINUTES_MAX, Stops, addmonths};

#[cfg(test)]
mod tests;
