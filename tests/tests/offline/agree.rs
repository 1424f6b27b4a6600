//! Two readings of FORMAT.md, the verifier's and the page's, agree on what damaged packs are worth.

use std::collections::BTreeMap;

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{ALG_COSIGNATURE, ALG_ED25519, Note, Vkey};
use schemas::pack::Pack;
use schemas::policy::Policy;
use serde_json::json;
use tests::forge::{Pages, lines};
use tests::lawful::{Case, doubts, erasures, foreign, keys};
use tests::packs::Desk;
use tests::world::World;
use verifier::pack::{Extent, check};
use verifier::signature::SecretKey;
use verifier::statement::Statement;

use crate::damage::{Random, damage};
use crate::packs::judge;
use crate::page::{Page, bytes, sample};

/// Damaged packs that both judge.
const MUTANTS: usize = 2_000;
/// Packs judged in one opening of the page.
const AT_ONCE: usize = 250;
/// Packs that are damaged: between them they have every kind of line, and every byte of them is committed, so that a
/// run says today what it said yesterday. Other damage: `SEED=7` before the test's command.
const GOOD: [&str; 4] = ["good.pack", "erased.pack", "absent.pack", "older.pack"];
/// Where other damage begins, if one asks for it.
const SEED: &str = "SEED";

/// Another log's policy.
const OTHER: &str = "log vectors.example/log+a73e9331+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\nquorum none\n";

/// The verdict in the page's words, and the first fault in the verifier's.
fn ours(pack: &[u8], policy: &Policy) -> (&'static str, String) {
    let report = check(pack, policy, &[]).report;
    let verdict = report.verdict().code();
    let why = report.faults.first().map(ToString::to_string);
    (verdict, why.or_else(|| report.unknown.first().cloned()).unwrap_or_default())
}

#[test]
fn the_page_and_the_verifier_agree_on_two_thousand_damaged_packs() {
    let good = GOOD.map(sample);
    let policy_text = String::from_utf8(sample("policy")).unwrap();
    let policy = Policy::parse(&policy_text).unwrap();
    let mut random = Random(std::env::var(SEED).map_or(2_025, |seed| seed.parse().expect("SEED is a number")));
    let mut packs = good.to_vec();
    packs.extend((0..MUTANTS).map(|n| damage(&good[n % good.len()], &mut random)));
    let page = Page::open();
    let (mut differ, mut seen) = (Vec::new(), BTreeMap::<&str, usize>::new());
    for (chunk, packs) in packs.chunks(AT_ONCE).enumerate() {
        let theirs = judge(&page, packs, Some(&policy_text));
        assert_eq!(theirs.len(), packs.len());
        for (number, (pack, theirs)) in packs.iter().zip(&theirs).enumerate() {
            let (ours, why) = ours(pack, &policy);
            *seen.entry(ours).or_default() += 1;
            if theirs.split(' ').next() != Some(ours) {
                differ.push(format!("{}: {ours} ({why}), the page: {theirs}", chunk * AT_ONCE + number));
            }
        }
    }
    assert!(differ.is_empty(), "{} of {}:\n{}", differ.len(), packs.len(), differ.join("\n"));
    assert!(seen["not_verified"] > MUTANTS / 2, "the damage did damage: {seen:?}");
    for verdict in ["verified", "partly"] {
        assert!(seen.get(verdict).copied().unwrap_or(0) >= 1, "{verdict}: {seen:?}");
    }
}

#[test]
fn whose_log_it_is_and_what_contradicts_itself() {
    let policy = String::from_utf8(sample("policy")).unwrap();
    let good = String::from_utf8(sample("good.pack")).unwrap();
    let vkey = policy.lines().find_map(|line| line.strip_prefix("log ")).unwrap();
    let key = Vkey::parse(vkey).unwrap();
    // Under this point anything seems signed, so no reader may take it for a key.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let unusable = Vkey { name: key.name.clone(), alg: ALG_ED25519, key: neutral };
    let unusable_first = policy.replace(&format!("log {vkey}\n"), &format!("log {unusable}\nlog {vkey}\n"));
    let unusable_last = policy.replace(&format!("log {vkey}\n"), &format!("log {vkey}\nlog {unusable}\n"));
    let witness = Vkey { name: "w.example".to_owned(), alg: ALG_COSIGNATURE, key: neutral };
    let unusable_witness = format!("log {vkey}\nwitness w {witness}\nquorum none\n");
    let other = Vkey::parse(OTHER.lines().find_map(|line| line.strip_prefix("log ")).unwrap()).unwrap();
    let stranger = Vkey { name: key.name.clone(), ..other };
    let header = good.replacen("\"ledger\":\"velmora.", "\"ledger\":\"welmora.", 1);
    let checkpoint = good.replacen("{\"checkpoint\":\"velmora.", "{\"checkpoint\":\"welmora.", 1);
    let both = header.replacen("{\"checkpoint\":\"velmora.", "{\"checkpoint\":\"welmora.", 1);
    let own = good.replacen(vkey, &stranger.to_string(), 1);
    let swapped = String::from_utf8(sample("swapped.pack")).unwrap();
    let rows = [
        ("as it is", &good, policy.as_str(), "verified"),
        ("another log's policy", &good, OTHER, "cannot_tell"),
        ("the header names another log", &header, policy.as_str(), "not_verified"),
        ("the header names another log, and so does the policy", &header, OTHER, "not_verified"),
        ("the checkpoint names another log", &checkpoint, policy.as_str(), "not_verified"),
        ("the checkpoint names another log, and so does the policy", &checkpoint, OTHER, "not_verified"),
        ("both name another log, and the entries the old one", &both, policy.as_str(), "not_verified"),
        ("another log's, and swapped openings", &swapped, OTHER, "not_verified"),
        ("another log's, and not signed by the key that it names", &own, OTHER, "not_verified"),
        ("not signed by the key that it names, which nobody trusts", &own, policy.as_str(), "verified"),
        ("a key that cannot be taken, before the right one", &good, unusable_first.as_str(), "cannot_tell"),
        ("a key that cannot be taken, after the right one", &good, unusable_last.as_str(), "verified"),
        ("a witness's key that cannot be taken", &good, unusable_witness.as_str(), "cannot_tell"),
    ];
    let page = Page::open();
    for (what, pack, policy, want) in rows {
        assert_ne!(pack, "", "{what}");
        let (ours, why) = ours(pack.as_bytes(), &Policy::parse(policy).unwrap());
        let theirs = judge(&page, &[pack.clone().into_bytes()], Some(policy));
        let theirs = theirs[0].split(' ').next().unwrap();
        assert_eq!((ours, theirs), (want, want), "{what}: {why}");
    }
}

#[test]
fn keys_and_erasures_that_no_honest_log_admits_are_seen_by_both() {
    let world = World::golden();
    let others =
        doubts(&world).into_iter().map(|(case, _)| case).chain(foreign(&world).into_iter().map(|(case, _)| case));
    let cases: Vec<Case> = keys(&world).into_iter().chain(erasures(&world)).chain(others).collect();
    let script = "
        const lines = [];
        for (const [pack, policy] of given) {
            const { verdict, code, doubts } = await window.verifier.check(raw(pack), policy);
            lines.push(`${verdict} ${doubts?.count ?? '-'} ${code ?? '-'}`);
        }
        return lines;";
    let given: Vec<_> = cases.iter().map(|case| json!([bytes(case.pack.to_text().as_bytes()), case.policy])).collect();
    let theirs = Page::open().run(script, &json!(given));
    let mut differ = Vec::new();
    for (case, theirs) in cases.iter().zip(&theirs) {
        let (ours, why) = ours(case.pack.to_text().as_bytes(), &Policy::parse(&case.policy).unwrap());
        let doubts = check(case.pack.to_text().as_bytes(), &Policy::parse(&case.policy).unwrap(), &[]).report.doubts;
        let said: Vec<&str> = theirs.split(' ').collect();
        let agree = said[0] == ours && (ours != "verified" || said[1] == doubts.to_string());
        if ours != case.verdict || !agree {
            differ.push(format!("{}: {} wanted; {ours} ({why}), the page: {theirs}", case.what, case.verdict));
        }
    }
    assert!(differ.is_empty(), "{} of {}:\n{}", differ.len(), cases.len(), differ.join("\n"));
}

/// What is done to the witnesses' lines: its name, how, and what is said then.
type LinesRow = (&'static str, fn(&mut Note), &'static str);

/// A checkpoint that too few witnesses have signed cannot be told from one whose last lines were cut off: no lie. A line
/// in a witness's name that is not its own is one.
#[test]
fn lines_of_witnesses_that_are_not_there_accuse_nobody() {
    let policy = String::from_utf8(sample("policy")).unwrap();
    let good = Pack::parse(std::str::from_utf8(&sample("good.pack")).unwrap()).unwrap();
    assert_eq!(good.checkpoint.signatures.len(), 2, "the log's line, and that of the witness");
    let rows: [LinesRow; 7] = [
        ("as it is", |_| {}, "verified"),
        ("cut before the witness's line", |note| note.signatures.truncate(1), "cannot_tell"),
        ("the log's line twice", |note| note.signatures[1] = note.signatures[0].clone(), "cannot_tell"),
        ("a line by a witness that the reader does not know", |note| note.signatures[1].name.push('x'), "cannot_tell"),
        ("a line by another key of the witness", |note| note.signatures[1].id.0[0] ^= 1, "cannot_tell"),
        ("a forged line", |note| note.signatures[1].signature[20] ^= 1, "not_verified"),
        ("a line of another time", |note| note.signatures[1].signature[7] ^= 1, "not_verified"),
    ];
    let page = Page::open();
    let read = Policy::parse(&policy).unwrap();
    for (what, bend, want) in rows {
        let mut pack = good.clone();
        bend(&mut pack.checkpoint);
        let (ours, why) = ours(pack.to_text().as_bytes(), &read);
        let note = pack.checkpoint.to_text();
        let alone = verifier::head::check(note.as_bytes(), &read).verdict().code();
        let script = "
            const verdicts = [];
            for (const text of given.files) verdicts.push((await window.verifier.check(raw(text), given.policy)).verdict);
            return verdicts;";
        let files = [bytes(pack.to_text().as_bytes()), bytes(note.as_bytes())];
        let theirs = page.run(script, &json!({ "files": files, "policy": policy }));
        assert_eq!((ours, alone, theirs), (want, want, vec![want.to_owned(); 2]), "{what}: {why}");
    }
}

/// What a key of the log signs beside seals and checkpoints counts for nobody, whatever its name there. FORMAT.md 9.
#[test]
fn a_key_of_the_log_is_no_auditors_and_no_witness_on_the_page() {
    let vector = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/vectors/pack/ok");
    let vector = std::fs::read_to_string(vector).unwrap();
    let (policy, pack) = vector.split_once("policy: ").unwrap().1.split_once('\n').unwrap();
    let policy = String::from_utf8(schemas::base::from_base64(policy).unwrap()).unwrap();
    let pack = Pack::parse(pack).unwrap();
    let page = Page::open();
    // The keys of the vectors are known to everybody.
    for (of, counts) in [
        ("an auditor", true),
        ("vectors.example/log/npm/one", true),
        ("vectors.example/log/op/ledger", false),
        ("vectors.example/log", false),
    ] {
        let key = SecretKey::new("other.example/one", &Hash::of(&[b"test vector key ", of.as_bytes()]).0);
        let mut stated = pack.clone();
        let checkpoint = Checkpoint::parse(&pack.checkpoint.text).unwrap();
        stated.statements.push((Statement { checkpoint }.sign(&key), Vec::new()));
        let mut seen = pack.clone();
        seen.checkpoint.signatures.push(key.cosign(&pack.checkpoint.text, 1_930_384_900));
        let witnessed = policy.replace("quorum none\n", &format!("witness w {}\nquorum w\n", key.cosigner_vkey()));
        let given = json!({
            "stated": bytes(stated.to_text().as_bytes()),
            "seen": bytes(seen.to_text().as_bytes()),
            "policy": policy,
            "witnessed": witnessed,
            "auditor": key.vkey().to_string(),
        });
        let script = "
            const stated = await window.verifier.check(raw(given.stated), given.policy, { auditors: [given.auditor] });
            const seen = await window.verifier.check(raw(given.seen), given.witnessed);
            return [stated.verdict, stated.complete.by, seen.verdict];";
        let want = if counts { ["verified", "auditor", "verified"] } else { ["verified", "nobody", "cannot_tell"] };
        assert_eq!(page.run(script, &given), want, "{of}");
    }
}

/// Packs of the sample country whose counts are compared.
const COUNTED: usize = 30;

#[test]
fn the_page_and_the_verifier_count_alike_what_a_pack_shows() {
    let world = World::velmora();
    let note = Note::parse(world.bundle.get("checkpoint")).unwrap();
    let policy = format!("log {}\nquorum none\n", world.log_key.vkey());
    let desk = Desk::new(&world.origin, Pages::of(&world.bundle).entries, lines(&world.openings), note, &policy);
    let names: Vec<String> = desk.streams.keys().cloned().collect();
    let mut index = desk.index_of(&desk.streams);
    // What is shown in part: only an erasure closes some values of a record and leaves others.
    let mut packs: Vec<(Vec<u8>, String)> = (erasures(&World::golden()).into_iter())
        .filter(|case| case.verdict == "partly")
        .map(|case| (case.pack.to_text().into_bytes(), case.policy))
        .collect();
    for (number, stream) in names.iter().step_by(names.len().div_ceil(COUNTED)).enumerate() {
        let party = stream.split('/').nth(1).unwrap();
        let own = if desk.state().role(party).is_some() { party } else { "public" };
        let audience = ["public", "oversight", own][number % 3];
        let pack = desk.pack_with(stream, audience, &mut index, &desk.items(stream));
        packs.push((pack.to_text().into_bytes(), policy.clone()));
    }
    let ours: Vec<String> = (packs.iter().map(|(pack, policy)| check(pack, &Policy::parse(policy).unwrap(), &[])))
        .map(|checked| {
            let count = |extent| checked.records.iter().filter(|record| record.extent() == extent).count();
            let sealed: usize = checked.records.iter().map(verifier::pack::Record::sealed_values).sum();
            let (full, partly, withheld) = (count(Extent::Full), count(Extent::Partly), count(Extent::Withheld));
            assert_eq!(full + partly + withheld, checked.records.len(), "each is counted once");
            format!("{} {full} {partly} {withheld} {sealed}", checked.report.verdict().code())
        })
        .collect();
    let script = "
        const lines = [];
        for (const [pack, policy] of given) {
            const { verdict, complete } = await window.verifier.check(raw(pack), policy);
            lines.push([verdict, complete?.shown, complete?.partly.length, complete?.withheld.length, complete?.sealed].join(' '));
        }
        return lines;";
    let given: Vec<_> = packs.iter().map(|(pack, policy)| json!([bytes(pack), policy])).collect();
    let theirs = Page::open().run(script, &json!(given));
    assert_eq!(theirs, ours);
    for place in 1..5 {
        let seen = ours.iter().any(|line| line.split(' ').nth(place) != Some("0"));
        assert!(seen, "the sample has something of each: {ours:?}");
    }
    assert!(ours.iter().all(|line| line.starts_with("verified") || line.starts_with("partly")), "{ours:?}");
}

/// Every field of the catalogue, given what it is not: the page takes and refuses what the verifier does, and stumbles over none.
#[test]
fn the_page_takes_the_values_that_the_verifier_takes() {
    use schemas::catalogue::Catalogue;
    use schemas::value::Value;
    let mut values: Vec<String> = [
        "{}",
        "[]",
        "[{}]",
        "[[]]",
        "0",
        "-1",
        "1001",
        "9007199254740991",
        "true",
        "false",
        "\"\"",
        "\"x\"",
        "\"X Y\"",
        "[\"x\"]",
        "[\"x\",\"x\"]",
        "[\"x\",\"y\"]",
        "\"2025-03-01\"",
        "\"2025-02-30\"",
        "\"2025-03-01T00:00:00Z\"",
        "[\"2025-03-01\"]",
        "{\"amount\":1,\"currency\":\"EUR\"}",
        "{\"amount\":1,\"currency\":[\"EUR\"]}",
        "{\"amount\":1,\"currency\":{}}",
        "{\"amount\":[1],\"currency\":\"EUR\"}",
        "{\"amount\":-1,\"currency\":\"EUR\"}",
        "{\"amount\":1,\"currency\":\"eur\"}",
        "{\"lang\":\"fr\",\"text\":\"x\"}",
        "{\"lang\":[\"fr\"],\"text\":\"x\"}",
        "{\"lang\":\"fr\",\"text\":[\"x\"]}",
        "{\"lang\":\"fr\",\"text\":\"\"}",
        "{\"lang\":\"\",\"text\":\"x\"}",
        "\"toString\"",
        "\"__proto__\"",
    ]
    .map(str::to_owned)
    .into();
    values.push(format!("\"{}\"", "0".repeat(64)));
    values.push(format!("\"{}\"", "x".repeat(200)));
    let catalogue = Catalogue::built_in();
    values.extend(catalogue.codelists().filter_map(|(_, list)| Some(format!("\"{}\"", list.codes.first()?))));
    values.sort();
    values.dedup();
    let fields: Vec<_> =
        catalogue.events().flat_map(|kind| kind.fields.iter().map(move |field| (kind.name.clone(), field))).collect();
    let script = "
        const lines = [];
        for (const [type, name] of given.fields) {
            const field = typeOf(type).fields.find((one) => one.name === name);
            lines.push(given.values.map((text) => (fitsField(field, readJson(text)) ? '1' : '0')).join(''));
        }
        return lines;";
    let names: Vec<_> = fields.iter().map(|(kind, field)| json!([kind, field.name])).collect();
    let page = Page::open().run(script, &json!({ "fields": names, "values": values }));
    let parsed: Vec<Value> = values.iter().map(|text| Value::parse(text.as_bytes()).unwrap()).collect();
    let mut differ = Vec::new();
    for ((kind, field), page) in fields.iter().zip(&page) {
        for ((text, value), theirs) in values.iter().zip(&parsed).zip(page.chars()) {
            if field.check(value).is_ok() != (theirs == '1') {
                differ.push(format!("{kind}.{} {text}: the page says {theirs}", field.name));
            }
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ[..differ.len().min(20)].join("\n"));
    assert_eq!(page.len(), fields.len());
}
