//! What a service tells readers on top of every page: that something is wrong, and what. The pages themselves stay as
//! they were made, byte for byte.

use maud::{Markup, html};
use schemas::time::Timestamp;

use super::text;
use crate::lens::Disclosed;
use crate::serve::notice::Notice;

/// After what notices go: the first thing in the main part of a page.
const PLACE: &str = "<main id=\"main\" tabindex=\"-1\">";

/// The page with these notices on top, where there are any; `from` is what the page rests on: entries, and the last seal.
pub fn on_top(page: &[u8], notices: &Disclosed<Vec<Notice>>, from: Option<(u64, Timestamp)>) -> Vec<u8> {
    if notices.get().is_empty() {
        return page.to_vec();
    }
    let page = String::from_utf8_lossy(page);
    let told = markup(notices.get(), from).into_string();
    // A page of an older program may have no such place; readers must be told all the same.
    let (before, after) = page.split_at(page.find(PLACE).map_or(0, |at| at + PLACE.len()));
    format!("{before}{told}{after}").into_bytes()
}

/// A page for when there is none yet.
pub fn alone(notices: &Disclosed<Vec<Notice>>) -> Vec<u8> {
    let body = html! {
        (maud::DOCTYPE)
        html lang="en" dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Nothing to show yet" }
                style { (maud::PreEscaped(super::shell::STYLE)) }
            }
            body { main #main {
                @if !notices.get().is_empty() { (markup(notices.get(), None)) }
                h1 { "Nothing to show yet" }
                p { "This projector has not verified the log up to any checkpoint. Come back in a moment." }
            } }
        }
    };
    body.into_string().into_bytes()
}

fn markup(notices: &[Notice], from: Option<(u64, Timestamp)>) -> Markup {
    html! {
        section.notices role="alert" aria-label="Notices" {
            @for notice in notices {
                div.notice.{ "is-" (notice.word()) } {
                    p { strong { (notice.title()) } }
                    p { (text::visible(&notice.text())) }
                    @if let Notice::Fault { evidence, .. } = notice {
                        @if !evidence.is_empty() {
                            p { "Evidence: "
                                @for (i, name) in evidence.iter().enumerate() {
                                    @if i > 0 { ", " }
                                    a href={ "evidence/" (name) } { (name) }
                                }
                                "."
                            }
                        }
                    }
                }
            }
            @if let Some((size, as_of)) = from {
                p { "What stands below is the state after " (text::count(i64::try_from(size).unwrap_or(i64::MAX)))
                    " entries, as of " (as_of.to_string()) "." }
            }
        }
    }
}
