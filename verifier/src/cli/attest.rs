//! `verifier attest`: an auditor's word that it has recomputed the index. FORMAT.md 10.4.

use std::path::PathBuf;

use clap::Args;
use schemas::visible::Show as _;
use verifier::output::{self, Readers};
use verifier::statement::Statement;

use super::read::{self, Kind};
use super::{CannotBegin, say};
use crate::print;

/// Arguments of `attest`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  verifier attest /media/stick/bundle --policy velmora.policy --key npm.n1.key --out npm.statement

The bundle is checked from its first entry to its last, the index recomputed at every seal; only if all
holds is the statement signed. Give it to the ledger's operator, to those who hold packs, and to anyone
else: with it, a pack is complete on your word. The key file is one that `ledger keygen` made."
)]
pub struct Attest {
    /// The bundle: a folder or a .tar.
    bundle: PathBuf,
    /// Policy file that you hold from elsewhere.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Your key file.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// File to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Attest {
    /// Runs it; gives the exit code.
    pub fn run(self) -> Result<u8, CannotBegin> {
        let policy = read::policy_apart(&self.policy, &[&self.bundle])?;
        let key = verifier::witness::service::key_file::read(&self.key)
            .map_err(|why| CannotBegin::File { path: self.key.shown().to_string(), why: why.to_string() })?;
        let Kind::Bundle(mut source) = read::kind(&self.bundle)? else {
            let why = "give a bundle: a folder or a .tar".to_owned();
            return Err(CannotBegin::File { path: self.bundle.shown().to_string(), why });
        };
        let (report, _) = read::bundle_beside(source.as_mut(), &policy);
        let head = report.head.clone().filter(|_| report.exit_code() == 0);
        let Some(head) = head else {
            let words = print::sentence(&report);
            say(&print::text("bundle", &report, &self.bundle, &self.policy, None, &words));
            say("nothing was signed\n");
            return Ok(report.exit_code().max(1));
        };
        if report.is_of_the_log(&key.vkey()) {
            let why =
                "it is a key of the log itself, which signs nothing else (FORMAT.md 9): an auditor has one of its own";
            return Err(CannotBegin::File { path: self.key.shown().to_string(), why: why.to_owned() });
        }
        let (size, note) = (head.checkpoint.size, Statement { checkpoint: head.checkpoint }.sign(&key));
        output::write(&self.out, note.to_text().as_bytes(), Readers::Owner)
            .map_err(|e| CannotBegin::File { path: self.out.shown().to_string(), why: e.to_string() })?;
        let (out, vkey) = (self.out.shown(), key.vkey());
        say(&format!("{out}: index recomputed up to {size} entries\nreaders need your key: --auditor {vkey}\n"));
        Ok(0)
    }
}
