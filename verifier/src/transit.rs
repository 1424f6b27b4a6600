//! What happens to a file on its way: an editor that saves it, a mail program, a copy that broke off, a log-in page that
//! was saved in its place. None of that is a lie, and none of it is accepted: whoever checks a file that does not hold
//! asks here whether it would, were it as it was made. Then nothing can be told until it is there as it was made.
//! FORMAT.md 1.7.

use std::fmt;

use schemas::fork;
use schemas::note::{Note, Origin, Vkey};
use schemas::opening::BadOpening;
use schemas::pack::{BadPack, Pack, STATEMENT as STATEMENT_TEXT, Shown};
use schemas::policy::{BadPolicy, POLICY_BYTES_MAX, Policy};
use schemas::value::Value;
use schemas::{base, hash, receipt, refusal, time};

use crate::fault::Fault;
use crate::pack::PackReport;
use crate::receipt::ReceiptReport;
use crate::refusal::Refusal;
use crate::report::{Report, Verdict};

/// What to do with a file that was changed on its way.
pub const AGAIN: &str = "get it again as it was made: copied as a file or attached as one, not pasted, not opened and \
                         saved by an editor, and in binary mode where a program asks";

/// What a file's way did to its bytes. None of it changes what a text says; all of it changes what was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Each character has two bytes.
    Utf16,
    /// A byte order mark stands before it.
    Mark,
    /// Blank lines stand before it.
    Before,
    /// It stands there twice.
    Twice,
    /// Lines end with CR and LF.
    CrLf,
    /// Lines end with CR alone.
    Cr,
    /// Blanks stand at the ends of lines.
    Blanks,
    /// The dashes before signatures are others.
    Dashes,
    /// Zeros or a Ctrl-Z follow it.
    Filler,
    /// More line ends follow its last.
    EndsMore,
    /// Its last line has no end.
    EndLost,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf16 => "it was saved as UTF-16",
            Self::Mark => "a byte order mark was put before it",
            Self::Before => "blank lines were put before it",
            Self::Twice => "it stands there twice",
            Self::CrLf => "its line ends became CR LF",
            Self::Cr => "its line ends became CR",
            Self::Blanks => "blanks were put at the ends of its lines",
            Self::Dashes => "the dashes before its signatures were replaced",
            Self::Filler => "zeros or a Ctrl-Z were put after it",
            Self::EndsMore => "line ends were put after its last",
            Self::EndLost => "its last line end is gone",
        })
    }
}

/// Changes in words.
pub fn in_words(changes: &[Change]) -> String {
    changes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// A file as it may have been, and what was undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// Its bytes then.
    pub bytes: Vec<u8>,
    /// What was undone, in the order of [`Change`].
    pub changes: Vec<Change>,
}

/// Undoes what can be undone, for a text that ends with one line end. Nothing if there is nothing to undo, or the
/// bytes are no text.
pub fn undo(bytes: &[u8]) -> Option<Undone> {
    undone(bytes, true, true)
}

/// The same for a text whose empty lines say something, at its beginning and at its end.
pub fn undo_lines(bytes: &[u8]) -> Option<Undone> {
    undone(bytes, false, false)
}

/// The same; `end` says whether the end of the text is mended too.
pub fn undo_to(bytes: &[u8], end: bool) -> Option<Undone> {
    undone(bytes, true, end)
}

/// Longest file of which what its way did is undone, in bytes: that takes several times as much memory.
const UNDONE_BYTES_MAX: usize = 32 << 20;
/// Of a longer one so many bytes tell whether there is something to undo.
const BEGINNING_BYTES: usize = 64 << 10;

/// What its way did to a file that is too long to be undone, as its beginning tells.
fn changed_at_first(bytes: &[u8]) -> Vec<Change> {
    if bytes.len() <= UNDONE_BYTES_MAX {
        return Vec::new();
    }
    undo_to(beginning(bytes), false).map_or_else(Vec::new, |undone| undone.changes)
}

/// The first whole lines of a file, or so many bytes of it.
fn beginning(bytes: &[u8]) -> &[u8] {
    let head = &bytes[..bytes.len().min(BEGINNING_BYTES)];
    // What a cut character or line end would look like is no change.
    let end = head.iter().rposition(|b| *b == b'\n').map_or(head.len(), |at| at + 1);
    if bytes.len() > BEGINNING_BYTES && !head.contains(&0) { &head[..end] } else { head }
}

fn undone(bytes: &[u8], beginning: bool, end: bool) -> Option<Undone> {
    if bytes.len() > UNDONE_BYTES_MAX {
        return None;
    }
    let mut changes = Vec::new();
    let mut text = match from_utf16(bytes) {
        Some(text) => {
            changes.push(Change::Utf16);
            text
        }
        None => from_utf8(bytes, &mut changes)?,
    };
    let marked = text.trim_start_matches('\u{feff}').len();
    if marked < text.len() {
        changes.push(Change::Mark);
        text.drain(..text.len() - marked);
    }
    let filled = unfilled(&text);
    if filled < text.len() {
        changes.push(Change::Filler);
        text.truncate(filled);
    }
    if text.contains("\r\n") {
        changes.push(Change::CrLf);
        text = without_cr(&text);
    }
    if text.contains('\r') {
        changes.push(Change::Cr);
        text = text.replace('\r', "\n");
    }
    if text.contains([' ', '\t', '\u{a0}']) && text.split('\n').any(|line| line.ends_with([' ', '\t', '\u{a0}'])) {
        changes.push(Change::Blanks);
        let mut lines = String::with_capacity(text.len());
        for (number, line) in text.split('\n').enumerate() {
            lines.push_str(if number == 0 { "" } else { "\n" });
            lines.push_str(line.trim_end_matches([' ', '\t', '\u{a0}']));
        }
        text = lines;
    }
    let before = text.len() - text.trim_start_matches('\n').len();
    if beginning && before > 0 {
        changes.push(Change::Before);
        text.drain(..before);
    }
    if beginning && half_of(text.as_bytes()).is_some_and(|half| half.ends_with(b"\n")) {
        changes.push(Change::Twice);
        text.truncate(text.len() / 2);
    }
    dashes(&mut text, &mut changes);
    if end {
        let body = text.trim_end_matches('\n').len();
        match text.len() - body {
            _ if body == 0 => {}
            0 => {
                changes.push(Change::EndLost);
                text.push('\n');
            }
            1 => {}
            _ => {
                changes.push(Change::EndsMore);
                text.truncate(body + 1);
            }
        }
    }
    changes.sort_unstable();
    changes.dedup();
    (!changes.is_empty()).then(|| Undone { bytes: text.into_bytes(), changes })
}

/// How long a text is without the zeros and the Ctrl-Z at its end, whatever stands between and after them.
fn unfilled(text: &str) -> usize {
    let body = text.trim_end_matches(['\0', '\u{1a}', '\r', '\n', ' ', '\t']).len();
    text[body..].find(['\0', '\u{1a}']).map_or(text.len(), |at| body + at)
}

/// CR before LF taken away, however many.
fn without_cr(text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    let ended = lines.len() - 1;
    lines[..ended].iter_mut().for_each(|line| *line = line.trim_end_matches('\r'));
    lines.join("\n")
}

/// The first half of bytes that stand there twice.
pub fn half_of(bytes: &[u8]) -> Option<&[u8]> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    (!first.is_empty() && first == second).then_some(first)
}

/// Whether something of the ledger's stands in bytes, as long as a hash in base64: then they were a file of it once.
fn has_substance(bytes: &[u8]) -> bool {
    let mut run = 0;
    bytes.iter().filter(|byte| **byte != 0).any(|byte| {
        run = if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/') { run + 1 } else { 0 };
        run >= 43
    })
}

/// Whether all that is wrong with a pack is that keys are missing which its last lines would bring: lines of keys stand
/// in the order of the log, so a cut takes the last.
fn keys_are_cut(bytes: &[u8], report: &Report) -> bool {
    let Some(pack) = std::str::from_utf8(bytes).ok().and_then(|text| Pack::parse(text).ok()) else { return false };
    let last = pack.keys.last().map(|key| key.index);
    let lacks = |fault: &Fault| match fault {
        Fault::NoGenesis => last.is_none(),
        Fault::Admission { position, refusal: Refusal::UnknownKey { .. }, .. } => {
            last.is_none_or(|last| *position > last)
        }
        _ => false,
    };
    // What was not admitted erases nothing.
    let follows = |fault: &Fault| matches!(fault, Fault::Opening { what: BadOpening::NotErased { .. }, .. });
    report.faults.iter().any(lacks) && report.faults.iter().all(|fault| lacks(fault) || follows(fault))
}

/// UTF-16 by its mark, or by the zeros that ASCII has in it.
fn from_utf16(bytes: &[u8]) -> Option<String> {
    let (pairs, big) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, false),
        [0xfe, 0xff, rest @ ..] => (rest, true),
        [a, 0, b, 0, ..] if *a != 0 && *b != 0 => (bytes, false),
        [0, a, 0, b, ..] if *a != 0 && *b != 0 => (bytes, true),
        _ => return None,
    };
    let unit = |pair: &[u8]| {
        let two = [pair[0], pair[1]];
        if big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) }
    };
    let whole = pairs.len() / 2 * 2;
    String::from_utf16(&pairs[..whole].chunks_exact(2).map(unit).collect::<Vec<_>>()).ok()
}

/// UTF-8, or text of which an editor saved the dashes in the encoding of its country.
fn from_utf8(bytes: &[u8], changes: &mut Vec<Change>) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    // Windows-1252 has the dash as 0x97, Mac OS Roman as 0xd1.
    let mut mended = Vec::with_capacity(bytes.len() + 64);
    for (at, byte) in bytes.iter().enumerate() {
        let begins = at == 0 || matches!(bytes[at - 1], b'\n' | b'\r');
        if begins && matches!(byte, 0x97 | 0xd1) && bytes.get(at + 1) == Some(&b' ') {
            mended.extend_from_slice("\u{2014}".as_bytes());
        } else {
            mended.push(*byte);
        }
    }
    changes.push(Change::Dashes);
    String::from_utf8(mended).ok()
}

/// What programs put for the dash before a signature.
const DASHES: [&str; 7] = ["--- ", "-- ", "- ", "\u{2013} ", "\u{2015} ", "\u{2212} ", "\u{e2}\u{20ac}\u{201d} "];

fn dashes(text: &mut String, changes: &mut Vec<Change>) {
    const MOJIBAKE: &str = "\u{e2}\u{20ac}\u{201d} ";
    if text.contains(MOJIBAKE) {
        *text = text.replace(MOJIBAKE, "\u{2014} ");
        changes.push(Change::Dashes);
    }
    if !DASHES.iter().any(|dash| text.contains(&format!("\n{dash}"))) {
        return;
    }
    let (mut changed, mut lines) = (false, String::with_capacity(text.len() + 64));
    for (number, line) in text.split('\n').enumerate() {
        lines.push_str(if number == 0 { "" } else { "\n" });
        let rest = DASHES.iter().find_map(|dash| line.strip_prefix(dash)).filter(|rest| rest.len() <= LINE_BYTES_MAX);
        match rest.map(|rest| format!("\u{2014} {rest}")).filter(|mended| is_signature(mended)) {
            Some(mended) => {
                changed = true;
                lines.push_str(&mended);
            }
            None => lines.push_str(line),
        }
    }
    if changed {
        *text = lines;
        changes.push(Change::Dashes);
    }
}

/// Longest line of a note's signature, in bytes.
const LINE_BYTES_MAX: usize = 2_048;

fn is_signature(line: &str) -> bool {
    Note::parse(format!("x\n\n{line}\n").as_bytes()).is_ok()
}

/// What lies in the place of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Nothing.
    Empty,
    /// Zeros alone.
    Zeros,
    /// A web page.
    Page,
    /// A pointer of Git LFS or git-annex.
    Pointer,
    /// A zip.
    Zip,
    /// A tar that was compressed, or another file that gzip made.
    Gzip,
    /// Another packed file: 7z, rar, bzip2, xz, zstd.
    Packed,
    /// A document of an office program, or a PDF.
    Document,
    /// A mail with the file in it.
    Mail,
    /// A file that is encrypted with age.
    Encrypted,
    /// A link to a page or a file.
    Shortcut,
    /// The answer of a server that something is wrong.
    Problem,
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "it is empty: the copy broke off before its first byte; copy it again",
            Self::Zeros => "it holds zeros alone: the stick was pulled out before the copy was on it; copy it again",
            Self::Page => {
                "it is a web page, perhaps of a log-in, that was saved in the place of the file; log in first, then \
                 download the file itself"
            }
            Self::Pointer => {
                "it is a pointer of Git LFS or git-annex, not the file; fetch the file: git lfs pull, or git annex get"
            }
            Self::Zip => "it is a zip; unpack it and give what is in it: unzip FILE",
            Self::Gzip => {
                "it was packed with gzip; unpack it and give what is in it: tar -xzf FILE where it ends in .tgz or \
                 .tar.gz, gunzip FILE otherwise"
            }
            Self::Packed => "it is packed (7z, rar, bzip2, xz or zstd); unpack it and give what is in it",
            Self::Document => "it is a document of an office program, or a PDF; ask for the file itself",
            Self::Mail => "it is a mail; save the file that is attached to it, and give that",
            Self::Encrypted => "it is encrypted with age; decrypt it first: age -d -i IDENTITY FILE",
            Self::Shortcut => "it is a link to a file elsewhere; open the link and save the file",
            Self::Problem => {
                "it is the answer of a server that something is wrong, not the file; read it, and ask again"
            }
        })
    }
}

/// What lies there instead, where bytes are none of the ledger's files.
pub fn instead(bytes: &[u8]) -> Option<Instead> {
    const BEGINS: [(&[u8], Instead); 19] = [
        (b"PK\x03\x04", Instead::Zip),
        (b"PK\x05\x06", Instead::Zip),
        (b"\x1f\x8b", Instead::Gzip),
        (b"7z\xbc\xaf\x27\x1c", Instead::Packed),
        (b"Rar!\x1a\x07", Instead::Packed),
        (b"BZh", Instead::Packed),
        (b"\xfd7zXZ\x00", Instead::Packed),
        (b"\x28\xb5\x2f\xfd", Instead::Packed),
        (b"\x1f\x9d", Instead::Packed),
        (b"%PDF", Instead::Document),
        (b"{\\rtf", Instead::Document),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Instead::Document),
        (b"version https://git-lfs", Instead::Pointer),
        (b"/annex/objects/", Instead::Pointer),
        (b"../.git/annex/", Instead::Pointer),
        (b"age-encryption.org/", Instead::Encrypted),
        (b"-----BEGIN AGE ENCRYPTED FILE", Instead::Encrypted),
        (b"[InternetShortcut]", Instead::Shortcut),
        (b"[Desktop Entry]", Instead::Shortcut),
    ];
    if bytes.is_empty() {
        return Some(Instead::Empty);
    }
    if bytes.iter().all(|byte| *byte == 0) {
        return Some(Instead::Zeros);
    }
    if let Some((_, what)) = BEGINS.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        return Some(*what);
    }
    let head = &bytes[..bytes.len().min(4_096)];
    let text = from_utf16(head).unwrap_or_else(|| String::from_utf8_lossy(head).into_owned());
    let text = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if text.is_empty() {
        return (bytes.len() <= head.len()).then_some(Instead::Empty);
    }
    let is = |begins: &[&str]| begins.iter().any(|begin| text.starts_with(begin));
    if is(&["<!doctype html", "<html", "<head", "<body", "<script", "<!--"]) {
        return Some(Instead::Page);
    }
    if is(&["<?xml"]) {
        return Some(if text.contains("<html") { Instead::Page } else { Instead::Document });
    }
    if is(&["return-path:", "received:", "delivered-to:", "mime-version:", "from:", "message-id:", "x-"]) {
        return Some(Instead::Mail);
    }
    if is(&["{"]) && (text.contains("\"status\":") && text.contains("\"title\":") || text.contains("\"error\":")) {
        return Some(Instead::Problem);
    }
    None
}

/// A kind of file that people carry, told by how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A pack. FORMAT.md 14.2.
    Pack,
    /// A receipt. FORMAT.md 14.1.
    Receipt,
    /// The receipt of a refusal. FORMAT.md 14.1.
    Refusal,
    /// Evidence of a fork. FORMAT.md 14.3.
    Fork,
    /// A checkpoint. FORMAT.md 10.1.
    Checkpoint,
    /// An auditor's statement. FORMAT.md 10.4.
    Statement,
    /// A policy. FORMAT.md 12.
    Policy,
    /// A verifier key. FORMAT.md 3.2.
    Vkey,
    /// Parcels of an outbox. FORMAT.md 20.
    Parcels,
    /// Answers to parcels. FORMAT.md 20.1.
    Answers,
    /// Lines of openings. FORMAT.md 5.4.
    Openings,
    /// A bundle's manifest. FORMAT.md 13.
    Manifest,
}

/// What a file is, as far as it is as it was made.
pub fn kind_of(bytes: &[u8]) -> Option<Kind> {
    let is = |start: &str| bytes.starts_with(start.as_bytes());
    let line = |n: usize| bytes.split(|b| *b == b'\n').nth(n).map(|line| std::str::from_utf8(line).unwrap_or_default());
    let first = line(0).unwrap_or_default();
    Some(if is("{\"audience\":") {
        Kind::Pack
    } else if is(receipt::MAGIC) {
        Kind::Receipt
    } else if is(refusal::MAGIC) {
        Kind::Refusal
    } else if is("oversight-index-recomputed/") {
        Kind::Statement
    } else if is("{\"fork\":") {
        Kind::Fork
    } else if is("{\"event\":\"oversight-event/") {
        Kind::Parcels
    } else if is("{\"event\":\"") {
        Kind::Answers
    } else if is("{\"digests\":") {
        Kind::Openings
    } else if Vkey::parse(first.trim_end()).is_ok() {
        Kind::Vkey
    } else if ["log", "witness", "group", "quorum"].iter().any(|word| first.split([' ', '\t']).next() == Some(*word)) {
        Kind::Policy
    } else if first.split_once("  ").is_some_and(|(hex, _)| hash::Hash::from_hex(hex).is_some()) {
        Kind::Manifest
    } else if Origin::parse(first).is_some() && line(1).and_then(base::from_decimal).is_some() && line(2).is_some() {
        Kind::Checkpoint
    } else {
        return None;
    })
}

/// What a file is, also where its way changed it.
pub fn kind_of_changed(bytes: &[u8]) -> Option<Kind> {
    kind_of(bytes).or_else(|| kind_of(&undo(beginning(bytes))?.bytes))
}

/// What a check gives: its report, and things that count only where it holds.
pub trait Judged {
    /// The report.
    fn report(&mut self) -> &mut Report;
    /// Takes away what counts only where the file holds as it is.
    fn withhold(&mut self) {}
}

impl Judged for Report {
    fn report(&mut self) -> &mut Report {
        self
    }
}

impl Judged for PackReport {
    fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    fn withhold(&mut self) {
        self.records.clear();
    }
}

impl Judged for ReceiptReport {
    fn report(&mut self) -> &mut Report {
        &mut self.report
    }

    fn withhold(&mut self) {
        (self.entry, self.leaf) = (None, None);
    }
}

impl<T> Judged for (Report, Option<T>) {
    fn report(&mut self) -> &mut Report {
        &mut self.0
    }

    fn withhold(&mut self) {
        self.1 = None;
    }
}

/// Checks a file; where it does not hold, checks it once more without what its way did to it. A file that holds then
/// is no lie, and one that broke off is none either: nothing can be told of it, and what to do is said.
pub fn judge<T: Judged>(kind: Kind, bytes: &[u8], check: impl Fn(&[u8]) -> T) -> T {
    let mut plain = check(bytes);
    if !plain.report().has_fault() {
        return plain;
    }
    let changes = changed_at_first(bytes);
    if !changes.is_empty() {
        let what = in_words(&changes);
        plain
            .report()
            .set_aside(format!("the file was changed on its way: {what}; it is too long to undo that here; {AGAIN}"));
        plain.withhold();
        return plain;
    }
    let undone = undo(bytes);
    if let Some(undone) = &undone {
        let mut mended = check(&undone.bytes);
        let changes = in_words(&undone.changes);
        if !mended.report().has_fault() {
            let good = matches!(mended.report().verdict(), Verdict::Verified | Verdict::PartlyErased | Verdict::Proven);
            let holds = if good { "undone, it holds" } else { "undone, it has its form" };
            mended.report().cannot_tell(format!("the file was changed on its way: {changes}; {holds}; {AGAIN}"));
            mended.withhold();
            return mended;
        }
        let cut = ends_in_signature(kind, &undone.bytes) || kind == Kind::Pack && is_cut(kind, &undone.bytes);
        let short = cut && undone.changes.contains(&Change::EndLost);
        let short = short || kind == Kind::Pack && keys_are_cut(&undone.bytes, mended.report());
        if !short && mended.report().faults.first().is_some_and(|fault| !is_of_form(fault)) {
            // The way explains a part; what else is wrong is told of the text as it was.
            mended.report().not_checked(&format!("the file was changed on its way too: {changes}"));
            return mended;
        }
    }
    let without_end = undo_to(bytes, false);
    let body = without_end.as_ref().map_or(bytes, |undone| &undone.bytes);
    if let Some(what) = instead(bytes) {
        plain.report().set_aside(what.to_string());
        plain.withhold();
    } else if is_cut(kind, body) || kind == Kind::Pack && keys_are_cut(bytes, plain.report()) {
        let why = "the file breaks off: its end was cut off on its way, and what is there proves nothing alone";
        plain.report().set_aside(format!("{why}; get it again, and compare its length with the one that was sent"));
        plain.withhold();
    } else if bytes.contains(&0) {
        plain.report().set_aside(format!("{ZEROED}; copy it again"));
        plain.withhold();
    } else if let Some(fault) = plain.report().faults.first().filter(|fault| is_of_form(fault) && has_substance(bytes))
    {
        let why = format!(
            "it has not its form ({fault}), and nobody signs the form of a file: it was damaged or changed on its way; {AGAIN}"
        );
        plain.report().set_aside(why);
        plain.withhold();
    }
    plain
}

/// What zeros within a file say.
pub const ZEROED: &str =
    "a part of it is zeros: the copy was interrupted, or the stick was pulled out before all of it was on it";

/// Whether a file could not be read at all: nothing that anybody signed was looked at.
fn is_of_form(fault: &Fault) -> bool {
    matches!(fault, Fault::FileMalformed { .. } | Fault::Pack(_))
}

/// Whether bytes are the beginning of a file of that kind, and nothing else: then it was cut.
pub fn is_cut(kind: Kind, bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // A character in two pieces is a cut as well.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default(),
        Err(_) => return false,
    };
    let torn = !bytes.ends_with(b"\n");
    match kind {
        Kind::Pack => pack_is_cut(text),
        Kind::Receipt => receipt_is_cut(text, torn),
        Kind::Refusal => note_is_cut(text, torn, &REFUSAL),
        Kind::Checkpoint => note_is_cut(text, torn, &CHECKPOINT),
        Kind::Statement => note_is_cut(text, torn, &STATEMENT),
        Kind::Fork => fork_is_cut(text, torn),
        _ => torn,
    }
}

/// Whether the last signature of a note is shorter than a signature can be, though it reads as a line.
fn ends_in_signature(kind: Kind, bytes: &[u8]) -> bool {
    if !matches!(kind, Kind::Receipt | Kind::Refusal | Kind::Checkpoint | Kind::Statement) {
        return false;
    }
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = body.rsplit(|b| *b == b'\n').next().and_then(|line| std::str::from_utf8(line).ok()).unwrap_or_default();
    let note = Note::parse(format!("x\n\n{line}\n").as_bytes());
    // 64 bytes of Ed25519, 8 more of a time before them where a witness signed.
    note.is_ok_and(|note| note.signatures.iter().any(|one| !matches!(one.signature.len(), 64 | 72)))
}

/// The whole lines of a text, and what follows them.
fn whole_lines(text: &str) -> (&str, &str) {
    text.split_at(text.rfind('\n').map_or(0, |at| at + 1))
}

fn pack_is_cut(text: &str) -> bool {
    let (whole, rest) = whole_lines(text);
    let begins = rest.is_empty() || rest.starts_with("{\"") || "{\"".starts_with(rest);
    match Pack::parse(whole) {
        Err(BadPack::End) => whole.is_empty() && rest.starts_with("{\"audience\":"),
        Err(BadPack::Order { line }) => begins && line == whole.matches('\n').count() + 1,
        Err(_) => false,
        Ok(pack) => {
            let short = match pack.shown {
                Shown::Present { count, .. } => (pack.items.len() as u64) < count && pack.keys.is_empty(),
                Shown::Absent { .. } => false,
            };
            begins && (!rest.is_empty() || short)
        }
    }
}

type LineTest = fn(&str) -> bool;

const CHECKPOINT: [LineTest; 3] = [is_origin, is_decimal, is_hash];
const STATEMENT: [LineTest; 4] =
    [|line| STATEMENT_TEXT.strip_suffix('\n') == Some(line), is_origin, is_decimal, is_hash];
const REFUSAL: [LineTest; 6] = [
    |line| line == refusal::MAGIC,
    is_origin,
    |line| hash::Hash::from_hex(line).is_some(),
    |line| time::Timestamp::parse(line).is_some(),
    is_decimal,
    |line| !line.is_empty(),
];

fn is_origin(line: &str) -> bool {
    Origin::parse(line).is_some()
}

fn is_decimal(line: &str) -> bool {
    base::from_decimal(line).is_some()
}

fn is_hash(line: &str) -> bool {
    hash::Hash::from_base64(line).is_some()
}

/// Whether a note with these lines breaks off.
fn note_is_cut(text: &str, torn: bool, lines: &[LineTest]) -> bool {
    let (whole, rest) = whole_lines(text);
    let mut all = whole.split_terminator('\n');
    for (number, test) in lines.iter().enumerate() {
        match all.next() {
            Some(line) if test(line) => {}
            Some(_) => return false,
            None => return torn || number < lines.len(),
        }
    }
    match all.next() {
        None => return true,
        Some("") => {}
        Some(_) => return false,
    }
    let mut signatures = 0;
    for line in all {
        if is_signature(line) {
            signatures += 1;
        } else {
            return false;
        }
    }
    let begins = rest.starts_with("\u{2014} ") || "\u{2014} ".starts_with(rest);
    if rest.is_empty() { torn || signatures == 0 } else { begins }
}

fn receipt_is_cut(text: &str, torn: bool) -> bool {
    let (whole, rest) = whole_lines(text);
    if let Some((head, note)) = whole.split_once("\n\n") {
        let lines: Vec<&str> = head.split('\n').collect();
        return receipt_lines(&lines) == Some(true) && note_is_cut(&format!("{note}{rest}"), torn, &CHECKPOINT);
    }
    let lines: Vec<&str> = whole.split_terminator('\n').collect();
    let Some(shown) = receipt_lines(&lines) else { return false };
    let base64 = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='));
    let one_of =
        |words: &[&str]| words.iter().any(|word| word.starts_with(rest) || rest.strip_prefix(word).is_some_and(base64));
    match (lines.len(), shown) {
        (0, _) => receipt::MAGIC.starts_with(rest) && !rest.is_empty(),
        (1, _) => one_of(&["extra ", "index "]),
        (2, false) => one_of(&["index "]),
        _ => base64(rest),
    }
}

/// Whether the first lines of a receipt are such, and whether they have the index already.
fn receipt_lines(lines: &[&str]) -> Option<bool> {
    let mut all = lines.iter();
    let Some(first) = all.next() else { return Some(false) };
    if *first != receipt::MAGIC {
        return None;
    }
    let mut indexed = false;
    for (number, line) in (1..).zip(all) {
        let good = match line.split_once(' ') {
            Some(("extra", extra)) => number == 1 && base::from_base64(extra).is_some(),
            Some(("index", index)) if !indexed => {
                indexed = true;
                is_decimal(index)
            }
            Some(_) => false,
            None => indexed && is_hash(line),
        };
        if !good {
            return None;
        }
    }
    Some(indexed)
}

fn fork_is_cut(text: &str, torn: bool) -> bool {
    let (whole, rest) = whole_lines(text);
    let first = format!("{{\"fork\":\"{}\"}}", fork::MAGIC);
    let lines: Vec<&str> = whole.split_terminator('\n').collect();
    let good = lines.iter().enumerate().all(|(number, line)| match number {
        0 => *line == first,
        1 | 2 => line.starts_with("{\"checkpoint\":") && Value::parse(line.as_bytes()).is_ok(),
        _ => false,
    });
    let begins = match lines.len() {
        0 => first.starts_with(rest) && !rest.is_empty(),
        1 | 2 => rest.is_empty() || rest.starts_with("{\"c") || "{\"c".starts_with(rest),
        _ => rest.starts_with("{\"p") || "{\"p".starts_with(rest),
    };
    good && begins && (torn || lines.len() < 3)
}

/// Why a policy file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicyFile {
    /// It is too long.
    #[error("longer than {POLICY_BYTES_MAX} bytes, which no policy is")]
    TooLong,
    /// Something else lies in its place.
    #[error("{0}")]
    Instead(Instead),
    /// An editor or the way changed it.
    #[error(
        "it was changed on its way: {}; undone, it reads as a policy. Save it as plain text in UTF-8 without a byte \
         order mark, with line ends as Unix has them (LF) and one at the end of the last line, or get it again as a \
         file",
        in_words(.0)
    )]
    Changed(Vec<Change>),
    /// It is no text.
    #[error("not UTF-8 text")]
    NoText,
    /// A line is wrong.
    #[error(transparent)]
    Line(#[from] BadPolicy),
}

/// Reads a policy file as it is; where that cannot be, says what an editor or the way did to it.
///
/// # Errors
/// [`BadPolicyFile`].
pub fn policy(bytes: &[u8]) -> Result<Policy, BadPolicyFile> {
    if bytes.len() > POLICY_BYTES_MAX {
        return Err(BadPolicyFile::TooLong);
    }
    let read = match std::str::from_utf8(bytes) {
        Ok(text) => Policy::parse(text).map_err(BadPolicyFile::Line),
        Err(_) => Err(BadPolicyFile::NoText),
    };
    read.map_err(|why| {
        if let Some(what) = instead(bytes) {
            return BadPolicyFile::Instead(what);
        }
        let undone = undo(bytes);
        let changes = undone.filter(|u| std::str::from_utf8(&u.bytes).is_ok_and(|text| Policy::parse(text).is_ok()));
        changes.map_or(why, |undone| BadPolicyFile::Changed(undone.changes))
    })
}

/// The verifier key that a line is.
///
/// # Errors
/// Why it is none, and what its way did to it.
pub fn vkey(bytes: &[u8]) -> Result<Vkey, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not UTF-8 text".to_owned());
    let read = text.and_then(|text| Vkey::parse(text.trim_end_matches(['\n', '\r'])).map_err(|e| e.to_string()));
    read.map_err(|why| {
        let undone =
            undo(bytes).filter(|u| std::str::from_utf8(&u.bytes).is_ok_and(|t| Vkey::parse(t.trim_end()).is_ok()));
        match (instead(bytes), undone) {
            (Some(what), _) => what.to_string(),
            (None, Some(undone)) => format!(
                "it was changed on its way: {}; undone, it is a key. Save it as plain text in UTF-8 without a byte \
                 order mark, or get it again as a file",
                in_words(&undone.changes)
            ),
            (None, None) => why,
        }
    })
}

#[cfg(test)]
mod tests;
