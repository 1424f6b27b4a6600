//! Eight honest clients hand in and read, while others take what they can: who waits how long, and who loses anything.
//!
//! Each client has an address of its own on the loopback (127.0.0.0/8), as clients have.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ledger::clock::Clock;
use ledger::http::Server;
use ledger::http::config::Config;
use ledger::http::readings::Readings;
use ledger::keys::random_bytes;
use ledger::reader::Reader;
use ledger::sequencer::Delivery;
use ledger::writer::Writer;
use schemas::entry::Entry;
use schemas::value::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::oneshot;
use verifier::http_request::{self, Request};
use verifier::signature::SecretKey;

use crate::bench::{BadBench, Bench};
use crate::http::{self, BadHttp};
use crate::maker::{Maker, administration};
use crate::row::{Row, Target};

/// Honest clients.
const HONEST: usize = 8;
/// How long each kind of hostile client goes on, where nothing else is said.
pub const SECONDS: u64 = 30;
/// Pause of an honest client after each round.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest that an honest client may wait, 99 times of 100.
const P99_MS: f64 = 2_000.0;
/// Events that were in the log before, a twentieth of them of each administration: so large its pack is.
const BEFORE: usize = 20_000;
/// Streams whose signed packs a hostile reader asks for.
const STREAMS: usize = 4;
/// Whom its key belongs to: the last administration, which hands nothing in.
const ROGUE: u64 = 19;
/// How long one record of reading stands for what its key reads again of a stream, or of openings.
const SPELL: Duration = Duration::from_secs(60);
/// Longest that any client waits for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Kinds of hostile clients: what they do, and how many of them at a time.
const KINDS: [(&str, Kind, usize); 10] = [
    ("heads byte by byte", Kind::SlowHead, 256),
    ("bodies byte by byte", Kind::SlowBody, 48),
    ("bodies of 16 MiB announced", Kind::Announced, 64),
    ("answers that nobody takes", Kind::Deaf, 64),
    ("connections of one address", Kind::Idle, 300),
    ("public packs of all streams", Kind::Packs, 64),
    ("HEAD and ranges of openings", Kind::Ranges, 32),
    ("one key that reads openings", Kind::Openings, 32),
    ("one key that reads large packs", Kind::SignedPacks, 32),
    ("requests that make no sense", Kind::Malformed, 64),
];

/// What a hostile client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    SlowHead,
    SlowBody,
    Announced,
    Deaf,
    Idle,
    Packs,
    Ranges,
    Openings,
    SignedPacks,
    Malformed,
}

/// The rows.
pub fn run(bench: &mut Bench) -> Result<Vec<Row>, BadBench> {
    let (mut maker, mut writer) = bench.found("hostile")?;
    Maker::commit(&mut writer, &maker.amendments(BEFORE))?;
    let keys = bench.path("hostile").join("keys");
    let lasting = Duration::from_secs(bench.arguments.seconds);
    let rounds = usize::try_from(lasting.as_millis() / PAUSE.as_millis()).expect("few");
    let all = against(maker, writer, &keys, &KINDS, rounds, Some(lasting))?;
    let mut rows = Vec::new();
    for (what, found) in &all.kinds {
        let words = format!("{what}: {} honest requests, lost", found.times.len());
        rows.push(Row::new("hostile", words, found.lost.len() as f64, "").target(Target::AtMost(0.0)));
        let words = format!("{what}: 99 of 100 honest requests are faster");
        rows.push(Row::new("hostile", words, found.percentile(99) * 1e3, "ms").target(Target::AtMost(P99_MS)));
        found.lost.iter().take(3).for_each(|why| eprintln!("{what}: {why}"));
    }
    let words = "records of what one hostile key has read, in the log";
    rows.push(Row::new("hostile", words, all.records as f64, "").target(Target::AtMost(all.records_max as f64)));
    Ok(rows)
}

/// What became of everybody.
struct Outcome {
    /// Of the honest, by kind.
    kinds: Vec<(&'static str, Found)>,
    /// Records of what the rogue has read.
    records: usize,
    /// One for each stream and minute, and for openings.
    records_max: usize,
}

/// What became of the honest.
#[derive(Debug, Default)]
struct Found {
    /// Seconds of each answer.
    times: Vec<f64>,
    /// What was not answered as it should be.
    lost: Vec<String>,
}

impl Found {
    fn percentile(&self, percent: usize) -> f64 {
        let mut times = self.times.clone();
        times.sort_by(f64::total_cmp);
        times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Serves a log with everything as it is configured by default, kind after kind.
fn against(
    mut maker: Maker,
    writer: Writer,
    keys: &Path,
    kinds: &[(&'static str, Kind, usize)],
    rounds: usize,
    lasting: Option<Duration>,
) -> Result<Outcome, BadBench> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(BadHttp::from)?;
    let (stop, stopped) = oneshot::channel::<()>();
    ledger::lead::confirm(writer.home(), Clock::System.now())?; // its events are of another year
    let mut config = Config::default();
    config.listen.address = SocketAddr::from(([127, 0, 0, 1], 0));
    let readings = Readings::new((writer.home(), writer.log()), &Maker::parties(), keys, "")?;
    let server = runtime.block_on(Server::start(writer, config, Some(readings), 0)).map_err(BadHttp::from)?;
    let (address, reader, begun) = (server.address(), server.app().reader.clone(), Instant::now());
    let served = runtime.spawn(server.serve(async {
        let _ = stopped.await; // dropped or sent, it ends
    }));
    let pens = Maker::pens();
    let rogue = pens.last().expect("there are pens").clone();
    let mut found_of = Vec::new();
    for (what, kind, many) in kinds {
        // The events of each author in turn; those of the last are the rogue's, and are not handed in.
        let events = maker.amendments(pens.len() * rounds);
        let found = runtime.block_on(async {
            let over = Arc::new(AtomicBool::new(false));
            let hostile: Vec<_> = (0..*many)
                .map(|number| tokio::spawn(bother(*kind, number, address, rogue.clone(), Arc::clone(&over))))
                .collect();
            let honest: Vec<_> = (0..HONEST)
                .map(|number| {
                    let own = events.iter().skip(number).step_by(pens.len()).cloned().collect();
                    tokio::spawn(honest(number, address, pens[number].clone(), own, lasting))
                })
                .collect();
            let mut found = Found::default();
            for one in honest {
                let its = one.await.expect("a client does not panic");
                found.times.extend(its.times);
                found.lost.extend(its.lost);
            }
            over.store(true, Ordering::Relaxed);
            hostile.iter().for_each(tokio::task::JoinHandle::abort);
            found
        });
        found_of.push((*what, found));
    }
    let spells = usize::try_from(begun.elapsed().as_secs() / SPELL.as_secs()).expect("few") + 1;
    let records = records(&reader, &administration(ROGUE))?;
    drop((stop, reader));
    runtime.block_on(served).expect("the server does not panic")?;
    Ok(Outcome { kinds: found_of, records, records_max: (STREAMS + 1) * spells })
}

/// Records of what a party has read.
fn records(reader: &Reader, party: &str) -> Result<usize, BadBench> {
    let mut records = 0;
    for entry in reader.entries(0) {
        let event = Entry::parse(&entry?.1).expect("written by the ledger").signed.event;
        let by = event.data.get("reader").and_then(Value::as_text);
        records += usize::from(event.kind == "data.exported" && by == Some(party));
    }
    Ok(records)
}

/// Hands in one event after the other, and reads between them.
async fn honest(
    number: usize,
    to: SocketAddr,
    pen: SecretKey,
    events: Vec<Delivery>,
    lasting: Option<Duration>,
) -> Found {
    let from = Ipv4Addr::new(127, 0, 1, u8::try_from(number + 1).expect("few"));
    let (begun, mut found) = (Instant::now(), Found::default());
    for (round, event) in events.chunks(1).enumerate() {
        if lasting.is_some_and(|lasting| begun.elapsed() > lasting) {
            break;
        }
        let stream = format!("stream=organisation/cso-{}", round % 4);
        let read = |target: &str| closing(&signed(to, &pen, "GET", target, None));
        // What costs more, one after the other: an address may have so much of it.
        let dear = match round % 3 {
            0 => ("a pack", get(to, &format!("/packs?audience=public&{stream}")), "\"audience\":\"public\""),
            1 => {
                let own = format!("/packs?audience={}&{stream}", administration(number as u64));
                ("a pack of its own", read(&own), "\"audience\":\"adm-")
            }
            _ => ("openings", read("/openings?from=0&limit=64"), "digests"),
        };
        let requests = [
            ("a hand-in", closing(&http::request(to, event, &pen)), "\"status\":\"stands\""),
            ("the checkpoint", get(to, "/checkpoint"), "bench.example/log"),
            ("the first entries", get(to, "/tile/entries/000"), ""),
            dear,
        ];
        for (what, request, says) in requests {
            let begin = Instant::now();
            let answer = tokio::time::timeout(PATIENCE, ask(from, to, &request)).await;
            found.times.push(begin.elapsed().as_secs_f64());
            match answer {
                Ok(Ok(answer)) if answer.starts_with(b"HTTP/1.1 200") && contains(&answer, says) => {}
                Ok(Ok(answer)) => {
                    let answer = String::from_utf8_lossy(&answer[..answer.len().min(600)]).into_owned();
                    found.lost.push(format!("client {number}, {what}: {answer}"));
                }
                Ok(Err(why)) => found.lost.push(format!("client {number}, {what}: {why}")),
                Err(_) => found.lost.push(format!("client {number}, {what}: no answer")),
            }
        }
        if lasting.is_some() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    found
}

fn get(to: SocketAddr, target: &str) -> Vec<u8> {
    closing(format!("GET {target} HTTP/1.1\r\nHost: {to}\r\n\r\n").as_bytes())
}

/// The same request, after whose answer the connection ends.
fn closing(request: &[u8]) -> Vec<u8> {
    let line = request.windows(2).position(|found| found == b"\r\n").unwrap_or_default();
    [&request[..line], b"\r\nConnection: close", &request[line..]].concat()
}

fn contains(answer: &[u8], says: &str) -> bool {
    says.is_empty() || answer.windows(says.len()).any(|found| found == says.as_bytes())
}

/// A connection from that address, with so much room for what comes.
async fn connect(from: Ipv4Addr, to: SocketAddr, room: Option<u32>) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = room {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a request, and reads its answer to its end.
async fn ask(from: Ipv4Addr, to: SocketAddr, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = connect(from, to, None).await?;
    stream.write_all(request).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// One hostile client, again and again; what becomes of it does not matter.
async fn bother(kind: Kind, number: usize, to: SocketAddr, rogue: SecretKey, over: Arc<AtomicBool>) {
    let from = Ipv4Addr::new(127, 0, 2, u8::try_from(number % 4 + 1).expect("few"));
    let mut round = number;
    while !over.load(Ordering::Relaxed) {
        round += 1;
        let _ = match kind {
            Kind::SlowHead => drip(from, to, b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_vec()).await,
            Kind::SlowBody => drip(from, to, signed(to, &rogue, "POST", "/events", Some(1 << 20))).await,
            Kind::Announced => hold(from, to, signed(to, &rogue, "POST", "/events", Some(16 << 20)), None).await,
            Kind::Deaf => {
                let target = if round.is_multiple_of(2) { "/feed?from=0" } else { "/verify.html" };
                hold(from, to, get(to, target), Some(4_096)).await
            }
            Kind::Idle => hold(Ipv4Addr::new(127, 0, 2, 1), to, Vec::new(), None).await,
            Kind::Packs => {
                let (stream, since) = (round % 4_000, round % 1_000 + 1);
                let target = format!("/packs?audience=public&stream=organisation/cso-{stream}&since={since}");
                ask(from, to, &get(to, &target)).await.map(drop)
            }
            Kind::Ranges => {
                let method = if round.is_multiple_of(2) { "HEAD" } else { "GET" };
                let target = format!("/openings?from={}&limit=1", round % 5_000);
                ask(from, to, &closing(&signed(to, &rogue, method, &target, None))).await.map(drop)
            }
            Kind::Openings => {
                let first = (round * 97) % 5_000;
                let (method, target) = match round % 6 {
                    0 => ("HEAD", format!("/openings?from={first}&limit=4096")),
                    1 => ("GET", format!("/openings?from={first}&limit=0")),
                    2 => ("GET", format!("/openings?from={}&limit=4096", u64::MAX)),
                    _ => ("GET", format!("/openings?from={first}&limit=4096")),
                };
                ask(from, to, &closing(&signed(to, &rogue, method, &target, None))).await.map(drop)
            }
            Kind::SignedPacks => {
                let stream = administration((round % STREAMS) as u64);
                let target = format!("/packs?audience={}&stream=organisation/{stream}", administration(ROGUE));
                ask(from, to, &closing(&signed(to, &rogue, "GET", &target, None))).await.map(drop)
            }
            Kind::Malformed => {
                let text =
                    ["GET", "\0\0\0\0", "POST /events HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz", "\r\n\r\n"];
                ask(from, to, text[round % text.len()].as_bytes()).await.map(drop)
            }
        };
        tokio::task::yield_now().await;
    }
}

/// A signed request whose body is announced and does not come; nothing of it was ever true.
fn signed(to: SocketAddr, rogue: &SecretKey, method: &str, target: &str, announced: Option<usize>) -> Vec<u8> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let authority = to.to_string();
    let request = Request { method, authority: &authority, path, query };
    let (now, nonce) = (Clock::System.now(), random_bytes().expect("random bytes"));
    let body = announced.map(|_| b"nothing of it".as_slice());
    let signed = http_request::sign(&request, body, rogue, now, 60, &nonce).expect("a request of the right form");
    let digest = signed.content_digest.map(|digest| format!("Content-Digest: {digest}\r\n")).unwrap_or_default();
    let length = announced.map(|bytes| format!("Content-Type: application/jsonl\r\nContent-Length: {bytes}\r\n"));
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {to}\r\n{}{digest}Signature-Input: {}\r\nSignature: {}\r\n\r\n",
        length.unwrap_or_default(),
        signed.signature_input,
        signed.signature
    )
    .into_bytes()
}

/// Sends a byte now and then until the server hangs up.
async fn drip(from: Ipv4Addr, to: SocketAddr, begin: Vec<u8>) -> std::io::Result<()> {
    let mut stream = connect(from, to, None).await?;
    stream.write_all(&begin).await?;
    loop {
        stream.write_all(b"x").await?;
        let mut answer = [0; 64];
        let pause = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut answer));
        if matches!(pause.await, Ok(Ok(0) | Err(_))) {
            return Ok(());
        }
    }
}

/// Sends something, and then neither sends nor reads until the server hangs up.
async fn hold(from: Ipv4Addr, to: SocketAddr, begin: Vec<u8>, room: Option<u32>) -> std::io::Result<()> {
    let mut stream = connect(from, to, room).await?;
    stream.write_all(&begin).await?;
    if room.is_none() {
        while stream.read(&mut [0; 256]).await? > 0 {}
        return Ok(());
    }
    tokio::time::sleep(PATIENCE).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_honest_lose_no_request_whatever_others_do() {
        let folder = tempfile::tempdir().unwrap();
        let (maker, writer) = Maker::found(folder.path()).unwrap();
        let all = against(maker, writer, &folder.path().join("keys"), &KINDS, 3, None).unwrap();
        for (what, found) in all.kinds {
            assert_eq!(found.times.len(), HONEST * 3 * 4, "{what}");
            assert!(found.lost.is_empty(), "{what}: {:#?}", found.lost);
        }
        let (records, most) = (all.records, all.records_max);
        assert!((2..=most).contains(&records), "of packs, and of openings: {records} of {most}");
    }
}
