//! Bundles in one archive, and a pack of the page's beside nothing of them.

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::value::Value;
use serde_json::json;
use tests::forge::{Draft, Forge};
use tests::memory::Memory;
use tests::world::World;
use verifier::signature::SecretKey;
use verifier::state::State;

use crate::page::{Page, bytes, sample};

/// The files as one ustar archive. FORMAT.md 13.1.
pub fn archive(bundle: &Memory, openings: Option<&Memory>) -> Vec<u8> {
    let mut all = bundle.clone();
    for name in openings.map(Memory::names).unwrap_or_default() {
        all.put(&format!("openings/{name}"), openings.unwrap().get(&name).to_vec());
    }
    if openings.is_some() {
        all.manifest();
    }
    let mut tar = Vec::new();
    for name in all.names() {
        let bytes = all.get(&name);
        let mut head = [0_u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[100..108].copy_from_slice(b"0000644\0");
        head[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        head[148..156].copy_from_slice(b"        ");
        head[156] = b'0';
        head[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(&head);
        tar.extend_from_slice(bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// Changes a file, and makes the manifest fit: an adversary does so too.
fn bent(bundle: &Memory, path: &str, bend: impl FnOnce(&mut Vec<u8>)) -> Memory {
    let mut bent = bundle.clone();
    let mut bytes = bent.get(path).to_vec();
    assert!(!bytes.is_empty(), "{path}");
    bend(&mut bytes);
    bent.put(path, bytes);
    bent.manifest();
    bent
}

#[test]
fn a_bundle_is_checked_to_its_last_byte() {
    let world = World::golden();
    let policy = String::from_utf8(world.bundle.get("policy").to_vec()).unwrap();
    let names = world.bundle.names();
    let entries = names.iter().find(|name| name.starts_with("tile/entries/")).unwrap();
    let hashes = names.iter().find(|name| name.starts_with("tile/0/")).unwrap();
    let kept = names.iter().find(|name| name.starts_with("checkpoints/")).unwrap();
    let mut unlisted = world.bundle.clone();
    unlisted.put("documents/more", b"x".to_vec());
    let mut changed = world.bundle.clone();
    changed.flip(entries, 9_000);
    let mut lost = world.bundle.clone();
    lost.remove(kept);
    let opening = world.openings.names().remove(0);
    let mut opened = world.openings.clone();
    let text = String::from_utf8(opened.get(&opening).to_vec()).unwrap();
    let (first, second) = {
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        (lines[0].to_owned(), lines[1].to_owned())
    };
    opened.put(&opening, text.replace(&first, "\u{1}").replace(&second, &first).replace('\u{1}', &second).into_bytes());
    let middle = |bytes: &mut Vec<u8>| {
        let at = bytes.len() / 2;
        bytes[at] ^= 1;
    };
    let cases = [
        ("as it is", archive(&world.bundle, None), "verified -"),
        ("with openings", archive(&world.bundle, Some(&world.openings)), "verified -"),
        ("two openings swapped", archive(&world.bundle, Some(&opened)), "not_verified 5"),
        ("a file more", archive(&unlisted, None), "not_verified 13"),
        ("a file changed", archive(&changed, None), "not_verified 13"),
        ("a file lost", archive(&lost, None), "not_verified 13"),
        ("an entry bent", archive(&bent(&world.bundle, entries, middle), None), "not_verified"),
        ("a hash bent", archive(&bent(&world.bundle, hashes, middle), None), "not_verified 7"),
        (
            "a kept root bent",
            archive(
                &bent(&world.bundle, kept, |bytes| {
                    let at = bytes.iter().position(|b| *b == b'=').unwrap() - 6;
                    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
                }),
                None,
            ),
            "not_verified 10.2",
        ),
        ("cut within a file", archive(&world.bundle, None)[..600].to_vec(), "not_verified 13.1"),
        ("cut within the head of a file", archive(&world.bundle, None)[..1_024 + 100].to_vec(), "not_verified 13.1"),
        // What fills up a file may have been taken off; that files are missing is seen all the same.
        ("cut after a file", archive(&world.bundle, None)[..5_000].to_vec(), "not_verified 13"),
    ];
    // A page that somebody else made says whatever that one likes.
    let page_bent = bent(&world.bundle, "verify.html", middle);
    let report = world.check(&page_bent);
    assert_eq!(report.exit_code(), 1);
    assert!(report.faults[0].to_string().contains("do not open it"), "{:?}", report.faults);
    let cases: Vec<_> =
        cases.into_iter().chain([("another page", archive(&page_bent, None), "not_verified 13")]).collect();
    let page = Page::open();
    let script = "
        const lines = [];
        for (const text of given.files) {
            const { verdict, section } = await window.verifier.check(raw(text), given.policy);
            lines.push(`${verdict} ${section ?? '-'}`);
        }
        return lines;";
    let files: Vec<_> = cases.iter().map(|(_, tar, _)| bytes(tar)).collect();
    let said = page.run(script, &json!({ "files": files, "policy": policy }));
    for ((name, _, wanted), said) in cases.iter().zip(&said) {
        assert!(said.starts_with(wanted), "{name}: {said}");
    }
    assert_eq!(said.len(), cases.len());
    // Nobody trusted: it cannot be verified, however good it is.
    let without = page.run(script, &json!({ "files": [bytes(&cases[0].1)], "policy": null }));
    assert_eq!(without, ["cannot_tell -"]);
}

/// What the page says of bundles: verdict, section and code of the first fault, its entry, entries whose time is not bounded.
fn said(bundles: &[Memory], policy: &str) -> Vec<String> {
    let script = "
        const lines = [];
        for (const text of given.files) {
            const { verdict, section, code, item, unbounded } = await window.verifier.check(raw(text), given.policy);
            lines.push([verdict, section ?? '-', code ?? '-', item ?? '-', unbounded?.count ?? '-'].join(' '));
        }
        return lines;";
    let files: Vec<_> = bundles.iter().map(|bundle| bytes(&archive(bundle, None))).collect();
    Page::open().run(script, &json!({ "files": files, "policy": policy }))
}

/// The key of the writer who takes over.
fn next_writer(log: &Forge<'_>) -> SecretKey {
    SecretKey::new(&log.origin().holder_key_name("op", "ledger-2"), &[7; 32])
}

/// Enrols the next writer, opens its epoch, bent, and seals; the log as the operator shows it.
fn handed_over(world: &World, bend: fn(Draft) -> Draft, signers: &[&str], takes: bool) -> Memory {
    let mut log = Forge::of(world);
    let signed = |log: &Forge<'_>, draft: Draft, holders: &[&str]| {
        let keys: Vec<SecretKey> = holders.iter().map(|holder| log.key("op", holder)).collect();
        log.record(&draft.signed(&keys.iter().collect::<Vec<_>>()))
    };
    let key = next_writer(&log);
    let draft =
        log.draft("key.enrolled", "op").id("key-ledger-2").with("organisation", "op").with("holder", "ledger-2");
    let draft = draft.with("role", "operator").with("alg", "ed25519").with("public_key", &key.vkey().to_string());
    let record = signed(&log, draft.with("valid_from", "2025-03-08T00:00:00Z"), &["o1", "o2"]);
    log.records.push(record);
    let mut state = State::new(log.origin().clone());
    log.entries().iter().for_each(|bytes| state.replay(bytes).unwrap());
    let (size, root) = state.sealed_head();
    let draft = log.draft("ledger.epoch.opened", "op").value("epoch", Value::Integer(1)).with("writer", "ledger-2");
    let draft = draft.value("size", Value::Integer(i64::try_from(size).unwrap())).with("root", &root.to_hex());
    let record = signed(&log, bend(draft), signers);
    log.records.push(record);
    log.writers.extend(takes.then_some(key));
    log.seal();
    log.build().bundle
}

#[test]
fn seals_are_by_the_writer_in_office() {
    let world = World::golden();
    let policy = String::from_utf8(world.bundle.get("policy").to_vec()).unwrap();
    let as_said = |draft: Draft| draft;
    let two = ["o1", "o2"].as_slice();
    let mut alone = Forge::of(&world);
    let draft = alone.draft("data.accessed", "op").with("reader", "op").with("purpose", "audit");
    let accessed = draft.with("scope", "full_export").signed(&[&alone.seal_key()]);
    alone.add(&accessed);
    alone.seal();
    let cases = [
        ("as it should be", handed_over(&world, as_said, two, true), "verified - -"),
        ("the one before goes on", handed_over(&world, as_said, two, false), "not_verified 3.4 key-not-in-force"),
        ("epoch 0", handed_over(&world, |d| d.value("epoch", Value::Integer(0)), two, true), "not_verified 11 epoch"),
        (
            "another size",
            handed_over(&world, |d| d.value("size", Value::Integer(1)), two, true),
            "not_verified 11 epoch",
        ),
        (
            "another root",
            handed_over(&world, |d| d.with("root", &Hash::default().to_hex()), two, true),
            "not_verified 11 epoch",
        ),
        ("a writer who signed", handed_over(&world, |d| d.with("writer", "o1"), two, true), "not_verified 11 epoch"),
        ("one holder", handed_over(&world, as_said, &["o1"], true), "not_verified 11 holders"),
        ("the writer signs more than seals", alone.build().bundle, "not_verified 11 writer-alone"),
    ];
    let bundles: Vec<Memory> = cases.iter().map(|(_, bundle, _)| bundle.clone()).collect();
    for ((name, _, wanted), said) in cases.iter().zip(said(&bundles, &policy)) {
        assert!(said.starts_with(wanted), "{name}: {said}");
    }
}

#[test]
fn times_are_bounded_by_when_the_quorum_had_seen_them() {
    let world = World::golden();
    let log = Forge::of(&world);
    let bundle = log.build().bundle;
    let witness = |n: u8| SecretKey::new(&format!("w{n}.example"), &[n; 32]);
    let names: String = (1..=3).map(|n| format!("witness w{n} {}\n", witness(n).cosigner_vkey())).collect();
    let own = String::from_utf8(world.bundle.get("policy").to_vec()).unwrap();
    let logs: String = own.lines().filter(|line| line.starts_with("log ")).map(|line| format!("{line}\n")).collect();
    let policy = format!("{logs}{names}group two 2 w1 w2 w3\nquorum two\n");
    let note = Note::parse(bundle.get("checkpoint")).unwrap();
    let size = Checkpoint::parse(&note.text).unwrap().size;
    let now = log.now().unix();
    let seen = |seconds: [i64; 3]| {
        let cosign = |(n, s): (u8, i64)| witness(n).cosign(&note.text, u64::try_from(now + s).unwrap());
        let mut note = note.clone();
        note.signatures.extend((1..).zip(seconds).map(cosign));
        let mut bundle = bundle.clone();
        bundle.put("checkpoint", note.to_text().into_bytes());
        bundle.manifest();
        bundle
    };
    let in_a_day = log.records.iter().filter(|r| now - r.received_at.unix() <= 86_400).count();
    let beyond = |count: usize| if count == 0 { "-".to_owned() } else { count.to_string() };
    let all = log.records.len();
    assert_eq!(u64::try_from(all).unwrap(), size);
    // Whoever claims the last second is the first that the clock gives away.
    let first = log.records.iter().position(|r| r.received_at.unix() > now - 1).unwrap();
    let cases = [
        ("at once", seen([0, 0, 0]), format!("verified - - - {}", beyond(all - in_a_day))),
        ("five minutes early", seen([-300, -300, 0]), "verified - - -".to_owned()),
        ("a second more", seen([-301, -301, 0]), format!("not_verified 10.5 time-ahead {first}")),
        ("one alone cannot accuse", seen([-9_000, 0, 0]), format!("verified - - - {}", beyond(all - in_a_day))),
        ("two days later", seen([172_800; 3]), format!("verified - - - {all}")),
    ];
    let bundles: Vec<Memory> = cases.iter().map(|(_, bundle, _)| bundle.clone()).collect();
    for ((name, _, wanted), said) in cases.iter().zip(said(&bundles, &policy)) {
        assert!(said.starts_with(wanted), "{name}: {said}, not {wanted}");
    }
}

/// Whatever two files of one log are, and in whatever order they come: of two histories both are a lie.
#[test]
fn two_histories_among_the_files_are_seen_whatever_they_are() {
    let world = World::golden();
    let told = |facility: &str| {
        let mut log = Forge::of(&world);
        let draft = log.draft("outage.declared", facility).with("facility", facility).with("cause", "network");
        let draft = draft.with("from", "2025-03-08T07:00:00Z").id("ou-8");
        let said = draft.signed(&[&log.key(facility, "d1")]);
        log.add(&said);
        log.seal();
        let built = log.build();
        let entries = tests::forge::Pages::of(&built.bundle).entries;
        let lines = tests::forge::lines(&built.openings);
        let note = Note::parse(built.bundle.get("checkpoint")).unwrap();
        let policy = format!("log {}\nquorum none\n", world.log_key.vkey());
        let desk = tests::packs::Desk::new(&world.origin, entries, lines, note.clone(), &policy);
        let pack = desk.pack("organisation/cso-x", "public").to_text().into_bytes();
        (archive(&built.bundle, None), pack, note.to_text().into_bytes())
    };
    let (bundle_a, pack_a, checkpoint_a) = told("fac-a");
    let (bundle_b, pack_b, checkpoint_b) = told("fac-b");
    let older = archive(&world.bundle, None);
    let stranger = sample("good.pack");
    let files = json!({
        "bundle-a": bytes(&bundle_a), "bundle-b": bytes(&bundle_b), "a.pack": bytes(&pack_a), "b.pack": bytes(&pack_b),
        "a.checkpoint": bytes(&checkpoint_a), "b.checkpoint": bytes(&checkpoint_b), "older": bytes(&older), "z.pack": bytes(&stranger),
    });
    let lie = "not_verified";
    let cases: [(&[&str], &[&str]); 9] = [
        (&["bundle-a", "bundle-b"], &[lie, lie]),
        (&["bundle-b", "b.pack", "bundle-a"], &[lie, lie, lie]),
        (&["bundle-a", "b.checkpoint"], &[lie, lie]),
        (&["b.checkpoint", "bundle-a"], &[lie, lie]),
        (&["bundle-a", "a.checkpoint"], &["verified", "verified"]),
        (&["a.pack", "b.pack", "z.pack"], &[lie, lie, "cannot_tell"]),
        (&["a.pack", "b.checkpoint"], &[lie, lie]),
        (&["bundle-a", "older", "a.pack"], &["verified", "verified", "verified"]),
        (&["older", "bundle-b"], &["verified", "verified"]),
    ];
    let script = "
        const lines = [];
        for (const names of given.cases) {
            choose('policy', [['mine', given.policy]]);
            await settled(() => shown().includes('mine'), 'her policy');
            for (const name of names) choose('choose', [[name, given.files[name]]]);
            await settled(() => document.querySelectorAll('.result').length === names.length && !document.querySelector('progress') && !state.busy, 'verdicts');
            lines.push(names.map((name) => state.files.find((file) => file.name === name).report.verdict).join(' '));
            press('again');
        }
        return lines;";
    let policy = format!("log {}\nquorum none\n", world.log_key.vkey());
    let names: Vec<_> = cases.iter().map(|(names, _)| names).collect();
    let said = Page::open().run(script, &json!({ "cases": names, "files": files, "policy": bytes(policy.as_bytes()) }));
    for ((names, wanted), said) in cases.iter().zip(&said) {
        assert_eq!(said.split(' ').collect::<Vec<_>>(), *wanted, "{names:?}");
    }
    assert_eq!(said.len(), cases.len());
}
