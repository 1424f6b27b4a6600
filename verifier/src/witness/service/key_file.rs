//! The secret key of a witness as a file.

use std::path::{Path, PathBuf};

use schemas::base;
use schemas::note::Vkey;
use schemas::visible::Show as _;

use zeroize::Zeroizing;

use super::state_file::{UNUSED, with_ending};
use crate::output::{self, BadSecret, Readers};
use crate::signature::SecretKey;

/// First line of a secret key's file; the key's name and base64 of its 32 bytes follow.
pub const MAGIC: &str = "oversight-secret-key/v1";
/// Longest key file that is read, in bytes.
const BYTES_MAX: usize = 4096;

/// Why a key file cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum BadKeyFile {
    /// The system refused.
    #[error("cannot {doing} {}: {source}", .path.shown())]
    Io {
        /// What was tried, a verb.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others can read it.
    #[error(transparent)]
    Exposed(#[from] output::Exposed),
    /// There is one already.
    #[error("{} is there already: a witness's key is made once; choose another name for a new witness", .0.shown())]
    Occupied(PathBuf),
    /// Not three lines of a key file.
    #[error("{}: not a key file (three lines: {MAGIC}, the key's name, base64 of 32 bytes)", .0.shown())]
    Form(PathBuf),
    /// The name cannot stand in a signature line.
    #[error("--name {0:?}: 1 to 400 characters without blanks and without +, such as witness.example/w1")]
    Name(String),
    /// The operating system gives no randomness.
    #[error("the system gives no random numbers: no key can be made here")]
    Random,
}

/// Makes a key for a witness of this name, in a new file that only its owner may read. A file `<path>.unused` beside it
/// says that it has never cosigned: without it no first start begins a state.
///
/// # Errors
/// [`BadKeyFile`]; an existing file is never overwritten.
pub fn generate(path: &Path, name: &str) -> Result<SecretKey, BadKeyFile> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|_| BadKeyFile::Random)?;
    let key = SecretKey::new(name, &seed);
    if Vkey::parse(&key.cosigner_vkey().to_string()).is_err() {
        return Err(BadKeyFile::Name(name.to_owned()));
    }
    let io = |doing, source| BadKeyFile::Io { doing, path: path.to_owned(), source };
    if path.exists() {
        return Err(BadKeyFile::Occupied(path.to_owned()));
    }
    let seed = Zeroizing::new(base::to_base64(&*seed));
    let text = Zeroizing::new(format!("{MAGIC}\n{name}\n{}\n", *seed));
    output::write(path, text.as_bytes(), Readers::Owner).map_err(|e| io("write", e))?;
    let unused = with_ending(path, UNUSED);
    output::write(&unused, b"This key has never cosigned.\n", Readers::Owner).map_err(|source| BadKeyFile::Io {
        doing: "write",
        path: unused,
        source,
    })?;
    Ok(key)
}

/// Reads a key file.
///
/// # Errors
/// [`BadKeyFile`] says what is wrong with it.
pub fn read(path: &Path) -> Result<SecretKey, BadKeyFile> {
    let io = |source| BadKeyFile::Io { doing: "read", path: path.to_owned(), source };
    let form = || BadKeyFile::Form(path.to_owned());
    let read = output::read_secret(path, BYTES_MAX).map_err(|why| match why {
        BadSecret::Exposed(exposed) => BadKeyFile::Exposed(exposed),
        BadSecret::Io(source) => io(source),
        long @ BadSecret::Long { .. } => io(std::io::Error::new(std::io::ErrorKind::InvalidData, long.to_string())),
    })?;
    let bytes = read.ok_or_else(|| io(std::io::ErrorKind::NotFound.into()))?;
    let mut lines = std::str::from_utf8(&bytes).map_err(|_| form())?.lines();
    let (Some(MAGIC), Some(name), Some(seed), None) = (lines.next(), lines.next(), lines.next(), lines.next()) else {
        return Err(form());
    };
    let seed = Zeroizing::new(base::from_base64(seed).ok_or_else(form)?);
    let seed = Zeroizing::new(<[u8; 32]>::try_from(seed.as_slice()).map_err(|_| form())?);
    let key = SecretKey::new(name, &seed);
    if Vkey::parse(&key.cosigner_vkey().to_string()).is_ok() { Ok(key) } else { Err(form()) }
}
