//! `nats setup`: streams for a ledger, and the configuration of servers that can keep them.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ledger::nats::{self, Identity, NatsSettings, Trouble};

use super::{Ended, open};

/// What can be done about NATS.
#[derive(Subcommand)]
pub enum Nats {
    /// Make the streams of a ledger, or print the configuration of servers that can keep them.
    Setup(Setup),
}

/// Arguments of `nats setup`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger nats setup my-ledger --print > nats.conf      # then set the passwords, and start nats-server 2.14 or newer
  ledger nats setup my-ledger --server nats://127.0.0.1:4222 --user setup --password-file setup.password --replicas 1

Run it before `ledger serve`, which never makes or changes a stream: it demands that they are as they must be.
A stream that is there is not touched; what is wrong with it, or with a server, is named.
Exit code: 0 servers and streams are as they must be, 1 something must be mended, 2 no server can be reached."
)]
pub struct Setup {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Print the servers' configuration, and do nothing else.
    #[arg(long)]
    print: bool,
    /// Address of a server; give it again for each of a cluster.
    #[arg(long, value_name = "URL", required_unless_present = "print")]
    server: Vec<String>,
    /// Who makes the streams: a user that may, for this once.
    #[arg(long, requires = "password_file")]
    user: Option<String>,
    /// File with the user's password.
    #[arg(long, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Certificates (PEM) of who vouches for the servers.
    #[arg(long, value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Own certificate (PEM), where the servers ask for one.
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// Its key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// Copies of each stream: 3 in a cluster, 1 on a server that stands alone.
    #[arg(long, value_name = "N", default_value_t = NatsSettings::default().replicas)]
    replicas: u8,
    /// How long the servers remember message ids, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = NatsSettings::default().duplicate_window_seconds)]
    duplicate_window: u64,
}

impl Nats {
    pub fn run(self) -> Result<(), Ended> {
        let Self::Setup(setup) = self;
        setup.run()
    }
}

impl Setup {
    fn run(self) -> Result<(), Ended> {
        let identity = Identity::of(&*open(&super::home(&self.ledger)?)?)?;
        if self.print {
            verifier::terminal::say(format_args!("{}", nats::server_configuration(identity.origin())));
            return Ok(());
        }
        let settings = NatsSettings {
            servers: self.server,
            user: self.user.unwrap_or_default(),
            password_file: self.password_file.unwrap_or_default(),
            authorities: self.authorities.unwrap_or_default(),
            certificate: self.certificate.unwrap_or_default(),
            key: self.key.unwrap_or_default(),
            replicas: self.replicas,
            duplicate_window_seconds: self.duplicate_window,
            ..NatsSettings::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        match runtime.block_on(nats::set_up(&settings, &identity)) {
            Ok(()) => {
                let names = schemas::batch::Names::of(identity.origin());
                verifier::say!("{} and {} are as they must be", names.stream(), names.seen_stream());
                Ok(())
            }
            Err(Trouble::Away(why)) => Err(Ended::Could(why)),
            Err(mend) => Err(Ended::Refused(mend.to_string())),
        }
    }
}
