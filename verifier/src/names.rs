//! Names cut to 20 bytes, each with the number in which it came. What a log remembers of every entry
//! is mostly this, so it is kept tight: 20 bytes a name and 7 to 13 for finding it again.

use std::hash::{BuildHasher as _, RandomState};

use crate::kept::{In, Kept, Out};

/// Name of a thing or of a record, cut to 20 bytes: a collision would cost 2^80 hashes.
pub(crate) type Name = [u8; 20];

/// Slots of a table that holds something, at least.
const SLOTS_MIN: usize = 64;

/// A set of names in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    names: Vec<Name>,
    /// One byte of each slot's name, so that few wrong names are looked at; 0 where the slot is free.
    tags: Vec<u8>,
    /// The number of each slot's name.
    numbers: Vec<u32>,
    /// Drawn anew for every set: whoever chooses names cannot choose where they fall.
    secret: [u64; 2],
}

impl Default for Names {
    fn default() -> Self {
        let random = RandomState::new();
        let secret = [random.hash_one(1u8), random.hash_one(2u8) | 1];
        Self { names: Vec::new(), tags: Vec::new(), numbers: Vec::new(), secret }
    }
}

impl Names {
    /// All names, in order.
    pub fn all(&self) -> &[Name] {
        &self.names
    }

    /// The number of a name, from 0.
    pub fn find(&self, name: &Name) -> Option<u32> {
        let (mut slot, tag) = self.place(name)?;
        let last = self.tags.len() - 1;
        loop {
            match self.tags[slot] {
                0 => return None,
                found if found == tag => {
                    let number = self.numbers[slot];
                    if self.names[number as usize] == *name {
                        return Some(number);
                    }
                }
                _ => {}
            }
            slot = (slot + 1) & last;
        }
    }

    /// Adds a name that is not there yet; gives its number.
    pub fn add(&mut self, name: Name) -> u32 {
        let number = u32::try_from(self.names.len()).expect("fewer than 2^32 names");
        self.names.push(name);
        // Three quarters full at most: short walks.
        if self.names.len() * 4 > self.tags.len() * 3 {
            self.spread((self.tags.len() * 2).max(SLOTS_MIN));
        } else {
            self.enter(number);
        }
        number
    }

    /// A set with these names, each of which is there once.
    pub fn of(names: Vec<Name>) -> Self {
        let mut set = Self { names, ..Self::default() };
        set.spread((set.names.len() * 4 / 3 + 1).next_power_of_two().max(SLOTS_MIN));
        set
    }

    /// Where a name's walk begins, and its tag; nothing while there is no slot.
    fn place(&self, name: &Name) -> Option<(usize, u8)> {
        let (beginning, _) = name.split_first_chunk()?;
        let mixed = u64::from_le_bytes(*beginning) ^ self.secret[0];
        let wide = u128::from(mixed) * u128::from(self.secret[1]);
        let hash = (wide >> 64) as u64 ^ wide as u64;
        let slot = (hash as usize) & self.tags.len().checked_sub(1)?;
        Some((slot, ((hash >> 56) as u8).max(1)))
    }

    fn enter(&mut self, number: u32) {
        let Some((mut slot, tag)) = self.place(&self.names[number as usize]) else { return };
        let last = self.tags.len() - 1;
        while self.tags[slot] != 0 {
            slot = (slot + 1) & last;
        }
        self.tags[slot] = tag;
        self.numbers[slot] = number;
    }

    /// Makes a table of so many slots, a power of two, and enters all names.
    fn spread(&mut self, slots: usize) {
        (self.tags, self.numbers) = (Vec::new(), Vec::new());
        (self.tags, self.numbers) = (vec![0; slots], vec![0; slots]);
        for number in 0..self.names.len() {
            self.enter(number as u32);
        }
    }
}

/// Only the names: where they stand is drawn anew.
impl Kept for Names {
    fn keep(&self, out: &mut Out<'_>) {
        self.names.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        Some(Self::of(Kept::read(from)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: u32) -> Name {
        let mut name = [7; 20];
        name[..4].copy_from_slice(&n.to_be_bytes());
        name
    }

    #[test]
    fn every_name_is_found_by_its_number_and_no_other_is() {
        let mut names = Names::default();
        assert_eq!(names.find(&name(0)), None);
        for n in 0..5_000 {
            assert_eq!(names.find(&name(n)), None);
            assert_eq!(names.add(name(n)), n);
            assert_eq!(names.find(&name(n)), Some(n));
        }
        let again = Names::of(names.all().to_vec());
        for n in 0..5_000 {
            assert_eq!((names.find(&name(n)), again.find(&name(n))), (Some(n), Some(n)));
        }
        // The same first eight bytes, another end.
        let mut other = name(3);
        other[19] ^= 1;
        for n in [name(5_000), other] {
            assert_eq!((names.find(&n), again.find(&n)), (None, None));
        }
        assert_eq!(Names::of(Vec::new()).find(&name(1)), None);
    }
}
