//! The ledger and a real nats-server: what goes out, what comes in, and what is refused. Feature `nats`; the variable
//! `NATS_SERVER` names the server, as `tests/run` finds or installs it.
#![cfg(feature = "nats")]

mod broken;
mod cluster;
mod copied;
mod demands;
mod lost;
#[path = "../fork/place.rs"]
mod place;
mod projector;
mod proxy;
mod server;
mod services;
mod small;
mod stream;
mod submit;
