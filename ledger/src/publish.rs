//! What is published: the newest checkpoint that the policy's witnesses have seen.
//!
//! The writer signs a checkpoint with every commit, but only a published one leaves the house: in a
//! bundle, a receipt, a pack. So nobody is handed a history that a quorum of witnesses has not seen.
//! With `quorum none` every signed checkpoint is published at once.

use std::fmt;

use schemas::checkpoint::Checkpoint;
use schemas::hash::Hash;
use schemas::note::{Note, Origin};
use schemas::policy::Policy;
use schemas::time::Timestamp;
use verifier::head::check_head;
use verifier::levels::Levels;
use verifier::tree::empty_root;

use crate::anchor::ANCHOR_BYTES_MAX;
use crate::clock::Clock;
use crate::failure::{Damage, Failure};
use crate::files;
use crate::keys;
use crate::testimony::{self, Contradiction, Kind, Testimony};
use crate::witness::{Against, Asked, Panel, Silence};
use crate::writer::{Home, Writer, checkpoint_name};

/// Longest policy file, in bytes.
const POLICY_BYTES_MAX: usize = 1 << 20;
/// Checkpoints that are looked through for a published one, from the newest back.
const SEARCH_MAX: usize = 4096;

/// Entries that are in the log and not published: who has not cosigned them, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub entries: u64,
    /// When the first of them was received.
    pub since: Timestamp,
    /// Witnesses whose cosignature is missing.
    pub silent: Vec<(String, Silence)>,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, verb) = if self.entries == 1 { ("entry", "waits") } else { ("entries", "wait") };
        write!(f, "{} {word} since {} {verb} for a witness: ", self.entries, self.since)?;
        for (number, (name, why)) in self.silent.iter().enumerate() {
            write!(f, "{}{name} ({why})", if number == 0 { "" } else { ", " })?;
        }
        f.write_str("; ask again with `ledger publish`")
    }
}

/// What is published of a log, and what waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The newest checkpoint that reaches the policy's quorum, with its cosignatures.
    pub published: Option<Note>,
    /// Entries under it.
    pub size: u64,
    /// Entries beyond it.
    pub waiting: Option<Waiting>,
    /// Witnesses who did not cosign although the quorum is reached without them.
    pub missing: Vec<(String, Silence)>,
}

/// The policy's text as it is handed to whoever verifies the log.
///
/// # Errors
/// [`Failure::Policy`], [`Failure::Io`].
pub fn policy_text(writer: &Writer) -> Result<String, Failure> {
    let path = writer.home().policy();
    let lost = || Failure::Lost {
        path: path.clone(),
        what: "the policy, which says what witnesses must have seen before anyone is handed it, is gone".to_owned(),
        way_out: "put its copy back (everyone who verifies the log has one, and each bundle), or set it with `ledger \
                  witness LEDGER --policy FILE`",
    };
    let bytes = files::read(&path, POLICY_BYTES_MAX)?.ok_or_else(lost)?;
    String::from_utf8(bytes).map_err(|_| Failure::Policy { path, why: "not UTF-8".to_owned() })
}

/// The policy of a ledger; without a file of its own nobody must cosign.
///
/// # Errors
/// [`Failure::Policy`], [`Failure::Io`].
pub fn policy(writer: &Writer) -> Result<Policy, Failure> {
    let bad = |why: String| Failure::Policy { path: writer.home().policy(), why };
    Policy::parse(&policy_text(writer)?).map_err(|e| bad(e.to_string()))
}

/// The witnesses of a ledger's policy, over HTTP.
///
/// # Errors
/// [`Failure::Policy`], [`Failure::Io`].
pub fn panel(writer: &Writer) -> Result<Panel, Failure> {
    let bad = |why: String| Failure::Policy { path: writer.home().policy(), why };
    Panel::over_http(policy(writer)?).map_err(|e| bad(e.to_string()))
}

/// Asks all witnesses what they have seen of this log, before it is added to; what is said against it ends that. Gives
/// back who did not say, and why.
///
/// # Errors
/// [`Failure::Contradicted`] if one has seen more, or another history; [`Failure::Unheard`] if those who answer are no
/// quorum, unless it goes on `without` them.
pub fn hear(writer: &mut Writer, panel: &mut Panel, now: Timestamp, without: bool) -> Result<Vec<String>, Failure> {
    if panel.is_empty() {
        return Ok(Vec::new());
    }
    let newest = newest(writer)?;
    let received_at = writer.log().last_received().unwrap_or(now);
    let known = panel.hear(&newest, &|old, size| prove(writer, old, size), received_at, now);
    if let Some(against) = known.against.first() {
        return Err(contradicted(writer, against));
    }
    let said = |(name, why): &(String, Silence)| format!("witness {name}: {why}");
    let silent: Vec<String> = known.silent.iter().map(said).collect();
    let agreed: Vec<&str> = known.agreed.iter().map(String::as_str).collect();
    if !without && !panel.policy().quorum_reached(&agreed) {
        return Err(Failure::Unheard { path: writer.home().folder().to_owned(), who: silent.join("; ") });
    }
    if known.note != newest {
        let reached = panel.policy().quorum_reached(&panel.seen(&known.note).0);
        let policy = panel.policy().clone();
        take(writer, &policy, &Asked { note: known.note, reached, silent: known.silent })?;
    }
    Ok(silent)
}

/// Asks the witnesses of a policy that lies in the folder of a ledger that is about to begin, where its keys are there
/// already: keys that were used before have signed another log.
///
/// # Errors
/// As [`hear`].
pub fn before_genesis(home: &Home, origin: &Origin, without: bool) -> Result<(), Failure> {
    let Ok(key) = keys::read(&home.log_key()) else { return Ok(()) };
    let Some(bytes) = files::read(&home.policy(), POLICY_BYTES_MAX)? else { return Ok(()) };
    let bad = |why: String| Failure::Policy { path: home.policy(), why };
    let policy = Policy::parse(&String::from_utf8_lossy(&bytes)).map_err(|e| bad(e.to_string()))?;
    let mut panel = Panel::over_http(policy).map_err(|e| bad(e.to_string()))?;
    if panel.is_empty() || home.begun().exists() {
        return Ok(());
    }
    // The tree of no entries: every witness that has seen one knows more.
    let text = Checkpoint { origin: origin.clone(), size: 0, root: empty_root() }.to_text();
    let note = Note { signatures: vec![key.sign(&text)], text };
    let now = Clock::System.now();
    let known = panel.hear(&note, &|_, _| Vec::new(), now, now);
    if let Some(against) = known.against.first() {
        return Err(contradicted_at(home, (&Levels::default(), None), against));
    }
    let agreed: Vec<&str> = known.agreed.iter().map(String::as_str).collect();
    if !without && !panel.policy().quorum_reached(&agreed) {
        let said: Vec<String> = known.silent.iter().map(|(name, why)| format!("witness {name}: {why}")).collect();
        return Err(Failure::Unheard { path: home.folder().to_owned(), who: said.join("; ") });
    }
    Ok(())
}

/// What a witness says against this log, with the evidence kept.
pub(crate) fn contradicted(writer: &Writer, against: &Against) -> Failure {
    contradicted_at(writer.home(), (&writer.levels(), Some(writer.head())), against)
}

/// The same for a log that is not open.
pub(crate) fn contradicted_at(home: &Home, (levels, head): (&Levels, Option<&Note>), against: &Against) -> Failure {
    let Against { name, why, bytes } = against;
    let (size, differs) = why.against().unwrap_or_default();
    if let (Some(key), Some(bytes)) = (testimony::own_key(home), bytes)
        && let Some((_, checkpoint)) = testimony::signed(&key, bytes)
    {
        let told = Testimony { kind: Kind::Witness, place: name.clone(), checkpoint, bytes: bytes.clone() };
        return told.contradicts(home, &key, (levels, head), differs);
    }
    let text = format!("witness {name}: {why}\n");
    let evidence = testimony::keep(home, "witness", "txt", text.as_bytes()).into_iter().collect();
    let (folder, place, own) = (home.folder().to_owned(), name.clone(), levels.size());
    Failure::Contradicted(Box::new(Contradiction { folder, kind: Kind::Witness, place, size, own, differs, evidence }))
}

/// What time the witnesses of a ledger have, by name; of those that answer. The ledger may be served meanwhile.
///
/// # Errors
/// [`Failure::Policy`], [`Failure::Io`].
pub fn times(home: &Home) -> Result<Vec<(String, Timestamp)>, Failure> {
    let Some(bytes) = files::read(&home.policy(), POLICY_BYTES_MAX)? else { return Ok(Vec::new()) };
    let bad = |why: String| Failure::Policy { path: home.policy(), why };
    let policy = Policy::parse(&String::from_utf8_lossy(&bytes)).map_err(|e| bad(e.to_string()))?;
    Ok(Panel::over_http(policy).map_err(|e| bad(e.to_string()))?.times())
}

/// The published checkpoint: what bundles, receipts and packs are made under.
///
/// # Errors
/// [`Failure::Unpublished`] if no witness has seen any; else what reading says.
pub fn head(writer: &Writer) -> Result<(Checkpoint, Note), Failure> {
    let policy = policy(writer)?;
    let found = published(writer, &policy)?;
    let unpublished = || Failure::Unpublished(Box::new(waiting(writer, 0, names(&policy))));
    let note = found.ok_or_else(unpublished)?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|_| unlike(writer.home()))?;
    Ok((checkpoint, note))
}

/// What is published and what waits, without asking anybody.
///
/// # Errors
/// What reading says.
pub fn look(writer: &Writer) -> Result<Publication, Failure> {
    let policy = policy(writer)?;
    let bad = |why: String| Failure::Policy { path: writer.home().policy(), why };
    let panel = Panel::new(policy.clone(), |_| None).map_err(|e| bad(e.to_string()))?;
    let newest = newest(writer)?;
    let silent = panel.seen(&newest).1.into_iter().map(|name| (name.to_owned(), Silence::NotAsked)).collect();
    publication(writer, &policy, silent)
}

/// Asks all witnesses whose cosignature the newest checkpoint lacks, and keeps what they answer.
///
/// # Errors
/// [`Failure`] if something cannot be read or kept; a witness that does not answer is no failure.
pub fn publish(writer: &mut Writer, panel: &mut Panel, now: Timestamp) -> Result<Publication, Failure> {
    let policy = panel.policy().clone();
    if panel.is_empty() {
        return publication(writer, &policy, Vec::new());
    }
    if let Some(note) = published(writer, &policy)?
        && let Ok(checkpoint) = Checkpoint::parse(&note.text)
    {
        panel.learn(&checkpoint, &note);
    }
    let asked = ask(writer, panel, now)?;
    keep(writer, &policy, &asked)?;
    publication(writer, &policy, asked.silent)
}

/// Makes of what witnesses answered a failure where one of them contradicts this log, with the evidence kept.
///
/// # Errors
/// [`Failure::Contradicted`].
pub fn insist(writer: &Writer, panel: &mut Panel, found: &Publication) -> Result<(), Failure> {
    let waiting = found.waiting.iter().flat_map(|waiting| &waiting.silent);
    match waiting.chain(&found.missing).find(|(_, why)| why.contradicts()) {
        Some((name, why)) => {
            let against = Against { name: name.clone(), why: why.clone(), bytes: panel.last(name) };
            Err(contradicted(writer, &against))
        }
        None => Ok(()),
    }
}

/// Asks for the newest checkpoint and hands what comes to the writer, which keeps it with its next
/// commit: for a replay, where the next commit follows at once.
///
/// # Errors
/// What reading says.
pub fn ask(writer: &mut Writer, panel: &mut Panel, now: Timestamp) -> Result<Asked, Failure> {
    let newest = newest(writer)?;
    let received_at = writer.log().last_received().unwrap_or(now);
    let asked = panel.ask(&newest, &|old, size| prove(writer, old, size), received_at, now);
    if asked.note != newest {
        let size = writer.log().size();
        writer.cosigned(size, &asked.note);
    }
    Ok(asked)
}

/// The consistency proof that a witness is shown.
pub(crate) fn prove(writer: &Writer, old: u64, size: u64) -> Vec<Hash> {
    writer.levels().consistency(old, size).unwrap_or_default()
}

/// Keeps what witnesses answered; true if the checkpoint is published now.
///
/// # Errors
/// [`Failure`] if it cannot be kept.
pub(crate) fn take(writer: &mut Writer, policy: &Policy, asked: &Asked) -> Result<bool, Failure> {
    let Ok(checkpoint) = Checkpoint::parse(&asked.note.text) else { return Ok(false) };
    writer.cosigned(checkpoint.size, &asked.note);
    keep(writer, policy, asked)
}

/// Writes the cosigned checkpoint that was handed to the writer, and publishes it if it reaches the quorum.
fn keep(writer: &mut Writer, policy: &Policy, asked: &Asked) -> Result<bool, Failure> {
    writer.keep_cosigned()?;
    let published = asked.reached && policy.quorum.is_some();
    if published {
        files::replace(&writer.home().published(), asked.note.to_text().as_bytes())?;
    }
    Ok(published)
}

fn publication(writer: &Writer, policy: &Policy, silent: Vec<(String, Silence)>) -> Result<Publication, Failure> {
    let published = published(writer, policy)?;
    let size = published.as_ref().and_then(|n| Checkpoint::parse(&n.text).ok()).map_or(0, |c| c.size);
    if size == writer.log().size() {
        return Ok(Publication { published, size, waiting: None, missing: silent });
    }
    let waiting = Some(waiting(writer, size, silent));
    Ok(Publication { published, size, waiting, missing: Vec::new() })
}

fn waiting(writer: &Writer, size: u64, silent: Vec<(String, Silence)>) -> Waiting {
    let first = writer.entry(size).ok().flatten();
    let first = first.and_then(|bytes| schemas::entry::Entry::parse(&bytes).ok()).map(|entry| entry.received_at);
    let since = first.or(writer.log().last_received()).unwrap_or(Timestamp::from_unix(0));
    Waiting { entries: writer.log().size() - size, since, silent }
}

fn names(policy: &Policy) -> Vec<(String, Silence)> {
    policy.witnesses.iter().map(|(name, _)| (name.clone(), Silence::NotAsked)).collect()
}

/// The newest signed checkpoint with the cosignatures that it has.
fn newest(writer: &Writer) -> Result<Note, Failure> {
    let stored = writer.store().note(&checkpoint_name(writer.log().size()))?;
    let stored = stored.and_then(|bytes| Note::parse(&bytes).ok()).filter(|note| note.text == writer.head().text);
    Ok(stored.unwrap_or_else(|| writer.head().clone()))
}

/// The newest checkpoint that reaches the quorum: from its file, else from what the store keeps.
fn published(writer: &Writer, policy: &Policy) -> Result<Option<Note>, Failure> {
    if policy.quorum.is_none() {
        return newest(writer).map(Some);
    }
    let newest = newest(writer)?;
    let file = files::read(&writer.home().published(), ANCHOR_BYTES_MAX)?;
    for bytes in [Some(newest.to_text().into_bytes()), file].into_iter().flatten() {
        if let Some(note) = accepted(writer, policy, &bytes) {
            return Ok(Some(note));
        }
    }
    // A restored ledger, or one with a new policy: look for it among all that were kept.
    for (_, bytes) in writer.store().notes("checkpoint/")?.into_iter().rev().take(SEARCH_MAX) {
        if let Some(note) = accepted(writer, policy, &bytes) {
            return Ok(Some(note));
        }
    }
    Ok(None)
}

/// The note, if it is a checkpoint of this very log that the policy accepts.
fn accepted(writer: &Writer, policy: &Policy, bytes: &[u8]) -> Option<Note> {
    let head = check_head(bytes, policy).ok()?;
    let checkpoint = &head.get().checkpoint;
    let own = checkpoint.origin == *writer.log().origin()
        && writer.levels().root(checkpoint.size).is_ok_and(|root| root == checkpoint.root);
    own.then(|| head.get().note.clone())
}

fn unlike(home: &Home) -> Failure {
    Failure::Damaged { path: home.published(), damage: Damage::Unlike { what: "last checkpoint" }, known: None }
}
