//! The outbox: what has been signed and is on the disk, before anyone submits it. FORMAT.md 20.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::opening::{Disclosure, Slot, digest_of};
use schemas::time::Timestamp;
use schemas::value::Value;

use crate::failure::Failure;
use crate::files;
use crate::reached::Reached;
use crate::receipts::Receipts;

/// Longest outbox file, in bytes.
pub const FILE_BYTES_MAX: usize = 256 << 20;
/// What helps where parcels are gone.
const WAY_OUT: &str = "put outbox/ and outbox.reached back from their newest copy. What was handed in is in the log; a row that \
                       was signed and not handed in is lost with them, and must be imported again. Without a copy: \
                       `ledger fsck LEDGER --accept-loss` goes on with what is there";

/// Digests and slots of an event on its way: an opening line (FORMAT.md 5.4) without its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Digests of all slots, in order; empty where the type has none.
    pub digests: Vec<Hash>,
    /// The slots, open or sealed.
    pub slots: Vec<Slot>,
}

impl Opening {
    /// With every slot open.
    pub fn open(disclosures: Vec<String>) -> Self {
        Self {
            digests: disclosures.iter().map(|text| digest_of(text)).collect(),
            slots: disclosures.into_iter().map(Slot::Open).collect(),
        }
    }

    /// The disclosures that are open.
    pub fn disclosures(&self) -> impl Iterator<Item = Disclosure> + '_ {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Open(text) => Disclosure::parse(text),
            _ => None,
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        let digests = self.digests.iter().map(|d| Value::Text(d.to_base64())).collect();
        let slots = self.slots.iter().map(Slot::to_value).collect();
        Value::Object(BTreeMap::from([
            ("digests".to_owned(), Value::List(digests)),
            ("slots".to_owned(), Value::List(slots)),
        ]))
    }

    pub(crate) fn of_value(value: &Value) -> Option<Self> {
        let list = |name: &str| value.get(name)?.as_list();
        let digests = list("digests")?.iter().map(|d| Hash::from_base64(d.as_text()?)).collect::<Option<_>>()?;
        Some(Self { digests, slots: list("slots")?.iter().map(Slot::of_value).collect::<Option<_>>()? })
    }
}

/// An event on its way: the note, its hidden values, and what the sender knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// The signed note of the event.
    pub note: String,
    /// Its hidden values; empty where the type has none.
    pub opening: Opening,
    /// When the ledger shall receive it: in a replay alone.
    pub received_at: Option<Timestamp>,
    /// Address of the register row that it was made from.
    pub source: String,
}

impl Parcel {
    /// The line of an outbox file, without its end.
    pub fn to_line(&self) -> String {
        let mut members = BTreeMap::from([
            ("event".to_owned(), Value::Text(self.note.clone())),
            ("opening".to_owned(), self.opening.to_value()),
            ("source".to_owned(), Value::Text(self.source.clone())),
        ]);
        if let Some(instant) = self.received_at {
            members.insert("received_at".to_owned(), Value::Text(instant.to_string()));
        }
        Value::Object(members).to_json()
    }

    /// Takes hidden values out, if this is the parcel of one of these events. True if anything changed.
    pub fn erase(&mut self, slots: &BTreeMap<String, Vec<usize>>, by: u64) -> bool {
        let Ok(signed) = SignedEvent::parse(self.note.as_bytes()) else { return false };
        let before = self.opening.clone();
        for number in slots.get(&signed.event.address()).into_iter().flatten() {
            if let Some(slot) = self.opening.slots.get_mut(*number).filter(|s| !matches!(s, Slot::ErasedBy(_))) {
                *slot = Slot::ErasedBy(by);
            }
        }
        before != self.opening
    }

    /// Reads a line.
    pub fn parse(line: &str) -> Option<Self> {
        let json = Value::parse(line.as_bytes()).ok()?;
        let text = |name: &str| json.get(name).and_then(Value::as_text).map(str::to_owned);
        let received_at = match json.get("received_at") {
            Some(value) => Some(Timestamp::parse(value.as_text()?)?),
            None => None,
        };
        Some(Self {
            note: text("event")?,
            opening: Opening::of_value(json.get("opening")?)?,
            received_at,
            source: text("source")?,
        })
    }
}

/// A folder of parcels in the order in which they shall be submitted.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
    sources: BTreeSet<String>,
    next_file: u64,
    /// Parcels in all of them.
    count: u64,
    /// Files with a torn last line, and what is whole of them.
    torn: Vec<(PathBuf, u64)>,
}

impl Outbox {
    /// Opens the folder, which need not be there yet; nothing is written. A torn last line, which nobody was promised,
    /// is passed over, and dropped when something is added.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be read or a whole line makes no sense; [`Failure::Lost`] if it held more once.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let reached = Reached::beside(folder);
        let kept = reached.read()?; // before the files: who adds one writes this last
        let outbox = Self::open_as_it_is(folder)?;
        Reached::compare(kept, reached.path(), &outbox.numbers(), WAY_OUT)?;
        Ok(outbox)
    }

    /// Goes on from now on with what is there, whatever was there once.
    ///
    /// # Errors
    /// [`Failure`] as [`Outbox::open`], or if it cannot be written down.
    pub fn accept_loss(folder: &Path) -> Result<Self, Failure> {
        let outbox = Self::open_as_it_is(folder)?;
        Reached::beside(folder).keep(&outbox.numbers())?;
        Ok(outbox)
    }

    fn numbers(&self) -> [(&'static str, u64); 2] {
        [("files", self.next_file - 1), ("parcels", self.count)]
    }

    fn open_as_it_is(folder: &Path) -> Result<Self, Failure> {
        let mut outbox =
            Self { folder: folder.to_owned(), sources: BTreeSet::new(), next_file: 1, count: 0, torn: Vec::new() };
        for path in outbox.paths()? {
            let bytes = files::read(&path, FILE_BYTES_MAX)?.unwrap_or_default();
            if whole(&bytes).len() < bytes.len() {
                outbox.torn.push((path.clone(), whole(&bytes).len() as u64));
            }
            // A row whose event was refused may be mended and signed again.
            let all = parcels(&path, whole(&bytes))?;
            outbox.count += all.len() as u64;
            let standing = outbox.receipts().offered(all);
            outbox.sources.extend(standing.into_iter().map(|parcel| parcel.source));
            let number = path.file_stem().and_then(|s| s.to_str()).and_then(|s| s.parse::<u64>().ok());
            outbox.next_file = outbox.next_file.max(number.unwrap_or(0) + 1);
        }
        Ok(outbox)
    }

    fn paths(&self) -> Result<Vec<PathBuf>, Failure> {
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let numbered = |name: &str| {
            name.strip_suffix(".jsonl").is_some_and(|n| n.len() >= 6 && n.bytes().all(|b| b.is_ascii_digit()))
        };
        files::list(&self.folder, numbered)
    }

    /// What the log answered to its parcels.
    pub fn receipts(&self) -> Receipts {
        Receipts::beside(&self.folder)
    }

    /// Whether a register row was signed into this outbox before, and not refused.
    pub fn has(&self, source: &str) -> bool {
        self.sources.contains(source)
    }

    /// Whether nothing was ever signed into it.
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// Writes parcels as one more file; they are on the disk when this returns.
    ///
    /// # Errors
    /// [`Failure`] if that did not work; then none counts as written.
    pub fn add(&mut self, parcels: &[Parcel]) -> Result<(), Failure> {
        if parcels.is_empty() {
            return Ok(());
        }
        files::create_folder(&self.folder)?;
        while let Some((path, whole)) = self.torn.last() {
            files::cut(path, *whole)?;
            self.torn.pop();
        }
        let text: String = parcels.iter().map(|p| p.to_line() + "\n").collect();
        // Before the first of all: a kill in between must not look like a loss.
        let reached = Reached::beside(&self.folder);
        if self.count == 0 && !reached.path().exists() {
            reached.keep(&self.numbers())?;
        }
        let path = self.folder.join(format!("{:06}.jsonl", self.next_file));
        if let Err(why) = files::append(&path, text.as_bytes()) {
            files::remove(&path)?; // some lines of it may stand there
            return Err(why);
        }
        self.next_file += 1;
        self.count += parcels.len() as u64;
        self.sources.extend(parcels.iter().map(|p| p.source.clone()));
        reached.keep(&self.numbers())
    }

    /// Takes hidden values out of the parcels of these events, by address; the numbers are those of the
    /// slots. Files that hold none of them stay as they are. True if anything changed.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be read or replaced; doing it again finishes.
    pub fn erase(&self, slots: &BTreeMap<String, Vec<usize>>, by: u64) -> Result<bool, Failure> {
        let mut any = false;
        for path in self.paths()? {
            let bytes = files::read(&path, FILE_BYTES_MAX)?.unwrap_or_default();
            let mut all = parcels(&path, whole(&bytes))?;
            let mut changed = false;
            for parcel in &mut all {
                changed |= parcel.erase(slots, by);
            }
            if changed {
                let text: String = all.iter().map(|p| p.to_line() + "\n").collect();
                files::replace(&path, text.as_bytes())?;
                any = true;
            }
        }
        Ok(any)
    }

    /// All parcels in order.
    ///
    /// # Errors
    /// [`Failure`] if a file cannot be read.
    pub fn parcels(&self) -> Result<Vec<Parcel>, Failure> {
        let mut all = Vec::new();
        for path in self.paths()? {
            let bytes = files::read(&path, FILE_BYTES_MAX)?.unwrap_or_default();
            all.extend(parcels(&path, whole(&bytes))?);
        }
        Ok(all)
    }
}

/// Without a torn last line.
fn whole(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|b| *b == b'\n').map_or(0, |end| end + 1)]
}

fn parcels(path: &Path, bytes: &[u8]) -> Result<Vec<Parcel>, Failure> {
    let damaged = |number| Failure::bent(path, number, WAY_OUT);
    let text = std::str::from_utf8(bytes).map_err(|_| damaged(1))?;
    (1..).zip(text.lines()).map(|(number, line)| Parcel::parse(line).ok_or_else(|| damaged(number))).collect()
}
