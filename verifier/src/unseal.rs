//! Reading sealed values: age files for the keys that the oversight bodies enrolled. FORMAT.md 15.5.
//! Feature `age`. Pure: bytes in, text out. Beside the ledger's `seal.rs` the one file that uses `age`.

use std::io::Read as _;
use std::iter;

use age::x25519;
use schemas::base;
use schemas::opening::{OpeningLine, SEALED_CHARS_MAX, Slot};
use zeroize::Zeroizing;

use crate::bundle::{Source, Unreadable};

/// Most keys that an identity file may hold.
const KEYS_MAX: usize = 64;

/// The secret keys of an oversight body, as `age-keygen` and `ledger keygen --age` write them. The library overwrites
/// them when they go.
#[derive(Clone)]
pub struct Identity(Vec<x25519::Identity>);

/// Never shown, not even where a test fails.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(..)")
    }
}

/// Why a file is no identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIdentity {
    /// A line that is neither a comment nor a secret key.
    #[error("line {line} is neither a comment nor AGE-SECRET-KEY-1…: give the file that `ledger keygen --age` made")]
    Line {
        /// Line, from 1.
        line: usize,
    },
    /// No key, or too many.
    #[error("it holds {found} keys; an identity file has 1 to {KEYS_MAX}")]
    Count {
        /// How many it holds.
        found: usize,
    },
}

impl Identity {
    /// Reads an identity file: a secret key a line, `#` begins a comment.
    ///
    /// # Errors
    /// [`BadIdentity`]; the line itself is not repeated, it may be a secret.
    pub fn parse(text: &str) -> Result<Self, BadIdentity> {
        let mut keys = Vec::new();
        for (line, text) in (1..).zip(text.lines().map(str::trim)) {
            if !text.is_empty() && !text.starts_with('#') {
                keys.push(text.parse().map_err(|_| BadIdentity::Line { line })?);
            }
        }
        if (1..=KEYS_MAX).contains(&keys.len()) {
            Ok(Self(keys))
        } else {
            Err(BadIdentity::Count { found: keys.len() })
        }
    }

    /// The recipients of these keys, `age1…`.
    pub fn recipients(&self) -> Vec<String> {
        self.0.iter().map(|key| key.to_public().to_string()).collect()
    }

    /// What a sealed slot holds: the disclosure, or nothing if it is not for these keys. A file that
    /// is for them and does not hold a disclosure as FORMAT.md 15.5 wraps it gives an empty text,
    /// which no digest fits.
    pub fn open(&self, sealed: &str) -> Option<String> {
        let bytes = base::from_base64(sealed)?;
        for key in &self.0 {
            let file = age::Decryptor::new_buffered(bytes.as_slice()).ok()?;
            let Ok(reader) = file.decrypt(iter::once(key as &dyn age::Identity)) else { continue };
            let mut plain = Zeroizing::new(Vec::new());
            let whole = reader.take(SEALED_CHARS_MAX as u64).read_to_end(&mut plain).is_ok();
            return Some(unpadded(&plain).filter(|_| whole).unwrap_or_default());
        }
        None
    }

    /// What an age file for these keys holds, whole and of at most `max` bytes; nothing if it is not that.
    pub fn unwrap_file(&self, file: &[u8], max: usize) -> Option<Zeroizing<Vec<u8>>> {
        self.0.iter().find_map(|key| {
            let file = age::Decryptor::new_buffered(file).ok()?;
            let reader = file.decrypt(iter::once(key as &dyn age::Identity)).ok()?;
            let mut plain = Zeroizing::new(Vec::new());
            reader.take(max as u64 + 1).read_to_end(&mut plain).ok()?;
            (plain.len() <= max).then_some(plain)
        })
    }

    /// The line with every slot open that is sealed for these keys.
    #[must_use]
    pub fn open_line(&self, mut line: OpeningLine) -> OpeningLine {
        for slot in &mut line.slots {
            if let Slot::Sealed(text) = slot
                && let Some(disclosure) = self.open(text)
            {
                *slot = Slot::Open(disclosure);
            }
        }
        line
    }
}

/// The disclosure before U+000A and zeros.
fn unpadded(plain: &[u8]) -> Option<String> {
    let end = plain.iter().position(|b| *b == b'\n')?;
    let (text, padding) = plain.split_at(end);
    padding[1..].iter().all(|b| *b == 0).then(|| String::from_utf8(text.to_vec()).ok())?
}

/// A folder of openings as the holder of an identity reads it: what is sealed for it is open, so
/// that the check compares it with what was committed.
pub struct Unsealed<'a, S> {
    /// The folder.
    pub source: S,
    /// The keys.
    pub identity: &'a Identity,
}

impl<S: Source> Source for Unsealed<'_, S> {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        self.source.paths()
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some(bytes) = self.source.read(path)? else { return Ok(None) };
        let Ok(text) = String::from_utf8(bytes.clone()) else { return Ok(Some(bytes)) };
        let mut opened = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            // A line that cannot be read stays as it is: the check says what is wrong with it.
            match line.strip_suffix('\n').map(OpeningLine::parse) {
                Some(Ok(parsed)) if parsed.slots.iter().any(|slot| matches!(slot, Slot::Sealed(_))) => {
                    opened += &self.identity.open_line(parsed).to_json();
                    opened.push('\n');
                }
                _ => opened += line,
            }
        }
        Ok(Some(opened.into_bytes()))
    }
}
