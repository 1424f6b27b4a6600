//! A ledger with a few organisations that report from many threads at once.

use ledger::clock::Clock;
use ledger::outbox::Opening;
use ledger::plan::{Genesis, Submission};
use ledger::probe::Probe;
use ledger::sequencer::{Delivery, Halted, Reply, Running, Sequencer};
use ledger::writer::{Home, Writer};
use schemas::catalogue::{Catalogue, Role};
use schemas::event::{Event, Head};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::policy::Policy;
use schemas::receipt::Receipt;
use schemas::time::Timestamp;
use schemas::value::Value;
use tempfile::TempDir;
use verifier::signature::SecretKey;

/// So many seconds after the ledger began.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::parse("2025-03-03T08:00:00Z").unwrap().plus_seconds(seconds)
}

fn origin() -> Origin {
    Origin::parse("many.example/log").unwrap()
}

/// The key of an organisation.
pub fn pen(party: usize) -> SecretKey {
    let seed = Hash::of(&[b"pen", &party.to_be_bytes()]).0;
    SecretKey::new(&origin().holder_key_name(&format!("cso-{party}"), "office"), &seed)
}

fn operator() -> SecretKey {
    SecretKey::new(&origin().holder_key_name("op", "ops"), &[9; 32])
}

/// A ledger that knows the first organisations.
pub struct World {
    pub folder: TempDir,
    pub home: Home,
    pub policy: Policy,
}

impl World {
    /// With so many organisations; and its writer.
    pub fn new(parties: usize) -> (Self, Writer) {
        let folder = TempDir::new().unwrap();
        let home = Home::new(&folder.path().join("home"));
        let facts = Genesis {
            operator: "op",
            registrar: ("op", Role::Operator),
            operator_keys: vec![operator().vkey().to_string()],
            registrar_keys: Vec::new(),
            oversight_keys: Vec::new(),
        };
        let mut writer = Writer::create(&home, &origin(), &facts, at(0)).unwrap();
        let submission = |party| {
            let Delivery { note, opening } = enrolment(party);
            Submission { note, opening, received_at: at(0) }
        };
        let all: Vec<Submission> = (0..parties).map(submission).collect();
        writer.commit(&all, at(0)).unwrap();
        let policy = Policy::parse(&ledger::folder::policy(writer.log())).unwrap();
        (Self { folder, home, policy }, writer)
    }

    /// The receipt holds under the policy, and is the one of that position.
    pub fn assert_receipt(&self, receipt: &Receipt, position: u64) {
        let found = verifier::receipt::check(receipt.to_text().as_bytes(), &self.policy);
        assert_eq!((found.report.exit_code(), found.index), (0, position), "{:?}", found.report.faults);
    }
}

/// This executable as the program that tries stores.
pub fn probe() -> Probe {
    Probe::of_this_program().unwrap().with_arguments(["child", "--exact", "--nocapture"])
}

/// A sequencer by a clock that does not move.
pub fn start(writer: Writer) -> (Sequencer, Running) {
    Sequencer::start(writer, Clock::Virtual(at(60))).unwrap()
}

/// The enrolment of an organisation's key.
pub fn enrolment(party: usize) -> Delivery {
    let key = pen(party);
    let text = |text: &str| Value::Text(text.to_owned());
    let by = format!("cso-{party}");
    let facts = [
        ("organisation", text(&by)),
        ("holder", text("office")),
        ("role", text("cso")),
        ("alg", text("ed25519")),
        ("public_key", text(&key.vkey().to_string())),
        ("valid_from", text(&at(0).to_string())),
    ];
    delivery("key.enrolled", &by, 0, &facts, &[&key, &operator()])
}

/// An arrival at a gate: the `number`th event of that organisation, from 1.
pub fn arrival(party: usize, number: i64) -> Delivery {
    let text = |text: &str| Value::Text(text.to_owned());
    let by = format!("cso-{party}");
    let facts = [
        ("facility", text("fac-a")),
        ("organisation", text(&by)),
        ("attempted_on", text(&at(0).date(0).to_string())),
        ("outcome", text("turned_away")),
        ("wait", Value::Integer(20)),
    ];
    delivery("visit.attempted", &by, number, &facts, &[&pen(party)])
}

fn delivery(kind: &str, by: &str, number: i64, facts: &[(&str, Value)], pens: &[&SecretKey]) -> Delivery {
    let kind = Catalogue::built_in().event(kind).unwrap();
    let (origin, row) = (origin(), format!("r{number}"));
    let head = Head { kind: (&kind.name, kind.v), ledger: &origin, by, row: &row, seq: number, at: at(0).date(0) };
    let mut event = Event::new(&head);
    event.data = facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    event.id = Some(format!("{by}/{row}"));
    let slot = |name: &str| {
        let value = (name == "arrived_at").then(|| Value::Text(at(0).to_string()));
        Disclosure { salt: Hash::of(&[row.as_bytes(), name.as_bytes()]).0, name: name.to_owned(), value }
    };
    let slots: Vec<Disclosure> = kind.slots().into_iter().map(slot).collect();
    let digests: Vec<Hash> = slots.iter().map(Disclosure::digest).collect();
    event.hidden = Some(hidden_root(&digests).to_base64());
    let text = event.to_text();
    let note = Note { signatures: pens.iter().map(|pen| pen.sign(&text)).collect(), text };
    let opening = Opening::open(slots.iter().map(Disclosure::to_text).collect());
    Delivery { note: note.to_text().into_bytes(), opening }
}

/// The same with another signature: of the right form, by a known key, over something else.
pub fn forged(mut delivery: Delivery) -> Delivery {
    let mut note = Note::parse(&delivery.note).unwrap();
    note.signatures[0] = pen(0).sign("something else\n");
    note.signatures[0].name.clone_from(&Note::parse(&delivery.note).unwrap().signatures[0].name);
    note.signatures[0].id = Note::parse(&delivery.note).unwrap().signatures[0].id;
    delivery.note = note.to_text().into_bytes();
    delivery
}

/// Position, whether it is new, and the receipt; or why not.
pub fn stands(reply: &Reply) -> Result<(u64, bool, Option<&Receipt>), String> {
    match reply {
        Reply::Stands { position, fresh, receipt } => Ok((*position, *fresh, receipt.as_ref())),
        Reply::Refused { why, .. } => Err(why.to_string()),
    }
}

/// Hands in one event.
pub fn one(sequencer: &Sequencer, delivery: Delivery) -> Result<Reply, Halted> {
    sequencer.append_blocking(vec![delivery]).map(|mut replies| replies.remove(0))
}
