//! The way without a line: a stick that goes to the ledger's office and comes back.
//!
//! In `oversight-ledger/` on the stick: `parcels/<party>.<hex>.jsonl` are outboxes (FORMAT.md 20; with `.age` after
//! it encrypted to whoever shall read them), `answers/` of the same names (without `.age`) what the ledger said to each, `stamps/` notes of who carried them (20.2), `packs/*.pack` packs. Names
//! are made of what the files hold, so a stick that goes twice adds nothing.

use std::path::{Path, PathBuf};

use schemas::carried::Carried;
use schemas::file_name::encode_part;
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::strays;
use schemas::time::Timestamp;
use verifier::pack;
use verifier::signature::SecretKey;
use verifier::transit;
use verifier::unseal::Identity;
use zeroize::Zeroizing;

use super::answers::Taken;
use super::{BadOutpost, Outpost};
use crate::answer::AnswerLine;
use crate::failure::Failure;
use crate::outbox::{FILE_BYTES_MAX, Parcel};
use crate::{files, seal};

/// The folder on a stick that is ours; nothing else on it is looked at.
pub const FOLDER: &str = "oversight-ledger";
/// Ending of a file of parcels that is encrypted.
const WRAPPED: &str = ".age";
/// Hex digits of a hash in a name.
const NAME_DIGITS: usize = 16;
/// Longest pack that is taken from a stick, in bytes.
const PACK_BYTES_MAX: usize = 64 << 20;
/// Most files of a kind that are read from one stick.
const FILES_MAX: usize = 10_000;

/// The folders in ours, and how the names of their files end.
const KINDS: [(&str, &[&str]); 4] =
    [("parcels", &[".jsonl", ".jsonl.age"]), ("answers", &[".jsonl"]), ("stamps", &[".stamp"]), ("packs", &[".pack"])];

/// Whether a name is one of our files, and none that a system made beside it.
fn is_ours(name: &str, endings: &[&str]) -> bool {
    let ours = endings.iter().any(|ending| name.ends_with(ending));
    ours && !name.starts_with('.') && !strays::is_stray(name)
}

/// The text of a file, and what its way did to it: what is signed stands within its lines, and is checked itself.
fn text_of(bytes: &[u8]) -> (String, Option<String>) {
    match transit::undo(bytes) {
        Some(undone) => (String::from_utf8_lossy(&undone.bytes).into_owned(), Some(transit::in_words(&undone.changes))),
        None => {
            let what = transit::instead(bytes).map(|what| what.to_string());
            (String::from_utf8_lossy(bytes).into_owned(), what)
        }
    }
}

/// A stick, or any folder that travels.
#[derive(Clone, Debug)]
pub struct Stick(PathBuf);

/// Parcels as they lie on a stick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Name of the file.
    pub name: String,
    /// What is in it, in order.
    pub parcels: Vec<Parcel>,
    /// Numbers of lines that are no parcel.
    pub unread: Vec<usize>,
    /// What its way did to the file.
    pub changed: Option<String>,
}

impl Stick {
    /// The stick mounted at a folder.
    pub fn at(folder: &Path) -> Self {
        let ours = folder.join(FOLDER);
        // Whoever names the folder itself means the same.
        let named = folder.file_name().is_some_and(|name| name == FOLDER) && !ours.exists();
        Self(if named { folder.to_owned() } else { ours })
    }

    /// What is in our folder and none of ours: left behind by systems, or put there by somebody. Nothing of it is read.
    ///
    /// # Errors
    /// [`Failure`] if a folder cannot be listed.
    pub fn strays(&self) -> Result<Vec<String>, Failure> {
        let mut strays = Vec::new();
        for (kind, endings) in KINDS {
            let folder = self.folder(kind)?;
            if !folder.is_dir() {
                continue;
            }
            let ours = |name: &str| is_ours(name, endings);
            for path in files::list(&folder, |name| !ours(name))? {
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                strays.push(format!("{kind}/{name}"));
            }
        }
        if self.0.is_dir() {
            for path in files::list(&self.0, |name| KINDS.iter().all(|(kind, _)| *kind != name))? {
                strays.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        strays.truncate(FILES_MAX);
        Ok(strays)
    }

    /// One of its folders. Whoever laid a link there would choose where the records go.
    fn folder(&self, kind: &str) -> Result<PathBuf, Failure> {
        let folder = self.0.join(kind);
        for path in [&self.0, &folder] {
            verifier::files::no_link(path).map_err(|e| Failure::io("use", path, e))?;
        }
        Ok(folder)
    }

    fn files(&self, kind: &str, ending: &str) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.folder(kind)?;
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut found = files::list(&folder, |name| is_ours(name, &[ending]))?;
        found.truncate(FILES_MAX);
        Ok(found)
    }

    fn write(&self, kind: &str, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        let folder = self.folder(kind)?;
        files::create_folder(&folder)?;
        let path = folder.join(name);
        files::replace(&path, bytes)?;
        Ok(path)
    }

    /// All parcels on the stick, file by file, and names of the files that are encrypted for others.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be read.
    pub fn parcels(&self, identity: Option<&Identity>) -> Result<(Vec<Packed>, Vec<String>), Failure> {
        let (mut all, mut closed) = (Vec::new(), Vec::new());
        for path in self.packed()? {
            let mut bytes = Zeroizing::new(files::read_foreign(&path, FILE_BYTES_MAX)?.unwrap_or_default());
            let mut name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            if let Some(open) = name.strip_suffix(WRAPPED) {
                let Some(plain) = identity.and_then(|identity| identity.unwrap_file(&bytes, FILE_BYTES_MAX)) else {
                    closed.push(name);
                    continue;
                };
                (bytes, name) = (plain, open.to_owned());
            }
            let (mut parcels, mut unread) = (Vec::new(), Vec::new());
            let (text, changed) = text_of(&bytes);
            for (number, line) in (1..).zip(text.split_terminator('\n')) {
                match Parcel::parse(line).filter(|parcel| parcel.received_at.is_none()) {
                    Some(parcel) => parcels.push(parcel),
                    None => unread.push(number),
                }
            }
            all.push(Packed { name, parcels, unread, changed });
        }
        Ok((all, closed))
    }

    /// Files of parcels, open and encrypted.
    fn packed(&self) -> Result<Vec<PathBuf>, Failure> {
        let mut found = self.files("parcels", ".jsonl")?;
        found.extend(self.files("parcels", ".jsonl.age")?);
        Ok(found)
    }

    /// Writes the answers to the parcels of that name.
    ///
    /// # Errors
    /// [`Failure`] if they cannot be written.
    pub fn answer(&self, name: &str, answers: &[AnswerLine]) -> Result<PathBuf, Failure> {
        let text: String = answers.iter().map(|answer| answer.to_line() + "\n").collect();
        self.write("answers", name, text.as_bytes())
    }

    /// Writes a stamp, unless this carrier has stamped the event before: the first counts.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written.
    pub fn stamp(&self, stamp: &Carried, note: &Note) -> Result<Option<PathBuf>, Failure> {
        let name = format!("{}.{}.stamp", &stamp.event.to_hex()[..NAME_DIGITS], encode_part(&stamp.carrier));
        if self.0.join("stamps").join(&name).exists() {
            return Ok(None);
        }
        self.write("stamps", &name, note.to_text().as_bytes()).map(Some)
    }

    /// Writes a pack for a party.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written.
    pub fn pack(&self, party: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        self.write("packs", &format!("{}.pack", encode_part(party)), bytes)
    }
}

/// What a stick brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Back {
    /// What its answers said.
    pub taken: Taken,
    /// Lines that are no answer.
    pub unread: usize,
    /// Stamps that were kept.
    pub stamps: usize,
    /// Packs about us that hold and were kept.
    pub packs: usize,
    /// Packs that do not hold, or are not about us: file and reason.
    pub bad_packs: Vec<(PathBuf, String)>,
    /// Files that their way changed, and how.
    pub changed: Vec<(PathBuf, String)>,
}

impl Outpost {
    /// Puts everything open on a stick, encrypted to age keys of those who shall read it; gives the file and how many,
    /// or nothing where nothing is open. Without a key, what is restricted lies there in the clear, as in a register:
    /// carry it so.
    ///
    /// # Errors
    /// [`BadOutpost`] if it cannot be written.
    pub fn pack_up(&self, stick: &Stick, to: &[&str]) -> Result<Option<(PathBuf, usize)>, BadOutpost> {
        let open: Vec<&super::Held> = self.held().iter().filter(|held| held.is_open()).collect();
        if open.is_empty() {
            return Ok(None);
        }
        let text: String = open.iter().map(|held| held.parcel.to_line() + "\n").collect();
        let digest = Hash::of(&[text.as_bytes()]).to_hex();
        let name = format!("{}.{}.jsonl", encode_part(&self.standing().party), &digest[..NAME_DIGITS]);
        let path = if to.is_empty() {
            stick.write("parcels", &name, text.as_bytes())?
        } else {
            stick.write("parcels", &format!("{name}{WRAPPED}"), &seal::wrap_file(to, text.as_bytes())?)?
        };
        // What was packed up before is among it, or answered.
        for old in stick.packed()? {
            let name = old.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let ours = name.strip_suffix(WRAPPED).unwrap_or(name).rsplitn(3, '.').nth(2);
            if old != path && ours == Some(encode_part(&self.standing().party).as_str()) {
                files::remove(&old)?;
            }
        }
        Ok(Some((path, open.len())))
    }

    /// Takes in what a stick brings back. Answers that were for us alone are removed from it, once they are on the
    /// disk here.
    ///
    /// # Errors
    /// [`BadOutpost`]; doing it again goes on.
    pub fn take_in(&mut self, stick: &Stick, now: Timestamp) -> Result<Back, BadOutpost> {
        let mut back = Back::default();
        for path in stick.files("answers", ".jsonl")? {
            let bytes = files::read_foreign(&path, FILE_BYTES_MAX)?.unwrap_or_default();
            let mut answers = Vec::new();
            let (text, changed) = text_of(&bytes);
            back.changed.extend(changed.map(|how| (path.clone(), how)));
            for line in text.split_terminator('\n') {
                match AnswerLine::parse(line) {
                    Some(answer) => answers.push(answer),
                    None => back.unread += 1,
                }
            }
            let taken = self.take(&answers, now)?;
            let settled = taken.foreign == 0 && taken.lies.is_empty() && taken.received == 0;
            back.taken.add(taken);
            if settled && back.unread == 0 {
                if let Some(name) = path.file_name().and_then(|name| name.to_str()) {
                    for name in [name.to_owned(), format!("{name}{WRAPPED}")] {
                        files::remove(&stick.0.join("parcels").join(name))?;
                    }
                }
                files::remove(&path)?;
            }
        }
        for path in stick.files("stamps", ".stamp")? {
            let bytes = files::read_foreign(&path, 4_096)?.unwrap_or_default();
            let (text, changed) = text_of(&bytes);
            back.changed.extend(changed.map(|how| (path.clone(), how)));
            if let Ok(note) = Note::parse(text.as_bytes()) {
                back.stamps += usize::from(self.take_stamp(&note)?);
            }
        }
        let party = self.pseudonyms()?.party(&self.standing().party).to_owned();
        for path in stick.files("packs", ".pack")? {
            let bytes = files::read_foreign(&path, PACK_BYTES_MAX)?.unwrap_or_default();
            let checked = transit::judge(transit::Kind::Pack, &bytes, |bytes| pack::check(bytes, self.policy(), &[]));
            let about = checked.stream;
            if let (2, Some(why)) = (checked.report.exit_code(), checked.report.unknown.first()) {
                back.bad_packs.push((path, why.clone()));
                continue;
            }
            if about.split_once('/').map(|(_, name)| name) != Some(party.as_str()) {
                back.bad_packs.push((path, format!("it is about {about:?}")));
                continue;
            }
            let checked = self.keep_pack(&bytes)?;
            if checked.report.exit_code() == 0 {
                back.packs += 1;
            } else {
                let why = checked.report.faults.first().map(ToString::to_string);
                let why = why.or_else(|| checked.report.unknown.first().cloned()).unwrap_or_default();
                back.bad_packs.push((path, format!("it does not hold under the policy here: {why}")));
            }
        }
        Ok(back)
    }
}

/// The stamp of a carrier for one event. FORMAT.md 20.2.
pub fn stamp(origin: &Origin, event: Hash, carrier: &str, key: &SecretKey, at: Timestamp) -> (Carried, Note) {
    let stamp = Carried { origin: origin.clone(), event, at, carrier: carrier.to_owned() };
    let text = stamp.to_text();
    let note = Note { signatures: vec![key.sign(&text)], text };
    (stamp, note)
}
