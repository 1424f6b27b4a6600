//! Makes packs: everything about one subject, for one reader, in one file. FORMAT.md 14.2.

use std::collections::{BTreeSet, HashMap};

use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::note::{KeyId, Note, Origin, SignatureLine};
use schemas::opening::{OpeningLine, Slot};
use schemas::pack::{Item, Pack, Proven, Shown};
use schemas::stream::Head;
use verifier::admit::EPOCH;
use verifier::audience::Audience;
use verifier::erasures::ERASURE;
use verifier::index::MapProof;
use verifier::statement::Statement;
use verifier::tree::BadProof;

use crate::failure::{Damage, Failure};
use crate::publish;
use crate::reader::Reader;
use crate::writer::Writer;

/// Longest name of a stream, in bytes: a kind, a party and an id.
const STREAM_BYTES_MAX: usize = 400;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// Name of the stream, such as `organisation/cso-league`.
    pub stream: &'a str,
    /// Whose pack: `public`, `oversight`, or a party by its name in the log.
    pub audience: &'a str,
    /// Sizes of older packs or checkpoints, to whose holders this one shall be provable.
    pub since: &'a [u64],
    /// Auditors' statements that the index was recomputed.
    pub statements: &'a [Note],
}

/// Why a pack cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BadRequest {
    /// Not the name of a stream.
    #[error(
        "{0:?} is not the name of a stream: give a kind and an id, such as organisation/cso-league or \
         facility/fac-talbera or programme/adm-prisons/P-1"
    )]
    Stream(String),
    /// The audience is nobody whom the log knows.
    #[error("{0:?} is neither \"public\" nor \"oversight\" nor a party that the log knows")]
    Audience(String),
    /// An older size beyond the log.
    #[error("there is no tree of {size} entries yet: the log has {now}")]
    Since {
        /// The size asked for.
        size: u64,
        /// The log's size.
        now: u64,
    },
    /// A statement that is none of this log.
    #[error("a statement is not one about this log, or states another root than this log had")]
    Statement,
    /// Disk or store.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Makes a pack under the last published checkpoint.
///
/// # Errors
/// [`BadRequest`].
pub fn make(writer: &mut Writer, request: &Request<'_>) -> Result<Pack, BadRequest> {
    let reader = writer.reader().clone();
    ground(writer, request)?.fill(&reader)
}

/// What of a pack only the writer knows; the rest is read from the disk, while it writes on.
pub struct Ground {
    stream: String,
    audience: String,
    reads: Audience,
    size: u64,
    checkpoint: Note,
    positions: Vec<u64>,
    shown: Shown,
    path: Vec<(u8, Hash)>,
    since: Vec<(u64, Vec<Hash>)>,
    statements: Vec<(Note, Vec<Hash>)>,
    policy: String,
    /// Which entries brought the keys of a name, in order, each with its id.
    brought: HashMap<String, Vec<(KeyId, u64)>>,
    /// Entries that opened epochs, and requests and decisions of erasure.
    landmarks: Vec<u64>,
}

/// Lays the ground of a pack under the last published checkpoint.
///
/// # Errors
/// [`BadRequest`].
pub fn ground(writer: &mut Writer, request: &Request<'_>) -> Result<Ground, BadRequest> {
    let (kind, id) = request.stream.split_once('/').unwrap_or_default();
    let legible = request.stream.bytes().all(|b| b.is_ascii_graphic());
    if kind.is_empty() || id.is_empty() || !legible || request.stream.len() > STREAM_BYTES_MAX {
        return Err(BadRequest::Stream(request.stream.to_owned()));
    }
    let role = writer.log().role(request.audience);
    if role.is_none() && !matches!(request.audience, "public" | "oversight") {
        return Err(BadRequest::Audience(request.audience.to_owned()));
    }
    let (published, checkpoint) = publish::head(writer)?;
    let (size, store) = (published.size, writer.home().store());
    let inconsistent = || Failure::damaged(&store, Damage::Unlike { what: "last seal" });
    let (proof, head, positions) = index_at(writer, request.stream, size).ok_or_else(inconsistent)?;
    let (leaf_key, leaf_head) = proof.leaf.ok_or_else(inconsistent)?;
    let shown = match head {
        Some(head) => Shown::Present { count: head.count, last: head.last, root: head.root },
        None => Shown::Absent { key: leaf_key, head: leaf_head },
    };
    Ok(Ground {
        stream: request.stream.to_owned(),
        audience: request.audience.to_owned(),
        reads: Audience::of(request.audience, role),
        size,
        checkpoint,
        positions,
        shown,
        path: proof.path,
        since: since(writer, request, size)?,
        statements: statements(writer, request, size)?,
        policy: publish::policy_text(writer)?,
        brought: brought(writer),
        landmarks: writer.log().landmarks().iter().copied().filter(|position| *position < size).collect(),
    })
}

impl Ground {
    /// How many records the pack will hold.
    pub fn records(&self) -> usize {
        self.positions.len()
    }

    /// Reads the rest.
    ///
    /// # Errors
    /// [`BadRequest::Failure`] if something cannot be read.
    pub fn fill(self, reader: &Reader) -> Result<Pack, BadRequest> {
        let proven = |position: u64| proven(reader, position, self.size);
        let seal = proven(self.size - 1)?;
        let mut items = Vec::with_capacity(self.positions.len());
        let mut keys: BTreeSet<u64> = BTreeSet::from([0]);
        let mut erasures: BTreeSet<String> = BTreeSet::new();
        for position in &self.positions {
            let proven = proven(*position)?;
            let entry = read(reader, &proven)?;
            self.note_keys(&entry, &mut keys);
            if entry.signed.event.kind == ERASURE {
                erasures.extend(first(&entry, "erasure"));
            }
            let (digests, slots) = opening(reader, &self.reads, &entry)?;
            items.push(Item { proven, digests, slots });
        }
        self.note_keys(&read(reader, &seal)?, &mut keys);
        for position in &self.landmarks {
            let entry = reread(reader, *position)?;
            let event = &entry.signed.event;
            let of_an_erasure = match event.kind.as_str() {
                EPOCH => true,
                "erasure.requested" => event.id.as_ref().is_some_and(|id| erasures.contains(id)),
                _ => first(&entry, "erasure").is_some_and(|id| erasures.contains(&id)),
            };
            if of_an_erasure {
                keys.insert(*position);
            }
        }
        let keys = self.with_signers(reader, keys)?;
        let is_key = |position: &u64| self.positions.binary_search(position).is_err() && *position != self.size - 1;
        let keys = keys.into_iter().filter(is_key).map(proven).collect::<Result<_, _>>()?;
        Ok(Pack {
            audience: self.audience,
            ledger: reader.origin().clone(),
            stream: self.stream,
            checkpoint: self.checkpoint,
            policy: self.policy,
            seal,
            shown: self.shown,
            path: self.path,
            since: self.since,
            statements: self.statements,
            items,
            keys,
        })
    }

    /// The entries that brought the keys of its lines; where it opens an epoch, the key of the writer too; where it replaces
    /// a key, the keys that it may replace.
    fn note_keys(&self, entry: &Entry, keys: &mut BTreeSet<u64>) {
        let event = &entry.signed.event;
        for line in &entry.signed.note.signatures {
            let of_name = self.brought.get(&line.name).into_iter().flatten();
            keys.extend(of_name.filter(|(id, _)| *id == line.id).map(|(_, position)| position));
        }
        let holder = match event.kind.as_str() {
            EPOCH => Some((event.by.as_str(), event.text("writer"))),
            "key.rotated" => Some((event.by.as_str(), event.text("holder"))),
            _ => None,
        };
        let name = holder.and_then(|(party, name)| Some(Origin::parse(&event.ledger)?.holder_key_name(party, name?)));
        let before = name.and_then(|name| self.brought.get(&name)).into_iter().flatten();
        keys.extend(before.map(|(_, position)| position).filter(|position| **position < entry.position));
    }

    /// The entries that brought these keys are signed too: by whose keys, until nobody new comes.
    fn with_signers(&self, reader: &Reader, mut keys: BTreeSet<u64>) -> Result<BTreeSet<u64>, Failure> {
        let mut waiting: Vec<u64> = keys.iter().copied().collect();
        while let Some(position) = waiting.pop() {
            let mut more = BTreeSet::new();
            self.note_keys(&reread(reader, position)?, &mut more);
            waiting.extend(more.into_iter().filter(|position| keys.insert(*position)));
        }
        Ok(keys)
    }
}

fn reread(reader: &Reader, position: u64) -> Result<Entry, Failure> {
    let damaged = |_| Failure::damaged(&reader.home().store(), Damage::Gap { position });
    Entry::reread(&reader.entry(position)?).map_err(damaged)
}

/// The first target of a ref.
fn first(entry: &Entry, name: &str) -> Option<String> {
    entry.signed.event.refs.get(name).and_then(|value| value.targets().first()).cloned()
}

/// Which entries brought the keys that the log knows.
fn brought(writer: &Writer) -> HashMap<String, Vec<(KeyId, u64)>> {
    let log = writer.log();
    let mut brought: HashMap<String, Vec<(KeyId, u64)>> = HashMap::new();
    for key in log.keyring().keys() {
        let (name, id) = (key.public().vkey().name.clone(), key.public().id());
        let line = SignatureLine { name: name.clone(), id, signature: Vec::new() };
        brought.entry(name).or_default().extend(log.brought_by(&line).map(|position| (id, position)));
    }
    brought
}

/// What the index says about a stream under the seal of a size. What waits for witnesses is not shown: then
/// it is the index as it was.
fn index_at(writer: &mut Writer, stream: &str, size: u64) -> Option<(MapProof, Option<Head>, Vec<u64>)> {
    let (state, levels) = writer.state_and_levels();
    if size == state.size() {
        let (proof, head) = state.prove_sealed(stream)?;
        return Some((proof, head, state.sealed_items(stream)));
    }
    state.prove_earlier(stream, size, &|position| levels.leaf(position))
}

/// An entry with its proof in the tree of that size.
///
/// # Errors
/// [`Failure`] if the store does not give it.
pub fn proven(reader: &Reader, position: u64, size: u64) -> Result<Proven, Failure> {
    let damaged = |_: BadProof| Failure::damaged(&reader.home().store(), Damage::Gap { position });
    let entry = reader.entry(position)?;
    let proof = reader.levels().inclusion(position, size).map_err(damaged)?;
    Ok(Proven { entry, index: position, proof })
}

fn read(reader: &Reader, proven: &Proven) -> Result<Entry, Failure> {
    let damaged = |_| Failure::damaged(&reader.home().store(), Damage::Gap { position: proven.index });
    Entry::reread(&proven.entry).map_err(damaged)
}

/// Digests and slots of an entry, as far as this audience may read them.
fn opening(reader: &Reader, audience: &Audience, entry: &Entry) -> Result<(Vec<Hash>, Vec<Slot>), Failure> {
    let damaged = |_| Failure::damaged(reader.vault().openings(), Damage::Line { position: entry.position });
    let line = reader.vault().line(entry.position)?.filter(|line| !line.is_empty());
    let Some(line) = line else { return Ok((Vec::new(), Vec::new())) };
    let limited = audience.limit(&entry.signed, OpeningLine::parse(&line).map_err(damaged)?);
    Ok((limited.digests, limited.slots))
}

fn since(writer: &Writer, request: &Request<'_>, now: u64) -> Result<Vec<(u64, Vec<Hash>)>, BadRequest> {
    let sizes: BTreeSet<u64> = request.since.iter().copied().collect();
    let one = |size: u64| {
        let proof = writer.levels().consistency(size, now).map_err(|_| BadRequest::Since { size, now })?;
        Ok((size, proof))
    };
    sizes.into_iter().filter(|size| *size != now).map(one).collect()
}

fn statements(writer: &Writer, request: &Request<'_>, now: u64) -> Result<Vec<(Note, Vec<Hash>)>, BadRequest> {
    let one = |note: &Note| {
        let statement = Statement::parse(&note.text).ok_or(BadRequest::Statement)?.checkpoint;
        let root = writer.levels().root(statement.size).map_err(|_| BadRequest::Statement)?;
        if statement.origin != *writer.log().origin() || statement.root != root {
            return Err(BadRequest::Statement);
        }
        let proof = writer.levels().consistency(statement.size, now).map_err(|_| BadRequest::Statement)?;
        Ok((note.clone(), proof))
    };
    request.statements.iter().map(one).collect()
}
