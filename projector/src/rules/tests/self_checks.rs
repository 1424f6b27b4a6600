use crate::small_log::{found, judged_with, line};

fn visits(n: usize, received: &str, at: &str) -> String {
    let visit = |i| {
        format!(
            "{received}T10:{i:02} fac-a visit.completed v{received}-{i} facility=fac-a organisation=cso-a visited_on={at} @at={at}"
        )
    };
    (0..n).map(visit).collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn v01_too_many_late_records_in_a_month() {
    for (late, on_time, as_of, want) in [
        // More than a fifth of at least ten; exactly a fifth is not more.
        (3, 10, "2025-03-31", &["a high open fac-a||2025-03 2025-03-31"][..]),
        (3, 10, "2025-03-30", &[][..]),
        (2, 8, "2025-03-31", &[][..]),
        (3, 8, "2025-03-31", &["a high open fac-a||2025-03 2025-03-31"][..]),
        (9, 0, "2025-03-31", &[][..]),
    ] {
        // Eight days is late, seven is not.
        let log = visits(late, "2025-03-20", "2025-03-12") + &visits(on_time, "2025-03-21", "2025-03-14");
        assert_eq!(found("V-01", &log, as_of), want, "{late} {on_time} {as_of}");
    }
}

#[test]
fn v01_many_old_records_at_a_sitting() {
    let old = |n, day: &str| visits(n, day, "2025-01-05");
    let b =
        |log: &str, as_of: &str| found("V-01", log, as_of).into_iter().filter(|l| l.contains('b')).collect::<Vec<_>>();
    assert!(b(&old(19, "2025-03-03"), "2025-03-03").is_empty());
    assert_eq!(found("V-01", &old(20, "2025-03-03"), "2025-03-03"), ["b high open fac-a||2025-03 2025-03-03"]);
    // At the end of the month both arms are one finding, opened by the earlier.
    assert_eq!(found("V-01", &old(20, "2025-03-03"), "2025-03-31"), ["a+b high open fac-a||2025-03 2025-03-03"]);
    // Thirty days are not more than thirty.
    assert!(b(&visits(20, "2025-03-03", "2025-02-01"), "2025-03-03").is_empty());
    // Spread over more than a day.
    assert!(b(&(old(10, "2025-03-03") + &old(10, "2025-03-05")), "2025-03-10").is_empty());
    // Over midnight of a month's end: that of the month in which the twentieth came, and once.
    let night = old(15, "2025-03-31").replace("2025-03-31T10", "2025-03-31T20") + &old(10, "2025-04-01");
    assert_eq!(b(&night, "2025-04-10").iter().filter(|l| l.contains("2025-04 ")).count(), 1);
    let over = old(25, "2025-03-31").replace("2025-03-31T10", "2025-03-31T20") + &old(10, "2025-04-01");
    assert_eq!(b(&over, "2025-04-10").len(), 1, "the first month's");
    let again = old(25, "2025-03-31").replace("2025-03-31T10", "2025-03-31T20") + &old(20, "2025-04-01");
    assert_eq!(b(&again, "2025-04-10").len(), 2, "the new month alone completes the number");
}

#[test]
fn v01_leaves_out_outages_ledger_matters_and_other_authors() {
    let log = visits(20, "2025-03-03", "2025-01-05");
    // A declared outage and its 48 hours of grace; declared in time.
    let outage = |until: &str| {
        format!("2025-01-04T08 fac-a outage.declared ou-1 facility=fac-a from=2025-01-02T08:00:00Z until={until}\n")
    };
    assert!(found("V-01", &(outage("2025-01-03T08:00:00Z") + &log), "2025-03-31").is_empty());
    assert_eq!(found("V-01", &(outage("2025-01-02T09:00:00Z") + &log), "2025-03-31").len(), 1, "over before that day");
    assert_eq!(
        found(
            "V-01",
            &(outage("2025-01-03T08:00:00Z").replace("facility=fac-a", "facility=fac-b") + &log),
            "2025-03-31"
        )
        .len(),
        1
    );
    // By the administration: not a facility's habit.
    assert!(found("V-01", &log.replace(" fac-a visit", " adm-x visit"), "2025-03-31").is_empty());
    // Retracted ones count: a retraction does not undo a late recording.
    let retracted = log.clone() + "2025-03-04T08 fac-a record.retracted - target=fac-a/visit.completed/r0001\n";
    assert_eq!(found("V-01", &retracted, "2025-03-31"), found("V-01", &log, "2025-03-31"));
    // Numbers are the profile's.
    let strict =
        judged_with(&[("backfill_min", "21"), ("late_share", "0.9999"), ("late_min_events", "21")], &log, "2025-03-31");
    assert!(strict.findings.is_empty(), "{:?}", strict.findings.iter().map(line).collect::<Vec<_>>());
}

#[test]
fn v03_two_people_of_the_right_institution() {
    let denial = |more: &str| {
        format!("2025-03-03T10 fac-a access.request.denied dn-1 facility=fac-a organisation=cso-a {more}\n")
    };
    let agreement = |more: &str| {
        format!("2025-03-03T10 adm-x agreement.concluded ag-1 organisation=cso-a facilities=fac-a {more}\n")
    };
    let key = |more: &str| {
        format!(
            "2025-01-02T10 op-l key.enrolled key-1 organisation=op-l holder=one role=operator\n2025-03-03T10 cso-a key.enrolled key-2 organisation=cso-a holder=one role=cso {more}\n"
        )
    };
    let erasure =
        |more: &str| format!("2025-03-03T10 op-l erasure.executed - targets=fac-a/visit.completed/r1 {more}\n");
    for (log, subject) in [
        (denial(""), None),
        (denial("@cosigner="), Some("fac-a/access.request.denied/r0001")),
        (denial("@cosigner=fac-a:one"), Some("fac-a/access.request.denied/r0001")),
        (denial("@cosigner=fac-b:two"), Some("fac-a/access.request.denied/r0001")),
        // The same name in another institution is another holder, but not of the right one.
        (denial("@cosigner=adm-x:one"), Some("fac-a/access.request.denied/r0001")),
        (agreement("@cosigner=cso-a:two"), None),
        (agreement(""), Some("adm-x/agreement.concluded/r0001")),
        (key("@cosigner=op-l:two"), None),
        (key("@cosigner=cso-a:two"), Some("cso-a/key.enrolled/r0002")),
        (key("@cosigner=nobody:two"), Some("cso-a/key.enrolled/r0002")),
        (erasure("@cosigner=npm:two"), None),
        (erasure("@cosigner=op-l:two"), None), // judged by V-07
        (erasure("@cosigner=op-l:one"), Some("op-l/erasure.executed/r0001")),
    ] {
        let want: Vec<String> = subject.map(|s| format!("critical open ||{s} 2025-03-03")).into_iter().collect();
        assert_eq!(found("V-03", &log, "2025-03-31"), want, "{log}");
    }
    // A retraction takes nothing away from a self-check.
    let retracted =
        denial("@cosigner=") + "2025-03-04T08 fac-a record.retracted - target=fac-a/access.request.denied/r0001\n";
    assert_eq!(found("V-03", &retracted, "2025-03-31").len(), 1);
}
