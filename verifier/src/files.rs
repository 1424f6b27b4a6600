//! Opening what somebody else may have prepared, and a bundle in a folder. Feature `files`.
//!
//! [`open`] is how every program of the house opens a path: it gives regular files alone, and waits for nobody. A
//! named pipe would stop the program until someone writes, a device never ends, and a link leads out of the folder
//! that was handed over.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use schemas::strays;
use schemas::visible::Show as _;

use crate::bundle::{FILE_BYTES_MAX, Source, Unreadable, bytes_max};
pub use crate::find::{NotHere, bundle, openings, packed, policy};

/// What becomes of a path whose last name is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It may lead to a regular file: a path that the user named, or the program's own.
    Followed,
    /// It is refused: a file of a folder that came from somewhere else.
    Refused,
}

/// A policy came along with what it would vouch for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: the policy lies inside {}, so it proves nothing about it; give one that you hold from elsewhere (on paper, from \
     your own institution, by telephone)",
    .policy.shown(),
    .with.shown()
)]
pub struct CameAlong {
    /// The policy's file.
    pub policy: PathBuf,
    /// What brought it.
    pub with: PathBuf,
}

/// Refuses a policy that lies inside what shall be judged under it, inside the bundle out of which that is, or inside any
/// other bundle: then it came along, and proves nothing. FORMAT.md 12.
///
/// # Errors
/// [`CameAlong`].
pub fn apart(policy: &Path, judged: &[&Path]) -> Result<(), CameAlong> {
    let Ok(full) = fs::canonicalize(policy) else { return Ok(()) };
    let came = |with: &Path| CameAlong { policy: policy.to_owned(), with: with.to_owned() };
    for path in judged {
        let Ok(judged) = fs::canonicalize(path) else { continue };
        let bundle = judged.ancestors().find(|folder| folder.join(schemas::manifest::NAME).is_file());
        let inside = |folder: &Path| full.starts_with(folder) || same_file(policy, &folder.join("policy"));
        if inside(&judged) || bundle.is_some_and(inside) {
            return Err(came(path));
        }
    }
    let is_bundle = |folder: &&Path| ["manifest", "checkpoint"].iter().all(|name| folder.join(name).is_file());
    full.ancestors().skip(1).find(is_bundle).map_or(Ok(()), |bundle| Err(came(bundle)))
}

/// Whether two paths are one file, by a hard link too. A file of its own with the same bytes is another.
#[cfg(unix)]
fn same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let (Ok(one), Ok(other)) = (fs::metadata(one), fs::metadata(other)) else { return false };
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(_one: &Path, _other: &Path) -> bool {
    false
}

/// Opens a regular file for reading.
///
/// # Errors
/// What the system says, [`io::ErrorKind::NotFound`] among it, or that it is no regular file.
pub fn open(path: &Path, links: Links) -> io::Result<File> {
    open_with(OpenOptions::new().read(true), path, links)
}

/// Opens a file as `options` say; one that is there already must be a regular file.
///
/// # Errors
/// As [`open`].
pub fn open_with(options: &mut OpenOptions, path: &Path, links: Links) -> io::Result<File> {
    let found = match links {
        Links::Followed => fs::metadata(path),
        Links::Refused => fs::symlink_metadata(path),
    };
    // Looked at first, as to open a device may set it in motion; and again afterwards, as it may have been changed.
    match found {
        Ok(found) => regular(found.file_type())?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            // What is written must not go where a link leads that ends nowhere.
            if let Ok(dangling) = fs::symlink_metadata(path) {
                regular(dangling.file_type())?;
            }
        }
        Err(e) => return Err(e),
    }
    without_waiting(options, links);
    let file = options.open(path)?;
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

/// Opens a file for writing, empty; it is made where there is none. A link in its place is not followed.
///
/// # Errors
/// As [`open`].
pub fn create(path: &Path) -> io::Result<File> {
    open_with(OpenOptions::new().create(true).write(true).truncate(true), path, Links::Refused)
}

/// Reads a regular file of at most `max` bytes.
///
/// # Errors
/// As [`open`]; [`io::ErrorKind::InvalidData`] if it is longer, and then nothing of it was read into memory.
pub fn read(path: &Path, max: u64, links: Links) -> io::Result<Vec<u8>> {
    read_all(open(path, links)?, max)
}

/// Reads what is left of an open file, as [`read`] does.
///
/// # Errors
/// As [`read`].
pub fn read_all(mut file: File, max: u64) -> io::Result<Vec<u8>> {
    let longer = || io::Error::new(io::ErrorKind::InvalidData, format!("longer than {max} bytes"));
    let length = file.metadata()?.len();
    if length > max {
        return Err(longer());
    }
    // Asked for at once: a list that grows takes up to three times as much on its way.
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX).saturating_add(1))?;
    (&mut file).take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max { Err(longer()) } else { Ok(bytes) }
}

/// Refuses a link: what is written through it lands where somebody else chose.
///
/// # Errors
/// That it is one.
pub fn no_link(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        let why = "it is a link, and links are not followed here: put what it names in its place, or name that";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    Ok(())
}

/// Refuses whatever is no regular file, and says what it is.
fn regular(found: fs::FileType) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    if found.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, and a file is needed here"));
    }
    let what = if found.is_symlink() {
        "a link, and links are not followed here: put the file itself in its place"
    } else {
        special(found)
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}")))
}

#[cfg(unix)]
fn special(found: fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    if found.is_fifo() {
        "a named pipe, and only regular files are read: write what comes out of it into a file, and name that"
    } else if found.is_socket() {
        "a socket, and only regular files are read"
    } else {
        "a device, and only regular files are read"
    }
}

#[cfg(not(unix))]
fn special(_found: fs::FileType) -> &'static str {
    "no regular file, and only those are read"
}

#[cfg(unix)]
fn without_waiting(options: &mut OpenOptions, links: Links) {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if links == Links::Refused {
        flags |= OFlags::NOFOLLOW;
    }
    options.custom_flags(flags.bits() as i32);
}

#[cfg(not(unix))]
fn without_waiting(_options: &mut OpenOptions, _links: Links) {}

/// Opens a regular file below a folder; no name on the way from there may be a link.
#[cfg(unix)]
fn open_below(root: &Path, path: &str) -> io::Result<File> {
    use rustix::fs::{AtFlags, FileType, Mode, OFlags, openat, statat};
    use rustix::io::Errno;
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = rustix::fs::open(root, flags, Mode::empty()).map_err(|e| match e {
        Errno::NOTDIR => io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no folder", root.shown())),
        other => other.into(),
    })?;
    for folder in folders.split('/').filter(|folder| !folder.is_empty()) {
        at = match openat(&at, folder, flags | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(next) => next,
            Err(e) => {
                let link = statat(&at, folder, AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Symlink);
                let why = "a folder on the way to it is a link, and links are not followed here";
                return Err(if link { io::Error::new(io::ErrorKind::InvalidInput, why) } else { e.into() });
            }
        };
    }
    if FileType::from_raw_mode(statat(&at, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode) != FileType::RegularFile {
        regular(fs::symlink_metadata(root.join(path))?.file_type())?;
    }
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = File::from(openat(&at, name, flags, Mode::empty())?);
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

#[cfg(not(unix))]
fn open_below(root: &Path, path: &str) -> io::Result<File> {
    let mut full = root.to_owned();
    for name in path.split('/') {
        full.push(name);
        let found = fs::symlink_metadata(&full)?.file_type();
        if !found.is_dir() {
            regular(found)?;
        }
    }
    open(&full, Links::Refused)
}

/// Bytes of a manifest's line beside the path that it names.
const LINE_BYTES: u64 = 67;

/// Names of files, as many as the longest manifest can list, and no more. FORMAT.md 1.5.
#[derive(Debug, Default)]
pub(crate) struct Names(u64);

impl Names {
    /// Takes one more name.
    ///
    /// # Errors
    /// Why it is too many.
    pub fn take(&mut self, name: &str) -> Result<(), &'static str> {
        self.0 = self.0.saturating_add(name.len() as u64 + LINE_BYTES);
        if self.0 > FILE_BYTES_MAX { Err("it holds more files than a manifest can list") } else { Ok(()) }
    }
}

/// A folder of files, read one at a time.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The folder at that path.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn walk(&self, below: &str, found: &mut Vec<String>, names: &mut Names) -> Result<(), Unreadable> {
        let folder = self.root.join(below);
        let bad = |why: &dyn std::fmt::Display| Unreadable { path: folder.shown().to_string(), why: why.to_string() };
        for entry in fs::read_dir(&folder).map_err(|e| bad(&e))? {
            let entry = entry.map_err(|e| bad(&e))?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = if below.is_empty() { name.into_owned() } else { format!("{below}/{name}") };
            names.take(&path).map_err(|why| bad(&why))?;
            // A link is not followed: what it points at is not part of the bundle.
            if entry.file_type().map_err(|e| bad(&e))?.is_dir() {
                // A folder that a system left behind has nothing of ours, and often nobody may look into it.
                if strays::is_stray(path[below.len()..].trim_start_matches('/')) {
                    found.push(path);
                } else {
                    self.walk(&path, found, names)?;
                }
            } else {
                found.push(path);
            }
        }
        Ok(())
    }
}

impl Source for Folder {
    fn paths(&mut self) -> Result<Vec<String>, Unreadable> {
        let mut found = Vec::new();
        self.walk("", &mut found, &mut Names::default())?;
        Ok(found)
    }

    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, Unreadable> {
        use io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
        let full = self.root.join(path);
        let bad = |why: String| Unreadable { path: full.shown().to_string(), why };
        let file = match open_below(&self.root, path) {
            Ok(file) => file,
            Err(e) if matches!(e.kind(), NotFound | NotADirectory | IsADirectory) => return Ok(None),
            Err(e) => return Err(bad(e.to_string())),
        };
        read_all(file, bytes_max(path)).map(Some).map_err(|e| bad(e.to_string()))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    /// What stands at a path, whoever put it there: its name and a word of the refusal, in the clear and by a link.
    fn prepared(folder: &Path) -> Vec<(PathBuf, &'static str)> {
        let at = |name: &str| folder.join(name);
        let fifo = std::process::Command::new("mkfifo").arg(at("fifo")).status().expect("mkfifo is there");
        assert!(fifo.success());
        drop(UnixListener::bind(at("socket")).unwrap());
        fs::create_dir(at("folder")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", at("to-a-device")).unwrap();
        std::os::unix::fs::symlink("fifo", at("to-a-pipe")).unwrap();
        std::os::unix::fs::symlink("nowhere", at("dangling")).unwrap();
        std::os::unix::fs::symlink("round", at("round")).unwrap();
        File::create(at("sparse")).unwrap().set_len(100 << 30).unwrap();
        vec![
            (at("fifo"), "named pipe"),
            (at("socket"), "socket"),
            (at("folder"), "folder"),
            ("/dev/zero".into(), "device"),
            ("/dev/tty".into(), "device"),
            (at("to-a-device"), "device"),
            (at("to-a-pipe"), "named pipe"),
            (at("dangling"), "link"),
            (at("round"), ""),
            (at("sparse"), "longer than 10 bytes"),
        ]
    }

    #[test]
    fn only_regular_files_are_opened_and_nobody_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        for (path, word) in prepared(folder.path()) {
            for links in [Links::Followed, Links::Refused] {
                let why = read(&path, 10, links).expect_err(&path.shown().to_string());
                let by_link = links == Links::Refused && fs::symlink_metadata(&path).unwrap().is_symlink();
                let word = if by_link { "links are not followed here" } else { word };
                assert!(why.to_string().contains(word), "{}: {why}", path.shown());
            }
            if word.contains("longer") {
                continue;
            }
            let end = OpenOptions::new().create(true).append(true).clone();
            for mut options in [OpenOptions::new().write(true).clone(), end] {
                assert!(open_with(&mut options, &path, Links::Followed).is_err(), "{}", path.shown());
            }
            assert!(create(&path).is_err(), "{}", path.shown());
        }
        assert!(!folder.path().join("nowhere").exists(), "nothing is made through a link");
        assert_eq!(read(&folder.path().join("none"), 9, Links::Followed).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_link_of_the_user_may_lead_to_a_regular_file_and_none_of_a_folder_may() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("real")).unwrap();
        fs::write(at("real/file"), "nine here").unwrap();
        std::os::unix::fs::symlink("real/file", at("link")).unwrap();
        std::os::unix::fs::symlink("real", at("way")).unwrap();
        assert_eq!(read(&at("link"), 9, Links::Followed).unwrap(), b"nine here");
        assert!(read(&at("link"), 8, Links::Followed).unwrap_err().to_string().contains("longer than 8"));
        let mut source = Folder::new(folder.path());
        assert_eq!(source.read("real/file").unwrap().unwrap(), b"nine here");
        for (path, word) in [("link", "links are not followed"), ("way/file", "links are not followed")] {
            let why = source.read(path).unwrap_err().to_string();
            assert!(why.contains(word), "{path}: {why}");
        }
        for path in ["real", "real/none", "none/file", "real/file/under"] {
            assert_eq!(source.read(path).unwrap(), None, "{path}");
        }
        // The folder itself may be named by a link.
        assert!(Folder::new(&at("way")).read("file").unwrap().is_some());
        assert!(Folder::new(&at("link")).read("file").unwrap_err().to_string().contains("is no folder"));
        for (path, word) in prepared(folder.path()).into_iter().filter(|(path, _)| path.starts_with(folder.path())) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let read = Folder::new(folder.path()).read(name);
            match word {
                "folder" => assert_eq!(read.unwrap(), None),
                _ => assert!(read.is_err(), "{name}"),
            }
        }
    }
}
