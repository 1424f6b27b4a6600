//! How a log, or a copy of it, was caught breaking its promise. *Everyone* must be told.

use schemas::entry::BadEntry;
use schemas::hash::Hash;
use schemas::opening::BadOpening;
use schemas::pack::BadPack;
use schemas::time::Timestamp;

use crate::index::BadMapProof;
use crate::refusal::Refusal;
use crate::tree::BadProof;

/// A broken promise, with its place. `section` is that of FORMAT.md.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the messages say what each field is
pub enum Fault {
    #[error("file {path}: changed since the manifest was written")]
    FileChanged { path: String },
    #[error("file {path}: missing")]
    FileMissing { path: String },
    #[error("file {}: not in the manifest, or not a file that a bundle of this size has", schemas::visible::line(.path))]
    FileExtra { path: String },
    #[error("file {path}: {what}")]
    FileMalformed { path: String, what: String },
    #[error("the evidence proves nothing: its two checkpoints do not contradict each other")]
    NoContradiction,
    #[error(
        "file {path}: it is neither the page of this version nor of a release that it knows (SHA-256 {}): do not open it; \
         compare the number with what your oversight body published, or use a newer verifier",
        .digest.to_hex()
    )]
    PageUnknown { path: String, digest: Hash },
    #[error("file {path}: no signature by the log's key {key} holds over it")]
    CheckpointSignature { path: String, key: String },
    #[error("file {path}: it is signed by {signed}, and genesis names another key for checkpoints: {genesis}")]
    LogKey { path: String, signed: String, genesis: String },
    #[error("file {path}: witnesses that the policy asks for have not cosigned it: {missing}")]
    Quorum { path: String, missing: String },
    #[error("file {path}: it covers {size} entries, the log's batch does not end there")]
    CheckpointSize { path: String, size: u64 },
    #[error("file {path}: it covers {size} entries, the log shows only {shown}: its end was left out")]
    Ahead { path: String, size: u64, shown: u64 },
    #[error("file {path}: it says root {stated}, the entries give {found}")]
    Root { path: String, stated: Hash, found: Hash },
    #[error("entry {position}{}: its bytes are not those that {path} has the hash of", at(.address))]
    Leaf { position: u64, address: Option<String>, path: String },
    #[error("file {path}: hash {number} is not that of the entries below it")]
    TileHash { path: String, number: u64 },
    #[error("entry {position}: {what}")]
    Entry { position: u64, what: BadEntry },
    #[error("entry {position}{}: it says that it is number {found}", at(.address))]
    Position { position: u64, address: Option<String>, found: u64 },
    #[error("entry {position}{}: it does not follow the entry before it", at(.address))]
    Chain { position: u64, address: Option<String> },
    #[error("entry {position} ({address}): {refusal} (FORMAT.md 11, {})", .refusal.number())]
    Admission { position: u64, address: String, refusal: Refusal },
    #[error("entry {position}: the last entry under the checkpoint is not {}", crate::admit::SEAL)]
    NotSealed { position: u64 },
    #[error(
        "entry {position} ({address}): the log says that it was received at {received_at}, witnesses had seen it at \
         {seen} ({path}): the time is invented"
    )]
    ClockAhead { position: u64, address: String, received_at: Timestamp, seen: Timestamp, path: String },
    #[error("entry {position} ({address}), openings: {what}")]
    Opening { position: u64, address: String, what: BadOpening },
    #[error("{0}")]
    Pack(#[from] BadPack),
    #[error("the pack is of the log {found}, its checkpoint of {origin}")]
    OtherLog { found: String, origin: String },
    #[error("entry {position}: it is not in the log under this checkpoint: {why}")]
    Proof { position: u64, why: BadProof },
    #[error("the index does not say this of {stream}: {why}")]
    Map { stream: String, why: BadMapProof },
    #[error("what is shown of the index is about another stream than {stream}, or hides that there is one")]
    MapOther { stream: String },
    #[error("the index binds {stated} records of {stream}, {shown} are shown")]
    RecordCount { stream: String, stated: u64, shown: u64 },
    #[error("the records shown are not those that the index binds for {stream}: one was dropped, added or changed")]
    RecordsOther { stream: String },
    #[error(
        "entry {position}: one of the two packs of {stream} shows it, and the other, which goes beyond it, does not"
    )]
    Dropped { position: u64, stream: String },
    #[error("the log as it was at {size} entries is not part of the log as it is now: {why}")]
    Since { size: u64, why: BadProof },
    #[error("the log's first entry, from which all its keys come, is not in the pack (FORMAT.md 14.2)")]
    NoGenesis,
    #[error("document {digest}: adopted by entry {position}, but not among the documents")]
    DocumentMissing { digest: Hash, position: u64 },
}

fn at(address: &Option<String>) -> String {
    address.as_ref().map_or_else(String::new, |a| format!(" ({a})"))
}

impl Fault {
    /// Position of the entry concerned, where it is one.
    pub fn position(&self) -> Option<u64> {
        match self {
            Self::Leaf { position, .. }
            | Self::Entry { position, .. }
            | Self::Position { position, .. }
            | Self::Chain { position, .. }
            | Self::Admission { position, .. }
            | Self::NotSealed { position }
            | Self::ClockAhead { position, .. }
            | Self::Opening { position, .. }
            | Self::Proof { position, .. }
            | Self::Dropped { position, .. }
            | Self::DocumentMissing { position, .. } => Some(*position),
            _ => None,
        }
    }

    /// The file that is not as it should be, where it is one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::FileChanged { path }
            | Self::FileMissing { path }
            | Self::FileExtra { path }
            | Self::FileMalformed { path, .. }
            | Self::PageUnknown { path, .. }
            | Self::CheckpointSignature { path, .. }
            | Self::LogKey { path, .. }
            | Self::Quorum { path, .. }
            | Self::CheckpointSize { path, .. }
            | Self::Ahead { path, .. }
            | Self::Root { path, .. }
            | Self::Leaf { path, .. }
            | Self::TileHash { path, .. } => Some(path),
            _ => None,
        }
    }
}
