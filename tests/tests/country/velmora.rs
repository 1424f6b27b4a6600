//! The sample country, whole: what its registers say is in the log, and what the rules make of
//! it is what was computed for it by hand and by another program.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use projector::feed::{BundleFeed, DirectFeed};
use projector::finding::{Evidence, Finding};
use projector::lens::Audience;
use projector::measures::MEASURES;
use projector::projection::{Projection, When, project};
use projector::rules::{Evaluation, RULES};
use schemas::catalogue::Catalogue;
use schemas::policy::Policy;
use tests::demo::{Done, Places, build, next_steps};
use verifier::files::Folder;
use verifier::index::check_map_proof;
use verifier::state::State;

use crate::common::{Running, copy_below, files_below, fresh, places, program, run, scenario, shell, table};
use crate::log::{self, Item, items, open};

/// The normative columns of findings.csv.
const NORMATIVE: [&str; 10] =
    ["as_of", "rule", "severity", "kind", "status", "facility", "organisation", "subject", "opened_at", "closed_at"];

/// The country as the demo builds it, and its bundle judged.
struct Velmora {
    places: Places,
    done: Done,
    projection: Projection,
    items: Vec<Item>,
    state: State,
}

static VELMORA: LazyLock<Velmora> = LazyLock::new(|| {
    let places = places(&scenario("velmora"), &fresh("velmora"));
    let done = build(&places, &mut |_| {}).unwrap_or_else(|why| panic!("{why}"));
    let (mut bundle, mut openings) = (Folder::new(&places.bundle()), Folder::new(&places.openings()));
    let mut feed = BundleFeed { source: &mut bundle, openings: Some(&mut openings), policy: &policy(&places) };
    let projection = project(&mut feed, When::Profile, &mut |_, _| {}).unwrap_or_else(|why| panic!("{why}"));
    // A ledger has one writer: it is opened once, for all tests.
    let writer = open(&places);
    let (items, state) = (items(&writer), writer.log().clone());
    Velmora { places, done, projection, items, state }
});

fn policy(places: &Places) -> Policy {
    Policy::parse(&std::fs::read_to_string(places.policy()).expect("the demo writes a policy")).expect("a policy")
}

/// Every row of the registers: its file's party and type, and its cells.
fn rows() -> Vec<(String, String, BTreeMap<String, String>)> {
    let folder = scenario("velmora").join("registers");
    let mut rows = Vec::new();
    for path in files_below(&folder).into_keys() {
        let (party, file) = path.split_once('/').expect("registers lie in folders");
        let kind = file.strip_suffix(".csv").expect("registers are tables");
        rows.extend(table(&folder.join(&path)).into_iter().map(|row| (party.to_owned(), kind.to_owned(), row)));
    }
    rows
}

#[test]
fn every_row_is_in_the_log_and_the_bundle_verifies() {
    let velmora = &*VELMORA;
    let rows = rows();
    assert_eq!((velmora.done.rows, rows.len()), (3_502, 3_502));
    assert_eq!(velmora.done.check.exit_code(), 0);
    assert_eq!(velmora.done.entries, VELMORA.items.len() as u64);

    // Rows of the log stand at their address; those of the sealed stream nowhere but in its bodies.
    let names = log::pseudonyms(&velmora.places);
    let addresses: BTreeSet<String> =
        VELMORA.items.iter().map(|i| names.outside(&i.entry.signed.event.address())).collect();
    let sealed = |kind: &str| Catalogue::built_in().inner(kind).is_some();
    for (party, kind, row) in &rows {
        let address = format!("{party}/{kind}/{}", row["row_id"]);
        assert_eq!(addresses.contains(&address), !sealed(kind), "{address}");
    }
    let plain = rows.iter().filter(|(_, kind, _)| !sealed(kind)).count();
    let (mut weeks, mut ours) = (BTreeMap::new(), 0);
    for item in VELMORA.items.iter() {
        match item.entry.signed.event.kind.as_str() {
            "sealed.record.appended" => *weeks.entry(item.entry.received_at).or_insert(0) += 1,
            "ledger.genesis" | "ledger.index.sealed" => ours += 1,
            // The age key of each oversight body, which a new ledger enrols by itself.
            "key.enrolled" if item.entry.signed.event.row == ledger::enrol::SEALED_HOLDER => ours += 1,
            _ => {}
        }
    }
    let batches: usize = weeks.values().sum();
    assert_eq!(VELMORA.items.len(), plain + batches + ours);
    // 78 weeks from January 2025 to June 2026, quiet or not, and each week the same number.
    assert_eq!(weeks.values().collect::<BTreeSet<_>>(), BTreeSet::from([&8]));
    assert!((77..=79).contains(&weeks.len()), "{} weeks", weeks.len());
    let inner = rows.iter().filter(|(_, kind, _)| sealed(kind)).count();
    assert!(inner <= batches, "{inner} rows in {batches} records");
}

#[test]
fn the_programs_agree() {
    let places = &VELMORA.places;
    let path = |p: std::path::PathBuf| p.display().to_string();
    let (bundle, policy, openings) = (path(places.bundle()), path(places.policy()), path(places.openings()));
    run("verifier", &["check", &bundle, "--policy", &policy, "--openings", &openings]).ends(0).says(&["Verified"]);
    let json = run("verifier", &["check", &bundle, "--policy", &policy, "--json"]).ends(0).out;
    let size = VELMORA.done.entries.to_string();
    assert!(json.contains("\"verdict\"") && json.contains(&size), "{json}");
    // The report of the demo is the report that an oversight body makes for itself.
    let out = path(fresh("velmora-report"));
    let arguments = [
        "report",
        "--bundle",
        &bundle,
        "--policy",
        &policy,
        "--openings",
        &openings,
        "--audience",
        "oversight",
        "--out",
        &out,
    ];
    run("projector", &arguments).ends(0);
    assert!(files_below(out.as_ref()) == files_below(&places.report()), "two reports from one bundle");
}

/// What the demo prints to try next, pasted into a shell.
#[test]
fn what_to_try_next_does_what_is_said() {
    let velmora = &*VELMORA;
    let places = Places { out: fresh("velmora-next"), ..velmora.places.clone() };
    copy_below(&velmora.places.out, &places.out);
    let steps = next_steps(&places).expect("the steps");
    let commands: Vec<&str> = steps.lines().filter_map(|line| line.strip_prefix("   ")).collect();
    let ends = [0, 0, 0, 1, 0, 0, 1, 0, 0, WITNESS, WITNESS, 0, 0, 0, 0, 0];
    assert_eq!(commands.len(), ends.len(), "{steps}");
    let mut witnesses = Vec::new();
    for (command, end) in commands.into_iter().zip(ends) {
        let mut line = command.to_owned();
        for name in ["verifier", "projector", "ledger"] {
            line = line.replace(&format!("cargo run --release --bin {name} --"), &program(name).display().to_string());
        }
        if end == WITNESS {
            witnesses.push(Running::start(line.strip_suffix(" &").expect("it goes on beside the others")));
        } else {
            shell(&line).ends(end);
        }
    }
}

/// In place of an exit code: a witness, which goes on.
const WITNESS: i32 = -1;

fn ours(rule: &str) -> bool {
    RULES.iter().any(|r| r.id == rule)
}

#[test]
fn findings_are_the_expected_ones() {
    let normative = |path: &std::path::Path| -> BTreeSet<Vec<String>> {
        let rows = table(path).into_iter().filter(|row| ours(&row["rule"]));
        rows.map(|row| NORMATIVE.map(|column| row[column].clone()).to_vec()).collect()
    };
    let expected = normative(&scenario("velmora").join("expected/findings.csv"));
    let report = VELMORA.places.report().join("findings.csv");
    let found = normative(&report);
    let missing: Vec<_> = expected.difference(&found).collect();
    let extra: Vec<_> = found.difference(&expected).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
    assert_eq!(found.len(), table(&report).len(), "a key stands twice, or a rule is not in the table");
    assert!(expected.len() > 150, "{}", expected.len());
    let dates: BTreeSet<_> = expected.iter().map(|row| &row[0]).collect();
    assert_eq!(dates.len(), 6, "all evaluation dates have findings");
    assert_eq!(RULES.len(), 16);
    let silent: Vec<_> = RULES.iter().filter(|r| !expected.iter().any(|row| row[1] == r.id)).map(|r| r.id).collect();
    assert!(silent.is_empty(), "no finding of {silent:?} is planted in the country");
    let undetermined = VELMORA.projection.opened.evaluations.iter().map(|e| e.undetermined.len()).sum::<usize>();
    assert_eq!(undetermined, 0, "with all openings everything is decided");
}

#[test]
fn evidence_holds_the_events_of_the_expected_one() {
    let found = table(&VELMORA.places.report().join("findings.csv"));
    let key = |row: &BTreeMap<String, String>| {
        ["as_of", "rule", "facility", "organisation", "subject"].map(|column| row[column].clone())
    };
    let by_key: BTreeMap<_, _> = found.iter().map(|row| (key(row), row)).collect();
    let mut checked = 0;
    for want in table(&scenario("velmora").join("expected/findings.csv")).iter().filter(|row| ours(&row["rule"])) {
        let row = by_key[&key(want)];
        let evidence: Vec<&str> = row["evidence"].split(';').collect();
        for event in want["evidence"].split(';').filter(|e| !e.starts_with("absent:")) {
            assert!(evidence.contains(&event), "{event} is not in {row:?}");
            checked += 1;
        }
        let absences = |row: &BTreeMap<String, String>| row["evidence"].contains("absent:");
        assert!(!absences(want) || absences(row), "the absence is not cited in {row:?}");
    }
    for row in &found {
        let evidence: Vec<&str> = row["evidence"].split(';').collect();
        assert!(!row["detail"].is_empty() && !evidence[0].is_empty(), "{row:?}");
        assert_eq!(evidence.iter().collect::<BTreeSet<_>>().len(), evidence.len(), "twice the same: {row:?}");
        let first_absence = evidence.iter().position(|e| e.starts_with("absent:")).unwrap_or(evidence.len());
        assert!(evidence[first_absence..].iter().all(|e| e.starts_with("absent:")), "events first: {row:?}");
    }
    assert!(checked > 300, "{checked}");
}

/// The index that the seals commit to holds every stream in full, computed by another hand; and
/// what findings cite is there, or is proved not to be.
#[test]
fn cited_events_and_absences_are_those_of_the_log() {
    let mut state = VELMORA.state.clone();
    let streams = log::streams(&VELMORA.items);
    assert_eq!(state.streams(), streams.len() as u64);
    let root = state.map_root();
    for (name, positions) in &streams {
        let head = state.index().head(name).unwrap_or_else(|| panic!("no stream {name}"));
        assert_eq!((head.count, Some(&head.last)), (positions.len() as u64, positions.last()), "{name}");
    }
    let names = log::pseudonyms(&VELMORA.places);
    let offset = 60;
    let mut proved = 0;
    for evaluation in &VELMORA.projection.opened.evaluations {
        for finding in &evaluation.findings {
            let mut cited = BTreeSet::new();
            for evidence in &finding.evidence {
                if let Evidence::Event { position, address } = evidence {
                    let event = &VELMORA.items[*position as usize].entry.signed.event;
                    assert_eq!(names.outside(&event.address()), *address, "{finding:?}");
                    cited.insert(*position);
                }
            }
            for evidence in &finding.evidence {
                let Evidence::Absence { stream, types, from, to } = evidence else { continue };
                let inside = names.inside(stream);
                let present = streams.contains_key(&inside);
                let proof = state.index().prove(&inside);
                assert_eq!(check_map_proof(&proof, &inside, root), Ok(present), "{stream}");
                assert!(from <= to && !types.is_empty(), "{finding:?}");
                // What the stream holds of these types in these days does not qualify, and is listed.
                for position in streams.get(&inside).into_iter().flatten() {
                    let entry = &VELMORA.items[*position as usize].entry;
                    let day = entry.received_at.date(offset);
                    let looked_for = types.contains(&entry.signed.event.kind.as_str()) && *from <= day && day <= *to;
                    assert!(
                        !looked_for || cited.contains(position),
                        "{} at {position} is there and not listed: {finding:#?}",
                        entry.signed.event.address()
                    );
                }
                proved += 1;
            }
        }
    }
    assert!(proved > 80, "{proved}");
}

#[test]
fn measures_are_the_expected_ones() {
    let found = std::fs::read_to_string(VELMORA.places.report().join("measures.csv")).expect("a report");
    let text = std::fs::read_to_string(scenario("velmora").join("expected/measures.csv")).expect("expected figures");
    let ours =
        |line: &&str| line.starts_with("as_of,") || MEASURES.iter().any(|m| line.split(',').nth(1) == Some(m.id));
    let expected: Vec<&str> = text.lines().filter(ours).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), expected);
    assert!(expected.len() > 500, "{}", expected.len());
}

#[test]
fn the_pages_name_the_checkpoint_that_they_stand_on_and_not_the_day_that_they_count_to() {
    let mut bundle = Folder::new(&VELMORA.places.bundle());
    let mut feed = BundleFeed { source: &mut bundle, openings: None, policy: &policy(&VELMORA.places) };
    let earlier = VELMORA.items[VELMORA.items.len() / 2].entry.received_at;
    let then = project(&mut feed, When::At(earlier), &mut |_, _| {}).unwrap_or_else(|why| panic!("{why}"));
    let log = then.site(Audience::Public).log;
    let last = VELMORA.items.last().expect("a log");
    assert_eq!((log.size, log.checkpoint_at), (last.entry.position + 1, last.entry.received_at));
    assert_eq!(log.as_of, earlier);
}

/// The feed within one process ends at the same door as the bundle, and says the same.
#[test]
fn both_feeds_say_the_same() {
    let places = &VELMORA.places;
    let mut entries = VELMORA.items.iter().map(|item| (item.bytes.clone(), item.line.clone()));
    let documents = files_below(&places.home().documents()).into_values().collect();
    let checkpoint = std::fs::read(places.bundle().join("checkpoint")).expect("a bundle has a checkpoint");
    let mut feed = DirectFeed { entries: &mut entries, documents, checkpoint, policy: &policy(places) };
    let direct = project(&mut feed, When::Profile, &mut |_, _| {}).unwrap_or_else(|why| panic!("{why}"));
    let bundled = &VELMORA.projection;
    assert_eq!(direct.head, bundled.head);
    for (a, b) in [(&direct.public, &bundled.public), (&direct.opened, &bundled.opened)] {
        assert_eq!(a.as_of, b.as_of);
        assert!(a.evaluations == b.evaluations, "findings differ");
        assert!(a.measures == b.measures, "figures differ");
    }
}

/// Without openings nothing is silent: what the public cannot decide is named, and what it finds
/// is true.
#[test]
fn the_public_is_told_less_and_nothing_false() {
    let names = log::pseudonyms(&VELMORA.places);
    let key = |e: &Evaluation, rule: &str, parts: [&str; 3]| {
        let mut key = vec![e.day.to_string(), rule.to_owned()];
        key.extend(parts.map(|part| names.outside(part)));
        key
    };
    let found = |evaluations: &[Evaluation]| -> BTreeSet<Vec<String>> {
        let of = |e: &Evaluation| {
            let key = |f: &Finding| key(e, f.rule, [&f.facility, &f.organisation, &f.subject]);
            e.findings.iter().map(key).collect::<Vec<_>>()
        };
        evaluations.iter().flat_map(of).collect()
    };
    let Projection { public, opened, .. } = &VELMORA.projection;
    let undetermined: BTreeSet<Vec<String>> = public
        .evaluations
        .iter()
        .flat_map(|e| e.undetermined.iter().map(|u| key(e, u.rule, [&u.facility, &u.organisation, &u.subject])))
        .collect();
    let (all, seen) = (found(&opened.evaluations), found(&public.evaluations));
    let accused: Vec<_> = seen.difference(&all).collect();
    assert!(accused.is_empty(), "a false accusation: {accused:#?}");
    let lost: Vec<_> = all.difference(&seen).filter(|key| !undetermined.contains(*key)).collect();
    assert!(lost.is_empty(), "silent: {lost:#?}");
    assert!(!undetermined.is_empty());
    assert!(public.evaluations.iter().flat_map(|e| &e.findings).all(|f| !f.organisation.starts_with("cso-noor")));
}

/// A finding never disappears because of time: each of an earlier date stands at every later one,
/// unless a retraction or a late valid declaration took it away (here none did).
#[test]
fn findings_stay() {
    for pair in VELMORA.projection.opened.evaluations.windows(2) {
        for f in &pair[0].findings {
            let same = |g: &&Finding| {
                (g.rule, &g.facility, &g.organisation, &g.subject) == (f.rule, &f.facility, &f.organisation, &f.subject)
            };
            let later = pair[1].findings.iter().find(same);
            let later = later.unwrap_or_else(|| panic!("{} {} is gone by {}", f.rule, f.subject, pair[1].day));
            assert_eq!(later.opened_at, f.opened_at, "{} {}", f.rule, f.subject);
        }
    }
}
