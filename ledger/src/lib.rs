//! What the operator does: plan, commit, answer; import, outbox, export.

pub mod anchor;
pub mod failure;
pub mod files;
pub mod probe;
mod row;
pub mod store;
pub mod vault;
