//! `outbox submit`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use ledger::clock::Clock;
use ledger::keys::{self, KeyFolder};
use ledger::outpost::{Backoff, Client, Outpost, Taken, Trouble};

use super::super::Ended;
use super::{Place, say_taken};

/// Arguments of `outbox submit`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Example:
  ledger outbox submit outbox --key-file k --keys keys --holder visits-desk-1 --keep-trying

The same bytes always get the same answer: interrupt it whenever you like, nothing is lost and nothing stands twice.
A record that is refused blocks nothing behind it; its refusal is kept. Exit code: 0 all answered, 1 something was
refused or an answer does not hold under the policy, 2 the ledger was not reached, takes nothing now, or gives no pack."
)]
pub struct Submit {
    #[command(flatten)]
    place: Place,
    /// Folder of holders' keys, PARTY.HOLDER.key.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Holder in whose name the requests are signed.
    #[arg(long)]
    holder: String,
    /// Where the ledger answers, if elsewhere than the folder says.
    #[arg(long, value_name = "URL")]
    address: Option<String>,
    /// Try again, with growing pauses, until all is answered.
    #[arg(long)]
    keep_trying: bool,
    /// Leave the newest pack about the institution where it is.
    #[arg(long)]
    no_pack: bool,
}

impl Submit {
    pub fn run(self) -> Result<(), Ended> {
        let mut outpost = self.place.open()?;
        let address = self.address.clone().or_else(|| outpost.standing().address.clone());
        let address =
            address.ok_or_else(|| Ended::Refused("no address: --address, or `outbox set --address`".to_owned()))?;
        let pseudonyms = outpost.pseudonyms()?;
        let folder = KeyFolder::new(&self.keys, outpost.standing().origin.clone()).under(&pseudonyms);
        let key = folder.last(pseudonyms.party(&outpost.standing().party), &pseudonyms.inside(&self.holder))?;
        let mut client = Client::new(&address, key);
        let (mut backoff, mut all) = (Backoff::default(), Taken::default());
        loop {
            let mut show = super::super::bar("submitting");
            let mut progress = |done: usize, total: usize| show(done as u64, total as u64);
            let tried = outpost.submit(&mut client, &|| Clock::System.now(), &mut progress)?;
            all.add(tried.taken);
            for (row, why) in &tried.unread {
                verifier::tell!("the ledger does not read {row}: {why}");
            }
            let Some(stopped) = tried.stopped else { break };
            if tried.sent > 0 {
                backoff.reset();
            }
            let words = format!("{}; {} records are still to be handed in, nothing is lost", stopped.why, stopped.left);
            if !(self.keep_trying && stopped.why.passes()) {
                // What was answered before is said all the same.
                let _ = say_taken(&all);
                return Err(Ended::Could(words));
            }
            pause(&mut backoff, &stopped.why, &words)?;
        }
        // What was answered is said whatever becomes of the pack.
        let taken = say_taken(&all);
        if self.no_pack {
            return taken;
        }
        loop {
            let Err(why) = fetch(&mut outpost, &mut client)? else { return taken };
            let words = format!("everything is handed in, but the newest pack about us was not given: {why}");
            if !(self.keep_trying && why.passes()) {
                taken?;
                return Err(Ended::Could(words));
            }
            pause(&mut backoff, &why, &words)?;
        }
    }
}

/// Waits for the next try, and says so.
fn pause(backoff: &mut Backoff, why: &Trouble, words: &str) -> Result<(), Ended> {
    let asked = if let Trouble::Busy { after, .. } = why { *after } else { None };
    let pause = backoff.next(u64::from_be_bytes(keys::random_bytes()?), asked);
    verifier::tell!("{words}; the next try in {pause} s");
    std::thread::sleep(Duration::from_secs(pause));
    Ok(())
}

/// The newest pack; without it, only what others say stays unknown. The inner result is the line's.
fn fetch(outpost: &mut Outpost, client: &mut Client) -> Result<Result<(), Trouble>, Ended> {
    match outpost.fetch_pack(client)? {
        Ok(report) if report.report.exit_code() == 0 => {
            verifier::say!("pack: {} records about us", report.records.len());
            super::say_not_here(outpost, &report);
        }
        Ok(report) => {
            let why = report.report.faults.first().map(ToString::to_string);
            let why = why.or_else(|| report.report.unknown.first().cloned()).unwrap_or_default();
            verifier::tell!("the pack does not hold under the policy here and was not kept: {why}");
        }
        Err(why) => return Ok(Err(why)),
    }
    Ok(Ok(()))
}
