//! What can be done at a desk, apart from how it looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use schemas::catalogue::{Catalogue, EventType};
use schemas::entry::Entry;
use schemas::event::RefValue;
use schemas::hash::Hash;
use schemas::receipt::Receipt;
use schemas::time::Timestamp;
use verifier::pack::{self, PackReport};
use verifier::report::Verdict;

use super::carry::{Carried, Shared, hold};
use super::form::Form;
use super::held::{Held, State, Waiting, is_refused, name};
use super::office::Office;
use super::pages::file::{Sheet, Tried};
use super::pages::record::OtherSide;
use super::pages::shell::{Line, Standing};
use super::posted::{File, Posted};
use super::seen::Seen;
use super::words::Language;
use crate::again::Beside;
use crate::clock::Clock;
use crate::duties::{self, Owed};
use crate::import::{self, Charset, Draft, Import, Limits, Options, Problem, Severity, What};
use crate::keys::{self, KeyFolder};
use crate::outpost::{BadOutpost, BadRows, Before, SignedHere};
use crate::seal;
use crate::sign::Channel;

/// Rows of a file that a desk takes at once.
const ROWS_MAX: usize = 5_000;

/// A desk at work.
pub struct Desk {
    /// Whose it is.
    pub office: Office,
    clock: Clock,
    outpost: Shared,
    language: Mutex<Language>,
    line: Mutex<Line>,
    tried: Mutex<(Tried, Vec<Draft>)>,
    /// Digest of each form that was recorded since the desk was opened, by the address of its row: what is sealed in it
    /// cannot be read again.
    sent: Mutex<BTreeMap<String, Hash>>,
    pack: Mutex<Option<PackReport>>,
}

/// What became of a form.
pub enum Filled {
    /// Something is wrong, or must be looked at.
    Again(Box<Form>),
    /// It is recorded: its name.
    Recorded(String),
    /// It waits for the second person: the draft's name.
    Waits(String),
    /// The form was recorded before, and says something else now, or may: nothing was recorded.
    Before(Box<Before>),
}

/// What became of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Rows recorded.
    pub recorded: usize,
    /// Rows that wait for a second person.
    pub waiting: usize,
}

/// Why something could not be done at a desk.
#[derive(Debug, thiserror::Error)]
pub enum BadWork {
    /// The outbox.
    #[error(transparent)]
    Outpost(#[from] BadOutpost),
    /// A key is missing, or a value cannot be sealed.
    #[error(transparent)]
    Rows(#[from] BadRows),
    /// The file that was checked is not the one to be recorded.
    #[error("another file was checked since")]
    Stale,
    /// Rows are refused, and nobody said to go on without them.
    #[error("some rows are refused")]
    Refused,
    /// An encoding that nobody knows.
    #[error(transparent)]
    Charset(#[from] import::BadCharset),
}

/// Why a second person's signature was not given. The draft is as it was.
#[derive(Debug)]
pub enum NotApproved {
    /// The draft is not there.
    Gone,
    /// No key file was given.
    NoKey,
    /// The file is no key, or the passphrase does not open it.
    BadKey,
    /// It is the key of somebody else.
    Other {
        /// Whose it is.
        found: String,
        /// Whose is asked for.
        wanted: String,
    },
    /// It is the key that signed first.
    Same,
    /// The outbox.
    Rows(BadRows),
}

/// Why a pack is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It does not hold, or nobody can tell; in the verifier's words.
    Verdict(String),
    /// It is about somebody else.
    Stream(String),
    /// It is older than the one that is here.
    Older,
    /// It was not kept.
    Outpost(String),
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Desk {
    /// A desk over an outbox. A pack that lies there is checked again before it is shown.
    ///
    /// # Errors
    /// [`BadOutpost`] if the outbox cannot be read.
    pub fn new(office: Office, outpost: Shared, clock: Clock, has_line: bool) -> Result<Self, BadOutpost> {
        let language = office.language();
        let kept = hold(&outpost).checked_pack()?;
        let line = if has_line { Line::Untried } else { Line::None };
        Ok(Self {
            office,
            clock,
            outpost,
            language: Mutex::new(language),
            line: Mutex::new(line),
            tried: Mutex::default(),
            sent: Mutex::default(),
            pack: Mutex::new(kept),
        })
    }

    /// The outbox, for whoever carries.
    pub fn outpost(&self) -> Shared {
        Shared::clone(&self.outpost)
    }

    /// The clock that the desk goes by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The language of the interface.
    pub fn language(&self) -> Language {
        *lock(&self.language)
    }

    /// Changes the language of the interface.
    pub fn speak(&self, language: Language) {
        *lock(&self.language) = language;
    }

    /// Records of this desk, in order.
    pub fn held(&self) -> Vec<Held> {
        hold(&self.outpost).held().to_vec()
    }

    /// One record, by its name in an address of the desk.
    pub fn find(&self, wanted: &str) -> Option<Held> {
        hold(&self.outpost).held().iter().find(|held| name(&held.id) == wanted).cloned()
    }

    /// Drafts that wait for a second person.
    pub fn waiting(&self) -> Vec<Waiting> {
        hold(&self.outpost).waiting().cloned().collect()
    }

    /// Refused records that need nobody any more.
    pub fn settled(&self) -> BTreeSet<Hash> {
        hold(&self.outpost).settled()
    }

    /// Everything that the desk knows of the log.
    pub fn seen(&self) -> Seen {
        let outpost = hold(&self.outpost);
        let good = outpost.held().iter().filter(|held| !is_refused(held)).map(|held| &held.parcel);
        let parcels = good.chain(outpost.waiting().map(|one| &one.parcel));
        Seen::new(lock(&self.pack).as_ref(), parcels, &self.office.parties, &self.office.pseudonyms)
    }

    /// What is owed; nothing while no pack is at hand.
    pub fn owed(&self) -> Option<Vec<Owed>> {
        let pack = lock(&self.pack);
        let mut entries: Vec<_> = pack.as_ref()?.records.iter().map(|record| record.entry.clone()).collect();
        // What our own receipts prove is in the log, whether the pack is as new or not.
        entries.extend(hold(&self.outpost).held().iter().filter_map(|held| {
            let receipt = held.receipt.as_deref().filter(|_| !is_refused(held))?;
            Entry::parse(Receipt::parse(receipt).ok()?.entry.as_deref()?).ok()
        }));
        let party = self.office.pseudonyms.party(&self.office.party.id);
        let role_of = |id: &str| self.office.parties.get(&self.office.pseudonyms.outside(id)).map(|party| party.role);
        Some(duties::owed(party, &entries, &self.office.windows, self.now(), &role_of))
    }

    /// Size of the pack's checkpoint, when its last entry was received, and how many records it shows.
    pub fn copy(&self) -> Option<(u64, Timestamp, usize)> {
        let pack = lock(&self.pack);
        let pack = pack.as_ref()?;
        let size = pack.report.head.as_ref()?.checkpoint.size;
        Some((size, pack.report.as_of?, pack.records.len()))
    }

    /// What the banner says.
    pub fn standing(&self) -> Standing {
        let owed = self.owed().map(|owed| owed.len());
        let outpost = hold(&self.outpost);
        let waits = || outpost.held().iter().filter(|held| held.state == State::Recorded);
        let settled = outpost.settled();
        Standing {
            waiting: waits().count(),
            since: waits().map(|held| held.recorded_at).min(),
            refused: outpost.held().iter().filter(|one| is_refused(one) && !settled.contains(&one.id)).count(),
            drafts: outpost.waiting().count(),
            owed,
            line: lock(&self.line).clone(),
        }
    }

    /// Takes note of what a try to send came to.
    pub fn carried(&self, carried: Result<Carried, BadOutpost>) {
        let now = self.now();
        let (told, stopped) = match carried {
            Ok(carried) => (carried.told, carried.stopped.map(|why| why.to_string())),
            Err(why) => (Vec::new(), Some(why.to_string())),
        };
        let mut line = lock(&self.line);
        *line = match (stopped, &*line) {
            (None, _) => Line::Up { at: now, told },
            (Some(why), Line::Down { since, .. }) => Line::Down { since: *since, at: now, why, told },
            (Some(why), _) => Line::Down { since: now, at: now, why, told },
        };
        drop(line);
        // A try may have brought a newer pack.
        let kept = hold(&self.outpost).checked_pack();
        if let Ok(Some(report)) = kept {
            *lock(&self.pack) = Some(report);
        }
    }

    /// Checks a filled form as a register of one row, and records it.
    ///
    /// # Errors
    /// [`BadWork`] if it cannot be signed or kept; nothing is recorded then.
    pub fn fill(&self, kind: &'static EventType, posted: &Posted) -> Result<Filled, BadWork> {
        let mut seen = self.seen();
        let now = self.now();
        // The form has borne its row since it was made: sent twice, from two tabs or after a lost answer, it is one record.
        let address = format!("{}/{}/{}", self.office.party.id, kind.name, posted.field("row"));
        let before = hold(&self.outpost).has(&address);
        if before {
            seen.forget(&address);
        }
        let mut form = Form::filled(kind, &self.office, &seen, now, posted);
        let csv = form.csv(&self.office);
        let digest = Hash::of(&[csv.as_bytes()]);
        let file = (format!("{}.csv", kind.name), csv.into_bytes());
        let mut import = self.read(vec![file], Charset::Utf8, &seen);
        second_people(&mut import);
        if before {
            return self.before(&address, import.drafts.first(), digest);
        }
        form.tell(&import.problems);
        // Sent without the row that it was made with, it could be recorded twice: it is shown once more, with one.
        let is_guarded = schemas::catalogue::is_id(posted.field("row"));
        if form.wrong() > 0 || import.drafts.is_empty() || !is_guarded {
            form.tell(&import.warnings);
            return Ok(Filled::Again(Box::new(form)));
        }
        form.warned = !import.warnings.is_empty();
        if form.warned && !posted.is_ticked("looked") {
            form.tell(&import.warnings);
            return Ok(Filled::Again(Box::new(form)));
        }
        let address = import.drafts[0].address();
        // First, so that the same form sent at the same moment finds it.
        lock(&self.sent).entry(address.clone()).or_insert(digest);
        let signed = self.sign(&import.drafts)?;
        if signed.again > 0 {
            // It came twice at the same moment.
            return self.before(&address, import.drafts.first(), digest);
        }
        if let Some(draft) = signed.waiting.first() {
            return Ok(Filled::Waits(name(draft)));
        }
        let outpost = hold(&self.outpost);
        let recorded = outpost.held().iter().rev().find(|held| held.parcel.source == address);
        Ok(recorded.map_or_else(|| Filled::Again(Box::new(form)), |held| Filled::Recorded(name(&held.id))))
    }

    /// What was recorded from a form that is sent again.
    fn before(&self, address: &str, draft: Option<&Draft>, digest: Hash) -> Result<Filled, BadWork> {
        let outpost = hold(&self.outpost);
        let before = match draft {
            Some(draft) => outpost.before(draft)?,
            // What is sent now could not be recorded at all: so it is something else.
            None => None,
        };
        let before = before.or_else(|| {
            let held = outpost.held().iter().rev().find(|held| held.parcel.source == address && !is_refused(held));
            let held = held.map(|held| (held.id, false));
            let known =
                held.or_else(|| outpost.waiting().find(|one| one.parcel.source == address).map(|one| (one.id, true)));
            known.map(|(id, waits)| Before { id, source: address.to_owned(), waits, beside: Beside::default() })
        });
        let before = before.ok_or(BadWork::Stale)?;
        let same = draft.is_some() && before.beside.is_same() || lock(&self.sent).get(address) == Some(&digest);
        Ok(match (same, before.waits) {
            (true, true) => Filled::Waits(name(&before.id)),
            (true, false) => Filled::Recorded(name(&before.id)),
            (false, _) => Filled::Before(Box::new(before)),
        })
    }

    fn read(&self, files: Vec<(String, Vec<u8>)>, charset: Charset, seen: &Seen) -> Import {
        let options = Options {
            charset,
            now: Some(self.now()),
            utc_offset_minutes: self.office.calendar().utc_offset_minutes(),
            limits: Limits { rows: ROWS_MAX, ..Limits::default() },
            ..Options::default()
        };
        import::read_bytes(files, &self.office.party.id, &self.office.parties, &options, seen)
    }

    /// Signs drafts and keeps them: complete ones as records, others until the second person comes. None is
    /// kept if one cannot be signed.
    fn sign(&self, drafts: &[Draft]) -> Result<SignedHere, BadRows> {
        let keys = KeyFolder::new(&self.office.keys, self.office.origin.clone());
        hold(&self.outpost).sign(drafts, keys, Channel::Desk, self.now())
    }

    /// Checks files and keeps what was found until somebody says to record it.
    ///
    /// # Errors
    /// [`BadWork`] for an encoding that nobody knows, or a shelf that cannot be read.
    pub fn try_files(&self, files: &[&File], charset: &str) -> Result<(), BadWork> {
        let charset = Charset::parse(charset)?;
        let seen = self.seen();
        let named = files.iter().map(|file| (file.name.clone(), file.bytes.clone())).collect();
        let mut import = self.read(named, charset, &seen);
        second_people(&mut import);
        hold(&self.outpost).tell_changed(&mut import)?;
        let mut tried = Tried {
            number: 0,
            names: files.iter().map(|file| file.name.clone()).collect(),
            good: import.drafts.len(),
            again: import.skipped.len(),
            refused: import.refused,
            problems: import.problems,
            warnings: import.warnings,
            taken: None,
            cells: BTreeMap::new(),
        };
        // Nothing is shown of a file that says who a person in custody is.
        let personal = tried.problems.iter().any(|problem| problem.what.code() == "column.personal");
        if !personal {
            let of_rows = tried.problems.iter().chain(&tried.warnings);
            let lines: Vec<(String, u64)> = of_rows
                .filter(|problem| problem.severity() != Severity::RefuseFile)
                .filter_map(|problem| Some((problem.file.clone(), problem.line?)))
                .collect();
            for file in files {
                let wanted = |line: u64| lines.iter().any(|(name, at)| *name == file.name && *at == line);
                if let Some((header, rows)) = import::cells(&file.bytes, charset, &wanted) {
                    tried.cells.insert(file.name.clone(), Sheet { header, rows });
                }
            }
        }
        let mut kept = lock(&self.tried);
        tried.number = kept.0.number + 1;
        *kept = (tried, import.drafts);
        Ok(())
    }

    /// Shows what the last check found.
    pub fn tried<T>(&self, show: impl FnOnce(&Tried) -> T) -> T {
        show(&lock(&self.tried).0)
    }

    /// Records what was checked.
    ///
    /// # Errors
    /// [`BadWork::Stale`] if another file was checked since; [`BadWork::Refused`] if rows are refused and `good`
    /// does not say to go on without them; else if it cannot be signed or kept.
    pub fn take_files(&self, number: &str, good: bool) -> Result<Taken, BadWork> {
        let mut kept = lock(&self.tried);
        if kept.0.number == 0 || kept.0.number.to_string() != number {
            return Err(BadWork::Stale);
        }
        if let Some(taken) = kept.0.taken {
            return Ok(taken); // sent twice: it was recorded once
        }
        if !kept.0.problems.is_empty() && !good {
            return Err(BadWork::Refused);
        }
        // What was recorded since, by a form or a second window, is passed over.
        let signed = self.sign(&kept.1)?;
        let taken = Taken { recorded: signed.recorded, waiting: signed.waiting.len() };
        kept.1.clear();
        kept.0 = Tried { number: kept.0.number, taken: Some(taken), ..Tried::default() };
        Ok(taken)
    }

    /// Adds the second person's signature to a draft, with their own key, and records it.
    ///
    /// # Errors
    /// [`NotApproved`]; the draft is then as it was.
    pub fn approve(&self, wanted: &str, posted: &Posted) -> Result<String, NotApproved> {
        let mut outpost = hold(&self.outpost);
        let Some(draft) = outpost.waiting().find(|one| name(&one.id) == wanted).cloned() else {
            // Sent twice: the second signature does not change the name under which it is recorded.
            let recorded = outpost.held().iter().find(|held| name(&held.id) == wanted && !is_refused(held));
            return recorded.map(|held| name(&held.id)).ok_or(NotApproved::Gone);
        };
        let file = posted.files("key").next().ok_or(NotApproved::NoKey)?;
        let unlocked;
        let bytes = if file.bytes.starts_with(seal::LOCKED) {
            unlocked = seal::unlock(&file.bytes, posted.field("passphrase")).ok_or(NotApproved::BadKey)?;
            unlocked.as_slice()
        } else {
            &file.bytes
        };
        let key = keys::parse(bytes).ok_or(NotApproved::BadKey)?;
        let (vkey, first) = (key.vkey(), &draft.signed.note.signatures[0]);
        if first.name == vkey.name || first.id == vkey.id() {
            return Err(NotApproved::Same);
        }
        match outpost.cosign(&draft.id, &key, self.now()) {
            Ok(_) => Ok(name(&draft.id)),
            Err(BadRows::OtherKey { wants, name }) => Err(NotApproved::Other { found: name, wanted: wants }),
            Err(BadRows::NoDraft { .. }) => Err(NotApproved::Gone),
            Err(why) => Err(NotApproved::Rows(why)),
        }
    }

    /// Checks a pack about this institution, and keeps it.
    ///
    /// # Errors
    /// [`NotTaken`]; what was here stays.
    pub fn take_pack(&self, bytes: &[u8]) -> Result<(), NotTaken> {
        let report = self.checked(bytes)?;
        let size = |report: &PackReport| report.report.head.as_ref().map_or(0, |head| head.checkpoint.size);
        let mut pack = lock(&self.pack);
        if pack.as_ref().is_some_and(|known| size(known) > size(&report)) {
            return Err(NotTaken::Older);
        }
        hold(&self.outpost).keep_pack(bytes).map_err(|why| NotTaken::Outpost(why.to_string()))?;
        *pack = Some(report);
        Ok(())
    }

    fn checked(&self, bytes: &[u8]) -> Result<PackReport, NotTaken> {
        let Some(policy) = &self.office.policy else {
            return Err(NotTaken::Verdict("this desk holds no policy of the ledger to check it against".to_owned()));
        };
        let report = pack::check(bytes, policy, &[]);
        if !matches!(report.report.verdict(), Verdict::Verified | Verdict::PartlyErased) {
            let fault = report.report.faults.first().map(ToString::to_string);
            return Err(NotTaken::Verdict(fault.unwrap_or_else(|| report.report.unknown.join("; "))));
        }
        let party = self.office.pseudonyms.party(&self.office.party.id);
        let own = ["facility", "organisation"].map(|kind| format!("{kind}/{party}"));
        if own.contains(&report.stream) { Ok(report) } else { Err(NotTaken::Stream(report.stream)) }
    }

    /// What the other side said of a record, as far as the pack shows; nothing where nobody countersigns such a record.
    pub fn other_side(&self, held: &Held) -> Option<OtherSide> {
        if held.signed.event.kind != "visit.completed" {
            return None;
        }
        let id = held.signed.event.id.as_deref()?;
        let pack = lock(&self.pack);
        let of = |kind: &str| {
            let records = pack.iter().flat_map(|pack| &pack.records);
            let mut about = records.filter(|record| {
                let event = &record.entry.signed.event;
                event.kind == kind && event.refs.get("visit").is_some_and(|visit| names(visit, id))
            });
            about.next().map(|record| record.entry.position)
        };
        Some(match (of("visit.disputed"), of("visit.countersigned")) {
            (Some(position), _) => OtherSide::Disputed { position },
            (None, Some(position)) => OtherSide::Countersigned { position },
            (None, None) => OtherSide::Waits,
        })
    }
}

/// Refuses rows of types that two people sign where the second is missing, or is the first. The importer takes such
/// rows as what they are, for a rule to judge; at a desk there is somebody to ask.
fn second_people(import: &mut Import) {
    let catalogue = Catalogue::built_in();
    let problems = &mut import.problems;
    let before = import.drafts.len();
    import.drafts.retain(|draft| {
        if catalogue.event(&draft.event).is_none_or(|kind| kind.signatures < 2) {
            return true;
        }
        let event = draft.event.clone();
        let what = match &draft.cosigner {
            None => What::CosignerMissing { event },
            Some(second) if *second == draft.signer => What::CosignerSame { event },
            Some(_) => return true,
        };
        let (line, row) = (Some(draft.place.line), Some(draft.row_id.clone()));
        problems.push(Problem { line, row, ..Problem::of_file(&draft.place.file, what) }.in_column("cosigner"));
        false
    });
    import.refused += before - import.drafts.len();
}

fn names(reference: &RefValue, id: &str) -> bool {
    reference.targets().iter().any(|target| target == id)
}
