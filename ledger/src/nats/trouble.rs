//! What can be wrong with NATS, by who must act and whether waiting helps.

use super::texts;

/// Why NATS cannot be used as it is configured. The *operator* must act; it is looked at again all the time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNats {
    /// A value of the configuration.
    #[error("[nats] {name}: {why}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// What belongs there.
        why: String,
    },
    /// The servers do not let the ledger in.
    #[error(
        "the NATS server does not let the ledger in ({why}): check user and password_file, or certificate and key, in [nats]"
    )]
    Login {
        /// What it said.
        why: String,
    },
    /// A server that is too old.
    #[error(
        "the NATS server {server} is of version {found}: 2.14 is the oldest that keeps what is demanded of it; renew it"
    )]
    Version {
        /// Its name.
        server: String,
        /// What it says it is.
        found: String,
    },
    /// A server or an account without streams.
    #[error(
        "the NATS server keeps no streams for the ledger's account ({why}); its configuration needs\n{}",
        texts::JETSTREAM
    )]
    NoJetStream {
        /// What it said.
        why: String,
    },
    /// Messages may not be long enough.
    #[error(
        "the NATS server takes messages of {found} bytes, and a batch can have {least}; its configuration needs\n{}",
        texts::PAYLOAD
    )]
    Payload {
        /// What it takes, in bytes.
        found: usize,
        /// What is needed, in bytes.
        least: usize,
    },
    /// A server that acknowledges before its disk has it.
    #[error(
        "the NATS server {server} acknowledges what its disk may lose: sync_interval is not always; its configuration needs\n{}",
        texts::JETSTREAM
    )]
    Unsynced {
        /// Its name.
        server: String,
    },
    /// No server says when it flushes.
    #[error(
        "whether the NATS server {server} flushes before it acknowledges cannot be asked; the configuration needs\n{}",
        texts::ASKING
    )]
    Unasked {
        /// Its name.
        server: String,
    },
    /// The stream is not there.
    #[error("there is no stream {stream}: `ledger nats setup --help` makes it")]
    NoStream {
        /// Its name.
        stream: String,
    },
    /// The stream cannot be made.
    #[error("the stream {stream} cannot be made: {why}; one server alone can keep one copy: replicas = 1 in [nats]")]
    Uncreated {
        /// Its name.
        stream: String,
        /// What the server said.
        why: String,
    },
    /// The stream is another than it must be.
    #[error("the stream {stream} has {setting} = {found} where {wanted} is demanded: what it holds could change or vanish. {}", texts::remake(.setting))]
    Stream {
        /// Its name.
        stream: String,
        /// The setting, as the server calls it.
        setting: String,
        /// What is demanded.
        wanted: String,
        /// What the server says.
        found: String,
    },
    /// A batch that is too long to be a message.
    #[error(
        "batch {number} has {bytes} bytes as a message and the NATS server takes {limit}: raise max_payload in its configuration above that (64MB is the most)"
    )]
    TooLong {
        /// Its number.
        number: u64,
        /// Its length as a message, headers included.
        bytes: usize,
        /// What the server takes.
        limit: usize,
    },
}

/// What the stream was caught at. *Everyone* must be told; nothing more is sent to it, and nothing in it is changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A message with other bytes than the batch of its number.
    #[error(
        "message {number} of the stream {stream} is not batch {number} of this log: someone else has written to the stream, or this is another copy of the ledger"
    )]
    Foreign {
        /// The stream.
        stream: String,
        /// Which message.
        number: u64,
    },
    /// More than the log has.
    #[error(
        "the stream {stream} has {found} batches and this log only {own}: this is an old copy of the ledger, or another one writes; start from the newest copy"
    )]
    Ahead {
        /// The stream.
        stream: String,
        /// Number of its last message.
        found: u64,
        /// Batches of the log.
        own: u64,
    },
    /// Less than it had.
    #[error(
        "the stream {stream} lacks message {number}, which it had acknowledged or must have: it was cut, emptied or made anew"
    )]
    Lost {
        /// The stream.
        stream: String,
        /// The first one missing, as far as is known.
        number: u64,
    },
    /// An acknowledgement for another place.
    #[error("the stream {stream} put batch {number} at place {found}")]
    Misplaced {
        /// The stream.
        stream: String,
        /// The batch.
        number: u64,
        /// Where it was put.
        found: u64,
    },
    /// What bears the log's signature, and is ahead of it or another history.
    #[error("{why}")]
    Contradicted {
        /// What, and the way out.
        why: String,
    },
    /// The ledger's own log could not be read.
    #[error("the log could not be read for the stream: {why}")]
    Unread {
        /// What failed.
        why: String,
    },
}

/// Why the ledger is not sending now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No server, or none that answers: the same is tried again soon.
    #[error("{0}")]
    Away(String),
    /// The operator must act.
    #[error(transparent)]
    Bad(#[from] BadNats),
    /// For good.
    #[error(transparent)]
    Broken(#[from] Broken),
}
