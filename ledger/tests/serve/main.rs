//! `ledger serve` as clients meet it, friendly and hostile, over the loopback.

// A client reads best with its methods on itself, its heads put together piece by piece, and paths as TOML has them.
#![allow(
    clippy::unused_self,
    clippy::format_push_string,
    clippy::redundant_closure_for_method_calls,
    clippy::unnecessary_debug_formatting
)]

mod common;
mod feed;
mod greedy;
mod handing;
mod hostile;
mod kill;
mod mirror;
mod operator;
mod reading;
mod slow;
mod tls;
