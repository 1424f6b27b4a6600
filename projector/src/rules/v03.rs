//! V-03, dual control broken. `rules/RULES.md` 2, "Self-checks of the ledger".

use schemas::catalogue::{Catalogue, Cosigner, Role};
use schemas::value::Value;

use super::{Breach, Draft, Question, Reader, Results, Rule};
use crate::finding::{FindingKind, Severity};
use crate::views::Filed;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "V-03",
    title: "dual control broken",
    kind: FindingKind::Fact,
    severity: Severity::Critical,
    source: "the catalogue's `signatures = 2`: a denial, a measure, a correction needs two different people",
    duty: "Where the catalogue asks for a second signature, another person of the right institution approves.",
    reader: Reader::Public,
    evaluate,
};

/// What is wrong with the second signature; `None` where it is right.
fn fault(question: &Question<'_>, record: &Filed) -> Option<&'static str> {
    let cosigner = Catalogue::built_in().event(record.kind())?.cosigner?;
    let Some(approver) = record.approver() else { return Some("nobody approved") };
    if approver == record.signer() {
        return Some("the same holder signed twice");
    }
    let role = || question.views.parties.role(&approver.party);
    let fits = match cosigner {
        Cosigner::Same => approver.party == record.by(),
        Cosigner::Organisation => {
            record.field("organisation").and_then(Value::as_text) == Some(approver.party.as_str())
        }
        Cosigner::Operator => role() == Some(Role::Operator),
        // A wrong role on an erasure is judged by V-07.
        Cosigner::Oversight => record.kind() == "erasure.executed" || role() == Some(Role::Oversight),
    };
    (!fits).then_some("the approver is not of the institution that must approve")
}

fn evaluate(question: &Question<'_>, results: &mut Results) {
    for record in question.views.recording.dual.even_retracted() {
        let Some(fault) = fault(question, record) else { continue };
        let draft = Draft::new(&RULE, Breach::open(record.received_at())).on("", "", record.address()).events([record]);
        results.findings.push(draft.detail(fault).done());
    }
}
