//! The one file that a witness must never lose: what it has cosigned.
//!
//! It is written beside itself, synced, renamed into place, and the folder synced: a reader finds
//! the old text or the new one, whole, whenever the process or the power is cut. Who starts from an
//! older copy of it, or from none, could cosign a second history, so neither happens unasked.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use schemas::note::Note;
use schemas::value::Value;
use schemas::visible::Show as _;

use crate::files::{self, Links};
use crate::output::{self, Readers};
use crate::signature::{BadKey, PublicKey, SecretKey};
use crate::witness::records::{BadRecords, RECORDS_BYTES_MAX, Records};

/// What the operator does about a state that is lost.
const WAY_OUT: &str = "a witness that has forgotten what it cosigned must not go on under its key: bring the newest \
                       state file back, or make a new key under a new name with `verifier witness keygen` and tell \
                       those who keep policies";

/// Ending of the file that a new key has beside it until its first start.
pub(super) const UNUSED: &str = ".unused";

/// The state file of a witness, locked for this process.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    _lock: File,
}

/// Why a state file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadState {
    /// The system refused.
    #[error("cannot {doing} {}: {source}", .path.shown())]
    Io {
        /// What was tried, a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has it.
    #[error("{} is in use by another process: a witness runs once; stop the other one first", .0.shown())]
    Locked(PathBuf),
    /// It is not what this witness wrote.
    #[error("{}: {why}; {WAY_OUT}", .path.shown())]
    Records {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: BadRecords,
    },
    /// It was there once and is gone.
    #[error("{} is gone, but {} says that this key has been used: {WAY_OUT}", .path.shown(), .mark.shown())]
    Lost {
        /// Where it should be.
        path: PathBuf,
        /// The file that remembers.
        mark: PathBuf,
    },
    /// Nothing says that it was never there.
    #[error(
        "{} is not there, and no {} says that this key has never cosigned: {WAY_OUT}. Only if it truly never has, say so \
         with --never-cosigned",
        .path.shown(),
        .mark.shown()
    )]
    Unknown {
        /// Where it should be.
        path: PathBuf,
        /// The file that a new key has beside it until its first start.
        mark: PathBuf,
    },
    /// The witness's own key cannot be taken.
    #[error("the witness's key cannot be used: {0}")]
    Key(#[from] BadKey),
}

impl StateFile {
    /// Takes the state file of a witness for this process, and reads it. At the first start of a key that was made with
    /// [`super::key_file::generate`], and at no other, it is made; a file `<key file>.used` remembers that it must be
    /// there from then on.
    ///
    /// # Errors
    /// [`BadState`] with the way out.
    pub fn open(path: &Path, key_file: &Path, key: &SecretKey) -> Result<(Self, Records), BadState> {
        Self::take(path, key_file, key, with_ending(key_file, UNUSED).exists())
    }

    /// The same where the operator says that the key has never cosigned anything.
    ///
    /// # Errors
    /// [`BadState`] as above.
    pub fn begin(path: &Path, key_file: &Path, key: &SecretKey) -> Result<(Self, Records), BadState> {
        Self::take(path, key_file, key, true)
    }

    fn take(path: &Path, key_file: &Path, key: &SecretKey, never_cosigned: bool) -> Result<(Self, Records), BadState> {
        let own = PublicKey::new(&key.cosigner_vkey())?;
        let file = Self { path: path.to_owned(), _lock: lock(path)? };
        let mark = with_ending(key_file, ".used");
        let records = match read(path)? {
            Some(bytes) => {
                Records::parse(&bytes, &own).map_err(|why| BadState::Records { path: path.to_owned(), why })?
            }
            None if mark.exists() => return Err(BadState::Lost { path: path.to_owned(), mark }),
            None if !never_cosigned => {
                return Err(BadState::Unknown { path: path.to_owned(), mark: with_ending(key_file, UNUSED) });
            }
            None => {
                let records = Records::new(own.vkey().clone());
                file.keep(&records)?;
                records
            }
        };
        if !mark.exists() {
            let text = format!("This key has cosigned; it must not be used without {}\n", path.shown());
            replace(&mark, text.as_bytes())?;
        }
        let unused = with_ending(key_file, UNUSED);
        match fs::remove_file(&unused) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(BadState::Io { doing: "remove", path: unused, source });
            }
            _ => {}
        }
        Ok((file, records))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where evidence of a fork is kept, FORMAT.md 14.3: the first one that was seen.
    pub fn evidence(&self) -> PathBuf {
        with_ending(&self.path, ".fork")
    }

    /// Keeps the evidence of a fork, unless there is some already.
    ///
    /// # Errors
    /// [`BadState::Io`].
    pub fn keep_evidence(&self, notes: &[Note; 2]) -> Result<(), BadState> {
        let path = self.evidence();
        if path.exists() { Ok(()) } else { replace(&path, fork_text(notes).as_bytes()) }
    }

    /// Puts these records in its place; on the disk when this returns.
    ///
    /// # Errors
    /// [`BadState::Io`]: what is on the disk may be the old records or the new ones.
    pub fn keep(&self, records: &Records) -> Result<(), BadState> {
        replace(&self.path, records.to_text().as_bytes())
    }
}

/// Two checkpoints of one size, as FORMAT.md 14.3 hands them on.
fn fork_text(notes: &[Note; 2]) -> String {
    let line = |name: &str, text: String| {
        Value::Object([(name.to_owned(), Value::Text(text))].into_iter().collect()).to_json() + "\n"
    };
    let notes: String = notes.iter().map(|note| line("checkpoint", note.to_text())).collect();
    line("fork", "oversight-fork/v1".to_owned()) + &notes
}

pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

fn lock(path: &Path) -> Result<File, BadState> {
    let beside = with_ending(path, ".lock");
    let io = |source| BadState::Io { doing: "lock", path: beside.clone(), source };
    let mut options = output::options(Readers::Owner);
    let opened = files::open_with(options.create(true).write(true).truncate(false), &beside, Links::Refused);
    let file = opened.map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(BadState::Locked(path.to_owned())),
        Err(fs::TryLockError::Error(e)) => Err(io(e)),
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, BadState> {
    let io = |source| BadState::Io { doing: "read", path: path.to_owned(), source };
    match files::read(path, RECORDS_BYTES_MAX as u64, Links::Followed) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io(e)),
    }
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), BadState> {
    let draft = with_ending(path, ".new");
    let io = |doing, path: &Path, source| BadState::Io { doing, path: path.to_owned(), source };
    let mut file = output::create(&draft, Readers::Owner).map_err(|e| io("make", &draft, e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| io("write", &draft, e))?;
    fs::rename(&draft, path).map_err(|e| io("replace", path, e))?;
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|f| f.sync_all()).map_err(|e| io("sync", folder, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SecretKey {
        SecretKey::new("w.example", &[2; 32])
    }

    #[test]
    fn a_state_that_is_lost_torn_or_in_use_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (state, key_file) = (folder.path().join("state"), folder.path().join("w.key"));
        let open = || StateFile::open(&state, &key_file, &key());
        let refused = open().unwrap_err();
        assert!(matches!(refused, BadState::Unknown { .. }), "nothing says that the key is new: {refused}");
        assert!(!state.exists(), "nothing is begun");
        let unused = folder.path().join("w.key.unused");
        fs::write(&unused, "").unwrap();
        let (held, records) = open().unwrap();
        assert!(matches!(open(), Err(BadState::Locked(_))), "one process has it");
        drop(held);
        let (held, again) = open().unwrap();
        assert_eq!(records, again);
        // A draft that an interrupted write has left is not looked at.
        fs::write(folder.path().join("state.new"), "half").unwrap();
        drop(held);
        open().unwrap();
        let other = SecretKey::new("other.example", &[3; 32]);
        let refused = StateFile::open(&state, &key_file, &other).unwrap_err();
        assert!(matches!(refused, BadState::Records { why: BadRecords::OtherKey { .. }, .. }), "{refused}");
        let text = fs::read(&state).unwrap();
        fs::write(&state, &text[..text.len() / 2]).unwrap();
        let refused = open().unwrap_err();
        assert!(matches!(refused, BadState::Records { why: BadRecords::Torn, .. }), "{refused}");
        assert!(refused.to_string().contains("verifier witness keygen"), "{refused}");
        fs::remove_file(&state).unwrap();
        let refused = open().unwrap_err();
        assert!(matches!(refused, BadState::Lost { .. }), "{refused}");
        assert!(!state.exists(), "nothing is begun anew");
        // With both lost, or with what the key had when it was new put back, it is no new key either.
        fs::write(&unused, "").unwrap();
        assert!(matches!(open().unwrap_err(), BadState::Lost { .. }));
        fs::remove_file(&unused).unwrap();
        fs::remove_file(folder.path().join("w.key.used")).unwrap();
        let refused = open().unwrap_err();
        assert!(matches!(refused, BadState::Unknown { .. }), "{refused}");
        assert!(refused.to_string().contains("--never-cosigned"), "{refused}");
        assert!(!state.exists(), "nothing is begun anew");
        drop(StateFile::begin(&state, &key_file, &key()).unwrap());
        open().unwrap();
    }
}
