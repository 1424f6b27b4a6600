//! The pages on loopback.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use projector::serve::session::Session;
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
            .layer(SetResponseHeaderLayer::if_not_present(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ))
            .layer(SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        // Heard from now on, before anybody is told the address.
        #[cfg(unix)]
        let heard = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        say(&format!("transparency view, for everyone      http://{address}/"));
        say(&format!("accountability view, for everyone    http://{address}/accountability.html"));
        say(&format!("report for oversight, hidden values  {link}"));
        say("                                     (the link opens once, in one browser; press Enter for another)");
        say("stop with Ctrl-C");
        more_links(&session);
        let stopped = async move {
            // Without a way to hear Ctrl-C, the default action of the signal ends the process.
            let interrupted = async {
                if tokio::signal::ctrl_c().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            #[cfg(unix)]
            if let Ok(mut terminate) = heard {
                tokio::select! {
                    () = interrupted => {}
                    _ = terminate.recv() => {}
                }
                return;
            }
            interrupted.await;
        };
        axum::serve(listener, pages).with_graceful_shutdown(stopped).await.map_err(bad)
    })
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
