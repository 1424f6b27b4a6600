//! The erasures of the log, for the accountability page. FORMAT.md 17.

use maud::{Markup, html};

use super::figure::table;
use super::input::Site;
use super::text;
use crate::erasures::Erasure;

/// Most erasures on the page; the download has all.
const ERASURES_MAX: usize = 200;
/// Most records of one erasure on the page; the download has all.
const RECORDS_MAX: usize = 8;

/// The section `erased`.
pub fn section(site: &Site) -> Markup {
    let head = html! { tr {
        th scope="col" { "Values" } th scope="col" { "Received" } th scope="col" { "Fields" }
        th scope="col" { "Records" } th scope="col" { "Lawful" }
    } };
    let body = html! { @for erasure in site.erasures.iter().take(ERASURES_MAX) { (row(site, erasure)) } };
    html! {
        section #erased aria-labelledby="erased-title" {
            h2 #erased-title { "Erased by rule" }
            p { "The operator may erase hidden values together with an oversight body, and each time leaves an entry. "
                "What was erased is gone for everybody; the record, its signatures and the seal of the value stay, and every proof holds as before. "
                "An erasure that the rules do not allow erases nothing." }
            @if site.erasures.is_empty() {
                p.empty { "No entry of the log erases anything." }
            } @else {
                (table("erased", &html! { "Erasures in the order of the log" }, &head, &body))
                p.note {
                    @if site.erasures.len() > ERASURES_MAX { "The first " (ERASURES_MAX) " of " (text::size(site.erasures.len())) " are shown. " }
                    "Every erasure with all its records: " a href="data/erasures.csv" { "erasures.csv" } "."
                }
            }
        }
    }
}

fn row(site: &Site, erasure: &Erasure) -> Markup {
    html! { tr {
        th scope="row" { @if erasure.unlawful.is_some() { "not erased by" } @else { "erased by" } " entry " (erasure.position) }
        td.nowrap { (text::day(site.day(erasure.received_at))) }
        td { @for (i, field) in erasure.fields.iter().enumerate() { @if i > 0 { ", " } (text::id(field)) } }
        td {
            @for (i, address) in erasure.targets.iter().take(RECORDS_MAX).enumerate() { @if i > 0 { ", " } (text::id(address)) }
            @if erasure.targets.len() > RECORDS_MAX { " and " (text::size(erasure.targets.len() - RECORDS_MAX)) " more" }
        }
        td { @match &erasure.unlawful { None => "yes", Some(why) => { "no: " (text::visible(&why.to_string())) } } }
    } }
}
