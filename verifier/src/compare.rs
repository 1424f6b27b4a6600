//! Two views of one log: is one a prefix of the other, or did its operator sign two histories?
//! FORMAT.md 14.3.

use schemas::fork::Fork;
use schemas::hash::Hash;
use schemas::policy::Policy;

use crate::fault::Fault;
use crate::head::{BadHead, SignedHead, check_head};
use crate::levels::Levels;
use crate::pack::PackReport;
use crate::report::{About, Outcome, Report, Step};
use crate::tree::check_consistency;

/// How two checkpoints of one log, both signed by it, stand to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Same size, same root.
    Same,
    /// The smaller is a prefix of the larger.
    Prefix,
    /// The log signed two histories; the evidence convinces anyone who has its key.
    Fork(Box<Fork>),
    /// The proof that the larger brings does not lead from the smaller to it. Nobody signs a proof, so this convinces
    /// nobody else; but one of the two is false.
    FalseProof,
    /// What two packs show contradicts itself at that position. FORMAT.md 14.2.
    Contradiction(u64),
    /// Of different logs.
    OtherLog,
    /// Neither can be said: the hashes of the larger tree are missing.
    CannotTell,
}

/// What is known of the larger tree.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// Nothing but its checkpoint.
    Nothing,
    /// All its hashes, from a bundle that was verified.
    All(&'a Levels),
    /// A consistency proof from the smaller size.
    Proof(&'a [Hash]),
}

/// A view of a log: an accepted checkpoint, and what was verified under it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The checkpoint.
    pub head: &'a SignedHead,
    /// All its hashes, of a bundle.
    pub levels: Option<&'a Levels>,
    /// The pack that it is of.
    pub pack: Option<&'a PackReport>,
}

/// Compares two views, in any order: their checkpoints as far as the larger tells, and of two packs what they show.
pub fn between(a: &View<'_>, b: &View<'_>) -> Relation {
    let (old, new) = if a.head.checkpoint.size <= b.head.checkpoint.size { (a, b) } else { (b, a) };
    let known = match (new.levels, new.pack.and_then(|pack| pack.proof_since(old.head.checkpoint.size))) {
        (Some(levels), _) => Known::All(levels),
        (None, Some(proof)) => Known::Proof(proof),
        (None, None) => Known::Nothing,
    };
    let found = relation(old.head, new.head, known);
    if !matches!(found, Relation::Same | Relation::Prefix | Relation::CannotTell) {
        return found;
    }
    let contradiction = old.pack.zip(new.pack).and_then(|(old, new)| old.contradicts(new));
    contradiction.map_or(found, Relation::Contradiction)
}

/// Compares two accepted checkpoints, in any order; `known` is about the larger.
pub fn relation(a: &SignedHead, b: &SignedHead, known: Known<'_>) -> Relation {
    let (first, second) = if a.checkpoint.size <= b.checkpoint.size { (a, b) } else { (b, a) };
    let (old, new) = (&first.checkpoint, &second.checkpoint);
    let fork =
        |prefix| Relation::Fork(Box::new(Fork { first: first.note.clone(), second: second.note.clone(), prefix }));
    if old.origin != new.origin {
        return Relation::OtherLog;
    }
    if old.size == new.size {
        return if old.root == new.root { Relation::Same } else { fork(None) };
    }
    match known {
        Known::Nothing => Relation::CannotTell,
        Known::Proof(proof) => match check_consistency(proof, old.size, old.root, new.size, new.root) {
            Ok(()) => Relation::Prefix,
            // A proof that fails may itself be wrong: it is no evidence of two histories.
            Err(_) => Relation::FalseProof,
        },
        Known::All(levels) => {
            let (Ok(root), Ok(proof), Ok(whole)) =
                (levels.root(old.size), levels.consistency(old.size, new.size), levels.root(new.size))
            else {
                return Relation::CannotTell;
            };
            match (whole == new.root, root == old.root) {
                (false, _) => Relation::CannotTell,
                (true, true) => Relation::Prefix,
                (true, false) => fork(Some((root, proof))),
            }
        }
    }
}

/// Checks evidence of a fork: whether the log, by its own signatures, told two histories. The
/// verdict is [`crate::report::Verdict::Proven`] if the log did; evidence that does not hold accuses nobody.
pub fn check_fork(bytes: &[u8], policy: &Policy) -> Report {
    let mut report = Report { about: About::Fork, ..Report::new(policy) };
    let title = "the log signed two histories";
    let step = |outcome, counted| Step { section: "14.3", title, outcome, counted };
    let malformed = |what: &str| Fault::FileMalformed { path: "evidence".to_owned(), what: what.to_owned() };
    let Some(fork) = std::str::from_utf8(bytes).ok().and_then(Fork::parse) else {
        report.fault(step(Outcome::Fault, String::new()), malformed("it is no evidence of a fork"));
        return report;
    };
    // Witnesses do not matter: what the log's own key signed convicts it.
    let signed_only = Policy { quorum: None, ..policy.clone() };
    let heads = [&fork.first, &fork.second].map(|note| check_head(note.to_text().as_bytes(), &signed_only));
    let [first, second] = match heads {
        [Ok(first), Ok(second)] => [first, second],
        [Err(why @ (BadHead::UnknownLog { .. } | BadHead::Key { .. })), _]
        | [_, Err(why @ (BadHead::UnknownLog { .. } | BadHead::Key { .. }))] => {
            report.step(step(Outcome::NotChecked, why.to_string()));
            report.cannot_tell(why.to_string());
            return report;
        }
        [Err(why), _] | [_, Err(why)] => {
            report.fault(step(Outcome::Fault, String::new()), malformed(&why.to_string()));
            return report;
        }
    };
    let (old, new) = (&first.get().checkpoint, &second.get().checkpoint);
    let differs = match &fork.prefix {
        None => old.size == new.size && old.root != new.root,
        Some((root, proof)) => {
            old.size < new.size
                && *root != old.root
                && check_consistency(proof, old.size, *root, new.size, new.root).is_ok()
        }
    };
    if old.origin == new.origin && differs {
        report.head = Some(second.get().clone());
        report
            .step(step(Outcome::Holds, format!("at size {}, and at {} or by a proof from there", old.size, new.size)));
    } else {
        report.fault(step(Outcome::Fault, String::new()), Fault::NoContradiction);
    }
    report
}
