//! `ledger serve`: the ledger over HTTP.
//!
//! A newcomer's map: `listen` takes connections, in bounded number and time, and speaks TLS (`tls`);
//! `routes` says which path is whose and accounts for every request; `caller` finds out who signed it, under
//! the keys that `registry` knows; `limits` keeps anyone from taking it all. One noun a file follows:
//! `tiles`, `events`, `receipts`, `proofs`, `packs`, `openings`, `feed`, `health`, `figures`, `openapi`.
//! Whatever goes wrong is a `problem` (RFC 9457). Reads see what is published alone ([`crate::publish`]).

pub mod app;
mod caller;
pub mod config;
mod events;
mod feed;
mod figures;
mod health;
mod ids;
mod limits;
mod listen;
pub mod log;
pub mod openapi;
mod openings;
mod packs;
pub mod problem;
mod proofs;
mod query;
pub mod readings;
mod receipts;
mod registry;
pub mod routes;
pub mod server;
mod spent;
mod tiles;
mod tls;
mod weighed;

pub use server::{BadServer, Server};
