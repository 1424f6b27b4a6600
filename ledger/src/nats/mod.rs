//! NATS: the published batches as a replicated stream, and submission by request and reply.
//!
//! The log is the ledger's own, on its own disk; a server only carries it. Whatever the servers do, nobody who appends
//! waits for them, and whoever reads a stream verifies what it reads. What a server must keep to is demanded by name:
//! at the start, and whenever a connection is made. The one place of this crate that speaks to NATS.

mod batches;
mod courier;
mod door;
mod letter;
mod link;
mod server;
mod settings;
mod status;
mod stream;
mod texts;
mod trouble;
mod wire;

use std::time::Duration;

use async_nats::Client;
use schemas::batch::Names;
use schemas::hash::Hash;
use schemas::note::Origin;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::courier::Courier;
use self::door::Door;
use self::link::Link;
pub use self::settings::NatsSettings;
use self::status::Teller;
pub use self::status::{Stand, Status};
use self::stream::Owner;
pub use self::texts::server as server_configuration;
pub use self::trouble::{BadNats, Broken, Trouble};
use crate::failure::{Damage, Failure};
use crate::sequencer::{Halted, Sequencer};
use crate::testimony::{self, Heard, Kind};
use crate::writer::Writer;

/// Longest message that a server must take, in bytes.
const MESSAGE_BYTES_MIN: usize = 8 << 20;
/// What the headers of a message may need beside it, in bytes.
const HEADER_BYTES_MAX: usize = 512;
/// Longest wait for a connection, and for an answer.
const WAIT: Duration = Duration::from_secs(5);
/// Begin of the inboxes of the ledger: a user of their own may listen there, and nobody else.
const INBOX: &str = "_INBOX_ledger";

/// Which ledger it is, for names and metadata.
#[derive(Clone, Debug)]
pub struct Identity {
    origin: Origin,
    owner: Owner,
}

impl Identity {
    /// Of an open ledger.
    ///
    /// # Errors
    /// [`Failure`] if its first entry cannot be read.
    pub fn of(writer: &Writer) -> Result<Self, Failure> {
        let gap = || Failure::damaged(writer.store().dir(), Damage::Gap { position: 0 });
        let genesis = Hash::leaf(&writer.entry(0)?.ok_or_else(gap)?);
        let origin = writer.log().origin().clone();
        Ok(Self { owner: Owner { origin: origin.to_string(), genesis: genesis.to_hex() }, origin })
    }

    /// The log's origin.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

/// Why NATS was not begun with.
#[derive(Debug, thiserror::Error)]
pub enum NotStarted {
    /// The configuration, a server or a stream.
    #[error(transparent)]
    Bad(#[from] BadNats),
    /// The ledger itself.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// The ledger takes nothing.
    #[error(transparent)]
    Halted(#[from] Halted),
}

/// What runs.
pub struct Nats {
    status: watch::Receiver<Status>,
    end: watch::Sender<bool>,
    courier: JoinHandle<()>,
    door: Option<JoinHandle<()>>,
}

/// Begins to send what is published, and to take submissions; on the runtime of who calls.
///
/// A server that is away is waited for. One that is there and not as it must be is a reason not to start.
///
/// # Errors
/// [`NotStarted`] says what to mend.
pub async fn start(settings: NatsSettings, sequencer: &Sequencer) -> Result<Nats, NotStarted> {
    settings.check()?;
    let identity = sequencer.with(|writer| Identity::of(writer)).await??;
    let names = Names::of(&identity.origin);
    let (teller, status) = Teller::new();
    let link = Link::new(&settings);
    let door = settings.submit.then(|| Door::new(names.clone(), &settings, sequencer.clone(), link.clone()));
    let mut courier = Courier::new(names, identity.owner, settings, sequencer.clone(), link, teller);
    if let Err(Trouble::Bad(bad)) = courier.look().await {
        return Err(bad.into());
    }
    let (end, ending) = watch::channel(false);
    let door = door.map(|door| tokio::spawn(door.run(ending)));
    Ok(Nats { status, end, courier: tokio::spawn(courier.run()), door })
}

impl Nats {
    /// How it stands; changes are told.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// Takes no more submissions, answers those that are worked on, and ends. To be called before the sequencer ends.
    pub async fn stop(self) {
        let _ = self.end.send(true);
        if let Some(door) = self.door {
            let _ = door.await;
        }
        // What it has not sent it sends after the next start.
        self.courier.abort();
        let _ = self.courier.await;
    }
}

/// Asks the streams what they hold last that bears a log's signature, before anything is added to that log: the place
/// and the bytes of each checkpoint, none where there is none. A broker is not believed; whoever asks looks at the signature.
///
/// # Errors
/// Why they could not be asked.
pub async fn known(settings: &NatsSettings, origin: &Origin) -> Result<Vec<(String, Vec<u8>)>, Trouble> {
    settings.check()?;
    let client = Link::new(settings).client().await?;
    last(&client, &Names::of(origin)).await
}

/// The checkpoint that each stream holds last; no bytes where it holds none.
async fn last(client: &Client, names: &Names) -> Result<Vec<(String, Vec<u8>)>, Trouble> {
    let batch = wire::last_message(client, &names.stream(), &names.commit()).await?;
    let note = batch.and_then(|batch| {
        let first = batch.payload.split(|byte| *byte == b'\n').next()?;
        let line = serde_json::from_slice::<serde_json::Value>(first).ok()?;
        Some(line.get("checkpoint")?.as_str()?.as_bytes().to_vec())
    });
    let seen = wire::last_message(client, &names.seen_stream(), &names.seen()).await?;
    let seen = seen.map(|seen| seen.payload);
    Ok([(names.stream(), note), (names.seen_stream(), seen)]
        .map(|(stream, note)| (stream, note.unwrap_or_default()))
        .to_vec())
}

/// Holds what the streams hold last against a log. What is ahead of it, or another history, is kept as evidence.
///
/// # Errors
/// [`Failure::Contradicted`].
pub(crate) fn hold(writer: &Writer, shown: Vec<(String, Vec<u8>)>) -> Result<Heard, Failure> {
    let Some(key) = testimony::own_key(writer.home()) else { return Ok(Heard::default()) };
    let heard = Heard::from(&key, Kind::Stream, shown);
    heard.hold_against(writer.home(), &key, &writer.levels(), Some(writer.head()))?;
    Ok(heard)
}

/// Makes the streams of a ledger where they are not there, then demands of servers and streams what `start` demands.
///
/// # Errors
/// [`Trouble`].
pub async fn set_up(settings: &NatsSettings, identity: &Identity) -> Result<(), Trouble> {
    settings.check()?;
    let names = Names::of(&identity.origin);
    let client = Link::new(settings).client().await?;
    server::greeted(&client)?;
    let mut peers = std::collections::BTreeSet::new();
    for wanted in [stream::commits(&names, &identity.owner, settings), stream::seen(&names, &identity.owner, settings)]
    {
        stream::create(&client, &wanted).await?;
        peers.extend(stream::demand(&client, &wanted).await?.peers);
    }
    server::demand_flushing(&client, &peers).await
}
