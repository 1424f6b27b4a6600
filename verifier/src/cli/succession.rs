//! `verifier succession`: whether a log goes on from another as it says.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use schemas::visible::Show as _;
use verifier::bundle::Source;
use verifier::report::{Report, Verdict};
use verifier::succession::{self, Carried, Succession};

use super::read::{self, Bars, Kind};
use super::{CannotBegin, say};

/// Arguments of `succession`.
#[derive(Args)]
pub struct Arguments {
    /// Folder of the successor's bundle.
    bundle: PathBuf,
    /// Policy file for the successor, held from elsewhere.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Folder of the bundle of the log before.
    #[arg(long, value_name = "DIR")]
    predecessor: PathBuf,
    /// Policy file for the log before, held from elsewhere.
    #[arg(long, value_name = "FILE")]
    predecessor_policy: PathBuf,
}

impl Arguments {
    pub fn run(&self) -> Result<u8, CannotBegin> {
        let both = [self.bundle.as_path(), self.predecessor.as_path()];
        let policy = read::policy_apart(&self.policy, &both)?;
        let before = read::policy_apart(&self.predecessor_policy, &both)?;
        let mut bars = Bars::new();
        let mut progress = |step, done, total| verifier::bundle::Visitor::progress(&mut bars, step, done, total);
        let (mut new, mut old) = (bundle(&self.bundle)?, bundle(&self.predecessor)?);
        let result = succession::check(new.as_mut(), &policy, old.as_mut(), &before, &mut progress);
        bars.finish();
        say(&text(&result));
        Ok(result.exit_code())
    }
}

fn bundle(path: &Path) -> Result<Box<dyn Source>, CannotBegin> {
    match read::kind(path)? {
        Kind::Bundle(source) => Ok(source),
        _ => {
            let why = "give a bundle: a folder or a .tar".to_owned();
            Err(CannotBegin::File { path: path.shown().to_string(), why })
        }
    }
}

/// The result for a person.
fn text(result: &Succession) -> String {
    let mut out = String::new();
    for (name, report) in [("successor", &result.new), ("log before", &result.old)] {
        let _ = writeln!(out, "{name:10}  {}: {}", log(report), report.verdict().as_str());
        for fault in report.faults.iter().take(3) {
            let _ = writeln!(out, "            - {}", fault.to_string().shown());
        }
    }
    for step in &result.steps {
        let _ = writeln!(out, "\n  {:5} {}: {}", step.section, step.title, step.counted);
    }
    if let Some(carried) = &result.carried {
        let _ = writeln!(out, "\nCarried over:");
        for line in lines(carried) {
            let _ = writeln!(out, "  - {}", line.shown());
        }
    }
    for fault in &result.faults {
        let _ = writeln!(out, "  - {}", fault.to_string().shown());
    }
    let verdict = result.verdict();
    let end = match verdict {
        Verdict::CannotTell => result.unknown.join("; ").shown().to_string(),
        Verdict::NotVerified => {
            "do not rely on the successor as the same history; keep both copies as evidence".to_owned()
        }
        _ => result.carried.as_ref().map(Carried::word).unwrap_or_default().shown().to_string(),
    };
    let _ = writeln!(out, "\n{}: {end}.", verdict.as_str());
    out
}

fn log(report: &Report) -> String {
    let head = report.head.as_ref().map(|head| &head.checkpoint);
    head.map_or_else(|| "unknown".to_owned(), |c| format!("{}, {} entries", c.origin, c.size))
}

fn lines(carried: &Carried) -> Vec<String> {
    let said = &carried.said;
    let until = carried.until.map_or_else(String::new, |t| format!(", up to {t}"));
    let mut lines = vec![
        format!("{} entries and {} streams{until}; reason given: {}", said.size, carried.streams, said.reason),
        format!("said under the signatures of {}", said.signed_by.join(" and ")),
    ];
    if carried.left_behind > 0 {
        lines.push(format!("left behind: {} later entries of the log before", carried.left_behind));
    }
    let unknown = said.signed_by.iter().filter(|name| !carried.known_signers.contains(name));
    for name in unknown {
        lines.push(format!("{name} signed with a key that the log before did not know: compare it with its holder"));
    }
    let (known, all) = carried.known_oversight;
    lines.push(format!(
        "keys of oversight in the successor that the log before had in force: {known} of {all}; compare the others with the \
         oversight bodies themselves, by telephone or on paper"
    ));
    lines
}
