//! Runs the vectors that ask what may be believed: signatures, trees, the index, and the
//! signatures of the golden events. The files lie in `schemas/vectors`. FORMAT.md 21.

mod batches;
mod bundles;
mod erasures;
mod index;
mod logs;
mod own;
mod packs;
#[allow(dead_code)] // the golden events' openings are the other crate's
#[path = "../../../schemas/tests/vectors/reader.rs"]
mod reader;
mod signature;
mod tree;

use reader::Vector;
use schemas::hash::Hash;

/// The lines `name: value` of a body, taken from the front.
struct Lines<'a> {
    name: &'a str,
    rest: Vec<(&'a str, &'a str)>,
}

impl<'a> Lines<'a> {
    fn of(vector: &'a Vector) -> Self {
        let text = std::str::from_utf8(&vector.body).unwrap();
        let line = |line: &'a str| line.split_once(':').map(|(name, value)| (name, value.trim_start_matches(' ')));
        let mut rest: Vec<_> =
            text.lines().map(|l| line(l).unwrap_or_else(|| panic!("{}: {l}", vector.name))).collect();
        rest.reverse();
        Self { name: &vector.name, rest }
    }

    /// The value of the next line, which has that name.
    fn take(&mut self, name: &str) -> &'a str {
        self.if_any(name).unwrap_or_else(|| panic!("{}: the line {name} is not in its place", self.name))
    }

    fn if_any(&mut self, name: &str) -> Option<&'a str> {
        self.rest.pop_if(|(found, _)| *found == name).map(|(_, value)| value)
    }

    fn all(&mut self, name: &str) -> Vec<&'a str> {
        std::iter::from_fn(|| self.if_any(name)).collect()
    }

    fn number(&mut self, name: &str) -> u64 {
        schemas::base::from_decimal(self.take(name)).unwrap()
    }

    fn hash(&mut self, name: &str) -> Hash {
        hash(self.take(name))
    }

    fn hex(&mut self, name: &str) -> Vec<u8> {
        schemas::base::from_hex(self.take(name)).unwrap()
    }

    fn end(&self) {
        assert!(self.rest.is_empty(), "{}: lines that nobody reads: {:?}", self.name, self.rest);
    }
}

fn hash(text: &str) -> Hash {
    Hash::from_hex(text).unwrap()
}
