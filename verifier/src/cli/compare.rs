//! `verifier compare`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::Args;
use schemas::carried::Carried;
use schemas::event::SignedEvent;
use schemas::hash::Hash;
use schemas::note::{Note, Vkey};
use schemas::policy::Policy;
use schemas::strays;
use schemas::value::Value;
use schemas::visible::Show as _;
use verifier::bundle::{Source as _, Unreadable};
use verifier::compare::{self, Known, Relation};
use verifier::files::Folder;
use verifier::head::{self, SignedHead};
use verifier::levels::Levels;
use verifier::mine::{self, Asked, Compared, Own, Weight};
use verifier::output::{self, Readers};
use verifier::pack::{self, PackReport};
use verifier::receipt;
use verifier::report::{self, Report};
use verifier::transit;

use super::read::{self, Kind};
use super::{CannotBegin, say};
use crate::print;

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

With --mine, a party's own outbox (events and receipts that it kept) is set against packs about it: all packs and
all folders that you have, together. 0: all of yours is there, unaltered; 1: evidence of a lie; 2: what is missing,
or signed with your keys elsewhere, may be honest: each is named, with what settles it."
)]
pub struct Compare {
    /// Two checkpoints, packs or bundles. With --mine: one pack or more.
    #[arg(required = true, value_name = "FILE")]
    views: Vec<PathBuf>,
    /// Folder of one's own records: an outbox (its .jsonl files, and receipts below it). Again for each machine.
    #[arg(long, value_name = "DIR")]
    mine: Vec<PathBuf>,
    /// With --mine: whose records in these folders are yours, where they hold those of several parties.
    #[arg(long, value_name = "PARTY", requires = "mine")]
    party: Option<String>,
    /// With --mine: no key is yours but those that signed what is in these folders. A record in your name by another is
    /// a lie then.
    #[arg(long, requires = "mine")]
    no_other_keys: bool,
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
    /// Why nothing can be told of it by itself: its way changed it, say. What the log signed convicts it all the same.
    unclear: Option<String>,
}

impl Compare {
    /// Runs it; gives the exit code.
    pub fn run(self) -> Result<u8, CannotBegin> {
        let views: Vec<&Path> = self.views.iter().map(PathBuf::as_path).collect();
        let policy = read::policy_apart(&self.policy, &views)?;
        match (self.mine.is_empty(), views.as_slice()) {
            (false, packs) => self.mine(packs, &policy),
            (true, [first, second]) => self.two(first, second, &policy),
            (true, _) => {
                let why = "give two to compare, or one pack or more with --mine".to_owned();
                Err(CannotBegin::File { path: self.views[0].shown().to_string(), why })
            }
        }
    }

    fn two(&self, first: &Path, second: &Path, policy: &Policy) -> Result<u8, CannotBegin> {
        let (Some(a), Some(b)) = (side(first, policy)?, side(second, policy)?) else {
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
        for (path, side) in [(first, &a), (second, &b)] {
            say(&print::head_lines(path, &side.head));
        }
        let relation = compare::relation(&a.head, &b.head, known);
        // What `verifier check` cannot tell of a file is not told here either; proof of a lie stands by its signatures.
        if matches!(relation, Relation::Same | Relation::Prefix) && (a.unclear.is_some() || b.unclear.is_some()) {
            let of = |path: &Path, side: &Side| side.unclear.as_ref().map(|why| format!("{}: {why}", path.shown()));
            let why: Vec<String> = [of(first, &a), of(second, &b)].into_iter().flatten().collect();
            say(&format!(
                "\nCannot tell: {}. As far as it can be read, the one is the beginning of the other.\n",
                why.join("; ").shown()
            ));
            return Ok(2);
        }
        Ok(match relation {
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

    fn mine(&self, paths: &[&Path], policy: &Policy) -> Result<u8, CannotBegin> {
        let mut packs = Vec::new();
        for path in paths {
            let Kind::Pack(bytes) = read::kind(path)? else {
                let why = "--mine compares with packs".to_owned();
                return Err(CannotBegin::File { path: path.shown().to_string(), why });
            };
            let checked = transit::judge(transit::Kind::Pack, &bytes, |bytes| pack::check(bytes, policy, &[]));
            if checked.report.exit_code() != 0 {
                let words = print::pack(&checked);
                say(&print::text("pack", &checked.report, path, &self.policy, None, &words));
                return Ok(checked.report.exit_code());
            }
            packs.push(checked);
        }
        let ledgers: BTreeSet<&str> =
            packs.iter().filter_map(|pack| Some(pack.report.head.as_ref()?.checkpoint.origin.as_str())).collect();
        if ledgers.len() > 1 {
            let all: Vec<&str> = ledgers.into_iter().collect();
            say(&format!("Cannot tell: the packs are of different logs: {}.\n", all.join(", ")));
            return Ok(2);
        }
        let carriers = read::auditors(&self.carriers)?;
        if let Some(own) = carriers.iter().find(|key| packs.iter().any(|pack| pack.report.is_of_the_log(key))) {
            let why =
                "it is a key of the log itself, which signs nothing else (FORMAT.md 9): its stamps are no carrier's";
            return Err(CannotBegin::File { path: own.to_string(), why: why.to_owned() });
        }
        let kept = Kept::read(&self.mine, policy, &carriers, &packs)?;
        let here = |own: &Own| ledgers.contains(own.signed.event.ledger.as_str());
        let is_mine = |own: &Own| here(own) && self.party.as_ref().is_none_or(|party| own.signed.event.by == *party);
        let (own, others): (Vec<Own>, Vec<Own>) = kept.own.into_iter().partition(is_mine);
        let asked = Asked { late_days: self.late, no_other_keys: self.no_other_keys };
        let compared = mine::compare(&packs, &own, asked);
        for (path, pack) in paths.iter().zip(&packs) {
            if let Some(head) = &pack.report.head {
                say(&print::head_lines(path, head));
            }
            say(&format!("  {} records about {}\n", pack.records.len(), pack.stream.shown()));
        }
        say(&format!(
            "\n{} events of your own, {} of them in what these packs are about\n",
            own.len(),
            compared.covered
        ));
        if !others.is_empty() {
            say(&format!(
                "{} events of other parties, or for other logs, in these folders: not looked at\n",
                others.len()
            ));
        }
        for difference in &compared.found {
            say(&format!("  {}\n", difference.to_string().shown()));
        }
        for mishap in &kept.mishaps {
            say(&format!("  damaged      {}\n", mishap.shown()));
        }
        for advice in compared.advice() {
            say(&format!("- {advice}\n"));
        }
        let (code, words) = verdict(&packs, own.len(), &compared, kept.mishaps.len());
        say(&format!("\n{}\n", words.shown()));
        Ok(code)
    }
}

/// Packs show what the index names.
const WHOLE: &str = "that the packs show all that the log has rests on the operator, until you check each beside the whole log \
                     (verifier check PACK --index BUNDLE)";

/// What is said at the end of a comparison with one's own, and its exit code.
fn verdict(packs: &[PackReport], own: usize, compared: &Compared, mishaps: usize) -> (u8, String) {
    let streams: Vec<&str> = packs.iter().map(|pack| pack.stream.as_str()).collect();
    let needed: Vec<String> = compared.elsewhere.iter().map(|(stream, count)| format!("{stream} ({count})")).collect();
    let (lies, unsettled) = (compared.of(Weight::Lie), compared.of(Weight::Unsettled));
    let looks = compared.of(Weight::Look);
    if lies > 0 {
        let keep = "keep the pack, your receipts and your outbox";
        return (
            1,
            format!("{lies} of these are evidence against the log, or against who signs in your name: {keep}."),
        );
    }
    if compared.covered == 0 {
        let what = if own == 0 {
            "none of these events is by the party given with --party".to_owned()
        } else {
            format!("no event of yours is in what it is about; ask for the pack about {}", needed.join(", "))
        };
        return (2, format!("Cannot tell: the pack is about {}: {what}.", streams.join(", ")));
    }
    let mut why = Vec::new();
    if unsettled > 0 {
        why.push(format!("{unsettled} of these may be honest or not: each is named above, with what settles it"));
    }
    if !needed.is_empty() {
        why.push(format!(
            "{} events are in no pack that you gave: give also the pack about {}, or name with --party whose records are yours",
            compared.elsewhere.values().sum::<usize>(),
            needed.join(", ")
        ));
    }
    if mishaps > 0 {
        why.push(format!(
            "{mishaps} files or lines of your own were damaged on the disk or on a stick, which is nobody's lie: put them \
             back from a copy (`ledger outbox receipts` writes them again), and compare again"
        ));
    }
    if !why.is_empty() {
        return (2, format!("Cannot tell: {}. Nothing here is evidence against the log.", why.join("; ")));
    }
    let parties: Vec<&str> = compared.parties.iter().map(String::as_str).collect();
    let all = format!("All {} of yours ({}) are in the log", compared.covered, parties.join(", "));
    match looks {
        0 => (0, format!("{all}, unaltered, and nothing else in your name; {WHOLE}.")),
        n => (0, format!("Nothing altered or hidden, and nothing else in your name; {n} things to look at; {WHOLE}.")),
    }
}

/// Reads one side, and checks it by itself.
fn side(path: &Path, policy: &Policy) -> Result<Option<Side>, CannotBegin> {
    // A fork shows in what the log's own key signed, whoever has witnessed it.
    let signed_only = Policy { quorum: None, ..policy.clone() };
    let (report, levels, pack) = match read::kind(path)? {
        Kind::Bundle(mut source) => {
            let (report, gathered) = read::bundle_beside(source.as_mut(), &signed_only);
            (report, Some(gathered.levels), None)
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
    let unclear = (report.exit_code() == 2).then(|| report.unknown.join("; "));
    Ok(report.head.filter(|_| holds).map(|head| Side { head, levels, pack, unclear }))
}

/// What a party has kept in its folders.
struct Kept {
    /// Its events, each once, with what it knows of them.
    own: Vec<Own>,
    /// What a disk or a stick did to its files.
    mishaps: Vec<String>,
}

/// What stands in the folders, before it is put together.
#[derive(Default)]
struct Papers {
    events: BTreeMap<Hash, SignedEvent>,
    receipts: BTreeMap<Hash, u64>,
    refusals: BTreeMap<Hash, String>,
    stamps: BTreeMap<Hash, Carried>,
    mishaps: Vec<String>,
    /// How many more there were.
    more: u64,
}

impl Kept {
    /// Reads folders; keys of carriers say whose stamps count, the packs which signatures hold.
    fn read(
        folders: &[PathBuf],
        policy: &Policy,
        carriers: &[Vkey],
        packs: &[PackReport],
    ) -> Result<Self, CannotBegin> {
        let mut papers = Papers::default();
        // A receipt shows what the log's own key signed, whoever has witnessed it.
        let policy = Policy { quorum: None, ..policy.clone() };
        for folder in folders {
            let mut source = Folder::new(folder);
            let bad = |why: Unreadable| CannotBegin::File { path: why.path, why: why.why };
            for path in source.paths().map_err(bad)? {
                let ending =
                    Path::new(&path).extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
                if strays::stray_of(&path).is_some()
                    || !["jsonl", "tlog-proof", "refusal", "stamp"].contains(&ending.as_str())
                {
                    continue;
                }
                let shown = folder.join(&path).shown().to_string();
                let Some(bytes) = source.read(&path).map_err(bad)? else { continue };
                if let Some(what) = transit::instead(&bytes) {
                    papers.mishap(|| format!("{shown}: {what}"));
                    continue;
                }
                // Each is signed by itself: what an editor did around them is undone.
                let bytes = match transit::undo(&bytes) {
                    Some(undone) if undone.changes != [transit::Change::EndLost] => {
                        say(&format!("{shown}: changed on its way: {}; undone\n", transit::in_words(&undone.changes)));
                        undone.bytes
                    }
                    Some(undone) if ending != "jsonl" => undone.bytes,
                    _ => bytes,
                };
                match ending.as_str() {
                    "jsonl" => papers.lines(&shown, &bytes, packs),
                    "stamp" => papers.stamp(&bytes, carriers, &policy),
                    "refusal" => papers.refusal(&shown, &bytes, &policy),
                    _ => papers.receipt(&shown, &bytes, &policy),
                }
            }
        }
        if papers.events.is_empty() {
            let mut why = "no signed events in it: give your outbox, the folder with 000001.jsonl".to_owned();
            if !papers.mishaps.is_empty() {
                why = format!("nothing of it can be read: {}", papers.mishaps.join("; "));
            }
            let all: Vec<String> = folders.iter().map(|folder| folder.shown().to_string()).collect();
            return Err(CannotBegin::File { path: all.join(", "), why });
        }
        let Papers { events, receipts, mut refusals, stamps, mut mishaps, more } = papers;
        mishaps.extend((more > 0).then(|| format!("and {more} more")));
        let own = |(id, signed): (Hash, SignedEvent)| Own {
            receipted: receipts.get(&id).copied(),
            refused: refusals.remove(&id),
            carried: stamps.get(&id).map(|stamp| (stamp.carrier.clone(), stamp.at)),
            signed,
        };
        Ok(Self { own: events.into_iter().map(own).collect(), mishaps })
    }
}

impl Papers {
    /// Takes note of damage; of very much the first is listed, and the rest counted.
    fn mishap(&mut self, what: impl FnOnce() -> String) {
        if self.mishaps.len() < report::FAULTS_MAX {
            self.mishaps.push(what());
        } else {
            self.more += 1;
        }
    }

    /// Lines of an outbox file. FORMAT.md 20.
    fn lines(&mut self, path: &str, bytes: &[u8], packs: &[PackReport]) {
        let mut lines = (1..).zip(bytes.split(|byte| *byte == b'\n')).peekable();
        while let Some((number, line)) = lines.next() {
            if line.is_empty() {
                continue;
            }
            let last = lines.peek().is_none();
            let json = Value::parse(line).ok();
            let note = json.as_ref().and_then(|json| json.get("event")).and_then(Value::as_text);
            let why = match note.and_then(|note| SignedEvent::parse(note.as_bytes()).ok()) {
                Some(signed) if mine::is_as_signed(packs, &signed) == Some(false) => {
                    "the signature does not hold over what stands there: it was changed on the disk or on its way"
                }
                Some(signed) => {
                    self.events.insert(signed.id(), signed);
                    continue;
                }
                None if last => "it breaks off: the copy was cut",
                None => "no event can be read there: it was changed on the disk or on its way",
            };
            self.mishap(|| format!("{path}, line {number}: {why}"));
        }
    }

    fn stamp(&mut self, bytes: &[u8], carriers: &[Vkey], policy: &Policy) {
        let stamp = Note::parse(bytes).ok().and_then(|note| mine::stamp(&note, carriers));
        if let Some(stamp) = stamp.filter(|stamp| policy.logs.iter().any(|log| log.name == stamp.origin.as_str())) {
            // Of several the first counts: since then somebody was told.
            let first = self.stamps.entry(stamp.event).or_insert_with(|| stamp.clone());
            if stamp.at < first.at {
                *first = stamp;
            }
        }
    }

    fn refusal(&mut self, path: &str, bytes: &[u8], policy: &Policy) {
        let (report, refusal) = receipt::check_refusal(bytes, policy);
        match refusal {
            Some(refusal) => {
                self.refusals.insert(refusal.event, refusal.words);
            }
            None if !report.has_fault() => say(&format!("{path}: {}\n", reasons(&report))),
            None => self.mishap(|| format!("{path}: no receipt of a refusal that holds: {}", reasons(&report))),
        }
    }

    /// A receipt proves its position, and shows the event besides.
    fn receipt(&mut self, path: &str, bytes: &[u8], policy: &Policy) {
        let checked = receipt::check(bytes, policy);
        match checked.entry {
            Some(entry) => {
                let id = entry.signed.id();
                self.receipts.insert(id, checked.index);
                self.events.entry(id).or_insert(entry.signed);
            }
            // Of another log, or without its entry: it says nothing here.
            None if !checked.report.has_fault() => say(&format!("{path}: {}\n", reasons(&checked.report))),
            None => self.mishap(|| format!("{path}: no receipt that holds: {}", reasons(&checked.report))),
        }
    }
}

/// Why a paper does not hold.
fn reasons(report: &Report) -> String {
    let faults = report.faults.iter().map(ToString::to_string);
    faults.chain(report.unknown.iter().cloned()).collect::<Vec<_>>().join("; ")
}
