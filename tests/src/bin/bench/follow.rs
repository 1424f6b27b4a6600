//! A log of others checked offline, a ledger started again, and verified entries folded through all views.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use ledger::{export, folder};
use projector::feed::{BadFeed, Feed, Sink};
use projector::projection::{When, project};
use schemas::policy::Policy;
use verifier::Verified;
use verifier::bundle::{NoVisitor, Opened, check_with};
use verifier::files::Folder;
use verifier::follower::{Accepted, Follower};
use verifier::head::{SignedHead, check_head};
use verifier::threads::Threads;

use crate::bench::{BadBench, Bench};
use crate::row::{Row, Target};

/// Set for a child that checks a bundle and does nothing else, so that its memory is that of the check.
const CHECK: &str = "OVERSIGHT_BENCH_CHECK";
/// Entries that are folded: they are all in memory before the clock starts.
const FOLDED: usize = 100_000;
/// Megabytes that a check may take beside 100 bytes an entry.
const MEGABYTES: f64 = 64.0;

/// In a process that was started to check a bundle: checks it, says how long it took and what memory, and ends.
pub fn take_over() {
    let Some(folder) = std::env::var_os(CHECK).map(PathBuf::from) else { return };
    let policy = std::fs::read_to_string(folder.join("policy")).ok().and_then(|text| Policy::parse(&text).ok());
    let policy = policy.expect("the bench wrote it");
    let since = Instant::now();
    let mut source = Folder::new(&folder);
    let report = check_with(&mut source, &policy, None, &mut NoVisitor, &Threads::new());
    let seconds = since.elapsed().as_secs_f64();
    assert_eq!(report.exit_code(), 0, "{:?}", report.faults);
    println!("{seconds} {}", memory("VmHWM:").unwrap_or_default());
    std::process::exit(0);
}

/// A bundle of the grown log, checked offline.
pub fn check(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let limits = bench.limits()?;
    let grown = bench.grown()?;
    let entries = grown.entries as f64;
    let bundle = bench.path("checked");
    {
        let writer = grown.open()?;
        let policy = folder::policy(writer.log());
        export::bundle(&writer, &policy, 0, &bundle, &mut |_, _| {})?;
        writer.stop()?;
    }
    let (seconds, peak) = check_apart(&bundle)?;
    std::fs::remove_dir_all(&bundle).map_err(|source| BadBench::File { path: bundle.clone(), source })?;
    Ok(vec![
        Row::new("check", format!("offline check of a bundle of {}", grown.entries), entries / seconds, "events/s")
            .of(limits.verify, "of the limit")
            .target(Target::AtLeast(0.7)),
        Row::new("check", "the same", seconds, "s"),
        Row::new(
            "check",
            "its memory beyond 64 MB, for each entry",
            (peak - MEGABYTES * 1e6).max(0.0) / entries,
            "bytes",
        )
        .target(Target::AtMost(100.0)),
    ])
}

/// The grown log stopped and started.
pub fn restart(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let grown = bench.grown()?;
    let timed = |what: &str, since: Instant| Row::new("restart", what, since.elapsed().as_secs_f64(), "s");
    drop(grown.open()?); // as a killed process: no mark of a good stop
    let since = Instant::now();
    let writer = grown.open()?;
    let mut rows = vec![timed("a start after a crash, with the state of the last good stop", since)];
    let since = Instant::now();
    writer.stop()?;
    rows.push(timed("a clean stop", since));
    let since = Instant::now();
    let writer = grown.open()?;
    let most = if grown.entries > 1_500_000 { 5.0 } else { 1.0 };
    rows.push(timed("the start after it", since).target(Target::AtMost(most)));
    drop(writer);
    let state = grown.home.state();
    std::fs::remove_dir_all(&state).map_err(|source| BadBench::File { path: state.clone(), source })?;
    let since = Instant::now();
    let writer = grown.open()?;
    rows.push(timed("a start from the log alone", since));
    writer.stop()?;
    Ok(rows)
}

/// Entries that were verified before, through all views of both readers.
pub fn views(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let writer = bench.grown()?.open()?;
    let rows = folded(&writer, &folder::policy(writer.log()))?;
    writer.stop()?;
    Ok(rows)
}

/// Checks the bundle in a process of its own; seconds, and bytes of memory at most.
fn check_apart(bundle: &Path) -> Result<(f64, f64), BadBench> {
    let bad = |source| BadBench::File { path: bundle.to_owned(), source };
    let program = std::env::current_exe().map_err(bad)?;
    let output = Command::new(program).env(CHECK, bundle).output().map_err(bad)?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut numbers = said.split_whitespace().filter_map(|word| word.parse::<f64>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(seconds), Some(peak)) => Ok((seconds, peak)),
        _ => Err(bad(std::io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))),
    }
}

fn folded(writer: &ledger::writer::Writer, policy: &str) -> Result<Vec<Row>, BadBench> {
    let policy = Policy::parse(policy).expect("the ledger's own policy");
    let head = check_head(writer.head().to_text().as_bytes(), &policy).expect("the ledger's own head").into_inner();
    let mut follower = Follower::new(writer.log().origin().clone());
    for entry in writer.entries(0).take(FOLDED) {
        follower.push(&entry?.1).expect("the ledger admitted it");
    }
    let entries = follower.drain().expect("the ledger admitted them");
    let mut feed = Replay { entries, head, seconds: 0.0 };
    project(&mut feed, When::Profile, &mut |_, _| {}).expect("it verifies");
    let rate = feed.entries.len() as f64 / feed.seconds;
    let what = format!("{} verified entries through all views", feed.entries.len());
    Ok(vec![Row::new("views", what, rate, "events/s").target(Target::AtLeast(300_000.0))])
}

/// A feed of entries that were verified before.
struct Replay {
    entries: Vec<Verified<Accepted>>,
    head: SignedHead,
    seconds: f64,
}

impl Feed for Replay {
    fn follow(&mut self, sink: &mut dyn Sink) -> Result<SignedHead, BadFeed> {
        let since = Instant::now();
        for entry in &self.entries {
            sink.entry(entry, &Opened::nothing_of(&entry.get().entry.signed.event.kind));
        }
        self.seconds = since.elapsed().as_secs_f64();
        Ok(self.head.clone())
    }
}

/// What this process takes, in bytes, where the system says so.
fn memory(line: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let found = status.lines().find_map(|text| text.strip_prefix(line))?;
    found.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)
}
