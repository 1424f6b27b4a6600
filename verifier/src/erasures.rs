//! Whether what is called erased was erased by an entry of the log. FORMAT.md 17.

use std::collections::BTreeMap;

use schemas::event::{Event, RefValue};
use schemas::opening::BadOpening;
use schemas::value::Value;

use crate::fault::Fault;

/// The type by which values are erased.
const ERASURE: &str = "erasure.executed";

/// Erasures that the log records, and slots that say they were erased.
#[derive(Debug, Default)]
pub(crate) struct Erasures {
    /// Addresses and fields, by the position of the erasure.
    done: BTreeMap<u64, (Vec<String>, Vec<String>)>,
    claims: Vec<Claim>,
}

#[derive(Debug)]
struct Claim {
    position: u64,
    address: String,
    slot: String,
    by: u64,
}

impl Erasures {
    /// Takes note of an entry that erases.
    pub fn see(&mut self, position: u64, event: &Event) {
        if event.kind != ERASURE {
            return;
        }
        let targets = event.refs.get("targets").map_or(&[][..], RefValue::targets).to_vec();
        let fields = event.data.get("fields").and_then(Value::as_list).unwrap_or_default();
        let fields = fields.iter().filter_map(Value::as_text).map(str::to_owned).collect();
        self.done.insert(position, (targets, fields));
    }

    /// Takes note of a slot that says by which entry it was erased; that entry may come later.
    pub fn claim(&mut self, position: u64, address: &str, slot: &str, by: u64) {
        self.claims.push(Claim { position, address: address.to_owned(), slot: slot.to_owned(), by });
    }

    /// The first slot that says so falsely, when all entries were seen.
    pub fn check(&self) -> Option<Fault> {
        let falsely = self.claims.iter().find(|claim| {
            !self
                .done
                .get(&claim.by)
                .is_some_and(|(targets, fields)| targets.contains(&claim.address) && fields.contains(&claim.slot))
        })?;
        let what = BadOpening::NotErased { slot: falsely.slot.clone(), by: falsely.by };
        Some(Fault::Opening { position: falsely.position, address: falsely.address.clone(), what })
    }
}
