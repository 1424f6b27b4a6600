//! The list of every file of a bundle. FORMAT.md 13.

use std::collections::BTreeMap;

use crate::hash::Hash;

/// Name of the manifest's own file.
pub const NAME: &str = "manifest";

/// SHA-256 of every file, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(pub BTreeMap<String, Hash>);

/// Why a manifest cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the manifest is not <64 hex digits><2 blanks><path>, or not in order")]
pub struct BadManifest {
    /// Line, from 1.
    pub line: usize,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`BadManifest`] names the line.
    pub fn parse(text: &str) -> Result<Self, BadManifest> {
        let mut files = BTreeMap::new();
        let mut rest = text;
        let mut line = 0;
        while !rest.is_empty() {
            line += 1;
            let (one, after) = rest.split_once('\n').ok_or(BadManifest { line })?;
            let (hash, path) = one.split_once("  ").ok_or(BadManifest { line })?;
            let hash = Hash::from_hex(hash).ok_or(BadManifest { line })?;
            let in_order = files.last_key_value().is_none_or(|(last, _): (&String, _)| last.as_str() < path);
            if !is_path(path) || path == NAME || !in_order {
                return Err(BadManifest { line });
            }
            files.insert(path.to_owned(), hash);
            rest = after;
        }
        Ok(Self(files))
    }

    /// The manifest's text, also readable by `sha256sum --check`.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect()
    }
}

/// Whether a path may stand in a bundle.
pub fn is_path(path: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
    (1..=255).contains(&path.len())
        && path.bytes().all(allowed)
        && path.split('/').all(|part| !part.is_empty() && part != "." && part != "..")
}
