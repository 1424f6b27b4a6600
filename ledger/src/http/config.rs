//! The one configuration file of `ledger serve`. Every default is written out in `service/ledger.toml`, which a
//! test compares with what is here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::nats::NatsSettings;

/// The file with every default written out, and what each is for.
pub const TEXT: &str = include_str!("../../service/ledger.toml");
/// Longest configuration file, in bytes.
pub const FILE_BYTES_MAX: usize = 1 << 20;

/// How a ledger is served. An absent value has its default; an unknown one is refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where.
    pub listen: Listen,
    /// With which certificate.
    pub tls: Tls,
    /// Where the last signed checkpoint is kept too.
    pub anchor: Anchor,
    /// What is asked before anything is recorded.
    pub start: Start,
    /// Behind whom.
    pub proxy: Proxy,
    /// What a client may take.
    pub requests: Requests,
    /// How fast.
    pub rate: Rate,
    /// What may be handed in.
    pub events: Events,
    /// The live feed.
    pub feed: Feed,
    /// Hidden values.
    pub readings: Readings,
    /// The static copy.
    pub mirror: Mirror,
    /// The servers that carry the log to others.
    pub nats: NatsSettings,
    /// Figures for the operator.
    pub metrics: Metrics,
    /// What is written to stderr.
    pub log: Log,
    /// How it ends.
    pub stop: Stop,
}

/// `[listen]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Listen {
    /// Address and port; port 0 takes a free one, which is printed.
    pub address: SocketAddr,
    /// Names by which clients may call this server; none: any.
    pub names: Vec<String>,
}

/// `[tls]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tls {
    /// Certificate chain, PEM; without one the server speaks plain HTTP.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// `[anchor]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Anchor {
    /// File in which the last signed checkpoint is kept too, on another disk or where another machine has it; empty: none.
    pub also: PathBuf,
}

/// `[start]`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// Whether it goes on where no quorum of witnesses can be asked what it has seen.
    pub without_witnesses: bool,
}

/// `[proxy]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Proxy {
    /// Addresses of proxies that are believed when they say who asks.
    pub addresses: Vec<IpAddr>,
    /// The header field in which they say so; its last address counts.
    pub header: String,
    /// Whether they speak TLS with the client.
    pub tls: bool,
}

/// `[requests]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Requests {
    /// Connections at a time.
    pub connections_max: usize,
    /// Connections of one address at a time.
    pub connections_of_address_max: usize,
    /// Requests that are worked on at a time.
    pub at_once_max: usize,
    /// Requests of one address that are worked on at a time.
    pub at_once_of_address_max: usize,
    /// Requests of one key that are worked on at a time.
    pub at_once_of_key_max: usize,
    /// Requests that read from the disk at a time.
    pub reading_max: usize,
    /// Bytes of all answers that wait for slow readers.
    pub answer_bytes_at_once_max: usize,
    /// And of those to one address.
    pub answer_bytes_of_address_max: usize,
    /// Public packs that are waited for, beside those that are being made.
    pub packs_waiting_max: usize,
    /// Bytes of public packs that are kept for whoever asks for the same.
    pub packs_kept_bytes_max: usize,
    /// Longest head of a request, in bytes.
    pub head_bytes_max: usize,
    /// Longest wait for a head, and for the next request on a connection.
    pub head_seconds: u64,
    /// Longest wait for the next piece of a body.
    pub body_pause_seconds: u64,
    /// Longest wait for a whole body.
    pub body_seconds: u64,
    /// Least speed of a body after the first pause that it may make, in bytes a second.
    pub body_speed_min: u64,
    /// Longest wait for a client to take what is sent.
    pub write_seconds: u64,
    /// Least speed of a client that lets the server wait for so long, in bytes a second.
    pub write_speed_min: u64,
}

/// `[rate]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// Requests of one key in a second, on average.
    pub key_requests: u32,
    /// Requests of one key at once.
    pub key_requests_burst: u32,
    /// Events that one key carries in, in a second, on average.
    pub key_events: u32,
    /// Events of one key at once.
    pub key_events_burst: u32,
    /// Requests of one address in a second, on average.
    pub address_requests: u32,
    /// Requests of one address at once.
    pub address_requests_burst: u32,
}

/// `[events]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Events {
    /// Most events in one request.
    pub lines_max: usize,
    /// Longest request, in bytes.
    pub bytes_max: usize,
    /// Bytes of all requests of one key that are under way, beside the first 64 KiB of each.
    pub bytes_of_key_max: usize,
    /// And of one address.
    pub bytes_of_address_max: usize,
    /// Bytes of all requests that are under way.
    pub bytes_at_once_max: usize,
}

/// `[feed]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feed {
    /// Readers at a time.
    pub readers_max: usize,
    /// Readers of one address at a time.
    pub readers_of_address_max: usize,
    /// A comment is sent this often, so that both sides see that the other is there.
    pub comment_seconds: u64,
}

/// `[readings]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Readings {
    /// Folder with the key of a holder of the operator, who signs the record of each reading; without it no
    /// hidden value leaves by HTTP.
    pub keys: PathBuf,
    /// That holder; empty: the first of the operator's whose key is there.
    pub signer: String,
    /// Most entries whose openings are given in one answer.
    pub openings_max: u64,
}

/// `[mirror]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mirror {
    /// Folder that is kept current as a bundle; empty: none.
    pub folder: PathBuf,
    /// It is brought up to date at most this often.
    pub seconds: u64,
}

/// `[metrics]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Addresses that may read /metrics.
    pub addresses: Vec<IpAddr>,
}

/// `[log]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `off`, `error`, `warn`, `info` or `debug`.
    pub level: Level,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    Off,
    /// What the operator must act on.
    Error,
    /// And what went wrong for a client by our fault.
    Warn,
    /// And every request.
    Info,
    /// And what else happens.
    Debug,
}

/// `[stop]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stop {
    /// Requests under way may take this long to end.
    pub seconds: u64,
}

impl Default for Listen {
    fn default() -> Self {
        Self { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 7370)), names: Vec::new() }
    }
}

impl Default for Proxy {
    fn default() -> Self {
        Self { addresses: Vec::new(), header: "x-forwarded-for".to_owned(), tls: true }
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            connections_of_address_max: 128,
            at_once_max: 512,
            at_once_of_address_max: 64,
            at_once_of_key_max: 32,
            reading_max: 8,
            answer_bytes_at_once_max: 256 << 20,
            answer_bytes_of_address_max: 64 << 20,
            packs_waiting_max: 16,
            packs_kept_bytes_max: 64 << 20,
            head_bytes_max: 16 << 10,
            head_seconds: 15,
            body_pause_seconds: 20,
            body_seconds: 300,
            body_speed_min: 512,
            write_seconds: 30,
            write_speed_min: 1_024,
        }
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            key_requests: 50,
            key_requests_burst: 200,
            key_events: 2_000,
            key_events_burst: 10_000,
            address_requests: 200,
            address_requests_burst: 1_000,
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self {
            lines_max: 256,
            bytes_max: 16 << 20,
            bytes_of_key_max: 32 << 20,
            bytes_of_address_max: 64 << 20,
            bytes_at_once_max: 128 << 20,
        }
    }
}

impl Default for Feed {
    fn default() -> Self {
        Self { readers_max: 256, readers_of_address_max: 16, comment_seconds: 15 }
    }
}

impl Default for Readings {
    fn default() -> Self {
        Self { keys: PathBuf::new(), signer: String::new(), openings_max: 4_096 }
    }
}

impl Default for Mirror {
    fn default() -> Self {
        Self { folder: PathBuf::new(), seconds: 10 }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { addresses: vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()] }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info }
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self { seconds: 20 }
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadConfig {
    /// Not of its form.
    #[error("{0}`ledger serve --print-config` shows every value with its default")]
    Form(String),
    /// A number that would let nobody in.
    #[error("{name} = 0: nobody could be served; give at least 1")]
    Zero {
        /// Its name.
        name: &'static str,
    },
    /// One half of a pair.
    #[error("[tls] needs both certificate and key, or neither")]
    HalfTls,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// [`BadConfig`] names the line or the value.
    pub fn parse(text: &str) -> Result<Self, BadConfig> {
        let config: Self = toml::from_str(text).map_err(|e| BadConfig::Form(e.to_string()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), BadConfig> {
        let numbers = [
            ("requests.connections_max", self.requests.connections_max),
            ("requests.connections_of_address_max", self.requests.connections_of_address_max),
            ("requests.at_once_max", self.requests.at_once_max),
            ("requests.at_once_of_address_max", self.requests.at_once_of_address_max),
            ("requests.at_once_of_key_max", self.requests.at_once_of_key_max),
            ("requests.reading_max", self.requests.reading_max),
            ("requests.answer_bytes_at_once_max", self.requests.answer_bytes_at_once_max),
            ("requests.answer_bytes_of_address_max", self.requests.answer_bytes_of_address_max),
            ("requests.packs_waiting_max", self.requests.packs_waiting_max),
            ("requests.head_seconds", self.requests.head_seconds as usize),
            ("requests.body_pause_seconds", self.requests.body_pause_seconds as usize),
            ("requests.body_seconds", self.requests.body_seconds as usize),
            ("requests.write_seconds", self.requests.write_seconds as usize),
            ("rate.key_requests", self.rate.key_requests as usize),
            ("rate.key_requests_burst", self.rate.key_requests_burst as usize),
            ("rate.key_events", self.rate.key_events as usize),
            ("rate.key_events_burst", self.rate.key_events_burst as usize),
            ("rate.address_requests", self.rate.address_requests as usize),
            ("rate.address_requests_burst", self.rate.address_requests_burst as usize),
            ("events.lines_max", self.events.lines_max),
            ("events.bytes_max", self.events.bytes_max),
            ("events.bytes_of_key_max", self.events.bytes_of_key_max),
            ("events.bytes_of_address_max", self.events.bytes_of_address_max),
            ("events.bytes_at_once_max", self.events.bytes_at_once_max),
            ("feed.comment_seconds", self.feed.comment_seconds as usize),
            ("readings.openings_max", self.readings.openings_max as usize),
            ("mirror.seconds", self.mirror.seconds as usize),
        ];
        if let Some((name, _)) = numbers.iter().find(|(_, number)| *number == 0) {
            return Err(BadConfig::Zero { name });
        }
        let half = self.tls.certificate.as_os_str().is_empty() != self.tls.key.as_os_str().is_empty();
        if half { Err(BadConfig::HalfTls) } else { Ok(()) }
    }

    /// Whether clients speak TLS with this server, or with the proxy before it.
    pub fn is_tls(&self) -> bool {
        !self.tls.certificate.as_os_str().is_empty() || (!self.proxy.addresses.is_empty() && self.proxy.tls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(value: &serde_json::Value, before: &str, into: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(members) => {
                members.iter().for_each(|(name, value)| names(value, &format!("{before}.{name}"), into));
            }
            _ => into.push(before.to_owned()),
        }
    }

    #[test]
    fn the_file_says_every_default() {
        assert_eq!(Config::parse(TEXT), Ok(Config::default()));
        let (mut ours, mut written) = (Vec::new(), Vec::new());
        names(&serde_json::to_value(Config::default()).unwrap(), "", &mut ours);
        names(&serde_json::to_value(TEXT.parse::<toml::Table>().unwrap()).unwrap(), "", &mut written);
        ours.sort();
        written.sort();
        assert_eq!(written, ours);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (text, says) in [
            ("[listen]\naddress = \"nowhere\"\n", "address"),
            ("[listen]\nport = 80\n", "port"),
            ("[limits]\n", "limits"),
            ("[log]\nlevel = \"loud\"\n", "loud"),
            ("[requests]\nconnections_max = 0\n", "requests.connections_max"),
            ("[requests]\nconnections_max = -1\n", "-1"),
            ("[rate]\nkey_events = 0\n", "rate.key_events"),
            ("[tls]\ncertificate = \"chain.pem\"\n", "both certificate and key"),
            ("[tls", "TOML"),
        ] {
            let why = Config::parse(text).unwrap_err().to_string();
            assert!(why.contains(says), "{text:?}: {why}");
        }
    }
}
