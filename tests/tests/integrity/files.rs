//! Somebody changes files: every bit, every length, every file taken away, doubled or put there.

use std::time::Instant;

use schemas::manifest;
use schemas::opening::{OpeningLine, Slot};
use tests::forge::{self, Forge, lines};
use tests::memory::Memory;
use verifier::bundle::{NoVisitor, check};
use verifier::report::{Report, Verdict};

use crate::common::{
    assert_named, entries_path, first, golden, names_entry, names_file, on_two_threads, owners, small,
};

fn checked(files: &mut Memory) -> Report {
    check(files, &golden().policy, None, &mut NoVisitor)
}

#[test]
fn the_golden_bundle_holds_and_the_forge_makes_it_byte_for_byte() {
    let world = golden();
    for (bundle, openings) in [(&world.bundle, &world.openings), (&small().bundle, &small().openings)] {
        let report = world.check_open(bundle, openings);
        assert_eq!((report.verdict(), report.faults), (Verdict::Verified, Vec::new()));
    }
    let forged = Forge::of(world).build();
    for path in world.bundle.names() {
        // The forge keeps a checkpoint for every seal, the ledger one for every day.
        if path != manifest::NAME {
            assert_eq!(forged.bundle.get(&path), world.bundle.get(&path), "{path}");
        }
    }
    assert_eq!(forged.openings.get("000"), world.openings.get("000"));
}

#[test]
fn every_single_bit_of_a_small_bundle() {
    let files = &small().bundle;
    let jobs: Vec<(String, usize)> =
        files.names().into_iter().flat_map(|p| (0..files.get(&p).len() * 8).map(move |bit| (p.clone(), bit))).collect();
    let began = Instant::now();
    let longest = on_two_threads(files, &jobs, |bent, (path, bit)| {
        bent.flip(path, *bit);
        let report = checked(bent);
        assert_named(&report, files, path, *bit);
        bent.flip(path, *bit);
    });
    println!("{} bits in {:?}, the longest {longest:?}", jobs.len(), began.elapsed());
}

/// The catalogue is one opaque file to the check: bits of it at every place within a byte and in
/// every block of the hash.
#[test]
fn bits_of_the_catalogue() {
    let files = &golden().bundle;
    let path = files.names().into_iter().find(|p| files.get(p).len() > 100_000).unwrap();
    let jobs: Vec<usize> = (0..files.get(&path).len() * 8).step_by(251).collect();
    on_two_threads(files, &jobs, |bent, bit| {
        bent.flip(&path, *bit);
        assert_named(&checked(bent), files, &path, *bit);
        bent.flip(&path, *bit);
    });
}

#[test]
fn every_length_of_every_file() {
    let files = &small().bundle;
    let jobs: Vec<(String, usize)> = files
        .names()
        .into_iter()
        .flat_map(|p| (0..files.get(&p).len()).map(move |length| (p.clone(), length)))
        .collect();
    let owner = owners(files.get(&entries_path(files)));
    on_two_threads(files, &jobs, |bent, (path, length)| {
        let whole = bent.get(path).to_vec();
        bent.put(path, whole[..*length].to_vec());
        let report = checked(bent);
        bent.put(path, whole);
        assert_ne!(report.exit_code(), 0, "{path} cut to {length} bytes");
        if path == manifest::NAME {
            // Cut at a line's end it reads well, and the files on the other lines are too many.
            assert!(!report.faults.is_empty());
            return;
        }
        assert!(names_file(&report, path), "{path} cut to {length} bytes: {:?}", report.faults);
        if path.starts_with("tile/entries/") {
            assert!(names_entry(&report, owner[*length]), "{path} cut to {length} bytes: {:?}", report.faults);
        }
    });
}

#[test]
fn files_taken_away_emptied_doubled_swapped_or_added() {
    let files = &golden().bundle;
    let names = files.names();
    let caught = |bent: &mut Memory, path: &str, what: &str| {
        let report = checked(bent);
        assert_eq!(report.exit_code(), 1, "{path} {what}");
        assert!(names_file(&report, path), "{path} {what}: {:?}", report.faults);
    };
    for path in &names {
        let bytes = files.get(path).to_vec();
        let mut bent = files.clone();
        bent.remove(path);
        caught(&mut bent, path, "missing");
        bent.put(path, Vec::new());
        if path != manifest::NAME {
            caught(&mut bent, path, "empty");
        }
        assert_eq!(checked(&mut bent).exit_code(), 1);
        let longer = [&bytes, &b"\n"[..]].concat();
        bent.put(path, longer);
        caught(&mut bent, path, "with a line more");
        let doubled = [bytes.clone(), bytes.clone()].concat();
        bent.put(path, doubled);
        caught(&mut bent, path, "twice over");
        for name in
            ["copy", "tile/entries/001", "tile/1/000.p/1", "checkpoints/5", "documents/a", "openings/000", "x/y"]
        {
            let mut bent = files.clone();
            bent.put(name, bytes.clone());
            caught(&mut bent, name, "there as well");
        }
        for other in names.iter().filter(|other| *other > path && files.get(other) != bytes) {
            let mut bent = files.clone();
            bent.put(path, files.get(other).to_vec());
            bent.put(other, bytes.clone());
            let report = checked(&mut bent);
            assert_eq!(report.exit_code(), 1, "{path} for {other}");
            assert!(names_file(&report, path) || names_file(&report, other), "{path} for {other}: {:?}", report.faults);
        }
    }
    assert_eq!(checked(&mut Memory::default()).exit_code(), 1, "nothing at all");
}

#[test]
fn every_bit_and_every_length_of_the_openings() {
    let world = golden();
    let (files, openings) = (&small().bundle, &small().openings);
    let lines: Vec<u64> = owners_of_lines(openings.get("000"));
    // A bit of each byte, in turn: a line is checked whole, by digests and by its one spelling.
    let jobs: Vec<usize> = (0..lines.len()).map(|byte| byte * 8 + byte % 8).collect();
    let open = |bent: &mut Memory| check(&mut files.clone(), &world.policy, Some(bent), &mut NoVisitor);
    let sampled: Vec<usize> = jobs.iter().copied().step_by(67).collect();
    on_two_threads(openings, &sampled, |bent, bit| {
        bent.flip("000", *bit);
        let report = open(bent);
        bent.flip("000", *bit);
        let fault = first(&report);
        let entry = lines[bit / 8];
        // Between two lines the end of one is the beginning of the other.
        let near =
            fault.position().is_some_and(|p| p == entry || p == entry + 1) || fault.path() == Some("openings/000");
        assert!(near, "bit {bit} of the openings, entry {entry}: {fault}");
    });
    let ends = ends_of_lines(openings.get("000"));
    let lengths: Vec<usize> = (0..lines.len()).step_by(211).chain(ends.iter().copied()).collect();
    on_two_threads(openings, &lengths, |bent, length| {
        let whole = bent.get("000").to_vec();
        bent.put("000", whole[..*length].to_vec());
        let report = open(bent);
        bent.put("000", whole);
        // Whole lines may be those of an earlier day.
        let want = if *length == 0 || ends.contains(length) { 2 } else { 1 };
        assert_eq!(report.exit_code(), want, "openings cut to {length} bytes");
    });
    let report = open(&mut Memory::default());
    assert_eq!(report.exit_code(), 0, "openings may be withheld: {:?}", report.faults);
}

#[test]
fn openings_of_another_day_than_the_bundle_tell_nothing() {
    let world = golden();
    let (size, openings) = (lines(&small().openings).len() as u64, &small().openings);
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut all = lines(openings);
        change(&mut all);
        let report = world.check_open(&small().bundle, &forge::openings(&all));
        (report.exit_code(), report.unknown.join(" "), report.faults)
    };
    let first = lines(openings).into_iter().position(|line| !line.is_empty()).unwrap();
    let moved = |line: &str, entry: u64| OpeningLine { entry, ..OpeningLine::parse(line).unwrap() }.to_json();
    let next = moved(&lines(openings)[first], size);
    let (code, unknown, _) = with(&|all| all.push(next.clone()));
    assert_eq!(code, 2);
    assert!(unknown.contains(&format!("of a later day than the bundle: they speak of what came after its {size} ent")));
    assert_eq!(with(&|all| all.extend([String::new(), moved(&next, size + 1)])).0, 2);
    let (code, unknown, _) = with(&|all| all.truncate(first));
    assert_eq!(code, 2);
    assert!(unknown.contains(&format!("of an earlier day than the bundle: they end before entry {first} of {size}")));
    // Erased since, by an entry that this reader does not have.
    let erased_by = |all: &mut Vec<String>, by: u64| {
        let mut line = OpeningLine::parse(&all[first]).unwrap();
        line.slots[0] = Slot::ErasedBy(by);
        all[first] = line.to_json();
    };
    assert_eq!(with(&|all| erased_by(all, size)).0, 2);
    // What is of no day.
    let stranger = moved(&next, size + 2);
    for wrong in ["x", &stranger, &next[1..]] {
        let (code, _, faults) = with(&|all| all.push(wrong.to_owned()));
        assert_eq!((code, faults[0].path()), (1, Some("openings/000")), "{wrong}");
    }
    assert_eq!(with(&|all| erased_by(all, size - 1)).0, 1);
    // Within a bundle the openings are its own.
    let mut bundle = small().bundle.clone();
    let mut all = lines(openings);
    all.push(next.clone());
    bundle.put("openings/000", forge::openings(&all).get("000").to_vec());
    bundle.manifest();
    assert_eq!(checked(&mut bundle).exit_code(), 1);
}

fn owners_of_lines(bytes: &[u8]) -> Vec<u64> {
    let ends = |at: usize| bytes[..at].iter().filter(|b| **b == b'\n').count() as u64;
    (0..bytes.len()).map(ends).collect()
}

fn ends_of_lines(bytes: &[u8]) -> Vec<usize> {
    (1..bytes.len()).filter(|at| bytes[at - 1] == b'\n').collect()
}
