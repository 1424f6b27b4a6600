//! TRN-01, untrained facility. `rules/RULES.md` 2.

use schemas::time::Date;

use super::covering::{Missed, facilities};
use super::{Draft, Question, Reader, Results, Rule, stream};
use crate::finding::{FindingKind, Severity};
use crate::profile::param::{TRAINING_MONTHS, TRAINING_ONE_OF, TRAINING_REQUIRED};
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "TRN-01",
    title: "untrained facility",
    kind: FindingKind::Fact,
    severity: Severity::Low,
    source: "S2: \"solid and sustainable framework… legislation, oversight, training, and resources\"",
    duty: "The staff of every prison is trained again and again in human rights, in working with civil society, and in what gender or age ask for.",
    reader: Reader::Public,
    evaluate,
};

/// The groups of topics, each of which must be covered: every required topic by itself, and one of the others.
fn groups(question: &Question<'_>) -> Vec<Vec<String>> {
    let profile = question.profile_at(question.as_of());
    let required = profile.words(TRAINING_REQUIRED).iter().map(|topic| vec![topic.clone()]);
    let one_of = profile.words(TRAINING_ONE_OF).to_vec();
    required.chain([one_of]).filter(|group| !group.is_empty()).collect()
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    let groups = groups(question);
    let delivered: Vec<&Filed> = question.all(&question.views.training.delivered).collect();
    for covered in facilities(question) {
        let here: Vec<(&Filed, Date)> = delivered
            .iter()
            .filter(|t| question.list(t, "facilities").contains(&covered.facility))
            .filter(|t| question.text(t, "audience").is_some_and(|a| ["prison", "mixed"].contains(&a)))
            .filter_map(|t| Some((*t, question.date(t, "delivered_on")?)))
            .collect();
        let mut missed: Vec<(String, Missed<'_>)> = Vec::new();
        for group in &groups {
            let in_group =
                |t: &&(&Filed, Date)| question.list(t.0, "topics").iter().any(|topic| group.iter().any(|g| g == topic));
            let own: Vec<_> = here.iter().filter(in_group).copied().collect();
            let gaps = covered.missed(question, &own, |profile| profile.whole(TRAINING_MONTHS));
            missed.extend(gaps.into_iter().map(|gap| (group.join("/"), gap)));
        }
        missed.sort_by_key(|(_, gap)| gap.breach.opened_at);
        // Groups whose breaches overlap are one finding, named by its first day.
        let (mut subject, mut until) = (None, None);
        for (group, gap) in &missed {
            if until.is_some_and(|until| gap.breach.opened_at > until) {
                subject = None;
            }
            let first = *subject.get_or_insert(gap.due.plus_days(1));
            let end = gap.breach.closed_at.unwrap_or(question.as_of());
            until = until.max(Some(end));
            let from = gap.base.plus_days(1);
            let in_range = delivered.iter().copied().filter(|t| {
                question.list(t, "facilities").contains(&covered.facility)
                    && (from..=gap.due).contains(&question.received_on(t))
            });
            let draft = Draft::new(&RULE, gap.breach)
                .on(covered.facility, "", first.to_string())
                .events(gap.around.iter().copied())
                .events(in_range)
                .absent(stream("facility", covered.facility), &["training.delivered"], from, gap.due)
                .detail(format!("{group} by {}", gap.due));
            results.findings.push(draft.done());
        }
    }
}
