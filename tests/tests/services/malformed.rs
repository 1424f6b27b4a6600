//! What is no request, or asks for nothing: every listener says so with a number of the client's own, in words, and goes on.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use tests::demo::{self, Places};
use tests::services::{Feed, Service, Services};

use crate::paths;

/// Longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Status, and what follows the head; 0 where the connection ended without a word.
fn ask(address: SocketAddr, text: &[u8]) -> (u16, String) {
    // What might be the beginning of something ends here.
    said(address, text, text.starts_with(b"\x16"))
}

/// The same of a client that says no more.
fn ask_and_end(address: SocketAddr, text: &[u8]) -> (u16, String) {
    said(address, text, true)
}

fn said(address: SocketAddr, text: &[u8], ends: bool) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that has refused already reads no further.
    let _ = stream.write_all(text);
    if ends {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, body.to_owned())
}

/// A listener: below which path its pages are, one that is there, and fields of a request that is let in.
struct Door {
    who: String,
    address: SocketAddr,
    base: String,
    page: String,
    fields: String,
}

/// Requests that nobody can answer with a page; with those a path that each server has.
fn malformed(door: &Door) -> Vec<(String, Vec<u8>)> {
    let Door { address, base, page, fields, .. } = door;
    let rest = format!("Host: {address}\r\nConnection: close\r\n{fields}");
    let mut all = Vec::new();
    let mut add = |what: &str, text: String| all.push((what.to_owned(), text.into_bytes()));
    let long = "a".repeat(300);
    for path in [
        "/%zz",
        "/%",
        "/%00",
        "/a%00b",
        "/%ff%fe",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc/passwd",
        "//",
        "/a//b",
        "/%0d%0aX:y",
        "/%E2%80%AE",
        "/nothing",
        "/nothing/",
        "/nothing?%ff=%zz",
        "/a:b",
        "/con",
        "/%5c..%5c..",
        "/-1",
        "/99999999999999999999999",
        "/index.html/x",
        "/%3Cscript%3E",
        "/checkpoint/x",
        "/tile/-1/000",
        "/tile/0/x999999999999999999999",
        "/feed?from=%00",
        "/receipts/%ff",
        "/packs?stream=%ff",
        "/documents/%00",
        "/%ff/checkpoint",
        "/open/%ff",
        "/open/%00",
        "/open/0000",
    ] {
        add(path, format!("GET {base}{path} HTTP/1.1\r\n{rest}\r\n"));
    }
    add("a long name", format!("GET /{long} HTTP/1.1\r\n{rest}\r\n"));
    add("a long path", format!("GET {} HTTP/1.1\r\n{rest}\r\n", format!("/{}", &long[..200]).repeat(20)));
    add("a longer path", format!("GET /{} HTTP/1.1\r\n{rest}\r\n", "a".repeat(60_000)));
    add("a path without end", format!("GET /{} HTTP/1.1\r\n{rest}\r\n", "a".repeat(1 << 20)));
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW", "get", "CONNECT"] {
        add(method, format!("{method} {page} HTTP/1.1\r\n{rest}\r\n"));
    }
    for kind in [
        "",
        "text/html",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "MULTIPART/FORM-DATA; BOUNDARY=\"x",
        "application/x-www-form-urlencoded; charset=utf-16",
        ";;;",
        "application/jsonl; charset=koi8-r",
        "APPLICATION/JSONL",
    ] {
        for target in [page.as_str(), "/events", "/add-checkpoint"] {
            let body = "--x\r\n\0%zz\r\n";
            let head = format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len());
            add(&format!("POST {target} {kind:?}"), format!("POST {target} HTTP/1.1\r\n{rest}{head}\r\n{body}"));
        }
    }
    let post = |more: &str| format!("POST /add-checkpoint HTTP/1.1\r\n{rest}{more}");
    add("two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"));
    add("a length of nothing", post("Content-Length: -1\r\n\r\n"));
    add("a length of more than there is", post("Content-Length: 99999999999999999999\r\n\r\n"));
    add("a broken chunk", post("Transfer-Encoding: chunked\r\n\r\nzz\r\n"));
    add("an endless chunk", post("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"));
    add("two ways", post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"));
    add("another coding", post("Transfer-Encoding: gzip\r\n\r\n"));
    add("another version", format!("GET {page} HTTP/9.9\r\n{rest}\r\n"));
    add("NUL in a header", format!("GET {page} HTTP/1.1\r\n{rest}X: \0\r\n\r\n"));
    add("no colon", format!("GET {page} HTTP/1.1\r\n{rest}X\r\n\r\n"));
    add("many headers", format!("GET {page} HTTP/1.1\r\n{rest}{}\r\n", "X: y\r\n".repeat(500)));
    add("a header without end", format!("GET {page} HTTP/1.1\r\n{rest}X: {}\r\n\r\n", "y".repeat(1 << 20)));
    add("a star", format!("OPTIONS * HTTP/1.1\r\n{rest}\r\n"));
    add("blanks", "\r\n \r\n\r\n".to_owned());
    add("no words", "\0\0\0\0\r\n\r\n".to_owned());
    all.push(("TLS".to_owned(), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec()));
    all.push(("HTTP/2".to_owned(), b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()));
    all.push(("bytes".to_owned(), [b"GET /\xff\xfe HTTP/1.1\r\n", rest.as_bytes(), b"\r\n"].concat()));
    all
}

/// Names that servers may well have.
fn may_be_there(what: &str) -> bool {
    matches!(what, "//" | "OPTIONS" | "/nothing?%ff=%zz" | "POST /add-checkpoint \"\"")
}

fn judge(door: &Door) {
    let Door { who, address, page, fields, .. } = door;
    let mut bad = Vec::new();
    for (what, text) in malformed(door) {
        let (status, body) = ask(*address, &text);
        // What is no HTTP at all is turned away by whoever reads HTTP, without a word.
        let mute = body.is_empty() && !matches!(status, 0 | 400 | 414 | 431) && status >= 400;
        if status >= 500 || mute || (1..400).contains(&status) && !may_be_there(&what) {
            bad.push(format!("{who}, {what}: {status} {body:?}"));
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    let rest = format!("Host: {address}\r\n{fields}\r\n");
    for (what, head) in [
        ("goes on", format!("GET {page} HTTP/1.1\r\nConnection: close\r\n{rest}")),
        ("answers who would stay and says no more", format!("GET {page} HTTP/1.1\r\n{rest}")),
        ("answers an older client that says no more", format!("GET {page} HTTP/1.0\r\n{rest}")),
        ("answers a body after which nothing comes", format!("GET {page} HTTP/1.1\r\nContent-Length: 1\r\n{rest}x")),
    ] {
        assert_eq!(ask_and_end(*address, head.as_bytes()).0, 200, "{who} {what}");
    }
}

/// One that lets everybody in.
fn open_door(who: &str, address: SocketAddr, page: &str) -> Door {
    Door { who: who.to_owned(), address, base: String::new(), page: page.to_owned(), fields: String::new() }
}

#[test]
fn ledger_witness_and_projector_name_what_is_malformed() {
    let programs = Path::new(env!("CARGO_BIN_EXE_demo")).parent().unwrap();
    let feed = Feed { config: "address_requests_burst = 100000\n".to_owned(), arguments: Vec::new() };
    let services = Services::start(programs, "services.example/log", feed);
    for (service, address) in services.addresses() {
        let page = if service == Service::Projector { "/state" } else { "/healthz" };
        judge(&open_door(&format!("{service:?}"), address, page));
    }
}

#[test]
fn the_pages_of_oversight_name_what_is_malformed_with_their_session_and_without() {
    let place = paths::place();
    let mut command = Command::new(paths::program("projector"));
    command.args(["serve", "--feed", "bundle:bundle", "--policy", "my/policy", "--state", "state"]);
    command.args(["--listen", "127.0.0.1:0", "--openings", "openings", "--oversight-listen", "127.0.0.1:0"]);
    let child = command.current_dir(place.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Ends(child.spawn().unwrap());
    let lines = |out: Box<dyn Read + Send>| BufReader::new(out).lines().map_while(Result::ok);
    let mut said = lines(Box::new(child.0.stdout.take().unwrap()));
    let mut told = lines(Box::new(child.0.stderr.take().unwrap()));
    let link = said.find_map(|line| Some(line.strip_prefix("oversight")?.trim().to_owned())).unwrap();
    told.find(|line| line.contains("\"published\"")).expect("it publishes");
    std::thread::spawn(move || told.for_each(drop)); // nor may it wait for who reads what it says
    let (at, open) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let address: SocketAddr = at.parse().unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /{open} HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n").unwrap();
    let mut entered = String::new();
    stream.read_to_string(&mut entered).unwrap();
    let field = |name: &str| {
        let line = entered.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name)));
        line.unwrap_or_else(|| panic!("{entered}")).1
    };
    let (cookie, base) = (field("set-cookie").split(';').next().unwrap(), field("location").trim_end_matches('/'));
    let fields = format!("Cookie: {cookie}\r\n");
    let page = format!("{base}/index.html");
    let inside = Door { who: "oversight".to_owned(), address, base: base.to_owned(), page, fields };
    judge(&inside);
    // Nobody else is let in, whatever is asked for, and that is said in words too.
    let stranger = Door { who: "a stranger".to_owned(), fields: String::new(), base: base.to_owned(), ..inside };
    for (what, text) in malformed(&stranger) {
        let (status, body) = ask(address, &text);
        assert!((400..500).contains(&status) || status == 0 || status == 501, "a stranger, {what}: {status} {body:?}");
        assert!(!body.contains("For oversight only"), "{what}");
    }
}

/// A process that ends with this.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_demo_names_what_is_malformed_and_serves_everyone() {
    let folder = tempfile::TempDir::new().unwrap();
    let places = Places { scenario: folder.path().to_owned(), out: folder.path().to_owned() };
    for (folder, words) in [(places.site(), "for everyone"), (places.report(), "for oversight")] {
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("index.html"), words).unwrap();
    }
    let (said, hear) = channel();
    std::thread::spawn(move || demo::serve(&places, 0, &mut |line| drop(said.send(line.to_owned()))));
    let line = hear.recv_timeout(PATIENCE).unwrap();
    let address: SocketAddr = line.rsplit_once("http://").unwrap().1.trim_end_matches('/').parse().unwrap();
    judge(&open_door("demo", address, "/index.html"));
    // Whoever holds all the places of one address, and says nothing, makes room for whoever comes.
    let silent: Vec<TcpStream> = (0..600).map(|_| TcpStream::connect(address).unwrap()).collect();
    let head = format!("GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    assert_eq!(ask(address, head.as_bytes()), (200, "for everyone".to_owned()));
    let gone = silent.iter().filter(|stream| is_closed(stream)).count();
    assert!(gone > 500, "one address has its share and no more: {gone} of 600 gave way");
}

/// Whether the other side has ended the connection.
fn is_closed(mut stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0]) {
        Ok(0) => true,
        Ok(_) => false,
        Err(why) => why.kind() != std::io::ErrorKind::WouldBlock,
    }
}
