//! What is believed of a feed, and when it counts.
//!
//! A feed is asked for its newest checkpoint. Only one that the policy accepts is gone into; it says how many entries may
//! be asked for. Their bytes go into a draft at the end of the copy while their tree is grown beside it:
//!
//! * they lead to the checkpoint's root: these are the bytes that the log has signed. Now signatures, chain, admission,
//!   index, times are checked, and whatever is wrong with them is the log's fault, with the proof at hand;
//! * they do not: then the feed has damaged them, or the log tells two histories. The feed is asked for everything from
//!   the beginning: only if that leads to the new root and through another root where we have been, it is a fork, proven.
//!   Otherwise nobody is accused, the draft is thrown away, and the feed is asked again later.
//!
//! Nothing is folded before the first question is answered, and nothing is shown before all of it is on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use schemas::fork::Fork;
use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::policy::Policy;
use schemas::receipt::Receipt;
use schemas::value::Value;
use schemas::visible::Show as _;
use verifier::fault::Fault;
use verifier::files::{self, Links};
use verifier::head::{SignedHead, check_head};
use verifier::levels::Levels;
use verifier::output::{self, Exposed, Readers};
use verifier::times::{Seen, Times};
use verifier::transit;
use verifier::tree::Frontier;

use super::book::{BadBook, Book, replace};
use super::build::{Build, Documents, Halt};
use super::copy::{Copy, Extent, Reading};
use super::notice::{Notice, Unfolded};
use super::openings::Openings;
use crate::digest::VIEWS_VERSION;
use crate::live::{Disturbed, Go, Live};

/// Longest file that says how the log was caught, in bytes.
const FAULT_BYTES_MAX: u64 = 1 << 20;
/// Longest file of this projector's name, in bytes.
const NAME_BYTES_MAX: u64 = 1 << 10;

/// Name of the file that says how the log was caught.
const FAULT: &str = "fault";
/// Folder of the evidence.
pub const EVIDENCE: &str = "evidence";

/// Why a projector cannot do its work. Its operator must act.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The state folder is in use.
    #[error("{} is in use by another projector; give each its own --state", .0.shown())]
    InUse(PathBuf),
    /// A file of the state folder.
    #[error("{}: {source}; check that the disk has room and that the folder may be written", .path.shown())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It may hold hidden values, and others can read it.
    #[error(transparent)]
    Exposed(#[from] Exposed),
    /// The book was changed by somebody else, or by the disk.
    #[error("{}: {why}. Move the folder away and start again: everything in it is fetched and checked anew", .path.shown())]
    Book {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: BadBook,
    },
    /// The book was there once and is gone.
    #[error(
        "{}: how far the log was followed from here is gone; nothing was begun anew, as a log that was set back or forked \
         since would then pass unnoticed. Put the folder back from its newest copy; or give another --state, and compare \
         the checkpoint that it finds with one that you kept (`verifier compare`)",
        .0.shown()
    )]
    Lost(PathBuf),
    /// The book's checkpoint is not one of this policy.
    #[error("{}: the policy does not accept the checkpoint that was followed before: {why}. Give this log its own --state", .path.shown())]
    Policy {
        /// The book.
        path: PathBuf,
        /// Why not.
        why: verifier::head::BadHead,
    },
    /// The policy names several logs, or none.
    #[error("the policy names {found} logs; a projector follows one: give it a policy with one log line")]
    Logs {
        /// How many.
        found: usize,
    },
}

/// What one step has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing new.
    Idle,
    /// Entries were taken; they show when they are published.
    Advanced,
    /// Nothing that can be believed, or nothing at all: ask again later.
    Troubled(Notice),
    /// Nothing more will be taken.
    Stopped,
}

/// A log that is followed.
#[derive(Debug)]
pub struct Follow {
    folder: PathBuf,
    policy: Policy,
    origin: Origin,
    copy: Copy,
    frontier: Frontier,
    build: Build,
    /// The newest checkpoint that was ever believed here: the log may not fall behind it, nor beside it.
    floor: Option<SignedHead>,
    /// The checkpoint over what was taken.
    head: Option<SignedHead>,
    stopped: Option<Notice>,
    openings: Option<Openings>,
}

/// What a start found in the state folder.
#[derive(Debug)]
pub struct Found {
    /// What was shown last.
    pub book: Option<Book>,
    /// How the log was caught, if it was.
    pub fault: Option<Notice>,
}

/// The state folder, held by one process.
#[derive(Debug)]
pub struct StateFolder {
    path: PathBuf,
    _lock: fs::File,
}

impl StateFolder {
    /// Opens the folder, which is made if need be, and holds it.
    ///
    /// # Errors
    /// [`Failure::InUse`], [`Failure::Io`].
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let io = |source| Failure::Io { path: path.to_owned(), source };
        output::take_folder(path).map_err(io)??;
        let mut options = output::options(Readers::Owner);
        let lock =
            files::open_with(options.create(true).write(true).truncate(false), &path.join("lock"), Links::Followed);
        let lock = lock.map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(fs::TryLockError::WouldBlock) => Err(Failure::InUse(path.to_owned())),
            Err(fs::TryLockError::Error(e)) => Err(io(e)),
        }
    }

    /// What was shown last, and whether the log was caught: at hand before anything is folded.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn found(&self) -> Result<Found, Failure> {
        let path = self.path.join(super::book::NAME);
        let book = Book::read(&self.path).map_err(|why| Failure::Book { path: path.clone(), why })?;
        if book.is_none() && self.path.join(super::book::FOLLOWED).exists() {
            return Err(Failure::Lost(path));
        }
        Ok(Found { book, fault: self.fault()? })
    }

    fn fault(&self) -> Result<Option<Notice>, Failure> {
        let path = self.path.join(FAULT);
        let bytes = match files::read(&path, FAULT_BYTES_MAX, Links::Followed) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Failure::Io { path, source }),
        };
        let value = Value::parse(bytes.trim_ascii_end()).unwrap_or(Value::Bool(false));
        let text = value
            .get("text")
            .and_then(Value::as_text)
            .unwrap_or("the log was caught; the file that says how is damaged");
        let position = value.get("position").and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok());
        let evidence = value.get("evidence").and_then(Value::as_list).unwrap_or_default();
        let evidence = evidence.iter().filter_map(Value::as_text).map(str::to_owned).collect();
        Ok(Some(Notice::Fault { text: text.to_owned(), position, evidence }))
    }

    /// A name that no other projector has, made at the first question: brokers remember us by it.
    ///
    /// # Errors
    /// [`Failure::Io`].
    pub fn name(&self) -> Result<String, Failure> {
        let path = self.path.join("name");
        let io = |source| Failure::Io { path: path.clone(), source };
        match files::read(&path, NAME_BYTES_MAX, Links::Followed)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        {
            Ok(name) if schemas::base::from_hex(name.trim()).is_some() => Ok(format!("projector-{}", name.trim())),
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(io(e)),
            _ => {
                let mut drawn = [0; 8];
                getrandom::fill(&mut drawn).map_err(|e| io(io::Error::other(e.to_string())))?;
                let name = schemas::base::to_hex(&drawn);
                replace(&self.path, "name", format!("{name}\n").as_bytes()).map_err(io)?;
                Ok(format!("projector-{name}"))
            }
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Follow {
    /// Takes up where the state folder says that we were: folds its copy anew, every signature included. A copy that is
    /// damaged is thrown away and fetched again; the book is not, for it says what the log has shown us already.
    ///
    /// `done` hears how many entries are folded, of how many, and says whether to go on.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn resume(
        folder: &StateFolder,
        policy: &Policy,
        openings: Option<Openings>,
        done: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<Self, Failure> {
        let path = folder.path();
        let found = folder.found()?;
        let origin = followed(policy)?;
        let floor = match &found.book {
            None => None,
            Some(book) => {
                let bad = |why| Failure::Policy { path: path.join(super::book::NAME), why };
                Some(check_head(book.checkpoint.as_bytes(), policy).map_err(bad)?.into_inner())
            }
        };
        let io = |source| Failure::Io { path: path.join(super::copy::NAME), source };
        let extent = found.book.as_ref().map_or(Extent::default(), |book| book.kept);
        let build = Build::new(origin.clone(), Documents::new(path), openings.clone());
        let (copy, lost) = match Copy::open(path, extent) {
            Ok(copy) => (copy, false),
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                (Copy::open(path, Extent::default()).map_err(io)?, true)
            }
            Err(e) => return Err(io(e)),
        };
        let mut follow = Self {
            folder: path.to_owned(),
            policy: policy.clone(),
            origin,
            copy,
            frontier: Frontier::default(),
            build,
            floor,
            head: None,
            stopped: found.fault,
            openings,
        };
        if !lost {
            follow.refold(done)?;
        }
        if let (Some(book), true) = (&found.book, follow.head.is_some()) {
            let digest = follow.build.digest();
            if book.views == VIEWS_VERSION && book.digest != digest {
                super::log::say("differs", &[("before", book.digest.to_hex()), ("anew", digest.to_hex())]);
            }
        }
        Ok(follow)
    }

    /// Folds the copy from its beginning.
    fn refold(&mut self, done: &mut dyn FnMut(u64, u64) -> bool) -> Result<(), Failure> {
        let Some(floor) = self.floor.clone() else { return Ok(()) };
        let (path, extent) = (self.copy.path().to_owned(), self.copy.kept());
        let io = |source| Failure::Io { path: path.clone(), source };
        let mut of_one = |n| done(n, extent.size);
        let taken = self.build.take(&path, (0, extent.bytes), None, &mut |_| None, &mut of_one);
        let sound = match taken {
            Ok(Ok(())) => self.build.size() == floor.checkpoint.size && self.build.root() == floor.checkpoint.root,
            // What was taken before by an older program may be more than this one can fold.
            Ok(Err(Halt::Unfolded(unfolded))) => {
                self.stopped.get_or_insert(Notice::Unfolded(unfolded));
                return Ok(());
            }
            Ok(Err(Halt::Fault(_))) => false,
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => false,
            Err(e) => return Err(io(e)),
        };
        if sound {
            let mut reading = Reading::open(&path, 0, extent.bytes).map_err(io)?;
            while let Some(entry) = reading.entry().map_err(io)? {
                self.frontier.push(Hash::leaf(entry));
            }
            self.head = Some(floor);
        } else {
            super::log::say("copy-damaged", &[("entries", extent.size.to_string())]);
            self.copy.clear().map_err(io)?;
            self.build = Build::new(self.origin.clone(), Documents::new(&self.folder), self.openings.clone());
        }
        Ok(())
    }

    /// Entries taken.
    pub fn size(&self) -> u64 {
        self.copy.kept().size
    }

    /// The checkpoint over what was taken; nothing before the first.
    pub fn head(&self) -> Option<&SignedHead> {
        self.head.as_ref()
    }

    /// What follows from the entries.
    pub fn build(&mut self) -> &mut Build {
        &mut self.build
    }

    /// Why nothing more is taken.
    pub fn stopped(&self) -> Option<&Notice> {
        self.stopped.as_ref()
    }

    /// The copy: where it lies and how much of it counts.
    pub fn copy(&self) -> (&Path, Extent) {
        (self.copy.path(), self.copy.kept())
    }

    /// One question to the feed, and everything that follows from its answer.
    ///
    /// # Errors
    /// [`Failure`] of the disk: what was taken before stands.
    pub fn step(&mut self, feed: &mut dyn Live, patience: Duration) -> Result<Step, Failure> {
        if self.stopped.is_some() {
            return Ok(Step::Stopped);
        }
        let note = match feed.checkpoint(self.size(), patience) {
            Ok(Some(note)) => note,
            Ok(None) => return Ok(Step::Idle),
            Err(disturbed) => return Ok(troubled(&disturbed)),
        };
        let head = match check_head(&note, &self.policy) {
            Ok(head) => head.into_inner(),
            Err(why) => {
                let on_its_way = transit::undo(&note).filter(|undone| check_head(&undone.bytes, &self.policy).is_ok());
                let what = match (transit::instead(&note), on_its_way) {
                    (Some(what), _) => format!("its checkpoint is no file of the ledger: {what}"),
                    (None, Some(undone)) => format!(
                        "its checkpoint was changed on its way: {}; undone, it holds: let the feed give it as it was made",
                        transit::in_words(&undone.changes)
                    ),
                    (None, None) => format!("its checkpoint is not one that the policy accepts: {why}"),
                };
                return Ok(feed_notice(&what));
            }
        };
        if head.checkpoint.origin != self.origin {
            return Ok(feed_notice(&format!("its checkpoint is of the log {}", head.checkpoint.origin)));
        }
        let (size, newest) = (head.checkpoint.size, self.floor.as_ref().map_or(0, |floor| floor.checkpoint.size));
        if size > self.size() && size >= newest {
            return self.advance(feed, &head);
        }
        self.look_back(&head)
    }

    /// A checkpoint over no more than we have: is it part of our history?
    fn look_back(&mut self, head: &SignedHead) -> Result<Step, Failure> {
        let (size, root) = (head.checkpoint.size, head.checkpoint.root);
        let Some(floor) = self.floor.clone() else { return Ok(Step::Idle) };
        let behind = Step::Troubled(Notice::Behind { shown: size, followed: floor.checkpoint.size });
        if size == floor.checkpoint.size {
            if root == floor.checkpoint.root {
                return Ok(Step::Idle);
            }
            return self.caught(&fork(head, &floor, None));
        }
        if self.size() < floor.checkpoint.size {
            // Without our copy nothing can be said; it will be had again when the feed has caught up.
            return Ok(behind);
        }
        let levels = self.levels(self.copy.kept())?;
        if levels.root(size).is_ok_and(|own| own == root) {
            return Ok(behind);
        }
        let prefix = levels.root(size).ok().zip(levels.consistency(size, floor.checkpoint.size).ok());
        match prefix {
            Some(prefix) => self.caught(&fork(head, &floor, Some(prefix))),
            None => Ok(behind),
        }
    }

    /// A checkpoint over more than we have.
    fn advance(&mut self, feed: &mut dyn Live, head: &SignedHead) -> Result<Step, Failure> {
        let (from, to) = (self.size(), head.checkpoint.size);
        let path = self.copy.path().to_owned();
        let io = |source| Failure::Io { path: path.clone(), source };
        let mut frontier = self.frontier.clone();
        let floor = self.floor.clone();
        // Where we fetch anew what was lost, the way must lead through where we have been.
        let mut through = floor.as_ref().is_none_or(|floor| floor.checkpoint.size <= from);
        let mut failed = None;
        let copy = &mut self.copy;
        let given = feed.entries(from, to, &mut |entry| {
            if let Err(e) = copy.draft(entry) {
                failed = Some(e);
                return Go::Stop;
            }
            frontier.push(Hash::leaf(entry));
            if let Some(floor) = floor.as_ref().filter(|floor| floor.checkpoint.size == frontier.size()) {
                through = floor.checkpoint.root == frontier.root();
            }
            if frontier.size() < to { Go::On } else { Go::Stop }
        });
        if let Some(e) = failed {
            self.copy.forget().map_err(io)?;
            return Err(io(e));
        }
        if let Err(disturbed) = given {
            self.copy.forget().map_err(io)?;
            feed.reset();
            return Ok(troubled(&disturbed));
        }
        if frontier.size() != to || frontier.root() != head.checkpoint.root || !through {
            self.copy.forget().map_err(io)?;
            feed.reset();
            return self.astray(feed, head);
        }
        self.copy.flush().map_err(io)?;
        self.believe(feed, head, frontier)
    }

    /// These are the bytes that the log has signed. What do they say?
    fn believe(&mut self, feed: &mut dyn Live, head: &SignedHead, frontier: Frontier) -> Result<Step, Failure> {
        let path = self.copy.path().to_owned();
        let io = |source| Failure::Io { path: path.clone(), source };
        let range = (self.copy.kept().bytes, self.copy.drafted().bytes);
        let seen = Seen::by(&self.policy, &head.witnesses, head.checkpoint.size, "checkpoint");
        let times = seen.map(|seen| Times::new(&self.policy, vec![seen]));
        let documents = Documents::new(&self.folder);
        let mut get = |digest: &Hash| fetch(feed, &documents, digest);
        match self.build.take(&path, range, times, &mut get, &mut |_| true).map_err(io)? {
            Ok(()) => {}
            Err(Halt::Unfolded(unfolded)) => return self.halted(unfolded),
            Err(Halt::Fault(fault)) => return self.convict(head, &fault),
        }
        self.copy.keep().map_err(io)?;
        self.frontier = frontier;
        self.head = Some(head.clone());
        self.floor = Some(head.clone());
        Ok(Step::Advanced)
    }

    /// This program cannot go on.
    fn halted(&mut self, unfolded: Unfolded) -> Result<Step, Failure> {
        self.rewind()?;
        self.stopped = Some(Notice::Unfolded(unfolded));
        Ok(Step::Stopped)
    }

    /// Some of a stretch is folded that must not be shown: back to what counts.
    fn rewind(&mut self) -> Result<(), Failure> {
        let path = self.copy.path().to_owned();
        let io = |source| Failure::Io { path: path.clone(), source };
        self.copy.forget().map_err(io)?;
        let mut anew = self.anew();
        anew.run(&mut |_| None, &mut |_, _| true).map_err(io)?;
        self.build = anew.build;
        Ok(())
    }

    /// Entries that do not lead to their checkpoint: a fork if it can be shown, else the feed's doing.
    fn astray(&mut self, feed: &mut dyn Live, head: &SignedHead) -> Result<Step, Failure> {
        let to = head.checkpoint.size;
        let what = format!("the entries that it gives are not those that its checkpoint over {to} entries covers");
        let Some(floor) = self.floor.clone() else { return Ok(feed_notice(&what)) };
        let mut levels = Levels::default();
        let given = feed.entries(0, to, &mut |entry| {
            levels.push(Hash::leaf(entry));
            if levels.size() < to { Go::On } else { Go::Stop }
        });
        feed.reset();
        if let Err(disturbed) = given {
            return Ok(troubled(&disturbed));
        }
        if levels.size() != to || levels.root(to).ok() != Some(head.checkpoint.root) {
            return Ok(feed_notice(&what));
        }
        let there = floor.checkpoint.size;
        match (levels.root(there), levels.consistency(there, to)) {
            (Ok(root), _) if root == floor.checkpoint.root => {
                // What came at first was damaged on its way; what comes now is sound.
                Ok(feed_notice(&format!("{what}; asked again, it gave others")))
            }
            (Ok(root), Ok(proof)) => self.caught(&fork(&floor, head, Some((root, proof)))),
            _ => Ok(feed_notice(&what)),
        }
    }

    fn levels(&self, extent: Extent) -> Result<Levels, Failure> {
        let path = self.copy.path();
        let io = |source| Failure::Io { path: path.to_owned(), source };
        let mut levels = Levels::default();
        let mut reading = Reading::open(path, 0, extent.bytes).map_err(io)?;
        while let Some(entry) = reading.entry().map_err(io)? {
            levels.push(Hash::leaf(entry));
        }
        Ok(levels)
    }

    /// The log has signed an entry that it may not hold. The entry, its proof and the checkpoint are the evidence.
    fn convict(&mut self, head: &SignedHead, fault: &Fault) -> Result<Step, Failure> {
        let mut evidence = Vec::new();
        if let Some(position) = fault.position() {
            let path = self.copy.path().to_owned();
            let io = |source| Failure::Io { path: path.clone(), source };
            let extent = self.copy.drafted();
            let levels = self.levels(extent)?;
            let mut reading = Reading::open(&path, 0, extent.bytes).map_err(io)?;
            let mut entry = None;
            for _ in 0..=position {
                entry = reading.entry().map_err(io)?.map(<[u8]>::to_vec);
            }
            if let Ok(proof) = levels.inclusion(position, head.checkpoint.size) {
                let receipt = Receipt { entry, index: position, proof, checkpoint: head.note.clone() };
                evidence.push((format!("entry-{position}.tlog-proof"), receipt.to_text()));
            }
        }
        self.rewind()?;
        self.stop(&fault.to_string(), fault.position(), evidence)
    }

    fn caught(&mut self, fork: &Fork) -> Result<Step, Failure> {
        let sizes = [&fork.first, &fork.second].map(|note| note.text.lines().nth(1).unwrap_or_default().to_owned());
        let text = format!("{} has signed two histories, at {} and at {} entries", self.origin, sizes[0], sizes[1]);
        self.stop(&text, None, vec![("fork.jsonl".to_owned(), fork.to_text())])
    }

    /// Nothing more is taken, now and after every start, until somebody who has looked at it removes the file.
    fn stop(&mut self, text: &str, position: Option<u64>, files: Vec<(String, String)>) -> Result<Step, Failure> {
        let folder = self.folder.join(EVIDENCE);
        let io = |source| Failure::Io { path: folder.clone(), source };
        output::create_folders(&folder, Readers::Owner).map_err(io)?;
        for (name, text) in &files {
            replace(&folder, name, text.as_bytes()).map_err(io)?;
        }
        let names = files.iter().map(|(name, _)| Value::Text(name.clone())).collect();
        let mut members =
            vec![("evidence".to_owned(), Value::List(names)), ("text".to_owned(), Value::Text(text.to_owned()))];
        if let Some(position) = position.and_then(|p| i64::try_from(p).ok()) {
            members.push(("position".to_owned(), Value::Integer(position)));
        }
        let record = Value::Object(members.into_iter().collect()).to_json() + "\n";
        replace(&self.folder, FAULT, record.as_bytes()).map_err(io)?;
        let evidence = files.into_iter().map(|(name, _)| name).collect();
        self.stopped = Some(Notice::Fault { text: text.to_owned(), position, evidence });
        Ok(Step::Stopped)
    }

    /// Asks the feed again for documents that were not at hand; says whether one has come. It counts from the next
    /// rebuild on.
    pub fn documents(&mut self, feed: &mut dyn Live) -> bool {
        let documents = Documents::new(&self.folder);
        let wanted: Vec<Hash> = self.build.wanted().to_vec();
        wanted.iter().filter(|digest| fetch(feed, &documents, digest).is_some()).count() > 0
    }

    /// What a rebuild needs; it runs beside this.
    pub fn anew(&self) -> Anew {
        Anew {
            build: Build::new(self.origin.clone(), Documents::new(&self.folder), self.openings.clone()),
            path: self.copy.path().to_owned(),
            extent: Extent::default(),
            to: self.copy.kept(),
        }
    }

    /// Takes the rebuilt views in the place of the old, after it has caught up with what came meanwhile. A notice says
    /// if they differ.
    ///
    /// # Errors
    /// [`Failure`] of the disk. The rebuilt views are then thrown away.
    pub fn switch(&mut self, mut anew: Anew, feed: &mut dyn Live) -> Result<Option<Notice>, Failure> {
        if self.stopped.is_some() {
            return Ok(None);
        }
        anew.to = self.copy.kept();
        let documents = Documents::new(&self.folder);
        let taken = anew.run(&mut |digest| fetch(feed, &documents, digest), &mut |_, _| true);
        taken.map_err(|source| Failure::Io { path: self.copy.path().to_owned(), source })?;
        let (before, after) = (self.build.digest(), anew.build.digest());
        let same = anew.build.root() == self.frontier.root();
        if same {
            self.build = anew.build;
        }
        Ok((before != after || !same).then_some(Notice::Differs { before, anew: after }))
    }

    /// The entry of the book for what was taken.
    pub fn book(&mut self, files: BTreeMap<String, Vec<u8>>) -> Option<Book> {
        let head = self.head.as_ref()?;
        let as_of = self.build.fold().last()?;
        Some(Book {
            kept: self.copy.kept(),
            checkpoint: head.note.to_text(),
            digest: self.build.digest(),
            views: VIEWS_VERSION,
            as_of,
            files,
        })
    }

    /// The state folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Views that are made anew beside the running ones.
#[derive(Debug)]
pub struct Anew {
    build: Build,
    path: PathBuf,
    extent: Extent,
    to: Extent,
}

impl Anew {
    /// Takes the copy as far as it is to be taken.
    ///
    /// # Errors
    /// What the system says, and [`io::ErrorKind::InvalidData`] if the copy does not hold what was believed before.
    pub fn run(
        &mut self,
        get: &mut dyn FnMut(&Hash) -> Option<Vec<u8>>,
        done: &mut dyn FnMut(u64, u64) -> bool,
    ) -> io::Result<()> {
        let of = self.to.size;
        let range = (self.extent.bytes, self.to.bytes);
        match self.build.take(&self.path, range, None, get, &mut |n| done(n, of))? {
            Ok(()) => {
                self.extent = self.to;
                Ok(())
            }
            Err(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// The log that a policy is about.
///
/// # Errors
/// [`Failure::Logs`] if it is about several, or none.
pub fn followed(policy: &Policy) -> Result<Origin, Failure> {
    let names: BTreeSet<&str> = policy.logs.iter().map(|log| log.name.as_str()).collect();
    let alone = names.first().filter(|_| names.len() == 1).and_then(|name| Origin::parse(name));
    alone.ok_or(Failure::Logs { found: names.len() })
}

/// Fetches a document and keeps it, if it is the one.
fn fetch(feed: &mut dyn Live, documents: &Documents, digest: &Hash) -> Option<Vec<u8>> {
    let bytes = feed.document(digest).ok().flatten()?;
    documents.keep(digest, &bytes).ok()?.then_some(bytes)
}

fn fork(first: &SignedHead, second: &SignedHead, prefix: Option<(Hash, Vec<Hash>)>) -> Fork {
    Fork { first: first.note.clone(), second: second.note.clone(), prefix }
}

fn troubled(disturbed: &Disturbed) -> Step {
    feed_notice(&disturbed.to_string())
}

fn feed_notice(text: &str) -> Step {
    Step::Troubled(Notice::Feed { text: text.to_owned() })
}
