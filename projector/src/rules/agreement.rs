//! Agreements in force. `rules/RULES.md` 1, "Agreement in force".

use schemas::time::Date;

use super::Question;
use crate::views::Filed;

/// An agreement with the terms that held on a day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InForce<'a> {
    /// Its conclusion.
    pub concluded: &'a Filed,
    /// The last conclusion or amendment received by the end of the day.
    pub terms: &'a Filed,
}

/// The agreements of an organisation for a facility in force on a day, by what was received by its end.
pub(crate) fn in_force<'a>(question: &Question<'a>, organisation: &str, facility: &str, day: Date) -> Vec<InForce<'a>> {
    let agreements = &question.views.agreements;
    let holds = |concluded: &'a Filed| {
        let known = |record: &&Filed| question.received_on(record) <= day;
        let begun = |record: &&'a Filed| question.date(record, "effective_on").is_some_and(|d| d <= day);
        let terms = question.of_own(&agreements.terms, concluded).rfind(known)?;
        let theirs =
            question.organisation(terms) == organisation && question.list(terms, "facilities").contains(&facility);
        let valid = question.date(terms, "valid_from").is_some_and(|from| from <= day)
            && question.date(terms, "valid_to").is_none_or(|to| day <= to);
        let ended = question.of_own(&agreements.ended, concluded).filter(known).any(|e| begun(&e));
        let resumed: Vec<_> = question.of_own(&agreements.resumed, concluded).filter(known).filter(begun).collect();
        let suspended = question.of_own(&agreements.suspended, concluded).filter(known).filter(begun).any(|s| {
            let goes_on = question.date(s, "until").is_none_or(|until| day <= until);
            goes_on && !resumed.iter().any(|r| r.position() > s.position())
        });
        (theirs && valid && !ended && !suspended).then_some(InForce { concluded, terms })
    };
    question.all(&agreements.concluded).filter_map(holds).collect()
}
