//! The server as a whole: what it starts, and in which order it ends.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use schemas::time::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use verifier::http_request::{AHEAD_SECONDS, LIFETIME_SECONDS_MAX, Nonces};

use super::app::{App, Parts};
use super::config::Config;
use super::figures::Figures;
use super::ids::Ids;
use super::limits::{Counts, Rates};
use super::listen::Door;
use super::readings::Readings;
use super::registry::Registry;
use super::tls::{self, BadCertificate};
use super::{openapi, routes};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::files;
use crate::mirror::Mirror;
use crate::nats::{self, Nats, NotStarted};
use crate::publish;
use crate::sequencer::{Published, Running, Sequencer};
use crate::writer::{Home, Writer};

/// Signed requests that are remembered at a time; one takes some 80 bytes.
const REMEMBERED_MAX: usize = 1 << 20;
/// And of one key.
const REMEMBERED_OF_KEY_MAX: usize = 1 << 16;
/// Packs that are made at a time: each may take a hundred megabytes.
const PACKS_AT_ONCE_MAX: usize = 2;
/// What the file `served` says while the server runs.
const RUNS: &str = "runs";

/// Why the ledger cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BadServer {
    /// The address cannot be had.
    #[error("cannot listen on {address}: {source}; choose another [listen] address, or --listen ADDRESS:PORT")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate.
    #[error(transparent)]
    Certificate(#[from] BadCertificate),
    /// The ledger.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// NATS is there, and not as it must be.
    #[error(transparent)]
    Nats(#[from] NotStarted),
}

/// A ledger that is being served.
pub struct Server {
    address: SocketAddr,
    door: Door,
    app: App,
    end: watch::Sender<bool>,
    running: Running,
    mirror: Option<Mirror>,
    nats: Option<Nats>,
    home: Home,
}

impl Server {
    /// Takes the writer, and begins to listen; nobody is answered before [`Server::serve`].
    ///
    /// # Errors
    /// [`BadServer`].
    pub async fn start(
        writer: Writer,
        config: Config,
        readings: Option<Readings>,
        utc_offset_minutes: i32,
    ) -> Result<Self, BadServer> {
        let own = !config.tls.certificate.as_os_str().is_empty();
        let tls = own.then(|| tls::acceptor(&config.tls.certificate, &config.tls.key)).transpose()?;
        let bad = |source| BadServer::Listen { address: config.listen.address, source };
        let listener = TcpListener::bind(config.listen.address).await.map_err(bad)?;
        let address = listener.local_addr().map_err(bad)?;
        let home = writer.home().clone();
        let begun = Clock::System.now();
        let last = begin(&home, begun)?;
        let reader = writer.reader().clone();
        let policy = publish::policy_text(&writer)?;
        let folder = Some(&config.mirror.folder).filter(|folder| !folder.as_os_str().is_empty());
        let mirror = folder.map(|folder| Mirror::open(reader.clone(), policy.clone(), utc_offset_minutes, folder));
        let mirror = mirror.transpose()?;
        let registry = Registry::of(&writer);
        let (sequencer, running) = Sequencer::start(writer, Clock::System)?;
        let nats = if config.nats.is_on() { Some(nats::start(config.nats.clone(), &sequencer).await?) } else { None };
        let (end, ending) = watch::channel(false);
        let nonces = |since| Mutex::new(Nonces::new(since, REMEMBERED_MAX, REMEMBERED_OF_KEY_MAX));
        let app: App = Arc::new(Parts {
            published: sequencer.watch(),
            nats: nats.as_ref().map(Nats::status),
            ending: ending.clone(),
            registry,
            policy,
            handed_in: nonces(begun),
            read: nonces(last),
            ids: Ids::default(),
            learning: tokio::sync::Mutex::default(),
            readings,
            key_requests: Rates::new(config.rate.key_requests, config.rate.key_requests_burst),
            key_events: Rates::new(config.rate.key_events, config.rate.key_events_burst),
            of_key: Counts::default(),
            feeds: Counts::default(),
            feed_places: Arc::new(Semaphore::new(config.feed.readers_max)),
            body_kib: Arc::new(Semaphore::new(config.events.bytes_at_once_max.div_ceil(1024))),
            disk: Arc::new(Semaphore::new(config.requests.reading_max)),
            packs: Semaphore::new(PACKS_AT_ONCE_MAX),
            figures: Figures::new(),
            openapi: openapi::text(),
            config,
            reader,
            sequencer,
        });
        let door = Door::new(listener, tls, Arc::clone(&app), routes::router(&app));
        Ok(Self { address, door, app, end, running, mirror, nats, home })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What every request uses.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Serves until `stop` is ready or the writer fails. Then nobody new is let in, requests under way end, the feed
    /// ends, and the writer is the last to go: whatever was answered is on the disk.
    ///
    /// # Errors
    /// What the writer failed of.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send) -> Result<(), Failure> {
        let ending = self.end.subscribe();
        let door = tokio::spawn(self.door.serve(ending));
        let mirror = self.mirror.map(|mirror| tokio::spawn(keep(mirror, Arc::clone(&self.app), self.end.subscribe())));
        let mut running = tokio::task::spawn_blocking(move || self.running.join());
        let early = tokio::select! {
            () = stop => None,
            ended = &mut running => Some(ended),
        };
        let _ = self.end.send(true);
        let _ = door.await;
        if let Some(nats) = self.nats {
            nats.stop().await;
        }
        self.app.sequencer.stop();
        let ended = match early {
            Some(ended) => ended,
            None => running.await,
        };
        if let Some(mirror) = mirror {
            // The last that was published is in it when the server has ended.
            if let Ok(Some(mirror)) = mirror.await {
                mirrored(mirror, &self.app, || true).await;
            }
        }
        let writer = match ended {
            Ok(ended) => ended?,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        };
        drop(self.app); // it reads the store too
        let stopped = tokio::task::spawn_blocking(move || writer.stop()).await;
        if let Ok(Err(why)) = stopped {
            tracing::warn!(why = %why, "the next start must read the whole log, as the state could not be left");
        }
        end(&self.home, Clock::System.now())
    }
}

/// Keeps the mirror current until the server ends.
async fn keep(mirror: Mirror, app: App, mut ending: watch::Receiver<bool>) -> Option<Mirror> {
    let mut published = app.published.clone();
    let mut mirror = mirror;
    loop {
        let until = ending.clone();
        let begun = Instant::now();
        published.mark_unchanged();
        let (again, done) = mirrored(mirror, &app, move || !*until.borrow()).await?;
        mirror = again;
        // A long update is followed by a long pause: the mirror serves the ledger, not the other way round.
        let pause = Duration::from_secs(app.config.mirror.seconds).max(begun.elapsed() * 4);
        let next = async {
            tokio::time::sleep(pause).await;
            if done {
                let _ = published.changed().await;
            }
        };
        tokio::select! {
            () = next => {}
            _ = ending.wait_for(|ends| *ends) => return Some(mirror),
        }
    }
}

/// Brings a mirror up to what is published, and says whether it is; what goes wrong is said, and tried again.
async fn mirrored(mut mirror: Mirror, app: &App, go_on: impl Fn() -> bool + Send + 'static) -> Option<(Mirror, bool)> {
    let Published { size, note } = app.published.borrow().clone();
    let Some(note) = note else { return Some((mirror, true)) };
    let work = move || {
        let done = mirror.update(size, &note, &go_on);
        (mirror, done)
    };
    let (mirror, done) = tokio::task::spawn_blocking(work).await.ok()?;
    let done = done.unwrap_or_else(|why| {
        tracing::error!(why = %why, "the mirror could not be brought up to date");
        false
    });
    if done {
        app.figures.mirrored.set(size);
    }
    Some((mirror, done))
}

/// From which moment on signed requests to read are taken: one that an earlier server may have answered is not. Its
/// memory is gone, and it took requests that were dated so far ahead of its end.
fn begin(home: &Home, now: Timestamp) -> Result<Timestamp, Failure> {
    let text = files::read(&home.served(), 64)?;
    let text = text.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let since = match text.as_deref().map(str::trim_end) {
        None => now.plus_seconds(-LIFETIME_SECONDS_MAX),
        Some(text) => Timestamp::parse(text).unwrap_or(now).min(now).plus_seconds(AHEAD_SECONDS + 1),
    };
    files::replace(&home.served(), format!("{RUNS}\n").as_bytes())?;
    Ok(since)
}

/// Writes down that the server ended, and when.
fn end(home: &Home, now: Timestamp) -> Result<(), Failure> {
    files::replace(&home.served(), format!("{now}\n").as_bytes())
}
