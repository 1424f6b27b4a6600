//! Two readings of FORMAT.md, the verifier's and the page's, agree on what damaged packs are worth.

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Note;
use tests::forge::{Pages, lines};
use tests::packs::Desk;
use tests::world::World;
use verifier::pack::check;
use verifier::report::Verdict;
use verifier::statement::Statement;
use verifier::tree::root_of;

use crate::packs::judge;
use crate::page::Page;

/// Damaged packs that both judge.
const MUTANTS: usize = 2_000;
/// Packs judged in one opening of the page.
const AT_ONCE: usize = 250;

/// A generator that gives the same numbers on every machine: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).expect("a small number")
    }
}

/// The golden log, with a pack that has every kind of line.
fn pack(world: &World) -> Vec<u8> {
    let entries = Pages::of(&world.bundle).entries;
    let root = root_of(&entries.iter().map(|bytes| Hash::leaf(bytes)).collect::<Vec<_>>());
    let checkpoint = Checkpoint { origin: world.origin.clone(), size: entries.len() as u64, root };
    let text = checkpoint.to_text();
    let note = Note { signatures: vec![world.log_key.sign(&text)], text };
    let policy = policy(world);
    let desk = Desk::new(&world.origin, entries, lines(&world.openings), note, &policy);
    let mut pack = desk.pack("organisation/cso-x", "cso-x");
    pack.since = vec![desk.since(7), desk.since(20)];
    pack.statements = vec![(Statement { checkpoint }.sign(&world.key("npm", "n1", 1)), Vec::new())];
    pack.to_text().into_bytes()
}

fn policy(world: &World) -> String {
    format!("log {}\nquorum none\n", world.log_key.vkey())
}

/// One damage more or less: in bytes, in characters that keep the JSON whole, in lines, in parts.
fn damage(good: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = good.to_vec();
    match random.below(6) {
        0 => {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        1 | 2 => {
            // Another character of the same sort: what is base64 or a number stays one.
            for _ in 0..=random.below(2) {
                let at = random.below(bytes.len());
                bytes[at] = match bytes[at] {
                    b'0'..=b'8' | b'a'..=b'y' | b'A'..=b'Y' => bytes[at] + 1,
                    b'9' => b'0',
                    b'z' => b'a',
                    b'Z' => b'A',
                    b'+' => b'/',
                    other => other,
                };
            }
        }
        3 => {
            let mut lines: Vec<&[u8]> = good.split_inclusive(|b| *b == b'\n').collect();
            let (a, b) = (random.below(lines.len()), random.below(lines.len()));
            match random.below(3) {
                0 => lines.swap(a, b),
                1 => drop(lines.remove(a)),
                _ => lines.insert(a, lines[b]),
            }
            bytes = lines.concat();
        }
        4 => {
            // A quoted part of one place at another: hashes, notes, entries, names.
            let text = String::from_utf8(bytes).expect("a pack is text");
            let parts: Vec<&str> = text.split('"').collect();
            let (a, b) = (random.below(parts.len()), random.below(parts.len()));
            let mut parts = parts.clone();
            parts[a] = parts[b];
            bytes = parts.join("\"").into_bytes();
        }
        _ => {
            let (at, count) = (random.below(bytes.len()), 1 + random.below(40));
            let end = (at + count).min(bytes.len());
            bytes.drain(at..end);
        }
    }
    bytes
}

#[test]
fn the_page_and_the_verifier_agree_on_two_thousand_damaged_packs() {
    let world = World::golden();
    let (good, policy_text) = (pack(&world), policy(&world));
    let mut random = Random(2_025);
    let mut packs = vec![good.clone()];
    packs.extend((0..MUTANTS).map(|_| damage(&good, &mut random)));
    let page = Page::open();
    let (mut differ, mut seen) = (Vec::new(), std::collections::BTreeMap::<&str, usize>::new());
    for (chunk, packs) in packs.chunks(AT_ONCE).enumerate() {
        let theirs = judge(&page, packs, Some(&policy_text));
        assert_eq!(theirs.len(), packs.len());
        for (number, (pack, theirs)) in packs.iter().zip(&theirs).enumerate() {
            let report = check(pack, &world.policy, &[]).report;
            let ours = match report.verdict() {
                Verdict::Verified => "verified",
                Verdict::PartlyErased => "partly",
                Verdict::NotVerified => "not_verified",
                Verdict::CannotTell => "cannot_tell",
            };
            *seen.entry(ours).or_default() += 1;
            if theirs.split(' ').next() != Some(ours) {
                let why = report.faults.first().map(ToString::to_string).unwrap_or_default();
                differ.push(format!("{}: {ours} ({why}), the page: {theirs}", chunk * AT_ONCE + number));
            }
        }
    }
    assert!(differ.is_empty(), "{} of {}:\n{}", differ.len(), packs.len(), differ.join("\n"));
    assert!(seen["not_verified"] > MUTANTS / 2, "the damage did damage: {seen:?}");
    assert!(seen.get("verified").copied().unwrap_or(0) >= 1, "the good one is good: {seen:?}");
}
