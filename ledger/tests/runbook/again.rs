//! What is given twice (a lost answer, a second window, a copy that was carried back again) is recorded once.

use ledger::import;

use crate::place::{Place, copy};

pub const PARTIES: &str = concat!(include_str!("../shared/parties.csv"), "cso-y,cso,Blue House,pseudonym,en,y1;y2\n");

fn place() -> Place {
    let place = Place::of(PARTIES);
    place.good("key enrol my --party cso-x --holder x1 --role cso --keys keys --make-key");
    place.good("key enrol my --party cso-x --holder x2 --by cso-x:x1 --keys keys");
    place.good("key enrol my --party cso-y --holder y1 --role cso --keys keys --make-key");
    place.good("key enrol my --party fac-a --holder d1 --role facility --keys keys --make-key");
    place
}

fn attempt(party: &str, id: &str, occurred_at: &str, more: &str) -> String {
    let signer = format!("{}1", &party[4..]);
    format!(
        r#"{{"type":"visit.attempted","party":"{party}","signer":"{signer}","id":"{id}","occurred_at":"{occurred_at}",
           "facility":"fac-a","organisation":"{party}","attempted_on":"2025-03-04","arrived_at":"2025-03-04T09:00:00Z",
           "outcome":"turned_away","wait":30{more}}}"#
    )
}

fn status(occurred_at: &str) -> String {
    format!(
        r#"{{"type":"facility.status.changed","party":"fac-a","signer":"d1","occurred_at":"{occurred_at}","facility":"fac-a",
           "status":"partial","reason":"staffing","from":"2025-03-04T00:00:00Z"}}"#
    )
}

/// A correction of the first attempt of cso-x.
fn correction(more: &str) -> String {
    format!(
        r#"{{"type":"record.corrected","party":"cso-x","signer":"x1","occurred_at":"2025-03-05","target":"cso-x/visit.attempted/r1",
           "field_name":"wait","new_value_public":{{"lang":"en","text":"31"}},"reason":"typo"{more}}}"#
    )
}

#[test]
fn an_event_that_is_given_twice_is_recorded_once() {
    let place = place();
    let append = |event: &str| {
        place.write("event.json", event);
        place.good("append my event.json --keys keys")
    };
    let refused = |event: &str, words: &str| {
        place.write("event.json", event);
        place.bad("append my event.json --keys keys", 1, words);
    };
    let (day, instant) = ("2025-03-04", "2025-03-04T09:30:00Z");
    let reason = r#","stated_reason":"lockdown""#;
    let of_row = attempt("cso-x", "at-1", day, r#","row_id":"r1""#);
    let same = "recorded before, as";
    // What is sealed for oversight cannot be compared, and is not taken for the same: nobody shall believe that it is
    // recorded.
    let maybe = "was recorded already, and may be the same: what is sealed (";
    let events = [
        (status(day), same),
        (status(instant), same),
        (of_row.clone(), same),
        (attempt("cso-x", "at-2", day, ""), maybe),
        (attempt("cso-x", "at-3", instant, reason), maybe),
        // An author whose name, and a thing whose id, the log does not show.
        (attempt("cso-y", "cso-y-at-1", day, ""), maybe),
        (attempt("cso-y", "cso-y-at-2", instant, reason), maybe),
        // Nothing that has an id of its own.
        (correction(""), maybe),
        (correction(r#","cosigner":"x1""#), maybe),
        (correction(r#","cosigner":"x2","note":{"lang":"fr","text":"lu deux fois"}"#), maybe),
    ];
    for (event, _) in &events {
        let said = append(event);
        assert!(said.contains("1 in the log") && said.contains("0 refused"), "{event}\n{said}");
    }
    let size = place.check("my").head.unwrap().checkpoint.size;
    for (event, told) in &events {
        place.write("event.json", event);
        let (code, said) = place.ends("append my event.json --keys keys");
        assert!(code == Some(i32::from(*told != same)) && said.contains(told), "{event}\n{code:?} {said}");
    }
    // Under its own row something else is no repeat; under the id of another thing neither.
    refused(&of_row.replace("\"wait\":30", "\"wait\":31"), "says something else in: wait; nothing was recorded");
    refused(&of_row.replace("\"occurred_at\":\"2025-03-04\"", "\"occurred_at\":\"2025-03-03\""), "in: occurred_at");
    refused(&events[3].0.replace("\"wait\":30", "\"wait\":31"), "nothing was recorded");
    assert_eq!(place.check("my").head.unwrap().checkpoint.size, size);
    // What says something else is another event.
    assert!(append(&correction(r#","note":{"lang":"fr","text":"lu trois fois"}"#)).contains("1 in the log"));
}

#[test]
fn an_event_that_was_signed_and_not_handed_in_is_handed_in_when_it_is_given_again() {
    let place = place();
    copy(&place.path("my"), &place.path("before"));
    place.write("event.json", &attempt("cso-x", "v1", "2025-03-04", ",\"row_id\":\"v1\""));
    place.good("append my event.json --keys keys");
    // As after a kill between the outbox and the log: signed here, and in no log.
    for name in ["outbox", "outbox.reached"] {
        let (from, to) = (place.path("my").join(name), place.path("before").join(name));
        if from.is_dir() {
            std::fs::remove_dir_all(&to).unwrap();
            copy(&from, &to);
            std::fs::remove_dir_all(to.join("receipts")).unwrap();
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
    let said = place.good("append before event.json --keys keys");
    assert!(said.contains("not in the log yet") && said.contains("1 in the log"), "{said}");
    let said = place.good("append before event.json --keys keys");
    assert!(said.contains("recorded before") && !said.contains("not in the log yet"), "{said}");
    place.good("fsck before");
}

#[test]
fn a_draft_that_is_given_or_signed_twice_is_one_record() {
    let place = place();
    place.write("event.json", &attempt("cso-x", "at-1", "2025-03-04", r#","row_id":"r1""#));
    place.good("append my event.json --keys keys");
    place.move_to("keys/cso-x.x2.key", "office/cso-x.x2.key");
    for row in ["", r#","row_id":"r9""#] {
        let event = correction(&format!(r#","cosigner":"x2"{row}"#));
        place.write("event.json", &event);
        let append = "append my event.json --keys keys";
        assert!(place.good(append).contains("waits for a second signature: "));
        let draft = place.draft("my");
        let bytes = std::fs::read(place.path(&draft)).unwrap();
        // Given again, the draft is the one that somebody may have been given already.
        let code = i32::from(row.is_empty());
        let again = |waits: bool| {
            let (found, said) = place.ends(append);
            assert!(found == Some(code) && said.contains("nothing was "), "{found:?} {said}");
            assert_eq!(said.contains("it waits for its second signature in my/drafts/"), waits, "{said}");
        };
        again(true);
        assert_eq!((place.draft("my"), std::fs::read(place.path(&draft)).unwrap()), (draft.clone(), bytes.clone()));
        if !row.is_empty() {
            place.write("event.json", &event.replace("\"31\"", "\"32\""));
            place.bad(append, 1, "says something else in: new_value_public; nothing was recorded; it waits for");
            place.write("event.json", &event);
        }
        let cosign = format!("cosign my {draft} --keys office");
        assert!(place.good(&cosign).contains("1 in the log"));
        let size = place.check("my").head.unwrap().checkpoint.size;
        // Sent twice; and once more, after a copy was carried back.
        assert!(place.good(&cosign).contains("signed and recorded before: cso-x/record.corrected/"));
        place.write(&draft, &String::from_utf8(bytes).unwrap());
        assert!(place.good(&cosign).contains("signed and recorded before: cso-x/record.corrected/"));
        assert_eq!(place.drafts("my"), Vec::<String>::new());
        again(false);
        assert_eq!(place.check("my").head.unwrap().checkpoint.size, size);
    }
    place.bad("cosign my my/drafts/none.draft --keys office", 2, "there is no draft at my/drafts/none.draft");
}

/// A register of rows by column, the rest empty.
pub fn register(place: &Place, path: &str, kind: &str, rows: &[&[(&str, &str)]]) {
    let header = import::template(kind).unwrap();
    let mut text = header.clone();
    for row in rows {
        let cell = |column| row.iter().find(|(name, _)| *name == column).map_or("", |(_, cell)| cell);
        text += &(header.trim_end().split(',').map(cell).collect::<Vec<_>>().join(",") + "\n");
    }
    place.write(path, &text);
}

pub const ATTEMPT: [(&str, &str); 10] = [
    ("row_id", "r1"),
    ("signer", "x1"),
    ("id", "at-1"),
    ("occurred_at", "2025-03-04"),
    ("facility", "fac-a"),
    ("organisation", "cso-x"),
    ("attempted_on", "2025-03-04"),
    ("arrived_at", "2025-03-04T09:00:00Z"),
    ("outcome", "turned_away"),
    ("wait", "30"),
];

/// A row with other cells in some columns.
pub fn with<'a>(row: &[(&'a str, &'a str)], other: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    other.iter().chain(row.iter().filter(|(name, _)| other.iter().all(|(is, _)| is != name))).copied().collect()
}

#[test]
fn a_register_that_is_imported_again_adds_nothing() {
    let place = place();
    let corrected = [
        ("row_id", "c1"),
        ("signer", "x1"),
        ("cosigner", "x2"),
        ("occurred_at", "2025-03-05"),
        ("target", "cso-x/visit.attempted/r1"),
        ("field_name", "wait"),
        ("new_value_public", "31"),
        ("new_value_public_lang", "en"),
        ("reason", "typo"),
    ];
    let (attempts, corrections) = ("visit.attempted.csv", "record.corrected.csv");
    let import = |ledger: &str, file: &str| format!("import {ledger} {file} --party cso-x --keys keys");
    let says = |line: &str, words: &[&str]| {
        let (code, said) = place.ends(line);
        assert!(code == Some(0) && words.iter().all(|words| said.contains(words)), "{line}\n{code:?} {said}");
        said
    };
    let known = "0 signed into the outbox, 1 were there already";
    copy(&place.path("my"), &place.path("before"));
    register(&place, attempts, "visit.attempted", &[&ATTEMPT]);
    says(&import("my", attempts), &["1 signed into the outbox, 0 were there already", "1 in the log"]);
    says(&import("my", attempts), &[known]);
    // Signed and not handed in yet: as a kill leaves it.
    for name in ["outbox", "outbox.reached"] {
        let _ = std::fs::remove_dir_all(place.path(&format!("before/{name}")));
    }
    verifier::output::create_folders(&place.path("before/outbox"), verifier::output::Readers::Owner).unwrap();
    for found in std::fs::read_dir(place.path("my/outbox")).unwrap() {
        let path = found.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, place.path("before/outbox").join(path.file_name().unwrap())).unwrap();
        }
    }
    std::fs::copy(place.path("my/outbox.reached"), place.path("before/outbox.reached")).unwrap();
    says(&import("before", attempts), &[known, "1 in the log"]);
    says(&import("before", attempts), &[known]);

    // Waiting for its second signature: the same file, a copy of it, a dry run, a copy of the ledger's folder.
    place.move_to("keys/cso-x.x2.key", "office/cso-x.x2.key");
    register(&place, corrections, "record.corrected", &[&corrected]);
    says(
        &import("my", corrections),
        &["0 signed into the outbox, 0 were there", "waits for a second signature: my/drafts/"],
    );
    let draft = place.draft("my");
    let bytes = std::fs::read(place.path(&draft)).unwrap();
    register(&place, "copied/record.corrected.2.csv", "record.corrected", &[&corrected]);
    copy(&place.path("my"), &place.path("other"));
    let same = |ledger: &str, file: &str| {
        says(&import(ledger, file), &[known, &format!("waits for a second signature: {ledger}/drafts/")]);
        let draft = place.draft(ledger);
        assert!(std::fs::read(place.path(&draft)).unwrap() == bytes, "{file}: it was signed anew");
    };
    same("my", corrections);
    same("my", "copied/record.corrected.2.csv");
    same("other", corrections);
    says(&format!("{} --dry-run", import("my", corrections)), &["0 rows would be recorded, 1 are there already"]);

    // A row that says something else is told, and is not recorded; the others are.
    let changed = with(&corrected, &[("new_value_public", "32"), ("reason", "wrong_date")]);
    let new = with(&corrected, &[("row_id", "c2"), ("cosigner", "")]);
    register(&place, corrections, "record.corrected", &[&changed, &new]);
    let told = "says something else in: new_value_public, reason; nothing of it was added";
    says(&import("my", corrections), &[told, "1 signed into the outbox, 1 were there already", "1 in the log"]);
    register(&place, attempts, "visit.attempted", &[&with(&ATTEMPT, &[("wait", "31")])]);
    says(&import("my", attempts), &["says something else in: wait; nothing of it was added", known]);
    let json = says(&format!("{} --json --dry-run", import("my", attempts)), &["row.changed"]);
    assert!(json.contains("\"column\":\"wait\""), "{json}");
    assert!(std::fs::read(place.path(&draft)).unwrap() == bytes, "it was signed anew");

    // After the first signer's key changed it is known still; the log refuses it with the old key, and then it may be
    // signed again.
    place.good("key rotate my --party cso-x --holder x1 --keys keys");
    register(&place, corrections, "record.corrected", &[&corrected]);
    same("my", corrections);
    place.bad(&format!("cosign my {draft} --keys office"), 1, "cso-x/record.corrected/c1");
    let size = place.check("my").head.unwrap().checkpoint.size;
    says(&import("my", corrections), &["0 were there already", "waits for a second signature: my/drafts/"]);
    let said = place.good(&format!("cosign my {draft} --keys office"));
    assert!(said.contains("1 in the log"), "{said}");
    says(&import("my", corrections), &[known]);
    assert_eq!(place.check("my").head.unwrap().checkpoint.size, size + 2, "the record and its seal");

    // Refused as its key was not enrolled yet: signed again when it is.
    let of_y = [("signer", "y2"), ("organisation", "cso-y"), ("row_id", "r2"), ("id", "at-2")];
    register(&place, attempts, "visit.attempted", &[&with(&ATTEMPT, &of_y)]);
    let import_y = "import my visit.attempted.csv --party cso-y --keys keys";
    // Whoever is not named has keys under the name that the log shows.
    let pseudonyms = std::fs::read_to_string(place.path("my/pseudonyms")).unwrap();
    let name = pseudonyms.trim().strip_prefix("cso-y ").unwrap();
    place.good(&format!("keygen --origin a.example/log --party {name} --holder y2 --keys keys"));
    place.bad(import_y, 1, "cso-y/visit.attempted/r2");
    place.good("key enrol my --party cso-y --holder y2 --by cso-y:y1 --keys keys");
    says(import_y, &["1 signed into the outbox, 0 were there already", "1 in the log"]);
    says(import_y, &[known]);
    place.check("my");
}
