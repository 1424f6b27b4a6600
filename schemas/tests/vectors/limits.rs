//! Limits that no file should have to show. FORMAT.md 1.5.

use schemas::entry::{BadEntry, ENTRY_BYTES_MAX, Entry};
use schemas::note::{Note, SIGNATURES_MAX};
use schemas::opening::{LINE_BYTES_MAX, OpeningLine, SEALED_CHARS_MAX};

use crate::reader::Vector;

#[test]
fn an_entry_has_at_most_65535_bytes() {
    let all = Vector::read_all("entry");
    let first = &all.iter().find(|v| v.name == "entry/first").unwrap().body;
    let text = std::str::from_utf8(first).unwrap();
    let filled = |bytes: usize| {
        let filling = "x".repeat(bytes - first.len() - r#","note":"""#.len());
        text.replacen(r#""facility":"fac-one""#, &format!(r#""facility":"fac-one","note":"{filling}""#), 1).into_bytes()
    };
    let (longest, longer) = (filled(ENTRY_BYTES_MAX), filled(ENTRY_BYTES_MAX + 1));
    assert_eq!((longest.len(), longer.len()), (65_535, 65_536));

    assert_eq!(Entry::parse(&longest).map(|e| e.to_bytes()), Ok(longest));
    assert_eq!(Entry::parse(&longer), Err(BadEntry::TooLong));
}

#[test]
fn an_opening_line_has_at_most_a_mebibyte() {
    let line = |bytes: usize| {
        let start = format!(r#"{{"digests":[],"entry":0,"event":"{}","slots":[""#, "0".repeat(64));
        format!("{start}{}\"]}}", "x".repeat(bytes - start.len() - 3))
    };
    assert!(OpeningLine::parse(&line(LINE_BYTES_MAX)).is_ok());
    assert!(OpeningLine::parse(&line(LINE_BYTES_MAX + 1)).is_err());
}

#[test]
fn a_note_has_at_most_64_signatures_however_many_lines_come() {
    let note = |lines: usize| format!("text\n\n{}", "\u{2014} name AAAAAAA=\n".repeat(lines));
    assert!(Note::parse(note(SIGNATURES_MAX).as_bytes()).is_ok());
    assert!(Note::parse(note(SIGNATURES_MAX + 1).as_bytes()).is_err());
    assert!(Note::parse(note(100_000).as_bytes()).is_err());
}

#[test]
fn a_sealed_slot_has_at_most_131072_characters() {
    let line = |chars: usize| {
        let start = format!(r#"{{"digests":[],"entry":0,"event":"{}","slots":[{{"sealed":""#, "0".repeat(64));
        format!("{start}{}\"}}]}}", "YWdl".repeat(chars / 4))
    };
    assert_eq!(SEALED_CHARS_MAX, 131_072);
    assert!(OpeningLine::parse(&line(SEALED_CHARS_MAX)).is_ok());
    assert!(OpeningLine::parse(&line(SEALED_CHARS_MAX + 4)).is_err());
}
