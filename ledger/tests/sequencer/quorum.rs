//! Witnesses are asked while the ledger goes on.

use std::fmt::Write as _;
use std::sync::mpsc::{Receiver, Sender, channel};

use ledger::clock::Clock;
use ledger::receipts;
use ledger::sequencer::Sequencer;
use ledger::witness::local::LocalWitness;
use ledger::witness::{Panel, Response, Silence, Witness};
use ledger::writer::Writer;
use schemas::policy::Policy;
use schemas::time::Timestamp;
use verifier::signature::SecretKey;
use verifier::witness::records::Records;
use verifier::witness::request::Request;

use crate::common::{World, arrival, at, probe, stands};

/// A witness that answers each question only when it is let.
struct Slow {
    witness: LocalWitness,
    asked: Sender<u64>,
    answer: Receiver<bool>,
}

impl Witness for Slow {
    fn add_checkpoint(&mut self, request: &Request, now: Timestamp) -> Result<Response, Silence> {
        let _ = self.asked.send(request.old);
        match self.answer.recv() {
            Ok(true) => self.witness.add_checkpoint(request, now),
            _ => Err(Silence::Unreachable("connection refused".to_owned())),
        }
    }
}

#[tokio::test]
async fn no_commit_waits_for_a_witness_and_receipts_come_when_it_has_answered() {
    let (mut world, writer) = World::new(1);
    let key = SecretKey::new("slow.example/witness", &[7; 32]);
    let log = writer.log().genesis().unwrap().log_key.clone();
    let mut text = format!("log {log}\n");
    write!(text, "witness slow {}\nquorum slow\n", key.cosigner_vkey()).unwrap();
    ledger::files::replace(&world.home.policy(), text.as_bytes()).unwrap();
    world.policy = Policy::parse(&text).unwrap();
    let (asked, questions) = channel();
    let (let_it, answer) = channel();
    let witness = LocalWitness::new(key.clone(), &log, Records::new(key.cosigner_vkey())).unwrap();
    let mut slow = Some(Slow { witness, asked, answer });
    let panel =
        Panel::new(world.policy.clone(), |_| slow.take().map(|slow| Box::new(slow) as Box<dyn Witness>)).unwrap();
    let (sequencer, running) = Sequencer::start_before(writer, Clock::Virtual(at(60)), panel).unwrap();
    let mut watch = sequencer.watch();
    assert_eq!(watch.borrow_and_update().size, 0, "nothing is published before a witness has seen it");

    // The first question is on its way, and not answered: the ledger goes on.
    let questions = tokio::task::spawn_blocking(move || {
        questions.recv().unwrap();
        questions
    })
    .await
    .unwrap();
    let mut last = 0;
    for number in 1..=3 {
        let replies = sequencer.append(vec![arrival(0, number)]).await.unwrap();
        let (position, fresh, receipt) = stands(&replies[0]).unwrap();
        assert!(fresh && receipt.is_none());
        last = position;
    }
    assert!(!watch.has_changed().unwrap());

    // It refuses once, then answers: what it has not seen is asked for again, the newest alone.
    let_it.send(false).unwrap();
    tokio::task::spawn_blocking(move || questions.recv().unwrap()).await.unwrap();
    let_it.send(true).unwrap();
    watch.changed().await.unwrap();
    let size = watch.borrow_and_update().size;
    assert_eq!(size, last + 2, "the last event and its seal");
    let receipt = sequencer.with(move |writer| receipts::receipt(writer, last)).await.unwrap().unwrap().unwrap();
    world.assert_receipt(&receipt, last);
    let again = sequencer.append(vec![arrival(0, 3)]).await.unwrap();
    let (position, fresh, receipt) = stands(&again[0]).unwrap();
    assert_eq!((position, fresh), (last, false));
    world.assert_receipt(receipt.unwrap(), last);

    sequencer.stop();
    drop(let_it);
    tokio::task::spawn_blocking(move || running.join().map(drop)).await.unwrap().unwrap();
    // What was published still is, after a start.
    let writer = Writer::open(&world.home, &probe()).unwrap();
    assert_eq!(ledger::publish::look(&writer).unwrap().size, size);
}
