//! Where this ledger has put files that bear its log's signature: mirrors, bundles, a second anchor.
//!
//! Each start asks what lies there, so that a folder that was put back from a backup is told by what it wrote elsewhere
//! since. The list is a file `places` in the ledger's folder, a line each: `anchor PATH`, `bundle PATH`, `archive PATH`; the
//! last line, `digest HEX`, is over the bytes before it. It is there from the beginning: a list that is gone, or not as it
//! was written, is refused, for a start that asks nobody cannot tell an old copy from the newest.

use std::path::{Path, PathBuf};

use schemas::hash::Hash;

use crate::failure::Failure;
use crate::files;
use crate::home::Home;

/// Bundles and archives that are remembered; of more, those that were written last.
const REMEMBERED_MAX: usize = 8;
/// Longest list, in bytes.
const LIST_BYTES_MAX: usize = 1 << 16;
/// Word before the digest, in the last line.
const DIGEST: &str = "digest";
/// What helps where the list is gone or torn.
const WAY_OUT: &str = "put its newest copy back: without it no start asks the mirrors and bundles that tell an older copy of \
                       this ledger from the newest. Without a copy, and if this folder was not put back from a backup: \
                       `ledger fsck LEDGER --accept-loss` goes on with the lines that can still be read";

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
    /// Those that the ledger in a folder remembers; none where no ledger is yet.
    ///
    /// # Errors
    /// [`Failure::Lost`] if the list is gone or not as it was written; [`Failure`] if it cannot be read.
    pub fn of(home: &Home) -> Result<Self, Failure> {
        let lost = |what: &str| Failure::Lost { path: home.places(), what: what.to_owned(), way_out: WAY_OUT };
        match files::read(&home.places(), LIST_BYTES_MAX)? {
            Some(bytes) => Self::parse(&bytes).ok_or_else(|| {
                let what = if bytes.is_empty() { "it is empty" } else { "it is not as it was written" };
                lost(&format!("{what}, so nothing says which mirrors and bundles must be asked"))
            }),
            None if home.checkpoint().exists() => {
                Err(lost("the list of mirrors and bundles, which a ledger has from its beginning, is gone"))
            }
            None => Ok(Self::default()),
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let body = text.strip_suffix('\n')?;
        let (list, last) = body.split_at(body.rfind('\n').map_or(0, |end| end + 1));
        (last == digest_line(list)).then_some(())?;
        list.lines().map(line).collect::<Option<_>>().map(Self)
    }

    /// Goes on with what can still be read of a list that is gone or torn, and writes it anew.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be read at all, or not be written.
    pub fn accept_loss(home: &Home) -> Result<(), Failure> {
        match Self::of(home) {
            Err(Failure::Lost { .. }) => {
                let bytes = files::read(&home.places(), LIST_BYTES_MAX)?.unwrap_or_default();
                Self(String::from_utf8_lossy(&bytes).lines().filter_map(line).collect()).write(home)
            }
            other => other.map(drop),
        }
    }

    /// Begins the list of a new ledger; one that is there stays.
    ///
    /// # Errors
    /// [`Failure`] if it cannot be written.
    pub(crate) fn begin(home: &Home) -> Result<(), Failure> {
        if home.places().exists() { Ok(()) } else { Self::default().write(home) }
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
        // As it is, not as it is shown: it is opened again by this name.
        let line = |(lies, path): &(Lies, PathBuf)| format!("{} {}\n", lies.word(), path.to_string_lossy());
        let list: String = self.0.iter().map(line).collect();
        files::replace(&home.places(), format!("{list}{}\n", digest_line(&list)).as_bytes())
    }
}

/// One place of the list.
fn line(text: &str) -> Option<(Lies, PathBuf)> {
    let (word, path) = text.split_once(' ')?;
    let (lies, _) = Lies::ALL.into_iter().find(|(_, own)| *own == word)?;
    Some((lies, PathBuf::from(path)))
}

/// The last line, without its end.
fn digest_line(list: &str) -> String {
    format!("{DIGEST} {}", Hash::of(&[list.as_bytes()]).to_hex())
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

    #[test]
    fn a_list_that_is_not_as_it_was_written_is_told_and_never_taken_for_none() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        assert_eq!(Places::of(&home).unwrap(), Places::default(), "no ledger is here yet");
        Places::begin(&home).unwrap();
        assert_eq!(Places::of(&home).unwrap(), Places::default());
        for path in ["/disk/one", "/disk/deux \u{202e}txt"] {
            Places::remember(&home, Lies::Bundle, Path::new(path)).unwrap();
        }
        let kept = Places::of(&home).unwrap();
        assert_eq!(kept.iter().last(), Some((Lies::Bundle, Path::new("/disk/deux \u{202e}txt"))));
        let bytes = files::read(&home.places(), 4_096).unwrap().unwrap();
        let told = |torn: &[u8]| {
            std::fs::write(home.places(), torn).unwrap();
            let why = Places::of(&home).unwrap_err();
            assert!(matches!(why, Failure::Lost { .. }), "{torn:?}: {why}");
            assert!(why.to_string().contains("--accept-loss"), "{why}");
        };
        // Cut anywhere, at the ends of lines above all; each byte another; zeros; a line more, or taken out.
        (0..bytes.len()).for_each(|end| told(&bytes[..end]));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            told(&flipped);
        }
        told(&vec![0; bytes.len()]);
        told(&[&bytes[..], b"bundle /disk/three\n"].concat());
        told(&bytes[bytes.iter().position(|b| *b == b'\n').unwrap() + 1..]);
        // What can be read is kept by whoever says so in words.
        std::fs::write(home.places(), &bytes[..20]).unwrap();
        Places::accept_loss(&home).unwrap();
        assert_eq!(Places::of(&home).unwrap().iter().next(), Some((Lies::Bundle, Path::new("/disk/one"))));
        std::fs::write(home.checkpoint(), "there is a ledger").unwrap();
        std::fs::remove_file(home.places()).unwrap();
        assert!(Places::of(&home).unwrap_err().to_string().contains("from its beginning, is gone"));
        Places::accept_loss(&home).unwrap();
        assert_eq!(Places::of(&home).unwrap(), Places::default());
    }
}
