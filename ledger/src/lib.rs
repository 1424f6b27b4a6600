//! What the operator *does*: plan, commit, answer; import, outbox, export.

pub mod import;
