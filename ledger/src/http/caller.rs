//! Who makes a request: RFC 9421 with the enrolled keys. FORMAT.md 22.

use std::sync::PoisonError;

use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use tokio::time::Instant;
use verifier::Verified;
use verifier::http_request::{self, BadRequest, Received, Request};
use verifier::keyring::KeyNumber;

pub use verifier::http_request::Caller;

use super::app::App;
use super::limits::Counted;
use super::problem::{Kind, Problem};
use super::spent::NotSpent;
use crate::clock::Clock;

/// What a signed request is for: a copy of one that hands in gives nothing away, the answer is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Handing in.
    HandIn,
    /// Reading what is not for everybody.
    Read,
}

/// A caller, as long as its request is worked on.
pub struct Present {
    /// Who it is.
    pub caller: Verified<Caller>,
    _counted: Counted<KeyNumber>,
}

/// Finds out who signed the request; each signature is taken once.
///
/// # Errors
/// A problem that says why it was not accepted.
pub async fn caller(app: &App, parts: &Parts, purpose: Purpose) -> Result<Present, Problem> {
    let received = received(&parts.headers);
    if !received.is_signed() {
        let detail = "sign the request with a key that is enrolled in this log (RFC 9421, FORMAT.md 22)";
        return Err(Problem::new(Kind::Unsigned, detail));
    }
    let authority = authority(app, parts)?;
    let request = Request {
        method: parts.method.as_str(),
        authority: &authority,
        path: parts.uri.path(),
        query: parts.uri.query(),
    };
    let mut keys = app.registry.current(&app.sequencer, &app.reader).await?;
    let now = Clock::System.now();
    let mut found = http_request::verify_with(&request, &received, &keys.keyring, now, app.now(keys.last_received));
    if let Err(BadRequest::UnknownKey { .. } | BadRequest::NotInForce { .. }) = found {
        keys = app.registry.newest(&app.sequencer, &app.reader).await?;
        found = http_request::verify_with(&request, &received, &keys.keyring, now, app.now(keys.last_received));
    }
    let unspent = found.map_err(problem)?;
    let spent = app.spent.lock().unwrap_or_else(PoisonError::into_inner).spend(unspent, purpose, now);
    let caller = spent.map_err(|why| match why {
        NotSpent::Bad(why) => problem(why),
        NotSpent::Failure(why) => Problem::failure(&why),
    })?;
    let key = caller.get().key;
    app.key_requests.take(&key, 1, Instant::now()).map_err(|seconds| {
        let detail = "this key makes more requests than the server lets one make: send more events in one request";
        Problem::new(Kind::TooFast, detail).after(seconds)
    })?;
    let counted = app.of_key.enter(&key, app.config.requests.at_once_of_key_max).ok_or_else(|| {
        let detail = "this key has as many requests under way as one may have: wait for their answers";
        Problem::new(Kind::TooFast, detail).after(1)
    })?;
    Ok(Present { caller, _counted: counted })
}

/// What a signature that was not accepted is answered.
#[allow(clippy::needless_pass_by_value)] // it is what `map_err` hands over
pub fn problem(why: BadRequest) -> Problem {
    let detail = why.to_string();
    match why {
        BadRequest::Replayed => Problem::new(Kind::Replayed, detail),
        BadRequest::TooMany => Problem::new(Kind::TooFast, detail).after(60),
        BadRequest::Forgotten => Problem::new(Kind::BadSignature, detail).after(http_request::AHEAD_SECONDS as u64 + 1),
        _ => Problem::new(Kind::BadSignature, detail),
    }
}

fn received(headers: &HeaderMap) -> Received<'_> {
    let all = |name: &str| headers.get_all(name).iter().map(axum::http::HeaderValue::as_bytes).collect();
    Received {
        content_digest: all("content-digest"),
        signature_input: all("signature-input"),
        signature: all("signature"),
    }
}

/// The name by which the client called this server.
fn authority(app: &App, parts: &Parts) -> Result<String, Problem> {
    let bad = |detail: &str| Problem::new(Kind::BadRequest, detail);
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let host = match (parts.uri.authority(), hosts.next(), hosts.next()) {
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(host), None) => host.to_str().map_err(|_| bad("the header field Host is not a name"))?,
        _ => return Err(bad("the request needs the header field Host exactly once")),
    };
    let authority = http_request::authority(host, app.config.is_tls());
    let names = &app.config.listen.names;
    let own = |name: &String| http_request::authority(name, app.config.is_tls()) == authority;
    if names.is_empty() || names.iter().any(own) {
        Ok(authority)
    } else {
        Err(bad("the header field Host is not a name of this server ([listen] names)"))
    }
}
