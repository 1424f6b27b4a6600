//! What a log has said so far, as far as admission, the tree and the index need it.

mod snapshot;

use std::collections::HashMap;

use schemas::catalogue::{Catalogue, EventType, Kind, Role, Targets};
use schemas::event::{Event, SignedEvent};
use schemas::hash::Hash;
use schemas::note::{Origin, SignatureLine, Vkey};
use schemas::stream::{self, Head};
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::chains::Chains;
use crate::epoch::{Predecessor, Writer};
use crate::index::{Before, Grown, Index, MapProof, StreamNumber};
use crate::keyring::{Key, Keyring};
use crate::names::{Name, Names};
use crate::recipients::Recipients;
use crate::tree::Frontier;

pub use self::snapshot::form;

/// Number of a party within a state.
type PartyNumber = u32;

/// Stands for no party.
const NOBODY: PartyNumber = PartyNumber::MAX;

/// Types of entries that packs bring beside their records. FORMAT.md 14.2.
const LANDMARKS: [&str; 3] = [crate::admit::EPOCH, "erasure.requested", "erasure.decided"];

/// A thing that some event created. One for many an entry, so 12 bytes and no more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thing {
    position: u32,
    /// Facility of the case, else [`NOBODY`]: the one that the event names; of a dispute that of the disputed visit,
    /// whatever the dispute names.
    facility: PartyNumber,
    /// Number of the type that created it.
    kind: u16,
}

/// The state of a log after its last entry; what the next entry is admitted against.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) catalogue: &'static Catalogue,
    kind_numbers: HashMap<&'static str, u16>,
    kinds: Vec<&'static EventType>,
    pub(crate) keyring: Keyring,
    /// Position of the entry that brought each key.
    key_entries: Vec<u64>,
    pub(crate) recipients: Recipients,
    parties: Vec<String>,
    party_numbers: HashMap<String, PartyNumber>,
    roles: HashMap<PartyNumber, Role>,
    unnamed: HashMap<PartyNumber, bool>,
    pub(crate) genesis: Option<Genesis>,
    pub(crate) writer: Option<Writer>,
    pub(crate) predecessor: Option<Predecessor>,
    thing_names: Names,
    /// One for each name.
    things: Vec<Thing>,
    /// Addresses; every entry has one of its own, so the number is the position.
    records: Names,
    /// Streams of every entry, one after the other.
    entry_streams: Vec<StreamNumber>,
    /// Where the streams of each entry end.
    entry_ends: Vec<u32>,
    /// Only who answers those who append or ask keeps them.
    answers: Option<Answers>,
    pub(crate) index: Index,
    /// The operator's stream as it was before the last seal entered it.
    before_seal: Option<Before>,
    earlier: Earlier,
    tree: Frontier,
    pub(crate) batches: u64,
    sealed: bool,
    sealed_head: (u64, Hash),
    /// Positions of what packs bring beside their records: opened epochs, requests and decisions of erasure.
    landmarks: Vec<u64>,
    /// Whether only some entries of the log are shown, as in a pack: what others may have said is not asked for.
    pub(crate) in_part: bool,
    last_leaf: Hash,
    last_received: Option<Timestamp>,
}

/// What answering needs and following does not.
#[derive(Clone, Debug, Default)]
struct Answers {
    /// Ids of all events, cut: a repeated event gets its first answer again.
    event_ids: Vec<Name>,
    /// Which stream items are of one stream: what finds a stream's entries without a look at the others.
    chains: Chains,
}

/// What [`State::prove_earlier`] has worked out: heads under the seal of a size, of the streams that grew up to
/// some position since.
#[derive(Clone, Debug, Default)]
struct Earlier {
    size: u64,
    upto: u64,
    grown: Grown,
}

/// What genesis laid down.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// Who keeps the ledger.
    pub operator: String,
    /// Key that signs checkpoints.
    pub log_key: Vkey,
    /// Key that signs seals until another epoch is opened.
    pub seal_key: Vkey,
    /// When the log began.
    pub received_at: Timestamp,
    /// Catalogue that the first entries are read by.
    pub catalogue: Hash,
}

impl State {
    /// The state of a log without entries, for who answers those who append.
    pub fn new(origin: Origin) -> Self {
        Self { answers: Some(Answers::default()), ..Self::auditing(origin) }
    }

    /// The same for who only follows: without what [`State::position_of`], [`State::sealed_items`] and
    /// [`State::prove_earlier`] need, which then find nothing.
    pub fn auditing(origin: Origin) -> Self {
        let catalogue = Catalogue::built_in();
        let kinds: Vec<&'static EventType> = catalogue.events().collect();
        let kind_numbers = (0..).zip(&kinds).map(|(n, k)| (k.name.as_str(), n)).collect();
        Self {
            catalogue,
            kind_numbers,
            kinds,
            keyring: Keyring::new(origin),
            key_entries: Vec::new(),
            recipients: Recipients::default(),
            parties: Vec::new(),
            party_numbers: HashMap::new(),
            roles: HashMap::new(),
            unnamed: HashMap::new(),
            genesis: None,
            writer: None,
            predecessor: None,
            thing_names: Names::default(),
            things: Vec::new(),
            records: Names::default(),
            entry_streams: Vec::new(),
            entry_ends: Vec::new(),
            answers: None,
            index: Index::default(),
            before_seal: None,
            earlier: Earlier::default(),
            tree: Frontier::default(),
            batches: 0,
            sealed: false,
            sealed_head: (0, Hash::default()),
            landmarks: Vec::new(),
            in_part: false,
            last_leaf: Hash::default(),
            last_received: None,
        }
    }

    /// What a pack tells of a log: some entries of it, each seen by [`State::see_shown`].
    pub(crate) fn in_part(origin: Origin) -> Self {
        Self { in_part: true, ..Self::auditing(origin) }
    }

    /// Origin of the log.
    pub fn origin(&self) -> &Origin {
        self.keyring.origin()
    }

    /// Entries so far.
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// Root of the tree over them.
    pub fn root(&self) -> Hash {
        self.tree.root()
    }

    /// Whether the last entry is a seal.
    pub fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// Size and root of the log under its last seal, which are those of its last checkpoint.
    pub fn sealed_head(&self) -> (u64, Hash) {
        self.sealed_head
    }

    /// The key that seals now; none before genesis.
    pub fn writer(&self) -> Option<&Key> {
        self.writer.map(|writer| self.keyring.key(writer.key))
    }

    /// Number of the epoch: 0 until another writer takes over.
    pub fn epoch(&self) -> i64 {
        self.writer.map_or(0, |writer| writer.epoch)
    }

    /// The log that goes on in this one, if there is one.
    pub fn predecessor(&self) -> Option<&Predecessor> {
        self.predecessor.as_ref()
    }

    /// Leaf of the last entry, zeros before the first.
    pub fn last_leaf(&self) -> Hash {
        self.last_leaf
    }

    /// When the last entry was received.
    pub fn last_received(&self) -> Option<Timestamp> {
        self.last_received
    }

    /// Batches sealed so far.
    pub fn batches(&self) -> u64 {
        self.batches
    }

    /// Streams so far.
    pub fn streams(&self) -> u64 {
        self.index.len()
    }

    /// Root of the stream map over all entries so far.
    pub fn map_root(&mut self) -> Hash {
        self.index.root()
    }

    /// The stream index.
    pub fn index(&mut self) -> &mut Index {
        &mut self.index
    }

    /// What the map under the last seal says about a stream: its proof against the seal's
    /// `map_root`, and its head where there is one. Nothing unless the last entry is a seal.
    pub fn prove_sealed(&mut self, stream: &str) -> Option<(MapProof, Option<Head>)> {
        let before = self.before_seal.as_ref().filter(|_| self.sealed)?;
        Some(self.index.prove_before(stream, before))
    }

    /// The same under an earlier seal, the last entry of the first `size`, with the positions of the
    /// stream's entries before it. Nothing where `size` is none of the log's. `leaf` gives the leaf at a
    /// position.
    ///
    /// Costs the entries since, and once for each stream that they have grown, its items; what was worked
    /// out for one size is kept until another is asked for.
    pub fn prove_earlier(
        &mut self,
        stream: &str,
        size: u64,
        leaf: &dyn Fn(u64) -> Option<Hash>,
    ) -> Option<(MapProof, Option<Head>, Vec<u64>)> {
        let end = size.checked_sub(1).filter(|_| size <= self.size())?;
        if self.earlier.size != size {
            self.earlier = Earlier { size, upto: end, grown: Grown::new() };
        }
        for position in self.earlier.upto..self.size() {
            for number in self.streams_of(position).to_vec() {
                if !self.earlier.grown.contains_key(&number) {
                    let head = self.head_before(number, end, leaf)?;
                    self.earlier.grown.insert(number, head);
                }
            }
        }
        self.earlier.upto = self.size();
        let (proof, head) = self.index.prove_earlier(stream, &self.earlier.grown);
        let items = self.index.find(stream).map(|number| self.items_below(number, end)).unwrap_or_default();
        Some((proof, head, items))
    }

    /// The head that a stream had before the entry at `end`; nothing where it did not exist yet.
    #[allow(clippy::option_option)] // nothing at all where a leaf is not at hand
    fn head_before(&self, number: StreamNumber, end: u64, leaf: &dyn Fn(u64) -> Option<Hash>) -> Option<Option<Head>> {
        let positions = self.items_below(number, end);
        let mut tree = Frontier::default();
        for position in &positions {
            tree.push(stream::item_leaf(*position, &leaf(*position)?));
        }
        Some(positions.last().map(|last| Head { count: tree.size(), last: *last, root: tree.root() }))
    }

    /// Positions of the entries in a stream, in order; of those before the last seal alone.
    pub fn sealed_items(&self, stream: &str) -> Vec<u64> {
        let Some(number) = self.index.find(stream) else { return Vec::new() };
        self.items_below(number, self.size().saturating_sub(1))
    }

    /// Positions of the entries in a stream, in order, of those before `end` alone. Costs what the stream
    /// has, not what the log has.
    fn items_below(&self, number: StreamNumber, end: u64) -> Vec<u64> {
        let Some(Answers { chains, .. }) = &self.answers else { return Vec::new() };
        let position_of = |place: u32| self.entry_ends.partition_point(|end| *end <= place) as u64;
        let mut positions: Vec<u64> = chains.back(number).map(position_of).filter(|p| *p < end).collect();
        positions.reverse();
        positions
    }

    /// All keys that the log knows.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Position of the entry that brought the key by which a line is signed.
    pub fn brought_by(&self, line: &SignatureLine) -> Option<u64> {
        self.key_entries.get(self.keyring.find(line)?).copied()
    }

    /// Positions of the entries that a pack brings beside its records whatever they are (opened epochs), and of those on
    /// which an erasure may rest (its request, the decisions on it), in order. FORMAT.md 14.2. Empty where the state is
    /// [`State::auditing`].
    pub fn landmarks(&self) -> &[u64] {
        &self.landmarks
    }

    /// Writes down which entry brought the newest keys: the one that is about to be taken in.
    pub(crate) fn note_keys(&mut self) {
        self.key_entries.resize(self.keyring.keys().len(), self.tree.size());
    }

    /// To whom sealed values are encrypted.
    pub fn recipients(&self) -> &Recipients {
        &self.recipients
    }

    /// What genesis laid down.
    pub fn genesis(&self) -> Option<&Genesis> {
        self.genesis.as_ref()
    }

    /// Role of a party, where the log has said it.
    pub fn role(&self, party: &str) -> Option<Role> {
        self.roles.get(self.party_numbers.get(party)?).copied()
    }

    /// Whether the party is not shown by name: so long as the log has not said that it is.
    pub fn is_unnamed(&self, party: &str) -> bool {
        self.identity(party).unwrap_or(true)
    }

    /// The same as the log has last said it; nothing before that.
    pub fn identity(&self, party: &str) -> Option<bool> {
        self.unnamed.get(self.party_numbers.get(party)?).copied()
    }

    /// Position of the record at an address, `<by>/<type>/<row>`.
    pub fn record(&self, address: &str) -> Option<u64> {
        self.records.find(&cut(&["record\n", address])).map(u64::from)
    }

    /// The same for the address of an event.
    pub(crate) fn record_of(&self, event: &Event) -> Option<u64> {
        self.records.find(&cut_address(event)).map(u64::from)
    }

    /// Position of this very event, where it stands in the log already; always nothing where the
    /// state is [`State::auditing`].
    pub fn position_of(&self, signed: &SignedEvent) -> Option<u64> {
        let position = self.record_of(&signed.event)?;
        let known = self.answers.as_ref()?.event_ids.get(usize::try_from(position).ok()?)?;
        (*known == cut_id(signed)).then_some(position)
    }

    /// The first 8 bytes of the ids of the events from a position on, to look events up by their ids.
    pub fn id_beginnings(&self, from: u64) -> Vec<[u8; 8]> {
        let ids = self.answers.as_ref().map_or(&[][..], |answers| &answers.event_ids);
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(ids.len());
        let begin = |id: &Name| [id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]];
        ids[from..].iter().map(begin).collect()
    }

    /// Position of the event that created a thing: its kind, and its id `<party>/<id>`.
    pub fn thing(&self, kind: &str, id: &str) -> Option<u64> {
        self.find_thing(kind, id).map(|thing| u64::from(thing.position))
    }

    fn find_thing(&self, kind: &str, id: &str) -> Option<Thing> {
        self.things.get(self.thing_names.find(&cut(&[kind, "\n", id]))? as usize).copied()
    }

    /// The thing that a ref with these target types points at. FORMAT.md 4.4.
    pub(crate) fn target(&self, types: &[String], id: &str) -> Option<(Thing, &'static EventType)> {
        types.iter().find_map(|name| {
            let kind = self.catalogue.event(name)?.id_of.as_deref()?;
            let thing = self.find_thing(kind, id)?;
            let made_by = self.kinds[usize::from(thing.kind)];
            (made_by.name == *name || types.contains(&made_by.name)).then_some((thing, made_by))
        })
    }

    /// The thing that a ref of an event points at; the first where it is a list.
    pub(crate) fn referred(&self, event: &Event, kind: &EventType, name: &str) -> Option<Thing> {
        let Targets::Types(types) = &kind.reference(name)?.targets else { return None };
        Some(self.target(types, event.refs.get(name)?.targets().first()?)?.0)
    }

    pub(crate) fn facility_of(&self, thing: Thing) -> Option<&str> {
        self.parties.get(thing.facility as usize).map(String::as_str)
    }

    pub(crate) fn has_thing(&self, kind: &str, id: &str) -> bool {
        self.find_thing(kind, id).is_some()
    }

    pub(crate) fn set_role(&mut self, party: &str, role: Role) {
        let number = self.party(party);
        self.roles.entry(number).or_insert(role);
    }

    pub(crate) fn set_unnamed(&mut self, party: &str, unnamed: bool) {
        let number = self.party(party);
        self.unnamed.insert(number, unnamed);
    }

    fn party(&mut self, name: &str) -> PartyNumber {
        if let Some(number) = self.party_numbers.get(name) {
            return *number;
        }
        let number = PartyNumber::try_from(self.parties.len()).expect("fewer than 2^32 parties");
        self.parties.push(name.to_owned());
        self.party_numbers.insert(name.to_owned(), number);
        number
    }

    /// Takes an admitted entry in: registers what it creates, grows tree and index.
    pub(crate) fn take(&mut self, signed: &SignedEvent, kind: &'static EventType, leaf: Hash, received_at: Timestamp) {
        let event = &signed.event;
        let position = self.size();
        let author = self.keyring.find(&signed.note.signatures[0]).expect("admitted under a known key");
        self.keyring.use_number(author, event.seq);
        self.recipients.see(event);
        self.records.add(cut_address(event));
        if let (Some(id_of), Some(id)) = (&kind.id_of, &event.id) {
            let facility = if kind.name == crate::admit::DISPUTE {
                let visit = self.referred(event, kind, "visit").map(|thing| thing.facility);
                visit.unwrap_or(NOBODY)
            } else {
                event.text("facility").map_or(NOBODY, |facility| self.party(facility))
            };
            let kind = self.kind_numbers[kind.name.as_str()];
            let position = u32::try_from(position).expect("fewer than 2^32 entries");
            self.thing_names.add(cut(&[id_of, "\n", id]));
            self.things.push(Thing { position, facility, kind });
        }
        let inherited = self.inherited(event, kind);
        let mut numbers: Vec<StreamNumber> = Vec::new();
        if kind.name == crate::admit::SEAL {
            self.before_seal = self.index.remember(&format!("organisation/{}", event.by));
        }
        for name in self.own_streams(event, kind) {
            let number = self.index.append(&name, position, &leaf);
            debug_assert!(!numbers.contains(&number), "own streams are a set");
            numbers.push(number);
        }
        for number in inherited {
            if !numbers.contains(&number) {
                self.index.append_again(number, position, &leaf);
                numbers.push(number);
            }
        }
        if let Some(answers) = &mut self.answers {
            numbers.iter().for_each(|number| answers.chains.push(*number));
            answers.event_ids.push(cut_id(signed));
            if LANDMARKS.contains(&kind.name.as_str()) {
                self.landmarks.push(position);
            }
        }
        self.entry_streams.extend(numbers);
        self.entry_ends.push(u32::try_from(self.entry_streams.len()).expect("fewer than 2^32 stream items"));
        self.tree.push(leaf);
        self.sealed = kind.name == crate::admit::SEAL;
        if self.sealed {
            self.batches += 1;
            self.sealed_head = (self.tree.size(), self.tree.root());
        }
        self.last_leaf = leaf;
        self.last_received = Some(received_at);
    }

    /// Takes in an entry whose type nobody here knows, and that nothing more is admitted after: it grows chain and tree.
    pub(crate) fn pass(&mut self, leaf: Hash, received_at: Timestamp) {
        self.tree.push(leaf);
        self.sealed = false;
        self.last_leaf = leaf;
        self.last_received = Some(received_at);
    }

    /// Streams of an entry but for the inherited ones, each once. FORMAT.md 8.1.
    fn own_streams(&self, event: &Event, kind: &EventType) -> Vec<String> {
        if let Some(stream) = &kind.stream {
            return vec![format!("{stream}/{}", event.by)];
        }
        let party_stream = |party: &str, facility: bool| {
            if facility || self.role(party) == Some(Role::Facility) {
                format!("facility/{party}")
            } else {
                format!("organisation/{party}")
            }
        };
        let mut names = vec![party_stream(&event.by, false)];
        let mut add = |name: String| {
            if !names.contains(&name) {
                names.push(name);
            }
        };
        for subject in &kind.subjects {
            if subject == "id" {
                if let (Some(id_of), Some(id)) = (&kind.id_of, &event.id) {
                    add(format!("{id_of}/{id}"));
                }
            } else if let Some(field) = kind.field(subject) {
                let facility = field.kind == Kind::Facility;
                match event.data.get(subject) {
                    Some(Value::Text(party)) => add(party_stream(party, facility)),
                    Some(Value::List(items)) => {
                        items.iter().filter_map(Value::as_text).for_each(|p| add(party_stream(p, facility)));
                    }
                    _ => {}
                }
            } else if let (Some(reference), Some(value)) = (kind.reference(subject), event.refs.get(subject)) {
                let Targets::Types(types) = &reference.targets else { continue };
                for id in value.targets() {
                    if let Some((_, made_by)) = self.target(types, id) {
                        add(format!("{}/{id}", made_by.id_of.as_deref().unwrap_or_default()));
                    }
                }
            }
        }
        names
    }

    /// Streams of the entries that the event inherits from, each once.
    fn inherited(&self, event: &Event, kind: &EventType) -> Vec<StreamNumber> {
        let mut numbers = Vec::new();
        for name in &kind.inherits {
            let (Some(reference), Some(value)) = (kind.reference(name), event.refs.get(name)) else { continue };
            for target in value.targets() {
                let position = match &reference.targets {
                    Targets::Any => self.record(target),
                    Targets::Types(types) => self.target(types, target).map(|(t, _)| u64::from(t.position)),
                };
                for number in position.map_or(&[][..], |p| self.streams_of(p)) {
                    if !numbers.contains(number) {
                        numbers.push(*number);
                    }
                }
            }
        }
        numbers
    }

    fn streams_of(&self, position: u64) -> &[StreamNumber] {
        let Ok(at) = usize::try_from(position) else { return &[] };
        let Some(&end) = self.entry_ends.get(at) else { return &[] };
        let start = at.checked_sub(1).map_or(0, |before| self.entry_ends[before]);
        &self.entry_streams[start as usize..end as usize]
    }
}

fn cut_id(signed: &SignedEvent) -> Name {
    first_bytes(&signed.id())
}

fn cut_address(event: &Event) -> Name {
    cut(&["record\n", &event.by, "/", &event.kind, "/", &event.row])
}

/// Name of what these pieces, joined, are.
fn cut(pieces: &[&str]) -> Name {
    let mut hasher = schemas::hash::Hasher::default();
    pieces.iter().for_each(|piece| hasher.update(piece.as_bytes()));
    first_bytes(&hasher.finish())
}

fn first_bytes(hash: &Hash) -> Name {
    let mut cut = [0; 20];
    cut.copy_from_slice(&hash.0[..20]);
    cut
}
