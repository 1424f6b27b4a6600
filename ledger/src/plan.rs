//! Decides what a batch becomes. Reads no clock and no disk; nothing has happened yet.

use schemas::catalogue::Catalogue;
use schemas::checkpoint::Checkpoint;
use schemas::entry::BadEntry;
use schemas::event::{Event, Head, SignedEvent};
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::time::Timestamp;
use schemas::value::Value;
use verifier::admit::{EPOCH, SEAL};
use verifier::refusal::Refusal;
use verifier::signature::SecretKey;
use verifier::state::State;

use crate::intake::{self, BadIntake};
use crate::outbox::Opening;

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
    /// Opening lines, one an entry.
    pub lines: Vec<String>,
    /// The checkpoint over all of it.
    pub checkpoint: Checkpoint,
    /// The same, signed.
    pub note: Note,
    /// One answer a submission, in order.
    pub answers: Vec<Answer>,
}

/// Plans a batch on top of `state`, which afterwards is the state with the batch. One event that
/// is kept out does not spoil the others. If the plan cannot be committed, the state must be
/// thrown away with it.
///
/// # Errors
/// [`Unsealed`] if the key of the writer in office is not at hand; the state must be thrown away too.
pub fn plan(
    state: &mut State,
    submissions: &[Submission],
    sealed_at: Timestamp,
    keys: &LedgerKeys,
) -> Result<Plan, Unsealed> {
    let first = state.size();
    let (mut entries, mut lines, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for submission in submissions {
        // A clock set back must not reorder history: time may stand still but not retreat.
        let received_at = not_before(state, submission.received_at);
        let answer = match admit(state, submission, received_at, keys) {
            Ok(Admitted::Entry(bytes, line)) => {
                let position = first + entries.len() as u64;
                entries.push(bytes);
                lines.push(line);
                Answer::Accepted { position }
            }
            Ok(Admitted::Already(position)) => Answer::Already { position },
            Err(why) => Answer::Refused(why),
        };
        answers.push(answer);
    }
    let Some(key) = keys.seal_for(state) else {
        let holder = state.writer().map_or_else(String::new, |key| key.holder.name.clone());
        let epoch = |s: &Submission| SignedEvent::parse(&s.note).is_ok_and(|signed| signed.event.kind == EPOCH);
        let refused = submissions.iter().zip(&answers).filter(|(s, _)| epoch(s)).find_map(|(_, answer)| match answer {
            Answer::Refused(why) => Some(why.clone()),
            _ => None,
        });
        return Err(Unsealed { holder, refused });
    };
    let seal = seal(state, key);
    let opened = state.keyring().open(seal).expect("the ledger's own key signed it");
    let received_at = not_before(state, sealed_at);
    let placed = state.admit(&opened, received_at).expect("a seal made from the state fits it");
    entries.push(placed.bytes);
    lines.push(String::new());
    let checkpoint = Checkpoint { origin: state.origin().clone(), size: state.size(), root: state.root() };
    let text = checkpoint.to_text();
    let note = Note { signatures: vec![keys.log.sign(&text)], text };
    Ok(Plan { first, entries, lines, checkpoint, note, answers })
}

enum Admitted {
    Entry(Vec<u8>, String),
    Already(u64),
}

fn admit(
    state: &mut State,
    submission: &Submission,
    received_at: Timestamp,
    keys: &LedgerKeys,
) -> Result<Admitted, Rejection> {
    let signed = SignedEvent::parse(&submission.note).map_err(BadEntry::from).map_err(Refusal::from)?;
    if let Some(position) = state.position_of(&signed) {
        return Ok(Admitted::Already(position));
    }
    let id = signed.id();
    let sealing = !state.recipients().in_force(received_at).is_empty();
    let line = intake::check(&signed.event, id, state.size(), &submission.opening, sealing)?;
    state.check_form(&signed.event)?;
    if signed.event.kind == EPOCH {
        let holder = signed.event.text("writer").unwrap_or_default();
        if !keys.has(state, &signed.event.by, holder) {
            return Err(Rejection::Writer { holder: holder.to_owned() });
        }
    }
    let opened = state.keyring().open(signed)?;
    let placed = state.admit(&opened, received_at)?;
    Ok(Admitted::Entry(placed.bytes, line))
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
