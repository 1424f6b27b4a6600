//! Two results with the same key are one finding. `rules/RULES.md` 1, "Identity".

use std::collections::BTreeMap;

use super::Undetermined;
use crate::finding::{Finding, Status};

/// Unites findings of the same key and sorts them as `findings.csv` does.
pub(super) fn findings(all: Vec<Finding>) -> Vec<Finding> {
    let mut by_key: BTreeMap<_, Finding> = BTreeMap::new();
    for finding in all {
        let key = (finding.rule, finding.facility.clone(), finding.organisation.clone(), finding.subject.clone());
        match by_key.remove(&key) {
            None => by_key.insert(key, finding),
            Some(earlier) => by_key.insert(key, unite(earlier, finding)),
        };
    }
    by_key.into_values().collect()
}

/// Open outweighs late, late remedied, remedied late-recorded.
fn weight(status: Status) -> u8 {
    match status {
        Status::Open => 3,
        Status::Late => 2,
        Status::Remedied => 1,
        Status::LateRecorded => 0,
    }
}

fn unite(mut a: Finding, b: Finding) -> Finding {
    // The end is that of what decides the status; of two such, the last.
    a.closed_at = match weight(a.status).cmp(&weight(b.status)) {
        std::cmp::Ordering::Less => b.closed_at,
        std::cmp::Ordering::Equal => a.closed_at.max(b.closed_at),
        std::cmp::Ordering::Greater => a.closed_at,
    };
    if weight(b.status) > weight(a.status) {
        a.status = b.status;
    }
    a.severity = a.severity.max(b.severity);
    a.kind = a.kind.min(b.kind);
    a.opened_at = a.opened_at.min(b.opened_at);
    a.arms.extend(b.arms);
    a.arms.sort_unstable();
    a.arms.dedup();
    a.evidence.extend(b.evidence);
    a.evidence.sort();
    a.evidence.dedup();
    if !b.detail.is_empty() && b.detail != a.detail {
        a.detail = if a.detail.is_empty() { b.detail } else { format!("{}; {}", a.detail, b.detail) };
    }
    a
}

/// Unites undetermined results of the same key and sorts them.
pub(super) fn undetermined(all: Vec<Undetermined>) -> Vec<Undetermined> {
    let mut by_key: BTreeMap<_, Undetermined> = BTreeMap::new();
    for one in all {
        let key = (one.rule, one.facility.clone(), one.organisation.clone(), one.subject.clone());
        match by_key.get_mut(&key) {
            None => drop(by_key.insert(key, one)),
            Some(earlier) => earlier.missing.extend(one.missing),
        }
    }
    by_key.into_values().collect()
}
