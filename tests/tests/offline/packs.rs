//! What the page says of good and of broken packs, and of many at once.

use serde_json::json;

use crate::page::{Page, bytes, sample};

/// What the page says of one file.
fn said(page: &Page, names: &[&str], policy: Option<&str>) -> Vec<String> {
    let files: Vec<_> = names.iter().map(|name| bytes(&sample(name))).collect();
    let script = "
        const lines = [];
        for (const text of given.files) {
            const { verdict, section, record } = await window.verifier.check(raw(text), given.policy);
            lines.push([verdict, section ?? '-', record ? `${record.entry} ${record.type}` : '-'].join(' '));
        }
        return lines;";
    page.run(script, &json!({ "files": files, "policy": policy }))
}

/// Judges many packs in one opening of the page: a line each, `verdict section item code`.
pub fn judge(page: &Page, packs: &[Vec<u8>], policy: Option<&str>) -> Vec<String> {
    let packs: Vec<_> = packs.iter().map(|pack| bytes(pack)).collect();
    let script = "
        const all = await window.verifier.checkPacks(given.packs.map(raw), given.policy);
        return all.map(({ verdict, section, item, code }) => [verdict, section ?? '-', item ?? '-', code ?? '-'].join(' '));";
    page.run(script, &json!({ "packs": packs, "policy": policy }))
}

/// Samples, what is said of them without trust and with the samples' policy.
const SAMPLES: [(&str, &str, &str); 13] = [
    ("good.pack", "cannot_tell - -", "verified - -"),
    ("erased.pack", "cannot_tell - -", "partly - -"),
    ("older.pack", "cannot_tell - -", "verified - -"),
    ("absent.pack", "cannot_tell - -", "verified - -"),
    ("visit.tlog-proof", "cannot_tell - -", "verified - -"),
    ("dropped.pack", "not_verified 8.4 -", "not_verified 8.4 -"),
    ("swapped.pack", "not_verified 5 10 access.request.submitted", "not_verified 5 10 access.request.submitted"),
    ("rewritten.pack", "not_verified 7 14 visit.completed", "not_verified 7 14 visit.completed"),
    // Whose witness it is can be said only by the reader's policy.
    ("forged-witness.pack", "cannot_tell - -", "not_verified 12 -"),
    (
        "false-erasure.pack",
        "not_verified 17 10 access.request.submitted",
        "not_verified 17 10 access.request.submitted",
    ),
    // Each history holds alone; what betrays them is to be shown both.
    ("other-history.pack", "cannot_tell - -", "verified - -"),
    ("fork", "cannot_tell - -", "proven - -"),
    ("refusal", "cannot_tell - -", "verified - -"),
];

#[test]
fn samples_are_judged_by_what_the_reader_trusts() {
    let page = Page::open();
    let policy = String::from_utf8(sample("policy")).unwrap();
    let other = "log vectors.example/log+a73e9331+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\nquorum none\n";
    let names: Vec<&str> = SAMPLES.iter().map(|(name, ..)| *name).collect();
    let without: Vec<&str> = SAMPLES.iter().map(|(_, without, _)| *without).collect();
    let with: Vec<&str> = SAMPLES.iter().map(|(_, _, with)| *with).collect();
    assert_eq!(said(&page, &names, None), without);
    assert_eq!(said(&page, &names, Some(&policy)), with);
    // Trust in another log is no trust in this one.
    assert_eq!(said(&page, &["good.pack"], Some(other)), ["cannot_tell - -"]);
}

#[test]
fn a_later_pack_extends_an_older_one_or_does_not() {
    let page = Page::open();
    let script = "
        const lines = [];
        for (const [newer, older] of given.pairs) {
            const { verdict, code, extends: size } = await window.verifier.since(raw(newer), raw(older), given.policy);
            lines.push([verdict, code ?? '-', size ?? '-'].join(' '));
        }
        return lines;";
    let pack = |name: &str| bytes(&sample(name));
    let text = String::from_utf8(sample("good.pack")).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("{\"since\"")).map(|line| format!("{line}\n"));
    let unproven = bytes(lines.collect::<String>().as_bytes());
    let pairs = [
        (pack("good.pack"), pack("older.pack"), "verified - 14"),
        (pack("erased.pack"), pack("good.pack"), "partly - 19"),
        (pack("good.pack"), pack("good.pack"), "verified - 19"),
        (pack("older.pack"), pack("good.pack"), "cannot_tell since-newer -"),
        (pack("good.pack"), pack("other-history.pack"), "not_verified fork -"),
        (unproven, pack("older.pack"), "cannot_tell since-missing -"),
    ];
    let given = json!({
        "pairs": pairs.iter().map(|(newer, older, _)| json!([newer, older])).collect::<Vec<_>>(),
        "policy": String::from_utf8(sample("policy")).unwrap(),
    });
    assert_eq!(page.run(script, &given), pairs.map(|(_, _, said)| said));
}

#[test]
fn a_pack_brings_every_key_that_signed_in_it() {
    let page = Page::open();
    let policy = String::from_utf8(sample("policy")).unwrap();
    let mut cases = Vec::new();
    // Without the line that brought it, the first entry that the key signed is named: the seal too.
    for (name, wanted) in [("good.pack", ["5", "11", "12"].as_slice()), ("absent.pack", ["18"].as_slice())] {
        let text = String::from_utf8(sample(name)).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("{\"key\"")).collect();
        assert_eq!(lines.len(), wanted.len(), "{name}");
        for (line, entry) in lines.iter().zip(wanted) {
            let without = text.replace(&format!("{line}\n"), "").into_bytes();
            cases.push((without, format!("not_verified 3.4 {entry} key-not-brought")));
        }
        cases.push((text.into_bytes(), "verified - - -".to_owned()));
    }
    let packs: Vec<Vec<u8>> = cases.iter().map(|(pack, _)| pack.clone()).collect();
    let wanted: Vec<&str> = cases.iter().map(|(_, wanted)| wanted.as_str()).collect();
    assert_eq!(judge(&page, &packs, Some(&policy)), wanted);
}

#[test]
fn what_is_sealed_for_oversight_is_withheld_from_others() {
    let page = Page::open();
    let script = "
        const { verdict, complete, records } = await window.verifier.check(raw(given.pack), given.policy);
        const sealed = records.flatMap(({ index, hidden }) => hidden.filter(({ state }) => state === 'sealed').map(({ name }) => `${index} ${name}`));
        return [verdict, `partly: ${complete.partly}, withheld: ${complete.withheld}`, ...sealed];";
    let policy = String::from_utf8(sample("policy")).unwrap();
    let said = page.run(script, &json!({ "pack": bytes(&sample("erased.pack")), "policy": policy }));
    assert_eq!(said, ["partly", "partly: 7,10,14, withheld: ", "14 interviews"]);
}

#[test]
fn no_damage_to_a_pack_goes_unseen() {
    let page = Page::open();
    let good = sample("good.pack");
    let policy = String::from_utf8(sample("policy")).unwrap();
    let text = String::from_utf8(good.clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>().into_bytes();
    let mut packs = Vec::new();
    // A bit of every 97th byte but of the lines that nobody signs: audience, policy, statement.
    let mut at = 0;
    for line in &lines {
        let free = ["{\"audience\"", "{\"policy\"", "{\"since\"", "{\"statement\""].iter().any(|w| line.starts_with(w));
        if !free {
            packs.extend((at..at + line.len()).step_by(97).map(|byte| {
                let mut bent = good.clone();
                bent[byte] ^= 1 << (byte % 8);
                bent
            }));
        }
        at += line.len() + 1;
    }
    // Each item left out, twice, and in the place of the next.
    for (n, _) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("{\"item\"")) {
        let (mut without, mut twice, mut swapped) = (lines.clone(), lines.clone(), lines.clone());
        without.remove(n);
        twice.insert(n, lines[n]);
        swapped.swap(n, n - 1);
        packs.extend([joined(&without), joined(&twice), joined(&swapped)]);
    }
    packs.extend([b"".to_vec(), b"{}\n".to_vec(), good[..good.len() / 2].to_vec(), vec![0xff; 1000]]);
    assert!(packs.len() > 200, "{}", packs.len());
    packs.push(good);
    let mut said = judge(&page, &packs, Some(&policy));
    assert_eq!(said.pop().as_deref(), Some("verified - - -"));
    let unseen: Vec<_> = said.iter().enumerate().filter(|(_, said)| !said.starts_with("not_verified ")).collect();
    assert!(unseen.is_empty(), "{unseen:?}");
    assert_eq!(said.len() + 1, packs.len());
}

/// Of two packs of one stream the larger shows what the smaller shows, and nothing new below its size. FORMAT.md 14.2.
#[test]
fn a_record_that_one_of_two_packs_hides_is_a_lie_in_both() {
    let script = "
        const lines = [];
        const policy = trustOf(given.policy);
        const without = (text, number) => {
            const all = text.split('\\n');
            const items = all.flatMap((line, at) => (line.startsWith('{\"item\"') ? [at] : []));
            return utf8(all.filter((_, at) => at !== items.at(number)).join('\\n'));
        };
        const [newer, older] = [given.newer, given.older];
        for (const [large, small] of [[utf8(newer), utf8(older)], [without(newer, 0), utf8(older)], [utf8(newer), without(older, 1)], [utf8(newer), without(older, -1)]]) {
            const reports = [await checkPack(utf8(newer), policy), await checkPack(utf8(older), policy)];
            setAgainst([reports[1], small], [reports[0], large]);
            lines.push(reports.map((report) => `${report.verdict} ${report.faults[0]?.code ?? '-'}`).join(', '));
        }
        return lines;";
    let text = |name: &str| String::from_utf8(sample(name)).unwrap();
    let given = json!({ "newer": text("good.pack"), "older": text("older.pack"), "policy": text("policy") });
    let lie = "not_verified dropped, not_verified dropped";
    assert_eq!(Page::open().run(script, &given), ["verified -, verified -", lie, lie, lie]);
}
