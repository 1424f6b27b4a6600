//! The stream index: for every subject a stream, over all streams a map. FORMAT.md 8.

mod earlier;

use std::collections::BTreeMap;

use schemas::hash::Hash;
use schemas::stream::{self, Head};

use crate::kept::{In, Kept, Out};
use crate::names::{Name, Names};
use crate::tree::Frontier;
pub(crate) use earlier::Grown;

/// Number of a stream within one index.
pub type StreamNumber = u32;

/// All streams and the map over them, grown entry by entry.
#[derive(Clone, Debug, Default)]
pub struct Index {
    streams: Vec<Stream>,
    /// Where each stream is, by its key: the walk through the map is for proofs.
    keys: Names,
    nodes: Vec<Node>,
    top: Option<Child>,
    /// Streams that are stale; what stands above them is marked when the root is asked for.
    grown: Vec<StreamNumber>,
}

/// Stands above the top of the map.
const NOTHING: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Stream {
    key: Hash,
    last: u64,
    items: Frontier,
    leaf: Hash,
    stale: bool,
    /// The node above it.
    above: u32,
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
    /// The node above it.
    above: u32,
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
        let key = stream::key(name);
        let number = self.of_key(&key).unwrap_or_else(|| self.make(key));
        self.append_again(number, position, entry_leaf);
        number
    }

    /// Adds an entry to a stream that exists.
    pub fn append_again(&mut self, number: StreamNumber, position: u64, entry_leaf: &Hash) {
        let stream = &mut self.streams[number as usize];
        stream.items.push(stream::item_leaf(position, entry_leaf));
        stream.last = position;
        self.mark(number);
    }

    /// The stream's leaf must be made anew.
    fn mark(&mut self, number: StreamNumber) {
        let stream = &mut self.streams[number as usize];
        if !stream.stale {
            stream.stale = true;
            self.grown.push(number);
        }
    }

    fn of_key(&self, key: &Hash) -> Option<StreamNumber> {
        let number = self.keys.find(&cut(key))?;
        (self.streams[number as usize].key == *key).then_some(number)
    }

    /// Makes a stream, and its place in the map.
    fn make(&mut self, key: Hash) -> StreamNumber {
        let number = StreamNumber::try_from(self.streams.len()).expect("fewer than 2^32 streams");
        let above = match self.top {
            None => {
                self.top = Some(Child::Leaf(number));
                NOTHING
            }
            Some(top) => self.make_node(top, &key, number),
        };
        self.keys.add(cut(&key));
        let (items, leaf) = (Frontier::default(), Hash::default());
        self.streams.push(Stream { key, last: 0, items, leaf, stale: false, above });
        number
    }

    /// Makes the node under which a new stream stands beside what was there; it stands above the first
    /// node that tests a later bit.
    fn make_node(&mut self, top: Child, key: &Hash, number: StreamNumber) -> u32 {
        let node = u32::try_from(self.nodes.len()).expect("fewer than 2^32 streams");
        let (mut found, mut at) = (top, top);
        while let Child::Node(n) = found {
            let other = &self.nodes[n as usize];
            found = other.children[usize::from(stream::bit(key, other.bit))];
        }
        let Child::Leaf(nearest) = found else { unreachable!("the walk ends at a leaf") };
        let bit =
            first_difference(key, &self.streams[nearest as usize].key).expect("a new key differs from all others");
        let mut above = NOTHING;
        while let Child::Node(n) = at {
            let other = &self.nodes[n as usize];
            if other.bit >= bit {
                break;
            }
            (above, at) = (n, other.children[usize::from(stream::bit(key, other.bit))]);
        }
        match at {
            Child::Leaf(below) => self.streams[below as usize].above = node,
            Child::Node(below) => self.nodes[below as usize].above = node,
        }
        let mut children = [Child::Leaf(number), at];
        if stream::bit(key, bit) {
            children.reverse();
        }
        self.nodes.push(Node { bit, stale: false, above, children, hash: Hash::default() });
        match above {
            NOTHING => self.top = Some(Child::Node(node)),
            parent => {
                let parent = &mut self.nodes[parent as usize];
                parent.children[usize::from(stream::bit(key, parent.bit))] = Child::Node(node);
            }
        }
        node
    }

    /// Root of the map; only what changed since the last call is hashed again.
    pub fn root(&mut self) -> Hash {
        for number in std::mem::take(&mut self.grown) {
            let mut above = self.streams[number as usize].above;
            while let Some(node) = self.nodes.get_mut(above as usize).filter(|node| !node.stale) {
                node.stale = true;
                above = node.above;
            }
        }
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

    /// Number of the stream of that name, where there is one.
    pub fn find(&self, name: &str) -> Option<StreamNumber> {
        self.of_key(&stream::key(name))
    }

    /// A stream as it is now, so that the map can be shown as it is now after one more item.
    pub(crate) fn remember(&self, name: &str) -> Option<Before> {
        let number = self.find(name)?;
        // What follows from the rest is left out: it depends on when the root was asked for.
        let (leaf, stale, above) = (Hash::default(), false, NOTHING);
        Some(Before { number, stream: Stream { leaf, stale, above, ..self.streams[number as usize].clone() } })
    }

    /// The same as [`Self::prove`], in the map as it was when that stream was remembered. Only that
    /// stream may have grown since.
    pub(crate) fn prove_before(&mut self, name: &str, before: &Before) -> (MapProof, Option<Head>) {
        let now = self.put(before.number, before.stream.clone());
        let shown = (self.prove(name), self.head(name));
        self.put(before.number, now);
        shown
    }

    /// Puts a stream as it was in the place of what it is now, which it gives back.
    fn put(&mut self, number: StreamNumber, stream: Stream) -> Stream {
        self.root();
        let place = &mut self.streams[number as usize];
        let (stale, above) = (false, place.above);
        let now = std::mem::replace(place, Stream { stale, above, ..stream });
        self.mark(number);
        now
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

fn cut(key: &Hash) -> Name {
    let mut name = [0; 20];
    name.copy_from_slice(&key.0[..20]);
    name
}

impl Kept for Stream {
    fn keep(&self, out: &mut Out<'_>) {
        (self.key, self.last, self.leaf, self.above).keep(out);
        self.items.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let (key, last, leaf, above) = Kept::read(from)?;
        Some(Self { key, last, leaf, above, items: Kept::read(from)?, stale: false })
    }
}

impl Before {
    /// Number of the stream.
    pub(crate) fn number(&self) -> StreamNumber {
        self.number
    }
}

impl Kept for Before {
    fn keep(&self, out: &mut Out<'_>) {
        self.number.keep(out);
        self.stream.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        Some(Self { number: Kept::read(from)?, stream: Kept::read(from)? })
    }
}

impl Kept for Child {
    fn keep(&self, out: &mut Out<'_>) {
        match self {
            Self::Leaf(number) => (0u8, *number).keep(out),
            Self::Node(number) => (1u8, *number).keep(out),
        }
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        match Kept::read(from)? {
            (0u8, number) => Some(Self::Leaf(number)),
            (1u8, number) => Some(Self::Node(number)),
            _ => None,
        }
    }
}

impl Kept for Node {
    fn keep(&self, out: &mut Out<'_>) {
        (self.bit, self.above, self.hash).keep(out);
        (self.children[0], self.children[1]).keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let (bit, above, hash) = Kept::read(from)?;
        let (left, right) = Kept::read(from)?;
        Some(Self { bit, above, hash, children: [left, right], stale: false })
    }
}

/// Only an index whose root has been asked for is kept.
impl Kept for Index {
    fn keep(&self, out: &mut Out<'_>) {
        debug_assert!(self.grown.is_empty(), "whoever keeps an index asks for its root first");
        self.streams.keep(out);
        self.nodes.keep(out);
        self.top.keep(out);
    }

    fn read(from: &mut In<'_>) -> Option<Self> {
        let (streams, nodes, top): (Vec<Stream>, Vec<Node>, Option<Child>) =
            (Kept::read(from)?, Kept::read(from)?, Kept::read(from)?);
        let there = |child: &Child| match child {
            Child::Leaf(number) => (*number as usize) < streams.len(),
            Child::Node(number) => (*number as usize) < nodes.len(),
        };
        let whole = nodes.iter().all(|node| node.children.iter().all(there)) && top.iter().all(there);
        let keys = Names::of(streams.iter().map(|stream| cut(&stream.key)).collect());
        (whole && top.is_some() != streams.is_empty()).then_some(Self { streams, keys, nodes, top, grown: Vec::new() })
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
