//! Which path is whose, and what holds for every request.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Version, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use verifier::listen::WIDE;

use super::app::App;
use super::figures::Held;
use super::limits::{Counted, Counts, Rates};
use super::listen::Peer;
use super::problem::{Kind, Named, Problem};
use super::weighed::{self, Scales};
use super::{events, feed, figures, health, openapi, openings, packs, proofs, receipts, tiles};
use crate::clock::{self, Clock};

/// A path, and who answers there.
pub type Route = (&'static str, fn() -> MethodRouter<App>);

/// Every path. The OpenAPI document has the same ones.
pub const ROUTES: [Route; 16] = [
    ("/checkpoint", || get(tiles::checkpoint)),
    ("/checkpoints/{size}", || get(tiles::checkpoints)),
    ("/tile/{level}/{*index}", || get(tiles::tile)),
    ("/policy", || get(tiles::policy)),
    ("/documents/{digest}", || get(tiles::document)),
    ("/verify.html", || get(tiles::page)),
    ("/events", || post(events::post)),
    ("/receipts/{event}", || get(receipts::receipt)),
    ("/proofs/inclusion", || get(proofs::inclusion)),
    ("/proofs/consistency", || get(proofs::consistency)),
    ("/packs", || get(packs::pack)),
    ("/openings", || get(openings::openings)),
    ("/feed", || get(feed::feed)),
    ("/openapi.json", || get(openapi::document)),
    ("/healthz", || get(health::healthz)),
    ("/metrics", || get(figures::metrics)),
];

/// What a request counts for where it costs the ledger more than others; unsigned ones too.
const DEAR: [(&str, usize); 2] = [("/packs", 20), ("/openings", 20)];

/// What holds for every request.
struct Gate {
    app: App,
    at_once: Semaphore,
    at_once_of_address: Counts<IpAddr>,
    /// Room for answers that wait for their readers.
    answers: Scales,
    addresses: Rates<IpAddr>,
    /// The same of networks that one household may have whole.
    networks: Rates<IpAddr>,
    at_once_of_network: Counts<IpAddr>,
}

/// All routes.
pub fn router(app: &App) -> Router {
    let (requests, rate) = (&app.config.requests, &app.config.rate);
    let gate = Gate {
        app: Arc::clone(app),
        at_once: Semaphore::new(requests.at_once_max),
        at_once_of_address: Counts::default(),
        answers: Scales::new(requests.answer_bytes_at_once_max, requests.answer_bytes_of_address_max),
        addresses: Rates::new(rate.address_requests, rate.address_requests_burst),
        networks: Rates::new(wide(rate.address_requests), wide(rate.address_requests_burst)),
        at_once_of_network: Counts::default(),
    };
    let mut router = Router::new();
    for (path, answers) in ROUTES {
        router = router.route(path, answers());
    }
    router
        .fallback(|| async { Problem::new(Kind::NoSuchPath, "the paths are those of /openapi.json") })
        .method_not_allowed_fallback(|| async {
            Problem::new(Kind::Method, "the methods of each path are those of /openapi.json")
        })
        .layer(from_fn_with_state(Arc::new(gate), account))
        .with_state(Arc::clone(app))
}

/// The share of a network, where an address has this.
fn wide(share: u32) -> u32 {
    share.saturating_mul(WIDE as u32)
}

/// What a request holds while it is worked on.
type Place<'a> = (SemaphorePermit<'a>, [Counted<IpAddr>; 2]);

/// Lets a request in, and accounts for it.
async fn account(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let app = &gate.app;
    let held = Held::one(&app.figures.requests_now);
    let path = request.extensions().get::<MatchedPath>().map_or("none", |found| route(found.as_str()));
    let method = method(request.method());
    let mut response = match gate.let_in(&mut request, path) {
        Ok(place) => {
            let address = Peer::of(request.extensions()).counts_as;
            let response = next.run(request).await;
            drop(place);
            weighed::answer(response, &gate.answers, &address)
        }
        Err(problem) => problem.into_response(),
    };
    drop(held);
    // By the clock of this moment: a server that keeps the text for a second keeps it for days when its clock is set back.
    if let Ok(date) = clock::http_date(Clock::System.now()).parse() {
        response.headers_mut().insert(header::DATE, date);
    }
    let (status, took) = (response.status(), begun.elapsed());
    app.figures.request(path, method, status.as_u16(), took);
    let problem = response.extensions().get::<Named>().map(|named| named.0);
    if let Some(name) = problem {
        app.figures.problem(name);
    }
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (number, problem) = (status.as_u16(), problem.unwrap_or("none"));
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::warn!(path, method, status = number, ms, problem, "request");
    } else {
        tracing::info!(path, method, status = number, ms, problem, "request");
    }
    response
}

impl Gate {
    /// A place among those that are worked on, if the address has not had its share.
    fn let_in(&self, request: &mut Request, path: &str) -> Result<Place<'_>, Problem> {
        let mut peer = Peer::of(request.extensions());
        let proxy = &self.app.config.proxy;
        if proxy.addresses.contains(&peer.address)
            && let Some(address) = behind(request.headers(), &proxy.header)
        {
            peer = Peer::at(address);
            request.extensions_mut().insert(peer);
        }
        let much = DEAR.iter().find(|(dear, _)| *dear == path).map_or(1, |(_, much)| *much);
        let now = Instant::now();
        let taken = self.addresses.take(&peer.counts_as, much, now);
        taken.and_then(|()| self.networks.take(&peer.network, much, now)).map_err(|seconds| {
            let detail = "this address makes more requests than the server lets one make";
            Problem::new(Kind::TooFast, detail).after(seconds)
        })?;
        // RFC 9112 3.2: a request that two readers may take for two servers' is nobody's.
        let hosts = request.headers().get_all(header::HOST).iter().count();
        if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
            return Err(Problem::new(Kind::BadRequest, "the request needs the header field Host exactly once"));
        }
        let most = self.app.config.requests.at_once_of_address_max;
        let many = || {
            let detail = "this address has as many requests under way as one may have: wait for their answers";
            Problem::new(Kind::TooFast, detail).after(1)
        };
        let of_address = self.at_once_of_address.enter(&peer.counts_as, most).ok_or_else(many)?;
        let most = most.saturating_mul(WIDE);
        let of_network = self.at_once_of_network.enter(&peer.network, most).ok_or_else(many)?;
        let in_all = self.at_once.try_acquire().map_err(|_| {
            let detail = "as many requests as the server takes are under way; nothing was taken";
            Problem::new(Kind::Busy, detail).after(1)
        })?;
        Ok((in_all, [of_address, of_network]))
    }
}

/// Who asks, as a trusted proxy says: the last address, which it wrote itself.
fn behind(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// The route as it is written here: no word of it comes from a client.
fn route(found: &str) -> &'static str {
    ROUTES.iter().map(|(path, _)| *path).find(|path| *path == found).unwrap_or("none")
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_the_routes_and_no_others() {
        let document: serde_json::Value = serde_json::from_str(&openapi::text()).unwrap();
        let mut written: Vec<&str> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut ours: Vec<String> = ROUTES.iter().map(|(path, _)| path.replace("{*", "{")).collect();
        written.sort_unstable();
        ours.sort_unstable();
        assert_eq!(written, ours);
    }

    #[test]
    fn a_proxy_is_believed_in_what_it_wrote_itself() {
        for (values, want) in [
            (vec!["192.0.2.7"], Some("192.0.2.7")),
            (vec!["10.9.8.7, 192.0.2.7"], Some("192.0.2.7")),
            (vec!["10.9.8.7", "192.0.2.7"], Some("192.0.2.7")),
            (vec!["192.0.2.7, unknown"], None),
            (vec![], None),
        ] {
            let mut headers = HeaderMap::new();
            for value in &values {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let want = want.map(|address| address.parse::<IpAddr>().unwrap());
            assert_eq!(behind(&headers, "x-forwarded-for"), want, "{values:?}");
        }
    }
}
