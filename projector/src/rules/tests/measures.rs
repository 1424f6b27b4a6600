use crate::small_log::{found, judged, undetermined};

const GOOD: &str = "2025-03-03T10 fac-a measure.imposed me-1 facility=fac-a scope=individual legal_basis=art.18 individual_assessment=true less_restrictive_considered=true gender_assessment=true age_assessment=true affects_cso_access=false review_on=2025-03-20\n";

#[test]
fn mea01_names_the_criterion() {
    for (from, to, want) in [
        ("", "", None),
        (" legal_basis=art.18", "", Some("legal_basis")),
        (" review_on=2025-03-20", "", Some("review_on")),
        ("less_restrictive_considered=true", "less_restrictive_considered=false", Some("less_restrictive_considered")),
        ("gender_assessment=true", "gender_assessment=false", Some("gender_assessment")),
        ("age_assessment=true", "age_assessment=false", Some("age_assessment")),
        ("individual_assessment=true", "individual_assessment=false", Some("individual_assessment")),
    ] {
        let evaluation = judged(&GOOD.replacen(from, to, 1), "2025-03-03");
        let details: Vec<_> =
            evaluation.findings.iter().filter(|f| f.rule == "MEA-01").map(|f| f.detail.as_str()).collect();
        assert_eq!(details, want.into_iter().collect::<Vec<_>>(), "{to}");
    }
    let unit = GOOD
        .replace("scope=individual", "scope=unit")
        .replace("individual_assessment=true", "individual_assessment=false");
    assert!(found("MEA-01", &unit, "2025-03-03").is_empty());
    let hidden = unit.replace("scope=unit", "@hide=scope");
    assert_eq!(undetermined("MEA-01", &hidden, "2025-03-03"), ["me-1 measure.imposed.scope"]);
    let erased = unit.replace("scope=unit", "@erase=scope:9");
    assert_eq!(undetermined("MEA-01", &erased, "2025-03-03"), ["me-1 measure.imposed.scope (erased by entry 9)"]);
    assert!(
        undetermined("MEA-01", &GOOD.replace("scope=individual", "@hide=scope"), "2025-03-03").is_empty(),
        "it does not matter"
    );
}

fn review(day: &str, more: &str) -> String {
    format!("{day}T10 fac-a measure.reviewed - measure=fac-a/me-1 facility=fac-a reviewed_on={day} {more}\n")
}

fn ended(day: &str) -> String {
    format!("{day}T10 fac-a measure.ended - measure=fac-a/me-1 facility=fac-a ended_on={day}\n")
}

#[test]
fn mea02_the_first_review() {
    for (measure, acts, as_of, want) in [
        (GOOD.to_owned(), String::new(), "2025-03-20", &[][..]),
        (GOOD.to_owned(), String::new(), "2025-03-21", &["a high open fac-a||me-1 2025-03-21"][..]),
        // Without a date of its own: thirty days.
        (
            GOOD.replace(" review_on=2025-03-20", ""),
            String::new(),
            "2025-12-31",
            &["a high open fac-a||me-1 2025-04-03"][..],
        ),
        (
            GOOD.to_owned(),
            review("2025-03-21", "outcome=kept"),
            "2025-03-31",
            &["a high late fac-a||me-1 2025-03-21 2025-03-21"][..],
        ),
        (
            GOOD.to_owned(),
            review("2025-03-21", "outcome=kept").replace("reviewed_on=2025-03-21", "reviewed_on=2025-03-20"),
            "2025-03-31",
            &["a info late_recorded fac-a||me-1 2025-03-21 2025-03-21"][..],
        ),
        // Ended by the due day, the duty lapses; ended later, the breach ends.
        (GOOD.to_owned(), ended("2025-03-20"), "2025-12-31", &[][..]),
        (GOOD.to_owned(), ended("2025-03-25"), "2025-12-31", &["a high late fac-a||me-1 2025-03-21 2025-03-25"][..]),
        (
            GOOD.to_owned(),
            ended("2025-03-25").replace("ended_on=2025-03-25", "ended_on=2025-03-20"),
            "2025-12-31",
            &["a info late_recorded fac-a||me-1 2025-03-21 2025-03-25"][..],
        ),
    ] {
        assert_eq!(found("MEA-02", &format!("{measure}{acts}"), as_of), want, "{acts} {as_of}");
    }
    // Guard F: a review date within an emergency moves behind it.
    let status = "2025-03-19T08 fac-a facility.status.changed - facility=fac-a status=emergency from=2025-03-19T08:00:00Z until=2025-03-24T22:59:59Z\n";
    assert!(found("MEA-02", &format!("{GOOD}{status}"), "2025-03-25").is_empty());
    assert_eq!(found("MEA-02", &format!("{GOOD}{status}"), "2025-03-26"), ["a high open fac-a||me-1 2025-03-26"]);
}

#[test]
fn mea02_each_next_review() {
    let first = review("2025-03-20", "outcome=kept next_review_on=2025-04-10");
    for (acts, as_of, want) in [
        (first.clone(), "2025-04-10", &[][..]),
        (first.clone(), "2025-04-11", &["b high open fac-a||me-1 2025-04-11"][..]),
        // The longest time between reviews counts where the date named is later, or none is.
        (
            review("2025-03-20", "outcome=kept next_review_on=2025-06-01"),
            "2025-12-31",
            &["b high open fac-a||me-1 2025-04-20"][..],
        ),
        (review("2025-03-20", "outcome=kept"), "2025-12-31", &["b high open fac-a||me-1 2025-04-20"][..]),
        // In time, and again in time, then ended.
        (first.clone() + &review("2025-04-10", "outcome=kept") + &ended("2025-05-10"), "2025-12-31", &[][..]),
        // One late link of the chain, then a second that is open: one finding.
        (
            first.clone() + &review("2025-04-15", "outcome=kept"),
            "2025-04-30",
            &["b high late fac-a||me-1 2025-04-11 2025-04-15"][..],
        ),
        (
            first.clone() + &review("2025-04-15", "outcome=kept"),
            "2025-06-30",
            &["b high open fac-a||me-1 2025-04-11"][..],
        ),
        // A review that ends it ends all duties.
        (first.clone() + &review("2025-04-10", "outcome=ended"), "2025-12-31", &[][..]),
        // Late first review and late second one: both arms.
        (
            review("2025-03-25", "outcome=kept next_review_on=2025-03-28") + &ended("2025-04-01"),
            "2025-12-31",
            &["a+b high late fac-a||me-1 2025-03-21 2025-04-01"][..],
        ),
    ] {
        assert_eq!(found("MEA-02", &format!("{GOOD}{acts}"), as_of), want, "{acts} {as_of}");
    }
}

#[test]
fn mea02_outlived() {
    let measure = GOOD.trim().to_owned() + " ends_max=2025-03-31\n";
    let kept = |day: &str, more: &str| review(day, &format!("outcome=extended next_review_on=2025-12-31 {more}"));
    let only_c = |acts: &str, as_of: &str| {
        let all = found("MEA-02", &format!("{measure}{acts}"), as_of);
        all.into_iter().filter(|l| l.starts_with('c')).collect::<Vec<_>>()
    };
    assert!(only_c(&kept("2025-03-15", ""), "2025-03-31").is_empty());
    assert_eq!(only_c(&kept("2025-03-15", ""), "2025-04-01"), ["c high open fac-a||me-1 2025-04-01"]);
    // A review by the last day moves it; one after it does not.
    assert!(only_c(&kept("2025-03-15", "new_ends_max=2025-04-10"), "2025-04-10").is_empty());
    assert_eq!(
        only_c(&kept("2025-03-15", "new_ends_max=2025-04-10"), "2025-04-11"),
        ["c high open fac-a||me-1 2025-04-11"]
    );
    let late = kept("2025-03-20", "") + &kept("2025-04-01", "new_ends_max=2025-04-18");
    assert_eq!(only_c(&late, "2025-04-05"), ["c high open fac-a||me-1 2025-04-01"]);
    // None given, none due; one given later by a review counts.
    assert!(found("MEA-02", &(GOOD.to_owned() + &kept("2025-03-20", "")), "2025-04-19").is_empty());
    assert_eq!(
        found("MEA-02", &(GOOD.to_owned() + &kept("2025-03-20", "new_ends_max=2025-04-01")), "2025-04-02"),
        ["c high open fac-a||me-1 2025-04-02"]
    );
    // Ended late, and ended in time but recorded late.
    assert_eq!(
        only_c(&(kept("2025-03-15", "") + &ended("2025-04-05")), "2025-04-10"),
        ["c high late fac-a||me-1 2025-04-01 2025-04-05"]
    );
    let recorded = ended("2025-04-05").replace("ended_on=2025-04-05", "ended_on=2025-03-31");
    assert_eq!(
        only_c(&(kept("2025-03-15", "") + &recorded), "2025-04-10"),
        ["c info late_recorded fac-a||me-1 2025-04-01 2025-04-05"]
    );
    // A correction of the last day before it moves it; after it, it does not.
    let correct = |day: &str| {
        format!(
            "{day}T10 fac-a record.corrected - target=fac-a/measure.imposed/r0001 field_name=ends_max new_value_public=2025-04-15\n"
        )
    };
    assert!(only_c(&(kept("2025-03-15", "") + &correct("2025-03-31")), "2025-04-12").is_empty());
    assert_eq!(
        only_c(&(kept("2025-03-15", "") + &correct("2025-04-01")), "2025-04-12"),
        ["c high open fac-a||me-1 2025-04-01"]
    );
    // Guard F does not apply to the last day.
    let status = "2025-03-31T08 fac-a facility.status.changed - facility=fac-a status=emergency from=2025-03-31T08:00:00Z until=2025-04-20T08:00:00Z\n";
    assert_eq!(only_c(&(kept("2025-03-15", "") + status), "2025-04-01"), ["c high open fac-a||me-1 2025-04-01"]);
}

#[test]
fn mea02_what_keeps_civil_society_out_is_approved() {
    let measure = GOOD
        .replace("affects_cso_access=false", "affects_cso_access=true")
        .replace("scope=individual", "scope=unit")
        .replace("review_on=2025-03-20", "review_on=2025-12-31");
    let approved = |day: &str, until: &str| {
        format!("{day}T10 adm-x measure.approved - measure=fac-a/me-1 facility=fac-a approved_until={until}\n")
    };
    for (measure, acts, as_of, want) in [
        (measure.clone(), String::new(), "2025-04-02", &[][..]),
        (measure.clone(), String::new(), "2025-04-03", &["d high open fac-a||me-1 2025-04-03"][..]),
        (measure.replace("scope=unit", "scope=individual"), String::new(), "2025-04-03", &[][..]),
        (measure.replace("access=true", "access=false"), String::new(), "2025-04-03", &[][..]),
        (measure.clone(), approved("2025-04-02", "2025-05-01"), "2025-05-01", &[][..]),
        (
            measure.clone(),
            approved("2025-04-02", "2025-05-01"),
            "2025-05-02",
            &["d high open fac-a||me-1 2025-05-02"][..],
        ),
        (
            measure.clone(),
            approved("2025-04-02", "2025-05-01") + &approved("2025-05-01", "2025-06-01"),
            "2025-06-01",
            &[][..],
        ),
        (
            measure.clone(),
            approved("2025-04-10", "2025-05-01"),
            "2025-05-01",
            &["d high late fac-a||me-1 2025-04-03 2025-04-10"][..],
        ),
        (measure.clone(), approved("2025-04-02", "2025-05-01") + &ended("2025-05-01"), "2025-12-31", &[][..]),
    ] {
        assert_eq!(found("MEA-02", &format!("{measure}{acts}"), as_of), want, "{acts} {as_of}");
    }
    assert_eq!(
        undetermined("MEA-02", &measure.replace("scope=unit", "@hide=scope"), "2025-03-03"),
        ["me-1 measure.imposed.scope"]
    );
    assert_eq!(
        undetermined("MEA-02", &measure.replace("scope=unit", "@erase=scope:9"), "2025-03-03"),
        ["me-1 measure.imposed.scope (erased by entry 9)"]
    );
}
