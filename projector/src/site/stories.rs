//! A sentence for each rule and arm, in plain words: data for `story`.

/// Rule, arm (empty: any), what happened, and what is so while it is open.
///
/// `{facility}`, `{organisation}`, `{subject}`, `{due}` (the last day on which the act would have
/// been in time) and `{opened}` are filled in.
pub type Told = (&'static str, &'static str, &'static str, &'static str);

/// Every rule's sentences, by rule and arm.
pub const STORIES: &[Told] = &[
    (
        "ACC-01",
        "",
        "{organisation} asked {facility} for access (request {subject}). The last day to confirm its receipt was {due}.",
        "The record holds no confirmation in time and none since.",
    ),
    (
        "ACC-02",
        "",
        "{organisation} asked {facility} for access (request {subject}). The last day to decide was {due}.",
        "The record holds no decision in time and none since.",
    ),
    (
        "ACC-03",
        "",
        "{facility} decided against {organisation} (decision {subject}) without all that makes a decision a reasoned one.",
        "What is missing has not been supplied.",
    ),
    ("ACC-04", "a", "{facility} gave the same text as its reason in decision after decision.", ""),
    (
        "ACC-04",
        "b",
        "{facility} refused {organisation} again and again for the same reason, each time as the refusal before ran out.",
        "",
    ),
    (
        "ACC-05",
        "a",
        "{organisation} appealed against a decision of {facility} (appeal {subject}). The last day to decide the appeal was {due}.",
        "The record holds no decision on it.",
    ),
    (
        "ACC-05",
        "b",
        "An appeal of {organisation} against {facility} succeeded (decision {subject}). The last day to put it right was {due}.",
        "It has not been put into effect.",
    ),
    (
        "AGR-01",
        "",
        "{organisation} came to {facility} under an agreement that lets it in, and was turned away at the gate (attempt {subject}).",
        "What happened at the gate cannot be undone.",
    ),
    (
        "CMP-01",
        "a",
        "A complaint ({subject}) should have been acknowledged by {due}.",
        "The sealed record holds no acknowledgement.",
    ),
    (
        "CMP-01",
        "b",
        "A complaint ({subject}) should have been answered by {due}.",
        "The sealed record holds no answer.",
    ),
    (
        "CMP-01",
        "c",
        "An allegation of ill-treatment ({subject}) should have been passed on to an independent authority before {opened}.",
        "The sealed record shows no referral.",
    ),
    (
        "CON-01",
        "",
        "A programme or framework was decided on ({subject}) without a consultation of civil society before it.",
        "No consultation has been opened since.",
    ),
    ("CON-02", "a", "The consultation {subject} was open for too short a time.", ""),
    (
        "CON-02",
        "b",
        "Organisations took part in the consultation {subject}; what became of their contributions should have been published.",
        "Feedback is still missing.",
    ),
    (
        "DIS-01",
        "",
        "Requests of one group were refused clearly more often than those of all others ({subject}).",
        "This is a pattern in numbers. It needs a judgement with both sides heard.",
    ),
    (
        "ENV-01",
        "",
        "The registration of {organisation} was refused, suspended or revoked without a legal basis or a way to appeal ({subject}).",
        "The gap has not been closed.",
    ),
    (
        "ENV-02",
        "",
        "Terms given to {organisation} limit what it may say, or demand that it waives confidentiality ({subject}).",
        "The terms still stand.",
    ),
    (
        "ENV-03",
        "",
        "Several signs together suggest that {organisation} may depend on the State.",
        "This is a pattern in records. It needs a judgement with the organisation heard.",
    ),
    ("EVA-01", "a", "The programme {subject} should have been evaluated by {due}.", "The record holds no evaluation."),
    (
        "EVA-01",
        "b",
        "The evaluation {subject} recommended changes; what was done should have been recorded by {due}.",
        "The record holds no follow-up.",
    ),
    ("EVA-01", "c", "A programme was cut although its last evaluation said that it should go on ({subject}).", ""),
    ("EVA-01", "d", "An evaluation was ordered without the participation of women ({subject}).", ""),
    ("FUN-01", "a", "The funding of the long-term programme {subject} broke off.", "No new funding is recorded."),
    ("FUN-01", "b", "A payment to {organisation} came long after it was due ({subject}).", ""),
    (
        "INS-01",
        "external",
        "{facility} should have been inspected by an independent body by {due}.",
        "The record holds no such inspection.",
    ),
    (
        "INS-01",
        "internal",
        "{facility} should have been inspected by the central administration by {due}.",
        "The record holds no such inspection.",
    ),
    (
        "INS-02",
        "a",
        "Inspectors at {facility} did not have the powers that the standards give them (inspection {subject}).",
        "",
    ),
    (
        "INS-02",
        "b",
        "{facility} should have had an unannounced inspection by {due}.",
        "The record holds announced ones only.",
    ),
    (
        "INS-02",
        "c",
        "The inspection team at {facility} lacked a member that the standards ask for (inspection {subject}).",
        "",
    ),
    (
        "INS-03",
        "a",
        "The report on an inspection of {facility} ({subject}) should have been submitted by {due}.",
        "The record holds no report.",
    ),
    (
        "INS-03",
        "b",
        "The report on an inspection of {facility} ({subject}) should have been published by {due}.",
        "The record shows no publication.",
    ),
    (
        "INS-03",
        "c",
        "A report on an inspection of {facility} ({subject}) was published without a check for personal data.",
        "",
    ),
    (
        "MEA-01",
        "",
        "{facility} imposed the measure {subject} without showing that it is lawful, necessary, individual, limited in time, and fair to women and the young.",
        "What is missing has not been supplied.",
    ),
    (
        "MEA-02",
        "a",
        "{facility} imposed the measure {subject}. Its first review was due by {due}.",
        "The record holds no review.",
    ),
    (
        "MEA-02",
        "b",
        "{facility} keeps up the measure {subject}. Its next review was due by {due}.",
        "The record holds no further review.",
    ),
    (
        "MEA-02",
        "c",
        "{facility} imposed the measure {subject}. It should have ended by {due}.",
        "The record shows no end.",
    ),
    (
        "MEA-02",
        "d",
        "{facility} imposed the measure {subject}, which limits access. A higher authority should have approved it by {due}.",
        "The record holds no approval.",
    ),
    (
        "PRG-01",
        "",
        "A session of {organisation} at {facility} was reported ({subject}), but nobody’s entry at the gate is on record for it, or the prison was closed that day.",
        "No gate record has come since.",
    ),
    (
        "PRG-02",
        "a",
        "Sessions of a long-term programme stopped for too long ({subject}); the next was due by {due}.",
        "No session has been held since.",
    ),
    ("PRG-02", "b", "A long-term programme was changed with too little notice ({subject}).", ""),
    (
        "REC-01",
        "",
        "A recommendation ({subject}) about {facility} should have been answered by {due}.",
        "The record holds no answer, or a refusal without reasons.",
    ),
    (
        "REC-02",
        "a",
        "The urgent notification {subject} about {facility} was issued later than it should have been.",
        "",
    ),
    (
        "REC-02",
        "b",
        "The urgent notification {subject} about {facility} should have been answered by {due}.",
        "The record holds no answer.",
    ),
    (
        "REC-03",
        "a",
        "Progress on an accepted recommendation ({subject}) should have been reported by {due}.",
        "The record holds no progress report.",
    ),
    (
        "REC-03",
        "b",
        "What was reported as done about a recommendation ({subject}) should have been verified by {due}.",
        "The record holds no verification.",
    ),
    ("REC-03", "c", "An oversight body should have published its yearly report by {due}.", "The record holds none."),
    (
        "REI-01",
        "",
        "At {facility} few of those released had a contact with an organisation before ({subject}).",
        "This is a pattern in numbers. It needs a judgement with the facility heard.",
    ),
    (
        "REI-02",
        "",
        "People were released into a place, or a partner was relied on, without the preparation that the duty asks for ({subject}).",
        "The preparation is still missing.",
    ),
    (
        "REP-01",
        "",
        "An act against {organisation} followed shortly after it had spoken out or complained ({subject}).",
        "The order of events proves no motive. It needs a judgement with both sides heard.",
    ),
    (
        "REP-02",
        "",
        "{facility} refused {organisation} clearly more often after it had spoken out than before ({subject}).",
        "The order of events proves no motive. It needs a judgement with both sides heard.",
    ),
    (
        "REP-03",
        "a",
        "An allegation of reprisal ({subject}) should have been looked at before {opened}.",
        "The sealed record shows no triage.",
    ),
    (
        "REP-03",
        "b",
        "After an allegation of reprisal ({subject}), protection or an investigation was due by {due}.",
        "The sealed record shows neither.",
    ),
    (
        "REP-03",
        "c",
        "After an allegation of reprisal ({subject}), a follow-up visit was due by {due}.",
        "The sealed record shows none.",
    ),
    (
        "TRN-01",
        "",
        "Training that staff at {facility} must have had by {due} is not on record.",
        "It has not been recorded since.",
    ),
    (
        "V-01",
        "",
        "Many records of {facility} reached the log long after the days they report on ({subject}).",
        "What comes late cannot be made to have come in time.",
    ),
    (
        "V-02",
        "",
        "{facility} changed a date on which a duty depends while that very case was under examination ({subject}).",
        "Both versions remain in the log.",
    ),
    (
        "V-03",
        "",
        "An act that needs two different holders does not bear two proper signatures ({subject}).",
        "The record remains as it is; what it says may be contested.",
    ),
    (
        "V-04",
        "",
        "An act was signed with a key or in a role that did not allow it ({subject}).",
        "The record remains as it is.",
    ),
    (
        "V-06",
        "",
        "Records that a device of {facility} had numbered never arrived ({subject}).",
        "They are still missing.",
    ),
    (
        "V-07",
        "",
        "Values were erased that the rules did not allow to be erased ({subject}).",
        "An erasure cannot be undone.",
    ),
    (
        "V-08",
        "",
        "Declared outages of {facility} cover a large part of the time or of the planned visits ({subject}).",
        "Outages stop the clocks of duties; so many of them deserve a question.",
    ),
    (
        "V-09",
        "",
        "A text in a record of {facility} seems to name a person ({subject}).",
        "It has been neither corrected nor erased.",
    ),
    ("VIS-01", "", "No organisation completed a visit at {facility} by {due}.", "None has been completed since."),
    (
        "VIS-02",
        "a",
        "{facility} approved visits of {organisation}, but most could not take place: cancelled at short notice, turned away at the gate, or the approval withdrawn.",
        "The pattern held at the last quarter’s end.",
    ),
    (
        "VIS-02",
        "b",
        "{organisation} waited far longer at the gate of {facility} than other organisations.",
        "This is a pattern in numbers. It needs a judgement with both sides heard.",
    ),
    (
        "VIS-03",
        "",
        "Private interviews had been granted to {organisation} at {facility}; the record of the visit {subject} says that they were not private.",
        "What happened in the visit cannot be undone.",
    ),
    (
        "VIS-04",
        "a",
        "{facility} and {organisation} report the same hour differently: let in, or turned away (visit {subject}).",
        "Both versions stand side by side.",
    ),
    (
        "VIS-04",
        "b",
        "{organisation} disputes what {facility} recorded about the visit {subject}. The dispute should have been resolved by {due}.",
        "It has not been resolved.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::story::next_place;

    #[test]
    fn every_place_is_known_and_every_sentence_ends() {
        for (rule, arm, told, open) in STORIES {
            let mut rest = *told;
            while let Some((_, place, after)) = next_place(rest) {
                assert!(
                    ["facility", "organisation", "subject", "due", "opened"].contains(&place),
                    "{rule} {arm}: {place}"
                );
                rest = after;
            }
            assert!(told.ends_with('.') && (open.is_empty() || open.ends_with('.')), "{rule} {arm}");
        }
    }
}
