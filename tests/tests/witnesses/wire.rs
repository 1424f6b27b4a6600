//! The ledger and the witness's server, as they meet over HTTP; and servers that are none.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;

use ledger::publish::publish;
use ledger::witness::http::HttpWitness;
use ledger::witness::{Panel, Silence, Witness};
use schemas::hash::Hash;
use schemas::note::Note;
use tempfile::TempDir;
use tokio::sync::oneshot;
use verifier::witness::answer::BadReply;
use verifier::witness::ratchet::Ratchet;
use verifier::witness::service::server::{self, News};
use verifier::witness::service::state_file::StateFile;

use crate::common::{Small, at, checked, key};

/// A witness's server in a thread of its own; it ends with this.
pub struct Server {
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// The clock of these servers: that of the ledger beside them.
fn clock() -> u64 {
    at(10).unix() as u64
}

impl Server {
    pub fn start(number: u8, small: &Small, folder: &TempDir, clock: fn() -> u64) -> Self {
        let file = |ending: &str| folder.path().join(format!("{number}.{ending}"));
        let (state, records) = StateFile::begin(&file("state"), &file("key"), &key(number)).unwrap();
        let log = ledger::keys::read(&small.writer.home().log_key()).unwrap().vkey();
        let ratchet = Ratchet::new(key(number), &[log], records).unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let news = move |news: News| {
                if let News::Listening(address) = news {
                    tell.send(address).unwrap();
                }
            };
            let stopped = async move { drop(stopped.await) };
            let any = SocketAddr::from(([127, 0, 0, 1], 0));
            runtime.block_on(server::serve(any, ratchet, state, clock, news, stopped)).unwrap();
        });
        Self { address: told.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

#[test]
fn the_ledger_and_real_servers_agree() {
    let mut small = Small::new();
    let folder = TempDir::new().unwrap();
    let mut servers: Vec<Server> = (1..=3).map(|number| Server::start(number, &small, &folder, clock)).collect();
    let addresses = |servers: &[Server]| -> BTreeMap<u8, String> {
        (1..).zip(servers).map(|(number, server)| (number, format!("http://{}", server.address))).collect()
    };
    let policy = small.policy("two", &addresses(&servers));
    for n in 0..5 {
        small.commit(n);
        let mut panel = Panel::over_http(policy.clone()).unwrap();
        let found = publish(&mut small.writer, &mut panel, at(10)).unwrap();
        assert!(found.waiting.is_none() && found.missing.is_empty(), "{found:?}");
    }
    let report = checked(&small.export().unwrap(), &policy);
    assert_eq!((report.exit_code(), report.head.unwrap().witnesses.len()), (0, 3), "{:?}", report.faults);
    // What each witness shows is what the ledger published, with its own line.
    let hash = Hash::of(&[small.writer.log().origin().as_str().as_bytes()]);
    let mut stream = TcpStream::connect(servers[0].address).unwrap();
    write!(stream, "GET /{hash}/checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n").unwrap();
    let mut shown = String::new();
    stream.read_to_string(&mut shown).unwrap();
    let shown = Note::parse(shown.split_once("\r\n\r\n").unwrap().1.as_bytes()).unwrap();
    assert_eq!(shown.text, small.writer.head().text);
    // One is gone for a while, then comes back with its memory: the ledger learns the size it knows.
    drop(servers.pop());
    small.commit(7);
    let mut panel = Panel::over_http(policy).unwrap();
    let found = publish(&mut small.writer, &mut panel, at(10)).unwrap();
    assert!(found.waiting.is_none() && matches!(found.missing[..], [(_, Silence::Unreachable(_))]), "{found:?}");
    small.commit(8);
    servers.push(Server::start(3, &small, &folder, clock));
    let policy = small.policy("two", &addresses(&servers));
    let found = publish(&mut small.writer, &mut Panel::over_http(policy).unwrap(), at(10)).unwrap();
    assert!(found.waiting.is_none() && found.missing.is_empty(), "{found:?}");
}

/// A server that answers every connection with these bytes, over and over, and reads what it is sent.
fn answering(bytes: &'static [u8], times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 1 << 14];
            let _ = stream.read(&mut head);
            for _ in 0..times {
                if stream.write_all(bytes).is_err() {
                    break;
                }
            }
            if bytes.is_empty() {
                // Hangs until the other side gives up.
                let _ = stream.read_to_end(&mut Vec::new());
            }
        }
    });
    format!("http://{address}")
}

/// An answer that says that it is very long, and goes on.
const HUGE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\naaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

#[test]
fn whatever_answers_is_bounded_in_time_and_length() {
    let small = Small::new();
    let request = verifier::witness::request::Request { old: 0, proof: Vec::new(), note: small.writer.head().clone() };
    let ask = |address: &str| HttpWitness::patient(address, 2).add_checkpoint(&request, at(0));
    assert_eq!(ask(&answering(b"", 0)), Err(Silence::Late { seconds: 2 }));
    assert_eq!(ask(&answering(HUGE, 100_000)), Err(Silence::Garbage(BadReply::TooLong)));
    for (what, address) in [
        ("no address", "nowhere".to_owned()),
        ("no server", "http://127.0.0.1:1".to_owned()),
        ("no TLS there", answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1).replace("http:", "https:")),
        ("no HTTP", answering(b"220 smtp.example ESMTP\r\n", 1)),
        ("a header without end", answering(b"HTTP/1.1 200 OK\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 20_000)),
        ("cut off", answering(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", 1)),
    ] {
        let told = ask(&address);
        assert!(matches!(told, Err(Silence::Unreachable(_) | Silence::Late { .. })), "{what}: {told:?}");
    }
    let moved = ask(&answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 1));
    assert_eq!(moved.unwrap().status, 302, "nobody is sent elsewhere");
}
