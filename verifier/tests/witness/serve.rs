//! What the server answers, refuses, and says.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use schemas::hash::Hash;
use schemas::note::Note;
use verifier::witness::request::BODY_BYTES_MAX;

use crate::common::{Files, get, leaves, post, request, send, verifier};

#[test]
fn it_cosigns_refuses_and_shows_what_it_has_seen() {
    let files = Files::new(1);
    let (log, key) = (files.logs[0].clone(), files.key());
    let running = files.start();
    let address = running.address;
    let hash = Hash::of(&[log.vkey().name.as_bytes()]);
    let shown = format!("/{hash}/checkpoint");
    assert!(running.said.contains(&key.vkey().to_string()) && running.said.contains(&shown), "{}", running.said);
    assert_eq!(get(address, &shown).unwrap().status, 404);
    assert_eq!(get(address, "/healthz").unwrap().body, "ok\n");
    let answer = post(address, &request(&log, false, 0, 3)).unwrap();
    assert_eq!((answer.status, answer.kind.as_str()), (200, "text/plain; charset=utf-8"));
    let kept = get(address, &shown).unwrap();
    assert_eq!((kept.status, kept.kind.as_str()), (200, "text/plain; charset=utf-8"));
    let note = Note::parse(kept.body.as_bytes()).unwrap();
    assert!(kept.body.ends_with(&answer.body), "the line that was answered is the one that is shown");
    assert!(key.cosigned_at(&note.text, note.signatures.last().unwrap()).is_some());
    let answer = post(address, &request(&log, false, 0, 9)).unwrap();
    assert_eq!((answer.status, answer.kind.as_str(), answer.body.as_str()), (409, "text/x.tlog.size", "3\n"));
    assert_eq!(post(address, &request(&log, true, 3, 9)).unwrap().status, 200);
    for (what, body, status) in [
        ("another history of the same size", request(&log, false, 3, 9), 409),
        ("another history, longer", request(&log, false, 9, 12), 422),
        ("garbage", "garbage".to_owned(), 400),
        ("nothing", String::new(), 400),
    ] {
        assert_eq!(post(address, &body).unwrap().status, status, "{what}");
    }
    // Two trees of one size, both signed: handed on in the form of FORMAT.md 14.3.
    let evidence = std::fs::read_to_string(files.path("state.fork")).unwrap();
    assert_eq!(evidence.lines().next(), Some(r#"{"fork":"oversight-fork/v1"}"#));
    assert_eq!(evidence.lines().count(), 3);
    for (path, status) in [("/", 404), ("/add-checkpoint", 405), (&shown[1..], 400), ("/x/checkpoint", 404)] {
        assert_eq!(get(address, path).unwrap().status, status, "{path}");
    }
    let long = format!(
        "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        BODY_BYTES_MAX + 1
    );
    let long = [long.as_bytes(), &vec![b'a'; BODY_BYTES_MAX + 1]].concat();
    assert!(send(address, &long).is_none_or(|answer| answer.status == 413));
    assert_eq!(get(address, "/healthz").unwrap().body, "ok\n");
}

#[test]
fn a_slow_client_blocks_nobody() {
    let files = Files::new(1);
    let running = files.start();
    let body = request(&files.logs[0], false, 0, 3);
    let mut slow: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(running.address).unwrap()).collect();
    for stream in &mut slow {
        let head = format!(
            "POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        // Who has the most connections gives way to whoever comes: some of these are closed by now.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body.as_bytes()[..body.len() - 1]));
    }
    // All of them have sent all but the last byte; who sends everything is answered.
    assert_eq!(post(running.address, &body).unwrap().status, 200);
    // And whoever does not finish is cut off or told, not kept.
    let mut told = String::new();
    let _ = slow[0].read_to_string(&mut told);
    assert!(told.is_empty() || told.starts_with("HTTP/1.1 408"), "{told}");
    assert_eq!(get(running.address, "/healthz").unwrap().body, "ok\n");
}

#[test]
fn two_requests_at_once_do_not_both_win() {
    let files = Files::new(8);
    let running = files.start();
    for log in &files.logs {
        assert_eq!(post(running.address, &request(log, false, 0, 3)).unwrap().status, 200);
        let ask = |fork: bool| post(running.address, &request(log, fork, 3, 9)).unwrap().status;
        let mut both = std::thread::scope(|scope| {
            let other = scope.spawn(|| ask(true));
            [ask(false), other.join().unwrap()]
        });
        both.sort_unstable();
        assert_eq!(both, [200, 409]);
    }
}

#[test]
fn it_runs_once_and_never_without_its_memory() {
    let files = Files::new(1);
    let running = files.start();
    assert_eq!(post(running.address, &request(&files.logs[0], false, 0, 3)).unwrap().status, 200);
    assert!(files.refused().contains("in use by another process"));
    running.kill();
    let state = std::fs::read(files.path("state")).unwrap();
    for (what, bytes) in [
        ("torn", state[..state.len() - 9].to_vec()),
        ("empty", Vec::new()),
        ("changed", [&state[..40], b"#", &state[41..]].concat()),
    ] {
        std::fs::write(files.path("state"), bytes).unwrap();
        let told = files.refused();
        assert!(told.contains("torn or changed") && told.contains("verifier witness keygen"), "{what}: {told}");
    }
    std::fs::remove_file(files.path("state")).unwrap();
    let told = files.refused();
    assert!(told.contains("is gone") && told.contains("bring the newest state file back"), "{told}");
    std::fs::write(files.path("state"), state).unwrap();
    assert!(files.start().said.contains("from size 3"));
}

#[test]
fn it_ends_when_it_is_asked_to() {
    let files = Files::new(1);
    let mut running = files.start();
    assert_eq!(post(running.address, &request(&files.logs[0], false, 0, 3)).unwrap().status, 200);
    let asked = Command::new("kill").arg(running.child.id().to_string()).status().unwrap();
    assert!(asked.success());
    assert!(running.child.wait().unwrap().success(), "it ends by itself, with exit code 0");
    assert!(files.start().said.contains("from size 3"));
}

#[test]
fn commands_that_cannot_be_done_say_what_to_do() {
    let files = Files::new(1);
    let (key, out) = (files.path("key"), files.path("other"));
    let log = files.logs[0].vkey().to_string();
    let cosigner = files.key().vkey().to_string();
    std::fs::write(files.path("policy"), "quorum none\n").unwrap();
    let half = b"oversight-secret-key/v1\nw\n";
    verifier::output::write(&files.path("broken"), half, verifier::output::Readers::Owner).unwrap();
    let serve = |key: &str, rest: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verifier"));
        command.args(["witness", "serve", "--listen", "127.0.0.1:0", "--key", key, "--state"]).arg(files.path("other"));
        command.args(rest).stdin(Stdio::null()).output().unwrap()
    };
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    for (what, output, says) in [
        ("a key twice", verifier(&["witness", "keygen", "--name", "w", "--out"], &[&key]), "is there already"),
        ("a bad name", verifier(&["witness", "keygen", "--name", "w w", "--out"], &[&out]), "without blanks"),
        ("no key", serve(&text(&out), &["--log", &log]), "cannot read"),
        ("half a key", serve(&text(&files.path("broken")), &["--log", &log]), "not a key file"),
        ("no vkey", serve(&text(&key), &["--log", "x"]), "public key"),
        ("not a log's key", serve(&text(&key), &["--log", &cosigner]), "not the key of a log"),
        ("no log", serve(&text(&key), &["--policy", &text(&files.path("policy"))]), "names no log"),
        ("no policy", serve(&text(&key), &["--policy", &text(&out)]), "No such file"),
        ("nothing to watch", serve(&text(&key), &[]), "--log"),
    ] {
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && told.contains(says), "{what}: {told}");
    }
    assert_eq!(leaves(false, 4), leaves(true, 4), "both histories begin alike");
}
