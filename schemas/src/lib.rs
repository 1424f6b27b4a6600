//! What a party *claims*: the event catalogue and every byte layout of the ledger.
//!
//! `FORMAT.md` beside this crate is the specification; each module names the section it
//! implements. Nothing here reads a file, a clock or a network, and nothing here decides what
//! may be believed: that is the `verifier` crate's.

pub mod base;
pub mod catalogue;
pub mod hash;
pub mod lint;
pub mod time;
pub mod value;
