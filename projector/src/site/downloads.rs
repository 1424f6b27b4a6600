//! Downloads of the accountability page. `data/findings.csv` and `data/measures.csv` are the
//! report's.

use super::SiteFile;
use super::csv::{self, Cell};
use super::input::Site;
use super::matrix::{self, SEVERITIES, STATUSES};
use crate::finding::Finding;
use crate::lens::Audience;

/// All of them, in a fixed order.
pub fn all(site: &Site) -> Vec<SiteFile> {
    let mut files = vec![
        ("data/matrix.csv", matrix(site)),
        ("data/over-time.csv", over_time(site)),
        ("data/undetermined.csv", undetermined(site)),
    ];
    if site.audience == Audience::Oversight {
        files.push(("data/erasures.csv", erasures(site)));
    }
    files
}

fn matrix(site: &Site) -> Vec<u8> {
    let as_of = site.as_of_day().to_string();
    let findings: Vec<&Finding> = site.latest().map_or_else(Vec::new, |last| last.findings.iter().collect());
    let mut counts = std::collections::BTreeMap::new();
    for finding in findings {
        let status = STATUSES.iter().position(|status| *status == finding.status).unwrap_or_default();
        let cell = counts.entry((finding.rule, finding.facility.as_str())).or_insert([0i64; STATUSES.len()]);
        cell[status] += 1;
    }
    let rows = counts.iter().map(|((rule, facility), n)| {
        let name = site.facilities.get(*facility).map_or("", |name| name.text.as_str());
        let mut row = vec![Cell::Exact(&as_of), Cell::Exact(rule), Cell::Exact(facility), Cell::Free(name)];
        row.extend(n.iter().map(|n| Cell::Number(*n)));
        row
    });
    csv::write(&["as_of", "rule", "facility", "facility_name", "open", "late", "remedied", "late_recorded"], rows)
}

fn over_time(site: &Site) -> Vec<u8> {
    let days: Vec<String> = site.evaluations.iter().map(|at| site.day(at.as_of).to_string()).collect();
    let rows = site.evaluations.iter().zip(&days).flat_map(|(at, day)| {
        SEVERITIES.map(|severity| {
            let n = matrix::open(at, Some(severity)) as i64;
            vec![Cell::Exact(day), Cell::Exact(severity.as_str()), Cell::Number(n)]
        })
    });
    csv::write(&["as_of", "severity", "open"], rows)
}

fn undetermined(site: &Site) -> Vec<u8> {
    let as_of = site.as_of_day().to_string();
    let items = site.latest().map_or(&[][..], |last| &last.undetermined);
    let missing: Vec<String> =
        items.iter().map(|item| item.missing.iter().map(ToString::to_string).collect::<Vec<_>>().join(";")).collect();
    let rows = items.iter().zip(&missing).map(|(item, missing)| {
        let cells = [as_of.as_str(), &item.rule, &item.facility, &item.organisation, &item.subject, missing];
        cells.into_iter().map(Cell::Exact).collect()
    });
    csv::write(&["as_of", "rule", "facility", "organisation", "subject", "missing"], rows)
}

/// A line for each record that an erasure names.
fn erasures(site: &Site) -> Vec<u8> {
    let texts = site.erasures.iter().map(|erasure| {
        let unlawful = erasure.unlawful.as_ref().map(ToString::to_string).unwrap_or_default();
        (erasure, erasure.received_at.to_string(), erasure.fields.join(";"), unlawful)
    });
    let texts: Vec<_> = texts.collect();
    let rows = texts.iter().flat_map(|(erasure, received_at, fields, unlawful)| {
        erasure.targets.iter().map(move |record| {
            vec![
                Cell::Number(i64::try_from(erasure.position).unwrap_or(i64::MAX)),
                Cell::Exact(received_at),
                Cell::Exact(record),
                Cell::Exact(fields),
                Cell::Exact(if unlawful.is_empty() { "true" } else { "false" }),
                Cell::Free(unlawful),
            ]
        })
    });
    csv::write(&["entry", "received_at", "record", "fields", "lawful", "unlawful_because"], rows)
}
