//! A stream that was tampered with: nothing more is sent, nothing is overwritten, everyone who appends goes on.

use ledger::nats::{Nats, Stand, Status};
use serde_json::Value;

use crate::server::{Root, Server};
use crate::small::{Ledger, names, origin, soon};

async fn begun() -> (Ledger, Server, Root) {
    let mut ledger = Ledger::new();
    let server = Server::start(&origin());
    ledger.set_up(&server.settings("setup")).await.unwrap();
    let nats = ledger.start(&server).await;
    ledger.commits(2).await;
    ledger.all_sent(&mut nats.status()).await;
    nats.stop().await;
    let root = server.root().await;
    (ledger, server, root)
}

/// Waits until nothing more is sent, for this reason; the log goes on, the stream stays as it is.
async fn stops(ledger: &mut Ledger, nats: &Nats, root: &Root, says: &str) {
    let mut status = nats.status();
    let stand = soon(says, status.wait_for(|s| matches!(s.stand, Stand::Broken { .. }))).await.unwrap().stand.clone();
    let Stand::Broken { why } = stand else { unreachable!() };
    assert!(why.contains(says), "{why}");
    let last = root.last(&names().stream()).await;
    ledger.commits(2).await;
    assert_eq!(root.last(&names().stream()).await, last);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_message_stops_it_at_work_and_at_the_start() {
    let (mut ledger, server, root) = begun().await;
    let nats = ledger.start(&server).await;
    soon("a first look", nats.status().wait_for(Status::is_well)).await.unwrap();
    let number = root.last(&names().stream()).await + 1;
    assert_eq!(root.publish(names().commit(), None, "not a batch").await["seq"], number);
    ledger.commits(1).await;
    stops(&mut ledger, &nats, &root, &format!("message {number} of")).await;
    nats.stop().await;
    // The ledger is started again: as before, and it says so at once.
    let mut ledger = ledger.again();
    let nats = ledger.start(&server).await;
    assert!(matches!(nats.status().borrow().stand, Stand::Broken { .. }));
    stops(&mut ledger, &nats, &root, &format!("message {number} of")).await;
    nats.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn someone_who_guessed_the_id_is_found_out_by_the_bytes() {
    let (mut ledger, server, root) = begun().await;
    // The next batch, made by another copy of the ledger, would have this id; its bytes are not looked at by servers.
    let event = ledger.event();
    let twin = ledger.twin().await;
    twin.sequencer.append(vec![event.clone()]).await.unwrap();
    let id = twin.last_id().await;
    let nats = ledger.start(&server).await;
    soon("a first look", nats.status().wait_for(Status::is_well)).await.unwrap();
    let number = root.last(&names().stream()).await + 1;
    assert_eq!(root.publish(names().commit(), Some(&id), "not a batch").await["seq"], number);
    ledger.sequencer.append(vec![event]).await.unwrap();
    stops(&mut ledger, &nats, &root, "is not batch").await;
    nats.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_of_the_ledger_sends_nothing_and_records_nothing() {
    let (mut ledger, server, root) = begun().await;
    let mut old = ledger.twin().await;
    let nats = ledger.start(&server).await;
    ledger.commits(3).await;
    ledger.all_sent(&mut nats.status()).await;
    nats.stop().await;
    let nats = old.start(&server).await;
    let own = old.batches().await;
    let (mut status, sent) = (nats.status(), root.last(&names().stream()).await);
    let broken =
        soon("the end of sending", status.wait_for(|s| matches!(s.stand, Stand::Broken { .. }))).await.unwrap();
    let said = broken.to_string();
    drop(broken);
    assert!(said.contains(&format!("{} batches and this log only {own}", own + 3)), "{said}");
    // What lies there bears the log's signature: whoever goes on would make a second history.
    let event = old.event();
    let refused = old.sequencer.append(vec![event]).await.unwrap_err().to_string();
    assert!(refused.contains("this is an older copy"), "{refused}");
    assert_eq!((old.batches().await, root.last(&names().stream()).await), (own, sent));
    nats.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_made_anew_is_no_place_to_go_on() {
    let (mut ledger, server, root) = begun().await;
    let nats = ledger.start(&server).await;
    let mut status = nats.status();
    soon("a first look", status.wait_for(Status::is_well)).await.unwrap();
    let sent = status.borrow().sent;
    let config = root.config(&names().stream()).await;
    root.ask(&format!("STREAM.DELETE.{}", names().stream()), Value::Null).await;
    root.remake(&config).await;
    ledger.commits(1).await;
    stops(&mut ledger, &nats, &root, "lacks message 1,").await;
    assert_eq!((sent, root.last(&names().stream()).await), (ledger.batches().await - 3, 0));
    nats.stop().await;
}
