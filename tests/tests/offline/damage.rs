//! Damage to packs, the same on every machine.

/// A generator that gives the same numbers on every machine: splitmix64.
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("a small number")
    }
}

/// One damage more or less: in bytes, in characters that keep the JSON whole, in lines, in parts.
pub fn damage(good: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    match random.below(7) {
        0 => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        1 | 2 => {
            for _ in 0..=random.below(2) {
                let at = random.below(bytes.len());
                bytes[at] = alike(bytes[at]);
            }
        }
        3 => {
            let mut lines: Vec<&[u8]> = good.split_inclusive(|b| *b == b'\n').collect();
            let (a, b) = (random.below(lines.len()), random.below(lines.len()));
            match random.below(3) {
                0 => lines.swap(a, b),
                1 => drop(lines.remove(a)),
                _ => lines.insert(a, lines[b]),
            }
            bytes = lines.concat();
        }
        4 => {
            // A quoted part of one place at another: hashes, notes, entries, names.
            let text = String::from_utf8(bytes).expect("a pack is text");
            let parts: Vec<&str> = text.split('"').collect();
            let (a, b) = (random.below(parts.len()), random.below(parts.len()));
            let mut parts = parts.clone();
            parts[a] = parts[b];
            bytes = parts.join("\"").into_bytes();
        }
        5 => {
            // The lines that say whose log it is are short, and bytes chosen anywhere miss them.
            let lines: Vec<usize> = good.split_inclusive(|b| *b == b'\n').map(<[u8]>::len).collect();
            let at = random.below(lines.iter().take(3).sum());
            bytes[at] = alike(bytes[at]);
        }
        _ => {
            let (at, count) = (random.below(bytes.len()), 1 + random.below(40));
            let end = (at + count).min(bytes.len());
            bytes.drain(at..end);
        }
    }
    bytes
}

/// Another character of the same sort: what is base64, a name or a number stays one.
fn alike(byte: u8) -> u8 {
    match byte {
        b'0'..=b'8' | b'a'..=b'y' | b'A'..=b'Y' => byte + 1,
        b'9' => b'0',
        b'z' => b'a',
        b'Z' => b'A',
        b'+' => b'/',
        other => other,
    }
}
