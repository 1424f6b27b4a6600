//! The sealed stream as it lives: records wait, encrypted, until the oversight body closes the
//! week's batch, which has the same number of records whether anybody complained or not. FORMAT.md 15.4.
//!
//! `waiting/<n>` holds one record each, in the order in which they came: its tag and its hidden
//! values, encrypted to oversight before they touch the disk. `batch` is the batch that is being
//! submitted. `done/<tag>` says which outer record a row became: what a receipt is made from, and
//! `receipts/<tag>.tlog-proof` is its place. A tag hides its row from all but the row's author
//! ([`crate::sign::Signer::tag`]); padding has one too, so none of these files tells it from a complaint.
//!
//! Each step replaces or removes whole files and can be done again: a record is neither lost nor
//! doubled, whenever the process ends.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::base;
use schemas::entry::Entry;
use schemas::event::SignedEvent;
use schemas::time::Date;
use schemas::value::Value;

use crate::failure::Failure;
use crate::files;
use crate::folder::BadFolder;
use crate::keys::{self, BadKeyFile};
use crate::outbox::{Opening, Outbox, Parcel};
use crate::plan::{Answer, Submission};
use crate::reached::Reached;
use crate::sign::{OUTER, Signer};
use crate::weekly::{self, BATCH_RECORDS_MAX};
use crate::writer::Writer;

/// Longest record or batch file, in bytes.
const FILE_BYTES_MAX: usize = 64 << 20;
/// Most records that may wait: many years of batches.
pub const WAITING_MAX: usize = 100_000;
/// What helps where records are gone.
const WAY_OUT: &str = "put intake/ and intake.reached back from their newest copy. A record that waited and is gone is in no log: \
                       ask whoever gave it for it again, it may be a complaint. Without a copy: \
                       `ledger fsck LEDGER --accept-loss` goes on with what is there";

/// The folder `intake/` of a ledger.
#[derive(Clone, Debug)]
pub struct Queue {
    folder: PathBuf,
}

/// What closing a week came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Addresses of the outer records, in the order of the log.
    pub records: Vec<String>,
    /// Records that wait for the next week.
    pub waiting: usize,
}

/// Why no batch was made.
#[derive(Debug, thiserror::Error)]
pub enum BadBatch {
    /// This week has its batch.
    #[error("the week of {week} has its batch already, received on {day}: one batch a week, whatever waits")]
    ThisWeek {
        /// Monday of the week.
        week: Date,
        /// The day of its batch.
        day: Date,
    },
    /// Too many wait already.
    #[error("{WAITING_MAX} records wait already: close a batch first (ledger intake)")]
    Full,
    /// It cannot be signed, or the log does not take it.
    #[error(transparent)]
    Folder(#[from] BadFolder),
    /// No randomness.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// The disk.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl Queue {
    /// The queue in that folder, which need not exist yet.
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Whether all is there that was put here.
    ///
    /// # Errors
    /// [`Failure::Lost`] if something is gone; [`Failure`] if a file cannot be read.
    pub fn look(&self) -> Result<(), Failure> {
        let reached = Reached::beside(&self.folder);
        let kept = reached.read()?;
        Reached::compare(kept, reached.path(), &self.numbers()?, WAY_OUT)
    }

    /// Goes on from now on with what is there, whatever was there once.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be read, or it cannot be written down.
    pub fn accept_loss(&self) -> Result<(), Failure> {
        let numbers = self.numbers()?;
        if numbers.iter().all(|(_, number)| *number == 0) && !self.folder.is_dir() {
            return files::remove(Reached::beside(&self.folder).path());
        }
        Reached::beside(&self.folder).keep(&numbers)
    }

    fn numbers(&self) -> Result<[(&'static str, u64); 3], Failure> {
        let begun = u64::from(self.begun()?.is_some());
        Ok([("batch", begun), ("done", self.tags()?.len() as u64), ("waiting", self.waiting()?.len() as u64)])
    }

    /// Whether a row waits or was taken in before, by its tag.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be read.
    pub fn has(&self, tag: &str) -> Result<bool, Failure> {
        if self.done(tag).exists() {
            return Ok(true);
        }
        Ok(self.waiting()?.iter().any(|waiting| waiting.tag == tag))
    }

    /// Puts a record at the end; it is on the disk when this returns. One that is there already is
    /// passed over; then this is false.
    ///
    /// # Errors
    /// [`BadBatch::Full`], [`BadBatch::Failure`].
    pub fn add(&self, tag: &str, opening: &Opening) -> Result<bool, BadBatch> {
        self.look()?;
        if self.has(tag)? {
            return Ok(false);
        }
        let waiting = self.waiting()?;
        if waiting.len() >= WAITING_MAX {
            return Err(BadBatch::Full);
        }
        // Before the first of all: a kill in between must not look like a loss.
        let reached = Reached::beside(&self.folder);
        if !reached.path().exists() {
            reached.keep(&self.numbers()?)?;
        }
        let number = waiting.iter().map(|w| w.number).max().map_or(1, |last| last + 1);
        files::create_folder(&self.folder.join("waiting"))?;
        let record = BTreeMap::from([
            ("opening".to_owned(), opening.to_value()),
            ("tag".to_owned(), Value::Text(tag.to_owned())),
        ]);
        files::replace(&self.path(number), Value::Object(record).to_json().as_bytes())?;
        reached.keep(&self.numbers()?)?;
        Ok(true)
    }

    /// How many records wait.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be read.
    pub fn len(&self) -> Result<usize, Failure> {
        Ok(self.waiting()?.len())
    }

    /// Whether none waits.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be read.
    pub fn is_empty(&self) -> Result<bool, Failure> {
        Ok(self.len()? == 0)
    }

    /// Makes the batch of the week in which `signer.now` lies: exactly `size` records, those that wait
    /// longest first, filled up with padding, shuffled, all received at once. A batch that was cut
    /// short is finished instead.
    ///
    /// # Errors
    /// [`BadBatch`]; doing it again goes on where this stopped.
    pub fn close_week(
        &self,
        writer: &mut Writer,
        outbox: &mut Outbox,
        signer: &mut Signer<'_>,
        intake: &str,
        size: usize,
    ) -> Result<Closed, BadBatch> {
        self.look()?;
        if let Some(batch) = self.begun()? {
            return self.finish(writer, outbox, &batch, signer);
        }
        let today = signer.now.date(signer.utc_offset_minutes);
        let monday = |day: Date| day.plus_days(-i64::from(day.weekday()));
        if let Some(day) = last_batch(writer, signer.utc_offset_minutes)?
            && monday(day) >= monday(today)
        {
            return Err(BadBatch::ThisWeek { week: monday(today), day });
        }
        let size = size.clamp(1, BATCH_RECORDS_MAX);
        for number in self.len()?..size {
            let draft = weekly::padding(intake, monday(today), number, signer.now);
            let opening = signer.enclose(&draft, Some(signer.now)).map_err(|why| BadFolder::Signing(vec![why]))?;
            self.add(&base::to_hex(&keys::random_bytes::<16>()?), &opening)?;
        }
        let mut taken: Vec<Waiting> = self.waiting()?.into_iter().take(size).collect();
        weekly::shuffle(&mut taken)?;
        let mut batch = Vec::new();
        for Waiting { number, tag, opening } in taken {
            let parcel = signer.outer(opening, intake, today).map_err(|why| BadFolder::Signing(vec![why]))?;
            batch.push(Sending { number, tag, parcel });
        }
        signer.pseudonyms.keep()?;
        let lines: String = batch.iter().map(|one| one.to_value().to_json() + "\n").collect();
        files::replace(&self.folder.join("batch"), lines.as_bytes())?;
        Reached::beside(&self.folder).keep(&self.numbers()?)?;
        self.finish(writer, outbox, &batch, signer)
    }

    /// Submits the batch in one commit, then says what became of each record.
    fn finish(
        &self,
        writer: &mut Writer,
        outbox: &mut Outbox,
        batch: &[Sending],
        signer: &Signer<'_>,
    ) -> Result<Closed, BadBatch> {
        let submission = |one: &Sending| Submission {
            note: one.parcel.note.clone().into_bytes(),
            opening: one.parcel.opening.clone(),
            received_at: signer.now,
        };
        let all_there = batch.iter().all(|one| writer.log().record(&one.parcel.source).is_some());
        if !all_there {
            let submissions: Vec<Submission> = batch.iter().map(submission).collect();
            for answer in writer.commit(&submissions, signer.now)?.answers {
                if let Answer::Refused(why) = answer {
                    return Err(BadFolder::Refused(why).into());
                }
            }
        }
        let fresh: Vec<Parcel> =
            batch.iter().filter(|one| !outbox.has(&one.parcel.source)).map(|one| one.parcel.clone()).collect();
        outbox.add(&fresh)?;
        files::create_folder(&self.folder.join("done"))?;
        for one in batch {
            let id = SignedEvent::parse(one.parcel.note.as_bytes()).map(|signed| signed.id().to_hex());
            let done = BTreeMap::from([
                ("address".to_owned(), Value::Text(one.parcel.source.clone())),
                ("event".to_owned(), Value::Text(id.unwrap_or_default())),
            ]);
            files::replace(&self.done(&one.tag), Value::Object(done).to_json().as_bytes())?;
        }
        // What goes now is not missed afterwards; while the batch lies there, this is done again.
        let left = self.waiting()?.iter().filter(|w| batch.iter().all(|one| one.number != w.number)).count();
        let done = self.tags()?.len() as u64;
        Reached::beside(&self.folder).keep(&[("batch", 0), ("done", done), ("waiting", left as u64)])?;
        for one in batch {
            files::remove(&self.path(one.number))?;
        }
        files::remove(&self.folder.join("batch"))?;
        let records = batch.iter().map(|one| one.parcel.source.clone()).collect();
        Ok(Closed { records, waiting: self.len()? })
    }

    /// Address and event id (hex) of the outer record that a row became, by its tag; nothing while it waits.
    ///
    /// # Errors
    /// [`Failure`] if the file cannot be read.
    pub fn became(&self, tag: &str) -> Result<Option<(String, String)>, Failure> {
        let path = self.done(tag);
        let Some(bytes) = files::read(&path, 4_096)? else { return Ok(None) };
        let damaged = || Failure::bent(&path, 1, WAY_OUT);
        let value = Value::parse(&bytes).map_err(|_| damaged())?;
        let text = |name: &str| value.get(name).and_then(Value::as_text).map(str::to_owned);
        text("address").zip(text("event")).map(Some).ok_or_else(damaged)
    }

    /// Tags of all records that are in the log, padding too.
    ///
    /// # Errors
    /// [`Failure`] if the folder cannot be listed.
    pub fn tags(&self) -> Result<Vec<String>, Failure> {
        let folder = self.folder.join("done");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let paths = files::list(&folder, |name| name.bytes().all(|b| b.is_ascii_alphanumeric()))?;
        Ok(paths.iter().filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    /// Where the receipt of a row belongs.
    pub fn receipt(&self, tag: &str) -> PathBuf {
        self.folder.join("receipts").join(format!("{tag}.tlog-proof"))
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join("waiting").join(format!("{number:08}"))
    }

    fn done(&self, tag: &str) -> PathBuf {
        self.folder.join("done").join(tag)
    }

    fn waiting(&self) -> Result<Vec<Waiting>, Failure> {
        let folder = self.folder.join("waiting");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        for path in files::list(&folder, |name| name.bytes().all(|b| b.is_ascii_digit()))? {
            let bytes = files::read(&path, FILE_BYTES_MAX)?.unwrap_or_default();
            let number = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse().ok());
            let read = || {
                let value = Value::parse(&bytes).ok()?;
                let opening = Opening::of_value(value.get("opening")?)?;
                Some(Waiting { number: number?, tag: value.get("tag")?.as_text()?.to_owned(), opening })
            };
            all.push(read().ok_or_else(|| Failure::bent(&path, 1, WAY_OUT))?);
        }
        Ok(all)
    }

    /// A batch that was cut short.
    fn begun(&self) -> Result<Option<Vec<Sending>>, Failure> {
        let path = self.folder.join("batch");
        let Some(bytes) = files::read(&path, FILE_BYTES_MAX)? else { return Ok(None) };
        let damaged = |number: u64| Failure::bent(&path, number + 1, WAY_OUT);
        let text = String::from_utf8(bytes).map_err(|_| damaged(0))?;
        let lines = (0..).zip(text.lines()).map(|(number, line)| Sending::parse(line).ok_or_else(|| damaged(number)));
        lines.collect::<Result<_, _>>().map(Some)
    }
}

/// A record that waits.
struct Waiting {
    number: u64,
    tag: String,
    opening: Opening,
}

/// A record on its way into the log.
struct Sending {
    number: u64,
    tag: String,
    parcel: Parcel,
}

impl Sending {
    fn to_value(&self) -> Value {
        Value::Object(BTreeMap::from([
            ("number".to_owned(), Value::Integer(i64::try_from(self.number).unwrap_or(i64::MAX))),
            ("parcel".to_owned(), Value::Text(self.parcel.to_line())),
            ("tag".to_owned(), Value::Text(self.tag.clone())),
        ]))
    }

    fn parse(line: &str) -> Option<Self> {
        let value = Value::parse(line.as_bytes()).ok()?;
        Some(Self {
            number: u64::try_from(value.get("number")?.as_integer()?).ok()?,
            tag: value.get("tag")?.as_text()?.to_owned(),
            parcel: Parcel::parse(value.get("parcel")?.as_text()?)?,
        })
    }
}

/// The local day on which the last batch of the sealed stream was received.
fn last_batch(writer: &Writer, utc_offset_minutes: i32) -> Result<Option<Date>, Failure> {
    let mut last = None;
    for entry in writer.entries(0) {
        let (_, bytes) = entry?;
        if let Ok(entry) = Entry::parse(&bytes)
            && entry.signed.event.kind == OUTER
        {
            last = Some(entry.received_at.date(utc_offset_minutes));
        }
    }
    Ok(last)
}
