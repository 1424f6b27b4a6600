//! What a feed, or a log, may do wrong: bytes that are not the log's are the feed's doing and pass; what the log has
//! signed is its own doing, is proven, and stays.

use projector::live::Live as _;
use projector::serve::follow::{EVIDENCE, Step};
use projector::serve::notice::{Notice, Why};
use schemas::hash::Hash;
use schemas::policy::Policy;
use schemas::value::Value;
use tests::forge::Pages;
use tests::memory::Memory;
use tests::world::World;
use verifier::bundle::Source as _;
use verifier::report::Verdict;

use crate::common::{Changing, LOG, Projector, WORLD, at, digests, forge, said, sizes, stopped};

/// The golden log at the second and at the last kept size.
fn two() -> (Memory, Memory, u64, u64) {
    let sizes = sizes(&LOG.bundle);
    let (first, last) = (sizes[1], *sizes.last().unwrap());
    (at(&LOG.bundle, first), LOG.bundle.clone(), first, last)
}

/// The last bundle with its entries bent behind the `from`th, and every hash made to fit.
fn bent(bend: impl FnOnce(&mut Vec<Vec<u8>>)) -> Memory {
    let mut pages = Pages::of(&LOG.bundle);
    bend(&mut pages.entries);
    pages.bundle()
}

/// What becomes of a feed.
type Bend = Box<dyn FnOnce() -> Memory>;

#[test]
fn what_the_feed_damages_is_not_taken_and_accuses_nobody() {
    let (before, whole, first, last) = two();
    let at_first = usize::try_from(first).unwrap();
    let entries = "entries that it gives are not those that its checkpoint";
    let cases: Vec<(&str, Bend, &str)> = vec![
        ("a bit flipped", Box::new(move || bent(|e| e[at_first + 3][200] ^= 4)), entries),
        (
            "a bit flipped in what was followed",
            Box::new(move || {
                bent(|e| {
                    e[2][200] ^= 4;
                    e[at_first][100] ^= 1;
                })
            }),
            entries,
        ),
        ("an entry dropped", Box::new(move || bent(|e| drop(e.remove(at_first)))), "it ends before entry"),
        ("two entries swapped", Box::new(move || bent(|e| e.swap(at_first, at_first + 1))), entries),
        (
            "an entry replayed",
            Box::new(move || {
                bent(|e| {
                    let again = e[at_first].clone();
                    e.insert(at_first + 1, again);
                    e.pop();
                })
            }),
            entries,
        ),
        ("an old entry in the place of a new one", Box::new(move || bent(|e| e[at_first] = e[3].clone())), entries),
        (
            "the checkpoint is bent",
            Box::new(|| {
                let mut files = LOG.bundle.clone();
                let end = files.get("checkpoint").len();
                files.flip("checkpoint", (end - 8) * 8);
                files
            }),
            "not one that the policy accepts",
        ),
        (
            "no checkpoint",
            Box::new(|| {
                let mut files = LOG.bundle.clone();
                files.remove("checkpoint");
                files
            }),
            "there is none",
        ),
        ("a foreign log", Box::new(|| World::other().bundle), "the policy has no key for the log other.example/log"),
        (
            "a tile that is none",
            Box::new(|| {
                let mut files = LOG.bundle.clone();
                let tile = files.names().into_iter().rfind(|path| path.starts_with("tile/entries/")).unwrap();
                files.put(&tile, vec![0xff; 9]);
                files
            }),
            "it does not hold",
        ),
    ];
    let want = digests(&LOG.bundle);
    for (name, bend, told) in cases {
        let folder = tempfile::tempdir().unwrap();
        let mut projector = Projector::open(folder.path(), &WORLD.policy);
        let files = Changing::new(before.clone());
        let mut feed = files.feed();
        projector.all(&mut feed);
        let digest = projector.digest();
        assert!(want.contains(&digest), "{name}");
        files.set(bend());
        for _ in 0..2 {
            let step = projector.step(&mut feed);
            assert!(matches!(&step, Step::Troubled(Notice::Feed { .. })), "{name}: {step:?}");
            assert!(said(&step).contains(told), "{name}: {}", said(&step));
            assert_eq!(projector.digest(), digest, "{name}: nothing was taken");
        }
        // As soon as the feed is sound again, it goes on as if nothing had been.
        files.set(whole.clone());
        assert_eq!(projector.all(&mut feed), Step::Idle, "{name}");
        assert_eq!(projector.digest(), *want.last().unwrap(), "{name}");
        assert_eq!(projector.follow.size(), last);
    }
}

#[test]
fn an_older_copy_of_the_log_is_told_and_is_no_fork() {
    let (before, whole, first, last) = two();
    let folder = tempfile::tempdir().unwrap();
    let mut projector = Projector::open(folder.path(), &WORLD.policy);
    let files = Changing::new(whole.clone());
    let mut feed = files.feed();
    projector.all(&mut feed);
    files.set(before);
    assert_eq!(projector.step(&mut feed), Step::Troubled(Notice::Behind { shown: first, followed: last }));
    // The same after a new start, even where our own copy was lost: what was seen once is not forgotten.
    drop(projector);
    std::fs::write(folder.path().join("entries"), b"").unwrap();
    let mut projector = Projector::open(folder.path(), &WORLD.policy);
    assert_eq!(projector.follow.size(), 0, "the copy is gone");
    assert_eq!(projector.step(&mut feed), Step::Troubled(Notice::Behind { shown: first, followed: last }));
    files.set(whole);
    assert_eq!(projector.all(&mut feed), Step::Idle);
    assert_eq!(projector.follow.size(), last);
}

/// The golden log as its operator might tell it to others: one record bent, everything signed again.
fn other_history() -> Memory {
    let mut forge = forge();
    let at = forge.at("cso-x/visit.disputed/r1");
    forge.records.remove(at);
    forge.build().bundle
}

/// The other history with a few batches more than the golden log has.
fn longer_history() -> Memory {
    let mut forge = forge();
    let at = forge.at("cso-x/visit.disputed/r1");
    forge.records.remove(at);
    for _ in 0..3 {
        forge.seal();
    }
    forge.build().bundle
}

#[test]
fn two_histories_are_proven_and_end_it() {
    let size = *sizes(&LOG.bundle).last().unwrap();
    let same_size = {
        let mut forge = forge();
        let at = forge.at("cso-x/visit.disputed/r1");
        forge.records.remove(at);
        forge.seal();
        forge.build().bundle
    };
    for (name, other) in [("shorter", other_history()), ("of one size", same_size), ("longer", longer_history())] {
        let folder = tempfile::tempdir().unwrap();
        let mut projector = Projector::open(folder.path(), &WORLD.policy);
        let files = Changing::new(LOG.bundle.clone());
        let mut feed = files.feed();
        projector.all(&mut feed);
        let digest = projector.digest();
        assert_eq!(digest.0, size);
        files.set(other);
        assert_eq!(projector.step(&mut feed), Step::Stopped, "{name}");
        let Notice::Fault { text, evidence, .. } = stopped(&projector).clone() else { panic!("{name}: no fault") };
        assert!(text.contains("has signed two histories"), "{name}: {text}");
        assert_eq!(evidence, ["fork.jsonl"], "{name}");
        let proof = std::fs::read(folder.path().join(EVIDENCE).join("fork.jsonl")).unwrap();
        let report = verifier::compare::check_fork(&proof, &WORLD.policy);
        assert_eq!(report.verdict(), Verdict::Proven, "{name}: {:?}", report.faults);
        // It stands: nothing more is taken, now and after a start, and what was shown stays.
        files.set(LOG.bundle.clone());
        assert_eq!(projector.step(&mut feed), Step::Stopped, "{name}");
        drop(projector);
        let mut projector = Projector::open(folder.path(), &WORLD.policy);
        assert_eq!(projector.step(&mut feed), Step::Stopped, "{name}");
        assert_eq!(stopped(&projector), &Notice::Fault { text, position: None, evidence }, "{name}");
        assert_eq!(projector.digest(), digest, "{name}");
    }
}

#[test]
fn what_the_log_signed_and_may_not_hold_is_shown_with_its_proof() {
    let first = usize::try_from(sizes(&LOG.bundle)[1]).unwrap();
    // An operator who holds the log's key makes bytes of its own and signs a checkpoint over them.
    let signed = |bend: &dyn Fn(&mut Vec<Vec<u8>>, &mut Pages)| {
        let forge = forge();
        let mut pages = Pages::of(&LOG.bundle);
        let mut entries = std::mem::take(&mut pages.entries);
        bend(&mut entries, &mut pages);
        pages.entries = entries;
        let root = verifier::tree::root_of(&pages.leaves());
        pages.side.put("checkpoint", forge.checkpoint(pages.entries.len() as u64, root));
        pages.bundle()
    };
    let replaced = |at: usize, from: &'static str, to: &'static str| {
        move |entries: &mut Vec<Vec<u8>>, _: &mut Pages| {
            let text = String::from_utf8(entries[at].clone()).unwrap();
            assert!(text.contains(from), "{text}");
            entries[at] = text.replacen(from, to, 1).into_bytes();
        }
    };
    let at = |address: &str| forge().at(address);
    let visit = at("fac-a/visit.completed/r1");
    assert!(visit > first);
    let cases: [(&str, Memory, usize, &str); 3] = [
        ("a word changed", signed(&replaced(visit, "\"wait\":10", "\"wait\":11")), visit, "signature"),
        ("the chain is cut", signed(&|entries, _| drop(entries.remove(visit))), visit, "number"),
        ("the end is no seal", signed(&|entries, _| entries.truncate(visit + 1)), visit, "the last entry"),
    ];
    for (name, files, position, told) in cases {
        let folder = tempfile::tempdir().unwrap();
        let mut projector = Projector::open(folder.path(), &WORLD.policy);
        let changing = Changing::new(at_size(first));
        let mut feed = changing.feed();
        projector.all(&mut feed);
        let digest = projector.digest();
        changing.set(files);
        assert_eq!(projector.step(&mut feed), Step::Stopped, "{name}");
        let Notice::Fault { text, position: found, evidence } = stopped(&projector).clone() else { panic!("{name}") };
        assert!(text.contains(told), "{name}: {text}");
        assert_eq!(found, Some(position as u64), "{name}: {text}");
        let receipt = std::fs::read(folder.path().join(EVIDENCE).join(&evidence[0])).unwrap();
        let proof = schemas::receipt::Receipt::parse(std::str::from_utf8(&receipt).unwrap()).unwrap();
        let size = schemas::checkpoint::Checkpoint::parse(&proof.checkpoint.text).unwrap();
        let leaf = Hash::leaf(proof.entry.as_ref().unwrap());
        verifier::tree::check_inclusion(&proof.proof, proof.index, leaf, size.size, size.root).unwrap();
        assert_eq!(projector.digest(), digest, "{name}: what was folded of it is not shown");
        assert_eq!(projector.follow.book([].into()).unwrap().kept.size, first as u64, "{name}");
    }
}

fn at_size(size: usize) -> Memory {
    at(&LOG.bundle, size as u64)
}

#[test]
fn what_cannot_be_folded_is_told_with_place_and_type() {
    // The profile's document is nowhere to be had.
    let profile = forge().at("npm/rule.profile.adopted/r1") as u64;
    let mut files = LOG.bundle.clone();
    for path in LOG.bundle.names().into_iter().filter(|path| path.starts_with("documents/")) {
        files.remove(&path);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut projector = Projector::open(folder.path(), &WORLD.policy);
    let changing = Changing::new(files);
    let mut feed = changing.feed();
    assert_eq!(projector.all(&mut feed), Step::Idle, "the log goes on: a default stands in");
    let told: Vec<_> = projector.follow.build().unfolded().cloned().collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].position, told[0].kind.as_str()), (profile, "rule.profile.adopted"));
    assert!(matches!(told[0].why, Why::Missing { .. }) && !told[0].stops());
    // It comes later, and counts once the views are made anew.
    assert!(!projector.follow.documents(&mut feed));
    changing.set(LOG.bundle.clone());
    assert!(projector.follow.documents(&mut feed));
    let mut anew = projector.follow.anew();
    anew.run(&mut |_| None, &mut |_, _| true).unwrap();
    assert_eq!(projector.follow.switch(anew, &mut feed).unwrap(), None, "the views themselves are the same");
    assert_eq!(projector.follow.build().unfolded().count(), 0);
    // A document that is another is not taken.
    let digest = Hash::of(&[b"wanted"]);
    changing.set({
        let mut files = LOG.bundle.clone();
        files.put(&format!("documents/{}", digest.to_hex()), b"other".to_vec());
        files
    });
    assert_eq!(feed.document(&digest).unwrap().as_deref(), Some(&b"other"[..]));
}

/// The golden log, which then adopts another catalogue (or not) and uses a type of it.
fn newer(adopts: bool) -> Memory {
    let mut forge = forge();
    if adopts {
        let digest = Hash::of(&[b"a catalogue of next year"]).to_hex();
        let keys = [forge.key("op", "o1"), forge.key("op", "o2")];
        let day = forge.now().date(60).to_string();
        let draft = forge.draft("schema.adopted", "op").id("sc-2").with("catalogue_id", "next");
        let said = draft.with("catalogue", &digest).with("effective_on", &day).signed(&[&keys[0], &keys[1]]);
        forge.add(&said);
        forge.seal();
    }
    let key = forge.key("cso-x", "x1");
    let said = forge.draft("visit.completed", "cso-x").but(|event| event.kind = "visit.imagined".to_owned());
    forge.add(&said.value("count", Value::Integer(1)).signed(&[&key]));
    forge.seal();
    forge.build().bundle
}

#[test]
fn a_type_of_a_newer_catalogue_ends_it_without_accusing_the_log() {
    for adopts in [true, false] {
        let mut files = newer(adopts);
        let sizes = sizes(&files);
        let last_but_one = sizes[sizes.len() - 2];
        let folder = tempfile::tempdir().unwrap();
        let mut projector = Projector::open(folder.path(), &WORLD.policy);
        let changing = Changing::new(at(&files, last_but_one));
        let mut feed = changing.feed();
        assert_eq!(projector.all(&mut feed), Step::Idle);
        let digest = projector.digest();
        let checkpoint = files.read("checkpoint").unwrap();
        assert!(checkpoint.is_some());
        changing.set(files);
        assert_eq!(projector.all(&mut feed), Step::Stopped);
        match stopped(&projector) {
            Notice::Unfolded(unfolded) => {
                assert!(adopts);
                assert_eq!(unfolded.kind, "visit.imagined");
                assert_eq!(unfolded.position, last_but_one);
                assert!(unfolded.stops());
                let told: Vec<_> = projector.follow.build().unfolded().map(|u| u.kind.clone()).collect();
                assert_eq!(told, Vec::from(["schema.adopted"]));
            }
            Notice::Fault { text, .. } => {
                assert!(!adopts, "{text}");
                assert!(text.contains("visit.imagined"), "{text}");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(projector.digest(), digest);
    }
}

#[test]
fn a_policy_that_does_not_accept_what_was_followed_refuses_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut projector = Projector::open(folder.path(), &WORLD.policy);
    projector.all(&mut Changing::new(LOG.bundle.clone()).feed());
    drop(projector);
    let other = World::other().policy;
    let state = projector::serve::follow::StateFolder::open(folder.path()).unwrap();
    let refused = |policy: &Policy| {
        projector::serve::follow::Follow::resume(&state, policy, None, &mut |_, _| true).unwrap_err().to_string()
    };
    assert!(refused(&other).contains("Give this log its own --state"), "{}", refused(&other));
    let two = Policy { logs: [WORLD.policy.logs.clone(), other.logs].concat(), ..WORLD.policy.clone() };
    assert!(refused(&two).contains("names 2 logs"), "{}", refused(&two));
    assert!(projector::serve::follow::StateFolder::open(folder.path()).is_err(), "one process has it");
}
