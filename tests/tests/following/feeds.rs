//! One log, three ways to get it: the same state digest at the same position.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use projector::live::http::Http;
use projector::live::tiles::Tiles;
use projector::serve::follow::Step;
use schemas::base;
use tests::forge::Pages;
use tests::memory::Memory;
use verifier::bundle::Source as _;
use verifier::files::Folder;

use crate::common::{Changing, LOG, Projector, WORLD, at, digests, sizes};

/// What a ledger says by server-sent events from a position on, and the end of the line.
fn events(bundle: &Memory, from: u64) -> String {
    let mut text = ": welcome\n\n".to_owned();
    let kept = sizes(bundle);
    for (position, entry) in (0..).zip(&Pages::of(bundle).entries).skip(from as usize) {
        let _ = write!(text, "event: entry\nid: {position}\ndata: {}\n\n", base::to_base64(entry));
        if kept.contains(&(position + 1)) {
            let note = bundle.get(&format!("checkpoints/{}", position + 1));
            let _ = write!(text, "event: checkpoint\ndata: {}\n\n", base::to_base64(note));
        }
    }
    text
}

/// What the server says: files as they are now, and the stream of another log that may be longer already.
#[derive(Clone)]
struct Says {
    files: Changing,
    stream: Option<Arc<dyn Fn(u64) -> String + Send + Sync>>,
}

async fn file(State(says): State<Says>, uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/').to_owned();
    match says.files.clone().read(&path) {
        Ok(Some(bytes)) => bytes.into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn feed(State(says): State<Says>, uri: Uri) -> Response {
    let from = uri.query().and_then(|query| query.strip_prefix("from=")?.parse().ok()).unwrap_or_default();
    match &says.stream {
        Some(stream) => ([(header::CONTENT_TYPE, "text/event-stream")], stream(from)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// A real server on a free port, until the end of the test.
fn serve(says: Says) -> SocketAddr {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            send.send(listener.local_addr().unwrap()).unwrap();
            let routes = Router::new().route("/feed", get(feed)).fallback(file).with_state(says);
            axum::serve(listener, routes).await.unwrap();
        });
    });
    receive.recv().unwrap()
}

#[test]
fn a_folder_gives_the_digest_of_every_size_and_of_the_whole_at_once() {
    let want = digests(&LOG.bundle);
    assert!(want.len() > 3, "several checkpoints were kept");
    let bundle = tempfile::tempdir().unwrap();
    LOG.bundle.store(bundle.path()).unwrap();
    let state = tempfile::tempdir().unwrap();
    let mut projector = Projector::open(state.path(), &WORLD.policy);
    let mut feed = Tiles::new(Folder::new(bundle.path()), "bundle");
    assert_eq!(projector.all(&mut feed), Step::Idle);
    assert_eq!(projector.digest(), *want.last().unwrap());
    // Another start folds the copy anew and asks for nothing.
    drop(projector);
    let mut projector = Projector::open(state.path(), &WORLD.policy);
    assert_eq!(projector.digest(), *want.last().unwrap());
}

#[test]
fn an_address_with_a_stream_gives_them_too() {
    let want = digests(&LOG.bundle);
    let kept = sizes(&LOG.bundle);
    let files = Changing::new(at(&LOG.bundle, kept[0]));
    let all = Arc::new(|from| events(&LOG.bundle, from));
    let address = serve(Says { files, stream: Some(all) });
    let state = tempfile::tempdir().unwrap();
    let mut projector = Projector::open(state.path(), &WORLD.policy);
    let mut feed = Http::new(&format!("http://{address}/"));
    // The files are those of the first checkpoint for ever: everything else can only have come by the stream.
    assert_eq!(projector.step(&mut feed), Step::Advanced);
    let mut got = vec![projector.digest()];
    while got.len() < want.len() {
        match projector.follow.step(&mut feed, Duration::from_secs(20)).unwrap() {
            Step::Advanced => got.push(projector.digest()),
            other => panic!("{other:?} after {} entries", projector.follow.size()),
        }
    }
    assert_eq!(got, want);
}

#[test]
fn an_address_without_a_stream_is_asked_for_its_files() {
    let files = Changing::new(LOG.bundle.clone());
    let address = serve(Says { files, stream: None });
    let state = tempfile::tempdir().unwrap();
    let mut projector = Projector::open(state.path(), &WORLD.policy);
    let mut feed = Http::new(&format!("http://{address}"));
    assert_eq!(projector.step(&mut feed), Step::Advanced);
    assert_eq!(projector.step(&mut feed), Step::Idle);
    assert_eq!(projector.follow.step(&mut feed, Duration::from_millis(1)).unwrap(), Step::Idle);
    assert_eq!(projector.digest(), *digests(&LOG.bundle).last().unwrap());
}

/// What becomes of the words of a server.
type Bend = fn(String) -> String;

#[test]
fn a_stream_that_is_damaged_takes_nothing_along() {
    let want = digests(&LOG.bundle);
    let kept = sizes(&LOG.bundle);
    let (first, second) = (kept[0], kept[1]);
    let good = move |from| events(&at(&LOG.bundle, second), from);
    let cases: [(&str, Bend); 6] = [
        ("an entry is missing", |text| text.replacen("event: entry", "event: other", 1)),
        ("an entry has another number", |text| text.replacen("id: ", "id: 9", 1)),
        ("a message is no base64", |text| text.replacen("data: ", "data: !", 1)),
        ("a message is too long", |text| text.replacen("data: ", &format!("data: {}", "A".repeat(140_000)), 1)),
        ("an entry is another", |text| {
            let (before, rest) = text.split_once("data: ").unwrap();
            let (entry, after) = rest.split_once('\n').unwrap();
            let mut bytes = base::from_base64(entry).unwrap();
            bytes[150] ^= 1;
            format!("{before}data: {}\n{after}", base::to_base64(&bytes))
        }),
        ("the checkpoint comes too early", |text| {
            let (entries, checkpoint) = text.split_at(text.find("event: checkpoint").unwrap());
            format!("{checkpoint}{entries}")
        }),
    ];
    for (name, bend) in cases {
        let files = Changing::new(at(&LOG.bundle, first));
        let stream = Arc::new(move |from| bend(good(from)));
        let address = serve(Says { files: files.clone(), stream: Some(stream) });
        let state = tempfile::tempdir().unwrap();
        let mut projector = Projector::open(state.path(), &WORLD.policy);
        let mut feed = Http::new(&format!("http://{address}"));
        assert_eq!(projector.step(&mut feed), Step::Advanced, "{name}");
        let step = projector.follow.step(&mut feed, Duration::from_secs(20)).unwrap();
        assert!(matches!(step, Step::Troubled(_)), "{name}: {step:?}");
        assert_eq!(projector.digest(), want[0], "{name}");
        // The files have it whole, and are asked next.
        files.set(at(&LOG.bundle, second));
        assert_eq!(projector.step(&mut feed), Step::Advanced, "{name}");
        assert_eq!(projector.digest(), want[1], "{name}");
    }
}
