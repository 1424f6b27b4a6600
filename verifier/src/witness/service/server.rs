//! The witness over HTTP: `POST /add-checkpoint`, `GET /<origin hash>/checkpoint`, `GET /healthz`.
//!
//! A request is read whole before it meets the ratchet, and what holds the ratchet waits for
//! nothing but the disk: a slow client blocks nobody. Check and write are one step under one lock.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::TcpListener;

use crate::listen::{Bounded, Limits};
use crate::witness::answer::{Answer, TEXT_TYPE};
use crate::witness::ratchet::Ratchet;
use crate::witness::request::{BODY_BYTES_MAX, BadRequest};
use crate::witness::service::state_file::StateFile;

/// What strangers may take: whoever moves nothing for so long is cut off, and comes again.
const LIMITS: Limits = Limits { connections_max: 256, of_address_max: 32, seconds: 20, speed_min: 1_024 };
/// Longest wait for a request's body.
pub const BODY_SECONDS: u64 = 10;

/// Why a witness cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum BadService {
    /// The address cannot be had, or the listener broke.
    #[error("cannot serve on {address}: {source}; choose another --listen ADDRESS:PORT")]
    Io {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// What the service tells its operator while it runs.
#[derive(Clone, Debug)]
pub enum News {
    /// It listens there.
    Listening(SocketAddr),
    /// It has room for fewer connections than it was to have.
    Fewer(String),
    /// It cosigned a checkpoint.
    Cosigned {
        /// The log.
        origin: String,
        /// The size.
        size: u64,
    },
    /// A log signed two trees of one size: evidence for everyone.
    Fork(Answer),
    /// A log that it watches was refused, with these words.
    Refused(Answer),
    /// The evidence of a fork could not be written; it is not lost as long as the log repeats it.
    Unkept(String),
    /// The state could not be written: it cosigns nothing more until it is started again.
    Stopped(String),
}

/// What is said where there is nothing.
const NOT_HERE: &str = "a witness answers POST /add-checkpoint, GET /HASH-OF-ORIGIN/checkpoint and GET /healthz\n";

/// A witness that serves.
struct Service {
    /// The ratchet with its file; nothing once a write has failed.
    inner: Mutex<Option<(Ratchet, StateFile)>>,
    clock: fn() -> u64,
    tell: Box<dyn Fn(News) + Send + Sync>,
}

/// Serves until `stop` is ready, then lets requests under way end. `clock` gives Unix seconds.
///
/// # Errors
/// [`BadService`] if the address cannot be had.
pub async fn serve(
    address: SocketAddr,
    ratchet: Ratchet,
    state: StateFile,
    clock: fn() -> u64,
    tell: impl Fn(News) + Send + Sync + 'static,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), BadService> {
    let bad = |source| BadService::Io { address, source };
    let listener = TcpListener::bind(address).await.map_err(bad)?;
    let local = listener.local_addr().map_err(bad)?;
    tell(News::Listening(local));
    let listener = Bounded::new(listener, LIMITS, 1, |words| tell(News::Fewer(words.to_owned())));
    let service = Service { inner: Mutex::new(Some((ratchet, state))), clock, tell: Box::new(tell) };
    let routes = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/healthz", get(healthz))
        .route("/{origin}/checkpoint", get(checkpoint))
        .fallback(|| async { text(StatusCode::NOT_FOUND, NOT_HERE) })
        .method_not_allowed_fallback(|| async { text(StatusCode::METHOD_NOT_ALLOWED, NOT_HERE) })
        .with_state(Arc::new(service));
    axum::serve(listener, routes).with_graceful_shutdown(stop).await.map_err(bad)
}

fn text(status: StatusCode, body: impl Into<String>) -> Response {
    (status, [(header::CONTENT_TYPE, TEXT_TYPE)], body.into()).into_response()
}

fn answered(answer: &Answer) -> Response {
    let status = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, answer.content_type())], answer.body()).into_response()
}

fn stopped() -> Response {
    text(StatusCode::SERVICE_UNAVAILABLE, "this witness could not write its state; its operator must start it again\n")
}

async fn add_checkpoint(State(service): State<Arc<Service>>, body: Body) -> Response {
    let read = tokio::time::timeout(Duration::from_secs(BODY_SECONDS), to_bytes(body, BODY_BYTES_MAX));
    let body = match read.await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return answered(&Answer::Malformed(BadRequest::TooLong)),
        Err(_) => return text(StatusCode::REQUEST_TIMEOUT, "the request did not arrive in time\n"),
    };
    // Check and write wait for the disk, which must not hold up those who only read.
    let done = tokio::task::spawn_blocking(move || service.add(&body)).await;
    done.unwrap_or_else(|_| stopped())
}

impl Service {
    fn add(&self, body: &[u8]) -> Response {
        let Ok(mut inner) = self.inner.lock() else { return stopped() };
        let Some((ratchet, state)) = inner.as_mut() else { return stopped() };
        match ratchet.add_checkpoint(body, (self.clock)(), |records| state.keep(records)) {
            Ok(answer) => {
                let kept = match &answer {
                    Answer::Fork { notes, .. } => state.keep_evidence(notes),
                    _ => Ok(()),
                };
                drop(inner);
                if let Err(why) = kept {
                    (self.tell)(News::Unkept(why.to_string()));
                }
                self.report(&answer, body);
                answered(&answer)
            }
            Err(why) => {
                // The disk may hold the old state or the new one: only a new start can tell.
                *inner = None;
                drop(inner);
                (self.tell)(News::Stopped(why.to_string()));
                stopped()
            }
        }
    }

    fn report(&self, answer: &Answer, body: &[u8]) {
        match answer {
            Answer::Cosigned(_) => {
                let text = String::from_utf8_lossy(body);
                let mut lines = text.split_once("\n\n").map_or("", |(_, note)| note).lines();
                let origin = lines.next().unwrap_or_default().to_owned();
                let size = lines.next().and_then(schemas::base::from_decimal).unwrap_or_default();
                (self.tell)(News::Cosigned { origin, size });
            }
            Answer::Fork { .. } => (self.tell)(News::Fork(answer.clone())),
            Answer::NotConsistent(_) | Answer::ClockBack { .. } => (self.tell)(News::Refused(answer.clone())),
            _ => {}
        }
    }
}

async fn checkpoint(State(service): State<Arc<Service>>, Path(origin): Path<String>) -> Response {
    let Ok(inner) = service.inner.lock() else { return stopped() };
    let Some((ratchet, _)) = inner.as_ref() else { return stopped() };
    match ratchet.records().by_hash(&origin) {
        Some(record) => text(StatusCode::OK, record.note.to_text()),
        None => text(StatusCode::NOT_FOUND, "nothing was cosigned for a log whose origin has that hash\n"),
    }
}

async fn healthz(State(service): State<Arc<Service>>) -> Response {
    let good = service.inner.lock().is_ok_and(|inner| inner.is_some());
    if good { text(StatusCode::OK, "ok\n") } else { stopped() }
}
