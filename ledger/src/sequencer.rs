//! The sequencer: one thread owns the writer, commits all that waits in one go, and only then answers.
//!
//! Everyone who appends while the ledger serves hands in here, and so does whoever needs the writer
//! for something else: [`Sequencer::with`] runs between two commits. Readers who need no more than
//! what is on the disk read the store and wait for nobody.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use schemas::note::Note;
use schemas::receipt::Receipt;
use schemas::time::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::clock::Clock;
use crate::failure::Failure;
use crate::outbox::Opening;
use crate::plan::{Answer, Rejection, Submission};
use crate::publish;
use crate::receipts;
use crate::submit::BATCH_EVENTS_MAX;
use crate::writer::Writer;

/// Jobs that may wait for the writer; who comes later is told that the ledger is busy.
pub const WAITING_JOBS_MAX: usize = 4_096;
/// How often the clock is looked at while nothing comes, so that quiet days get their seal.
const IDLE_SECONDS: u64 = 1;
/// An empty batch closes when the last seal is as old as this, in seconds: time moves in the log even when
/// nobody reports. `design`: a seal at least once a day.
pub const HEARTBEAT_SECONDS: i64 = 20 * 3_600;

/// An event on its way in, with its hidden values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The signed note.
    pub note: Vec<u8>,
    /// Its hidden values; empty where the type has none.
    pub opening: Opening,
}

/// What the ledger answers to a delivery. Whatever it says is on the disk.
#[derive(Clone, Debug)]
pub enum Reply {
    /// It stands in the log.
    Stands {
        /// Its position.
        position: u64,
        /// False if the very same event stood there before.
        fresh: bool,
        /// Its receipt; none until a quorum of witnesses has seen a checkpoint over it.
        receipt: Option<Receipt>,
    },
    /// It was kept out.
    Refused {
        /// Why.
        why: Rejection,
        /// The refusal's receipt, signed by the log's key; none where the bytes are not even a note.
        receipt: Option<Note>,
    },
}

/// Why the sequencer did not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halted {
    /// Too much waits already; nothing was taken.
    #[error("the ledger is busy: nothing was taken, hand it in again in a moment")]
    Busy,
    /// A commit failed, or the ledger ends. Whether a job that was under way took effect is unknown: hand in the same bytes
    /// again later, the answer will be the same.
    #[error("the ledger takes nothing now{}", .why.as_deref().map(|w| format!(": {w}")).unwrap_or_default())]
    Stopped {
        /// What failed, for the operator.
        why: Option<String>,
    },
}

type Errand = Box<dyn FnOnce(&mut Writer) + Send>;

enum Job {
    Append(Vec<Delivery>, oneshot::Sender<Vec<Reply>>),
    With(Errand),
    Stop,
}

/// What is published, told to whoever watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Entries under the published checkpoint.
    pub size: u64,
    /// The checkpoint's note, with its cosignatures; none before the first.
    pub note: Option<Note>,
}

/// A handle to the one thread that writes.
#[derive(Clone)]
pub struct Sequencer {
    jobs: SyncSender<Job>,
    published: watch::Receiver<Published>,
    failed: Arc<Mutex<Option<String>>>,
}

/// The running thread; joining it gives the writer back, or what it failed of.
pub struct Running(JoinHandle<Result<Writer, Failure>>);

impl Running {
    /// Waits until the thread has ended.
    ///
    /// # Errors
    /// The [`Failure`] that ended it.
    pub fn join(self) -> Result<Writer, Failure> {
        match self.0.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Sequencer {
    /// Takes the writer to a thread of its own.
    ///
    /// # Errors
    /// [`Failure`] if what is published cannot be read.
    pub fn start(writer: Writer, clock: Clock) -> Result<(Self, Running), Failure> {
        let (jobs, queue) = sync_channel(WAITING_JOBS_MAX);
        let (tell, published) = watch::channel(published(&writer)?);
        let failed = Arc::new(Mutex::new(None));
        let told = Arc::clone(&failed);
        let thread = std::thread::spawn(move || {
            let ended = Desk { writer, clock, tell }.run(&queue);
            if let Err(why) = &ended {
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_string());
            }
            ended
        });
        Ok((Self { jobs, published, failed }, Running(thread)))
    }

    /// Hands events in and waits until all are on the disk or refused; one answer each, in order.
    ///
    /// # Errors
    /// [`Halted`].
    pub async fn append(&self, events: Vec<Delivery>) -> Result<Vec<Reply>, Halted> {
        let (send, answer) = oneshot::channel();
        self.hand_in(Job::Append(events, send))?;
        answer.await.map_err(|_| self.stopped())
    }

    /// The same for a caller without a runtime.
    ///
    /// # Errors
    /// [`Halted`].
    pub fn append_blocking(&self, events: Vec<Delivery>) -> Result<Vec<Reply>, Halted> {
        let (send, answer) = oneshot::channel();
        self.hand_in(Job::Append(events, send))?;
        answer.blocking_recv().map_err(|_| self.stopped())
    }

    /// Lends the writer between two commits, for what needs it whole. Keep it short: everyone else waits.
    ///
    /// # Errors
    /// [`Halted`].
    pub async fn with<T: Send + 'static>(
        &self,
        errand: impl FnOnce(&mut Writer) -> T + Send + 'static,
    ) -> Result<T, Halted> {
        let (send, answer) = oneshot::channel();
        let errand: Errand = Box::new(move |writer| {
            let _ = send.send(errand(writer)); // one who has left loses the answer, nothing else
        });
        self.hand_in(Job::With(errand))?;
        answer.await.map_err(|_| self.stopped())
    }

    /// What is published; changes are told.
    pub fn watch(&self) -> watch::Receiver<Published> {
        self.published.clone()
    }

    /// Asks the thread to end once what waits is done.
    pub fn stop(&self) {
        let _ = self.jobs.send(Job::Stop); // an error means that it has ended
    }

    fn hand_in(&self, job: Job) -> Result<(), Halted> {
        match self.jobs.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Halted::Busy),
            Err(TrySendError::Disconnected(_)) => Err(self.stopped()),
        }
    }

    fn stopped(&self) -> Halted {
        Halted::Stopped { why: self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone() }
    }
}

/// What is published of a log, as its files say.
fn published(writer: &Writer) -> Result<Published, Failure> {
    let found = publish::look(writer)?;
    Ok(Published { size: found.size, note: found.published })
}

/// The thread's side.
struct Desk {
    writer: Writer,
    clock: Clock,
    tell: watch::Sender<Published>,
}

impl Desk {
    fn run(mut self, queue: &Receiver<Job>) -> Result<Writer, Failure> {
        loop {
            let first = match queue.recv_timeout(Duration::from_secs(IDLE_SECONDS)) {
                Ok(job) => job,
                Err(RecvTimeoutError::Timeout) => {
                    self.beat()?;
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(self.writer),
            };
            let (mut waiting, mut events, mut next) = (Vec::new(), 0, Some(first));
            // All that waits goes into one commit: its one fsync serves everyone.
            while let Some(job) = next.take() {
                match job {
                    Job::Append(batch, answer) => {
                        events += batch.len();
                        waiting.push((batch, answer));
                        if events < BATCH_EVENTS_MAX {
                            next = queue.try_recv().ok();
                        }
                    }
                    other => {
                        self.commit(std::mem::take(&mut waiting))?;
                        match other {
                            Job::With(errand) => {
                                errand(&mut self.writer);
                                self.tell()?;
                            }
                            _ => return Ok(self.writer),
                        }
                    }
                }
            }
            self.commit(waiting)?;
        }
    }

    /// Commits, then answers everyone; never the other way round.
    fn commit(&mut self, waiting: Vec<(Vec<Delivery>, oneshot::Sender<Vec<Reply>>)>) -> Result<(), Failure> {
        if waiting.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let (mut submissions, mut callers) = (Vec::new(), Vec::new());
        for (batch, answer) in waiting {
            callers.push((batch.len(), answer));
            let submission = |d: Delivery| Submission { note: d.note, opening: d.opening, received_at: now };
            submissions.extend(batch.into_iter().map(submission));
        }
        let mut answers = Vec::with_capacity(submissions.len());
        for batch in submissions.chunks(BATCH_EVENTS_MAX) {
            let answered = self.writer.commit(batch, now)?;
            answers.extend(batch.iter().zip(answered.answers).map(|(s, a)| (s.note.clone(), a)));
        }
        self.tell()?;
        let mut answers = answers.into_iter();
        for (count, caller) in callers {
            let replies = answers.by_ref().take(count).map(|(note, answer)| self.reply(&note, answer, now));
            let replies = replies.collect::<Result<Vec<_>, Failure>>()?;
            let _ = caller.send(replies); // one who has left loses the answer, not the event
        }
        Ok(())
    }

    fn reply(&self, note: &[u8], answer: Answer, now: Timestamp) -> Result<Reply, Failure> {
        Ok(match answer {
            Answer::Accepted { position } => Reply::Stands { position, fresh: true, receipt: self.receipt(position)? },
            Answer::Already { position } => Reply::Stands { position, fresh: false, receipt: self.receipt(position)? },
            Answer::Refused(why) => {
                let receipt = receipts::refusal(&self.writer, note, &why, now);
                Reply::Refused { why, receipt }
            }
        })
    }

    fn receipt(&self, position: u64) -> Result<Option<Receipt>, Failure> {
        let published = self.tell.borrow().clone();
        match published.note {
            Some(note) if position < published.size => {
                receipts::under(&self.writer, position, published.size, &note).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// An empty batch, where the last seal is old.
    fn beat(&mut self) -> Result<(), Failure> {
        let now = self.clock.now();
        let old = |last: Timestamp| now.unix() - last.unix() >= HEARTBEAT_SECONDS;
        if self.writer.log().last_received().is_some_and(old) {
            self.writer.commit(&[], now)?;
            self.tell()?;
        }
        Ok(())
    }

    fn tell(&mut self) -> Result<(), Failure> {
        let now = published(&self.writer)?;
        self.tell.send_if_modified(|before| {
            let changed = *before != now;
            *before = now;
            changed
        });
        Ok(())
    }
}
