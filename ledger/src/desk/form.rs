//! A form for one type of event, made from the catalogue: which controls there are, what was typed, what is wrong.
//!
//! What was typed becomes one row of a register, and is checked exactly as an imported row is.

use std::collections::{BTreeMap, BTreeSet};

use schemas::base::to_hex;
use schemas::catalogue::{Cosigner, EventType, Field, Kind, Ref, Role, Targets, Visibility};
use schemas::time::{Date, Timestamp};

use super::office::Office;
use super::posted::Posted;
use super::seen::{Record, Seen};
use crate::import::{self, Known as _, Problem};

/// Most earlier records that a ref offers, the newest first.
const CHOICES_MAX: usize = 200;

/// Most numbers that are tried for a free id.
const TRIES_MAX: u32 = 10_000;

/// What a control is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// A line of text; choices are offered and not demanded.
    Line(Vec<Choice>),
    /// A whole number, with its unit.
    Number(String),
    /// A percentage.
    Percent,
    /// An amount and its currency.
    Money,
    /// A day.
    Day,
    /// A day and an hour, local.
    Moment,
    /// A day, and an hour where it is known.
    When,
    /// Several moments, one a line.
    Moments,
    /// Several lines; choices are offered and not demanded.
    Lines(Vec<Choice>),
    /// One of these.
    One(Vec<Choice>),
    /// Any of these.
    Many(Vec<Choice>),
    /// Yes or no.
    Truth,
    /// A text, in one of these languages.
    Text(Vec<String>),
    /// Always this: shown, not asked.
    Fixed(String),
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is written into the row.
    pub value: String,
    /// What people read beside it.
    pub label: String,
}

/// One question of a form.
#[derive(Clone, Debug)]
pub struct Input {
    /// Column of the register.
    pub column: String,
    /// The question, in the catalogue's English; empty where the desk has words of its own.
    pub doc: String,
    /// Who will be able to read the answer; nothing where the question is not a field.
    pub visibility: Option<Visibility>,
    /// Whether it must be answered.
    pub required: bool,
    /// How it is answered.
    pub control: Control,
    /// The answer, or the answers.
    pub values: Vec<String>,
    /// The hour, the language or the currency beside it.
    pub beside: String,
    /// What is wrong with it.
    pub told: Vec<Problem>,
}

/// A form with what stands in it.
#[derive(Clone, Debug)]
pub struct Form {
    /// What it records.
    pub kind: &'static EventType,
    /// Its questions, in the order of the catalogue.
    pub inputs: Vec<Input>,
    /// Id of the register row.
    pub row: String,
    /// What is wrong with the form as a whole.
    pub told: Vec<Problem>,
    /// Whether there are warnings that somebody must have looked at.
    pub warned: bool,
}

impl Form {
    /// A form in which nothing stands but what the desk knows already, and what an answer takes from `asked`.
    pub fn blank(
        kind: &'static EventType,
        office: &Office,
        seen: &Seen,
        now: Timestamp,
        asked: Option<&Record>,
    ) -> Self {
        let today = office.day(now);
        let row = fresh_row(kind, office, seen, now);
        let mut form = Self { kind, inputs: Vec::new(), row, told: Vec::new(), warned: false };
        form.inputs.push(input("occurred_at", Control::When, true, vec![today.to_string()]));
        let pens: Vec<Choice> = office.pens().into_iter().map(plain).collect();
        let first = pens.first().map(|pen| pen.value.clone()).unwrap_or_default();
        form.inputs.push(input("signer", Control::One(pens), true, vec![first]));
        if let Some(from) = kind.cosigner {
            form.inputs.push(input("cosigner", Control::One(approvers(from, office)), true, Vec::new()));
        } else if kind.name == "visit.dispute.resolved" && office.party.role != Role::Oversight {
            form.inputs.push(input(
                "cosigner",
                Control::One(approvers(Cosigner::Organisation, office)),
                false,
                Vec::new(),
            ));
        }
        if let Some(of) = &kind.id_of {
            form.inputs.push(input("id", Control::Line(Vec::new()), true, vec![fresh_id(of, seen, today)]));
        }
        for reference in &kind.refs {
            form.inputs.push(of_ref(reference, office, seen));
        }
        for field in &kind.fields {
            form.inputs.push(of_field(field, office, seen));
        }
        if let Some(asked) = asked {
            form.answer(asked, office);
        }
        form
    }

    /// Takes over what a record says that is answered: the ref to it, and the parties that both name.
    fn answer(&mut self, asked: &Record, office: &Office) {
        let bare = asked.id.as_deref().and_then(|id| id.split_once('/')).map(|(_, bare)| bare.to_owned());
        for input in &mut self.inputs {
            let is_target = |reference: &Ref| match &reference.targets {
                Targets::Types(types) => types.contains(&asked.event.kind),
                Targets::Any => false,
            };
            if self.kind.reference(&input.column).is_some_and(is_target) {
                input.values = bare.iter().cloned().collect();
            } else if let Some(field) = self.kind.field(&input.column)
                && matches!(field.kind, Kind::Party | Kind::Facility)
                && !field.list
                && !matches!(input.control, Control::Fixed(_))
                && let Some(party) = asked.event.text(&input.column)
            {
                input.values = vec![office.pseudonyms.outside(party)];
            }
        }
    }

    /// Puts an answer to one question.
    pub fn about(&mut self, column: &str, value: &str) {
        for input in self.inputs.iter_mut().filter(|input| input.column == column) {
            input.values = vec![value.to_owned()];
        }
    }

    /// What was typed, in the same form.
    pub fn filled(kind: &'static EventType, office: &Office, seen: &Seen, now: Timestamp, posted: &Posted) -> Self {
        let mut form = Self::blank(kind, office, seen, now, None);
        let row = posted.field("row");
        if schemas::catalogue::is_id(row) && !seen.has_row(&office.party.id, &kind.name, row) {
            row.clone_into(&mut form.row);
        }
        for input in &mut form.inputs {
            if matches!(input.control, Control::Fixed(_)) {
                continue;
            }
            input.values = posted.all(&format!("f.{}", input.column));
            input.values.retain(|value| !value.trim().is_empty());
            posted.field(&format!("b.{}", input.column)).trim().clone_into(&mut input.beside);
        }
        form
    }

    /// The form as a register of one row.
    pub fn csv(&self, office: &Office) -> String {
        let mut cells: BTreeMap<String, String> = BTreeMap::new();
        cells.insert("row_id".to_owned(), self.row.clone());
        for input in &self.inputs {
            let cell = input.cell(office);
            match &input.control {
                Control::Money => {
                    cells.insert(format!("{}_currency", input.column), input.beside.clone());
                    cells.insert(format!("{}_amount", input.column), cell);
                }
                Control::Text(_) => {
                    let lang = if cell.is_empty() { String::new() } else { input.beside.clone() };
                    cells.insert(format!("{}_lang", input.column), lang);
                    cells.insert(input.column.clone(), cell);
                }
                _ => {
                    cells.insert(input.column.clone(), cell);
                }
            }
        }
        let header = import::template(&self.kind.name).unwrap_or_default();
        let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\""));
        let row = header.trim_end().split(',').map(|column| quoted(cells.get(column).map_or("", String::as_str)));
        let row: Vec<String> = row.collect();
        format!("{header}{}\n", row.join(","))
    }

    /// Puts each problem to the question that it is about.
    pub fn tell(&mut self, problems: &[Problem]) {
        for problem in problems {
            let column = problem.column.as_deref().unwrap_or_default();
            let bare = ["_amount", "_currency", "_lang"].into_iter().find_map(|end| column.strip_suffix(end));
            let place = |name: &str| self.inputs.iter().position(|input| input.column == name);
            match place(column).or_else(|| place(bare?)) {
                Some(at) => self.inputs[at].told.push(problem.clone()),
                None => self.told.push(problem.clone()),
            }
        }
    }

    /// How many things are wrong.
    pub fn wrong(&self) -> usize {
        self.told.len() + self.inputs.iter().map(|input| input.told.len()).sum::<usize>()
    }
}

impl Input {
    /// The answer as a cell of the register.
    fn cell(&self, office: &Office) -> String {
        let offset = office.calendar().utc_offset_minutes();
        let first = self.values.first().map_or("", |value| value.trim());
        match &self.control {
            Control::Fixed(value) => value.clone(),
            Control::When if self.beside.is_empty() => first.to_owned(),
            Control::When => moment(&format!("{first}T{}", self.beside), offset),
            Control::Moment => moment(first, offset),
            Control::Moments => lines(&self.values).map(|line| moment(line, offset)).collect::<Vec<_>>().join(";"),
            Control::Lines(_) => lines(&self.values).collect::<Vec<_>>().join(";"),
            Control::Many(_) => self.values.join(";"),
            Control::Text(_) => self.values.first().map_or("", String::as_str).trim().replace("\r\n", "\n"),
            _ => first.to_owned(),
        }
    }
}

fn lines(values: &[String]) -> impl Iterator<Item = &str> {
    values.iter().flat_map(|value| value.split([';', '\n', '\r'])).map(str::trim).filter(|line| !line.is_empty())
}

/// A local moment such as `2025-03-04T09:30` in UTC; what is none stays as it was typed, and is told.
fn moment(text: &str, offset_minutes: i32) -> String {
    let local = |seconds: &str| Timestamp::parse(&format!("{}{seconds}Z", text.replace(' ', "T")));
    let local = local(":00").or_else(|| local(""));
    local.map_or_else(|| text.to_owned(), |at| at.plus_seconds(i64::from(offset_minutes) * -60).to_string())
}

fn input(column: &str, control: Control, required: bool, values: Vec<String>) -> Input {
    Input {
        column: column.to_owned(),
        doc: String::new(),
        visibility: None,
        required,
        control,
        values,
        beside: String::new(),
        told: Vec::new(),
    }
}

fn plain(value: &str) -> Choice {
    Choice { value: value.to_owned(), label: value.to_owned() }
}

/// A row id that this type has not had: when the form was made, and random digits, so that two forms never have one. It
/// stays with the form: sent twice, the form is one record.
fn fresh_row(kind: &EventType, office: &Office, seen: &Seen, now: Timestamp) -> String {
    let random = crate::keys::random_bytes::<4>().map(|bytes| format!("-{}", to_hex(&bytes)));
    let stem = format!("desk-{}{}", now.unix(), random.unwrap_or_default());
    let free = |row: &String| !seen.has_row(&office.party.id, &kind.name, row);
    std::iter::once(stem.clone()).chain((2..TRIES_MAX).map(|n| format!("{stem}-{n}"))).find(free).unwrap_or(stem)
}

/// An id that no thing of the kind has, such as `visit-20250304-1`.
fn fresh_id(of: &str, seen: &Seen, today: Date) -> String {
    let stem = format!("{}-{}", of.replace('_', "-"), today.to_string().replace('-', ""));
    (1..TRIES_MAX).map(|n| format!("{stem}-{n}")).find(|id| seen.author_of(of, id).is_none()).unwrap_or(stem)
}

/// Who may give the second signature, as the row names them.
fn approvers(from: Cosigner, office: &Office) -> Vec<Choice> {
    let own = office.party.id.as_str();
    let fits = |party: &&import::Party| match from {
        Cosigner::Same => party.id == own,
        Cosigner::Organisation => party.id != own && party.role == Role::Cso,
        Cosigner::Operator => party.role == Role::Operator,
        Cosigner::Oversight => party.role == Role::Oversight,
    };
    let named = |party: &import::Party, holder: &String| {
        if party.id == own {
            plain(holder)
        } else {
            let label = format!("{}, {holder}", party.display_name);
            Choice { value: format!("{}:{holder}", party.id), label }
        }
    };
    let all = office.parties.iter().filter(fits);
    all.flat_map(|party| party.holders.iter().map(move |holder| named(party, holder))).collect()
}

fn of_ref(reference: &Ref, office: &Office, seen: &Seen) -> Input {
    let fits = |record: &&Record| match &reference.targets {
        Targets::Any => office.pseudonyms.outside(&record.event.by) == office.party.id,
        Targets::Types(types) => types.contains(&record.event.kind) && record.id.is_some(),
    };
    let choice = |record: &Record| {
        let value = match &reference.targets {
            Targets::Any => record.address.clone(),
            Targets::Types(_) => {
                record.id.as_deref().and_then(|id| id.split_once('/')).map_or("", |(_, id)| id).to_owned()
            }
        };
        let about = record.event.text("organisation").map(|party| office.pseudonyms.outside(party));
        let whose = about.as_deref().map(|party| format!(", {}", office.name(party))).unwrap_or_default();
        Choice { value, label: format!("{} {}{whose}", record.event.at(), record.event.kind) }
    };
    let choices: Vec<Choice> = seen.records().iter().rev().filter(fits).take(CHOICES_MAX).map(choice).collect();
    let control = if reference.many { Control::Lines(choices) } else { Control::Line(choices) };
    input(&reference.name, control, !reference.optional, Vec::new())
}

fn of_field(field: &Field, office: &Office, seen: &Seen) -> Input {
    let own = (office.party.role == Role::Cso && field.name == "organisation")
        || (office.party.role == Role::Facility && field.name == "facility");
    let parties = |facilities: bool| -> Vec<Choice> {
        let named = office.parties.iter().filter(|party| !facilities || party.role == Role::Facility);
        let named = named.map(|party| Choice { value: party.id.clone(), label: party.display_name.clone() });
        let pseudonymous = seen.pseudonymous().into_iter().filter(|_| !facilities).map(|(id, _)| plain(id));
        let mut listed = BTreeSet::new();
        named.chain(pseudonymous).filter(|choice| listed.insert(choice.value.clone())).collect()
    };
    let codes =
        || field.codes().iter().map(|code| Choice { value: code.clone(), label: code.replace('_', " ") }).collect();
    let unit = |word: &str| Control::Number(field.unit.clone().unwrap_or_else(|| word.to_owned()));
    let control = match (field.kind, field.list) {
        (Kind::Party | Kind::Facility, false) if own => Control::Fixed(office.party.id.clone()),
        (Kind::Party | Kind::Facility, false) => Control::One(parties(field.kind == Kind::Facility)),
        (Kind::Party | Kind::Facility, true) => Control::Many(parties(field.kind == Kind::Facility)),
        (Kind::Code, false) => Control::One(codes()),
        (Kind::Code, true) => Control::Many(codes()),
        (Kind::Time, true) => Control::Moments,
        (_, true) => Control::Lines(Vec::new()),
        (Kind::Date, false) => Control::Day,
        (Kind::Time, false) => Control::Moment,
        (Kind::Bool, false) => Control::Truth,
        (Kind::Text, false) => Control::Text(languages(office)),
        (Kind::Money, false) => Control::Money,
        (Kind::Percent, false) => Control::Percent,
        (Kind::Minutes, false) => unit("minutes"),
        (Kind::Hours, false) => unit("hours"),
        (Kind::Days, false) => unit("days"),
        (Kind::Count | Kind::Persons, false) => unit(""),
        (Kind::Id | Kind::Vkey | Kind::Digest, false) => Control::Line(Vec::new()),
    };
    let beside = if let Control::Text(languages) = &control { languages[0].clone() } else { String::new() };
    Input {
        doc: field.doc.clone(),
        visibility: Some(field.visibility),
        beside,
        ..input(&field.name, control, field.required, Vec::new())
    }
}

/// The institution's own languages first, then what others here write.
fn languages(office: &Office) -> Vec<String> {
    let all = office.party.languages.iter().chain(office.parties.iter().flat_map(|party| &party.languages));
    let mut seen = BTreeSet::new();
    let mut listed: Vec<String> = all.filter(|tag| seen.insert((*tag).clone())).cloned().collect();
    if listed.is_empty() {
        listed.push("en".to_owned());
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_moments_become_utc() {
        for (text, want) in [
            ("2025-03-04T09:30", "2025-03-04T04:30:00Z"),
            ("2025-03-04 01:30:15", "2025-03-03T20:30:15Z"),
            ("4 March", "4 March"),
            ("2025-03-04T", "2025-03-04T"),
        ] {
            assert_eq!(moment(text, 300), want, "{text:?}");
        }
    }

    #[test]
    fn lists_are_typed_line_by_line() {
        let typed = ["a; b\r\n\r\n c\n".to_owned()];
        assert_eq!(lines(&typed).collect::<Vec<_>>(), ["a", "b", "c"]);
    }
}
