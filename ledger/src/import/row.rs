//! One record of a register to a row: every check that needs nothing but the row itself.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use schemas::catalogue::{EventType, Field, Kind, LIST_ITEMS_MAX, Role, TEXT_BYTES_MAX, Targets, is_id};
use schemas::time::Timestamp;
use schemas::value::Value;
use schemas::visible;

use super::columns::{Header, Use};
use super::draft::{Claim, Draft, Holder, Place};
use super::echo::shown;
use super::mapping::TypeMapping;
use super::near::did_you_mean;
use super::parties::{IdentityMode, Parties, holder_or_near};
use super::problem::{Problem, Problems, Severity, What};
use super::table::Record;
use super::{Known, Options, cell, own, privacy};

/// Everything that a row is checked against.
pub(crate) struct World<'a> {
    pub parties: &'a Parties,
    pub known: &'a dyn Known,
    pub options: &'a Options,
    /// Minutes by which local time is ahead of UTC.
    pub utc_offset_minutes: i32,
}

impl World<'_> {
    /// The role of a party of `parties.csv` or of the log.
    pub fn role_of(&self, party: &str) -> Option<Role> {
        self.parties.get(party).map(|p| p.role).or_else(|| self.known.role_of(party))
    }
}

/// A file of one party and one type, and how its header reads.
pub(crate) struct Sheet<'a> {
    pub file: String,
    pub party: String,
    pub event: &'static EventType,
    pub inner: bool,
    pub header: Header,
    pub mapping: Option<&'a TypeMapping>,
    /// Whether the whole file is refused: its rows are read for what else is wrong.
    pub refused: bool,
}

/// One row while it is being checked.
pub(crate) struct Row<'a> {
    pub sheet: Rc<Sheet<'a>>,
    pub line: u64,
    pub row_id: String,
    pub id: Option<String>,
    pub occurred: Option<Claim>,
    pub received_at: Option<Timestamp>,
    pub signer: Option<Holder>,
    pub cosigner: Option<Holder>,
    /// Refs as the cells have them, by place in the type.
    pub bare: Vec<(usize, Vec<String>)>,
    /// Refs as the event will have them.
    pub refs: BTreeMap<String, Vec<String>>,
    pub fields: BTreeMap<String, Value>,
    /// Rows of this import that it refers to.
    pub targets: Vec<usize>,
    /// Whether the fields that are public of named parties alone are; settled among the rows.
    pub named: bool,
    pub refused: bool,
}

impl<'a> Row<'a> {
    /// A row of which nothing is known but its names.
    fn new(sheet: &Rc<Sheet<'a>>, record: &Record) -> Self {
        let named = |used| sheet.header.at(used).and_then(|at| record.cells.get(at)).filter(|c| is_id(c)).cloned();
        Self {
            sheet: Rc::clone(sheet),
            line: record.line,
            row_id: named(Use::RowId).unwrap_or_default(),
            id: named(Use::Id),
            occurred: None,
            received_at: None,
            signer: None,
            cosigner: None,
            bare: Vec::new(),
            refs: BTreeMap::new(),
            fields: BTreeMap::new(),
            targets: Vec::new(),
            named: false,
            refused: sheet.refused,
        }
    }

    /// Reads a record; `None` where it is empty or was taken in before.
    pub fn read(sheet: &Rc<Sheet<'a>>, record: &Record, world: &World<'_>, told: &mut Problems) -> Read<'a> {
        let header = &sheet.header;
        let mut row = Self::new(sheet, record);
        let (found, expected) = (record.cells.len(), header.uses.len());
        if record.cells.iter().all(String::is_empty) {
            row.row_id.clear();
            row.tell(told, None, What::EmptyRow {});
            return Read::Empty;
        }
        if found != expected {
            row.tell(told, None, What::Ragged { found, expected });
            return Read::Row(Box::new(row));
        }
        if header.personal {
            return Read::Row(Box::new(row));
        }
        if !row.row_id.is_empty() && world.known.has_row(&sheet.party, &sheet.event.name, &row.row_id) {
            // It is read once more, to be held against its record; what stands in the way of it now is no problem.
            if !world.options.replay {
                row.cells(record, world, &mut Problems::new(0));
            }
            return Read::Known(Box::new(row));
        }
        row.cells(record, world, told);
        own::check(&mut row, world, told);
        privacy::check(&mut row, world, told);
        Read::Row(Box::new(row))
    }

    fn cells(&mut self, record: &Record, world: &World<'_>, told: &mut Problems) {
        let mut cells = Cells { row: self, record, told, limit: world.options.limits.cell_bytes };
        cells.names();
        cells.times(world);
        cells.signers(world);
        cells.refs();
        cells.fields(world);
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        Place { file: self.sheet.file.clone(), line: self.line }
    }

    /// Its address in the log.
    pub fn address(&self) -> String {
        format!("{}/{}/{}", self.sheet.party, self.sheet.event.name, self.row_id)
    }

    /// Tells a problem of a column, named as the catalogue names it; one that refuses is remembered.
    pub fn tell(&mut self, told: &mut Problems, used: Option<Use>, what: What) {
        self.refused |= what.severity() != Severity::Warning;
        let column = used.map(|used| {
            let at = self.sheet.header.at(used);
            at.and_then(|at| self.sheet.header.names.get(at).cloned()).unwrap_or_else(|| self.name_of(used))
        });
        told.push(Problem {
            file: self.sheet.file.clone(),
            line: Some(self.line),
            row: Some(self.row_id.clone()).filter(|id| !id.is_empty() && super::is_harmless(id)),
            column,
            what,
        });
    }

    fn name_of(&self, used: Use) -> String {
        let event = self.sheet.event;
        match used {
            Use::RowId => "row_id".to_owned(),
            Use::OccurredAt => "occurred_at".to_owned(),
            Use::ReceivedAt => "received_at".to_owned(),
            Use::Signer => "signer".to_owned(),
            Use::Cosigner => "cosigner".to_owned(),
            Use::Id => "id".to_owned(),
            Use::Ref(n) => event.refs[n].name.clone(),
            Use::Field(n) | Use::Language(n) | Use::Currency(n) => event.fields[n].name.clone(),
        }
    }

    /// The column of a field.
    pub fn column(&self, field: &str) -> Option<Use> {
        self.sheet.event.fields.iter().position(|f| f.name == field).map(Use::Field)
    }

    /// The string in a field.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_text)
    }

    /// The organisation that it is about, where that has a name to show or to hide.
    pub fn about(&self) -> Option<&str> {
        let has_name = self.sheet.event.fields.iter().any(|field| field.restricted_unless_named);
        self.text("organisation").filter(|_| has_name)
    }

    /// Whether it shows that organisation by name, where it says so itself.
    pub fn own_mode(&self) -> Option<bool> {
        self.text("identity_mode").and_then(IdentityMode::parse).map(IdentityMode::is_named)
    }

    /// The draft, if the row passed every check.
    pub fn into_draft(self) -> Option<Draft> {
        if self.refused {
            return None;
        }
        Some(Draft {
            place: self.place(),
            party: self.sheet.party.clone(),
            event: self.sheet.event.name.clone(),
            inner: self.sheet.inner,
            row_id: self.row_id,
            occurred: self.occurred?,
            received_at: self.received_at,
            signer: self.signer?,
            cosigner: self.cosigner,
            id: self.id,
            refs: self.refs,
            fields: self.fields,
            named: self.named,
        })
    }
}

/// What became of a record.
pub(crate) enum Read<'a> {
    Row(Box<Row<'a>>),
    Known(Box<Row<'a>>),
    Empty,
}

/// The cells of a row on their way into it.
struct Cells<'r, 'a> {
    row: &'r mut Row<'a>,
    record: &'r Record,
    told: &'r mut Problems,
    limit: usize,
}

impl<'r> Cells<'r, '_> {
    fn tell(&mut self, used: Use, what: What) {
        self.row.tell(self.told, Some(used), what);
    }

    /// The cell of a column, empty where the file has no such column.
    fn cell(&self, used: Use) -> &'r str {
        self.row.sheet.header.at(used).map_or("", |at| self.record.cells[at].as_str())
    }

    /// The cell, where it has something in it that can be read.
    fn filled(&mut self, used: Use, required: bool, text: bool) -> Option<&'r str> {
        let cell = self.cell(used);
        let max = if text { TEXT_BYTES_MAX.min(self.limit) } else { self.limit };
        let hidden = if text { visible::hidden(cell) } else { visible::hidden_in_line(cell) };
        let what = if cell.is_empty() {
            // A column that is missing was told once, for the whole file.
            if !required || self.row.sheet.header.at(used).is_none() {
                return None;
            }
            What::Missing {}
        } else if cell.len() > max {
            What::CellTooLong { max }
        } else if let Some(hidden) = hidden {
            What::Control { hidden: hidden.to_string() }
        } else {
            return Some(cell);
        };
        self.tell(used, what);
        None
    }

    fn names(&mut self) {
        let id_form = |cell: &str| What::Form {
            shown: shown(cell),
            expected: "an id".to_owned(),
            write: "it as letters, digits and . _ : -, at most 128".to_owned(),
        };
        if let Some(cell) = self.filled(Use::RowId, true, false)
            && !is_id(cell)
        {
            self.tell(Use::RowId, id_form(cell));
        }
        let event = self.row.sheet.event;
        let cell = self.filled(Use::Id, false, false);
        let what = match (&event.id_of, cell) {
            (Some(kind), None) if self.cell(Use::Id).is_empty() => What::IdMissing { kind: kind.clone() },
            (None, Some(_)) => What::IdUnasked { event: event.name.clone() },
            (Some(_), Some(cell)) if !is_id(cell) => id_form(cell),
            _ => return,
        };
        self.row.id = None;
        if self.row.sheet.header.at(Use::Id).is_some() {
            self.tell(Use::Id, what);
        }
    }

    fn times(&mut self, world: &World<'_>) {
        let mapping = self.row.sheet.mapping;
        let bad = |cell: &str, expected: &str, like: &str| What::Form {
            shown: shown(cell),
            expected: expected.to_owned(),
            write: format!("it as {like}"),
        };
        if let Some(cell) = self.filled(Use::OccurredAt, true, false) {
            let claim = cell::date(cell, mapping).map(Claim::Day);
            self.row.occurred = claim.or_else(|| cell::instant(cell, mapping).map(Claim::Instant));
            if self.row.occurred.is_none() {
                let like = "2025-03-04 or 2025-03-04T09:30:00Z (UTC)";
                self.tell(Use::OccurredAt, bad(cell, "a day or an instant", like));
            }
        }
        let mut received = world.options.now;
        if world.options.replay
            && let Some(cell) = self.filled(Use::ReceivedAt, true, false)
        {
            self.row.received_at = cell::instant(cell, mapping);
            received = self.row.received_at;
            if received.is_none() {
                self.tell(Use::ReceivedAt, bad(cell, "an instant", "2025-03-04T09:30:00Z (UTC)"));
            }
        }
        if let (Some(claim), Some(received)) = (self.row.occurred, received) {
            let day = received.date(world.utc_offset_minutes);
            if claim.day(world.utc_offset_minutes) > day {
                self.tell(Use::OccurredAt, What::AfterReceipt { day: day.to_string() });
            }
        }
    }

    fn signers(&mut self, world: &World<'_>) {
        let party = self.row.sheet.party.clone();
        if let Some(cell) = self.filled(Use::Signer, true, false) {
            self.row.signer = self.holder(Use::Signer, &party, cell, world);
        }
        if let Some(cell) = self.filled(Use::Cosigner, false, false) {
            let (of, holder) = cell.split_once(':').unwrap_or((&party, cell));
            self.row.cosigner = self.holder(Use::Cosigner, of, holder, world);
        }
    }

    fn holder(&mut self, used: Use, party: &str, holder: &str, world: &World<'_>) -> Option<Holder> {
        let what = match world.parties.get(party) {
            Some(known) => match holder_or_near(known, holder) {
                Ok(holder) => return Some(Holder { party: party.to_owned(), holder: holder.to_owned() }),
                Err(near) => What::NotAHolder { shown: shown(holder), party: party.to_owned(), near },
            },
            None if world.parties.is_refused(party) => What::PartyRefused { party: party.to_owned() },
            None if world.role_of(party).is_some() => What::HolderUnknown { party: party.to_owned() },
            None => not_a_party(party, world),
        };
        self.tell(used, what);
        None
    }

    fn refs(&mut self) {
        let event = self.row.sheet.event;
        for (n, r) in event.refs.iter().enumerate() {
            let Some(cell) = self.filled(Use::Ref(n), !r.optional, false) else { continue };
            let items: Vec<&str> = if r.many { cell.split(';').collect() } else { vec![cell] };
            let form = |item: &&&str| match r.targets {
                Targets::Any => !is_address(item),
                Targets::Types(_) => !is_id(item),
            };
            let what = if items.len() > LIST_ITEMS_MAX {
                What::ListLong { max: LIST_ITEMS_MAX }
            } else if r.many && items.iter().any(|i| i.is_empty() || i.trim() != *i) {
                What::ListBlank {}
            } else if let Some(bad) = items.iter().find(form) {
                match r.targets {
                    Targets::Any => What::AddressForm { shown: shown(bad) },
                    Targets::Types(_) => What::RefForm { shown: shown(bad) },
                }
            } else if items.iter().collect::<BTreeSet<_>>().len() < items.len() {
                What::ListTwice {}
            } else {
                self.row.bare.push((n, items.into_iter().map(str::to_owned).collect()));
                continue;
            };
            self.tell(Use::Ref(n), what);
        }
    }

    fn fields(&mut self, world: &World<'_>) {
        let event = self.row.sheet.event;
        for (n, field) in event.fields.iter().enumerate() {
            if let Some(value) = self.field(n, field, world)
                && self.parties_of(n, field, &value, world)
            {
                self.row.fields.insert(field.name.clone(), value);
            }
        }
    }

    fn field(&mut self, n: usize, field: &'static Field, world: &World<'_>) -> Option<Value> {
        let used = Use::Field(n);
        let mapping = self.row.sheet.mapping;
        let beside = match field.kind {
            Kind::Money => self.cell(Use::Currency(n)),
            Kind::Text => self.cell(Use::Language(n)),
            _ => "",
        };
        if field.kind == Kind::Money && self.cell(used).is_empty() != beside.is_empty() {
            self.tell(used, What::Money {});
            return None;
        }
        let cell = self.filled(used, field.required, field.kind == Kind::Text)?;
        let own = || world.parties.get(&self.row.sheet.party).and_then(|p| p.languages.first()).map(String::as_str);
        let beside = if field.kind == Kind::Text && beside.is_empty() { own().unwrap_or("") } else { beside };
        if field.kind == Kind::Text && beside.is_empty() {
            self.tell(used, What::NoLanguage {});
            return None;
        }
        match cell::value(field, &field.name, cell, beside, mapping) {
            Ok(value) => Some(value),
            Err(what) => {
                self.tell(used, what);
                None
            }
        }
    }

    /// Whether every party that a value names is there, with the role that the field wants.
    fn parties_of(&mut self, n: usize, field: &Field, value: &Value, world: &World<'_>) -> bool {
        if !matches!(field.kind, Kind::Party | Kind::Facility) {
            return true;
        }
        let items = value.as_list().unwrap_or(std::slice::from_ref(value));
        let mut good = true;
        for party in items.iter().filter_map(Value::as_text) {
            let what = match world.role_of(party) {
                Some(Role::Facility) => continue,
                Some(_) if field.kind == Kind::Party => continue,
                Some(role) => What::NotAFacility { party: party.to_owned(), role: role.as_str() },
                None if world.parties.is_refused(party) => What::PartyRefused { party: party.to_owned() },
                None => not_a_party(party, world),
            };
            self.tell(Use::Field(n), what);
            good = false;
        }
        good
    }
}

pub(crate) fn not_a_party(party: &str, world: &World<'_>) -> What {
    let near = did_you_mean(party, world.parties.iter().map(|p| p.id.as_str()));
    What::NotAParty { shown: shown(party), near }
}

fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    parts.len() == 3 && parts.iter().all(|part| is_id(part))
}
