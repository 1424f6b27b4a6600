//! How far a folder had come, in a file beside it: what is lost from the folder, or put back from an older copy, is
//! noticed, and not begun anew in silence.
//!
//! `<folder>.reached` has a line `<name> <number>` each. It is written after the folder is, so a folder that was cut
//! short by a kill is ahead of it, which is fine; one that is behind it has lost something.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemas::base;

use crate::failure::Failure;
use crate::files;

/// What helps where the file itself is torn.
const WAY_OUT: &str = "put its newest copy back, with that of the folder beside it; without one \
                       `ledger fsck LEDGER --accept-loss` goes on with what is there";
/// Ending of the file's name.
const ENDING: &str = "reached";
/// Longest file, in bytes.
const FILE_BYTES_MAX: usize = 4_096;

/// The numbers of one folder.
#[derive(Clone, Debug)]
pub struct Reached {
    path: PathBuf,
}

impl Reached {
    /// Those beside a folder.
    pub fn beside(folder: &Path) -> Self {
        let mut path = folder.as_os_str().to_owned();
        path.push(".");
        path.push(ENDING);
        Self { path: path.into() }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it says; nothing where it is not there.
    ///
    /// # Errors
    /// [`Failure::Lost`] if it is not as it was written, [`Failure::Io`].
    pub fn read(&self) -> Result<Option<BTreeMap<String, u64>>, Failure> {
        let Some(bytes) = files::read(&self.path, FILE_BYTES_MAX)? else { return Ok(None) };
        let damaged = |line| Failure::bent(&self.path, line, WAY_OUT);
        let text = std::str::from_utf8(&bytes).map_err(|_| damaged(1))?;
        let whole = text.is_empty() || text.ends_with('\n');
        let line = |line: &str| {
            let (name, number) = line.split_once(' ')?;
            Some((name.to_owned(), base::from_decimal(number)?))
        };
        let lines = (1..).zip(text.lines()).map(|(at, text)| line(text).filter(|_| whole).ok_or_else(|| damaged(at)));
        lines.collect::<Result<_, _>>().map(Some)
    }

    /// Puts these numbers there; on the disk when this returns.
    ///
    /// # Errors
    /// [`Failure::Io`], [`Failure::Full`].
    pub fn keep(&self, numbers: &[(&str, u64)]) -> Result<(), Failure> {
        let text: String = numbers.iter().map(|(name, number)| format!("{name} {number}\n")).collect();
        files::replace(&self.path, text.as_bytes())
    }

    /// Refuses a folder that has less than it once had. What it `has` now is asked with the names that were kept; a
    /// folder with anything in it has its file too.
    ///
    /// # Errors
    /// [`Failure::Lost`] with the way out.
    pub fn demand(&self, has: &[(&str, u64)], way_out: &'static str) -> Result<(), Failure> {
        Self::compare(self.read()?, &self.path, has, way_out)
    }

    /// The same with numbers that were read before the folder was.
    ///
    /// # Errors
    /// As [`Reached::demand`].
    pub fn compare(
        kept: Option<BTreeMap<String, u64>>,
        path: &Path,
        has: &[(&str, u64)],
        way_out: &'static str,
    ) -> Result<(), Failure> {
        let lost = |what| Failure::Lost { path: path.to_owned(), what, way_out };
        let Some(kept) = kept else {
            return if has.iter().all(|(_, number)| *number == 0) {
                Ok(())
            } else {
                Err(lost("it is gone, so nothing says whether what lies in the folder beside it is all".to_owned()))
            };
        };
        if has.iter().any(|(name, _)| !kept.contains_key(*name)) {
            return Err(lost(
                "it is empty or cut, so nothing says whether what lies in the folder beside it is all".to_owned(),
            ));
        }
        let behind: Vec<String> = has
            .iter()
            .filter_map(|(name, now)| {
                let then = kept.get(*name).copied().unwrap_or_default();
                (*now < then).then(|| format!("{now} of {then} ({name})"))
            })
            .collect();
        if behind.is_empty() {
            return Ok(());
        }
        Err(lost(format!(
            "the folder beside it was emptied, cut or put back from an older copy: it holds {}",
            behind.join(", ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_behind_is_told_and_one_ahead_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let reached = Reached::beside(&folder.path().join("outbox"));
        let demand = |has: &[(&str, u64)]| reached.demand(has, "put it back");
        demand(&[("files", 0), ("parcels", 0)]).unwrap();
        let lost = demand(&[("files", 1), ("parcels", 3)]).unwrap_err().to_string();
        assert!(lost.contains("it is gone") && lost.contains("put it back"), "{lost}");
        reached.keep(&[("files", 2), ("parcels", 7)]).unwrap();
        for (files, parcels, told) in [
            (2, 7, None),
            (3, 9, None),
            (1, 7, Some("1 of 2 (files)")),
            (2, 6, Some("6 of 7 (parcels)")),
            (0, 0, Some("0 of 7")),
        ] {
            let said = demand(&[("files", files), ("parcels", parcels)]).err().map(|why| why.to_string());
            match told {
                None => assert_eq!(said, None),
                Some(words) => assert!(said.as_ref().is_some_and(|said| said.contains(words)), "{said:?}"),
            }
        }
        for empty in ["", "files 2\n"] {
            files::replace(reached.path(), empty.as_bytes()).unwrap();
            let lost = demand(&[("files", 2), ("parcels", 7)]).unwrap_err().to_string();
            assert!(lost.contains("it is empty or cut"), "{lost}");
        }
        for bent in ["files", "files x\n", "files 2\nparcels 7", "files 02\n"] {
            files::replace(reached.path(), bent.as_bytes()).unwrap();
            assert!(matches!(demand(&[]), Err(Failure::Lost { .. })), "{bent:?}");
        }
    }
}
