//! Which signed requests came before: each is taken once within its time.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemas::base;
use schemas::hash::Hash;
use schemas::time::Timestamp;

use super::{BadRequest, Caller, Unspent};
use crate::Verified;
use crate::keyring::KeyNumber;

/// Most requests that are remembered in all; one takes some 80 bytes.
pub const REMEMBERED_MAX: usize = 1 << 20;

/// A signed request that was taken, as it is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The key.
    pub key: KeyNumber,
    /// Half of the hash of key and nonce: two requests that share it are one refused, not one let through.
    pub nonce: [u8; 16],
    /// When it expires.
    pub expires: Timestamp,
}

impl Taken {
    /// What is remembered of a caller's request.
    pub fn of(caller: &Caller) -> Self {
        let hash = Hash::of(&[&(caller.key as u64).to_be_bytes(), &caller.nonce]);
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&hash.0[..16]);
        Self { key: caller.key, nonce, expires: caller.expires }
    }

    /// It as a line.
    pub fn to_line(self) -> String {
        format!("{} {} {}\n", self.expires.unix(), self.key, base::to_hex(&self.nonce))
    }

    /// Reads a line, without its end.
    pub fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let (expires, key, nonce) = (parts.next()?, parts.next()?, parts.next()?);
        let expires = Timestamp::from_unix(i64::try_from(base::from_decimal(expires)?).ok()?);
        let key = usize::try_from(base::from_decimal(key)?).ok()?;
        let nonce = base::from_hex(nonce)?.try_into().ok()?;
        parts.next().is_none().then_some(Self { key, nonce, expires })
    }
}

/// The memory of nonces: bounded, and without a clock of its own. What it cannot remember it refuses, so a flood
/// slows its sender down and opens nothing.
#[derive(Debug)]
pub struct Nonces {
    /// Dated before this, a request may have come to an earlier process, whose memory is gone.
    since: Timestamp,
    /// The latest expiry of what was dropped: whatever expires by then may have come before, whatever the clock shows now.
    dropped: Timestamp,
    all_max: usize,
    each_max: usize,
    taken: HashSet<[u8; 16]>,
    by_key: HashMap<KeyNumber, usize>,
    by_expiry: BTreeMap<Timestamp, Vec<(KeyNumber, [u8; 16])>>,
}

impl Nonces {
    /// An empty memory that begins now, for so many requests in all and so many of each key.
    pub fn new(since: Timestamp, all_max: usize, each_max: usize) -> Self {
        let (taken, by_key, by_expiry) = (HashSet::new(), HashMap::new(), BTreeMap::new());
        let dropped = Timestamp::from_unix(0);
        Self { since, dropped, all_max, each_max, taken, by_key, by_expiry }
    }

    /// Refuses whatever expires by then: it may have come to an earlier process, of which nothing is remembered.
    pub fn drop_until(&mut self, expiry: Timestamp) {
        self.dropped = self.dropped.max(expiry);
    }

    /// Remembers what an earlier process took.
    pub fn recall(&mut self, taken: &Taken) {
        if self.taken.insert(taken.nonce) {
            *self.by_key.entry(taken.key).or_default() += 1;
            self.by_expiry.entry(taken.expires).or_default().push((taken.key, taken.nonce));
        }
    }

    /// All that is remembered.
    pub fn iter(&self) -> impl Iterator<Item = Taken> {
        let of = |(expires, all): (&Timestamp, &Vec<(KeyNumber, [u8; 16])>)| {
            let expires = *expires;
            all.clone().into_iter().map(move |(key, nonce)| Taken { key, nonce, expires })
        };
        self.by_expiry.iter().flat_map(of)
    }

    /// Takes a request, if it comes for the first time.
    ///
    /// # Errors
    /// [`BadRequest::Replayed`], [`BadRequest::Forgotten`], [`BadRequest::TooMany`]; or [`BadRequest::Late`] if it
    /// expired while it waited.
    pub fn spend(&mut self, request: Unspent, now: Timestamp) -> Result<Verified<Caller>, BadRequest> {
        self.spend_when(request, now, now)
    }

    /// The same where the clock may lead: what it shows is `now`, and it is `sure`ly no earlier than that. Only what
    /// has surely expired is dropped, or a lead would shut out whoever comes after it.
    ///
    /// # Errors
    /// As [`Nonces::spend`].
    pub fn spend_when(
        &mut self,
        request: Unspent,
        now: Timestamp,
        sure: Timestamp,
    ) -> Result<Verified<Caller>, BadRequest> {
        let caller = request.0;
        self.forget(sure);
        if caller.created < self.since {
            return Err(BadRequest::Forgotten);
        }
        let latest = now.max(self.dropped);
        if caller.expires <= latest {
            return Err(BadRequest::Late { seconds: latest.unix() - caller.expires.unix() });
        }
        let Taken { nonce, .. } = Taken::of(&caller);
        if self.taken.contains(&nonce) {
            return Err(BadRequest::Replayed);
        }
        let of_key = self.by_key.entry(caller.key).or_default();
        if self.taken.len() >= self.all_max || *of_key >= self.each_max {
            return Err(BadRequest::TooMany);
        }
        *of_key += 1;
        self.taken.insert(nonce);
        self.by_expiry.entry(caller.expires).or_default().push((caller.key, nonce));
        Ok(Verified::new(caller))
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.taken.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// Drops what has expired: it would be refused for that.
    fn forget(&mut self, now: Timestamp) {
        let still = self.by_expiry.split_off(&now.plus_seconds(1));
        if let Some((last, _)) = self.by_expiry.last_key_value() {
            self.dropped = self.dropped.max(*last);
        }
        for (key, nonce) in std::mem::replace(&mut self.by_expiry, still).into_values().flatten() {
            self.taken.remove(&nonce);
            if let Some(count) = self.by_key.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.by_key.remove(&key);
                }
            }
        }
    }
}
