//! Rows among each other: what they create, what they refer to, in which order they stand.

use std::collections::{BTreeMap, HashMap};

use schemas::catalogue::{Catalogue, Ref, Targets};

use super::columns::Use;
use super::correction;
use super::echo::shown;
use super::own;
use super::privacy;
use super::problem::{Problems, What};
use super::row::{Row, World};

/// What the rows of an import create.
struct Index {
    addresses: HashMap<String, usize>,
    things: HashMap<(String, String), usize>,
    /// By bare id alone, for a ref that names the wrong kind of thing.
    ids: BTreeMap<String, usize>,
}

/// Resolves all refs, checks what hangs on them, and puts the rows in order. `again` are rows that were taken in before:
/// their refs are resolved too, nothing hangs on them, and those that cannot be read as they stand are left out.
pub(crate) fn settle<'a>(
    mut rows: Vec<Row<'a>>,
    mut again: Vec<Row<'a>>,
    world: &World<'_>,
    told: &mut Problems,
) -> (Vec<Row<'a>>, Vec<Row<'a>>) {
    rows.sort_by(|a, b| {
        let key = |r: &Row<'a>| (r.received_at.filter(|_| world.options.replay), r.line);
        let (sheet_a, sheet_b) = (&a.sheet, &b.sheet);
        let names = (&sheet_a.party, &sheet_a.event.name).cmp(&(&sheet_b.party, &sheet_b.event.name));
        let rest = if world.options.replay { a.row_id.cmp(&b.row_id) } else { std::cmp::Ordering::Equal };
        let (time_a, line_a) = key(a);
        let (time_b, line_b) = key(b);
        time_a.cmp(&time_b).then(names).then(rest).then((&sheet_a.file, line_a).cmp(&(&sheet_b.file, line_b)))
    });
    let index = Index::new(&mut rows, world, told);
    let mut modes = Modes::default();
    for at in 0..rows.len() {
        modes.see(&rows[at]);
        resolve(&mut rows, at, &index, &modes, world, told);
    }
    let fresh = rows.len();
    rows.append(&mut again);
    for at in fresh..rows.len() {
        resolve(&mut rows, at, &index, &modes, world, &mut Problems::new(0));
    }
    let mut again = rows.split_off(fresh);
    again.retain(|row| !row.refused);
    if !world.options.replay {
        rows = targets_first(rows, told);
    }
    refuse_with_targets(&mut rows, told);
    let mut modes = Modes::default();
    for row in rows.iter_mut().filter(|row| !row.refused) {
        modes.see(row);
        // Of whom nothing was said yet is not named, whatever the list of parties says.
        let said = row.about().and_then(|party| modes.of(party, world));
        row.named = said.unwrap_or(false);
        if row.named {
            privacy::check_shown(row, world, told);
        }
    }
    (rows, again)
}

/// What the rows so far have said of who is shown by name.
#[derive(Default)]
struct Modes(HashMap<String, bool>);

impl Modes {
    fn see(&mut self, row: &Row<'_>) {
        if let (Some(party), Some(named)) = (row.about(), row.own_mode()) {
            self.0.insert(party.to_owned(), named);
        }
    }

    /// Whether a party is shown by name, where these rows or the log have said it.
    fn of(&self, party: &str, world: &World<'_>) -> Option<bool> {
        self.0.get(party).copied().or_else(|| world.known.is_named(party))
    }
}

impl Index {
    fn new(rows: &mut [Row<'_>], world: &World<'_>, told: &mut Problems) -> Self {
        let mut index = Self { addresses: HashMap::new(), things: HashMap::new(), ids: BTreeMap::new() };
        for at in 0..rows.len() {
            if rows[at].row_id.is_empty() {
                continue;
            }
            let address = rows[at].address();
            if let Some(first) = index.addresses.get(&address) {
                let line = rows[*first].place().to_string();
                rows[at].tell(told, Some(Use::RowId), What::RowIdTwice { line });
                continue;
            }
            index.addresses.insert(address, at);
            let Some((kind, id)) = rows[at].sheet.event.id_of.clone().zip(rows[at].id.clone()) else { continue };
            let first = index.things.get(&(kind.clone(), id.clone())).map(|first| rows[*first].place().to_string());
            let in_log = || world.known.author_of(&kind, &id).map(|party| format!("{party}, in the log"));
            if let Some(by) = first.or_else(in_log) {
                rows[at].tell(told, Some(Use::Id), What::IdTaken { kind, by });
                continue;
            }
            index.ids.insert(id.clone(), at);
            index.things.insert((kind, id), at);
        }
        index
    }
}

/// Where a ref leads.
enum Found {
    /// To a row of this import.
    Here(usize),
    /// To something in the log, with its address where it is known.
    InLog { qualified: String, address: Option<String> },
}

fn resolve(rows: &mut [Row<'_>], at: usize, index: &Index, modes: &Modes, world: &World<'_>, told: &mut Problems) {
    let event = rows[at].sheet.event;
    let mut cases = Vec::new();
    let mut organisation = None;
    for (n, items) in rows[at].bare.clone() {
        let r = &event.refs[n];
        let mut qualified = Vec::new();
        for item in &items {
            let found = match &r.targets {
                Targets::Any => address(item, rows, index, world),
                Targets::Types(types) => thing(item, types, rows, index, world),
            };
            let found = match found {
                Ok(found) => found,
                Err(what) => {
                    rows[at].tell(told, Some(Use::Ref(n)), what);
                    continue;
                }
            };
            let of = |field: &str| match &found {
                Found::Here(to) => rows[*to].text(field).map(str::to_owned),
                Found::InLog { address, .. } => address.as_ref().and_then(|a| world.known.party_in(a, field)),
            };
            cases.extend(of("facility").map(|facility| (n, facility)));
            organisation = organisation.or_else(|| of("organisation"));
            match found {
                Found::Here(to) => {
                    qualified.push(name_of(r, &rows[to], item));
                    rows[at].targets.push(to);
                    let timed = rows[at].received_at.is_some() && rows[to].received_at.is_some();
                    if timed && to >= at {
                        let to = told_as(item, &rows[to]);
                        rows[at].tell(told, Some(Use::Ref(n)), What::RefLater { to });
                    }
                }
                Found::InLog { qualified: name, .. } => qualified.push(name),
            }
        }
        rows[at].refs.insert(r.name.clone(), qualified);
    }
    own::check_refs(&mut rows[at], &cases, world, told);
    if event.name == "record.corrected" {
        // A registration is about the party in its own field; with no ref there is nothing to ask.
        let named = organisation.as_deref().and_then(|party| modes.of(party, world));
        correction::check(&mut rows[at], organisation.as_deref(), named, world, told);
    }
}

/// A target as the event names it.
fn name_of(r: &Ref, to: &Row<'_>, item: &str) -> String {
    match r.targets {
        Targets::Any => item.to_owned(),
        Targets::Types(_) => format!("{}/{item}", to.sheet.party),
    }
}

fn told_as(item: &str, to: &Row<'_>) -> String {
    format!("{} at {}", shown(item), to.place())
}

fn address(item: &str, rows: &[Row<'_>], index: &Index, world: &World<'_>) -> Result<Found, What> {
    let sealed = || What::AddressSealed { shown: shown(item) };
    if let Some(to) = index.addresses.get(item) {
        return if rows[*to].sheet.inner { Err(sealed()) } else { Ok(Found::Here(*to)) };
    }
    if item.split('/').nth(1).is_some_and(|event| Catalogue::built_in().inner(event).is_some()) {
        return Err(sealed());
    }
    if world.known.has_address(item) {
        return Ok(Found::InLog { qualified: item.to_owned(), address: Some(item.to_owned()) });
    }
    Err(What::AddressUnknown { shown: shown(item) })
}

fn thing(id: &str, types: &[String], rows: &[Row<'_>], index: &Index, world: &World<'_>) -> Result<Found, What> {
    let catalogue = Catalogue::built_in();
    let creates = |name: &String| catalogue.event(name).or_else(|| catalogue.inner(name)).and_then(|e| e.id_of.clone());
    let wanted = || types.join(" or ");
    let mut found: Option<(String, Found)> = None;
    let mut other = None;
    for (name, kind) in types.iter().filter_map(|name| creates(name).map(|kind| (name, kind))) {
        let (qualified, here) = if let Some(to) = index.things.get(&(kind.clone(), id.to_owned())) {
            if rows[*to].sheet.event.name != *name {
                other = other.or_else(|| Some(rows[*to].sheet.event.name.clone()));
                continue;
            }
            (format!("{}/{id}", rows[*to].sheet.party), Found::Here(*to))
        } else if let Some(party) = world.known.author_of(&kind, id) {
            if let Some(is) = world.known.type_of(&kind, id).filter(|is| is != name) {
                other = other.or(Some(is));
                continue;
            }
            let (qualified, address) = (format!("{party}/{id}"), world.known.address_of(&kind, id));
            (qualified.clone(), Found::InLog { qualified, address })
        } else {
            continue;
        };
        match &found {
            // The first type under which the thing exists is meant, FORMAT.md 4.4; but not
            // where the same bare id names things of two parties.
            Some((first, _)) if *first != qualified => return Err(What::RefAmbiguous { shown: shown(id) }),
            Some(_) => {}
            None => found = Some((qualified, here)),
        }
    }
    let other = || other.or_else(|| index.ids.get(id).map(|to| rows[*to].sheet.event.name.clone()));
    found.map(|(_, found)| found).ok_or_else(|| match other() {
        Some(is) => What::RefType { shown: shown(id), is, wanted: wanted() },
        None => What::RefUnknown { shown: shown(id), wanted: wanted() },
    })
}

/// Puts each row after those that it refers to, and else leaves the order as it is. Rows that
/// refer to each other cannot be ordered.
fn targets_first<'a>(mut rows: Vec<Row<'a>>, told: &mut Problems) -> Vec<Row<'a>> {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; rows.len()];
    let mut order = Vec::with_capacity(rows.len());
    // A stack of our own: a chain of corrections may be as long as a file.
    let mut stack: Vec<(usize, usize)> = Vec::new();
    for start in 0..rows.len() {
        if states[start] != State::New {
            continue;
        }
        states[start] = State::Open;
        stack.push((start, 0));
        while let Some((at, next)) = stack.pop() {
            let Some(to) = rows[at].targets.get(next).copied() else {
                states[at] = State::Done;
                order.push(at);
                continue;
            };
            stack.push((at, next + 1));
            match states[to] {
                State::New => {
                    states[to] = State::Open;
                    stack.push((to, 0));
                }
                State::Open => {
                    let to = rows[to].place().to_string();
                    rows[at].tell(told, None, What::RefCircle { to });
                }
                State::Done => {}
            }
        }
    }
    let mut places = vec![0; rows.len()];
    for (new, old) in order.iter().enumerate() {
        places[*old] = new;
    }
    let mut slots: Vec<Option<Row<'a>>> = rows.into_iter().map(Some).collect();
    let mut sorted: Vec<Row<'a>> = order.iter().filter_map(|old| slots[*old].take()).collect();
    for row in &mut sorted {
        for to in &mut row.targets {
            *to = places[*to];
        }
    }
    sorted
}

/// Refuses what refers to a refused row, and what refers to that, and so on.
fn refuse_with_targets(rows: &mut [Row<'_>], told: &mut Problems) {
    let mut referrers: Vec<Vec<usize>> = vec![Vec::new(); rows.len()];
    for (at, row) in rows.iter().enumerate() {
        for to in &row.targets {
            referrers[*to].push(at);
        }
    }
    let mut refused: Vec<usize> = (0..rows.len()).filter(|at| rows[*at].refused).collect();
    while let Some(to) = refused.pop() {
        for at in std::mem::take(&mut referrers[to]) {
            if rows[at].refused {
                continue;
            }
            let place = rows[to].place().to_string();
            let used = rows[at]
                .bare
                .iter()
                .find(|(n, items)| leads_to(&rows[at], *n, items, &rows[to]))
                .map(|(n, _)| Use::Ref(*n));
            rows[at].tell(told, used, What::RefRefused { to: place });
            refused.push(at);
        }
    }
}

fn leads_to(row: &Row<'_>, n: usize, items: &[String], to: &Row<'_>) -> bool {
    match row.sheet.event.refs[n].targets {
        Targets::Any => items.contains(&to.address()),
        Targets::Types(_) => to.id.as_ref().is_some_and(|id| items.contains(id)),
    }
}
