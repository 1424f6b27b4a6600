//! Writes the whole log as a bundle of static files. FORMAT.md 13.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use schemas::note::Note;
use schemas::tile::{self, TILE_WIDTH, Tile};
use schemas::time::Date;

use crate::failure::Failure;
use crate::files;
use crate::publish;
use crate::writer::{DOCUMENT_BYTES_MAX, Writer, checkpoint_name};

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
/// built beside the place and put there at the end, so a reader never finds half of one. What is
/// not published yet is not in it ([`crate::publish`]).
///
/// # Errors
/// [`Failure::Unpublished`] if nothing is; else [`Failure`] if a file cannot be written.
pub fn bundle(
    writer: &Writer,
    policy: &str,
    utc_offset_minutes: i32,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Exported, Failure> {
    let (checkpoint, head) = publish::head(writer)?;
    let size = checkpoint.size;
    let draft = beside(out, "new");
    clear(&draft)?;
    if out.exists() && !out.join(manifest::NAME).exists() {
        let empty = fs::read_dir(out).is_ok_and(|mut d| d.next().is_none());
        if !empty {
            return Err(Failure::Occupied { path: out.to_owned() });
        }
    }
    let mut files = Files { folder: draft.clone(), manifest: Manifest::default(), bytes: 0 };
    let mut bundle: Vec<Vec<u8>> = Vec::new();
    let mut kept: BTreeMap<Date, Kept> = BTreeMap::new();
    for entry in writer.store().entries(0) {
        let (position, bytes) = entry?;
        if position >= size {
            break;
        }
        if let Ok(entry) = schemas::entry::Entry::parse(&bytes)
            && entry.signed.event.kind == verifier::admit::SEAL
        {
            let day = kept.entry(entry.received_at.date(utc_offset_minutes)).or_default();
            day.see(writer, position + 1)?;
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
    let kept: BTreeMap<u64, Vec<u8>> = kept.into_values().flat_map(Kept::notes).collect();
    for (covered, note) in kept {
        files.write(&format!("checkpoints/{covered}"), &note)?;
    }
    files.write("checkpoint", head.to_text().as_bytes())?;
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

/// Which checkpoints of one day travel in a bundle: the last, and the last of those that most
/// witnesses have seen. FORMAT.md 10.2.
#[derive(Default)]
struct Kept {
    last: Option<(u64, Vec<u8>)>,
    most_seen: Option<(usize, u64, Vec<u8>)>,
}

impl Kept {
    fn see(&mut self, writer: &Writer, size: u64) -> Result<(), Failure> {
        let Some(bytes) = writer.store().note(&checkpoint_name(size))? else { return Ok(()) };
        let lines = Note::parse(&bytes).map_or(0, |note| note.signatures.len());
        if self.most_seen.as_ref().is_none_or(|(most, _, _)| lines >= *most) {
            self.most_seen = Some((lines, size, bytes.clone()));
        }
        self.last = Some((size, bytes));
        Ok(())
    }

    fn notes(self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.last.into_iter().chain(self.most_seen.map(|(_, size, bytes)| (size, bytes)))
    }
}

/// Writes all openings of what is published into a folder, in the layout of FORMAT.md 19.
///
/// # Errors
/// [`Failure::Unpublished`] if nothing is; else [`Failure`] if a file cannot be written.
pub fn openings(writer: &Writer, out: &Path) -> Result<u64, Failure> {
    let (Checkpoint { size, .. }, _) = publish::head(writer)?;
    let draft = beside(out, "new");
    clear(&draft)?;
    files::create_folder(&draft)?;
    let (mut text, mut lines) = (String::new(), 0u64);
    let flush = |text: &mut String, last: u64| {
        let path = draft.join(tile::index_path(last / TILE_WIDTH));
        write_file(&path, std::mem::take(text).as_bytes())
    };
    for line in writer.vault().lines(0).take(usize::try_from(size).unwrap_or(usize::MAX)) {
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
