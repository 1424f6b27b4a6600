//! A ledger's folder that is put back from a backup, where nothing but the broker knows that it was.

use std::fs;
use std::net::TcpListener;

use ledger::nats;
use schemas::checkpoint::Checkpoint;
use schemas::note::Note;
use schemas::policy::Policy;
use serde_json::Value;
use tokio::runtime::Runtime;
use verifier::compare::check_fork;

use crate::place::{Place, contents, copy, text, words};
use crate::server::{Root, Server};

/// What a start says of what it could not ask.
const NOT_ASKED: &str = "not asked whether this is the newest copy of the log";

/// A ledger before no witness and without a mirror, a broker with its streams, and a backup of the ledger's folder.
struct Copied {
    place: Place,
    server: Server,
    runtime: Runtime,
    root: Root,
}

impl Copied {
    fn new() -> Self {
        let mut place = Place::new(false);
        let server = Server::start(&place.small.origin);
        let runtime = Runtime::new().unwrap();
        let root = runtime.block_on(server.root());
        place.config = broker(server.port, &server);
        let mut copied = Self { place, server, runtime, root };
        copied.set_up();
        let home = copied.place.home();
        copied.place.serve(&home, &[]).unwrap();
        copied.place.hand_in(2).unwrap();
        copied.sent();
        copied.place.stop();
        copy(&home, &copied.place.path("backup"));
        copied
    }

    /// Makes the streams that are not there.
    fn set_up(&self) {
        let (home, url) = (text(&self.place.home()), format!("nats://127.0.0.1:{}", self.server.port));
        let password = text(&self.server.password());
        let arguments = ["nats", "setup", &home, "--server", &url, "--user", "setup", "--password-file", &password];
        let done = self.place.run(&[&arguments[..], &["--replicas", "1"]].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Waits until both streams tell all that is published.
    fn sent(&self) {
        let (settings, all) = (self.server.settings("ledger"), self.place.published());
        let known = || self.runtime.block_on(nats::known(&settings, &self.place.small.origin)).unwrap();
        while !known().iter().all(|(_, bytes)| size(bytes) == Some(all)) {}
    }

    /// Records more, so that the backup is older than what the broker holds.
    fn go_on(&mut self) {
        let home = self.place.home();
        self.place.serve(&home, &[]).unwrap();
        let answered = self.place.hand_in(4).unwrap();
        assert!(answered.iter().all(|(parcel, _, _)| self.place.receipt(parcel).is_some()));
        self.sent();
        self.place.stop();
    }

    fn put_back(&self) {
        copy(&self.place.path("backup"), &self.place.home());
    }

    fn streams(&self) -> [String; 2] {
        let names = schemas::batch::Names::of(&self.place.small.origin);
        [names.stream(), names.seen_stream()]
    }

    fn ask(&self, subject: &str) -> Value {
        self.runtime.block_on(self.root.ask(subject, Value::Null))
    }

    /// Messages that a stream has.
    fn last(&self, stream: &str) -> u64 {
        self.runtime.block_on(self.root.last(stream))
    }
}

/// The configuration that names a broker.
fn broker(port: u16, server: &Server) -> String {
    let password = text(&server.password());
    format!(
        "[nats]\nservers = [\"nats://127.0.0.1:{port}\"]\nuser = \"ledger\"\npassword_file = \"{password}\"\nreplicas = 1\n\
         ack_seconds = 2\n"
    )
}

fn size(bytes: &[u8]) -> Option<u64> {
    Some(Checkpoint::parse(&Note::parse(bytes).ok()?.text).ok()?.size)
}

#[test]
fn a_folder_that_is_put_back_is_told_by_the_broker_alone() {
    std::thread::scope(|scope| {
        // Both streams, each alone, and each behind a message that somebody else has left last in the other.
        for [batches, seen] in
            [["all", "all"], ["all", "empty"], ["empty", "all"], ["all", "foreign"], ["foreign", "all"]]
        {
            scope.spawn(move || told_by([batches, seen]));
        }
    });
}

fn told_by(held: [&str; 2]) {
    let mut copied = Copied::new();
    let home = copied.place.home();
    copied.go_on();
    let subjects = schemas::batch::Names::of(&copied.place.small.origin);
    for ((stream, subject), held) in copied.streams().iter().zip([subjects.commit(), subjects.seen()]).zip(held) {
        match held {
            "empty" => drop(copied.ask(&format!("STREAM.DELETE.{stream}"))),
            "foreign" => drop(copied.runtime.block_on(copied.root.publish(subject, None, "nothing of this log"))),
            _ => {}
        }
    }
    copied.set_up();
    let before = copied.streams().map(|stream| copied.last(&stream));
    copied.put_back();
    let (code, said) = copied.place.serve(&home, &[]).expect_err(&format!("{held:?}: it forks in silence"));
    assert_eq!(code, Some(2), "{held:?}: {said}");
    for part in [
        "the NATS stream",
        "this is an older copy",
        "Nothing was recorded and nothing written over",
        "ledger restore",
        "evidence",
    ] {
        assert!(said.contains(part), "{held:?}: {said:?} lacks {part:?}");
    }
    assert_eq!(copied.streams().map(|stream| copied.last(&stream)), before, "{held:?}: nothing was sent");
    assert!(!contents(&home.join("evidence")).is_empty(), "{held:?}");
    // Without the broker it is as little the newest copy: the evidence was kept, and every command asks it.
    copied.server.kill();
    copied.place.config.clear();
    let (code, said) = copied.place.serve(&home, &[]).expect_err("the evidence is asked too");
    assert!(code == Some(2) && said.contains("this is an older copy"), "{held:?}: {said}");
    let submit = words(&["submit", &text(&home)]);
    let done = copied.place.run(&submit.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(done.status.code(), Some(2), "{held:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn another_history_is_told_by_the_broker_with_evidence() {
    let mut copied = Copied::new();
    let home = copied.place.home();
    copied.go_on();
    copied.put_back();
    // Served where nothing can know, until it is longer than what the broker holds.
    let config = std::mem::take(&mut copied.place.config);
    copied.place.serve(&home, &[]).unwrap();
    for _ in 0..6 {
        copied.place.hand_in(1).unwrap();
    }
    copied.place.stop();
    copied.place.config = config;
    let (code, said) = copied.place.serve(&home, &[]).expect_err("it is another history");
    assert!(code == Some(2) && said.contains("tells another history of this log"), "{said}");
    let evidence = contents(&home.join("evidence"));
    let fork = evidence.iter().find(|(path, _)| path.extension().is_some_and(|ending| ending == "jsonl"));
    let policy = Policy::parse(&fs::read_to_string(&copied.place.small.policy).unwrap()).unwrap();
    assert_eq!(check_fork(&fork.expect("evidence").1, &policy).exit_code(), 1, "proven");
}

#[test]
fn a_broker_that_comes_back_ends_writing_where_it_knows_more() {
    let mut copied = Copied::new();
    let home = copied.place.home();
    copied.go_on();
    copied.put_back();
    copied.server.kill();
    copied.place.serve(&home, &[]).unwrap();
    assert!(copied.place.log().contains(NOT_ASKED), "{}", copied.place.log());
    assert_eq!((copied.place.get("/healthz").status, copied.place.figure("ledger_recording")), (200, Some(1)));
    copied.server.again();
    let mut refused = None;
    while refused.is_none() {
        refused = copied.place.hand_in(1).err();
    }
    let why = refused.unwrap().to_string();
    assert!(why.contains("records nothing until its operator has looked"), "{why}");
    assert_eq!((copied.place.get("/healthz").status, copied.place.figure("ledger_recording")), (503, Some(0)));
    assert_eq!(copied.place.get("/checkpoint").status, 200, "reading goes on");
    let log = copied.place.log();
    assert!(log.contains("ERROR") && log.contains("the NATS stream contradicts this log"), "{log}");
    copied.place.stop();
    let (code, said) = copied.place.serve(&home, &[]).expect_err("it is asked again");
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn a_broker_that_cannot_be_asked_is_said() {
    let mut copied = Copied::new();
    let home = copied.place.home();
    copied.go_on();
    let names = schemas::batch::Names::of(&copied.place.small.origin);
    // It takes connections, and says nothing.
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    for what in ["empty", "foreign", "mute", "away"] {
        match what {
            "empty" => {
                copied.streams().iter().for_each(|stream| drop(copied.ask(&format!("STREAM.DELETE.{stream}"))));
                copied.set_up();
            }
            "foreign" => {
                for subject in [names.commit(), names.seen()] {
                    copied.runtime.block_on(copied.root.publish(subject, None, "nothing of this log"));
                }
            }
            "mute" => copied.place.config = broker(mute.local_addr().unwrap().port(), &copied.server),
            _ => {
                copied.place.config = broker(copied.server.port, &copied.server);
                copied.server.kill();
            }
        }
        copied.put_back();
        copied.place.serve(&home, &[]).unwrap_or_else(|(_, said)| panic!("{what}: {said}"));
        let said = copied.place.log();
        let why = match what {
            "empty" | "foreign" => copied.streams().to_vec(),
            _ => vec!["no NATS server can be reached".to_owned()],
        };
        for why in why {
            let line = said.lines().find(|line| line.contains(NOT_ASKED) && line.contains(&why));
            assert!(line.is_some(), "{what}: {said:?} lacks {why:?}");
        }
        assert!(said.contains("nothing outside this folder can say whether it is the newest copy"), "{what}: {said}");
        assert_eq!(copied.place.get("/healthz").status, 200, "{what}");
        copied.place.stop();
    }
}
