//! What went wrong with a request, as RFC 9457 says it: what, where, what to do.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::failure::Failure;
use crate::sequencer::Halted;

/// Media type of a problem. RFC 9457 3.
pub const PROBLEM_TYPE: &str = "application/problem+json";
/// What all our problem types begin with; each name is in [`Kind`].
pub const URN: &str = "urn:oversight-ledger:problem:";
/// How a request must be signed, said to whoever did not. RFC 9421 5.1.
const ACCEPT_SIGNATURE: &str = r#"sig=("@method" "@authority" "@path" "@query" "content-digest");created;expires;nonce;keyid;alg="ed25519";tag="oversight-ledger""#;

/// Kinds of problems. Each has one status and one name for good: clients act by the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// No such place.
    NoSuchPath,
    /// The place is there, but not for this method.
    Method,
    /// A part of the path or the query makes no sense.
    BadRequest,
    /// Something beyond what is published.
    NotPublished,
    /// Nothing is known under that name.
    Unknown,
    /// A signature is needed.
    Unsigned,
    /// The signature does not hold, or not now.
    BadSignature,
    /// The signature was good once, and has been used.
    Replayed,
    /// Not for this party.
    NotYours,
    /// The body is of another type.
    MediaType,
    /// The body is too long.
    TooLarge,
    /// A line of the body is none.
    BadLine,
    /// The body did not come in time.
    TooSlow,
    /// Too many requests or events in a short time.
    TooFast,
    /// The ledger has too much to do.
    Busy,
    /// The ledger ends, or takes nothing now.
    Stopped,
    /// Nothing is recorded until the operator has looked; what is published is served.
    Suspended,
    /// A quorum of witnesses has not seen it yet.
    Waiting,
    /// This server does not do that.
    NotOffered,
    /// The ledger's own disk, keys or code.
    Failure,
    /// The event was kept out by the gate that every auditor replays.
    RefusedByAdmission,
    /// The event was kept out by the ledger's own gate.
    RefusedByIntake,
}

impl Kind {
    /// Its status, its name, its title.
    pub fn says(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::NoSuchPath => (StatusCode::NOT_FOUND, "no-such-path", "There is nothing at this path"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "method", "The path does not take this method"),
            Self::BadRequest => (StatusCode::BAD_REQUEST, "bad-request", "The request makes no sense"),
            Self::NotPublished => (StatusCode::NOT_FOUND, "not-published", "That is beyond what is published"),
            Self::Unknown => (StatusCode::NOT_FOUND, "unknown", "The ledger knows nothing of that name"),
            Self::Unsigned => (StatusCode::UNAUTHORIZED, "unsigned", "The request must be signed"),
            Self::BadSignature => (StatusCode::UNAUTHORIZED, "bad-signature", "The signature was not accepted"),
            Self::Replayed => (StatusCode::UNAUTHORIZED, "replayed", "The signature was used before"),
            Self::NotYours => (StatusCode::FORBIDDEN, "not-yours", "That is for others to read"),
            Self::MediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "The body is of another type"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large"),
            Self::BadLine => (StatusCode::BAD_REQUEST, "bad-line", "A line of the body cannot be read"),
            Self::TooSlow => (StatusCode::REQUEST_TIMEOUT, "too-slow", "The body did not come in time"),
            Self::TooFast => (StatusCode::TOO_MANY_REQUESTS, "too-fast", "Too much in a short time"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy", "The ledger is busy"),
            Self::Stopped => (StatusCode::SERVICE_UNAVAILABLE, "stopped", "The ledger takes nothing now"),
            Self::Suspended => {
                (StatusCode::SERVICE_UNAVAILABLE, "suspended", "Nothing is recorded until the operator has looked")
            }
            Self::Waiting => (StatusCode::ACCEPTED, "waiting", "It waits for witnesses"),
            Self::NotOffered => (StatusCode::NOT_IMPLEMENTED, "not-offered", "This server does not do that"),
            Self::Failure => (StatusCode::INTERNAL_SERVER_ERROR, "failure", "The ledger failed"),
            Self::RefusedByAdmission => {
                (StatusCode::UNPROCESSABLE_ENTITY, "refused-by-admission", "The event may not stand in the log")
            }
            Self::RefusedByIntake => {
                (StatusCode::UNPROCESSABLE_ENTITY, "refused-by-intake", "The event's hidden values were not taken")
            }
        }
    }
}

/// A problem: RFC 9457 3.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind.
    pub kind: Kind,
    /// What happened here, and what to do.
    pub detail: String,
    /// After how many seconds it may be tried again.
    pub retry_after: Option<u64>,
}

/// The members of a problem as they are sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemDetails {
    /// `urn:oversight-ledger:problem:` and the name; clients act by it.
    #[schema(example = "urn:oversight-ledger:problem:bad-line")]
    pub r#type: String,
    /// The kind, in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened here, and what to do.
    pub detail: String,
}

impl Problem {
    /// A problem of a kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), retry_after: None }
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The ledger failed; the operator reads why in the log, the client does not.
    pub fn failure(why: &Failure) -> Self {
        if let Failure::Unpublished(_) = why {
            let detail = "no witness has seen this log yet, so nothing can be handed out: ask again in a minute";
            return Self::new(Kind::Waiting, detail).after(60);
        }
        if let Failure::Halted { .. } = why {
            return Self::suspended();
        }
        tracing::error!(why = %why, "the ledger failed");
        Self::internal()
    }

    /// Nothing is recorded: the operator reads why in the log, the client what it means for it.
    pub fn suspended() -> Self {
        let detail = "the ledger records nothing until its operator has looked: what it knows contradicts what others \
                      have seen of it, or its clock cannot be believed. Nothing was taken; keep what you have signed and send \
                      it again later. What is published is still served";
        Self::new(Kind::Suspended, detail).after(600)
    }

    /// The same without a reason that is known.
    pub fn internal() -> Self {
        let detail = "the ledger could not do its work; its operator must look. Nothing was promised; try again later";
        Self::new(Kind::Failure, detail).after(60)
    }

    /// Its members.
    pub fn details(&self) -> ProblemDetails {
        let (status, name, title) = self.kind.says();
        ProblemDetails {
            r#type: format!("{URN}{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.clone(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(why: Failure) -> Self {
        Self::failure(&why)
    }
}

impl From<Halted> for Problem {
    fn from(why: Halted) -> Self {
        match why {
            Halted::Busy => {
                let detail = "too much waits already; nothing was taken. Send the same again in a moment";
                Self::new(Kind::Busy, detail).after(1)
            }
            Halted::Suspended { .. } => Self::suspended(),
            Halted::Stopped { why } => {
                if let Some(why) = why {
                    tracing::error!(why, "the ledger stopped");
                }
                let detail = "the ledger ends or could not write. What was sent may stand in it: send the same again \
                              later, and the answer will tell";
                Self::new(Kind::Stopped, detail).after(10)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, name, _) = self.kind.says();
        let body = serde_json::to_string(&self.details()).unwrap_or_default();
        let body = schemas::visible::json(&body).into_owned();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert("accept-signature", HeaderValue::from_static(ACCEPT_SIGNATURE));
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Signature realm=\"oversight-ledger\""));
        }
        response.extensions_mut().insert(Named(name));
        response
    }
}

/// The name of the problem that a response tells, for log and figures.
#[derive(Clone, Copy, Debug)]
pub struct Named(pub &'static str);
