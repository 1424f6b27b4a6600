//! Asking witnesses: who they are, how each is reached, what each said. C2SP tlog-witness.
//!
//! A witness is whatever answers [`Witness::add_checkpoint`]: a server ([`http`]) or a ratchet in
//! this process ([`local`]). What it answers is believed only if a line by the key that the policy
//! names holds, and its time is one that will not accuse the log (FORMAT.md 10.5).

pub mod http;
pub mod local;

use std::sync::{Arc, Mutex};

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{Note, Origin, SignatureLine};
use schemas::policy::Policy;
use schemas::time::Timestamp;
use verifier::signature::{BadKey, PublicKey};
use verifier::witness::answer::{BadReply, Reply};
use verifier::witness::request::Request;

use crate::witness::http::HttpWitness;

/// How far a witness's clock may be from the ledger's, in seconds. FORMAT.md 10.5.
pub const CLOCK_SECONDS: i64 = 300;
/// Requests to one witness for one checkpoint: its answer tells the size it knows, once or twice.
const TRIES: usize = 3;

/// Status of an answer to a proof that does not lead to the tree that the witness knows. C2SP tlog-witness.
const INCONSISTENT: u16 = 422;

/// What a witness answered, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Content type.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

/// Someone who can be asked to cosign.
pub trait Witness: Send {
    /// Asks once. `now` is the ledger's time, for a witness that has no clock of its own.
    ///
    /// # Errors
    /// [`Silence::Unreachable`] or [`Silence::Late`] if no answer came.
    fn add_checkpoint(&mut self, request: &Request, now: Timestamp) -> Result<Response, Silence>;

    /// The checkpoint that it cosigned last, where it shows that; nothing of it is believed.
    fn last(&mut self, _origin: &Origin) -> Option<Vec<u8>> {
        None
    }

    /// What time it shows, where it has a clock that can be asked.
    fn time(&mut self) -> Option<Timestamp> {
        None
    }
}

impl<W: Witness> Witness for Arc<Mutex<W>> {
    fn add_checkpoint(&mut self, request: &Request, now: Timestamp) -> Result<Response, Silence> {
        match self.lock() {
            Ok(mut witness) => witness.add_checkpoint(request, now),
            Err(_) => Err(Silence::Unreachable("an earlier question to it failed".to_owned())),
        }
    }

    fn last(&mut self, origin: &Origin) -> Option<Vec<u8>> {
        self.lock().ok()?.last(origin)
    }

    fn time(&mut self) -> Option<Timestamp> {
        self.lock().ok()?.time()
    }
}

/// Why a witness's cosignature is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// The policy gives no address.
    #[error("the policy gives no address for it")]
    NoAddress,
    /// It was not asked by this command.
    #[error("not asked now")]
    NotAsked,
    /// No connection, or it broke.
    #[error("not reached: {0}")]
    Unreachable(String),
    /// It did not answer in time.
    #[error("no answer within {seconds} s")]
    Late {
        /// How long it was waited for.
        seconds: u64,
    },
    /// It refused.
    #[error("it answered {status}: {words}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words, shortened.
        words: String,
    },
    /// What it answered is none.
    #[error(transparent)]
    Garbage(#[from] BadReply),
    /// No line by its key holds.
    #[error("it answered lines, but none by its key {key} holds")]
    NotSigned {
        /// Its key.
        key: String,
    },
    /// It has seen more of this log than there is.
    #[error(
        "it has cosigned {known} entries of this log, which has {size}: this is an old copy of the ledger; stop, and restore the newest"
    )]
    Ahead {
        /// What it knows.
        known: u64,
        /// Entries under the checkpoint.
        size: u64,
    },
    /// It has seen another tree of this size.
    #[error(
        "it has cosigned another tree of {size} entries: this log has two histories; stop, and find out who holds its key"
    )]
    OtherTree {
        /// The size.
        size: u64,
    },
    /// What it has seen is no prefix of what there is.
    #[error(
        "the {size} entries that it has cosigned are not the first of this log: it has two histories; stop, and find out who holds its key"
    )]
    Unlike {
        /// What it knows.
        size: u64,
    },
    /// The log's last entry lies beyond the machine's own clock.
    #[error(
        "not by its fault: the last entry was received at {last}, and this machine's clock says {now}: until then a cosignature \
         would accuse the log; if the clock is wrong, set it; if the entry is, see \"A clock that was wrong\" in KEYS.md"
    )]
    Future {
        /// When the last entry was received.
        last: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// Its clock is wrong: its cosignature would accuse the log, or prove nothing.
    #[error("its clock is {seconds} s {} this machine's, and one of the two is wrong: its cosignature was not taken", if *.ahead { "ahead of" } else { "behind" })]
    Clock {
        /// By how much.
        seconds: u64,
        /// In which direction.
        ahead: bool,
    },
    /// It names one size after another.
    #[error("it names another size each time it is asked")]
    Unsteady,
}

impl Silence {
    /// Whether it says that this log has another history, or a longer one.
    pub fn contradicts(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::OtherTree { .. } | Self::Unlike { .. })
    }

    /// Entries of which a contradiction speaks, and whether it is of another history.
    pub fn against(&self) -> Option<(u64, bool)> {
        match self {
            Self::Ahead { known, .. } => Some((*known, false)),
            Self::OtherTree { size } | Self::Unlike { size } => Some((*size, true)),
            _ => None,
        }
    }
}

/// Gives the consistency proof from one size of the log to another; an empty one where there is none.
pub type Prove<'a> = dyn Fn(u64, u64) -> Vec<Hash> + Sync + 'a;

/// One witness of the policy.
struct Member {
    name: String,
    key: PublicKey,
    way: Option<Box<dyn Witness>>,
    /// Size that it cosigned last, as far as this ledger knows.
    known: u64,
}

/// All witnesses of a policy.
pub struct Panel {
    policy: Policy,
    members: Vec<Member>,
}

/// What asking the panel came to.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The checkpoint with all cosignatures that it has now.
    pub note: Note,
    /// Whether they reach the policy's quorum.
    pub reached: bool,
    /// The others, in the policy's order.
    pub silent: Vec<(String, Silence)>,
}

/// A witness that contradicts the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Against {
    /// Its name in the policy.
    pub name: String,
    /// What it said.
    pub why: Silence,
    /// The checkpoint that it cosigned last, where it shows it.
    pub bytes: Option<Vec<u8>>,
}

/// What a panel that was asked what it knows said.
#[derive(Clone, Debug)]
pub struct Known {
    /// The checkpoint with the cosignatures that came.
    pub note: Note,
    /// Those who know the log as it is, or a prefix of it.
    pub agreed: Vec<String>,
    /// Those who did not say.
    pub silent: Vec<(String, Silence)>,
    /// Those who contradict.
    pub against: Vec<Against>,
}

impl Panel {
    /// The witnesses of a policy, each reached as `way` says; nobody if it names none.
    ///
    /// # Errors
    /// [`BadKey`] if a witness's key cannot be taken.
    pub fn new(policy: Policy, mut way: impl FnMut(&str) -> Option<Box<dyn Witness>>) -> Result<Self, BadKey> {
        let mut members = Vec::new();
        for (name, vkey) in &policy.witnesses {
            let key = PublicKey::new(vkey)?;
            members.push(Member { way: way(name), name: name.clone(), key, known: 0 });
        }
        Ok(Self { policy, members })
    }

    /// The witnesses of a policy over HTTP, at the addresses that it gives.
    ///
    /// # Errors
    /// [`BadKey`] if a witness's key cannot be taken.
    pub fn over_http(policy: Policy) -> Result<Self, BadKey> {
        let addresses = policy.addresses.clone();
        Self::new(policy, |name| {
            let address = addresses.get(name)?;
            Some(Box::new(HttpWitness::new(address)) as Box<dyn Witness>)
        })
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether there is nobody to ask.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Learns from a checkpoint with cosignatures what each witness has seen, which spares a question.
    pub fn learn(&mut self, checkpoint: &Checkpoint, note: &Note) {
        for member in &mut self.members {
            if note.signatures.iter().any(|line| member.key.cosigned_at(&note.text, line).is_some()) {
                member.known = member.known.max(checkpoint.size);
            }
        }
    }

    /// Names of those whose cosignature the note bears, and of those whose it does not.
    pub fn seen<'a>(&'a self, note: &Note) -> (Vec<&'a str>, Vec<&'a str>) {
        let has = |m: &&Member| note.signatures.iter().any(|line| m.key.cosigned_at(&note.text, line).is_some());
        let (seen, not): (Vec<&Member>, Vec<&Member>) = self.members.iter().partition(has);
        let names = |members: Vec<&'a Member>| members.into_iter().map(|m| m.name.as_str()).collect();
        (names(seen), names(not))
    }

    /// Asks every witness what it has seen of the log, whoever has cosigned its newest checkpoint before. The question is
    /// whether the checkpoint may follow itself: a witness that knows another size answers that size and moves nowhere;
    /// one that is behind is then shown the way, as with every checkpoint.
    pub fn hear(&mut self, note: &Note, prove: &Prove<'_>, received_at: Timestamp, now: Timestamp) -> Known {
        let mut known = Known { note: note.clone(), agreed: Vec::new(), silent: Vec::new(), against: Vec::new() };
        let Ok(checkpoint) = Checkpoint::parse(&note.text) else { return known };
        let plain = plain(note, &self.members);
        let question = Question { checkpoint: &checkpoint, note: &plain, prove, received_at, now };
        let answers: Vec<_> = std::thread::scope(|scope| {
            let asked: Vec<_> = self.members.iter_mut().map(|member| scope.spawn(|| member.hear(&question))).collect();
            let gone = || (Err(Silence::Unreachable("asking it failed".to_owned())), None);
            asked.into_iter().map(|thread| thread.join().unwrap_or_else(|_| gone())).collect()
        });
        for (member, (answer, bytes)) in self.members.iter().zip(answers) {
            let name = member.name.clone();
            match answer {
                Ok(line) => {
                    let has = |line: &SignatureLine| member.key.cosigned_at(&note.text, line).is_some();
                    if !note.signatures.iter().any(has) {
                        known.note.signatures.push(line);
                    }
                    known.agreed.push(name);
                }
                // It cosigned, so it agrees; only its time is not taken.
                Err(Silence::Clock { .. } | Silence::Future { .. }) => known.agreed.push(name),
                Err(why) if why.contradicts() => known.against.push(Against { name, why, bytes }),
                Err(why) => known.silent.push((name, why)),
            }
        }
        known
    }

    /// The checkpoint that a witness cosigned last, where it shows it.
    pub fn last(&mut self, name: &str) -> Option<Vec<u8>> {
        let origin = Origin::parse(&self.policy.logs.first()?.name)?;
        self.members.iter_mut().find(|member| member.name == name)?.way.as_mut()?.last(&origin)
    }

    /// What each witness's clock shows, by name; of those whose clock can be asked.
    pub fn times(&mut self) -> Vec<(String, Timestamp)> {
        self.members.iter_mut().filter_map(|m| Some((m.name.clone(), m.way.as_mut()?.time()?))).collect()
    }

    /// Asks all whose cosignature is still missing, at once. `prove` gives consistency proofs from one size to
    /// another, and is asked only when a witness is; `received_at` is when the last entry under the checkpoint was
    /// received. While they are asked, over the network, nothing of the ledger is held.
    pub fn ask(&mut self, note: &Note, prove: &Prove<'_>, received_at: Timestamp, now: Timestamp) -> Asked {
        let mut note = note.clone();
        let Ok(checkpoint) = Checkpoint::parse(&note.text) else {
            return Asked { note, reached: false, silent: Vec::new() };
        };
        let plain = plain(&note, &self.members);
        let question = Question { checkpoint: &checkpoint, note: &plain, prove, received_at, now };
        let has = |m: &Member| note.signatures.iter().any(|line| m.key.cosigned_at(&note.text, line).is_some());
        let missing: Vec<&mut Member> = self.members.iter_mut().filter(|m| !has(m)).collect();
        let answers: Vec<(String, Result<SignatureLine, Silence>)> = std::thread::scope(|scope| {
            let asked: Vec<_> = missing
                .into_iter()
                .map(|member| (member.name.clone(), scope.spawn(|| member.ask(&question))))
                .collect();
            let gone = || Err(Silence::Unreachable("asking it failed".to_owned()));
            asked.into_iter().map(|(name, thread)| (name, thread.join().unwrap_or_else(|_| gone()))).collect()
        });
        let mut silent = Vec::new();
        for (name, answer) in answers {
            match answer {
                Ok(line) => note.signatures.push(line),
                Err(why) => silent.push((name, why)),
            }
        }
        let reached = self.policy.quorum_reached(&self.seen(&note).0);
        Asked { note, reached, silent }
    }
}

/// The note without the witnesses' lines: what each is asked to cosign.
fn plain(note: &Note, members: &[Member]) -> Note {
    let signatures = note
        .signatures
        .iter()
        .filter(|line| !members.iter().any(|m| m.key.vkey().name == line.name && m.key.id() == line.id));
    Note { text: note.text.clone(), signatures: signatures.cloned().collect() }
}

struct Question<'a> {
    checkpoint: &'a Checkpoint,
    note: &'a Note,
    prove: &'a Prove<'a>,
    received_at: Timestamp,
    now: Timestamp,
}

impl Member {
    fn ask(&mut self, question: &Question<'_>) -> Result<SignatureLine, Silence> {
        let size = question.checkpoint.size;
        self.ask_from(if self.known <= size { self.known } else { 0 }, question)
    }

    /// What it knows; where it contradicts, also what it shows of that.
    fn hear(&mut self, question: &Question<'_>) -> (Result<SignatureLine, Silence>, Option<Vec<u8>>) {
        let answer = self.ask_from(question.checkpoint.size, question);
        let contradicts = answer.as_ref().is_err_and(Silence::contradicts);
        let way = self.way.as_mut().filter(|_| contradicts);
        (answer, way.and_then(|way| way.last(&question.checkpoint.origin)))
    }

    fn ask_from(&mut self, mut old: u64, question: &Question<'_>) -> Result<SignatureLine, Silence> {
        let way = self.way.as_mut().ok_or(Silence::NoAddress)?;
        let size = question.checkpoint.size;
        for _ in 0..TRIES {
            let proof = (question.prove)(old, size);
            if proof.is_empty() && old != 0 && old != size {
                return Err(Silence::NotAsked); // nobody is there any more who could prove it
            }
            let request = Request { old, proof, note: question.note.clone() };
            let response = way.add_checkpoint(&request, question.now)?;
            match Reply::parse(response.status, &response.content_type, &response.body)? {
                Reply::Cosigned(lines) => {
                    let line = self.take(&lines, question)?;
                    self.known = size;
                    return Ok(line);
                }
                Reply::Size(known) if known > size => return Err(Silence::Ahead { known, size }),
                Reply::Size(known) if known == old => return Err(Silence::OtherTree { size: known }),
                Reply::Size(known) => old = known,
                // The proof is right, so what it holds it against is another tree.
                Reply::Refused { status: INCONSISTENT, .. } if old > 0 => return Err(Silence::Unlike { size: old }),
                Reply::Refused { status, words } => return Err(Silence::Refused { status, words }),
            }
        }
        Err(Silence::Unsteady)
    }

    /// The line that holds, if its time is right; lines by others are not looked at.
    fn take(&self, lines: &[SignatureLine], question: &Question<'_>) -> Result<SignatureLine, Silence> {
        let text = &question.note.text;
        let held = lines.iter().find_map(|line| Some((line, self.key.cosigned_at(text, line)?)));
        let (line, time) = held.ok_or_else(|| Silence::NotSigned { key: self.key.vkey().to_string() })?;
        let time = i64::try_from(time).unwrap_or(i64::MAX);
        let (now, received_at) = (question.now.unix(), question.received_at.unix());
        if received_at.saturating_sub(now) > CLOCK_SECONDS {
            return Err(Silence::Future { last: question.received_at, now: question.now });
        }
        let behind = now.max(received_at).saturating_sub(time);
        let ahead = time.saturating_sub(now);
        for (seconds, ahead) in [(behind, false), (ahead, true)] {
            if seconds > CLOCK_SECONDS {
                return Err(Silence::Clock { seconds: seconds.unsigned_abs(), ahead });
            }
        }
        Ok(line.clone())
    }
}
