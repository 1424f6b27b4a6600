//! What stands around every page: head, skip link, navigation, the state of the line, foot.

use maud::{DOCTYPE, Markup, html};
use schemas::catalogue::Visibility;
use schemas::time::Timestamp;

use crate::desk::office::Office;
use crate::desk::words::Language;

/// What every page needs.
pub struct View<'a> {
    /// The language of the interface.
    pub lang: Language,
    /// Whose desk it is.
    pub office: &'a Office,
    /// Path under which the desk stands.
    pub base: &'a str,
    /// Number that stands in each form.
    pub number: &'a str,
    /// The present.
    pub now: Timestamp,
    /// What waits, and since when.
    pub state: Standing,
}

/// What the banner says.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Records that have not reached the ledger.
    pub waiting: usize,
    /// Since when the oldest of them waits.
    pub since: Option<Timestamp>,
    /// Records that were refused and not yet mended.
    pub refused: usize,
    /// Drafts that wait for a second person.
    pub drafts: usize,
    /// Answers owed, where a pack is at hand.
    pub owed: Option<usize>,
    /// How the line is.
    pub line: Line,
}

/// How the line to the ledger is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Line {
    /// There is none: records travel by stick.
    #[default]
    None,
    /// Not tried yet.
    Untried,
    /// The last try succeeded.
    Up {
        /// When.
        at: Timestamp,
        /// What somebody must look at.
        told: Vec<String>,
    },
    /// The last try failed.
    Down {
        /// Since when all tries fail.
        since: Timestamp,
        /// When it was tried last.
        at: Timestamp,
        /// Why, in words of the program.
        why: String,
        /// What somebody must look at.
        told: Vec<String>,
    },
}

impl View<'_> {
    /// The address of a page.
    pub fn link(&self, page: &str) -> String {
        format!("{}/{page}", self.base)
    }

    /// What stands in each form that changes something.
    pub fn hidden(&self) -> Markup {
        html! { input type="hidden" name="form" value=(self.number); }
    }

    /// A moment on the wall's clock.
    pub fn clock(&self, at: Timestamp) -> Markup {
        html! { time datetime=(at) { bdi dir="ltr" { (self.office.clock(at)) } } }
    }

    /// A sentence of the desk.
    pub fn say(&self, key: &str) -> &'static str {
        self.lang.say(key)
    }
}

/// The pages that the navigation shows: name of the page, key of its words.
const PAGES: [(&str, &str); 6] = [
    ("", "nav-home"),
    ("record", "nav-record"),
    ("file", "nav-file"),
    ("records", "nav-records"),
    ("approve", "nav-approve"),
    ("owed", "nav-owed"),
];

/// A whole page; `current` is its name in the navigation.
pub fn page(view: &View<'_>, current: &str, title: &Markup, body: &Markup) -> Markup {
    let lang = view.lang;
    let state = &view.state;
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) dir=(lang.direction()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – " (view.office.party.display_name) }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(view.link("style.css"));
                script src=(view.link("drop.js")) defer {}
            }
            body {
                a.skip href="#main" { (view.say("skip")) }
                (symbols())
                header.top {
                    p.whose { bdi { (view.office.party.display_name) } }
                    (languages(view))
                    nav aria-label=(view.say("nav")) { ul {
                        @for (name, words) in PAGES {
                            @let count = match name { "approve" => state.drafts, "owed" => state.owed.unwrap_or(0), _ => 0 };
                            li { a href=(view.link(name)) aria-current=[(name == current).then_some("page")] {
                                (view.say(words))
                                @if count > 0 { " " span.count { (count) } }
                            } }
                        }
                    } }
                }
                (banner(view))
                main id="main" tabindex="-1" {
                    h1 { (title) }
                    (body)
                }
                footer.bottom {
                    p { (lang.tell("foot", &[("origin", &view.office.origin.as_str()), ("at", &view.clock(view.now))])) }
                    @if lang != Language::English { p { (view.say("catalogue-english")) } }
                    ul.tools {
                        li { a href=(view.link("help")) { (view.say("help")) } }
                        li { a href=(view.link("line")) { (view.say("line")) } }
                        li { form method="post" enctype="multipart/form-data" action=(view.link("leave")) {
                            (view.hidden())
                            button.quiet type="submit" { (view.say("leave")) }
                        } }
                    }
                }
            }
        }
    }
}

fn languages(view: &View<'_>) -> Markup {
    html! {
        form.languages method="post" enctype="multipart/form-data" action=(view.link("language")) aria-label=(view.say("languages")) {
            (view.hidden())
            @for language in Language::ALL {
                button type="submit" name="language" value=(language.tag()) lang=(language.tag())
                    aria-pressed=(if language == view.lang { "true" } else { "false" }) { (language.name()) }
            }
        }
    }
}

/// What waits, and since when; said plainly on every page.
fn banner(view: &View<'_>) -> Markup {
    let (lang, state) = (view.lang, &view.state);
    let since = |at: Option<Timestamp>| at.map_or_else(|| html! { "–" }, |at| view.clock(at));
    let down = matches!(state.line, Line::Down { .. });
    let tone = if state.refused > 0 {
        "refused"
    } else if state.waiting > 0 {
        "waits"
    } else {
        "done"
    };
    html! {
        section.banner.(tone) aria-label=(view.say("banner")) {
            (icon(if tone == "done" { "done" } else if tone == "waits" { "waits" } else { "refused" }))
            div {
                @if state.waiting > 0 {
                    p { strong { (lang.count("banner-waiting", state.waiting, &[("since", &since(state.since))])) } " " (view.say("banner-safe")) }
                } @else {
                    p { strong { (view.say("banner-all")) } }
                }
                @match &state.line {
                    Line::None => p { (view.say("line-none")) },
                    Line::Untried => p { (view.say("line-untried")) },
                    Line::Up { at, .. } => p { (lang.tell("line-up", &[("at", &view.clock(*at))])) },
                    Line::Down { since, .. } => p { (lang.tell("line-down", &[("since", &view.clock(*since))])) },
                }
                @if state.refused > 0 {
                    p { a href=(view.link("records")) { (lang.count("banner-refused", state.refused, &[])) } }
                }
                @if down || state.waiting > 0 {
                    form method="post" enctype="multipart/form-data" action=(view.link("line/try")) {
                        (view.hidden())
                        button type="submit" { (view.say("try")) }
                    }
                }
            }
        }
    }
}

/// A sign of its own for each state and each kind of reader; the word stands beside it always.
pub fn icon(name: &str) -> Markup {
    html! { svg.icon aria-hidden="true" focusable="false" { use href={ "#sign-" (name) } {} } }
}

/// Who will be able to read a value: sign, word, and a sentence for those who want it.
pub fn mark(lang: Language, visibility: Visibility) -> Markup {
    let word = visibility.as_str();
    html! { span.mark.(word) { (icon(word)) (lang.say(&format!("mark-{word}"))) } }
}

fn symbols() -> Markup {
    html! {
        svg.symbols width="0" height="0" aria-hidden="true" focusable="false" {
            symbol id="sign-public" viewBox="0 0 16 16" { path d="M1 8s2.6-4.5 7-4.5S15 8 15 8s-2.6 4.5-7 4.5S1 8 1 8Z" {} circle cx="8" cy="8" r="2" {} }
            symbol id="sign-restricted" viewBox="0 0 16 16" { rect x="3" y="7" width="10" height="7" {} path d="M5.5 7V4.8a2.5 2.5 0 0 1 5 0" {} }
            symbol id="sign-sealed" viewBox="0 0 16 16" { rect x="1.5" y="3.5" width="13" height="9" {} path d="m1.5 4 6.500 5 6.500-5M6 12.500 8 10.500l2 2" {} }
            symbol id="sign-done" viewBox="0 0 16 16" { circle cx="8" cy="8" r="6.500" {} path d="M4.800 8.300 7 10.500l4.200-5" {} }
            symbol id="sign-waits" viewBox="0 0 16 16" { circle cx="8" cy="8" r="6.500" {} path d="M8 4v4.300l2.800 1.700" {} }
            symbol id="sign-refused" viewBox="0 0 16 16" { path d="M5.300 1.500h5.400l3.800 3.800v5.400l-3.800 3.800H5.300l-3.800-3.800V5.300Z" {} path d="M8 4.500v4M8 10.800v.4" {} }
            symbol id="sign-late" viewBox="0 0 16 16" { path d="M8 1.500 15 14H1Z" {} path d="M8 6v4M8 11.800v.4" {} }
        }
    }
}
