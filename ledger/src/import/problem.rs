//! What is wrong with a register, where, and what to do about it.
//!
//! Every message of the importer stands in one table, [`What`], so that a translator or a
//! manual finds them together. A message never repeats a value that may be personal: see
//! [`shown`](super::shown).

use std::fmt::{self, Write as _};

use schemas::lint::Lint;
use schemas::visible;
use serde::ser::{Serialize, SerializeStruct as _, Serializer};

/// What a problem does to the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing of the file is recorded.
    RefuseFile,
    /// The row is not recorded, nor are the rows that refer to it.
    RefuseRow,
    /// The row is recorded; somebody should look.
    Warning,
}

impl Severity {
    /// The severity's code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RefuseFile => "refuse-file",
            Self::RefuseRow => "refuse-row",
            Self::Warning => "warning",
        }
    }
}

/// One thing that is wrong, or worth a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, relative to the folder that was read.
    pub file: String,
    /// The line in the file, from 1; a row begins there.
    pub line: Option<u64>,
    /// The row's id.
    pub row: Option<String>,
    /// The column, as the file names it.
    pub column: Option<String>,
    /// What is wrong.
    pub what: What,
}

impl Problem {
    /// A problem of a whole file.
    pub fn of_file(file: &str, what: What) -> Self {
        Self { file: file.to_owned(), line: None, row: None, column: None, what }
    }

    /// The same, with the line.
    #[must_use]
    pub fn at_line(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
    }

    /// The same, with the column.
    #[must_use]
    pub fn in_column(self, column: &str) -> Self {
        Self { column: Some(column.to_owned()), ..self }
    }

    /// What it does to the rows.
    pub fn severity(&self) -> Severity {
        self.what.severity()
    }

    /// Where it is, such as `registers/fac-a/visit.completed.csv:14 (r0012), column wait`.
    pub fn place(&self) -> String {
        let mut text = visible::line(&self.file).into_owned();
        if let Some(line) = self.line {
            let _ = write!(text, ":{line}");
        }
        if let Some(row) = &self.row {
            let _ = write!(text, " ({row})");
        }
        if let Some(column) = &self.column {
            let _ = write!(text, ", column {}", visible::line(column));
        }
        text
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place(), self.what, self.what.advice())
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut one = s.serialize_struct("problem", 8)?;
        one.serialize_field("severity", self.severity().as_str())?;
        one.serialize_field("code", self.what.code())?;
        one.serialize_field("file", &self.file)?;
        one.serialize_field("line", &self.line)?;
        one.serialize_field("row", &self.row)?;
        one.serialize_field("column", &self.column)?;
        one.serialize_field("what", &self.what.to_string())?;
        one.serialize_field("advice", &self.what.advice())?;
        one.end()
    }
}

/// Makes the enum and what is said of each of its variants from one table.
macro_rules! whats {
    ($($name:ident { $($part:ident: $type:ty),* } $severity:ident $code:literal $what:literal $advice:literal)*) => {
        /// What is wrong, as `severity code "what" "what to do"`; parts of a message are its fields.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum What {
            $(
                #[doc = concat!("```text\n", $what, "\n", $advice, "\n```")]
                #[error($what)]
                $name {
                    $(
                        #[doc = concat!("`", stringify!($part), "` in the message.")]
                        $part: $type,
                    )*
                },
            )*
        }

        impl What {
            /// What it does to the rows.
            pub fn severity(&self) -> Severity {
                match self { $(Self::$name { .. } => Severity::$severity,)* }
            }

            /// A short name that stays the same when the wording changes.
            pub fn code(&self) -> &'static str {
                match self { $(Self::$name { .. } => $code,)* }
            }

            /// What to do about it.
            #[allow(unused_variables)]
            pub fn advice(&self) -> String {
                match self { $(Self::$name { $($part),* } => format!($advice),)* }
            }

            /// Every code, in the order of the table.
            pub const CODES: &'static [&'static str] = &[$($code),*];
        }
    };
}

whats! {
    // A file as bytes.
    CannotRead { why: String } RefuseFile "file.read"
        "the file cannot be read ({why})" "check that it is there and that you may read it"
    FileTooLarge { max: u64 } RefuseFile "file.size"
        "the file is larger than {max} bytes" "split it; rows keep their row_id"
    NotUtf8 { byte: u8 } RefuseFile "file.encoding"
        "the byte {byte:#04x} is not UTF-8" "save the file as UTF-8, or name its encoding, such as windows-1252 or windows-1256"
    NotEncoded { encoding: &'static str } RefuseFile "file.encoding"
        "the file is not {encoding} throughout" "name the encoding in which it was saved, or save it as UTF-8"
    ByteOrderMark {} RefuseFile "file.bom"
        "the file begins with a byte order mark" "save it as UTF-8 without BOM, or name its encoding as utf-8-with-bom"
    Utf16 {} RefuseFile "file.utf16"
        "the file is UTF-16, which some programs call Unicode text" "save it as CSV UTF-8"
    Empty {} RefuseFile "file.empty"
        "the file has no header row" "begin it with the header that `ledger template` prints"
    Separator { found: &'static str } RefuseFile "file.separator"
        "the columns are separated by {found}" "export the file with commas"
    OpenQuote {} RefuseFile "file.quote"
        "a quotation mark is opened here and never closed" "close it; a quotation mark inside a quoted cell is written twice"
    StrayQuote {} RefuseFile "file.quote"
        "a quotation mark stands inside a cell" "put the whole cell in quotation marks and write those inside it twice (RFC 4180)"
    LoneReturn {} RefuseFile "file.newline"
        "a line ends with a carriage return alone" "end lines with \\n or \\r\\n"
    TooManyRows { max: usize } RefuseFile "file.rows"
        "the file has more than {max} rows" "split it; rows keep their row_id"
    TooManyColumns { max: usize } RefuseFile "file.columns"
        "the file has more than {max} columns" "leave out the columns that the template does not have"
    // A file in its folder.
    MissingFile { name: &'static str } RefuseFile "folder.missing"
        "{name} is missing" "put it in the folder that is read"
    BadProfile { why: String } RefuseFile "folder.profile"
        "the rule profile cannot be used: {why}" "mend profile.toml"
    StrayFile {} RefuseFile "folder.stray"
        "nothing is read from this place" "move it to registers/<party>/<event.type>.csv, or out of the folder"
    TooManyFiles { max: usize } RefuseFile "folder.files"
        "the folder holds more than {max} files; this one and those after it were not read" "import it in parts"
    UnknownFolder { near: String } RefuseFile "folder.party"
        "parties.csv has no party of the folder's name" "add the party to parties.csv or rename the folder{near}"
    UnknownType { near: String } RefuseFile "folder.type"
        "the file's name is no event type" "rename it to <event.type>.csv{near}"
    LedgerWrites { event: String } RefuseFile "folder.ledger"
        "{event} is written by the ledger itself" "take the file out; no register holds such rows"
    WrongRole { party: String, role: &'static str, event: String, allowed: String } RefuseFile "folder.role"
        "{party} has the role {role} and may not report {event}" "only {allowed} may; check the folder and the file's name"
    RefusedParty { party: String } RefuseFile "folder.refused-party"
        "the line of {party} in parties.csv is refused" "mend that line first"
    // A header.
    PersonalColumn {} RefuseFile "column.personal"
        "the column is named like one that tells who a person in custody is; the file was refused whole and nothing of it was recorded" "delete the column and everything in it; this ledger holds no record of any prisoner"
    UnknownColumn { event: String, near: String } RefuseFile "column.unknown"
        "{event} has no such column" "rename or delete it{near}"
    DuplicateColumn {} RefuseFile "column.twice"
        "the column stands twice" "delete one of the two"
    MissingColumn {} RefuseFile "column.missing"
        "the column is missing" "add it; `ledger template` prints the header"
    ReceivedAt {} RefuseFile "column.received-at"
        "the time of receipt is the ledger's own clock and is never taken from a file" "delete the column; only the replay of a scenario reads it"
    ColumnOrder {} Warning "column.order"
        "the columns are not in the order of the template; they were read by their names" "nothing, if the names are right"
    // parties.csv.
    PartyColumns { expected: &'static str } RefuseFile "parties.columns"
        "the header is not that of parties.csv" "write {expected}"
    PartyTwice { line: u64 } RefuseFile "parties.twice"
        "the party already stands on line {line}" "delete one of the two lines"
    BadParty { expected: &'static str } RefuseFile "parties.cell"
        "the cell is not {expected}" "correct it"
    // A row.
    Ragged { found: usize, expected: usize } RefuseRow "row.ragged"
        "the row has {found} cells where the header has {expected}" "check for a comma that is not in quotation marks"
    EmptyRow {} Warning "row.empty"
        "the row is empty and was passed over" "delete it"
    RowChanged { columns: String } Warning "row.changed"
        "the row was recorded before and says something else in: {columns}; nothing of it was added" "correct a mistake with record.corrected; for what happened besides, give the row a row_id of its own"
    RowIdTwice { line: String } RefuseRow "row.twice"
        "the row_id already stands at {line}" "give each row its own row_id"
    // A cell.
    Missing {} RefuseRow "cell.missing"
        "the cell is empty" "fill it in; the column is required"
    CellTooLong { max: usize } RefuseRow "cell.long"
        "the cell is longer than {max} bytes" "shorten it"
    Control { hidden: String } RefuseRow "cell.control"
        "the cell holds {hidden}, which nobody sees" "delete it, or type the cell anew by hand: what is signed must be what is read"
    Blank {} RefuseRow "cell.blank"
        "the cell holds nothing but blanks" "empty it"
    Form { shown: String, expected: String, write: String } RefuseRow "cell.form"
        "{shown} is not {expected}" "write {write}"
    Code { shown: String, list: String, codes: String, near: String } RefuseRow "cell.code"
        "{shown} is not a code of {list}" "write one of {codes}{near}"
    ListBlank {} RefuseRow "cell.list"
        "the list holds a blank or an empty item" "join the items by ; with nothing between them"
    ListTwice {} RefuseRow "cell.list"
        "the list holds an item twice" "delete one of the two"
    ListLong { max: usize } RefuseRow "cell.list"
        "the list has more than {max} items" "split the row"
    Money {} RefuseRow "cell.money"
        "an amount and a currency go together" "fill in both cells or neither"
    NoLanguage {} RefuseRow "cell.language"
        "the text has no language and the author no first language in parties.csv" "fill in the language, such as fr"
    NotAParty { shown: String, near: String } RefuseRow "cell.party"
        "{shown} is no party of parties.csv or of the log" "write the id of a party{near}"
    PartyRefused { party: String } RefuseRow "cell.party"
        "the line of {party} in parties.csv is refused" "mend that line first"
    NotAFacility { party: String, role: &'static str } RefuseRow "cell.facility"
        "{party} is no facility, its role is {role}" "write the id of a facility"
    NotAHolder { shown: String, party: String, near: String } RefuseRow "cell.holder"
        "{shown} is no holder of {party} in parties.csv" "write a holder's name{near}"
    HolderUnknown { party: String } RefuseRow "cell.holder"
        "the holders of {party} are not known here" "add {party} and its holders to parties.csv"
    CosignerMissing { event: String } RefuseRow "cell.cosigner"
        "{event} must be signed by a second holder" "fill in who approved it"
    CosignerSame { event: String } RefuseRow "cell.cosigner"
        "{event} must be signed by two different holders" "fill in a second one"
    CosignerWrong { event: String, wanted: String } RefuseRow "cell.cosigner"
        "the second signature of {event} is not by {wanted}" "fill in a holder of {wanted} as party:holder"
    CosignerUnasked { event: String } RefuseRow "cell.cosigner"
        "{event} needs one signature" "empty the cell"
    AfterReceipt { day: String } RefuseRow "cell.future"
        "the day lies after {day}, the day of receipt" "correct it; nothing is reported before it happens"
    // An id.
    IdMissing { kind: String } RefuseRow "id.missing"
        "the row creates a thing of kind {kind} and gives it no id" "fill in an id that no other {kind} has"
    IdUnasked { event: String } RefuseRow "id.unasked"
        "{event} creates nothing that has an id" "empty the cell"
    IdTaken { kind: String, by: String } RefuseRow "id.taken"
        "the id of this {kind} is taken by {by}" "give it another id"
    // A ref.
    RefForm { shown: String } RefuseRow "ref.form"
        "{shown} is not an id" "write the id alone, as the other row gives it: letters, digits and . _ : -"
    AddressForm { shown: String } RefuseRow "ref.form"
        "{shown} is not an event address" "write party/event.type/row_id"
    RefUnknown { shown: String, wanted: String } RefuseRow "ref.unknown"
        "{shown} is no {wanted} of these registers or of the log" "write the id of one, or import that row as well"
    AddressUnknown { shown: String } RefuseRow "ref.unknown"
        "{shown} is no row of these registers or of the log" "write party/event.type/row_id of a row that is there"
    AddressSealed { shown: String } RefuseRow "ref.sealed"
        "{shown} is a row of the sealed stream, which has no address in the log" "refer to an event of the log"
    RefAmbiguous { shown: String } RefuseRow "ref.ambiguous"
        "{shown} names several things" "give them different ids"
    RefType { shown: String, is: String, wanted: String } RefuseRow "ref.type"
        "{shown} is a row of {is}, not of {wanted}" "write the id of one of {wanted}"
    RefLater { to: String } RefuseRow "ref.later"
        "it refers to {to}, which arrives later" "no row refers to one that comes after it; correct the ref or the times"
    RefCircle { to: String } RefuseRow "ref.circle"
        "it and {to} refer to each other" "leave one of the refs out"
    RefRefused { to: String } RefuseRow "ref.refused"
        "it refers to {to}, which is refused" "mend that row first"
    // What is one's own.
    NotOwnTarget { party: String } RefuseRow "own.target"
        "the record is that of {party}" "only {party} corrects or retracts it"
    NotOwnField { party: String } RefuseRow "own.field"
        "{party} writes only about itself here" "write {party}, or let the other party report it"
    NotRequester { party: String } RefuseRow "own.request"
        "the request is that of {party}" "only who made a request withdraws it or adds to it"
    NotOwnCase { party: String } RefuseRow "own.case"
        "the case is one of {party}" "write its facility; only that facility or the administration decides"
    InspectionKind { shown: String } RefuseRow "own.inspection"
        "inspections of the kind {shown} are reported by oversight alone" "write internal or followup, or let the oversight body report it"
    DisputeSides { facility: String, organisation: String } RefuseRow "own.dispute"
        "a dispute ends by oversight, or by both sides: {facility}, whose visit record it is, and {organisation}, who disputed it" "let {facility} write it and a holder of {organisation} sign as cosigner"
    KeyOfAnother { party: String } RefuseRow "own.key"
        "the key is not one of {party}" "write {party}; each party enrols and ends its own keys"
    KeyRole { party: String, role: &'static str } RefuseRow "own.key"
        "the role of {party} in parties.csv is {role}" "write {role}; a party has one role"
    // A correction.
    NoSuchField { event: String, near: String } RefuseRow "correction.field"
        "{event} has no such field" "write the name of a field{near}"
    NewValues { count: usize } RefuseRow "correction.values"
        "{count} of the three new values are filled in" "fill in exactly one"
    WrongNewValue { field: String, visibility: &'static str } RefuseRow "correction.visibility"
        "the field {field} is {visibility}" "move the new value to new_value_{visibility}"
    // Persons and names.
    PersonalText { lint: Lint } RefuseRow "personal.public"
        "the text is public and looks as if it named a person or a register number" "take it out; the log can never forget what is printed in it"
    HiddenPersonalText { lint: Lint } Warning "personal.hidden"
        "the text looks as if it named a person or a register number" "take it out unless it must be there; it is not printed, but it travels to those who may open it"
    UnnamedParty {} RefuseRow "personal.party"
        "the text is public and names a party that is not to be named" "take the name out; the party stands in the log under a pseudonym"
    ModeDiffers { party: String } RefuseRow "personal.mode"
        "parties.csv does not say the same of {party}" "make the two agree before anything is recorded; from the first event on the log prints the party's id, or a pseudonym"
    // A mapping file.
    BadMapping { why: String } RefuseFile "mapping.form"
        "the mapping cannot be used: {why}" "see IMPORT.md for its form"
    MappedColumn { event: String, to: String, near: String } RefuseFile "mapping.column"
        "{event} has no column {to}" "write the name of one{near}"
    MappedTwice { to: String } RefuseFile "mapping.twice"
        "two columns are mapped to {to}" "delete one of the two lines"
    MappedCode { to: String, codes: String } RefuseFile "mapping.code"
        "{to} is not a code of the column" "write one of {codes}"
    // The list itself.
    More { more: usize } Warning "more"
        "{more} further problems are not listed" "mend those listed and read the files again"
}

/// The problems found so far; past a limit they are only counted. Refusals and warnings are
/// counted apart, so that many of the latter never hide one of the former.
#[derive(Debug)]
pub(crate) struct Problems {
    refusals: Counted,
    warnings: Counted,
    max: usize,
}

#[derive(Debug, Default)]
struct Counted {
    list: Vec<Problem>,
    more: usize,
}

impl Problems {
    pub fn new(max: usize) -> Self {
        Self { refusals: Counted::default(), warnings: Counted::default(), max }
    }

    pub fn push(&mut self, problem: Problem) {
        let of = if problem.severity() == Severity::Warning { &mut self.warnings } else { &mut self.refusals };
        if of.list.len() < self.max {
            of.list.push(problem);
        } else {
            of.more += 1;
        }
    }

    pub fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }

    /// Refusals and warnings, each by file and line, those of a whole file first.
    pub fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        let sorted = |mut of: Counted| {
            of.list.sort_by(|a, b| (&a.file, a.line, a.severity()).cmp(&(&b.file, b.line, b.severity())));
            if of.more > 0 {
                of.list.push(Problem::of_file("", What::More { more: of.more }));
            }
            of.list
        };
        (sorted(self.refusals), sorted(self.warnings))
    }
}
