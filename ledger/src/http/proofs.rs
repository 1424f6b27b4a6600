//! Proofs in the published tree. RFC 6962.

use axum::extract::State;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use schemas::hash::Hash;
use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use super::problem::{Kind, Problem, ProblemDetails};
use super::query::Query;

/// Hashes of a proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Proof {
    /// Base64, in the order of RFC 6962 2.1.1 and 2.1.2.
    pub hashes: Vec<String>,
}

/// That an entry is in the tree of a size.
#[utoipa::path(get, path = "/proofs/inclusion", tag = "log",
    params(
        ("index" = u64, Query, description = "Position of the entry"),
        ("size" = u64, Query, description = "Entries in the tree, at most the published ones")),
    responses(
        (status = 200, description = "From the leaf's sibling up", body = Proof),
        (status = 400, description = "No such numbers", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "Beyond what is published", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn inclusion(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(uri.query(), &["index", "size"])?;
    let (index, size) = (query.number("index")?, query.number("size")?);
    within(&app, size)?;
    let none = |_| Problem::new(Kind::BadRequest, "index must be below size");
    Ok(proof(&app.reader.levels().inclusion(index, size).map_err(none)?))
}

/// That the tree of a size is the beginning of a later one.
#[utoipa::path(get, path = "/proofs/consistency", tag = "log",
    params(
        ("from" = u64, Query, description = "Entries in the earlier tree"),
        ("to" = u64, Query, description = "Entries in the later tree, at most the published ones")),
    responses(
        (status = 200, description = "RFC 6962 2.1.2", body = Proof),
        (status = 400, description = "No such numbers", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "Beyond what is published", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn consistency(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::parse(uri.query(), &["from", "to"])?;
    let (from, to) = (query.number("from")?, query.number("to")?);
    within(&app, to)?;
    let none = |_| Problem::new(Kind::BadRequest, "from must be at most to");
    Ok(proof(&app.reader.levels().consistency(from, to).map_err(none)?))
}

fn within(app: &App, size: u64) -> Result<(), Problem> {
    let published = app.size();
    if size <= published {
        return Ok(());
    }
    Err(Problem::new(Kind::NotPublished, format!("{size} is beyond the {published} entries that are published")))
}

fn proof(hashes: &[Hash]) -> Response {
    let proof = Proof { hashes: hashes.iter().map(Hash::to_base64).collect() };
    // Proofs never change: those of a size are what they are.
    let head =
        [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (head, serde_json::to_vec(&proof).unwrap_or_default()).into_response()
}
