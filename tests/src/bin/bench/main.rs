//! `cargo run --release --bin bench`: our paths against this machine's own limits, on the same data, in one run.
//!
//! A part is a module here and a line in [`PARTS`]. It measures, and gives back rows; timings stand here and never
//! in tests. The rows of events are made; everything else is real: signed, admitted, committed with fsync, and answered
//! with receipts.

mod append;
mod bench;
mod disk;
mod follow;
mod hostile;
mod http;
mod limits;
mod maker;
mod packs;
mod row;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::bench::{BadBench, Bench};
use crate::row::Row;

/// What one thread takes and another gives back is a third of the work with the system's own.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One part of the bench.
type Part = fn(&mut Bench) -> Result<Vec<Row>, BadBench>;

/// All parts, in the order in which they run. The machine's limits come first; the grown log is made by the first part
/// that asks for it ([`Bench::grown`]).
const PARTS: &[(&str, &str, Part)] = &[
    ("limits", "what this machine can do at best", limits::run),
    ("append", "signed bytes in, durable entries and receipts out", append::run),
    ("http", "the same over HTTP, 64 clients on the same cores", http::run),
    ("hostile", "eight honest clients, while others take what they can: 30 s a kind", hostile::run),
    ("growth", "the same while the log grows tenfold and tenfold", append::growth),
    ("packs", "packs in a log of as many entries, and their checks", packs::run),
    ("check", "a bundle of it checked offline", follow::check),
    ("restart", "stopped and started again", follow::restart),
    ("views", "verified entries folded through all views", follow::views),
    ("disk", "bytes on the disk for each byte of an entry", disk::run),
];

/// Measures our paths against this machine's own limits.
///
/// Sizes: 10,000 (seconds), 100,000 (the default, about two minutes), 1,000,000 (about ten minutes, 5 GB of disk) and
/// 10,000,000 (hours, 50 GB of disk and 8 GB of memory).
#[derive(Clone, Debug, Parser)]
#[command(name = "bench", version, after_help = after_help())]
pub struct Arguments {
    /// Entries of the grown log.
    #[arg(long, default_value_t = 100_000)]
    pub entries: u64,
    /// Events in each measurement of an append.
    #[arg(long, default_value_t = 16_384)]
    pub events: usize,
    /// Seconds that each kind of hostile clients goes on.
    #[arg(long, default_value_t = hostile::SECONDS)]
    pub seconds: u64,
    /// Which parts to run, joined by commas; all if none is named.
    #[arg(long, value_delimiter = ',')]
    pub parts: Vec<String>,
    /// Lets every flush to the disk take at least so many milliseconds: for machines whose disk answers from memory.
    #[arg(long, default_value_t = 0)]
    pub flush_delay_ms: u64,
    /// Writes the rows as JSON too.
    #[arg(long)]
    pub json: Option<PathBuf>,
    /// Folder to work in; it must not exist. Without it, a folder beside the current one that is removed at the end.
    #[arg(long)]
    pub out: Option<PathBuf>,
}

fn after_help() -> String {
    let mut text = "Parts:\n".to_owned();
    for (name, what, _) in PARTS {
        let _ = writeln!(text, "  {name:<10}{what}"); // a string takes it all
    }
    text
}

fn main() -> ExitCode {
    ledger::probe::take_over();
    follow::take_over();
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}

/// True if every target was met.
fn run(arguments: &Arguments) -> Result<bool, BadBench> {
    if let Some(unknown) = arguments.parts.iter().find(|name| !PARTS.iter().any(|(part, ..)| part == name)) {
        return Err(BadBench::Part(unknown.clone()));
    }
    ledger::files::delay_flushes(Duration::from_millis(arguments.flush_delay_ms));
    let mut bench = Bench::new(arguments)?;
    let mut rows = Vec::new();
    println!("{}", row::head());
    for (name, _, part) in PARTS {
        if arguments.parts.is_empty() || arguments.parts.iter().any(|wanted| wanted == name) {
            for row in part(&mut bench)? {
                println!("{row}");
                rows.push(row);
            }
        }
    }
    if let Some(path) = &arguments.json {
        ledger::files::replace(path, row::json(arguments, &rows).as_bytes())?;
    }
    Ok(rows.iter().all(|row| row.met() != Some(false)))
}
