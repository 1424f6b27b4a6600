//! The outbox of an institution, in a folder where the ledger is not: signed and on the disk first, handed in when
//! there is a line or a stick, answered later.
//!
//! Everything in the folder is encrypted ([`Secret`]): a stolen laptop shows how much was recorded, and nothing of
//! it. A record's [`State`] never says more than what the policy here proves: an answer that does not hold changes
//! nothing and is shown. One process has the folder at a time. A journal that says less than it once did is told and
//! refused: what was "recorded here" is never begun anew in silence.
//!
//! [`Outpost::record`] keeps, `carry` sends and takes in what came back, `stick` does the same without a line,
//! `sign` makes events of checked rows, [`Known`] is what refers to what.

mod again;
mod answers;
mod carry;
mod client;
mod held;
mod journal;
mod known;
mod lock;
mod sign;
mod standing;
pub mod stick;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemas::catalogue::Catalogue;
use schemas::entry::Entry;
use schemas::event::{Event, RefValue, SignedEvent};
use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::pack::Pack;
use schemas::policy::Policy;
use schemas::time::Timestamp;
use schemas::value::Value;
use schemas::visible::Show as _;
use verifier::pack::{self, PackReport};
use verifier::transit;

pub use again::Before;
pub use answers::{Lie, Taken};
pub use carry::{Backoff, Line, Progress, Stopped};
pub use client::{Client, Trouble};
pub use held::{Held, Outage, State, Waiting};
pub use known::{Known, Sight};
pub use lock::{PASSPHRASE_CHARS_MIN, Secret};
pub use sign::{BadRows, SignedHere};
pub use standing::Standing;

use crate::cipher::RestKey;
use crate::failure::{Damage, Failure};
use crate::files;
use crate::import::Holder;
use crate::outbox::Parcel;
use held::{Shelf, Told};
use journal::Journal;

/// Longest file of settings or of a pack, encrypted, in bytes.
const FILE_BYTES_MAX: usize = 256 << 20;

/// An outbox at an institution, opened.
#[derive(Debug)]
pub struct Outpost {
    folder: PathBuf,
    key: RestKey,
    standing: Standing,
    policy: Policy,
    journal: Journal,
    shelf: Shelf,
    reached: Reached,
}

/// A time during which the ledger was not reached, of which the log does not know all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undeclared {
    /// The first try that failed.
    pub from: Timestamp,
    /// The first that did not fail again.
    pub until: Timestamp,
    /// Id of the outage, if it was declared without its end.
    pub of: Option<String>,
}

/// How far the journal had come: what shows that some of it is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Reached {
    lines: u64,
    records: u64,
    /// The highest number that each key has used here, by the key's name: none is used twice, whatever was lost.
    numbers: BTreeMap<String, i64>,
}

impl Reached {
    fn see(&mut self, told: &Told) {
        self.lines += 1;
        let (Told::Recorded { parcel, .. } | Told::Draft { parcel, .. }) = told else { return };
        self.records += u64::from(matches!(told, Told::Recorded { .. }));
        let Ok(signed) = SignedEvent::parse(parcel.note.as_bytes()) else { return };
        let highest = self.numbers.entry(signed.note.signatures[0].name.clone()).or_insert(0);
        *highest = (*highest).max(signed.event.seq);
    }

    fn to_value(&self) -> Value {
        let number = |n: u64| Value::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        let numbers = self.numbers.iter().map(|(name, n)| (name.clone(), Value::Integer(*n))).collect();
        Value::Object(BTreeMap::from([
            ("lines".to_owned(), number(self.lines)),
            ("numbers".to_owned(), Value::Object(numbers)),
            ("records".to_owned(), number(self.records)),
        ]))
    }

    fn of_value(value: &Value) -> Option<Self> {
        let number = |name: &str| u64::try_from(value.get(name)?.as_integer()?).ok();
        let Value::Object(numbers) = value.get("numbers")? else { return None };
        let numbers = numbers.iter().map(|(name, n)| Some((name.clone(), n.as_integer()?)));
        Some(Self { lines: number("lines")?, records: number("records")?, numbers: numbers.collect::<Option<_>>()? })
    }

    /// Refuses a journal that says less than it once did.
    fn demand(kept: Option<&Self>, found: &Self, folder: &Path) -> Result<(), Failure> {
        let lost = |name: &str, what| Failure::Lost { path: folder.join(name), what, way_out: WAY_OUT };
        match kept {
            None if found.lines == 0 => Ok(()),
            None => Err(lost(REACHED, "it is gone, so nothing says whether the journal beside it is whole".to_owned())),
            Some(kept) if found.lines < kept.lines => {
                let what = format!(
                    "the journal was emptied, cut or put back from an older copy: {} of {} records are there, {} of {} lines",
                    found.records, kept.records, found.lines, kept.lines
                );
                Err(lost("journal", what))
            }
            Some(_) => Ok(()),
        }
    }
}

/// What helps where records are gone.
const WAY_OUT: &str = "put the whole folder back from its newest copy. What was handed in is in the log, and in the pack that the                        ledger's office gives; what was only recorded here must be recorded again from the registers. Without a                        copy: `ledger outbox set FOLDER --accept-loss` goes on with what is there, and uses no number twice";

/// Why an outpost does not do something.
#[derive(Debug, thiserror::Error)]
pub enum BadOutpost {
    /// The disk.
    #[error("{}", words(.0))]
    Failure(#[from] Failure),
    /// The passphrase is another.
    #[error("the passphrase does not open it: mind capitals and the keyboard's language")]
    Closed,
    /// A passphrase where there is a key file, or the other way round.
    #[error("it opens with {wants}, and with nothing else")]
    OtherWay {
        /// With what.
        wants: &'static str,
    },
    /// The passphrase is too short.
    #[error("a passphrase of at least {PASSPHRASE_CHARS_MIN} characters: five words that do not belong together")]
    Short,
    /// The key file would be stolen with the folder.
    #[error("{}: the key file must not lie in the folder that it opens", .path.shown())]
    KeyInside {
        /// The file.
        path: PathBuf,
    },
    /// The file is none.
    #[error("{}: not the key file of an outbox", .path.shown())]
    KeyFile {
        /// The file.
        path: PathBuf,
    },
    /// The settings make no sense.
    #[error("{what}")]
    Standing {
        /// What does not.
        what: String,
    },
    /// What shall be recorded is no event of this log.
    #[error("{source_row}: {what}")]
    Parcel {
        /// Address of the register row.
        source_row: String,
        /// What is wrong.
        what: String,
    },
    /// A passphrase could not be used.
    #[error(transparent)]
    Seal(#[from] crate::seal::BadSeal),
}

/// Damage of an institution's folder is not the ledger's: no bundle helps.
fn words(failure: &Failure) -> String {
    match failure {
        Failure::Damaged { path, damage, .. } => {
            format!("{} is damaged: {damage}. Nothing was changed; {WAY_OUT}", path.shown())
        }
        other => other.to_string(),
    }
}

impl Outpost {
    /// Makes a folder for an institution.
    ///
    /// # Errors
    /// [`BadOutpost`]; the folder must not hold anything yet.
    pub fn create(folder: &Path, secret: &Secret, standing: &Standing) -> Result<Self, BadOutpost> {
        standing.check()?;
        if folder.exists() && !files::list(folder, |_| true)?.is_empty() {
            return Err(Failure::Occupied { path: folder.to_owned() }.into());
        }
        files::refuse_unsyncable(folder)?;
        files::take_folder(folder)?;
        let key = lock::make(folder, secret)?;
        keep(folder, &key, SETTINGS, &standing.to_value().to_json())?;
        keep(folder, &key, REACHED, &Reached::default().to_value().to_json())?;
        Self::open_with(folder, key, false)
    }

    /// Opens a folder, and has it alone from here on.
    ///
    /// # Errors
    /// [`BadOutpost`]; [`Failure::Lost`] if records that were kept here are gone.
    pub fn open(folder: &Path, secret: &Secret) -> Result<Self, BadOutpost> {
        files::refuse_unsyncable(folder)?;
        Self::open_with(folder, lock::open(folder, secret)?, false)
    }

    /// Opens a folder and goes on with what is there, whatever was there once. No number is used twice.
    ///
    /// # Errors
    /// [`BadOutpost`].
    pub fn open_accepting_loss(folder: &Path, secret: &Secret) -> Result<Self, BadOutpost> {
        files::refuse_unsyncable(folder)?;
        let outpost = Self::open_with(folder, lock::open(folder, secret)?, true)?;
        outpost.keep_reached()?;
        Ok(outpost)
    }

    fn open_with(folder: &Path, key: RestKey, accept_loss: bool) -> Result<Self, BadOutpost> {
        let damaged = |name: &str| Failure::damaged(&folder.join(name), Damage::Line { position: 0 });
        let text = kept(folder, &key, SETTINGS)?.ok_or_else(|| damaged(SETTINGS))?;
        let value = Value::parse(text.as_bytes()).map_err(|_| damaged(SETTINGS))?;
        let standing = Standing::of_value(&value).ok_or_else(|| damaged(SETTINGS))?;
        let policy = standing.policy()?;
        let (journal, said) = Journal::open(folder, key.clone())?;
        let (mut shelf, mut reached) = (Shelf::default(), Reached::default());
        for (position, value) in (0..).zip(&said) {
            let told = Told::of_value(value);
            told.iter().for_each(|told| reached.see(told));
            if !told.is_some_and(|told| shelf.take(told)) {
                return Err(Failure::damaged(&folder.join("journal"), Damage::Line { position }).into());
            }
        }
        let read = |text: String| {
            let value = Value::parse(text.as_bytes()).ok();
            value.and_then(|value| Reached::of_value(&value)).ok_or_else(|| damaged(REACHED))
        };
        let before = kept(folder, &key, REACHED).and_then(|text| text.map(read).transpose());
        let before = if accept_loss { before.unwrap_or_default() } else { before? };
        if !accept_loss {
            Reached::demand(before.as_ref(), &reached, folder)?;
        }
        for (name, number) in before.into_iter().flat_map(|before| before.numbers) {
            let highest = reached.numbers.entry(name).or_insert(0);
            *highest = (*highest).max(number);
        }
        Ok(Self { folder: folder.to_owned(), key, standing, policy, journal, shelf, reached })
    }

    /// What the institution goes by.
    pub fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Goes by something else from now on, such as a new address or list of parties.
    ///
    /// # Errors
    /// [`BadOutpost`]; the former settings then stand.
    pub fn settle(&mut self, standing: Standing) -> Result<(), BadOutpost> {
        standing.check()?;
        if standing.origin != self.standing.origin || standing.party != self.standing.party {
            let what = "another log or another party needs a folder of its own".to_owned();
            return Err(BadOutpost::Standing { what });
        }
        keep(&self.folder, &self.key, SETTINGS, &standing.to_value().to_json())?;
        self.policy = standing.policy()?;
        self.standing = standing;
        Ok(())
    }

    /// The policy under which answers are checked.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Everything that was recorded, in order.
    pub fn held(&self) -> &[Held] {
        &self.shelf.held
    }

    /// The record of that id.
    pub fn find(&self, event: &Hash) -> Option<&Held> {
        self.shelf.find(event)
    }

    /// Drafts that wait for their second signature, in order.
    pub fn waiting(&self) -> impl Iterator<Item = &Waiting> {
        self.shelf.order.iter().filter_map(|id| self.shelf.waiting.get(id))
    }

    /// The draft of that id.
    pub fn draft(&self, event: &Hash) -> Option<&Waiting> {
        self.shelf.waiting.get(event)
    }

    /// Times during which the ledger was not reached, in order.
    pub fn outages(&self) -> &[Outage] {
        &self.shelf.outages
    }

    /// Whether a register row was signed here, and not refused; [`Outpost::sources`] answers for many.
    pub fn has(&self, source: &str) -> bool {
        let refused = |held: &Held| matches!(held.state, State::Refused { .. });
        self.held().iter().any(|held| held.parcel.source == source && !refused(held))
            || self.waiting().any(|draft| draft.parcel.source == source)
    }

    /// Register rows that were signed here, and not refused.
    pub fn sources(&self) -> BTreeSet<&str> {
        let standing = self.held().iter().filter(|held| !matches!(held.state, State::Refused { .. }));
        let held = standing.map(|held| held.parcel.source.as_str());
        held.chain(self.waiting().map(|draft| draft.parcel.source.as_str())).collect()
    }

    /// Records that were refused and need nobody any more: their row stands, or what they were to create was signed again
    /// since.
    pub fn settled(&self) -> BTreeSet<Hash> {
        let rows = self.sources();
        // What a record creates, with its place in the order; drafts are the newest.
        let thing = |signed: &SignedEvent| signed.event.id.clone().map(|id| (signed.event.kind.clone(), id));
        let mut things: BTreeMap<_, usize> = BTreeMap::new();
        let standing = self.held().iter().enumerate().filter(|(_, held)| !matches!(held.state, State::Refused { .. }));
        things.extend(standing.filter_map(|(at, held)| Some((thing(&held.signed)?, at))));
        things.extend(self.waiting().filter_map(|draft| Some((thing(&draft.signed)?, usize::MAX))));
        let refused = self.held().iter().enumerate().filter(|(_, held)| matches!(held.state, State::Refused { .. }));
        let is_settled = |at: usize, held: &Held| {
            let again = || thing(&held.signed).and_then(|thing| things.get(&thing).copied());
            rows.contains(held.parcel.source.as_str()) || again().is_some_and(|later| later > at)
        };
        refused.filter(|(at, held)| is_settled(*at, held)).map(|(_, held)| held.id).collect()
    }

    /// The last time that the ledger was not reached, where it is over and a party of this role is to declare it.
    ///
    /// # Errors
    /// [`BadOutpost`] if the parties cannot be read.
    pub fn undeclared(&self) -> Result<Option<Undeclared>, BadOutpost> {
        let Some((from, until)) = self.outages().last().and_then(|outage| Some((outage.from, outage.until?))) else {
            return Ok(None);
        };
        let role = self.parties()?.get(&self.standing.party).map(|party| party.role);
        let kind = Catalogue::built_in().event(DECLARED);
        if !kind.zip(role).is_some_and(|(kind, role)| kind.authors.contains(&role)) {
            return Ok(None);
        }
        let standing = self.held().iter().filter(|held| !matches!(held.state, State::Refused { .. }));
        let standing = standing.map(|held| &held.signed.event).chain(self.waiting().map(|draft| &draft.signed.event));
        let standing: Vec<&Event> = standing.collect();
        let time = |event: &Event, field: &str| event.text(field).and_then(Timestamp::parse);
        let declared = standing.iter().rev().find(|event| {
            let begun = event.kind == DECLARED && time(event, "from").is_some_and(|declared| declared <= from);
            begun && time(event, "until").is_none_or(|declared| declared >= from)
        });
        let Some(declared) = declared else { return Ok(Some(Undeclared { from, until, of: None })) };
        let ends = |event: &&&Event| {
            event.kind == ENDED
                && event.refs.values().flat_map(RefValue::targets).any(|of| Some(of) == declared.id.as_ref())
        };
        if declared.text("until").is_some() || standing.iter().any(|event| ends(&event)) {
            return Ok(None);
        }
        let id = declared.id.as_deref().and_then(|id| Some(id.split_once('/')?.1.to_owned()));
        Ok(Some(Undeclared { from, until, of: id }))
    }

    /// Accounts for records with our keys' signatures that a checked pack shows and that are not here: they were signed
    /// elsewhere, or are disputed, and are told no more. Says how many.
    ///
    /// # Errors
    /// [`BadOutpost`] if that cannot be kept.
    pub fn account_for(&mut self, pack: &PackReport) -> Result<usize, BadOutpost> {
        let told: Vec<Told> = self.not_here(pack).map(|signed| Told::Elsewhere { event: signed.id() }).collect();
        let count = told.len();
        self.tell(told)?;
        Ok(count)
    }

    /// The highest number that each key has used, by party and holder as the log names them: here, where refused
    /// events and drafts have used theirs too, and elsewhere as far as the newest pack that was kept tells.
    ///
    /// # Errors
    /// [`BadOutpost`] if the pack cannot be read.
    pub fn numbers(&self) -> Result<BTreeMap<(String, String), i64>, BadOutpost> {
        let mut numbers = BTreeMap::new();
        for (name, number) in &self.reached.numbers {
            let Some((party, holder)) = self.standing.origin.holder_of(name) else { continue };
            numbers.insert((party.to_owned(), holder.to_owned()), *number);
        }
        let mut use_up = |signed: &SignedEvent| {
            let name = &signed.note.signatures[0].name;
            let Some((party, holder)) = self.standing.origin.holder_of(name) else { return };
            let highest: &mut i64 = numbers.entry((party.to_owned(), holder.to_owned())).or_insert(0);
            *highest = (*highest).max(signed.event.seq);
        };
        self.held().iter().map(|held| &held.signed).for_each(&mut use_up);
        self.waiting().map(|draft| &draft.signed).for_each(&mut use_up);
        // It was checked when it was kept.
        let pack = self.pack()?.and_then(|bytes| Pack::parse(std::str::from_utf8(&bytes).ok()?).ok());
        for item in pack.iter().flat_map(|pack| &pack.items) {
            if let Ok(entry) = Entry::reread(&item.proven.entry) {
                use_up(&entry.signed);
            }
        }
        Ok(numbers)
    }

    /// Keeps records; they are on the disk when this returns. An event that is here already is passed over, and one
    /// that waited as a draft no longer waits. Says how many are new.
    ///
    /// # Errors
    /// [`BadOutpost`]; then none of them counts as recorded.
    pub fn record(&mut self, parcels: &[Parcel], at: Timestamp) -> Result<usize, BadOutpost> {
        let mut told: Vec<Told> = Vec::new();
        let mut fresh = BTreeSet::new();
        for parcel in parcels {
            let id = self.admit(parcel)?;
            if self.find(&id).is_none() && fresh.insert(id) {
                told.push(Told::Recorded { parcel: parcel.clone(), at });
            }
        }
        self.tell(told)?;
        Ok(fresh.len())
    }

    /// Keeps a draft until its second signature comes.
    ///
    /// # Errors
    /// [`BadOutpost`] if not.
    pub fn wait(&mut self, parcel: &Parcel, holder: &Holder, at: Timestamp) -> Result<(), BadOutpost> {
        let id = self.admit(parcel)?;
        if self.find(&id).is_some() {
            return Ok(());
        }
        self.tell(vec![Told::Draft { parcel: parcel.clone(), holder: holder.clone(), at }])
    }

    /// Ends a draft that nobody will sign. Its number stays unused, which is no harm.
    ///
    /// # Errors
    /// [`BadOutpost`] if not.
    pub fn discard(&mut self, event: &Hash) -> Result<(), BadOutpost> {
        self.tell(vec![Told::Dropped { event: *event }])
    }

    /// The newest pack about the institution that was kept, as its file is.
    ///
    /// # Errors
    /// [`BadOutpost`] if it cannot be read.
    pub fn pack(&self) -> Result<Option<Vec<u8>>, BadOutpost> {
        let Some(text) = kept(&self.folder, &self.key, PACK)? else { return Ok(None) };
        Ok(schemas::base::from_base64(&text))
    }

    /// Checks a pack under the policy here and, if it holds, keeps it in place of the one before.
    ///
    /// # Errors
    /// [`BadOutpost`] if it cannot be kept; what does not hold is no error, the report says so.
    pub fn keep_pack(&mut self, bytes: &[u8]) -> Result<PackReport, BadOutpost> {
        let checked = transit::judge(transit::Kind::Pack, bytes, |bytes| pack::check(bytes, &self.policy, &[]));
        if checked.report.exit_code() == 0 {
            keep(&self.folder, &self.key, PACK, &schemas::base::to_base64(bytes))?;
        }
        Ok(checked)
    }

    /// Checks that a parcel is an event for this log.
    fn admit(&self, parcel: &Parcel) -> Result<Hash, BadOutpost> {
        let bad = |what: String| BadOutpost::Parcel { source_row: parcel.source.clone(), what };
        let signed = SignedEvent::parse(parcel.note.as_bytes()).map_err(|why| bad(why.to_string()))?;
        if Origin::parse(&signed.event.ledger).as_ref() != Some(&self.standing.origin) {
            return Err(bad(format!(
                "it is for the log {}, this outbox for {}",
                signed.event.ledger, self.standing.origin
            )));
        }
        if parcel.received_at.is_some() {
            return Err(bad("it says when it was received, which only a replay may".to_owned()));
        }
        Ok(signed.id())
    }

    /// Writes down, then believes.
    fn tell(&mut self, told: Vec<Told>) -> Result<(), BadOutpost> {
        if told.is_empty() {
            return Ok(());
        }
        self.journal.append(&told.iter().map(Told::to_value).collect::<Vec<_>>())?;
        for one in told {
            self.reached.see(&one);
            self.shelf.take(one);
        }
        Ok(self.keep_reached()?)
    }

    fn keep_reached(&self) -> Result<(), Failure> {
        keep(&self.folder, &self.key, REACHED, &self.reached.to_value().to_json())
    }
}

/// The events of an outage.
const DECLARED: &str = "outage.declared";
const ENDED: &str = "outage.ended";
/// Name of the encrypted settings.
const SETTINGS: &str = "settings";
/// Name of the encrypted file that says how far the journal had come.
const REACHED: &str = "reached";
/// Name of the encrypted pack.
const PACK: &str = "pack";

fn keep(folder: &Path, key: &RestKey, name: &str, text: &str) -> Result<(), Failure> {
    files::replace(&folder.join(name), key.close(name, text)?.as_bytes())
}

fn kept(folder: &Path, key: &RestKey, name: &str) -> Result<Option<String>, Failure> {
    let path = folder.join(name);
    let Some(bytes) = files::read(&path, FILE_BYTES_MAX)? else { return Ok(None) };
    let text = std::str::from_utf8(&bytes).ok().and_then(|line| key.open(name, line));
    text.map(Some).ok_or_else(|| Failure::damaged(&path, Damage::Line { position: 0 }))
}
