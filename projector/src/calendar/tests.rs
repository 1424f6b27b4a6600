use schemas::time::Date;

use super::*;

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn calendar() -> Calendar {
    let text = |names: &[&str]| names.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
    Calendar::new(60, &text(&["sat", "sun"]), &text(&["2025-05-01"])).unwrap()
}

fn stops(ranges: &[(&str, &str)]) -> Stops {
    Stops::of(ranges.iter().map(|(from, to)| (day(from), Date::parse(to))))
}

#[test]
fn due_days_skip_what_is_stopped() {
    let june = [("2025-06-10", "2025-06-14")];
    for (from, n, stopped, want) in [
        ("2025-03-04", 20, &[][..], Some("2025-03-24")),
        ("2025-03-04", 0, &[][..], Some("2025-03-04")),
        // Five stopped days in the middle.
        ("2025-06-03", 20, &june[..], Some("2025-06-28")),
        // The n-th running day would fall on the first stopped day: it moves behind them all.
        ("2025-06-05", 5, &june[..], Some("2025-06-15")),
        ("2025-06-05", 4, &june[..], Some("2025-06-09")),
        // Counting from within: the day itself is never counted.
        ("2025-06-12", 1, &june[..], Some("2025-06-15")),
        // For ever: never due.
        ("2025-06-05", 5, &[("2025-06-10", "")][..], None),
        ("2025-06-05", 4, &[("2025-06-10", "")][..], Some("2025-06-09")),
    ] {
        let got = Calendar::due(day(from), n, &stops(stopped));
        assert_eq!(got, want.map(day), "{from} + {n}");
    }
}

#[test]
fn due_working_days_skip_weekend_holiday_and_stop() {
    for (from, n, stopped, want) in [
        // Friday: Monday, Tuesday, Wednesday.
        ("2025-11-14", 3, &[][..], Some("2025-11-19")),
        ("2025-11-18", 3, &[][..], Some("2025-11-21")),
        // Over 1 May, a Thursday.
        ("2025-04-29", 2, &[][..], Some("2025-05-02")),
        ("2025-04-29", 3, &[][..], Some("2025-05-05")),
        ("2025-04-29", 1, &[("2025-04-30", "2025-05-04")][..], Some("2025-05-05")),
        ("2025-04-29", 1, &[("2025-04-30", "")][..], None),
        // The end of the calendar: it stops there.
        ("9999-12-30", 5, &[][..], Some("9999-12-31")),
    ] {
        let got = calendar().due_working(day(from), n, &stops(stopped));
        assert_eq!(got, want.map(day), "{from} + {n}");
    }
}

#[test]
fn stopped_ranges_unite() {
    let got = stops(&[
        ("2025-02-01", "2025-02-03"),
        ("2025-01-01", "2025-01-02"),
        ("2025-02-04", "2025-02-05"),
        ("2025-02-02", "2025-02-02"),
        ("2025-03-02", "2025-03-01"),
    ]);
    assert_eq!(got, stops(&[("2025-01-01", "2025-01-02"), ("2025-02-01", "2025-02-05")]));
    assert_eq!(stops(&[("2025-01-01", ""), ("2025-02-01", "2025-02-02")]), stops(&[("2025-01-01", "")]));
    assert_eq!(stops(&[("2025-01-01", "2025-01-05"), ("2025-01-03", "")]), stops(&[("2025-01-01", "")]));
    let tolled = got.and_days([day("2025-01-03"), day("2025-02-05")]);
    assert_eq!(tolled, stops(&[("2025-01-01", "2025-01-03"), ("2025-02-01", "2025-02-05")]));
    for (d, holds) in
        [("2024-12-31", false), ("2025-01-01", true), ("2025-01-02", true), ("2025-01-03", false), ("2025-02-05", true)]
    {
        assert_eq!(got.holds(day(d)), holds, "{d}");
    }
}

#[test]
fn a_bad_calendar_is_named() {
    let none: [String; 0] = [];
    assert_eq!(Calendar::new(1081, &none, &none), Err(BadCalendar::Offset { found: 1081 }));
    assert_eq!(Calendar::new(0, &["Sat".to_owned()], &none), Err(BadCalendar::Weekday { found: "Sat".to_owned() }));
    assert_eq!(
        Calendar::new(0, &["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(str::to_owned), &none),
        Err(BadCalendar::NoWorkingDay)
    );
    assert_eq!(
        Calendar::new(0, &none, &["2025-02-29".to_owned()]),
        Err(BadCalendar::Holiday { found: "2025-02-29".to_owned() })
    );
    let many = vec!["2025-05-01".to_owned(); HOLIDAYS_MAX + 1];
    assert_eq!(Calendar::new(0, &none, &many), Err(BadCalendar::TooManyHolidays { found: HOLIDAYS_MAX + 1 }));
}

/// Gaps of twelve months as `base:due:ended_by`.
fn gaps(start: &str, restarts: &[(&str, &str)], seen: &[(&str, &str)], today: &str) -> Vec<String> {
    let restarts: Vec<_> = restarts.iter().map(|(c, r)| Restart { closed_on: day(c), reopened_on: day(r) }).collect();
    let seen: Vec<_> = seen.iter().map(|(r, c)| Seen { received: day(r), claimed: day(c) }).collect();
    let coverage = Coverage { start: day(start), restarts: &restarts, seen: &seen, today: day(today) };
    let gaps = coverage.gaps(|base| Some(base.plus_months(12)));
    gaps.iter().map(|g| format!("{}:{}:{:?}", g.base.day(), g.due, g.ended_by)).collect()
}

#[test]
fn coverage_from_genesis() {
    // RULES.md 1: with genesis 2025-01-01 and 12 months, T = 2025-12-31, fires on 2026-01-01.
    assert!(gaps("2025-01-01", &[], &[], "2025-12-31").is_empty());
    assert_eq!(gaps("2025-01-01", &[], &[], "2026-01-01"), ["2024-12-31:2025-12-31:None"]);
}

#[test]
fn coverage_folds_in_log_order() {
    for (seen, today, want) in [
        // In time, then T = the same day a year later.
        (&[("2025-06-02", "2025-06-01")][..], "2026-06-01", &[][..]),
        (&[("2025-06-02", "2025-06-01")][..], "2026-06-02", &["2025-06-01:2026-06-01:None"][..]),
        // Late, and late-recorded: both end the gap.
        (&[("2026-01-01", "2026-01-01")][..], "2026-02-01", &["2024-12-31:2025-12-31:Some(0)"][..]),
        (&[("2026-01-05", "2025-12-31")][..], "2026-02-01", &["2024-12-31:2025-12-31:Some(0)"][..]),
        // One that claims a day before the base is skipped.
        (
            &[("2025-06-02", "2025-06-01"), ("2026-06-20", "2025-03-01")][..],
            "2026-07-01",
            &["2025-06-01:2026-06-01:None"][..],
        ),
        // The same day is no later one.
        (&[("2025-06-02", "2025-06-01"), ("2025-06-03", "2025-06-01")][..], "2026-06-01", &[][..]),
    ] {
        assert_eq!(gaps("2025-01-01", &[], seen, today), want, "{seen:?} {today}");
    }
}

#[test]
fn a_reopening_restarts_the_count() {
    let closed = [("2025-10-01", "2026-02-01")];
    // Closed over T: the count begins anew.
    assert_eq!(
        gaps("2025-01-01", &closed, &[], "2026-01-15"),
        ["2024-12-31:2025-12-31:None"],
        "closed, not yet open again"
    );
    assert!(gaps("2025-01-01", &closed, &[], "2026-02-01").is_empty());
    assert_eq!(gaps("2025-01-01", &closed, &[], "2027-02-01"), ["2026-01-31:2027-01-31:None"]);
    // A breach from before the closure is not wiped out by closing for a day.
    let day_off = [("2026-03-01", "2026-03-02")];
    assert_eq!(gaps("2025-01-01", &day_off, &[], "2026-03-10"), ["2024-12-31:2025-12-31:None"]);
    assert_eq!(
        gaps("2025-01-01", &day_off, &[("2026-04-01", "2026-04-01")], "2026-04-10"),
        ["2024-12-31:2025-12-31:Some(0)"]
    );
    // What came before the re-opening does not count after it.
    assert_eq!(
        gaps("2025-01-01", &closed, &[("2025-06-01", "2025-06-01")], "2027-02-01"),
        ["2026-01-31:2027-01-31:None"]
    );
}

#[test]
fn months_clip() {
    assert_eq!(addmonths(day("2024-02-29"), 12), day("2025-02-28"));
    assert_eq!(Base::After(0, day("2025-08-31")).plus_months(6), day("2026-02-28"));
    assert_eq!(Base::Start(day("2025-03-01")).plus_months(12), day("2026-02-28"));
}

#[test]
fn periods_are_listed_when_over() {
    let listed = |p: Period, to: &str| p.listed(day(to)).iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(listed(Period::quarter(day("2025-01-01")), "2025-09-29"), ["2025-Q1", "2025-Q2"]);
    assert_eq!(listed(Period::quarter(day("2025-02-28")), "2025-09-30"), ["2025-Q1", "2025-Q2", "2025-Q3"]);
    assert_eq!(listed(Period::half(day("2025-01-01")), "2026-06-30"), ["2025-H1", "2025-H2", "2026-H1"]);
    assert_eq!(listed(Period::year(day("2025-01-01")), "2026-06-30"), ["2025"]);
    assert!(listed(Period::quarter(day("9999-12-01")), "9999-12-31").len() <= 1);
    assert!(
        Period::quarter(day("2025-05-05")).holds(day("2025-04-01"))
            && !Period::quarter(day("2025-05-05")).holds(day("2026-04-01"))
    );
}
