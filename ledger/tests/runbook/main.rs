//! The commands as the people concerned would type them: `KEYS.md`, run, for every loss of keys, and what handles
//! hidden values.

mod again;
mod cosign;
mod fsck;
mod hidden;
mod lost;
mod paths;
mod place;
mod replaced;
mod restored;
mod torn;
#[path = "../shared/typed.rs"]
mod typed;
mod untouched;

use verifier::files::Folder;
use verifier::succession;

use place::Place;

#[test]
fn a_holder_joins_changes_keys_and_leaves() {
    let place = Place::new();
    place.good("key rotate my --party cso-x --holder x1 --keys keys");
    place.good("key rotate my --party cso-x --holder x1 --keys keys");
    assert!(place.path("keys/cso-x.x1.key").exists() && place.path("keys/cso-x.x1.3.key").exists());
    // The key that took its place signs; the holder's second one is revoked, and stays so.
    place.good("key revoke my --party cso-x --holder x2 --reason holder-left --by cso-x:x1 --keys keys");
    place.bad("key revoke my --party cso-x --holder x1 --reason expired --by cso-x:x2 --keys keys", 2, "no key for");
    place.good("key enrol my --party cso-x --holder x2 --by cso-x:x1 --keys keys");
    assert!(place.path("keys/cso-x.x2.2.key").exists());
    place.bad("key enrol my --party cso-x --holder x2 --by cso-x:x1 --keys keys", 1, "rotate the key instead");
    // Who is not named is not named here either.
    place.good("key enrol my --party cso-y --holder y1 --role cso --keys keys --make-key");
    let report = place.check("my");
    assert_eq!(report.doubts, 0);
    let tile = format!("my-bundle/tile/entries/000.p/{}", report.head.unwrap().checkpoint.size);
    let entries = std::fs::read(place.path(&tile)).unwrap();
    assert!(!String::from_utf8_lossy(&entries).contains("cso-y"));
    // What the log refuses leaves nothing behind that would be handed in again.
    assert!(place.good("submit my").contains("0 refused"));
}

#[test]
fn after_a_rotation_registers_are_signed_with_the_new_key() {
    let place = Place::of(hidden::PARTIES);
    place.good("key enrol my --party cso-x --holder x1 --role cso --keys keys --make-key");
    let register = |row: &str| {
        let text = format!(
            "row_id,occurred_at,signer,cosigner,id,facility,organisation,attempted_on,arrived_at,outcome,wait\n\
             {row},2025-03-04,x1,,at-{row},fac-a,cso-x,2025-03-04,2025-03-04T09:00:00Z,turned_away,30\n"
        );
        place.write("visit.attempted.csv", &text);
        place.good("import my visit.attempted.csv --party cso-x --keys keys")
    };
    let said = register("r1");
    assert!(said.contains("1 in the log") && said.contains("0 refused"), "{said}");
    place.good("key rotate my --party cso-x --holder x1 --keys keys");
    let said = register("r2");
    assert!(said.contains("1 in the log") && said.contains("0 refused"), "{said}");
    place.check("my");
}

#[test]
fn what_is_adopted_is_kept_first() {
    let place = Place::of(hidden::PARTIES);
    let profile = "[calendar]\nutc_offset_minutes = 60\n";
    place.write("next.toml", profile);
    place.write("bad.toml", "[calendar]\nutc_offset_minutes = \"late\"\n");
    let digest = schemas::hash::Hash::of(&[profile.as_bytes()]).to_hex();
    let rows = format!(
        "row_id,occurred_at,signer,cosigner,id,profile_id,profile,effective_on\n\
         r1,2025-03-04,n1,n2,next,next,{digest},2025-04-01\n"
    );
    place.write("rule.profile.adopted.csv", &rows);
    let import = "import my rule.profile.adopted.csv --party npm --keys keys";
    place.bad(import, 1, &format!("the document {digest} that it adopts is not kept here"));
    for (line, code, words) in [
        ("document my bad.toml", 1, "bad.toml: no rule profile: profile.toml, [calendar] utc_offset_minutes"),
        ("document my none.toml", 2, "there is no document at none.toml"),
        ("document nowhere next.toml", 2, "there is no ledger at nowhere"),
    ] {
        place.bad(line, code, words);
    }
    assert!(place.good("document my next.toml").ends_with(&format!("{digest}\n")));
    let said = place.good(import);
    assert!(said.contains("1 in the log"), "{said}");
    place.check("my");
}

#[test]
fn a_ledger_begins_where_nothing_else_is() {
    let place = Place::new();
    place.write("full/letter.txt", "Dear colleague");
    let init = "init full --origin b.example/log --parties parties.csv --keys keys2";
    place.bad(init, 1, "full/letter.txt: a ledger begins in a folder of its own");
    place.remove("full/letter.txt");
    place.good(init);
    assert!(place.path("full/pseudonyms").exists(), "institutions are told to take it along");
    // Where a ledger was, its own message says what to do.
    ["full/checkpoint", "full/checkpoint.2"].iter().for_each(|name| drop(std::fs::remove_file(place.path(name))));
    place.bad(init, 2, "holds a ledger's entries or openings, and no checkpoint");
    let keygen = "keygen --origin b.example/log --party cso-x --holder x9 --keys keys2";
    place.good(keygen);
    place.bad(keygen, 2, "keys2/cso-x.x9.key holds a key already");
}

#[test]
fn a_stolen_key_and_what_it_signed_since() {
    let place = Place::new();
    place.good("key revoke my --party cso-x --holder x1 --reason compromise --since 2020-01-01T00:00:00Z --keys keys");
    let report = place.check("my");
    let doubtful: Vec<u64> = report.doubtful.iter().map(|one| one.position).collect();
    assert_eq!((report.doubts, doubtful), (2, vec![4, 6]), "both enrolments bear its signature");
    assert!(report.doubtful.iter().all(|one| one.key == "a.example/log/cso-x/x1"));
}

#[test]
fn the_registrar_loses_its_only_key() {
    let place = Place::new();
    place.remove("keys/min.m1.key");
    place.bad("key revoke my --party min --holder m1 --reason device-lost --keys keys", 2, "no key for");
    place.good("key revoke my --party min --holder m1 --reason device-lost --by npm:n1 --keys keys");
    place.good("key enrol my --party min --holder m2 --keys keys --make-key");
    // The party itself may say since when, once it has a key again; oversight could not.
    let line = "key revoke my --party min --holder m1 --reason compromise --since 2020-01-01T00:00:00Z --keys keys";
    place.good(line);
    assert_eq!(place.check("my").doubts, 0, "m1 had signed nothing");
}

#[test]
fn a_second_signature_that_is_elsewhere() {
    let place = Place::new();
    place.move_to("keys/op.o1.key", "office/op.o1.key");
    place.move_to("keys/op.o2.key", "office/op.o2.key");
    let line = "key rotate my --party cso-x --holder x1 --keys keys";
    assert!(place.good(line).contains("waits for o1 of op"));
    place.bad(&format!("cosign my {} --keys keys", place.draft("my")), 2, "no key for a.example/log/op/o1");
    place.good(&format!("cosign nowhere {} --keys office --only-sign", place.draft("my")));
    place.good(&format!("cosign my {} --keys keys", place.draft("my")));
    assert_eq!(place.drafts("my"), Vec::<String>::new());
    place.check("my");
}

#[test]
fn the_key_of_seals_is_lost() {
    let place = Place::new();
    place.move_to("my/keys/seal.key", "thief/seal.key");
    place.bad("key rotate my --party cso-x --holder x1 --keys keys", 2, "name another writer: `ledger epoch");
    place.bad("epoch my --writer o1 --by op:o1 --keys keys", 2, "choose a new holder's name");
    place.bad("epoch my --writer ledger-2 --by min:m1 --cosigner op:o1 --keys keys", 1, "the log would refuse this");
    place.remove("my/keys/seal.ledger-2.key");
    place.good("epoch my --writer ledger-2 --by op:o1 --cosigner op:o2 --keys keys");
    place.good("submit my");
    let line = "key revoke my --party op --holder ledger --reason compromise --since 2020-01-01T00:00:00Z --keys keys";
    place.good(line);
    let report = place.check("my");
    assert_eq!(report.doubts, 1, "genesis; its seals were recomputed");
    assert!(place.good("fsck my").contains("sound"));
    // The old key is of no use to its thief: not even beside the new one.
    place.move_to("thief/seal.key", "my/keys/seal.key");
    place.good("submit my");
    place.good("epoch my --writer ledger-3 --by op:o1 --cosigner op:o2 --keys keys");
    place.check("my");
    // A ledger that is restored seals with the key in office.
    place.good("restore again --bundle my-bundle --policy my/policy --from my");
    place.good("key rotate again --party cso-x --holder x1 --keys keys");
    place.check("again");
}

#[test]
fn another_writer_where_the_second_holder_is_elsewhere() {
    let place = Place::new();
    place.move_to("my/keys/seal.key", "lost/seal.key");
    place.move_to("keys/op.o2.key", "office/op.o2.key");
    assert!(place.good("epoch my --writer ledger-2 --by op:o1 --cosigner op:o2 --keys keys").contains("waits for o2"));
    let drafts = place.drafts("my");
    assert_eq!(drafts.len(), 2);
    place.good(&format!("cosign my {} --keys office", drafts.join(" ")));
    place.check("my");
}

#[test]
fn the_operator_has_no_holder_left() {
    let place = Place::new();
    place.remove("keys/op.o1.key");
    place.remove("keys/op.o2.key");
    place.bad("key enrol my --party op --holder o3 --keys keys", 2, "--by PARTY:HOLDER");
    place.bad("key enrol my --party op --holder o3 --by min:m1 --cosigner op:ledger --keys keys", 1, "would refuse");
    place.good("key enrol my --party op --holder o3 --by npm:n1 --cosigner op:ledger --keys keys");
    place.good("key revoke my --party op --holder o1 --reason device-lost --by npm:n1 --cosigner op:o3 --keys keys");
    place.good("key revoke my --party op --holder o2 --reason device-lost --by npm:n1 --cosigner op:o3 --keys keys");
    place.check("my");
}

#[test]
fn oversight_enrols_its_own_and_a_second_body() {
    let place = Place::new();
    place.bad("key enrol my --party npm --holder n2 --keys keys", 2, "a holder of oversight with a key in force");
    place.bad("key enrol my --party npm --holder n2 --by op:o1 --cosigner op:o2 --keys keys", 1, "would refuse");
    let enrol = "key enrol my --party ombud --holder q1 --role oversight --by npm:n1 --keys keys --make-key";
    place.bad(enrol, 1, "ombud: no such party in the ledger's list of parties");
    let list = std::fs::read_to_string(place.path("my/parties.csv")).unwrap();
    place.write("my/parties.csv", &format!("{list}ombud,oversight,Ombud,named,en,q1\n"));
    place.good("key enrol my --party ombud --holder q1 --role oversight --by npm:n1 --keys keys --make-key");
    // The first body has lost its keys: the second helps.
    place.remove("keys/npm.n1.key");
    place.good("key revoke my --party npm --holder n1 --reason device-lost --by ombud:q1 --keys keys");
    place.good("key enrol my --party npm --holder n3 --by ombud:q1 --keys keys");
    let age = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    place.good(&format!("key enrol my --party npm --holder mail --recipient {age} --by npm:n3 --keys keys"));
    place.check("my");
}

#[test]
fn a_successor_goes_on() {
    let place = Place::new();
    place.check("my");
    let succeed = "succeed next --origin a.example/log-2 --from my-bundle --from-policy my/policy --reason handover \
                   --parties parties.csv --keys keys-2";
    place.bad(succeed, 1, "makes its own key with `ledger keygen`");
    for holder in ["n1", "intake"] {
        place.good(&format!("keygen --origin a.example/log-2 --party npm --holder {holder} --keys body"));
        place.move_to(&format!("body/npm.{holder}.vkey"), &format!("keys-2/npm.{holder}.vkey"));
    }
    assert!(place.good(succeed).contains("waits for n1 of npm"));
    let signed = format!("{succeed} --signed {}", place.draft("next"));
    place.bad(&signed, 1, "not signed by oversight yet");
    place.good(&format!("cosign - {} --keys body --only-sign", place.draft("next")));
    place.bad(&signed.replace("handover", "loss"), 1, "not about this old log");
    place.good(&signed);
    place.bad(&signed, 2, "is not empty");
    place.bad(&succeed.replace("next", "third").replace("log-2", "log"), 1, "another name");
    place.good("key enrol next --party cso-x --holder x1 --role cso --keys keys-2 --make-key");
    let report = place.check("next");
    let before = report.predecessor.expect("it says what it goes on from");
    assert_eq!((before.origin.as_str(), before.size), ("a.example/log", 8));
    let (mut new, mut old) = (Folder::new(&place.path("next-bundle")), Folder::new(&place.path("my-bundle")));
    let (policy, old_policy) = (place.policy("next"), place.policy("my"));
    let result = succession::check(&mut new, &policy, &mut old, &old_policy, &mut |_, _, _| {});
    assert_eq!(result.exit_code(), 0, "{:?} {:?}", result.faults, result.unknown);
    // The old log went on in secret: what is handed over was not all of it.
    place.good("key rotate my --party cso-x --holder x1 --keys keys");
    place.check("my");
    let result = succession::check(&mut new, &policy, &mut old, &old_policy, &mut |_, _, _| {});
    assert_eq!(result.exit_code(), 1, "{:?}", result.unknown);
}
