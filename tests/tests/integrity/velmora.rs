//! Ten thousand bits of the sample country: a bundle of the size that people will carry.

use std::time::Instant;

use schemas::hash::Hash;
use tests::forge::Pages;
use tests::memory::Memory;
use verifier::bundle::{NoVisitor, check, check_with};
use verifier::crew::Crew as _;
use verifier::report::Verdict;
use verifier::threads::Threads;

use crate::common::{assert_named, first, names_entry, on_two_threads, velmora};

/// Bits that are turned, one at a time.
const FLIPS: u64 = 10_000;

/// The nth of a fixed row of numbers below `below`: the same bits on every machine.
fn sample(n: u64, below: usize) -> usize {
    let hash = Hash::of(&[b"velmora", &n.to_be_bytes()]);
    let number = u64::from_be_bytes(hash.0[..8].try_into().unwrap());
    (number % below as u64) as usize
}

/// One test, so that the country is built once also where every test is a process of its own.
#[test]
fn the_sample_country_holds_and_ten_thousand_turned_bits_of_it_do_not() {
    it_holds();
    turned_bits();
    turned_bits_under_a_new_manifest();
    whoever_checks_finds_the_same();
    openings_that_end_do_not_go_on();
}

/// Openings of an earlier day end for good; in the middle of others whole lines are missing.
fn openings_that_end_do_not_go_on() {
    let world = velmora();
    let mut openings = world.openings.clone();
    let text = String::from_utf8(openings.get("002").to_vec()).unwrap();
    let half: String = text.split_inclusive('\n').take(100).collect();
    openings.put("002", half.into_bytes());
    let report = world.check_open(&world.bundle, &openings);
    assert_eq!((report.exit_code(), first(&report).path()), (1, Some("openings/003")));
    for name in openings.names().into_iter().filter(|name| name.as_str() > "002") {
        openings.remove(&name);
    }
    let report = world.check_open(&world.bundle, &openings);
    assert_eq!(report.exit_code(), 2);
    assert!(report.unknown[0].contains("they end before entry 612 of"), "{:?}", report.unknown);
}

/// One thread, two, or five: every report is the same to the last word, of a bundle that holds and of bent ones.
fn whoever_checks_finds_the_same() {
    let world = velmora();
    let pages = Pages::of(&world.bundle);
    let total = pages.entries.len();
    let bent_entry = |n: u64, chain: bool| {
        let mut pages = pages.clone();
        let entry = &mut pages.entries[sample(n, total)];
        let at = sample(n + 100, entry.len());
        entry[at] ^= 1;
        if chain {
            pages.chain();
        }
        let mut bundle = pages.bundle();
        bundle.manifest();
        (bundle, world.openings.clone())
    };
    let bent_file = |n: u64, prefix: &str| {
        let mut bundle = world.bundle.clone();
        let names: Vec<String> = bundle.names().into_iter().filter(|name| name.starts_with(prefix)).collect();
        let path = &names[sample(n, names.len())];
        bundle.flip(path, sample(n, bundle.get(path).len() * 8));
        bundle.manifest();
        (bundle, world.openings.clone())
    };
    let bent_opening = |n: u64| {
        let mut openings = world.openings.clone();
        let names = openings.names();
        let path = &names[sample(n, names.len())];
        openings.flip(path, sample(n, openings.get(path).len() * 8));
        (world.bundle.clone(), openings)
    };
    let mut cases = vec![(world.bundle.clone(), world.openings.clone())];
    cases.extend((0..6).map(|n| bent_entry(n, n % 2 == 0)));
    cases.extend(["tile/0/", "tile/1/", "checkpoints/", "documents/"].map(|prefix| bent_file(7, prefix)));
    cases.extend((0..3).map(bent_opening));
    let crews = [Threads::of(2), Threads::of(5)];
    for (number, (mut bundle, mut openings)) in cases.into_iter().enumerate() {
        let alone = format!("{:?}", check(&mut bundle, &world.policy, Some(&mut openings), &mut NoVisitor));
        assert_eq!(alone.contains("faults: []"), number == 0, "case {number}");
        for crew in &crews {
            let report = check_with(&mut bundle, &world.policy, Some(&mut openings), &mut NoVisitor, crew);
            assert_eq!(format!("{report:?}"), alone, "case {number}, {} hands", crew.hands());
        }
    }
}

fn it_holds() {
    let world = velmora();
    let began = Instant::now();
    let report = world.check_open(&world.bundle, &world.openings);
    assert_eq!((report.verdict(), &report.faults, &report.unknown), (Verdict::Verified, &Vec::new(), &Vec::new()));
    println!("{} files, {} bytes: checked in {:?}", world.bundle.names().len(), world.bundle.len(), began.elapsed());
}

fn turned_bits() {
    let world = velmora();
    let files = &world.bundle;
    let sizes: Vec<(String, usize)> = files.names().into_iter().map(|p| (p.clone(), files.get(&p).len() * 8)).collect();
    let place = |mut bit: usize| {
        for (path, bits) in &sizes {
            if bit < *bits {
                return (path.clone(), bit);
            }
            bit -= bits;
        }
        unreachable!("the bit lies within the bundle")
    };
    let jobs: Vec<(String, usize)> = (0..FLIPS).map(|n| place(sample(n, files.len() * 8))).collect();
    let began = Instant::now();
    let longest = on_two_threads(files, &jobs, |bent: &mut Memory, (path, bit)| {
        bent.flip(path, *bit);
        assert_named(&check(bent, &world.policy, None, &mut NoVisitor), files, path, *bit);
        bent.flip(path, *bit);
    });
    println!("{FLIPS} bits in {:?}, the longest {longest:?}", began.elapsed());
}

/// The same by somebody who writes a new manifest: now the entries themselves must tell.
fn turned_bits_under_a_new_manifest() {
    let world = velmora();
    let path = "tile/entries/009";
    let bits = world.bundle.get(path).len() * 8;
    let jobs: Vec<usize> = (0..6).map(|n| sample(FLIPS + n, bits)).collect();
    on_two_threads(&world.bundle, &jobs, |bent, bit| {
        bent.flip(path, *bit);
        bent.manifest();
        let report = check(bent, &world.policy, None, &mut NoVisitor);
        bent.flip(path, *bit);
        let fault = first(&report);
        let named = fault.position().is_some_and(|at| (9 * 256..10 * 256).contains(&at) && names_entry(&report, at));
        assert!(named || fault.path() == Some(path), "bit {bit}: {fault}");
    });
}
