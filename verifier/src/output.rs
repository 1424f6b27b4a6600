//! What the programs write: who may read it, and whole or not at all. Feature `files`.
//!
//! Everything is for its owner alone, but for what is handed to everyone (bundles, public pages). That holds whatever
//! the umask says: a program begins with [`guard`], so that what libraries make is closed too, and what is for everyone
//! is opened by name. Where a file system keeps no modes (FAT, most shares) nothing can be closed; it is used as it is.

use schemas::visible::Show as _;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::files::{self, Links, open_with};

/// Ending of what is not whole yet, beside its place. Whoever finds one may remove it.
pub const UNFINISHED: &str = "unfinished";
/// Ending of what stood in the place until a moment ago.
const REPLACED: &str = "replaced";

/// Who may read what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner alone: files 0600, folders 0700.
    Owner,
    /// Everyone: files 0644, folders 0755.
    Everyone,
}

impl Readers {
    #[cfg(unix)]
    fn mode(self, is_folder: bool) -> u32 {
        match (self, is_folder) {
            (Self::Owner, false) => 0o600,
            (Self::Owner, true) => 0o700,
            (Self::Everyone, false) => 0o644,
            (Self::Everyone, true) => 0o755,
        }
    }
}

/// Others on this machine can read what only its owner should.
#[derive(Debug, thiserror::Error)]
#[error(
    "others on this machine can read {}: close it with `chmod {} {}`, and think of what stood in it as known to whoever has \
     an account here",
    .path.shown(),
    if *.is_folder { "700" } else { "600" },
    quoted(.path)
)]
pub struct Exposed {
    /// The file or folder.
    pub path: PathBuf,
    /// Whether it is a folder.
    pub is_folder: bool,
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.shown().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(plain) {
        text
    } else {
        let text = if text.starts_with('-') { format!("./{text}") } else { text };
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// From here on what this process makes is its owner's alone, whoever makes it.
pub fn guard() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// How to open a file that will have these readers if it is made.
pub fn options(readers: Readers) -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, readers.mode(false));
    #[cfg(not(unix))]
    let _ = readers;
    options
}

/// Makes a file, or empties the one that is there; either way these are its readers.
///
/// # Errors
/// What the system says.
pub fn create(path: &Path, readers: Readers) -> io::Result<File> {
    let file = open_with(options(readers).write(true).create(true).truncate(true), path, Links::Refused)?;
    settle(&file, readers)?;
    Ok(file)
}

/// Gives an open file its readers, where the umask or who made it has given it others.
///
/// # Errors
/// What the system says.
pub fn settle(file: &File, readers: Readers) -> io::Result<()> {
    let found = file.metadata()?;
    if found.is_file() { permit(&found, readers, |permissions| file.set_permissions(permissions)) } else { Ok(()) }
}

/// Gives a folder its readers.
///
/// # Errors
/// What the system says.
pub fn settle_folder(folder: &Path, readers: Readers) -> io::Result<()> {
    permit(&fs::metadata(folder)?, readers, |permissions| fs::set_permissions(folder, permissions))
}

#[cfg(unix)]
fn permit(found: &fs::Metadata, readers: Readers, set: impl FnOnce(Permissions) -> io::Result<()>) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = readers.mode(found.is_dir());
    if found.permissions().mode() & 0o777 == mode {
        return Ok(());
    }
    match set(Permissions::from_mode(mode)) {
        // A file system without modes says so in one of these ways; whether others can read is asked elsewhere.
        Err(e) if matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) => Ok(()),
        other => other,
    }
}

#[cfg(not(unix))]
fn permit(_: &fs::Metadata, _: Readers, _: impl FnOnce(Permissions) -> io::Result<()>) -> io::Result<()> {
    Ok(())
}

/// Makes one folder; the one above it is there.
///
/// # Errors
/// What the system says; also if something is there.
pub fn create_folder(folder: &Path, readers: Readers) -> io::Result<()> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, readers.mode(true));
    builder.create(folder)?;
    settle_folder(folder, readers)
}

/// Makes a folder and those above it that are not there; folders that are there stay as they are.
///
/// # Errors
/// What the system says.
pub fn create_folders(folder: &Path, readers: Readers) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        create_folders(above, readers)?;
    }
    match create_folder(folder, readers) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        other => other,
    }
}

/// Refuses a file or folder of secrets that others can read. What is not there, and what lies on a file system that
/// keeps no modes, passes.
///
/// # Errors
/// [`Exposed`] with the command that mends it.
pub fn refuse_exposed(path: &Path) -> Result<(), Exposed> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let Ok(found) = fs::metadata(path) else { return Ok(()) };
        let kind = found.file_type();
        let open = (kind.is_file() || kind.is_dir()) && found.permissions().mode() & 0o077 != 0;
        if open && keeps_modes(path) {
            return Err(Exposed { path: path.to_owned(), is_folder: kind.is_dir() });
        }
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Why a file with a secret is not used.
#[derive(Debug, thiserror::Error)]
pub enum BadSecret {
    /// Others can read it.
    #[error(transparent)]
    Exposed(#[from] Exposed),
    /// What the system says.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is longer than any of its kind.
    #[error("it is longer than {max} bytes")]
    Long {
        /// The limit, in bytes.
        max: usize,
    },
}

/// Reads a file with a secret, of at most `max` bytes, into memory that is overwritten when it is let go; `None` if
/// there is none.
///
/// # Errors
/// [`BadSecret`].
pub fn read_secret(path: &Path, max: usize) -> Result<Option<Zeroizing<Vec<u8>>>, BadSecret> {
    refuse_exposed(path)?;
    let file = match files::open(path, Links::Followed) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    // No longer buffer takes its place, which would leave what was read so far behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(max + 64));
    file.take(max as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > max { Err(BadSecret::Long { max }) } else { Ok(Some(bytes)) }
}

/// Takes a folder that only its owner may look into: made if it is not there, closed if it is there and empty.
///
/// # Errors
/// What the system says; within, [`Exposed`] if others can read what is in it.
pub fn take_folder(folder: &Path) -> io::Result<Result<(), Exposed>> {
    create_folders(folder, Readers::Owner)?;
    if fs::read_dir(folder)?.next().is_none() {
        settle_folder(folder, Readers::Owner)?;
    }
    Ok(refuse_exposed(folder))
}

/// Whether the file system of a path keeps who may read what. Where it does not, whoever uses the machine can read all
/// of it, and no command changes that.
pub fn keeps_modes(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        rustix::fs::statfs(path).map_or(true, |found| !is_without_modes(found.f_type as u64 as u32))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        true
    }
}

/// File systems, by their numbers in Linux, that show every file with modes that the mount made up, or may do so.
#[cfg(any(target_os = "linux", test))]
fn is_without_modes(number: u32) -> bool {
    const NUMBERS: [u32; 12] = [
        0x0000_4d44, // FAT
        0x2011_bab0, // exFAT
        0x5346_544e, // NTFS
        0x7366_746e, // NTFS3
        0x6573_5546, // FUSE: ntfs-3g, exfat-fuse and shares of many kinds
        0xff53_4d42, // CIFS
        0xfe53_4d42, // SMB2
        0x0000_517b, // SMB
        0x786f_4256, // folders of a host, VirtualBox
        0x0102_1997, // 9P
        0x0000_9660, // CD
        0x1501_3346, // UDF
    ];
    NUMBERS.contains(&number)
}

/// Makes the names in a folder durable; true if it could. A file system that cannot (EINVAL on some sticks and shares)
/// is no error here: what must never be lost is not begun in such a folder.
///
/// # Errors
/// What the system says.
pub fn sync_folder(folder: &Path) -> io::Result<bool> {
    match File::open(folder)?.sync_all() {
        Ok(()) => Ok(true),
        Err(e) if cannot(&e) => Ok(false),
        Err(e) => Err(e),
    }
}

/// Whether an error of fsync says that there is no such thing there, and not that it failed.
pub fn cannot(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported)
}

/// The folder that a path is in.
fn above(path: &Path) -> &Path {
    path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Writes a result: beside its place first, into it when it is whole and on the disk. What goes wrong leaves what was
/// there before, and nothing else. A device or a pipe is written to as it is.
///
/// # Errors
/// What the system says.
pub fn write(path: &Path, bytes: &[u8], readers: Readers) -> io::Result<()> {
    if is_stream(path) {
        return stream(path)?.write_all(bytes);
    }
    let (draft, mut file) = Unfinished::file(path, readers)?;
    file.write_all(bytes)?;
    draft.put_file(&file)
}

/// Whether something is there that has no place of its own: a device, a pipe, a socket.
pub fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Opens a device or a pipe to write to. A pipe that nobody reads is refused, and not waited for.
///
/// # Errors
/// What the system says.
pub fn stream(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, OFlags::NONBLOCK.bits().cast_signed());
        let nobody = |e: io::Error| match rustix::io::Errno::from_io_error(&e) {
            Some(rustix::io::Errno::NXIO) => {
                io::Error::new(e.kind(), "nobody reads from it: begin with the program that shall read")
            }
            _ => e,
        };
        let file = options.open(path).map_err(nobody)?;
        fcntl_setfl(&file, fcntl_getfl(&file)?.difference(OFlags::NONBLOCK))?;
        Ok(file)
    }
    #[cfg(not(unix))]
    options.open(path)
}

/// A result beside its place. Dropped before it is put there, it is removed.
#[derive(Debug)]
pub struct Unfinished {
    draft: PathBuf,
    out: PathBuf,
    whole: bool,
}

impl Unfinished {
    /// A file, empty, beside the place where it will be; what an interrupted run has left there goes first.
    ///
    /// # Errors
    /// What the system says.
    pub fn file(out: &Path, readers: Readers) -> io::Result<(Self, File)> {
        // What the system hands to a program as a path is a link too, and leads to what was opened for it.
        if !["/dev", "/proc"].iter().any(|system| out.starts_with(system)) {
            files::no_link(out)?;
        }
        let out = if out.exists() { fs::canonicalize(out)? } else { out.to_owned() };
        if out.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let draft = beside(&out, UNFINISHED);
        absent(remove(&draft))?;
        let file = options(readers).write(true).create_new(true).open(&draft)?;
        let made = Self { draft, out, whole: false };
        settle(&file, readers)?;
        Ok((made, file))
    }

    /// A folder, empty, beside the place where it will be; what an interrupted run has left there goes first.
    ///
    /// # Errors
    /// What the system says.
    pub fn folder(out: &Path, readers: Readers) -> io::Result<Self> {
        create_folders(above(out), readers)?;
        let out = if out.exists() { fs::canonicalize(out)? } else { out.to_owned() };
        let (draft, old) = (beside(&out, UNFINISHED), beside(&out, REPLACED));
        absent(remove(&draft))?;
        if old.exists() && !out.exists() {
            fs::rename(&old, &out)?; // an earlier run was killed between two names
        }
        absent(remove(&old))?;
        create_folder(&draft, readers)?;
        Ok(Self { draft, out, whole: false })
    }

    /// Where it is until it is whole.
    pub fn path(&self) -> &Path {
        &self.draft
    }

    /// Puts a file in its place, on the disk.
    ///
    /// # Errors
    /// What the system says; the old one is then still there.
    pub fn put_file(self, file: &File) -> io::Result<()> {
        file.sync_all()?;
        let folder = above(&self.out).to_owned();
        self.put_unflushed()?;
        sync_folder(&folder).map(drop)
    }

    /// Puts a file in its place, and leaves it to the system when it is on the disk.
    ///
    /// # Errors
    /// What the system says; the old one is then still there.
    pub fn put_unflushed(mut self) -> io::Result<()> {
        fs::rename(&self.draft, &self.out)?;
        self.whole = true;
        Ok(())
    }

    /// Puts a folder in its place; one that was there goes.
    ///
    /// # Errors
    /// What the system says; the old one is then still there.
    pub fn put_folder(mut self) -> io::Result<()> {
        let old = beside(&self.out, REPLACED);
        if self.out.exists() {
            fs::rename(&self.out, &old)?;
        }
        if let Err(e) = fs::rename(&self.draft, &self.out) {
            if old.exists() {
                fs::rename(&old, &self.out)?;
            }
            return Err(e);
        }
        self.whole = true;
        // Whole in either case; what stood there goes whether or not the new name is on the disk.
        let synced = sync_folder(above(&self.out));
        absent(fs::remove_dir_all(&old))?;
        synced.map(drop)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.whole {
            let _ = remove(&self.draft);
        }
    }
}

/// Takes away what an interrupted run has left: a file, or a folder where a file will be, and the other way round.
fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn readers_are_those_that_were_named() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        for (readers, file, folder) in [(Readers::Owner, 0o600, 0o700), (Readers::Everyone, 0o644, 0o755)] {
            let name = |what: &str| path(&format!("{what}-{readers:?}"));
            create_folders(&name("deep").join("er"), readers).unwrap();
            assert_eq!((mode(&name("deep")), mode(&name("deep").join("er"))), (folder, folder));
            for before in [None, Some(0o777), Some(0o400)] {
                let one = name("file");
                if let Some(before) = before {
                    fs::set_permissions(&one, Permissions::from_mode(before)).unwrap();
                }
                write(&one, b"bytes", readers).unwrap();
                assert_eq!((mode(&one), fs::read(&one).unwrap().as_slice()), (file, b"bytes".as_slice()));
            }
        }
    }

    /// What puts something at a path.
    type Leave = fn(&Path);

    #[test]
    fn what_an_interrupted_run_left_is_in_nobodys_way() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        let left: [(&str, Leave); 4] = [
            ("a file", |path| fs::write(path, b"half").unwrap()),
            ("an empty folder", |path| fs::create_dir(path).unwrap()),
            ("a folder", |path| {
                fs::create_dir_all(path.join("x001")).unwrap();
                fs::write(path.join("x001/000"), b"half").unwrap();
            }),
            ("a link", |path| std::os::unix::fs::symlink("elsewhere", path).unwrap()),
        ];
        fs::create_dir(at("elsewhere")).unwrap();
        fs::write(at("elsewhere/kept"), b"kept").unwrap();
        for (what, leave) in left {
            leave(&beside(&at("file"), UNFINISHED));
            write(&at("file"), b"whole", Readers::Owner).unwrap_or_else(|e| panic!("{what}: {e}"));
            for stands in [false, true] {
                leave(&beside(&at("folder"), UNFINISHED));
                if stands {
                    leave(&beside(&at("folder"), REPLACED));
                }
                let draft = Unfinished::folder(&at("folder"), Readers::Owner).unwrap_or_else(|e| panic!("{what}: {e}"));
                fs::write(draft.path().join("000"), b"whole").unwrap();
                draft.put_folder().unwrap();
                let there: Vec<_> = fs::read_dir(at("folder")).unwrap().map(|file| file.unwrap().file_name()).collect();
                assert_eq!(there, ["000"], "{what}");
            }
            fs::remove_dir_all(at("folder")).unwrap();
            let mut all: Vec<_> = fs::read_dir(place.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
            all.sort();
            assert_eq!(all, ["elsewhere", "file"], "{what}: nothing is left beside them");
        }
        assert_eq!(fs::read(at("elsewhere/kept")).unwrap(), b"kept");
    }

    #[test]
    fn what_others_can_read_is_refused_with_the_command_that_mends_it() {
        let place = tempfile::tempdir().unwrap();
        for (name, is_folder, mode, mended) in [
            ("a.key", false, 0o600, None),
            ("b.key", false, 0o400, None),
            ("c.key", false, 0o640, Some("chmod 600")),
            ("d.key", false, 0o604, Some("chmod 600")),
            ("e's key", false, 0o660, Some("chmod 600 '")),
            ("f", true, 0o700, None),
            ("g", true, 0o710, Some("chmod 700")),
            ("h", true, 0o755, Some("chmod 700")),
        ] {
            let path = place.path().join(name);
            if is_folder {
                fs::create_dir(&path).unwrap();
            } else {
                fs::write(&path, "secret").unwrap();
            }
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let said = refuse_exposed(&path).err().map(|why| why.to_string());
            match (&said, mended) {
                (None, None) => {}
                (Some(said), Some(command)) => assert!(said.contains(command), "{said}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        refuse_exposed(&place.path().join("nothing")).unwrap();
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
        assert_eq!(quoted(Path::new("-rf")), "'./-rf'");
    }

    #[test]
    fn file_systems_without_modes_are_known() {
        // FAT, exFAT, CIFS; ext4, tmpfs, XFS, btrfs, overlay, NFS.
        for number in [0x4d44, 0x2011_bab0, 0xff53_4d42] {
            assert!(is_without_modes(number));
        }
        for number in [0xef53, 0x0102_1994, 0x5846_5342, 0x9123_683e, 0x794c_7630, 0x6969] {
            assert!(!is_without_modes(number));
        }
    }

    #[test]
    fn a_result_is_whole_or_not_there() {
        let place = tempfile::tempdir().unwrap();
        let names = || {
            let mut all: Vec<String> =
                fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            all.sort();
            all
        };
        let out = place.path().join("out");
        // A file: cut short, over what an earlier run has left, then whole.
        fs::write(beside(&out, UNFINISHED), "left").unwrap();
        let (draft, mut file) = Unfinished::file(&out, Readers::Owner).unwrap();
        file.write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(names(), Vec::<String>::new());
        write(&out, b"one", Readers::Owner).unwrap();
        write(&out, b"two", Readers::Owner).unwrap();
        assert_eq!((names(), fs::read(&out).unwrap()), (vec!["out".to_owned()], b"two".to_vec()));
        // Through a link nothing is written, wherever it leads.
        for target in [out.as_path(), Path::new("nowhere"), place.path(), Path::new("/dev/null")] {
            let link = place.path().join("link");
            std::os::unix::fs::symlink(target, &link).unwrap();
            let refused = write(&link, b"three", Readers::Owner);
            // A device that a link names is no file that could be lost.
            assert_eq!(refused.is_ok(), target == Path::new("/dev/null"), "{target:?}: {refused:?}");
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink() && fs::read(&out).unwrap() == b"two");
            fs::remove_file(&link).unwrap();
        }
        assert_eq!(names(), ["out"]);
        // A pipe is not waited for; one that is read takes everything.
        let pipe = place.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let refused = write(&pipe, b"x", Readers::Owner).unwrap_err().to_string();
        assert!(refused.contains("nobody reads"), "{refused}");
        let much = vec![b'x'; 1 << 20];
        // Open before it is written to, and for both ends, so that neither waits for the other.
        let mut reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        let reading = std::thread::spawn(move || {
            let mut all = vec![0; 1 << 20];
            io::Read::read_exact(&mut reader, &mut all).map(|()| all)
        });
        write(&pipe, &much, Readers::Owner).unwrap();
        assert!(reading.join().unwrap().unwrap() == much);
        fs::remove_file(&pipe).unwrap();
        // A device stays one too.
        assert_eq!(write(Path::new("/dev/full"), b"x", Readers::Owner).unwrap_err().raw_os_error(), Some(28));
        write(Path::new("/dev/null"), b"x", Readers::Owner).unwrap();
        assert!(is_stream(Path::new("/dev/null")));
        // A folder.
        let folder = place.path().join("all");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("old"), "").unwrap();
        let draft = Unfinished::folder(&folder, Readers::Owner).unwrap();
        fs::write(draft.path().join("new"), "").unwrap();
        drop(draft);
        assert!(folder.join("old").exists() && names() == ["all", "out"]);
        let draft = Unfinished::folder(&folder, Readers::Owner).unwrap();
        fs::write(draft.path().join("new"), "").unwrap();
        draft.put_folder().unwrap();
        assert!(folder.join("new").exists() && !folder.join("old").exists() && names() == ["all", "out"]);
    }
}
