//! What servers and streams must be: each wrong setting is refused by its name, before anything is sent.

use ledger::nats::{self, BadNats, NotStarted, Trouble};
use serde_json::{Value, json};

use crate::server::Server;
use crate::small::{Ledger, names, origin, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_a_wrong_setting_is_refused_by_its_name() {
    let ledger = Ledger::new();
    let server = Server::start(&origin());
    ledger.set_up(&server.settings("setup")).await.unwrap();
    let root = server.root().await;
    let (stream, seen) = (names().stream(), names().seen_stream());
    let hour = 3_600_000_000_000_u64;
    let wrong: &[(&str, &str, Value)] = &[
        (&stream, "storage", json!("memory")),
        (&stream, "retention", json!("interest")),
        (&stream, "discard", json!("old")),
        (&stream, "max_msgs", json!(1_000_000)),
        (&stream, "max_bytes", json!(1 << 30)),
        (&stream, "max_age", json!(48 * hour)),
        (&stream, "max_msg_size", json!(1 << 20)),
        (&stream, "max_msgs_per_subject", json!(1)),
        (&stream, "max_consumers", json!(8)),
        (&stream, "deny_delete", json!(false)),
        (&stream, "deny_purge", json!(false)),
        (&stream, "allow_direct", json!(true)),
        (&stream, "allow_msg_ttl", json!(true)),
        (&stream, "allow_atomic", json!(true)),
        (&stream, "compression", json!("s2")),
        (&stream, "duplicate_window", json!(hour)),
        (&stream, "subjects", json!([names().commit(), "another"])),
        (&stream, "republish", json!({"src": ">", "dest": "copy.>"})),
        (&stream, "subject_transform", json!({"src": "a", "dest": "b"})),
        (&stream, "first_seq", json!(7)),
        (&stream, "persist_mode", json!("async")),
        (&stream, "metadata", json!({"ledger_id": "other.example/log", "genesis_hash": "00"})),
        (&seen, "storage", json!("memory")),
        (&seen, "max_msgs", json!(-1)),
    ];
    for (stream, setting, value) in wrong {
        let good = root.config(stream).await;
        let mut bad = good.clone();
        bad[setting] = value.clone();
        root.remake(&bad).await;
        match ledger.set_up(&server.settings("setup")).await {
            Err(Trouble::Bad(BadNats::Stream { stream: of, setting: named, .. })) => {
                assert_eq!((of.as_str(), named.as_str()), (*stream, *setting));
            }
            other => panic!("{setting} = {value}: {other:?}"),
        }
        // Nor does the ledger start with it.
        let started = nats::start(server.settings("ledger"), &ledger.sequencer).await;
        let why = started.err().unwrap_or_else(|| panic!("started with {setting} = {value}")).to_string();
        assert!(why.contains(stream) && why.contains(setting), "{why}");
        root.remake(&good).await;
    }
    // Three copies are demanded unless the operator says otherwise.
    let three = nats::NatsSettings { replicas: 3, ..server.settings("ledger") };
    let Err(NotStarted::Bad(bad)) = nats::start(three, &ledger.sequencer).await else { panic!("started") };
    assert!(bad.to_string().contains("num_replicas = 1 where 3"), "{bad}");
    ledger.set_up(&server.settings("setup")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_as_it_must_be_is_refused_with_what_to_write() {
    let ledger = Ledger::new();
    for (from, to, says, write) in [
        ("sync_interval: always", "sync_interval: \"2m\"", "sync_interval is not always", "sync_interval: always"),
        (
            "imports: [ { service: { account: SYS, subject: \"$SYS.REQ.SERVER.PING.JSZ\" } } ]",
            "",
            "cannot be asked",
            "imports: [",
        ),
        ("    jetstream: enabled", "    jetstream: disabled", "keeps no streams", "jetstream: enabled"),
        ("max_payload: 8MB", "max_payload: 1MB", "1048576 bytes", "max_payload: 8MB"),
    ] {
        let server = Server::bent(&origin(), |text| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
        let why = ledger.set_up(&server.settings("setup")).await.expect_err(says).to_string();
        assert!(why.contains(says) && why.contains(write), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_make_streams_and_who_is_not_let_in_are_told_apart() {
    let ledger = Ledger::new();
    let server = Server::start(&origin());
    let mut stranger = server.settings("ledger");
    let wrong = ledger.folder.path().join("wrong");
    verifier::output::write(&wrong, b"wrong", verifier::output::Readers::Owner).unwrap();
    stranger.password_file = ledger.folder.path().join("wrong");
    let Err(Trouble::Bad(BadNats::Login { .. })) = ledger.set_up(&stranger).await else { panic!("let in") };
    stranger.password_file = ledger.folder.path().join("none");
    let Err(Trouble::Bad(BadNats::Setting { name, .. })) = ledger.set_up(&stranger).await else { panic!("let in") };
    assert_eq!(name, "password_file");
    // The ledger's own user can neither make a stream nor take one away.
    ledger.set_up(&server.settings("setup")).await.unwrap();
    let (client, mut said) = server.client_that_tells("ledger").await;
    for subject in ["DELETE", "PURGE", "UPDATE", "CREATE", "MSG.DELETE"] {
        let subject = format!("$JS.API.STREAM.{subject}.{}", names().stream());
        client.publish(subject.clone(), Vec::new().into()).await.unwrap();
        let told = async { while !said.recv().await.unwrap().to_lowercase().contains(&subject.to_lowercase()) {} };
        soon("the refusal", told).await;
    }
    assert_eq!(server.root().await.last(&names().stream()).await, 0);
}
