//! Which signed requests came before: each is taken once within its time.

use std::collections::{BTreeMap, HashMap, HashSet};

use schemas::hash::Hash;
use schemas::time::Timestamp;

use super::{BadRequest, Caller, Unspent};
use crate::Verified;
use crate::keyring::KeyNumber;

/// Most requests that are remembered in all; one takes some 80 bytes.
pub const REMEMBERED_MAX: usize = 1 << 20;

/// The memory of nonces: bounded, and without a clock of its own. What it cannot remember it refuses, so a flood
/// slows its sender down and opens nothing.
#[derive(Debug)]
pub struct Nonces {
    /// Dated before this, a request may have come to an earlier process, whose memory is gone.
    since: Timestamp,
    /// The latest time that was ever told: a clock that is set back revives nothing.
    latest: Timestamp,
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
        Self { since, latest: since, all_max, each_max, taken, by_key, by_expiry }
    }

    /// Takes a request, if it comes for the first time.
    ///
    /// # Errors
    /// [`BadRequest::Replayed`], [`BadRequest::Forgotten`], [`BadRequest::TooMany`]; or [`BadRequest::Late`] if it
    /// expired while it waited.
    pub fn spend(&mut self, request: Unspent, now: Timestamp) -> Result<Verified<Caller>, BadRequest> {
        let caller = request.0;
        self.latest = self.latest.max(now);
        self.forget();
        if caller.created < self.since {
            return Err(BadRequest::Forgotten);
        }
        if caller.expires <= self.latest {
            return Err(BadRequest::Late { seconds: self.latest.unix() - caller.expires.unix() });
        }
        // Half of the hash: two requests that share it are one refused, not one let through.
        let hash = Hash::of(&[&(caller.key as u64).to_be_bytes(), &caller.nonce]);
        let mut nonce = [0; 16];
        nonce.copy_from_slice(&hash.0[..16]);
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
    fn forget(&mut self) {
        let still = self.by_expiry.split_off(&self.latest.plus_seconds(1));
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
