//! What goes out: every published batch, once, in order, whatever happens to the server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use ledger::nats::{Stand, Status};
use ledger::sequencer::{Delivery, Sequencer};
use ledger::witness::local::LocalWitness;
use ledger::witness::{Panel, Response, Silence, Witness};
use schemas::checkpoint::Checkpoint;
use schemas::note::Note;
use schemas::policy::Policy;
use schemas::time::Timestamp;
use verifier::signature::SecretKey;
use verifier::witness::records::Records;
use verifier::witness::request::Request;

use crate::server::Server;
use crate::small::{Ledger, names, origin, soon};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_in_the_stream() {
    let mut ledger = Ledger::new();
    let server = Server::start(&origin());
    ledger.set_up(&server.settings("setup")).await.unwrap();
    ledger.commits(3).await;
    let nats = ledger.start(&server).await;
    ledger.all_sent(&mut nats.status()).await;
    ledger.commits(3).await;
    ledger.all_sent(&mut nats.status()).await;
    let root = server.root().await;
    ledger.holds_against(&root).await;
    let size = ledger.entries().await.len() as u64;
    let (_, seen) = root.message(&names().seen_stream(), root.last(&names().seen_stream()).await).await;
    assert_eq!(Checkpoint::parse(&Note::parse(&seen).unwrap().text).unwrap().size, size);

    // A process that is started again finds its place in the stream, and adds nothing twice.
    nats.stop().await;
    let mut ledger = ledger.again();
    ledger.commits(2).await;
    let nats = ledger.start(&server).await;
    ledger.all_sent(&mut nats.status()).await;
    ledger.holds_against(&root).await;
    nats.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_under_load_loses_and_doubles_nothing() {
    const EVENTS: u64 = 120;
    let mut ledger = Ledger::new();
    let mut server = Server::start(&origin());
    ledger.set_up(&server.settings("setup")).await.unwrap();
    let nats = ledger.start(&server).await;
    let mut status = nats.status();
    let load = tokio::spawn(append(ledger.sequencer.clone(), (0..EVENTS).map(|_| ledger.event()).collect()));
    for kill in 1..=3 {
        soon("a part of the load", status.wait_for(|s| s.sent >= kill * 20)).await.unwrap();
        server.kill();
        let away = status.wait_for(|s| matches!(s.stand, Stand::Away { .. }));
        soon("the loss of the server", away).await.unwrap();
        server.again();
    }
    load.await.unwrap();
    ledger.all_sent(&mut status).await;
    ledger.holds_against(&server.root().await).await;
    nats.stop().await;
}

/// Appends events, each in a commit of its own.
async fn append(sequencer: Sequencer, events: Vec<Delivery>) {
    for event in events {
        sequencer.append(vec![event]).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_a_server_that_is_away() {
    let mut ledger = Ledger::new();
    let mut server = Server::away(&origin(), |text| text);
    let nats = ledger.start(&server).await;
    let mut status = nats.status();
    assert!(matches!(status.borrow().stand, Stand::Away { .. }), "{status:?}");
    ledger.commits(2).await;
    server.again();
    // The streams are missing too, and are made while the ledger runs; the operator is told meanwhile.
    let told = |stand: &Stand| matches!(stand, Stand::Refused { why } if why.contains("ledger nats setup"));
    soon("the word that the stream is missing", status.wait_for(|s| told(&s.stand))).await.unwrap();
    ledger.commits(1).await;
    ledger.set_up(&server.settings("setup")).await.unwrap();
    // What the operator has mended counts at once for a server that comes back.
    server.kill();
    server.again();
    ledger.all_sent(&mut status).await;
    ledger.holds_against(&server.root().await).await;
    nats.stop().await;
}

/// A witness that can be switched off.
struct Switched(LocalWitness, Arc<AtomicBool>);

impl Witness for Switched {
    fn add_checkpoint(&mut self, request: &Request, now: Timestamp) -> Result<Response, Silence> {
        if self.1.load(Ordering::Relaxed) {
            self.0.add_checkpoint(request, now)
        } else {
            Err(Silence::Unreachable("connection refused".to_owned()))
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_witnesses_have_seen_leaves_the_house() {
    let up = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&up);
    let mut ledger = Ledger::before(move |writer| {
        let witness = SecretKey::new("w.example/witness", &[9; 32]);
        let log = ledger::keys::read(&writer.home().log_key()).unwrap().vkey();
        let text = format!("log {log}\nwitness w {}\nquorum w\n", witness.cosigner_vkey());
        ledger::files::replace(&writer.home().policy(), text.as_bytes()).unwrap();
        let records = Records::new(witness.cosigner_vkey());
        let local = Mutex::new(Switched(LocalWitness::new(witness, &log, records).unwrap(), switch));
        let local = Arc::new(local);
        let way = |_: &str| Some(Box::new(Arc::clone(&local)) as Box<dyn Witness>);
        Panel::new(Policy::parse(&text).unwrap(), way).unwrap()
    });
    let server = Server::start(&origin());
    ledger.set_up(&server.settings("setup")).await.unwrap();
    ledger.commits(2).await;
    let nats = ledger.start(&server).await;
    let mut status = nats.status();
    soon("a first look", status.wait_for(Status::is_well)).await.unwrap();
    let root = server.root().await;
    assert_eq!((root.last(&names().stream()).await, root.last(&names().seen_stream()).await), (0, 0));
    up.store(true, Ordering::Relaxed);
    ledger.commits(1).await; // it is asked about each
    ledger.all_sent(&mut status).await;
    ledger.holds_against(&root).await;
    let last = root.last(&names().seen_stream()).await;
    let (_, seen) = root.message(&names().seen_stream(), last).await;
    assert_eq!(Note::parse(&seen).unwrap().signatures.len(), 2, "with its cosignature");
    nats.stop().await;
}
