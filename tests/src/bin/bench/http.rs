//! Events over HTTP: 64 clients on the loopback, on the same two cores as the server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ledger::clock::Clock;
use ledger::http::config::Config;
use ledger::http::{BadServer, Server};
use ledger::keys::random_bytes;
use ledger::outbox::Parcel;
use ledger::sequencer::Delivery;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use verifier::http_request::{self, Request};
use verifier::signature::SecretKey;

use crate::bench::{BadBench, Bench};
use crate::maker::Maker;
use crate::row::{Row, Target};

/// Clients at a time.
const CLIENTS: usize = 64;
/// Events in one request, as an outbox sends them.
const EVENTS: usize = 64;
/// How long a request is signed for, in seconds.
const SIGNED_SECONDS: i64 = 300;
/// What the paths should reach.
const EVENTS_A_SECOND: f64 = 15_000.0;
const P99_MS: f64 = 100.0;

/// Why the server could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BadHttp {
    /// It does not start.
    #[error(transparent)]
    Server(#[from] BadServer),
    /// A connection broke.
    #[error("a connection broke: {0}")]
    Connection(#[from] std::io::Error),
    /// A request was not answered with 200.
    #[error("a request was answered with {0}")]
    Status(String),
    /// Not every event stands in the log with a receipt.
    #[error("of {asked} events {stand} were answered with a receipt")]
    Unanswered {
        /// Handed in.
        asked: usize,
        /// Answered.
        stand: usize,
    },
}

/// The rows.
pub fn run(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let (mut maker, writer) = bench.found("http")?;
    let count = bench.arguments.events.max(CLIENTS * EVENTS * 2).next_multiple_of(EVENTS);
    let (whole, half) = (maker.amendments(count), maker.amendments(count));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(BadHttp::from)?;
    let (stop, stopped) = oneshot::channel::<()>();
    ledger::lead::confirm(writer.home(), Clock::System.now())?; // its events are of another year
    let server = runtime.block_on(Server::start(writer, config(), None, 0)).map_err(BadHttp::from)?;
    let address = server.address();
    let served = runtime.spawn(server.serve(async {
        let _ = stopped.await; // dropped or sent, it ends
    }));
    let full = load(&runtime, address, &whole, None)?;
    let rate = count as f64 / full.seconds;
    let pace = Duration::from_secs_f64((CLIENTS * EVENTS) as f64 / (rate / 2.0));
    let calm = load(&runtime, address, &half, Some(pace))?;
    drop(stop);
    runtime.block_on(served).expect("the server does not panic")?;
    Ok(vec![
        Row::new(
            "http",
            format!("{CLIENTS} clients, {EVENTS} events a request, each with its receipt"),
            rate,
            "events/s",
        )
        .target(Target::AtLeast(EVENTS_A_SECOND)),
        Row::new("http", "a request at full load, 99 of 100 are faster", full.percentile(99) * 1e3, "ms"),
        Row::new("http", "a request at half that load, 99 of 100 are faster", calm.percentile(99) * 1e3, "ms")
            .target(Target::AtMost(P99_MS)),
        Row::new("http", "the same, half are faster", calm.percentile(50) * 1e3, "ms"),
    ])
}

/// With room for all that is measured; limits on size and time as they are.
fn config() -> Config {
    let mut config = Config::default();
    config.listen.address = SocketAddr::from(([127, 0, 0, 1], 0));
    config.requests.at_once_of_key_max = CLIENTS;
    config.requests.at_once_of_address_max = CLIENTS;
    config.rate.key_requests = u32::MAX;
    config.rate.key_requests_burst = u32::MAX;
    config.rate.key_events = u32::MAX;
    config.rate.key_events_burst = u32::MAX;
    config.rate.address_requests = u32::MAX;
    config.rate.address_requests_burst = u32::MAX;
    config
}

/// What a load came to.
struct Loaded {
    seconds: f64,
    /// Seconds of each request, from when it was due.
    times: Vec<f64>,
}

impl Loaded {
    fn percentile(&self, percent: usize) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times[(times.len() * percent / 100).min(times.len() - 1)]
    }
}

/// Hands events in: as fast as they are answered, or each client one request a pace.
fn load(
    runtime: &Runtime,
    address: SocketAddr,
    events: &[Delivery],
    pace: Option<Duration>,
) -> Result<Loaded, BadHttp> {
    let asked = events.len();
    let mut shares: Vec<Vec<Vec<u8>>> = (0..CLIENTS).map(|_| Vec::new()).collect();
    let pens = Maker::pens();
    for (number, batch) in events.chunks(EVENTS).enumerate() {
        shares[number % CLIENTS].push(request(address, batch, &pens[number % pens.len()]));
    }
    let begin = Instant::now();
    let clients = runtime.block_on(async {
        let clients: Vec<_> = shares
            .into_iter()
            .enumerate()
            .map(|(number, share)| {
                // The clients are spread over the pace, as clients are.
                let first = pace.map(|pace| begin + pace.mul_f64(number as f64 / CLIENTS as f64));
                tokio::spawn(client(address, share, first.zip(pace)))
            })
            .collect();
        let mut done = Vec::new();
        for client in clients {
            done.push(client.await.expect("a client does not panic"));
        }
        done
    });
    let seconds = begin.elapsed().as_secs_f64();
    let (mut times, mut stand) = (Vec::new(), 0);
    for client in clients {
        let (its, receipts) = client?;
        times.extend(its);
        stand += receipts;
    }
    if stand == asked { Ok(Loaded { seconds, times }) } else { Err(BadHttp::Unanswered { asked, stand }) }
}

/// One client on one connection, request after request; seconds of each, and how many events have receipts.
async fn client(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
    paced: Option<(Instant, Duration)>,
) -> Result<(Vec<f64>, usize), BadHttp> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut times, mut stand, mut buffer) = (Vec::new(), 0, Vec::new());
    let mut due = paced.map(|(first, _)| first);
    for request in requests {
        let from = match due {
            Some(due) => {
                tokio::time::sleep_until(due.into()).await;
                due
            }
            None => Instant::now(),
        };
        stream.write_all(&request).await?;
        stand += answer(&mut stream, &mut buffer).await?;
        times.push(from.elapsed().as_secs_f64());
        due = due.zip(paced).map(|(due, (_, pace))| due + pace);
    }
    Ok((times, stand))
}

/// Reads one answer; how many of its events stand in the log with a receipt.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<usize, BadHttp> {
    buffer.clear();
    let end = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await? == 0 {
            return Err(BadHttp::Status("nothing".to_owned()));
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or_default();
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(BadHttp::Status("half an answer".to_owned()));
        }
    }
    if !head.starts_with("http/1.1 200") {
        return Err(BadHttp::Status(String::from_utf8_lossy(buffer).into_owned()));
    }
    let lines = buffer[end..].split(|byte| *byte == b'\n');
    Ok(lines.filter(|line| find(line, b"\"status\":\"stands\"").is_some()).count())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|found| found == what)
}

/// A signed request, made before the clock starts: the outbox signs while the line is down.
pub fn request(address: SocketAddr, events: &[Delivery], pen: &SecretKey) -> Vec<u8> {
    let line = |event: &Delivery| {
        let note = String::from_utf8_lossy(&event.note).into_owned();
        let parcel = Parcel { note, opening: event.opening.clone(), received_at: None, source: "bench".to_owned() };
        parcel.to_line() + "\n"
    };
    let body: String = events.iter().map(line).collect();
    let authority = address.to_string();
    let request = Request { method: "POST", authority: &authority, path: "/events", query: None };
    let (now, nonce) = (Clock::System.now(), random_bytes().expect("random bytes"));
    let signed = http_request::sign(&request, Some(body.as_bytes()), pen, now, SIGNED_SECONDS, &nonce);
    let signed = signed.expect("a request of the right form");
    format!(
        "POST /events HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/jsonl\r\nContent-Length: {}\r\n\
         Content-Digest: {}\r\nSignature-Input: {}\r\nSignature: {}\r\n\r\n{body}",
        body.len(),
        signed.content_digest.unwrap_or_default(),
        signed.signature_input,
        signed.signature
    )
    .into_bytes()
}
