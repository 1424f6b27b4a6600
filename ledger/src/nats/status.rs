//! How it stands with NATS, for logs, health and metrics.

use std::fmt;

use tokio::sync::watch;

use super::trouble::Trouble;

/// What the sender of batches is at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stand {
    /// It looks for a server.
    #[default]
    Connecting,
    /// Everything that is published goes out.
    Sending,
    /// No server answers. It is tried again; nobody who appends waits for it.
    Away {
        /// Why.
        why: String,
    },
    /// A server or a stream is not as it must be: the operator must act. It is looked at again.
    Refused {
        /// What, and what to do.
        why: String,
    },
    /// The stream was caught at something, and nothing more is sent. Everyone must be told.
    Broken {
        /// What.
        why: String,
    },
}

/// How it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// What the sender is at.
    pub stand: Stand,
    /// Batches in the stream.
    pub sent: u64,
    /// Published entries that are not in the stream yet.
    pub waiting: u64,
    /// Entries under the published checkpoint that was sent last.
    pub seen: u64,
}

impl Status {
    /// Whether everything published is in the stream or on its way.
    pub fn is_well(&self) -> bool {
        matches!(self.stand, Stand::Sending)
    }

    pub(super) fn sending(&mut self, seen: u64) {
        (self.stand, self.seen) = (Stand::Sending, seen);
    }

    pub(super) fn stopped(&mut self, trouble: &Trouble) {
        let why = trouble.to_string();
        self.stand = match trouble {
            Trouble::Away(_) => Stand::Away { why },
            Trouble::Bad(_) => Stand::Refused { why },
            Trouble::Broken(_) => Stand::Broken { why },
        };
    }

    pub(super) fn count(&mut self, sent: u64, waiting: u64) {
        (self.sent, self.waiting) = (sent, waiting);
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.stand {
            Stand::Connecting => f.write_str("looking for a NATS server")?,
            Stand::Sending => write!(f, "NATS has {} batches", self.sent)?,
            Stand::Away { why } => write!(f, "NATS is away, and tried again: {why}")?,
            Stand::Refused { why } => write!(f, "NATS is not used until this is mended: {why}")?,
            Stand::Broken { why } => write!(f, "nothing more is sent to NATS: {why}")?,
        }
        if self.waiting > 0 { write!(f, "; {} published entries wait for it", self.waiting) } else { Ok(()) }
    }
}

/// Tells the status to whoever watches, and changes of the stand to the log.
#[derive(Clone)]
pub struct Teller(watch::Sender<Status>);

impl Teller {
    /// With the one to watch.
    pub fn new() -> (Self, watch::Receiver<Status>) {
        let (tell, told) = watch::channel(Status::default());
        (Self(tell), told)
    }

    /// Changes the status.
    pub fn tell(&self, change: impl FnOnce(&mut Status)) {
        self.0.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            if status.stand != before.stand {
                match status.stand {
                    Stand::Connecting | Stand::Sending => tracing::info!("{status}"),
                    Stand::Away { .. } => tracing::warn!("{status}"),
                    Stand::Refused { .. } | Stand::Broken { .. } => tracing::error!("{status}"),
                }
            }
            *status != before
        });
    }
}
