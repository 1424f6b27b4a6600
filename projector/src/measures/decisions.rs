//! T4 to T6: decisions, their time and their reasons.

use super::Measure;
use super::tally::{Cell, Tally};
use crate::rules::Question;
use crate::statistics::{median, percentile};
use crate::views::Filed;

/// The decision of each request that has one, its first approval or denial, with the request.
fn decided<'a>(question: &Question<'a>) -> Vec<(&'a Filed, &'a Filed)> {
    let requests = &question.views.requests;
    let decision = |request| question.of_own(&requests.decided, request).next().map(|decision| (request, decision));
    question.all(&requests.submitted).filter_map(decision).collect()
}

/// Days from request to decision, by the quarter and place of the decision.
fn waits(question: &Question<'_>, measure: &'static str) -> Tally<i64> {
    let mut tally = Tally::new(question, measure);
    for (request, decision) in decided(question) {
        let day = question.received_on(decision);
        tally.add(day, question.facility(decision), day.days_since(question.received_on(request)));
    }
    tally
}

/// T4, median.
pub(super) const T4_MEDIAN: Measure = Measure {
    id: "T4.median",
    title: "days to decision, median",
    definition: "Half of the decisions received in the quarter took no more days than this from the receipt of the request. Days of waiting for clarifications are not taken off.",
    unit: "days",
    rows: |question| waits(question, T4_MEDIAN.id).rows(|days| Cell::of_values(median(days), days.len())),
};

/// T4, 95th percentile.
pub(super) const T4_P95: Measure = Measure {
    id: "T4.p95",
    title: "days to decision, 95th percentile",
    definition: "Nineteen of twenty decisions received in the quarter took no more days than this from the receipt of the request.",
    unit: "days",
    rows: |question| waits(question, T4_P95.id).rows(|days| Cell::of_values(percentile(days, 95), days.len())),
};

/// T5.
pub(super) const T5: Measure = Measure {
    id: "T5",
    title: "approval rate",
    definition: "Of the requests whose decision was received in the quarter, the share approved. The decision of a request is its first.",
    unit: "percent",
    rows: |question| {
        let mut tally = Tally::new(question, T5.id);
        for (_, decision) in decided(question) {
            let approved = decision.kind() == "access.request.approved";
            tally.add(question.received_on(decision), question.facility(decision), approved);
        }
        tally.rows(|all| Cell::rate(all.iter().filter(|a| **a).count() as i64, all.len() as i64))
    },
};

/// T6.
pub(super) const T6: Measure = Measure {
    id: "T6",
    title: "denials",
    definition: "Denials that the ledger received in the quarter, in all and by reason.",
    unit: "denials",
    rows: |question| {
        let mut tally = Tally::new(question, T6.id);
        for denial in question.all(&question.views.requests.denied) {
            let reason = question.text(denial, "reason").unwrap_or_default();
            tally.add(question.received_on(denial), question.facility(denial), reason.to_owned());
        }
        tally.counts_by("reason")
    },
};
