//! Who may sign, when. FORMAT.md 11, "Registry".

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use schemas::catalogue::Role;
use schemas::event::SignedEvent;
use schemas::note::{KeyId, Origin, SignatureLine, Vkey};
use schemas::time::Timestamp;

use crate::kept::{In, Kept, Out};
use crate::refusal::Refusal;
use crate::signature::{self, Claim, PublicKey};
use crate::verified::Verified;

/// Number of a key within a keyring.
pub type KeyNumber = usize;

/// A holder of a party.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder {
    /// The party.
    pub party: String,
    /// The holder's name within it.
    pub name: String,
}

/// One enrolled key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Shared with whoever checks what it signed.
    public: Arc<PublicKey>,
    /// Whose it is.
    pub holder: Holder,
    /// In which role it signs.
    pub role: Role,
    /// First instant in force.
    pub from: Timestamp,
    /// First instant no longer in force.
    pub until: Option<Timestamp>,
    used: Numbers,
}

impl Key {
    /// The public key.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Its 32 bytes, which are the same under every name.
    pub(crate) fn bytes(&self) -> [u8; 32] {
        self.public.vkey().key
    }

    /// The lowest number, from 1, that it has not used and that nothing above it has.
    pub fn next_number(&self) -> i64 {
        self.used.0.last_key_value().map_or(1, |(_, last)| last.max(&0) + 1)
    }

    /// Whether it has signed any event first.
    pub(crate) fn has_signed(&self) -> bool {
        !self.used.0.is_empty()
    }

    /// Whether it is in force at an instant.
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// A set of numbers kept as ranges: a key mostly counts upwards.
#[derive(Clone, Debug, Default)]
struct Numbers(BTreeMap<i64, i64>);

impl Numbers {
    fn has(&self, n: i64) -> bool {
        self.0.range(..=n).next_back().is_some_and(|(_, last)| n <= *last)
    }

    fn add(&mut self, n: i64) {
        let mut range = (n, n);
        if let Some(last) = self.0.remove(&(n + 1)) {
            range.1 = last;
        }
        let before = self.0.range(..n).next_back().map(|(first, last)| (*first, *last));
        if let Some((first, last)) = before
            && last == n - 1
        {
            range.0 = first;
        }
        self.0.insert(range.0, range.1);
    }
}

/// An event whose signatures do not hold, or are by keys that the keyring does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unopened {
    /// What was claimed.
    pub signed: SignedEvent,
    /// Why it was not opened.
    pub refusal: Refusal,
}

/// All keys that the log knows.
#[derive(Clone, Debug)]
pub struct Keyring {
    origin: Origin,
    keys: Vec<Key>,
    /// Four bytes tell few keys apart: those of one id, in order of enrolment.
    by_id: HashMap<KeyId, Vec<KeyNumber>>,
    /// Those of each holder, in order of enrolment: a log may have very many.
    by_holder: HashMap<Holder, Vec<KeyNumber>>,
    /// The keys that seal or have sealed, by their bytes: another name makes no other key.
    sealing: Vec<[u8; 32]>,
}

impl Keyring {
    /// A keyring without keys.
    pub fn new(origin: Origin) -> Self {
        Self { origin, keys: Vec::new(), by_id: HashMap::new(), by_holder: HashMap::new(), sealing: Vec::new() }
    }

    /// Origin of the log.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key of that number.
    pub fn key(&self, number: KeyNumber) -> &Key {
        &self.keys[number]
    }

    /// All keys in order of enrolment.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The key that a signature line names.
    pub fn find(&self, line: &SignatureLine) -> Option<KeyNumber> {
        self.named(&line.name, line.id)
    }

    fn named(&self, name: &str, id: KeyId) -> Option<KeyNumber> {
        let fits = |number: &&KeyNumber| self.keys[**number].public.vkey().name == name;
        self.by_id.get(&id)?.iter().find(fits).copied()
    }

    /// Everybody who holds a key or held one.
    pub fn holders(&self) -> BTreeSet<&Holder> {
        self.keys.iter().map(|key| &key.holder).collect()
    }

    /// The highest number that each key has used, with who holds it.
    pub fn highest_numbers(&self) -> impl Iterator<Item = (&Holder, i64)> {
        let highest = |key: &Key| key.used.0.last_key_value().map(|(_, last)| *last);
        self.keys.iter().filter_map(move |key| Some((&key.holder, highest(key)?)))
    }

    /// Whether this is a key that seals or has sealed, under whatever name: it signs nothing else. FORMAT.md 9.
    pub fn seals(&self, key: &[u8; 32]) -> bool {
        self.sealing.contains(key)
    }

    /// The keys that seal or have sealed, by their bytes.
    pub(crate) fn sealing(&self) -> &[[u8; 32]] {
        &self.sealing
    }

    /// From here on this key seals.
    pub(crate) fn begin_sealing(&mut self, number: KeyNumber) {
        let bytes = self.keys[number].bytes();
        if !self.seals(&bytes) {
            self.sealing.push(bytes);
        }
    }

    /// All keys with the same bytes as that one, itself among them.
    pub(crate) fn same_bytes(&self, number: KeyNumber) -> impl Iterator<Item = KeyNumber> + '_ {
        let bytes = self.keys[number].bytes();
        (0..self.keys.len()).filter(move |n| self.keys[*n].bytes() == bytes)
    }

    /// The key with exactly this vkey.
    pub fn find_vkey(&self, vkey: &Vkey) -> Option<KeyNumber> {
        let number = self.named(&vkey.name, vkey.id())?;
        (self.keys[number].public.vkey() == vkey).then_some(number)
    }

    /// Keys of a holder that are in force.
    pub fn in_force<'a>(&'a self, holder: &'a Holder, at: Timestamp) -> impl Iterator<Item = KeyNumber> + 'a {
        let all = self.by_holder.get(holder).into_iter().flatten().copied();
        all.filter(move |n| self.keys[*n].in_force(at))
    }

    pub(crate) fn add(
        &mut self,
        public: PublicKey,
        holder: Holder,
        role: Role,
        from: Timestamp,
        until: Option<Timestamp>,
    ) {
        self.by_id.entry(public.id()).or_default().push(self.keys.len());
        self.by_holder.entry(holder.clone()).or_default().push(self.keys.len());
        self.keys.push(Key { public: Arc::new(public), holder, role, from, until, used: Numbers::default() });
    }

    pub(crate) fn has_id(&self, vkey: &Vkey) -> bool {
        self.named(&vkey.name, vkey.id()).is_some()
    }

    pub(crate) fn end(&mut self, number: KeyNumber, at: Timestamp) {
        let until = &mut self.keys[number].until;
        *until = Some(until.map_or(at, |u| u.min(at)));
    }

    pub(crate) fn number_used(&self, key: KeyNumber, seq: i64) -> bool {
        self.keys[key].used.has(seq)
    }

    pub(crate) fn use_number(&mut self, key: KeyNumber, seq: i64) {
        self.keys[key].used.add(seq);
    }

    /// Checks each signature over the bytes as they arrived; nothing is re-encoded.
    ///
    /// The keys of `ledger.genesis` and `key.enrolled` may sign the event that brings them; a
    /// rotation is signed by a key that stands already, or the operator could take over a
    /// holder's key with one that it made itself. Whether a key was in force, and whether it was the right one, is for
    /// admission to say.
    ///
    /// # Errors
    /// [`Refusal::UnknownKey`] or [`Refusal::BadSignature`] says which line.
    pub fn open(&self, claim: SignedEvent) -> Result<Verified<SignedEvent>, Refusal> {
        for (number, (one, line)) in (1..).zip(self.claims(&claim)?.iter().zip(&claim.note.signatures)) {
            if !one.holds() {
                return Err(Refusal::BadSignature { number, name: line.name.clone() });
            }
        }
        Ok(Verified::new(claim))
    }

    /// The same for many events at once, for a third of the work: their signatures are checked together, and each by
    /// itself only where one among them does not hold. Each event is told what [`Keyring::open`] would tell it.
    ///
    /// The keys of a line never change once it is known, so a keyring that is a little old opens what a newer one
    /// would, or says [`Refusal::UnknownKey`].
    pub fn open_all(&self, events: Vec<SignedEvent>) -> Vec<Result<Verified<SignedEvent>, Unopened>> {
        let mut all = Vec::with_capacity(events.len());
        let mut own = |event: &SignedEvent| {
            let first = all.len();
            all.append(&mut self.claims(event)?);
            Ok(first..all.len())
        };
        let owned: Vec<Result<Range<usize>, Refusal>> = events.iter().map(&mut own).collect();
        let broken = signature::broken(&all);
        let open = |(signed, own): (SignedEvent, Result<Range<usize>, Refusal>)| {
            let why = own.and_then(|own| match broken.iter().find(|number| own.contains(number)) {
                None => Ok(()),
                Some(found) => {
                    let line = found - own.start;
                    let name = signed.note.signatures[line].name.clone();
                    Err(Refusal::BadSignature { number: line + 1, name })
                }
            });
            match why {
                Ok(()) => Ok(Verified::new(signed)),
                Err(refusal) => Err(Unopened { signed, refusal }),
            }
        };
        events.into_iter().zip(owned).map(open).collect()
    }

    /// The signatures of an event, ready to be checked one by one or in a batch.
    pub(crate) fn claims(&self, signed: &SignedEvent) -> Result<Vec<Claim>, Refusal> {
        let mut claims = Vec::with_capacity(signed.note.signatures.len());
        for (number, line) in (1..).zip(&signed.note.signatures) {
            let public = self.signer(signed, line)?;
            let claim = Claim::new(&public, signed.note.text.as_bytes(), &line.signature);
            claims.push(claim.ok_or_else(|| Refusal::BadSignature { number, name: line.name.clone() })?);
        }
        Ok(claims)
    }

    /// The keys that the signature lines of an event name, in order.
    pub(crate) fn signers(&self, signed: &SignedEvent) -> Result<Vec<Arc<PublicKey>>, Refusal> {
        signed.note.signatures.iter().map(|line| self.signer(signed, line)).collect()
    }

    fn signer(&self, signed: &SignedEvent, line: &SignatureLine) -> Result<Arc<PublicKey>, Refusal> {
        if let Some(key) = self.find(line) {
            return Ok(Arc::clone(&self.keys[key].public));
        }
        let unknown = || Refusal::UnknownKey { name: line.name.clone(), id: line.id };
        brought_key(signed, line).map(Arc::new).ok_or_else(unknown)
    }
}

impl Kept for Holder {
    fn keep(&self, out: &mut Out<'_>) {
        self.party.keep(out);
        self.name.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        Some(Self { party: Kept::read(from)?, name: Kept::read(from)? })
    }
}

impl Kept for Key {
    fn keep(&self, out: &mut Out<'_>) {
        self.public.vkey().keep(out);
        self.holder.keep(out);
        (self.role, self.from, self.until).keep(out);
        self.used.0.iter().map(|(first, last)| (*first, *last)).collect::<Vec<_>>().keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let public = Arc::new(PublicKey::new(&Kept::read(from)?).ok()?);
        let holder = Kept::read(from)?;
        let (role, from_then, until) = Kept::read(from)?;
        let used: Vec<(i64, i64)> = Kept::read(from)?;
        Some(Self { public, holder, role, from: from_then, until, used: Numbers(used.into_iter().collect()) })
    }
}

impl Kept for Keyring {
    fn keep(&self, out: &mut Out<'_>) {
        self.origin.keep(out);
        self.keys.keep(out);
        self.sealing.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let mut keyring = Self::new(Kept::read(from)?);
        keyring.keys = Kept::read(from)?;
        keyring.sealing = Kept::read(from)?;
        for (number, key) in keyring.keys.iter().enumerate() {
            keyring.by_id.entry(key.public.id()).or_default().push(number);
            keyring.by_holder.entry(key.holder.clone()).or_default().push(number);
        }
        Some(keyring)
    }
}

/// The key that the event itself brings and that the line names.
pub(crate) fn brought_key(signed: &SignedEvent, line: &SignatureLine) -> Option<PublicKey> {
    let event = &signed.event;
    let brought: Vec<&str> = match event.kind.as_str() {
        "key.enrolled" => event.text("public_key").into_iter().collect(),
        "ledger.genesis" => event.data.get("operator_keys")?.as_list()?.iter().filter_map(|k| k.as_text()).collect(),
        _ => return None,
    };
    let vkey = brought.iter().filter_map(|k| Vkey::parse(k).ok()).find(|k| k.name == line.name && k.id() == line.id)?;
    PublicKey::new(&vkey).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_once_in_any_order() {
        let mut numbers = Numbers::default();
        for n in [5, 1, 3, 2, 0, 9, 4] {
            assert!(!numbers.has(n));
            numbers.add(n);
            assert!(numbers.has(n));
        }
        assert_eq!(numbers.0.into_iter().collect::<Vec<_>>(), [(0, 5), (9, 9)]);
    }
}
