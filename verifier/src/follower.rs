//! Follows a log entry by entry and believes nothing that it has not checked.
//!
//! Three steps an entry: it is read (which needs no state), admitted in its turn, and its signatures
//! are proven together with those of its neighbours. [`Follower::push`] does all three; the check of a
//! bundle hands the first and the last to a [`crate::crew::Crew`].

use std::sync::Arc;

use schemas::catalogue::Role;
use schemas::entry::{BadEntry, Entry};
use schemas::hash::Hash;
use schemas::note::Origin;

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
}

impl Follower {
    /// At the beginning of a log.
    pub fn new(origin: Origin) -> Self {
        let (state, waiting) = (State::auditing(origin), Unproven::default());
        Self { state, waiting, ready: Vec::new(), signatures: 0 }
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
            self.settle()?;
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
            Fault::Admission { position, address: event.address(), refusal }
        })?;
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
