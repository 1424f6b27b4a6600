//! What an honest ledger hands out holds, in every word of its verdict.

use std::collections::BTreeSet;

use schemas::hash::Hash;
use schemas::pack::{Line, Pack, Shown};
use verifier::index::Index;
use verifier::pack::{Complete, check};
use verifier::report::Verdict;
use verifier::state::State;
use verifier::statement::Statement;

use crate::common::{STREAM, checked, desk, earlier, golden};

#[test]
fn every_stream_has_a_pack_for_every_audience_and_each_holds() {
    let desk = desk();
    for stream in desk.streams.keys() {
        for audience in ["public", "oversight", "cso-x", "fac-a"] {
            let pack = desk.pack(stream, audience);
            let report = checked(&pack);
            assert_eq!(
                report.report.verdict(),
                Verdict::Verified,
                "{stream} for {audience}: {:?}",
                report.report.faults
            );
            assert_eq!(report.records.len(), desk.items(stream).len());
            assert_eq!(report.complete, Complete::IfIndexHonest);
            assert_eq!(Pack::parse(&pack.to_text()).as_ref(), Ok(&pack), "{stream}");
            report.record_count_is_not_trusted(&desk.items(stream));
        }
    }
}

trait Positions {
    fn record_count_is_not_trusted(&self, positions: &[u64]);
}

impl Positions for verifier::pack::PackReport {
    fn record_count_is_not_trusted(&self, positions: &[u64]) {
        let shown: Vec<u64> = self.records.iter().map(|r| r.entry.position).collect();
        assert_eq!(shown, positions);
    }
}

#[test]
fn an_audience_sees_what_is_for_it_and_no_more() {
    let desk = desk();
    let open = |audience: &str| {
        let report = checked(&desk.pack("organisation/cso-x", audience));
        let values: usize = report.records.iter().map(|r| r.opened.values.len()).sum();
        (values, report.records.iter().filter(|r| r.in_full()).count(), report.records.len())
    };
    let (public, own, oversight) = (open("public"), open("cso-x"), open("oversight"));
    assert_eq!(public.0, 0, "nothing hidden is public");
    assert!(own.0 > 0, "a party sees what is restricted to it");
    assert!(oversight.0 >= own.0 && oversight.1 == oversight.2);
    // Another organisation's pack of the same stream shows only what names that one too.
    assert!(open("cso-y").0 < own.0);
}

#[test]
fn absence_is_proven_and_says_so() {
    let desk = desk();
    for stream in ["organisation/nobody", "facility/fac-z", "programme/adm/P-9", "sealed/cso-x"] {
        let report = checked(&desk.pack(stream, "public"));
        assert_eq!(report.report.verdict(), Verdict::Verified, "{:?}", report.report.faults);
        assert!(report.is_absent());
        let step = report.report.steps.iter().find(|step| step.section == "8.4").unwrap();
        assert_eq!(step.counted, format!("no record at {} entries", desk.size()));
    }
}

/// What the word of a pack says rests on whom: where nobody, an auditor of this size, an auditor of an earlier one, the
/// reader, or the reader up to an earlier size has recomputed the index.
#[test]
fn the_word_of_a_pack_says_on_whom_it_rests() {
    let (desk, auditor) = (desk(), golden().key("npm", "n1", 1));
    let (old, name) = (earlier(2), auditor.vkey().name);
    let absent = "Absent from the index; that the index is honest rests on the operator";
    let records = "Verified; that none is missing, and that the log could admit each, rests on the operator";
    for (stream, of_operator, of_auditor, of_reader) in [
        (
            "organisation/nobody",
            absent,
            format!("Absent; that the index is honest rests on {name}"),
            "Verified: absent",
        ),
        (
            STREAM,
            records,
            format!("Verified; that none is missing rests on {name}, that the log could admit each on the operator"),
            "Verified",
        ),
    ] {
        let mut pack = desk.pack(stream, "public");
        let word = |pack: &Pack| check(pack.to_text().as_bytes(), &golden().policy, &[auditor.vkey()]).report.word();
        assert_eq!(word(&pack), of_operator);
        let stated = |desk: &tests::packs::Desk| checked(&desk.pack(STREAM, "public")).report.head.unwrap().checkpoint;
        pack.statements = vec![(Statement { checkpoint: stated(&desk) }.sign(&auditor), Vec::new())];
        assert_eq!(word(&pack), of_auditor);
        assert_eq!(checked(&pack).report.word(), of_operator, "an auditor whom nobody asked says nothing");
        // Of an earlier size: what came since rests on the operator.
        pack.statements = vec![(Statement { checkpoint: stated(&old) }.sign(&auditor), desk.since(old.size()).1)];
        assert_eq!(word(&pack), of_operator);
        let mut own = checked(&pack);
        assert!(own.report.left_out.iter().any(|what| what.contains("revoked")), "{:?}", own.report.left_out);
        own.recomputed(desk.levels(), &BTreeSet::new());
        assert_eq!(own.report.word(), of_reader);
        assert!(own.report.left_out.is_empty(), "the whole log was asked: {:?}", own.report.left_out);
        pack.since = vec![desk.since(old.size())];
        let mut in_part = checked(&pack);
        in_part.recomputed(old.levels(), &BTreeSet::new());
        assert_eq!(in_part.report.word(), of_operator);
        assert!(!in_part.report.left_out.is_empty());
    }
}

#[test]
fn the_word_complete_names_who_has_recomputed_the_index() {
    let (desk, auditor) = (desk(), golden().key("npm", "n1", 1));
    let mut pack = desk.pack(STREAM, "public");
    let checkpoint = checked(&pack).report.head.unwrap().checkpoint;
    pack.statements = vec![(Statement { checkpoint: checkpoint.clone() }.sign(&auditor), Vec::new())];
    let text = pack.to_text();
    let with = |keys: &[schemas::note::Vkey]| check(text.as_bytes(), &golden().policy, keys);
    assert_eq!(with(&[]).complete, Complete::IfIndexHonest, "an auditor whom nobody asked says nothing");
    assert_eq!(with(&[golden().key("npm", "n2", 1).vkey()]).complete, Complete::IfIndexHonest);
    let name = auditor.vkey().name;
    assert_eq!(with(&[auditor.vkey()]).complete, Complete::Stated(vec![(name.clone(), desk.size())]));
    // A statement about an earlier size counts up to there, by a consistency proof.
    let old = earlier(2);
    let stated = checked(&old.pack(STREAM, "public")).report.head.unwrap().checkpoint;
    let (_, proof) = desk.since(old.size());
    pack.statements = vec![(Statement { checkpoint: stated }.sign(&auditor), proof.clone())];
    let report = check(pack.to_text().as_bytes(), &golden().policy, &[auditor.vkey()]);
    assert_eq!(report.complete, Complete::Stated(vec![(name, old.size())]));
    // A statement about another tree is a fault: the auditor saw another log than this one.
    let mut other = checkpoint;
    (other.root.0[0], other.size) = (other.root.0[0] ^ 1, old.size());
    pack.statements = vec![(Statement { checkpoint: other }.sign(&auditor), proof)];
    let report = check(pack.to_text().as_bytes(), &golden().policy, &[auditor.vkey()]);
    assert_eq!(report.report.verdict(), Verdict::NotVerified);
    // The reader's own bundle needs nobody's word.
    let mut report = checked(&desk.pack(STREAM, "public"));
    report.recomputed(desk.levels(), &BTreeSet::new());
    assert_eq!(report.complete, Complete::Recomputed(desk.size()));
    let mut behind = checked(&desk.pack(STREAM, "public"));
    behind.recomputed(old.levels(), &BTreeSet::new());
    assert_eq!(behind.report.verdict(), Verdict::CannotTell, "a bundle behind the pack recomputes nothing of it");
}

#[test]
fn a_later_pack_goes_on_from_an_earlier_one() {
    for batches in 1..5 {
        let (old, desk) = (earlier(batches), desk());
        let older = checked(&old.pack(STREAM, "cso-x"));
        let mut pack = desk.pack(STREAM, "cso-x");
        let mut without = checked(&pack);
        without.extends(&older);
        assert_eq!(without.report.verdict(), Verdict::CannotTell, "without a proof the log before is not compared");
        pack.since = vec![desk.since(old.size())];
        let mut report = checked(&pack);
        report.extends(&older);
        assert_eq!(report.report.verdict(), Verdict::Verified, "{:?}", report.report.faults);
        let mut same = checked(&pack);
        same.extends(&checked(&pack));
        assert_eq!(same.report.verdict(), Verdict::Verified, "{:?}", same.report.unknown);
        let mut other = checked(&pack);
        other.extends(&checked(&old.pack("facility/fac-a", "cso-x")));
        assert_eq!(other.report.verdict(), Verdict::CannotTell, "of another stream");
    }
}

#[test]
fn the_index_is_shown_as_it_was_under_every_seal() {
    let entries = desk().entries;
    let leaves: Vec<Hash> = entries.iter().map(|bytes| Hash::leaf(bytes)).collect();
    let leaf = |position: u64| leaves.get(usize::try_from(position).ok()?).copied();
    let (mut now, mut then) = (State::new(golden().origin.clone()), State::new(golden().origin.clone()));
    entries.iter().for_each(|bytes| now.replay(bytes).unwrap());
    let names: Vec<String> = desk().streams.into_keys().chain(["organisation/nobody".to_owned()]).collect();
    let mut seals = 0;
    for (size, bytes) in (1..).zip(&entries) {
        then.replay(bytes).unwrap();
        if !then.is_sealed() {
            continue;
        }
        seals += 1;
        for name in &names {
            let (proof, head) = then.prove_sealed(name).unwrap();
            let shown = now.prove_earlier(name, size, &leaf);
            assert_eq!(shown, Some((proof, head, then.sealed_items(name))), "{name} at {size}");
        }
    }
    assert!(seals > 5, "{seals}");
    assert_eq!(now.prove_earlier(STREAM, now.size() + 1, &leaf), None);
    assert_eq!(now.prove_earlier(STREAM, 0, &leaf), None);
    assert_eq!(now.prove_earlier(STREAM, 12, &|_| None), None, "without the leaves nothing is said");
}

#[test]
fn a_map_proof_is_small() {
    const STREAMS: u64 = 100_000;
    let mut index = Index::default();
    let name = |n: u64| format!("facility/fac-{n}");
    for n in 0..STREAMS {
        index.append(&name(n), n, &Hash::leaf(&n.to_be_bytes()));
    }
    let (mut longest, mut sum, looked_at) = (0, 0, 1_000);
    for n in 0..looked_at {
        let name = name(n * (STREAMS / looked_at));
        let (proof, head) = (index.prove(&name), index.head(&name).unwrap());
        let shown = Shown::Present { count: head.count, last: head.last, root: head.root };
        let line = |path| Line::Map(shown, path).to_json().len();
        let steps = proof.path.len();
        // 33 bytes a step are 44 characters, and nothing else of the line grows.
        assert_eq!(line(proof.path), line(Vec::new()) + 44 * steps);
        longest = longest.max(steps);
        sum += steps as u64;
    }
    assert!(33 * longest <= 1_000, "{longest} steps");
    // Steps follow the logarithm: 16.6 for so many streams.
    assert!((16..=18).contains(&(sum / looked_at)), "{sum}");
}
