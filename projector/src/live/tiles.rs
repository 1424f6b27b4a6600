//! A log as static tiles (FORMAT.md 7, 13): the folder of a bundle or of a mirror that grows, or the same behind an
//! address. The manifest is not read: a mirror is written while we look, and the tree says better what belongs to it.

use std::time::Duration;

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::tile::{self, TILE_WIDTH, Tile};
use verifier::bundle::Source;

use super::{Disturbed, Go, Live};

/// How often a folder is looked at while nothing new is in it.
const LOOK: Duration = Duration::from_millis(500);

/// Tiles from any source.
#[derive(Debug)]
pub struct Tiles<S> {
    source: S,
    /// What the source is called in messages.
    name: String,
}

/// The size that the text of a checkpoint states, believed by nobody yet.
pub(crate) fn stated_size(note: &[u8]) -> Option<u64> {
    let note = Note::parse(note).ok()?;
    Some(Checkpoint::parse(&note.text).ok()?.size)
}

impl<S: Source + Send> Tiles<S> {
    /// The tiles of this source.
    pub fn new(source: S, name: &str) -> Self {
        Self { source, name: name.to_owned() }
    }

    /// The newest checkpoint, at once.
    pub(crate) fn newest(&mut self) -> Result<Vec<u8>, Disturbed> {
        let path = "checkpoint";
        let note = self.read(path)?;
        note.ok_or_else(|| Disturbed::Silent { place: self.place(path), why: "there is none".to_owned() })
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Disturbed> {
        self.source.read(path).map_err(|e| Disturbed::Silent { place: e.path, why: e.why })
    }

    fn place(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }
}

impl<S: Source + Send> Live for Tiles<S> {
    fn checkpoint(&mut self, size: u64, patience: Duration) -> Result<Option<Vec<u8>>, Disturbed> {
        let mut left = patience;
        loop {
            let note = self.newest()?;
            if stated_size(&note) != Some(size) || left.is_zero() {
                return Ok(Some(note));
            }
            let pause = left.min(LOOK);
            std::thread::sleep(pause);
            left -= pause;
        }
    }

    fn entries(&mut self, from: u64, to: u64, take: &mut dyn FnMut(&[u8]) -> Go) -> Result<(), Disturbed> {
        let mut at = from;
        while at < to {
            let index = at / TILE_WIDTH;
            let first = index * TILE_WIDTH;
            let width = (to - first).min(TILE_WIDTH);
            // Of a tile that has been filled since, the partial one may be gone. C2SP tlog-tiles.
            let mut found = None;
            for width in [width, TILE_WIDTH] {
                let path = Tile { level: None, index, width }.path();
                if let Some(bytes) = self.read(&path)? {
                    found = Some((path, width, bytes));
                    break;
                }
            }
            let Some((path, width, bytes)) = found else {
                let path = Tile { level: None, index, width }.path();
                return Err(Disturbed::Short { place: self.place(&path), position: at });
            };
            let Some(entries) = tile::split_bundle(&bytes, width) else {
                let what = format!("it does not hold {width} entries");
                return Err(Disturbed::Malformed { place: self.place(&path), what });
            };
            for entry in entries.into_iter().skip((at - first) as usize).take((to - at) as usize) {
                if take(entry) == Go::Stop {
                    return Ok(());
                }
            }
            at = to.min(first + width);
        }
        Ok(())
    }

    fn document(&mut self, digest: &Hash) -> Result<Option<Vec<u8>>, Disturbed> {
        self.read(&format!("documents/{}", digest.to_hex()))
    }
}
