//! Order, once, whole; refusals, busy, and the end.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc::channel;

use ledger::sequencer::{Delivery, Halted, Reply, WAITING_JOBS_MAX};
use ledger::writer::{Home, Writer};
use schemas::event::SignedEvent;

use crate::common::{World, arrival, enrolment, forged, one, probe, stands, start};

const CALLERS: usize = 12;
const EACH: i64 = 20;

#[test]
fn many_callers_each_keep_their_order_and_get_their_receipts() {
    let (world, writer) = World::new(CALLERS);
    let before = writer.log().size();
    let (sequencer, running) = start(writer);
    let mut taken = BTreeSet::new();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|party| {
                let (sequencer, world) = (&sequencer, &world);
                scope.spawn(move || {
                    let mut positions = Vec::new();
                    // By ones and by fives.
                    for first in (1..=EACH).step_by(5) {
                        let numbers = first..first + 5;
                        let replies = if party % 2 == 0 {
                            numbers.map(|n| one(sequencer, arrival(party, n)).unwrap()).collect()
                        } else {
                            sequencer.append_blocking(numbers.map(|n| arrival(party, n)).collect()).unwrap()
                        };
                        for reply in replies {
                            let (position, fresh, receipt) = stands(&reply).unwrap();
                            assert!(fresh);
                            world.assert_receipt(receipt.unwrap(), position);
                            positions.push(position);
                        }
                    }
                    assert!(positions.is_sorted(), "{party}: {positions:?}");
                    positions
                })
            })
            .collect();
        for caller in callers {
            for position in caller.join().unwrap() {
                assert!(taken.insert(position), "{position} was given twice");
            }
        }
    });
    sequencer.stop();
    let writer = running.join().unwrap();
    assert_eq!(taken.len(), CALLERS * EACH as usize);
    assert!(taken.iter().all(|position| (before..writer.log().size()).contains(position)));
    assert!(writer.log().is_sealed());
}

#[test]
fn one_call_may_enrol_a_key_and_use_it_and_be_longer_than_a_commit() {
    let (_world, writer) = World::new(0);
    let (sequencer, running) = start(writer);
    let mut all = vec![enrolment(3)];
    all.extend((1..=600).map(|n| arrival(3, n)));
    let replies = sequencer.append_blocking(all).unwrap();
    assert_eq!(replies.len(), 601);
    let positions: Vec<u64> = replies.iter().map(|reply| stands(reply).unwrap().0).collect();
    assert!(positions.is_sorted());
    assert_eq!(sequencer.append_blocking(Vec::new()).unwrap().len(), 0, "nothing is answered at once");
    sequencer.stop();
    running.join().unwrap();
}

#[test]
fn what_is_refused_spoils_nothing_and_has_a_receipt() {
    let (world, writer) = World::new(2);
    let (sequencer, running) = start(writer);
    let torn = Delivery { note: b"no note".to_vec(), opening: arrival(0, 1).opening };
    let bare = Delivery { opening: arrival(0, 2).opening, ..arrival(0, 1) };
    let cases = [
        (arrival(0, 1), None, true),
        (forged(arrival(1, 1)), Some("signature 1 is not one by"), true),
        (arrival(0, 2), None, true),
        (torn, Some("FORMAT.md 11, 1"), false),
        (arrival(7, 1), Some("is not enrolled"), true),
        (bare, None, true), // it stands already: what comes beside it is not looked at again
        (Delivery { opening: arrival(0, 2).opening, ..arrival(0, 3) }, Some("hidden values do not belong"), true),
        (arrival(1, 1), None, true),
    ];
    let replies = sequencer.append_blocking(cases.iter().map(|(delivery, ..)| delivery.clone()).collect()).unwrap();
    for ((delivery, refused, receipted), reply) in cases.iter().zip(&replies) {
        match (refused, reply) {
            (None, Reply::Stands { position, receipt, .. }) => {
                world.assert_receipt(receipt.as_ref().unwrap(), *position);
            }
            (Some(words), Reply::Refused { why, receipt }) => {
                assert!(why.to_string().contains(words), "{why}");
                assert_eq!(receipt.is_some(), *receipted, "{why}");
                if let Some(note) = receipt {
                    let (report, found) = verifier::receipt::check_refusal(note.to_text().as_bytes(), &world.policy);
                    let id = SignedEvent::parse(&delivery.note).unwrap().id();
                    assert_eq!((report.exit_code(), found.unwrap().event), (0, id));
                }
            }
            (wanted, got) => panic!("{wanted:?}, but {got:?}"),
        }
    }
    sequencer.stop();
    running.join().unwrap();
}

#[test]
fn one_event_handed_in_by_many_at_once_stands_once() {
    let (world, writer) = World::new(1);
    let (sequencer, running) = start(writer);
    let replies: Vec<Reply> = std::thread::scope(|scope| {
        let twice = || sequencer.append_blocking(vec![arrival(0, 1), arrival(0, 1)]).unwrap();
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(twice)).collect();
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    });
    let all: Vec<_> = replies.iter().map(|reply| stands(reply).unwrap()).collect();
    assert_eq!(all.iter().filter(|(_, fresh, _)| *fresh).count(), 1);
    for (position, _, receipt) in &all {
        assert_eq!(*position, all[0].0);
        world.assert_receipt(receipt.unwrap(), *position);
    }
    sequencer.stop();
    running.join().unwrap();
}

#[test]
fn what_is_answered_is_in_a_copy_of_the_folder_made_that_moment() {
    let (world, writer) = World::new(1);
    let (sequencer, running) = start(writer);
    for number in 1..=3 {
        let reply = one(&sequencer, arrival(0, number)).unwrap();
        let (position, ..) = stands(&reply).unwrap();
        // Nothing else is under way: what the files hold now is what a killed process would leave.
        let copy = world.folder.path().join(format!("copy-{number}"));
        copy_folder(world.home.folder(), &copy);
        let found = Writer::open(&Home::new(&copy), &probe()).unwrap();
        assert!(found.store().entry(position).unwrap().is_some());
        assert_eq!(found.vault().line(position).unwrap().map(|line| line.is_empty()), Some(false));
        assert_eq!(found.head().text, sequencer.watch().borrow().note.clone().unwrap().text);
    }
    sequencer.stop();
    running.join().unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    verifier::output::create_folders(to, verifier::output::Readers::Owner).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() { copy_folder(&path, &to) } else { std::fs::copy(&path, &to).map(drop).unwrap() }
    }
}

#[tokio::test]
async fn who_comes_when_too_many_wait_is_told_so_and_everyone_else_is_answered() {
    let (_world, writer) = World::new(1);
    let (sequencer, running) = start(writer);
    let (hold, held) = channel::<()>();
    let (begin, began) = channel();
    let lent = tokio::spawn({
        let sequencer = sequencer.clone();
        async move {
            let errand = move |_: &mut Writer| {
                begin.send(()).unwrap();
                held.recv().unwrap();
            };
            sequencer.with(errand).await
        }
    });
    tokio::task::spawn_blocking(move || began.recv().unwrap()).await.unwrap();
    // The desk is held; the reader takes one batch of what comes, and the queue the rest.
    let mut waiting = Vec::new();
    let mut busy = 0;
    for number in 1.. {
        let (sequencer, event) = (sequencer.clone(), arrival(0, number));
        let mut append = Box::pin(async move { sequencer.append(vec![event]).await });
        tokio::select! {
            biased;
            early = &mut append => {
                assert!(matches!(early, Err(Halted::Busy)), "{early:?}");
                busy += 1;
                break;
            }
            () = std::future::ready(()) => waiting.push(append),
        }
    }
    assert_eq!(busy, 1);
    assert!(waiting.len() >= WAITING_JOBS_MAX);
    hold.send(()).unwrap();
    lent.await.unwrap().unwrap();
    for append in waiting {
        assert!(stands(&append.await.unwrap()[0]).is_ok());
    }
    sequencer.stop();
    tokio::task::spawn_blocking(move || running.join().map(drop)).await.unwrap().unwrap();
}

#[test]
fn stop_answers_what_came_before_it_and_refuses_what_comes_after() {
    let (world, writer) = World::new(1);
    let (sequencer, running) = start(writer);
    let size = std::thread::scope(|scope| {
        let before = scope.spawn(|| {
            let replies = sequencer.append_blocking((1..=300).map(|n| arrival(0, n)).collect());
            sequencer.stop();
            replies
        });
        assert_eq!(before.join().unwrap().unwrap().len(), 300);
        running.join().unwrap().log().size()
    });
    assert_eq!(one(&sequencer, arrival(0, 301)).unwrap_err(), Halted::Stopped { why: None });
    let again = Writer::open(&world.home, &probe()).unwrap();
    assert_eq!(again.log().size(), size);
    assert!(again.log().position_of(&SignedEvent::parse(&arrival(0, 300).note).unwrap()).is_some());
}

#[tokio::test]
async fn an_errand_runs_between_two_commits() {
    let (_world, writer) = World::new(1);
    let (sequencer, running) = start(writer);
    let append = sequencer.append(vec![arrival(0, 1), arrival(0, 2)]);
    let errand = sequencer.with(|writer| (writer.log().is_sealed(), writer.log().size()));
    let (appended, looked) = tokio::join!(append, errand);
    let last = stands(&appended.unwrap()[1]).unwrap().0;
    // It was handed in after them: it sees both, and the seal over them.
    assert_eq!(looked.unwrap(), (true, last + 2));
    sequencer.stop();
    tokio::task::spawn_blocking(move || running.join().map(drop)).await.unwrap().unwrap();
}
