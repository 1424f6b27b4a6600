//! T1 to T3: requests, and how they were met.

use super::Measure;
use super::tally::{Cell, Tally};
use crate::measure::Row;
use crate::rules::{Judged, Question, acc01, acc02};
use crate::views::Filed;

/// T1.
pub(super) const T1: Measure = Measure {
    id: "T1",
    title: "requests for access",
    definition: "Requests for access that the ledger received in the quarter, in all and by purpose.",
    unit: "requests",
    rows: |question| {
        let mut tally = Tally::new(question, T1.id);
        for request in question.all(&question.views.requests.submitted) {
            let purpose = question.text(request, "purpose").unwrap_or_default();
            tally.add(question.received_on(request), question.facility(request), purpose.to_owned());
        }
        tally.counts_by("purpose")
    },
};

/// T2.
pub(super) const T2: Measure = Measure {
    id: "T2",
    title: "acknowledged in time",
    definition: "Of the requests received in the quarter whose time to acknowledge is over (or that were answered), the share acknowledged or answered in time. What was only recorded late counts as in time; a request withdrawn before any answer is left out.",
    unit: "percent",
    rows: |question| {
        in_time(question, T2.id, |question, request| {
            let duty = acc01::duty(question, request);
            (duty.judged, duty.answer)
        })
    },
};

/// T3.
pub(super) const T3: Measure = Measure {
    id: "T3",
    title: "decided in time",
    definition: "Of the requests received in the quarter whose time to decide is over (or that were decided), the share decided in time. What was only recorded late counts as in time; a request withdrawn before any decision is left out.",
    unit: "percent",
    rows: |question| {
        in_time(question, T3.id, |question, request| {
            let duty = acc02::duty(question, request);
            (duty.judged, duty.answer)
        })
    },
};

/// The share of duties met, of those that are decided.
fn in_time<'a>(
    question: &Question<'a>,
    measure: &'static str,
    duty: impl Fn(&Question<'a>, &'a Filed) -> (Judged, Option<&'a Filed>),
) -> Vec<Row> {
    let mut tally = Tally::new(question, measure);
    for request in question.all(&question.views.requests.submitted) {
        let (judged, answer) = duty(question, request);
        let withdrawn_first = answer.is_some_and(|a| a.kind() == "access.request.withdrawn");
        if judged == Judged::Pending || withdrawn_first && !judged.is_failure() {
            continue;
        }
        tally.add(question.received_on(request), question.facility(request), !judged.is_failure());
    }
    tally.rows(|met| Cell::rate(met.iter().filter(|m| **m).count() as i64, met.len() as i64))
}
