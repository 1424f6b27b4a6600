//! A log as small as a case needs: entries in order, signed by keys that everybody knows.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemas::catalogue::Catalogue;
use schemas::entry::Entry;
use schemas::event::{Event, Head, RefValue};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::time::{Date, Timestamp};
use schemas::value::Value;
use verifier::signature::SecretKey;
use verifier::state::State;

use crate::Made;
use crate::events::ORIGIN;

/// Who signs: party and holder.
pub type Who = (&'static str, &'static str);

/// A log in the making.
pub struct Log {
    entries: Vec<Vec<u8>>,
    prev: Hash,
    /// When the next entry is received.
    pub at: Timestamp,
    seqs: BTreeMap<String, i64>,
    rows: u32,
}

/// What somebody may say.
#[derive(Clone)]
pub struct Draft(pub Event);

impl Draft {
    /// With a public field that is text on the wire.
    pub fn with(self, field: &str, text: &str) -> Self {
        self.value(field, Value::Text(text.to_owned()))
    }

    /// With public fields, as one object of canonical JSON.
    pub fn all(mut self, json: &str) -> Self {
        let value = Value::parse(json.as_bytes()).unwrap_or_else(|e| panic!("{json}: {e}"));
        let Value::Object(members) = value else { panic!("{json}: no object") };
        self.0.data.extend(members);
        self
    }

    /// With a public field.
    pub fn value(mut self, field: &str, value: Value) -> Self {
        self.0.data.insert(field.to_owned(), value);
        self
    }

    /// With a ref.
    pub fn to(mut self, name: &str, target: &str) -> Self {
        self.0.refs.insert(name.to_owned(), RefValue::One(target.to_owned()));
        self
    }

    /// With a list of refs.
    pub fn about_all(mut self, name: &str, targets: &[&str]) -> Self {
        let targets = targets.iter().map(|target| (*target).to_owned()).collect();
        self.0.refs.insert(name.to_owned(), RefValue::Many(targets));
        self
    }

    /// Bent in any other way.
    pub fn but(mut self, bend: impl FnOnce(&mut Event)) -> Self {
        bend(&mut self.0);
        self
    }
}

/// The key of a holder: 32 bytes that its name gives.
pub fn key(who: Who) -> SecretKey {
    let name = format!("{ORIGIN}/{}/{}", who.0, who.1);
    SecretKey::new(&name, &Hash::of(&[b"test vector key ", name.as_bytes()]).0)
}

/// The key of checkpoints.
pub fn log_key() -> SecretKey {
    SecretKey::new(ORIGIN, &Hash::of(&[b"test vector key ", ORIGIN.as_bytes()]).0)
}

/// A holder's name on the key of another.
pub fn twin(who: Who, of: Who) -> SecretKey {
    SecretKey::new(&format!("{ORIGIN}/{}/{}", who.0, who.1), &twin_seed(of))
}

/// What a holder's key is made from.
pub fn twin_seed(of: Who) -> [u8; 32] {
    Hash::of(&[b"test vector key ", key(of).vkey().name.as_bytes()]).0
}

/// The key of seals.
pub const SEALS: Who = ("op", "ledger");

impl Log {
    /// A log without entries.
    pub fn empty() -> Self {
        let at = Timestamp::parse("2031-03-04T10:00:00Z").expect("an instant");
        Self { entries: Vec::new(), prev: Hash::default(), at, seqs: BTreeMap::new(), rows: 0 }
    }

    /// Genesis: operator `op`, registrar `min`, oversight `npm`.
    pub fn begun() -> Self {
        let mut log = Self::empty();
        let genesis = log.genesis();
        log.say(genesis, &[SEALS]);
        log
    }

    /// With the keys of one facility and one organisation, and a request of it.
    pub fn with_request() -> Self {
        let mut log = Self::begun();
        for (party, holder, role) in [("fac-one", "desk", "facility"), ("cso-one", "desk", "cso")] {
            let enrolled = log.enrolment((party, holder), role);
            log.say(enrolled, &[(party, holder), ("op", "one")]);
        }
        let request = log.request();
        log.say(request, &[("cso-one", "desk")]);
        log
    }

    /// What genesis says.
    pub fn genesis(&mut self) -> Draft {
        let keys = |all: &[Who]| Value::List(all.iter().map(|who| Value::Text(key(*who).vkey().to_string())).collect());
        let draft = self.draft("ledger.genesis", "op").with("operator", "op").with("registrar", "min");
        let draft =
            draft.with("catalogue", &Catalogue::built_in().digest().to_hex()).with("registrar_role", "ministry");
        let draft = draft.with("log_key", &log_key().vkey().to_string());
        let draft = draft.value("operator_keys", keys(&[SEALS, ("op", "one"), ("op", "two")]));
        let draft = draft.value("registrar_keys", keys(&[("min", "one"), ("min", "two")]));
        draft.value("oversight_keys", keys(&[("npm", "one"), ("npm", "two")])).but(|event| event.seq = 0)
    }

    /// The enrolment of a holder's key by its own party.
    pub fn enrolment(&mut self, who: Who, role: &str) -> Draft {
        let draft = self.draft("key.enrolled", who.0).with("organisation", who.0).with("holder", who.1);
        let draft = draft.with("role", role).with("alg", "ed25519").with("valid_from", "2031-03-04T00:00:00Z");
        let draft = draft.with("public_key", &key(who).vkey().to_string());
        draft.but(|event| event.id = Some(format!("{}/key-{}-{}", who.0, who.0, who.1)))
    }

    /// A request of cso-one to visit fac-one.
    pub fn request(&mut self) -> Draft {
        let draft = self.draft("access.request.submitted", "cso-one");
        let id = format!("cso-one/request-{}", self.rows);
        draft
            .all(r#"{"facility":"fac-one","organisation":"cso-one","purpose":"family"}"#)
            .but(|event| event.id = Some(id))
    }

    /// An event without fields, with the next row and the next number of that party.
    pub fn draft(&mut self, kind: &str, by: &str) -> Draft {
        self.rows += 1;
        let seq = self.seqs.entry(by.to_owned()).or_insert(0);
        *seq += 1;
        let v = Catalogue::built_in().event(kind).map_or(1, |k| k.v);
        let row = format!("r{}", self.rows);
        let ledger = Origin::parse(ORIGIN).expect("an origin");
        let head = Head { kind: (kind, v), ledger: &ledger, by, row: &row, seq: *seq, at: self.at.date(0) };
        Draft(Event::new(&head))
    }

    /// As said to have happened on another day.
    pub fn on(draft: Draft, day: &str) -> Draft {
        let (old, ledger) = (draft.0, Origin::parse(ORIGIN).expect("an origin"));
        let at = Date::parse(day).expect("a day");
        let head = Head { kind: (&old.kind, old.v), ledger: &ledger, by: &old.by, row: &old.row, seq: old.seq, at };
        let mut event = Event::new(&head);
        (event.data, event.refs, event.id) = (old.data.clone(), old.refs.clone(), old.id.clone());
        Draft(event)
    }

    /// The next entry: said and signed.
    pub fn say(&mut self, draft: Draft, signers: &[Who]) {
        let keys: Vec<SecretKey> = signers.iter().map(|who| key(*who)).collect();
        self.say_with(draft, &keys);
    }

    /// The same with these very keys.
    pub fn say_with(&mut self, draft: Draft, keys: &[SecretKey]) {
        let note = note_of(draft, keys);
        self.push(&note.to_text());
    }

    /// The next entry, whatever the note is.
    pub fn push(&mut self, note: &str) {
        let bytes = Entry::bytes(self.size(), self.at, self.prev, note.as_bytes());
        self.push_bytes(bytes);
    }

    /// The next entry, whatever its bytes are.
    pub fn push_bytes(&mut self, bytes: Vec<u8>) {
        self.prev = Hash::leaf(&bytes);
        self.entries.push(bytes);
    }

    /// Bytes of the entry that would say it.
    pub fn bytes(&self, draft: Draft, signers: &[Who]) -> String {
        let keys: Vec<SecretKey> = signers.iter().map(|who| key(*who)).collect();
        let note = note_of(draft, &keys).to_text();
        let bytes = Entry::bytes(self.size(), self.at, self.prev, note.as_bytes());
        String::from_utf8(bytes).expect("text")
    }

    /// Entries so far.
    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The entries.
    pub fn entries(&self) -> &[Vec<u8>] {
        &self.entries
    }

    /// The log as admission knows it, if it has admitted everything so far.
    pub fn state(&self) -> State {
        let mut state = State::new(Origin::parse(ORIGIN).expect("an origin"));
        self.entries.iter().for_each(|bytes| state.replay(bytes).expect("a good log so far"));
        state
    }

    /// The seal that closes the batch now.
    pub fn seal(&mut self) -> Draft {
        let mut state = self.state();
        let number = |n: u64| Value::Integer(i64::try_from(n).expect("a small log"));
        let batch = state.batches() + 1;
        let draft = self.draft("ledger.index.sealed", "op").value("batch", number(batch));
        let draft = draft.value("size", number(state.size())).value("streams", number(state.streams()));
        let draft = draft.with("map_root", &state.map_root().to_hex());
        draft.but(|event| (event.row, event.seq) = (format!("b{batch}"), i64::try_from(batch).expect("a small log")))
    }

    /// The body of a vector.
    pub fn body(&self) -> String {
        let mut body = format!("origin: {ORIGIN}\n");
        for bytes in &self.entries {
            let _ = write!(body, "entry: {}\n{}", bytes.len(), String::from_utf8_lossy(bytes)); // a string takes it all
        }
        body
    }

    /// The vector of this log.
    pub fn made(&self, path: &str, expect: &str, comment: &str, after: &str) -> Made {
        crate::vector(path, expect, comment, &(self.body() + after))
    }
}

/// The note of what is said, every slot committed and empty.
pub fn note_of(draft: Draft, keys: &[SecretKey]) -> Note {
    let mut event = draft.0;
    let kind = Catalogue::built_in().event(&event.kind).filter(|kind| kind.hides);
    if let (Some(kind), None) = (kind, &event.hidden) {
        let digest = |name: &str| {
            let salt = Hash::of(&[b"test vector salt ", event.address().as_bytes(), b" ", name.as_bytes()]).0;
            Disclosure { salt, name: name.to_owned(), value: None }.digest()
        };
        let digests: Vec<Hash> = kind.slots().into_iter().map(digest).collect();
        event.hidden = Some(hidden_root(&digests).to_base64());
    }
    let text = event.to_text();
    Note { signatures: keys.iter().map(|key| key.sign(&text)).collect(), text }
}
