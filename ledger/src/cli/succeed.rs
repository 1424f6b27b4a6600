//! `succeed`: a new log that goes on from an old one. FORMAT.md 18, KEYS.md.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ledger::clock::Clock;
use ledger::cosign;
use ledger::failure::Failure;
use ledger::files;
use ledger::folder;
use ledger::import::{Holder, Parties};
use ledger::keys::KeyFolder;
use ledger::outbox::{Outbox, Parcel};
use ledger::plan::Submission;
use ledger::publish;
use ledger::settings::Settings;
use ledger::sign::Signed;
use ledger::trust;
use ledger::writer::Home;
use schemas::catalogue::Role;
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::time::Timestamp;
use schemas::value::Value;
use schemas::visible::Show as _;
use verifier::bundle::{self, NoVisitor};
use verifier::files::Folder;
use verifier::report::Verdict;

use super::setup::parse_origin;
use super::{Ended, Recording, Start, parties};

/// Arguments of `succeed`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "When: the key of checkpoints is lost or stolen; all keys of the operator, or all of oversight, are lost; the log
forked; another institution takes the ledger over. The old log is not copied: it is named, by its origin, size and root,
in the second entry of the new one, which the operator and oversight both sign. Keep the old bundle beside the new log.

  ledger keygen --origin velmora.example/ledger-2 --party npm --holder n1 --keys keys     (each oversight body, itself)
  ledger succeed new-ledger --origin velmora.example/ledger-2 --from old-bundle --from-policy velmora.policy \\
         --reason handover --parties parties.csv --keys keys
  ... if oversight's key is elsewhere, it waits:  ledger cosign - DRAFT --only-sign --keys THEIR-KEYS
  ... then the same again with --signed DRAFT

--keys needs PARTY.HOLDER.key or .vkey of every holder of oversight in parties.csv; those of oversight are never made here.
All other parties enrol anew. Give the new policy to everyone on another way than the log. What readers then check:
  verifier succession NEW-BUNDLE --policy NEW-POLICY --predecessor OLD-BUNDLE --predecessor-policy OLD-POLICY"
)]
pub struct Succeed {
    /// Folder of the new ledger.
    folder: PathBuf,
    /// Name of the new log, another than the old one's.
    #[arg(long)]
    origin: String,
    /// The newest bundle of the old log; it is verified first.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Policy file for the old log, held from elsewhere than the bundle.
    #[arg(long, value_name = "FILE")]
    from_policy: PathBuf,
    /// Why the log goes on elsewhere.
    #[arg(long, value_enum)]
    reason: Reason,
    /// List of parties of the new ledger.
    #[arg(long, value_name = "FILE")]
    parties: PathBuf,
    /// Rule profile of the country.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Folder of holders' keys for the new origin.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// The draft of an earlier run, which oversight has signed since.
    #[arg(long, value_name = "DRAFT")]
    signed: Option<PathBuf>,
    /// NEW/keys holds a log.key already, and it has never signed a log: it was made for this one.
    #[arg(long)]
    never_used: bool,
    #[command(flatten)]
    start: Start,
}

/// Why a log goes on elsewhere; codes of the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reason {
    /// The log, or the key of its checkpoints, was lost or stolen; its end may be missing.
    Loss,
    /// Two histories were signed; this names the one that goes on.
    Fork,
    /// Another institution, or another key, keeps it from now on.
    Handover,
    /// The old log is closed.
    Retirement,
}

impl Reason {
    fn code(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Fork => "fork",
            Self::Handover => "handover",
            Self::Retirement => "retirement",
        }
    }
}

impl Succeed {
    pub fn run(self) -> Result<(), Ended> {
        verifier::files::apart(&self.from_policy, &[&self.from])?;
        let origin = parse_origin(&self.origin)?;
        let list = parties(&self.parties)?;
        let profile = self.profile.as_deref().map(read).transpose()?;
        if let Some(bytes) = &profile {
            Settings::take(bytes)?;
        }
        let home = Home::new(&self.folder);
        if home.checkpoint().exists() {
            return Err(Failure::Occupied { path: self.folder.clone() }.into());
        }
        let (before, ended) = self.predecessor()?;
        if before.origin == origin {
            return Err(Ended::Refused(format!("--origin: the new log needs another name than {origin}")));
        }
        let now = ended.map_or(Clock::System.now(), |last| last.max(Clock::System.now()));
        let mut keys = KeyFolder::new(&self.keys, origin.clone());
        let (operator, oversight) = signatories(&list, &mut keys, &self.keys)?;
        let parcel = match &self.signed {
            Some(path) => {
                let draft = cosign::read_draft(path)?;
                if !draft.is_signed() || !says(&draft.signed.event, &origin, &before, self.reason) {
                    let why = "not signed by oversight yet, or not about this old log, origin and reason";
                    return Err(Ended::Refused(format!("{}: {why}", path.shown())));
                }
                draft.parcel
            }
            None => {
                let old = (&before.origin, before.size, before.root);
                match trust::reseed(&origin, &mut keys, (&operator, &oversight), old, self.reason.code(), now)? {
                    Signed::Complete(parcel) => parcel,
                    Signed::Waiting(parcel, holder) => {
                        let path = cosign::write_draft(&home.drafts(), &parcel, &holder)?;
                        verifier::say!("waits for {} of {}: {}", holder.holder, holder.party, path.shown());
                        verifier::say!("they sign it with: ledger cosign - DRAFT --only-sign --keys THEIR-KEYS");
                        verifier::say!("then the same again here, with --signed {}", path.shown());
                        return Ok(());
                    }
                }
            }
        };
        self.found(&home, &origin, &list, &mut keys, (&parcel, now), profile.as_deref())?;
        verifier::say!(
            "it goes on from {} at {} entries, root {}",
            before.origin,
            before.size,
            before.root.to_base64()
        );
        Ok(())
    }

    /// The old log as its bundle shows it, and when its last entry was received.
    fn predecessor(&self) -> Result<(Checkpoint, Option<Timestamp>), Ended> {
        let (policy, _) = super::policy_file(&self.from_policy, &[&self.from])?;
        let found = verifier::files::bundle(&self.from);
        super::not_here(&self.from, found.as_ref().err().cloned())?;
        let mut folder = found.unwrap_or_else(|_| Folder::new(&self.from));
        let report = bundle::judge(&mut folder, &policy, None, &mut NoVisitor, &verifier::threads::Threads::new());
        let why = report.faults.first().map(ToString::to_string).or_else(|| report.unknown.first().cloned());
        match (report.verdict(), report.head) {
            (Verdict::Verified | Verdict::PartlyErased, Some(head)) => Ok((head.checkpoint, report.as_of)),
            _ => {
                let why = why.unwrap_or_default();
                let path = self.from.shown();
                if report.faults.is_empty() {
                    return Err(Ended::Could(format!("{path}: cannot tell whether the old bundle verifies: {why}")));
                }
                Err(Ended::Refused(format!("{path}: the old bundle does not verify: {why}")))
            }
        }
    }

    fn found(
        &self,
        home: &Home,
        origin: &Origin,
        list: &Parties,
        keys: &mut KeyFolder,
        (parcel, now): (&Parcel, Timestamp),
        profile: Option<&[u8]>,
    ) -> Result<(), Ended> {
        let beside =
            Submission { note: parcel.note.clone().into_bytes(), opening: parcel.opening.clone(), received_at: now };
        publish::before_genesis(home, origin, self.start.without_witnesses)?;
        super::setup::unused(home, self.never_used)?;
        let writer = Recording::from(folder::found_with(home, origin, list, keys, &[beside], now)?);
        folder::settle(&writer, &read(&self.parties)?, profile)?;
        // The outbox knows which numbers each key has used.
        Outbox::open(&home.outbox())?.add(std::slice::from_ref(parcel))?;
        verifier::say!("ledger {origin} begun in {}: {} entries", self.folder.shown(), writer.log().size());
        verifier::say!("policy for everyone who shall verify it: {}", home.policy().shown());
        verifier::terminal::say(format_args!("{}", folder::policy(writer.log())));
        Ok(())
    }
}

/// Whether a signed draft says what this run would say.
fn says(event: &schemas::event::Event, origin: &Origin, before: &Checkpoint, reason: Reason) -> bool {
    let named = event.data.get("previous_origin").and_then(|v| v.get("text")).and_then(Value::as_text);
    let size = event.data.get("size").and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok());
    event.kind == verifier::admit::RESEEDED
        && event.ledger == origin.as_str()
        && named == Some(before.origin.as_str())
        && size == Some(before.size)
        && event.text("root").and_then(Hash::from_hex) == Some(before.root)
        && event.text("reason") == Some(reason.code())
}

/// Who signs: the first holder of the operator, whose key is made if need be, and a holder of
/// oversight, best one whose key is at hand. Keys of oversight are never made by the operator.
fn signatories(list: &Parties, keys: &mut KeyFolder, folder: &Path) -> Result<(Holder, Holder), Ended> {
    let mut of_oversight = Vec::new();
    for party in list.iter().filter(|p| p.role == Role::Oversight) {
        let intake = schemas::sealed::INTAKE_HOLDER.to_owned();
        let holders = party.holders.iter().chain((!party.holders.contains(&intake)).then_some(&intake));
        for holder in holders {
            if !keys.has(&party.id, holder) && !keys.has_public(&party.id, holder) {
                return Err(Ended::Refused(format!(
                    "{}: there is no {}.{holder}.vkey: {} makes its own key with `ledger keygen` and gives you that file",
                    folder.shown(),
                    party.id,
                    party.id
                )));
            }
            if *holder != intake {
                of_oversight.push(Holder { party: party.id.clone(), holder: holder.clone() });
            }
        }
    }
    let at_hand = of_oversight.iter().find(|h| keys.has(&h.party, &h.holder)).cloned();
    let Some(oversight) = at_hand.or_else(|| of_oversight.into_iter().next()) else {
        return Err(Ended::Refused("parties.csv names no oversight body: a successor needs its signature".to_owned()));
    };
    let operator = list.iter().find(|p| p.role == Role::Operator);
    let holder = operator.and_then(|party| Some((party, party.holders.first()?)));
    let Some((party, holder)) = holder else {
        return Err(Ended::Refused("parties.csv names no operator with a holder".to_owned()));
    };
    keys.get_or_make(&party.id, holder)?;
    Ok((Holder { party: party.id.clone(), holder: holder.clone() }, oversight))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    files::read(path, 16 << 20)?.ok_or_else(|| Failure::Absent { what: "file", path: path.to_owned() })
}
