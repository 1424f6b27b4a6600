//! `clock`: the operator's word that the clock is right.

use std::path::PathBuf;

use clap::Subcommand;
use ledger::clock;
use ledger::failure::Failure;
use ledger::lead;
use ledger::publish;
use ledger::witness::CLOCK_SECONDS;
use ledger::writer::{BadLedger, Home};
use schemas::time::{Date, Timestamp};
use schemas::visible::Show as _;

use super::{Ended, Start, open, settings};

/// What is said of the clock.
#[derive(Subcommand)]
pub enum Clock {
    /// Say that the machine's clock is right. A ledger records nothing when the clock is more than a day ahead of
    /// its last entry, or has jumped ahead while it was served, because time in a log never goes back: look at another
    /// clock first. Witnesses are asked what time they have; of more than a day the date must be typed. The word holds for
    /// a day, and by then something was recorded. It may be given while the ledger is served. A clock that was set back
    /// needs no word: time stands still until it has caught up.
    Confirm {
        /// Folder of the ledger.
        ledger: PathBuf,
        /// Today's date, from another clock than this machine's: needed for more than a day.
        #[arg(long, value_name = "YYYY-MM-DD")]
        date: Option<String>,
        #[command(flatten)]
        start: Start,
    },
}

impl Clock {
    pub fn run(self) -> Result<(), Ended> {
        let Self::Confirm { ledger, date, start } = self;
        let home = super::home(&ledger)?;
        let now = clock::Clock::System.now();
        // While it is served nobody else can look into it: what jumped is written beside it.
        let last = match open(&home) {
            Ok(writer) => writer.log().last_received(),
            Err(BadLedger::Failure(locked @ Failure::Locked { .. })) => Some(lead::doubt(&home)?.ok_or(locked)?),
            Err(why) => return Err(why.into()),
        };
        let offset = settings(&home)?.utc_offset_minutes;
        typed(&ledger, last, now, date.as_deref(), offset)?;
        if !start.without_witnesses {
            witnessed(&home, now)?;
        }
        lead::confirm(&home, now)?;
        if let Some(last) = last {
            verifier::say!("the last entry was received at {last}, or the clock jumped then");
        }
        verifier::say!("confirmed: it is {now} now");
        Ok(())
    }
}

/// Demands the date, where the clock is more than a day ahead: a word that is given out of habit costs years.
fn typed(
    ledger: &std::path::Path,
    last: Option<Timestamp>,
    now: Timestamp,
    date: Option<&str>,
    offset: i32,
) -> Result<(), Ended> {
    let far = last.is_some_and(|last| now.unix().saturating_sub(last.unix()) > lead::LEAD_SECONDS_MAX);
    let shown = now.date(offset);
    let Some(text) = date else {
        if !far {
            return Ok(());
        }
        let last = last.map(|last| last.to_string()).unwrap_or_default();
        return Err(Ended::Refused(format!(
            "the clock says {now}, and the last entry was received at {last}. Nothing was confirmed: look at another clock, and \
             type the date that it shows: ledger clock confirm {} --date YYYY-MM-DD. What is received under a wrong clock stands \
             in the log for good",
            ledger.shown()
        )));
    };
    let Some(date) = Date::parse(text) else {
        return Err(Ended::Refused(format!("--date {text:?}: a day such as 2026-11-30")));
    };
    if date != shown && date != now.date(0) {
        return Err(Ended::Refused(format!(
            "the clock says {shown}, and you say {date}: nothing was confirmed. Set the clock first"
        )));
    }
    Ok(())
}

/// Asks the witnesses what time they have. One that agrees is enough; where all that answer disagree, nothing is confirmed.
fn witnessed(home: &Home, now: Timestamp) -> Result<(), Ended> {
    let times = publish::times(home)?;
    let off = |then: &Timestamp| now.unix().saturating_sub(then.unix()).saturating_abs() > CLOCK_SECONDS;
    for (name, then) in &times {
        verifier::say!("witness {name} has {then}");
    }
    if times.is_empty() {
        verifier::tell!("note: no witness could be asked what time it has");
    } else if times.iter().all(|(_, then)| off(then)) {
        return Err(Ended::Refused(format!(
            "the clock says {now}, and no witness that answers has that time: nothing was confirmed. Set the clock; or, if they \
             are all wrong, say so with --without-witnesses"
        )));
    }
    Ok(())
}
