//! `export`, `restore`, `fsck`: the care of a ledger.

use std::path::PathBuf;

use clap::Args;
use ledger::export;
use ledger::failure::Failure;
use ledger::files;
use ledger::fsck;
use ledger::probe::Probe;
use ledger::publish;
use ledger::restore::{self, Sources};
use ledger::vault::Copied;
use ledger::writer::Home;
use schemas::policy::Policy;

use super::{Ended, bar, open, settings};

/// Arguments of `export`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger export my-ledger --out /media/stick/bundle
  ledger export my-ledger --out backup/bundle --backup backup/openings
  ledger export my-ledger --backup-keys /media/safe/opening-keys

The bundle is public: hidden values stand in it only as commitments. The backup of the openings is encrypted,
and worth nothing without the keys of the openings. Keep those on another disk: bundle, openings and keys
together are the ledger's backup, and an erasure is complete only when copies of keys made before it are
destroyed. Hidden values for a party or for oversight: ledger open --help."
)]
pub struct Export {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Folder for the bundle; an older bundle there is replaced.
    #[arg(long, value_name = "DIR", required_unless_present_any = ["backup", "backup_keys"])]
    out: Option<PathBuf>,
    /// Folder for a copy of the encrypted openings, without keys.
    #[arg(long, value_name = "DIR")]
    backup: Option<PathBuf>,
    /// Folder for a copy of the keys of the openings: on another disk than the openings.
    #[arg(long, value_name = "DIR")]
    backup_keys: Option<PathBuf>,
}

impl Export {
    pub fn run(self) -> Result<(), Ended> {
        let home = Home::new(&self.ledger);
        let settings = settings(&home)?;
        let writer = open(&home)?;
        if let Some(out) = &self.out {
            let policy = publish::policy_text(&writer)?;
            let done = export::bundle(&writer, &policy, settings.utc_offset_minutes, out, &mut bar("exporting"))?;
            println!("{}: {} entries in {} files, {} bytes", out.display(), done.entries, done.files, done.bytes);
            println!("check it: verifier check {} --policy POLICY", out.display());
        }
        if let Some(folder) = &self.backup {
            let lines = export::backup(&writer, folder)?;
            println!("{}: openings of {lines} entries, encrypted; their keys are not in it", folder.display());
        }
        if let Some(folder) = &self.backup_keys {
            let lines = export::backup_keys(&writer, folder)?;
            println!("{}: keys of the openings of {lines} entries", folder.display());
            println!("keep them apart from every copy of the openings, and destroy older copies: what is erased");
            println!("from now on could be read with them");
        }
        super::publish::say(&publish::look(&writer)?);
        Ok(())
    }
}

/// Arguments of `restore`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger restore new-ledger --bundle backup/bundle --backup backup/openings --backup-keys /media/safe/opening-keys \
      --policy velmora.policy --from damaged-ledger

Without the keys every hidden value stays withheld for ever. Lawful erasures are carried out again. The bundle is verified first. The ledger's own keys come from --from, the damaged ledger's folder or a
copy of its keys/. A bundle behind the last checkpoint in --from is refused: going on from it would
give the log two histories."
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
}

impl Restore {
    pub fn run(self) -> Result<(), Ended> {
        let absent = || Failure::Absent { what: "policy", path: self.policy.clone() };
        let text = files::read(&self.policy, 1 << 20)?.ok_or_else(absent)?;
        let policy = Policy::parse(&String::from_utf8_lossy(&text))?;
        let home = Home::new(&self.ledger);
        let openings = self.backup.map(|openings| Copied { openings, keys: self.backup_keys });
        let from = Sources { bundle: &self.bundle, openings, policy: &policy, old_home: &self.from };
        let writer = restore::restore(&home, &from, &Probe::of_this_program()?)?;
        files::replace(&home.policy(), &text)?;
        println!(
            "{}: {} entries restored, root {}",
            self.ledger.display(),
            writer.log().size(),
            writer.log().root().to_base64()
        );
        Ok(())
    }
}

/// Arguments of `fsck`.
#[derive(Args)]
pub struct Fsck {
    /// Folder of the ledger.
    ledger: PathBuf,
}

impl Fsck {
    pub fn run(self) -> Result<(), Ended> {
        let writer = open(&Home::new(&self.ledger))?;
        let found = fsck::check(&writer, &mut bar("checking"))?;
        println!("{} entries, {} signatures, {} opening lines read", found.entries, found.signatures, found.lines);
        if found.problems.is_empty() {
            super::publish::say(&publish::look(&writer)?);
            println!("sound: store, chain, tree, index, signatures, openings and the last checkpoint agree");
            return Ok(());
        }
        let lines: Vec<String> = found.problems.iter().map(ToString::to_string).collect();
        Err(Ended::Refused(format!(
            "not sound:\n{}\nrestore from your newest bundle: ledger restore --help",
            lines.join("\n")
        )))
    }
}
