//! age recipients: the X25519 public keys to which sealed values are encrypted. FORMAT.md 2.2, 15.5.
//!
//! The age format (C2SP age, "X25519 recipient") writes them in Bech32 (BIP 173): `age1`, then 52
//! characters of 32 bytes and 6 of checksum.

/// Length of a recipient's text, in characters.
pub const CHARS: usize = 62;
/// What every recipient begins with: the human-readable part and its separator.
const PREFIX: &str = "age1";
/// The 32 characters of Bech32, by their value. BIP 173.
const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// Generator of the checksum. BIP 173.
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

/// Whether the text is an X25519 recipient, in its one spelling: lower case, checksum right, unused
/// bits zero.
pub fn is_recipient(text: &str) -> bool {
    let Some(body) = text.strip_prefix(PREFIX).filter(|_| text.len() == CHARS) else { return false };
    let digit = |c: u8| ALPHABET.iter().position(|a| *a == c).and_then(|n| u32::try_from(n).ok());
    let Some(digits) = body.bytes().map(digit).collect::<Option<Vec<u32>>>() else { return false };
    let human = PREFIX.trim_end_matches('1').bytes().map(u32::from);
    let expanded = human.clone().map(|c| c >> 5).chain([0]).chain(human.map(|c| c & 31));
    let sum = expanded.chain(digits.iter().copied()).fold(1, polymod);
    // 52 digits of 5 bits are 260 bits, of which 256 are used.
    sum == 1 && digits[51].trailing_zeros() >= 4
}

fn polymod(sum: u32, digit: u32) -> u32 {
    let top = sum >> 25;
    let next = (sum & 0x01ff_ffff) << 5 ^ digit;
    (0..).zip(GENERATOR).filter(|(bit, _)| top >> bit & 1 == 1).fold(next, |sum, (_, g)| sum ^ g)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example recipient of the age manual.
    const GOOD: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    #[test]
    fn recipients_have_one_spelling() {
        for (text, want) in [
            (GOOD, true),
            ("", false),
            ("age1", false),
            (&GOOD.to_uppercase(), false),
            (&GOOD[..61], false),
            (&format!("{GOOD}q"), false),
            (&GOOD.replace("ql3z", "ql3x"), false),
            (&GOOD.replace("cac8p", "cac8q"), false),
            (&GOOD.replace("age1", "agf1"), false),
            ("age1bl3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p", false),
        ] {
            assert_eq!(is_recipient(text), want, "{text}");
        }
    }
}
