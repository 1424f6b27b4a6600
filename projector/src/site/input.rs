//! What the pages are made from. Plain data: whoever holds a log can fill it.

use std::collections::{BTreeMap, BTreeSet};

use schemas::time::{Date, Timestamp};

use crate::erasures::Erasure;
use crate::finding::{Finding, FindingKind};
use crate::lens::Audience;
use crate::measure::Row;
use crate::rules::Missing;

/// Everything that the two pages say, before a [`Lens`](crate::lens::Lens) looked at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// The log that all of it was computed from.
    pub log: LogFacts,
    /// The windows in force that charts draw and sentences name.
    pub profile: ProfileFacts,
    /// Findings at each evaluation date, in order; the last is the one that the page shows.
    pub evaluations: Vec<Evaluation>,
    /// Rows of `measures.csv`, all at the log's `as_of`.
    pub measures: Vec<Row>,
    /// Every rule of the pack, in its order.
    pub rules: Vec<RuleInfo>,
    /// Every measure, in its order.
    pub measure_info: Vec<MeasureInfo>,
    /// Facilities by id.
    pub facilities: BTreeMap<String, Name>,
    /// Organisations whose identity mode is `named`, by id; all others stand under their pseudonym.
    pub organisations: BTreeMap<String, Name>,
    /// Ids of the authorities, oversight bodies and others that the log names and that are
    /// neither facility nor organisation.
    pub authorities: BTreeSet<String>,
    /// The erasures of the log, in its order; for oversight only.
    pub erasures: Vec<Erasure>,
    /// For whom; the lens sets it.
    pub audience: Audience,
    /// What the lens held back; the lens sets it.
    pub withheld: Withheld,
}

/// Which log, up to where, and how to recognise it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFacts {
    /// Origin of its checkpoints.
    pub origin: String,
    /// Who runs it.
    pub operator: Name,
    /// Entries under the checkpoint.
    pub size: u64,
    /// Root hash of the checkpoint as the checkpoint writes it, in base64, so that it can be compared with what
    /// `verifier check` prints.
    pub root: String,
    /// When that checkpoint was signed.
    pub checkpoint_at: Timestamp,
    /// The instant that everything is evaluated at.
    pub as_of: Timestamp,
    /// Local day of the first entry.
    pub genesis: Date,
    /// Local time of the profile's calendar, in minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Entries per event type; empty where nobody counted.
    pub entries: BTreeMap<String, u64>,
}

/// The rule profile in force, as far as the pages speak of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileFacts {
    /// Its id and version, such as `velmora-profile-1 1.0.0`.
    pub name: String,
    /// `ack_working_days`, in working days.
    pub acknowledge_working_days: Option<u32>,
    /// `decision_days`, in days.
    pub decision_days: Option<u32>,
    /// `reply_days`: a finding is not published before it has been open this long, in days.
    pub reply_days: u32,
}

/// What the rules said at one date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The date.
    pub as_of: Timestamp,
    /// What the rules could read.
    pub read: Read,
    /// What they found.
    pub findings: Vec<Finding>,
    /// What they could not judge.
    pub undetermined: Vec<Undetermined>,
}

/// What an evaluation was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Read {
    /// The public log and nothing else: no result can rest on a hidden value.
    PublicLog,
    /// The log and openings: any result may rest on a hidden value.
    Openings,
}

/// A duty that could not be judged with what is at hand.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Undetermined {
    /// Id of the rule.
    pub rule: String,
    /// Facility concerned, or empty.
    pub facility: String,
    /// Organisation concerned, or empty.
    pub organisation: String,
    /// What it is about, as in a finding.
    pub subject: String,
    /// The fields whose values are withheld or erased.
    pub missing: Vec<Missing>,
}

/// One rule, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Id, such as `ACC-02`.
    pub id: String,
    /// Title, such as `silent non-decision`.
    pub title: String,
    /// Fact or indicator.
    pub kind: FindingKind,
    /// The duty in plain words: who must do what, by when.
    pub duty: String,
    /// Where the duty comes from.
    pub source: String,
    /// What it takes to judge it.
    pub readers: Readers,
}

/// Who can judge a rule. `rules/RULES.md` 1, "Readers".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Anyone: all its inputs are public.
    Anyone,
    /// Only who holds the openings of these fields; for some arms at least.
    Holders(Vec<String>),
}

/// One measure, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasureInfo {
    /// Id, such as `T4.median`.
    pub id: String,
    /// Title, such as `median days to decision`.
    pub title: String,
    /// How it is counted.
    pub definition: String,
    /// What one of it is, such as `days`, `%`, `visits`.
    pub unit: String,
}

/// A name as its owner writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The text.
    pub text: String,
    /// Its language, BCP 47; empty where unknown.
    pub lang: String,
}

/// What a lens held back, as far as it may be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withheld {
    /// Findings of the last evaluation that wait for the right of reply.
    pub waiting_for_reply: usize,
    /// Ids of the rules that are never shown to this audience, with the reason.
    pub never: Vec<(String, &'static str)>,
    /// Whether an evaluation read openings, so that only what surely rests on public fields is left.
    pub openings_read: bool,
}

impl Site {
    /// Whether findings may exist that this audience does not see.
    pub fn holds_back(&self) -> bool {
        self.withheld.waiting_for_reply > 0 || self.withheld.openings_read
    }

    /// The evaluation that the pages show.
    pub fn latest(&self) -> Option<&Evaluation> {
        self.evaluations.last()
    }

    /// The rule of that id.
    pub fn rule(&self, id: &str) -> Option<&RuleInfo> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// The measure of that id, else of the part before its dot.
    pub fn measure(&self, id: &str) -> Option<&MeasureInfo> {
        let exact = self.measure_info.iter().find(|info| info.id == id);
        let stem = id.split('.').next().unwrap_or(id);
        exact.or_else(|| self.measure_info.iter().find(|info| info.id == stem))
    }

    /// The local day of an instant.
    pub fn day(&self, at: Timestamp) -> Date {
        at.date(self.log.utc_offset_minutes)
    }

    /// The day that everything is evaluated at.
    pub fn as_of_day(&self) -> Date {
        self.day(self.log.as_of)
    }
}
