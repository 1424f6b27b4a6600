//! Handing in over a line: in order, at most so much at a time, again after every failure, and never twice in the
//! log, as the same bytes get the same answer.

use std::collections::VecDeque;
use std::ops::Range;

use schemas::catalogue::Role;
use schemas::hash::Hash;
use schemas::time::Timestamp;

use super::answers::Taken;
use super::client::Trouble;
use super::held::{State, Told};
use super::{BadOutpost, Outpost};
use crate::answer::AnswerLine;

/// Most events in one request.
pub const LINES_MAX: usize = 256;
/// Most bytes in one request: on a slow line a cut loses no more than this.
const BYTES_MAX: usize = 1 << 20;
/// Longest pause between two tries, in seconds.
const PAUSE_SECONDS_MAX: u64 = 900;

/// What answers for the ledger.
pub trait Line {
    /// Hands events in, each as a line of FORMAT.md 20; one answer each, in order.
    ///
    /// # Errors
    /// [`Trouble`]; whether they arrived may then be unknown.
    fn hand_in(&mut self, lines: &[String]) -> Result<Vec<AnswerLine>, Trouble>;

    /// The receipt of an event; nothing while witnesses have not seen it.
    ///
    /// # Errors
    /// [`Trouble`].
    fn receipt(&mut self, event: &Hash) -> Result<Option<String>, Trouble>;

    /// The pack of a stream for an audience.
    ///
    /// # Errors
    /// [`Trouble`].
    fn pack(&mut self, stream: &str, audience: &str) -> Result<Vec<u8>, Trouble>;
}

/// What a try came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Events that were handed in and answered.
    pub sent: usize,
    /// What the answers said.
    pub taken: Taken,
    /// Single events that the ledger does not even read: register row and words. They stay, and block nothing.
    pub unread: Vec<(String, String)>,
    /// Why it ended before all was handed in.
    pub stopped: Option<Stopped>,
}

/// Why a try ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// What happened.
    pub why: Trouble,
    /// Events that are still to be handed in.
    pub left: usize,
}

impl Outpost {
    /// Hands in what is open, in order, and asks for receipts that were not there yet. Everything answered is on
    /// the disk when this returns, also where the line is cut half-way. `progress` is told how many of how many.
    ///
    /// # Errors
    /// [`BadOutpost`] if something cannot be written down; trouble with the line is no error, the progress says so.
    pub fn submit(
        &mut self,
        line: &mut dyn Line,
        now: &dyn Fn() -> Timestamp,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Progress, BadOutpost> {
        let mut done = Progress::default();
        let fresh = |held: &&super::Held| held.state == State::Recorded;
        let lines: Vec<(String, String)> =
            self.held().iter().filter(fresh).map(|held| (held.parcel.source.clone(), held.parcel.to_line())).collect();
        let mut queue: VecDeque<Range<usize>> = batches(&lines).into();
        while let Some(batch) = queue.pop_front() {
            let texts: Vec<String> = lines[batch.clone()].iter().map(|(_, line)| line.clone()).collect();
            match line.hand_in(&texts) {
                Ok(answers) => {
                    done.sent += answers.len();
                    done.taken.add(self.take(&answers, now())?);
                    self.reached(true, now())?;
                    progress(batch.end, lines.len());
                }
                // A request that is bad as a whole: halves find the event that makes it so.
                Err(Trouble::Refused { status: 400 | 413 | 422, .. }) if batch.len() > 1 => {
                    let half = batch.start + batch.len() / 2;
                    queue.push_front(half..batch.end);
                    queue.push_front(batch.start..half);
                }
                Err(Trouble::Refused { status: 400 | 413 | 422, what, .. }) => {
                    done.unread.push((lines[batch.start].0.clone(), what));
                }
                Err(why) => {
                    if matches!(why, Trouble::Line(_)) {
                        self.reached(false, now())?;
                    }
                    done.stopped = Some(Stopped { why, left: lines.len() - batch.start });
                    return Ok(done);
                }
            }
        }
        self.ask_receipts(line, now, &mut done)?;
        Ok(done)
    }

    /// Asks for the receipts of what the ledger says it has.
    fn ask_receipts(
        &mut self,
        line: &mut dyn Line,
        now: &dyn Fn() -> Timestamp,
        done: &mut Progress,
    ) -> Result<(), BadOutpost> {
        let waiting: Vec<(Hash, u64)> = self
            .held()
            .iter()
            .filter_map(|held| match held.state {
                State::Received { position, .. } => Some((held.id, position)),
                _ => None,
            })
            .collect();
        for (event, position) in waiting {
            let said = match line.receipt(&event) {
                Ok(Some(receipt)) => crate::answer::Said::Stands { position, receipt },
                // What comes later in the log waits too.
                Ok(None) => break,
                // It said that it had it, and does not know it: it gets it once more.
                Err(Trouble::Refused { status: 404, .. }) => {
                    let Some(parcel) = self.find(&event).map(|held| held.parcel.to_line()) else { continue };
                    match line.hand_in(&[parcel]) {
                        Ok(answers) => {
                            done.taken.add(self.take(&answers, now())?);
                            continue;
                        }
                        Err(why) => {
                            done.stopped = Some(Stopped { why, left: 0 });
                            break;
                        }
                    }
                }
                Err(why) => {
                    if matches!(why, Trouble::Line(_)) {
                        self.reached(false, now())?;
                    }
                    done.stopped = Some(Stopped { why, left: 0 });
                    break;
                }
            };
            done.taken.add(self.take(&[AnswerLine { event, said }], now())?);
            self.reached(true, now())?;
        }
        Ok(())
    }

    /// Asks for the newest pack about the institution and keeps it if it holds. Gives its report; nothing where the
    /// list of parties does not have the institution.
    ///
    /// # Errors
    /// [`BadOutpost`] if it cannot be kept; the inner result is the line's.
    pub fn fetch_pack(
        &mut self,
        line: &mut dyn Line,
    ) -> Result<Result<verifier::pack::PackReport, Trouble>, BadOutpost> {
        let parties = self.parties()?;
        let role = parties.get(&self.standing().party).map(|party| party.role);
        let party = self.pseudonyms()?.party(&self.standing().party).to_owned();
        let stream =
            if role == Some(Role::Facility) { format!("facility/{party}") } else { format!("organisation/{party}") };
        match line.pack(&stream, &party) {
            Ok(bytes) => Ok(Ok(self.keep_pack(&bytes)?)),
            Err(why) => Ok(Err(why)),
        }
    }

    /// Writes down when the line began to fail, and when it was there again.
    pub(crate) fn reached(&mut self, up: bool, at: Timestamp) -> Result<(), BadOutpost> {
        let down = self.outages().last().is_some_and(|outage| outage.until.is_none());
        if up == down { self.tell(vec![Told::Line { up, at }]) } else { Ok(()) }
    }
}

/// Ranges of lines, each within what one request may have.
fn batches(lines: &[(String, String)]) -> Vec<Range<usize>> {
    let (mut all, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, (_, line)) in lines.iter().enumerate() {
        if at > start && (at - start >= LINES_MAX || bytes + line.len() > BYTES_MAX) {
            all.push(start..at);
            (start, bytes) = (at, 0);
        }
        bytes += line.len() + 1;
    }
    if start < lines.len() {
        all.push(start..lines.len());
    }
    all
}

/// How long to wait before the next try: twice as long after each failure, and never as long as everybody else, or
/// all institutions of a country would come at once when the line is there again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff(u32);

impl Backoff {
    /// The last try did what it should.
    pub fn reset(&mut self) {
        self.0 = 0;
    }

    /// Seconds to wait after one more failure. `random` is any random number, `asked` what the ledger asked for.
    pub fn next(&mut self, random: u64, asked: Option<u64>) -> u64 {
        let most = (2u64 << self.0.min(20)).min(PAUSE_SECONDS_MAX);
        self.0 = self.0.saturating_add(1);
        let drawn = most / 2 + random % (most / 2 + 1);
        drawn.max(asked.unwrap_or(0).min(PAUSE_SECONDS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_differ_and_end_somewhere() {
        let mut backoff = Backoff::default();
        for (random, asked, want) in
            [(0, None, 1), (0, None, 2), (2, None, 6), (0, None, 8), (0, Some(30), 30), (0, Some(u64::MAX), 900)]
        {
            assert_eq!(backoff.next(random, asked), want);
        }
        for _ in 0..100 {
            backoff.next(0, None);
        }
        assert_eq!((backoff.next(0, None), backoff.next(450, None)), (450, 900));
        backoff.reset();
        assert_eq!(backoff.next(0, None), 1);
    }

    #[test]
    fn requests_are_bounded_in_lines_and_bytes() {
        let line = |bytes: usize| (String::new(), "x".repeat(bytes));
        let lengths = |lines: &[(String, String)]| batches(lines).into_iter().map(|b| b.len()).collect::<Vec<_>>();
        assert_eq!(lengths(&[]), Vec::<usize>::new());
        assert_eq!(lengths(&vec![line(1); 600]), [256, 256, 88]);
        assert_eq!(lengths(&vec![line(400_000); 5]), [2, 2, 1]);
        assert_eq!(lengths(&[line(BYTES_MAX * 2), line(1), line(BYTES_MAX * 2)]), [1, 1, 1]);
    }
}
