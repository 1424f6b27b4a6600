//! A small ledger with a sequencer, and an organisation that writes.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ledger::clock::Clock;
use ledger::keys::random_bytes;
use ledger::nats::{self, Identity, Nats, NatsSettings, Status};
use ledger::outbox::{Opening, Parcel};
use ledger::plan::{Genesis, Submission};
use ledger::probe::Probe;
use ledger::sequencer::{Delivery, Reply, Running, Sequencer};
use ledger::witness::Panel;
use ledger::writer::{Home, Writer};
use schemas::batch::{Batch, Names};
use schemas::catalogue::{Catalogue, Role};
use schemas::event::{Event, Head};
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::time::Timestamp;
use schemas::value::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::time::timeout;
use verifier::signature::SecretKey;

use crate::server::{Root, Server};

/// Longest wait for what must come; never reached where all is well.
const LONG: Duration = Duration::from_secs(40);

pub fn now() -> Timestamp {
    Timestamp::parse("2025-03-03T08:00:00Z").unwrap()
}

pub fn origin() -> Origin {
    Origin::parse("carried.example/log").unwrap()
}

pub fn names() -> Names {
    Names::of(&origin())
}

/// Waits for something that must come.
pub async fn soon<T>(what: &str, wait: impl Future<Output = T>) -> T {
    timeout(LONG, wait).await.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// A ledger that runs.
pub struct Ledger {
    pub folder: TempDir,
    pub sequencer: Sequencer,
    running: Running,
    pen: Pen,
}

impl Ledger {
    /// A new one: genesis, and one organisation with a key; no witnesses.
    pub fn new() -> Self {
        Self::before(|writer| ledger::publish::panel(writer).unwrap())
    }

    /// The same before these witnesses.
    pub fn before(witnesses: impl FnOnce(&Writer) -> Panel) -> Self {
        let folder = TempDir::new().unwrap();
        let operator = SecretKey::new(&origin().holder_key_name("op", "ops-1"), &[1; 32]);
        let facts = Genesis {
            operator: "op",
            registrar: ("op", Role::Operator),
            operator_keys: vec![operator.vkey().to_string()],
            registrar_keys: Vec::new(),
            oversight_keys: Vec::new(),
        };
        let mut writer = Writer::create(&home(&folder), &origin(), &facts, now()).unwrap();
        let key = SecretKey::new(&origin().holder_key_name("cso-x", "office-1"), &[2; 32]);
        let mut pen = Pen { key, made: 0 };
        let Delivery { note, opening } = pen.enrolment(&operator);
        let enrolled = writer.commit(&[Submission { note, opening, received_at: now() }], now()).unwrap();
        assert!(matches!(enrolled.answers[0], ledger::plan::Answer::Accepted { .. }), "{enrolled:?}");
        let panel = witnesses(&writer);
        let (sequencer, running) = Sequencer::start_before(writer, Clock::Virtual(now()), panel).unwrap();
        Self { folder, sequencer, running, pen }
    }

    /// Ends it and opens it again.
    pub fn again(self) -> Self {
        self.sequencer.stop();
        drop(self.running.join().unwrap());
        let writer = Writer::open(&home(&self.folder), &Probe::of(env!("CARGO_BIN_EXE_demo").into())).unwrap();
        let (sequencer, running) = Sequencer::start(writer, Clock::Virtual(now())).unwrap();
        Self { sequencer, running, ..self }
    }

    /// A copy of it as it is now, which goes on by itself: what nobody should do.
    pub async fn twin(&self) -> Self {
        let folder = TempDir::new().unwrap();
        let (from, to) = (home(&self.folder), home(&folder));
        // Between two commits nothing in the folder changes.
        self.sequencer.with(move |_| copy(from.folder(), to.folder())).await.unwrap();
        let writer = Writer::open(&home(&folder), &Probe::of(env!("CARGO_BIN_EXE_demo").into())).unwrap();
        let (sequencer, running) = Sequencer::start(writer, Clock::Virtual(now())).unwrap();
        Self { folder, sequencer, running, pen: Pen { key: self.pen.key.clone(), made: self.pen.made } }
    }

    /// Id that the message of its last batch would have.
    pub async fn last_id(&self) -> String {
        let entries = self.entries().await;
        let number = self.batches().await;
        let checkpoint = self.sequencer.with(|writer| writer.head().clone()).await.unwrap();
        let sealed = |entry: &Vec<u8>| String::from_utf8_lossy(entry).contains("\"type\":\"ledger.index.sealed\"");
        let first = entries[..entries.len() - 1].iter().rposition(sealed).unwrap() + 1;
        let batch = Batch { number, first: first as u64, checkpoint, entries: entries[first..].to_vec() };
        Batch::message_id(batch.to_text().unwrap().as_bytes())
    }

    /// The next event of the organisation.
    pub fn event(&mut self) -> Delivery {
        self.pen.attempt()
    }

    /// So many commits of one event each.
    pub async fn commits(&mut self, count: u64) {
        for _ in 0..count {
            let replies = self.sequencer.append(vec![self.pen.attempt()]).await.unwrap();
            assert!(matches!(replies[0], Reply::Stands { fresh: true, .. }), "{replies:?}");
        }
    }

    /// Batches of the log.
    pub async fn batches(&self) -> u64 {
        self.sequencer.with(|writer| writer.log().batches()).await.unwrap()
    }

    /// All entries of the log.
    pub async fn entries(&self) -> Vec<Vec<u8>> {
        let all = |writer: &mut Writer| writer.store().entries(0).map(|entry| entry.unwrap().1).collect();
        self.sequencer.with(all).await.unwrap()
    }

    /// Makes the streams.
    pub async fn set_up(&self, settings: &NatsSettings) -> Result<(), nats::Trouble> {
        let identity = self.sequencer.with(|writer| Identity::of(writer).unwrap()).await.unwrap();
        nats::set_up(settings, &identity).await
    }

    /// Begins to send, as the ledger's own user.
    pub async fn start(&self, server: &Server) -> Nats {
        nats::start(server.settings("ledger"), &self.sequencer).await.unwrap()
    }

    /// Waits until the stream has every batch.
    pub async fn all_sent(&self, status: &mut watch::Receiver<Status>) {
        let (all, size) = self.sequencer.with(|writer| (writer.log().batches(), writer.log().size())).await.unwrap();
        let all = |s: &Status| (s.sent, s.waiting, s.seen) == (all, 0, size) && s.is_well();
        soon("every batch", status.wait_for(all)).await.unwrap();
    }

    /// Holds the stream against the log: message n is batch n with the ids that are demanded, and all of it is the log.
    pub async fn holds_against(&self, root: &Root) {
        let (names, mut size, mut entries) = (names(), 0, Vec::new());
        let last = root.last(&names.stream()).await;
        assert_eq!(last, self.batches().await);
        for number in 1..=last {
            let (headers, bytes) = root.message(&names.stream(), number).await;
            let batch = Batch::parse(&bytes).unwrap();
            assert_eq!((batch.number, batch.first), (number, size));
            assert!(headers.contains(&format!("Nats-Msg-Id: {}", Batch::message_id(&bytes))), "{headers}");
            assert_eq!(batch.checkpoint.signatures.len(), 1, "the log's own signature alone");
            size += batch.entries.len() as u64;
            entries.extend(batch.entries);
        }
        assert!(entries == self.entries().await, "the stream is not the log");
    }
}

fn home(folder: &TempDir) -> Home {
    Home::new(&folder.path().join("ledger"))
}

fn copy(from: &Path, to: &Path) {
    verifier::output::create_folders(to, verifier::output::Readers::Owner).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// The line of an event on its way.
pub fn line(delivery: &Delivery, source: &str) -> String {
    let note = String::from_utf8(delivery.note.clone()).unwrap();
    Parcel { note, opening: delivery.opening.clone(), received_at: None, source: source.to_owned() }.to_line()
}

/// A holder of an organisation.
struct Pen {
    key: SecretKey,
    made: i64,
}

impl Pen {
    fn attempt(&mut self) -> Delivery {
        let text = |s: &str| Value::Text(s.to_owned());
        let data = [
            ("facility", text("fac-a")),
            ("organisation", text("cso-x")),
            ("attempted_on", text(&now().date(0).to_string())),
            ("outcome", text("turned_away")),
            ("wait", Value::Integer(20)),
            ("stated_reason", text("lockdown")),
        ];
        self.delivery("visit.attempted", &data, None)
    }

    fn enrolment(&mut self, operator: &SecretKey) -> Delivery {
        let text = |s: &str| Value::Text(s.to_owned());
        let data = [
            ("organisation", text("cso-x")),
            ("holder", text("office-1")),
            ("role", text("cso")),
            ("alg", text("ed25519")),
            ("public_key", text(&self.key.vkey().to_string())),
            ("valid_from", text(&now().to_string())),
        ];
        self.delivery("key.enrolled", &data, Some(operator))
    }

    fn delivery(&mut self, kind: &str, data: &[(&str, Value)], second: Option<&SecretKey>) -> Delivery {
        self.made += 1;
        let (row, at, origin) = (format!("r{}", self.made), now().date(0), origin());
        let head = Head { kind: (kind, 1), ledger: &origin, by: "cso-x", row: &row, seq: self.made, at };
        let mut event = Event::new(&head);
        event.data = data.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<BTreeMap<_, _>>();
        event.id = Some(format!("cso-x/n{}", self.made));
        let slots = Catalogue::built_in().event(kind).unwrap().slots();
        let slots: Vec<Disclosure> = slots
            .into_iter()
            .map(|name| {
                let value = (name == "arrived_at").then(|| Value::Text(now().to_string()));
                Disclosure { salt: random_bytes().unwrap(), name: name.to_owned(), value }
            })
            .collect();
        let digests: Vec<_> = slots.iter().map(Disclosure::digest).collect();
        event.hidden = Some(hidden_root(&digests).to_base64());
        let text = event.to_text();
        let signatures = std::iter::once(&self.key).chain(second).map(|key| key.sign(&text)).collect();
        let note = Note { signatures, text }.to_text().into_bytes();
        Delivery { note, opening: Opening::open(slots.iter().map(Disclosure::to_text).collect()) }
    }
}
