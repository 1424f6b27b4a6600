//! Files and folders that systems and programs leave behind wherever people carry files: a stick that was in a Mac has
//! `.DS_Store`, one that was in a Windows machine `System Volume Information`.
//!
//! They are named and change nothing. Nothing that a format has a place for is ever one of them, whatever its name
//! looks like: whoever asks here has asked first whether it is content.

use std::sync::LazyLock;

/// The list, as it lies beside this crate; the offline page has it built in.
pub const LIST: &str = include_str!("../strays.txt");

/// The names in the list, each cut at its stars.
static NAMES: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| names().map(|name| name.split('*').collect()).collect());

/// The names in the list, with their stars.
pub fn names() -> impl Iterator<Item = &'static str> {
    // A name may begin with `#`; a remark has a blank after it, or nothing.
    LIST.lines().filter(|line| !(line.is_empty() || *line == "#" || line.starts_with("# ")))
}

/// Whether a name, without its folder, is one that systems and programs leave behind.
pub fn is_stray(name: &str) -> bool {
    // macOS ends the name of a folder's picture with a carriage return.
    let name = name.strip_suffix('\r').unwrap_or(name).to_ascii_lowercase();
    NAMES.iter().any(|parts| fits(&name, parts))
}

/// Whether what was left there holds what somebody has nowhere else: versions that were kept. It is not taken away.
pub fn holds_versions(stray: &str) -> bool {
    let name = stray.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    matches!(name.as_str(), ".git" | ".hg" | ".svn" | ".sync" | ".stversions")
}

/// The first part of a path that systems leave behind, up to its end: the path itself, or a folder above it.
pub fn stray_of(path: &str) -> Option<&str> {
    let mut end = 0;
    for part in path.split('/') {
        end += part.len();
        if is_stray(part) {
            return Some(&path[..end]);
        }
        end += 1;
    }
    None
}

/// Whether a name is the parts of a pattern with anything between them; `?` is a digit, `%` a letter or a digit.
fn fits(name: &str, parts: &[&str]) -> bool {
    let alike = |name: &[u8], part: &str| {
        name.len() == part.len()
            && name
                .iter()
                .zip(part.bytes())
                .all(|(n, p)| *n == p || (p == b'?' && n.is_ascii_digit()) || (p == b'%' && n.is_ascii_alphanumeric()))
    };
    let name = name.as_bytes();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return false };
    if parts.len() == 1 {
        return alike(name, first);
    }
    if name.len() < first.len() + last.len() || !alike(&name[..first.len()], first) {
        return false;
    }
    let mut rest = &name[first.len()..name.len() - last.len()];
    for part in &parts[1..parts.len() - 1] {
        let Some(at) = (0..=rest.len().saturating_sub(part.len()))
            .find(|at| rest.get(*at..*at + part.len()).is_some_and(|piece| alike(piece, part)))
        else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    alike(&name[name.len() - last.len()..], last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systems_leave_behind_is_known_by_its_name() {
        for name in [
            ".DS_Store",
            "._000.p",
            ".Spotlight-V100",
            ".Trashes",
            ".fseventsd",
            "Icon\r",
            "__MACOSX",
            ".com.apple.timemachine.donotpresent",
            "Thumbs.db",
            "THUMBS.DB",
            "desktop.ini",
            "System Volume Information",
            "$RECYCLE.BIN",
            "FOUND.000",
            "found.017",
            "LOST.DIR",
            ".directory",
            ".nfs000000000123abcd0001",
            ".fuse_hidden0000001",
            ".Trash-1000",
            "lost+found",
            "@eaDir",
            "#recycle",
            ".dropbox.cache",
            "~$visit.completed.xlsx",
            ".~lock.visit.completed.csv#",
            ".checkpoint.swp",
            "checkpoint~",
            "#policy#",
            ".#policy",
            "4913",
            "cso-league.pack.crdownload",
            "cso-league.pack:Zone.Identifier",
            "desktop.ini:x",
            ".nomedia",
            ".git",
            ".sync",
            ".picasa.ini",
            ".checkpoint.Ab12Cd",
            "checkpoint.filepart",
        ] {
            assert!(is_stray(name), "{name}");
        }
        for name in [
            "checkpoint",
            "manifest",
            "policy",
            "000",
            "x000",
            "000.p",
            "255",
            "verify.html",
            "visit.completed.csv",
            "cso-league.pack",
            "DS_Store",
            "Thumbs",
            "thumbs.db.csv",
            "FOUND.00",
            "found.abc",
            "icons",
            "491",
            "r0001.tlog-proof",
            "cso-league.0123456789abcdef.jsonl",
            "lost",
            "~",
            "",
            ".",
            "a#b",
            "checkpoint.Ab12Cd",
            ".checkpoint.Ab12C",
            "git",
            "recycle",
        ] {
            assert_eq!(is_stray(name), name == "~", "{name}");
        }
    }

    #[test]
    fn a_path_is_left_behind_with_the_folder_that_is() {
        for (path, stray) in [
            ("tile/.DS_Store", Some("tile/.DS_Store")),
            (".Spotlight-V100/Store-V2/x", Some(".Spotlight-V100")),
            ("System Volume Information/WPSettings.dat", Some("System Volume Information")),
            ("tile/entries/000.p/49", None),
            ("", None),
        ] {
            assert_eq!(stray_of(path), stray, "{path}");
        }
        assert!(names().count() > 60);
        for (path, holds) in [(".git", true), ("tile/.Git", true), (".gitattributes", false), (".DS_Store", false)] {
            assert_eq!(holds_versions(path), holds, "{path}");
        }
    }
}
