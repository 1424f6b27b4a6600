//! The mirror is a whole bundle at any moment, and mends itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use schemas::checkpoint::Checkpoint;
use schemas::note::Note;
use verifier::bundle::{NoVisitor, check};
use verifier::files::Folder;

use crate::common::{Running, World};

/// Entries under the checkpoint of a bundle that verifies.
fn verified(world: &World, bundle: &Path) -> u64 {
    let report = check(&mut Folder::new(bundle), &world.policy, None, &mut NoVisitor);
    assert_eq!(report.exit_code(), 0, "{:?}", report.faults.first());
    report.head.unwrap().checkpoint.size
}

fn config(world: &World) -> String {
    format!(
        "[mirror]\nfolder = {:?}\nseconds = 1\n[rate]\nkey_requests_burst = 100000\naddress_requests = 1000000\naddress_requests_burst = 1000000\n",
        world.path("mirror")
    )
}

fn size(server: &Running) -> u64 {
    Checkpoint::parse(&Note::parse(&server.get("/checkpoint").body).unwrap().text).unwrap().size
}

/// Waits until the mirror holds so many entries: the server's own figure says so.
fn until(server: &Running, size: u64) {
    let mirrored = || {
        let figures = server.get("/metrics");
        let line = figures.text().lines().find(|line| line.starts_with("ledger_mirrored_entries")).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    while mirrored() < size {
        std::thread::yield_now();
    }
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    // Held, so that a slow copy is of one bundle.
    let lock = format!("{}.lock", from.display());
    let done = Command::new("flock").args(["-s", &lock, "cp", "-r"]).arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_copy_taken_at_any_moment_verifies() {
    let mut world = World::new();
    let server = world.serve(&config(&world));
    let x = world.key("cso-x", "x1");
    until(&server, 1);
    let (mut last, mut copies) = (0, 0);
    for round in 0..30 {
        let parcels = world.attempts(20);
        assert_eq!(server.post(&x, &parcels).status, 200);
        if round % 3 == 0 {
            copy(&world.path("mirror"), &world.path("copy"));
            let now = verified(&world, &world.path("copy"));
            assert!(now >= last, "never older than before");
            (last, copies) = (now, copies + 1);
        }
    }
    assert_eq!(copies, 10);
    let end = size(&server);
    until(&server, end);
    assert_eq!(verified(&world, &world.path("mirror")), end);
}

#[test]
fn ended_it_holds_the_last_that_was_answered() {
    let mut world = World::new();
    let mut server = world.serve(&config(&world).replace("seconds = 1", "seconds = 100000"));
    until(&server, 1);
    let parcel = world.attempt("cso-x", "x1");
    assert_eq!(server.post(&world.key("cso-x", "x1"), &[parcel]).status, 200);
    let end = size(&server);
    server.terminate();
    assert_eq!(server.ended().0, Some(0));
    assert_eq!(verified(&world, &world.path("mirror")), end);
}

#[test]
fn half_written_or_damaged_it_is_whole_after_the_next_start() {
    let mut world = World::begun(|world, writer| {
        for _ in 0..3 {
            let parcels = world.attempts(200);
            world.commit(writer, &parcels);
        }
    });
    let x = world.key("cso-x", "x1");
    let mirror = world.path("mirror");
    let (first, second) = (mirror.join("tile/entries/000"), mirror.join("tile/entries/001"));
    for damage in [
        "killed",
        "half written and cut",
        "gone and changed",
        "without its manifest",
        "with a torn checkpoint",
        "without its checkpoint",
    ] {
        let server = world.serve(&config(&world));
        // Killed while it writes, or soon after.
        assert_eq!(server.post(&x, &[world.attempt("cso-x", "x1")]).status, 200);
        if damage != "killed" {
            until(&server, size(&server));
        }
        server.kill();
        match damage {
            "killed" => {}
            "half written and cut" => {
                fs::create_dir_all(world.path("mirror.next").join("tile/0")).unwrap();
                fs::write(world.path("mirror.next").join("tile/0/000"), b"half").unwrap();
                fs::write(mirror.join("tile/extra"), b"extra").unwrap();
                fs::File::options().write(true).open(&first).unwrap().set_len(100).unwrap();
            }
            "gone and changed" => {
                fs::remove_file(&first).unwrap();
                let mut bytes = fs::read(&second).unwrap();
                bytes[5_000] ^= 1;
                fs::write(&second, bytes).unwrap();
            }
            "with a torn checkpoint" => {
                fs::File::options().write(true).open(mirror.join("checkpoint")).unwrap().set_len(30).unwrap();
            }
            "without its checkpoint" => fs::remove_file(mirror.join("checkpoint")).unwrap(),
            _ => fs::remove_file(mirror.join("manifest")).unwrap(),
        }
        let server = world.serve(&config(&world));
        let end = size(&server);
        until(&server, end);
        assert_eq!(verified(&world, &mirror), end, "{damage}");
        // What could not be read is kept, and named in the log of the server.
        assert_eq!(world.path("mirror.broken").exists(), damage.ends_with("checkpoint"), "{damage}");
    }
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let world = World::new();
    let mirror = world.path("mirror");
    fs::create_dir_all(&mirror).unwrap();
    fs::write(mirror.join("thesis.txt"), b"years of work").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger"));
    command.arg("serve").arg(world.home.folder()).args(["--listen", "127.0.0.1:0", "--mirror"]).arg(&mirror);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty"));
    assert_eq!(fs::read(mirror.join("thesis.txt")).unwrap(), b"years of work");
}
