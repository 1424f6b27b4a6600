//! `intake`: the oversight body closes the week of the sealed stream.

use std::path::PathBuf;

use clap::Args;
use ledger::clock::Clock;
use ledger::folder;
use ledger::keys::KeyFolder;
use ledger::lead;
use ledger::outbox::Outbox;
use ledger::queue::{BadBatch, Queue};
use ledger::sign::{Adopted, Channel, Signer};

use schemas::catalogue::Role;

use super::{Ended, Start, parties, record, settings};

/// Arguments of `intake`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger intake my-ledger --keys keys

Once a week, quiet or not, at a fixed hour: complaints and reports of reprisals that were imported since wait,
encrypted, and go into the log in one batch of constant size, filled with padding and shuffled. What does not
fit waits for the next week. A second batch in one week is refused. The key is that of the holder intake."
)]
pub struct Intake {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Folder of holders' keys: PARTY.intake.key of the oversight body.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    #[command(flatten)]
    start: Start,
}

impl Intake {
    pub fn run(self) -> Result<(), Ended> {
        let home = super::home(&self.ledger)?;
        let settings = settings(&home)?;
        let list = parties(&home.parties())?;
        let none = || Ended::Refused("no party has the role oversight: nobody can keep the sealed stream".to_owned());
        let intake = list.iter().find(|p| p.role == Role::Oversight).ok_or_else(none)?.id.clone();
        let mut writer = record(&home, &self.start)?;
        let mut outbox = Outbox::open(&home.outbox())?;
        let pseudonyms = super::pseudonyms(&writer, &list, &outbox)?;
        let recipients = writer.log().recipients().clone();
        let origin = writer.log().origin().clone();
        let mut keys = KeyFolder::new(&self.keys, origin.clone());
        keys.follow(writer.log().keyring())?;
        let mut signer = Signer {
            keys,
            numbers: folder::numbers_used(&outbox, &home.drafts(), writer.log().keyring())?,
            origin,
            pseudonyms: &pseudonyms,
            utc_offset_minutes: settings.utc_offset_minutes,
            adopted: Adopted::default(),
            make_keys: false,
            channel: Channel::Cli,
            recipients: &recipients,
            now: lead::now(&writer, Clock::System)?,
        };
        let queue = Queue::at(&home.intake());
        match queue.close_week(&mut writer, &mut outbox, &mut signer, &intake, settings.sealed_batch_size) {
            Ok(closed) => {
                verifier::say!("one batch of {} records in the log, checkpoint signed", closed.records.len());
                verifier::say!("{} records wait for the next week", closed.waiting);
                super::publish::ask(&mut writer)?;
                super::publish::give_receipts(&writer, &outbox)
            }
            Err(why @ BadBatch::ThisWeek { .. }) => Err(Ended::Refused(why.to_string())),
            Err(why) => Err(why.into()),
        }
    }
}
