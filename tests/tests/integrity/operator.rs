//! The operator lies. It holds the keys of checkpoints and seals and writes what it likes; it
//! does not hold the keys of those who report, nor what others have kept.

use std::collections::BTreeSet;

use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::note::Origin;
use schemas::opening::{Disclosure, OpeningLine, Slot};
use schemas::time::Timestamp;
use schemas::value::Value;
use tests::forge::{Draft, Forge, Forged, Pages, Record, Said, lines, openings};
use verifier::bundle::{NoVisitor, check};
use verifier::fault::Fault;
use verifier::report::Report;
use verifier::signature::SecretKey;
use verifier::state::State;
use verifier::tree::{check_inclusion, inclusion};

use crate::common::{entries_path, golden};

/// Where a lie comes to light.
#[derive(Clone, Copy, Debug)]
pub enum Caught {
    /// At the entry that this record has become, by that number of FORMAT.md 11.
    Refused(At, u8),
    /// At that entry, by the form of entry and chain.
    Entry(At, &'static str),
    /// At a file, with these words.
    File(&'static str, &'static str),
    /// At an opening of that record, with these words.
    Opening(At, &'static str),
    /// At the last entry: it is no seal.
    NoSeal,
    /// Nothing can be said: exit code 2.
    CannotTell,
    /// Not by the bundle alone: `nobody_else` says by what.
    NotByTheBundle,
}

/// The position of a record.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// Of the first at that address.
    Address(&'static str),
    /// Of the last entry.
    Last,
    /// Of the seal that closes this many batches.
    Seal(usize),
    /// Of the first entry.
    First,
}

/// One lie: what is told, who or what tells of it, and how it is told.
pub type Lie = (&'static str, Caught, fn(&mut Forge<'_>) -> Forged);

const VISIT: &str = "fac-a/visit.completed/r1";
const APPROVAL: &str = "fac-a/access.request.approved/r1";
const OUTAGE: &str = "fac-a/outage.declared/r1";
const DENIAL: &str = "fac-b/access.request.denied/r1";
const INSPECTION: &str = "npm/inspection.conducted/r1";
const REQUEST: &str = "cso-x/access.request.submitted/r1";

use At::{Address, First, Last, Seal};
use Caught::{CannotTell, Entry, File, NoSeal, NotByTheBundle, Opening, Refused};

pub const LIES: &[Lie] = &[
    ("no lie", NotByTheBundle, |log| log.build()),
    // What was said.
    ("an event altered", Refused(Address(VISIT), 6), |log| {
        let at = log.at(VISIT);
        let note = &mut log.records[at].note;
        note.text = note.text.replace("\"wait\":10", "\"wait\":11");
        log.build()
    }),
    ("an event altered and signed with the operator's own key", Refused(Address(VISIT), 7), |log| {
        let own = log.seal_key();
        alter(log, VISIT, |text| text.replace("\"wait\":10", "\"wait\":11"), &[&own]);
        log.build()
    }),
    ("an event altered and signed with a key made up for its author", Refused(Address(VISIT), 5), |log| {
        let key = made_up(&log.key("fac-a", "d2").vkey().name);
        alter(log, VISIT, |text| text.replace("\"wait\":10", "\"wait\":11"), &[&key]);
        log.build()
    }),
    ("the signature of another event", Refused(Address(VISIT), 6), |log| {
        let other = log.records[log.at(OUTAGE)].note.signatures.clone();
        let (from, to) = (other[0].signature.clone(), log.at(VISIT));
        log.records[to].note.signatures[0].signature = from;
        log.build()
    }),
    ("the second signature taken away where trust needs two", Refused(Address("fac-a/key.rotated/r1"), 14), |log| {
        let at = log.at("fac-a/key.rotated/r1");
        log.records[at].note.signatures.truncate(1);
        log.build()
    }),
    (
        "the second signature replaced by one of another event",
        Refused(Address("fac-a/record.corrected/r1"), 6),
        |log| {
            let at = log.at("fac-a/record.corrected/r1");
            let again = log.records[at].note.signatures[0].signature.clone();
            log.records[at].note.signatures[1].signature = again;
            log.build()
        },
    ),
    ("a signature too many", Refused(Address(VISIT), 9), |log| {
        let at = log.at(VISIT);
        let more = log.seal_key().sign(&log.records[at].note.text);
        log.records[at].note.signatures.push(more);
        log.build()
    }),
    // What was left out, put in, moved.
    ("an event left out that others refer to", Refused(Address(VISIT), 12), |log| {
        log.records.remove(log.at(APPROVAL));
        log.build()
    }),
    ("the enrolment of a key left out", Refused(Address("eva/evaluation.completed/r1"), 5), |log| {
        log.records.remove(log.at("eva/key.enrolled/r1"));
        log.build()
    }),
    ("an event left out that nobody refers to", NotByTheBundle, |log| {
        log.records.remove(log.at(OUTAGE));
        log.build()
    }),
    ("the same, beside a checkpoint that somebody kept", File("checkpoints/41", "its end was left out"), |log| {
        log.records.remove(log.at(OUTAGE));
        beside_old_checkpoints(log)
    }),
    (
        "another event in its place, beside a checkpoint that somebody kept",
        File("checkpoints/38", "it says root"),
        |log| {
            let at = log.at(OUTAGE);
            let said = outage(log);
            log.records[at] = Record { received_at: log.records[at].received_at, ..log.record(&said) };
            beside_old_checkpoints(log)
        },
    ),
    ("the last day left out", NotByTheBundle, |log| {
        log.records.truncate(seal_of(log, 7) + 1);
        log.build()
    }),
    ("the same, beside a checkpoint that somebody kept", File("checkpoints/41", "its end was left out"), |log| {
        log.records.truncate(seal_of(log, 7) + 1);
        beside_old_checkpoints(log)
    }),
    ("an event told twice", Refused(Last, 10), |log| {
        let again = log.records[log.at(VISIT)].clone();
        log.records.push(again);
        log.build()
    }),
    ("an answer before its question", Refused(Address(APPROVAL), 12), |log| {
        let record = log.records.remove(log.at(APPROVAL));
        let to = log.at(REQUEST);
        log.records.insert(to, record);
        log.build()
    }),
    ("an event moved to an earlier day", Refused(Address(INSPECTION), 13), |log| {
        let mut record = log.records.remove(log.at(INSPECTION));
        let to = seal_of(log, 4);
        record.received_at = log.records[to - 1].received_at;
        log.records.insert(to, record);
        log.build()
    }),
    (
        "an answer moved to an earlier day, beside a checkpoint that somebody kept",
        File("checkpoints/25", "it says root"),
        |log| {
            let mut record = log.records.remove(log.at(DENIAL));
            let to = seal_of(log, 4);
            record.received_at = log.records[to - 1].received_at;
            log.records.insert(to, record);
            beside_old_checkpoints(log)
        },
    ),
    // When.
    ("received before the entry before it", Refused(Address(DENIAL), 13), |log| {
        let at = log.at(DENIAL);
        log.records[at].received_at = log.records[at - 1].received_at.plus_seconds(-1);
        log.build()
    }),
    ("received before the day on which it happened", Refused(Address("fac-a/visit.completed/r1"), 13), |log| {
        // The whole second half of the week is moved back, in order.
        let from = log.at(VISIT);
        for record in &mut log.records[from..] {
            record.received_at = Timestamp::parse("2025-03-05T09:59:59Z").unwrap();
        }
        for record in log.records[..from].iter_mut().rev() {
            record.received_at = record.received_at.min(Timestamp::parse("2025-03-05T09:59:59Z").unwrap());
        }
        log.build()
    }),
    // The index and its seals.
    ("an event left out of the index", Refused(Seal(8), 16), |log| {
        let (at, seal) = (log.at(INSPECTION), seal_of(log, 8));
        assert_eq!(at + 1, seal, "the last event of its batch");
        let mut without = replayed(&log.entries()[..at]);
        let (root, streams) = (without.map_root().to_hex(), without.streams());
        reseal(log, 8, |text| set(&set(&text, "map_root", &format!("{root:?}")), "streams", &streams.to_string()));
        log.build()
    }),
    ("a seal with another map", Refused(Seal(5), 16), |log| {
        reseal(log, 5, |text| set(&text, "map_root", &format!("{:?}", Hash::of(&[b"x"]).to_hex())));
        log.build()
    }),
    ("a seal with another number of streams", Refused(Seal(5), 16), |log| {
        reseal(log, 5, |text| set(&text, "streams", "1"));
        log.build()
    }),
    ("a seal with another size", Refused(Seal(5), 16), |log| {
        reseal(log, 5, |text| set(&text, "size", "1"));
        log.build()
    }),
    ("a seal with another batch number", Refused(Seal(5), 16), |log| {
        reseal(log, 5, |text| set(&text, "batch", "9"));
        log.build()
    }),
    ("a seal under another row", Refused(Seal(5), 16), |log| {
        reseal(log, 5, |text| set(&text, "row", "\"b77\""));
        log.build()
    }),
    ("a seal under another number", Refused(Seal(5), 16), |log| {
        reseal(log, 5, |text| set(&text, "seq", "4000"));
        log.build()
    }),
    ("a seal by another key of the operator", Refused(Seal(5), 14), |log| {
        let key = log.key("op", "o1");
        let at = seal_of(log, 5);
        log.records[at].note = Pages::of(&golden().bundle).note(at);
        log.records[at].kept = true;
        let text = set(&log.records[at].note.text, "seq", "4000");
        log.records[at].note = signed(&text, &[&key]);
        log.build()
    }),
    ("no seal at the end", NoSeal, |log| {
        log.records.pop();
        log.build()
    }),
    ("a batch without a seal at the end", NoSeal, |log| {
        let said = outage(log);
        log.add(&said);
        log.build()
    }),
    // Who.
    ("a key that is not enrolled yet", Refused(Last, 5), |log| {
        let said = enrolment(log, "x9", "2025-03-10T00:00:00Z");
        log.add(&said);
        let key = made_up(&log.origin().holder_key_name("cso-x", "x9"));
        let said = request(log, "cso-x").signed(&[&key]);
        log.add(&said);
        log.build()
    }),
    ("a key that was revoked", Refused(Last, 5), |log| {
        let at = log.now().to_string();
        let revoked = log.draft("key.revoked", "cso-x").with("organisation", "cso-x").with("holder", "x1");
        let revoked = revoked.with("revoked_at", &at).with("reason", "compromise").to("key", "cso-x/key-cso-x-x1");
        let said = revoked.signed(&[&log.key("cso-x", "x2"), &log.key("op", "o1")]);
        log.add(&said);
        let said = request(log, "cso-x").signed(&[&log.key("cso-x", "x1")]);
        log.add(&said);
        log.build()
    }),
    ("a key that was rotated away", Refused(Last, 5), |log| {
        let said = log.draft("outage.declared", "fac-a").id("ou-2").with("facility", "fac-a");
        let said = said.with("from", "2025-03-08T01:00:00Z").with("cause", "power").signed(&[&log.key("fac-a", "d2")]);
        log.add(&said);
        log.build()
    }),
    ("a key of another party", Refused(Last, 7), |log| {
        let said = request(log, "cso-x").signed(&[&log.key("fac-a", "d1")]);
        log.add(&said);
        log.build()
    }),
    ("a key rotated to one that the operator made", Refused(Last, 5), |log| {
        let key = made_up(&log.key("cso-x", "x1").vkey().name);
        let (at, vkey) = (log.now().to_string(), key.vkey().to_string());
        let rotated = log.draft("key.rotated", "cso-x").with("organisation", "cso-x").with("holder", "x1");
        let rotated = rotated.with("public_key", &vkey).with("valid_from", &at).with("reason", "rotation");
        let said = rotated.to("key", "cso-x/key-cso-x-x1").signed(&[&key, &log.key("op", "o1")]);
        log.add(&said);
        log.build()
    }),
    ("a new holder of another party, with a key that the operator made", NotByTheBundle, |log| {
        // Lawful, as every party's first key is: it stands in the party's own stream.
        let said = enrolment(log, "x9", "2025-03-08T00:00:00Z");
        log.add(&said);
        log.seal();
        log.build()
    }),
    ("a new oversight key without oversight", Refused(Last, 14), |log| {
        let key = made_up(&log.origin().holder_key_name("npm", "n9"));
        let (at, vkey) = (log.now().to_string(), key.vkey().to_string());
        let said = log.draft("key.enrolled", "npm").id("key-npm-n9").with("organisation", "npm").with("holder", "n9");
        let said = said.with("role", "oversight").with("alg", "ed25519").with("public_key", &vkey);
        let said = said.with("valid_from", &at).signed(&[&key, &log.key("op", "o1")]);
        log.add(&said);
        log.build()
    }),
    ("a second genesis", Refused(Last, 14), |log| {
        let (genesis, key) = (log.records[0].clone(), log.seal_key());
        let text = set(&set(&genesis.note.text, "row", "\"again\""), "seq", "4000");
        log.records.push(Record { received_at: log.now(), note: signed(&text, &[&key]), ..genesis });
        log.build()
    }),
    ("no genesis", Refused(First, 5), |log| {
        log.records.remove(0);
        log.build()
    }),
    ("an event of another ledger", Refused(Last, 2), |log| {
        let other = Origin::parse("other.example/log").unwrap();
        let key = made_up(&other.holder_key_name("cso-x", "x1"));
        let said = request(log, "cso-x").but(|event| event.ledger = other.to_string()).signed(&[&key]);
        log.add(&said);
        log.build()
    }),
    ("an event of another ledger, by a holder who uses one key in both", Refused(Last, 2), |log| {
        let key = log.key("cso-x", "x1");
        let said = request(log, "cso-x").but(|event| "other.example/log".clone_into(&mut event.ledger)).signed(&[&key]);
        log.add(&said);
        log.build()
    }),
    // Entries, chain, tiles.
    ("an entry under another number", Entry(Address(VISIT), "it says that it is number 7"), |log| {
        let at = log.at(VISIT);
        bent_entry(log, at, |entry| entry.position = 7)
    }),
    ("an entry that follows another", Entry(Address(VISIT), "it does not follow"), |log| {
        let at = log.at(VISIT);
        bent_entry(log, at, |entry| entry.prev = Hash::of(&[b"x"]))
    }),
    ("an entry with something after it", Entry(Address(VISIT), "signature line 2 is malformed"), |log| {
        let at = log.at(VISIT);
        with_entries(log, |entries| entries[at].extend_from_slice(b"more\n"))
    }),
    ("an entry that is none", Entry(Address(VISIT), "the first two lines"), |log| {
        let at = log.at(VISIT);
        with_entries(log, |entries| entries[at] = b"nothing".to_vec())
    }),
    ("hashes of a tile that are not those of the entries", File("tile/0", "its bytes are not those"), |log| {
        let mut forged = log.build();
        let path = entries_path(&forged.bundle).replace("entries", "0");
        forged.bundle.flip(&path, 8 * 32 * 20);
        forged.bundle.manifest();
        forged
    }),
    // Checkpoints.
    ("two checkpoints of one size", File("checkpoints/25", "it says root"), |log| {
        let mut forged = log.build();
        forged.bundle.put("checkpoints/25", log.checkpoint(25, Hash::of(&[b"another tree"])));
        forged.bundle.manifest();
        forged
    }),
    ("a checkpoint with a root of its own", File("checkpoint", "it says root"), |log| {
        with_head(log, |log, size, _| log.checkpoint(size, Hash::of(&[b"another tree"])))
    }),
    ("a kept checkpoint within a batch", File("checkpoints/22", "the log's batch does not end there"), |log| {
        let root = replayed(&log.entries()[..22]).root();
        let mut forged = log.build();
        forged.bundle.put("checkpoints/22", log.checkpoint(22, root));
        forged.bundle.manifest();
        forged
    }),
    ("a kept checkpoint of nothing", File("checkpoints/0", "the log's batch does not end there"), |log| {
        let mut forged = log.build();
        forged.bundle.put("checkpoints/0", log.checkpoint(0, verifier::tree::empty_root()));
        forged.bundle.manifest();
        forged
    }),
    ("a kept checkpoint under another name", File("checkpoints/24", "its name is not the size"), |log| {
        let mut forged = log.build();
        let bytes = forged.bundle.get("checkpoints/25").to_vec();
        forged.bundle.put("checkpoints/24", bytes);
        forged.bundle.manifest();
        forged
    }),
    ("a checkpoint with a line more", File("checkpoint", "extension lines are not allowed"), |log| {
        with_head(log, |log, size, root| log.signed(format!("{}\n{size}\n{}\nmore\n", log.origin(), root.to_base64())))
    }),
    ("a checkpoint signed by the key of seals", File("checkpoint", "no signature by the log's key"), |log| {
        with_head(log, |log, size, root| {
            let text = format!("{}\n{size}\n{}\n", log.origin(), root.to_base64());
            signed(&text, &[&log.seal_key()]).to_text().into_bytes()
        })
    }),
    ("a checkpoint of another log", CannotTell, |log| {
        with_head(log, |log, size, root| log.signed(format!("other.example/log\n{size}\n{}\n", root.to_base64())))
    }),
    ("a checkpoint of one entry more", File("tile/0", "missing"), |log| {
        with_head(log, |log, size, root| log.checkpoint(size + 1, root))
    }),
    ("a checkpoint of a monstrous size", File("tile/entries", "missing"), |log| {
        with_head(log, |log, _, root| log.checkpoint(u64::MAX, root))
    }),
    ("a checkpoint of nothing", File("tile/0", "not a file that a bundle of this size has"), |log| {
        with_head(log, |log, _, _| log.checkpoint(0, verifier::tree::empty_root()))
    }),
    // Documents.
    ("a profile altered", File("documents/", "its name is not its digest"), |log| {
        let mut forged = log.build();
        let path = profile_path(&forged);
        let text = String::from_utf8(forged.bundle.get(&path).to_vec()).unwrap().replace("value = 2", "value = 3");
        forged.bundle.put(&path, text.into_bytes());
        forged.bundle.manifest();
        forged
    }),
    ("a profile altered, under its new name", Entry(Address("npm/rule.profile.adopted/r1"), "adopted"), |log| {
        let mut forged = log.build();
        let path = profile_path(&forged);
        let text = String::from_utf8(forged.bundle.remove(&path)).unwrap().replace("value = 2", "value = 3");
        forged.bundle.put(&format!("documents/{}", Hash::of(&[text.as_bytes()])), text.into_bytes());
        forged.bundle.manifest();
        forged
    }),
    // Hidden values.
    ("the openings of two entries exchanged", Opening(Address(REQUEST), "for another entry"), |log| {
        let (one, other) = (log.at(REQUEST), log.at("cso-y/access.request.submitted/r1"));
        let opening = log.records[one].opening.clone();
        log.records[one].opening = log.records[other].opening.clone();
        log.records[other].opening = opening;
        log.build()
    }),
    ("the values of two entries exchanged", Opening(Address(REQUEST), "hidden root"), |log| {
        let other = opening(log, "cso-y/access.request.submitted/r1").clone();
        let line = opening(log, REQUEST);
        (line.digests, line.slots) = (other.digests, other.slots);
        log.build()
    }),
    ("another value under the same digest", Opening(Address(REQUEST), "not the one that was committed"), |log| {
        let line = opening(log, REQUEST);
        line.slots[0] = other_value(&line.slots[0], Value::Text("all".to_owned()));
        log.build()
    }),
    ("another value under its own digest", Opening(Address(REQUEST), "hidden root"), |log| {
        let line = opening(log, REQUEST);
        line.slots[0] = other_value(&line.slots[0], Value::Text("all".to_owned()));
        line.digests[0] = digest(&line.slots[0]);
        log.build()
    }),
    ("the values of two slots exchanged", Opening(Address(REQUEST), "not the one that was committed"), |log| {
        opening(log, REQUEST).slots.swap(0, 1);
        log.build()
    }),
    ("the values of two slots exchanged with their digests", Opening(Address(REQUEST), "hidden root"), |log| {
        let line = opening(log, REQUEST);
        line.slots.swap(0, 1);
        line.digests.swap(0, 1);
        log.build()
    }),
    ("a slot too few", Opening(Address(REQUEST), "slots, the line has"), |log| {
        opening(log, REQUEST).slots.pop();
        log.build()
    }),
    ("a value called erased that nobody erased", Opening(Address(REQUEST), "erases no such thing"), |log| {
        opening(log, REQUEST).slots[0] = Slot::ErasedBy(7);
        log.build()
    }),
    ("a value called erased by an entry that there is not", CannotTell, |log| {
        opening(log, REQUEST).slots[0] = Slot::ErasedBy(7_000);
        log.build()
    }),
    ("an opening of an entry that has no slots", Opening(Seal(4), "for another entry"), |log| {
        let (line, at) = (opening(log, REQUEST).clone(), seal_of(log, 4));
        log.records[at].opening = Some(line);
        log.build()
    }),
    ("a line too many beside the log", File("openings/000", "and no more"), |log| {
        let mut forged = log.build();
        let mut all = lines(&forged.openings);
        all.push("more".to_owned());
        forged.openings = openings(&all);
        forged
    }),
    ("a line too few beside the log", CannotTell, |log| {
        let mut forged = log.build();
        let mut all = lines(&forged.openings);
        all.pop();
        forged.openings = openings(&all);
        forged
    }),
    // A catalogue that the reader lacks is no lie; whatever else is one stays one.
    ("a type of a catalogue that the log adopted", CannotTell, |log| {
        let document = adopt(log);
        told_in_the_next_version(log);
        with_document(&log.build(), &document)
    }),
    ("a version of a catalogue that it adopts afterwards", Refused(Last, 3), |log| {
        told_in_the_next_version(log);
        log.build()
    }),
    ("a lie before the catalogue that it adopted", Refused(Address(VISIT), 6), |log| {
        let at = log.at(VISIT);
        let note = &mut log.records[at].note;
        note.text = note.text.replace("\"wait\":10", "\"wait\":11");
        let document = adopt(log);
        told_in_the_next_version(log);
        with_document(&log.build(), &document)
    }),
    ("a catalogue that only an entry of its own adopts", Refused(Last, 3), |log| {
        let draft = log.draft("schema.adopted", "op").id("sc-9").with("catalogue_id", "next");
        let draft = draft.with("catalogue", &Hash::of(&[b"next"]).to_hex()).with("effective_on", "2025-04-01");
        let said = draft.but(|event| event.v = 2).signed(&[&log.key("op", "o1"), &log.key("op", "o2")]);
        log.add(&said);
        log.build()
    }),
    ("a field of a catalogue that the log adopted", CannotTell, |log| {
        let document = adopt(log);
        let said = log.draft("outage.declared", "fac-b").id("ou-9").with("weather", "storm");
        let said = said.with("facility", "fac-b").signed(&[&log.key("fac-b", "d1")]);
        log.add(&said);
        with_document(&log.build(), &document)
    }),
    ("a genesis of another version", CannotTell, |log| {
        let text = set(&log.records[0].note.text, "v", "2");
        log.records[0].note = signed(&text, &[&log.seal_key()]);
        log.build()
    }),
    ("a genesis with a field of the catalogue that it names", CannotTell, |log| {
        let mut event = log.records[0].event();
        event.data.insert("catalogue".to_owned(), Value::Text(Hash::of(&[b"next"]).to_hex()));
        event.data.insert("anthem".to_owned(), Value::Text("none".to_owned()));
        log.records[0].note = signed(&event.to_text(), &[&log.seal_key()]);
        log.build()
    }),
    // After an entry that is not understood, what hangs on no catalogue holds as before it.
    ("the catalogue that it adopted left out", Entry(Address("op/schema.adopted/f1001"), "adopted"), |log| {
        adopt(log);
        told_in_the_next_version(log);
        log.build()
    }),
    ("a root of its own after it", File("checkpoint", "it says root"), |log| {
        let document = not_understood(log);
        let mut forged = with_document(&log.build(), &document);
        forged.bundle.put("checkpoint", log.checkpoint(log.records.len() as u64, Hash::of(&[b"another tree"])));
        forged.bundle.manifest();
        forged
    }),
    ("a kept checkpoint of another tree after it", File("checkpoints/", "it says root"), |log| {
        let document = not_understood(log);
        let mut forged = with_document(&log.build(), &document);
        let size = log.records.len() as u64;
        forged.bundle.put(&format!("checkpoints/{size}"), log.checkpoint(size, Hash::of(&[b"another tree"])));
        forged.bundle.manifest();
        forged
    }),
    ("an event altered after it", Refused(Last, 6), |log| {
        let document = not_understood(log);
        let said = outage(log);
        log.add(&said);
        let note = &mut log.records.last_mut().unwrap().note;
        note.text = note.text.replace("power", "storm");
        with_document(&log.build(), &document)
    }),
    ("an event that is not understood, altered", Refused(Last, 6), |log| {
        let document = adopt(log);
        told_in_the_next_version(log);
        let note = &mut log.records.last_mut().unwrap().note;
        note.text = note.text.replace("cso-x/next", "cso-x/nexu").replace("\"v\":2", "\"v\":3");
        with_document(&log.build(), &document)
    }),
    ("an event after it by a key that nobody knows yet", CannotTell, |log| {
        let document = not_understood(log);
        let key = made_up(&log.origin().holder_key_name(&log.party("fac-b"), "d9"));
        let said = outage_by(log, &key);
        log.add(&said);
        with_document(&log.build(), &document)
    }),
    ("an event of another log after it", Refused(Last, 2), |log| {
        let document = not_understood(log);
        let said = log.draft("outage.declared", "fac-b").id("ou-9").with("facility", "fac-b");
        let said =
            said.but(|event| "other.example/log".clone_into(&mut event.ledger)).signed(&[&log.key("fac-b", "d1")]);
        log.add(&said);
        with_document(&log.build(), &document)
    }),
    ("a time that goes back after it", Refused(Last, 13), |log| {
        let document = not_understood(log);
        let said = outage(log);
        log.add(&said);
        let before = log.records[0].received_at;
        log.records.last_mut().unwrap().received_at = before;
        with_document(&log.build(), &document)
    }),
    ("an entry after it that does not follow", Entry(Last, "does not follow"), |log| {
        let document = not_understood(log);
        let said = outage(log);
        log.add(&said);
        let at = log.records.len() - 1;
        with_document(&bent_entry(log, at, |entry| entry.prev = Hash::of(&[b"x"])), &document)
    }),
    ("an entry after it that is none", Entry(Last, "the first two lines"), |log| {
        let document = not_understood(log);
        let said = outage(log);
        log.add(&said);
        let bent = with_entries(log, |entries| *entries.last_mut().unwrap() = b"nothing".to_vec());
        with_document(&bent, &document)
    }),
    // Roles.
    ("a registrar without keys in another role than genesis says", Refused(Last, 14), |log| {
        log.records.truncate(1);
        let mut genesis = log.records[0].event();
        genesis.data.remove("registrar_keys");
        log.records[0].note = signed(&genesis.to_text(), &[&log.seal_key()]);
        log.seal();
        let registrar = genesis.text("registrar").unwrap().to_owned();
        let key = made_up(&log.origin().holder_key_name(&registrar, "z1"));
        let said = log.draft("key.enrolled", "op").id("key-z1").with("organisation", &registrar).with("holder", "z1");
        let said = said.with("role", "cso").with("alg", "ed25519").with("public_key", &key.vkey().to_string());
        let said = said.with("valid_from", "2025-01-01T00:00:00Z").but(|event| {
            event.id = Some(format!("{registrar}/key-z1"));
            event.by = registrar;
        });
        log.add(&said.signed(&[&key, &log.key("op", "o1")]));
        log.build()
    }),
    ("values withheld", NotByTheBundle, |log| {
        let line = opening(log, REQUEST);
        line.slots.iter_mut().for_each(|slot| *slot = Slot::Withheld);
        log.records.iter_mut().for_each(|record| {
            record.opening.take_if(|line| line.slots.iter().any(|slot| matches!(slot, Slot::Open(_))));
        });
        log.build()
    }),
];

#[test]
fn every_lie_is_caught_at_its_place() {
    let wrong: Vec<String> = LIES.iter().filter_map(wrongly_told).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the report of a lie; nothing if it is as the table says.
fn wrongly_told((what, caught, tell): &Lie) -> Option<String> {
    let mut log = Forge::of(golden());
    let forged = tell(&mut log);
    let report = checked(&forged);
    let place = |at: At| position(&log, at);
    let fault = report.faults.first();
    let says = |words: &str| fault.is_some_and(|fault| fault.to_string().contains(words));
    let code = report.exit_code();
    let right = match *caught {
        NotByTheBundle => code == 0,
        CannotTell => code == 2,
        Refused(at, number) => {
            code == 1
                && matches!(
                    fault,
                    Some(Fault::Admission { position, refusal, .. }) if *position == place(at) && refusal.number() == number
                )
        }
        Entry(at, words) => code == 1 && fault.and_then(Fault::position) == Some(place(at)) && says(words),
        Opening(at, words) => {
            let there = matches!(fault, Some(Fault::Opening { position, .. }) if *position == place(at));
            code == 1 && there && says(words)
        }
        NoSeal => code == 1 && fault == Some(&Fault::NotSealed { position: place(Last) }),
        File(path, words) => {
            code == 1 && fault.and_then(Fault::path).is_some_and(|p| p.starts_with(path)) && says(words)
        }
    };
    (!right).then(|| format!("{what}: wanted {caught:?}, got {code} {:?} {:?}", report.faults, report.unknown))
}

/// Every fault that the check knows is the answer to some lie, here or in the files beside.
#[test]
fn every_number_of_admission_is_the_answer_to_a_lie() {
    let numbers: BTreeSet<u8> =
        LIES.iter().filter_map(|lie| if let Refused(_, number) = lie.1 { Some(number) } else { None }).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), [2, 3, 5, 6, 7, 9, 10, 12, 13, 14, 16]);
}

/// What the bundle alone cannot tell, those tell who kept something: a receipt, a checkpoint.
#[test]
fn who_tells_when_the_bundle_cannot() {
    let honest = Pages::of(&golden().bundle);
    let mut log = Forge::of(golden());
    let at = log.at(OUTAGE);
    log.records.remove(at);
    let forged = log.build();
    assert_eq!(checked(&forged).exit_code(), 0);
    // The author's receipt: its leaf is under the checkpoint that it was given, and not under this.
    let leaves = honest.leaves();
    let (size, root) = (leaves.len() as u64, verifier::tree::root_of(&leaves));
    let receipt = inclusion(&leaves, at as u64).unwrap();
    assert_eq!(check_inclusion(&receipt, at as u64, leaves[at], size, root), Ok(()));
    let now = Pages::of(&forged.bundle).leaves();
    assert!(!now.contains(&leaves[at]));
    assert_ne!(root, verifier::tree::root_of(&now));
    // The reader's older checkpoint does not lead to this log.
    let old = verifier::tree::root_of(&leaves[..38]);
    let proof = verifier::tree::consistency(&now, 38).unwrap();
    let new = verifier::tree::root_of(&now);
    assert!(verifier::tree::check_consistency(&proof, 38, old, now.len() as u64, new).is_err());
}

fn checked(forged: &Forged) -> Report {
    check(&mut forged.bundle.clone(), &golden().policy, Some(&mut forged.openings.clone()), &mut NoVisitor)
}

fn position(log: &Forge<'_>, at: At) -> u64 {
    let position = match at {
        Address(address) => log.at(address),
        Last => log.records.len() - 1,
        Seal(batches) => seal_of(log, batches),
        First => 0,
    };
    position as u64
}

/// Position of the seal that closes this many batches.
fn seal_of(log: &Forge<'_>, batches: usize) -> usize {
    let seals = log.records.iter().enumerate().filter(|(_, r)| r.event().kind == verifier::admit::SEAL);
    seals.map(|(at, _)| at).nth(batches - 1).unwrap()
}

fn replayed(entries: &[Vec<u8>]) -> State {
    let mut state = State::new(golden().origin.clone());
    entries.iter().for_each(|bytes| state.replay(bytes).unwrap());
    state
}

fn signed(text: &str, keys: &[&SecretKey]) -> schemas::note::Note {
    schemas::note::Note { signatures: keys.iter().map(|key| key.sign(text)).collect(), text: text.to_owned() }
}

/// A key of this name that its owner never made.
fn made_up(name: &str) -> SecretKey {
    SecretKey::new(name, &Hash::of(&[b"made up ", name.as_bytes()]).0)
}

fn alter(log: &mut Forge<'_>, address: &str, bend: fn(String) -> String, keys: &[&SecretKey]) {
    let at = log.at(address);
    let text = bend(log.records[at].note.text.clone());
    log.records[at].note = signed(&text, keys);
}

/// A member of an event's text set to another JSON value.
fn set(text: &str, member: &str, value: &str) -> String {
    let name = format!("\"{member}\":");
    let from = text.find(&name).unwrap() + name.len();
    let until = from + text[from..].find([',', '}']).unwrap();
    format!("{}{value}{}", &text[..from], &text[until..])
}

/// A seal with something else in it, signed with the key of seals.
fn reseal(log: &mut Forge<'_>, batches: usize, bend: impl FnOnce(String) -> String) {
    let at = seal_of(log, batches);
    let honest = SignedEvent::parse(Pages::of(&golden().bundle).note(at).to_text().as_bytes()).unwrap();
    let text = bend(honest.note.text);
    assert!(SignedEvent::parse(signed(&text, &[&log.seal_key()]).to_text().as_bytes()).is_ok(), "{text}");
    log.records[at].note = signed(&text, &[&log.seal_key()]);
    log.records[at].kept = true;
}

/// The bundle, with the checkpoints of the honest log that others have kept.
fn beside_old_checkpoints(log: &Forge<'_>) -> Forged {
    let mut forged = log.build();
    let kept = |path: &String| path.starts_with("checkpoints/");
    for path in forged.bundle.names().into_iter().filter(kept) {
        forged.bundle.remove(&path);
    }
    for path in golden().bundle.names().into_iter().filter(kept) {
        forged.bundle.put(&path, golden().bundle.get(&path).to_vec());
    }
    forged.bundle.manifest();
    forged
}

fn with_entries(log: &Forge<'_>, bend: impl FnOnce(&mut Vec<Vec<u8>>)) -> Forged {
    let mut forged = log.build();
    let mut pages = Pages::of(&forged.bundle);
    bend(&mut pages.entries);
    let root = verifier::tree::root_of(&pages.leaves());
    pages.side.put("checkpoint", log.checkpoint(pages.entries.len() as u64, root));
    forged.bundle = pages.bundle();
    forged
}

fn bent_entry(log: &Forge<'_>, at: usize, bend: impl FnOnce(&mut schemas::entry::Entry)) -> Forged {
    with_entries(log, |entries| {
        let mut entry = schemas::entry::Entry::parse(&entries[at]).unwrap();
        bend(&mut entry);
        entries[at] = entry.to_bytes();
    })
}

fn with_head(log: &Forge<'_>, head: impl FnOnce(&Forge<'_>, u64, Hash) -> Vec<u8>) -> Forged {
    let mut forged = log.build();
    let leaves = Pages::of(&forged.bundle).leaves();
    forged.bundle.put("checkpoint", head(log, leaves.len() as u64, verifier::tree::root_of(&leaves)));
    forged.bundle.manifest();
    forged
}

/// Adopts a catalogue that nobody has; gives its document.
fn adopt(log: &mut Forge<'_>) -> Vec<u8> {
    let document = b"the next catalogue\n".to_vec();
    let draft = log.draft("schema.adopted", "op").id("sc-9").with("catalogue_id", "next");
    let draft = draft.with("catalogue", &Hash::of(&[&document]).to_hex()).with("effective_on", "2025-04-01");
    let said = draft.signed(&[&log.key("op", "o1"), &log.key("op", "o2")]);
    log.add(&said);
    log.seal();
    document
}

/// The same, with something said that only it tells.
fn not_understood(log: &mut Forge<'_>) -> Vec<u8> {
    let document = adopt(log);
    told_in_the_next_version(log);
    log.seal();
    document
}

/// A record of a version that only another catalogue has; no seal follows, so that it is the last.
fn told_in_the_next_version(log: &mut Forge<'_>) {
    let draft = log.draft("access.request.submitted", "cso-x").id("next").with("organisation", "cso-x");
    let said = draft.but(|event| event.v = 2).signed(&[&log.key("cso-x", "x2")]);
    log.add(&said);
}

fn with_document(forged: &Forged, document: &[u8]) -> Forged {
    let mut forged = Forged { bundle: forged.bundle.clone(), openings: forged.openings.clone() };
    forged.bundle.put(&format!("documents/{}", Hash::of(&[document]).to_hex()), document.to_vec());
    forged.bundle.manifest();
    forged
}

fn profile_path(forged: &Forged) -> String {
    let documents = forged.bundle.names().into_iter().filter(|path| path.starts_with("documents/"));
    documents.min_by_key(|path| forged.bundle.get(path).len()).unwrap()
}

fn opening<'a>(log: &'a mut Forge<'_>, address: &str) -> &'a mut OpeningLine {
    let at = log.at(address);
    log.records[at].opening.as_mut().unwrap()
}

fn other_value(slot: &Slot, value: Value) -> Slot {
    let Slot::Open(text) = slot else { panic!("an open slot") };
    let disclosure = Disclosure { value: Some(value), ..Disclosure::parse(text).unwrap() };
    Slot::Open(disclosure.to_text())
}

fn digest(slot: &Slot) -> Hash {
    let Slot::Open(text) = slot else { panic!("an open slot") };
    schemas::opening::digest_of(text)
}

fn outage(log: &mut Forge<'_>) -> Said {
    let key = log.key("fac-b", "d1");
    outage_by(log, &key)
}

fn outage_by(log: &mut Forge<'_>, key: &SecretKey) -> Said {
    let day = log.records[log.at(OUTAGE)].event().at();
    let said = log.draft("outage.declared", "fac-b").id("ou-9").on(day).with("facility", "fac-b");
    said.with("from", "2025-03-07T01:00:00Z").with("cause", "power").signed(&[key])
}

fn request(log: &mut Forge<'_>, by: &str) -> Draft {
    let said = log.draft("access.request.submitted", by).id("rq-9").with("facility", "fac-a");
    said.with("organisation", by).with("purpose", "family")
}

/// A new holder of cso-x whose key the operator made, who signs for it, and cosigns.
fn enrolment(log: &mut Forge<'_>, holder: &str, from: &str) -> Said {
    let key = made_up(&log.origin().holder_key_name("cso-x", holder));
    let said = log.draft("key.enrolled", "cso-x").id(&format!("key-cso-x-{holder}"));
    let said = said.with("organisation", "cso-x").with("holder", holder).with("role", "cso").with("alg", "ed25519");
    said.with("public_key", &key.vkey().to_string()).with("valid_from", from).signed(&[&key, &log.key("op", "o1")])
}
