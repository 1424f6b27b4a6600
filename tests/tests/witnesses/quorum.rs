//! Whatever is up or down, only what a quorum has seen leaves the house, and what waits is said.

use std::collections::BTreeMap;

use ledger::failure::Failure;
use ledger::publish::{self, publish};
use schemas::note::Note;
use schemas::policy::Policy;
use verifier::audience::Audience;

use crate::common::{Small, at, checked};

#[test]
fn with_none_to_three_witnesses_down() {
    for (down, quorum, published) in [
        (&[][..], "two", true),
        (&["w2"], "two", true),
        (&["w2", "w3"], "two", false),
        (&["w1", "w2", "w3"], "two", false),
        (&["w2", "w3"], "w1", true),
        (&["w1"], "w1", false),
        (&["w1", "w2", "w3"], "none", true),
    ] {
        let mut small = Small::new();
        let policy = small.policy(quorum, &BTreeMap::new());
        let locals = small.local();
        down.iter().for_each(|name| locals.switch(name, false));
        let mut panel = locals.panel(&policy);
        let found = publish(&mut small.writer, &mut panel, at(1)).unwrap();
        let size = small.writer.log().size();
        assert_eq!(found.waiting.is_none(), published, "{down:?} {quorum}: {found:?}");
        let told = found.waiting.map_or_else(
            || found.missing.iter().map(|(name, why)| format!("{name} ({why})")).collect::<Vec<_>>().join(", "),
            |waiting| waiting.to_string(),
        );
        for name in down {
            assert!(told.contains(&format!("{name} (not reached: connection refused)")), "{told}");
        }
        match small.export() {
            Ok(bundle) => {
                assert!(published);
                let report = checked(&bundle, &policy);
                assert_eq!(report.exit_code(), 0, "{:?} {:?}", report.faults, report.unknown);
                assert_eq!(report.head.unwrap().witnesses.len(), 3 - down.len());
            }
            Err(Failure::Unpublished(waiting)) => {
                assert!(!published);
                assert_eq!((waiting.entries, waiting.since), (size, at(0)));
            }
            Err(other) => panic!("{other}"),
        }
        // They come back, and everything is as if they had never been away.
        down.iter().for_each(|name| locals.switch(name, true));
        let found = publish(&mut small.writer, &mut panel, at(2)).unwrap();
        assert!(found.waiting.is_none() && found.missing.is_empty(), "{found:?}");
        assert_eq!(checked(&small.export().unwrap(), &policy).head.unwrap().witnesses.len(), 3);
    }
}

#[test]
fn what_waits_stays_in_the_house() {
    let mut small = Small::new();
    let policy = small.policy("two", &BTreeMap::new());
    let locals = small.local();
    let mut panel = locals.panel(&policy);
    publish(&mut small.writer, &mut panel, at(1)).unwrap();
    let seen = small.writer.log().size();
    ["w1", "w3"].iter().for_each(|name| locals.switch(name, false));
    for n in 1..=4 {
        small.commit(n * 3600);
        let found = publish(&mut small.writer, &mut panel, at(n * 3600)).unwrap();
        let waiting = found.waiting.unwrap();
        assert_eq!((found.size, waiting.entries, waiting.since), (seen, n as u64, at(3600)));
        let words = waiting.to_string();
        let (entries, verb) = if n == 1 { ("1 entry", "waits") } else { ("entries", "wait") };
        for part in [entries, verb, "since 2025-03-03T09:00:00Z", "w1 (not reached", "w3 (not", "`ledger publish`"] {
            assert!(words.contains(part), "{words:?} lacks {part:?}");
        }
        assert!(!words.contains("w2 ("), "w2 has cosigned: {words}");
    }
    // The bundle ends where the quorum ends, and it is whole.
    let bundle = small.export().unwrap();
    let report = checked(&bundle, &policy);
    assert_eq!((report.exit_code(), report.head.unwrap().checkpoint.size), (0, seen), "{:?}", report.faults);
    let openings = small.folder.path().join("openings");
    let opened = ledger::export::openings(&small.writer, &Audience::Oversight, None, &openings).unwrap();
    assert_eq!(opened.lines, seen);
    // Who asks nobody still says for whom it waits.
    let silent = publish::look(&small.writer).unwrap().waiting.unwrap().silent;
    assert_eq!(silent.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["w1", "w3"]);
    locals.switch("w3", true);
    let found = publish(&mut small.writer, &mut panel, at(5 * 3600)).unwrap();
    assert_eq!((found.waiting, found.size), (None, small.writer.log().size()));
    assert_eq!(found.missing.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["w1"]);
}

#[test]
fn what_is_published_is_found_again() {
    let mut small = Small::new();
    let policy = small.policy("two", &BTreeMap::new());
    let locals = small.local();
    let mut panel = locals.panel(&policy);
    publish(&mut small.writer, &mut panel, at(1)).unwrap();
    ["w1", "w2", "w3"].iter().for_each(|name| locals.switch(name, false));
    small.commit(60);
    let (before, _) = publish::head(&small.writer).unwrap();
    let file = small.writer.home().published();
    let kept = std::fs::read(&file).unwrap();
    // Gone, as in a restored ledger; torn; another log's: the store has it too.
    for (what, bytes) in [("gone", None), ("torn", Some(kept[..kept.len() / 2].to_vec())), ("other", Some(other_log()))]
    {
        match bytes {
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        assert_eq!(publish::head(&small.writer).unwrap().0, before, "{what}");
    }
    // A policy that asks for more than was seen publishes nothing.
    let text = publish::policy_text(&small.writer).unwrap().replace("group two 2", "group two 3");
    std::fs::write(small.writer.home().policy(), &text).unwrap();
    assert_eq!(publish::head(&small.writer).unwrap().0, before, "all three had seen it");
    let fourth = crate::common::key(4).cosigner_vkey();
    let text = text.replace("group two 3 w1 w2 w3", &format!("witness w4 {fourth}\ngroup two 4 w1 w2 w3 w4"));
    std::fs::write(small.writer.home().policy(), &text).unwrap();
    Policy::parse(&text).unwrap();
    assert!(matches!(publish::head(&small.writer), Err(Failure::Unpublished(_))));
    std::fs::write(small.writer.home().policy(), "nonsense\n").unwrap();
    let failure = publish::head(&small.writer).unwrap_err();
    assert!(matches!(failure, Failure::Policy { .. }), "{failure}");
}

fn other_log() -> Vec<u8> {
    let small = Small::new();
    let note: &Note = small.writer.head();
    note.to_text().into_bytes()
}
