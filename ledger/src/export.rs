//! Writes the whole log as a bundle of static files (FORMAT.md 13), and openings for one audience (19).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use schemas::entry::Entry;
use schemas::hash::Hash;
use schemas::manifest::{self, Manifest};
use schemas::opening::{OpeningLine, Slot};
use schemas::policy::Policy;
use schemas::strays;
use schemas::tile::{self, TILE_WIDTH, Tile};
use schemas::time::Date;
use schemas::visible;
use verifier::audience::Audience;
use verifier::bundle::{NoVisitor, Source as _};
use verifier::files::{Folder, Links};
use verifier::head::check_head;
use verifier::output::{self, Readers, Unfinished};
use verifier::threads::Threads;
use verifier::times::Seen;
use verifier::unseal::Identity;

use crate::failure::{Damage, Failure};
use crate::files;
use crate::places::{Lies, Places};
use crate::publish;
use crate::reader::Reader;
use crate::vault;
use crate::writer::{DOCUMENT_BYTES_MAX, Home, Writer, checkpoint_name};

/// What gives way to a new result of its kind; nothing else does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bundle with its manifest: what that names.
    Bundle,
    /// Openings for a reader (FORMAT.md 19).
    Openings,
    /// A backup of the encrypted openings.
    Backup,
    /// A backup of their keys.
    Keys,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Self::Bundle => "an older bundle",
            Self::Openings => "older openings",
            Self::Backup => "an older backup of the openings",
            Self::Keys => "older copies of the openings' keys",
        }
    }
}

/// Whether a folder may take its place: nothing is there, or only an older one of its kind, and what systems leave
/// behind; and the ledger does not lie in it, nor it in the ledger.
///
/// # Errors
/// [`Failure::Foreign`] names what would be lost, [`Failure::Occupied`] if the ledger would; [`Failure::Io`].
pub fn make_way(home: &Home, out: &Path, kind: Kind) -> Result<(), Failure> {
    let io = |source| Failure::io("read", out, source);
    if !out.try_exists().map_err(io)? {
        return beside_the_ledger(home, files::parent(out), out, kind);
    }
    beside_the_ledger(home, out, out, kind)?;
    let foreign = |path: &str| Failure::Foreign { path: out.join(path), what: kind.words() };
    if !out.is_dir() {
        return Err(foreign(""));
    }
    let mut folder = Folder::new(out);
    let unreadable = |why: verifier::bundle::Unreadable| io(std::io::Error::other(why));
    let listed = folder.read(manifest::NAME).map_err(unreadable)?;
    let listed = listed.and_then(|bytes| Manifest::parse(std::str::from_utf8(&bytes).ok()?).ok());
    for path in folder.paths().map_err(unreadable)? {
        let ours = match kind {
            Kind::Bundle => path == manifest::NAME || listed.as_ref().is_some_and(|all| all.0.contains_key(&path)),
            _ if tile::index_of(&path).is_none_or(|number| tile::index_path(number) != path) => false,
            Kind::Openings | Kind::Backup | Kind::Keys => {
                let bytes = folder.read(&path).map_err(unreadable)?.unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                let shown = text.lines().find(|line| !line.is_empty()).map(|line| line.starts_with('{'));
                let keys = vault::is_keys(&text);
                match kind {
                    Kind::Openings => shown != Some(false),
                    Kind::Keys => keys != Some(false),
                    _ => shown != Some(true) && keys != Some(true),
                }
            }
        };
        if !ours && strays::stray_of(&path).is_none_or(strays::holds_versions) {
            return Err(foreign(&path));
        }
    }
    Ok(())
}

/// Whether a place is neither the ledger's folder, nor above it, nor, but for a bundle, in it. `there` exists.
fn beside_the_ledger(home: &Home, there: &Path, out: &Path, kind: Kind) -> Result<(), Failure> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|source| Failure::io("find", path, source));
    let Ok(place) = real(there) else { return Ok(()) }; // nothing is there: it is made
    let ledger = real(home.folder())?;
    let holds = there == out && ledger.starts_with(&place);
    if holds || (kind != Kind::Bundle && place.starts_with(&ledger)) {
        return Err(Failure::Foreign { path: home.folder().to_owned(), what: kind.words() });
    }
    Ok(())
}

/// Bytes of a block of an archive.
const BLOCK: u64 = 512;

/// What a bundle came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Entries in it.
    pub entries: u64,
    /// Files in it, the manifest not counted.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
}

/// Writes the bundle into a new folder, and what was there before only if it is a bundle too. It is
/// built beside the place, checked as any reader would, and put there at the end, so a reader never finds half of one. What is
/// not published yet is not in it ([`crate::publish`]).
///
/// # Errors
/// [`Failure::Unpublished`] if nothing is; [`Failure::Unsound`] if it would not verify; else [`Failure`] if a file
/// cannot be written.
pub fn bundle(
    writer: &Writer,
    policy: &str,
    utc_offset_minutes: i32,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Exported, Failure> {
    writer.make_room(Lies::Bundle, out)?;
    if !is_free(out) && !out.join(manifest::NAME).exists() {
        return Err(Failure::Occupied { path: out.to_owned() });
    }
    make_way(writer.home(), out, Kind::Bundle)?;
    let draft = begin(out, Readers::Everyone)?;
    let exported = write(writer, policy, utc_offset_minutes, &draft, progress)?;
    // Whoever gets it checks it so. What would not hold must not take the place of what does.
    if let Some(why) = faults(&draft, policy).into_words().into_iter().next() {
        return Err(Failure::Unsound { path: out.to_owned(), why });
    }
    draft.put_folder().map_err(|e| Failure::io("write", out, e))?;
    Places::remember(writer.home(), Lies::Bundle, out)?;
    Ok(exported)
}

/// Ending of the name of a folder with a bundle that does not verify.
pub const UNSOUND_ENDING: &str = ".does-not-verify";
/// What stands in it beside the bundle: why it does not.
pub const UNSOUND_NAME: &str = "DOES-NOT-VERIFY.txt";

/// Why a bundle does not verify.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// What is wrong.
    pub wrong: Vec<String>,
    /// What nobody can tell.
    pub unknown: Vec<String>,
}

impl Faults {
    fn into_words(self) -> Vec<String> {
        self.wrong.into_iter().chain(self.unknown).collect()
    }
}

/// Writes a bundle that does not verify, to keep as evidence and as a backup: a log with a fault that nobody can mend
/// must not be shut in with its operator. It takes the place of nothing, and its name and a file in it say what it is.
/// Gives its folder, what it came to, and why it does not verify.
///
/// # Errors
/// [`Failure`] as [`bundle`], or if something is in the way.
pub fn evidence(
    writer: &Writer,
    policy: &str,
    utc_offset_minutes: i32,
    out: &Path,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(PathBuf, Exported, Faults), Failure> {
    let mut name = out.file_name().unwrap_or_default().to_owned();
    name.push(UNSOUND_ENDING);
    let out = out.with_file_name(name);
    if !is_free(&out) {
        return Err(Failure::Occupied { path: out });
    }
    let draft = begin(&out, Readers::Everyone)?;
    let exported = write(writer, policy, utc_offset_minutes, &draft, progress)?;
    let faults = faults(&draft, policy);
    let mut text = format!(
        "This is the log of {} as its ledger had it, kept as evidence. It does NOT verify, and nobody may take it for a bundle \
         that does:\n\n",
        writer.log().origin()
    );
    for why in faults.clone().into_words() {
        let _ = writeln!(text, "- {}", visible::line(&why));
    }
    files::publish(&draft.path().join(UNSOUND_NAME), text.as_bytes())?;
    draft.put_folder().map_err(|e| Failure::io("write", &out, e))?;
    Ok((out, exported, faults))
}

/// Whether nothing stands there.
fn is_free(out: &Path) -> bool {
    out.symlink_metadata().is_err() || fs::read_dir(out).is_ok_and(|mut found| found.next().is_none())
}

/// What a reader would find.
fn faults(draft: &Unfinished, policy: &str) -> Faults {
    let policy = match Policy::parse(policy) {
        Ok(policy) => policy,
        Err(why) => return Faults { wrong: Vec::new(), unknown: vec![format!("the policy is none: {why}")] },
    };
    let mut folder = Folder::new(draft.path());
    let report = verifier::bundle::check_with(&mut folder, &policy, None, &mut NoVisitor, &Threads::new());
    if report.exit_code() == 0 {
        return Faults::default();
    }
    let wrong = report.faults.iter().map(ToString::to_string).collect();
    Faults { wrong, unknown: report.unknown }
}

/// Writes all files of a bundle, and its manifest.
fn write(
    writer: &Writer,
    policy: &str,
    utc_offset_minutes: i32,
    draft: &Unfinished,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Exported, Failure> {
    let (checkpoint, head) = publish::head(writer)?;
    let size = checkpoint.size;
    let asked = Policy::parse(policy).ok().filter(|policy| !policy.witnesses.is_empty());
    let mut files = Files { folder: draft.path().to_owned(), manifest: Manifest::default(), bytes: 0 };
    let mut bundle: Vec<Vec<u8>> = Vec::new();
    let mut kept: BTreeMap<Date, Kept> = BTreeMap::new();
    for entry in writer.entries(0) {
        let (position, bytes) = entry?;
        if position >= size {
            break;
        }
        if let Ok(entry) = Entry::parse(&bytes)
            && entry.signed.event.kind == verifier::admit::SEAL
        {
            let day = kept.entry(entry.received_at.date(utc_offset_minutes)).or_default();
            day.see(writer.reader(), asked.as_ref(), position + 1)?;
        }
        bundle.push(bytes);
        if bundle.len() as u64 == TILE_WIDTH || position + 1 == size {
            let tile = Tile { level: None, index: position / TILE_WIDTH, width: bundle.len() as u64 };
            files.write(&tile.path(), &tile::bundle_bytes(bundle.iter().map(Vec::as_slice)))?;
            bundle.clear();
            progress(position + 1, size);
        }
    }
    for tile in Tile::all(size) {
        if tile.level.is_none() {
            continue;
        }
        let bytes = writer.reader().tile(tile)?.unwrap_or_default();
        files.write(&tile.path(), &bytes)?;
    }
    let kept: BTreeMap<u64, Vec<u8>> = kept.into_values().flat_map(Kept::notes).collect();
    for (covered, note) in kept {
        files.write(&format!("checkpoints/{covered}"), &note)?;
    }
    files.write("checkpoint", head.to_text().as_bytes())?;
    files.write("policy", policy.as_bytes())?;
    files.write(verifier::PAGE_NAME, verifier::PAGE.as_bytes())?;
    for path in files::list(&writer.home().documents(), |name| Hash::from_hex(name).is_some())? {
        let bytes = files::read(&path, DOCUMENT_BYTES_MAX)?.unwrap_or_default();
        files.write(&format!("documents/{}", Hash::of(&[&bytes])), &bytes)?;
    }
    let exported = Exported { entries: size, files: files.manifest.0.len(), bytes: files.bytes };
    let text = files.manifest.to_text();
    files::publish(&draft.path().join(manifest::NAME), text.as_bytes())?;
    Ok(exported)
}

/// Writes a bundle that lies in a folder as one archive. FORMAT.md 13.1. The same bundle gives the
/// same bytes.
///
/// # Errors
/// [`Failure`] if something cannot be read or written.
pub fn archive(bundle: &Path, out: &Path) -> Result<u64, Failure> {
    let io = |doing, path: &Path, source| Failure::io(doing, path, source);
    let unreadable = |why: verifier::bundle::Unreadable| io("read", bundle, std::io::Error::other(why));
    let mut source = Folder::new(bundle);
    let mut paths = source.paths().map_err(unreadable)?;
    paths.sort_unstable();
    if !output::is_stream(out) && !gives_way(out) {
        return Err(Failure::Foreign { path: out.to_owned(), what: "an older archive of a bundle" });
    }
    if output::is_stream(out) {
        let file = output::stream(out).map_err(|e| io("write", out, e))?;
        return pack_into(file, &mut source, &paths, out).map(|(_, bytes)| bytes);
    }
    let (draft, file) = Unfinished::file(out, Readers::Everyone).map_err(|e| io("write", out, e))?;
    let (file, bytes) = pack_into(file, &mut source, &paths, out)?;
    draft.put_file(&file).map_err(|e| io("write", out, e))?;
    Ok(bytes)
}

/// Whether no file is there, an empty one, or an archive of a bundle as it begins.
fn gives_way(out: &Path) -> bool {
    let Ok(file) = verifier::files::open(out, Links::Refused) else { return out.symlink_metadata().is_err() };
    let mut archive = tar::Archive::new(&file);
    let first =
        archive.entries().ok().and_then(|mut all| all.next()?.ok()?.path().ok().map(std::borrow::Cow::into_owned));
    first.is_some_and(|path| path == Path::new("checkpoint")) || file.metadata().is_ok_and(|found| found.len() == 0)
}

/// Writes the files of a bundle as an archive; gives how many bytes that took.
fn pack_into(file: fs::File, source: &mut Folder, paths: &[String], out: &Path) -> Result<(fs::File, u64), Failure> {
    let io = |source| Failure::io("write", out, source);
    let unreadable = |why: verifier::bundle::Unreadable| Failure::io("read", out, std::io::Error::other(why));
    let mut written = 2 * BLOCK; // an archive ends with two empty blocks
    let mut tar = tar::Builder::new(std::io::BufWriter::new(file));
    for path in paths {
        let bytes = source.read(path).map_err(unreadable)?.unwrap_or_default();
        written += BLOCK + (bytes.len() as u64).next_multiple_of(BLOCK);
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(0);
        tar.append_data(&mut header, path, bytes.as_slice()).map_err(io)?;
    }
    let whole = tar.into_inner().and_then(|buffer| buffer.into_inner().map_err(std::io::IntoInnerError::into_error));
    Ok((whole.map_err(io)?, written))
}

/// Which checkpoints of one day travel in a bundle: the last, and the first and the last that the
/// policy's witnesses have seen; between those two all times of that day are bounded. FORMAT.md 10.2.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    last: Option<(u64, Vec<u8>)>,
    first_seen: Option<(u64, Vec<u8>)>,
    last_seen: Option<(u64, Vec<u8>)>,
}

impl Kept {
    /// Takes in the checkpoint of a size.
    pub(crate) fn see(&mut self, reader: &Reader, policy: Option<&Policy>, size: u64) -> Result<(), Failure> {
        let Some(bytes) = reader.store().note(&checkpoint_name(size))? else { return Ok(()) };
        if policy.is_some_and(|policy| is_seen(&bytes, policy, size)) {
            self.first_seen.get_or_insert_with(|| (size, bytes.clone()));
            self.last_seen = Some((size, bytes.clone()));
        }
        self.last = Some((size, bytes));
        Ok(())
    }

    /// Those that travel, by size.
    pub(crate) fn notes(self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        [self.last, self.first_seen, self.last_seen].into_iter().flatten()
    }
}

fn is_seen(note: &[u8], policy: &Policy, size: u64) -> bool {
    let head = check_head(note, policy);
    head.is_ok_and(|head| Seen::by(policy, &head.get().witnesses, size, "").is_some())
}

/// What a folder of openings came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// Lines in it, one an entry.
    pub lines: u64,
    /// Entries of which the audience got a value.
    pub entries: u64,
    /// Entries of which something was withheld from it.
    pub withheld: u64,
}

/// Counts what [`openings`] would give an audience, and writes nothing.
///
/// # Errors
/// [`Failure`] if something cannot be read.
pub fn count(writer: &Writer, audience: &Audience) -> Result<Opened, Failure> {
    each(writer, audience, None, &mut |_, _| Ok(()))
}

/// Writes the openings into a folder, in the layout of FORMAT.md 19, as far as the audience may have
/// them. With an identity of oversight sealed values are open; without, they stay sealed.
///
/// # Errors
/// [`Failure`] if a file cannot be written.
pub fn openings(
    writer: &Writer,
    audience: &Audience,
    identity: Option<&Identity>,
    out: &Path,
) -> Result<Opened, Failure> {
    make_way(writer.home(), out, Kind::Openings)?;
    let draft = begin(out, Readers::Owner)?;
    let mut text = String::new();
    let flush = |text: &mut String, last: u64| {
        let path = draft.path().join(tile::index_path(last / TILE_WIDTH));
        files::create_folder(files::parent(&path))?;
        files::write_again(&path, std::mem::take(text).as_bytes())
    };
    let opened = each(writer, audience, identity, &mut |position, line| {
        text.push_str(&line);
        text.push('\n');
        if (position + 1).is_multiple_of(TILE_WIDTH) { flush(&mut text, position) } else { Ok(()) }
    })?;
    if !text.is_empty() {
        flush(&mut text, opened.lines - 1)?;
    }
    draft.put_folder().map_err(|e| Failure::io("write", out, e))?;
    Ok(opened)
}

/// Gives every line as the audience may have it.
fn each(
    writer: &Writer,
    audience: &Audience,
    identity: Option<&Identity>,
    take: &mut dyn FnMut(u64, String) -> Result<(), Failure>,
) -> Result<Opened, Failure> {
    let mut opened = Opened::default();
    let published = usize::try_from(publish::head(writer)?.0.size).unwrap_or(usize::MAX);
    for (line, entry) in writer.vault().lines(0).zip(writer.entries(0)).take(published) {
        let ((position, line), (_, bytes)) = (line?, entry?);
        let damaged = || Failure::damaged(writer.vault().openings(), Damage::Line { position });
        opened.lines = position + 1;
        if line.is_empty() {
            take(position, line)?;
            continue;
        }
        let all = OpeningLine::parse(&line).map_err(|_| damaged())?;
        let signed = Entry::parse(&bytes).map_err(|_| damaged())?.signed;
        let limited = audience.limit(&signed, all.clone());
        opened.withheld += u64::from(limited != all);
        let shown = identity.map_or_else(|| limited.clone(), |identity| identity.open_line(limited.clone()));
        opened.entries += u64::from(shown.slots.iter().any(|slot| matches!(slot, Slot::Open(_) | Slot::Sealed(_))));
        take(position, shown.to_json())?;
    }
    Ok(opened)
}

/// Copies what belongs to a backup beside the bundle: the encrypted openings, without their keys.
///
/// # Errors
/// [`Failure`] if a file cannot be written.
pub fn backup(writer: &Writer, out: &Path) -> Result<u64, Failure> {
    make_way(writer.home(), out, Kind::Backup)?;
    aside(out, |draft| writer.vault().copy_openings(draft))
}

/// Copies the keys of the openings; see [`crate::vault::Vault::copy_keys`].
///
/// # Errors
/// [`Failure`] if a file cannot be written.
pub fn backup_keys(writer: &Writer, out: &Path) -> Result<u64, Failure> {
    make_way(writer.home(), out, Kind::Keys)?;
    aside(out, |draft| writer.vault().copy_keys(draft))
}

fn aside(out: &Path, write: impl FnOnce(&Path) -> Result<u64, Failure>) -> Result<u64, Failure> {
    let draft = begin(out, Readers::Owner)?;
    let lines = write(draft.path())?;
    draft.put_folder().map_err(|e| Failure::io("write", out, e))?;
    Ok(lines)
}

struct Files {
    folder: PathBuf,
    manifest: Manifest,
    bytes: u64,
}

impl Files {
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), Failure> {
        let to = self.folder.join(path);
        output::create_folders(files::parent(&to), Readers::Everyone).map_err(|e| Failure::io("make", &to, e))?;
        files::publish(&to, bytes)?;
        self.manifest.0.insert(path.to_owned(), Hash::of(&[bytes]));
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

/// Begins a folder beside its place.
fn begin(out: &Path, readers: Readers) -> Result<Unfinished, Failure> {
    Unfinished::folder(out, readers).map_err(|e| Failure::io("write", out, e))
}
