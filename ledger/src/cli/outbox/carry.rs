//! `outbox carry`: others' events, carried in and stamped.

use std::path::PathBuf;

use clap::Args;
use ledger::answer::Said;
use ledger::clock::Clock;
use ledger::keys;
use ledger::outpost::stick::{self, Stick};
use ledger::outpost::{Client, Line as _};
use schemas::event::SignedEvent;
use schemas::visible::Show as _;

use super::super::Ended;
use super::setup::{origin, text};

/// Most events in one request.
const LINES_MAX: usize = 256;

/// Arguments of `outbox carry`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example, by an oversight body for an organisation whose records the ledger's office does not take:
  ledger outbox carry /media/stick --policy velmora.policy --key keys/npm.chief-1.key --address https://ledger.example

Each event gets a stamp first, signed by your key: that you had it, and when. Stamps and answers are written to the
stick, which goes back to the organisation. If the log never shows the event, the stamp and `verifier compare --mine`
show who was told and did nothing. Without --address events are stamped and not handed in."
)]
pub struct Carry {
    /// Folder of the stick with the organisation's parcels (`outbox pack-up`).
    stick: PathBuf,
    /// Policy file of the log.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Your own key file, enrolled in the log.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Your identity, where organisations encrypt to you (`ledger keygen --age`).
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Where the ledger answers.
    #[arg(long, value_name = "URL")]
    address: Option<String>,
}

impl Carry {
    pub fn run(self) -> Result<(), Ended> {
        verifier::files::apart(&self.policy, &[&self.stick])?;
        let origin = origin(&text("policy", &self.policy)?)?;
        let key = keys::read(&self.key)?;
        let name = key.vkey().name;
        let (carrier, _) = origin
            .holder_of(&name)
            .ok_or_else(|| Ended::Refused(format!("the key {name} is not one of a holder of {origin}")))?;
        let (stick, now) = (Stick::at(&self.stick), Clock::System.now());
        let files = super::stick::parcels(&stick, self.identity.as_deref())?;
        if files.is_empty() {
            return Err(super::stick::no_parcels(&self.stick));
        }
        let mut stamps = 0;
        for file in &files {
            for parcel in &file.parcels {
                let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { continue };
                if signed.event.ledger != origin.as_str() {
                    verifier::tell!("{}: for another log, {}; not carried", parcel.source, signed.event.ledger);
                    continue;
                }
                let (stamp, note) = stick::stamp(&origin, signed.id(), carrier, &key, now);
                // The first stamp counts: when it was there, it was there.
                stamps += usize::from(stick.stamp(&stamp, &note)?.is_some());
            }
        }
        verifier::say!("{stamps} events stamped by {carrier} at {now}");
        let Some(address) = &self.address else { return Ok(()) };
        let mut client = Client::new(address, key.clone());
        let mut refused = 0;
        for file in &files {
            let mut answers = Vec::new();
            for batch in file.parcels.chunks(LINES_MAX) {
                let lines: Vec<String> = batch.iter().map(ledger::outbox::Parcel::to_line).collect();
                answers.extend(client.hand_in(&lines)?);
            }
            for (parcel, answer) in file.parcels.iter().zip(&answers) {
                if let Said::Refused { why, .. } = &answer.said {
                    verifier::say!("refused {}: {why}", parcel.source);
                    refused += 1;
                }
            }
            let path = stick.answer(&file.name, &answers)?;
            verifier::say!("{} answers in {}", answers.len(), path.shown());
        }
        if refused == 0 {
            Ok(())
        } else {
            Err(Ended::Refused(format!("{refused} events were refused; the answers have the receipts")))
        }
    }
}
