//! The command `projector`: findings, figures and pages from a log that verifies.

mod cli;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use projector::feed::BundleFeed;
use projector::lens::Audience;
use projector::projection::{Projection, When, project};
use schemas::time::Timestamp;
use schemas::visible::Show as _;
use verifier::bundle::Source;
use verifier::files;
use verifier::output;
use verifier::terminal;
use verifier::unseal::{Identity, Unsealed};

/// Computes findings, figures and pages from a log. The log is verified first; nothing is computed from one that
/// does not verify.
///
/// Exit code: 0 done, 1 the log does not verify, 2 could not, or cannot tell.
#[derive(Parser)]
#[command(name = "projector", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write findings.csv, measures.csv, undetermined.csv and the pages for one audience.
    ///
    /// Example:  projector report --bundle bundle --policy velmora.policy --openings openings --audience oversight --out report
    #[command(verbatim_doc_comment)]
    Report(Report),
    /// Write the public pages with their data: what a web server may show to anyone.
    Site(Site),
    /// Follow a log that goes on, and serve the public pages as it grows.
    ///
    /// Serves the pages and their data, /healthz, /state (position, root, state digest), /checkpoint and /metrics. What is
    /// wrong with log, feed or projector stands on every page. Ctrl-C or SIGTERM ends it; SIGHUP makes the views anew
    /// beside the running ones. It may be killed at any moment. projector/SERVE.md says more.
    ///
    /// Example:  projector serve --feed http://ledger.example --policy velmora.policy --state state --listen 127.0.0.1:8081
    #[command(verbatim_doc_comment)]
    Serve(cli::serve::Serve),
}

#[derive(Args)]
struct Log {
    /// Folder of the bundle.
    #[arg(long, value_name = "DIR")]
    bundle: PathBuf,
    /// Policy file that you hold from elsewhere.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The instant to judge at, such as 2026-06-30T22:59:59Z, no later than the last seal; the profile's dates if not given.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

#[derive(Args)]
struct Report {
    #[command(flatten)]
    log: Log,
    /// Folder of openings, for those who may see hidden values.
    #[arg(long, value_name = "DIR")]
    openings: Option<PathBuf>,
    /// Identity file of an oversight body: sealed values among the openings are read with it.
    #[arg(long, value_name = "FILE", requires = "openings")]
    key: Option<PathBuf>,
    /// Who will read it.
    #[arg(long)]
    audience: Reader,
    /// Folder to write into.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Args)]
struct Site {
    #[command(flatten)]
    log: Log,
    /// Folder to write into.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Reader {
    /// Anyone: what the public log itself says, after the right of reply.
    Public,
    /// Oversight bodies: everything that the openings show.
    Oversight,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{}: {why}", .path.shown())]
    File { path: PathBuf, why: String },
    #[error(transparent)]
    CameAlong(#[from] files::CameAlong),
    #[error("--as-of {0:?}: write it as 2026-06-30T22:59:59Z")]
    AsOf(String),
    #[error(transparent)]
    Projection(#[from] projector::projection::BadProjection),
    #[error(transparent)]
    Unwritten(#[from] projector::site::BadWrite),
    #[error(transparent)]
    Serve(#[from] cli::serve::BadServe),
}

/// Longest file of an identity, in bytes.
const IDENTITY_BYTES_MAX: usize = 65_536;

/// What one thread takes and another gives back is a third of the work with the system's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    terminal::run("projector", run)
}

fn run() -> u8 {
    let arguments = match terminal::parse::<Arguments>() {
        Ok(arguments) => arguments,
        Err(code) => return code,
    };
    let result = match arguments.command {
        Command::Report(report) => run_report(&report),
        Command::Site(site) => run_site(&site),
        Command::Serve(serve) => serve.run().map_err(Ended::from),
    };
    match result {
        Ok(()) => 0,
        Err(Ended::Projection(projector::projection::BadProjection::Feed(why))) => {
            verifier::tell!("{why}\nSee all steps with: verifier check BUNDLE --policy POLICY");
            if why.is_fault() { 1 } else { 2 }
        }
        Err(why) => {
            verifier::tell!("could not: {}", terminal::reasons(&why));
            2
        }
    }
}

fn run_report(report: &Report) -> Result<(), Ended> {
    let projection = follow(&report.log, report.openings.as_ref(), report.key.as_ref())?;
    let audience = match report.audience {
        Reader::Public => Audience::Public,
        Reader::Oversight => Audience::Oversight,
    };
    projector::output::report(&projection, audience, &report.out)?;
    let judged = projection.judged(audience);
    let last = judged.evaluations.last();
    verifier::say!(
        "{}: {} findings as of {}, {} cannot be judged without more openings; {} figures",
        report.out.shown(),
        last.map_or(0, |e| e.findings.len()),
        judged.as_of,
        last.map_or(0, |e| e.undetermined.len()),
        judged.measures.len()
    );
    for note in last.map(|e| e.notes.as_slice()).unwrap_or_default() {
        verifier::say!("note: {note}");
    }
    Ok(())
}

fn run_site(site: &Site) -> Result<(), Ended> {
    let projection = follow(&site.log, None, None)?;
    projector::output::public_site(&projection, &site.out)?;
    verifier::say!("{}: open index.html", site.out.shown());
    Ok(())
}

fn read_identity(path: &Path) -> Result<Identity, Ended> {
    let file = |why: String| Ended::File { path: path.to_owned(), why };
    let bytes = output::read_secret(path, IDENTITY_BYTES_MAX).map_err(|e| file(e.to_string()))?;
    let bytes = bytes.ok_or_else(|| file("no such file".to_owned()))?;
    Identity::parse(std::str::from_utf8(&bytes).unwrap_or_default()).map_err(|e| file(e.to_string()))
}

fn follow(log: &Log, openings: Option<&PathBuf>, key: Option<&PathBuf>) -> Result<Projection, Ended> {
    let file = |why: String| Ended::File { path: log.policy.clone(), why };
    files::apart(&log.policy, &[&log.bundle])?;
    let (policy, _) = files::policy(&log.policy).map_err(file)?;
    for folder in std::iter::once(&log.bundle).chain(openings) {
        let found = std::fs::metadata(folder).map_err(|e| Ended::File { path: folder.clone(), why: e.to_string() })?;
        if !found.is_dir() {
            return Err(Ended::File { path: folder.clone(), why: files::packed(folder) });
        }
    }
    let not_here = |folder: &PathBuf| {
        let path = folder.clone();
        move |why: files::NotHere| Ended::File { path, why: why.to_string() }
    };
    let mut source = files::bundle(&log.bundle).map_err(not_here(&log.bundle))?;
    let folder = openings.map(|folder| files::openings(folder).map_err(not_here(folder))).transpose()?;
    let when = match &log.as_of {
        None => When::Profile,
        Some(text) => When::At(Timestamp::parse(text).ok_or_else(|| Ended::AsOf(text.clone()))?),
    };
    let identity = key.map(|path| read_identity(path)).transpose()?;
    let mut beside = folder.map(|source| -> Box<dyn Source + '_> {
        match &identity {
            Some(identity) => Box::new(Unsealed { source, identity }),
            None => Box::new(source),
        }
    });
    let mut feed = BundleFeed {
        source: &mut source,
        openings: beside.as_mut().map(|f| &mut **f as &mut dyn Source),
        policy: &policy,
    };
    let bar = indicatif::ProgressBar::new(0);
    let projection = project(&mut feed, when, &mut |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    Ok(projection)
}
