//! What these tests share: the programs beside this one, tables, files below a folder.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tests::demo::Places;

/// One of the system's programs, built beside the demo.
///
/// # Panics
/// If it is not there: cargo builds the programs of other packages only when it is told to.
pub fn program(name: &str) -> PathBuf {
    let demo = Path::new(env!("CARGO_BIN_EXE_demo"));
    let path = demo.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "{} is not there: run `cargo build --bins` first, as tests/run does", path.display());
    path
}

/// What a program said, and how it ended.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; `None` if it was killed.
    pub code: Option<i32>,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Ran {
    /// The same, once it is sure that it ended with this code.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// The same, once it is sure that it said all of these, on whichever stream.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Self {
        let all = format!("{}{}", self.out, self.err);
        for word in words {
            assert!(all.contains(word), "no {word:?} in: {all}");
        }
        self
    }
}

/// Runs a program to its end.
pub fn run<A: AsRef<std::ffi::OsStr>>(name: &str, arguments: &[A]) -> Ran {
    ran(command(name, arguments).output().expect("the program starts"))
}

/// Runs a line as a shell would.
pub fn shell(line: &str) -> Ran {
    ran(Command::new("bash").args(["-c", line]).stdin(Stdio::null()).output().expect("bash starts"))
}

/// A line that goes on beside this one, until this is dropped.
pub struct Running(Child);

impl Running {
    /// Starts it, and waits for its first word: then it answers.
    pub fn start(line: &str) -> Self {
        let mut child = Command::new("bash");
        child
            .args(["-c", &format!("exec {line}")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut child = child.spawn().expect("bash starts");
        let mut first = String::new();
        BufReader::new(child.stdout.as_mut().expect("it is heard")).read_line(&mut first).expect("it speaks");
        assert!(!first.is_empty(), "{line}: ended at once");
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill(); // it may have ended
        let _ = self.0.wait();
    }
}

/// Copies a folder with all below it; the copy need not exist.
pub fn copy_below(from: &Path, to: &Path) {
    for path in files_below(from).into_keys() {
        let (from, to) = (from.join(&path), to.join(&path));
        let above = to.parent().expect("a file lies in a folder");
        verifier::output::create_folders(above, verifier::output::Readers::Owner).expect("a folder");
        std::fs::copy(&from, &to).expect("a copy");
    }
}

/// A program with arguments, heard and not seen.
pub fn command<A: AsRef<std::ffi::OsStr>>(name: &str, arguments: &[A]) -> Command {
    let mut command = Command::new(program(name));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a finished program said.
pub fn ran(output: Output) -> Ran {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("programs speak UTF-8");
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// A folder for one process's results that is empty at first, and may be looked at afterwards. Runners
/// may give each test a process of its own, all at once.
pub fn fresh(name: &str) -> PathBuf {
    let own = format!("{name}-{}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("country").join(own);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("an old result can be removed");
    }
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// The folder of a hand-written country.
pub fn scenario(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenario").join(name)
}

/// Places for a country's results.
pub fn places(scenario: &Path, out: &Path) -> Places {
    Places { scenario: scenario.to_owned(), out: out.to_owned() }
}

/// The rows of a CSV file by column name.
pub fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    reader.deserialize().map(|row| row.expect("a row with the header's columns")).collect()
}

/// Every file below a folder: its path with `/`, and its bytes.
pub fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).expect("a folder can be listed") {
            let path = entry.expect("a folder can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("it lies below").to_string_lossy().replace('\\', "/");
                found.insert(name, std::fs::read(&path).expect("a file can be read"));
            }
        }
    }
    found
}

/// Copies a folder with all below it.
pub fn copy_folder(from: &Path, to: &Path) {
    for (name, bytes) in files_below(from) {
        let path = to.join(name);
        let above = path.parent().expect("a file lies in a folder");
        verifier::output::create_folders(above, verifier::output::Readers::Owner).expect("a folder can be made");
        verifier::output::write(&path, &bytes, verifier::output::Readers::Owner).expect("a file can be written");
    }
}
