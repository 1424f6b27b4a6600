//! Pseudonyms of parties that are not named. FORMAT.md 16.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::event::SignedEvent;
use verifier::state::State;

use crate::failure::Failure;
use crate::files;
use crate::import::{Holder, Parties};
use crate::keys::{self, BadKeyFile};
use crate::outbox::Outbox;

/// What every pseudonym begins with.
pub const PREFIX: &str = "anon-";
/// Random characters after it.
const RANDOM_CHARS: usize = 20;
/// Most lines that a message repeats.
const LINES_TOLD: usize = 20;
/// Longest file of pseudonyms, in bytes.
const FILE_BYTES_MAX: usize = 16 << 20;

/// What helps where the list is gone or too old.
const WAY_OUT: &str = "put the newest copy back: a backup, or the copy that each institution was given (`--pseudonyms`); \
                       with another pseudonym an organisation would stand in the log twice, and no pack of it be complete";

/// Pseudonyms by register id, kept in one file that never leaves the ledger's folder.
#[derive(Clone, Debug)]
pub struct Pseudonyms {
    path: PathBuf,
    /// Whether some were drawn that the file does not have yet.
    drawn: bool,
    by_id: BTreeMap<String, String>,
    /// All register ids, longest first, so that `cso-noor` is not found inside `cso-noor-2`.
    ids: Vec<String>,
}

impl Pseudonyms {
    /// Reads the file and draws a pseudonym for every party that is not named and has none yet. New ones are only in
    /// memory until [`Pseudonyms::keep`]; who signs with them keeps them first.
    ///
    /// # Errors
    /// [`Failure::Lost`] if the file is gone: a ledger has one from its beginning. [`BadKeyFile`] if it cannot be read.
    pub fn load(path: &Path, parties: &Parties) -> Result<Self, BadKeyFile> {
        let mut by_id = BTreeMap::new();
        let bytes = files::read(path, FILE_BYTES_MAX)?.ok_or_else(|| Failure::Lost {
            path: path.to_owned(),
            what: "the list of pseudonyms, which a ledger has from its beginning, is gone".to_owned(),
            way_out: WAY_OUT,
        })?;
        let text = String::from_utf8_lossy(&bytes);
        for (number, line) in (1..).zip(text.lines()) {
            let (id, pseudonym) = line.split_once(' ').ok_or_else(|| Failure::bent(path, number, WAY_OUT))?;
            by_id.insert(id.to_owned(), pseudonym.to_owned());
        }
        let known = by_id.len();
        for party in parties.iter().filter(|p| !p.identity_mode.is_named()) {
            if !by_id.contains_key(&party.id) {
                by_id.insert(party.id.clone(), draw()?);
            }
        }
        let drawn = by_id.len() > known;
        Ok(Self { drawn, ..Self::of(path.to_owned(), by_id, parties) })
    }

    /// The same for a ledger, held against what its log and its outbox say: a list that lacks a name which they know
    /// is an old one, or an empty one. `log` is left out where the ledger is not opened, as in a dry run.
    ///
    /// # Errors
    /// As [`Pseudonyms::load`]; [`Failure::Lost`] with what the outbox still tells.
    pub fn of_ledger(path: &Path, parties: &Parties, log: Option<&State>, outbox: &Outbox) -> Result<Self, BadKeyFile> {
        let pseudonyms = Self::load(path, parties)?;
        pseudonyms.fits(parties, log, outbox)?;
        Ok(pseudonyms)
    }

    /// Whether the list has every pseudonym that the log and the outbox show.
    ///
    /// # Errors
    /// [`Failure::Lost`] if it lacks one; [`Failure`] if the outbox cannot be read.
    pub fn fits(&self, parties: &Parties, log: Option<&State>, outbox: &Outbox) -> Result<(), Failure> {
        let drawn = |name: &str| {
            name.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == RANDOM_CHARS) && parties.get(name).is_none()
        };
        let lacks = |name: &str| drawn(name) && !self.by_id.values().any(|known| known == name);
        let in_log = log.into_iter().flat_map(|log| log.keyring().holders()).map(|holder| holder.party.as_str());
        let mut lost: BTreeMap<String, Option<String>> =
            in_log.filter(|name| lacks(name)).map(|name| (name.to_owned(), None)).collect();
        if log.is_none() || !lost.is_empty() {
            for parcel in outbox.parcels()? {
                // A parcel says of which register row it was made: that row's party.
                let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { continue };
                if lacks(&signed.event.by) {
                    let id = parcel.source.split('/').next().unwrap_or_default();
                    lost.insert(signed.event.by, Some(id.to_owned()));
                }
            }
        }
        if lost.is_empty() {
            return Ok(());
        }
        let told: Vec<String> = lost
            .iter()
            .filter_map(|(name, id)| Some(format!("`{} {name}`", id.as_deref()?)))
            .take(LINES_TOLD)
            .collect();
        let from_outbox = if told.is_empty() {
            String::new()
        } else {
            format!("; the outbox still tells the lines {}", told.join(", "))
        };
        let what = format!(
            "the list of pseudonyms is empty or older than the log: it lacks {} of those that stand there{from_outbox}",
            lost.len()
        );
        Err(Failure::Lost { path: self.path.clone(), what, way_out: WAY_OUT })
    }

    /// Puts those that were drawn on the disk; nothing where none was.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be written: then nothing may be signed with them.
    pub fn keep(&self) -> Result<(), Failure> {
        if !self.drawn {
            return Ok(());
        }
        let text: String = self.by_id.iter().map(|(id, pseudonym)| format!("{id} {pseudonym}\n")).collect();
        files::replace(&self.path, text.as_bytes())
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
        Self { path, drawn: false, by_id, ids }
    }

    /// Where they are kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Own ids of the parties that have one.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    /// How the log names a party.
    pub fn party<'a>(&'a self, id: &'a str) -> &'a str {
        self.by_id.get(id).map_or(id, String::as_str)
    }

    /// A holder as the log names it, whichever of the two spellings it has.
    pub fn shown(&self, holder: &Holder) -> Holder {
        let (party, name) = (self.outside(&holder.party), self.outside(&holder.holder));
        Holder { party: self.party(&party).to_owned(), holder: self.inside(&name) }
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
