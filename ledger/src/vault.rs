//! Hidden values beside the log, encrypted, and their keys in a folder apart.
//!
//! `openings/` has one line an entry (FORMAT.md 5.4), but each slot that is open or sealed stands
//! there as `{"kept":<base64>}`, encrypted under a key of its own (`cipher`); entries
//! without slots have an empty line. `opening-keys/` has one line an entry too, in files of the same
//! names: for each slot its key in base64, or `-` where there is none, joined by one blank. Whoever
//! copies the openings copies no key; so a value is gone for good, from old copies too, when its key
//! is.
//!
//! In a commit the keys come first, then the openings, then the store: what is past the store's
//! size was never promised, and is dropped in both.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::base;
use schemas::opening::{OpeningLine, Slot};
use schemas::tile;
use schemas::value::Value;

use crate::cipher::{Place, SlotKey};
use crate::failure::{Damage, Failure};
use crate::files;
use crate::lines::{self, LineFolder};

/// Stands in a line of keys where a slot has none.
const NO_KEY: &str = "-";
/// The member that holds an encrypted slot.
const KEPT: &str = "kept";

/// The openings of one log, and their keys. One process has them at a time, as with the store.
#[derive(Debug)]
pub struct Vault {
    openings: LineFolder,
    keys: LineFolder,
}

impl Vault {
    /// Opens the vault of a store that holds `size` entries; an empty one is made where none is.
    /// Lines past `size` are dropped.
    ///
    /// # Errors
    /// As [`LineFolder::open`]. Lines of keys that are missing are damage as lines of openings are:
    /// without them no value can be read, and none could be erased.
    pub fn open(openings: &Path, keys: &Path, size: u64) -> Result<Self, Failure> {
        Ok(Self { openings: LineFolder::open(openings, size)?, keys: LineFolder::open(keys, size)? })
    }

    /// How many lines it holds.
    pub fn size(&self) -> u64 {
        self.openings.size()
    }

    /// Folder of the encrypted lines.
    pub fn openings(&self) -> &Path {
        self.openings.dir()
    }

    /// Folder of the keys.
    pub fn keys(&self) -> &Path {
        self.keys.dir()
    }

    /// Encrypts the lines of the entries from `first` on, which is the size now, under new keys. On
    /// the disk when this returns; after an error nothing more is taken.
    ///
    /// # Errors
    /// [`Failure::Misspelt`] for a line that is none of FORMAT.md 5.4, [`Failure::Random`], and as
    /// [`LineFolder::append`].
    pub fn append<L: AsRef<str>>(&self, first: u64, lines: &[L]) -> Result<(), Failure> {
        let (mut kept, mut keys) = (Vec::with_capacity(lines.len()), Vec::with_capacity(lines.len()));
        for (position, line) in (first..).zip(lines) {
            let line = line.as_ref();
            if line.is_empty() {
                kept.push(String::new());
                keys.push(String::new());
                continue;
            }
            let misspelt = |_| Failure::Misspelt { what: "a line of openings", text: line.chars().take(40).collect() };
            let (at_rest, its_keys) = hide(position, &OpeningLine::parse(line).map_err(misspelt)?)?;
            kept.push(at_rest.to_text());
            keys.push(keys_text(&its_keys));
        }
        for line in &kept {
            lines::check(line)?;
        }
        self.keys.append(first, &keys)?;
        self.openings.append(first, &kept)
    }

    /// The line of one entry in the form of FORMAT.md 5.4; `None` past the end.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Io`].
    pub fn line(&self, position: u64) -> Result<Option<String>, Failure> {
        let (Some(line), Some(keys)) = (self.openings.line(position)?, self.keys.line(position)?) else {
            return Ok(None);
        };
        show(position, &line, &keys, self.openings.dir()).map(Some)
    }

    /// Lines from a position on, in order. After an error there is nothing more.
    pub fn lines(&self, from: u64) -> impl Iterator<Item = Result<(u64, String), Failure>> + '_ {
        let mut broken = false;
        self.openings.lines(from).zip(self.keys.lines(from)).map_while(move |both| {
            if broken {
                return None;
            }
            let shown = match both {
                (Ok((position, line)), Ok((_, keys))) => {
                    show(position, &line, &keys, self.openings.dir()).map(|line| (position, line))
                }
                (Err(failure), _) | (_, Err(failure)) => Err(failure),
            };
            broken = shown.is_err();
            Some(shown)
        })
    }

    /// Destroys key and value of some slots of an entry; they read "erased by" from then on. The
    /// keys go first: cut short in between, the slots are withheld, and doing it again finishes.
    /// Slots that are erased already keep the entry that erased them. True if anything changed.
    ///
    /// # Errors
    /// As [`LineFolder::replace`].
    pub fn erase(&self, position: u64, slots: &[usize], by: u64) -> Result<bool, Failure> {
        let (Some(line), Some(keys)) = (self.openings.line(position)?, self.keys.line(position)?) else {
            return Err(Failure::NotNext { path: self.openings.dir().to_owned(), first: position, size: self.size() });
        };
        if line.is_empty() {
            return Ok(false);
        }
        let damaged = || Failure::damaged(self.openings.dir(), Damage::Line { position });
        let mut at_rest = AtRest::parse(&line).ok_or_else(damaged)?;
        let mut its_keys = read_keys(&keys).filter(|k| k.len() == at_rest.slots.len()).ok_or_else(damaged)?;
        for slot in slots {
            let (Some(kept), Some(key)) = (at_rest.slots.get_mut(*slot), its_keys.get_mut(*slot)) else { continue };
            *key = None;
            if !matches!(kept, Kept::Plain(Slot::ErasedBy(_))) {
                *kept = Kept::Plain(Slot::ErasedBy(by));
            }
        }
        let (new_keys, new_line) = (keys_text(&its_keys), at_rest.to_text());
        if new_keys != keys {
            self.keys.replace(position, &new_keys)?;
        }
        if new_line != line {
            self.openings.replace(position, &new_line)?;
        }
        Ok(new_keys != keys || new_line != line)
    }
}

impl Vault {
    /// Copies the encrypted lines, without their keys, to a folder.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Io`], [`Failure::Full`].
    pub fn copy_openings(&self, to: &Path) -> Result<u64, Failure> {
        copy(&self.openings, to)
    }

    /// Copies the keys to a folder, which belongs on another disk than any copy of the openings: an
    /// erasure is complete only when copies of keys made before it are destroyed too.
    ///
    /// # Errors
    /// As [`Vault::copy_openings`].
    pub fn copy_keys(&self, to: &Path) -> Result<u64, Failure> {
        copy(&self.keys, to)
    }
}

fn copy(from: &LineFolder, to: &Path) -> Result<u64, Failure> {
    files::create_folder(to)?;
    for number in 0..from.size().div_ceil(lines::LINES_A_FILE) {
        let first = number * lines::LINES_A_FILE;
        let gap = || Failure::damaged(from.dir(), Damage::Gap { position: first });
        let kept = lines::read_file(from.dir(), number)?.ok_or_else(gap)?;
        let wanted = (from.size() - first).min(lines::LINES_A_FILE) as usize;
        let text: String = kept.iter().take(wanted).flat_map(|line| [line.as_str(), "\n"]).collect();
        let path = to.join(tile::index_path(number));
        files::create_folder(files::parent(&path))?;
        files::replace(&path, text.as_bytes())?;
    }
    Ok(from.size())
}

/// Reads a copy of encrypted lines, one file at a time, with a copy of their keys beside it. Where
/// the keys are not at hand, every value is withheld.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Folder of the encrypted lines.
    pub openings: PathBuf,
    /// Folder of the keys, where there is a copy.
    pub keys: Option<PathBuf>,
}

impl Copied {
    /// The lines of one file in the form of FORMAT.md 19, each with its end; `None` if there is no
    /// such file.
    ///
    /// # Errors
    /// [`Failure::Damaged`] if a line or its keys are not as they were written, [`Failure::Io`].
    pub fn file(&self, number: u64) -> Result<Option<String>, Failure> {
        let Some(lines) = lines::read_file(&self.openings, number)? else { return Ok(None) };
        let keys = match &self.keys {
            Some(folder) => lines::read_file(folder, number)?,
            None => None,
        };
        let first = number * lines::LINES_A_FILE;
        if let (Some(keys), Some(folder)) = (&keys, &self.keys)
            && keys.len() < lines.len()
        {
            return Err(Failure::damaged(folder, Damage::Gap { position: first + keys.len() as u64 }));
        }
        let mut text = String::new();
        for (place, (position, line)) in (first..).zip(&lines).enumerate() {
            text += &match &keys {
                Some(keys) => show(position, line, &keys[place], &self.openings)?,
                None => withhold(position, line, &self.openings)?,
            };
            text.push('\n');
        }
        Ok(Some(text))
    }
}

/// A slot as it lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// Encrypted.
    Hidden(Vec<u8>),
    /// Withheld or erased: there is nothing to hide.
    Plain(Slot),
}

/// A line as it lies on the disk.
struct AtRest {
    /// Everything but the slots.
    line: OpeningLine,
    slots: Vec<Kept>,
}

impl AtRest {
    fn to_text(&self) -> String {
        let Ok(Value::Object(mut members)) = Value::parse(self.line.to_json().as_bytes()) else { return String::new() };
        let slot = |kept: &Kept| match kept {
            Kept::Hidden(bytes) => {
                Value::Object(BTreeMap::from([(KEPT.to_owned(), Value::Text(base::to_base64(bytes)))]))
            }
            Kept::Plain(slot) => slot.to_value(),
        };
        members.insert("slots".to_owned(), Value::List(self.slots.iter().map(slot).collect()));
        Value::Object(members).to_json()
    }

    fn parse(text: &str) -> Option<Self> {
        let Ok(Value::Object(mut members)) = Value::parse(text.as_bytes()) else { return None };
        let Some(Value::List(items)) = members.insert("slots".to_owned(), Value::List(Vec::new())) else { return None };
        let slot = |item: &Value| match item.get(KEPT) {
            Some(kept) => base::from_base64(kept.as_text()?).map(Kept::Hidden),
            None => match Slot::of_value(item)? {
                plain @ (Slot::Withheld | Slot::ErasedBy(_)) => Some(Kept::Plain(plain)),
                Slot::Open(_) | Slot::Sealed(_) => None,
            },
        };
        let slots = items.iter().map(slot).collect::<Option<_>>()?;
        let at_rest = Self { line: OpeningLine::parse(&Value::Object(members).to_json()).ok()?, slots };
        (at_rest.to_text() == text).then_some(at_rest)
    }
}

/// Encrypts what a line shows.
fn hide(position: u64, line: &OpeningLine) -> Result<(AtRest, Vec<Option<SlotKey>>), Failure> {
    let (mut slots, mut keys) = (Vec::new(), Vec::new());
    for (number, slot) in line.slots.iter().enumerate() {
        if let Slot::Open(_) | Slot::Sealed(_) = slot {
            let key = SlotKey::draw()?;
            slots.push(Kept::Hidden(key.encrypt(Place { position, slot: number }, &slot.to_value().to_json())));
            keys.push(Some(key));
        } else {
            slots.push(Kept::Plain(slot.clone()));
            keys.push(None);
        }
    }
    Ok((AtRest { line: OpeningLine { slots: Vec::new(), ..line.clone() }, slots }, keys))
}

/// The line as FORMAT.md 5.4 has it. A slot whose key was destroyed is withheld.
fn show(position: u64, line: &str, keys: &str, dir: &Path) -> Result<String, Failure> {
    if line.is_empty() {
        return Ok(String::new());
    }
    let damaged = || Failure::damaged(dir, Damage::Line { position });
    let at_rest = AtRest::parse(line).ok_or_else(damaged)?;
    let keys = read_keys(keys).filter(|k| k.len() == at_rest.slots.len()).ok_or_else(damaged)?;
    let mut shown = at_rest.line;
    for (number, (kept, key)) in at_rest.slots.into_iter().zip(keys).enumerate() {
        shown.slots.push(match (kept, key) {
            (Kept::Plain(slot), _) => slot,
            (Kept::Hidden(_), None) => Slot::Withheld,
            (Kept::Hidden(bytes), Some(key)) => {
                let text = key.decrypt(Place { position, slot: number }, &bytes).ok_or_else(damaged)?;
                let value = Value::parse(text.as_bytes()).map_err(|_| damaged())?;
                Slot::of_value(&value).ok_or_else(damaged)?
            }
        });
    }
    Ok(shown.to_json())
}

/// The line without what is encrypted.
fn withhold(position: u64, line: &str, dir: &Path) -> Result<String, Failure> {
    if line.is_empty() {
        return Ok(String::new());
    }
    let at_rest = AtRest::parse(line).ok_or_else(|| Failure::damaged(dir, Damage::Line { position }))?;
    let slot = |kept| match kept {
        Kept::Plain(slot) => slot,
        Kept::Hidden(_) => Slot::Withheld,
    };
    Ok(OpeningLine { slots: at_rest.slots.into_iter().map(slot).collect(), ..at_rest.line }.to_json())
}

fn keys_text(keys: &[Option<SlotKey>]) -> String {
    let one = |key: &Option<SlotKey>| key.as_ref().map_or_else(|| NO_KEY.to_owned(), SlotKey::to_text);
    keys.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn read_keys(text: &str) -> Option<Vec<Option<SlotKey>>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let one = |word: &str| if word == NO_KEY { Some(None) } else { SlotKey::parse(word).map(Some) };
    text.split(' ').map(one).collect()
}
