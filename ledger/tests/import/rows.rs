//! Rows that are well formed and still may not be recorded: names that must not be printed,
//! what is not one's own, refs that lead nowhere, corrections that do not fit.

use std::collections::BTreeSet;

use ledger::import::{Import, Known, Nothing, Options, render};
use schemas::catalogue::Role;

use super::country::*;

const TARGET: &str = "2025-03-04T12:00:00Z";

fn told(import: &Import) -> String {
    render(&import.problems)
}

/// Asserts that exactly the row of that sheet is told with that code, and returns the message.
fn refused(country: &Country, sheet: Sheet<'_>, code: &str) -> String {
    let import = country.read();
    let of_row: Vec<_> = import.problems.iter().filter(|p| p.file == path(sheet)).collect();
    let [problem] = &of_row[..] else { panic!("{} {code}: {}", sheet.1, told(&import)) };
    assert_eq!((problem.what.code(), problem.line), (code, Some(2)), "{problem}");
    assert!(!import.drafts.iter().any(|d| d.party == sheet.0 && d.event == sheet.1));
    problem.to_string()
}

#[test]
fn personal_data_is_kept_out_of_what_is_printed() {
    for text in ["le détenu Anselme Torvic", "dossier n° 44-1182", "dossier n° ４４-1182", "Ｍｒ Anselme Torvic"]
    {
        let message = refused(
            &Country::good().with(REQUEST_B, &[]).with(DENIAL, &[("legal_basis", text)]),
            DENIAL,
            "personal.public",
        );
        assert!(
            message.contains("column legal_basis") && !message.contains("Torvic") && !message.contains("1182"),
            "{message}"
        );
        // Restricted or sealed: recorded, and pointed at.
        let import = Country::good().with(DENIAL, &[("justification", text)]).read();
        assert_eq!(told(&import), "");
        assert_eq!(import.warnings.len(), 1);
        let warning = import.warnings[0].to_string();
        assert!(warning.contains("column justification") && !warning.contains("Torvic"), "{warning}");
    }
    // What nobody sees is refused before anything is looked for, and not repeated either.
    let hides = Country::good().with(REQUEST_B, &[]).with(DENIAL, &[("legal_basis", "dossier n\u{200b}° ４４-1182")]);
    assert!(!refused(&hides, DENIAL, "cell.control").contains("1182"));
    for (column, cell) in [("row_id", "no.123456"), ("id", "nr.A1234BC")] {
        let import = Country::good().with(VISIT, &[(column, cell)]).read();
        let message = told(&import);
        assert!(message.contains("looks as if it named") && !message.contains(cell), "{message}");
    }
    let import = Country::good().with(COMPLAINT, &[("narrative", "Mr Anselme Torvic")]).read();
    assert_eq!((import.problems.len(), import.warnings.len()), (0, 1));
}

#[test]
fn parties_that_are_not_named_stay_unnamed() {
    for text in ["avec Blue House", "cf. cso-y", "BLUE  HOUSE", "CSO-Y/2025"] {
        let message = refused(&Country::good().with(DENIAL, &[("legal_basis", text)]), DENIAL, "personal.party");
        assert!(message.contains("pseudonym") && !message.to_lowercase().contains("blue"), "{message}");
        let import = Country::good().with(DENIAL, &[("justification", text)]).read();
        assert_eq!((told(&import), import.warnings.len()), (String::new(), 0), "{text}");
    }
    // Its own registration hides its name; that of a named one prints whatever stands there.
    let hidden = [("organisation", "cso-y"), ("identity_mode", "pseudonym"), ("name", "Blue House")];
    assert_eq!(told(&Country::good().with(REGISTRATION, &hidden).read()), "");
    refused(&Country::good().with(REGISTRATION, &[("name", "Blue House")]), REGISTRATION, "personal.party");
    // parties.csv decides what is printed; a register that says otherwise is stopped.
    for (party, mode) in [("cso-x", "pseudonym"), ("cso-x", "aggregate_only"), ("cso-y", "named")] {
        let changes = [("organisation", party), ("identity_mode", mode), ("name", "N")];
        refused(&Country::good().with(REGISTRATION, &changes), REGISTRATION, "personal.mode");
    }
}

#[test]
fn nobody_writes_for_another() {
    let withdrawn: Sheet<'_> = (
        "cso-x",
        "access.request.withdrawn",
        &[
            ("signer", "office-1"),
            ("request", "rq-1"),
            ("facility", "fac-a"),
            ("organisation", "cso-x"),
            ("reason", ""),
        ],
    );
    let reason =
        schemas::catalogue::Catalogue::built_in().event("access.request.withdrawn").unwrap().field("reason").unwrap();
    let reason = reason.codes()[0].as_str();
    for (sheet, changes, code, words) in [
        (REQUEST, &[("organisation", "cso-y")][..], "own.field", "write cso-x"),
        (VISIT, &[("facility", "fac-b")], "own.field", "write fac-a"),
        (withdrawn, &[("reason", reason), ("request", "rq-2")], "own.request", "that of cso-y"),
        (APPROVAL, &[("request", "rq-2")], "own.case", "one of fac-b"),
        (INSPECTION, &[("kind", "npm")], "own.inspection", "oversight"),
        (INSPECTION, &[("kind", "external")], "own.inspection", "oversight"),
        (
            CORRECTION,
            &[("target", "min/organisation.registered/r1"), ("field_name", "kind"), ("new_value_public", "cso")],
            "own.target",
            "min",
        ),
    ] {
        let message = refused(&Country::good().with(sheet, changes), sheet, code);
        assert!(message.contains(words), "{message}");
    }
    // The administration decides for any facility, but for the one of the case.
    let by_administration = ("adm", APPROVAL.1, APPROVAL.2);
    let changes = [("signer", "reg-1"), ("id", "ap-9")];
    assert_eq!(told(&Country::good().with(by_administration, &changes).read()), "");
    let changes = [("signer", "reg-1"), ("id", "ap-9"), ("facility", "fac-b")];
    refused(&Country::good().with(by_administration, &changes), by_administration, "own.case");
    for kind in ["internal", "followup"] {
        assert_eq!(told(&Country::good().with(INSPECTION, &[("kind", kind)]).read()), "");
    }
    assert_eq!(told(&Country::good().with(withdrawn, &[("reason", reason)]).read()), "");
}

#[test]
fn a_dispute_ends_by_oversight_or_by_both_sides() {
    let dispute: Sheet<'_> = (
        "cso-x",
        "visit.disputed",
        &[
            ("signer", "office-1"),
            ("id", "di-1"),
            ("visit", "vi-1"),
            ("facility", "fac-a"),
            ("organisation", "cso-x"),
            ("disputed", "wait"),
        ],
    );
    let cells = [
        ("dispute", "di-1"),
        ("visit", "vi-1"),
        ("facility", "fac-a"),
        ("organisation", "cso-x"),
        ("outcome", "withdrawn"),
    ];
    let catalogue = schemas::catalogue::Catalogue::built_in();
    let first = |event: &str, field: &str| catalogue.event(event).unwrap().field(field).unwrap().codes()[0].clone();
    let (outcome, disputed) = (first("visit.dispute.resolved", "outcome"), first("visit.disputed", "disputed"));
    let country = |party: &'static str, signer: &str, cosigner: &str| {
        let sheet = (party, "visit.dispute.resolved", &cells[..]);
        let changes = [("signer", signer), ("cosigner", cosigner), ("outcome", outcome.as_str())];
        Country::good().with(dispute, &[("disputed", &disputed)]).with(sheet, &changes).read()
    };
    assert_eq!(told(&country("npm", "insp-1", "")), "");
    assert_eq!(told(&country("fac-a", "desk-1", "cso-x:office-1")), "");
    for cosigner in ["", "dir-1", "cso-y:office-1", "npm:insp-1"] {
        let import = country("fac-a", "desk-1", cosigner);
        assert_eq!(import.problems[0].what.code(), "own.dispute", "{cosigner:?} {}", told(&import));
    }
}

#[test]
fn dual_control_is_judged_by_a_rule_and_not_here() {
    for cosigner in ["", "desk-1"] {
        let import = Country::good().with(DENIAL, &[("cosigner", cosigner)]).read();
        assert_eq!(told(&import), "", "{cosigner:?}");
        let draft = import.drafts.iter().find(|d| d.event == DENIAL.1).unwrap();
        assert_eq!(draft.cosigner.is_none(), cosigner.is_empty());
    }
    // Who the catalogue does not name is no second person at all, and admission would refuse it.
    for cosigner in ["npm:chief-1", "fac-a:desk-1", "op:ops-1", "cso-y:office-1"] {
        let message = refused(&Country::good().with(DENIAL, &[("cosigner", cosigner)]), DENIAL, "cell.cosigner");
        assert!(
            message.contains("column cosigner") && message.contains("a holder of fac-b as party:holder"),
            "{message}"
        );
    }
    // Of the organisation concerned, where the catalogue says so.
    for (cosigner, is_good) in [("cso-x:office-2", true), ("", true), ("cso-y:office-1", false), ("sec-1", false)] {
        let country = Country::good().with(AGREEMENT, &[("cosigner", cosigner)]);
        if is_good {
            assert_eq!(told(&country.read()), "", "{cosigner:?}");
        } else {
            let message = refused(&country, AGREEMENT, "cell.cosigner");
            assert!(message.contains("a holder of cso-x as party:holder"), "{message}");
        }
    }
}

#[test]
fn refs_lead_to_what_is_there() {
    for (sheet, changes, code, words) in [
        (APPROVAL, &[("request", "rq-9")][..], "ref.unknown", "no access.request.submitted"),
        (APPROVAL, &[("request", "")], "cell.missing", "column request"),
        (APPROVAL, &[("request", "cso-x/rq-1")], "ref.form", "the id alone"),
        (APPROVAL, &[("request", "vi-1")], "ref.type", "visit.completed"),
        (CORRECTION, &[("target", "vi-1")], "ref.form", "party/event.type/row_id"),
        (CORRECTION, &[("target", "fac-a/visit.completed/r9")], "ref.unknown", "party/event.type/row_id"),
        (CORRECTION, &[("target", "fac-a/complaint.acknowledged/r1")], "ref.sealed", "sealed stream"),
    ] {
        let message = refused(&Country::good().with(sheet, changes), sheet, code);
        assert!(message.contains(words), "{message}");
    }
    let targets = |cell: &str| {
        let erasure: Sheet<'_> = (
            "npm",
            "erasure.requested",
            &[
                ("signer", "insp-1"),
                ("id", "er-1"),
                ("targets", ""),
                ("fields", "justification"),
                ("basis", "pii_lint"),
            ],
        );
        let import = Country::good().with(erasure, &[("targets", cell)]).read();
        import.problems.first().map(|p| p.what.code())
    };
    assert_eq!(targets("fac-a/visit.completed/r1;cso-x/access.request.submitted/r1"), None);
    assert_eq!(targets("fac-a/visit.completed/r1;fac-a/visit.completed/r1"), Some("cell.list"));
    assert_eq!(targets("fac-a/visit.completed/r1;"), Some("cell.list"));
    assert_eq!(targets("npm/complaint.lodged/r1"), Some("ref.sealed"));
    assert_eq!(targets(""), Some("cell.missing"));
}

#[test]
fn what_refers_to_a_refused_row_is_refused() {
    let import = Country::good().with(REQUEST, &[("purpose", "x")]).with(CORRECTION, &[]).read();
    let codes: Vec<_> = import.problems.iter().map(|p| (p.file.as_str(), p.what.code(), p.column.as_deref())).collect();
    assert_eq!(
        codes,
        [
            ("registers/cso-x/access.request.submitted.csv", "cell.code", Some("purpose")),
            ("registers/fac-a/access.request.approved.csv", "ref.refused", Some("request")),
            ("registers/fac-a/record.corrected.csv", "ref.refused", Some("target")),
            ("registers/fac-a/visit.completed.csv", "ref.refused", Some("approval")),
        ]
    );
    assert!(import.problems[1].to_string().contains("registers/cso-x/access.request.submitted.csv:2"));
    assert_eq!(import.refused, 4);
    // The rest is as good as it was.
    assert_eq!(import.drafts.len(), 5);
    // A file that is refused whole takes along what refers to it, without further noise.
    let text = csv(REQUEST, &[&[("prisoner_no", "44-1182")]]);
    let import = Country::good().file(&path(REQUEST), &text).read();
    let codes: Vec<_> = import.problems.iter().map(|p| p.what.code()).collect();
    assert_eq!(codes, ["column.personal", "ref.refused", "ref.refused"]);
    assert!(!told(&import).contains("1182"));
}

#[test]
fn names_are_given_once() {
    let text = csv(VISIT, &[&[], &[("id", "vi-2")], &[("row_id", "r2"), ("id", "vi-1")]]);
    let import = Country::good().file(&path(VISIT), &text).read();
    let codes: Vec<_> = import.problems.iter().map(|p| (p.line, p.what.code(), p.column.as_deref())).collect();
    assert_eq!(codes, [(Some(3), "row.twice", Some("row_id")), (Some(4), "id.taken", Some("id"))]);
    assert!(told(&import).contains("registers/fac-a/visit.completed.csv:2"));
    assert_eq!(import.drafts.len(), 8);
    // Kinds, not types: a denial and a suspension are both decisions, whoever wrote them.
    let suspended: Sheet<'_> = (
        "fac-a",
        "access.approval.suspended",
        &[
            ("signer", "desk-1"),
            ("cosigner", "dir-1"),
            ("id", "dn-1"),
            ("approval", "ap-1"),
            ("facility", "fac-a"),
            ("organisation", "cso-x"),
            ("reason", "security_incident"),
            ("individual_assessment", "true"),
            ("justification_given", "true"),
            ("auto", "false"),
        ],
    );
    let import = Country::good().with(DENIAL, &[]).with(suspended, &[]).read();
    assert_eq!(import.problems.iter().map(|p| p.what.code()).collect::<Vec<_>>(), ["id.taken"], "{}", told(&import));
}

#[test]
fn corrections_fit_their_field() {
    let value = |column: &'static str, text: &'static str| [("new_value_public", ""), (column, text)];
    for (field, (column, text), code, words) in [
        ("wait", ("new_value_public", "12 min"), "cell.form", "write 12"),
        ("completion", ("new_value_public", "normall"), "cell.code", "did you mean normal?"),
        ("visited_on", ("new_value_public", "04/03/2025"), "cell.form", "2025-03-04"),
        ("organisation", ("new_value_public", "cso-z"), "cell.party", "did you mean cso-x?"),
        ("facility", ("new_value_public", "cso-x"), "cell.facility", "cso"),
        ("wayt", ("new_value_public", "12"), "correction.field", "did you mean wait?"),
        ("wait", ("new_value_restricted", "12"), "correction.visibility", "move the new value to new_value_public"),
        ("team_in", ("new_value_public", "2"), "correction.visibility", "new_value_restricted"),
        ("wait", ("new_value_public", ""), "correction.values", "0 of the three"),
    ] {
        let mut changes = vec![("field_name", field)];
        changes.extend(value(column, text));
        let message = refused(&Country::good().with(CORRECTION, &changes), CORRECTION, code);
        assert!(message.contains(words), "{message}");
    }
    let both = [("new_value_restricted", "12")];
    assert!(
        refused(&Country::good().with(CORRECTION, &both), CORRECTION, "correction.values").contains("2 of the three")
    );
    for (field, column, text) in [
        ("wait", "new_value_public", "12"),
        ("team_in", "new_value_restricted", "2"),
        ("organisation", "new_value_public", "cso-y"), // takes its pseudonym like any other party
        ("areas_refused", "new_value_public", "yard;kitchen"),
    ] {
        let mut changes = vec![("field_name", field)];
        changes.extend(value(column, text));
        assert_eq!(told(&Country::good().with(CORRECTION, &changes).read()), "", "{field}");
    }
    // A name is public or restricted as its party is named or not.
    let of = |party: &'static str, mode: &'static str, column: &'static str| {
        let registration = [("organisation", party), ("identity_mode", mode), ("name", "N")];
        let correction = ("min", CORRECTION.1, CORRECTION.2);
        let changes = [
            ("signer", "cab-1"),
            ("cosigner", "sec-1"),
            ("target", "min/organisation.registered/r1"),
            ("field_name", "name"),
            ("new_value_public", ""),
            (column, "M"),
        ];
        let import = Country::good().with(REGISTRATION, &registration).with(correction, &changes).read();
        import.problems.first().map(|p| p.what.code())
    };
    assert_eq!(of("cso-x", "named", "new_value_public"), None);
    assert_eq!(of("cso-x", "named", "new_value_restricted"), Some("correction.visibility"));
    assert_eq!(of("cso-y", "pseudonym", "new_value_restricted"), None);
    assert_eq!(of("cso-y", "pseudonym", "new_value_public"), Some("correction.visibility"));
    assert_eq!(of("cso-y", "pseudonym", "new_value_sealed"), Some("correction.visibility"));
    // What a correction prints is printed for ever as well.
    let basis = |text: &'static str| {
        let correction = ("fac-b", CORRECTION.1, CORRECTION.2);
        let changes =
            [("target", "fac-b/access.request.denied/r1"), ("field_name", "legal_basis"), ("new_value_public", text)];
        let import = Country::good().with(DENIAL, &[("legal_basis", "art. 1")]).with(correction, &changes).read();
        import.problems.first().map(|p| p.what.code())
    };
    assert_eq!(basis("art. 2"), None);
    assert_eq!(basis("avec Blue House"), Some("personal.party"));
    assert_eq!(basis("n° 44-1182"), Some("personal.public"));
}

#[test]
fn a_live_import_puts_targets_first() {
    let import = Country::good().with(CORRECTION, &[]).read();
    let order: Vec<_> = import.drafts.iter().map(ledger::import::Draft::address).collect();
    let at = |address: &str| order.iter().position(|a| a == address).unwrap();
    assert!(at("cso-x/access.request.submitted/r1") < at("fac-a/access.request.approved/r1"));
    assert!(at("fac-a/access.request.approved/r1") < at("fac-a/visit.completed/r1"));
    assert!(at("fac-a/visit.completed/r1") < at("fac-a/record.corrected/r1"));
    // Two inspections that follow each other: told, not looped over.
    let text = csv(INSPECTION, &[&[("follows", "is-2")], &[("row_id", "r2"), ("id", "is-2"), ("follows", "is-1")]]);
    let import = Country::good().file(&path(INSPECTION), &text).read();
    assert!(import.problems.iter().any(|p| p.what.code() == "ref.circle"), "{}", told(&import));
    assert!(!import.drafts.iter().any(|d| d.event == INSPECTION.1));
    let import = Country::good().with(INSPECTION, &[("follows", "is-1")]).read();
    assert_eq!(import.problems[0].what.code(), "ref.circle");
}

#[test]
fn in_a_replay_nothing_refers_to_what_comes_later() {
    let replay = |request: &str, approval: &str, occurred: &str| {
        let options = Options { replay: true, ..Options::default() };
        let country = Country::empty().options(options).file("profile.toml", "[calendar]\nutc_offset_minutes = 60\n");
        let request = [("received_at", request)];
        let approval = [("received_at", approval), ("occurred_at", occurred)];
        country.with(REQUEST, &request).with(APPROVAL, &approval).read()
    };
    let good = replay(TARGET, "2025-03-04T12:00:01Z", "2025-03-04");
    assert_eq!((told(&good), good.drafts.len()), (String::new(), 2));
    assert_eq!(good.drafts[0].received_at.unwrap().to_string(), TARGET);
    // The same instant: by party, and cso-x comes before fac-a.
    assert_eq!(told(&replay(TARGET, TARGET, "2025-03-04")), "");
    for (approval, occurred, code) in [
        ("2025-03-04T11:59:59Z", "2025-03-04", "ref.later"),
        ("", "2025-03-04", "cell.missing"),
        ("2025-03-05", "2025-03-04", "cell.form"),
        ("2025-03-04T22:59:59Z", "2025-03-05", "cell.future"),
        ("2025-03-04T22:59:59Z", "2025-03-04T23:00:00Z", "cell.future"),
    ] {
        let import = replay(TARGET, approval, occurred);
        let codes: Vec<_> = import.problems.iter().map(|p| p.what.code()).collect();
        assert_eq!(codes, [code], "{approval} {occurred}");
    }
    // The day is local: at 23:00 UTC the next one has begun.
    assert_eq!(told(&replay(TARGET, "2025-03-04T23:00:00Z", "2025-03-05")), "");
}

/// A log that holds the request, its approval and one visit.
struct Log;

impl Known for Log {
    fn author_of(&self, kind: &str, id: &str) -> Option<String> {
        let things = [
            ("request", "rq-1", "cso-x"),
            ("approval", "ap-1", "fac-a"),
            ("visit", "vi-1", "fac-a"),
            ("request", "rq-2", "cso-y"),
        ];
        things.into_iter().find(|(k, i, _)| (*k, *i) == (kind, id)).map(|(_, _, party)| party.to_owned())
    }

    fn has_address(&self, address: &str) -> bool {
        address == "fac-a/visit.completed/r1"
    }

    fn has_row(&self, party: &str, event: &str, row_id: &str) -> bool {
        let rows = BTreeSet::from([
            "cso-x/access.request.submitted/r1",
            "cso-y/access.request.submitted/r1",
            "fac-a/access.request.approved/r1",
            "fac-a/visit.completed/r1",
        ]);
        rows.contains(format!("{party}/{event}/{row_id}").as_str())
    }

    fn role_of(&self, party: &str) -> Option<Role> {
        (party == "fac-old").then_some(Role::Facility)
    }

    fn address_of(&self, kind: &str, id: &str) -> Option<String> {
        (kind == "request").then(|| format!("cso/{id}"))
    }

    fn party_in(&self, address: &str, field: &str) -> Option<String> {
        (address == "cso/rq-2" && field == "facility").then(|| "fac-b".to_owned())
    }
}

#[test]
fn what_the_log_holds_is_passed_over_and_can_be_referred_to() {
    let import = Country::good().with(CORRECTION, &[]).read_with(&Log);
    assert_eq!(told(&import), "");
    let skipped: Vec<_> = import.skipped.iter().map(ToString::to_string).collect();
    assert_eq!(skipped, [REQUEST, REQUEST_B, APPROVAL, VISIT].map(|sheet| format!("{}:2", path(sheet))));
    assert_eq!(import.drafts.len(), 5);
    let text = csv(VISIT, &[&[], &[("row_id", "r2"), ("id", "vi-2")], &[("row_id", "r3")]]);
    let import = Country::good().file(&path(VISIT), &text).read_with(&Log);
    let visit = import.drafts.iter().find(|d| d.row_id == "r2").unwrap();
    assert_eq!(visit.refs["approval"], ["fac-a/ap-1"]);
    assert_eq!(import.problems.iter().map(|p| (p.line, p.what.code())).collect::<Vec<_>>(), [(Some(4), "id.taken")]);
    assert!(told(&import).contains("fac-a, in the log"));
    // What the log tells of a case counts as what a register tells.
    let import =
        Country::empty().with(APPROVAL, &[("row_id", "r2"), ("id", "ap-2"), ("request", "rq-2")]).read_with(&Log);
    assert_eq!(import.problems[0].what.code(), "own.case");
    // Parties of the log may be named, but their holders must be known to sign.
    let import = Country::good().with(INSPECTION, &[("facility", "fac-old")]).read_with(&Log);
    assert_eq!(told(&import), "");
    let import = Country::good().with(INSPECTION, &[("facility", "fac-old")]).read_with(&Nothing);
    assert_eq!(import.problems[0].what.code(), "cell.party");
    let import = Country::good().with(("fac-old", INSPECTION.1, INSPECTION.2), &[]).read_with(&Log);
    assert_eq!(import.problems[0].what.code(), "folder.role");
}
