//! What a pack rests on: keys that the log could have admitted, erasures that were lawful. FORMAT.md 14.2.

use schemas::policy::Policy;
use tests::lawful::{Case, erasures, keys};
use verifier::pack::check;

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
