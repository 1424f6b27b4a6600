//! A batch as a message, and what an acknowledgement means for it.

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_SEQUENCE, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use bytes::Bytes;
use schemas::batch::{BadBatch, Batch};

use super::batches::Cut;
use super::wire::{self, Answer};

/// A batch on its way.
pub struct Letter {
    /// The batch's number, and its place in the stream.
    pub number: u64,
    /// Entries under its checkpoint: where the next batch begins.
    pub size: u64,
    /// Id of the message: the hash of its bytes.
    pub id: String,
    /// Its bytes.
    pub text: Bytes,
}

impl Letter {
    /// Writes the batch as a message.
    pub fn seal(cut: &Cut) -> Result<Self, BadBatch> {
        let text = cut.batch.to_text()?;
        let id = Batch::message_id(text.as_bytes());
        Ok(Self { number: cut.batch.number, size: cut.size, id, text: text.into() })
    }

    /// What the server is to keep to: in this stream, once, and right after the batch before it.
    pub fn headers(&self, stream: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, self.id.as_str());
        headers.insert(NATS_EXPECTED_STREAM, stream);
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, (self.number - 1).to_string());
        headers
    }
}

/// What an acknowledgement means for a batch.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stands in its place.
    Stands,
    /// Something stands in its place: look whether it is this.
    Look,
    /// Unknown: the same bytes again.
    Again(String),
    /// It stands somewhere else.
    Misplaced(u64),
}

/// Reads an acknowledgement.
pub fn fate(number: u64, answer: &Answer) -> Fate {
    match answer {
        Ok(ack) => match ack["seq"].as_u64() {
            // The id was known already. Its bytes were not looked at, so look.
            Some(seq) if seq == number && ack["duplicate"] == true => Fate::Look,
            Some(seq) if seq == number => Fate::Stands,
            Some(seq) => Fate::Misplaced(seq),
            None => Fate::Again("an acknowledgement without a place".to_owned()),
        },
        Err(error) if wire::WRONG_LAST_SEQUENCE.contains(&error.code) => Fate::Look,
        Err(error) => Fate::Again(error.words.clone()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::nats::wire::ApiError;

    #[test]
    fn fates() {
        let error = |code| Err(ApiError { code, words: "no".to_owned() });
        let again = || Fate::Again("no".to_owned());
        for (answer, want) in [
            (Ok(json!({"stream": "L", "seq": 7})), Fate::Stands),
            (Ok(json!({"stream": "L", "seq": 7, "duplicate": false})), Fate::Stands),
            (Ok(json!({"stream": "L", "seq": 7, "duplicate": true})), Fate::Look),
            (Ok(json!({"stream": "L", "seq": 8})), Fate::Misplaced(8)),
            (Ok(json!({"stream": "L", "seq": 8, "duplicate": true})), Fate::Misplaced(8)),
            (error(10_071), Fate::Look),
            (error(10_164), Fate::Look),
            (error(10_077), again()),
            (error(503), again()),
        ] {
            assert_eq!(fate(7, &answer), want, "{answer:?}");
        }
        assert!(matches!(fate(7, &Ok(json!({}))), Fate::Again(_)));
    }
}
