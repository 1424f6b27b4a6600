//! `accountability.html`: which recorded duties were not met, each with its evidence.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};

use super::figure::{provenance, table};
use super::input::{Site, Undetermined};
use super::sheet::{self, Sheet};
use super::shell::{self, Page, shape};
use super::{erased, matrix, text, transparency};
use crate::finding::{Finding, FindingKind, Status};
use crate::lens::Audience;
use crate::record::Hidden;
use crate::rules::Missing;

/// Most findings with a sheet on the page; the download has all.
const SHEETS_MAX: usize = 500;
/// Most groups of undetermined duties on the page; the download has all.
const GROUPS_MAX: usize = 200;

/// The page.
pub fn page(site: &Site) -> Markup {
    let findings = ordered(site);
    let shown = &findings[..findings.len().min(SHEETS_MAX)];
    let sheets = sheet::sheets(shown);
    let body = html! {
        (summary(site, &findings))
        section #matrix aria-labelledby="matrix-title" {
            h2 #matrix-title { "Rules and facilities" }
            @if site.rules.is_empty() && findings.is_empty() {
                p.empty { "No rule was applied: the projector that made this page brought no rule pack." }
            } @else {
                p { (legend(site.audience)) }
                (matrix::by_rule(site, &sheets, &findings))
                p.note { "Read the numbers with care: a prison that is visited more has more duties to miss." }
                (provenance(site, &[], "data/matrix.csv"))
            }
        }
        section #time aria-labelledby="time-title" {
            h2 #time-title { "Over time" }
            (matrix::over_time(site))
        }
        (index(site, &sheets, findings.len()))
        (groups(site, &sheets))
        (undetermined(site))
        @if site.audience == Audience::Oversight { (erased::section(site)) }
        (controls(site))
    };
    let lead = html! {
        p { "A finding says that the record does not show what a duty asks for: an answer that did not come, a measure nobody reviewed, a visit that was promised and prevented. "
            "Each is computed from the log by a public rule, and comes with the entries it rests on." }
        p.signed { strong { "Signed is not true." } " A finding is about the record. Where both sides tell it differently, both versions stand in the log. "
            "A finding is not a judgement: oversight makes that, with the answer of those concerned beside it." }
    };
    let mut contents = vec![
        ("summary", "In short"),
        ("matrix", "Rules and facilities"),
        ("time", "Over time"),
        ("index", "All findings"),
        ("sheets", "Finding sheets"),
        ("undetermined", "Cannot be judged"),
        ("controls", "How to read this"),
    ];
    if site.audience == Audience::Oversight {
        contents.insert(contents.len() - 1, ("erased", "Erased by rule"));
    }
    shell::page(site, &Page { file: "accountability.html", title: "Duties not met", lead, contents, body })
}

/// By rule in the pack's order, then facility, day and subject.
fn ordered(site: &Site) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = site.latest().map_or_else(Vec::new, |last| last.findings.iter().collect());
    let place = |rule: &str| site.rules.iter().position(|info| info.id == rule).unwrap_or(usize::MAX);
    findings.sort_by_key(|f| (place(f.rule), f.rule, &f.facility, f.opened_at, &f.organisation, &f.subject));
    findings
}

fn summary(site: &Site, findings: &[&Finding]) -> Markup {
    let facts: Vec<&Finding> = findings.iter().copied().filter(|finding| finding.kind == FindingKind::Fact).collect();
    let open = facts.iter().filter(|finding| finding.status == Status::Open).count();
    let rules: BTreeSet<&str> = facts.iter().filter(|f| f.status == Status::Open).map(|f| f.rule).collect();
    let indicators = findings.len() - facts.len();
    html! {
        section #summary aria-labelledby="summary-title" {
            h2 #summary-title {
                @match (site.latest(), open) {
                    (None, _) => "Nothing has been evaluated yet",
                    (Some(_), 0) => { "No breach " @if site.holds_back() { "that may be shown yet " } "is open on " (text::day(site.as_of_day())) },
                    (Some(_), n) => {
                        (text::things(n, "breach", "breaches")) " of " (text::things(rules.len(), "rule", "rules"))
                        @if n == 1 { " is" } @else { " are" } " open on " (text::day(site.as_of_day()))
                    },
                }
            }
            @if site.latest().is_none() {
                p.empty { "The log has had no evaluation date, so no rule was applied." }
            } @else if findings.is_empty() {
                p.empty { "Every rule was applied to the log of this date, and none found a duty unmet, as far as this audience may see." }
            } @else {
                (matrix::by_severity(&facts))
            }
            @if site.audience == Audience::Oversight {
                p { "Beside these, " @if indicators == 0 { "no indicator asks" } @else { (text::things(indicators, "indicator asks", "indicators ask")) }
                    " for a judgement. Indicators are statistical or temporal and are never counted as breaches." }
            } @else {
                p { (transparency::held(site)) " Indicators are not published." }
            }
            @if site.withheld.openings_read {
                p.note { "This copy was made from an evaluation that read hidden values. Findings that may rest on them were left out, and so was every text computed; a copy made from the public log alone can show more." }
            }
        }
    }
}

fn legend(audience: Audience) -> Markup {
    let words = [
        ("open", "open: the breach goes on, or cannot be undone"),
        ("late", "done late"),
        ("remedied", "put right"),
        ("late_recorded", "recorded late, claimed in time: no breach"),
        (
            "undetermined",
            match audience {
                Audience::Public => "cannot be judged with what is public",
                Audience::Oversight => "cannot be judged with the openings at hand",
            },
        ),
    ];
    html! { span.legend { @for (name, words) in words { span { (shape(name)) " " (words) } } } }
}

/// Every finding on a line, gravest first.
fn index(site: &Site, sheets: &[Sheet<'_>], total: usize) -> Markup {
    let mut lines: Vec<&Sheet<'_>> = sheets.iter().collect();
    lines.sort_by_key(|sheet| (std::cmp::Reverse(sheet.finding.severity), sheet.finding.status));
    let head = html! { tr {
        th scope="col" { "Rule and sheet" } th scope="col" { "Severity" } th scope="col" { "Status" }
        th scope="col" { "Facility" } th scope="col" { "Organisation" } th scope="col" { "Opened" } th scope="col" { "Closed" }
    } };
    let body = html! { @for sheet in lines {
        @let finding = sheet.finding;
        tr {
            th scope="row" {
                a href={ "#" (sheet.anchor) } { (text::id(finding.rule)) " " (text::id(&finding.subject)) }
                span.of { (text::rule_title(site, finding.rule)) }
            }
            td { (sheet::severity(finding.severity)) }
            td { (sheet::status(finding.status)) }
            td { @if finding.facility.is_empty() { "–" } @else { (text::facility(site, &finding.facility)) } }
            td { @if finding.organisation.is_empty() { "–" } @else { (text::organisation_short(site, &finding.organisation)) } }
            td.nowrap { (site.day(finding.opened_at)) }
            td.nowrap { @match finding.closed_at { Some(at) => (site.day(at)), None => "–" } }
        }
    } };
    html! {
        section #index aria-labelledby="index-title" {
            h2 #index-title { "All findings" }
            @if sheets.is_empty() { p.empty { (why_none(site)) } }
            @else {
                (table("index", &html! { "Findings as of " (text::day(site.as_of_day())) ", gravest first" }, &head, &body))
                p.note {
                    @if total > sheets.len() { "The first " (text::size(sheets.len())) " of " (text::size(total)) " findings are on this page. " }
                    "Download: " a href="data/findings.csv" { "findings.csv" } "."
                }
            }
        }
    }
}

fn groups(site: &Site, sheets: &[Sheet<'_>]) -> Markup {
    html! {
        section #sheets aria-labelledby="sheets-title" {
            h2 #sheets-title { "Finding sheets" }
            @if sheets.is_empty() { p.empty { (why_none(site)) } }
            @else {
                p { "To print one sheet alone, follow the link in its title, then print the page." }
                @for group in sheets.chunk_by(|a, b| a.finding.rule == b.finding.rule) {
                    @let rule = group[0].finding.rule;
                    @let info = site.rule(rule);
                    section.rule id={ "rule-" (text::anchor(rule)) } aria-labelledby={ "rule-" (text::anchor(rule)) "-title" } {
                        h3 id={ "rule-" (text::anchor(rule)) "-title" } {
                            @if let Some(info) = info { (text::capital(&info.title)) " " }
                            span.rule-id { (text::id(rule)) }
                        }
                        p.note { (text::things(group.len(), "finding", "findings")) @if let Some(info) = info.filter(|info| !info.source.is_empty()) { ". Source of the duty: " (text::quoted(&info.source)) } "." }
                        @for sheet in group { (sheet::markup(site, sheet)) }
                    }
                }
            }
        }
    }
}

fn why_none(site: &Site) -> String {
    match (site.latest(), site.withheld.waiting_for_reply) {
        (None, _) => "The log has had no evaluation date, so there is nothing to list.".to_owned(),
        (Some(_), 0) => {
            "Every rule was applied and none found a duty unmet, as far as this audience may see.".to_owned()
        }
        (Some(_), n) => format!(
            "{} held back until those concerned had time to answer; nothing else was found.",
            text::things(n, "finding is", "findings are")
        ),
    }
}

fn undetermined(site: &Site) -> Markup {
    let items = site.latest().map_or(&[][..], |last| &last.undetermined);
    let mut groups: BTreeMap<(&str, &[Missing]), Vec<&Undetermined>> = BTreeMap::new();
    for item in items {
        groups.entry((&item.rule, &item.missing)).or_default().push(item);
    }
    let head = html! { tr {
        th scope="col" { "Rule" } th scope="col" { "Cannot be judged without" } th scope="col" { "Facilities" } th.number scope="col" { "Cases" }
    } };
    let body = html! { @for ((rule, missing), items) in groups.iter().take(GROUPS_MAX) {
        tr {
            th scope="row" { (text::id(rule)) " " span.quiet { (text::rule_title(site, rule)) } }
            td { @for (i, field) in missing.iter().enumerate() { @if i > 0 { ", " }
                (text::id(&field.field)) @if let Hidden::ErasedBy(_) = field.why { " (" (field.why) ")" }
            } }
            td { (places(site, items)) }
            td.number { (text::size(items.len())) }
        }
    } };
    html! {
        section #undetermined aria-labelledby="undetermined-title" {
            h2 #undetermined-title { "What cannot be judged" }
            p { "Some values are in the log only as a seal: committed, not printed. Where a rule needs one that this copy does not have, it says so instead of keeping silent. "
                "A value that was erased by rule is gone for everybody: the entry that erased it is named, and the seal stays. "
                "Not judged means neither met nor unmet." }
            @if groups.is_empty() {
                p.empty {
                    @if site.latest().is_none() { "The log has had no evaluation date, so nothing was judged." }
                    @else if site.withheld.openings_read { "Left out of this copy, because it was made from an evaluation that read hidden values." }
                    @else { "Every rule shown here could be judged in every case with what is at hand." }
                }
            } @else {
                (table("undetermined", &html! { "Duties that could not be judged, by rule and missing field" }, &head, &body))
                p.note {
                    @if groups.len() > GROUPS_MAX { "The first " (GROUPS_MAX) " lines of " (text::size(groups.len())) " are shown. " }
                    "Every case: " a href="data/undetermined.csv" { "undetermined.csv" } "."
                }
            }
        }
    }
}

fn places(site: &Site, items: &[&Undetermined]) -> Markup {
    let facilities: BTreeSet<&str> =
        items.iter().map(|item| item.facility.as_str()).filter(|id| !id.is_empty()).collect();
    html! {
        @if facilities.is_empty() { "–" }
        @for (i, id) in facilities.iter().take(8).enumerate() { @if i > 0 { ", " } (text::facility(site, id)) }
        @if facilities.len() > 8 { " and " (text::size(facilities.len() - 8)) " more" }
    }
}

fn controls(site: &Site) -> Markup {
    html! {
        section #controls aria-labelledby="controls-title" {
            h2 #controls-title { "How to read this" }
            ul.spaced {
                @if !site.rules.is_empty() {
                    li { strong { "Not every duty has a rule." } " Judged are the " (text::things(site.rules.len(), "rule", "rules")) " of the table above. What they do not ask for is not judged here, and no finding is not a good mark." }
                }
                li { strong { "A silence is proved." } " “Searched, not found” names a stream of the log and a span of days. The bundle proves that the stream holds nothing else, and whoever has the bundle can check it." }
                li { strong { "Only the ledger’s clock counts." } " Duties run from the day on which the log received a record to the day on which it received the answer, not by dates that anyone claims." }
                li { strong { "Clocks stand still" } " while a prison is closed or in a declared emergency, and during an outage declared in time." }
                li { strong { "Nothing disappears." } " A duty met late stays on the list as done late, and a corrected record shows both versions. A finding leaves only when a record is retracted or a stop of the clocks is declared in time; those records stay in the log." }
                li { strong { "Whoever is concerned may answer." } " There are " (site.profile.reply_days) " days before a finding is shown to the public, and an answer can be appended to the log at any time." }
                li { strong { "Wrong?" } " An organisation disputes a record by appending a dispute; a prison corrects its own with a second signature. Both count from the day they arrive." }
            }
            @if !site.withheld.never.is_empty() {
                h3 { "Rules whose findings are not shown here" }
                (never(site))
            }
        }
    }
}

fn never(site: &Site) -> Markup {
    let head = html! { tr { th scope="col" { "Rule" } th scope="col" { "Why" } } };
    let body = html! { @for (rule, why) in &site.withheld.never { tr {
        th scope="row" { (text::id(rule)) " " span.quiet { (text::rule_title(site, rule)) } }
        td { (text::capital(why)) }
    } } };
    table("never", &html! { "Rules whose findings are not published" }, &head, &body)
}
