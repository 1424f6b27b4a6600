//! Whatever was answered is there at the next start, however the server ended.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use ledger::probe::Probe;
use ledger::writer::Writer;
use schemas::entry::Entry;
use schemas::receipt::Receipt;

use crate::common::{Signing, World, id, lines, send};

/// How often it is killed.
const KILLS: usize = 300;
/// One end in so many is in good order, so that starts from what a stop left are among those after a kill.
const STOPS: usize = 20;

/// Clients that hand in one after the other until the server is gone, which is ended once so many requests were
/// answered; what each event was answered.
fn load(
    world: &mut World,
    rounds: usize,
    answers: u64,
    end: impl Fn(&crate::common::Running) + Sync,
) -> BTreeMap<String, u64> {
    let config = "[rate]\nkey_requests = 100000\nkey_requests_burst = 100000\nkey_events_burst = 100000\n";
    let server = world.serve(config);
    let key = world.key("cso-x", "x1");
    let bodies: Vec<Vec<(Vec<u8>, Vec<String>)>> = (0..4)
        .map(|_| {
            let mut batch = || world.attempts(4);
            let batches = std::iter::repeat_with(&mut batch).take(rounds);
            batches.map(|batch| (lines(&batch), batch.iter().map(id).collect())).collect()
        })
        .collect();
    let answered = AtomicU64::new(0);
    let known = std::thread::scope(|scope| {
        let clients: Vec<_> = bodies
            .iter()
            .map(|bodies| {
                let (server, key, answered, end) = (&server, &key, &answered, &end);
                scope.spawn(move || {
                    let mut known = Vec::new();
                    for (body, ids) in bodies {
                        let request = Signing::now(server.address, key).request("POST", "/events", Some(body));
                        let Some(answer) = send(server.address, &request).filter(|answer| answer.status == 200) else {
                            break;
                        };
                        // An answer that was cut in the middle tells of the events whose lines are whole.
                        for line in answer.body.split_inclusive(|b| *b == b'\n').filter(|line| line.ends_with(b"\n")) {
                            let line: serde_json::Value = serde_json::from_slice(line).unwrap();
                            assert_eq!(line["status"], "stands");
                            assert!(ids.contains(&line["event"].as_str().unwrap().to_owned()));
                            known
                                .push((line["event"].as_str().unwrap().to_owned(), line["position"].as_u64().unwrap()));
                        }
                        if answered.fetch_add(1, Ordering::Relaxed) + 1 == answers {
                            end(server);
                        }
                    }
                    known
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<BTreeMap<_, _>>()
    });
    assert!(known.len() as u64 >= 4 * answers, "{}", known.len());
    known
}

/// Every event that was answered has its receipt, at the position that was told.
fn all_there(world: &World, known: &BTreeMap<String, u64>) {
    let server = world.serve("[rate]\naddress_requests_burst = 100000\n");
    for (event, position) in known {
        let answer = server.get(&format!("/receipts/{event}"));
        assert_eq!(answer.status, 200, "{event}: {}", answer.text());
        assert_eq!(Receipt::parse(answer.text()).unwrap().index, *position);
    }
}

#[test]
fn killed_three_hundred_times_under_load_it_has_everything_that_was_answered() {
    let mut world = World::new();
    let mut known = BTreeMap::new();
    for round in 1..=KILLS {
        let end = |server: &crate::common::Running| {
            if round.is_multiple_of(STOPS) {
                return server.terminate();
            }
            let killed = std::process::Command::new("kill").args(["-9", &server.child.id().to_string()]).status();
            assert!(killed.unwrap().success());
        };
        let of_round = load(&mut world, 4, 1 + (round % 7) as u64, end);
        if round % 50 == 1 {
            all_there(&world, &of_round);
        }
        known.extend(of_round);
    }
    let probe = Probe::of(env!("CARGO_BIN_EXE_ledger").into());
    let writer = Writer::open(&world.home, &probe).unwrap();
    for (event, position) in &known {
        let entry = Entry::parse(&writer.entry(*position).unwrap().unwrap()).unwrap();
        assert_eq!(entry.signed.id().to_hex(), *event, "at {position}");
    }
    assert!(known.len() > KILLS * 8, "{}", known.len());
}

#[test]
fn asked_to_end_under_load_it_answers_what_it_took() {
    let mut world = World::new();
    let known = load(&mut world, 40, 7, |server| server.terminate());
    all_there(&world, &known);
}

#[test]
fn two_servers_do_not_write_one_log() {
    let world = World::new();
    let mut server = world.serve("");
    let mut second = std::process::Command::new(env!("CARGO_BIN_EXE_ledger"));
    let second = second.arg("serve").arg(world.home.folder()).args(["--listen", "127.0.0.1:0"]).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another process"));
    assert_eq!(server.get("/healthz").text(), "ok\n");
    server.terminate();
    let (code, said) = server.ended();
    assert_eq!(code, Some(0));
    assert!(said.contains("everything answered is on the disk"), "{said}");
}
