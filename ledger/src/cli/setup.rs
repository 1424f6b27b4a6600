//! `init` and `keygen`.

use std::path::PathBuf;

use clap::Args;
use ledger::clock::Clock;
use ledger::enrol;
use ledger::failure::Failure;
use ledger::files;
use ledger::folder;
use ledger::keys::{self, ENDING, IDENTITY_ENDING, KeyFolder, PUBLIC_ENDING, RECIPIENT_ENDING};
use ledger::outbox::Outbox;
use ledger::pseudonym::Pseudonyms;
use ledger::publish;
use ledger::settings::Settings;
use ledger::writer::Home;
use schemas::catalogue::is_id;
use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::visible::Show as _;

use super::{Ended, Recording, Start, parties};

/// Arguments of `init`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger init my-ledger --origin velmora.example/access-ledger --parties parties.csv --profile profile.toml --keys keys

parties.csv has the columns party,role,display_name,identity_mode,languages,holders. Genesis takes the
first keys of the operator, the registrar (the first ministry, else the operator) and the oversight
bodies from --keys: PARTY.HOLDER.vkey (public, as `ledger keygen` prints it) or PARTY.HOLDER.key; a key
that is not there is made. Give MY-LEDGER/policy to everyone who shall verify, on another way than the log."
)]
pub struct Init {
    /// Folder of the new ledger.
    folder: PathBuf,
    /// Name of the log for ever: lower-case, such as velmora.example/access-ledger.
    #[arg(long)]
    origin: String,
    /// List of parties.
    #[arg(long, value_name = "FILE")]
    parties: PathBuf,
    /// Rule profile of the country; its calendar says where local days begin.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Folder of holders' keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// MY-LEDGER/keys holds a log.key already, and it has never signed a log: it was made for this one.
    #[arg(long)]
    never_used: bool,
    #[command(flatten)]
    start: Start,
}

impl Init {
    pub fn run(self) -> Result<(), Ended> {
        let origin = parse_origin(&self.origin)?;
        let list = parties(&self.parties)?;
        let home = Home::new(&self.folder);
        let profile = match &self.profile {
            Some(path) => {
                let absent = || Failure::Absent { what: "profile", path: path.clone() };
                Some(files::read(path, 1 << 20)?.ok_or_else(absent)?)
            }
            None => None,
        };
        if let Some(bytes) = &profile {
            Settings::take(bytes)?;
        }
        if let Some(strange) = home.strange()? {
            return Err(Ended::Refused(format!(
                "{}: a ledger begins in a folder of its own, and this is none of its files; choose a folder where nothing is yet",
                strange.shown()
            )));
        }
        let mut keys = KeyFolder::new(&self.keys, origin.clone());
        publish::before_genesis(&home, &origin, self.start.without_witnesses)?;
        unused(&home, self.never_used)?;
        let mut writer = Recording::from(folder::found(&home, &origin, &list, &mut keys, Clock::System.now())?);
        for path in keys.made() {
            verifier::say!("a key was made: {}  (its holder's to keep: hand it over, and keep no copy)", path.shown());
        }
        let bytes = files::read(&self.parties, 16 << 20)?.unwrap_or_default();
        folder::settle(&writer, &bytes, profile.as_deref())?;
        let mut outbox = Outbox::open(&home.outbox())?;
        let pseudonyms = Pseudonyms::load(&home.pseudonyms(), &list)?;
        let at_hand = KeyFolder::new(&self.keys, origin.clone());
        let now = Clock::System.now();
        let enrolled = enrol::enrol(&mut writer, &mut outbox, &list, at_hand, &pseudonyms, now, false)?;
        let policy = folder::policy(writer.log());
        verifier::say!("ledger {origin} begun in {}: {} entries", self.folder.shown(), writer.log().size());
        verifier::say!("policy for everyone who shall verify it: {}", home.policy().shown());
        verifier::terminal::say(format_args!("{policy}"));
        if let Some(bytes) = &profile {
            verifier::say!(
                "the profile is kept here, and counts once an oversight body adopts it: a row of rule.profile.adopted"
            );
            verifier::say!("(ledger template rule.profile.adopted) with the digest {}", Hash::of(&[bytes]).to_hex());
        }
        for body in &enrolled.bodies {
            verifier::say!(
                "sealed values are encrypted to {body}.{}: only its identity reads them",
                enrol::SEALED_HOLDER
            );
        }
        for body in &enrolled.left {
            verifier::say!(
                "{body} has no age key yet, as none of its secret keys is here: it runs `ledger keygen --age` and"
            );
            verifier::say!(
                "enrols the recipient (key.enrolled, alg age_x25519); until then no sealed value can be recorded"
            );
        }
        verifier::say!(
            "keep {} secret and safe: who has them can sign checkpoints",
            home.log_key().parent().unwrap_or(home.folder()).shown()
        );
        Ok(())
    }
}

/// Refuses keys that lie where a new ledger shall begin and that this beginning did not make: nothing that is here can say
/// whether they have signed a log, and two histories under one key are what everybody else is promised not to see.
pub fn unused(home: &Home, never_used: bool) -> Result<(), Ended> {
    let Some(key) = home.earlier_key()?.filter(|_| !never_used) else { return Ok(()) };
    Err(Failure::Lost {
        path: key,
        what: "this key was here before, it may have signed a log, and nothing here can say: another log under the same key \
               would contradict that one"
            .to_owned(),
        way_out: "restore that log from its newest bundle (`ledger restore --help`), or take the key away and begin with new \
                  ones and another --origin. --never-used says in words that it has signed nothing",
    }
    .into())
}

/// Arguments of `keygen`.
#[derive(Args)]
pub struct Keygen {
    /// Name of the log.
    #[arg(long)]
    origin: String,
    /// Party of the holder.
    #[arg(long)]
    party: String,
    /// Name of the holder, a pseudonym such as visits-desk-1.
    #[arg(long)]
    holder: String,
    /// Make an age identity instead, for an oversight body: sealed values are encrypted to it. Writes
    /// PARTY.HOLDER.identity (secret) and PARTY.HOLDER.recipient (public).
    #[arg(long)]
    age: bool,
    /// Folder for PARTY.HOLDER.key (secret) and PARTY.HOLDER.vkey (public).
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
}

impl Keygen {
    pub fn run(self) -> Result<(), Ended> {
        let origin = parse_origin(&self.origin)?;
        for (what, id) in [("party", &self.party), ("holder", &self.holder)] {
            if !is_id(id) {
                return Err(Ended::Refused(format!("--{what} {id:?}: letters, digits and . _ : - only")));
            }
        }
        files::take_folder(&self.keys)?;
        if self.age {
            let path = self.keys.join(keys::file_name(&self.party, &self.holder, IDENTITY_ENDING));
            let recipient = keys::generate_identity(&path, &origin.holder_key_name(&self.party, &self.holder))?;
            let public = path.with_extension(RECIPIENT_ENDING);
            files::replace(&public, format!("{recipient}\n").as_bytes())?;
            verifier::say!(
                "secret  {}  (keep it, and a copy elsewhere: without it nobody reads what is sealed)",
                path.shown()
            );
            verifier::say!("public  {}", public.shown());
            verifier::say!("{recipient}");
            return Ok(());
        }
        let path = self.keys.join(keys::file_name(&self.party, &self.holder, ENDING));
        let key = keys::generate(&path, &origin.holder_key_name(&self.party, &self.holder))?;
        let public = path.with_extension(PUBLIC_ENDING);
        files::replace(&public, format!("{}\n", key.vkey()).as_bytes())?;
        verifier::say!("secret  {}  (keep it, show it to nobody)", path.shown());
        verifier::say!("public  {}", public.shown());
        verifier::say!("{}", key.vkey());
        Ok(())
    }
}

pub fn parse_origin(text: &str) -> Result<Origin, Ended> {
    let bad = || {
        Ended::Refused(format!("--origin {text:?}: 1 to 100 of a-z 0-9 . - /, such as velmora.example/access-ledger"))
    };
    Origin::parse(text).ok_or_else(bad)
}
