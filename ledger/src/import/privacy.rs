//! What must not be printed for ever: persons, register numbers, parties that are not named.

use schemas::catalogue::{Field, Kind, Visibility};
use schemas::lint::lint_folded;
use schemas::value::Value;

use super::columns::Use;
use super::parties::IdentityMode;
use super::problem::{Problems, What};
use super::row::{Row, World};

/// Looks at every text of a row, and at its names, which are printed as well.
pub(crate) fn check(row: &mut Row<'_>, world: &World<'_>, told: &mut Problems) {
    let names = [(Use::RowId, Some(row.row_id.clone())), (Use::Id, row.id.clone())];
    for (used, name) in names {
        if let Some(lint) = name.as_deref().and_then(lint_folded) {
            row.tell(told, Some(used), What::PersonalText { lint });
        }
    }
    let event = row.sheet.event;
    for (n, field) in event.fields.iter().enumerate() {
        for what in row
            .fields
            .get(&field.name)
            .into_iter()
            .flat_map(|value| of_value(row, field, value, world))
            .collect::<Vec<_>>()
        {
            row.tell(told, Some(Use::Field(n)), what);
        }
    }
    mode(row, world, told);
}

fn of_value(row: &Row<'_>, field: &Field, value: &Value, world: &World<'_>) -> Vec<What> {
    let named = row.own_mode().or_else(|| world.known.is_named(row.about()?));
    let public =
        visibility(field, row.text("organisation"), named, world) != Some(Visibility::Restricted) && field.is_public();
    let own = row.about().filter(|_| named == Some(true) && field.restricted_unless_named);
    let mut found = Vec::new();
    for text in strings(field, value) {
        match lint_folded(text) {
            Some(lint) if public => found.push(What::PersonalText { lint }),
            Some(lint) => found.push(What::HiddenPersonalText { lint }),
            None => {}
        }
        // A correction's text may be a party value, and then takes a pseudonym like any other:
        // `correction` asks what it is.
        if public
            && field.kind == Kind::Text
            && row.sheet.event.name != "record.corrected"
            && world.parties.names_unnamed_but(text, own)
        {
            found.push(What::UnnamedParty {});
        }
    }
    found
}

/// The free strings of a value: texts, and ids that people make up.
fn strings<'v>(field: &Field, value: &'v Value) -> Vec<&'v str> {
    match field.kind {
        Kind::Text => value.get("text").and_then(Value::as_text).into_iter().collect(),
        Kind::Id => value.as_list().unwrap_or(std::slice::from_ref(value)).iter().filter_map(Value::as_text).collect(),
        _ => Vec::new(),
    }
}

/// Looks once more at the name of an organisation that an earlier row, and not the list of parties, made public.
pub(crate) fn check_shown(row: &mut Row<'_>, world: &World<'_>, told: &mut Problems) {
    let known = row.own_mode().or_else(|| world.known.is_named(row.about()?));
    let event = row.sheet.event;
    for (n, field) in event.fields.iter().enumerate().filter(|(_, field)| field.restricted_unless_named) {
        if visibility(field, row.text("organisation"), known, world) == Some(Visibility::Public) {
            continue; // it was looked at as what it is
        }
        let Some(value) = row.fields.get(&field.name) else { continue };
        let lints: Vec<_> = strings(field, value).into_iter().filter_map(lint_folded).collect();
        lints.into_iter().for_each(|lint| row.tell(told, Some(Use::Field(n)), What::PersonalText { lint }));
    }
}

/// Who sees a field of an event about that organisation, of which the log or these rows have said whether it is `named`;
/// the list of parties says it before that. `None` where it hangs on a party that is not known.
pub(crate) fn visibility(
    field: &Field,
    organisation: Option<&str>,
    named: Option<bool>,
    world: &World<'_>,
) -> Option<Visibility> {
    if !field.restricted_unless_named {
        return Some(field.visibility);
    }
    let listed = || Some(world.parties.get(organisation?)?.identity_mode.is_named());
    Some(if named.or_else(listed)? { Visibility::Public } else { Visibility::Restricted })
}

/// A registration that names a party where `parties.csv` hides it, or the other way round: from its first event on it
/// stands in the log under its id, or under a pseudonym. What an `organisation.updated` says later holds from then on.
fn mode(row: &mut Row<'_>, world: &World<'_>, told: &mut Problems) {
    if row.sheet.event.name == "organisation.updated" {
        return;
    }
    let Some(mode) = row.text("identity_mode").and_then(IdentityMode::parse) else { return };
    let party = row.text("organisation").and_then(|id| world.parties.get(id));
    if let Some(party) = party.filter(|party| party.identity_mode.is_named() != mode.is_named()) {
        let what = What::ModeDiffers { party: party.id.clone() };
        row.tell(told, row.column("identity_mode"), what);
    }
}
