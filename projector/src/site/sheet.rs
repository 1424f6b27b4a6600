//! One finding on one sheet, so that it can be printed and answered by itself.

use maud::{Markup, html};
use schemas::catalogue::Catalogue;

use super::input::Site;
use super::shell::shape;
use super::{story, text};
use crate::finding::{Evidence, Finding, FindingKind, Severity, Status};
use crate::lens::Audience;

/// Most events of evidence written out on the page; the download has all.
const EVIDENCE_MAX: usize = 12;

/// A finding and where it stands on the page.
pub struct Sheet<'a> {
    /// Fragment name, unique on the page.
    pub anchor: String,
    /// The finding.
    pub finding: &'a Finding,
}

/// The status in a word or two.
pub fn status_word(status: Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Late => "done late",
        Status::Remedied => "put right",
        Status::LateRecorded => "recorded late",
    }
}

/// Shape and word of a status.
pub fn status(status: Status) -> Markup {
    html! { span.status { (shape(status.as_str())) " " (text::capital(status_word(status))) } }
}

/// A severity as steps and a word.
pub fn severity(severity: Severity) -> Markup {
    let steps = match severity {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    };
    html! {
        span.severity {
            svg.steps viewBox="0 0 22 12" aria-hidden="true" focusable="false" {
                @for (i, x) in ["0", "6", "12", "18"].into_iter().enumerate() { rect.on[i < steps] x=(x) y="0" width="4" height="12" {} }
            }
            " " (text::capital(severity.as_str()))
        }
    }
}

/// Gives every finding a name of its own on the page.
pub fn sheets<'a>(findings: &[&'a Finding]) -> Vec<Sheet<'a>> {
    let mut sheets: Vec<Sheet<'a>> = Vec::with_capacity(findings.len());
    let mut seen = std::collections::BTreeMap::new();
    for finding in findings {
        let parts = [finding.rule, &finding.facility, &finding.organisation, &finding.subject];
        let named: Vec<String> = parts.iter().filter(|part| !part.is_empty()).map(|part| text::anchor(part)).collect();
        let base = named.join("_");
        let n = seen.entry(base.clone()).and_modify(|n| *n += 1).or_insert(1);
        let anchor = if *n == 1 { base } else { format!("{base}__{n}") };
        sheets.push(Sheet { anchor, finding });
    }
    sheets
}

/// The sheet.
pub fn markup(site: &Site, sheet: &Sheet<'_>) -> Markup {
    let finding = sheet.finding;
    let rule = site.rule(finding.rule);
    html! {
        article.sheet id=(sheet.anchor) aria-labelledby={ (sheet.anchor) "-title" } {
            header {
                p.sheet-meta { (status(finding.status)) (severity(finding.severity))
                    @if finding.kind == FindingKind::Indicator { span.indicator { "Indicator: to be judged, not a breach" } } }
                h4 id={ (sheet.anchor) "-title" } {
                    @if finding.facility.is_empty() { "No single facility" } @else { (text::facility(site, &finding.facility)) }
                    @if !finding.organisation.is_empty() { ", " (text::organisation_short(site, &finding.organisation)) }
                    ": " a href={ "#" (sheet.anchor) } { (text::id(&finding.subject)) }
                }
                p.told { (story::told(site, finding)) }
            }
            dl.sheet-facts {
                @if let Some(rule) = rule.filter(|rule| !rule.duty.is_empty()) {
                    div { dt { "The duty" } dd { (text::quoted(&rule.duty)) " (" (text::id(&rule.id)) @if !rule.source.is_empty() { "; " (text::quoted(&rule.source)) } ")" } }
                } @else {
                    div { dt { "The duty" } dd { "Rule " (text::id(finding.rule)) " of the rule pack" } }
                }
                div { dt { "Opened" } dd { (text::instant(site, finding.opened_at)) } }
                div { dt { "Closed" } dd {
                    @match finding.closed_at {
                        Some(at) => (text::instant(site, at)),
                        None => { "Not closed as of " (text::day(site.as_of_day())) },
                    }
                } }
                div { dt { "Evidence" } dd { (evidence(finding)) } }
                div { dt { "Computed" } dd {
                    @if finding.detail.is_empty() { "Nothing beyond the evidence." }
                    @else { (text::quoted(finding.detail.trim_end_matches('.'))) "." }
                    @if !finding.arms.is_empty() { @if finding.arms.len() == 1 { " Part " } @else { " Parts " } @for (i, arm) in finding.arms.iter().enumerate() { @if i > 0 { ", " } (text::id(arm)) } " of the rule." }
                } }
            }
            p.print-only {
                @match site.audience { Audience::Public => "Public. ", Audience::Oversight => "For oversight only. Do not publish. " }
                "Log " (text::id(&site.log.origin)) ", " (text::entries(site)) ", as of " (text::day(site.as_of_day()))
                ", fingerprint " (text::hash_start(&site.log.root)) " Signed is not true: the log proves who said what, and when."
            }
        }
    }
}

/// What it rests on: entries, then what was searched for and not found.
fn evidence(finding: &Finding) -> Markup {
    if finding.evidence.is_empty() {
        return html! { "Not shown to this audience." };
    }
    let events = finding.evidence.iter().filter(|evidence| matches!(evidence, Evidence::Event { .. })).count();
    html! {
        ul.evidence {
            @for item in finding.evidence.iter().filter(|item| matches!(item, Evidence::Event { .. })).take(EVIDENCE_MAX) { (one(item)) }
            @if events > EVIDENCE_MAX {
                li { "and " (text::things(events - EVIDENCE_MAX, "more entry", "more entries")) ", all listed in " a href="data/findings.csv" { "findings.csv" } }
            }
            @for item in finding.evidence.iter().filter(|item| matches!(item, Evidence::Absence { .. })).take(EVIDENCE_MAX) { (one(item)) }
        }
    }
}

fn one(evidence: &Evidence) -> Markup {
    match evidence {
        Evidence::Event { position, address } => html! {
            li { "Entry " strong { (text::count(*position as i64)) } ": " (event_words(address)) " " span.address { (text::id(address)) } }
        },
        Evidence::Absence { stream, types, from, to } => html! {
            li.absence {
                strong { "Searched, not found" } ": from " (text::day(*from)) " to " (text::day(*to)) ", both days included, the stream "
                (text::id(stream)) " holds no "
                @for (i, kind) in types.iter().enumerate() { @if i > 0 { " and no " } (text::id(kind)) }
                " that meets the duty."
            }
        },
    }
}

/// What the catalogue says of the type of an address `<party>/<event.type>/<row>`.
fn event_words(address: &str) -> Markup {
    let catalogue = Catalogue::built_in();
    let kind = address.split('/').nth(1).unwrap_or_default();
    let kind = kind.strip_suffix(".csv").unwrap_or(kind);
    let known = catalogue.event(kind).or_else(|| catalogue.inner(kind));
    html! { @if let Some(event) = known { (event.summary.trim_end_matches('.')) "," } }
}
