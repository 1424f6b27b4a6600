//! Checkpoints under a policy: whose signature holds, which witnesses have seen it. FORMAT.md 10, 12.

use schemas::checkpoint::{BadCheckpoint, Checkpoint};
use schemas::note::{BadNote, Note, Vkey};
use schemas::policy::Policy;

use crate::fault::Fault;
use crate::report::{About, Outcome, Report, Step};
use crate::signature::{BadKey, PublicKey};
use crate::verified::Verified;

/// A checkpoint that the policy accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// Origin, size, root.
    pub checkpoint: Checkpoint,
    /// The log's key that signed it.
    pub log_key: Vkey,
    /// Witnesses whose cosignature holds: name in the policy, and their time in Unix seconds.
    pub witnesses: Vec<(String, u64)>,
    /// The note as it came.
    pub note: Note,
}

/// Why a checkpoint is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHead {
    /// The note is malformed.
    #[error(transparent)]
    Note(#[from] BadNote),
    /// The text is malformed.
    #[error(transparent)]
    Checkpoint(#[from] BadCheckpoint),
    /// The policy names no key for this log: nothing can be told.
    #[error("the policy has no key for the log {origin}")]
    UnknownLog {
        /// The checkpoint's origin.
        origin: String,
    },
    /// A key of the policy cannot be taken.
    #[error("the policy's key {name} cannot be used: {why}")]
    Key {
        /// Its name.
        name: String,
        /// Why not.
        why: BadKey,
    },
    /// No signature by the log's key holds.
    #[error("no signature by the log's key {key} holds over the checkpoint")]
    Signature {
        /// The key of the policy.
        key: String,
    },
    /// Too few witnesses.
    #[error(
        "the log has signed the checkpoint, and the policy's quorum has not; cosigned by: {seen}. Either too few witnesses \
         have seen it yet, or their lines were cut off on its way: get it again, or one that they have seen"
    )]
    Quorum {
        /// Those who have.
        seen: String,
        /// Those in whose name a line stands that is not theirs: somebody forged it.
        forged: Vec<String>,
    },
}

/// Checks a checkpoint's note against a policy.
///
/// # Errors
/// [`BadHead`]; [`BadHead::UnknownLog`] and [`BadHead::Key`] say that the policy cannot tell.
pub fn check_head(bytes: &[u8], policy: &Policy) -> Result<Verified<SignedHead>, BadHead> {
    let note = Note::parse(bytes)?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    let origin = checkpoint.origin.as_str();
    let candidates: Vec<&Vkey> = policy.logs.iter().filter(|k| k.name == origin).collect();
    if candidates.is_empty() {
        return Err(BadHead::UnknownLog { origin: origin.to_owned() });
    }
    let take = |vkey: &Vkey| PublicKey::new(vkey).map_err(|why| BadHead::Key { name: vkey.name.clone(), why });
    let mut log_key = None;
    for vkey in &candidates {
        take(vkey)?;
        if bears(&note, vkey) {
            log_key = Some((*vkey).clone());
            break;
        }
    }
    let log_key = log_key.ok_or_else(|| BadHead::Signature { key: candidates[0].to_string() })?;
    let (mut witnesses, mut forged) = (Vec::new(), Vec::new());
    for (name, vkey) in &policy.witnesses {
        let key = take(vkey)?;
        // One that cosigned twice has seen it since the first time.
        let time = note.signatures.iter().filter_map(|line| key.cosigned_at(&note.text, line)).min();
        if let Some(time) = time {
            witnesses.push((name.clone(), time));
        } else if note.signatures.iter().any(|line| line.name == vkey.name && line.id == key.id()) {
            forged.push(name.clone());
        }
    }
    let names: Vec<&str> = witnesses.iter().map(|(n, _)| n.as_str()).collect();
    if !policy.quorum_reached(&names) {
        let seen = if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
        return Err(BadHead::Quorum { seen, forged });
    }
    Ok(Verified::new(SignedHead { checkpoint, log_key, witnesses, note }))
}

/// Whether a note bears a signature by that key that holds without the cofactor. FORMAT.md 3.4.
pub(crate) fn bears(note: &Note, vkey: &Vkey) -> bool {
    PublicKey::new(vkey).is_ok_and(|key| {
        let mut lines = note.signatures.iter().filter(|line| line.name == vkey.name && line.id == key.id());
        lines.any(|line| key.holds_strictly(note.text.as_bytes(), &line.signature))
    })
}

/// FORMAT.md 10.1: a checkpoint is signed by the key that genesis names. A policy may have several keys for one log,
/// and a signature by another of them says nothing for this one.
///
/// # Errors
/// [`Fault::LogKey`].
pub fn signed_as_genesis_says(head: &SignedHead, log_key: &Vkey, path: &str) -> Result<(), Fault> {
    if head.log_key == *log_key || bears(&head.note, log_key) {
        return Ok(());
    }
    let (signed, genesis) = (head.log_key.to_string(), log_key.to_string());
    Err(Fault::LogKey { path: path.to_owned(), signed, genesis })
}

/// Checks a checkpoint that came alone.
pub fn check(bytes: &[u8], policy: &Policy) -> Report {
    let mut report = Report { about: About::Checkpoint, ..Report::new(policy) };
    head_step(&mut report, bytes, "checkpoint", policy);
    report
}

/// The step of a check that says whether the checkpoint is one.
pub(crate) fn step(outcome: Outcome, counted: String) -> Step {
    Step { section: "10", title: "checkpoint is signed as the policy asks", outcome, counted }
}

/// Checks the checkpoint of a bundle, a pack or a receipt, and writes down how it went.
pub(crate) fn head_step(
    report: &mut Report,
    bytes: &[u8],
    path: &str,
    policy: &Policy,
) -> Option<Verified<SignedHead>> {
    match check_head(bytes, policy) {
        Ok(head) => {
            let signed = head.get();
            let seen = signed.witnesses.len();
            let counted = format!("{} entries; {seen} of {} witnesses", signed.checkpoint.size, policy.witnesses.len());
            report.head = Some(signed.clone());
            report.step(step(Outcome::Holds, counted));
            Some(head)
        }
        // That witnesses have not seen it, or that their lines were lost, is no lie of the log's.
        Err(BadHead::Quorum { seen, forged }) if forged.is_empty() => {
            let why = BadHead::Quorum { seen, forged }.to_string();
            report.step(step(Outcome::NotChecked, "the policy's quorum is not reached".to_owned()));
            report.cannot_tell(why);
            None
        }
        Err(why @ (BadHead::UnknownLog { .. } | BadHead::Key { .. })) if !report.has_fault() => {
            report.step(step(Outcome::NotChecked, why.to_string()));
            report.cannot_tell(why.to_string());
            None
        }
        Err(why) => {
            let path = path.to_owned();
            let fault = match why {
                BadHead::Signature { key } => Fault::CheckpointSignature { path, key },
                BadHead::Quorum { seen, forged } => {
                    let missing = format!("seen by {seen}; the line of {} is forged", forged.join(", "));
                    Fault::Quorum { path, missing }
                }
                other => Fault::FileMalformed { path, what: other.to_string() },
            };
            report.fault(step(Outcome::Fault, String::new()), fault);
            None
        }
    }
}
