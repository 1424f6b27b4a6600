//! Records straight from a scenario's registers, for tests of rules and measures alone.
//!
//! Reads `registers/<party>/<event.type>.csv` as the conventions of the scenario say; rows of the
//! sealed stream are left out. Nothing here is signed or verified.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemas::catalogue::{Catalogue, EventType, Field, Kind, Role, Targets};
use schemas::hash::Hash;
use schemas::time::{Date, Timestamp};
use schemas::value::Value;

use crate::cell;
use crate::record::{Holder, Record};

/// A party of `parties.csv`.
struct Party {
    role: Role,
    language: String,
}

/// A scenario as records in log order, with its profile.
pub(crate) struct Scenario {
    /// The folder.
    pub folder: PathBuf,
    /// The records.
    pub records: Vec<Record>,
    /// The profile's bytes.
    pub profile: Vec<u8>,
}

/// One row of a register with its names.
struct Row {
    party: String,
    kind: String,
    cells: BTreeMap<String, String>,
}

impl Row {
    fn cell(&self, name: &str) -> Option<&str> {
        self.cells.get(name).map(String::as_str).filter(|c| !c.is_empty())
    }
}

/// The scenario of that name beside the crates.
pub(crate) fn scenario(name: &str) -> Scenario {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenario").join(name);
    let profile = std::fs::read(folder.join("profile.toml")).unwrap();
    let parties = parties(&folder);
    let mut rows = rows(&folder);
    let received = |row: &Row| Timestamp::parse(row.cell("received_at").unwrap()).unwrap();
    let key = |row: &Row| (received(row), row.party.clone(), row.kind.clone(), row.cells["row_id"].clone());
    rows.sort_by_cached_key(key);
    let offset = crate::profile::Profile::parse(&profile).unwrap().calendar().utc_offset_minutes();
    let catalogue = Catalogue::built_in();
    let mut owners: BTreeMap<(String, String), String> = BTreeMap::new();
    for row in &rows {
        if let (Some(kind), Some(id)) = (&catalogue.event(&row.kind).unwrap().id_of, row.cell("id")) {
            owners.insert((kind.clone(), id.to_owned()), row.party.clone());
        }
    }
    let records =
        (0..).zip(&rows).map(|(position, row)| record(position, row, &parties, &owners, offset, &profile)).collect();
    Scenario { folder, records, profile }
}

/// The rows of a CSV file by column name.
pub(crate) fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn parties(folder: &Path) -> BTreeMap<String, Party> {
    let one = |row: BTreeMap<String, String>| {
        let language = row["languages"].split(';').next().unwrap().to_owned();
        (row["party"].clone(), Party { role: Role::parse(&row["role"]).unwrap(), language })
    };
    table(&folder.join("parties.csv")).into_iter().map(one).collect()
}

fn rows(folder: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for party in std::fs::read_dir(folder.join("registers")).unwrap().map(|e| e.unwrap().path()) {
        for file in std::fs::read_dir(&party).unwrap().map(|e| e.unwrap().path()) {
            let kind = file.file_stem().unwrap().to_str().unwrap().to_owned();
            if Catalogue::built_in().event(&kind).is_some() {
                let party = party.file_name().unwrap().to_str().unwrap().to_owned();
                rows.extend(table(&file).into_iter().map(|cells| Row {
                    party: party.clone(),
                    kind: kind.clone(),
                    cells,
                }));
            }
        }
    }
    rows
}

fn record(
    position: u64,
    row: &Row,
    parties: &BTreeMap<String, Party>,
    owners: &BTreeMap<(String, String), String>,
    offset: i32,
    profile: &[u8],
) -> Record {
    let catalogue = Catalogue::built_in();
    let event = catalogue.event(&row.kind).unwrap();
    let party = &parties[&row.party];
    let occurred = row.cell("occurred_at").unwrap();
    let occurred_at = Timestamp::parse(occurred);
    let at = occurred_at.map_or_else(|| Date::parse(occurred).unwrap(), |t| t.date(offset));
    let qualified = |targets: &Targets, value: &str| match targets {
        Targets::Any => value.to_owned(),
        Targets::Types(types) => {
            let owner = types.iter().find_map(|t| owners.get(&(catalogue.event(t)?.id_of.clone()?, value.to_owned())));
            format!(
                "{}/{value}",
                owner.unwrap_or_else(|| panic!("{} {} refers to nobody's {value}", row.kind, row.cells["row_id"]))
            )
        }
    };
    let refs = event.refs.iter().filter_map(|r| {
        let cell = row.cell(&r.name)?;
        let values = if r.many { cell.split(';').collect() } else { vec![cell] };
        Some((r.name.clone(), values.into_iter().map(|v| qualified(&r.targets, v)).collect()))
    });
    let mut fields: BTreeMap<String, Value> =
        event.fields.iter().filter_map(|f| Some((f.name.clone(), field(f, row, &party.language)?))).collect();
    if row.kind == "rule.profile.adopted" {
        // The demo fills in the digest of the file that it adopts.
        fields.insert("profile".to_owned(), Value::Text(Hash::of(&[profile]).to_hex()));
    }
    let holder = |name: &str| {
        let (party, name) = name.split_once(':').unwrap_or((&row.party, name));
        Holder { party: party.to_owned(), name: name.to_owned() }
    };
    Record {
        position,
        received_at: Timestamp::parse(row.cell("received_at").unwrap()).unwrap(),
        by: row.party.clone(),
        role: party.role,
        kind: row.kind.clone(),
        row: row.cells["row_id"].clone(),
        id: row.cell("id").map(|id| format!("{}/{id}", row.party)),
        at,
        occurred_at,
        refs: refs.collect(),
        fields,
        withheld: BTreeSet::new(),
        signer: holder(row.cell("signer").unwrap()),
        approver: row.cell("cosigner").map(holder),
    }
}

fn field(field: &Field, row: &Row, language: &str) -> Option<Value> {
    let name = &field.name;
    let text = match field.kind {
        Kind::Money => format!("{} {}", row.cell(&format!("{name}_amount"))?, row.cell(&format!("{name}_currency"))?),
        _ if field.list => {
            // A register may name an item twice; a list in an event holds each once.
            let mut seen = BTreeSet::new();
            row.cell(name)?.split(';').filter(|item| seen.insert(*item)).collect::<Vec<_>>().join(";")
        }
        _ => row.cell(name)?.to_owned(),
    };
    let lang = row.cell(&format!("{name}_lang")).unwrap_or(language);
    let value = cell::value(field, &text, lang);
    Some(value.unwrap_or_else(|| panic!("{} {}: {name} = {text:?}", row.kind, row.cells["row_id"])))
}

/// Takes hidden values away, as a reader without openings sees the records.
pub(crate) fn as_the_public_sees(records: &[Record]) -> Vec<Record> {
    let hide = |record: &Record| {
        let event: &EventType = Catalogue::built_in().event(record.kind()).unwrap();
        let mut record = record.clone();
        for slot in event.slots() {
            record.fields.remove(slot);
            record.withheld.insert(slot.to_owned());
        }
        record.occurred_at = None;
        record
    };
    records.iter().map(hide).collect()
}
