//! From the outbox into the log: in batches, each answered only when it is on the disk.

use std::collections::BTreeSet;

use schemas::event::SignedEvent;
use schemas::time::{Date, Timestamp};

use crate::clock::Clock;
use crate::failure::Failure;
use crate::lead;
use crate::outbox::Parcel;
use crate::plan::{Answer, Rejection, Submission};
use crate::publish;
use crate::receipts::Receipts;
use crate::witness::Panel;
use crate::writer::Writer;

/// Most events in one commit: the store is fastest so, and a lost one costs little.
pub const BATCH_EVENTS_MAX: usize = 256;

/// What became of all parcels.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Newly in the log.
    pub accepted: u64,
    /// There before.
    pub already: u64,
    /// Kept out: the register row and the reason.
    pub refused: Vec<(String, Rejection)>,
}

/// Moments at which a replay closes a batch: the end of every local day, and every evaluation.
#[derive(Clone, Debug)]
pub struct Cuts(BTreeSet<Timestamp>);

impl Cuts {
    /// The ends of all days from the first to the last, and the instants given.
    pub fn new(first: Date, last: Date, utc_offset_minutes: i32, evaluations: &[Timestamp]) -> Self {
        let days = first.days_since(last).min(0).unsigned_abs();
        let ends = (0..=days).map(|n| first.plus_days(i64::try_from(n).unwrap_or(i64::MAX)).end(utc_offset_minutes));
        Self(ends.chain(evaluations.iter().copied()).collect())
    }
}

/// Submits parcels that bring the time of their receipt, cut by cut; quiet days get their seal
/// too. What an earlier, interrupted run has committed is passed over.
///
/// # Errors
/// [`Failure`] from the commit; nothing after it was answered.
pub fn replay(
    writer: &mut Writer,
    parcels: &[Parcel],
    cuts: &Cuts,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, Failure> {
    replay_before(writer, parcels, cuts, None, progress)
}

/// The same before witnesses, who are asked after each commit by the replay's own time.
///
/// # Errors
/// As [`replay`].
pub fn replay_before(
    writer: &mut Writer,
    parcels: &[Parcel],
    cuts: &Cuts,
    mut panel: Option<&mut Panel>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let mut rest: Vec<&Parcel> = parcels.iter().collect();
    rest.sort_by_key(|p| p.received_at);
    let total = rest.len() as u64;
    let mut from = 0;
    let last_cut = cuts.0.last().copied();
    for cut in &cuts.0 {
        let is_last = Some(*cut) == last_cut;
        let until =
            if is_last { rest.len() } else { rest.partition_point(|p| p.received_at.is_none_or(|t| t <= *cut)) };
        let day = &rest[from..until.max(from)];
        from = until.max(from);
        if writer.log().last_received().is_some_and(|last| last >= *cut) {
            outcome.already += day.len() as u64;
            continue;
        }
        let submissions: Vec<Submission> = day.iter().map(|p| submission(p, p.received_at.unwrap_or(*cut))).collect();
        let sealed_at = submissions.iter().map(|s| s.received_at).max().map_or(*cut, |t| t.max(*cut));
        let answered = writer.commit(&submissions, sealed_at)?;
        outcome.take(day, answered.answers);
        if let Some(panel) = panel.as_deref_mut() {
            publish::ask(writer, panel, sealed_at)?;
        }
        progress(from as u64, total);
    }
    if let (Some(panel), Some(last)) = (panel, writer.log().last_received()) {
        publish::publish(writer, panel, last)?;
    }
    Ok(outcome)
}

/// Submits parcels now, by the ledger's own clock, and keeps every refusal. A parcel that was refused
/// before is not offered again: its receipt says why.
///
/// # Errors
/// [`Failure`] from the commit; what was answered before stays.
pub fn submit(
    writer: &mut Writer,
    parcels: Vec<Parcel>,
    receipts: &Receipts,
    clock: Clock,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Outcome, Failure> {
    let parcels = &receipts.offered(parcels);
    let mut outcome = Outcome::default();
    let (fresh, known): (Vec<&Parcel>, Vec<&Parcel>) = parcels.iter().partition(|p| !is_in_log(writer, p));
    outcome.already += known.len() as u64;
    let total = fresh.len() as u64;
    for (number, batch) in fresh.chunks(BATCH_EVENTS_MAX).enumerate() {
        let now = lead::now(writer, clock)?;
        let submissions: Vec<Submission> = batch.iter().map(|p| submission(p, now)).collect();
        let answered = writer.commit(&submissions, now)?;
        for (parcel, answer) in batch.iter().zip(&answered.answers) {
            if let Answer::Refused(why) = answer {
                receipts.refuse(writer, parcel, why, now)?;
            }
        }
        outcome.take(batch, answered.answers);
        progress(((number + 1) * BATCH_EVENTS_MAX) as u64, total);
    }
    Ok(outcome)
}

fn is_in_log(writer: &Writer, parcel: &Parcel) -> bool {
    SignedEvent::parse(parcel.note.as_bytes()).is_ok_and(|signed| writer.log().position_of(&signed).is_some())
}

fn submission(parcel: &Parcel, received_at: Timestamp) -> Submission {
    Submission { note: parcel.note.clone().into_bytes(), opening: parcel.opening.clone(), received_at }
}

impl Outcome {
    fn take(&mut self, parcels: &[&Parcel], answers: Vec<Answer>) {
        for (parcel, answer) in parcels.iter().zip(answers) {
            match answer {
                Answer::Accepted { .. } => self.accepted += 1,
                Answer::Already { .. } => self.already += 1,
                Answer::Refused(why) => self.refused.push((parcel.source.clone(), why)),
            }
        }
    }
}
