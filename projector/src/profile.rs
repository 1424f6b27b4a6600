//! The rule profile: every window and threshold that the rules use. `rules/RULES.md`, "Parameters".
//!
//! Profiles are documents that oversight adopts by `rule.profile.adopted`; a parameter that one
//! lacks takes the default, which ships as a document too (`schemas/profile/default.toml`).

mod force;
pub mod param;
mod read;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemas::hash::Hash;
use schemas::time::{Date, Timestamp};

use crate::calendar::Calendar;
use crate::ratio::Ratio;

pub use force::{Adoption, Note, Profiles, Timeline};
use param::{Share, Whole, Words};
pub use schemas::profile::{DEFAULT, PROFILE_BYTES_MAX};

static BUILT_IN: LazyLock<Profile> =
    LazyLock::new(|| Profile::parse_alone(DEFAULT).unwrap_or_else(|e| panic!("the default profile: {e}")));

/// Every window and threshold, exact, and the calendar in which days are counted.
#[derive(Clone, Debug)]
pub struct Profile {
    digest: Hash,
    id: String,
    version: String,
    calendar: Calendar,
    params: BTreeMap<String, Param>,
    evaluation: Vec<(Date, Timestamp)>,
}

/// One parameter with its provenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The value.
    pub value: ParamValue,
    /// Its unit, such as `working_days`.
    pub unit: String,
    /// The rules that read it.
    pub rules: Vec<String>,
    /// `textual`, `jurisdiction` or `default`: how firm its source is.
    pub mark: String,
    /// Where the number comes from; may be empty.
    pub source: String,
    /// Whether the profile is silent about it, so that this is the default.
    pub is_default: bool,
}

/// The value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamValue {
    /// A number, exactly as its decimal text says.
    Number(Ratio),
    /// A list of codes.
    Words(Vec<String>),
}

/// Why a document is no profile. Whoever adopts it must mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadProfile {
    /// Too long.
    #[error("the profile has {bytes} bytes; at most {PROFILE_BYTES_MAX} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not UTF-8.
    #[error("the profile is not UTF-8 text; save it as UTF-8")]
    NotText,
    /// Not TOML of the profile's form.
    #[error("the profile is not in the form of rules/RULES.md, \"Parameters\": {0}")]
    Toml(String),
    /// A parameter of the wrong form.
    #[error("[param.{name}]: value = {found}; write {expected}")]
    Param {
        /// Name of the parameter.
        name: String,
        /// What stands there.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
    /// A part of the calendar, or of the scenario, of the wrong form.
    #[error("[{table}] {key}: {found:?}; write {expected}")]
    Part {
        /// The table.
        table: &'static str,
        /// The key in it.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What would be right.
        expected: &'static str,
    },
}

impl Profile {
    /// The default profile, in force before any is adopted.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads a profile; what it leaves out is taken from the default.
    ///
    /// # Errors
    /// [`BadProfile`] says what is wrong, where, and what to write instead.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadProfile> {
        if bytes.len() > PROFILE_BYTES_MAX {
            return Err(BadProfile::TooLong { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| BadProfile::NotText)?;
        read::profile(text, Some(Self::built_in()))
    }

    fn parse_alone(text: &str) -> Result<Self, BadProfile> {
        read::profile(text, None)
    }

    /// SHA-256 of the document, as `rule.profile.adopted` carries it.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The calendar in which its days are counted.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// All parameters by name, the defaults included.
    pub fn params(&self) -> impl Iterator<Item = (&str, &Param)> {
        self.params.iter().map(|(name, param)| (name.as_str(), param))
    }

    /// A whole number, in the unit that its name says.
    pub fn whole(&self, name: Whole) -> i64 {
        self.number(name.0).parts().0
    }

    /// An exact fraction.
    pub fn share(&self, name: Share) -> Ratio {
        self.number(name.0)
    }

    /// A list of codes.
    pub fn words(&self, name: Words) -> &[String] {
        match self.params.get(name.0).map(|p| &p.value) {
            Some(ParamValue::Words(words)) => words,
            _ => unreachable!("reading a profile checks the form of {}, and the default has it", name.0),
        }
    }

    /// Whether a list of codes has this one.
    pub fn has_word(&self, name: Words, word: &str) -> bool {
        self.words(name).iter().any(|w| w == word)
    }

    /// The evaluation dates of a scenario's profile, each with its instant; empty elsewhere.
    pub fn evaluation(&self) -> &[(Date, Timestamp)] {
        &self.evaluation
    }

    fn number(&self, name: &str) -> Ratio {
        match self.params.get(name).map(|p| &p.value) {
            Some(ParamValue::Number(ratio)) => *ratio,
            _ => unreachable!("reading a profile checks the form of {name}, and the default has it"),
        }
    }
}

#[cfg(test)]
mod tests;
