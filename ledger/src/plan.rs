//! Decides what a batch becomes. Reads no clock and no disk; nothing has happened yet.

use schemas::catalogue::Catalogue;
use schemas::checkpoint::Checkpoint;
use schemas::event::{Event, Head, SignedEvent};
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::admit::{EPOCH, Placed, SEAL};
use verifier::keyring::Unopened;
use verifier::refusal::Refusal;
use verifier::signature::SecretKey;
use verifier::state::State;

use crate::intake::BadIntake;
use crate::outbox::Opening;
use crate::prepare::{Prepared, Read};
use crate::vault::Hidden;

/// What someone hands in: a signed event and its hidden values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The signed note.
    pub note: Vec<u8>,
    /// Its hidden values.
    pub opening: Opening,
    /// When the ledger received it.
    pub received_at: Timestamp,
}

/// What became of a submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It stands in the log at that position.
    Accepted {
        /// Its position.
        position: u64,
    },
    /// The very same event stands there already: the same answer again.
    Already {
        /// Its position.
        position: u64,
    },
    /// It was kept out.
    Refused(Rejection),
}

/// Why a submission was kept out: the reporter must act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// By the gate that every auditor replays.
    #[error("{0} (FORMAT.md 11, {n})", n = .0.number())]
    Admission(#[from] Refusal),
    /// By the ledger's own gate.
    #[error(transparent)]
    Intake(#[from] BadIntake),
    /// An epoch whose writer could not seal here.
    #[error(
        "the key of the writer {holder:?} is not among the ledger's own: nobody could seal after it; `ledger epoch` makes one"
    )]
    Writer {
        /// Who would seal.
        holder: String,
    },
}

/// Nobody here can seal: the key of the writer in office is not among the ledger's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of {holder}, who seals, is not among the ledger's own{}", because(.refused.as_ref()))]
pub struct Unsealed {
    /// Who seals.
    pub holder: String,
    /// Why an epoch of another writer was kept out, where one was handed in.
    pub refused: Option<Rejection>,
}

fn because(refused: Option<&Rejection>) -> String {
    refused.map_or_else(String::new, |why| format!(", and the event that would name another was refused: {why}"))
}

/// Keys of the ledger itself.
#[derive(Clone, Debug)]
pub struct LedgerKeys {
    /// Signs checkpoints; its name is the origin.
    pub log: SecretKey,
    /// Sign seals, each in its epoch; the first signs genesis too.
    pub seals: Vec<SecretKey>,
}

impl LedgerKeys {
    /// The key of the writer in office.
    pub fn seal_for(&self, state: &State) -> Option<&SecretKey> {
        let writer = state.writer()?.public().vkey();
        self.seals.iter().find(|key| key.vkey() == *writer)
    }

    /// Whether a holder of the operator could seal with one of these.
    fn has(&self, state: &State, operator: &str, holder: &str) -> bool {
        let name = state.origin().holder_key_name(operator, holder);
        let known = |key: &SecretKey| state.keyring().find_vkey(&key.vkey()).is_some();
        self.seals.iter().any(|key| key.vkey().name == name && known(key))
    }
}

/// Everything that one commit will write and answer.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Position of the first entry.
    pub first: u64,
    /// Entries, the seal last.
    pub entries: Vec<Vec<u8>>,
    /// Their leaves in the tree.
    pub leaves: Vec<Hash>,
    /// Hidden values, encrypted, one an entry.
    pub hidden: Vec<Hidden>,
    /// The checkpoint over all of it.
    pub checkpoint: Checkpoint,
    /// The same, signed.
    pub note: Note,
    /// One answer a submission, in order.
    pub answers: Vec<Answer>,
}

/// What came in of a batch that is not closed yet.
#[derive(Debug)]
pub struct Batch {
    first: u64,
    entries: Vec<Vec<u8>>,
    leaves: Vec<Hash>,
    hidden: Vec<Hidden>,
    answers: Vec<Answer>,
    epoch_refused: Option<Rejection>,
}

impl Batch {
    /// Whether nothing came in: there is nothing to write, and the state is as it was.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The answers where nothing came in.
    pub fn into_answers(self) -> Vec<Answer> {
        self.answers
    }
}

/// Admits events on top of `state`, in order. One event that is kept out does not spoil the others.
pub fn admit_all(state: &mut State, prepared: Vec<Prepared>, keys: &LedgerKeys) -> Batch {
    let first = state.size();
    let room = prepared.len() + 1;
    let (mut entries, mut leaves, mut hidden) =
        (Vec::with_capacity(room), Vec::with_capacity(room), Vec::with_capacity(room));
    let (mut answers, mut epoch_refused) = (Vec::with_capacity(room), None);
    for one in prepared {
        // A clock set back must not reorder history: time may stand still but not retreat.
        let received_at = not_before(state, one.received_at);
        let of_epoch = one.read.as_ref().is_ok_and(|read| read.event().event.kind == EPOCH);
        let answer = match admit(state, one, received_at, keys) {
            Ok(Admitted::Entry(placed, beside)) => {
                entries.push(placed.bytes);
                leaves.push(placed.leaf);
                hidden.push(beside);
                Answer::Accepted { position: placed.position }
            }
            Ok(Admitted::Already(position)) => Answer::Already { position },
            Err(why) => {
                if of_epoch {
                    epoch_refused.get_or_insert_with(|| why.clone());
                }
                Answer::Refused(why)
            }
        };
        answers.push(answer);
    }
    Batch { first, entries, leaves, hidden, answers, epoch_refused }
}

/// Plans a batch on top of `state`, which afterwards is the state with the batch, its seal included. If the plan
/// cannot be committed, the state must be thrown away with it.
///
/// # Errors
/// [`Unsealed`] if the key of the writer in office is not at hand; the state must be thrown away too.
pub fn plan(
    state: &mut State,
    prepared: Vec<Prepared>,
    sealed_at: Timestamp,
    keys: &LedgerKeys,
) -> Result<Plan, Unsealed> {
    let batch = admit_all(state, prepared, keys);
    close(state, batch, sealed_at, keys)
}

/// Closes a batch: its seal, its checkpoint.
///
/// # Errors
/// As [`plan`].
pub fn close(state: &mut State, batch: Batch, sealed_at: Timestamp, keys: &LedgerKeys) -> Result<Plan, Unsealed> {
    let Batch { first, mut entries, mut leaves, mut hidden, answers, epoch_refused } = batch;
    let Some(key) = keys.seal_for(state) else {
        let holder = state.writer().map_or_else(String::new, |key| key.holder.name.clone());
        return Err(Unsealed { holder, refused: epoch_refused });
    };
    let seal = seal(state, key);
    let opened = state.keyring().open(seal).expect("the ledger's own key signed it");
    let received_at = not_before(state, sealed_at);
    let placed = state.admit(&opened, received_at).expect("a seal made from the state fits it");
    entries.push(placed.bytes);
    leaves.push(placed.leaf);
    hidden.push(Hidden::default());
    let checkpoint = Checkpoint { origin: state.origin().clone(), size: state.size(), root: state.root() };
    let text = checkpoint.to_text();
    let note = Note { signatures: vec![keys.log.sign(&text)], text };
    Ok(Plan { first, entries, leaves, hidden, checkpoint, note, answers })
}

enum Admitted {
    Entry(Placed, Hidden),
    Already(u64),
}

fn admit(
    state: &mut State,
    prepared: Prepared,
    received_at: Timestamp,
    keys: &LedgerKeys,
) -> Result<Admitted, Rejection> {
    let Read { signed, beside } = prepared.read?;
    let known = match &signed {
        Ok(opened) => opened.get(),
        Err(unopened) => &unopened.signed,
    };
    if let Some(position) = state.position_of(known) {
        return Ok(Admitted::Already(position));
    }
    let (beside, hidden) = beside?;
    let event = &known.event;
    beside.check(!state.recipients().in_force(received_at).is_empty())?;
    if event.kind == EPOCH {
        state.check_form(event)?;
        let holder = event.text("writer").unwrap_or_default();
        if !keys.has(state, &event.by, holder) {
            return Err(Rejection::Writer { holder: holder.to_owned() });
        }
    }
    let opened = match signed {
        Ok(opened) => opened,
        Err(Unopened { signed, refusal }) => {
            // What is said of an event's form is said first. FORMAT.md 11.
            state.check_form(&signed.event)?;
            match refusal {
                // The key may have come in since the event was prepared.
                Refusal::UnknownKey { .. } => state.keyring().open(signed)?,
                other => return Err(other.into()),
            }
        }
    };
    let placed = state.admit(&opened, received_at)?;
    Ok(Admitted::Entry(placed, hidden))
}

fn not_before(state: &State, instant: Timestamp) -> Timestamp {
    state.last_received().map_or(instant, |last| last.max(instant))
}

/// The event that closes a batch. FORMAT.md 9.
fn seal(state: &mut State, key: &SecretKey) -> SignedEvent {
    let kind = Catalogue::built_in().event(SEAL).expect("the catalogue has the seal");
    let genesis = state.genesis().expect("a ledger begins with genesis").operator.clone();
    let batch = state.batches() + 1;
    let number = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
    let at = state.last_received().expect("a ledger begins with genesis").date(0);
    let mut event = Event::new(&Head {
        kind: (&kind.name, kind.v),
        ledger: state.origin(),
        by: &genesis,
        row: &format!("b{batch}"),
        seq: i64::try_from(batch).unwrap_or(i64::MAX),
        at,
    });
    event.data.insert("batch".to_owned(), number(batch));
    event.data.insert("map_root".to_owned(), Value::Text(state.map_root().to_hex()));
    event.data.insert("size".to_owned(), number(state.size()));
    event.data.insert("streams".to_owned(), number(state.streams()));
    signed_by(event, key)
}

/// The first entry of a log.
pub struct Genesis<'a> {
    /// Who keeps the ledger.
    pub operator: &'a str,
    /// Who enters parties into the register, and its role.
    pub registrar: (&'a str, schemas::catalogue::Role),
    /// First keys of the operator beside the ledger's own.
    pub operator_keys: Vec<String>,
    /// First keys of the registrar, unless it is the operator.
    pub registrar_keys: Vec<String>,
    /// First keys of the oversight bodies.
    pub oversight_keys: Vec<String>,
}

/// Signs genesis with the ledger's own key of seals.
pub fn genesis(
    origin: &schemas::note::Origin,
    facts: &Genesis<'_>,
    log: &SecretKey,
    seal: &SecretKey,
    at: Timestamp,
) -> SignedEvent {
    let kind = Catalogue::built_in().event(verifier::admit::GENESIS).expect("the catalogue has genesis");
    let head =
        Head { kind: (&kind.name, kind.v), ledger: origin, by: facts.operator, row: "genesis", seq: 0, at: at.date(0) };
    let mut event = Event::new(&head);
    let text = |s: &str| Value::Text(s.to_owned());
    let list = |keys: &[String]| Value::List(keys.iter().map(|k| text(k)).collect());
    let mut set = |name: &str, value: Value| event.data.insert(name.to_owned(), value);
    set("catalogue", Value::Text(Catalogue::built_in().digest().to_hex()));
    set("log_key", Value::Text(log.vkey().to_string()));
    set("operator", text(facts.operator));
    let mut operator_keys = vec![seal.vkey().to_string()];
    operator_keys.extend(facts.operator_keys.iter().cloned());
    set("operator_keys", list(&operator_keys));
    set("registrar", text(facts.registrar.0));
    set("registrar_role", text(facts.registrar.1.as_str()));
    if !facts.registrar_keys.is_empty() {
        set("registrar_keys", list(&facts.registrar_keys));
    }
    if !facts.oversight_keys.is_empty() {
        set("oversight_keys", list(&facts.oversight_keys));
    }
    signed_by(event, seal)
}

fn signed_by(event: Event, key: &SecretKey) -> SignedEvent {
    let text = event.to_text();
    let note = Note { signatures: vec![key.sign(&text)], text };
    SignedEvent { event, note }
}

/// SHA-256 of the catalogue and the profile that a folder adopts, for `documents/`.
pub fn document_digest(bytes: &[u8]) -> Hash {
    Hash::of(&[bytes])
}
