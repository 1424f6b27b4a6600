//! Where this ledger has put files that bear its log's signature: mirrors, bundles, a second anchor.
//!
//! Each start asks what lies there, so that a folder that was put back from a backup is told by what it wrote elsewhere
//! since. The list is a file `places` in the ledger's folder, a line each: `anchor PATH`, `bundle PATH`, `archive PATH`.

use schemas::visible::Show as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::files;
use crate::home::Home;

/// Bundles and archives that are remembered; of more, those that were written last.
const REMEMBERED_MAX: usize = 8;
/// Longest list, in bytes.
const LIST_BYTES_MAX: usize = 1 << 16;

/// What lies at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lies {
    /// The second pair of files with the last signed checkpoint.
    Anchor,
    /// A bundle or mirror, a folder.
    Bundle,
    /// A bundle as one file.
    Archive,
}

impl Lies {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Anchor, "anchor"), (Self::Bundle, "bundle"), (Self::Archive, "archive")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(lies, _)| *lies == self).map_or("", |(_, word)| word)
    }
}

/// The places of one ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places(Vec<(Lies, PathBuf)>);

impl Places {
    /// Those that the ledger in a folder remembers; a line that is none is passed over.
    ///
    /// # Errors
    /// [`Failure`] if the list cannot be read.
    pub fn of(home: &Home) -> Result<Self, Failure> {
        let bytes = files::read(&home.places(), LIST_BYTES_MAX)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let line = |line: &str| {
            let (word, path) = line.split_once(' ')?;
            let (lies, _) = Lies::ALL.into_iter().find(|(_, own)| *own == word)?;
            Some((lies, PathBuf::from(path)))
        };
        Ok(Self(text.lines().filter_map(line).collect()))
    }

    /// Each place.
    pub fn iter(&self) -> impl Iterator<Item = (Lies, &Path)> {
        self.0.iter().map(|(lies, path)| (*lies, path.as_path()))
    }

    /// The second place of the anchor.
    pub fn anchor(&self) -> Option<&Path> {
        self.iter().find(|(lies, _)| *lies == Lies::Anchor).map(|(_, path)| path)
    }

    /// Remembers a place; the folder of the ledger is written only where that is new.
    ///
    /// # Errors
    /// [`Failure`] if the list cannot be written.
    pub fn remember(home: &Home, lies: Lies, path: &Path) -> Result<(), Failure> {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        // A name that is no text, or of two lines, cannot stand in the list: it is asked when it is named again.
        if absolute.to_str().is_none_or(|text| text.contains('\n')) {
            return Ok(());
        }
        let mut places = Self::of(home)?;
        let before = places.clone();
        if lies == Lies::Anchor {
            places.0.retain(|(other, _)| *other != lies);
        }
        if !places.0.contains(&(lies, absolute.clone())) {
            places.0.push((lies, absolute));
        }
        let copies = places.0.iter().filter(|(lies, _)| *lies != Lies::Anchor).count();
        for _ in REMEMBERED_MAX..copies {
            if let Some(oldest) = places.0.iter().position(|(lies, _)| *lies != Lies::Anchor) {
                places.0.remove(oldest);
            }
        }
        if places == before { Ok(()) } else { places.write(home) }
    }

    /// Forgets the second place of the anchor.
    ///
    /// # Errors
    /// [`Failure`] if the list cannot be written.
    pub fn forget_anchor(home: &Home) -> Result<(), Failure> {
        let mut places = Self::of(home)?;
        places.0.retain(|(lies, _)| *lies != Lies::Anchor);
        places.write(home)
    }

    fn write(&self, home: &Home) -> Result<(), Failure> {
        let line = |(lies, path): &(Lies, PathBuf)| format!("{} {}\n", lies.word(), path.shown());
        files::replace(&home.places(), self.0.iter().map(line).collect::<String>().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_places_and_one_anchor_are_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        for number in 0..12 {
            Places::remember(&home, Lies::Anchor, Path::new(&format!("/disk/anchor-{number}"))).unwrap();
            Places::remember(&home, Lies::Bundle, Path::new(&format!("/disk/bundle {number}"))).unwrap();
            Places::remember(&home, Lies::Bundle, Path::new("/disk/two\nlines")).unwrap();
        }
        let places = Places::of(&home).unwrap();
        assert_eq!(places.anchor(), Some(Path::new("/disk/anchor-11")));
        let bundles: Vec<&Path> = places.iter().filter(|(lies, _)| *lies == Lies::Bundle).map(|(_, p)| p).collect();
        assert_eq!(bundles.len(), REMEMBERED_MAX);
        assert_eq!((bundles[0], bundles[7]), (Path::new("/disk/bundle 4"), Path::new("/disk/bundle 11")));
        Places::forget_anchor(&home).unwrap();
        assert_eq!(Places::of(&home).unwrap().anchor(), None);
    }
}
