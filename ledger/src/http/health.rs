//! Whether the ledger works.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::app::App;
use super::problem::{Problem, ProblemDetails};

/// Whether the one writer answers, and records.
#[utoipa::path(get, path = "/healthz", tag = "operator", responses(
    (status = 200, description = "It does", body = String, content_type = "text/plain"),
    (status = 503, description = "It does not: busy, or it stopped, or nothing is recorded until the operator has looked", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn healthz(State(app): State<App>) -> Result<Response, Problem> {
    app.sequencer.with(|_| ()).await?;
    if app.sequencer.suspended().is_some() {
        return Err(Problem::suspended());
    }
    let head = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((head, "ok\n").into_response())
}
