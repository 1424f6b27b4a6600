//! `verifier check`.

use std::path::{Path, PathBuf};

use clap::Args;
use schemas::policy::Policy;
use schemas::visible::Show as _;
use verifier::bundle::{self, Source};
use verifier::compare;
use verifier::given::Given;
use verifier::head::{self, SignedHead};
use verifier::pack::{self, PackReport};
use verifier::receipt;
use verifier::report::Report;
use verifier::threads::Threads;
use verifier::transit;
use verifier::unseal::Unsealed;

use super::read::{self, Bars, Kind};
use super::{CannotBegin, say};
use crate::print;

/// Arguments of `check`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "The policy file says whom you trust: the log's public key, and witnesses. Get it from elsewhere than
what you check: on paper, from your own institution, or by telephone. A policy found inside proves nothing, and
one that is given from inside is not taken.

Examples:
  verifier check /media/stick/bundle --policy velmora.policy
  verifier check cso-league.pack --policy velmora.policy
  verifier check cso-league.pack --policy velmora.policy --index /media/stick/bundle
  verifier check newer.pack --policy velmora.policy --since older.pack
  verifier check r0001.tlog-proof --policy velmora.policy
  verifier check fork.jsonl --policy velmora.policy          exit 1: it proves that the log lied; 2: it proves nothing

A pack proves that it holds all records about its subject if the index in the log is honest. With --index
you recompute the index yourself from the public entries; with --auditor you take an auditor's word."
)]
pub struct Check {
    /// A bundle (folder or .tar), pack, receipt, checkpoint, or evidence of a fork.
    path: PathBuf,
    /// Policy file that you hold from elsewhere (C2SP tlog-policy: `log <key>`, `quorum none`).
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Folder of openings beside a bundle, for those who may see hidden values.
    #[arg(long, value_name = "DIR")]
    openings: Option<PathBuf>,
    /// Identity file of an oversight body: sealed values among the openings are read with it, and checked.
    #[arg(long, value_name = "FILE", requires = "openings")]
    key: Option<PathBuf>,
    /// With openings: name also what is withheld although this audience may read it: `public`, `oversight`, or a party as
    /// the log names it.
    #[arg(long, value_name = "AUDIENCE", requires = "openings")]
    audience: Option<String>,
    /// With a pack: a bundle of the same log, from which the index is recomputed.
    #[arg(long, value_name = "BUNDLE")]
    index: Option<PathBuf>,
    /// With a pack: an older pack of the same stream, or an older checkpoint, that this one must extend.
    #[arg(long, value_name = "OLDER")]
    since: Option<PathBuf>,
    /// With a pack: key of an auditor whose statement "index recomputed" you trust (vkey, or file with one).
    #[arg(long, value_name = "VKEY")]
    auditor: Vec<String>,
    /// Print the result as JSON for programs.
    #[arg(long)]
    json: bool,
}

impl Check {
    /// Runs it; gives the exit code.
    pub fn run(self) -> Result<u8, CannotBegin> {
        let beside = self.index.iter().chain(&self.since).map(PathBuf::as_path);
        let checked: Vec<&Path> = std::iter::once(self.path.as_path()).chain(beside).collect();
        let policy = read::policy_apart(&self.policy, &checked)?;
        let kind = read::kind(&self.path)?;
        if !matches!(kind, Kind::Pack(_)) && (self.index.is_some() || self.since.is_some()) {
            let why = "--index and --since go with a pack".to_owned();
            return Err(CannotBegin::File { path: self.path.shown().to_string(), why });
        }
        match kind {
            Kind::Bundle(source) => self.bundle(source, &policy),
            Kind::Pack(bytes) => self.pack(&bytes, &policy),
            Kind::Receipt(bytes) => {
                let checked = transit::judge(transit::Kind::Receipt, &bytes, |bytes| receipt::check(bytes, &policy));
                let words = print::receipt(&checked);
                Ok(self.show("receipt", &checked.report, &words))
            }
            Kind::Refusal(bytes) => {
                let check = |bytes: &[u8]| receipt::check_refusal(bytes, &policy);
                let (report, refusal) = transit::judge(transit::Kind::Refusal, &bytes, check);
                Ok(self.show("refusal", &report, &print::refusal(&report, refusal.as_ref())))
            }
            Kind::Fork(bytes) => {
                let report = transit::judge(transit::Kind::Fork, &bytes, |bytes| compare::check_fork(bytes, &policy));
                Ok(self.show("evidence", &report, &print::fork(&report)))
            }
            Kind::Checkpoint(bytes) => {
                let report = transit::judge(transit::Kind::Checkpoint, &bytes, |bytes| head::check(bytes, &policy));
                Ok(self.show("checkpoint", &report, &print::checkpoint(&report)))
            }
        }
    }

    fn show(&self, what: &str, report: &Report, words: &str) -> u8 {
        let text = if self.json {
            print::json(report, None)
        } else {
            print::text(what, report, &self.path, &self.policy, None, words)
        };
        say(&text);
        report.exit_code()
    }

    fn bundle(&self, mut source: Box<dyn Source>, policy: &Policy) -> Result<u8, CannotBegin> {
        let folder = self.openings.as_deref().map(read::openings).transpose()?;
        let identity = self.key.as_deref().map(read::identity).transpose()?;
        let mut beside = folder.map(|source| -> Box<dyn Source + '_> {
            match &identity {
                Some(identity) => Box::new(Unsealed { source, identity }),
                None => Box::new(source),
            }
        });
        let mut bars = Bars::new();
        let openings = beside.as_mut().map(|folder| &mut **folder as &mut dyn Source);
        let threads = Threads::new();
        let report = match &self.audience {
            Some(audience) => {
                let mut given = Given::to(audience, &mut bars);
                let mut report = bundle::judge(source.as_mut(), policy, openings, &mut given, &threads);
                given.tell(&mut report);
                report
            }
            None => bundle::judge(source.as_mut(), policy, openings, &mut bars, &threads),
        };
        bars.finish();
        let inside = source.read("policy").ok().flatten();
        let same = inside.map(|bytes| read::policy_bytes(&self.policy).is_ok_and(|held| held == bytes));
        let text = if self.json {
            print::json(&report, same)
        } else {
            print::text("bundle", &report, &self.path, &self.policy, same, &print::sentence(&report))
        };
        say(&text);
        Ok(report.exit_code())
    }

    fn pack(&self, bytes: &[u8], policy: &Policy) -> Result<u8, CannotBegin> {
        let auditors = read::auditors(&self.auditor)?;
        let mut checked = transit::judge(transit::Kind::Pack, bytes, |bytes| pack::check(bytes, policy, &auditors));
        if let Some(older) = &self.since {
            since(&mut checked, older, policy)?;
        }
        if let Some(path) = &self.index {
            let Kind::Bundle(mut source) = read::kind(path)? else {
                let why = "--index needs a bundle: a folder or a .tar".to_owned();
                return Err(CannotBegin::File { path: path.shown().to_string(), why });
            };
            let (report, gathered) = read::bundle_beside(source.as_mut(), policy);
            if report.exit_code() == 0 {
                checked.recomputed(&gathered.levels, &gathered.erased);
            } else {
                let why = beside(&report);
                let why =
                    format!("the bundle given with --index does not verify, so the index was not recomputed: {why}");
                checked.report.unknown.push(why);
            }
        }
        let same = read::policy_bytes(&self.policy).is_ok_and(|held| held == checked.policy_inside().as_bytes());
        let text = if self.json {
            print::pack_json(&checked, Some(same))
        } else {
            let words = print::pack(&checked);
            print::text("pack", &checked.report, &self.path, &self.policy, Some(same), &words)
        };
        say(&text);
        Ok(checked.report.exit_code())
    }
}

/// Sets a pack against an older pack or checkpoint.
fn since(checked: &mut PackReport, older: &Path, policy: &Policy) -> Result<(), CannotBegin> {
    match read::kind(older)? {
        Kind::Pack(bytes) => {
            let judged = transit::judge(transit::Kind::Pack, &bytes, |bytes| pack::check(bytes, policy, &[]));
            match holds_by_itself(&judged.report) {
                Ok(_) => checked.extends(&judged),
                Err(why) => checked.report.unknown.push(why),
            }
        }
        Kind::Checkpoint(bytes) => {
            let report = transit::judge(transit::Kind::Checkpoint, &bytes, |bytes| head::check(bytes, policy));
            match holds_by_itself(&report) {
                Ok(head) => checked.follows(&head.checkpoint),
                Err(why) => checked.report.unknown.push(why),
            }
        }
        _ => {
            let why = "--since needs an older pack or checkpoint".to_owned();
            return Err(CannotBegin::File { path: older.shown().to_string(), why });
        }
    }
    Ok(())
}

/// The checkpoint of a file that was given beside, or why nothing can be set against it.
fn holds_by_itself(report: &Report) -> Result<&SignedHead, String> {
    let head = report.head.as_ref().filter(|_| report.exit_code() == 0);
    head.ok_or_else(|| format!("what was given with --since does not verify by itself: {}", beside(report)))
}

/// Why a file that was given beside does not hold, or cannot be told.
fn beside(report: &Report) -> String {
    report.faults.first().map_or_else(|| report.unknown.join("; "), ToString::to_string)
}
