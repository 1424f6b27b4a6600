use crate::small_log::{found, judged};

const FACILITY: &str = "2025-01-02T08 adm-x facility.registered - facility=fac-a opened_on=1990-01-01\n";

fn inspection(received: &str, id: &str, kind: &str, ended: &str) -> String {
    format!("{received}T10 npm inspection.conducted {id} facility=fac-a kind={kind} ended_on={ended}\n")
}

fn ins01(log: &str, as_of: &str) -> Vec<String> {
    found("INS-01", &format!("{FACILITY}{log}"), as_of)
}

#[test]
fn ins01_counts_from_genesis_and_from_each_inspection() {
    let internal = "internal high open fac-a||internal:2024-12-31 2025-07-01";
    assert!(ins01("", "2025-06-30").is_empty());
    assert_eq!(ins01("", "2025-07-01"), [internal]);
    // The two kinds are never merged; a follow-up is neither.
    let npm = inspection("2025-06-01", "is-1", "npm", "2025-05-30");
    assert_eq!(
        ins01(&(npm.clone() + &inspection("2025-06-02", "is-2", "followup", "2025-06-02")), "2026-05-30"),
        [internal]
    );
    assert_eq!(ins01(&npm, "2026-05-31"), ["external high open fac-a||external:2025-05-30 2026-05-31", internal]);
    // Late, and only recorded late.
    let late = inspection("2026-06-02", "is-2", "spt", "2026-05-31");
    assert_eq!(
        ins01(&(npm.clone() + &late), "2026-06-30")[0],
        "external high late fac-a||external:2025-05-30 2026-05-31 2026-06-02"
    );
    let recorded = inspection("2026-06-02", "is-2", "spt", "2026-05-30");
    assert_eq!(
        ins01(&(npm + &recorded), "2026-06-30")[0],
        "external info late_recorded fac-a||external:2025-05-30 2026-05-31 2026-06-02"
    );
}

#[test]
fn ins01_begins_with_the_opening_and_again_with_a_reopening() {
    let opened = FACILITY.replace("opened_on=1990-01-01", "opened_on=2025-07-01");
    assert!(found("INS-01", &opened, "2025-12-31").is_empty());
    assert_eq!(found("INS-01", &opened, "2026-01-01"), ["internal high open fac-a||internal:2025-06-30 2026-01-01"]);
    let status = |day: &str, code: &str| {
        format!("{day}T08 fac-a facility.status.changed - facility=fac-a status={code} from={day}T08:00:00Z\n")
    };
    // Closed over the due day: the count begins anew with the re-opening.
    let closed = status("2025-06-01", "closed") + &status("2025-08-01", "partial");
    assert!(ins01(&closed, "2025-12-31").is_empty());
    assert_eq!(ins01(&closed, "2026-02-01"), ["internal high open fac-a||internal:2025-07-31 2026-02-01"]);
    // Open after an emergency is no re-opening; a closure after the breach wipes nothing out.
    let emergency = status("2025-06-01", "emergency") + &status("2025-08-01", "open");
    assert_eq!(ins01(&emergency, "2025-12-31"), ["internal high open fac-a||internal:2024-12-31 2025-07-01"]);
    let after = status("2025-09-01", "closed") + &status("2025-09-02", "open");
    assert_eq!(ins01(&after, "2025-12-31"), ["internal high open fac-a||internal:2024-12-31 2025-07-01"]);
}

fn training(received: &str, topics: &str, more: &str) -> String {
    format!(
        "{received}T10 prov-p training.delivered - facilities=fac-a topics={topics} audience=prison delivered_on={received} {more}\n"
    )
}

#[test]
fn trn01_every_group_is_covered_again_and_again() {
    let trn = |log: &str, as_of: &str| found("TRN-01", &format!("{FACILITY}{log}"), as_of);
    let all = training("2025-06-01", "human_rights;cso_cooperation;age", "");
    assert!(trn(&all, "2026-06-01").is_empty());
    assert_eq!(trn(&all, "2026-06-02"), ["low open fac-a||2026-06-02 2026-06-02"]);
    // One group missing; for another audience; for another facility.
    assert_eq!(
        trn(&training("2025-06-01", "human_rights;gender", ""), "2026-03-01"),
        ["low open fac-a||2026-01-01 2026-01-01"]
    );
    assert_eq!(trn(&all.replace("audience=prison", "audience=cso"), "2026-03-01").len(), 1);
    assert_eq!(trn(&all.replace("facilities=fac-a", "facilities=fac-b"), "2026-03-01").len(), 1);
    assert!(trn(&all.replace("audience=prison", "audience=mixed"), "2026-03-01").is_empty());
    // Breaches of several groups that overlap are one finding, named by its first day.
    let staggered = training("2025-03-01", "human_rights", "") + &training("2025-06-01", "cso_cooperation;gender", "");
    assert_eq!(trn(&staggered, "2026-07-01"), ["low open fac-a||2026-03-02 2026-03-02"]);
    let details: Vec<_> = judged(&format!("{FACILITY}{staggered}"), "2026-07-01")
        .findings
        .iter()
        .filter(|f| f.rule == "TRN-01")
        .map(|f| f.detail.clone())
        .collect();
    assert_eq!(details, ["human_rights by 2026-03-01; cso_cooperation by 2026-06-01; gender/age by 2026-06-01"]);
    // Apart, they are two.
    let apart = staggered + &training("2026-04-01", "human_rights", "");
    assert_eq!(
        trn(&apart, "2026-07-01"),
        ["low late fac-a||2026-03-02 2026-03-02 2026-04-01", "low open fac-a||2026-06-02 2026-06-02"]
    );
}

fn report(received: &str, more: &str) -> String {
    format!("{received}T10 npm inspection.report.submitted rp-1 inspection=npm/is-1 facility=fac-a {more}\n")
}

fn published(received: &str, more: &str) -> String {
    format!(
        "{received}T10 npm inspection.report.published - report=npm/rp-1 inspection=npm/is-1 facility=fac-a personal_data_checked=true {more}\n"
    )
}

#[test]
fn ins03_a_report_is_written_and_published() {
    let npm = inspection("2025-03-05", "is-1", "npm", "2025-03-01");
    let spt = npm.replace("kind=npm", "kind=spt");
    for (log, as_of, want) in [
        (npm.clone(), "2025-03-31", &[][..]),
        (npm.clone(), "2025-04-01", &["a medium open fac-a||is-1:a 2025-04-01"][..]),
        (
            npm.clone() + &report("2025-04-02", ""),
            "2025-04-30",
            &["a medium late fac-a||is-1:a 2025-04-01 2025-04-02"][..],
        ),
        (
            npm.clone() + &report("2025-04-02", "@at=2025-03-31"),
            "2025-04-30",
            &["a info late_recorded fac-a||is-1:a 2025-04-01 2025-04-02"][..],
        ),
        // Sixty days to publish, from the receipt of the report or from the end of confidentiality.
        (npm.clone() + &report("2025-03-20", ""), "2025-05-19", &[][..]),
        (npm.clone() + &report("2025-03-20", ""), "2025-05-20", &["b high open fac-a||is-1:b 2025-05-20"][..]),
        (
            npm.clone() + &report("2025-03-20", "confidential_until=2025-06-01"),
            "2025-12-31",
            &["b high open fac-a||is-1:b 2025-08-01"][..],
        ),
        (
            npm.clone() + &report("2025-03-20", "confidential_until=2025-01-01"),
            "2025-12-31",
            &["b high open fac-a||is-1:b 2025-05-20"][..],
        ),
        (npm.clone() + &report("2025-03-20", "") + &published("2025-05-19", ""), "2025-12-31", &[][..]),
        // Reports of the SPT stay with the state; internal ones need no publication.
        (spt + &report("2025-03-20", ""), "2025-12-31", &[][..]),
        (npm.replace("kind=npm", "kind=internal") + &report("2025-03-20", ""), "2025-12-31", &[][..]),
        (
            npm.clone()
                + &report("2025-03-20", "")
                + &published("2025-04-01", "").replace("checked=true", "checked=false"),
            "2025-12-31",
            &["c high open fac-a||is-1:c 2025-04-01"][..],
        ),
        // The end of an inspection corrected in time moves the due day.
        (
            npm.clone()
                + "2025-03-20T10 npm record.corrected - target=npm/inspection.conducted/r0001 field_name=ended_on new_value_public=2025-03-05\n",
            "2025-12-31",
            &["a medium open fac-a||is-1:a 2025-04-05"][..],
        ),
    ] {
        assert_eq!(found("INS-03", &log, as_of), want, "{log} {as_of}");
    }
}

#[test]
fn rec01_an_answer_is_owed_not_obedience() {
    let issued = |more: &str| {
        format!("2025-03-03T10 npm recommendation.issued rc-1 facility=fac-a addressee=adm-x advice=false {more}\n")
    };
    let answer =
        |day: &str, more: &str| format!("{day}T10 adm-x recommendation.answered - recommendation=npm/rc-1 {more}\n");
    for (log, as_of, want) in [
        (issued(""), "2025-05-02", &[][..]),
        (issued(""), "2025-05-03", &["a high open fac-a||rc-1 2025-05-03"][..]),
        (issued("").replace("advice=false", "advice=true"), "2025-12-31", &[][..]),
        (issued("response_due=2025-03-10"), "2025-03-11", &["a high open fac-a||rc-1 2025-03-11"][..]),
        (issued("") + &answer("2025-05-02", "position=rejected reasons_given=true"), "2025-12-31", &[][..]),
        (
            issued("") + &answer("2025-05-10", "position=accepted reasons_given=false"),
            "2025-12-31",
            &["a low late fac-a||rc-1 2025-05-03 2025-05-10"][..],
        ),
        (
            issued("") + &answer("2025-05-10", "position=accepted @at=2025-05-02"),
            "2025-12-31",
            &["a info late_recorded fac-a||rc-1 2025-05-03 2025-05-10"][..],
        ),
        (
            issued("") + &answer("2025-04-10", "position=rejected reasons_given=false"),
            "2025-12-31",
            &["b high open fac-a||rc-1 2025-04-10"][..],
        ),
        // Late and without reasons: one finding, open, high.
        (
            issued("") + &answer("2025-05-10", "position=rejected reasons_given=false"),
            "2025-12-31",
            &["a+b high open fac-a||rc-1 2025-05-03"][..],
        ),
        (
            issued("")
                + &answer("2025-04-10", "position=rejected reasons_given=false")
                + "2025-06-01T10 adm-x record.corrected - target=adm-x/recommendation.answered/r0002 field_name=reasons_given new_value_public=true\n",
            "2025-12-31",
            &["b high remedied fac-a||rc-1 2025-04-10 2025-06-01"][..],
        ),
    ] {
        assert_eq!(found("REC-01", &log, as_of), want, "{log} {as_of}");
    }
    // The clock stands still for a prison, not for the administration; the case may name the facility.
    let emergency = "2025-03-04T08 fac-a facility.status.changed - facility=fac-a status=emergency from=2025-03-03T23:00:00Z until=2025-03-13T22:59:59Z\n";
    assert_eq!(found("REC-01", &(issued("") + emergency), "2025-12-31"), ["a high open fac-a||rc-1 2025-05-03"]);
    let to_prison = issued("").replace("addressee=adm-x", "addressee=fac-a");
    assert_eq!(found("REC-01", &(to_prison + emergency), "2025-12-31"), ["a high open fac-a||rc-1 2025-05-13"]);
    let of_report = "2025-03-02T10 npm inspection.report.submitted rp-1 inspection=npm/is-1 facility=fac-b\n"
        .to_owned()
        + &issued("report=npm/rp-1").replace("facility=fac-a ", "");
    assert_eq!(found("REC-01", &of_report, "2025-12-31"), ["a high open fac-b||rc-1 2025-05-03"]);
}

#[test]
fn rec02_the_letter_and_the_answer() {
    let npm = inspection("2025-03-05", "is-1", "npm", "2025-03-01");
    let letter = |received: &str, issued: &str| {
        format!(
            "{received}T10 npm urgent.notification.issued un-1 inspection=npm/is-1 facility=fac-a issued_on={issued}\n"
        )
    };
    let answer = |received: &str, answered: &str| {
        format!(
            "{received}T10 min-j urgent.notification.answered - notification=npm/un-1 facility=fac-a answered_on={answered}\n"
        )
    };
    for (log, as_of, want) in [
        (letter("2025-03-08", "2025-03-08"), "2025-04-05", &[][..]),
        (
            letter("2025-03-09", "2025-03-09"),
            "2025-03-31",
            &["a critical late fac-a||un-1:a 2025-03-09 2025-03-09"][..],
        ),
        (
            letter("2025-03-09", "2025-03-08"),
            "2025-03-31",
            &["a info late_recorded fac-a||un-1:a 2025-03-09 2025-03-09"][..],
        ),
        (letter("2025-03-08", "2025-03-08"), "2025-04-06", &["b critical open fac-a||un-1:b 2025-04-06"][..]),
        (letter("2025-03-08", "2025-03-08") + &answer("2025-04-05", "2025-04-05"), "2025-12-31", &[][..]),
        (
            letter("2025-03-08", "2025-03-08") + &answer("2025-04-10", "2025-04-10"),
            "2025-12-31",
            &["b critical late fac-a||un-1:b 2025-04-06 2025-04-10"][..],
        ),
        (
            letter("2025-03-08", "2025-03-08") + &answer("2025-04-10", "2025-04-05"),
            "2025-12-31",
            &["b info late_recorded fac-a||un-1:b 2025-04-06 2025-04-10"][..],
        ),
    ] {
        assert_eq!(found("REC-02", &format!("{npm}{log}"), as_of), want, "{log} {as_of}");
    }
}
