//! Openings beside a log that goes on: for the listener of oversight alone. A folder of FORMAT.md 19, read when an entry
//! is folded; what it does not hold (yet) is withheld, and shows after the next rebuild.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemas::tile::{self, TILE_WIDTH};
use verifier::bundle::{Opened, Source as _};
use verifier::fault::Fault;
use verifier::files::Folder;
use verifier::follower::Accepted;
use verifier::unseal::{Identity, Unsealed};

use crate::feed::open;

/// A folder of openings, with the identity that reads sealed values.
#[derive(Clone)]
pub struct Openings {
    folder: PathBuf,
    identity: Option<Arc<Identity>>,
    /// The lines of one tile.
    lines: Option<(u64, Vec<String>)>,
}

impl std::fmt::Debug for Openings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Openings").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Openings {
    /// The openings in that folder.
    pub fn new(folder: &Path, identity: Option<Identity>) -> Self {
        Self { folder: folder.to_owned(), identity: identity.map(Arc::new), lines: None }
    }

    /// The opening of an entry. An opening that does not fit is the folder's fault and not the log's: it comes with the
    /// entry as whoever has no opening sees it.
    pub fn of(&mut self, accepted: &Accepted) -> (Opened, Option<Fault>) {
        let line = self.line(accepted.entry.position);
        match open(accepted, &line) {
            Ok(opened) => (opened, None),
            Err(fault) => (open(accepted, "").unwrap_or_default(), Some(fault)),
        }
    }

    fn line(&mut self, position: u64) -> String {
        let index = position / TILE_WIDTH;
        if self.lines.as_ref().is_none_or(|(at, _)| *at != index) {
            let folder = Folder::new(&self.folder);
            let path = tile::index_path(index);
            let read = match &self.identity {
                Some(identity) => Unsealed { source: folder, identity }.read(&path),
                None => { folder }.read(&path),
            };
            let text = read.ok().flatten().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let lines = text.unwrap_or_default().lines().map(str::to_owned).collect();
            self.lines = Some((index, lines));
        }
        let number = usize::try_from(position % TILE_WIDTH).unwrap_or_default();
        self.lines.as_ref().and_then(|(_, lines)| lines.get(number)).cloned().unwrap_or_default()
    }
}
