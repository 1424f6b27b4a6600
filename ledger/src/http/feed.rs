//! The live feed: every published entry in order, from any position on, and the checkpoint after it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Uri, header};
use axum::response::{IntoResponse, Response};
use http_body::Frame;
use schemas::base;
use tokio::sync::mpsc;

use super::app::App;
use super::listen::Peer;
use super::problem::{Kind, Problem, ProblemDetails};
use super::query::{Query, number};
use crate::sequencer::Published;

/// Entries that are read at a time.
const ENTRIES_AT_ONCE: usize = 256;
/// Bytes in one piece, about: a reader who does not read holds up so much and no more.
const PIECE_BYTES: usize = 256 << 10;
/// Pieces that may wait for a reader.
const PIECES_WAITING: usize = 2;

/// Follows the published log.
#[utoipa::path(get, path = "/feed", tag = "log",
    params(
        ("from" = Option<u64>, Query, description = "Position of the first entry; 0 if absent"),
        ("Last-Event-ID" = Option<u64>, Header, description = "Position of the last entry that was seen; counts before `from`")),
    responses(
        (status = 200, description = "Server-sent events: `event: entry` with `id:` its position and `data:` its bytes in base64; after the last entry under each published checkpoint `event: checkpoint` with its note in base64; comments in between. It goes on until either side ends it.", body = String, content_type = "text/event-stream"),
        (status = 404, description = "Beyond what is published", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "Too many readers from one address", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "Too many readers: read the tiles instead", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn feed(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = Query::parse(uri.query(), &["from"])?;
    let mut from = query.maybe_number("from")?.unwrap_or(0);
    if let Some(last) = headers.get("last-event-id") {
        from = number("Last-Event-ID", last.to_str().unwrap_or_default())?.saturating_add(1);
    }
    let size = app.size();
    if from > size {
        let detail = format!("{from} is beyond the {size} entries that are published: follow from {size} on");
        return Err(Problem::new(Kind::NotPublished, detail));
    }
    let of_address = app.feeds.enter(&peer.network, app.config.feed.readers_of_address_max).ok_or_else(|| {
        let detail = "this address follows the feed as often as one may: end another of its readers first";
        Problem::new(Kind::TooFast, detail).after(60)
    })?;
    let place = std::sync::Arc::clone(&app.feed_places).try_acquire_owned().map_err(|_| {
        let detail = "the feed has as many readers as it can serve: read /checkpoint and the tiles, or come back later";
        Problem::new(Kind::Busy, detail).after(60)
    })?;
    let (send, pieces) = mpsc::channel(PIECES_WAITING);
    tokio::spawn(async move {
        let _held = (of_address, place);
        follow(app, from, send).await;
    });
    let head = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, Body::new(Pieces(pieces))).into_response())
}

/// Sends until the reader has gone or the server ends.
async fn follow(app: App, from: u64, send: mpsc::Sender<Bytes>) {
    app.figures.feeds.inc();
    let mut ending = app.ending.clone();
    tokio::select! {
        () = told(&app, from, &send) => {}
        _ = ending.wait_for(|ends| *ends) => {}
        () = send.closed() => {}
    }
    app.figures.feeds.dec();
}

async fn told(app: &App, mut next: u64, send: &mpsc::Sender<Bytes>) {
    let pause = Duration::from_secs(app.config.feed.comment_seconds);
    let mut published = app.published.clone();
    let (mut told, mut gone) = (None, false);
    loop {
        let Published { size, note } = published.borrow_and_update().clone();
        while next < size {
            let read = app.on_disk(move |app| piece(&app.reader, next, size)).await;
            let Ok((text, after)) = read else { return };
            next = after;
            if send.send(text).await.is_err() {
                return;
            }
        }
        if let Some(note) = note
            && told.as_ref() != Some(&note)
        {
            let text = format!("event: checkpoint\ndata: {}\n\n", base::to_base64(note.to_text().as_bytes()));
            if send.send(text.into()).await.is_err() {
                return;
            }
            told = Some(note);
        }
        while let Err(_elapsed) =
            tokio::time::timeout(pause, published.changed()).await.map(|changed| gone |= changed.is_err())
        {
            if send.send(Bytes::from_static(b": still here\n\n")).await.is_err() {
                return;
            }
        }
        if gone {
            return;
        }
    }
}

/// Entries from a position on, as events, and the position after them.
fn piece(reader: &crate::reader::Reader, from: u64, size: u64) -> Result<(Bytes, u64), Problem> {
    let (mut text, mut next) = (String::new(), from);
    for entry in reader.entries(from).take(ENTRIES_AT_ONCE) {
        let (position, bytes) = entry?;
        if position >= size || text.len() >= PIECE_BYTES {
            break;
        }
        text.push_str("event: entry\nid: ");
        text.push_str(&position.to_string());
        text.push_str("\ndata: ");
        text.push_str(&base::to_base64(&bytes));
        text.push_str("\n\n");
        next = position + 1;
    }
    if next == from { Err(Problem::internal()) } else { Ok((text.into(), next)) }
}

/// A body of pieces as they come.
struct Pieces(mpsc::Receiver<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|bytes| Ok(Frame::data(bytes))))
    }
}
