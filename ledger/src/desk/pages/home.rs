//! The first page, and the list of all forms.

use maud::{Markup, html};
use schemas::catalogue::{Catalogue, EventType};

use super::owed::due_word;
use super::shell::{View, page};
use crate::desk::office::Office;
use crate::desk::words::english;
use crate::duties::Owed;

/// Duties that the first page shows.
const DUTIES_SHOWN: usize = 5;

/// What is owed, and what happened?
pub fn draw(view: &View<'_>, often: &[&'static EventType], owed: Option<&[Owed]>) -> Markup {
    let lang = view.lang;
    let title = html! { (view.say("home-title")) };
    let body = html! {
        section {
            (choices(view, often))
            p { a href=(view.link("record")) { (view.say("all-forms")) } }
        }
        section aria-labelledby="owed" {
            h2 id="owed" { (view.say("owed-title")) }
            @match owed {
                None => p.empty { (view.say("owed-unknown")) " " a href=(view.link("line")) { (view.say("line")) } },
                Some([]) => p.empty { (view.say("owed-none")) },
                Some(owed) => {
                    p { strong { (lang.count("owed-count", owed.len(), &[])) } }
                    ul.duties { @for one in owed.iter().take(DUTIES_SHOWN) {
                        li { (due_word(view, one)) " " (view.say(&format!("duty-{}", one.duty.as_str()))) ", " bdi { (one.case) } }
                    } }
                    p { a href=(view.link("owed")) { (view.say("owed-all")) } }
                }
            }
        }
        @if view.state.drafts > 0 {
            section aria-labelledby="waiting" {
                h2 id="waiting" { (view.say("approve-title")) }
                p { a href=(view.link("approve")) { (lang.count("approve-count", view.state.drafts, &[])) } }
            }
        }
    };
    page(view, "", &title, &body)
}

/// All forms, by family; those that hold a word, where words were given.
pub fn forms(view: &View<'_>, office: &Office, often: &[&'static EventType], words: &str) -> Markup {
    let wanted = |kind: &EventType| {
        let text = format!("{} {}", kind.name, kind.summary).to_lowercase();
        words.to_lowercase().split_whitespace().all(|word| text.contains(word))
    };
    let found: Vec<&EventType> = office.types().filter(|kind| wanted(kind)).collect();
    let title = html! { (view.say("happened")) };
    let body = html! {
        form.search method="post" enctype="multipart/form-data" action=(view.link("search")) role="search" {
            (view.hidden())
            label for="words" { (view.say("search")) }
            p { input type="search" id="words" name="words" value=(words) autocomplete="off"; " " button type="submit" { (view.say("search-button")) } }
        }
        @if words.is_empty() {
            section aria-labelledby="often" { h2 id="often" { (view.say("often")) } (choices(view, often)) }
        }
        @if found.is_empty() { p.empty { (view.say("search-none")) } }
        @for (family, name) in Catalogue::built_in().families() {
            @let own: Vec<&EventType> = found.iter().copied().filter(|kind| kind.family == family).collect();
            @if !own.is_empty() {
                section aria-labelledby={ "family-" (family) } {
                    h2 id={ "family-" (family) } { (english(name)) }
                    (choices(view, &own))
                }
            }
        }
    };
    page(view, "record", &title, &body)
}

fn choices(view: &View<'_>, kinds: &[&EventType]) -> Markup {
    html! {
        ul.choices { @for kind in kinds {
            li { a href=(view.link(&format!("record/{}", kind.name))) {
                (english(&kind.summary)) " " code dir="ltr" { (kind.name) }
                @if kind.signatures == 2 { " " span.two { (view.say("two-signatures")) } }
            } }
        } }
    }
}
