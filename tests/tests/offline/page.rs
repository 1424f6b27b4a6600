//! The page with a script of ours beside it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;

/// Time of the page's own clock; it stands still while the page computes.
const BUDGET: &str = "--virtual-time-budget=600000";

/// The committed page, and a browser.
pub struct Page {
    browser: Browser,
    folder: TempDir,
    html: String,
}

impl Page {
    /// Reads the page.
    pub fn open() -> Self {
        let html = std::fs::read_to_string(path()).unwrap();
        Self { browser: Browser::find(), folder: TempDir::new().unwrap(), html }
    }

    /// Runs a script in a copy of the page that has no policy against it, `given` at hand, and gives the lines that it
    /// returns. The script is the body of an asynchronous function.
    pub fn run(&self, script: &str, given: &Value) -> Vec<String> {
        self.run_at(script, given, 1200, &[])
    }

    /// The same on a screen of that width, in pixels, with more arguments for the browser.
    pub fn run_at(&self, script: &str, given: &Value, width: u32, more: &[&str]) -> Vec<String> {
        let (before, after) = self.html.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
        let (_, after) = after.split_once('>').unwrap();
        let (body, end) = after.rsplit_once("</body>").unwrap();
        let given = given.to_string().replace('<', "\\u003c");
        let drive = include_str!("drive.js").replace("/* HERE */", script);
        let given = format!("<script type=\"application/json\" id=\"given\">{given}</script>");
        let html = format!("{before}{body}{given}<script>{drive}</script></body>{end}");
        let file = self.folder.path().join("driven.html");
        std::fs::write(&file, html).unwrap();
        let mut arguments = vec![BUDGET];
        arguments.extend(more);
        let seen = self.browser.open(&file, width, &arguments);
        assert!(seen.dom.contains("<pre id=\"result\">"), "the script came to no end; console: {:?}", seen.console);
        seen.result()
    }

    /// Opens a file as it is; `width` in pixels.
    pub fn look(&self, html: &str, width: u32) -> crate::browser::Seen {
        let file = self.folder.path().join("page.html");
        std::fs::write(&file, html).unwrap();
        self.browser.open(&file, width, &[BUDGET])
    }

    /// The page's text.
    pub fn html(&self) -> &str {
        &self.html
    }
}

/// Bytes as the page's scripts take them: one character each.
pub fn bytes(bytes: &[u8]) -> Value {
    json!(bytes.iter().map(|b| char::from(*b)).collect::<String>())
}

/// The committed page.
pub fn path() -> PathBuf {
    web().join("verify.html")
}

/// A sample of the page.
pub fn sample(name: &str) -> Vec<u8> {
    std::fs::read(web().join("samples").join(name)).unwrap()
}

fn web() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../verifier/web")
}
