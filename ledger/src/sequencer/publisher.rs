//! Asks the witnesses for the newest checkpoint, again and again, while the desk goes on.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError};
use std::time::Duration;

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::Note;

use crate::clock::Clock;
use crate::publish;
use crate::sequencer::Holding;
use crate::sequencer::desk::{SignedHead, Work};
use crate::witness::{Against, Panel};
use crate::writer::Writer;

/// Pause between two questions: what is committed meanwhile is asked for together. While no quorum answers it doubles.
const BREATH: Duration = Duration::from_millis(50);
/// Longest pause: a witness that comes back is asked within half a minute.
const PAUSE_MAX: Duration = Duration::from_secs(30);

pub(super) struct Publisher {
    panel: Panel,
    clock: Clock,
    heads: Receiver<SignedHead>,
    desk: SyncSender<Work>,
}

impl Publisher {
    pub fn new(
        mut panel: Panel,
        clock: Clock,
        heads: Receiver<SignedHead>,
        desk: SyncSender<Work>,
        published: Option<&Note>,
    ) -> Self {
        if let Some((note, checkpoint)) = published.and_then(|note| Some((note, Checkpoint::parse(&note.text).ok()?))) {
            panel.learn(&checkpoint, note);
        }
        Self { panel, clock, heads, desk }
    }

    /// Until the desk has ended.
    pub fn run(mut self) {
        let mut pause = BREATH;
        while let Ok(head) = self.heads.recv() {
            // Of many checkpoints the newest says all.
            let mut head = self.heads.try_iter().last().unwrap_or(head);
            loop {
                let desk = &self.desk;
                let prove = |old, size| prove(desk, old, size);
                let asked = self.panel.ask(&head.note, &prove, head.received_at, self.clock.now());
                let reached = asked.reached;
                for (name, why) in asked.silent.iter().filter(|(_, why)| why.contradicts()) {
                    let bytes = self.panel.last(name);
                    let against = Against { name: name.clone(), why: why.clone(), bytes };
                    let (holding, _) =
                        Holding::new("a witness", move |writer| Err(publish::contradicted(writer, &against)));
                    if self.desk.send(Work::Hold(holding)).is_err() {
                        return;
                    }
                }
                if asked.note != head.note {
                    head.note = asked.note.clone();
                    if self.desk.send(Work::Asked(Box::new(asked))).is_err() {
                        return;
                    }
                }
                std::thread::sleep(pause);
                if reached {
                    pause = BREATH;
                    break;
                }
                pause = (pause * 2).min(PAUSE_MAX);
                head = match self.heads.try_iter().last() {
                    Some(newer) => newer,
                    None if self
                        .desk
                        .try_send(Work::Ping)
                        .is_err_and(|why| matches!(why, TrySendError::Disconnected(_))) =>
                    {
                        return;
                    }
                    None => head,
                };
            }
        }
    }
}

/// The desk proves, between two commits: nothing of the ledger is held while witnesses are asked.
fn prove(desk: &SyncSender<Work>, old: u64, size: u64) -> Vec<Hash> {
    let (send, proof) = std::sync::mpsc::channel();
    let show = move |writer: &Writer| {
        let _ = send.send(publish::prove(writer, old, size)); // who asked may have ended
    };
    // A desk that has ended proves nothing more; the witness refuses, and the publisher ends too.
    if desk.send(Work::Show(Box::new(show))).is_err() {
        return Vec::new();
    }
    proof.recv().unwrap_or_default()
}
