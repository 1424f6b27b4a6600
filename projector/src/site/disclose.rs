//! What the public may see of a [`Site`]. Only the [`Lens`](crate::lens::Lens) calls it.
//!
//! The public page should be made from an evaluation of the public log: then nothing in it can
//! rest on a hidden value, and what needs one is undetermined. If an evaluation that read
//! openings comes by all the same, only findings of rules whose every input is public, about
//! parties that are named, are left of it, and without their free text.

use crate::finding::{Evidence, Finding, FindingKind};
use crate::lens::Audience;

use super::input::{Evaluation, Read, Readers, Site, Withheld};

/// Rules whose findings no public page shows, whatever they were computed from, with the reason.
/// `rules/RULES.md` 4, "Never published in any form", and 2, V-09.
pub const NEVER_PUBLIC: [(&str, &str); 6] = [
    ("CMP-01", "complaints are published as national rates only"),
    ("REI-02", "places below the region are never published"),
    ("REP-01", "reprisals are published as national rates only"),
    ("REP-02", "reprisals are published as national rates only"),
    ("REP-03", "reprisals are published as national rates only"),
    ("V-09", "showing the place of a personal detail would publish it"),
];

/// Measures about persons, which have tables and a disclosure control of their own.
/// `rules/RULES.md` 5.
const PERSON_MEASURES: [&str; 3] = ["T11", "T18.complaints", "T18.reprisals"];

/// What anyone may see of it.
pub(crate) fn public(exact: &Site) -> Site {
    let mut site = exact.clone();
    site.audience = Audience::Public;
    // They say where a personal detail stood, as V-09 does.
    site.erasures.clear();
    site.evaluations = exact.evaluations.iter().map(|evaluation| public_evaluation(exact, evaluation)).collect();
    let held = |finding: &Finding| is_waiting(exact, finding);
    let waiting_for_reply = site.evaluations.last().map_or(0, |last| last.findings.iter().filter(|f| held(f)).count());
    for evaluation in &mut site.evaluations {
        evaluation.findings.retain(|finding| !held(finding));
    }
    site.measures.retain(|row| {
        !PERSON_MEASURES.contains(&row.measure)
            && (row.dimension != "organisation"
                || row.key == "not_named"
                || exact.organisations.contains_key(row.key.as_str()))
    });
    site.withheld = Withheld {
        waiting_for_reply,
        never: never(exact),
        openings_read: exact.evaluations.iter().any(|evaluation| evaluation.read == Read::Openings),
    };
    site
}

/// Everything, labelled.
pub(crate) fn oversight(exact: &Site) -> Site {
    Site { audience: Audience::Oversight, withheld: Withheld::default(), ..exact.clone() }
}

/// Rules of the pack that no public page shows, with the reason, in the pack's order.
fn never(site: &Site) -> Vec<(String, &'static str)> {
    let reason = |id: &str, kind| match NEVER_PUBLIC.iter().find(|(rule, _)| *rule == id) {
        Some((_, reason)) => Some(*reason),
        None if kind == FindingKind::Indicator => Some("an indicator is for oversight to judge, not a breach"),
        None => None,
    };
    site.rules.iter().filter_map(|rule| reason(&rule.id, rule.kind).map(|why| (rule.id.clone(), why))).collect()
}

fn public_evaluation(site: &Site, evaluation: &Evaluation) -> Evaluation {
    let mut shown = evaluation.clone();
    shown.findings.retain(|finding| {
        finding.kind == FindingKind::Fact && !NEVER_PUBLIC.iter().any(|(rule, _)| *rule == finding.rule)
    });
    if evaluation.read == Read::Openings {
        // A result that read openings may name a party by the id that its pseudonym hides.
        shown.undetermined.clear();
        shown.findings.retain(|finding| reads_public_fields(site, finding) && names_only_named(site, finding));
        for finding in &mut shown.findings {
            finding.detail.clear();
        }
    }
    shown.undetermined.retain(|item| {
        site.rule(&item.rule).is_none_or(|rule| rule.kind == FindingKind::Fact)
            && !NEVER_PUBLIC.iter().any(|(rule, _)| *rule == item.rule)
    });
    shown
}

/// Whether the addressee still has time to answer before anyone sees it, at the page's date.
fn is_waiting(site: &Site, finding: &Finding) -> bool {
    site.as_of_day().days_since(site.day(finding.opened_at)) < i64::from(site.profile.reply_days)
}

fn reads_public_fields(site: &Site, finding: &Finding) -> bool {
    site.rule(finding.rule).is_some_and(|rule| rule.readers == Readers::Anyone)
}

/// Whether no part of it can hold the id of a party that the log hides.
fn names_only_named(site: &Site, finding: &Finding) -> bool {
    let organisation = finding.organisation.is_empty() || site.organisations.contains_key(&finding.organisation);
    let facility = finding.facility.is_empty() || site.facilities.contains_key(&finding.facility);
    let subject = finding.subject.split(':').filter(|part| part.contains('/')).all(|part| party_is_known(site, part));
    let evidence = finding.evidence.iter().all(|evidence| match evidence {
        Evidence::Event { address, .. } => party_is_known(site, address),
        // `<kind>/<party>` or `<kind>/<party>/<id>`.
        Evidence::Absence { stream, .. } => {
            stream.split_once('/').is_some_and(|(_, of_party)| party_is_known(site, of_party))
        }
    });
    organisation && facility && subject && evidence
}

/// Whether the party that an address begins with is one that the log names.
fn party_is_known(site: &Site, address: &str) -> bool {
    let party = address.split('/').next().unwrap_or(address);
    site.facilities.contains_key(party) || site.organisations.contains_key(party) || site.authorities.contains(party)
}
