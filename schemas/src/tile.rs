//! C2SP tlog-tiles: where hashes and entries lie as static files. FORMAT.md 7.

use crate::hash::Hash;

/// Hashes in a full tile, entries in a full bundle: 2^8.
pub const TILE_WIDTH: u64 = 256;

/// One tile: hashes of a level, or a bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Level of hash tiles; `None` for entries.
    pub level: Option<u8>,
    /// Index within its level.
    pub index: u64,
    /// Items in it, 1 to 256.
    pub width: u64,
}

impl Tile {
    /// Its path, such as `tile/0/x001/067.p/8`.
    pub fn path(&self) -> String {
        let level = self.level.map_or_else(|| "entries".to_owned(), |l| l.to_string());
        let partial = if self.width < TILE_WIDTH { format!(".p/{}", self.width) } else { String::new() };
        format!("tile/{level}/{}{partial}", index_path(self.index))
    }

    /// The tile that such a path names; only the one spelling.
    pub fn of_path(path: &str) -> Option<Self> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = match level {
            "entries" => None,
            level => Some(u8::try_from(crate::base::from_decimal(level)?).ok()?),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index_of(index)?, crate::base::from_decimal(width)?),
            None => (index_of(rest)?, TILE_WIDTH),
        };
        let tile = Self { level, index, width };
        ((1..=TILE_WIDTH).contains(&width) && tile.path() == path).then_some(tile)
    }

    /// Whether a log of `size` entries has this tile, as wide as it is.
    pub fn is_of(&self, size: u64) -> bool {
        let items = size.checked_shr(8 * u32::from(self.level.unwrap_or(0))).unwrap_or(0);
        self.index < items.div_ceil(TILE_WIDTH) && self.width == (items - self.index * TILE_WIDTH).min(TILE_WIDTH)
    }

    /// All tiles of a log of `size` entries: bundles of entries, then hash tiles level by level.
    pub fn all(size: u64) -> Vec<Self> {
        let mut tiles = Vec::new();
        let mut of_level = |level: Option<u8>, items: u64| {
            for index in 0..items.div_ceil(TILE_WIDTH) {
                let width = (items - index * TILE_WIDTH).min(TILE_WIDTH);
                tiles.push(Self { level, index, width });
            }
        };
        of_level(None, size);
        let (mut level, mut items) = (0, size);
        while items > 0 {
            of_level(Some(level), items);
            level += 1;
            items /= TILE_WIDTH;
        }
        tiles
    }
}

/// An index in groups of three digits: `x001/x234/067`.
pub fn index_path(index: u64) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    path
}

/// The index that such a path names; only the one spelling.
pub fn index_of(path: &str) -> Option<u64> {
    let digits = path.split('/').map(|group| group.strip_prefix('x').unwrap_or(group)).collect::<String>();
    let significant = digits.trim_start_matches('0');
    let index = crate::base::from_decimal(if significant.is_empty() { "0" } else { significant })?;
    (index_path(index) == path).then_some(index)
}

/// A bundle of entries: each preceded by its length as u16.
pub fn bundle_bytes<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).expect("an entry is at most 65,535 bytes");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(entry);
    }
    out
}

/// The next entry of a bundle, taken off its front; `None` if no whole one is left.
pub fn next_entry<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<2>()?;
    let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    *rest = after;
    Some(entry)
}

/// The entries of a bundle; `None` if it does not hold exactly `width` of them.
pub fn split_bundle(mut bytes: &[u8], width: u64) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while let Some(entry) = next_entry(&mut bytes) {
        entries.push(entry);
    }
    (bytes.is_empty() && entries.len() as u64 == width).then_some(entries)
}

/// The hashes of a tile; `None` if it does not hold exactly `width` of them.
pub fn split_hashes(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    (rest.is_empty() && hashes.len() as u64 == width).then(|| hashes.iter().map(|h| Hash(*h)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        // The example of C2SP tlog-tiles.
        assert_eq!(Tile { level: Some(0), index: 1_234_067, width: 256 }.path(), "tile/0/x001/x234/067");
        assert_eq!(Tile { level: None, index: 7, width: 8 }.path(), "tile/entries/007.p/8");
        for path in ["tile/0/x001/x234/067", "tile/entries/007.p/8", "tile/63/000.p/1"] {
            assert_eq!(Tile::of_path(path).map(|tile| tile.path()).as_deref(), Some(path));
        }
        for path in [
            "tile/0/7",
            "tile/00/007",
            "tile/0/007.p/0",
            "tile/0/007.p/256",
            "tile/0/007.p/08",
            "x/0/007",
            "tile/256/000",
        ] {
            assert_eq!(Tile::of_path(path), None, "{path}");
        }
        for (path, index) in [
            ("000", Some(0)),
            ("x001/x234/067", Some(1_234_067)),
            ("x001/000", Some(1_000)),
            ("", None),
            ("7", None),
            ("0007", None),
            ("x000/007", None),
            ("001/000", None),
            ("x001", None),
            ("000.p/8", None),
            ("x018/x446/x744/x073/x709/x551/616", None),
        ] {
            assert_eq!(index_of(path), index, "{path}");
        }
    }

    #[test]
    fn a_log_has_these_tiles() {
        let paths = |size| Tile::all(size).iter().map(Tile::path).collect::<Vec<_>>();
        assert!(paths(0).is_empty());
        assert_eq!(paths(1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
        assert_eq!(
            paths(70_000)[270..276],
            [
                "tile/entries/270",
                "tile/entries/271",
                "tile/entries/272",
                "tile/entries/273.p/112",
                "tile/0/000",
                "tile/0/001"
            ]
        );
        assert_eq!(paths(70_000)[548..], ["tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]);
    }

    #[test]
    fn bundles_are_exact() {
        let bytes = bundle_bytes([b"one".as_slice(), b""]);
        assert_eq!(split_bundle(&bytes, 2), Some(vec![b"one".as_slice(), b""]));
        assert_eq!(split_bundle(&bytes, 1), None);
        for cut in 0..bytes.len() {
            assert_eq!(split_bundle(&bytes[..cut], 2), None);
        }
    }
}
