//! `verifier compare`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::Args;
use schemas::carried::Carried;
use schemas::event::SignedEvent;
use schemas::fork::Fork;
use schemas::hash::Hash;
use schemas::note::{Note, Vkey};
use schemas::policy::Policy;
use schemas::strays;
use schemas::value::Value;
use schemas::visible::Show as _;
use verifier::bundle::{Source as _, Unreadable};
use verifier::compare::{self, Relation, View};
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
all folders that you have, together; the packs and the receipts are set against one another too. 0: all of yours is there, unaltered; 1: evidence of a lie; 2: what is missing,
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

impl Side {
    /// As it is set against others: of what is unclear by itself, the signed checkpoint alone.
    fn view(&self) -> View<'_> {
        let pack = self.pack.as_deref().filter(|_| self.unclear.is_none());
        View { head: &self.head, levels: self.levels.as_ref(), pack }
    }
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
        let in_order = a.head.checkpoint.size <= b.head.checkpoint.size;
        let (old, new, order) = if in_order { (&a, &b, [first, second]) } else { (&b, &a, [second, first]) };
        let (small, large) = (&old.head.checkpoint, &new.head.checkpoint);
        for (path, side) in [(first, &a), (second, &b)] {
            say(&print::head_lines(path, &side.head));
        }
        let relation = compare::between(&a.view(), &b.view());
        // What `verifier check` cannot tell of a file is not told here either; proof of a lie stands by its signatures.
        let signed = matches!(relation, Relation::Fork(_) | Relation::OtherLog | Relation::CannotTell);
        if !signed && (a.unclear.is_some() || b.unclear.is_some()) {
            let of = |path: &Path, side: &Side| side.unclear.as_ref().map(|why| format!("{}: {why}", path.shown()));
            let why: Vec<String> = [of(first, &a), of(second, &b)].into_iter().flatten().collect();
            let read = match relation {
                Relation::FalseProof => "",
                _ => " As far as it can be read, the one is the beginning of the other.",
            };
            say(&format!("\nCannot tell: {}.{read}\n", why.join("; ").shown()));
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
                let kept = self.keep(&fork)?;
                say(&format!("\nProven: this log signed two histories, at size {}. {kept}\n", small.size));
                1
            }
            Relation::FalseProof | Relation::Contradiction(_) => {
                let [old_name, new_name] = order.map(|path| path.shown().to_string());
                say(&format!("\n{}\n", one_lies(&relation, &old_name, &new_name, &old.view(), &new.view())));
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

    /// Keeps the evidence of a fork where it was asked for; says where it is, or how to get it.
    fn keep(&self, fork: &Fork) -> Result<String, CannotBegin> {
        let Some(path) = &self.evidence else {
            return Ok("Run it again with --evidence FILE, and give the file to everyone.".to_owned());
        };
        let bad = |e: std::io::Error| CannotBegin::File { path: path.shown().to_string(), why: e.to_string() };
        output::write(path, fork.to_text().as_bytes(), Readers::Owner).map_err(bad)?;
        Ok(format!("The evidence is in {}: it convinces anyone who has the log's key.", path.shown()))
    }

    /// Sets views of one log against each other, all pairs; says what proves a lie, and whether anything does.
    /// Of the first fork the evidence is kept. The first `every` are set against all, the rest, which are checkpoints
    /// alone, against those of their size.
    fn all_against_each_other(&self, views: &[Named<'_>], every: usize) -> Result<bool, CannotBegin> {
        let mut said = Vec::new();
        let (mut kept, mut more) = (None, 0_u64);
        for (number, (name, view)) in views.iter().enumerate() {
            let others =
                if number < every { &views[number + 1..] } else { views.get(number + 1..number + 2).unwrap_or(&[]) };
            for (other_name, other) in others {
                let ((old_name, old), (new_name, new)) = if view.head.checkpoint.size <= other.head.checkpoint.size {
                    ((name, view), (other_name, other))
                } else {
                    ((other_name, other), (name, view))
                };
                let relation = compare::between(old, new);
                let words = match &relation {
                    Relation::Fork(fork) => {
                        let kept = match &kept {
                            Some(_) => "",
                            None => kept.insert(self.keep(fork)?).as_str(),
                        };
                        let size = old.head.checkpoint.size;
                        format!(
                            "Proven: this log signed two histories, at size {size} ({old_name} and {new_name}). {kept}"
                        )
                    }
                    Relation::FalseProof | Relation::Contradiction(_) => {
                        one_lies(&relation, old_name, new_name, old, new)
                    }
                    _ => continue,
                };
                if said.len() < report::FAULTS_MAX {
                    said.push(words);
                } else {
                    more += 1;
                }
            }
        }
        for words in &said {
            say(&format!("\n{}\n", words.trim_end()));
        }
        if more > 0 {
            say(&format!("\nand {more} more\n"));
        }
        Ok(!said.is_empty())
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
                // Nothing can be told of it; what the log signed convicts it all the same.
                let lies = checked.report.exit_code() == 2 && self.signed_otherwise(paths, policy)?;
                return Ok(if lies { 1 } else { checked.report.exit_code() });
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
        let kept = Kept::read(&self.mine, policy, &carriers, &packs);
        let named = |path: &Path| path.shown().to_string();
        let mut views: Vec<Named<'_>> = Vec::new();
        for (path, pack) in paths.iter().zip(&packs) {
            let view = |head| (named(path), View { head, levels: None, pack: Some(pack) });
            views.extend(pack.report.head.as_ref().map(view));
        }
        let every = views.len();
        for (path, head) in kept.iter().flat_map(|kept| kept.heads.values()) {
            views.push((path.clone(), View { head, levels: None, pack: None }));
        }
        let lies = self.all_against_each_other(&views, every)?;
        let kept = match kept {
            Err(_) if lies => return Ok(1),
            kept => kept?,
        };
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
        if !lies || code == 1 {
            say(&format!("\n{}\n", words.shown()));
        } else {
            say("\nWhat is said first is evidence against the log: keep the packs, your receipts and your outbox.\n");
        }
        Ok(if lies { 1 } else { code })
    }

    /// Whether checkpoints of these packs, some of which cannot be told of, prove two histories all the same.
    fn signed_otherwise(&self, paths: &[&Path], policy: &Policy) -> Result<bool, CannotBegin> {
        let mut sides = Vec::new();
        for path in paths {
            if matches!(read::kind(path)?, Kind::Pack(_)) {
                sides.extend(side(path, policy)?.map(|side| (path.shown().to_string(), side)));
            }
        }
        let views: Vec<Named<'_>> = sides.iter().map(|(name, side)| (name.clone(), side.view())).collect();
        self.all_against_each_other(&views, views.len())
    }
}

/// A view, and the file that it is of.
type Named<'a> = (String, View<'a>);

/// That one of two lies, which is no evidence by the log's signatures alone.
fn one_lies(relation: &Relation, old_name: &str, new_name: &str, old: &View<'_>, new: &View<'_>) -> String {
    let keep = "One of the two lies: keep both as evidence, and ask the ledger's office";
    let stream = |view: &View<'_>| view.pack.map(|pack| pack.stream.clone()).unwrap_or_default();
    match relation {
        Relation::Contradiction(position) if stream(old) == stream(new) => format!(
            "{old_name} and {new_name} are both about {}, and contradict each other at entry {position}, which one of the two \
             hides. {keep}.",
            stream(new)
        ),
        Relation::Contradiction(position) => {
            format!("{old_name} and {new_name} show different entries at position {position}. {keep}.")
        }
        _ => format!(
            "{new_name} brings a proof that the log at {} entries ({old_name}) is the beginning of its own, and the proof \
             fails. {keep}.",
            old.head.checkpoint.size
        ),
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
    /// Checkpoints of receipts, each once, by log, size and root; and of which file.
    heads: Heads,
}

/// Checkpoints that the log signed.
type Heads = BTreeMap<(String, u64, Hash), (String, SignedHead)>;

/// What stands in the folders, before it is put together.
#[derive(Default)]
struct Papers {
    events: BTreeMap<Hash, SignedEvent>,
    receipts: BTreeMap<Hash, BTreeSet<u64>>,
    heads: Heads,
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
        let Papers { events, mut receipts, heads, mut refusals, stamps, mut mishaps, more } = papers;
        mishaps.extend((more > 0).then(|| format!("and {more} more")));
        let own = |(id, signed): (Hash, SignedEvent)| Own {
            receipted: receipts.remove(&id).unwrap_or_default(),
            refused: refusals.remove(&id),
            carried: stamps.get(&id).map(|stamp| (stamp.carrier.clone(), stamp.at)),
            signed,
        };
        Ok(Self { own: events.into_iter().map(own).collect(), mishaps, heads })
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
        if let Some(head) = &checked.report.head {
            let at = &head.checkpoint;
            let key = (at.origin.to_string(), at.size, at.root);
            self.heads.entry(key).or_insert_with(|| (path.to_owned(), head.clone()));
        }
        match checked.entry {
            Some(entry) => {
                let id = entry.signed.id();
                self.receipts.entry(id).or_default().insert(checked.index);
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
