//! Encrypting sealed values to the oversight bodies, before anything is written down. FORMAT.md 15.5.
//! The author's client does this; the ledger's operator has no identity that could undo it.

use std::cell::Cell;
use std::io::{self, Read as _, Write};
use std::iter;
use std::rc::Rc;

use age::secrecy::ExposeSecret as _;
use age::x25519;
use schemas::base;
use zeroize::Zeroizing;

/// Least length of a sealed disclosure's file, in bytes: it holds a text of some 900 bytes.
const FILE_BYTES_MIN: usize = 2_048;
/// A file's length is a multiple of this.
const PADDED_TO: usize = 1_024;
/// Room for the header without its recipients, nonce and tags: more than age ever takes, its random
/// "grease" included.
const HEAD_BYTES: usize = 512;
/// Room for each recipient.
const RECIPIENT_BYTES: usize = 128;
/// age encrypts in chunks of this length and gives each a tag. C2SP age, "Payload".
const CHUNK_BYTES: usize = 65_536;
/// Length of a tag.
const TAG_BYTES: usize = 16;

/// The keys to which one event's sealed values are encrypted.
#[derive(Clone, Debug)]
pub struct Recipients(Vec<x25519::Recipient>);

/// Why a value cannot be encrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSeal {
    /// A key that admission would not have taken.
    #[error("{key} is not an age recipient")]
    Recipient {
        /// The key.
        key: String,
    },
    /// The age library gave up.
    #[error("the value cannot be encrypted: {why}")]
    Age {
        /// Its words.
        why: String,
    },
}

impl Recipients {
    /// The keys in force; none is no error here.
    ///
    /// # Errors
    /// [`BadSeal::Recipient`].
    pub fn new(keys: &[&str]) -> Result<Self, BadSeal> {
        let one = |key: &&str| key.parse().map_err(|_| BadSeal::Recipient { key: (*key).to_owned() });
        keys.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// Whether nobody could read what is encrypted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Encrypts a disclosure; base64 of the age file. How long that is depends on the disclosure's
    /// length in steps of 1,024 bytes, from 2,048 on, and on the number of recipients, and on nothing else:
    /// neither on whether there is a value, nor on age's "grease" of random length.
    ///
    /// # Errors
    /// [`BadSeal::Age`].
    pub fn seal(&self, disclosure: &str) -> Result<String, BadSeal> {
        let keys = self.0.iter().map(|key| key as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(keys).map_err(|e| BadSeal::Age { why: e.to_string() })?;
        let bad = |e: io::Error| BadSeal::Age { why: e.to_string() };
        let written = Rc::new(Cell::new(0));
        let file = Counted { bytes: Vec::new(), written: Rc::clone(&written) };
        let mut writer = encryptor.wrap_output(file).map_err(bad)?;
        // Header and nonce are written already.
        let padded = plain_bytes(file_bytes(disclosure.len() + 1, self.0.len()), written.get());
        let mut plain = Zeroizing::new(Vec::with_capacity(padded));
        plain.extend_from_slice(disclosure.as_bytes());
        plain.push(b'\n');
        plain.resize(padded, 0);
        writer.write_all(&plain).map_err(bad)?;
        Ok(base::to_base64(&writer.finish().map_err(bad)?.bytes))
    }
}

/// Encrypts a whole file for its way to whoever has one of these keys, as `age -r` does; its length shows.
///
/// # Errors
/// [`BadSeal`] if a key is none, or there is none.
pub fn wrap_file(keys: &[&str], bytes: &[u8]) -> Result<Vec<u8>, BadSeal> {
    let recipients = Recipients::new(keys)?;
    let keys = recipients.0.iter().map(|key| key as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(keys).map_err(|e| BadSeal::Age { why: e.to_string() })?;
    let bad = |e: io::Error| BadSeal::Age { why: e.to_string() };
    let mut writer = encryptor.wrap_output(Vec::new()).map_err(bad)?;
    writer.write_all(bytes).map_err(bad)?;
    writer.finish().map_err(bad)
}

/// Length of the file for so many bytes before padding.
fn file_bytes(content: usize, recipients: usize) -> usize {
    let all = content + content.div_ceil(CHUNK_BYTES) * TAG_BYTES + HEAD_BYTES + recipients * RECIPIENT_BYTES;
    all.max(FILE_BYTES_MIN).next_multiple_of(PADDED_TO)
}

/// Bytes to encrypt so that the file has this length, `head` of which are written.
fn plain_bytes(file: usize, head: usize) -> usize {
    let rest = file.saturating_sub(head);
    let fits = |chunks: usize| {
        let plain = rest.checked_sub(chunks * TAG_BYTES)?;
        (plain.div_ceil(CHUNK_BYTES) == chunks).then_some(plain)
    };
    // No length of plaintext gives a file of a full chunk and a piece of a tag: leave that piece out.
    (1..=2).find_map(fits).unwrap_or(CHUNK_BYTES)
}

/// Counts what is written, which the encrypting writer does not tell.
struct Counted {
    bytes: Vec<u8>,
    written: Rc<Cell<usize>>,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        self.written.set(self.bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A new identity: the text of its file, which is secret, and its recipient.
pub fn draw_identity(name: &str) -> (Zeroizing<String>, String) {
    let identity = x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let secret = identity.to_string();
    let text = format!("# {name}\n# public key: {recipient}\n{}\n", secret.expose_secret());
    (Zeroizing::new(text), recipient)
}

/// Most work that a file locked by a passphrase may ask for: 2 to this power, a few seconds and 1 GiB.
const LOCK_WORK_MAX: u8 = 20;
/// First bytes of a file that age encrypted.
pub const LOCKED: &[u8] = b"age-encryption.org/v1\n";
/// Longest file that is unlocked, in bytes: a key with its envelope.
pub const LOCKED_BYTES_MAX: usize = 4_096;

/// Locks a short secret with a passphrase, as `age -p` does.
///
/// # Errors
/// [`BadSeal::Age`].
pub fn lock(secret: &[u8], passphrase: &str) -> Result<Vec<u8>, BadSeal> {
    let recipient = age::scrypt::Recipient::new(passphrase.to_owned().into());
    let bad = |e: io::Error| BadSeal::Age { why: e.to_string() };
    let keys = iter::once(&recipient as &dyn age::Recipient);
    let encryptor = age::Encryptor::with_recipients(keys).map_err(|e| BadSeal::Age { why: e.to_string() })?;
    let mut writer = encryptor.wrap_output(Vec::new()).map_err(bad)?;
    writer.write_all(secret).map_err(bad)?;
    writer.finish().map_err(bad)
}

/// Opens what a passphrase locks; nothing where it is not the passphrase, or the file is none.
pub fn unlock(bytes: &[u8], passphrase: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = Some(bytes).filter(|bytes| bytes.len() <= LOCKED_BYTES_MAX)?;
    let mut identity = age::scrypt::Identity::new(passphrase.to_owned().into());
    identity.set_max_work_factor(LOCK_WORK_MAX);
    let file = age::Decryptor::new_buffered(bytes).ok()?;
    let mut reader = file.decrypt(iter::once(&identity as &dyn age::Identity)).ok()?;
    let mut secret = Zeroizing::new(Vec::with_capacity(LOCKED_BYTES_MAX));
    reader.read_to_end(&mut secret).ok()?;
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use verifier::unseal::Identity;

    #[test]
    fn a_passphrase_opens_what_it_locked() {
        let locked = lock(b"secret", "three small boats").unwrap();
        assert!(locked.starts_with(LOCKED) && locked.len() < LOCKED_BYTES_MAX);
        assert_eq!(unlock(&locked, "three small boats").as_deref().map(Vec::as_slice), Some(&b"secret"[..]));
        for (bytes, passphrase) in [(&locked[..], "three small boots"), (&locked[..40], "three small boats"), (b"", "")]
        {
            assert_eq!(unlock(bytes, passphrase), None);
        }
    }

    fn parties(count: usize) -> (Vec<Identity>, Recipients) {
        let drawn: Vec<(Zeroizing<String>, String)> =
            (0..count).map(|_| draw_identity("x.example/log/npm/sealed")).collect();
        let identities = drawn.iter().map(|(text, _)| Identity::parse(text).unwrap()).collect();
        let keys: Vec<&str> = drawn.iter().map(|(_, key)| key.as_str()).collect();
        (identities, Recipients::new(&keys).unwrap())
    }

    #[test]
    fn each_recipient_reads_it_and_nobody_else() {
        let (identities, recipients) = parties(3);
        let (others, _) = parties(1);
        for disclosure in ["", "WyJzIl0", &"W".repeat(11_200), &"W".repeat(70_000)] {
            let sealed = recipients.seal(disclosure).unwrap();
            assert!(sealed.len() <= schemas::opening::SEALED_CHARS_MAX);
            for identity in &identities {
                assert_eq!(identity.open(&sealed).as_deref(), Some(disclosure));
            }
            assert_eq!(others[0].open(&sealed), None);
        }
        assert_eq!(identities[0].open("bm8gYWdlIGZpbGU="), None);
        let keys = identities[0].recipients();
        assert!(keys.len() == 1 && schemas::recipient::is_recipient(&keys[0]));
        assert!(Recipients::new(&["age1no"]).is_err());
    }

    #[test]
    fn length_shows_steps_alone() {
        for (recipients, chars, want) in
            [(1, 80, 2_048), (1, 1_391, 2_048), (1, 1_392, 3_072), (3, 80, 2_048), (1, 11_131, 12_288), (9, 80, 2_048)]
        {
            let (_, keys) = parties(recipients);
            for _ in 0..20 {
                let file = base::from_base64(&keys.seal(&"W".repeat(chars)).unwrap()).unwrap();
                assert_eq!(file.len(), want, "{recipients} recipients, {chars} characters");
            }
        }
    }
}
