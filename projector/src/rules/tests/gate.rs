use crate::small_log::{found, undetermined};

const AGREEMENT: &str = "2025-01-10T10 adm-x agreement.concluded ag-1 organisation=cso-a facilities=fac-a;fac-b access_regime=notice_only notice_hours=24 valid_from=2025-01-10\n";
const NOTICE: &str = "2025-03-01T09 cso-a visit.notice.given nt-1 agreement=adm-x/ag-1 facility=fac-a organisation=cso-a planned_at=2025-03-02T09:00:00Z\n";
const ATTEMPT: &str = "2025-03-02T12 cso-a visit.attempted at-1 notice_ref=cso-a/nt-1 facility=fac-a organisation=cso-a attempted_on=2025-03-02 arrived_at=2025-03-02T09:00:00Z outcome=turned_away\n";

#[test]
fn agr01_needs_an_agreement_in_force_and_a_notice_in_time() {
    let fires = ["high open fac-a|cso-a|at-1 2025-03-02"];
    let all = format!("{AGREEMENT}{NOTICE}{ATTEMPT}");
    assert_eq!(found("AGR-01", &all, "2025-03-02"), fires, "notice exactly 24 hours ahead");
    for (from, to, why) in [
        ("arrived_at=2025-03-02T09:00:00Z", "arrived_at=2025-03-02T08:59:59Z", "a second less than 24 hours"),
        ("planned_at=2025-03-02T09", "planned_at=2025-03-03T09", "planned for another day"),
        ("outcome=turned_away", "outcome=admitted", "admitted"),
        ("facilities=fac-a;fac-b", "facilities=fac-b", "not for this facility"),
        ("organisation=cso-a facilities", "organisation=cso-b facilities", "not theirs"),
        ("valid_from=2025-01-10", "valid_from=2025-03-03", "not yet valid"),
        ("valid_from=2025-01-10", "valid_from=2025-01-10 valid_to=2025-03-01", "no longer valid"),
        ("access_regime=notice_only", "access_regime=prior_authorisation", "another regime"),
    ] {
        assert!(all.contains(from), "{from}");
        assert!(found("AGR-01", &all.replacen(from, to, 1), "2025-03-02").is_empty(), "{why}");
    }
    // Unannounced access needs no notice; where the agreement names no hours, the profile does.
    let unannounced = format!("{AGREEMENT}{ATTEMPT}").replace("notice_only", "unannounced");
    assert_eq!(found("AGR-01", &unannounced, "2025-03-02"), fires);
    assert_eq!(found("AGR-01", &all.replace(" notice_hours=24", ""), "2025-03-02"), fires);
    // The last day counts.
    assert_eq!(
        found(
            "AGR-01",
            &all.replace("valid_from=2025-01-10", "valid_from=2025-01-10 valid_to=2025-03-02"),
            "2025-03-02"
        ),
        fires
    );
}

#[test]
fn agr01_reads_the_agreement_as_it_stood_on_the_day() {
    let act = |received: &str, kind: &str, more: &str| {
        format!("{received} adm-x agreement.{kind} - agreement=adm-x/ag-1 organisation=cso-a {more}\n")
    };
    for (acts, fires) in [
        (act("2025-02-01T10", "terminated", "effective_on=2025-03-02"), false),
        (act("2025-02-01T10", "terminated", "effective_on=2025-03-03"), true),
        (act("2025-02-01T10", "suspended", "effective_on=2025-02-10"), false),
        (act("2025-02-01T10", "suspended", "effective_on=2025-02-10 until=2025-03-02"), false),
        (act("2025-02-01T10", "suspended", "effective_on=2025-02-10 until=2025-03-01"), true),
        (
            act("2025-02-01T10", "suspended", "effective_on=2025-02-10")
                + &act("2025-02-20T10", "resumed", "effective_on=2025-03-02"),
            true,
        ),
        (
            act("2025-02-01T10", "suspended", "effective_on=2025-02-10")
                + &act("2025-02-20T10", "resumed", "effective_on=2025-03-03"),
            false,
        ),
        (
            act("2025-02-01T10", "resumed", "effective_on=2025-02-01")
                + &act("2025-02-02T10", "suspended", "effective_on=2025-02-10"),
            false,
        ),
        (
            act("2025-02-01T10", "amended", "facilities=fac-a access_regime=prior_authorisation valid_from=2025-02-01"),
            false,
        ),
        (act("2025-02-01T10", "amended", "facilities=fac-b access_regime=notice_only valid_from=2025-02-01"), false),
    ] {
        let got = found("AGR-01", &format!("{AGREEMENT}{acts}{NOTICE}{ATTEMPT}"), "2025-03-02");
        assert_eq!(got.len(), usize::from(fires), "{acts}");
    }
    // What was received after the day does not reach back.
    let later = act("2025-03-03T10", "terminated", "effective_on=2025-01-01");
    assert_eq!(found("AGR-01", &format!("{AGREEMENT}{NOTICE}{ATTEMPT}{later}"), "2025-03-31").len(), 1);
}

#[test]
fn agr01_is_silent_in_an_emergency_and_not_in_an_outage() {
    let status = "2025-03-01T08 fac-a facility.status.changed - facility=fac-a status=emergency from=2025-03-01T08:00:00Z until=2025-03-02T08:00:00Z\n";
    assert!(found("AGR-01", &format!("{AGREEMENT}{status}{NOTICE}{ATTEMPT}"), "2025-03-02").is_empty());
    let outage = "2025-03-01T08 fac-a outage.declared ou-1 facility=fac-a from=2025-03-01T08:00:00Z until=2025-03-02T08:00:00Z\n";
    assert_eq!(found("AGR-01", &format!("{AGREEMENT}{outage}{NOTICE}{ATTEMPT}"), "2025-03-02").len(), 1);
}

#[test]
fn agr01_a_cluster_raises_all_its_members() {
    let attempt = |id: &str, day: &str, facility: &str| {
        format!(
            "{day}T12 cso-a visit.attempted {id} facility={facility} organisation=cso-a attempted_on={day} arrived_at={day}T09:00:00Z outcome=turned_away\n"
        )
    };
    let agreement = AGREEMENT.replace("notice_only", "unannounced");
    let two =
        format!("{agreement}{}{}", attempt("at-1", "2025-03-02", "fac-a"), attempt("at-2", "2025-03-20", "fac-a"));
    let severities = |log: &str| {
        found("AGR-01", log, "2025-12-31").iter().map(|l| l.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(severities(&two), ["high", "high"]);
    assert_eq!(severities(&(two.clone() + &attempt("at-3", "2025-05-01", "fac-a"))), ["high"; 3], "one facility only");
    assert_eq!(severities(&(two.clone() + &attempt("at-3", "2025-05-01", "fac-b"))), ["critical"; 3], "60 days");
    assert_eq!(severities(&(two + &attempt("at-3", "2025-05-02", "fac-b"))), ["high"; 3], "61 days");
}

#[test]
fn agr01_on_day_grain_is_undetermined_where_the_day_does_not_decide() {
    let missing = ["at-1 visit.attempted.arrived_at;visit.notice.given.planned_at"];
    let public = |log: &str| {
        log.replace(" planned_at=2025-03-02T09:00:00Z", " @hide=planned_at")
            .replace(" arrived_at=2025-03-02T09:00:00Z", " @hide=arrived_at")
    };
    let log = format!("{AGREEMENT}{NOTICE}{ATTEMPT}");
    // 24 hours before the day begins it is in time for certain; on the day before, perhaps.
    let early = log.replace("2025-03-01T09 cso-a", "2025-02-28T22:59:59 cso-a");
    assert_eq!(found("AGR-01", &public(&early), "2025-03-02"), ["high open fac-a|cso-a|at-1 2025-03-02"]);
    assert!(found("AGR-01", &public(&log), "2025-03-02").is_empty());
    assert_eq!(undetermined("AGR-01", &public(&log), "2025-03-02"), missing);
    // Given on the day itself it is too late at every hour.
    let late = log.replace("2025-03-01T09 cso-a", "2025-03-01T23:00:00 cso-a");
    assert!(undetermined("AGR-01", &public(&late), "2025-03-02").is_empty());
    // Without a notice named, one that nobody may read may be the one.
    let unnamed = early.replace(" notice_ref=cso-a/nt-1", "");
    assert_eq!(undetermined("AGR-01", &public(&unnamed), "2025-03-02"), missing);
    assert!(
        undetermined("AGR-01", &public(&format!("{AGREEMENT}{ATTEMPT}")), "2025-03-02").is_empty(),
        "no notice at all"
    );
}

#[test]
fn what_an_erased_value_leaves_undecided_names_the_erasure() {
    let (planned, arrived) = (" planned_at=2025-03-02T09:00:00Z", " arrived_at=2025-03-02T09:00:00Z");
    let (field_planned, field_arrived) = ("visit.notice.given.planned_at", "visit.attempted.arrived_at");
    let log = format!("{AGREEMENT}{NOTICE}{ATTEMPT}");
    for (notice, attempt, says_planned, says_arrived) in [
        ("@hide=planned_at", "@hide=arrived_at", "", ""),
        ("@erase=planned_at:12", "@hide=arrived_at", " (erased by entry 12)", ""),
        ("@hide=planned_at", "@erase=arrived_at:7", "", " (erased by entry 7)"),
        ("@erase=planned_at:12", "@erase=arrived_at:7", " (erased by entry 12)", " (erased by entry 7)"),
    ] {
        let log = log.replace(planned, &format!(" {notice}")).replace(arrived, &format!(" {attempt}"));
        // Judged as a withheld value is: the same duty stays undetermined, and nothing is found.
        assert!(found("AGR-01", &log, "2025-03-02").is_empty(), "{notice} {attempt}");
        let missing = format!("at-1 {field_arrived}{says_arrived};{field_planned}{says_planned}");
        assert_eq!(undetermined("AGR-01", &log, "2025-03-02"), [missing], "{notice} {attempt}");
    }
}

const VISIT: &str = "2025-03-02T11 fac-a visit.completed vi-1 facility=fac-a organisation=cso-a visited_on=2025-03-02 entered_at=2025-03-02T07:00:00Z completion=normal\n";

#[test]
fn vis04_two_versions_of_one_hour() {
    let conflict = ["a high open fac-a|cso-a|vi-1 2025-03-02"];
    let log = format!("{VISIT}{ATTEMPT}");
    assert_eq!(found("VIS-04", &log, "2025-03-02"), conflict, "exactly two hours apart");
    for (from, to) in [
        ("entered_at=2025-03-02T07:00:00Z", "entered_at=2025-03-02T06:59:59Z"),
        ("entered_at=2025-03-02T07:00:00Z", "entered_at=2025-03-02T11:00:01Z"),
        ("completion=normal", "completion=entry_refused"),
        ("outcome=turned_away", "outcome=left"),
        ("vi-1 facility=fac-a", "vi-1 facility=fac-b"),
    ] {
        assert!(found("VIS-04", &log.replace(from, to), "2025-03-02").is_empty(), "{to}");
    }
    let settled =
        log.clone() + "2025-03-10T10 npm visit.dispute.resolved - dispute=cso-a/di-1 visit=fac-a/vi-1 outcome=mixed\n";
    assert_eq!(found("VIS-04", &settled, "2025-03-31"), ["a high remedied fac-a|cso-a|vi-1 2025-03-02 2025-03-10"]);
    // Without the instants the day says only that it may be so.
    let public = log.replace(" entered_at=2025-03-02T07:00:00Z", " @hide=entered_at");
    assert_eq!(
        undetermined("VIS-04", &public, "2025-03-02"),
        ["vi-1 visit.attempted.arrived_at;visit.completed.entered_at"]
    );
    assert!(
        undetermined("VIS-04", &public.replace("visited_on=2025-03-02", "visited_on=2025-02-28"), "2025-03-02")
            .is_empty()
    );
}

#[test]
fn vis04_a_dispute_is_settled_within_thirty_days() {
    let dispute = "2025-03-03T10 cso-a visit.disputed di-1 visit=fac-a/vi-1 facility=fac-a organisation=cso-a\n";
    let resolved = |day: &str, outcome: &str| {
        format!("{day}T10 npm visit.dispute.resolved - dispute=cso-a/di-1 visit=fac-a/vi-1 outcome={outcome}\n")
    };
    for (resolution, as_of, want) in [
        (String::new(), "2025-04-02", &[][..]),
        (String::new(), "2025-04-03", &["b high open fac-a|cso-a|vi-1 2025-04-03"][..]),
        (resolved("2025-04-02", "cso_version"), "2025-05-01", &[][..]),
        (
            resolved("2025-04-03", "cso_version"),
            "2025-05-01",
            &["b high late fac-a|cso-a|vi-1 2025-04-03 2025-04-03"][..],
        ),
        (resolved("2025-03-10", "unresolved"), "2025-05-01", &["b high open fac-a|cso-a|vi-1 2025-04-03"][..]),
        (
            resolved("2025-03-10", "unresolved") + &resolved("2025-04-20", "mixed"),
            "2025-05-01",
            &["b high late fac-a|cso-a|vi-1 2025-04-03 2025-04-20"][..],
        ),
    ] {
        assert_eq!(found("VIS-04", &format!("{VISIT}{dispute}{resolution}"), as_of), want, "{resolution} {as_of}");
    }
    // Both arms are one finding; open outweighs remedied, the earlier opening counts.
    let both = format!("{VISIT}{ATTEMPT}{dispute}");
    assert_eq!(found("VIS-04", &both, "2025-05-01"), ["a+b high open fac-a|cso-a|vi-1 2025-03-02"]);
    assert_eq!(
        found("VIS-04", &(both + &resolved("2025-04-20", "mixed")), "2025-05-01"),
        ["a+b high late fac-a|cso-a|vi-1 2025-03-02 2025-04-20"]
    );
}
