//! SHA-256 and the prefixes that keep its uses apart. FORMAT.md 1.2. The one file that uses `sha2`.

use std::fmt;

use sha2::{Digest as _, Sha256, Sha512};

use crate::base;

/// A SHA-256 value, 32 bytes. FORMAT.md 1.2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

/// First byte of what is hashed; no two uses share one. FORMAT.md 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Prefix {
    /// A leaf of an RFC 6962 tree.
    Leaf = 0x00,
    /// An inner node of an RFC 6962 tree.
    Node = 0x01,
    /// A leaf of the stream map.
    MapLeaf = 0x02,
    /// An inner node of the stream map.
    MapNode = 0x03,
    /// The map of no stream at all.
    MapEmpty = 0x04,
    /// The head of one stream.
    StreamHead = 0x05,
    /// The hidden slots of an event.
    Hidden = 0x06,
}

impl Hash {
    /// The hash of `parts`, one after the other, with nothing between them.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut sha = Sha256::new();
        for part in parts {
            sha.update(part);
        }
        Self(sha.finalize().into())
    }

    /// The hash of a prefix byte and `parts`.
    pub fn with(prefix: Prefix, parts: &[&[u8]]) -> Self {
        let mut sha = Sha256::new();
        sha.update([prefix as u8]);
        for part in parts {
            sha.update(part);
        }
        Self(sha.finalize().into())
    }

    /// RFC 6962 2.1: hash of a leaf's data.
    pub fn leaf(data: &[u8]) -> Self {
        Self::with(Prefix::Leaf, &[data])
    }

    /// RFC 6962 2.1: hash of two subtrees.
    pub fn node(left: &Self, right: &Self) -> Self {
        Self::with(Prefix::Node, &[&left.0, &right.0])
    }

    /// Reads 64 lower-case hex digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        base::from_hex(text)?.try_into().ok().map(Self)
    }

    /// 64 lower-case hex digits.
    pub fn to_hex(&self) -> String {
        base::to_hex(&self.0)
    }

    /// Reads standard base64 with padding (RFC 4648 4), canonical only.
    pub fn from_base64(text: &str) -> Option<Self> {
        base::from_base64(text)?.try_into().ok().map(Self)
    }

    /// Standard base64 with padding, 44 characters.
    pub fn to_base64(&self) -> String {
        base::to_base64(&self.0)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

/// SHA-512 of `parts`, one after the other; Ed25519 alone uses it. RFC 8032 5.1.
pub fn sha512(parts: &[&[u8]]) -> [u8; 64] {
    let mut sha = Sha512::new();
    for part in parts {
        sha.update(part);
    }
    sha.finalize().into()
}

/// A SHA-256 over bytes that come in pieces, such as a large file.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all pieces.
    pub fn finish(self) -> Hash {
        Hash(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values_hold() {
        // FIPS 180-4 "abc", and RFC 6962 for the empty leaf.
        for (got, want) in [
            (Hash::of(&[b"a", b"bc"]), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Hash::leaf(b""), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        ] {
            assert_eq!(got.to_hex(), want);
        }
    }
}
