use super::param::{ACK_WORKING_DAYS, ALL, EXTERNAL_KINDS, LATE_SHARE};
use super::*;

const SMALL: &str =
    "[profile]\nid = \"p\"\n\n[calendar]\nutc_offset_minutes = 60\nweekend = [\"fri\"]\nholidays = [\"2025-05-01\"]\n";

fn day(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn the_default_names_the_parameters_that_are_read_and_no_other() {
    let default: Vec<&str> = Profile::built_in().params().map(|(name, _)| name).collect();
    let mut read: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
    read.sort_unstable();
    assert_eq!(default, read, "schemas/profile/default.toml and profile/param.rs");
    for (name, param) in Profile::built_in().params() {
        assert!(["textual", "jurisdiction", "default"].contains(&param.mark.as_str()), "{name}: mark");
        assert!(!param.unit.is_empty() && !param.rules.is_empty(), "{name}: unit and rule");
    }
}

#[test]
fn what_a_profile_leaves_out_is_the_default() {
    let profile = Profile::parse(format!("{SMALL}[param.ack_working_days]\nvalue = 5\n").as_bytes()).unwrap();
    assert_eq!(profile.whole(ACK_WORKING_DAYS), 5);
    assert_eq!(profile.share(LATE_SHARE), Profile::built_in().share(LATE_SHARE));
    assert!(profile.has_word(EXTERNAL_KINDS, "npm"));
    let is_default = |name: &str| profile.params().find(|(n, _)| *n == name).unwrap().1.is_default;
    assert!(!is_default("ack_working_days") && is_default("late_share"));
    let without = Profile::parse(b"[profile]\nid = \"p\"\n").unwrap();
    assert_eq!(without.calendar(), Profile::built_in().calendar());
}

#[test]
fn shares_are_exact() {
    let profile = Profile::parse(format!("{SMALL}[param.late_share]\nvalue = 0.10 # a tenth\n").as_bytes()).unwrap();
    assert_eq!(profile.share(LATE_SHARE).parts(), (10, 100));
}

#[test]
fn a_bad_profile_is_refused_with_the_place() {
    for (tail, names) in [
        ("[param.ack_working_days]\nvalue = 2.5\n", "[param.ack_working_days]: value = 2.5; write a whole number"),
        ("[param.ack_working_days]\nvalue = -1\n", "value = -1"),
        ("[param.ack_working_days]\nvalue = \"3\"\n", "value = \"3\""),
        ("[param.ack_working_days]\nvalue = 99999999999\n", "value = 99999999999"),
        ("[param.late_share]\nvalue = 2e-1\n", "value = 2e-1; write a decimal"),
        ("[param.late_share]\nvalue = nan\n", "value = nan"),
        ("[param.external_kinds]\nvalue = \"npm\"\n", "write a list of codes"),
        ("[param.external_kinds]\nvalue = [1]\n", "write a list of codes"),
        ("[param.new_thing]\nvalue = true\n", "write a number or a list"),
        ("[param.ack_working_days]\nvalue = 3\nvalues = 4\n", "unknown field"),
        ("[scenario]\nevaluation_dates = [\"2025-02-30\"]\n", "[scenario] evaluation_dates: \"2025-02-30\""),
        ("[scenario]\ntime_of_day = \"24:00:00\"\n", "[scenario] time_of_day"),
    ] {
        let got = Profile::parse(format!("{SMALL}{tail}").as_bytes()).unwrap_err().to_string();
        assert!(got.contains(names), "{tail}\n{got}");
    }
    for (from, to, names) in [
        ("\"p\"", "\"\"", "[profile] id"),
        ("= 60", "= 2000", "[calendar] utc_offset_minutes: \"2000\""),
        ("\"fri\"", "\"friday\"", "[calendar] weekend: \"friday\""),
        ("\"fri\"", "\"mon\", \"tue\", \"wed\", \"thu\", \"fri\", \"sat\", \"sun\"", "some day must be worked"),
        ("2025-05-01", "1 May 2025", "[calendar] holidays"),
    ] {
        let got = Profile::parse(SMALL.replace(from, to).as_bytes()).unwrap_err().to_string();
        assert!(got.contains(names), "{to}\n{got}");
    }
    assert_eq!(Profile::parse(&[0xff]).unwrap_err(), BadProfile::NotText);
    assert_eq!(
        Profile::parse(&vec![b' '; PROFILE_BYTES_MAX + 1]).unwrap_err(),
        BadProfile::TooLong { bytes: PROFILE_BYTES_MAX + 1 }
    );
    assert!(matches!(Profile::parse(b"profile = 1"), Err(BadProfile::Toml(_))));
}

#[test]
fn evaluation_instants_are_local() {
    let profile =
        Profile::parse(format!("{SMALL}[scenario]\nevaluation_dates = [\"2025-06-30\", \"2025-03-31\"]\n").as_bytes())
            .unwrap();
    assert_eq!(
        profile.evaluation(),
        [(day("2025-03-31"), at("2025-03-31T22:59:59Z")), (day("2025-06-30"), at("2025-06-30T22:59:59Z"))]
    );
    assert!(Profile::built_in().evaluation().is_empty());
}

#[test]
fn the_profile_in_force() {
    let mut profiles = Profiles::new();
    let named = |id: &str| SMALL.replace("\"p\"", &format!("{id:?}"));
    let digests: Vec<Hash> = ["a", "b", "c"].map(|id| profiles.add(named(id).as_bytes()).unwrap()).to_vec();
    let missing = Hash::of(&[b"nowhere"]);
    let adoption = |position, received_at: &str, effective_on: &str, digest| Adoption {
        position,
        received_at: at(received_at),
        effective_on: day(effective_on),
        digest,
        profile_id: format!("pf-{position}"),
    };
    let timeline = profiles.timeline(&[
        adoption(0, "2025-01-01T06:00:00Z", "2025-01-01", digests[0]),
        // Announced ahead.
        adoption(1, "2025-06-01T10:00:00Z", "2026-01-01", digests[1]),
        // Counts from its receipt although it claims an earlier day.
        adoption(2, "2025-07-01T10:00:00Z", "2025-02-01", digests[2]),
        // Older than what is in force: changes nothing once b has begun.
        adoption(3, "2026-02-01T10:00:00Z", "2025-12-01", digests[0]),
        adoption(4, "2026-03-01T10:00:00Z", "2026-03-01", missing),
    ]);
    for (t, want) in [
        ("2025-01-01T05:59:59Z", "default-profile-1"),
        ("2025-01-01T06:00:00Z", "a"),
        ("2025-06-30T10:00:00Z", "a"),
        ("2025-07-01T10:00:00Z", "c"),
        // Local midnight at +60 minutes.
        ("2025-12-31T22:59:59Z", "c"),
        ("2025-12-31T23:00:00Z", "b"),
        ("2026-02-02T00:00:00Z", "b"),
        ("2026-03-01T10:00:00Z", "default-profile-1"),
    ] {
        assert_eq!(timeline.at(at(t)).id(), want, "{t}");
    }
    let notes: Vec<String> = timeline.notes().iter().map(ToString::to_string).collect();
    assert_eq!(notes.len(), 2);
    assert!(notes[0].starts_with("before 2025-01-01T06:00:00Z"), "{}", notes[0]);
    assert!(notes[1].contains("pf-4") && notes[1].contains(&format!("documents/{missing}")), "{}", notes[1]);
    assert!(profiles.add(b"nothing").is_err());
}
