//! Why the ledger could not do its work: the operator must act, and every message says how.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use schemas::time::Timestamp;
use schemas::visible::Show as _;

use crate::plan::Unsealed;
use crate::publish::Waiting;
use crate::testimony::Contradiction;

/// What the operator does about a folder that cannot be believed.
const WAY_OUT: &str = "keep this folder as evidence and restore from your newest bundle into a new one: \
                       `ledger restore --help`";

/// The same where only hidden values or their keys are concerned, which no bundle has.
pub(crate) const OPENINGS_WAY_OUT: &str = "the log itself is whole, and no bundle has hidden values: put that file of openings/ and of opening-keys/ back from their \
     newest copies (`ledger export --backup`, `--backup-keys`); what was erased since is erased again by the next start. A copy \
     that ends before the log does is taken by `ledger restore --backup`, and what it lacks is withheld for good";

/// What helps against damage: a bundle has the log, and nothing of what is hidden.
fn way_out(path: &Path, damage: &Damage) -> &'static str {
    if hides(path, damage) { OPENINGS_WAY_OUT } else { WAY_OUT }
}

/// Whether the damage is of openings or their keys.
fn hides(path: &Path, damage: &Damage) -> bool {
    let of_openings = path.file_name().is_some_and(|name| name == "openings" || name == "opening-keys");
    of_openings || matches!(damage, Damage::Line { .. })
}

/// Why the ledger could not do its work. The *operator* must act; nobody was answered wrongly.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The operating system refused.
    #[error("cannot {doing} {}: {source}", .path.shown())]
    Io {
        /// What was tried, a verb.
        doing: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No space, or a quota or limit on file size is reached.
    #[error(
        "no space left for {} ({source}): free some, then start the ledger again; what was answered is safe",
        .path.shown()
    )]
    Full {
        /// The folder that could not grow.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What is kept is not what was written.
    #[error("{} is damaged: {damage}; {}{}", .path.shown(), way_out(path, damage), Known(.known.as_deref()))]
    Damaged {
        /// The store, vault or file.
        path: PathBuf,
        /// What shows it.
        damage: Damage,
        /// What the last signed checkpoint said, once the caller has added it.
        known: Option<Box<LastCheckpoint>>,
    },
    /// Reading the store went on without progress, as it does when the store is damaged.
    #[error(
        "{} gave nothing for {seconds} s and was given up: if the disk is merely slow, allow it longer; \
         else it is damaged: {WAY_OUT}{}",
        .path.shown(),
        Known(.known.as_deref())
    )]
    Hung {
        /// The store.
        path: PathBuf,
        /// How long nothing came, in seconds.
        seconds: u64,
        /// What the last signed checkpoint said, once the caller has added it.
        known: Option<Box<LastCheckpoint>>,
    },
    /// The store ends before the last signed checkpoint: an old copy, or entries were lost.
    #[error(
        "{} ends at {size} entries, behind what was signed: to go on would fork the log; {WAY_OUT}{}",
        .path.shown(),
        Known(Some(.known))
    )]
    Behind {
        /// The store.
        path: PathBuf,
        /// How many entries it holds.
        size: u64,
        /// The checkpoint that is ahead of it.
        known: Box<LastCheckpoint>,
    },
    /// The store holds other entries than those under the last signed checkpoint.
    #[error(
        "{} holds another history, with root {root} where the checkpoint has its own: to go on would fork \
         the log; {WAY_OUT}{}",
        .path.shown(),
        Known(Some(.known))
    )]
    Differs {
        /// The store.
        path: PathBuf,
        /// The root of the store's entries at the checkpoint's size.
        root: String,
        /// The checkpoint that it contradicts.
        known: Box<LastCheckpoint>,
    },
    /// Something that bears this log's signature is ahead of the store, or tells another history.
    #[error("{0}")]
    Contradicted(Box<Contradiction>),
    /// Nothing is recorded any more until the operator has looked; what is there can be read.
    #[error("nothing is recorded: {why}")]
    Halted {
        /// Why.
        why: String,
    },
    /// Too few witnesses answered when they were asked what they know of this log.
    #[error(
        "whether {} is the newest copy of this log could not be asked of a quorum of witnesses ({who}), so nothing was recorded: \
         try again when they answer, or say that you go on without them: --without-witnesses",
        .path.shown()
    )]
    Unheard {
        /// The ledger.
        path: PathBuf,
        /// Who did not answer, and why.
        who: String,
    },
    /// Another process has it.
    #[error(
        "{} is in use by another process: stop that one first. (A ledger that is served gives packs, receipts and proofs over \
         HTTP, and its mirror is a bundle: they need no second process.)",
        .path.shown()
    )]
    Locked {
        /// The store.
        path: PathBuf,
    },
    /// A new one was to be made where something is already.
    #[error("{} is there already and is not empty: choose a path where nothing is yet", .path.shown())]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// Something would be lost that is none of what is to be replaced.
    #[error(
        "{} would be lost: it is no part of {what}, which alone gives way here. Choose a path where nothing is yet, or \
         move it away", .path.shown()
    )]
    Foreign {
        /// What would be lost.
        path: PathBuf,
        /// What may be replaced.
        what: &'static str,
    },
    /// There is none.
    #[error("there is no {what} at {}: check the path{}", .path.shown(), hint(what))]
    Absent {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
    },
    /// What was about to be handed out would not verify.
    #[error(
        "{} was not written, and what was there before still is: it would not verify: {why}; look at everything with \
         `ledger fsck`. Where that cannot be mended, `--although-it-does-not-verify` keeps the log as evidence, beside it",
        .path.shown()
    )]
    Unsound {
        /// Where it was to stand.
        path: PathBuf,
        /// What a reader would find.
        why: String,
    },
    /// A file that is kept beside the log is gone, or older than what others know.
    #[error("{}: {what}. Nothing was begun anew; {way_out}", .path.shown())]
    Lost {
        /// The file or folder.
        path: PathBuf,
        /// What shows it.
        what: String,
        /// What the operator does.
        way_out: &'static str,
    },
    /// An earlier run was told that its writes did not reach the disk.
    #[error(
        "the disk once failed to keep what was written to {}, and memory may still show it: check the disk, \
         restart the machine, delete {}, then start the ledger again",
        .path.shown(),
        .mark.shown()
    )]
    Unsynced {
        /// The folder concerned.
        path: PathBuf,
        /// The file that remembers.
        mark: PathBuf,
    },
    /// Names in a folder cannot be made durable there.
    #[error(
        "{} lies on a file system that cannot make the names of files durable (fsync of a folder: {source}), as some \
         sticks and shares cannot: what is recorded there could be gone after a power cut. Choose a folder on the machine's \
         own disk; bundles, packs and backups may be written to such a place all the same",
        .path.shown()
    )]
    Unsyncable {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others can read what only its owner should.
    #[error(transparent)]
    Exposed(verifier::output::Exposed),
    /// The policy that says which witnesses must have seen a checkpoint cannot be used.
    #[error("{}: {why}; mend it, or set another with `ledger witness --policy FILE`", .path.shown())]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The policy's witnesses have not seen any checkpoint yet, so there is nothing to hand out.
    #[error("nothing is published yet, so nothing can be handed out: {0}")]
    Unpublished(Box<Waiting>),
    /// The clock is further ahead of the log than a ledger that runs ever is.
    #[error(
        "the clock says {now}, more than a day after the last entry of {} ({last}), and time in a log never goes \
         back: if the clock is wrong, set it; if it is right, say so with `ledger clock confirm {}`. Nothing was recorded",
        .path.shown(),
        .path.shown()
    )]
    ClockAhead {
        /// The ledger.
        path: PathBuf,
        /// What the clock says.
        now: Timestamp,
        /// When the last entry was received.
        last: Timestamp,
    },
    /// The clock was set forward while the ledger served.
    #[error(
        "the clock of {} says {now}, and by how long the machine has run it should be about {expected}: it was set forward, and \
         time in a log never goes back. Nothing was recorded. If the clock is wrong, set it; then, or if it is right, say so with \
         `ledger clock confirm {}`",
        .path.shown(),
        .path.shown()
    )]
    ClockJumped {
        /// The ledger.
        path: PathBuf,
        /// What the clock says.
        now: Timestamp,
        /// What it should say.
        expected: Timestamp,
    },
    /// An earlier commit failed half-way in this process.
    #[error("{} takes and gives nothing more after a failed commit: start the ledger again", .path.shown())]
    Stopped {
        /// The store.
        path: PathBuf,
    },
    /// The key that seals is lost.
    #[error(
        "{} cannot be sealed: {why}; put the key back into keys/, or name another writer: `ledger epoch --help`",
        .path.shown()
    )]
    Unsealed {
        /// The ledger.
        path: PathBuf,
        /// Whose key it is, and why no other took over.
        why: Box<Unsealed>,
    },
    /// A batch or lines that do not begin where the last ended.
    #[error("{} continues at entry {size}, not at {first}: start the ledger again", .path.shown())]
    NotNext {
        /// The store or vault.
        path: PathBuf,
        /// Where it would have begun.
        first: u64,
        /// How many there are.
        size: u64,
    },
    /// Something longer than its limit, or not of its form.
    #[error("{what} of {bytes} bytes cannot be stored: at least {min} and at most {max} fit")]
    Unfit {
        /// What it is.
        what: &'static str,
        /// Its length, in bytes.
        bytes: usize,
        /// The least, in bytes.
        min: usize,
        /// The limit, in bytes.
        max: usize,
    },
    /// The name of a note, or a line, has a character that it may not have.
    #[error("{what} {text:?} has a character that is not allowed there")]
    Misspelt {
        /// What it is.
        what: &'static str,
        /// Its beginning.
        text: String,
    },
    /// The operating system gives no randomness.
    #[error("the system gives no random numbers: nothing can be encrypted here, and nothing was recorded")]
    Random,
    /// The program that was started to try the store did not know how.
    #[error("{} does not answer when asked to try a store: it must call `probe::take_over` first", .program.shown())]
    Unprobed {
        /// The executable.
        program: PathBuf,
    },
}

/// How damage showed itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// A file that belongs to it is gone.
    #[error("{name} is missing")]
    Missing {
        /// The file.
        name: String,
    },
    /// Entries or lines are missing in the middle or at the end.
    #[error("entry {position} is missing")]
    Gap {
        /// The first one missing.
        position: u64,
    },
    /// The parts of a value do not fit together.
    #[error("a value at {place} is in pieces")]
    Pieces {
        /// Which value.
        place: String,
    },
    /// A key that no commit writes.
    #[error("it holds the foreign key {key}")]
    Foreign {
        /// The key, in hex.
        key: String,
    },
    /// The record of what a commit left does not match what is there.
    #[error("its {what} are not those of its last commit")]
    Unlike {
        /// What differs.
        what: &'static str,
    },
    /// The database itself says so.
    #[error("reading it says {says:?}")]
    Unreadable {
        /// Its words, shortened.
        says: String,
    },
    /// Reading it made the process fail.
    #[error("reading it crashed ({how})")]
    Crashed {
        /// The panic, signal or exit code.
        how: String,
    },
    /// Reading it asked for more memory than any undamaged store needs.
    #[error("reading it took more than {mebibytes} MiB of memory")]
    Swollen {
        /// The limit, in MiB.
        mebibytes: u64,
    },
    /// A line is not of the form that was written.
    #[error("line {position} is not text of the allowed length")]
    Line {
        /// The entry that the line belongs to.
        position: u64,
    },
}

/// What the last signed checkpoint says, kept apart from the store: the measure of a restored one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastCheckpoint {
    /// The file that holds it.
    pub path: PathBuf,
    /// How many entries were signed.
    pub size: u64,
    /// The root that was signed, base64.
    pub root: String,
}

impl Failure {
    /// Adds what the last signed checkpoint says to a failure whose way out is to restore.
    #[must_use]
    pub fn knowing(mut self, checkpoint: &LastCheckpoint) -> Self {
        if let Self::Damaged { known, .. } | Self::Hung { known, .. } = &mut self {
            *known = Some(Box::new(checkpoint.clone()));
        }
        self
    }

    /// Whether the way out is to restore from a bundle.
    pub fn wants_restore(&self) -> bool {
        match self {
            Self::Damaged { path, damage, .. } => !hides(path, damage),
            Self::Hung { .. } | Self::Behind { .. } | Self::Differs { .. } => true,
            _ => false,
        }
    }

    /// The operating system refused; a lack of space is told apart.
    pub(crate) fn io(doing: &'static str, path: &Path, source: io::Error) -> Self {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match source.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full { path: path.to_owned(), source },
            _ => Self::Io { doing, path: path.to_owned(), source },
        }
    }

    /// A line of a file beside the log that is not as it was written: no bundle helps there.
    pub(crate) fn bent(path: &Path, line: u64, way_out: &'static str) -> Self {
        Self::Lost { path: path.to_owned(), what: format!("line {line} is not as it was written"), way_out }
    }

    /// Damage at `path`; the checkpoint is not known here.
    pub(crate) fn damaged(path: &Path, damage: Damage) -> Self {
        Self::Damaged { path: path.to_owned(), damage, known: None }
    }
}

/// The end of a message: what a restored log must reach.
struct Known<'a>(Option<&'a LastCheckpoint>);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(LastCheckpoint { path, size, root }) = self.0 else { return Ok(()) };
        write!(f, "; the last signed checkpoint, in {}, says size {size} and root {root}", path.shown())
    }
}

/// What else helps where something is not there.
fn hint(what: &str) -> &'static str {
    match what {
        "ledger" => ", or make one with `ledger init`",
        "store" => ", put it back from your backup, or restore from your newest bundle (`ledger restore --help`)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_out_is_said() {
        let known = LastCheckpoint { path: "keep/checkpoint".into(), size: 812, root: "47DEQpj8".into() };
        let path = PathBuf::from("data/store");
        let gap = Failure::damaged(&path, Damage::Gap { position: 7 });
        for (failure, says) in [
            (gap.knowing(&known), "entry 7 is missing"),
            (Failure::Hung { path: path.clone(), seconds: 20, known: None }.knowing(&known), "20 s"),
            (Failure::Behind { path: path.clone(), size: 811, known: Box::new(known.clone()) }, "811 entries"),
            (Failure::Differs { path, root: "another".into(), known: Box::new(known.clone()) }, "root another"),
        ] {
            let text = failure.to_string();
            for part in [says, "data/store", "ledger restore", "keep/checkpoint", "size 812", "root 47DEQpj8"] {
                assert!(text.contains(part), "{text:?} lacks {part:?}");
            }
            assert!(failure.wants_restore());
        }
    }

    #[test]
    fn a_lack_of_space_is_told_apart() {
        let path = Path::new("data");
        for (kind, full) in [
            (io::ErrorKind::StorageFull, true),
            (io::ErrorKind::QuotaExceeded, true),
            (io::ErrorKind::FileTooLarge, true),
            (io::ErrorKind::PermissionDenied, false),
        ] {
            let failure = Failure::io("write", path, kind.into());
            assert_eq!(matches!(failure, Failure::Full { .. }), full, "{kind:?}");
            assert!(!failure.wants_restore());
        }
    }
}
