//! Going out over HTTP: one question, one answer, in bounded time and size. The one file that uses `ureq`.
//!
//! Nothing rests on the connection: notes, receipts and proofs are signed. `https` keeps what is restricted from
//! whoever listens, and public witnesses speak nothing else.

use std::sync::Arc;
use std::time::Duration;

use schemas::time::Timestamp;
use schemas::visible;
use ureq::Agent;
use ureq::http::HeaderMap;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How long a connection may take, in seconds.
const CONNECT_SECONDS: u64 = 4;
/// Most characters of somebody else's words that are shown.
const WORDS_MAX: usize = 200;

/// A server at an address.
#[derive(Clone, Debug)]
pub struct Net {
    base: String,
    agent: Agent,
    seconds: u64,
}

/// What a server answered, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub content_type: String,
    /// The server's clock, if it showed it.
    pub date: Option<Timestamp>,
    /// After how many seconds it wants to be asked again.
    pub retry_after: Option<u64>,
    /// Body.
    pub body: Vec<u8>,
}

/// Why no whole answer came. Whether the question arrived is then unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It took too long.
    #[error("no answer within {seconds} s")]
    Late {
        /// How long it was waited for.
        seconds: u64,
    },
    /// More than was asked for.
    #[error("the answer has more than {max} bytes")]
    TooLong {
        /// The limit, in bytes.
        max: usize,
    },
    /// No connection, or it broke.
    #[error("not reached: {0}")]
    Unreachable(String),
}

impl Net {
    /// The server at `http://…` or `https://…`, waited for so many seconds a question.
    pub fn new(address: &str, seconds: u64) -> Self {
        let base = address.trim_end_matches('/').to_owned();
        let mut config = Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(CONNECT_SECONDS.min(seconds))))
            .timeout_global(Some(Duration::from_secs(seconds)))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .user_agent("access-ledger");
        if base.starts_with("https:") {
            config = config.tls_config(tls());
        }
        Self { base, agent: config.build().into(), seconds }
    }

    /// Asks with `GET`; the path begins with `/`.
    ///
    /// # Errors
    /// [`Trouble`] if no whole answer came.
    pub fn get(&self, path: &str, fields: &[(&str, &str)], max: usize) -> Result<Answer, Trouble> {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = request.call().map_err(|e| self.trouble(&e, max))?;
        self.read(answer, max)
    }

    /// Sends a body with `POST`.
    ///
    /// # Errors
    /// [`Trouble`] if no whole answer came.
    pub fn post(
        &self,
        path: &str,
        content_type: &str,
        fields: &[(&str, &str)],
        body: &[u8],
        max: usize,
    ) -> Result<Answer, Trouble> {
        let mut request = self.agent.post(format!("{}{path}", self.base)).content_type(content_type);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let answer = request.send(body).map_err(|e| self.trouble(&e, max))?;
        self.read(answer, max)
    }

    fn read(&self, mut answer: ureq::http::Response<ureq::Body>, max: usize) -> Result<Answer, Trouble> {
        let text = |name: &str| field(answer.headers(), name).map(str::to_owned);
        let content_type = text("content-type").unwrap_or_default();
        let date = text("date").and_then(|text| instant(&text));
        let retry_after = text("retry-after").and_then(|text| text.parse().ok());
        let status = answer.status().as_u16();
        let read = answer.body_mut().with_config().limit(max as u64).read_to_vec();
        let body = read.map_err(|e| self.trouble(&e, max))?;
        Ok(Answer { status, content_type, date, retry_after, body })
    }

    fn trouble(&self, error: &ureq::Error, max: usize) -> Trouble {
        match error {
            ureq::Error::Timeout(_) => Trouble::Late { seconds: self.seconds },
            ureq::Error::BodyExceedsLimit(_) => Trouble::TooLong { max },
            other => Trouble::Unreachable(words(&other.to_string())),
        }
    }
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Somebody else's words as they may be shown on a terminal.
pub fn words(text: &str) -> String {
    visible::start(text, WORDS_MAX)
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

/// Reads the `Date` of an answer, such as `Sun, 06 Nov 1994 08:49:37 GMT`. RFC 9110 5.6.7, the form that servers
/// must write.
fn instant(text: &str) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, rest) = text.split_once(", ")?;
    let mut parts = rest.split(' ');
    let (day, month, year, time) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    Timestamp::parse(&format!("{year}-{month:02}-{day}T{time}Z")).filter(|_| parts.next() == Some("GMT"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_the_form_that_servers_write() {
        let want = Timestamp::parse("1994-11-06T08:49:37Z");
        for (text, want) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", want),
            ("Sun, 06 Nov 1994 08:49:37 UTC", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("1994-11-06T08:49:37Z", None),
            ("", None),
        ] {
            assert_eq!(instant(text), want, "{text:?}");
        }
    }

    #[test]
    fn who_is_not_there_is_not_reached() {
        // Port 9 of this machine: nobody listens there.
        let net = Net::new("http://127.0.0.1:9/", 2);
        assert!(matches!(net.get("/checkpoint", &[], 10), Err(Trouble::Unreachable(_))));
        assert!(matches!(net.post("/events", "text/plain", &[], b"x", 10), Err(Trouble::Unreachable(_))));
    }
}
