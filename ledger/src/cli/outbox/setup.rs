//! `outbox init`, `outbox set`.

use std::path::{Path, PathBuf};

use clap::Args;
use ledger::failure::Failure;
use ledger::files;
use ledger::outpost::{Outpost, Standing};
use ledger::settings::Settings;
use schemas::note::Origin;
use schemas::visible::Show as _;

use super::super::Ended;
use super::Place;

/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: usize = 16 << 20;

/// Arguments of `outbox init`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger outbox init outbox --key-file /media/stick/outbox.key --policy velmora.policy --party fac-talbera \\
      --parties parties.csv --profile profile.toml --address https://ledger.velmora.example

The policy says whose receipts are believed: have it from elsewhere than the ledger's office, and compare its words.
The key file is made if it is not there. Lose it, and nobody reads the folder: keep a copy in the safe. With
--passphrase-file the folder opens with words instead; take five that do not belong together."
)]
pub struct Init {
    #[command(flatten)]
    place: Place,
    /// Policy file of the log.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The institution, as the list of parties has it.
    #[arg(long)]
    party: String,
    /// List of parties that its records name.
    #[arg(long, value_name = "FILE")]
    parties: PathBuf,
    #[command(flatten)]
    more: More,
    /// Number that keys use first here: above all that the same keys used elsewhere. A key's enrolment, signed at the
    /// ledger's office, has used number 1; what else was used stands in the institution's pack, which is looked at.
    #[arg(long, default_value_t = 2)]
    first_number: i64,
}

/// What can be changed later.
#[derive(Args)]
pub struct More {
    /// Rule profile of the country; its calendar says where local days begin, and so which day a record is of.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Where the ledger answers, http://… or https://…; not needed where only sticks travel.
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Age key of an oversight body (age1…), to which sealed values are encrypted; once for each.
    #[arg(long = "recipient", value_name = "KEY")]
    recipients: Vec<String>,
    /// Pseudonyms of parties that the log does not name, a line `ID PSEUDONYM` each, from the ledger's office.
    #[arg(long, value_name = "FILE")]
    pseudonyms: Option<PathBuf>,
    /// Id of this device, once device.enrolled is in the log.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
}

impl More {
    fn put(&self, standing: &mut Standing) -> Result<(), Ended> {
        if let Some(path) = &self.profile {
            standing.utc_offset_minutes = Settings::take(text("profile", path)?.as_bytes())?.utc_offset_minutes;
        }
        if let Some(address) = &self.address {
            standing.address = Some(address.clone());
        }
        if !self.recipients.is_empty() {
            standing.recipients.clone_from(&self.recipients);
        }
        if let Some(path) = &self.pseudonyms {
            standing.pseudonyms = text("list of pseudonyms", path)?;
        }
        if let Some(device) = &self.device {
            standing.device = Some(device.clone());
        }
        Ok(())
    }
}

impl Init {
    pub fn run(self) -> Result<(), Ended> {
        verifier::files::apart(&self.policy, &[])?;
        let policy = text("policy", &self.policy)?;
        let mut standing = Standing {
            origin: origin(&policy)?,
            party: self.party.clone(),
            address: None,
            utc_offset_minutes: 0,
            policy,
            parties: text("list of parties", &self.parties)?,
            pseudonyms: String::new(),
            recipients: Vec::new(),
            device: None,
            first_number: self.first_number,
        };
        self.more.put(&mut standing)?;
        // Before anything is made: another try must not find a folder that is taken.
        standing.pseudonyms()?;
        if standing.parties()?.get(&self.party).is_none() {
            return Err(Ended::Refused(format!("{}: no party {}", self.parties.shown(), self.party)));
        }
        let outpost = Outpost::create(&self.place.folder, &self.place.lock.secret()?, &standing)?;
        verifier::say!("outbox of {} for {} in {}", self.party, outpost.standing().origin, self.place.folder.shown());
        if let Some(path) = &self.place.lock.key_file {
            verifier::say!("it opens with {}: keep it elsewhere, and a copy in the safe", path.shown());
        }
        Ok(())
    }
}

/// Arguments of `outbox set`.
#[derive(Args)]
pub struct Set {
    #[command(flatten)]
    place: Place,
    /// Another policy file of the same log.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Another list of parties.
    #[arg(long, value_name = "FILE")]
    parties: Option<PathBuf>,
    #[command(flatten)]
    more: More,
    /// Go on with what is there, although records that were recorded here are gone and no copy of the folder has them.
    #[arg(long)]
    accept_loss: bool,
    /// You know of the records that the newest pack shows with signatures of this outbox's keys and that are not in this
    /// outbox: they were signed elsewhere, or are disputed. `status` speaks of them no more, and of others still does.
    #[arg(long)]
    accounted_for: bool,
}

impl Set {
    pub fn run(self) -> Result<(), Ended> {
        self.policy.as_deref().map_or(Ok(()), |path| verifier::files::apart(path, &[]))?;
        let mut outpost = if self.accept_loss {
            files::refuse_exposed(&self.place.folder)?;
            Outpost::open_accepting_loss(&self.place.folder, &self.place.lock.secret()?)?
        } else {
            self.place.open()?
        };
        let mut standing = outpost.standing().clone();
        if let Some(path) = &self.policy {
            standing.policy = text("policy", path)?;
        }
        if let Some(path) = &self.parties {
            standing.parties = text("list of parties", path)?;
        }
        self.more.put(&mut standing)?;
        outpost.settle(standing)?;
        verifier::say!("set; what is signed from now on goes by it");
        if self.accounted_for {
            let pack = outpost.checked_pack()?;
            let count = pack.map_or(Ok(0), |pack| outpost.account_for(&pack))?;
            verifier::say!("{count} records that are not in this outbox are accounted for");
        }
        Ok(())
    }
}

/// The one log that a policy is about.
pub fn origin(policy: &str) -> Result<Origin, Ended> {
    let read = verifier::transit::policy(policy.as_bytes());
    let policy = read.map_err(|why| Ended::Could(format!("the policy: {why}")))?;
    let mut names: Vec<&str> = policy.logs.iter().map(|key| key.name.as_str()).collect();
    names.dedup();
    match names.as_slice() {
        [name] => Origin::parse(name).ok_or_else(|| Ended::Refused(format!("the policy: {name:?} is no origin"))),
        _ => Err(Ended::Refused("the policy must be about one log".to_owned())),
    }
}

pub fn text(what: &'static str, path: &Path) -> Result<String, Ended> {
    let absent = || Failure::Absent { what, path: path.to_owned() };
    let bytes = files::read(path, FILE_BYTES_MAX)?.ok_or_else(absent)?;
    String::from_utf8(bytes).map_err(|_| Ended::Refused(format!("{}: not UTF-8", path.shown())))
}
