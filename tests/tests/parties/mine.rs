//! A party's own outbox and receipts against a pack about it.

use schemas::entry::Entry;
use schemas::event::SignedEvent;
use schemas::note::Vkey;
use verifier::mine::{self, Difference, Own, differences};
use verifier::signature::SecretKey;

use crate::common::{PARTY, STREAM, checked, desk, earlier, golden};
use tests::forge::Forge;

fn own(address: &str, receipted: Option<u64>) -> Own {
    let desk = desk();
    let entry = desk.entries.iter().map(|b| Entry::parse(b).unwrap()).find(|e| e.signed.event.address() == address);
    Own { signed: entry.expect("a record at that address").signed, receipted, carried: None }
}

const REQUEST: &str = "cso-x/access.request.submitted/r1";
const DISPUTE: &str = "cso-x/visit.disputed/r1";
const KEYS: [&str; 2] = ["cso-x/key.enrolled/r1", "cso-x/key.enrolled/r2"];

fn all() -> Vec<Own> {
    [REQUEST, DISPUTE, KEYS[0], KEYS[1]].map(|address| own(address, None)).to_vec()
}

#[test]
fn what_differs_is_named() {
    let desk = desk();
    let records = checked(&desk.pack(STREAM, PARTY)).records;
    let disputed = Difference::Disputed {
        address: "fac-a/visit.completed/r1".to_owned(),
        by: own(DISPUTE, None).signed_position(&desk.entries),
    };
    assert_eq!(
        differences(&records, &all(), PARTY, 7),
        std::slice::from_ref(&disputed),
        "nothing but the dispute itself"
    );

    // Missing: signed and kept, with a receipt and without.
    let position = own(REQUEST, None).signed_position(&desk.entries);
    let shown: Vec<_> = records.iter().filter(|r| r.entry.position != position).cloned().collect();
    let mut kept = all();
    let found = differences(&shown, &kept, PARTY, 7);
    assert!(found.contains(&Difference::NeverReceived { address: REQUEST.to_owned() }), "{found:?}");
    kept[0].receipted = Some(position);
    let found = differences(&shown, &kept, PARTY, 7);
    let hidden = Difference::MissingThoughReceipted { address: REQUEST.to_owned(), position };
    assert!(found.contains(&hidden) && hidden.is_grave(), "{found:?}");

    // Ignored: an oversight body carried it in and stamped when; a receipt would weigh more.
    let at = schemas::time::Timestamp::parse("2025-03-09T10:00:00Z").unwrap();
    kept[0].carried = Some(("npm".to_owned(), at));
    assert!(differences(&shown, &kept, PARTY, 7).contains(&hidden));
    kept[0].receipted = None;
    let ignored = Difference::CarriedInVain { address: REQUEST.to_owned(), carrier: "npm".to_owned(), at };
    assert!(differences(&shown, &kept, PARTY, 7).contains(&ignored) && ignored.is_grave());
    assert!(ignored.to_string().contains("npm carried it in"), "{ignored}");

    // Altered: another event stands under our address.
    let forge = Forge::of(golden());
    let mut event = own(REQUEST, None).signed.event;
    event.data.insert("team".to_owned(), schemas::value::Value::Integer(9));
    let text = event.to_text();
    let key = forge.key("cso-x", "x1");
    let note = schemas::note::Note { signatures: vec![key.sign(&text)], text };
    let other = Own { signed: SignedEvent::parse(note.to_text().as_bytes()).unwrap(), receipted: None, carried: None };
    let found = differences(&records, &[other, kept[1].clone(), kept[2].clone(), kept[3].clone()], PARTY, 7);
    assert!(found.contains(&Difference::Altered { address: REQUEST.to_owned(), position }), "{found:?}");
    assert!(!found.iter().any(|d| matches!(d, Difference::NotOurs { .. })), "altered is not said twice: {found:?}");

    // Not ours: signed in our name, and we have not kept it.
    let found = differences(&records, &kept[1..], PARTY, 7);
    assert!(found.contains(&Difference::NotOurs { address: REQUEST.to_owned(), position }), "{found:?}");

    // An enrolment is signed at the ledger's office and kept there: of a key that signed what we kept, it is ours.
    let kept: Vec<Own> = all().into_iter().filter(|one| one.signed.event.kind != "key.enrolled").collect();
    let found = differences(&records, &kept, PARTY, 7);
    let accused =
        |d: &Difference| matches!(d, Difference::NotOurs { address, .. } if address == "cso-x/key.enrolled/r1");
    assert!(records.iter().any(|r| r.entry.signed.event.address() == "cso-x/key.enrolled/r1"));
    assert!(!found.iter().any(accused), "{found:?}");
    let of_others: Vec<Own> =
        kept.into_iter().filter(|one| one.signed.note.signatures[0].name.contains("x2")).collect();
    assert!(differences(&records, &of_others, PARTY, 7).iter().any(accused), "no key that we know of");

    // Late: received days after it happened.
    let late = differences(&records, &all(), PARTY, -1);
    assert!(late.iter().any(|d| matches!(d, Difference::Late { .. })) && !late.iter().any(Difference::is_grave));
}

#[test]
fn an_old_pack_hides_what_a_receipt_proves() {
    let old = earlier(3);
    let records = checked(&old.pack(STREAM, PARTY)).records;
    let mut kept = all();
    kept[1].receipted = Some(own(DISPUTE, None).signed_position(&desk().entries));
    let found = differences(&records, &kept, PARTY, 7);
    assert!(
        found.iter().any(|d| matches!(d, Difference::MissingThoughReceipted { address, .. } if address == DISPUTE))
    );
}

#[test]
fn a_stamp_is_its_carriers_alone() {
    let origin = &golden().origin;
    let key = |name: &str| SecretKey::new(name, &[5; 32]);
    let event = own(REQUEST, None).signed.id();
    let at = schemas::time::Timestamp::parse("2025-03-09T10:00:00Z").unwrap();
    let theirs = key(&origin.holder_key_name("npm", "chief-1"));
    let (stamp, note) = ledger::outpost::stick::stamp(origin, event, "npm", &theirs, at);
    assert_eq!(mine::stamp(&note, &[theirs.vkey()]), Some(stamp));
    let other = SecretKey::new(&theirs.vkey().name, &[6; 32]);
    let witness = Vkey { alg: schemas::note::ALG_COSIGNATURE, ..theirs.vkey() };
    for keys in [vec![], vec![other.vkey()], vec![witness], vec![key(&origin.holder_key_name("cso-x", "x1")).vkey()]] {
        assert_eq!(mine::stamp(&note, &keys), None, "{keys:?}");
    }
    // Signed by another party's key in the carrier's name.
    let posing = key(&origin.holder_key_name("fac-a", "a1"));
    let (_, note) = ledger::outpost::stick::stamp(origin, event, "npm", &posing, at);
    assert_eq!(mine::stamp(&note, &[posing.vkey()]), None);
}

trait Position {
    fn signed_position(&self, entries: &[Vec<u8>]) -> u64;
}

impl Position for Own {
    fn signed_position(&self, entries: &[Vec<u8>]) -> u64 {
        let is_it = |bytes: &Vec<u8>| Entry::parse(bytes).unwrap().signed.id() == self.signed.id();
        entries.iter().position(is_it).expect("it is in the log") as u64
    }
}
