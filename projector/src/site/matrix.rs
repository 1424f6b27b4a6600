//! Findings counted: by rule and facility, by severity and status, and over the evaluation dates.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::chart::{self, Column, Fill};
use super::figure::{panels, provenance, table};
use super::input::{Evaluation, Site};
use super::sheet::{self, Sheet};
use super::shell::shape;
use super::text;
use crate::finding::{Finding, FindingKind, Severity, Status};

/// Most evaluation dates in the figure; the download has all.
const DATES_MAX: usize = 8;
/// Severities, gravest first.
pub const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
/// Statuses, the one that lasts first.
pub const STATUSES: [Status; 4] = [Status::Open, Status::Late, Status::Remedied, Status::LateRecorded];

/// Ids of the rules with findings or a description: the pack's order, then what it does not know.
pub fn rules<'a>(site: &'a Site, findings: &[&'a Finding]) -> Vec<&'a str> {
    let mut ids: Vec<&str> = site.rules.iter().map(|rule| rule.id.as_str()).collect();
    let mut others: Vec<&str> =
        findings.iter().map(|finding| finding.rule).filter(|id| site.rule(id).is_none()).collect();
    others.sort_unstable();
    others.dedup();
    ids.extend(others);
    ids
}

/// Facilities of the matrix, then the nation.
fn columns(site: &Site) -> impl Iterator<Item = &str> {
    site.facilities.keys().map(String::as_str).chain([""])
}

/// Rule by facility: how many findings of each status, each a link to the first of them.
pub fn by_rule(site: &Site, sheets: &[Sheet<'_>], findings: &[&Finding]) -> Markup {
    let mut cells: BTreeMap<(&str, &str), BTreeMap<Status, usize>> = BTreeMap::new();
    for finding in findings {
        *cells.entry((finding.rule, column(site, finding))).or_default().entry(finding.status).or_default() += 1;
    }
    let undetermined = |rule: &str, facility: &str| {
        let list = site.latest().map_or(&[][..], |last| &last.undetermined);
        list.iter().any(|item| {
            item.rule == rule
                && (item.facility == facility || (facility.is_empty() && !site.facilities.contains_key(&item.facility)))
        })
    };
    let head = html! { tr {
        th scope="col" { "Rule" }
        @for facility in columns(site) {
            th.number scope="col" { @if facility.is_empty() { "No single facility" } @else { (text::facility(site, facility)) } }
        }
    } };
    let body = html! { @for rule in rules(site, findings) {
        @let never = site.withheld.never.iter().find(|(id, _)| id == rule);
        tr {
            th scope="row" {
                @if never.is_none() && findings.iter().any(|finding| finding.rule == rule) { a href={ "#rule-" (text::anchor(rule)) } { (text::id(rule)) } }
                @else { (text::id(rule)) }
                " " span.quiet { (text::rule_title(site, rule)) }
            }
            @if let Some((_, why)) = never {
                td.not-shown colspan=(site.facilities.len() + 1) { "not published: " (why) }
            } @else {
                @for facility in columns(site) {
                    td.number {
                        @if let Some(counts) = cells.get(&(rule, facility)) {
                            @let first = sheets.iter().find(|sheet| sheet.finding.rule == rule && column(site, sheet.finding) == facility);
                            @for (status, n) in counts {
                                a.cell href={ "#" (first.map_or_else(|| format!("rule-{}", text::anchor(rule)), |sheet| sheet.anchor.clone())) } {
                                    (shape(status.as_str())) (text::size(*n)) span.aloud { " " (sheet::status_word(*status)) }
                                }
                            }
                        }
                        @if undetermined(rule, facility) {
                            a.cell href="#undetermined" { (shape("undetermined")) span.aloud { "cannot be judged" } }
                        } @else if !cells.contains_key(&(rule, facility)) {
                            span.nothing { "–" }
                        }
                    }
                }
            }
        }
    } };
    table(
        "matrix",
        &html! { "Findings by rule and facility; a dash means that the rule was applied and there is no finding to show" },
        &head,
        &body,
    )
}

/// The facility's column: that of no single facility where the site does not know it.
fn column<'a>(site: &'a Site, finding: &'a Finding) -> &'a str {
    site.facilities.get_key_value(&finding.facility).map_or("", |(id, _)| id)
}

/// Severity by status.
pub fn by_severity(findings: &[&Finding]) -> Markup {
    let n = |severity: Severity, status: Status| {
        findings.iter().filter(|finding| finding.severity == severity && finding.status == status).count()
    };
    let head = html! { tr {
        th scope="col" { "Severity" }
        @for status in STATUSES { th.number scope="col" { (shape(status.as_str())) " " (sheet::status_word(status)) } }
        th.number scope="col" { "All" }
    } };
    let body = html! {
        @for severity in SEVERITIES { tr {
            th scope="row" { (sheet::severity(severity)) }
            @for status in STATUSES { td.number { (text::size(n(severity, status))) } }
            td.number { (text::size(STATUSES.iter().map(|status| n(severity, *status)).sum())) }
        } }
        tr.total {
            th scope="row" { "All" }
            @for status in STATUSES { td.number { (text::size(SEVERITIES.iter().map(|severity| n(*severity, status)).sum())) } }
            td.number { (text::size(findings.len())) }
        }
    };
    table("severity", &html! { "Findings by severity and status" }, &head, &body)
}

/// Facts that are open, at one date, of one severity.
pub fn open(evaluation: &Evaluation, severity: Option<Severity>) -> usize {
    let counts = |finding: &&Finding| {
        finding.status == Status::Open
            && finding.kind == FindingKind::Fact
            && severity.is_none_or(|s| finding.severity == s)
    };
    evaluation.findings.iter().filter(counts).count()
}

/// How many were open at each evaluation date.
pub fn over_time(site: &Site) -> Markup {
    let from = site.evaluations.len().saturating_sub(DATES_MAX);
    let shown = &site.evaluations[from..];
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else {
        return html! { p.empty { "No evaluation has been made yet: the log has had no evaluation date." } };
    };
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
    let tallest = shown.iter().flat_map(|at| severities.map(|severity| open(at, Some(severity)))).max().unwrap_or(0);
    let top = chart::top(tallest as f64);
    let picture = severities.map(|severity| {
        let columns: Vec<Column> = shown
            .iter()
            .enumerate()
            .map(|(i, at)| {
                let day = site.day(at.as_of);
                let begins = i == 0 || site.day(shown[i - 1].as_of).year() != day.year();
                let n = open(at, Some(severity));
                Column {
                    label: text::day_short(day),
                    group: begins.then(|| day.year().to_string()),
                    value: Some(n as f64),
                    text: text::size(n),
                    n: String::new(),
                }
            })
            .collect();
        let told: Vec<String> =
            shown.iter().map(|at| format!("{} {}", site.day(at.as_of), open(at, Some(severity)))).collect();
        let spoken = format!("Open findings, {}: {}", severity.as_str(), told.join(", "));
        (sheet::severity(severity), String::new(), chart::columns(&spoken, &columns, top, Fill::Count))
    });
    let head = html! { tr {
        th scope="col" { "Severity" }
        @for at in shown { th.number scope="col" { (site.day(at.as_of)) } }
    } };
    let body = html! {
        @for severity in SEVERITIES { tr {
            th scope="row" { (sheet::severity(severity)) }
            @for at in shown { td.number { (text::size(open(at, Some(severity)))) } }
        } }
        tr.total { th scope="row" { "All open" } @for at in shown { td.number { (text::size(open(at, None))) } } }
    };
    html! {
        section.figure #over-time aria-labelledby="over-time-title" {
            h3 #over-time-title {
                @if shown.len() == 1 {
                    (text::things(open(last, None), "breach was", "breaches were")) " open on " (text::day(site.day(last.as_of)))
                } @else {
                    (text::things(open(last, None), "breach was", "breaches were")) " open on " (text::day(site.day(last.as_of)))
                    ", against " (text::size(open(first, None))) " on " (text::day(site.day(first.as_of)))
                }
            }
            p.subtitle { "Breaches of recorded duties open at each evaluation date, by severity; number of findings" }
            (panels(picture))
            (table("over-time", &html! { "Breaches open at each evaluation date; indicators are not counted" }, &head, &body))
            p.note {
                "Each date is judged by what the log held then. A breach stops being open when what was missing comes; it then stays on the list as done late or put right."
                @if from > 0 { " Earlier dates are in the download." }
            }
            (provenance(site, &[], "data/over-time.csv"))
        }
    }
}
