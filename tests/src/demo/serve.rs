//! The pages on loopback.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use projector::serve::server::LIMITS;
use projector::serve::session::Session;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use verifier::listen::{Bounded, stopped};

use super::Places;

/// Longest path that is looked for, in bytes.
const PATH_BYTES_MAX: usize = 1_024;
/// Longest name in it that a file can have, escaped or not.
const NAME_BYTES_MAX: usize = 255;

/// Why the pages cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum BadServe {
    /// The address cannot be had, or the connection broke.
    #[error("cannot serve on {address}: {source}; the pages are files too, open them directly")]
    Io {
        /// Loopback address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Serves the public pages at `/` to this machine, and the report for oversight to the one browser that opens the
/// link which is printed, until interrupted.
///
/// # Errors
/// [`BadServe`] if no address can be had.
pub fn serve(places: &Places, port: u16, say: &mut dyn FnMut(&str)) -> Result<(), BadServe> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let bad = |source| BadServe::Io { address, source };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(bad)?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.map_err(bad)?;
        let address = listener.local_addr().map_err(bad)?;
        let session = Session::new(address).map_err(bad)?;
        let link = session.link().map_err(bad)?;
        let pages = session
            .pages(Router::new().fallback_service(ServeDir::new(places.report())))
            .fallback_service(ServeDir::new(places.site()))
            .layer(middleware::from_fn(in_words))
            .layer(SetResponseHeaderLayer::if_not_present(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        // Heard before anybody is told the address.
        let stopped = stopped().map_err(bad)?;
        say(&format!("transparency view, for everyone      http://{address}/"));
        say(&format!("accountability view, for everyone    http://{address}/accountability.html"));
        say(&format!("report for oversight, hidden values  {link}"));
        say("                                     (the link opens once, in one browser; press Enter for another)");
        say("stop with Ctrl-C");
        more_links(&session);
        let listener = Bounded::new(listener, LIMITS, 1, |words| verifier::tell!("{words}"));
        axum::serve(listener, pages).with_graceful_shutdown(stopped).await.map_err(bad)
    })
}

/// No path that no file system takes is looked for, and whoever gets nothing is told so.
async fn in_words(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_name = path.len() <= PATH_BYTES_MAX
        && !path.contains("%00")
        && path.split('/').all(|name| name.len() <= NAME_BYTES_MAX);
    let answer = if is_name { next.run(request).await } else { StatusCode::NOT_FOUND.into_response() };
    match answer.status() {
        StatusCode::NOT_FOUND => (StatusCode::NOT_FOUND, "there is no such page; begin at /\n").into_response(),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allow = [(header::ALLOW, "GET, HEAD")];
            (StatusCode::METHOD_NOT_ALLOWED, allow, "only GET and HEAD are answered here\n").into_response()
        }
        _ => answer,
    }
}

/// Prints another link for each line that is typed, until there is nobody to type.
fn more_links(session: &Arc<Session>) {
    let session = Arc::downgrade(session);
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            let Some(Ok(link)) = session.upgrade().map(|session| session.link()) else { return };
            let _ = writeln!(std::io::stdout(), "report for oversight, hidden values  {link}");
        }
    });
}
