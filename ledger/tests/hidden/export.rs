//! Who gets what, and the trace that reading leaves.

use std::fs;

use ledger::access::{self, BadReading, Reading};
use ledger::export;
use ledger::folder::BadFolder;
use ledger::import::Holder;
use ledger::keys::KeyFolder;
use ledger::sign::BadSigning;
use schemas::opening::{OpeningLine, Slot};

use crate::common::{INSPECTION, Ledger, MARK, holding, obstruction};

#[test]
fn a_sealed_value_is_read_by_oversight_alone() {
    let mut ledger = Ledger::new(true);
    ledger.take("npm", "inspection.conducted", INSPECTION);
    let position = ledger.writer.log().record("npm/inspection.conducted/r1").unwrap();
    let line = OpeningLine::parse(&ledger.writer.vault().line(position).unwrap().unwrap()).unwrap();
    let sealed: Vec<&Slot> = line.slots.iter().filter(|slot| matches!(slot, Slot::Sealed(_))).collect();
    assert_eq!(sealed.len(), 1);
    let opened = ledger.identity().open_line(line.clone());
    assert!(opened.slots.iter().all(|slot| matches!(slot, Slot::Open(_))));
    let disclosure = opened.slots.iter().find_map(|slot| match slot {
        Slot::Open(text) if !line.slots.contains(slot) => Some(text.clone()),
        _ => None,
    });
    // Not in any file of the ledger, the outbox included.
    assert_eq!(holding(ledger.home.folder(), disclosure.unwrap().as_bytes()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn without_a_key_of_oversight_nothing_sealed_is_taken() {
    let mut ledger = Ledger::new(false);
    let why = ledger.import("npm", "inspection.conducted", INSPECTION).unwrap_err();
    let BadFolder::Signing(all) = &why else { panic!("{why}") };
    assert!(matches!(all[0], BadSigning::NoRecipient { .. }), "{why}");
    assert!(why.to_string().contains("followup_of_reprisal") && why.to_string().contains("keygen --age"), "{why}");
    // The same row without the value is taken.
    ledger.take("npm", "inspection.conducted", &INSPECTION.replace("full,true\n", "full,\n"));
}

#[test]
fn each_party_gets_what_it_may_have_and_the_log_says_so() {
    let mut ledger = Ledger::new(true);
    ledger.take("npm", "inspection.conducted", INSPECTION);
    ledger.take("npm", "inspection.obstructed", &obstruction());
    let before = ledger.writer.log().size();
    for (reader, signer, sees_text, open_sealed) in [
        ("fac-a", ("op", "o1"), true, 0),
        ("cso-x", ("op", "o1"), false, 0),
        ("op", ("op", "o1"), false, 0),
        ("npm", ("npm", "n1"), true, 1),
    ] {
        let pseudonyms = ledger.pseudonyms();
        let (audience, scope) = access::audience(&ledger.writer, &pseudonyms, reader);
        let signer = Holder { party: signer.0.to_owned(), holder: signer.1.to_owned() };
        let rows = access::rows(&ledger.writer, &audience).unwrap();
        let reading = Reading { event: "data.exported", reader, purpose: "audit", scope, rows, signer };
        let keys = KeyFolder::new(&ledger.keys, ledger.writer.log().origin().clone());
        let address = access::record(&mut ledger.writer, &mut ledger.outbox, keys, &pseudonyms, &reading).unwrap();
        assert!(ledger.writer.log().record(&address).is_some_and(|position| position >= before), "{reader}");
        let (bundle, out) = (ledger.bundle("bundle"), ledger.folder.path().join(format!("for-{reader}")));
        export::openings(&ledger.writer, &audience, None, &out).unwrap();
        let identity = ledger.identity();
        let report = ledger.check(&bundle, &out, Some(&identity));
        assert_eq!(report.exit_code(), 0, "{reader}: {:?}", report.faults);
        let text = fs::read_to_string(out.join("000")).unwrap();
        let lines: Vec<OpeningLine> =
            text.lines().filter(|line| !line.is_empty()).map(|line| OpeningLine::parse(line).unwrap()).collect();
        let shows = |line: &OpeningLine| {
            let open = |slot: &Slot| matches!(slot, Slot::Open(text) if text_of(text).contains(MARK));
            line.slots.iter().any(open)
        };
        assert_eq!(lines.iter().any(shows), sees_text, "{reader}");
        let sealed = lines.iter().flat_map(|line| &line.slots).filter(|slot| matches!(slot, Slot::Sealed(_))).count();
        assert_eq!(usize::from(sealed > 0), open_sealed, "{reader}");
    }
    let pseudonyms = ledger.pseudonyms();
    let signer = Holder { party: "op".to_owned(), holder: "o1".to_owned() };
    let size = ledger.writer.log().size();
    let reading =
        Reading { event: "data.exported", reader: "cso-x", purpose: "curiosity", scope: "own_record", rows: 1, signer };
    let keys = KeyFolder::new(&ledger.keys, ledger.writer.log().origin().clone());
    let why = access::record(&mut ledger.writer, &mut ledger.outbox, keys, &pseudonyms, &reading).unwrap_err();
    assert!(matches!(why, BadReading::Code { field: "purpose", .. }) && ledger.writer.log().size() == size, "{why}");
}

fn text_of(disclosure: &str) -> String {
    String::from_utf8(schemas::base::from_base64url(disclosure).unwrap()).unwrap()
}
