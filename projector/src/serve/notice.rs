//! What readers must be told beside the pages: that something could not be folded, that the log was caught, that the
//! feed shows nothing sound. On every page, in `/healthz` and in `/state`.

use std::fmt;

use schemas::hash::Hash;
use schemas::value::Value;

use crate::profile::BadProfile;

/// An entry that this program cannot take into its views, or not as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfolded {
    /// Its place in the log.
    pub position: u64,
    /// Its type.
    pub kind: String,
    /// Why.
    pub why: Why,
}

/// Why an entry was not folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The rule profile that it adopts is not at hand.
    Missing {
        /// Digest of the document.
        digest: Hash,
    },
    /// The document that it adopts as a rule profile is none.
    Profile {
        /// Digest of the document.
        digest: Hash,
        /// What is wrong with it.
        why: BadProfile,
    },
    /// It adopts a catalogue that this program does not have.
    Catalogue {
        /// Digest of the catalogue.
        digest: Hash,
    },
    /// It is of a type that this program does not know. Nothing after it can be folded.
    UnknownType {
        /// Version of the type.
        v: i64,
    },
    /// The fold itself failed. Nothing after it can be folded.
    Failed,
}

impl Unfolded {
    /// Whether nothing after it can be folded either.
    pub fn stops(&self) -> bool {
        matches!(self.why, Why::UnknownType { .. } | Why::Failed)
    }
}

impl fmt::Display for Unfolded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { position, kind, why } = self;
        write!(f, "entry {position} ({kind}): ")?;
        match why {
            Why::Missing { digest } => write!(
                f,
                "the rule profile that it adopts (sha-256 {digest}) is not at hand; the default profile stands in for it"
            ),
            Why::Profile { digest, why } => {
                write!(f, "what it adopts as a rule profile (sha-256 {digest}) is none: {why}; the default profile stands in for it")
            }
            Why::Catalogue { digest } => write!(
                f,
                "it adopts a catalogue of events (sha-256 {digest}) that this projector does not have; types that are new in it cannot be folded"
            ),
            Why::UnknownType { v } => {
                write!(f, "this projector does not know version {v} of that type; nothing from there on is shown until it is replaced by a newer one")
            }
            Why::Failed => f.write_str("this projector failed to fold it, which is its own fault; nothing from there on is shown until it is mended"),
        }
    }
}

/// What is wrong, for as long as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The log was caught breaking its promise. Nothing is published any more.
    Fault {
        /// What was found.
        text: String,
        /// The entry concerned.
        position: Option<u64>,
        /// Names of the files under `/evidence/` that prove it.
        evidence: Vec<String>,
    },
    /// An entry was not folded.
    Unfolded(Unfolded),
    /// What the feed gives is not the log, or it gives nothing. It may be mended there; nobody is accused.
    Feed {
        /// What was seen.
        text: String,
    },
    /// The feed shows the log as it was before.
    Behind {
        /// Entries that it shows.
        shown: u64,
        /// Entries that were followed already.
        followed: u64,
    },
    /// The views are made anew; the pages are those from before.
    Building {
        /// Entries taken again so far.
        done: u64,
        /// Entries in all.
        of: u64,
    },
    /// Views made anew from the same entries were others.
    Differs {
        /// State digest before.
        before: Hash,
        /// State digest made anew.
        anew: Hash,
    },
    /// This projector cannot do its work.
    Own {
        /// Why.
        text: String,
    },
    /// An opening does not fit what was committed; for oversight alone.
    Opening {
        /// What was found.
        text: String,
    },
}

impl Notice {
    /// One word for programs.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Fault { .. } => "fault",
            Self::Unfolded(_) => "unfolded",
            Self::Feed { .. } => "feed",
            Self::Behind { .. } => "behind",
            Self::Building { .. } => "building",
            Self::Differs { .. } => "differs",
            Self::Own { .. } => "failure",
            Self::Opening { .. } => "opening",
        }
    }

    /// Whether the public may see it: everything but what rests on openings.
    pub fn is_public(&self) -> bool {
        !matches!(self, Self::Opening { .. })
    }

    /// Whether nothing newer is published while it stands.
    pub fn stops(&self) -> bool {
        match self {
            Self::Fault { .. } | Self::Feed { .. } | Self::Behind { .. } | Self::Building { .. } | Self::Own { .. } => {
                true
            }
            Self::Unfolded(unfolded) => unfolded.stops(),
            Self::Differs { .. } | Self::Opening { .. } => false,
        }
    }

    /// The headline on a page.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Fault { .. } => "This log was caught breaking its promise.",
            Self::Unfolded(unfolded) if unfolded.stops() => "The log goes on, and this projector cannot follow it.",
            Self::Unfolded(_) => "An entry of the log could not be taken into these pages as it should be.",
            Self::Feed { .. } => "This projector does not get the log at the moment, or not in a sound state.",
            Self::Behind { .. } => "This projector is shown an older copy of the log than before.",
            Self::Building { .. } => "These pages are being made anew.",
            Self::Differs { .. } => "Made anew from the same entries, the state of this projector was another.",
            Self::Own { .. } => "This projector cannot do its work at the moment.",
            Self::Opening { .. } => "An opening does not fit what the log has committed to.",
        }
    }

    /// What it means and what is done, in whole sentences.
    pub fn text(&self) -> String {
        let text = self.words();
        let mut letters = text.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    }

    fn words(&self) -> String {
        match self {
            Self::Fault { text, .. } => format!(
                "{text}. Nothing is published from it any more; what stands here is from before. Anyone can check the evidence."
            ),
            Self::Unfolded(unfolded) => format!("{unfolded}."),
            Self::Feed { text } => {
                format!("{text}. What stands here is from before; it goes on by itself once that is mended.")
            }
            Self::Behind { shown, followed } => format!(
                "It shows {shown} entries; {followed} were followed and verified already, and what stands here is from those."
            ),
            Self::Building { done, of } => {
                format!("{done} of {of} entries are read again. What stands here is from before and whole.")
            }
            Self::Differs { before, anew } => format!(
                "The digest was {before} and is {anew}. What stands here is from the latter. One of the two was computed wrongly: tell whoever runs this projector."
            ),
            Self::Own { text } => format!("{text}. What stands here is from before."),
            Self::Opening { text } => format!("{text}. Its values are treated as withheld."),
        }
    }

    /// For programs.
    pub fn to_value(&self) -> Value {
        let text = |text: &str| Value::Text(text.to_owned());
        let mut members =
            vec![("kind", text(self.word())), ("stops", Value::Bool(self.stops())), ("text", text(&self.text()))];
        let position = match self {
            Self::Fault { position, .. } => *position,
            Self::Unfolded(unfolded) => Some(unfolded.position),
            _ => None,
        };
        if let Some(position) = position {
            members.push(("position", Value::Integer(i64::try_from(position).unwrap_or(i64::MAX))));
        }
        if let Self::Unfolded(unfolded) = self {
            members.push(("type", text(&unfolded.kind)));
        }
        if let Self::Fault { evidence, .. } = self {
            members.push(("evidence", Value::List(evidence.iter().map(|name| text(name)).collect())));
        }
        Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}
