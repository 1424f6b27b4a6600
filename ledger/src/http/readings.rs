//! The record of reading, written before any hidden value leaves ([`crate::access`]).

use std::path::{Path, PathBuf};

use schemas::catalogue::Role;
use verifier::keyring;
use verifier::state::State;

use super::problem::{Kind, Problem};
use crate::access::{self, BadReading, Reading};
use crate::import::{Holder, Parties};
use crate::keys::{BadKeyFile, KeyFolder};
use crate::outbox::Outbox;
use crate::pseudonym::Pseudonyms;
use crate::writer::{Home, Writer};

/// Why nobody here can record readings.
#[derive(Debug, thiserror::Error)]
pub enum BadReadings {
    /// No key of the operator.
    #[error("[readings] {}: there is no key of a holder of the operator{}", .keys.display(), of(.signer))]
    NoKey {
        /// The folder.
        keys: PathBuf,
        /// The holder that was asked for.
        signer: String,
    },
    /// The pseudonyms.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
}

fn of(signer: &str) -> String {
    if signer.is_empty() { String::new() } else { format!(" named {signer:?}") }
}

/// Who records readings, and how the register names those who read.
#[derive(Clone, Debug)]
pub struct Readings {
    keys: PathBuf,
    signer: Holder,
    pseudonyms: Pseudonyms,
}

impl Readings {
    /// By a holder of the operator whose key lies in that folder: the one of that name, or the first.
    ///
    /// # Errors
    /// [`BadReadings`].
    pub fn new(
        (home, log): (&Home, &State),
        parties: &Parties,
        keys: &Path,
        signer: &str,
    ) -> Result<Self, BadReadings> {
        let at_hand = KeyFolder::new(keys, log.origin().clone());
        let named = |holder: &&String| signer.is_empty() || *holder == signer;
        let found = parties.iter().filter(|party| party.role == Role::Operator).find_map(|party| {
            let holder = party.holders.iter().filter(named).find(|holder| at_hand.has(&party.id, holder))?;
            Some(Holder { party: party.id.clone(), holder: holder.clone() })
        });
        let none = || BadReadings::NoKey { keys: keys.to_owned(), signer: signer.to_owned() };
        let outbox = Outbox::open(&home.outbox()).map_err(BadKeyFile::from)?;
        let pseudonyms = Pseudonyms::of_ledger(&home.pseudonyms(), parties, Some(log), &outbox)?;
        Ok(Self { keys: keys.to_owned(), signer: found.ok_or_else(none)?, pseudonyms })
    }

    /// Puts into the log that a party gets hidden values of so many entries, and why.
    ///
    /// # Errors
    /// A problem; then nothing may be shown.
    pub fn record(
        &self,
        writer: &mut Writer,
        reader: &keyring::Holder,
        role: Role,
        purpose: &str,
        rows: u64,
    ) -> Result<(), Problem> {
        let scope = if role == Role::Oversight { "full_export" } else { "own_record" };
        let reader = self.pseudonyms.outside(&reader.party);
        let signer = self.signer.clone();
        let reading = Reading { event: "data.exported", reader: &reader, purpose, scope, rows, signer };
        let keys = KeyFolder::new(&self.keys, writer.log().origin().clone());
        let mut outbox = Outbox::open(&writer.home().outbox())?;
        access::record(writer, &mut outbox, keys, &self.pseudonyms, &reading).map(drop).map_err(|why| match why {
            BadReading::Code { .. } => Problem::new(Kind::BadRequest, why.to_string()),
            BadReading::Failure(why) => why.into(),
            BadReading::Refused(_) | BadReading::Signing(_) | BadReading::Key(_) => {
                tracing::error!(why = %why, "a reading could not be recorded, so nothing was shown");
                Problem::internal()
            }
        })
    }
}

/// Said where readings cannot be recorded.
pub fn not_offered() -> Problem {
    let detail = "this server gives no hidden values: its operator has not told it who records readings ([readings] \
                  keys). Ask the ledger's office for a pack or for openings";
    Problem::new(Kind::NotOffered, detail)
}
