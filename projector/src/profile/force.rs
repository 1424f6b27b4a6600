//! Which profile is in force when.
//!
//! An adoption takes effect at its receipt or at the start of its `effective_on`, whichever is
//! later: a profile can be announced ahead, never imposed on the past. Of those in effect, the
//! one with the latest `effective_on` counts; of two with the same day, the later in the log.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemas::hash::Hash;
use schemas::time::{Date, Timestamp};

use super::{BadProfile, Profile};

/// The profile documents at hand, by their digest.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    documents: BTreeMap<Hash, Arc<Profile>>,
}

/// One `rule.profile.adopted`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// Place in the log.
    pub position: u64,
    /// When the ledger received it.
    pub received_at: Timestamp,
    /// From which local day it is to count.
    pub effective_on: Date,
    /// Digest of the document.
    pub digest: Hash,
    /// The name under which it was adopted.
    pub profile_id: String,
}

/// What a reader must be told about the profile used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// No profile was adopted (yet): the default counts.
    NoneAdopted {
        /// Until when; `None` for the whole log.
        until: Option<Timestamp>,
    },
    /// An adopted profile's document is not at hand: the default stands in for it.
    DocumentMissing {
        /// The name under which it was adopted.
        profile_id: String,
        /// Digest of the missing document.
        digest: Hash,
        /// Since when it is in force.
        from: Timestamp,
    },
}

/// The profiles in force over time.
#[derive(Clone, Debug)]
pub struct Timeline {
    turns: Vec<(Timestamp, Arc<Profile>)>,
    default: Arc<Profile>,
    notes: Vec<Note>,
}

impl Profiles {
    /// No documents.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a document.
    ///
    /// # Errors
    /// [`BadProfile`] where it is no profile.
    pub fn add(&mut self, bytes: &[u8]) -> Result<Hash, BadProfile> {
        let profile = Profile::parse(bytes)?;
        let digest = profile.digest();
        self.documents.insert(digest, Arc::new(profile));
        Ok(digest)
    }

    /// The document of that digest.
    pub fn get(&self, digest: &Hash) -> Option<&Profile> {
        self.documents.get(digest).map(AsRef::as_ref)
    }

    /// Which profile is in force when, by these adoptions.
    pub fn timeline<'a>(&self, adoptions: impl IntoIterator<Item = &'a Adoption>) -> Timeline {
        let default = Arc::new(Profile::built_in().clone());
        let mut notes = Vec::new();
        let mut starts: Vec<_> = adoptions
            .into_iter()
            .map(|a| {
                let document = self.documents.get(&a.digest);
                let calendar = document.unwrap_or(&default).calendar();
                let from = a.received_at.max(calendar.start(a.effective_on));
                if document.is_none() {
                    let (profile_id, digest) = (a.profile_id.clone(), a.digest);
                    notes.push(Note::DocumentMissing { profile_id, digest, from });
                }
                (from, (a.effective_on, a.position), Arc::clone(document.unwrap_or(&default)))
            })
            .collect();
        starts.sort_by_key(|(from, rank, _)| (*from, *rank));
        notes.sort_by_key(
            |note| if let Note::DocumentMissing { from, .. } = note { *from } else { Timestamp::from_unix(0) },
        );
        let first = starts.first().map(|(from, ..)| *from);
        notes.insert(0, Note::NoneAdopted { until: first });
        let mut turns = Vec::new();
        let mut best = None;
        for (from, rank, profile) in starts {
            if best.is_none_or(|b| rank > b) {
                best = Some(rank);
                turns.push((from, profile));
            }
        }
        Timeline { turns, default, notes }
    }
}

impl Timeline {
    /// The profile in force at an instant.
    pub fn at(&self, t: Timestamp) -> &Profile {
        let taken = self.turns.partition_point(|(from, _)| *from <= t);
        taken.checked_sub(1).map_or(&self.default, |i| &self.turns[i].1)
    }

    /// What readers of the results must be told.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoneAdopted { until: Some(until) } => {
                write!(
                    f,
                    "before {until} no rule profile was in force; the default profile counts for what was received before"
                )
            }
            Self::NoneAdopted { until: None } => {
                write!(f, "no rule profile has been adopted; the default profile counts")
            }
            Self::DocumentMissing { profile_id, digest, from } => write!(
                f,
                "the rule profile {profile_id} (sha-256 {digest}), in force from {from}, is not at hand; the default profile was used in its place. \
                 Put its file under documents/{digest} and evaluate again"
            ),
        }
    }
}
