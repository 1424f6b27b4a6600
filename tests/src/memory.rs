//! A bundle in memory, where it can be bent a hundred thousand times without touching a disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use verifier::bundle::{Source, Unreadable};
use verifier::files::Folder;

/// Files by path; a copy shares their bytes until one is changed.
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<String, Arc<Vec<u8>>>);

impl Memory {
    /// All files below a folder.
    ///
    /// # Errors
    /// [`Unreadable`] if one cannot be read.
    pub fn load(root: &Path) -> Result<Self, Unreadable> {
        let mut folder = Folder::new(root);
        let mut files = BTreeMap::new();
        for path in folder.paths()? {
            let bytes = folder.read(&path)?.unwrap_or_default();
            files.insert(path, Arc::new(bytes));
        }
        Ok(Self(files))
    }

    /// Writes all files below a folder.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn store(&self, root: &Path) -> std::io::Result<()> {
        for (path, bytes) in &self.0 {
            let full = root.join(path);
            fs::create_dir_all(full.parent().unwrap_or(root))?;
            fs::write(full, bytes.as_slice())?;
        }
        Ok(())
    }

    /// Paths in order, the manifest's too.
    pub fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    /// Bytes of a file; nothing where there is none.
    pub fn get(&self, path: &str) -> &[u8] {
        self.0.get(path).map_or(&[], |bytes| bytes.as_slice())
    }

    /// Whether there is such a file.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Bytes of all files together.
    pub fn len(&self) -> usize {
        self.0.values().map(|bytes| bytes.len()).sum()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts a file there.
    pub fn put(&mut self, path: &str, bytes: Vec<u8>) {
        self.0.insert(path.to_owned(), Arc::new(bytes));
    }

    /// Takes a file away; gives its bytes.
    pub fn remove(&mut self, path: &str) -> Vec<u8> {
        self.0.remove(path).map_or_else(Vec::new, |bytes| bytes.to_vec())
    }

    /// Turns one bit of a file, which must have it; the same again turns it back.
    pub fn flip(&mut self, path: &str, bit: usize) {
        let bytes = self.0.get_mut(path).expect("the file is there");
        Arc::make_mut(bytes)[bit / 8] ^= 1 << (bit % 8);
    }

    /// Writes the manifest that fits the files: an adversary does so too.
    pub fn manifest(&mut self) {
        let named = self.0.iter().filter(|(path, _)| *path != manifest::NAME);
        let manifest = Manifest(named.map(|(path, bytes)| (path.clone(), Hash::of(&[bytes]))).collect());
        self.put(manifest::NAME, manifest.to_text().into_bytes());
    }
}

impl Source for Memory {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        Ok(self.names())
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        Ok(self.0.get(path).map(|bytes| bytes.to_vec()))
    }
}
