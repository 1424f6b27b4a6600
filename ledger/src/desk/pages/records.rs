//! Everything that was recorded here, and how far it has come.

use std::collections::BTreeSet;

use maud::{Markup, html};
use schemas::hash::Hash;

use super::shell::{View, icon, page};
use crate::desk::held::{Held, State, kind, name};
use crate::desk::words::english;

/// Records of one page.
pub const RECORDS_A_PAGE: usize = 50;

/// The list, newest first; `from` is the number of the first that is shown.
pub fn draw(view: &View<'_>, held: &[Held], settled: &BTreeSet<Hash>, from: usize) -> Markup {
    let lang = view.lang;
    let title = html! { (view.say("nav-records")) };
    let shown: Vec<&Held> = held.iter().rev().skip(from).take(RECORDS_A_PAGE).collect();
    let body = html! {
        @if held.is_empty() { p.empty { (view.say("records-none")) " " a href=(view.link("record")) { (view.say("all-forms")) } } }
        @else {
            table.stack {
                caption { (lang.count("records-count", held.len(), &[])) }
                thead { tr { @for key in ["col-what", "col-day", "col-state"] { th scope="col" { (view.say(key)) } } } }
                tbody { @for one in &shown {
                    tr {
                        th scope="row" data-label=(view.say("col-what")) {
                            a href=(view.link(&format!("records/{}", name(&one.id)))) {
                                @if let Some(known) = kind(one) { (english(&known.summary)) } @else { bdi { (one.signed.event.kind) } }
                            }
                            @if let Some(id) = &one.signed.event.id { " " bdi { (view.office.pseudonyms.outside(id)) } }
                        }
                        td data-label=(view.say("col-day")) { bdi { (one.signed.event.at()) } }
                        td data-label=(view.say("col-state")) { (state(view, one, settled.contains(&one.id))) }
                    }
                } }
            }
            p.pages {
                @if from > 0 { a href=(view.link(&format!("records/from/{}", from.saturating_sub(RECORDS_A_PAGE)))) { (view.say("newer")) } " " }
                @if from + RECORDS_A_PAGE < held.len() { a href=(view.link(&format!("records/from/{}", from + RECORDS_A_PAGE))) { (view.say("older")) } }
            }
        }
    };
    page(view, "records", &title, &body)
}

/// How far a record has come, in a sign and a word.
fn state(view: &View<'_>, held: &Held, settled: bool) -> Markup {
    let lang = view.lang;
    match &held.state {
        State::Recorded => html! { span.state { (icon("waits")) (view.say("state-recorded")) } },
        State::Received { .. } => html! { span.state { (icon("waits")) (view.say("state-received")) } },
        State::Covered { position, .. } => {
            html! { span.state.covered { (icon("done")) (view.say("state-covered")) } " " span.quiet { (lang.tell("entry", &[("entry", position)])) } }
        }
        State::Refused { .. } if settled => {
            html! { span.state { (icon("done")) (view.say("state-settled")) } }
        }
        State::Refused { .. } => html! { span.state.refused { (icon("refused")) (view.say("state-refused")) } },
    }
}
