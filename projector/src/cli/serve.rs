//! `projector serve`: follow a log, and serve what follows from it.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use clap::Args;
use projector::live::http::Http;
use projector::live::tiles::Tiles;
use projector::live::{Live, WithDocuments};
use projector::serve::follow::{Failure, StateFolder};
use projector::serve::log::say;
use projector::serve::openings::Openings;
use projector::serve::run::Runner;
use projector::serve::server;
use projector::serve::session::Session;
use projector::serve::shown::Shown;
use schemas::policy::Policy;
use schemas::visible::Show as _;
use tokio::sync::watch;
use verifier::files::{self, Folder};
use verifier::listen::stopped;
use verifier::output;
use verifier::unseal::Identity;

/// Longest file with a password or an identity, in bytes.
const SECRET_BYTES_MAX: usize = 65_536;

/// Arguments of `serve`.
#[derive(Args)]
pub struct Serve {
    /// Where the log comes from: bundle:DIR (a bundle, or a mirror that grows), http://… or https://… (a ledger, or
    /// static files), nats://… (a JetStream server; the program must be built with it).
    #[arg(long, value_name = "FEED")]
    feed: String,
    /// Policy file that you hold from elsewhere. The feed is believed in nothing that it does not accept.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Folder for what was followed; made at the first start. One projector alone may use it.
    #[arg(long, value_name = "DIR")]
    state: PathBuf,
    /// Address and port for the public pages; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Folder of openings, for the pages of oversight.
    #[arg(long, value_name = "DIR", requires = "oversight_listen")]
    openings: Option<PathBuf>,
    /// Identity file of an oversight body: sealed values among the openings are read with it.
    #[arg(long, value_name = "FILE", requires = "openings")]
    key: Option<PathBuf>,
    /// Address and port of this machine for the pages of oversight, which hold hidden values: one browser is let in, by
    /// a link that is printed.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "openings")]
    oversight_listen: Option<SocketAddr>,
    /// File with the password of the user that nats://USER@… names.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Where rule profiles are looked for that the feed does not have: the folder of a bundle, or its address.
    #[arg(long, value_name = "DIR or ADDRESS")]
    documents: Option<String>,
}

/// Why the service could not begin.
#[derive(Debug, thiserror::Error)]
pub enum BadServe {
    /// A file cannot be read or used.
    #[error("{}: {why}", .path.shown())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The policy came with the feed.
    #[error(transparent)]
    CameAlong(#[from] files::CameAlong),
    /// Not a feed.
    #[error("--feed {0:?}: give bundle:DIR, http://…, https://… or nats://…")]
    Feed(String),
    /// A user without a password, or the other way round.
    #[error(
        "--feed {0:?}: name the user as nats://USER@ADDRESS:PORT and give its password by --password-file, or neither"
    )]
    Login(String),
    /// The pages of oversight may not leave this machine by themselves.
    #[error(
        "--oversight-listen {0}: give an address of this machine, such as 127.0.0.1:8082. The pages hold hidden values \
         and open for one browser of this machine"
    )]
    Exposed(SocketAddr),
    /// The address cannot be had.
    #[error("cannot serve on {address}: {source}; choose another ADDRESS:PORT")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// No threads to serve with.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
    /// The state folder.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Serve {
    /// Serves until Ctrl-C or SIGTERM; SIGHUP makes the views anew.
    ///
    /// # Errors
    /// [`BadServe`] says what to do.
    pub fn run(&self) -> Result<(), BadServe> {
        let places = std::iter::once(&self.feed).chain(&self.documents);
        let folders = places.map(|place| Path::new(place.strip_prefix("bundle:").unwrap_or(place)));
        files::apart(&self.policy, &folders.collect::<Vec<_>>())?;
        let (policy, _) =
            files::policy(&self.policy).map_err(|why| BadServe::File { path: self.policy.clone(), why })?;
        if let Some(address) = self.oversight_listen.filter(|address| !address.ip().is_loopback()) {
            return Err(BadServe::Exposed(address));
        }
        let identity = match &self.key {
            Some(path) => Some(identity_in(path)?),
            None => None,
        };
        let openings = match &self.openings {
            Some(folder) if folder.is_dir() => {
                elsewhere(folder, files::openings(folder).err())?;
                Some(Openings::new(folder, identity))
            }
            Some(folder) => return Err(BadServe::File { path: folder.clone(), why: "no such folder".to_owned() }),
            None => None,
        };
        let folder = StateFolder::open(&self.state)?;
        let mut feed = self.feed(&policy, &folder)?;
        let shown = Arc::new(Shown::new(folder.path()));
        let runner = Runner { folder, policy, openings, shown: shown.clone() };
        runner.show_last()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(BadServe::Runtime)?;
        let follower = std::thread::spawn(move || runner.run(feed.as_mut()));
        let served = runtime.block_on(self.serve(&shown));
        shown.stop();
        // It waits for the feed at most half a second at a time; what it had not published is fetched again.
        let _ = follower.join();
        say("stopped", &[("kind", "asked".to_owned())]);
        served
    }

    async fn serve(&self, shown: &Arc<Shown>) -> Result<(), BadServe> {
        let (stop, stopping) = watch::channel(false);
        let signalled = signalled(shown).map_err(BadServe::Runtime)?;
        let mut listeners = Vec::new();
        let doors = std::iter::once((self.listen, false));
        let oversight = self.oversight_listen.map(|address| (address, true));
        for (address, is_oversight) in doors.chain(oversight) {
            let bad = |source| BadServe::Listen { address, source };
            let listener = server::bind(address).await.map_err(bad)?;
            let local = listener.local_addr().map_err(bad)?;
            let mut stopping = stopping.clone();
            let stopped = async move {
                let _ = stopping.wait_for(|stop| *stop).await;
            };
            let session = if is_oversight { Some(Session::new(local).map_err(bad)?) } else { None };
            let words = match &session {
                Some(session) => {
                    more_links(session);
                    format!(
                        "oversight  {}\n           hidden values: the link opens once, in one browser; press Enter for another\n",
                        session.link().map_err(bad)?
                    )
                }
                None => format!("listens  http://{local}/\n"),
            };
            let served = server::serve(listener, session, shown.clone(), stopped);
            listeners.push((address, tokio::spawn(served)));
            verifier::say!("{}", words.trim_end());
        }
        signalled.await;
        let _ = stop.send(true);
        for (address, listener) in listeners {
            if let Ok(Err(source)) = listener.await {
                return Err(BadServe::Listen { address, source });
            }
        }
        Ok(())
    }

    /// The feed, with documents from elsewhere where they were given.
    fn feed(&self, policy: &Policy, state: &StateFolder) -> Result<Box<dyn Live>, BadServe> {
        let text = self.feed.as_str();
        let feed = match (tiles(text)?, text.split_once("://").map(|(scheme, _)| scheme)) {
            (Some(feed), _) => feed,
            (None, Some("nats" | "tls")) => nats(text, self.password_file.as_deref(), policy, state)?,
            _ => return Err(BadServe::Feed(text.to_owned())),
        };
        let Some(place) = &self.documents else { return Ok(feed) };
        let documents = match tiles(place)? {
            Some(documents) => documents,
            None => tiles(&format!("bundle:{place}"))?.ok_or_else(|| BadServe::Feed(place.clone()))?,
        };
        Ok(Box::new(WithDocuments { feed, documents }))
    }
}

/// Prints another link for each line that is typed, until there is nobody to type.
fn more_links(session: &Arc<Session>) {
    let session = Arc::downgrade(session);
    std::thread::spawn(move || {
        for _ in io::stdin().lines().map_while(Result::ok) {
            let Some(session) = session.upgrade() else { return };
            if let Ok(link) = session.link() {
                verifier::say!("oversight  {link}");
            }
        }
    });
}

/// Refuses a folder beside, below or above the one that was meant; one that is empty may fill.
fn elsewhere(folder: &Path, found: Option<files::NotHere>) -> Result<(), BadServe> {
    match found {
        None | Some(files::NotHere::Empty | files::NotHere::Nothing { .. }) => Ok(()),
        Some(why) => Err(BadServe::File { path: folder.to_owned(), why: why.to_string() }),
    }
}

/// Tiles in a folder or behind an address; nothing where the text names neither.
fn tiles(text: &str) -> Result<Option<Box<dyn Live>>, BadServe> {
    if let Some(folder) = text.strip_prefix("bundle:") {
        let path = Path::new(folder);
        if !path.is_dir() {
            return Err(BadServe::File { path: path.to_owned(), why: "no such folder".to_owned() });
        }
        elsewhere(path, files::bundle(path).err())?;
        return Ok(Some(Box::new(Tiles::new(Folder::new(path), folder))));
    }
    let is_address = text.starts_with("http://") || text.starts_with("https://");
    Ok(is_address.then(|| Box::new(Http::new(text)) as Box<dyn Live>))
}

fn nats(text: &str, password: Option<&Path>, policy: &Policy, state: &StateFolder) -> Result<Box<dyn Live>, BadServe> {
    let origin = projector::serve::follow::followed(policy)?;
    let durable = state.name()?;
    let login = match (user(text), password) {
        (None, None) => None,
        (Some(user), Some(path)) => Some((user, password_in(path)?)),
        _ => return Err(BadServe::Login(text.to_owned())),
    };
    let unwatched = policy.quorum.is_none();
    let feed = projector::live::nats::Nats::new(text, login, &origin, &durable, unwatched);
    Ok(Box::new(feed.map_err(BadServe::Runtime)?))
}

fn password_in(path: &Path) -> Result<String, BadServe> {
    read_secret(path, |text| Ok(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn identity_in(path: &Path) -> Result<Identity, BadServe> {
    read_secret(path, |text| Identity::parse(text).map_err(|e| e.to_string()))
}

/// What a file holds that nobody else may read.
fn read_secret<T>(path: &Path, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, BadServe> {
    let file = |why: String| BadServe::File { path: path.to_owned(), why };
    let bytes = output::read_secret(path, SECRET_BYTES_MAX).map_err(|e| file(e.to_string()))?;
    let bytes = bytes.ok_or_else(|| file("no such file".to_owned()))?;
    parse(std::str::from_utf8(&bytes).map_err(|_| file("not UTF-8".to_owned()))?).map_err(file)
}

/// The user in `nats://user@host:port`.
fn user(address: &str) -> Option<String> {
    let (_, rest) = address.split_once("://")?;
    Some(rest.split_once('@')?.0.to_owned())
}

/// Ready at Ctrl-C or SIGTERM. SIGHUP asks for a rebuild.
fn signalled(shown: &Shown) -> io::Result<impl Future<Output = ()> + '_> {
    let stopped = stopped()?;
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut hang_up = signal(SignalKind::hangup())?;
        Ok(async move {
            let mut stopped = pin!(stopped);
            loop {
                tokio::select! {
                    () = &mut stopped => return,
                    _ = hang_up.recv() => shown.ask_rebuild(),
                }
            }
        })
    }
    #[cfg(not(unix))]
    {
        let _ = shown;
        Ok(stopped)
    }
}
