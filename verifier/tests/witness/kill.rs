//! Killed at any moment, as `kill -9` does, a witness has forgotten nothing that it answered and
//! has cosigned one history alone.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use verifier::signature::{PublicKey, SecretKey};
use verifier::witness::answer::Reply;

use crate::common::{Files, note, post, request};

/// Logs, each contested by two histories.
const LOGS: u8 = 12;
/// Kills while one log is contested.
const KILLS: usize = 3;

/// What one history had cosigned: the size.
type Cosigned = (bool, u64);

/// Pushes one history of a log until it is told to stop or the witness is gone.
fn push(to: SocketAddr, log: &SecretKey, own: &PublicKey, fork: bool, stop: &AtomicBool, tell: &Sender<Cosigned>) {
    let mut old = 0;
    let mut step = 1;
    while !stop.load(Ordering::Relaxed) {
        let size = old + step;
        let Some(answer) = post(to, &request(log, fork, old, size)) else { return };
        match Reply::parse(answer.status, &answer.kind, answer.body.as_bytes()).unwrap() {
            Reply::Cosigned(lines) => {
                assert!(own.cosigned_at(&note(log, fork, size).text, &lines[0]).is_some());
                if tell.send((fork, size)).is_err() {
                    return;
                }
                old = size;
            }
            Reply::Size(known) if known == size => step += 1,
            Reply::Size(known) => old = known,
            // The other history has won; this one goes on asking with other sizes.
            Reply::Refused { status: 422, .. } => step = step % 7 + 1,
            other @ Reply::Refused { .. } => panic!("{other:?}"),
        }
    }
}

#[test]
fn no_kill_makes_it_forget_or_cosign_two_histories() {
    let files = Files::new(LOGS);
    let own = files.key();
    let mut dice = 0x2545_f491_4f6c_dd1du64;
    let answered = AtomicUsize::new(0);
    for log in &files.logs {
        let mut all: BTreeMap<u64, bool> = BTreeMap::new();
        for _ in 0..=KILLS {
            let running = files.start();
            let known = post(running.address, &request(log, false, 1 << 10, 1 << 10)).unwrap();
            let known: u64 = known.body.trim().parse().unwrap();
            assert!(all.keys().all(|size| *size <= known), "it knows size {known}, and had answered {all:?}");
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            let (stop, to, kill_after) = (AtomicBool::new(false), running.address, 1 + dice % 9);
            let (tell, told) = channel();
            let heard: Vec<Cosigned> = std::thread::scope(|scope| {
                for fork in [false, true] {
                    let (tell, stop, own) = (tell.clone(), &stop, &own);
                    scope.spawn(move || push(to, log, own, fork, stop, &tell));
                }
                drop(tell);
                let mut heard: Vec<Cosigned> = told.iter().take(kill_after as usize).collect();
                running.kill();
                stop.store(true, Ordering::Relaxed);
                heard.extend(told.iter());
                heard
            });
            answered.fetch_add(heard.len(), Ordering::Relaxed);
            for (fork, size) in heard {
                // Below the parting both are one history.
                let fork = fork && size > crate::common::PARTING;
                assert_eq!(*all.entry(size).or_insert(fork), fork, "two trees of size {size}");
            }
        }
        let beyond: Vec<bool> =
            all.iter().filter(|(size, _)| **size > crate::common::PARTING).map(|(_, f)| *f).collect();
        assert!(beyond.iter().all(|fork| *fork == beyond[0]), "two histories of one log: {all:?}");
    }
    assert!(answered.into_inner() > usize::from(LOGS) * KILLS, "it answered between the kills");
}
