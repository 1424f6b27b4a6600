//! The sample country's expected files as a [`Site`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use projector::erasures::Erasure;
use projector::finding::{Evidence, Finding, FindingKind, Severity, Status};
use projector::lens::Audience;
use projector::measure::{Figure, Row};
use projector::record::Hidden;
use projector::rules::Missing;
use projector::site::input::{
    Evaluation, LogFacts, MeasureInfo, Name, ProfileFacts, Read, Readers, RuleInfo, Site, Undetermined, Withheld,
};
use schemas::time::{Date, Timestamp};
use verifier::erasures::Unlawful;

const UTC_OFFSET_MINUTES: i32 = 60;
/// Parties that are not named, and what the public log calls them.
pub const PSEUDONYMS: [(&str, &str); 2] = [("cso-clinic", "p-7f3c91d2"), ("cso-noor", "p-c40a2e55")];
/// Titles and units that the rule pack's table leaves to the projector.
const TITLES: [(&str, &str, &str); 14] = [
    ("T1", "requests for access", "requests"),
    ("T2", "requests acknowledged in time", "%"),
    ("T3", "requests decided in time", "%"),
    ("T4.median", "median days to decision", "days"),
    ("T4.p95", "95th percentile of days to decision", "days"),
    ("T5", "requests approved", "%"),
    ("T6", "requests refused", "refusals"),
    ("T7", "visits that took place, of those approved", "%"),
    ("T8", "hours of visits", "hours"),
    ("T9", "facilities without a visit in 90 days", "%"),
    ("T10.active", "programmes active on the last day", "programmes"),
    ("T10.sessions", "programme sessions held", "sessions"),
    ("T15.committed", "funding committed", "minor units"),
    ("T17.age", "median age of recommendations not yet carried out", "days"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/scenario/velmora")
}

fn table(path: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder().join(path)).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

/// Names of rules and measures are static in the projector; a test has few enough to keep them.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

pub fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

pub fn instant(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// Everything of the expected files, as an evaluation that read what `read` says.
pub fn site(read: Read) -> Site {
    let named = |role: &[&str]| -> BTreeMap<String, Name> {
        table("parties.csv")
            .into_iter()
            .filter(|party| party["identity_mode"] == "named" && role.contains(&party["role"].as_str()))
            .map(|party| (party["party"].clone(), Name { text: party["display_name"].clone(), lang: "en".into() }))
            .collect()
    };
    let others = ["operator", "ministry", "administration", "oversight", "evaluator", "funder", "provider", "locality"];
    let as_of = date("2026-06-30").end(UTC_OFFSET_MINUTES);
    Site {
        log: LogFacts {
            origin: "velmora.example/access".into(),
            operator: Name { text: "Velmora Access Ledger Office".into(), lang: "en".into() },
            size: 4213,
            root: "nzoBvHfeRBCowlvpATPy1se4qd4A8UKasM5VE31ujyQ=".into(),
            checkpoint_at: instant("2026-06-30T23:00:04Z"),
            as_of,
            genesis: date("2025-01-01"),
            utc_offset_minutes: UTC_OFFSET_MINUTES,
            entries: BTreeMap::from([
                ("access.request.submitted".into(), 389),
                ("access.request.approved".into(), 323),
                ("access.request.denied".into(), 57),
                ("visit.completed".into(), 312),
                ("ledger.index.sealed".into(), 546),
            ]),
        },
        profile: ProfileFacts {
            name: "velmora-profile-1 1.0.0".into(),
            acknowledge_working_days: Some(3),
            decision_days: Some(20),
            reply_days: 14,
        },
        evaluations: evaluations(read),
        measures: measures(),
        rules: rules(),
        measure_info: measure_info(),
        facilities: named(&["facility"]),
        organisations: named(&["cso"]),
        authorities: named(&others).into_keys().collect(),
        erasures: erasures(),
        audience: Audience::Oversight,
        withheld: Withheld::default(),
    }
}

/// One that the rules allow, one that they do not.
fn erasures() -> Vec<Erasure> {
    let erasure = |position, record: &str, unlawful| Erasure {
        position,
        received_at: instant("2026-05-04T09:00:00Z"),
        targets: vec![record.to_owned()],
        fields: vec!["scope".to_owned()],
        unlawful,
    };
    vec![
        erasure(3901, "fac-tarsk/measure.imposed/r0901", None),
        erasure(3902, "fac-tarsk/measure.imposed/r0902", Some(Unlawful::Cosigner)),
    ]
}

fn evaluations(read: Read) -> Vec<Evaluation> {
    let mut positions = BTreeMap::new();
    let mut by_date: BTreeMap<Date, Vec<Finding>> = BTreeMap::new();
    for mut row in table("expected/findings.csv") {
        if read == Read::PublicLog {
            for (party, pseudonym) in PSEUDONYMS {
                for text in row.values_mut() {
                    *text = text.replace(party, pseudonym);
                }
            }
        }
        by_date.entry(date(&row["as_of"])).or_default().push(finding(&row, &mut positions));
    }
    let undetermined = |rule: &str, facility: &str, subject: String, missing: &str| Undetermined {
        rule: rule.into(),
        facility: facility.into(),
        organisation: String::new(),
        subject,
        missing: vec![Missing { field: missing.into(), why: Hidden::Withheld }],
    };
    by_date
        .into_iter()
        .map(|(day, findings)| Evaluation {
            as_of: day.end(UTC_OFFSET_MINUTES),
            read,
            findings,
            undetermined: match read {
                Read::Openings => Vec::new(),
                Read::PublicLog => (1..=3)
                    .map(|n| undetermined("MEA-01", "fac-talbera", format!("me-000{n}"), "scope"))
                    .chain([
                        undetermined("REI-01", "fac-odris", "2026-01-01".into(), "releases"),
                        undetermined("VIS-04", "fac-kessan", "vi-0337".into(), "entered_at"),
                        undetermined("CMP-01", "", "cm-0001".into(), "body"),
                    ])
                    .collect(),
            },
        })
        .collect()
}

fn finding(row: &BTreeMap<String, String>, positions: &mut BTreeMap<String, u64>) -> Finding {
    // The register's ids lack their party; in the log a stream is `<kind>/<party>/<id>`.
    let author = row["evidence"].split('/').next().unwrap_or_default();
    let qualified = |stream: &str| match stream.split_once('/') {
        Some((kind, id)) if !matches!(kind, "facility" | "organisation") => format!("{kind}/{author}/{id}"),
        _ => stream.to_owned(),
    };
    let evidence =
        row["evidence"].split(';').filter(|item| !item.is_empty()).map(|item| match item.strip_prefix("absent:") {
            Some(absent) => {
                let (head, range) = absent.rsplit_once('@').unwrap();
                let (stream, types) = head.split_once(':').unwrap();
                let (from, to) = range.split_once("..").unwrap();
                let types = types.split('+').map(kept).collect();
                Evidence::Absence { stream: qualified(stream), types, from: date(from), to: date(to) }
            }
            None => {
                let address = item.replace(".csv#", "/");
                let next = 100 + 7 * positions.len() as u64;
                let position = *positions.entry(address.clone()).or_insert(next);
                Evidence::Event { position, address }
            }
        });
    Finding {
        rule: kept(&row["rule"]),
        arms: row["arm"].split('+').filter(|arm| !arm.is_empty()).map(kept).collect(),
        severity: match row["severity"].as_str() {
            "low" => Severity::Low,
            "medium" => Severity::Medium,
            "high" => Severity::High,
            "critical" => Severity::Critical,
            _ => Severity::Info,
        },
        kind: if row["kind"] == "fact" { FindingKind::Fact } else { FindingKind::Indicator },
        status: match row["status"].as_str() {
            "late" => Status::Late,
            "remedied" => Status::Remedied,
            "late_recorded" => Status::LateRecorded,
            _ => Status::Open,
        },
        facility: row["facility"].clone(),
        organisation: row["organisation"].clone(),
        subject: row["subject"].clone(),
        opened_at: instant(&row["opened_at"]),
        closed_at: Timestamp::parse(&row["closed_at"]),
        evidence: evidence.collect(),
        detail: row["detail"].clone(),
    }
}

fn measures() -> Vec<Row> {
    let whole = |text: &str| text.parse::<i64>().ok();
    table("expected/measures_public.csv")
        .into_iter()
        .map(|row| Row {
            measure: kept(&row["measure"]),
            period: row["period"].clone(),
            facility: row["facility"].clone(),
            dimension: kept(&row["dimension"]),
            key: row["key"].clone(),
            value: match row["value"].split_once('.') {
                Some((units, tenth)) => Figure::Tenths(whole(&format!("{units}{tenth}")).unwrap()),
                None => Figure::Whole(whole(&row["value"]).unwrap()),
            },
            numerator: whole(&row["numerator"]),
            denominator: whole(&row["denominator"]),
        })
        .collect()
}

/// Id, title, kind, source and readers of every rule, from the heads in the rule pack's text.
fn rules() -> Vec<RuleInfo> {
    let text = include_str!("../../rules/RULES.md");
    let rule = |line: &str| {
        let (head, rest) = line.strip_prefix("**")?.split_once("**")?;
        let (id, title) = head.split_once(' ')?;
        let known = id.split_once('-').is_some_and(|(family, n)| {
            family.chars().all(|c| c.is_ascii_uppercase()) && n.chars().all(|c| c.is_ascii_digit())
        });
        let told = rest.trim_start().strip_prefix('(')?.split_once(')')?.0;
        let parts: Vec<&str> = told.split(';').map(str::trim).collect();
        let needs = told.contains("needs") || told.contains("exact with");
        known.then(|| RuleInfo {
            id: id.into(),
            title: title.into(),
            kind: if parts.first().is_some_and(|kind| kind.starts_with("indicator")) { FindingKind::Indicator } else { FindingKind::Fact },
            duty: match id {
                "ACC-01" => "A facility confirms within three working days that a request for access has arrived.",
                "ACC-02" => "A facility decides a request for access within twenty days.",
                "ACC-03" => "A refusal names its legal basis, rests on an individual assessment, ends or is reviewed on a stated day, and says where to appeal.",
                "PRG-01" => "A programme session is reported only if it was held: those who held it passed the gate on that day.",
                "REC-01" => "Whoever receives a recommendation of an oversight body answers it by the day named, and gives reasons for refusing it.",
                _ => "",
            }
            .into(),
            source: parts.get(1).copied().unwrap_or_default().into(),
            readers: if needs { Readers::Holders(vec!["as the rule says".into()]) } else { Readers::Anyone },
        })
    };
    text.lines().filter_map(rule).collect()
}

/// Measures and their definitions, from the table in the rule pack's text.
fn measure_info() -> Vec<MeasureInfo> {
    let text = include_str!("../../rules/RULES.md");
    let mut seen = BTreeSet::new();
    let lines = text.lines().filter(|line| line.starts_with("| T"));
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .flat_map(|cells| {
            let stem = cells[1].split('.').next().unwrap_or_default().to_owned();
            let ids: Vec<String> = cells[1]
                .split(',')
                .map(str::trim)
                .map(|id| if id.starts_with('.') { format!("{stem}{id}") } else { id.to_owned() })
                .collect();
            let definition = cells[2].to_owned();
            ids.into_iter().map(move |id| (id, definition.clone())).collect::<Vec<_>>()
        })
        .filter(|(id, _)| seen.insert(id.clone()))
        .map(|(id, definition)| {
            let (_, title, unit) = TITLES.iter().find(|(known, ..)| *known == id).copied().unwrap_or((&id, &id, ""));
            MeasureInfo { title: title.into(), unit: unit.into(), definition, id: id.clone() }
        })
        .collect()
}
