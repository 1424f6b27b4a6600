//! The operator who lies: holds the log's keys, writes entries by hand, and never asks admission.
//!
//! A log is taken apart into records; records are bent; [`Forge::build`] chains them again, signs
//! new seals and checkpoints, and makes the best bundle that this operator can. What the
//! operator does not have is the keys of others; [`Forge::key`] gives them to tests that need to
//! say what honest parties, or others than the operator, would sign.

use schemas::catalogue::Catalogue;
use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::event::{Event, Head, RefValue, SignedEvent};
use schemas::hash::Hash;
use schemas::manifest;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, OpeningLine, hidden_root};
use schemas::tile::{self, TILE_WIDTH, Tile};
use schemas::time::{Date, Timestamp};
use schemas::value::Value;
use verifier::admit::SEAL;
use verifier::signature::SecretKey;
use verifier::state::State;
use verifier::tree::{Frontier, root_of};

use crate::memory::Memory;
use crate::world::World;

/// One entry without its place.
#[derive(Clone, Debug)]
pub struct Record {
    /// When the ledger says that it received it.
    pub received_at: Timestamp,
    /// The signed event.
    pub note: Note,
    /// Its hidden values, as far as they are at hand.
    pub opening: Option<OpeningLine>,
    /// Whether it stays as it is even if it is a seal: the others are made anew.
    pub kept: bool,
}

impl Record {
    /// The event; the forge never holds what is none.
    pub fn event(&self) -> Event {
        Event::parse(&self.note.text).expect("an event")
    }

    fn is_seal(&self) -> bool {
        self.event().kind == SEAL
    }
}

/// A log in the hands of whoever holds its keys.
#[derive(Clone, Debug)]
pub struct Forge<'a> {
    world: &'a World,
    /// Everything that the log says, in order.
    pub records: Vec<Record>,
    /// Files of the bundle that do not follow from the records: policy, documents.
    pub side: Memory,
    /// Keys of seals, one a later epoch; whoever is in office then signs the seals.
    pub writers: Vec<SecretKey>,
    numbers: i64,
}

/// A bundle and the openings beside it.
#[derive(Clone, Debug)]
pub struct Forged {
    /// The bundle.
    pub bundle: Memory,
    /// The openings.
    pub openings: Memory,
}

impl<'a> Forge<'a> {
    /// Takes a world's log apart.
    pub fn of(world: &'a World) -> Self {
        let pages = Pages::of(&world.bundle);
        let lines = lines(&world.openings);
        let records = pages.entries.iter().zip(&lines).map(|(bytes, line)| {
            let entry = Entry::parse(bytes).expect("an entry");
            let opening = (!line.is_empty()).then(|| OpeningLine::parse(line).expect("an opening line"));
            Record { received_at: entry.received_at, note: entry.signed.note, opening, kept: false }
        });
        let mut side = pages.side;
        for path in side.names().into_iter().filter(|p| p.starts_with("checkpoint")) {
            side.remove(&path);
        }
        Self { records: records.collect(), world, side, writers: Vec::new(), numbers: 1_000 }
    }

    /// Name of the log.
    pub fn origin(&self) -> &Origin {
        &self.world.origin
    }

    /// The name under which the log knows a party.
    pub fn party(&self, id: &str) -> String {
        self.world.pseudonyms.party(id).to_owned()
    }

    /// The first key of a holder.
    pub fn key(&self, party: &str, holder: &str) -> SecretKey {
        self.world.key(party, holder, 1)
    }

    /// The key of a holder after its first rotation.
    pub fn rotated_key(&self, party: &str, holder: &str) -> SecretKey {
        self.world.key(party, holder, 2)
    }

    /// The key that signs seals.
    pub fn seal_key(&self) -> SecretKey {
        self.world.seal_key.clone()
    }

    /// Position of the record at an address of the register.
    pub fn at(&self, address: &str) -> usize {
        let address = self.world.pseudonyms.inside(address);
        let found = self.records.iter().position(|r| r.event().address() == address);
        found.unwrap_or_else(|| panic!("no record at {address}"))
    }

    /// When the last record was received.
    pub fn now(&self) -> Timestamp {
        self.records.last().expect("a log that is not empty").received_at
    }

    /// An event that somebody may say now, with no fields yet.
    pub fn draft(&mut self, kind: &str, by: &str) -> Draft {
        self.numbers += 1;
        let v = Catalogue::built_in().event(kind).map_or(1, |k| k.v);
        let row = format!("f{}", self.numbers);
        let at = self.now().date(0);
        let by = self.party(by);
        let head = Head { kind: (kind, v), ledger: self.origin(), by: &by, row: &row, seq: self.numbers, at };
        Draft { event: Event::new(&head), hidden: Vec::new() }
    }

    /// Puts a record at the end, received at the same time as the last.
    pub fn add(&mut self, said: &Said) {
        let record = self.record(said);
        self.records.push(record);
    }

    /// A record of what was said, received at the same time as the last.
    pub fn record(&self, said: &Said) -> Record {
        Record { received_at: self.now(), note: said.note.clone(), opening: said.opening.clone(), kept: false }
    }

    /// Closes the batch. The seal itself is made when the bundle is.
    pub fn seal(&mut self) {
        let said = self.draft(SEAL, "op").signed(&[&self.seal_key()]);
        self.add(&said);
    }

    /// Entry bytes, chained from the first; every seal that is not kept says what the log says.
    pub fn entries(&self) -> Vec<Vec<u8>> {
        let mut state = Some(State::new(self.origin().clone()));
        let mut prev = Hash::default();
        let mut entries: Vec<Vec<u8>> = Vec::new();
        for (position, record) in (0..).zip(&self.records) {
            let note = match &mut state {
                Some(state) if record.is_seal() && !record.kept => self.honest_seal(state, record),
                _ => record.note.clone(),
            };
            let bytes = Entry::bytes(position, record.received_at, prev, note.to_text().as_bytes());
            prev = Hash::leaf(&bytes);
            // After the first entry that no honest log could hold, seals have nothing to say.
            state = state.and_then(|mut state| state.replay(&bytes).is_ok().then_some(state));
            entries.push(bytes);
        }
        entries
    }

    fn honest_seal(&self, state: &mut State, record: &Record) -> Note {
        let mut event = record.event();
        let number = |n: u64| Value::Integer(i64::try_from(n).expect("a small log"));
        let batch = state.batches() + 1;
        event.data.insert("batch".to_owned(), number(batch));
        event.data.insert("map_root".to_owned(), Value::Text(state.map_root().to_hex()));
        event.data.insert("size".to_owned(), number(state.size()));
        event.data.insert("streams".to_owned(), number(state.streams()));
        event.row = format!("b{batch}");
        event.seq = i64::try_from(batch).expect("a small log");
        let text = event.to_text();
        let office = state.writer().map(|key| key.public().vkey().clone());
        let key = self.writers.iter().find(|key| Some(key.vkey()) == office).unwrap_or(&self.world.seal_key);
        Note { signatures: vec![key.sign(&text)], text }
    }

    /// The whole bundle: entries chained, every batch with its checkpoint, all signed.
    pub fn build(&self) -> Forged {
        let entries = self.entries();
        let mut pages = Pages { entries, side: self.side.clone() };
        let mut tree = Frontier::default();
        for (bytes, record) in pages.entries.iter().zip(&self.records) {
            tree.push(Hash::leaf(bytes));
            if record.is_seal() {
                let note = self.checkpoint(tree.size(), tree.root());
                pages.side.put(&format!("checkpoints/{}", tree.size()), note);
            }
        }
        pages.side.put("checkpoint", self.checkpoint(tree.size(), tree.root()));
        let line = |(position, record): (u64, &Record)| {
            let opening = record.opening.as_ref().map(|line| OpeningLine { entry: position, ..line.clone() });
            opening.map_or_else(String::new, |line| line.to_json())
        };
        let openings = openings(&(0..).zip(&self.records).map(line).collect::<Vec<_>>());
        Forged { bundle: pages.bundle(), openings }
    }

    /// A checkpoint that the log's key has signed.
    pub fn checkpoint(&self, size: u64, root: Hash) -> Vec<u8> {
        self.signed(Checkpoint { origin: self.origin().clone(), size, root }.to_text())
    }

    /// Any text that the log's key has signed.
    pub fn signed(&self, text: String) -> Vec<u8> {
        Note { signatures: vec![self.world.log_key.sign(&text)], text }.to_text().into_bytes()
    }
}

/// An event in the making.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it will say.
    pub event: Event,
    hidden: Vec<(String, Value)>,
}

/// A signed event with its hidden values.
#[derive(Clone, Debug)]
pub struct Said {
    /// The signed note.
    pub note: Note,
    /// Its openings; the position is put in when it has one.
    pub opening: Option<OpeningLine>,
}

impl Said {
    /// The event as it would be handed in.
    pub fn submitted(&self) -> SignedEvent {
        SignedEvent::parse(self.note.to_text().as_bytes()).expect("a signed event")
    }
}

impl Draft {
    /// With a public field that is text on the wire.
    #[must_use]
    pub fn with(self, field: &str, text: &str) -> Self {
        self.value(field, Value::Text(text.to_owned()))
    }

    /// With a public field.
    #[must_use]
    pub fn value(mut self, field: &str, value: Value) -> Self {
        self.event.data.insert(field.to_owned(), value);
        self
    }

    /// With a hidden value.
    #[must_use]
    pub fn hiding(mut self, field: &str, value: Value) -> Self {
        self.hidden.push((field.to_owned(), value));
        self
    }

    /// With a ref, qualified as in the log.
    #[must_use]
    pub fn to(mut self, name: &str, target: &str) -> Self {
        self.event.refs.insert(name.to_owned(), RefValue::One(target.to_owned()));
        self
    }

    /// With the id of what it creates.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.event.id = Some(format!("{}/{id}", self.event.by));
        self
    }

    /// As said to have happened on another day.
    #[must_use]
    pub fn on(self, day: Date) -> Self {
        let old = &self.event;
        let head = Head {
            kind: (&old.kind, old.v),
            ledger: &Origin::parse(&old.ledger).expect("an origin"),
            by: &old.by,
            row: &old.row,
            seq: old.seq,
            at: day,
        };
        let mut event = Event::new(&head);
        (event.data, event.refs, event.id) = (old.data.clone(), old.refs.clone(), old.id.clone());
        Self { event, hidden: self.hidden }
    }

    /// Bent in any way that a draft has no word for.
    #[must_use]
    pub fn but(mut self, bend: impl FnOnce(&mut Event)) -> Self {
        bend(&mut self.event);
        self
    }

    /// Signs it, with every hidden slot of its type committed.
    pub fn signed(mut self, keys: &[&SecretKey]) -> Said {
        let kind = Catalogue::built_in().event(&self.event.kind).filter(|k| k.hides);
        let disclosures = kind.map(|kind| self.slots(kind.slots()));
        if let (Some(slots), None) = (&disclosures, &self.event.hidden) {
            let digests: Vec<Hash> = slots.iter().map(Disclosure::digest).collect();
            self.event.hidden = Some(hidden_root(&digests).to_base64());
        }
        let text = self.event.to_text();
        let opening = disclosures.map(|slots| OpeningLine::open(0, Hash::of(&[text.as_bytes()]), &slots));
        Said { note: Note { signatures: keys.iter().map(|key| key.sign(&text)).collect(), text }, opening }
    }

    /// Disclosures of all slots. Salts must only differ: nothing is hidden from a test.
    fn slots(&self, names: Vec<&str>) -> Vec<Disclosure> {
        let slot = |name: &str| {
            let value = self.hidden.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
            let salt = Hash::of(&[self.event.address().as_bytes(), b" ", name.as_bytes()]).0;
            Disclosure { salt, name: name.to_owned(), value }
        };
        names.into_iter().map(slot).collect()
    }
}

/// A bundle with its entries taken out: what anyone can bend who can write files.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Bytes of every entry.
    pub entries: Vec<Vec<u8>>,
    /// All files but tiles and manifest.
    pub side: Memory,
}

impl Pages {
    /// Takes a bundle apart.
    pub fn of(bundle: &Memory) -> Self {
        let mut side = bundle.clone();
        side.remove(manifest::NAME);
        let mut entries = Vec::new();
        for path in bundle.names().into_iter().filter(|p| p.starts_with("tile/")) {
            let bytes = side.remove(&path);
            if path.starts_with("tile/entries/") {
                let width = width_of(&path);
                let split = tile::split_bundle(&bytes, width).expect("a bundle of entries");
                entries.extend(split.into_iter().map(<[u8]>::to_vec));
            }
        }
        Self { entries, side }
    }

    /// Leaves of the entries.
    pub fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(|bytes| Hash::leaf(bytes)).collect()
    }

    /// Puts it together again, with the tiles and the manifest that fit.
    pub fn bundle(&self) -> Memory {
        let mut files = self.side.clone();
        for (path, bytes) in tiles(&self.entries) {
            files.put(&path, bytes);
        }
        files.manifest();
        files
    }

    /// The note in an entry.
    pub fn note(&self, position: usize) -> Note {
        Entry::parse(&self.entries[position]).expect("an entry").signed.note
    }

    /// Gives every entry the number and the `prev` that its place asks for.
    pub fn chain(&mut self) {
        let mut prev = Hash::default();
        for (position, bytes) in (0..).zip(&mut self.entries) {
            if let Ok(entry) = Entry::parse(bytes) {
                *bytes = Entry { position, prev, ..entry }.to_bytes();
            }
            prev = Hash::leaf(bytes);
        }
    }
}

fn width_of(path: &str) -> u64 {
    path.split_once(".p/").map_or(TILE_WIDTH, |(_, width)| width.parse().expect("a width"))
}

/// Tiles of a log: entries and all levels of hashes.
pub fn tiles(entries: &[Vec<u8>]) -> Vec<(String, Vec<u8>)> {
    let mut levels = vec![entries.iter().map(|bytes| Hash::leaf(bytes)).collect::<Vec<_>>()];
    while levels.last().is_some_and(|level| level.len() as u64 >= TILE_WIDTH) {
        let full = levels.last().expect("a level").chunks_exact(TILE_WIDTH as usize);
        levels.push(full.map(root_of).collect());
    }
    let slice = |tile: &Tile| {
        let from = (tile.index * TILE_WIDTH) as usize;
        from..from + tile.width as usize
    };
    let all = Tile::all(entries.len() as u64);
    let bytes = |tile: &Tile| match tile.level {
        None => tile::bundle_bytes(entries[slice(tile)].iter().map(Vec::as_slice)),
        Some(level) => levels[usize::from(level)][slice(tile)].iter().flat_map(|hash| hash.0).collect(),
    };
    all.iter().map(|tile| (tile.path(), bytes(tile))).collect()
}

/// Lines of an openings folder, all in order.
pub fn lines(folder: &Memory) -> Vec<String> {
    let text: String =
        folder.names().iter().map(|path| String::from_utf8_lossy(folder.get(path)).into_owned()).collect();
    text.lines().map(str::to_owned).collect()
}

/// An openings folder of these lines. FORMAT.md 19.
pub fn openings(lines: &[String]) -> Memory {
    let mut folder = Memory::default();
    for (index, chunk) in (0..).zip(lines.chunks(TILE_WIDTH as usize)) {
        let text: String = chunk.iter().map(|line| format!("{line}\n")).collect();
        folder.put(&tile::index_path(index), text.into_bytes());
    }
    folder
}
