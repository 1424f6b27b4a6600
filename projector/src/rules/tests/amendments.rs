use crate::small_log::found;

const REQUEST: &str = "2025-03-03T10 cso-a access.request.submitted rq-1 facility=fac-a organisation=cso-a\n";
const DENIAL: &str = "2025-03-05T10 fac-a access.request.denied dn-1 facility=fac-a organisation=cso-a reason=capacity legal_basis=art.18 individual_assessment=true valid_until=2025-04-01\n";

fn correct(day: &str, target: &str, field: &str, value: &str) -> String {
    format!("{day}T10 fac-a record.corrected - target={target} field_name={field} new_value_public={value}\n")
}

#[test]
fn a_retracted_record_was_never_there() {
    let retract = "2025-04-10T10 cso-a record.retracted - target=cso-a/access.request.submitted/r0001\n";
    let back = "2025-04-20T10 cso-a record.retracted - target=cso-a/record.retracted/r0002\n";
    let again = "2025-04-25T10 cso-a record.retracted - target=cso-a/record.retracted/r0003\n";
    let log = format!("{REQUEST}{retract}{back}{again}");
    for (as_of, n) in [("2025-04-09", 1), ("2025-04-10", 0), ("2025-04-19", 0), ("2025-04-20", 1), ("2025-04-25", 0)] {
        assert_eq!(found("ACC-02", &log, as_of).len(), n, "{as_of}");
    }
}

#[test]
fn a_retracted_answer_answers_nothing() {
    let log = format!(
        "{REQUEST}2025-03-05T10 fac-a access.request.acknowledged - request=cso-a/rq-1
        2025-03-20T10 fac-a record.retracted - target=fac-a/access.request.acknowledged/r0002"
    );
    assert!(found("ACC-01", &log, "2025-03-19").is_empty());
    assert_eq!(found("ACC-01", &log, "2025-03-20"), ["medium open fac-a|cso-a|rq-1 2025-03-07"]);
}

#[test]
fn a_defect_is_remedied_by_correction_and_opens_again() {
    let target = "fac-a/access.request.denied/r0001";
    let mended = correct("2025-03-10", target, "appeal_body", "ombud");
    let broken = correct("2025-03-20", target, "individual_assessment", "false");
    let mended_again = correct("2025-03-25", target, "individual_assessment", "true");
    let log = format!("{DENIAL}{mended}{broken}{mended_again}");
    for (as_of, want) in [
        ("2025-03-09", "high open fac-a|cso-a|dn-1 2025-03-05"),
        ("2025-03-10", "high remedied fac-a|cso-a|dn-1 2025-03-05 2025-03-10"),
        ("2025-03-20", "high open fac-a|cso-a|dn-1 2025-03-05"),
        ("2025-03-25", "high remedied fac-a|cso-a|dn-1 2025-03-05 2025-03-25"),
    ] {
        assert_eq!(found("ACC-03", &log, as_of), [want], "{as_of}");
    }
    // A correction can bring a defect about.
    let good = DENIAL.trim().to_owned() + " appeal_body=ombud\n";
    assert!(found("ACC-03", &good, "2025-03-31").is_empty());
    assert_eq!(found("ACC-03", &(good + &broken), "2025-03-31"), ["high open fac-a|cso-a|dn-1 2025-03-20"]);
}

#[test]
fn a_correction_that_was_retracted_or_fits_no_field_changes_nothing() {
    let target = "fac-a/access.request.denied/r0001";
    let open = ["high open fac-a|cso-a|dn-1 2025-03-05"];
    let retracted = correct("2025-03-10", target, "appeal_body", "ombud")
        + "2025-03-11T10 fac-a record.retracted - target=fac-a/record.corrected/r0002\n";
    assert_eq!(found("ACC-03", &format!("{DENIAL}{retracted}"), "2025-03-31"), open);
    for (field, value) in [("no_such_field", "x"), ("appeal_until", "soon"), ("individual_assessment", "yes")] {
        assert_eq!(
            found("ACC-03", &(DENIAL.to_owned() + &correct("2025-03-10", target, field, value)), "2025-03-31"),
            open,
            "{field}"
        );
    }
}

#[test]
fn a_correction_before_the_due_day_moves_it_and_one_after_does_not() {
    let issued = "2025-03-03T10 npm recommendation.issued rc-1 facility=fac-a addressee=adm-x advice=false response_due=2025-04-01\n";
    let target = "npm/recommendation.issued/r0001";
    let correction = |day: &str, value: &str| {
        format!("{day}T10 npm record.corrected - target={target} field_name=response_due new_value_public={value}\n")
    };
    for (corrections, want) in [
        (String::new(), "2025-04-02"),
        (correction("2025-03-20", "2025-05-10"), "2025-05-11"),
        (correction("2025-04-01", "2025-05-10"), "2025-05-11"),
        (correction("2025-04-02", "2025-05-10"), "2025-04-02"),
        // Earlier than the correction itself: the day of the correction.
        (correction("2025-03-20", "2025-03-10"), "2025-03-21"),
        // Each in order, against the due day then in force.
        (correction("2025-03-20", "2025-05-10") + &correction("2025-05-05", "2025-06-01"), "2025-06-02"),
        (correction("2025-03-20", "2025-03-25") + &correction("2025-03-30", "2025-06-01"), "2025-03-26"),
    ] {
        let want = format!("a high open fac-a||rc-1 {want}");
        assert_eq!(found("REC-01", &format!("{issued}{corrections}"), "2025-12-31"), [want], "{corrections}");
    }
}
