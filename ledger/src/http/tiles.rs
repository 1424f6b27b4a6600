//! The published log as static files: C2SP tlog-tiles, and the side files of a bundle (FORMAT.md 13).

use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use schemas::hash::Hash;
use schemas::tile::{self, Tile};

use super::app::App;
use super::problem::{Kind, Problem, ProblemDetails};
use super::query::number;
use crate::files;
use crate::writer::DOCUMENT_BYTES_MAX;

/// For what never changes. C2SP tlog-tiles.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For what may be another in a moment.
const ASK_AGAIN: &str = "no-cache";
/// For what changes rarely.
const A_WHILE: &str = "public, max-age=300";
/// Media type of notes and texts.
const TEXT: &str = "text/plain; charset=utf-8";
/// Media type of tiles.
const BYTES: &str = "application/octet-stream";
/// Highest level of a tile: 2^64 entries need no higher one.
const LEVEL_MAX: u64 = 7;

/// The newest published checkpoint, with its cosignatures.
#[utoipa::path(get, path = "/checkpoint", tag = "log", responses(
    (status = 200, description = "C2SP tlog-checkpoint; to be asked for again each time", body = String, content_type = "text/plain"),
    (status = 202, description = "No witness has seen any yet", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn checkpoint(State(app): State<App>) -> Result<Response, Problem> {
    Ok(file(TEXT, ASK_AGAIN, app.checkpoint()?.1.to_text()))
}

/// A kept checkpoint.
#[utoipa::path(get, path = "/checkpoints/{size}", tag = "log",
    params(("size" = u64, Path, description = "Entries under it")),
    responses(
        (status = 200, description = "C2SP tlog-checkpoint", body = String, content_type = "text/plain"),
        (status = 404, description = "None was signed at that size, or it is not published", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn checkpoints(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let size = number("the size", last_part(&uri))?;
    if size > app.size() {
        return Err(beyond());
    }
    let note = app.on_disk(move |app| Ok(app.reader.checkpoint(size)?)).await?;
    let none = || Problem::new(Kind::Unknown, format!("no checkpoint was signed at {size} entries"));
    Ok(file(TEXT, A_WHILE, note.ok_or_else(none)?.to_text()))
}

/// A tile of hashes or a bundle of entries.
#[utoipa::path(get, path = "/tile/{level}/{index}", tag = "log",
    params(
        ("level" = String, Path, description = "Level of the tile, or `entries`"),
        ("index" = String, Path, description = "Index in groups of three digits, as `x001/067`, with `.p/<width>` where the tile is not full; its slashes are not escaped")),
    responses(
        (status = 200, description = "C2SP tlog-tiles; never changes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "Not published, or no such path", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn tile(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let form = "a tile is at /tile/<level>/<index> or /tile/entries/<index>, with .p/<width> where it is not full, \
                each number in its one spelling (C2SP tlog-tiles)";
    let path = uri.path().strip_prefix("/tile/").unwrap_or_default();
    let tile = parse(path).ok_or_else(|| Problem::new(Kind::NoSuchPath, form))?;
    if !is_under(tile, app.size()) {
        return Err(beyond());
    }
    let bytes = match tile.level {
        Some(_) => app.reader.tile(tile)?,
        None => app.on_disk(move |app| Ok(app.reader.tile(tile)?)).await?,
    };
    Ok(file(BYTES, FOR_EVER, bytes.ok_or_else(beyond)?))
}

/// The policy that the ledger's operator shows; who verifies holds one from elsewhere.
#[utoipa::path(get, path = "/policy", tag = "log", responses(
    (status = 200, description = "C2SP tlog-policy", body = String, content_type = "text/plain")))]
pub async fn policy(State(app): State<App>) -> Response {
    file(TEXT, A_WHILE, app.policy.clone())
}

/// An adopted catalogue or profile.
#[utoipa::path(get, path = "/documents/{digest}", tag = "log",
    params(("digest" = String, Path, description = "SHA-256 of its bytes, hex")),
    responses(
        (status = 200, description = "The document; never changes", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "No such document", body = ProblemDetails, content_type = "application/problem+json")))]
pub async fn document(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let bad = || Problem::new(Kind::BadRequest, "a document is named by 64 hex digits: the SHA-256 of its bytes");
    let digest = Hash::from_hex(last_part(&uri)).ok_or_else(bad)?;
    let read = move |app: &super::app::Parts| {
        Ok(files::read(&app.reader.home().documents().join(digest.to_hex()), DOCUMENT_BYTES_MAX)?)
    };
    let none = || Problem::new(Kind::Unknown, "no document of that digest was adopted");
    Ok(file(BYTES, FOR_EVER, app.on_disk(read).await?.ok_or_else(none)?))
}

/// The page that verifies without a network.
#[utoipa::path(get, path = "/verify.html", tag = "log", responses(
    (status = 200, description = "One file; save it, and open it from the disk", body = String, content_type = "text/html")))]
pub async fn page() -> Response {
    file("text/html; charset=utf-8", A_WHILE, verifier::PAGE)
}

fn file(kind: &'static str, cache: &'static str, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    // The log is public: any page may read it.
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn beyond() -> Problem {
    Problem::new(Kind::NotPublished, "it is beyond the published checkpoint: read /checkpoint, and ask up to its size")
}

fn last_part(uri: &Uri) -> &str {
    uri.path().rsplit('/').next().unwrap_or_default()
}

/// The tile that a path names; only the one spelling.
fn parse(path: &str) -> Option<Tile> {
    let (level, rest) = path.split_once('/')?;
    let level = match level {
        "entries" => None,
        number => Some(schemas::base::from_decimal(number).filter(|l| *l <= LEVEL_MAX)? as u8),
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, schemas::base::from_decimal(width)?),
        None => (rest, tile::TILE_WIDTH),
    };
    let tile = Tile { level, index: tile::index_of(index)?, width };
    let good = (1..=tile::TILE_WIDTH).contains(&width) && tile.path().strip_prefix("tile/") == Some(path);
    good.then_some(tile)
}

/// Whether all of a tile is under a checkpoint of that size.
fn is_under(tile: Tile, size: u64) -> bool {
    let items = size.checked_shr(8 * u32::from(tile.level.unwrap_or(0))).unwrap_or(0);
    let end = tile.index.checked_mul(tile::TILE_WIDTH).and_then(|first| first.checked_add(tile.width));
    end.is_some_and(|end| end <= items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_have_one_spelling() {
        for (path, want) in [
            ("0/000", Some((Some(0), 0, 256))),
            ("0/000.p/7", Some((Some(0), 0, 7))),
            ("2/x001/067.p/255", Some((Some(2), 1_067, 255))),
            ("entries/x001/x234/067", Some((None, 1_234_067, 256))),
            ("entries/000.p/1", Some((None, 0, 1))),
            ("0/000.p/256", None),
            ("0/000.p/0", None),
            ("0/000.p/07", None),
            ("0/0", None),
            ("00/000", None),
            ("8/000", None),
            ("-1/000", None),
            ("0/x000/000", None),
            ("0/000/", None),
            ("0//000", None),
            ("0/../0/000", None),
            ("entries/%30%30%30", None),
            ("Entries/000", None),
            ("0/000.p/1.p/1", None),
            ("0/x018/x446/x744/x073/x709/x551/616", None),
            ("0", None),
            ("", None),
        ] {
            let got = parse(path).map(|t| (t.level, t.index, t.width));
            assert_eq!(got, want, "{path:?}");
        }
    }

    #[test]
    fn only_what_is_published_is_shown() {
        for (path, size, want) in [
            ("0/000", 256, true),
            ("0/000", 255, false),
            ("0/000.p/7", 7, true),
            ("0/000.p/7", 6, false),
            ("entries/001.p/1", 257, true),
            ("entries/001.p/1", 256, false),
            ("1/000.p/1", 256, true),
            ("1/000.p/1", 255, false),
            ("7/000.p/1", u64::MAX, true),
            ("0/x072/x057/x594/x037/x927/936", u64::MAX, false),
        ] {
            assert_eq!(parse(path).is_some_and(|tile| is_under(tile, size)), want, "{path} {size}");
        }
    }
}
