//! Somebody who holds no key rewrites whatever needs none: manifest, tiles, numbers, chain. What
//! is left is the signature under the checkpoint, and the place is still named.

use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::manifest;
use tests::forge::Pages;
use tests::memory::Memory;
use verifier::admit::SEAL;
use verifier::bundle::{NoVisitor, check};
use verifier::fault::Fault;
use verifier::report::Report;

use crate::common::{entries_path, first, golden, names_entry, names_file, on_two_threads, owners, small};

fn checked(files: &mut Memory) -> Report {
    check(files, &golden().policy, None, &mut NoVisitor)
}

/// Positions of the seals of a log.
fn seals(pages: &Pages) -> Vec<u64> {
    let is_seal = |bytes: &Vec<u8>| Entry::parse(bytes).is_ok_and(|e| e.signed.event.kind == SEAL);
    (0..).zip(&pages.entries).filter(|(_, bytes)| is_seal(bytes)).map(|(position, _)| position).collect()
}

/// A change that begins at `from` is named no earlier, and at the latest by the seal of that
/// batch: its index covers every entry before it, and its checkpoint was kept.
fn assert_between(report: &Report, from: u64, seals: &[u64], what: &str) {
    let fault = first(report);
    let batch_end = *seals.iter().find(|seal| **seal >= from).unwrap();
    let is_last = seals.last() == Some(&batch_end);
    let near = match fault {
        Fault::Root { path, .. } => {
            *path == format!("checkpoints/{}", batch_end + 1) || (is_last && path == "checkpoint")
        }
        other => other.position().is_some_and(|p| (from..=batch_end).contains(&p)),
    };
    assert!(near, "{what}: from {from} to {batch_end}: {fault}");
}

#[test]
fn bits_of_entries_under_a_new_manifest() {
    let files = &small().bundle;
    let path = entries_path(files);
    let owner = owners(files.get(&path));
    let jobs: Vec<usize> = (0..owner.len()).step_by(23).map(|byte| byte * 8 + byte % 8).collect();
    on_two_threads(files, &jobs, |bent, bit| {
        bent.flip(&path, *bit);
        bent.manifest();
        let report = checked(bent);
        bent.flip(&path, *bit);
        let entry = owner[bit / 8];
        // A bundle of entries that no longer falls into its parts is named as a file.
        assert!(names_entry(&report, entry) || names_file(&report, &path), "bit {bit}: {:?}", report.faults);
    });
}

#[test]
fn bits_of_hash_tiles_checkpoints_and_documents_under_a_new_manifest() {
    let files = &small().bundle;
    let held = |path: &String| path != manifest::NAME && path != "policy" && !path.starts_with("tile/entries/");
    for path in files.names().into_iter().filter(held) {
        let jobs: Vec<usize> = (0..files.get(&path).len()).step_by(3).map(|byte| byte * 8 + byte % 8).collect();
        on_two_threads(files, &jobs, |bent, bit| {
            bent.flip(&path, *bit);
            bent.manifest();
            let report = checked(bent);
            bent.flip(&path, *bit);
            // A checkpoint with another origin is of a log that the policy does not know.
            let unknown = path == "checkpoint" && report.exit_code() == 2;
            assert!(unknown || names_file(&report, &path), "bit {bit} of {path}: {:?}", report.faults);
        });
    }
}

/// Flips in entries with manifest and tiles made anew, and the same with the chain made anew too.
#[test]
fn bits_of_entries_under_new_tiles_and_a_new_chain() {
    let pages = Pages::of(&small().bundle);
    let seals = seals(&pages);
    let bytes = pages.entries.iter().enumerate().flat_map(|(n, entry)| (0..entry.len()).map(move |at| (n, at)));
    let jobs: Vec<(usize, usize, bool)> =
        bytes.step_by(29).flat_map(|(n, at)| [(n, at, false), (n, at, true)]).collect();
    on_two_threads(&small().bundle, &jobs, |_, (number, at, chained)| {
        let mut bent = pages.clone();
        bent.entries[*number][*at] ^= 1 << (at % 8);
        let told = bent.entries[*number].clone();
        if *chained {
            bent.chain();
        }
        // Where the flip was in number or `prev`, chaining has mended it.
        if bent.entries == pages.entries {
            return;
        }
        let report = checked(&mut bent.bundle());
        let position = *number as u64;
        let head = pages.entries[*number].iter().enumerate().filter(|(_, b)| **b == b'\n').nth(1).unwrap().0;
        let signed = *at > head;
        if signed {
            // What somebody signed: the entry itself is at fault.
            assert!(names_entry(&report, position), "{number} {at} {chained}: {:?}\n{told:?}", report.faults);
        } else {
            assert_between_or_next(&report, position, &seals, &format!("{number} {at} {chained}"));
        }
    });
}

/// What nobody signed alone, such as `received_at`: the entry, the chain after it, or the seal.
fn assert_between_or_next(report: &Report, position: u64, seals: &[u64], what: &str) {
    if !names_entry(report, position + 1) {
        assert_between(report, position, seals, what);
    }
}

#[test]
fn records_swapped_dropped_or_doubled_with_everything_made_anew() {
    let pages = Pages::of(&small().bundle);
    let seals = seals(&pages);
    let count = pages.entries.len();
    let mut jobs: Vec<(String, usize, Pages)> = Vec::new();
    let mut job = |what: String, from: usize, entries: Vec<Vec<u8>>| {
        for chained in [false, true] {
            let mut bent = Pages { entries: entries.clone(), side: pages.side.clone() };
            if chained {
                bent.chain();
            }
            jobs.push((format!("{what}, chained {chained}"), from, bent));
        }
    };
    for one in 0..count {
        for other in 0..count {
            if one < other {
                let mut swapped = pages.entries.clone();
                swapped.swap(one, other);
                job(format!("{one} and {other} swapped"), one, swapped);
            }
            if one != other {
                let mut replaced = pages.entries.clone();
                replaced[other] = pages.entries[one].clone();
                job(format!("{one} in place of {other}"), other, replaced);
            }
        }
        let mut moved = pages.entries.clone();
        let last = moved.remove(one);
        moved.push(last);
        if one + 1 < count {
            job(format!("{one} at the end"), one, moved);
        }
    }
    on_two_threads(&Memory::default(), &jobs, |_, (what, from, bent)| {
        assert_between(&checked(&mut bent.bundle()), *from as u64, &seals, what);
    });
}

#[test]
fn records_left_out_or_put_in_change_the_files_that_there_are() {
    let pages = Pages::of(&small().bundle);
    let path = entries_path(&small().bundle);
    for one in 0..pages.entries.len() {
        let mut dropped = pages.clone();
        dropped.entries.remove(one);
        dropped.chain();
        let mut doubled = pages.clone();
        doubled.entries.insert(one, pages.entries[one].clone());
        doubled.chain();
        for mut bent in [dropped.bundle(), doubled.bundle()] {
            let report = checked(&mut bent);
            assert_eq!(report.exit_code(), 1, "{one}");
            assert!(names_file(&report, &path), "{one}: {:?}", report.faults);
            // The same under the old names of the tiles: they no longer hold what their names say.
            for name in bent.names().into_iter().filter(|name| name.starts_with("tile/")) {
                let bytes = bent.remove(&name);
                let old = if name.starts_with("tile/entries/") { path.clone() } else { path.replace("entries", "0") };
                bent.put(&old, bytes);
            }
            bent.manifest();
            let report = checked(&mut bent);
            assert!(names_file(&report, &path), "{one}: {:?}", report.faults);
        }
    }
}

/// What somebody can take away who can write a manifest: nothing that anyone is asked to trust.
/// A checkpoint that was kept still counts for whoever has it.
#[test]
fn what_may_be_taken_away_unnoticed() {
    let files = &golden().bundle;
    for path in files.names().into_iter().filter(|path| path != manifest::NAME) {
        let mut bent = files.clone();
        bent.remove(&path);
        bent.manifest();
        let report = checked(&mut bent);
        let spare = path == "policy" || path == verifier::PAGE_NAME || path.starts_with("checkpoints/");
        assert_eq!(report.exit_code(), u8::from(!spare), "{path}: {:?}", report.faults);
        if path.starts_with("documents/") {
            assert!(matches!(first(&report), Fault::DocumentMissing { .. }), "{:?}", report.faults);
        } else if !spare {
            assert!(names_file(&report, &path), "{path}: {:?}", report.faults);
        }
    }
}

#[test]
fn files_that_no_bundle_has_are_a_fault_in_any_manifest() {
    for path in
        ["copy", "tile/entries/001", "tile/1/000.p/1", "checkpoints/05", "documents/a", "openings/001", "Manifest"]
    {
        let mut bent = golden().bundle.clone();
        bent.put(path, b"more".to_vec());
        bent.manifest();
        assert!(names_file(&checked(&mut bent), path), "{path}");
    }
    // A document nobody adopts, under its own digest, says nothing.
    let mut bent = golden().bundle.clone();
    bent.put(&format!("documents/{}", Hash::of(&[b"more"])), b"more".to_vec());
    bent.manifest();
    assert_eq!(checked(&mut bent).exit_code(), 0);
}
