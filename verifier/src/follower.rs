//! Follows a log entry by entry and believes nothing that it has not checked.
//!
//! Three steps an entry: it is read (which needs no state), admitted in its turn, and its signatures
//! are proven together with those of its neighbours. [`Follower::push`] does all three; the check of a
//! bundle hands the first and the last to a [`crate::crew::Crew`].

use std::sync::Arc;

use schemas::catalogue::{Catalogue, Role};
use schemas::entry::{BadEntry, Entry};
use schemas::event::Event;
use schemas::hash::Hash;
use schemas::note::Origin;

use crate::admit::GENESIS;
use crate::erasures::Roles;
use crate::fault::Fault;
use crate::keyring::Holder;
use crate::refusal::Refusal;
use crate::signature::{Claim, PublicKey, all_hold};
use crate::state::State;
use crate::verified::Verified;

/// Signatures checked together: large enough for a batch to pay, small enough to bound memory.
const CLAIMS_MAX: usize = 1024;

/// An entry of the log, with what the log knows of those who signed it.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The entry.
    pub entry: Entry,
    /// Its leaf.
    pub leaf: Hash,
    /// Role of the author's party.
    pub role: Role,
    /// Who signed.
    pub author: Holder,
    /// Who approved.
    pub approver: Option<Holder>,
    /// Role of the approver's party.
    pub approver_role: Option<Role>,
}

impl Accepted {
    /// In which roles it was signed.
    pub fn roles(&self) -> Roles {
        Roles { author: Some(self.role), approver: self.approver_role }
    }
}

/// An entry that was read, and its leaf. Nothing is believed yet.
#[derive(Debug)]
pub(crate) struct ReadEntry {
    pub entry: Entry,
    pub leaf: Hash,
}

impl ReadEntry {
    /// Reads an entry. What is read would be written back byte for byte, so these bytes are the entry's.
    pub fn read(bytes: &[u8]) -> Result<Self, BadEntry> {
        Ok(Self { entry: Entry::parse(bytes)?, leaf: Hash::leaf(bytes) })
    }
}

/// Entries that were admitted and whose signatures are still to be proven.
#[derive(Debug, Default)]
pub(crate) struct Unproven {
    entries: Vec<(Accepted, Vec<Arc<PublicKey>>)>,
    signatures: usize,
}

impl Unproven {
    /// How many signatures wait.
    pub fn signatures(&self) -> usize {
        self.signatures
    }

    /// Checks all signatures in one batch; where it does not hold, one by one.
    ///
    /// # Errors
    /// [`Fault`] names the first entry with a signature that does not hold.
    pub fn prove(self) -> Result<Vec<Verified<Accepted>>, Fault> {
        prove_together(vec![self]).pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    fn lines(&self) -> impl Iterator<Item = (&PublicKey, &[u8], &[u8])> {
        self.entries.iter().flat_map(|(accepted, keys)| {
            let note = &accepted.entry.signed.note;
            let text = note.text.as_bytes();
            keys.iter().zip(&note.signatures).map(move |(key, line)| (&**key, text, line.signature.as_slice()))
        })
    }
}

/// Checks the signatures of several runs of entries in one batch; each run is at fault for itself. There is
/// nothing after the first that is.
pub(crate) fn prove_together(runs: Vec<Unproven>) -> Vec<Result<Vec<Verified<Accepted>>, Fault>> {
    let all = runs.iter().flat_map(Unproven::lines);
    let claims: Option<Vec<Claim>> = all.map(|(key, text, line)| Claim::new(key, text, line)).collect();
    let hold = claims.is_some_and(|claims| all_hold(&claims));
    let mut proven = Vec::with_capacity(runs.len());
    for run in runs {
        if !hold && let Err(fault) = run.entries.iter().try_for_each(|(accepted, keys)| each_holds(accepted, keys)) {
            proven.push(Err(fault));
            break;
        }
        proven.push(Ok(run.entries.into_iter().map(|(accepted, _)| Verified::new(accepted)).collect()));
    }
    proven
}

/// The signatures of one entry, one by one: first the form of all, then whether they hold.
fn each_holds(accepted: &Accepted, keys: &[Arc<PublicKey>]) -> Result<(), Fault> {
    let note = &accepted.entry.signed.note;
    let claims: Vec<Option<Claim>> =
        keys.iter().zip(&note.signatures).map(|(key, l)| Claim::new(key, note.text.as_bytes(), &l.signature)).collect();
    let malformed = claims.iter().position(Option::is_none);
    let broken = malformed.or_else(|| claims.iter().position(|claim| claim.as_ref().is_some_and(|c| !c.holds())));
    let Some(line) = broken else { return Ok(()) };
    let refusal = Refusal::BadSignature { number: line + 1, name: note.signatures[line].name.clone() };
    let address = accepted.entry.signed.event.address();
    Err(Fault::Admission { position: accepted.entry.position, address, refusal })
}

/// Takes entries in order and gives them back verified.
#[derive(Debug)]
pub struct Follower {
    state: State,
    waiting: Unproven,
    ready: Vec<Verified<Accepted>>,
    signatures: u64,
    /// Whether an entry that was admitted adopts a catalogue that is not at hand.
    foreign: bool,
    beyond: bool,
    /// Signatures of entries that were passed, still to be checked.
    passed: Vec<(Passed, Claim)>,
}

/// A signature line of an entry that was passed.
#[derive(Debug)]
struct Passed {
    position: u64,
    address: String,
    number: usize,
    name: String,
}

impl Follower {
    /// At the beginning of a log.
    pub fn new(origin: Origin) -> Self {
        let (state, waiting) = (State::auditing(origin), Unproven::default());
        let (ready, passed) = (Vec::new(), Vec::new());
        Self { state, waiting, ready, signatures: 0, foreign: false, beyond: false, passed }
    }

    /// Whether what was refused last may be lawful under a catalogue that the log has adopted and that is not at hand:
    /// then nobody can tell, and the rest of the log can only be passed. FORMAT.md 4.5.
    pub fn is_beyond(&self) -> bool {
        self.beyond
    }

    /// The log's state after the last entry pushed.
    pub fn state(&mut self) -> &mut State {
        &mut self.state
    }

    /// The log's state, when nothing more will be pushed.
    pub fn into_state(self) -> State {
        self.state
    }

    /// Signatures checked so far.
    pub fn signatures(&self) -> u64 {
        self.signatures
    }

    /// Takes the next entry: chain, admission, seal. Its signatures are checked with those of
    /// its neighbours, at the latest in [`Follower::drain`].
    ///
    /// # Errors
    /// [`Fault`] names the first entry that is at fault; the follower is of no use afterwards.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let position = self.state.size();
        let read = ReadEntry::read(bytes).map_err(|what| Fault::Entry { position, what });
        let taken = read.and_then(|read| self.admit(read));
        if taken.is_err() {
            // An entry whose signature still waits may be at fault too, and it came before.
            if let Err(before) = self.settle() {
                self.beyond = false;
                return Err(before);
            }
        }
        taken?;
        if self.waiting.signatures() >= CLAIMS_MAX { self.settle() } else { Ok(()) }
    }

    /// Chain, admission and seal of the next entry; its signatures are left for [`Unproven::prove`].
    pub(crate) fn admit(&mut self, read: ReadEntry) -> Result<(), Fault> {
        let ReadEntry { entry, leaf } = read;
        let position = self.state.size();
        let event = &entry.signed.event;
        if entry.position != position {
            return Err(Fault::Position { position, address: Some(event.address()), found: entry.position });
        }
        if entry.prev != self.state.last_leaf() {
            return Err(Fault::Chain { position, address: Some(event.address()) });
        }
        let placed = self.state.keyring().signers(&entry.signed).and_then(|keys| {
            self.state.place_leaf(&entry.signed, entry.received_at, leaf)?;
            Ok(keys)
        });
        let keys = placed.map_err(|refusal| {
            let refusal = self.earlier_refusal(&entry).unwrap_or(refusal);
            self.beyond =
                refusal.is_of_the_catalogue() && (self.foreign || is_other_genesis(position, event, &refusal));
            Fault::Admission { position, address: event.address(), refusal }
        })?;
        self.foreign |= adopted_catalogue(event).is_some_and(|digest| digest != Catalogue::built_in().digest());
        let mut holders = entry.signed.note.signatures.iter().filter_map(|line| {
            let key = self.state.keyring().key(self.state.keyring().find(line)?);
            Some(key.holder.clone())
        });
        let author = holders.next().expect("admitted under a known key");
        let approver = holders.next();
        let approver_role = approver.as_ref().and_then(|holder| self.state.role(&holder.party));
        let role = self.state.role(&author.party).expect("an admitted author has a role");
        self.waiting.signatures += keys.len();
        self.waiting.entries.push((Accepted { entry, leaf, role, author, approver, approver_role }, keys));
        Ok(())
    }

    /// Takes the next entry, after one that is [`Follower::is_beyond`], and asks only what hangs on no catalogue: the
    /// chain, the time, and the signatures by keys that the log knew up to there. Others may have come in entries that
    /// are not understood, so a line by none of them says nothing. What is asked last is asked by
    /// [`Follower::end_passing`].
    ///
    /// # Errors
    /// [`Fault`] names the first entry that is at fault.
    pub fn pass(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let position = self.state.size();
        match ReadEntry::read(bytes) {
            Ok(read) => self.pass_read(&read),
            Err(what) => self.end_passing().and(Err(Fault::Entry { position, what })),
        }
    }

    /// The same for an entry that was read.
    pub(crate) fn pass_read(&mut self, read: &ReadEntry) -> Result<(), Fault> {
        if let Err(fault) = self.pass_one(read) {
            // What was passed before it came first.
            return self.end_passing().and(Err(fault));
        }
        if self.passed.len() >= CLAIMS_MAX { self.end_passing() } else { Ok(()) }
    }

    fn pass_one(&mut self, read: &ReadEntry) -> Result<(), Fault> {
        let ReadEntry { entry, leaf } = read;
        let (position, event, note) = (self.state.size(), &entry.signed.event, &entry.signed.note);
        let address = event.address();
        if entry.position != position {
            return Err(Fault::Position { position, address: Some(address), found: entry.position });
        }
        if entry.prev != self.state.last_leaf() {
            return Err(Fault::Chain { position, address: Some(address) });
        }
        let refused = |refusal| Fault::Admission { position, address: address.clone(), refusal };
        if event.ledger != self.state.origin().as_str() {
            let here = self.state.origin().to_string();
            return Err(refused(Refusal::OtherLedger { found: event.ledger.clone(), here }));
        }
        for (number, line) in (1..).zip(&note.signatures) {
            let Some(key) = self.state.keyring().find(line) else { continue };
            let claim = Claim::new(self.state.keyring().key(key).public(), note.text.as_bytes(), &line.signature);
            let name = line.name.clone();
            let Some(claim) = claim else { return Err(refused(Refusal::BadSignature { number, name })) };
            self.passed.push((Passed { position, address: address.clone(), number, name }, claim));
        }
        if let Some(last) = self.state.last_received().filter(|last| entry.received_at < *last) {
            return Err(refused(Refusal::WentBack { received_at: entry.received_at, last }));
        }
        self.state.pass(*leaf, entry.received_at);
        Ok(())
    }

    /// Checks the signatures of what was passed and not checked yet.
    ///
    /// # Errors
    /// [`Fault`] names the first entry with one that does not hold.
    pub fn end_passing(&mut self) -> Result<(), Fault> {
        let (passed, claims): (Vec<Passed>, Vec<Claim>) = std::mem::take(&mut self.passed).into_iter().unzip();
        if all_hold(&claims) {
            return Ok(());
        }
        let broken = claims.iter().position(|claim| !claim.holds());
        passed.into_iter().nth(broken.unwrap_or(usize::MAX)).map_or(Ok(()), |line| {
            let Passed { position, address, number, name } = line;
            Err(Fault::Admission { position, address, refusal: Refusal::BadSignature { number, name } })
        })
    }

    /// What stands against an entry that is refused before admission looks at it: the form of the
    /// event comes first, then that of its signatures. FORMAT.md 11.
    fn earlier_refusal(&self, entry: &Entry) -> Option<Refusal> {
        self.state.check_form(&entry.signed.event).err().or_else(|| self.state.keyring().claims(&entry.signed).err())
    }

    /// What was admitted since the last call; whoever takes it counts its signatures.
    pub(crate) fn unproven(&mut self) -> Unproven {
        std::mem::take(&mut self.waiting)
    }

    /// Checks the signatures that wait.
    fn settle(&mut self) -> Result<(), Fault> {
        let waiting = std::mem::take(&mut self.waiting);
        let count = waiting.signatures as u64;
        self.ready.extend(waiting.prove()?);
        self.signatures += count;
        Ok(())
    }

    /// All entries pushed since the last call, every signature checked.
    ///
    /// # Errors
    /// [`Fault`] names the first entry with a signature that does not hold.
    pub fn drain(&mut self) -> Result<Vec<Verified<Accepted>>, Fault> {
        self.settle()?;
        Ok(std::mem::take(&mut self.ready))
    }

    /// The entries whose signatures have been checked already; others may still wait.
    pub fn ready(&mut self) -> Vec<Verified<Accepted>> {
        std::mem::take(&mut self.ready)
    }
}

/// The catalogue that an event adopts, genesis included, by its digest. FORMAT.md 4.5.
pub(crate) fn adopted_catalogue(event: &Event) -> Option<Hash> {
    let adopts = matches!(event.kind.as_str(), GENESIS | "schema.adopted");
    adopts.then(|| event.text("catalogue").and_then(Hash::from_hex).unwrap_or_default())
}

/// Whether this is a genesis that was written by another catalogue: one of another version, or that names it.
pub(crate) fn is_other_genesis(position: u64, event: &Event, refusal: &Refusal) -> bool {
    let newer = matches!(refusal, Refusal::UnknownType { .. });
    let other =
        || event.text("catalogue").and_then(Hash::from_hex).is_some_and(|d| d != Catalogue::built_in().digest());
    position == 0 && event.kind == GENESIS && (newer || other())
}
