//! Corrections and retractions: what later records say of earlier ones. `rules/RULES.md` 1.

use std::collections::{BTreeMap, BTreeSet};

use schemas::catalogue::{Catalogue, Visibility};
use schemas::time::Timestamp;
use schemas::value::Value;

use super::Filed;
use crate::cell;
use crate::digest::{Canon, Canonical, canonical};
use crate::record::Hidden;

/// What was corrected or retracted.
#[derive(Clone, Debug, Default)]
pub struct Amendments {
    /// By address of the record corrected, in log order.
    corrections: BTreeMap<String, Vec<Correction>>,
    retractions: Vec<(String, String)>,
    retracted: BTreeSet<String>,
}

/// One `record.corrected`.
#[derive(Clone, Debug)]
pub struct Correction {
    /// The record that corrects.
    pub record: Filed,
    /// Name of the field corrected.
    pub field: String,
    new: New,
}

#[derive(Clone, Debug)]
enum New {
    Value(Value),
    /// It is not at hand.
    Hidden(Hidden),
}

/// The value of a field at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// It has this value.
    Value(&'a Value),
    /// It has none.
    Absent,
    /// Nobody has shown us whether it has one, or nobody can: what depends on it is undetermined.
    Hidden(Hidden),
}

canonical!(Amendments { corrections, retractions, retracted });
canonical!(Correction { record, field, new });

impl Canonical for New {
    fn put(&self, into: &mut Canon<'_>) {
        match self {
            Self::Value(value) => into.structure(&[("value", value)]),
            Self::Hidden(why) => into.structure(&[("hidden", why)]),
        }
    }
}

impl Amendments {
    pub(super) fn apply(&mut self, record: &Filed) {
        let Some(target) = record.reference("target") else { return };
        match record.kind() {
            "record.corrected" => {
                if let Some(correction) = read(record, target) {
                    self.corrections.entry(target.to_owned()).or_default().push(correction);
                }
            }
            "record.retracted" => {
                self.retractions.push((record.address().to_owned(), target.to_owned()));
                self.weigh_retractions();
            }
            _ => {}
        }
    }

    /// A retraction that was itself retracted takes nothing away. Targets lie before what
    /// retracts them, so the last retraction is decided first.
    fn weigh_retractions(&mut self) {
        self.retracted.clear();
        for (own, target) in self.retractions.iter().rev() {
            if !self.retracted.contains(own) {
                self.retracted.insert(target.clone());
            }
        }
    }

    /// Whether the record at that address was retracted.
    pub fn is_retracted(&self, address: &str) -> bool {
        !self.retracted.is_empty() && self.retracted.contains(address)
    }

    /// The corrections of one record in log order, without retracted ones.
    pub fn of<'a>(&'a self, record: &Filed) -> impl DoubleEndedIterator<Item = &'a Correction> {
        let all = self.corrections.get(record.address()).map_or(&[][..], Vec::as_slice);
        all.iter().filter(|c| !self.is_retracted(c.record.address()))
    }

    /// val(e, f, t): the value of a field after the corrections received by `until`.
    pub fn value<'a>(&'a self, record: &'a Filed, field: &str, until: Timestamp) -> Known<'a> {
        let corrected = if self.corrections.is_empty() {
            None
        } else {
            self.of(record).rev().find(|c| c.field == field && c.record.received_at() <= until)
        };
        match (corrected.map(|c| &c.new), record.field(field)) {
            (Some(New::Value(value)), _) | (None, Some(value)) => Known::Value(value),
            (Some(New::Hidden(why)), _) => Known::Hidden(*why),
            (None, None) => record.hidden(field).map_or(Known::Absent, Known::Hidden),
        }
    }
}

/// Reads what a correction says. `None` where it names no field of its target or its text does
/// not fit the field: it then changes nothing, and stays in the log as what it is.
fn read(record: &Filed, target: &str) -> Option<Correction> {
    let name = record.field("field_name")?.as_text()?.to_owned();
    let kind = target.split('/').nth(1)?;
    let field = Catalogue::built_in().event(kind)?.field(&name)?;
    let own = match field.visibility {
        Visibility::Public => "new_value_public",
        Visibility::Restricted => "new_value_restricted",
        Visibility::Sealed => "new_value_sealed",
    };
    // A name is public or not by whose it is; the value is then in either place.
    let slots = [own, "new_value_public", "new_value_restricted", "new_value_sealed"];
    let new = match slots.iter().find_map(|slot| record.field(slot)) {
        Some(text) => {
            let lang = text.get("lang").and_then(Value::as_text).unwrap_or_default();
            New::Value(cell::value(field, text.get("text")?.as_text()?, lang)?)
        }
        // Of several slots the one that holds the field's values speaks first.
        None => New::Hidden(slots.iter().find_map(|slot| record.hidden(slot))?),
    };
    Some(Correction { record: record.clone(), field: name, new })
}

impl<'a> Known<'a> {
    /// The value, where there is one at hand.
    pub fn value(self) -> Option<&'a Value> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// Whether it is known to have none.
    pub fn is_absent(self) -> bool {
        self == Self::Absent
    }

    /// Why it is not at hand, where it is withheld or erased.
    pub fn hidden(self) -> Option<Hidden> {
        if let Self::Hidden(why) = self { Some(why) } else { None }
    }
}
