//! The command `ledger`: what the operator of a ledger and those who report to it run.

mod cli;

use std::process::ExitCode;

/// What one thread takes and another gives back is a third of the work with the system's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A store is opened and scanned in a child process first; that child is this program again.
    ledger::probe::take_over();
    verifier::terminal::run("ledger", cli::run)
}
