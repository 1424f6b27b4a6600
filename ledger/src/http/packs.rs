//! Packs: every record of one stream with the proof that there is no other. FORMAT.md 14.2.

use axum::extract::{Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use schemas::catalogue::Role;

use super::app::App;
use super::caller::{self, Present, Purpose};
use super::problem::{Kind, Problem, ProblemDetails};
use super::query::{Query, number};
use super::readings;
use crate::pack::{self, BadRequest};
use crate::writer::Writer;

/// Most older sizes that one pack is proven from.
const SINCE_MAX: usize = 16;
/// Records in a pack that is made over HTTP; whoever needs more takes the bundle.
const RECORDS_MAX: usize = 20_000;
/// Media type: JSON Lines.
const PACK: &str = "application/jsonl";

/// Makes a pack.
#[utoipa::path(get, path = "/packs", tag = "parties",
    params(
        ("stream" = String, Query, description = "Name of the stream, such as organisation/cso-league"),
        ("audience" = String, Query, description = "`public`, to anyone; `oversight`, signed by an oversight body; a party, signed by it"),
        ("since" = Option<Vec<u64>>, Query, description = "Sizes of older packs or checkpoints that the reader holds"),
        ("purpose" = Option<String>, Query, description = "Why hidden values are read, for the record of it: a code of access_purpose; `audit` if absent")),
    security((), ("signature" = [])),
    responses(
        (status = 200, description = "The pack; for a party or oversight the log has recorded first that it got it", body = String, content_type = "application/jsonl"),
        (status = 202, description = "No witness has seen this log yet", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 400, description = "No such stream name, audience or size", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "Not signed, or the signature was not accepted", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "Signed by another than the audience", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 413, description = "More records than one pack over HTTP holds: take the bundle", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 501, description = "This server does not record readings", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn pack(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let query = Query::parse(parts.uri.query(), &["stream", "audience", "since", "purpose"])?;
    let (stream, audience) = (query.one("stream")?.to_owned(), query.one("audience")?.to_owned());
    let since = query.all("since").map(|text| number("since", text)).collect::<Result<Vec<_>, _>>()?;
    if since.len() > SINCE_MAX {
        return Err(Problem::new(Kind::BadRequest, format!("since is there more than {SINCE_MAX} times")));
    }
    let purpose = query.maybe("purpose")?.unwrap_or("audit").to_owned();
    let present = match audience.as_str() {
        "public" => None,
        _ => Some(caller::caller(&app, &parts, Purpose::Read).await?),
    };
    if let Some(present) = &present {
        allowed(present, &audience)?;
        if app.readings.is_none() {
            return Err(readings::not_offered());
        }
    }
    let _place = app.packs.acquire().await.map_err(|_| Problem::internal())?;
    // What cannot be given is not recorded as given.
    if present.is_some() {
        let (stream, audience, since) = (stream.clone(), audience.clone(), since.clone());
        let try_it = move |writer: &mut Writer| {
            let request = pack::Request { stream: &stream, audience: &audience, since: &since, statements: &[] };
            pack::ground(writer, &request).map_err(bad)
        };
        let ground = app.sequencer.with(try_it).await??;
        if ground.records() <= RECORDS_MAX {
            app.on_disk(move |app| ground.fill(&app.reader).map(drop).map_err(bad)).await?;
        }
    }
    let reader = present.as_ref().map(|present| present.caller.get().clone());
    let records = app.readings.clone();
    let make = move |writer: &mut Writer| -> Result<pack::Ground, Problem> {
        let request = pack::Request { stream: &stream, audience: &audience, since: &since, statements: &[] };
        let ground = pack::ground(writer, &request).map_err(bad)?;
        let rows = ground.records();
        if rows > RECORDS_MAX {
            let detail =
                format!("the stream has more than {RECORDS_MAX} records: take the bundle, or ask the ledger's office");
            return Err(Problem::new(Kind::TooLarge, detail));
        }
        let (Some(reader), Some(records)) = (reader, records) else { return Ok(ground) };
        records.record(writer, &reader.holder, reader.role, &purpose, rows as u64)?;
        // The record stands under the pack's own checkpoint where nothing waits for witnesses.
        pack::ground(writer, &request).map_err(bad)
    };
    let ground = app.sequencer.with(make).await??;
    let text = app.on_disk(move |app| Ok(ground.fill(&app.reader).map_err(bad)?.to_text())).await?;
    Ok(([(header::CONTENT_TYPE, PACK), (header::CACHE_CONTROL, "no-store")], text).into_response())
}

/// Whether the caller is the audience.
fn allowed(present: &Present, audience: &str) -> Result<(), Problem> {
    let caller = present.caller.get();
    let own = caller.holder.party == audience;
    if own || (audience == "oversight" && caller.role == Role::Oversight) {
        return Ok(());
    }
    let detail = "a pack with hidden values is for its audience alone: sign with a key of that party, or ask for the \
                  audience public";
    Err(Problem::new(Kind::NotYours, detail))
}

fn bad(why: BadRequest) -> Problem {
    match why {
        BadRequest::Failure(why) => why.into(),
        other => Problem::new(Kind::BadRequest, other.to_string()),
    }
}
