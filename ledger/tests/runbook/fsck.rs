//! `fsck` looks at everything that is kept; `export` puts nothing that would not verify in the place of what does.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use schemas::hash::Hash;
use schemas::policy::Policy;

use crate::hidden;
use crate::place::{Place, copy};

const PROFILE: &str = "[calendar]\nutc_offset_minutes = 60\n";

/// With a profile that was adopted, a draft that waits, a complaint that waits, and receipts.
fn with_everything() -> (Place, String) {
    let place = Place::of(hidden::PARTIES);
    place.write("next.toml", PROFILE);
    let digest = Hash::of(&[PROFILE.as_bytes()]).to_hex();
    place.good("document my next.toml");
    let rows = format!(
        "row_id,occurred_at,signer,cosigner,id,profile_id,profile,effective_on\n\
         r1,2025-03-04,n1,n2,next,next,{digest},2025-04-01\n"
    );
    place.write("rule.profile.adopted.csv", &rows);
    place.good("import my rule.profile.adopted.csv --party npm --keys keys");
    place.write("complaint.lodged.csv", hidden::COMPLAINT);
    place.good("import my complaint.lodged.csv --party npm --keys keys");
    (place, digest)
}

#[test]
fn fsck_names_whatever_is_wrong_beside_the_log() {
    let (place, digest) = with_everything();
    let said = place.good("fsck my");
    assert!(said.contains("sound") && said.contains("files beside the log"), "{said}");
    copy(&place.path("my"), &place.path("whole"));
    place.good("init other --origin b.example/log --parties parties.csv --keys keys2");
    let document = format!("my/documents/{digest}");
    let receipt = "my/outbox/receipts/npm/rule.profile.adopted/r1.tlog-proof";
    let parcel = fs::read_to_string(place.path("my/outbox/000002.jsonl")).unwrap();
    let forged = parcel.replace("\\\"seq\\\":", "\\\"seq\\\":9");
    assert_ne!(parcel, forged);
    let read = |name: &str| fs::read_to_string(place.path(name)).unwrap();
    for (name, text, words) in [
        (document.as_str(), None, "the log adopted this document and it is gone"),
        (&document, Some(format!("{PROFILE}\n")), "it is not what its name, a digest, says"),
        (
            "my/documents/0000000000000000000000000000000000000000000000000000000000000000",
            Some(String::new()),
            "a digest, says",
        ),
        ("my/keys/seal.key", None, "who seals, is not among them"),
        ("my/keys/seal.key", Some(read("other/keys/seal.key")), "who seals, is not among them"),
        ("my/policy", Some(read("other/policy")), "it has no line for this log"),
        ("my/policy", Some("quorum".to_owned()), "my/policy"),
        ("my/published", Some(read("other/checkpoint")), "it is no checkpoint of this log as it stands"),
        ("my/published", Some("torn".to_owned()), "it is no checkpoint of this log as it stands"),
        ("my/outbox/000007.jsonl", Some(forged), "the log would not take it"),
        ("my/outbox/000007.jsonl", Some("{}\n".to_owned()), "my/outbox/000007.jsonl: line 1 is not as it was written"),
        ("my/outbox/000002.jsonl", None, "my/outbox.reached: the folder beside it was emptied, cut"),
        (receipt, Some("torn".to_owned()), "it is no receipt of this log as it stands"),
        ("my/intake/waiting/00000001", None, "my/intake.reached: the folder beside it was emptied, cut"),
        ("my/intake/waiting/00000001", Some("{}".to_owned()), "00000001: line 1 is not as it was written"),
        ("my/drafts/a.draft", Some("torn".to_owned()), "my/drafts/a.draft"),
        ("my/pseudonyms", None, "the list of pseudonyms"),
        ("my/pseudonyms", Some("one-word\n".to_owned()), "my/pseudonyms: line 1 is not as it was written"),
        ("my/parties.csv", None, "my/parties.csv"),
        ("my/parties.csv", Some("party\n".to_owned()), "my/parties.csv"),
        ("my/profile.toml", None, "my/profile.toml"),
        ("my/profile.toml", Some(String::new()), "empty, cut or changed"),
        ("my/profile.toml", Some("[calendar]\nutc_offset_minutes = \"late\"\n".to_owned()), "my/profile.toml"),
    ] {
        match text {
            Some(text) => place.write(name, &text),
            None => place.remove(name),
        }
        let (code, said) = place.ends("fsck my");
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(said.contains("not sound") && said.contains(words), "{name}: {words}\n{said}");
        assert!(!said.contains("ledger restore"), "{name}: the log is whole\n{said}");
        fs::remove_dir_all(place.path("my")).unwrap();
        copy(&place.path("whole"), &place.path("my"));
    }
    place.good("fsck my");
}

fn contents(place: &Place, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![place.path(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { drop(found.insert(path.clone(), fs::read(path).unwrap())) }
        }
    }
    found
}

#[test]
fn an_export_that_would_not_verify_leaves_the_old_one() {
    let (place, digest) = with_everything();
    place.good("export my --out bundle --archive bundle.tar");
    let (before, archive) = (contents(&place, "bundle"), fs::read(place.path("bundle.tar")).unwrap());
    place.good("init other --origin b.example/log --parties parties.csv --keys keys2");
    let document = format!("my/documents/{digest}");
    let policy = fs::read_to_string(place.path("my/policy")).unwrap();
    let other = fs::read_to_string(place.path("other/policy")).unwrap();
    for (name, text, good) in [
        (document.as_str(), None, PROFILE),
        (&document, Some("[calendar]\n"), PROFILE),
        ("my/policy", Some(other.as_str()), policy.as_str()),
    ] {
        match text {
            Some(text) => place.write(name, text),
            None => place.remove(name),
        }
        place.bad("export my --out bundle --archive bundle.tar", 2, "");
        assert_eq!(contents(&place, "bundle"), before, "{name}");
        assert_eq!(fs::read(place.path("bundle.tar")).unwrap(), archive, "{name}");
        assert!(!place.path("bundle.new").exists() && !place.path("bundle.old").exists(), "{name}");
        place.write(name, good);
    }
    place.check("my");
}

#[test]
fn a_log_that_does_not_verify_is_kept_as_evidence_beside_what_does() {
    let (place, digest) = with_everything();
    let kept = "export my --out bundle --although-it-does-not-verify";
    // Where it verifies, the option changes nothing.
    place.good(kept);
    assert!(!place.path("bundle.does-not-verify").exists());
    let before = contents(&place, "bundle");
    place.good("init other --origin b.example/log --parties parties.csv --keys keys2");
    let document = format!("my/documents/{digest}");
    let policy = fs::read_to_string(place.path("my/policy")).unwrap();
    let other = fs::read_to_string(place.path("other/policy")).unwrap();
    for (name, text, good, code, told) in [
        (document.as_str(), None, PROFILE, 1, "fault: "),
        (&document, Some("[calendar]\n"), PROFILE, 1, "fault: "),
        ("my/policy", Some(other.as_str()), policy.as_str(), 2, "cannot tell: "),
    ] {
        match text {
            Some(text) => place.write(name, text),
            None => place.remove(name),
        }
        place.bad("export my --out bundle", 2, "--although-it-does-not-verify");
        let (found, said) = place.ends(kept);
        assert!(found == Some(code) && said.contains(told), "{name}: {found:?} {said}");
        assert!(said.contains("bundle.does-not-verify: ") && said.contains("it does NOT verify"), "{name}: {said}");
        assert_eq!(contents(&place, "bundle"), before, "{name}: the good one is as it was");
        let marked = fs::read_to_string(place.path("bundle.does-not-verify/DOES-NOT-VERIFY.txt")).unwrap();
        let why = said.lines().find_map(|line| line.strip_prefix(told)).unwrap();
        assert!(marked.contains("does NOT verify") && marked.contains(&format!("- {why}\n")), "{name}: {marked}");
        // Everything of the log is there, and a reader is told that it does not hold.
        let folder = contents(&place, "bundle.does-not-verify");
        for (path, bytes) in before.iter().filter(|(path, _)| path.to_str().unwrap().contains("/tile/")) {
            let path = path.to_str().unwrap().replace("/bundle/", "/bundle.does-not-verify/");
            assert_eq!(folder.get(&PathBuf::from(path)), Some(bytes), "{name}");
        }
        let policy = Policy::parse(&policy).unwrap();
        let mut source = verifier::files::Folder::new(&place.path("bundle.does-not-verify"));
        let report = verifier::bundle::check(&mut source, &policy, None, &mut verifier::bundle::NoVisitor);
        assert_ne!(report.exit_code(), 0, "{name}");
        // It takes the place of nothing, not even of one like it.
        place.bad(kept, 2, "bundle.does-not-verify");
        assert_eq!(contents(&place, "bundle.does-not-verify"), folder, "{name}");
        fs::remove_dir_all(place.path("bundle.does-not-verify")).unwrap();
        place.write(name, good);
    }
    place.check("my");
}

#[test]
fn what_the_last_stop_left_is_set_aside_where_it_is_broken() {
    let place = Place::new();
    let state = |name: &str| {
        fs::read_dir(place.path("my/state")).unwrap().map(|e| e.unwrap().path()).find(|p| {
            let file = p.file_name().unwrap().to_str().unwrap();
            if name == "signed" { file.ends_with(".signed") } else { file != "stopped" && !file.ends_with(".signed") }
        })
    };
    for (what, cut) in [("signed", 0), ("signed", 20), ("state", 0), ("state", 1_000)] {
        let path = state(what).unwrap();
        let bytes = fs::read(&path).unwrap();
        let bent = &bytes[..cut.min(bytes.len() - 1)];
        fs::write(&path, bent).unwrap();
        let (code, said) = place.ends("submit my");
        assert_eq!(code, Some(0), "{what} cut at {cut}: {said}");
        assert!(
            said.contains("made again from the log") && said.contains("my/state.aside"),
            "{what} cut at {cut}: {said}"
        );
        let kept = place.path("my/state.aside").join(path.file_name().unwrap());
        assert_eq!(fs::read(kept).unwrap(), bent, "{what} cut at {cut}");
        let (_, said) = place.ends("submit my");
        assert!(!said.contains("made again"), "{said}");
    }
    place.check("my");
}
