//! A batch is stored and its acknowledgement is lost: the same bytes again, and it stands there once.

use ledger::nats::{self, NatsSettings, Stand};
use schemas::batch::Batch;
use serde_json::json;

use crate::proxy::Proxy;
use crate::server::{Root, Server, settings};
use crate::small::{Ledger, names, origin, soon};

/// Has the acknowledgement of a batch be lost, then `meanwhile` with the line cut, then the line mended.
async fn lose(window: u64, meanwhile: impl AsyncFnOnce(&Root)) -> (Ledger, Server, Proxy, u64) {
    let mut ledger = Ledger::new();
    let server = Server::start(&origin());
    let windowed = |settings: NatsSettings| NatsSettings { duplicate_window_seconds: window, ..settings };
    ledger.set_up(&windowed(server.settings("setup"))).await.unwrap();
    let proxy = Proxy::before(server.port).await;
    let through = windowed(settings(proxy.port, "ledger", &server.password()));
    let nats = nats::start(through, &ledger.sequencer).await.unwrap();
    let mut status = nats.status();
    ledger.all_sent(&mut status).await;
    let number = ledger.batches().await + 1;
    let mut cut = proxy.lose_answer_to(&names().commit());
    ledger.commits(1).await;
    soon("the cut", cut.wait_for(|cut| *cut)).await.unwrap();
    soon("the loss of the line", status.wait_for(|s| matches!(s.stand, Stand::Away { .. }))).await.unwrap();
    let root = server.root().await;
    assert_eq!(root.last(&names().stream()).await, number, "it was stored");
    assert_eq!(status.borrow().sent, number - 1, "and nobody has said so");
    meanwhile(&root).await;
    proxy.mend();
    ledger.commits(1).await; // nobody waits for it
    ledger.all_sent(&mut status).await;
    ledger.holds_against(&root).await;
    let (_, bytes) = root.message(&names().stream(), number).await;
    assert_eq!(proxy.times_sent(&Batch::message_id(&bytes)), 2, "the same bytes, twice");
    nats.stop().await;
    (ledger, server, proxy, number)
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_window_the_server_knows_the_message_again() {
    let (_ledger, _server, proxy, number) = lose(3_600, async |_: &Root| {}).await;
    // Of three servers the leader says that it is a duplicate; one alone looks at the place first. Both are right.
    let said = ["\"duplicate\":true", &format!("wrong last sequence: {number}")].map(|what| proxy.times_said(what));
    assert_eq!(said.iter().sum::<usize>(), 1, "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_window_the_stream_has_moved_on_and_the_bytes_are_compared() {
    // Another stream with the same window, written to later: once it has forgotten, the first has too.
    let forgotten = async |root: &Root| {
        let other =
            json!({"name": "OTHER", "subjects": ["other"], "duplicate_window": 1_000_000_000_u64, "storage": "file"});
        root.remake(&other).await;
        root.publish("other".to_owned(), Some("same"), "once").await;
        let again =
            async { while root.publish("other".to_owned(), Some("same"), "again").await["duplicate"] == true {} };
        soon("the end of the window", again).await;
    };
    let (_ledger, _server, proxy, number) = lose(1, forgotten).await;
    assert_eq!(proxy.times_said("\"duplicate\":true"), 0);
    assert!(proxy.times_said(&format!("wrong last sequence: {number}")) >= 1);
}
