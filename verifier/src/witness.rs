//! Witnesses: who has seen which checkpoint of a log, and when. C2SP tlog-witness; FORMAT.md 10.3.
//!
//! A witness never cosigns two checkpoints of one log that are not prefixes of each other, so a log
//! that shows different people different histories cannot get both of them cosigned by it.
//! [`ratchet`] decides, [`records`] are what it must never forget, [`request`] and [`answer`] are
//! the two sides of the wire. All of it is pure; feature `witness` adds the server.

pub mod answer;
pub mod ratchet;
pub mod records;
pub mod request;
#[cfg(feature = "witness")]
pub mod service;
#[cfg(test)]
mod tests;
