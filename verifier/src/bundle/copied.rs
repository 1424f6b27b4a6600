//! What happened to this copy of a bundle. A copy that broke off, that was laid over an older one, or that an editor or
//! a mail program had in hand does not fit its manifest, and nobody lied. So where a bundle is at fault in its files,
//! each of them is looked at: is it explained by its way, and does all that can still be checked hold? If so the copy
//! is of no use, and nobody is accused. One file that is not explained so, and the fault stands. FORMAT.md 13.2.

use std::collections::{BTreeMap, BTreeSet};

use schemas::base;
use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use schemas::opening::OpeningLine;
use schemas::policy::Policy;
use schemas::strays;
use schemas::tile::{self, TILE_WIDTH, Tile, index_of};

use super::{Check, NoVisitor, Opened, Source, Unreadable, Visitor, check_with, is_content};
use crate::PAGE_NAME;
use crate::crew::Crew;
use crate::fault::Fault;
use crate::follower::Accepted;
use crate::head::{SignedHead, check_head};
use crate::report::{Report, Verdict};
use crate::transit::{self, AGAIN, Instead, Kind, ZEROED, half_of, in_words, instead, undo, undo_lines, undo_to};
use crate::verified::Verified;

/// Most kept checkpoints of which it is asked whether all that they cover is there.
const HEADS_MAX: usize = 1_024;

/// Most files of the same bytes that are asked whether another is their copy.
const TWINS_MAX: usize = 100;

/// Bytes that a medium writes at once.
const SECTOR: usize = 512;

/// Most bytes of tiles that are kept as they were.
const MENDED_BYTES_MAX: usize = 16 << 20;

/// Most events by which openings are known as a log's.
const EVENTS_MAX: usize = 100_000;

/// How every entry begins. FORMAT.md 6.
const ENTRY: &[u8] = b"oversight-entry/v1\n";

/// Checks a bundle as [`check_with`] does. Where its files are at fault and their way explains all of it, nothing can be
/// told, and the report says what happened and what to do.
pub fn judge(
    source: &mut dyn Source,
    policy: &Policy,
    mut openings: Option<&mut dyn Source>,
    visitor: &mut dyn Visitor,
    crew: &dyn Crew,
) -> Report {
    let beside = openings.as_mut().map(|folder| &mut **folder as &mut dyn Source);
    let mut report = check_with(source, policy, beside, visitor, crew);
    for path in openings.iter_mut().flat_map(|folder| folder.paths().unwrap_or_default()) {
        if let Some(stray) = strays::stray_of(&path) {
            report.stray(&format!("openings/{stray}"));
        }
    }
    if !report.has_fault() {
        return report;
    }
    if let Some(folder) = openings.filter(|_| report.faults.iter().all(is_of_openings)) {
        let mut mended = Openings { folder, changed: BTreeMap::new() };
        let mut again = check_with(source, policy, Some(&mut mended), &mut NoVisitor, crew);
        let Openings { folder, changed } = mended;
        let why = if !again.has_fault() && !changed.is_empty() {
            let files: Vec<String> = changed.iter().map(|(path, how)| format!("openings/{path}: {how}")).collect();
            format!("the openings were changed on their way: {}; the bundle holds; {AGAIN}", files.join("; "))
        } else {
            let Ok(mut events) = Events::of(folder) else { return report };
            again = check_with(source, policy, None, &mut events, crew);
            if events.found || again.has_fault() {
                return report;
            }
            format!(
                "these are no openings of this log ({}); the bundle holds without them; take the openings that were \
                 exported with it, or leave them out",
                report.faults.first().map(ToString::to_string).unwrap_or_default()
            )
        };
        // What was found of the log stays said.
        again.mishaps = report.faults.iter().map(ToString::to_string).collect();
        (again.strays, again.strays_found) = (report.strays, report.strays_found);
        again.unknown.insert(0, why);
        return again;
    }
    // What cannot be read any more explains nothing.
    if let Ok(Some(copy)) = Copy::look(source, policy, &report, crew) {
        report.set_aside(copy);
    }
    report
}

fn is_of_openings(fault: &Fault) -> bool {
    match fault {
        Fault::Opening { .. } => true,
        fault => fault.path().is_some_and(|path| path.starts_with("openings/")),
    }
}

/// Events of which openings are said to be, and whether one of them is in the log. Nobody signs openings: those of
/// another log, or what is none, say nothing of this one.
struct Events {
    said: BTreeSet<Hash>,
    found: bool,
}

impl Events {
    fn of(folder: &mut dyn Source) -> Result<Self, Unreadable> {
        let mut said = BTreeSet::new();
        for path in folder.paths()?.into_iter().filter(|path| index_of(path).is_some()) {
            let bytes = folder.read(&path)?.unwrap_or_default();
            let lines = bytes.split(|b| *b == b'\n').filter_map(|line| std::str::from_utf8(line).ok());
            said.extend(lines.filter_map(|line| OpeningLine::parse(line).ok()).map(|line| line.event));
            if said.len() > EVENTS_MAX {
                break;
            }
        }
        Ok(Self { said, found: false })
    }
}

impl Visitor for Events {
    fn entry(&mut self, entry: &Verified<Accepted>, _opened: &Opened) {
        self.found |= self.said.contains(&entry.get().entry.signed.id());
    }
}

/// Openings as they were before an editor or a mail program had them.
struct Openings<'a> {
    folder: &'a mut dyn Source,
    changed: BTreeMap<String, String>,
}

impl Source for Openings<'_> {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        self.folder.paths()
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let Some(bytes) = self.folder.read(path)? else { return Ok(None) };
        if let Some(what) = instead(&bytes).filter(|_| !bytes.is_empty()) {
            self.changed.insert(path.to_owned(), what.to_string());
            return Ok(None);
        }
        if bytes.contains(&0) && undo_lines(&bytes).is_none_or(|undone| undone.bytes.contains(&0)) {
            self.changed.insert(path.to_owned(), ZEROED.to_owned());
            return Ok(None);
        }
        // Lines may be empty, so how many ends there should be is not known: only the last may be missing.
        let mut how = Vec::new();
        let undone = undo_lines(&bytes);
        how.extend(undone.as_ref().map(|undone| in_words(&undone.changes)));
        let mut bytes = undone.map_or(bytes, |undone| undone.bytes);
        if let Some(half) = half_of(&bytes).filter(|half| half.ends_with(b"\n") && half.contains(&b'{')) {
            bytes = half.to_vec();
            how.push("it stands there twice".to_owned());
        }
        let before = lines_before(&bytes);
        if before > 0 {
            bytes.drain(..before);
            how.push("blank lines were put before it".to_owned());
        }
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            let from = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            let last = std::str::from_utf8(&bytes[from..]).unwrap_or_default();
            if OpeningLine::parse(last).is_ok() {
                bytes.push(b'\n');
                how.push("its last line end is gone".to_owned());
            } else {
                bytes.truncate(from);
                how.push("it breaks off within a line".to_owned());
            }
        }
        if !how.is_empty() {
            self.changed.insert(path.to_owned(), how.join(", "));
        }
        Ok(Some(bytes))
    }
}

/// How many empty lines stand before a file of openings that were not there: its first line says where it belongs.
fn lines_before(bytes: &[u8]) -> usize {
    let before = bytes.iter().take_while(|b| **b == b'\n').count();
    let first = bytes[before..].split(|b| *b == b'\n').next().unwrap_or_default();
    let line = std::str::from_utf8(first).ok().and_then(|line| OpeningLine::parse(line).ok());
    let place = line.and_then(|line| usize::try_from(line.entry % TILE_WIDTH).ok());
    place.map_or(0, |place| before.saturating_sub(place))
}

/// A copy that does not fit its manifest.
struct Copy<'a> {
    source: &'a mut dyn Source,
    policy: Policy,
    /// What each file that does not fit is.
    mishaps: Vec<String>,
    /// Files that are listed and not there, files that were changed, files that are there and not listed.
    counts: [usize; 3],
    /// Checkpoints and tiles as they were.
    mended: BTreeMap<String, Vec<u8>>,
    /// Files that are of no use.
    lost: BTreeSet<String>,
    /// Files that only another day explains.
    of_another_day: Vec<String>,
    /// Whether there is something of another day.
    mixed: bool,
    listed: Option<Manifest>,
    found: BTreeSet<String>,
    /// Entries under the manifest's tiles.
    size: Option<u64>,
}

impl<'a> Copy<'a> {
    /// What happened, in words; nothing if not all of it is explained.
    fn look(
        source: &'a mut dyn Source,
        policy: &Policy,
        report: &Report,
        crew: &dyn Crew,
    ) -> Result<Option<String>, Unreadable> {
        let in_files = |fault: &Fault| {
            matches!(fault, Fault::FileMissing { .. } | Fault::FileChanged { .. } | Fault::FileExtra { .. })
                || matches!(fault, Fault::FileMalformed { path, .. } if path == manifest::NAME || path == "checkpoint")
        };
        if !report.faults.iter().any(in_files) {
            return Ok(None);
        }
        let found = source.paths()?.into_iter().filter(|path| is_content(path) || strays::stray_of(path).is_none());
        let found: BTreeSet<String> = found.filter(|path| path != manifest::NAME).collect();
        let mut copy = Self {
            source,
            policy: Policy { quorum: None, ..policy.clone() },
            mishaps: Vec::new(),
            counts: [0; 3],
            mended: BTreeMap::new(),
            lost: BTreeSet::new(),
            of_another_day: Vec::new(),
            mixed: false,
            listed: None,
            found,
            size: None,
        };
        if !copy.manifest()? || !copy.files()? {
            return Ok(None);
        }
        if !copy.of_another_day.is_empty() && !copy.mixed {
            return Ok(None);
        }
        for path in std::mem::take(&mut copy.of_another_day) {
            copy.tell(1, &path, "it is of another day than the rest");
        }
        let Some(held) = copy.holds(crew)? else { return Ok(None) };
        Ok((!copy.mishaps.is_empty()).then(|| copy.words(held)))
    }

    fn tell(&mut self, count: usize, path: &str, what: &str) {
        self.counts[count] += 1;
        if self.mishaps.len() < 3 {
            self.mishaps.push(format!("{path}: {what}"));
        }
    }

    fn words(&self, held: u64) -> String {
        let [missing, changed, more] = self.counts;
        let part = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {many}")),
        };
        let parts: Vec<String> = [
            part(missing, "file is missing", "files are missing"),
            part(changed, "file was changed on its way", "files were changed on their way"),
            part(more, "file is of another copy", "files are of another copy"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let checked = match held {
            0 => "nothing could be checked".to_owned(),
            held => format!("what is whole of it, {held} entries, holds"),
        };
        format!(
            "this copy of the bundle is not whole, or not of one day: {} ({}); {checked}; copy the bundle once more, \
             whole, into an empty folder, as files and in binary mode; where the copy at the ledger's own office is \
             like this too, keep it as evidence",
            parts.join(", "),
            self.mishaps.join("; ")
        )
    }

    /// The manifest, as it is or as it was; false if what is wrong with it has no cause.
    fn manifest(&mut self) -> Result<bool, Unreadable> {
        let Some(bytes) = self.source.read(manifest::NAME)? else {
            self.tell(0, manifest::NAME, "it is not there");
            return Ok(true);
        };
        let read = |bytes: &[u8]| std::str::from_utf8(bytes).ok().and_then(|text| Manifest::parse(text).ok());
        // Undone, what breaks off within a path would name another file.
        let whole = |listed: &Manifest| listed.0.keys().all(|path| is_content(path));
        let undone = undo(&bytes);
        if let Some(listed) = read(&bytes).filter(|listed| !listed.0.is_empty()) {
            self.listed = Some(listed);
        } else if let Some(what) = instead(&bytes) {
            self.tell(1, manifest::NAME, &what.to_string());
        } else if let Some((undone, listed)) =
            undone.and_then(|u| read(&u.bytes).filter(whole).map(|listed| (u, listed)))
        {
            self.tell(1, manifest::NAME, &in_words(&undone.changes));
            self.listed = Some(listed);
        } else if let Some(end) = bytes.iter().rposition(|b| *b == b'\n').filter(|end| end + 1 < bytes.len())
            && read(&bytes[..=end]).is_some()
        {
            self.tell(1, manifest::NAME, "it breaks off within a line");
        } else if is_first_of_manifest(&bytes) {
            self.tell(1, manifest::NAME, "it breaks off within its first line");
        } else if bytes.contains(&0) {
            self.tell(1, manifest::NAME, ZEROED);
        } else {
            return Ok(false);
        }
        let tiles = self.listed.iter().flat_map(|listed| listed.0.keys()).filter_map(|path| Tile::of_path(path));
        let ends = tiles.filter(|tile| tile.level.is_none()).map(|tile| tile.index * TILE_WIDTH + tile.width);
        self.size = self.listed.as_ref().map(|_| ends.max().unwrap_or(0));
        Ok(true)
    }

    /// Each file against the manifest; false if one is not explained.
    fn files(&mut self) -> Result<bool, Unreadable> {
        let Some(listed) = self.listed.take() else {
            self.without_manifest()?;
            return Ok(true);
        };
        let explained = self.each(&listed);
        self.listed = Some(listed);
        explained
    }

    fn each(&mut self, listed: &Manifest) -> Result<bool, Unreadable> {
        for (path, want) in &listed.0 {
            if !is_content(path) {
                return Ok(false);
            }
            if !self.found.contains(path) {
                self.tell(0, path, "it is not there");
                continue;
            }
            let bytes = self.source.read(path)?.unwrap_or_default();
            if Hash::of(&[&bytes]) != *want && !self.changed(path, &bytes, *want, listed)? {
                return Ok(false);
            }
        }
        let extra: Vec<String> = self.found.iter().filter(|path| !listed.0.contains_key(*path)).cloned().collect();
        if extra.is_empty() {
            return Ok(true);
        }
        let mut twins: Vec<(&Hash, &str)> = listed.0.iter().map(|(path, digest)| (digest, path.as_str())).collect();
        let own = self.source.read(manifest::NAME)?.map(|bytes| Hash::of(&[&bytes]));
        twins.extend(own.iter().map(|digest| (digest, manifest::NAME)));
        twins.sort_unstable();
        for path in extra {
            let bytes = self.source.read(&path)?.unwrap_or_default();
            if !self.more(&path, &bytes, listed, &twins)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where no manifest says what each file is: tiles that are of no use, by what happened to them.
    fn without_manifest(&mut self) -> Result<(), Unreadable> {
        for path in self.found.clone() {
            let Some(tile) = Tile::of_path(&path) else { continue };
            let bytes = self.source.read(&path)?.unwrap_or_default();
            let what = match instead(&bytes) {
                Some(what) => what.to_string(),
                None if is_zeroed(&bytes) => ZEROED.to_owned(),
                None if self.is_cut(tile, &bytes, None)? => "it breaks off".to_owned(),
                None => continue,
            };
            self.tell(1, &path, &what);
            self.lost.insert(path);
        }
        Ok(())
    }

    /// A tile with more than it had when it was made, which can be taken away.
    fn with_more(&mut self, path: &str, tile: Tile, bytes: &[u8], want: Hash) -> bool {
        let width = usize::try_from(tile.width).unwrap_or(usize::MAX);
        let end = if tile.level.is_some() {
            width.saturating_mul(32)
        } else {
            let mut rest = bytes;
            let whole = (0..width).all(|_| tile::next_entry(&mut rest).is_some());
            if whole { bytes.len() - rest.len() } else { usize::MAX }
        };
        let crs = without_cr(bytes);
        let (what, made) = match bytes.get(..end) {
            Some(made) if Hash::of(&[made]) == want => ("more stands after its end", made),
            _ if Hash::of(&[&crs]) == want => {
                ("its line ends became CR LF: it was sent as text, not in binary mode", crs.as_slice())
            }
            _ => return false,
        };
        self.tell(1, path, what);
        if self.mended.values().map(Vec::len).sum::<usize>() + made.len() <= MENDED_BYTES_MAX {
            self.mended.insert(path.to_owned(), made.to_vec());
        } else {
            self.lost.insert(path.to_owned());
        }
        true
    }

    /// A file that is not the one listed.
    fn changed(&mut self, path: &str, bytes: &[u8], want: Hash, listed: &Manifest) -> Result<bool, Unreadable> {
        for undone in [undo(bytes), undo_to(bytes, false), undo_lines(bytes)].into_iter().flatten() {
            if Hash::of(&[&undone.bytes]) == want {
                self.tell(1, path, &in_words(&undone.changes));
                // Of the others nothing is asked any more.
                if path == "checkpoint" || path.starts_with("checkpoints/") {
                    self.mended.insert(path.to_owned(), undone.bytes);
                }
                return Ok(true);
            }
        }
        if let Some(what) = instead(bytes).filter(|_| path != PAGE_NAME || bytes.is_empty()) {
            self.tell(1, path, &what.to_string());
            self.lost.insert(path.to_owned());
            return Ok(true);
        }
        if let Some(tile) = Tile::of_path(path) {
            if self.with_more(path, tile, bytes, want) {
                return Ok(true);
            }
            let zeroed = is_zeroed(bytes);
            let beside = Tile { level: Some(0), ..tile }.path();
            let lost = zeroed || self.is_cut(tile, bytes, listed.0.get(&beside).copied())?;
            if lost {
                self.tell(1, path, if zeroed { ZEROED } else { "it breaks off" });
                self.lost.insert(path.to_owned());
            }
            return Ok(lost);
        }
        if bytes.contains(&0) && undo(bytes).is_none_or(|undone| undone.bytes.contains(&0)) {
            self.tell(1, path, ZEROED);
            self.lost.insert(path.to_owned());
            return Ok(true);
        }
        let kept = path.strip_prefix("checkpoints/").and_then(base::from_decimal);
        if path == "checkpoint" || kept.is_some() {
            if let Ok(head) = check_head(bytes, &self.policy) {
                let size = head.get().checkpoint.size;
                let other = path == "checkpoint" && self.size != Some(size);
                self.mixed |= other;
                let what = format!("it is of another day: the log's checkpoint of {size} entries");
                self.tell(1, path, &what);
                return Ok(other || path == "checkpoint" || kept == Some(size));
            }
            self.lost.insert(path.to_owned());
            let body = undo_to(bytes, false).map_or_else(|| bytes.to_vec(), |undone| undone.bytes);
            let cut = transit::is_cut(Kind::Checkpoint, &body);
            if cut {
                self.tell(1, path, "it breaks off");
            }
            return Ok(cut);
        }
        let ends = match path {
            // The last line of each is known.
            "policy" => bytes.split(|b| *b == b'\n').any(|line| line.starts_with(b"quorum")),
            PAGE_NAME => bytes.trim_ascii_end().ends_with(b"</html>"),
            _ => true,
        };
        let torn = (!bytes.ends_with(b"\n") || !ends) && std::str::from_utf8(bytes).is_ok();
        let opening = path.starts_with("openings/");
        if torn && (path == "policy" || path == PAGE_NAME || path.starts_with("documents/") || opening) {
            self.tell(1, path, "it breaks off");
            self.lost.insert(path.to_owned());
            return Ok(true);
        }
        if path == "policy" || path == PAGE_NAME || opening {
            self.of_another_day.push(path.to_owned());
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether a tile is the beginning of what it should be; `want` is the digest of the hashes of its entries.
    fn is_cut(&mut self, tile: Tile, bytes: &[u8], want: Option<Hash>) -> Result<bool, Unreadable> {
        let width = usize::try_from(tile.width).unwrap_or(usize::MAX);
        // A file system that lost the end of a file gives zeros for it.
        let body = &bytes[..bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1)];
        if tile.level.is_some() {
            return Ok(bytes.len() < width * 32 || body.len() + 32 <= bytes.len() && bytes.len() == width * 32);
        }
        let hashes = self.source.read(&Tile { level: Some(0), ..tile }.path())?.filter(|bytes| match want {
            Some(want) => Hash::of(&[bytes]) == want,
            None => !is_zeroed(bytes),
        });
        // Where the hashes are gone too, entries are told by how they begin.
        let hashes = hashes.and_then(|bytes| tile::split_hashes(&bytes, tile.width));
        let (mut rest, mut number) = (bytes, 0);
        while number < width {
            let Some(entry) = tile::next_entry(&mut rest) else { break };
            let fits = hashes.as_ref().map_or(entry.starts_with(ENTRY), |all| Hash::leaf(entry) == all[number]);
            if !fits {
                let zeros = bytes.len() - rest.len() > body.len() || entry.is_empty();
                return Ok(zeros);
            }
            number += 1;
        }
        // What is left is the beginning of one entry, and of no more than that.
        let rest = rest.get(2..).unwrap_or_default();
        let again = rest.get(1..).unwrap_or_default().windows(ENTRY.len()).any(|part| part == ENTRY);
        Ok(number < width && !again && (rest.starts_with(ENTRY) || ENTRY.starts_with(rest)))
    }

    /// A file that is not listed.
    fn more(
        &mut self,
        path: &str,
        bytes: &[u8],
        listed: &Manifest,
        twins: &[(&Hash, &str)],
    ) -> Result<bool, Unreadable> {
        if let Some(tile) = Tile::of_path(path) {
            let full = Tile { width: TILE_WIDTH, ..tile }.path();
            let wider = listed.0.range(full.clone()..).map(|(path, _)| path).take_while(|path| path.starts_with(&full));
            let wider = wider.filter_map(|path| Tile::of_path(path));
            let same =
                wider.filter(|other| (other.level, other.index) == (tile.level, tile.index)).max_by_key(|t| t.width);
            let ours = match same.map(|same| same.path()).filter(|path| self.found.contains(path)) {
                Some(path) => self.source.read(&path)?,
                None => None,
            };
            // One is the beginning of the other: the log at two sizes.
            let fits = ours.is_none_or(|ours| {
                let (short, long) = if ours.len() < bytes.len() { (&ours[..], bytes) } else { (bytes, &ours[..]) };
                long.starts_with(short)
            });
            self.mixed = true;
            self.tell(2, path, "it is of another day than the rest");
            return Ok(fits);
        }
        if let Some(size) = path.strip_prefix("checkpoints/").and_then(base::from_decimal) {
            let signed = check_head(bytes, &self.policy).is_ok_and(|head| head.get().checkpoint.size == size);
            self.tell(2, path, "a checkpoint of another day");
            return Ok(signed);
        }
        if path.strip_prefix("documents/").and_then(Hash::from_hex) == Some(Hash::of(&[bytes])) {
            self.tell(2, path, "a document of another day");
            return Ok(true);
        }
        if path.strip_prefix("openings/").and_then(index_of).is_some() || path == PAGE_NAME || path == "policy" {
            self.of_another_day.push(path.to_owned());
            return Ok(true);
        }
        if is_content(path) {
            return Ok(false);
        }
        let digest = Hash::of(&[bytes]);
        let same = &twins[twins.partition_point(|(other, _)| **other < digest)..];
        let mut same = same.iter().take_while(|(other, _)| **other == digest).take(TWINS_MAX);
        let what = if let Some((_, twin)) = same.find(|(_, twin)| is_copy_of(path, twin)) {
            format!("it is {twin} once more, under another name")
        } else if self.is_in_another(path) {
            "it is of another bundle, which lies in this one's folder".to_owned()
        } else if is_of_no_bundle(path, bytes) {
            "it is a file of its own, and lies in the bundle's folder".to_owned()
        } else {
            return Ok(false);
        };
        self.tell(2, path, &what);
        Ok(true)
    }

    /// Whether a path is below a folder that is a bundle itself.
    fn is_in_another(&self, path: &str) -> bool {
        path.match_indices('/').any(|(at, _)| {
            let file = |name: &str| self.found.contains(&format!("{}/{name}", &path[..at]));
            file(manifest::NAME) && file("checkpoint")
        })
    }

    /// How much of the log is whole and holds; nothing if what is there lies.
    fn holds(&mut self, crew: &dyn Crew) -> Result<Option<u64>, Unreadable> {
        let mut heads: BTreeMap<u64, SignedHead> = BTreeMap::new();
        let mut notes: Vec<&String> = self.found.iter().filter(|path| path.starts_with("checkpoints/")).collect();
        let skip = notes.len().saturating_sub(HEADS_MAX);
        notes.drain(..skip);
        let mut paths: Vec<String> = notes.into_iter().cloned().collect();
        paths.push("checkpoint".to_owned());
        for path in paths.into_iter().filter(|path| !self.lost.contains(path)) {
            let bytes = match self.mended.get(&path) {
                Some(bytes) => Some(bytes.clone()),
                None => self.source.read(&path)?,
            };
            let Some(bytes) = bytes else { continue };
            let head = check_head(&bytes, &self.policy).or_else(|why| match undo(&bytes) {
                Some(undone) => check_head(&undone.bytes, &self.policy),
                None => Err(why),
            });
            let Ok(head) = head else { continue };
            heads.insert(head.get().checkpoint.size, head.into_inner());
        }
        let tiles: Vec<Tile> = self
            .found
            .iter()
            .filter(|path| !self.lost.contains(*path))
            .filter_map(|path| Tile::of_path(path))
            .collect();
        let mut widest: BTreeMap<(Option<u8>, u64), u64> = BTreeMap::new();
        for tile in tiles {
            let width = widest.entry((tile.level, tile.index)).or_default();
            *width = tile.width.max(*width);
        }
        let there = |tile: &Tile| widest.get(&(tile.level, tile.index)).is_some_and(|width| *width >= tile.width);
        for (size, head) in heads.iter().rev().filter(|(size, _)| **size > 0) {
            // A size that these files could not cover is not worth listing.
            if size / TILE_WIDTH > widest.len() as u64 || !Tile::all(*size).iter().all(there) {
                continue;
            }
            let mut view =
                View { source: self.source, mended: &self.mended, size: *size, heads: &heads, widest: &widest };
            let policy = self.policy.clone();
            let mut check = Check {
                report: Report::new(&policy),
                source: &mut view,
                visitor: &mut NoVisitor,
                crew,
                policy: &policy,
                view: true,
            };
            check.run_view(&policy)?;
            let holds = matches!(check.report.verdict(), Verdict::Verified | Verdict::PartlyErased);
            let _ = head;
            return Ok(holds.then_some(*size));
        }
        Ok(Some(0))
    }
}

/// Whether a name is that of a second copy: beside the file, with its name in it.
fn is_copy_of(path: &str, twin: &str) -> bool {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let stem = |name: String| name.split('.').next().unwrap_or_default().to_owned();
    name(path).contains(&stem(name(twin)))
}

/// Whether a file of its own lies in a bundle's folder: another of the ledger's files, or something packed.
fn is_of_no_bundle(path: &str, bytes: &[u8]) -> bool {
    const ENDS: [&str; 9] = [".pack", ".tlog-proof", ".tar", ".tgz", ".gz", ".zip", ".7z", ".rar", ".age"];
    let name = path.to_ascii_lowercase();
    let packed = matches!(instead(bytes), Some(Instead::Zip | Instead::Gzip | Instead::Packed | Instead::Encrypted));
    packed || bytes.get(257..262) == Some(b"ustar") || ENDS.iter().any(|end| name.ends_with(end))
}

/// Whether bytes are the beginning of a manifest's first line.
fn is_first_of_manifest(bytes: &[u8]) -> bool {
    let (hex, rest) = bytes.split_at(bytes.len().min(64));
    let is_hex = hex.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
    let path = rest.strip_prefix(b"  ");
    let is_path = |path: &[u8]| path.iter().all(|b| b.is_ascii_alphanumeric() || b"._/-".contains(b));
    is_hex && path.map_or(b"  ".starts_with(rest), is_path)
}

/// Whether a sector of a file, or the rest of the last one, holds zeros alone: nothing that the ledger writes does.
fn is_zeroed(bytes: &[u8]) -> bool {
    bytes.chunks(SECTOR).any(|sector| sector.len() >= 32 && sector.iter().all(|byte| *byte == 0))
}

/// CR before LF taken away, however many.
fn without_cr(bytes: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(bytes.len());
    for byte in bytes {
        while *byte == b'\n' && kept.last() == Some(&b'\r') {
            kept.pop();
        }
        kept.push(*byte);
    }
    kept
}

/// What a copy holds of the log under one checkpoint.
struct View<'a> {
    source: &'a mut dyn Source,
    mended: &'a BTreeMap<String, Vec<u8>>,
    size: u64,
    heads: &'a BTreeMap<u64, SignedHead>,
    widest: &'a BTreeMap<(Option<u8>, u64), u64>,
}

impl Source for View<'_> {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        let kept = self.heads.range(1..=self.size).map(|(size, _)| format!("checkpoints/{size}"));
        Ok(Tile::all(self.size).iter().map(Tile::path).chain(kept).chain(["checkpoint".to_owned()]).collect())
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        let kept = path.strip_prefix("checkpoints/").and_then(base::from_decimal);
        if let Some(size) = kept.or((path == "checkpoint").then_some(self.size)) {
            return Ok(self.heads.get(&size).map(|head| head.note.to_text().into_bytes()));
        }
        let Some(tile) = Tile::of_path(path) else { return Ok(None) };
        let Some(width) = self.widest.get(&(tile.level, tile.index)) else { return Ok(None) };
        let widest = Tile { width: *width, ..tile }.path();
        let mended = self.mended.get(&widest).cloned();
        let Some(mut bytes) = mended.map_or_else(|| self.source.read(&widest), |bytes| Ok(Some(bytes)))? else {
            return Ok(None);
        };
        let taken = if tile.level.is_some() {
            bytes.len().min(usize::try_from(tile.width).unwrap_or(usize::MAX).saturating_mul(32))
        } else {
            let mut rest = bytes.as_slice();
            for _ in 0..tile.width {
                let _ = tile::next_entry(&mut rest);
            }
            bytes.len() - rest.len()
        };
        bytes.truncate(taken);
        Ok(Some(bytes))
    }
}
