//! `outbox import`, `append`, `cosign`, `propose`: into the outbox.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ledger::clock::Clock;
use ledger::failure::Failure;
use ledger::files;
use ledger::import::{self, Charset, MAPPING_BYTES_MAX, Mapping, Options, render};
use ledger::keys::KeyFolder;
use ledger::outpost::{Held, Outpost, SignedHere, State, Waiting};
use ledger::sign::Channel;
use schemas::hash::Hash;
use schemas::visible::Show as _;

use super::super::Ended;
use super::super::append::{csv_of, read_event};
use super::Place;

/// Arguments of `outbox import`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger outbox import outbox visit.completed.csv --key-file /media/stick/outbox.key --keys keys

All problems are listed at once, with file, line, column and what to do. The same rows again add nothing. Rows may
refer to what this outbox signed before, and to what the newest pack about the institution shows (outbox submit
fetches it; a stick may bring it)."
)]
pub struct Import {
    #[command(flatten)]
    place: Place,
    /// Register files, each named EVENT.TYPE.csv.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Folder of holders' keys, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Check everything and say what would happen; record nothing.
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows even if others are refused; otherwise one bad row keeps all out.
    #[arg(long)]
    accept_valid: bool,
    /// Encoding of the files, such as windows-1252 or windows-1256; UTF-8 if not given.
    #[arg(long)]
    encoding: Option<String>,
    /// Mapping of foreign column names, codes and dates (TOML).
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
}

impl Import {
    pub fn run(self) -> Result<(), Ended> {
        let mut outpost = self.place.open()?;
        let mapping = match &self.mapping {
            Some(path) => {
                let absent = || Failure::Absent { what: "mapping file", path: path.clone() };
                let bytes = files::read(path, MAPPING_BYTES_MAX)?.ok_or_else(absent)?;
                Some(Mapping::read(&path.shown().to_string(), &bytes).map_err(|p| Ended::Refused(render(&p)))?)
            }
            None => None,
        };
        let charset = match &self.encoding {
            Some(label) => Charset::parse(label).map_err(|e| Ended::Refused(e.to_string()))?,
            None => Charset::default(),
        };
        let mut read = checked(&outpost, &self.files, Options { mapping, charset, ..Options::default() })?;
        outpost.tell_changed(&mut read)?;
        verifier::tell!("{}{}", render(&read.problems), render(&read.warnings));
        let (rows, refused, again) = (read.drafts.len(), read.refused, read.skipped.len());
        if !read.problems.is_empty() && !self.accept_valid {
            return Err(super::super::nothing_recorded(refused, rows));
        }
        if self.dry_run {
            verifier::say!(
                "dry run: {rows} rows would be recorded, {again} are there already, {refused} refused; nothing was recorded"
            );
            return if read.problems.is_empty() { Ok(()) } else { Err(Ended::Refused(String::new())) };
        }
        let keys = KeyFolder::new(&self.keys, outpost.standing().origin.clone());
        let signed = outpost.sign(&read.drafts, keys, Channel::Outbox, Clock::System.now())?;
        say_signed(&outpost, &signed);
        verifier::say!("{} were there already", again + signed.again);
        if read.problems.is_empty() {
            Ok(())
        } else {
            Err(Ended::Refused(format!("{refused} rows refused, as listed above; the good ones are recorded")))
        }
    }
}

/// Register files of the institution, checked against what it knows.
fn checked(outpost: &Outpost, paths: &[PathBuf], options: Options) -> Result<import::Import, Ended> {
    let (parties, known) = (outpost.parties()?, outpost.known()?);
    let utc_offset_minutes = outpost.standing().utc_offset_minutes;
    let options = Options { now: Some(Clock::System.now()), utc_offset_minutes, ..options };
    Ok(import::read_files(paths, &outpost.standing().party, &parties, &options, &known))
}

fn say_signed(outpost: &Outpost, signed: &SignedHere) {
    verifier::say!("{} signed and recorded here", signed.recorded);
    for event in &signed.waiting {
        if let Some(draft) = outpost.draft(event) {
            say_draft(draft);
        }
    }
}

fn say_draft(draft: &Waiting) {
    verifier::say!(
        "waits for a second signature, by {} of {}: {}  {}",
        draft.holder.holder,
        draft.holder.party,
        draft.id.to_hex(),
        draft.parcel.source
    );
}

/// A draft with every byte of it.
fn say_whole(draft: &Waiting) {
    say_draft(draft);
    verifier::say!("{}", ledger::cosign::shown(&draft.signed, &draft.parcel.opening).trim_end());
}

/// Arguments of `outbox append`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "The JSON has the columns of a register row, by name, as for `ledger append --help`."
)]
pub struct Append {
    #[command(flatten)]
    place: Place,
    /// File with the event, - for standard input.
    event: PathBuf,
    /// Folder of holders' keys, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
}

impl Append {
    pub fn run(self) -> Result<(), Ended> {
        let text = read_event(&self.event)?;
        let given = csv_of(&text)?;
        let party = given.party.clone();
        let mut outpost = self.place.open()?;
        if party != outpost.standing().party {
            let ours = &outpost.standing().party;
            return Err(Ended::Refused(format!("the event is by {party}; this is the outbox of {ours}")));
        }
        let (parties, known) = (outpost.parties()?, outpost.known()?);
        let utc_offset_minutes = outpost.standing().utc_offset_minutes;
        let options = Options { now: Some(Clock::System.now()), utc_offset_minutes, ..Options::default() };
        let file = || vec![(format!("{}.csv", given.kind), given.csv.clone().into_bytes())];
        let first = import::read_bytes(file(), &party, &parties, &options, &given.without(&known));
        if let Some(draft) = first.drafts.first() {
            let before = outpost.before(draft)?.map_or_else(|| outpost.alike(draft), |before| Ok(Some(before)))?;
            if let Some(before) = before.filter(|before| given.is_it(&before.source, &before.beside)) {
                let waits = before.waits.then_some("here  (ledger outbox cosign)");
                return given.again(&before.source, &before.beside, waits);
            }
        }
        let mut read = import::read_bytes(file(), &party, &parties, &options, &known);
        for problem in read.problems.iter_mut().chain(&mut read.warnings) {
            problem.file = self.event.shown().to_string();
            problem.line = None;
        }
        if !read.problems.is_empty() {
            return Err(Ended::Refused(format!("{}nothing was recorded", render(&read.problems))));
        }
        verifier::tell!("{}", render(&read.warnings));
        let keys = KeyFolder::new(&self.keys, outpost.standing().origin.clone());
        let signed = outpost.sign(&read.drafts, keys, Channel::Outbox, Clock::System.now())?;
        say_signed(&outpost, &signed);
        Ok(())
    }
}

/// Arguments of `outbox cosign`.
#[derive(Args)]
pub struct Cosign {
    #[command(flatten)]
    place: Place,
    /// Ids of the drafts, or their beginnings; without one, all that wait are shown and none is signed.
    drafts: Vec<String>,
    /// Folder of holders' keys, PARTY.HOLDER.key: the second person's.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// End the drafts instead: nobody will sign them.
    #[arg(long, requires = "drafts")]
    discard: bool,
}

impl Cosign {
    pub fn run(self) -> Result<(), Ended> {
        let mut outpost = self.place.open()?;
        if self.drafts.is_empty() {
            outpost.waiting().for_each(say_whole);
            return Ok(());
        }
        for wanted in &self.drafts {
            let found: Vec<Hash> =
                outpost.waiting().filter(|d| d.id.to_hex().starts_with(wanted.as_str())).map(|d| d.id).collect();
            let [event] = found.as_slice() else {
                let is_it = |held: &&Held| {
                    held.id.to_hex().starts_with(wanted.as_str()) && !matches!(held.state, State::Refused { .. })
                };
                if let (true, false, Some(held)) = (found.is_empty(), self.discard, outpost.held().iter().find(is_it)) {
                    verifier::say!("signed and recorded before: {}", held.parcel.source);
                    continue;
                }
                return Err(Ended::Refused(format!("{} drafts begin with {wanted:?}: name one", found.len())));
            };
            let Some(draft) = outpost.draft(event).cloned() else { continue };
            if self.discard {
                outpost.discard(event)?;
                verifier::say!("ended: {}", draft.parcel.source);
                continue;
            }
            // What is signed is what was read.
            say_whole(&draft);
            let pseudonyms = outpost.pseudonyms()?;
            let unnamed = || Ended::Refused("--keys names the folder with the second person's key".to_owned());
            let keys = self.keys.as_ref().ok_or_else(unnamed)?;
            let keys = KeyFolder::new(keys, outpost.standing().origin.clone()).under(&pseudonyms);
            let key = keys.last(pseudonyms.party(&draft.holder.party), &pseudonyms.inside(&draft.holder.holder))?;
            outpost.cosign(event, &key, Clock::System.now())?;
            verifier::say!("signed and recorded here: {}", draft.parcel.source);
        }
        Ok(())
    }
}

/// What `outbox propose` prints.
#[derive(Clone, Copy, ValueEnum)]
pub enum What {
    /// device.enrolled: this device records from a number on.
    Device,
    /// outbox.synced: what this device has delivered.
    Synced,
    /// outage.declared: the last time that the ledger was not reached.
    Outage,
    /// outage.ended: the end of an outage that was declared without one.
    OutageEnded,
}

/// Arguments of `outbox propose`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example, after a week without a line:
  ledger outbox propose outbox outage --key-file k --signer visits-desk-1 > outage.json
  ledger outbox append outbox outage.json --key-file k --keys keys

A lost or replaced device: let the holder's key be revoked or rotated (ledger key --help), then enrol the new device
with `propose device`. Read what is printed before you sign it; the cause of an outage is for you to say."
)]
pub struct Propose {
    #[command(flatten)]
    place: Place,
    /// What to propose.
    what: What,
    /// Holder who will sign it.
    #[arg(long)]
    signer: String,
    /// Id for what it creates, or of the outage that ends.
    #[arg(long)]
    id: Option<String>,
    /// Cause of the outage, a code of the catalogue.
    #[arg(long, default_value = "network")]
    cause: String,
}

impl Propose {
    pub fn run(self) -> Result<(), Ended> {
        let outpost = self.place.open()?;
        let (party, now) = (outpost.standing().party.clone(), Clock::System.now());
        let mut event = serde_json::Map::new();
        let mut put = |name: &str, value: serde_json::Value| event.insert(name.to_owned(), value);
        put("party", party.clone().into());
        put("signer", self.signer.clone().into());
        put("facility", party.clone().into());
        put("occurred_at", now.to_string().into());
        let made = |what: &str| self.id.clone().unwrap_or_else(|| format!("{what}-{}", now.unix()));
        let no = |what: &str| Ended::Refused(what.to_owned());
        match self.what {
            What::Device => {
                let next =
                    outpost.numbers()?.values().max().copied().unwrap_or(outpost.standing().first_number - 1) + 1;
                put("type", "device.enrolled".into());
                put("id", made("device").into());
                put("first_seq", next.into());
            }
            What::Synced => {
                let device = outpost.standing().device.clone().or_else(|| self.id.clone());
                let device = device.ok_or_else(|| {
                    no("enrol the device first: `outbox propose DIR device`, then `outbox set --device`")
                })?;
                let reached = |held: &&Held| matches!(held.state, State::Covered { .. } | State::Received { .. });
                let numbers: Vec<i64> =
                    outpost.held().iter().filter(reached).map(|held| held.signed.event.seq).collect();
                let (Some(first), Some(last)) = (numbers.iter().min(), numbers.iter().max()) else {
                    return Err(no("nothing of this outbox has reached the ledger yet"));
                };
                put("type", "outbox.synced".into());
                put("device", device.into());
                put("from_seq", (*first).into());
                put("to_seq", (*last).into());
                put("records", numbers.len().into());
            }
            What::Outage => {
                let outage =
                    outpost.outages().last().ok_or_else(|| no("every try so far reached the ledger: no outage"))?;
                put("type", "outage.declared".into());
                put("id", made("outage").into());
                put("from", outage.from.to_string().into());
                if let Some(until) = outage.until {
                    put("until", until.to_string().into());
                }
                put("cause", self.cause.clone().into());
            }
            What::OutageEnded => {
                let ended = outpost.outages().last().and_then(|outage| outage.until);
                let ended = ended.ok_or_else(|| no("the ledger was not reached since: no end to declare yet"))?;
                let outage = self.id.clone().ok_or_else(|| no("--id names the outage that ends"))?;
                put("type", "outage.ended".into());
                put("outage", outage.into());
                put("ended_at", ended.to_string().into());
            }
        }
        verifier::say!("{}", serde_json::Value::Object(event));
        Ok(())
    }
}
