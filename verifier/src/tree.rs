//! RFC 6962 trees: growing one, its root, and proofs. FORMAT.md 7.

use schemas::hash::Hash;

use crate::kept::{In, Kept, Out};

/// Root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Hash {
    Hash::of(&[])
}

/// The right edge of a growing tree: roots of its perfect subtrees, largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Leaves so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("one root for each bit of the size");
            hash = Hash::node(&left, &hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// Root of the tree. RFC 6962 2.1.
    pub fn root(&self) -> Hash {
        let mut from_right = self.roots.iter().rev();
        let Some(last) = from_right.next() else { return empty_root() };
        from_right.fold(*last, |right, left| Hash::node(left, &right))
    }
}

impl Kept for Frontier {
    fn keep(&self, out: &mut Out<'_>) {
        self.size.keep(out);
        self.roots.iter().for_each(|root| root.keep(out));
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let size: u64 = Kept::read(from)?;
        let roots = (0..size.count_ones()).map(|_| Kept::read(from)).collect::<Option<_>>()?;
        Some(Self { size, roots })
    }
}

/// Why a proof does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProof {
    /// The leaf is not in a tree of that size.
    #[error("there is no leaf {index} in a tree of {size}")]
    OutOfTree {
        /// The leaf's index.
        index: u64,
        /// The tree's size.
        size: u64,
    },
    /// The proof has too few or too many hashes.
    #[error("the proof does not have the length that the tree's size gives")]
    Length,
    /// The climb ends at another root.
    #[error("the proof leads to the root {reached}, not to the one that was signed")]
    Root {
        /// Where it leads.
        reached: Hash,
    },
}

/// Inclusion proof of a leaf among `leaves`, from its sibling up. RFC 6962 2.1.1.
///
/// # Errors
/// [`BadProof::OutOfTree`] if there is no such leaf.
pub fn inclusion(leaves: &[Hash], index: u64) -> Result<Vec<Hash>, BadProof> {
    let size = leaves.len() as u64;
    let at = usize::try_from(index).ok().filter(|i| *i < leaves.len()).ok_or(BadProof::OutOfTree { index, size })?;
    let mut proof = Vec::new();
    let (mut low, mut high) = (0, leaves.len());
    while high - low > 1 {
        let middle = low + split(high - low);
        if at < middle {
            proof.push(root_of(&leaves[middle..high]));
            high = middle;
        } else {
            proof.push(root_of(&leaves[low..middle]));
            low = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// Consistency proof from the first `old` leaves to all of them. RFC 6962 2.1.2.
///
/// # Errors
/// [`BadProof::OutOfTree`] if there are fewer leaves than `old`.
pub fn consistency(leaves: &[Hash], old: u64) -> Result<Vec<Hash>, BadProof> {
    let size = leaves.len() as u64;
    let old_size =
        usize::try_from(old).ok().filter(|o| *o <= leaves.len()).ok_or(BadProof::OutOfTree { index: old, size })?;
    let mut proof = Vec::new();
    if old_size == 0 || old_size == leaves.len() {
        return Ok(proof);
    }
    let (mut low, mut high, mut whole) = (0, leaves.len(), true);
    while high != old_size {
        let middle = low + split(high - low);
        if old_size <= middle {
            proof.push(root_of(&leaves[middle..high]));
            high = middle;
        } else {
            proof.push(root_of(&leaves[low..middle]));
            low = middle;
            whole = false;
        }
    }
    if !whole {
        proof.push(root_of(&leaves[low..high]));
    }
    proof.reverse();
    Ok(proof)
}

/// Largest power of two below n, for n of 2 or more.
pub(crate) fn split(n: usize) -> usize {
    1 << (usize::BITS - 1 - (n - 1).leading_zeros())
}

/// Root of a tree with these leaves.
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// Checks that `leaf` is leaf `index` of the tree of that size and root. RFC 6962 2.1.1.
///
/// # Errors
/// [`BadProof`] says how it fails.
pub fn check_inclusion(proof: &[Hash], index: u64, leaf: Hash, size: u64, root: Hash) -> Result<(), BadProof> {
    if index >= size {
        return Err(BadProof::OutOfTree { index, size });
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return Err(BadProof::Length);
        }
        if node & 1 == 1 || node == last {
            hash = Hash::node(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::node(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(BadProof::Length);
    }
    if hash == root { Ok(()) } else { Err(BadProof::Root { reached: hash }) }
}

/// Checks that the tree (size, root) begins with the tree (`old_size`, `old_root`). RFC 6962 2.1.2.
///
/// # Errors
/// [`BadProof`] says how it fails.
pub fn check_consistency(proof: &[Hash], old_size: u64, old_root: Hash, size: u64, root: Hash) -> Result<(), BadProof> {
    if old_size > size {
        return Err(BadProof::OutOfTree { index: old_size, size });
    }
    if old_size == size || old_size == 0 {
        let good = if old_size == 0 { old_root == empty_root() } else { old_root == root };
        return match (proof.is_empty(), good) {
            (true, true) => Ok(()),
            (false, _) => Err(BadProof::Length),
            (true, false) => Err(BadProof::Root { reached: root }),
        };
    }
    let mut hashes = proof.iter();
    let (mut node, mut last) = (old_size - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let first = if node == 0 { old_root } else { *hashes.next().ok_or(BadProof::Length)? };
    let (mut old_hash, mut hash) = (first, first);
    for sibling in hashes {
        if last == 0 {
            return Err(BadProof::Length);
        }
        if node & 1 == 1 || node == last {
            old_hash = Hash::node(sibling, &old_hash);
            hash = Hash::node(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::node(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(BadProof::Length);
    }
    if old_hash != old_root {
        return Err(BadProof::Root { reached: old_hash });
    }
    if hash == root { Ok(()) } else { Err(BadProof::Root { reached: hash }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(n: u64) -> Vec<Hash> {
        (0..n).map(|i| Hash::leaf(&i.to_be_bytes())).collect()
    }

    #[test]
    fn every_proof_of_small_trees_holds_and_no_other_does() {
        for size in 0..40u64 {
            let all = leaves(size);
            let root = root_of(&all);
            for index in 0..size {
                let proof = inclusion(&all, index).unwrap();
                let leaf = all[index as usize];
                assert_eq!(check_inclusion(&proof, index, leaf, size, root), Ok(()));
                assert!(check_inclusion(&proof, index ^ 1, leaf, size, root).is_err() || size == 1);
                assert!(check_inclusion(&proof, index, Hash::leaf(b"other"), size, root).is_err());
                let mut longer = proof.clone();
                longer.push(root);
                assert!(check_inclusion(&longer, index, leaf, size, root).is_err());
                for cut in 0..proof.len() {
                    assert!(check_inclusion(&proof[..cut], index, leaf, size, root).is_err());
                }
            }
            for old in 0..=size {
                let old_root = root_of(&all[..old as usize]);
                let proof = consistency(&all, old).unwrap();
                assert_eq!(check_consistency(&proof, old, old_root, size, root), Ok(()), "{old} {size}");
                assert!(check_consistency(&proof, old, Hash::leaf(b"other"), size, root).is_err());
                for cut in 0..proof.len() {
                    assert!(check_consistency(&proof[..cut], old, old_root, size, root).is_err());
                }
            }
        }
    }

    #[test]
    fn an_empty_tree_has_the_published_root() {
        assert_eq!(empty_root().to_hex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert!(check_inclusion(&[], 0, empty_root(), 0, empty_root()).is_err());
    }
}
