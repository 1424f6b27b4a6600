//! `verifier compare`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use schemas::carried::Carried;
use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::note::{Note, Vkey};
use schemas::policy::Policy;
use schemas::receipt::Receipt;
use schemas::value::Value;
use schemas::visible::Show as _;
use verifier::bundle::{Source as _, Unreadable};
use verifier::compare::{self, Known, Relation};
use verifier::files::Folder;
use verifier::head::{self, SignedHead};
use verifier::levels::Levels;
use verifier::mine::{self, Own};
use verifier::output::{self, Readers};
use verifier::pack::{self, PackReport};
use verifier::receipt;
use verifier::transit;

use super::read::{self, Kind};
use super::{CannotBegin, say};
use crate::print;

/// Longest file of one's own that is read, in bytes.
const OWN_BYTES_MAX: usize = 256 << 20;

/// Arguments of `compare`.
#[derive(Args)]
#[command(
    verbatim_doc_comment,
    after_help = "Examples:
  verifier compare last-year/checkpoint bundle --policy velmora.policy --evidence fork.jsonl
  verifier compare mine.pack theirs.pack --policy velmora.policy
  verifier compare --mine outbox cso-league.pack --policy velmora.policy
  verifier compare --mine outbox cso-league.pack --policy velmora.policy --carrier npm.chief-1.vkey

Two views of one log are either prefixes of one another, or its operator signed two histories. Then the
evidence convinces anyone who has the log's key: `verifier check fork.jsonl`. Of two checkpoints alone that
differ in size nothing can be said: let one of the two be a bundle, or a pack made with --since.

With --mine, a party's own outbox (events and receipts that it kept) is set against a pack about it."
)]
pub struct Compare {
    /// The first: a checkpoint, pack or bundle. With --mine: the pack.
    first: PathBuf,
    /// The second.
    #[arg(required_unless_present = "mine", conflicts_with = "mine")]
    second: Option<PathBuf>,
    /// Folder of one's own records: an outbox (its .jsonl files, and receipts below it).
    #[arg(long, value_name = "DIR")]
    mine: Option<PathBuf>,
    /// With --mine: key of somebody who carried your records in (vkey, or file with one). Its stamps count.
    #[arg(long = "carrier", value_name = "KEY", requires = "mine")]
    carriers: Vec<String>,
    /// With --mine: days after which a record counts as late.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    late: i64,
    /// Policy file that you hold from elsewhere.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Where to write the evidence, if there is a fork.
    #[arg(long, value_name = "FILE")]
    evidence: Option<PathBuf>,
}

/// One side of a comparison.
struct Side {
    head: SignedHead,
    levels: Option<Levels>,
    pack: Option<Box<PackReport>>,
}

impl Compare {
    /// Runs it; gives the exit code.
    pub fn run(self) -> Result<u8, CannotBegin> {
        let sides = std::iter::once(self.first.as_path()).chain(self.second.as_deref());
        let policy = read::policy_apart(&self.policy, &sides.collect::<Vec<_>>())?;
        match (&self.mine, &self.second) {
            (Some(folder), _) => self.mine(folder, &policy),
            (None, Some(second)) => self.two(second, &policy),
            (None, None) => Ok(2),
        }
    }

    fn two(&self, second: &Path, policy: &Policy) -> Result<u8, CannotBegin> {
        let (Some(a), Some(b)) = (side(&self.first, policy)?, side(second, policy)?) else {
            say("Cannot tell: one of the two does not verify by itself; `verifier check` says why.\n");
            return Ok(2);
        };
        let (old, new) = if a.head.checkpoint.size <= b.head.checkpoint.size { (&a, &b) } else { (&b, &a) };
        let since = new.pack.as_ref().and_then(|pack| pack.proof_since(old.head.checkpoint.size));
        let known = match (&new.levels, since) {
            (Some(levels), _) => Known::All(levels),
            (None, Some(proof)) => Known::Proof(proof),
            (None, None) => Known::Nothing,
        };
        let (small, large) = (&old.head.checkpoint, &new.head.checkpoint);
        for (path, side) in [(self.first.as_path(), &a), (second, &b)] {
            say(&print::head_lines(path, &side.head));
        }
        Ok(match compare::relation(&a.head, &b.head, known) {
            Relation::Same => {
                say("\nThe same: both show the same log at the same size.\n");
                0
            }
            Relation::Prefix => {
                let (from, to) = (small.size, large.size);
                say(&format!("\nOne history: the log at {from} entries is the beginning of the log at {to}.\n"));
                0
            }
            Relation::Fork(fork) => {
                let kept = match &self.evidence {
                    Some(path) => {
                        let bad = |e: std::io::Error| CannotBegin::File {
                            path: path.shown().to_string(),
                            why: e.to_string(),
                        };
                        output::write(path, fork.to_text().as_bytes(), Readers::Owner).map_err(bad)?;
                        format!("The evidence is in {}: it convinces anyone who has the log's key.", path.shown())
                    }
                    None => "Run it again with --evidence FILE, and give the file to everyone.".to_owned(),
                };
                say(&format!("\nProven: this log signed two histories, at size {}. {kept}\n", small.size));
                1
            }
            Relation::OtherLog => {
                say(&format!("\nCannot tell: {} and {} are different logs.\n", small.origin, large.origin));
                2
            }
            Relation::CannotTell => {
                say(&format!(
                    "\nCannot tell: to see whether the log at {} entries is the beginning of that at {}, the larger one \
                     must be a bundle, or a pack made with --since {}.\n",
                    small.size, large.size, small.size
                ));
                2
            }
        })
    }

    fn mine(&self, folder: &Path, policy: &Policy) -> Result<u8, CannotBegin> {
        let Kind::Pack(bytes) = read::kind(&self.first)? else {
            let why = "--mine compares with a pack".to_owned();
            return Err(CannotBegin::File { path: self.first.shown().to_string(), why });
        };
        let checked = transit::judge(transit::Kind::Pack, &bytes, |bytes| pack::check(bytes, policy, &[]));
        if checked.report.exit_code() != 0 {
            let words = print::pack(&checked);
            say(&print::text("pack", &checked.report, &self.first, &self.policy, None, &words));
            return Ok(checked.report.exit_code());
        }
        let Some(party) = checked.stream.split_once('/').map(|(_, party)| party.to_owned()) else { return Ok(2) };
        let carriers = read::auditors(&self.carriers)?;
        if let Some(own) = carriers.iter().find(|key| checked.report.is_of_the_log(key)) {
            let why =
                "it is a key of the log itself, which signs nothing else (FORMAT.md 9): its stamps are no carrier's";
            return Err(CannotBegin::File { path: own.to_string(), why: why.to_owned() });
        }
        let own: Vec<Own> =
            own(folder, policy, &carriers)?.into_iter().filter(|o| o.signed.event.by == party).collect();
        let found = mine::differences(&checked.records, &own, &party, self.late);
        let grave = found.iter().filter(|d| d.is_grave()).count();
        say(&print::head_lines(&self.first, checked.report.head.as_ref().expect("a verified pack has a head")));
        say(&format!(
            "\n{} events of your own, {} records in the pack about {}\n",
            own.len(),
            checked.records.len(),
            checked.stream
        ));
        for difference in &found {
            say(&format!("  {}\n", difference.to_string().shown()));
        }
        say(&match (grave, found.len()) {
            (0, 0) => "\nAll of yours is in the log, unaltered, and nothing else in your name.\n".to_owned(),
            (0, n) => format!("\nNothing altered or hidden; {n} things to look at.\n"),
            (grave, _) => format!(
                "\n{grave} of these are evidence against the log or its keys: keep the pack, your receipts and your outbox.\n"
            ),
        });
        Ok(u8::from(grave > 0))
    }
}

/// Reads one side, and checks it by itself.
fn side(path: &Path, policy: &Policy) -> Result<Option<Side>, CannotBegin> {
    // A fork shows in what the log's own key signed, whoever has witnessed it.
    let signed_only = Policy { quorum: None, ..policy.clone() };
    let (report, levels, pack) = match read::kind(path)? {
        Kind::Bundle(mut source) => {
            let (report, levels) = read::bundle_with_hashes(source.as_mut(), &signed_only);
            (report, Some(levels), None)
        }
        Kind::Pack(bytes) => {
            let checked = transit::judge(transit::Kind::Pack, &bytes, |bytes| pack::check(bytes, &signed_only, &[]));
            (checked.report.clone(), None, Some(Box::new(checked)))
        }
        Kind::Checkpoint(bytes) => {
            (transit::judge(transit::Kind::Checkpoint, &bytes, |bytes| head::check(bytes, &signed_only)), None, None)
        }
        Kind::Receipt(bytes) => {
            let check = |bytes: &[u8]| receipt::check(bytes, &signed_only);
            (transit::judge(transit::Kind::Receipt, &bytes, check).report, None, None)
        }
        Kind::Refusal(_) | Kind::Fork(_) => {
            let why = "it has no checkpoint to compare".to_owned();
            return Err(CannotBegin::File { path: path.shown().to_string(), why });
        }
    };
    // What the log signed counts, whatever happened around it on the way; that it did is said.
    for why in report.unknown.iter().filter(|_| !report.has_fault()) {
        say(&format!("{}: {why}\n", path.shown()));
    }
    let holds = !report.has_fault();
    Ok(report.head.filter(|_| holds).map(|head| Side { head, levels, pack }))
}

/// Events that a party has kept, and which of them it has receipts for.
/// Keys of carriers say whose stamps count.
fn own(folder: &Path, policy: &Policy, carriers: &[Vkey]) -> Result<Vec<Own>, CannotBegin> {
    let mut source = Folder::new(folder);
    let bad = |why: Unreadable| CannotBegin::File { path: why.path, why: why.why };
    let (mut events, mut receipts) = (Vec::new(), BTreeMap::<Hash, u64>::new());
    let mut stamps = BTreeMap::<Hash, Carried>::new();
    for path in source.paths().map_err(bad)? {
        let ending = Path::new(&path).extension().and_then(std::ffi::OsStr::to_str);
        let (receipt, stamped) = (ending == Some("tlog-proof"), ending == Some("stamp"));
        if !receipt && !stamped && ending != Some("jsonl") {
            continue;
        }
        let bytes = source.read(&path).map_err(bad)?.filter(|b| b.len() <= OWN_BYTES_MAX).unwrap_or_default();
        // One's own events, receipts and stamps are signed each: what an editor did around them is undone.
        let bytes = match transit::undo(&bytes) {
            Some(undone) => {
                say(&format!("{path}: changed on its way: {}; undone\n", transit::in_words(&undone.changes)));
                undone.bytes
            }
            None => bytes,
        };
        if receipt {
            let entry = receipt::check(&bytes, policy).entry;
            let shown = Receipt::parse(&String::from_utf8_lossy(&bytes)).ok();
            if let (Some(entry), Some(shown)) = (entry, shown) {
                receipts.insert(entry.signed.id(), shown.index);
            }
            continue;
        }
        if stamped {
            let stamp = Note::parse(&bytes).ok().and_then(|note| mine::stamp(&note, carriers));
            if let Some(stamp) = stamp.filter(|stamp| policy.logs.iter().any(|log| log.name == stamp.origin.as_str())) {
                // Of several the first counts: since then somebody was told.
                let first = stamps.entry(stamp.event).or_insert_with(|| stamp.clone());
                if stamp.at < first.at {
                    *first = stamp;
                }
            }
            continue;
        }
        for line in String::from_utf8_lossy(&bytes).lines() {
            let note = Value::parse(line.as_bytes()).ok();
            let note = note.as_ref().and_then(|json| json.get("event")).and_then(Value::as_text);
            if let Some(signed) = note.and_then(|note| SignedEvent::parse(note.as_bytes()).ok()) {
                events.push(signed);
            }
        }
    }
    if events.is_empty() {
        let why = "no signed events in it: give your outbox, the folder with 000001.jsonl".to_owned();
        return Err(CannotBegin::File { path: folder.shown().to_string(), why });
    }
    let own = |signed: SignedEvent| {
        let id = signed.id();
        let carried = stamps.get(&id).map(|stamp| (stamp.carrier.clone(), stamp.at));
        Own { receipted: receipts.get(&id).copied(), carried, signed }
    };
    Ok(events.into_iter().map(own).collect())
}
