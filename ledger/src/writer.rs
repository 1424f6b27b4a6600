//! The one writer of a ledger: opens its folder, commits batches, answers. Never the other way round.

use std::path::{Path, PathBuf};
use std::sync::RwLockReadGuard;

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::refusal::RefusalReceipt;
use schemas::time::Timestamp;
use schemas::visible::Show as _;
use verifier::bundle::adopted_document;
use verifier::erasures::ERASURE;
use verifier::fault::Fault;
use verifier::levels::Levels;
use verifier::refusal::Refusal;
use verifier::state::State;

use crate::anchor::Anchor;
use crate::erase::{self, BadErase, Named};
use crate::failure::{Damage, Failure, LastCheckpoint};
use crate::files;
use crate::folder;
pub use crate::home::Home;
use crate::intake::BadIntake;
use crate::keys::{self, BadKeyFile};
use crate::places::{Lies, Places};
use crate::plan::{self, Answer, Genesis, LedgerKeys, Plan, Rejection, Submission};
use crate::prepare::{Prepared, prepare};
use crate::probe::Probe;
use crate::reader::Reader;
use crate::snapshot;
use crate::store::{Batch, Committed, Store};
use crate::testimony::{self, Heard};
use crate::vault::{Hidden, Vault};

/// Largest document, in bytes. FORMAT.md 1.5.
pub const DOCUMENT_BYTES_MAX: usize = 16 << 20;

/// Why a ledger cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum BadLedger {
    /// The disk, the store, or what lies in it.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// A key is missing or broken.
    #[error(transparent)]
    Key(#[from] BadKeyFile),
    /// Genesis is not acceptable.
    #[error("genesis cannot be laid down: {0}")]
    Genesis(Refusal),
    /// What shall stand beside genesis is not acceptable.
    #[error("the ledger cannot be begun: {0}")]
    Beginning(Rejection),
    /// The store holds what no ledger of this kind would have written.
    #[error("the store at {} does not hold a log of this ledger: {fault}; restore from your newest bundle: `ledger restore --help`", .path.shown())]
    Log {
        /// The store.
        path: PathBuf,
        /// What is wrong.
        fault: Fault,
    },
    /// The last signed checkpoint is gone, and what it covers is not.
    #[error(
        "{} holds a ledger's entries or openings, and no checkpoint: put `checkpoint` or `checkpoint.2` back from your backup, or \
         restore from your newest bundle (`ledger restore --help`). Nothing was touched; never begin another ledger here: \
         it would contradict what was handed out under the same key",
        .path.shown()
    )]
    Orphaned {
        /// The ledger's folder.
        path: PathBuf,
    },
    /// The keys that are there have signed a log, and no log is there.
    #[error(
        "the keys in {} have signed a log, and it is not here: another one under the same key would contradict it. Restore \
         it from your newest bundle (`ledger restore --help`), or begin with new keys and another --origin",
        .path.shown()
    )]
    UsedKeys {
        /// The folder of keys.
        path: PathBuf,
    },
    /// The last signed checkpoint cannot be read.
    #[error("{} is no checkpoint of this log: restore it from your newest bundle", .path.shown())]
    Checkpoint {
        /// The file.
        path: PathBuf,
    },
}

/// A ledger, open for writing.
pub struct Writer {
    home: Home,
    /// What readers see too, while this writes.
    reader: Reader,
    anchor: Anchor,
    /// The second place of the anchor, as long as it can be written.
    also: Option<Anchor>,
    state: State,
    keys: LedgerKeys,
    head: Note,
    committed: Committed,
    /// Cosigned checkpoints that the next commit writes too.
    cosigned: Vec<(String, Vec<u8>)>,
    /// What could not be asked when it was opened, and whether anything outside its folder could.
    unasked: (Vec<String>, bool),
    /// Why nothing is recorded any more.
    halted: Option<String>,
    /// Erasures that stand in the log, and whether the batch that is being made has one.
    erasures: Named,
    erasure_comes: bool,
    /// What the start mended, in words for the operator.
    mended: Vec<String>,
}

/// What a commit answers; can be had only from [`Writer::commit`], after it is on the disk.
#[derive(Debug)]
pub struct Answered {
    /// Position of the first entry of the batch.
    pub first: u64,
    /// The entries that the batch added, the seal last.
    pub entries: Vec<Vec<u8>>,
    /// One answer a submission, in order.
    pub answers: Vec<Answer>,
    /// The checkpoint that covers them.
    pub checkpoint: Checkpoint,
}

impl Writer {
    /// Makes a new ledger: folder, keys, genesis and its seal.
    ///
    /// # Errors
    /// [`BadLedger`]; an existing ledger is never touched.
    pub fn create(home: &Home, origin: &Origin, facts: &Genesis<'_>, at: Timestamp) -> Result<Self, BadLedger> {
        Self::create_with(home, origin, facts, &[], at)
    }

    /// The same, with events that stand in the first batch, after genesis.
    ///
    /// # Errors
    /// [`BadLedger`]; one event that is refused, and nothing is made but the keys.
    pub fn create_with(
        home: &Home,
        origin: &Origin,
        facts: &Genesis<'_>,
        beside: &[Submission],
        at: Timestamp,
    ) -> Result<Self, BadLedger> {
        let mut anchor = Anchor::at(&home.checkpoint());
        if !anchor.candidates()?.is_empty() {
            return Err(Failure::Occupied { path: home.folder().to_owned() }.into());
        }
        // A first try that was cut short left its mark and no checkpoint: nobody was answered, so begin again. Without the
        // mark, this was a ledger whose checkpoint was lost: another one under its key would be a fork.
        let begun = home.begun();
        if !begun.exists() && home.holds_something() {
            return Err(BadLedger::Orphaned { path: home.folder().to_owned() });
        }
        if !begun.exists() && home.used().exists() {
            return Err(BadLedger::UsedKeys { path: files::parent(&home.used()).to_owned() });
        }
        if let Some(key) = testimony::own_key(home).filter(|_| !begun.exists()) {
            Heard::at(home, &key)?.hold_against(home, &key, &Levels::default(), None)?;
        }
        for folder in [home.folder(), &home.openings(), &home.opening_keys()] {
            files::refuse_unsyncable(folder)?;
        }
        files::take_folder(home.folder())?;
        files::replace(&begun, b"")?;
        if home.store().exists() {
            std::fs::remove_dir_all(home.store()).map_err(|source| Failure::Io {
                doing: "remove",
                path: home.store(),
                source,
            })?;
        }
        let keys = make_keys(home, origin, facts.operator)?;
        let mut state = State::new(origin.clone());
        let genesis = plan::genesis(origin, facts, &keys.log, &keys.seals[0], at);
        let opened = state.keyring().open(genesis).map_err(BadLedger::Genesis)?;
        let placed = state.admit(&opened, at).map_err(BadLedger::Genesis)?;
        let unsealed = |why| Failure::Unsealed { path: home.folder().to_owned(), why: Box::new(why) };
        let prepared = prepare(beside.to_vec(), state.keyring())?;
        let mut plan = plan::plan(&mut state, prepared, at, &keys).map_err(unsealed)?;
        if let Some(Answer::Refused(why)) = plan.answers.iter().find(|a| matches!(a, Answer::Refused(_))) {
            return Err(BadLedger::Beginning(why.clone()));
        }
        plan.first = 0;
        plan.entries.insert(0, placed.bytes);
        plan.leaves.insert(0, placed.leaf);
        plan.hidden.insert(0, Hidden::default());
        let store = Store::create(&home.store())?;
        let vault = Vault::open(&home.openings(), &home.opening_keys(), 0)?;
        let document = schemas::catalogue::TEXT.as_bytes();
        keep_document(home, document)?;
        // There from the beginning, so that it shows when they are gone. What was laid there beforehand stays.
        for (path, bytes) in [(home.pseudonyms(), Vec::new()), (home.policy(), folder::policy(&state).into_bytes())] {
            if !path.exists() {
                files::replace(&path, &bytes)?;
            }
        }
        Places::begin(home)?;
        let (committed, _) = write(&store, &vault, &mut anchor, &mut plan, &[])?;
        files::replace(&home.used(), b"")?;
        files::remove(&begun)?;
        let levels: Levels = plan.leaves.into_iter().collect();
        let (head, size) = (plan.note, committed.size());
        Ok(Self {
            home: home.clone(),
            reader: Reader::new(home, origin, store, vault, levels),
            anchor,
            also: None,
            state,
            keys,
            head,
            committed,
            cosigned: Vec::new(),
            unasked: (Vec::new(), false),
            halted: None,
            erasures: Named::of_new(size),
            erasure_comes: false,
            mended: Vec::new(),
        })
    }

    /// Opens a ledger: the store is probed in a child process, read entry by entry against chain
    /// and admission, and compared with the last signed checkpoint, which is kept apart from it, and with everything
    /// else at hand that bears the log's signature ([`crate::testimony`]).
    ///
    /// # Errors
    /// [`BadLedger`] with the way out.
    pub fn open(home: &Home, probe: &Probe) -> Result<Self, BadLedger> {
        let anchor = Anchor::at(&home.checkpoint());
        let found = anchor.candidates()?;
        if found.is_empty() && home.holds_something() && !home.begun().exists() {
            return Err(BadLedger::Orphaned { path: home.folder().to_owned() });
        }
        if found.is_empty() {
            return Err(Failure::Absent { what: "ledger", path: home.folder().to_owned() }.into());
        }
        for folder in [home.folder(), &home.openings(), &home.opening_keys()] {
            files::refuse_unsyncable(folder)?;
        }
        files::remove(&home.begun())?; // it was begun, whoever was killed in between
        let keys = read_keys(home)?;
        let unread = || BadLedger::Checkpoint { path: home.checkpoint() };
        let key = verifier::signature::PublicKey::new(&keys.log.vkey()).map_err(|_| unread())?;
        let read = found.iter().find_map(|bytes| testimony::signed(&key, bytes));
        let (head, signed) = read.ok_or_else(unread)?;
        let heard = Heard::at(home, &key)?;
        let last = LastCheckpoint { path: home.checkpoint(), size: signed.size, root: signed.root.to_base64() };
        let untouched = home.store().is_dir() && snapshot::take_mark(&home.state(), &home.store())?;
        let opened = if untouched { Store::reopen(&home.store(), probe) } else { Store::open(&home.store(), probe) };
        let store = opened.map_err(|f| f.knowing(&last))?;
        let ((state, levels), aside) = Self::read_log(home, &store, &signed, &key, untouched, &last)?;
        heard.hold_against(home, &key, &levels, Some(&head))?;
        let mut mended = Vec::new();
        let aside = if aside { snapshot::set_aside(&home.state())? } else { None }; // the next stop writes a good one
        for aside in store.set_aside().map(Path::to_owned).into_iter().chain(aside) {
            mended.push(format!(
                "a derived file was broken and was made again from the log, which is whole; the broken one lies in {}, and \
                 may be removed",
                aside.shown()
            ));
        }
        if !home.used().exists() {
            let _ = files::replace(&home.used(), b""); // keys that cannot be written beside are marked by another start
        }
        let vault = Vault::open(&home.openings(), &home.opening_keys(), state.size())?;
        let committed = store.committed();
        let (home, cosigned) = (home.clone(), Vec::new());
        let reader = Reader::new(&home, &signed.origin, store, vault, levels);
        let (unasked, halted) = ((heard.unasked, heard.outside), None);
        // One that is gone was said to be; it is begun anew only by who says so.
        let also = Places::of(&home)?.anchor().map(Anchor::at);
        let also = also.filter(|also| also.candidates().is_ok_and(|found| !found.is_empty()));
        let (erasures, erasure_comes) = (Named::default(), false);
        let mut writer = Self {
            home,
            reader,
            anchor,
            also,
            state,
            keys,
            head,
            committed,
            cosigned,
            unasked,
            halted,
            erasures,
            erasure_comes,
            mended,
        };
        writer.catch_up(signed.size)?;
        writer.erase_again()?;
        Ok(writer)
    }

    /// Erases again what older openings or keys brought back. FORMAT.md 17.
    fn erase_again(&mut self) -> Result<(), BadLedger> {
        match erase::again(self) {
            Ok((named, done)) => {
                self.erasures = named;
                for erased in done {
                    let slots: Vec<String> =
                        erased.slots.iter().map(|(address, field)| format!("{field} of {address}")).collect();
                    self.mended.push(format!(
                        "erased, as entry {} of the log says, what older openings, keys, outbox or drafts had brought back: {}",
                        erased.by,
                        slots.join(", ")
                    ));
                }
                Ok(())
            }
            Err(BadErase::Failure(failure)) => Err(failure.into()),
            Err(why) => {
                self.mended.push(format!("values that the log says are erased are still there: {why}"));
                Ok(())
            }
        }
    }

    /// What the start found broken or brought back, and mended: words for the operator.
    pub fn mended(&self) -> &[String] {
        &self.mended
    }

    /// The state of the log that the store holds, which must be the one that was signed last. A snapshot spares reading
    /// what it covers; where it does not lead to what was signed, it is passed over, and true says that it is stale.
    fn read_log(
        home: &Home,
        store: &Store,
        signed: &Checkpoint,
        key: &verifier::signature::PublicKey,
        untouched: bool,
        last: &LastCheckpoint,
    ) -> Result<((State, Levels), bool), BadLedger> {
        let recalled = snapshot::recall(&home.state(), &signed.origin, key, store.size());
        if let Some((state, levels)) = recalled
            && (untouched || holds(store, &levels).map_err(|f| f.knowing(last))?)
            && let Ok((state, levels)) = Self::replay(home, store, signed, (state, levels), last)
        {
            return Ok(((state, levels), false));
        }
        let beginning = (State::new(signed.origin.clone()), Levels::default());
        let read = Self::replay(home, store, signed, beginning, last)?;
        Ok((read, true))
    }

    /// Replays what the store holds beyond a state, and compares with what was signed last.
    fn replay(
        home: &Home,
        store: &Store,
        signed: &Checkpoint,
        (mut state, mut levels): (State, Levels),
        last: &LastCheckpoint,
    ) -> Result<(State, Levels), BadLedger> {
        for entry in store.entries(state.size()) {
            let (_, bytes) = entry.map_err(|f| f.knowing(last))?;
            state.replay(&bytes).map_err(|fault| BadLedger::Log { path: home.store(), fault })?;
            levels.push(state.last_leaf());
        }
        let (path, size) = (home.store(), state.size());
        match levels.root(signed.size) {
            Err(_) => Err(Failure::Behind { path, size, known: Box::new(last.clone()) }.into()),
            Ok(root) if root != signed.root => {
                Err(Failure::Differs { path, root: root.to_base64(), known: Box::new(last.clone()) }.into())
            }
            Ok(_) => Ok((state, levels)),
        }
    }

    /// Stops in good order: leaves a snapshot of the state, and a mark that the store was closed, so that the next start
    /// need not read the whole log. Nothing is lost without it, as everything that was answered is on the disk. While
    /// somebody still reads, there is no mark, as the store stays open.
    ///
    /// # Errors
    /// [`Failure`] if they cannot be written.
    pub fn stop(mut self) -> Result<(), Failure> {
        if self.committed.size() != self.state.size() {
            return Ok(()); // the last commit failed: the next start looks at everything
        }
        let folder = self.home.state();
        self.erasures.leave(&self.home);
        snapshot::keep(&folder, &mut self.state, &self.reader.levels(), &self.keys.log)?;
        drop(self.state);
        match self.reader.into_store() {
            Some(store) => store.close(|dir| snapshot::mark(&folder, &snapshot::listing(dir)?)),
            None => Ok(()),
        }
    }

    /// One entry, as [`Reader::entry`] gives it. `None` past the end.
    ///
    /// # Errors
    /// [`Failure::Damaged`], [`Failure::Io`].
    pub fn entry(&self, position: u64) -> Result<Option<Vec<u8>>, Failure> {
        if position >= self.state.size() { Ok(None) } else { self.reader.entry(position).map(Some) }
    }

    /// Entries from a position on, as [`Reader::entries`] gives them.
    pub fn entries(&self, from: u64) -> impl Iterator<Item = Result<(u64, Vec<u8>), Failure>> + '_ {
        self.reader.entries(from)
    }

    /// A commit that was cut short after the store, before the checkpoint apart from it.
    fn catch_up(&mut self, signed: u64) -> Result<(), BadLedger> {
        if self.state.size() == signed {
            return Ok(());
        }
        let damaged = || Failure::Damaged {
            path: self.home.store(),
            damage: Damage::Unlike { what: "last checkpoint" },
            known: None,
        };
        let name = checkpoint_name(self.state.size());
        let bytes = self.store().note(&name)?.ok_or_else(damaged)?;
        let note = Note::parse(&bytes).map_err(|_| damaged())?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(|_| damaged())?;
        if checkpoint.root != self.state.root() || !self.state.is_sealed() {
            return Err(damaged().into());
        }
        self.anchor.replace(&bytes)?;
        self.head = note;
        self.anchor_also();
        Ok(())
    }

    /// Puts the last signed checkpoint at its second place too. That it cannot be written stops nobody: what lies there
    /// then is older, and still a prefix.
    fn anchor_also(&mut self) {
        let Some(also) = &mut self.also else { return };
        let Err(why) = also.replace(self.head.to_text().as_bytes()) else { return };
        let said = format!("the second place of the anchor cannot be written, and is left as it is: {why}");
        if tracing::dispatcher::has_been_set() {
            tracing::error!("{said}");
        } else {
            verifier::tell!("note: {said}");
        }
        self.also = None;
    }

    /// Keeps the last signed checkpoint at a second place too, from now on: on another disk, or where another machine
    /// has it. What lies there of this log must not contradict it.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written, or contradicts.
    pub fn keep_anchor_at(&mut self, path: &Path) -> Result<(), Failure> {
        self.make_room(Lies::Anchor, path)?;
        let mut also = Anchor::at(path);
        also.replace(self.head.to_text().as_bytes())?;
        self.also = Some(also);
        Places::remember(&self.home, Lies::Anchor, path)
    }

    /// Whether the anchor has a second place that can be written.
    pub fn has_second_anchor(&self) -> bool {
        self.also.is_some()
    }

    /// Makes sure that what lies at a place is not ahead of this log and no other history, before it is written over.
    ///
    /// # Errors
    /// [`Failure::Contradicted`].
    pub fn make_room(&self, lies: Lies, path: &Path) -> Result<(), Failure> {
        self.reader.make_room(lies, path)
    }

    /// What could not be asked when it was opened, and whether anything outside its folder could: a folder that was
    /// put back from a backup looks as it did then.
    pub fn unasked(&self) -> (&[String], bool) {
        (&self.unasked.0, self.unasked.1)
    }

    /// Records nothing from now on; reading goes on.
    pub fn halt(&mut self, why: &str) {
        self.halted.get_or_insert_with(|| why.to_owned());
    }

    /// Records nothing while there is a reason, and again when there is none.
    pub fn pause(&mut self, why: Option<String>) {
        self.halted = why;
    }

    /// Commits one batch, then answers. Everything in the answer is on the disk. A batch without events is a seal
    /// alone, which moves time on.
    ///
    /// # Errors
    /// [`Failure`]: nobody is answered, and this writer takes nothing more; open the ledger again.
    pub fn commit(&mut self, submissions: &[Submission], sealed_at: Timestamp) -> Result<Answered, Failure> {
        let prepared = prepare(submissions.to_vec(), self.state.keyring())?;
        let batch = self.admit(prepared)?;
        self.close(batch, sealed_at)
    }

    /// The same for what was prepared elsewhere, by a keyring of this log. Where nothing of it comes in, nothing is
    /// written: whoever sends what is refused does not make the log grow.
    ///
    /// # Errors
    /// As [`Writer::commit`].
    pub fn commit_prepared(&mut self, prepared: Vec<Prepared>, sealed_at: Timestamp) -> Result<Answered, Failure> {
        let batch = self.admit(prepared)?;
        if !batch.is_empty() {
            return self.close(batch, sealed_at);
        }
        let (size, root) = (self.state.size(), self.state.root());
        let checkpoint = Checkpoint { origin: self.state.origin().clone(), size, root };
        Ok(Answered { first: size, entries: Vec::new(), answers: batch.into_answers(), checkpoint })
    }

    fn admit(&mut self, mut prepared: Vec<Prepared>) -> Result<plan::Batch, Failure> {
        if let Some(why) = &self.halted {
            return Err(Failure::Halted { why: why.clone() });
        }
        if self.committed.size() != self.state.size() {
            return Err(Failure::Stopped { path: self.home.folder().to_owned() });
        }
        for read in prepared.iter_mut().filter_map(|one| one.read.as_mut().ok()) {
            // Without the document the log would not be verified by anyone from here on. FORMAT.md 13.
            let adopted = adopted_document(&read.event().event);
            self.erasure_comes |= read.event().event.kind == ERASURE;
            if let Some(digest) = adopted.filter(|digest| !self.home.documents().join(digest.to_hex()).exists()) {
                read.beside = Err(BadIntake::NotKept { digest: digest.to_hex() });
            }
        }
        Ok(plan::admit_all(&mut self.state, prepared, &self.keys))
    }

    fn close(&mut self, batch: plan::Batch, sealed_at: Timestamp) -> Result<Answered, Failure> {
        let unsealed = |why| Failure::Unsealed { path: self.home.folder().to_owned(), why: Box::new(why) };
        let mut plan = plan::close(&mut self.state, batch, sealed_at, &self.keys).map_err(unsealed)?;
        let (committed, entries) =
            write(self.reader.store(), self.reader.vault(), &mut self.anchor, &mut plan, &self.cosigned)?;
        self.committed = committed; // durable from here on
        self.cosigned.clear();
        self.erasures.grow(&entries, std::mem::take(&mut self.erasure_comes));
        self.reader.grow(&plan.leaves);
        self.head = plan.note;
        self.anchor_also();
        Ok(Answered { first: plan.first, entries, answers: plan.answers, checkpoint: plan.checkpoint })
    }

    /// Takes in a checkpoint of this log with cosignatures; the next commit writes it with its own.
    pub fn cosigned(&mut self, size: u64, note: &Note) {
        let name = checkpoint_name(size);
        self.cosigned.retain(|(other, _)| *other != name);
        self.cosigned.push((name, note.to_text().into_bytes()));
    }

    /// Writes the cosigned checkpoints that were taken in; on the disk when this returns.
    ///
    /// # Errors
    /// [`Failure`]: this writer takes nothing more; open the ledger again.
    pub fn keep_cosigned(&mut self) -> Result<(), Failure> {
        if self.cosigned.is_empty() {
            return Ok(());
        }
        let notes = std::mem::take(&mut self.cosigned);
        self.store().commit(&Batch { first: self.store().size(), entries: Vec::new(), notes })?;
        Ok(())
    }

    /// Reads the ledger's own keys again: one of a new writer may have been made.
    ///
    /// # Errors
    /// [`BadLedger`] if one cannot be read.
    pub fn read_keys_again(&mut self) -> Result<(), BadLedger> {
        self.keys = read_keys(&self.home)?;
        Ok(())
    }

    /// Keeps a document that an event adopts, under its digest.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written.
    pub fn keep_document(&self, bytes: &[u8]) -> Result<Hash, Failure> {
        keep_document(&self.home, bytes)
    }

    /// What the log has said so far.
    pub fn state(&mut self) -> &mut State {
        &mut self.state
    }

    /// The same, to look at.
    pub fn log(&self) -> &State {
        &self.state
    }

    /// What the log has said, and the hashes of its tree, for what needs both.
    pub fn state_and_levels(&mut self) -> (&mut State, RwLockReadGuard<'_, Levels>) {
        (&mut self.state, self.reader.levels())
    }

    /// Hashes of its tree, from which any proof can be made.
    pub fn levels(&self) -> RwLockReadGuard<'_, Levels> {
        self.reader.levels()
    }

    /// For those who read what is on the disk, and wait for nobody.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The last signed checkpoint.
    pub fn head(&self) -> &Note {
        &self.head
    }

    /// The checkpoint of a size that this log had, signed: the very bytes that were signed when it had it.
    ///
    /// # Errors
    /// [`Failure`] if the log never was of that size.
    pub fn sign_checkpoint(&self, size: u64) -> Result<Note, Failure> {
        let gap = |_| Failure::damaged(&self.home.store(), Damage::Gap { position: size });
        let root = self.levels().root(size).map_err(gap)?;
        let text = Checkpoint { origin: self.state.origin().clone(), size, root }.to_text();
        Ok(Note { signatures: vec![self.keys.log.sign(&text)], text })
    }

    /// Signs the receipt of a refusal with the log's key.
    pub fn sign_refusal(&self, refusal: &RefusalReceipt) -> Note {
        let text = refusal.to_text();
        Note { signatures: vec![self.keys.log.sign(&text)], text }
    }

    /// The store of entries.
    pub fn store(&self) -> &Store {
        self.reader.store()
    }

    /// The openings.
    pub fn vault(&self) -> &Vault {
        self.reader.vault()
    }

    /// The ledger's folder.
    pub fn home(&self) -> &Home {
        &self.home
    }
}

/// Whether the store still holds the entries that these are the leaves of.
fn holds(store: &Store, levels: &Levels) -> Result<bool, Failure> {
    let same = |from, to| {
        for entry in store.entries(from) {
            let (position, bytes) = entry?;
            if position >= to {
                break;
            }
            if levels.leaf(position) != Some(Hash::leaf(&bytes)) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    // Two halves at once: reading is bound by the processor, and someone is waiting.
    let (middle, end) = (levels.size() / 2, levels.size());
    std::thread::scope(|scope| {
        let later = scope.spawn(|| same(middle, end));
        let earlier: bool = same(0, middle)?;
        Ok(later.join().unwrap_or(Ok(false))? && earlier)
    })
}

/// Name under which the store keeps the checkpoint of a size.
pub fn checkpoint_name(size: u64) -> String {
    format!("checkpoint/{size:020}")
}

/// Keys and openings, then the store, then the checkpoint apart from it; each is on the disk before the next. Gives the
/// entries back.
fn write(
    store: &Store,
    vault: &Vault,
    anchor: &mut Anchor,
    plan: &mut Plan,
    cosigned: &[(String, Vec<u8>)],
) -> Result<(Committed, Vec<Vec<u8>>), Failure> {
    vault.append(plan.first, &plan.hidden)?;
    let note = plan.note.to_text().into_bytes();
    let mut notes = vec![(checkpoint_name(plan.checkpoint.size), note.clone())];
    notes.extend_from_slice(cosigned);
    let batch = Batch { first: plan.first, entries: std::mem::take(&mut plan.entries), notes };
    let committed = store.commit(&batch)?;
    anchor.replace(&note)?;
    Ok((committed, batch.entries))
}

/// Keeps a document that an event adopts, under its digest. It is there when this returns; nothing else of the ledger
/// is touched, so this may be done while it is served.
///
/// # Errors
/// [`Failure`] if it is too long or cannot be written.
pub fn keep_document(home: &Home, bytes: &[u8]) -> Result<Hash, Failure> {
    if bytes.len() > DOCUMENT_BYTES_MAX {
        return Err(Failure::Unfit { what: "a document", bytes: bytes.len(), min: 0, max: DOCUMENT_BYTES_MAX });
    }
    let digest = Hash::of(&[bytes]);
    files::create_folder(&home.documents())?;
    let path = home.documents().join(digest.to_hex());
    if !path.exists() {
        files::replace(&path, bytes)?;
    }
    Ok(digest)
}

fn make_keys(home: &Home, origin: &Origin, operator: &str) -> Result<LedgerKeys, BadKeyFile> {
    let log = if home.log_key().exists() {
        keys::read(&home.log_key())?
    } else {
        keys::generate(&home.log_key(), origin.as_str())?
    };
    let seal = if home.seal_key().exists() {
        keys::read(&home.seal_key())?
    } else {
        keys::generate(&home.seal_key(), &origin.holder_key_name(operator, "ledger"))?
    };
    Ok(LedgerKeys { log, seals: vec![seal] })
}

fn read_keys(home: &Home) -> Result<LedgerKeys, BadKeyFile> {
    // A key of seals that is lost keeps nobody from reading, and from naming another writer.
    let seals = home.seal_keys()?.iter().map(|path| keys::read(path)).collect::<Result<_, _>>()?;
    Ok(LedgerKeys { log: keys::read(&home.log_key())?, seals })
}
