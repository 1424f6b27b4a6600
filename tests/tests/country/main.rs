//! Whole countries through the whole system: registers, log, bundle, check, judgement, pages.
//!
//! Each file is one promise. The programs of the other crates are found beside the demo; build
//! them first with `cargo build --bins`, as `tests/run` does.

mod canary;
mod common;
mod every;
mod kill;
mod log;
mod marks;
mod velmora;
