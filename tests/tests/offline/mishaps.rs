//! What sticks, mail programs, editors and systems do to files is no lie: command, page and projector say the same of it,
//! and say what happened. One table for all three. FORMAT.md 1.7, 13.2, 19.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use schemas::note::Note;
use schemas::strays;
use schemas::tile::{Tile, next_entry};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::forge::{Forge, Pages, lines, openings};
use tests::memory::Memory;
use tests::packs;
use tests::world::World;

use crate::bundle::archive;
use crate::page::{Page, bytes, sample};

/// What a way does to a file: its name, and the change.
type OfFile = (&'static str, Box<dyn Fn(&[u8]) -> Vec<u8>>);

/// Everything holds; a lie; nothing can be told.
const HOLDS: i32 = 0;
const LIE: i32 = 1;
const UNTOLD: i32 = 2;

fn program(name: &str) -> PathBuf {
    let demo = Path::new(env!("CARGO_BIN_EXE_demo"));
    let path = demo.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not there: run `cargo build --bins` first, as tests/run does", path.display());
    path
}

/// A program's exit code, and everything that it said.
fn run(name: &str, arguments: &[&Path]) -> (i32, String) {
    let output = Command::new(program(name)).args(arguments).stdin(Stdio::null()).output().expect("it starts");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

/// A log that is small enough to be changed a hundred times, with its policy, and itself as it was before.
struct Small {
    bundle: Memory,
    openings: Memory,
    older: Memory,
    size: u64,
    policy: String,
}

fn small() -> Small {
    small_of(&World::golden())
}

fn small_of(world: &World) -> Small {
    let mut forge = Forge::of(world);
    let adoption = forge.at("op/schema.adopted/r1");
    forge.records.remove(adoption);
    let large: Vec<String> =
        forge.side.names().into_iter().filter(|path| forge.side.get(path).len() > 100_000).collect();
    large.iter().for_each(|path| drop(forge.side.remove(path)));
    forge.side.remove(verifier::PAGE_NAME);
    let built = forge.build();
    let policy = String::from_utf8(built.bundle.get("policy").to_vec()).unwrap();
    let mut kept: Vec<u64> =
        built.bundle.names().iter().filter_map(|p| p.strip_prefix("checkpoints/")?.parse().ok()).collect();
    kept.sort_unstable();
    let size = *kept.last().unwrap();
    let older = at(&built.bundle, kept[kept.len() / 2]);
    Small { bundle: built.bundle, openings: built.openings, older, size, policy }
}

/// A bundle as it was at a size of which it kept the checkpoint.
fn at(bundle: &Memory, size: u64) -> Memory {
    let mut older = bundle.clone();
    older.put("checkpoint", bundle.get(&format!("checkpoints/{size}")).to_vec());
    for path in bundle.names() {
        if let Some(tile) = Tile::of_path(&path) {
            let bytes = older.remove(&path);
            let Some(cut) = Tile::all(size).into_iter().find(|t| (t.level, t.index) == (tile.level, tile.index)) else {
                continue;
            };
            let mut rest = bytes.as_slice();
            let taken = match tile.level {
                Some(_) => cut.width as usize * 32,
                None => {
                    for _ in 0..cut.width {
                        next_entry(&mut rest).unwrap();
                    }
                    bytes.len() - rest.len()
                }
            };
            older.put(&cut.path(), bytes[..taken].to_vec());
        } else if path.strip_prefix("checkpoints/").and_then(|n| n.parse::<u64>().ok()).is_some_and(|n| n > size) {
            older.remove(&path);
        }
    }
    older.manifest();
    older
}

/// What happens to bytes on their way.
type Way = fn(&[u8]) -> Vec<u8>;

/// What a file's way does to its bytes, where that can be undone.
fn ways() -> Vec<(&'static str, Way)> {
    fn text(bytes: &[u8]) -> String {
        String::from_utf8(bytes.to_vec()).expect("a text")
    }
    vec![
        ("CR LF", |b| text(b).replace('\n', "\r\n").into_bytes()),
        ("a byte order mark", |b| [b"\xef\xbb\xbf", b].concat()),
        ("a byte order mark and CR LF", |b| format!("\u{feff}{}", text(b).replace('\n', "\r\n")).into_bytes()),
        ("UTF-16", |b| format!("\u{feff}{}", text(b)).encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("no last line end", |b| b[..b.len() - 1].to_vec()),
        ("a line end more", |b| [b, b"\n"].concat()),
        ("zeros after it", |b| [b, &[0; 512]].concat()),
    ]
}

/// What lies in the place of a file.
const PLACES: [(&str, &[u8]); 5] = [
    ("nothing", b""),
    ("zeros", &[0; 4_096]),
    ("a web page", b"<!DOCTYPE html>\n<html><title>Log in</title></html>\n"),
    ("a pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"),
    ("an answer", b"{\"title\":\"Unauthorized\",\"status\":401}"),
];

/// What systems leave behind.
const STRAYS: [&str; 22] = [
    ".DS_Store",
    "._checkpoint",
    "tile/._entries",
    "tile/entries/.DS_Store",
    ".Spotlight-V100/Store-V2/0/.store.db",
    ".Trashes/501/x",
    ".fseventsd/fseventsd-uuid",
    "__MACOSX/._bundle",
    "Thumbs.db",
    "desktop.ini",
    "System Volume Information/WPSettings.dat",
    "$RECYCLE.BIN/S-1-5-21/desktop.ini",
    "FOUND.000/FILE0000.CHK",
    ".directory",
    ".nfs0000000000a1b2c300000001",
    "lost+found/#12345",
    ".Trash-1000/files/x",
    "~$policy",
    ".~lock.policy#",
    ".policy.swp",
    "policy~",
    "4913",
];

/// A name of each kind that the list has, in each folder of these files and in a folder of its own below it.
fn every_stray(files: &Memory) -> Vec<String> {
    let mut folders: Vec<String> = files.names().iter().flat_map(|path| above(path)).collect();
    folders.sort_unstable();
    folders.dedup();
    let names = strays::names().map(|name| name.replace('*', "x1").replace('?', "7").replace('%', "b"));
    let names: Vec<String> = names.collect();
    let mut all = Vec::new();
    for folder in &folders {
        // Content by its place: it would be a checkpoint of the log.
        let here = names.iter().filter(|name| !(folder == "checkpoints/" && name.as_str() == "4913"));
        // As a file, or as a folder with something in it, in turn.
        all.extend(here.enumerate().map(|(number, name)| match (number + folder.len()) % 2 {
            0 => format!("{folder}{name}"),
            _ => format!("{folder}{name}/x/y"),
        }));
    }
    all
}

/// The folders that a path lies in, each with its last stroke; the first has no name.
fn above(path: &str) -> Vec<String> {
    let below = path.match_indices('/').map(|(at, _)| path[..=at].to_owned());
    std::iter::once(String::new()).chain(below).collect()
}

type Change = Box<dyn Fn(&mut Memory)>;

fn bent(bundle: &mut Memory, path: &str, at: usize) {
    let mut bytes = bundle.get(path).to_vec();
    bytes[at] ^= 1;
    bundle.put(path, bytes);
}

/// Mishaps of a bundle's folder, and what each comes to.
fn copies(small: &Small) -> Vec<(String, Change, i32)> {
    let mut rows: Vec<(String, Change, i32)> = Vec::new();
    let mut row = |name: String, want: i32, change: Change| rows.push((name, change, want));
    let tile = |level: Option<u8>| Tile { level, index: 0, width: small.size }.path();
    let (entries, hashes, older) = (tile(None), tile(Some(0)), small.older.clone());
    let kept = small.bundle.names().into_iter().find(|path| path.starts_with("checkpoints/")).unwrap();
    let document = small.bundle.names().into_iter().find(|path| path.starts_with("documents/")).unwrap();
    row("as it is".to_owned(), HOLDS, Box::new(|_| {}));
    row("what systems leave behind, in every folder".to_owned(), HOLDS, {
        Box::new(|b| {
            let folders = ["", "checkpoints/", "documents/", "tile/", "tile/0/", "tile/entries/"];
            let names = [
                ".DS_Store",
                "._26",
                "desktop.ini",
                "Thumbs.db",
                "26~",
                "26.part",
                "26:Zone.Identifier",
                ".nomedia",
                ".git/HEAD",
                ".26.Ab12Cd",
                "26.filepart",
                ".sync/ID",
                ".picasa.ini",
                "desktop.ini:x",
            ];
            folders.iter().for_each(|at| names.iter().for_each(|name| b.put(&format!("{at}{name}"), b"x".to_vec())));
        })
    });
    row(
        "each kind that the list has, in every folder".to_owned(),
        HOLDS,
        Box::new(|b| every_stray(&b.clone()).iter().for_each(|path| b.put(path, b"left behind".to_vec()))),
    );
    let opened = small.openings.clone();
    row(
        "openings in it, and each kind that the list has in every folder".to_owned(),
        HOLDS,
        Box::new(move |b| {
            opened.names().iter().for_each(|path| b.put(&format!("openings/{path}"), opened.get(path).to_vec()));
            b.manifest();
            every_stray(&b.clone()).iter().for_each(|path| b.put(path, b"left behind".to_vec()));
        }),
    );
    let (entries_of_it, middle_of_it) = (entries.clone(), small.bundle.get(&entries).len() / 2);
    row(
        "each kind that the list has, in every folder, and a lie".to_owned(),
        LIE,
        Box::new(move |b| {
            bent(b, &entries_of_it, middle_of_it);
            b.manifest();
            every_stray(&b.clone()).iter().for_each(|path| b.put(path, b"left behind".to_vec()));
        }),
    );
    row(
        "what systems leave behind".to_owned(),
        HOLDS,
        Box::new(|b| STRAYS.iter().for_each(|path| b.put(path, b"left behind".to_vec()))),
    );
    for path in ["manifest", "checkpoint", "policy", kept.as_str(), document.as_str()] {
        for (way, change) in ways() {
            let path = path.to_owned();
            row(format!("{path}: {way}"), UNTOLD, Box::new(move |b| b.put(&path, change(b.get(&path)))));
        }
        for (what, bytes) in PLACES {
            let path = path.to_owned();
            row(format!("{path}: {what} in its place"), UNTOLD, Box::new(move |b| b.put(&path, bytes.to_vec())));
        }
        let path = path.to_owned();
        row(
            format!("{path}: cut"),
            UNTOLD,
            Box::new(move |b| b.put(&path, b.get(&path)[..b.get(&path).len() * 2 / 3 - 1].to_vec())),
        );
    }
    for path in [&entries, &hashes] {
        let (a, b, c) = (path.clone(), path.clone(), path.clone());
        row(format!("{path}: empty"), UNTOLD, Box::new(move |m| m.put(&a, Vec::new())));
        row(format!("{path}: cut"), UNTOLD, Box::new(move |m| m.put(&b, m.get(&b)[..m.get(&b).len() / 2].to_vec())));
        row(
            format!("{path}: its end is zeros"),
            UNTOLD,
            Box::new(move |m| {
                let mut bytes = m.get(&c).to_vec();
                let half = bytes.len() / 2 / 512 * 512;
                bytes[half..].fill(0);
                m.put(&c, bytes);
            }),
        );
    }
    for path in ["manifest", "checkpoint", "policy", &kept, &document, &entries, &hashes] {
        let path = path.to_owned();
        row(format!("{path} is missing"), UNTOLD, Box::new(move |b| drop(b.remove(&path))));
    }
    row("half of it is missing".to_owned(), UNTOLD, {
        Box::new(|b| b.names().iter().step_by(2).for_each(|path| drop(b.remove(path))))
    });
    // What is whole of a file stands in it, and more or less besides.
    let sector = |bytes: &[u8], from: usize| {
        let mut bytes = bytes.to_vec();
        let end = bytes.len().min(from + 512);
        bytes[from..end].fill(0);
        bytes
    };
    let crcrlf = |bytes: &[u8]| -> Vec<u8> {
        let one = |b: &u8| if *b == b'\n' { b"\r\r\n".to_vec() } else { vec![*b] };
        bytes.iter().flat_map(one).collect()
    };
    for path in ["manifest", "checkpoint", "policy", &kept, &document, &entries, &hashes] {
        let mut changes: Vec<OfFile> = vec![
            ("twice", Box::new(|b| [b, b].concat())),
            ("a line end and a Ctrl-Z after it", Box::new(|b| [b, b"\r\n\x1a"].concat())),
            ("a sector of zeros after it", Box::new(|b| [b, &[0; 512]].concat())),
            ("CR CR LF", Box::new(crcrlf)),
            (
                "sent as text",
                Box::new(|b| b.iter().flat_map(|b| if *b == b'\n' { vec![13, 10] } else { vec![*b] }).collect()),
            ),
            ("its first sector is zeros", Box::new(move |b| sector(b, 0))),
        ];
        if small.bundle.get(path).len() > 1_536 {
            changes.push(("a sector of it is zeros", Box::new(move |b| sector(b, 512))));
        }
        for (what, change) in changes {
            let path = path.to_owned();
            row(format!("{path}: {what}"), UNTOLD, Box::new(move |b| b.put(&path, change(b.get(&path)))));
        }
    }
    row("everything was sent as text".to_owned(), UNTOLD, {
        Box::new(|b| {
            for path in b.names() {
                let one = |b: &u8| if *b == b'\n' { vec![13, 10] } else { vec![*b] };
                b.put(&path, b.get(&path).iter().flat_map(one).collect());
            }
        })
    });
    for length in [1, 30, 64, 65, 66, 70] {
        row(format!("the manifest's first {length} bytes"), UNTOLD, {
            Box::new(move |b| b.put("manifest", b.get("manifest")[..length].to_vec()))
        });
    }
    row("the policy without its last line".to_owned(), UNTOLD, {
        Box::new(|b| b.put("policy", b.get("policy").split_inclusive(|b| *b == b'\n').next().unwrap().to_vec()))
    });
    let (a, b) = (entries.clone(), hashes.clone());
    row("the manifest is missing, and tiles are cut".to_owned(), UNTOLD, {
        Box::new(move |m| {
            m.remove("manifest");
            m.put(&a, m.get(&a)[..m.get(&a).len() / 2].to_vec());
            m.put(&b, m.get(&b)[..m.get(&b).len() / 2].to_vec());
        })
    });
    for end in [" (1)", " - Copy", ".txt", ".bak"] {
        let path = kept.clone();
        row(format!("{path}{end} beside it"), UNTOLD, {
            Box::new(move |b| b.put(&format!("{path}{end}"), b.get(&path).to_vec()))
        });
    }
    for name in ["bundle.zip", "cso-league.pack", "mine/r1.tlog-proof"] {
        row(format!("{name} in it"), UNTOLD, Box::new(move |b| b.put(name, b"left here".to_vec())));
    }
    row("another bundle in it".to_owned(), UNTOLD, {
        Box::new(|b| b.clone().names().iter().for_each(|path| b.put(&format!("old/{path}"), b.get(path).to_vec())))
    });
    row("a policy that does not read, and the manifest made to fit".to_owned(), HOLDS, {
        Box::new(|b| {
            b.put("policy", b"policy?\n".to_vec());
            b.manifest();
        })
    });
    for name in ["checkpoint (1)", "manifest - Copy", "Copy of checkpoint", "policy.bak"] {
        let path = ["checkpoint", "manifest", "policy"].into_iter().find(|path| name.contains(path)).unwrap();
        row(format!("{name} beside {path}"), UNTOLD, Box::new(move |b| b.put(name, b.get(path).to_vec())));
    }
    // Two days in one folder.
    let from = |path: &'static str, older: &Memory| -> Change {
        let bytes = older.get(path).to_vec();
        Box::new(move |b| b.put(path, bytes.clone()))
    };
    row("an older checkpoint".to_owned(), UNTOLD, from("checkpoint", &older));
    row("an older manifest".to_owned(), UNTOLD, from("manifest", &older));
    let whole = older.clone();
    row(
        "laid over an older copy".to_owned(),
        UNTOLD,
        Box::new(move |b| {
            for path in whole.names().into_iter().filter(|path| Tile::of_path(path).is_some()) {
                b.put(&path, whole.get(&path).to_vec());
            }
        }),
    );
    for (name, files) in [
        ("the manifest alone arrived of the newer", &["manifest"][..]),
        ("the checkpoint alone arrived of the newer", &["checkpoint"]),
        ("manifest and checkpoint arrived of the newer", &["manifest", "checkpoint"]),
    ] {
        let older = older.clone();
        row(
            name.to_owned(),
            UNTOLD,
            Box::new(move |b| {
                let newer = std::mem::replace(b, older.clone());
                files.iter().for_each(|path| b.put(path, newer.get(path).to_vec()));
            }),
        );
    }
    // Lies, and what has no cause, stay what they are, whatever else happened.
    let middle = small.bundle.get(&entries).len() / 2;
    let bend = {
        let entries = entries.clone();
        move |b: &mut Memory| bent(b, &entries, middle)
    };
    let (a, b, c, d) = (bend.clone(), bend.clone(), bend.clone(), bend.clone());
    row("a bit of an entry".to_owned(), LIE, Box::new(move |m| a(m)));
    row(
        "a bit of an entry, and the manifest made to fit".to_owned(),
        LIE,
        Box::new(move |m| {
            b(m);
            m.manifest();
        }),
    );
    row(
        "a bit of an entry, the manifest made to fit, and left behind things".to_owned(),
        LIE,
        Box::new(move |m| {
            c(m);
            m.manifest();
            m.put(".DS_Store", Vec::new());
        }),
    );
    row(
        "a bit of an entry, the manifest made to fit, and the checkpoint with CR LF".to_owned(),
        LIE,
        Box::new(move |m| {
            d(m);
            m.manifest();
            let text = String::from_utf8(m.get("checkpoint").to_vec()).unwrap();
            m.put("checkpoint", text.replace('\n', "\r\n").into_bytes());
        }),
    );
    let gone = kept.clone();
    row(
        "a bit of an entry, the manifest made to fit, and a file missing".to_owned(),
        LIE,
        Box::new(move |m| {
            bend(m);
            m.manifest();
            m.remove(&gone);
        }),
    );
    let path = hashes.clone();
    row("a bit of a hash".to_owned(), LIE, Box::new(move |m| bent(m, &path, 40)));
    row("a bit of the policy".to_owned(), LIE, Box::new(|m| bent(m, "policy", 10)));
    let path = document.clone();
    row("a bit of a document".to_owned(), LIE, Box::new(move |m| bent(m, &path, 10)));
    let path = kept.clone();
    row(
        "a kept root, and the manifest made to fit".to_owned(),
        LIE,
        Box::new(move |m| {
            let text = String::from_utf8(m.get(&path).to_vec()).unwrap();
            let at = text.match_indices('\n').nth(1).unwrap().0 + 3;
            let mut bytes = text.into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            m.put(&path, bytes);
            m.manifest();
        }),
    );
    row("a file that nobody knows".to_owned(), LIE, Box::new(|m| m.put("notes.txt", b"mine".to_vec())));
    // It looks like what an editor leaves behind, and would be a checkpoint of the log.
    row("content by its place".to_owned(), LIE, Box::new(|m| m.put("checkpoints/4913", b"hidden".to_vec())));
    rows
}

/// What the page says, as an exit code: `bundles` are folders, or archives and single files.
fn judged(page: &Page, given: &[Value], policy: &str) -> Vec<(i32, String)> {
    let script = "
        const lines = [];
        for (const one of given.files) {
            const file = typeof one === 'string' ? raw(one) : Object.fromEntries(Object.entries(one).map(([path, text]) => [path, raw(text)]));
            const { verdict, code, strays } = await window.verifier.judge(file, given.policy);
            const exit = { verified: 0, partly: 0, not_verified: 1, proven: 1, cannot_tell: 2, not_proven: 2 }[verdict];
            lines.push(`${exit} ${code ?? '-'} ${(strays ?? []).length}`);
        }
        return lines;";
    let said = page.run(script, &json!({ "files": given, "policy": policy }));
    assert_eq!(said.len(), given.len(), "{said:?}");
    said.into_iter().map(|line| (line[..1].parse().unwrap_or(-1), line)).collect()
}

fn folder(files: &Memory) -> Value {
    let files = files.names().into_iter().map(|path| (path.clone(), bytes(files.get(&path))));
    Value::Object(files.collect())
}

/// Policy, and a place for what the projector writes.
struct Desk {
    folder: TempDir,
    policy: PathBuf,
}

impl Desk {
    fn new(policy: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("policy");
        std::fs::write(&path, policy).unwrap();
        Self { folder, policy: path }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, files: &Memory) -> PathBuf {
        let path = self.path(name);
        files.store(&path).unwrap();
        path
    }

    /// What the command and the projector say of a bundle.
    fn say(&self, bundle: &Path, more: &[&Path]) -> [(i32, String); 2] {
        let out = self.path("out");
        let check = [&[Path::new("check"), bundle, Path::new("--policy"), &self.policy], more].concat();
        let audience = if more.is_empty() { "public" } else { "oversight" };
        let report = ["report", "--audience", audience, "--bundle"].map(Path::new);
        let report =
            [&report[..], &[bundle, Path::new("--policy"), &self.policy, Path::new("--out"), &out], more].concat();
        [run("verifier", &check), run("projector", &report)]
    }
}

#[test]
fn command_page_and_projector_agree_on_what_happened_to_a_bundle() {
    let small = small();
    let desk = Desk::new(&small.policy);
    let rows = copies(&small);
    let changed: Vec<Memory> = rows
        .iter()
        .map(|(_, change, _)| {
            let mut bundle = small.bundle.clone();
            change(&mut bundle);
            bundle
        })
        .collect();
    let folders: Vec<Value> = changed.iter().map(folder).collect();
    let page = judged(&Page::open(), &folders, &small.policy);
    let mut wrong = Vec::new();
    for (number, ((name, _, want), (bundle, page))) in rows.iter().zip(changed.iter().zip(&page)).enumerate() {
        let [check, report] = desk.say(&desk.put(&number.to_string(), bundle), &[]);
        if [check.0, report.0, page.0] != [*want; 3] {
            wrong.push(format!(
                "{name}: want {want}, got {} {} {}\n{}\n{}\n{}",
                check.0, report.0, page.0, check.1, report.1, page.1
            ));
        }
        if *want == UNTOLD && (check.1.contains("keep it as evidence and") || !check.1.contains("Cannot tell: ")) {
            wrong.push(format!("{name}: {}", check.1));
        }
        if name == "what systems leave behind" {
            let count = STRAYS.len();
            assert!(check.1.contains(&format!("not looked at: {count} (")), "{}", check.1);
            assert!(page.1.ends_with(&format!(" {count}")), "{}", page.1);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n\n"));
    assert!(rows.len() > 80, "{}", rows.len());
}

#[test]
fn a_folder_beside_the_bundle_is_not_a_broken_bundle() {
    let small = small();
    let desk = Desk::new(&small.policy);
    let below = |prefix: &str| {
        let mut files = Memory::default();
        small
            .bundle
            .names()
            .iter()
            .for_each(|path| files.put(&format!("{prefix}{path}"), small.bundle.get(path).to_vec()));
        files
    };
    let mut packed = Memory::default();
    packed.put("bundle.tar", archive(&small.bundle, None));
    let mut two = below("monday/");
    below("tuesday/").names().iter().for_each(|path| two.put(path, below("tuesday/").get(path).to_vec()));
    let mut strays = Memory::default();
    strays.put(".DS_Store", Vec::new());
    let mut other = Memory::default();
    other.put("letter.txt", b"x".to_vec());
    let mut registers = Memory::default();
    registers.put("parties.csv", b"x".to_vec());
    registers.put("registers/fac/visit.completed.csv", b"x".to_vec());
    let rows = [
        ("one below", below("bundle/"), "there is one in"),
        ("two below", below("stick/bundle/"), "there is one in"),
        ("several below", two, "several below it"),
        ("an archive in it", packed, "bundle.tar"),
        ("what systems leave behind alone", strays, "the folder is empty"),
        ("something else", other, "a bundle has a manifest"),
        ("a country", registers, "a bundle has a manifest"),
    ];
    let folders: Vec<Value> = rows.iter().map(|(_, files, _)| folder(files)).collect();
    let page = judged(&Page::open(), &folders, &small.policy);
    for (number, ((name, files, words), page)) in rows.iter().zip(&page).enumerate() {
        let path = desk.put(&format!("near-{number}"), files);
        let [check, report] = desk.say(&path, &[]);
        assert_eq!([check.0, report.0, page.0], [UNTOLD; 3], "{name}: {check:?} {report:?} {page:?}");
        for said in [&check.1, &report.1] {
            assert!(said.contains(words), "{name}: {said}");
        }
        assert!(page.1.contains("folder-"), "{name}: {}", page.1);
    }
    // Inside a bundle the bundle is above.
    let bundle = desk.put("whole", &small.bundle);
    for [check, report] in ["tile", "tile/entries", "checkpoints"].map(|below| desk.say(&bundle.join(below), &[])) {
        assert_eq!([check.0, report.0], [UNTOLD; 2], "{check:?} {report:?}");
        assert!(check.1.contains("a part of a bundle, which seems to be"), "{}", check.1);
    }
    let empty = desk.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let [check, report] = desk.say(&empty, &[]);
    assert_eq!([check.0, report.0], [UNTOLD; 2], "{check:?} {report:?}");
}

#[test]
fn openings_are_told_apart_from_what_happened_to_them() {
    let small = small();
    let desk = Desk::new(&small.policy);
    let bundle = desk.put("bundle", &small.bundle);
    let all = lines(&small.openings);
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut all = all.clone();
        change(&mut all);
        openings(&all)
    };
    let mut rows: Vec<(String, Memory, i32, &str)> = Vec::new();
    rows.push(("as they are".to_owned(), small.openings.clone(), HOLDS, "open, "));
    let mut strays = small.openings.clone();
    STRAYS.iter().for_each(|path| strays.put(path, Vec::new()));
    rows.push(("left behind".to_owned(), strays, HOLDS, "open, "));
    let mut strays = small.openings.clone();
    every_stray(&small.openings).iter().for_each(|path| strays.put(path, b"{}\n".to_vec()));
    rows.push(("each kind that the list has".to_owned(), strays, HOLDS, "open, "));
    for (way, change) in ways() {
        let mut changed = small.openings.clone();
        changed.put("000", change(small.openings.get("000")));
        // The last line is empty: one less, or one more, are other days.
        let words = match way {
            "a line end more" => "of a later day",
            "no last line end" => "of an earlier day",
            _ => "changed on their way",
        };
        rows.push((way.to_owned(), changed, UNTOLD, words));
    }
    for (what, bytes) in PLACES {
        let mut changed = small.openings.clone();
        changed.put("000", bytes.to_vec());
        let words = if bytes.is_empty() { "of an earlier day" } else { "changed on their way" };
        rows.push((format!("{what} in their place"), changed, UNTOLD, words));
    }
    let mut cut = small.openings.clone();
    let end = cut.get("000").iter().rposition(|b| *b == b'}').unwrap();
    cut.put("000", cut.get("000")[..end - 20].to_vec());
    rows.push(("cut within a line".to_owned(), cut, UNTOLD, "it breaks off within a line"));
    let first = all.iter().position(|line| !line.is_empty()).unwrap();
    let older = with(&|all| all.truncate(first + 1));
    rows.push(("of an earlier day".to_owned(), older, UNTOLD, "those of the entries before it fit"));
    let newer = with(&|all| all.push(String::new()));
    rows.push(("of a later day".to_owned(), newer, UNTOLD, "those of its own entries fit"));
    let mut below = Memory::default();
    below.put("openings/000", small.openings.get("000").to_vec());
    rows.push(("one below".to_owned(), below, UNTOLD, "there is one in"));
    rows.push(("a bundle in their place".to_owned(), small.bundle.clone(), UNTOLD, "openings have files 000"));
    let text = small.openings.get("000").to_vec();
    let mut zeroed = text.clone();
    let middle = text.len() / 2;
    zeroed[middle..middle + 20].fill(0);
    let one = |b: &u8| if *b == b'\n' { b"\r\r\n".to_vec() } else { vec![*b] };
    for (name, bytes, words) in [
        ("blank lines before them", [b"\n\n", &text[..]].concat(), "blank lines were put before it"),
        ("twice", [&text[..], &text[..]].concat(), "it stands there twice"),
        ("CR CR LF", text.iter().flat_map(one).collect(), "CR LF"),
        ("zeros in their middle", zeroed, "a part of it is zeros"),
        ("keys of openings", b"{\"opening_key\":\"AAAA\"}\n".repeat(3), "no openings of this log"),
        ("noise", b"\x8b\x01\xfe\n\x03".repeat(9), "no openings of this log"),
    ] {
        let mut changed = small.openings.clone();
        changed.put("000", bytes);
        rows.push((name.to_owned(), changed, UNTOLD, words));
    }
    rows.push(("another log's".to_owned(), World::velmora().openings, UNTOLD, "no openings of this log"));
    let second = all.iter().rposition(|line| !line.is_empty()).unwrap();
    rows.push(("two of them swapped".to_owned(), with(&|all| all.swap(first, second)), LIE, "openings"));
    let older_and_bent = with(&|all| {
        all.swap(first, second);
        all.truncate(first + 1);
    });
    rows.push(("of an earlier day, and another's".to_owned(), older_and_bent, LIE, "openings"));
    for (number, (name, files, want, words)) in rows.iter().enumerate() {
        let folder = desk.put(&format!("openings-{number}"), files);
        let [check, report] = desk.say(&bundle, &[Path::new("--openings"), &folder]);
        assert_eq!([check.0, report.0], [*want; 2], "{name}: {check:?} {report:?}");
        assert!(check.1.contains(words), "{name}: {}", check.1);
        assert_eq!(check.1.contains("FAULT"), *want == LIE, "{name}: {}", check.1);
    }
}

#[test]
fn an_audience_is_named_as_the_log_names_it() {
    let world = World::golden();
    let small = small_of(&world);
    let desk = Desk::new(&small.policy);
    let (bundle, openings) = (desk.put("bundle", &small.bundle), desk.put("openings", &small.openings));
    let pseudonym = world.pseudonyms.party("cso-y");
    assert_ne!(pseudonym, "cso-y");
    for (audience, known) in [
        ("public", true),
        ("oversight", true),
        ("cso-x", true),
        (pseudonym, true),
        // Nothing would be withheld from somebody whom nobody knows: it is asked, and the name is not looked up.
        ("cso-y", false),
        ("Blue House", false),
        ("CSO-X", false),
        (" cso-x", false),
        ("cso-x/x1", false),
        ("nobody", false),
        ("", false),
        ("\u{202e}x-osc", false),
    ] {
        let arguments =
            [Path::new("check"), &bundle, Path::new("--policy"), &desk.policy, Path::new("--openings"), &openings];
        let (code, said) = run("verifier", &[&arguments[..], &[Path::new("--audience"), Path::new(audience)]].concat());
        let says = said.contains("the log knows no party");
        assert_eq!((code, says), if known { (HOLDS, false) } else { (UNTOLD, true) }, "{audience:?}: {said}");
        assert!(known || said.contains("goes by its pseudonym, which its own packs and receipts show"), "{said}");
        assert!(!said.contains('\u{202e}') && !said.contains("FAULT"), "{audience:?}: {said}");
        // Who it is stands nowhere but in what was typed.
        assert!(audience == "Blue House" || !said.contains("Blue House"), "{audience:?}: {said}");
    }
}

/// Files of an archive as somebody packs them.
fn packed_by_hand(files: &Memory, prefix: &str, first: Option<u8>) -> Vec<u8> {
    let mut renamed = Memory::default();
    files.names().iter().for_each(|path| renamed.put(&format!("{prefix}{path}"), files.get(path).to_vec()));
    let plain = archive(&renamed, None);
    let Some(kind) = first else { return plain };
    // The header of a folder, or of the further values of macOS and GNU.
    let mut head = plain[..512].to_vec();
    head[..100].fill(0);
    head[..7].copy_from_slice(b"bundle/");
    head[124..136].copy_from_slice(b"00000000000\0");
    head[156] = kind;
    head[148..156].copy_from_slice(b"        ");
    let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
    head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    [head, plain].concat()
}

#[test]
fn archives_that_were_packed_by_hand_say_what_to_do() {
    let small = small();
    let desk = Desk::new(&small.policy);
    let plain = archive(&small.bundle, None);
    let mut strays = small.bundle.clone();
    ["._checkpoint", ".DS_Store", "tile/Thumbs.db"].iter().for_each(|path| strays.put(path, b"x".to_vec()));
    let mut every = small.bundle.clone();
    every_stray(&small.bundle).iter().for_each(|path| every.put(path, b"x".to_vec()));
    // With openings in it, as the ledger hands them to one party in one file.
    let mut opened = small.bundle.clone();
    small
        .openings
        .names()
        .iter()
        .for_each(|path| opened.put(&format!("openings/{path}"), small.openings.get(path).to_vec()));
    opened.manifest();
    every_stray(&opened.clone()).iter().for_each(|path| opened.put(path, b"x".to_vec()));
    assert!(opened.has("openings/.ds_store") || opened.has("openings/.ds_store/x/y"));
    let mut lie = small.bundle.clone();
    let entries = Tile { level: None, index: 0, width: small.size }.path();
    bent(&mut lie, &entries, 3_000);
    lie.manifest();
    let mut lie_among = lie.clone();
    every_stray(&small.bundle).iter().for_each(|path| lie_among.put(path, b"x".to_vec()));
    let unpack = "npack";
    let stripped = plain[..=plain.iter().rposition(|b| *b != 0).unwrap()].to_vec();
    let rows = [
        ("as the ledger makes it", plain.clone(), HOLDS, "Verified"),
        ("with what systems leave behind", archive(&strays, None), HOLDS, "not looked at: 3"),
        ("with each kind that the list has, in every folder", archive(&every, None), HOLDS, "not looked at: "),
        ("with openings and each kind", archive(&opened, None), HOLDS, "not looked at: "),
        ("a lie among them", archive(&lie_among, None), LIE, "keep it as evidence"),
        ("a folder in it", packed_by_hand(&small.bundle, "bundle/", Some(b'5')), UNTOLD, unpack),
        ("further values of macOS", packed_by_hand(&small.bundle, "", Some(b'x')), UNTOLD, unpack),
        ("paths that begin with a dot", packed_by_hand(&small.bundle, "./", None), UNTOLD, unpack),
        ("in a folder", packed_by_hand(&small.bundle, "bundle/", None), UNTOLD, unpack),
        ("cut", plain[..plain.len() / 2 - 100].to_vec(), UNTOLD, "again"),
        ("packed with gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03".to_vec(), UNTOLD, unpack),
        ("a zip", b"PK\x03\x04\x14\x00\x00\x00".to_vec(), UNTOLD, unpack),
        ("a 7z", b"7z\xbc\xaf\x27\x1c\x00\x04".to_vec(), UNTOLD, unpack),
        ("a rar", b"Rar!\x1a\x07\x01\x00".to_vec(), UNTOLD, unpack),
        ("its last zeros stripped", stripped, HOLDS, "Verified"),
        ("twice", [&plain[..], &plain[..]].concat(), HOLDS, "Verified"),
        ("noise after its end", [&plain[..], b"noise"].concat(), HOLDS, "Verified"),
        ("a lie in it", archive(&lie, None), LIE, "keep it as evidence"),
    ];
    let files: Vec<Value> = rows.iter().map(|(_, archive, ..)| bytes(archive)).collect();
    let page = judged(&Page::open(), &files, &small.policy);
    for (number, ((name, archive, want, words), page)) in rows.iter().zip(&page).enumerate() {
        let path = desk.path(&format!("{number}.tar"));
        std::fs::write(&path, archive).unwrap();
        let (code, said) = run("verifier", &[Path::new("check"), &path, Path::new("--policy"), &desk.policy]);
        assert_eq!([code, page.0], [*want; 2], "{name}: {said} {page:?}");
        assert!(said.contains(words), "{name}: {said}");
        // The projector reads folders, and says what to do.
        let [_, (code, said)] = desk.say(&path, &[]);
        assert_eq!(code, UNTOLD, "{name}: {said}");
        assert!(said.contains("not a folder: ") && said.contains(unpack), "{name}: {said}");
    }
}

/// What mail programs, terminals and media do to a text, which cannot always be undone.
fn mangled(file: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = std::str::from_utf8(file).expect("a text");
    let wrapped: Vec<String> = text
        .split('\n')
        .map(|line| {
            let chars: Vec<char> = line.chars().collect();
            chars.chunks(76).map(|chunk| chunk.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
        })
        .collect();
    let mut zeroed = file.to_vec();
    let middle = file.len() / 2;
    zeroed[middle..middle + 40].fill(0);
    vec![
        ("CR CR LF", text.replace('\n', "\r\r\n").into_bytes()),
        ("two byte order marks", format!("\u{feff}\u{feff}{text}").into_bytes()),
        ("twice", text.repeat(2).into_bytes()),
        ("twice, but for the end", [file, &file[..200]].concat()),
        ("question marks for its dashes", text.replace('\u{2014}', "?").into_bytes()),
        ("short dashes", text.replace('\u{2014}', "\u{2013}").into_bytes()),
        ("read as Latin-1", file.iter().map(|b| char::from(*b)).collect::<String>().into_bytes()),
        ("quoted-printable", text.replace('=', "=3D").replace('\u{2014}', "=E2=80=94").into_bytes()),
        ("wrapped", wrapped.join("\n").into_bytes()),
        ("a mail's end", format!("{text}\n-- \nSent from a telephone\n").into_bytes()),
        ("a list's end", format!("{text}_______\nThe list\n").into_bytes()),
        ("a Ctrl-Z, zeros and a line end", [file, b"\x1a\0\0\0\n"].concat()),
        ("every line end doubled", text.replace('\n', "\n\n").into_bytes()),
        ("zeros in its middle", zeroed),
        ("a byte order mark, and cut", [b"\xef\xbb\xbf", &file[..file.len() - 31]].concat()),
    ]
}

#[test]
fn single_files_say_what_happened_to_them() {
    let policy = String::from_utf8(sample("policy")).unwrap();
    let desk = Desk::new(&policy);
    let receipt = String::from_utf8(sample("visit.tlog-proof")).unwrap();
    let checkpoint = receipt.split_once("\n\n").unwrap().1.as_bytes().to_vec();
    let mut rows: Vec<(String, Vec<u8>, i32)> = Vec::new();
    for (name, file) in [
        ("pack", sample("good.pack")),
        ("receipt", sample("visit.tlog-proof")),
        ("refusal", sample("refusal")),
        ("fork", sample("fork")),
        ("checkpoint", checkpoint),
    ] {
        // Evidence that holds proves a lie of the log.
        rows.push((format!("{name} as it is"), file.clone(), if name == "fork" { LIE } else { HOLDS }));
        rows.extend(ways().into_iter().map(|(way, change)| (format!("{name}: {way}"), change(&file), UNTOLD)));
        rows.push((format!("{name}: cut"), file[..file.len() - 30].to_vec(), UNTOLD));
        rows.push((format!("{name}: cut in the middle"), file[..=(file.len() / 2)].to_vec(), UNTOLD));
    }
    for name in ["good.pack", "older.pack", "visit.tlog-proof", "refusal"] {
        let file = sample(name);
        rows.extend(mangled(&file).into_iter().map(|(way, bytes)| (format!("{name}: {way}"), bytes, UNTOLD)));
    }
    // Lines of keys that a cut took from the end.
    let lines: Vec<String> =
        String::from_utf8(sample("good.pack")).unwrap().split_inclusive('\n').map(str::to_owned).collect();
    let keys = lines.iter().position(|line| line.starts_with("{\"key\"")).unwrap();
    rows.extend(
        (1..lines.len()).map(|n| (format!("good.pack: its first {n} lines"), lines[..n].concat().into_bytes(), UNTOLD)),
    );
    let mut dropped = lines.clone();
    dropped.remove(keys);
    rows.push(("good.pack: its first key dropped".to_owned(), dropped.concat().into_bytes(), LIE));
    // What is no file of a ledger.
    for (name, bytes) in [
        ("a text", b"# Title\n\nSome words\n\nand more of them\n".to_vec()),
        ("a table", b"holder,party\n1,2\n3,4\n\n5,6\n".to_vec()),
        ("a private key", b"PRIVATE+KEY+velmora.example/npm/chief-1+a73e9331+AYqI4910CfGV\n".to_vec()),
        ("noise", (0..3_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect()),
    ] {
        rows.push((name.to_owned(), bytes, UNTOLD));
    }
    rows.extend(PLACES.iter().map(|(what, bytes)| ((*what).to_owned(), bytes.to_vec(), UNTOLD)));
    for (name, change) in ways() {
        rows.push((format!("dropped.pack: {name}"), change(&sample("dropped.pack")), LIE));
    }
    let files: Vec<Value> = rows.iter().map(|(_, file, _)| bytes(file)).collect();
    let page = judged(&Page::open(), &files, &policy);
    let mut wrong = Vec::new();
    for (number, ((name, file, want), page)) in rows.iter().zip(&page).enumerate() {
        let path = desk.path(&format!("file-{number}"));
        std::fs::write(&path, file).unwrap();
        let (code, said) = run("verifier", &[Path::new("check"), &path, Path::new("--policy"), &desk.policy]);
        if [code, page.0] != [*want; 2] {
            wrong.push(format!("{name}: want {want}, got {code} {}: {said} {}", page.0, page.1));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn a_policy_that_an_editor_saved_is_told_how_to_mend_it() {
    let small = small();
    let desk = Desk::new(&small.policy);
    let bundle = desk.put("bundle", &small.bundle);
    let mut rows: Vec<(&str, Vec<u8>, &str)> = ways()
        .into_iter()
        .filter(|(way, _)| *way != "a line end more")
        .map(|(way, change)| (way, change(small.policy.as_bytes()), "Save it as plain text in UTF-8"))
        .collect();
    rows.extend(PLACES.map(|(what, bytes)| (what, bytes.to_vec(), "it ")));
    rows.push(("a pack", sample("good.pack"), "a line reads log, witness, group or quorum"));
    let told = |policy: &Path| {
        let out = desk.path("out");
        let check = run("verifier", &[Path::new("check"), &bundle, Path::new("--policy"), policy]);
        let report = ["report", "--audience", "public", "--bundle"].map(Path::new);
        let report = run(
            "projector",
            &[&report[..], &[&bundle, Path::new("--policy"), policy, Path::new("--out"), &out]].concat(),
        );
        [check, report]
    };
    for (name, policy, words) in &rows {
        let path = desk.path("changed");
        std::fs::write(&path, policy).unwrap();
        for (code, said) in told(&path) {
            assert_eq!(code, UNTOLD, "{name}: {said}");
            assert!(said.contains(words), "{name}: {said}");
        }
    }
    // Something without an end is not read to it.
    for (code, said) in told(Path::new("/dev/zero")) {
        assert_eq!(code, UNTOLD, "{said}");
    }
    // The page says the same of a policy that is given to it.
    let script = "
        const lines = [];
        for (const text of given) {
            choose('policy', [['mine', text]]);
            await settled(() => document.querySelector('.message'), 'a message');
            lines.push(document.querySelector('.message').textContent);
            press('again');
        }
        return lines;";
    let files: Vec<Value> = rows.iter().map(|(_, policy, _)| bytes(policy)).collect();
    let script = format!(
        "choose('choose', [['x', 'x']]); await checked(); {}",
        script.replace("press('again');", "document.querySelector('.message').remove();")
    );
    for ((name, _, words), said) in rows.iter().zip(Page::open().run(&script, &json!(files))) {
        let words = if *words == "it " { "It " } else { words };
        let words = if *name == "a pack" { "" } else { words };
        assert!(said.contains(words) && !said.is_empty(), "{name}: {said}");
    }
}

#[test]
fn a_folder_may_be_chosen_on_the_page_and_what_was_left_behind_is_named() {
    let small = small();
    let mut files = small.bundle.clone();
    files.put(".DS_Store", b"x".to_vec());
    files.put("System Volume Information/WPSettings.dat", b"x".to_vec());
    let mut broken = small.bundle.clone();
    broken.put(
        "checkpoint",
        String::from_utf8(broken.get("checkpoint").to_vec()).unwrap().replace('\n', "\r\n").into_bytes(),
    );
    let script = "
        const lines = [];
        const pick = (name, files) => {
            const chosen = new DataTransfer();
            for (const [path, text] of Object.entries(files)) {
                const file = new File([raw(text)], path.split('/').at(-1));
                chosen.items.add(file);
            }
            const input = document.getElementById('choose-folder');
            input.files = chosen.files;
            [...input.files].forEach((file, i) => Object.defineProperty(file, 'webkitRelativePath', { value: `${name}/${Object.keys(files)[i]}` }));
            input.dispatchEvent(new Event('change'));
        };
        choose('policy', [['mine', given.policy]]);
        await settled(() => shown().includes('You gave the policy'), 'trust');
        for (const lang of ['en', 'fr', 'ar']) {
            press(`lang-${lang}`);
            pick('bundle', given.good);
            await settled(() => document.querySelectorAll('.result').length === 1, 'a verdict');
            lines.push(`${lang} ${result().dataset.kind} ${result().dataset.verdict} ${result().querySelector('.aside')?.textContent.includes('.DS_Store, System Volume Information')}`);
            pick('bundle', given.broken);
            await settled(() => document.querySelectorAll('.result').length === 2, 'a verdict');
            const word = { en: 'its line ends became CR LF', fr: 'ses fins de ligne sont devenues CR LF', ar: 'صارت نهايات أسطره CR LF' }[lang];
            lines.push(`${lang} ${result().dataset.verdict} ${shown().includes(word)}`);
            press('again');
            choose('policy', [['mine', given.policy]]);
            await settled(() => !document.querySelector('.result'), 'the start');
        }
        return lines;";
    let given = json!({ "good": folder(&files), "broken": folder(&broken), "policy": bytes(small.policy.as_bytes()) });
    let wanted = ["en", "fr", "ar"]
        .into_iter()
        .flat_map(|lang| [format!("{lang} bundle verified true"), format!("{lang} cannot_tell true")])
        .collect::<Vec<_>>();
    assert_eq!(Page::open().run(script, &given), wanted);
}

#[test]
fn an_older_whole_log_beside_a_pack_says_how_far_it_reaches() {
    let world = World::golden();
    let small = small_of(&world);
    let folder = Desk::new(&small.policy);
    let desk_of = |files: &Memory, lines: Vec<String>| {
        let note = Note::parse(files.get("checkpoint")).unwrap();
        packs::Desk::new(&world.origin, Pages::of(files).entries, lines, note, &small.policy)
    };
    let all = lines(&small.openings);
    let desk = desk_of(&small.bundle, all.clone());
    let size_of = |files: &Memory| Pages::of(files).entries.len();
    let older_size = size_of(&small.older);
    let older = desk_of(&small.older, all[..older_size].to_vec());
    // The same key's other history: one batch before that it goes elsewhere.
    let mut forge = Forge::of(&world);
    let adoption = forge.at("op/schema.adopted/r1");
    forge.records.remove(adoption);
    let kept = small
        .older
        .names()
        .iter()
        .filter_map(|p| p.strip_prefix("checkpoints/")?.parse::<usize>().ok())
        .collect::<Vec<_>>();
    forge.records.truncate(kept.into_iter().filter(|size| *size < older_size).max().unwrap());
    let draft = forge.draft("data.accessed", "op").with("reader", "op").with("purpose", "audit");
    let said = draft.with("scope", "full_export").signed(&[&forge.key("op", "o1")]);
    forge.add(&said);
    forge.seal();
    let mut other = forge.build();
    other
        .bundle
        .names()
        .iter()
        .filter(|path| !small.bundle.has(path) && path.starts_with("documents/"))
        .for_each(|path| drop(other.bundle.remove(path)));
    other.bundle.remove(verifier::PAGE_NAME);
    other.bundle.manifest();
    let elsewhere = desk_of(&other.bundle, lines(&other.openings));
    let stream = "organisation/cso-x";
    assert!(older.items(stream).len() < desk.items(stream).len() && !older.items(stream).is_empty());
    let made = |desk: &packs::Desk, stream: &str, since: &[u64]| {
        let mut pack = desk.pack(stream, "public");
        pack.since = since.iter().map(|size| desk.since(*size)).collect();
        pack.to_text().into_bytes()
    };
    let [whole, short, split] = [&small.bundle, &small.older, &other.bundle].map(|files| archive(files, None));
    let (now, then, turned) = (desk.size(), older.size(), elsewhere.size());
    let older_words = format!("ends at {then} entries, the pack at {now}");
    let to = |size: u64| format!("omplete up to entry {}: you have recomputed", size - 1);
    let on_page = |size: u64| format!("recomputed the index from the whole log beside it, up to entry {}", size - 1);
    let nobody = "Nobody whom you trust has recomputed it";
    let rows = [
        ("of the same day", &whole, made(&desk, stream, &[]), HOLDS, to(now), "verified", on_page(now)),
        ("of a later day", &whole, made(&older, stream, &[]), HOLDS, to(then), "verified", on_page(then)),
        (
            "of an earlier day",
            &short,
            made(&desk, stream, &[]),
            UNTOLD,
            older_words.clone(),
            "cannot_tell",
            older_words.clone(),
        ),
        (
            "of an earlier day, with a proof",
            &short,
            made(&desk, stream, &[then]),
            HOLDS,
            to(then),
            "verified",
            on_page(then),
        ),
        (
            "of an earlier day, with a proof from another",
            &short,
            made(&desk, stream, &[then - 1]),
            UNTOLD,
            older_words.clone(),
            "cannot_tell",
            older_words.clone(),
        ),
        (
            "of an earlier day, nothing there",
            &short,
            made(&desk, "organisation/nobody", &[]),
            UNTOLD,
            older_words.clone(),
            "cannot_tell",
            older_words,
        ),
        (
            "of an earlier day, nothing there, with a proof",
            &short,
            made(&desk, "organisation/nobody", &[then]),
            HOLDS,
            "No record about".to_owned(),
            "verified",
            String::new(),
        ),
        (
            "of another history, shorter",
            &split,
            made(&desk, stream, &[turned]),
            LIE,
            "evidence".to_owned(),
            "not_verified",
            format!("At size {turned} the two files show two different logs"),
        ),
        (
            "of another history, longer",
            &whole,
            made(&elsewhere, stream, &[]),
            LIE,
            "evidence".to_owned(),
            "not_verified",
            format!("At size {turned} the two files show two different logs"),
        ),
    ];
    let script = "
        const lines = [];
        choose('policy', [['mine', given.policy]]);
        await settled(() => shown().includes('You gave the policy'), 'trust');
        for (const { log, pack, words } of given.rows) {
            for (const files of [[['log.tar', log], ['a.pack', pack]], [['a.pack', pack], ['log.tar', log]]]) {
                choose('choose', files);
                await settled(() => document.querySelectorAll('.result').length === 2 && !document.querySelector('progress'), 'verdicts');
                const of = (kind) => document.querySelector(`.result[data-kind=${kind}]`);
                const text = of('pack').textContent;
                lines.push(`${of('bundle').dataset.verdict} ${of('pack').dataset.verdict} ${text.includes(words) ? 'told' : text}`);
                press('again');
                choose('policy', [['mine', given.policy]]);
                await settled(() => !result() && shown().includes('You gave the policy'), 'the start');
            }
        }
        return lines;";
    let given: Vec<Value> = rows
        .iter()
        .map(|(_, log, pack, _, _, _, words)| json!({ "log": bytes(log), "pack": bytes(pack), "words": words }))
        .collect();
    let page = Page::open().run(script, &json!({ "policy": bytes(small.policy.as_bytes()), "rows": given }));
    assert_eq!(page.len(), rows.len() * 2, "{page:?}");
    for (number, ((name, log, pack, want, words, verdict, _), page)) in rows.iter().zip(page.chunks(2)).enumerate() {
        let (at, beside) = (folder.path(&format!("{number}.pack")), folder.path(&format!("{number}.tar")));
        std::fs::write(&at, pack).unwrap();
        std::fs::write(&beside, log).unwrap();
        let arguments = [Path::new("check"), &at, Path::new("--index"), &beside, Path::new("--policy"), &folder.policy];
        let (code, said) = run("verifier", &arguments);
        assert!(code == *want && said.contains(words), "{name}: {code} {said}");
        // Of two histories each file is evidence against the other.
        let log = if name.starts_with("of another history") { "not_verified" } else { "verified" };
        assert_eq!(page, vec![format!("{log} {verdict} told"); 2], "{name}");
        // Older it says nothing of what came since, and nobody is told that it did.
        assert!(*want != UNTOLD || !said.contains(nobody) && said.contains("get a newer bundle"), "{name}: {said}");
    }
}

#[test]
fn a_manifest_that_lists_what_looks_left_behind_hides_nothing() {
    let small = small();
    let desk = Desk::new(&small.policy);
    let mut bundle = small.bundle.clone();
    bundle.put("Thumbs.db", b"x".to_vec());
    let listed = bundle.names().into_iter().filter(|path| path != manifest::NAME);
    let all = Manifest(listed.map(|path| (path.clone(), Hash::of(&[bundle.get(&path)]))).collect());
    bundle.put(manifest::NAME, all.to_text().into_bytes());
    let page = judged(&Page::open(), &[folder(&bundle)], &small.policy);
    let [check, report] = desk.say(&desk.put("listed", &bundle), &[]);
    assert_eq!([check.0, report.0, page[0].0], [LIE; 3], "{check:?} {report:?} {page:?}");
}
