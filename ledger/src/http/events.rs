//! Handing in: signed events, each with its hidden values, and one answer each.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};
use verifier::keyring::KeyNumber;

use super::app::App;
use super::caller::{self, Purpose};
use super::limits::Counted;
use super::listen::Peer;
use super::problem::{Kind, Problem, ProblemDetails};
use super::query::Query;
use crate::handing::{self, Answer, JSONL};

/// The first bytes of a body, which wait for no room: one record always finds its way.
const FREE_BYTES: usize = 64 << 10;
/// How much room is taken at a time.
const STEP_BYTES: usize = 64 << 10;

/// Hands events in. Any key that is in force may carry any party's events.
#[utoipa::path(post, path = "/events", tag = "events",
    request_body(content = String, content_type = "application/jsonl",
        description = "One parcel a line (FORMAT.md 20, without received_at): canonical JSON with `event`, `opening`, `source`. At most 256 lines and 16 MiB, unless this server is configured otherwise."),
    security(("signature" = [])),
    responses(
        (status = 200, description = "One answer a line, in the same order; whatever it says is on the disk", body = Answer, content_type = "application/jsonl"),
        (status = 400, description = "A line cannot be read, or the body is not the one that was signed: nothing was taken", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "Not signed, or the signature was not accepted", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 408, description = "The body did not come in time: nothing was taken", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 413, description = "Too many lines or bytes: nothing was taken", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 415, description = "Another media type", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "Too fast: nothing was taken; Retry-After says when", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "Busy, or ending: send the same again after Retry-After", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn post(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Query::parse(parts.uri.query(), &[])?;
    of_type(&parts.headers)?;
    let limits = &app.config.events;
    length(&parts.headers, &body, limits.bytes_max)?;
    let present = caller::caller(&app, &parts, Purpose::HandIn).await?;
    let mut room = Room::new(&app, present.caller.get().key, &Peer::of(&parts.extensions).counts_as);
    let body = read(body, &mut room).await?;
    present.caller.get().carries(&body).map_err(|why| Problem::new(Kind::BadRequest, why.to_string()))?;
    let lines_max = limits.lines_max;
    let parsed = tokio::task::spawn_blocking(move || handing::read(&body, lines_max));
    let handing::Request { deliveries, ids } = parsed.await.map_err(|_| Problem::internal())??;
    app.key_events.take(&present.caller.get().key, deliveries.len(), Instant::now()).map_err(|seconds| {
        let detail =
            "this key carries in more events than the server takes from one; nothing was taken, send the same again";
        Problem::new(Kind::TooFast, detail).after(seconds)
    })?;
    let replies = app.sequencer.append(deliveries).await?;
    app.figures.answered(&replies);
    let text = tokio::task::spawn_blocking(move || handing::write(&replies, &ids, usize::MAX));
    let text = text.await.map_err(|_| Problem::internal())?;
    Ok(([(header::CONTENT_TYPE, JSONL), (header::CACHE_CONTROL, "no-store")], text).into_response())
}

fn of_type(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let coded = headers.contains_key(header::CONTENT_ENCODING);
    if kind.eq_ignore_ascii_case(JSONL) && !coded {
        return Ok(());
    }
    let detail = "send the events as application/jsonl, one parcel a line, without a content encoding";
    Err(Problem::new(Kind::MediaType, detail))
}

fn too_large(max: usize) -> Problem {
    let detail = format!("the body has more than {max} bytes: send fewer events in one request; nothing was taken");
    Problem::new(Kind::TooLarge, detail)
}

/// Refuses a body that says itself that it is too long.
fn length(headers: &HeaderMap, body: &Body, max: usize) -> Result<(), Problem> {
    let told = body.size_hint().exact().and_then(|n| usize::try_from(n).ok());
    let told = told.or_else(|| headers.contains_key(header::CONTENT_LENGTH).then_some(usize::MAX));
    if told.is_some_and(|length| length > max) { Err(too_large(max)) } else { Ok(()) }
}

/// Memory of one body, taken as its bytes arrive: what a head announces holds nobody's place.
struct Room<'a> {
    app: &'a App,
    of_key: Counted<KeyNumber>,
    of_address: Counted<IpAddr>,
    in_all: Option<OwnedSemaphorePermit>,
    /// Bytes beyond the first, which are free.
    taken: usize,
}

impl<'a> Room<'a> {
    fn new(app: &'a App, key: KeyNumber, address: &IpAddr) -> Self {
        let of_key = app.bodies_of_key.nothing(&key);
        let of_address = app.bodies_of_address.nothing(address);
        Self { app, of_key, of_address, in_all: None, taken: 0 }
    }

    /// Makes room for a body that has come so far.
    fn holds(&mut self, bytes: usize) -> Result<(), Problem> {
        // In steps, so that small pieces cost little.
        let needed = bytes.saturating_sub(FREE_BYTES).div_ceil(STEP_BYTES) * STEP_BYTES;
        let more = needed.saturating_sub(self.taken);
        if more == 0 {
            return Ok(());
        }
        let events = &self.app.config.events;
        if !self.of_key.more(more, events.bytes_of_key_max) {
            return Err(no_room(Kind::TooFast, "this key has as many bytes under way as one may have"));
        }
        if !self.of_address.more(more, events.bytes_of_address_max) {
            return Err(no_room(Kind::TooFast, "this address has as many bytes under way as one may have"));
        }
        let kib = u32::try_from(more / 1024).unwrap_or(u32::MAX);
        let place = Arc::clone(&self.app.body_kib).try_acquire_many_owned(kib);
        let place = place.map_err(|_| no_room(Kind::Busy, "too many bodies are under way"))?;
        match &mut self.in_all {
            Some(all) => all.merge(place),
            none => *none = Some(place),
        }
        self.taken = needed;
        Ok(())
    }
}

fn no_room(kind: Kind, why: &str) -> Problem {
    Problem::new(kind, format!("{why}; nothing was taken. Send the same again in a moment")).after(1)
}

/// Reads a body of bounded length in bounded time and at a least speed, piece by piece.
async fn read(mut body: Body, room: &mut Room<'_>) -> Result<Bytes, Problem> {
    let (requests, max) = (&room.app.config.requests, room.app.config.events.bytes_max);
    let (begun, pause) = (Instant::now(), Duration::from_secs(requests.body_pause_seconds));
    let end = begun + Duration::from_secs(requests.body_seconds);
    let mut pieces: Vec<u8> = Vec::new();
    loop {
        let slowest = pieces.len() as u64 / requests.body_speed_min.max(1);
        let due = begun + pause + Duration::from_secs(slowest);
        let piece = timeout_at(end.min(due).min(Instant::now() + pause), next(&mut body)).await;
        let slow = |_| {
            let detail = "the body did not come in time; nothing was taken. Send fewer events in one request";
            Problem::new(Kind::TooSlow, detail)
        };
        match piece.map_err(slow)? {
            None => return Ok(pieces.into()),
            Some(Err(_)) => return Err(Problem::new(Kind::BadRequest, "the body broke off; nothing was taken")),
            Some(Ok(piece)) if pieces.len() + piece.len() > max => return Err(too_large(max)),
            Some(Ok(piece)) => {
                room.holds(pieces.len() + piece.len())?;
                pieces.extend_from_slice(&piece);
            }
        }
    }
}

/// The next piece of a body; trailers are passed over.
async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context)).await?;
        match frame.map(http_body::Frame::into_data) {
            Ok(Ok(data)) => return Some(Ok(data)),
            Ok(Err(_)) => {}
            Err(why) => return Some(Err(why)),
        }
    }
}
