//! What happened, in plain words: the sentences of `stories`, filled with the names and days of
//! the finding. The duty itself comes with the rule.

use maud::{Markup, html};
use schemas::time::Date;

use super::input::Site;
use super::stories::{STORIES, Told};
use super::text;
use crate::finding::{Evidence, Finding, Status};

/// What happened and how it stands, as one paragraph.
pub fn told(site: &Site, finding: &Finding) -> Markup {
    let of_rule = || STORIES.iter().filter(|(rule, ..)| *rule == finding.rule);
    let arms = |arm: &str| finding.arms.contains(&arm);
    let mut stories: Vec<&Told> = of_rule().filter(|(_, arm, ..)| arm.is_empty() || arms(arm)).collect();
    if stories.is_empty() {
        stories.extend(of_rule().take(usize::from(of_rule().count() == 1)));
    }
    html! {
        @if stories.is_empty() { "The record does not show what the duty asks for (" (subject(finding)) "). " }
        @for (_, _, told, _) in &stories { (filled(site, finding, told)) " " }
        @match finding.status {
            Status::Open => @if let Some((_, _, _, open)) = stories.last().filter(|(.., open)| !open.is_empty()) { (open) },
            Status::Late => (late(site, finding)),
            Status::Remedied => { "It was put right" (on_closing(site, finding)) "." },
            Status::LateRecorded => {
                "The record of it came" (on_closing(site, finding)) " and says that it was done in time. That is no breach; many such records are looked at by rule " (text::id("V-01")) "."
            },
        }
    }
}

fn late(site: &Site, finding: &Finding) -> Markup {
    let Some(closed) = finding.closed_at else { return html! { "It came too late." } };
    let days = site.day(closed).days_since(due(site, finding));
    html! {
        "It came on " (text::day(site.day(closed)))
        @if days > 0 { ", " (text::things(days as usize, "day", "days")) " too late" } "."
    }
}

fn on_closing(site: &Site, finding: &Finding) -> Markup {
    html! { @if let Some(closed) = finding.closed_at { " on " (text::day(site.day(closed))) } }
}

/// The last day in time: where an absence was searched to, else the day before the breach opened.
fn due(site: &Site, finding: &Finding) -> Date {
    let before = site.day(finding.opened_at).plus_days(-1);
    let absences = finding.evidence.iter().filter_map(|evidence| match evidence {
        Evidence::Absence { to, .. } => Some(*to),
        Evidence::Event { .. } => None,
    });
    absences.max().unwrap_or(before).min(before)
}

fn subject(finding: &Finding) -> Markup {
    let stem = finding.arms.iter().find_map(|arm| finding.subject.strip_suffix(&format!(":{arm}")));
    let head = finding.arms.iter().find_map(|arm| finding.subject.strip_prefix(&format!("{arm}:")));
    text::id(stem.or(head).unwrap_or(&finding.subject))
}

/// A sentence with its places filled.
fn filled(site: &Site, finding: &Finding, sentence: &str) -> Markup {
    let mut parts: Vec<Markup> = Vec::new();
    let mut rest = sentence;
    while let Some((before, place, after)) = next_place(rest) {
        parts.push(html! { (before) });
        let begins = parts.len() == 1 && before.is_empty() || before.ends_with(". ");
        parts.push(match place {
            "facility" if finding.facility.is_empty() => {
                html! { (if begins { "The authority concerned" } else { "the authority concerned" }) }
            }
            "facility" => text::facility(site, &finding.facility),
            "organisation" if finding.organisation.is_empty() => {
                html! { (if begins { "An organisation" } else { "an organisation" }) }
            }
            "organisation" if begins && !site.organisations.contains_key(&finding.organisation) => {
                html! { "An organisation that is not named (" (text::id(&finding.organisation)) ")" }
            }
            "organisation" => text::organisation(site, &finding.organisation),
            "due" => text::day(due(site, finding)),
            "opened" => text::instant(site, finding.opened_at),
            _ => subject(finding),
        });
        rest = after;
    }
    html! { @for part in &parts { (part) } (rest) }
}

/// Splits at the first `{place}`.
pub(super) fn next_place(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (place, after) = rest.split_once('}')?;
    Some((before, place, after))
}
