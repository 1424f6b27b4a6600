//! Arguments of the command `verifier`, one file a command.

mod attest;
mod check;
mod compare;
mod paper;
mod read;
mod succession;
mod witness;

use clap::{Parser, Subcommand};
use schemas::visible::Show as _;
use verifier::terminal;

/// Verifies what a ledger of access and oversight hands out: offline, with files and a public key.
///
/// Exit code: 0 holds; 1 a fault was found, or proven: evidence that a log lied is 1; 2 cannot tell, or evidence that
/// proves nothing.
#[derive(Parser)]
#[command(name = "verifier", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a bundle, an archive, a pack, a receipt, a checkpoint or evidence of a fork.
    Check(check::Check),
    /// Set two checkpoints, packs or bundles side by side, or your own records against a pack.
    Compare(compare::Compare),
    /// State, as an auditor, that you have recomputed the index of a bundle.
    Attest(attest::Attest),
    /// Make a page for people without a computer: words, numbers and a QR code.
    Print(paper::Print),
    /// Check that a log goes on from the one before it, as its second entry says.
    Succession(succession::Arguments),
    /// Watch logs as a witness.
    #[command(subcommand)]
    Witness(witness::Witness),
}

/// Why a command could not even begin.
#[derive(Debug, thiserror::Error)]
pub enum CannotBegin {
    /// The policy.
    #[error("{}: {}; give the policy file that you hold with --policy", .path.shown(), .why.shown())]
    Policy {
        /// Its file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The policy came with what it would vouch for.
    #[error(transparent)]
    CameAlong(#[from] verifier::files::CameAlong),
    /// A file or folder.
    #[error("{}: {}", .path.shown(), .why.shown())]
    File {
        /// Which.
        path: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Runs the command line; gives the exit code.
pub fn run() -> u8 {
    let command = match terminal::parse::<Arguments>() {
        Ok(arguments) => arguments.command,
        Err(code) => return code,
    };
    let done = match command {
        Command::Check(arguments) => arguments.run(),
        Command::Compare(arguments) => arguments.run(),
        Command::Attest(arguments) => arguments.run(),
        Command::Print(arguments) => arguments.run(),
        Command::Succession(arguments) => arguments.run(),
        Command::Witness(command) => return witness(command),
    };
    match done {
        Ok(code) => code,
        Err(why) => {
            verifier::tell!("cannot tell: {}", terminal::reasons(&why));
            2
        }
    }
}

fn witness(command: witness::Witness) -> u8 {
    match command.run() {
        Ok(()) => 0,
        Err(why) => {
            verifier::tell!("could not: {}", terminal::reasons(&why));
            2
        }
    }
}

/// Writes to the standard output.
fn say(text: &str) {
    terminal::say(format_args!("{text}"));
}
