//! The command `verifier`: what an auditor runs, offline, with files and a public key.

mod cli;
mod print;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
