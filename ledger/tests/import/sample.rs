//! The sample country, as it stands in the repository.

use std::path::{Path, PathBuf};

use ledger::import::{Claim, Limits, Nothing, Options, Parties, read_files, read_folder, render};
use schemas::value::Value;

pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenario/velmora")
}

fn replay() -> Options {
    Options { replay: true, ..Options::default() }
}

#[test]
fn the_sample_country_is_read_whole() {
    let import = read_folder(&sample(), &replay(), &Nothing);
    assert_eq!(render(&import.problems), "");
    assert_eq!((import.drafts.len(), import.refused, import.skipped.len(), import.parties.len()), (3_502, 0, 0, 25));
    assert_eq!(import.profile.unwrap(), std::fs::read(sample().join("profile.toml")).unwrap());
    // A name and a number, both invented, in a restricted text: kept, and pointed at (P28).
    assert_eq!(
        render(&import.warnings),
        "warning: registers/fac-kessan/access.request.denied.csv:9 (r0008), column justification: the text looks as if \
         it named a person or a register number; take it out unless it must be there; it is not printed, but it travels \
         to those who may open it\n"
    );
    let order: Vec<_> = import.drafts.iter().map(|d| (d.received_at, &d.party, &d.event, &d.row_id)).collect();
    assert!(order.is_sorted());
    for draft in &import.drafts {
        assert!(draft.received_at.is_some(), "{}", draft.place);
    }
}

#[test]
fn a_draft_says_what_its_row_says() {
    let import = read_folder(&sample(), &replay(), &Nothing);
    let draft = |address: &str| import.drafts.iter().find(|d| d.address() == address).unwrap();

    let request = draft("cso-bridge/access.request.submitted/r0001");
    assert_eq!(
        (request.id.as_deref(), request.qualified_id().as_deref()),
        (Some("rq-0021"), Some("cso-bridge/rq-0021"))
    );
    assert!(matches!(request.occurred, Claim::Instant(at) if at.to_string() == "2025-01-06T07:50:02Z"));
    assert_eq!((request.signer.party.as_str(), request.signer.holder.as_str()), ("cso-bridge", "office-1"));
    assert_eq!(request.place.to_string(), "registers/cso-bridge/access.request.submitted.csv:2");
    assert_eq!(request.fields["slots"].as_list().unwrap().len(), 2);
    assert_eq!(request.fields["team"], Value::Integer(2));
    assert_eq!(request.fields["private_interviews"], Value::Bool(false));
    assert!(!request.refs.contains_key("agreement") && !request.fields.contains_key("team_names"));

    let approval = draft("adm-prisons/access.request.approved/r0001");
    assert_eq!(approval.refs["request"], ["cso-league/rq-0001"]);

    let agreement = draft("adm-prisons/agreement.concluded/r0001");
    let cosigner = agreement.cosigner.as_ref().unwrap();
    assert_eq!((cosigner.party.as_str(), cosigner.holder.as_str()), ("cso-league", "office-2"));

    let correction = draft("fac-odris/record.corrected/r0001");
    assert_eq!(correction.refs["target"], ["fac-odris/visit.completed/r0014"]);
    assert_eq!(correction.fields["new_value_public"], Value::localised("fr", "12"));

    let answer = draft("adm-prisons/complaint.acknowledged/r0001");
    assert!(answer.inner);
    let complaint = answer.refs["complaint"][0].split_once('/').unwrap();
    assert_eq!(complaint.1, "cm-0005");

    let inspection = draft("inspectorate/inspection.conducted/r0001");
    assert!(matches!(inspection.occurred, Claim::Day(day) if day.to_string() == "2025-02-12"));

    let money = draft("fund-donor/funding.disbursed/r0001");
    assert_eq!(money.fields["amount"], Value::money(4_000_000, "XTS"));
    let state = draft("min-justice/organisation.registered/r0001");
    assert_eq!(state.fields["state_funding"], Value::Integer(1_000));
}

#[test]
fn a_register_with_prisoner_numbers_is_refused_whole() {
    let (parties, _) =
        Parties::read("parties.csv", &std::fs::read(sample().join("parties.csv")).unwrap(), &Limits::default());
    let file = sample().join("refused/visit.completed.prisoner-number.csv");
    let import = read_files(&[file], "fac-talbera", &parties, &Options::default(), &Nothing);
    assert!(import.drafts.is_empty());
    let [problem] = &import.problems[..] else { panic!("{}", render(&import.problems)) };
    let told = problem.to_string();
    assert_eq!((problem.what.code(), problem.column.as_deref()), ("column.personal", Some("prisoner_no")));
    assert!(told.contains("nothing of it was recorded") && told.contains("delete the column"), "{told}");
    assert!(!told.contains("1182"), "{told}");
}
