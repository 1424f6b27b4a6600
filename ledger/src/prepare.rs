//! What can be done with an event before its turn: read it, check its signatures and its hidden values, encrypt them.
//!
//! Nothing here depends on what the log holds, but for the keys that it knows. So many events are prepared at
//! once, their signatures by the law's batch equation, away from the one thread that admits. Admission stays where it
//! was: only the verifier makes a `Verified`, and [`crate::plan`] decides, in order, who comes in.

use schemas::entry::BadEntry;
use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::time::Timestamp;
use verifier::Verified;
use verifier::keyring::{Keyring, Unopened};
use verifier::refusal::Refusal;

use crate::failure::Failure;
use crate::intake::{self, BadIntake, Beside};
use crate::plan::Submission;
use crate::vault::Hidden;

/// Events that one thread prepares: enough for a batch of signatures to pay.
const SHARE_MIN: usize = 64;

/// A submission that awaits its turn.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// When the ledger received it.
    pub received_at: Timestamp,
    /// Id of the event; none where the bytes are not even a note.
    pub id: Option<Hash>,
    /// What was read; or why there was nothing to read.
    pub read: Result<Read, Refusal>,
}

impl Prepared {
    /// About how long its entry will be.
    pub fn bytes(&self) -> usize {
        self.read.as_ref().map_or(0, |read| read.event().note.text.len() + read.event().note.signatures.len() * 256)
    }
}

/// An event that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The event, whose signatures hold; or why they do not, by the keys known at the time.
    pub signed: Result<Verified<SignedEvent>, Unopened>,
    /// What came beside it, and the same encrypted; or why it cannot be taken.
    pub beside: Result<(Beside, Hidden), BadIntake>,
}

impl Read {
    /// The event.
    pub fn event(&self) -> &SignedEvent {
        match &self.signed {
            Ok(opened) => opened.get(),
            Err(unopened) => &unopened.signed,
        }
    }
}

/// Prepares submissions on as many threads as the machine has cores to spare.
///
/// # Errors
/// [`Failure::Random`] if there are no keys to be had for the hidden values.
pub fn prepare(submissions: Vec<Submission>, keyring: &Keyring) -> Result<Vec<Prepared>, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // One core is for whoever admits and writes.
    let threads = (cores - 1).max(1).min(submissions.len() / SHARE_MIN).max(1);
    if threads == 1 {
        return share(submissions, keyring);
    }
    let each = submissions.len().div_ceil(threads);
    let mut rest = submissions.into_iter();
    let shares: Vec<Vec<Submission>> = (0..threads).map(|_| rest.by_ref().take(each).collect()).collect();
    std::thread::scope(|scope| {
        let threads: Vec<_> = shares.into_iter().map(|own| scope.spawn(move || share(own, keyring))).collect();
        let mut all = Vec::new();
        for thread in threads {
            match thread.join() {
                Ok(prepared) => all.append(&mut prepared?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(all)
    })
}

fn share(submissions: Vec<Submission>, keyring: &Keyring) -> Result<Vec<Prepared>, Failure> {
    let mut places = Vec::with_capacity(submissions.len());
    let mut claims = Vec::with_capacity(submissions.len());
    for submission in submissions {
        let (id, read) = match SignedEvent::parse(&submission.note).map_err(BadEntry::from) {
            Err(why) => {
                let id = Note::parse(&submission.note).ok().map(|note| Hash::of(&[note.text.as_bytes()]));
                (id, Err(why.into()))
            }
            Ok(signed) => {
                let id = signed.id();
                let beside = intake::check(&signed.event, id, submission.opening);
                claims.push(signed);
                (Some(id), Ok((id, beside)))
            }
        };
        places.push((submission.received_at, id, read));
    }
    let mut opened = keyring.open_all(claims).into_iter();
    let mut prepared = Vec::with_capacity(places.len());
    for (received_at, id, read) in places {
        let read = match read {
            Err(why) => Err(why),
            Ok((event, beside)) => {
                let signed = opened.next().expect("one for each that was read");
                let beside = match beside {
                    Ok(beside) => Ok(hide(event, beside)?),
                    Err(why) => Err(why),
                };
                Ok(Read { signed, beside })
            }
        };
        prepared.push(Prepared { received_at, id, read });
    }
    Ok(prepared)
}

fn hide(id: Hash, beside: Beside) -> Result<(Beside, Hidden), Failure> {
    let opening = &beside.opening;
    let hidden =
        if opening.slots.is_empty() { Hidden::default() } else { Hidden::new(id, &opening.digests, &opening.slots)? };
    Ok((beside, hidden))
}
