//! The clock of the ledger's machine, set while it serves and between two starts.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use ledger::clock::Clock;
use ledger::keys::random_bytes;
use verifier::http_request::{self, Request};

use crate::place::{Place, text};

const DAY: i64 = 86_400;

/// Sets the clock of the ledger's machine ahead by so many seconds.
fn set(place: &Place, seconds: i64) {
    fs::write(place.path("clock.new"), seconds.to_string()).unwrap();
    fs::rename(place.path("clock.new"), place.path("clock")).unwrap();
}

fn said(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_jump_while_it_serves_stops_writing_until_the_clock_is_right_or_confirmed() {
    let mut place = Place::new(false);
    let home = place.home();
    place.serve(&home, &[]).unwrap();
    let mut last = place.hand_in(1).unwrap()[0].1;
    for (jump, confirmed) in [(200, false), (1_000, false), (20 * 3_600, false), (9 * DAY, false), (1_000, true)] {
        set(&place, jump);
        let stops = jump > 300;
        match place.hand_in(1) {
            Ok(answers) => {
                assert!(!stops, "{jump}: recorded under a clock that jumped");
                last = answers[0].1;
            }
            Err(why) => {
                assert!(
                    stops && why.to_string().contains("records nothing until its operator has looked"),
                    "{jump}: {why}"
                );
                assert_eq!((place.get("/healthz").status, place.figure("ledger_recording")), (503, Some(0)));
                assert_eq!(place.get("/checkpoint").status, 200, "reading goes on");
                assert!(place.log().contains("it was set forward"), "{}", place.log());
            }
        }
        if confirmed {
            let done = place.run(&["clock", "confirm", &text(&home)]);
            assert!(done.status.success(), "{}", said(&done));
        } else {
            set(&place, 0);
        }
        let answers = std::iter::repeat_with(|| place.hand_in(1)).find_map(Result::ok).unwrap();
        assert!(answers[0].1 > last, "it goes on");
        last = answers[0].1;
        assert_eq!(place.get("/healthz").status, 200);
    }
    // Killed while the clock is doubted, it starts only once somebody has looked.
    set(&place, 3_000);
    place.hand_in(1).unwrap_err();
    drop(place.serving.take());
    let (code, why) = place.serve(&home, &[]).expect_err("nobody has looked");
    assert!(code == Some(2) && why.contains("ledger clock confirm"), "{why}");
    set(&place, 1_000);
    assert!(place.run(&["clock", "confirm", &text(&home)]).status.success());
    place.serve(&home, &[]).unwrap();
    place.hand_in(1).unwrap();
}

#[test]
fn a_lead_that_is_over_shuts_out_nobody_and_is_said_by_every_command() {
    let mut place = Place::new(true);
    let home = place.home();
    set(&place, 20 * 3_600);
    place.serve(&home, &[]).unwrap();
    place.hand_in(1).unwrap();
    place.stop();
    set(&place, 0);
    place.serve(&home, &[]).unwrap();
    assert!(place.log().contains("the clock says"), "{}", place.log());
    place.hand_in(1).expect("whether a request is fresh goes by the machine's clock");
    place.stop();
    let (home, keys) = (text(&home), text(&place.small.keys));
    let out = text(&place.path("out"));
    for arguments in [
        vec!["fsck", &home],
        vec!["submit", &home],
        vec!["export", &home, "--out", &out],
        vec!["publish", &home],
        vec!["key", "enrol", &home, "--party", "cso-z", "--holder", "z2", "--by", "cso-z:z1", "--keys", &keys],
        vec!["receipt", &home, "0"],
    ] {
        let done = place.run(&arguments);
        let told = said(&done);
        assert!(told.contains("the clock says") && told.contains("KEYS.md"), "{arguments:?}: {told}");
    }
    // What waits names the clock, not the witness.
    let done = place.run(&["publish", &home]);
    assert_eq!(done.status.code(), Some(2));
    let told = said(&done);
    assert!(told.contains("not by its fault") && told.contains("this machine's clock says"), "{told}");
    assert!(!told.contains("its clock is"), "{told}");
}

#[test]
fn a_word_about_more_than_a_day_wants_the_date_and_what_witnesses_say() {
    let mut place = Place::new(true);
    let home = text(&place.home());
    let right = Clock::System.now();
    set(&place, 400 * DAY);
    let wrong = right.plus_seconds(400 * DAY).date(0).to_string();
    let (right, other) = (right.date(0).to_string(), "2001-01-01");
    let (code, why) = place.serve(&place.home(), &[]).expect_err("more than a day ahead");
    assert!(code == Some(2) && why.contains("ledger clock confirm"), "{why}");
    for (more, says) in [
        (vec![], "--date YYYY-MM-DD"),
        (vec!["--date", "tomorrow"], "a day such as"),
        (vec!["--date", other], "Set the clock first"),
        (vec!["--date", &right], "Set the clock first"),
        (vec!["--date", &wrong], "no witness that answers has that time"),
    ] {
        let done = place.run(&[&["clock", "confirm", &home], &more[..]].concat());
        assert_eq!(done.status.code(), Some(1), "{more:?}: {}", said(&done));
        assert!(said(&done).contains(says), "{more:?}: {}", said(&done));
        assert!(!place.home().join("clock-confirmed").exists());
    }
    // The clock is set: nothing is to be confirmed, and the word costs nothing.
    set(&place, 0);
    let done = place.run(&["clock", "confirm", &home, "--date", &right]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    place.witness.take().unwrap().kill();
    let done = place.run(&["clock", "confirm", &home]);
    assert!(done.status.success() && said(&done).contains("no witness could be asked"), "{}", said(&done));
    set(&place, 400 * DAY);
    let done = place.run(&["clock", "confirm", &home, "--date", &wrong, "--without-witnesses"]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
}

#[test]
fn a_signed_request_is_answered_once_whatever_clock_or_restart() {
    let mut place = Place::new(false);
    let home = place.home();
    place.serve(&home, &[]).unwrap();
    let pen = place.small.key("cso-x", "x1");
    let parcel = place.small.attempt("cso-x", &pen);
    let body = parcel.to_line() + "\n";
    let authority = place.ledger.to_string();
    let request = Request { method: "POST", authority: &authority, path: "/events", query: None };
    // Dated ahead as far as clocks may differ, and good for as long as any.
    let created = Clock::System.now().plus_seconds(9);
    let nonce: [u8; http_request::NONCE_BYTES] = random_bytes().unwrap();
    let fields = http_request::sign(&request, Some(body.as_bytes()), &pen, created, 300, &nonce).unwrap();
    let bytes = format!(
        "POST /events HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Type: application/jsonl\r\nContent-Length: {}\r\n\
         Content-Digest: {}\r\nSignature-Input: {}\r\nSignature: {}\r\n\r\n{body}",
        body.len(),
        fields.content_digest.unwrap(),
        fields.signature_input,
        fields.signature
    );
    let send = |place: &Place| {
        let mut stream = TcpStream::connect(place.ledger).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).unwrap()
    };
    assert_eq!(send(&place), 200);
    assert_eq!(send(&place), 401, "at once");
    for (what, seconds) in [("killed", 0), ("stopped", 0), ("ahead", 400), ("back", 0), ("killed", 0), ("back", -20)] {
        match what {
            "killed" => drop(place.serving.take()),
            "stopped" => place.stop(),
            _ => {
                set(&place, seconds);
                if what == "back" {
                    std::iter::repeat_with(|| place.hand_in(1)).find_map(Result::ok).unwrap(); // believed again
                }
            }
        }
        if place.serving.is_none() {
            place.serve(&home, &[]).unwrap();
        }
        assert_eq!(send(&place), 401, "{what}");
    }
    // After a power cut nothing of the list may be left: what may have come is refused.
    drop(place.serving.take());
    set(&place, 0);
    for left in ["", "another run of the machine\n"] {
        fs::write(home.join("requests"), left).unwrap();
        place.serve(&home, &[]).unwrap();
        assert_eq!(send(&place), 401, "{left:?}");
        drop(place.serving.take());
    }
    fs::remove_file(home.join("requests")).unwrap();
    place.serve(&home, &[]).unwrap();
    assert_eq!(send(&place), 401, "the list is gone");
}
