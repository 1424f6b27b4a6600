//! What an audience may read and was not given. FORMAT.md 19.
//!
//! Openings are chosen by the ledger's office, and nobody signs the choice. Whoever was to get them all can count what
//! is withheld although the catalogue lets this audience read it.

use std::collections::BTreeSet;

use schemas::catalogue::{Catalogue, Role};
use schemas::hash::Hash;
use schemas::opening::{OpeningLine, Slot};

use crate::audience::{Audience, slot_visibility};
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
}

impl<'a> Given<'a> {
    /// For `public`, `oversight` or a party, as the log names it; whatever else follows the check does so still.
    pub fn to(audience: &str, inner: &'a mut dyn Visitor) -> Self {
        let (slots, entries, named) = (0, BTreeSet::new(), Vec::new());
        Self { audience: audience.to_owned(), role: None, inner, slots, entries, named }
    }

    /// Says in the report what was not given. Nothing proves why: no key may have been left, or somebody kept it back.
    pub fn tell(self, report: &mut Report) {
        if self.slots == 0 || report.has_fault() {
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
            if holder.is_some_and(|holder| holder.party == self.audience) {
                self.role = role.or(self.role);
            }
        }
        let signed = &accepted.entry.signed;
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
