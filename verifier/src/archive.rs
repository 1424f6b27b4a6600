//! A bundle as one tar. FORMAT.md 13.1; feature `files`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::bundle::{FILE_BYTES_MAX, Source, Unreadable};

/// Most files in an archive.
const FILES_MAX: usize = 4_000_000;

/// The files of an archive, read where they lie; nothing is unpacked.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: fs::File,
    /// Where each file's bytes begin, and how many there are.
    places: BTreeMap<String, (u64, u64)>,
}

impl Archive {
    /// Opens an archive and reads its table.
    ///
    /// # Errors
    /// [`Unreadable`] if it is no tar, holds anything but regular files, or one path twice.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let bad = |why: String| Unreadable { path: path.display().to_string(), why };
        let file = crate::files::open(path, crate::files::Links::Followed).map_err(|e| bad(e.to_string()))?;
        let mut places = BTreeMap::new();
        let mut tar = tar::Archive::new(&file);
        // As they stand: further headers, of other tars, are no part of what this may have.
        let entries = tar.entries_with_seek().map_err(|e| bad(e.to_string()))?.raw(true);
        for entry in entries {
            let entry = entry.map_err(|e| {
                bad(format!("not a whole tar ({e}): copy it again in binary mode, and compare its length"))
            })?;
            let name =
                String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| bad("a name is not UTF-8".into()))?;
            if entry.header().entry_type() != tar::EntryType::Regular || name.starts_with("./") {
                return Err(bad(by_hand(&name)));
            }
            if places.len() >= FILES_MAX {
                return Err(bad(format!("more than {FILES_MAX} files")));
            }
            if places.insert(name.clone(), (entry.raw_file_position(), entry.size())).is_some() {
                return Err(bad(format!("{name} stands in it twice")));
            }
        }
        let manifest = places.keys().find(|name| name.ends_with("/manifest"));
        if let (Some(name), false) = (manifest, places.contains_key("manifest") || places.contains_key("checkpoint")) {
            return Err(bad(by_hand(name)));
        }
        Ok(Self { path: path.to_owned(), file, places })
    }
}

/// What to do with an archive that somebody packed. FORMAT.md 13.1.
fn by_hand(name: &str) -> String {
    format!(
        "the archive was packed by hand ({name:?} in it): unpack it and give the folder of the bundle: tar -xf FILE; or ask \
         for the archive that the ledger makes (ledger export --archive)"
    )
}

impl Source for Archive {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        Ok(self.places.keys().cloned().collect())
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some((from, size)) = self.places.get(path).copied() else { return Ok(None) };
        let bad = |why: String| Unreadable { path: format!("{}: {path}", self.path.display()), why };
        if size > FILE_BYTES_MAX {
            return Err(bad(format!("longer than {FILE_BYTES_MAX} bytes")));
        }
        self.file.seek(SeekFrom::Start(from)).map_err(|e| bad(e.to_string()))?;
        let mut bytes = Vec::new();
        (&self.file).take(size).read_to_end(&mut bytes).map_err(|e| bad(e.to_string()))?;
        if bytes.len() as u64 != size {
            return Err(
                bad("the archive was cut off: copy it again in binary mode, and compare its length".to_owned()),
            );
        }
        Ok(Some(bytes))
    }
}
