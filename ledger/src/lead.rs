//! A clock that is far ahead of the log stops the writer until the operator has looked at it.
//!
//! Time in the log never goes back. A clock that is wrong by a year for one minute would so put a year's lie into the
//! log for good: everything after it would have to wait, or be received "then". A clock that was set back does no harm:
//! time stands still until it has caught up.
//!
//! A start can compare the clock only with the log's last entry, which may be a day old. A server knows more: how long the
//! machine has run since ([`Watch`]).

use std::path::Path;

use schemas::time::Timestamp;

use crate::clock::Clock;
use crate::failure::Failure;
use crate::files;
use crate::witness::CLOCK_SECONDS;
use crate::writer::{Home, Writer};

/// How far the clock may be ahead of the last entry, in seconds. A ledger that runs seals more often than that.
pub const LEAD_SECONDS_MAX: i64 = 86_400;
/// How far the clock may run ahead of what the machine's running time says while a ledger serves, in seconds. As far as a
/// witness's clock may be from the ledger's (FORMAT.md 10.5): what is received within it can still be published; and more
/// than a clock that is kept right is ever corrected by at a time.
pub const JUMP_SECONDS_MAX: i64 = CLOCK_SECONDS;
/// A clock that runs slow is corrected forward again and again: one second in so many is no lead.
const CORRECTED_IN_SECONDS: i64 = 1_000;
/// A clock that is further behind the last entry than this is said to be, by every command, in seconds.
pub const BEHIND_SECONDS_MAX: i64 = 3_600;
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
    if let Some(expected) = doubt(writer.home())?.filter(|_| clock.can_be_wrong()) {
        return Err(Failure::ClockJumped { path: writer.home().folder().to_owned(), now, expected });
    }
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
    files::replace(&home.clock(), format!("{now}\n").as_bytes())?;
    files::remove(&home.clock_doubt())
}

/// What the clock should have shown when it jumped, where that has not been settled.
///
/// # Errors
/// [`Failure::Io`].
pub fn doubt(home: &Home) -> Result<Option<Timestamp>, Failure> {
    let bytes = files::read(&home.clock_doubt(), INSTANT_BYTES_MAX)?;
    Ok(bytes.map(|bytes| {
        let text = String::from_utf8_lossy(&bytes);
        text.lines().next().and_then(Timestamp::parse).unwrap_or(Timestamp::from_unix(0))
    }))
}

/// What is said of a clock that is behind the last entry by more than an hour; nothing of one that is not.
pub fn behind(last: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let last = last.filter(|last| last.unix().saturating_sub(now.unix()) > BEHIND_SECONDS_MAX)?;
    Some(format!(
        "the clock says {now}, and the last entry was received at {last}: one of them is wrong. If the clock is, set it. If the \
         entry is, it was received under a clock that was ahead: until then everything is received at that instant, and no \
         witness can cosign; \"A clock that was wrong\" in KEYS.md has the way out"
    ))
}

/// Watches the clock of a server against how long the machine has run.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    clock: Clock,
    wall: i64,
    steady: i64,
}

impl Watch {
    /// Begins now, with a clock that is believed.
    pub fn new(clock: Clock) -> Self {
        Self { clock, wall: clock.now().unix(), steady: clock.steady() }
    }

    /// Whether the clock shows what it should.
    ///
    /// # Errors
    /// The time that it should show.
    pub fn check(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let steady = self.clock.steady();
        let passed = steady.saturating_sub(self.steady);
        let expected = self.wall.saturating_add(passed);
        let lead = now.unix().saturating_sub(expected);
        if !self.clock.can_be_wrong() {
            return Ok(());
        }
        if lead > JUMP_SECONDS_MAX {
            return Err(Timestamp::from_unix(expected));
        }
        if lead < 0 {
            (self.wall, self.steady) = (now.unix(), steady); // set back: that is where it goes on from
        } else if passed >= CORRECTED_IN_SECONDS {
            (self.wall, self.steady) = (expected + lead.min(passed / CORRECTED_IN_SECONDS), steady);
        }
        Ok(())
    }
}

/// Writes down that the clock jumped: no start believes it before somebody has looked.
///
/// # Errors
/// [`Failure::Io`], [`Failure::Full`].
pub fn keep_doubt(home: &Home, expected: Timestamp, now: Timestamp) -> Result<(), Failure> {
    files::replace(&home.clock_doubt(), format!("{expected}\n{now}\n").as_bytes())
}

fn confirmed(path: &Path) -> Result<Option<Timestamp>, Failure> {
    let bytes = files::read(path, INSTANT_BYTES_MAX)?;
    Ok(bytes.and_then(|bytes| Timestamp::parse(std::str::from_utf8(&bytes).ok()?.trim_end())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Hands;

    /// What a clock does: it runs on, or somebody sets it by so many seconds.
    enum Does {
        Runs(i64),
        IsSet(i64),
    }

    #[test]
    fn a_jump_is_told_from_time_that_passes() {
        use Does::{IsSet, Runs};
        let slow: Vec<Does> = (0..500).flat_map(|_| [Runs(1_000), IsSet(1)]).collect();
        for (what, does, good) in [
            ("it runs", vec![Runs(1), Runs(90_000), Runs(9_000_000)], true),
            ("a small correction", vec![IsSet(300)], true),
            ("a jump", vec![IsSet(301)], false),
            ("a jump after years", vec![Runs(90_000_000), IsSet(100_000)], false),
            ("small steps one after the other", vec![IsSet(200), Runs(10), IsSet(200)], false),
            ("a clock that runs slow and is corrected", slow, true),
            ("set back", vec![IsSet(-100_000)], true),
            ("set back, and forward again", vec![IsSet(-100_000), IsSet(100_000)], false),
        ] {
            let begun = Timestamp::from_unix(1_700_000_000);
            let hands = Hands::at(begun);
            let clock = Clock::Hands(hands);
            let mut watch = Watch::new(clock);
            let mut held = true;
            for one in does {
                match one {
                    Runs(seconds) => hands.set(clock.now().plus_seconds(seconds)),
                    IsSet(seconds) => hands.jump(clock.now().plus_seconds(seconds)),
                }
                held &= watch.check(clock.now()).is_ok();
            }
            assert_eq!(held, good, "{what}");
        }
        assert!(Watch::new(Clock::Virtual(Timestamp::from_unix(5))).check(Timestamp::from_unix(i64::MAX)).is_ok());
    }

    #[test]
    fn a_clock_behind_the_last_entry_is_said_after_an_hour() {
        let at = Timestamp::from_unix;
        for (last, now, says) in
            [(None, 5, false), (Some(3_605), 5, false), (Some(3_606), 5, true), (Some(1), 5, false)]
        {
            assert_eq!(behind(last.map(at), at(now)).is_some(), says, "{last:?} {now}");
        }
    }
}
