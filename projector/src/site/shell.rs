//! What stands around both pages: head, skip link, navigation, foot.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::input::Site;
use super::text;
use crate::lens::Audience;

/// The one stylesheet, inlined: the page loads nothing.
pub(super) const STYLE: &str = include_str!("style.css");

/// Every printed page of a copy for oversight says so.
const CLOSED: &str =
    "@page { @top-left { content: 'For oversight only. Do not publish.'; font: bold 8pt sans-serif; } }\n";

/// Nothing may be loaded or run; the style is inline.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// One page of the site.
pub struct Page<'a> {
    /// File name, to mark it in the navigation.
    pub file: &'a str,
    /// Title, the page's only `h1`.
    pub title: &'a str,
    /// What it is, in one or two sentences.
    pub lead: Markup,
    /// Sections: fragment name and short name, for the contents.
    pub contents: Vec<(&'a str, &'a str)>,
    /// Everything in `main` below the contents.
    pub body: Markup,
}

/// The whole page.
pub fn page(site: &Site, page: &Page<'_>) -> Markup {
    let operator = text::visible(&site.log.operator.text);
    html! {
        (DOCTYPE)
        html lang="en" dir="ltr" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (page.title) " – " (operator) }
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) @if site.audience == Audience::Oversight { (PreEscaped(CLOSED)) } }
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (symbols())
                header.top {
                    p.operator { (text::name(&site.log.operator)) }
                    nav aria-label="Pages" { ul {
                        @for (file, name) in [("index.html", "Transparency"), ("accountability.html", "Accountability")] {
                            li { a href=(file) aria-current=[(file == page.file).then_some("page")] { (name) } }
                        }
                        li { a href="index.html#verify" { "Verify" } }
                        li { a href="index.html#downloads" { "Data" } }
                    } }
                }
                main #main tabindex="-1" {
                    (audience(site))
                    h1 { (page.title) }
                    div.lead { (page.lead) }
                    nav.contents aria-label="On this page" { ul {
                        @for (anchor, name) in &page.contents { li { a href={ "#" (anchor) } { (name) } } }
                    } }
                    (page.body)
                }
                footer.bottom {
                    p { "Log " (text::id(&site.log.origin)) ", " (text::entries(site)) ", as of "
                        (text::day(site.as_of_day())) "." }
                    p { "Fingerprint " (text::hash(&site.log.root)) }
                    p { "Made by the projector from "
                        @match site.audience {
                            Audience::Public => "the log alone: the same log gives",
                            Audience::Oversight => "the log and the openings: the same of both give",
                        }
                        " the same page, byte for byte. "
                        "No script, no cookie, nothing loaded from elsewhere." }
                }
            }
        }
    }
}

/// For whom the page is: the first thing on it, and on every printed copy.
fn audience(site: &Site) -> Markup {
    match site.audience {
        Audience::Public => html! {
            p.audience { strong { "Public." } " Everything here follows from what the public log itself prints." }
        },
        Audience::Oversight => html! {
            p.audience.closed {
                strong { "For oversight only. Do not publish." }
                " This copy rests on openings: it may hold restricted and sealed values, indicators, and findings whose addressee may still answer."
            }
        },
    }
}

/// A status as a shape; the word always stands beside it or is read out.
pub fn shape(name: &str) -> Markup {
    html! { svg.shape.{ "is-" (name) } viewBox="0 0 14 14" aria-hidden="true" focusable="false" { use href={ "#shape-" (name) } {} } }
}

/// Shapes and the hatching that both pages use.
fn symbols() -> Markup {
    html! {
        svg.symbols width="0" height="0" aria-hidden="true" focusable="false" {
            defs {
                pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect width="5" height="5" class="hatch-ground" {}
                    rect width="1.8" height="5" class="hatch-line" {}
                }
                symbol id="shape-open" viewBox="0 0 14 14" { path d="M7 1 13.5 13H.5Z" {} }
                symbol id="shape-late" viewBox="0 0 14 14" { path d="M7 .5 13.5 7 7 13.5.5 7Z" {} }
                symbol id="shape-remedied" viewBox="0 0 14 14" {
                    circle cx="7" cy="7" r="6.5" {}
                    path.inner d="M3.8 7.2 6.2 9.5 10.4 4.8" {}
                }
                symbol id="shape-late_recorded" viewBox="0 0 14 14" { circle.hollow cx="7" cy="7" r="5.5" {} }
                symbol id="shape-undetermined" viewBox="0 0 14 14" {
                    rect.hollow x="1" y="1" width="12" height="12" {}
                    path.hollow d="M4 7H10" {}
                }
            }
        }
    }
}
