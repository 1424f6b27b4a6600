//! The whole system as processes of their own: ledger, witness, projector and desk. Any of them can be killed and
//! started again, while events are handed in over HTTP and at the desk.

pub mod process;
pub mod small;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use ledger::answer::Said;
use ledger::clock::Clock;
use ledger::outbox::Parcel;
use ledger::outpost::{Client, Line as _, Outpost, Secret, Standing, State};
use ledger::writer::Writer;
use schemas::hash::Hash;
use schemas::policy::Policy;
use tempfile::TempDir;
use verifier::Verified;
use verifier::bundle::{Opened, Visitor, check};
use verifier::files::Folder;
use verifier::follower::Accepted;
use verifier::signature::SecretKey;

use self::process::{Process, free_address};
use self::small::{Small, id};

/// Longest wait for anything; nothing takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a client that found nobody waits to be told that somebody is there again.
const PAUSE: Duration = Duration::from_millis(300);
/// Events in one request.
const AT_ONCE: usize = 8;
/// Requests that must be answered between two blows.
const BETWEEN: usize = 6;
/// Records that are written down at the desk each time before it opens.
const AT_DESK: usize = 12;

/// One of the four.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// `ledger serve`.
    Ledger,
    /// `verifier witness serve`.
    Witness,
    /// `projector serve`.
    Projector,
    /// `ledger desk`.
    Desk,
}

/// How the projector gets the log.
pub struct Feed {
    /// What the ledger's configuration says beside its address.
    pub config: String,
    /// What the projector is called with; the ledger's own address where there is nothing.
    pub arguments: Vec<String>,
}

/// All four, in a folder of their own.
pub struct Services {
    folder: TempDir,
    programs: PathBuf,
    small: Arc<Small>,
    feed: Feed,
    ledger: SocketAddr,
    witness: SocketAddr,
    running: BTreeMap<Service, Process>,
    at_desk: Vec<Hash>,
}

/// What clients were told, and what they wait for.
#[derive(Default)]
struct Shared {
    told: Mutex<Told>,
    news: Condvar,
    ends: AtomicBool,
}

#[derive(Default)]
struct Told {
    /// Where the ledger said that each event stands.
    stands: BTreeMap<Hash, u64>,
    answers: usize,
}

impl Services {
    /// Begins a ledger before one witness, and starts all four of the programs in that folder.
    pub fn start(programs: &Path, origin: &str, feed: Feed) -> Self {
        Self::before(programs, origin, feed, |_| {})
    }

    /// The same, with something done before they start, by the ledger's facts.
    pub fn before(programs: &Path, origin: &str, feed: Feed, first: impl FnOnce(&Writer)) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (ledger, witness) = (free_address(), free_address());
        let small = Arc::new(Small::found(folder.path(), origin, witness, first));
        let mut services = Self {
            folder,
            programs: programs.to_owned(),
            small,
            feed,
            ledger,
            witness,
            running: BTreeMap::new(),
            at_desk: Vec::new(),
        };
        services.open_desk();
        for service in [Service::Witness, Service::Ledger, Service::Projector, Service::Desk] {
            services.again(service);
        }
        services
    }

    /// Where ledger, witness and projector listen.
    pub fn addresses(&self) -> [(Service, SocketAddr); 3] {
        let said = self.running[&Service::Projector].said();
        let projector = said.split_once("http://").map_or("", |(_, rest)| rest).split(['/', ' ', '\n']).next();
        let projector = projector.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{said}"));
        [(Service::Ledger, self.ledger), (Service::Witness, self.witness), (Service::Projector, projector)]
    }

    /// Kills each in turn, `rounds` times, while clients hand in; `blow` is called once a round for what else can be
    /// struck. At the end every event that was answered is where the answer said, in a bundle that verifies, and the
    /// projector has the state that follows from that bundle.
    pub fn kill_each_in_turn(mut self, rounds: usize, mut blow: impl FnMut()) {
        let shared = Shared::default();
        let pens = [("cso-x", "x1"), ("cso-z", "z1")].map(|(party, holder)| (party, self.small.key(party, holder)));
        std::thread::scope(|scope| {
            for (party, pen) in &pens {
                let (shared, small, address) = (&shared, Arc::clone(&self.small), self.ledger);
                scope.spawn(move || hand_in(shared, &small, address, party, pen));
            }
            let ends = Ends(&shared); // also where an assertion fails
            for _ in 0..rounds {
                for service in [Service::Witness, Service::Projector, Service::Desk, Service::Ledger] {
                    shared.wait_for(BETWEEN);
                    self.running.remove(&service).expect("it runs").kill();
                    if service != Service::Ledger {
                        shared.wait_for(BETWEEN);
                    }
                    self.again(service);
                    shared.news.notify_all();
                }
                shared.wait_for(BETWEEN);
                blow();
            }
            drop(ends);
        });
        let told = shared.told.into_inner().expect("no client panicked");
        self.everything_is_there(&told.stands);
    }

    /// Starts one of them.
    fn again(&mut self, service: Service) {
        if service == Service::Desk {
            self.record_at_desk();
        }
        let path = |name: &str| self.folder.path().join(name);
        let (program, arguments): (&str, Vec<String>) = match service {
            Service::Witness => (
                "verifier",
                vec![
                    "witness".into(),
                    "serve".into(),
                    "--listen".into(),
                    self.witness.to_string(),
                    "--key".into(),
                    text(&path("witness.key")),
                    "--state".into(),
                    text(&path("witness.state")),
                    "--policy".into(),
                    text(&self.small.policy),
                ],
            ),
            Service::Ledger => {
                let config = format!(
                    "[listen]\naddress = \"{}\"\n[mirror]\nfolder = \"{}\"\nseconds = 1\n[rate]\nkey_requests = 100000\nkey_requests_burst = \
                     100000\nkey_events_burst = 100000\n{}",
                    self.ledger,
                    text(&path("mirror")),
                    self.feed.config
                );
                std::fs::write(path("ledger.toml"), config).expect("the folder takes it");
                let home = text(self.small.home.folder());
                ("ledger", vec!["serve".into(), home, "--config".into(), text(&path("ledger.toml"))])
            }
            Service::Projector => {
                let own = vec!["--feed".to_owned(), format!("http://{}", self.ledger)];
                let feed = if self.feed.arguments.is_empty() { own } else { self.feed.arguments.clone() };
                ("projector", self.projector(feed, "state"))
            }
            Service::Desk => (
                "ledger",
                vec![
                    "desk".into(),
                    text(&path("outbox")),
                    "--key-file".into(),
                    text(&path("stick/outbox.key")),
                    "--keys".into(),
                    text(&self.small.keys),
                    "--holder".into(),
                    "y1".into(),
                    "--no-browser".into(),
                ],
            ),
        };
        let log = path(&format!("{service:?}.log"));
        self.running.insert(service, Process::start(&self.programs, program, &arguments, &log));
    }

    fn projector(&self, feed: Vec<String>, state: &str) -> Vec<String> {
        let mut arguments = vec!["serve".to_owned()];
        arguments.extend(feed);
        let state = self.folder.path().join(state);
        let more = ["--listen", "127.0.0.1:0", "--policy", &text(&self.small.policy), "--state", &text(&state)];
        arguments.extend(more.map(str::to_owned));
        arguments
    }

    fn secret(&self) -> Secret {
        Secret::KeyFile(self.folder.path().join("stick/outbox.key"))
    }

    /// Lays down the outbox that the desk shows.
    fn open_desk(&self) {
        let standing = Standing {
            origin: self.small.origin.clone(),
            party: "cso-y".to_owned(),
            address: Some(format!("http://{}", self.ledger)),
            utc_offset_minutes: 0,
            policy: std::fs::read_to_string(&self.small.policy).expect("it was written"),
            parties: small::PARTIES.to_owned(),
            pseudonyms: String::new(),
            recipients: Vec::new(),
            device: None,
            first_number: self.small.next_number(),
        };
        Outpost::create(&self.folder.path().join("outbox"), &self.secret(), &standing).expect("a new outbox");
    }

    /// Writes records down while the desk is closed.
    fn record_at_desk(&mut self) {
        let mut outpost =
            Outpost::open(&self.folder.path().join("outbox"), &self.secret()).expect("the desk is closed");
        let pen = self.small.key("cso-y", "y1");
        let parcels: Vec<Parcel> = (0..AT_DESK).map(|_| self.small.attempt("cso-y", &pen)).collect();
        assert_eq!(outpost.record(&parcels, Clock::System.now()).expect("well formed"), AT_DESK);
        self.at_desk.extend(parcels.iter().map(id));
    }

    /// Ends everything, and holds what was told against what is there.
    fn everything_is_there(mut self, told: &BTreeMap<Hash, u64>) {
        // The desk goes on until all that was recorded there is in the log, and a witness has seen it.
        let mut line = Client::new(&format!("http://{}", self.ledger), self.small.key("cso-y", "y1"));
        let projector = &self.running[&Service::Projector];
        for event in &self.at_desk {
            projector.until(PATIENCE, || line.receipt(event).ok().flatten()).expect("what the desk holds is handed in");
        }
        let last = told.values().max().copied().expect("something was handed in");
        let (size, digest) = projector
            .until(PATIENCE, || projector.published().filter(|(size, _)| *size > last))
            .expect("the projector comes up to what was answered");
        for (service, process) in std::mem::take(&mut self.running) {
            match service {
                Service::Ledger => assert_eq!(process.ended_as_asked(), Some(0), "the ledger ends in good order"),
                _ => process.kill(),
            }
        }

        // What the desk was told holds: every record has a receipt that its policy proves, and none was refused.
        let outpost = Outpost::open(&self.folder.path().join("outbox"), &self.secret()).expect("the desk is closed");
        assert_eq!(outpost.held().len(), self.at_desk.len());
        assert!(!outpost.held().iter().any(|held| matches!(held.state, State::Refused { .. })));
        assert!(outpost.held().iter().any(|held| matches!(held.state, State::Covered { .. })));

        let mirror = self.folder.path().join("mirror");
        let policy = std::fs::read_to_string(&self.small.policy).expect("it was written");
        let policy = Policy::parse(&policy).expect("it was made here");
        let mut seen = Seen::default();
        let report = check(&mut Folder::new(&mirror), &policy, None, &mut seen);
        assert_eq!(report.exit_code(), 0, "{:?}", report.faults);
        assert!(report.head.as_ref().is_some_and(|head| head.checkpoint.size >= size));
        for (event, position) in told {
            assert_eq!(seen.0.get(usize::try_from(*position).expect("small")), Some(event), "at {position}");
        }
        for event in &self.at_desk {
            assert_eq!(seen.0.iter().filter(|other| *other == event).count(), 1, "once and not twice");
        }

        // From the files alone, in another state, the views are the same.
        let feed = vec!["--feed".to_owned(), format!("bundle:{}", text(&mirror))];
        let arguments = self.projector(feed, "state-again");
        let again = Process::start(&self.programs, "projector", &arguments, &self.folder.path().join("again.log"));
        let whole = seen.0.len() as u64;
        let (_, from_files) =
            again.until(PATIENCE, || again.published().filter(|(size, _)| *size == whole)).expect("it reads the files");
        if size == whole {
            assert_eq!(from_files, digest, "the same state from the feed and from the files");
        }
    }
}

/// Ends the clients.
struct Ends<'a>(&'a Shared);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.ends.store(true, Ordering::SeqCst);
        self.0.news.notify_all();
    }
}

impl Shared {
    /// Waits for so many more answers.
    fn wait_for(&self, answers: usize) {
        let told = self.told.lock().expect("no client panicked");
        let goal = told.answers + answers;
        let (_told, over) =
            self.news.wait_timeout_while(told, PATIENCE, |told| told.answers < goal).expect("no client panicked");
        assert!(!over.timed_out(), "nobody is answered any more");
    }
}

/// One client: it hands in the same bytes until it is answered, then the next.
fn hand_in(shared: &Shared, small: &Small, address: SocketAddr, party: &str, pen: &SecretKey) {
    let mut line = Client::new(&format!("http://{address}"), pen.clone());
    while !shared.ends.load(Ordering::SeqCst) {
        let parcels: Vec<Parcel> = (0..AT_ONCE).map(|_| small.attempt(party, pen)).collect();
        let lines: Vec<String> = parcels.iter().map(Parcel::to_line).collect();
        let answers = loop {
            match line.hand_in(&lines) {
                Ok(answers) => break answers,
                Err(trouble) => assert!(trouble.passes(), "{trouble}"),
            }
            let told = shared.told.lock().expect("no client panicked");
            drop(shared.news.wait_timeout(told, PAUSE));
            if shared.ends.load(Ordering::SeqCst) {
                return;
            }
        };
        let mut told = shared.told.lock().expect("no client panicked");
        for (answer, parcel) in answers.iter().zip(&parcels) {
            assert_eq!(answer.event, id(parcel));
            let (Said::Stands { position, .. } | Said::Waits { position }) = &answer.said else {
                panic!("{:?}", answer.said)
            };
            told.stands.insert(answer.event, *position);
        }
        told.answers += 1;
        shared.news.notify_all();
    }
}

/// The ids of all events, in order.
#[derive(Default)]
struct Seen(Vec<Hash>);

impl Visitor for Seen {
    fn entry(&mut self, entry: &Verified<Accepted>, _: &Opened) {
        self.0.push(entry.get().entry.signed.id());
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a folder of this machine").to_owned()
}
