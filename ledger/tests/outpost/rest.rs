//! The folder at rest: what a thief reads, what a power cut leaves, who may open it.

use ledger::clock::Clock;
use ledger::failure::Failure;
use ledger::outpost::{BadOutpost, Outpost, Secret};

use crate::place::{Place, SECRETS, files};

/// Beginnings of the base64 of a text, however it is aligned.
fn spellings(text: &str) -> Vec<Vec<u8>> {
    let mut all = vec![text.as_bytes().to_vec()];
    for shift in 0..3 {
        let padded = [vec![b' '; shift], text.as_bytes().to_vec()].concat();
        let base64 = schemas::base::to_base64(&padded);
        // What depends on what stands before and after is left out.
        let (from, to) = (if shift == 0 { 0 } else { 4 }, base64.len() - 4);
        if to > from + 4 {
            all.push(base64.as_bytes()[from..to].to_vec());
        }
    }
    all
}

#[test]
fn a_stolen_folder_shows_nothing() {
    let place = Place::new();
    let words = Secret::Passphrase("otter violin harbour nine".to_owned().into());
    let mut standing = place.standing();
    standing.address = Some("https://rendezvous.a.example".to_owned());
    for (name, secret) in [("by-key", place.secret()), ("by-words", words.clone())] {
        let mut outpost = Outpost::create(&place.path(name), &secret, &standing).unwrap();
        place.sign(&mut outpost, 1, 20);
        drop(outpost);
        for path in files(&place.path(name)) {
            let bytes = std::fs::read(&path).unwrap();
            for secret in SECRETS {
                for spelling in spellings(secret) {
                    let found = bytes.windows(spelling.len()).any(|window| window == spelling);
                    assert!(!found, "{}: {secret}", path.display());
                }
            }
            let shown = path.strip_prefix(place.path(name)).unwrap().display().to_string();
            assert!(!SECRETS.iter().any(|secret| shown.contains(secret)), "{shown}");
        }
        assert_eq!(Outpost::open(&place.path(name), &secret).unwrap().held().len(), 20);
    }
    // The search finds what lies there in base64, however it is aligned.
    for before in ["", "x", "xy"] {
        let stood = schemas::base::to_base64(format!("{before}visit.attempted and more").as_bytes());
        let found = |spelling: &Vec<u8>| stood.as_bytes().windows(spelling.len()).any(|window| window == spelling);
        assert!(spellings("visit.attempted").iter().any(found), "{stood}");
    }

    let other = place.path("other.key");
    drop(Outpost::create(&place.path("other"), &Secret::KeyFile(other.clone()), &standing).unwrap());
    let open = |name: &str, secret: &Secret| Outpost::open(&place.path(name), secret).map(drop);
    assert!(matches!(
        open("by-words", &Secret::Passphrase("otter violin harbour ten".to_owned().into())),
        Err(BadOutpost::Closed)
    ));
    assert!(matches!(open("by-words", &place.secret()), Err(BadOutpost::OtherWay { .. })));
    assert!(matches!(open("by-key", &words), Err(BadOutpost::OtherWay { .. })));
    assert!(matches!(open("by-key", &Secret::KeyFile(other)), Err(BadOutpost::Failure(Failure::Damaged { .. }))));
    assert!(matches!(open("nowhere", &words), Err(BadOutpost::Failure(Failure::Absent { .. }))));
    let create = |secret: Secret| Outpost::create(&place.path("new"), &secret, &standing).map(drop);
    assert!(matches!(create(Secret::Passphrase("short".to_owned().into())), Err(BadOutpost::Short)));
    assert!(matches!(create(Secret::KeyFile(place.path("new/k"))), Err(BadOutpost::KeyInside { .. })));
}

#[test]
fn whatever_a_power_cut_leaves_of_the_last_line_what_was_promised_is_there() {
    let place = Place::new();
    let mut outpost = place.outpost("outbox");
    // What a power cut leaves of the file that says how far the journal had come: it is written after each line.
    let reached = place.path("outbox/reached");
    let mut promised = vec![std::fs::read(&reached).unwrap()];
    place.sign(&mut outpost, 1, 2);
    promised.push(std::fs::read(&reached).unwrap());
    place.sign(&mut outpost, 3, 3);
    promised.push(std::fs::read(&reached).unwrap());
    drop(outpost);
    let path = place.path("outbox/journal/000001");
    let whole = std::fs::read(&path).unwrap();
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').map(|at| at + 1).collect();
    assert_eq!(ends.len(), 3);
    for cut in [0, 1, ends[0] - 1, ends[0], ends[0] + 1, ends[1], ends[2] - 1, ends[2]] {
        let mut left = whole[..cut].to_vec();
        // A file system may have made room for more than it wrote.
        if cut < ends[2] {
            left.extend([0; 100]);
        }
        std::fs::write(&path, left).unwrap();
        if cut < ends[2] {
            // Three records were promised: that one of them is gone is told, not begun anew.
            std::fs::write(&reached, &promised[2]).unwrap();
            let opened = Outpost::open(&place.path("outbox"), &place.secret()).map(drop);
            assert!(matches!(opened, Err(BadOutpost::Failure(Failure::Lost { .. }))), "cut at {cut}: {opened:?}");
        }
        let then = usize::from(cut >= ends[1]) + usize::from(cut >= ends[2]);
        std::fs::write(&reached, &promised[then]).unwrap();
        let mut outpost = place.again("outbox");
        let kept = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(outpost.held().len(), kept, "cut at {cut}");
        // The same rows again add what is missing, under numbers that were not promised to anyone.
        assert_eq!(place.sign(&mut outpost, 1, 3).recorded, 3 - kept, "cut at {cut}");
        let mut numbers: Vec<i64> = outpost.held().iter().map(|held| held.signed.event.seq).collect();
        numbers.dedup();
        assert_eq!(numbers, [10, 11, 12], "cut at {cut}");
        drop(outpost);
        assert_eq!(place.again("outbox").held().len(), 3);
    }
}

#[test]
fn what_is_damaged_or_moved_is_not_read_as_something_else() {
    let place = Place::new();
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 3);
    // One process at a time.
    let locked = Outpost::open(&place.path("outbox"), &place.secret()).map(drop);
    assert!(matches!(locked, Err(BadOutpost::Failure(Failure::Locked { .. }))));
    drop(outpost);
    let path = place.path("outbox/journal/000001");
    let whole = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let bent =
        format!("{}{}\n{}\n", &lines[1][..40], if &lines[1][40..41] == "A" { "B" } else { "A" }, &lines[1][41..]);
    for (what, text) in [
        ("two exchanged", format!("{}\n{}\n{}\n", lines[1], lines[0], lines[2])),
        ("one left out", format!("{}\n{}\n", lines[0], lines[2])),
        ("one twice", format!("{}\n{}\n{}\n", lines[0], lines[0], lines[1])),
        ("a bit flipped", format!("{}\n{bent}{}\n", lines[0], lines[2])),
        ("an empty line", format!("{}\n\n{}\n", lines[0], lines[1])),
        ("not text", "\u{e9}\n".to_owned()),
    ] {
        std::fs::write(&path, text).unwrap();
        let opened = Outpost::open(&place.path("outbox"), &place.secret()).map(drop);
        assert!(matches!(opened, Err(BadOutpost::Failure(Failure::Damaged { .. }))), "{what}: {opened:?}");
    }
    std::fs::write(&path, &whole).unwrap();
    std::fs::write(place.path("outbox/journal/000003"), "").unwrap();
    let opened = Outpost::open(&place.path("outbox"), &place.secret()).map(drop);
    assert!(matches!(opened, Err(BadOutpost::Failure(Failure::Damaged { .. }))), "a file is missing: {opened:?}");
}

#[test]
fn only_events_of_this_log_are_recorded() {
    let place = Place::new();
    let mut outpost = place.outpost("outbox");
    place.sign(&mut outpost, 1, 1);
    let good = outpost.held()[0].parcel.clone();
    let now = Clock::System.now();
    assert_eq!(outpost.record(&[good.clone(), good.clone()], now).unwrap(), 0, "it is here already");
    for (from, to) in [("a.example/log", "b.example/log"), ("oversight-event/v1", "oversight-event/v2")] {
        let parcel = ledger::outbox::Parcel { note: good.note.replace(from, to), ..good.clone() };
        assert!(matches!(outpost.record(&[parcel], now), Err(BadOutpost::Parcel { .. })), "{to}");
    }
    let replayed = ledger::outbox::Parcel { received_at: Some(now), ..good };
    assert!(matches!(outpost.record(&[replayed], now), Err(BadOutpost::Parcel { .. })));
    let mut other = outpost.standing().clone();
    other.party = "fac-a".to_owned();
    assert!(matches!(outpost.settle(other), Err(BadOutpost::Standing { .. })));
    assert_eq!(outpost.held().len(), 1);
}
