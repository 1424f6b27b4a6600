//! Follows a log entry by entry and believes nothing that it has not checked.

use schemas::catalogue::Role;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::note::Origin;

use crate::fault::Fault;
use crate::keyring::Holder;
use crate::refusal::Refusal;
use crate::signature::{Claim, all_hold};
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

/// Takes entries in order and gives them back verified.
#[derive(Debug)]
pub struct Follower {
    state: State,
    waiting: Vec<(Accepted, usize)>,
    claims: Vec<Claim>,
    ready: Vec<Verified<Accepted>>,
    signatures: u64,
}

impl Follower {
    /// At the beginning of a log.
    pub fn new(origin: Origin) -> Self {
        Self { state: State::new(origin), waiting: Vec::new(), claims: Vec::new(), ready: Vec::new(), signatures: 0 }
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
        let taken = self.take(bytes);
        if taken.is_err() {
            // An entry whose signature still waits may be at fault too, and it came before.
            self.settle()?;
        }
        taken
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let position = self.state.size();
        let entry = Entry::parse(bytes).map_err(|what| Fault::Entry { position, what })?;
        let address = entry.signed.event.address();
        if entry.position != position {
            return Err(Fault::Position { position, address: Some(address), found: entry.position });
        }
        if entry.prev != self.state.last_leaf() {
            return Err(Fault::Chain { position, address: Some(address) });
        }
        let admission = |refusal| Fault::Admission { position, address: address.clone(), refusal };
        self.state.check_form(&entry.signed.event).map_err(admission)?;
        let claims = self.state.keyring().claims(&entry.signed).map_err(admission)?;
        // What was read would be written back byte for byte, so the bytes at hand are the entry's.
        let leaf = self.state.place_bytes(&entry.signed, entry.received_at, bytes).map_err(admission)?;
        let mut holders = entry.signed.note.signatures.iter().filter_map(|line| {
            let key = self.state.keyring().key(self.state.keyring().find(line)?);
            Some(key.holder.clone())
        });
        let author = holders.next().expect("admitted under a known key");
        let approver = holders.next();
        let approver_role = approver.as_ref().and_then(|holder| self.state.role(&holder.party));
        let role = self.state.role(&author.party).expect("an admitted author has a role");
        self.waiting.push((Accepted { entry, leaf, role, author, approver, approver_role }, claims.len()));
        self.claims.extend(claims);
        if self.claims.len() >= CLAIMS_MAX { self.settle() } else { Ok(()) }
    }

    /// Checks the signatures that wait.
    fn settle(&mut self) -> Result<(), Fault> {
        if !all_hold(&self.claims) {
            let mut at = 0;
            for (accepted, count) in &self.waiting {
                let broken = self.claims[at..at + count].iter().position(|claim| !claim.holds());
                if let Some(line) = broken {
                    let name = accepted.entry.signed.note.signatures[line].name.clone();
                    return Err(Fault::Admission {
                        position: accepted.entry.position,
                        address: accepted.entry.signed.event.address(),
                        refusal: Refusal::BadSignature { number: line + 1, name },
                    });
                }
                at += count;
            }
        }
        self.signatures += self.claims.len() as u64;
        self.claims.clear();
        self.ready.extend(self.waiting.drain(..).map(|(accepted, _)| Verified::new(accepted)));
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
