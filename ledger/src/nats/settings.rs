//! What is configured of NATS: the table `[nats]` of the ledger's configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_nats::ConnectOptions;
use serde::{Deserialize, Serialize};

use super::trouble::BadNats;
use super::{INBOX, WAIT};
use crate::files;
use schemas::visible::Show as _;

/// Longest file with a password, in bytes.
const PASSWORD_BYTES_MAX: usize = 4096;
/// Longest file of certificates or of a key, in bytes.
const PEM_BYTES_MAX: usize = 1 << 20;

/// How the ledger uses NATS. Without servers it uses none; everything runs without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NatsSettings {
    /// Addresses of the servers of one cluster: `["nats://10.0.0.1:4222"]`, `tls://…` to insist on TLS.
    pub servers: Vec<String>,
    /// The user as whom the ledger signs in; empty where a certificate of its own says who it is.
    pub user: String,
    /// File that holds the user's password and nothing else.
    pub password_file: PathBuf,
    /// Certificates (PEM) of who vouches for the servers; empty: those of the system.
    pub authorities: PathBuf,
    /// The ledger's own certificate (PEM), where the servers ask for one; empty: none.
    pub certificate: PathBuf,
    /// Its key (PEM).
    pub key: PathBuf,
    /// Begin TLS before the servers say anything (`handshake_first`).
    pub tls_first: bool,
    /// Copies of the streams that are demanded. Three, in three places, survive the loss of one; a server that
    /// stands alone can keep one.
    pub replicas: u8,
    /// How long the servers remember message ids, in seconds; as the stream was made.
    pub duplicate_window_seconds: u64,
    /// Longest wait for the acknowledgement of a batch before the same bytes are sent again.
    pub ack_seconds: u64,
    /// Batches that may wait for their acknowledgement at a time.
    pub in_flight_max: usize,
    /// Whether events may be submitted by NATS.
    pub submit: bool,
    /// Submissions that are worked on at a time.
    pub submissions_max: usize,
    /// Events of all submissions that are taken in a second.
    pub events_per_second: u32,
}

impl Default for NatsSettings {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            user: String::new(),
            password_file: PathBuf::new(),
            authorities: PathBuf::new(),
            certificate: PathBuf::new(),
            key: PathBuf::new(),
            tls_first: false,
            replicas: 3,
            duplicate_window_seconds: 24 * 3_600,
            ack_seconds: 5,
            in_flight_max: 32,
            submit: true,
            submissions_max: 64,
            events_per_second: 4_000,
        }
    }
}

impl NatsSettings {
    /// Whether NATS is used at all.
    pub fn is_on(&self) -> bool {
        !self.servers.is_empty()
    }

    /// Refuses values that make no sense.
    ///
    /// # Errors
    /// [`BadNats::Setting`] names it.
    pub fn check(&self) -> Result<(), BadNats> {
        let bad = |name, why: &str| Err(BadNats::Setting { name, why: why.to_owned() });
        if !matches!(self.replicas, 1 | 3 | 5) {
            return bad("replicas", "1, 3 or 5: an even number survives no more than the odd one below it");
        }
        if self.duplicate_window_seconds == 0 || self.duplicate_window_seconds > 30 * 86_400 {
            return bad("duplicate_window_seconds", "from 1 to 2592000");
        }
        if self.ack_seconds == 0 || self.ack_seconds > 300 {
            return bad("ack_seconds", "from 1 to 300");
        }
        if self.in_flight_max == 0 || self.in_flight_max > 256 {
            return bad("in_flight_max", "from 1 to 256");
        }
        if self.submissions_max == 0 || self.submissions_max > 4_096 {
            return bad("submissions_max", "from 1 to 4096");
        }
        if self.events_per_second < 256 || self.events_per_second > 1_000_000 {
            return bad("events_per_second", "from 256, so that one submission fits, to 1000000");
        }
        if self.user.is_empty() != self.password_file.as_os_str().is_empty() {
            return bad("password_file", "a user needs one, and it needs a user");
        }
        if self.certificate.as_os_str().is_empty() != self.key.as_os_str().is_empty() {
            return bad("key", "a certificate needs one, and it needs a certificate");
        }
        Ok(())
    }

    /// How to connect. What is secret is read from its file here, and nowhere kept.
    pub(super) fn options(&self) -> Result<ConnectOptions, BadNats> {
        let mut options = ConnectOptions::new()
            .name("ledger")
            .custom_inbox_prefix(INBOX)
            .connection_timeout(WAIT)
            .request_timeout(Some(WAIT))
            .reconnect_delay_callback(pause)
            .tls_first_if(self.tls_first);
        let given = |path: &Path| !path.as_os_str().is_empty();
        let secret = |name, path: &Path, max| {
            let bad = |why: String| BadNats::Setting { name, why };
            let bytes = files::read_secret(path, max).map_err(|e| bad(e.to_string()))?;
            bytes.ok_or_else(|| bad(format!("{} is not there", path.shown())))
        };
        // The library reads these files by itself, and would wait for a pipe.
        for (name, path) in [("authorities", &self.authorities), ("certificate", &self.certificate)] {
            if given(path) {
                let bad = |why: String| BadNats::Setting { name, why };
                let bytes = files::read(path, PEM_BYTES_MAX).map_err(|e| bad(e.to_string()))?;
                bytes.ok_or_else(|| bad(format!("{} is not there", path.shown())))?;
            }
        }
        if given(&self.key) {
            secret("key", &self.key, PEM_BYTES_MAX)?;
        }
        if given(&self.password_file) {
            let bad = |why: String| BadNats::Setting { name: "password_file", why };
            let bytes = secret("password_file", &self.password_file, PASSWORD_BYTES_MAX)?;
            let text = std::str::from_utf8(&bytes).map_err(|_| bad("not UTF-8".to_owned()))?;
            options = options.user_and_password(self.user.clone(), text.trim_end_matches(['\r', '\n']).to_owned());
        }
        if given(&self.authorities) {
            options = options.add_root_certificates(self.authorities.clone()).require_tls(true);
        }
        if given(&self.certificate) {
            options = options.add_client_certificate(self.certificate.clone(), self.key.clone()).require_tls(true);
        }
        Ok(options)
    }
}

/// How long to wait before the servers are tried once more.
fn pause(attempts: usize) -> Duration {
    let doubled = Duration::from_millis(50) * 2_u32.pow(attempts.clamp(1, 8) as u32 - 1);
    doubled.min(Duration::from_secs(4))
}

/// The library's switch knows one direction only.
trait TlsFirst {
    fn tls_first_if(self, first: bool) -> Self;
}

impl TlsFirst for ConnectOptions {
    fn tls_first_if(self, first: bool) -> Self {
        if first { self.tls_first() } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_named() {
        let with = |change: fn(&mut NatsSettings)| {
            let mut settings = NatsSettings::default();
            change(&mut settings);
            settings
        };
        assert!(NatsSettings::default().check().is_ok());
        for (settings, named) in [
            (with(|s| s.replicas = 2), "replicas"),
            (with(|s| s.duplicate_window_seconds = 0), "duplicate_window_seconds"),
            (with(|s| s.ack_seconds = 0), "ack_seconds"),
            (with(|s| s.in_flight_max = 0), "in_flight_max"),
            (with(|s| s.submissions_max = 5_000), "submissions_max"),
            (with(|s| s.events_per_second = 255), "events_per_second"),
            (with(|s| s.user = "ledger".to_owned()), "password_file"),
            (with(|s| s.certificate = "ledger.pem".into()), "key"),
        ] {
            let said = settings.check().unwrap_err().to_string();
            assert!(said.contains(&format!("[nats] {named}:")), "{said}");
        }
    }
}
