//! What a pack rests on: keys that the log could have admitted, erasures that were lawful. FORMAT.md 14.2.

use std::collections::BTreeSet;

use schemas::policy::Policy;
use tests::lawful::{Case, doubts, erasures, keys};
use verifier::pack::check;
use verifier::report::Verdict;

use crate::common::golden;

fn judge(cases: &[Case]) {
    let mut differ = Vec::new();
    for case in cases {
        let policy = Policy::parse(&case.policy).unwrap();
        let report = check(case.pack.to_text().as_bytes(), &policy, &[]).report;
        let said = report.verdict().code();
        if said != case.verdict {
            differ.push(format!("{}: {said}, not {}: {:?}", case.what, case.verdict, report.faults));
        }
        let left_out = report.left_out.iter().any(|what| what.contains("evidence of a finding"));
        assert_eq!(left_out, said == "partly", "{}: what was not asked is named", case.what);
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

#[test]
fn a_pack_rests_on_keys_that_the_log_could_admit() {
    judge(&keys(golden()));
}

#[test]
fn a_pack_calls_erased_what_was_lawfully_erased() {
    judge(&erasures(golden()));
}

/// The whole log knows which findings were open: beside it nothing of an erasure rests on the operator.
#[test]
fn beside_the_whole_log_an_erasure_is_judged_by_all_of_it() {
    let mut asked = 0;
    for case in erasures(golden()).iter().filter(|case| case.verdict == "partly") {
        let pack = || check(case.pack.to_text().as_bytes(), &Policy::parse(&case.policy).unwrap(), &[]);
        let levels = case.leaves.iter().copied().collect();
        let mut alone = pack();
        let word = alone.report.word();
        assert!(word.ends_with("that no open finding needed what was erased, rests on the operator"), "{word}");
        let erased = alone.records.iter().flat_map(|record| {
            record.opened.erased.iter().map(|(slot, by)| (*by, (record.entry.position, slot.clone())))
        });
        let erased: BTreeSet<_> = erased.collect();
        alone.recomputed(&levels, &erased);
        assert_eq!(alone.report.word(), "Partly: erased by rule", "{}", case.what);
        assert!(alone.report.left_out.is_empty(), "{}: {:?}", case.what, alone.report.left_out);
        // As if it was evidence of a finding that is open, which is in another stream.
        let mut unlawful = pack();
        unlawful.recomputed(&levels, &BTreeSet::new());
        assert_eq!(unlawful.report.verdict(), Verdict::NotVerified, "{}", case.what);
        let first = unlawful.report.faults[0].to_string();
        assert!(first.contains("erased"), "{}: {first}", case.what);
        asked += 1;
    }
    assert!(asked > 2, "{asked}");
}

#[test]
fn a_pack_names_what_its_own_entries_cast_doubt_on() {
    for (case, doubtful) in doubts(golden()) {
        let policy = Policy::parse(&case.policy).unwrap();
        let report = check(case.pack.to_text().as_bytes(), &policy, &[]).report;
        assert_eq!(report.verdict().code(), case.verdict, "{}: {:?}", case.what, report.faults);
        assert_eq!(report.doubts, doubtful, "{}: {:?}", case.what, report.doubtful);
        assert_eq!(report.doubtful.len() as u64, doubtful, "{}", case.what);
        let paper = verifier::paper::pack(&check(case.pack.to_text().as_bytes(), &policy, &[]), "").unwrap();
        assert_eq!(paper.matches("In doubt").count() as u64, doubtful, "{}: on paper", case.what);
    }
}

/// The catalogue that has a type may have been adopted by an entry that the pack does not show. What is not of it is
/// checked as ever.
#[test]
fn a_type_or_a_catalogue_that_the_reader_lacks_is_no_lie_and_hides_none() {
    let case = keys(golden()).remove(0);
    let policy = Policy::parse(&case.policy).unwrap();
    let text = case.pack.to_text();
    assert_eq!(check(text.as_bytes(), &policy, &[]).report.verdict(), Verdict::Verified);
    for (case, words) in tests::lawful::foreign(golden()) {
        let report = check(case.pack.to_text().as_bytes(), &policy, &[]).report;
        assert_eq!(report.verdict().code(), case.verdict, "{}: {:?}", case.what, report.faults);
        assert!(report.unknown.iter().any(|why| why.contains(words)), "{}: {:?}", case.what, report.unknown);
    }
}
