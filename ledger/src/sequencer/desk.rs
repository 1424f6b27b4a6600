//! Has the writer: admits what was prepared, writes it, and answers when it is on the disk.

use std::iter::Peekable;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, PoisonError, RwLock};
use std::vec::IntoIter;

use schemas::hash::Hash;
use schemas::note::Note;
use schemas::policy::Policy;
use schemas::receipt::Receipt;
use schemas::time::Timestamp;
use tokio::sync::watch;
use verifier::keyring::Keyring;
use verifier::levels::Prover;

use crate::clock::Clock;
use crate::failure::{Damage, Failure};
use crate::files;
use crate::lead::{self, Watch};
use crate::plan::Answer;
use crate::prepare::Prepared;
use crate::publish;
use crate::receipts;
use crate::sequencer::reader::Caller;
use crate::sequencer::{
    COMMIT_BYTES_MAX, COMMIT_EVENTS_MAX, Errand, Failed, HEARTBEAT_SECONDS, Holding, Published, Reply,
};
use crate::witness::Asked;
use crate::writer::{Answered, Writer};

/// What the desk is given to do, in order.
pub(super) enum Work {
    /// Commit these and answer those who wait.
    Append { prepared: Result<Vec<Prepared>, Failure>, callers: Vec<Caller>, now: Timestamp },
    /// Lend the writer.
    With(Errand),
    /// Show the log to whoever needs a moment's look.
    Show(Box<dyn FnOnce(&Writer) + Send>),
    /// Nothing: somebody asks whether the desk is still there.
    Ping,
    /// Keep what the witnesses answered.
    Asked(Box<Asked>),
    /// Hold against the log what somebody else has of it; what contradicts it ends recording.
    Hold(Holding),
    /// Close an empty batch if the last is old.
    Beat(Timestamp),
    /// End.
    Stop,
}

/// A checkpoint that witnesses may see.
pub(super) struct SignedHead {
    pub note: Note,
    /// When the last entry under it was received.
    pub received_at: Timestamp,
}

pub(super) struct Desk {
    writer: Writer,
    clock: Clock,
    tell: watch::Sender<Published>,
    policy: Policy,
    /// For the reader: the keys that the log knows.
    keyring: Arc<RwLock<Arc<Keyring>>>,
    /// To the publisher, where there are witnesses.
    heads: Option<Sender<SignedHead>>,
    failed: Failed,
    /// Whether somebody who has this log's signature contradicts it: then nothing is recorded any more.
    contradicted: bool,
    watch: Watch,
    /// Whether the clock jumped: then nothing is recorded until it is right again, or the operator has said that it is.
    doubted: bool,
}

impl Desk {
    pub fn new(
        writer: Writer,
        clock: Clock,
        tell: watch::Sender<Published>,
        policy: Policy,
        keyring: Arc<RwLock<Arc<Keyring>>>,
        heads: Option<Sender<SignedHead>>,
        failed: Failed,
    ) -> Self {
        let desk = Self {
            writer,
            clock,
            tell,
            policy,
            keyring,
            heads,
            failed,
            contradicted: false,
            watch: Watch::new(clock),
            doubted: false,
        };
        desk.show_head();
        desk
    }

    pub fn run(mut self, work: &Receiver<Work>) -> Result<Writer, Failure> {
        while let Ok(work) = work.recv() {
            match work {
                Work::Append { .. } if self.contradicted => {} // those who wait are let go, and told why
                Work::Append { prepared, callers, now } => {
                    // Those who wait are told why as soon as they are let go.
                    let mut callers = callers.into_iter().peekable();
                    let done = prepared.and_then(|prepared| self.append(prepared, &mut callers, now));
                    done.inspect_err(|why| self.failed.tell(why))?;
                }
                Work::With(errand) => self.lend(errand)?,
                Work::Show(look) => look(&self.writer),
                Work::Ping => {}
                Work::Hold(holding) => self.hold(holding),
                Work::Asked(_) if self.contradicted => {} // what is contradicted is not published
                Work::Asked(asked) => {
                    if publish::take(&mut self.writer, &self.policy, &asked)? {
                        self.say(published(asked.note));
                    }
                }
                Work::Beat(_) if self.contradicted => {}
                Work::Beat(now) => self.beat(now)?,
                Work::Stop => break,
            }
        }
        Ok(self.writer)
    }

    /// Ends recording where somebody contradicts: to go on would only lengthen one of two histories. Reading goes on.
    fn hold(&mut self, holding: Holding) {
        let held = (holding.against)(&self.writer).map_err(|why| why.to_string());
        if let Err(why) = &held
            && !self.contradicted
        {
            tracing::error!(why, "nothing is recorded any more: {} contradicts this log", holding.who);
            self.contradicted = true;
            self.writer.halt(why);
            self.failed.suspend(Some(why.clone()));
        }
        let _ = holding.answer.send(held); // one who has left loses the answer, nothing else
    }

    /// Commits, then answers everyone; never the other way round.
    fn append(
        &mut self,
        prepared: Vec<Prepared>,
        callers: &mut Peekable<IntoIter<Caller>>,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if !self.believes(now)? {
            return Ok(()); // those who wait are let go, and told why
        }
        let mut replies: Vec<Reply> = Vec::with_capacity(prepared.len());
        let mut rest = prepared.into_iter().peekable();
        // One caller may hand in more than a commit takes.
        while rest.len() > 0 || callers.peek().is_some() {
            let batch = next_batch(&mut rest);
            let ids: Vec<Option<Hash>> = batch.iter().map(|one| one.id).collect();
            let answered = if batch.is_empty() { None } else { Some(self.commit(batch, now)?) };
            if let Some(answered) = answered {
                self.reply(answered, &ids, now, &mut replies)?;
            }
            while let Some(caller) = callers.next_if(|caller| caller.count <= replies.len()) {
                let own = replies.drain(..caller.count).collect();
                let _ = caller.answer.send(own); // one who has left loses the answer, not the event
            }
        }
        Ok(())
    }

    /// Whether the log may believe the clock.
    fn believes(&mut self, now: Timestamp) -> Result<bool, Failure> {
        if !self.steady(now)? {
            return Ok(false);
        }
        lead::check(&self.writer, self.clock, now)?;
        Ok(true)
    }

    /// Whether the clock runs as the machine does. One that jumped ahead is not believed until it is right again, or the
    /// operator has confirmed it.
    fn steady(&mut self, now: Timestamp) -> Result<bool, Failure> {
        let home = self.writer.home();
        if self.doubted && lead::doubt(home)?.is_none() {
            self.watch = Watch::new(self.clock); // confirmed
        }
        match self.watch.check(now) {
            Ok(()) if self.doubted => {
                files::remove(&home.clock_doubt())?;
                tracing::info!("the clock is believed again, and events are recorded");
                self.doubted = false;
                self.failed.suspend(None);
                Ok(true)
            }
            Ok(()) => Ok(true),
            Err(_) if self.doubted => Ok(false),
            Err(expected) => {
                lead::keep_doubt(home, expected, now)?;
                let why = Failure::ClockJumped { path: home.folder().to_owned(), now, expected }.to_string();
                tracing::error!(why = %why, "nothing is recorded until the clock is right");
                self.doubted = true;
                self.failed.suspend(Some(why));
                Ok(false)
            }
        }
    }

    /// One commit; what it says is on the disk.
    fn commit(&mut self, batch: Vec<Prepared>, now: Timestamp) -> Result<Answered, Failure> {
        let answered = self.writer.commit_prepared(batch, now)?;
        if !answered.entries.is_empty() {
            self.committed();
        }
        Ok(answered)
    }

    /// What everyone else must know after a commit.
    fn committed(&mut self) {
        if self.policy.quorum.is_none() {
            self.say(published(self.writer.head().clone()));
        }
        self.show_head();
        let known = self.writer.log().keyring();
        let mut shared = self.keyring.write().unwrap_or_else(PoisonError::into_inner);
        if shared.keys().len() != known.keys().len() {
            *shared = Arc::new(known.clone());
        }
    }

    /// Replies to what was committed.
    fn reply(
        &self,
        answered: Answered,
        ids: &[Option<Hash>],
        now: Timestamp,
        replies: &mut Vec<Reply>,
    ) -> Result<(), Failure> {
        let Published { size, note } = self.tell.borrow().clone();
        let damaged = || Failure::damaged(&self.writer.home().store(), Damage::Unlike { what: "entries" });
        let levels = self.writer.levels();
        let prover = levels.prover(size).map_err(|_| damaged())?;
        let mut give =
            Give { writer: &self.writer, prover, size, note, first: answered.first, entries: answered.entries };
        for (answer, id) in answered.answers.into_iter().zip(ids) {
            replies.push(match answer {
                Answer::Accepted { position } => {
                    Reply::Stands { position, fresh: true, receipt: give.receipt(position)? }
                }
                Answer::Already { position } => {
                    Reply::Stands { position, fresh: false, receipt: give.receipt(position)? }
                }
                Answer::Refused(why) => {
                    let receipt = id.map(|id| receipts::refusal_of(&self.writer, id, &why, now));
                    Reply::Refused { why, receipt }
                }
            });
        }
        Ok(())
    }

    /// Lends the writer; whoever borrows it may commit.
    fn lend(&mut self, errand: Errand) -> Result<(), Failure> {
        if !self.contradicted {
            let doubts = !self.steady(self.clock.now())?;
            self.writer.pause(doubts.then(|| self.failed.suspended()).flatten());
        }
        let before = self.writer.log().size();
        let answer = errand(&mut self.writer);
        // It may have set another policy, too.
        self.policy = publish::policy(&self.writer)?;
        if self.writer.log().size() != before {
            self.committed();
        }
        let found = publish::look(&self.writer)?;
        self.say(Published { size: found.size, note: found.published });
        answer();
        Ok(())
    }

    /// An empty batch, where the last seal is old.
    fn beat(&mut self, now: Timestamp) -> Result<(), Failure> {
        if !self.steady(now)? {
            return Ok(());
        }
        let old = |last: Timestamp| now.unix() - last.unix() >= HEARTBEAT_SECONDS;
        if self.writer.log().last_received().is_some_and(old) {
            lead::check(&self.writer, self.clock, now)?;
            self.writer.commit(&[], now)?;
            self.committed();
        }
        Ok(())
    }

    /// Shows the publisher the newest checkpoint.
    fn show_head(&self) {
        if let (Some(heads), Some(received_at)) = (&self.heads, self.writer.log().last_received()) {
            let _ = heads.send(SignedHead { note: self.writer.head().clone(), received_at }); // it may have ended
        }
    }

    fn say(&self, now: Published) {
        self.tell.send_if_modified(|before| {
            let changed = *before != now;
            *before = now;
            changed
        });
    }
}

/// As many as one commit takes.
fn next_batch(rest: &mut Peekable<IntoIter<Prepared>>) -> Vec<Prepared> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while batch.len() < COMMIT_EVENTS_MAX {
        let fits = |one: &Prepared| bytes == 0 || bytes + one.bytes() <= COMMIT_BYTES_MAX;
        let Some(one) = rest.next_if(fits) else { break };
        bytes += one.bytes();
        batch.push(one);
    }
    batch
}

fn published(note: Note) -> Published {
    let size = schemas::checkpoint::Checkpoint::parse(&note.text).map_or(0, |checkpoint| checkpoint.size);
    Published { size, note: Some(note) }
}

/// Gives the receipts of one batch.
struct Give<'a> {
    writer: &'a Writer,
    prover: Prover<'a>,
    size: u64,
    note: Option<Note>,
    first: u64,
    entries: Vec<Vec<u8>>,
}

impl Give<'_> {
    /// The receipt, if a quorum has seen a checkpoint over the entry.
    fn receipt(&mut self, index: u64) -> Result<Option<Receipt>, Failure> {
        let Some(checkpoint) = self.note.clone().filter(|_| index < self.size) else { return Ok(None) };
        let damaged = || Failure::damaged(&self.writer.home().store(), Damage::Gap { position: index });
        let own = index.checked_sub(self.first).and_then(|at| self.entries.get_mut(usize::try_from(at).ok()?));
        // Each entry of the batch is given once; who handed the same event in twice gets it from the store.
        let entry = match own.map(std::mem::take).filter(|entry| !entry.is_empty()) {
            Some(entry) => entry,
            None => self.writer.entry(index)?.ok_or_else(damaged)?,
        };
        let proof = self.prover.inclusion(index).map_err(|_| damaged())?;
        Ok(Some(Receipt { entry: Some(entry), index, proof, checkpoint }))
    }
}
