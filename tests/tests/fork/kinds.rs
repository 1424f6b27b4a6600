//! A folder that is put back is told by whatever else bears the log's signature, and by each of them alone.

use std::fs;

use schemas::policy::Policy;
use verifier::compare::check_fork;

use crate::place::{Place, contents, copy, text};

/// What stands outside the folder that is put back, or was not put back with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knows {
    /// `serve --mirror`.
    Mirror,
    /// A bundle that `export` wrote, and would write over.
    Bundle,
    /// The same as one file.
    Archive,
    /// The anchor's second place.
    Anchor,
    /// Receipts that were kept beside the outbox: the copy was laid over the folder.
    Receipts,
    /// The published checkpoint, likewise.
    Published,
    /// What a stop left, likewise.
    State,
    /// A witness.
    Witness,
    /// Nothing at all.
    Nothing,
}

const ALL: [Knows; 9] = [
    Knows::Mirror,
    Knows::Bundle,
    Knows::Archive,
    Knows::Anchor,
    Knows::Receipts,
    Knows::Published,
    Knows::State,
    Knows::Witness,
    Knows::Nothing,
];

/// Files outside the folder that must not be touched by a start that is refused.
fn outside(place: &Place) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let names = ["mirror", "bundle", "bundle.tar", "anchor", "anchor.2"];
    let mut found = Vec::new();
    for path in names.iter().map(|name| place.path(name)).filter(|path| path.exists()) {
        if path.is_dir() {
            found.extend(contents(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found
}

#[test]
fn a_folder_that_is_put_back_is_told_by_whatever_else_knows() {
    std::thread::scope(|scope| {
        for half in ALL.chunks(ALL.len().div_ceil(2)) {
            scope.spawn(|| half.iter().for_each(|knows| put_back(*knows)));
        }
    });
}

fn put_back(knows: Knows) {
    let mut place = Place::new(knows == Knows::Witness);
    let home = place.home();
    let (mirror, bundle, archive, anchor) = (
        text(&place.path("mirror")),
        text(&place.path("bundle")),
        text(&place.path("bundle.tar")),
        text(&place.path("anchor")),
    );
    let more: Vec<&str> = if knows == Knows::Mirror { vec!["--mirror", &mirror] } else { Vec::new() };
    if knows == Knows::Anchor {
        let done = place.run(&["anchor", &text(&home), "--also", &anchor]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let export = |place: &Place| {
        let mut arguments = vec!["export".to_owned(), text(&home), "--out".to_owned(), bundle.clone()];
        if knows == Knows::Archive {
            arguments.extend(["--archive".to_owned(), archive.clone()]);
        }
        place.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    if matches!(knows, Knows::Bundle | Knows::Archive) {
        assert!(export(&place).status.success()); // from here on it is a place that the folder remembers
    }
    place.serve(&home, &more).unwrap();
    place.hand_in(3).unwrap();
    place.stop();
    copy(&home, &place.path("backup"));

    place.serve(&home, &more).unwrap();
    let answered = place.hand_in(5).unwrap();
    let signed = answered.iter().map(|(_, at, _)| at + 1).max().unwrap();
    for (parcel, _, receipt) in &answered {
        let receipt = receipt.clone().or_else(|| {
            std::iter::repeat_with(|| place.receipt(parcel)).flatten().next() // a witness sees it soon
        });
        if knows == Knows::Receipts {
            let path = home.join("outbox/receipts").join(format!("{}.tlog-proof", parcel.source));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, receipt.unwrap()).unwrap();
        }
    }
    if knows == Knows::Published {
        fs::write(home.join("published"), place.get("/checkpoint").body).unwrap();
    }
    place.stop();
    if matches!(knows, Knows::Bundle | Knows::Archive) {
        assert!(export(&place).status.success());
    }
    if knows == Knows::Archive {
        fs::remove_dir_all(&bundle).unwrap();
    }

    // The copy is put back: in place of the folder, or laid over it.
    let stays = match knows {
        Knows::Receipts => Some("outbox"),
        Knows::Published => Some("published"),
        Knows::State => Some("state"),
        _ => None,
    };
    if let Some(name) = stays {
        fs::rename(home.join(name), place.path("stays")).unwrap();
    }
    copy(&place.path("backup"), &home);
    if let Some(name) = stays {
        let _ = fs::remove_dir_all(home.join(name));
        fs::rename(place.path("stays"), home.join(name)).unwrap();
    }

    let before = outside(&place);
    if knows == Knows::Nothing {
        place.serve(&home, &more).unwrap();
        let said = place.log();
        assert!(said.contains("nothing outside this folder can say whether it is the newest copy"), "{said}");
        assert_eq!(place.get("/healthz").status, 200);
        return;
    }
    let (code, said) = place.serve(&home, &more).expect_err(&format!("{knows:?}: it forks in silence"));
    assert_eq!(code, Some(2), "{knows:?}: {said}");
    for part in ["this is an older copy", "Nothing was recorded and nothing written over", "ledger restore", "evidence"]
    {
        assert!(said.contains(part), "{knows:?}: {said:?} lacks {part:?}");
    }
    assert!(outside(&place) == before, "{knows:?}: what knows more was written over");
    let evidence = contents(&home.join("evidence"));
    assert!(!evidence.is_empty(), "{knows:?}");

    // No command records anything either, and none writes over what knows more.
    let event = place.path("event.json");
    fs::write(
        &event,
        r#"{"type":"visit.attempted","party":"cso-x","signer":"x1","facility":"fac-a","organisation":"cso-x"}"#,
    )
    .unwrap();
    let (event, keys) = (text(&event), text(&place.small.keys));
    for arguments in [
        vec!["append", &text(&home), &event, "--keys", &keys],
        vec!["submit", &text(&home)],
        vec!["take-in", &text(&home), &text(&place.path("stick"))],
        vec!["intake", &text(&home), "--keys", &keys],
    ] {
        let done = place.run(&arguments);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{knows:?} {arguments:?}: {said}");
        assert!(said.contains("this is an older copy"), "{knows:?} {arguments:?}: {said}");
    }
    if matches!(knows, Knows::Bundle | Knows::Archive | Knows::Mirror) {
        assert_eq!(export(&place).status.code(), Some(2));
    }
    assert!(outside(&place) == before, "{knows:?}: what knows more was written over");

    // Whoever takes away what knows more does not make it unsaid: the evidence was kept.
    if matches!(knows, Knows::Mirror | Knows::Bundle | Knows::Archive | Knows::Anchor) {
        for name in ["mirror", "bundle", "bundle.tar", "anchor", "anchor.2"] {
            let _ = fs::rename(place.path(name), place.path(&format!("away-{name}")));
        }
        let (code, said) = place.serve(&home, &[]).expect_err("the evidence is asked too");
        assert!(code == Some(2) && said.contains("this is an older copy"), "{knows:?}: {said}");
    }

    // The way out, where a bundle is at hand: the newest is taken, an older one only by who says so in words.
    if matches!(knows, Knows::Mirror | Knows::Bundle) {
        let newest = text(&place.path(if knows == Knows::Mirror { "away-mirror" } else { "away-bundle" }));
        let policy = text(&place.small.policy);
        let fresh = text(&place.path("fresh"));
        let arguments = ["restore", &fresh, "--bundle", &newest, "--policy", &policy, "--from", &text(&home)];
        // What was hidden since went with the folder, and who goes on without it says so.
        assert_eq!(place.run(&arguments).status.code(), Some(2), "{knows:?}");
        let done = place.run(&[&arguments[..], &["--without-hidden-values"]].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        place.serve(&place.path("fresh"), &[]).unwrap();
        let positions: Vec<u64> = place.hand_in(2).unwrap().into_iter().map(|(_, at, _)| at).collect();
        assert!(positions.iter().all(|at| *at >= signed), "{positions:?}: a position was given twice");
        place.stop();

        let older = text(&place.path("older"));
        copy(&place.path("backup"), &place.path("was"));
        let done = place.run(&["export", &text(&place.path("was")), "--out", &older]);
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        let again = text(&place.path("again"));
        let arguments = ["restore", &again, "--bundle", &older, "--policy", &policy, "--from", &text(&home)];
        let done = place.run(&arguments);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(2), "{said}");
        assert!(said.contains("--older-than-known"), "{said}");
        let done = place.run(&[&arguments[..], &["--older-than-known"]].concat());
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn two_histories_are_told_with_evidence_that_convinces_anyone() {
    let mut place = Place::new(false);
    let (home, mirror) = (place.home(), text(&place.path("mirror")));
    copy(&home, &place.path("backup"));
    place.serve(&home, &["--mirror", &mirror]).unwrap();
    place.hand_in(3).unwrap();
    place.stop();
    // Put back where nothing can know, it goes on: shorter than the mirror, as long, longer.
    for batches in [1, 3, 6] {
        copy(&place.path("backup"), &home);
        place.serve(&home, &[]).unwrap();
        for _ in 0..batches {
            place.hand_in(1).unwrap();
        }
        place.stop();
        let (code, said) = place.serve(&home, &["--mirror", &mirror]).expect_err("it is another history");
        assert!(code == Some(2) && said.contains("tells another history of this log"), "{said}");
        let evidence = contents(&home.join("evidence"));
        let fork = evidence.iter().find(|(path, _)| path.extension().is_some_and(|ending| ending == "jsonl"));
        let policy = Policy::parse(&fs::read_to_string(&place.small.policy).unwrap()).unwrap();
        assert_eq!(check_fork(&fork.expect("evidence").1, &policy).exit_code(), 1, "proven");
        assert!(said.contains("ledger succeed"), "{said}");
    }
}

#[test]
fn a_quorum_that_does_not_answer_is_gone_without_only_by_who_says_so() {
    let mut place = Place::new(true);
    let home = place.home();
    place.serve(&home, &[]).unwrap();
    place.hand_in(1).unwrap();
    place.stop();
    place.witness.take().unwrap().kill();
    let (code, said) = place.serve(&home, &[]).expect_err("no witness could be asked");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("--without-witnesses") && said.contains("witness w1"), "{said}");
    place.serve(&home, &["--without-witnesses"]).unwrap();
    assert!(place.log().contains("not asked whether this is the newest copy"), "{}", place.log());
    place.hand_in(1).unwrap();
}

#[test]
fn a_witness_that_contradicts_while_it_serves_ends_writing_and_nothing_else() {
    let mut place = Place::new(true);
    let home = place.home();
    place.serve(&home, &[]).unwrap();
    place.hand_in(1).unwrap();
    place.stop();
    copy(&home, &place.path("backup"));
    place.serve(&home, &[]).unwrap();
    let (parcel, _, _) = place.hand_in(3).unwrap().remove(0);
    std::iter::repeat_with(|| place.receipt(&parcel)).flatten().next().unwrap();
    place.stop();
    // Put back, and served before the witness is there.
    copy(&place.path("backup"), &home);
    place.witness.take().unwrap().kill();
    place.serve(&home, &["--without-witnesses"]).unwrap();
    let size = place.published();
    assert_eq!((place.get("/healthz").status, place.figure("ledger_recording")), (200, Some(1)));
    place.start_witness();
    let mut refused = None;
    while refused.is_none() {
        refused = place.hand_in(1).err();
    }
    let why = refused.unwrap().to_string();
    assert!(why.contains("records nothing until its operator has looked"), "{why}");
    assert_eq!((place.get("/healthz").status, place.figure("ledger_recording")), (503, Some(0)));
    assert_eq!((place.get("/checkpoint").status, place.published()), (200, size), "reading goes on");
    let log = place.log();
    assert!(log.contains("ERROR") && log.contains("a witness contradicts this log"), "{log}");
    place.stop();
    let (code, said) = place.serve(&home, &["--without-witnesses"]).expect_err("the evidence was kept");
    assert_eq!(code, Some(2), "{said}");
}

#[test]
fn keys_that_were_used_begin_no_other_log() {
    let mut place = Place::new(true);
    let home = place.home();
    place.serve(&home, &[]).unwrap();
    place.hand_in(1).unwrap();
    place.stop();
    let (parties, keys) = (text(&home.join("parties.csv")), text(&place.small.keys));
    let begin = |place: &Place, folder: &str| {
        let arguments = ["init", folder, "--origin", "fork.example/log", "--parties", &parties, "--keys", &keys];
        let done = place.run(&arguments);
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    // Keys alone, with their mark; keys whose mark was left behind, before the witness that knows them; and a folder in
    // which a receipt is left.
    for (what, says) in [
        ("marked", "have signed a log"),
        ("witnessed", "the witness w1"),
        ("receipt", "choose a folder where nothing is yet"),
    ] {
        let folder = place.path(what);
        fs::create_dir_all(&folder).unwrap();
        copy(&home.join("keys"), &folder.join("keys"));
        if what != "marked" {
            fs::remove_file(folder.join("keys/used")).unwrap();
        }
        if what == "witnessed" {
            fs::copy(home.join("policy"), folder.join("policy")).unwrap();
        }
        if what == "receipt" {
            fs::create_dir_all(folder.join("intake/receipts")).unwrap();
            let checkpoint = place.small.home.checkpoint();
            let receipt = format!("c2sp.org/tlog-proof@v1\nindex 0\n\n{}", fs::read_to_string(checkpoint).unwrap());
            fs::write(folder.join("intake/receipts/0001.tlog-proof"), receipt).unwrap();
        }
        let (code, said) = begin(&place, &text(&folder));
        assert!(code != Some(0) && said.contains(says), "{what}: {said}");
        assert!(!folder.join("store").exists(), "{what}");
    }
}

#[test]
fn a_successor_asks_what_a_beginning_asks() {
    let mut place = Place::new(true);
    let home = place.home();
    place.serve(&home, &[]).unwrap();
    place.hand_in(1).unwrap();
    place.stop();
    let parties = text(&home.join("parties.csv"));
    // The log before it is another one, of another name.
    let (old, pens) = (text(&place.path("old")), text(&place.path("old-pens")));
    let bundle = text(&place.path("old-bundle"));
    for arguments in [
        vec!["init", &old, "--origin", "old.example/log", "--parties", &parties, "--keys", &pens],
        vec!["export", &old, "--out", &bundle],
    ] {
        let done = place.run(&arguments);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let (policy, keys) = (text(&place.path("old/policy")), text(&place.small.keys));
    for (what, says) in [("marked", "have signed a log"), ("witnessed", "the witness w1")] {
        let folder = place.path(what);
        fs::create_dir_all(&folder).unwrap();
        copy(&home.join("keys"), &folder.join("keys"));
        if what == "witnessed" {
            fs::remove_file(folder.join("keys/used")).unwrap();
            fs::copy(home.join("policy"), folder.join("policy")).unwrap();
        }
        let folder = text(&folder);
        let mut arguments = vec!["succeed", &folder, "--origin", "fork.example/log", "--from", &bundle];
        arguments.extend(["--from-policy", &policy, "--reason", "loss", "--parties", &parties, "--keys", &keys]);
        let done = place.run(&arguments);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() != Some(0) && said.contains(says), "{what}: {said}");
        assert!(!place.path(what).join("store").exists(), "{what}");
    }
}

#[test]
fn a_second_anchor_that_is_gone_is_said_and_not_begun_anew() {
    let mut place = Place::new(false);
    let home = place.home();
    fs::create_dir_all(place.path("disk")).unwrap();
    let anchor = text(&place.path("disk/anchor"));
    assert!(place.run(&["anchor", &text(&home), "--also", &anchor]).status.success());
    place.serve(&home, &[]).unwrap();
    place.hand_in(1).unwrap();
    let head = fs::read(home.join("checkpoint")).unwrap();
    let second = fs::read(home.join("checkpoint.2")).unwrap();
    let also: Vec<Vec<u8>> = ["anchor", "anchor.2"].map(|n| fs::read(place.path("disk").join(n)).unwrap()).to_vec();
    assert!(also.contains(&head) || also.contains(&second), "it is written after each commit");
    // The disk goes away while it serves: that is said, and stops nobody.
    fs::rename(place.path("disk"), place.path("gone")).unwrap();
    fs::write(place.path("disk"), b"no folder").unwrap();
    place.hand_in(1).unwrap();
    assert!(place.log().contains("the second place of the anchor cannot be written"), "{}", place.log());
    place.stop();
    fs::remove_file(place.path("disk")).unwrap();
    fs::create_dir_all(place.path("disk")).unwrap();
    place.serve(&home, &[]).unwrap();
    place.hand_in(1).unwrap();
    assert!(place.log().contains("the second anchor is gone"), "{}", place.log());
    assert_eq!(contents(&place.path("disk")).len(), 0, "not begun anew");
    place.stop();
    assert!(place.run(&["anchor", &text(&home), "--also", &anchor]).status.success());
    assert_ne!(contents(&place.path("disk")).len(), 0);
}

#[test]
fn a_second_anchor_that_the_configuration_names_refuses_an_older_copy() {
    let mut place = Place::new(false);
    let home = place.home();
    fs::create_dir_all(place.path("disk")).unwrap();
    place.config = format!("[anchor]\nalso = \"{}\"\n", text(&place.path("disk/anchor")));
    place.serve(&home, &[]).unwrap();
    place.hand_in(2).unwrap();
    place.stop();
    copy(&home, &place.path("backup"));
    place.serve(&home, &[]).unwrap();
    place.hand_in(3).unwrap();
    place.stop();
    let before = contents(&place.path("disk"));
    assert!(!before.is_empty(), "it is kept there too");
    copy(&place.path("backup"), &home);
    // Named by the configuration, and remembered by the folder where that says nothing any more.
    for config in [place.config.clone(), String::new()] {
        place.config = config;
        let (code, said) = place.serve(&home, &[]).expect_err("it forks in silence");
        assert_eq!(code, Some(2), "{said}");
        for part in ["this is an older copy", "Nothing was recorded and nothing written over", "ledger restore"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(contents(&place.path("disk")) == before, "what knows more was written over");
    }
}
