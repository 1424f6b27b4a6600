//! What the operator does: plan, commit, answer; import, outbox, export.
//!
//! A newcomer's map: `import/` reads registers into checked drafts; `sign` makes events of them;
//! `outbox` keeps those on the disk; `plan` decides, purely, what a batch becomes; `writer`
//! commits it through `vault`, `store` and `anchor`, in that order, and only then answers.
//!
//! `snapshot` is what a stop leaves behind, so that the next start need not read the whole log.
//!
//! Hidden values: `seal` encrypts what only oversight may read, before it is written anywhere;
//! `vault` keeps values encrypted and their keys apart (`cipher`, `lines`); `erase` destroys both;
//! `access` records who reads; `queue` holds the sealed stream until its week is closed.

pub mod access;
pub mod again;
pub mod anchor;
pub mod answer;
mod cipher;
pub mod clock;
pub mod cosign;
pub mod desk;
pub mod duties;
pub mod enrol;
pub mod erase;
pub mod export;
pub mod failure;
pub mod files;
mod flush;
pub mod folder;
pub mod fsck;
pub mod handing;
mod home;
pub mod http;
pub mod import;
pub mod intake;
pub mod keys;
pub mod lead;
pub mod lines;
pub mod mirror;
pub mod nats;
pub mod net;
mod order;
pub mod outbox;
pub mod outpost;
pub mod pack;
pub mod places;
pub mod plan;
pub mod prepare;
pub mod probe;
pub mod pseudonym;
pub mod publish;
pub mod queue;
pub mod reached;
pub mod reader;
pub mod receipts;
pub mod restore;
mod row;
pub mod seal;
pub mod sequencer;
pub mod settings;
pub mod sign;
pub mod snapshot;
pub mod store;
pub mod submit;
pub mod testimony;
pub mod trust;
pub mod vault;
pub mod weekly;
pub mod witness;
pub mod writer;
