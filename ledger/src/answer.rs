//! What the ledger answers to an event that was handed in, as a line: over HTTP, NATS and on a stick. The reader's
//! side: nothing in it is believed before it was checked.

use schemas::hash::Hash;

/// Longest answer line, in bytes: a receipt with the largest entry in base64, and its proof.
pub const LINE_BYTES_MAX: usize = 1 << 18;

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerLine {
    /// Id of the event.
    pub event: Hash,
    /// What is said of it.
    pub said: Said,
}

/// What is said of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It stands in the log, and this receipt proves it.
    Stands {
        /// Its position.
        position: u64,
        /// A tlog-proof.
        receipt: String,
    },
    /// It stands in the log; witnesses have not seen it yet.
    Waits {
        /// Its position.
        position: u64,
    },
    /// It was kept out.
    Refused {
        /// Why, in words.
        why: String,
        /// The refusal, signed by the log's key; none where the bytes were not even a note.
        receipt: Option<String>,
    },
}

impl AnswerLine {
    /// Reads a line; members that it does not know are passed over.
    pub fn parse(line: &str) -> Option<Self> {
        if line.len() > LINE_BYTES_MAX {
            return None;
        }
        let json: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| json.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
        let position = || json.get("position").and_then(serde_json::Value::as_u64);
        let event = Hash::from_hex(&text("event")?)?;
        let said = match text("status")?.as_str() {
            "stands" => Said::Stands { position: position()?, receipt: text("receipt")? },
            "waits" => Said::Waits { position: position()? },
            "refused" => {
                let problem = json.get("problem");
                let word = |name: &str| problem.and_then(|p| p.get(name)).and_then(serde_json::Value::as_str);
                let why = word("detail").or_else(|| word("title")).unwrap_or("it does not say why").to_owned();
                Said::Refused { why, receipt: text("receipt") }
            }
            _ => return None,
        };
        Some(Self { event, said })
    }

    /// The line, without its end, as the ledger's office writes it to a stick.
    pub fn to_line(&self) -> String {
        let event = self.event.to_hex();
        let json = match &self.said {
            Said::Stands { position, receipt } => {
                serde_json::json!({"event": event, "status": "stands", "position": position, "receipt": receipt})
            }
            Said::Waits { position } => serde_json::json!({"event": event, "status": "waits", "position": position}),
            Said::Refused { why, receipt } => serde_json::json!({
                "event": event, "status": "refused", "problem": {"detail": why}, "receipt": receipt
            }),
        };
        json.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let event = Hash::of(&[b"e"]);
        for said in [
            Said::Stands { position: 7, receipt: "c2sp.org/tlog-proof@v1\n".to_owned() },
            Said::Waits { position: 0 },
            Said::Refused { why: "no such party".to_owned(), receipt: Some("note".to_owned()) },
            Said::Refused { why: "not a note".to_owned(), receipt: None },
        ] {
            let line = AnswerLine { event, said };
            assert_eq!(AnswerLine::parse(&line.to_line()), Some(line));
        }
        let id = event.to_hex();
        for bad in [
            String::new(),
            "{".to_owned(),
            r#"{"status":"waits","position":1}"#.to_owned(),
            format!(r#"{{"event":"{id}","status":"waits"}}"#),
            format!(r#"{{"event":"{id}","status":"waits","position":-1}}"#),
            format!(r#"{{"event":"{id}","status":"stands","position":1}}"#),
            format!(r#"{{"event":"{id}","status":"perhaps","position":1}}"#),
            format!(r#"{{"event":"{}","status":"waits","position":1}}"#, &id[1..]),
            " ".repeat(LINE_BYTES_MAX + 1),
        ] {
            assert_eq!(AnswerLine::parse(&bad), None, "{bad}");
        }
    }
}
