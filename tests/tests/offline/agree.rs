//! Two readings of FORMAT.md, the verifier's and the page's, agree on what damaged packs are worth.

use std::collections::BTreeMap;

use schemas::note::{ALG_COSIGNATURE, ALG_ED25519, Vkey};
use schemas::policy::Policy;
use verifier::pack::check;
use verifier::report::Verdict;

use crate::damage::{Random, damage};
use crate::packs::judge;
use crate::page::{Page, sample};

/// Damaged packs that both judge.
const MUTANTS: usize = 2_000;
/// Packs judged in one opening of the page.
const AT_ONCE: usize = 250;
/// Packs that are damaged: between them they have every kind of line, and every byte of them is committed, so that a
/// run says today what it said yesterday. Other damage: `SEED=7` before the test's command.
const GOOD: [&str; 4] = ["good.pack", "erased.pack", "absent.pack", "older.pack"];
/// Where other damage begins, if one asks for it.
const SEED: &str = "SEED";

/// Another log's policy.
const OTHER: &str = "log vectors.example/log+a73e9331+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\nquorum none\n";

/// The verdict in the page's words, and the first fault in the verifier's.
fn ours(pack: &[u8], policy: &Policy) -> (&'static str, String) {
    let report = check(pack, policy, &[]).report;
    let verdict = match report.verdict() {
        Verdict::Verified => "verified",
        Verdict::PartlyErased => "partly",
        Verdict::NotVerified => "not_verified",
        Verdict::CannotTell => "cannot_tell",
    };
    let why = report.faults.first().map(ToString::to_string);
    (verdict, why.or_else(|| report.unknown.first().cloned()).unwrap_or_default())
}

#[test]
fn the_page_and_the_verifier_agree_on_two_thousand_damaged_packs() {
    let good = GOOD.map(sample);
    let policy_text = String::from_utf8(sample("policy")).unwrap();
    let policy = Policy::parse(&policy_text).unwrap();
    let mut random = Random(std::env::var(SEED).map_or(2_025, |seed| seed.parse().expect("SEED is a number")));
    let mut packs = good.to_vec();
    packs.extend((0..MUTANTS).map(|n| damage(&good[n % good.len()], &mut random)));
    let page = Page::open();
    let (mut differ, mut seen) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for (chunk, packs) in packs.chunks(AT_ONCE).enumerate() {
        let theirs = judge(&page, packs, Some(&policy_text));
        assert_eq!(theirs.len(), packs.len());
        for (number, (pack, theirs)) in packs.iter().zip(&theirs).enumerate() {
            let (ours, why) = ours(pack, &policy);
            *seen.entry(ours).or_default() += 1;
            if theirs.split(' ').next() != Some(ours) {
                differ.push(format!("{}: {ours} ({why}), the page: {theirs}", chunk * AT_ONCE + number));
            }
        }
    }
    assert!(differ.is_empty(), "{} of {}:\n{}", differ.len(), packs.len(), differ.join("\n"));
    assert!(seen["not_verified"] > MUTANTS / 2, "the damage did damage: {seen:?}");
    for verdict in ["verified", "partly"] {
        assert!(seen.get(verdict).copied().unwrap_or(0) >= 1, "{verdict}: {seen:?}");
    }
}

#[test]
fn whose_log_it_is_and_what_contradicts_itself() {
    let policy = String::from_utf8(sample("policy")).unwrap();
    let good = String::from_utf8(sample("good.pack")).unwrap();
    let vkey = policy.lines().find_map(|line| line.strip_prefix("log ")).unwrap();
    let key = Vkey::parse(vkey).unwrap();
    // Under this point anything seems signed, so no reader may take it for a key.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let unusable = Vkey { name: key.name.clone(), alg: ALG_ED25519, key: neutral };
    let unusable_first = policy.replace(&format!("log {vkey}\n"), &format!("log {unusable}\nlog {vkey}\n"));
    let unusable_last = policy.replace(&format!("log {vkey}\n"), &format!("log {vkey}\nlog {unusable}\n"));
    let witness = Vkey { name: "w.example".to_owned(), alg: ALG_COSIGNATURE, key: neutral };
    let unusable_witness = format!("log {vkey}\nwitness w {witness}\nquorum none\n");
    let other = Vkey::parse(OTHER.lines().find_map(|line| line.strip_prefix("log ")).unwrap()).unwrap();
    let stranger = Vkey { name: key.name.clone(), ..other };
    let header = good.replacen("\"ledger\":\"velmora.", "\"ledger\":\"welmora.", 1);
    let checkpoint = good.replacen("{\"checkpoint\":\"velmora.", "{\"checkpoint\":\"welmora.", 1);
    let both = header.replacen("{\"checkpoint\":\"velmora.", "{\"checkpoint\":\"welmora.", 1);
    let own = good.replacen(vkey, &stranger.to_string(), 1);
    let swapped = String::from_utf8(sample("swapped.pack")).unwrap();
    let rows = [
        ("as it is", &good, policy.as_str(), "verified"),
        ("another log's policy", &good, OTHER, "cannot_tell"),
        ("the header names another log", &header, policy.as_str(), "not_verified"),
        ("the header names another log, and so does the policy", &header, OTHER, "not_verified"),
        ("the checkpoint names another log", &checkpoint, policy.as_str(), "not_verified"),
        ("the checkpoint names another log, and so does the policy", &checkpoint, OTHER, "not_verified"),
        ("both name another log, and the entries the old one", &both, policy.as_str(), "not_verified"),
        ("another log's, and swapped openings", &swapped, OTHER, "not_verified"),
        ("another log's, and not signed by the key that it names", &own, OTHER, "not_verified"),
        ("not signed by the key that it names, which nobody trusts", &own, policy.as_str(), "verified"),
        ("a key that cannot be taken, before the right one", &good, unusable_first.as_str(), "cannot_tell"),
        ("a key that cannot be taken, after the right one", &good, unusable_last.as_str(), "verified"),
        ("a witness's key that cannot be taken", &good, unusable_witness.as_str(), "cannot_tell"),
    ];
    let page = Page::open();
    for (what, pack, policy, want) in rows {
        assert_ne!(pack, "", "{what}");
        let (ours, why) = ours(pack.as_bytes(), &Policy::parse(policy).unwrap());
        let theirs = judge(&page, &[pack.clone().into_bytes()], Some(policy));
        let theirs = theirs[0].split(' ').next().unwrap();
        assert_eq!((ours, theirs), (want, want), "{what}: {why}");
    }
}
