//! The live feed: every entry once, in order, from any position.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use ledger::http::problem::URN;
use schemas::base;
use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::note::Note;

use crate::common::{Running, World, connect, request};

/// One event of the feed.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Entry(u64),
    Checkpoint(u64),
}

/// A reader of the feed.
struct Reader(BufReader<TcpStream>);

impl Reader {
    fn follow(server: &Running, target: &str, fields: &[(&str, &str)]) -> Self {
        let mut stream = connect("127.0.0.1", server.address);
        stream.write_all(&request(server.address, "GET", target, fields, b"")).unwrap();
        let mut reader = Self(BufReader::new(stream));
        let head: Vec<String> = std::iter::from_fn(|| Some(reader.line()).filter(|line| !line.is_empty())).collect();
        assert!(head[0].starts_with("HTTP/1.1 200"), "{head:?}");
        assert!(head.iter().any(|line| line.eq_ignore_ascii_case("content-type: text/event-stream")), "{head:?}");
        reader
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next event; lengths of chunks and comments are passed over.
    fn next(&mut self) -> Told {
        let mut kind = String::new();
        let mut position = None;
        loop {
            let line = self.line();
            if let Some(text) = line.strip_prefix("event: ") {
                kind = text.to_owned();
            } else if let Some(text) = line.strip_prefix("id: ") {
                position = text.parse().ok();
            } else if let Some(text) = line.strip_prefix("data: ") {
                let bytes = base::from_base64(text).unwrap();
                return if kind == "entry" {
                    assert_eq!(Some(Entry::parse(&bytes).unwrap().position), position);
                    Told::Entry(position.unwrap())
                } else {
                    Told::Checkpoint(Checkpoint::parse(&Note::parse(&bytes).unwrap().text).unwrap().size)
                };
            }
        }
    }
}

#[test]
fn everything_comes_once_and_in_order_from_any_position() {
    let mut world = World::new();
    let server = world.serve("");
    let x = world.key("cso-x", "x1");
    let size = Checkpoint::parse(&Note::parse(&server.get("/checkpoint").body).unwrap().text).unwrap().size;
    let mut all = Reader::follow(&server, "/feed", &[]);
    for position in 0..size {
        assert_eq!(all.next(), Told::Entry(position));
    }
    assert_eq!(all.next(), Told::Checkpoint(size));
    let parcels = world.attempts(3);
    assert_eq!(server.post(&x, &parcels).status, 200);
    let size = size + 4;
    let rest = |from: u64| (from..size).map(Told::Entry).chain([Told::Checkpoint(size)]);
    for told in rest(size - 4) {
        assert_eq!(all.next(), told);
    }
    for (target, fields, from) in [
        ("/feed?from=2", vec![], 2),
        ("/feed?from=0", vec![("Last-Event-ID", "5")], 6),
        ("/feed", vec![("Last-Event-ID", "1")], 2),
    ] {
        let mut reader = Reader::follow(&server, target, &fields);
        for told in rest(from) {
            assert_eq!(reader.next(), told, "{target}");
        }
    }
    // At the very end the checkpoint comes at once, and then what is new.
    let mut end = Reader::follow(&server, &format!("/feed?from={size}"), &[]);
    assert_eq!(end.next(), Told::Checkpoint(size));
    assert_eq!(server.post(&x, &[world.attempt("cso-x", "x1")]).status, 200);
    for told in [Told::Entry(size), Told::Entry(size + 1), Told::Checkpoint(size + 2)] {
        assert_eq!(end.next(), told);
    }
    assert_eq!(all.next(), Told::Entry(size));
}

#[test]
fn long_logs_come_whole_and_comments_keep_the_line_open() {
    let mut world = World::begun(|world, writer| {
        for _ in 0..4 {
            let parcels = world.attempts(200);
            world.commit(writer, &parcels);
        }
    });
    let server = world.serve("[feed]\ncomment_seconds = 1\n");
    let mut reader = Reader::follow(&server, "/feed?from=0", &[]);
    let mut next = 0;
    let size = loop {
        match reader.next() {
            Told::Entry(position) => assert_eq!(position, next),
            Told::Checkpoint(size) => break size,
        }
        next += 1;
    };
    assert!(size > 800 && next == size);
    while !reader.line().starts_with(':') {}
    assert_eq!(server.post(&world.key("cso-x", "x1"), &[world.attempt("cso-x", "x1")]).status, 200);
    assert_eq!(reader.next(), Told::Entry(size));
}

#[test]
fn readers_are_bounded_and_end_with_the_server() {
    let world = World::new();
    let mut server = world.serve("[feed]\nreaders_of_address_max = 2\nreaders_max = 3\n");
    let mut readers = [Reader::follow(&server, "/feed", &[]), Reader::follow(&server, "/feed", &[])];
    let refused = server.get("/feed");
    assert_eq!((refused.status, refused.json()["type"].as_str()), (429, Some(format!("{URN}too-fast").as_str())));
    assert_eq!(server.get("/healthz").status, 200);
    server.terminate();
    for reader in &mut readers {
        // To its very end, not broken off.
        let mut rest = String::new();
        while reader.0.read_line(&mut rest).unwrap() > 0 {}
        assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    }
    assert_eq!(server.ended().0, Some(0));
}
