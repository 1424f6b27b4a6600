//! The pages over HTTP. Two listeners, one for anyone and one for oversight, with nothing in common but the code: what
//! each serves was made for its audience by a lens.
//!
//! Nothing is computed for a request: files, `/healthz` and `/state` are at hand whole. The listener for oversight
//! answers on this machine alone, to its own name, and to the one browser that was let in ([`Session`]).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use verifier::door::Turned;
use verifier::listen::{Bounded, Limits};

use super::session::{self, Session};
use super::shown::{File, Shown};
use crate::lens::Audience;

/// What strangers may take: whoever moves nothing for so long is cut off, and comes again.
pub const LIMITS: Limits = Limits { connections_max: 256, of_address_max: 32, seconds: 30, speed_min: 1_024 };

/// Listeners of a program that have these limits: for everyone, and for oversight.
const LISTENERS: usize = 2;

/// Nothing may be loaded, run, framed or sent from a page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One listener.
struct Door {
    shown: Arc<Shown>,
    audience: Audience,
}

/// Takes an address.
///
/// # Errors
/// What the system says.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves everyone, or with a session oversight, until `stop` is ready, then lets requests under way end.
///
/// # Errors
/// What the system says.
pub async fn serve(
    listener: TcpListener,
    session: Option<Arc<Session>>,
    shown: Arc<Shown>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let audience = if session.is_some() { Audience::Oversight } else { Audience::Public };
    let routes = Router::new().fallback(answer).with_state(Arc::new(Door { shown, audience }));
    let routes = match session {
        Some(session) => session.pages(routes).fallback(|| async { session::shut(Turned::Session) }),
        None => routes,
    };
    let listener = Bounded::new(listener, LIMITS, LISTENERS, |words| verifier::tell!("{words}"));
    axum::serve(listener, routes).with_graceful_shutdown(stop).await
}

async fn answer(State(door): State<Arc<Door>>, request: Request) -> Response {
    let response = door.answer(request.method(), request.uri().path(), request.headers());
    let class = match response.status().as_u16() {
        400..=499 => 1,
        500.. => 2,
        _ => 0,
    };
    door.shown.numbers.answered[class].fetch_add(1, Ordering::Relaxed);
    response
}

impl Door {
    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response {
        if method != Method::GET && method != Method::HEAD {
            let mut refused = plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n");
            refused.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        let served = self.shown.door(self.audience);
        match path {
            "/healthz" => {
                let status = if served.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                typed(status, "application/json", served.health.clone())
            }
            "/state" => typed(StatusCode::OK, "application/json", served.state.clone()),
            "/metrics" => typed(StatusCode::OK, "text/plain; version=0.0.4", self.shown.metrics()),
            path => match served.file(path.strip_prefix('/').unwrap_or(path)) {
                Some(file) => self.file(file, served.ready, headers),
                None => plain(StatusCode::NOT_FOUND, "there is no such page; begin at /\n"),
            },
        }
    }

    fn file(&self, file: &File, ready: bool, headers: &HeaderMap) -> Response {
        if !ready {
            let mut response = typed(StatusCode::SERVICE_UNAVAILABLE, file.kind, file.bytes.clone());
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
            return response;
        }
        let tags = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok()).unwrap_or_default();
        let same = tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == file.tag);
        let mut response = if same {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            typed(StatusCode::OK, file.kind, file.bytes.clone())
        };
        // What oversight sees is for no cache on its way.
        let keep = if self.audience == Audience::Oversight { "no-store" } else { "no-cache" };
        response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static(keep));
        if let Ok(tag) = header::HeaderValue::from_str(&file.tag) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    typed(status, "text/plain; charset=utf-8", text)
}

fn typed(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.into()).into_response()
}
