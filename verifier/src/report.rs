//! What a check says: what was checked, what was not, against which anchor, and the verdict.

use schemas::hash::Hash;
use schemas::note::Vkey;
use schemas::policy::Policy;
use schemas::time::Timestamp;

use crate::doubt::Doubtful;
use crate::epoch::Predecessor;
use crate::fault::Fault;
use crate::head::SignedHead;

/// Most faults that are listed; the others are counted. What is wrong throughout needs no list of all of it, and memory
/// has an end.
pub const FAULTS_MAX: usize = 1_000;

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
    /// Evidence that holds: the log lied.
    Proven,
    /// What was handed over as evidence proves nothing, and so accuses nobody.
    NotProven,
}

/// What a report is about: how much is said by one that holds. FORMAT.md 14.4.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum About {
    /// The whole log.
    #[default]
    Log,
    /// The records of a pack, and on whose word they are all.
    Records(Word),
    /// That there is no record, and on whose word.
    Absence(Word),
    /// One entry, by a receipt.
    Receipt,
    /// A refusal.
    Refusal,
    /// A checkpoint alone.
    Checkpoint,
    /// Two histories of one log.
    Fork,
}

/// On whose word the index is honest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// The operator's.
    Operator,
    /// That of auditors whom the reader trusts.
    Auditor(String),
    /// The reader has recomputed it.
    Reader,
}

/// The whole result of a check.
#[derive(Clone, Debug)]
pub struct Report {
    /// Steps in the order in which they were made.
    pub steps: Vec<Step>,
    /// Broken promises, at most [`FAULTS_MAX`] of them; the first named is the first found.
    pub faults: Vec<Fault>,
    /// How many were found.
    pub faults_found: u64,
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
    /// What it is about.
    pub about: About,
    /// Whether this is about a refusal, which no checkpoint covers.
    pub refused: bool,
    /// Entries signed within a compromise window, at most [`crate::doubt::DOUBTFUL_MAX`] of them. They
    /// are lawful, so the verdict stands; whoever relies on one of them must know.
    pub doubtful: Vec<Doubtful>,
    /// How many there are.
    pub doubts: u64,
    /// The log that goes on in this one, as this one says.
    pub predecessor: Option<Predecessor>,
    /// What systems left behind among the files, at most [`STRAYS_MAX`] of them: it changes nothing.
    pub strays: Vec<String>,
    /// How much that is.
    pub strays_found: u64,
    /// What does not fit in this copy, where its way explains all of it: at most [`FAULTS_MAX`] of it.
    pub mishaps: Vec<String>,
    /// How much that is.
    pub mishaps_found: u64,
    /// Keys of the log itself, by their bytes: those that seal and have sealed, and the one that signs checkpoints.
    pub(crate) own_keys: Vec<[u8; 32]>,
}

/// Most names that are kept of what systems left behind.
pub const STRAYS_MAX: usize = 100;
impl Report {
    pub(crate) fn new(policy: &Policy) -> Self {
        Self {
            steps: Vec::new(),
            faults: Vec::new(),
            faults_found: 0,
            unknown: Vec::new(),
            left_out: Vec::new(),
            head: None,
            anchors: policy.logs.clone(),
            as_of: None,
            genesis_catalogue: None,
            erased: 0,
            about: About::default(),
            refused: false,
            doubtful: Vec::new(),
            doubts: 0,
            predecessor: None,
            strays: Vec::new(),
            strays_found: 0,
            mishaps: Vec::new(),
            mishaps_found: 0,
            own_keys: Vec::new(),
        }
    }

    pub(crate) fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(crate) fn fault(&mut self, step: Step, fault: Fault) {
        self.steps.push(step);
        self.found(fault);
    }

    /// A broken promise: listed while there is room, and counted.
    pub(crate) fn found(&mut self, fault: Fault) {
        self.faults_found += 1;
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        }
    }

    /// Several; whoever goes through them to the end has them counted.
    pub(crate) fn found_all(&mut self, faults: impl IntoIterator<Item = Fault>) {
        faults.into_iter().for_each(|fault| self.found(fault));
    }

    pub(crate) fn cannot_tell(&mut self, why: String) {
        self.unknown.push(why);
    }

    /// What does not hold is explained by the way of the file: that is no lie, and nothing can be told.
    pub(crate) fn set_aside(&mut self, why: String) {
        let room = FAULTS_MAX.saturating_sub(self.mishaps.len());
        self.mishaps.extend(self.faults.drain(..).take(room).map(|fault| fault.to_string()));
        self.mishaps_found += std::mem::take(&mut self.faults_found);
        for step in self.steps.iter_mut().filter(|step| step.outcome == Outcome::Fault) {
            step.outcome = Outcome::NotChecked;
        }
        self.head = None;
        self.as_of = None;
        self.unknown.insert(0, why);
    }

    /// Something among the files that systems leave behind: it is named, and changes nothing.
    pub(crate) fn stray(&mut self, path: &str) {
        self.strays_found += 1;
        if self.strays.len() < STRAYS_MAX && !self.strays.iter().any(|known| known == path) {
            self.strays.push(path.to_owned());
        }
    }

    pub(crate) fn not_checked(&mut self, what: &str) {
        self.left_out.push(what.to_owned());
    }

    /// What was not checked before, and is now.
    pub(crate) fn checked_after_all(&mut self, what: &[&str]) {
        self.left_out.retain(|left| !what.contains(&left.as_str()));
    }

    /// Whether a key, under whatever name, is one of the log itself: one that seals or has sealed, or the one that signs
    /// checkpoints. What it signs beside that is nobody's word: no witness's, no auditor's, no carrier's. FORMAT.md 9.
    pub fn is_of_the_log(&self, key: &Vkey) -> bool {
        self.own_keys.contains(&key.key)
    }

    /// Takes note of the log's own keys; a witness of the policy that cosigned with one of them has witnessed nothing.
    pub(crate) fn of_the_log(&mut self, sealing: &[[u8; 32]], log_key: Option<&Vkey>, policy: &Policy) {
        self.own_keys = sealing.iter().copied().chain(log_key.map(|key| key.key)).collect();
        let counted = |name: &String| self.head.iter().flat_map(|head| &head.witnesses).any(|(seen, _)| seen == name);
        let own = policy.witnesses.iter().filter(|(name, key)| counted(name) && self.is_of_the_log(key));
        let names: Vec<&str> = own.map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            let why = format!(
                "your policy takes a key of the log itself for that of a witness ({}): what the log says of itself is \
                 witnessed by nobody; ask the witness for its key",
                names.join(", ")
            );
            self.cannot_tell(why);
        }
    }

    /// Whether anything does not hold.
    pub fn has_fault(&self) -> bool {
        !self.faults.is_empty()
    }

    /// The verdict. A fault is never outweighed by what could not be read.
    pub fn verdict(&self) -> Verdict {
        if self.about == About::Fork && (self.has_fault() || self.unknown.is_empty()) {
            if self.has_fault() { Verdict::NotProven } else { Verdict::Proven }
        } else if self.has_fault() {
            Verdict::NotVerified
        } else if !self.unknown.is_empty() || (self.head.is_none() && !self.refused) {
            Verdict::CannotTell
        } else if self.erased > 0 {
            Verdict::PartlyErased
        } else {
            Verdict::Verified
        }
    }

    /// Exit code of the command: 0 holds, 1 a lie was found (proof of one included), 2 cannot tell.
    pub fn exit_code(&self) -> u8 {
        match self.verdict() {
            Verdict::Verified | Verdict::PartlyErased => 0,
            Verdict::NotVerified | Verdict::Proven => 1,
            Verdict::CannotTell | Verdict::NotProven => 2,
        }
    }

    /// The verdict in the words that people read: what was proven, and what rests on the operator. FORMAT.md 14.4.
    pub fn word(&self) -> String {
        let word = match (self.verdict(), &self.about) {
            (Verdict::Verified, About::Absence(Word::Operator)) => {
                "Absent from the index; that the index is honest rests on the operator"
            }
            (Verdict::Verified, About::Absence(Word::Auditor(name))) => {
                return format!("Absent; that the index is honest rests on {name}");
            }
            (Verdict::Verified, About::Absence(Word::Reader)) => "Verified: absent",
            (verdict @ (Verdict::Verified | Verdict::PartlyErased), About::Records(word)) => {
                return Self::word_of_records(verdict, word);
            }
            (Verdict::Verified, About::Receipt) => "In the log; who signed the record rests on the operator",
            (Verdict::Verified, About::Refusal) => "Proven: this log refused; whether rightly rests on the operator",
            (Verdict::Verified, About::Checkpoint) => "Signed by the log; what is under it rests on the operator",
            (verdict, _) => verdict.as_str(),
        };
        word.to_owned()
    }

    /// What a pack cannot show, the operator could have hidden: a key that was revoked before, another finding.
    fn word_of_records(verdict: Verdict, word: &Word) -> String {
        let said = verdict.as_str();
        let lawful = match verdict {
            Verdict::PartlyErased => "that the log could admit each, and that no open finding needed what was erased,",
            _ => "that the log could admit each",
        };
        match word {
            Word::Reader => said.to_owned(),
            Word::Auditor(name) => format!("{said}; that none is missing rests on {name}, {lawful} on the operator"),
            Word::Operator if verdict == Verdict::PartlyErased => {
                format!("{said}; that none is missing, {lawful} rests on the operator")
            }
            Word::Operator => format!("{said}; that none is missing, and {lawful}, rests on the operator"),
        }
    }
}

impl Verdict {
    /// The words that people read, where nothing more is to be said: see [`Report::word`].
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verified => "Verified",
            Self::PartlyErased => "Partly: erased by rule",
            Self::NotVerified => "Not verified",
            Self::CannotTell => "Cannot tell",
            Self::Proven => "Proven: this log signed two histories",
            Self::NotProven => "Not proven",
        }
    }

    /// The same for programs, as the page has it too.
    pub fn code(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::PartlyErased => "partly",
            Self::NotVerified => "not_verified",
            Self::CannotTell => "cannot_tell",
            Self::Proven => "proven",
            Self::NotProven => "not_proven",
        }
    }
}
