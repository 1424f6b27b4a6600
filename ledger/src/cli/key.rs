//! `key enrol`, `key rotate`, `key revoke`, `epoch`: who may sign from now on. KEYS.md.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use ledger::clock::Clock;
use ledger::cosign;
use ledger::files;
use ledger::folder::numbers_used;
use ledger::import::Holder;
use ledger::keys::KeyFolder;
use ledger::outbox::Outbox;
use ledger::sign::Signed;
use ledger::submit;
use ledger::trust::{self, BadTrust, Desk, NewKey};
use ledger::writer::{Home, Writer};
use schemas::catalogue::{Role, is_id};
use schemas::time::Timestamp;
use schemas::visible::Show as _;
use verifier::state::State;

use super::{Ended, Start, parties, present, record, refusal, say, settings};

/// What is done with a key.
#[derive(Subcommand)]
#[command(after_help = "Which one:
  somebody joins, or an institution has lost all its keys   enrol
  a key is old, or its device is to be replaced             rotate
  a holder leaves; a device is lost                         revoke
  a key was stolen or used by others since DATE             revoke --reason compromise --since DATE

The runbook for every loss is KEYS.md in the crate `ledger`.")]
pub enum Key {
    /// Enrol a key of a holder.
    Enrol(Enrol),
    /// Give a holder a new key in place of the present one.
    Rotate(Rotate),
    /// End all keys of a holder.
    Revoke(Revoke),
}

impl Key {
    pub fn run(self) -> Result<(), Ended> {
        match self {
            Self::Enrol(arguments) => arguments.run(),
            Self::Rotate(arguments) => arguments.run(),
            Self::Revoke(arguments) => arguments.run(),
        }
    }
}

/// Whose key, where, and who signs.
#[derive(Args)]
struct Whose {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Party of the holder.
    #[arg(long)]
    party: String,
    /// Name of the holder.
    #[arg(long)]
    holder: String,
    /// Folder of holders' keys, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Who signs, PARTY:HOLDER.
    #[arg(long, value_name = "PARTY:HOLDER", value_parser = holder)]
    by: Option<Holder>,
    /// Who gives the second signature; else a holder of the operator. If the key is not at hand, a draft waits for
    /// `ledger cosign`.
    #[arg(long, value_name = "PARTY:HOLDER", value_parser = holder)]
    cosigner: Option<Holder>,
    #[command(flatten)]
    start: Start,
}

/// Whether a secret key may be made here.
#[derive(Args)]
struct Making {
    /// Make the secret key here where the party's own is not in --keys. Whoever has that folder can then sign in the party's
    /// name: hand the file over, and keep no copy.
    #[arg(long)]
    make_key: bool,
}

/// Arguments of `key enrol`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "The new key is read from --keys: PARTY.HOLDER.key, or PARTY.HOLDER.vkey where the holder keeps the secret half
(`ledger keygen` makes both). Where neither is there, a key is made for the operator alone, or where another key of the
party lies beside it; for anybody else only with --make-key. PARTY is the party's id, also where the log has a pseudonym for
it; a new party has its line in MY-LEDGER/parties.csv first, with its identity_mode.

  a new holder            ledger key enrol my-ledger --party cso-league --holder office-2 --by cso-league:office-1 --keys keys
  a new party             ledger key enrol my-ledger --party cso-new --holder office-1 --role cso --keys keys
                          (the new key signs for itself)
  all keys lost           the same, after oversight has revoked them: ledger key revoke --help
  for oversight           --by must be a holder of oversight, of this or another body
  for the operator        --by and --cosigner must be two other holders of the operator; or --by a holder of oversight
  to receive sealed mail  --recipient age1... --by npm:n1

An operator could enrol a key of its own making in a party's name. It cannot hide it: the enrolment stands in the
party's own stream, and in every pack that the party asks for. A party that finds one revokes it, with --since."
)]
pub struct Enrol {
    #[command(flatten)]
    whose: Whose,
    /// Role of the party, if the log does not know it yet.
    #[arg(long, value_parser = role)]
    role: Option<Role>,
    /// An age recipient instead of a signing key.
    #[arg(long, value_name = "age1...")]
    recipient: Option<String>,
    #[command(flatten)]
    making: Making,
}

/// Arguments of `key rotate`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "The present key signs, or --by another holder of the same party. The new key is written beside the old one,
as PARTY.HOLDER.2.key and so on; the old file is kept. The writer's own key is not rotated: `ledger epoch`."
)]
pub struct Rotate {
    #[command(flatten)]
    whose: Whose,
    /// Why the present key ends.
    #[arg(long, value_enum, default_value_t = Reason::Rotation)]
    reason: Reason,
    /// When it ended, if before now: with --reason compromise or device-lost, what it signed since is marked as doubtful.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<Timestamp>,
    #[command(flatten)]
    making: Making,
}

/// Arguments of `key revoke`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "  a holder leaves                 ledger key revoke my-ledger --party P --holder H --reason holder-left --keys keys
  a key is stolen since a day     ... --reason compromise --since 2026-07-01T00:00:00Z
  a party has no key left         ... --by npm:n1   (a holder of an oversight body; the operator gives the second signature)

--since opens a compromise window: what the key signed from then on stays in the log, and every check names it as doubtful.
Only the party itself can open one; a revocation by oversight counts from its own receipt. A party that had no key left
enrols a new one, under another holder's name, and then revokes the old holder itself with --since."
)]
pub struct Revoke {
    #[command(flatten)]
    whose: Whose,
    /// Why it ends.
    #[arg(long, value_enum)]
    reason: Reason,
    /// From when on its signatures are not the holder's; else now.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    since: Option<Timestamp>,
}

/// Arguments of `epoch`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "  ledger epoch my-ledger --writer ledger-2 --by op:ops-1 --cosigner op:ops-2 --keys keys

Two holders of the operator sign, none of them the writer. A key for the new writer is made in MY-LEDGER/keys, enrolled
if the log does not know it, and seals from this batch on; the key of the writer before ends here. Works without the old
key. If that was stolen: afterwards, ledger key revoke --holder ledger --reason compromise --since DATE.
The key of checkpoints (keys/log.key) cannot be replaced, for readers hold it in their policy: ledger succeed --help."
)]
pub struct Epoch {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Holder's name of the new writer, one that was never used, such as ledger-2.
    #[arg(long)]
    writer: String,
    /// Who of the operator signs, PARTY:HOLDER.
    #[arg(long, value_name = "PARTY:HOLDER", value_parser = holder)]
    by: Holder,
    /// Who of the operator signs second.
    #[arg(long, value_name = "PARTY:HOLDER", value_parser = holder)]
    cosigner: Option<Holder>,
    /// Folder of holders' keys, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    #[command(flatten)]
    start: Start,
}

/// Why a key ends; codes of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reason {
    Rotation,
    HolderLeft,
    DeviceLost,
    Compromise,
    Expired,
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Self::Rotation => "rotation",
            Self::HolderLeft => "holder_left",
            Self::DeviceLost => "device_lost",
            Self::Compromise => "compromise",
            Self::Expired => "expired",
        }
    }
}

impl Whose {
    fn named(&self) -> Holder {
        Holder { party: self.party.clone(), holder: self.holder.clone() }
    }

    fn run(&self, make: impl FnOnce(&mut Desk<'_>, &Holder) -> Result<Signed, BadTrust>) -> Result<(), Ended> {
        let named = self.named();
        if !is_id(&named.party) || !is_id(&named.holder) {
            return Err(Ended::Refused("--party and --holder: letters, digits and . _ : - only".to_owned()));
        }
        let others = [&self.by, &self.cosigner].into_iter().flatten();
        let asked: Vec<&str> = std::iter::once(&named).chain(others).map(|holder| holder.party.as_str()).collect();
        at_desk(&self.ledger, &self.keys, &self.start, &asked, |desk| Ok(vec![make(desk, &named)?]))
    }
}

impl Enrol {
    fn run(self) -> Result<(), Ended> {
        let (by, second) = (self.whose.by.as_ref(), self.whose.cosigner.as_ref());
        self.whose.run(|desk, holder| {
            let shown = desk.shown(holder);
            let key = match &self.recipient {
                Some(text) => NewKey { text: text.clone(), secret: None },
                None => desk.new_key(&shown, self.making.make_key)?,
            };
            desk.enrol(holder, self.role, &key, by, second)
        })
    }
}

impl Rotate {
    fn run(self) -> Result<(), Ended> {
        let (by, second) = (self.whose.by.as_ref(), self.whose.cosigner.as_ref());
        self.whose.run(|desk, holder| {
            let key = desk.new_key(&desk.shown(holder), self.making.make_key)?;
            desk.rotate(holder, &key, self.reason.code(), self.since, by, second)
        })
    }
}

impl Revoke {
    fn run(self) -> Result<(), Ended> {
        let (by, second) = (self.whose.by.as_ref(), self.whose.cosigner.as_ref());
        self.whose.run(|desk, holder| desk.revoke(holder, self.reason.code(), self.since, by, second))
    }
}

impl Epoch {
    pub fn run(self) -> Result<(), Ended> {
        if !is_id(&self.writer) {
            return Err(Ended::Refused(format!("--writer {:?}: letters, digits and . _ : - only", self.writer)));
        }
        let asked: Vec<&str> =
            std::iter::once(&self.by).chain(&self.cosigner).map(|holder| holder.party.as_str()).collect();
        at_desk(&self.ledger, &self.keys, &self.start, &asked, |desk| {
            desk.epoch(&self.writer, &self.by, self.cosigner.as_ref())
        })
    }
}

/// Signs events where all that it needs is at hand, and submits those that are complete. What stands in the log stands
/// there in public for ever: each party that is named must be one of the list, or one that the log has.
fn at_desk(
    ledger: &std::path::Path,
    keys: &std::path::Path,
    start: &Start,
    named: &[&str],
    make: impl FnOnce(&mut Desk<'_>) -> Result<Vec<Signed>, BadTrust>,
) -> Result<(), Ended> {
    let home = super::home(ledger)?;
    let settings = settings(&home)?;
    let list = parties(&home.parties())?;
    // The ledger's lock first: two that sign at once would use one number twice.
    let mut writer = record(&home, start)?;
    let mut outbox = Outbox::open(&home.outbox())?;
    let pseudonyms = super::pseudonyms(&writer, &list, &outbox)?;
    let (log, now) = (writer.log(), present(&writer));
    for party in named {
        let id = pseudonyms.outside(party);
        if log.role(pseudonyms.party(&id)).is_none() {
            list.named(&id).map_err(|why| {
                Ended::Refused(format!(
                    "{why}. Nothing was recorded: what is enrolled stands in public for ever. A new party has its line, with its \
                     identity_mode, in {} first",
                    home.parties().shown()
                ))
            })?;
        }
    }
    let mut desk = Desk {
        home: &home,
        log,
        pseudonyms: &pseudonyms,
        keys: KeyFolder::new(keys, log.origin().clone()).under(&pseudonyms),
        numbers: numbers_used(&outbox, &home.drafts(), log.keyring())?,
        now,
        utc_offset_minutes: settings.utc_offset_minutes,
    };
    let made = make(&mut desk).map_err(refusal);
    let made = made.and_then(|signed| rehearsed(desk.log, signed, now).map_err(refusal));
    // A key that nobody enrolled must not be taken for the newest later.
    let signed = made.inspect_err(|_| desk.keys.made().iter().for_each(|path| drop(files::remove(path))))?;
    for path in desk.keys.made() {
        verifier::say!("a key was made: {}  (keep it, show it to nobody)", path.shown());
    }
    pseudonyms.keep()?;
    writer.read_keys_again()?;
    finish(&home, &mut writer, &mut outbox, signed)
}

/// What was signed, if the log would take all that is complete; where one waits for its second signature, all wait.
fn rehearsed(log: &State, signed: Vec<Signed>, now: Timestamp) -> Result<Vec<Signed>, BadTrust> {
    let complete = |one: &Signed| match one {
        Signed::Complete(parcel) => Some(parcel.clone()),
        Signed::Waiting(..) => None,
    };
    if let Some(parcels) = signed.iter().map(complete).collect::<Option<Vec<_>>>() {
        trust::rehearse(log, &parcels, now)?;
    }
    Ok(signed)
}

/// Submits what bears both signatures; where one waits for its second, all that was made with it waits.
fn finish(home: &Home, writer: &mut Writer, outbox: &mut Outbox, signed: Vec<Signed>) -> Result<(), Ended> {
    let waits = signed.iter().any(|one| matches!(one, Signed::Waiting(..)));
    let mut parcels = Vec::new();
    for one in signed {
        match one {
            Signed::Complete(parcel) => parcels.push(parcel),
            Signed::Waiting(parcel, holder) => {
                let path = cosign::write_draft(&home.drafts(), &parcel, &holder)?;
                verifier::say!("waits for {} of {}: {}  (ledger cosign)", holder.holder, holder.party, path.shown());
            }
        }
    }
    if waits {
        return Ok(());
    }
    outbox.add(&parcels)?;
    let outcome = submit::submit(writer, outbox.parcels()?, &outbox.receipts(), Clock::System, &mut |_, _| {})?;
    say(&outcome, writer, outbox)
}

pub fn holder(text: &str) -> Result<Holder, String> {
    let (party, holder) = text.split_once(':').unwrap_or_default();
    if !is_id(party) || !is_id(holder) {
        return Err("expected PARTY:HOLDER, such as npm:n1".to_owned());
    }
    Ok(Holder { party: party.to_owned(), holder: holder.to_owned() })
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "expected a role of the catalogue, such as cso or facility".to_owned())
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "expected an instant, such as 2026-07-01T00:00:00Z".to_owned())
}
