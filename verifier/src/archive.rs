//! A bundle as one tar. FORMAT.md 13.1; feature `files`.

use schemas::visible::Show as _;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::bundle::{FILE_BYTES_MAX, Source, Unreadable, bytes_max};
use crate::files::Names;

/// The files of an archive, read where they lie; nothing is unpacked.
#[derive(Debug)]
pub struct Archive {
    path: PathBuf,
    file: fs::File,
    /// Where each file's bytes begin, and how many there are.
    places: BTreeMap<String, (u64, u64)>,
}

impl Archive {
    /// Opens an archive and reads its table: ustar headers as they lie there, and no extension of them, for what GNU
    /// and POSIX later added makes a small header ask for a great deal of memory.
    ///
    /// # Errors
    /// [`Unreadable`] if it is no tar, holds anything but regular files, or one path twice.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let bad = |why: String| Unreadable { path: path.shown().to_string(), why };
        let file = crate::files::open(path, crate::files::Links::Followed).map_err(|e| bad(e.to_string()))?;
        let (mut places, mut names) = (BTreeMap::new(), Names::default());
        let mut tar = tar::Archive::new(&file);
        let length = file.metadata().map_err(|e| bad(e.to_string()))?.len();
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
            let (from, size) = (entry.raw_file_position(), entry.size());
            if size > FILE_BYTES_MAX {
                return Err(bad(format!("{name} is longer than {FILE_BYTES_MAX} bytes, which no file of a bundle is")));
            }
            if from.saturating_add(size) > length {
                return Err(bad(format!(
                    "not a whole tar (it ends within {name}): copy it again in binary mode, and compare its length"
                )));
            }
            names.take(&name).map_err(|why| bad(why.to_owned()))?;
            if places.insert(name.clone(), (from, size)).is_some() {
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
        let bad = |why: String| Unreadable { path: format!("{}: {path}", self.path.shown()), why };
        let max = bytes_max(path);
        if size > max {
            return Err(bad(format!("longer than {max} bytes")));
        }
        self.file.seek(SeekFrom::Start(from)).map_err(|e| bad(e.to_string()))?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(size).unwrap_or(usize::MAX)).map_err(|e| bad(e.to_string()))?;
        (&self.file).take(size).read_to_end(&mut bytes).map_err(|e| bad(e.to_string()))?;
        if bytes.len() as u64 != size {
            return Err(
                bad("the archive was cut off: copy it again in binary mode, and compare its length".to_owned()),
            );
        }
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    /// A header of that type, whose size is as written.
    fn header(name: &str, kind: u8, size: &[u8]) -> Vec<u8> {
        let mut head = vec![0; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..108].copy_from_slice(b"0000644\0");
        head[124..124 + size.len()].copy_from_slice(size);
        head[136..148].copy_from_slice(b"00000000000\0");
        head[156] = kind;
        head[257..265].copy_from_slice(b"ustar\x0000");
        head[148..156].fill(b' ');
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        head
    }

    fn open(parts: &[Vec<u8>]) -> Result<Archive, Unreadable> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        parts.iter().for_each(|part| file.write_all(part).unwrap());
        file.write_all(&[0; 1024]).unwrap();
        Archive::open(file.path())
    }

    #[test]
    fn a_small_archive_asks_for_no_memory() {
        let plain = |name: &str| [header(name, b'0', b"00000000003\0"), b"abc".to_vec(), vec![0; 509]].concat();
        let mut good = open(&[plain("one"), plain("two")]).unwrap();
        assert_eq!(good.paths().unwrap(), ["one", "two"]);
        assert_eq!(good.read("two").unwrap().unwrap(), b"abc");
        // Five gigabytes, in octal, and what a binary size can say.
        let (huge, binary): (&[u8], &[u8]) =
            (b"45000000000\0", &[0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255]);
        for (what, parts, word) in [
            ("a long name", vec![header("././@LongLink", b'L', huge)], "packed by hand"),
            ("a long link", vec![header("././@LongLink", b'K', huge)], "packed by hand"),
            ("extended headers", vec![header("PaxHeaders/one", b'x', huge)], "packed by hand"),
            ("global headers", vec![header("pax_global_header", b'g', huge)], "packed by hand"),
            ("a sparse file", vec![header("sparse", b'S', huge)], "packed by hand"),
            ("a folder", vec![header("folder/", b'5', b"00000000000\0")], "packed by hand"),
            ("a link", vec![header("link", b'2', b"00000000000\0")], "packed by hand"),
            ("a hard link", vec![header("link", b'1', b"00000000000\0")], "packed by hand"),
            ("a device", vec![header("device", b'3', b"00000000000\0")], "packed by hand"),
            ("a pipe", vec![header("pipe", b'6', b"00000000000\0")], "packed by hand"),
            ("a file of five gigabytes", vec![header("one", b'0', huge)], "longer than"),
            ("a file beyond all", vec![header("one", b'0', binary)], ""),
            ("a file that is not there", vec![header("one", b'0', b"00000100000\0")], "ends within one"),
            ("one path twice", vec![plain("one"), plain("one")], "twice"),
            ("no header", vec![vec![b'x'; 512]], "not a whole tar"),
        ] {
            let why = open(&parts).map(|_| what).unwrap_err().to_string();
            assert!(why.contains(word), "{what}: {why}");
        }
    }
}
