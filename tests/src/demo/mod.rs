//! The whole system on a country's registers: registers -> outbox -> log -> bundle -> check ->
//! report -> pages. The same code as the commands run; only the clock is virtual and the keys are
//! samples.

mod next;
mod serve;
mod witnesses;

use std::path::{Path, PathBuf};
use std::time::Instant;

use ledger::enrol::{SEALED_HOLDER, enrol};
use ledger::export;
use ledger::failure::Failure;
use ledger::files;
use ledger::folder::{self, BadFolder, SignOptions};
use ledger::import::{self, Import, Nothing, Options, Parties};
use ledger::keys::{BadKeyFile, IDENTITY_ENDING, KeyFolder, read_identity};
use ledger::outbox::Outbox;
use ledger::probe::Probe;
use ledger::pseudonym::Pseudonyms;
use ledger::settings::{BadSettings, Settings};
use ledger::submit::{self, Cuts};
use ledger::writer::{BadLedger, Home, Writer};
use projector::feed::BundleFeed;
use projector::output;
use projector::profile::{BadProfile, Profile};
use projector::projection::{BadProjection, When, project};
use schemas::catalogue::Role;
use schemas::note::Origin;
use schemas::policy::Policy;
use schemas::time::Timestamp;
use schemas::visible::Show as _;
use verifier::audience::Audience;
use verifier::bundle::{NoVisitor, Source, check};
use verifier::files::Folder;
use verifier::report::Report;
use verifier::unseal::Identity;
use verifier::witness::service::state_file::BadState;

pub use next::steps as next_steps;
pub use serve::{BadServe, serve};
pub use witnesses::{WITNESSES, Witnesses};

/// File that says that a folder was made by the demo, and may be made anew.
const MARK: &str = "made-by-the-demo";
/// File that says that everything is there: the last one made, and the last one removed.
const FINISHED: &str = "finished";

/// Where a scenario's results go.
#[derive(Clone, Debug)]
pub struct Places {
    /// The country's folder.
    pub scenario: PathBuf,
    /// Folder for everything made.
    pub out: PathBuf,
}

impl Places {
    /// The ledger.
    pub fn home(&self) -> Home {
        Home::new(&self.out.join("ledger"))
    }

    /// Sample keys of all holders.
    pub fn keys(&self) -> PathBuf {
        self.out.join("keys")
    }

    /// The bundle.
    pub fn bundle(&self) -> PathBuf {
        self.out.join("bundle")
    }

    /// All openings, for oversight.
    pub fn openings(&self) -> PathBuf {
        self.out.join("openings")
    }

    /// The policy, as a reader would hold it apart from the bundle.
    pub fn policy(&self) -> PathBuf {
        self.out.join("policy")
    }

    /// Keys and state files of three sample witnesses.
    pub fn witnesses(&self) -> PathBuf {
        self.out.join("witnesses")
    }

    /// Findings and figures for oversight.
    pub fn report(&self) -> PathBuf {
        self.out.join("report")
    }

    /// The public pages.
    pub fn site(&self) -> PathBuf {
        self.out.join("site")
    }

    /// Whether a run has begun here and has not come to its end; the next one goes on.
    pub fn is_unfinished(&self) -> bool {
        self.out.join(MARK).exists() && !self.out.join(FINISHED).exists()
    }
}

/// Why the demo ended early.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // each is the error of one step
pub enum BadDemo {
    #[error("{} holds something else: choose another folder with --out, or remove it", .0.shown())]
    Occupied(PathBuf),
    #[error("{} has no {what}: a scenario is a folder with parties.csv, profile.toml and registers/", .folder.shown())]
    Scenario { folder: PathBuf, what: &'static str },
    #[error("the registers are not as they should be:\n{0}")]
    Registers(String),
    #[error("the ledger refused rows:\n{0}")]
    Refused(String),
    #[error("the bundle does not verify: {0}")]
    NotVerified(String),
    #[error(transparent)]
    Settings(#[from] BadSettings),
    #[error("profile.toml: {0}")]
    Profile(#[from] BadProfile),
    #[error(transparent)]
    Folder(#[from] BadFolder),
    #[error(transparent)]
    Ledger(#[from] BadLedger),
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    #[error(transparent)]
    Failure(#[from] Failure),
    #[error(transparent)]
    Witness(#[from] BadState),
    #[error(transparent)]
    Projection(#[from] BadProjection),
    #[error(transparent)]
    Unwritten(#[from] projector::site::BadWrite),
    #[error("the sample event and register could not be written: {0}")]
    Sample(std::io::Error),
    #[error(transparent)]
    Serve(#[from] BadServe),
}

/// What the demo came to.
#[derive(Debug)]
pub struct Done {
    /// Rows of the registers.
    pub rows: usize,
    /// Entries in the log.
    pub entries: u64,
    /// The check of the bundle.
    pub check: Report,
    /// Findings at the last date, as oversight sees them.
    pub findings: usize,
}

/// Builds everything from a scenario. Interrupted at any moment, it goes on where it stopped when
/// it is run again.
///
/// # Errors
/// [`BadDemo`] names the step.
pub fn build(places: &Places, say: &mut dyn FnMut(&str)) -> Result<Done, BadDemo> {
    begin(places)?;
    let mut step = Step { say, since: Instant::now() };
    let profile = read(&places.scenario, "profile.toml", "profile.toml")?;
    let settings = Settings::take(&profile)?;
    Profile::parse(&profile)?;
    let (import, mut outbox) = registers(places, &settings)?;
    let (rows, parties) = (import.drafts.len() + import.skipped.len(), import.parties.clone());
    let warnings = import.warnings.len();
    step.done(&format!("read     {rows} rows of {} parties, {warnings} warnings", parties.len()));
    for warning in &import.warnings {
        (step.say)(&format!("         {warning}"));
    }
    let origin = origin_of(&places.scenario);
    let (mut writer, begun) = open_or_found(places, &origin, &parties, &outbox, &import, &profile)?;
    let pseudonyms = Pseudonyms::load(&places.home().pseudonyms(), &parties)?;
    let at_hand = KeyFolder::new(&places.keys(), origin.clone());
    enrol(&mut writer, &mut outbox, &parties, at_hand, &pseudonyms, begun, true)?;
    let (keyring, recipients) = (writer.log().keyring().clone(), writer.log().recipients().clone());
    let options = SignOptions {
        keyring: &keyring,
        keys: &places.keys(),
        drafts: places.home().drafts(),
        intake: places.home().intake(),
        settings: &settings,
        recipients: &recipients,
        now: begun,
        replay: true,
    };
    let witnesses = Witnesses::new(places, &writer)?;
    let signed = folder::sign_into(&mut outbox, import, &pseudonyms, &options, &mut bar("signing"))?;
    step.done(&format!("signed   {} events into the outbox, on the disk", signed.signed));
    let parcels = outbox.parcels()?;
    let first = parcels.iter().filter_map(|p| p.received_at).min();
    let last = parcels.iter().filter_map(|p| p.received_at).max().max(settings.last_instant());
    if let (Some(first), Some(last)) = (first, last) {
        let offset = settings.utc_offset_minutes;
        let cuts = Cuts::new(first.date(offset), last.date(offset), offset, &settings.evaluations);
        let mut panel = witnesses.panel();
        let outcome = submit::replay_before(&mut writer, &parcels, &cuts, Some(&mut panel), &mut bar("committing"))?;
        if !outcome.refused.is_empty() {
            let lines: Vec<String> = outcome.refused.iter().map(|(row, why)| format!("{row}: {why}")).collect();
            return Err(BadDemo::Refused(lines.join("\n")));
        }
    }
    let (entries, batches) = (writer.log().size(), writer.log().batches());
    step.done(&format!("logged   {entries} entries in {batches} batches, each on the disk before its answer"));
    let policy = witnesses.policy().to_owned();
    step.done(&format!("seen     by {} witnesses, each checkpoint by two or more", WITNESSES.len()));
    witnesses.leave()?;
    files::replace(&places.policy(), policy.as_bytes())?;
    let exported =
        export::bundle(&writer, &policy, settings.utc_offset_minutes, &places.bundle(), &mut bar("exporting"))?;
    // The demo plays all parties: here oversight opens with its own identity what the ledger cannot read.
    let identity = identity_of(places, &parties)?;
    export::openings(&writer, &Audience::Oversight, identity.as_ref(), &places.openings())?;
    step.done(&format!(
        "exported {} files, {} kB: static tiles that any C2SP tool reads",
        exported.files,
        exported.bytes / 1000
    ));
    drop(writer);
    finish(places, rows, &policy, step)
}

/// From here on nothing but files is used, as an auditor would.
fn finish(places: &Places, rows: usize, policy: &str, mut step: Step<'_>) -> Result<Done, BadDemo> {
    let policy = Policy::parse(policy).expect("made a moment ago");
    let (mut bundle, mut openings) = (Folder::new(&places.bundle()), Folder::new(&places.openings()));
    let check = check(&mut bundle, &policy, Some(&mut openings), &mut NoVisitor);
    if check.exit_code() != 0 {
        let what = check.faults.first().map_or_else(|| check.unknown.join("; "), ToString::to_string);
        return Err(BadDemo::NotVerified(what));
    }
    step.done(&format!(
        "checked  {}: every signature, chain, tree, index, admission, openings",
        check.verdict().as_str()
    ));
    let mut feed =
        BundleFeed { source: &mut bundle, openings: Some(&mut openings as &mut dyn Source), policy: &policy };
    let projection = project(&mut feed, When::Profile, &mut bar("judging"))?;
    output::report(&projection, projector::lens::Audience::Oversight, &places.report())?;
    output::public_site(&projection, &places.site())?;
    files::replace(&places.out.join(FINISHED), b"Everything is there; the next run begins anew.\n")?;
    let findings = projection.opened.evaluations.last().map_or(0, |e| e.findings.len());
    let dates = projection.opened.evaluations.len();
    step.done(&format!("judged   {findings} findings at the last of {dates} dates; report and pages written"));
    let entries = check.head.as_ref().map_or(0, |h| h.checkpoint.size);
    Ok(Done { rows, entries, check, findings })
}

fn begin(places: &Places) -> Result<(), BadDemo> {
    let mark = places.out.join(MARK);
    let io = |source| Failure::Io { doing: "prepare", path: places.out.clone(), source };
    files::create_folder(&places.out)?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&places.out).map_err(io)? {
        found.push(entry.map_err(io)?.path());
    }
    // A run that was cut short before anything else may have left half a mark.
    let draft = places.out.join(format!("{MARK}.new"));
    if !mark.exists() && found.iter().any(|path| *path != draft) {
        return Err(BadDemo::Occupied(places.out.clone()));
    }
    // One that an older demo left open to everyone is closed.
    verifier::output::settle_folder(&places.out, verifier::output::Readers::Owner).map_err(io)?;
    // A finished run is made anew, an interrupted one goes on; so a removal that is interrupted
    // must go on too.
    let finished = places.out.join(FINISHED);
    if finished.exists() {
        for path in found.iter().filter(|path| **path != mark && **path != finished) {
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.map_err(io)?;
        }
        files::remove(&finished)?;
    }
    let text = "Made by the demo; it may remove this folder when it runs again. The keys in it are samples.\n";
    files::replace(&mark, text.as_bytes()).inspect_err(|_| {
        let _ = std::fs::remove_dir(&places.out); // what holds anything stays
    })?;
    Ok(())
}

fn registers(places: &Places, settings: &Settings) -> Result<(Import, Outbox), BadDemo> {
    read(&places.scenario, "parties.csv", "parties.csv")?;
    files::create_folder(places.home().folder())?;
    let outbox = Outbox::open(&places.home().outbox())?;
    let options = Options { replay: true, utc_offset_minutes: settings.utc_offset_minutes, ..Options::default() };
    // All rows are read again even if some are signed already: the sealed stream's weeks are made
    // of all their rows, and one that is filled up after an interruption must not grow.
    let import = import::read_folder(&places.scenario, &options, &Nothing);
    if import.problems.is_empty() {
        Ok((import, outbox))
    } else {
        Err(BadDemo::Registers(import::render(&import.problems)))
    }
}

fn open_or_found(
    places: &Places,
    origin: &Origin,
    parties: &Parties,
    outbox: &Outbox,
    import: &Import,
    profile: &[u8],
) -> Result<(Writer, Timestamp), BadDemo> {
    let home = places.home();
    let earlier = outbox.parcels()?.into_iter().filter_map(|p| p.received_at).min();
    let first = import.drafts.iter().filter_map(|d| d.received_at).chain(earlier).min();
    let first = first.ok_or(BadDemo::Scenario { folder: places.scenario.clone(), what: "row in registers/" })?;
    let writer = if home.checkpoint().exists() {
        Writer::open(&home, &Probe::of_this_program()?)?
    } else {
        let mut keys = KeyFolder::new(&places.keys(), origin.clone());
        folder::found(&home, origin, parties, &mut keys, first)?
    };
    folder::settle(&writer, &read(&places.scenario, "parties.csv", "parties.csv")?, Some(profile))?;
    Ok((writer, first))
}

/// The identity to which sealed values were encrypted, if the country has an oversight body.
fn identity_of(places: &Places, parties: &Parties) -> Result<Option<Identity>, BadDemo> {
    let Some(body) = parties.iter().find(|p| p.role == Role::Oversight) else { return Ok(None) };
    let path = places.keys().join(format!("{}.{SEALED_HOLDER}.{IDENTITY_ENDING}", body.id));
    Ok(if path.exists() { Some(read_identity(&path)?) } else { None })
}

/// `<name of the folder>.example/access-ledger`.
fn origin_of(scenario: &Path) -> Origin {
    let name = scenario.file_name().and_then(|n| n.to_str()).unwrap_or("sample").to_ascii_lowercase();
    let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(60).collect();
    Origin::parse(&format!("{plain}.example/access-ledger")).expect("letters, digits and hyphens make an origin")
}

fn read(folder: &Path, name: &str, what: &'static str) -> Result<Vec<u8>, BadDemo> {
    let absent = || BadDemo::Scenario { folder: folder.to_owned(), what };
    files::read(&folder.join(name), 16 << 20)?.ok_or_else(absent)
}

struct Step<'a> {
    say: &'a mut dyn FnMut(&str),
    since: Instant,
}

impl Step<'_> {
    fn done(&mut self, what: &str) {
        let seconds = self.since.elapsed().as_secs_f64();
        (self.say)(&format!("{seconds:5.2} s  {what}"));
    }
}

/// A bar on a terminal, nothing in a pipe.
fn bar(what: &'static str) -> impl FnMut(u64, u64) {
    let bar = indicatif::ProgressBar::new(0);
    if let Ok(style) = indicatif::ProgressStyle::with_template("         {msg:10} {bar:40} {human_pos} of {human_len}")
    {
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
