//! Events as lines in, answers as lines out, whatever carries them: HTTP and NATS. FORMAT.md 20, 23.5.

use schemas::hash::Hash;
use schemas::note::Note;
use schemas::receipt::Receipt;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::problem::{Kind, Problem, ProblemDetails};
use crate::outbox::Parcel;
use crate::plan::Rejection;
use crate::sequencer::{Delivery, Reply};

/// Media type of what is handed in and of the answers: one JSON object a line.
pub const JSONL: &str = "application/jsonl";

/// What became of one event. One line each, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Answer {
    /// Id of the event, hex: SHA-256 of its text, which ends before the first empty line.
    pub event: String,
    /// `stands`: it is in the log, the receipt says where. `waits`: it is in the log, and its receipt comes when
    /// witnesses have seen it (`/receipts/{event}`). `refused`: it was kept out.
    pub status: Status,
    /// Its position in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// False if the very same event stood there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh: Option<bool>,
    /// Why it was kept out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ProblemDetails>,
    /// C2SP tlog-proof of an event that stands, or the refusal, signed by the log's key (FORMAT.md 14.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// In the log, and published.
    Stands,
    /// In the log, not published yet.
    Waits,
    /// Kept out.
    Refused,
}

/// Events of one request, and the ids by which they are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What goes to the sequencer.
    pub deliveries: Vec<Delivery>,
    /// The id of each.
    pub ids: Vec<Hash>,
}

/// The id of an event: of its text, whatever follows. Bytes that are no note have one too, to be answered by.
fn id(note: &str) -> Hash {
    let text = note.find("\n\n").map_or(note, |end| &note[..=end]);
    Hash::of(&[text.as_bytes()])
}

/// Reads the events of a request: one parcel a line (FORMAT.md 20), without time of receipt.
///
/// # Errors
/// [`Problem`] names the line; then nothing of the request counts.
pub fn read(body: &[u8], lines_max: usize) -> Result<Request, Problem> {
    let bad = |detail: String| Problem::new(Kind::BadLine, format!("{detail}; nothing was taken"));
    let text = std::str::from_utf8(body).map_err(|e| bad(format!("byte {} is not UTF-8", e.valid_up_to())))?;
    let lines = text.strip_suffix('\n').unwrap_or(text);
    if lines.is_empty() {
        return Err(bad("the body has no line".to_owned()));
    }
    let count = lines.bytes().filter(|b| *b == b'\n').count() + 1;
    if count > lines_max {
        let detail = format!("the body has {count} lines, at most {lines_max} are taken at once; nothing was taken");
        return Err(Problem::new(Kind::TooLarge, detail));
    }
    let mut request = Request { deliveries: Vec::with_capacity(count), ids: Vec::with_capacity(count) };
    for (number, line) in (1..).zip(lines.split('\n')) {
        let form = "a parcel is canonical JSON with event, opening and source (FORMAT.md 20)";
        let parcel = Parcel::parse(line).ok_or_else(|| bad(format!("line {number}: {form}")))?;
        if parcel.received_at.is_some() {
            return Err(bad(format!("line {number} has received_at: the ledger says when it receives")));
        }
        request.ids.push(id(&parcel.note));
        request.deliveries.push(Delivery { note: parcel.note.into_bytes(), opening: parcel.opening });
    }
    Ok(request)
}

/// One line an event, in order. Where all of it would be longer than `bytes_max`, receipts of what stands wait: the
/// same event, sent again in a smaller request, is answered with its receipt.
pub fn write(replies: &[Reply], ids: &[Hash], bytes_max: usize) -> Vec<u8> {
    let text = lines(replies, ids, true);
    if text.len() > bytes_max { lines(replies, ids, false) } else { text }
}

fn lines(replies: &[Reply], ids: &[Hash], with_receipts: bool) -> Vec<u8> {
    let mut text = Vec::new();
    for (reply, id) in replies.iter().zip(ids) {
        let event = id.to_hex();
        let answer = match reply {
            Reply::Stands { position, fresh, receipt } => {
                let receipt = receipt.as_ref().filter(|_| with_receipts);
                Answer {
                    event,
                    status: if receipt.is_some() { Status::Stands } else { Status::Waits },
                    position: Some(*position),
                    fresh: Some(*fresh),
                    problem: None,
                    receipt: receipt.map(Receipt::to_text),
                }
            }
            Reply::Refused { why, receipt } => Answer {
                event,
                status: Status::Refused,
                position: None,
                fresh: None,
                problem: Some(refusal(why).details()),
                receipt: receipt.as_ref().map(Note::to_text),
            },
        };
        // Nothing in it that serde could not write.
        text.extend(serde_json::to_vec(&answer).unwrap_or_default());
        text.push(b'\n');
    }
    text
}

fn refusal(why: &Rejection) -> Problem {
    let kind = match why {
        Rejection::Admission(_) => Kind::RefusedByAdmission,
        Rejection::Intake(_) | Rejection::Writer { .. } => Kind::RefusedByIntake,
    };
    Problem::new(kind, why.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Most lines of a request here.
    const LINES_MAX: usize = 256;
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
            match (read(body.as_bytes(), LINES_MAX), lines) {
                (Ok(request), Ok(lines)) => {
                    assert_eq!((request.deliveries.len(), request.ids), (lines, vec![Hash::of(&[b"x"]); lines]));
                }
                (Err(problem), Err((status, says))) => {
                    assert_eq!(problem.details().status, status, "{problem:?}");
                    assert!(
                        problem.detail.contains(says) && problem.detail.contains("nothing was taken"),
                        "{problem:?}"
                    );
                }
                (got, _) => panic!("{body}: {got:?}"),
            }
        }
        assert!(read(b"\xff", LINES_MAX).unwrap_err().detail.contains("byte 0"));
    }

    #[test]
    fn an_answer_that_is_too_long_says_no_less_of_what_became() {
        let note = Note::parse("t\n\n\u{2014} n AAAAAAA=\n".as_bytes()).unwrap();
        let receipt = Some(Receipt { entry: None, index: 3, proof: Vec::new(), checkpoint: note });
        let replies = [
            Reply::Stands { position: 3, fresh: true, receipt },
            Reply::Stands { position: 4, fresh: false, receipt: None },
        ];
        let ids = [Hash::default(), Hash::of(&[b"x"])];
        let whole = String::from_utf8(write(&replies, &ids, 10_000)).unwrap();
        let short = String::from_utf8(write(&replies, &ids, whole.len() - 1)).unwrap();
        assert!(whole.contains("tlog-proof@v1") && !short.contains("tlog-proof@v1"), "{whole}{short}");
        for (text, status) in [(whole, "stands"), (short, "waits")] {
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines[0].contains(&format!(r#""status":"{status}","position":3,"fresh":true"#)), "{text}");
            assert!(lines[1].ends_with(r#""status":"waits","position":4,"fresh":false}"#), "{text}");
        }
    }
}
