//! What is given twice (a lost answer, a second window, a copy that was carried back again) is recorded once.

use crate::place::Place;

const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1
min,ministry,Ministry of Justice,named,en,m1
npm,oversight,Preventive Mechanism,named,en,n1
fac-a,facility,Prison A,named,en,d1
cso-x,cso,Open Hands,named,en,x1;x2
cso-y,cso,Blue House,pseudonym,en,y1
";

fn place() -> Place {
    let place = Place::of(PARTIES);
    place.good("key enrol my --party cso-x --holder x1 --role cso --keys keys");
    place.good("key enrol my --party cso-x --holder x2 --by cso-x:x1 --keys keys");
    place.good("key enrol my --party cso-y --holder y1 --role cso --keys keys");
    place.good("key enrol my --party fac-a --holder d1 --role facility --keys keys");
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
