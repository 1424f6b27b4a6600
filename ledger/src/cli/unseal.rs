//! `unseal`: an oversight body reads sealed values, and the log says so first.

use std::path::PathBuf;

use clap::Args;
use ledger::access::{self, Reading};
use ledger::keys::{KeyFolder, read_identity};
use ledger::outbox::Outbox;
use schemas::catalogue::Role;
use schemas::opening::{Disclosure, OpeningLine, Slot, digest_of};
use schemas::sealed;

use super::export::signer;
use super::{Ended, Start, parties, record};

/// Arguments of `unseal`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger unseal my-ledger 812 813 --identity keys/npm.sealed.identity --purpose complaint_handling --keys keys

The reading is recorded in the log (data.accessed, scope sealed_fields), signed by a holder of the oversight
body, before anything is shown. Nothing that is shown is written to the disk."
)]
pub struct Unseal {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Positions or addresses of the entries.
    #[arg(required = true, num_args = 1..=256)]
    entries: Vec<String>,
    /// Identity file of the oversight body.
    #[arg(long, value_name = "FILE")]
    identity: PathBuf,
    /// Why: finding_review, complaint_handling, statistics, audit, legal_duty or support.
    #[arg(long, value_name = "CODE")]
    purpose: String,
    /// Folder of holders' keys.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Who signs the record: HOLDER of the first oversight body, or PARTY:HOLDER.
    #[arg(long, value_name = "HOLDER")]
    signer: Option<String>,
    #[command(flatten)]
    start: Start,
}

impl Unseal {
    pub fn run(self) -> Result<(), Ended> {
        let home = super::home(&self.ledger)?;
        let identity = read_identity(&self.identity)?;
        let list = parties(&home.parties())?;
        let mut writer = record(&home, &self.start)?;
        let mut lines = Vec::new();
        for what in &self.entries {
            let position = schemas::base::from_decimal(what).or_else(|| writer.log().record(what));
            let line = position.map(|position| writer.vault().line(position)).transpose()?.flatten();
            match line.map(|line| OpeningLine::parse(&line)) {
                Some(Ok(line)) if line.slots.iter().any(|slot| matches!(slot, Slot::Sealed(_))) => lines.push(line),
                _ => return Err(Ended::Refused(format!("{what}: no entry of the log with a sealed value"))),
            }
        }
        let at_hand = KeyFolder::new(&self.keys, writer.log().origin().clone());
        let signer = signer(self.signer.as_deref(), &list, &at_hand, Role::Oversight)?;
        let reader = signer.party.clone();
        let mut outbox = Outbox::open(&home.outbox())?;
        let pseudonyms = super::pseudonyms(&writer, &list, &outbox)?;
        let (purpose, scope, rows) = (self.purpose.as_str(), "sealed_fields", lines.len() as u64);
        let reading = Reading { event: "data.accessed", reader: &reader, purpose, scope, rows, signer };
        let address =
            access::record(&mut writer, &mut outbox, at_hand, &pseudonyms, &reading).map_err(super::reading)?;
        super::publish::ask(&mut writer)?;
        verifier::say!("recorded in the log: {address}");
        for line in lines {
            verifier::say!("entry {}", line.entry);
            for (digest, slot) in line.digests.iter().zip(&line.slots) {
                let Slot::Sealed(text) = slot else { continue };
                match identity.open(text) {
                    None => verifier::say!("  sealed for another key than this identity has"),
                    Some(text) if digest_of(&text) != *digest => {
                        verifier::say!("  what is sealed here is not what was committed: keep the opening as evidence");
                    }
                    Some(text) => show(&text),
                }
            }
        }
        Ok(())
    }
}

fn show(disclosure: &str) {
    let Some(Disclosure { name, value, .. }) = Disclosure::parse(disclosure) else { return };
    match value {
        None => verifier::say!("  {name}: nothing"),
        Some(value) if name == "body" => match sealed::unseal(&value) {
            Ok((_, note)) => verifier::say!("  {name}:\n{}", note.to_text()),
            Err(why) => verifier::say!("  {name}: {why}"),
        },
        Some(value) => verifier::say!("  {name}: {}", value.to_json()),
    }
}
