//! `verifier print`: words, numbers and a QR code on paper.

use std::path::PathBuf;

use clap::Args;
use schemas::visible::Show as _;
use verifier::output::{self, Readers};
use verifier::{head, pack, paper, receipt, transit};

use super::read::{self, Kind};
use super::{CannotBegin, say};
use crate::print;

/// Arguments of `print`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  verifier print r0001.tlog-proof --policy velmora.policy --out receipt.html
  verifier print bundle/checkpoint --policy velmora.policy --out state.html
  verifier print cso-league.pack --policy velmora.policy --out records.html

The file is checked first; nothing is printed that does not hold. Of a pack every record is printed, with the hidden
values that it shows, and what it does not show is named. Print the page from any browser. The six words (or numbers)
are what two people compare by telephone."
)]
pub struct Print {
    /// A receipt, a checkpoint or a pack.
    path: PathBuf,
    /// Policy file that you hold from elsewhere.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// HTML file to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Print {
    /// Runs it; gives the exit code.
    pub fn run(self) -> Result<u8, CannotBegin> {
        let policy = read::policy_apart(&self.policy, &[&self.path])?;
        let (report, words, page) = match read::kind(&self.path)? {
            Kind::Receipt(bytes) => {
                let checked = transit::judge(transit::Kind::Receipt, &bytes, |bytes| receipt::check(bytes, &policy));
                let page = paper::receipt(&checked, &String::from_utf8_lossy(&bytes));
                (checked.report.clone(), print::receipt(&checked), page)
            }
            Kind::Checkpoint(bytes) => {
                let report = transit::judge(transit::Kind::Checkpoint, &bytes, |bytes| head::check(bytes, &policy));
                let page = report.head.as_ref().map(|head| paper::checkpoint(head, &report.word()));
                let words = print::checkpoint(&report);
                (report, words, page)
            }
            Kind::Pack(bytes) => {
                let checked = transit::judge(transit::Kind::Pack, &bytes, |bytes| pack::check(bytes, &policy, &[]));
                drop(bytes);
                let words = print::pack(&checked);
                let page = paper::pack(&checked, &words).filter(|_| checked.report.exit_code() == 0);
                (checked.report, words, page)
            }
            _ => {
                let why = "only a receipt, a checkpoint or a pack can be printed".to_owned();
                return Err(CannotBegin::File { path: self.path.shown().to_string(), why });
            }
        };
        let Some(page) = page.filter(|_| report.exit_code() == 0) else {
            say(&print::text("file", &report, &self.path, &self.policy, None, &words));
            return Ok(report.exit_code().max(1));
        };
        output::write(&self.out, page.as_bytes(), Readers::Owner)
            .map_err(|e| CannotBegin::File { path: self.out.shown().to_string(), why: e.to_string() })?;
        say(&format!("{}: open it in any browser and print it\n{}\n", self.out.shown(), words.shown()));
        Ok(0)
    }
}
