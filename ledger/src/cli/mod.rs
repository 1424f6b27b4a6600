//! Arguments, and what is said afterwards. Exit code: 0 done, 1 refused, 2 could not.

mod anchor;
mod append;
mod care;
mod clock;
mod desk;
mod document;
mod erase;
mod export;
mod import;
mod intake;
mod key;
mod nats;
mod outbox;
mod proof;
mod publish;
mod serve;
mod setup;
mod succeed;
mod unseal;

use schemas::visible::Show as _;
use std::ops::{Deref, DerefMut};
use std::path::Path;

use clap::{Args, Parser, Subcommand};
use ledger::clock::Clock;
use ledger::failure::Failure;
use ledger::files;
use ledger::folder;
use ledger::import::{Limits, Parties};
use ledger::lead;
use ledger::outbox::Outbox;
use ledger::probe::Probe;
use ledger::pseudonym::Pseudonyms;
use ledger::queue::Queue;
use ledger::settings::Settings;
use ledger::submit::Outcome;
use ledger::writer::{BadLedger, Home, Writer};
use verifier::terminal;

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
    /// Enrol, rotate or revoke a holder's key: who joins, leaves, loses a device, is robbed.
    #[command(subcommand)]
    Key(key::Key),
    /// Name another writer, whose key seals from now on: when the ledger's own key of seals is lost or stolen.
    Epoch(key::Epoch),
    /// Begin a new log that goes on from an old one: when the key of checkpoints is lost or stolen, or the ledger is handed over.
    Succeed(succeed::Succeed),
    /// At an institution: sign into an encrypted outbox, hand in over a line or a stick, keep receipts.
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    /// Take in what institutions packed up on a stick, and write the answers back to it.
    TakeIn(outbox::Office),
    /// Open the desk of an institution: a local page to record, approve, and see what is owed.
    Desk(desk::Desk),
    /// Submit what lies in the outbox.
    Submit(append::Submit),
    /// Print the header row of a register, ready to be filled in.
    Template {
        /// Event type, such as visit.completed.
        event: String,
    },
    /// Make a pack: everything about one subject, for one reader, provably complete.
    Pack(proof::Pack),
    /// Give the receipt of a record: proof that it is in the log.
    Receipt(proof::Receipt),
    /// Ask the witnesses again to cosign what waits for them.
    Publish(publish::Publish),
    /// Say which witnesses must have seen a checkpoint before anyone is handed it.
    Witness(publish::Witness),
    /// Write the log as a bundle that anyone can verify, openings for one party, or a backup.
    Export(export::Export),
    /// Keep a rule profile or a catalogue beside the log, so that an event may adopt it.
    Document(document::Document),
    /// Serve the ledger over HTTP: institutions hand in, everybody reads what is published.
    Serve(serve::Serve),
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
    /// Keep the last signed checkpoint at a second place too, or begin that anew.
    Anchor(anchor::Anchor),
    /// Say that the clock is right, where the ledger does not believe it.
    #[command(subcommand)]
    Clock(clock::Clock),
    /// Prepare NATS servers that carry the log to others.
    #[command(subcommand)]
    Nats(nats::Nats),
}

/// Why a command ended early.
pub enum Ended {
    /// The reporter must act: exit 1.
    Refused(String),
    /// The operator must act: exit 2.
    Could(String),
}

impl<E: std::error::Error + 'static> From<E> for Ended {
    fn from(why: E) -> Self {
        Self::Could(terminal::reasons(&why))
    }
}

/// Reads a policy file, and gives its bytes too. None of what is judged under it may have brought it.
fn policy_file(path: &Path, judged: &[&Path]) -> Result<(schemas::policy::Policy, Vec<u8>), Ended> {
    verifier::files::apart(path, judged)?;
    verifier::files::policy(path).map_err(|why| Ended::Could(format!("{}: {why}", path.shown())))
}

/// Ends where a folder is not the one that was meant.
fn not_here(path: &Path, found: Option<verifier::files::NotHere>) -> Result<(), Ended> {
    found.map_or(Ok(()), |why| Err(Ended::Could(format!("{}: {why}", path.shown()))))
}

/// Makes an event with effect on trust end as who must act: the reporter, where the log would refuse.
fn refusal(why: ledger::trust::BadTrust) -> Ended {
    match why {
        refused @ (ledger::trust::BadTrust::Refused(_) | ledger::trust::BadTrust::Ended { .. }) => {
            Ended::Refused(refused.to_string())
        }
        other => other.into(),
    }
}

/// Makes a reading that is not recorded end as who must act: the reporter, where a code or the event is wrong.
fn reading(why: ledger::access::BadReading) -> Ended {
    use ledger::access::BadReading::{Code, Refused};
    match why {
        refused @ (Code { .. } | Refused(_)) => Ended::Refused(refused.to_string()),
        other => other.into(),
    }
}

/// Runs the command line; gives the exit code.
pub fn run() -> u8 {
    let arguments = match terminal::parse::<Arguments>() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let result = match arguments.command {
        Command::Init(arguments) => arguments.run(),
        Command::Keygen(arguments) => arguments.run(),
        Command::Import(arguments) => arguments.run(),
        Command::Append(arguments) => arguments.run(),
        Command::Cosign(arguments) => arguments.run(),
        Command::Key(arguments) => arguments.run(),
        Command::Epoch(arguments) => arguments.run(),
        Command::Succeed(arguments) => arguments.run(),
        Command::Outbox(command) => command.run(),
        Command::TakeIn(arguments) => arguments.run(),
        Command::Desk(arguments) => arguments.run(),
        Command::Submit(arguments) => arguments.run(),
        Command::Template { event } => template(&event),
        Command::Pack(arguments) => arguments.run(),
        Command::Receipt(arguments) => arguments.run(),
        Command::Publish(arguments) => arguments.run(),
        Command::Witness(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run(),
        Command::Document(arguments) => arguments.run(),
        Command::Serve(arguments) => arguments.run(),
        Command::Intake(arguments) => arguments.run(),
        Command::Unseal(arguments) => arguments.run(),
        Command::Erase(arguments) => arguments.run(),
        Command::Restore(arguments) => arguments.run(),
        Command::Fsck(arguments) => arguments.run(),
        Command::Anchor(arguments) => arguments.run(),
        Command::Clock(arguments) => arguments.run(),
        Command::Nats(arguments) => arguments.run(),
    };
    match result {
        Ok(()) => 0,
        Err(Ended::Refused(why)) => {
            verifier::tell!("{why}");
            1
        }
        Err(Ended::Could(why)) => {
            verifier::tell!("could not: {why}");
            2
        }
    }
}

fn template(event: &str) -> Result<(), Ended> {
    match ledger::import::template(event) {
        Some(header) => {
            terminal::say(format_args!("{header}"));
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

/// Rows that were refused keep the good ones out too, where nobody said otherwise.
fn nothing_recorded(refused: usize, good: usize) -> Ended {
    Ended::Refused(match (refused, good) {
        (0, _) => "nothing was recorded: mend the problems above, and give the files again".to_owned(),
        (_, 0) => format!("nothing was recorded: {refused} rows refused, none good; mend the problems above"),
        _ => format!(
            "nothing was recorded: {refused} rows refused, {good} good; mend the problems above, or take the good rows \
             alone with --accept-valid"
        ),
    })
}

/// What is said of a command that records.
#[derive(Args)]
struct Start {
    /// Go on where no quorum of witnesses can be asked what it has seen of this log. Each start asks them before anything
    /// is recorded: a folder that was put back from a backup is told by what they know.
    #[arg(long)]
    without_witnesses: bool,
}

/// The ledger in a folder, which nobody else may look into.
fn home(folder: &Path) -> Result<Home, Ended> {
    files::refuse_exposed(folder)?;
    Ok(Home::new(folder))
}

/// Opens the ledger in a folder, for one command that records nothing.
fn open(home: &Home) -> Result<Opened, BadLedger> {
    let writer = Writer::open(home, &Probe::of_this_program()?)?;
    writer.mended().iter().for_each(|what| verifier::tell!("note: {what}"));
    if let Some(said) = lead::behind(writer.log().last_received(), Clock::System.now()) {
        // A server's log is JSON throughout.
        if tracing::dispatcher::has_been_set() {
            tracing::warn!(what = %said, "the clock and the log differ");
        } else {
            verifier::tell!("note: {said}");
        }
    }
    Ok(Opened(Some(writer)))
}

/// Opens it for one that records: witnesses are asked first, and what could not be asked is said.
fn record(home: &Home, start: &Start) -> Result<Recording, Ended> {
    let mut opened = open(home)?;
    let mut panel = publish::panel_of(&opened)?;
    let (unasked, outside) = opened.unasked();
    let (mut unasked, outside) = (unasked.to_vec(), outside || opened.has_second_anchor());
    let asked = !panel.is_empty();
    unasked.extend(publish::hear(opened.whole(), &mut panel, start)?);
    for what in &unasked {
        verifier::tell!("note: not asked whether {} is the newest copy of this log: {what}", home.folder().shown());
    }
    if !outside && !asked {
        verifier::tell!(
            "note: nothing outside {0} can say whether it is the newest copy of this log (no witness, mirror, bundle or second \
             anchor is known): if it was put back from a backup, record nothing, and restore: `ledger restore --help`",
            home.folder().shown()
        );
    }
    Ok(Recording(opened))
}

/// A ledger that is stopped in good order when the command is done with it, so that the next one opens it at once.
struct Opened(Option<Writer>);

impl Opened {
    /// The writer itself, for who stops it in another way.
    fn into_writer(mut self) -> Writer {
        self.0.take().expect("there until now")
    }
}

impl Opened {
    /// All of it, for what needs that and records nothing.
    fn whole(&mut self) -> &mut Writer {
        self.0.as_mut().expect("there until it is taken out")
    }
}

/// One that may record: everything at hand was asked first.
struct Recording(Opened);

/// A ledger that was begun just now.
impl From<Writer> for Recording {
    fn from(writer: Writer) -> Self {
        Self(Opened(Some(writer)))
    }
}

impl Deref for Opened {
    type Target = Writer;
    fn deref(&self) -> &Writer {
        self.0.as_ref().expect("there until it is taken out")
    }
}

impl Deref for Recording {
    type Target = Writer;
    fn deref(&self) -> &Writer {
        &self.0
    }
}

impl DerefMut for Recording {
    fn deref_mut(&mut self) -> &mut Writer {
        self.0.whole()
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let Some(writer) = self.0.take().filter(|_| !std::thread::panicking()) else { return };
        if let Err(why) = writer.stop() {
            verifier::tell!(
                "note: the next command must read the whole log again, as this one could not leave its state: {why}"
            );
        }
    }
}

/// The present, as the log may know it: a clock set back must not bring back what was in force.
fn present(writer: &Writer) -> schemas::time::Timestamp {
    let now = Clock::System.now();
    writer.log().last_received().map_or(now, |last| last.max(now))
}

/// Settings of a ledger: those of the profile it keeps.
fn settings(home: &Home) -> Result<Settings, Ended> {
    // No ledger: who opens it says so.
    if home.checkpoint().exists() { Ok(Settings::of(home)?) } else { Ok(Settings::default()) }
}

/// Parties of a ledger, as `init` or the last import left them.
fn parties(path: &Path) -> Result<Parties, Ended> {
    let bytes = files::read(path, 16 << 20)?
        .ok_or_else(|| Failure::Absent { what: "list of parties", path: path.to_owned() })?;
    let (parties, problems) = Parties::read(&path.shown().to_string(), &bytes, &Limits::default());
    if problems.is_empty() { Ok(parties) } else { Err(Ended::Refused(ledger::import::render(&problems))) }
}

/// Pseudonyms of a ledger, held against what its log and its outbox show.
fn pseudonyms(writer: &Writer, list: &Parties, outbox: &Outbox) -> Result<Pseudonyms, Ended> {
    let pseudonyms = Pseudonyms::of_ledger(&writer.home().pseudonyms(), list, Some(writer.log()), outbox)?;
    if let Some(said) = folder::unlisted_in_words(writer, list, &pseudonyms) {
        verifier::tell!("note: {}: {said}", writer.home().parties().shown());
    }
    Ok(pseudonyms)
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

/// Says what waits for the week's batch, and where each receipt will lie: write that down for whoever
/// complained, it proves the record without showing it.
fn say_queued(queued: &[(String, String)], home: &Home) {
    if queued.is_empty() {
        return;
    }
    verifier::say!(
        "{} sealed, encrypted, waiting for the week's batch (ledger intake); receipts will be:",
        queued.len()
    );
    for (row, tag) in queued {
        verifier::say!("  {row}: {}", Queue::at(&home.intake()).receipt(tag).shown());
    }
}

/// Has witnesses see what was submitted, gives receipts, and says what became of it.
fn say(outcome: &Outcome, writer: &mut Writer, outbox: &Outbox) -> Result<(), Ended> {
    verifier::say!(
        "{} in the log, {} were there before, {} refused; the log has {} entries, checkpoint signed",
        outcome.accepted,
        outcome.already,
        outcome.refused.len(),
        writer.log().size()
    );
    publish::ask(writer)?;
    publish::give_receipts(writer, outbox)?;
    if outcome.refused.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = outcome.refused.iter().map(|(row, why)| format!("{row}: {why}")).collect();
    Err(Ended::Refused(format!(
        "refused, everything else stands; mend the rows and import them again (each refusal is receipted in {}):\n{}",
        outbox.receipts().folder().shown(),
        lines.join("\n")
    )))
}
