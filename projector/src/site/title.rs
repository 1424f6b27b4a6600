//! The finding of a figure in a sentence, computed from its data.
//!
//! A sentence compares only facilities with enough cases, and always says how many.

use std::cmp::Reverse;

use maud::{Markup, html};

use super::input::Site;
use super::series::{Series, Share, lowest};
use super::text;
use crate::measure::Figure;

/// How a share is told: `acknowledged`, `requests in time`.
#[derive(Clone, Copy)]
pub struct Words {
    /// What is done, such as `acknowledged`.
    pub verb: &'static str,
    /// To what, such as `requests in time`.
    pub what: &'static str,
}

/// A sentence for where there is nothing to tell.
fn nothing(what: &str) -> Markup {
    html! { "Nothing to show yet: " (what) }
}

/// Who was asked most.
pub fn requests(site: &Site, series: &Series<'_>) -> Markup {
    let total = series.sum("T1", "", "", "");
    let Some(first) = series.facilities.first().filter(|_| total > 0) else {
        return nothing("the log holds no request for access in these quarters");
    };
    let most = series.sum("T1", first, "", "");
    let share = Share { part: most, whole: total };
    html! {
        (text::facility(site, first)) " received " (text::count(most)) " of " (text::count(total))
        " requests to enter (" (share.rounded()) ")"
        @if series.facilities.get(1).is_some_and(|second| series.sum("T1", second, "", "") < most) { ", more than any other facility" }
    }
}

/// Who fell short over all quarters, or that nobody did.
pub fn kept(site: &Site, series: &Series<'_>, measure: &str, words: Words) -> Markup {
    let all = series.total(measure, "");
    if all.whole == 0 {
        return html! { "Nothing to show yet: no request has come to the day by which it had to be " (words.verb) };
    }
    if all.part == all.whole {
        return html! { "Every facility " (words.verb) " all its " (words.what) " (" (all.words()) ")" };
    }
    let totals: Vec<(&str, Share)> = series.facilities.iter().map(|id| (*id, series.total(measure, id))).collect();
    let short = totals.iter().filter(|(_, share)| share.part < share.whole).count();
    let Some((id, share)) = lowest(totals) else {
        return html! { "Facilities " (words.verb) " " (all.words()) " " (words.what) };
    };
    html! {
        (text::facility(site, id)) " " (words.verb) " " (share.words()) " " (words.what)
        @if short == 1 { "; every other facility " (words.verb) " all of theirs" }
        @else { ", the lowest share; all facilities together " (all.words()) }
    }
}

/// Who stands lowest in the last quarter.
pub fn last_quarter(site: &Site, series: &Series<'_>, measure: &str, words: Words) -> Markup {
    let Some((quarter, all)) = series.last().and_then(|quarter| Some((quarter, series.share(measure, quarter, "")?)))
    else {
        return nothing("the last quarter has no decision");
    };
    let shares = series.facilities.iter().filter_map(|id| Some((*id, series.share(measure, quarter, id)?)));
    let low = lowest(shares).filter(|(_, share)| share.is_below(all));
    html! {
        "In " (text::period_words(quarter)) " "
        @if let Some((id, share)) = low {
            (text::facility(site, id)) " " (words.verb) " " (share.words()) " " (words.what) "; all facilities together "
        } @else {
            "facilities " (words.verb) " "
        }
        (all.words())
        @if low.is_none() { " " (words.what) }
    }
}

/// Where, in any quarter, fewest approved visits took place.
pub fn realised(site: &Site, series: &Series<'_>) -> Markup {
    let all = series.total("T7", "");
    if all.whole == 0 {
        return nothing("no visit has been approved in these quarters");
    }
    let cells = series.quarters.iter().flat_map(|quarter| series.facilities.iter().map(move |id| (*quarter, *id)));
    let shares = cells.filter_map(|(quarter, id)| Some(((quarter, id), series.share("T7", quarter, id)?)));
    let low = lowest(shares).filter(|(_, share)| share.part < share.whole);
    html! {
        @if all.part <= all.whole { (all.words()) " approved visits took place" }
        @else { (text::count(all.part)) " visits took place, on " (text::count(all.whole)) " approved" }
        @if let Some(((quarter, id), share)) = low {
            "; fewest at " (text::facility(site, id)) " in " (text::period(quarter)) ", " (share.words())
        }
    }
}

/// How long decisions took, and whether any facility's slowest passed the limit.
pub fn days(series: &Series<'_>, limit: Option<u32>) -> Markup {
    let Some(quarter) = series.last() else { return nothing("the log holds no decision yet") };
    let value = |measure, facility| tenths_of(series, measure, quarter, facility);
    let (Some(half), Some(most)) = (value("T4.median", ""), value("T4.p95", "")) else {
        return nothing("the last quarter has no decision");
    };
    let over = limit.map(|limit| {
        let is_over = |quarter: &&&str| {
            let marks = series.facilities.iter().filter_map(|id| tenths_of(series, "T4.p95", quarter, id));
            marks.max().is_some_and(|most| most > i64::from(limit) * 10)
        };
        series.quarters.iter().filter(is_over).count()
    });
    html! {
        "In " (text::period_words(quarter)) " half of the decisions came within " (text::tenths(half))
        " days and 95% within " (text::tenths(most))
        @if let (Some(over), Some(limit)) = (over, limit) {
            @if over == 0 { "; no facility’s 95% mark passed " (limit) " days in any quarter" }
            @else { "; a facility’s 95% mark passed " (limit) " days in " (text::things(over, "quarter", "quarters")) }
        }
    }
}

/// The most frequent reason.
pub fn denials(series: &Series<'_>) -> Markup {
    let total = series.sum("T6", "", "", "");
    let reasons = reasons(series, "");
    let Some((reason, most)) = reasons.first().filter(|_| total > 0) else {
        return nothing("the log holds no refusal in these quarters");
    };
    let share = Share { part: *most, whole: total };
    html! {
        (text::capital(&text::code(reason))) " was the reason most often given: " (share.words())
        " refusals (" (share.rounded()) ")"
    }
}

/// Reasons with their counts over the quarters shown, the most frequent first.
pub fn reasons<'a>(series: &Series<'a>, facility: &str) -> Vec<(&'a str, i64)> {
    let mut reasons: Vec<(&str, i64)> = series
        .keys("T6", "reason")
        .into_iter()
        .map(|reason| (reason, series.sum("T6", facility, "reason", reason)))
        .collect();
    reasons.sort_by_key(|(reason, n)| (Reverse(*n), *reason));
    reasons
}

/// A printed figure in tenths.
pub fn tenths_of(series: &Series<'_>, measure: &str, quarter: &str, facility: &str) -> Option<i64> {
    series.row(measure, quarter, facility).map(|row| match row.value {
        Figure::Whole(n) => n.saturating_mul(10),
        Figure::Tenths(n) => n,
    })
}
