//! The ledger at the other end of a line: questions signed with a holder's key. FORMAT.md 22.

use std::fmt::Write as _;
use std::time::Duration;

use schemas::hash::Hash;
use schemas::time::Timestamp;
use verifier::http_request::{self, LIFETIME_SECONDS, Request};
use verifier::signature::SecretKey;

use super::carry::Line;
use crate::answer::{AnswerLine, LINE_BYTES_MAX};
use crate::clock::Clock;
use crate::keys;
use crate::net::{self, Answer, Net};

/// How long an answer may take, in seconds: lines are slow where this runs.
const ANSWER_SECONDS: u64 = 60;
/// Longest receipt, in bytes.
const RECEIPT_BYTES_MAX: usize = 1 << 18;
/// Longest pack that is taken, in bytes.
const PACK_BYTES_MAX: usize = 64 << 20;
/// Longest pause that a refused signature may ask for, in seconds: a server that has just begun takes none from before.
const REFUSED_SECONDS_MAX: u64 = 5;
/// Clocks that differ by less than this are not why a request was refused.
const CLOCK_SECONDS: i64 = 5;

/// A ledger at an address, and the key that signs for us there.
#[derive(Debug)]
pub struct Client {
    net: Net,
    authority: String,
    key: SecretKey,
    /// By how much the ledger's clock is ahead of ours, in seconds, once it has refused ours.
    ahead: i64,
}

/// Why the ledger did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No whole answer: no line, or it was cut. Whether the question arrived is unknown, so it is asked again.
    #[error("the line: {0}")]
    Line(#[from] net::Trouble),
    /// It is busy, or we are too fast.
    #[error("the ledger is busy: {what}")]
    Busy {
        /// After how many seconds it wants to be asked again.
        after: Option<u64>,
        /// Its words.
        what: String,
    },
    /// It does not take the request as it is. Who keeps the key or the program must act.
    #[error("the ledger answered {status} ({kind}): {what}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Name of the problem.
        kind: String,
        /// Its words.
        what: String,
    },
    /// What it answered is no answer.
    #[error("the answer makes no sense: {what}")]
    Garbage {
        /// What is wrong.
        what: String,
    },
    /// The request cannot be signed.
    #[error("the request cannot be signed: {what}")]
    Unsigned {
        /// Why.
        what: String,
    },
}

impl Trouble {
    /// Whether the same question may get another answer later, without anybody doing anything.
    pub fn passes(&self) -> bool {
        match self {
            Self::Line(_) | Self::Busy { .. } | Self::Garbage { .. } => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::Unsigned { .. } => false,
        }
    }
}

impl Client {
    /// The ledger at `http://…` or `https://…`.
    pub fn new(address: &str, key: SecretKey) -> Self {
        Self::patient(address, key, ANSWER_SECONDS)
    }

    /// The same, waited for so many seconds.
    pub fn patient(address: &str, key: SecretKey, seconds: u64) -> Self {
        let (tls, rest) = match address.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, address.strip_prefix("http://").unwrap_or(address)),
        };
        let host = rest.split('/').next().unwrap_or_default();
        Self { net: Net::new(address, seconds), authority: http_request::authority(host, tls), key, ahead: 0 }
    }

    /// Signs for a server of another name than the address: where a tunnel or a forwarded port leads to it.
    pub fn speak_for(&mut self, authority: &str) {
        authority.clone_into(&mut self.authority);
    }

    /// Asks something, signed; once more by the ledger's clock where ours is why it was refused, or after the pause
    /// that a server asks for which has only just begun.
    ///
    /// # Errors
    /// [`Trouble`] if no whole answer came, or the request cannot be signed.
    pub fn ask(&mut self, path: &str, query: Option<&str>, body: Option<&[u8]>, max: usize) -> Result<Answer, Trouble> {
        let answer = self.ask_once(path, query, body, max)?;
        let now = Clock::System.now().unix();
        let ahead = answer.date.map_or(self.ahead, |date| date.unix() - now);
        if answer.status == 401 && (ahead - self.ahead).abs() > CLOCK_SECONDS {
            self.ahead = ahead;
            return self.ask_once(path, query, body, max);
        }
        let pause = answer.retry_after.filter(|seconds| *seconds <= REFUSED_SECONDS_MAX);
        if let (401, Some(seconds)) = (answer.status, pause) {
            std::thread::sleep(Duration::from_secs(seconds));
            return self.ask_once(path, query, body, max);
        }
        Ok(answer)
    }

    /// What an answer that is no success says.
    fn trouble(&self, answer: &Answer) -> Trouble {
        let problem: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
        let word = |name: &str| problem.as_ref().and_then(|p| p.get(name)).and_then(serde_json::Value::as_str);
        let kind = word("type").and_then(|kind| kind.rsplit(':').next()).unwrap_or("no problem named").to_owned();
        let mut what = net::words(word("detail").or_else(|| word("title")).unwrap_or("it does not say why"));
        match answer.status {
            429 | 503 => Trouble::Busy { after: answer.retry_after, what },
            status => {
                if status == 401 {
                    // Writing to a String does not fail.
                    let _ = write!(what, " (the request was signed with the key {})", self.key.vkey());
                }
                Trouble::Refused { status, kind: net::words(&kind), what }
            }
        }
    }

    fn ask_once(&self, path: &str, query: Option<&str>, body: Option<&[u8]>, max: usize) -> Result<Answer, Trouble> {
        let method = if body.is_some() { "POST" } else { "GET" };
        let request = Request { method, authority: &self.authority, path, query };
        let unsigned = |what: String| Trouble::Unsigned { what };
        let nonce = keys::random_bytes().map_err(|e| unsigned(e.to_string()))?;
        let created = Timestamp::from_unix(Clock::System.now().unix() + self.ahead);
        let signed = http_request::sign(&request, body, &self.key, created, LIFETIME_SECONDS, &nonce);
        let signed = signed.map_err(|e| unsigned(e.to_string()))?;
        let mut fields =
            vec![("signature-input", signed.signature_input.as_str()), ("signature", signed.signature.as_str())];
        fields.extend(signed.content_digest.as_deref().map(|digest| ("content-digest", digest)));
        let mut target = path.to_owned();
        if let Some(query) = query {
            let _ = write!(target, "?{query}"); // writing to a String does not fail
        }
        Ok(match body {
            Some(body) => self.net.post(&target, "application/jsonl", &fields, body, max)?,
            None => self.net.get(&target, &fields, max)?,
        })
    }
}

impl Line for Client {
    fn hand_in(&mut self, lines: &[String]) -> Result<Vec<AnswerLine>, Trouble> {
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let answer = self.ask("/events", None, Some(body.as_bytes()), lines.len() * LINE_BYTES_MAX)?;
        if answer.status != 200 {
            return Err(self.trouble(&answer));
        }
        let garbage = |what: &str| Trouble::Garbage { what: what.to_owned() };
        let text = std::str::from_utf8(&answer.body).map_err(|_| garbage("it is not UTF-8"))?;
        let read: Option<Vec<AnswerLine>> = text.lines().map(AnswerLine::parse).collect();
        let read = read.ok_or_else(|| garbage("a line of it is no answer"))?;
        if read.len() != lines.len() {
            return Err(garbage("it has not one line for each event"));
        }
        Ok(read)
    }

    fn receipt(&mut self, event: &Hash) -> Result<Option<String>, Trouble> {
        let answer = self.ask(&format!("/receipts/{}", event.to_hex()), None, None, RECEIPT_BYTES_MAX)?;
        match answer.status {
            200 => String::from_utf8(answer.body)
                .map(Some)
                .map_err(|_| Trouble::Garbage { what: "it is not UTF-8".to_owned() }),
            202 => Ok(None),
            _ => Err(self.trouble(&answer)),
        }
    }

    fn pack(&mut self, stream: &str, audience: &str) -> Result<Vec<u8>, Trouble> {
        let query = format!("stream={}&audience={}", escaped(stream), escaped(audience));
        let answer = self.ask("/packs", Some(&query), None, PACK_BYTES_MAX)?;
        if answer.status == 200 { Ok(answer.body) } else { Err(self.trouble(&answer)) }
    }
}

/// A value as it stands in a query. RFC 3986 2.1.
fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    let one = |b: u8| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") };
    text.bytes().map(one).collect()
}
