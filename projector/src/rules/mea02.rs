//! MEA-02, unreviewed or outlived. `rules/RULES.md` 2.

use schemas::time::Date;

use super::{Answer, Draft, Question, Reader, Results, Rule, Undetermined, own_id, stream};
use crate::calendar::{Calendar, Stops};
use crate::finding::{FindingKind, Severity};
use crate::profile::param::{MEASURE_APPROVAL_DAYS, REVIEW_MAX_DAYS};
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "MEA-02",
    title: "unreviewed or outlived",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "S3: \"proportionate\": a measure lasts only as long as somebody shows again that it must",
    duty: "A security measure is reviewed by the day that it names and again and again after that, ends by its last day, and, where it keeps civil society out, is approved by the administration.",
    reader: Reader::Partly(&["measure.imposed.scope"]),
    evaluate,
};

/// One duty of a measure: what was to be done, from when, by when.
struct Duty<'a> {
    arm: &'static str,
    from: Date,
    due: Option<Date>,
    act: Option<&'a Filed>,
    types: &'static [&'static str],
}

/// A measure with what happened to it, in log order, up to its end.
struct Measure<'q, 'a> {
    question: &'q Question<'a>,
    record: &'a Filed,
    stops: &'q Stops,
    /// Reviews, approvals and the end.
    acts: Vec<&'a Filed>,
}

impl<'a> Measure<'_, 'a> {
    /// Whether an act ends the measure and with it all duties.
    fn ends(&self, act: &'a Filed) -> bool {
        act.kind() == "measure.ended" || act.kind() == "measure.reviewed" && self.question.is(act, "outcome", "ended")
    }

    /// The first act after a record that is of a kind or ends the measure.
    fn next(&self, after: &Filed, kind: &str) -> Option<&'a Filed> {
        self.acts.iter().copied().find(|a| a.position() > after.position() && (a.kind() == kind || self.ends(a)))
    }

    /// Acts of a kind after which duties go on.
    fn steps(&self, kind: &'static str) -> impl Iterator<Item = &'a Filed> {
        self.acts.iter().copied().take_while(|a| !self.ends(a)).filter(move |a| a.kind() == kind)
    }

    fn days_after(&self, record: &Filed, days: i64) -> Option<Date> {
        Calendar::due(self.question.received_on(record), days, self.stops)
    }

    /// Arms a and b: the first review, and each next one.
    fn reviews(&self) -> Vec<Duty<'a>> {
        let question = self.question;
        let review = |arm, after: &'a Filed, due| Duty {
            arm,
            from: question.received_on(after),
            due,
            act: self.next(after, "measure.reviewed"),
            types: &["measure.reviewed", "measure.ended"],
        };
        let longest = |record: &Filed| question.profile_at(record.received_at()).whole(REVIEW_MAX_DAYS);
        let first = question.due(self.record, &[(self.record, "review_on")], |t| {
            let named = question.date_at(self.record, "review_on", t);
            named.map_or_else(|| self.days_after(self.record, longest(self.record)), |d| self.stops.next_running(d))
        });
        let mut duties = vec![review("a", self.record, first)];
        for earlier in self.steps("measure.reviewed") {
            let due = question.due(earlier, &[(earlier, "next_review_on")], |t| {
                let named = question.date_at(earlier, "next_review_on", t).and_then(|d| self.stops.next_running(d));
                let longest = self.days_after(earlier, longest(earlier));
                [named, longest].into_iter().flatten().min()
            });
            duties.push(review("b", earlier, due));
        }
        duties
    }

    /// Arm c: the end. A review moves the last day if it was received by the last day then in
    /// force; so does a correction of the value that then counts. No guard F.
    fn end(&self) -> Duty<'a> {
        let question = self.question;
        let amendments = &question.views.amendments;
        let end = self.acts.iter().copied().find(|a| self.ends(a));
        let reviews = || self.acts.iter().copied().filter(|a| a.kind() == "measure.reviewed");
        let sources = std::iter::once((self.record, "ends_max")).chain(reviews().map(|r| (r, "new_ends_max")));
        // What may move the last day: the record that does so, the source whose value it sets, the field.
        let mut moves: Vec<(&Filed, &Filed, &str)> = sources
            .flat_map(|(source, field)| {
                let own = amendments.of(source).filter(move |c| c.field == field);
                std::iter::once((source, source, field)).chain(own.map(move |c| (&c.record, source, field)))
            })
            .filter(|(by, ..)| end.is_none_or(|end| by.position() < end.position()))
            .collect();
        moves.sort_by_key(|(by, ..)| by.position());
        let (mut due, mut counts) = (None, self.record);
        for (by, source, field) in moves {
            let day = question.received_on(by);
            let in_time = due.is_none_or(|due| day <= due) && source.position() >= counts.position();
            let Some(last) = question.date_at(source, field, by.received_at()).filter(|_| in_time) else { continue };
            due = Some(if by.position() == source.position() { last } else { last.max(day) });
            counts = source;
        }
        Duty {
            arm: "c",
            from: question.received_on(self.record),
            due,
            act: end,
            types: &["measure.ended", "measure.reviewed"],
        }
    }

    /// Arm d: approval by the administration, and each renewal.
    fn approvals(&self) -> Vec<Duty<'a>> {
        let question = self.question;
        let approval = |after: &'a Filed, due| Duty {
            arm: "d",
            from: question.received_on(after),
            due,
            act: self.next(after, "measure.approved"),
            types: &["measure.approved", "measure.ended"],
        };
        let days = question.profile_at(self.record.received_at()).whole(MEASURE_APPROVAL_DAYS);
        let mut duties = vec![approval(self.record, self.days_after(self.record, days))];
        for earlier in self.steps("measure.approved") {
            let due = question.due(earlier, &[(earlier, "approved_until")], |t| {
                question.date_at(earlier, "approved_until", t).and_then(|d| self.stops.next_running(d))
            });
            duties.push(approval(earlier, due));
        }
        duties
    }
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    let security = &question.views.security;
    for record in question.all(&security.imposed) {
        let facility = question.facility(record);
        let key = (facility, "", own_id(record));
        let mut acts: Vec<&Filed> = [&security.reviewed, &security.approved, &security.ended]
            .into_iter()
            .flat_map(|view| question.of_own(view, record))
            .collect();
        acts.sort_by_key(|a| a.position());
        let measure = Measure { question, record, stops: question.stops(facility), acts };
        let mut duties = measure.reviews();
        duties.push(measure.end());
        if question.flag(record, "affects_cso_access") == Some(true) {
            if question.value(record, "scope").hidden().is_some() {
                let undetermined = Undetermined::new(&RULE, key, &["measure.imposed.scope"]);
                results.undetermined.push(undetermined.hidden(question, [(record, "scope")]));
            } else if question.text(record, "scope").is_some_and(|s| ["group", "unit", "facility"].contains(&s)) {
                duties.extend(measure.approvals());
            }
        }
        for duty in duties {
            let answer = duty.act.map(|act| match act.kind() {
                "measure.reviewed" => Answer::claiming(question, act, "reviewed_on"),
                "measure.ended" => Answer::claiming(question, act, "ended_on"),
                _ => Answer::of(act),
            });
            let (Some(breach), Some(due)) = (question.judge(duty.due, answer).breach(), duty.due) else { continue };
            let draft = Draft::new(&RULE, breach)
                .on(key.0, key.1, key.2)
                .arm(duty.arm)
                .events([record])
                .events(measure.acts.iter().copied())
                .absent(stream("measure", record.id().unwrap_or_default()), duty.types, duty.from, due)
                .detail(format!("{} by {due}", duty.arm));
            results.findings.push(draft.done());
        }
    }
}
