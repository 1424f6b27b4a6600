//! A witness behind an address: one `POST`, in bounded time.
//!
//! Nothing rests on the connection: the log's signature protects the question and the witness's the
//! answer.

use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::time::Timestamp;
use verifier::witness::answer::{ANSWER_BYTES_MAX, BadReply};
use verifier::witness::request::Request;

use super::{Response, Silence, Witness};
use crate::net::{Net, Trouble};

/// How long an answer may take, the connection included, in seconds.
const ANSWER_SECONDS: u64 = 10;

/// A witness at an address.
#[derive(Debug)]
pub struct HttpWitness(Net);

impl HttpWitness {
    /// The witness whose `add-checkpoint` lies below this address, `http://…` or `https://…`.
    pub fn new(address: &str) -> Self {
        Self::patient(address, ANSWER_SECONDS)
    }

    /// The same, waited for so many seconds.
    pub fn patient(address: &str, seconds: u64) -> Self {
        Self(Net::new(address, seconds))
    }
}

impl Witness for HttpWitness {
    fn add_checkpoint(&mut self, request: &Request, _now: Timestamp) -> Result<Response, Silence> {
        let silence = |trouble| match trouble {
            Trouble::Late { seconds } => Silence::Late { seconds },
            Trouble::TooLong { .. } => Silence::Garbage(BadReply::TooLong),
            Trouble::Unreachable(why) => Silence::Unreachable(why),
        };
        let (kind, body) = ("text/plain; charset=utf-8", request.to_text());
        let answer = self.0.post("/add-checkpoint", kind, &[], body.as_bytes(), ANSWER_BYTES_MAX).map_err(silence)?;
        Ok(Response { status: answer.status, content_type: answer.content_type, body: answer.body })
    }

    fn last(&mut self, origin: &Origin) -> Option<Vec<u8>> {
        let path = format!("/{}/checkpoint", Hash::of(&[origin.as_str().as_bytes()]));
        let answer = self.0.get(&path, &[], ANSWER_BYTES_MAX).ok()?;
        (answer.status == 200).then_some(answer.body)
    }

    /// The field `Date` of any answer: a server with a clock must send it. RFC 9110 6.6.1.
    fn time(&mut self) -> Option<Timestamp> {
        self.0.get("/", &[], ANSWER_BYTES_MAX).ok()?.date
    }
}
