//! Arguments, and what is said afterwards. Exit code: 0 done, 1 refused, 2 could not.

mod append;
mod care;
mod erase;
mod export;
mod import;
mod intake;
mod setup;
mod unseal;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ledger::failure::Failure;
use ledger::files;
use ledger::import::{Limits, Parties};
use ledger::probe::Probe;
use ledger::settings::Settings;
use ledger::submit::Outcome;
use ledger::writer::{BadLedger, Home, Writer};

/// Keeps an access and oversight ledger: signed events in, a verifiable log out.
///
/// Exit code: 0 done, 1 refused (mend what is named, nothing is lost), 2 could not (disk, store, keys).
#[derive(Parser)]
#[command(name = "ledger", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new ledger: its folder, its own keys, and the first entry, which names everybody's first keys.
    Init(setup::Init),
    /// Make a key for a holder; the public half is printed.
    Keygen(setup::Keygen),
    /// Read register files (CSV), check every row, sign into the outbox, submit.
    Import(import::Arguments),
    /// Sign and submit one event given as JSON.
    Append(append::Append),
    /// Give the second signature to a draft that waits for it.
    Cosign(append::Cosign),
    /// Submit what lies in the outbox.
    Submit(append::Submit),
    /// Print the header row of a register, ready to be filled in.
    Template {
        /// Event type, such as visit.completed.
        event: String,
    },
    /// Write the log as a bundle that anyone can verify, openings for one party, or a backup.
    Export(export::Export),
    /// Close the week of the sealed stream: one batch of constant size (the oversight body, weekly).
    Intake(intake::Intake),
    /// Read sealed values with an identity of oversight; the log records it first.
    Unseal(unseal::Unseal),
    /// Destroy the hidden values that a lawful erasure in the log names.
    Erase(erase::Erase),
    /// Make a ledger again from a bundle, after it was verified.
    Restore(care::Restore),
    /// Read everything and verify it, signatures included.
    Fsck(care::Fsck),
}

/// Why a command ended early.
pub enum Ended {
    /// The reporter must act: exit 1.
    Refused(String),
    /// The operator must act: exit 2.
    Could(String),
}

impl<E: std::error::Error> From<E> for Ended {
    fn from(why: E) -> Self {
        Self::Could(why.to_string())
    }
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Init(arguments) => arguments.run(),
        Command::Keygen(arguments) => arguments.run(),
        Command::Import(arguments) => arguments.run(),
        Command::Append(arguments) => arguments.run(),
        Command::Cosign(arguments) => arguments.run(),
        Command::Submit(arguments) => arguments.run(),
        Command::Template { event } => template(&event),
        Command::Export(arguments) => arguments.run(),
        Command::Intake(arguments) => arguments.run(),
        Command::Unseal(arguments) => arguments.run(),
        Command::Erase(arguments) => arguments.run(),
        Command::Restore(arguments) => arguments.run(),
        Command::Fsck(arguments) => arguments.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Ended::Refused(why)) => {
            eprintln!("{why}");
            ExitCode::from(1)
        }
        Err(Ended::Could(why)) => {
            eprintln!("could not: {why}");
            ExitCode::from(2)
        }
    }
}

fn template(event: &str) -> Result<(), Ended> {
    match ledger::import::template(event) {
        Some(header) => {
            print!("{header}");
            Ok(())
        }
        None => {
            let catalogue = schemas::catalogue::Catalogue::built_in();
            let family = event.split('.').next().unwrap_or_default();
            let near: Vec<&str> =
                catalogue.events().map(|e| e.name.as_str()).filter(|n| n.starts_with(family)).collect();
            let hint = if near.is_empty() { "see the catalogue".to_owned() } else { near.join(", ") };
            Err(Ended::Refused(format!("{event}: no such event type; try: {hint}")))
        }
    }
}

/// Opens the ledger in a folder.
fn open(home: &Home) -> Result<Writer, BadLedger> {
    Writer::open(home, &Probe::of_this_program()?)
}

/// Settings of a ledger: those of the profile it keeps, if it keeps one.
fn settings(home: &Home) -> Result<Settings, Ended> {
    match files::read(&home.profile(), 1 << 20)? {
        Some(bytes) => Ok(Settings::read(&bytes)?),
        None => Ok(Settings::default()),
    }
}

/// Parties of a ledger, as `init` or the last import left them.
fn parties(path: &Path) -> Result<Parties, Ended> {
    let bytes = files::read(path, 16 << 20)?
        .ok_or_else(|| Failure::Absent { what: "list of parties", path: path.to_owned() })?;
    let (parties, problems) = Parties::read(&path.display().to_string(), &bytes, &Limits::default());
    if problems.is_empty() { Ok(parties) } else { Err(Ended::Refused(ledger::import::render(&problems))) }
}

/// A bar on a terminal, nothing in a pipe.
fn bar(what: &'static str) -> impl FnMut(u64, u64) {
    let bar = indicatif::ProgressBar::new(0);
    if let Ok(style) = indicatif::ProgressStyle::with_template("{msg:10} {bar:40} {human_pos} of {human_len}") {
        bar.set_style(style);
    }
    bar.set_message(what);
    move |done, total| {
        bar.set_length(total);
        bar.set_position(done.min(total));
        if done >= total {
            bar.finish_and_clear();
        }
    }
}

/// Says what became of everything submitted.
fn say(outcome: &Outcome, writer: &Writer) -> Result<(), Ended> {
    println!(
        "{} in the log, {} were there before, {} refused; the log has {} entries, checkpoint signed",
        outcome.accepted,
        outcome.already,
        outcome.refused.len(),
        writer.log().size()
    );
    if outcome.refused.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = outcome.refused.iter().map(|(row, why)| format!("{row}: {why}")).collect();
    Err(Ended::Refused(format!("refused, everything else stands:\n{}", lines.join("\n"))))
}
