use super::*;
use crate::small_log::folded;

/// The rows of one measure in one period as `[<facility> ][<key> ]<value>[ <numerator>/<denominator>]`; n of a median as `/n`.
fn rows(measure: &str, period: &str, text: &str, as_of: &str) -> Vec<String> {
    let (views, profiles, as_of) = folded(&[], text, as_of);
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    let line = |r: &Row| {
        let of = if r.denominator.is_some() {
            format!("{}/{}", number(r.numerator), number(r.denominator))
        } else {
            String::new()
        };
        let words = [r.facility.clone(), r.key.clone(), r.value.to_string(), of];
        words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
    };
    let all = evaluate(&views, &profiles, as_of).unwrap();
    all.iter().filter(|r| r.measure == measure && r.period == period).map(line).collect()
}

const FACILITIES: &str = "
    2025-01-02T08 adm-x facility.registered - facility=fac-a opened_on=1990-01-01
    2025-01-02T09 adm-x facility.registered - facility=fac-b opened_on=1990-01-01\n";

fn request(day: &str, id: &str) -> String {
    format!("{day}T10 cso-a access.request.submitted {id} facility=fac-a organisation=cso-a purpose=legal\n")
}

fn act(day: &str, kind: &str, id: &str, more: &str) -> String {
    let by = if kind == "withdrawn" { "cso-a" } else { "fac-a" };
    let own = if ["approved", "denied"].contains(&kind) { format!("d-{id}") } else { "-".to_owned() };
    format!("{day}T10 {by} access.request.{kind} {own} request=cso-a/{id} facility=fac-a organisation=cso-a {more}\n")
}

#[test]
fn the_table_is_whole() {
    let text = include_str!("../../rules/RULES.md");
    for measure in MEASURES {
        assert!(![measure.title, measure.definition, measure.unit].contains(&""), "{}: say what it is", measure.id);
        assert!(
            text.contains(&format!("| {}", measure.id)) || text.contains(&format!(", {}", measure.id)),
            "{}",
            measure.id
        );
    }
    let mut ids: Vec<_> = MEASURES.iter().map(|m| m.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), MEASURES.len(), "a measure stands twice");
}

#[test]
fn a_count_of_nothing_is_written_and_a_rate_of_nothing_is_not() {
    assert_eq!(rows("T1", "2025-Q1", FACILITIES, "2025-03-31"), ["0", "fac-a 0", "fac-b 0"]);
    assert!(rows("T2", "2025-Q1", FACILITIES, "2025-03-31").is_empty());
    // A quarter is listed when it is over.
    assert!(rows("T1", "2025-Q1", FACILITIES, "2025-03-30").is_empty());
    let one = FACILITIES.to_owned() + &request("2025-03-03", "rq-1");
    assert_eq!(rows("T1", "2025-Q1", &one, "2025-03-31"), ["1", "legal 1", "fac-a 1", "fac-a legal 1", "fac-b 0"]);
}

#[test]
fn in_time_means_neither_open_nor_late() {
    for (acts, acknowledged, decided) in [
        // Open: counted against.
        (String::new(), &["0.0 0/1", "fac-a 0.0 0/1"][..], &["0.0 0/1", "fac-a 0.0 0/1"][..]),
        (
            act("2025-03-06", "acknowledged", "rq-1", "") + &act("2025-03-23", "approved", "rq-1", ""),
            &["100.0 1/1", "fac-a 100.0 1/1"][..],
            &["100.0 1/1", "fac-a 100.0 1/1"][..],
        ),
        // Recorded late is in time; late is not.
        (
            act("2025-03-10", "acknowledged", "rq-1", "@at=2025-03-06") + &act("2025-03-24", "denied", "rq-1", ""),
            &["100.0 1/1", "fac-a 100.0 1/1"][..],
            &["0.0 0/1", "fac-a 0.0 0/1"][..],
        ),
        // Withdrawn before any answer and without a finding: left out. After a finding: counted.
        (act("2025-03-05", "withdrawn", "rq-1", ""), &[][..], &[][..]),
        (act("2025-03-10", "withdrawn", "rq-1", ""), &["0.0 0/1", "fac-a 0.0 0/1"][..], &[][..]),
        (
            act("2025-03-05", "acknowledged", "rq-1", "") + &act("2025-03-10", "withdrawn", "rq-1", ""),
            &["100.0 1/1", "fac-a 100.0 1/1"][..],
            &[][..],
        ),
    ] {
        let text = FACILITIES.to_owned() + &request("2025-03-03", "rq-1") + &acts;
        assert_eq!(rows("T2", "2025-Q1", &text, "2025-03-31"), acknowledged, "T2 {acts}");
        assert_eq!(rows("T3", "2025-Q1", &text, "2025-03-31"), decided, "T3 {acts}");
    }
    // Not due yet and not answered: not decided, and not counted.
    let fresh = FACILITIES.to_owned() + &request("2025-03-28", "rq-1");
    assert!(rows("T2", "2025-Q1", &fresh, "2025-03-31").is_empty());
    assert_eq!(rows("T2", "2025-Q1", &fresh, "2025-04-30").len(), 2);
}

#[test]
fn decisions_count_in_the_quarter_of_their_receipt() {
    let text = FACILITIES.to_owned()
        + &request("2025-03-03", "rq-1")
        + &request("2025-03-04", "rq-2")
        + &request("2025-03-05", "rq-3")
        + &act("2025-03-10", "approved", "rq-1", "")
        + &act("2025-03-14", "denied", "rq-2", "reason=capacity")
        // The decision of a request is its first; a second denial is a denial all the same.
        + &act("2025-03-20", "denied", "rq-1", "reason=other").replace("d-rq-1", "e-rq-1")
        + &act("2025-04-05", "approved", "rq-3", "");
    assert_eq!(rows("T4.median", "2025-Q1", &text, "2025-06-30"), ["8.5 /2", "fac-a 8.5 /2"]);
    assert_eq!(rows("T4.p95", "2025-Q1", &text, "2025-06-30"), ["9.9 /2", "fac-a 9.9 /2"]);
    assert_eq!(rows("T4.median", "2025-Q2", &text, "2025-06-30"), ["31.0 /1", "fac-a 31.0 /1"]);
    assert_eq!(rows("T5", "2025-Q1", &text, "2025-06-30"), ["50.0 1/2", "fac-a 50.0 1/2"]);
    let denials = ["2", "capacity 1", "other 1", "fac-a 2", "fac-a capacity 1", "fac-a other 1", "fac-b 0"];
    assert_eq!(rows("T6", "2025-Q1", &text, "2025-06-30"), denials);
}

#[test]
fn a_rate_of_a_cohort_may_grow_and_exceed_a_hundred() {
    let visit = |day: &str, completion: &str| {
        format!(
            "{day}T15 fac-a visit.completed v-{day} approval=fac-a/d-rq-1 facility=fac-a organisation=cso-a visited_on={day} completion={completion}\n"
        )
    };
    let text = FACILITIES.to_owned()
        + &request("2025-03-03", "rq-1")
        + &act("2025-03-10", "approved", "rq-1", "visits_granted=2")
        + &visit("2025-03-20", "normal")
        + &visit("2025-03-21", "entry_refused")
        + &visit("2025-03-22", "cso_no_show")
        + &visit("2025-04-20", "shortened_by_prison")
        + &visit("2025-05-20", "normal");
    assert_eq!(rows("T7", "2025-Q1", &text, "2025-03-31"), ["50.0 1/2", "fac-a 50.0 1/2"]);
    assert_eq!(rows("T7", "2025-Q1", &text, "2025-06-30"), ["150.0 3/2", "fac-a 150.0 3/2"]);
    let none = text.replace("visits_granted=2", "visits_granted=0");
    assert!(rows("T7", "2025-Q1", &none, "2025-06-30").is_empty());
}

#[test]
fn what_was_retracted_is_out_and_what_was_corrected_counts() {
    let text = FACILITIES.to_owned()
        + &request("2025-03-03", "rq-1")
        + &request("2025-03-04", "rq-2")
        + "2025-04-05T10 cso-a record.retracted - target=cso-a/access.request.submitted/r0003\n"
        + "2025-04-06T10 cso-a record.corrected - target=cso-a/access.request.submitted/r0004 field_name=facility new_value_public=fac-b\n";
    assert_eq!(rows("T1", "2025-Q1", &text, "2025-04-04")[..4], ["2", "legal 2", "fac-a 2", "fac-a legal 2"]);
    assert_eq!(rows("T1", "2025-Q1", &text, "2025-04-06"), ["1", "legal 1", "fac-a 0", "fac-b 1", "fac-b legal 1"]);
}
