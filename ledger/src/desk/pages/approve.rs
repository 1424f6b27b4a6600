//! A second person's approval.

use maud::{Markup, html};
use schemas::catalogue::Catalogue;

use super::shell::{View, icon, page};
use super::value;
use crate::desk::held::{Waiting, name};
use crate::desk::words::english;

/// What waits.
pub fn list(view: &View<'_>, waiting: &[Waiting]) -> Markup {
    let title = html! { (view.say("approve-title")) };
    let body = html! {
        @if waiting.is_empty() { p.empty { (view.say("approve-none")) } }
        @else {
            p.lead { (view.say("approve-lead")) }
            table.stack {
                caption { (view.lang.count("approve-count", waiting.len(), &[])) }
                thead { tr { @for key in ["col-what", "approve-who", "approve-since"] { th scope="col" { (view.say(key)) } } } }
                tbody { @for one in waiting { tr {
                    th scope="row" data-label=(view.say("col-what")) { a href=(view.link(&format!("approve/{}", name(&one.id)))) { (summary(one)) } }
                    td data-label=(view.say("approve-who")) { (who(view, one)) }
                    td data-label=(view.say("approve-since")) { (view.clock(one.since)) }
                } } }
            }
        }
    };
    page(view, "approve", &title, &body)
}

fn summary(waiting: &Waiting) -> Markup {
    let kind = &waiting.signed.event.kind;
    english(Catalogue::built_in().event(kind).map_or(kind.as_str(), |kind| kind.summary.as_str()))
}

fn who(view: &View<'_>, waiting: &Waiting) -> Markup {
    let holder = &waiting.holder;
    let party = view.office.pseudonyms.outside(&holder.party);
    html! { bdi { (view.office.pseudonyms.outside(&holder.holder)) } @if party != view.office.party.id { ", " bdi { (view.office.name(&party)) } } }
}

/// One draft in full, and the place to sign it; `wrong` is a key of the desk's words.
pub fn draw(view: &View<'_>, waiting: &Waiting, wrong: Option<&Markup>) -> Markup {
    let lang = view.lang;
    let signed = &waiting.signed;
    let kind = Catalogue::built_in().event(&signed.event.kind);
    let first = signed.note.signatures.first().map_or("", |line| line.name.as_str());
    let body = html! {
        p.kind { code dir="ltr" { (signed.event.kind) } }
        @if let Some(wrong) = wrong {
            section.summary role="alert" { p { (icon("refused")) " " strong { (view.say("not-signed")) } } p { (wrong) } }
        }
        p.lead { (lang.tell("approve-read", &[("who", &who(view, waiting))])) }
        (value::event(view, kind, &signed.event, &waiting.parcel.opening))
        (value::exact(view, kind, signed, &waiting.parcel.opening))
        p { (lang.tell("approve-first", &[("who", &html! { bdi dir="ltr" { (first) } })])) }
        form.record method="post" enctype="multipart/form-data" action=(view.link(&format!("approve/{}", name(&waiting.id)))) {
            (view.hidden())
            h2 { (view.say("approve-sign")) }
            div.field {
                label for="key" { (lang.tell("approve-key", &[("who", &who(view, waiting))])) " " span.required { (view.say("required")) } }
                p.hint id="key-hint" { (view.say("approve-key-hint")) }
                input type="file" id="key" name="key" aria-describedby="key-hint" aria-required="true";
            }
            div.field {
                label for="passphrase" { (view.say("approve-passphrase")) }
                p.hint id="passphrase-hint" { (view.say("approve-passphrase-hint")) }
                input type="password" id="passphrase" name="passphrase" autocomplete="off" aria-describedby="passphrase-hint";
            }
            p.submit { button.main type="submit" { (lang.tell("approve-button", &[("who", &who(view, waiting))])) } }
            p.note { (view.say("approve-refuse")) }
        }
    };
    page(view, "approve", &summary(waiting), &body)
}
