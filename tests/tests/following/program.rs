//! The real program, listened to: its events are awaited, its pages are asked for.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use schemas::value::Value;
use tests::memory::Memory;

/// Longest wait for anything; the slowest takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running projector; it is killed when it is dropped.
pub struct Program {
    child: Child,
    said: Receiver<String>,
    told: Receiver<Value>,
}

/// An answer over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        Value::parse(self.body.trim_end().as_bytes()).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }
}

fn program() -> PathBuf {
    let demo = Path::new(env!("CARGO_BIN_EXE_demo"));
    let path = demo.with_file_name(format!("projector{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not there: run `cargo build --bins` first, as tests/run does", path.display());
    path
}

impl Program {
    /// Starts `projector serve` with these arguments beside the usual ones.
    pub fn start(feed: &str, policy: &Path, state: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(["serve", "--feed", feed, "--listen", "127.0.0.1:0"]);
        command.arg("--policy").arg(policy).arg("--state").arg(state).args(more);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (say, said) = channel();
        let (tell, told) = channel();
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).for_each(|line| drop(say.send(line)));
        });
        std::thread::spawn(move || {
            for line in BufReader::new(err).lines().map_while(Result::ok) {
                match Value::parse(line.as_bytes()) {
                    Ok(event) => drop(tell.send(event)),
                    Err(_) => eprintln!("projector: {line}"),
                }
            }
        });
        Self { child, said, told }
    }

    /// The address that it says it listens on.
    pub fn address(&self, word: &str) -> String {
        loop {
            let line = self.said.recv_timeout(PATIENCE).expect("it says where it listens");
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
            }
        }
    }

    /// Waits until it tells of this.
    pub fn tells(&self, event: &str) -> Value {
        loop {
            let told = self.told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("it never tells of {event}"));
            if told.get("event").and_then(Value::as_text) == Some(event) {
                return told;
            }
        }
    }

    /// Waits until it has published so many entries; gives the state digest.
    pub fn publishes(&self, entries: u64) -> String {
        loop {
            let told = self.tells("published");
            if told.get("entries").and_then(Value::as_text) == Some(&entries.to_string()) {
                return told.get("digest").and_then(Value::as_text).unwrap().to_owned();
            }
        }
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill is there").success());
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours");
    }

    /// Waits until it has ended by itself; gives its exit code.
    pub fn ended(mut self) -> Option<i32> {
        // Its output ends when it does.
        while self.said.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().expect("a child of ours").code()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks an address.
pub fn ask(address: &str, line: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let host =
        if headers.iter().any(|(name, _)| *name == "host") { String::new() } else { format!("host: {address}\r\n") };
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "{line} HTTP/1.1\r\n{host}connection: close\r\n{more}\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_else(|| panic!("{head}"));
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

/// GET of a path.
pub fn get(address: &str, path: &str) -> Answer {
    ask(address, &format!("GET {path}"), &[])
}

/// Puts files into a folder as a mirror is written: the checkpoint last, and whole.
pub fn mirror(files: &Memory, folder: &Path) {
    let mut rest = files.clone();
    let checkpoint = rest.remove("checkpoint");
    rest.store(folder).unwrap();
    let draft = folder.join("checkpoint.draft");
    std::fs::write(&draft, checkpoint).unwrap();
    std::fs::rename(draft, folder.join("checkpoint")).unwrap();
}
