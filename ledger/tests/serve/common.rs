//! A small ledger, its server as a process of its own, and clients that speak to it over the loopback.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ledger::clock::Clock;
use ledger::folder;
use ledger::import::{Limits, Parties};
use ledger::keys::{KeyFolder, random_bytes};
use ledger::outbox::{Opening, Parcel};
use ledger::plan::{Answer as Planned, Submission};
use ledger::writer::{Home, Writer};
use schemas::catalogue::Catalogue;
use schemas::event::{Event, Head};
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::opening::{Disclosure, hidden_root};
use schemas::policy::Policy;
use schemas::time::Timestamp;
use schemas::value::Value;
use tempfile::TempDir;
use verifier::http_request::{self, Request};
use verifier::signature::SecretKey;

pub const PARTIES: &str = concat!(include_str!("../shared/parties.csv"), "cso-y,cso,Other Hands,named,en,y1\n");

/// Clients give up after so long: nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A ledger in a folder, with everybody's keys.
pub struct World {
    pub folder: TempDir,
    pub home: Home,
    pub origin: Origin,
    pub policy: Policy,
    made: i64,
}

impl World {
    pub fn new() -> Self {
        Self::begun(|_, _| {})
    }

    /// The same, with something done to it before it is served.
    pub fn begun(first: impl FnOnce(&mut Self, &mut Writer)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(&folder.path().join("home"));
        let (parties, problems) = Parties::read("parties.csv", PARTIES.as_bytes(), &Limits::default());
        assert!(problems.is_empty());
        let origin = Origin::parse("served.example/log").unwrap();
        let mut keys = KeyFolder::new(&folder.path().join("keys"), origin.clone());
        let mut writer = folder::found(&home, &origin, &parties, &mut keys, Clock::System.now()).unwrap();
        folder::settle(&writer, PARTIES.as_bytes(), None).unwrap();
        let policy = Policy::parse(&folder::policy(writer.log())).unwrap();
        let mut world = Self { folder, home, origin, policy, made: 0 };
        for (party, holder, role) in [("cso-x", "x1", "cso"), ("cso-y", "y1", "cso"), ("fac-a", "d1", "facility")] {
            let enrolment = world.enrolment(party, holder, role);
            world.commit(&mut writer, &[enrolment]);
        }
        first(&mut world, &mut writer);
        world
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The key of a holder; made where there is none.
    pub fn key(&self, party: &str, holder: &str) -> SecretKey {
        KeyFolder::new(&self.path("keys"), self.origin.clone()).get_or_make(party, holder).unwrap()
    }

    pub fn commit(&self, writer: &mut Writer, parcels: &[Parcel]) {
        let now = Clock::System.now();
        let submission =
            |p: &Parcel| Submission { note: p.note.clone().into_bytes(), opening: p.opening.clone(), received_at: now };
        let submissions: Vec<Submission> = parcels.iter().map(submission).collect();
        let answered = writer.commit(&submissions, now).unwrap();
        assert!(answered.answers.iter().all(|a| matches!(a, Planned::Accepted { .. })), "{:?}", answered.answers);
    }

    pub fn enrolment(&mut self, party: &str, holder: &str, role: &str) -> Parcel {
        let (pen, operator) = (self.key(party, holder), self.key("op", "o1"));
        let text = |s: &str| Value::Text(s.to_owned());
        let data = [
            ("organisation", text(party)),
            ("holder", text(holder)),
            ("role", text(role)),
            ("alg", text("ed25519")),
            ("public_key", text(&pen.vkey().to_string())),
            ("valid_from", text(&Clock::System.now().to_string())),
        ];
        self.parcel("key.enrolled", party, &data, &[&pen, &operator])
    }

    /// Somebody stood before a gate.
    pub fn attempt(&mut self, party: &str, holder: &str) -> Parcel {
        let pen = self.key(party, holder);
        self.attempt_by(party, &pen)
    }

    /// Many of them.
    pub fn attempts(&mut self, count: usize) -> Vec<Parcel> {
        let pen = self.key("cso-x", "x1");
        (0..count).map(|_| self.attempt_by("cso-x", &pen)).collect()
    }

    /// The same, signed with that key.
    pub fn attempt_by(&mut self, party: &str, pen: &SecretKey) -> Parcel {
        let text = |s: &str| Value::Text(s.to_owned());
        let data = [
            ("facility", text("fac-a")),
            ("organisation", text(party)),
            ("attempted_on", text(&Clock::System.now().date(0).to_string())),
            ("outcome", text("turned_away")),
            ("wait", Value::Integer(20)),
            ("stated_reason", text("lockdown")),
        ];
        self.parcel("visit.attempted", party, &data, &[pen])
    }

    fn parcel(&mut self, kind: &str, by: &str, data: &[(&str, Value)], pens: &[&SecretKey]) -> Parcel {
        self.made += 1;
        let (now, row) = (Clock::System.now(), format!("r{}", self.made));
        let head = Head { kind: (kind, 1), ledger: &self.origin, by, row: &row, seq: self.made, at: now.date(0) };
        let mut event = Event::new(&head);
        event.data = data.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        event.id = Some(format!("{by}/n{}", self.made));
        let kind = Catalogue::built_in().event(kind).unwrap();
        let slot = |name: &&str| {
            let value = (*name == "arrived_at").then(|| Value::Text(now.to_string()));
            Disclosure { salt: random_bytes().unwrap(), name: (*name).to_owned(), value }
        };
        let slots: Vec<Disclosure> = kind.slots().iter().map(slot).collect();
        event.hidden = Some(hidden_root(&slots.iter().map(Disclosure::digest).collect::<Vec<_>>()).to_base64());
        let text = event.to_text();
        let note = Note { signatures: pens.iter().map(|pen| pen.sign(&text)).collect(), text };
        Parcel {
            note: note.to_text(),
            opening: Opening::open(slots.iter().map(Disclosure::to_text).collect()),
            received_at: None,
            source: event.address(),
        }
    }

    /// Starts the server, with this configuration beside the address.
    pub fn serve(&self, config: &str) -> Running {
        self.start(Command::new(env!("CARGO_BIN_EXE_ledger")), config)
    }

    /// The same as a process that may open so many files, at most.
    pub fn serve_with_files(&self, files: usize, config: &str) -> Running {
        let mut command = Command::new("sh");
        let begin = format!("ulimit -S -n {} && ulimit -H -n {files} && exec \"$0\" \"$@\"", files / 2);
        command.args(["-c", &begin, env!("CARGO_BIN_EXE_ledger")]);
        self.start(command, config)
    }

    fn start(&self, mut command: Command, config: &str) -> Running {
        let file = self.path("ledger.toml");
        std::fs::write(&file, format!("[listen]\naddress = \"127.0.0.1:0\"\n{config}")).unwrap();
        command.arg("serve").arg(self.home.folder()).arg("--config").arg(&file);
        let log = std::fs::File::create(self.path("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.trim_end().rsplit('/').next().and_then(|address| address.parse().ok());
        let why = || panic!("it said {line:?}, and {}", std::fs::read_to_string(self.path("log")).unwrap());
        Running { child, address: address.unwrap_or_else(why), said }
    }

    /// What the server wrote to stderr so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap()
    }
}

/// The id of a parcel's event, hex.
pub fn id(parcel: &Parcel) -> String {
    Hash::of(&[Note::parse(parcel.note.as_bytes()).unwrap().text.as_bytes()]).to_hex()
}

/// A body of parcels.
pub fn lines(parcels: &[Parcel]) -> Vec<u8> {
    parcels.iter().map(|parcel| parcel.to_line() + "\n").collect::<String>().into_bytes()
}

/// A server that runs; killed when it is dropped.
pub struct Running {
    pub child: Child,
    pub address: SocketAddr,
    said: BufReader<std::process::ChildStdout>,
}

impl Running {
    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as systemd does.
    pub fn terminate(&self) {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
    }

    /// Waits for its end; its exit code and its last words.
    pub fn ended(&mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    pub fn get(&self, target: &str) -> Answer {
        self.ask("GET", target, &[], b"").unwrap()
    }

    /// Asks without a signature.
    pub fn ask(&self, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        send(self.address, &request(self.address, method, target, fields, body))
    }

    /// Asks with one.
    pub fn signed(&self, key: &SecretKey, method: &str, target: &str, body: Option<&[u8]>) -> Answer {
        send(self.address, &Signing::now(self.address, key).request(method, target, body)).unwrap()
    }

    /// Hands parcels in.
    pub fn post(&self, key: &SecretKey, parcels: &[Parcel]) -> Answer {
        self.signed(key, "POST", "/events", Some(&lines(parcels)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a request is signed, so that it can be signed wrongly.
#[derive(Clone)]
pub struct Signing<'a> {
    pub address: SocketAddr,
    pub key: &'a SecretKey,
    pub created: Timestamp,
    pub seconds: i64,
    pub nonce: [u8; 16],
}

impl<'a> Signing<'a> {
    pub fn now(address: SocketAddr, key: &'a SecretKey) -> Self {
        Self { address, key, created: Clock::System.now(), seconds: 60, nonce: random_bytes().unwrap() }
    }

    /// The header fields for a request.
    pub fn fields(&self, method: &str, target: &str, body: Option<&[u8]>) -> Vec<(&'static str, String)> {
        let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        let authority = http_request::authority(&self.address.to_string(), false);
        let request = Request { method, authority: &authority, path, query };
        let signed = http_request::sign(&request, body, self.key, self.created, self.seconds, &self.nonce).unwrap();
        let mut fields = vec![("Signature-Input", signed.signature_input), ("Signature", signed.signature)];
        fields.extend(signed.content_digest.map(|digest| ("Content-Digest", digest)));
        fields
    }

    /// The whole request.
    pub fn request(&self, method: &str, target: &str, body: Option<&[u8]>) -> Vec<u8> {
        let fields = self.fields(method, target, body);
        let mut fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.push(("Content-Type", "application/jsonl"));
        request(self.address, method, target, &fields, body.unwrap_or_default())
    }
}

/// A request as it goes over the wire; the connection ends with it.
pub fn request(address: SocketAddr, method: &str, target: &str, fields: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n");
    fields.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub fields: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn lines(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The name of the problem; empty where there is none.
    pub fn problem(&self) -> String {
        if self.field("content-type") != "application/problem+json" {
            return String::new();
        }
        let problem = self.json();
        assert_eq!(problem["status"], self.status);
        for said in ["title", "detail"] {
            assert!(problem[said].as_str().is_some_and(|text| text.len() > 10), "{problem}");
        }
        problem["type"].as_str().unwrap().strip_prefix("urn:oversight-ledger:problem:").unwrap().to_owned()
    }
}

/// A connection from an address of this machine.
pub fn connect(from: &str, to: SocketAddr) -> TcpStream {
    connected(from, to, None).unwrap()
}

/// The same, with so few bytes of room for what comes; an error if nobody listens.
pub fn connected(from: &str, to: SocketAddr, room: Option<u32>) -> std::io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        room.map_or(Ok(()), |bytes| socket.set_recv_buffer_size(bytes))?;
        socket.bind(SocketAddr::new(from.parse::<IpAddr>().unwrap(), 0))?;
        socket.connect(to).await?.into_std()
    })?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Sends bytes, and reads the answer to its end; nothing if nobody listens, or the server hung up without one.
pub fn send(to: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = connected("127.0.0.1", to, None).ok()?;
    let _ = stream.write_all(bytes); // a server that has heard enough hangs up
    read(&mut stream)
}

/// Reads an answer to the connection's end.
pub fn read(stream: &mut TcpStream) -> Option<Answer> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let end = all.windows(4).position(|found| found == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&all[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let fields: BTreeMap<String, String> = lines.filter_map(pair).collect();
    Some(Answer { status, fields, body: all[end + 4..].to_vec() })
}
