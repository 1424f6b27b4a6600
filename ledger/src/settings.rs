//! What the ledger itself reads of a country's `profile.toml`: the calendar's offset, the size of
//! a sealed batch, and the moments of a replay. Rules and their numbers are the projector's.

use schemas::hash::Hash;
use schemas::time::{Date, Timestamp};
use schemas::visible;

use crate::failure::Failure;
use crate::files;
use crate::home::Home;

/// Records in one week's sealed batch, where the profile does not say. FORMAT.md 15.4.
const SEALED_BATCH_SIZE: usize = 8;

/// Settings of one ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Offset of local days from UTC, in minutes.
    pub utc_offset_minutes: i32,
    /// Records in one week's sealed batch.
    pub sealed_batch_size: usize,
    /// Instants at which a replay is judged, and seals.
    pub evaluations: Vec<Timestamp>,
}

/// Why a profile cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSettings {
    /// Not UTF-8, or not TOML.
    #[error("profile.toml: {0}")]
    Toml(String),
    /// A character that nobody sees, in a text that people will read.
    #[error("profile.toml, line {line}: it holds {hidden}, which nobody sees: delete it, or type the line anew")]
    Hidden {
        /// Its line, from 1.
        line: usize,
        /// What and where.
        hidden: visible::Hidden,
    },
    /// A value is missing or makes no sense.
    #[error("profile.toml, [{table}] {key}: {wants}")]
    Value {
        /// Its table.
        table: &'static str,
        /// Its key.
        key: &'static str,
        /// What belongs there.
        wants: &'static str,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self { utc_offset_minutes: 0, sealed_batch_size: SEALED_BATCH_SIZE, evaluations: Vec::new() }
    }
}

/// What stands in place of a profile where none was given.
pub(crate) const NO_PROFILE: &[u8] = b"# begun without a rule profile: local days begin at midnight UTC\n";
/// Longest profile, in bytes.
const PROFILE_BYTES_MAX: usize = 1 << 20;
/// What helps where the profile is gone or torn.
const WAY_OUT: &str = "put its copy back: what `init` and `ledger document` were given lies in documents/ under its digest. One that \
                       was changed here on purpose is kept there first (`ledger document LEDGER LEDGER/profile.toml`); a ledger \
                       that was begun without one has a file with no values in it";

impl Settings {
    /// Those of a ledger: of the profile in its folder, byte for byte as `init` or [`keep_document`] was given it. One that was
    /// cut may still be TOML, and what it lacks would be taken for what nobody said.
    ///
    /// [`keep_document`]: crate::writer::keep_document
    ///
    /// # Errors
    /// [`Failure::Lost`] if it is gone or not as it was written; [`Failure`] if it cannot be read.
    pub fn of(home: &Home) -> Result<Self, Failure> {
        let lost = |what: String| Failure::Lost { path: home.profile(), what, way_out: WAY_OUT };
        let Some(bytes) = files::read(&home.profile(), PROFILE_BYTES_MAX)? else {
            return Err(lost(
                "the rule profile, which says where local days begin and how large a sealed batch is, is gone"
                    .to_owned(),
            ));
        };
        if bytes != NO_PROFILE && !home.documents().join(Hash::of(&[&bytes]).to_hex()).exists() {
            return Err(lost(
                "the rule profile, which says where local days begin and how large a sealed batch is, is empty, cut or \
                 changed: it is none of those that are kept in documents/"
                    .to_owned(),
            ));
        }
        Self::read(&bytes).map_err(|why| lost(why.to_string()))
    }

    /// The same of a profile that somebody brings: its texts will be read by people, so nothing in them hides.
    ///
    /// # Errors
    /// [`BadSettings`] names the value, or the line.
    pub fn take(profile: &[u8]) -> Result<Self, BadSettings> {
        let text = std::str::from_utf8(profile).map_err(|e| BadSettings::Toml(e.to_string()))?;
        for (number, line) in (1..).zip(text.split('\n')) {
            if let Some(hidden) = visible::hidden(line) {
                return Err(BadSettings::Hidden { line: number, hidden });
            }
        }
        Self::read(profile)
    }

    /// Reads the settings out of a profile.
    ///
    /// # Errors
    /// [`BadSettings`] names the value.
    pub fn read(profile: &[u8]) -> Result<Self, BadSettings> {
        let text = std::str::from_utf8(profile).map_err(|e| BadSettings::Toml(e.to_string()))?;
        let profile: toml::Table = text.parse().map_err(|e: toml::de::Error| BadSettings::Toml(e.to_string()))?;
        let get = |table: &str, key: &str| profile.get(table).and_then(|t| t.get(key));
        let bad = |table, key, wants| BadSettings::Value { table, key, wants };
        let mut settings = Self::default();
        if let Some(offset) = get("calendar", "utc_offset_minutes") {
            let minutes = offset.as_integer().filter(|m| (-14 * 60..=14 * 60).contains(m));
            let wants = "a whole number of minutes, -840 to 840";
            let minutes = minutes.ok_or_else(|| bad("calendar", "utc_offset_minutes", wants))?;
            settings.utc_offset_minutes = i32::try_from(minutes).unwrap_or_default();
        }
        if let Some(size) = get("param", "sealed_batch_size").and_then(|p| p.get("value")) {
            let wants = "a whole number, 1 to 1024";
            let size = size.as_integer().and_then(|n| usize::try_from(n).ok()).filter(|n| (1..=1024).contains(n));
            settings.sealed_batch_size = size.ok_or_else(|| bad("param.sealed_batch_size", "value", wants))?;
        }
        let time = get("scenario", "time_of_day").and_then(toml::Value::as_str).unwrap_or("23:59:59");
        let seconds = seconds_of_day(time).ok_or_else(|| bad("scenario", "time_of_day", "a time such as 23:59:59"))?;
        let dates = get("scenario", "evaluation_dates").and_then(toml::Value::as_array);
        for date in dates.into_iter().flatten() {
            let date = date.as_str().and_then(Date::parse);
            let date = date.ok_or_else(|| bad("scenario", "evaluation_dates", "days such as 2025-03-31"))?;
            settings.evaluations.push(date.start(settings.utc_offset_minutes).plus_seconds(seconds));
        }
        settings.evaluations.sort_unstable();
        Ok(settings)
    }

    /// The last instant at which a replay is judged.
    pub fn last_instant(&self) -> Option<Timestamp> {
        self.evaluations.last().copied()
    }
}

fn seconds_of_day(text: &str) -> Option<i64> {
    let midnight = Timestamp::parse("2000-01-01T00:00:00Z")?;
    Timestamp::parse(&format!("2000-01-01T{text}Z")).map(|t| t.unix() - midnight.unix())
}
