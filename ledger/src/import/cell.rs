//! The text of a cell to the value of a field, and what to write instead where it is none.

use std::collections::BTreeSet;

use schemas::base::from_decimal;
use schemas::catalogue::{BadValue, Field, Kind, LIST_ITEMS_MAX, TEXT_BYTES_MAX, is_id};
use schemas::lint;
use schemas::time::{Date, Timestamp};
use schemas::value::Value;
use schemas::visible;

use super::echo::shown_of;
use super::mapping::TypeMapping;
use super::near::{did_you_mean, nearest};
use super::problem::What;

/// The order and the separator in which a spreadsheet writes days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateForm {
    order: [char; 3],
    separator: char,
}

impl DateForm {
    /// Reads a form such as `D/M/Y`: day, month and year in any order that people use, with one
    /// sign between them.
    pub fn parse(text: &str) -> Option<Self> {
        let [a, first, b, second, c] = text.chars().collect::<Vec<_>>().try_into().ok()?;
        let order = [a, b, c];
        let known = [['D', 'M', 'Y'], ['M', 'D', 'Y'], ['Y', 'M', 'D']].contains(&order);
        let sign = matches!(first, '/' | '.' | '-' | ' ');
        (known && sign && first == second).then_some(Self { order, separator: first })
    }

    fn date(self, text: &str) -> Option<Date> {
        let parts: [&str; 3] = text.split(self.separator).collect::<Vec<_>>().try_into().ok()?;
        let part = |which| self.order.iter().position(|c| *c == which).map_or("", |n| parts[n]);
        let (year, month, day) = (part('Y'), part('M'), part('D'));
        if year.len() != 4 || month.len() > 2 || day.len() > 2 {
            return None;
        }
        let [year, month, day] = [year, month, day].map(ParseDigits::parse_digits);
        Date::new(i16::try_from(year?).ok()?, i8::try_from(month?).ok()?, i8::try_from(day?).ok()?)
    }
}

trait ParseDigits {
    fn parse_digits(&self) -> Option<u32>;
}

impl ParseDigits for str {
    /// Digits alone; a leading nought is no harm here.
    fn parse_digits(&self) -> Option<u32> {
        let plain = !self.is_empty() && self.bytes().all(|b| b.is_ascii_digit());
        if plain { self.parse().ok() } else { None }
    }
}

/// Reads a day: as the register writes it, or as the mapping says.
pub(crate) fn date(cell: &str, mapping: Option<&TypeMapping>) -> Option<Date> {
    Date::parse(cell).or_else(|| mapping?.dates?.date(cell))
}

/// Reads an instant: in UTC as the register writes it, or a local one as the mapping says.
pub(crate) fn instant(cell: &str, mapping: Option<&TypeMapping>) -> Option<Timestamp> {
    if let Some(instant) = Timestamp::parse(cell) {
        return Some(instant);
    }
    let offset = mapping?.utc_offset_minutes?;
    let (day, clock) = cell.rsplit_once([' ', 'T'])?;
    let day = date(day, mapping)?;
    let mut parts = clock.split(':').map(ParseDigits::parse_digits);
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    let fits = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    fits.then(|| day.start(offset).plus_seconds(i64::from(hour * 3600 + minute * 60 + second)))
}

/// The value of a cell that is not empty; texts and amounts have a second cell, `beside`: the
/// language or the currency.
///
/// # Errors
/// What is wrong with the cell and what to write instead.
pub(crate) fn value(
    field: &Field,
    column: &str,
    cell: &str,
    beside: &str,
    mapping: Option<&TypeMapping>,
) -> Result<Value, What> {
    let cell = mapping.map_or(cell, |m| m.value(column, cell));
    let value = if field.list {
        let items: Vec<&str> = cell.split(';').collect();
        if items.len() > LIST_ITEMS_MAX {
            return Err(What::ListLong { max: LIST_ITEMS_MAX });
        }
        if items.iter().any(|i| i.is_empty() || i.trim() != *i) {
            return Err(What::ListBlank {});
        }
        let item = |i: &&str| one(field, mapping.map_or(*i, |m| m.value(column, i)), beside, mapping);
        let mut list = items.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        if field.kind == Kind::Time {
            // A desk that asks for the same hour in two lines of a form asks for one hour; the
            // event's list holds different items (FORMAT.md 2.2).
            let mut seen = BTreeSet::new();
            list.retain(|time| seen.insert(time.to_json()));
        }
        Value::List(list)
    } else {
        one(field, cell, beside, mapping)?
    };
    // The last word is the catalogue's own: what passes here passes at admission.
    field.check(&value).map_err(|bad| match bad {
        BadValue::List => What::ListTwice {},
        BadValue::TooLong { max } => What::CellTooLong { max },
        BadValue::Form { .. } | BadValue::Code { .. } => wrong(field, cell),
    })?;
    Ok(value)
}

fn one(field: &Field, cell: &str, beside: &str, mapping: Option<&TypeMapping>) -> Result<Value, What> {
    let bad = || wrong(field, cell);
    Ok(match field.kind {
        Kind::Id | Kind::Party | Kind::Facility => {
            Value::Text(Some(cell).filter(|c| is_id(c)).ok_or_else(bad)?.to_owned())
        }
        Kind::Vkey => {
            // C2SP signed-note: name, key hash and key joined by +; age: a bech32 recipient.
            let form = cell.split('+').count() >= 3 || cell.starts_with("age1");
            Value::Text(Some(cell).filter(|_| form).ok_or_else(bad)?.to_owned())
        }
        Kind::Date => Value::Text(date(cell, mapping).ok_or_else(bad)?.to_string()),
        Kind::Time => Value::Text(instant(cell, mapping).ok_or_else(bad)?.to_string()),
        Kind::Count | Kind::Persons | Kind::Minutes | Kind::Hours | Kind::Days => {
            Value::Integer(integer(cell).ok_or_else(bad)?)
        }
        Kind::Percent => Value::Integer(tenths(cell, mapping.is_some_and(|m| m.decimal_comma)).ok_or_else(bad)?),
        Kind::Money => {
            if beside.len() != 3 || !beside.bytes().all(|b| b.is_ascii_uppercase()) {
                let (shown, expected) = (shown_of(field, beside), "an ISO 4217 currency".to_owned());
                return Err(What::Form { shown, expected, write: "three capital letters, such as EUR".to_owned() });
            }
            Value::money(integer(cell).ok_or_else(bad)?, beside)
        }
        Kind::Code => {
            if !field.codes().iter().any(|c| c == cell) {
                return Err(not_a_code(field, cell));
            }
            Value::Text(cell.to_owned())
        }
        Kind::Text if cell.len() > TEXT_BYTES_MAX => return Err(What::CellTooLong { max: TEXT_BYTES_MAX }),
        // What a mapping puts there is looked at as well.
        Kind::Text if visible::hidden(cell).is_some() => {
            let hidden = visible::hidden(cell).map(|hidden| hidden.to_string()).unwrap_or_default();
            return Err(What::Control { hidden });
        }
        Kind::Text if cell.trim().is_empty() => return Err(What::Blank {}),
        Kind::Text => Value::localised(beside, cell),
        Kind::Digest => Value::Text(cell.to_owned()),
        Kind::Bool => match cell {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err(bad()),
        },
    })
}

fn integer(cell: &str) -> Option<i64> {
    from_decimal(cell).and_then(|n| i64::try_from(n).ok())
}

/// A percentage with at most one decimal, in tenths.
fn tenths(cell: &str, comma: bool) -> Option<i64> {
    let cell = if comma { cell.replacen(',', ".", 1) } else { cell.to_owned() };
    let (whole, tenth) = cell.split_once('.').unwrap_or((&cell, "0"));
    let one = tenth.len() == 1 && tenth.bytes().all(|b| b.is_ascii_digit());
    let total = integer(whole)?.checked_mul(10)? + i64::from(if one { tenth.parse_digits()? } else { return None });
    (total <= 1000).then_some(total)
}

fn not_a_code(field: &Field, cell: &str) -> What {
    let codes = || field.codes().iter().map(String::as_str);
    let close = nearest(cell, codes());
    // A slip of a code is no name; anything else is judged like every other value.
    let shown = if close.is_some() && cell.chars().count() <= 40 { format!("{cell:?}") } else { shown_of(field, cell) };
    What::Code {
        shown,
        list: field.codelist.clone().unwrap_or_default(),
        codes: field.codes().join(", "),
        near: did_you_mean(cell, codes()),
    }
}

fn wrong(field: &Field, cell: &str) -> What {
    let plain = lint::fold(cell).trim().to_owned();
    let shown = shown_of(field, cell);
    let quoted = shown != "the value";
    let form = |expected: String, like: &str, instead: Option<String>| {
        // What to write instead may repeat part of what stands there.
        let write = instead.filter(|_| quoted).unwrap_or_else(|| format!("it as {like}"));
        What::Form { shown: shown.clone(), expected, write }
    };
    match field.kind {
        Kind::Count | Kind::Persons | Kind::Minutes | Kind::Hours | Kind::Days => {
            let unit = match field.kind {
                Kind::Minutes => "minutes",
                Kind::Hours => "hours",
                Kind::Days => "days",
                _ => field.unit.as_deref().unwrap_or(""),
            };
            let expected =
                if unit.is_empty() { "a whole number".to_owned() } else { format!("a whole number of {unit}") };
            form(expected, "digits alone, such as 12", whole(&plain))
        }
        Kind::Money => form("a whole number of minor units".to_owned(), "digits alone: 12.50 is 1250", None),
        Kind::Percent => {
            let instead = tenths(plain.trim_end_matches(['%', ' ']), true).map(|t| match t % 10 {
                0 => (t / 10).to_string(),
                tenth => format!("{}.{tenth}", t / 10),
            });
            form("a percentage from 0 to 100 with at most one decimal".to_owned(), "12 or 12.5", instead)
        }
        Kind::Date => form("a day".to_owned(), "2025-03-04 (year-month-day)", day_instead(&plain)),
        Kind::Time => form("an instant in UTC".to_owned(), "2025-03-04T09:30:00Z", instant_instead(&plain)),
        Kind::Bool => form("true or false".to_owned(), "true or false", truth(&plain)),
        Kind::Digest => {
            let lower = plain.to_ascii_lowercase();
            let good = lower.len() == 64 && lower.bytes().all(|b| b.is_ascii_hexdigit());
            let like =
                if good { "the same digits in lower case" } else { "the SHA-256 of the document, 64 digits 0-9 a-f" };
            form("a digest".to_owned(), like, None)
        }
        Kind::Vkey => {
            form("a verifier key".to_owned(), "name+hash+key (C2SP signed-note), or an age recipient age1…", None)
        }
        Kind::Id => form("an id".to_owned(), "letters, digits and . _ : -, at most 128", None),
        Kind::Party | Kind::Facility => form("a party id".to_owned(), "the id that parties.csv gives it", None),
        Kind::Code => not_a_code(field, cell),
        Kind::Text => form("a text with its language".to_owned(), "a text, and a BCP 47 language such as fr", None),
    }
}

/// `12 min`, `012`, `12.0` and `1 200` mean a number; `12.5` and `1h30` do not.
fn whole(cell: &str) -> Option<String> {
    let end = cell.find(|c: char| !c.is_ascii_digit() && c != ' ' && c != '\'').unwrap_or(cell.len());
    let (number, rest) = cell.split_at(end);
    let rest = rest.strip_prefix(".0").unwrap_or(rest).trim();
    let word = rest.chars().all(|c| c.is_alphabetic() || c == '.' && rest.ends_with('.')) && rest.chars().count() <= 10;
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    (!number.trim().is_empty() && word && digits.len() <= 9)
        .then(|| if digits.is_empty() { "0".to_owned() } else { digits.to_owned() })
}

/// Both readings of a day that may have two.
fn day_instead(cell: &str) -> Option<String> {
    let separator = ['/', '.', '-'].into_iter().find(|c| cell.contains(*c))?;
    let read = |order| DateForm { order, separator }.date(cell).map(|d| d.to_string());
    if let Some(day) = read(['Y', 'M', 'D']) {
        return Some(day);
    }
    match (read(['D', 'M', 'Y']), read(['M', 'D', 'Y'])) {
        (Some(a), Some(b)) if a != b => Some(format!("{a} or {b}, or give a mapping that says which (IMPORT.md)")),
        (a, b) => a.or(b),
    }
}

/// The same instant in UTC, where the cell gives its distance.
fn instant_instead(cell: &str) -> Option<String> {
    let local = Timestamp::parse(&format!("{}Z", cell.get(..19)?.replace(' ', "T")))?;
    let rest = cell.get(19..)?;
    if rest.is_empty() {
        return Some(format!("{local} if that is UTC"));
    }
    let sign = if rest.starts_with('+') {
        -1
    } else if rest.starts_with('-') {
        1
    } else {
        return None;
    };
    let (hours, minutes) = rest[1..].split_once(':')?;
    let (hours, minutes) = (hours.parse_digits()?, minutes.parse_digits()?);
    (hours <= 14 && minutes < 60).then(|| local.plus_seconds(sign * i64::from(hours * 3600 + minutes * 60)).to_string())
}

fn truth(cell: &str) -> Option<String> {
    match cell.to_lowercase().as_str() {
        "true" | "yes" | "oui" | "vrai" | "1" | "نعم" | "да" => Some("true".to_owned()),
        "false" | "no" | "non" | "faux" | "0" | "لا" | "нет" => Some("false".to_owned()),
        _ => None,
    }
}
