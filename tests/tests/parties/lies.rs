//! Each lie that an operator could tell about one party: who catches it, with what evidence.
//!
//! The operator holds the log's key and the key of seals, and makes what files it likes. The party
//! holds the log's public key, and what it has kept: receipts, an older pack.

use schemas::fork::Fork;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::opening::Slot;
use schemas::pack::{Pack, Shown};
use schemas::policy::Policy;
use schemas::stream::Head;
use schemas::value::Value;
use tests::forge::{Forge, Pages, lines};
use tests::packs::Desk;
use tests::world::World;
use verifier::bundle::{NoVisitor, check as check_bundle};
use verifier::compare::{Known, Relation, check_fork, relation};
use verifier::pack::{Complete, check};
use verifier::report::Verdict;
use verifier::signature::SecretKey;

use crate::common::{PARTY, STREAM, checked, desk, desk_of, earlier, fault, golden};

/// A lie in the pack alone, and the words by which the party's own check names it.
type Lie = (&'static str, &'static str, fn(&Desk) -> Pack);

/// The same pack with some records left out, and an index made up to fit.
fn without(desk: &Desk, gone: &[usize]) -> Pack {
    let positions = desk.items(STREAM);
    let kept: Vec<u64> = (0..).zip(&positions).filter(|(n, _)| !gone.contains(n)).map(|(_, p)| *p).collect();
    let mut streams = desk.streams.clone();
    streams.insert(STREAM.to_owned(), kept.clone());
    desk.pack_with(STREAM, PARTY, &mut desk.index_of(&streams), &kept)
}

const LIES: &[Lie] = &[
    ("its last record is dropped", "does not lead to the root", |desk| without(desk, &[desk.items(STREAM).len() - 1])),
    ("a record in the middle is dropped", "does not lead to the root", |desk| without(desk, &[3])),
    ("a record is dropped, the index left as it is", "the index binds", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        pack.items.remove(3);
        pack
    }),
    ("a record is dropped and the number lowered", "does not lead to the root", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        pack.items.remove(3);
        if let Shown::Present { count, .. } = &mut pack.shown {
            *count -= 1;
        }
        pack
    }),
    ("a record is replaced by one about others", "not those that the index binds", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        let strangers = desk.items("organisation/min");
        let other = strangers.iter().find(|p| !desk.items(STREAM).contains(p) && **p < pack.items[4].proven.index);
        let position = *other.expect("a record about others");
        pack.items[3].proven = desk.proven(position);
        (pack.items[3].digests, pack.items[3].slots) = (Vec::new(), Vec::new());
        pack.items.sort_by_key(|item| item.proven.index);
        pack
    }),
    ("it is said that there is no record at all", "the index", |desk| {
        let mut streams = desk.streams.clone();
        streams.remove(STREAM);
        desk.pack_with(STREAM, PARTY, &mut desk.index_of(&streams), &[])
    }),
    ("the proof of another's absence is shown", "the index", |desk| {
        let mut pack = desk.pack("organisation/nobody", PARTY);
        pack.stream = STREAM.to_owned();
        pack
    }),
    ("another stream's pack is shown under this name", "does not lead to the root", |desk| {
        let mut pack = desk.pack("facility/fac-b", PARTY);
        pack.stream = STREAM.to_owned();
        pack
    }),
    ("the openings of two records are swapped", "openings:", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        let open: Vec<usize> =
            (0..pack.items.len()).filter(|n| pack.items[*n].slots.iter().any(|s| matches!(s, Slot::Open(_)))).collect();
        let slots = pack.items[open[0]].slots.clone();
        pack.items[open[0]].slots = pack.items[open[1]].slots.clone();
        pack.items[open[1]].slots = slots;
        pack
    }),
    ("the openings of two records are swapped with their digests", "openings:", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        let open: Vec<usize> = (0..pack.items.len()).filter(|n| !pack.items[*n].slots.is_empty()).collect();
        let (slots, digests) = (pack.items[open[0]].slots.clone(), pack.items[open[0]].digests.clone());
        pack.items[open[0]].slots = pack.items[open[1]].slots.clone();
        pack.items[open[0]].digests = pack.items[open[1]].digests.clone();
        (pack.items[open[1]].slots, pack.items[open[1]].digests) = (slots, digests);
        pack
    }),
    ("a value is said to be erased by an entry that erases nothing", "erases no such thing", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        let by = pack.items.last().expect("records").proven.index;
        let item = pack.items.iter_mut().find(|item| !item.slots.is_empty()).expect("an opening");
        item.slots[0] = Slot::ErasedBy(by);
        pack
    }),
    ("a proof is taken from another record", "not in the log under this checkpoint", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        pack.items[2].proven.proof = pack.items[5].proven.proof.clone();
        pack
    }),
    ("an earlier seal is shown as the last", "the last entry under the checkpoint is not", |desk| {
        let old = earlier(1);
        let mut pack = desk.pack(STREAM, PARTY);
        pack.seal = desk.proven(old.size() - 1);
        pack
    }),
    ("a record that is no seal is shown as one", "the last entry under the checkpoint is not", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        pack.seal = desk.proven(desk.items(STREAM)[0]);
        pack
    }),
    ("the key by which a record is signed is left out", "is not enrolled", |desk| {
        let mut pack = desk.pack(STREAM, PARTY);
        pack.keys.clear();
        pack
    }),
];

#[test]
fn a_lie_in_the_pack_is_caught_by_the_party_alone() {
    let desk = desk();
    assert_eq!(checked(&desk.pack(STREAM, PARTY)).report.verdict(), Verdict::Verified, "no lie");
    for (what, words, tell) in LIES {
        let report = checked(&tell(&desk));
        assert_eq!(report.report.verdict(), Verdict::NotVerified, "{what}");
        assert!(fault(&report).contains(words), "{what}: {}", fault(&report));
    }
}

/// The log again, with one record of the party bent, re-chained, sealed and signed by the operator.
pub(crate) fn resigned(key: &SecretKey) -> Desk {
    let mut forge = Forge::of(golden());
    let at = forge.at("cso-x/access.request.submitted/r1");
    let text = forge.records[at].note.text.replace("\"purpose\":\"family\"", "\"purpose\":\"legal_aid\"");
    assert_ne!(text, forge.records[at].note.text);
    forge.records[at].note = Note { signatures: vec![key.sign(&text)], text };
    let id = Hash::of(&[forge.records[at].note.text.as_bytes()]);
    if let Some(line) = &mut forge.records[at].opening {
        line.event = id;
    }
    let built = forge.build();
    desk_of(Pages::of(&built.bundle).entries, lines(&built.openings))
}

#[test]
fn a_record_signed_again_is_caught_by_the_party_alone() {
    let report = checked(&resigned(&golden().seal_key.clone()).pack(STREAM, PARTY));
    assert_eq!(report.report.verdict(), Verdict::NotVerified);
    assert!(fault(&report).contains("not by a holder of cso-x"), "{}", fault(&report));
    assert!(report.report.faults[0].position().is_some(), "it names the entry");
}

/// A log whose last seal leaves a record out of the party's stream.
pub(crate) fn false_index(gone: Option<usize>) -> (Desk, Pack, tests::memory::Memory) {
    let honest = desk();
    let mut streams = honest.streams.clone();
    match gone {
        Some(number) => {
            streams.get_mut(STREAM).expect("the party's stream").remove(number);
        }
        None => {
            streams.remove(STREAM);
        }
    }
    let mut index = honest.index_of(&streams);
    let mut forge = Forge::of(golden());
    let last = forge.records.len() - 1;
    let mut event = forge.records[last].event();
    event.data.insert("map_root".to_owned(), Value::Text(index.root().to_hex()));
    event.data.insert("streams".to_owned(), Value::Integer(i64::try_from(index.len()).unwrap()));
    let text = event.to_text();
    forge.records[last].note = Note { signatures: vec![golden().seal_key.sign(&text)], text };
    forge.records[last].kept = true;
    let built = forge.build();
    let desk = desk_of(Pages::of(&built.bundle).entries, lines(&built.openings));
    let positions = streams.get(STREAM).cloned().unwrap_or_default();
    let pack = desk.pack_with(STREAM, PARTY, &mut desk.index_of(&streams), &positions);
    (desk, pack, built.bundle)
}

#[test]
fn a_record_left_out_of_the_index_is_caught_by_whoever_recomputes_it() {
    for (what, gone) in [("one in the middle", Some(3)), ("the last", Some(8)), ("all", None)] {
        let (_, pack, bundle) = false_index(gone);
        // The pack holds together: so its verdict claims no more than it can.
        let report = checked(&pack);
        assert_eq!(report.report.verdict(), Verdict::Verified, "{what}: {:?}", report.report.faults);
        assert_eq!(report.complete, Complete::IfIndexHonest, "{what}");
        // The public entries give another index: anyone with the bundle, and so every auditor.
        let audited = check_bundle(&mut bundle.clone(), &golden().policy, None, &mut NoVisitor);
        let found = audited.faults.first().map(ToString::to_string).unwrap_or_default();
        assert_eq!(audited.verdict(), Verdict::NotVerified, "{what}");
        assert!(found.contains("map_root") || found.contains("streams"), "{what}: {found}");
    }
}

#[test]
fn an_old_pack_is_caught_by_what_the_party_has_kept() {
    let (old, now) = (earlier(3), desk());
    let mut report = checked(&old.pack(STREAM, PARTY));
    // By itself it holds, and says how old it is.
    assert_eq!(report.report.verdict(), Verdict::Verified);
    assert!(report.report.as_of < checked(&now.pack(STREAM, PARTY)).report.as_of);
    report.extends(&checked(&now.pack(STREAM, PARTY)));
    assert_eq!(report.report.verdict(), Verdict::CannotTell, "an old file in the place of the newer is no lie");
    assert!(
        report.report.unknown[0].contains("is older than what was given with --since"),
        "{:?}",
        report.report.unknown
    );
}

/// Two packs of one stream, each of which holds by itself, in either order: what contradicts is a lie in both.
#[test]
fn a_record_that_one_of_two_packs_hides_is_a_lie_in_either_order() {
    let (old, now) = (earlier(1), desk());
    let all = old.items(STREAM);
    let hidden = |drop: usize, desk: &Desk| {
        let mut report = checked(&desk.pack(STREAM, PARTY));
        assert_eq!(report.report.verdict(), Verdict::Verified);
        // As a pack under another index would show it.
        report.records.remove(drop);
        report
    };
    let (old_whole, now_whole) = (checked(&old.pack(STREAM, PARTY)), checked(&now.pack(STREAM, PARTY)));
    let without = [hidden(0, &now), hidden(all.len() - 1, &now), hidden(1, &old), hidden(all.len() - 1, &old)];
    for (what, small, large, lie) in [
        ("honest", &old_whole, &now_whole, false),
        ("the newer hides the first", &old_whole, &without[0], true),
        ("the newer hides the last", &old_whole, &without[1], true),
        ("the older hid one in the middle", &without[2], &now_whole, true),
        ("the older hid its last", &without[3], &now_whole, true),
    ] {
        for (mut report, other, swapped) in [(large.clone(), small, false), (small.clone(), large, true)] {
            report.extends(other);
            let told = fault(&report).contains("which goes beyond it, does not");
            assert_eq!(told, lie, "{what}, swapped {swapped}: {:?}", report.report.faults);
            assert_eq!(report.report.exit_code(), if lie { 1 } else { 2 }, "{what}, swapped {swapped}");
        }
    }
}

/// The log as the operator tells it to others: a record back-dated into an earlier day.
pub(crate) fn back_dated() -> Desk {
    let mut forge = Forge::of(golden());
    let at = forge.at("cso-x/access.request.submitted/r1") + 1;
    let (note, opening) = (forge.records[at - 1].note.clone(), forge.records[at - 1].opening.clone());
    let key = forge.key("fac-a", "d1");
    let draft = forge.draft("outage.declared", "fac-a").with("facility", "fac-a").with("cause", "network");
    let said = draft.with("from", "2025-03-04T07:00:00Z").id("ou-9").signed(&[&key]);
    let mut record = forge.record(&said);
    record.received_at = forge.records[at - 1].received_at;
    forge.records.insert(at, record);
    assert_eq!((&forge.records[at - 1].note, &forge.records[at - 1].opening), (&note, &opening));
    let built = forge.build();
    desk_of(Pages::of(&built.bundle).entries, lines(&built.openings))
}

#[test]
fn a_back_dated_record_is_a_fork_and_its_evidence_convinces_anyone() {
    let (kept, told) = (earlier(2), back_dated());
    let (ours, theirs) = (checked(&kept.pack(STREAM, PARTY)), checked(&told.pack(STREAM, PARTY)));
    assert_eq!(
        theirs.report.verdict(),
        Verdict::Verified,
        "by itself the rewritten log holds: {:?}",
        theirs.report.faults
    );
    let heads = [ours.report.head.clone().unwrap(), theirs.report.head.clone().unwrap()];
    // The party's older pack is no prefix of it: a fork, provable with the rewritten log's own hashes.
    let Relation::Fork(fork) = relation(&heads[0], &heads[1], Known::All(told.levels())) else {
        panic!("no fork was seen")
    };
    assert_eq!(check_fork(fork.to_text().as_bytes(), &golden().policy).verdict(), Verdict::Proven);
    // And a pack that claims to go on from the older one cannot prove it.
    let mut pack = told.pack(STREAM, PARTY);
    pack.since = vec![told.since(kept.size())];
    let mut report = checked(&pack);
    report.extends(&ours);
    assert_eq!(report.report.verdict(), Verdict::NotVerified);
    assert!(report.report.faults.iter().any(|f| f.to_string().contains("is not part of the log as it is now")));
}

#[test]
fn two_histories_of_one_size_are_a_fork() {
    let (a, b) = (desk(), resigned(&golden().key("cso-x", "x1", 1)));
    assert_eq!(a.size(), b.size());
    let head = |desk: &Desk| checked(&desk.pack(STREAM, PARTY)).report.head.unwrap();
    let Relation::Fork(fork) = relation(&head(&a), &head(&b), Known::Nothing) else { panic!("no fork was seen") };
    assert_eq!(fork.prefix, None, "two signatures are enough");
    let text = fork.to_text();
    assert_eq!(check_fork(text.as_bytes(), &golden().policy).verdict(), Verdict::Proven);
    assert_eq!(Fork::parse(&text).as_ref(), Some(fork.as_ref()));
    // What is no fork convicts nobody.
    let same = Fork { second: fork.first.clone(), ..(*fork).clone() };
    assert_eq!(check_fork(same.to_text().as_bytes(), &golden().policy).verdict(), Verdict::NotProven);
    let (old, now) = (head(&earlier(2)), head(&a));
    let honest = Fork {
        first: old.note.clone(),
        second: now.note.clone(),
        prefix: Some((old.checkpoint.root, a.since(old.checkpoint.size).1)),
    };
    assert_eq!(check_fork(honest.to_text().as_bytes(), &golden().policy).verdict(), Verdict::NotProven);
    assert_eq!(relation(&old, &now, Known::All(a.levels())), Relation::Prefix);
    assert_eq!(relation(&now, &old, Known::Nothing), Relation::CannotTell);
    assert_eq!(relation(&now, &now, Known::Nothing), Relation::Same);
    let mut forged = fork.second.clone();
    forged.signatures = fork.first.signatures.clone();
    let framed = Fork { second: forged, ..(*fork).clone() };
    assert_eq!(
        check_fork(framed.to_text().as_bytes(), &golden().policy).verdict(),
        Verdict::NotProven,
        "nobody can frame a log"
    );
}

#[test]
fn a_forged_witness_line_does_not_count() {
    let desk = desk();
    let witness = SecretKey::new("archive.example/witness", &[3; 32]);
    let text = format!("{}witness a {}\nquorum a\n", log_line(), witness.cosigner_vkey());
    let policy = Policy::parse(&text).unwrap();
    let honest = desk.pack(STREAM, PARTY);
    let verdict = |pack: &Pack| check(pack.to_text().as_bytes(), &policy, &[]).report.verdict();
    assert_eq!(verdict(&honest), Verdict::CannotTell, "no witness has seen it, or its line was lost");
    let mut signed = honest.clone();
    signed.checkpoint.signatures.push(witness.cosign(&honest.checkpoint.text, 1_741_424_400));
    assert_eq!(verdict(&signed), Verdict::Verified);
    let line = signed.checkpoint.signatures[1].clone();
    let mut forged = line.clone();
    forged.signature[9] ^= 1;
    let mut later = line.clone();
    later.signature[7] ^= 1;
    let own = SecretKey::new("archive.example/witness", &[4; 32]).cosign(&honest.checkpoint.text, 1_741_424_400);
    let mut named = own.clone();
    named.id = line.id;
    let other = witness.cosign(&earlier(1).checkpoint.text, 1_741_424_400);
    for (what, bent, want) in [
        ("a signature that does not hold", forged, Verdict::NotVerified),
        ("another time than the witness signed", later, Verdict::NotVerified),
        // A witness may have another key too, which the reader does not know: that accuses nobody.
        ("a key of the operator under the witness's name", own, Verdict::CannotTell),
        ("the same with the witness's key id", named, Verdict::NotVerified),
        ("a cosignature of another checkpoint", other, Verdict::NotVerified),
    ] {
        let mut pack = honest.clone();
        pack.checkpoint.signatures.push(bent.clone());
        assert_eq!(verdict(&pack), want, "{what}");
        // And it does no harm beside a line that holds.
        pack.checkpoint.signatures.push(line.clone());
        assert_eq!(verdict(&pack), Verdict::Verified, "{what}, beside a good one");
    }
}

fn log_line() -> String {
    format!("log {}\n", golden().log_key.vkey())
}

#[test]
fn a_record_of_another_ledger_is_not_one_of_this() {
    let other = World::other();
    let entries = Pages::of(&other.bundle).entries;
    let theirs = {
        let note = Note::parse(other.bundle.get("checkpoint")).unwrap();
        Desk::new(&other.origin, entries, lines(&other.openings), note, "quorum none\n")
    };
    // Under this reader's policy the other log is unknown: nothing can be said.
    let report = checked(&theirs.pack(STREAM, PARTY));
    assert_eq!(report.report.verdict(), Verdict::CannotTell, "{:?}", report.report.faults);
    // Its pack under this log's checkpoint, and its records among this log's, are lies.
    let desk = desk();
    let mut relabelled = theirs.pack(STREAM, PARTY);
    relabelled.checkpoint = desk.checkpoint.clone();
    assert_eq!(checked(&relabelled).report.verdict(), Verdict::NotVerified);
    relabelled.ledger = golden().origin.clone();
    assert_eq!(checked(&relabelled).report.verdict(), Verdict::NotVerified);
    let mut mixed = desk.pack(STREAM, PARTY);
    mixed.items[2] = theirs.pack(STREAM, PARTY).items[2].clone();
    assert_eq!(checked(&mixed).report.verdict(), Verdict::NotVerified);
    // Entries of the other log, taken into this one's tree by its own operator.
    let mut taken = Pages::of(&golden().bundle).entries;
    let at = usize::try_from(desk.items(STREAM)[2]).unwrap();
    taken[at] = Pages::of(&other.bundle).entries[at].clone();
    let forged = desk_of(taken, lines(&golden().openings));
    let report = checked(&forged.pack_with(STREAM, PARTY, &mut forged.index_of(&desk.streams), &desk.items(STREAM)));
    assert_eq!(report.report.verdict(), Verdict::NotVerified);
    assert!(
        report
            .report
            .faults
            .iter()
            .any(|f| f.to_string().contains("the event is for the ledger") || f.to_string().contains("the index"))
    );
}

#[test]
fn a_head_made_up_leads_nowhere() {
    let desk = desk();
    for bend in 0..3 {
        let mut pack = desk.pack(STREAM, PARTY);
        let Shown::Present { count, last, root } = pack.shown else { panic!("the stream is there") };
        let head = match bend {
            0 => Head { count: count + 1, last, root },
            1 => Head { count, last: last + 1, root },
            _ => Head { count, last, root: Hash::of(&[b"another"]) },
        };
        pack.shown = Shown::Present { count: head.count, last: head.last, root: head.root };
        assert_eq!(checked(&pack).report.verdict(), Verdict::NotVerified, "{head:?}");
    }
}
