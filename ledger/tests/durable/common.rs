//! What these tests share: how to start this very executable as a child, and what they store.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use ledger::failure::Failure;
use ledger::probe::Probe;
use ledger::store::{Batch, Store};

/// Names what a child shall do; without it the test `child` does nothing.
pub const ROLE: &str = "LEDGER_TEST_ROLE";
/// The folder that it shall do it in.
pub const FOLDER: &str = "LEDGER_TEST_FOLDER";
/// Arguments by which the test harness runs the test `child` alone.
pub const CHILD: [&str; 3] = ["--exact", "child", "--nocapture"];

/// A probe by this test's own executable.
pub fn probe() -> Probe {
    Probe::of_this_program().unwrap().with_arguments(CHILD).with_stall(Duration::from_secs(20))
}

/// Opens a store as the ledger would.
pub fn open(dir: &Path) -> Result<Store, Failure> {
    Store::open(dir, &probe())
}

/// A command that becomes a child in this role.
pub fn command(role: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(CHILD);
    in_role(&mut command, role, folder);
    command
}

/// Tells a command what its child shall be.
pub fn in_role(command: &mut Command, role: &str, folder: &Path) {
    command.env(ROLE, role).env(FOLDER, folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
}

/// A running child whose lines `said: ...` can be read.
pub struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The next thing it says; `None` when it has ended.
    pub fn hear(&mut self) -> Option<String> {
        self.lines.find_map(|line| line.unwrap().strip_prefix("said: ").map(str::to_owned))
    }

    /// Kills it as `kill -9` does; the last thing that it managed to say.
    pub fn kill(mut self) -> Option<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.hear()).last()
    }

    /// Waits for its end; everything it still said, and whether it went well.
    pub fn finish(mut self) -> (Vec<String>, bool) {
        let said = std::iter::from_fn(|| self.hear()).collect();
        (said, self.child.wait().unwrap().success())
    }
}

/// Says a line to the parent, past the harness.
pub fn say(what: &str) {
    use std::io::Write as _;
    let mut output = std::io::stdout().lock();
    writeln!(output, "\nsaid: {what}").and_then(|()| output.flush()).unwrap();
}

/// A small generator, so that a failing run can be repeated: xorshift64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.next() % below
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// The bytes of the entry that belongs at a position: now short, now in many parts.
pub fn entry(position: u64) -> Vec<u8> {
    let mut dice = Dice(position.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let length = match position % 97 {
        0 => 1,
        13 => 7_000,
        31 => 20_000,
        96 => 65_535,
        _ => 400 + dice.roll(600),
    };
    let mut bytes = Vec::with_capacity(length as usize + 8);
    while bytes.len() < length as usize {
        bytes.extend_from_slice(&dice.next().to_le_bytes());
    }
    bytes.truncate(length as usize);
    bytes
}

/// A batch of entries that follow `first`, with a note of its own and one that every batch replaces.
pub fn batch(first: u64, count: u64) -> Batch {
    let size = first + count;
    Batch {
        first,
        entries: (first..size).map(entry).collect(),
        notes: vec![
            (format!("checkpoint/{size:020}"), format!("root of {size}").into_bytes()),
            ("latest".to_owned(), vec![b'.'; (size % 9_000) as usize]),
        ],
    }
}

/// Whether a store holds the truth up to its size and nothing else.
pub fn check(store: &Store) -> Result<u64, Failure> {
    let mut count = 0;
    for found in store.entries(0) {
        let (position, bytes) = found?;
        assert_eq!(position, count);
        assert!(bytes == entry(position), "wrong bytes of entry {position}");
        count += 1;
    }
    assert_eq!(count, store.size());
    for (name, value) in store.notes("checkpoint/")? {
        let size: u64 = name["checkpoint/".len()..].parse().unwrap();
        assert_eq!(value, format!("root of {size}").into_bytes());
        assert!(size <= count);
    }
    let latest = store.note("latest")?.map_or(0, |value| value.len() as u64);
    assert_eq!(latest, count % 9_000, "the last batch's note stands with its entries");
    Ok(count)
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    verifier::output::create_folders(to, verifier::output::Readers::Owner).unwrap();
    for found in fs::read_dir(from).unwrap() {
        let path = found.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() { copy(&path, &to.join(name)) } else { assert!(fs::copy(&path, to.join(name)).is_ok()) }
    }
}
