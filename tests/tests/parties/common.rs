//! The golden log at its end and at an earlier seal, and how packs of it are checked.

use std::sync::LazyLock;

use schemas::checkpoint::Checkpoint;
use schemas::note::Note;
use schemas::pack::Pack;
use tests::forge::{Pages, lines};
use tests::packs::Desk;
use tests::world::World;
use verifier::pack::{PackReport, check};

/// The stream that these tests are about.
pub const STREAM: &str = "organisation/cso-x";
/// Its party.
pub const PARTY: &str = "cso-x";

static GOLDEN: LazyLock<World> = LazyLock::new(World::golden);

/// The golden country.
pub fn golden() -> &'static World {
    &GOLDEN
}

/// The desk of the golden log, as it is.
pub fn desk() -> Desk {
    desk_of(Pages::of(&golden().bundle).entries, lines(&golden().openings))
}

/// The desk at an earlier seal: `batches` from the end.
pub fn earlier(batches: usize) -> Desk {
    let all = Pages::of(&golden().bundle).entries;
    let seals: Vec<usize> = (0..all.len()).filter(|n| is_seal(&all[*n])).collect();
    let size = seals[seals.len() - 1 - batches] + 1;
    desk_of(all[..size].to_vec(), lines(&golden().openings)[..size].to_vec())
}

fn is_seal(bytes: &[u8]) -> bool {
    schemas::entry::Entry::parse(bytes).is_ok_and(|e| e.signed.event.kind == verifier::admit::SEAL)
}

/// The desk of entries that the operator has chained, its checkpoint signed.
pub fn desk_of(entries: Vec<Vec<u8>>, lines: Vec<String>) -> Desk {
    let root =
        verifier::tree::root_of(&entries.iter().map(|bytes| schemas::hash::Hash::leaf(bytes)).collect::<Vec<_>>());
    let text = Checkpoint { origin: golden().origin.clone(), size: entries.len() as u64, root }.to_text();
    let note = Note { signatures: vec![golden().log_key.sign(&text)], text };
    let policy = format!("log {}\nquorum none\n", golden().log_key.vkey());
    Desk::new(&golden().origin, entries, lines, note, &policy)
}

/// What the party says of a pack, with nothing but the log's key.
pub fn checked(pack: &Pack) -> PackReport {
    check(pack.to_text().as_bytes(), &golden().policy, &[])
}

/// The first fault in words.
pub fn fault(report: &PackReport) -> String {
    report.report.faults.first().map(ToString::to_string).unwrap_or_default()
}
