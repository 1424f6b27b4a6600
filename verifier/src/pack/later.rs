//! A pack beside what its reader knows already: an older pack or checkpoint, or the whole log.

use std::collections::{BTreeMap, BTreeSet};

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::opening::BadOpening;

use super::{Complete, PackReport};
use crate::erasures::Target;
use crate::fault::Fault;
use crate::levels::Levels;
use crate::report::{Outcome, Step};
use crate::tree::{BadProof, check_consistency};

impl PackReport {
    /// Whether this pack goes on from an older one of the same stream: the older tree is a prefix of
    /// this one's, and its records are the first of these. Both must have been checked.
    pub fn extends(&mut self, older: &Self) {
        let Some(head) = &older.report.head else {
            self.report.cannot_tell("the older pack could not be checked against your policy".to_owned());
            return;
        };
        if older.report.has_fault() {
            let why = "the older pack does not verify by itself, so nothing can be compared with it".to_owned();
            self.report.cannot_tell(why);
            return;
        }
        if older.stream != self.stream {
            let why = format!("the older pack is about {}, this one about {}", older.stream, self.stream);
            self.report.cannot_tell(why);
            return;
        }
        let checkpoint = head.checkpoint.clone();
        let (now, before) = (self.size(), checkpoint.size);
        let title = "the older pack's records are the first of these";
        let (small, large) = if now < before { (&*self, older) } else { (older, &*self) };
        let known = small.records.len();
        let counted = format!("{known} known, {} new", large.records.len().saturating_sub(known));
        if let Some(position) = self.contradicts(older) {
            let step = Step { section: "14.2", title, outcome: Outcome::Fault, counted };
            self.report.fault(step, Fault::Dropped { position, stream: self.stream.clone() });
        } else if now >= before {
            self.report.step(Step { section: "14.2", title, outcome: Outcome::Holds, counted });
        }
        self.follows(&checkpoint);
    }

    /// Entries under its checkpoint.
    pub fn size(&self) -> u64 {
        self.report.head.as_ref().map_or(0, |head| head.checkpoint.size)
    }

    /// Position at which two packs of one log, each of which holds, contradict each other, in whatever order: of one
    /// stream the larger shows all that the smaller shows, and beyond that only what came after it; of any two both show
    /// the same entry at one position. FORMAT.md 14.2.
    pub fn contradicts(&self, other: &Self) -> Option<u64> {
        let origin = |pack: &Self| pack.report.head.as_ref().map(|head| head.checkpoint.origin.clone());
        if origin(self).is_none() || origin(self) != origin(other) {
            return None;
        }
        let (small, large) = if self.size() < other.size() { (self, other) } else { (other, self) };
        if small.stream == large.stream { contradiction(small, large) } else { other_entry(small, large) }
    }

    /// The consistency proof from an earlier size to this pack's, where it brings one.
    pub fn proof_since(&self, size: u64) -> Option<&[Hash]> {
        self.since.iter().find(|(since, _)| *since == size).map(|(_, proof)| proof.as_slice())
    }

    /// Whether the log of an older checkpoint is a prefix of this pack's. RFC 6962 2.1.2.
    pub fn follows(&mut self, older: &Checkpoint) {
        let Some(head) = self.report.head.clone() else { return };
        let (now, title) = (&head.checkpoint, "the log as it was is part of the log as it is");
        let step = |outcome, counted| Step { section: "7", title, outcome, counted };
        if older.origin != now.origin {
            let why = format!("the older one is of the log {}, this one of {}", older.origin, now.origin);
            self.report.cannot_tell(why);
            return;
        }
        if older.size > now.size {
            // No lie: somebody was given an old file, or named the two in the other order.
            let why = format!(
                "this pack ends at {} entries and is older than what was given with --since, which ends at {}: give the two in \
                 the other order, and ask for a newer pack if this one was given to you as the newest",
                now.size, older.size
            );
            self.report.step(step(Outcome::NotChecked, why.clone()));
            self.report.cannot_tell(why);
            return;
        }
        let counted = format!("{} entries, then {}", older.size, now.size);
        let proof = self.proof_since(older.size);
        let proof = if older.size == now.size { Some(&[][..]) } else { proof };
        let checked = match proof {
            Some(proof) => check_consistency(proof, older.size, older.root, now.size, now.root),
            None => {
                let why = format!("this pack has no proof from size {}: ask for one made with --since", older.size);
                self.report.step(step(Outcome::NotChecked, why.clone()));
                self.report.cannot_tell(why);
                return;
            }
        };
        match checked {
            Ok(()) => self.report.step(step(Outcome::Holds, counted)),
            Err(why) => self.report.fault(step(Outcome::Fault, counted), Fault::Since { size: older.size, why }),
        }
    }

    /// Sets the pack against the whole log, whose bundle the reader has verified with its index and all of admission:
    /// `levels` are its hashes, `erased` what each of its lawful erasures names. Then nobody else's word is needed that
    /// nothing is missing, and that all of it could be admitted and erased.
    pub fn recomputed(&mut self, levels: &Levels, erased: &BTreeSet<(u64, Target)>) {
        let Some(head) = self.report.head.clone() else { return };
        let (now, title) = (&head.checkpoint, "the index was recomputed from all public entries");
        let step = |outcome, counted| Step { section: "8", title, outcome, counted };
        let size = levels.size();
        let agreed: Result<u64, BadProof> = if size >= now.size {
            let same = |root: Hash| if root == now.root { Ok(now.size) } else { Err(BadProof::Root { reached: root }) };
            levels.root(now.size).and_then(same)
        } else if let Some(proof) = self.proof_since(size) {
            let root = levels.root(size);
            root.and_then(|root| check_consistency(proof, size, root, now.size, now.root)).map(|()| size)
        } else {
            let why = format!("your bundle ends at {size} entries, the pack at {}: get a newer bundle", now.size);
            self.report.step(step(Outcome::NotChecked, why.clone()));
            self.report.cannot_tell(why);
            return;
        };
        match agreed {
            Ok(upto) => {
                self.report.step(step(Outcome::Holds, format!("up to {upto} entries")));
                self.complete = Complete::Recomputed(upto);
                if upto == now.size {
                    self.report.found_all(self.erased_otherwise(erased));
                }
                self.rests();
            }
            Err(why) => self.report.fault(step(Outcome::Fault, String::new()), Fault::Since { size, why }),
        }
    }

    /// The first slot that says it was erased by an entry that erases it by no law of the whole log. FORMAT.md 17.
    fn erased_otherwise(&self, lawful: &BTreeSet<(u64, Target)>) -> Option<Fault> {
        self.records.iter().find_map(|record| {
            let position = record.entry.position;
            let erased = record.opened.erased.iter();
            let (slot, by) = erased
                .map(|(slot, by)| (slot.clone(), *by))
                .find(|(slot, by)| !lawful.contains(&(*by, (position, slot.clone()))))?;
            let what = BadOpening::NotErased { slot, by };
            Some(Fault::Opening { position, address: record.entry.signed.event.address(), what })
        })
    }
}

/// The first position at which two packs of one log show different entries.
fn other_entry(one: &PackReport, other: &PackReport) -> Option<u64> {
    let all: BTreeMap<u64, Hash> = one.records.iter().map(|record| (record.entry.position, record.leaf)).collect();
    let differs = |position: &u64, leaf: &Hash| all.get(position).is_some_and(|known| known != leaf);
    let mut records = other.records.iter().map(|record| (record.entry.position, record.leaf));
    records.find(|(position, leaf)| differs(position, leaf)).map(|(position, _)| position)
}

/// Position of the first record in which two packs of one stream contradict each other: the larger one shows all that the
/// smaller shows, and beyond that only what came after it.
fn contradiction(small: &PackReport, large: &PackReport) -> Option<u64> {
    let places =
        |pack: &PackReport| pack.records.iter().map(|record| (record.entry.position, record.leaf)).collect::<Vec<_>>();
    let (known, all) = (places(small), places(large));
    let same = known.iter().zip(&all).take_while(|(old, new)| old == new).count();
    if same < known.len() {
        return Some(known[same].0);
    }
    // The last entry under a checkpoint is its seal, which the stream of that seal does not bind yet.
    all[same..].iter().map(|(position, _)| *position).find(|position| position + 1 < small.size())
}
