//! There and back on a stick, as the people concerned would type it.

use crate::place::{Place, covered, files, register};

const OPEN: &str = "--key-file stick.key";

fn begun() -> Place {
    let place = Place::new();
    place.good(&format!(
        "outbox init outbox {OPEN} --policy my/policy --party cso-x --parties parties.csv --first-number 10"
    ));
    std::fs::create_dir(place.path("stick")).unwrap();
    std::fs::write(place.path("visit.attempted.csv"), register(1, 3)).unwrap();
    let said = place.good(&format!("outbox import outbox visit.attempted.csv {OPEN} --keys keys"));
    assert!(said.contains("3 signed and recorded here"), "{said}");
    place
}

#[test]
fn there_and_back_on_a_stick() {
    let place = begun();
    let said = place.good(&format!("outbox import outbox visit.attempted.csv {OPEN} --keys keys"));
    assert!(said.contains("0 signed") && said.contains("3 were there already"), "{said}");
    assert!(place.good(&format!("outbox pack-up outbox stick {OPEN}")).contains("3 records"));
    assert!(place.good("take-in my stick").contains("3 answers"));
    assert!(place.good("take-in my stick").contains("3 answers"), "the same stick twice adds nothing");
    let said = place.good(&format!("outbox take-in outbox stick {OPEN}"));
    assert!(said.contains("3 proven by a receipt"), "{said}");
    let left = files(&place.path("stick"));
    assert!(left.is_empty(), "what was answered leaves the stick: {left:?}");
    assert!(place.good(&format!("outbox pack-up outbox stick {OPEN}")).contains("nothing to carry"));
    let said = place.good(&format!("outbox status outbox --json {OPEN}"));
    assert_eq!(said.lines().filter(|line| line.contains(r#""state":"covered""#)).count(), 3, "{said}");
    let outpost = place.again("outbox");
    assert_eq!(covered(&outpost).len(), 3);
    drop(outpost);
    // Plain files, for printing and comparing.
    place.good(&format!("outbox receipts outbox shown {OPEN}"));
    let proofs =
        files(&place.path("shown")).iter().filter(|p| p.extension().is_some_and(|e| e == "tlog-proof")).count();
    assert_eq!(proofs, 3);
    place.bad(&format!("outbox receipts outbox shown {OPEN}"), 1, "there already");
}

#[test]
fn a_link_on_a_stick_leads_nowhere() {
    for linked in ["oversight-ledger", "oversight-ledger/parcels", "oversight-ledger/answers"] {
        for commands in [["pack-up", "take-in"], ["take-in", "pack-up"]] {
            let place = begun();
            let path = place.path("stick").join(linked);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::create_dir(place.path("elsewhere")).unwrap();
            std::os::unix::fs::symlink(place.path("elsewhere"), &path).unwrap();
            for command in commands {
                let line = match command {
                    "pack-up" => format!("outbox pack-up outbox stick {OPEN}"),
                    _ => "take-in my stick".to_owned(),
                };
                let out = place.run(&line);
                let why = String::from_utf8_lossy(&out.stderr);
                // Answers are not looked at before there is something to answer.
                let idle = out.status.code() == Some(0) && linked.ends_with("answers") && command == "take-in";
                let written = out.status.code() == Some(0) && linked.ends_with("answers") && command == "pack-up";
                let refused = out.status.code() == Some(2) && why.contains("it is a link");
                assert!(idle || written || refused, "{linked} {line}: {:?} {why}", out.status.code());
                assert_eq!(files(&place.path("elsewhere")).len(), 0, "{linked} {line}");
            }
        }
    }
}

#[test]
fn what_systems_and_editors_do_to_a_stick_changes_nothing() {
    let place = begun();
    place.good(&format!("outbox pack-up outbox stick {OPEN}"));
    let folder = place.path("stick/oversight-ledger");
    let litter = |kind: &str| {
        for name in [".DS_Store", "._cso-x.jsonl", "Thumbs.db", "~$x.jsonl", "x.jsonl~", "x.jsonl.part"] {
            std::fs::write(folder.join(kind).join(name), "left behind").unwrap();
        }
        std::fs::create_dir_all(folder.join("System Volume Information")).unwrap();
    };
    let resave = |kind: &str, change: &dyn Fn(&str) -> Vec<u8>| {
        for path in files(&folder.join(kind)).into_iter().filter(|path| path.to_string_lossy().ends_with(".jsonl")) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("._") && !name.starts_with("~$") {
                std::fs::write(&path, change(&std::fs::read_to_string(&path).unwrap())).unwrap();
            }
        }
    };
    let utf16 =
        |text: &str| -> Vec<u8> { format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect() };
    litter("parcels");
    resave("parcels", &|text| format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes());
    let out = place.run("take-in my stick");
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "{told}");
    assert!(String::from_utf8_lossy(&out.stdout).contains("3 answers"), "{told}");
    assert!(
        told.contains("changed on its way: a byte order mark was put before it, its line ends became CR LF"),
        "{told}"
    );
    assert!(told.contains("not ours, and not read: 7 in oversight-ledger (parcels/.DS_Store"), "{told}");
    litter("answers");
    resave("answers", &utf16);
    // Whoever names the folder on the stick means the stick.
    let out = place.run(&format!("outbox take-in outbox stick/oversight-ledger {OPEN}"));
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(String::from_utf8_lossy(&out.stdout).contains("3 proven by a receipt"), "{told}");
    assert!(told.contains("it was saved as UTF-16") && told.contains("not ours, and not read: 13"), "{told}");
}

#[test]
fn a_lost_stick_shows_nothing_that_is_restricted() {
    let place = begun();
    place.good("keygen --origin a.example/log --party op --holder sticks --age --keys keys");
    let key = std::fs::read_to_string(place.path("keys/op.sticks.recipient")).unwrap();
    place.good(&format!("outbox pack-up outbox stick {OPEN}"));
    place.good(&format!("outbox pack-up outbox stick {OPEN} --to {}", key.trim_end()));
    let packed = files(&place.path("stick"));
    assert_eq!(packed.len(), 1, "the open one before is gone: {packed:?}");
    let bytes = std::fs::read(&packed[0]).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1\n") && !String::from_utf8_lossy(&bytes).contains("visit"));
    place.bad("take-in my stick", 1, "no parcels");
    assert!(place.good("take-in my stick --identity keys/op.sticks.identity").contains("3 answers"));
    assert!(place.good(&format!("outbox take-in outbox stick {OPEN}")).contains("3 proven by a receipt"));
    assert!(files(&place.path("stick")).is_empty());
}

#[test]
fn refusals_come_back_too_and_a_foreign_answer_stays_on_the_stick() {
    let place = begun();
    place.good(&format!("outbox pack-up outbox stick {OPEN}"));
    place.good("take-in my stick");
    place.good(&format!("outbox take-in outbox stick {OPEN}"));
    // A second machine with the same numbers: one of its rows is new, and its number is used.
    place.good(&format!(
        "outbox init second {OPEN} --policy my/policy --party cso-x --parties parties.csv --first-number 12"
    ));
    std::fs::write(place.path("visit.attempted.csv"), register(7, 8)).unwrap();
    place.good(&format!("outbox import second visit.attempted.csv {OPEN} --keys keys"));
    place.good(&format!("outbox pack-up second stick {OPEN}"));
    assert!(place.good("take-in my stick").contains("refused cso-x/visit.attempted/r7"));
    place.good(&format!("outbox take-in outbox stick {OPEN}"));
    assert!(!files(&place.path("stick/oversight-ledger/answers")).is_empty(), "they are for the other machine");
    place.bad(&format!("outbox take-in second stick {OPEN}"), 1, "refused  cso-x/visit.attempted/r7");
    assert!(place.good(&format!("outbox status second {OPEN}")).contains("1 covered by a checkpoint, 1 refused"));
    // What was refused and signed again is settled: nobody is sent to it any more.
    place.good(&format!("outbox import second visit.attempted.csv {OPEN} --keys keys"));
    let said = place.good(&format!("outbox status second --json {OPEN}"));
    assert!(said.contains(r#""state":"settled""#) && !said.contains(r#""state":"refused""#), "{said}");
    let said = place.good(&format!("outbox status second {OPEN}"));
    assert!(said.contains("0 refused (1 more were signed again since)") && !said.contains("refused: "), "{said}");
}

#[test]
fn an_oversight_body_stamps_what_it_carries() {
    let place = begun();
    place.good(&format!("outbox pack-up outbox stick {OPEN}"));
    let carry = "outbox carry stick --policy my/policy --key keys/npm.n1.key";
    assert!(place.good(carry).contains("3 events stamped by npm"));
    assert!(place.good(carry).contains("0 events stamped"), "the first stamp counts");
    assert!(place.good(&format!("outbox take-in outbox stick {OPEN}")).contains("3 stamps"));
    let outpost = place.again("outbox");
    let key = ledger::keys::read(&place.path("keys/npm.n1.key")).unwrap().vkey();
    for held in outpost.held() {
        let stamp = verifier::mine::stamp(&held.stamps[0], std::slice::from_ref(&key)).unwrap();
        assert_eq!((stamp.event, stamp.carrier.as_str()), (held.id, "npm"));
    }
    drop(outpost);
    place.good(&format!("outbox receipts outbox shown {OPEN}"));
    let stamps = files(&place.path("shown")).iter().filter(|p| p.extension().is_some_and(|e| e == "stamp")).count();
    assert_eq!(stamps, 3);
    place.bad("outbox carry stick --policy my/policy --key my/keys/log.key", 1, "is not one of a holder");
}

#[test]
fn outages_and_devices_are_proposed() {
    let place = begun();
    let propose = |what: &str| format!("outbox propose outbox {what} {OPEN} --signer x1");
    place.bad(&propose("outage"), 1, "no outage");
    let submit = format!("outbox submit outbox {OPEN} --keys keys --holder x1 --address http://127.0.0.1:9");
    place.bad(&submit, 2, "nothing is lost");
    let said = place.good(&propose("outage"));
    assert!(said.contains(r#""type":"outage.declared""#) && said.contains(r#""cause":"network""#), "{said}");
    let said = place.good(&propose("device"));
    assert!(said.contains(r#""first_seq":13"#), "{said}");
    place.bad(&propose("synced"), 1, "enrol the device first");
    assert!(place.good(&format!("outbox status outbox {OPEN}")).contains("is not reached since"));
}
