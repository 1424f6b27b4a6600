//! Streams and the map over them: names, keys, items, heads. FORMAT.md 8.

use crate::hash::{Hash, Prefix};

/// Key of a stream: the hash of its name.
pub fn key(name: &str) -> Hash {
    Hash::of(&[b"oversight/stream/v1\n", name.as_bytes()])
}

/// Leaf of an item in its stream's tree: H(0x00 || u64 position || entry leaf).
pub fn item_leaf(position: u64, entry_leaf: &Hash) -> Hash {
    Hash::with(Prefix::Leaf, &[&position.to_be_bytes(), &entry_leaf.0])
}

/// What the map holds about one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Items in the stream.
    pub count: u64,
    /// Position of the last.
    pub last: u64,
    /// Root of the stream's tree.
    pub root: Hash,
}

impl Head {
    /// H(0x05 || key || u64 count || u64 last || root).
    pub fn value(&self, key: &Hash) -> Hash {
        Hash::with(Prefix::StreamHead, &[&key.0, &self.count.to_be_bytes(), &self.last.to_be_bytes(), &self.root.0])
    }
}

/// Leaf of the map: H(0x02 || key || head value).
pub fn map_leaf(key: &Hash, value: &Hash) -> Hash {
    Hash::with(Prefix::MapLeaf, &[&key.0, &value.0])
}

/// Inner node of the map: H(0x03 || u8 bit || left || right).
pub fn map_node(bit: u8, left: &Hash, right: &Hash) -> Hash {
    Hash::with(Prefix::MapNode, &[&[bit], &left.0, &right.0])
}

/// Root of the map without streams: H(0x04).
pub fn map_empty() -> Hash {
    Hash::with(Prefix::MapEmpty, &[])
}

/// Bit `n` of a key, most significant first.
pub fn bit(key: &Hash, n: u8) -> bool {
    key.0[usize::from(n / 8)] & (0x80 >> (n % 8)) != 0
}
