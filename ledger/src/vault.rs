//! Hidden values beside the log, encrypted, and their keys in a folder apart.
//!
//! `openings/` has one line an entry: the id of the event in base64, then for each slot its digest in
//! base64 and what is left of it, all joined by one blank. That is the slot encrypted under a key of its own
//! (`cipher`) in base64, `-` where it is withheld, or `!` and the position of the entry that erased it. Entries
//! without slots have an empty line. `opening-keys/` has one line an entry too, in files of the same
//! names: for each slot its key in base64, or `-` where there is none, joined by one blank. Whoever
//! copies the openings copies no key; so a value is gone for good, from old copies too, when its key
//! is.
//!
//! In a commit both come first, flushed side by side, then the store: what is past the store's
//! size was never promised, and is dropped in both.

use std::fmt;
use std::path::{Path, PathBuf};

use schemas::base;
use schemas::hash::Hash;
use schemas::opening::{OpeningLine, SALT_BYTES, Slot};
use schemas::tile;
use zeroize::Zeroizing;

use crate::cipher::{Place, SlotKey};
use crate::failure::{Damage, Failure};
use crate::files;
use crate::lines::{self, LineFolder};

/// Stands in a line of keys where a slot has none, and in a line of openings where it is withheld.
const NOTHING: &str = "-";
/// Characters of a key, and the blank after it.
const KEY_CHARS: usize = 45;
/// Stands before the position of the entry that erased a slot.
const ERASED: char = '!';

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
    /// [`Vault::append`].
    pub fn append_lines<L: AsRef<str>>(&self, first: u64, lines: &[L]) -> Result<(), Failure> {
        let mut hidden = Vec::with_capacity(lines.len());
        for line in lines {
            let line = line.as_ref();
            let misspelt = || Failure::Misspelt { what: "a line of openings", text: line.chars().take(40).collect() };
            hidden.push(if line.is_empty() {
                Hidden::default()
            } else {
                let line = OpeningLine::parse(line).map_err(|_| misspelt())?;
                if line.digests.len() != line.slots.len() {
                    return Err(misspelt());
                }
                Hidden::new(line.event, &line.digests, &line.slots)?
            });
        }
        self.append(first, &hidden)
    }

    /// Writes what was hidden of the entries from `first` on, which is the size now: keys and values side by
    /// side. On the disk when this returns; after an error nothing more is taken.
    ///
    /// # Errors
    /// As [`LineFolder::append`].
    pub fn append(&self, first: u64, hidden: &[Hidden]) -> Result<(), Failure> {
        let lines: Vec<&str> = hidden.iter().map(|one| one.line.as_str()).collect();
        let keys: Vec<&str> = hidden.iter().map(|one| one.keys.as_str()).collect();
        lines::append_both((&self.keys, keys.as_slice()), (&self.openings, lines.as_slice()), first)
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
            if !matches!(kept.1, Kept::Erased(_)) {
                kept.1 = Kept::Erased(by);
            }
        }
        let (new_keys, new_line) = (keys_text(&its_keys), at_rest.to_text());
        if *new_keys != keys {
            self.keys.replace(position, &new_keys)?;
        }
        if new_line != line {
            self.openings.replace(position, &new_line)?;
        }
        Ok(*new_keys != keys || new_line != line)
    }
}

impl Vault {
    /// Which of these slots of an entry are not erased here: their value or their key is still there.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Io`].
    pub fn still_has(&self, position: u64, slots: &[usize]) -> Result<Vec<usize>, Failure> {
        let (Some(line), Some(keys)) = (self.openings.line(position)?, self.keys.line(position)?) else {
            return Ok(Vec::new());
        };
        if line.is_empty() {
            return Ok(Vec::new());
        }
        let damaged = || Failure::damaged(self.openings.dir(), Damage::Line { position });
        let at_rest = AtRest::parse(&line).ok_or_else(damaged)?;
        let keys = read_keys(&keys).filter(|k| k.len() == at_rest.slots.len()).ok_or_else(damaged)?;
        let has = |slot: &&usize| {
            let kept = at_rest.slots.get(**slot).is_some_and(|(_, kept)| matches!(kept, Kept::Hidden(_)));
            kept || keys.get(**slot).is_some_and(Option::is_some)
        };
        Ok(slots.iter().filter(has).copied().collect())
    }

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
        files::write_out(&path, text.as_bytes())?;
    }
    Ok(from.size())
}

/// Whether a file holds the keys of openings, and not openings: every word of it is a key, or stands for none. `None`
/// where it has no word.
pub(crate) fn is_keys(text: &str) -> Option<bool> {
    let mut words = text.split_whitespace().peekable();
    words.peek()?;
    Some(words.all(|word| word.len() < KEY_CHARS))
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
    /// The lines of one file in the form of FORMAT.md 19, each without its end, or why it is not as it was written;
    /// `None` if there is no such file.
    ///
    /// # Errors
    /// [`Failure::Damaged`] if a file is not lines of text, [`Failure::Io`].
    pub fn file(&self, number: u64) -> Result<Option<Vec<Result<String, Failure>>>, Failure> {
        let Some(lines) = lines::read_file(&self.openings, number)? else { return Ok(None) };
        let keys = match &self.keys {
            Some(folder) => lines::read_file(folder, number)?,
            None => None,
        };
        let first = number * lines::LINES_A_FILE;
        let shown = (first..).zip(&lines).enumerate().map(|(place, (position, line))| match (&keys, &self.keys) {
            (Some(keys), Some(folder)) => match keys.get(place) {
                Some(keys) => show(position, line, keys, &self.openings),
                None => Err(Failure::damaged(folder, Damage::Gap { position })),
            },
            _ => withhold(position, line, &self.openings),
        });
        Ok(Some(shown.collect()))
    }
}

/// What lies on the disk of an entry's hidden values, ready to be written: the values encrypted, and their keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Hidden {
    line: String,
    keys: Zeroizing<String>,
}

/// Keys are never shown, not even where a test fails.
impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hidden").field("line", &self.line).finish_non_exhaustive()
    }
}

impl Hidden {
    /// Encrypts the slots of an event under new keys.
    ///
    /// # Errors
    /// [`Failure::Random`] if there are none to be had.
    pub fn new(event: Hash, digests: &[Hash], slots: &[Slot]) -> Result<Self, Failure> {
        let mut keys: Vec<Option<SlotKey>> = SlotKey::draw(slots.len())?.into_iter().map(Some).collect();
        let mut kept = Vec::with_capacity(slots.len());
        for (number, (slot, digest)) in slots.iter().zip(digests).enumerate() {
            let place = Place { event, slot: number };
            kept.push((
                *digest,
                match (slot, &keys[number]) {
                    (Slot::Open(_) | Slot::Sealed(_), Some(key)) => Kept::Hidden(key.encrypt(place, &plain(slot))),
                    (Slot::ErasedBy(by), _) => Kept::Erased(*by),
                    _ => Kept::Withheld,
                },
            ));
            if !matches!(kept[number].1, Kept::Hidden(_)) {
                keys[number] = None;
            }
        }
        Ok(Self { line: AtRest { event, slots: kept }.to_text(), keys: keys_text(&keys) })
    }
}

/// A slot as it lies on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// Encrypted.
    Hidden(Vec<u8>),
    /// There is nothing to hide.
    Withheld,
    /// Destroyed by the erasure at that position.
    Erased(u64),
}

/// A line as it lies on the disk.
struct AtRest {
    event: Hash,
    /// Each slot with its digest.
    slots: Vec<(Hash, Kept)>,
}

impl AtRest {
    fn to_text(&self) -> String {
        let mut text = self.event.to_base64();
        for (digest, kept) in &self.slots {
            text.push(' ');
            text += &digest.to_base64();
            text.push(' ');
            match kept {
                Kept::Hidden(bytes) => text += &base::to_base64(bytes),
                Kept::Withheld => text += NOTHING,
                Kept::Erased(by) => {
                    text.push(ERASED);
                    text += &by.to_string();
                }
            }
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let event = Hash::from_base64(words.next()?)?;
        let mut slots = Vec::new();
        while let Some(digest) = words.next() {
            let kept = match words.next()? {
                NOTHING => Kept::Withheld,
                word => match word.strip_prefix(ERASED) {
                    Some(by) => Kept::Erased(base::from_decimal(by)?),
                    None => Kept::Hidden(base::from_base64(word)?),
                },
            };
            slots.push((Hash::from_base64(digest)?, kept));
        }
        Some(Self { event, slots })
    }

    /// The line as FORMAT.md 5.4 has it, with what `show` makes of each encrypted slot.
    fn line(self, position: u64, mut show: impl FnMut(usize, &[u8]) -> Option<Slot>) -> Option<OpeningLine> {
        let (mut digests, mut slots) = (Vec::with_capacity(self.slots.len()), Vec::with_capacity(self.slots.len()));
        for (number, (digest, kept)) in self.slots.into_iter().enumerate() {
            digests.push(digest);
            slots.push(match kept {
                Kept::Hidden(bytes) => show(number, &bytes)?,
                Kept::Withheld => Slot::Withheld,
                Kept::Erased(by) => Slot::ErasedBy(by),
            });
        }
        Some(OpeningLine { entry: position, event: self.event, digests, slots })
    }
}

/// First byte of a slot before it is encrypted: a disclosure with its salt as bytes, then the rest of its JSON.
const SALTED: u8 = b'o';
/// A disclosure as it is.
const OPEN: u8 = b't';
/// An age file in base64.
const SEALED: u8 = b's';
/// Before the salt in the JSON of a disclosure, and after it. FORMAT.md 5.2.
const AROUND: (&[u8], &[u8]) = (b"[\"", b"\",");
/// Characters of a salt in base64url.
const SALT_CHARS: usize = (SALT_BYTES * 4).div_ceil(3);

/// What is encrypted of a slot. A disclosure is base64 around JSON around base64: its bytes need two thirds of that.
fn plain(slot: &Slot) -> Vec<u8> {
    let with = |kind: u8, parts: &[&[u8]]| {
        let mut bytes = vec![kind];
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        bytes
    };
    match slot {
        Slot::Open(text) => match salted(text) {
            Some((salt, rest)) => with(SALTED, &[&salt, &rest]),
            None => with(OPEN, &[text.as_bytes()]),
        },
        Slot::Sealed(text) => with(SEALED, &[text.as_bytes()]),
        Slot::Withheld | Slot::ErasedBy(_) => Vec::new(),
    }
}

/// The salt of a disclosure, and its JSON after it.
fn salted(text: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let json = base::from_base64url(text)?;
    let (salt, rest) = json.strip_prefix(AROUND.0)?.split_at_checked(SALT_CHARS)?;
    let salt = base::from_base64url(std::str::from_utf8(salt).ok()?)?;
    Some((salt, rest.strip_prefix(AROUND.1)?.to_vec()))
}

/// The slot of which this was encrypted.
fn slot_of(plain: &[u8]) -> Option<Slot> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    match plain.split_first()? {
        (&SALTED, bytes) => {
            let (salt, rest) = bytes.split_at_checked(SALT_BYTES)?;
            let json = [AROUND.0, base::to_base64url(salt).as_bytes(), AROUND.1, rest].concat();
            Some(Slot::Open(base::to_base64url(&json)))
        }
        (&OPEN, bytes) => text(bytes).map(Slot::Open),
        (&SEALED, bytes) => text(bytes).map(Slot::Sealed),
        _ => None,
    }
}

/// The line as FORMAT.md 5.4 has it. A slot whose key was destroyed is withheld.
fn show(position: u64, line: &str, keys: &str, dir: &Path) -> Result<String, Failure> {
    if line.is_empty() {
        return Ok(String::new());
    }
    let damaged = || Failure::damaged(dir, Damage::Line { position });
    let at_rest = AtRest::parse(line).ok_or_else(damaged)?;
    let keys = read_keys(keys).filter(|k| k.len() == at_rest.slots.len()).ok_or_else(damaged)?;
    let event = at_rest.event;
    let shown = at_rest.line(position, |number, bytes| match &keys[number] {
        None => Some(Slot::Withheld),
        Some(key) => slot_of(&Zeroizing::new(key.decrypt(Place { event, slot: number }, bytes)?)),
    });
    Ok(shown.ok_or_else(damaged)?.to_json())
}

/// The line without what is encrypted.
fn withhold(position: u64, line: &str, dir: &Path) -> Result<String, Failure> {
    if line.is_empty() {
        return Ok(String::new());
    }
    let shown = AtRest::parse(line).and_then(|at_rest| at_rest.line(position, |_, _| Some(Slot::Withheld)));
    Ok(shown.ok_or_else(|| Failure::damaged(dir, Damage::Line { position }))?.to_json())
}

fn keys_text(keys: &[Option<SlotKey>]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(keys.len() * KEY_CHARS));
    for key in keys {
        if !text.is_empty() {
            text.push(' ');
        }
        match key {
            Some(key) => *text += &key.to_text(),
            None => *text += NOTHING,
        }
    }
    text
}

fn read_keys(text: &str) -> Option<Vec<Option<SlotKey>>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let one = |word: &str| if word == NOTHING { Some(None) } else { SlotKey::parse(word).map(Some) };
    text.split(' ').map(one).collect()
}
