//! Makes packs: everything about one subject, for one reader, in one file. FORMAT.md 14.2.

use std::collections::BTreeSet;

use schemas::entry::Entry;
use schemas::note::Note;
use schemas::opening::{OpeningLine, Slot};
use schemas::pack::{Item, Pack, Proven, Shown};
use schemas::stream::Head;
use verifier::audience::Audience;
use verifier::index::MapProof;
use verifier::statement::Statement;
use verifier::tree::BadProof;

use crate::failure::{Damage, Failure};
use crate::publish;
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
    let (kind, id) = request.stream.split_once('/').unwrap_or_default();
    let legible = request.stream.bytes().all(|b| b.is_ascii_graphic());
    if kind.is_empty() || id.is_empty() || !legible || request.stream.len() > STREAM_BYTES_MAX {
        return Err(BadRequest::Stream(request.stream.to_owned()));
    }
    let role = writer.log().role(request.audience);
    if role.is_none() && !matches!(request.audience, "public" | "oversight") {
        return Err(BadRequest::Audience(request.audience.to_owned()));
    }
    let audience = Audience::of(request.audience, role);
    let (published, checkpoint) = publish::head(writer)?;
    let (size, store) = (published.size, writer.home().store());
    let inconsistent = || Failure::damaged(&store, Damage::Unlike { what: "last seal" });
    let (proof, head, positions) = index_at(writer, request.stream, size).ok_or_else(inconsistent)?;
    let (leaf_key, leaf_head) = proof.leaf.ok_or_else(inconsistent)?;
    let shown = match head {
        Some(head) => Shown::Present { count: head.count, last: head.last, root: head.root },
        None => Shown::Absent { key: leaf_key, head: leaf_head },
    };
    let proven = |position: u64| proven(writer, position, size);
    let seal = proven(size - 1)?;
    let mut items = Vec::with_capacity(positions.len());
    let mut keys: BTreeSet<u64> = BTreeSet::from([0]);
    for position in &positions {
        let proven = proven(*position)?;
        let entry = read(writer, &proven)?;
        note_keys(writer, &entry, &mut keys);
        let (digests, slots) = opening(writer, &audience, &entry)?;
        items.push(Item { proven, digests, slots });
    }
    note_keys(writer, &read(writer, &seal)?, &mut keys);
    let keys = with_signers(writer, keys)?;
    let keys = keys.into_iter().filter(|position| positions.binary_search(position).is_err() && *position != size - 1);
    Ok(Pack {
        audience: request.audience.to_owned(),
        ledger: writer.log().origin().clone(),
        stream: request.stream.to_owned(),
        checkpoint,
        policy: publish::policy_text(writer)?,
        seal,
        shown,
        path: proof.path,
        since: since(writer, request, size)?,
        statements: statements(writer, request, size)?,
        items,
        keys: keys.map(proven).collect::<Result<_, _>>()?,
    })
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
pub fn proven(writer: &Writer, position: u64, size: u64) -> Result<Proven, Failure> {
    let damaged = || Failure::damaged(&writer.home().store(), Damage::Gap { position });
    let entry = writer.store().entry(position)?.ok_or_else(damaged)?;
    let proof = writer.levels().inclusion(position, size).map_err(|_: BadProof| damaged())?;
    Ok(Proven { entry, index: position, proof })
}

fn read(writer: &Writer, proven: &Proven) -> Result<Entry, Failure> {
    let damaged = |_| Failure::damaged(&writer.home().store(), Damage::Gap { position: proven.index });
    Entry::reread(&proven.entry).map_err(damaged)
}

fn note_keys(writer: &Writer, entry: &Entry, keys: &mut BTreeSet<u64>) {
    keys.extend(entry.signed.note.signatures.iter().filter_map(|line| writer.log().brought_by(line)));
}

/// The entries that brought these keys are signed too: by whose keys, until nobody new comes.
fn with_signers(writer: &Writer, mut keys: BTreeSet<u64>) -> Result<BTreeSet<u64>, Failure> {
    let mut waiting: Vec<u64> = keys.iter().copied().collect();
    while let Some(position) = waiting.pop() {
        let damaged = || Failure::damaged(&writer.home().store(), Damage::Gap { position });
        let bytes = writer.store().entry(position)?.ok_or_else(damaged)?;
        let entry = Entry::reread(&bytes).map_err(|_| damaged())?;
        for line in &entry.signed.note.signatures {
            if let Some(brought) = writer.log().brought_by(line)
                && keys.insert(brought)
            {
                waiting.push(brought);
            }
        }
    }
    Ok(keys)
}

/// Digests and slots of an entry, as far as this audience may read them.
fn opening(
    writer: &Writer,
    audience: &Audience,
    entry: &Entry,
) -> Result<(Vec<schemas::hash::Hash>, Vec<Slot>), Failure> {
    let damaged = || Failure::damaged(writer.vault().openings(), Damage::Line { position: entry.position });
    let line = writer.vault().line(entry.position)?.filter(|line| !line.is_empty());
    let Some(line) = line else { return Ok((Vec::new(), Vec::new())) };
    let line = OpeningLine::parse(&line).map_err(|_| damaged())?;
    let limited = audience.limit(&entry.signed, line);
    Ok((limited.digests, limited.slots))
}

fn since(writer: &Writer, request: &Request<'_>, now: u64) -> Result<Vec<(u64, Vec<schemas::hash::Hash>)>, BadRequest> {
    let sizes: BTreeSet<u64> = request.since.iter().copied().collect();
    let one = |size: u64| {
        let proof = writer.levels().consistency(size, now).map_err(|_| BadRequest::Since { size, now })?;
        Ok((size, proof))
    };
    sizes.into_iter().filter(|size| *size != now).map(one).collect()
}

fn statements(
    writer: &Writer,
    request: &Request<'_>,
    now: u64,
) -> Result<Vec<(Note, Vec<schemas::hash::Hash>)>, BadRequest> {
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
