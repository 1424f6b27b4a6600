//! FUN-01, funding break. `rules/RULES.md` 2.

use schemas::time::Date;

use super::duty::defect;
use super::{Breach, Draft, Question, Reader, Results, Rule, own_id};
use crate::finding::{FindingKind, Severity, Status};
use crate::profile::param::{FUNDING_GAP_DAYS, PAYMENT_DELAY_DAYS};
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "FUN-01",
    title: "funding break",
    kind: FindingKind::Fact,
    severity: Severity::High,
    source: "KP5: \"resources… sustained over time… rather than one-off or ad hoc… sufficient funding\"",
    duty: "A sustained programme is funded without a break as long as it goes on, and what was promised is paid in time.",
    reader: Reader::Public,
    evaluate,
};

/// Days covered by one commitment.
struct Cover<'a> {
    from: Date,
    to: Date,
    commitment: &'a Filed,
}

/// A run of days covered without a break.
struct Run<'a> {
    covers: Vec<Cover<'a>>,
}

impl Run<'_> {
    fn from(&self) -> Date {
        self.covers[0].from
    }

    fn to(&self) -> Date {
        self.covers.iter().map(|c| c.to).max().unwrap_or(self.from())
    }
}

/// The runs of a programme's cover, in order.
fn runs<'a>(question: &Question<'a>, programme: &Filed) -> Vec<Run<'a>> {
    let funding = &question.views.funding;
    let cover = |commitment: &'a Filed| {
        let (from, to) = (question.date(commitment, "period_from")?, question.date(commitment, "period_to")?);
        let cut =
            question.of_own(&funding.terminated, commitment).filter_map(|t| question.date(t, "effective_on")).min();
        let to = cut.map_or(to, |cut| to.min(cut.plus_days(-1)));
        (from <= to).then_some(Cover { from, to, commitment })
    };
    let mut covers: Vec<_> = question.of_own(&funding.committed_to, programme).filter_map(cover).collect();
    covers.sort_by_key(|c| (c.from, c.commitment.position()));
    let mut runs: Vec<Run<'_>> = Vec::new();
    for cover in covers {
        match runs.last_mut() {
            Some(run) if cover.from <= run.to().plus_days(1) => run.covers.push(cover),
            _ => runs.push(Run { covers: vec![cover] }),
        }
    }
    runs
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for programme in question.all(&question.views.programmes.adopted) {
        if question.flag(programme, "sustained") == Some(true) {
            breaks(question, programme, results);
        }
    }
    delays(question, results);
}

/// Arm a: cover ends while the programme goes on.
fn breaks<'a>(question: &Question<'a>, programme: &'a Filed, results: &mut Results) {
    let ended =
        question.of_own(&question.views.programmes.ended, programme).filter_map(|e| question.date(e, "ended_on"));
    let end = ended.chain(question.date(programme, "ends_on")).min();
    let runs = runs(question, programme);
    for (run, next) in runs.iter().zip(runs.iter().skip(1).map(Some).chain([None])) {
        let last = run.to();
        let Some(ending) = run.covers.iter().find(|c| c.to == last) else { continue };
        let gap = question.profile_at(ending.commitment.received_at()).whole(FUNDING_GAP_DAYS);
        let due = last.plus_days(gap);
        let goes_on = end.is_none_or(|end| end > due);
        if !goes_on || next.is_some_and(|next| next.from() <= due) || question.today() <= due {
            continue;
        }
        let resuming = next
            .map(|next| next.covers.iter().filter(|c| c.from == next.from()).collect::<Vec<_>>())
            .unwrap_or_default();
        // Cover has resumed once its period has begun and the log knows of it.
        let resumed = resuming.iter().map(|c| question.start_of(c.from).max(c.commitment.received_at())).min();
        let closed_at = resumed.filter(|t| *t <= question.as_of());
        let status = if closed_at.is_some() { Status::Late } else { Status::Open };
        let until = next.map_or_else(|| "no end in sight".to_owned(), |next| next.from().plus_days(-1).to_string());
        let draft = Draft::new(&RULE, Breach { opened_at: question.opening(due), status, closed_at })
            .on("", "", format!("{}:{last}", own_id(programme)))
            .arm("a")
            .events([programme])
            .events(run.covers.iter().filter(|c| c.to == last).map(|c| c.commitment))
            .events(resuming.iter().map(|c| c.commitment))
            .detail(format!("not funded from {} to {until}", last.plus_days(1)));
        results.findings.push(draft.done());
    }
}

/// Arm b: a payment long after it was due.
fn delays(question: &Question<'_>, results: &mut Results) {
    let funding = &question.views.funding;
    for payment in question.all(&funding.disbursed) {
        let longest = question.profile_at(payment.received_at()).whole(PAYMENT_DELAY_DAYS);
        let delay =
            |t| Some(question.date_at(payment, "paid_on", t)?.days_since(question.date_at(payment, "due_on", t)?));
        let Some(breach) = defect(question, payment, |t| delay(t).is_some_and(|d| d > longest)) else { continue };
        // Paid is paid: the breach is over with the record that shows it.
        let breach =
            if breach.status == Status::Open { Breach::at_receipt(breach.opened_at, Status::Late) } else { breach };
        let commitment = payment.reference("commitment").unwrap_or_default();
        let draft = Draft::graded(&RULE, Severity::Medium, breach)
            .on("", question.organisation(payment), own_id(payment))
            .arm("b")
            .events(question.of(&funding.committed, commitment))
            .events([payment])
            .detail(format!("paid {} days after it was due", delay(breach.opened_at).unwrap_or_default()));
        results.findings.push(draft.done());
    }
}
