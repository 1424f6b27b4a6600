use schemas::policy::Policy;

use super::*;
use crate::{compare, head, pack, receipt};

/// The samples of the page: signed with keys that everybody knows.
fn sample(name: &str) -> Vec<u8> {
    macro_rules! samples {
        ($($name:literal)*) => {
            match name {
                $($name => include_bytes!(concat!("../../web/samples/", $name)).to_vec(),)*
                _ => panic!("{name}"),
            }
        };
    }
    samples!(
        "policy" "good.pack" "absent.pack" "visit.tlog-proof" "refusal" "fork" "dropped.pack" "swapped.pack"
        "rewritten.pack" "false-erasure.pack"
    )
}

fn policy_of_samples() -> Policy {
    Policy::parse(std::str::from_utf8(&sample("policy")).unwrap()).unwrap()
}

/// The checkpoint of a receipt.
fn checkpoint() -> Vec<u8> {
    let receipt = String::from_utf8(sample("visit.tlog-proof")).unwrap();
    receipt.split_once("\n\n").unwrap().1.as_bytes().to_vec()
}

/// What happens to a text on its way.
type Way = fn(&str) -> Vec<u8>;

/// What a file's way does to it, and whether that can be undone.
fn ways() -> Vec<(&'static str, Way)> {
    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let mark = if mark { "\u{feff}" } else { "" };
        let units = format!("{mark}{text}");
        units.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }
    vec![
        ("CR LF", |t| t.replace('\n', "\r\n").into_bytes()),
        ("CR", |t| t.replace('\n', "\r").into_bytes()),
        ("CR LF at some lines", |t| t.replacen('\n', "\r\n", 2).into_bytes()),
        ("byte order mark", |t| format!("\u{feff}{t}").into_bytes()),
        ("byte order mark and CR LF", |t| format!("\u{feff}{}", t.replace('\n', "\r\n")).into_bytes()),
        ("last line end gone", |t| t.as_bytes()[..t.len() - 1].to_vec()),
        ("last line end doubled", |t| format!("{t}\n").into_bytes()),
        ("five line ends more", |t| format!("{t}\r\n\r\n\n\n\n").into_bytes()),
        ("Ctrl-Z", |t| format!("{t}\u{1a}").into_bytes()),
        ("zeros after it", |t| [t.as_bytes(), &[0; 300]].concat()),
        ("blank lines before it", |t| format!("\n\n{t}").into_bytes()),
        ("blanks at the ends of lines", |t| t.replace('\n', " \t\n").into_bytes()),
        ("UTF-16, little end first", |t| utf16(t, false, true)),
        ("UTF-16, big end first", |t| utf16(t, true, true)),
        ("UTF-16 without a mark", |t| utf16(t, false, false)),
        ("UTF-16 with CR LF", |t| utf16(&t.replace('\n', "\r\n"), false, true)),
    ]
}

/// What a mail program does to the dashes of a note.
fn dashed() -> Vec<(&'static str, Way)> {
    vec![
        ("hyphens", |t| t.replace("\n\u{2014} ", "\n- ").into_bytes()),
        ("two hyphens", |t| t.replace("\n\u{2014} ", "\n-- ").into_bytes()),
        ("short dashes", |t| t.replace("\n\u{2014} ", "\n\u{2013} ").into_bytes()),
        ("Windows-1252", |t| {
            let mut out = Vec::new();
            for (n, part) in t.split('\u{2014}').enumerate() {
                out.extend_from_slice(if n > 0 { b"\x97" } else { b"" });
                out.extend_from_slice(part.as_bytes());
            }
            out
        }),
        ("UTF-8 read as Windows-1252", |t| t.replace('\u{2014}', "\u{e2}\u{20ac}\u{201d}").into_bytes()),
    ]
}

fn judged(kind: Kind, bytes: &[u8]) -> (Verdict, String) {
    let policy = policy_of_samples();
    let mut report = match kind {
        Kind::Pack => judge(kind, bytes, |b| pack::check(b, &policy, &[])).report,
        Kind::Receipt => judge(kind, bytes, |b| receipt::check(b, &policy)).report,
        Kind::Refusal => judge(kind, bytes, |b| receipt::check_refusal(b, &policy)).0,
        Kind::Fork => judge(kind, bytes, |b| compare::check_fork(b, &policy)),
        _ => judge(kind, bytes, |b| head::check(b, &policy)),
    };
    let why = report.unknown.join("; ");
    (report.report().verdict(), why)
}

fn files() -> Vec<(&'static str, Kind, Vec<u8>)> {
    vec![
        ("pack", Kind::Pack, sample("good.pack")),
        ("absence", Kind::Pack, sample("absent.pack")),
        ("receipt", Kind::Receipt, sample("visit.tlog-proof")),
        ("refusal", Kind::Refusal, sample("refusal")),
        ("fork", Kind::Fork, sample("fork")),
        ("checkpoint", Kind::Checkpoint, checkpoint()),
    ]
}

#[test]
fn what_the_way_did_is_told_and_never_called_a_lie() {
    for (name, kind, bytes) in files() {
        assert_eq!((kind_of(&bytes), undo(&bytes)), (Some(kind), None), "{name}");
        let good = if kind == Kind::Fork { Verdict::Proven } else { Verdict::Verified };
        assert_eq!(judged(kind, &bytes).0, good, "{name}");
        let text = String::from_utf8(bytes.clone()).unwrap();
        let notes = matches!(kind, Kind::Receipt | Kind::Refusal | Kind::Checkpoint);
        for (way, change) in ways().into_iter().chain(dashed().into_iter().filter(|_| notes)) {
            let changed = change(&text);
            assert_ne!(changed, bytes, "{name}, {way}");
            assert_eq!(kind_of_changed(&changed), Some(kind), "{name}, {way}");
            let undone = undo(&changed).unwrap_or_else(|| panic!("{name}, {way}: nothing to undo"));
            assert!(undone.bytes == bytes, "{name}, {way}: {:?}", undone.changes);
            let (verdict, why) = judged(kind, &changed);
            assert_eq!(verdict, Verdict::CannotTell, "{name}, {way}: {why}");
            assert!(why.contains("changed on its way") && why.contains("undone, it holds"), "{name}, {way}: {why}");
        }
    }
}

#[test]
fn a_file_that_breaks_off_is_no_lie_wherever_it_does() {
    for (name, kind, bytes) in files() {
        let step = (bytes.len() / 150).max(1);
        let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(at, _)| at + 1);
        let lengths: Vec<usize> = (30..bytes.len()).step_by(step).chain(ends).chain([bytes.len() - 1]).collect();
        for length in lengths.into_iter().filter(|length| *length < bytes.len()) {
            let cut = &bytes[..length];
            if kind_of_changed(cut) != Some(kind) {
                continue; // too little to say what it was: the door says so, and tells nothing of it
            }
            let (verdict, why) = judged(kind, cut);
            // At the end of a line a key or a witness may be missing as well, as an operator may leave them out.
            let line_end = cut.ends_with(b"\n");
            assert!(verdict == Verdict::CannotTell || line_end, "{name} cut to {length}: {verdict:?} {why}");
            assert_ne!(verdict, Verdict::Verified, "{name} cut to {length}");
        }
    }
}

#[test]
fn a_lie_stays_one_whatever_happened_to_it_on_its_way() {
    for name in ["dropped.pack", "swapped.pack", "rewritten.pack", "false-erasure.pack"] {
        let text = String::from_utf8(sample(name)).unwrap();
        for (way, change) in ways() {
            let (verdict, why) = judged(Kind::Pack, &change(&text));
            assert_eq!(verdict, Verdict::NotVerified, "{name}, {way}: {why}");
        }
    }
    let forged =
        |bytes: Vec<u8>, from: &str, to: &str| String::from_utf8(bytes).unwrap().replacen(from, to, 1).into_bytes();
    for (kind, bytes) in [
        (Kind::Checkpoint, forged(checkpoint(), "\n19\n", "\n18\n")),
        (Kind::Receipt, forged(sample("visit.tlog-proof"), "index 1", "index 2")),
        (Kind::Refusal, forged(sample("refusal"), "\n2031-", "\n2032-")),
    ] {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(judged(kind, &bytes).0, Verdict::NotVerified, "{kind:?}");
        for (way, change) in ways() {
            assert_eq!(judged(kind, &change(&text)).0, Verdict::NotVerified, "{kind:?}, {way}");
        }
    }
    // What is no beginning of anything did not break off.
    for (kind, text) in [
        (Kind::Receipt, "c2sp.org/tlog-proof@v1\n<b>"),
        (Kind::Refusal, "oversight-refusal/v1\n\n\u{2014}"),
        (Kind::Fork, "{\"fork\":\"<b>\"}\n"),
        (Kind::Pack, "{\"audience\":\"x\"}\n"),
    ] {
        let bad = if kind == Kind::Fork { Verdict::NotProven } else { Verdict::NotVerified };
        assert_eq!(judged(kind, text.as_bytes()).0, bad, "{text:?}");
    }
}

#[test]
fn what_lies_in_the_place_of_a_file_is_named() {
    for (bytes, what) in [
        (b"".as_slice(), Instead::Empty),
        (b"\r\n \n", Instead::Empty),
        (&[0; 4_096], Instead::Zeros),
        (b"<!DOCTYPE html><html><title>Log in", Instead::Page),
        (b"\xef\xbb\xbf\r\n<HTML>", Instead::Page),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:", Instead::Pointer),
        (b"/annex/objects/SHA256E-s12--ab", Instead::Pointer),
        (b"PK\x03\x04\x14\x00", Instead::Zip),
        (b"\x1f\x8b\x08\x00", Instead::Gzip),
        (b"7z\xbc\xaf\x27\x1c\x00", Instead::Packed),
        (b"Rar!\x1a\x07\x01", Instead::Packed),
        (b"BZh91AY", Instead::Packed),
        (b"\xfd7zXZ\x00", Instead::Packed),
        (b"%PDF-1.7", Instead::Document),
        (b"{\\rtf1\\ansi", Instead::Document),
        (b"Return-Path: <a@b.example>\nReceived: from", Instead::Mail),
        (b"From: a@b.example\nMIME-Version: 1.0\n", Instead::Mail),
        (b"age-encryption.org/v1\n-> X25519", Instead::Encrypted),
        (b"[InternetShortcut]\r\nURL=", Instead::Shortcut),
        (b"{\"status\":401,\"title\":\"no\"}", Instead::Problem),
        (b"<?xml version=\"1.0\"?><html>", Instead::Page),
    ] {
        assert_eq!(instead(bytes), Some(what), "{:?}", String::from_utf8_lossy(bytes));
        assert!(matches!(policy(bytes), Err(BadPolicyFile::Instead(found)) if found == what));
    }
    for (name, _, bytes) in files() {
        assert_eq!(instead(&bytes), None, "{name}");
    }
    assert_eq!(instead(&sample("policy")), None);
}

#[test]
fn a_policy_that_an_editor_saved_says_how_to_mend_it() {
    let text = String::from_utf8(sample("policy")).unwrap();
    assert!(policy(text.as_bytes()).is_ok());
    for (way, change) in ways() {
        let changed = change(&text);
        match policy(&changed) {
            // A policy has more than one spelling: blanks and empty lines are no change of it.
            Ok(read) => assert_eq!(Ok(read), policy(text.as_bytes()), "{way}"),
            Err(BadPolicyFile::Changed(changes)) => assert!(!changes.is_empty(), "{way}"),
            Err(other) => panic!("{way}: {other}"),
        }
    }
    for (bad, words) in [
        (text.replace("log ", "\u{feff}log "), "byte order mark"),
        (text.replace('\n', "\r\n"), "its line ends became CR LF"),
        (text[..text.len() - 1].to_owned(), "its last line end is gone"),
    ] {
        let told = policy(bad.as_bytes()).unwrap_err().to_string();
        assert!(told.contains(words) && told.contains("Save it as plain text in UTF-8"), "{told}");
    }
    // Cut off within a key it reads as no policy, however it is mended.
    assert!(matches!(policy(&text.as_bytes()[..text.len() / 2]), Err(BadPolicyFile::Line(_))));
    assert!(matches!(policy(b"log x\n"), Err(BadPolicyFile::Line(_))));
}
