//! The one file that asks what time it is.

use std::time::{SystemTime, UNIX_EPOCH};

use schemas::time::Timestamp;

/// Where `received_at` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The times that a replay brings with its rows; a row without one is received at this instant.
    Virtual(Timestamp),
}

impl Clock {
    /// Now, in whole seconds.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Virtual(instant) => instant,
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
            }
        }
    }
}
