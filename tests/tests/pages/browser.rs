//! Chromium without a window, without a network, and with a profile of its own.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tempfile::TempDir;

/// Longest that one page may take; the slowest takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser.
pub struct Browser {
    program: PathBuf,
    profile: TempDir,
}

/// What it made of a page.
pub struct Seen {
    /// The page after it was read, and after its scripts ran.
    pub dom: String,
    /// What stands in its console: refused scripts and styles, failed requests, errors.
    pub console: Vec<String>,
}

impl Browser {
    /// The Chromium on the PATH. `tests/run` turns these tests on only where there is one.
    pub fn find() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut programs = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
        let program = programs.find(|program| program.is_file()).expect("chromium is on the PATH");
        Self { program, profile: TempDir::new().unwrap() }
    }

    /// Opens a file on a screen of that width, in pixels.
    pub fn open(&self, page: &Path, width: u32, more: &[&str]) -> Seen {
        let mut command = Command::new(&self.program);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            // Whatever asks for a host fails, and says so.
            .args(["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0"])
            .arg(format!("--user-data-dir={}", self.profile.path().display()))
            .arg(format!("--window-size={width},900"))
            .args(more)
            .arg("--dump-dom")
            .arg(format!("file://{}", page.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (send, receive) = mpsc::channel();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let log = std::thread::spawn(move || {
            let mut text = Vec::new();
            err.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
        });
        std::thread::spawn(move || {
            let mut text = Vec::new();
            let read = out.read_to_end(&mut text);
            let _ = send.send(read.map(|_| text));
        });
        let Ok(read) = receive.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            panic!("{} was not read within {PATIENCE:?}", page.display());
        };
        let status = child.wait().unwrap();
        let log = log.join().unwrap();
        assert!(status.success(), "{}: {status}\n{log}", page.display());
        let dom = String::from_utf8(read.unwrap()).unwrap();
        let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned).collect();
        Seen { dom, console }
    }
}

impl Seen {
    /// The lines that a script of ours left in the element `result`.
    pub fn result(&self) -> Vec<String> {
        let after = self.dom.split("<pre id=\"result\">").nth(1).expect("the script left a result");
        let text = after.split("</pre>").next().unwrap_or_default();
        let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
        plain.lines().map(str::to_owned).collect()
    }
}
