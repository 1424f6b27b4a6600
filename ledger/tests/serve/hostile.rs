//! Every hostile request gets its status, a problem that says what to do, and harms nobody.

use std::net::SocketAddr;

use ledger::clock::Clock;
use verifier::signature::SecretKey;

use crate::common::{Answer, Running, Signing, World, id, lines, request, send};

/// So small that limits are met soon.
const CONFIG: &str = "\
[events]
lines_max = 4
bytes_max = 65536
[requests]
head_bytes_max = 8192
[readings]
openings_max = 8
[rate]
key_requests_burst = 1000
";

/// Others are served as before.
fn others_are_served(server: &Running, world: &mut World, what: &str) {
    assert_eq!(server.get("/healthz").text(), "ok\n", "{what}");
    let parcel = world.attempt("cso-y", "y1");
    let answer = server.post(&world.key("cso-y", "y1"), std::slice::from_ref(&parcel));
    assert_eq!((answer.status, answer.lines()[0]["status"].as_str()), (200, Some("stands")), "{what}");
}

fn check(server: &Running, world: &mut World, table: Vec<(&str, Vec<u8>, u16, &str)>) {
    for (what, bytes, status, problem) in table {
        let answer = send(server.address, &bytes).unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
        assert_eq!(answer.problem(), problem, "{what}");
        assert!(!answer.text().contains(&world.folder.path().display().to_string()), "{what}: no paths of the disk");
        if matches!(status, 429 | 503) {
            assert!(answer.field("retry-after").parse::<u64>().is_ok(), "{what}");
        }
    }
    others_are_served(server, world, "afterwards");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = World::new();
    let server = world.serve(CONFIG);
    let at = server.address;
    let get = |target: &str| request(at, "GET", target, &[], b"");
    let long = "a".repeat(4_000);
    let table = vec![
        ("no such path", get("/nothing"), 404, "no-such-path"),
        ("path trick", get("/tile/../checkpoint"), 404, "no-such-path"),
        ("path trick, escaped", get("/tile/0/%2e%2e/%2e%2e/keys/log.key"), 404, "no-such-path"),
        ("path trick, doubled", get("/tile//0/000"), 404, "no-such-path"),
        ("path trick in a document", get("/documents/..%2f..%2fkeys%2flog.key"), 400, "bad-request"),
        ("path trick in a document, plain", get("/documents/../keys/log.key"), 404, "no-such-path"),
        ("document of no digest", get(&format!("/documents/{}", "0".repeat(64))), 404, "unknown"),
        ("document in capitals", get(&format!("/documents/{}", "A".repeat(64))), 400, "bad-request"),
        ("tile in another spelling", get("/tile/0/0"), 404, "no-such-path"),
        ("tile beyond", get("/tile/0/000"), 404, "not-published"),
        ("tile far beyond", get("/tile/7/x018/x014/x398/x509/x481/983"), 404, "not-published"),
        ("entries beyond", get("/tile/entries/000.p/255"), 404, "not-published"),
        ("checkpoint of no size", get("/checkpoints/x"), 400, "bad-request"),
        ("checkpoint beyond", get("/checkpoints/99999999999"), 404, "not-published"),
        ("receipt of no id", get("/receipts/xyz"), 400, "bad-request"),
        ("receipt of no event", get(&format!("/receipts/{}", "0".repeat(64))), 404, "unknown"),
        ("proof without numbers", get("/proofs/inclusion"), 400, "bad-request"),
        ("proof with a sign", get("/proofs/inclusion?index=-1&size=1"), 400, "bad-request"),
        ("proof twice", get("/proofs/inclusion?index=0&index=1&size=1"), 400, "bad-request"),
        ("proof with something else", get("/proofs/inclusion?index=0&size=1&x=1"), 400, "bad-request"),
        ("proof of nothing", get("/proofs/inclusion?index=1&size=1"), 400, "bad-request"),
        ("proof beyond", get("/proofs/inclusion?index=0&size=18446744073709551615"), 404, "not-published"),
        ("proof backwards", get("/proofs/consistency?from=2&to=1"), 400, "bad-request"),
        ("feed beyond", get("/feed?from=1000000"), 404, "not-published"),
        ("feed from nowhere", get("/feed?from=a"), 400, "bad-request"),
        ("pack without a stream", get("/packs?audience=public"), 400, "bad-request"),
        ("pack of no stream", get("/packs?audience=public&stream=x"), 400, "bad-request"),
        ("pack of a bad stream", get("/packs?audience=public&stream=a%0ab/c"), 400, "bad-request"),
        ("pack since later", get("/packs?audience=public&stream=organisation/cso-x&since=99999"), 400, "bad-request"),
        ("query that is not escaped", get("/packs?stream=%zz&audience=public"), 400, "bad-request"),
        ("openings unsigned", get("/openings?from=0&limit=1"), 401, "unsigned"),
        ("pack of a party, unsigned", get("/packs?stream=organisation/cso-x&audience=cso-x"), 401, "unsigned"),
        ("wrong method", request(at, "DELETE", "/checkpoint", &[], b""), 405, "method"),
        ("wrong method", request(at, "GET", "/events", &[], b""), 405, "method"),
        ("unknown method", request(at, "BREW", "/checkpoint", &[], b""), 405, "method"),
        (
            "events unsigned",
            request(at, "POST", "/events", &[("Content-Type", "application/jsonl")], b"{}\n"),
            401,
            "unsigned",
        ),
        (
            "events of another type",
            request(at, "POST", "/events", &[("Content-Type", "text/csv")], b"a,b\n"),
            415,
            "media-type",
        ),
        ("events of no type", request(at, "POST", "/events", &[], b"{}\n"), 415, "media-type"),
        (
            "events compressed",
            request(
                at,
                "POST",
                "/events",
                &[("Content-Type", "application/jsonl"), ("Content-Encoding", "gzip")],
                b"x",
            ),
            415,
            "media-type",
        ),
        (
            "a body that says it is endless",
            request(
                at,
                "POST",
                "/events",
                &[("Content-Type", "application/jsonl"), ("Content-Length", "99999999999")],
                b"",
            ),
            413,
            "too-large",
        ),
        ("huge header", request(at, "GET", "/checkpoint", &[("X-Long", &long.repeat(4))], b""), 431, ""),
        ("many headers", request(at, "GET", "/checkpoint", &[("X", "y"); 200], b""), 431, ""),
        ("huge target", get(&format!("/packs?stream={}", long.repeat(20))), 431, ""),
        ("not HTTP", b"hello\r\n\r\n".to_vec(), 400, ""),
        ("header with a hole", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n".to_vec(), 400, ""),
        ("no name", b"GET /checkpoint HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(), 400, "bad-request"),
        (
            "two names",
            b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n".to_vec(),
            400,
            "bad-request",
        ),
        (
            "two lengths",
            b"POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_vec(),
            400,
            "",
        ),
    ];
    // What hyper itself refuses has no body of ours; it may say 414 where the target alone is too long.
    let table = table.into_iter().map(|(what, bytes, status, problem)| {
        let status =
            if what == "huge target" { send(at, &bytes).map_or(431, |answer: Answer| answer.status) } else { status };
        assert!(matches!(status, 400..=431), "{what}");
        (what, bytes, status, problem)
    });
    check(&server, &mut world, table.collect());
}

#[test]
fn signatures_are_good_once_for_one_request_by_a_key_in_force() {
    let mut world = World::new();
    let server = world.serve(CONFIG);
    let (x, y) = (world.key("cso-x", "x1"), world.key("cso-y", "y1"));
    let stranger = world.key("cso-x", "stranger");
    let body = lines(&[world.attempt("cso-x", "x1")]);
    let other = lines(&[world.attempt("cso-x", "x1")]);
    let now = Clock::System.now();
    let sign = |key: &'static str, f: &dyn Fn(&mut Signing<'_>)| {
        let key: &SecretKey = match key {
            "x" => &x,
            "y" => &y,
            _ => &stranger,
        };
        let mut signing = Signing::now(server.address, key);
        f(&mut signing);
        signing.request("POST", "/events", Some(&body))
    };
    let swapped = |bytes: Vec<u8>, from: &str, to: &str| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{from}");
        text.replace(from, to).into_bytes()
    };
    let once = sign("x", &|_| {});
    assert_eq!(send(server.address, &once).unwrap().status, 200);
    let with_body = |bytes: Vec<u8>, body: &[u8]| {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let head: Vec<&str> = head.split("\r\n").filter(|line| !line.starts_with("Content-Length")).collect();
        let length = format!("Content-Length: {}", body.len());
        [head.join("\r\n").as_bytes(), b"\r\n", length.as_bytes(), b"\r\n\r\n", body].concat()
    };
    let far = |key: &SecretKey, target: &str| {
        let elsewhere: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let mut signing = Signing::now(elsewhere, key);
        signing.created = now;
        swapped(signing.request("GET", target, None), "127.0.0.1:1", &server.address.to_string())
    };
    let (openings, pack) = ("/openings?from=0&limit=8", "/packs?stream=organisation/cso-x&audience=cso-x");
    let read = |key: &SecretKey, target: &str| Signing::now(server.address, key).request("GET", target, None);
    // Older than the server, which knows that no other was ever served here.
    let older = sign("x", &|s| (s.created, s.seconds) = (now.plus_seconds(-100), 300));
    assert_eq!(send(server.address, &older).unwrap().status, 200);
    let table = vec![
        ("the same once more", once, 401, "replayed"),
        ("the older one once more", older, 401, "replayed"),
        ("a key that is not enrolled", sign("stranger", &|_| {}), 401, "bad-signature"),
        ("expired", sign("x", &|s| s.created = now.plus_seconds(-120)), 401, "bad-signature"),
        ("dated ahead", sign("x", &|s| s.created = now.plus_seconds(120)), 401, "bad-signature"),
        ("another body", with_body(sign("x", &|_| {}), &other), 400, "bad-request"),
        ("another path", swapped(sign("x", &|_| {}), "POST /events ", "POST /events?x=1 "), 400, "bad-request"),
        (
            "another tag",
            swapped(sign("x", &|_| {}), "tag=\"oversight-ledger\"", "tag=\"another\""),
            401,
            "bad-signature",
        ),
        ("another key's name", swapped(sign("x", &|_| {}), "/cso-x/x1+", "/cso-y/y1+"), 401, "bad-signature"),
        ("half of it", swapped(sign("x", &|_| {}), "Signature: ", "X-Signature: "), 401, "bad-signature"),
        ("garbage", swapped(sign("x", &|_| {}), "Signature: sig=:", "Signature: sig=:!"), 401, "bad-signature"),
        ("for another host", far(&x, openings), 401, "bad-signature"),
        ("openings, where nobody records readings", read(&x, openings), 501, "not-offered"),
        ("another party's pack", read(&y, pack), 403, "not-yours"),
        ("oversight's pack", read(&x, "/packs?stream=organisation/cso-x&audience=oversight"), 403, "not-yours"),
        ("no such party", read(&x, "/packs?stream=organisation/cso-x&audience=nobody"), 403, "not-yours"),
        ("a pack that nobody can record", read(&x, pack), 501, "not-offered"),
    ];
    check(&server, &mut world, table);
    let log = world.log();
    for said in ["cso-x", "cso-y", "x1", "127.0.0.1", "organisation", "nobody"] {
        assert!(!log.contains(said), "the log names {said}: {log}");
    }
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
}

#[test]
fn bodies_are_bounded_and_whole() {
    let mut world = World::new();
    let server = world.serve(CONFIG);
    let x = world.key("cso-x", "x1");
    let one = world.attempt("cso-x", "x1");
    let line = one.to_line();
    let five: Vec<_> = (0..5).map(|_| world.attempt("cso-x", "x1")).collect();
    let signed = |body: &[u8]| Signing::now(server.address, &x).request("POST", "/events", Some(body));
    let replayed = line.replace("{\"event\"", "{\"received_at\":\"2031-01-01T00:00:00Z\",\"event\"");
    let ordered = format!(
        "{},\"received_at\":\"2031-01-01T00:00:00Z\",{}",
        &line[..line.find(",\"source\"").unwrap()],
        &line[line.find("\"source\"").unwrap()..]
    );
    let table = vec![
        ("nothing", signed(b"\n"), 400, "bad-line"),
        ("not UTF-8", signed(b"\xff\n"), 400, "bad-line"),
        ("not JSON", signed(b"hello\n"), 400, "bad-line"),
        ("an empty line between", signed(format!("{line}\n\n{line}\n").as_bytes()), 400, "bad-line"),
        ("JSON that is not canonical", signed(line.replace("{\"event\"", "{ \"event\"").as_bytes()), 400, "bad-line"),
        ("members out of order", signed(replayed.as_bytes()), 400, "bad-line"),
        ("a time of receipt", signed(ordered.as_bytes()), 400, "bad-line"),
        ("deeply nested", signed("[".repeat(60_000).as_bytes()), 400, "bad-line"),
        ("too many lines", signed(&lines(&five)), 413, "too-large"),
        ("too many bytes", signed(&vec![b'a'; 65_537]), 413, "too-large"),
    ];
    check(&server, &mut world, table);
    // Of all that nothing was taken.
    for parcel in five.iter().chain([&one]) {
        assert_eq!(server.get(&format!("/receipts/{}", id(parcel))).status, 404);
    }
    let bytes = |parcel: &ledger::outbox::Parcel| lines(std::slice::from_ref(parcel));
    // Without a length, in pieces, a good one is taken and one that goes on is not.
    let chunked = |body: &[u8], length: usize| {
        let head = String::from_utf8(signed(body)).unwrap();
        let head = head[..head.find("Content-Length").unwrap()].to_owned() + "Transfer-Encoding: chunked\r\n\r\n";
        let piece = [format!("{length:x}\r\n").as_bytes(), &body.repeat(length / body.len()), b"\r\n"].concat();
        [head.as_bytes(), &piece, b"0\r\n\r\n"].concat()
    };
    let body = bytes(&one);
    let answer = send(server.address, &chunked(&body, body.len())).unwrap();
    assert_eq!(answer.lines()[0]["status"], "stands");
    let answer = send(server.address, &chunked(&body, body.len() * 100));
    assert!(answer.is_none_or(|answer| answer.status == 413));
    others_are_served(&server, &mut world, "after bodies without end");
}

#[test]
fn who_is_too_fast_waits_and_others_do_not() {
    let mut world = World::new();
    let config = "[rate]\nkey_requests = 1\nkey_requests_burst = 3\nkey_events = 1\nkey_events_burst = 4\n";
    let server = world.serve(config);
    let (x, y) = (world.key("cso-x", "x1"), world.key("cso-y", "y1"));
    let four: Vec<_> = (0..4).map(|_| world.attempt("cso-x", "x1")).collect();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let answer = server.post(&x, &four);
        seen.push((answer.status, answer.problem()));
    }
    assert_eq!(seen[0], (200, String::new()));
    for refused in &seen[1..] {
        assert_eq!(*refused, (429, "too-fast".to_owned()));
    }
    let parcel = world.attempt("cso-y", "y1");
    assert_eq!(server.post(&y, &[parcel]).status, 200);
}
