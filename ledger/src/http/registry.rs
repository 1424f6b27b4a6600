//! Whose keys are in force: a copy of the log's keyring, no older than a second.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use schemas::time::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;
use verifier::keyring::Keyring;

use super::problem::Problem;
use crate::reader::Reader;
use crate::sequencer::Sequencer;
use crate::writer::Writer;

/// A copy is made at most this often while the log grows: so soon a revoked key ends.
const AGE_MAX: Duration = Duration::from_secs(1);
/// And this often for a key that the copy does not know.
const AGE_MIN: Duration = Duration::from_millis(100);

/// The keyring as it was at a size of the log.
pub struct Copy {
    /// The keys.
    pub keyring: Keyring,
    /// When the last entry was received.
    pub last_received: Option<Timestamp>,
    size: u64,
}

impl Copy {
    fn of(writer: &Writer) -> Self {
        let log = writer.log();
        Self { keyring: log.keyring().clone(), last_received: log.last_received(), size: log.size() }
    }
}

/// The newest copy, and when it was made.
pub struct Registry {
    copy: RwLock<Arc<Copy>>,
    made: Mutex<Instant>,
}

impl Registry {
    /// With the keys that the log has now.
    pub fn of(writer: &Writer) -> Self {
        Self { copy: RwLock::new(Arc::new(Copy::of(writer))), made: Mutex::new(Instant::now()) }
    }

    /// The keys; those of a second ago where the log grows all the time.
    ///
    /// # Errors
    /// A problem, if the ledger takes nothing now.
    pub async fn current(&self, sequencer: &Sequencer, reader: &Reader) -> Result<Arc<Copy>, Problem> {
        self.no_older(sequencer, reader, AGE_MAX).await
    }

    /// The same for whom they did not know: perhaps the key was enrolled just now.
    ///
    /// # Errors
    /// As [`Registry::current`].
    pub async fn newest(&self, sequencer: &Sequencer, reader: &Reader) -> Result<Arc<Copy>, Problem> {
        self.no_older(sequencer, reader, AGE_MIN).await
    }

    async fn no_older(&self, sequencer: &Sequencer, reader: &Reader, age: Duration) -> Result<Arc<Copy>, Problem> {
        if self.copy().size == reader.store().size() {
            return Ok(self.copy());
        }
        let mut made = self.made.lock().await;
        let current = self.copy();
        if current.size == reader.store().size() || made.elapsed() < age {
            return Ok(current);
        }
        let copy = Arc::new(sequencer.with(|writer| Copy::of(writer)).await?);
        *made = Instant::now();
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&copy);
        Ok(copy)
    }

    fn copy(&self) -> Arc<Copy> {
        Arc::clone(&self.copy.read().unwrap_or_else(PoisonError::into_inner))
    }
}
