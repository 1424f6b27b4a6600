//! Pages for those who are not in: the door is shut, or was closed.

use maud::{DOCTYPE, Markup, html};

use crate::desk::door::Turned;
use crate::desk::words::Language;

fn bare(lang: Language, title: &str, text: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(lang.tag()) dir=(lang.direction()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="icon" href="data:,";
            }
            body { main { h1 { (title) } p { (text) } } }
        }
    }
}

/// Why the door is shut.
pub fn shut(lang: Language, why: Turned) -> Markup {
    let key = match why {
        Turned::Host => "shut-host",
        Turned::Origin => "shut-origin",
        Turned::Session => "shut-session",
        Turned::Token => "shut-token",
        Turned::Form => "bad-form",
    };
    bare(lang, lang.say("shut-title"), lang.say(key))
}

/// The desk was closed in this browser.
pub fn closed(lang: Language) -> Markup {
    bare(lang, lang.say("leave"), lang.say("closed"))
}
