//! The ledger's own gate, over what comes beside an event: its hidden values, and the lint of
//! public text. Auditors cannot replay it, for they lack the values. FORMAT.md 5, `design` 3.8.

use schemas::catalogue::{Catalogue, EventType, Kind};
use schemas::event::Event;
use schemas::hash::Hash;
use schemas::lint;
use schemas::opening::{BadOpening, Disclosure, OpeningLine};
use schemas::value::Value;

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
    /// A public text looks like personal data.
    #[error(
        "the public text {field:?} looks like a person's name or number; nothing was recorded: take it out, or put it into a restricted field"
    )]
    Personal {
        /// Its name.
        field: String,
    },
}

/// Checks the disclosures of an event; gives the line that will lie beside its entry.
///
/// # Errors
/// [`BadIntake`] says what the reporter must mend; personal data is never repeated.
pub fn check(event: &Event, id: Hash, position: u64, disclosures: &[String]) -> Result<String, BadIntake> {
    let Some(kind) = Catalogue::built_in().event(&event.kind) else { return Ok(String::new()) };
    check_text(event, kind)?;
    let Some(root) = event.hidden_root() else {
        let got = disclosures.len();
        return if got == 0 { Ok(String::new()) } else { Err(BadOpening::Count { want: 0, got }.into()) };
    };
    let parsed: Option<Vec<Disclosure>> = disclosures.iter().map(|d| Disclosure::parse(d)).collect();
    let line = OpeningLine::open(position, id, &parsed.ok_or(BadOpening::Form)?);
    let values = line.check(root, kind)?;
    for field in kind.fields.iter().filter(|f| f.is_slot()) {
        let (hidden, public) = (values.contains_key(&field.name), event.data.contains_key(&field.name));
        if hidden && public {
            return Err(BadIntake::Twice { field: field.name.clone() });
        }
        if field.required && !hidden && !public {
            return Err(BadIntake::Missing { field: field.name.clone() });
        }
    }
    Ok(line.to_json())
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
