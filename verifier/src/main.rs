//! The command `verifier`: what an auditor runs, offline, with files and a public key.

mod cli;
mod print;

use std::process::ExitCode;

/// What one thread takes and another gives back is a third of the work with the system's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    verifier::terminal::run("verifier", cli::run)
}
