//! Requests for access and what became of them.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Requests for access and what became of them.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// Requests.
    pub submitted: Shelf,
    /// Acknowledgements, by request.
    pub acknowledged: ByCase,
    /// Clarifications asked for, by request.
    pub clarifications: ByCase,
    /// Clarifications supplied, by what was asked for.
    pub supplied: ByCase,
    /// Approvals and denials, by request.
    pub decided: ByCase,
    /// Withdrawals, by request.
    pub withdrawn: ByCase,
    /// Approvals.
    pub approved: Shelf,
    /// Denials.
    pub denied: Shelf,
    /// Decisions against an organisation: denials, suspensions, revocations, bans.
    pub refusals: Shelf,
}

canonical!(Requests {
    submitted,
    acknowledged,
    clarifications,
    supplied,
    decided,
    withdrawn,
    approved,
    denied,
    refusals
});

impl Requests {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "access.request.submitted" => self.submitted.push(record),
            "access.request.acknowledged" => self.acknowledged.push(record.reference("request"), record),
            "access.clarification.requested" => self.clarifications.push(record.reference("request"), record),
            "access.clarification.supplied" => self.supplied.push(record.reference("clarification"), record),
            "access.request.approved" => {
                self.decided.push(record.reference("request"), record);
                self.approved.push(record);
            }
            "access.request.denied" => {
                self.decided.push(record.reference("request"), record);
                self.denied.push(record);
                self.refusals.push(record);
            }
            "access.request.withdrawn" => self.withdrawn.push(record.reference("request"), record),
            "access.approval.suspended" => self.refusals.push(record),
            "access.approval.revoked" => self.refusals.push(record),
            "access.ban.imposed" => self.refusals.push(record),
            _ => {} // a view reads only the events it is about
        }
    }
}
