//! The measures that have no figure of their own, for the nation, as one table; and what the
//! log holds.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use schemas::catalogue::Catalogue;

use super::figure::table;
use super::input::Site;
use super::series::Series;
use super::text;
use crate::measure::{Figure, Row};

/// Measures that a figure shows.
const DRAWN: [&str; 8] = ["T1", "T2", "T3", "T4.median", "T4.p95", "T5", "T6", "T7"];

/// Every other measure of the nation, by quarter.
pub fn measures(site: &Site, series: &Series<'_>) -> Markup {
    let mut lines: BTreeSet<(usize, &str, &str)> = BTreeSet::new();
    for row in &site.measures {
        let national = row.facility.is_empty() && (row.dimension.is_empty() || row.dimension == "currency");
        if national && !DRAWN.contains(&row.measure) {
            let place = site.measure_info.iter().position(|info| info.id == row.measure);
            let number = row.measure.strip_prefix('T').and_then(|rest| rest.split('.').next()?.parse().ok());
            lines.insert((place.or(number).unwrap_or(usize::MAX), row.measure, row.key.as_str()));
        }
    }
    if lines.is_empty() {
        return html! {
            p.empty {
                @if series.quarters.is_empty() { "No further measure has a value yet: no quarter of this log has ended." }
                @else {
                    "Nothing beyond the figures above: this projector computes the measures that are defined below and no others. "
                    "What the rule pack defines besides is not computed here. That is not a zero."
                }
            }
        };
    }
    let head = html! { tr {
        th scope="col" { "Measure" }
        @for quarter in &series.quarters { th.number scope="col" { (text::period(quarter)) } }
    } };
    let body = html! { @for (_, measure, key) in &lines {
        tr {
            th scope="row" {
                span.block { (title(site, measure)) @if !key.is_empty() { " (" (text::visible(key)) ")" } }
                span.of { code { (measure) } @if let Some(unit) = unit(site, measure).filter(|_| key.is_empty()) { ", " (text::visible(unit)) } }
            }
            @for quarter in &series.quarters {
                @let dimension = if key.is_empty() { "" } else { "currency" };
                (cell(series.cell(measure, quarter, "", dimension, key)))
            }
        }
    } };
    html! {
        p { "Beside the figures above, the log lets these be counted for the whole country." }
        (whole_country(&head, &body))
    }
}

fn whole_country(head: &Markup, body: &Markup) -> Markup {
    table(
        "others",
        &html! { "Other measures of the nation by quarter; the download has them by facility too" },
        head,
        body,
    )
}

fn cell(row: Option<&Row>) -> Markup {
    let Some(row) = row else { return html! { td.number { "–" span.of { "none" } } } };
    html! {
        td.number {
            @match row.value {
                // In whole units, as people read sums; the download has minor units.
                Figure::Whole(n) if row.dimension == "currency" => bdi { (text::visible(&schemas::currency::shown(n, &row.key))) },
                Figure::Whole(n) => (text::count(n)),
                Figure::Tenths(n) => { (text::count(n / 10)) "." ((n % 10).abs()) @if row.numerator.is_some() { "%" } },
            }
            @match (row.numerator, row.denominator) {
                (Some(part), Some(whole)) => { span.of { (text::count(part)) " of " (text::count(whole)) } },
                (None, Some(n)) => { span.of { "n = " (text::count(n)) } },
                _ => {},
            }
        }
    }
}

fn title(site: &Site, measure: &str) -> String {
    let known = site.measure_info.iter().find(|info| info.id == measure);
    known.map_or_else(|| text::capital(measure), |info| text::capital(&info.title))
}

fn unit<'a>(site: &'a Site, measure: &str) -> Option<&'a str> {
    let known = site.measure_info.iter().find(|info| info.id == measure)?;
    (!known.unit.is_empty() && known.unit != "%").then_some(known.unit.as_str())
}

/// A family's description without the letter that the catalogue orders it by: `B. Access`.
fn unlettered(doc: &str) -> &str {
    match doc.split_once(". ") {
        Some((letter, rest)) if letter.len() == 1 => rest,
        _ => doc,
    }
}

/// Every measure with its definition.
pub fn definitions(site: &Site) -> Markup {
    if site.measure_info.is_empty() {
        return html! { p.empty { "The projector that made this page brought no definitions; they are in the rule pack, section 4." } };
    }
    let head =
        html! { tr { th scope="col" { "Measure" } th scope="col" { "How it is counted" } th scope="col" { "Unit" } } };
    let body = html! { @for info in &site.measure_info { tr id={ "definition-" (text::anchor(&info.id)) } {
        th scope="row" { span.block { (text::capital(&info.title)) } span.of { code { (info.id) } } }
        td { (text::quoted(&info.definition)) }
        td { @if info.unit.is_empty() { "–" } @else { (text::visible(&info.unit)) } }
    } } };
    table("definitions", &html! { "Definitions of the measures" }, &head, &body)
}

/// Entries by family of the catalogue.
pub fn entries(site: &Site) -> Markup {
    if site.log.entries.is_empty() {
        return html! { p.empty { "Entries by kind were not counted for this page; the log has " (text::count(site.log.size as i64)) " in all." } };
    }
    let catalogue = Catalogue::built_in();
    let families: BTreeMap<&str, &str> = catalogue.families().collect();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, n) in &site.log.entries {
        let family = catalogue.event(kind).map_or("other", |event| event.family.as_str());
        let sum = counts.entry(family).or_default();
        *sum = sum.saturating_add(*n);
    }
    let head = html! { tr { th scope="col" { "Family" } th scope="col" { "What it is about" } th.number scope="col" { "Entries" } } };
    let body = html! {
        @for (family, n) in &counts { tr {
            th scope="row" { (text::capital(&text::code(family))) }
            td { (families.get(family).map_or("Types that this catalogue does not know", |doc| unlettered(doc))) }
            td.number { (text::count(*n as i64)) }
        } }
        tr.total { th scope="row" { "All" } td {} td.number { (text::count(site.log.entries.values().copied().fold(0, u64::saturating_add) as i64)) } }
    };
    table("entries", &html! { "Entries of the log by family" }, &head, &body)
}
