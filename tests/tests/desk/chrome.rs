//! A Chromium that stays open, is driven through the pipes of its debugging protocol, and has no network but loopback.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest that one answer of the browser may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one page.
pub struct Chrome {
    child: Child,
    to: File,
    from: Receiver<Value>,
    number: u64,
    session: String,
    /// Lines of its console: refused scripts and styles, errors.
    pub console: Vec<String>,
    _folder: TempDir,
}

impl Chrome {
    /// Starts it, on a screen of that width, in pixels.
    pub fn start(width: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let (to, from) = (folder.path().join("to"), folder.path().join("from"));
        assert!(Command::new("mkfifo").args([&to, &from]).status().unwrap().success());
        // The protocol speaks on file descriptors 3 and 4, which only a shell can hand over here.
        let child = Command::new("sh")
            .args(["-c", "exec 3<\"$1\" 4>\"$2\"; shift 2; exec \"$@\"", "sh"])
            .args([&to, &from])
            .arg(program())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = File::options().write(true).open(to).unwrap();
        let reader = BufReader::new(File::open(from).unwrap());
        let (send, receive) = channel();
        std::thread::spawn(move || {
            for message in reader.split(0) {
                let Ok(message) = message else { return };
                let Ok(message) = serde_json::from_slice(&message) else { return };
                if send.send(message).is_err() {
                    return;
                }
            }
        });
        let mut chrome =
            Self { child, to, from: receive, number: 0, session: String::new(), console: Vec::new(), _folder: folder };
        let targets = chrome.call("Target.getTargets", &json!({}));
        let all = targets["targetInfos"].as_array().unwrap();
        let page = all.iter().find(|target| target["type"] == "page").unwrap()["targetId"].clone();
        let attached = chrome.call("Target.attachToTarget", &json!({ "targetId": page, "flatten": true }));
        chrome.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "DOM"] {
            chrome.call(&format!("{domain}.enable"), &json!({}));
        }
        chrome.screen(width);
        chrome
    }

    /// Gives the page a screen of that width.
    pub fn screen(&mut self, width: u32) {
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// Asks the browser for something.
    pub fn call(&mut self, method: &str, parameters: &Value) -> Value {
        let number = self.send(method, parameters);
        loop {
            let message = self.next();
            if message["id"] == number {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].clone();
            }
        }
    }

    fn send(&mut self, method: &str, parameters: &Value) -> u64 {
        self.number += 1;
        let mut message = json!({ "id": self.number, "method": method, "params": parameters });
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to.write_all(message.to_string().as_bytes()).unwrap();
        self.to.write_all(&[0]).unwrap();
        self.number
    }

    fn next(&mut self) -> Value {
        let message = self.from.recv_timeout(PATIENCE).expect("the browser answers");
        match message["method"].as_str() {
            Some("Log.entryAdded") => self.console.push(message["params"]["entry"]["text"].to_string()),
            Some("Runtime.exceptionThrown") => self.console.push(message["params"].to_string()),
            _ => {}
        }
        message
    }

    /// Waits for a page to be there, after something that loads one.
    fn loaded(&mut self, number: u64) {
        let (mut answered, mut loaded) = (false, false);
        while !(answered && loaded) {
            let message = self.next();
            answered |= message["id"] == number;
            loaded |= message["method"] == "Page.loadEventFired";
        }
    }

    /// Goes to a page.
    pub fn go(&mut self, address: &str) {
        let number = self.send("Page.navigate", &json!({ "url": address }));
        self.loaded(number);
    }

    /// What an expression of a script comes to in the page.
    pub fn ask(&mut self, script: &str) -> Value {
        let parameters = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let result = self.call("Runtime.evaluate", &parameters);
        assert!(result["exceptionDetails"].is_null(), "{script}: {}", result["exceptionDetails"]);
        result["result"]["value"].clone()
    }

    /// A text that a script gives.
    pub fn text(&mut self, script: &str) -> String {
        self.ask(script).as_str().unwrap_or_default().to_owned()
    }

    /// The visible text of the page's main part.
    pub fn main(&mut self) -> String {
        self.text("document.querySelector('main').innerText")
    }

    /// Where it is.
    pub fn address(&mut self) -> String {
        self.text("location.href")
    }

    /// Does something in the page that loads another one.
    pub fn follow(&mut self, script: &str) {
        let parameters = json!({ "expression": script, "returnByValue": true, "userGesture": true });
        let number = self.send("Runtime.evaluate", &parameters);
        self.loaded(number);
    }

    /// Presses what a selector finds.
    pub fn press(&mut self, selector: &str) {
        self.follow(&format!("document.querySelector({selector:?}).click()"));
    }

    /// Writes into the field of that name.
    pub fn fill(&mut self, name: &str, value: &str) {
        let found = self.ask(&format!(
            "(() => {{ const all = [...document.getElementsByName({name:?})];
              const choice = all.find((one) => ['radio', 'checkbox'].includes(one.type));
              if (choice) {{ const one = all.find((one) => one.value === {value:?}); one.checked = true; return 1; }}
              if (!all[0]) return 0;
              all[0].value = {value:?}; return all[0].value === {value:?} ? 1 : 0; }})()"
        ));
        assert_eq!(found, 1, "{name} takes {value:?}");
    }

    /// Puts files into the field that a selector finds.
    pub fn choose(&mut self, selector: &str, files: &[PathBuf]) {
        let root = self.call("DOM.getDocument", &json!({}))["root"]["nodeId"].clone();
        let node = self.call("DOM.querySelector", &json!({ "nodeId": root, "selector": selector }))["nodeId"].clone();
        self.call("DOM.setFileInputFiles", &json!({ "nodeId": node, "files": files }));
    }

    /// Presses a key: `Tab`, `Enter`, ` ` or a letter.
    pub fn key(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            " " => (32, " "),
            _ => (0, key),
        };
        let mut down = json!({ "type": "keyDown", "key": key, "code": key, "windowsVirtualKeyCode": code });
        if !text.is_empty() {
            down["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", &down);
        self.call(
            "Input.dispatchKeyEvent",
            &json!({ "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code }),
        );
    }

    /// A picture of the whole page.
    pub fn picture(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", &json!({ "captureBeyondViewport": true }));
        schemas::base::from_base64(shot["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Chrome {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Chromium on the PATH. `tests/run` turns these tests on only where there is one.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder: PathBuf| Path::new(&folder).join(name)));
    programs.find(|program| program.is_file()).expect("chromium is on the PATH")
}
