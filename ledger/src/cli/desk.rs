//! `desk`: the local page of an institution.

use std::io::BufRead as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use clap::Args;
use ledger::clock::Clock;
use ledger::desk::office::Office;
use ledger::desk::{self, Listening};
use ledger::failure::Failure;
use ledger::files;
use ledger::keys::{self, KeyFolder};
use ledger::outpost::{Client, Line};
use verifier::listen::stopped;

use super::Ended;
use super::outbox::Place;

/// Longest rule profile, in bytes.
const PROFILE_BYTES_MAX: usize = 1 << 20;

/// Arguments of `desk`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger desk outbox --key-file k --keys keys --holder visits-desk-1 --profile profile.toml

Opens a page in this machine's browser, on 127.0.0.1 alone: forms for everything that the institution may record,
files with a dry run, a second person's approval, how far each record has come, what is owed and by when. It works
without a line; what was recorded is sent when there is one. Press Enter for another link, Ctrl-C to end."
)]
pub struct Desk {
    #[command(flatten)]
    place: Place,
    /// Folder of the keys of this machine's holders, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Holder in whose name the requests over the line are signed; without one nothing is sent.
    #[arg(long)]
    holder: Option<String>,
    /// Rule profile in force: windows and calendar of what is owed. Without it the default one counts.
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// Where to listen; on 127.0.0.1 alone, port 0 for any that is free.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Do not open a browser; print the link.
    #[arg(long)]
    no_browser: bool,
}

impl Desk {
    pub fn run(self) -> Result<(), Ended> {
        let outpost = self.place.open()?;
        let profile = match &self.profile {
            Some(path) => {
                let absent = || Failure::Absent { what: "rule profile", path: path.clone() };
                Some(files::read(path, PROFILE_BYTES_MAX)?.ok_or_else(absent)?)
            }
            None => None,
        };
        let office = Office::of(&outpost, &self.keys, profile.as_deref())?;
        let line = match (&self.holder, &outpost.standing().address) {
            (Some(holder), Some(address)) => {
                let folder = KeyFolder::new(&self.keys, office.origin.clone()).under(&office.pseudonyms);
                let party = office.pseudonyms.party(&office.party.id);
                let key = folder.last(party, &office.pseudonyms.inside(holder))?;
                Some(Box::new(Client::new(address, key)) as Box<dyn Line + Send>)
            }
            _ => None,
        };
        let desk = desk::Desk::new(office, Arc::new(Mutex::new(outpost)), Clock::System, line.is_some())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let (listening, stop) = runtime.block_on(async {
            let stop = stopped()?;
            Ok::<_, Ended>((Listening::at(self.listen, desk, line).await?, stop))
        })?;
        let link = listening.link()?;
        verifier::say!("the desk is open; it lets in one browser, by a link that opens once:\n  {link}");
        verifier::say!("press Enter for another link, Ctrl-C to end");
        let page = if self.no_browser { None } else { Some(Page::write(&self.keys, &link)?) };
        if let Some(page) = &page {
            page.open();
        }
        let links = listening.links();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                match (line, links()) {
                    (Ok(_), Some(Ok(link))) => verifier::say!("  {link}"),
                    _ => return,
                }
            }
        });
        runtime.block_on(desk::serve(listening, stop))?;
        Ok(())
    }
}

/// A file that only this user may read, which leads the browser to the link: every user of a machine sees the
/// arguments of a browser's process.
struct Page(PathBuf);

impl Page {
    fn write(beside: &Path, link: &str) -> Result<Self, Ended> {
        let path = beside.join("desk.html");
        files::remove(&path)?;
        let html = format!(
            "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Desk</title>\
             <meta http-equiv=\"refresh\" content=\"0;url={link}\"><p><a href=\"{link}\">Open the desk</a></p></html>\n"
        );
        keys::write_new(&path, html.as_bytes())?;
        Ok(Self(path))
    }

    /// Asks the system to show it; where there is no browser, the link was printed.
    fn open(&self) {
        let opener = if cfg!(target_os = "macos") {
            "open"
        } else if cfg!(windows) {
            "explorer"
        } else {
            "xdg-open"
        };
        let path = self.0.canonicalize().unwrap_or_else(|_| self.0.clone());
        let _ = Command::new(opener).arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        let _ = files::remove(&self.0);
    }
}
