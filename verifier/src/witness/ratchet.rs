//! The ratchet: which checkpoint may be cosigned after which. C2SP tlog-witness.

use std::collections::BTreeMap;

use schemas::checkpoint::Checkpoint;
use schemas::note::{Note, SignatureLine, Vkey};

use crate::signature::{BadKey, PublicKey, SecretKey};
use crate::tree::{BadProof, check_consistency, empty_root};
use crate::witness::answer::Answer;
use crate::witness::records::{Record, Records};
use crate::witness::request::Request;

/// A witness: its key, the logs that it watches, and what it has cosigned.
///
/// It reads no clock and no disk. The only way to a cosignature is [`Ratchet::add_checkpoint`],
/// which gives none before the caller has put the new records where they last.
#[derive(Clone, Debug)]
pub struct Ratchet {
    key: SecretKey,
    logs: BTreeMap<String, Vec<PublicKey>>,
    records: Records,
}

impl Ratchet {
    /// A witness of these logs, whose key names are their origins. Records of logs that are no
    /// longer watched are kept, so that one which comes back cannot go back.
    ///
    /// # Errors
    /// [`BadKey`] if a log's key cannot be taken.
    pub fn new(key: SecretKey, logs: &[Vkey], records: Records) -> Result<Self, BadKey> {
        let mut by_origin: BTreeMap<String, Vec<PublicKey>> = BTreeMap::new();
        for vkey in logs {
            by_origin.entry(vkey.name.clone()).or_default().push(PublicKey::new(vkey)?);
        }
        Ok(Self { key, logs: by_origin, records })
    }

    /// What it has cosigned.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Origins of the logs that it watches.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.logs.keys().map(String::as_str)
    }

    /// Answers one request at an instant in Unix seconds. Before a cosignature is answered,
    /// `persist` puts the records that include it where they outlast a power cut.
    ///
    /// # Errors
    /// That of `persist`: nothing was cosigned, and the records are those of before. What is on the
    /// disk may be either, so the caller takes no further request until it has read it again.
    pub fn add_checkpoint<E>(
        &mut self,
        body: &[u8],
        now: u64,
        persist: impl FnOnce(&Records) -> Result<(), E>,
    ) -> Result<Answer, E> {
        match self.decide(body, now) {
            Ok((record, line)) => {
                let next = self.records.with(record);
                persist(&next)?;
                self.records = next;
                Ok(Answer::Cosigned(line))
            }
            Err(answer) => Ok(answer),
        }
    }

    /// The new record with the witness's line, or the answer that refuses.
    fn decide(&self, body: &[u8], now: u64) -> Result<(Record, SignatureLine), Answer> {
        let Request { old, proof, note } = Request::parse(body).map_err(Answer::Malformed)?;
        let origin = note.text.split('\n').next().unwrap_or_default();
        let keys = self.logs.get(origin).ok_or(Answer::UnknownLog)?;
        let checkpoint = Checkpoint::parse(&note.text).map_err(|e| Answer::BadCheckpoint(e.to_string()))?;
        // One line a key, and none by others: what is stored must not grow by what anybody adds.
        let line_of = |key: &PublicKey| note.signatures.iter().find(|line| signed(key, &note, line)).cloned();
        let signatures: Vec<SignatureLine> = keys.iter().filter_map(line_of).collect();
        if signatures.is_empty() {
            return Err(Answer::NotSigned);
        }
        let signed = Note { text: note.text.clone(), signatures };
        let last = self.records.get(origin);
        if let Some(last) =
            last.filter(|l| l.checkpoint.size == checkpoint.size && l.checkpoint.root != checkpoint.root)
        {
            return Err(Answer::Fork { size: checkpoint.size, notes: Box::new([last.note.clone(), signed]) });
        }
        if old > checkpoint.size {
            return Err(Answer::BadCheckpoint(format!(
                "old {old} is beyond the checkpoint's size {}",
                checkpoint.size
            )));
        }
        let (size, root) = last.map_or((0, empty_root()), |l| (l.checkpoint.size, l.checkpoint.root));
        if old != size {
            return Err(Answer::OtherSize { size });
        }
        check_consistency(&proof, size, root, checkpoint.size, checkpoint.root).map_err(Answer::NotConsistent)?;
        // Every tree extends the empty one, but only one tree is empty.
        if checkpoint.size == 0 && checkpoint.root != empty_root() {
            return Err(Answer::NotConsistent(BadProof::Root { reached: empty_root() }));
        }
        if let Some(last) = last.filter(|l| l.time > now) {
            return Err(Answer::ClockBack { last: last.time });
        }
        let line = self.key.cosign(&signed.text, now);
        let mut note = signed;
        note.signatures.push(line.clone());
        Ok((Record { checkpoint, time: now, note }, line))
    }
}

/// Whether a line is this log key's, and holds.
fn signed(key: &PublicKey, note: &Note, line: &SignatureLine) -> bool {
    line.name == key.vkey().name && line.id == key.id() && key.holds_strictly(note.text.as_bytes(), &line.signature)
}
