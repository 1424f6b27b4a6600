//! The loop of the service: follow, publish, make anew beside. One thread, beside the listeners.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use schemas::policy::Policy;
use verifier::head::check_head;

use super::follow::{Anew, Failure, Follow, StateFolder, Step};
use super::log::say;
use super::notice::Notice;
use super::openings::Openings;
use super::shown::{Edition, Shown};
use crate::lens::{Audience, Lens};
use crate::live::Live;
use crate::output;

/// How long one question to the feed may wait for news: so long at most does a stop take.
const PATIENCE: Duration = Duration::from_millis(500);
/// Checkpoints that are followed before what follows from them is published, where more are at hand at once.
const STRETCHES_MAX: usize = 256;
/// A missing document is asked for again after so many questions without news.
const LOOK_FOR_DOCUMENTS: u64 = 20;
/// The first pause after a trouble; doubled each time up to the last.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Follows a log until it is told to stop.
#[derive(Debug)]
pub struct Runner {
    /// The state folder.
    pub folder: StateFolder,
    /// Whose checkpoints count.
    pub policy: Policy,
    /// Openings, where oversight is served.
    pub openings: Option<Openings>,
    /// What readers get.
    pub shown: Arc<Shown>,
}

impl Runner {
    /// Shows what was shown last, before anything is folded.
    ///
    /// # Errors
    /// [`Failure`]: the state folder cannot be used.
    pub fn show_last(&self) -> Result<(), Failure> {
        let found = self.folder.found()?;
        let Some(book) = &found.book else {
            self.shown.tell(|standing| standing.stopped = found.fault);
            return Ok(());
        };
        let path = self.folder.path().join(super::book::NAME);
        let head = check_head(book.checkpoint.as_bytes(), &self.policy);
        let head = head.map_err(|why| Failure::Policy { path, why })?;
        let of = book.kept.size;
        self.shown.publish(Edition::of(book, head.get().checkpoint.root), |standing| {
            standing.stopped = found.fault;
            standing.building = Some(Notice::Building { done: 0, of });
        });
        Ok(())
    }

    /// Follows until told to stop. What fails is tried again from the disk, after a pause; readers keep what they had
    /// and are told.
    pub fn run(&self, feed: &mut dyn Live) {
        let mut pause = PAUSE;
        loop {
            let ended = catch_unwind(AssertUnwindSafe(|| self.follow(feed)));
            if self.shown.is_stopping() {
                return;
            }
            let text = match ended {
                Ok(Ok(())) => return,
                Ok(Err(failure)) => failure.to_string(),
                Err(_) => "it failed while it computed the pages; its log says where".to_owned(),
            };
            say("failed", &[("why", text.clone())]);
            self.shown.tell(|standing| standing.own = Some(Notice::Own { text }));
            if self.shown.wait(pause) {
                return;
            }
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    fn follow(&self, feed: &mut dyn Live) -> Result<(), Failure> {
        let shown = &self.shown;
        let mut progress = |done, of| {
            shown.tell(|standing| standing.building = Some(Notice::Building { done, of }));
            !shown.is_stopping()
        };
        let mut follow = Follow::resume(&self.folder, &self.policy, self.openings.clone(), &mut progress)?;
        shown.tell(|standing| standing.own = None);
        if follow.head().is_some() {
            say("resumed", &[("entries", follow.size().to_string())]);
            self.publish(&mut follow, feed)?;
        } else if follow.stopped().is_some() {
            let stopped = follow.stopped().cloned();
            shown.tell(|standing| {
                standing.stopped = stopped;
                standing.building = None;
            });
        }
        let mut rebuild: Option<Receiver<io::Result<Anew>>> = None;
        let mut pause = PAUSE;
        let mut idle = 0_u64;
        while !shown.is_stopping() {
            if shown.rebuild_asked() && rebuild.is_none() && follow.head().is_some() {
                rebuild = Some(beside(follow.anew(), shown.clone()));
            }
            match rebuild.as_ref().map(Receiver::try_recv) {
                None | Some(Err(TryRecvError::Empty)) => {}
                Some(Ok(Ok(anew))) => {
                    rebuild = None;
                    self.switch(&mut follow, feed, anew)?;
                }
                Some(Ok(Err(e))) => {
                    rebuild = None;
                    say("rebuild-failed", &[("why", e.to_string())]);
                }
                Some(Err(TryRecvError::Disconnected)) => {
                    rebuild = None;
                    say("rebuild-failed", &[("why", "it ended without a word".to_owned())]);
                }
            }
            match follow.step(feed, PATIENCE)? {
                Step::Idle => {
                    pause = PAUSE;
                    shown.tell(|standing| {
                        standing.feed = None;
                        standing.building = None;
                    });
                    idle += 1;
                    if rebuild.is_none() && idle % LOOK_FOR_DOCUMENTS == 1 && follow.documents(feed) {
                        say("document-found", &[]);
                        shown.ask_rebuild();
                    }
                }
                Step::Advanced => {
                    pause = PAUSE;
                    shown.tell(|standing| standing.feed = None);
                    for _ in 1..STRETCHES_MAX {
                        if shown.is_stopping() || follow.step(feed, Duration::ZERO)? != Step::Advanced {
                            break;
                        }
                    }
                    self.publish(&mut follow, feed)?;
                }
                Step::Troubled(notice) => {
                    shown.numbers.disturbed.fetch_add(1, Ordering::Relaxed);
                    let text = notice.text();
                    shown.tell(|standing| standing.feed = Some(notice));
                    say("feed", &[("what", text)]);
                    shown.wait(pause);
                    pause = (pause * 2).min(PAUSE_MAX);
                }
                Step::Stopped => {
                    let stopped = follow.stopped().cloned();
                    shown.tell(|standing| {
                        standing.stopped = stopped.clone();
                        standing.feed = None;
                        standing.building = None;
                    });
                    if let Some(notice) = &stopped {
                        say("stopped", &[("kind", notice.word().to_owned()), ("why", notice.text())]);
                    }
                    // Nothing more is taken until somebody has looked at it and starts this anew.
                    while !shown.wait(PAUSE_MAX) {}
                }
            }
        }
        Ok(())
    }

    /// The views made anew take the place of the old.
    fn switch(&self, follow: &mut Follow, feed: &mut dyn Live, anew: Anew) -> Result<(), Failure> {
        let differs = follow.switch(anew, feed)?;
        say("rebuilt", &[("entries", follow.size().to_string()), ("same", differs.is_none().to_string())]);
        self.shown.tell(|standing| standing.differs = differs);
        self.shown.numbers.rebuilt.fetch_add(1, Ordering::Relaxed);
        self.publish(follow, feed)
    }

    /// What follows from the entries taken, on the disk and then before the readers.
    fn publish(&self, follow: &mut Follow, feed: &mut dyn Live) -> Result<(), Failure> {
        let Some(head) = follow.head().cloned() else { return Ok(()) };
        let projection = match follow.build().fold().projection(&head) {
            Ok(projection) => projection,
            Err(why) => {
                let text = why.to_string();
                say("failed", &[("why", text.clone())]);
                self.shown.tell(|standing| standing.own = Some(Notice::Own { text }));
                return Ok(());
            }
        };
        let pages = |audience| {
            let pages = output::pages(&Lens::new(audience).site(&projection.site(audience)));
            pages.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).collect()
        };
        let Some(book) = follow.book(pages(Audience::Public)) else { return Ok(()) };
        let path = self.folder.path().join(super::book::NAME);
        book.write(self.folder.path()).map_err(|source| Failure::Io { path, source })?;
        let mut edition = Edition::of(&book, head.checkpoint.root);
        if self.openings.is_some() {
            edition.oversight = pages(Audience::Oversight);
        }
        let build = follow.build();
        let mut entries: Vec<Notice> = build.unfolded().cloned().map(Notice::Unfolded).collect();
        entries.extend(build.misfits().iter().cloned().map(|text| Notice::Opening { text }));
        let batches = build.batches();
        let stopped = follow.stopped().cloned();
        self.shown.publish(edition, |standing| {
            standing.entries = entries;
            standing.building = None;
            standing.own = None;
            standing.stopped = stopped;
        });
        self.shown.numbers.published.fetch_add(1, Ordering::Relaxed);
        feed.kept(head.checkpoint.size, batches);
        let digest = book.digest.to_hex();
        say("published", &[("entries", head.checkpoint.size.to_string()), ("digest", digest)]);
        Ok(())
    }
}

/// Makes the views anew in a thread of its own; it gives up when the service is told to stop.
fn beside(mut anew: Anew, shown: Arc<Shown>) -> Receiver<io::Result<Anew>> {
    let (sender, receiver) = channel();
    say("rebuilding", &[]);
    std::thread::spawn(move || {
        let made = anew.run(&mut |_| None, &mut |_, _| !shown.is_stopping());
        let _ = sender.send(made.map(|()| anew));
    });
    receiver
}
