//! Whatever stands where a file is expected: no command of the verifier waits for it or takes memory for it.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::common::Files;

/// A command that does not end within this time waits for somebody.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn no_option_of_any_command_waits_or_reads_without_end() {
    let files = Files::new(1);
    let folder = files.folder.path();
    let made = Command::new("mkfifo").arg(folder.join("fifo")).status().expect("mkfifo is there");
    assert!(made.success());
    drop(UnixListener::bind(folder.join("socket")).unwrap());
    symlink("nowhere", folder.join("dangling")).unwrap();
    symlink("fifo", folder.join("to-a-pipe")).unwrap();
    File::create(folder.join("sparse")).unwrap().set_len(100 << 30).unwrap();
    // A secret that others can read is refused for that.
    fs::set_permissions(folder.join("sparse"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::create_dir(folder.join("dir")).unwrap();
    fs::write(folder.join("policy"), format!("log {}\nquorum none\n", files.logs[0].vkey())).unwrap();
    fs::write(folder.join("file"), "a text that is nothing in particular\n").unwrap();
    let pack = "{\"audience\":\"public\"}\n";
    fs::write(folder.join("pack"), pack).unwrap();
    for (line, folder_too) in [
        ("check @ --policy policy", false),
        ("check file --policy @", true),
        ("check dir --policy policy --openings @", false),
        ("check dir --policy policy --openings dir --key @", true),
        ("check pack --policy policy --since @", false),
        ("check pack --policy policy --index @", false),
        ("check pack --policy policy --auditor @", true),
        ("compare @ pack --policy policy", false),
        ("compare pack @ --policy policy", false),
        ("compare pack --mine dir --carrier @ --policy policy", true),
        ("compare pack pack --policy @", true),
        ("attest @ --policy policy --key key --out out", false),
        ("attest dir --policy @ --key key --out out", true),
        ("attest dir --policy policy --key @ --out out", true),
        ("print @ --policy policy --out out", false),
        ("print file --policy @ --out out", true),
        ("succession @ --policy policy --predecessor dir --predecessor-policy policy", false),
        ("succession dir --policy @ --predecessor dir --predecessor-policy policy", true),
        ("succession dir --policy policy --predecessor dir --predecessor-policy @", true),
        ("witness serve --listen 127.0.0.1:0 --key @ --state state --policy policy", true),
        ("witness serve --listen 127.0.0.1:0 --key key --state @ --policy policy", true),
        ("witness serve --listen 127.0.0.1:0 --key key --state state --policy @", true),
    ] {
        for (name, word) in [
            ("fifo", "named pipe"),
            ("to-a-pipe", "named pipe"),
            ("socket", "socket"),
            ("/dev/zero", "device"),
            ("dangling", "link"),
            ("sparse", "longer than"),
            ("dir", "folder"),
            // A file like any other, which the disk does not give.
            ("/proc/self/mem", "Input/output error"),
        ] {
            // A witness locks beside its state, where nothing can be made.
            let locks = name == "/proc/self/mem" && line.contains("--state @");
            if name == "dir" && !folder_too || locks {
                continue;
            }
            let line = line.replace('@', name);
            let mut command = Command::new(env!("CARGO_BIN_EXE_verifier"));
            command.args(line.split(' ')).current_dir(folder).stdin(Stdio::null());
            let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let number = child.id().to_string();
            let (say, said) = std::sync::mpsc::channel();
            std::thread::spawn(move || drop(say.send(child.wait_with_output())));
            let Ok(out) = said.recv_timeout(PATIENCE) else {
                let _ = Command::new("kill").args(["-9", &number]).status();
                panic!("{line}: it waits for somebody");
            };
            let out = out.unwrap();
            let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
            // What is not read to its end is told by its beginning.
            let zeros = name == "sparse" && said.contains("zeros alone");
            let says = zeros || said.contains(word) || said.contains("no such folder") || said.contains("no folder");
            // A pack that is none, and a folder that is no bundle, may be told before what stands beside them.
            let other = line.contains(" dir ") || line.contains("pack");
            let fits = out.status.code() == Some(2) && says || other && matches!(out.status.code(), Some(1 | 2));
            assert!(fits, "{line}: {:?} {said}", out.status.code());
        }
    }
    assert!(!folder.join("nowhere").exists() && !folder.join("out").exists(), "nothing is made");
}
