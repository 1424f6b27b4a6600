//! A clock that is far ahead of the log stops the writer until the operator has looked at it.
//!
//! Time in the log never goes back. A clock that is wrong by a year for one minute would so put a year's lie into the
//! log for good: everything after it would have to wait, or be received "then". A clock that was set back does no harm:
//! time stands still until it has caught up.

use std::path::Path;

use schemas::time::Timestamp;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::files;
use crate::writer::{Home, Writer};

/// How far the clock may be ahead of the last entry, in seconds. A ledger that runs seals more often than that.
pub const LEAD_SECONDS_MAX: i64 = 86_400;
/// Longest file that holds an instant, in bytes.
const INSTANT_BYTES_MAX: usize = 64;

/// Now, if the log may believe it: no more than a day after its last entry, or after what the operator has confirmed.
///
/// # Errors
/// [`Failure::ClockAhead`]; nothing was written.
pub fn now(writer: &Writer, clock: Clock) -> Result<Timestamp, Failure> {
    let now = clock.now();
    check(writer, clock, now)?;
    Ok(now)
}

/// The same for an instant that the clock showed a moment ago.
///
/// # Errors
/// [`Failure::ClockAhead`].
pub fn check(writer: &Writer, clock: Clock, now: Timestamp) -> Result<(), Failure> {
    let Some(last) = writer.log().last_received().filter(|_| clock.can_be_wrong()) else { return Ok(()) };
    let ahead = |of: Timestamp| now.unix().saturating_sub(of.unix()) > LEAD_SECONDS_MAX;
    if !ahead(last) || confirmed(&writer.home().clock())?.is_some_and(|then| !ahead(then)) {
        return Ok(());
    }
    Err(Failure::ClockAhead { path: writer.home().folder().to_owned(), now, last })
}

/// Writes down that the clock is right, for a day from now on.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`].
pub fn confirm(home: &Home, now: Timestamp) -> Result<(), Failure> {
    files::replace(&home.clock(), format!("{now}\n").as_bytes())
}

fn confirmed(path: &Path) -> Result<Option<Timestamp>, Failure> {
    let bytes = files::read(path, INSTANT_BYTES_MAX)?;
    Ok(bytes.and_then(|bytes| Timestamp::parse(std::str::from_utf8(&bytes).ok()?.trim_end())))
}
