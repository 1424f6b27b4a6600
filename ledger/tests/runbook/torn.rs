//! What is kept beside the log, torn, or put back from an older copy, is never taken for what it is not; and what a command
//! is asked for that would stand in public for ever is held against what the ledger knows.

use std::fs;

use crate::hidden;
use crate::lost::{attempt, busy};
use crate::place::{Place, copy};

const PROFILE: &str = "[calendar]\nutc_offset_minutes = 300\n\n[param.sealed_batch_size]\nvalue = 3\n";

/// A way in which a file is torn.
type Tear = fn(&mut Vec<u8>);

fn again(place: &Place) {
    fs::remove_dir_all(place.path("my")).unwrap();
    copy(&place.path("whole"), &place.path("my"));
}

#[test]
fn a_list_of_places_that_is_torn_or_gone_lets_no_older_copy_pass() {
    let place = busy();
    place.good("export my --out bundle");
    copy(&place.path("my"), &place.path("whole"));
    place.write("visit.attempted.csv", &attempt("r2"));
    let wet = "import my visit.attempted.csv --party cso-x --keys keys";
    place.good(wet);
    place.good("export my --out bundle");
    // Each, and whether what can still be read of it names the bundle.
    let torn: [(&str, Option<Tear>, bool); 9] = [
        ("zeros", Some(|bytes| bytes.fill(0)), false),
        ("empty", Some(Vec::clear), false),
        ("within the first line", Some(|bytes| bytes.truncate(6)), false),
        ("half", Some(|bytes| bytes.truncate(bytes.len() / 2)), true),
        ("cut at a line", Some(|bytes| bytes.truncate(bytes.iter().position(|b| *b == b'\n').unwrap() + 1)), true),
        ("a path flipped", Some(|bytes| bytes[9] ^= 1), false),
        ("a word flipped", Some(|bytes| bytes[0] ^= 1), false),
        ("the digest flipped", Some(|bytes| *bytes.iter_mut().rev().nth(1).unwrap() ^= 1), true),
        ("gone", None, false),
    ];
    for (what, tear, asked) in torn {
        again(&place);
        match tear {
            Some(tear) => {
                let mut bytes = fs::read(place.path("my/places")).unwrap();
                tear(&mut bytes);
                fs::write(place.path("my/places"), bytes).unwrap();
            }
            None => place.remove("my/places"),
        }
        let before = fs::read(place.path("bundle/checkpoint")).unwrap();
        for line in [wet, "submit my", "fsck my", "export my --out bundle", "serve my --listen 127.0.0.1:0"] {
            place.bad(line, 2, "--accept-loss");
        }
        assert_eq!(fs::read(place.path("bundle/checkpoint")).unwrap(), before, "{what}");
        // Who says in words that it goes on: with what can be read, and where nothing can, each start says so.
        let (code, said) = place.ends("fsck my --accept-loss");
        if asked {
            assert!(code == Some(2) && said.contains("this is an older copy"), "{what}: {said}");
            place.bad(wet, 2, "this is an older copy");
        } else {
            let (code, said) = place.ends(wet);
            assert_eq!(code, Some(0), "{what}: {said}");
            assert!(said.contains("not asked whether") || said.contains("nothing outside"), "{what}: {said}");
        }
    }
    // The folder that is replaced may have no list at all: that nothing was asked of it is said.
    again(&place);
    for (number, bytes) in [Some("bundle /nowhere\n"), Some(""), None].into_iter().enumerate() {
        match bytes {
            Some(bytes) => place.write("my/places", bytes),
            None => place.remove("my/places"),
        }
        let (code, said) = place.ends(&format!(
            "restore new-{number} --bundle bundle --policy my/policy --from my --without-hidden-values"
        ));
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("not asked whether the bundle is the newest"), "{bytes:?}: {said}");
    }
}

#[test]
fn a_profile_that_was_cut_or_changed_is_told_and_its_values_are_not_made_up() {
    let place = Place::of(hidden::PARTIES);
    place.write("profile.toml", PROFILE);
    place.good("init other --origin b.example/log --parties parties.csv --profile profile.toml --keys keys2");
    for text in [
        "",
        "[calendar]\nutc_offset_minutes = 300\n",
        "[calendar]\n",
        &PROFILE[..PROFILE.len() - 9],
        &PROFILE.replace("300", "360"),
        &PROFILE.replace("= 3\n", "= 2\n"),
    ] {
        place.write("other/profile.toml", text);
        for line in [
            "export other --out b",
            "intake other --keys keys2",
            "key rotate other --party npm --holder n1 --keys keys2",
        ] {
            place.bad(line, 2, "other/profile.toml: the rule profile");
        }
        let (code, said) = place.ends("fsck other");
        assert!(code == Some(1) && said.contains("ledger document"), "{text:?}: {said}");
        // Whoever changed it on purpose says so.
        if text.contains("360") {
            place.good("document other other/profile.toml");
            place.good("export other --out b");
        }
    }
    place.write("other/profile.toml", PROFILE);
    place.good("fsck other");
    // A profile that nobody has adopted yet is in no bundle; a restored ledger keeps it all the same.
    place.good("restore new --bundle b --policy other/policy --from other");
    place.good("fsck new");
    // A list of parties that ends early reads like any other: it is held against what the log knows.
    let list = fs::read_to_string(place.path("other/parties.csv")).unwrap();
    let end = list.find("npm,").unwrap();
    place.write("other/parties.csv", &list[..end]);
    assert!(place.good("fsck other").contains("other/parties.csv: it lacks 1 that the log"), "told");
}

#[test]
fn who_is_unknown_is_refused_before_anything_stands_in_public() {
    let place = busy();
    let size = || fs::read_to_string(place.path("my/checkpoint")).unwrap();
    let before = size();
    let attempted = attempt("r9").replace(",cso-x,", ",cso-xx,");
    place.write("visit.attempted.csv", &attempted);
    place.write(
        "event.json",
        r#"{"type":"visit.attempted","party":"cso-xx","signer":"x1","id":"at-9","facility":"fac-a","organisation":"cso-xx"}"#,
    );
    for (line, words) in [
        ("key enrol my --party cso-xx --holder x1 --role cso --keys keys --make-key", "did you mean cso-x?"),
        (
            "key enrol my --party noor-network --holder x1 --role cso --keys keys --make-key",
            "noor-network: no such party",
        ),
        (
            "key enrol my --party cso-y --holder y2 --role cso --by cso-yy:y1 --keys keys --make-key",
            "did you mean cso-y?",
        ),
        (
            "key enrol my --party cso-y --holder y2 --role cso --cosigner opp:o1 --keys keys --make-key",
            "opp: no such party",
        ),
        ("key rotate my --party cso-xx --holder x1 --keys keys", "did you mean cso-x?"),
        (
            "key revoke my --party cso-xx --holder x1 --reason holder-left --by npm:n1 --keys keys",
            "did you mean cso-x?",
        ),
        ("epoch my --writer ledger-2 --by opp:o1 --cosigner op:o2 --keys keys", "opp: no such party"),
        ("append my event.json --keys keys", "did you mean cso-x?"),
        ("import my visit.attempted.csv --party cso-x --keys keys", "did you mean cso-x?"),
        ("import my visit.attempted.csv --party cso-xx --keys keys", "did you mean cso-x?"),
        ("export my --openings out --for cso-xx --purpose audit --keys keys", "did you mean cso-x?"),
        ("pack my organisation/cso-x --for cso-xx --keys keys --out x.pack", "did you mean cso-x?"),
    ] {
        place.bad(line, 1, words);
        assert_eq!(size(), before, "{line}: something was recorded");
    }
    assert!(!place.path("keys/cso-xx.x1.key").exists() && !place.path("keys/noor-network.x1.key").exists());
}

#[test]
fn no_secret_key_is_made_for_another_party_and_its_own_is_used() {
    let place = busy();
    let keys = || {
        let mut names: Vec<String> =
            fs::read_dir(place.path("keys")).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    let before = keys();
    let enrol = "key enrol my --party cso-y --holder y1 --role cso --keys keys";
    // Neither half is there: none is made, whether the log names the party or not.
    place.bad(enrol, 2, "ledger keygen --origin a.example/log --party cso-y --holder y1");
    place.bad("key enrol my --party fac-a --holder d1 --role facility --keys keys", 2, "--make-key");
    assert_eq!(keys(), before);
    // Its own public half, under its own id: that one is meant, and another holder must sign for it.
    place.good("keygen --origin a.example/log --party cso-y --holder y1 --keys theirs");
    let public = fs::read_to_string(place.path("theirs/cso-y.y1.vkey")).unwrap();
    place.write("keys/cso-y.y1.vkey", &public);
    place.bad(enrol, 2, "the new key, which is not at hand");
    assert_eq!(keys().len(), before.len() + 1, "none was made");
    // Its own secret half signs for itself, under the name that the log has for it.
    assert!(fs::copy(place.path("theirs/cso-y.y1.key"), place.path("keys/cso-y.y1.key")).is_ok());
    place.good(enrol);
    assert_eq!(keys().len(), before.len() + 2, "none was made");
    let bytes = public.trim_end().rsplit('+').next().unwrap();
    let enrolled = |place: &Place| {
        place.good("export my --out bundle");
        let folder = fs::read_dir(place.path("bundle/tile/entries/000.p")).unwrap();
        let tile = folder.map(|e| fs::read(e.unwrap().path()).unwrap()).max_by_key(Vec::len).unwrap();
        String::from_utf8_lossy(&tile).into_owned()
    };
    let entries = enrolled(&place);
    assert!(entries.contains(bytes) && !entries.contains("cso-y"), "its key, and not its name");
    // It signs with that key, where the ledger is and at the institution.
    place.write("visit.attempted.csv", &attempt("r5").replace("cso-x", "cso-y").replace("x1", "y1"));
    place.good("import my visit.attempted.csv --party cso-y --keys keys");
    place.good("outbox init outbox --key-file k --policy my/policy --party cso-y --parties parties.csv --pseudonyms my/pseudonyms --first-number 20");
    place.write("visit.attempted.csv", &attempt("r6").replace("cso-x", "cso-y").replace("x1", "y1"));
    place.good("outbox import outbox visit.attempted.csv --key-file k --keys theirs");
    place.write("stick/.keep", "");
    place.good("outbox pack-up outbox stick --key-file k");
    let said = place.good("take-in my stick");
    assert!(said.contains("0 events were refused"), "{said}");
    assert!(!enrolled(&place).contains("cso-y"));
    // A second holder, by the first: a key of the party lies here, and theirs is used where it is brought.
    place.good("keygen --origin a.example/log --party cso-y --holder y2 --keys theirs");
    let second = fs::read_to_string(place.path("theirs/cso-y.y2.vkey")).unwrap();
    place.write("keys/cso-y.y2.vkey", &second);
    place.good("key enrol my --party cso-y --holder y2 --by cso-y:y1 --keys keys");
    assert!(enrolled(&place).contains(second.trim_end().rsplit('+').next().unwrap()));
    place.check("my");

    // The same stick again adds nothing, not even a seal; neither does a revocation of what is revoked.
    let head = fs::read(place.path("my/checkpoint")).unwrap();
    for _ in 0..2 {
        place.good("take-in my stick");
    }
    assert_eq!(fs::read(place.path("my/checkpoint")).unwrap(), head, "the log grew");
    let revoke = "key revoke my --party cso-y --holder y2 --reason holder-left --by cso-y:y1 --keys keys";
    place.good(revoke);
    let head = fs::read(place.path("my/checkpoint")).unwrap();
    place.bad(revoke, 1, "is revoked already");
    assert_eq!(fs::read(place.path("my/checkpoint")).unwrap(), head, "the log grew");
    // That it ended earlier is news.
    place.good(&revoke.replace("holder-left", "compromise --since 2020-01-01T00:00:00Z"));
}

#[test]
fn a_key_that_was_there_before_begins_a_log_only_by_who_says_that_it_never_has() {
    let place = Place::of(hidden::PARTIES);
    let init = "init two --origin a.example/log --parties parties.csv --keys keys";
    for kept in [&["log.key"][..], &["log.key", "seal.key"], &["seal.key"]] {
        place.write("two/keys/.keep", "");
        place.remove("two/keys/.keep");
        for name in kept {
            assert!(fs::copy(place.path("my/keys").join(name), place.path("two/keys").join(name)).is_ok());
        }
        place.bad(init, 2, "--never-used");
        assert!(!place.path("two/store").exists() && !place.path("two/checkpoint").exists(), "{kept:?}");
        fs::remove_dir_all(place.path("two")).unwrap();
    }
    // One that was made for this log, and has signed nothing.
    place.good("init three --origin c.example/log --parties parties.csv --keys keys3");
    place.write("two/keys/.keep", "");
    place.remove("two/keys/.keep");
    assert!(fs::copy(place.path("three/keys/log.key"), place.path("two/keys/log.key")).is_ok());
    let line = "init two --origin c.example/log --parties parties.csv --keys keys3";
    place.bad(line, 2, "it may have signed a log");
    place.good(&format!("{line} --never-used"));
    // A beginning that was cut short has its mark, and its own keys are no strangers.
    let keys = place.path("four/keys");
    place.write("four/begun", "");
    fs::create_dir(&keys).unwrap();
    assert!(fs::copy(place.path("three/keys/log.key"), keys.join("log.key")).is_ok());
    place.good("init four --origin c.example/log --parties parties.csv --keys keys3");
}

#[test]
fn a_flipped_opening_is_named_with_the_way_out_and_so_are_all_of_them() {
    let place = Place::of(hidden::PARTIES);
    for row in ["c1", "c2", "c3"] {
        place.write("visit.attempted.csv", &attempt(row));
    }
    place.good("keygen --origin a.example/log --party cso-x --holder x1 --keys keys");
    place.good("key enrol my --party cso-x --holder x1 --role cso --keys keys");
    place.write("inspection.conducted.csv", hidden::INSPECTION);
    place.good("import my inspection.conducted.csv --party npm --keys keys");
    place.write("inspection.obstructed.csv", hidden::OBSTRUCTION);
    place.good("import my inspection.obstructed.csv --party npm --keys keys");
    place.good("export my --out bundle --backup copy/openings --backup-keys copy/keys");
    copy(&place.path("my"), &place.path("whole"));
    for (part, back) in [("openings", "openings"), ("opening-keys", "keys")] {
        let path = place.path("my").join(part).join("000");
        let text = fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty()).count();
        // The last sign but two of each line that has any.
        let bent: String = text
            .lines()
            .map(|line| match line.len() {
                0 => "\n".to_owned(),
                end => {
                    let at = end - 12;
                    let other = if &line[at..=at] == "B" { "C" } else { "B" };
                    format!("{}{other}{}\n", &line[..at], &line[at + 1..])
                }
            })
            .collect();
        fs::write(&path, bent).unwrap();
        let (code, said) = place.ends("fsck my");
        assert_eq!(code, Some(1), "{part}: {said}");
        assert_eq!(said.matches("export --backup").count(), lines, "{part}: each is named\n{said}");
        assert!(!said.contains("newest bundle"), "{part}: the log is whole\n{said}");
        // The way out that is named is one.
        assert!(fs::copy(place.path("copy").join(back).join("000"), &path).is_ok());
        place.good("fsck my");
        again(&place);
    }
    // What was signed here, bent in the outbox or in a draft.
    let files = fs::read_dir(place.path("my/outbox")).unwrap().map(|e| e.unwrap().path());
    let texts = files.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    let is_it = |path: &std::path::PathBuf| fs::read_to_string(path).unwrap().contains("npm/inspection.obstructed/");
    let path = texts.into_iter().find(is_it).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let other = |at: usize| if &whole[at..=at] == "A" { "Q" } else { "A" };
    let bend = |at: usize| format!("{}{}{}", &whole[..at], other(at), &whole[at + 1..]);
    let signature = whole.find("/npm/n1 ").unwrap() + 30;
    let digest = whole.find("\"digests\":[\"").unwrap() + 20;
    let slot = whole.find("\"slots\":[").unwrap() + 40;
    for (at, words) in [
        (signature, "its signatures are not those of the log"),
        (digest, "the hidden values are not those that the event commits to"),
        (slot, "the hidden values are not those that the event commits to"),
    ] {
        fs::write(&path, bend(at)).unwrap();
        place.bad("fsck my", 1, words);
        assert!(!place.ends("fsck my").1.contains("ledger restore"));
    }
    fs::write(&path, &whole).unwrap();
    place.good("fsck my");
}
