//! The keys that a pack brings, and the signatures that they made. FORMAT.md 14.2, 11 "Registry".

use schemas::catalogue::{Catalogue, Role};
use schemas::entry::Entry;
use schemas::note::{Origin, SignatureLine};

use crate::erasures::Roles;
use crate::follower::{adopted_catalogue, is_other_genesis};
use crate::refusal::Refusal;
use crate::signature::{Claim, PublicKey};
use crate::state::{Genesis, State};

/// The signature lines of an entry.
pub(super) struct Signed {
    /// Each line's number, from 1, and its claim, ready to be checked.
    pub claims: Vec<(usize, Claim)>,
    /// In which roles the keys of its lines were enrolled.
    pub roles: Roles,
}

/// The registry as the entries of a pack tell it, grown entry by entry in the order of the log by the same admission
/// that the ledger and every auditor run.
#[derive(Clone, Debug)]
pub(super) struct PackKeys {
    state: State,
    /// Whether an entry that was seen adopts a catalogue that is not at hand.
    foreign: bool,
}

impl PackKeys {
    pub fn new(origin: Origin) -> Self {
        Self { state: State::in_part(origin), foreign: false }
    }

    /// Takes in what an entry brings, if it may be in the log as far as the entries before it tell; gives its signature
    /// lines, ready to be checked.
    ///
    /// # Errors
    /// [`Refusal`] for a line that cannot hold, by a key that the pack does not bring or that was not in force, and for
    /// what changes the registry and could not have been admitted.
    pub fn see(&mut self, entry: &Entry) -> Result<Signed, Refusal> {
        let signers = self.state.see_shown(entry)?;
        let adopted = adopted_catalogue(&entry.signed.event);
        self.foreign |= adopted.is_some_and(|digest| digest != Catalogue::built_in().digest());
        let role = |place: usize| signers.get(place).and_then(|signer| signer.role);
        let roles = Roles { author: role(0), approver: role(1) };
        Ok(Signed { claims: self.lines(entry)?, roles })
    }

    /// The signature lines of an entry, whatever it is, ready to be checked.
    ///
    /// # Errors
    /// [`Refusal`] for a line that cannot hold, or is by a key that the pack does not bring.
    pub fn lines(&self, entry: &Entry) -> Result<Vec<(usize, Claim)>, Refusal> {
        Ok((1..).zip(self.state.keyring().claims(&entry.signed)?).collect())
    }

    /// Whether what was refused may be lawful under a catalogue that is not at hand. The entry that adopted it need not be
    /// shown where the whole type is unknown. FORMAT.md 4.5.
    pub fn is_beyond(&self, entry: &Entry, refusal: &Refusal) -> bool {
        let other = || self.foreign || is_other_genesis(entry.position, &entry.signed.event, refusal);
        matches!(refusal, Refusal::UnknownType { .. }) || refusal.is_of_the_catalogue() && other()
    }

    /// The key that a signature line names.
    pub fn key(&self, line: &SignatureLine) -> Option<&PublicKey> {
        let keyring = self.state.keyring();
        keyring.find(line).map(|number| keyring.key(number).public())
    }

    /// The role of a party.
    pub fn role(&self, party: &str) -> Option<Role> {
        self.state.role(party)
    }

    /// The keys that seal or have sealed, by their bytes.
    pub fn sealing(&self) -> Vec<[u8; 32]> {
        self.state.keyring().sealing().to_vec()
    }

    /// What genesis laid down; none where the pack does not bring it.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.state.genesis()
    }
}
