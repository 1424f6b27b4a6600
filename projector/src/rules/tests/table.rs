use schemas::visible::Show as _;
use std::collections::BTreeSet;
use std::path::Path;

use crate::profile::Profiles;
use crate::rules::{AsOfPassed, RULES, evaluate};
use crate::small_log::{judged, judged_with};

const TEXT: &str = include_str!("../../../rules/RULES.md");
const README: &str = include_str!("../../../rules/README.md");

/// The ids in a section of the README.
fn listed(section: &str) -> BTreeSet<&'static str> {
    let from = README.find(section).unwrap_or_else(|| panic!("rules/README.md has no {section:?}")) + section.len();
    let section = README[from..].split("\n## ").next().unwrap();
    section.split_whitespace().filter(|word| is_id(word)).collect()
}

fn is_id(word: &str) -> bool {
    let id = word.split_once('-');
    id.is_some_and(|(family, n)| {
        family.chars().all(|c| c.is_ascii_uppercase())
            && !family.is_empty()
            && n.len() == 2
            && n.chars().all(|c| c.is_ascii_digit())
    })
}

/// Headings of RULES.md: id, title, what stands in the brackets.
fn headings() -> Vec<(&'static str, &'static str, &'static str)> {
    let heading = |line: &'static str| {
        let (head, rest) = line.strip_prefix("**")?.split_once("** (")?;
        let (id, title) = head.split_once(' ')?;
        is_id(id).then(|| (id, title, rest.split_once("public").map_or(rest, |(brackets, _)| brackets)))
    };
    TEXT.lines().filter_map(heading).collect()
}

#[test]
fn every_rule_of_the_text_is_judged_or_said_not_to_be() {
    let ids: BTreeSet<_> = headings().iter().map(|(id, ..)| *id).collect();
    let (judged, later) = (listed("## Judged"), listed("## Not judged yet"));
    assert_eq!(judged.intersection(&later).collect::<Vec<_>>(), Vec::<&&str>::new(), "listed twice in rules/README.md");
    assert_eq!(judged.union(&later).copied().collect::<BTreeSet<_>>(), ids, "rules/README.md against rules/RULES.md");
    let table: BTreeSet<_> = RULES.iter().map(|r| r.id).collect();
    assert_eq!(table, judged, "the table RULES against rules/README.md");
    assert_eq!(table.len(), RULES.len(), "a rule stands twice in the table");
}

#[test]
fn every_rule_has_its_file_title_and_source() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    for rule in RULES {
        let file = folder.join(format!("{}.rs", rule.id.to_lowercase().replace('-', "")));
        let source = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("{}: no file {}", rule.id, file.shown()));
        assert!(
            source.starts_with(&format!("//! {}, {}. `rules/RULES.md` 2", rule.id, rule.title)),
            "{}: first line of its file",
            rule.id
        );
        let (_, title, brackets) = headings().into_iter().find(|(id, ..)| *id == rule.id).unwrap();
        assert_eq!(rule.title, title, "{}", rule.id);
        assert!(
            brackets.contains(rule.kind.as_str()) && brackets.contains(rule.severity.as_str()),
            "{}: {brackets}",
            rule.id
        );
        assert!(
            rule.source.len() > 10 && rule.duty.len() > 40,
            "{}: say where the duty comes from, and what it is",
            rule.id
        );
    }
}

#[test]
fn no_number_of_a_profile_stands_in_a_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
    for rule in RULES {
        let file = folder.join(format!("{}.rs", rule.id.to_lowercase().replace('-', "")));
        let source = std::fs::read_to_string(file).unwrap();
        let (before, rest) = source.split_once("pub(super) const RULE").unwrap();
        let after = rest.split_once("\n};\n").unwrap().1;
        let code: String = before.lines().chain(after.lines()).filter(|l| !l.trim_start().starts_with("//")).collect();
        // Seconds of an hour, the first of a month, one day: units, not windows.
        for word in code
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter(|w| w.chars().all(|c| c.is_ascii_digit()))
        {
            assert!(["", "0", "1", "2", "3600", "04", "02"].contains(&word), "{}: the number {word}", rule.id);
        }
    }
}

#[test]
fn nothing_after_as_of_is_looked_at() {
    let text = "2025-03-03T10 cso-a access.request.submitted rq-1 facility=fac-a organisation=cso-a";
    let mut views = crate::views::Views::new();
    for record in crate::small_log::log(text, b"[profile]\nid = \"p\"\n") {
        views.apply(&record);
    }
    let head = views.head().unwrap().1;
    let early = head.plus_seconds(-1);
    assert_eq!(evaluate(&views, &Profiles::new(), early).unwrap_err(), AsOfPassed { as_of: early, head });
    assert!(evaluate(&views, &Profiles::new(), head).is_ok());
}

#[test]
fn an_empty_log_has_no_findings() {
    let evaluation = judged("", "2025-01-01");
    assert!(evaluation.findings.is_empty() && evaluation.undetermined.is_empty());
    assert_eq!(evaluation.notes.len(), 1);
    let views = crate::views::Views::new();
    let nothing = evaluate(&views, &Profiles::new(), crate::small_log::day("2025-01-01").end(0)).unwrap();
    assert!(nothing.findings.is_empty());
}

#[test]
fn the_profile_at_the_trigger_counts() {
    let text = "
        2025-03-03T10 cso-a access.request.submitted rq-1 facility=fac-a organisation=cso-a
        2025-03-04T10 fac-a access.request.acknowledged - request=cso-a/rq-1 facility=fac-a organisation=cso-a";
    let at = |params: &[(&str, &str)], as_of| {
        judged_with(params, text, as_of).findings.iter().map(crate::small_log::line).collect::<Vec<_>>()
    };
    assert!(at(&[], "2025-03-23").is_empty());
    assert_eq!(at(&[], "2025-03-24"), ["high open fac-a|cso-a|rq-1 2025-03-24"]);
    assert_eq!(at(&[("decision_days", "5")], "2025-03-09"), ["high open fac-a|cso-a|rq-1 2025-03-09"]);
    assert_eq!(at(&[("decision_days", "0"), ("ack_working_days", "0")], "2025-03-04").len(), 2);
}
