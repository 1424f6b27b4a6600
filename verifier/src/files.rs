//! A bundle in a folder. The only part of this crate that reads a disk; feature `files`.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::bundle::{FILE_BYTES_MAX, Source, Unreadable};

/// Most files that a folder may hold.
const FILES_MAX: usize = 4_000_000;

/// A folder of files, read one at a time.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at that path.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn walk(&self, below: &str, found: &mut Vec<String>) -> Result<(), Unreadable> {
        let folder = self.root.join(below);
        let bad = |why: &dyn std::fmt::Display| Unreadable { path: folder.display().to_string(), why: why.to_string() };
        for entry in fs::read_dir(&folder).map_err(|e| bad(&e))? {
            let entry = entry.map_err(|e| bad(&e))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = if below.is_empty() { name.into_owned() } else { format!("{below}/{name}") };
            // A link is not followed: what it points at is not part of the bundle.
            if entry.file_type().map_err(|e| bad(&e))?.is_dir() {
                self.walk(&path, found)?;
            } else {
                found.push(path);
            }
            if found.len() > FILES_MAX {
                return Err(bad(&format!("more than {FILES_MAX} files")));
            }
        }
        Ok(())
    }
}

impl Source for Folder {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        let mut found = Vec::new();
        self.walk("", &mut found)?;
        Ok(found)
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let full = self.root.join(path);
        let bad = |why: String| Unreadable { path: full.display().to_string(), why };
        let file = match fs::File::open(&full) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(e) => return Err(bad(e.to_string())),
        };
        if file.metadata().is_ok_and(|m| m.is_dir()) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| bad(e.to_string()))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(bad(format!("longer than {FILE_BYTES_MAX} bytes")));
        }
        Ok(Some(bytes))
    }
}
