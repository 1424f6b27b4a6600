//! Reading a profile from its TOML text. Numbers are read from the text itself, never through a float.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use schemas::hash::Hash;
use schemas::time::{Date, Timestamp};

use super::param::{ALL, Form};
use super::{BadProfile, Param, ParamValue, Profile};
use crate::calendar::{BadCalendar, Calendar};
use crate::ratio::{Ratio, WHOLE_MAX};

/// Most codes in a list.
const WORDS_MAX: usize = 256;
/// Most evaluation dates of a scenario.
const EVALUATION_DATES_MAX: usize = 1_000;

#[derive(Deserialize)]
struct Raw {
    profile: RawHead,
    calendar: Option<RawCalendar>,
    #[serde(default)]
    param: BTreeMap<String, RawParam>,
    scenario: Option<RawScenario>,
}

#[derive(Deserialize)]
struct RawHead {
    id: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCalendar {
    utc_offset_minutes: i64,
    weekend: Vec<String>,
    holidays: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParam {
    value: Spanned<toml::Value>,
    #[serde(default)]
    unit: String,
    #[serde(default)]
    rule: Vec<String>,
    #[serde(default)]
    mark: String,
    #[serde(default)]
    source: String,
}

#[derive(Deserialize)]
struct RawScenario {
    #[serde(default)]
    evaluation_dates: Vec<String>,
    #[serde(default = "end_of_day")]
    time_of_day: String,
}

fn end_of_day() -> String {
    "23:59:59".to_owned()
}

/// Reads a profile over `defaults`; without them every known parameter must be there.
pub(super) fn profile(text: &str, defaults: Option<&Profile>) -> Result<Profile, BadProfile> {
    let raw: Raw = toml::from_str(text).map_err(|e| BadProfile::Toml(e.to_string().trim_end().to_owned()))?;
    let part = |table, key, found: &str, expected| BadProfile::Part { table, key, found: found.to_owned(), expected };
    if raw.profile.id.is_empty() {
        return Err(part("profile", "id", "", "a name, such as \"velmora-profile-1\""));
    }
    let calendar = match (&raw.calendar, defaults) {
        (Some(raw), _) => calendar(raw)?,
        (None, Some(defaults)) => defaults.calendar.clone(),
        (None, None) => return Err(part("calendar", "utc_offset_minutes", "", "the calendar's table")),
    };
    let mut params: BTreeMap<String, Param> = defaults.map(|d| d.params.clone()).unwrap_or_default();
    for param in params.values_mut() {
        param.is_default = true;
    }
    for (name, raw) in raw.param {
        let value = value(&name, &raw.value, text)?;
        let RawParam { unit, rule: rules, mark, source, .. } = raw;
        params.insert(name, Param { value, unit, rules, mark, source, is_default: false });
    }
    if let Some((name, _)) = ALL.iter().find(|(name, _)| !params.contains_key(*name)) {
        return Err(BadProfile::Param {
            name: (*name).to_owned(),
            found: "nothing".to_owned(),
            expected: "a value: the default profile leaves nothing out",
        });
    }
    let evaluation = raw.scenario.map_or(Ok(Vec::new()), |s| evaluation(&s, &calendar))?;
    let (id, version) = (raw.profile.id, raw.profile.version);
    Ok(Profile { digest: Hash::of(&[text.as_bytes()]), id, version, calendar, params, evaluation })
}

fn calendar(raw: &RawCalendar) -> Result<Calendar, BadProfile> {
    Calendar::new(raw.utc_offset_minutes, &raw.weekend, &raw.holidays).map_err(|bad| {
        let (key, found, expected) = match bad {
            BadCalendar::Offset { found } => ("utc_offset_minutes", found.to_string(), "minutes from -1080 to 1080"),
            BadCalendar::Weekday { found } => ("weekend", found, "names among mon tue wed thu fri sat sun"),
            BadCalendar::NoWorkingDay => {
                ("weekend", raw.weekend.join(" "), "at most six days: some day must be worked")
            }
            BadCalendar::Holiday { found } => ("holidays", found, "days such as 2025-05-01"),
            BadCalendar::TooManyHolidays { found } => ("holidays", found.to_string(), "fewer days"),
        };
        BadProfile::Part { table: "calendar", key, found, expected }
    })
}

fn value(name: &str, raw: &Spanned<toml::Value>, text: &str) -> Result<ParamValue, BadProfile> {
    let found = text.get(raw.span()).unwrap_or_default();
    let bad = |expected| BadProfile::Param { name: name.to_owned(), found: found.to_owned(), expected };
    let form = ALL.iter().find(|(known, _)| *known == name).map(|(_, form)| *form);
    let number = || Ratio::parse(found);
    let words = || {
        let items = raw.get_ref().as_array()?;
        let words: Option<Vec<String>> = items.iter().map(|i| i.as_str().map(str::to_owned)).collect();
        words.filter(|w| w.len() <= WORDS_MAX)
    };
    match form {
        Some(Form::Whole) => {
            let whole = number().filter(|n| n.parts().1 == 1 && n.parts().0 <= WHOLE_MAX);
            whole.map(ParamValue::Number).ok_or_else(|| bad("a whole number, 0 or more"))
        }
        Some(Form::Share) => number()
            .map(ParamValue::Number)
            .ok_or_else(|| bad("a decimal such as 0.25, 0 or more, with at most 9 decimals")),
        Some(Form::Words) => words().map(ParamValue::Words).ok_or_else(|| bad("a list of codes, at most 256")),
        // A parameter of a later version, or of somebody else's tool: kept and shown, read by nobody.
        None => number()
            .map(ParamValue::Number)
            .or_else(|| words().map(ParamValue::Words))
            .ok_or_else(|| bad("a number or a list of codes")),
    }
}

fn evaluation(raw: &RawScenario, calendar: &Calendar) -> Result<Vec<(Date, Timestamp)>, BadProfile> {
    let bad =
        |key, found: &str, expected| BadProfile::Part { table: "scenario", key, found: found.to_owned(), expected };
    if raw.evaluation_dates.len() > EVALUATION_DATES_MAX {
        return Err(bad("evaluation_dates", &raw.evaluation_dates.len().to_string(), "at most 1000 days"));
    }
    let midnight = Timestamp::parse("1970-01-01T00:00:00Z").map_or(0, Timestamp::unix);
    let seconds = Timestamp::parse(&format!("1970-01-01T{}Z", raw.time_of_day))
        .map(|t| t.unix() - midnight)
        .ok_or_else(|| bad("time_of_day", &raw.time_of_day, "a time such as 23:59:59"))?;
    let one = |text: &String| {
        let date = Date::parse(text).ok_or_else(|| bad("evaluation_dates", text, "days such as 2025-03-31"))?;
        Ok((date, calendar.start(date).plus_seconds(seconds)))
    };
    let mut dates = raw.evaluation_dates.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    dates.sort_unstable();
    dates.dedup();
    Ok(dates)
}
