//! `export --openings`, `erase`, `intake`, `unseal` and `pack`: what they say, and how they end.

use verifier::report::Verdict;

use crate::place::Place;

/// With a prison, and a second holder of the oversight body.
pub const PARTIES: &str = include_str!("../shared/parties.csv");

/// An inspection with a sealed value, and how it was obstructed, with a restricted text.
pub const INSPECTION: &str = "row_id,occurred_at,signer,cosigner,id,facility,kind,unannounced,chosen_by,started_on,ended_on,\
team,women_in_team,team_two_or_more,women_present,health_professional,full_access,private_interviews,cooperation,followup_of_reprisal
r1,2025-03-04,n1,,is-1,fac-a,npm,true,body,2025-03-03,2025-03-04,3,2,true,true,true,true,held,full,true
";
pub const OBSTRUCTION: &str =
    "row_id,occurred_at,signer,cosigner,id,inspection,facility,what,delay,by_role,by_role_lang
r1,2025-03-04,n1,,,is-1,fac-a,entry_delayed,45,the deputy at the second gate,en
";
pub const COMPLAINT: &str = "row_id,occurred_at,signer,cosigner,id,intake_at,about,complainant_kind,facility,addressee,consent_to_share,narrative,narrative_lang,risk
r1,2025-03-04T09:12:13Z,n1,,cm-1,2025-03-04T09:12:13Z,ill_treatment,person_in_custody,fac-a,npm,false,They came at night.,en,high
";

/// The address of the record that a command says it made.
fn recorded(said: &str) -> &str {
    said.lines().find_map(|line| line.strip_prefix("recorded in the log: ")).expect("a record of the reading")
}

fn take(place: &Place, party: &str, event: &str, rows: &str) {
    let file = format!("{event}.csv");
    place.write(&file, rows);
    place.good(&format!("import my {file} --party {party} --keys keys"));
}

fn with_inspection() -> Place {
    let place = Place::of(PARTIES);
    take(&place, "npm", "inspection.conducted", INSPECTION);
    take(&place, "npm", "inspection.obstructed", OBSTRUCTION);
    place
}

/// An erasure as it is asked for, granted and carried out; cosigned where `cosigner` says.
fn executed(place: &Place, row: &str, cosigner: &str) -> String {
    let header = "row_id,occurred_at,signer,cosigner,id,targets,erasure,fields";
    let rows = format!("{header}\n{row},2025-03-05,o1,{cosigner},,npm/inspection.obstructed/r1,er-1,by_role\n");
    take(place, "op", "erasure.executed", &rows);
    format!("op/erasure.executed/{row}")
}

/// Files of the outbox, with what is in them.
fn outbox(place: &Place) -> std::collections::BTreeMap<std::path::PathBuf, String> {
    let files = std::fs::read_dir(place.path("my/outbox")).unwrap().map(|found| found.unwrap().path());
    let parcels = files.filter(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    parcels.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

#[test]
fn values_are_erased_for_good_or_not_at_all() {
    let place = with_inspection();
    let older = outbox(&place);
    take(
        &place,
        "npm",
        "erasure.requested",
        "row_id,occurred_at,signer,cosigner,id,targets,fields,basis,legal_basis,legal_basis_lang\n\
         r1,2025-03-05,n1,,er-1,npm/inspection.obstructed/r1,by_role,data_subject_request,Act 7,en\n",
    );
    let early = executed(&place, "x0", "npm:n1");
    take(
        &place,
        "min",
        "erasure.decided",
        "row_id,occurred_at,signer,cosigner,id,erasure,decision,legal_basis,legal_basis_lang\n\
         r1,2025-03-05,m1,,,er-1,granted,Act 7,en\n",
    );
    let (alone, lawful) = (executed(&place, "x1", ""), executed(&place, "x2", "npm:n1"));
    place.bad(&format!("erase my {early}"), 1, "has no erasure.decided `granted` before it (rule V-07)");
    place.bad(&format!("erase my {alone}"), 1, "needs the operator's and an oversight body's signature (rule V-07)");
    place.bad("erase my npm/inspection.obstructed/r1", 1, "name the erasure.executed by its number or address");
    for nothing in ["999", "op/erasure.executed/none"] {
        place.bad(&format!("erase my {nothing}"), 1, &format!("there is no entry {nothing} in the log"));
    }
    place.bad("erase nowhere 3", 2, "there is no ledger");
    let before = place.good("export my --openings before --for npm --purpose audit --keys keys");
    assert!(before.contains("hidden values of"), "{before}");
    let said = place.good(&format!("erase my {lawful}"));
    assert!(said.contains(": by_role of npm/inspection.obstructed/r1") && said.contains("Not reached:"), "{said}");
    let again = place.good(&format!("erase my {lawful}"));
    assert!(again.contains("nothing was left of it: it had been carried out before"), "{again}");
    // An older outbox, or a draft of the same event, brings the value back: the next command erases it there too.
    let erased = outbox(&place);
    assert!(older.iter().any(|(path, text)| erased[path] != *text), "there was something to erase");
    for (path, text) in &older {
        std::fs::write(path, text).unwrap();
    }
    let line = older
        .values()
        .flat_map(|text| text.lines())
        .find(|line| line.contains("npm/inspection.obstructed/r1\""))
        .unwrap();
    place.write("my/drafts/npm.inspection.obstructed.r1.draft", &format!("{line}\nop o1\n"));
    let (_, said) = place.ends("submit my");
    assert!(
        said.contains("older openings, keys, outbox or drafts had brought back: by_role of npm/inspection"),
        "{said}"
    );
    assert_eq!(outbox(&place), erased);
    let draft = std::fs::read_to_string(place.path("my/drafts/npm.inspection.obstructed.r1.draft")).unwrap();
    assert!(draft.contains("erased") && !draft.contains(line), "{draft}");
    assert!(!place.ends("submit my").1.contains("had brought back"), "once is enough");
    place.remove("my/drafts/npm.inspection.obstructed.r1.draft");
    // The proofs hold, and the pack says by which entry it was erased.
    place.check("my");
    assert!(place.good("fsck my").contains("sound"));
    place.good("pack my organisation/npm --for npm --keys keys --out npm.pack");
    let bytes = std::fs::read(place.path("npm.pack")).unwrap();
    let checked = verifier::pack::check(&bytes, &place.policy("my"), &[]);
    assert_eq!(checked.report.verdict(), Verdict::PartlyErased, "{:?}", checked.report.faults);
    let erased: Vec<&String> = checked.records.iter().flat_map(|record| record.opened.erased.keys()).collect();
    assert_eq!(erased, ["by_role"]);
}

#[test]
fn openings_are_given_to_a_party_that_the_log_names_first() {
    let place = with_inspection();
    let export = "export my --openings out --for";
    for (line, code, words) in [
        ("export my", 2, "--out <DIR>"),
        ("export my --openings out", 2, "--for <PARTY>"),
        ("export my --openings out --for cso-x --keys keys", 2, "--purpose <CODE>"),
        (&format!("{export} nobody --purpose audit --keys keys"), 1, "--for nobody: no such party"),
        (&format!("{export} cso-x --purpose whim --keys keys"), 1, "purpose: "),
        (&format!("{export} cso-x --purpose audit --keys none"), 1, "no key of a holder of the operator is at hand"),
        (&format!("{export} cso-x --purpose audit --keys keys --signer o9"), 2, "no key for a.example/log/op/o9"),
        (&format!("{export} cso-x --purpose audit --keys keys --signer cso-x:x1"), 2, "no key for a.example/log/cso-x"),
        (
            "export my --openings none/out --for npm --purpose audit --keys keys",
            2,
            "cannot write none/out: No such file",
        ),
        ("export nowhere --out bundle", 2, "there is no ledger"),
    ] {
        place.bad(line, code, words);
        assert!(!place.path("out").exists(), "{line}: nothing is given");
    }
    let said = place.good(&format!("{export} npm --purpose audit --keys keys"));
    assert!(recorded(&said).starts_with("op/data.exported/"), "{said}");
    assert!(said.contains("out: hidden values of 4 entries for npm; of 0 something is withheld"), "{said}");
    // Sealed values stay sealed.
    assert!(std::fs::read_to_string(place.path("out/000")).unwrap().contains("\"sealed\""));
    // What is recorded is in the log: its receipt can be had, and everything verifies.
    assert!(place.good(&format!("receipt my {}", recorded(&said))).starts_with("c2sp.org/tlog-proof@v1"));
    place.bad("receipt my op/data.exported/none", 1, "the log has no such record at");
    place.check("my");
}

#[test]
fn the_week_is_closed_once_and_what_was_sealed_is_read_by_oversight() {
    let place = Place::of(PARTIES);
    let said = {
        place.write("complaint.lodged.csv", COMPLAINT);
        place.good("import my complaint.lodged.csv --party npm --keys keys")
    };
    assert!(said.contains("1 sealed, encrypted, waiting for the week's batch"), "{said}");
    place.bad("intake my --keys none", 2, "no key for a.example/log/npm/intake");
    place.bad("intake nowhere --keys keys", 2, "there is no list of parties at nowhere/parties.csv: check the path");
    // The author's new key signs, and the row is known by the old one's name for it.
    place.good("key rotate my --party npm --holder n1 --keys keys");
    let said = place.good("import my complaint.lodged.csv --party npm --keys keys");
    assert!(!said.contains("1 sealed"), "{said}");
    place.good("key rotate my --party npm --holder intake --by npm:n1 --keys keys");
    let said = place.good("intake my --keys keys");
    assert!(said.contains("one batch of 8 records in the log") && said.contains("0 records wait"), "{said}");
    assert!(said.contains("8 receipts of the sealed stream"), "{said}");
    place.bad("intake my --keys keys", 1, "has its batch already");
    let first = place.check("my").head.unwrap().checkpoint.size - 9;
    let entries = (first..first + 8).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    let unseal = |more: &str| format!("unseal my {entries} --identity keys/npm.sealed.identity {more}");
    for (line, code, words) in [
        (unseal("--keys keys"), 2, "--purpose <CODE>"),
        (unseal("--purpose whim --keys keys"), 1, "purpose: "),
        (unseal("--purpose complaint_handling --keys none"), 1, "no key of a holder of the oversight is at hand"),
        (unseal("--purpose complaint_handling --keys keys --signer n9"), 2, "no key for a.example/log/npm/n9"),
        (
            unseal("--purpose complaint_handling --keys keys").replace("npm.sealed.identity", "npm.n1.key"),
            2,
            "not an age key",
        ),
        (
            format!("unseal my 0 {entries} --identity keys/npm.sealed.identity --purpose support --keys keys"),
            1,
            "0: no entry of the log with a sealed value",
        ),
    ] {
        place.bad(&line, code, words);
    }
    assert_eq!(
        place.check("my").head.unwrap().checkpoint.size,
        first + 9,
        "no reading that did not happen is recorded"
    );
    let said = place.good(&unseal("--purpose complaint_handling --keys keys"));
    assert!(recorded(&said).starts_with("npm/data.accessed/"), "{said}");
    assert_eq!(said.matches("complaint.lodged").count(), 1, "{said}");
    // Another identity opens nothing, and is told so.
    place.good("keygen --origin a.example/log --party npm --holder other --age --keys keys");
    let line = unseal("--purpose complaint_handling --keys keys").replace("npm.sealed", "npm.other");
    assert!(place.good(&line).contains("sealed for another key than this identity has"));
}

#[test]
fn a_pack_is_for_somebody_about_something() {
    let place = with_inspection();
    let (size, policy) = (place.check("my").head.unwrap().checkpoint.size, place.policy("my"));
    let pack = |more: &str| format!("pack my {more} --out p.pack");
    for (line, code, words) in [
        (pack("organisation/npm"), 2, "--for <PARTY>"),
        (pack("organisation --for public"), 1, "is not the name of a stream: give a kind and an id"),
        (pack("organisation/ --for public"), 1, "is not the name of a stream"),
        (pack("organisation/npm --for nobody"), 1, "--for nobody: no such party"),
        (pack("organisation/npm --for cso-x"), 1, "name the folder of the operator's keys with --keys"),
        (pack("organisation/npm --for cso-x --keys none"), 1, "no key of a holder of the operator is at hand"),
        (pack("organisation/npm --for npm --keys keys --purpose whim"), 1, "purpose: "),
        (
            "pack my organisation/npm --for npm --keys keys --out none/p.pack".to_owned(),
            2,
            "cannot write none/p.pack: No such file",
        ),
        (pack("organisation/npm --for npm --keys keys --since 999"), 1, "there is no tree of 999 entries yet"),
        (pack("organisation/npm --for public --since 999"), 1, "there is no tree of 999 entries yet"),
        (pack("organisation/npm --for public --since many"), 2, "invalid value"),
        (pack("organisation/npm --for public --statement none"), 2, "there is no statement"),
        (pack("organisation/npm --for public --statement parties.csv"), 1, "no signed note"),
        (pack("organisation/npm --for public").replace("my", "nowhere"), 2, "there is no ledger"),
        (pack("organisation/npm --for public --statement my/checkpoint"), 1, "a statement is not one about this log"),
    ] {
        place.bad(&line, code, words);
        assert!(!place.path("p.pack").exists(), "{line}: nothing is written");
    }
    let after = place.check("my").head.unwrap().checkpoint.size;
    assert_eq!(after, size);
    for (stream, audience, records, more) in [
        ("organisation/npm", "public", 3, ""),
        ("organisation/npm", "npm", 4, " --keys keys --purpose complaint_handling"),
        ("facility/fac-a", "public", 2, " --since 2 --since 1"),
        ("organisation/nobody", "public", 0, ""),
    ] {
        let said = place.good(&pack(&format!("{stream} --for {audience}{more}")));
        assert!(said.contains(&format!("{records} records of {stream} at ")), "{said}");
        assert_eq!(said.contains("the pack proves that the index has no record about it"), records == 0, "{said}");
        assert_eq!(said.contains("recorded in the log: op/data.exported/"), audience != "public", "{said}");
        let bytes = std::fs::read(place.path("p.pack")).unwrap();
        let checked = verifier::pack::check(&bytes, &policy, &[]);
        assert_eq!(checked.report.exit_code(), 0, "{stream} for {audience}: {:?}", checked.report.faults);
        assert_eq!((checked.records.len(), checked.audience.as_str()), (records, audience));
    }
}
