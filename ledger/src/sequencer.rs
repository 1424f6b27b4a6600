//! The sequencer: one thread owns the writer, commits all that waits in one go, and only then answers.
//!
//! Everyone who appends while the ledger serves hands in here, and so does whoever needs the writer
//! for something else: [`Sequencer::with`] runs between two commits. Readers who need no more than
//! what is on the disk read the store and wait for nobody.
//!
//! Three threads share the work. `reader` takes what waits, reads it, checks signatures and hidden values and encrypts
//! them; meanwhile `desk`, who has the writer, admits what was read before in its order, writes it, and answers when it
//! is on the disk. `publisher` asks the witnesses, so that no commit waits for a network.

mod desk;
mod publisher;
mod reader;

use std::sync::mpsc::{SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;

use schemas::note::Note;
use schemas::receipt::Receipt;
use tokio::sync::{oneshot, watch};

use crate::clock::Clock;
use crate::failure::Failure;
use crate::outbox::Opening;
use crate::plan::Rejection;
use crate::publish;
use crate::sequencer::desk::Desk;
use crate::sequencer::publisher::Publisher;
use crate::sequencer::reader::Reader;
use crate::witness::Panel;
use crate::writer::Writer;

/// Jobs that may wait for the writer; who comes later is told that the ledger is busy.
pub const WAITING_JOBS_MAX: usize = 4_096;
/// Events of one commit, at most: its flushes serve everyone, and a page of the store holds few values.
pub const COMMIT_EVENTS_MAX: usize = 512;
/// Bytes of their notes, at most: a batch travels as one message, and brokers take no longer ones (FORMAT.md 23.3).
pub const COMMIT_BYTES_MAX: usize = 4 << 20;
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
    /// Nothing is recorded until the operator has looked; reading goes on.
    #[error("nothing is recorded: {why}")]
    Suspended {
        /// Why.
        why: String,
    },
    /// A commit failed, or the ledger ends. Whether a job that was under way took effect is unknown: hand in the same bytes
    /// again later, the answer will be the same.
    #[error("the ledger takes nothing now{}", .why.as_deref().map(|w| format!(": {w}")).unwrap_or_default())]
    Stopped {
        /// What failed, for the operator.
        why: Option<String>,
    },
}

/// Done with the writer; what it gives back tells whoever asked, once everybody can see what it did.
type Errand = Box<dyn FnOnce(&mut Writer) -> Box<dyn FnOnce()> + Send>;

/// Finds out whether something contradicts the log.
type Against = Box<dyn FnOnce(&Writer) -> Result<(), Failure> + Send>;

/// What somebody else has of this log, to be held against it.
struct Holding {
    /// Who.
    who: &'static str,
    against: Against,
    answer: oneshot::Sender<Result<(), String>>,
}

impl Holding {
    fn new(
        who: &'static str,
        against: impl FnOnce(&Writer) -> Result<(), Failure> + Send + 'static,
    ) -> (Self, oneshot::Receiver<Result<(), String>>) {
        let (answer, answered) = oneshot::channel();
        (Self { who, against: Box::new(against), answer }, answered)
    }
}

/// What is handed in.
enum Job {
    Append(Vec<Delivery>, oneshot::Sender<Vec<Reply>>),
    With(Errand),
    Hold(Holding),
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
    failed: Failed,
}

/// What ended the thread that writes, for everyone who waited for it.
#[derive(Clone, Default)]
struct Failed(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    ended: Option<String>,
    /// Why nothing is recorded, while the thread goes on and lends the writer to who reads.
    suspended: Option<String>,
}

impl Failed {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says it; the first word counts.
    fn tell(&self, why: &Failure) {
        self.said().ended.get_or_insert_with(|| why.to_string());
    }

    fn told(&self) -> Option<String> {
        self.said().ended.clone()
    }

    fn suspend(&self, why: Option<String>) {
        self.said().suspended = why;
    }

    fn suspended(&self) -> Option<String> {
        self.said().suspended.clone()
    }
}

/// The running threads; joining them gives the writer back, or what they failed of.
pub struct Running {
    reader: JoinHandle<()>,
    desk: JoinHandle<Result<Writer, Failure>>,
}

impl Running {
    /// Waits until they have ended.
    ///
    /// # Errors
    /// The [`Failure`] that ended them.
    pub fn join(self) -> Result<Writer, Failure> {
        let ended = self.desk.join();
        if let Err(panic) = self.reader.join() {
            std::panic::resume_unwind(panic);
        }
        match ended {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Sequencer {
    /// Takes the writer to threads of its own; the witnesses of its policy are asked over HTTP.
    ///
    /// # Errors
    /// [`Failure`] if what is published cannot be read, or the clock is not to be believed.
    pub fn start(writer: Writer, clock: Clock) -> Result<(Self, Running), Failure> {
        let panel = publish::panel(&writer)?;
        Self::start_before(writer, clock, panel)
    }

    /// The same before these witnesses, however they are reached.
    ///
    /// # Errors
    /// As [`Sequencer::start`].
    pub fn start_before(writer: Writer, clock: Clock, panel: Panel) -> Result<(Self, Running), Failure> {
        crate::lead::now(&writer, clock)?;
        let (jobs, queue) = sync_channel(WAITING_JOBS_MAX);
        // The reader is at most one batch ahead: what comes meanwhile goes into the next.
        let (prepared, work) = sync_channel(0);
        let keyring = Arc::new(RwLock::new(Arc::new(writer.log().keyring().clone())));
        let (heads, newest) = channel();
        let found = publish::look(&writer)?;
        let (tell, published) = watch::channel(Published { size: found.size, note: found.published });
        let policy = panel.policy().clone();
        let witnessed = !panel.is_empty();
        let failed = Failed::default();
        let heads = witnessed.then_some(heads);
        let desk = Desk::new(writer, clock, tell, policy, Arc::clone(&keyring), heads, failed.clone());
        if witnessed {
            let publisher = Publisher::new(panel, clock, newest, prepared.clone(), published.borrow().note.as_ref());
            std::thread::spawn(move || publisher.run());
        }
        let told = failed.clone();
        let reader = std::thread::spawn(move || Reader { clock, keyring, prepared }.run(&queue));
        let desk = std::thread::spawn(move || desk.run(&work).inspect_err(|why| told.tell(why)));
        Ok((Self { jobs, published, failed }, Running { reader, desk }))
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
            let value = errand(writer);
            Box::new(move || {
                let _ = send.send(value); // one who has left loses the answer, nothing else
            })
        });
        self.hand_in(Job::With(errand))?;
        answer.await.map_err(|_| self.stopped())
    }

    /// Holds against the log, between two commits, what somebody else has that bears its signature. Where that contradicts,
    /// nothing is recorded any more, as the inner answer says.
    ///
    /// # Errors
    /// [`Halted`].
    pub(crate) async fn hold(
        &self,
        who: &'static str,
        against: impl FnOnce(&Writer) -> Result<(), Failure> + Send + 'static,
    ) -> Result<Result<(), String>, Halted> {
        let (holding, answered) = Holding::new(who, against);
        self.hand_in(Job::Hold(holding))?;
        answered.await.map_err(|_| self.stopped())
    }

    /// What is published; changes are told.
    pub fn watch(&self) -> watch::Receiver<Published> {
        self.published.clone()
    }

    /// Asks the thread to end once what waits is done.
    pub fn stop(&self) {
        let _ = self.jobs.send(Job::Stop); // an error means that it has ended
    }

    /// Why nothing is recorded, where that is so.
    pub fn suspended(&self) -> Option<String> {
        self.failed.suspended()
    }

    fn hand_in(&self, job: Job) -> Result<(), Halted> {
        if let (Job::Append(..), Some(why)) = (&job, self.suspended()) {
            return Err(Halted::Suspended { why });
        }
        match self.jobs.try_send(job) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => Err(Halted::Busy),
            Err(TrySendError::Disconnected(_)) => Err(self.stopped()),
        }
    }

    fn stopped(&self) -> Halted {
        if let Some(why) = self.suspended() {
            return Halted::Suspended { why };
        }
        Halted::Stopped { why: self.failed.told() }
    }
}
