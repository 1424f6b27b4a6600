//! The map as it was: what is not published yet must not show, and a log is too long to be read again for it.

use std::collections::{BTreeMap, HashMap};

use schemas::hash::Hash;
use schemas::stream::{self, Head};

use super::{Child, Index, MapProof, StreamNumber};

/// Streams that have grown since: each with its head as it was, nothing where it did not exist yet.
pub(crate) type Grown = BTreeMap<StreamNumber, Option<Head>>;

/// Hashes of the nodes above those streams, as they were; nothing where no leaf below existed yet.
type Nodes = HashMap<u32, Option<Hash>>;

impl Index {
    /// Key of a stream.
    pub(crate) fn key_of(&self, number: StreamNumber) -> Hash {
        self.streams[number as usize].key
    }

    /// The same as [`Self::prove`], in the map as it was before those streams grew. Hashes what stands
    /// above them and nothing else.
    pub(crate) fn prove_earlier(&mut self, name: &str, grown: &Grown) -> (MapProof, Option<Head>) {
        self.root();
        let mut nodes = Nodes::new();
        for number in grown.keys() {
            self.note_way(&self.key_of(*number), &mut nodes);
        }
        if let Some(top) = self.top {
            self.fill(top, grown, &mut nodes);
        }
        let hash = |child: Child| self.earlier_hash(child, grown, &nodes);
        let key = stream::key(name);
        let mut path = Vec::new();
        let Some(mut child) = self.top.filter(|top| hash(*top).is_some()) else {
            return (MapProof { path, leaf: None }, None);
        };
        loop {
            match child {
                Child::Leaf(number) => {
                    let head = grown.get(&number).copied().flatten().unwrap_or_else(|| self.head_of(number));
                    let own = self.key_of(number);
                    let leaf = Some((own, head.value(&own)));
                    return (MapProof { path, leaf }, (own == key).then_some(head));
                }
                Child::Node(number) => {
                    let node = &self.nodes[number as usize];
                    let side = usize::from(stream::bit(&key, node.bit));
                    let (mine, other) = (node.children[side], node.children[1 - side]);
                    // Where one side did not exist yet, neither did the node.
                    child = match (hash(mine), hash(other)) {
                        (Some(_), Some(sibling)) => {
                            path.push((node.bit, sibling));
                            mine
                        }
                        (Some(_), None) => mine,
                        (None, _) => other,
                    };
                }
            }
        }
    }

    fn head_of(&self, number: StreamNumber) -> Head {
        let stream = &self.streams[number as usize];
        Head { count: stream.items.size(), last: stream.last, root: stream.items.root() }
    }

    /// Writes down the nodes on the way to a key.
    fn note_way(&self, key: &Hash, nodes: &mut Nodes) {
        let mut child = self.top;
        while let Some(Child::Node(number)) = child {
            nodes.insert(number, None);
            let node = &self.nodes[number as usize];
            child = Some(node.children[usize::from(stream::bit(key, node.bit))]);
        }
    }

    /// Hashes the marked nodes as they were, from below. As deep as the map, which is no deeper than 256.
    fn fill(&self, child: Child, grown: &Grown, nodes: &mut Nodes) {
        let Child::Node(number) = child else { return };
        if !nodes.contains_key(&number) {
            return;
        }
        let node = &self.nodes[number as usize];
        for below in node.children {
            self.fill(below, grown, nodes);
        }
        let [left, right] = node.children.map(|below| self.earlier_hash(below, grown, nodes));
        let hash = match (left, right) {
            (Some(left), Some(right)) => Some(stream::map_node(node.bit, &left, &right)),
            (one, None) | (None, one) => one,
        };
        nodes.insert(number, hash);
    }

    fn earlier_hash(&self, child: Child, grown: &Grown, nodes: &Nodes) -> Option<Hash> {
        match child {
            Child::Leaf(number) => match grown.get(&number) {
                None => Some(self.streams[number as usize].leaf),
                Some(head) => {
                    let key = self.key_of(number);
                    head.map(|head| stream::map_leaf(&key, &head.value(&key)))
                }
            },
            Child::Node(number) => nodes.get(&number).copied().unwrap_or(Some(self.nodes[number as usize].hash)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check_map_proof;
    use super::*;

    /// Streams of the item at a position: most come back, some are new.
    fn name(position: u64) -> String {
        format!("s/{}", position * position % 97)
    }

    #[test]
    fn the_map_is_shown_as_it_was_at_every_size() {
        let leaf = |position: u64| Hash::leaf(&position.to_be_bytes());
        let (mut now, mut then, size) = (Index::default(), vec![Index::default()], 120);
        for position in 0..size {
            now.append(&name(position), position, &leaf(position));
            then.push(now.clone());
        }
        for (end, then) in (0..).zip(&mut then) {
            let mut grown = Grown::new();
            for position in end..size {
                let name = name(position);
                grown.insert(now.find(&name).unwrap(), then.head(&name));
            }
            let root = then.root();
            for name in ["s/0", "s/1", "s/4", "s/66", "s/95", "none", "organisation/nobody"] {
                let (proof, head) = now.prove_earlier(name, &grown);
                assert_eq!(proof, then.prove(name), "{name} at {end}");
                assert_eq!(head, then.head(name), "{name} at {end}");
                assert_eq!(check_map_proof(&proof, name, root), Ok(head.is_some()), "{name} at {end}");
            }
        }
    }
}
