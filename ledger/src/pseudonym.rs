//! Pseudonyms of parties that are not named. FORMAT.md 16.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::failure::{Damage, Failure};
use crate::files;
use crate::import::Parties;
use crate::keys::{self, BadKeyFile};

/// What every pseudonym begins with.
pub const PREFIX: &str = "anon-";
/// Random characters after it.
const RANDOM_CHARS: usize = 20;
/// Longest file of pseudonyms, in bytes.
const FILE_BYTES_MAX: usize = 16 << 20;

/// Pseudonyms by register id, kept in one file that never leaves the ledger's folder.
#[derive(Clone, Debug)]
pub struct Pseudonyms {
    path: PathBuf,
    by_id: BTreeMap<String, String>,
    /// All register ids, longest first, so that `cso-noor` is not found inside `cso-noor-2`.
    ids: Vec<String>,
}

impl Pseudonyms {
    /// Reads the file and draws a pseudonym for every party that is not named and has none yet;
    /// new ones are on the disk before this returns.
    ///
    /// # Errors
    /// [`BadKeyFile`] if the file cannot be read or written.
    pub fn load(path: &Path, parties: &Parties) -> Result<Self, BadKeyFile> {
        let mut by_id = BTreeMap::new();
        let bytes = files::read(path, FILE_BYTES_MAX)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in (1..).zip(text.lines()) {
            let (id, pseudonym) = line.split_once(' ').ok_or_else(|| Failure::Damaged {
                path: path.to_owned(),
                damage: Damage::Line { position: number },
                known: None,
            })?;
            by_id.insert(id.to_owned(), pseudonym.to_owned());
        }
        let known = by_id.len();
        for party in parties.iter().filter(|p| !p.identity_mode.is_named()) {
            if !by_id.contains_key(&party.id) {
                by_id.insert(party.id.clone(), draw()?);
            }
        }
        if by_id.len() > known {
            let text: String = by_id.iter().map(|(id, pseudonym)| format!("{id} {pseudonym}\n")).collect();
            files::replace(path, text.as_bytes())?;
        }
        Ok(Self::of(path.to_owned(), by_id, parties))
    }

    /// Those that somebody was told, a line `<id> <pseudonym>` each; none is drawn. Nothing if a line is none, or a
    /// party that is not named has none: its own id would stand in public.
    pub fn told(text: &str, parties: &Parties) -> Option<Self> {
        let line = |line: &str| line.split_once(' ').map(|(id, name)| (id.to_owned(), name.trim_end().to_owned()));
        let by_id: BTreeMap<String, String> = text.lines().map(line).collect::<Option<_>>()?;
        if parties.iter().any(|party| !party.identity_mode.is_named() && !by_id.contains_key(&party.id)) {
            return None;
        }
        Some(Self::of(PathBuf::new(), by_id, parties))
    }

    fn of(path: PathBuf, by_id: BTreeMap<String, String>, parties: &Parties) -> Self {
        let mut ids: Vec<String> = parties.iter().map(|p| p.id.clone()).chain(by_id.keys().cloned()).collect();
        ids.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        ids.dedup();
        Self { path, by_id, ids }
    }

    /// Where they are kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the log names a party.
    pub fn party<'a>(&'a self, id: &'a str) -> &'a str {
        self.by_id.get(id).map_or(id, String::as_str)
    }

    /// Whether the log shows the party under a pseudonym.
    pub fn hides(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// The register's own spelling of what [`Pseudonyms::inside`] gave.
    pub fn outside(&self, text: &str) -> String {
        if !text.contains(PREFIX) {
            return text.to_owned();
        }
        self.by_id.iter().fold(text.to_owned(), |text, (id, pseudonym)| text.replace(pseudonym, id))
    }

    /// An id, a holder or an address, with every register id of an unnamed party in it replaced.
    pub fn inside(&self, text: &str) -> String {
        if self.by_id.is_empty() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let found = self.ids.iter().find(|id| rest.starts_with(id.as_str()));
            if let Some(id) = found {
                out.push_str(self.party(id));
                rest = &rest[id.len()..];
            } else {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        out
    }
}

fn draw() -> Result<String, BadKeyFile> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bytes: [u8; RANDOM_CHARS] = keys::random_bytes()?;
    let random: String = bytes.iter().map(|b| char::from(LETTERS[usize::from(b & 31)])).collect();
    Ok(format!("{PREFIX}{random}"))
}
