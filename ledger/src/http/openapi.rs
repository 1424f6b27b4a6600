//! The OpenAPI document, generated from the handlers themselves.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::app::App;

/// What the handlers say of themselves.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Access Ledger",
        description = "Signed events in, a verifiable log out. Bytes are those of schemas/FORMAT.md; problems those of RFC 9457, under urn:oversight-ledger:problem:. What is read is published: a quorum of witnesses has seen it."
    ),
    tags(
        (name = "log", description = "The published log: C2SP tlog-tiles, and a live feed"),
        (name = "events", description = "Handing events in, and their receipts"),
        (name = "parties", description = "What a party may read about itself"),
        (name = "operator", description = "For whoever keeps the ledger")
    ),
    paths(
        super::tiles::checkpoint,
        super::tiles::checkpoints,
        super::tiles::tile,
        super::tiles::policy,
        super::tiles::document,
        super::tiles::page,
        super::proofs::inclusion,
        super::proofs::consistency,
        super::feed::feed,
        super::events::post,
        super::receipts::receipt,
        super::packs::pack,
        super::openings::openings,
        super::health::healthz,
        super::figures::metrics,
        document
    ),
    components(schemas(super::problem::ProblemDetails, crate::handing::Answer, super::proofs::Proof)),
    modifiers(&Signed)
)]
struct Document;

/// How a request is signed.
struct Signed;

impl Modify for Signed {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let said = "RFC 9421 with a key that is enrolled in the log (FORMAT.md 22): Signature-Input and Signature over \
                    \"@method\" \"@authority\" \"@path\" \"@query\" and, with a body, \"content-digest\" (RFC 9530, \
                    sha-256); created, expires, nonce, keyid, alg=\"ed25519\", tag=\"oversight-ledger\"";
        let scheme = ApiKey::Header(ApiKeyValue::with_description("Signature", said));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("signature", SecurityScheme::ApiKey(scheme));
    }
}

/// The document as JSON.
pub fn text() -> String {
    Document::openapi().to_pretty_json().unwrap_or_default()
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", operation_id = "openapi", tag = "operator", responses(
    (status = 200, description = "OpenAPI", body = String, content_type = "application/json")))]
pub async fn document(State(app): State<App>) -> Response {
    let head = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "public, max-age=300")];
    (head, app.openapi.clone()).into_response()
}
