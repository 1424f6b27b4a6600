//! Who seals a log, and which log went before it. FORMAT.md 9, 18.
//!
//! Both are part of admission: the checks are called by [`crate::admit`], in its order.

use schemas::catalogue::{EventType, Role};
use schemas::event::{Event, SignedEvent};
use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::admit::{SEAL, Signer};
use crate::kept::{In, Kept, Out};
use crate::keyring::{Holder, KeyNumber};
use crate::refusal::TrustNeed;
use crate::state::State;

/// Who seals. FORMAT.md 18.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Writer {
    /// Number of the epoch; 0 from genesis on.
    pub epoch: i64,
    /// Its key.
    pub key: KeyNumber,
}

/// The log that goes on in this one, as the operator and oversight said it. FORMAT.md 18.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its origin.
    pub origin: Origin,
    /// Entries of it that are carried over.
    pub size: u64,
    /// Root over them.
    pub root: Hash,
    /// Why it goes on elsewhere: a code of the catalogue.
    pub reason: String,
    /// Names of the keys that said so: the operator's and oversight's.
    pub signed_by: Vec<String>,
}

impl Kept for Writer {
    fn keep(&self, out: &mut Out<'_>) {
        (self.epoch, self.key as u64).keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let (epoch, key): (i64, u64) = Kept::read(from)?;
        Some(Self { epoch, key: usize::try_from(key).ok()? })
    }
}

impl Kept for Predecessor {
    fn keep(&self, out: &mut Out<'_>) {
        self.origin.keep(out);
        (self.size, self.root).keep(out);
        self.reason.keep(out);
        self.signed_by.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let origin = Kept::read(from)?;
        let (size, root) = Kept::read(from)?;
        Some(Self { origin, size, root, reason: Kept::read(from)?, signed_by: Kept::read(from)? })
    }
}

impl State {
    /// FORMAT.md 9: the writer's key lies where the ledger runs, so it signs seals and nothing else; but
    /// where the operator has lost all others, it may second an enrolment that oversight signs.
    pub(crate) fn check_writer(&self, event: &Event, kind: &EventType, signers: &[Signer]) -> Result<(), TrustNeed> {
        let seals = |signer: &Signer| self.keyring.seals(&signer.bytes);
        let first = signers.first().is_some_and(seals);
        let second = signers.iter().skip(1).any(seals);
        let rescue = kind.name == "key.enrolled"
            && event.text("role").and_then(Role::parse) == Some(Role::Operator)
            && signers.first().is_some_and(|author| author.role == Some(Role::Oversight));
        if kind.name != SEAL && (first || (second && !rescue)) { Err(TrustNeed::SealsAlone) } else { Ok(()) }
    }

    /// Whether that key seals now.
    pub(crate) fn is_writer(&self, key: KeyNumber) -> bool {
        self.writer.is_some_and(|writer| writer.key == key)
    }

    /// FORMAT.md 18: the next writer, over the log as it was last signed.
    pub(crate) fn check_epoch(&self, event: &Event, at: Timestamp) -> Result<Writer, TrustNeed> {
        let number = |name: &str| event.data.get(name).and_then(Value::as_integer);
        let epoch = number("epoch").unwrap_or_default();
        if epoch <= self.epoch() {
            return Err(TrustNeed::Epoch(self.epoch()));
        }
        let (size, root) = self.sealed_head();
        let said = number("size").and_then(|n| u64::try_from(n).ok());
        let as_sealed = said == Some(size) && event.text("root").and_then(Hash::from_hex) == Some(root);
        if !as_sealed && !self.in_part {
            return Err(TrustNeed::SealedHead { size, root });
        }
        let name = event.text("writer").unwrap_or_default();
        let holder = Holder { party: event.by.clone(), name: name.to_owned() };
        let keys: Vec<KeyNumber> = self.keyring.in_force(&holder, at).collect();
        let fit = |n: KeyNumber| {
            // The key of checkpoints seals nothing.
            self.keyring.key(n).until.is_none()
                && self.genesis().is_none_or(|genesis| genesis.log_key.key != self.keyring.key(n).bytes())
                && self.keyring.same_bytes(n).all(|same| !self.keyring.key(same).has_signed())
        };
        match keys.as_slice() {
            // Where not all is shown, one before it may have been revoked.
            [before @ .., key] if fit(*key) && (before.is_empty() || self.in_part) => Ok(Writer { epoch, key: *key }),
            _ => Err(TrustNeed::NextWriter(name.to_owned())),
        }
    }

    /// FORMAT.md 18: what this log goes on from.
    pub(crate) fn check_reseeding(&self, signed: &SignedEvent) -> Result<Predecessor, TrustNeed> {
        if self.size() != 1 && !self.in_part {
            return Err(TrustNeed::Second);
        }
        let event = &signed.event;
        let named = event.data.get("previous_origin").and_then(|v| v.get("text")).and_then(Value::as_text);
        let origin = named.and_then(Origin::parse).filter(|origin| origin != self.origin());
        let size = event.data.get("size").and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok());
        let size = size.filter(|n| *n > 0);
        let root = event.text("root").and_then(Hash::from_hex);
        let (Some(origin), Some(size), Some(root)) = (origin, size, root) else { return Err(TrustNeed::Predecessor) };
        let reason = event.text("reason").unwrap_or_default().to_owned();
        let signed_by = signed.note.signatures.iter().map(|line| line.name.clone()).collect();
        Ok(Predecessor { origin, size, root, reason, signed_by })
    }
}
