//! What every request may use.

use std::sync::{Arc, Mutex};

use schemas::note::Note;
use schemas::time::Timestamp;
use tokio::sync::{Semaphore, watch};
use verifier::keyring::KeyNumber;

use super::config::Config;
use super::figures::Figures;
use super::ids::Ids;
use super::limits::{Counts, Rates};
use super::packs::PublicPacks;
use super::problem::{Kind, Problem};
use super::readings::Readings;
use super::registry::Registry;
use super::spent::Spent;
use crate::clock::Clock;
use crate::nats::Status;
use crate::reader::Reader;
use crate::sequencer::{Published, Sequencer};

/// A handle to all of it.
pub type App = Arc<Parts>;

/// What every request may use.
pub struct Parts {
    /// As it was configured.
    pub config: Config,
    /// What is on the disk.
    pub reader: Reader,
    /// The one writer.
    pub sequencer: Sequencer,
    /// What is published; changes are told.
    pub published: watch::Receiver<Published>,
    /// How it stands with NATS, where it is used.
    pub nats: Option<watch::Receiver<Status>>,
    /// True once the server ends.
    pub ending: watch::Receiver<bool>,
    /// Whose keys are in force.
    pub(super) registry: Registry,
    /// Signed requests that were taken.
    pub(super) spent: Mutex<Spent>,
    /// Where each event stands.
    pub(super) ids: Ids,
    /// Held by who learns more of them.
    pub(super) learning: tokio::sync::Mutex<()>,
    /// Who records readings; without one no hidden value leaves.
    pub(super) readings: Option<Readings>,
    /// Requests of each key.
    pub(super) key_requests: Rates<KeyNumber>,
    /// Events that each key carries in.
    pub(super) key_events: Rates<KeyNumber>,
    /// Requests of each key that are worked on.
    pub(super) of_key: Counts<KeyNumber>,
    /// Readers of the feed, by address.
    pub(super) feeds: Counts<std::net::IpAddr>,
    /// And in all.
    pub(super) feed_places: Arc<Semaphore>,
    /// Bytes of bodies under way, of each key.
    pub(super) bodies_of_key: Counts<KeyNumber>,
    /// And of each address.
    pub(super) bodies_of_address: Counts<std::net::IpAddr>,
    /// KiB of bodies that may be under way.
    pub(super) body_kib: Arc<Semaphore>,
    /// Places of those who read from the disk.
    pub(super) disk: Arc<Semaphore>,
    /// Places of those who read openings.
    pub(super) openings: Semaphore,
    /// Places in the line before them, theirs included.
    pub(super) openings_waiting: Semaphore,
    /// And how many of them each key has.
    pub(super) openings_of_key: Counts<KeyNumber>,
    /// Places of those for whom a pack with hidden values is made.
    pub(super) packs: Semaphore,
    /// And how many of them each key has, or waits for.
    pub(super) packs_of_key: Counts<KeyNumber>,
    /// Public packs.
    pub(super) public_packs: PublicPacks,
    /// The policy that is shown.
    pub(super) policy: String,
    /// What is counted.
    pub(super) figures: Figures,
    /// The OpenAPI document.
    pub(super) openapi: String,
}

impl Parts {
    /// Entries under the published checkpoint.
    pub fn size(&self) -> u64 {
        self.published.borrow().size
    }

    /// The published checkpoint.
    ///
    /// # Errors
    /// A problem that says that there is none yet.
    pub fn checkpoint(&self) -> Result<(u64, Note), Problem> {
        let published = self.published.borrow();
        let none = "no witness has seen this log yet, so nothing is published: ask again in a minute";
        let note = published.note.clone().ok_or_else(|| Problem::new(Kind::Waiting, none).after(60))?;
        Ok((published.size, note))
    }

    /// The present, as the log may know it: a clock set back must not bring back what was in force.
    pub fn now(&self, last_received: Option<Timestamp>) -> Timestamp {
        let now = Clock::System.now();
        last_received.map_or(now, |last| last.max(now))
    }

    /// Works on to the end, whether the client stays or hangs up: what it takes is held for as long.
    ///
    /// # Errors
    /// What it says, or that it broke off.
    pub async fn to_the_end<T: Send + 'static>(
        work: impl Future<Output = Result<T, Problem>> + Send + 'static,
    ) -> Result<T, Problem> {
        tokio::spawn(work).await.map_err(|_| Problem::internal())?
    }

    /// Runs what reads from the disk where it holds up nobody; so many at a time.
    ///
    /// # Errors
    /// What it says, or that it broke off.
    pub async fn on_disk<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Parts) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let place = Arc::clone(&self.disk).acquire_owned().await.map_err(|_| Problem::internal())?;
        let app = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&app);
            drop(place);
            done
        });
        done.await.map_err(|_| Problem::internal())?
    }
}
