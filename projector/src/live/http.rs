//! A ledger, or a mirror of one, behind an address. The one file of the projector that uses `ureq`.
//!
//! What is far behind is fetched as tiles, a checkpoint first, so that nobody can make us take more than a log has
//! signed; what comes then arrives by `GET /feed?from=N` as it is published. An address that has no such stream, as
//! that of static files, is asked for its checkpoint every few seconds instead. Nothing rests on the connection.

use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use schemas::base;
use schemas::hash::Hash;
use schemas::visible;
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use verifier::bundle::{FILE_BYTES_MAX, Source, Unreadable};

use super::event_stream::{LINE_BYTES_MAX, Message, Messages};
use super::tiles::{Tiles, stated_size};
use super::{Disturbed, Go, Live};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(4);
/// How long one file may take.
const FILE: Duration = Duration::from_secs(30);
/// How long a stream is kept before it is opened anew: what hangs without a word ends here at the latest.
const STREAM: Duration = Duration::from_secs(600);
/// A stream says something at least every 15 seconds; after so long without a word it is opened anew.
const SILENCE: Duration = Duration::from_secs(45);
/// How often an address without a stream is asked.
const ASK: Duration = Duration::from_secs(2);
/// Messages that may wait to be taken from a stream.
const WAITING_MAX: usize = 256;
/// Bytes of entries that are kept without a checkpoint over them; more is fetched as tiles when there is one.
const AHEAD_BYTES_MAX: usize = 32 << 20;

/// Files below an address.
#[derive(Debug)]
struct Files {
    agent: Agent,
    address: String,
}

impl Source for Files {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        Err(Unreadable { path: self.address.clone(), why: "an address does not list its files".to_owned() })
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let full = format!("{}/{path}", self.address);
        let bad = |error: &ureq::Error| Unreadable { path: full.clone(), why: plain(error) };
        let mut answer = self.agent.get(&full).call().map_err(|e| bad(&e))?;
        match answer.status().as_u16() {
            200 => {}
            404 | 410 => return Ok(None),
            status => return Err(Unreadable { path: full, why: format!("it answered {status}") }),
        }
        let body = answer.body_mut().with_config().limit(FILE_BYTES_MAX).read_to_vec();
        body.map(Some).map_err(|e| bad(&e))
    }
}

/// What an error says, short and on one line.
fn plain(error: &ureq::Error) -> String {
    visible::start(&error.to_string(), 200)
}

/// A log behind an address.
#[derive(Debug)]
pub struct Http {
    tiles: Tiles<Files>,
    streams: Agent,
    address: String,
    /// Whether the address is known to have no stream.
    still: bool,
    open: Option<Open>,
}

/// A stream with what came by it and is not under a checkpoint yet.
#[derive(Debug)]
struct Open {
    messages: Receiver<Result<Message, Option<String>>>,
    /// Position of the first entry in `ahead`.
    first: u64,
    ahead: Vec<Vec<u8>>,
    bytes: usize,
    silent: Duration,
}

impl Http {
    /// The log whose `checkpoint`, `tile/…` and perhaps `feed` lie below this address, `http://…` or `https://…`.
    pub fn new(address: &str) -> Self {
        let address = address.trim_end_matches('/').to_owned();
        let files = agent(&address, FILE);
        Self {
            tiles: Tiles::new(Files { agent: files, address: address.clone() }, &address),
            streams: agent(&address, STREAM),
            address,
            still: false,
            open: None,
        }
    }

    /// Opens the stream after `from` entries. An answer that is no stream says that there is none.
    fn listen(&mut self, from: u64) -> Result<(), Disturbed> {
        let place = format!("{}/feed?from={from}", self.address);
        let request = self.streams.get(&place).header("accept", "text/event-stream");
        let answer = match request.call() {
            Ok(answer) => answer,
            Err(e) => return Err(Disturbed::Silent { place, why: plain(&e) }),
        };
        let kind = answer.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let (status, is_stream) = (answer.status().as_u16(), kind.starts_with("text/event-stream"));
        match status {
            200 if is_stream => {}
            200 | 404 | 405 | 410 => {
                self.still = true;
                return Ok(());
            }
            // It has as many listeners as it can have: its files are asked for meanwhile.
            429 | 503 => return Ok(()),
            _ => return Err(Disturbed::Silent { place, why: format!("it answered {status}") }),
        }
        let (sender, messages) = sync_channel(WAITING_MAX);
        let body = answer.into_body().into_reader();
        std::thread::spawn(move || pass_on(body, &sender));
        self.open = Some(Open { messages, first: from, ahead: Vec::new(), bytes: 0, silent: Duration::ZERO });
        Ok(())
    }
}

/// Reads messages until the stream ends, is of no use (then it says why), or nobody listens any more.
fn pass_on(body: impl std::io::Read, sender: &SyncSender<Result<Message, Option<String>>>) {
    let mut lines = BufReader::new(body);
    let mut messages = Messages::default();
    let end = loop {
        let mut line = Vec::new();
        match lines.by_ref().take(LINE_BYTES_MAX as u64 + 2).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break None,
            Ok(_) => {}
        }
        let comment = line.first() == Some(&b':');
        match messages.line(line.strip_suffix(b"\n").unwrap_or(&line)) {
            Ok(Some(message)) => {
                if sender.send(Ok(message)).is_err() {
                    return;
                }
            }
            // An empty message says that the line is still open.
            Ok(None) if comment => {
                if sender.send(Ok(Message::default())).is_err() {
                    return;
                }
            }
            Ok(None) => {}
            Err(why) => break Some(why.to_string()),
        }
    };
    let _ = sender.send(Err(end));
}

/// What one look at a stream gave.
enum Heard {
    /// A checkpoint; entries before it wait.
    Checkpoint(Vec<u8>),
    /// Nothing within the time.
    Nothing,
    /// The stream is over, or has been silent for too long.
    Over,
    /// What came is not what a ledger says.
    Nonsense(String),
}

impl Open {
    /// Listens for a checkpoint, at most about so long without any word.
    fn hear(&mut self, patience: Duration) -> Heard {
        loop {
            let message = match self.messages.recv_timeout(patience) {
                Ok(Ok(message)) => message,
                Ok(Err(why)) => return why.map_or(Heard::Over, Heard::Nonsense),
                Err(RecvTimeoutError::Disconnected) => return Heard::Over,
                Err(RecvTimeoutError::Timeout) => {
                    self.silent += patience;
                    return if self.silent >= SILENCE { Heard::Over } else { Heard::Nothing };
                }
            };
            self.silent = Duration::ZERO;
            let bytes = base::from_base64(&message.data).filter(|bytes| !bytes.is_empty());
            match (message.event.as_str(), bytes) {
                ("entry", Some(bytes)) => {
                    let expected = self.first + self.ahead.len() as u64;
                    if base::from_decimal(&message.id) != Some(expected) {
                        return Heard::Nonsense(format!("entry {:?} came where {expected} should", message.id));
                    }
                    self.bytes += bytes.len();
                    if self.bytes > AHEAD_BYTES_MAX {
                        return Heard::Nonsense("too much came without a checkpoint".to_owned());
                    }
                    self.ahead.push(bytes);
                }
                ("checkpoint", Some(note)) => return Heard::Checkpoint(note),
                ("entry" | "checkpoint", None) => return Heard::Nonsense("a message is not base64".to_owned()),
                // Somebody may say more than we know some day.
                _ => {}
            }
        }
    }
}

impl Live for Http {
    fn checkpoint(&mut self, size: u64, patience: Duration) -> Result<Option<Vec<u8>>, Disturbed> {
        // What was taken from the stream and kept is let go.
        if let Some(open) = &mut self.open {
            let gone = usize::try_from(size.saturating_sub(open.first)).unwrap_or(usize::MAX);
            if size < open.first || gone > open.ahead.len() {
                self.open = None;
            } else if gone > 0 {
                open.bytes -= open.ahead.drain(..gone).map(|entry| entry.len()).sum::<usize>();
                open.first = size;
            }
        }
        if self.open.is_none() {
            let note = self.tiles.newest()?;
            if stated_size(&note) != Some(size) || patience.is_zero() {
                return Ok(Some(note));
            }
            if !self.still {
                self.listen(size)?;
            }
        }
        let Some(open) = &mut self.open else {
            std::thread::sleep(patience.min(ASK));
            return self.tiles.newest().map(Some);
        };
        match open.hear(patience) {
            Heard::Checkpoint(note) => Ok(Some(note)),
            Heard::Nothing => Ok(None),
            // It is opened anew after the next look at the checkpoint, which says whether anybody is there.
            Heard::Over => {
                self.open = None;
                Ok(None)
            }
            Heard::Nonsense(what) => {
                self.open = None;
                Err(Disturbed::Malformed { place: format!("{}/feed", self.address), what })
            }
        }
    }

    fn reset(&mut self) {
        self.open = None;
    }

    fn entries(&mut self, from: u64, to: u64, take: &mut dyn FnMut(&[u8]) -> Go) -> Result<(), Disturbed> {
        if let Some(open) = &self.open {
            let range = from.checked_sub(open.first).zip(to.checked_sub(open.first));
            let range = range.and_then(|(a, b)| Some(usize::try_from(a).ok()?..usize::try_from(b).ok()?));
            if let Some(ahead) = range.and_then(|range| open.ahead.get(range)) {
                for entry in ahead {
                    if take(entry) == Go::Stop {
                        break;
                    }
                }
                return Ok(());
            }
        }
        self.tiles.entries(from, to, take)
    }

    fn document(&mut self, digest: &Hash) -> Result<Option<Vec<u8>>, Disturbed> {
        self.tiles.document(digest)
    }
}

fn agent(address: &str, body: Duration) -> Agent {
    let mut config = Agent::config_builder()
        .timeout_connect(Some(CONNECT))
        .timeout_send_request(Some(CONNECT))
        .timeout_recv_response(Some(FILE))
        .timeout_recv_body(Some(body))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .user_agent("access-ledger-projector");
    if address.starts_with("https:") {
        config = config.tls_config(tls());
    }
    config.build().into()
}

/// TLS under the certificates that this system trusts.
fn tls() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs().certs;
    let trusted: Vec<Certificate<'static>> = found.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(&trusted))
        .build()
}
