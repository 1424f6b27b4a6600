//! Taking in what the ledger answered: each receipt and each refusal is checked under the policy here first.

use schemas::hash::Hash;
use schemas::note::Note;
use schemas::time::Timestamp;
use verifier::receipt::{check, check_refusal};
use verifier::report::Verdict;

use super::held::{State, Told};
use super::{BadOutpost, Outpost};
use crate::answer::{AnswerLine, Said};

/// What taking answers in came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Newly proven by a receipt.
    pub covered: usize,
    /// In the log by the ledger's word; their receipts come when witnesses have seen them.
    pub received: usize,
    /// Refused, and the refusal is receipted: register row and words.
    pub refused: Vec<(String, String)>,
    /// Answers that do not hold; they changed nothing.
    pub lies: Vec<Lie>,
    /// Answers to events that are not here.
    pub foreign: usize,
}

/// An answer that does not hold under the policy here: keep it, somebody must explain it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    /// The register row.
    pub source: String,
    /// What is wrong with the answer.
    pub what: String,
    /// The receipt or refusal as it came.
    pub evidence: String,
}

impl Taken {
    /// Adds what taking in more came to.
    pub fn add(&mut self, other: Self) {
        self.covered += other.covered;
        self.received += other.received;
        self.refused.extend(other.refused);
        self.lies.extend(other.lies);
        self.foreign += other.foreign;
    }
}

impl Outpost {
    /// Takes answers in. What they prove is on the disk when this returns.
    ///
    /// # Errors
    /// [`BadOutpost`] if it cannot be written down.
    pub fn take(&mut self, answers: &[AnswerLine], now: Timestamp) -> Result<Taken, BadOutpost> {
        let (mut taken, mut told) = (Taken::default(), Vec::new());
        for answer in answers {
            let event = answer.event;
            let Some(held) = self.find(&event) else {
                taken.foreign += 1;
                continue;
            };
            let source = held.parcel.source.clone();
            let lie =
                |what: String, evidence: &str| Lie { source: source.clone(), what, evidence: evidence.to_owned() };
            match (&answer.said, &held.state) {
                // What is proven stays so, whatever is said afterwards: but a refusal of it is a lie.
                (Said::Stands { .. } | Said::Waits { .. }, State::Covered { .. }) => {}
                (Said::Refused { why, receipt }, State::Covered { position, .. }) => {
                    let what = format!("refused ({why}), though our receipt proves entry {position}");
                    taken.lies.push(lie(what, receipt.as_deref().unwrap_or_default()));
                }
                (Said::Refused { .. }, State::Refused { .. }) => {}
                (Said::Waits { .. }, State::Refused { why, .. }) => {
                    taken.lies.push(lie(format!("said to stand in the log, though refused before: {why}"), ""));
                }
                (Said::Waits { position }, state) => {
                    taken.received += 1;
                    if !matches!(state, State::Received { position: known, .. } if known == position) {
                        told.push(Told::Received { event, position: *position, at: now });
                    }
                }
                (Said::Stands { receipt, .. }, _) => match self.proves(receipt, &held.parcel.note) {
                    Ok(()) => {
                        taken.covered += 1;
                        told.push(Told::Covered { event, receipt: receipt.clone() });
                    }
                    Err(what) => taken.lies.push(lie(what, receipt)),
                },
                (Said::Refused { why, receipt }, _) => match self.refuses(receipt.as_deref(), &event) {
                    Ok(note) => {
                        taken.refused.push((source, why.clone()));
                        told.push(Told::Refused { event, note });
                    }
                    Err(what) => taken
                        .lies
                        .push(lie(format!("refused ({why}), but {what}"), receipt.as_deref().unwrap_or_default())),
                },
            }
        }
        self.tell(told)?;
        Ok(taken)
    }

    /// Whether a receipt holds under the policy here, quorum included, and is that of this very note.
    fn proves(&self, receipt: &str, note: &str) -> Result<(), String> {
        let checked = check(receipt.as_bytes(), self.policy());
        if checked.report.verdict() != Verdict::Verified {
            let fault = checked.report.faults.first().map(ToString::to_string);
            let why = fault.or_else(|| checked.report.unknown.first().cloned()).unwrap_or_default();
            return Err(format!("the receipt does not hold under the policy here: {why}"));
        }
        match checked.entry {
            Some(entry) if entry.signed.note.to_text() == note => Ok(()),
            _ => Err("the receipt is that of another event".to_owned()),
        }
    }

    /// The refusal's note, if the log's key signed it and it is about this event.
    fn refuses(&self, receipt: Option<&str>, event: &Hash) -> Result<String, String> {
        let receipt = receipt.ok_or("without a receipt of the refusal")?;
        let (report, refusal) = check_refusal(receipt.as_bytes(), self.policy());
        match refusal {
            Some(refusal) if refusal.event == *event && refusal.origin == self.standing().origin => {
                Ok(receipt.to_owned())
            }
            Some(_) => Err("its receipt is about another event".to_owned()),
            None => Err(format!(
                "its receipt does not hold under the policy here: {}",
                report.faults.first().map_or_else(String::new, ToString::to_string)
            )),
        }
    }

    /// Keeps the stamp of somebody who carried an event in; true if it is one for an event here, signed by the
    /// key that it names. Whose key that is, is for the reader of the log to say.
    ///
    /// # Errors
    /// [`BadOutpost`] if it cannot be written down.
    pub fn take_stamp(&mut self, note: &Note) -> Result<bool, BadOutpost> {
        let Some(stamp) = schemas::carried::Carried::parse(&note.text) else { return Ok(false) };
        let Some(held) = self.find(&stamp.event).filter(|_| stamp.origin == self.standing().origin) else {
            return Ok(false);
        };
        if !held.stamps.contains(note) {
            self.tell(vec![Told::Stamp { event: stamp.event, note: note.to_text() }])?;
        }
        Ok(true)
    }
}
