//! Whatever is handed over, the verifier takes at most 256 MB of memory for it, and ends with 0, 1 or 2.
//!
//! Each case is run by a shell that lets the process have that much memory of its own (`ulimit -d`: everything that it
//! allocates, stacks of threads included, whether it is touched or not) and not a byte more. Where it asks for more it is
//! aborted, and ends with a signal. The allocator is told not to take in advance what nobody has asked for.
#![cfg(unix)]

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use schemas::base::from_base64;
use schemas::hash::Hash;
use schemas::manifest::Manifest;
use schemas::note::Note;
use verifier::signature::SecretKey;

/// What a process may allocate, in KiB.
const MEMORY_KIB: u64 = 256 << 10;
/// Hostile files are this long where they have to be real, and are not themselves larger than the memory.
const REAL: usize = 60 << 20;
/// And this long where they are holes.
const HOLE: u64 = 10 << 30;

fn sample(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("web/samples").join(name)).unwrap()
}

/// A folder with a sound bundle, its policy and samples, where one case can do harm.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let vector = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas/vectors/bundle/ok");
        for line in fs::read_to_string(vector).unwrap().lines() {
            if let Some(word) = line.strip_prefix("policy: ") {
                place.put("vector.policy", &from_base64(word).unwrap());
            } else if let Some((path, word)) = line.strip_prefix("file: ").and_then(|rest| rest.split_once(' ')) {
                place.put(&format!("bundle/{path}"), &from_base64(word).unwrap());
            }
        }
        for name in ["policy", "good.pack", "fork", "refusal", "visit.tlog-proof"] {
            place.put(name, &sample(name));
        }
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.at(name).parent().unwrap()).unwrap();
        fs::write(self.at(name), bytes).unwrap();
    }

    /// A file of that many zeros that takes no room on the disk, behind some bytes.
    fn hole(&self, name: &str, head: &[u8], bytes: u64) {
        self.put(name, head);
        File::options().write(true).open(self.at(name)).unwrap().set_len(bytes).unwrap();
    }

    /// A file of one part after the other, about that many bytes.
    fn many(&self, name: &str, head: &[u8], bytes: usize, mut part: impl FnMut(usize, &mut Vec<u8>)) {
        self.put(name, b"");
        let mut file = BufWriter::new(File::create(self.at(name)).unwrap());
        file.write_all(head).unwrap();
        let (mut written, mut number, mut piece) = (head.len(), 0, Vec::new());
        while written < bytes {
            piece.clear();
            part(number, &mut piece);
            file.write_all(&piece).unwrap();
            written += piece.len();
            number += 1;
        }
        file.flush().unwrap();
    }

    /// The same of one part again and again.
    fn again(&self, name: &str, head: &[u8], bytes: usize, part: &[u8]) {
        let block = part.repeat((1 << 20) / part.len());
        self.many(name, head, bytes, |_, out| out.extend(&block));
    }

    /// Names in the manifest what lies in the bundle: an adversary does so too. Holes have a digest that is known.
    fn list(&self, files: &[(&str, Hash)]) {
        let text = fs::read_to_string(self.at("bundle/manifest")).unwrap();
        let mut manifest = Manifest::parse(&text).unwrap();
        manifest.0.extend(files.iter().map(|(path, digest)| ((*path).to_owned(), *digest)));
        self.put("bundle/manifest", manifest.to_text().as_bytes());
    }

    fn verifier(&self, words: &[&str], stdin: Stdio) -> Output {
        let script = format!("ulimit -c 0; ulimit -d {MEMORY_KIB}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command
            .env("MIMALLOC_ARENA_EAGER_COMMIT", "0")
            .args(["-c", &script, env!("CARGO_BIN_EXE_verifier")])
            .args(words);
        command.current_dir(self.0.path()).stdin(stdin).output().unwrap()
    }
}

/// What is wrong with how a command ended: a code that is none of these, words that are not said, or too many of them.
fn wrong(what: &str, done: &Output, codes: &[i32], word: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    let good = done.status.code().is_some_and(|code| codes.contains(&code));
    let short: String = text.chars().take(700).collect();
    (!good || !text.contains(word) || text.len() > 500_000)
        .then(|| format!("{what}: {:?}, {} bytes said: {short}", done.status, text.len()))
}

/// A tar header of that type, whose size is as written.
fn header(name: &str, kind: u8, size: &[u8]) -> Vec<u8> {
    let mut head = vec![0; 512];
    head[..name.len().min(100)].copy_from_slice(&name.as_bytes()[..name.len().min(100)]);
    head[100..108].copy_from_slice(b"0000644\0");
    head[124..124 + size.len()].copy_from_slice(size);
    head[136..148].copy_from_slice(b"00000000000\0");
    head[156] = kind;
    head[257..265].copy_from_slice(b"ustar\x0000");
    head[345..345 + name.len().saturating_sub(100)].copy_from_slice(&name.as_bytes()[name.len().min(100)..]);
    head[148..156].fill(b' ');
    let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    head
}

/// One kind of hostile input: its name, what is put there, the words of the command, codes and a word of the answer.
type Case = (&'static str, fn(&Place), &'static [&'static str], &'static [i32], &'static str);

fn run(cases: &[Case]) {
    let mut bad = Vec::new();
    for (what, make, words, codes, word) in cases {
        let place = Place::new();
        make(&place);
        bad.extend(wrong(what, &place.verifier(words, Stdio::null()), codes, word));
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}

const BUNDLE: &[&str] = &["check", "bundle", "--policy", "vector.policy"];
const BUNDLE_JSON: &[&str] = &["check", "bundle", "--policy", "vector.policy", "--json"];
const OPENED: &[&str] = &["check", "bundle", "--policy", "vector.policy", "--openings", "openings"];
const FILE: &[&str] = &["check", "file", "--policy", "policy"];

#[test]
fn the_limit_is_one_that_a_sound_bundle_and_pack_are_far_from_and_greed_meets() {
    run(&[
        ("a bundle", |_| {}, BUNDLE, &[0], "Verified"),
        ("a pack", |_| {}, &["check", "good.pack", "--policy", "policy"], &[0], "Verified"),
    ]);
}

#[test]
fn archives() {
    fn tar(place: &Place, name: &str, kind: u8, size: &[u8]) {
        place.put("file", &[header(name, kind, size), vec![0; 7_168]].concat());
    }
    const HUGE: &[u8] = b"45000000000\0";
    run(&[
        ("a long name of 5 GB", |p| tar(p, "././@LongLink", b'L', HUGE), FILE, &[2], "packed by hand"),
        ("a long link of 5 GB", |p| tar(p, "././@LongLink", b'K', HUGE), FILE, &[2], "packed by hand"),
        ("extended headers of 5 GB", |p| tar(p, "PaxHeaders/x", b'x', HUGE), FILE, &[2], "packed by hand"),
        ("global headers of 5 GB", |p| tar(p, "pax_global_header", b'g', HUGE), FILE, &[2], "packed by hand"),
        ("a sparse file of 5 GB", |p| tar(p, "manifest", b'S', HUGE), FILE, &[2], "packed by hand"),
        ("a file of 5 GB", |p| tar(p, "manifest", b'0', HUGE), FILE, &[2], "longer than"),
        (
            "a hole of 10 GB behind a header",
            |p| p.hole("file", &header("manifest", b'0', b"00377777777\0"), HOLE),
            FILE,
            &[2],
            "zeros alone",
        ),
        (
            "files of 64 MB of holes, more than one",
            |p| {
                let file = File::create(p.at("file")).unwrap();
                let names = ["checkpoint", "manifest", "policy", "tile/0/000", "tile/entries/000"];
                for (number, name) in (0u64..).zip(names) {
                    use std::os::unix::fs::FileExt as _;
                    file.write_all_at(&header(name, b'0', b"00400000000\0"), number * ((64 << 20) + 512)).unwrap();
                }
                file.set_len(5 * ((64 << 20) + 512) + 1_024).unwrap();
            },
            FILE,
            &[1, 2],
            "",
        ),
        (
            "names without end",
            |p| {
                p.many("file", b"", 150 << 20, |n, out| {
                    out.extend(header(&format!("{n:0>100}{n:0>154}"), b'0', b"00000000000\0"));
                });
            },
            FILE,
            &[2],
            "more files than",
        ),
        ("a zip", |p| p.hole("file", b"PK\x03\x04", 150 << 20), FILE, &[2], "unzip"),
        ("a gz of 150 MB", |p| p.hole("file", b"\x1f\x8b\x08", 150 << 20), FILE, &[2], "gzip"),
        ("a gz of 10 GB", |p| p.hole("file", b"\x1f\x8b\x08", HOLE), FILE, &[2], ""),
        ("zeros, 150 MB", |p| p.hole("file", b"", 150 << 20), FILE, &[2], "zeros alone"),
        ("zeros, 10 GB", |p| p.hole("file", b"", HOLE), FILE, &[2], "zeros alone"),
    ]);
}

#[test]
fn files_of_a_bundle() {
    /// A hole in the place of that file, listed with the digest that it has if the adversary waits for it.
    fn holes(place: &Place, path: &str, bytes: u64) {
        place.hole(&format!("bundle/{path}"), b"", bytes);
    }
    /// Several files of 60 MB, listed as they are.
    fn listed(place: &Place, path: fn(u64) -> String, count: u64) {
        let zeros = Hash::of(&[&vec![0; REAL]]);
        let paths: Vec<String> = (0..count).map(path).collect();
        for path in &paths {
            holes(place, path, REAL as u64);
        }
        place.list(&paths.iter().map(|path| (path.as_str(), zeros)).collect::<Vec<_>>());
    }
    run(&[
        ("a checkpoint of 10 GB", |p| holes(p, "checkpoint", HOLE), BUNDLE, &[2], "longer than"),
        ("a checkpoint of 60 MB", |p| holes(p, "checkpoint", REAL as u64), BUNDLE, &[2], "longer than"),
        ("entries of 10 GB", |p| holes(p, "tile/entries/000.p/6", HOLE), BUNDLE, &[2], "longer than"),
        ("entries of 60 MB", |p| holes(p, "tile/entries/000.p/6", REAL as u64), BUNDLE, &[2], "longer than"),
        ("hashes of 10 GB", |p| holes(p, "tile/0/000.p/6", HOLE), BUNDLE, &[2], "longer than"),
        ("a policy of 10 GB", |p| holes(p, "policy", HOLE), BUNDLE, &[2], "longer than"),
        ("a manifest of 10 GB", |p| holes(p, "manifest", HOLE), BUNDLE, &[2], "longer than"),
        ("a manifest of 60 MB of zeros", |p| holes(p, "manifest", REAL as u64), BUNDLE, &[2], ""),
        (
            "a manifest of one line",
            |p| p.again("bundle/manifest", b"", REAL, &[b'a'; 4_096]),
            BUNDLE,
            &[1, 2],
            "manifest",
        ),
        (
            "a manifest of lines of blanks with CR LF",
            |p| p.again("bundle/manifest", b"", REAL, b" \r\n"),
            BUNDLE,
            &[1, 2],
            "manifest",
        ),
        (
            "kept checkpoints of 60 MB",
            |p| listed(p, |n| format!("checkpoints/{}", n + 1), 20),
            BUNDLE,
            &[2],
            "longer than",
        ),
        (
            "documents of 60 MB",
            |p| listed(p, |n| format!("documents/{}", Hash::of(&[&n.to_be_bytes()])), 20),
            BUNDLE,
            &[2],
            "longer than",
        ),
        ("openings of 60 MB inside", |p| listed(p, |_| "openings/000".to_owned(), 1), BUNDLE, &[1, 2], ""),
        ("a page of 60 MB", |p| listed(p, |_| "verify.html".to_owned(), 1), BUNDLE, &[1, 2], ""),
        (
            "200,000 files that are not there",
            |p| {
                let digest = Hash::default();
                p.many("bundle/manifest", b"", REAL, |n, out| {
                    writeln!(out, "{digest}  tile/0/{n:0>220}").unwrap();
                });
            },
            BUNDLE_JSON,
            &[1, 2],
            "",
        ),
        (
            "200,000 kept checkpoints that are not there",
            |p| {
                let digest = Hash::default();
                p.many("bundle/manifest", b"", REAL / 4, |n, out| {
                    writeln!(out, "{digest}  checkpoints/{}", n + 100_000_000).unwrap();
                });
            },
            BUNDLE,
            &[1, 2],
            "",
        ),
        (
            "20,000 files that nobody listed",
            |p| (0..20_000).for_each(|n| p.put(&format!("bundle/tile/0/x{n:0>200}"), b"")),
            BUNDLE_JSON,
            &[1],
            "",
        ),
        (
            "folders without end",
            |p| {
                let deep: PathBuf = std::iter::repeat_n("d", 1_500).collect();
                fs::create_dir_all(p.at("bundle").join(deep)).unwrap();
                p.put("bundle/.DS_Store/a/b/c", b"");
            },
            BUNDLE,
            &[0],
            "Verified",
        ),
        ("openings of zeros", |p| p.hole("openings/000", b"", REAL as u64), OPENED, &[1, 2], ""),
        ("openings that are no text", |p| p.again("openings/000", b"", REAL / 2, &[0xff; 4_096]), OPENED, &[1, 2], ""),
        (
            "openings of one endless line",
            |p| p.again("openings/000", b"{\"digests\":[", REAL / 2, b"\"aaaaaaaa\","),
            OPENED,
            &[1, 2],
            "",
        ),
        (
            "openings of empty lines without end",
            |p| p.again("openings/000", b"", REAL / 2, &[b'\n'; 4_096]),
            OPENED,
            &[1, 2],
            "",
        ),
        ("openings nested 100,000 deep", |p| p.put("openings/000", &vec![b'['; 100_000]), OPENED, &[1, 2], ""),
        ("openings of 10 GB", |p| p.hole("openings/000", b"", HOLE), OPENED, &[2], "longer than"),
    ]);
}

/// A bundle's entries of the most memory that so many bytes can ask for once they are read.
#[test]
fn entries_that_weigh_more_than_they_are_long() {
    fn entries(place: &Place, data: &str) {
        let text = fs::read(place.at("bundle/tile/entries/000.p/6")).unwrap();
        let mut rest = text.as_slice();
        let first = schemas::tile::next_entry(&mut rest).unwrap();
        let text = std::str::from_utf8(first).unwrap();
        let (head, tail) = text.split_once("\"data\":{").unwrap();
        let tail = tail.split_once('}').unwrap().1;
        let mut entry = format!("{head}\"data\":{{");
        let mut number = 0;
        while entry.len() + tail.len() + data.len() + 12 < 65_000 {
            let comma = if number == 0 { "" } else { "," };
            entry += comma;
            entry += &data.replace("NNNNN", &format!("a{number:05}"));
            number += 1;
        }
        entry += "}";
        entry += tail;
        let (mut tile, mut hashes) = (Vec::new(), Vec::new());
        for _ in 0..256 {
            tile.extend(u16::try_from(entry.len()).unwrap().to_be_bytes());
            tile.extend(entry.as_bytes());
            hashes.extend(Hash::leaf(entry.as_bytes()).0);
        }
        // Several such tiles, and what signs them: the vectors' key is known to everybody.
        let (digest, of_hashes) = (Hash::of(&[&tile]), Hash::of(&[&hashes]));
        let mut manifest = Manifest::default();
        for n in 0..6 {
            place.put(&format!("bundle/tile/entries/00{n}"), &tile);
            place.put(&format!("bundle/tile/0/00{n}"), &hashes);
            manifest.0.insert(format!("tile/entries/00{n}"), digest);
            manifest.0.insert(format!("tile/0/00{n}"), of_hashes);
        }
        let one = vec![0u8; 6 * 32];
        place.put("bundle/tile/1/000.p/6", &one);
        manifest.0.insert("tile/1/000.p/6".to_owned(), Hash::of(&[&one]));
        let checkpoint = sign_checkpoint(1_536);
        place.put("bundle/checkpoint", checkpoint.as_bytes());
        manifest.0.insert("checkpoint".to_owned(), Hash::of(&[checkpoint.as_bytes()]));
        let policy = fs::read(place.at("bundle/policy")).unwrap();
        manifest.0.insert("policy".to_owned(), Hash::of(&[&policy]));
        fs::remove_dir_all(place.at("bundle/tile/entries/000.p")).unwrap();
        fs::remove_dir_all(place.at("bundle/tile/0/000.p")).unwrap();
        place.put("bundle/manifest", manifest.to_text().as_bytes());
    }
    run(&[
        ("members", |p| entries(p, "\"NNNNN\":0"), BUNDLE, &[1], "entry 0"),
        ("objects", |p| entries(p, "\"NNNNN\":{\"a\":0}"), BUNDLE, &[1], "entry 0"),
        (
            "lists of objects",
            |p| entries(p, &format!("\"NNNNN\":[{}{{}}]", "{\"a\":0},".repeat(7_000))),
            BUNDLE,
            &[1],
            "entry 0",
        ),
        ("lists of numbers", |p| entries(p, &format!("\"NNNNN\":[{}0]", "0,".repeat(31_000))), BUNDLE, &[1], "entry 0"),
        ("texts", |p| entries(p, &format!("\"NNNNN\":\"{}\"", "a".repeat(63_000))), BUNDLE, &[1], "entry 0"),
        (
            "a number of 60,000 digits",
            |p| entries(p, &format!("\"NNNNN\":{}", "9".repeat(60_000))),
            BUNDLE,
            &[1],
            "entry 0",
        ),
    ]);
}

/// A checkpoint of the vectors' log, whose key is known to everybody.
fn sign_checkpoint(size: u64) -> String {
    const ORIGIN: &str = "vectors.example/log";
    let key = SecretKey::new(ORIGIN, &Hash::of(&[b"test vector key ", ORIGIN.as_bytes()]).0);
    let text = format!("{ORIGIN}\n{size}\n{}\n", Hash::default().to_base64());
    Note { signatures: vec![key.sign(&text)], text }.to_text()
}

/// The first lines of a pack that holds, up to the one before its records.
fn pack_head() -> Vec<u8> {
    let pack = String::from_utf8(sample("good.pack")).unwrap();
    let lines = pack.split_inclusive('\n').take_while(|line| !line.starts_with("{\"item\":"));
    lines.collect::<String>().into_bytes()
}

#[test]
fn packs() {
    const LONG: usize = 150 << 20;
    run(&[
        ("one line of 150 MB", |p| p.again("file", b"{\"audience\":\"", LONG, &[b'a'; 4_096]), FILE, &[1, 2], ""),
        (
            "a record of 150 MB",
            |p| p.again("file", &[&pack_head()[..], b"{\"item\":\""].concat(), LONG, &[b'a'; 4_096]),
            FILE,
            &[1, 2],
            "",
        ),
        (
            "the first lines again and again",
            |p| p.again("file", &pack_head(), LONG, &pack_head()),
            FILE,
            &[1, 2],
            "line",
        ),
        (
            "proofs of a million sizes",
            |p| {
                p.many("file", &pack_head(), 36 << 20, |n, out| {
                    writeln!(out, "{{\"since\":{{\"proof\":[],\"size\":{}}}}}", n + 1).unwrap();
                });
            },
            FILE,
            &[1, 2],
            "line",
        ),
        (
            "a million key lines",
            |p| {
                p.many("file", &pack_head(), 70 << 20, |n, out| {
                    writeln!(out, "{{\"key\":{{\"entry\":\"AAAA\",\"index\":{n},\"proof\":[]}}}}").unwrap();
                });
            },
            FILE,
            &[1, 2],
            "",
        ),
        (
            "records of no weight",
            |p| {
                p.many("file", &pack_head(), 70 << 20, |n, out| {
                    writeln!(
                        out,
                        "{{\"item\":{{\"digests\":[],\"entry\":\"AAAA\",\"index\":{n},\"proof\":[],\"slots\":[]}}}}"
                    )
                    .unwrap();
                });
            },
            FILE,
            &[1, 2],
            "",
        ),
        (
            "records of nothing but slots",
            |p| {
                let slots = format!("[{}{{\"withheld\":true}}]", "{\"withheld\":true},".repeat(50_000));
                p.many("file", &pack_head(), 30 << 20, |n, out| {
                    writeln!(
                        out,
                        "{{\"item\":{{\"digests\":[],\"entry\":\"AAAA\",\"index\":{n},\"proof\":[],\"slots\":{slots}}}}}"
                    )
                    .unwrap();
                });
            },
            FILE,
            &[1, 2],
            "",
        ),
        (
            "a policy of 1 MB in each",
            |p| {
                let policy = format!("{{\"policy\":\"{}\"}}\n", "log\\n".repeat(200_000));
                p.again("file", &pack_head(), LONG, policy.as_bytes());
            },
            FILE,
            &[1, 2],
            "line",
        ),
        (
            "nested 100,000 deep",
            |p| p.put("file", &[&pack_head()[..], &vec![b'['; 100_000], b"\n"].concat()),
            FILE,
            &[1, 2],
            "line",
        ),
        (
            "a number of a million digits",
            |p| {
                let digits = "9".repeat(1_000_000);
                p.put(
                    "file",
                    &[&pack_head()[..], b"{\"key\":{\"entry\":\"AAAA\",\"index\":", digits.as_bytes()].concat(),
                );
            },
            FILE,
            &[1, 2],
            "",
        ),
        (
            "saved as UTF-16",
            |p| {
                p.put("file", b"");
                p.many("file", &[0xff, 0xfe], 100 << 20, |_, out| {
                    out.extend(pack_head().iter().flat_map(|byte| [*byte, 0]));
                });
            },
            FILE,
            &[1, 2],
            "",
        ),
        (
            "with CR LF and blanks throughout",
            |p| {
                let head = String::from_utf8(pack_head()).unwrap().replace('\n', " \r\n");
                p.again("file", head.as_bytes(), 100 << 20, b"   \r\n");
            },
            FILE,
            &[1, 2],
            "",
        ),
        (
            "an older pack of 150 MB",
            |p| p.again("older", b"{\"audience\":\"", LONG, &[b'a'; 4_096]),
            &["check", "good.pack", "--policy", "policy", "--since", "older"],
            &[2],
            "",
        ),
    ]);
}

#[test]
fn what_people_carry() {
    const LONG: usize = 150 << 20;
    fn receipt(place: &Place, tail: &[u8]) {
        place.many("file", &sample("visit.tlog-proof"), LONG, |_, out| out.extend(tail));
    }
    run(&[
        (
            "a receipt with witness lines without end",
            |p| receipt(p, "— w AAAAAAAAAA\n".as_bytes()),
            FILE,
            &[2],
            "longer than",
        ),
        ("a receipt with one line without end", |p| receipt(p, &[b'A'; 4_096]), FILE, &[2], "longer than"),
        (
            "a receipt with a proof without end",
            |p| {
                let line = Hash::default().to_base64() + "\n";
                p.again("file", b"c2sp.org/tlog-proof@v1\nindex 3\n", LONG, line.as_bytes());
            },
            FILE,
            &[2],
            "longer than",
        ),
        (
            "a checkpoint of 150 MB",
            |p| p.again("file", b"a.example/log\n9\n", LONG, b"AAAA\n"),
            FILE,
            &[2],
            "longer than",
        ),
        (
            "a refusal of words without end",
            |p| p.again("file", b"oversight-refusal/v1\n", LONG, b"because\n"),
            FILE,
            &[2],
            "longer than",
        ),
        (
            "evidence of 150 MB",
            |p| p.again("file", b"{\"fork\":\"oversight-fork/v1\"}\n", LONG, &[b'['; 4_096]),
            FILE,
            &[2],
            "longer than",
        ),
        ("openings of 150 MB", |p| p.again("file", b"{\"digests\":", LONG, &[b'['; 4_096]), FILE, &[2], ""),
        ("a text of 150 MB", |p| p.again("file", b"once", LONG, b"upon a time\n"), FILE, &[2], "neither"),
        ("a text of blanks", |p| p.again("file", b"", LONG, &[b' '; 4_096]), FILE, &[2], ""),
        ("one line end after the other", |p| p.again("file", b"", LONG, &[b'\n'; 4_096]), FILE, &[2], ""),
        ("a device", |_| {}, &["check", "/dev/zero", "--policy", "policy"], &[2], "device"),
        ("an empty file", |p| p.put("file", b""), FILE, &[2], "empty"),
    ]);
    let place = Place::new();
    let endless = File::open("/dev/zero").unwrap();
    let done = place.verifier(&["check", "/dev/stdin", "--policy", "policy"], endless.into());
    assert_eq!(wrong("input without end", &done, &[2], "device"), None);
}

/// Every option that names a file, and every command: a device, a hole, a text without end.
#[test]
fn whatever_an_option_names() {
    let ways: &[(&[&str], &[i32])] = &[
        (&["check", "good.pack", "--policy", "BAD"], &[2]),
        (&["check", "good.pack", "--policy", "policy", "--since", "BAD"], &[2]),
        (&["check", "good.pack", "--policy", "policy", "--index", "BAD"], &[2]),
        (&["check", "good.pack", "--policy", "policy", "--auditor", "BAD"], &[2]),
        (&["check", "bundle", "--policy", "vector.policy", "--openings", "bundle", "--key", "BAD"], &[2]),
        (&["compare", "BAD", "good.pack", "--policy", "policy"], &[2]),
        (&["compare", "good.pack", "BAD", "--policy", "policy"], &[2]),
        (&["compare", "good.pack", "--policy", "policy", "--mine", "mine"], &[2]),
        (&["compare", "good.pack", "--policy", "policy", "--mine", "bundle", "--carrier", "BAD"], &[2]),
        (&["print", "BAD", "--policy", "policy", "--out", "out.html"], &[2]),
        (&["attest", "bundle", "--policy", "vector.policy", "--key", "BAD", "--out", "out"], &[2]),
        (&["attest", "BAD", "--policy", "policy", "--key", "BAD", "--out", "out"], &[2]),
        (
            &[
                "succession",
                "bundle",
                "--policy",
                "vector.policy",
                "--predecessor",
                "BAD",
                "--predecessor-policy",
                "policy",
            ],
            &[2],
        ),
        (
            &[
                "succession",
                "bundle",
                "--policy",
                "vector.policy",
                "--predecessor",
                "bundle",
                "--predecessor-policy",
                "BAD",
            ],
            &[2],
        ),
        (
            &["witness", "serve", "--listen", "127.0.0.1:0", "--key", "BAD", "--state", "state", "--policy", "policy"],
            &[2],
        ),
    ];
    let place = Place::new();
    place.hole("hole", b"", HOLE);
    place.many("text", b"log ", 100 << 20, |_, out| out.extend([b'a'; 4_096]));
    for name in ["a.jsonl", "b.tlog-proof", "c.stamp"] {
        place.hole(&format!("mine/{name}"), b"{", 60 << 20);
    }
    place.many("mine/000001.jsonl", b"", 30 << 20, |_, out| out.extend(b"{\"event\":\"\"} \r\n"));
    let mut bad = Vec::new();
    for (words, codes) in ways {
        for what in ["/dev/zero", "hole", "text"] {
            let words: Vec<&str> = words.iter().map(|word| if *word == "BAD" { what } else { word }).collect();
            let done = place.verifier(&words, Stdio::null());
            bad.extend(wrong(&words.join(" "), &done, codes, ""));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n\n"));
}
