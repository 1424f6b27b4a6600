//! All hashes of a tree from which any proof can be made: what the writer of a log keeps, and what
//! an auditor gathers while following one. FORMAT.md 7.

use std::collections::HashMap;

use schemas::hash::Hash;
use schemas::tile::TILE_WIDTH;

use crate::kept::{In, Kept, Out};
use crate::tree::{BadProof, empty_root, root_of, split};

/// Hashes of every tile level: leaves, then one hash for every full tile of the level below. About
/// 32 bytes a leaf; a proof costs a few hundred hashes, whatever the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels(Vec<Vec<Hash>>);

impl Levels {
    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.0.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for number in 0.. {
            if self.0.len() == number {
                self.0.push(Vec::new());
            }
            let level = &mut self.0[number];
            level.push(hash);
            if !(level.len() as u64).is_multiple_of(TILE_WIDTH) {
                return;
            }
            hash = root_of(&level[level.len() - TILE_WIDTH as usize..]);
        }
    }

    /// The leaf at an index.
    pub fn leaf(&self, index: u64) -> Option<Hash> {
        self.0.first()?.get(usize::try_from(index).ok()?).copied()
    }

    /// Hashes of a tile of this level, from `first` on; nothing where they are not all there.
    pub fn hashes(&self, level: u8, first: u64, width: u64) -> Option<&[Hash]> {
        let first = usize::try_from(first).ok()?;
        self.0.get(usize::from(level))?.get(first..first.checked_add(usize::try_from(width).ok()?)?)
    }

    /// Root of the tree over the first `size` leaves.
    ///
    /// # Errors
    /// [`BadProof::OutOfTree`] if there are fewer.
    pub fn root(&self, size: u64) -> Result<Hash, BadProof> {
        let high = self.within(size, size)?;
        Ok(if high == 0 { empty_root() } else { self.range(0, 0, high) })
    }

    /// Inclusion proof of a leaf in the tree over the first `size` leaves, from its sibling up.
    /// RFC 6962 2.1.1.
    ///
    /// # Errors
    /// [`BadProof::OutOfTree`] if there is no such leaf, or no tree of that size.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, BadProof> {
        self.prover(size)?.inclusion(index)
    }

    /// Proves leaves of the tree over the first `size` leaves.
    ///
    /// # Errors
    /// [`BadProof::OutOfTree`] if there are fewer.
    pub fn prover(&self, size: u64) -> Result<Prover<'_>, BadProof> {
        Ok(Prover { levels: self, size: self.within(size, size)?, known: HashMap::new() })
    }

    /// Consistency proof from the tree over the first `old` leaves to that over the first `size`.
    /// RFC 6962 2.1.2.
    ///
    /// # Errors
    /// [`BadProof::OutOfTree`] if `old` is beyond `size`, or there is no tree of that size.
    pub fn consistency(&self, old: u64, size: u64) -> Result<Vec<Hash>, BadProof> {
        let mut high = self.within(size, size)?;
        let (old, mut low, mut proof, mut whole) = (self.within(old, size)?, 0, Vec::new(), true);
        if old == 0 || old == high {
            return Ok(proof);
        }
        while high != old {
            let middle = low + split(high - low);
            if old <= middle {
                proof.push(self.range(0, middle, high));
                high = middle;
            } else {
                proof.push(self.range(0, low, middle));
                low = middle;
                whole = false;
            }
        }
        if !whole {
            proof.push(self.range(0, low, high));
        }
        proof.reverse();
        Ok(proof)
    }

    /// A number no larger than `size`, of which there are so many leaves.
    fn within(&self, index: u64, size: u64) -> Result<usize, BadProof> {
        let out = BadProof::OutOfTree { index, size };
        if index > size || size > self.size() {
            return Err(out);
        }
        usize::try_from(index).map_err(|_| out)
    }

    /// Root over the hashes `low..high` of a level. A range of whole tiles is one of the level above:
    /// the tree splits at powers of two, so tiles are never cut.
    fn range(&self, level: usize, low: usize, high: usize) -> Hash {
        let width = TILE_WIDTH as usize;
        match high - low {
            1 => self.0[level][low],
            n if n % width == 0 => self.range(level + 1, low / width, high / width),
            n if n < width => root_of(&self.0[level][low..high]),
            n => {
                let middle = low + split(n);
                Hash::node(&self.range(level, low, middle), &self.range(level, middle, high))
            }
        }
    }
}

/// Inclusion proofs in one tree. What the proofs of neighbours share is hashed once, so the many receipts of a batch
/// cost about two hashes each.
#[derive(Debug)]
pub struct Prover<'a> {
    levels: &'a Levels,
    size: usize,
    /// Roots over the hashes `low..high` of a level.
    known: HashMap<(usize, usize, usize), Hash>,
}

impl Prover<'_> {
    /// Inclusion proof of a leaf, from its sibling up. RFC 6962 2.1.1.
    ///
    /// # Errors
    /// [`BadProof::OutOfTree`] if there is no such leaf.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, BadProof> {
        let out = BadProof::OutOfTree { index, size: self.size as u64 };
        let at = usize::try_from(index).ok().filter(|at| *at < self.size).ok_or(out)?;
        let (mut low, mut high, mut proof) = (0, self.size, Vec::new());
        while high - low > 1 {
            let middle = low + split(high - low);
            if at < middle {
                proof.push(self.range(0, middle, high));
                high = middle;
            } else {
                proof.push(self.range(0, low, middle));
                low = middle;
            }
        }
        proof.reverse();
        Ok(proof)
    }

    /// As [`Levels::range`], remembered.
    fn range(&mut self, level: usize, low: usize, high: usize) -> Hash {
        let width = TILE_WIDTH as usize;
        match high - low {
            1 => self.levels.0[level][low],
            n if n % width == 0 => self.range(level + 1, low / width, high / width),
            n => {
                if let Some(known) = self.known.get(&(level, low, high)) {
                    return *known;
                }
                let middle = low + split(n);
                let root = Hash::node(&self.range(level, low, middle), &self.range(level, middle, high));
                self.known.insert((level, low, high), root);
                root
            }
        }
    }
}

impl Kept for Levels {
    fn keep(&self, out: &mut Out<'_>) {
        self.0.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let levels: Vec<Vec<Hash>> = Kept::read(from)?;
        let full = |level: &Vec<Hash>| level.len() / TILE_WIDTH as usize;
        let whole = levels.windows(2).all(|pair| pair[1].len() == full(&pair[0]));
        (whole && levels.last().is_none_or(|top| full(top) == 0)).then_some(Self(levels))
    }
}

impl FromIterator<Hash> for Levels {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut levels = Self::default();
        leaves.into_iter().for_each(|leaf| levels.push(leaf));
        levels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree;

    #[test]
    fn proofs_from_tiles_are_those_from_all_leaves() {
        let leaves: Vec<Hash> = (0..70_000u64).map(|i| Hash::leaf(&i.to_be_bytes())).collect();
        let levels: Levels = leaves.iter().copied().collect();
        for size in [1usize, 2, 3, 255, 256, 257, 511, 512, 513, 1_000, 4_096, 65_535, 65_536, 65_537, 66_049, 70_000] {
            let known = &leaves[..size];
            assert_eq!(levels.root(size as u64), Ok(root_of(known)), "{size}");
            let mut prover = levels.prover(size as u64).unwrap();
            for at in [0, 1, size / 3, size / 2, size.saturating_sub(257), size - 1] {
                let (index, of) = (at as u64, size as u64);
                assert_eq!(levels.inclusion(index, of), tree::inclusion(known, index), "{at} of {size}");
                assert_eq!(prover.inclusion(index), tree::inclusion(known, index), "{at} of {size}, remembered");
                assert_eq!(levels.consistency(index, of), tree::consistency(known, index), "{at} to {size}");
            }
        }
    }

    #[test]
    fn what_is_not_in_the_tree_is_not_proven() {
        let levels: Levels = (0..300u64).map(|i| Hash::leaf(&i.to_be_bytes())).collect();
        for (index, size) in [(300, 300), (0, 0), (5, 4), (0, 301), (u64::MAX, 300), (0, u64::MAX)] {
            assert!(levels.inclusion(index, size).is_err(), "{index} of {size}");
        }
        assert!(levels.consistency(301, 300).is_err());
        assert_eq!(levels.consistency(0, 300), Ok(Vec::new()));
        assert_eq!(levels.root(0), Ok(empty_root()));
        assert_eq!(Levels::default().root(0), Ok(empty_root()));
    }
}
