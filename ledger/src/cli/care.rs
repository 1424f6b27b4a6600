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
use ledger::writer::Home;
use schemas::policy::Policy;

use super::{Ended, bar, open, settings};

/// Arguments of `export`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger export my-ledger --out /media/stick/bundle --openings backup/openings

The bundle is public: hidden values stand in it only as commitments. The openings are not public: they
hold all restricted and sealed values. Bundle and openings together are the ledger's backup."
)]
pub struct Export {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Folder for the bundle; an older bundle there is replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder for all openings, for the backup and for oversight alone.
    #[arg(long, value_name = "DIR")]
    openings: Option<PathBuf>,
}

impl Export {
    pub fn run(self) -> Result<(), Ended> {
        let home = Home::new(&self.ledger);
        let settings = settings(&home)?;
        let writer = open(&home)?;
        let policy = publish::policy_text(&writer)?;
        let done = export::bundle(&writer, &policy, settings.utc_offset_minutes, &self.out, &mut bar("exporting"))?;
        println!("{}: {} entries in {} files, {} bytes", self.out.display(), done.entries, done.files, done.bytes);
        if let Some(folder) = &self.openings {
            let lines = export::openings(&writer, folder)?;
            println!("{}: openings of {lines} entries; not public", folder.display());
        }
        super::publish::say(&publish::look(&writer)?);
        println!("check it: verifier check {} --policy POLICY", self.out.display());
        Ok(())
    }
}

/// Arguments of `restore`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger restore new-ledger --bundle backup/bundle --openings backup/openings --policy velmora.policy --from damaged-ledger

The bundle is verified first. The ledger's own keys come from --from, the damaged ledger's folder or a
copy of its keys/. A bundle behind the last checkpoint in --from is refused: going on from it would
give the log two histories."
)]
pub struct Restore {
    /// Folder of the new ledger.
    ledger: PathBuf,
    /// The bundle.
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,
    /// All openings, as `ledger export --openings` wrote them.
    #[arg(long, value_name = "DIR")]
    openings: Option<PathBuf>,
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
        let from =
            Sources { bundle: &self.bundle, openings: self.openings.as_deref(), policy: &policy, old_home: &self.from };
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
