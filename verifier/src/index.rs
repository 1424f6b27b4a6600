//! The stream index: for every subject a stream, over all streams a map. FORMAT.md 8.

mod earlier;

use std::collections::BTreeMap;

use schemas::hash::Hash;
use schemas::stream::{self, Head};

use crate::tree::Frontier;
pub(crate) use earlier::Grown;

/// Number of a stream within one index.
pub type StreamNumber = u32;

/// All streams and the map over them, grown entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Index {
    streams: Vec<Stream>,
    nodes: Vec<Node>,
    top: Option<Child>,
}

#[derive(Clone, Debug)]
struct Stream {
    key: Hash,
    last: u64,
    items: Frontier,
    leaf: Hash,
    stale: bool,
}

/// A stream as it was; see [`Index::remember`].
#[derive(Clone, Debug)]
pub(crate) struct Before {
    number: StreamNumber,
    stream: Stream,
}

#[derive(Clone, Debug)]
struct Node {
    bit: u8,
    stale: bool,
    children: [Child; 2],
    hash: Hash,
}

#[derive(Clone, Copy, Debug)]
enum Child {
    Leaf(StreamNumber),
    Node(u32),
}

/// What the map says about one key. FORMAT.md 8.4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapProof {
    /// (bit, sibling) from the root down.
    pub path: Vec<(u8, Hash)>,
    /// The leaf that the turns lead to: its key and its head value; nothing in an empty map.
    pub leaf: Option<(Hash, Hash)>,
}

impl Index {
    /// Streams so far.
    pub fn len(&self) -> u64 {
        self.streams.len() as u64
    }

    /// Whether there is no stream yet.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Adds an entry to the stream of that name; gives the stream's number.
    pub fn append(&mut self, name: &str, position: u64, entry_leaf: &Hash) -> StreamNumber {
        let number = self.find_or_make(stream::key(name));
        self.append_to(number, position, entry_leaf);
        number
    }

    /// Adds an entry to a stream that exists.
    pub fn append_again(&mut self, number: StreamNumber, position: u64, entry_leaf: &Hash) {
        let key = self.streams[number as usize].key;
        self.find_or_make(key);
        self.append_to(number, position, entry_leaf);
    }

    fn append_to(&mut self, number: StreamNumber, position: u64, entry_leaf: &Hash) {
        let stream = &mut self.streams[number as usize];
        stream.items.push(stream::item_leaf(position, entry_leaf));
        stream.last = position;
        stream.stale = true;
    }

    /// Walks to the key, marking the path stale; makes the stream where there is none.
    fn find_or_make(&mut self, key: Hash) -> StreamNumber {
        let Some(mut child) = self.top else {
            self.top = Some(Child::Leaf(0));
            return self.make(key);
        };
        let mut path = Vec::new();
        while let Child::Node(n) = child {
            path.push(n);
            let node = &mut self.nodes[n as usize];
            node.stale = true;
            child = node.children[usize::from(stream::bit(&key, node.bit))];
        }
        let Child::Leaf(found) = child else { unreachable!("the walk ends at a leaf") };
        let Some(bit) = first_difference(&key, &self.streams[found as usize].key) else { return found };
        let number = self.make(key);
        // The new node stands above the first node that tests a later bit.
        let above = path.iter().take_while(|n| self.nodes[**n as usize].bit < bit).count();
        let below = if above == path.len() { child } else { Child::Node(path[above]) };
        let side = stream::bit(&key, bit);
        let children = if side { [below, Child::Leaf(number)] } else { [Child::Leaf(number), below] };
        let node = u32::try_from(self.nodes.len()).expect("fewer than 2^32 streams");
        self.nodes.push(Node { bit, stale: true, children, hash: Hash::default() });
        match above.checked_sub(1) {
            None => self.top = Some(Child::Node(node)),
            Some(parent) => {
                let parent = &mut self.nodes[path[parent] as usize];
                parent.children[usize::from(stream::bit(&key, parent.bit))] = Child::Node(node);
            }
        }
        number
    }

    fn make(&mut self, key: Hash) -> StreamNumber {
        let number = StreamNumber::try_from(self.streams.len()).expect("fewer than 2^32 streams");
        self.streams.push(Stream { key, last: 0, items: Frontier::default(), leaf: Hash::default(), stale: true });
        number
    }

    /// Root of the map; only what changed since the last call is hashed again.
    pub fn root(&mut self) -> Hash {
        match self.top {
            None => stream::map_empty(),
            Some(top) => self.refresh(top),
        }
    }

    fn refresh(&mut self, child: Child) -> Hash {
        match child {
            Child::Leaf(n) => {
                let stream = &mut self.streams[n as usize];
                if stream.stale {
                    let head = Head { count: stream.items.size(), last: stream.last, root: stream.items.root() };
                    stream.leaf = stream::map_leaf(&stream.key, &head.value(&stream.key));
                    stream.stale = false;
                }
                stream.leaf
            }
            Child::Node(n) => {
                let node = &self.nodes[n as usize];
                if node.stale {
                    let (bit, [left, right]) = (node.bit, node.children);
                    let hash = stream::map_node(bit, &self.refresh(left), &self.refresh(right));
                    let node = &mut self.nodes[n as usize];
                    node.hash = hash;
                    node.stale = false;
                }
                self.nodes[n as usize].hash
            }
        }
    }

    /// The head of a stream, where there is one.
    pub fn head(&self, name: &str) -> Option<Head> {
        let stream = &self.streams[self.find(name)? as usize];
        Some(Head { count: stream.items.size(), last: stream.last, root: stream.items.root() })
    }

    fn leaf_for(&self, key: &Hash) -> Option<StreamNumber> {
        let mut child = self.top?;
        loop {
            match child {
                Child::Leaf(n) => return Some(n),
                Child::Node(n) => {
                    let node = &self.nodes[n as usize];
                    child = node.children[usize::from(stream::bit(key, node.bit))];
                }
            }
        }
    }

    /// Number of the stream of that name, where there is one.
    pub fn find(&self, name: &str) -> Option<StreamNumber> {
        let key = stream::key(name);
        let number = self.leaf_for(&key)?;
        (self.streams[number as usize].key == key).then_some(number)
    }

    /// A stream as it is now, so that the map can be shown as it is now after one more item.
    pub(crate) fn remember(&self, name: &str) -> Option<Before> {
        let number = self.find(name)?;
        Some(Before { number, stream: self.streams[number as usize].clone() })
    }

    /// The same as [`Self::prove`], in the map as it was when that stream was remembered. Only that
    /// stream may have grown since.
    pub(crate) fn prove_before(&mut self, name: &str, before: &Before) -> (MapProof, Option<Head>) {
        let now = self.put(before.number, before.stream.clone());
        let shown = (self.prove(name), self.head(name));
        self.put(before.number, now);
        shown
    }

    fn put(&mut self, number: StreamNumber, mut stream: Stream) -> Stream {
        self.find_or_make(stream.key);
        stream.stale = true;
        std::mem::replace(&mut self.streams[number as usize], stream)
    }

    /// Proof of what the map says about a key: its head, or that there is none.
    pub fn prove(&mut self, name: &str) -> MapProof {
        self.root();
        let key = stream::key(name);
        let mut path = Vec::new();
        let mut child = self.top;
        loop {
            match child {
                None => return MapProof { path, leaf: None },
                Some(Child::Leaf(n)) => {
                    let stream = &self.streams[n as usize];
                    let head = Head { count: stream.items.size(), last: stream.last, root: stream.items.root() };
                    return MapProof { path, leaf: Some((stream.key, head.value(&stream.key))) };
                }
                Some(Child::Node(n)) => {
                    let node = &self.nodes[n as usize];
                    let side = usize::from(stream::bit(&key, node.bit));
                    let sibling = match node.children[1 - side] {
                        Child::Leaf(n) => self.streams[n as usize].leaf,
                        Child::Node(n) => self.nodes[n as usize].hash,
                    };
                    path.push((node.bit, sibling));
                    child = Some(node.children[side]);
                }
            }
        }
    }
}

/// Checks a map proof for a stream's name; gives whether the leaf it leads to is the stream's own.
///
/// # Errors
/// [`BadMapProof`] says how it fails.
pub fn check_map_proof(proof: &MapProof, name: &str, root: Hash) -> Result<bool, BadMapProof> {
    let key = stream::key(name);
    let Some((leaf_key, value)) = proof.leaf else {
        return if proof.path.is_empty() && root == stream::map_empty() { Ok(false) } else { Err(BadMapProof::Root) };
    };
    if proof.path.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
        return Err(BadMapProof::Order);
    }
    if proof.path.iter().any(|(bit, _)| stream::bit(&key, *bit) != stream::bit(&leaf_key, *bit)) {
        return Err(BadMapProof::Turn);
    }
    let mut hash = stream::map_leaf(&leaf_key, &value);
    for (bit, sibling) in proof.path.iter().rev() {
        hash = if stream::bit(&key, *bit) {
            stream::map_node(*bit, sibling, &hash)
        } else {
            stream::map_node(*bit, &hash, sibling)
        };
    }
    if hash == root { Ok(leaf_key == key) } else { Err(BadMapProof::Root) }
}

/// Why a map proof does not hold. FORMAT.md 8.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadMapProof {
    /// The bit numbers do not rise.
    #[error("the bit numbers of the path do not rise strictly")]
    Order,
    /// The leaf shown does not lie where the key's own bits lead.
    #[error("the leaf shown is not the one that the key's own bits lead to")]
    Turn,
    /// The path does not lead to the root.
    #[error("the path does not lead to the root of the map")]
    Root,
}

fn first_difference(a: &Hash, b: &Hash) -> Option<u8> {
    let at = a.0.iter().zip(&b.0).position(|(x, y)| x != y)?;
    let bit = (a.0[at] ^ b.0[at]).leading_zeros();
    u8::try_from(at * 8 + bit as usize).ok()
}

/// The map's root from its definition, for checking the grown one.
pub fn root_from_heads(heads: &BTreeMap<Hash, Hash>) -> Hash {
    fn below(leaves: &[(Hash, Hash)]) -> Hash {
        match leaves {
            [] => stream::map_empty(),
            [(key, value)] => stream::map_leaf(key, value),
            [(first, _), .., (last, _)] => {
                let bit = first_difference(first, last).expect("keys differ");
                let middle = leaves.partition_point(|(key, _)| !stream::bit(key, bit));
                stream::map_node(bit, &below(&leaves[..middle]), &below(&leaves[middle..]))
            }
        }
    }
    let leaves: Vec<(Hash, Hash)> = heads.iter().map(|(k, v)| (*k, *v)).collect();
    below(&leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grown_map_is_the_defined_one_and_proves_presence_and_absence() {
        let mut index = Index::default();
        let mut names: Vec<String> = Vec::new();
        assert_eq!(index.root(), stream::map_empty());
        for position in 0..300u64 {
            let name = format!("request/cso/{}", position * 7 % 120);
            if !names.contains(&name) {
                names.push(name.clone());
            }
            index.append(&name, position, &Hash::leaf(&position.to_be_bytes()));
            if position % 37 != 0 {
                continue;
            }
            let heads: BTreeMap<_, _> =
                names.iter().map(|n| (stream::key(n), index.head(n).unwrap().value(&stream::key(n)))).collect();
            let root = index.root();
            assert_eq!(root, root_from_heads(&heads));
            for name in &names {
                let proof = index.prove(name);
                assert_eq!(check_map_proof(&proof, name, root), Ok(true));
                assert_eq!(proof.leaf.unwrap().1, heads[&stream::key(name)]);
            }
            for missing in ["request/cso/none", "organisation/nobody", "x"] {
                assert_eq!(check_map_proof(&index.prove(missing), missing, root), Ok(false));
            }
        }
    }

    #[test]
    fn the_map_is_shown_as_it_was_before_one_stream_grew() {
        let mut index = Index::default();
        for position in 0..200u64 {
            index.append(&format!("s/{}", position % 40), position, &Hash::leaf(&position.to_be_bytes()));
        }
        let (root, heads) = (index.root(), ["s/3", "s/4", "none"].map(|name| index.head(name)));
        let before = index.remember("s/3").unwrap();
        index.append("s/3", 200, &Hash::leaf(b"one more"));
        let grown = index.root();
        assert_ne!(grown, root);
        for (name, head) in ["s/3", "s/4", "none"].into_iter().zip(heads) {
            let (proof, shown) = index.prove_before(name, &before);
            assert_eq!(shown, head);
            assert_eq!(check_map_proof(&proof, name, root), Ok(head.is_some()));
        }
        assert_eq!(index.root(), grown, "and it is as it was afterwards");
        assert_eq!(index.head("s/3").unwrap().count, 6);
    }

    #[test]
    fn a_bent_proof_fails() {
        let mut index = Index::default();
        for n in 0..50u64 {
            index.append(&format!("s/{n}"), n, &Hash::leaf(b"x"));
        }
        let root = index.root();
        let good = index.prove("s/7");
        let other = index.prove("s/8");
        let mut swapped = good.clone();
        swapped.leaf = other.leaf;
        assert!(check_map_proof(&swapped, "s/7", root).is_err());
        let mut shuffled = good.clone();
        shuffled.path.reverse();
        assert_eq!(check_map_proof(&shuffled, "s/7", root), Err(BadMapProof::Order));
        // Absence of one that is there: another's proof does not serve.
        assert_ne!(check_map_proof(&other, "s/7", root), Ok(false));
        let nothing = MapProof { path: vec![], leaf: None };
        assert_eq!(check_map_proof(&nothing, "s/7", root), Err(BadMapProof::Root));
    }
}
