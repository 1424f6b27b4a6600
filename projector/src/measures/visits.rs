//! T7: visits that took place, of those granted.

use super::Measure;
use super::tally::{Cell, Tally};

/// How a visit ends that was none.
const NOT_REALISED: [&str; 2] = ["entry_refused", "cso_no_show"];

/// T7.
pub(super) const T7: Measure = Measure {
    id: "T7",
    title: "realisation",
    definition: "Of the visits granted by the approvals received in the quarter, the share that took place by the date of this table. A rate of a cohort: it may still grow, and may exceed 100.",
    unit: "percent",
    rows: |question| {
        let mut tally = Tally::new(question, T7.id);
        for approval in question.all(&question.views.requests.approved) {
            let visits = question.of_own(&question.views.visits.completed_of_approval, approval);
            let took_place =
                visits.filter(|v| question.text(v, "completion").is_some_and(|c| !NOT_REALISED.contains(&c)));
            let granted = question.number(approval, "visits_granted").unwrap_or_default();
            tally.add(
                question.received_on(approval),
                question.facility(approval),
                (took_place.count() as i64, granted),
            );
        }
        tally.rows(|all| {
            Cell::rate(all.iter().map(|(held, _)| held).sum(), all.iter().map(|(_, granted)| granted).sum())
        })
    },
};
