//! The check of a pack: everything about one subject, for one reader. FORMAT.md 14.2.

mod keys;
mod later;

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::{Catalogue, Role, Visibility};
use schemas::checkpoint::Checkpoint;
use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::note::{SignatureLine, Vkey};
use schemas::opening::{BadOpening, OpeningLine, Slot};
use schemas::pack::{Item, Pack, Proven, Shown};
use schemas::policy::Policy;
use schemas::stream;
use schemas::value::Value;

use crate::bundle::OTHER_CATALOGUE;
use crate::bundle::Opened;
use crate::doubt::{self, DOUBTFUL_MAX, Doubtful};
use crate::erasures::{Erasures, Roles};
use crate::fault::Fault;
use crate::head::{BadHead, bears, check_head, head_step, signed_as_genesis_says};
use crate::index::{MapProof, check_map_proof};
use crate::refusal::Refusal;
use crate::report::{About, Outcome, Report, Step, Word};
use crate::signature::{Claim, PublicKey, all_hold};
use crate::statement::{self, Statement};
use crate::tree::{Frontier, check_consistency, check_inclusion};
use keys::PackKeys;

/// One record of the stream, as the pack shows it.
#[derive(Clone, Debug)]
pub struct Record {
    /// The entry.
    pub entry: Entry,
    /// Its leaf.
    pub leaf: Hash,
    /// Hidden values, as far as they are shown.
    pub opened: Opened,
    /// Slots that the catalogue seals for oversight; they stand among the withheld ones too.
    pub sealed: Vec<String>,
    /// Slots that are open, empty ones too.
    pub open: usize,
}

/// How much of a record a pack shows. FORMAT.md 14.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// No slot is closed but those that are sealed for oversight.
    Full,
    /// Some are closed, some are open.
    Partly,
    /// None is open.
    Withheld,
}

impl Record {
    /// How much of it is shown.
    pub fn extent(&self) -> Extent {
        if self.in_full() {
            Extent::Full
        } else if self.open > 0 {
            Extent::Partly
        } else {
            Extent::Withheld
        }
    }

    /// Whether everything is shown but what is sealed for oversight.
    pub fn in_full(&self) -> bool {
        self.opened.erased.is_empty() && self.opened.withheld.iter().all(|slot| self.sealed.contains(slot))
    }

    /// How many of its values are closed because they are sealed for oversight.
    pub fn sealed_values(&self) -> usize {
        self.sealed.iter().filter(|slot| self.opened.withheld.contains(*slot)).count()
    }
}

/// On whose word nothing is missing from the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Complete {
    /// Nobody whom the reader trusts has recomputed the index.
    IfIndexHonest,
    /// Auditors have, each up to that many entries.
    Stated(Vec<(String, u64)>),
    /// The reader has, from the public entries, up to that many.
    Recomputed(u64),
}

/// What a check of a pack says.
#[derive(Clone, Debug)]
pub struct PackReport {
    /// Steps, faults, verdict.
    pub report: Report,
    /// For whom it was made.
    pub audience: String,
    /// Name of the stream.
    pub stream: String,
    /// Records in order; number 1 is the first.
    pub records: Vec<Record>,
    /// On whose word nothing is missing.
    pub complete: Complete,
    /// Consistency proofs from earlier sizes.
    since: Vec<(u64, Vec<Hash>)>,
    /// The file as it was read.
    policy: String,
    /// Keys and roles, as far as the entries of a pack that holds tell them.
    registry: Option<PackKeys>,
}

impl PackReport {
    /// The policy that stands in the pack: to show, not to trust.
    pub fn policy_inside(&self) -> &str {
        &self.policy
    }

    /// The key that a signature line names, where the pack brings it.
    pub fn key(&self, line: &SignatureLine) -> Option<&PublicKey> {
        self.registry.as_ref()?.key(line)
    }

    /// The role of a party, where the pack tells it.
    pub fn role(&self, party: &str) -> Option<Role> {
        self.registry.as_ref()?.role(party)
    }

    /// Writes down on whose word nothing is missing.
    pub(super) fn rests(&mut self) {
        let size = self.report.head.as_ref().map_or(u64::MAX, |head| head.checkpoint.size);
        let word = match &self.complete {
            Complete::Recomputed(upto) if *upto == size => Word::Reader,
            Complete::Stated(all) => {
                let whole = all.iter().find(|(_, upto)| *upto == size);
                whole.map_or(Word::Operator, |(name, _)| Word::Auditor(name.clone()))
            }
            _ => Word::Operator,
        };
        if word == Word::Reader {
            self.report.checked_after_all(&NOT_IN_A_PACK);
            self.report.checked_after_all(&[EVIDENCE]);
        }
        self.report.about = if self.is_absent() { About::Absence(word) } else { About::Records(word) };
    }

    /// Whether the pack says that there is no record.
    pub fn is_absent(&self) -> bool {
        self.records.is_empty()
    }
}

/// Checks a pack against a policy held from elsewhere. `auditors` are keys whose statement "index
/// recomputed" the reader trusts.
pub fn check(bytes: &[u8], policy: &Policy, auditors: &[Vkey]) -> PackReport {
    let mut report = PackReport {
        report: Report { about: About::Records(Word::Operator), ..Report::new(policy) },
        audience: String::new(),
        stream: String::new(),
        records: Vec::new(),
        complete: Complete::IfIndexHonest,
        since: Vec::new(),
        policy: String::new(),
        registry: None,
    };
    let text = std::str::from_utf8(bytes).map_err(|_| schemas::pack::BadPack::Line { line: 1 });
    let pack = match text.and_then(Pack::parse) {
        Ok(pack) => pack,
        Err(why) => {
            let step =
                Step { section: "14.2", title: "the file is a pack", outcome: Outcome::Fault, counted: String::new() };
            report.report.fault(step, Fault::Pack(why));
            return report;
        }
    };
    let (audience, stream, inside) = (pack.audience.clone(), pack.stream.clone(), pack.policy.clone());
    report.since.clone_from(&pack.since);
    (report.audience, report.stream, report.policy) = (audience, stream, inside);
    // Nobody signs for whom it was made.
    let counted = format!("{} records of {}, for {} as it says", pack.items.len(), pack.stream, pack.audience);
    report.report.step(Step { section: "14.2", title: "the file is a pack", outcome: Outcome::Holds, counted });
    let note = pack.checkpoint.to_text();
    let head = head_step(&mut report.report, note.as_bytes(), "checkpoint", policy);
    let Ok(checkpoint) = Checkpoint::parse(&pack.checkpoint.text) else { return report };
    if head.is_none() && !report.report.has_fault() {
        own_key_step(&mut report.report, &pack);
    }
    if report.report.has_fault() {
        return report;
    }
    Check { pack: &pack, checkpoint: &checkpoint, report: &mut report }.run(policy, auditors);
    report.rests();
    if head.is_none() {
        // It does not contradict itself, but whose log it is nobody has said: nothing in it counts.
        report.records.clear();
        report.complete = Complete::IfIndexHonest;
        report.report.as_of = None;
    }
    report
}

/// What can be said where the reader's policy has no key for the log: whether a key that the pack itself
/// names for it has signed the checkpoint. If none has, the pack contradicts itself.
fn own_key_step(report: &mut Report, pack: &Pack) {
    let Ok(own) = Policy::parse(&pack.policy) else { return };
    if let Err(BadHead::Signature { key }) = check_head(pack.checkpoint.to_text().as_bytes(), &own) {
        let title = "the checkpoint is signed by the key that the pack itself names";
        let step = Step { section: "10", title, outcome: Outcome::Fault, counted: String::new() };
        report.fault(step, Fault::CheckpointSignature { path: "checkpoint".to_owned(), key });
    }
}

/// What the whole log tells and a pack does not. FORMAT.md 14.2.
const NOT_IN_A_PACK: [&str; 2] = [
    "whether a key had been revoked, its party had another role, or one of its numbers was used before, where that is \
     not among these entries: the bundle tells",
    "the rest of admission (FORMAT.md 11): refs, ownership, what was in the log already: the bundle tells",
];

/// Of an erasure.
const EVIDENCE: &str = "whether what was erased was evidence of a finding that was not closed (FORMAT.md 17): the finding and its \
                        closing may stand in other streams; the bundle tells";

/// Of a statement by a key of the log.
const OWN_STATEMENT: &str = "a statement by a key that you gave as an auditor's: it is a key of the log itself (FORMAT.md 9), which is \
                             nobody's word but the operator's";

struct Check<'a> {
    pack: &'a Pack,
    checkpoint: &'a Checkpoint,
    report: &'a mut PackReport,
}

/// Roles of those who signed, by position.
type Signers = BTreeMap<u64, Roles>;
/// The same, with the key of checkpoints that genesis names, and the bytes of the keys that seal.
type Signed = (Signers, Option<Vkey>, Vec<[u8; 32]>);

/// An entry that the tree holds.
struct Placed {
    entry: Entry,
    leaf: Hash,
}

impl Check<'_> {
    fn run(&mut self, policy: &Policy, auditors: &[Vkey]) {
        let origin = &self.checkpoint.origin;
        if self.pack.ledger != *origin {
            let fault = Fault::OtherLog { found: self.pack.ledger.to_string(), origin: origin.to_string() };
            self.report.report.found(fault);
            return;
        }
        let seal = self.step("9", "the last entry under the checkpoint seals the index", Self::seal);
        let Some((seal, map_root)) = seal else { return };
        self.step("8.4", "the index binds the number of records", |c| c.map(map_root));
        let Some(items) = self.step("7", "every record is in the log", Self::placed_all) else { return };
        self.step("8.2", "the records are all those that the index binds", |c| c.stream(&items));
        let Some(brought) = self.step("11", "keys were brought by entries of the log", Self::brought) else { return };
        let doubtful = doubt::among(items.iter().chain(&brought).map(|placed| &placed.entry));
        let title = "signed by keys that the log admitted";
        let signed = self.step("3", title, |c| c.signatures(&items, &brought, &seal));
        let roles = signed.flatten().map(|(roles, log_key, sealing)| {
            let title = "the log's first entry names the key of its checkpoints";
            self.report.report.of_the_log(&sealing, log_key.as_ref(), policy);
            self.step("11", title, |c| c.log_key(log_key));
            roles
        });
        self.step("5", "openings fit what was committed", |c| c.openings(items, &brought, &roles.unwrap_or_default()));
        if !self.pack.statements.is_empty() {
            self.step("10.4", "auditors have recomputed the index", |c| c.statements(auditors));
        }
        for what in NOT_IN_A_PACK {
            self.report.report.not_checked(what);
        }
        self.doubts(&doubtful);
        self.report.report.as_of = Some(seal.entry.received_at);
    }

    fn step<T>(
        &mut self,
        section: &'static str,
        title: &'static str,
        check: impl FnOnce(&mut Self) -> Result<(T, String), Fault>,
    ) -> Option<T> {
        match check(self) {
            Ok((value, counted)) => {
                self.report.report.step(Step { section, title, outcome: Outcome::Holds, counted });
                Some(value)
            }
            Err(fault) => {
                let step = Step { section, title, outcome: Outcome::Fault, counted: String::new() };
                self.report.report.fault(step, fault);
                None
            }
        }
    }

    /// FORMAT.md 6 and 7: an entry of this log, at this place, under the checkpoint.
    fn placed(&self, proven: &Proven) -> Result<Placed, Fault> {
        let (position, leaf) = (proven.index, Hash::leaf(&proven.entry));
        let checkpoint = self.checkpoint;
        check_inclusion(&proven.proof, position, leaf, checkpoint.size, checkpoint.root)
            .map_err(|why| Fault::Proof { position, why })?;
        let entry = Entry::parse(&proven.entry).map_err(|what| Fault::Entry { position, what })?;
        let event = &entry.signed.event;
        if entry.position != position {
            return Err(Fault::Position { position, address: Some(event.address()), found: entry.position });
        }
        if event.ledger != checkpoint.origin.as_str() {
            let refusal = Refusal::OtherLedger { found: event.ledger.clone(), here: checkpoint.origin.to_string() };
            return Err(Fault::Admission { position, address: event.address(), refusal });
        }
        Ok(Placed { entry, leaf })
    }

    /// FORMAT.md 9.
    fn seal(&mut self) -> Result<((Placed, Hash), String), Fault> {
        let size = self.checkpoint.size;
        let placed = self.placed(&self.pack.seal)?;
        let event = &placed.entry.signed.event;
        let stated = event.data.get("size").and_then(Value::as_integer).and_then(|n| u64::try_from(n).ok());
        let last = placed.entry.position + 1 == size && stated == Some(size - 1);
        let map_root = event.text("map_root").and_then(Hash::from_hex);
        match map_root {
            Some(root) if last && event.kind == crate::admit::SEAL => {
                let counted = format!("entry {} of {size}", placed.entry.position);
                Ok(((placed, root), counted))
            }
            _ => Err(Fault::NotSealed { position: placed.entry.position }),
        }
    }

    /// FORMAT.md 8.2 to 8.4.
    fn map(&mut self, map_root: Hash) -> Result<((), String), Fault> {
        let stream = self.pack.stream.clone();
        let key = stream::key(&stream);
        let leaf = match self.pack.shown {
            Shown::Present { count, last, root } => (key, stream::Head { count, last, root }.value(&key)),
            Shown::Absent { key, head } => (key, head),
        };
        let proof = MapProof { path: self.pack.path.clone(), leaf: Some(leaf) };
        let present =
            check_map_proof(&proof, &stream, map_root).map_err(|why| Fault::Map { stream: stream.clone(), why })?;
        let shown = self.pack.items.len() as u64;
        match (self.pack.shown, present) {
            (Shown::Present { count, .. }, true) if count == shown => Ok(((), format!("{count} records"))),
            (Shown::Present { count, .. }, true) => Err(Fault::RecordCount { stream, stated: count, shown }),
            (Shown::Absent { .. }, false) if shown == 0 => {
                Ok(((), format!("no record at {} entries", self.checkpoint.size)))
            }
            (Shown::Absent { .. }, false) => Err(Fault::RecordCount { stream, stated: 0, shown }),
            _ => Err(Fault::MapOther { stream }),
        }
    }

    fn placed_all(&mut self) -> Result<(Vec<Placed>, String), Fault> {
        let items: Vec<Placed> =
            self.pack.items.iter().map(|item| self.placed(&item.proven)).collect::<Result<_, _>>()?;
        let counted = format!("{} records", items.len());
        Ok((items, counted))
    }

    /// FORMAT.md 8.2: count, last place and root are those of the records shown.
    fn stream(&mut self, items: &[Placed]) -> Result<((), String), Fault> {
        let Shown::Present { last, root, .. } = self.pack.shown else {
            return Ok(((), "none".to_owned()));
        };
        let mut tree = Frontier::default();
        for placed in items {
            tree.push(stream::item_leaf(placed.entry.position, &placed.leaf));
        }
        let found = items.last().map(|placed| placed.entry.position);
        if tree.root() != root || found != Some(last) {
            return Err(Fault::RecordsOther { stream: self.pack.stream.clone() });
        }
        Ok(((), format!("{} records, the last is entry {last}", items.len())))
    }

    fn brought(&mut self) -> Result<(Vec<Placed>, String), Fault> {
        let keys: Vec<Placed> = self.pack.keys.iter().map(|key| self.placed(key)).collect::<Result<_, _>>()?;
        let counted = format!("{} entries beside the records", keys.len());
        Ok((keys, counted))
    }

    /// FORMAT.md 3 and 11: every line by a key that an entry of the pack brought, and each that brings one admitted.
    /// Gives also the key of checkpoints that genesis names; nothing where genesis is not understood.
    fn signatures(
        &mut self,
        items: &[Placed],
        brought: &[Placed],
        seal: &Placed,
    ) -> Result<(Option<Signed>, String), Fault> {
        let mut all: Vec<&Placed> = items.iter().chain(brought).chain([seal]).collect();
        all.sort_by_key(|placed| placed.entry.position);
        all.dedup_by_key(|placed| placed.entry.position);
        let (mut keys, mut roles) = (PackKeys::new(self.checkpoint.origin.clone()), Signers::new());
        let (mut claims, mut places): (Vec<Claim>, Vec<(&Placed, usize)>) = (Vec::new(), Vec::new());
        let mut untold = false;
        let fault = |placed: &Placed, refusal| {
            let (position, address) = (placed.entry.position, placed.entry.signed.event.address());
            Fault::Admission { position, address, refusal }
        };
        for placed in all {
            let position = placed.entry.position;
            let lines = match keys.see(&placed.entry) {
                Ok(signed) => {
                    roles.insert(position, signed.roles);
                    signed.claims
                }
                Err(refusal) if keys.is_beyond(&placed.entry, &refusal) => {
                    // What it does cannot be told; the entries after it can. Nobody signs it whose key is not brought.
                    self.report.report.cannot_tell(format!("entry {position}: {refusal}; take a newer verifier"));
                    if position == 0 {
                        // All keys come from it.
                        untold = true;
                        break;
                    }
                    keys.lines(&placed.entry).map_err(|refusal| fault(placed, refusal))?
                }
                Err(refusal) => return Err(fault(placed, refusal)),
            };
            for (number, claim) in lines {
                claims.push(claim);
                places.push((placed, number));
            }
        }
        if !all_hold(&claims)
            && let Some(at) = claims.iter().position(|claim| !claim.holds())
        {
            let (placed, number) = places[at];
            let name = placed.entry.signed.note.signatures[number - 1].name.clone();
            return Err(fault(placed, Refusal::BadSignature { number, name }));
        }
        if keys.genesis().is_some_and(|genesis| genesis.catalogue != Catalogue::built_in().digest()) {
            self.report.report.cannot_tell(OTHER_CATALOGUE.to_owned());
        }
        let (log_key, sealing) = (keys.genesis().map(|genesis| genesis.log_key.clone()), keys.sealing());
        self.report.registry = Some(keys);
        if untold {
            return Ok((None, "none: genesis is not understood".to_owned()));
        }
        Ok((Some((roles, log_key, sealing)), format!("{} signatures", claims.len())))
    }

    /// FORMAT.md 11, "Doubt", as far as the entries that are shown open windows.
    fn doubts(&mut self, doubtful: &[Doubtful]) {
        let report = &mut self.report.report;
        report.doubts = doubtful.len() as u64;
        report.doubtful = doubtful.iter().take(DOUBTFUL_MAX).cloned().collect();
    }

    /// FORMAT.md 14.2: the pack goes back to genesis, which names the key that signed the checkpoint.
    fn log_key(&self, named: Option<Vkey>) -> Result<((), String), Fault> {
        let named = named.ok_or(Fault::NoGenesis)?;
        match &self.report.report.head {
            Some(head) => signed_as_genesis_says(head, &named, "checkpoint")?,
            None if bears(&self.pack.checkpoint, &named) => {}
            None => {
                let key = named.to_string();
                return Err(Fault::CheckpointSignature { path: "checkpoint".to_owned(), key });
            }
        }
        Ok(((), named.name))
    }

    /// FORMAT.md 5 and 17.
    fn openings(&mut self, items: Vec<Placed>, brought: &[Placed], roles: &Signers) -> Result<((), String), Fault> {
        let mut all: Vec<&Entry> = items.iter().chain(brought).map(|placed| &placed.entry).collect();
        all.sort_by_key(|entry| entry.position);
        let addresses: BTreeMap<String, u64> =
            all.iter().map(|entry| (entry.signed.event.address(), entry.position)).collect();
        let mut erasures = Erasures::in_part();
        for entry in all {
            let signers = roles.get(&entry.position).copied().unwrap_or_default();
            erasures.see(entry, signers, &|address| addresses.get(address).copied());
        }
        let shown: BTreeSet<u64> = items.iter().map(|placed| placed.entry.position).collect();
        let (mut open, mut withheld, mut erased) = (0u64, 0u64, 0u64);
        let mut records = Vec::with_capacity(items.len());
        for (placed, item) in items.into_iter().zip(&self.pack.items) {
            let event = &placed.entry.signed.event;
            let (position, address) = (placed.entry.position, event.address());
            let record =
                open_item(&placed, item).map_err(|what| Fault::Opening { position, address: address.clone(), what })?;
            for (slot, by) in &record.opened.erased {
                if !shown.contains(by) {
                    let what = BadOpening::NotErased { slot: slot.clone(), by: *by };
                    return Err(Fault::Opening { position, address, what });
                }
                erasures.claim(position, &address, slot, *by);
            }
            open += item.slots.iter().filter(|slot| matches!(slot, Slot::Open(_))).count() as u64;
            withheld += record.opened.withheld.len() as u64;
            erased += record.opened.erased.len() as u64;
            records.push(record);
        }
        if let Some(fault) = erasures.check(u64::MAX) {
            return Err(fault);
        }
        self.report.report.erased = erased;
        if erased > 0 {
            self.report.report.not_checked(EVIDENCE);
        }
        self.report.records = records;
        Ok(((), format!("{open} open, {withheld} withheld, {erased} erased by rule")))
    }

    /// FORMAT.md 10.4.
    fn statements(&mut self, auditors: &[Vkey]) -> Result<((), String), Fault> {
        let checkpoint = self.checkpoint;
        let mut believed = Vec::new();
        let (mut strangers, mut own) = (0, 0);
        // The operator's word for itself is no auditor's, whoever named the key.
        let (of_the_log, auditors): (Vec<Vkey>, Vec<Vkey>) =
            auditors.iter().cloned().partition(|key| self.report.report.is_of_the_log(key));
        for (note, proof) in &self.pack.statements {
            let Some((auditor, Statement { checkpoint: stated })) = statement::signed_by(note, &auditors) else {
                own += u64::from(statement::signed_by(note, &of_the_log).is_some());
                strangers += 1;
                continue;
            };
            if stated.origin != checkpoint.origin {
                let (found, origin) = (stated.origin.to_string(), checkpoint.origin.to_string());
                return Err(Fault::OtherLog { found, origin });
            }
            check_consistency(proof, stated.size, stated.root, checkpoint.size, checkpoint.root)
                .map_err(|why| Fault::Since { size: stated.size, why })?;
            believed.push((auditor, stated.size));
        }
        if own > 0 {
            self.report.report.not_checked(OWN_STATEMENT);
        }
        let counted = format!("{} by auditors whom you trust, {strangers} by others", believed.len());
        if !believed.is_empty() {
            self.report.complete = Complete::Stated(believed);
        }
        Ok(((), counted))
    }
}

/// The slots of one item against what its event commits to.
fn open_item(placed: &Placed, item: &Item) -> Result<Record, BadOpening> {
    let event = &placed.entry.signed.event;
    let kind = Catalogue::built_in().event(&event.kind).filter(|kind| kind.v == event.v);
    let mut record = Record {
        entry: placed.entry.clone(),
        leaf: placed.leaf,
        opened: Opened::default(),
        sealed: Vec::new(),
        open: 0,
    };
    // Of a type that we do not know the slots have no names.
    let Some(kind) = kind else { return Ok(record) };
    let Some(root) = event.hidden_root() else {
        let got = item.slots.len().max(item.digests.len());
        return if got == 0 { Ok(record) } else { Err(BadOpening::Count { want: 0, got }) };
    };
    let is_sealed = |slot: &&str| kind.slot_visibility(slot) == Visibility::Sealed;
    record.sealed = kind.slots().into_iter().filter(is_sealed).map(str::to_owned).collect();
    if item.slots.is_empty() && item.digests.is_empty() {
        record.opened.withheld = Opened::nothing_of(&kind.name).withheld;
        return Ok(record);
    }
    let (entry, event) = (placed.entry.position, placed.entry.signed.id());
    let line = OpeningLine { entry, event, digests: item.digests.clone(), slots: item.slots.clone() };
    record.opened.values = line.check(root, kind)?;
    for (name, slot) in kind.slots().into_iter().zip(&item.slots) {
        match slot {
            Slot::Open(_) => record.open += 1,
            Slot::ErasedBy(by) => {
                record.opened.erased.insert(name.to_owned(), *by);
            }
            _ => {
                record.opened.withhold(name);
            }
        }
    }
    Ok(record)
}
