//! `export`: the public bundle, openings for one party, and the two halves of a backup.

use std::path::{Path, PathBuf};

use clap::Args;
use ledger::access::{self, Reading};
use ledger::export;
use ledger::failure::Failure;
use ledger::files;
use ledger::import::{Holder, Parties};
use ledger::keys::KeyFolder;
use ledger::outbox::Outbox;
use ledger::places::{Lies, Places};
use ledger::publish;
use ledger::writer::Writer;
use schemas::catalogue::Role;
use schemas::visible::Show as _;

use super::{Ended, Start, bar, open, parties, record, settings};

/// Arguments of `export`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger export my-ledger --out /media/stick/bundle
  ledger export my-ledger --openings for-league --for cso-league --purpose audit --keys keys
  ledger export my-ledger --out backup/bundle --backup backup/openings
  ledger export my-ledger --backup-keys /media/safe/opening-keys

The bundle is public: hidden values stand in it only as commitments. Openings are written as far as that party
may have them, and only after the log has recorded that it got them (data.exported); sealed values stay sealed.
The backup of the openings is encrypted, and worth nothing without their keys. Keep those on another disk:
bundle, openings and keys together are the ledger's backup, and an erasure is complete only when copies of keys
made before it are destroyed.

What would not verify is never written in the place of what does. Where a fault cannot be mended, the log is written
for keeping with --although-it-does-not-verify: as DIR.does-not-verify, with a file in it that names the faults; such
a folder replaces nothing, and the command ends with 1 (2, where nobody can tell) although it is there."
)]
pub struct Export {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Folder for the bundle; an older bundle there is replaced.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["openings", "backup", "backup_keys"])]
    out: Option<PathBuf>,
    /// The same as one file, for the page verify.html and for sending (FORMAT.md 13.1).
    #[arg(long, value_name = "FILE.tar", requires = "out")]
    archive: Option<PathBuf>,
    /// Where the log has a fault that cannot be mended: write it as evidence, into DIR.does-not-verify.
    #[arg(long, requires = "out", conflicts_with = "archive")]
    although_it_does_not_verify: bool,
    /// Folder for the openings that one party may have.
    #[arg(long, value_name = "DIR", requires_all = ["reader", "purpose", "keys"])]
    openings: Option<PathBuf>,
    /// The party that gets the openings.
    #[arg(long = "for", value_name = "PARTY")]
    reader: Option<String>,
    /// Why: finding_review, complaint_handling, statistics, audit, legal_duty or support.
    #[arg(long, value_name = "CODE")]
    purpose: Option<String>,
    /// Folder of holders' keys, for the record of the export.
    #[arg(long, value_name = "DIR")]
    keys: Option<PathBuf>,
    /// Who signs that record: a holder of the operator, or PARTY:HOLDER of oversight.
    #[arg(long, value_name = "HOLDER")]
    signer: Option<String>,
    /// Folder for a copy of the encrypted openings, without keys.
    #[arg(long, value_name = "DIR")]
    backup: Option<PathBuf>,
    /// Folder for a copy of the keys of the openings: on another disk than the openings.
    #[arg(long, value_name = "DIR")]
    backup_keys: Option<PathBuf>,
    #[command(flatten)]
    start: Start,
}

impl Export {
    pub fn run(self) -> Result<(), Ended> {
        let home = super::home(&self.ledger)?;
        let settings = settings(&home)?;
        let mut opened = if self.openings.is_some() { record(&home, &self.start)?.0 } else { open(&home)? };
        let writer = opened.whole();
        if let (Some(folder), Some(reader), Some(purpose), Some(keys)) =
            (&self.openings, &self.reader, &self.purpose, &self.keys)
        {
            let list = parties(&home.parties())?;
            self.openings(writer, &list, folder, (reader, purpose, keys))?;
        }
        if let Some(out) = &self.out {
            let policy = publish::policy_text(writer)?;
            let offset = settings.utc_offset_minutes;
            let done = match export::bundle(writer, &policy, offset, out, &mut bar("exporting")) {
                Err(Failure::Unsound { .. }) if self.although_it_does_not_verify => {
                    return Err(kept_as_evidence(writer, &policy, offset, out)?);
                }
                done => done?,
            };
            verifier::say!("{}: {} entries in {} files, {} bytes", out.shown(), done.entries, done.files, done.bytes);
            verifier::say!(
                "check it: verifier check {} --policy POLICY, or open {}",
                out.shown(),
                out.join(verifier::PAGE_NAME).shown()
            );
            if let Some(archive) = &self.archive {
                writer.make_room(Lies::Archive, archive)?;
                let bytes = export::archive(out, archive)?;
                Places::remember(&home, Lies::Archive, archive)?;
                verifier::say!("{}: the same as one file, {bytes} bytes", archive.shown());
            }
        }
        if let Some(folder) = &self.backup {
            let lines = export::backup(writer, folder)?;
            verifier::say!("{}: openings of {lines} entries, encrypted; their keys are not in it", folder.shown());
        }
        if let Some(folder) = &self.backup_keys {
            let lines = export::backup_keys(writer, folder)?;
            verifier::say!("{}: keys of the openings of {lines} entries", folder.shown());
            verifier::say!("keep them apart from every copy of the openings, and destroy older copies: what is erased");
            verifier::say!("from now on could be read with them");
        }
        super::publish::say(&publish::look(writer)?);
        Ok(())
    }

    fn openings(
        &self,
        writer: &mut Writer,
        list: &Parties,
        folder: &Path,
        (reader, purpose, keys): (&str, &str, &Path),
    ) -> Result<(), Ended> {
        list.named(reader).map_err(|why| Ended::Refused(format!("--for {why}")))?;
        let mut outbox = Outbox::open(&writer.home().outbox())?;
        let pseudonyms = super::pseudonyms(writer, list, &outbox)?;
        let at_hand = KeyFolder::new(keys, writer.log().origin().clone());
        let signer = signer(self.signer.as_deref(), list, &at_hand, Role::Operator)?;
        let (audience, scope) = access::audience(writer, &pseudonyms, reader);
        let rows = access::rows(writer, &audience)?;
        let reading = Reading { event: "data.exported", reader, purpose, scope, rows, signer };
        // What cannot be given is not recorded as given.
        export::make_way(writer.home(), folder, export::Kind::Openings)?;
        files::try_out(folder)?;
        let address = access::record(writer, &mut outbox, at_hand, &pseudonyms, &reading).map_err(super::reading)?;
        verifier::say!("recorded in the log: {address}");
        super::publish::ask(writer)?;
        let opened = export::openings(writer, &audience, None, folder)?;
        verifier::say!(
            "{}: hidden values of {} entries for {reader}; of {} something is withheld",
            folder.shown(),
            opened.entries,
            opened.withheld
        );
        Ok(())
    }
}

/// Keeps a log that does not verify, and says why it does not.
fn kept_as_evidence(writer: &Writer, policy: &str, offset: i32, out: &Path) -> Result<Ended, Ended> {
    let (folder, done, faults) = export::evidence(writer, policy, offset, out, &mut bar("exporting"))?;
    for why in &faults.wrong {
        verifier::tell!("fault: {why}");
    }
    for why in &faults.unknown {
        verifier::tell!("cannot tell: {why}");
    }
    verifier::say!(
        "{}: {} entries in {} files, {} bytes, kept as evidence: it does NOT verify; {} in it says why",
        folder.shown(),
        done.entries,
        done.files,
        done.bytes,
        export::UNSOUND_NAME
    );
    let said = format!("{} does not verify; {} was left as it is", folder.shown(), out.shown());
    Ok(if faults.wrong.is_empty() { Ended::Could(said) } else { Ended::Refused(said) })
}

/// Who signs: `PARTY:HOLDER`, a holder of the first party of that role, or the first whose key is at hand.
pub fn signer(given: Option<&str>, list: &Parties, keys: &KeyFolder, role: Role) -> Result<Holder, Ended> {
    let holder = |party: &str, holder: &str| Holder { party: party.to_owned(), holder: holder.to_owned() };
    let mut bodies = list.iter().filter(|p| p.role == role);
    match given.map(|given| (given, given.split_once(':'))) {
        Some((_, Some((party, name)))) => Ok(holder(party, name)),
        Some((name, None)) => {
            let none = || Ended::Refused(format!("no party has the role {}", role.as_str()));
            Ok(holder(&bodies.next().ok_or_else(none)?.id, name))
        }
        None => {
            let at_hand = bodies.find_map(|p| Some(holder(&p.id, p.holders.iter().find(|h| keys.has(&p.id, h))?)));
            let none = || {
                let role = role.as_str();
                Ended::Refused(format!(
                    "no key of a holder of the {role} is at hand: name the folder with --keys, or --signer"
                ))
            };
            at_hand.ok_or_else(none)
        }
    }
}
