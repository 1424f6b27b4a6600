//! `publish` and `witness`: who must have seen a checkpoint, and asking them.

use schemas::visible::Show as _;
use std::path::PathBuf;

use clap::Args;
use ledger::clock::Clock;
use ledger::failure::Failure;
use ledger::files;
use ledger::outbox::Outbox;
use ledger::publish::{self, Publication};
use ledger::queue::Queue;
use ledger::receipts;
use ledger::witness::Panel;
use ledger::writer::Writer;

use super::{Ended, Start, open};

/// Arguments of `publish`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger publish my-ledger

Everything that records asks the witnesses too; this asks again, for instance every few minutes, until
enough of them have answered. Bundles, receipts and packs are made of what is published alone.
Exit code: 0 everything is published, 2 something waits."
)]
pub struct Publish {
    /// Folder of the ledger.
    ledger: PathBuf,
}

impl Publish {
    pub fn run(self) -> Result<(), Ended> {
        let mut writer = open(&super::home(&self.ledger)?)?;
        let mut panel = publish::panel(&writer)?;
        let found = publish::publish(writer.whole(), &mut panel, Clock::System.now())?;
        publish::insist(&writer, &mut panel, &found)?;
        verifier::say!("{} of {} entries are published", found.size, writer.log().size());
        say_missing(&found);
        give_receipts(&writer, &Outbox::open(&writer.home().outbox())?)?;
        match found.waiting {
            Some(waiting) => Err(Ended::Could(waiting.to_string())),
            None => Ok(()),
        }
    }
}

/// Arguments of `witness`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger witness my-ledger --policy velmora.policy

The file is a C2SP tlog-policy:
  log velmora.example/access-ledger+...       the line that is in MY-LEDGER/policy
  witness archive archive.example/witness+... https://witness.archive.example
  witness bar bar.example/witness+... https://witness.bar.example
  witness league league.example/witness+... https://witness.league.example
  group two-of-three 2 archive bar league
  quorum two-of-three
Give the same file to everyone who shall verify. Each witness needs the log line too, to watch the log:
`verifier witness serve --policy FILE`, or whatever else speaks C2SP tlog-witness."
)]
pub struct Witness {
    /// Folder of the ledger.
    ledger: PathBuf,
    /// Policy file with the log's own line, witnesses with their addresses, and a quorum.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
}

impl Witness {
    pub fn run(self) -> Result<(), Ended> {
        let (policy, text) = super::policy_file(&self.policy, &[])?;
        let mut writer = open(&super::home(&self.ledger)?)?;
        let bad = |why: String| Ended::Refused(format!("{}: {why}; nothing was changed", self.policy.shown()));
        let own = ledger::keys::read(&writer.home().log_key())?.vkey();
        if !policy.logs.contains(&own) {
            return Err(bad(format!("it has no line for this log; add\nlog {own}\n")));
        }
        Panel::over_http(policy.clone()).map_err(|e| bad(format!("a witness's key cannot be used: {e}")))?;
        files::replace(&writer.home().policy(), &text)?;
        for (name, vkey) in &policy.witnesses {
            let address = policy.addresses.get(name).map_or("no address: it is never asked", String::as_str);
            verifier::say!("{name}  {vkey}  {address}");
        }
        verifier::say!("quorum {}", policy.quorum.as_deref().unwrap_or("none"));
        ask(writer.whole())
    }
}

/// The witnesses of an open ledger.
pub fn panel_of(writer: &Writer) -> Result<Panel, Failure> {
    publish::panel(writer)
}

/// Asks them what they have seen, before anything is recorded; who did not say.
pub fn hear(writer: &mut Writer, panel: &mut Panel, start: &Start) -> Result<Vec<String>, Failure> {
    publish::hear(writer, panel, Clock::System.now(), start.without_witnesses)
}

/// Asks the witnesses and says what waits; whoever recorded has done so either way.
pub fn ask(writer: &mut Writer) -> Result<(), Ended> {
    let mut panel = publish::panel(writer)?;
    if !panel.is_empty() {
        let found = publish::publish(writer, &mut panel, Clock::System.now())?;
        say(&found);
        publish::insist(writer, &mut panel, &found)?;
    }
    Ok(())
}

/// Writes the receipts that can be given now.
pub fn give_receipts(writer: &Writer, outbox: &Outbox) -> Result<(), Ended> {
    let receipts = outbox.receipts();
    match receipts.complete(writer, &outbox.parcels()?) {
        Ok(0) | Err(Failure::Unpublished(_)) => {}
        Ok(written) => verifier::say!("{written} receipts: {}", receipts.folder().shown()),
        Err(other) => return Err(other.into()),
    }
    match receipts::complete_sealed(writer, &Queue::at(&writer.home().intake())) {
        Ok(0) | Err(Failure::Unpublished(_)) => Ok(()),
        Ok(written) => {
            verifier::say!(
                "{written} receipts of the sealed stream: {}",
                writer.home().intake().join("receipts").shown()
            );
            Ok(())
        }
        Err(other) => Err(other.into()),
    }
}

/// Says plainly what is not published yet, and for whom it waits.
pub fn say(found: &Publication) {
    if let Some(waiting) = &found.waiting {
        verifier::tell!("{waiting}");
    }
    say_missing(found);
}

fn say_missing(found: &Publication) {
    for (name, why) in &found.missing {
        verifier::tell!("published without {name}: {why}");
    }
}
