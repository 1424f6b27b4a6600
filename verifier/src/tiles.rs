//! Hash tiles compared with the entries below them. FORMAT.md 7.

use schemas::hash::Hash;
use schemas::tile::{self, TILE_WIDTH, Tile};

use crate::bundle::{Source, Unreadable};
use crate::fault::Fault;
use crate::tree::root_of;

/// Grows the levels of hash tiles above the leaves, and compares each tile with its file. The tiles of
/// leaves are compared where their entries are read.
#[derive(Debug, Default)]
pub(crate) struct TileCheck {
    /// Level 1 first.
    levels: Vec<Level>,
}

#[derive(Debug, Default)]
struct Level {
    full: u64,
    open: Vec<Hash>,
}

impl TileCheck {
    /// Takes the root of the next full tile of leaves; full tiles above it are compared at once.
    pub fn push(&mut self, root: Hash, source: &mut dyn Source) -> Result<Option<Fault>, Unreadable> {
        let mut hash = root;
        for number in 0.. {
            if self.levels.len() == number {
                self.levels.push(Level::default());
            }
            let level = &mut self.levels[number];
            level.open.push(hash);
            if (level.open.len() as u64) < TILE_WIDTH {
                return Ok(None);
            }
            let hashes = std::mem::take(&mut level.open);
            let tile = Tile { level: u8::try_from(number + 1).ok(), index: level.full, width: TILE_WIDTH };
            level.full += 1;
            if let Some(fault) = compare(tile, &hashes, source)? {
                return Ok(Some(fault));
            }
            hash = root_of(&hashes);
        }
        Ok(None)
    }

    /// Compares the partial tiles at the right edge.
    pub fn finish(&mut self, source: &mut dyn Source) -> Result<Option<Fault>, Unreadable> {
        for (number, level) in self.levels.iter().enumerate() {
            if level.open.is_empty() {
                continue;
            }
            let width = level.open.len() as u64;
            let tile = Tile { level: u8::try_from(number + 1).ok(), index: level.full, width };
            if let Some(fault) = compare(tile, &level.open, source)? {
                return Ok(Some(fault));
            }
        }
        Ok(None)
    }
}

fn compare(tile: Tile, hashes: &[Hash], source: &mut dyn Source) -> Result<Option<Fault>, Unreadable> {
    let path = tile.path();
    let found = source.read(&path)?.and_then(|b| tile::split_hashes(&b, tile.width)).unwrap_or_default();
    let differs = (0..hashes.len()).find(|n| found.get(*n) != Some(&hashes[*n]));
    Ok(differs.map(|number| Fault::TileHash { path, number: number as u64 }))
}
