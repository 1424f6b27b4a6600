//! Clients that are slow, many, or do not listen: they are cut off, and nobody else waits for them.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use crate::common::{Running, Signing, World, connect, connected, lines, read, request};

/// From another address of this machine.
const ELSEWHERE: &str = "127.0.0.9";

const CONFIG: &str = "\
[requests]
connections_max = 64
connections_of_address_max = 16
head_seconds = 1
body_pause_seconds = 1
body_seconds = 2
write_seconds = 1
[feed]
comment_seconds = 1
";

fn served(server: &Running, world: &mut World) {
    let parcel = world.attempt("cso-x", "x1");
    let answer = server.post(&world.key("cso-x", "x1"), &[parcel]);
    assert_eq!((answer.status, answer.lines()[0]["status"].as_str()), (200, Some("stands")));
}

/// Waits until the server has hung up; what it said before.
fn hung_up(stream: &mut TcpStream) -> String {
    let mut told = Vec::new();
    let _ = stream.read_to_end(&mut told);
    String::from_utf8_lossy(&told).into_owned()
}

#[test]
fn heads_that_never_end_are_cut_off() {
    let mut world = World::new();
    let server = world.serve(CONFIG);
    let mut slow: Vec<TcpStream> = (0..16).map(|_| connect(ELSEWHERE, server.address)).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /checkpoint HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    }
    // One more of that address is not let in; others are.
    assert_eq!(hung_up(&mut connect(ELSEWHERE, server.address)), "");
    served(&server, &mut world);
    for stream in &mut slow {
        let told = hung_up(stream);
        assert!(told.is_empty() || told.starts_with("HTTP/1.1 408"), "{told}");
    }
    let mut again = connect(ELSEWHERE, server.address);
    again.write_all(&request(server.address, "GET", "/healthz", &[], b"")).unwrap();
    assert_eq!(read(&mut again).unwrap().status, 200);
}

#[test]
fn bodies_that_never_end_are_cut_off_and_take_no_ones_place() {
    let mut world = World::new();
    let server = world.serve(CONFIG);
    let key = world.key("cso-y", "y1");
    let body = lines(&[world.attempt("cso-y", "y1")]);
    let mut slow: Vec<TcpStream> = (0..8).map(|_| connect(ELSEWHERE, server.address)).collect();
    for stream in &mut slow {
        let whole = Signing::now(server.address, &key).request("POST", "/events", Some(&body));
        stream.write_all(&whole[..whole.len() - 1]).unwrap();
    }
    served(&server, &mut world);
    for stream in &mut slow {
        let answer = read(stream).unwrap();
        assert_eq!((answer.status, answer.problem().as_str()), (408, "too-slow"));
    }
    // One byte now and then does not help.
    let mut drip = connect(ELSEWHERE, server.address);
    let whole = Signing::now(server.address, &key).request("POST", "/events", Some(&body));
    let (head, rest) = whole.split_at(whole.len() - 400);
    drip.write_all(head).unwrap();
    let mut beside = drip.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut ear = world_ear(&server);
            // Paced by the server's own comments, one a second, not by a clock of this test.
            for byte in rest {
                if drip.write_all(&[*byte]).is_err() || ear.read(&mut [0; 1 << 14]).unwrap_or(0) == 0 {
                    return;
                }
            }
        });
        let answer = read(&mut beside).unwrap();
        assert_eq!((answer.status, answer.problem().as_str()), (408, "too-slow"));
        let _ = beside.shutdown(Shutdown::Both);
    });
    served(&server, &mut world);
}

/// A reader of the feed, who hears a comment every second.
fn world_ear(server: &Running) -> TcpStream {
    let mut ear = connect("127.0.0.1", server.address);
    ear.write_all(&request(server.address, "GET", "/feed", &[], b"")).unwrap();
    ear
}

#[test]
fn who_does_not_read_is_cut_off() {
    let mut world = World::begun(|world, writer| {
        for _ in 0..20 {
            let parcels = world.attempts(200);
            world.commit(writer, &parcels);
        }
    });
    let server = world.serve(CONFIG);
    // They ask for the whole log, many times over, and read none of it.
    let deaf = || connected(ELSEWHERE, server.address, Some(4_096)).unwrap();
    let mut deaf: Vec<TcpStream> = (0..8).map(|_| deaf()).collect();
    for stream in &mut deaf {
        stream.write_all(&request(server.address, "GET", "/feed", &[], b"")).unwrap();
    }
    served(&server, &mut world);
    // The server gives them up: then its figures say that nobody follows.
    let follows = |server: &Running| {
        let figures = server.get("/metrics");
        let line = figures.text().lines().find(|line| line.starts_with("ledger_feed_readers")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let mut ear = world_ear(&server);
    while follows(&server) > 1 {
        assert!(ear.read(&mut [0; 1 << 14]).unwrap() > 0);
    }
    served(&server, &mut world);
}

#[test]
fn connections_without_number_leave_room_for_others() {
    let mut world = World::new();
    let server = world.serve(CONFIG);
    // Three addresses take all they may, 48 of 64 places, and say nothing.
    let idle: Vec<TcpStream> = ["127.0.0.3", "127.0.0.4", "127.0.0.5"]
        .iter()
        .flat_map(|address| (0..16).map(|_| connect(address, server.address)).collect::<Vec<_>>())
        .collect();
    served(&server, &mut world);
    // Even when all places are taken, they are free again soon.
    let more: Vec<TcpStream> = (0..16).map(|_| connect("127.0.0.6", server.address)).collect();
    for mut stream in idle.into_iter().chain(more) {
        hung_up(&mut stream);
    }
    served(&server, &mut world);
}

#[test]
fn who_says_no_more_is_answered() {
    let mut world = World::begun(|world, writer| {
        let parcels = world.attempts(200);
        world.commit(writer, &parcels);
    });
    let server = world.serve(&format!("[readings]\nkeys = {:?}\n", world.path("keys")));
    let (x, y) = (world.key("cso-x", "x1"), world.key("cso-y", "y1"));
    let parcels: Vec<_> = (0..20).map(|_| world.attempt("cso-y", "y1")).collect();
    let get = |target: &str| request(server.address, "GET", target, &[], b"");
    let sign = |target: &str| Signing::now(server.address, &x).request("GET", target, None);
    let bare = |target: &str, version: &str| format!("GET {target} HTTP/{version}\r\nHost: x\r\n\r\n").into_bytes();
    let own = "/packs?stream=organisation/cso-x&audience=";
    for (what, request, status, says) in [
        ("a request", get("/checkpoint"), 200, "served.example/log"),
        ("one that would stay", bare("/checkpoint", "1.1"), 200, "served.example/log"),
        ("an older one", bare("/checkpoint", "1.0"), 200, "served.example/log"),
        ("a long answer", get("/verify.html"), 200, "</html>"),
        ("a pack that must be made", get(&format!("{own}public")), 200, "\"audience\":\"public\""),
        ("one with hidden values", sign(&format!("{own}cso-x")), 200, "\"audience\":\"cso-x\""),
        ("openings", sign("/openings?from=0&limit=4096"), 200, "digests"),
        (
            "a hand-in",
            Signing::now(server.address, &y).request("POST", "/events", Some(&lines(&parcels))),
            200,
            "stands",
        ),
        ("a refusal", get("/receipts/0"), 400, "problem"),
        // It gets what there is, and is let go: whoever has gone looks the same.
        ("the feed", get("/feed"), 200, "event: checkpoint"),
    ] {
        let mut stream = connect(ELSEWHERE, server.address);
        stream.write_all(&request).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = read(&mut stream).unwrap_or_else(|| panic!("{what}: no answer"));
        let text = String::from_utf8_lossy(&answer.body);
        assert!(answer.status == status && text.contains(says), "{what}: {} {text}", answer.status);
    }
    // What never became a request is none.
    for begun in [&b""[..], b"GET /checkpoint HTTP/1.1\r\nHost: x\r\n"] {
        let mut stream = connect(ELSEWHERE, server.address);
        stream.write_all(begun).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(!hung_up(&mut stream).contains("200"));
    }
    served(&server, &mut world);
}
