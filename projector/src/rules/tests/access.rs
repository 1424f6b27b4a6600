use crate::small_log::{found, judged};

/// A request on Monday 2025-03-03; three working days end on Thursday, twenty days on 2025-03-23.
const REQUEST: &str = "2025-03-03T10 cso-a access.request.submitted rq-1 facility=fac-a organisation=cso-a";

fn with(lines: &str) -> String {
    format!("{REQUEST}\n{lines}")
}

#[test]
fn acc01_an_answer_on_the_due_day_is_in_time() {
    for (answer, as_of, want) in [
        ("", "2025-03-06", &[][..]),
        ("", "2025-03-07", &["medium open fac-a|cso-a|rq-1 2025-03-07"][..]),
        // The last second of the due day, local time.
        ("2025-03-06T22:59:59 fac-a access.request.acknowledged - request=cso-a/rq-1", "2025-03-07", &[][..]),
        (
            "2025-03-06T23:00:00 fac-a access.request.acknowledged - request=cso-a/rq-1 @at=2025-03-07",
            "2025-03-07",
            &["medium late fac-a|cso-a|rq-1 2025-03-07 2025-03-07"][..],
        ),
        // Received late, claimed in time: recorded late, no breach.
        (
            "2025-03-10T10 fac-a access.request.acknowledged - request=cso-a/rq-1 @at=2025-03-06",
            "2025-03-10",
            &["info late_recorded fac-a|cso-a|rq-1 2025-03-07 2025-03-10"][..],
        ),
        (
            "2025-03-10T10 fac-a access.request.acknowledged - request=cso-a/rq-1 @at=2025-03-07",
            "2025-03-10",
            &["medium late fac-a|cso-a|rq-1 2025-03-07 2025-03-10"][..],
        ),
        // Before the late answer came the breach was open.
        (
            "2025-03-10T10 fac-a access.request.acknowledged - request=cso-a/rq-1",
            "2025-03-09",
            &["medium open fac-a|cso-a|rq-1 2025-03-07"][..],
        ),
        // A decision, a clarification, a withdrawal show receipt; another prison's answer does not.
        ("2025-03-05T10 adm-x access.request.approved ap-1 request=cso-a/rq-1", "2025-03-10", &[][..]),
        ("2025-03-05T10 fac-a access.request.denied dn-1 request=cso-a/rq-1", "2025-03-10", &[][..]),
        ("2025-03-05T10 adm-x access.clarification.requested cl-1 request=cso-a/rq-1", "2025-03-10", &[][..]),
        ("2025-03-05T10 cso-a access.request.withdrawn - request=cso-a/rq-1", "2025-03-10", &[][..]),
        (
            "2025-03-05T10 fac-b access.request.acknowledged - request=cso-a/rq-1",
            "2025-03-10",
            &["medium open fac-a|cso-a|rq-1 2025-03-07"][..],
        ),
        (
            "2025-03-05T10 fac-a access.request.acknowledged - request=cso-a/rq-2",
            "2025-03-10",
            &["medium open fac-a|cso-a|rq-1 2025-03-07"][..],
        ),
    ] {
        assert_eq!(found("ACC-01", &with(answer), as_of), want, "{answer} {as_of}");
    }
}

#[test]
fn acc01_stops_for_emergency_and_outage() {
    for (lines, as_of, want) in [
        // Wednesday and Thursday stopped: Tuesday 1, Friday 2, Monday 3.
        (
            "2025-03-05T08 fac-a facility.status.changed - facility=fac-a status=emergency from=2025-03-04T23:00:00Z until=2025-03-06T22:59:59Z",
            "2025-03-11",
            "medium open fac-a|cso-a|rq-1 2025-03-11",
        ),
        // Partial stops nothing; another facility's emergency neither.
        (
            "2025-03-05T08 fac-a facility.status.changed - facility=fac-a status=partial from=2025-03-04T23:00:00Z until=2025-03-06T22:59:59Z",
            "2025-03-11",
            "medium open fac-a|cso-a|rq-1 2025-03-07",
        ),
        (
            "2025-03-05T08 fac-b facility.status.changed - facility=fac-b status=closed from=2025-03-04T23:00:00Z until=2025-03-06T22:59:59Z",
            "2025-03-11",
            "medium open fac-a|cso-a|rq-1 2025-03-07",
        ),
        // Declared on Friday noon, back-dated to Tuesday: it reaches back 48 hours, to Wednesday noon local.
        (
            "2025-03-07T11 fac-a facility.status.changed - facility=fac-a status=emergency from=2025-03-03T23:00:00Z until=2025-03-07T22:59:59Z",
            "2025-03-12",
            "medium open fac-a|cso-a|rq-1 2025-03-12",
        ),
        // The next status ends one without `until`; the day on which it opens again at noon is still touched.
        (
            "2025-03-04T23 fac-a facility.status.changed - facility=fac-a status=closed from=2025-03-04T23:00:00Z
          2025-03-06T11 fac-a facility.status.changed - facility=fac-a status=open from=2025-03-06T11:00:00Z",
            "2025-03-12",
            "medium open fac-a|cso-a|rq-1 2025-03-11",
        ),
        // At midnight it is not.
        (
            "2025-03-04T23 fac-a facility.status.changed - facility=fac-a status=closed from=2025-03-04T23:00:00Z
          2025-03-06T11 fac-a facility.status.changed - facility=fac-a status=open from=2025-03-05T23:00:00Z",
            "2025-03-12",
            "medium open fac-a|cso-a|rq-1 2025-03-08",
        ),
        // An outage on Tuesday, with 48 hours of grace: Tuesday to Thursday stopped.
        (
            "2025-03-04T08 fac-a outage.declared ou-1 facility=fac-a from=2025-03-03T23:00:00Z until=2025-03-04T22:59:59Z",
            "2025-03-12",
            "medium open fac-a|cso-a|rq-1 2025-03-12",
        ),
        // Declared 48 hours after its end: honoured. A second later: not.
        (
            "2025-03-06T22:59:59 fac-a outage.declared ou-1 facility=fac-a from=2025-03-03T23:00:00Z until=2025-03-04T22:59:59Z",
            "2025-03-12",
            "medium open fac-a|cso-a|rq-1 2025-03-12",
        ),
        (
            "2025-03-06T23:00:00 fac-a outage.declared ou-1 facility=fac-a from=2025-03-03T23:00:00Z until=2025-03-04T22:59:59Z",
            "2025-03-12",
            "medium open fac-a|cso-a|rq-1 2025-03-07",
        ),
        // Ended by its own record.
        (
            "2025-03-04T08 fac-a outage.declared ou-1 facility=fac-a from=2025-03-03T23:00:00Z
          2025-03-05T08 fac-a outage.ended - outage=fac-a/ou-1 facility=fac-a ended_at=2025-03-04T22:59:59Z",
            "2025-03-12",
            "medium open fac-a|cso-a|rq-1 2025-03-12",
        ),
    ] {
        assert_eq!(found("ACC-01", &with(lines), as_of), [want], "{lines}");
    }
    // While it lasts nothing falls due.
    let closed =
        with("2025-03-04T08 fac-a facility.status.changed - facility=fac-a status=closed from=2025-03-04T08:00:00Z");
    assert!(found("ACC-01", &closed, "2026-03-01").is_empty());
    let outage = with("2025-03-04T08 fac-a outage.declared ou-1 facility=fac-a from=2025-03-04T08:00:00Z");
    assert!(found("ACC-01", &outage, "2025-06-01").is_empty());
}

#[test]
fn a_late_but_valid_declaration_takes_a_finding_away() {
    let lines = with(
        "2025-03-07T08 fac-a outage.declared ou-1 facility=fac-a from=2025-03-04T08:00:00Z until=2025-03-06T08:00:00Z",
    );
    assert!(found("ACC-01", &lines, "2025-03-07").is_empty());
    assert_eq!(found("ACC-01", REQUEST, "2025-03-07").len(), 1, "without it the finding was there");
}

#[test]
fn acc02_days_waiting_for_a_clarification_do_not_count() {
    let ask = |day: &str, id: &str, tolls: &str| {
        format!("2025-03-{day}T10 fac-a access.clarification.requested {id} request=cso-a/rq-1 tolls={tolls}\n")
    };
    let supply = |day: &str, id: &str| {
        format!("2025-03-{day}T10 cso-a access.clarification.supplied - request=cso-a/rq-1 clarification=fac-a/{id}\n")
    };
    for (lines, want) in [
        (String::new(), "2025-03-24"),
        // Nine days.
        (ask("05", "cl-1", "true") + &supply("14", "cl-1"), "2025-04-02"),
        // The same without tolls.
        (ask("05", "cl-1", "false") + &supply("14", "cl-1"), "2025-03-24"),
        // Supplied on the same day: none.
        (ask("05", "cl-1", "true") + &supply("05", "cl-1"), "2025-03-24"),
        // Never supplied: no more than 14 days in all.
        (ask("05", "cl-1", "true"), "2025-04-07"),
        // Two that overlap count each date once: the 6th to the 10th.
        (
            ask("05", "cl-1", "true") + &ask("06", "cl-2", "true") + &supply("08", "cl-1") + &supply("10", "cl-2"),
            "2025-03-29",
        ),
        // Only the first two that toll; one that does not toll takes no place.
        (
            ask("04", "cl-0", "false")
                + &ask("05", "cl-1", "true")
                + &supply("06", "cl-1")
                + &ask("07", "cl-2", "true")
                + &supply("08", "cl-2")
                + &ask("09", "cl-3", "true")
                + &supply("19", "cl-3"),
            "2025-03-26",
        ),
        // Asked on the due day: too late to move it.
        (ask("23", "cl-1", "true"), "2025-03-24"),
        // Asked the day before: the due day itself is stopped.
        (ask("22", "cl-1", "true") + &supply("24", "cl-1"), "2025-03-26"),
    ] {
        let want = format!("high open fac-a|cso-a|rq-1 {want}");
        assert_eq!(found("ACC-02", &with(&lines), "2025-06-01"), [want], "{lines}");
    }
}

#[test]
fn acc02_a_correction_of_tolls_moves_the_due_day_only_before_it() {
    let asked = "2025-03-05T10 fac-a access.clarification.requested cl-1 request=cso-a/rq-1 tolls=true
        2025-03-14T10 cso-a access.clarification.supplied - request=cso-a/rq-1 clarification=fac-a/cl-1\n";
    for (correction, want) in [
        // Nine days tolled: due on 2025-04-01. Without them it would have been 2025-03-23.
        (
            "2025-03-20T10 fac-a record.corrected - target=fac-a/access.clarification.requested/r0002 field_name=tolls new_value_public=false",
            "2025-03-24",
        ),
        // Later than that day: never before the correction itself.
        (
            "2025-03-28T10 fac-a record.corrected - target=fac-a/access.clarification.requested/r0002 field_name=tolls new_value_public=false",
            "2025-03-29",
        ),
        // On the due day: still. After it: no more.
        (
            "2025-04-01T10 fac-a record.corrected - target=fac-a/access.clarification.requested/r0002 field_name=tolls new_value_public=false",
            "2025-04-02",
        ),
        (
            "2025-04-02T10 fac-a record.corrected - target=fac-a/access.clarification.requested/r0002 field_name=tolls new_value_public=false",
            "2025-04-02",
        ),
    ] {
        let want = format!("high open fac-a|cso-a|rq-1 {want}");
        assert_eq!(found("ACC-02", &with(&format!("{asked}{correction}")), "2025-06-01"), [want], "{correction}");
    }
}

#[test]
fn acc02_ends_by_decision_or_withdrawal() {
    for (answer, want) in [
        ("2025-03-23T10 fac-a access.request.denied dn-1 request=cso-a/rq-1", &[][..]),
        (
            "2025-03-24T10 fac-a access.request.denied dn-1 request=cso-a/rq-1",
            &["high late fac-a|cso-a|rq-1 2025-03-24 2025-03-24"][..],
        ),
        (
            "2025-03-24T10 fac-a access.request.approved ap-1 request=cso-a/rq-1 @at=2025-03-23",
            &["info late_recorded fac-a|cso-a|rq-1 2025-03-24 2025-03-24"][..],
        ),
        (
            "2025-03-24T10 cso-a access.request.withdrawn - request=cso-a/rq-1",
            &["high late fac-a|cso-a|rq-1 2025-03-24 2025-03-24"][..],
        ),
        ("2025-03-20T10 cso-a access.request.withdrawn - request=cso-a/rq-1", &[][..]),
        (
            "2025-03-20T10 fac-a access.request.acknowledged - request=cso-a/rq-1",
            &["high open fac-a|cso-a|rq-1 2025-03-24"][..],
        ),
    ] {
        assert_eq!(found("ACC-02", &with(answer), "2025-03-31"), want, "{answer}");
    }
}

#[test]
fn acc03_names_what_is_missing() {
    let good = [
        ("reason", "capacity"),
        ("legal_basis", "art.18"),
        ("individual_assessment", "true"),
        ("valid_until", "2025-04-01"),
        ("appeal_body", "ombud"),
        ("justification_given", "true"),
    ];
    let denial = |changes: &[(&str, &str)]| {
        let fields =
            good.iter().map(|(name, value)| changes.iter().find(|(n, _)| n == name).copied().unwrap_or((name, value)));
        let fields = fields.chain(changes.iter().copied().filter(|(n, _)| good.iter().all(|(g, _)| g != n)));
        let fields: Vec<String> = fields.filter(|(_, v)| !v.is_empty()).map(|(n, v)| format!("{n}={v}")).collect();
        let fields = fields.join(" ");
        format!(
            "2025-03-05T10 fac-a access.request.denied dn-1 request=cso-a/rq-1 facility=fac-a organisation=cso-a {fields}"
        )
    };
    for (changes, want) in [
        (&[][..], None),
        (&[("legal_basis", "")][..], Some("legal_basis")),
        (&[("individual_assessment", "false")][..], Some("individual_assessment")),
        (&[("valid_until", "")][..], Some("valid_until/review_on")),
        (&[("valid_until", ""), ("review_on", "2025-04-01")][..], None),
        (&[("appeal_body", "")][..], Some("appeal_body")),
        (&[("reason", "other")][..], None),
        (&[("reason", "other"), ("justification_given", "false")][..], Some("justification_given")),
        (&[("justification_given", "false")][..], None),
        (&[("legal_basis", ""), ("appeal_body", "")][..], Some("legal_basis, appeal_body")),
    ] {
        let evaluation = judged(&with(&denial(changes)), "2025-03-06");
        let details: Vec<_> =
            evaluation.findings.iter().filter(|f| f.rule == "ACC-03").map(|f| f.detail.as_str()).collect();
        assert_eq!(details, want.into_iter().collect::<Vec<_>>(), "{changes:?}");
    }
    // Bans and suspensions too; a ban may concern no facility.
    let ban = "2025-03-05T10 adm-x access.ban.imposed bn-1 organisation=cso-a reason=capacity";
    assert_eq!(found("ACC-03", ban, "2025-03-06"), ["high open |cso-a|bn-1 2025-03-05"]);
}
