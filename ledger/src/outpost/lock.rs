//! What opens the folder at an institution: a key file kept elsewhere, or a passphrase.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cipher::RestKey;
use crate::failure::Failure;
use crate::{files, keys, seal};

use super::{BadOutpost, REACHED};
use schemas::visible::Show as _;

/// Name of the file in the folder that tells which way it opens.
const LOCK: &str = "lock";
/// What helps where that file is torn: it says how the folder opens, and for words it holds the key.
const WAY_OUT: &str = "put the file back from the newest copy of the folder. Where the folder opens with a key file, it is the one \
                       line `key file`, and may be written again so; where it opens with words, nothing opens the folder without \
                       a copy of it";
/// First line of a key file.
const MAGIC: &str = "oversight-outpost-key/v1";
/// What the lock of a folder with a key file says.
const BY_FILE: &str = "key file";
/// Least length of a passphrase, in characters: a stolen folder can be tried for years.
pub const PASSPHRASE_CHARS_MIN: usize = 12;

/// What opens the folder.
#[derive(Clone)]
pub enum Secret {
    /// A file that lies elsewhere, such as on a stick or in a home that is itself encrypted.
    KeyFile(PathBuf),
    /// Words that people remember.
    Passphrase(Zeroizing<String>),
}

/// The words are never shown.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::KeyFile(path) => write!(f, "KeyFile({})", path.shown()),
            Self::Passphrase(_) => f.write_str("Passphrase(..)"),
        }
    }
}

/// Draws the key of a new folder and locks it; a key file that is there already serves again.
pub(super) fn make(folder: &Path, secret: &Secret) -> Result<RestKey, BadOutpost> {
    let (key, lock) = match secret {
        Secret::KeyFile(path) => {
            let inside = path.canonicalize().unwrap_or_else(|_| path.clone()).starts_with(folder);
            if inside || path.starts_with(folder) {
                return Err(BadOutpost::KeyInside { path: path.clone() });
            }
            let key = if path.exists() { read(path)? } else { draw(path)? };
            (key, format!("{BY_FILE}\n").into_bytes())
        }
        Secret::Passphrase(words) => {
            if words.chars().count() < PASSPHRASE_CHARS_MIN {
                return Err(BadOutpost::Short);
            }
            let key = RestKey::draw()?;
            let locked = seal::lock(key.to_text().as_bytes(), words)?;
            (key, locked)
        }
    };
    files::replace(&folder.join(LOCK), &lock)?;
    Ok(key)
}

/// The key of a folder that is there.
pub(super) fn open(folder: &Path, secret: &Secret) -> Result<RestKey, BadOutpost> {
    let absent = || Failure::Absent { what: "outbox of an institution", path: folder.to_owned() };
    let path = folder.join(LOCK);
    let torn = |what: &str| Failure::Lost { path: path.clone(), what: what.to_owned(), way_out: WAY_OUT };
    let lock = match files::read(&path, seal::LOCKED_BYTES_MAX)? {
        Some(lock) => lock,
        None if folder.join(REACHED).exists() => return Err(torn("it is gone").into()),
        None => return Err(absent().into()),
    };
    let by_file = lock == format!("{BY_FILE}\n").as_bytes();
    if !by_file && !is_locked_key(&lock) {
        return Err(torn("it is empty, cut, or not as it was written").into());
    }
    match secret {
        Secret::KeyFile(path) if by_file => read(path),
        Secret::Passphrase(words) if !by_file => {
            let text = seal::unlock(&lock, words);
            let key = text.as_ref().and_then(|text| RestKey::parse(std::str::from_utf8(text).ok()?));
            key.ok_or(BadOutpost::Closed)
        }
        _ => Err(BadOutpost::OtherWay { wants: if by_file { "the key file" } else { "a passphrase" } }),
    }
}

/// Whether these are all the bytes of a key that words lock, whatever the words: an age file whose payload is a nonce, the
/// key, and a tag.
fn is_locked_key(lock: &[u8]) -> bool {
    const PAYLOAD_BYTES: usize = 16 + 44 + 16;
    let end = lock.windows(4).position(|four| four == b"\n---");
    let mac = end.and_then(|end| Some(end + 2 + lock[end + 1..].iter().position(|byte| *byte == b'\n')?));
    lock.starts_with(seal::LOCKED) && mac.is_some_and(|mac| lock.len() == mac + PAYLOAD_BYTES)
}

fn draw(path: &Path) -> Result<RestKey, BadOutpost> {
    let key = RestKey::draw()?;
    let text = Zeroizing::new(format!("{MAGIC}\n{}\n", *key.to_text()));
    keys::write_new(path, text.as_bytes())?;
    Ok(key)
}

fn read(path: &Path) -> Result<RestKey, BadOutpost> {
    let absent = || Failure::Absent { what: "key file", path: path.to_owned() };
    let bytes = files::read_secret(path, 4_096)?.ok_or_else(absent)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let key = text.strip_prefix(MAGIC).and_then(|rest| RestKey::parse(rest.trim()));
    key.ok_or_else(|| BadOutpost::KeyFile { path: path.to_owned() })
}
