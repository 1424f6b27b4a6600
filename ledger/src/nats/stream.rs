//! What the two streams must be: every setting that a server knows, compared by its name. `FORMAT.md` 23.3.

use std::collections::BTreeSet;

use async_nats::Client;
use schemas::batch::Names;
use serde_json::{Map, Value, json};

use super::settings::NatsSettings;
use super::trouble::{BadNats, Trouble};
use super::wire;

/// Checkpoints that the second stream keeps; the last one counts.
const SEEN_MESSAGES_MAX: u64 = 64;
/// Settings that say where and why, not what: the operator's own affair.
const FREE: [&str; 2] = ["placement", "description"];

/// Which ledger a stream belongs to, written into the stream itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The log's origin.
    pub origin: String,
    /// Leaf of its first entry, hex.
    pub genesis: String,
}

/// The stream of batches.
pub fn commits(names: &Names, owner: &Owner, settings: &NatsSettings) -> Value {
    let mut wanted = common(owner, settings);
    wanted["name"] = names.stream().into();
    wanted["subjects"] = json!([names.commit()]);
    wanted["discard"] = "new".into();
    wanted["max_msgs"] = (-1).into();
    wanted
}

/// The stream of published checkpoints.
pub fn seen(names: &Names, owner: &Owner, settings: &NatsSettings) -> Value {
    let mut wanted = common(owner, settings);
    wanted["name"] = names.seen_stream().into();
    wanted["subjects"] = json!([names.seen()]);
    wanted["discard"] = "old".into();
    wanted["max_msgs"] = SEEN_MESSAGES_MAX.into();
    wanted
}

fn common(owner: &Owner, settings: &NatsSettings) -> Value {
    json!({
        "retention": "limits",
        "storage": "file",
        "num_replicas": settings.replicas,
        "max_bytes": -1,
        "max_age": 0,
        "max_consumers": -1,
        "max_msgs_per_subject": -1,
        "max_msg_size": -1,
        "duplicate_window": settings.duplicate_window_seconds * 1_000_000_000,
        "compression": "none",
        "deny_delete": true,
        "deny_purge": true,
        "allow_rollup_hdrs": false,
        "allow_direct": false,
        "mirror_direct": false,
        "allow_msg_ttl": false,
        "sealed": false,
        "metadata": { "ledger_id": owner.origin, "genesis_hash": owner.genesis },
    })
}

/// The first setting in which a stream is not what is demanded. A setting that is not in the list must be off.
pub fn compare(wanted: &Value, found: &Value) -> Result<(), BadNats> {
    let none = Map::new();
    let (wanted, found) = (wanted.as_object().unwrap_or(&none), found.as_object().unwrap_or(&none));
    let stream = wanted["name"].as_str().unwrap_or_default();
    let names: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
    for name in names.into_iter().filter(|name| !FREE.contains(&name.as_str())) {
        let (want, have) = (wanted.get(name), found.get(name).unwrap_or(&Value::Null));
        let same = match want {
            Some(Value::Object(_)) if name == "metadata" => own_metadata(have) == *want.unwrap_or(&Value::Null),
            Some(want) if is_off(want) => is_off(have),
            Some(want) => want == have,
            None => is_off(have) || is_usual(name, have),
        };
        if !same {
            let wanted = want.map_or_else(|| "nothing".to_owned(), Value::to_string);
            return Err(BadNats::Stream {
                stream: stream.to_owned(),
                setting: name.clone(),
                wanted,
                found: have.to_string(),
            });
        }
    }
    Ok(())
}

/// Whether a value says "no", however the server writes it.
fn is_off(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Number(n) => n.as_u64() == Some(0),
        Value::String(text) => text.is_empty() || text == "none",
        Value::Array(list) => list.is_empty(),
        Value::Object(members) => members.values().all(is_off),
    }
}

/// Values that a server may write out although they are what it does anyway.
fn is_usual(name: &str, value: &Value) -> bool {
    match name {
        "first_seq" => value.as_u64() == Some(1),
        "persist_mode" => value == "default",
        _ => false,
    }
}

/// Metadata without what the server adds about itself.
fn own_metadata(value: &Value) -> Value {
    let members = value.as_object().into_iter().flatten();
    Value::Object(
        members.filter(|(name, _)| !name.starts_with("_nats.")).map(|(n, v)| (n.clone(), v.clone())).collect(),
    )
}

/// Where a stream stands, and who keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Number of its last message.
    pub last: u64,
    /// The first that it lacks although later ones are there.
    pub gap: Option<u64>,
    /// Names of the servers that keep it; empty where one server stands alone.
    pub peers: BTreeSet<String>,
}

/// Asks for a stream, and demands that it is as it must be, from its first message on.
pub async fn demand(client: &Client, wanted: &Value) -> Result<Standing, Trouble> {
    let stream = wanted["name"].as_str().unwrap_or_default();
    let missing = || BadNats::NoStream { stream: stream.to_owned() };
    let info = wire::stream_info(client, stream).await?.ok_or_else(missing)?;
    compare(wanted, &info["config"])?;
    Ok(standing(&info))
}

fn standing(info: &Value) -> Standing {
    let mut peers = BTreeSet::new();
    let cluster = &info["cluster"];
    let replicas = cluster["replicas"].as_array().into_iter().flatten().map(|replica| &replica["name"]);
    peers.extend(
        replicas
            .chain([&cluster["leader"]])
            .filter_map(Value::as_str)
            .filter(|name| !name.is_empty())
            .map(str::to_owned),
    );
    let number = |name: &str| info["state"][name].as_u64().unwrap_or(0);
    let (first, last, kept) = (number("first_seq"), number("last_seq"), number("messages"));
    let gap = if last > 0 && first != 1 { Some(1) } else { (kept < last).then_some(kept + 1) };
    Standing { last, gap, peers }
}

/// Makes a stream. One that is there stays as it is.
pub async fn create(client: &Client, wanted: &Value) -> Result<(), Trouble> {
    let stream = wanted["name"].as_str().unwrap_or_default();
    if wire::stream_info(client, stream).await?.is_some() {
        return Ok(());
    }
    match wire::ask(client, format!("$JS.API.STREAM.CREATE.{stream}"), wanted).await? {
        Ok(_) => Ok(()),
        Err(error) if wire::NOT_ENABLED.contains(&error.code) => Err(BadNats::NoJetStream { why: error.words }.into()),
        Err(error) => Err(BadNats::Uncreated { stream: stream.to_owned(), why: error.words }.into()),
    }
}

#[cfg(test)]
mod tests {
    use schemas::note::Origin;

    use super::*;

    fn wanted() -> Value {
        let owner = Owner { origin: "velmora.example/log".into(), genesis: "00".repeat(32) };
        commits(&Names::of(&Origin::parse(&owner.origin).unwrap()), &owner, &NatsSettings::default())
    }

    #[test]
    fn what_a_server_adds_or_leaves_out_is_no_difference() {
        let mut found = wanted();
        for off in ["allow_msg_ttl", "sealed", "max_age", "compression"] {
            found.as_object_mut().unwrap().remove(off);
        }
        found["metadata"]["_nats.level"] = "0".into();
        found["placement"] = json!({"cluster": "north"});
        found["first_seq"] = 1.into();
        found["consumer_limits"] = json!({});
        found["republish"] = Value::Null;
        found["allow_a_thing_of_tomorrow"] = false.into();
        assert_eq!(compare(&wanted(), &found), Ok(()));
    }

    #[test]
    fn every_other_difference_is_named() {
        for (setting, value) in [
            ("storage", json!("memory")),
            ("num_replicas", json!(1)),
            ("discard", json!("old")),
            ("max_msgs", json!(1000)),
            ("max_bytes", json!(1 << 20)),
            ("max_age", json!(1_000_000_000)),
            ("deny_delete", json!(false)),
            ("deny_purge", Value::Null),
            ("allow_rollup_hdrs", json!(true)),
            ("allow_direct", json!(true)),
            ("allow_msg_ttl", json!(true)),
            ("duplicate_window", json!(120_000_000_000_u64)),
            ("retention", json!("workqueue")),
            ("subjects", json!(["ledger.>"])),
            ("metadata", json!({})),
            ("first_seq", json!(5)),
            ("persist_mode", json!("async")),
            ("mirror", json!({"name": "another"})),
            ("sources", json!([{"name": "another"}])),
            ("republish", json!({"src": ">", "dest": "x.>"})),
            ("subject_transform", json!({"src": "a", "dest": "b"})),
            ("allow_a_thing_of_tomorrow", json!(true)),
        ] {
            let mut found = wanted();
            found[setting] = value;
            let Err(BadNats::Stream { setting: named, .. }) = compare(&wanted(), &found) else {
                panic!("{setting} was let through");
            };
            assert_eq!(named, setting);
        }
    }
}
