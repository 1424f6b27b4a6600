//! One ledger with what stands around it: a witness, a mirror, a machine whose clock and disk a test sets.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ledger::answer::Said;
use ledger::net::{Answer, Net};
use ledger::outbox::Parcel;
use ledger::outpost::{Client, Line as _, Trouble};
use tempfile::TempDir;
use tests::services::process::{Process, free_address};
use tests::services::small::Small;

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A ledger, its programs, and what lies beside it.
pub struct Place {
    pub folder: TempDir,
    pub small: Small,
    pub ledger: SocketAddr,
    witness_at: SocketAddr,
    pub witness: Option<Process>,
    pub serving: Option<Process>,
    /// What the configuration says beside what it always says.
    pub config: String,
    programs: PathBuf,
    library: PathBuf,
}

impl Place {
    /// A new ledger before no witness, or before one, which runs.
    pub fn new(witnessed: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let (ledger, witness_at) = (free_address(), free_address());
        let small = Small::found(folder.path(), "fork.example/log", witness_at, |_| {});
        if !witnessed {
            let text = fs::read_to_string(&small.policy).unwrap();
            let log = text.lines().next().unwrap();
            fs::write(&small.policy, format!("{log}\nquorum none\n")).unwrap();
        }
        let programs = Path::new(env!("CARGO_BIN_EXE_demo")).parent().unwrap().to_owned();
        let library = library(folder.path());
        let config = String::new();
        let mut place =
            Self { folder, small, ledger, witness_at, witness: None, serving: None, config, programs, library };
        if witnessed {
            place.start_witness();
        }
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.small.home.folder().to_owned()
    }

    pub fn start_witness(&mut self) {
        let mut arguments = words(&["witness", "serve", "--listen", &self.witness_at.to_string()]);
        for (name, path) in [("--key", "witness.key"), ("--state", "witness.state")] {
            arguments.extend([name.to_owned(), text(&self.path(path))]);
        }
        arguments.extend(["--policy".to_owned(), text(&self.path("witness.policy"))]);
        fs::write(self.path("witness.policy"), fs::read_to_string(&self.small.policy).unwrap()).unwrap();
        self.witness = Some(Process::start(&self.programs, "verifier", &arguments, &self.path("witness.log")));
    }

    /// Serves a folder; or its exit code and what it said.
    pub fn serve(&mut self, home: &Path, more: &[&str]) -> Result<(), (Option<i32>, String)> {
        let config = format!(
            "[listen]\naddress = \"{}\"\n[mirror]\nseconds = 1\n[rate]\nkey_requests = 100000\nkey_requests_burst = 100000\n\
             key_events_burst = 100000\naddress_requests_burst = 1000000\naddress_requests = 1000000\n{}",
            self.ledger, self.config
        );
        fs::write(self.path("ledger.toml"), config).unwrap();
        let mut arguments = words(&["serve", &text(home), "--config", &text(&self.path("ledger.toml"))]);
        arguments.extend(words(more));
        let log = self.path("ledger.log");
        let _ = fs::remove_file(&log);
        let started = Process::try_start(&self.programs, "ledger", &arguments, &self.machine(), &log);
        match started {
            Ok(process) => {
                self.serving = Some(process);
                Ok(())
            }
            Err(code) => Err((code, self.log())),
        }
    }

    /// The clock and the disk of the ledger's machine.
    fn machine(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", text(&self.library)),
            ("WORLD_CLOCK", text(&self.path("clock"))),
            ("WORLD_FULL", text(&self.path("full"))),
            ("WORLD_ROOT", text(self.folder.path())),
        ]
    }

    /// What the ledger said on stderr since its last start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("ledger.log")).unwrap_or_default()
    }

    /// Asks it to end, and waits for it.
    pub fn stop(&mut self) {
        assert_eq!(self.serving.take().expect("it serves").ended_as_asked(), Some(0), "{}", self.log());
    }

    /// One command of the ledger, on its machine.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.programs.join(format!("ledger{}", std::env::consts::EXE_SUFFIX)));
        command.args(arguments).envs(self.machine()).output().unwrap()
    }

    /// Hands so many events in; where each stands, or what kept them out.
    pub fn hand_in(&self, count: usize) -> Result<Vec<(Parcel, u64, Option<String>)>, Trouble> {
        let pen = self.small.key("cso-x", "x1");
        let parcels: Vec<Parcel> = (0..count).map(|_| self.small.attempt("cso-x", &pen)).collect();
        let lines: Vec<String> = parcels.iter().map(Parcel::to_line).collect();
        let mut client = Client::new(&format!("http://{}", self.ledger), pen);
        // As every client does: what got no whole answer is handed in again.
        let mut cut = 0;
        let answers = loop {
            match client.hand_in(&lines) {
                Err(Trouble::Line(_)) if cut < 3 => cut += 1,
                said => break said?,
            }
        };
        let stands = |said: Said| match said {
            Said::Stands { position, receipt } => (position, Some(receipt)),
            Said::Waits { position } => (position, None),
            Said::Refused { why, .. } => panic!("{why}"),
        };
        let answered = parcels.into_iter().zip(answers);
        Ok(answered.map(|(parcel, answer)| (parcel, stands(answer.said))).map(|(p, (at, r))| (p, at, r)).collect())
    }

    /// The receipt of an event, once the ledger gives it.
    pub fn receipt(&self, parcel: &Parcel) -> Option<String> {
        let pen = self.small.key("cso-x", "x1");
        let mut client = Client::new(&format!("http://{}", self.ledger), pen);
        client.receipt(&tests::services::small::id(parcel)).ok().flatten()
    }

    pub fn get(&self, path: &str) -> Answer {
        Net::new(&format!("http://{}", self.ledger), 30).get(path, &[], ANSWER_BYTES_MAX).unwrap()
    }

    /// A figure of the server.
    pub fn figure(&self, name: &str) -> Option<u64> {
        let text = String::from_utf8(self.get("/metrics").body).unwrap();
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    }

    /// Entries under the published checkpoint.
    pub fn published(&self) -> u64 {
        let text = String::from_utf8(self.get("/checkpoint").body).unwrap();
        text.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
    }
}

/// Copies a folder as it is.
pub fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

/// Files of a folder, by name, with their bytes.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push((path.clone(), fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Compiles the machine.
fn library(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("world.c"), folder.join("world.so"));
    fs::write(&source, include_str!("world.c")).unwrap();
    let done =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).arg("-ldl").status();
    assert!(done.is_ok_and(|done| done.success()), "a C compiler is needed, as for the other tests of the disk");
    library
}

pub fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
