//! Duties and defects: what rules have in common when they judge.

use schemas::time::{Date, Timestamp};

use super::Question;
use crate::finding::Status;
use crate::views::Filed;

/// The act that a duty asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When the ledger received it.
    pub received_at: Timestamp,
    /// The local day on which it was done, by its author's claim.
    pub claimed: Date,
}

/// A duty or a defect, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Not due yet.
    Pending,
    /// Done in time.
    InTime,
    /// Not done in time.
    Breach(Breach),
}

/// How a breach stands. `rules/RULES.md` 1, "Status".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breach {
    /// When it began.
    pub opened_at: Timestamp,
    /// Where it stands.
    pub status: Status,
    /// When it ended, unless open.
    pub closed_at: Option<Timestamp>,
}

impl Answer {
    /// A record, with the day of its `occurred_at` as the claim.
    pub fn of(record: &Filed) -> Self {
        Self { received_at: record.received_at(), claimed: record.at() }
    }

    /// A record, with the day in one of its fields as the claim.
    pub fn claiming<'a>(question: &Question<'a>, record: &'a Filed, field: &str) -> Self {
        let claimed = question.date(record, field).unwrap_or(record.at());
        Self { received_at: record.received_at(), claimed }
    }
}

impl Judged {
    /// The breach, where there is one.
    pub fn breach(self) -> Option<Breach> {
        if let Self::Breach(breach) = self { Some(breach) } else { None }
    }

    /// Whether it counts as not complied with: open or late, never late-recorded.
    pub fn is_failure(self) -> bool {
        self.breach().is_some_and(|b| matches!(b.status, Status::Open | Status::Late))
    }
}

impl Breach {
    /// Open since an instant.
    pub fn open(opened_at: Timestamp) -> Self {
        Self { opened_at, status: Status::Open, closed_at: None }
    }

    /// An act that came too late and is breach and end at once.
    pub fn at_receipt(received_at: Timestamp, status: Status) -> Self {
        Self { opened_at: received_at, status, closed_at: Some(received_at) }
    }
}

/// The spells during which a defect of a record held. `rules/RULES.md` 1, "Correction" (2): it opens at the
/// receipt of the record or of the correction at which it first holds, and is remedied by the
/// correction at which it no longer holds. One who mends a record and breaks it again is open again.
pub(crate) fn defect<'a>(
    question: &Question<'a>,
    record: &'a Filed,
    holds: impl Fn(Timestamp) -> bool,
) -> Option<Breach> {
    let corrections = question.views.amendments.of(record).map(|c| c.record.received_at());
    let mut breach: Option<Breach> = None;
    for moment in std::iter::once(record.received_at()).chain(corrections) {
        match (&mut breach, holds(moment)) {
            (None, true) => breach = Some(Breach::open(moment)),
            (Some(breach), true) if breach.status != Status::Open => *breach = Breach::open(breach.opened_at),
            (Some(breach), false) if breach.status == Status::Open => {
                *breach = Breach { status: Status::Remedied, closed_at: Some(moment), ..*breach };
            }
            _ => {}
        }
    }
    breach
}
