//! A value from the text of a register cell, as corrections carry it. `rules/RULES.md` 1, "Correction".

use schemas::catalogue::{Field, Kind};
use schemas::value::Value;

/// Reads a cell's text as a value of this field. `lang` is the language of a text; money is
/// written `<minor units> <currency>`. `None` where the text does not fit the field.
pub(crate) fn value(field: &Field, text: &str, lang: &str) -> Option<Value> {
    let value = if field.list {
        Value::List(text.split(';').map(|item| one(field.kind, item, lang)).collect::<Option<_>>()?)
    } else {
        one(field.kind, text, lang)?
    };
    field.check(&value).is_ok().then_some(value)
}

fn one(kind: Kind, text: &str, lang: &str) -> Option<Value> {
    let whole = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse::<i64>().ok() } else { None }
    };
    Some(match kind {
        Kind::Count | Kind::Persons | Kind::Minutes | Kind::Hours | Kind::Days => Value::Integer(whole(text)?),
        Kind::Percent => {
            let (ones, tenth) = text.split_once('.').unwrap_or((text, "0"));
            let tenth = if tenth.len() == 1 { whole(tenth)? } else { return None };
            Value::Integer(whole(ones)?.checked_mul(10)?.checked_add(tenth)?)
        }
        Kind::Money => {
            let (amount, currency) = text.split_once(' ')?;
            Value::money(whole(amount)?, currency)
        }
        Kind::Text => Value::localised(lang, text),
        Kind::Bool => Value::Bool(match text {
            "true" => true,
            "false" => false,
            _ => return None,
        }),
        _ => Value::Text(text.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::catalogue::Catalogue;

    #[test]
    fn cells_are_read_as_their_field_wants() {
        let list = |items: &[&str]| Value::List(items.iter().map(|i| Value::Text((*i).to_owned())).collect());
        for (event, field, text, want) in [
            ("visit.completed", "wait", "12", Some(Value::Integer(12))),
            ("visit.completed", "wait", "-1", None),
            ("visit.completed", "wait", "1.5", None),
            ("visit.completed", "completion", "entry_refused", Some(Value::Text("entry_refused".to_owned()))),
            ("visit.completed", "completion", "refused", None),
            ("visit.completed", "visited_on", "2025-02-29", None),
            ("visit.completed", "private_interviews_refused", "true", Some(Value::Bool(true))),
            ("visit.completed", "private_interviews_refused", "yes", None),
            ("organisation.registered", "state_funding", "97", Some(Value::Integer(970))),
            ("organisation.registered", "state_funding", "12.5", Some(Value::Integer(125))),
            ("organisation.registered", "state_funding", "12.55", None),
            ("organisation.registered", "state_funding", "100.1", None),
            ("organisation.registered", "name", "Été", Some(Value::localised("fr", "Été"))),
            ("organisation.registered", "name", "", None),
            ("funding.committed", "amount", "1200 XTS", Some(Value::money(1200, "XTS"))),
            ("funding.committed", "amount", "1200", None),
            ("training.delivered", "topics", "gender;age", Some(list(&["gender", "age"]))),
            ("training.delivered", "topics", "gender;gender", None),
            ("training.delivered", "topics", "", None),
        ] {
            let field = Catalogue::built_in().event(event).unwrap().field(field).unwrap();
            assert_eq!(value(field, text, "fr"), want, "{event} {} {text:?}", field.name);
        }
    }
}
