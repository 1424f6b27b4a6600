//! The one file that asks what time it is.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use schemas::time::Timestamp;

use crate::files;

/// Where `received_at` comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// The times that a replay brings with its rows; a row without one is received at this instant.
    Virtual(Timestamp),
    /// A clock that somebody sets by hand, as a machine's clock can be set: for tests.
    Hands(&'static Hands),
}

/// The hands of a clock, and how long it has run.
#[derive(Debug)]
pub struct Hands(AtomicI64, AtomicI64);

impl Hands {
    /// Hands at an instant. They stay for as long as the process does.
    pub fn at(instant: Timestamp) -> &'static Self {
        Box::leak(Box::new(Self(AtomicI64::new(instant.unix()), AtomicI64::new(0))))
    }

    /// Lets them run on to an instant; or sets them back.
    pub fn set(&self, instant: Timestamp) {
        let before = self.0.swap(instant.unix(), Ordering::SeqCst);
        self.1.fetch_add((instant.unix() - before).max(0), Ordering::SeqCst);
    }

    /// Sets them, as somebody sets a clock while it runs.
    pub fn jump(&self, instant: Timestamp) {
        self.0.store(instant.unix(), Ordering::SeqCst);
    }
}

/// An instant in the form of the header field `Date`. RFC 9110 5.6.7.
pub fn http_date(at: Timestamp) -> String {
    let seconds = u64::try_from(at.unix()).unwrap_or_default();
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// How long the machine has run, its sleep included, where the system says so; else how long this process has.
fn running() -> i64 {
    static BEGUN: OnceLock<Instant> = OnceLock::new();
    let text = files::read(Path::new("/proc/uptime"), 64).ok().flatten();
    let text = text.and_then(|text| String::from_utf8(text).ok());
    let seconds = text.and_then(|text| text.split('.').next()?.parse().ok());
    seconds.unwrap_or_else(|| i64::try_from(BEGUN.get_or_init(Instant::now).elapsed().as_secs()).unwrap_or(i64::MAX))
}

/// Two clocks are the same if they have the same hands, not if they show the same time.
impl PartialEq for Hands {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Hands {}

impl Clock {
    /// Now, in whole seconds.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Virtual(instant) => instant,
            Self::Hands(hands) => Timestamp::from_unix(hands.0.load(Ordering::SeqCst)),
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
            }
        }
    }

    /// How long it has run since some moment, in seconds: whoever sets the clock does not change that.
    pub fn steady(self) -> i64 {
        match self {
            Self::Virtual(_) => 0,
            Self::Hands(hands) => hands.1.load(Ordering::SeqCst),
            Self::System => running(),
        }
    }

    /// Whether it can be wrong: a replay's times are what they are.
    pub fn can_be_wrong(self) -> bool {
        !matches!(self, Self::Virtual(_))
    }
}
