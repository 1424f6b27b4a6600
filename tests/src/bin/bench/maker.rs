//! Makes events: 20 administrations that report about 2,000 agreements and 2,000 programmes, 4,000 organisations and
//! 1,980 facilities: 10,000 streams, of which each event enters five.

use std::fmt::Write as _;
use std::path::Path;

use ledger::import::{Limits, Parties};
use ledger::keys::KeyFolder;
use ledger::outbox::Opening;
use ledger::plan::{Genesis, Submission};
use ledger::sequencer::Delivery;
use ledger::submit::BATCH_EVENTS_MAX;
use ledger::writer::{Home, Writer};
use schemas::catalogue::{Catalogue, EventType, Field, Kind, Role};
use schemas::event::{Event, Head, RefValue};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::signature::SecretKey;

use crate::bench::BadBench;

const ADMINISTRATIONS: u64 = 20;
const AGREEMENTS: u64 = 2_000;
const PROGRAMMES: u64 = 2_000;
const ORGANISATIONS: u64 = 4_000;
const FACILITIES: u64 = 1_980;
/// When everything is received.
const START: &str = "2025-01-01T00:00:00Z";

/// Makes events one after the other.
#[derive(Clone)]
pub struct Maker {
    origin: Origin,
    pens: Vec<SecretKey>,
    made: u64,
}

fn origin() -> Origin {
    Origin::parse("bench.example/log").expect("an origin")
}

/// Notes as administrations sign them, to check signatures of.
pub fn signed(pens: &[SecretKey], count: usize) -> Vec<Note> {
    let mut maker = Maker { origin: origin(), pens: pens.to_vec(), made: 0 };
    maker.amendments(count).iter().map(|made| Note::parse(&made.note).expect("made here")).collect()
}

impl Maker {
    /// The administrations' keys.
    pub fn pens() -> Vec<SecretKey> {
        let pen = |n: u64| {
            let seed = Hash::of(&[b"bench pen", &n.to_be_bytes()]).0;
            SecretKey::new(&origin().holder_key_name(&administration(n), "office-1"), &seed)
        };
        (0..ADMINISTRATIONS).map(pen).collect()
    }

    /// When everything is received.
    pub fn start() -> Timestamp {
        Timestamp::parse(START).expect("an instant")
    }

    /// A new ledger that knows the administrations, agreements and programmes.
    pub fn found(folder: &Path) -> Result<(Self, Writer), BadBench> {
        let origin = origin();
        let operator = KeyFolder::new(&folder.join("keys"), origin.clone()).get_or_make("op", "ops-1")?;
        let facts = Genesis {
            operator: "op",
            registrar: ("op", Role::Operator),
            operator_keys: vec![operator.vkey().to_string()],
            registrar_keys: Vec::new(),
            oversight_keys: Vec::new(),
        };
        let mut maker = Self { origin, pens: Self::pens(), made: 0 };
        let at = Self::start();
        let mut writer = Writer::create(&Home::new(&folder.join("ledger")), &maker.origin, &facts, at)?;
        let pens = maker.pens.clone();
        let mut events: Vec<Delivery> = pens.iter().map(|pen| maker.enrolment(pen, &operator)).collect();
        for n in 0..AGREEMENTS {
            let facts = [("organisation", party(n)), ("facilities", list(&[facility(n), facility(n + 1)]))];
            events.push(maker.event("agreement.concluded", n, &facts, None));
        }
        for n in 0..PROGRAMMES {
            let facts = [("facilities", list(&[facility(n), facility(n + 1)])), ("partners", list(&[organisation(n)]))];
            events.push(maker.event("programme.adopted", n, &facts, None));
        }
        Self::commit(&mut writer, &events)?;
        Ok((maker, writer))
    }

    /// Puts events into a log that nobody serves.
    pub fn commit(writer: &mut Writer, events: &[Delivery]) -> Result<(), BadBench> {
        let at = Self::start();
        for batch in events.chunks(BATCH_EVENTS_MAX) {
            let submission =
                |d: &Delivery| Submission { note: d.note.clone(), opening: d.opening.clone(), received_at: at };
            let batch: Vec<Submission> = batch.iter().map(submission).collect();
            for answer in writer.commit(&batch, at)?.answers {
                if let ledger::plan::Answer::Refused(why) = answer {
                    return Err(BadBench::Refused(why));
                }
            }
        }
        Ok(())
    }

    /// The parties that have keys, as an operator lists them.
    pub fn parties() -> Parties {
        let mut list =
            "party,role,display_name,identity_mode,languages,holders\nop,operator,Ledger Office,named,en,ops-1\n"
                .to_owned();
        for n in 0..ADMINISTRATIONS {
            let id = administration(n);
            let _ = writeln!(list, "{id},administration,Administration {n},named,en,office-1"); // a string takes it all
        }
        let (parties, problems) = Parties::read("parties.csv", list.as_bytes(), &Limits::default());
        assert!(problems.is_empty(), "{problems:?}");
        parties
    }

    /// Amendments of agreements: two restricted fields and two times, all filled.
    pub fn amendments(&mut self, count: usize) -> Vec<Delivery> {
        self.many(count, |maker, n| {
            let agreement = n % AGREEMENTS;
            let facts = [("organisation", party(n)), ("facilities", list(&[facility(n), facility(n * 7 + 1)]))];
            let about = ("agreement", thing("agreement.concluded", agreement));
            maker.event("agreement.amended", n, &facts, Some(about))
        })
    }

    /// Changes of programmes, which have no hidden field of their own.
    pub fn changes(&mut self, count: usize) -> Vec<Delivery> {
        self.many(count, |maker, n| {
            let programme = n % PROGRAMMES;
            let facts =
                [("facilities", list(&[facility(n), facility(n * 7 + 1)])), ("partners", list(&[organisation(n)]))];
            maker.event("programme.changed", n, &facts, Some(("programme", thing("programme.adopted", programme))))
        })
    }

    /// Made on both cores; each with a number of its own.
    fn many(&mut self, count: usize, one: impl Fn(&Self, u64) -> Delivery + Sync) -> Vec<Delivery> {
        let first = self.made;
        self.made += count as u64;
        let half = first + count as u64 / 2;
        let (this, one) = (&*self, &one);
        std::thread::scope(|scope| {
            let later = scope.spawn(move || (half..first + count as u64).map(|n| one(this, n)).collect::<Vec<_>>());
            let mut made: Vec<Delivery> = (first..half).map(|n| one(this, n)).collect();
            made.extend(later.join().expect("made without a panic"));
            made
        })
    }

    fn event(&self, kind: &str, n: u64, facts: &[(&str, Value)], about: Option<(&str, String)>) -> Delivery {
        let author = n % ADMINISTRATIONS;
        let kind = Catalogue::built_in().event(kind).expect("a type of the catalogue");
        let mut event = self.blank(kind, &administration(author), n);
        for field in kind.fields.iter().filter(|f| f.is_public() && (f.required || f.name == "notice_hours")) {
            event.data.insert(field.name.clone(), Self::sample(field, n));
        }
        for (name, value) in facts {
            event.data.insert((*name).to_owned(), value.clone());
        }
        if let Some((name, target)) = about {
            event.refs.insert(name.to_owned(), RefValue::One(target));
        }
        Self::delivery(kind, event, n, &[&self.pens[usize::try_from(author).expect("few")]])
    }

    fn blank(&self, kind: &EventType, by: &str, n: u64) -> Event {
        let row = format!("{}-{n}", kind.name);
        // Each key counts upwards, without a gap: its enrolment, what was there before, what is measured.
        let first = match kind.name.as_str() {
            "key.enrolled" => 1,
            "agreement.concluded" => 2,
            "programme.adopted" => 2 + AGREEMENTS / ADMINISTRATIONS,
            _ => 2 + (AGREEMENTS + PROGRAMMES) / ADMINISTRATIONS,
        };
        let seq = i64::try_from(first + n / ADMINISTRATIONS).expect("few");
        let head =
            Head { kind: (&kind.name, kind.v), ledger: &self.origin, by, row: &row, seq, at: Self::start().date(0) };
        let mut event = Event::new(&head);
        event.id = kind.id_of.as_ref().map(|_| format!("{by}/{}-{n}", kind.name));
        event
    }

    fn delivery(kind: &EventType, mut event: Event, n: u64, pens: &[&SecretKey]) -> Delivery {
        let slot = |(number, name): (usize, &str)| {
            let salt = Hash::of(&[b"bench salt", &n.to_be_bytes(), &number.to_be_bytes(), kind.name.as_bytes()]).0;
            let value = kind.field(name).map(|field| Self::sample(field, n));
            Disclosure { salt, name: name.to_owned(), value }
        };
        let slots: Vec<Disclosure> = kind.slots().into_iter().enumerate().map(slot).collect();
        let digests: Vec<Hash> = slots.iter().map(Disclosure::digest).collect();
        event.hidden = Some(hidden_root(&digests).to_base64());
        let text = event.to_text();
        let note = Note { signatures: pens.iter().map(|pen| pen.sign(&text)).collect(), text };
        let slots = slots.iter().map(Disclosure::to_text).collect();
        Delivery { note: note.to_text().into_bytes(), opening: Opening::open(slots) }
    }

    fn enrolment(&mut self, pen: &SecretKey, operator: &SecretKey) -> Delivery {
        let n = self.pens.iter().position(|p| p.vkey() == pen.vkey()).expect("one of ours") as u64;
        let kind = Catalogue::built_in().event("key.enrolled").expect("a type of the catalogue");
        let mut event = self.blank(kind, &administration(n), n);
        let text = |s: &str| Value::Text(s.to_owned());
        for (name, value) in [
            ("organisation", text(&administration(n))),
            ("holder", text("office-1")),
            ("role", text("administration")),
            ("alg", text("ed25519")),
            ("public_key", text(&pen.vkey().to_string())),
            ("valid_from", text(START)),
        ] {
            event.data.insert(name.to_owned(), value);
        }
        Self::delivery(kind, event, n, &[pen, operator])
    }

    /// Some value that the field takes.
    fn sample(field: &Field, n: u64) -> Value {
        let text = |s: &str| Value::Text(s.to_owned());
        let one = match field.kind {
            Kind::Code => text(&field.codes()[0]),
            Kind::Bool => Value::Bool(true),
            Kind::Date => text(&Self::start().date(0).to_string()),
            Kind::Time => text(START),
            Kind::Digest => text(&Hash::of(&[&n.to_be_bytes()]).to_hex()),
            Kind::Text => Value::localised("en", "As agreed at the meeting of the spring"),
            Kind::Money => Value::money(120_000, "XTS"),
            Kind::Party | Kind::Facility | Kind::Id | Kind::Vkey => text("none"),
            _ => Value::Integer(i64::try_from(n % 30).expect("small")),
        };
        if field.list { Value::List(vec![one]) } else { one }
    }
}

/// The name of one.
pub fn administration(n: u64) -> String {
    format!("adm-{}", n % ADMINISTRATIONS)
}

fn organisation(n: u64) -> String {
    format!("cso-{}", n % ORGANISATIONS)
}

fn facility(n: u64) -> String {
    format!("fac-{}", n % FACILITIES)
}

fn party(n: u64) -> Value {
    Value::Text(organisation(n))
}

fn list(items: &[String]) -> Value {
    Value::List(items.iter().cloned().map(Value::Text).collect())
}

/// The id of what was concluded or adopted before anything was measured.
fn thing(kind: &str, n: u64) -> String {
    format!("{}/{kind}-{n}", administration(n))
}
