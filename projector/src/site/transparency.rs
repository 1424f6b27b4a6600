//! `index.html`, the public transparency view.

use maud::{Markup, html};

use super::figure::{Figure, provenance};
use super::input::Site;
use super::others;
use super::series::{COMPARED_MIN, Series, lowest};
use super::shell::{self, Page};
use super::text;
use super::title::tenths_of;
use crate::finding::{FindingKind, Severity, Status};
use crate::lens::Audience;

/// The page.
pub fn page(site: &Site, series: &Series<'_>, figures: &[Figure]) -> Markup {
    let body = html! {
        (headlines(site, series))
        (freshness(site))
        section #figures aria-labelledby="figures-title" {
            h2 #figures-title { "From the request to the visit" }
            p { "Seven figures follow a request for access on its way through the prison. Each title is what the figure shows, "
                "computed from the data; its table and its download stand below it. Panels of one figure share one scale, and bars start at zero. "
                "Sentences compare only facilities with " (COMPARED_MIN) " cases or more." }
            @for (i, figure) in figures.iter().enumerate() { (figure.markup(site, i + 1)) }
        }
        section #measures aria-labelledby="measures-title" {
            h2 #measures-title { "What else is counted" }
            (others::measures(site, series))
            (provenance(site, &[], "data/measures.csv"))
        }
        (not_published(site))
        (verify(site))
        (log(site))
        section #method aria-labelledby="method-title" {
            h2 #method-title { "How each number is counted" }
            p { "A number belongs to the quarter in which the log received what is counted. An event that came late counts in the quarter in which it came, "
                "so one late record does not show as a change of an earlier quarter. Nothing before the log’s first day, "
                (text::day(site.log.genesis)) ", is assumed." }
            (others::definitions(site))
        }
        (downloads(figures))
    };
    let lead = html! {
        p { "This page shows how prisons answer civil society: who asked to enter, how fast they were answered, who was let in or turned away, and why. "
            "Prisons, organisations and oversight bodies each write their own side into one public log that nobody can change afterwards without being caught." }
        p.signed { strong { "Signed is not true." } " The log proves who said what, and when. Whether it happened so is another question; "
            "that is why organisations write their own requests and arrivals, and countersign or dispute what a prison reports." }
    };
    let contents = vec![
        ("headlines", "In short"),
        ("figures", "Seven figures"),
        ("measures", "Other measures"),
        ("not-published", "What we do not publish"),
        ("verify", "How to verify"),
        ("method", "Definitions"),
        ("downloads", "Downloads"),
    ];
    shell::page(site, &Page { file: "index.html", title: "How prisons answer civil society", lead, contents, body })
}

/// The last quarter in a few sentences.
fn headlines(site: &Site, series: &Series<'_>) -> Markup {
    let sentences = sentences(site, series);
    html! {
        section.headlines #headlines aria-labelledby="headlines-title" {
            h2 #headlines-title {
                @match series.last() {
                    Some(quarter) => { "In short: " (text::period_words(quarter)) },
                    None => "In short",
                }
            }
            @if sentences.is_empty() {
                p.empty { "No quarter has ended since the log began on " (text::day(site.log.genesis)) ", so there is nothing to sum up yet." }
            } @else {
                ul { @for (sentence, anchor) in sentences { li { (sentence) " " a.more href=(anchor) { (anchor_name(anchor)) } } } }
            }
        }
    }
}

fn anchor_name(anchor: &str) -> &'static str {
    match anchor {
        "#requests" => "Figure 1",
        "#acknowledged" => "Figure 2",
        "#decided" => "Figure 3",
        "#days" => "Figure 4",
        "#approved" => "Figure 5",
        "#denials" => "Figure 6",
        "#realised" => "Figure 7",
        _ => "The findings",
    }
}

fn sentences(site: &Site, series: &Series<'_>) -> Vec<(Markup, &'static str)> {
    let Some(quarter) = series.last() else { return Vec::new() };
    let mut told = Vec::new();
    if let Some(n) = tenths_of(series, "T1", quarter, "") {
        let n = n / 10;
        let before = series.quarters.len().checked_sub(2).and_then(|i| tenths_of(series, "T1", series.quarters[i], ""));
        told.push((
            html! {
                "Organisations asked " strong { (text::count(n)) } @if n == 1 { " time" } @else { " times" } " to enter a prison"
                @if let Some(before) = before { ", after " (text::count(before / 10)) " in the quarter before" } "."
            },
            "#requests",
        ));
    }
    for (measure, verb, anchor) in [("T2", "acknowledged", "#acknowledged"), ("T3", "decided", "#decided")] {
        if let Some(share) = series.share(measure, quarter, "").filter(|share| share.whole > 0) {
            let shares = series.facilities.iter().filter_map(|id| Some((*id, series.share(measure, quarter, id)?)));
            let low = lowest(shares).filter(|(_, low)| low.is_below(share));
            told.push((
                html! {
                    "Prisons " (verb) " " strong { (share.words()) } " requests in time"
                    @if let Some((id, low)) = low { "; " (text::facility(site, id)) " " (low.words()) } "."
                },
                anchor,
            ));
        }
    }
    if let (Some(half), Some(n)) = (tenths_of(series, "T4.median", quarter, ""), series.row("T4.median", quarter, "")) {
        told.push((
            html! {
                "Half of the decisions came within " strong { (text::tenths(half)) " days" }
                @if let Some(n) = n.denominator { " (" (text::count(n)) " decisions)" } "."
            },
            "#days",
        ));
    }
    if let Some(share) = series.share("T5", quarter, "").filter(|share| share.whole > 0) {
        let shares = series.facilities.iter().filter_map(|id| Some((*id, series.share("T5", quarter, id)?)));
        let low = lowest(shares).filter(|(_, low)| low.is_below(share));
        told.push((
            html! {
                strong { (share.words()) } " decisions were approvals"
                @if let Some((id, low)) = low { "; at " (text::facility(site, id)) " " (low.words()) } "."
            },
            "#approved",
        ));
    }
    if let Some(share) = series.share("T7", quarter, "").filter(|share| share.whole > 0) {
        told.push((
            html! { strong { (share.words()) } " visits approved in the quarter have taken place so far." },
            "#realised",
        ));
    }
    told.extend(open_findings(site));
    told
}

fn open_findings(site: &Site) -> Option<(Markup, &'static str)> {
    let last = site.latest()?;
    let open = last.findings.iter().filter(|f| f.status == Status::Open && f.kind == FindingKind::Fact);
    let (n, critical) =
        open.fold((0, 0), |(n, critical), f| (n + 1, critical + usize::from(f.severity == Severity::Critical)));
    let sentence = html! {
        @if n == 0 { "No breach of a recorded duty " @if site.holds_back() { "that may be shown yet " } "is open." }
        @else {
            strong { (text::things(n, "breach", "breaches")) } " of recorded duties " @if n == 1 { "is" } @else { "are" } " open"
            @if critical > 0 { ", " (text::size(critical)) " of them critical" } "."
        }
    };
    Some((sentence, "accountability.html"))
}

fn freshness(site: &Site) -> Markup {
    html! {
        section #freshness aria-labelledby="freshness-title" {
            h2 #freshness-title { "How fresh this is" }
            p { "Everything is counted as of " strong { (text::instant(site, site.log.as_of)) } ", from a log of "
                (text::entries(site)) " whose checkpoint was signed on " (text::instant(site, site.log.checkpoint_at))
                ". What was received later than what is counted is not here. The log began on " (text::day(site.log.genesis)) "." }
        }
    }
}

fn not_published(site: &Site) -> Markup {
    html! {
        section #not-published aria-labelledby="not-published-title" {
            h2 #not-published-title { "What we do not publish, and why" }
            ul.spaced {
                li { strong { "Anything about a single prisoner." } " There is no record of a prisoner anywhere in the log, by design." }
                li { strong { "Counts of persons." } " Small numbers point to people, and so do differences between large ones. No page or download here has any; they may leave only in tables of their own, rounded, with small cells hidden together with those that would give them away." }
                li { strong { "Complaints and reprisals." } " Few cases in one place point to a person. Never by prison or organisation; national totals only, rounded, for half a year." }
                li { strong { "Names of organisations that chose not to be named." } " They stand under a pseudonym, in the log as well. Whoever knows their work may still recognise them; they were told so." }
                li { strong { "Interviews, team sizes, security annexes, vetting results, and places below the region." } " They could put visitors, staff or people released at risk." }
                li { strong { "Exact hours of visits and plans of inspections." } " The day is enough to check a duty; the hour would show a routine." }
                li { strong { "Statistical signals." } " An unusual pattern is for oversight to judge with both sides heard; it is not a breach, so it is not shown as one." }
                li { strong { "Fresh findings." } " They could not be answered yet. " (held(site)) }
            }
        }
    }
}

/// The right of reply, and how many findings wait for it.
pub fn held(site: &Site) -> Markup {
    html! {
        "Whoever is concerned has " (site.profile.reply_days) " days to answer before a finding is shown to the public"
        @match (site.audience, site.withheld.waiting_for_reply) {
            (Audience::Oversight, _) => ". This copy holds none back.",
            (Audience::Public, 0) => "; at this date none is held back so.",
            (Audience::Public, 1) => "; at this date 1 finding is held back so.",
            (Audience::Public, n) => { "; at this date " (text::size(n)) " findings are held back so." },
        }
    }
}

/// The command that makes this copy again.
fn again(site: &Site) -> String {
    // At one date only, a report is asked for that date; else for those of the profile, which is the default.
    let as_of = match site.evaluations.len() {
        0 | 1 => format!(" \\\n  --as-of {}", site.log.as_of),
        _ => String::new(),
    };
    match site.audience {
        Audience::Public => format!("projector site --bundle BUNDLE --policy POLICY{as_of} --out OUT"),
        Audience::Oversight => format!(
            "projector report --bundle BUNDLE --policy POLICY --openings OPENINGS \\\n  --audience oversight{as_of} --out OUT"
        ),
    }
}

fn verify(site: &Site) -> Markup {
    html! {
        section #verify aria-labelledby="verify-title" {
            h2 #verify-title { "How to verify this page" }
            p { "You need the bundle (the whole public log as files, also on a stick), the policy file with the log’s key, and the programs "
                code { "verifier" } " and " code { "projector" } ", which anyone may build from their source. Get the policy from somewhere else than this page: a paper receipt, an oversight body, another organisation." }
            ol.spaced {
                li { "Check the log. This needs no network." pre tabindex="0" { code { "verifier check BUNDLE --policy POLICY" } }
                    "It says whether anything was altered, removed, reordered or dated back, and what it could not check." }
                li { "Compare what it prints with this:"
                    dl.facts {
                        div { dt { "Log" } dd { (text::id(&site.log.origin)) } }
                        div { dt { "Size" } dd { (text::count(site.log.size as i64)) } }
                        div { dt { "Root" } dd { (text::hash(&site.log.root)) } }
                    }
                    "The root is the fingerprint of the log: one other bit anywhere in it, and it is another." }
                li { "Make this page and its data again. The same log gives the same files, on any machine."
                    pre tabindex="0" { code { (again(site)) } } }
                li { "Compare the copy in " code { "OUT" } " with this page and its downloads, byte for byte." }
            }
            p { "If something differs, keep both copies: two signed checkpoints that do not fit together are proof against the operator, "
                "and any oversight body can check it." }
        }
    }
}

fn log(site: &Site) -> Markup {
    html! {
        section #log aria-labelledby="log-title" {
            h2 #log-title { "The log behind this page" }
            dl.facts {
                div { dt { "Operator" } dd { (text::name(&site.log.operator)) } }
                div { dt { "Log" } dd { (text::id(&site.log.origin)) } }
                div { dt { "Entries" } dd { (text::count(site.log.size as i64)) } }
                div { dt { "Fingerprint" } dd { (text::hash(&site.log.root)) } }
                div { dt { "Checkpoint signed" } dd { (text::instant(site, site.log.checkpoint_at)) } }
                div { dt { "Evaluated as of" } dd { (text::instant(site, site.log.as_of)) } }
                div { dt { "First day" } dd { (text::day(site.log.genesis)) } }
                div { dt { "Rule profile" } dd { (text::id(&site.profile.name)) } }
            }
            (others::entries(site))
        }
    }
}

fn downloads(figures: &[Figure]) -> Markup {
    html! {
        section #downloads aria-labelledby="downloads-title" {
            h2 #downloads-title { "Downloads" }
            p { "Tables as CSV: UTF-8, one fact in a row, dates as YYYY-MM-DD, empty where there is nothing. "
                "An apostrophe before a name that begins like a formula keeps spreadsheets from running it." }
            ul.files {
                li { a href="data/measures.csv" { "measures.csv" } " every measure, quarter, facility and code" }
                @for (i, figure) in figures.iter().enumerate() {
                    li { a href=(figure.path) { (figure.path.trim_start_matches("data/")) } " the rows of figure " (i + 1) ", with the names of the facilities" }
                }
                li { a href="data/findings.csv" { "findings.csv" } " every finding that may be shown, at each evaluation date" }
                li { a href="data/matrix.csv" { "matrix.csv" } " findings by rule and facility, at the last date" }
                li { a href="data/over-time.csv" { "over-time.csv" } " open breaches by severity, at each evaluation date" }
                li { a href="data/undetermined.csv" { "undetermined.csv" } " what could not be judged, at the last date" }
                li { a href="data/undetermined-by-date.csv" { "undetermined-by-date.csv" } " the same at each evaluation date" }
            }
        }
    }
}
