//! Register files to checked drafts, with everything that is wrong told at once.
//!
//! A register is a folder of CSV files that institutions export from their spreadsheets
//! (`IMPORT.md`). Reading one changes nothing: [`read_folder`] gives drafts and problems, and
//! the caller decides. Importing all or nothing means to go on only while
//! [`Import::problems`] is empty; importing what is good means to take the drafts as they are,
//! for no draft refers to a row that was refused; and a dry run means to print and stop.
//!
//! The way of a file: [`folder`] finds it, `table` makes rows of cells, `columns` reads the
//! header, `row` and `cell` read the rows, `own` and `privacy` ask who may say that and
//! whether it may be printed, `refs` and `correction` compare the rows with each other and
//! with the log. [`problem`] holds every message.

mod cell;
mod columns;
mod correction;
mod draft;
mod echo;
pub mod folder;
mod known;
mod mapping;
mod near;
mod own;
mod parties;
mod privacy;
pub mod problem;
mod refs;
mod render;
mod row;
mod table;

use std::collections::BTreeMap;

use schemas::catalogue::Catalogue;
use schemas::time::Timestamp;

pub use draft::{Claim, Draft, Holder, Place};
pub(crate) use echo::is_harmless;
pub use echo::shown;
pub use folder::{read_bytes, read_files, read_folder};
pub use known::{Known, Nothing, Without};
pub use mapping::{MAPPING_BYTES_MAX, Mapping};
pub use parties::{IdentityMode, Parties, Party};
pub use problem::{Problem, Severity, What};
pub use render::table as render;
pub use table::{BadCharset, Charset};

/// How files are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether the rows bring the time of their receipt: a scenario that is replayed. Otherwise
    /// the ledger's own clock gives it, and a column of that name is refused.
    pub replay: bool,
    /// Encoding of the register files.
    pub charset: Charset,
    /// How foreign columns, codes and dates are read.
    pub mapping: Option<Mapping>,
    /// The present, if rows must not claim to happen after it; a replay has its own.
    pub now: Option<Timestamp>,
    /// Minutes by which local time is ahead of UTC, where no profile says so.
    pub utc_offset_minutes: i32,
    /// What is too large.
    pub limits: Limits,
}

/// What is too large to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one file.
    pub rows: usize,
    /// Columns of one file.
    pub columns: usize,
    /// Bytes of one cell.
    pub cell_bytes: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Files of one folder.
    pub files: usize,
    /// Problems that are listed; further ones are counted.
    pub problems: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // A cell may hold a list of 256 addresses of three ids of 128 bytes.
        Self {
            rows: 100_000,
            columns: 256,
            cell_bytes: 131_072,
            file_bytes: 64 * 1_048_576,
            files: 20_000,
            problems: 10_000,
        }
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Import {
    /// Who takes part.
    pub parties: Parties,
    /// The bytes of the rule profile, where the folder has one.
    pub profile: Option<Vec<u8>>,
    /// The rows that passed every check, each after those that it refers to: in a replay by
    /// time of receipt, party, type and row; otherwise by party, type and place in the file.
    pub drafts: Vec<Draft>,
    /// Rows that were taken in before and are passed over.
    pub skipped: Vec<Place>,
    /// The same rows as they stand now, to be held against their records ([`crate::again::tell_changed`]); without those
    /// that could not be recorded as they stand, and none in a replay.
    pub again: Vec<Draft>,
    /// How many rows are refused.
    pub refused: usize,
    /// Why files and rows are refused, by file and line.
    pub problems: Vec<Problem>,
    /// What somebody should look at, by file and line.
    pub warnings: Vec<Problem>,
    /// What systems and programs left behind among the files, and what is hidden there: nothing of it was read.
    pub left_behind: Vec<String>,
}

impl Import {
    /// Adds what somebody should look at.
    pub fn warn(&mut self, problems: Vec<Problem>) {
        let mut told = problem::Problems::new(Limits::default().problems);
        told.extend(std::mem::take(&mut self.warnings).into_iter().chain(problems));
        self.warnings = told.finish().1;
    }
}

/// The header row of a register of that type, ready to be filled in; `None` where there is no
/// such type.
pub fn template(event: &str) -> Option<String> {
    let catalogue = Catalogue::built_in();
    let event = catalogue.event(event).or_else(|| catalogue.inner(event))?;
    (!folder::is_of_the_ledger(event)).then(|| columns::header_row(event) + "\n")
}

/// A header, and cells by line.
pub type Cells = (Vec<String>, BTreeMap<u64, Vec<String>>);

/// The header of a file, and the rows that begin on wanted lines, as they stand: to show what is wrong in its place.
/// Nothing where the file cannot be read at all.
pub fn cells(bytes: &[u8], charset: Charset, wanted: &dyn Fn(u64) -> bool) -> Option<Cells> {
    let records = table::records(&charset.decode(bytes).ok()?, &Limits::default()).ok()?;
    let mut records = records.into_iter();
    let header = records.next()?.cells;
    Some((header, records.filter(|row| wanted(row.line)).map(|row| (row.line, row.cells)).collect()))
}
