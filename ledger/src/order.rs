//! The order in which rows are signed and handed in: that of the names which the log shows.
//!
//! Registers are read by party, and parties lie in a folder and in a list by the names that they have outside, often in
//! alphabetical order. An organisation that is not named would show its place in that order by its place among the
//! enrolments of one day. So rows of one moment are put in the order of the names in the log, in which a pseudonym stands
//! where chance has put it: it is the same for all orders of the list, and tells nothing of it.

use std::collections::HashMap;

use schemas::time::Timestamp;

use crate::import::Draft;
use crate::pseudonym::Pseudonyms;

/// Keys first, for whoever signs later needs them; then by the author's name in the log; registrations of one author by
/// the name of whom they register. What a row refers to stands before it. Rows of one author otherwise keep their order.
pub fn by_shown_names(drafts: Vec<Draft>, pseudonyms: &Pseudonyms) -> Vec<Draft> {
    let mut drafts = drafts;
    drafts.sort_by_cached_key(|draft| {
        (draft.received_at, draft.event != "key.enrolled", pseudonyms.party(&draft.party).to_owned())
    });
    let registers = |draft: &Draft| {
        let of = draft.fields.get("organisation").filter(|_| draft.event == "organisation.registered")?;
        Some(pseudonyms.party(of.as_text()?).to_owned())
    };
    // Registrations change places among themselves; what stands between them stays.
    let group = |draft: &Draft| (draft.received_at, draft.party.clone());
    let mut places: HashMap<(Option<Timestamp>, String), Vec<usize>> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate().filter(|(_, draft)| registers(draft).is_some()) {
        places.entry(group(draft)).or_default().push(at);
    }
    let mut order: Vec<usize> = (0..drafts.len()).collect();
    for places in places.values() {
        let mut sorted = places.clone();
        sorted.sort_by_cached_key(|at| registers(&drafts[*at]));
        for (place, from) in places.iter().zip(sorted) {
            order[*place] = from;
        }
    }
    let order = targets_first(&drafts, &order);
    let mut taken: Vec<Option<Draft>> = drafts.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| taken[at].take()).collect()
}

/// The same order, but for rows of the same moment to which an earlier one refers: they come right before it.
fn targets_first(drafts: &[Draft], order: &[usize]) -> Vec<usize> {
    let mut made: HashMap<String, usize> = HashMap::new();
    for (at, draft) in drafts.iter().enumerate() {
        made.insert(draft.address(), at);
        made.extend(draft.qualified_id().map(|id| (id, at)));
    }
    let mut done = vec![false; drafts.len()];
    let mut sorted = Vec::with_capacity(drafts.len());
    // A stack of its own: a chain of references may be as long as the file.
    let mut stack: Vec<(usize, bool)> = Vec::new();
    for first in order {
        stack.push((*first, false));
        while let Some((at, ready)) = stack.pop() {
            if ready {
                sorted.push(at);
                continue;
            }
            if std::mem::replace(&mut done[at], true) {
                continue;
            }
            stack.push((at, true));
            let targets = drafts[at].refs.values().flatten().filter_map(|target| made.get(target));
            stack.extend(
                targets
                    .filter(|to| !done[**to] && drafts[**to].received_at == drafts[at].received_at)
                    .map(|to| (*to, false)),
            );
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use schemas::value::Value;

    use super::*;
    use crate::import::{Claim, Holder, Limits, Parties, Place};

    fn draft(party: &str, event: &str, row: &str, field: Option<&str>, target: Option<&str>) -> Draft {
        let holder = Holder { party: party.to_owned(), holder: "h".to_owned() };
        Draft {
            party: party.to_owned(),
            event: event.to_owned(),
            inner: false,
            row_id: row.to_owned(),
            occurred: Claim::Day(schemas::time::Date::parse("2025-01-01").unwrap()),
            received_at: None,
            signer: holder,
            cosigner: None,
            id: Some(format!("id-{row}")),
            refs: target.map(|to| ("request".to_owned(), vec![to.to_owned()])).into_iter().collect(),
            fields: field
                .map(|of| ("organisation".to_owned(), Value::Text(of.to_owned())))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            named: Default::default(),
            place: Place { file: String::new(), line: 0 },
        }
    }

    /// Parties `a` to `h`, of which only `d` is named, under pseudonyms that say nothing of the order.
    fn country(names: [&str; 7]) -> (Pseudonyms, Vec<&'static str>) {
        let ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let list: String = ids
            .iter()
            .map(|id| format!("{id},cso,N {id},{},en,h\n", if *id == "d" { "named" } else { "pseudonym" }))
            .collect();
        let header = "party,role,display_name,identity_mode,languages,holders\n";
        let (parties, bad) = Parties::read("parties.csv", (header.to_owned() + &list).as_bytes(), &Limits::default());
        assert!(bad.is_empty(), "{bad:?}");
        let unnamed = ids.iter().filter(|id| **id != "d");
        let told: String = unnamed.zip(names).map(|(id, name)| format!("{id} anon-{name}\n")).collect();
        (Pseudonyms::told(&told, &parties).unwrap(), ids.to_vec())
    }

    #[test]
    fn the_place_of_an_enrolment_tells_nothing_of_the_name_behind_it() {
        for names in [["q", "x", "b", "m", "z", "c", "k"], ["c", "b", "a", "z", "y", "x", "w"]] {
            let (pseudonyms, ids) = country(names);
            let shown = |drafts: Vec<Draft>| {
                by_shown_names(drafts, &pseudonyms)
                    .iter()
                    .map(|d| pseudonyms.party(&d.party).to_owned())
                    .collect::<Vec<_>>()
            };
            let of =
                |ids: &[&str]| ids.iter().map(|id| draft(id, "key.enrolled", "k", Some(id), None)).collect::<Vec<_>>();
            let mut want: Vec<String> =
                names.iter().map(|name| format!("anon-{name}")).chain(["d".to_owned()]).collect();
            want.sort();
            // Whatever the list's own order was.
            let backwards: Vec<&str> = ids.iter().rev().copied().collect();
            assert_eq!(shown(of(&ids)), want);
            assert_eq!(shown(of(&backwards)), want);
            // Registrations are by one author, and about the others.
            let about = |ids: &[&str]| {
                let all = ids.iter().map(|id| draft("m", "organisation.registered", id, Some(id), None)).collect();
                let sorted = by_shown_names(all, &pseudonyms);
                sorted
                    .iter()
                    .map(|d| pseudonyms.party(d.fields["organisation"].as_text().unwrap()).to_owned())
                    .collect::<Vec<_>>()
            };
            assert_eq!(about(&ids), want);
            assert_eq!(about(&backwards), want);
        }
    }

    #[test]
    fn what_a_row_refers_to_stands_before_it() {
        let (pseudonyms, _) = country(["q", "x", "b", "m", "z", "c", "k"]);
        // In the log `c` is anon-b and comes before `a`, to whose request it refers; keys come before all.
        let drafts = vec![
            draft("c", "visit.completed", "1", None, Some("a/id-2")),
            draft("a", "access.request.submitted", "2", None, Some("h/access.request.submitted/3")),
            draft("h", "access.request.submitted", "3", None, None),
            draft("d", "key.enrolled", "4", None, None),
        ];
        let order: Vec<String> = by_shown_names(drafts, &pseudonyms).into_iter().map(|d| d.row_id).collect();
        assert_eq!(order, ["4", "3", "2", "1"]);
        // Rows that refer to each other come to an end all the same.
        let round = vec![
            draft("a", "visit.completed", "1", None, Some("b/id-2")),
            draft("b", "visit.completed", "2", None, Some("a/id-1")),
        ];
        assert_eq!(by_shown_names(round, &pseudonyms).len(), 2);
    }
}
