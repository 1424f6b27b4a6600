//! The sealed stream as it lives: whoever looks from outside, or keeps the ledger, cannot tell a week of complaints
//! from a quiet one.

use std::collections::BTreeMap;
use std::path::Path;

use ledger::queue::{BadBatch, Queue};
use schemas::entry::Entry;
use schemas::opening::{Disclosure, OpeningLine, Slot};
use schemas::sealed;
use verifier::report::Verdict;

use crate::common::{Ledger, files_below, holding};

/// Weeks, by an instant in each.
const WEEKS: [&str; 3] = ["2031-03-07T17:00:00Z", "2031-03-14T17:00:00Z", "2031-03-21T17:00:00Z"];
/// Words that must stand nowhere.
const WORDS: [&str; 6] =
    ["complaint.lodged", "ill_treatment", "Marrowfield", "cm-77", "row-of-cm", "2031-03-04T09:12:13Z"];

fn complaints(first: usize, count: usize) -> String {
    let mut rows = "row_id,occurred_at,signer,cosigner,id,intake_at,about,complainant_kind,facility,addressee,consent_to_share,narrative,narrative_lang,risk\n".to_owned();
    for number in first..first + count {
        let text = "Marrowfield wing. ".repeat(number * 9 + 1);
        let row = format!(
            "row-of-cm-{number},2031-03-04T09:12:13Z,n1,,cm-77{number},2031-03-04T09:12:13Z,ill_treatment,person_in_custody,fac-a,npm,false,\"{text}\",en,high\n"
        );
        rows += &row;
    }
    rows
}

/// A ledger after three weeks with these numbers of complaints.
fn after(weeks: [usize; 3]) -> Ledger {
    let mut ledger = Ledger::new(true);
    let mut first = 1;
    for (week, count) in WEEKS.iter().zip(weeks) {
        if count > 0 {
            let (signed, _) = ledger.import("npm", "complaint.lodged", &complaints(first, count)).unwrap();
            assert_eq!((signed.queued.len(), signed.signed), (count, 0), "nothing goes into the log at once");
            first += count;
        }
        assert_eq!(ledger.close_week(week).unwrap().records.len(), 3);
    }
    ledger
}

/// What shows of a folder from outside: paths and lengths.
fn sizes(folder: &Path) -> BTreeMap<String, usize> {
    let name = |path: &Path| path.display().to_string();
    files_below(folder).into_iter().map(|(path, bytes)| (name(&path), bytes.len())).collect()
}

/// Types, times, signers and lengths of all entries.
fn shape(ledger: &Ledger) -> Vec<(String, String, String, String, usize)> {
    let shape = |bytes: Vec<u8>| {
        let entry = Entry::parse(&bytes).unwrap();
        let event = &entry.signed.event;
        let signer = entry.signed.note.signatures[0].name.clone();
        (event.kind.clone(), event.at().to_string(), entry.received_at.to_string(), signer, bytes.len())
    };
    ledger.writer.store().entries(0).map(|entry| shape(entry.unwrap().1)).collect()
}

#[test]
fn five_complaints_or_none_look_the_same() {
    let (loud, quiet) = (after([2, 0, 3]), after([0, 0, 0]));
    assert_eq!(shape(&loud), shape(&quiet));
    assert_eq!(sizes(&loud.bundle("bundle")), sizes(&quiet.bundle("bundle")));
    // Nor does what the operator keeps tell them apart: openings, keys, outbox; of the queue the number of files.
    for part in ["openings", "opening-keys", "outbox"] {
        assert_eq!(sizes(&loud.home.folder().join(part)), sizes(&quiet.home.folder().join(part)), "{part}");
    }
    let queue = |ledger: &Ledger| {
        let mut all: Vec<usize> = sizes(&ledger.home.intake()).into_values().collect();
        all.sort_unstable();
        all
    };
    assert_eq!(queue(&loud), queue(&quiet));
    for ledger in [&loud, &quiet] {
        for word in WORDS {
            let mut found = holding(ledger.home.folder(), word.as_bytes());
            // The catalogue itself, which everybody has, names all types and codes.
            found.retain(|path| !path.starts_with("documents"));
            assert_eq!(found, Vec::<std::path::PathBuf>::new(), "{word}");
        }
    }
}

/// The inner rows that an identity finds in the log.
fn rows(ledger: &Ledger) -> Vec<String> {
    let identity = ledger.identity();
    let mut found = Vec::new();
    for line in ledger.writer.vault().lines(0).map(|line| line.unwrap().1).filter(|line| !line.is_empty()) {
        let line = identity.open_line(OpeningLine::parse(&line).unwrap());
        for slot in &line.slots {
            if let Slot::Open(text) = slot
                && let Some(Disclosure { name, value: Some(value), .. }) = Disclosure::parse(text)
                && name == "body"
            {
                let (inner, note) = sealed::unseal(&value).unwrap();
                assert_eq!(note.signatures.len(), 1);
                found.push(format!("{}/{}", inner.kind, inner.row));
            }
        }
    }
    found
}

fn lodged(ledger: &Ledger) -> Vec<String> {
    let mut found: Vec<String> = rows(ledger).into_iter().filter(|row| row.starts_with("complaint")).collect();
    found.sort();
    found
}

#[test]
fn what_does_not_fit_waits_and_nothing_comes_twice() {
    let mut ledger = Ledger::new(true);
    let queue = Queue::at(&ledger.home.intake());
    ledger.take("npm", "complaint.lodged", &complaints(1, 5));
    assert_eq!(queue.len().unwrap(), 5);
    // The same rows again, and one more.
    let (signed, _) = ledger.import("npm", "complaint.lodged", &complaints(1, 6)).unwrap();
    assert_eq!((signed.queued.len(), queue.len().unwrap()), (1, 6));
    let closed = ledger.close_week(WEEKS[0]).unwrap();
    assert_eq!((closed.records.len(), closed.waiting), (3, 3));
    let why = ledger.close_week("2031-03-09T23:59:59Z").unwrap_err();
    assert!(matches!(why, BadBatch::ThisWeek { .. }), "{why}");
    // Those that are in the log are not taken again either.
    let (signed, _) = ledger.import("npm", "complaint.lodged", &complaints(1, 6)).unwrap();
    assert_eq!(signed.queued, []);
    assert_eq!(lodged(&ledger).len(), 3);
    ledger.close_week(WEEKS[1]).unwrap();
    ledger.close_week(WEEKS[2]).unwrap();
    let want: Vec<String> = (1..=6).map(|n| format!("complaint.lodged/row-of-cm-{n}")).collect();
    assert_eq!(lodged(&ledger), want);
    assert_eq!(rows(&ledger).len(), 9);
    let (bundle, out) = (ledger.bundle("bundle"), ledger.folder.path().join("out"));
    ledger::export::openings(&ledger.writer, &verifier::audience::Audience::Oversight, None, &out).unwrap();
    let identity = ledger.identity();
    assert_eq!(ledger.check(&bundle, &out, Some(&identity)).verdict(), Verdict::Verified);
}

#[test]
fn a_batch_that_was_cut_short_is_finished_once() {
    let mut ledger = Ledger::new(true);
    ledger.take("npm", "complaint.lodged", &complaints(1, 2));
    ledger.close_week(WEEKS[0]).unwrap();
    ledger.take("npm", "complaint.lodged", &complaints(3, 2));
    let intake = ledger.home.intake();
    // Everything as it was when the batch file had just been written: the commit came, nothing after it.
    let waiting = files_below(&intake.join("waiting"));
    ledger.close_week(WEEKS[1]).unwrap();
    let size = ledger.writer.log().size();
    let outbox = ledger.outbox.parcels().unwrap();
    let batch: String = outbox
        .iter()
        .rev()
        .take(3)
        .zip(1..)
        .map(|(parcel, number)| {
            let parcel = schemas::value::Value::Text(parcel.to_line()).to_json();
            format!("{{\"number\":{number},\"parcel\":{parcel},\"tag\":\"{number:032}\"}}\n")
        })
        .collect();
    std::fs::write(intake.join("batch"), batch).unwrap();
    for (name, bytes) in waiting {
        std::fs::write(intake.join("waiting").join(name), bytes).unwrap();
    }
    let closed = ledger.close_week(WEEKS[1]).unwrap();
    assert_eq!((closed.records.len(), closed.waiting), (3, 0));
    assert_eq!((ledger.writer.log().size(), ledger.outbox.parcels().unwrap().len()), (size, outbox.len()));
    assert!(!intake.join("batch").exists());
    assert_eq!(lodged(&ledger).len(), 4);
    let queue = Queue::at(&intake);
    let (address, event) = queue.became(&format!("{:032}", 1)).unwrap().unwrap();
    assert!(ledger.writer.log().record(&address).is_some() && event.len() == 64);
    assert_eq!(queue.became("never").unwrap(), None);
}
