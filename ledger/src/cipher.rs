//! Values at rest, each under a key of its own: ChaCha20-Poly1305, RFC 8439. The one file that
//! uses the cipher.
//!
//! A key is drawn at random, encrypts one value and no other, and is destroyed when that value is
//! erased; so the nonce is 12 zero bytes. What is encrypted is the slot's JSON (FORMAT.md 5.4), one
//! U+000A and zeros up to a multiple of 256 bytes: the file does not show which slots are filled.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use schemas::base;

use crate::failure::Failure;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// What is encrypted is filled up to a multiple of this many bytes.
const PADDED_TO: usize = 256;

/// The key of one slot.
#[derive(Clone, PartialEq, Eq)]
pub struct SlotKey([u8; KEY_BYTES]);

/// Never shown, not even where a test fails.
impl fmt::Debug for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlotKey(..)")
    }
}

/// Where a value belongs; a value that is moved elsewhere cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Position of the entry.
    pub position: u64,
    /// Number of the slot, from 0.
    pub slot: usize,
}

impl Place {
    /// `oversight-opening/v1`, U+000A, u64 position, u32 slot: big-endian, as all of FORMAT.md.
    fn associated(self) -> Vec<u8> {
        let mut bytes = b"oversight-opening/v1\n".to_vec();
        bytes.extend_from_slice(&self.position.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(self.slot).unwrap_or(u32::MAX).to_be_bytes());
        bytes
    }
}

impl SlotKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Failure::Random`] if the system gives no random numbers.
    pub fn draw() -> Result<Self, Failure> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| Failure::Random)?;
        Ok(Self(bytes))
    }

    /// The key in base64.
    pub fn to_text(&self) -> String {
        base::to_base64(&self.0)
    }

    /// Reads a key.
    pub fn parse(text: &str) -> Option<Self> {
        base::from_base64(text)?.try_into().ok().map(Self)
    }

    /// Encrypts the text, which has no U+000A, for its place.
    pub fn encrypt(&self, place: Place, text: &str) -> Vec<u8> {
        let mut plain = text.as_bytes().to_vec();
        plain.push(b'\n');
        plain.resize(plain.len().next_multiple_of(PADDED_TO), 0);
        let payload = Payload { msg: &plain, aad: &place.associated() };
        self.cipher().encrypt(&Nonce::default(), payload).expect("far shorter than the cipher's limit of 256 GiB")
    }

    /// Decrypts what [`SlotKey::encrypt`] made for this place; nothing if it is not that.
    pub fn decrypt(&self, place: Place, bytes: &[u8]) -> Option<String> {
        let payload = Payload { msg: bytes, aad: &place.associated() };
        let plain = String::from_utf8(self.cipher().decrypt(&Nonce::default(), payload).ok()?).ok()?;
        let (text, padding) = plain.split_once('\n')?;
        padding.bytes().all(|b| b == 0).then(|| text.to_owned())
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(Key::from_slice(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_with_its_key_in_its_place_alone() {
        let (key, other) = (SlotKey::draw().unwrap(), SlotKey::draw().unwrap());
        let place = Place { position: 7, slot: 2 };
        let bytes = key.encrypt(place, "\"WyJz\"");
        assert_eq!(key.decrypt(place, &bytes).as_deref(), Some("\"WyJz\""));
        assert_eq!(SlotKey::parse(&key.to_text()), Some(key.clone()));
        assert_eq!(other.decrypt(place, &bytes), None);
        assert_eq!(key.decrypt(Place { position: 8, ..place }, &bytes), None);
        assert_eq!(key.decrypt(Place { slot: 3, ..place }, &bytes), None);
        assert_eq!(key.decrypt(place, &bytes[1..]), None);
        assert_eq!(key.decrypt(place, b""), None);
        let mut bent = bytes.clone();
        bent[0] ^= 1;
        assert_eq!(key.decrypt(place, &bent), None);
    }

    #[test]
    fn length_says_nothing_of_short_values() {
        let key = SlotKey::draw().unwrap();
        let place = Place { position: 0, slot: 0 };
        let length = |chars: usize| key.encrypt(place, &"x".repeat(chars)).len();
        assert_eq!((length(0), length(100), length(255)), (272, 272, 272));
        assert_eq!((length(256), length(511)), (528, 528));
    }
}
