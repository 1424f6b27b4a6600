//! Code that others wrote reads our bundle: `signed_note` and `tlog_tiles` (ports of the Go
//! checksum database's own), and `ct-merkle`. What they find is what we say.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::tile::TILE_WIDTH;
use sha2::Sha256;
use signed_note::{StandardVerifier, Verifier, VerifierList};
use tests::forge::Pages;
use tests::memory::Memory;
use tests::world::World;
use tlog_tiles::{
    Checkpoint, Error, HashReader as _, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record,
    prove_tree, record_hash, stored_hash_index,
};
use verifier::state::State;
use verifier::tree;

use crate::common::{golden, velmora};

/// A key of ours as the other library takes it.
fn their_key(vkey: &str) -> Box<dyn Verifier> {
    Box::new(StandardVerifier::new(vkey).unwrap())
}

/// The checkpoint in a file of the bundle, believed by the other library alone.
fn their_head(world: &World, path: &str) -> Checkpoint {
    let bytes = world.bundle.get(path);
    let note = signed_note::Note::from_bytes(bytes).unwrap();
    let log = world.policy.logs[0].to_string();
    let (verified, unverified) = note.verify(&VerifierList::new(vec![their_key(&log)])).unwrap();
    assert_eq!((verified.len(), unverified.len()), (1, 0), "{path}");
    let head = Checkpoint::from_reader(&mut std::io::Cursor::new(bytes), false).unwrap();
    assert_eq!((head.origin(), head.extension()), (world.origin.as_str(), ""));
    head
}

fn kept(world: &World) -> Vec<Checkpoint> {
    let paths = world.bundle.names().into_iter().filter(|path| path.starts_with("checkpoints/"));
    let mut heads: Vec<Checkpoint> = paths.map(|path| their_head(world, &path)).collect();
    heads.sort_by_key(Checkpoint::size);
    heads
}

/// The tiles of a bundle for the other library, whose paths have the height in them
/// (`tile/8/0/000`) where those of C2SP tlog-tiles do not (`tile/0/000`).
struct Tiles<'a>(&'a Memory);

impl TileReader for Tiles<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            let theirs = tile.path();
            let ours = theirs.replacen("tile/8/", "tile/", 1);
            assert!(self.0.has(&ours), "{ours} is among the files");
            self.0.get(&ours).to_vec()
        };
        Ok(tiles.iter().map(read).collect())
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}

fn theirs(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

#[test]
fn every_note_of_the_golden_log_holds_for_signed_note() {
    let world = golden();
    let head = their_head(world, "checkpoint");
    assert_eq!(head.size(), Pages::of(&world.bundle).entries.len() as u64);
    let mut state = State::new(world.origin.clone());
    for bytes in &Pages::of(&world.bundle).entries {
        state.replay(bytes).unwrap();
    }
    let keys = state.keyring().keys().iter().map(|key| their_key(&key.public().vkey().to_string())).collect();
    let keys = VerifierList::new(keys);
    for bytes in &Pages::of(&world.bundle).entries {
        let note: Note = Entry::parse(bytes).unwrap().signed.note;
        let text = note.to_text();
        let read = signed_note::Note::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(read.to_bytes(), text.as_bytes(), "what it reads it writes again");
        let (verified, unverified) = read.verify(&keys).unwrap();
        // Two lines by one key count once, there as with us: V-03 finds that.
        let mut lines: Vec<_> = note.signatures.iter().map(|line| (&line.name, line.id)).collect();
        lines.dedup();
        assert_eq!((verified.len(), unverified.len()), (lines.len(), 0));
        let turned = text.replacen("\"at\":\"2025", "\"at\":\"2026", 1);
        assert!(signed_note::Note::from_bytes(turned.as_bytes()).unwrap().verify(&keys).is_err());
    }
}

#[test]
fn tiles_give_proofs_of_inclusion_and_consistency_to_tlog_tiles() {
    for (world, step) in [(golden(), 1), (velmora(), 97)] {
        let head = their_head(world, "checkpoint");
        let (size, root) = (head.size(), *head.hash());
        let tiles = Tiles(&world.bundle);
        let reader = TileHashReader::new(size, root, &tiles);
        let pages = Pages::of(&world.bundle);
        let leaves = pages.leaves();
        assert_eq!(theirs(tree::root_of(&leaves)), root);
        for position in (0..size).step_by(step) {
            let bytes = &pages.entries[position as usize];
            let leaf = record_hash(bytes);
            assert_eq!(reader.read_hashes(&[stored_hash_index(0, position)]).unwrap(), [leaf]);
            let proof = prove_record(size, position, &reader).unwrap();
            check_record(&proof, size, root, position, leaf).unwrap();
            // Hash for hash the proof that we make, and each of us believes the other's.
            let ours = tree::inclusion(&leaves, position).unwrap();
            assert_eq!(ours.iter().map(|h| theirs(*h)).collect::<Vec<_>>(), proof);
            let given: Vec<Hash> = proof.iter().map(|h| Hash(h.0)).collect();
            assert_eq!(tree::check_inclusion(&given, position, Hash::leaf(bytes), size, Hash(root.0)), Ok(()));
        }
        let older = kept(world);
        assert!(older.len() > 5);
        for old in older.iter().step_by(if size > TILE_WIDTH { 13 } else { 1 }) {
            let proof = prove_tree(size, old.size(), &reader).unwrap();
            check_tree(&proof, size, root, old.size(), *old.hash()).unwrap();
            let given: Vec<Hash> = proof.iter().map(|h| Hash(h.0)).collect();
            let (old_root, new_root) = (Hash(old.hash().0), Hash(root.0));
            assert_eq!(tree::check_consistency(&given, old.size(), old_root, size, new_root), Ok(()));
            assert_eq!(tree::consistency(&leaves, old.size()).unwrap(), given);
            // A fork is no consistency for either.
            let fork = theirs(Hash::of(&[b"another tree"]));
            assert!(old.size() == size || check_tree(&proof, size, root, old.size(), fork).is_err());
        }
    }
}

#[test]
fn a_bent_tile_is_inconsistent_for_tlog_tiles_too() {
    let world = golden();
    let head = their_head(world, "checkpoint");
    let path = format!("tile/0/000.p/{}", head.size());
    for bit in (0..world.bundle.get(&path).len() * 8).step_by(101) {
        let mut bent = world.bundle.clone();
        bent.flip(&path, bit);
        let tiles = Tiles(&bent);
        let reader = TileHashReader::new(head.size(), *head.hash(), &tiles);
        assert!(matches!(prove_record(head.size(), 0, &reader), Err(Error::InconsistentTile)), "bit {bit}");
    }
}

#[test]
fn ct_merkle_grows_the_same_trees_and_proofs() {
    let mut tree = MemoryBackedTree::<Sha256, Vec<u8>>::new();
    let mut leaves = Vec::new();
    for size in 1..=200u64 {
        // Leaves of all lengths, the empty one too.
        let data: Vec<u8> = Hash::of(&[&size.to_be_bytes()]).0.repeat(7)[..(size as usize * 37) % 224].to_vec();
        leaves.push(Hash::leaf(&data));
        tree.push(data);
        let root = tree.root();
        assert_eq!(root.as_bytes()[..], tree::root_of(&leaves).0, "{size}");
        if size % 9 != 0 && size > 20 {
            continue;
        }
        for index in 0..size {
            let theirs = tree.prove_inclusion(index as usize);
            let ours: Vec<u8> = tree::inclusion(&leaves, index).unwrap().iter().flat_map(|h| h.0).collect();
            assert_eq!(theirs.as_bytes(), ours, "{index} of {size}");
            root.verify_inclusion(&tree.items()[index as usize], index, &theirs).unwrap();
        }
        for old in 1..size {
            let theirs = tree.prove_consistency((size - old) as usize);
            let ours = tree::consistency(&leaves, old).unwrap();
            let given: Vec<Hash> = theirs.as_bytes().chunks(32).map(|h| Hash(h.try_into().unwrap())).collect();
            assert_eq!(given, ours, "{old} of {size}");
            let (old_root, new_root) = (tree::root_of(&leaves[..old as usize]), tree::root_of(&leaves));
            assert_eq!(tree::check_consistency(&given, old, old_root, size, new_root), Ok(()));
        }
    }
}
