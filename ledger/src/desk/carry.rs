//! Sending what waits, in the background: the outbox is asked and told in turns, and never held while the line is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemas::catalogue::Role;
use schemas::hash::Hash;

use crate::answer::{AnswerLine, Said};
use crate::clock::Clock;
use crate::outpost::{BadOutpost, Line, Outpost, State, Taken, Trouble};

/// Most events in one request: on a slow line an answer must not take too long.
const LINES_MAX: usize = 64;
/// Most bytes in one request.
const BYTES_MAX: usize = 1 << 20;

/// What became of a try to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// What the answers said.
    pub taken: Taken,
    /// What was said that somebody must look at: events that are not even read, packs that do not hold, answers that
    /// are not believed.
    pub told: Vec<String>,
    /// Why it ended before all was done.
    pub stopped: Option<Trouble>,
}

/// An outbox that several hands reach.
pub type Shared = Arc<Mutex<Outpost>>;

pub(super) fn hold(outpost: &Shared) -> MutexGuard<'_, Outpost> {
    outpost.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sends what waits and asks for receipts that were not there yet; with `look` also for the newest pack about the
/// institution. The log records each pack that is given out, so one looks now and then, not all the time.
///
/// # Errors
/// [`BadOutpost`] if something cannot be written down; trouble with the line is no error.
pub fn carry(outpost: &Shared, line: &mut dyn Line, clock: Clock, look: bool) -> Result<Carried, BadOutpost> {
    let mut done = Carried::default();
    if let Err(why) = hand_in(outpost, line, clock, &mut done)? {
        done.stopped = Some(why);
    } else if let Err(why) = receipts(outpost, line, clock, &mut done)? {
        done.stopped = Some(why);
    } else if look && let Err(why) = pack(outpost, line, &mut done)? {
        done.stopped = Some(why);
    }
    if let Some(Trouble::Line(_)) = done.stopped {
        hold(outpost).reached(false, clock.now())?;
    }
    let lies = done.taken.lies.iter().map(|lie| format!("not believed: {}: {}", lie.source, lie.what));
    done.told.extend(lies);
    Ok(done)
}

/// The inner result is the line's.
type Through<T> = Result<Result<T, Trouble>, BadOutpost>;

fn hand_in(outpost: &Shared, line: &mut dyn Line, clock: Clock, done: &mut Carried) -> Through<()> {
    let fresh: Vec<(String, String)> = {
        let outpost = hold(outpost);
        let fresh = outpost.held().iter().filter(|held| held.state == State::Recorded);
        fresh.map(|held| (held.parcel.source.clone(), held.parcel.to_line())).collect()
    };
    let mut at = 0;
    while at < fresh.len() {
        let mut end = at + 1;
        let mut bytes = fresh[at].1.len();
        while end < fresh.len() && end - at < LINES_MAX && bytes + fresh[end].1.len() <= BYTES_MAX {
            bytes += fresh[end].1.len();
            end += 1;
        }
        let batch: Vec<String> = fresh[at..end].iter().map(|(_, line)| line.clone()).collect();
        match line.hand_in(&batch) {
            Ok(answers) => take(outpost, &answers, clock, done)?,
            // A request that is bad as a whole: one at a time finds the event that makes it so.
            Err(Trouble::Refused { status: 400 | 413 | 422, .. }) => {
                for (source, one) in &fresh[at..end] {
                    match line.hand_in(std::slice::from_ref(one)) {
                        Ok(answers) => take(outpost, &answers, clock, done)?,
                        Err(Trouble::Refused { status: 400 | 413 | 422, what, .. }) => {
                            done.told.push(format!("the ledger does not read {source}: {what}"));
                        }
                        Err(why) => return Ok(Err(why)),
                    }
                }
            }
            Err(why) => return Ok(Err(why)),
        }
        at = end;
    }
    Ok(Ok(()))
}

fn take(outpost: &Shared, answers: &[AnswerLine], clock: Clock, done: &mut Carried) -> Result<(), BadOutpost> {
    let mut outpost = hold(outpost);
    done.taken.add(outpost.take(answers, clock.now())?);
    outpost.reached(true, clock.now())
}

fn receipts(outpost: &Shared, line: &mut dyn Line, clock: Clock, done: &mut Carried) -> Through<()> {
    let waiting: Vec<(Hash, u64, String)> = {
        let outpost = hold(outpost);
        let of = |held: &crate::outpost::Held| match held.state {
            State::Received { position, .. } => Some((held.id, position, held.parcel.to_line())),
            _ => None,
        };
        outpost.held().iter().filter_map(of).collect()
    };
    for (event, position, parcel) in waiting {
        match line.receipt(&event) {
            Ok(Some(receipt)) => {
                take(outpost, &[AnswerLine { event, said: Said::Stands { position, receipt } }], clock, done)?;
            }
            // What comes later in the log waits too.
            Ok(None) => break,
            // It said that it had it, and does not know it: it gets it once more.
            Err(Trouble::Refused { status: 404, .. }) => match line.hand_in(&[parcel]) {
                Ok(answers) => take(outpost, &answers, clock, done)?,
                Err(why) => return Ok(Err(why)),
            },
            Err(why) => return Ok(Err(why)),
        }
    }
    Ok(Ok(()))
}

fn pack(outpost: &Shared, line: &mut dyn Line, done: &mut Carried) -> Through<()> {
    let (stream, party) = {
        let outpost = hold(outpost);
        let role = outpost.parties()?.get(&outpost.standing().party).map(|party| party.role);
        let party = outpost.pseudonyms()?.party(&outpost.standing().party).to_owned();
        let kind = if role == Some(Role::Facility) { "facility" } else { "organisation" };
        (format!("{kind}/{party}"), party)
    };
    match line.pack(&stream, &party) {
        Ok(bytes) => {
            let checked = hold(outpost).keep_pack(&bytes)?;
            if checked.report.exit_code() != 0 {
                let fault = checked.report.faults.first().map(ToString::to_string);
                let why = fault.or_else(|| checked.report.unknown.first().cloned()).unwrap_or_default();
                done.told.push(format!("the pack about us does not hold under the policy here: {why}"));
            }
            Ok(Ok(()))
        }
        Err(why) => Ok(Err(why)),
    }
}
