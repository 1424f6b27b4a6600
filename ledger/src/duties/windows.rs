//! The windows of the duties that a desk shows, and the calendar, out of a rule profile.
//!
//! The profile is read where it is silent over the default, which ships as a document: no number stands here.

use std::sync::LazyLock;

use schemas::calendar::{BadCalendar, Calendar};
use schemas::profile::{DEFAULT, PROFILE_BYTES_MAX};

/// Most days, hours or times of one window.
const WHOLE_MAX: i64 = 1_000_000;

static BUILT_IN: LazyLock<Windows> = LazyLock::new(|| {
    Windows::read_over(DEFAULT.as_bytes(), None).unwrap_or_else(|e| panic!("the default profile: {e}"))
});

/// How long an answer may take, and by which calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Name of the profile, for people.
    pub profile: String,
    /// Local days, weekend, holidays.
    pub calendar: Calendar,
    /// Working days until a request is acknowledged. ACC-01.
    pub ack_working_days: i64,
    /// Days until a request is decided. ACC-02.
    pub decision_days: i64,
    /// Most clarifications that stop the clock of a request.
    pub toll_cap_times: i64,
    /// Most days that they stop it.
    pub toll_cap_days: i64,
    /// Days until a recommendation is answered that names no day. REC-01.
    pub answer_days: i64,
    /// Days until a finding is replied to that names no day.
    pub reply_days: i64,
    /// Most days between reviews of a measure. MEA-02.
    pub review_max_days: i64,
    /// Hours after an outage in which its clocks still stand.
    pub outage_grace_hours: i64,
    /// Statuses of a facility during which its clocks stand.
    pub emergency_statuses: Vec<String>,
}

/// Why a profile cannot be read here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadWindows {
    /// Longer than a profile may be.
    #[error("the profile has {bytes} bytes; at most {PROFILE_BYTES_MAX} are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not UTF-8, or not TOML.
    #[error("the profile is not in the form of projector/rules/RULES.md, \"Parameters\": {0}")]
    Toml(String),
    /// A parameter is no whole number, or no list of codes.
    #[error("[param.{name}]: write {wants}")]
    Param {
        /// Its name.
        name: &'static str,
        /// What belongs there.
        wants: &'static str,
    },
    /// The calendar is none.
    #[error("[calendar]: {0}")]
    Calendar(BadCalendar),
}

impl Windows {
    /// Those of the default profile.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Reads them out of a profile; what it leaves out is taken from the default.
    ///
    /// # Errors
    /// [`BadWindows`] names the part that is wrong.
    pub fn read(profile: &[u8]) -> Result<Self, BadWindows> {
        Self::read_over(profile, Some(Self::built_in()))
    }

    /// The same at another offset from UTC, in minutes.
    ///
    /// # Errors
    /// [`BadWindows::Calendar`] if no place has it.
    pub fn at_offset(&self, utc_offset_minutes: i32) -> Result<Self, BadWindows> {
        let calendar = self.calendar.at_offset(utc_offset_minutes).map_err(BadWindows::Calendar)?;
        Ok(Self { calendar, ..self.clone() })
    }

    fn read_over(profile: &[u8], default: Option<&Self>) -> Result<Self, BadWindows> {
        if profile.len() > PROFILE_BYTES_MAX {
            return Err(BadWindows::TooLong { bytes: profile.len() });
        }
        let text = std::str::from_utf8(profile).map_err(|e| BadWindows::Toml(e.to_string()))?;
        let table: toml::Table = text.parse().map_err(|e: toml::de::Error| BadWindows::Toml(e.to_string()))?;
        let value = |name: &str| table.get("param").and_then(|t| t.get(name)).and_then(|p| p.get("value"));
        let whole = |name: &'static str, default: Option<i64>| {
            let wants = "a whole number, 0 or more";
            match (value(name), default) {
                (None, Some(default)) => Ok(default),
                (found, _) => found
                    .and_then(toml::Value::as_integer)
                    .filter(|n| (0..=WHOLE_MAX).contains(n))
                    .ok_or(BadWindows::Param { name, wants }),
            }
        };
        let words = |name: &'static str, default: Option<&Vec<String>>| {
            let wants = "a list of codes";
            match (value(name), default) {
                (None, Some(default)) => Ok(default.clone()),
                (found, _) => found
                    .and_then(toml::Value::as_array)
                    .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect())
                    .ok_or(BadWindows::Param { name, wants }),
            }
        };
        let calendar = match (table.get("calendar"), default) {
            (None, Some(default)) => default.calendar.clone(),
            (raw, _) => calendar(raw)?,
        };
        let id = table.get("profile").and_then(|p| p.get("id")).and_then(toml::Value::as_str).unwrap_or_default();
        Ok(Self {
            profile: id.to_owned(),
            calendar,
            ack_working_days: whole("ack_working_days", default.map(|d| d.ack_working_days))?,
            decision_days: whole("decision_days", default.map(|d| d.decision_days))?,
            toll_cap_times: whole("toll_cap_times", default.map(|d| d.toll_cap_times))?,
            toll_cap_days: whole("toll_cap_days", default.map(|d| d.toll_cap_days))?,
            answer_days: whole("answer_days", default.map(|d| d.answer_days))?,
            reply_days: whole("reply_days", default.map(|d| d.reply_days))?,
            review_max_days: whole("review_max_days", default.map(|d| d.review_max_days))?,
            outage_grace_hours: whole("outage_grace_hours", default.map(|d| d.outage_grace_hours))?,
            emergency_statuses: words("emergency_statuses", default.map(|d| &d.emergency_statuses))?,
        })
    }
}

fn calendar(raw: Option<&toml::Value>) -> Result<Calendar, BadWindows> {
    let list = |key: &str| -> Vec<String> {
        let items = raw.and_then(|c| c.get(key)).and_then(toml::Value::as_array);
        items.into_iter().flatten().map(|item| item.as_str().unwrap_or_default().to_owned()).collect()
    };
    let offset = raw.and_then(|c| c.get("utc_offset_minutes")).and_then(toml::Value::as_integer).unwrap_or_default();
    Calendar::new(offset, &list("weekend"), &list("holidays")).map_err(BadWindows::Calendar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_profile_leaves_out_is_the_default() {
        let text = "[profile]\nid = \"p-1\"\n[calendar]\nutc_offset_minutes = 300\nweekend = [\"fri\"]\nholidays = []\n\
                    [param.decision_days]\nvalue = 10\n";
        let windows = Windows::read(text.as_bytes()).unwrap();
        assert_eq!((windows.profile.as_str(), windows.decision_days), ("p-1", 10));
        assert_eq!(windows.calendar.utc_offset_minutes(), 300);
        assert_eq!(windows.ack_working_days, Windows::built_in().ack_working_days);
        assert_eq!(windows.emergency_statuses, Windows::built_in().emergency_statuses);
    }

    #[test]
    fn a_bad_part_is_named() {
        for (text, wants) in [
            ("[", "RULES.md"),
            ("[param.decision_days]\nvalue = -1\n", "[param.decision_days]: write a whole number"),
            ("[param.answer_days]\nvalue = \"x\"\n", "[param.answer_days]"),
            ("[param.emergency_statuses]\nvalue = [1]\n", "a list of codes"),
            ("[calendar]\nweekend = [\"someday\"]\n", "[calendar]: \"someday\""),
        ] {
            let told = Windows::read(text.as_bytes()).unwrap_err().to_string();
            assert!(told.contains(wants), "{told}");
        }
        assert!(matches!(Windows::read(&vec![b' '; PROFILE_BYTES_MAX + 1]), Err(BadWindows::TooLong { .. })));
    }
}
