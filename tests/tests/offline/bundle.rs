//! Bundles in one archive, and a pack of the page's beside nothing of them.

use serde_json::json;
use tests::memory::Memory;
use tests::world::World;

use crate::page::{Page, bytes};

/// The files as one ustar archive. FORMAT.md 13.1.
fn archive(bundle: &Memory, openings: Option<&Memory>) -> Vec<u8> {
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
        ("cut", archive(&world.bundle, None)[..5_000].to_vec(), "not_verified 13.1"),
    ];
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
