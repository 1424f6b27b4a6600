//! An institution where the ledger is not: recording, bad lines, sticks, answers that do not hold, a stolen laptop.

mod line;
mod lost;
mod place;
mod rest;
mod server;
mod stick;
#[path = "../shared/typed.rs"]
mod typed;
