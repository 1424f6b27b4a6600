//! Hidden values, for those who may read them. FORMAT.md 5.4.

use axum::extract::{Request, State};
use axum::http::{Method, header, request};
use axum::response::{IntoResponse, Response};
use schemas::entry::Entry;
use schemas::opening::{OpeningLine, Slot};
use verifier::audience::Audience;

use super::app::{App, Parts};
use super::caller::{self, Purpose};
use super::problem::{Kind, Problem, ProblemDetails};
use super::query::Query;
use super::readings::{self, What};
use crate::handing::JSONL;
use crate::writer::Writer;

/// Answers with openings that one key has or waits for at a time: fewer than there are places, so that one is always
/// another's.
const OPENINGS_OF_KEY_MAX: usize = 1;
/// An answer ends when it has so many bytes, counting so many for each entry that was read.
const ANSWER_BYTES_MAX: u64 = 2 << 20;
/// What reading an entry counts for beside what is given of it.
const ENTRY_BYTES: u64 = 512;

/// Gives the openings of some entries, as far as the caller's party may read them.
#[utoipa::path(get, path = "/openings", tag = "parties",
    params(
        ("from" = u64, Query, description = "Position of the first entry"),
        ("limit" = u64, Query, description = "How many entries; the server gives at most what it is configured to, and ends an answer of some MiB early"),
        ("purpose" = Option<String>, Query, description = "Why they are read, for the record of it: a code of access_purpose; `audit` if absent")),
    security(("signature" = [])),
    responses(
        (status = 200, description = "One line an entry that has hidden values (FORMAT.md 5.4), with those withheld that are for others; sealed ones stay sealed. The log has recorded first who gets them, where anything hidden is given; at most once a key, purpose and minute. `Content-Range: entries <first>-<last>/<published>` says of which entries.", body = String, content_type = "application/jsonl"),
        (status = 400, description = "No such numbers", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "Not signed, or the signature was not accepted", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 404, description = "Beyond what is published", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 405, description = "HEAD: what is read is recorded, so ask with GET", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "This key is reading openings already: ask again after Retry-After", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "Many read openings: ask again after Retry-After", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 501, description = "This server does not record readings", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn openings(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    if parts.method == Method::HEAD {
        return Err(readings::not_by_head());
    }
    let query = Query::parse(parts.uri.query(), &["from", "limit", "purpose"])?;
    let (from, limit) = (query.number("from")?, query.number("limit")?);
    let purpose = readings::purpose(&query)?;
    Parts::to_the_end(read(app, parts, from, limit, purpose)).await
}

async fn read(app: App, parts: request::Parts, from: u64, limit: u64, purpose: String) -> Result<Response, Problem> {
    let present = caller::caller(&app, &parts, Purpose::Read).await?;
    let records = app.readings.clone().ok_or_else(readings::not_offered)?;
    let size = app.size();
    if from >= size || limit == 0 {
        let detail = format!("from must be below {size}, the entries that are published, and limit above 0");
        return Err(Problem::new(if limit == 0 { Kind::BadRequest } else { Kind::NotPublished }, detail));
    }
    let count = limit.min(app.config.readings.openings_max).min(size - from);
    let caller = present.caller.get().clone();
    let audience = Audience::of(&caller.holder.party, Some(caller.role));
    let _of_key = app.openings_of_key.enter(&caller.key, OPENINGS_OF_KEY_MAX).ok_or_else(|| {
        let detail = "openings are being read for this key already: wait for them";
        Problem::new(Kind::TooFast, detail).after(2)
    })?;
    let _waits = app.openings_waiting.try_acquire().map_err(|_| {
        let detail = "many are reading openings: ask again in a moment";
        Problem::new(Kind::Busy, detail).after(2)
    })?;
    let _place = app.openings.acquire().await.map_err(|_| Problem::internal())?;
    let (text, rows, count) = app.on_disk(move |app| lines(app, &audience, from, count)).await?;
    let what = What::Openings { from, to: from + count };
    // Where nothing hidden is given, there is nothing to record.
    if rows > 0 {
        let record = move |writer: &mut Writer| records.record(writer, &caller, &purpose, rows, &what);
        app.sequencer.with(record).await??;
    }
    let range = format!("entries {from}-{}/{size}", from + count - 1);
    let head =
        [(header::CONTENT_TYPE, JSONL), (header::CACHE_CONTROL, "no-store"), (header::CONTENT_RANGE, range.as_str())];
    Ok((head, text).into_response())
}

/// The lines that an audience may have, of how many entries it gets a value, and of how many entries they are: what would
/// be too long ends after the line that makes it so.
fn lines(app: &Parts, audience: &Audience, from: u64, count: u64) -> Result<(String, u64, u64), Problem> {
    let (mut text, mut rows, mut read) = (String::new(), 0, 0);
    for position in from..from + count {
        if read > 0 && text.len() as u64 + read * ENTRY_BYTES > ANSWER_BYTES_MAX {
            break;
        }
        read += 1;
        let Some(line) = app.reader.vault().line(position)?.filter(|line| !line.is_empty()) else { continue };
        let line = OpeningLine::parse(&line).map_err(|_| Problem::internal())?;
        let entry = Entry::reread(&app.reader.entry(position)?).map_err(|_| Problem::internal())?;
        let limited = audience.limit(&entry.signed, line);
        rows += u64::from(limited.slots.iter().any(|slot| matches!(slot, Slot::Open(_) | Slot::Sealed(_))));
        text.push_str(&limited.to_json());
        text.push('\n');
    }
    Ok((text, rows, read))
}
