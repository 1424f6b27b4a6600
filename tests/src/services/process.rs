//! One program that runs, listened to.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use schemas::value::Value;

/// What it says on its first line once it is there.
const READY: [&str; 4] = ["listens", "the desk is open", "witness", "oversight"];
/// Between two looks where nothing is told.
const LOOK: Duration = Duration::from_millis(200);

/// A running program; it is killed when it is dropped.
pub struct Process {
    child: Child,
    heard: Arc<Heard>,
    said: String,
}

#[derive(Default)]
struct Heard {
    published: Mutex<Option<(u64, String)>>,
    news: Condvar,
}

impl Process {
    /// Starts it, and waits until it is there; what it says goes into a log.
    pub fn start(programs: &Path, name: &str, arguments: &[String], log: &Path) -> Self {
        let started = Self::try_start(programs, name, arguments, &[], log);
        started.unwrap_or_else(|_| panic!("{name} ended: {}", std::fs::read_to_string(log).unwrap_or_default()))
    }

    /// The same for one that may end instead, in these surroundings; then its exit code.
    ///
    /// # Errors
    /// Its exit code, if it ended before it was there.
    pub fn try_start(
        programs: &Path,
        name: &str,
        arguments: &[String],
        surroundings: &[(&str, String)],
        log: &Path,
    ) -> Result<Self, Option<i32>> {
        let program = programs.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
        assert!(
            program.exists(),
            "{} is not there: run `cargo build --bins` first, as tests/run does",
            program.display()
        );
        let mut command = Command::new(program);
        command.envs(surroundings.iter().map(|(name, value)| (name, value)));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let heard = Arc::new(Heard::default());
        let (mut lines, errors) = (
            BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok),
            BufReader::new(child.stderr.take().expect("piped")).lines().map_while(Result::ok),
        );
        let mut file = OpenOptions::new().create(true).append(true).open(log).expect("the folder takes it");
        let listener = Arc::clone(&heard);
        let errors = std::thread::spawn(move || {
            for line in errors {
                let _ = writeln!(file, "{line}");
                listener.hear(&line);
            }
        });
        let mut said = String::new();
        let ready = lines.by_ref().any(|line| {
            said += &line;
            said.push('\n');
            READY.iter().any(|word| line.starts_with(word))
        });
        if !ready {
            let ended = child.wait().expect("a child of ours");
            errors.join().expect("it only writes");
            return Err(ended.code());
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, heard, said })
    }

    /// What it said until it was there.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// What a projector published last: entries and digest.
    pub fn published(&self) -> Option<(u64, String)> {
        self.heard.published.lock().expect("nobody panics there").clone()
    }

    /// Asks again whenever something is published, and now and then beside it.
    pub fn until<T>(&self, patience: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = ask() {
                return Some(found);
            }
            if begun.elapsed() > patience {
                return None;
            }
            let published = self.heard.published.lock().expect("nobody panics there");
            drop(self.heard.news.wait_timeout(published, LOOK));
        }
    }

    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.child.kill().expect("a child of ours");
        self.child.wait().expect("a child of ours");
    }

    /// Asks it to end, as systemd does, and waits for it; its exit code.
    pub fn ended_as_asked(mut self) -> Option<i32> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill is there").success());
        self.child.wait().expect("a child of ours").code()
    }
}

impl Heard {
    fn hear(&self, line: &str) {
        let Ok(event) = Value::parse(line.as_bytes()) else { return };
        let member = |name: &str| event.get(name).and_then(Value::as_text);
        if let (Some("published"), Some(entries), Some(digest)) = (member("event"), member("entries"), member("digest"))
            && let Ok(entries) = entries.parse()
        {
            *self.published.lock().expect("nobody panics there") = Some((entries, digest.to_owned()));
            self.news.notify_all();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address of this machine where nobody listens.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it has one")
}
