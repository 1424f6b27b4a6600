use crate::small_log::found;

const PROGRAMME: &str =
    "2025-01-02T10 adm-x programme.adopted P-1 facilities=fac-a partners=cso-a sustained=true starts_on=2025-02-01\n";
const CHANGE: &str = "2025-09-01T10 adm-x programme.changed pc-1 programme=adm-x/P-1 change=suspended effective_on=2025-09-10 urgent_safety=false\n";

fn opened(day: &str, id: &str, more: &str) -> String {
    format!("{day}T10 adm-x consultation.opened {id} {more} invited=2 invited_independent=1\n")
}

fn closed(day: &str, id: &str) -> String {
    format!("{day}T10 adm-x consultation.closed - consultation=adm-x/{id} closed_on={day}\n")
}

#[test]
fn con01_a_good_consultation_was_closed_in_the_window() {
    let on = "programme=adm-x/P-1";
    let fires = ["high open ||adm-x/programme.changed/r0004 2025-09-01"];
    for (consultation, fires) in [
        (opened("2025-05-01", "co-1", on) + &closed("2025-06-01", "co-1"), None),
        // The first and the last day of the window: 180 days, and the day itself.
        (opened("2025-02-01", "co-1", on) + &closed("2025-03-05", "co-1"), None),
        (opened("2025-02-01", "co-1", on) + &closed("2025-03-04", "co-1"), Some(fires)),
        (opened("2025-05-01", "co-1", on) + &closed("2025-09-01", "co-1"), None),
        // Too few invited, none independent; an open call does not replace them.
        (
            opened("2025-05-01", "co-1", "programme=adm-x/P-1 open_call=true").replace("invited=2", "invited=1")
                + &closed("2025-06-01", "co-1"),
            Some(fires),
        ),
        (
            opened("2025-05-01", "co-1", on).replace("independent=1", "independent=0") + &closed("2025-06-01", "co-1"),
            Some(fires),
        ),
        // About another programme, and about nothing named.
        (opened("2025-05-01", "co-1", "programme=adm-x/P-2") + &closed("2025-06-01", "co-1"), Some(fires)),
        (opened("2025-05-01", "co-1", "") + &closed("2025-06-01", "co-1"), Some(fires)),
    ] {
        // The programme, the consultation and its end come first: the change is the fourth.
        let got = found("CON-01", &format!("{PROGRAMME}{consultation}{CHANGE}"), "2025-12-31");
        assert_eq!(got, fires.into_iter().flatten().collect::<Vec<_>>(), "{consultation}");
    }
    // The change itself names it.
    let named = CHANGE.replace("change=suspended", "consultation=adm-x/co-1 change=suspended");
    let log = format!("{PROGRAMME}{}{}{named}", opened("2025-05-01", "co-1", ""), closed("2025-06-01", "co-1"));
    assert!(found("CON-01", &log, "2025-12-31").is_empty());
    // A change of frequency calls for none.
    assert!(
        found("CON-01", &format!("{PROGRAMME}{}", CHANGE.replace("suspended", "frequency")), "2025-12-31").is_empty()
    );
}

#[test]
fn con01_ends_late_and_does_not_look_before_genesis() {
    let log = format!("{PROGRAMME}{CHANGE}");
    assert_eq!(found("CON-01", &log, "2025-12-31"), ["high open ||adm-x/programme.changed/r0002 2025-09-01"]);
    let later = log.clone() + &opened("2025-09-05", "co-1", "change=adm-x/pc-1");
    assert_eq!(
        found("CON-01", &later, "2025-12-31"),
        ["high late ||adm-x/programme.changed/r0002 2025-09-01 2025-09-05"]
    );
    // 2025-06-30 less 180 days is genesis; a day earlier is before it.
    let on = |day: &str| log.replace("2025-09-01T10", &format!("{day}T10"));
    assert_eq!(found("CON-01", &on("2025-06-30"), "2025-12-31").len(), 1);
    assert!(found("CON-01", &on("2025-06-29"), "2025-12-31").is_empty());
    // Adoption and framework texts call for it too.
    let law = "2025-09-01T10 min-j framework.adopted fw-1 kind=law effective_on=2025-10-01\n2025-10-01T10 min-j framework.repealed - framework=min-j/fw-1 effective_on=2025-10-01\n";
    let consulted = opened("2025-09-10", "co-1", "framework=min-j/fw-1") + &closed("2025-09-20", "co-1");
    assert_eq!(found("CON-01", law, "2025-12-31").len(), 2);
    let (adopted, repealed) = law.split_once('\n').unwrap();
    assert_eq!(
        found("CON-01", &format!("{adopted}\n{consulted}{repealed}"), "2025-12-31"),
        ["high late ||min-j/framework.adopted/r0001 2025-09-01 2025-09-10"]
    );
}

#[test]
fn con01_what_is_urgent_is_consulted_on_within_fourteen_days() {
    let urgent = CHANGE.replace("urgent_safety=false", "urgent_safety=true");
    let on = "programme=adm-x/P-1";
    for (before, after, as_of, want) in [
        (String::new(), String::new(), "2025-09-15", &[][..]),
        (String::new(), String::new(), "2025-09-16", &["high open ||adm-x/programme.changed/r0002 2025-09-16"][..]),
        (String::new(), opened("2025-09-15", "co-1", on), "2025-12-31", &[][..]),
        (
            String::new(),
            opened("2025-09-16", "co-1", on),
            "2025-12-31",
            &["high late ||adm-x/programme.changed/r0002 2025-09-16 2025-09-16"][..],
        ),
        (
            String::new(),
            opened("2025-09-16", "co-1", "programme=adm-x/P-1 @at=2025-09-15"),
            "2025-12-31",
            &["info late_recorded ||adm-x/programme.changed/r0002 2025-09-16 2025-09-16"][..],
        ),
        // One that is still open when the change comes counts; one that was over does not.
        (opened("2025-08-20", "co-1", on), String::new(), "2025-12-31", &[][..]),
        (
            opened("2025-01-20", "co-1", on) + &closed("2025-01-30", "co-1"),
            String::new(),
            "2025-12-31",
            &["high open ||adm-x/programme.changed/r0004 2025-09-16"][..],
        ),
    ] {
        assert_eq!(
            found("CON-01", &format!("{PROGRAMME}{before}{urgent}{after}"), as_of),
            want,
            "{before}{after}{as_of}"
        );
    }
}

fn committed(received: &str, id: &str, from: &str, to: &str) -> String {
    format!(
        "{received}T10 fund-d funding.committed {id} programme=adm-x/P-1 organisation=cso-a period_from={from} period_to={to}\n"
    )
}

#[test]
fn fun01_a_gap_of_cover() {
    let first = committed("2025-01-10", "fc-1", "2025-02-01", "2025-05-31");
    for (more, as_of, want) in [
        // Thirty days after 2025-05-31 is 2025-06-30: the last day on which cover may begin again.
        (String::new(), "2025-06-30", &[][..]),
        (String::new(), "2025-07-01", &["a high open ||P-1:2025-05-31 2025-07-01"][..]),
        (committed("2025-03-01", "fc-2", "2025-06-30", "2026-12-31"), "2025-12-31", &[][..]),
        (
            committed("2025-03-01", "fc-2", "2025-07-01", "2026-12-31"),
            "2025-12-31",
            &["a high late ||P-1:2025-05-31 2025-07-01 2025-07-01"][..],
        ),
        // Known, but not begun: still open.
        (
            committed("2025-03-01", "fc-2", "2025-09-01", "2026-12-31"),
            "2025-08-31",
            &["a high open ||P-1:2025-05-31 2025-07-01"][..],
        ),
        (
            committed("2025-03-01", "fc-2", "2025-09-01", "2026-12-31"),
            "2025-09-01",
            &["a high late ||P-1:2025-05-31 2025-07-01 2025-09-01"][..],
        ),
        // Begun, but not known until later: closed by its receipt.
        (
            committed("2025-10-05", "fc-2", "2025-09-01", "2026-12-31"),
            "2025-12-31",
            &["a high late ||P-1:2025-05-31 2025-07-01 2025-10-05"][..],
        ),
        // A late record whose period closes the gap removes it.
        (committed("2025-10-05", "fc-2", "2025-06-01", "2026-12-31"), "2025-12-31", &[][..]),
        // Periods that touch or overlap are one run.
        (
            committed("2025-03-01", "fc-2", "2025-04-01", "2025-06-30")
                + &committed("2025-03-02", "fc-3", "2025-07-01", "2026-12-31"),
            "2025-12-31",
            &[][..],
        ),
        // A termination cuts the cover the day before.
        (
            committed("2025-03-01", "fc-2", "2025-06-01", "2026-12-31")
                + "2025-08-01T10 fund-d funding.terminated - commitment=fund-d/fc-2 effective_on=2025-08-11\n",
            "2025-12-31",
            &["a high open ||P-1:2025-08-10 2025-09-10"][..],
        ),
        // The programme ends before cover must begin again; a day later it does not.
        (
            "2025-05-01T10 adm-x programme.ended - programme=adm-x/P-1 ended_on=2025-06-30\n".to_owned(),
            "2025-12-31",
            &[][..],
        ),
        (
            "2025-05-01T10 adm-x programme.ended - programme=adm-x/P-1 ended_on=2025-07-01\n".to_owned(),
            "2025-12-31",
            &["a high open ||P-1:2025-05-31 2025-07-01"][..],
        ),
    ] {
        assert_eq!(found("FUN-01", &format!("{PROGRAMME}{first}{more}"), as_of), want, "{more} {as_of}");
    }
    assert!(
        found("FUN-01", &format!("{PROGRAMME}{first}").replace("sustained=true", "sustained=false"), "2025-12-31")
            .is_empty()
    );
    assert!(found("FUN-01", PROGRAMME, "2025-12-31").is_empty(), "never covered is no break");
}

#[test]
fn fun01_a_payment_long_after_it_was_due() {
    let paid = |day: &str| {
        format!(
            "2025-06-20T10 fund-d funding.disbursed fd-1 commitment=fund-d/fc-1 organisation=cso-a due_on=2025-03-01 paid_on={day}\n"
        )
    };
    assert!(found("FUN-01", &paid("2025-03-31"), "2025-12-31").is_empty(), "30 days");
    let late = ["b medium late |cso-a|fd-1 2025-06-20 2025-06-20"];
    assert_eq!(found("FUN-01", &paid("2025-04-01"), "2025-12-31"), late);
    let mended = paid("2025-04-01")
        + "2025-07-01T10 fund-d record.corrected - target=fund-d/funding.disbursed/r0001 field_name=paid_on new_value_public=2025-03-15\n";
    assert_eq!(found("FUN-01", &mended, "2025-12-31"), ["b medium remedied |cso-a|fd-1 2025-06-20 2025-07-01"]);
}
