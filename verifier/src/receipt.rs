//! The check of a receipt, and of a refusal's receipt. FORMAT.md 14.1.

use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::note::Note;
use schemas::policy::Policy;
use schemas::receipt::Receipt;
use schemas::refusal::RefusalReceipt;

use crate::fault::Fault;
use crate::head::head_step;
use crate::refusal::Refusal;
use crate::report::{About, Outcome, Report, Step};
use crate::signature::PublicKey;
use crate::tree::check_inclusion;

/// What a check of a receipt says.
#[derive(Clone, Debug)]
pub struct ReceiptReport {
    /// Steps, faults, verdict.
    pub report: Report,
    /// Position that is proven.
    pub index: u64,
    /// The entry, where the receipt shows it.
    pub entry: Option<Entry>,
    /// Its leaf.
    pub leaf: Option<Hash>,
}

/// Checks a receipt against a policy held from elsewhere.
pub fn check(text: &[u8], policy: &Policy) -> ReceiptReport {
    let mut out = ReceiptReport { report: Report::new(policy), index: 0, entry: None, leaf: None };
    out.report.about = About::Receipt;
    let title = "the file is a receipt";
    let parsed = std::str::from_utf8(text).map_err(|e| e.to_string());
    let receipt = match parsed.and_then(|t| Receipt::parse(t).map_err(|e| e.to_string())) {
        Ok(receipt) => receipt,
        Err(what) => {
            let step = Step { section: "14.1", title, outcome: Outcome::Fault, counted: String::new() };
            out.report.fault(step, Fault::FileMalformed { path: "receipt".to_owned(), what });
            return out;
        }
    };
    let counted = format!("entry {}", receipt.index);
    out.report.step(Step { section: "14.1", title, outcome: Outcome::Holds, counted });
    out.index = receipt.index;
    let note = receipt.checkpoint.to_text();
    let Some(head) = head_step(&mut out.report, note.as_bytes(), "checkpoint", policy) else { return out };
    entry(&mut out, &receipt, &head.get().checkpoint);
    out
}

/// FORMAT.md 6 and 7: the entry shown is the one that the tree holds.
fn entry(out: &mut ReceiptReport, receipt: &Receipt, checkpoint: &Checkpoint) {
    let title = "the entry is in the log";
    let step = |outcome, counted| Step { section: "7", title, outcome, counted };
    let Some(bytes) = &receipt.entry else {
        let why = "the receipt does not show the entry, so it cannot be said of which it is".to_owned();
        out.report.step(step(Outcome::NotChecked, why.clone()));
        out.report.cannot_tell(why);
        return;
    };
    let (position, leaf) = (receipt.index, Hash::leaf(bytes));
    let proven = check_inclusion(&receipt.proof, position, leaf, checkpoint.size, checkpoint.root);
    let read = proven.map_err(|why| Fault::Proof { position, why });
    let read = read.and_then(|()| Entry::parse(bytes).map_err(|what| Fault::Entry { position, what }));
    let checked = read.and_then(|entry| {
        let (event, origin) = (&entry.signed.event, checkpoint.origin.as_str());
        if entry.position != position {
            return Err(Fault::Position { position, address: Some(event.address()), found: entry.position });
        }
        if event.ledger != origin {
            let refusal = Refusal::OtherLedger { found: event.ledger.clone(), here: origin.to_owned() };
            return Err(Fault::Admission { position, address: event.address(), refusal });
        }
        Ok(entry)
    });
    match checked {
        Ok(entry) => {
            out.report.step(step(Outcome::Holds, format!("entry {position} of {}", checkpoint.size)));
            out.report.as_of = Some(entry.received_at);
            out.report.not_checked("the signatures of the event: its keys are in the bundle, or in a pack");
            (out.entry, out.leaf) = (Some(entry), Some(leaf));
        }
        Err(fault) => out.report.fault(step(Outcome::Fault, String::new()), fault),
    }
}

/// Checks the receipt of a refusal: the log's key says that it kept an event out, and why.
pub fn check_refusal(bytes: &[u8], policy: &Policy) -> (Report, Option<RefusalReceipt>) {
    let mut report = Report::new(policy);
    report.about = About::Refusal;
    let title = "the log's key signed the refusal";
    let step = |outcome, counted| Step { section: "14.1", title, outcome, counted };
    let read = Note::parse(bytes).ok().and_then(|note| RefusalReceipt::parse(&note.text).map(|r| (note, r)));
    let Some((note, refusal)) = read else {
        let what = "it is not the receipt of a refusal".to_owned();
        let fault = Fault::FileMalformed { path: "receipt".to_owned(), what };
        report.fault(step(Outcome::Fault, String::new()), fault);
        return (report, None);
    };
    let mut candidates = policy.logs.iter().filter(|key| key.name == refusal.origin.as_str()).peekable();
    if candidates.peek().is_none() {
        let why = format!("the policy has no key for the log {}", refusal.origin);
        report.step(step(Outcome::NotChecked, why.clone()));
        report.cannot_tell(why);
        return (report, None);
    }
    let holds = candidates.filter_map(|vkey| PublicKey::new(vkey).ok()).any(|key| {
        note.signatures.iter().any(|line| {
            line.name == key.vkey().name
                && line.id == key.id()
                && key.holds_strictly(note.text.as_bytes(), &line.signature)
        })
    });
    if !holds {
        let fault = Fault::CheckpointSignature { path: "receipt".to_owned(), key: refusal.origin.to_string() };
        report.fault(step(Outcome::Fault, String::new()), fault);
        return (report, None);
    }
    report.step(step(Outcome::Holds, format!("refused at {}", refusal.at)));
    report.not_checked(
        "whether it was right to refuse: set the words beside the event, which this receipt names by its id alone",
    );
    report.refused = true;
    report.as_of = Some(refusal.at);
    (report, Some(refusal))
}
