//! The figures of the public page: what each shows, from which measure, in which form.

use maud::{Markup, html};

use super::chart::{self, Bar, Column, Dots, Fill};
use super::csv::{self, Cell};
use super::figure::{Figure, panels, table};
use super::input::Site;
use super::series::{PANELS_MAX, Series, Share};
use super::text;
use super::title::{self, Words, reasons, tenths_of};
use crate::finding::{Finding, Status};
use crate::measure::Row;

/// All of them, in the order of a request's way through the prison.
pub fn all(site: &Site, series: &Series<'_>) -> Vec<Figure> {
    vec![
        requests(site, series),
        acknowledged(site, series),
        decided(site, series),
        days(site, series),
        approved(site, series),
        denials(site, series),
        realised(site, series),
    ]
}

fn requests(site: &Site, series: &Series<'_>) -> Figure {
    let value = |quarter: &str, facility: &str| tenths_of(series, "T1", quarter, facility).map(|n| n / 10);
    let shown = shown(series);
    let tallest = shown.iter().flat_map(|id| series.quarters.iter().filter_map(|quarter| value(quarter, id))).max();
    let top = chart::top(tallest.unwrap_or(0) as f64);
    let picture = shown.iter().map(|id| {
        let columns: Vec<Column> = (0..series.quarters.len())
            .map(|i| {
                let n = value(series.quarters[i], id);
                column(series, i, n.map(|n| n as f64), n.map_or_else(|| "–".to_owned(), text::count), String::new())
            })
            .collect();
        let total = series.sum("T1", id, "", "");
        let aside = format!("{} in all", text::count(total));
        (text::facility(site, id), aside, chart::columns(&spoken(site, id, &columns), &columns, top, Fill::Count))
    });
    let cell = |quarter: &str, id: &str| {
        html! {
            td.number { @match value(quarter, id) { Some(n) => (text::count(n)), None => "–" } }
        }
    };
    Figure {
        anchor: "requests",
        measures: &["T1"],
        title: title::requests(site, series),
        subtitle: format!(
            "Requests for access by facility and quarter of receipt, {}; number of requests",
            span(series)
        ),
        picture: if_any(series, &panels(picture)),
        table: by_quarter(site, series, "requests", "Requests for access by facility and quarter", &cell),
        note: cut_note(series),
        path: "data/requests.csv",
        csv: rows_csv(site, series.of("T1")),
    }
}

fn acknowledged(site: &Site, series: &Series<'_>) -> Figure {
    let within = site.profile.acknowledge_working_days.map_or_else(
        || "within the time of the profile".to_owned(),
        |days| format!("within {}", text::things(days as usize, "working day", "working days")),
    );
    let words = Words { verb: "acknowledged", what: "requests in time" };
    Figure {
        anchor: "acknowledged",
        measures: &["T2"],
        title: title::kept(site, series, "T2", words),
        subtitle: format!(
            "Requests whose receipt was confirmed {within}, {}; % of the requests whose last day has come",
            span(series)
        ),
        picture: share_panels(site, series, "T2", Fill::Missed),
        table: share_table(site, series, "acknowledged", "Requests acknowledged in time", "T2"),
        note: Some(evidence_note(
            site,
            "ACC-01",
            "request that nobody acknowledged in time",
            "requests that nobody acknowledged in time",
        )),
        path: "data/acknowledged.csv",
        csv: rows_csv(site, series.of("T2")),
    }
}

fn decided(site: &Site, series: &Series<'_>) -> Figure {
    let within = site.profile.decision_days.map_or_else(
        || "within the time of the profile".to_owned(),
        |days| format!("within {}", text::things(days as usize, "day", "days")),
    );
    let words = Words { verb: "decided", what: "requests in time" };
    Figure {
        anchor: "decided",
        measures: &["T3"],
        title: title::kept(site, series, "T3", words),
        subtitle: format!(
            "Requests approved or refused {within}, {}; % of the requests whose last day has come",
            span(series)
        ),
        picture: share_panels(site, series, "T3", Fill::Missed),
        table: share_table(site, series, "decided", "Requests decided in time", "T3"),
        note: Some(evidence_note(
            site,
            "ACC-02",
            "request without a decision in time",
            "requests without a decision in time",
        )),
        path: "data/decided.csv",
        csv: rows_csv(site, series.of("T3")),
    }
}

fn days(site: &Site, series: &Series<'_>) -> Figure {
    let value = |measure: &str, quarter: &str, id: &str| tenths_of(series, measure, quarter, id);
    let n = |quarter: &str, id: &str| series.row("T4.median", quarter, id).and_then(|row| row.denominator);
    let limit = site.profile.decision_days;
    let shown = with_all(series);
    let slowest = shown.iter().flat_map(|id| series.quarters.iter().filter_map(|q| value("T4.p95", q, id))).max();
    let longest = slowest.unwrap_or(0).max(limit.map_or(0, |days| i64::from(days) * 10));
    let top = chart::top(longest as f64 / 10.0 + 1.0);
    let limit_label = limit.map(|days| format!("limit {days} days"));
    let limit = limit.zip(limit_label.as_deref()).map(|(days, label)| (f64::from(days), label));
    let picture = shown.iter().map(|id| {
        let rows: Vec<Dots> = series
            .quarters
            .iter()
            .map(|quarter| {
                let both = value("T4.median", quarter, id).zip(value("T4.p95", quarter, id));
                Dots {
                    label: text::period(quarter).into_owned(),
                    values: both.map(|(half, most)| {
                        [(half as f64 / 10.0, text::tenths(half)), (most as f64 / 10.0, text::tenths(most))]
                    }),
                    n: n(quarter, id).map_or_else(|| "0".to_owned(), text::count),
                }
            })
            .collect();
        let name = name_text(site, id);
        let spoken =
            format!("{name}: median and 95th percentile of days to decision by quarter; values in the table below");
        let all = series.quarters.iter().filter_map(|quarter| n(quarter, id)).fold(0, i64::saturating_add);
        (name_markup(site, id), format!("{} decisions", text::count(all)), chart::dots(&spoken, &rows, top, limit))
    });
    let line = |id: &str, measure: &str, label: &str, first: bool| {
        html! {
            tr {
                @if first { th.group scope="rowgroup" rowspan="3" { (name_markup(site, id)) } }
                th.sub scope="row" { (label) }
                @for quarter in &series.quarters {
                    td.number {
                        @if measure == "n" { (n(quarter, id).map_or_else(|| "0".to_owned(), text::count)) }
                        @else { (value(measure, quarter, id).map_or_else(|| "–".to_owned(), one_decimal)) }
                    }
                }
            }
        }
    };
    let head = html! { tr {
        th scope="col" { "Facility" } th scope="col" { "Figure" }
        @for quarter in &series.quarters { th.number scope="col" { (text::period(quarter)) } }
    } };
    let body = html! { @for id in every(series) {
        (line(id, "T4.median", "half within", true)) (line(id, "T4.p95", "95% within", false)) (line(id, "n", "n", false))
    } };
    Figure {
        anchor: "days",
        measures: &["T4.median", "T4.p95"],
        title: title::days(series, site.profile.decision_days),
        subtitle: "Days from a request to its decision: the middle one (filled dot) and the 95th percentile (ring), by the quarter of the decision".into(),
        picture: if_any(series, &panels(picture)),
        table: table("days", &html! { "Days from request to decision; n is the number of decisions" }, &head, &body),
        note: Some(html! { "Time in which a facility waited for an answer to a question of its own is not subtracted here, so a decision may take longer than the limit and still be in time." }),
        path: "data/days.csv",
        csv: rows_csv(site, series.of("T4")),
    }
}

fn approved(site: &Site, series: &Series<'_>) -> Figure {
    Figure {
        anchor: "approved",
        measures: &["T5"],
        title: title::last_quarter(site, series, "T5", Words { verb: "approved", what: "requests that were decided" }),
        subtitle: "Requests approved; % of the decisions received in the quarter".into(),
        picture: share_panels(site, series, "T5", Fill::Plain),
        table: share_table(site, series, "approved", "Requests approved, of those decided", "T5"),
        note: cut_note(series),
        path: "data/approved.csv",
        csv: rows_csv(site, series.of("T5")),
    }
}

fn denials(site: &Site, series: &Series<'_>) -> Figure {
    let national = reasons(series, "");
    let top = chart::top(national.first().map_or(0, |(_, n)| *n) as f64);
    // The nation first: it sets the order of the reasons.
    let shown: Vec<&str> = [""].into_iter().chain(shown(series)).collect();
    let picture = shown.iter().map(|id| {
        let bars: Vec<Bar> = national
            .iter()
            .map(|(reason, _)| {
                let n = series.sum("T6", id, "reason", reason);
                Bar { label: text::capital(&text::code(reason)), value: n as f64, text: text::count(n) }
            })
            .collect();
        let total = series.sum("T6", id, "", "");
        let told: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.label, bar.text)).collect();
        let spoken = format!("{}: {}", name_text(site, id), told.join(", "));
        (name_markup(site, id), format!("n = {}", text::count(total)), chart::bars(&spoken, &bars, top))
    });
    let head = html! { tr {
        th scope="col" { "Reason" }
        @for id in every(series) { th.number scope="col" { (name_markup(site, id)) } }
    } };
    let body = html! {
        @for (reason, _) in &national { tr {
            th scope="row" { (text::capital(&text::code(reason))) }
            @for id in every(series) { td.number { (text::count(series.sum("T6", id, "reason", reason))) } }
        } }
        tr.total {
            th scope="row" { "All reasons" }
            @for id in every(series) { td.number { (text::count(series.sum("T6", id, "", ""))) } }
        }
    };
    Figure {
        anchor: "denials",
        measures: &["T6"],
        title: title::denials(series),
        subtitle: format!("Refusals of access by the reason given, {}; number of refusals", span(series)),
        picture: if national.is_empty() {
            empty("The log holds no refusal in these quarters.")
        } else {
            panels(picture)
        },
        table: table("denials", &html! { "Refusals by reason and facility, " (span(series)) }, &head, &body),
        note: Some(
            html! { "The reason is the one that the facility chose from a list. Signed is not true: the log proves that it was given, not that it holds." },
        ),
        path: "data/denials.csv",
        csv: rows_csv(site, series.of("T6")),
    }
}

fn realised(site: &Site, series: &Series<'_>) -> Figure {
    Figure {
        anchor: "realised",
        measures: &["T7"],
        title: title::realised(site, series),
        subtitle: format!(
            "Visits that took place, of those approved, {}; % by the quarter of the approval",
            span(series)
        ),
        picture: share_panels(site, series, "T7", Fill::Plain),
        table: share_table(site, series, "realised", "Visits that took place, of those approved", "T7"),
        note: Some(
            html! { "A visit approved late in the last quarter may still take place, so that quarter can rise in the next release." },
        ),
        path: "data/realised.csv",
        csv: rows_csv(site, series.of("T7")),
    }
}

/// Panels of shares, one a facility and one for all.
fn share_panels(site: &Site, series: &Series<'_>, measure: &str, fill: Fill) -> Markup {
    let shown = with_all(series);
    let highest = shown.iter().flat_map(|id| series.quarters.iter().filter_map(|q| series.share(measure, q, id)));
    let top = chart::top(highest.map(Share::percent).fold(100.0, f64::max));
    let picture = shown.iter().map(|id| {
        let columns: Vec<Column> = (0..series.quarters.len())
            .map(|i| match series.share(measure, series.quarters[i], id) {
                Some(share) => {
                    let n = format!("{}/{}", text::count(share.part), text::count(share.whole));
                    column(series, i, Some(share.percent()), share.rounded(), n)
                }
                None => column(series, i, None, "–".into(), "n = 0".into()),
            })
            .collect();
        let all = series.total(measure, id);
        (name_markup(site, id), all.words(), chart::columns(&spoken(site, id, &columns), &columns, top, fill))
    });
    if_any(series, &panels(picture))
}

fn share_table(site: &Site, series: &Series<'_>, anchor: &str, caption: &str, measure: &str) -> Markup {
    let cell = |quarter: &str, id: &str| {
        html! {
            td.number {
                @match (tenths_of(series, measure, quarter, id), series.share(measure, quarter, id)) {
                    (Some(value), Some(share)) => { (one_decimal(value)) "%" span.of { (share.words()) } },
                    _ => { "–" span.of { "none" } },
                }
            }
        }
    };
    by_quarter(site, series, anchor, caption, &cell)
}

/// A table of facilities by quarters, the nation last.
fn by_quarter(
    site: &Site,
    series: &Series<'_>,
    anchor: &str,
    caption: &str,
    cell: &dyn Fn(&str, &str) -> Markup,
) -> Markup {
    let head = html! { tr {
        th scope="col" { "Facility" }
        @for quarter in &series.quarters { th.number scope="col" { (text::period(quarter)) } }
    } };
    let body = html! { @for id in every(series) {
        tr.total[id.is_empty()] {
            th scope="row" { (name_markup(site, id)) }
            @for quarter in &series.quarters { (cell(quarter, id)) }
        }
    } };
    table(anchor, &html! { (caption) }, &head, &body)
}

fn column(series: &Series<'_>, i: usize, value: Option<f64>, text: String, n: String) -> Column {
    let period = series.quarters[i];
    let (year, quarter) = text::quarter(period).unwrap_or(("", period));
    let begins = i == 0 || text::quarter(series.quarters[i - 1]).is_none_or(|(before, _)| before != year);
    Column { label: quarter.to_owned(), group: begins.then(|| year.to_owned()), value, text, n }
}

/// What is read out instead of a panel of columns.
fn spoken(site: &Site, id: &str, columns: &[Column]) -> String {
    let mut year = String::new();
    let told: Vec<String> = columns
        .iter()
        .map(|column| {
            if let Some(group) = &column.group {
                year.clone_from(group);
            }
            let of = if column.n.is_empty() { String::new() } else { format!(" ({})", column.n) };
            format!("{year} {} {}{of}", column.label, column.text)
        })
        .collect();
    format!("{}: {}", name_text(site, id), told.join(", "))
}

/// The findings behind the cases that a figure counts as missed.
fn evidence_note(site: &Site, rule: &str, one: &str, many: &str) -> Markup {
    // What was recorded late but done in time is a finding and no miss.
    let missed = |finding: &&Finding| finding.rule == rule && finding.status != Status::LateRecorded;
    let n = site.latest().map_or(0, |last| last.findings.iter().filter(missed).count());
    html! {
        @if n == 0 {
            "The accountability page lists no finding of rule " (text::id(rule)) " at this date."
        } @else {
            "Each is on the accountability page with its evidence: "
            a href={ "accountability.html#rule-" (rule) } { (text::things(n, one, many)) }
            " since the log began, also those made good since."
        }
        " A finding that still waits for the right of reply is not listed there, and its case is counted here."
    }
}

fn cut_note(series: &Series<'_>) -> Option<Markup> {
    series.cut.then(|| html! { "Earlier quarters are in the download." })
}

fn span(series: &Series<'_>) -> String {
    match (series.quarters.first(), series.quarters.last()) {
        (Some(first), Some(last)) if first != last => format!("{} to {}", text::period(first), text::period(last)),
        (Some(only), _) => text::period(only).into_owned(),
        _ => "no quarter yet".to_owned(),
    }
}

fn if_any(series: &Series<'_>, picture: &Markup) -> Markup {
    if series.quarters.is_empty() || series.facilities.is_empty() {
        return empty(
            "No quarter of this log has ended yet, so nothing is counted. The first figures come with the first quarter’s end.",
        );
    }
    html! {
        (picture)
        @if series.facilities.len() > PANELS_MAX {
            p.note { "Drawn are the " (PANELS_MAX) " facilities with the most requests; the table has all " (series.facilities.len()) "." }
        }
    }
}

fn empty(why: &str) -> Markup {
    html! { p.empty { (why) } }
}

fn shown<'a>(series: &Series<'a>) -> Vec<&'a str> {
    series.facilities.iter().copied().take(PANELS_MAX).collect()
}

/// The facilities drawn, then the nation.
fn with_all<'a>(series: &Series<'a>) -> Vec<&'a str> {
    shown(series).into_iter().chain([""]).collect()
}

/// All facilities, then the nation.
fn every<'a>(series: &Series<'a>) -> impl Iterator<Item = &'a str> {
    series.facilities.clone().into_iter().chain([""])
}

fn name_markup(site: &Site, id: &str) -> Markup {
    if id.is_empty() {
        html! { "All facilities" }
    } else {
        text::facility(site, id)
    }
}

fn name_text<'a>(site: &'a Site, id: &'a str) -> std::borrow::Cow<'a, str> {
    if id.is_empty() { "All facilities".into() } else { text::facility_text(site, id) }
}

fn one_decimal(tenths: i64) -> String {
    format!("{}.{}", text::count(tenths / 10), (tenths % 10).abs())
}

fn rows_csv<'a>(site: &'a Site, rows: impl Iterator<Item = &'a Row>) -> Vec<u8> {
    let as_of = site.as_of_day().to_string();
    let head = [
        "as_of",
        "measure",
        "period",
        "facility",
        "facility_name",
        "dimension",
        "key",
        "value",
        "numerator",
        "denominator",
    ];
    let number = |n: Option<i64>| n.map_or(Cell::Empty, Cell::Number);
    let rows: Vec<(&Row, String)> = rows.map(|row| (row, row.value.to_string())).collect();
    csv::write(
        &head,
        rows.iter().map(|(row, value)| {
            let name = site.facilities.get(&row.facility).map_or("", |name| name.text.as_str());
            vec![
                Cell::Exact(&as_of),
                Cell::Exact(row.measure),
                Cell::Exact(&row.period),
                Cell::Exact(&row.facility),
                Cell::Free(name),
                Cell::Exact(row.dimension),
                Cell::Exact(&row.key),
                Cell::Exact(value),
                number(row.numerator),
                number(row.denominator),
            ]
        }),
    )
}
