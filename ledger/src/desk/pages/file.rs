//! A register as a CSV file: dry run, errors in their place, then recording.

use std::collections::BTreeMap;

use maud::{Markup, html};
use schemas::lint::lint_folded;

use super::form::told;
use super::shell::{View, icon, page};
use crate::desk::work::Taken;
use crate::import::{Problem, Severity};

/// Rows with errors that are shown whole.
const ROWS_SHOWN: usize = 100;
/// Characters of a cell that are shown.
const CELL_CHARS_MAX: usize = 80;

/// A file that was read and not recorded yet.
#[derive(Debug, Default)]
pub struct Tried {
    /// Number of the try, so that what is recorded is what was shown.
    pub number: u64,
    /// Names of the files.
    pub names: Vec<String>,
    /// Rows that may be recorded.
    pub good: usize,
    /// Rows that are there already.
    pub again: usize,
    /// Rows that are refused.
    pub refused: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What somebody should look at.
    pub warnings: Vec<Problem>,
    /// What became of it, once it is recorded.
    pub taken: Option<Taken>,
    /// Header and cells of each file, by line, as far as they are needed to show errors in their place.
    pub cells: BTreeMap<String, Sheet>,
}

/// The cells of a file.
#[derive(Debug, Default)]
pub struct Sheet {
    /// The header.
    pub header: Vec<String>,
    /// Rows by line.
    pub rows: BTreeMap<u64, Vec<String>>,
}

/// The page where a file is chosen or dropped; `wrong` says why the last one was not read.
pub fn ask(view: &View<'_>, wrong: Option<&Markup>) -> Markup {
    let title = html! { (view.say("nav-file")) };
    let body = html! {
        @if let Some(wrong) = wrong { section.summary role="alert" { p { (icon("refused")) " " (wrong) } } }
        p.lead { (view.say("file-lead")) }
        form.drop method="post" enctype="multipart/form-data" action=(view.link("file")) data-drop="file" {
            (view.hidden())
            label for="file" { (view.say("file-choose")) }
            p.hint id="file-hint" { (view.say("file-hint")) }
            input type="file" id="file" name="file" accept=".csv,text/csv" multiple aria-describedby="file-hint";
            div.field {
                label for="charset" { (view.say("file-charset")) }
                select id="charset" name="charset" { @for (value, key) in CHARSETS { option value=(value) { (view.say(key)) } } }
            }
            p.submit { button.main type="submit" { (view.say("file-check")) } }
        }
        section aria-labelledby="templates" {
            h2 id="templates" { (view.say("file-templates")) }
            p { (view.say("file-templates-note")) }
            details { summary { (view.say("file-templates-all")) }
                ul.plain { @for kind in view.office.types() {
                    li { a href=(view.link(&format!("template/{}.csv", kind.name))) download={ (kind.name) ".csv" } { code dir="ltr" { (kind.name) ".csv" } } }
                } }
            }
        }
    };
    page(view, "file", &title, &body)
}

/// Encodings that are offered: value, key of the words.
const CHARSETS: [(&str, &str); 4] = [
    ("utf-8-with-bom", "charset-utf8"),
    ("windows-1252", "charset-1252"),
    ("windows-1256", "charset-1256"),
    ("windows-1251", "charset-1251"),
];

/// What a dry run found; `wrong` says why it was not recorded.
pub fn result(view: &View<'_>, tried: &Tried, wrong: Option<&str>) -> Markup {
    let lang = view.lang;
    let title = html! { (view.say("file-result")) };
    let body = html! {
        @if let Some(wrong) = wrong { section.summary role="alert" { p { (icon("refused")) " " (wrong) } } }
        p { @for name in &tried.names { bdi { (name) } " " } }
        section.summary role="status" aria-labelledby="sum" {
            h2 id="sum" { (icon(if tried.problems.is_empty() { "done" } else { "refused" }))
                @if tried.problems.is_empty() { (lang.count("file-good", tried.good, &[])) }
                @else { (lang.count("file-bad", tried.refused, &[])) } }
            ul {
                @if !tried.problems.is_empty() { li { (lang.count("file-good", tried.good, &[])) } }
                @if tried.again > 0 { li { (lang.count("file-again", tried.again, &[])) } }
                @if !tried.warnings.is_empty() { li { (lang.count("file-warnings", tried.warnings.len(), &[])) } }
            }
            p { strong { (view.say("nothing-yet")) } }
        }
        @for (heading, problems) in [("file-errors", &tried.problems), ("file-looks", &tried.warnings)] {
            @if !problems.is_empty() { h2 { (view.say(heading)) } (places(view, tried, problems)) }
        }
        @if tried.good > 0 {
            form.record method="post" enctype="multipart/form-data" action=(view.link("file/record")) {
                (view.hidden())
                input type="hidden" name="number" value=(tried.number);
                @if !tried.problems.is_empty() {
                    p.note { (view.say("file-all-or-good")) }
                    label.tick { input type="checkbox" name="good" value="yes"; (lang.count("file-only-good", tried.good, &[])) }
                }
                p.submit { button.main type="submit" { (lang.count("file-record", tried.good, &[])) } }
            }
        }
        p { a href=(view.link("file")) { (view.say("file-other")) } }
    };
    page(view, "file", &title, &body)
}

/// Each problem at its place: those of a whole file first, then row by row with the cells as they stand.
fn places(view: &View<'_>, tried: &Tried, problems: &[Problem]) -> Markup {
    let mut rows: BTreeMap<(&str, Option<u64>), Vec<&Problem>> = BTreeMap::new();
    for problem in problems {
        let line = problem.line.filter(|_| problem.severity() != Severity::RefuseFile);
        rows.entry((problem.file.as_str(), line)).or_default().push(problem);
    }
    let more = rows.len().saturating_sub(ROWS_SHOWN);
    html! {
        ol.places { @for ((file, line), problems) in rows.iter().take(ROWS_SHOWN) {
            li {
                p.place { bdi { (file) } @if let Some(line) = line.or(problems[0].line) { ", " (view.lang.tell("file-line", &[("line", &line)])) } }
                @if let Some(cells) = line.and_then(|line| tried.cells.get(*file)?.rows.get(&line)) {
                    (row(view, &tried.cells[*file].header, cells, problems))
                }
                ul.plain { @for problem in problems {
                    li.told.(if problem.severity() == Severity::Warning { "warning" } else { "error" }) {
                        (icon(if problem.severity() == Severity::Warning { "late" } else { "refused" }))
                        span { @if let Some(column) = &problem.column { strong { code dir="ltr" { (column) } } ": " } (told(view.lang, problem)) }
                    }
                } }
            }
        } }
        @if more > 0 { p { (view.lang.count("file-more", more, &[])) } }
    }
}

/// The cells of a row that something is wrong with, and its name; the whole row would be a wall.
fn row(view: &View<'_>, header: &[String], cells: &[String], problems: &[&Problem]) -> Markup {
    let is_wrong = |name: &str| problems.iter().any(|problem| problem.column.as_deref() == Some(name));
    html! {
        dl.cells { @for (name, cell) in header.iter().zip(cells) {
            @if is_wrong(name) || name == "row_id" {
                div.wrong[is_wrong(name)] {
                    dt { code dir="ltr" { (name) } }
                    dd { @if cell.is_empty() { span.quiet { (view.say("file-empty-cell")) } } @else { (echo(view, cell)) } }
                }
            }
        } }
    }
}

/// A cell of the officer's own file, on the officer's own screen; what looks like a person is not repeated even there.
fn echo(view: &View<'_>, cell: &str) -> Markup {
    if lint_folded(cell).is_some() {
        return html! { span.quiet { (view.say("file-not-repeated")) } };
    }
    let short: String = cell.chars().take(CELL_CHARS_MAX).collect();
    html! { bdi { (short) @if short.len() < cell.len() { "…" } } }
}
