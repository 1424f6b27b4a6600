//! Views: pure folds over believed records, in log order. Rules and measures ask them.
//!
//! A view keeps what rules need and decides nothing: corrections and retractions apply when a
//! question is asked, so a fold that pauses at each evaluation date answers for all of them.
//! A new view is a file here and a member of [`Views`].

mod adoptions;
mod agreements;
mod amendments;
mod consultations;
mod facilities;
mod filed;
mod funding;
mod inspections;
mod parties;
mod programmes;
mod recommendations;
mod recording;
mod requests;
mod security;
mod training;
mod visits;

use schemas::time::Timestamp;

use crate::digest::canonical;
use crate::record::Record;

pub use adoptions::Adoptions;
pub use agreements::Agreements;
pub use amendments::{Amendments, Correction, Known};
pub use consultations::Consultations;
pub use facilities::Facilities;
pub use filed::{ByCase, Filed, Shelf};
pub use funding::Funding;
pub use inspections::Inspections;
pub use parties::Parties;
pub use programmes::Programmes;
pub use recommendations::Recommendations;
pub use recording::{Mark, Recording};
pub use requests::Requests;
pub use security::Security;
pub use training::Training;
pub use visits::Visits;

/// Everything that rules and measures may ask, as far as the log was folded.
#[derive(Clone, Debug, Default)]
pub struct Views {
    genesis: Option<Timestamp>,
    head: Option<(u64, Timestamp)>,
    /// Corrections and retractions.
    pub amendments: Amendments,
    /// Rule profiles adopted.
    pub adoptions: Adoptions,
    /// Roles of the parties.
    pub parties: Parties,
    /// Facilities, status, outages.
    pub facilities: Facilities,
    /// Requests and decisions.
    pub requests: Requests,
    /// Agreements.
    pub agreements: Agreements,
    /// Visits, attempts, disputes.
    pub visits: Visits,
    /// Security measures.
    pub security: Security,
    /// Programmes and the framework.
    pub programmes: Programmes,
    /// Consultations.
    pub consultations: Consultations,
    /// Money.
    pub funding: Funding,
    /// Training.
    pub training: Training,
    /// Inspections.
    pub inspections: Inspections,
    /// Recommendations.
    pub recommendations: Recommendations,
    /// How records were made.
    pub recording: Recording,
}

canonical!(Views {
    genesis,
    head,
    amendments,
    adoptions,
    parties,
    facilities,
    requests,
    agreements,
    visits,
    security,
    programmes,
    consultations,
    funding,
    training,
    inspections,
    recommendations,
    recording,
});

impl Views {
    /// Before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next record of the log.
    pub fn apply(&mut self, record: &Record) {
        self.file(&Filed::new(record.clone()));
    }

    /// The same for a record that is filed already, for other readers too.
    pub(crate) fn file(&mut self, record: &Filed) {
        self.genesis.get_or_insert(record.received_at());
        self.head = Some((record.position(), record.received_at()));
        self.amendments.apply(record);
        self.adoptions.apply(record);
        self.parties.apply(record);
        self.facilities.apply(record);
        self.requests.apply(record);
        self.agreements.apply(record);
        self.visits.apply(record);
        self.security.apply(record);
        self.programmes.apply(record);
        self.consultations.apply(record);
        self.funding.apply(record);
        self.training.apply(record);
        self.inspections.apply(record);
        self.recommendations.apply(record);
        self.recording.apply(record);
    }

    /// When the first event was received; `None` before it.
    pub fn genesis(&self) -> Option<Timestamp> {
        self.genesis
    }

    /// Position and receipt of the last event folded; `None` before the first.
    pub fn head(&self) -> Option<(u64, Timestamp)> {
        self.head
    }
}
