//! Takes what waits and prepares it, one batch ahead of the desk.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use schemas::time::Timestamp;
use tokio::sync::oneshot;
use verifier::keyring::Keyring;

use crate::clock::Clock;
use crate::plan::Submission;
use crate::prepare::prepare;
use crate::sequencer::desk::Work;
use crate::sequencer::{COMMIT_EVENTS_MAX, Delivery, Job, Reply};

/// How often the clock is looked at while nothing comes, so that quiet days get their seal.
const IDLE: Duration = Duration::from_secs(1);

/// Who waits for how many answers.
pub(super) struct Caller {
    pub count: usize,
    pub answer: oneshot::Sender<Vec<Reply>>,
}

pub(super) struct Reader {
    pub clock: Clock,
    /// The keys that the log knew after its last commit.
    pub keyring: Arc<RwLock<Arc<Keyring>>>,
    pub prepared: SyncSender<Work>,
}

impl Reader {
    /// Until somebody says stop, or the desk has ended: whoever still waits then is told so.
    pub fn run(self, queue: &Receiver<Job>) {
        while self.turn(queue) {}
    }

    /// Takes all that waits into one batch: its flushes serve everyone. What is not an append ends the batch.
    fn turn(&self, queue: &Receiver<Job>) -> bool {
        let first = match queue.recv_timeout(IDLE) {
            Ok(job) => job,
            Err(RecvTimeoutError::Timeout) => {
                // A desk that is busy needs no beat.
                let beat = self.prepared.try_send(Work::Beat(self.clock.now()));
                return !matches!(beat, Err(TrySendError::Disconnected(_)));
            }
            Err(RecvTimeoutError::Disconnected) => Job::Stop,
        };
        let now = self.clock.now();
        let (mut events, mut callers, mut next) = (Vec::new(), Vec::new(), Some(first));
        while let Some(job) = next.take() {
            match job {
                Job::Append(deliveries, answer) => {
                    callers.push(Caller { count: deliveries.len(), answer });
                    events.extend(deliveries.into_iter().map(|delivery| submission(delivery, now)));
                    if events.len() < COMMIT_EVENTS_MAX {
                        next = queue.try_recv().ok();
                    }
                }
                Job::With(errand) => return self.append(events, callers, now) && self.send(Work::With(errand)),
                Job::Hold(holding) => return self.append(events, callers, now) && self.send(Work::Hold(holding)),
                Job::Stop => {
                    let _ = self.append(events, callers, now) && self.send(Work::Stop);
                    return false;
                }
            }
        }
        self.append(events, callers, now)
    }

    fn append(&self, events: Vec<Submission>, callers: Vec<Caller>, now: Timestamp) -> bool {
        if callers.is_empty() {
            return true;
        }
        let keyring = Arc::clone(&self.keyring.read().unwrap_or_else(PoisonError::into_inner));
        let prepared = prepare(events, &keyring);
        self.send(Work::Append { prepared, callers, now })
    }

    /// False if the desk has ended.
    fn send(&self, work: Work) -> bool {
        self.prepared.send(work).is_ok()
    }
}

fn submission(delivery: Delivery, received_at: Timestamp) -> Submission {
    Submission { note: delivery.note, opening: delivery.opening, received_at }
}
