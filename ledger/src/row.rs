//! How entries and notes become keys and values of one tree. No database is known here.
//!
//! Keys: `e`, position (u64 BE), part; `n`, name, 0x00, part; `h`, 0x00. A value is led by one byte:
//! how many parts follow it.

use schemas::base::to_hex;
use schemas::hash::Hash;

/// Longest value, in bytes, with the byte that leads it: sled puts up to 17 and their keys on a page,
/// which must stay below 128 KiB.
const VALUE_BYTES_MAX: usize = 7_000;
/// First byte of an entry's key.
pub(crate) const ENTRY: u8 = b'e';
/// First byte of a note's key.
pub(crate) const NOTE: u8 = b'n';
/// Key of the [`Head`].
pub(crate) const HEAD: &[u8] = b"h\0";

/// What a commit leaves: compared on opening with what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) size: u64,
    /// XOR of SHA-256(name, 0x00, value) over all notes: finds damage, not malice.
    pub(crate) notes: [u8; 32],
}

impl Head {
    /// Its value in the tree.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [&[1], self.size.to_be_bytes().as_slice(), &self.notes].concat()
    }

    /// Reads what [`Head::to_bytes`] wrote.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (size, notes) = rest.split_first_chunk()?;
        let head = Self { size: u64::from_be_bytes(*size), notes: notes.try_into().ok()? };
        if *version == 1 { Some(head) } else { None }
    }

    /// Adds a note, or takes it away again.
    pub(crate) fn toggle(&mut self, name: &str, value: &[u8]) {
        let hash = Hash::of(&[name.as_bytes(), &[0], value]);
        for (sum, byte) in self.notes.iter_mut().zip(hash.0) {
            *sum ^= byte;
        }
    }
}

/// Key of one part of an entry.
pub(crate) fn entry_key(position: u64, part: u8) -> [u8; 10] {
    let mut key = [ENTRY; 10];
    key[1..9].copy_from_slice(&position.to_be_bytes());
    key[9] = part;
    key
}

/// The position in the key of an entry's part; `None` for another key.
pub(crate) fn position_of(key: &[u8]) -> Option<u64> {
    match key {
        [ENTRY, position @ .., _] => position.try_into().ok().map(u64::from_be_bytes),
        _ => None,
    }
}

/// Key of one part of a note.
pub(crate) fn note_key(name: &str, part: u8) -> Vec<u8> {
    [&[NOTE], name.as_bytes(), &[0, part]].concat()
}

/// Whether each byte may stand in the name of a note.
pub(crate) fn well_named(name: &[u8]) -> bool {
    name.iter().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/'))
}

/// A value as sled holds it: the number of parts that follow, then its bytes.
pub(crate) fn lead(follow: u8, bytes: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(1 + bytes.len());
    value.push(follow);
    value.extend_from_slice(bytes);
    value
}

/// A value in parts; even an empty one has one.
pub(crate) fn parts(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let most = VALUE_BYTES_MAX - 1;
    let count = value.len().div_ceil(most).max(1);
    (0..count).map(move |part| {
        let end = value.len().min((part + 1) * most);
        lead((count - 1 - part) as u8, &value[part * most..end])
    })
}

/// A key in words.
pub(crate) fn place(key: &[u8]) -> String {
    match (position_of(key), key) {
        (Some(position), _) => format!("entry {position}"),
        (None, [NOTE, name @ .., 0, _]) => format!("note {}", String::from_utf8_lossy(name)),
        (None, key) => format!("key {}", to_hex(&key[..key.len().min(64)])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_split_and_no_part_is_too_long() {
        for (length, follows) in [
            (0, vec![0]),
            (1, vec![0]),
            (6_999, vec![0]),
            (7_000, vec![1, 0]),
            (13_998, vec![1, 0]),
            (65_535, (0..10).rev().collect::<Vec<u8>>()),
        ] {
            let value: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let parts: Vec<_> = parts(&value).collect();
            assert_eq!(parts.iter().map(|part| part[0]).collect::<Vec<_>>(), follows, "{length}");
            assert!(parts.iter().all(|part| part.len() <= VALUE_BYTES_MAX));
            assert_eq!(parts.iter().flat_map(|part| &part[1..]).copied().collect::<Vec<_>>(), value);
        }
    }

    #[test]
    fn keys_sort_as_what_they_name() {
        let keys = [
            entry_key(0, 0).to_vec(),
            entry_key(0, 9).to_vec(),
            entry_key(255, 0).to_vec(),
            entry_key(256, 0).to_vec(),
            HEAD.to_vec(),
            note_key("a", 0),
            note_key("a", 1),
            note_key("a/b", 0),
            note_key("b", 0),
        ];
        assert!(keys.is_sorted());
        let places = ["entry 0", "entry 0", "entry 255", "entry 256", "key 6800", "note a", "note a", "note a/b"];
        assert!(keys.iter().zip(places).all(|(key, want)| place(key) == want));
    }

    #[test]
    fn a_head_has_one_spelling() {
        let mut head = Head { size: 7, notes: [0; 32] };
        head.toggle("a", b"one");
        assert_ne!(head.notes, [0; 32]);
        let bytes = head.to_bytes();
        assert_eq!(Head::parse(&bytes), Some(head));
        head.toggle("a", b"one");
        assert_eq!(head.notes, [0; 32]);
        for bad in [&bytes[1..], &bytes[..40], &[&[2], &bytes[1..]].concat(), &[&bytes[..], &[0]].concat(), &[]] {
            assert_eq!(Head::parse(bad), None);
        }
    }
}
