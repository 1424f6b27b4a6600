//! What is counted for the operator, in the text format of Prometheus. No label names anybody.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::app::App;
use super::listen::Peer;
use super::problem::{Kind, Problem, ProblemDetails};
use crate::nats::Status;
use crate::sequencer::Reply;

/// Names and values of labels: all of them are written in this crate, none comes from a client.
type Labels<const N: usize> = [(&'static str, &'static str); N];

/// Media type of the figures.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All figures.
pub struct Figures {
    registry: Registry,
    requests: Family<Labels<3>, Counter>,
    problems: Family<Labels<1>, Counter>,
    seconds: Family<Labels<1>, Histogram>,
    events: Family<Labels<1>, Counter>,
    /// Connections that are open.
    pub connections: Gauge,
    /// Connections that were not taken.
    pub refused_connections: Counter,
    /// Requests that are worked on.
    pub requests_now: Gauge,
    /// Readers of the feed.
    pub feeds: Gauge,
    recording: Gauge<u64, AtomicU64>,
    size: Gauge<u64, AtomicU64>,
    published: Gauge<u64, AtomicU64>,
    /// Entries in the mirror.
    pub mirrored: Gauge<u64, AtomicU64>,
    nats_sent: Gauge<u64, AtomicU64>,
    nats_waiting: Gauge<u64, AtomicU64>,
    nats_well: Gauge<u64, AtomicU64>,
}

impl Figures {
    /// All at zero.
    pub fn new() -> Self {
        let buckets = || Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]);
        let mut figures = Self {
            registry: Registry::with_prefix("ledger"),
            requests: Family::default(),
            problems: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            events: Family::default(),
            connections: Gauge::default(),
            refused_connections: Counter::default(),
            requests_now: Gauge::default(),
            feeds: Gauge::default(),
            recording: Gauge::default(),
            size: Gauge::default(),
            published: Gauge::default(),
            mirrored: Gauge::default(),
            nats_sent: Gauge::default(),
            nats_waiting: Gauge::default(),
            nats_well: Gauge::default(),
        };
        let registry = &mut figures.registry;
        registry.register(
            "requests",
            "Requests answered, by path, method and class of status",
            figures.requests.clone(),
        );
        registry.register("problems", "Requests answered with a problem, by its name", figures.problems.clone());
        registry.register("request_seconds", "Time until a request was answered, by path", figures.seconds.clone());
        registry.register("events", "Events handed in over HTTP, by what became of them", figures.events.clone());
        registry.register("connections", "Connections that are open", figures.connections.clone());
        registry.register(
            "refused_connections",
            "Connections closed at once: too many",
            figures.refused_connections.clone(),
        );
        registry.register("requests_now", "Requests that are worked on", figures.requests_now.clone());
        registry.register("feed_readers", "Readers of the live feed", figures.feeds.clone());
        registry.register(
            "recording",
            "1 while events are recorded, 0 when a witness or a broker contradicts this log or its clock cannot be believed",
            figures.recording.clone(),
        );
        registry.register("entries", "Entries in the log", figures.size.clone());
        registry.register("published_entries", "Entries under the published checkpoint", figures.published.clone());
        registry.register("mirrored_entries", "Entries in the mirror, where there is one", figures.mirrored.clone());
        registry.register("nats_batches", "Batches in the NATS stream", figures.nats_sent.clone());
        registry.register(
            "nats_waiting_entries",
            "Published entries that are not in the NATS stream yet",
            figures.nats_waiting.clone(),
        );
        registry.register(
            "nats_well",
            "1 while batches go out to NATS, 0 while it is away, refused, broken or not used",
            figures.nats_well.clone(),
        );
        figures
    }

    /// How it stands with NATS.
    fn carried(&self, status: &Status) {
        self.nats_sent.set(status.sent);
        self.nats_waiting.set(status.waiting);
        self.nats_well.set(u64::from(status.is_well()));
    }

    /// A request was answered.
    pub fn request(&self, path: &'static str, method: &'static str, status: u16, took: Duration) {
        let class = match status {
            0..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            500.. => "5xx",
        };
        self.requests.get_or_create(&[("path", path), ("method", method), ("status", class)]).inc();
        self.seconds.get_or_create(&[("path", path)]).observe(took.as_secs_f64());
    }

    /// A request was answered with a problem.
    pub fn problem(&self, name: &'static str) {
        self.problems.get_or_create(&[("name", name)]).inc();
    }

    /// Events were answered.
    pub fn answered(&self, replies: &[Reply]) {
        for reply in replies {
            let outcome = match reply {
                Reply::Stands { fresh: true, .. } => "fresh",
                Reply::Stands { fresh: false, .. } => "known",
                Reply::Refused { .. } => "refused",
            };
            self.events.get_or_create(&[("outcome", outcome)]).inc();
        }
    }

    fn to_text(&self, recording: bool, size: u64, published: u64) -> String {
        self.recording.set(u64::from(recording));
        self.size.set(size);
        self.published.set(published);
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Figures for the operator.
#[utoipa::path(get, path = "/metrics", tag = "operator", responses(
    (status = 200, description = "Text format of Prometheus", body = String, content_type = "application/openmetrics-text"),
    (status = 403, description = "Not for this address ([metrics] addresses)", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn metrics(State(app): State<App>, Extension(peer): Extension<Peer>) -> Result<Response, Problem> {
    if !app.config.metrics.addresses.contains(&peer.address) {
        let detail = "figures are for the operator: name the address in [metrics] addresses";
        return Err(Problem::new(Kind::NotYours, detail));
    }
    if let Some(status) = &app.nats {
        app.figures.carried(&status.borrow());
    }
    let text = app.figures.to_text(app.sequencer.suspended().is_none(), app.reader.store().size(), app.size());
    Ok(([(header::CONTENT_TYPE, OPEN_METRICS), (header::CACHE_CONTROL, "no-store")], text).into_response())
}

/// Counts something for as long as it is held.
pub struct Held(Gauge);

impl Held {
    /// One more.
    pub fn one(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.dec();
    }
}
