//! Which erasures are lawful (rule V-07), and whether what is called erased was erased by one.
//! FORMAT.md 17.
//!
//! A pure fold over the log: the check of a bundle, `ledger erase` and a restore ask the same one.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::{Catalogue, Kind, Role, Visibility};
use schemas::entry::Entry;
use schemas::event::{Event, RefValue};
use schemas::opening::BadOpening;
use schemas::value::Value;

use crate::audience::slot_visibility;
use crate::fault::Fault;

/// The type by which values are erased.
pub const ERASURE: &str = "erasure.executed";

/// One slot that an erasure names: the position of its entry, and its name.
pub type Target = (u64, String);

/// Why nothing may be erased by an entry. Rule V-07.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlawful {
    /// Not an erasure.
    #[error("entry {position} is not an erasure: name the erasure.executed by its number or address")]
    NotErasure {
        /// Its position.
        position: u64,
    },
    /// Not by the operator first and oversight second.
    #[error("no oversight body has signed it: an erasure needs the operator's and an oversight body's signature")]
    Cosigner,
    /// A public field: what is in the log stays.
    #[error("{address}: {field:?} is public: what is in the log stays there, correct it instead")]
    Public {
        /// Address of the target.
        address: String,
        /// The field.
        field: String,
    },
    /// A restricted value without a decision.
    #[error(
        "{address}, {field:?} is restricted: the request that the erasure names has no erasure.decided `granted` before it"
    )]
    NotGranted {
        /// Address of the target.
        address: String,
        /// The field.
        field: String,
    },
    /// Evidence of a finding that is still open.
    #[error("{address} is evidence of the finding {finding}, which is not closed")]
    Evidence {
        /// Address of the target.
        address: String,
        /// The finding.
        finding: String,
    },
}

/// In which roles an entry was signed, as the log knows them at its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles {
    /// The author's.
    pub author: Option<Role>,
    /// That of whoever signed second.
    pub approver: Option<Role>,
}

/// Erasures of the log as they come, and what they were judged to be.
#[derive(Debug, Default)]
pub struct Erasures {
    /// Fields that may be hidden and stand in public, by address.
    shown: BTreeSet<(String, String)>,
    /// Requests by id: whether for a lint, and whether granted so far.
    requests: BTreeMap<String, (bool, bool)>,
    /// Whether only some entries of the log are seen: then findings are not asked for. FORMAT.md 17.
    in_part: bool,
    /// Open findings with the addresses of their evidence.
    findings: BTreeMap<String, Vec<String>>,
    judged: BTreeMap<u64, Result<Vec<Target>, Unlawful>>,
    claims: Vec<Claim>,
}

#[derive(Debug)]
struct Claim {
    position: u64,
    address: String,
    slot: String,
    by: u64,
}

/// What an erasure names, lawful or not: addresses, each with every field.
pub fn named(erasure: &Event) -> impl Iterator<Item = (String, String)> {
    let fields = erasure.data.get("fields").and_then(Value::as_list).unwrap_or_default();
    let targets = erasure.refs.get("targets").map_or(&[][..], RefValue::targets);
    let fields = fields.iter().filter_map(Value::as_text);
    targets.iter().flat_map(move |address| fields.clone().map(|field| (address.clone(), field.to_owned())))
}

impl Erasures {
    /// Those of some entries of a log, as a pack shows them. A finding and its closing may stand in other streams, so what
    /// is evidence is not judged.
    pub(crate) fn in_part() -> Self {
        Self { in_part: true, ..Self::default() }
    }

    /// Takes the next entry of the log, with the roles of those who signed it. What is by none of the type's authors
    /// counts for nothing. `position_of` says where an address stands; the admission of the entry has seen to it that
    /// its targets stand before it.
    pub fn see(&mut self, entry: &Entry, roles: Roles, position_of: &dyn Fn(&str) -> Option<u64>) {
        let (event, position) = (&entry.signed.event, entry.position);
        let kind = Catalogue::built_in().event(&event.kind);
        if !kind.is_some_and(|kind| roles.author.is_some_and(|role| kind.authors.contains(&role))) {
            if event.kind == ERASURE {
                self.judged.insert(position, Err(Unlawful::Cosigner));
            }
            return;
        }
        let target = |name: &str| event.refs.get(name).map_or(&[][..], RefValue::targets);
        let first = |name: &str| target(name).first().cloned().unwrap_or_default();
        match event.kind.as_str() {
            "erasure.requested" => {
                let lint = event.text("basis") == Some("pii_lint");
                self.requests.insert(event.id.clone().unwrap_or_default(), (lint, false));
            }
            "erasure.decided" if event.text("decision") == Some("granted") => {
                if let Some((_, granted)) = self.requests.get_mut(&first("erasure")) {
                    *granted = true;
                }
            }
            "finding.issued" if !self.in_part => {
                self.findings.insert(event.id.clone().unwrap_or_default(), target("evidence").to_vec());
            }
            "finding.closed" => {
                self.findings.remove(&first("finding"));
            }
            ERASURE => {
                let judged = self.judge(event, roles.approver, position_of);
                self.judged.insert(position, judged);
            }
            _ => {}
        }
        for field in kind.into_iter().flat_map(|k| &k.fields).filter(|f| f.restricted_unless_named) {
            if event.data.contains_key(&field.name) {
                self.shown.insert((event.address(), field.name.clone()));
            }
        }
    }

    /// What an entry may erase.
    ///
    /// # Errors
    /// [`Unlawful`] says why nothing.
    pub fn lawful(&self, position: u64) -> Result<Vec<Target>, Unlawful> {
        self.judged.get(&position).cloned().unwrap_or(Err(Unlawful::NotErasure { position }))
    }

    /// Positions of all erasures, lawful or not, in order.
    pub fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        self.judged.keys().copied()
    }

    /// Takes note of a slot that says by which entry it was erased; that entry may come later.
    pub(crate) fn claim(&mut self, position: u64, address: &str, slot: &str, by: u64) {
        self.claims.push(Claim { position, address: address.to_owned(), slot: slot.to_owned(), by });
    }

    /// Whether a slot says that it was erased by an entry that a log of `size` entries does not have.
    pub(crate) fn names_after(&self, size: u64) -> bool {
        self.claims.iter().any(|claim| claim.by >= size)
    }

    /// The first slot that says so falsely, when all entries were seen; only entries before `judged` are asked.
    pub(crate) fn check(&self, judged: u64) -> Option<Fault> {
        let erases = |claim: &Claim| {
            let targets = self.judged.get(&claim.by)?.as_ref().ok()?;
            Some(targets.iter().any(|(position, slot)| *position == claim.position && *slot == claim.slot))
        };
        let falsely = self.claims.iter().find(|claim| claim.by < judged && erases(claim) != Some(true))?;
        let what = BadOpening::NotErased { slot: falsely.slot.clone(), by: falsely.by };
        Some(Fault::Opening { position: falsely.position, address: falsely.address.clone(), what })
    }

    /// Rule V-07 for one erasure, at its place in the log.
    fn judge(
        &self,
        event: &Event,
        approver_role: Option<Role>,
        position_of: &dyn Fn(&str) -> Option<u64>,
    ) -> Result<Vec<Target>, Unlawful> {
        if approver_role != Some(Role::Oversight) {
            return Err(Unlawful::Cosigner);
        }
        let fields = event.data.get("fields").and_then(Value::as_list).unwrap_or_default();
        let request = event.refs.get("erasure").and_then(|r| r.targets().first());
        let (lint, granted) = request.and_then(|id| self.requests.get(id)).copied().unwrap_or_default();
        let mut erased = BTreeSet::new();
        for address in event.refs.get("targets").map_or(&[][..], RefValue::targets) {
            // An address names its type: `<by>/<type>/<row>` (FORMAT.md 4.3).
            let kind = address.split('/').nth(1).and_then(|name| Catalogue::built_in().event(name));
            let (Some(position), Some(kind)) = (position_of(address), kind) else { continue };
            if let Some((finding, _)) = self.findings.iter().find(|(_, evidence)| evidence.contains(address)) {
                return Err(Unlawful::Evidence { address: address.clone(), finding: finding.clone() });
            }
            for field in fields.iter().filter_map(Value::as_text) {
                let (address, owned) = (address.clone(), field.to_owned());
                if !kind.slots().contains(&field) {
                    if kind.field(field).is_none() {
                        continue; // a field of another of the targets
                    }
                    return Err(Unlawful::Public { address, field: owned });
                }
                if self.shown.contains(&(address.clone(), owned.clone())) {
                    return Err(Unlawful::Public { address, field: owned });
                }
                let is_text = kind.field(field).is_some_and(|f| f.kind == Kind::Text);
                let restricted = slot_visibility(kind, field) == Visibility::Restricted;
                if restricted && !granted && !(lint && is_text) {
                    return Err(Unlawful::NotGranted { address, field: owned });
                }
                erased.insert((position, owned));
            }
        }
        Ok(erased.into_iter().collect())
    }
}
