//! The form of one type of event.

use maud::{Markup, html};
use schemas::catalogue::Visibility;
use schemas::visible::Show as _;

use super::shell::{View, icon, mark, page};
use crate::desk::form::{Choice, Control, Form, Input};
use crate::desk::words::{Language, english};
use crate::import::{Problem, Severity};

/// The page of a form.
pub fn draw(view: &View<'_>, form: &Form) -> Markup {
    let lang = view.lang;
    let title = english(&form.kind.summary);
    let (asked, more): (Vec<&Input>, Vec<&Input>) = form.inputs.iter().partition(|input| input.required);
    let no_pen = view.office.pens().is_empty();
    let body = html! {
        p.kind { code dir="ltr" { (form.kind.name) } }
        @if form.wrong() > 0 { (summary(view, form)) }
        @if no_pen {
            p.told { (icon("refused")) (lang.tell("no-pen", &[("folder", &view.office.keys.shown().to_string())])) }
        }
        @if form.kind.signatures == 2 { p.note { (view.say("two-people")) } }
        p.note { (view.say("required-note")) }
        form.record method="post" enctype="multipart/form-data" action=(view.link(&format!("record/{}", form.kind.name))) novalidate {
            (view.hidden())
            input type="hidden" name="row" value=(form.row);
            @for input in asked { (question(view, form, input)) }
            @if !more.is_empty() {
                details open[more.iter().any(|input| !input.told.is_empty() || !input.values.is_empty())] {
                    summary { (lang.count("more-fields", more.len(), &[])) }
                    @for input in more { (question(view, form, input)) }
                }
            }
            @if form.warned {
                p.field { label.tick { input type="checkbox" name="looked" value="yes"; (view.say("looked")) } }
            }
            p.submit {
                button.main type="submit" { (view.say(if form.kind.signatures == 2 { "sign-first" } else { "sign" })) }
            }
            p.note { (view.say("sign-note")) }
        }
    };
    page(view, "record", &title, &body)
}

/// What is wrong, before everything else, each with a link to its question.
fn summary(view: &View<'_>, form: &Form) -> Markup {
    html! {
        section.summary role="alert" aria-labelledby="wrong" {
            h2 id="wrong" { (icon("refused")) (view.lang.count("wrong", form.wrong(), &[])) }
            p { (view.say("nothing-recorded")) }
            ul {
                @for problem in &form.told { li { (told(view.lang, problem)) } }
                @for input in &form.inputs { @for problem in &input.told {
                    li { a href={ "#" (anchor(input)) } { (name(view, form, input)) } ": " (told(view.lang, problem)) }
                } }
            }
        }
    }
}

/// One thing that is wrong: in the language of the interface where it has words for it, and as the importer says it.
pub fn told(lang: Language, problem: &Problem) -> Markup {
    let key = format!("problem-{}", problem.what.code());
    let exact = format!("{}; {}", problem.what, problem.what.advice());
    html! {
        @if lang != Language::English && lang.has(&key) { (lang.say(&key)) " " }
        (english(&exact))
    }
}

fn anchor(input: &Input) -> String {
    format!("f-{}", input.column)
}

/// The words of a question: the catalogue's, or the desk's own.
fn name(view: &View<'_>, form: &Form, input: &Input) -> Markup {
    match input.column.as_str() {
        "occurred_at" => html! { (view.say("f-occurred")) },
        "signer" => html! { (view.say("f-signer")) },
        "cosigner" => html! { (view.say("f-cosigner")) },
        "id" => view
            .lang
            .tell("f-id", &[("kind", &english(&form.kind.id_of.clone().unwrap_or_default().replace('_', " ")))]),
        _ if input.doc.is_empty() => view.lang.tell("f-ref", &[("name", &english(&input.column.replace('_', " ")))]),
        _ => english(&input.doc),
    }
}

fn question(view: &View<'_>, form: &Form, input: &Input) -> Markup {
    let (lang, id) = (view.lang, anchor(input));
    let group =
        matches!(input.control, Control::Many(_) | Control::When | Control::Truth | Control::Text(_) | Control::Money);
    let wrong = input.told.iter().any(|problem| problem.severity() != Severity::Warning);
    let unless_named = form.kind.field(&input.column).is_some_and(|field| field.restricted_unless_named);
    let head = html! {
        (name(view, form, input))
        @if input.required { " " span.required { (view.say("required")) } }
    };
    let help = html! {
        @if let Some(visibility) = input.visibility {
            p.reader id={ (id) "-who" } {
                (mark(lang, visibility)) " " (reader(lang, visibility, unless_named))
            }
        }
        @if let Some(hint) = hint(view, input) { p.hint id={ (id) "-hint" } { (hint) } }
        @for problem in &input.told {
            p.told.(if problem.severity() == Severity::Warning { "warning" } else { "error" }) id={ (id) "-told" } {
                (icon(if problem.severity() == Severity::Warning { "late" } else { "refused" })) span { (told(lang, problem)) }
            }
        }
    };
    let about = describes(view, input, &id);
    html! {
        div.field.wrong[wrong] {
            @if group {
                fieldset id=(id) tabindex="-1" aria-describedby=[about.clone()] {
                    legend { (head) }
                    (help)
                    (control(view, input, &id, None, wrong))
                }
            } @else {
                label for=(id) { (head) }
                (help)
                (control(view, input, &id, about.as_deref(), wrong))
            }
        }
    }
}

fn describes(view: &View<'_>, input: &Input, id: &str) -> Option<String> {
    let parts = [
        input.visibility.map(|_| "who"),
        hint(view, input).map(|_| "hint"),
        (!input.told.is_empty()).then_some("told"),
    ];
    let ids: Vec<String> = parts.into_iter().flatten().map(|part| format!("{id}-{part}")).collect();
    (!ids.is_empty()).then(|| ids.join(" "))
}

/// A plain sentence: who will be able to read it.
fn reader(lang: Language, visibility: Visibility, unless_named: bool) -> &'static str {
    lang.say(match visibility {
        _ if unless_named => "who-unless-named",
        Visibility::Public => "who-public",
        Visibility::Restricted => "who-restricted",
        Visibility::Sealed => "who-sealed",
    })
}

fn hint(view: &View<'_>, input: &Input) -> Option<Markup> {
    let say = |key| Some(html! { (view.say(key)) });
    match &input.control {
        Control::Moments => Some(view.lang.tell("hint-moments", &[("offset", &view.office.offset())])),
        Control::Moment | Control::When => Some(view.lang.tell("hint-local", &[("offset", &view.office.offset())])),
        Control::Lines(_) => say("hint-lines"),
        Control::Line(choices) if !choices.is_empty() => say("hint-choices"),
        Control::Line(_) if input.doc.is_empty() && input.column != "id" => say("hint-no-choices"),
        Control::Money => say("hint-money"),
        Control::Number(unit) if !unit.is_empty() => Some(view.lang.tell("hint-number", &[("unit", &english(unit))])),
        Control::Percent => say("hint-percent"),
        Control::One(choices) if input.column == "cosigner" && choices.is_empty() => say("hint-no-approver"),
        Control::One(_) if input.column == "cosigner" => say("hint-approver"),
        _ => None,
    }
}

fn control(view: &View<'_>, input: &Input, id: &str, about: Option<&str>, wrong: bool) -> Markup {
    let name = format!("f.{}", input.column);
    let beside = format!("b.{}", input.column);
    let value = input.values.first().map_or("", String::as_str);
    let invalid = wrong.then_some("true");
    let needed = input.required.then_some("true");
    let list = format!("{id}-list");
    let line = |kind: &str, mode: Option<&str>, choices: &[Choice]| {
        html! {
            input type=(kind) id=(id) name=(name) value=(value) inputmode=[mode] dir=[(kind == "text").then_some("auto")]
                list=[(!choices.is_empty()).then_some(list.as_str())] autocomplete="off" aria-describedby=[about] aria-invalid=[invalid] aria-required=[needed];
            (choose_from(&list, choices))
        }
    };
    match &input.control {
        Control::Fixed(party) => {
            html! { input type="text" id=(id) value=(view.office.name(party)) readonly aria-describedby=[about]; }
        }
        Control::Line(choices) => line("text", None, choices),
        Control::Number(_) => line("text", Some("numeric"), &[]),
        Control::Percent => line("text", Some("decimal"), &[]),
        Control::Day => line("date", None, &[]),
        Control::Moment => line("datetime-local", None, &[]),
        Control::When => html! {
            span.pair {
                label { (view.say("day")) input type="date" name=(name) value=(value) aria-invalid=[invalid] aria-required=[needed]; }
                label { (view.say("hour")) input type="time" name=(beside) value=(input.beside); }
            }
        },
        Control::Moments | Control::Lines(_) => {
            let text = input.values.join("\n");
            let choices: &[Choice] = if let Control::Lines(choices) = &input.control { choices } else { &[] };
            html! {
                textarea id=(id) name=(name) rows="3" dir="auto" aria-describedby=[about] aria-invalid=[invalid] aria-required=[needed] { (text) }
                @if !choices.is_empty() {
                    details.known { summary { (view.say("known")) } ul.plain { @for choice in choices { li { code dir="ltr" { (choice.value) } " " bdi { (choice.label) } } } } }
                }
            }
        }
        Control::One(choices) => html! {
            select id=(id) name=(name) aria-describedby=[about] aria-invalid=[invalid] aria-required=[needed] {
                option value="" selected[value.is_empty()] { (view.say("choose")) }
                @for choice in choices {
                    option value=(choice.value) selected[choice.value == value] { (choice.label) }
                }
            }
        },
        Control::Many(choices) => html! {
            div.ticks { @for choice in choices {
                label.tick { input type="checkbox" name=(name) value=(choice.value) checked[input.values.contains(&choice.value)]; bdi { (choice.label) } }
            } }
        },
        Control::Truth => html! {
            div.ticks {
                @for (truth, word) in [("true", "yes"), ("false", "no")] {
                    label.tick { input type="radio" name=(name) value=(truth) checked[value == truth]; (view.say(word)) }
                }
                @if !input.required { label.tick { input type="radio" name=(name) value="" checked[value.is_empty()]; (view.say("not-said")) } }
            }
        },
        Control::Text(languages) => html! {
            label.aloud for={ (id) "-text" } { (view.say("text")) }
            textarea id={ (id) "-text" } name=(name) rows="3" dir="auto" aria-invalid=[invalid] aria-required=[needed] { (value) }
            label.beside { (view.say("text-language")) select name=(beside) { @for tag in languages {
                option value=(tag) selected[*tag == input.beside] { (tag) }
            } } }
        },
        Control::Money => html! {
            span.pair {
                label { (view.say("amount")) input type="text" inputmode="numeric" name=(name) value=(value) autocomplete="off" aria-invalid=[invalid] aria-required=[needed]; }
                label { (view.say("currency")) input.short type="text" name=(beside) value=(input.beside) maxlength="3" autocomplete="off"; }
            }
        },
    }
}

fn choose_from(list: &str, choices: &[Choice]) -> Markup {
    html! { @if !choices.is_empty() { datalist id=(list) { @for choice in choices { option value=(choice.value) { (choice.label) } } } } }
}
