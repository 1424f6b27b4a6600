//! A projector behind the broker: the same state digest as from the files, whatever the broker forgets or does.

use std::path::Path;
use std::time::Duration;

use projector::live::Live;
use projector::live::nats::Nats;
use projector::live::tiles::Tiles;
use projector::serve::follow::{Follow, StateFolder, Step};
use schemas::hash::Hash;
use schemas::policy::Policy;
use serde_json::Value;
use tempfile::TempDir;
use verifier::files::Folder;

use crate::server::Server;
use crate::small::{Ledger, names, origin, soon};

/// Longest wait for news in one question.
const NEWS: Duration = Duration::from_secs(10);
/// Name of the consumer.
const DURABLE: &str = "projector-of-a-test";

fn feed(server: &Server) -> Nats {
    let password = std::fs::read_to_string(server.password()).unwrap().trim_end().to_owned();
    let login = Some(("projector".to_owned(), password));
    Nats::new(&format!("nats://projector@127.0.0.1:{}", server.port), login, &origin(), DURABLE, true).unwrap()
}

/// A projector's state in a folder.
struct Projector {
    follow: Follow,
    _folder: StateFolder,
}

impl Projector {
    fn open(state: &Path, policy: &Policy) -> Self {
        let folder = StateFolder::open(state).unwrap();
        let follow = Follow::resume(&folder, policy, None, &mut |_, _| true).unwrap();
        Self { follow, _folder: folder }
    }

    /// Asks until so many entries are there; what disturbs it in between passes.
    fn until(&mut self, feed: &mut dyn Live, size: u64) -> (u64, Hash) {
        for _ in 0..200 {
            if self.follow.size() == size {
                break;
            }
            let step = self.follow.step(feed, NEWS).unwrap();
            assert_ne!(step, Step::Stopped, "{:?}", self.follow.stopped());
            self.publish(feed);
        }
        (self.follow.size(), self.follow.build().digest())
    }

    /// The book, and the word to the feed, as the service does it.
    fn publish(&mut self, feed: &mut dyn Live) {
        if let Some(book) = self.follow.book([].into()) {
            book.write(self.follow.folder()).unwrap();
            feed.kept(book.kept.size, self.follow.build().batches());
        }
    }
}

/// Does it on a thread that knows no runtime, as the service has it.
fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::task::spawn_blocking(move || std::thread::spawn(work).join().unwrap())
}

/// The digest that the ledger's bundle gives.
async fn from_files(ledger: &Ledger, policy: &Policy, text: String) -> (u64, Hash) {
    let folder = TempDir::new().unwrap();
    let to = folder.path().join("bundle");
    let out = to.clone();
    let export = move |writer: &mut ledger::writer::Writer| {
        ledger::export::bundle(writer, &text, 0, &out, &mut |_, _| {}).map(drop).unwrap();
    };
    ledger.sequencer.with(export).await.unwrap();
    let (state, policy) = (TempDir::new().unwrap(), policy.clone());
    let size = ledger.entries().await.len() as u64;
    let follow = move || {
        let mut feed = Tiles::new(Folder::new(&to), "bundle");
        Projector::open(state.path(), &policy).until(&mut feed, size)
    };
    let digest = tokio::task::spawn_blocking(follow).await.unwrap();
    drop(folder);
    digest
}

#[tokio::test(flavor = "multi_thread")]
async fn it_comes_to_the_digest_of_the_files_whatever_the_broker_does() {
    let mut ledger = Ledger::new();
    let mut server = Server::start(&origin());
    ledger.set_up(&server.settings("setup")).await.unwrap();
    ledger.commits(3).await;
    let nats = ledger.start(&server).await;
    ledger.all_sent(&mut nats.status()).await;
    let key = ledger.sequencer.with(|writer| ledger::keys::read(&writer.home().log_key()).unwrap().vkey()).await;
    let text = format!("log {}\nquorum none\n", key.unwrap());
    let policy = Policy::parse(&text).unwrap();
    let place = TempDir::new().unwrap();
    let state = place.path().to_owned();

    // From nothing, then as it grows.
    let (mut feed, mut projector) = (feed(&server), Projector::open(&state, &policy));
    let mut size = ledger.entries().await.len() as u64;
    let go = move |mut feed: Nats, mut projector: Projector, size: u64| {
        soon(
            "the log",
            apart(move || {
                let digest = projector.until(&mut feed, size);
                (feed, projector, digest)
            }),
        )
    };
    let mut digest;
    (feed, projector, digest) = go(feed, projector, size).await.unwrap();
    assert_eq!(digest, from_files(&ledger, &policy, text.clone()).await);
    let root = server.root().await;
    let info = root.ask(&format!("CONSUMER.INFO.{}.{DURABLE}", names().stream()), Value::Null).await;
    assert_eq!(info["ack_floor"]["stream_seq"].as_u64(), Some(ledger.batches().await), "told as a hint: {info}");
    ledger.commits(4).await;
    size = ledger.entries().await.len() as u64;
    (feed, projector, digest) = go(feed, projector, size).await.unwrap();
    assert_eq!(digest, from_files(&ledger, &policy, text.clone()).await);

    // The broker is killed, and forgets the consumer.
    server.kill();
    server.again();
    let root = server.root().await;
    root.ask(&format!("CONSUMER.DELETE.{}.{DURABLE}", names().stream()), Value::Null).await;
    ledger.commits(2).await;
    size = ledger.entries().await.len() as u64;
    (feed, projector, digest) = go(feed, projector, size).await.unwrap();
    assert_eq!(digest, from_files(&ledger, &policy, text.clone()).await);

    // The projector is killed: what it had taken and not written is asked for again.
    apart(move || drop((feed, projector))).await.unwrap();
    ledger.commits(2).await;
    ledger.all_sent(&mut nats.status()).await;
    size = ledger.entries().await.len() as u64;
    let (mut feed, mut projector) = (self::feed(&server), Projector::open(&state, &policy));
    let follow = move || {
        projector.publish(&mut feed);
        projector.until(&mut feed, size)
    };
    digest = soon("the log", apart(follow)).await.unwrap();
    assert_eq!(digest, from_files(&ledger, &policy, text).await);
    nats.stop().await;
}
