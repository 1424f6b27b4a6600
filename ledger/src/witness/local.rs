//! A witness in this process, for replays on a virtual clock and for tests.

use std::convert::Infallible;

use schemas::note::Vkey;
use schemas::time::Timestamp;
use verifier::signature::{BadKey, SecretKey};
use verifier::witness::ratchet::Ratchet;
use verifier::witness::records::Records;
use verifier::witness::request::Request;

use super::{Response, Silence, Witness};

/// A ratchet whose clock is the ledger's, and whose memory is this process's. It shows that the
/// protocol works; it is no witness against the ledger that runs it.
#[derive(Clone, Debug)]
pub struct LocalWitness(Ratchet);

impl LocalWitness {
    /// A witness of one log that has cosigned what the records say.
    ///
    /// # Errors
    /// [`BadKey`] if the log's key cannot be taken.
    pub fn new(key: SecretKey, log: &Vkey, records: Records) -> Result<Self, BadKey> {
        Ok(Self(Ratchet::new(key, std::slice::from_ref(log), records)?))
    }

    /// What it has cosigned.
    pub fn records(&self) -> &Records {
        self.0.records()
    }
}

impl Witness for LocalWitness {
    fn add_checkpoint(&mut self, request: &Request, now: Timestamp) -> Result<Response, Silence> {
        let now = u64::try_from(now.unix()).unwrap_or_default();
        let Ok(answer) = self.0.add_checkpoint::<Infallible>(request.to_text().as_bytes(), now, |_| Ok(()));
        let (status, content_type) = (answer.status(), answer.content_type().to_owned());
        Ok(Response { status, content_type, body: answer.body().into_bytes() })
    }
}
