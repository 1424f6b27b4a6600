//! One place each: what the sources themselves must keep, beyond what the compiler holds them to.
//!
//! A rule names words, the files that may have them, and what to do instead. Comments are not
//! read, so a rule may be explained where it is broken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Words of code that only some files may have.
struct Rule {
    /// The words; a word counts where no letter, digit or `_` stands before it.
    words: &'static [&'static str],
    /// Folders and files that the rule looks at.
    within: &'static [&'static str],
    /// Folders and files among them that may have the words.
    but: &'static [&'static str],
    /// What to do instead.
    instead: &'static str,
}

/// All crates.
const EVERYWHERE: &[&str] = &["schemas/", "verifier/", "ledger/", "projector/", "tests/"];
/// The crates without their tests, examples and the demo.
const SHIPPED: &[&str] = &["schemas/src/", "verifier/src/", "ledger/src/", "projector/src/"];

const RULES: &[Rule] = &[
    Rule {
        words: &["sled::", "use sled"],
        within: EVERYWHERE,
        but: &["ledger/src/store.rs", HERE],
        instead: "ask ledger::store::Store: one file knows the database and how it loses data",
    },
    Rule {
        words: &["sha2::", "use sha2"],
        within: EVERYWHERE,
        // There the hash is given to code that others wrote, to compare it with ours.
        but: &["schemas/src/hash.rs", "tests/tests/integrity/readers.rs", HERE],
        instead: "use schemas::hash: it keeps the uses of SHA-256 apart by their first byte (FORMAT.md 1.2)",
    },
    Rule {
        words: &["ed25519_dalek::", "curve25519_dalek::", "use ed25519_dalek", "use curve25519_dalek"],
        within: EVERYWHERE,
        // Signatures at the edges of the law are made with the curve itself: the vectors and their test.
        but: &[
            "verifier/src/signature.rs",
            "verifier/examples/write-vectors/signatures.rs",
            "verifier/tests/vectors/batches.rs",
            HERE,
        ],
        instead: "use verifier::signature: one law of signatures for everyone (FORMAT.md 3.4)",
    },
    Rule {
        words: &["chacha20poly1305::", "use chacha20poly1305"],
        within: EVERYWHERE,
        but: &["ledger/src/cipher.rs", HERE],
        instead: "use ledger::cipher through the vault: one file knows that each key is used once",
    },
    Rule {
        words: &["age::", "use age"],
        within: EVERYWHERE,
        but: &["ledger/src/seal.rs", "verifier/src/unseal.rs", HERE],
        instead: "use ledger::seal to encrypt and verifier::unseal to read (FORMAT.md 15.5)",
    },
    Rule {
        words: &["SystemTime", "UNIX_EPOCH", "Zoned::now", "Timestamp::now"],
        within: EVERYWHERE,
        // The command of a witness, which signs what its own clock shows.
        but: &["ledger/src/clock.rs", "verifier/src/cli/witness.rs", HERE],
        instead: "take the time as an argument; only ledger::clock asks what time it is",
    },
    Rule {
        words: &["Instant::now"],
        within: SHIPPED,
        // How long the machine has run, whoever sets its clock; how long to wait for a lock, for a child that no longer
        // answers, and for a client; how fast one may ask.
        but: &[
            "ledger/src/clock.rs",
            "ledger/src/store.rs",
            "ledger/src/probe.rs",
            "ledger/src/http/",
            "verifier/src/listen.rs",
        ],
        instead: "take the time as an argument: what is computed must not depend on how fast this machine is",
    },
    Rule {
        words: &["ureq::", "use ureq", "rustls::", "use rustls"],
        within: EVERYWHERE,
        // A side each goes out through one file; one file lets others in, with the certificate of the server, and its
        // test is such a client.
        but: &[
            "ledger/src/net.rs",
            "ledger/src/http/tls.rs",
            "ledger/tests/serve/tls.rs",
            "projector/src/live/http.rs",
            HERE,
        ],
        instead: "ask through ledger::net or projector::live: one file a side goes out into the network, in bounded \
                  time and size",
    },
    Rule {
        words: &["async_nats::", "use async_nats"],
        within: EVERYWHERE,
        // One place a side; in the tests, whoever speaks to the server beside them.
        but: &["ledger/src/nats/", "projector/src/live/nats.rs", "tests/tests/nats/", HERE],
        instead: "send through ledger::nats, read through a projector's feed: they know what a broker may not be believed",
    },
    Rule {
        words: &["Verified::new(", "Verified("],
        within: EVERYWHERE,
        but: &["verifier/src/", HERE],
        instead: "let the verifier check it: Keyring::open, Follower, check_head; no other crate makes a Verified",
    },
    Rule {
        words: &["print!(", "println!(", "eprint!(", "eprintln!("],
        within: SHIPPED,
        but: &[],
        instead: "verifier::say! and verifier::tell!: a stream that has gone ends nothing, and nothing steers a terminal",
    },
    Rule {
        words: &["display()"],
        within: SHIPPED,
        // What a testimony's place is, as a path.
        but: &["ledger/src/testimony.rs"],
        instead: "schemas::visible::Show::shown(): a path's name may hold what steers a terminal",
    },
    Rule {
        words: &["Disclosed("],
        within: EVERYWHERE,
        but: &["projector/src/lens.rs", HERE],
        instead: "let the lens make it: nothing leaves that no audience was asked about",
    },
    Rule {
        words: &["assume_verified"],
        within: EVERYWHERE,
        but: &[HERE],
        instead: "sign it: tests have keys too, and there is no way round the door",
    },
    Rule {
        words: &["std::fs", "std::net", "std::env", "std::process", "std::thread", "std::time", "tokio", "async fn"],
        within: &["schemas/src/"],
        but: &[],
        instead: "keep schemas pure: bytes in, values out; reading and asking are for the ledger and the commands",
    },
    Rule {
        words: &["std::fs", "std::net", "std::env", "std::process", "std::thread", "std::time", "tokio", "async fn"],
        within: &["verifier/src/"],
        // Behind the features `files`, `listen` and `witness`, and the command.
        but: &[
            "verifier/src/archive.rs",
            "verifier/src/files.rs",
            "verifier/src/find.rs",
            "verifier/src/listen.rs",
            "verifier/src/output.rs",
            "verifier/src/terminal.rs",
            "verifier/src/threads.rs",
            "verifier/src/witness/service/",
            "verifier/src/main.rs",
            "verifier/src/print.rs",
            "verifier/src/cli/",
        ],
        instead: "ask through bundle::Source: the library runs where there is no disk, in a browser too",
    },
    Rule {
        words: &["File::open(", "fs::read(", "fs::read_to_string("],
        within: SHIPPED,
        // Folders are opened to be synced; /proc; and files of the sources that tests read.
        but: &[
            "ledger/src/files.rs",
            "ledger/src/mirror.rs",
            "ledger/src/probe.rs",
            "projector/src/serve/book.rs",
            "projector/src/rules/tests/table.rs",
            "verifier/src/output.rs",
            "verifier/src/witness/service/state_file.rs",
        ],
        instead: "open it with verifier::files: regular files alone, of bounded size, without waiting for a named pipe",
    },
    Rule {
        words: &["Other(String)", "Other(&'static str)"],
        within: EVERYWHERE,
        but: &[HERE],
        instead: "name the case: whoever reads it must know what to do",
    },
    Rule {
        words: &["todo!", "unimplemented!", "#[ignore"],
        within: EVERYWHERE,
        but: &[HERE],
        instead: "finish it, or leave it out",
    },
];

/// This file, which must name what it forbids.
const HERE: &str = "tests/tests/house.rs";

/// What may lie at the top, beside dot files and what `.gitignore` names.
const TOP: &[&str] =
    &["Cargo.toml", "Cargo.lock", "LICENSE", "README.md", "ledger", "projector", "schemas", "tests", "verifier"];

/// Which crates of the house each crate may know, tests included.
const KNOWS: &[(&str, &[&str])] = &[
    ("schemas", &[]),
    ("verifier", &["schemas"]),
    ("ledger", &["schemas", "verifier"]),
    ("projector", &["schemas", "verifier"]),
    ("tests", &["schemas", "verifier", "ledger", "projector"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Paths of all Rust sources, from the top.
fn sources() -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = EVERYWHERE.iter().map(|krate| root.join(krate)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.sort();
    found
}

/// A line without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Whether a line has the word, and not as the end of a longer one.
fn has(line: &str, word: &str) -> bool {
    let starts_anew = |at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| starts_anew(at))
}

fn is_of(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path == *place || (place.ends_with('/') && path.starts_with(place)))
}

fn broken(rule: &Rule, path: &str, text: &str) -> Vec<String> {
    if !is_of(path, rule.within) || is_of(path, rule.but) {
        return Vec::new();
    }
    let mut told = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for word in rule.words.iter().filter(|word| has(code(line), word)) {
            told.push(format!("{path}:{number}: {word}: {}", rule.instead));
        }
    }
    told
}

#[test]
fn one_place_each() {
    let sources = sources();
    assert!(sources.len() > 100, "the sources were found");
    let mut told = Vec::new();
    for path in &sources {
        let text = fs::read_to_string(root().join(path)).unwrap();
        told.extend(RULES.iter().flat_map(|rule| broken(rule, path, &text)));
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    // A place that is allowed and no longer there allows what nobody meant.
    for place in RULES.iter().flat_map(|rule| rule.but).filter(|place| !place.ends_with('/')) {
        assert!(sources.iter().any(|path| path == place), "{place} is gone: take it out of the rules");
    }
}

#[test]
fn rules_see_what_they_forbid() {
    for (path, line, told) in [
        ("ledger/src/writer.rs", "let db = sled::open(path)?;", 1),
        ("ledger/src/store.rs", "let db = sled::open(path)?;", 0),
        ("ledger/src/writer.rs", "// sled::open loses data", 0),
        ("ledger/src/writer.rs", "my_sled::open(path)", 0),
        ("projector/src/view.rs", "use sha2::Sha256;", 1),
        ("projector/src/feed.rs", "Verified(entry)", 1),
        ("projector/src/feed.rs", "NotVerified(report)", 0),
        ("verifier/src/head.rs", "Verified::new(head)", 0),
        ("projector/src/pages.rs", "Disclosed(report)", 1),
        ("schemas/src/tile.rs", "use std::fs;", 1),
        ("schemas/tests/json.rs", "use std::fs;", 0),
        ("verifier/src/files.rs", "use std::fs;", 0),
        ("ledger/src/submit.rs", "async_nats::connect(url)", 1),
        ("ledger/src/nats/link.rs", "use async_nats::Client;", 0),
        ("ledger/src/outpost/stick.rs", "let text = fs::read_to_string(path)?;", 1),
        ("verifier/src/cli/witness.rs", "StateFile::open(path)?;", 0),
        ("ledger/src/plan.rs", "let now = SystemTime::now();", 1),
        ("ledger/src/plan.rs", "let now = Instant::now();", 1),
        ("tests/src/demo/mod.rs", "let now = Instant::now();", 0),
        ("projector/src/rules.rs", "todo!()", 1),
    ] {
        let broken: Vec<String> = RULES.iter().flat_map(|rule| broken(rule, path, line)).collect();
        assert_eq!(usize::from(!broken.is_empty()), told, "{path}: {line}: {broken:?}");
    }
}

#[test]
fn imports_run_one_way() {
    let names: BTreeSet<&str> = KNOWS.iter().map(|(name, _)| *name).collect();
    for (name, knows) in KNOWS {
        let path = root().join(name).join("Cargo.toml");
        let manifest: toml::Table = fs::read_to_string(&path).unwrap().parse().unwrap();
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let listed = manifest.get(table).and_then(toml::Value::as_table);
            for other in listed.into_iter().flat_map(toml::Table::keys).filter(|other| names.contains(other.as_str())) {
                assert!(
                    knows.contains(&other.as_str()),
                    "{name}/Cargo.toml, {table}: {name} must not know {other}: schemas <- verifier <- ledger, \
                     schemas <- verifier <- projector"
                );
            }
        }
    }
}

#[test]
fn the_top_is_the_house_and_nothing_else() {
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap();
    let ignored: BTreeSet<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let known = name.starts_with('.') || TOP.contains(&name.as_str()) || ignored.contains(name.as_str());
        assert!(known, "{name} lies at the top: put it into the crate that it is about");
    }
    for name in TOP {
        assert!(root().join(name).exists(), "{name} is missing at the top");
    }
}
