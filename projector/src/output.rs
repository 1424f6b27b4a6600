//! Files for one audience: the reports and the pages. Everything here has passed a lens.

use std::path::Path;

use schemas::time::Timestamp;
use verifier::output::Readers;

use crate::lens::{Audience, Disclosed, Lens};
use crate::projection::Projection;
use crate::report::{FindingsReport, MeasuresReport};
use crate::rules::Undetermined;
use crate::site::{self, BadWrite, SiteFile, input::Site};

/// Writes `findings.csv`, `undetermined.csv`, `measures.csv` and the pages into a folder.
///
/// # Errors
/// [`BadWrite`] names the file.
pub fn report(projection: &Projection, audience: Audience, out: &Path) -> Result<(), BadWrite> {
    let lens = Lens::new(audience);
    let judged = projection.judged(audience);
    let disclosed = lens.site(&projection.site(audience));
    let mut files = pages(&disclosed);
    if audience == Audience::Oversight {
        let findings = lens.findings(&judged.evaluations);
        let measures = lens.measures(day(&disclosed, judged.as_of), &judged.measures);
        files.extend(csv(findings.get(), measures.get(), ["findings.csv", "undetermined.csv", "measures.csv"]));
    } else {
        let (findings, measures) = of_site(&disclosed);
        files.extend(csv(&findings, &measures, ["findings.csv", "undetermined.csv", "measures.csv"]));
    }
    let readers = if audience == Audience::Public { Readers::Everyone } else { Readers::Owner };
    site::write(out, &files, readers)
}

/// Writes the public pages and their data into a folder.
///
/// # Errors
/// [`BadWrite`] names the file.
pub fn public_site(projection: &Projection, out: &Path) -> Result<(), BadWrite> {
    let pages = pages(&Lens::new(Audience::Public).site(&projection.site(Audience::Public)));
    site::write(out, &pages, Readers::Everyone)
}

/// The pages with the data that they link to.
pub fn pages(disclosed: &Disclosed<Site>) -> Vec<SiteFile> {
    let mut files = site::render(disclosed);
    let (findings, measures) = of_site(disclosed);
    let names = ["data/findings.csv", "data/undetermined-by-date.csv", "data/measures.csv"];
    files.extend(csv(&findings, &measures, names));
    files
}

/// The reports that say exactly what the pages say.
fn of_site(disclosed: &Disclosed<Site>) -> (FindingsReport, MeasuresReport) {
    let site = disclosed.get();
    let mut findings = FindingsReport::default();
    for evaluation in &site.evaluations {
        let at = site.day(evaluation.as_of);
        findings.findings.extend(evaluation.findings.iter().map(|f| (at, f.clone())));
        findings.undetermined.extend(evaluation.undetermined.iter().filter_map(|u| {
            let rule = crate::rules::RULES.iter().find(|r| r.id == u.rule)?.id;
            let undetermined = Undetermined {
                rule,
                facility: u.facility.clone(),
                organisation: u.organisation.clone(),
                subject: u.subject.clone(),
                missing: u.missing.iter().cloned().collect(),
            };
            Some((at, undetermined))
        }));
    }
    (findings, MeasuresReport { as_of: site.as_of_day(), rows: site.measures.clone() })
}

fn csv(findings: &FindingsReport, measures: &MeasuresReport, names: [&'static str; 3]) -> Vec<SiteFile> {
    let texts = [findings.to_csv(), findings.undetermined_to_csv(), measures.to_csv()];
    names.into_iter().zip(texts).map(|(name, text)| (name, text.into_bytes())).collect()
}

fn day(disclosed: &Disclosed<Site>, at: Timestamp) -> schemas::time::Date {
    disclosed.get().day(at)
}
