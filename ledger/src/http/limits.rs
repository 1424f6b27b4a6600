//! How fast and how many: of one key, of one address, in all. Memory for strangers is bounded.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

/// Keys or addresses that are remembered at a time.
const REMEMBERED_MAX: usize = 65_536;

/// Lets each of many take so much in a second on average, and so much at once.
#[derive(Debug)]
pub struct Rates<K> {
    each_second: f64,
    at_once: f64,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Hash + Eq + Clone> Rates<K> {
    /// With these rates for each.
    pub fn new(each_second: u32, at_once: u32) -> Self {
        Self { each_second: f64::from(each_second), at_once: f64::from(at_once), buckets: Mutex::default() }
    }

    /// Takes so much, or says after how many seconds it may be tried again.
    ///
    /// # Errors
    /// Seconds to wait.
    pub fn take(&self, whose: &K, much: usize, now: Instant) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED_MAX && !buckets.contains_key(whose) {
            // Whoever has its full measure again needs no memory.
            buckets.retain(|_, bucket| self.filled(*bucket, now).left < self.at_once);
            if buckets.len() >= REMEMBERED_MAX {
                return Err(1);
            }
        }
        let full = Bucket { left: self.at_once, at: now };
        let bucket = buckets.entry(whose.clone()).or_insert(full);
        *bucket = self.filled(*bucket, now);
        // More than the whole measure at once is let in when the measure is full: it is paid off later.
        let needed = (much as f64).min(self.at_once);
        if bucket.left < needed {
            return Err(((needed - bucket.left) / self.each_second).ceil().max(1.0) as u64);
        }
        bucket.left -= much as f64;
        Ok(())
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> Bucket {
        let seconds = now.saturating_duration_since(bucket.at).as_secs_f64();
        Bucket { left: (bucket.left + seconds * self.each_second).min(self.at_once), at: now }
    }
}

/// Counts how many each of many has at a time.
#[derive(Debug)]
pub struct Counts<K: Hash + Eq>(Arc<Mutex<HashMap<K, usize>>>);

impl<K: Hash + Eq> Clone for Counts<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Hash + Eq> Default for Counts<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Hash + Eq + Clone> Counts<K> {
    /// One more, unless there are `max` already; it counts until it is dropped.
    pub fn enter(&self, whose: &K, max: usize) -> Option<Counted<K>> {
        let mut one = self.nothing(whose);
        one.more(1, max).then_some(one)
    }

    /// Nothing yet, to which more may come.
    pub fn nothing(&self, whose: &K) -> Counted<K> {
        Counted { counts: self.clone(), whose: whose.clone(), much: 0 }
    }

    /// So much, unless that makes more than `max`; whoever has nothing may take more than that at once.
    pub fn take(&self, whose: &K, much: usize, max: usize) -> Option<Counted<K>> {
        let mut one = self.nothing(whose);
        (one.more(much, max) || one.more(much, usize::MAX) && one.is_all()).then_some(one)
    }
}

/// One that counts.
#[derive(Debug)]
pub struct Counted<K: Hash + Eq> {
    counts: Counts<K>,
    whose: K,
    much: usize,
}

impl<K: Hash + Eq + Clone> Counted<K> {
    /// Takes so much more, unless there would be more than `max` then; says whether it did.
    pub fn more(&mut self, much: usize, max: usize) -> bool {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has = counts.get(&self.whose).copied().unwrap_or_default();
        let Some(sum) = has.checked_add(much).filter(|sum| *sum <= max) else { return false };
        counts.insert(self.whose.clone(), sum);
        self.much += much;
        true
    }

    /// Whether nobody else counts under its name.
    fn is_all(&self) -> bool {
        let counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(&self.whose).copied().unwrap_or_default() == self.much
    }
}

impl<K: Hash + Eq> Drop for Counted<K> {
    fn drop(&mut self) {
        let mut counts = self.counts.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.whose) {
            *count -= self.much;
            if *count == 0 {
                counts.remove(&self.whose);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_measure_is_used_up_and_fills_again() {
        let rates = Rates::new(10, 20);
        let begin = Instant::now();
        for (who, ms, much, want) in [
            ("a", 0, 20, Ok(())),
            ("a", 0, 1, Err(1)),
            ("b", 0, 1, Ok(())), // one does not pay for another
            ("a", 500, 5, Ok(())),
            ("a", 500, 1, Err(1)),
            ("a", 500, 20, Err(2)),
            ("a", 60_000, 20, Ok(())), // it fills to its brim, not beyond
            ("a", 60_000, 1, Err(1)),
            ("b", 60_000, 50, Ok(())), // more than the measure, once it is full
            ("b", 62_000, 1, Err(2)),  // and paid off afterwards
        ] {
            assert_eq!(rates.take(&who, much, begin + Duration::from_millis(ms)), want, "{who} {ms} {much}");
        }
    }

    #[test]
    fn strangers_take_no_memory_without_end() {
        let rates = Rates::new(1, 1);
        let begin = Instant::now();
        for stranger in 0..REMEMBERED_MAX {
            assert_eq!(rates.take(&stranger, 1, begin), Ok(()));
        }
        assert_eq!(rates.take(&usize::MAX, 1, begin), Err(1));
        assert_eq!(rates.take(&usize::MAX, 1, begin + Duration::from_secs(2)), Ok(()));
    }

    #[test]
    fn so_many_at_a_time() {
        let counts = Counts::default();
        let first = counts.enter(&"a", 2);
        let second = counts.enter(&"a", 2);
        assert!(first.is_some() && second.is_some() && counts.enter(&"b", 2).is_some());
        assert!(counts.enter(&"a", 2).is_none());
        drop(first);
        assert!(counts.enter(&"a", 2).is_some());
    }

    #[test]
    fn so_much_of_each_and_something_for_everyone() {
        let counts = Counts::default();
        let big = counts.take(&"a", 50, 20);
        assert!(big.is_some(), "more than the measure, for whoever has nothing");
        assert!(counts.take(&"a", 1, 20).is_none() && counts.take(&"b", 1, 20).is_some());
        drop(big);
        let mut grows = counts.take(&"a", 1, 20).unwrap();
        assert!(grows.more(19, 20) && !grows.more(1, 20) && counts.take(&"a", 1, 20).is_none());
        drop(grows);
        assert!(counts.0.lock().unwrap().is_empty(), "what is gone takes no memory");
    }
}
