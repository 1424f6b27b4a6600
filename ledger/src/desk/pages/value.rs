//! Values as people read them.

use maud::{Markup, html};
use schemas::catalogue::{EventType, Field, Kind, Visibility};
use schemas::event::{Event, SignedEvent};
use schemas::opening::{Disclosure, Slot};
use schemas::time::Timestamp;
use schemas::value::Value;
use schemas::visible;
use verifier::audience::slot_visibility;

use super::shell::{View, mark};
use crate::outbox::Opening;

/// Everything that an event says, a line each, with who may read it.
pub fn event(view: &View<'_>, kind: Option<&'static EventType>, event: &Event, opening: &Opening) -> Markup {
    let hidden = slots(kind, opening);
    let field = |name: &str| kind.and_then(|kind| kind.field(name));
    html! {
        table.says {
            caption { (view.say("says")) }
            thead { tr { th scope="col" { (view.say("col-what")) } th scope="col" { (view.say("col-value")) } th scope="col" { (view.say("col-reader")) } } }
            tbody {
                (row(view, "at", view.say("on-day"), &html! { bdi { (event.at()) } }, Some(Visibility::Public)))
                @if let Some(id) = &event.id { (row(view, "id", view.say("its-number"), &html! { bdi { (view.office.pseudonyms.outside(id)) } }, Some(Visibility::Public))) }
                @for (name, targets) in &event.refs {
                    (row(view, name, "", &html! { @for target in targets.targets() { bdi { (view.office.pseudonyms.outside(target)) } " " } }, Some(Visibility::Public)))
                }
                @for (name, value) in &event.data {
                    (row(view, name, field(name).map_or("", |f| f.doc.as_str()), &shown(view, field(name), value), Some(Visibility::Public)))
                }
                @for (name, visibility, value) in &hidden {
                    @if let Some(value) = value {
                        (row(view, name, field(name).map_or("", |f| f.doc.as_str()), &shown(view, field(name), value), Some(*visibility)))
                    }
                }
            }
        }
        @let closed = hidden.iter().filter(|(_, visibility, value)| value.is_none() && *visibility == Visibility::Sealed).count();
        @if closed > 0 { p.note { (view.lang.count("says-sealed", closed, &[])) } }
    }
}

/// Every member of the event as it is signed, and every hidden value: two different contents never look the same
/// here, not even where they differ in what nobody sees.
pub fn exact(view: &View<'_>, kind: Option<&'static EventType>, signed: &SignedEvent, opening: &Opening) -> Markup {
    let members = signed.note.text.lines().nth(1).and_then(|json| Value::parse(json.as_bytes()).ok());
    let mut rows: Vec<(String, Option<String>)> = Vec::new();
    for (name, value) in
        members.iter().filter_map(|value| if let Value::Object(all) = value { Some(all) } else { None }).flatten()
    {
        match value {
            Value::Object(inner) if ["data", "refs"].contains(&name.as_str()) => {
                rows.extend(inner.iter().map(|(inside, value)| (format!("{name}.{inside}"), Some(value.to_json()))));
            }
            value => rows.push((name.clone(), Some(value.to_json()))),
        }
    }
    for (name, slot) in kind.map(EventType::slots).unwrap_or_default().into_iter().zip(&opening.slots) {
        let value = match slot {
            Slot::Open(text) => {
                Disclosure::parse(text).map(|d| d.value.map_or_else(|| "null".to_owned(), |v| v.to_json()))
            }
            Slot::Sealed(_) | Slot::Withheld | Slot::ErasedBy(_) => None,
        };
        rows.push((format!("hidden.{name}"), value));
    }
    html! {
        h2 { (view.say("exact")) }
        p.note { (view.say("exact-note")) }
        table.says.exact {
            caption { (view.say("exact-caption")) }
            thead { tr { th scope="col" { (view.say("col-what")) } th scope="col" { (view.say("col-value")) } } }
            tbody { @for (name, value) in &rows { tr {
                th scope="row" { code dir="ltr" { (name) } }
                td { @match value {
                    Some(json) => bdi dir="ltr" { code { (visible::exact(json)) } },
                    None => (view.say("exact-sealed")),
                } }
            } } }
        }
    }
}

fn row(view: &View<'_>, name: &str, doc: &str, value: &Markup, visibility: Option<Visibility>) -> Markup {
    let own = ["at", "id"].contains(&name);
    html! {
        tr {
            th scope="row" {
                @if own { (doc) } @else {
                    @if doc.is_empty() { span lang="en" dir="ltr" { (name.replace('_', " ")) } } @else { span lang="en" dir="ltr" { (doc) } }
                }
            }
            td { (value) }
            td { @if let Some(visibility) = visibility { (mark(view.lang, visibility)) } }
        }
    }
}

/// Hidden values by slot; nothing where the slot is empty, or sealed so that this machine cannot read it again.
fn slots(kind: Option<&'static EventType>, opening: &Opening) -> Vec<(String, Visibility, Option<Value>)> {
    let Some(kind) = kind else { return Vec::new() };
    let names = kind.slots();
    let one = |(name, slot): (&&str, &Slot)| {
        let visibility = slot_visibility(kind, name);
        match slot {
            Slot::Open(text) => {
                Disclosure::parse(text).and_then(|d| d.value).map(|value| ((*name).to_owned(), visibility, Some(value)))
            }
            Slot::Sealed(_) => Some(((*name).to_owned(), visibility, None)),
            Slot::Withheld | Slot::ErasedBy(_) => None,
        }
    };
    names.iter().zip(&opening.slots).filter_map(one).collect()
}

/// One value of a field, where it is one of the catalogue.
pub fn shown(view: &View<'_>, field: Option<&Field>, value: &Value) -> Markup {
    match (value, field.map(|field| field.kind)) {
        (Value::Bool(truth), _) => html! { (view.say(if *truth { "yes" } else { "no" })) },
        (Value::Integer(tenths), Some(Kind::Percent)) => html! { bdi { (tenths / 10) "." (tenths % 10) " %" } },
        (Value::Integer(number), _) => html! { bdi { (number) } },
        (Value::Text(code), Some(Kind::Code)) => html! { span lang="en" dir="ltr" { (code.replace('_', " ")) } },
        (Value::Text(party), Some(Kind::Party | Kind::Facility)) => {
            let party = view.office.pseudonyms.outside(party);
            html! { bdi { (view.office.name(&party)) } }
        }
        (Value::Text(text), kind) => {
            match Timestamp::parse(text).filter(|_| kind.is_none_or(|kind| kind == Kind::Time)) {
                Some(at) => view.clock(at),
                None => html! { bdi { (view.office.pseudonyms.outside(text)) } },
            }
        }
        (Value::List(items), _) => html! { ul.plain { @for item in items { li { (shown(view, field, item)) } } } },
        (Value::Object(members), _) => {
            let text = |name: &str| members.get(name).and_then(Value::as_text);
            match (text("text"), text("lang"), text("currency"), members.get("amount").and_then(Value::as_integer)) {
                (Some(text), Some(lang), ..) => html! { span.prose lang=(lang) dir="auto" { (text) } },
                (.., Some(currency), Some(amount)) => {
                    html! { bdi dir="ltr" { (schemas::currency::shown(amount, currency)) } }
                }
                _ => html! { bdi { (value.to_json()) } },
            }
        }
    }
}
