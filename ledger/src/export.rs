//! Writes the whole log as a bundle of static files. FORMAT.md 13.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use schemas::tile::{self, TILE_WIDTH, Tile};
use schemas::time::Date;

use crate::failure::Failure;
use crate::files;
use crate::writer::{DOCUMENT_BYTES_MAX, Writer};

/// What a bundle came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Entries in it.
    pub entries: u64,
    /// Files in it, the manifest not counted.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
}

/// Writes the bundle into a new folder, and what was there before only if it is a bundle too. It is
/// built beside the place and put there at the end, so a reader never finds half of one.
///
/// # Errors
/// [`Failure`] if a file cannot be written.
pub fn bundle(
    writer: &Writer,
    policy: &str,
    utc_offset_minutes: i32,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Exported, Failure> {
    let draft = beside(out, "new");
    clear(&draft)?;
    if out.exists() && !out.join(manifest::NAME).exists() {
        let empty = fs::read_dir(out).is_ok_and(|mut d| d.next().is_none());
        if !empty {
            return Err(Failure::Occupied { path: out.to_owned() });
        }
    }
    let mut files = Files { folder: draft.clone(), manifest: Manifest::default(), bytes: 0 };
    let size = writer.log().size();
    let mut bundle: Vec<Vec<u8>> = Vec::new();
    let mut seals: BTreeMap<Date, u64> = BTreeMap::new();
    for entry in writer.store().entries(0) {
        let (position, bytes) = entry?;
        if position >= size {
            break;
        }
        if let Ok(entry) = schemas::entry::Entry::parse(&bytes)
            && entry.signed.event.kind == verifier::admit::SEAL
        {
            seals.insert(entry.received_at.date(utc_offset_minutes), position + 1);
        }
        bundle.push(bytes);
        if bundle.len() as u64 == TILE_WIDTH || position + 1 == size {
            let tile = Tile { level: None, index: position / TILE_WIDTH, width: bundle.len() as u64 };
            files.write(&tile.path(), &tile::bundle_bytes(bundle.iter().map(Vec::as_slice)))?;
            bundle.clear();
            progress(position + 1, size);
        }
    }
    for tile in Tile::all(size) {
        let Some(level) = tile.level else { continue };
        let hashes = writer.levels().hashes(level, tile.index * TILE_WIDTH, tile.width).unwrap_or_default();
        let bytes: Vec<u8> = hashes.iter().flat_map(|h| h.0).collect();
        files.write(&tile.path(), &bytes)?;
    }
    for covered in seals.values() {
        if let Some(note) = writer.store().note(&crate::writer::checkpoint_name(*covered))? {
            files.write(&format!("checkpoints/{covered}"), &note)?;
        }
    }
    files.write("checkpoint", writer.head().to_text().as_bytes())?;
    files.write("policy", policy.as_bytes())?;
    for path in files::list(&writer.home().documents(), |name| Hash::from_hex(name).is_some())? {
        let bytes = files::read(&path, DOCUMENT_BYTES_MAX)?.unwrap_or_default();
        files.write(&format!("documents/{}", Hash::of(&[&bytes])), &bytes)?;
    }
    let exported = Exported { entries: size, files: files.manifest.0.len(), bytes: files.bytes };
    let text = files.manifest.to_text();
    fs::write(draft.join(manifest::NAME), text).map_err(|source| Failure::Io {
        doing: "write",
        path: draft.join(manifest::NAME),
        source,
    })?;
    put(&draft, out)?;
    Ok(exported)
}

/// Writes all openings into a folder, in the layout of FORMAT.md 19.
///
/// # Errors
/// [`Failure`] if a file cannot be written.
pub fn openings(writer: &Writer, out: &Path) -> Result<u64, Failure> {
    let draft = beside(out, "new");
    clear(&draft)?;
    files::create_folder(&draft)?;
    let (mut text, mut lines) = (String::new(), 0u64);
    let flush = |text: &mut String, last: u64| {
        let path = draft.join(tile::index_path(last / TILE_WIDTH));
        write_file(&path, std::mem::take(text).as_bytes())
    };
    for line in writer.vault().lines(0) {
        let (position, line) = line?;
        text.push_str(&line);
        text.push('\n');
        lines = position + 1;
        if lines.is_multiple_of(TILE_WIDTH) {
            flush(&mut text, position)?;
        }
    }
    if !text.is_empty() {
        flush(&mut text, lines - 1)?;
    }
    put(&draft, out)?;
    Ok(lines)
}

struct Files {
    folder: PathBuf,
    manifest: Manifest,
    bytes: u64,
}

impl Files {
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        write_file(&self.folder.join(path), bytes)?;
        self.manifest.0.insert(path.to_owned(), Hash::of(&[bytes]));
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let io = |source| Failure::Io { doing: "write", path: path.to_owned(), source };
    fs::create_dir_all(files::parent(path)).map_err(io)?;
    fs::write(path, bytes).map_err(io)
}

fn beside(out: &Path, what: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(format!(".{what}"));
    PathBuf::from(name)
}

fn clear(folder: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::Io { doing: "remove", path: folder.to_owned(), source: e })
        }
        _ => Ok(()),
    }
}

/// Moves a finished folder to its place; one that stood there goes last.
fn put(draft: &Path, out: &Path) -> Result<(), Failure> {
    let io = |doing, source| Failure::Io { doing, path: out.to_owned(), source };
    let old = beside(out, "old");
    clear(&old)?;
    if out.exists() {
        fs::rename(out, &old).map_err(|e| io("move", e))?;
    }
    fs::rename(draft, out).map_err(|e| io("move", e))?;
    files::sync_folder(files::parent(out))?;
    clear(&old)
}
