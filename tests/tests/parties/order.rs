//! Commands that take two files, or a word of the reader: what is unclear is exit 2 with its cause, in every one of them.

use crate::common::{STREAM, desk, earlier, golden};
use crate::mine::Given;

/// What is laid beside, what is asked, the exit code, and what is said of it.
type Case = (&'static str, fn(&Given), &'static str, i32, &'static [&'static str]);

/// The files of [`Given`], and two packs that go on from one another, checkpoints, a bundle and its openings.
fn given() -> Given {
    let given = Given::new();
    let (old, now) = (earlier(3), desk());
    let mut pack = now.pack(STREAM, "cso-x");
    pack.since = vec![now.since(old.size())];
    given.write("newer.pack", pack.to_text().as_bytes());
    given.write("old.checkpoint", old.checkpoint.to_text().as_bytes());
    given.write("new.checkpoint", now.checkpoint.to_text().as_bytes());
    golden().bundle.store(&given.at("bundle")).unwrap();
    golden().openings.store(&given.at("openings")).unwrap();
    given
}

fn crlf(given: &Given, name: &str) {
    let text = String::from_utf8(given.read(name)).unwrap();
    given.write(name, text.replace('\n', "\r\n").as_bytes());
}

const CASES: [Case; 32] = [
    ("in order", |_| {}, "check newer.pack --since older.pack", 0, &["Verified; that none is missing"]),
    ("swapped", |_| {}, "check older.pack --since newer.pack", 2, &["ends at", "in the other order"]),
    ("after a checkpoint", |_| {}, "check newer.pack --since old.checkpoint", 0, &["Verified"]),
    ("before a checkpoint", |_| {}, "check older.pack --since new.checkpoint", 2, &["in the other order"]),
    ("an index of the day before", |_| {}, "check newer.pack --index bundle", 0, &["Verified. 10 records"]),
    ("an older pack with CR LF", |g| crlf(g, "older.pack"), "check newer.pack --since older.pack", 2, &["CR LF"]),
    (
        "an older checkpoint with CR LF",
        |g| crlf(g, "old.checkpoint"),
        "check newer.pack --since old.checkpoint",
        2,
        &["CR LF"],
    ),
    (
        "an emptied one",
        |g| g.write("old.checkpoint", b""),
        "check newer.pack --since old.checkpoint",
        2,
        &["it is empty"],
    ),
    (
        "an index with CR LF",
        |g| crlf(g, "bundle/checkpoint"),
        "check newer.pack --index bundle",
        2,
        &["was not recomputed", "CR LF"],
    ),
    ("two in order", |_| {}, "compare old.checkpoint bundle", 0, &["One history"]),
    ("two swapped", |_| {}, "compare bundle old.checkpoint", 0, &["One history"]),
    (
        "the first with CR LF",
        |g| crlf(g, "old.checkpoint"),
        "compare old.checkpoint bundle",
        2,
        &["Cannot tell", "CR LF"],
    ),
    (
        "the second with CR LF",
        |g| crlf(g, "new.checkpoint"),
        "compare new.checkpoint new.checkpoint",
        2,
        &["Cannot tell", "CR LF"],
    ),
    ("a pack with CR LF", |g| crlf(g, "older.pack"), "compare older.pack newer.pack", 2, &["Cannot tell", "CR LF"]),
    ("a bundle with CR LF", |g| crlf(g, "bundle/checkpoint"), "compare old.checkpoint bundle", 2, &["Cannot tell"]),
    ("two packs", |_| {}, "compare newer.pack older.pack", 0, &["One history"]),
    ("packs of two streams", |_| {}, "compare mine.pack facility.pack", 0, &["The same"]),
    (
        "the newer leaves out what the older shows",
        |g| g.dropping(),
        "compare older.pack dropping.pack",
        1,
        &["older.pack and dropping.pack are both about organisation/cso-x", "One of the two lies"],
    ),
    ("the same, swapped", |g| g.dropping(), "compare dropping.pack older.pack", 1, &["One of the two lies"]),
    (
        "the same, no proof between them",
        |g| g.dropping(),
        "compare older.pack dropping-bare.pack",
        1,
        &["One of the two lies"],
    ),
    (
        "the same, one with CR LF",
        |g| {
            g.dropping();
            crlf(g, "older.pack");
        },
        "compare older.pack dropping.pack",
        2,
        &["Cannot tell", "CR LF"],
    ),
    (
        "the proof between them fails",
        Given::told_otherwise,
        "compare older.pack told.pack",
        1,
        &["told.pack brings a proof", "the proof fails"],
    ),
    (
        "the same, a checkpoint",
        Given::told_otherwise,
        "compare old.checkpoint told.pack",
        1,
        &["(old.checkpoint)", "the proof fails"],
    ),
    ("printed with CR LF", |g| crlf(g, "old.checkpoint"), "print old.checkpoint --out page.html", 2, &["CR LF"]),
    ("one file", |_| {}, "compare old.checkpoint", 2, &["give two"]),
    ("a policy linked by name", |g| link(g, false), "check bundle", 2, &["lies inside bundle"]),
    ("a policy linked by its file", |g| link(g, true), "check bundle", 2, &["lies inside bundle"]),
    ("a linked policy, a file of the bundle", |g| link(g, true), "check bundle/checkpoint", 2, &["lies inside"]),
    ("a policy with the same bytes", |g| g.write("policy", &g.read("bundle/policy")), "check bundle", 0, &["Verified"]),
    ("a party", |_| {}, "check bundle --openings openings --audience npm", 0, &["Verified"]),
    (
        "a typing error",
        |_| {},
        "check bundle --openings openings --audience npn",
        2,
        &["knows no party npn", "npm", "public, oversight"],
    ),
    ("nobody", |_| {}, "check bundle --openings openings --audience fac-zzz", 2, &["knows no party fac-zzz"]),
];

fn link(given: &Given, hard: bool) {
    std::fs::remove_file(given.at("policy")).unwrap();
    let inside = given.at("bundle/policy");
    if hard {
        std::fs::hard_link(inside, given.at("policy")).unwrap();
    } else {
        std::os::unix::fs::symlink(inside, given.at("policy")).unwrap();
    }
}

#[test]
fn what_is_unclear_is_exit_2_with_its_cause() {
    for (name, change, arguments, code, said) in CASES {
        let given = given();
        change(&given);
        let (ended, words) = given.run(arguments);
        assert_eq!(ended, Some(code), "{name}: {words}");
        for part in said {
            assert!(words.contains(part), "{name}: {part:?} in {words}");
        }
        assert!(code != 2 || !words.contains("evidence and ask"), "{name}: {words}");
    }
}

/// What is printed says what was proven and what rests on the operator, and names key and witnesses.
#[test]
fn what_is_printed_says_on_whose_word_it_rests() {
    let given = given();
    let receipt = std::fs::read_dir(given.at("mine/receipts")).unwrap().next().unwrap().unwrap();
    std::fs::copy(receipt.path(), given.at("r.tlog-proof")).unwrap();
    for (file, said) in [
        ("r.tlog-proof", "In the log; who signed the record rests on the operator."),
        ("old.checkpoint", "Signed by the log; what is under it rests on the operator."),
    ] {
        let (ended, words) = given.run(&format!("print {file} --out {file}.html"));
        assert_eq!(ended, Some(0), "{words}");
        let page = String::from_utf8(given.read(&format!("{file}.html"))).unwrap();
        for part in
            [said, "what rests on whose word", "Words of the ledger&#39;s key", "no witness whom the policy names"]
        {
            let plain = part.replace("&#39;", "'");
            assert!(page.contains(part) || page.contains(&plain), "{file}: {part} in {page}");
        }
    }
}
