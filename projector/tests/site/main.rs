//! The two pages, made from the sample country's expected findings and figures.

mod disclosure;
mod html;
mod velmora;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::LazyLock;

use html::Node;
use projector::finding::{Evidence, Finding, FindingKind, Severity, Status};
use projector::lens::{Audience, Lens};
use projector::measure::{Figure, Row};
use projector::record::Hidden;
use projector::rules::Missing;
use projector::site::input::{Evaluation, Name, Read, Site, Undetermined};
use projector::site::{BadWrite, SiteFile, render, write};
use verifier::erasures::Unlawful;
use verifier::output::Readers;

/// Files that the report writes and the pages link.
const OF_THE_REPORT: [&str; 3] = ["data/findings.csv", "data/measures.csv", "data/undetermined-by-date.csv"];

/// What the public gets.
pub fn public(site: &Site) -> Vec<SiteFile> {
    render(&Lens::new(Audience::Public).site(site))
}

/// What oversight gets.
pub fn oversight(site: &Site) -> Vec<SiteFile> {
    render(&Lens::new(Audience::Oversight).site(site))
}

/// One file of them.
pub fn text<'a>(files: &'a [SiteFile], path: &str) -> &'a str {
    let (_, bytes) = files.iter().find(|(name, _)| *name == path).unwrap();
    std::str::from_utf8(bytes).unwrap()
}

/// A log of which nothing has been evaluated or counted.
fn empty() -> Site {
    let mut site = velmora::site(Read::PublicLog);
    site.log.size = 1;
    site.log.entries.clear();
    site.profile.acknowledge_working_days = None;
    site.profile.decision_days = None;
    site.evaluations.clear();
    site.measures.clear();
    site.rules.clear();
    site.measure_info.clear();
    site.facilities.clear();
    site.organisations.clear();
    site.erasures.clear();
    site
}

/// What an attacker would write wherever a reporter may write.
const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&\u{202e}=cmd|'!A0\u{2066}\u{0}\n";

/// Every text that comes from outside, hostile.
fn hostile() -> Site {
    let mut site = velmora::site(Read::PublicLog);
    let name = Name { text: HOSTILE.into(), lang: HOSTILE.into() };
    site.log.origin = HOSTILE.into();
    site.log.root = HOSTILE.into();
    site.log.operator = name.clone();
    site.log.entries.insert(HOSTILE.into(), 1);
    site.profile.name = HOSTILE.into();
    for erasure in &mut site.erasures {
        erasure.targets = vec![HOSTILE.into()];
        erasure.fields = vec![HOSTILE.into()];
        erasure.unlawful = Some(Unlawful::Public { address: HOSTILE.into(), field: HOSTILE.into() });
    }
    site.facilities = BTreeMap::from([(HOSTILE.into(), name.clone())]);
    site.organisations = BTreeMap::from([(HOSTILE.into(), name)]);
    for info in &mut site.rules {
        info.title = HOSTILE.into();
        info.duty = HOSTILE.into();
        info.source = HOSTILE.into();
    }
    for info in &mut site.measure_info {
        info.title = HOSTILE.into();
        info.definition = HOSTILE.into();
        info.unit = HOSTILE.into();
    }
    for row in &mut site.measures {
        row.facility = if row.facility.is_empty() { String::new() } else { HOSTILE.into() };
        row.key = if row.key.is_empty() { String::new() } else { HOSTILE.into() };
    }
    let odd = |measure, period: &str| Row {
        measure,
        period: period.into(),
        facility: String::new(),
        dimension: "currency",
        key: HOSTILE.into(),
        value: Figure::Whole(i64::MIN),
        numerator: Some(i64::MAX),
        denominator: Some(i64::MIN),
    };
    site.measures.extend([odd("T15.committed", HOSTILE), odd("", "2026-Q2"), odd("é", "2026-Qé")]);
    let finding = Finding {
        rule: "ACC-02",
        arms: vec!["a"],
        severity: Severity::High,
        kind: FindingKind::Fact,
        status: Status::Late,
        facility: HOSTILE.into(),
        organisation: HOSTILE.into(),
        subject: HOSTILE.into(),
        opened_at: velmora::instant("2026-01-01T00:00:00Z"),
        closed_at: Some(velmora::instant("0001-01-01T00:00:00Z")),
        evidence: vec![
            Evidence::Event { position: u64::MAX, address: HOSTILE.into() },
            Evidence::Absence {
                stream: HOSTILE.into(),
                types: vec![HOSTILE],
                from: velmora::date("9999-12-31"),
                to: velmora::date("0001-01-01"),
            },
        ],
        detail: HOSTILE.into(),
    };
    site.evaluations = vec![Evaluation {
        as_of: site.log.as_of,
        read: Read::PublicLog,
        findings: vec![finding.clone(), finding],
        undetermined: vec![Undetermined {
            rule: HOSTILE.into(),
            facility: HOSTILE.into(),
            organisation: HOSTILE.into(),
            subject: HOSTILE.into(),
            missing: vec![Missing { field: HOSTILE.into(), why: Hidden::Withheld }],
        }],
    }];
    site
}

/// Every kind of site, for what must hold on each; rendered once.
static EVERY: LazyLock<Vec<(&'static str, Vec<SiteFile>)>> = LazyLock::new(|| {
    vec![
        ("public", public(&velmora::site(Read::PublicLog))),
        ("oversight", oversight(&velmora::site(Read::Openings))),
        ("public of openings", public(&velmora::site(Read::Openings))),
        ("empty", public(&empty())),
        ("empty oversight", oversight(&empty())),
        ("hostile", public(&hostile())),
        ("hostile oversight", oversight(&hostile())),
    ]
});

fn pages(files: &[SiteFile]) -> impl Iterator<Item = (&'static str, &str)> {
    let pages = files.iter().filter(|(path, _)| !path.contains('/'));
    pages.map(|(path, bytes)| (*path, std::str::from_utf8(bytes).unwrap()))
}

#[test]
fn written_for_a_browser() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("site");
    for (name, files) in EVERY.iter() {
        write(&folder.join(name), files, Readers::Everyone).unwrap();
        assert!(folder.join(name).join("accountability.html").is_file());
    }
    let failed = write(&folder.join("public/index.html"), &[("x", Vec::new())], Readers::Everyone).unwrap_err();
    assert!(matches!(&failed, BadWrite::Unwritten(why) if why.path.ends_with("x")), "{failed}");
}

#[test]
fn a_page_runs_and_loads_nothing() {
    for (name, files) in EVERY.iter() {
        for (path, page) in pages(files) {
            let nodes = html::read(page).unwrap_or_else(|why| panic!("{name} {path}: {why}"));
            assert!(
                page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:;"),
                "{name} {path}"
            );
            for node in &nodes {
                let Node::Start { name: element, attributes, .. } = node else { continue };
                let loads = ["script", "img", "iframe", "object", "embed", "form", "input", "base", "image"];
                assert!(!loads.contains(&element.as_str()), "{name} {path}: <{element}>");
                for (key, value) in attributes {
                    assert!(!key.starts_with("on") && key != "src" && key != "style", "{name} {path}: {key}");
                    let inside = !value.contains(':') || value == "data:,";
                    assert!(key != "href" || inside, "{name} {path}: {value}");
                }
            }
        }
    }
}

#[test]
fn every_chart_has_a_table_and_every_table_a_caption() {
    for (name, files) in EVERY.iter() {
        for (path, page) in pages(files) {
            let mut figures = page.split("<section class=\"figure\"");
            assert!(!figures.next().unwrap().contains("class=\"chart\""), "{name} {path}: a chart outside of a figure");
            for figure in figures {
                assert!(figure.contains("<table>"), "{name} {path}: a figure without a table");
            }
            for table in page.split("<table>").skip(1) {
                assert!(table.starts_with("<caption id=\""), "{name} {path}");
            }
            for node in html::read(page).unwrap() {
                assert!(!node.is("th") || node.attribute("scope").is_some(), "{name} {path}: {node:?}");
                let chart = node.attribute("class").is_some_and(|class| class.starts_with("chart"));
                assert!(!chart || node.attribute("aria-label").is_some_and(|label| !label.is_empty()), "{name} {path}");
            }
        }
    }
}

#[test]
fn names_are_unique_and_links_arrive() {
    for (name, files) in EVERY.iter() {
        let mut ids: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for (path, page) in pages(files) {
            let known = ids.entry(path).or_default();
            for node in html::read(page).unwrap() {
                if let Some(id) = node.attribute("id") {
                    assert!(known.insert(id.to_owned()), "{name} {path}: two of {id}");
                }
            }
        }
        for (path, page) in pages(files) {
            for node in html::read(page).unwrap() {
                for key in ["href", "aria-labelledby"] {
                    let Some(link) = node.attribute(key).filter(|link| *link != "data:,") else { continue };
                    let link = if key == "href" { link.to_owned() } else { format!("#{link}") };
                    let (file, fragment) = link.split_once('#').unwrap_or((&link, ""));
                    let file = if file.is_empty() { path } else { file };
                    let there = files.iter().any(|(path, _)| *path == file) || OF_THE_REPORT.contains(&file);
                    assert!(there, "{name} {path}: {link}");
                    assert!(fragment.is_empty() || ids[file].contains(fragment), "{name} {path}: {link}");
                }
            }
        }
    }
}

#[test]
fn what_others_wrote_stays_text() {
    for (_, files) in EVERY.iter().filter(|(name, _)| name.starts_with("hostile")) {
        for (path, page) in pages(files) {
            assert!(!page.contains("<script") && !page.contains("<img"), "{path}");
            for c in ['\u{202e}', '\u{2066}', '\u{0}'] {
                assert!(!page.contains(c), "{path}: {c:?}");
            }
            assert!(page.contains("\u{27e8}U+202E\u{27e9}"), "{path}: what was hidden is shown");
        }
    }
}

#[test]
fn downloads_are_tables() {
    for (name, files) in EVERY.iter() {
        for (path, bytes) in files.iter().filter(|(path, _)| path.starts_with("data/")) {
            let mut reader = csv::Reader::from_reader(bytes.as_slice());
            let head = reader.headers().unwrap().clone();
            for record in reader.records() {
                let record = record.unwrap_or_else(|why| panic!("{name} {path}: {why}"));
                let named = head.iter().zip(&record).find(|(column, _)| *column == "facility_name");
                assert!(!named.is_some_and(|(_, cell)| cell.starts_with(['=', '+', '-', '@'])), "{name} {path}");
            }
        }
    }
    let mut site = velmora::site(Read::PublicLog);
    site.facilities.get_mut("fac-odris").unwrap().text = "=HYPERLINK(\"x\")".into();
    let files = public(&site);
    assert!(text(&files, "data/requests.csv").contains(",\"'=HYPERLINK(\"\"x\"\")\","));
}

#[test]
fn an_empty_site_says_why() {
    let files = public(&empty());
    for (path, reasons) in [
        (
            "index.html",
            [
                "No quarter has ended since the log began",
                "No quarter of this log has ended yet, so nothing is counted",
                "No further measure has a value yet",
                "Entries by kind were not counted",
            ],
        ),
        (
            "accountability.html",
            [
                "The log has had no evaluation date, so no rule was applied",
                "No rule was applied: the projector that made this page brought no rule pack",
                "No evaluation has been made yet",
                "there is nothing to list",
            ],
        ),
    ] {
        for reason in reasons {
            assert!(text(&files, path).contains(reason), "{path}: {reason}");
        }
    }
    let mut quiet = velmora::site(Read::PublicLog);
    for evaluation in &mut quiet.evaluations {
        evaluation.findings.clear();
    }
    let files = public(&quiet);
    assert!(text(&files, "accountability.html").contains("none found a duty unmet"));
    assert!(text(&files, "accountability.html").contains("No breach is open on"));
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    let site = velmora::site(Read::PublicLog);
    let mut shuffled = site.clone();
    shuffled.measures.reverse();
    for evaluation in &mut shuffled.evaluations {
        evaluation.findings.reverse();
    }
    assert!(public(&site) == public(&site.clone()));
    assert!(public(&site) == public(&shuffled), "order of rows and findings does not matter");
}

#[test]
fn titles_tell_what_the_data_show() {
    let files = public(&velmora::site(Read::PublicLog));
    let page = without_tags(text(&files, "index.html"));
    for sentence in [
        "Talbera Central Prison received 154 of 389 requests to enter (40%), more than any other facility",
        "Harvane Prison acknowledged 73 of 76 requests in time; every other facility acknowledged all of theirs",
        "Harvane Prison decided 73 of 76 requests in time, the lowest share; all facilities together 380 of 388",
        "half of the decisions came within 7 days and 95% within 13; a facility’s 95% mark passed 20 days in 1 quarter",
        "In the second quarter of 2026 Odris Women's Prison approved 3 of 10 requests that were decided; all facilities together 49 of 63",
        "Security assessment was the reason most often given: 19 of 57 refusals (33%)",
        "312 of 324 approved visits took place; fewest at Harvane Prison in 2025 Q4, 7 of 14",
        "Organisations asked 60 times to enter a prison, after 65 in the quarter before.",
        "64 breaches of recorded duties are open, 18 of them critical.",
    ] {
        assert!(page.contains(sentence), "{sentence}");
    }
    let page = without_tags(text(&files, "accountability.html"));
    for sentence in [
        "64 breaches were open on 30 June 2026, against 5 on 31 March 2025",
        "League for Prisoners' Rights asked Talbera Central Prison for access (request rq-0330). The last day to decide was 24 March 2025.",
        "from 4 March 2025 to 24 March 2025, both days included, the stream request/cso-league/rq-0330 holds no access.request.approved",
        "A recommendation (rc-0008) about Talbera Central Prison should have been answered by 5 July 2025. It came on 4 August 2025, 30 days too late.",
        "not published: complaints are published as national rates only",
    ] {
        assert!(page.contains(sentence), "{sentence}");
    }
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let mut site = velmora::site(Read::Openings);
    let last = site.evaluations.last_mut().unwrap();
    let one = last.findings[0].clone();
    last.findings = (0..600).map(|n| Finding { subject: format!("rq-{n:04}"), ..one.clone() }).collect();
    let files = oversight(&site);
    let page = text(&files, "accountability.html");
    assert_eq!(page.matches("<article").count(), 500);
    assert!(page.contains("The first 500 of 600 findings are on this page."));
}

fn without_tags(page: &str) -> String {
    let texts = html::read(page).unwrap().into_iter().filter_map(|node| match node {
        Node::Text(text) => Some(text),
        Node::Start { .. } => None,
    });
    texts.collect()
}
