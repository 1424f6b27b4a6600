//! Finding the register files of a folder, and reading them.
//!
//! ```text
//! parties.csv  profile.toml  registers/<party>/<event.type>.csv
//! ```
//!
//! `plants.csv`, `expected/`, `refused/`, a README and hidden files beside them are not read.

use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use schemas::catalogue::{Catalogue, EventType};
use schemas::strays;
use schemas::visible::Show as _;
use verifier::files::Links;

use super::columns::Header;
use super::near::did_you_mean;
use super::problem::{Problem, Problems, Severity, What};
use super::row::{Read, Row, Sheet, World};
use super::{Import, Known, Options, Parties, is_harmless, refs, table};

/// What may stand beside the registers and is not read.
const BESIDE: [&str; 6] = ["plants.csv", "expected", "refused", "README", "README.md", "README.txt"];

/// Where the bytes of a file are.
enum Content {
    Disk(PathBuf, Links),
    Memory(Vec<u8>),
}

/// A file, whose it is and of which type.
struct Source {
    content: Content,
    file: String,
    party: String,
    event: &'static EventType,
    inner: bool,
}

/// Reads a country's folder. Nothing is written and nothing is decided.
pub fn read_folder(root: &Path, options: &Options, known: &dyn Known) -> Import {
    let mut told = Problems::new(options.limits.problems);
    let mut reader = Reader { root, options, told: &mut told, left_behind: Vec::new() };
    let bytes = reader.required("parties.csv");
    let (parties, bad) = bytes.map(|bytes| Parties::read("parties.csv", &bytes, &options.limits)).unzip();
    reader.told.extend(bad.into_iter().flatten());
    let Some(parties) = parties else {
        // Without parties every row would be refused for the same reason.
        return Import { problems: told.finish().0, ..Import::default() };
    };
    let profile =
        if options.replay || root.join("profile.toml").exists() { reader.required("profile.toml") } else { None };
    let mut utc_offset_minutes = options.utc_offset_minutes;
    if let Some(bytes) = &profile {
        match read_profile(bytes) {
            Ok(offset) => utc_offset_minutes = offset.unwrap_or(utc_offset_minutes),
            Err(why) => reader.told.push(Problem::of_file("profile.toml", What::BadProfile { why })),
        }
    }
    let world = World { parties: &parties, known, options, utc_offset_minutes };
    let sources = reader.find(&world);
    let left_behind = reader.left_behind;
    let read = read(&sources, &world, &mut told);
    let (problems, warnings) = told.finish();
    Import { parties, profile, problems, warnings, left_behind, ..read }
}

/// Reads files of one party, each named `<event.type>.csv` or `<event.type>.<anything>.csv`.
pub fn read_files(paths: &[PathBuf], party: &str, parties: &Parties, options: &Options, known: &dyn Known) -> Import {
    let named = paths.iter().map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (path.shown().to_string(), name, Content::Disk(path.clone(), Links::Followed))
    });
    read_named(named, party, parties, options, known)
}

/// The same for files that were handed over, each with its name and its bytes.
pub fn read_bytes(
    files: Vec<(String, Vec<u8>)>,
    party: &str,
    parties: &Parties,
    options: &Options,
    known: &dyn Known,
) -> Import {
    let named = files.into_iter().map(|(name, bytes)| (name.clone(), name, Content::Memory(bytes)));
    read_named(named, party, parties, options, known)
}

/// Files by the name under which problems are told, the name that says their type, and their bytes.
fn read_named(
    files: impl Iterator<Item = (String, String, Content)>,
    party: &str,
    parties: &Parties,
    options: &Options,
    known: &dyn Known,
) -> Import {
    let mut told = Problems::new(options.limits.problems);
    let world = World { parties, known, options, utc_offset_minutes: options.utc_offset_minutes };
    let (mut sources, mut left_behind) = (Vec::new(), Vec::new());
    for (file, name, content) in files {
        let csv = name.strip_suffix(".csv");
        let stem = csv.unwrap_or(&name);
        // The longest beginning that is a type: what follows it is the file's own affair.
        let ends = stem.match_indices('.').map(|(at, _)| at).chain([stem.len()]).collect::<Vec<_>>();
        let event = ends.into_iter().rev().find_map(|end| event_type(&stem[..end]));
        match (csv.is_some(), event, whose(party, &world)) {
            (true, Some((event, inner)), Ok(())) => {
                sources.push(Source { content, file, party: party.to_owned(), event, inner });
            }
            (_, None, _) if is_left_behind(&name) => left_behind.push(file),
            (true, Some(_), Err(what)) => told.push(Problem::of_file(&file, what)),
            _ => told.push(Problem::of_file(&file, unknown_type(stem))),
        }
    }
    let read = read(&sources, &world, &mut told);
    let (problems, warnings) = told.finish();
    Import { parties: parties.clone(), problems, warnings, left_behind, ..read }
}

/// Whether only the ledger itself writes events of a type: what its own clock makes, and the
/// envelope of the sealed stream.
pub(crate) fn is_of_the_ledger(event: &EventType) -> bool {
    !event.hides || event.name == "sealed.record.appended"
}

struct Reader<'a> {
    root: &'a Path,
    options: &'a Options,
    told: &'a mut Problems,
    /// What systems and programs left behind.
    left_behind: Vec<String>,
}

impl Reader<'_> {
    /// The bytes of a file that must be there.
    fn required(&mut self, name: &'static str) -> Option<Vec<u8>> {
        let path = self.root.join(name);
        let what = if path.is_file() {
            match bytes_of(&path, Links::Refused, self.options) {
                Ok(bytes) => return Some(bytes),
                Err(what) => what,
            }
        } else {
            What::MissingFile { name }
        };
        self.told.push(Problem::of_file(name, what));
        None
    }

    /// The register files, in the order of their names.
    fn find(&mut self, world: &World<'_>) -> Vec<Source> {
        let mut sources = Vec::new();
        let mut left = self.options.limits.files;
        for (name, is_folder) in self.entries(Path::new("")) {
            let known = ["parties.csv", "profile.toml", "registers"].contains(&name.as_str());
            if !(known || BESIDE.contains(&name.as_str())) {
                self.stray(&name, &name, is_folder);
            }
        }
        if !self.root.join("registers").is_dir() {
            self.told.push(Problem::of_file("registers/", What::MissingFile { name: "registers/" }));
            return sources;
        }
        for (party, is_folder) in self.entries(Path::new("registers")) {
            let folder = format!("registers/{party}");
            let whose = if is_folder { whose(&party, world) } else { Err(What::StrayFile {}) };
            if let Err(what) = whose {
                // A party may have any name; what is no party's may be what systems leave behind.
                if is_left_behind(&party) {
                    self.stray(&folder, &party, is_folder);
                    continue;
                }
                self.told.push(Problem::of_file(&told_path(&folder, is_folder), what));
                continue;
            }
            for (name, is_folder) in self.entries(Path::new(&folder)) {
                let file = format!("{folder}/{name}");
                let stem = name.strip_suffix(".csv").filter(|_| !is_folder);
                let what = match stem.and_then(event_type) {
                    _ if left == 0 => What::TooManyFiles { max: self.options.limits.files },
                    // What is content is never taken for what was left behind.
                    Some((event, inner)) => {
                        left -= 1;
                        let content = Content::Disk(self.root.join(&file), Links::Refused);
                        sources.push(Source { content, file, party: party.clone(), event, inner });
                        continue;
                    }
                    None if stem.is_none() || is_left_behind(&name) => {
                        self.stray(&file, &name, is_folder);
                        continue;
                    }
                    None => unknown_type(stem.unwrap_or_default()),
                };
                self.told.push(Problem::of_file(&told_path(&file, is_folder), what));
                if left == 0 {
                    return sources;
                }
            }
        }
        sources
    }

    /// What is no register: left behind by a system, which changes nothing, or put there by somebody.
    fn stray(&mut self, path: &str, name: &str, is_folder: bool) {
        let path = told_path(path, is_folder);
        if is_left_behind(name) {
            self.left_behind.push(path);
        } else {
            self.told.push(Problem::of_file(&path, What::StrayFile {}));
        }
    }

    /// Names in a folder, in byte order, and whether each is a folder. Links are not followed.
    fn entries(&mut self, folder: &Path) -> Vec<(String, bool)> {
        let mut names = Vec::new();
        match std::fs::read_dir(self.root.join(folder)) {
            Ok(entries) => {
                for entry in entries.flatten().take(self.options.limits.files.saturating_mul(2)) {
                    let is_folder = entry.file_type().is_ok_and(|t| t.is_dir());
                    names.push((entry.file_name().to_string_lossy().into_owned(), is_folder));
                }
            }
            Err(e) => {
                let what = What::CannotRead { why: e.kind().to_string() };
                self.told.push(Problem::of_file(&told_path(&folder.shown().to_string(), true), what));
            }
        }
        names.sort();
        names
    }
}

/// Whether systems and programs leave files of that name behind, or hide them.
fn is_left_behind(name: &str) -> bool {
    name.starts_with('.') || strays::is_stray(name)
}

fn told_path(path: &str, is_folder: bool) -> String {
    if is_folder && !path.ends_with('/') { format!("{path}/") } else { path.to_owned() }
}

fn whose(party: &str, world: &World<'_>) -> Result<(), What> {
    if world.role_of(party).is_some() {
        return Ok(());
    }
    if world.parties.is_refused(party) {
        return Err(What::RefusedParty { party: party.to_owned() });
    }
    Err(What::UnknownFolder { near: did_you_mean(party, world.parties.iter().map(|p| p.id.as_str())) })
}

fn event_type(name: &str) -> Option<(&'static EventType, bool)> {
    let catalogue = Catalogue::built_in();
    catalogue.event(name).map(|e| (e, false)).or_else(|| catalogue.inner(name).map(|e| (e, true)))
}

fn unknown_type(stem: &str) -> What {
    let catalogue = Catalogue::built_in();
    let names = catalogue.events().chain(catalogue.inners()).map(|e| e.name.as_str());
    What::UnknownType { near: if is_harmless(stem) { did_you_mean(stem, names) } else { String::new() } }
}

/// Minutes by which local time is ahead of UTC, where the profile's calendar says so.
fn read_profile(bytes: &[u8]) -> Result<Option<i32>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let profile: toml::Table = toml::from_str(text).map_err(|e| e.message().to_owned())?;
    for (number, line) in (1..).zip(text.split('\n')) {
        if let Some(hidden) = schemas::visible::hidden(line) {
            return Err(format!("line {number} holds {hidden}, which nobody sees; delete it, or type the line anew"));
        }
    }
    let Some(value) = profile.get("calendar").and_then(|c| c.get("utc_offset_minutes")) else { return Ok(None) };
    let minutes = value.as_integer().and_then(|n| i32::try_from(n).ok()).filter(|n| n.abs() <= 14 * 60);
    minutes.map(Some).ok_or_else(|| "utc_offset_minutes is no number from -840 to 840".to_owned())
}

fn bytes_of(path: &Path, links: Links, options: &Options) -> Result<Vec<u8>, What> {
    let max = options.limits.file_bytes;
    verifier::files::read(path, max, links).map_err(|e| match e.kind() {
        // What this function says itself tells what to do; what the system says, its kind.
        io::ErrorKind::InvalidData => What::FileTooLarge { max },
        _ if e.raw_os_error().is_none() => What::CannotRead { why: e.to_string() },
        kind => What::CannotRead { why: kind.to_string() },
    })
}

/// The rows of the files, and nothing else of an import.
fn read(sources: &[Source], world: &World<'_>, told: &mut Problems) -> Import {
    let (mut rows, mut again) = (Vec::new(), Vec::new());
    for source in sources {
        let bytes = match &source.content {
            Content::Disk(path, links) => bytes_of(path, *links, world.options).map(Cow::Owned),
            Content::Memory(bytes) if bytes.len() as u64 > world.options.limits.file_bytes => {
                Err(What::FileTooLarge { max: world.options.limits.file_bytes })
            }
            Content::Memory(bytes) => Ok(Cow::Borrowed(bytes.as_slice())),
        };
        let bytes = bytes.map_err(|what| (None, what));
        let text = bytes.and_then(|bytes| world.options.charset.decode(&bytes));
        match text {
            Ok(text) => read_sheet(source, &text, world, told, &mut rows, &mut again),
            Err((line, what)) => told.push(Problem { line, ..Problem::of_file(&source.file, what) }),
        }
    }
    let skipped = again.iter().map(Row::place).collect();
    let (rows, again) = refs::settle(rows, again, world, told);
    let refused = rows.iter().filter(|row| row.refused).count();
    let drafts = |rows: Vec<Row<'_>>| rows.into_iter().filter_map(Row::into_draft).collect();
    Import { drafts: drafts(rows), skipped, again: drafts(again), refused, ..Import::default() }
}

fn read_sheet<'a>(
    source: &Source,
    text: &str,
    world: &World<'a>,
    told: &mut Problems,
    rows: &mut Vec<Row<'a>>,
    again: &mut Vec<Row<'a>>,
) {
    let Source { file, party, event, inner, .. } = source;
    let mut problems = Vec::new();
    if is_of_the_ledger(event) {
        problems.push(Problem::of_file(file, What::LedgerWrites { event: event.name.clone() }));
    }
    if let Some(role) = world.role_of(party).filter(|role| !event.authors.contains(role)) {
        let allowed = event.authors.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", ");
        let (party, event) = (party.clone(), event.name.clone());
        problems.push(Problem::of_file(file, What::WrongRole { party, role: role.as_str(), event, allowed }));
    }
    let records = match table::records(text, &world.options.limits) {
        Ok(records) => records,
        Err((line, what)) => {
            problems.push(Problem::of_file(file, what).at_line(line));
            return told.extend(problems);
        }
    };
    let Some((first, records)) = records.split_first() else {
        problems.push(Problem::of_file(file, What::Empty {}));
        return told.extend(problems);
    };
    let mapping = world.options.mapping.as_ref().and_then(|m| m.of(&event.name));
    let mut header = Header::read(event, &first.cells, mapping, world.options.replay);
    for (column, what) in std::mem::take(&mut header.problems) {
        let column = Some(column).filter(|c| !c.is_empty());
        problems.push(Problem { column, ..Problem::of_file(file, what).at_line(first.line) });
    }
    let unreadable = header.uses.is_empty();
    let refused = problems.iter().any(|p| p.severity() == Severity::RefuseFile);
    told.extend(problems);
    if unreadable {
        return;
    }
    let (file, party) = (file.clone(), party.clone());
    let sheet = Rc::new(Sheet { file, party, event, inner: *inner, header, mapping, refused });
    for record in records {
        match Row::read(&sheet, record, world, told) {
            Read::Row(row) => rows.push(*row),
            Read::Known(row) => again.push(*row),
            Read::Empty => {}
        }
    }
}
