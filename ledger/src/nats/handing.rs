//! Events as lines in, answers as lines out, whatever carries them. Pure: reads and writes bytes. FORMAT.md 23.5.

use schemas::hash::Hash;
use schemas::note::Note;
use serde::Serialize;

use crate::outbox::Parcel;
use crate::plan::Rejection;
use crate::sequencer::{Delivery, Halted, Reply};

/// Most events in one request.
pub const LINES_MAX: usize = 256;
/// Media type of events and answers: one JSON object a line.
pub const JSONL: &str = "application/jsonl";
/// Media type of a request that was not taken. RFC 9457 3.
pub const PROBLEM: &str = "application/problem+json";
/// What all types of problems begin with.
const URN: &str = "urn:oversight-ledger:problem:";

/// Events of one request, and the ids by which they are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What goes to the sequencer.
    pub deliveries: Vec<Delivery>,
    /// The id of each; none where the bytes are not even a signed note.
    pub ids: Vec<Option<Hash>>,
}

/// What went wrong, as RFC 9457 says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// `urn:oversight-ledger:problem:` and a name; clients act by it.
    pub r#type: String,
    /// The kind, in words.
    pub title: &'static str,
    /// The status that HTTP has for it.
    pub status: u16,
    /// What happened here, and what to do.
    pub detail: String,
}

impl Problem {
    fn new(name: &str, title: &'static str, status: u16, detail: String) -> Self {
        Self { r#type: format!("{URN}{name}"), title, status, detail }
    }

    /// A line that cannot be read.
    pub fn bad_line(detail: &str) -> Self {
        Self::new("bad-line", "A line of the body cannot be read", 400, format!("{detail}; nothing was taken"))
    }

    /// Too much at once.
    pub fn too_large(detail: &str) -> Self {
        Self::new("too-large", "The body is too large", 413, format!("{detail}; nothing was taken"))
    }

    /// Too much in a short time.
    pub fn too_fast() -> Self {
        let detail =
            "more events come in than are taken in a second; nothing was taken. Send the same again in a second";
        Self::new("too-fast", "Too much in a short time", 429, detail.to_owned())
    }

    /// Too much at the same time.
    pub fn busy() -> Self {
        let detail = "too much waits already; nothing was taken. Send the same again in a moment";
        Self::new("busy", "The ledger is busy", 503, detail.to_owned())
    }

    /// Not known whether it was taken.
    pub fn stopped() -> Self {
        let detail = "the ledger ends or could not write. What was sent may stand in it: send the same again later, and \
                      the answer will tell";
        Self::new("stopped", "The ledger takes nothing now", 503, detail.to_owned())
    }

    /// The bytes that are sent.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default() // nothing in it that could not be written
    }
}

impl From<&Halted> for Problem {
    fn from(why: &Halted) -> Self {
        match why {
            Halted::Busy => Self::busy(),
            Halted::Stopped { .. } => Self::stopped(),
        }
    }
}

impl From<&Rejection> for Problem {
    fn from(why: &Rejection) -> Self {
        let (name, title) = match why {
            Rejection::Admission(_) => ("refused-by-admission", "The event may not stand in the log"),
            Rejection::Intake(_) | Rejection::Writer { .. } => {
                ("refused-by-intake", "The event's hidden values were not taken")
            }
        };
        Self::new(name, title, 422, why.to_string())
    }
}

/// What became of one event.
#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<String>,
}

/// Reads the events of a request: one parcel a line (FORMAT.md 20), without time of receipt.
///
/// # Errors
/// [`Problem`] names the line; then nothing of the request counts.
pub fn read(body: &[u8]) -> Result<Request, Problem> {
    let not_text = |e: std::str::Utf8Error| Problem::bad_line(&format!("byte {} is not UTF-8", e.valid_up_to()));
    let text = std::str::from_utf8(body).map_err(not_text)?;
    let lines = text.strip_suffix('\n').unwrap_or(text);
    if lines.is_empty() {
        return Err(Problem::bad_line("there is no line"));
    }
    let count = lines.bytes().filter(|b| *b == b'\n').count() + 1;
    if count > LINES_MAX {
        return Err(Problem::too_large(&format!("{count} lines, and at most {LINES_MAX} are taken at once")));
    }
    let mut request = Request { deliveries: Vec::with_capacity(count), ids: Vec::with_capacity(count) };
    for (number, line) in (1..).zip(lines.split('\n')) {
        let form = "a parcel is canonical JSON with event, opening and source (FORMAT.md 20)";
        let parcel = Parcel::parse(line).ok_or_else(|| Problem::bad_line(&format!("line {number}: {form}")))?;
        if parcel.received_at.is_some() {
            let why = format!("line {number} has received_at: the ledger says when it receives");
            return Err(Problem::bad_line(&why));
        }
        request.ids.push(Note::parse(parcel.note.as_bytes()).ok().map(|note| Hash::of(&[note.text.as_bytes()])));
        request.deliveries.push(Delivery { note: parcel.note.into_bytes(), opening: parcel.opening });
    }
    Ok(request)
}

/// One line an event, in order. Where all of it would be longer than `bytes_max`, receipts of what stands are left
/// out: the same event, sent again in a smaller request, is answered with its receipt.
pub fn write(replies: &[Reply], ids: &[Option<Hash>], bytes_max: usize) -> Vec<u8> {
    let text = lines(replies, ids, true);
    if text.len() > bytes_max { lines(replies, ids, false) } else { text }
}

fn lines(replies: &[Reply], ids: &[Option<Hash>], with_receipts: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for (reply, id) in replies.iter().zip(ids) {
        let event = id.map(|id| id.to_hex());
        let answer = match reply {
            Reply::Stands { position, fresh, receipt } => Answer {
                event,
                status: if receipt.is_some() { "stands" } else { "waits" },
                position: Some(*position),
                fresh: Some(*fresh),
                problem: None,
                receipt: receipt.as_ref().filter(|_| with_receipts).map(schemas::receipt::Receipt::to_text),
            },
            Reply::Refused { why, receipt } => Answer {
                event,
                status: "refused",
                position: None,
                fresh: None,
                problem: Some(why.into()),
                receipt: receipt.as_ref().map(Note::to_text),
            },
        };
        text.extend(serde_json::to_vec(&answer).unwrap_or_default()); // nothing in it that could not be written
        text.push(b'\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARCEL: &str = r#"{"event":"x","opening":{"digests":[],"slots":[]},"source":"a/b/c"}"#;

    #[test]
    fn a_request_is_read_whole_or_not_at_all() {
        let late = PARCEL.replace(r#","source"#, r#","received_at":"2031-01-01T00:00:00Z","source"#);
        for (body, lines) in [
            (PARCEL.to_owned(), Ok(1)),
            (format!("{PARCEL}\n"), Ok(1)),
            (format!("{PARCEL}\n{PARCEL}\n"), Ok(2)),
            (format!("{PARCEL}\n").repeat(LINES_MAX), Ok(LINES_MAX)),
            (String::new(), Err((400, "no line"))),
            ("\n".to_owned(), Err((400, "no line"))),
            (format!("{PARCEL}\n\n"), Err((400, "line 2"))),
            (format!("{PARCEL}\n{{}}"), Err((400, "line 2"))),
            (PARCEL.replace(":\"x\"", ": \"x\""), Err((400, "line 1"))),
            (format!("{PARCEL}\n{late}"), Err((400, "line 2 has received_at"))),
            (format!("{PARCEL}\n").repeat(LINES_MAX + 1), Err((413, "257 lines"))),
        ] {
            match (read(body.as_bytes()), lines) {
                (Ok(request), Ok(lines)) => {
                    assert_eq!((request.deliveries.len(), request.ids), (lines, vec![None; lines]));
                }
                (Err(problem), Err((status, says))) => {
                    assert_eq!(problem.status, status, "{problem:?}");
                    assert!(
                        problem.detail.contains(says) && problem.detail.contains("nothing was taken"),
                        "{problem:?}"
                    );
                }
                (got, _) => panic!("{body}: {got:?}"),
            }
        }
        assert!(read(b"\xff").unwrap_err().detail.contains("byte 0"));
    }

    #[test]
    fn an_answer_that_is_too_long_says_no_less_of_what_became() {
        let note = Note::parse("t\n\n\u{2014} n AAAAAAA=\n".as_bytes()).unwrap();
        let receipt = Some(schemas::receipt::Receipt { entry: None, index: 3, proof: Vec::new(), checkpoint: note });
        let replies = [
            Reply::Stands { position: 3, fresh: true, receipt },
            Reply::Stands { position: 4, fresh: false, receipt: None },
        ];
        let ids = [Some(Hash::default()), None];
        let whole = String::from_utf8(write(&replies, &ids, 10_000)).unwrap();
        let short = String::from_utf8(write(&replies, &ids, whole.len() - 1)).unwrap();
        assert!(whole.contains("tlog-proof@v1") && !short.contains("tlog-proof@v1"), "{whole}{short}");
        for text in [whole, short] {
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines[0].contains(r#""status":"stands","position":3,"fresh":true"#), "{text}");
            assert!(lines[1].starts_with(r#"{"status":"waits","position":4,"fresh":false}"#), "{text}");
        }
    }
}
