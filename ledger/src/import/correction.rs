//! `record.corrected`: the new value must be one that the field could have had.

use schemas::catalogue::{Catalogue, EventType, Field, Kind, Visibility};
use schemas::value::Value;

use super::cell;
use super::near::did_you_mean;
use super::privacy::visibility;
use super::problem::{Problems, What};
use super::row::{Row, World};

const NEW_VALUES: [(&str, Visibility); 3] = [
    ("new_value_public", Visibility::Public),
    ("new_value_restricted", Visibility::Restricted),
    ("new_value_sealed", Visibility::Sealed),
];

/// Checks one correction. `organisation` is the one that the target is about, where it is known, and `named` whether it
/// is shown by name, where that was said.
pub(crate) fn check(
    row: &mut Row<'_>,
    organisation: Option<&str>,
    named: Option<bool>,
    world: &World<'_>,
    told: &mut Problems,
) {
    let target = row.bare.first().and_then(|(_, items)| items.first());
    let Some(event) = target.and_then(|t| t.split('/').nth(1)).and_then(|name| Catalogue::built_in().event(name))
    else {
        return; // the ref itself is refused, and told
    };
    let Some(name) = row.text("field_name").map(str::to_owned) else { return };
    let Some(field) = event.field(&name) else {
        row.tell(told, row.column("field_name"), no_field(event, &name));
        return;
    };
    let filled: Vec<_> = NEW_VALUES.into_iter().filter(|(column, _)| row.fields.contains_key(*column)).collect();
    let [(column, given)] = filled[..] else {
        // A cell that could not be read was told already, and is no value left out.
        if !(filled.is_empty() && row.refused) {
            row.tell(told, row.column(NEW_VALUES[0].0), What::NewValues { count: filled.len() });
        }
        return;
    };
    let used = row.column(column);
    match visibility(field, organisation, named, world) {
        Some(seen) if seen != given => {
            let visibility = word(seen);
            row.tell(told, used, What::WrongNewValue { field: name, visibility });
        }
        None if given == Visibility::Sealed => {
            row.tell(told, used, What::WrongNewValue { field: name, visibility: word(Visibility::Restricted) });
        }
        _ => {}
    }
    let Some(value) = row.fields.get(column).cloned() else { return };
    let part = |name| value.get(name).and_then(Value::as_text).unwrap_or_default();
    let (text, lang) = (part("text"), part("lang"));
    if let Err(what) = new_value(field, text, lang, world) {
        row.tell(told, used, what);
    }
    let takes_pseudonym = matches!(field.kind, Kind::Party | Kind::Facility | Kind::Id);
    if given == Visibility::Public && !takes_pseudonym && world.parties.names_unnamed(text) {
        row.tell(told, used, What::UnnamedParty {});
    }
}

/// Reads the text as the cell of the field that it corrects. An amount stands as
/// `<amount> <currency>`, for a correction has one cell where a register has two.
fn new_value(field: &Field, text: &str, lang: &str, world: &World<'_>) -> Result<(), What> {
    let (text, beside) = match field.kind {
        Kind::Money => text.split_once(' ').unwrap_or((text, "")),
        _ => (text, lang),
    };
    let value = cell::value(field, &field.name, text, beside, None)?;
    let items = value.as_list().unwrap_or(std::slice::from_ref(&value));
    if !matches!(field.kind, Kind::Party | Kind::Facility) {
        return Ok(());
    }
    for party in items.iter().filter_map(Value::as_text) {
        match world.role_of(party) {
            Some(role) if field.kind == Kind::Facility && role.as_str() != "facility" => {
                return Err(What::NotAFacility { party: party.to_owned(), role: role.as_str() });
            }
            Some(_) => {}
            None => return Err(super::row::not_a_party(party, world)),
        }
    }
    Ok(())
}

fn no_field(event: &EventType, name: &str) -> What {
    let near = did_you_mean(name, event.fields.iter().map(|f| f.name.as_str()));
    What::NoSuchField { event: event.name.clone(), near }
}

fn word(visibility: Visibility) -> &'static str {
    match visibility {
        Visibility::Public => "public",
        Visibility::Restricted => "restricted",
        Visibility::Sealed => "sealed",
    }
}
