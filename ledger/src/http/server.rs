//! The server as a whole: what it starts, and in which order it ends.

use schemas::visible::Show as _;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::app::{App, Parts};
use super::config::Config;
use super::figures::Figures;
use super::ids::Ids;
use super::limits::{Counts, Rates};
use super::listen::Door;
use super::packs::PublicPacks;
use super::readings::{Readings, SPELL};
use super::registry::Registry;
use super::spent::Spent;
use super::tls::{self, BadCertificate};
use super::{openapi, routes};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::mirror::Mirror;
use crate::nats::{self, Nats, NotStarted};
use crate::places::Places;
use crate::publish;
use crate::sequencer::{Published, Running, Sequencer};
use crate::writer::Writer;

/// Packs with hidden values that are made at a time: each may take a hundred megabytes. Public ones have one place more.
const PACKS_AT_ONCE_MAX: usize = 2;

/// Answers with openings that are made at a time; whoever else reads from the disk has the other places.
const OPENINGS_AT_ONCE_MAX: usize = 2;
/// And that are made or waited for.
const OPENINGS_WAITING_MAX: usize = 16;

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
        let writer = ask(writer, &config).await?;
        let home = writer.home().clone();
        let spent = Mutex::new(Spent::open(&home, Clock::System.now())?);
        let reader = writer.reader().clone();
        let policy = publish::policy_text(&writer)?;
        let folder = Some(&config.mirror.folder).filter(|folder| !folder.as_os_str().is_empty());
        let mirror = folder.map(|folder| Mirror::open(reader.clone(), policy.clone(), utc_offset_minutes, folder));
        let mirror = mirror.transpose()?;
        let registry = Registry::of(&writer);
        let (sequencer, running) = Sequencer::start(writer, Clock::System)?;
        let nats = if config.nats.is_on() { Some(nats::start(config.nats.clone(), &sequencer).await?) } else { None };
        let (end, ending) = watch::channel(false);
        let app: App = Arc::new(Parts {
            published: sequencer.watch(),
            nats: nats.as_ref().map(Nats::status),
            ending: ending.clone(),
            registry,
            policy,
            spent,
            ids: Ids::default(),
            learning: tokio::sync::Mutex::default(),
            readings,
            key_requests: Rates::new(config.rate.key_requests, config.rate.key_requests_burst),
            key_events: Rates::new(config.rate.key_events, config.rate.key_events_burst),
            of_key: Counts::default(),
            feeds: Counts::default(),
            feed_places: Arc::new(Semaphore::new(config.feed.readers_max)),
            bodies_of_key: Counts::default(),
            bodies_of_address: Counts::default(),
            body_kib: Arc::new(Semaphore::new(config.events.bytes_at_once_max.div_ceil(1024))),
            disk: Arc::new(Semaphore::new(config.requests.reading_max)),
            openings: Semaphore::new(OPENINGS_AT_ONCE_MAX),
            openings_waiting: Semaphore::new(OPENINGS_WAITING_MAX),
            openings_of_key: Counts::default(),
            packs: Semaphore::new(PACKS_AT_ONCE_MAX),
            packs_of_key: Counts::default(),
            public_packs: PublicPacks::new(config.requests.packs_waiting_max, config.requests.packs_kept_bytes_max),
            figures: Figures::new(),
            openapi: openapi::text(),
            config,
            reader,
            sequencer,
        });
        let door = Door::new(listener, tls, Arc::clone(&app), routes::router(&app));
        Ok(Self { address, door, app, end, running, mirror, nats })
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
        if self.app.readings.is_none() && self.app.reader.home().readings_owed().exists() {
            tracing::warn!("what was read before this server was started is not recorded yet: give it [readings] keys");
        }
        settled(&self.app, false).await; // what a server owed that was killed
        let ending = self.end.subscribe();
        let door = tokio::spawn(self.door.serve(ending));
        let settling = tokio::spawn(settle(Arc::clone(&self.app), self.end.subscribe()));
        let mirror = self.mirror.map(|mirror| tokio::spawn(keep(mirror, Arc::clone(&self.app), self.end.subscribe())));
        let mut running = tokio::task::spawn_blocking(move || self.running.join());
        let early = tokio::select! {
            () = stop => None,
            ended = &mut running => Some(ended),
        };
        let _ = self.end.send(true);
        let _ = door.await;
        let _ = settling.await;
        settled(&self.app, true).await; // nobody reads any more
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
        let closed = self.app.spent.lock().unwrap_or_else(PoisonError::into_inner).close();
        drop(self.app); // it reads the store too
        let stopped = tokio::task::spawn_blocking(move || writer.stop()).await;
        if let Ok(Err(why)) = stopped {
            tracing::warn!(why = %why, "the next start must read the whole log, as the state could not be left");
        }
        closed
    }
}

/// Asks everything outside the ledger's folder that may know more of this log, before anything is added to it.
async fn ask(mut writer: Writer, config: &Config) -> Result<Writer, Failure> {
    let (also, without) = (config.anchor.also.clone(), config.start.without_witnesses);
    let mut outside = writer.unasked().1;
    if config.nats.is_on() {
        let origin = writer.log().origin().clone();
        match nats::known(&config.nats, &origin).await {
            Ok(shown) => {
                let heard = nats::hold(&writer, shown)?;
                for what in &heard.unasked {
                    tracing::warn!(what, "not asked whether this is the newest copy of the log");
                }
                outside |= heard.outside;
            }
            Err(why) => tracing::warn!(what = %why, "not asked whether this is the newest copy of the log"),
        }
    }
    let asked = tokio::task::spawn_blocking(move || {
        let (unasked, _) = writer.unasked();
        for what in unasked {
            tracing::warn!(what, "not asked whether this is the newest copy of the log");
        }
        begin_anchor(&mut writer, &also)?;
        let mut panel = publish::panel(&writer)?;
        for what in publish::hear(&mut writer, &mut panel, Clock::System.now(), without)? {
            tracing::warn!(what, "not asked whether this is the newest copy of the log");
        }
        if !outside && panel.is_empty() && !writer.has_second_anchor() {
            tracing::warn!(
                "nothing outside this folder can say whether it is the newest copy of the log: if it was put back from a \
                 backup, stop, and restore from the newest bundle"
            );
        }
        Ok(writer)
    });
    match asked.await {
        Ok(asked) => asked,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// The second place of the anchor, as the configuration names it: begun where it is named for the first time. One that
/// is gone is said, and not begun anew.
fn begin_anchor(writer: &mut Writer, also: &Path) -> Result<(), Failure> {
    if also.as_os_str().is_empty() || writer.has_second_anchor() {
        return Ok(());
    }
    let also = std::path::absolute(also).unwrap_or_else(|_| also.to_owned());
    if Places::of(writer.home())?.anchor() == Some(&also) {
        tracing::error!(
            path = %also.shown(),
            "the second place of the anchor is gone, and is not written: `ledger anchor --help` begins it anew"
        );
        return Ok(());
    }
    writer.keep_anchor_at(&also)
}

/// Records what else was read within the minute of a record, once that minute is over.
async fn settle(app: App, mut ending: watch::Receiver<bool>) {
    loop {
        let ends = tokio::select! {
            () = tokio::time::sleep(SPELL) => false,
            _ = ending.wait_for(|ends| *ends) => true,
        };
        if ends {
            return;
        }
        settled(&app, false).await;
    }
}

/// The same where it is over, or at the end all of it; what goes wrong is said.
async fn settled(app: &App, all: bool) {
    if let Some(readings) = app.readings.clone().filter(Readings::owes) {
        let done = app.sequencer.with(move |writer| readings.settle(writer, all)).await;
        if !matches!(done, Ok(Ok(()))) {
            tracing::error!("what was read within the last minute could not be recorded in full");
        }
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
