//! C2SP signed notes and verifier keys. FORMAT.md 3.1 to 3.3.

use std::fmt;

use crate::base;
use crate::hash::Hash;

/// Most signature lines that a note may bear.
pub const SIGNATURES_MAX: usize = 64;
/// Type byte of an Ed25519 note signature.
pub const ALG_ED25519: u8 = 0x01;
/// Type byte of an Ed25519 cosignature with a time.
pub const ALG_COSIGNATURE: u8 = 0x04;

/// Name of a log: 1 to 100 bytes of `a-z 0-9 . - /`. FORMAT.md 1.6.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// Reads an origin exactly as written.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'/');
        let good = (1..=100).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('/')
            && !text.ends_with('/')
            && !text.contains("//");
        good.then(|| Self(text.to_owned()))
    }

    /// The origin as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Name of a holder's key: `<origin>/<party>/<holder>`. FORMAT.md 3.3.
    pub fn holder_key_name(&self, party: &str, holder: &str) -> String {
        format!("{}/{party}/{holder}", self.0)
    }

    /// Party and holder of a key name of this log.
    pub fn holder_of<'a>(&self, key_name: &'a str) -> Option<(&'a str, &'a str)> {
        let (party, holder) = key_name.strip_prefix(&self.0)?.strip_prefix('/')?.split_once('/')?;
        (crate::catalogue::is_id(party) && crate::catalogue::is_id(holder)).then_some((party, holder))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// First four bytes of a hash of a key; it says which key, it proves nothing. FORMAT.md 3.2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base::to_hex(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A verifier key as text gives it; whether its point is good is the verifier's to say. FORMAT.md 3.2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vkey {
    /// The key's name.
    pub name: String,
    /// [`ALG_ED25519`] or [`ALG_COSIGNATURE`].
    pub alg: u8,
    /// The public key's 32 bytes.
    pub key: [u8; 32],
}

/// Why a text is no verifier key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadVkey {
    /// Not `name+hex+base64`.
    #[error("a verifier key reads name+8 hex digits+base64")]
    Form,
    /// The type byte is unknown, or the key is not 32 bytes.
    #[error("the key is not Ed25519 (type 01 or 04, 32 bytes)")]
    Type,
    /// The id in the text is not that of the key.
    #[error("the key id does not belong to this name and key")]
    Id,
}

impl Vkey {
    /// Reads `name+id+base64`.
    ///
    /// # Errors
    /// [`BadVkey`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, BadVkey> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(body)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(BadVkey::Form);
        };
        let (id, body) = (base::from_hex(id).ok_or(BadVkey::Form)?, base::from_base64(body).ok_or(BadVkey::Form)?);
        if !is_key_name(name) || id.len() != 4 {
            return Err(BadVkey::Form);
        }
        let (Some((&alg, key)), true) = (body.split_first(), body.len() == 33) else {
            return Err(BadVkey::Type);
        };
        if !matches!(alg, ALG_ED25519 | ALG_COSIGNATURE) {
            return Err(BadVkey::Type);
        }
        let vkey = Self { name: name.to_owned(), alg, key: key.try_into().map_err(|_| BadVkey::Type)? };
        if vkey.id().0[..] == id[..] { Ok(vkey) } else { Err(BadVkey::Id) }
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        let hash = Hash::of(&[self.name.as_bytes(), b"\n", &[self.alg], &self.key]);
        KeyId([hash.0[0], hash.0[1], hash.0[2], hash.0[3]])
    }
}

impl fmt::Display for Vkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut body = vec![self.alg];
        body.extend_from_slice(&self.key);
        write!(f, "{}+{}+{}", self.name, self.id(), base::to_base64(&body))
    }
}

/// One signature line. FORMAT.md 3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: KeyId,
    /// What follows the id: 64 bytes of signature, or a time and a signature.
    pub signature: Vec<u8>,
}

impl SignatureLine {
    /// The line without its end.
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(self.chars());
        self.write(&mut out);
        out
    }

    /// About how long the line is.
    fn chars(&self) -> usize {
        self.name.len() + (self.signature.len() + 6) * 4 / 3 + 8
    }

    fn write(&self, out: &mut String) {
        let mut body = Vec::with_capacity(4 + self.signature.len());
        body.extend_from_slice(&self.id.0);
        body.extend_from_slice(&self.signature);
        for part in ["\u{2014} ", &self.name, " ", &base::to_base64(&body)] {
            out.push_str(part);
        }
    }

    fn parse(line: &str) -> Option<Self> {
        let (name, body) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let body = base::from_base64(body)?;
        if !is_key_name(name) || body.len() < 5 || body.len() > 1024 {
            return None;
        }
        let (id, signature) = body.split_at(4);
        Some(Self { name: name.to_owned(), id: KeyId(id.try_into().ok()?), signature: signature.to_vec() })
    }
}

/// A signed note: text and signature lines, as they arrived. Nothing is verified here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is signed; ends with a line end.
    pub text: String,
    /// The signature lines in order.
    pub signatures: Vec<SignatureLine>,
}

/// Why bytes are no signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// Not UTF-8.
    #[error("a note is UTF-8")]
    Utf8,
    /// A control character other than a line end.
    #[error("a note has no control character but line ends")]
    Control,
    /// No empty line before the signatures, or no line end at the end.
    #[error("a note is its text, an empty line and signature lines")]
    Form,
    /// A signature line of another form.
    #[error("signature line {number} is malformed")]
    Signature {
        /// Number of the line, from 1.
        number: usize,
    },
    /// No signature, or too many.
    #[error("a note has 1 to {SIGNATURES_MAX} signature lines")]
    Count,
}

impl Note {
    /// Reads a signed note; what is read is written back byte for byte.
    ///
    /// # Errors
    /// [`BadNote`] says what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadNote> {
        let all = std::str::from_utf8(bytes).map_err(|_| BadNote::Utf8)?;
        if all.bytes().any(|b| b < 0x20 && b != b'\n') {
            return Err(BadNote::Control);
        }
        // Signature lines are never empty, so the last empty line ends the text.
        let split = all.rfind("\n\n").ok_or(BadNote::Form)?;
        let (text, lines) = (&all[..=split], &all[split + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(BadNote::Form)?;
        let mut signatures = Vec::new();
        for (number, line) in (1..).zip(lines.split('\n')) {
            if number > SIGNATURES_MAX {
                return Err(BadNote::Count);
            }
            signatures.push(SignatureLine::parse(line).ok_or(BadNote::Signature { number })?);
        }
        Ok(Self { text: text.to_owned(), signatures })
    }

    /// The note's bytes as text.
    pub fn to_text(&self) -> String {
        let lines: usize = self.signatures.iter().map(|line| line.chars() + 1).sum();
        let mut out = String::with_capacity(self.text.len() + 1 + lines);
        out.push_str(&self.text);
        out.push('\n');
        for line in &self.signatures {
            line.write(&mut out);
            out.push('\n');
        }
        out
    }
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 400
        && !name.contains('+')
        && !name.contains(|c: char| c.is_whitespace() || c.is_control())
}
