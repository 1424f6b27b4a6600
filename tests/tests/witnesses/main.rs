//! A ledger before its witnesses: what is published, what waits, and who is not believed.

mod common;
mod fake;
#[cfg(feature = "foreign")]
mod foreign;
mod quorum;
mod times;
mod wire;
