//! Tools that others wrote, in another language: our feeder before the public witness server, the
//! public feeder before ours, and the public verifier on our bundle. Feature `foreign`; the variable
//! `FOREIGN` names the folder with `aics-tlog` and `aics-witness`, as `tests/run` installs them.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use ledger::clock::Clock;
use ledger::publish::publish;
use ledger::witness::{Panel, Silence};
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::policy::Policy;
use tempfile::TempDir;
use verifier::head::check_head;

use crate::common::{Small, at, checked, key};
use crate::wire::Server;

fn tool(name: &str) -> Command {
    let folder = std::env::var_os("FOREIGN").expect("FOREIGN names the folder of the tools; run `bash tests/run`");
    Command::new(PathBuf::from(folder).join("bin").join(name))
}

fn ran(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"))
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The public witness server; it ends with this.
struct Theirs {
    child: Child,
    address: String,
    vkey: String,
}

impl Theirs {
    fn start(folder: &Path, log: &str) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.join("witness.json");
        let listen = format!("127.0.0.1:{port}");
        let init = ["init", "--name", "w1.example/theirs", "--listen", &listen, "--config"];
        let made = ran(tool("aics-witness").args(init).arg(&config));
        assert!(made.status.success(), "{}", text(&made));
        let vkey = String::from_utf8(made.stdout).unwrap().lines().last().unwrap().trim().to_owned();
        let origin = log.split('+').next().unwrap();
        let added =
            ran(tool("aics-witness").args(["add-log", "--origin", origin, "--vkey", log, "--config"]).arg(&config));
        assert!(added.status.success(), "{}", text(&added));
        let mut child =
            tool("aics-witness").arg("serve").arg("--config").arg(&config).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(&listen) {
            assert!(lines.read_line(&mut said).unwrap() > 0, "it ended: {said}");
        }
        std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
        Self { child, address: format!("http://{listen}"), vkey }
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_key(small: &Small) -> String {
    ledger::keys::read(&small.writer.home().log_key()).unwrap().vkey().to_string()
}

#[test]
fn our_feeder_works_with_the_public_witness_server() {
    let mut small = Small::new();
    let folder = TempDir::new().unwrap();
    let log = log_key(&small);
    let theirs = Theirs::start(folder.path(), &log);
    let line = format!("log {log}\nwitness theirs {} {}\nquorum theirs\n", theirs.vkey, theirs.address);
    let policy = Policy::parse(&line).unwrap();
    std::fs::write(small.writer.home().policy(), &line).unwrap();
    for n in 0..4 {
        // A feeder that remembers nothing learns the size that the witness knows.
        let mut panel = Panel::over_http(policy.clone()).unwrap();
        if n == 2 {
            std::fs::remove_file(small.writer.home().published()).unwrap();
        }
        let found = publish(&mut small.writer, &mut panel, Clock::System.now()).unwrap();
        assert_eq!((found.waiting, found.size), (None, small.writer.log().size()), "round {n}");
        small.commit(n);
        small.commit(n);
    }
    let report = checked(&small.export().unwrap(), &policy);
    assert_eq!((report.exit_code(), report.head.unwrap().witnesses.len()), (0, 1), "{:?}", report.faults);
    // Another history under the same key is not cosigned.
    let mut panel = Panel::over_http(policy).unwrap();
    let size = small.writer.log().size();
    let origin = small.writer.log().origin().clone();
    let forked = Checkpoint { origin, size, root: Hash::leaf(b"another history") }.to_text();
    let signed = ledger::keys::read(&small.writer.home().log_key()).unwrap().sign(&forked);
    let forked = Note { text: forked, signatures: vec![signed] };
    let now = Clock::System.now();
    let asked = panel.ask(&forked, &|old, size| small.writer.levels().consistency(old, size).unwrap(), at(0), now);
    assert!(matches!(asked.silent[..], [(_, Silence::Unlike { .. })]), "{asked:?}");
}

#[test]
fn the_public_feeder_works_with_our_server() {
    let mut small = Small::new();
    let (folder, bundle) = (TempDir::new().unwrap(), small.folder.path().join("bundle"));
    for day in 1..=300 {
        small.commit(day * 86_400);
    }
    small.export().unwrap();
    let server = Server::start(1, &small, &folder, || Clock::System.now().unix() as u64);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/witnesses/foreign.py");
    let (url, vkey) = (format!("http://{}", server.address), key(1).cosigner_vkey().to_string());
    let mut kept: Vec<String> = std::fs::read_dir(bundle.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort_by_key(|name| name.parse::<u64>().unwrap());
    let sizes: Vec<&String> = kept.iter().step_by(40).chain(kept.last()).collect();
    let output = ran(tool("python").arg(&script).args([&url, &vkey]).arg(&bundle).args(&sizes));
    assert!(output.status.success(), "{}", text(&output));
    let policy = Policy::parse(&format!("log {}\nwitness w {vkey}\nquorum w\n", log_key(&small))).unwrap();
    let notes = String::from_utf8(output.stdout).unwrap();
    let origin = format!("{}\n", small.writer.log().origin());
    let notes: Vec<String> = notes.split(&origin).skip(1).map(|rest| format!("{origin}{rest}")).collect();
    assert_eq!(notes.len(), sizes.len());
    for (note, size) in notes.iter().zip(sizes) {
        let head = check_head(note.as_bytes(), &policy).unwrap();
        assert_eq!(head.get().checkpoint.size.to_string(), *size);
    }
    // A checkpoint that is older than what was cosigned is refused, and the public feeder says so.
    let output = ran(tool("python").arg(&script).args([&url, &vkey]).arg(&bundle).arg(&kept[0]));
    assert!(!output.status.success() && text(&output).contains("WitnessAhead"), "{}", text(&output));
}

#[test]
fn the_public_verifier_reads_our_bundle_its_proofs_and_cosignatures() {
    let mut small = Small::new();
    let policy = small.policy("two", &BTreeMap::new());
    let locals = small.local();
    locals.switch("w3", false);
    let mut panel = locals.panel(&policy);
    for day in 1..=300 {
        small.commit(day * 86_400);
        if day % 50 == 0 {
            publish(&mut small.writer, &mut panel, at(day * 86_400)).unwrap();
        }
    }
    small.export().unwrap();
    let bundle = small.folder.path().join("bundle");
    let keys = small.folder.path().join("keys.txt");
    std::fs::write(&keys, log_key(&small) + "\n").unwrap();
    let verify = |what: &str, rest: &[&str]| {
        ran(tool("aics-tlog").arg(what).arg("--tiles").arg(&bundle).arg("--vkey-file").arg(&keys).args(rest))
    };
    let witness = |n: u8| key(n).cosigner_vkey().to_string();
    let (w1, w2, w3) = (witness(1), witness(2), witness(3));
    let old = bundle.join("checkpoints/52");
    let old = old.to_str().unwrap();
    for (what, rest, good) in [
        ("verify-checkpoint", vec!["--witness-key", &w1, "--witness-key", &w2, "--quorum", "2"], true),
        ("verify-checkpoint", vec!["--witness-key", &w1, "--witness-key", &w3, "--quorum", "1"], true),
        ("verify-checkpoint", vec!["--witness-key", &w1, "--witness-key", &w3, "--quorum", "2"], false),
        ("verify-checkpoint", vec!["--origin", "witnessed.example/log"], true),
        ("verify-checkpoint", vec!["--origin", "another.example/log"], false),
        ("verify-inclusion", vec!["--index", "0"], true),
        ("verify-inclusion", vec!["--index", "255"], true),
        ("verify-inclusion", vec!["--index", "301"], true),
        ("verify-inclusion", vec!["--index", "302"], false),
        ("verify-consistency", vec!["--old-checkpoint", old], true),
    ] {
        let output = verify(what, &rest);
        assert_eq!(output.status.success(), good, "{what} {rest:?}: {}", text(&output));
    }
    // A byte changed in an entry is seen by them as by us.
    let path = bundle.join("tile/entries/000");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4000] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let broken: Vec<bool> =
        (0..40).map(|n| verify("verify-inclusion", &["--index", &n.to_string()]).status.success()).collect();
    assert!(broken.contains(&false), "the entry that was changed is not proven");
}
