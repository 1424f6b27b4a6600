//! A mapping: how a spreadsheet that has its own column names, codes and dates becomes a
//! register. `IMPORT.md` shows the file.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::{Catalogue, EventType, Kind};
use schemas::lint;
use serde::Deserialize;

use super::cell::DateForm;
use super::columns::{Use, columns, is_number};
use super::near::did_you_mean;
use super::problem::{Problem, What};

/// Longest mapping file, in bytes.
pub const MAPPING_BYTES_MAX: usize = 1_048_576;

/// How foreign files are read, by event type.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    types: BTreeMap<String, TypeMapping>,
}

/// How foreign files of one event type are read.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypeMapping {
    columns: BTreeMap<String, String>,
    values: BTreeMap<String, BTreeMap<String, String>>,
    /// How days are written; `None` where they are as the register has them.
    pub dates: Option<DateForm>,
    /// Whether a comma parts the tenths of a percent.
    pub decimal_comma: bool,
    /// Minutes by which local times without a zone lie before UTC.
    pub utc_offset_minutes: Option<i32>,
}

impl TypeMapping {
    /// Our name of a foreign column.
    pub fn column(&self, foreign: &str) -> Option<&str> {
        self.columns.get(foreign).map(String::as_str)
    }

    /// Our spelling of a foreign value, where it has one.
    pub fn value<'a>(&'a self, column: &str, cell: &'a str) -> &'a str {
        self.values.get(column).and_then(|of| of.get(cell)).map_or(cell, String::as_str)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    dates: Option<String>,
    decimal_comma: Option<bool>,
    utc_offset_minutes: Option<i32>,
    #[serde(default)]
    event: BTreeMap<String, RawType>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawType {
    dates: Option<String>,
    decimal_comma: Option<bool>,
    utc_offset_minutes: Option<i32>,
    #[serde(default)]
    columns: BTreeMap<String, String>,
    #[serde(default)]
    values: BTreeMap<String, BTreeMap<String, String>>,
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(file: &str, bytes: &[u8]) -> Result<Self, Vec<Problem>> {
        let bad = |why: String| vec![Problem::of_file(file, What::BadMapping { why })];
        if bytes.len() > MAPPING_BYTES_MAX {
            return Err(bad(format!("it is larger than {MAPPING_BYTES_MAX} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| bad("it is not UTF-8".to_owned()))?;
        let raw: Raw = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|s| 1 + text[..s.start].bytes().filter(|b| *b == b'\n').count() as u64);
            vec![Problem { line, ..Problem::of_file(file, What::BadMapping { why: e.message().to_owned() }) }]
        })?;
        let mut problems = Vec::new();
        let mut types = BTreeMap::new();
        for (name, of) in &raw.event {
            let catalogue = Catalogue::built_in();
            let Some(event) = catalogue.event(name).or_else(|| catalogue.inner(name)) else {
                let names = catalogue.events().chain(catalogue.inners()).map(|e| e.name.as_str());
                let near = did_you_mean(name, names);
                let why = format!("{name} is no event type{near}");
                problems.push(Problem::of_file(file, What::BadMapping { why }));
                continue;
            };
            types.insert(name.clone(), read_type(file, &raw, event, of, &mut problems));
        }
        if problems.is_empty() { Ok(Self { types }) } else { Err(problems) }
    }

    /// How files of that type are read.
    pub(crate) fn of(&self, event: &str) -> Option<&TypeMapping> {
        self.types.get(event)
    }
}

fn read_type(file: &str, raw: &Raw, event: &EventType, of: &RawType, problems: &mut Vec<Problem>) -> TypeMapping {
    let all = columns(event);
    let names = || all.iter().map(|c| c.name.as_str());
    let mut tell = |column: &str, what| problems.push(Problem::of_file(file, what).in_column(column));
    let unknown =
        |to: &str| What::MappedColumn { event: event.name.clone(), to: to.to_owned(), near: did_you_mean(to, names()) };
    let dates = of.dates.as_ref().or(raw.dates.as_ref()).and_then(|text| {
        let form = DateForm::parse(text);
        if form.is_none() {
            let why = format!("{text:?} is no form of a day; write one such as \"D/M/Y\", \"M.D.Y\" or \"Y-M-D\"");
            tell("dates", What::BadMapping { why });
        }
        form
    });
    let offset = of.utc_offset_minutes.or(raw.utc_offset_minutes);
    if offset.is_some_and(|minutes| minutes.abs() > 14 * 60) {
        tell("utc_offset_minutes", What::BadMapping { why: "no clock is more than 840 minutes from UTC".to_owned() });
    }
    let mut taken = BTreeSet::new();
    for (foreign, to) in &of.columns {
        let Some(column) = all.iter().find(|c| c.name == *to) else {
            tell(foreign, unknown(to));
            continue;
        };
        if !taken.insert(to.as_str()) {
            tell(foreign, What::MappedTwice { to: to.clone() });
        }
        if lint::is_personal_column(foreign) && !is_number(event, column.used) {
            tell(foreign, What::PersonalColumn {});
        }
    }
    for (column, translations) in &of.values {
        let Some(found) = all.iter().find(|c| c.name == *column) else {
            tell(column, unknown(column));
            continue;
        };
        let Use::Field(n) = found.used else { continue };
        let codes = event.fields[n].codes();
        for to in translations.values().filter(|to| event.fields[n].kind == Kind::Code && !codes.contains(to)) {
            tell(column, What::MappedCode { to: to.clone(), codes: codes.join(", ") });
        }
    }
    TypeMapping {
        columns: of.columns.clone(),
        values: of.values.clone(),
        dates,
        decimal_comma: of.decimal_comma.or(raw.decimal_comma).unwrap_or(false),
        utc_offset_minutes: offset,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_read() {
        let text = r#"
            dates = "D/M/Y"
            decimal_comma = true
            [event."visit.completed"]
            utc_offset_minutes = 60
            [event."visit.completed".columns]
            "Date de visite" = "visited_on"
            "Nb détenus" = "participants_m_adult"
            [event."visit.completed".values.completion]
            "normale" = "normal"
        "#;
        let mapping = Mapping::read("map.toml", text.as_bytes()).unwrap();
        let visit = mapping.of("visit.completed").unwrap();
        assert_eq!(visit.column("Date de visite"), Some("visited_on"));
        assert_eq!(visit.column("visited_on"), None);
        assert_eq!(visit.value("completion", "normale"), "normal");
        assert_eq!(visit.value("completion", "cut"), "cut");
        assert_eq!((visit.dates.is_some(), visit.decimal_comma, visit.utc_offset_minutes), (true, true, Some(60)));
        assert!(mapping.of("visit.attempted").is_none());
    }

    #[test]
    fn a_bad_mapping_is_told() {
        for (text, code, holds) in [
            ("dates = 3", "mapping.form", ""),
            ("colour = 3", "mapping.form", "colour"),
            ("[event.\"visit.complete\"]", "mapping.form", "did you mean visit.completed?"),
            ("[event.\"visit.completed\"]\ndates = \"DMY\"", "mapping.form", "D/M/Y"),
            ("[event.\"visit.completed\"]\nutc_offset_minutes = 1000", "mapping.form", "840"),
            ("[event.\"visit.completed\".columns]\nDate = \"visitd_on\"", "mapping.column", "did you mean visited_on?"),
            ("[event.\"visit.completed\".columns]\na = \"wait\"\nb = \"wait\"", "mapping.twice", "column b"),
            ("[event.\"visit.completed\".columns]\nprisoner_no = \"id\"", "column.personal", "prisoner_no"),
            ("[event.\"visit.completed\".values.completon]\na = \"b\"", "mapping.column", "completion"),
            ("[event.\"visit.completed\".values.completion]\na = \"b\"", "mapping.code", "normal"),
        ] {
            let problems = Mapping::read("map.toml", text.as_bytes()).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].what.code(), code, "{text}");
            assert!(problems[0].to_string().contains(holds), "{}", problems[0]);
        }
        assert!(Mapping::read("map.toml", b"\xff").is_err());
        assert!(Mapping::read("map.toml", &vec![b'#'; MAPPING_BYTES_MAX + 1]).is_err());
    }
}
