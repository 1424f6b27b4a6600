//! INS-01, not inspected. `rules/RULES.md` 2.

use schemas::time::Date;

use super::covering::facilities;
use super::{Draft, Question, Reader, Results, Rule, stream};
use crate::finding::{FindingKind, Severity};
use crate::profile::param::{
    EXTERNAL_KINDS, INSPECTION_EXTERNAL_MONTHS, INSPECTION_INTERNAL_MONTHS, INTERNAL_KINDS, Whole, Words,
};
use crate::views::Filed;

const ARMS: &[(&str, Words, Whole)] = &[
    ("external", EXTERNAL_KINDS, INSPECTION_EXTERNAL_MONTHS),
    ("internal", INTERNAL_KINDS, INSPECTION_INTERNAL_MONTHS),
];

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "INS-01",
    title: "not inspected",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "Mandela Rule 83: a twofold system of regular inspections; OPCAT 1 and 19: regular visits by independent bodies",
    duty: "Every prison is inspected again and again, by the administration and by bodies independent of it; the one does not stand in for the other.",
    reader: Reader::Public,
    evaluate,
};

fn evaluate(question: &Question<'_>, results: &mut Results) {
    let conducted: Vec<&Filed> = question.all(&question.views.inspections.conducted).collect();
    for covered in facilities(question) {
        let here: Vec<_> = conducted.iter().copied().filter(|i| question.facility(i) == covered.facility).collect();
        for (arm, kinds, months) in ARMS.iter().copied() {
            let counts = |i: &&&Filed| {
                let profile = question.profile_at(i.received_at());
                question.text(i, "kind").is_some_and(|kind| profile.has_word(kinds, kind))
            };
            let own: Vec<(&Filed, Date)> =
                here.iter().filter(counts).filter_map(|i| Some((*i, question.date(i, "ended_on")?))).collect();
            for gap in covered.missed(question, &own, |profile| profile.whole(months)) {
                let from = gap.base.plus_days(1);
                let in_range = here.iter().copied().filter(|i| (from..=gap.due).contains(&question.received_on(i)));
                let draft = Draft::new(&RULE, gap.breach)
                    .on(covered.facility, "", format!("{arm}:{}", gap.base))
                    .arm(arm)
                    .events(gap.around.iter().copied())
                    .events(in_range)
                    .absent(stream("facility", covered.facility), &["inspection.conducted"], from, gap.due)
                    .detail(format!("no {arm} inspection by {}", gap.due));
                results.findings.push(draft.done());
            }
        }
    }
}
