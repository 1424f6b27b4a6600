//! What an audience may read and was not given. FORMAT.md 19.
//!
//! Openings are chosen by the ledger's office, and nobody signs the choice. Whoever was to get them all can count what
//! is withheld although the catalogue lets this audience read it.

use std::collections::BTreeSet;

use schemas::catalogue::{Catalogue, Role};
use schemas::hash::Hash;
use schemas::opening::{OpeningLine, Slot};

use crate::audience::{Audience, names_party, slot_visibility};
use crate::bundle::{Opened, Visitor};
use crate::follower::Accepted;
use crate::report::Report;
use crate::verified::Verified;

/// Most entries that are named.
pub const NAMED_MAX: usize = 20;

/// Follows a check of a bundle with openings, and takes note of what is withheld from an audience that may read it.
pub struct Given<'a> {
    audience: String,
    role: Option<Role>,
    inner: &'a mut dyn Visitor,
    slots: u64,
    entries: BTreeSet<u64>,
    named: Vec<String>,
    /// Parties of the log, by the names that it has for them.
    parties: BTreeSet<String>,
}

/// Most parties that are named where the one asked about is none.
const PARTIES_NAMED_MAX: usize = 40;

impl<'a> Given<'a> {
    /// For `public`, `oversight` or a party, as the log names it; whatever else follows the check does so still.
    pub fn to(audience: &str, inner: &'a mut dyn Visitor) -> Self {
        let (slots, entries, named, parties) = (0, BTreeSet::new(), Vec::new(), BTreeSet::new());
        Self { audience: audience.to_owned(), role: None, inner, slots, entries, named, parties }
    }

    /// Says in the report what was not given. Nothing proves why: no key may have been left, or somebody kept it back.
    pub fn tell(self, report: &mut Report) {
        if report.has_fault() {
            return;
        }
        // Of somebody whom the log does not know it would be true that nothing is withheld, and say nothing.
        let is_known =
            matches!(self.audience.as_str(), "public" | "oversight") || self.parties.contains(&self.audience);
        if !is_known && report.head.is_some() {
            let names: Vec<&str> = self.parties.iter().take(PARTIES_NAMED_MAX).map(String::as_str).collect();
            let more = if self.parties.len() > names.len() { ", …" } else { "" };
            report.unknown.push(format!(
                "the log knows no party {} to be given openings: --audience takes public, oversight, or one of {}{more}; an \
                 organisation that the log does not name goes by its pseudonym, which its own packs and receipts show",
                self.audience,
                names.join(", ")
            ));
            return;
        }
        if self.slots == 0 {
            return;
        }
        let more = self.entries.len().saturating_sub(self.named.len());
        let more = if more == 0 { String::new() } else { format!(" and in {more} more entries") };
        report.unknown.push(format!(
            "{} hidden values of {} entries may be read by {} and are withheld in these openings: {}{more}; ask the ledger's \
             office for them, and why",
            self.slots,
            self.entries.len(),
            self.audience,
            self.named.join(", ")
        ));
    }
}

impl Visitor for Given<'_> {
    fn line(&mut self, entry: &Verified<Accepted>, line: Option<&OpeningLine>) {
        let accepted = entry.get();
        for (holder, role) in
            [(Some(&accepted.author), Some(accepted.role)), (accepted.approver.as_ref(), accepted.approver_role)]
        {
            if let Some(holder) = holder {
                if holder.party == self.audience {
                    self.role = role.or(self.role);
                }
                if !self.parties.contains(&holder.party) {
                    self.parties.insert(holder.party.clone());
                }
            }
        }
        let signed = &accepted.entry.signed;
        if names_party(&signed.event, &self.audience) && !self.parties.contains(&self.audience) {
            self.parties.insert(self.audience.clone());
        }
        if let Some(kind) = Catalogue::built_in().event(&signed.event.kind)
            && signed.event.hidden_root().is_some()
        {
            let audience = Audience::of(&self.audience, self.role);
            let withheld =
                |number: usize| line.is_none_or(|line| matches!(line.slots.get(number), None | Some(Slot::Withheld)));
            let names = kind.slots().into_iter().enumerate();
            let kept_back: Vec<&str> = names
                .filter(|(number, name)| withheld(*number) && audience.may_read(signed, slot_visibility(kind, name)))
                .map(|(_, name)| name)
                .collect();
            if !kept_back.is_empty() {
                self.slots += kept_back.len() as u64;
                self.entries.insert(accepted.entry.position);
                if self.named.len() < NAMED_MAX {
                    let (position, address) = (accepted.entry.position, signed.event.address());
                    self.named.push(format!("entry {position} ({address}) {}", kept_back.join(" and ")));
                }
            }
        }
        self.inner.line(entry, line);
    }

    fn entry(&mut self, entry: &Verified<Accepted>, opened: &Opened) {
        self.inner.entry(entry, opened);
    }

    fn document(&mut self, digest: Hash, bytes: &[u8]) {
        self.inner.document(digest, bytes);
    }

    fn progress(&mut self, step: &'static str, done: u64, total: u64) {
        self.inner.progress(step, done, total);
    }
}
