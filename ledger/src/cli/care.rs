//! `restore`, `fsck`: the care of a ledger.

use schemas::visible::Show as _;
use std::path::PathBuf;

use clap::Args;
use ledger::files;
use ledger::fsck;
use ledger::outbox::Outbox;
use ledger::places::Places;
use ledger::probe::Probe;
use ledger::publish;
use ledger::queue::Queue;
use ledger::restore::{self, Sources};
use ledger::vault::Copied;
use ledger::writer::Home;

use super::{Ended, Recording, Start, bar, not_here, open, policy_file};

/// Arguments of `restore`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger restore new-ledger --bundle backup/bundle --backup backup/openings --backup-keys /media/safe/opening-keys \
      --policy velmora.policy --from damaged-ledger

Hidden values come from the backup and from openings/ and opening-keys/ of --from, each from where it is whole; what is
in neither would stay withheld for ever, and is asked about first. Lawful erasures are carried out again. The bundle is verified
first. The ledger's own keys come from --from, the damaged ledger's folder or a copy of its keys/. Everything at hand that bears the log's signature is asked first: what lies in --from
(checkpoints, receipts, bundles that it wrote) and the witnesses of the policy. A bundle that is behind one of
them is refused: going on from it would give the log two histories."
)]
pub struct Restore {
    /// Folder of the new ledger.
    ledger: PathBuf,
    /// The bundle.
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,
    /// The encrypted openings, as `ledger export --backup` copied them, or openings/ of the damaged ledger.
    #[arg(long, value_name = "DIR")]
    backup: Option<PathBuf>,
    /// Their keys, as `ledger export --backup-keys` copied them, or opening-keys/ of the damaged ledger.
    #[arg(long, value_name = "DIR", requires = "backup")]
    backup_keys: Option<PathBuf>,
    /// Policy file held from elsewhere.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Folder of the ledger that is replaced.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Take this bundle although more than it holds was signed and handed out: for when nothing newer is left anywhere.
    /// Whoever holds a later receipt or bundle can then prove that this log has two histories.
    #[arg(long)]
    older_than_known: bool,
    /// Go on although hidden values are in no copy that is at hand. Nobody can ever read them or prove what they were.
    #[arg(long)]
    without_hidden_values: bool,
    #[command(flatten)]
    start: Start,
}

impl Restore {
    pub fn run(self) -> Result<(), Ended> {
        let (policy, text) = policy_file(&self.policy, &[&self.bundle])?;
        let home = Home::new(&self.ledger);
        not_here(&self.bundle, verifier::files::bundle(&self.bundle).err())?;
        let openings = self.backup.map(|openings| Copied { openings, keys: self.backup_keys });
        let from = Sources {
            bundle: &self.bundle,
            openings,
            without_hidden_values: self.without_hidden_values,
            policy: &policy,
            old_home: &self.from,
            older_than_known: self.older_than_known,
            without_witnesses: self.start.without_witnesses,
        };
        let restored = restore::restore(&home, &from, &Probe::of_this_program()?).map_err(|why| match &why {
            restore::BadRestore::NotVerified(report) if report.has_fault() => Ended::Refused(why.to_string()),
            _ => why.into(),
        });
        let restored = restored?;
        let withheld = restored.withheld;
        let writer = Recording::from(restored.writer);
        files::replace(&home.policy(), &text)?;
        verifier::say!(
            "{}: {} entries restored, root {}",
            self.ledger.shown(),
            writer.log().size(),
            writer.log().root().to_base64()
        );
        if withheld > 0 {
            verifier::say!("{withheld} hidden values were in no copy at hand: they stay withheld");
        }
        Ok(())
    }
}

/// Arguments of `fsck`.
#[derive(Args)]
pub struct Fsck {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Go on from now on with what outbox/, intake/ and places hold, although they held more once and no copy is to be had.
    #[arg(long)]
    accept_loss: bool,
}

impl Fsck {
    pub fn run(self) -> Result<(), Ended> {
        let home = super::home(&self.ledger)?;
        if self.accept_loss {
            Places::accept_loss(&home)?;
        }
        let writer = open(&home)?;
        if self.accept_loss {
            Outbox::accept_loss(&home.outbox())?;
            Queue::at(&home.intake()).accept_loss()?;
            verifier::say!("what outbox/, intake/ and places hold now is taken for all that there is");
        }
        let found = fsck::check(&writer, &mut bar("checking"))?;
        verifier::say!(
            "{} entries, {} signatures, {} opening lines, {} files beside the log read",
            found.entries,
            found.signatures,
            found.lines,
            found.files
        );
        found.notes.iter().for_each(|note| verifier::say!("{note}"));
        if found.problems.is_empty() {
            super::publish::say(&publish::look(&writer)?);
            verifier::say!(
                "sound: store, chain, tree, index, signatures, openings and the last checkpoint agree; documents, keys, \
                 outbox, receipts and lists are those that belong to it"
            );
            return Ok(());
        }
        let lines: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        let way_out =
            if found.wants_restore() { "\nrestore from your newest bundle: ledger restore --help" } else { "" };
        Err(Ended::Refused(format!("not sound:\n{}{way_out}", lines.join("\n"))))
    }
}
