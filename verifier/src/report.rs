//! What a check says: what was checked, what was not, against which anchor, and the verdict.

use schemas::hash::Hash;
use schemas::note::Vkey;
use schemas::policy::Policy;
use schemas::time::Timestamp;

use crate::doubt::Doubtful;
use crate::epoch::Predecessor;
use crate::fault::Fault;
use crate::head::SignedHead;

/// How one step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Checked, and it holds.
    Holds,
    /// Checked, and it does not.
    Fault,
    /// Not checked; the text beside it says why.
    NotChecked,
}

/// One step, with the number of its section in FORMAT.md.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Section of FORMAT.md.
    pub section: &'static str,
    /// What is checked.
    pub title: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// How much was checked, or why not.
    pub counted: String,
}

/// The one word at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that was checked holds.
    Verified,
    /// It holds, and some hidden values were erased by rule.
    PartlyErased,
    /// Something does not hold.
    NotVerified,
    /// Neither can be said.
    CannotTell,
}

/// The whole result of a check.
#[derive(Clone, Debug)]
pub struct Report {
    /// Steps in the order in which they were made.
    pub steps: Vec<Step>,
    /// Broken promises; the first named is the first found.
    pub faults: Vec<Fault>,
    /// Why nothing can be said, where that is so.
    pub unknown: Vec<String>,
    /// What was left out, in words.
    pub left_out: Vec<String>,
    /// The checkpoint that the policy accepts.
    pub head: Option<SignedHead>,
    /// Keys of logs in the reader's policy.
    pub anchors: Vec<Vkey>,
    /// When the last entry was received.
    pub as_of: Option<Timestamp>,
    /// Catalogue that genesis names.
    pub genesis_catalogue: Option<Hash>,
    /// Slots erased by rule.
    pub erased: u64,
    /// Whether this is about a refusal, which no checkpoint covers.
    pub refused: bool,
    /// Entries signed within a compromise window, at most [`crate::doubt::DOUBTFUL_MAX`] of them. They
    /// are lawful, so the verdict stands; whoever relies on one of them must know.
    pub doubtful: Vec<Doubtful>,
    /// How many there are.
    pub doubts: u64,
    /// The log that goes on in this one, as this one says.
    pub predecessor: Option<Predecessor>,
}

impl Report {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self {
            steps: Vec::new(),
            faults: Vec::new(),
            unknown: Vec::new(),
            left_out: Vec::new(),
            head: None,
            anchors: policy.logs.clone(),
            as_of: None,
            genesis_catalogue: None,
            erased: 0,
            refused: false,
            doubtful: Vec::new(),
            doubts: 0,
            predecessor: None,
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(crate) fn fault(&mut self, step: Step, fault: Fault) {
        self.steps.push(step);
        self.faults.push(fault);
    }

    pub(crate) fn cannot_tell(&mut self, why: String) {
        self.unknown.push(why);
    }

    pub(crate) fn not_checked(&mut self, what: &str) {
        self.left_out.push(what.to_owned());
    }

    /// Whether anything does not hold.
    pub fn has_fault(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The verdict. A fault is never outweighed by what could not be read.
    pub fn verdict(&self) -> Verdict {
        if self.has_fault() {
            Verdict::NotVerified
        } else if !self.unknown.is_empty() || (self.head.is_none() && !self.refused) {
            Verdict::CannotTell
        } else if self.erased > 0 {
            Verdict::PartlyErased
        } else {
            Verdict::Verified
        }
    }

    /// Exit code of the command: 0 holds, 1 fault, 2 cannot tell.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            Verdict::Verified | Verdict::PartlyErased => 0,
            Verdict::NotVerified => 1,
            Verdict::CannotTell => 2,
        }
    }
}

impl Verdict {
    /// The words that people read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "Verified",
            Self::PartlyErased => "Partly: erased by rule",
            Self::NotVerified => "Not verified",
            Self::CannotTell => "Cannot tell",
        }
    }
}
