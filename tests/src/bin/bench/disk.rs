//! Bytes on the disk for each byte of an entry.

use std::path::Path;

use crate::bench::{BadBench, Bench};
use crate::row::{Row, Target};

/// The rows.
pub fn run(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let grown = bench.grown()?;
    let writer = grown.open()?;
    let mut entries = 0;
    for entry in writer.entries(0) {
        entries += entry?.1.len() as u64;
    }
    writer.stop()?;
    let count = grown.entries as f64;
    let row = |what: &str, bytes: u64| Row::new("disk", what, bytes as f64 / count, "bytes");
    let mean = entries as f64 / count;
    let (store, openings, keys) =
        (on_disk(&grown.home.store())?, on_disk(&grown.home.openings())?, on_disk(&grown.home.opening_keys())?);
    Ok(vec![
        row("an entry, on average", entries),
        row("the store, for each entry", store).of(mean, "of the entry's bytes").target(Target::AtMost(2.5)),
        row("the encrypted openings, for each entry", openings).of(mean, "of the entry's bytes"),
        row("the keys of the openings, for each entry", keys).of(mean, "of the entry's bytes"),
        row("all three together", store + openings + keys).of(mean, "of the entry's bytes"),
    ])
}

/// Bytes that the files of a folder take, as the disk counts them.
pub fn on_disk(folder: &Path) -> Result<u64, BadBench> {
    use std::os::unix::fs::MetadataExt as _;
    let bad = |source| BadBench::File { path: folder.to_owned(), source };
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).map_err(bad)? {
        let entry = entry.map_err(bad)?;
        let about = entry.metadata().map_err(bad)?;
        bytes += if about.is_dir() { on_disk(&entry.path())? } else { about.blocks() * 512 };
    }
    Ok(bytes)
}
