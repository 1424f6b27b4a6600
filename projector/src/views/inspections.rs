//! Inspections, their reports, urgent notifications.

use super::{ByCase, Filed, Shelf};
use crate::digest::canonical;

/// Inspections, their reports, urgent notifications.
#[derive(Clone, Debug, Default)]
pub struct Inspections {
    /// Inspections.
    pub conducted: Shelf,
    /// The same, by their own id.
    pub conducted_by_id: ByCase,
    /// Reports submitted, by inspection.
    pub submitted: ByCase,
    /// Reports published, by report.
    pub published: ByCase,
    /// Reports published.
    pub published_all: Shelf,
    /// Urgent notifications.
    pub notifications: Shelf,
    /// Answers to urgent notifications, by notification.
    pub notifications_answered: ByCase,
}

canonical!(Inspections {
    conducted,
    conducted_by_id,
    submitted,
    published,
    published_all,
    notifications,
    notifications_answered
});

impl Inspections {
    pub(super) fn apply(&mut self, record: &Filed) {
        match record.kind() {
            "inspection.conducted" => {
                self.conducted.push(record);
                self.conducted_by_id.push(record.id(), record);
            }
            "inspection.report.submitted" => self.submitted.push(record.reference("inspection"), record),
            "inspection.report.published" => {
                self.published.push(record.reference("report"), record);
                self.published_all.push(record);
            }
            "urgent.notification.issued" => self.notifications.push(record),
            "urgent.notification.answered" => {
                self.notifications_answered.push(record.reference("notification"), record);
            }
            _ => {} // a view reads only the events it is about
        }
    }
}
