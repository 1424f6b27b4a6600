//! What these tests share: the worlds, built once, and words for what a report names.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use schemas::manifest;
use schemas::tile::{self, TILE_WIDTH};
use tests::forge::{Forge, Forged};
use tests::memory::Memory;
use tests::world::World;
use verifier::fault::Fault;
use verifier::report::Report;

/// Where all entries of the golden log lie.
pub const ENTRIES: &str = "tile/entries/000.p/";

static GOLDEN: LazyLock<World> = LazyLock::new(World::golden);
static SMALL: LazyLock<Forged> = LazyLock::new(|| {
    let mut forge = Forge::of(golden());
    let adoption = forge.at("op/schema.adopted/r1");
    forge.records.remove(adoption);
    let catalogue = forge
        .side
        .names()
        .into_iter()
        .find(|path| path.starts_with("documents/") && forge.side.get(path).len() > 100_000);
    forge.side.remove(&catalogue.expect("the catalogue is among the documents"));
    forge.side.remove(verifier::PAGE_NAME);
    forge.build()
});
static VELMORA: LazyLock<World> = LazyLock::new(World::velmora);

static SUCCESSOR: LazyLock<World> = LazyLock::new(|| World::golden_as("golden.example/successor"));

/// The golden country once more, with other keys and under another name.
pub fn successor() -> &'static World {
    &SUCCESSOR
}

/// The golden country.
pub fn golden() -> &'static World {
    &GOLDEN
}

/// The golden log without the page, the catalogue's 160,000 bytes and the event that adopts them: small
/// enough for every bit of it.
pub fn small() -> &'static Forged {
    &SMALL
}

/// The sample country.
pub fn velmora() -> &'static World {
    &VELMORA
}

/// Path of the golden log's entries.
pub fn entries_path(bundle: &Memory) -> String {
    bundle.names().into_iter().find(|path| path.starts_with(ENTRIES)).expect("one tile of entries")
}

/// For each byte of a tile of entries, the number of the entry that it belongs to.
pub fn owners(bytes: &[u8]) -> Vec<u64> {
    let mut owners = Vec::new();
    let mut rest = bytes;
    let mut number = 0;
    while let Some(entry) = tile::next_entry(&mut rest) {
        owners.extend(std::iter::repeat_n(number, entry.len() + 2));
        number += 1;
    }
    owners
}

/// Whether a fault names this file, in its message too.
pub fn names_file(report: &Report, path: &str) -> bool {
    report.faults.iter().any(|fault| fault.path() == Some(path) && fault.to_string().contains(path))
}

/// Whether a fault names this entry, in its message too.
pub fn names_entry(report: &Report, position: u64) -> bool {
    let (words, torn) = (format!("entry {position}"), format!("it ends within entry {position}"));
    report.faults.iter().any(|fault| {
        let message = fault.to_string();
        fault.position() == Some(position) && message.starts_with(&words) || message.ends_with(&torn)
    })
}

/// What a report must say of a bit that was turned in a file: the file, and in tiles the entry.
pub fn assert_named(report: &Report, files: &Memory, path: &str, bit: usize) {
    assert_ne!(report.exit_code(), 0, "bit {bit} of {path}");
    let told = || format!("bit {bit} of {path}: {:?}", report.faults);
    if path == manifest::NAME {
        // Either the manifest cannot be read, or the file on that line is not the one it names.
        let text = String::from_utf8_lossy(files.get(path)).into_owned();
        let line = text.as_bytes()[..bit / 8].iter().filter(|b| **b == b'\n').count();
        let named = text.lines().nth(line).and_then(|l| l.split("  ").nth(1)).unwrap_or_default();
        assert!(names_file(report, manifest::NAME) || names_file(report, named), "{}", told());
        return;
    }
    assert!(names_file(report, path), "{}", told());
    let index = || tile::index_of(path.split('/').skip(2).collect::<Vec<_>>().join("/").split(".p").next().unwrap());
    if path.starts_with("tile/entries/") {
        let entry = index().unwrap() * TILE_WIDTH + owner(files.get(path), bit / 8);
        assert!(names_entry(report, entry), "entry {entry}: {}", told());
    } else if path.starts_with("tile/0/") {
        let entry = index().unwrap() * TILE_WIDTH + (bit / 8 / 32) as u64;
        assert!(names_entry(report, entry), "entry {entry}: {}", told());
    }
}

/// The number of the entry that a byte of a tile of entries belongs to.
fn owner(bytes: &[u8], at: usize) -> u64 {
    let mut rest = bytes;
    let mut number = 0;
    while tile::next_entry(&mut rest).is_some() && bytes.len() - rest.len() <= at {
        number += 1;
    }
    number
}

/// The first fault of a report that must have one.
pub fn first(report: &Report) -> &Fault {
    assert_eq!(report.exit_code(), 1, "{:?} {:?}", report.faults, report.unknown);
    &report.faults[0]
}

/// Does every job, on two threads; each keeps a copy of the files to bend. Gives the longest time
/// that one job took.
pub fn on_two_threads<T: Sync>(files: &Memory, jobs: &[T], work: impl Fn(&mut Memory, &T) + Sync) -> Duration {
    let run = |parity: usize| {
        let mut files = files.clone();
        let mut longest = Duration::ZERO;
        for job in jobs.iter().skip(parity).step_by(2) {
            let began = Instant::now();
            work(&mut files, job);
            longest = longest.max(began.elapsed());
        }
        longest
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| run(1));
        let longest = run(0);
        longest.max(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
