//! What a rule found. `rules/RULES.md` 1, "findings.csv".

use schemas::time::{Date, Timestamp};

/// How grave a finding is, in the words of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Severity {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

/// Whether a finding says what is, or what looks odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// A breach of a recorded duty, decided from the log alone.
    Fact,
    /// Statistical or temporal; for oversight to judge, never published as a violation.
    Indicator,
}

/// Where a finding stands. `rules/RULES.md` 1, "Status".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The breach goes on or cannot be undone.
    Open,
    /// The missing act came after the due day.
    Late,
    /// The defect was cured.
    Remedied,
    /// Received after the due day, claimed to have happened by it; never a breach.
    LateRecorded,
}

/// What a finding rests on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// An event of the log.
    Event {
        /// Its place in the log.
        position: u64,
        /// Its address, `<party>/<event.type>/<row>`.
        address: String,
    },
    /// That a stream of the index holds no event of these types in a range of local days,
    /// both inclusive; proved by all items of the stream in that range.
    Absence {
        /// Name of the stream, such as `request/cso-league/rq-0330`.
        stream: String,
        /// The types looked for.
        types: Vec<&'static str>,
        /// First day.
        from: Date,
        /// Last day.
        to: Date,
    },
}

/// One finding at one `as_of`. Its key is (rule, facility, organisation, subject).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Id of the rule, such as `ACC-01`.
    pub rule: &'static str,
    /// Arms of the rule that hold, in order; empty where it has none.
    pub arms: Vec<&'static str>,
    /// How grave.
    pub severity: Severity,
    /// Fact or indicator.
    pub kind: FindingKind,
    /// Where it stands.
    pub status: Status,
    /// Facility concerned, or empty.
    pub facility: String,
    /// Organisation concerned, or empty.
    pub organisation: String,
    /// What it is about: a business id without its party, an event address, or a date.
    pub subject: String,
    /// When it began.
    pub opened_at: Timestamp,
    /// When it ended, unless open.
    pub closed_at: Option<Timestamp>,
    /// Events in log order, then absences.
    pub evidence: Vec<Evidence>,
    /// One line for people: what was computed.
    pub detail: String,
}

impl Severity {
    /// The word of the catalogue.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl FindingKind {
    /// `fact` or `indicator`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Indicator => "indicator",
        }
    }
}

impl Status {
    /// `open`, `late`, `remedied` or `late_recorded`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Late => "late",
            Self::Remedied => "remedied",
            Self::LateRecorded => "late_recorded",
        }
    }
}
