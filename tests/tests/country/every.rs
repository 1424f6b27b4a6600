//! A country made from the catalogue: rows of every type that a register can carry, by every kind
//! of author, with every field filled, and every hidden value marked.
//!
//! A new event type is in it as soon as it is in the catalogue. What a type asks for beyond the
//! form of its fields stands in the functions below that begin with `special_`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use ledger::import::template;
use schemas::catalogue::{Catalogue, Cosigner, EventType, Field, Kind, Role, Targets};
use schemas::hash::Hash;
use schemas::time::Timestamp;

use crate::marks::Marks;

/// A party of the country.
#[derive(Clone, Copy, Debug)]
pub struct Party {
    /// Its id.
    pub id: &'static str,
    role: Role,
    /// Its name; for one that is not named, a word that stands nowhere else.
    pub name: &'static str,
    mode: &'static str,
}

impl Party {
    /// Whether the log prints its id.
    pub fn is_named(&self) -> bool {
        self.mode == "named"
    }

    /// Holders: two who sign, one whose key is rotated, one whose key is revoked. One of an
    /// unnamed party's is named after it.
    fn holders(&self) -> Vec<String> {
        let second = if self.is_named() { "h2".to_owned() } else { format!("h2-of-{}", self.id) };
        vec!["h1".to_owned(), second, "h3".to_owned(), "h4".to_owned()]
    }
}

const fn party(id: &'static str, role: Role, name: &'static str, mode: &'static str) -> Party {
    Party { id, role, name, mode }
}

/// Who takes part. Every kind of party that may choose to be unnamed has one that is.
pub const PARTIES: &[Party] = &[
    party("op", Role::Operator, "Ledger Office", "named"),
    party("min", Role::Ministry, "Ministry of Justice", "named"),
    party("adm", Role::Administration, "Prison Administration", "named"),
    party("npm", Role::Oversight, "Preventive Mechanism", "named"),
    party("fac-a", Role::Facility, "Prison A", "named"),
    party("fac-b", Role::Facility, "Prison B", "named"),
    party("cso-open", Role::Cso, "Open Hands", "named"),
    party("cso-quillwort", Role::Cso, "Marmoset Circle", "pseudonym"),
    party("cso-tamarack", Role::Cso, "Ptarmigan Union", "aggregate_only"),
    party("fund-open", Role::Funder, "Open Fund", "named"),
    party("fund-sassafras", Role::Funder, "Wolverine Trust", "pseudonym"),
    party("prov-open", Role::Provider, "Open School", "named"),
    party("prov-huckleberry", Role::Provider, "Axolotl College", "aggregate_only"),
    party("eva-open", Role::Evaluator, "Open Measure", "named"),
    party("eva-larkspur", Role::Evaluator, "Pangolin Institute", "pseudonym"),
    party("loc-open", Role::Locality, "Probation North", "named"),
    party("loc-bellwether", Role::Locality, "Cassowary Town", "pseudonym"),
];

/// Rounds of rows: about a named organisation, then about each that is not.
pub const ROUNDS: Range<usize> = 0..3;
const FIRST_DAY: &str = "2025-03-03T08:00:00Z";
const DAY_SECONDS: i64 = 86_400;

/// Whether the optional hidden fields of a row are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// All of them; row ids end with `a`.
    Full,
    /// None of them, and no exact time; row ids end with `b`. The public fields are those of its twin.
    Bare,
}

/// The types that a register can carry: of the log, then of the sealed stream.
pub fn types() -> Vec<&'static EventType> {
    let catalogue = Catalogue::built_in();
    catalogue.events().chain(catalogue.inners()).filter(|e| template(&e.name).is_some()).collect()
}

/// Writes the country with these of its [`ROUNDS`]; gives what its hidden values are marked with.
pub fn write(folder: &Path, rounds: Range<usize>) -> Marks {
    let mut maker = Maker::default();
    maker.enrolments();
    maker.registrations();
    for round in rounds {
        maker.round(round);
    }
    let registers = folder.join("registers");
    for ((party, kind), rows) in &maker.tables {
        let header = template(kind).expect("a type of a register").replace("occurred_at,", "occurred_at,received_at,");
        let columns: Vec<&str> = header.trim_end().split(',').collect();
        let path = registers.join(party).join(format!("{kind}.csv"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        let mut table = csv::Writer::from_path(path).expect("a file can be made");
        table.write_record(&columns).expect("a row can be written");
        for row in rows {
            let unknown: Vec<_> = row.keys().filter(|name| !columns.contains(&name.as_str())).collect();
            assert!(unknown.is_empty(), "{kind}: {unknown:?}");
            let cells = columns.iter().map(|name| row.get(*name).map_or("", String::as_str));
            table.write_record(cells).expect("a row can be written");
        }
        table.flush().expect("a file can be written");
    }
    let line =
        |p: &Party| format!("{},{},{},{},en;fr,{}\n", p.id, p.role.as_str(), p.name, p.mode, p.holders().join(";"));
    let parties: String = PARTIES.iter().map(line).collect();
    let header = "party,role,display_name,identity_mode,languages,holders\n";
    std::fs::write(folder.join("parties.csv"), format!("{header}{parties}")).expect("a file can be written");
    std::fs::write(folder.join("profile.toml"), PROFILE).expect("a file can be written");
    maker.marks
}

const PROFILE: &str = r#"[profile]
id = "canary-1"
version = "1"

[scenario]
evaluation_dates = ["2025-03-31", "2025-06-30"]

[calendar]
utc_offset_minutes = 60
weekend = ["sat", "sun"]
holidays = []

[param.sealed_batch_size]
value = 12
"#;

type Cells = BTreeMap<String, String>;

#[derive(Default)]
struct Maker {
    tables: BTreeMap<(String, String), Vec<Cells>>,
    marks: Marks,
    /// Rows so far on the day that is being written.
    minute: i64,
    day: i64,
    /// Pairs of twins so far.
    pairs: usize,
    /// The last thing that each type has created: its bare id.
    things: BTreeMap<String, String>,
    /// Address of the last full row of each type.
    addresses: BTreeMap<String, String>,
}

/// What one row is about.
#[derive(Clone, Copy)]
struct Setting {
    round: usize,
    fill: Fill,
    author: &'static Party,
    organisation: &'static Party,
    facility: &'static str,
}

fn parties_of(role: Role) -> Vec<&'static Party> {
    PARTIES.iter().filter(|p| p.role == role).collect()
}

fn known(id: &str) -> &'static Party {
    PARTIES.iter().find(|p| p.id == id).expect("a party of the country")
}

impl Maker {
    /// Keys of everyone who is not in genesis.
    fn enrolments(&mut self) {
        let kind = Catalogue::built_in().event("key.enrolled").expect("a type of the catalogue");
        let in_genesis = [Role::Operator, Role::Ministry, Role::Oversight];
        for party in PARTIES.iter().filter(|p| !in_genesis.contains(&p.role)) {
            for (number, holder) in party.holders().into_iter().enumerate() {
                let fill = if number == 1 { Fill::Bare } else { Fill::Full };
                let mut cells = self.cells(kind, Self::setting(0, fill, party, party));
                let cell = |cells: &mut Cells, name: &str, text: &str| cells.insert(name.to_owned(), text.to_owned());
                cell(&mut cells, "id", &format!("key-{}-{holder}", party.id));
                cell(&mut cells, "signer", &holder);
                cell(&mut cells, "holder", &holder);
                // A key with an end cannot be rotated.
                if number != 1 {
                    cells.remove("valid_to");
                }
                self.put(party.id, kind, cells);
            }
        }
        self.next_day();
    }

    /// A registration of every party that may be unnamed: it links the pseudonym.
    fn registrations(&mut self) {
        let kind = Catalogue::built_in().event("organisation.registered").expect("a type of the catalogue");
        for party in PARTIES.iter().filter(|p| !["op", "min", "adm", "npm"].contains(&p.id)) {
            let cells = self.cells(kind, Self::setting(0, Fill::Full, known("min"), party));
            self.put("min", kind, cells);
        }
        self.next_day();
    }

    /// Two rows of every type, each after what it must refer to.
    fn round(&mut self, round: usize) {
        let mut left = types();
        let mut made: BTreeSet<&str> = BTreeSet::from(["key.enrolled"]);
        while !left.is_empty() {
            let ready = |kind: &EventType| {
                kind.refs.iter().filter(|r| !r.optional).all(|r| match &r.targets {
                    // What records are corrected, retracted and erased in this round.
                    Targets::Any => ["access.request.submitted", "visit.disputed", "restriction.reported"]
                        .iter()
                        .all(|t| made.contains(t)),
                    Targets::Types(types) => types.iter().any(|t| made.contains(t.as_str())),
                })
            };
            let (now, later): (Vec<_>, Vec<_>) = left.into_iter().partition(|kind| ready(kind));
            assert!(!now.is_empty(), "these refer to each other in a circle: {later:?}");
            for kind in now {
                self.of_type(round, kind);
                made.insert(&kind.name);
            }
            left = later;
        }
        self.next_day();
    }

    fn of_type(&mut self, round: usize, kind: &'static EventType) {
        if kind.name == "key.enrolled" {
            return;
        }
        for author in special_authors(round, kind) {
            // Twins refer to the same things: what the first creates is known only after both.
            let mut rows = Vec::new();
            for variant in special_variants(kind) {
                for fill in [Fill::Full, Fill::Bare] {
                    let organisations = parties_of(Role::Cso);
                    let own = kind.name.starts_with("key.");
                    let organisation = if own || author.role == Role::Cso { author } else { organisations[round] };
                    let setting = Self::setting(round, fill, author, organisation);
                    let mut cells = self.cells(kind, setting);
                    self.special_cells(kind, setting, variant, &mut cells);
                    rows.push(cells);
                }
            }
            rows.into_iter().for_each(|cells| self.put(author.id, kind, cells));
        }
    }

    fn setting(round: usize, fill: Fill, author: &'static Party, organisation: &'static Party) -> Setting {
        let facility = if author.role == Role::Facility { author.id } else { ["fac-a", "fac-b"][round % 2] };
        Setting { round, fill, author, organisation, facility }
    }

    /// A row as the form of the type alone would have it.
    fn cells(&mut self, kind: &EventType, setting: Setting) -> Cells {
        let Setting { author, fill, .. } = setting;
        self.pairs += usize::from(fill == Fill::Full);
        let number = format!("{:04}{}", self.pairs, if fill == Fill::Full { 'a' } else { 'b' });
        let received = self.received();
        self.minute += 1;
        let mut cells = Cells::new();
        let mut put = |name: &str, text: String| cells.insert(name.to_owned(), text);
        put("row_id", format!("r-{}-{number}", author.id));
        let day = received.date(60);
        put("occurred_at", if fill == Fill::Full { self.marks.moment_on(day) } else { day.to_string() });
        put("received_at", received.to_string());
        put("signer", "h1".to_owned());
        if kind.id_of.is_some() {
            put("id", format!("{}-of-{}-{number}", kind.family, author.id));
        }
        for reference in &kind.refs {
            let target = match &reference.targets {
                Targets::Any => self.addresses.get("access.request.submitted").cloned(),
                Targets::Types(types) => types.iter().rev().find_map(|t| self.things.get(t)).cloned(),
            };
            put(&reference.name, target.unwrap_or_default());
        }
        for field in &kind.fields {
            let hidden = !field.is_public() || field.restricted_unless_named && !setting.organisation.is_named();
            if hidden && fill == Fill::Bare && !field.required {
                continue;
            }
            match (field.kind, self.value(field, hidden, setting)) {
                (Kind::Money, text) => {
                    put(&format!("{}_amount", field.name), text);
                    put(&format!("{}_currency", field.name), "XTS".to_owned());
                }
                (_, text) => drop(put(&field.name, text)),
            }
        }
        if let Some(cosigner) = special_cosigner(kind, setting) {
            cells.insert("cosigner".to_owned(), cosigner);
        }
        cells
    }

    /// A value of a field: a mark where it is hidden and its form allows one.
    fn value(&mut self, field: &Field, hidden: bool, setting: Setting) -> String {
        let round = setting.round;
        if let Some(text) = special_value(field, setting) {
            return text;
        }
        let one = |marks: &mut Marks, n: usize| match field.kind {
            Kind::Id if hidden => marks.id(),
            Kind::Id => format!("{}-{n}", field.name),
            Kind::Text if hidden => marks.text(),
            Kind::Text => format!("Words about {} — «{n}»", field.name.replace('_', " ")),
            Kind::Time if hidden => marks.time(),
            Kind::Time => "2025-03-01T07:00:00Z".to_owned(),
            Kind::Date if hidden => marks.date(),
            Kind::Date => "2025-03-04".to_owned(),
            Kind::Persons | Kind::Count | Kind::Minutes | Kind::Hours | Kind::Days if hidden => marks.number(),
            Kind::Persons | Kind::Count | Kind::Minutes | Kind::Hours | Kind::Days => (7 + n).to_string(),
            Kind::Percent => "12.5".to_owned(),
            Kind::Money => "125000".to_owned(),
            Kind::Code => field.codes()[n % field.codes().len()].clone(),
            Kind::Digest => Hash::of(&[field.name.as_bytes(), &[n as u8]]).to_hex(),
            Kind::Bool => n.is_multiple_of(2).to_string(),
            Kind::Party => setting.organisation.id.to_owned(),
            Kind::Facility => setting.facility.to_owned(),
            Kind::Vkey => String::new(),
        };
        if field.list && !matches!(field.kind, Kind::Party | Kind::Facility) {
            let items: BTreeSet<String> = (round..round + 2).map(|n| one(&mut self.marks, n)).collect();
            return items.into_iter().collect::<Vec<_>>().join(";");
        }
        one(&mut self.marks, round)
    }

    /// What a type asks for that its fields do not say.
    fn special_cells(&mut self, kind: &EventType, setting: Setting, variant: usize, cells: &mut Cells) {
        let mut set = |name: &str, text: &str| cells.insert(name.to_owned(), text.to_owned());
        match kind.name.as_str() {
            "key.rotated" | "key.revoked" => {
                let holder = if kind.name == "key.rotated" { "h3" } else { "h4" };
                set("holder", holder);
                set("key", &format!("key-{}-{holder}", setting.author.id));
            }
            "record.retracted" => drop(set("target", &self.addresses["restriction.reported"])),
            "record.corrected" => {
                let &(target, field, column) = &CORRECTIONS[variant];
                let text = match column {
                    "new_value_public" => "legal".to_owned(),
                    _ => self.marks.text(),
                };
                let mut set = |name: &str, text: &str| cells.insert(name.to_owned(), text.to_owned());
                set("target", &self.addresses[target]);
                set("field_name", field);
                set(column, &text);
            }
            _ => {}
        }
    }

    fn put(&mut self, party: &str, kind: &EventType, cells: Cells) {
        let full = cells["row_id"].ends_with('a');
        if full {
            if let Some(id) = cells.get("id") {
                self.things.insert(kind.name.clone(), id.clone());
            }
            self.addresses.insert(kind.name.clone(), format!("{party}/{}/{}", kind.name, cells["row_id"]));
        }
        self.tables.entry((party.to_owned(), kind.name.clone())).or_default().push(cells);
    }

    fn received(&self) -> Timestamp {
        let first = Timestamp::parse(FIRST_DAY).expect("an instant");
        first.plus_seconds(self.day * DAY_SECONDS + self.minute * 60)
    }

    fn next_day(&mut self) {
        self.day += 1;
        self.minute = 0;
    }
}

/// Corrections of a field of each visibility: the type, the field, the column of the new value.
const CORRECTIONS: &[(&str, &str, &str)] = &[
    ("access.request.submitted", "purpose", "new_value_public"),
    ("visit.disputed", "narrative", "new_value_restricted"),
    ("access.request.submitted", "team_names", "new_value_sealed"),
];

fn special_variants(kind: &EventType) -> Range<usize> {
    if kind.name == "record.corrected" { 0..CORRECTIONS.len() } else { 0..1 }
}

/// Who writes a type in a round: one party of each role in turn, the unnamed one where there is one.
fn special_authors(round: usize, kind: &EventType) -> Vec<&'static Party> {
    let csos = parties_of(Role::Cso);
    match kind.name.as_str() {
        // Of one's own records alone; what is corrected is the organisation's.
        "record.corrected" | "record.retracted" => vec![csos[round]],
        "restriction.reported" => vec![csos[round]],
        // By oversight, or by both sides: the prison of the visit, and whoever disputed it.
        "visit.dispute.resolved" if kind.authors[round % kind.authors.len()] == Role::Administration => {
            vec![known("fac-a")]
        }
        // Keys that were enrolled: those of genesis have no enrolment to refer to.
        "key.rotated" | "key.revoked" => vec![csos[round]],
        _ => {
            let role = kind.authors[round % kind.authors.len()];
            let of_role = parties_of(role);
            let pick = if role == Role::Cso { round } else { round % of_role.len() };
            vec![of_role[pick]]
        }
    }
}

/// The second signature, where the type has one.
fn special_cosigner(kind: &EventType, setting: Setting) -> Option<String> {
    if kind.name == "visit.dispute.resolved" && setting.author.role != Role::Oversight {
        return Some(format!("{}:h1", setting.organisation.id));
    }
    Some(match kind.cosigner? {
        Cosigner::Same => setting.author.holders()[1].clone(),
        Cosigner::Organisation => format!("{}:h1", setting.organisation.id),
        Cosigner::Operator => "op:h1".to_owned(),
        Cosigner::Oversight => "npm:h1".to_owned(),
    })
}

/// Values that hang on others.
fn special_value(field: &Field, setting: Setting) -> Option<String> {
    let csos = || parties_of(Role::Cso).iter().map(|p| p.id).collect::<Vec<_>>().join(";");
    let inspects = setting.author.role == Role::Administration;
    Some(match field.name.as_str() {
        "organisation" | "old_partner" | "new_partner" => setting.organisation.id.to_owned(),
        "operator_org" => "op".to_owned(),
        "reader" | "to_body" => "npm".to_owned(),
        "addressee" => "adm".to_owned(),
        "provider" => parties_of(Role::Funder)[setting.round % 2].id.to_owned(),
        "evaluator" => parties_of(Role::Evaluator)[setting.round % 2].id.to_owned(),
        "partners" | "invited_orgs" => csos(),
        "facilities" => "fac-a;fac-b".to_owned(),
        "identity_mode" => setting.organisation.mode.to_owned(),
        "role" => setting.author.role.as_str().to_owned(),
        "holder" => "h1".to_owned(),
        "alg" => "ed25519".to_owned(),
        "valid_to" if field.kind == Kind::Time => "2035-01-01T00:00:00Z".to_owned(),
        "languages" => "fr;ar".to_owned(),
        "kind" if field.codelist.as_deref() == Some("inspection_kind") && inspects => "internal".to_owned(),
        // One of them alone is filled, see `special_cells`.
        "new_value_public" | "new_value_restricted" | "new_value_sealed" => String::new(),
        // The demo makes the keys.
        "public_key" => String::new(),
        // The pseudonym's link is filled in by who signs.
        "party_id" if !setting.organisation.is_named() => String::new(),
        _ => return None,
    })
}
