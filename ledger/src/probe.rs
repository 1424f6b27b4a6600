//! Trying a store in a child process under a watchdog, because sled may panic, spin or take all
//! memory over a damaged one, and a thread that spins cannot be stopped.
//!
//! The child is the same program, told by an environment variable: every program that opens a
//! store calls [`take_over`] before anything else. It says what it found in lines on its standard
//! output that begin with `probe: `, and ends with its parent.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use crate::failure::{Damage, Failure};
use crate::store::Store;

/// Set for the child: the folder of the store to try.
const VARIABLE: &str = "OVERSIGHT_LEDGER_PROBE";
/// Set for the child where it need not read everything.
const SAMPLE: &str = "OVERSIGHT_LEDGER_PROBE_SAMPLE";
/// A child that says nothing for so long is killed, unless the caller allows another time.
const STALL_SECONDS: u64 = 20;
/// How often the child's memory is looked at.
const TICK: Duration = Duration::from_millis(250);
/// Memory that the child may take beside half the length of the database file, in bytes.
const MEMORY_BYTES: u64 = 512 << 20;
/// Longest line that is read from the child, in bytes.
const LINE_BYTES_MAX: u64 = 1_000;

/// How to try a store.
#[derive(Clone, Debug)]
pub struct Probe {
    program: PathBuf,
    arguments: Vec<OsString>,
    stall: Duration,
}

/// A store that the child has read from end to end.
#[derive(Debug, PartialEq, Eq)]
pub struct Sound {
    /// How many entries it holds.
    pub entries: u64,
}

impl Probe {
    /// By this program, which calls [`take_over`] when it starts.
    ///
    /// # Errors
    /// [`Failure::Io`] if the system does not say where its executable is.
    pub fn of_this_program() -> Result<Self, Failure> {
        let found = std::env::current_exe();
        found.map(Self::of).map_err(|e| Failure::io("find", Path::new("this program's executable"), e))
    }

    /// By another program that does.
    pub fn of(program: PathBuf) -> Self {
        Self { program, arguments: Vec::new(), stall: Duration::from_secs(STALL_SECONDS) }
    }

    /// With arguments, for a program that must be told to get that far.
    #[must_use]
    pub fn with_arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// With another time without progress; a slow disk and a large store may need more.
    #[must_use]
    pub fn with_stall(mut self, stall: Duration) -> Self {
        self.stall = stall;
        self
    }

    /// Tries the store in `dir`, which no other process may have open.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Hung`], [`Failure::Locked`], [`Failure::Unprobed`],
    /// [`Failure::Io`].
    pub fn run(&self, dir: &Path) -> Result<Sound, Failure> {
        self.watch(dir, false)
    }

    /// The same for a store that was closed in good order and has not been touched since: it is opened, which is where
    /// a damaged one panics, spins or swells, and samples of it are read.
    ///
    /// # Errors
    /// As [`Probe::run`].
    pub fn sample(&self, dir: &Path) -> Result<Sound, Failure> {
        self.watch(dir, true)
    }

    fn watch(&self, dir: &Path, sample: bool) -> Result<Sound, Failure> {
        let unprobed = || Failure::Unprobed { program: self.program.clone() };
        if std::env::var_os(VARIABLE).is_some() {
            return Err(unprobed()); // a child that did not know what it is; it must not start another
        }
        let length = std::fs::metadata(dir.join("db")).map_or(0, |m| m.len());
        let memory = MEMORY_BYTES + length / 2;
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).env(VARIABLE, dir);
        if sample {
            command.env(SAMPLE, "1");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = command.spawn().map_err(|e| Failure::io("start", &self.program, e))?;
        let mut child = Watched(started);
        let lines = child.lines();

        let (mut heard, mut greeted) = (Instant::now(), false);
        loop {
            match lines.recv_timeout(TICK) {
                Ok(line) => {
                    heard = Instant::now();
                    greeted = true;
                    if let Some(verdict) = Verdict::parse(&line) {
                        child.end();
                        return verdict.outcome(dir);
                    }
                }
                Err(RecvTimeoutError::Disconnected) if greeted => {
                    let status = child.end();
                    let how = status.map_or("no exit status".to_owned(), |status| status.to_string());
                    if status.is_some_and(is_from_outside) {
                        let why = format!("the process that tries it was ended from outside ({how}); try again");
                        return Err(Failure::io("read", dir, std::io::Error::other(why)));
                    }
                    return Err(Failure::damaged(dir, Damage::Crashed { how }));
                }
                Err(RecvTimeoutError::Disconnected) => return Err(unprobed()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if heard.elapsed() >= self.stall {
                let (path, seconds) = (dir.to_owned(), self.stall.as_secs());
                return Err(Failure::Hung { path, seconds, known: None });
            }
            if child.memory().is_some_and(|taken| taken > memory) {
                return Err(Failure::damaged(dir, Damage::Swollen { mebibytes: memory >> 20 }));
            }
        }
    }
}

/// Whether somebody else ended a process: a person, the system as it goes down or is short of memory, a limit. That says
/// nothing of what it read.
fn is_from_outside(status: ExitStatus) -> bool {
    #[cfg(unix)]
    {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGQUIT, SIGTERM, SIGXCPU, SIGXFSZ};
        let outside = [SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGPIPE, SIGTERM, SIGXCPU, SIGXFSZ];
        std::os::unix::process::ExitStatusExt::signal(&status).is_some_and(|signal| outside.contains(&signal))
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        false
    }
}

/// A child that does not outlive this value.
struct Watched(Child);

impl Watched {
    /// Its lines, without the mark; closed when it ends.
    fn lines(&mut self) -> Receiver<String> {
        let (sender, receiver) = sync_channel(64);
        if let Some(output) = self.0.stdout.take() {
            std::thread::spawn(move || {
                let mut output = BufReader::new(output);
                loop {
                    let mut line = Vec::new();
                    let read = output.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
                    if !read.is_ok_and(|bytes| bytes > 0) {
                        return;
                    }
                    let line = String::from_utf8_lossy(&line);
                    let Some(said) = line.trim_end().strip_prefix("probe: ") else { continue };
                    if sender.send(said.to_owned()).is_err() {
                        return;
                    }
                }
            });
        }
        receiver
    }

    /// The memory that it takes, in bytes, where the system says so.
    fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
    }

    /// Ends it, if it has not ended by itself.
    fn end(&mut self) -> Option<ExitStatus> {
        if let Ok(Some(status)) = self.0.try_wait() {
            return Some(status);
        }
        let _ = self.0.kill();
        self.0.wait().ok()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.end();
    }
}

/// The child's last word.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Sound { entries: u64 },
    Locked,
    Damaged { says: String },
    Crashed { how: String },
    Failed { why: String },
}

impl Verdict {
    fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "sound" => schemas::base::from_decimal(rest).map(|entries| Self::Sound { entries }),
            "locked" => Some(Self::Locked),
            "damaged" => Some(Self::Damaged { says: rest.to_owned() }),
            "crashed" => Some(Self::Crashed { how: rest.to_owned() }),
            "failed" => Some(Self::Failed { why: rest.to_owned() }),
            _ => None,
        }
    }

    fn to_line(&self) -> String {
        match self {
            Self::Sound { entries } => format!("sound {entries}"),
            Self::Locked => "locked".to_owned(),
            Self::Damaged { says } => format!("damaged {says}"),
            Self::Crashed { how } => format!("crashed {how}"),
            Self::Failed { why } => format!("failed {why}"),
        }
    }

    fn outcome(self, dir: &Path) -> Result<Sound, Failure> {
        match self {
            Self::Sound { entries } => Ok(Sound { entries }),
            Self::Locked => Err(Failure::Locked { path: dir.to_owned() }),
            Self::Damaged { says } => Err(Failure::damaged(dir, Damage::Unreadable { says })),
            Self::Crashed { how } => Err(Failure::damaged(dir, Damage::Crashed { how })),
            Self::Failed { why } => Err(Failure::io("read", dir, std::io::Error::other(why))),
        }
    }
}

/// In a process that was started to try a store: tries it, says what it found, and ends the
/// process. In any other: returns at once. Call it before anything else in `main`.
pub fn take_over() {
    let Some(dir) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return };
    // The parent holds the other end of standard input: when it is gone, so are we.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(1);
    });
    verifier::terminal::outlive();
    // Whatever thread panics, the store is not one to open.
    std::panic::set_hook(Box::new(|panic| end(&Verdict::Crashed { how: panic.to_string() })));
    say("\nprobe: begun"); // on a line of its own, whatever stood there before
    end(&try_store(&dir));
}

fn try_store(dir: &Path) -> Verdict {
    let progress = |at: u64| say(&format!("probe: at {at}"));
    let sample = std::env::var_os(SAMPLE).is_some();
    let read = Store::open_unprobed(dir, None)
        .and_then(|store| if sample { store.sample(progress) } else { store.scan(progress) });
    match read {
        Ok(entries) => Verdict::Sound { entries },
        Err(Failure::Locked { .. }) => Verdict::Locked,
        Err(Failure::Damaged { damage: Damage::Unreadable { says }, .. }) => Verdict::Damaged { says },
        Err(Failure::Damaged { damage: Damage::Crashed { how }, .. }) => Verdict::Crashed { how },
        Err(Failure::Damaged { damage, .. }) => Verdict::Damaged { says: damage.to_string() },
        Err(failure) => Verdict::Failed { why: failure.to_string() },
    }
}

/// One line to the parent; without a parent there is nothing to do.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    if writeln!(output, "{line}").and_then(|()| output.flush()).is_err() {
        std::process::exit(1);
    }
}

fn end(verdict: &Verdict) -> ! {
    let line = verdict.to_line().replace(['\n', '\r'], " ");
    say(&format!("probe: {}", line.chars().take(300).collect::<String>()));
    std::process::exit(0);
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn who_is_ended_from_outside_says_nothing_of_a_store() {
        let folder = tempfile::tempdir().unwrap();
        for (signal, outside) in [
            ("HUP", true),
            ("INT", true),
            ("QUIT", true),
            ("KILL", true),
            ("PIPE", true),
            ("TERM", true),
            ("XCPU", true),
            ("XFSZ", true),
            ("SEGV", false),
            ("BUS", false),
            ("ILL", false),
            ("FPE", false),
            ("ABRT", false),
        ] {
            let script = format!("echo 'probe: begun'; ulimit -c 0; kill -{signal} $$");
            let probe = Probe::of("/bin/sh".into()).with_arguments(["-c", &script]);
            let why = probe.run(folder.path()).unwrap_err();
            let told = why.to_string();
            assert_eq!(matches!(why, Failure::Damaged { .. }), !outside, "{signal}: {told}");
            assert_eq!(verifier::terminal::reasons(&why).contains("ended from outside"), outside, "{signal}: {told}");
        }
    }
}
