//! The ledger as its own process, and the line to it, which can be cut.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// Longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// It works.
    Whole = 0,
    /// Nothing comes through.
    Cut = 1,
    /// What is sent arrives; the answer does not.
    AnswersLost = 2,
}

/// A line between two places of this machine.
pub struct Cable {
    wire: Arc<AtomicU8>,
    /// The near end.
    pub address: SocketAddr,
}

impl Cable {
    /// Lays a line to an address.
    pub fn to(far: SocketAddr) -> Self {
        let wire = Arc::new(AtomicU8::new(Wire::Whole as u8));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, switch) = (listener.local_addr().unwrap(), Arc::clone(&wire));
        std::thread::spawn(move || {
            for near in listener.incoming() {
                let (Ok(near), Ok(far)) = (near, TcpStream::connect(far)) else { return };
                let (there, back) = (Arc::clone(&switch), Arc::clone(&switch));
                let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                std::thread::spawn(move || pass(near, far, || there.load(Ordering::SeqCst) != Wire::Cut as u8));
                std::thread::spawn(move || {
                    pass(far_too, near_too, || back.load(Ordering::SeqCst) == Wire::Whole as u8);
                });
            }
        });
        Self { wire, address }
    }

    /// Cuts it, or mends it.
    pub fn set(&self, wire: Wire) {
        self.wire.store(wire as u8, Ordering::SeqCst);
    }
}

/// Passes bytes on for as long as they come through.
fn pass(mut from: TcpStream, mut to: TcpStream, through: impl Fn() -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read) = from.read(&mut buffer) {
        if read == 0 || !through() || to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// A ledger that serves.
pub struct Served {
    child: Child,
    /// Where.
    pub address: SocketAddr,
}

impl Served {
    /// Serves the ledger in a folder; readings are recorded by the operator's key in another one.
    pub fn start(ledger: &Path, readings: &Path) -> Self {
        let program =
            Path::new(env!("CARGO_BIN_EXE_demo")).with_file_name(format!("ledger{}", std::env::consts::EXE_SUFFIX));
        assert!(program.exists(), "{} is not there: run `cargo build --bins` first", program.display());
        let mut child = Command::new(program)
            .arg("serve")
            .arg(ledger)
            .args(["--listen", "127.0.0.1:0", "--readings"])
            .arg(readings)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("http://")).expect("it says where it listens");
        let address = line.split_once("http://").unwrap().1.trim().parse().unwrap();
        // What else it says must not stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, address }
    }

    fn get(&self, path: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// How often a text stands in the entries of the published log.
    pub fn count(&self, text: &str) -> usize {
        let checkpoint = String::from_utf8(self.get("/checkpoint")).unwrap();
        let note = checkpoint.split_once("\r\n\r\n").unwrap().1;
        let size: usize = note.lines().nth(1).unwrap().parse().unwrap();
        assert!(size < 256, "the log outgrew one partial tile");
        let entries = self.get(&format!("/tile/entries/000.p/{size}"));
        String::from_utf8_lossy(&entries).matches(text).count()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
