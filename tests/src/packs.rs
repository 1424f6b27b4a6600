//! Packs made from nothing but a log's entries: an honest desk, and one that lies. Written apart from
//! the ledger's own maker, which must come to the same bytes.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::Catalogue;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::note::{Note, Origin, SignatureLine};
use schemas::opening::OpeningLine;
use schemas::pack::{Item, Pack, Proven, Shown};
use schemas::stream;
use verifier::audience::Audience;
use verifier::index::{Index, MapProof};
use verifier::levels::Levels;
use verifier::state::State;

/// A log as whoever makes packs sees it.
pub struct Desk {
    /// Bytes of every entry.
    pub entries: Vec<Vec<u8>>,
    /// Opening lines, one an entry.
    pub lines: Vec<String>,
    /// Signed checkpoint over all entries.
    pub checkpoint: Note,
    /// Policy that goes into the packs.
    pub policy: String,
    /// Positions of the entries of each stream, those before the last seal alone.
    pub streams: BTreeMap<String, Vec<u64>>,
    levels: Levels,
    state: State,
}

impl Desk {
    /// Opens a log; the last entry must be its seal.
    pub fn new(origin: &Origin, entries: Vec<Vec<u8>>, lines: Vec<String>, checkpoint: Note, policy: &str) -> Self {
        let mut state = State::new(origin.clone());
        for bytes in &entries {
            // A log that lies in a seal is replayed all the same: its maker does not audit itself.
            let _ = state.replay(bytes);
        }
        let levels = entries.iter().map(|bytes| Hash::leaf(bytes)).collect();
        let mut desk =
            Self { entries, lines, checkpoint, policy: policy.to_owned(), streams: BTreeMap::new(), levels, state };
        desk.streams = desk.all_streams();
        desk
    }

    /// Size of the log.
    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Names of all streams, found by trying every name that an event gives.
    fn all_streams(&mut self) -> BTreeMap<String, Vec<u64>> {
        let mut names = BTreeSet::new();
        for entry in self.entries.iter().filter_map(|bytes| Entry::parse(bytes).ok()) {
            let event = &entry.signed.event;
            let parties = event.data.values().flat_map(|value| match value.as_list() {
                Some(items) => items.iter().filter_map(|v| v.as_text().map(str::to_owned)).collect::<Vec<_>>(),
                None => value.as_text().map(str::to_owned).into_iter().collect(),
            });
            for party in parties.chain([event.by.clone()]) {
                for kind in ["organisation", "facility", "sealed"] {
                    names.insert(format!("{kind}/{party}"));
                }
            }
            let kind = Catalogue::built_in().event(&event.kind).and_then(|kind| kind.id_of.clone());
            if let (Some(kind), Some(id)) = (kind, &event.id) {
                names.insert(format!("{kind}/{id}"));
            }
        }
        names.retain(|name| self.state.index().find(name).is_some());
        let found: BTreeMap<String, Vec<u64>> =
            names.into_iter().map(|name| (name.clone(), self.state.sealed_items(&name))).collect();
        assert_eq!(found.len() as u64, self.state.streams(), "every stream has a name that an event gives");
        found
    }

    /// The map over streams of these positions: honest, or as a liar would have it.
    pub fn index_of(&self, streams: &BTreeMap<String, Vec<u64>>) -> Index {
        let mut places: Vec<(u64, &String)> =
            streams.iter().flat_map(|(name, all)| all.iter().map(move |position| (*position, name))).collect();
        places.sort_unstable();
        let mut index = Index::default();
        for (position, name) in places {
            index.append(name, position, &self.leaf(position));
        }
        index
    }

    /// Leaf of an entry.
    pub fn leaf(&self, position: u64) -> Hash {
        self.levels.leaf(position).expect("an entry of the log")
    }

    /// An entry with its proof.
    pub fn proven(&self, position: u64) -> Proven {
        let proof = self.levels.inclusion(position, self.size()).expect("an entry of the log");
        Proven { entry: self.entries[position as usize].clone(), index: position, proof }
    }

    /// The pack that an honest ledger makes.
    pub fn pack(&self, stream: &str, audience: &str) -> Pack {
        self.pack_with(stream, audience, &mut self.index_of(&self.streams), &self.items(stream))
    }

    /// Positions of a stream's entries.
    pub fn items(&self, stream: &str) -> Vec<u64> {
        self.streams.get(stream).cloned().unwrap_or_default()
    }

    /// A pack that shows these entries, under whatever this index says.
    pub fn pack_with(&self, stream: &str, audience: &str, index: &mut Index, positions: &[u64]) -> Pack {
        let MapProof { path, leaf } = index.prove(stream);
        let (key, head) = leaf.expect("a map with streams");
        let shown = match index.head(stream) {
            Some(stream::Head { count, last, root }) => Shown::Present { count, last, root },
            None => Shown::Absent { key, head },
        };
        let who = Audience::of(audience, self.state.role(audience));
        let items: Vec<Item> = positions.iter().map(|position| self.item(*position, &who)).collect();
        let seal = self.proven(self.size() - 1);
        Pack {
            audience: audience.to_owned(),
            ledger: self.state.origin().clone(),
            stream: stream.to_owned(),
            checkpoint: self.checkpoint.clone(),
            policy: self.policy.clone(),
            seal,
            shown,
            path,
            since: Vec::new(),
            statements: Vec::new(),
            items,
            keys: self.keys(positions),
        }
    }

    fn item(&self, position: u64, audience: &Audience) -> Item {
        let entry = Entry::parse(&self.entries[position as usize]).expect("an entry");
        let line = OpeningLine::parse(&self.lines[position as usize]).ok();
        let limited = line.map(|line| audience.limit(&entry.signed, line));
        let (digests, slots) = limited.map(|line| (line.digests, line.slots)).unwrap_or_default();
        Item { proven: self.proven(position), digests, slots }
    }

    /// What FORMAT.md 14.2 has beside these entries: genesis, opened epochs, what an erasure rests on, and the entries that
    /// brought the keys of all these, of the seal and of each other.
    fn keys(&self, positions: &[u64]) -> Vec<Proven> {
        let seal = self.size() - 1;
        let read = |(position, bytes): (u64, &Vec<u8>)| Some((position, Entry::parse(bytes).ok()?));
        let entries: BTreeMap<u64, Entry> = (0..).zip(&self.entries).filter_map(read).collect();
        let erasure = |entry: &Entry| entry.signed.event.refs.get("erasure").and_then(|r| r.targets().first()).cloned();
        let asked: BTreeSet<String> = (positions.iter().filter_map(|position| entries.get(position)))
            .filter(|entry| entry.signed.event.kind == "erasure.executed")
            .filter_map(erasure)
            .collect();
        let brings = |entry: &&Entry| {
            let event = &entry.signed.event;
            match event.kind.as_str() {
                "ledger.genesis" | "ledger.epoch.opened" => true,
                "erasure.requested" => event.id.as_ref().is_some_and(|id| asked.contains(id)),
                "erasure.decided" => erasure(entry).is_some_and(|id| asked.contains(&id)),
                _ => false,
            }
        };
        let mut keys: BTreeSet<u64> = entries.values().filter(brings).map(|entry| entry.position).collect();
        let mut waiting: Vec<u64> = positions.iter().copied().chain([seal]).chain(keys.clone()).collect();
        let brought_to = |party: &str, holder: &str| {
            let name = self.state.origin().holder_key_name(party, holder);
            let keys = self.state.keyring().keys().iter().filter(move |key| key.public().vkey().name == name);
            keys.filter_map(|key| {
                let (name, id) = (key.public().vkey().name.clone(), key.public().id());
                self.state.brought_by(&SignatureLine { name, id, signature: Vec::new() })
            })
            .collect::<Vec<u64>>()
        };
        while let Some(position) = waiting.pop() {
            let Some(entry) = entries.get(&position) else { continue };
            let event = &entry.signed.event;
            let lines = entry.signed.note.signatures.iter();
            let mut more: Vec<u64> = lines.filter_map(|line| self.state.brought_by(line)).collect();
            for (kind, field) in [("key.rotated", "holder"), ("ledger.epoch.opened", "writer")] {
                if event.kind == kind {
                    let theirs = brought_to(&event.by, event.text(field).unwrap_or_default());
                    more.extend(theirs.into_iter().filter(|brought| *brought < position));
                }
            }
            waiting.extend(more.into_iter().filter(|brought| keys.insert(*brought)));
        }
        keys.into_iter().filter(|k| !positions.contains(k) && *k != seal).map(|k| self.proven(k)).collect()
    }

    /// A consistency proof from an earlier size.
    pub fn since(&self, size: u64) -> (u64, Vec<Hash>) {
        (size, self.levels.consistency(size, self.size()).expect("an earlier size"))
    }

    /// All hashes of the log.
    pub fn levels(&self) -> &Levels {
        &self.levels
    }

    /// Whom the log knows in which role.
    pub fn state(&self) -> &State {
        &self.state
    }
}
