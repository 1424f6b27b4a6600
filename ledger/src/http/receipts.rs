//! Receipts, asked for by the event's id.

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::receipt::Receipt;

use super::app::{App, Parts};
use super::problem::{Kind, Problem, ProblemDetails};

/// Outer type of the sealed stream: its receipts are the oversight body's to give.
const SEALED: &str = "sealed.record.appended";

/// The receipt of an event that stands in the log.
#[utoipa::path(get, path = "/receipts/{event}", tag = "events",
    params(("event" = String, Path, description = "Id of the event: SHA-256 of its text, 64 hex digits")),
    responses(
        (status = 200, description = "C2SP tlog-proof with the entry in `extra`", body = String, content_type = "text/plain"),
        (status = 202, description = "It stands in the log, and waits for witnesses", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "No such event stands in the log", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn receipt(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let text = uri.path().rsplit('/').next().unwrap_or_default();
    let bad = || Problem::new(Kind::BadRequest, "an event is named by 64 hex digits: the SHA-256 of its text");
    let id = Hash::from_hex(text).ok_or_else(bad)?;
    let position = match position(&app, id).await? {
        Some(position) => position,
        None => {
            learn(&app).await?;
            let unknown = "no such event stands in the log: if it was sent, send it again, the answer will be the same";
            position(&app, id).await?.ok_or_else(|| Problem::new(Kind::Unknown, unknown))?
        }
    };
    let (size, checkpoint) = app.checkpoint()?;
    if position >= size {
        let detail = format!("the event stands at position {position}, and not enough witnesses have seen it yet");
        return Err(Problem::new(Kind::Waiting, detail).after(5));
    }
    let make = move |app: &Parts| {
        let entry = app.reader.entry(position)?;
        let proof = app.reader.levels().inclusion(position, size).map_err(|_| Problem::internal())?;
        Ok(Receipt { entry: Some(entry), index: position, proof, checkpoint }.to_text())
    };
    let text = app.on_disk(make).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], text)
        .into_response())
}

/// Where the event of that id stands.
async fn position(app: &App, id: Hash) -> Result<Option<u64>, Problem> {
    let found = app.ids.find(&id);
    if found.is_empty() {
        return Ok(None);
    }
    app.on_disk(move |app| {
        for position in found {
            let bytes = app.reader.entry(position)?;
            let entry = Entry::reread(&bytes).map_err(|_| Problem::internal())?;
            if entry.signed.id() == id && entry.signed.event.kind != SEALED {
                return Ok(Some(position));
            }
        }
        Ok(None)
    })
    .await
}

/// Learns the ids of the events that came since.
async fn learn(app: &App) -> Result<(), Problem> {
    let _alone = app.learning.lock().await;
    let known = app.ids.size();
    if known < app.reader.store().size() {
        let fresh = app.sequencer.with(move |writer| writer.log().id_beginnings(known)).await?;
        app.on_disk(move |app| {
            app.ids.add(known, &fresh);
            Ok(())
        })
        .await?;
    }
    Ok(())
}
