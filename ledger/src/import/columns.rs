//! The header of a register: which column says what.

use schemas::catalogue::{EventType, Kind};
use schemas::lint;
use schemas::visible;

use super::is_harmless;
use super::mapping::TypeMapping;
use super::near::did_you_mean;
use super::problem::What;

/// What a column holds. Numbers are places among the refs or fields of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    RowId,
    OccurredAt,
    ReceivedAt,
    Signer,
    Cosigner,
    Id,
    Ref(usize),
    Field(usize),
    /// The language of a text.
    Language(usize),
    /// The currency of an amount.
    Currency(usize),
}

/// One column that a register of a type may have.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub name: String,
    pub used: Use,
    pub required: bool,
}

/// All columns of a type, in order, `received_at` included.
pub(crate) fn columns(event: &EventType) -> Vec<Column> {
    let column = |name: String, used, required| Column { name, used, required };
    let common = [
        ("row_id", Use::RowId),
        ("occurred_at", Use::OccurredAt),
        ("received_at", Use::ReceivedAt),
        ("signer", Use::Signer),
        ("cosigner", Use::Cosigner),
        ("id", Use::Id),
    ];
    let mut all: Vec<_> = common.into_iter().map(|(name, used)| column(name.to_owned(), used, true)).collect();
    all.extend(event.refs.iter().enumerate().map(|(n, r)| column(r.name.clone(), Use::Ref(n), !r.optional)));
    for (n, field) in event.fields.iter().enumerate() {
        let name = &field.name;
        match field.kind {
            Kind::Money => {
                all.push(column(format!("{name}_amount"), Use::Field(n), field.required));
                all.push(column(format!("{name}_currency"), Use::Currency(n), field.required));
            }
            Kind::Text => {
                all.push(column(name.clone(), Use::Field(n), field.required));
                all.push(column(format!("{name}_lang"), Use::Language(n), false));
            }
            _ => all.push(column(name.clone(), Use::Field(n), field.required)),
        }
    }
    all
}

/// The header row of a type, without `received_at`, which is never taken from outside; ends
/// without a line break.
pub(crate) fn header_row(event: &EventType) -> String {
    let names = columns(event).into_iter().filter(|c| c.used != Use::ReceivedAt).map(|c| c.name);
    names.collect::<Vec<_>>().join(",")
}

/// The header of one file.
#[derive(Debug)]
pub(crate) struct Header {
    /// What each column holds; `None` for one that cannot be used.
    pub uses: Vec<Option<Use>>,
    /// What each column is called in messages.
    pub names: Vec<String>,
    /// Whether one of the columns is about a person in custody: no cell is looked at then.
    pub personal: bool,
    /// What is wrong, each with its column.
    pub problems: Vec<(String, What)>,
}

impl Header {
    /// Reads the header row. `replay` says whether `received_at` is needed or forbidden.
    pub fn read(event: &EventType, cells: &[String], mapping: Option<&TypeMapping>, replay: bool) -> Self {
        let all = columns(event);
        let mut header = Self { uses: Vec::new(), names: Vec::new(), personal: false, problems: Vec::new() };
        if let Some(found) = separator(cells) {
            header.problems.push((String::new(), What::Separator { found }));
            return header;
        }
        let mut last = 0;
        let mut in_order = true;
        for (number, cell) in (1..).zip(cells) {
            let ours = mapping.and_then(|m| m.column(cell)).unwrap_or(cell);
            let at = all.iter().position(|c| c.name == ours);
            let name = if at.is_some_and(|at| all[at].name == *cell) || is_title(cell) {
                cell.clone()
            } else {
                format!("{number}")
            };
            header.names.push(name.clone());
            let column = at.map(|at| &all[at]);
            // A spreadsheet may call a number of persons "détenus"; anything else of that name
            // would be about one of them.
            if lint::is_personal_column(cell) && !column.is_some_and(|c| is_number(event, c.used)) {
                header.personal = true;
                header.uses.push(None);
                header.problems.push((name, What::PersonalColumn {}));
                continue;
            }
            let Some((at, column)) = at.zip(column) else {
                header.uses.push(None);
                let near = if is_harmless(cell) || is_title(cell) {
                    did_you_mean(cell, all.iter().map(|c| c.name.as_str()))
                } else {
                    String::new()
                };
                header.problems.push((name, What::UnknownColumn { event: event.name.clone(), near }));
                continue;
            };
            in_order &= at >= last;
            last = at;
            if header.uses.contains(&Some(column.used)) {
                header.uses.push(None);
                header.problems.push((name, What::DuplicateColumn {}));
                continue;
            }
            header.uses.push(Some(column.used));
            if column.used == Use::ReceivedAt && !replay {
                header.problems.push((name, What::ReceivedAt {}));
            }
        }
        header.check_missing(event, &all, replay);
        if !in_order && mapping.is_none() {
            header.problems.push((String::new(), What::ColumnOrder {}));
        }
        header
    }

    fn check_missing(&mut self, event: &EventType, all: &[Column], replay: bool) {
        for column in all {
            let partner = match column.used {
                Use::Field(n) if event.fields[n].kind == Kind::Money => Some(Use::Currency(n)),
                Use::Field(n) if event.fields[n].kind == Kind::Text => Some(Use::Language(n)),
                Use::Currency(n) => Some(Use::Field(n)),
                _ => None,
            };
            let required = if column.used == Use::ReceivedAt { replay } else { column.required };
            let needed = required || partner.is_some_and(|p| self.uses.contains(&Some(p)));
            if needed && !self.uses.contains(&Some(column.used)) {
                self.problems.push((column.name.clone(), What::MissingColumn {}));
            }
        }
    }

    /// The column that is used so.
    pub fn at(&self, used: Use) -> Option<usize> {
        self.uses.iter().position(|u| *u == Some(used))
    }
}

/// Whether a header cell may be repeated in a message: a few short words, not a row of data.
fn is_title(cell: &str) -> bool {
    let words = cell.split_whitespace().count();
    cell.chars().count() <= 40
        && words <= 4
        && visible::hidden_in_line(cell).is_none()
        && !cell.chars().any(char::is_numeric)
        && (lint::is_personal_column(cell)
            || cell.contains('_')
            || words <= 1
            || is_harmless(cell)
            || is_sentence(cell))
}

/// One capital at the beginning and none later: "Date de visite", not "Anselme Torvic".
fn is_sentence(cell: &str) -> bool {
    !cell.split_whitespace().skip(1).any(|word| word.starts_with(char::is_uppercase))
}

/// Whether a column holds one number and nothing else.
pub(crate) fn is_number(event: &EventType, used: Use) -> bool {
    let numbers = [Kind::Count, Kind::Persons, Kind::Minutes, Kind::Hours, Kind::Days, Kind::Percent];
    matches!(used, Use::Field(n) if !event.fields[n].list && numbers.contains(&event.fields[n].kind))
}

fn separator(cells: &[String]) -> Option<&'static str> {
    let [one] = cells else { return None };
    [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")]
        .into_iter()
        .find(|(c, _)| one.contains(*c))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::catalogue::Catalogue;

    fn header(text: &str, replay: bool) -> Header {
        let event = Catalogue::built_in().event("visit.countersigned").unwrap();
        let cells: Vec<_> = text.split(',').map(str::to_owned).collect();
        Header::read(event, &cells, None, replay)
    }

    const GOOD: &str = "row_id,occurred_at,signer,cosigner,id,visit,facility,organisation,statement";

    #[test]
    fn the_template_is_a_good_header() {
        for event in Catalogue::built_in().events().chain(Catalogue::built_in().inners()) {
            let cells: Vec<_> = header_row(event).split(',').map(str::to_owned).collect();
            let header = Header::read(event, &cells, None, false);
            assert!(header.problems.is_empty(), "{}: {:?}", event.name, header.problems);
        }
        assert_eq!(
            header_row(Catalogue::built_in().event("visit.countersigned").unwrap()),
            format!("{GOOD},reservations,note,note_lang")
        );
    }

    #[test]
    fn a_header_is_refused_with_the_column() {
        for (text, replay, column, code) in [
            (GOOD.replace("row_id,", ""), false, "row_id", "column.missing"),
            (GOOD.replace("visit,", ""), false, "visit", "column.missing"),
            (GOOD.replace(",statement", ""), false, "statement", "column.missing"),
            (GOOD.replace("cosigner,", ""), false, "cosigner", "column.missing"),
            (GOOD.to_owned(), true, "received_at", "column.missing"),
            (GOOD.replace("signer,cos", "received_at,signer,cos"), false, "received_at", "column.received-at"),
            (format!("{GOOD},statement"), false, "statement", "column.twice"),
            (format!("{GOOD},Reservation"), false, "Reservation", "column.unknown"),
            (format!("{GOOD},note_lang"), false, "note", "column.missing"),
            (format!("{GOOD},prisoner_no"), false, "prisoner_no", "column.personal"),
            (format!("{GOOD},Numéro du détenu"), false, "Numéro du détenu", "column.personal"),
            (format!("{GOOD},Anselme Torvic"), false, "10", "column.unknown"),
            (format!("{GOOD},x 44-1182"), false, "10", "column.unknown"),
            (GOOD.replace(',', ";"), false, "", "file.separator"),
            (GOOD.replace("signer,cosigner", "cosigner,signer"), false, "", "column.order"),
        ] {
            let problems = header(&text, replay).problems;
            let got: Vec<_> = problems.iter().map(|(c, what)| (c.as_str(), what.code())).collect();
            assert_eq!(got, [(column, code)], "{text}");
        }
    }
}
