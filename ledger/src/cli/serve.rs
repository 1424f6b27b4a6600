//! `serve`: the ledger over HTTP.

use schemas::visible::Show as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use ledger::failure::Failure;
use ledger::files;
use ledger::http::config::{self, Config};
use ledger::http::readings::{BadReadings, Readings};
use ledger::http::{Server, log};
use ledger::writer::Writer;
use verifier::listen::stopped;

use super::{Ended, Start, open, parties, settings};

/// Arguments of `serve`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  ledger serve my-ledger                                     # on http://127.0.0.1:7370, for this machine alone
  ledger serve my-ledger --config /etc/ledger.toml           # everything else is in the file
  ledger serve my-ledger --listen 0.0.0.0:7370 --mirror /srv/bundle --readings keys
  ledger serve --print-config > ledger.toml                  # every value with its default, and what it is for

Institutions hand events in with POST /events, signed with their keys; everybody reads the published log; parties
read their packs. The paths are in /openapi.json. Ctrl-C or SIGTERM ends it: nobody new is let in, requests under
way are answered, and whatever was answered is on the disk.
Exit code: 0 ended as asked, 1 the configuration makes no sense, 2 the ledger failed."
)]
pub struct Serve {
    /// Folder of the ledger.
    #[arg(required_unless_present = "print_config")]
    ledger: Option<PathBuf>,
    /// Configuration file; without one everything has its default.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port, in place of the configured ones; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    /// Folder to keep current as a bundle, in place of the configured one.
    #[arg(long, value_name = "DIR")]
    mirror: Option<PathBuf>,
    /// Folder with the key of a holder of the operator, who signs the record of each reading.
    #[arg(long, value_name = "DIR")]
    readings: Option<PathBuf>,
    #[command(flatten)]
    start: Start,
    /// Print the configuration file with every default, and do nothing else.
    #[arg(long)]
    print_config: bool,
}

impl Serve {
    pub fn run(self) -> Result<(), Ended> {
        let Some(folder) = self.ledger.as_ref().filter(|_| !self.print_config) else {
            say(config::TEXT.trim_end());
            return Ok(());
        };
        let mut config = self.config.as_deref().map_or_else(|| Ok(Config::default()), read)?;
        if let Some(address) = self.listen {
            config.listen.address = address;
        }
        if let Some(folder) = self.mirror {
            config.mirror.folder = folder;
        }
        if let Some(folder) = self.readings {
            config.readings.keys = folder;
        }
        config.start.without_witnesses |= self.start.without_witnesses;
        log::begin(config.log.level);
        let home = super::home(folder)?;
        let offset = settings(&home)?.utc_offset_minutes;
        let writer = open(&home)?.into_writer();
        let readings = readings(&writer, &config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|e| Ended::Could(format!("no threads to serve with: {e}")))?;
        runtime.block_on(async move {
            let tls = !config.tls.certificate.as_os_str().is_empty();
            let stop = stopped()?;
            let server = Box::pin(Server::start(writer, config, readings, offset)).await?;
            let scheme = if tls { "https" } else { "http" };
            say(&format!("listens  {scheme}://{}", server.address()));
            server.serve(stop).await?;
            say("stopped; everything answered is on the disk");
            Ok(())
        })
    }
}

fn read(path: &Path) -> Result<Config, Ended> {
    let absent = || Failure::Absent { what: "configuration", path: path.to_owned() };
    let bytes = files::read(path, config::FILE_BYTES_MAX)?.ok_or_else(absent)?;
    let bad = |why: String| Ended::Refused(format!("{}: {why}", path.shown()));
    let text = String::from_utf8(bytes).map_err(|_| bad("not UTF-8 text".to_owned()))?;
    Config::parse(&text).map_err(|e| bad(e.to_string()))
}

/// Who records readings, where the configuration names their keys.
fn readings(writer: &Writer, config: &Config) -> Result<Option<Readings>, Ended> {
    let keys = &config.readings.keys;
    if keys.as_os_str().is_empty() {
        return Ok(None);
    }
    let list = parties(&writer.home().parties())?;
    let made = Readings::new((writer.home(), writer.log()), &list, keys, &config.readings.signer);
    made.map(Some).map_err(|why| match why {
        BadReadings::NoKey { .. } => Ended::Refused(why.to_string()),
        why => why.into(),
    })
}

fn say(line: &str) {
    verifier::say!("{line}");
}
