//! What the servers must be: new enough, with streams, and flushing before they acknowledge.

use std::collections::BTreeSet;
use std::time::Duration;

use async_nats::{Client, StatusCode};
use serde_json::Value;
use tokio::time::timeout;
use tokio_stream::StreamExt as _;

use super::trouble::{BadNats, Trouble};
use super::{MESSAGE_BYTES_MIN, WAIT};

/// Oldest version that has every setting which is demanded.
const VERSION_LEAST: (u64, u64) = (2, 14);
/// Longest wait for servers that need not answer.
const GRACE: Duration = Duration::from_millis(500);
/// The question to every server for its JetStream; the system account answers it.
const PING_JSZ: &str = "$SYS.REQ.SERVER.PING.JSZ";

/// What the server at the other end says of itself as it greets.
pub fn greeted(client: &Client) -> Result<(), BadNats> {
    let info = client.server_info();
    if !is_new_enough(&info.version) {
        return Err(BadNats::Version { server: info.server_name, found: info.version });
    }
    if !info.jetstream && info.cluster.is_none() {
        return Err(BadNats::NoJetStream { why: format!("jetstream is off on {}", info.server_name) });
    }
    if info.max_payload < MESSAGE_BYTES_MIN {
        return Err(BadNats::Payload { found: info.max_payload, least: MESSAGE_BYTES_MIN });
    }
    Ok(())
}

/// Asks all servers whether they flush before they acknowledge. Of those that keep the streams more than half must
/// say so, as an acknowledgement needs no more; the others may be down. One that says otherwise is enough to refuse.
pub async fn demand_flushing(client: &Client, peers: &BTreeSet<String>) -> Result<(), Trouble> {
    let mut missing = peers.clone();
    if missing.is_empty() {
        missing.insert(client.server_info().server_name);
    }
    let enough = (missing.len() - 1) / 2; // that may be missing
    let away = |why: &dyn std::fmt::Display| Trouble::Away(format!("{PING_JSZ}: {why}"));
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(|e| away(&e))?;
    client.publish_with_reply(PING_JSZ, inbox, Vec::new().into()).await.map_err(|e| away(&e))?;
    while !missing.is_empty() {
        let wait = if missing.len() > enough { WAIT } else { GRACE };
        // Silence is what a server says to who may not ask.
        let Ok(Some(message)) = timeout(wait, answers.next()).await else { break };
        if message.status == Some(StatusCode::NO_RESPONDERS) {
            break; // nobody listens: the account has no such import
        }
        let said: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
        let server = said["server"]["name"].as_str().unwrap_or_default().to_owned();
        if !missing.remove(&server) {
            continue; // it keeps nothing of ours
        }
        let version = said["server"]["ver"].as_str().unwrap_or_default();
        if !is_new_enough(version) {
            return Err(BadNats::Version { server, found: version.to_owned() }.into());
        }
        if said["data"]["config"]["sync_always"] != true {
            return Err(BadNats::Unsynced { server }.into());
        }
    }
    match missing.pop_first() {
        Some(server) if missing.len() >= enough => Err(BadNats::Unasked { server }.into()),
        _ => Ok(()),
    }
}

fn is_new_enough(version: &str) -> bool {
    let mut parts = version.split('.').map(str::parse::<u64>);
    matches!((parts.next(), parts.next()), (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= VERSION_LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (version, new) in [
            ("2.14.0", true),
            ("2.15.1", true),
            ("2.14.0-RC.1", true),
            ("3.0.0", true),
            ("2.13.9", false),
            ("2.9.10", false),
            ("1.15.0", false),
            ("", false),
            ("2", false),
            ("nats", false),
        ] {
            assert_eq!(is_new_enough(version), new, "{version:?}");
        }
    }
}
