//! Where entries come from. Every feed ends at the same door: only what the verifier believes is
//! folded, and what was folded counts only if the feed ends well.
//!
//! A new feed is an implementation of [`Feed`].

use schemas::hash::Hash;
use schemas::opening::OpeningLine;
use schemas::policy::Policy;
use verifier::Verified;
use verifier::bundle::{self, Opened, Source, Visitor};
use verifier::fault::Fault;
use verifier::follower::{Accepted, Follower};
use verifier::head::{BadHead, SignedHead, check_head};
use verifier::report::{Report, Verdict};
use verifier::threads::Threads;

/// Who takes the entries of a feed.
pub trait Sink {
    /// One entry that the verifier believes, in order, with the openings at hand.
    fn entry(&mut self, entry: &Verified<Accepted>, opened: &Opened);
    /// A document that entries may adopt; all come before the first entry.
    fn document(&mut self, digest: Hash, bytes: &[u8]);
    /// How far the feed is.
    fn progress(&mut self, _done: u64, _total: u64) {}
}

/// A feed of entries.
pub trait Feed {
    /// Gives every entry to the sink, and the checkpoint that covers them all.
    ///
    /// # Errors
    /// [`BadFeed`]: then nothing that the sink was given counts.
    fn follow(&mut self, sink: &mut dyn Sink) -> Result<SignedHead, BadFeed>;
}

/// Why what a feed gave does not count.
#[derive(Debug, thiserror::Error)]
pub enum BadFeed {
    /// The bundle does not verify, or nothing can be told of it: its report says which.
    #[error("{}, so nothing is computed from it: {}", verdict(.0), first(.0))]
    NotVerified(Box<Report>),
    /// The log was caught lying.
    #[error("the log does not verify, so nothing is computed from it: {0}")]
    Fault(#[from] Fault),
    /// The checkpoint is not one that the policy accepts.
    #[error("checkpoint: {0}")]
    Head(#[from] BadHead),
    /// The entries end elsewhere than the checkpoint says.
    #[error("the entries give size {size} and root {root}, the checkpoint says otherwise")]
    Root {
        /// Entries that came.
        size: u64,
        /// Their root.
        root: Hash,
    },
}

fn verdict(report: &Report) -> &'static str {
    if report.has_fault() { "the bundle does not verify" } else { "cannot tell whether the bundle verifies" }
}

impl BadFeed {
    /// Whether something was caught: a fault. Otherwise nothing can be told, and nobody is accused.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::NotVerified(report) => report.has_fault(),
            Self::Head(BadHead::UnknownLog { .. } | BadHead::Key { .. }) => false,
            // What witnesses have not seen yet, or lost their lines on the way.
            Self::Head(BadHead::Quorum { forged, .. }) => !forged.is_empty(),
            Self::Fault(_) | Self::Head(_) | Self::Root { .. } => true,
        }
    }
}

fn first(report: &Report) -> String {
    let fault = report.faults.first().map(ToString::to_string);
    fault.or_else(|| report.unknown.first().cloned()).unwrap_or_default()
}

/// A bundle, checked step by step while it is read.
pub struct BundleFeed<'a> {
    /// The bundle's files.
    pub source: &'a mut dyn Source,
    /// Openings beside it.
    pub openings: Option<&'a mut dyn Source>,
    /// Policy held from elsewhere.
    pub policy: &'a Policy,
}

impl Feed for BundleFeed<'_> {
    fn follow(&mut self, sink: &mut dyn Sink) -> Result<SignedHead, BadFeed> {
        let mut visitor = Passing { sink };
        let openings = self.openings.as_mut().map(|o| &mut **o as &mut dyn Source);
        let report = bundle::judge(self.source, self.policy, openings, &mut visitor, &Threads::new());
        match (report.verdict(), &report.head) {
            (Verdict::Verified | Verdict::PartlyErased, Some(head)) => Ok(head.clone()),
            _ => Err(BadFeed::NotVerified(Box::new(report))),
        }
    }
}

struct Passing<'a> {
    sink: &'a mut dyn Sink,
}

impl Visitor for Passing<'_> {
    fn entry(&mut self, entry: &Verified<Accepted>, opened: &Opened) {
        self.sink.entry(entry, opened);
    }

    fn document(&mut self, digest: Hash, bytes: &[u8]) {
        self.sink.document(digest, bytes);
    }

    fn progress(&mut self, step: &'static str, done: u64, total: u64) {
        if step == "entries" {
            self.sink.progress(done, total);
        }
    }
}

/// Entries handed over within one process: bytes as the log has them, opening lines beside them.
/// They are believed no more than those of any other feed.
pub struct DirectFeed<'a> {
    /// Entry bytes and opening lines in order; an empty line where nothing is at hand.
    pub entries: &'a mut dyn Iterator<Item = (Vec<u8>, String)>,
    /// Documents that entries adopt.
    pub documents: Vec<Vec<u8>>,
    /// The checkpoint's note.
    pub checkpoint: Vec<u8>,
    /// Policy.
    pub policy: &'a Policy,
}

impl Feed for DirectFeed<'_> {
    fn follow(&mut self, sink: &mut dyn Sink) -> Result<SignedHead, BadFeed> {
        let head = check_head(&self.checkpoint, self.policy)?.into_inner();
        for bytes in &self.documents {
            sink.document(Hash::of(&[bytes]), bytes);
        }
        let mut follower = Follower::new(head.checkpoint.origin.clone());
        let mut lines = std::collections::VecDeque::new();
        let mut done = 0;
        let mut pass = |ready: Vec<Verified<Accepted>>, lines: &mut std::collections::VecDeque<String>| {
            for entry in ready {
                let line = lines.pop_front().unwrap_or_default();
                sink.entry(&entry, &open(entry.get(), &line)?);
                done += 1;
                sink.progress(done, head.checkpoint.size);
            }
            Ok::<_, Fault>(())
        };
        for (bytes, line) in self.entries.take(usize::try_from(head.checkpoint.size).unwrap_or(usize::MAX)) {
            follower.push(&bytes)?;
            lines.push_back(line);
            pass(follower.ready(), &mut lines)?;
        }
        pass(follower.drain()?, &mut lines)?;
        let (size, root) = (follower.state().size(), follower.state().root());
        if size != head.checkpoint.size || root != head.checkpoint.root {
            return Err(BadFeed::Root { size, root });
        }
        Ok(head)
    }
}

/// The opening line of an entry, checked against what was committed. FORMAT.md 5.4.
pub(crate) fn open(accepted: &Accepted, line: &str) -> Result<Opened, Fault> {
    let event = &accepted.entry.signed.event;
    let position = accepted.entry.position;
    let bad = |what| Fault::Opening { position, address: event.address(), what };
    let catalogue = schemas::catalogue::Catalogue::built_in();
    let (Some(root), Some(kind)) = (event.hidden_root(), catalogue.event(&event.kind)) else {
        return Ok(Opened::default());
    };
    let mut opened = Opened::default();
    if line.is_empty() {
        return Ok(Opened::nothing_of(&event.kind));
    }
    let parsed = OpeningLine::parse(line).map_err(bad)?;
    if parsed.entry != position || parsed.event != accepted.entry.signed.id() {
        return Err(bad(schemas::opening::BadOpening::OtherEntry));
    }
    opened.values = parsed.check(root, kind).map_err(bad)?;
    for (name, slot) in kind.slots().into_iter().zip(&parsed.slots) {
        match slot {
            schemas::opening::Slot::Open(_) => {}
            // To whoever has no identity for it, a sealed value is withheld.
            schemas::opening::Slot::Sealed(_) | schemas::opening::Slot::Withheld => {
                opened.withhold(name);
            }
            schemas::opening::Slot::ErasedBy(by) => {
                opened.erased.insert(name.to_owned(), *by);
            }
        }
    }
    Ok(opened)
}
