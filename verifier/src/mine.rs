//! What a party has kept itself, set against packs about it: is anything hidden, altered, late, disputed, or said in its
//! name by somebody else? FORMAT.md 20.3.
//!
//! Nobody is accused for what may be honest: a pack that is older than a receipt, a record that was signed with the
//! party's own key on another machine. What only the party can know is asked of the party.

use std::collections::{BTreeMap, BTreeSet};

use schemas::carried::Carried;
use schemas::catalogue::{Catalogue, Role};
use schemas::event::{Event, RefValue, SignedEvent};
use schemas::fingerprint::Fingerprint;
use schemas::hash::Hash;
use schemas::note::{ALG_ED25519, KeyId, Note, SignatureLine, Vkey};
use schemas::time::Timestamp;

use crate::admit::{GENESIS, SEAL};
use crate::pack::{PackReport, Record};
use crate::signature::PublicKey;

/// An event that the party has signed and kept.
#[derive(Clone, Debug)]
pub struct Own {
    /// The event.
    pub signed: SignedEvent,
    /// Positions that receipts of it prove, of those that hold: one, if nobody lies.
    pub receipted: BTreeSet<u64>,
    /// In which words the log has refused it, where the party has the receipt of that.
    pub refused: Option<String>,
    /// Who carried it to the ledger, and when by its stamp, where one is signed by a carrier whom the party trusts.
    pub carried: Option<(String, Timestamp)>,
}

impl Own {
    /// One of which nothing is known but that the party signed it.
    pub fn new(signed: SignedEvent) -> Self {
        Self { signed, receipted: BTreeSet::new(), refused: None, carried: None }
    }
}

/// How much a difference weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Worth a look.
    Look,
    /// It may be honest and it may not: somebody has to settle it.
    Unsettled,
    /// Evidence of a lie.
    Lie,
}

/// A key in whose name something was signed, as people compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// Its name.
    pub name: String,
    /// The six words of the key; none where no pack brings it.
    pub words: Option<String>,
}

impl std::fmt::Display for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.words {
            Some(words) => write!(f, "{} ({words})", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// What differs, or deserves a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// We hold a receipt for it, and a pack that goes beyond it does not show it: the log hides a record it admitted to.
    Hidden {
        /// Address of our record.
        address: String,
        /// Position that our receipt proves.
        position: u64,
    },
    /// A pack of its stream that goes beyond the position at which another one shows it does not show it.
    Dropped {
        /// Address of our record.
        address: String,
        /// Where the other shows it.
        position: u64,
        /// Entries under the checkpoint of the one that does not.
        size: u64,
    },
    /// Receipts and packs prove it at several positions: an entry has one.
    Moved {
        /// Address of our record.
        address: String,
        /// The positions.
        positions: Vec<u64>,
    },
    /// Somebody whom we trust carried it in and stamped when; the pack is much later, does not show it, and nobody
    /// receipted it.
    CarriedInVain {
        /// Address of our record.
        address: String,
        /// Who carried it.
        carrier: String,
        /// When the carrier had it.
        at: Timestamp,
    },
    /// Another event than the one that we kept stands under its address, signed with none of our keys.
    Altered {
        /// Address.
        address: String,
        /// Position in the log.
        position: u64,
        /// Whose key signed what stands there.
        signer: Signer,
    },
    /// A record in our name by a key of which we say that it was never ours.
    NeverOurs {
        /// Address.
        address: String,
        /// Position in the log.
        position: u64,
        /// The key.
        signer: Signer,
    },
    /// The pack ends before the entry that our receipt proves: it is older than the receipt.
    PackOlder {
        /// Address of our record.
        address: String,
        /// Position that our receipt proves.
        position: u64,
        /// Entries under the pack's checkpoint.
        size: u64,
    },
    /// Somebody carried it in a short time before the pack was made, or after that.
    OnItsWay {
        /// Address of our record.
        address: String,
        /// Who carried it.
        carrier: String,
        /// When the carrier had it.
        at: Timestamp,
    },
    /// We signed it; the pack does not show it, and we have no receipt.
    NotShown {
        /// Address of our record.
        address: String,
        /// Entries under the pack's checkpoint.
        size: u64,
        /// When the last of them was received.
        as_of: Option<Timestamp>,
    },
    /// Signed with a key of ours, and not among what we gave as ours; `other` if something else of ours has its address.
    Elsewhere {
        /// Address.
        address: String,
        /// Position in the log.
        position: u64,
        /// Whether what we kept under the address says something else.
        other: bool,
    },
    /// A record in our name by a key that signed nothing of what we gave as ours.
    OtherKey {
        /// Address.
        address: String,
        /// Position in the log.
        position: u64,
        /// The key.
        signer: Signer,
    },
    /// The log has refused it.
    Refused {
        /// Address of our record.
        address: String,
        /// Why.
        words: String,
    },
    /// The log received it that many days after the day on which we say that it happened.
    Late {
        /// Address.
        address: String,
        /// Position in the log.
        position: u64,
        /// Whole days.
        days: i64,
    },
    /// A record about us that a dispute in this pack is about.
    Disputed {
        /// Address of the record that is disputed.
        address: String,
        /// Position of the dispute.
        by: u64,
    },
}

impl Difference {
    /// How much it weighs.
    pub fn weight(&self) -> Weight {
        match self {
            Self::Hidden { .. }
            | Self::Dropped { .. }
            | Self::Moved { .. }
            | Self::CarriedInVain { .. }
            | Self::Altered { .. }
            | Self::NeverOurs { .. } => Weight::Lie,
            Self::PackOlder { .. }
            | Self::OnItsWay { .. }
            | Self::NotShown { .. }
            | Self::Elsewhere { .. }
            | Self::OtherKey { .. } => Weight::Unsettled,
            Self::Refused { .. } | Self::Late { .. } | Self::Disputed { .. } => Weight::Look,
        }
    }

    /// What to do about all of its kind; nothing where its words say it.
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::PackOlder { .. } => {
                Some("the pack is older than your receipt: ask the ledger's office for a newer one, and compare again")
            }
            Self::OnItsWay { .. } | Self::NotShown { .. } => Some(
                "what is not in the log may be on its way, or may have been handed in after the pack was made: ask for a \
                 newer pack; what was never handed in, hand in (`ledger outbox submit`, or a stick). A record without a \
                 receipt proves nothing against the log",
            ),
            Self::Elsewhere { .. } => Some(
                "signed with your key elsewhere: on another machine of yours, at the ledger's office (an import there, \
                 `ledger key`), or by somebody who has your key. Give those folders too, each with a --mine of its own; \
                 what nobody of yours signed, somebody else did with your key: revoke it (ledger/KEYS.md) and dispute the \
                 record",
            ),
            Self::OtherKey { .. } => Some(
                "signed with a key that signed nothing of what you gave: compare its six words with the keys of all your \
                 people. If it is one of theirs, give their folder too, with a --mine of its own; if nobody of yours ever \
                 had it, say so with --no-other-keys: then it is evidence of a lie in your name",
            ),
            Self::Hidden { .. } | Self::Dropped { .. } | Self::Moved { .. } | Self::CarriedInVain { .. } => None,
            Self::Altered { .. } | Self::NeverOurs { .. } => None,
            Self::Refused { .. } | Self::Late { .. } | Self::Disputed { .. } => None,
        }
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hidden { address, position } => {
                write!(
                    f,
                    "hidden       {address}: your receipt proves entry {position}; the pack goes beyond it and hides it"
                )
            }
            Self::Dropped { address, position, size } => {
                write!(
                    f,
                    "hidden       {address}: one pack shows entry {position}; the pack of {size} entries goes beyond it and hides it"
                )
            }
            Self::Moved { address, positions } => {
                let all: Vec<String> = positions.iter().map(u64::to_string).collect();
                let all = all.join(" and ");
                write!(
                    f,
                    "moved        {address}: your receipts and the packs prove it at entries {all}; an entry has one place"
                )
            }
            Self::CarriedInVain { address, carrier, at } => {
                write!(f, "ignored      {address}: {carrier} carried it in, stamped {at}; the pack does not show it")
            }
            Self::Altered { address, position, signer } => {
                write!(
                    f,
                    "altered      {address}: entry {position} says something else than what you have kept, signed by {signer}"
                )
            }
            Self::NeverOurs { address, position, signer } => {
                write!(f, "not yours    {address}: entry {position} is in your name, signed by {signer}")
            }
            Self::PackOlder { address, position, size } => {
                write!(
                    f,
                    "older pack   {address}: your receipt proves entry {position}; the pack ends at {size} entries, before it"
                )
            }
            Self::OnItsWay { address, carrier, at } => {
                write!(f, "on its way   {address}: {carrier} had it at {at}; the pack does not show it yet")
            }
            Self::NotShown { address, size, as_of } => {
                let until = as_of.map_or_else(String::new, |at| format!(" ({at})"));
                write!(f, "not in it    {address}: not in the log at {size} entries{until}, and you have no receipt")
            }
            Self::Elsewhere { address, position, other: false } => {
                write!(
                    f,
                    "elsewhere    {address}: entry {position} is signed with your key, and is not in what you gave"
                )
            }
            Self::Elsewhere { address, position, other: true } => {
                write!(
                    f,
                    "elsewhere    {address}: entry {position} is signed with your key and says something else than what you gave"
                )
            }
            Self::OtherKey { address, position, signer } => {
                write!(f, "other key    {address}: entry {position} is in your name, signed by {signer}")
            }
            Self::Refused { address, words } => write!(f, "refused      {address}: {words}"),
            Self::Late { address, position, days } => {
                write!(f, "late         {address}: entry {position} was received {days} days after it happened")
            }
            Self::Disputed { address, by } => write!(f, "disputed     {address}: by entry {by}"),
        }
    }
}

/// What is asked of the comparison.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Days after which a record counts as late, and after which what was carried in counts as ignored.
    pub late_days: i64,
    /// The party says that no key is its own but those that signed what it gave.
    pub no_other_keys: bool,
}

/// What the comparison says.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Events of the party that were set against a pack.
    pub covered: usize,
    /// The parties whose events those are.
    pub parties: BTreeSet<String>,
    /// Events that no pack given is about, by the stream of which a pack would show them.
    pub elsewhere: BTreeMap<String, usize>,
    /// What differs.
    pub found: Vec<Difference>,
}

impl Compared {
    /// How many differences have that weight.
    pub fn of(&self, weight: Weight) -> usize {
        self.found.iter().filter(|one| one.weight() == weight).count()
    }

    /// What to do about what cannot be told, each piece of advice once.
    pub fn advice(&self) -> Vec<&'static str> {
        let mut all = Vec::new();
        for one in self.found.iter().filter_map(Difference::advice) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }
}

/// Whether what a party kept is as it was signed, by the keys that these packs bring; nothing where they bring none of
/// them. A file of one's own that was damaged accuses nobody.
pub fn is_as_signed(packs: &[PackReport], signed: &SignedEvent) -> Option<bool> {
    let key = |line: &SignatureLine| packs.iter().find_map(|pack| pack.key(line));
    let mut known = signed.note.signatures.iter().filter_map(|line| Some((line, key(line)?))).peekable();
    known.peek()?;
    Some(known.all(|(line, key)| key.holds(signed.note.text.as_bytes(), &line.signature)))
}

/// What is known of where a party's records stand: whether it is a facility. FORMAT.md 8.1.
struct Places<'a> {
    packs: &'a [PackReport],
    facilities: BTreeMap<&'a str, bool>,
}

impl<'a> Places<'a> {
    /// As the packs tell it, and the party's own events: some types are of one role alone.
    fn new(packs: &'a [PackReport], own: impl Iterator<Item = &'a Own>) -> Self {
        let mut facilities = BTreeMap::new();
        for event in own.map(|one| &one.signed.event) {
            let kind = Catalogue::built_in().event(&event.kind);
            let authors = kind.map_or(&[][..], |kind| kind.authors.as_slice());
            let told = match packs.iter().find_map(|pack| pack.role(&event.by)) {
                Some(role) => Some(role == Role::Facility),
                None if authors == [Role::Facility] => Some(true),
                None if !authors.is_empty() && !authors.contains(&Role::Facility) => Some(false),
                None if event.text("organisation") == Some(&event.by) => {
                    event.text("role").map(|role| role == "facility")
                }
                None => None,
            };
            facilities.extend(told.map(|told| (event.by.as_str(), told)));
        }
        Self { packs, facilities }
    }

    /// The stream of which a pack shows an event because its author is who it is; both that it may be where nothing
    /// tells the author's role.
    fn streams(&self, event: &Event) -> Vec<String> {
        let kind = Catalogue::built_in().event(&event.kind);
        if let Some(stream) = kind.and_then(|kind| kind.stream.as_ref()) {
            return vec![format!("{stream}/{}", event.by)];
        }
        let named = |facility: bool| format!("{}/{}", if facility { "facility" } else { "organisation" }, event.by);
        let told = self.facilities.get(event.by.as_str());
        told.map_or_else(|| vec![named(true), named(false)], |facility| vec![named(*facility)])
    }

    /// The packs that must show an event, if it is in the log then, the newest first.
    fn about(&self, event: &Event) -> Vec<(usize, &'a PackReport)> {
        let streams = self.streams(event);
        let sure = |pack: &PackReport| {
            streams.contains(&pack.stream)
                && (streams.len() == 1 || pack.records.iter().any(|record| record.entry.signed.event.by == event.by))
        };
        let mut all: Vec<(usize, &PackReport)> = self.packs.iter().enumerate().filter(|(_, pack)| sure(pack)).collect();
        all.sort_by_key(|(_, pack)| std::cmp::Reverse(pack.size()));
        all
    }
}

/// Sets what a party has kept against packs, each of which was checked and holds.
pub fn compare(packs: &[PackReport], own: &[Own], asked: Asked) -> Compared {
    let mut out = Compared::default();
    let records: BTreeMap<u64, &Record> =
        packs.iter().flat_map(|pack| &pack.records).map(|record| (record.entry.position, record)).collect();
    // Where each pack shows which event: packs may differ in that.
    let mut places_of: BTreeMap<Hash, BTreeSet<u64>> = BTreeMap::new();
    let mut shown_in: BTreeSet<(usize, Hash)> = BTreeSet::new();
    for (number, record) in packs.iter().enumerate().flat_map(|(n, pack)| pack.records.iter().map(move |r| (n, r))) {
        let id = record.entry.signed.id();
        places_of.entry(id).or_default().insert(record.entry.position);
        shown_in.insert((number, id));
    }
    let by_id: BTreeMap<Hash, &Record> = records.values().map(|r| (r.entry.signed.id(), *r)).collect();
    let by_address: BTreeMap<String, &Record> =
        records.values().map(|r| (r.entry.signed.event.address(), *r)).collect();
    let kept: BTreeMap<Hash, &Own> = own.iter().map(|one| (one.signed.id(), one)).collect();
    let places = Places::new(packs, own.iter());
    let own_keys = own_keys(packs, &kept);
    let is_own = |record: &Record| {
        let first = record.entry.signed.note.signatures.first();
        first.is_some_and(|line| own_keys.contains(&(line.name.as_str(), line.id)))
    };
    let mut addresses = BTreeSet::new();
    let shown: BTreeSet<String> =
        kept.iter().filter(|(id, _)| by_id.contains_key(id)).map(|(_, one)| one.signed.event.address()).collect();
    for (id, one) in &kept {
        let (address, event) = (one.signed.event.address(), &one.signed.event);
        let about = places.about(event);
        let Some((_, pack)) = about.first() else {
            let stream = places.streams(event).join(" or ");
            *out.elsewhere.entry(stream).or_default() += 1;
            continue;
        };
        out.covered += 1;
        out.parties.insert(event.by.clone());
        addresses.insert(address.clone());
        // A receipt proves a place, and so does a pack: one, and in every pack of the stream that goes beyond it.
        let mut proven = places_of.get(id).cloned().unwrap_or_default();
        proven.extend(&one.receipted);
        if proven.len() > 1 {
            let positions = proven.iter().copied().collect();
            out.found.push(Difference::Moved { address: address.clone(), positions });
        }
        if let Some(position) = proven.first().copied()
            && let Some((_, hides)) =
                about.iter().find(|(n, pack)| position < pack.size() && !shown_in.contains(&(*n, *id)))
        {
            out.found.push(if one.receipted.contains(&position) {
                Difference::Hidden { address, position }
            } else {
                Difference::Dropped { address, position, size: hides.size() }
            });
            continue;
        }
        if let Some(record) = by_id.get(id) {
            let days = record.entry.received_at.date(0).days_since(event.at());
            if days > asked.late_days {
                out.found.push(Difference::Late { address, position: record.entry.position, days });
            }
            continue;
        }
        let (size, as_of) = (pack.size(), pack.report.as_of);
        if let Some(position) = one.receipted.first().copied() {
            out.found.push(Difference::PackOlder { address, position, size });
            continue;
        }
        // A row that was refused and signed again stands under the same address, and so did one that was signed twice.
        if shown.contains(&address) {
            continue;
        }
        let other = by_address.get(&address);
        out.found.push(match (other, one.refused.clone(), one.carried.clone()) {
            (_, Some(words), _) => Difference::Refused { address, words },
            (Some(record), ..) if is_own(record) => continue, // told below
            (Some(record), ..) if is_as_signed(packs, &one.signed) == Some(true) => {
                Difference::Altered { address, position: record.entry.position, signer: signer(packs, record) }
            }
            (_, _, Some((carrier, at))) => {
                let late = as_of.is_some_and(|as_of| as_of.date(0).days_since(at.date(0)) > asked.late_days);
                if late {
                    Difference::CarriedInVain { address, carrier, at }
                } else {
                    Difference::OnItsWay { address, carrier, at }
                }
            }
            (_, _, None) => Difference::NotShown { address, size, as_of },
        });
    }
    let altered: BTreeSet<u64> = out
        .found
        .iter()
        .filter_map(|one| if let Difference::Altered { position, .. } = one { Some(*position) } else { None })
        .collect();
    // Of two that a ref may mean, the first counts.
    let mut by_name: BTreeMap<&str, &String> = BTreeMap::new();
    for (address, record) in &by_address {
        by_name.insert(address, address);
        if let Some(id) = &record.entry.signed.event.id {
            by_name.entry(id).or_insert(address);
        }
    }
    for record in records.values() {
        let (event, position) = (&record.entry.signed.event, record.entry.position);
        let address = event.address();
        // The log signs these itself, in the operator's name.
        let is_the_logs = event.kind == SEAL || event.kind == GENESIS;
        let theirs = out.parties.contains(&event.by) && !is_the_logs && !altered.contains(&position);
        if theirs && !kept.contains_key(&record.entry.signed.id()) && !brings(&own_keys, event) {
            out.found.push(if is_own(record) {
                let other = addresses.contains(&address);
                Difference::Elsewhere { address, position, other }
            } else {
                let signer = signer(packs, record);
                if asked.no_other_keys {
                    Difference::NeverOurs { address, position, signer }
                } else {
                    Difference::OtherKey { address, position, signer }
                }
            });
        }
        if event.kind.ends_with(".disputed") {
            let targets =
                event.refs.values().flat_map(RefValue::targets).filter_map(|target| by_name.get(target.as_str()));
            out.found.extend(targets.map(|address| Difference::Disputed { address: (*address).clone(), by: position }));
        }
    }
    out
}

/// Keys that signed what was kept, and of which that was seen.
fn own_keys<'a>(packs: &[PackReport], kept: &BTreeMap<Hash, &'a Own>) -> BTreeSet<(&'a str, KeyId)> {
    let seen = kept.values().filter(|one| !one.receipted.is_empty() || is_as_signed(packs, &one.signed) == Some(true));
    seen.flat_map(|one| &one.signed.note.signatures).map(|line| (line.name.as_str(), line.id)).collect()
}

/// Whether an event brings one of these keys: enrolments are signed at the ledger's office, and kept there.
fn brings(own_keys: &BTreeSet<(&str, KeyId)>, event: &Event) -> bool {
    let brought = event.text("public_key").and_then(|text| Vkey::parse(text).ok());
    brought.is_some_and(|key| own_keys.contains(&(key.name.as_str(), key.id())))
}

/// Who signed a record first.
fn signer(packs: &[PackReport], record: &Record) -> Signer {
    let Some(line) = record.entry.signed.note.signatures.first() else {
        return Signer { name: String::new(), words: None };
    };
    let key = packs.iter().find_map(|pack| pack.key(line));
    Signer { name: line.name.clone(), words: key.map(|key| Fingerprint::of_key(key.vkey()).words()) }
}

/// The stamp in a note, if one of these keys signed it: a key of a holder of the carrier that it names, in the log
/// that it is for. FORMAT.md 20.2.
pub fn stamp(note: &Note, carriers: &[Vkey]) -> Option<Carried> {
    let stamp = Carried::parse(&note.text)?;
    let is_theirs = |key: &&Vkey| {
        key.alg == ALG_ED25519 && stamp.origin.holder_of(&key.name).is_some_and(|(party, _)| party == stamp.carrier)
    };
    let signed = carriers.iter().filter(is_theirs).filter_map(|key| PublicKey::new(key).ok()).any(|key| {
        note.signatures.iter().any(|line| {
            line.name == key.vkey().name && line.id == key.id() && key.holds(note.text.as_bytes(), &line.signature)
        })
    });
    signed.then_some(stamp)
}
