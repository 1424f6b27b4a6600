//! Packs: every record of one stream with the proof that there is no other. FORMAT.md 14.2.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{Method, header, request};
use axum::response::{IntoResponse, Response};
use schemas::catalogue::Role;
use schemas::hash::Hash;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::app::{App, Parts};
use super::caller::{self, Present, Purpose};
use super::limits::Counts;
use super::listen::Peer;
use super::problem::{Kind, Problem, ProblemDetails};
use super::query::{Query, number};
use super::readings::{self, What};
use crate::pack::{self, BadRequest};
use crate::writer::Writer;

/// Most older sizes that one pack is proven from.
const SINCE_MAX: usize = 16;
/// Records in a pack that is made over HTTP; whoever needs more takes the bundle.
const RECORDS_MAX: usize = 20_000;
/// Packs with hidden values that one key has or waits for at a time: fewer than there are places, so that one is always
/// another's.
const PACKS_OF_KEY_MAX: usize = 1;
/// Public packs that one address waits for at a time: a few addresses do not fill the line.
const PACKS_OF_ADDRESS_MAX: usize = 2;
/// What a pack that is kept takes beside its bytes.
const KEPT_BYTES: usize = 256;
/// How long a pack is good for whoever would have to wait for a newer one.
const RECENT: Duration = Duration::from_secs(10);
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
        (status = 200, description = "The pack; for a party or oversight the log has recorded first that it got it, at most once a key, stream, purpose and minute", body = String, content_type = "application/jsonl"),
        (status = 202, description = "No witness has seen this log yet", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 400, description = "No such stream name, audience or size", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 401, description = "Not signed, or the signature was not accepted", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 403, description = "Signed by another than the audience", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 413, description = "More records than one pack over HTTP holds: take the bundle", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 405, description = "HEAD for a pack with hidden values", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 429, description = "A pack with hidden values is being made for this key already: ask again after Retry-After", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "Many public packs are being made: ask again after Retry-After", body = ProblemDetails, content_type = "application/problem+json"),
        (status = 501, description = "This server does not record readings", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn pack(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let peer = Peer::of(&parts.extensions).network;
    let query = Query::parse(parts.uri.query(), &["stream", "audience", "since", "purpose"])?;
    let (stream, audience) = (query.one("stream")?.to_owned(), query.one("audience")?.to_owned());
    let since = query.all("since").map(|text| number("since", text)).collect::<Result<Vec<_>, _>>()?;
    if since.len() > SINCE_MAX {
        return Err(Problem::new(Kind::BadRequest, format!("since is there more than {SINCE_MAX} times")));
    }
    let purpose = readings::purpose(&query)?;
    if audience == "public" {
        let made = Parts::to_the_end(async move { public(&app, stream, since, peer).await });
        return Ok(answer(made.await?));
    }
    if parts.method == Method::HEAD {
        return Err(readings::not_by_head());
    }
    let asked = Asked { stream, audience, since, purpose };
    Ok(answer(Parts::to_the_end(signed(app, parts, asked)).await?))
}

/// A pack with hidden values, as it is asked for.
struct Asked {
    stream: String,
    audience: String,
    since: Vec<u64>,
    purpose: String,
}

async fn signed(app: App, parts: request::Parts, asked: Asked) -> Result<Bytes, Problem> {
    let Asked { stream, audience, since, purpose } = asked;
    let present = caller::caller(&app, &parts, Purpose::Read).await?;
    allowed(&present, &audience)?;
    let records = app.readings.clone().ok_or_else(readings::not_offered)?;
    let caller = present.caller.get().clone();
    // Whoever waits in line waits for one of each other key at most.
    let _of_key = app.packs_of_key.enter(&caller.key, PACKS_OF_KEY_MAX).ok_or_else(|| {
        let detail = "a pack is being made for this key already: wait for it";
        Problem::new(Kind::TooFast, detail).after(2)
    })?;
    let _place = app.packs.acquire().await.map_err(|_| Problem::internal())?;
    // What cannot be given is not recorded as given. Where a record stands, nothing is made twice.
    let stands = records.stands(&caller, &purpose, &stream);
    if !stands {
        let ground = lay(&app, &stream, &audience, &since).await?;
        app.on_disk(move |app| ground.fill(&app.reader).map(drop).map_err(bad)).await?;
    }
    let make = move |writer: &mut Writer| -> Result<pack::Ground, Problem> {
        let request = pack::Request { stream: &stream, audience: &audience, since: &since, statements: &[] };
        let ground = pack::ground(writer, &request).map_err(bad)?;
        let rows = few(&ground)? as u64;
        records.record(writer, &caller, &purpose, rows, &What::Pack(&stream))?;
        if stands {
            return Ok(ground);
        }
        // The record stands under the pack's own checkpoint where nothing waits for witnesses.
        pack::ground(writer, &request).map_err(bad)
    };
    let ground = app.sequencer.with(make).await??;
    let text = app.on_disk(move |app| Ok(ground.fill(&app.reader).map_err(bad)?.to_text())).await?;
    Ok(text.into())
}

fn answer(pack: Bytes) -> Response {
    ([(header::CONTENT_TYPE, PACK), (header::CACHE_CONTROL, "no-store")], pack).into_response()
}

/// What only the writer knows of a pack that is not too long.
async fn lay(app: &App, stream: &str, audience: &str, since: &[u64]) -> Result<pack::Ground, Problem> {
    let (stream, audience, since) = (stream.to_owned(), audience.to_owned(), since.to_vec());
    let lay = move |writer: &mut Writer| {
        let request = pack::Request { stream: &stream, audience: &audience, since: &since, statements: &[] };
        pack::ground(writer, &request).map_err(bad)
    };
    let ground = app.sequencer.with(lay).await??;
    few(&ground)?;
    Ok(ground)
}

/// How many records a pack will hold; a problem if they are too many.
fn few(ground: &pack::Ground) -> Result<usize, Problem> {
    let rows = ground.records();
    if rows <= RECORDS_MAX {
        return Ok(rows);
    }
    let detail = format!("the stream has more than {RECORDS_MAX} records: take the bundle, or ask the ledger's office");
    Err(Problem::new(Kind::TooLarge, detail))
}

/// Packs for anyone: one is made at a time, few wait for it, and what was made is kept until the log grows; where others wait
/// already, whoever asks gets one that is a moment old.
pub struct PublicPacks {
    place: Semaphore,
    waiting: Semaphore,
    of_address: Counts<IpAddr>,
    kept: Mutex<Kept>,
    kept_bytes_max: usize,
}

/// A pack that was made.
struct Made {
    checkpoint: Hash,
    at: Instant,
    pack: Bytes,
}

/// Packs of the last moments.
#[derive(Default)]
struct Kept {
    packs: HashMap<(String, Vec<u64>), Made>,
    bytes: usize,
}

impl Kept {
    /// What a pack takes.
    fn weight(asked: &(String, Vec<u64>), pack: &Bytes) -> usize {
        pack.len() + asked.0.len() + KEPT_BYTES
    }

    fn only(&mut self, stays: impl Fn(&Made) -> bool) {
        self.packs.retain(|_, made| stays(made));
        self.bytes = self.packs.iter().map(|(asked, made)| Self::weight(asked, &made.pack)).sum();
    }
}

impl PublicPacks {
    /// With so many who may wait, and so many bytes of packs that are kept.
    pub fn new(waiting_max: usize, kept_bytes_max: usize) -> Self {
        Self {
            place: Semaphore::new(1),
            waiting: Semaphore::new(waiting_max),
            of_address: Counts::default(),
            kept: Mutex::default(),
            kept_bytes_max,
        }
    }

    fn get(&self, checkpoint: &Hash, asked: &(String, Vec<u64>)) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.packs.get(asked).filter(|made| made.checkpoint == *checkpoint).map(|made| made.pack.clone())
    }

    /// One that may be under an older checkpoint, and is not old.
    fn recent(&self, asked: &(String, Vec<u64>)) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.packs.get(asked).filter(|made| made.at.elapsed() < RECENT).map(|made| made.pack.clone())
    }

    fn keep(&self, checkpoint: Hash, asked: (String, Vec<u64>), pack: &Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let weight = Kept::weight(&asked, pack);
        if kept.packs.contains_key(&asked) || kept.bytes + weight > self.kept_bytes_max {
            kept.packs.remove(&asked);
            kept.only(|made| made.checkpoint == checkpoint || made.at.elapsed() < RECENT);
        }
        // Where they are too many, the newest stays.
        if kept.bytes + weight > self.kept_bytes_max {
            *kept = Kept::default();
        }
        if weight <= self.kept_bytes_max {
            kept.bytes += weight;
            kept.packs.insert(asked, Made { checkpoint, at: Instant::now(), pack: pack.clone() });
        }
    }
}

/// The published checkpoint by its digest, cosignatures included.
fn under(app: &App) -> Result<Hash, Problem> {
    Ok(Hash::of(&[app.checkpoint()?.1.to_text().as_bytes()]))
}

/// The pack of a stream for anyone.
async fn public(app: &App, stream: String, since: Vec<u64>, peer: IpAddr) -> Result<Bytes, Problem> {
    let packs = &app.public_packs;
    let asked = (stream, since);
    if let Some(pack) = packs.get(&under(app)?, &asked) {
        return Ok(pack);
    }
    let busy = || {
        let detail = "many public packs are being made: ask again in a moment, or take the bundle";
        Problem::new(Kind::Busy, detail).after(2)
    };
    // Whoever finds somebody at work takes what was made a moment ago, under whichever checkpoint.
    if packs.place.available_permits() == 0
        && let Some(pack) = packs.recent(&asked)
    {
        return Ok(pack);
    }
    let _of_address = packs.of_address.enter(&peer, PACKS_OF_ADDRESS_MAX).ok_or_else(busy)?;
    let _waits = packs.waiting.try_acquire().map_err(|_| busy())?;
    let _place = packs.place.acquire().await.map_err(|_| Problem::internal())?;
    // It may have been made meanwhile.
    let checkpoint = under(app)?;
    if let Some(pack) = packs.get(&checkpoint, &asked) {
        return Ok(pack);
    }
    let ground = lay(app, &asked.0, "public", &asked.1).await?;
    let text = app.on_disk(move |app| Ok(ground.fill(&app.reader).map_err(bad)?.to_text())).await?;
    let pack = Bytes::from(text);
    packs.keep(checkpoint, asked, &pack);
    Ok(pack)
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
