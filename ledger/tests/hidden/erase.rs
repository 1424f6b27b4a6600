//! Erasure: lawful or not at all; then nothing is left, and everything still holds.

use std::fs;
use std::path::PathBuf;

use ledger::erase::{BadErase, erase, erase_all};
use ledger::export;
use ledger::probe::Probe;
use ledger::vault::Copied;
use ledger::writer::Writer;
use schemas::opening::{Disclosure, OpeningLine, Slot};
use verifier::audience::Audience;
use verifier::bundle::{NoVisitor, check};
use verifier::erasures::Unlawful;
use verifier::files::Folder;
use verifier::given::Given;
use verifier::report::Verdict;

use crate::common::{INSPECTION, Ledger, MARK, copy, files_below, holding, obstruction};

const TARGET: &str = "npm/inspection.obstructed/r1";

fn with_values() -> Ledger {
    let mut ledger = Ledger::new(true);
    ledger.take("npm", "inspection.conducted", INSPECTION);
    ledger.take("npm", "inspection.obstructed", &obstruction());
    ledger
}

fn request(ledger: &mut Ledger, id: &str, basis: &str) {
    let rows = format!(
        "row_id,occurred_at,signer,cosigner,id,targets,fields,basis,legal_basis,legal_basis_lang\n{id},2031-03-05,n1,,{id},{TARGET},by_role,{basis},Act 7,en\n"
    );
    ledger.take("npm", "erasure.requested", &rows);
}

fn decide(ledger: &mut Ledger, id: &str, decision: &str) {
    let rows = format!(
        "row_id,occurred_at,signer,cosigner,id,erasure,decision,legal_basis,legal_basis_lang\nd{id},2031-03-05,m1,,,{id},{decision},Act 7,en\n"
    );
    ledger.take("min", "erasure.decided", &rows);
}

/// Records an erasure; gives its address.
fn execute(ledger: &mut Ledger, row: &str, cosigner: &str, id: &str, target: &str, fields: &str) -> String {
    let rows = format!(
        "row_id,occurred_at,signer,cosigner,id,targets,erasure,fields\n{row},2031-03-05,o1,{cosigner},,{target},{id},{fields}\n"
    );
    ledger.take("op", "erasure.executed", &rows);
    format!("op/erasure.executed/{row}")
}

fn lawful(ledger: &mut Ledger) -> String {
    request(ledger, "er-1", "data_subject_request");
    decide(ledger, "er-1", "granted");
    execute(ledger, "x1", "npm:n1", "er-1", TARGET, "by_role")
}

#[test]
fn what_older_openings_or_keys_bring_back_is_erased_again_at_the_next_start() {
    let mut ledger = with_values();
    let probe = Probe::of(PathBuf::from(env!("CARGO_BIN_EXE_ledger")));
    let older = ledger.folder.path().join("older");
    for part in ["openings", "opening-keys"] {
        copy(&ledger.home.folder().join(part), &older.join(part));
    }
    // One that is not lawful erases nothing, whatever comes back.
    execute(&mut ledger, "x0", "", "", TARGET, "by_role");
    let by = lawful(&mut ledger);
    erase(&ledger.writer, &by).unwrap();
    let (home, position) = (ledger.home.clone(), ledger.writer.log().record(TARGET).unwrap());
    let Ledger { folder, writer, .. } = ledger;
    writer.stop().unwrap();
    // What came since the copy is withheld in it; the lines of before are the old ones.
    let bring_back = |part: &str| {
        let (old, new) = (older.join(part).join("000"), home.folder().join(part).join("000"));
        let (old, new_text) = (fs::read_to_string(old).unwrap(), fs::read_to_string(&new).unwrap());
        let rest = new_text.lines().skip(old.lines().count()).map(|line| format!("{line}\n"));
        fs::write(&new, old.clone() + &rest.collect::<String>()).unwrap();
    };
    for (parts, index) in [
        (&["openings", "opening-keys"][..], true),
        (&["openings"], true),
        (&["opening-keys"], true),
        // Without the file that says which entries are erasures, the log is searched.
        (&["openings", "opening-keys"], false),
        (&[], true),
        (&[], false),
    ] {
        parts.iter().for_each(|part| bring_back(part));
        if !index {
            fs::remove_file(home.folder().join("erasures")).unwrap();
        }
        let writer = Writer::open(&home, &probe).unwrap();
        let said = writer.mended().join("\n");
        assert_eq!(said.contains("erased, as entry"), !parts.is_empty(), "{parts:?}: {said}");
        assert_eq!(said.contains(&format!("by_role of {TARGET}")), !parts.is_empty(), "{parts:?}: {said}");
        let line = OpeningLine::parse(&writer.vault().line(position).unwrap().unwrap()).unwrap();
        assert!(line.slots.iter().any(|slot| matches!(slot, Slot::ErasedBy(_))), "{parts:?}: {line:?}");
        assert!(writer.vault().still_has(position, &[0, 1, 2, 3, 4, 5, 6, 7]).unwrap().len() < line.slots.len());
        assert!(ledger::fsck::check(&writer, &mut |_, _| {}).unwrap().problems.is_empty());
        writer.stop().unwrap();
        assert_eq!(holding(home.folder(), MARK.as_bytes()), Vec::<PathBuf>::new());
    }
    drop(folder);
}

#[test]
fn a_check_names_what_is_erased_and_still_open_and_what_was_not_given() {
    let mut ledger = with_values();
    let before = ledger.folder.path().join("before");
    export::openings(&ledger.writer, &Audience::Oversight, Some(&ledger.identity()), &before).unwrap();
    let by = lawful(&mut ledger);
    let bundle = ledger.bundle("bundle");
    let identity = ledger.identity();
    // Not carried out yet: the office itself gives it still.
    let (given, public) = (ledger.folder.path().join("given"), ledger.folder.path().join("public"));
    export::openings(&ledger.writer, &Audience::Oversight, None, &given).unwrap();
    export::openings(&ledger.writer, &Audience::Public, None, &public).unwrap();
    let names = |report: &verifier::report::Report| report.unknown.join("\n").contains("by_role of entry");
    let report = ledger.check(&bundle, &given, Some(&identity));
    assert!(names(&report) && report.verdict() == Verdict::CannotTell, "{:?} {:?}", report.faults, report.unknown);
    // Openings from before the erasure, which somebody kept; lines of what came since are not in them.
    let (old, new) = (before.join("000"), given.join("000"));
    let (old, all) = (fs::read_to_string(old).unwrap(), fs::read_to_string(&new).unwrap());
    let rest: String = all.lines().skip(old.lines().count()).map(|line| format!("{line}\n")).collect();
    erase(&ledger.writer, &by).unwrap();
    fs::write(&new, old + &rest).unwrap();
    assert!(names(&ledger.check(&bundle, &given, Some(&identity))));
    export::openings(&ledger.writer, &Audience::Oversight, None, &given).unwrap();
    let report = ledger.check(&bundle, &given, Some(&identity));
    assert_eq!(report.verdict(), Verdict::PartlyErased, "{:?}", report.unknown);
    // What an audience may see and was not given.
    for (folder, audience, missing) in [
        (&given, "oversight", false),
        (&given, "npm", false),
        (&public, "public", false),
        (&public, "oversight", true),
        (&public, "npm", true),
        (&public, "fac-a", true),
    ] {
        let (mut source, mut beside) = (Folder::new(&bundle), Folder::new(folder));
        let mut nobody = NoVisitor;
        let mut given = Given::to(audience, &mut nobody);
        let mut report = check(&mut source, &ledger.policy(), Some(&mut beside), &mut given);
        given.tell(&mut report);
        let said = report.unknown.join("\n");
        assert_eq!(
            said.contains(&format!("may be read by {audience} and are withheld")),
            missing,
            "{audience}: {said}"
        );
        assert_eq!(said.contains(TARGET), missing, "{audience}: {said}");
        assert_eq!(report.exit_code(), if missing { 2 } else { 0 }, "{audience}: {said}");
    }
    // Whom the log does not know may see nothing, and is asked about: it may be a slip of the pen.
    let (mut source, mut beside) = (Folder::new(&bundle), Folder::new(&public));
    let mut nobody = NoVisitor;
    let mut given = Given::to("cso-x", &mut nobody);
    let mut report = check(&mut source, &ledger.policy(), Some(&mut beside), &mut given);
    given.tell(&mut report);
    let said = report.unknown.join("\n");
    assert!(report.exit_code() == 2 && said.contains("knows no party cso-x"), "{said}");
}

#[test]
fn only_what_is_lawful_is_erased() {
    let mut ledger = with_values();
    request(&mut ledger, "er-1", "data_subject_request");
    let before = execute(&mut ledger, "x0", "npm:n1", "er-1", TARGET, "by_role");
    decide(&mut ledger, "er-1", "granted");
    request(&mut ledger, "er-2", "pii_lint");
    request(&mut ledger, "er-3", "court_order");
    decide(&mut ledger, "er-3", "refused");
    let all = files_below(ledger.home.folder());
    let mut expected = Vec::new();
    for (row, cosigner, id, target, fields, want) in [
        ("x1", "npm:n1", "er-1", TARGET, "by_role", "lawful"),
        ("x2", "npm:n1", "er-1", TARGET, "what", "public"),
        ("x3", "", "er-1", TARGET, "by_role", "cosigner"),
        ("x4", "npm:n1", "", TARGET, "by_role", "not granted"),
        ("x5", "npm:n1", "er-2", TARGET, "by_role", "lawful"),
        ("x6", "npm:n1", "er-2", TARGET, "occurred_at", "not granted"),
        ("x7", "npm:n1", "er-3", TARGET, "by_role", "not granted"),
        // What is sealed needs both signatures and no decision.
        ("x8", "npm:n1", "", "npm/inspection.conducted/r1", "followup_of_reprisal", "lawful"),
    ] {
        expected.push((execute(&mut ledger, row, cosigner, id, target, fields), want));
    }
    expected.push((before, "not granted"));
    expected.push((TARGET.to_owned(), "not an erasure"));
    let judged = ledger::erase::judge(&ledger.writer).unwrap();
    for (address, want) in &expected {
        let position = ledger.writer.log().record(address).unwrap();
        let got = match judged.lawful(position) {
            Ok(_) => "lawful",
            Err(Unlawful::Public { .. }) => "public",
            Err(Unlawful::Cosigner) => "cosigner",
            Err(Unlawful::NotGranted { .. }) => "not granted",
            Err(Unlawful::Evidence { .. }) => "evidence",
            Err(Unlawful::NotErasure { .. }) => "not an erasure",
        };
        assert_eq!(got, *want, "{address}");
        if *want != "lawful" {
            assert!(matches!(erase(&ledger.writer, address), Err(BadErase::Unlawful { .. })), "{address}");
        }
    }
    for nothing in ["999999", "op/erasure.executed/none", "", "-1"] {
        assert!(matches!(erase(&ledger.writer, nothing), Err(BadErase::NoEntry { .. })), "{nothing}");
    }
    assert!(ledger.writer.vault().line(ledger.writer.log().record(TARGET).unwrap()).unwrap().is_some());
    assert!(all.len() > 5 && !holding(&ledger.home.outbox(), b"by_role").is_empty());
}

#[test]
fn what_is_erased_is_gone_from_every_file_and_every_proof_holds() {
    let mut ledger = with_values();
    let address = lawful(&mut ledger);
    let position = ledger.writer.log().record(TARGET).unwrap();
    let by = ledger.writer.log().record(&address).unwrap();
    // What there is to look for: the disclosure, its salt, the value in each spelling, and the key.
    let line = OpeningLine::parse(&ledger.writer.vault().line(position).unwrap().unwrap()).unwrap();
    let Slot::Open(disclosure) = &line.slots[0] else { panic!("an open slot") };
    let salt = schemas::base::to_base64url(&Disclosure::parse(disclosure).unwrap().salt);
    let keys = fs::read_to_string(ledger.home.opening_keys().join("000")).unwrap();
    let key = keys.lines().nth(position as usize).unwrap().split(' ').next().unwrap().to_owned();
    let raw_key = schemas::base::from_base64(&key).unwrap();
    let mut needles: Vec<Vec<u8>> = vec![key.into_bytes(), raw_key, disclosure.clone().into_bytes(), MARK.into()];
    needles.extend([salt.clone().into_bytes(), schemas::base::from_base64url(&salt).unwrap()]);
    let found =
        |ledger: &Ledger| needles.iter().flat_map(|needle| holding(ledger.home.folder(), needle)).collect::<Vec<_>>();
    assert!(found(&ledger).len() >= 2, "the key and the parcel's disclosure are there before");
    let kept = fs::read_to_string(ledger.home.openings().join("000")).unwrap();
    let ciphertext = kept.lines().nth(position as usize).unwrap().split(' ').nth(2).unwrap()[..64].to_owned();
    assert!(!holding(&ledger.home.openings(), ciphertext.as_bytes()).is_empty());

    // Leftovers of a command that was killed hold values too.
    fs::create_dir_all(ledger.home.incoming()).unwrap();
    fs::write(ledger.home.incoming().join("inspection.obstructed.csv"), MARK).unwrap();
    let erased = erase(&ledger.writer, &address).unwrap();
    assert_eq!((erased.by, erased.changed), (by, true));
    assert_eq!(erased.slots, [(TARGET.to_owned(), "by_role".to_owned())]);
    assert_eq!(found(&ledger), Vec::<PathBuf>::new());
    assert_eq!(holding(ledger.home.folder(), ciphertext.as_bytes()), Vec::<PathBuf>::new());

    // Again, by its number: nothing is left to do.
    let files = files_below(ledger.home.folder());
    assert!(!erase(&ledger.writer, &by.to_string()).unwrap().changed);
    assert!(files == files_below(ledger.home.folder()));

    let line = OpeningLine::parse(&ledger.writer.vault().line(position).unwrap().unwrap()).unwrap();
    assert_eq!(line.slots[0], Slot::ErasedBy(by));
    assert!(line.slots[1..].iter().all(|slot| matches!(slot, Slot::Open(_))));
    let bundle = ledger.bundle("bundle");
    let openings = ledger.folder.path().join("openings");
    export::openings(&ledger.writer, &Audience::Oversight, None, &openings).unwrap();
    let report = ledger.check(&bundle, &openings, None);
    assert_eq!((report.verdict(), report.exit_code()), (Verdict::PartlyErased, 0), "{:?}", report.faults);
    assert!(ledger::fsck::check(&ledger.writer, &mut |_, _| {}).unwrap().problems.is_empty());
}

#[test]
fn a_bundle_whose_slot_names_an_unlawful_erasure_is_at_fault() {
    let mut ledger = with_values();
    let address = execute(&mut ledger, "x1", "npm:n1", "", TARGET, "by_role");
    let (position, by) = (ledger.writer.log().record(TARGET).unwrap(), ledger.writer.log().record(&address).unwrap());
    ledger.writer.vault().erase(position, &[0], by).unwrap();
    let (bundle, openings) = (ledger.bundle("bundle"), ledger.folder.path().join("openings"));
    export::openings(&ledger.writer, &Audience::Oversight, None, &openings).unwrap();
    let report = ledger.check(&bundle, &openings, None);
    assert_eq!(report.exit_code(), 1);
    assert!(report.faults[0].to_string().contains("erases no such thing"), "{:?}", report.faults);
}

#[test]
fn an_erasure_that_was_cut_short_is_finished() {
    let mut ledger = with_values();
    let address = lawful(&mut ledger);
    let position = ledger.writer.log().record(TARGET).unwrap();
    // The key is gone, the openings are not rewritten yet: the value can no longer be read.
    let path = ledger.home.opening_keys().join("000");
    let keys = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = keys.lines().map(str::to_owned).collect();
    let (_, rest) = lines[position as usize].split_once(' ').unwrap();
    lines[position as usize] = format!("- {rest}");
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let line = OpeningLine::parse(&ledger.writer.vault().line(position).unwrap().unwrap()).unwrap();
    assert_eq!(line.slots[0], Slot::Withheld);
    assert!(erase(&ledger.writer, &address).unwrap().changed);
    let line = OpeningLine::parse(&ledger.writer.vault().line(position).unwrap().unwrap()).unwrap();
    assert!(matches!(line.slots[0], Slot::ErasedBy(_)));
    assert_eq!(erase_all(&ledger.writer).unwrap().iter().filter(|erased| erased.changed).count(), 0);
}

#[test]
fn a_copy_of_the_openings_is_worth_nothing_without_its_keys() {
    let mut ledger = with_values();
    let address = lawful(&mut ledger);
    let position = ledger.writer.log().record(TARGET).unwrap() as usize;
    let (openings, keys) = (ledger.folder.path().join("backup"), ledger.folder.path().join("backup-keys"));
    export::backup(&ledger.writer, &openings).unwrap();
    export::backup_keys(&ledger.writer, &keys).unwrap();
    let slot = |keys: Option<&PathBuf>| {
        let copied = Copied { openings: openings.clone(), keys: keys.cloned() };
        let lines = copied.file(0).unwrap().unwrap();
        OpeningLine::parse(lines[position].as_ref().unwrap()).unwrap().slots[0].clone()
    };
    assert!(matches!(slot(Some(&keys)), Slot::Open(_)));
    assert_eq!(slot(None), Slot::Withheld);
    for bytes in fs::read_to_string(keys.join("000")).unwrap().split_whitespace().filter(|key| *key != "-") {
        assert_eq!(holding(&openings, bytes.as_bytes()), Vec::<PathBuf>::new());
    }
    // The backup of the keys is renewed after the erasure: the old openings no longer show the value.
    erase(&ledger.writer, &address).unwrap();
    export::backup_keys(&ledger.writer, &keys).unwrap();
    assert_eq!(slot(Some(&keys)), Slot::Withheld);
}
