//! What we still owe an answer to, and by when.

use maud::{Markup, html};

use super::shell::{View, icon, page};
use crate::desk::words::english;
use crate::duties::Owed;

/// What the list rests on.
#[derive(Debug)]
pub struct Basis<'a> {
    /// Size of the checkpoint that the pack is under.
    pub size: u64,
    /// When its last entry was received.
    pub as_of: schemas::time::Timestamp,
    /// Name of the profile.
    pub profile: &'a str,
}

/// A duty with what is known here of its answer.
#[derive(Debug)]
pub struct Row<'a> {
    /// The duty.
    pub owed: &'a Owed,
    /// Name of a record of ours that answers it and is on its way; or of a draft that waits.
    pub answered: Option<(String, bool)>,
    /// Types by which this institution may answer.
    pub answers: Vec<&'static str>,
}

/// The page.
pub fn draw(view: &View<'_>, rows: &[Row<'_>], basis: Option<&Basis<'_>>) -> Markup {
    let lang = view.lang;
    let title = html! { (view.say("owed-title")) };
    let body = html! {
        @match basis {
            None => p.empty { (view.say("owed-unknown")) " " a href=(view.link("line")) { (view.say("line")) } },
            Some(basis) => {
                p.lead { (lang.tell("owed-basis", &[("size", &basis.size), ("at", &view.clock(basis.as_of)), ("profile", &basis.profile)])) }
                p.note { (view.say("owed-note")) }
                @if rows.is_empty() { p.empty { (view.say("owed-none")) } }
                @else { (table(view, rows)) }
            }
        }
    };
    page(view, "owed", &title, &body)
}

fn table(view: &View<'_>, rows: &[Row<'_>]) -> Markup {
    html! {
        table.stack {
            caption { (view.say("owed-title")) }
            thead { tr {
                @for key in ["owed-by", "owed-what", "owed-case", "owed-from", "owed-answer"] { th scope="col" { (view.say(key)) } }
            } }
            tbody { @for row in rows {
                @let owed = row.owed;
                tr {
                    th scope="row" data-label=(view.say("owed-by")) { (due_word(view, owed)) }
                    td data-label=(view.say("owed-what")) {
                        (view.say(&format!("duty-{}", owed.duty.as_str())))
                        @if let Some(rule) = owed.duty.rule() { " " code dir="ltr" { (rule) } }
                    }
                    td data-label=(view.say("owed-case")) { bdi { (view.office.pseudonyms.outside(&owed.case)) } }
                    td data-label=(view.say("owed-from")) {
                        @let by = view.office.pseudonyms.outside(&owed.by);
                        bdi { (view.office.name(&by)) } br; (view.clock(owed.received_at))
                    }
                    td data-label=(view.say("owed-answer")) {
                        @if let Some((name, draft)) = &row.answered {
                            p { (icon("waits")) " " a href=(view.link(&format!("{}/{name}", if *draft { "approve" } else { "records" }))) {
                                (view.say(if *draft { "owed-draft" } else { "owed-on-its-way" }))
                            } }
                        }
                        ul.plain { @for kind in &row.answers {
                            li { a href=(view.link(&format!("record/{kind}/for/{}", owed.position))) { (english(&summary(kind))) } }
                        } }
                    }
                }
            } }
        }
    }
}

fn summary(kind: &str) -> String {
    schemas::catalogue::Catalogue::built_in().event(kind).map_or_else(|| kind.to_owned(), |kind| kind.summary.clone())
}

/// By when, in words and with a sign: late, today, in so many days, or not while time stands still.
pub fn due_word(view: &View<'_>, owed: &Owed) -> Markup {
    let (lang, today) = (view.lang, view.office.day(view.now));
    let Some(due) = owed.due else { return html! { span.due { (view.say("due-never")) } } };
    let days = due.days_since(today);
    let date = html! { time datetime=(due) { bdi dir="ltr" { (due) } } };
    let count = usize::try_from(days.abs()).unwrap_or_default();
    html! {
        @if days < 0 { span.due.late { (icon("late")) (lang.count("due-late", count, &[("date", &date)])) } }
        @else if days == 0 { span.due.today { (icon("late")) (lang.tell("due-today", &[("date", &date)])) } }
        @else { span.due { (icon("waits")) (lang.count("due-in", count, &[("date", &date)])) } }
    }
}
