//! What comes in: the lines and answers of `POST /events`, by request and reply.

use async_nats::{Client, Message};
use ledger::nats;
use ledger::sequencer::Delivery;
use serde_json::Value;

use crate::server::Server;
use crate::small::{Ledger, line, names, origin, soon};

async fn submit(client: &Client, body: String) -> Message {
    soon("an answer", client.request(names().submit(), body.into())).await.unwrap()
}

fn lines(message: &Message) -> Vec<Value> {
    let text = std::str::from_utf8(&message.payload).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn header<'a>(message: &'a Message, name: &str) -> &'a str {
    message.headers.as_ref().and_then(|headers| headers.get(name)).map_or("", |value| value.as_str())
}

fn body(events: &[Delivery]) -> String {
    events.iter().map(|event| line(event, "cso-x/visit.attempted/r") + "\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_submitted_is_answered_and_carried_on() {
    let mut ledger = Ledger::new();
    let server = Server::start(&origin());
    ledger.set_up(&server.settings("setup")).await.unwrap();
    let nats = ledger.start(&server).await;
    ledger.all_sent(&mut nats.status()).await;
    let client = server.client("reporter", "_INBOX_reporter").await;
    let mut events = vec![ledger.event(), ledger.event()];
    let answer = submit(&client, body(&events)).await;
    assert_eq!(header(&answer, "Content-Type"), "application/jsonl");
    let first = ledger.entries().await.len() as u64 - 3; // two events and their seal
    for (number, line) in lines(&answer).iter().enumerate() {
        assert_eq!((&line["status"], &line["fresh"]), (&"stands".into(), &true.into()), "{line}");
        assert_eq!(line["position"], first + number as u64);
        assert!(line["receipt"].as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1\n"), "{line}");
    }
    // The same again, and one that is refused in the middle, which keeps nobody out.
    let mut forged = ledger.event();
    forged.note = String::from_utf8(forged.note).unwrap().replace("lockdown", "lockdowns").into_bytes();
    events.insert(1, forged);
    let answer = lines(&submit(&client, body(&events)).await);
    let status: Vec<&str> = answer.iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(status, ["stands", "refused", "stands"]);
    assert_eq!((&answer[0]["fresh"], &answer[2]["fresh"]), (&false.into(), &false.into()));
    assert_eq!(answer[1]["problem"]["type"], "urn:oversight-ledger:problem:refused-by-admission");
    assert!(answer[1]["receipt"].as_str().unwrap().starts_with("oversight-refusal/v1\n"), "{}", answer[1]);

    ledger.all_sent(&mut nats.status()).await;
    ledger.holds_against(&server.root().await).await;
    nats.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_taken_is_answered_with_what_to_do() {
    let mut ledger = Ledger::new();
    let server = Server::start(&origin());
    ledger.set_up(&server.settings("setup")).await.unwrap();
    let settings = nats::NatsSettings { events_per_second: 256, ..server.settings("ledger") };
    let nats = nats::start(settings, &ledger.sequencer).await.unwrap();
    ledger.all_sent(&mut nats.status()).await;
    let client = server.client("reporter", "_INBOX_reporter").await;
    let before = ledger.entries().await.len();
    let event = line(&ledger.event(), "a/b/c");
    for (body, status, name) in [
        (String::new(), "400", "bad-line"),
        (format!("{event}\nrubbish\n"), "400", "bad-line"),
        (format!("{event}\n").repeat(257), "413", "too-large"),
    ] {
        let answer = submit(&client, body).await;
        assert_eq!(
            (header(&answer, "Nats-Service-Error-Code"), header(&answer, "Content-Type")),
            (status, "application/problem+json")
        );
        let problem: Value = serde_json::from_slice(&answer.payload).unwrap();
        assert_eq!(problem["type"], format!("urn:oversight-ledger:problem:{name}"));
        assert!(problem["detail"].as_str().unwrap().contains("nothing was taken"), "{problem}");
    }
    assert_eq!(ledger.entries().await.len(), before);
    // 256 in a second and no more; who waits is taken again.
    let answer = submit(&client, format!("{event}\n").repeat(256)).await;
    assert_eq!(lines(&answer).len(), 256);
    let answer = submit(&client, event.clone()).await;
    assert_eq!(header(&answer, "Nats-Service-Error-Code"), "429", "{answer:?}");
    let taken = async { while header(&submit(&client, event.clone()).await, "Nats-Service-Error-Code") == "429" {} };
    soon("the next second", taken).await;
    // Nobody but who may submit is heard; whoever may not gets no answer.
    nats.stop().await;
    assert!(client.request(names().submit(), event.into()).await.is_err(), "the door is shut");
}
