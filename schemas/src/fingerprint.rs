//! Fingerprints that people compare by telephone or on paper: six words, or six numbers. FORMAT.md 10.6.

use std::fmt;

use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::Vkey;

/// Words of a fingerprint.
pub const WORDS: usize = 6;
const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";

/// The first 96 bits of a hash, as six words of five letters or six numbers of five digits. They
/// name a thing to people; they prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u16; WORDS]);

impl Fingerprint {
    /// Of a hash, such as an entry's leaf.
    pub fn of(hash: &Hash) -> Self {
        let mut parts = [0; WORDS];
        for (part, pair) in parts.iter_mut().zip(hash.0.chunks_exact(2)) {
            *part = u16::from_be_bytes([pair[0], pair[1]]);
        }
        Self(parts)
    }

    /// Of a checkpoint: whoever compares it compares origin, size and root at once.
    pub fn of_checkpoint(checkpoint: &Checkpoint) -> Self {
        Self::of(&Hash::of(&[checkpoint.to_text().as_bytes()]))
    }

    /// Of a key with its name.
    pub fn of_key(key: &Vkey) -> Self {
        Self::of(&Hash::of(&[key.to_string().as_bytes()]))
    }

    /// Six words, a blank between them.
    pub fn words(&self) -> String {
        self.0.map(word).join(" ")
    }

    /// Six numbers of five digits, a blank between them: for those who do not read these letters.
    pub fn numbers(&self) -> String {
        self.0.map(|part| format!("{part:05}")).join(" ")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  ({})", self.words(), self.numbers())
    }
}

/// Consonant, vowel, consonant, vowel, consonant from 4, 2, 4, 2, 4 bits.
fn word(part: u16) -> String {
    let consonant = |shift: u32| char::from(CONSONANTS[usize::from(part >> shift & 15)]);
    let vowel = |shift: u32| char::from(VOWELS[usize::from(part >> shift & 3)]);
    [consonant(12), vowel(10), consonant(6), vowel(4), consonant(0)].iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_its_own_word() {
        // The published examples of this spelling are Internet addresses.
        for (number, text) in [
            (0x7f00, "lusab"),
            (0x0001, "babad"),
            (0x3f54, "gutih"),
            (0xdcc1, "tugad"),
            (0xffff, "zuzuz"),
            (0, "babab"),
        ] {
            assert_eq!(word(number), text);
        }
        let all: std::collections::BTreeSet<String> = (0..=u16::MAX).map(word).collect();
        assert_eq!(all.len(), 65_536);
    }

    #[test]
    fn a_fingerprint_reads_as_words_and_as_numbers() {
        let print = Fingerprint::of(&Hash::of(&[b""]));
        assert_eq!(print.numbers(), "58288 50242 39164 07188 39675 62664");
        assert_eq!(print.words().split(' ').count(), WORDS);
        assert_eq!(print.to_string(), format!("{}  ({})", print.words(), print.numbers()));
    }
}
