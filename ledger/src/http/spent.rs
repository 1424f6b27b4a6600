//! Signed requests that were taken, for as long as one could come again: whatever the clock does, and across restarts.
//!
//! Each is written down in the file `requests` before it is worked on. A process that is killed loses nothing of that; a
//! machine that is cut off may, so another file, `served`, says ahead of time by when at the latest all that was taken
//! expires, and is on the disk before: after a cut, whatever expires by then is refused.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use schemas::time::Timestamp;
use verifier::Verified;
use verifier::http_request::{AHEAD_SECONDS, BadRequest, Caller, LIFETIME_SECONDS_MAX, Nonces, Taken, Unspent};

use super::caller::Purpose;
use crate::clock::Clock;
use crate::failure::Failure;
use crate::files;
use crate::lead::Watch;
use crate::writer::Home;

/// Signed requests that are remembered at a time; one takes some 80 bytes.
const REMEMBERED_MAX: usize = 1 << 20;
/// And of one key.
const REMEMBERED_OF_KEY_MAX: usize = 1 << 16;
/// Longest list that is read, in bytes.
const LIST_BYTES_MAX: usize = 256 << 20;
/// So many seconds are written down ahead: who is served after a cut waits no longer than that.
const STEP_SECONDS: i64 = 10;
/// Lines between two clearings of the list.
const LINES_BETWEEN: usize = 1 << 16;
/// First line of a list that was closed in good order.
const CLOSED: &str = "closed";
/// Where the system says which run of the machine this is.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";

/// What was taken.
pub struct Spent {
    home: Home,
    handed_in: Nonces,
    read: Nonces,
    watch: Watch,
    list: File,
    /// Lines since the list was cleared.
    lines: usize,
    /// All that was taken expires by then, as the disk says.
    until: Timestamp,
}

/// Why a request was not taken.
pub enum NotSpent {
    /// The request.
    Bad(BadRequest),
    /// It could not be written down.
    Failure(Failure),
}

impl Spent {
    /// What an earlier process left; after a cut, what may have been taken is refused.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be read or written.
    pub fn open(home: &Home, now: Timestamp) -> Result<Self, Failure> {
        let bytes = files::read(&path(home), LIST_BYTES_MAX)?;
        let text = bytes.as_deref().map(String::from_utf8_lossy);
        let (first, rest) = text.as_deref().and_then(|text| text.split_once('\n')).unwrap_or_default();
        let whole = first == CLOSED || boot().is_some_and(|boot| boot == first);
        // Who was cut off or killed may have given an answer away whose line is not here: readings begin a moment later.
        let ever = bytes.is_some() || home.served().exists();
        let begins =
            if ever && first != CLOSED { now.plus_seconds(AHEAD_SECONDS + 1) } else { Timestamp::from_unix(0) };
        let nonces = |since| Nonces::new(since, REMEMBERED_MAX, REMEMBERED_OF_KEY_MAX);
        let (mut handed_in, mut read) = (nonces(Timestamp::from_unix(0)), nonces(begins));
        let until = files::read(&home.served(), 64)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let until = match until.as_deref().map(str::trim_end) {
            None => Timestamp::from_unix(0), // nobody was ever served
            // Not as it is written now: nothing is known but that nothing is dated further ahead.
            Some(text) => Timestamp::parse(text).unwrap_or(now.plus_seconds(AHEAD_SECONDS + LIFETIME_SECONDS_MAX)),
        };
        if whole {
            // The last line may be cut: that request was never worked on.
            rest.split_inclusive('\n').filter_map(|line| Taken::parse(line.strip_suffix('\n')?)).for_each(|taken| {
                handed_in.recall(&taken);
                read.recall(&taken);
            });
        } else {
            handed_in.drop_until(until);
            read.drop_until(until);
        }
        let list = clear(home, [&handed_in, &Nonces::new(now, 0, 0)])?;
        let watch = Watch::new(Clock::System);
        Ok(Self { home: home.clone(), handed_in, read, watch, list, lines: 0, until })
    }

    /// Takes a request, if it comes for the first time.
    ///
    /// # Errors
    /// [`NotSpent`].
    pub fn spend(&mut self, request: Unspent, purpose: Purpose, now: Timestamp) -> Result<Verified<Caller>, NotSpent> {
        let nonces = match purpose {
            Purpose::HandIn => &mut self.handed_in,
            Purpose::Read => &mut self.read,
        };
        let sure = self.watch.check(now).err().unwrap_or(now);
        let caller = nonces.spend_when(request, now, sure).map_err(NotSpent::Bad)?;
        self.write(&Taken::of(caller.get())).map_err(NotSpent::Failure)?;
        Ok(caller)
    }

    fn write(&mut self, taken: &Taken) -> Result<(), Failure> {
        if taken.expires > self.until {
            let until = taken.expires.plus_seconds(STEP_SECONDS);
            files::replace(&self.home.served(), format!("{until}\n").as_bytes())?;
            self.until = until;
        }
        self.lines += 1;
        if self.lines > LINES_BETWEEN {
            self.list = clear(&self.home, [&self.handed_in, &self.read])?;
            self.lines = 0;
            return Ok(());
        }
        let line = taken.to_line();
        self.list.write_all(line.as_bytes()).map_err(|e| Failure::io("write", &path(&self.home), e))
    }

    /// Leaves it in good order: the next process refuses nothing but what was taken, on whatever run of the machine.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written.
    pub fn close(&self) -> Result<(), Failure> {
        let lines = lines([&self.handed_in, &self.read]);
        files::replace(&path(&self.home), format!("{CLOSED}\n{lines}").as_bytes())
    }
}

/// Writes the list anew, of what is still remembered, and opens it for more.
fn clear(home: &Home, nonces: [&Nonces; 2]) -> Result<File, Failure> {
    let lines = lines(nonces);
    let path = path(home);
    files::replace(&path, format!("{}\n{lines}", boot().unwrap_or_default()).as_bytes())?;
    OpenOptions::new().append(true).open(&path).map_err(|e| Failure::io("open", &path, e))
}

fn lines(nonces: [&Nonces; 2]) -> String {
    let mut lines: Vec<String> = nonces.into_iter().flat_map(Nonces::iter).map(Taken::to_line).collect();
    lines.sort_unstable();
    lines.dedup();
    lines.concat()
}

fn path(home: &Home) -> PathBuf {
    home.requests()
}

/// Which run of the machine this is; nothing where the system does not say.
fn boot() -> Option<String> {
    let text = String::from_utf8(files::read(Path::new(BOOT), 64).ok()??).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}
