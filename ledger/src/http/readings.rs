//! The record of reading, written before any hidden value leaves ([`crate::access`]).
//!
//! Reading must not be a way to make the log grow: of one key, stream and purpose there is one record a minute. What is
//! read again within that minute is not recorded again; what else is read within it is added to the next record, which
//! is written when the minute is over.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use schemas::catalogue::Role;
use schemas::visible::Show as _;
use tokio::time::Instant;
use verifier::http_request::Caller;
use verifier::keyring::KeyNumber;
use verifier::state::State;

use super::problem::{Kind, Problem};
use super::query::Query;
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
    #[error("[readings] {}: there is no key of a holder of the operator{}", .keys.shown(), of(.signer))]
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

/// The event that says so.
const EVENT: &str = "data.exported";
/// How long a record stands for what is read again.
pub const SPELL: Duration = Duration::from_secs(60);
/// Most stretches of openings that are remembered for one record; one more counts as new.
const STRETCHES_MAX: usize = 256;

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// The pack of a stream.
    Pack(&'a str),
    /// Openings of some entries.
    Openings {
        /// The first.
        from: u64,
        /// One past the last.
        to: u64,
    },
}

/// Whose record it is: key, stream (none: openings), purpose.
type Whose = (KeyNumber, Option<String>, String);

/// A record, and what was read since.
#[derive(Clone, Debug)]
struct Spell {
    caller: Caller,
    until: Instant,
    /// Openings that it speaks of.
    stretches: Vec<(u64, u64)>,
    /// Rows that no record speaks of yet.
    owed: u64,
}

impl Spell {
    /// Notes what is read within its minute.
    fn again(&mut self, rows: u64, what: &What<'_>) {
        let What::Openings { from, to } = *what else { return };
        if self.stretches.iter().any(|(first, end)| *first <= from && to <= *end) {
            return;
        }
        self.owed += rows;
        if self.stretches.len() < STRETCHES_MAX {
            self.stretches.push((from, to));
        }
    }
}

/// Who records readings, and how the register names those who read.
#[derive(Clone, Debug)]
pub struct Readings {
    keys: PathBuf,
    signer: Holder,
    pseudonyms: Pseudonyms,
    spells: Arc<Mutex<HashMap<Whose, Spell>>>,
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
        Ok(Self { keys: keys.to_owned(), signer: found.ok_or_else(none)?, pseudonyms, spells: Arc::default() })
    }

    /// Puts into the log that a party gets hidden values of so many entries, and why; once a minute.
    ///
    /// # Errors
    /// A problem; then nothing may be shown.
    pub fn record(
        &self,
        writer: &mut Writer,
        caller: &Caller,
        purpose: &str,
        rows: u64,
        what: &What<'_>,
    ) -> Result<(), Problem> {
        if rows == 0 {
            return Ok(()); // nothing hidden is given
        }
        let now = Instant::now();
        let (stream, stretch) = match *what {
            What::Pack(stream) => (Some(stream.to_owned()), None),
            What::Openings { from, to } => (None, Some((from, to))),
        };
        let whose = (caller.key, stream, purpose.to_owned());
        let mut spells = self.spells.lock().unwrap_or_else(PoisonError::into_inner);
        let mut owed = 0;
        if let Some(spell) = spells.get_mut(&whose) {
            if now < spell.until {
                spell.again(rows, what);
                return Ok(());
            }
            owed = spell.owed;
        }
        self.write(writer, caller, purpose, rows + owed)?;
        spells.retain(|_, spell| now < spell.until || spell.owed > 0);
        let stretches = stretch.into_iter().collect();
        spells.insert(whose, Spell { caller: caller.clone(), until: now + SPELL, stretches, owed: 0 });
        Ok(())
    }

    /// Whether something was read that no record speaks of yet.
    pub fn owes(&self) -> bool {
        self.spells.lock().unwrap_or_else(PoisonError::into_inner).values().any(|spell| spell.owed > 0)
    }

    /// Records what is owed, where the minute of its last record is over; at the end, all of it.
    ///
    /// # Errors
    /// A problem; what could not be recorded is still owed.
    pub fn settle(&self, writer: &mut Writer, all: bool) -> Result<(), Problem> {
        let now = Instant::now();
        let mut spells = self.spells.lock().unwrap_or_else(PoisonError::into_inner);
        for ((_, _, purpose), spell) in spells.iter_mut() {
            if spell.owed > 0 && (all || now >= spell.until) {
                self.write(writer, &spell.caller, purpose, spell.owed)?;
                (spell.owed, spell.until) = (0, now + SPELL);
            }
        }
        Ok(())
    }

    fn write(&self, writer: &mut Writer, caller: &Caller, purpose: &str, rows: u64) -> Result<(), Problem> {
        let (reader, role) = (&caller.holder, caller.role);
        let scope = if role == Role::Oversight { "full_export" } else { "own_record" };
        let reader = self.pseudonyms.outside(&reader.party);
        let signer = self.signer.clone();
        let reading = Reading { event: EVENT, reader: &reader, purpose, scope, rows, signer };
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

/// Why something is read: what the query says, or `audit`.
///
/// # Errors
/// A problem that names the code.
pub fn purpose(query: &Query) -> Result<String, Problem> {
    let code = query.maybe("purpose")?.unwrap_or("audit");
    access::is_code(EVENT, "purpose", code).map_err(|why| Problem::new(Kind::BadRequest, why.to_string()))?;
    Ok(code.to_owned())
}

/// Said where a reading is asked for without reading.
pub fn not_by_head() -> Problem {
    Problem::new(Kind::Method, "what is read here is recorded, so it is given to GET alone; HEAD records nothing")
}

/// Said where readings cannot be recorded.
pub fn not_offered() -> Problem {
    let detail = "this server gives no hidden values: its operator has not told it who records readings ([readings] \
                  keys). Ask the ledger's office for a pack or for openings";
    Problem::new(Kind::NotOffered, detail)
}
