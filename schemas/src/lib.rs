//! What a party *claims*: the event catalogue and every byte layout of the ledger.
//!
//! `FORMAT.md` beside this crate is the specification; each module names the section it
//! implements. Nothing here reads a file, a clock or a network, and nothing here decides what
//! may be believed: that is the `verifier` crate's.

pub mod base;
pub mod batch;
pub mod calendar;
pub mod carried;
pub mod catalogue;
pub mod checkpoint;
pub mod currency;
pub mod entry;
pub mod event;
pub mod file_name;
pub mod fingerprint;
pub mod fork;
pub mod hash;
pub mod json_schema;
pub mod lint;
pub mod manifest;
pub mod note;
pub mod opening;
pub mod pack;
pub mod policy;
pub mod profile;
pub mod receipt;
pub mod recipient;
pub mod refusal;
pub mod sealed;
pub mod strays;
pub mod stream;
pub mod tile;
pub mod time;
pub mod value;
pub mod visible;
