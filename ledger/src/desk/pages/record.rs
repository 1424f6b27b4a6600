//! One record: how far it has come, what it says, its receipt.

use maud::{Markup, html};

use super::shell::{View, icon, page};
use super::value;
use crate::desk::held::{Held, State, is_refused, kind, name};
use crate::desk::words::english;

/// What the other side said of a record that it may countersign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OtherSide {
    /// Nothing yet.
    Waits,
    /// It agrees, perhaps with reservations.
    Countersigned {
        /// Position of its record.
        position: u64,
    },
    /// It disputes the record.
    Disputed {
        /// Position of its record.
        position: u64,
    },
}

/// A receipt, checked.
#[derive(Debug)]
pub struct Proof {
    /// Six words of the entry, to compare.
    pub words: String,
    /// Whether it was checked against the institution's policy, and holds.
    pub holds: Option<bool>,
}

/// The page of a record.
pub fn draw(view: &View<'_>, held: &Held, settled: bool, other: Option<&OtherSide>, proof: Option<&Proof>) -> Markup {
    let event = &held.signed.event;
    let title = kind(held).map_or_else(|| html! { bdi { (event.kind) } }, |known| english(&known.summary));
    let name = name(&held.id);
    let can_correct = view.office.kind("record.corrected").is_some();
    let body = html! {
        p.kind { code dir="ltr" { (event.kind) } }
        h2 { (view.say("how-far")) }
        (ladder(view, held, other))
        @if let State::Refused { why, .. } = &held.state { (refusal(view, held, settled, why)) }
        @if let Some(proof) = proof {
            h2 { (view.say("receipt")) }
            p { (view.say("receipt-note")) }
            @match proof.holds {
                Some(true) => p { (icon("done")) " " (view.say("receipt-holds")) },
                Some(false) => p.told.error { (icon("refused")) " " (view.say("receipt-fails")) },
                None => p { (icon("waits")) " " (view.say("receipt-unchecked")) },
            }
            p.words { bdi dir="ltr" { (proof.words) } }
            ul.actions {
                li { a href=(view.link(&format!("records/{name}/paper"))) { (view.say("receipt-print")) } }
                li { a href=(view.link(&format!("records/{name}/receipt"))) download={ (name) ".tlog-proof" } { (view.say("receipt-save")) } }
            }
        }
        h2 { (view.say("says")) }
        (value::event(view, kind(held), event, &held.parcel.opening))
        h2 { (view.say("signed-by")) }
        ul.plain { @for line in &held.signed.note.signatures { li { bdi dir="ltr" { (line.name) } } } }
        @if can_correct && !is_refused(held) {
            h2 { (view.say("mistake")) }
            p { (view.say("mistake-note")) }
            ul.actions {
                li { a href=(view.link(&format!("record/record.corrected/of/{name}"))) { (view.say("correct")) } }
                li { a href=(view.link(&format!("record/record.retracted/of/{name}"))) { (view.say("retract")) } }
            }
        }
    };
    page(view, "records", &title, &body)
}

/// The steps of a record, each with a sign, a word, and when.
fn ladder(view: &View<'_>, held: &Held, other: Option<&OtherSide>) -> Markup {
    let lang = view.lang;
    let at =
        |moment: Option<schemas::time::Timestamp>| html! { @if let Some(moment) = moment { " " (view.clock(moment)) } };
    let (received, covered) = match &held.state {
        State::Recorded | State::Refused { .. } => (None, None),
        State::Received { position, at } => (Some((*position, *at)), None),
        State::Covered { position, size, received_at } => (Some((*position, *received_at)), Some(*size)),
    };
    let refused = is_refused(held);
    html! {
        ol.ladder {
            (step(view, true, &html! { strong { (view.say("state-recorded")) } (at(Some(held.recorded_at))) }, &html! { (view.say("recorded-note")) }))
            @if refused {
                li.refused { (icon("refused")) div { strong { (view.say("state-refused")) } p { (view.say("refused-note")) } } }
            } @else {
                (step(view, received.is_some(),
                    &html! { strong { (view.say("state-received")) }
                        @if let Some((position, moment)) = received { (at(Some(moment))) ", " (lang.tell("entry", &[("entry", &position)])) } },
                    &html! { (view.say("received-note")) }))
                (step(view, covered.is_some(),
                    &html! { strong { (view.say("state-covered")) } @if let Some(size) = covered { ", " (lang.tell("checkpoint", &[("size", &size)])) } },
                    &html! { (view.say("covered-note")) }))
                @if let Some(other) = other {
                    @let position = match other { OtherSide::Waits => None, OtherSide::Countersigned { position } | OtherSide::Disputed { position } => Some(*position) };
                    @if let OtherSide::Disputed { .. } = other {
                        li.disputed { (icon("late")) div { strong { (view.say("state-disputed")) } @if let Some(position) = position { ", " (lang.tell("entry", &[("entry", &position)])) } p { (view.say("disputed-note")) } } }
                    } @else {
                        (step(view, position.is_some(),
                            &html! { strong { (view.say("state-countersigned")) } @if let Some(position) = position { ", " (lang.tell("entry", &[("entry", &position)])) } },
                            &html! { (view.say("countersigned-note")) }))
                    }
                }
            }
        }
    }
}

fn step(view: &View<'_>, done: bool, head: &Markup, note: &Markup) -> Markup {
    html! {
        li.(if done { "done" } else { "next" }) {
            (icon(if done { "done" } else { "waits" }))
            div { (head) " " span.tag { (view.say(if done { "done" } else { "not-yet" })) } p { (note) } }
        }
    }
}

/// Why, and what to do.
fn refusal(view: &View<'_>, held: &Held, settled: bool, why: &str) -> Markup {
    html! {
        section.summary aria-labelledby="refused" {
            h2 id="refused" { (icon("refused")) (view.say("state-refused")) }
            p { (english(why)) }
            p { (view.say(if settled { "refused-settled" } else { "refused-do" })) }
            ul.actions {
                @if let Some(known) = kind(held).filter(|_| !settled) { li { a href=(view.link(&format!("record/{}", known.name))) { (view.say("refused-again")) } } }
                li { a href=(view.link(&format!("records/{}/refusal", name(&held.id)))) download={ (name(&held.id)) ".refusal" } { (view.say("refused-receipt")) } }
            }
        }
    }
}
