//! `anchor`: a second place for the last signed checkpoint.

use schemas::visible::Show as _;
use std::path::PathBuf;

use clap::Args;
use ledger::places::Places;
use ledger::writer::Home;

use super::{Ended, open};

/// Arguments of `anchor`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger anchor my-ledger --also /mnt/other-disk/velmora.checkpoint
  ledger anchor my-ledger --none

The last signed checkpoint lies in MY-LEDGER/checkpoint; a folder that is put back from a backup brings an old one along. At
a second place, on another disk or on a folder of another machine, it is written after each commit (FILE and FILE.2), and
asked at each start: one that is ahead of the ledger ends the start. If it is gone, that is said, and it is begun anew by
this command alone. [anchor] also in the configuration of `ledger serve` says the same."
)]
pub struct Anchor {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// File in which the last signed checkpoint is kept too.
    #[arg(long, value_name = "FILE", required_unless_present = "none")]
    also: Option<PathBuf>,
    /// Keep it at no second place any more.
    #[arg(long, conflicts_with = "also")]
    none: bool,
}

impl Anchor {
    pub fn run(self) -> Result<(), Ended> {
        let home = Home::new(&self.ledger);
        let mut writer = open(&home)?;
        match &self.also {
            Some(path) => {
                writer.whole().keep_anchor_at(path)?;
                verifier::say!("the last signed checkpoint is kept in {} too", path.shown());
            }
            None => {
                Places::forget_anchor(&home)?;
                verifier::say!("it is kept at no second place any more");
            }
        }
        Ok(())
    }
}
