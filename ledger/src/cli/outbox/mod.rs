//! `outbox`: what an institution does where the ledger is not.

mod carry;
mod record;
mod send;
mod setup;
mod show;
mod stick;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ledger::clock::Clock;
use ledger::failure::Failure;
use ledger::files;
use ledger::lead;
use ledger::outpost::{Held, Outpost, Secret, State, Taken};
use verifier::pack::PackReport;
use zeroize::Zeroizing;

use super::Ended;

pub use stick::Office;

/// Longest file with a passphrase, in bytes.
const PASSPHRASE_BYTES_MAX: usize = 4_096;

/// The outbox of an institution: sign here, hand in when there is a line or a stick, keep the receipts.
#[derive(Subcommand)]
pub enum Outbox {
    /// Make a folder for an institution; everything in it is encrypted.
    Init(setup::Init),
    /// Change what the folder goes by: address, policy, parties, oversight's age keys.
    Set(setup::Set),
    /// Read register files (CSV), check every row, sign.
    Import(record::Import),
    /// Sign one event given as JSON.
    Append(record::Append),
    /// Give the second signature to drafts that wait for it.
    Cosign(record::Cosign),
    /// Print an event ready for `outbox append`: a device, what it delivered, an outage or its end.
    Propose(record::Propose),
    /// Say how far each record has come.
    Status(show::Status),
    /// Write records, receipts, refusals and stamps as plain files: to print, to show, for `verifier compare --mine`.
    Receipts(show::Receipts),
    /// Hand in over the line, and take in what comes back.
    Submit(send::Submit),
    /// Put what is not proven yet on a stick for the ledger's office.
    PackUp(stick::PackUp),
    /// Take in what a stick brought back from the ledger's office.
    TakeIn(stick::TakeIn),
    /// Carry others' events in (any party with a key; oversight, where a ledger ignores them), and stamp when.
    Carry(carry::Carry),
}

impl Outbox {
    pub fn run(self) -> Result<(), Ended> {
        match self {
            Self::Init(arguments) => arguments.run(),
            Self::Set(arguments) => arguments.run(),
            Self::Import(arguments) => arguments.run(),
            Self::Append(arguments) => arguments.run(),
            Self::Cosign(arguments) => arguments.run(),
            Self::Propose(arguments) => arguments.run(),
            Self::Status(arguments) => arguments.run(),
            Self::Receipts(arguments) => arguments.run(),
            Self::Submit(arguments) => arguments.run(),
            Self::PackUp(arguments) => arguments.run(),
            Self::TakeIn(arguments) => arguments.run(),
            Self::Carry(arguments) => arguments.run(),
        }
    }
}

/// The folder, and what opens it.
#[derive(Args)]
pub struct Place {
    /// Folder of the institution's outbox.
    folder: PathBuf,
    #[command(flatten)]
    lock: Lock,
}

/// What opens the folder: one of the two.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Lock {
    /// Key file that opens the folder; it must lie elsewhere, such as on a stick that stays with its holder.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// File whose first line is the passphrase that opens the folder, - for standard input.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl Lock {
    fn secret(&self) -> Result<Secret, Ended> {
        if let Some(path) = &self.key_file {
            return Ok(Secret::KeyFile(path.clone()));
        }
        let path = self.passphrase_file.clone().unwrap_or_else(|| PathBuf::from("-"));
        let bytes = if path.as_os_str() == "-" {
            let mut line = Zeroizing::new(Vec::with_capacity(PASSPHRASE_BYTES_MAX));
            let input = std::io::stdin().lock().take(PASSPHRASE_BYTES_MAX as u64);
            BufReader::with_capacity(1, input).read_until(b'\n', &mut line)?;
            line
        } else {
            let absent = || Failure::Absent { what: "passphrase file", path: path.clone() };
            files::read_secret(&path, PASSPHRASE_BYTES_MAX)?.ok_or_else(absent)?
        };
        let text = std::str::from_utf8(&bytes);
        let text = text.map_err(|_| Ended::Refused("the passphrase is not UTF-8".to_owned()))?;
        Ok(Secret::Passphrase(text.lines().next().unwrap_or_default().to_owned().into()))
    }
}

impl Place {
    /// Opens the folder.
    pub fn open(&self) -> Result<Outpost, Ended> {
        files::refuse_exposed(&self.folder)?;
        let outpost = Outpost::open(&self.folder, &self.lock.secret()?)?;
        let received = |held: &Held| match held.state {
            State::Covered { received_at, .. } => Some(received_at),
            _ => None,
        };
        if let Some(said) = lead::behind(outpost.held().iter().filter_map(received).max(), Clock::System.now()) {
            verifier::tell!("note: of what the ledger has receipted: {said}");
        }
        Ok(outpost)
    }
}

/// Says what a pack shows that should be here and is not.
fn say_not_here(outpost: &Outpost, pack: &PackReport) {
    let missing: Vec<_> = outpost.not_here(pack).collect();
    if let Some(first) = missing.first() {
        let first = first.event.address();
        verifier::say!(
            "ATTENTION: {} records in the log bear signatures of this outbox's keys and are not in this outbox ({first}, ...). \
             Either they were signed with the same key at the ledger's office or on another machine of yours: then \
             `verifier compare --mine` with both folders shows each of them, and all is well. Or this folder was put back \
             from an older copy: lay the newest copy in its place. Or somebody else has a key of yours: revoke it (ledger \
             key revoke --help) and dispute the records. Once you know which, `ledger outbox set FOLDER --accounted-for` says \
             so, and they are told no more. None of those numbers is used again",
            missing.len()
        );
    }
}

/// Says what answers came to; a refusal or an answer that does not hold ends with exit code 1.
fn say_taken(taken: &Taken) -> Result<(), Ended> {
    verifier::say!(
        "{} proven by a receipt, {} in the log by the ledger's word, {} refused",
        taken.covered,
        taken.received,
        taken.refused.len()
    );
    if taken.foreign > 0 {
        verifier::say!("{} answers are about events that are not in this outbox", taken.foreign);
    }
    let mut wrong = Vec::new();
    for (row, why) in &taken.refused {
        wrong.push(format!("refused  {row}: {why}"));
    }
    for lie in &taken.lies {
        wrong.push(format!("NOT BELIEVED  {}: {}", lie.source, lie.what));
        if !lie.evidence.is_empty() {
            wrong.push(format!("keep this as evidence:\n{}", lie.evidence));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Ended::Refused(wrong.join("\n"))) }
}
