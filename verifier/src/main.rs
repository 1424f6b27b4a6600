//! The command `verifier`: what an auditor runs, offline, with files and a public key.

mod print;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use schemas::policy::Policy;
use verifier::bundle::{self, Source, Visitor};
use verifier::files::Folder;
use verifier::unseal::{Identity, Unsealed};

/// Verifies a copy of an access and oversight ledger: offline, with nothing but files and a public key.
///
/// Exit code: 0 holds, 1 a fault was found, 2 cannot tell.
#[derive(Parser)]
#[command(name = "verifier", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a whole bundle, step by step as FORMAT.md numbers them.
    ///
    /// The policy file says whom you trust: the log's public key, and witnesses. Get it from elsewhere than the
    /// bundle: on paper, from your own institution, or by telephone. A policy found inside the bundle proves nothing.
    ///
    /// Example:  verifier check /media/stick/bundle --policy velmora.policy
    #[command(verbatim_doc_comment)]
    Check {
        /// Folder of the bundle.
        bundle: PathBuf,
        /// Policy file that you hold from elsewhere (C2SP tlog-policy: `log <key>`, `quorum none`).
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        /// Folder of openings beside the bundle, for those who may see hidden values.
        #[arg(long, value_name = "DIR")]
        openings: Option<PathBuf>,
        /// Identity file of an oversight body: sealed values among the openings are read with it, and checked.
        #[arg(long, value_name = "FILE", requires = "openings")]
        key: Option<PathBuf>,
        /// Print the result as JSON for programs.
        #[arg(long)]
        json: bool,
    },
}

fn main() -> ExitCode {
    let Command::Check { bundle, policy, openings, key, json } = Arguments::parse().command;
    match check(&bundle, &policy, openings.as_deref(), key.as_deref(), json) {
        Ok(code) => ExitCode::from(code),
        Err(why) => {
            eprintln!("cannot tell: {why}");
            ExitCode::from(2)
        }
    }
}

/// Why a check could not even begin.
#[derive(Debug, thiserror::Error)]
enum CannotBegin {
    #[error("{}: {why}; give the policy file that you hold with --policy", .path.display())]
    Policy { path: PathBuf, why: String },
    #[error("{}: {why}", .path.display())]
    Identity { path: PathBuf, why: String },
    #[error("{}: no folder; give the folder that holds `checkpoint` and `manifest`", .0.display())]
    NoFolder(PathBuf),
}

fn check(
    bundle: &Path,
    policy_path: &Path,
    openings: Option<&Path>,
    key: Option<&Path>,
    json: bool,
) -> Result<u8, CannotBegin> {
    let policy = read_policy(policy_path)?;
    let identity = key.map(read_identity).transpose()?;
    for folder in std::iter::once(bundle).chain(openings) {
        if !folder.is_dir() {
            return Err(CannotBegin::NoFolder(folder.to_owned()));
        }
    }
    let mut source = Folder::new(bundle);
    let mut beside = openings.map(|folder| -> Box<dyn Source + '_> {
        let source = Folder::new(folder);
        match &identity {
            Some(identity) => Box::new(Unsealed { source, identity }),
            None => Box::new(source),
        }
    });
    let mut bars = Bars::new();
    let report = bundle::check(&mut source, &policy, beside.as_mut().map(|f| &mut **f as &mut dyn Source), &mut bars);
    bars.bar.finish_and_clear();
    let inside = source.read("policy").ok().flatten();
    let same_policy = inside.map(|bytes| std::fs::read(policy_path).is_ok_and(|held| held == bytes));
    let text =
        if json { print::json(&report, same_policy) } else { print::text(&report, bundle, policy_path, same_policy) };
    // A closed pipe is the reader's choice, not a failure.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
    Ok(report.exit_code())
}

fn read_identity(path: &Path) -> Result<Identity, CannotBegin> {
    let bad = |why: String| CannotBegin::Identity { path: path.to_owned(), why };
    let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
    Identity::parse(&text).map_err(|e| bad(e.to_string()))
}

fn read_policy(path: &Path) -> Result<Policy, CannotBegin> {
    let bad = |why: String| CannotBegin::Policy { path: path.to_owned(), why };
    let bytes = std::fs::read(path).map_err(|e| bad(e.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| bad("not UTF-8 text".to_owned()))?;
    let policy = Policy::parse(&text).map_err(|e| bad(e.to_string()))?;
    if policy.logs.is_empty() {
        return Err(bad("it names no log, so there is nothing to check against".to_owned()));
    }
    Ok(policy)
}

/// Progress on a terminal, none in a pipe.
struct Bars {
    bar: indicatif::ProgressBar,
}

impl Bars {
    fn new() -> Self {
        let bar = indicatif::ProgressBar::new(0);
        let style = indicatif::ProgressStyle::with_template("{msg:8} {bar:40} {human_pos} of {human_len}");
        if let Ok(style) = style {
            bar.set_style(style);
        }
        Self { bar }
    }
}

impl Visitor for Bars {
    fn progress(&mut self, step: &'static str, done: u64, total: u64) {
        self.bar.set_message(step);
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}
