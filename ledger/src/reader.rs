//! What can be read of a ledger while its one writer writes: entries, openings, hashes, checkpoints.
//!
//! Whoever holds a [`Reader`] sees what is on the disk and waits for nobody. What of it may leave the
//! house is another question: [`crate::publish`].

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::tile::{self, TILE_WIDTH, Tile};
use verifier::levels::Levels;

use crate::failure::{Damage, Failure};
use crate::places::Lies;
use crate::store::Store;
use crate::testimony::{self, Heard};
use crate::vault::Vault;
use crate::writer::{Home, checkpoint_name};

/// A ledger, to read; as many as wanted.
#[derive(Clone)]
pub struct Reader(Arc<Parts>);

struct Parts {
    home: Home,
    origin: Origin,
    store: Store,
    vault: Vault,
    levels: RwLock<Levels>,
}

impl Reader {
    pub(crate) fn new(home: &Home, origin: &Origin, store: Store, vault: Vault, levels: Levels) -> Self {
        let levels = RwLock::new(levels);
        Self(Arc::new(Parts { home: home.clone(), origin: origin.clone(), store, vault, levels }))
    }

    /// The ledger's folder.
    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// Name of the log.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// The store of entries.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The openings.
    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// Hashes of the tree. The writer waits while this is held: look something up, and let it go.
    pub fn levels(&self) -> RwLockReadGuard<'_, Levels> {
        self.0.levels.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries that were committed.
    pub(crate) fn grow(&self, leaves: &[Hash]) {
        let mut levels = self.0.levels.write().unwrap_or_else(PoisonError::into_inner);
        leaves.iter().for_each(|leaf| levels.push(*leaf));
    }

    /// Makes sure that what lies at a place is not ahead of this log and no other history, before it is written over.
    ///
    /// # Errors
    /// [`Failure::Contradicted`].
    pub fn make_room(&self, lies: Lies, path: &Path) -> Result<(), Failure> {
        let Some(key) = testimony::own_key(self.home()) else { return Ok(()) };
        let heard = Heard::in_place_of(&key, lies, path);
        let size = self.store().size();
        let head = self.checkpoint(size)?;
        heard.hold_against(self.home(), &key, &self.levels(), head.as_ref())
    }

    /// The bytes of a tile: hashes, or a bundle of entries. Nothing if the log has not that much.
    ///
    /// # Errors
    /// [`Failure`] if the store does not give an entry.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, Failure> {
        let Some(first) = tile.index.checked_mul(TILE_WIDTH) else { return Ok(None) };
        if let Some(level) = tile.level {
            let levels = self.levels();
            let hashes = levels.hashes(level, first, tile.width);
            return Ok(hashes.map(|hashes| hashes.iter().flat_map(|hash| hash.0).collect()));
        }
        if first.checked_add(tile.width).is_none_or(|end| end > self.levels().size()) {
            return Ok(None);
        }
        let mut entries = Vec::with_capacity(tile.width as usize);
        for entry in self.entries(first).take(tile.width as usize) {
            entries.push(entry?.1);
        }
        Ok(Some(tile::bundle_bytes(entries.iter().map(Vec::as_slice))))
    }

    /// The entry at a position that is there, compared with its leaf: what the store gives is never passed on if
    /// it is not what was admitted.
    ///
    /// # Errors
    /// [`Failure`] if the store does not give it.
    pub fn entry(&self, position: u64) -> Result<Vec<u8>, Failure> {
        let gap = || Failure::damaged(&self.home().store(), Damage::Gap { position });
        self.as_admitted(position, self.store().entry(position)?.ok_or_else(gap)?)
    }

    /// The entries from a position on, in order, each compared with its leaf; of those that the log has now. After
    /// an error there is nothing more.
    pub fn entries(&self, from: u64) -> impl Iterator<Item = Result<(u64, Vec<u8>), Failure>> + '_ {
        let size = self.levels().size();
        let there = move |found: &Result<(u64, Vec<u8>), Failure>| !matches!(found, Ok((at, _)) if *at >= size);
        self.store().entries(from).take_while(there).map(|found| {
            let (position, bytes) = found?;
            Ok((position, self.as_admitted(position, bytes)?))
        })
    }

    fn as_admitted(&self, position: u64, bytes: Vec<u8>) -> Result<Vec<u8>, Failure> {
        if self.levels().leaf(position) == Some(Hash::leaf(&bytes)) {
            return Ok(bytes);
        }
        Err(Failure::damaged(&self.home().store(), Damage::Unlike { what: "entries" }))
    }

    /// The store alone, if nobody else reads any more.
    pub(crate) fn into_store(self) -> Option<Store> {
        Arc::into_inner(self.0).map(|parts| parts.store)
    }

    /// The checkpoint of a size, where one was signed, with the cosignatures that it has.
    ///
    /// # Errors
    /// [`Failure`] if the store does not give it.
    pub fn checkpoint(&self, size: u64) -> Result<Option<Note>, Failure> {
        Ok(self.store().note(&checkpoint_name(size))?.and_then(|bytes| Note::parse(&bytes).ok()))
    }
}
