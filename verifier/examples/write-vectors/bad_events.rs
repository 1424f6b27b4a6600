//! Events and entries that are refused: each is signed, and wrong in one thing alone.

use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::time::Timestamp;

use crate::events::Golden;
use crate::{Made, vector};

pub fn all() -> Vec<Made> {
    let mut all = entries();
    let lines: Vec<&str> = include_str!("bad-events.txt").lines().filter(|line| !line.starts_with('#')).collect();
    all.extend(lines[1..].chunks(4).map(bad));
    all
}

/// One block of `bad-events.txt`.
fn bad(block: &[&str]) -> Made {
    let words: Vec<&str> = block[0].split(" | ").collect();
    let [base, name, reason, comment] = words[..] else { panic!("{:?}", block[0]) };
    let golden = Golden::named(if base == "entry" { "date" } else { base });
    let event = golden.event().0;
    let hidden = event.hidden.clone().unwrap_or_default();
    let text = event.to_text();
    let good = if base == "entry" { entry(0, Hash::default()) } else { text };
    let part = |line: &str| {
        let mut line = line.to_owned();
        for (word, part) in [
            ("<LF>", "\n"),
            ("<CR>", "\r"),
            ("<SP>", " "),
            ("<BOM>", "\u{feff}"),
            ("<HIDDEN>", &hidden),
            ("<HIDDEN WITH A SPARE BIT>", &with_spare_bit(&hidden)),
            ("<SECOND LINE>", &format!("{}\n", good.split('\n').nth(1).unwrap_or_default())),
            ("<SIGNATURES>", &good[good.find("\n\n").map_or(0, |at| at + 2)..]),
        ] {
            line = line.replace(word, part);
        }
        line
    };
    let (from, to) = (part(block[1]), part(block[2]));
    assert!(good.contains(&from), "{name}: {from:?} is not in {good:?}");
    let bent = good.replacen(&from, &to, 1);
    let expect = format!("refused {reason}");
    if base == "entry" {
        vector(&format!("entry/bad-{name}"), &expect, &format!("test vector: {comment}"), &bent)
    } else {
        let comment = format!("test vector (test key, 32 bytes 01): {comment}");
        vector(&format!("event/bad-{name}"), &expect, &comment, &golden.sign(&bent).to_text())
    }
}

/// The same 32 bytes in a base64 that a lax reader would take too.
fn with_spare_bit(base64: &str) -> String {
    let Some(body) = base64.strip_suffix('=') else { return String::new() };
    let (body, last) = body.split_at(body.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    format!("{body}{next}=")
}

fn entry(position: u64, prev: Hash) -> String {
    let golden = Golden::named("date");
    let note = golden.sign(&golden.event().0.to_text()).to_text();
    let at = Timestamp::parse("2031-03-04T18:00:00Z").expect("an instant");
    String::from_utf8(Entry::bytes(position, at, prev, note.as_bytes())).expect("an entry is text")
}

fn entries() -> Vec<Made> {
    let first = entry(0, Hash::default());
    let ok = |name: &str, comment: &str, body: &str| {
        vector(&format!("entry/{name}"), "ok", &format!("test vector (test key, 32 bytes 01): {comment}"), body)
    };
    vec![
        ok("first", "position 0 follows 32 zero bytes", &first),
        ok("later", "prev is the leaf of the entry before", &entry(1, Hash::leaf(first.as_bytes()))),
        ok("last-position", "a position is a u64", &entry(u64::MAX, Hash::leaf(b""))),
    ]
}
