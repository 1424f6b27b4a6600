//! The record of reading, written before any hidden value leaves ([`crate::access`]).
//!
//! Reading must not be a way to make the log grow: of one key, stream and purpose there is one record a minute. What is
//! read again within that minute is not recorded again; what else is read within it is added to the next record, which
//! is written when the minute is over. Until then the file `readings-owed` says so, before anything is given: whoever kills
//! the server reads nothing without a record, as the next start writes it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
use crate::failure::Failure;
use crate::files;
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
    /// What was read before cannot be known.
    #[error("{}: line {line} does not say who read how much; note what it shows, then take it out", .path.shown())]
    Owed {
        /// The file.
        path: PathBuf,
        /// Which line.
        line: usize,
    },
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
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

/// Longest list of what is owed, in bytes.
const OWED_BYTES_MAX: usize = 64 << 20;

/// Who gets hidden values, how much of them there is for it, and why it reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Reader {
    party: String,
    scope: String,
    purpose: String,
}

/// Rows that no record speaks of yet.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owed {
    reader: Reader,
    rows: u64,
}

impl Owed {
    fn to_line(&self) -> String {
        let Reader { party, scope, purpose } = &self.reader;
        format!("{} {scope} {purpose} {party}\n", self.rows)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let mut word = || words.next().filter(|word| !word.is_empty()).map(str::to_owned);
        let (rows, scope, purpose, party) = (word()?, word()?, word()?, word()?);
        let rows = rows.parse().ok().filter(|rows| *rows > 0)?;
        let fields = [("scope", &scope), ("purpose", &purpose), ("reader", &party)];
        let known = fields.iter().all(|(field, word)| access::is_code(EVENT, field, word).is_ok());
        (known && words.next().is_none()).then_some(Self { reader: Reader { party, scope, purpose }, rows })
    }
}

/// What was read.
#[derive(Debug, Default)]
struct Told {
    spells: HashMap<Whose, Spell>,
    /// What an earlier server owed.
    left: Vec<Owed>,
    /// What the disk says is owed.
    kept: String,
}

impl Told {
    fn owed(&self) -> String {
        let of = |spell: &Spell| Owed { reader: spell.reader.clone(), rows: spell.owed };
        let mut lines: Vec<String> = self.left.iter().map(Owed::to_line).collect();
        lines.extend(self.spells.values().filter(|spell| spell.owed > 0).map(|spell| of(spell).to_line()));
        lines.sort_unstable();
        lines.concat()
    }

    /// Has the disk say what is owed.
    fn keep(&mut self, path: &Path) -> Result<(), Failure> {
        let owed = self.owed();
        if owed != self.kept {
            if owed.is_empty() {
                files::remove(path)?;
            } else {
                files::replace(path, owed.as_bytes())?;
            }
            self.kept = owed;
        }
        Ok(())
    }
}

/// A record, and what was read since.
#[derive(Clone, Debug)]
struct Spell {
    reader: Reader,
    until: Instant,
    /// Records of a pack that it speaks of.
    rows: u64,
    /// Openings that it speaks of.
    stretches: Vec<(u64, u64)>,
    /// Rows that no record speaks of yet.
    owed: u64,
}

impl Spell {
    /// Notes what is read within its minute.
    fn again(&mut self, rows: u64, what: &What<'_>) {
        let What::Openings { from, to } = *what else {
            // What the stream has grown by.
            self.owed += rows.saturating_sub(self.rows);
            self.rows = self.rows.max(rows);
            return;
        };
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
    owed: PathBuf,
    told: Arc<Mutex<Told>>,
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
        let owed = home.readings_owed();
        let told = Arc::new(Mutex::new(owing(&owed, log)?));
        Ok(Self { keys: keys.to_owned(), signer: found.ok_or_else(none)?, pseudonyms, owed, told })
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
        let mut told = self.told();
        let mut owed = 0;
        if let Some(spell) = told.spells.get_mut(&whose) {
            if now < spell.until {
                let before = spell.clone();
                spell.again(rows, what);
                // It is on the disk before it is given, or it is not given.
                return told.keep(&self.owed).map_err(|why| {
                    told.spells.insert(whose, before);
                    why.into()
                });
            }
            owed = spell.owed;
        }
        let scope = if caller.role == Role::Oversight { "full_export" } else { "own_record" };
        let (party, scope) = (caller.holder.party.clone(), scope.to_owned());
        let reader = Reader { party, scope, purpose: purpose.to_owned() };
        self.write(writer, &reader, rows + owed)?;
        told.spells.retain(|_, spell| now < spell.until || spell.owed > 0);
        let stretches = stretch.into_iter().collect();
        // The record itself may stand in the stream.
        let rows = rows + 1;
        told.spells.insert(whose, Spell { reader, until: now + SPELL, rows, stretches, owed: 0 });
        Ok(told.keep(&self.owed)?)
    }

    /// Whether what it reads now within the minute of a record needs no other.
    pub fn stands(&self, caller: &Caller, purpose: &str, stream: &str) -> bool {
        let whose = (caller.key, Some(stream.to_owned()), purpose.to_owned());
        self.told().spells.get(&whose).is_some_and(|spell| Instant::now() < spell.until)
    }

    /// Whether something was read that no record speaks of yet.
    pub fn owes(&self) -> bool {
        let told = self.told();
        !told.left.is_empty() || told.spells.values().any(|spell| spell.owed > 0)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records what is owed, where the minute of its last record is over; at the end, all of it.
    ///
    /// # Errors
    /// A problem; what could not be recorded is still owed.
    pub fn settle(&self, writer: &mut Writer, all: bool) -> Result<(), Problem> {
        let mut told = self.told();
        let done = self.settle_in(&mut told, writer, all);
        // A server that is killed here records it once more: too much is said rather than too little.
        let kept = told.keep(&self.owed);
        done.and(kept.map_err(Problem::from))
    }

    fn settle_in(&self, told: &mut Told, writer: &mut Writer, all: bool) -> Result<(), Problem> {
        while let Some(owed) = told.left.last() {
            self.write(writer, &owed.reader, owed.rows)?;
            told.left.pop();
        }
        let now = Instant::now();
        for spell in told.spells.values_mut() {
            if spell.owed > 0 && (all || now >= spell.until) {
                self.write(writer, &spell.reader, spell.owed)?;
                (spell.owed, spell.until, spell.rows) = (0, now + SPELL, spell.rows + 1);
            }
        }
        Ok(())
    }

    fn write(&self, writer: &mut Writer, reader: &Reader, rows: u64) -> Result<(), Problem> {
        let Reader { party, scope, purpose } = reader;
        let reader = self.pseudonyms.outside(party);
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

/// What the server before owed, to readers whom the log knows. A line that was cut could name another.
fn owing(path: &Path, log: &State) -> Result<Told, BadReadings> {
    let kept = files::read(path, OWED_BYTES_MAX)?.unwrap_or_default();
    let read = |line: &[u8]| Owed::parse(std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?);
    let known = |owed: &Owed| log.role(&owed.reader.party).is_some();
    let one =
        |(number, line)| read(line).filter(known).ok_or(BadReadings::Owed { path: path.to_owned(), line: number + 1 });
    let left = kept.split_inclusive(|byte| *byte == b'\n').enumerate().map(one).collect::<Result<_, _>>()?;
    let kept = String::from_utf8_lossy(&kept).into_owned();
    Ok(Told { left, kept, ..Told::default() })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_read_as_it_was_written() {
        let reader = |party: &str| Reader { party: party.into(), scope: "own_record".into(), purpose: "audit".into() };
        let owed = Owed { reader: reader("cso-x"), rows: 1_500 };
        assert_eq!(Owed::parse(owed.to_line().trim_end()), Some(owed));
        for line in [
            "",
            "x",
            "1 own_record audit",
            "0 own_record audit cso-x",
            "-1 own_record audit cso-x",
            "1 own_record audit cso-x d",
            "1  audit cso-x",
            "1 own_recor audit cso-x",
            "1 own_record audi cso-x",
            "1 own_record audit CSO\u{fffd}",
            "99999999999999999999 own_record audit cso-x",
            "1 own_record audit cso-x\r",
        ] {
            assert_eq!(Owed::parse(line), None, "{line:?}");
        }
    }
}
