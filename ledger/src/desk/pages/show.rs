//! From what was asked to the page that answers it.

use axum::http::StatusCode;
use maud::{Markup, Render, html};
use schemas::catalogue::EventType;
use schemas::policy::Policy;
use verifier::report::Verdict;

use super::shell::{View, icon, page};
use super::{approve, file, form, home, line, owed, record, records, value};
use crate::desk::form::Form;
use crate::desk::held::{State, is_refused, name};
use crate::desk::http::Room;
use crate::desk::posted::Posted;
use crate::desk::words::{Language, english};
use crate::desk::work::{BadWork, Filled, NotApproved, NotTaken};
use crate::duties::{self, Owed};
use crate::outpost::Before;

/// A page with its status.
pub(crate) type Shown = (StatusCode, Markup);

/// Draws pages of one desk.
pub(crate) struct Show<'a> {
    /// The desk with its door.
    pub room: &'a Room,
}

impl<'a> Show<'a> {
    fn lang(&self) -> Language {
        self.room.desk.language()
    }

    fn view(&self) -> View<'a> {
        let state = self.room.desk.standing();
        let (desk, door) = (&self.room.desk, &self.room.door);
        View {
            lang: desk.language(),
            office: &desk.office,
            base: door.path(),
            number: door.form(),
            now: desk.now(),
            state,
        }
    }

    fn failed(&self, why: &dyn std::fmt::Display) -> Shown {
        self.told(StatusCode::INTERNAL_SERVER_ERROR, why)
    }

    fn told(&self, status: StatusCode, why: &dyn std::fmt::Display) -> Shown {
        let why = english(&why.to_string());
        self.plain(status, &self.lang().tell("could-not", &[("why", &why)]))
    }

    /// A page with one sentence.
    fn plain(&self, status: StatusCode, sentence: &Markup) -> Shown {
        let view = self.view();
        let title = html! { (view.say(if status == StatusCode::OK { "line" } else { "not-done" })) };
        let body = html! {
            section.summary role="alert" { p { (icon("refused")) " " (sentence) } }
            p { a href=(view.link("")) { (view.say("back")) } }
        };
        (status, page(&view, "-", &title, &body))
    }

    pub fn no_page(&self) -> Shown {
        self.plain(StatusCode::NOT_FOUND, &self.lang().say("no-page").render())
    }

    /// What was asked of a page that does nothing of the kind.
    pub fn no_act(&self) -> Shown {
        self.plain(StatusCode::METHOD_NOT_ALLOWED, &self.lang().say("no-page").render())
    }

    pub fn too_much(&self) -> Markup {
        self.plain(StatusCode::PAYLOAD_TOO_LARGE, &self.lang().say("too-much").render()).1
    }

    pub fn bad_form(&self) -> Markup {
        self.plain(StatusCode::BAD_REQUEST, &self.lang().say("bad-form").render()).1
    }

    pub fn home(&self) -> Shown {
        let desk = &self.room.desk;
        let often = desk.office.often(&desk.seen());
        (StatusCode::OK, home::draw(&self.view(), &often, desk.owed().as_deref()))
    }

    pub fn forms(&self, words: &str) -> Shown {
        let desk = &self.room.desk;
        (StatusCode::OK, home::forms(&self.view(), &desk.office, &desk.office.often(&desk.seen()), words))
    }

    /// An empty form; with a position, prefilled with what the record there asks for.
    pub fn form(&self, kind: &str, position: Option<u64>) -> Shown {
        let desk = &self.room.desk;
        let Some(kind) = desk.office.kind(kind) else { return self.no_page() };
        let seen = desk.seen();
        let asked = position.and_then(|position| seen.at(position));
        (StatusCode::OK, form::draw(&self.view(), &Form::blank(kind, &desk.office, &seen, desk.now(), asked)))
    }

    /// An empty form about a record of this desk: a correction, a retraction.
    pub fn form_of(&self, kind: &str, name: &str) -> Shown {
        let desk = &self.room.desk;
        let (Some(kind), Some(held)) = (desk.office.kind(kind), desk.find(name)) else { return self.no_page() };
        let mut form = Form::blank(kind, &desk.office, &desk.seen(), desk.now(), None);
        form.about("target", &desk.office.pseudonyms.outside(&held.signed.event.address()));
        (StatusCode::OK, form::draw(&self.view(), &form))
    }

    /// Takes a filled form; where to go, or the form again.
    pub fn fill(&self, kind: &str, posted: &Posted) -> Result<String, Shown> {
        let kind = self.room.desk.office.kind(kind).ok_or_else(|| self.no_page())?;
        match self.room.desk.fill(kind, posted) {
            Ok(Filled::Recorded(name)) => Ok(format!("records/{name}")),
            Ok(Filled::Waits(name)) => Ok(format!("approve/{name}")),
            Ok(Filled::Before(before)) => Err(self.before(kind, &before)),
            Ok(Filled::Again(form)) => Err((StatusCode::UNPROCESSABLE_ENTITY, form::draw(&self.view(), &form))),
            Err(why) => Err(self.failed(&why)),
        }
    }

    /// A form that was recorded before and says something else now: what was recorded, and what to do.
    fn before(&self, kind: &'static EventType, before: &Before) -> Shown {
        let view = self.view();
        let title = html! { (view.say("before-title")) };
        let (event, opening) = match self.room.desk.find(&name(&before.id)) {
            Some(held) => (held.signed.event, held.parcel.opening),
            None => match self.room.desk.waiting().into_iter().find(|one| one.id == before.id) {
                Some(one) => (one.signed.event, one.parcel.opening),
                None => return self.no_page(),
            },
        };
        // An honest repeat is no conflict; what is sealed, only who reads it can tell.
        let is_same = before.beside.differs.is_empty() && !before.beside.sealed.is_empty();
        let to = format!("{}/{}", if before.waits { "approve" } else { "records" }, name(&before.id));
        let columns = |columns: &[String]| html! { @for (n, column) in columns.iter().enumerate() { @if n > 0 { ", " } code dir="ltr" { (column) } } };
        let body = html! {
            section.summary role="alert" {
                p { (icon("refused")) " " strong { (view.say(if is_same { "before-maybe" } else { "before-said" })) } }
                @if !before.beside.differs.is_empty() { p { (view.lang.tell("before-differs", &[("columns", &columns(&before.beside.differs))])) } }
                @if !before.beside.sealed.is_empty() { p { (view.lang.tell("before-sealed", &[("columns", &columns(&before.beside.sealed))])) } }
            }
            (value::event(&view, Some(kind), &event, &opening))
            ul.actions {
                li { a href=(view.link(&to)) { (view.say("before-record")) } }
                li { a href=(view.link(&format!("record/{}", kind.name))) { (view.say("before-new")) } }
            }
        };
        let status = if is_same { StatusCode::OK } else { StatusCode::CONFLICT };
        (status, page(&view, "record", &title, &body))
    }

    pub fn file(&self, wrong: Option<&Markup>) -> Shown {
        let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        (status, file::ask(&self.view(), wrong))
    }

    pub fn try_file(&self, posted: &Posted) -> Shown {
        let files: Vec<_> = posted.files("file").collect();
        if files.is_empty() {
            return self.file(Some(&self.lang().say("file-none").render()));
        }
        match self.room.desk.try_files(&files, posted.field("charset")) {
            Ok(()) => {
                let view = self.view();
                let (good, shown) =
                    self.room.desk.tried(|tried| (tried.problems.is_empty(), file::result(&view, tried, None)));
                (if good { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }, shown)
            }
            // No page of the desk asks for it: the form is not one of the desk's.
            Err(why @ BadWork::Charset(_)) => self.told(StatusCode::BAD_REQUEST, &why),
            Err(why) => self.failed(&why),
        }
    }

    pub fn take_file(&self, posted: &Posted) -> Shown {
        let lang = self.lang();
        match self.room.desk.take_files(posted.field("number"), posted.is_ticked("good")) {
            Ok(taken) => {
                let view = self.view();
                let title = html! { (view.say("nav-file")) };
                let body = html! {
                    section.summary role="status" {
                        p { (icon("done")) " " strong { (lang.count("file-recorded", taken.recorded, &[])) } }
                        @if taken.waiting > 0 { p { (icon("waits")) " " a href=(view.link("approve")) { (lang.count("file-waiting", taken.waiting, &[])) } } }
                    }
                    p { a href=(view.link("records")) { (view.say("nav-records")) } }
                    p { a href=(view.link("file")) { (view.say("file-other")) } }
                };
                (StatusCode::OK, page(&view, "file", &title, &body))
            }
            Err(BadWork::Stale) => self.file(Some(&lang.say("file-stale").render())),
            Err(BadWork::Refused) => {
                let view = self.view();
                let wrong = Some(lang.say("file-not-all"));
                let shown = self.room.desk.tried(|tried| file::result(&view, tried, wrong));
                (StatusCode::UNPROCESSABLE_ENTITY, shown)
            }
            Err(why) => self.failed(&why),
        }
    }

    pub fn records(&self, from: usize) -> Shown {
        (StatusCode::OK, records::draw(&self.view(), &self.room.desk.held(), &self.room.desk.settled(), from))
    }

    pub fn record(&self, name: &str) -> Shown {
        let Some(held) = self.room.desk.find(name) else { return self.no_page() };
        let (other, settled) = (self.room.desk.other_side(&held), self.room.desk.settled().contains(&held.id));
        let text = held.receipt.as_deref().filter(|_| matches!(held.state, State::Covered { .. }));
        let proof = text.and_then(|text| self.proof(text));
        (StatusCode::OK, record::draw(&self.view(), &held, settled, other.as_ref(), proof.as_ref()))
    }

    fn proof(&self, text: &str) -> Option<record::Proof> {
        let receipt = schemas::receipt::Receipt::parse(text).ok()?;
        let leaf = schemas::hash::Hash::leaf(receipt.entry.as_deref()?);
        let words = schemas::fingerprint::Fingerprint::of(&leaf).words();
        let policy: Option<&Policy> = self.room.desk.office.policy.as_ref();
        let holds = policy
            .map(|policy| verifier::receipt::check(text.as_bytes(), policy).report.verdict() == Verdict::Verified);
        Some(record::Proof { words, holds })
    }

    /// The receipt of a record, or of its refusal, as a file: its ending, its text.
    pub fn receipt(&self, name: &str) -> Option<(&'static str, String)> {
        let held = self.room.desk.find(name)?;
        let ending = if is_refused(&held) { crate::receipts::REFUSAL } else { crate::receipts::RECEIPT };
        Some((ending, held.receipt?))
    }

    /// The receipt as a page to print.
    pub fn paper(&self, name: &str) -> Option<String> {
        let held = self.room.desk.find(name).filter(|held| matches!(held.state, State::Covered { .. }))?;
        let (text, policy) = (held.receipt?, self.room.desk.office.policy.as_ref()?);
        verifier::paper::receipt(&verifier::receipt::check(text.as_bytes(), policy), &text)
    }

    pub fn approvals(&self) -> Shown {
        (StatusCode::OK, approve::list(&self.view(), &self.room.desk.waiting()))
    }

    pub fn approval(&self, wanted: &str, wrong: Option<&Markup>) -> Shown {
        let status = if wrong.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        match self.room.desk.waiting().into_iter().find(|one| name(&one.id) == wanted) {
            Some(one) => (status, approve::draw(&self.view(), &one, wrong)),
            None => self.plain(StatusCode::NOT_FOUND, &self.lang().say("approve-gone").render()),
        }
    }

    /// Takes a second signature; where to go, or the draft again.
    pub fn approve(&self, name: &str, posted: &Posted) -> Result<String, Shown> {
        let lang = self.lang();
        let wrong = match self.room.desk.approve(name, posted) {
            Ok(name) => return Ok(format!("records/{name}")),
            Err(NotApproved::Rows(why)) => return Err(self.failed(&why)),
            Err(NotApproved::Gone) => lang.say("approve-gone").render(),
            Err(NotApproved::NoKey) => lang.say("approve-no-key").render(),
            Err(NotApproved::BadKey) => lang.say("approve-bad-key").render(),
            Err(NotApproved::Same) => lang.say("approve-same-key").render(),
            Err(NotApproved::Other { found, wanted }) => {
                lang.tell("approve-other-key", &[("found", &found), ("wanted", &wanted)])
            }
        };
        Err(self.approval(name, Some(&wrong)))
    }

    pub fn owed(&self) -> Shown {
        let desk = &self.room.desk;
        let (owed, held, waiting) = (desk.owed().unwrap_or_default(), desk.held(), desk.waiting());
        let office = &self.room.desk.office;
        let meets = |owed: &Owed, event: &schemas::event::Event| {
            let target = event.refs.get(owed.duty.reference()).and_then(|target| target.targets().first());
            duties::meets(owed, &event.kind, target.map(String::as_str))
        };
        let row = |owed| {
            let sent = held.iter().find(|one| !is_refused(one) && meets(owed, &one.signed.event));
            let sent = sent.map(|one| (name(&one.id), false));
            let draft = waiting.iter().find(|one| meets(owed, &one.signed.event)).map(|one| (name(&one.id), true));
            let answers = owed.duty.answers().iter().copied().filter(|kind| office.kind(kind).is_some()).collect();
            owed::Row { owed, answered: sent.or(draft), answers }
        };
        let rows: Vec<_> = owed.iter().map(row).collect();
        let copy = self.room.desk.copy();
        let basis = copy.map(|(size, as_of, _)| owed::Basis { size, as_of, profile: &office.windows.profile });
        (StatusCode::OK, owed::draw(&self.view(), &rows, basis.as_ref()))
    }

    pub fn line(&self, said: Option<&str>) -> Shown {
        self.line_saying(said.map(|key| self.lang().say(key).render()).as_ref())
    }

    fn line_saying(&self, said: Option<&Markup>) -> Shown {
        let copy = self.room.desk.copy().map(|(size, as_of, records)| line::Copy { size, as_of, records });
        (StatusCode::OK, line::draw(&self.view(), self.room.address(), copy.as_ref(), said))
    }

    pub fn take_pack(&self, posted: &Posted) -> Shown {
        let lang = self.lang();
        let Some(file) = posted.files("pack").next() else { return self.line(Some("copy-missing")) };
        let why = match self.room.desk.take_pack(&file.bytes) {
            Ok(()) => return self.line(Some("copy-taken")),
            Err(NotTaken::Verdict(words)) => english(&words),
            Err(NotTaken::Stream(stream)) => lang.tell("copy-other", &[("stream", &stream)]),
            Err(NotTaken::Older) => lang.say("copy-older").render(),
            Err(NotTaken::Outpost(words)) => english(&words),
        };
        let (_, shown) = self.line_saying(Some(&lang.tell("copy-fails", &[("why", &why)])));
        (StatusCode::UNPROCESSABLE_ENTITY, shown)
    }

    pub fn help(&self) -> Shown {
        (StatusCode::OK, line::help(&self.view()))
    }
}
