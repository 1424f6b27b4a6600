//! Whether a row says what was recorded before: a form sent twice, a file given twice, an answer that was lost.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemas::catalogue::Catalogue;
use schemas::event::SignedEvent;
use schemas::opening::{Disclosure, Slot};
use schemas::value::Value;

use crate::import::{Claim, Draft, Holder, Import, Problem, What};
use crate::outbox::Parcel;
use crate::pseudonym::Pseudonyms;

/// What signing puts in by itself, whatever the row has there.
const MADE: [&str; 2] = ["party_id", "recorded_at"];
/// What signing puts in where the row has nothing.
const FILLED_IN: &str = "public_key";

/// A row beside a record of the same type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Columns in which the row says something else.
    pub differs: Vec<String>,
    /// Columns that nobody here can compare: they are sealed for oversight.
    pub sealed: Vec<String>,
}

impl Beside {
    /// Whether they say the same, as far as that can be known here.
    pub fn is_same(&self) -> bool {
        self.differs.is_empty() && self.sealed.is_empty()
    }
}

/// Holds a row against a record; nothing where the record is no event of the row's type and author. `second` is who
/// signs second, where the record still waits for it.
pub fn beside(
    draft: &Draft,
    parcel: &Parcel,
    second: Option<&Holder>,
    pseudonyms: &Pseudonyms,
    utc_offset_minutes: i32,
) -> Option<Beside> {
    let signed = SignedEvent::parse(parcel.note.as_bytes()).ok()?;
    let event = &signed.event;
    if event.kind != draft.event || pseudonyms.outside(&event.by) != draft.party {
        return None;
    }
    let kind = Catalogue::built_in().event(&event.kind)?;
    let mut differs = BTreeSet::new();
    let mut sealed = BTreeSet::new();
    let mut tell = |same: bool, column: &str| {
        if !same {
            differs.insert(column.to_owned());
        }
    };
    let outside = |value: &Value| pseudonyms.outside(&value.to_json());
    let name = |holder: &Holder| {
        let Holder { party, holder } = pseudonyms.shown(holder);
        format!("/{party}/{holder}")
    };
    let signer = signed.note.signatures.first().map_or("", |line| line.name.as_str());
    tell(signer.ends_with(&name(&draft.signer)), "signer");
    let cosigner = signed.note.signatures.get(1).map(|line| line.name.clone()).or_else(|| second.map(name));
    tell(
        match (&cosigner, &draft.cosigner) {
            (Some(line), Some(holder)) => line.ends_with(&name(holder)),
            (None, None) => true,
            _ => false,
        },
        "cosigner",
    );
    tell(event.at() == draft.occurred.day(utc_offset_minutes), "occurred_at");
    tell(event.id.as_deref().map(|id| pseudonyms.outside(id)) == draft.qualified_id(), "id");
    let refs: BTreeMap<&str, Vec<String>> = event
        .refs
        .iter()
        .map(|(name, targets)| (name.as_str(), targets.targets().iter().map(|to| pseudonyms.outside(to)).collect()))
        .collect();
    for name in refs.keys().copied().chain(draft.refs.keys().map(String::as_str)) {
        tell(refs.get(name) == draft.refs.get(name), name);
    }
    let mut recorded: BTreeMap<&str, Option<String>> =
        event.data.iter().map(|(name, value)| (name.as_str(), Some(outside(value)))).collect();
    for (name, slot) in kind.slots().into_iter().zip(&parcel.opening.slots) {
        match slot {
            Slot::Open(text) => {
                if let Some(value) = Disclosure::parse(text)?.value {
                    recorded.insert(name, Some(outside(&value)));
                }
            }
            _ => {
                recorded.insert(name, None);
            }
        }
    }
    let mut given: BTreeMap<&str, String> =
        draft.fields.iter().map(|(name, value)| (name.as_str(), outside(value))).collect();
    // A day alone stands in the event and leaves the slot empty.
    if let Claim::Instant(instant) = draft.occurred
        && kind.slots().contains(&"occurred_at")
    {
        given.insert("occurred_at", Value::Text(instant.to_string()).to_json());
    }
    let columns: BTreeSet<&str> = recorded.keys().chain(given.keys()).copied().collect();
    for name in columns.into_iter().filter(|name| !MADE.contains(name)) {
        match (recorded.get(name), given.get(name)) {
            (Some(None), _) => {
                sealed.insert(name.to_owned());
            }
            (Some(Some(recorded)), Some(given)) => tell(recorded == given, name),
            (None, None) => {}
            (Some(Some(_)), None) if name == FILLED_IN => {}
            _ => tell(false, name),
        }
    }
    Some(Beside { differs: differs.into_iter().collect(), sealed: sealed.into_iter().collect() })
}

/// Warns of rows that were taken in before and say something else now: nothing of them is added, and nobody shall think
/// that it was. `recorded` are the records, each with who signs second where it waits for that.
pub fn tell_changed<'a>(
    import: &mut Import,
    recorded: impl IntoIterator<Item = (&'a Parcel, Option<&'a Holder>)>,
    pseudonyms: &Pseudonyms,
    utc_offset_minutes: i32,
) {
    let again: HashMap<String, &Draft> = import.again.iter().map(|draft| (draft.address(), draft)).collect();
    let mut changed = Vec::new();
    for (parcel, second) in recorded {
        let Some(draft) = again.get(&parcel.source) else { continue };
        let Some(beside) = beside(draft, parcel, second, pseudonyms, utc_offset_minutes) else { continue };
        let column = match beside.differs.as_slice() {
            [] => continue,
            [column] => Some(column.clone()),
            _ => None,
        };
        changed.push(Problem {
            file: draft.place.file.clone(),
            line: Some(draft.place.line),
            row: Some(draft.row_id.clone()),
            column,
            what: What::RowChanged { columns: beside.differs.join(", ") },
        });
    }
    import.warn(changed);
}

#[cfg(test)]
mod tests {
    use schemas::catalogue::{Role, Visibility};
    use schemas::note::Origin;
    use schemas::time::Timestamp;
    use verifier::recipients::Recipients;

    use super::*;
    use crate::import::{self, Known, Limits, Options, Parties};
    use crate::keys::KeyFolder;
    use crate::seal;
    use crate::sign::{Adopted, Channel, Signed, Signer};

    const PARTIES: &str = "\
party,role,display_name,identity_mode,languages,holders
op,operator,Ledger Office,named,en,o1
min,ministry,Ministry of Justice,named,fr,m1
npm,oversight,Preventive Mechanism,named,fr,n1
fac-a,facility,Prison A,named,fr;ar,d1;d2
cso-x,cso,Open Hands,named,fr,x1
cso-y,cso,Blue House,pseudonym,fr,y1;cso-y-2
";

    /// A log in which everything stands that is asked for as `known`.
    struct All;

    impl Known for All {
        fn author_of(&self, _kind: &str, id: &str) -> Option<String> {
            id.strip_prefix("known.").map(str::to_owned)
        }

        fn has_address(&self, address: &str) -> bool {
            address.ends_with("/known")
        }

        fn has_row(&self, _party: &str, _event: &str, _row_id: &str) -> bool {
            false
        }

        fn role_of(&self, _party: &str) -> Option<Role> {
            None
        }
    }

    /// Party, type, the cells of a row by column; then what may stand there instead, and the name under which that differs.
    type Case = (
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
        &'static [(&'static str, &'static str, &'static str)],
    );

    const CASES: [Case; 10] = [
        // Texts with a language, public and hidden; codes; truths; a thing of its own; a second person; a sealed slot.
        (
            "fac-a",
            "access.request.denied",
            &[
                ("signer", "d1"),
                ("cosigner", "d2"),
                ("id", "dn-1"),
                ("request", "known.cso-y"),
                ("facility", "fac-a"),
                ("organisation", "cso-y"),
                ("reason", "security_incident"),
                ("legal_basis", "art. \"7\", \u{644}\u{627}\n2"),
                ("legal_basis_lang", "fr"),
                ("individual_assessment", "true"),
                ("justification_given", "true"),
                ("justification", "cso-y asked late"),
                ("auto", "false"),
            ],
            &[
                ("cosigner", "", "cosigner"),
                ("cosigner", "d1", "cosigner"),
                ("id", "dn-2", "id"),
                ("request", "known.cso-x", "request"),
                ("organisation", "cso-x", "organisation"),
                ("legal_basis", "art. 8", "legal_basis"),
                ("legal_basis", "", "legal_basis"),
                ("legal_basis_lang", "ar", "legal_basis"),
                ("individual_assessment", "false", "individual_assessment"),
                ("justification", "cso-x asked late", "justification"),
                ("justification", "", "justification"),
            ],
        ),
        // An author under a pseudonym, whose id stands in a holder, a row and an id too; a list of times.
        (
            "cso-y",
            "access.request.submitted",
            &[
                ("row_id", "cso-y-r1"),
                ("signer", "cso-y-2"),
                ("id", "cso-y-rq"),
                ("facility", "fac-a"),
                ("organisation", "cso-y"),
                ("purpose", "family"),
                ("target", "all"),
                ("slots", "2025-03-09T09:00:00Z;2025-03-08T09:00:00Z"),
                ("private_interviews", "false"),
                ("languages", "fr;ar"),
            ],
            &[
                ("signer", "y1", "signer"),
                ("id", "cso-x-rq", "id"),
                ("slots", "2025-03-08T09:00:00Z;2025-03-09T09:00:00Z", "slots"),
                ("slots", "", "slots"),
                ("languages", "fr", "languages"),
                ("private_interviews", "true", "private_interviews"),
            ],
        ),
        // Money, dates.
        (
            "cso-x",
            "funding.expended",
            &[
                ("signer", "x1"),
                ("commitment", "known.min"),
                ("organisation", "cso-x"),
                ("period_from", "2025-01-01"),
                ("period_to", "2025-03-01"),
                ("amount_amount", "1250"),
                ("amount_currency", "XTS"),
            ],
            &[
                ("amount_amount", "1251", "amount"),
                ("amount_currency", "EUR", "amount"),
                ("period_to", "2025-03-02", "period_to"),
                ("commitment", "known.op", "commitment"),
            ],
        ),
        // Counts, instants, a second ref.
        (
            "fac-a",
            "visit.completed",
            &[
                ("signer", "d1"),
                ("id", "vi-1"),
                ("approval", "known.fac-a"),
                ("facility", "fac-a"),
                ("organisation", "cso-y"),
                ("visited_on", "2025-03-04"),
                ("entered_at", "2025-03-04T09:00:00Z"),
                ("left_at", "2025-03-04T10:00:00Z"),
                ("duration", "60"),
                ("wait", "10"),
                ("private_interviews_refused", "false"),
                ("staff_present_at_interviews", "false"),
                ("completion", "normal"),
            ],
            &[
                ("signer", "d2", "signer"),
                ("wait", "11", "wait"),
                ("left_at", "2025-03-04T10:00:01Z", "left_at"),
                ("visited_on", "2025-03-03", "visited_on"),
            ],
        ),
        // Names that are public of named parties alone, percentages, lists; of one that is named, and of one that is not.
        ("min", "organisation.registered", &REGISTERED_X, &REGISTERED_OTHER),
        ("min", "organisation.registered", &REGISTERED_Y, &REGISTERED_OTHER),
        // Corrections: of an amount, and of a party that has a pseudonym.
        (
            "cso-x",
            "record.corrected",
            &[
                ("signer", "x1"),
                ("target", "cso-x/funding.expended/known"),
                ("field_name", "amount"),
                ("new_value_public", "1250 XTS"),
                ("reason", "typo"),
                ("note", "read twice"),
            ],
            &[
                ("new_value_public", "1251 XTS", "new_value_public"),
                ("target", "cso-x/funding.received/known", "target"),
                ("note", "", "note"),
            ],
        ),
        (
            "fac-a",
            "record.corrected",
            &[
                ("signer", "d1"),
                ("target", "fac-a/visit.completed/known"),
                ("field_name", "organisation"),
                ("new_value_public", "cso-y"),
                ("reason", "typo"),
            ],
            &[("new_value_public", "cso-x", "new_value_public")],
        ),
        // Refs to many, by address.
        (
            "npm",
            "erasure.requested",
            &[
                ("signer", "n1"),
                ("id", "er-1"),
                ("targets", "fac-a/visit.completed/known;cso-y/access.request.submitted/known"),
                ("fields", "justification"),
                ("basis", "pii_lint"),
            ],
            &[("targets", "fac-a/visit.completed/known", "targets"), ("fields", "note", "fields")],
        ),
        // What is filled in where the row has nothing.
        (
            "fac-a",
            "key.enrolled",
            &[
                ("signer", "d1"),
                ("cosigner", "op:o1"),
                ("id", "key-1"),
                ("organisation", "fac-a"),
                ("holder", "d1"),
                ("role", "facility"),
                ("alg", "ed25519"),
                ("valid_from", "2025-01-01T04:00:00Z"),
            ],
            &[
                ("valid_from", "2025-01-02T04:00:00Z", "valid_from"),
                ("holder", "d2", "holder"),
                ("public_key", "a.example/log/fac-a/d1+00000000+AQ", "public_key"),
            ],
        ),
    ];
    const REGISTERED_X: [(&str, &str); 11] = registered("cso-x", "named");
    const REGISTERED_Y: [(&str, &str); 11] = registered("cso-y", "pseudonym");
    const REGISTERED_OTHER: [(&str, &str, &str); 5] = [
        ("name", "Shut Hands", "name"),
        ("name_lang", "fr", "name"),
        ("state_funding", "12.6", "state_funding"),
        ("board_size", "8", "board_size"),
        ("languages", "ar;fr", "languages"),
    ];

    const fn registered(party: &'static str, mode: &'static str) -> [(&'static str, &'static str); 11] {
        [
            ("signer", "m1"),
            ("organisation", party),
            ("kind", "cso"),
            ("name", "Their Hands"),
            ("name_lang", "en"),
            ("founded_on", "2009-03-02"),
            ("founded_by_state", "false"),
            ("officials_over_half", "false"),
            ("state_funding", "12.5"),
            ("identity_mode", mode),
            ("languages", "fr;ar"),
        ]
    }

    fn draft(parties: &Parties, (party, kind, cells, _): &Case, other: &[(&str, &str)]) -> Draft {
        let header = import::template(kind).unwrap();
        let cell = |column: &str| {
            let all = [("row_id", "r1")].into_iter().chain(cells.iter().copied()).chain(other.iter().copied());
            all.rev().find(|(name, _)| *name == column).map_or("", |(_, cell)| cell).replace('"', "\"\"")
        };
        let columns: Vec<&str> = header.trim_end().split(',').collect();
        for (name, _) in cells.iter().chain(other) {
            assert!(columns.contains(name), "{kind} has no column {name}");
        }
        let row: Vec<String> = columns.iter().map(|column| format!("\"{}\"", cell(column))).collect();
        let csv = format!("{header}{}\n", row.join(","));
        let file = (format!("{kind}.csv"), csv.into_bytes());
        let mut import = import::read_bytes(vec![file], party, parties, &Options::default(), &All);
        assert!(import.problems.is_empty(), "{other:?}: {}", import::render(&import.problems));
        import.drafts.remove(0)
    }

    #[test]
    fn a_row_is_held_against_its_record_column_by_column() {
        let (parties, problems) = Parties::read("parties.csv", PARTIES.as_bytes(), &Limits::default());
        assert_eq!(problems, []);
        let pseudonyms = Pseudonyms::told("cso-y anon-abcdefghijklmnopqrst\n", &parties).unwrap();
        let folder = tempfile::TempDir::new().unwrap();
        let origin = Origin::parse("a.example/log").unwrap();
        let mut keys = KeyFolder::new(folder.path(), origin.clone());
        for party in parties.iter() {
            for holder in &party.holders {
                keys.get_or_make(pseudonyms.party(&party.id), &pseudonyms.inside(holder)).unwrap();
            }
        }
        let recipient = seal::draw_identity("npm").1;
        let recipients = Recipients::told([recipient.as_str()]);
        let mut signer = Signer {
            origin,
            keys,
            pseudonyms: &pseudonyms,
            utc_offset_minutes: 60,
            adopted: Adopted::default(),
            make_keys: false,
            channel: Channel::Cli,
            recipients: &recipients,
            now: Timestamp::parse("2025-03-10T00:00:00Z").unwrap(),
            numbers: BTreeMap::new(),
        };
        // A day; an instant; one that lies on another day where the ledger is.
        let times = ["2025-03-04", "2025-03-04T09:30:00Z", "2025-03-04T23:30:00Z"];
        for case in &CASES {
            let kind = Catalogue::built_in().event(case.1).unwrap();
            let hidden = kind.slots();
            let sealed = hidden.iter().filter(|name| kind.slot_visibility(name) == Visibility::Sealed);
            let sealed: BTreeSet<String> = sealed.map(|name| (*name).to_owned()).collect();
            for occurred in times {
                let given = draft(&parties, case, &[("occurred_at", occurred)]);
                for both in [true, false] {
                    let signed = if both { signer.sign(&given) } else { signer.sign_first(&given) };
                    let (parcel, second) = match signed.unwrap() {
                        Signed::Complete(parcel) => (parcel, None),
                        Signed::Waiting(parcel, holder) => (parcel, Some(holder)),
                    };
                    assert_eq!(second.is_some(), !both && given.cosigner.is_some());
                    let hold = |other: &[(&str, &str)]| {
                        let all = [&[("occurred_at", occurred)], other].concat();
                        beside(&draft(&parties, case, &all), &parcel, second.as_ref(), &pseudonyms, 60).unwrap()
                    };
                    let same = hold(&[]);
                    assert_eq!((same.differs, same.sealed), (vec![], sealed.iter().cloned().collect()));
                    // The row id is no part of what it says.
                    assert_eq!(hold(&[("row_id", "r2")]).differs, Vec::<String>::new());
                    for (column, cell, told) in case.3 {
                        assert_eq!(hold(&[(column, cell)]).differs, [*told], "{} {column} {cell}", case.1);
                    }
                    for other in times.into_iter().filter(|other| *other != occurred && !hidden.is_empty()) {
                        assert_eq!(hold(&[("occurred_at", other)]).differs, ["occurred_at"], "{} {other}", case.1);
                    }
                }
            }
        }
        // Of another type or author it is no repeat at all.
        let of = |case: &Case| draft(&parties, case, &[("occurred_at", times[0])]);
        let Signed::Complete(parcel) = signer.sign(&of(&CASES[2])).unwrap() else { panic!("one signature") };
        for case in CASES.iter().filter(|case| case.1 != CASES[2].1) {
            assert_eq!(beside(&of(case), &parcel, None, &pseudonyms, 60), None);
        }
        let stranger = Draft { party: "cso-y".to_owned(), ..of(&CASES[2]) };
        assert_eq!(beside(&stranger, &parcel, None, &pseudonyms, 60), None);
    }
}
