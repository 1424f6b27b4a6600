//! Values at rest, each under a key of its own: ChaCha20-Poly1305, RFC 8439. The one file that
//! uses the cipher.
//!
//! A key is drawn at random, encrypts one value and no other, and is destroyed when that value is
//! erased; so the nonce is 12 zero bytes. What is encrypted is the slot's bytes with their length before
//! them, and zeros up to a multiple of 176 bytes: the file does not show which slots are filled.

use std::fmt;

use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, KeyInit as _, Nonce};
use schemas::base;
use schemas::hash::Hash;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::failure::Failure;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// What is encrypted is filled up to a multiple of this many bytes: a sentence fits beside its salt.
const PADDED_TO: usize = 176;

/// The key of one slot.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
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
    /// Id of the event.
    pub event: Hash,
    /// Number of the slot, from 0.
    pub slot: usize,
}

impl Place {
    /// `oversight-opening/v2`, U+000A, event id, u32 slot: big-endian, as all of FORMAT.md.
    fn associated(self) -> [u8; 57] {
        let mut bytes = [0; 57];
        bytes[..21].copy_from_slice(b"oversight-opening/v2\n");
        bytes[21..53].copy_from_slice(&self.event.0);
        bytes[53..].copy_from_slice(&u32::try_from(self.slot).unwrap_or(u32::MAX).to_be_bytes());
        bytes
    }
}

impl SlotKey {
    /// So many new keys.
    ///
    /// # Errors
    /// [`Failure::Random`] if the system gives no random numbers.
    pub fn draw(count: usize) -> Result<Vec<Self>, Failure> {
        let mut bytes = Zeroizing::new(vec![0; count * KEY_BYTES]);
        getrandom::fill(&mut bytes).map_err(|_| Failure::Random)?;
        let (keys, _) = bytes.as_chunks();
        Ok(keys.iter().copied().map(Self).collect())
    }

    /// The key in base64.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(base::to_base64(&self.0))
    }

    /// Reads a key.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(base::from_base64(text)?);
        bytes.as_slice().try_into().ok().map(Self)
    }

    /// Encrypts bytes for their place.
    pub fn encrypt(&self, place: Place, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).expect("far shorter than 4 GiB");
        let padded = (4 + bytes.len()).next_multiple_of(PADDED_TO);
        let mut plain = Zeroizing::new(Vec::with_capacity(padded));
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(bytes);
        plain.resize(padded, 0);
        let payload = Payload { msg: &plain, aad: &place.associated() };
        self.cipher().encrypt(&Nonce::default(), payload).expect("far shorter than the cipher's limit of 256 GiB")
    }

    /// Decrypts what [`SlotKey::encrypt`] made for this place; nothing if it is not that.
    pub fn decrypt(&self, place: Place, bytes: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg: bytes, aad: &place.associated() };
        let plain = Zeroizing::new(self.cipher().decrypt(&Nonce::default(), payload).ok()?);
        let (length, rest) = plain.split_first_chunk::<4>()?;
        let (bytes, padding) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        padding.iter().all(|b| *b == 0).then(|| bytes.to_vec())
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(Key::from_slice(&self.0))
    }
}

/// What a line at rest is filled up to a multiple of, in bytes.
const LINE_PADDED_TO: usize = 1_024;
/// Random bytes before each line at rest; its key is made of them.
const SALT_BYTES: usize = 32;

/// A key under which many lines lie, each under a key of its own that is made of it and of random bytes before the
/// line. Where a line stands is bound to it: none can be moved, exchanged or left out between two others.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RestKey([u8; KEY_BYTES]);

/// Never shown, not even where a test fails.
impl fmt::Debug for RestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RestKey(..)")
    }
}

impl RestKey {
    /// A new key.
    ///
    /// # Errors
    /// [`Failure::Random`] if the system gives no random numbers.
    pub fn draw() -> Result<Self, Failure> {
        let mut key = Self([0; KEY_BYTES]);
        getrandom::fill(&mut key.0).map_err(|_| Failure::Random)?;
        Ok(key)
    }

    /// The key in base64.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(base::to_base64(&self.0))
    }

    /// Reads a key.
    pub fn parse(text: &str) -> Option<Self> {
        SlotKey::parse(text).map(|key| Self(key.0))
    }

    /// Encrypts a text, which has no U+000A, for its place; base64.
    ///
    /// # Errors
    /// [`Failure::Random`].
    pub fn close(&self, place: &str, text: &str) -> Result<String, Failure> {
        let mut salt = [0; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| Failure::Random)?;
        let padded = (text.len() + 1).next_multiple_of(LINE_PADDED_TO);
        let mut plain = Zeroizing::new(Vec::with_capacity(padded));
        plain.extend_from_slice(text.as_bytes());
        plain.push(b'\n');
        plain.resize(padded, 0);
        let payload = Payload { msg: &plain, aad: place.as_bytes() };
        let sealed = self.line_key(&salt).cipher().encrypt(&Nonce::default(), payload);
        let sealed = sealed.expect("far shorter than the cipher's limit of 256 GiB");
        Ok(base::to_base64(&[&salt[..], &sealed].concat()))
    }

    /// Decrypts what [`RestKey::close`] made for this place; nothing if it is not that.
    pub fn open(&self, place: &str, line: &str) -> Option<String> {
        let bytes = base::from_base64(line)?;
        let (salt, sealed) = bytes.split_first_chunk::<SALT_BYTES>()?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let plain = Zeroizing::new(self.line_key(salt).cipher().decrypt(&Nonce::default(), payload).ok()?);
        let plain = std::str::from_utf8(&plain).ok()?;
        let (text, padding) = plain.split_once('\n')?;
        padding.bytes().all(|b| b == 0).then(|| text.to_owned())
    }

    fn line_key(&self, salt: &[u8; SALT_BYTES]) -> SlotKey {
        SlotKey(Hash::of(&[b"oversight-at-rest/v1\n", &self.0, salt]).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_its_key_in_its_place_alone() {
        let (key, other) = (RestKey::draw().unwrap(), RestKey::draw().unwrap());
        let line = key.close("000001/1", "{}").unwrap();
        assert_eq!(key.open("000001/1", &line).as_deref(), Some("{}"));
        assert_eq!(RestKey::parse(&key.to_text()), Some(key.clone()));
        assert_ne!(line, key.close("000001/1", "{}").unwrap(), "no two lines show that they are alike");
        assert_eq!(line.len(), key.close("000001/1", &"x".repeat(900)).unwrap().len());
        for (key, place, line) in [
            (&other, "000001/1", line.as_str()),
            (&key, "000001/2", &line),
            (&key, "000001/1", &line[4..]),
            (&key, "000001/1", ""),
            (&key, "000001/1", "AAAA"),
        ] {
            assert_eq!(key.open(place, line), None, "{place} {line}");
        }
    }

    #[test]
    fn secrets_are_overwritten_when_they_go_and_never_shown() {
        fn goes<T: ZeroizeOnDrop>() {}
        goes::<SlotKey>();
        goes::<RestKey>();
        goes::<verifier::signature::SecretKey>();
        // What holds them as text and bytes: of key files, passphrases, passwords, what was decrypted.
        goes::<Zeroizing<String>>();
        goes::<Zeroizing<Vec<u8>>>();
        let key = SlotKey::draw(1).unwrap().remove(0);
        let rest = RestKey::parse(&key.to_text()).unwrap();
        let pen = verifier::signature::SecretKey::new("x.example", &key.0);
        let (text, _) = crate::seal::draw_identity("x.example");
        let identity = verifier::unseal::Identity::parse(&text).unwrap();
        let words = crate::outpost::Secret::Passphrase("otter violin harbour nine".to_owned().into());
        let slots = [schemas::opening::Slot::Open("WyJzIl0".to_owned())];
        let hidden = crate::vault::Hidden::new(Hash::default(), &[Hash::default()], &slots).unwrap();
        let shown = format!("{key:?} {rest:?} {pen:?} {identity:?} {words:?} {hidden:?}");
        let secrets = [key.to_text().to_string(), text.lines().last().unwrap().to_owned(), "otter".to_owned()];
        for secret in secrets.iter().map(String::as_str).chain(["keys", "AGE-SECRET"]) {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn a_value_is_read_with_its_key_in_its_place_alone() {
        let keys = SlotKey::draw(2).unwrap();
        let (key, other) = (&keys[0], &keys[1]);
        let place = Place { event: Hash::of(&[b"7"]), slot: 2 };
        let bytes = key.encrypt(place, b"a value");
        assert_eq!(key.decrypt(place, &bytes).as_deref(), Some(&b"a value"[..]));
        assert_eq!(SlotKey::parse(&key.to_text()), Some(key.clone()));
        assert_eq!(other.decrypt(place, &bytes), None);
        assert_eq!(key.decrypt(Place { event: Hash::of(&[b"8"]), ..place }, &bytes), None);
        assert_eq!(key.decrypt(Place { slot: 3, ..place }, &bytes), None);
        assert_eq!(key.decrypt(place, &bytes[1..]), None);
        assert_eq!(key.decrypt(place, b""), None);
        let mut bent = bytes.clone();
        bent[0] ^= 1;
        assert_eq!(key.decrypt(place, &bent), None);
    }

    #[test]
    fn length_says_nothing_of_short_values() {
        let key = &SlotKey::draw(1).unwrap()[0];
        let place = Place { event: Hash::default(), slot: 0 };
        let length = |bytes: usize| key.encrypt(place, &vec![b'x'; bytes]).len();
        assert_eq!((length(0), length(100), length(172)), (192, 192, 192));
        assert_eq!((length(173), length(348)), (368, 368));
    }
}
