//! A witness behind an address: one `POST`, in bounded time. The one file that uses `ureq`.
//!
//! Nothing rests on the connection: the log's signature protects the question and the witness's the
//! answer. `https` is spoken because public witnesses speak nothing else.

use std::sync::Arc;
use std::time::Duration;

use schemas::time::Timestamp;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use verifier::witness::answer::{ANSWER_BYTES_MAX, BadReply};
use verifier::witness::request::Request;

use super::{Response, Silence, Witness};

/// How long a connection may take, in seconds.
const CONNECT_SECONDS: u64 = 4;
/// How long an answer may take, the connection included, in seconds.
const ANSWER_SECONDS: u64 = 10;

/// A witness at an address.
#[derive(Debug)]
pub struct HttpWitness {
    address: String,
    agent: Agent,
    seconds: u64,
}

impl HttpWitness {
    /// The witness whose `add-checkpoint` lies below this address, `http://…` or `https://…`.
    pub fn new(address: &str) -> Self {
        Self::patient(address, ANSWER_SECONDS)
    }

    /// The same, waited for so many seconds.
    pub fn patient(address: &str, seconds: u64) -> Self {
        let address = format!("{}/add-checkpoint", address.trim_end_matches('/'));
        let mut config = Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS.min(seconds))))
            .timeout_global(Some(Duration::from_secs(seconds)))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("access-ledger");
        if address.starts_with("https:") {
            config = config.tls_config(tls());
        }
        Self { address, agent: config.build().into(), seconds }
    }
}

/// TLS under the certificates that this system trusts.
fn tls() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs().certs;
    let trusted: Vec<Certificate<'static>> = found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&trusted))
        .build()
}

impl Witness for HttpWitness {
    fn add_checkpoint(&mut self, request: &Request, _now: Timestamp) -> Result<Response, Silence> {
        let seconds = self.seconds;
        let silence = |error: ureq::Error| match error {
            ureq::Error::Timeout(_) => Silence::Late { seconds },
            ureq::Error::BodyExceedsLimit(_) => Silence::Garbage(BadReply::TooLong),
            other => Silence::Unreachable(other.to_string().chars().filter(|c| !c.is_control()).take(200).collect()),
        };
        let posted = self.agent.post(&self.address).content_type("text/plain; charset=utf-8");
        let mut answer = posted.send(request.to_text()).map_err(silence)?;
        let content_type = answer.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let (status, content_type) = (answer.status().as_u16(), content_type.to_owned());
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX as u64).read_to_vec().map_err(silence)?;
        Ok(Response { status, content_type, body })
    }
}
