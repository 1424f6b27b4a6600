//! Whether a log goes on from another as it says. FORMAT.md 18.

use schemas::catalogue::Role;
use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::policy::Policy;
use schemas::time::Timestamp;

use crate::Verified;
use crate::bundle::{self, Opened, Source, Visitor};
use crate::crew::Alone;
use crate::epoch::Predecessor;
use crate::fault::Fault;
use crate::follower::Accepted;
use crate::report::{Outcome, Report, Step, Verdict};
use crate::state::State;

/// How a successor was caught claiming what the log before it does not bear out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSuccession {
    /// The root is another.
    #[error("it says that {origin} had root {stated} at {size} entries, its bundle gives {found}")]
    Root {
        /// The log before.
        origin: Origin,
        /// At which size.
        size: u64,
        /// What the successor says.
        stated: Hash,
        /// What the bundle gives.
        found: Hash,
    },
    /// No checkpoint ever had that size.
    #[error("it goes on at {size} entries of {origin}, where no batch ended: no checkpoint had that size")]
    Size {
        /// The log before.
        origin: Origin,
        /// At which size.
        size: u64,
    },
    /// A hand-over that leaves the end out.
    #[error(
        "it calls itself a {reason} and goes on at {size} entries of {origin}, which has {shown}: its end was left out"
    )]
    EndLeftOut {
        /// The log before.
        origin: Origin,
        /// At which size.
        size: u64,
        /// Entries that the bundle shows.
        shown: u64,
        /// The reason that it gives.
        reason: String,
    },
    /// It began before the other ended.
    #[error("it began at {began}, before the last entry that it goes on from was received ({ended})")]
    Earlier {
        /// Receipt of its genesis.
        began: Timestamp,
        /// Receipt of the last entry carried over.
        ended: Timestamp,
    },
    /// The bundle of the log before is not sound.
    #[error("the bundle of the log before it: {0}")]
    Before(Fault),
}

/// What was carried over from the log before, and how well that is vouched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// What the successor says, and who signed it.
    pub said: Predecessor,
    /// When the last entry carried over was received.
    pub until: Option<Timestamp>,
    /// Streams that it had.
    pub streams: u64,
    /// Entries that the log before has beyond that.
    pub left_behind: u64,
    /// Of those who signed, the names of keys whose very bytes were in force in the log before.
    pub known_signers: Vec<String>,
    /// Keys of oversight in the successor's genesis: how many of them were in force in the log
    /// before as keys of oversight, and how many there are.
    pub known_oversight: (usize, usize),
}

impl Carried {
    /// What was proven, and on whose word it rests that it is the same people's log. FORMAT.md 14.4.
    pub fn word(&self) -> String {
        let (known, all) = self.known_oversight;
        let oversight = format!("{known} of {all} keys of oversight were known there");
        let signed = &self.said.signed_by;
        let unknown: Vec<&str> =
            signed.iter().filter(|name| !self.known_signers.contains(name)).map(String::as_str).collect();
        if unknown.is_empty() {
            return format!(
                "the successor goes on from the log before, as that was, by the word of keys in force there: {} ({oversight})",
                signed.join(" and ")
            );
        }
        format!(
            "the log before is named as it was; that those who signed it are who kept the log before rests on the word of {}, \
             whose keys were not known there ({oversight}): compare them with their holders, by telephone or on paper",
            unknown.join(" and ")
        )
    }
}

/// The result of such a check.
#[derive(Clone, Debug)]
pub struct Succession {
    /// The check of the successor's bundle.
    pub new: Report,
    /// The check of the bundle of the log before.
    pub old: Report,
    /// Steps of FORMAT.md 18.
    pub steps: Vec<Step>,
    /// What does not hold between the two.
    pub faults: Vec<BadSuccession>,
    /// Why nothing can be said, where that is so.
    pub unknown: Vec<String>,
    /// What was carried over, if it holds.
    pub carried: Option<Carried>,
}

impl Succession {
    /// The verdict over both logs and what binds them.
    pub fn verdict(&self) -> Verdict {
        if self.new.has_fault() || !self.faults.is_empty() {
            Verdict::NotVerified
        } else if self.carried.is_none() {
            Verdict::CannotTell
        } else {
            match self.new.verdict() {
                Verdict::Verified => self.old.verdict(),
                other => other,
            }
        }
    }

    /// Exit code of the command: 0 holds, 1 fault, 2 cannot tell.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            Verdict::Verified | Verdict::PartlyErased => 0,
            Verdict::NotVerified | Verdict::Proven => 1,
            Verdict::CannotTell | Verdict::NotProven => 2,
        }
    }
}

/// Checks both bundles, each under the policy that the reader holds for it, and that the successor
/// names the log before as it was.
pub fn check(
    new: &mut dyn Source,
    policy: &Policy,
    old: &mut dyn Source,
    old_policy: &Policy,
    progress: &mut dyn FnMut(&'static str, u64, u64),
) -> Succession {
    let crossed = is_of(new, old_policy) && is_of(old, policy) && !(is_of(new, policy) && is_of(old, old_policy));
    let mut beginning = Replay::until(2, progress);
    let report = bundle::judge(new, policy, None, &mut beginning, &Alone);
    let begun = beginning.state;
    let said = report.predecessor.clone();
    let mut replay = Replay::until(said.as_ref().map_or(0, |said| said.size), progress);
    let before = bundle::judge(old, old_policy, None, &mut replay, &Alone);
    let state = replay.state;
    let mut result = Succession {
        new: report,
        old: before,
        steps: Vec::new(),
        faults: Vec::new(),
        unknown: Vec::new(),
        carried: None,
    };
    result.unknown.extend(result.new.unknown.iter().chain(&result.old.unknown).cloned());
    result.faults.extend(result.old.faults.first().cloned().map(BadSuccession::Before));
    if crossed {
        // Said first: whatever else is not known follows from it.
        let why = "each of the two bundles is of the log of the other's policy: give the successor's bundle first and its \
                   policy with --policy, the log before it with --predecessor and --predecessor-policy";
        result.unknown.insert(0, why.to_owned());
    }
    let Some(said) = said else {
        // Of a bundle that cannot be told of, what is missing says nothing.
        if !result.unknown.is_empty() && !crossed {
            return result;
        }
        let from = result.old.predecessor.as_ref().map(|said| &said.origin);
        let own = result.new.head.as_ref().map(|head| &head.checkpoint.origin);
        result.unknown.push(match own.filter(|own| from == Some(own)) {
            Some(own) => format!(
                "the two are the wrong way round: {own}, which was given first, is the log before. Give the successor's \
                 bundle first and its policy with --policy, this one with --predecessor and --predecessor-policy"
            ),
            None => "the log that was given first does not say that it goes on from another: is it the successor?".to_owned(),
        });
        return result;
    };
    let given = result.old.head.as_ref().map(|head| (head.checkpoint.origin.clone(), head.checkpoint.size));
    let (Some((origin, shown)), true, true) = (given, result.faults.is_empty(), result.unknown.is_empty()) else {
        return result;
    };
    if origin != said.origin {
        result.unknown.push(format!("it goes on from {}, and the bundle given is of {origin}", said.origin));
        return result;
    }
    if shown < said.size {
        let why = format!(
            "it goes on at {} entries of {origin}, and the bundle given ends at {shown}: get a newer one",
            said.size
        );
        result.unknown.push(why);
        return result;
    }
    let (Some(begun), Some(state)) = (begun, state.filter(|state| state.size() == said.size)) else { return result };
    result.compare(&said, &begun, &state, shown);
    result
}

/// Whether the checkpoint of a bundle says that it is of the log of a policy; whatever else it is.
fn is_of(bundle: &mut dyn Source, policy: &Policy) -> bool {
    let bytes = bundle.read("checkpoint").ok().flatten();
    let origin = bytes.and_then(|bytes| Some(Checkpoint::parse(&Note::parse(&bytes).ok()?.text).ok()?.origin));
    origin.is_some_and(|origin| policy.logs.iter().any(|log| log.name == origin.as_str()))
}

impl Succession {
    fn compare(&mut self, said: &Predecessor, begun: &State, state: &State, shown: u64) {
        let (origin, size) = (said.origin.clone(), said.size);
        let found = state.root();
        if found != said.root {
            self.faults.push(BadSuccession::Root { origin: origin.clone(), size, stated: said.root, found });
        }
        if !state.is_sealed() {
            self.faults.push(BadSuccession::Size { origin: origin.clone(), size });
        }
        // Who lost a log, or names one of two, may leave an end behind, and says so.
        if shown > size && !matches!(said.reason.as_str(), "loss" | "fork") {
            let reason = said.reason.clone();
            self.faults.push(BadSuccession::EndLeftOut { origin, size, shown, reason });
        }
        let (began, until) = (begun.genesis().map(|g| g.received_at), state.last_received());
        if let (Some(began), Some(ended)) = (began, until)
            && began < ended
        {
            self.faults.push(BadSuccession::Earlier { began, ended });
        }
        let outcome = if self.faults.is_empty() { Outcome::Holds } else { Outcome::Fault };
        let title = "the log before is named as it was";
        self.steps.push(Step { section: "18", title, outcome, counted: format!("{size} entries of {}", said.origin) });
        if self.faults.is_empty() {
            self.carried = Some(carried(said, begun, state, shown));
        }
    }
}

fn carried(said: &Predecessor, begun: &State, state: &State, shown: u64) -> Carried {
    let at = state.last_received();
    let known = |bytes: &[u8; 32], role: Option<Role>| {
        let mut keys = state.keyring().keys().iter();
        keys.any(|key| {
            key.public().vkey().key == *bytes
                && at.is_some_and(|at| key.in_force(at))
                && role.is_none_or(|role| key.role == role)
        })
    };
    let keys = || begun.keyring().keys().iter();
    let signers = keys().filter(|key| said.signed_by.contains(&key.public().vkey().name));
    let known_signers = signers.filter(|key| known(&key.public().vkey().key, Some(key.role)));
    let oversight = || keys().filter(|key| key.role == Role::Oversight);
    let known_oversight = oversight().filter(|key| known(&key.public().vkey().key, Some(Role::Oversight))).count();
    Carried {
        said: said.clone(),
        until: at,
        streams: state.streams(),
        left_behind: shown - said.size,
        known_signers: known_signers.map(|key| key.public().vkey().name.clone()).collect(),
        known_oversight: (known_oversight, oversight().count()),
    }
}

/// Replays the beginning of a log while it is checked.
struct Replay<'a> {
    state: Option<State>,
    size: u64,
    progress: &'a mut dyn FnMut(&'static str, u64, u64),
}

impl<'a> Replay<'a> {
    fn until(size: u64, progress: &'a mut dyn FnMut(&'static str, u64, u64)) -> Self {
        Self { state: None, size, progress }
    }
}

impl Visitor for Replay<'_> {
    fn entry(&mut self, entry: &Verified<Accepted>, _opened: &Opened) {
        let entry = &entry.get().entry;
        if entry.position >= self.size {
            return;
        }
        if entry.position == 0 {
            self.state = Origin::parse(&entry.signed.event.ledger).map(State::new);
        }
        let replayed = self.state.as_mut().map(|state| state.replay(&entry.to_bytes()));
        if !matches!(replayed, Some(Ok(()))) {
            self.state = None;
        }
    }

    fn progress(&mut self, step: &'static str, done: u64, total: u64) {
        (self.progress)(step, done, total);
    }
}
