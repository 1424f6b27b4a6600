//! A running witness, a client that says exactly what it is told, and two histories of a log.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use tempfile::TempDir;
use verifier::signature::{PublicKey, SecretKey};
use verifier::tree::{consistency, root_of};
use verifier::witness::request::Request;
use verifier::witness::service::key_file;

/// Leaf at which the two histories of a log part.
pub const PARTING: u64 = 5;

/// The files of one witness, and the logs that it watches.
pub struct Files {
    pub folder: TempDir,
    pub logs: Vec<SecretKey>,
}

impl Files {
    /// A witness with a new key, and so many logs.
    pub fn new(logs: u8) -> Self {
        let folder = TempDir::new().unwrap();
        let made = verifier(&["witness", "keygen", "--name", "w.example/1", "--out"], &[&folder.path().join("key")]);
        assert!(made.status.success(), "{made:?}");
        let logs = (0..logs).map(|n| SecretKey::new(&format!("log.example/{n}"), &[n + 1; 32])).collect();
        Self { folder, logs }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The witness's own key.
    pub fn key(&self) -> PublicKey {
        PublicKey::new(&key_file::read(&self.path("key")).unwrap().cosigner_vkey()).unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verifier"));
        command.args(["witness", "serve", "--listen", "127.0.0.1:0", "--key"]).arg(self.path("key"));
        command.arg("--state").arg(self.path("state"));
        for log in &self.logs {
            command.arg("--log").arg(log.vkey().to_string());
        }
        command
    }

    /// Starts it and waits until it says where it listens.
    pub fn start(&self) -> Running {
        let mut child = self.command().stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended: {said}");
            said.push_str(&line);
            if let Some(rest) = line.strip_prefix("listens  http://") {
                break rest.split('/').next().unwrap().parse().unwrap();
            }
        };
        // What it says later is read, so that it never waits for a full pipe.
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Running { child, address, said }
    }

    /// Starts it where it must refuse to, and gives what it said.
    pub fn refused(&self) -> String {
        let output = self.command().output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// A witness that runs; killed when it is dropped.
pub struct Running {
    pub child: Child,
    pub address: SocketAddr,
    pub said: String,
}

impl Running {
    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the command.
pub fn verifier(words: &[&str], paths: &[&Path]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_verifier")).args(words).args(paths).output().unwrap()
}

/// An answer over HTTP.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub body: String,
}

/// Sends bytes, and reads the answer until the other side closes; nothing if it broke off.
pub fn send(address: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    // The other side may answer and close before it has read everything.
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    let text = String::from_utf8(all).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |name: &str| head.lines().find_map(|l| l.to_lowercase().strip_prefix(name).map(str::to_owned));
    let length: usize = header("content-length: ")?.parse().ok()?;
    (body.len() == length).then(|| Answer {
        status,
        kind: header("content-type: ").unwrap_or_default(),
        body: body.to_owned(),
    })
}

pub fn get(address: SocketAddr, path: &str) -> Option<Answer> {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n").as_bytes())
}

pub fn post(address: SocketAddr, body: &str) -> Option<Answer> {
    let head = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    send(address, (head + body).as_bytes())
}

/// Leaves of one of two histories, which part at [`PARTING`].
pub fn leaves(fork: bool, size: u64) -> Vec<Hash> {
    (0..size).map(|n| Hash::leaf(format!("{n} {}", fork && n >= PARTING).as_bytes())).collect()
}

/// The checkpoint of a history, signed.
pub fn note(log: &SecretKey, fork: bool, size: u64) -> Note {
    let origin = Origin::parse(&log.vkey().name).unwrap();
    let text = Checkpoint { origin, size, root: root_of(&leaves(fork, size)) }.to_text();
    Note { signatures: vec![log.sign(&text)], text }
}

/// The request from one size of a history to another.
pub fn request(log: &SecretKey, fork: bool, old: u64, size: u64) -> String {
    let proof = consistency(&leaves(fork, size), old).unwrap();
    Request { old, proof, note: note(log, fork, size) }.to_text()
}
