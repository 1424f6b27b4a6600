//! What readers get from the real program: pages, state, and what is wrong on top of every page.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use projector::digest::VIEWS_VERSION;
use projector::lens::Audience;
use projector::live::{Disturbed, Go, Live};
use projector::serve::book::Book;
use projector::serve::follow::StateFolder;
use projector::serve::run::Runner;
use projector::serve::shown::Shown;
use schemas::hash::Hash;
use schemas::value::Value;
use tempfile::TempDir;

use crate::common::{LOG, PROFILE, Projector, WORLD, at, digests, forge, sizes};
use crate::program::{Program, ask, get, mirror};

/// A folder with a mirror of the golden log, its policy and openings.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(place.path("policy"), LOG.bundle.get("policy")).unwrap();
        mirror(&LOG.bundle, &place.path("mirror"));
        LOG.openings.store(&place.path("openings")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, more: &[&str]) -> Program {
        let feed = format!("bundle:{}", self.path("mirror").display());
        Program::start(&feed, &self.path("policy"), &self.path("state"), more)
    }
}

fn last() -> u64 {
    *sizes(&LOG.bundle).last().unwrap()
}

const PAGES: [&str; 2] = ["/index.html", "/accountability.html"];

#[test]
fn everyone_gets_the_pages_and_oversight_its_own() {
    let place = Place::new();
    let openings = place.path("openings");
    let openings = openings.to_str().unwrap();
    let program = place.start(&["--openings", openings, "--oversight-listen", "127.0.0.1:0"]);
    let (public, link) = (program.address("listens"), program.address("oversight"));
    let (oversight, open) = link.split_once('/').unwrap();
    let (oversight, open) = (oversight.to_owned(), format!("/{open}"));
    let digest = program.publishes(last());
    assert_eq!(digest, digests(&LOG.bundle).last().unwrap().1.to_hex());
    // The pages of oversight open once, for one browser; everyone else on this machine is turned away.
    // Who only looks at the link has not opened it.
    for method in ["HEAD", "OPTIONS", "POST"] {
        let mut stream = std::net::TcpStream::connect(&oversight).unwrap();
        let text = format!("{method} {open} HTTP/1.1\r\nHost: {oversight}\r\nConnection: close\r\n\r\n");
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(["403", "405"].contains(&&answer[9..12]), "{method}: {answer}");
        assert!(!answer.contains("set-cookie"), "{answer}");
    }
    let entered = get(&oversight, &open);
    assert_eq!(entered.status, 303, "{}", entered.body);
    let line = entered.header("set-cookie").unwrap();
    assert!(line.contains("HttpOnly") && line.contains("SameSite=Strict"), "{line}");
    let cookie = line.split(';').next().unwrap();
    let base = entered.header("location").unwrap().trim_end_matches('/');
    assert!(line.contains(&format!("Path={base};")), "{line}");
    let inside = |path: &str, headers: &[(&str, &str)]| {
        let mut all = vec![("cookie", cookie)];
        all.extend(headers);
        ask(&oversight, &format!("GET {base}{path}"), &all)
    };
    let port = oversight.rsplit_once(':').unwrap().1;
    let by_name = format!("localhost:{port}");
    for (what, path, headers, status) in [
        ("the link again", open.clone(), vec![], 401),
        ("no session", format!("{base}/index.html"), vec![], 401),
        ("no session, the figures", format!("{base}/data/findings.csv"), vec![], 401),
        ("another session", format!("{base}/"), vec![("cookie", "oversight=0000")], 401),
        ("not under its path", "/index.html".to_owned(), vec![("cookie", cookie)], 401),
        ("not under its path", "/state".to_owned(), vec![("cookie", cookie)], 401),
        (
            "a name that was made to point here",
            format!("{base}/"),
            vec![("cookie", cookie), ("host", "evil.example")],
            421,
        ),
        ("another name of this machine", format!("{base}/"), vec![("cookie", cookie), ("host", &by_name)], 421),
        ("a page of another site", format!("{base}/"), vec![("cookie", cookie), ("sec-fetch-site", "cross-site")], 403),
        ("a page of another port", format!("{base}/"), vec![("cookie", cookie), ("sec-fetch-site", "same-site")], 403),
        ("another origin", format!("{base}/"), vec![("cookie", cookie), ("origin", "http://evil.example")], 403),
    ] {
        let answer = ask(&oversight, &format!("GET {path}"), &headers);
        assert_eq!(answer.status, status, "{what}");
        assert!(!answer.body.contains("For oversight only"), "{what}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    }
    for path in PAGES {
        let (page, closed) = (get(&public, path), inside(path, &[]));
        assert_eq!((page.status, closed.status), (200, 200), "{path}");
        assert!(page.body.contains("Everything here follows from what the public log itself prints"), "{path}");
        assert!(!page.body.contains("For oversight only") && !page.body.contains("class=\"notices\""), "{path}");
        assert!(closed.body.contains("For oversight only"), "{path}");
        assert_eq!(closed.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"), "{path}");
    }
    let state = get(&public, "/state").json();
    let text = |name: &str| state.get(name).and_then(Value::as_text).unwrap().to_owned();
    assert_eq!(text("digest"), digest);
    assert_eq!(state.get("position").and_then(Value::as_integer), Some(last() as i64));
    assert_eq!(text("checkpoint").as_bytes(), LOG.bundle.get("checkpoint"));
    assert_eq!(get(&public, "/checkpoint").body, text("checkpoint"));
    let healthy = format!("{{\"notices\":[],\"position\":{},\"status\":\"ok\"}}\n", last());
    assert_eq!(get(&public, "/healthz").body, healthy);
    let metrics = get(&public, "/metrics").body;
    assert!(metrics.contains(&format!("\nprojector_entries {}\n", last())), "{metrics}");
    assert!(metrics.contains("\nprojector_stopped 0\n"), "{metrics}");
    let home = get(&public, "/");
    assert_eq!(home.body, get(&public, "/index.html").body);
    let tag = home.header("etag").unwrap();
    for (line, headers, status) in [
        ("GET /data/findings.csv", vec![], 200),
        ("HEAD /index.html", vec![], 200),
        ("GET /", vec![("if-none-match", tag)], 304),
        ("GET /nothing", vec![], 404),
        ("GET /../book", vec![], 404),
        ("GET /%2e%2e/book", vec![], 404),
        ("GET /evidence/fork.jsonl", vec![], 404),
        ("POST /", vec![], 405),
        ("GET /", vec![("host", "elsewhere.example")], 200),
    ] {
        assert_eq!(ask(&public, line, &headers).status, status, "{line}");
    }
    program.signal("TERM");
    assert_eq!(program.ended(), Some(0));
}

#[test]
fn hidden_values_are_served_to_this_machine_alone() {
    let place = Place::new();
    let openings = place.path("openings");
    let program = place.start(&["--openings", openings.to_str().unwrap(), "--oversight-listen", "0.0.0.0:0"]);
    assert_eq!(program.ended(), Some(2));
}

#[test]
fn a_fork_is_shown_on_every_page_with_its_evidence_and_the_last_pages_stay() {
    let place = Place::new();
    let program = place.start(&[]);
    let address = program.address("listens");
    let digest = program.publishes(last());
    let good = get(&address, "/index.html").body;
    let mut forge = forge();
    let dispute = forge.at("cso-x/visit.disputed/r1");
    forge.records.remove(dispute);
    (0..3).for_each(|_| forge.seal());
    mirror(&forge.build().bundle, &place.path("mirror"));
    assert_eq!(program.tells("stopped").get("kind").and_then(Value::as_text), Some("fault"));
    let shown = |address: &str| {
        for path in PAGES {
            let page = get(address, path);
            assert_eq!(page.status, 200, "{path}");
            for words in ["caught breaking its promise", "two histories", "evidence/fork.jsonl"] {
                assert!(page.body.contains(words), "{path}: {words}");
            }
        }
        // Without what is told on top, the page is the one from before.
        let page = get(address, "/index.html").body;
        let (from, to) = (page.find("<section class=\"notices\"").unwrap(), page.find("</section>").unwrap());
        let rest = format!("{}{}", &page[..from], &page[to + "</section>".len()..]);
        assert!(rest == good, "the page below the notices has changed");
        let health = get(address, "/healthz").json();
        assert_eq!(health.get("status").and_then(Value::as_text), Some("fault"));
        assert_eq!(get(address, "/state").json().get("digest").and_then(Value::as_text), Some(digest.as_str()));
        assert!(get(address, "/metrics").body.contains("\nprojector_stopped 1\n"));
        let proof = get(address, "/evidence/fork.jsonl");
        assert_eq!(proof.status, 200);
        let report = verifier::compare::check_fork(proof.body.as_bytes(), &WORLD.policy);
        assert!(!report.has_fault(), "{:?}", report.faults);
    };
    shown(&address);
    // A new start, and a feed that has thought better of it: what was proven stays.
    drop(program);
    mirror(&LOG.bundle, &place.path("mirror"));
    let program = place.start(&[]);
    let address = program.address("listens");
    program.tells("stopped");
    shown(&address);
}

#[test]
fn an_entry_that_cannot_be_folded_is_on_every_page_until_it_can() {
    let place = Place::new();
    let documents = place.path("mirror").join("documents");
    let hidden = place.path("documents");
    std::fs::rename(&documents, &hidden).unwrap();
    let program = place.start(&[]);
    let address = program.address("listens");
    program.publishes(last());
    let position = forge().at("npm/rule.profile.adopted/r1");
    let named = format!("Entry {position} (rule.profile.adopted)");
    for path in PAGES {
        let page = get(&address, path).body;
        assert!(page.contains(&named) && page.contains("is not at hand"), "{path}");
    }
    let health = get(&address, "/healthz").json();
    let told = &health.get("notices").and_then(Value::as_list).unwrap()[0];
    assert_eq!(told.get("position").and_then(Value::as_integer), Some(position as i64));
    assert_eq!(told.get("type").and_then(Value::as_text), Some("rule.profile.adopted"));
    assert_eq!(health.get("status").and_then(Value::as_text), Some("unfolded"));
    // The document is found, the views are made anew beside, and the notice goes.
    std::fs::rename(&hidden, &documents).unwrap();
    assert_eq!(program.tells("rebuilt").get("same").and_then(Value::as_text), Some("true"));
    program.publishes(last());
    assert!(!get(&address, "/").body.contains(&named));
    assert!(get(&address, "/").body.contains(PROFILE), "the profile counts");
}

#[test]
fn a_rebuild_on_command_comes_to_the_same_digest() {
    let place = Place::new();
    let program = place.start(&[]);
    let address = program.address("listens");
    let digest = program.publishes(last());
    program.signal("HUP");
    assert_eq!(program.tells("rebuilt").get("same").and_then(Value::as_text), Some("true"));
    assert_eq!(program.publishes(last()), digest);
    assert!(get(&address, "/metrics").body.contains("\nprojector_rebuilt_total 1\n"));
}

#[test]
fn a_feed_that_gives_nothing_sound_is_shown_and_heals() {
    let place = Place::new();
    let first = sizes(&LOG.bundle)[1];
    mirror(&at(&LOG.bundle, first), &place.path("mirror"));
    let program = place.start(&[]);
    let address = program.address("listens");
    program.publishes(first);
    let mut bent = LOG.bundle.clone();
    let tile = bent.names().into_iter().rfind(|path| path.starts_with("tile/entries/")).unwrap();
    let end = bent.get(&tile).len();
    bent.flip(&tile, (end - 200) * 8);
    mirror(&bent, &place.path("mirror"));
    program.tells("feed");
    for path in PAGES {
        assert!(get(&address, path).body.contains("does not get the log at the moment"), "{path}");
    }
    assert_eq!(get(&address, "/healthz").json().get("status").and_then(Value::as_text), Some("feed"));
    mirror(&LOG.bundle, &place.path("mirror"));
    assert_eq!(program.publishes(last()), digests(&LOG.bundle).last().unwrap().1.to_hex());
    assert!(!get(&address, "/").body.contains("class=\"notices\""));
}

#[test]
fn a_folder_whose_checkpoint_is_changed_or_another_logs_is_shown_and_heals() {
    let place = Place::new();
    let first = sizes(&LOG.bundle)[1];
    mirror(&at(&LOG.bundle, first), &place.path("mirror"));
    let program = place.start(&[]);
    let address = program.address("listens");
    let digest = program.publishes(first);
    let disturbed = |want: bool, what: &str| {
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while get(&address, "/index.html").body.contains("does not get the log at the moment") != want {
            assert!(std::time::Instant::now() < end, "{what}: it never says {want}");
        }
    };
    let good = LOG.bundle.get("checkpoint");
    let good_text = String::from_utf8(good.to_vec()).unwrap();
    let origin = good_text.lines().next().unwrap();
    for (what, checkpoint) in [
        ("of another log", good_text.replacen(origin, "other.example/log", 1)),
        ("of another size", good_text.replacen(&format!("\n{}\n", last()), &format!("\n{}\n", last() + 1), 1)),
        ("cut", good_text[..good_text.len() / 2].to_owned()),
        ("empty", String::new()),
        ("a web page", "<!DOCTYPE html>".to_owned()),
    ] {
        std::fs::write(place.path("mirror/checkpoint"), &checkpoint).unwrap();
        disturbed(true, what);
        // What was shown stays, and nobody is accused.
        assert_eq!(
            get(&address, "/state").json().get("digest").and_then(Value::as_text),
            Some(digest.as_str()),
            "{what}"
        );
        assert!(!get(&address, "/index.html").body.contains("caught breaking its promise"), "{what}");
        mirror(&at(&LOG.bundle, first), &place.path("mirror"));
        disturbed(false, what);
    }
    mirror(&LOG.bundle, &place.path("mirror"));
    assert_eq!(program.publishes(last()), digests(&LOG.bundle).last().unwrap().1.to_hex());
}

/// A feed that has nothing new and ends the service at the first question.
struct Ends(Arc<Shown>);

impl Live for Ends {
    fn checkpoint(&mut self, _size: u64, _patience: Duration) -> Result<Option<Vec<u8>>, Disturbed> {
        self.0.stop();
        Ok(None)
    }

    fn entries(&mut self, _from: u64, _to: u64, _take: &mut dyn FnMut(&[u8]) -> Go) -> Result<(), Disturbed> {
        Ok(())
    }

    fn document(&mut self, digest: &Hash) -> Result<Option<Vec<u8>>, Disturbed> {
        Ok(Some(LOG.bundle.get(&format!("documents/{}", digest.to_hex())).to_vec()))
    }
}

#[test]
fn pages_of_an_older_program_stay_until_its_own_are_whole() {
    let place = Place::new();
    let state: &Path = &place.path("state");
    let mut projector = Projector::open(state, &WORLD.policy);
    let files = crate::common::Changing::new(LOG.bundle.clone());
    projector.all(&mut files.feed());
    let digest = projector.digest().1;
    let pages = PAGES.map(|path| (path[1..].to_owned(), b"<main id=\"main\" tabindex=\"-1\">old".to_vec()));
    let book = projector.follow.book(pages.into()).unwrap();
    // As a program before this one would have left it.
    Book { views: VIEWS_VERSION - 1, digest: Hash([9; 32]), ..book }.write(state).unwrap();
    drop(projector);
    let folder = StateFolder::open(state).unwrap();
    let shown = Arc::new(Shown::new(state));
    let runner = Runner { folder, policy: WORLD.policy.clone(), openings: None, shown: shown.clone() };
    runner.show_last().unwrap();
    let page = |path: &str| {
        let door = shown.door(Audience::Public);
        assert!(door.ready);
        String::from_utf8(door.file(path).unwrap().bytes.to_vec()).unwrap()
    };
    for path in PAGES {
        let page = page(&path[1..]);
        assert!(page.ends_with("old") && page.contains("are being made anew"), "{page}");
    }
    runner.run(&mut Ends(shown.clone()));
    for path in PAGES {
        let page = page(&path[1..]);
        assert!(!page.contains("old</") && !page.contains("are being made anew"), "{path}");
        assert!(page.starts_with("<!DOCTYPE html>"), "{path}");
    }
    assert_eq!(shown.at().map(|(size, _, digest)| (size, digest)), Some((last(), digest)));
    assert_eq!(Book::read(state).unwrap().unwrap().views, VIEWS_VERSION);
}
