//! Asking the servers: the JSON questions of JetStream, and what their answers mean.
//!
//! The questions are written out instead of taken from a library: what is demanded of a stream must name every
//! setting that a server knows, also those that a library of another day does not.

use std::time::Duration;

use async_nats::Client;
use async_nats::client::RequestErrorKind;
use schemas::base;
use serde_json::{Value, json};

use super::trouble::{BadNats, Trouble};

/// What JetStream answered to a question: what was asked for, or its error.
pub type Answer = Result<Value, ApiError>;

/// An error as JetStream says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Its number; see the server's `errors.json`.
    pub code: u64,
    /// Its words.
    pub words: String,
}

/// The stream is not there.
pub const STREAM_NOT_FOUND: u64 = 10_059;
/// No such message.
pub const MESSAGE_NOT_FOUND: u64 = 10_037;
/// JetStream is not there, or not for this account.
pub const NOT_ENABLED: [u64; 2] = [10_039, 10_076];
/// The stream does not end where the sender believes.
pub const WRONG_LAST_SEQUENCE: [u64; 2] = [10_071, 10_164];

/// Reads an answer: JSON with a member `error` or without.
pub fn answer(payload: &[u8]) -> Answer {
    let unread = |words: String| ApiError { code: 0, words };
    let value: Value =
        serde_json::from_slice(payload).map_err(|e| unread(format!("an answer that is no JSON: {e}")))?;
    let Some(error) = value.get("error") else { return Ok(value) };
    let code = error.get("err_code").or_else(|| error.get("code")).and_then(Value::as_u64).unwrap_or(0);
    let words =
        error.get("description").and_then(Value::as_str).unwrap_or("no reason given").chars().take(200).collect();
    Err(ApiError { code, words })
}

/// Asks JetStream.
pub async fn ask(client: &Client, subject: String, body: &Value) -> Result<Answer, Trouble> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    match client.request(subject.clone(), body.into()).await {
        Ok(message) => Ok(answer(&message.payload)),
        Err(why) if why.kind() == RequestErrorKind::NoResponders => {
            Err(Trouble::Away(format!("nobody answers {subject}: JetStream is not there, or has no leader now")))
        }
        Err(why) => Err(Trouble::Away(format!("{subject}: {why}"))),
    }
}

/// What the server says of a stream; none if it has no such stream.
pub async fn stream_info(client: &Client, stream: &str) -> Result<Option<Value>, Trouble> {
    match ask(client, format!("$JS.API.STREAM.INFO.{stream}"), &Value::Null).await? {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.code == STREAM_NOT_FOUND => Ok(None),
        Err(error) if NOT_ENABLED.contains(&error.code) => Err(BadNats::NoJetStream { why: error.words }.into()),
        Err(error) => Err(Trouble::Away(format!("{stream}: {}", error.words))),
    }
}

/// A message in a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its place.
    pub sequence: u64,
    /// Its subject.
    pub subject: String,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// The message that a question names, as the stream's leader has it; none if there is no such message.
pub async fn message(client: &Client, stream: &str, which: &Value) -> Result<Option<Stored>, Trouble> {
    let found = match ask(client, format!("$JS.API.STREAM.MSG.GET.{stream}"), which).await? {
        Ok(found) => found,
        Err(error) if error.code == MESSAGE_NOT_FOUND => return Ok(None),
        Err(error) => return Err(Trouble::Away(format!("{stream}: {}", error.words))),
    };
    let message = &found["message"];
    let payload = base::from_base64(message["data"].as_str().unwrap_or_default());
    let (Some(sequence), Some(subject), Some(payload)) =
        (message["seq"].as_u64(), message["subject"].as_str(), payload)
    else {
        return Err(Trouble::Away(format!("{stream}: a message that makes no sense")));
    };
    Ok(Some(Stored { sequence, subject: subject.to_owned(), payload }))
}

/// The message at a place.
pub async fn message_at(client: &Client, stream: &str, sequence: u64) -> Result<Option<Stored>, Trouble> {
    message(client, stream, &json!({ "seq": sequence })).await
}

/// The last message of a subject.
pub async fn last_message(client: &Client, stream: &str, subject: &str) -> Result<Option<Stored>, Trouble> {
    message(client, stream, &json!({ "last_by_subj": subject })).await
}

/// A wait that doubles with each failure, up to a limit, and is short again after a success.
#[derive(Debug)]
pub struct Patience {
    next: Duration,
}

impl Patience {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);

    /// As after a success.
    pub fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// How long to wait now.
    pub fn wait(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(Self::LONGEST);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let error = |code, words: &str| Err(ApiError { code, words: words.to_owned() });
        for (payload, want) in [
            (r#"{"seq":3}"#, Ok(json!({"seq": 3}))),
            (
                r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},"seq":0}"#,
                error(10_071, "wrong last sequence: 5"),
            ),
            (r#"{"error":{"code":503}}"#, error(503, "no reason given")),
        ] {
            assert_eq!(answer(payload.as_bytes()), want, "{payload}");
        }
        assert_eq!(answer(b"").unwrap_err().code, 0);
    }

    #[test]
    fn patience_grows_and_ends() {
        let mut patience = Patience::new();
        let waits: Vec<Duration> = (0..12).map(|_| patience.wait()).collect();
        assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!((waits[0], waits[11]), (Patience::FIRST, Patience::LONGEST));
    }
}
