//! The line to the ledger, the stick that stands in for it, and what each word of the desk means.

use maud::{Markup, html};
use schemas::time::Timestamp;

use super::shell::{Line, View, icon, page};
use crate::desk::words::english;

/// The pack that the desk holds about its own institution.
#[derive(Debug)]
pub struct Copy {
    /// Size of its checkpoint.
    pub size: u64,
    /// When the last entry under it was received.
    pub as_of: Timestamp,
    /// Records in it.
    pub records: usize,
}

/// The page; `said` is what the last action came to.
pub fn draw(view: &View<'_>, address: Option<&str>, copy: Option<&Copy>, said: Option<&Markup>) -> Markup {
    let lang = view.lang;
    let state = &view.state;
    let title = html! { (view.say("line")) };
    let body = html! {
        @if let Some(said) = said { section.summary role="status" { p { (said) } } }
        section aria-labelledby="net" {
            h2 id="net" { (view.say("line-net")) }
            @match (address, &state.line) {
                (None, _) => p { (view.say("line-none")) },
                (Some(address), line) => {
                    p { (lang.tell("line-address", &[("address", &address)])) }
                    @match line {
                        Line::None | Line::Untried => p { (view.say("line-untried")) },
                        Line::Up { at, .. } => p { (icon("done")) " " (lang.tell("line-up", &[("at", &view.clock(*at))])) },
                        Line::Down { since, at, why, .. } => {
                            p { (icon("refused")) " " (lang.tell("line-down", &[("since", &view.clock(*since))])) " " (lang.tell("line-last", &[("at", &view.clock(*at))])) }
                            p { (english(why)) }
                        }
                    }
                    @if let Line::Up { told, .. } | Line::Down { told, .. } = line {
                        @if !told.is_empty() { ul { @for one in told { li.told.warning { (icon("late")) (english(one)) } } } }
                    }
                    form method="post" enctype="multipart/form-data" action=(view.link("line/try")) { (view.hidden()) button.main type="submit" { (view.say("try")) } }
                }
            }
        }
        section aria-labelledby="about" {
            h2 id="about" { (view.say("copy-title")) }
            @match copy {
                Some(copy) => p { (lang.count("copy-is", copy.records, &[("size", &copy.size), ("at", &view.clock(copy.as_of))])) },
                None => p { (view.say("copy-none")) },
            }
            form method="post" enctype="multipart/form-data" action=(view.link("line/pack")) {
                (view.hidden())
                div.field {
                    label for="pack" { (view.say("copy-file")) }
                    p.hint id="pack-hint" { (view.say("copy-hint")) }
                    input type="file" id="pack" name="pack" aria-describedby="pack-hint";
                }
                p.submit { button type="submit" { (view.say("copy-take")) } }
            }
        }
    };
    page(view, "line", &title, &body)
}

/// What the words of the desk mean.
pub fn help(view: &View<'_>) -> Markup {
    let title = html! { (view.say("help")) };
    let body = html! {
        p.lead { (view.say("help-lead")) }
        h2 { (view.say("help-states")) }
        dl.words-of {
            @for (word, note) in [
                ("state-recorded", "recorded-note"), ("state-received", "received-note"), ("state-covered", "covered-note"),
                ("state-countersigned", "countersigned-note"), ("state-refused", "refused-note"),
            ] { div { dt { (view.say(word)) } dd { (view.say(note)) } } }
        }
        h2 { (view.say("help-readers")) }
        dl.words-of {
            @for (word, note) in [("mark-public", "who-public"), ("mark-restricted", "who-restricted"), ("mark-sealed", "who-sealed")] {
                div { dt { (icon(word.trim_start_matches("mark-"))) " " (view.say(word)) } dd { (view.say(note)) } }
            }
        }
        h2 { (view.say("help-safe")) }
        ul { @for key in ["help-local", "help-nothing-lost", "help-never", "help-prisoner", "help-keys"] { li { (view.say(key)) } } }
    };
    page(view, "help", &title, &body)
}
