//! What the operator does: plan, commit, answer; import, outbox, export.

pub mod anchor;
pub mod failure;
pub mod files;
pub mod import;
pub mod probe;
pub mod store;
pub mod vault;
