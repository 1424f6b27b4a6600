//! The ledger's own gate, over what comes beside an event: its hidden values, and the lint of
//! public text. Auditors cannot replay it, for they lack the values. FORMAT.md 5, `design` 3.8.

use std::collections::BTreeSet;

use schemas::catalogue::{Catalogue, EventType, Kind, Visibility};
use schemas::event::Event;
use schemas::hash::Hash;
use schemas::lint;
use schemas::opening::{BadOpening, LINE_BYTES_MAX, OpeningLine, Slot, is_sealed_text};
use schemas::value::Value;
use verifier::audience::slot_visibility;

use crate::outbox::Opening;

/// More than the line of openings needs for a slot beside its text, and for its place and id.
const SLOT_BYTES: usize = 200;

/// Why the ledger does not take what comes beside an event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadIntake {
    /// The openings are not those that the event commits to.
    #[error("the hidden values do not belong to the event: {0}")]
    Opening(#[from] BadOpening),
    /// A required hidden value is missing.
    #[error("the field {field:?} is required: give its value with the event")]
    Missing {
        /// Its name.
        field: String,
    },
    /// A value is both public and hidden.
    #[error("the field {field:?} stands in public and in an opening: leave one out")]
    Twice {
        /// Its name.
        field: String,
    },
    /// A sealed value that anybody could read.
    #[error("the field {field:?} is sealed: encrypt its opening to the keys of oversight; nothing was recorded")]
    Readable {
        /// Its name.
        field: String,
    },
    /// A restricted value that the ledger cannot read.
    #[error("the field {field:?} is not sealed: give its opening as it is")]
    Closed {
        /// Its name.
        field: String,
    },
    /// What is adopted is not at hand: whoever is given the log later could not read it.
    #[error(
        "the document {digest} that it adopts is not kept here; the ledger's office adds it first (ledger document), then hand it in again"
    )]
    NotKept {
        /// Its digest, hex.
        digest: String,
    },
    /// A public text looks like personal data.
    #[error(
        "the public text {field:?} looks like a person's name or number; nothing was recorded: take it out, or put it into a restricted field"
    )]
    Personal {
        /// Its name.
        field: String,
    },
}

/// What came beside an event and fits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    /// Digests and slots; empty where the type has none.
    pub opening: Opening,
    /// A sealed field with a value that whoever keeps the ledger could read.
    pub readable: Option<String>,
}

impl Beside {
    /// Where `sealing`, oversight has keys to which sealed values are encrypted, and the ledger does not take
    /// them readable.
    ///
    /// # Errors
    /// [`BadIntake::Readable`].
    pub fn check(&self, sealing: bool) -> Result<(), BadIntake> {
        match &self.readable {
            Some(field) if sealing => Err(BadIntake::Readable { field: field.clone() }),
            _ => Ok(()),
        }
    }
}

/// Checks what comes beside an event, as far as that does not depend on what the log holds: [`Beside::check`]
/// says the rest.
///
/// # Errors
/// [`BadIntake`] says what the reporter must mend; personal data is never repeated.
pub fn check(event: &Event, id: Hash, opening: Opening) -> Result<Beside, BadIntake> {
    let none = Beside { opening: Opening::default(), readable: None };
    let Some(kind) = Catalogue::built_in().event(&event.kind) else { return Ok(none) };
    check_text(event, kind)?;
    let Some(root) = event.hidden_root() else {
        let got = opening.slots.len().max(opening.digests.len());
        return if got == 0 { Ok(none) } else { Err(BadOpening::Count { want: 0, got }.into()) };
    };
    if opening.slots.iter().any(|slot| matches!(slot, Slot::Sealed(text) if !is_sealed_text(text))) {
        return Err(BadOpening::Form.into());
    }
    let line = OpeningLine { entry: 0, event: id, digests: opening.digests, slots: opening.slots };
    let values = line.check(root, kind)?;
    let text = |slot: &Slot| match slot {
        Slot::Open(text) | Slot::Sealed(text) => text.len(),
        _ => 0,
    };
    // A line has its place, id and digests too; the longest is not worth counting to the byte.
    if line.slots.iter().map(|slot| text(slot) + SLOT_BYTES).sum::<usize>() + SLOT_BYTES > LINE_BYTES_MAX {
        return Err(BadOpening::Form.into());
    }
    let (mut sealed, mut readable) = (BTreeSet::new(), None);
    for (name, slot) in kind.slots().into_iter().zip(&line.slots) {
        let for_oversight = slot_visibility(kind, name) == Visibility::Sealed;
        match slot {
            Slot::Open(_) => {
                if for_oversight && readable.is_none() && values.contains_key(name) {
                    readable = Some(name.to_owned());
                }
            }
            Slot::Sealed(_) if for_oversight => {
                sealed.insert(name);
            }
            _ => return Err(BadIntake::Closed { field: name.to_owned() }),
        }
    }
    for field in kind.fields.iter().filter(|f| f.is_slot()) {
        let (hidden, public) = (values.contains_key(&field.name), event.data.contains_key(&field.name));
        if hidden && public {
            return Err(BadIntake::Twice { field: field.name.clone() });
        }
        // What is sealed cannot be looked at: that it is filled is for the author to see to.
        if field.required && !hidden && !public && !sealed.contains(field.name.as_str()) {
            return Err(BadIntake::Missing { field: field.name.clone() });
        }
    }
    Ok(Beside { opening: Opening { digests: line.digests, slots: line.slots }, readable })
}

/// `rules` 3: nothing that looks like a person's name or number in a public text.
fn check_text(event: &Event, kind: &EventType) -> Result<(), BadIntake> {
    for (name, value) in &event.data {
        let text = match kind.field(name).map(|f| f.kind) {
            Some(Kind::Text) => value.get("text").and_then(Value::as_text),
            _ => None,
        };
        if text.is_some_and(|t| lint::lint_folded(t).is_some()) {
            return Err(BadIntake::Personal { field: name.clone() });
        }
    }
    Ok(())
}
