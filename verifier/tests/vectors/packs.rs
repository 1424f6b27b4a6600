//! Packs of a small log, under the policy of their reader. FORMAT.md 14.2, 21.6.

use schemas::base::from_base64;
use schemas::policy::Policy;
use verifier::fault::Fault;
use verifier::pack::check;

use crate::logs;
use crate::reader::Vector;

fn word(fault: &Fault) -> String {
    let reason = match fault {
        Fault::Pack(_) => "pack",
        Fault::CheckpointSignature { .. } => "checkpoint-signature",
        Fault::OtherLog { .. } => "other-log",
        Fault::NotSealed { .. } => "not-sealed",
        Fault::Proof { .. } => "proof",
        Fault::Map { .. } => "map",
        Fault::MapOther { .. } => "map-other",
        Fault::RecordCount { .. } => "record-count",
        Fault::RecordsOther { .. } => "records-other",
        other => return logs::word(other),
    };
    format!("refused {reason}")
}

#[test]
fn packs() {
    let mut wrong = Vec::new();
    for vector in Vector::read_all("pack") {
        let end = vector.body.iter().position(|b| *b == b'\n').unwrap();
        let (policy, pack) = vector.body.split_at(end + 1);
        let policy = std::str::from_utf8(&policy[..end]).unwrap().strip_prefix("policy: ").unwrap();
        let policy = Policy::parse(std::str::from_utf8(&from_base64(policy).unwrap()).unwrap()).unwrap();
        let report = check(pack, &policy, &[]).report;
        let got = match (report.faults.first(), report.unknown.is_empty()) {
            (Some(fault), _) => word(fault),
            (None, true) => "ok".to_owned(),
            (None, false) => "cannot-tell".to_owned(),
        };
        if got != vector.expect {
            wrong.push(format!("{}: {got}, expected {} ({})", vector.name, vector.expect, vector.comment));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
