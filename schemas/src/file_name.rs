//! Names of files made of ids, so that they survive sticks and other systems. FORMAT.md 20.1.
//!
//! Two ids that differ give two names that differ in more than case, on every file system that people carry: FAT, exFAT,
//! NTFS, HFS+. From a name that is not cut the id can be read; of one that is, what it names stands inside the file.

use crate::base::to_hex;
use crate::hash::Hash;

/// Longest name of one id, in bytes: two of them, a number and an ending stay below 255.
pub const BYTES_MAX: usize = 110;
/// Hex digits of the digest at the end of a name that was cut.
const DIGITS: usize = 16;
/// Stands before two hex digits of a byte, and twice before the digest of a name that was cut.
const ESCAPE: char = '%';

/// The name of a file or folder for an id: bytes other than `a-z 0-9 . _ -` are written `%` and two lower-case hex
/// digits, and so are a `.` or `-` that it begins with, a `.` that it ends with, and the first letter of what Windows
/// keeps for devices. One longer than [`BYTES_MAX`] is cut, and ends with `%%` and 16 digits of H(id).
pub fn encode(id: &str) -> String {
    encoded(id, false)
}

/// The same for an id that is joined to others by dots: its own are written `%2e`.
pub fn encode_part(id: &str) -> String {
    encoded(id, true)
}

fn encoded(id: &str, is_part: bool) -> String {
    let last = id.len().saturating_sub(1);
    let mut name = String::with_capacity(id.len());
    let mut whole = BYTES_MAX - 2 - DIGITS; // where a name that is cut ends, between two characters
    for (place, byte) in id.bytes().enumerate() {
        let plain = match byte {
            b'.' => !is_part && place != 0 && place != last,
            b'-' => place != 0,
            b'a'..=b'z' => place != 0 || !is_device(id),
            b'0'..=b'9' | b'_' => true,
            _ => false,
        };
        if plain {
            name.push(char::from(byte));
        } else {
            name.push(ESCAPE);
            name += &to_hex(&[byte]);
        }
        if name.len() <= BYTES_MAX - 2 - DIGITS {
            whole = name.len();
        }
    }
    if name.len() > BYTES_MAX {
        name.truncate(whole);
        name += "%%";
        name += &Hash::of(&[id.as_bytes()]).to_hex()[..DIGITS];
    }
    name
}

/// What Windows keeps for devices, with any ending.
fn is_device(id: &str) -> bool {
    let stem = id.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let numbered =
        |name: &str| stem.strip_prefix(name).is_some_and(|n| n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()));
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$") || numbered("com") || numbered("lpt")
}

/// The id of a name; nothing where the name was cut, or is none of these.
pub fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        if c == ESCAPE {
            let digits = rest.get(1..3)?;
            bytes.push(u8::from_str_radix(digits, 16).ok().filter(|byte| to_hex(&[*byte]) == digits)?);
            rest = &rest[3..];
        } else {
            bytes.push(u8::try_from(c).ok()?);
            rest = &rest[c.len_utf8()..];
        }
    }
    let id = String::from_utf8(bytes).ok()?;
    (encode(&id) == name || encode_part(&id) == name).then_some(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_what_every_file_system_takes() {
        for (id, name) in [
            ("fac-talbera", "fac-talbera"),
            ("r0001", "r0001"),
            ("visits_2026.04", "visits_2026.04"),
            ("a:b", "a%3ab"),
            ("R1", "%521"),
            ("r1", "r1"),
            (".", "%2e"),
            ("..", "%2e%2e"),
            (".hidden", "%2ehidden"),
            ("end.", "end%2e"),
            ("-rf", "%2drf"),
            ("con", "%63on"),
            ("nul.txt", "%6eul.txt"),
            ("aux", "%61ux"),
            ("com1", "%63om1"),
            ("com10", "com10"),
            ("console", "console"),
            ("NUL", "%4e%55%4c"),
            ("a b/c\\d", "a%20b%2fc%5cd"),
            ("é", "%c3%a9"),
            ("100%", "100%25"),
        ] {
            assert_eq!(encode(id), name);
            assert_eq!(decode(name).as_deref(), Some(id), "{name}");
        }
        assert_eq!((encode_part("a.b").as_str(), decode("a%2eb").as_deref()), ("a%2eb", Some("a.b")));
        for name in ["a%3Ab", "%72", "A", "a%", "a%3", "con", "a:b", "..", "é"] {
            assert_eq!(decode(name), None, "{name}");
        }
        let long = ["x".repeat(128), "x".repeat(127) + "y", "X".repeat(128), ":".repeat(37)];
        let names: std::collections::BTreeSet<String> = long.iter().map(|id| encode(id)).collect();
        assert_eq!(names.len(), long.len());
        assert!(names.iter().all(|name| name.len() <= BYTES_MAX && decode(name).is_none()), "{names:?}");
    }

    /// Ids, and what is not one: near misses in case, dots, colons and devices above all.
    fn ids() -> impl Strategy<Value = String> {
        prop_oneof![
            "[A-Za-z0-9._:-]{1,128}",
            "[aA.:%-]{1,6}",
            "(con|CON|nul|Aux|com1|lpt9|prn)(\\.[a-z]{0,3})?",
            "\\PC{0,40}",
        ]
    }

    proptest! {
        #[test]
        fn ids_that_differ_stay_apart(one in ids(), other in ids()) {
            for code in [encode, encode_part] {
                let (a, b) = (code(&one), code(&other));
                prop_assert_eq!(a.to_lowercase() == b.to_lowercase(), one == other, "{} {}", a, b);
                prop_assert!(a.len() <= BYTES_MAX);
                let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-%".contains(&b);
                prop_assert!(a.bytes().all(plain), "{}", a);
                prop_assert!(!a.starts_with(['.', '-']) && !a.ends_with('.') && !is_device(&a), "{}", a);
                if !a.contains("%%") {
                    let id = decode(&a);
                    prop_assert_eq!(id.as_deref(), Some(one.as_str()));
                }
            }
            // Joined by dots, where each part ends stays clear.
            let joined = format!("{}.{}", encode_part(&one), encode_part(&other));
            prop_assert_eq!(joined.matches('.').count(), 1);
        }
    }
}
