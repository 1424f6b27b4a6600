//! The pages on loopback.

use std::net::SocketAddr;

use axum::Router;
use axum::http::{HeaderValue, header};
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use super::Places;

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

/// Serves the public pages at `/`, and the report for oversight at `/report/`, until interrupted.
/// Only this machine can reach it.
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
        let pages = Router::new()
            .nest_service("/report", ServeDir::new(places.report()))
            .fallback_service(ServeDir::new(places.site()))
            .layer(SetResponseHeaderLayer::if_not_present(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        say(&format!("transparency view, for everyone      http://{address}/"));
        say(&format!("accountability view, for everyone    http://{address}/accountability.html"));
        say(&format!("accountability view, for oversight   http://{address}/report/accountability.html"));
        say("stop with Ctrl-C");
        let stopped = async {
            // Without a way to hear Ctrl-C, the default action of the signal ends the process.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        axum::serve(listener, pages).with_graceful_shutdown(stopped).await.map_err(bad)
    })
}
