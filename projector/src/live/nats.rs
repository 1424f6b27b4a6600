//! A ledger behind NATS JetStream (FORMAT.md 23). The one file of the projector that uses `async_nats`. Feature `nats`.
//!
//! Batches come by a durable pull consumer, published checkpoints from the stream beside them. The broker is transport:
//! what it acknowledges or remembers of us is a hint, and where it disagrees with our own book the consumer is made anew
//! at the place that the book says. A message must be the batch of its own number and go on where the last one ended.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull};
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::jetstream::{self, Context};
use futures_util::StreamExt as _;
use schemas::batch::{Batch, Names};
use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::visible;
use tokio::runtime::Runtime;
use zeroize::Zeroizing;

use super::tiles::stated_size;
use super::{Disturbed, Go, Live};

/// How long a connection, or an answer of the broker, may take.
const ANSWER: Duration = Duration::from_secs(5);
/// How long one pull waits for messages that the stream should have.
const PULL: Duration = Duration::from_secs(2);
/// Pulls without a message before the batch that a checkpoint covers is given up for now.
const PULLS_MAX: u32 = 4;
/// Messages asked for at once.
const MESSAGES_MAX: usize = 64;
/// Bytes of messages that may wait here.
const BYTES_MAX: usize = 32 << 20;
/// Looks without news after which the stream is asked whether the consumer has been forgotten.
const WATCH_AFTER: u32 = 20;
/// How long the broker waits for an acknowledgement before it repeats a message; a repeated one is passed over.
const ACK_WAIT: Duration = Duration::from_secs(600);
/// Between a batch and the word that it was published.
const LOOK: Duration = Duration::from_millis(200);

/// Batches of one ledger.
pub struct Nats {
    runtime: Runtime,
    address: String,
    /// User and password, where the broker asks for them.
    login: Option<(String, Zeroizing<String>)>,
    names: Names,
    durable: String,
    /// Whether the log's own signature is enough for the reader.
    unwatched: bool,
    context: Option<Context>,
    consumer: Option<PullConsumer>,
    /// Position and sequence of the next message that the consumer gives.
    next: (u64, u64),
    waiting: VecDeque<Batch>,
    /// Where to acknowledge each message that was taken and is not kept yet.
    replies: BTreeMap<u64, jetstream::Message>,
    kept: (u64, u64),
    quiet: u32,
}

impl std::fmt::Debug for Nats {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Nats").field("stream", &self.names.stream()).field("next", &self.next).finish_non_exhaustive()
    }
}

impl Nats {
    /// The ledger of that origin at this address. `login` is user and password; `durable` is the consumer's name, which
    /// nobody else may use; `unwatched` says that the policy asks for no witness.
    ///
    /// # Errors
    /// What the system says, if it gives no threads.
    pub fn new(
        address: &str,
        login: Option<(String, String)>,
        origin: &Origin,
        durable: &str,
        unwatched: bool,
    ) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        Ok(Self {
            runtime,
            address: address.to_owned(),
            login: login.map(|(user, password)| (user, password.into())),
            names: Names::of(origin),
            durable: durable.to_owned(),
            unwatched,
            context: None,
            consumer: None,
            next: (0, 1),
            waiting: VecDeque::new(),
            replies: BTreeMap::new(),
            kept: (0, 0),
            quiet: 0,
        })
    }

    fn silent(&mut self, what: &str, why: &dyn std::fmt::Display) -> Disturbed {
        self.consumer = None;
        self.waiting.clear();
        let why = visible::start(&why.to_string(), 200);
        Disturbed::Silent { place: format!("{what} at {}", place(&self.address)), why }
    }

    fn malformed(&mut self, what: String) -> Disturbed {
        self.consumer = None;
        self.waiting.clear();
        Disturbed::Malformed { place: format!("stream {} at {}", self.names.stream(), place(&self.address)), what }
    }

    fn context(&mut self) -> Result<Context, Disturbed> {
        if let Some(context) = &self.context {
            return Ok(context.clone());
        }
        let options = match &self.login {
            Some((user, password)) => ConnectOptions::with_user_and_password(user.clone(), password.to_string()),
            None => ConnectOptions::new(),
        };
        let options = options.name("access-ledger-projector").connection_timeout(ANSWER);
        // A context starts a task of its own, so it is made where there is a runtime.
        let connected = self.runtime.block_on(async {
            let mut context = jetstream::new(options.connect(&self.address).await?);
            context.set_timeout(ANSWER);
            Ok::<_, async_nats::ConnectError>(context)
        });
        match connected {
            Ok(context) => {
                self.context = Some(context.clone());
                Ok(context)
            }
            Err(e) => Err(self.silent("broker", &e)),
        }
    }

    fn stream(&mut self, name: &str) -> Result<Stream<()>, Disturbed> {
        let context = self.context()?;
        self.runtime.block_on(context.get_stream_no_info(name)).map_err(|e| self.silent(name, &e))
    }

    /// The last message on a subject, read at the stream's leader; nothing where there is none.
    fn last(&mut self, stream: &str, subject: &str) -> Result<Option<Vec<u8>>, Disturbed> {
        let found = self.stream(stream)?;
        match self.runtime.block_on(found.get_last_raw_message_by_subject(subject)) {
            Ok(message) => Ok(Some(message.payload.to_vec())),
            Err(e) => match e.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                LastRawMessageErrorKind::JetStream(answer) if answer.code() == 404 => Ok(None),
                _ => Err(self.silent(stream, &e)),
            },
        }
    }

    /// The newest checkpoint that was published.
    fn newest(&mut self) -> Result<Option<Vec<u8>>, Disturbed> {
        let (stream, subject) = (self.names.seen_stream(), self.names.seen());
        let seen = self.last(&stream, &subject)?;
        if seen.is_some() || !self.unwatched {
            return Ok(seen);
        }
        // Where no witness is asked for, each batch is published by its own checkpoint.
        let (stream, subject) = (self.names.stream(), self.names.commit());
        let Some(bytes) = self.last(&stream, &subject)? else { return Ok(None) };
        let batch = Batch::parse(&bytes).map_err(|e| self.malformed(e.to_string()))?;
        Ok(Some(batch.checkpoint.to_text().into_bytes()))
    }

    /// A consumer whose next message goes on after `from` entries, or comes before.
    fn seek(&mut self, from: u64) -> Result<(), Disturbed> {
        self.waiting.clear();
        self.replies.clear();
        self.next = if from == self.kept.0 { (from, self.kept.1 + 1) } else { (0, 1) };
        let start_sequence = self.next.1;
        let name = self.names.stream();
        let stream = self.stream(&name)?;
        let durable = self.durable.clone();
        let made = self.runtime.block_on(async {
            if let Ok(info) = stream.consumer_info(&durable).await {
                let (given, acknowledged) = (info.delivered.stream_sequence, info.ack_floor.stream_sequence);
                if given == acknowledged && given + 1 == start_sequence && given > 0 {
                    return stream.get_consumer::<pull::Config>(&durable).await.map_err(|e| e.to_string());
                }
                // What the broker remembers is not what our book says.
                stream.delete_consumer(&durable).await.map_err(|e| e.to_string())?;
            }
            let config = pull::Config {
                durable_name: Some(durable.clone()),
                deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
                ack_policy: AckPolicy::All,
                ack_wait: ACK_WAIT,
                max_ack_pending: -1,
                ..pull::Config::default()
            };
            stream.create_consumer(config).await.map_err(|e| e.to_string())
        });
        self.consumer = Some(made.map_err(|e| self.silent(&name, &e))?);
        self.quiet = 0;
        Ok(())
    }

    /// Takes what comes within the time.
    fn pull(&mut self, time: Duration) -> Result<(), Disturbed> {
        let Some(consumer) = self.consumer.clone() else { return Ok(()) };
        let room = BYTES_MAX.saturating_sub(self.waiting.iter().flat_map(|b| &b.entries).map(Vec::len).sum());
        if room == 0 {
            return Ok(());
        }
        let given: Result<Vec<jetstream::Message>, String> = self.runtime.block_on(async {
            let asked = consumer.fetch().max_messages(MESSAGES_MAX).expires(time.max(Duration::from_millis(50)));
            // The broker ends a pull; one that does not answer any more is given up.
            let late = time + ANSWER;
            let all = async {
                let mut messages = asked.messages().await.map_err(|e| e.to_string())?;
                let mut given = Vec::new();
                while let Some(message) = messages.next().await {
                    given.push(message.map_err(|e| e.to_string())?);
                }
                Ok(given)
            };
            tokio::time::timeout(late, all).await.unwrap_or_else(|_| Err("no answer to a pull".to_owned()))
        });
        let name = self.names.stream();
        for message in given.map_err(|e| self.silent(&name, &e))? {
            self.quiet = 0;
            let sequence = match message.info() {
                Ok(info) => info.stream_sequence,
                Err(e) => return Err(self.malformed(e.to_string())),
            };
            if sequence < self.next.1 {
                continue; // repeated, because we were slow to acknowledge it
            }
            let (position, expected) = self.next;
            if sequence != expected {
                return Err(self.malformed(format!("message {sequence} came where {expected} should")));
            }
            let batch = match Batch::parse(&message.payload) {
                Ok(batch) => batch,
                Err(e) => return Err(self.malformed(format!("message {sequence}: {e}"))),
            };
            if batch.number != sequence || batch.first != position {
                let (number, first) = (batch.number, batch.first);
                return Err(self.malformed(format!("message {sequence} holds batch {number} from entry {first} on")));
            }
            self.next = (position + batch.entries.len() as u64, sequence + 1);
            self.waiting.push_back(batch);
            self.replies.insert(sequence, message);
        }
        Ok(())
    }

    /// Nothing has come for a while: is that so, or has the consumer been forgotten?
    fn watch(&mut self) -> Result<(), Disturbed> {
        self.quiet += 1;
        if self.quiet < WATCH_AFTER {
            return Ok(());
        }
        self.quiet = 0;
        let name = self.names.stream();
        let stream = self.stream(&name)?;
        let info = self.runtime.block_on(stream.get_info()).map_err(|e| self.silent(&name, &e))?;
        if info.state.last_sequence >= self.next.1 && self.waiting.is_empty() {
            self.consumer = None;
        }
        Ok(())
    }
}

/// The address without what proves who we are.
fn place(address: &str) -> String {
    match (address.split_once("://"), address.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        _ => address.to_owned(),
    }
}

impl Live for Nats {
    fn checkpoint(&mut self, size: u64, patience: Duration) -> Result<Option<Vec<u8>>, Disturbed> {
        let newest = self.newest()?;
        let known = |note: &Option<Vec<u8>>| note.as_deref().and_then(stated_size) == Some(size) || note.is_none();
        if !known(&newest) || patience.is_zero() {
            return Ok(newest);
        }
        if self.consumer.is_none() {
            self.seek(size)?;
        }
        if self.waiting.is_empty() {
            self.pull(patience)?;
            self.watch()?;
        } else {
            // Batches are there; whether they are published is for others to say.
            std::thread::sleep(patience.min(LOOK));
        }
        self.newest()
    }

    fn entries(&mut self, from: u64, to: u64, take: &mut dyn FnMut(&[u8]) -> Go) -> Result<(), Disturbed> {
        let begins = self.waiting.front().map_or(self.next.0, |batch| batch.first);
        if self.consumer.is_none() || begins != from {
            self.seek(from)?;
        }
        let mut position = self.waiting.front().map_or(self.next.0, |batch| batch.first);
        let mut pulls = 0;
        while position < to {
            let Some(batch) = self.waiting.pop_front() else {
                pulls += 1;
                if pulls > PULLS_MAX {
                    let place = format!("stream {} at {}", self.names.stream(), place(&self.address));
                    self.consumer = None;
                    return Err(Disturbed::Short { place, position });
                }
                self.pull(PULL)?;
                continue;
            };
            pulls = 0;
            let end = batch.first + batch.entries.len() as u64;
            if end > to {
                // A published checkpoint ends a batch; this one does not.
                self.waiting.push_front(batch);
                let what = format!("no batch ends at entry {to}, where the checkpoint does");
                return Err(self.malformed(what));
            }
            for (number, entry) in (batch.first..).zip(&batch.entries) {
                if number >= from && take(entry) == Go::Stop {
                    return Ok(());
                }
            }
            position = end;
        }
        Ok(())
    }

    fn document(&mut self, _digest: &Hash) -> Result<Option<Vec<u8>>, Disturbed> {
        // A stream of batches has no documents: give them by --documents.
        Ok(None)
    }

    fn reset(&mut self) {
        self.consumer = None;
        self.waiting.clear();
    }

    fn kept(&mut self, size: u64, batches: u64) {
        self.kept = (size, batches);
        let rest = self.replies.split_off(&(batches + 1));
        let done = std::mem::replace(&mut self.replies, rest);
        if let Some(message) = done.get(&batches) {
            // A hint to whoever looks at the broker; losing it costs nothing.
            let _ = self.runtime.block_on(async { tokio::time::timeout(ANSWER, message.ack()).await });
        }
    }
}
