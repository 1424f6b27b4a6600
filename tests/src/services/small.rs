//! A small ledger before one witness, and events that organisations sign.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};

use ledger::clock::Clock;
use ledger::folder;
use ledger::import::{Limits, Parties};
use ledger::keys::{self, KeyFolder, random_bytes};
use ledger::outbox::{Opening, Parcel};
use ledger::plan::{Answer, Submission};
use ledger::writer::{Home, Writer};
use schemas::catalogue::Catalogue;
use schemas::event::{Event, Head};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::value::Value;
use verifier::signature::SecretKey;
use verifier::witness::service::key_file;

/// Who takes part.
pub const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1
min,ministry,Ministry of Justice,named,en,m1
npm,oversight,Preventive Mechanism,named,en,n1;n2
fac-a,facility,Prison A,named,en,d1
cso-x,cso,Open Hands,named,en,x1
cso-y,cso,Blue House,named,en,y1
cso-z,cso,Long Road,named,en,z1
";

/// The ledger's folder, and everybody's keys.
pub struct Small {
    /// The ledger's folder.
    pub home: Home,
    /// Name of the log.
    pub origin: Origin,
    /// Folder of everybody's keys.
    pub keys: PathBuf,
    /// The policy, which demands the witness.
    pub policy: PathBuf,
    made: AtomicI64,
}

impl Small {
    /// Begins it in a folder; its policy demands the witness at that address, whose key is made too.
    pub fn found(at: &Path, origin: &str, witness: SocketAddr, first: impl FnOnce(&Writer)) -> Self {
        let (parties, problems) = Parties::read("parties.csv", PARTIES.as_bytes(), &Limits::default());
        assert!(problems.is_empty());
        let origin = Origin::parse(origin).expect("an origin");
        let (home, keys) = (Home::new(&at.join("ledger")), at.join("keys"));
        let mut folder_of_keys = KeyFolder::new(&keys, origin.clone());
        let mut writer =
            folder::found(&home, &origin, &parties, &mut folder_of_keys, Clock::System.now()).expect("a new ledger");
        folder::settle(&writer, PARTIES.as_bytes(), None).expect("its files");
        let cosigner = key_file::generate(&at.join("witness.key"), "w.example/witness").expect("a new key");
        let log = keys::read(&home.log_key()).expect("the ledger made it").vkey();
        let text = format!("log {log}\nwitness w1 {} http://{witness}\nquorum w1\n", cosigner.cosigner_vkey());
        ledger::files::replace(&home.policy(), text.as_bytes()).expect("the folder takes it");
        let policy = home.policy();
        let small = Self { home, origin, keys, policy, made: AtomicI64::new(0) };
        for (party, holder) in [("cso-x", "x1"), ("cso-y", "y1"), ("cso-z", "z1")] {
            let now = Clock::System.now();
            let parcel = small.enrolment(party, holder);
            let submission = Submission { note: parcel.note.into_bytes(), opening: parcel.opening, received_at: now };
            let answered = writer.commit(&[submission], now).expect("the disk takes it");
            assert!(matches!(answered.answers[0], Answer::Accepted { .. }), "{:?}", answered.answers);
        }
        first(&writer);
        writer.stop().expect("the disk takes it");
        small
    }

    /// The key of a holder; made where there is none.
    pub fn key(&self, party: &str, holder: &str) -> SecretKey {
        KeyFolder::new(&self.keys, self.origin.clone()).get_or_make(party, holder).expect("a key")
    }

    /// The number that the next event bears, whoever signs it.
    pub fn next_number(&self) -> i64 {
        self.made.load(Ordering::SeqCst) + 1
    }

    fn enrolment(&self, party: &str, holder: &str) -> Parcel {
        let (pen, operator) = (self.key(party, holder), self.key("op", "o1"));
        let data = [
            ("organisation", text(party)),
            ("holder", text(holder)),
            ("role", text("cso")),
            ("alg", text("ed25519")),
            ("public_key", text(&pen.vkey().to_string())),
            ("valid_from", text(&Clock::System.now().to_string())),
        ];
        self.parcel("key.enrolled", party, &data, &[&pen, &operator])
    }

    /// Somebody stood before a gate.
    pub fn attempt(&self, party: &str, pen: &SecretKey) -> Parcel {
        let data = [
            ("facility", text("fac-a")),
            ("organisation", text(party)),
            ("attempted_on", text(&Clock::System.now().date(0).to_string())),
            ("outcome", text("turned_away")),
            ("wait", Value::Integer(20)),
            ("stated_reason", text("lockdown")),
        ];
        self.parcel("visit.attempted", party, &data, &[pen])
    }

    fn parcel(&self, kind: &str, by: &str, data: &[(&str, Value)], pens: &[&SecretKey]) -> Parcel {
        let seq = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        let (now, row) = (Clock::System.now(), format!("r{seq}"));
        let head = Head { kind: (kind, 1), ledger: &self.origin, by, row: &row, seq, at: now.date(0) };
        let mut event = Event::new(&head);
        event.data = data.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        event.id = Some(format!("{by}/n{seq}"));
        let slots = Catalogue::built_in().event(kind).expect("a type of the catalogue").slots();
        let slot = |name: &&str| {
            let value = (*name == "arrived_at").then(|| text(&now.to_string()));
            Disclosure { salt: random_bytes().expect("random bytes"), name: (*name).to_owned(), value }
        };
        let slots: Vec<Disclosure> = slots.iter().map(slot).collect();
        event.hidden = Some(hidden_root(&slots.iter().map(Disclosure::digest).collect::<Vec<_>>()).to_base64());
        let text = event.to_text();
        let note = Note { signatures: pens.iter().map(|pen| pen.sign(&text)).collect(), text };
        let opening = Opening::open(slots.iter().map(Disclosure::to_text).collect());
        Parcel { note: note.to_text(), opening, received_at: None, source: event.address() }
    }
}

/// The id of a parcel's event.
pub fn id(parcel: &Parcel) -> Hash {
    Hash::of(&[Note::parse(parcel.note.as_bytes()).expect("made here").text.as_bytes()])
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
