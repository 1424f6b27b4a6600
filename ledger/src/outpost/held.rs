//! What an institution holds: records on their way with how far each has come, and drafts that wait for a second
//! person.

use std::collections::{BTreeMap, BTreeSet};

use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::receipt::Receipt;
use schemas::refusal::RefusalReceipt;
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::import::Holder;
use crate::outbox::Parcel;

/// How far a record has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Signed, and on this machine's disk.
    Recorded,
    /// The ledger says that it stands in the log; nothing proves it yet, as witnesses have not seen it.
    Received {
        /// Position in the log.
        position: u64,
        /// When the answer came here.
        at: Timestamp,
    },
    /// A receipt that holds under the policy here proves it.
    Covered {
        /// Position in the log.
        position: u64,
        /// Entries under the checkpoint.
        size: u64,
        /// When the ledger received it, as the entry says.
        received_at: Timestamp,
    },
    /// The ledger refused it, and signed that it did.
    Refused {
        /// Number in FORMAT.md 11; 0 for the ledger's own gate.
        number: u8,
        /// Why, in its words.
        why: String,
        /// When.
        at: Timestamp,
    },
}

/// A record that was signed here.
#[derive(Clone, Debug)]
pub struct Held {
    /// The event and its hidden values.
    pub parcel: Parcel,
    /// The event, read.
    pub signed: SignedEvent,
    /// Its id.
    pub id: Hash,
    /// When it was put on this machine's disk.
    pub recorded_at: Timestamp,
    /// How far it has come.
    pub state: State,
    /// The receipt, or the receipt of the refusal, as text.
    pub receipt: Option<String>,
    /// Stamps of those who carried it in. FORMAT.md 20.2.
    pub stamps: Vec<Note>,
}

impl Held {
    /// Whether it goes along when something is handed in: it is neither proven nor refused.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Recorded | State::Received { .. })
    }
}

/// A record that waits for its second signature.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The event, signed once.
    pub parcel: Parcel,
    /// The event, read.
    pub signed: SignedEvent,
    /// Its id, which a second signature does not change.
    pub id: Hash,
    /// Whose signature is asked for.
    pub holder: Holder,
    /// When the first person signed.
    pub since: Timestamp,
}

/// A time during which the ledger was not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// The first try that failed.
    pub from: Timestamp,
    /// The first that did not fail again; nothing while it lasts.
    pub until: Option<Timestamp>,
}

/// One line of the journal.
#[derive(Clone, Debug)]
pub(super) enum Told {
    Recorded { parcel: Parcel, at: Timestamp },
    Draft { parcel: Parcel, holder: Holder, at: Timestamp },
    Dropped { event: Hash },
    Received { event: Hash, position: u64, at: Timestamp },
    Covered { event: Hash, receipt: String },
    Refused { event: Hash, note: String },
    Stamp { event: Hash, note: String },
    Elsewhere { event: Hash },
    Line { up: bool, at: Timestamp },
}

impl Told {
    pub fn to_value(&self) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        let time = |at: &Timestamp| Value::Text(at.to_string());
        let id = |event: &Hash| Value::Text(event.to_hex());
        let number = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let (kind, members) = match self {
            Self::Recorded { parcel, at } => ("recorded", vec![("at", time(at)), ("parcel", text(&parcel.to_line()))]),
            Self::Draft { parcel, holder, at } => (
                "draft",
                vec![
                    ("at", time(at)),
                    ("holder", text(&holder.holder)),
                    ("parcel", text(&parcel.to_line())),
                    ("party", text(&holder.party)),
                ],
            ),
            Self::Dropped { event } => ("dropped", vec![("event", id(event))]),
            Self::Received { event, position, at } => {
                ("received", vec![("at", time(at)), ("event", id(event)), ("position", number(*position))])
            }
            Self::Covered { event, receipt } => ("covered", vec![("event", id(event)), ("receipt", text(receipt))]),
            Self::Refused { event, note } => ("refused", vec![("event", id(event)), ("note", text(note))]),
            Self::Stamp { event, note } => ("stamp", vec![("event", id(event)), ("note", text(note))]),
            Self::Elsewhere { event } => ("elsewhere", vec![("event", id(event))]),
            Self::Line { up, at } => ("line", vec![("at", time(at)), ("up", Value::Bool(*up))]),
        };
        let mut all: BTreeMap<String, Value> = members.into_iter().map(|(name, v)| (name.to_owned(), v)).collect();
        all.insert("told".to_owned(), text(kind));
        Value::Object(all)
    }

    pub fn of_value(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name).and_then(Value::as_text);
        let at = || Timestamp::parse(text("at")?);
        let event = || Hash::from_hex(text("event")?);
        let parcel = || Parcel::parse(text("parcel")?);
        Some(match text("told")? {
            "recorded" => Self::Recorded { parcel: parcel()?, at: at()? },
            "draft" => {
                let holder = Holder { party: text("party")?.to_owned(), holder: text("holder")?.to_owned() };
                Self::Draft { parcel: parcel()?, holder, at: at()? }
            }
            "dropped" => Self::Dropped { event: event()? },
            "received" => {
                let position = u64::try_from(value.get("position")?.as_integer()?).ok()?;
                Self::Received { event: event()?, position, at: at()? }
            }
            "covered" => Self::Covered { event: event()?, receipt: text("receipt")?.to_owned() },
            "refused" => Self::Refused { event: event()?, note: text("note")?.to_owned() },
            "stamp" => Self::Stamp { event: event()?, note: text("note")?.to_owned() },
            "elsewhere" => Self::Elsewhere { event: event()? },
            "line" => Self::Line { up: value.get("up")?.as_bool()?, at: at()? },
            _ => return None,
        })
    }
}

/// Everything that the journal says, folded.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub held: Vec<Held>,
    by_id: BTreeMap<Hash, usize>,
    pub waiting: BTreeMap<Hash, Waiting>,
    /// The order in which drafts came.
    pub order: Vec<Hash>,
    pub outages: Vec<Outage>,
    /// What was signed with our keys elsewhere, and is accounted for.
    pub elsewhere: BTreeSet<Hash>,
}

impl Shelf {
    pub fn find(&self, event: &Hash) -> Option<&Held> {
        self.by_id.get(event).map(|at| &self.held[*at])
    }

    /// Takes in a line; false if it makes no sense here.
    pub fn take(&mut self, told: Told) -> bool {
        match told {
            Told::Recorded { parcel, at } => {
                let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { return false };
                let id = signed.id();
                if self.by_id.contains_key(&id) {
                    return false;
                }
                self.drop_draft(&id);
                self.by_id.insert(id, self.held.len());
                let (state, receipt, stamps) = (State::Recorded, None, Vec::new());
                self.held.push(Held { parcel, signed, id, recorded_at: at, state, receipt, stamps });
            }
            Told::Draft { parcel, holder, at } => {
                let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { return false };
                let id = signed.id();
                self.drop_draft(&id);
                self.order.push(id);
                self.waiting.insert(id, Waiting { parcel, signed, id, holder, since: at });
            }
            Told::Dropped { event } => self.drop_draft(&event),
            Told::Line { up, at } => self.line(up, at),
            Told::Elsewhere { event } => drop(self.elsewhere.insert(event)),
            Told::Received { event, position, at } => {
                return self.change(&event, |held| {
                    held.state = State::Received { position, at };
                    Some(())
                });
            }
            Told::Covered { event, receipt } => {
                return self.change(&event, |held| {
                    held.state = covered(&receipt)?;
                    held.receipt = Some(receipt);
                    Some(())
                });
            }
            Told::Refused { event, note } => {
                return self.change(&event, |held| {
                    let read = RefusalReceipt::parse(&Note::parse(note.as_bytes()).ok()?.text)?;
                    held.state = State::Refused { number: read.number, why: read.words, at: read.at };
                    held.receipt = Some(note);
                    Some(())
                });
            }
            Told::Stamp { event, note } => {
                return self.change(&event, |held| {
                    held.stamps.push(Note::parse(note.as_bytes()).ok()?);
                    Some(())
                });
            }
        }
        true
    }

    fn change(&mut self, event: &Hash, how: impl FnOnce(&mut Held) -> Option<()>) -> bool {
        let Some(at) = self.by_id.get(event) else { return false };
        how(&mut self.held[*at]).is_some()
    }

    fn drop_draft(&mut self, event: &Hash) {
        if self.waiting.remove(event).is_some() {
            self.order.retain(|id| id != event);
        }
    }

    fn line(&mut self, up: bool, at: Timestamp) {
        match self.outages.last_mut().filter(|outage| outage.until.is_none()) {
            Some(outage) if up => outage.until = Some(at),
            None if !up => self.outages.push(Outage { from: at, until: None }),
            _ => {}
        }
    }
}

/// What a receipt proves; that it holds was checked before it was written down.
fn covered(receipt: &str) -> Option<State> {
    let receipt = Receipt::parse(receipt).ok()?;
    let size = Checkpoint::parse(&receipt.checkpoint.text).ok()?.size;
    let received_at = Entry::parse(receipt.entry.as_deref()?).ok()?.received_at;
    Some(State::Covered { position: receipt.index, size, received_at })
}
