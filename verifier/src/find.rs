//! The bundle, the openings and the policy that somebody meant: where they are, or what lies there instead. Feature
//! `files`.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use schemas::policy::{POLICY_BYTES_MAX, Policy};
use schemas::strays;
use schemas::tile::index_of;
use schemas::visible::Show as _;

use crate::files::{self, Folder, Links};
use crate::transit;

/// Most names that are looked at to find out where a bundle is.
const NAMES_MAX: usize = 10_000;

/// Bytes by which a file is told.
const HEAD_BYTES: u64 = 4_096;

/// Why a folder is not a bundle, or not one of openings: where that seems to be, or what it is instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotHere {
    /// It lies below.
    #[error("the folder holds no {what} itself; there is one in {}: give that folder", .at.shown())]
    Below {
        /// A bundle, or openings.
        what: &'static str,
        /// Where.
        at: PathBuf,
    },
    /// Several lie below.
    #[error("the folder holds no {what} itself, but several below it, such as {}: give one of those", .at.shown())]
    Several {
        /// A bundle, or openings.
        what: &'static str,
        /// One of them.
        at: PathBuf,
    },
    /// It is a part of one.
    #[error("the folder is a part of a bundle, which seems to be {}: give that folder", .at.shown())]
    Above {
        /// Where.
        at: PathBuf,
    },
    /// It is empty.
    #[error("the folder is empty")]
    Empty,
    /// It is a ledger's own.
    #[error("the folder is a ledger's own, not a bundle: `ledger export LEDGER --out BUNDLE` makes one")]
    Ledger,
    /// A packed bundle lies in it.
    #[error("the folder holds no {what}, but {}: unpack that, or give it if it is a .tar that the ledger made", .at.shown())]
    Packed {
        /// A bundle, or openings.
        what: &'static str,
        /// The packed file.
        at: PathBuf,
    },
    /// Nothing of the ledger is in it.
    #[error(
        "the folder holds no {what}: a bundle has a manifest, a checkpoint and a folder tile, openings have files 000, 001, …"
    )]
    Nothing {
        /// A bundle, or openings.
        what: &'static str,
    },
}

/// The bundle in a folder. Whether it holds is not asked.
///
/// # Errors
/// [`NotHere`] where there is none: it says where one seems to be.
pub fn bundle(folder: &Path) -> Result<Folder, NotHere> {
    find(folder, "bundle", is_bundle)
}

/// The openings in a folder. FORMAT.md 19.
///
/// # Errors
/// [`NotHere`] where there are none: it says where some seem to be.
pub fn openings(folder: &Path) -> Result<Folder, NotHere> {
    find(folder, "openings", |folder| {
        names(folder).iter().any(|(name, _)| {
            let first = name.strip_prefix('x').unwrap_or(name);
            name.len() - first.len() <= 1 && first.len() == 3 && index_of(first).is_some()
        })
    })
}

/// Why a file is not the folder that was asked for, and what to do with it.
pub fn packed(path: &Path) -> String {
    let mut head = Vec::new();
    let read = files::open(path, Links::Followed).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    let what = match (read, transit::instead(&head)) {
        (Err(why), _) => return why.to_string(),
        (Ok(_), Some(what)) => what.to_string(),
        (Ok(_), None) if head.get(257..262) == Some(b"ustar") => {
            "it is an archive, as the ledger or a hand made it; unpack it: mkdir BUNDLE && tar -xf FILE -C BUNDLE"
                .to_owned()
        }
        (Ok(_), None) => "it is a file".to_owned(),
    };
    format!("not a folder: {what}; then give the folder")
}

/// Reads a policy file, and gives its bytes too.
///
/// # Errors
/// What is wrong with it and how to mend it.
pub fn policy(path: &Path) -> Result<(Policy, Vec<u8>), String> {
    let bytes = files::read(path, POLICY_BYTES_MAX as u64, Links::Followed).map_err(|e| e.to_string())?;
    let policy = transit::policy(&bytes).map_err(|e| e.to_string())?;
    Ok((policy, bytes))
}

fn find(folder: &Path, what: &'static str, is: impl Fn(&Path) -> bool) -> Result<Folder, NotHere> {
    if is(folder) {
        return Ok(Folder::new(folder));
    }
    if is_ledger(folder) {
        return Err(NotHere::Ledger);
    }
    let inside = names(folder);
    // Tiles have the names that files of openings have.
    let below: Vec<PathBuf> = folders_of(folder).into_iter().filter(|folder| !folder.ends_with("tile")).collect();
    let mut found: Vec<PathBuf> = below.iter().filter(|folder| is(folder)).cloned().collect();
    if found.is_empty() {
        let deeper = below.iter().flat_map(|folder| folders_of(folder)).take(NAMES_MAX);
        found = deeper.filter(|folder| is(folder)).collect();
    }
    match found.as_slice() {
        [] => {}
        [at] => return Err(NotHere::Below { what, at: at.clone() }),
        [at, ..] => return Err(NotHere::Several { what, at: at.clone() }),
    }
    let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    if let Some(at) = full.ancestors().skip(1).take(4).find(|above| is_bundle(above)) {
        return Err(NotHere::Above { at: at.to_owned() });
    }
    let packed = |name: &str| [".tar", ".tgz", ".gz", ".zip", ".7z", ".rar"].iter().any(|end| name.ends_with(end));
    if let Some((name, _)) = inside.iter().find(|(name, is_folder)| !is_folder && packed(&name.to_ascii_lowercase())) {
        return Err(NotHere::Packed { what, at: folder.join(name) });
    }
    let ours = inside.iter().filter(|(name, _)| !strays::is_stray(name)).count();
    Err(if ours == 0 { NotHere::Empty } else { NotHere::Nothing { what } })
}

fn is_bundle(folder: &Path) -> bool {
    let checkpoint = folder.join("checkpoint").is_file() && !is_ledger(folder);
    folder.join(schemas::manifest::NAME).is_file() || folder.join("tile/entries").is_dir() || checkpoint
}

fn is_ledger(folder: &Path) -> bool {
    folder.join("store").is_dir() && !folder.join("tile").is_dir()
}

fn folders_of(folder: &Path) -> Vec<PathBuf> {
    let all = names(folder);
    all.into_iter().filter(|(name, is)| *is && !strays::is_stray(name)).map(|(name, _)| folder.join(name)).collect()
}

/// Names in a folder in order, and whether each is a folder.
fn names(folder: &Path) -> Vec<(String, bool)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().take(NAMES_MAX);
    let one = |entry: fs::DirEntry| {
        (entry.file_name().to_string_lossy().into_owned(), entry.file_type().is_ok_and(|kind| kind.is_dir()))
    };
    let mut names: Vec<(String, bool)> = entries.map(one).collect();
    names.sort();
    names
}
