//! Where each event stands: from the beginnings of event ids to positions, 12 bytes an event.

use std::sync::{Mutex, PoisonError};

use schemas::hash::Hash;

/// Sorted runs, each shorter than the one before: adding costs a logarithm, and so does looking up.
#[derive(Debug, Default)]
pub struct Ids(Mutex<Runs>);

#[derive(Debug, Default)]
struct Runs {
    runs: Vec<Vec<Place>>,
    size: u64,
}

/// The first 8 bytes of an event's id, and the low half of its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    id: [u8; 8],
    position: u32,
}

impl Ids {
    /// How many events it knows: those before this position.
    pub fn size(&self) -> u64 {
        self.lock().size
    }

    /// Adds the beginnings of the ids of the entries from `first` on; what it knows already is passed over.
    pub fn add(&self, first: u64, ids: &[[u8; 8]]) {
        let mut inner = self.lock();
        let Some(known) = inner.size.checked_sub(first) else { return };
        let fresh = ids.iter().zip(first..).skip(usize::try_from(known).unwrap_or(usize::MAX));
        let mut run: Vec<Place> = fresh.map(|(id, position)| Place { id: *id, position: position as u32 }).collect();
        if run.is_empty() {
            return;
        }
        inner.size += run.len() as u64;
        run.sort_unstable();
        while let Some(last) = inner.runs.pop_if(|last| last.len() <= run.len() * 2) {
            run.extend(last);
            run.sort_unstable(); // two sorted halves: nearly a merge
        }
        inner.runs.push(run);
    }

    /// Positions of events whose ids begin so; the entries tell which it is.
    pub fn find(&self, id: &Hash) -> Vec<u64> {
        let mut begin = [0; 8];
        begin.copy_from_slice(&id.0[..8]);
        let inner = self.lock();
        let mut found = Vec::new();
        for run in &inner.runs {
            let from = run.partition_point(|place| place.id < begin);
            let same = run[from..].iter().take_while(|place| place.id == begin);
            found.extend(same.map(|place| u64::from(place.position)));
        }
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Runs> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_found_whatever_the_pieces_it_came_in() {
        let ids = Ids::default();
        let id = |n: u64| Hash::of(&[&(n / 2).to_be_bytes()]); // two events each share a beginning
        let begin = |n: u64| id(n).0[..8].try_into().unwrap();
        for (first, count) in [(0, 1), (1, 700), (700, 3), (703, 1), (702, 9), (711, 0), (711, 289)] {
            let piece: Vec<[u8; 8]> = (first..first + count).map(begin).collect();
            ids.add(first, &piece);
        }
        assert_eq!(ids.size(), 1_000);
        for n in 0..1_000 {
            let mut found = ids.find(&id(n));
            found.sort_unstable();
            assert_eq!(found, [n / 2 * 2, n / 2 * 2 + 1]);
        }
        assert!(ids.find(&id(1_000)).is_empty());
        ids.add(2_000, &[[0; 8]]); // a gap is not taken
        assert_eq!(ids.size(), 1_000);
    }
}
