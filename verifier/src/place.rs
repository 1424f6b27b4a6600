//! After a fault in the files of a bundle: which entry is the first that differs? FORMAT.md 13.

use std::collections::BTreeSet;

use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::manifest;
use schemas::tile::{self, TILE_WIDTH, Tile};

use crate::bundle::{Source, Unreadable};
use crate::fault::Fault;

/// Most tiles of entries that are searched: the size comes from the checkpoint, and whoever
/// signed that may have lied.
const TILES_SEARCHED_MAX: usize = 1 << 20;

/// Searches the tiles that are at fault, and all of them where the manifest cannot be read.
pub(crate) fn first(faults: &[Fault], size: u64, source: &mut dyn Source) -> Result<Option<Fault>, Unreadable> {
    let suspects: BTreeSet<&str> = faults.iter().filter_map(Fault::path).collect();
    let anywhere = suspects.contains(manifest::NAME);
    for index in (0..size.div_ceil(TILE_WIDTH)).take(TILES_SEARCHED_MAX) {
        let width = (size - index * TILE_WIDTH).min(TILE_WIDTH);
        let tile = Tile { level: None, index, width };
        let hashes = Tile { level: Some(0), ..tile };
        let suspect = suspects.contains(tile.path().as_str()) || suspects.contains(hashes.path().as_str());
        if !(anywhere || suspect) {
            continue;
        }
        match source.read(&tile.path())? {
            Some(bytes) => {
                if let Some(fault) = first_in(tile, &bytes, source)? {
                    return Ok(Some(fault));
                }
            }
            // That it is missing has been said already; beyond it there may be no end of others.
            None if anywhere => return Ok(None),
            None => {}
        }
    }
    Ok(None)
}

/// The first entry of a tile that does not fit its hash, its place or the entry before it.
fn first_in(tile: Tile, bytes: &[u8], source: &mut dyn Source) -> Result<Option<Fault>, Unreadable> {
    let first = tile.index * TILE_WIDTH;
    let hash_tile = Tile { level: Some(0), ..tile };
    let hashes = hashes_of(hash_tile, source)?;
    let mut prev = match tile.index.checked_sub(1) {
        None => Some(Hash::default()),
        Some(index) => {
            let before = Tile { level: Some(0), index, width: TILE_WIDTH };
            hashes_of(before, source)?.and_then(|hashes| hashes.last().copied())
        }
    };
    let mut rest = bytes;
    let mut entries = Vec::new();
    for (position, number) in (first..).zip(0..tile.width as usize) {
        let Some(entry) = tile::next_entry(&mut rest) else {
            let what = format!("it ends within entry {position}");
            return Ok(Some(Fault::FileMalformed { path: tile.path(), what }));
        };
        if hashes.as_ref().is_some_and(|hashes| hashes[number] != Hash::leaf(entry)) {
            let address = Entry::parse(entry).ok().map(|e| e.signed.event.address());
            return Ok(Some(Fault::Leaf { position, address, path: hash_tile.path() }));
        }
        entries.push(entry);
    }
    if !rest.is_empty() {
        let what = format!("it goes on after entry {}", first + tile.width - 1);
        return Ok(Some(Fault::FileMalformed { path: tile.path(), what }));
    }
    for (position, bytes) in (first..).zip(entries) {
        let fault = match Entry::parse(bytes) {
            Err(what) => Some(Fault::Entry { position, what }),
            Ok(entry) if entry.position != position => {
                let address = Some(entry.signed.event.address());
                Some(Fault::Position { position, address, found: entry.position })
            }
            Ok(entry) if prev.is_some_and(|prev| prev != entry.prev) => {
                Some(Fault::Chain { position, address: Some(entry.signed.event.address()) })
            }
            Ok(_) => None,
        };
        if fault.is_some() {
            return Ok(fault);
        }
        prev = Some(Hash::leaf(bytes));
    }
    Ok(None)
}

fn hashes_of(tile: Tile, source: &mut dyn Source) -> Result<Option<Vec<Hash>>, Unreadable> {
    Ok(source.read(&tile.path())?.and_then(|bytes| tile::split_hashes(&bytes, tile.width)))
}
